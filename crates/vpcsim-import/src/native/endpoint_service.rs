//! `endpoint_services:` of a design.

use vpcsim_aws::devices::{EndpointService, LoadBalancer};
use vpcsim_aws::{AnyId, Findings, Id};

use super::context::{Context, Scope};
use super::node::Entry;
use super::registry::Noun;
use super::shape::{Fields, Record, Shape, key};

const RECORD: Record = Record::plain(
    "endpoint_service",
    &[
        key(
            "load_balancers",
            Shape::Many(&Shape::Text),
            "Its Network Load Balancers, with their VPC's name if need be: `provider/front`.",
        )
        .or(&["load_balancer"]),
        key(
            "allowed_principals",
            Shape::Many(&Shape::Text),
            "Who of other accounts may make endpoints: numbers of accounts, ARNs, or `*`.",
        ),
        key(
            "private_dns_name",
            Shape::Text,
            "A name that clients can use for it.",
        ),
        key(
            "private_dns_verified",
            Shape::Flag,
            "Whether the domain of that name is verified; the default is true.",
        ),
        key(
            "service_name",
            Shape::Text,
            "Its full name, as in `com.amazonaws.vpce.eu-west-1.vpce-svc-0123`.",
        ),
        key("id", Shape::Text, "AWS's id."),
        key("tags", Shape::Named(&Shape::Text), "Tags."),
    ],
);

/// The registration.
pub(crate) const NOUN: Noun = Noun {
    key: "endpoint_services",
    about: "Endpoint services: load balancers that endpoints of other VPCs lead to.",
    shape: Shape::Record(&RECORD),
    declare,
    connect: Some(connect),
};

#[expect(
    clippy::unnecessary_wraps,
    reason = "the registry takes functions of this shape"
)]
fn declare(context: &mut Context<'_>, scope: Scope, entry: &Entry) -> Option<AnyId> {
    let what = format!("endpoint service `{}`", entry.key);
    let fields = Fields::check(&entry.value, &RECORD, &what, context.findings);
    let label = context.label(entry, &fields);
    let mut allowed_principals = Vec::new();
    for node in fields.items("allowed_principals") {
        allowed_principals.extend(node.text("a principal", context.findings).map(str::to_owned));
    }
    let mut text = |key| fields.text(key, context.findings).map(str::to_owned);
    let (service_name, private_dns_name) = (text("service_name"), text("private_dns_name"));
    let service = EndpointService {
        label,
        service_name,
        load_balancers: Vec::new(),
        allowed_principals,
        private_dns_name,
        private_dns_verified: fields
            .flag("private_dns_verified", context.findings)
            .unwrap_or(true),
    };
    let id = context.topology.endpoint_services.push(service);
    Some(context.enter(id, scope))
}

fn connect(context: &mut Context<'_>, scope: Scope, entry: &Entry, any: AnyId) {
    let Some(id) = any.downcast::<EndpointService>() else {
        return;
    };
    let fields = Fields::check(&entry.value, &RECORD, "", &mut Findings::default());
    let nodes = fields.items("load_balancers").iter();
    let balancers: Vec<Id<LoadBalancer>> = nodes.filter_map(|node| context.reference(scope, node)).collect();
    context.topology.endpoint_services[id].load_balancers = balancers;
}
