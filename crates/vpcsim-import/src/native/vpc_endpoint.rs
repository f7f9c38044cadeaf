//! `vpc_endpoints:` of a VPC.

use vpcsim_aws::devices::vpc_endpoint::{EndpointForm, EndpointState, Service};
use vpcsim_aws::devices::{EndpointService, NetworkInterface, RouteTable, SecurityGroup, VpcEndpoint};
use vpcsim_aws::{AnyId, Findings, Id};

use super::context::{Context, Scope};
use super::node::Entry;
use super::registry::Noun;
use super::shape::{Fields, Record, Shape, key};

const RECORD: Record = Record::plain(
    "vpc_endpoint",
    &[
        key(
            "service",
            Shape::Text,
            "The service: an endpoint service of the design, `s3`, or in full `com.amazonaws.eu-west-1.s3`.",
        ),
        key(
            "unmodelled",
            Shape::Text,
            "The name of a service that the simulator does not model, instead of `service`.",
        ),
        key(
            "type",
            Shape::Choice(&["gateway", "interface"]),
            "Its form; the default is gateway if it has route tables, else interface.",
        ),
        key(
            "route_tables",
            Shape::Many(&Shape::Text),
            "Of a gateway endpoint: the route tables that get a route to it.",
        )
        .or(&["route_table"]),
        key(
            "subnets",
            Shape::Many(&Shape::Text),
            "Of an interface endpoint: the subnets that get an interface, one in each zone.",
        )
        .or(&["subnet"]),
        key(
            "interfaces",
            Shape::Many(&Shape::Text),
            "Its managed network interfaces, if the design has them, instead of the subnets.",
        ),
        key(
            "security_groups",
            Shape::Many(&Shape::Text),
            "Its security groups; without any it is in the VPC's default one.",
        ),
        key(
            "private_dns",
            Shape::Flag,
            "Whether the service's public name stands for it inside the VPC; the default is false.",
        ),
        key(
            "dns_names",
            Shape::Many(&Shape::Text),
            "Its own names in the DNS: the regional one, then those of the zones.",
        ),
        key(
            "state",
            Shape::Choice(&["available", "pending", "rejected"]),
            "Its state.",
        ),
        key("id", Shape::Text, "AWS's id."),
        key("tags", Shape::Named(&Shape::Text), "Tags."),
    ],
);

/// The registration.
pub(crate) const NOUN: Noun = Noun {
    key: "vpc_endpoints",
    about: "VPC endpoints: ways to services that do not lead over the internet.",
    shape: Shape::Record(&RECORD),
    declare,
    connect: Some(connect),
};

/// The spellings of the states.
pub(crate) const STATES: [(&str, EndpointState); 3] = [
    ("available", EndpointState::Available),
    ("pending", EndpointState::Pending),
    ("rejected", EndpointState::Rejected),
];

fn declare(context: &mut Context<'_>, scope: Scope, entry: &Entry) -> Option<AnyId> {
    let what = format!("VPC endpoint `{}`", entry.key);
    let fields = Fields::check(&entry.value, &RECORD, &what, context.findings);
    let label = context.label(entry, &fields);
    let unmodelled = fields.text("unmodelled", context.findings);
    let service = match (fields.text("service", context.findings), unmodelled) {
        (_, Some(name)) => Service::named(name),
        (Some(name), None) => Service::named(&context.full_service_name(scope, name)),
        (None, None) => {
            context.error(
                "missing-key",
                entry.key_origin,
                format!("{what} needs a `service`"),
            );
            return None;
        }
    };
    let tables: Vec<Id<RouteTable>> = references(context, scope, &fields, "route_tables");
    let kinds = [("gateway", true), ("interface", false)];
    let kind = fields
        .find("type")
        .and_then(|node| node.choice(&kinds, context.findings));
    let form = if kind.unwrap_or(fields.find("route_tables").is_some()) {
        EndpointForm::Gateway { route_tables: tables }
    } else {
        interface_form(context, scope, entry, &fields)
    };
    let state = fields
        .find("state")
        .and_then(|node| node.choice(&STATES, context.findings));
    let endpoint = VpcEndpoint {
        label,
        vpc: scope.vpc?,
        service,
        state: state.unwrap_or_default(),
        form,
    };
    let id = context.topology.vpc_endpoints.push(endpoint);
    Some(context.enter(id, scope))
}

/// A service of the design goes before one of AWS of the same name.
fn connect(context: &mut Context<'_>, _: Scope, entry: &Entry, any: AnyId) {
    let Some(id) = any.downcast::<VpcEndpoint>() else {
        return;
    };
    let fields = Fields::check(&entry.value, &RECORD, "", &mut Findings::default());
    let named = fields
        .text("service", &mut Findings::default())
        .unwrap_or_default();
    if let Some(own) = context.names.find::<EndpointService>(None, named) {
        context.topology.vpc_endpoints[id].service = Service::Own(own);
    }
}

fn references<T: vpcsim_aws::Resource>(
    context: &mut Context<'_>,
    scope: Scope,
    fields: &Fields<'_>,
    key: &str,
) -> Vec<Id<T>> {
    let nodes = fields.items(key).iter();
    nodes.filter_map(|node| context.reference(scope, node)).collect()
}

fn interface_form(
    context: &mut Context<'_>,
    scope: Scope,
    entry: &Entry,
    fields: &Fields<'_>,
) -> EndpointForm {
    let mut interfaces: Vec<Id<NetworkInterface>> = references(context, scope, fields, "interfaces");
    let groups = fields.items("security_groups").iter();
    let groups: Vec<Id<SecurityGroup>> = groups
        .filter_map(|node| context.security_group(scope, node))
        .collect();
    for node in fields.items("subnets") {
        if let Some(made) = context.managed_interface(scope, &entry.key, node) {
            context.topology.network_interfaces[made]
                .security_groups
                .clone_from(&groups);
            interfaces.push(made);
        }
    }
    if interfaces.is_empty() && fields.find("interfaces").is_none() {
        let message = format!(
            "VPC endpoint `{}` names neither `route_tables` nor `subnets`",
            entry.key
        );
        context.error("missing-key", entry.key_origin, message);
    }
    let mut names = Vec::new();
    for node in fields.items("dns_names") {
        names.extend(
            node.text("a name in the DNS", context.findings)
                .map(str::to_owned),
        );
    }
    EndpointForm::Interface {
        interfaces,
        private_dns: fields.flag("private_dns", context.findings).unwrap_or(false),
        dns_names: names,
    }
}
