//! `elastic_ips:` of a design.

use vpcsim_aws::AnyId;
use vpcsim_aws::devices::ElasticIp;

use super::context::{Context, Scope};
use super::node::{Entry, Value};
use super::registry::Noun;
use super::shape::{Fields, Record, Shape, key};

const RECORD: Record = Record::plain(
    "elastic_ip",
    &[
        key("address", Shape::Address, "The address; else a free one."),
        key(
            "associated",
            Shape::Flag,
            "Whether something has it; else that is seen from the design.",
        ),
        key("id", Shape::Text, "AWS's id."),
        key("tags", Shape::Named(&Shape::Text), "Tags."),
    ],
);

/// The registration.
pub(crate) const NOUN: Noun = Noun {
    key: "elastic_ips",
    about: "Elastic IP addresses that interfaces and NAT gateways refer to by name.",
    shape: Shape::Either(&[Shape::Address, Shape::Optional(&RECORD)]),
    declare,
    connect: Some(connect),
};

fn declare(context: &mut Context<'_>, scope: Scope, entry: &Entry) -> Option<AnyId> {
    let (label, address) = if matches!(entry.value.value, Value::Mapping(_)) || entry.value.is_null() {
        let what = format!("Elastic IP address `{}`", entry.key);
        let fields = Fields::check(&entry.value, &RECORD, &what, context.findings);
        let address = fields.find("address").map(|node| node.address(context.findings));
        (
            context.label(entry, &fields),
            address.unwrap_or_else(|| context.take_public(entry.key_origin))?,
        )
    } else {
        let label = vpcsim_aws::Label {
            origin: entry.key_origin,
            ..vpcsim_aws::Label::named(&entry.key)
        };
        (label, entry.value.address(context.findings)?)
    };
    let id = context.topology.elastic_ips.push(ElasticIp {
        label,
        address,
        associated: false,
    });
    Some(context.enter(id, scope))
}

/// What has the address is known when everything is declared.
fn connect(context: &mut Context<'_>, _: Scope, entry: &Entry, any: AnyId) {
    let Some(id) = any.downcast::<ElasticIp>() else {
        return;
    };
    let written = if entry.value.is_mapping() {
        let fields = Fields::check(&entry.value, &RECORD, "", &mut vpcsim_aws::Findings::default());
        fields.flag("associated", context.findings)
    } else {
        None
    };
    let wanted = Some(context.topology.elastic_ips[id].address);
    let interfaces = context.topology.network_interfaces.iter();
    let of_interface = || {
        interfaces
            .flat_map(|(_, row)| &row.addresses)
            .any(|address| address.public == wanted)
    };
    let gateways = context.topology.nat_gateways.iter();
    let of_gateway = || {
        gateways
            .flat_map(|(_, row)| &row.addresses)
            .any(|address| address.public == wanted)
    };
    let associated = written.unwrap_or_else(|| of_interface() || of_gateway());
    context.topology.elastic_ips[id].associated = associated;
}
