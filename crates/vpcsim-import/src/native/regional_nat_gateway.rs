//! `regional_nat_gateways:` of a VPC.

use std::net::Ipv4Addr;

use vpcsim_aws::devices::RegionalNatGateway;
use vpcsim_aws::devices::regional_nat_gateway::ServedZone;
use vpcsim_aws::{AnyId, Findings};

use super::context::{Context, Scope};
use super::nat_gateway::STATES;
use super::network_interface::read_elastic;
use super::node::Entry;
use super::registry::Noun;
use super::shape::{Fields, Record, Shape, key};
use super::subnet::zone_name;

const RECORD: Record = Record::plain(
    "regional_nat_gateway",
    &[
        key(
            "zones",
            Shape::Named(&Shape::Many(&Shape::Text)),
            "The zones that it serves, each with its Elastic IP addresses or their names; else all of the VPC.",
        ),
        key(
            "expands",
            Shape::Flag,
            "Whether it comes to further zones by itself; the default is true if it names none.",
        ),
        key(
            "route_table",
            Shape::Text,
            "Its own route table; else one that leads to the internet gateway.",
        ),
        key(
            "state",
            Shape::Choice(&["pending", "failed", "available", "deleting", "deleted"]),
            "Its state.",
        ),
        key("id", Shape::Text, "AWS's id."),
        key("tags", Shape::Named(&Shape::Text), "Tags."),
    ],
);

/// The registration.
pub(crate) const NOUN: Noun = Noun {
    key: "regional_nat_gateways",
    about: "Regional NAT gateways: one for all zones of the VPC.",
    shape: Shape::Optional(&RECORD),
    declare,
    connect: Some(connect),
};

fn declare(context: &mut Context<'_>, scope: Scope, entry: &Entry) -> Option<AnyId> {
    let vpc = scope.vpc?;
    let what = format!("regional NAT gateway `{}`", entry.key);
    let fields = Fields::check(&entry.value, &RECORD, &what, context.findings);
    let label = context.label(entry, &fields);
    let mut zones = Vec::new();
    for zone in fields.named("zones", context.findings) {
        let mut addresses: Vec<Ipv4Addr> = Vec::new();
        for node in zone.value.items() {
            addresses.extend(read_elastic(context, scope, node));
        }
        zones.push(ServedZone {
            availability_zone: zone_name(&zone.key, &context.topology.vpcs[vpc].region),
            addresses,
        });
    }
    let state = fields
        .find("state")
        .and_then(|node| node.choice(&STATES, context.findings));
    let gateway = RegionalNatGateway {
        label,
        vpc,
        state: state.unwrap_or_default(),
        expands: fields
            .flag("expands", context.findings)
            .unwrap_or(zones.is_empty()),
        zones,
        route_table: None,
    };
    let id = context.topology.regional_nat_gateways.push(gateway);
    Some(context.enter(id, scope))
}

fn connect(context: &mut Context<'_>, scope: Scope, entry: &Entry, any: AnyId) {
    let Some(id) = any.downcast::<RegionalNatGateway>() else {
        return;
    };
    let fields = Fields::check(&entry.value, &RECORD, "", &mut Findings::default());
    let table = context.reference_under(scope, &fields, "route_table");
    context.topology.regional_nat_gateways[id].route_table = table;
}
