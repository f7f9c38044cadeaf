//! `managed_hosts:` of a VPC.

use vpcsim_aws::devices::instance::Listener;
use vpcsim_aws::devices::managed_host::{DATABASE, listeners, port_of_engine, ports_of_service};
use vpcsim_aws::devices::{ManagedHost, NetworkInterface, SecurityGroup, Subnet};
use vpcsim_aws::{AnyId, Id};

use super::context::{Context, Scope};
use super::instance::{LISTEN, read_listeners};
use super::network_interface::read_elastic;
use super::node::Entry;
use super::registry::Noun;
use super::shape::{Fields, Record, Shape, key};

const RECORD: Record = Record::plain(
    "managed_host",
    &[
        key(
            "service",
            Shape::Text,
            "What it is: `database`, `cache`, `file system`, `Lambda function`; the default is database.",
        ),
        key(
            "engine",
            Shape::Text,
            "A database's engine (`postgres`, `mysql`), which says the port.",
        ),
        key(
            "listen",
            LISTEN,
            "The services it answers on, if they do not follow from the engine or the service.",
        ),
        key(
            "subnets",
            Shape::Many(&Shape::Text),
            "Its subnet group; it is placed in the first.",
        )
        .or(&["subnet"]),
        key(
            "interfaces",
            Shape::Many(&Shape::Text),
            "Its managed network interfaces, if the design has them.",
        ),
        key(
            "security_groups",
            Shape::Many(&Shape::Text),
            "Its security groups; without any it is in the VPC's default one.",
        ),
        key(
            "public_ip",
            Shape::Text,
            "Its public address, if it is publicly accessible.",
        ),
        key("dns_name", Shape::Text, "Its name in the DNS."),
        key("id", Shape::Text, "AWS's id or ARN."),
        key("tags", Shape::Named(&Shape::Text), "Tags."),
    ],
);

/// The registration.
pub(crate) const NOUN: Noun = Noun {
    key: "managed_hosts",
    about: "Hosts that AWS runs in the VPC: databases, caches, functions.",
    shape: Shape::Record(&RECORD),
    declare,
    connect: None,
};

fn declare(context: &mut Context<'_>, scope: Scope, entry: &Entry) -> Option<AnyId> {
    scope.vpc?;
    let what = format!("managed host `{}`", entry.key);
    let fields = Fields::check(&entry.value, &RECORD, &what, context.findings);
    let label = context.label(entry, &fields);
    let service = fields
        .text("service", context.findings)
        .unwrap_or(DATABASE)
        .to_owned();
    let listen = read_services(context, entry, &fields, &service);
    let mut interfaces: Vec<Id<NetworkInterface>> = Vec::new();
    for node in fields.items("interfaces") {
        interfaces.extend(context.reference::<NetworkInterface>(scope, node));
    }
    let mut subnet_group: Vec<Id<Subnet>> = Vec::new();
    for node in fields.items("subnets") {
        subnet_group.extend(context.reference::<Subnet>(scope, node));
    }
    if interfaces.is_empty() {
        interfaces.extend(make_interface(context, scope, entry, &fields));
    }
    if interfaces.is_empty() && fields.items("subnets").is_empty() {
        let message = format!("{what} needs `subnets` or `interfaces`");
        context.error("missing-key", entry.key_origin, message);
    }
    let host = ManagedHost {
        label,
        service,
        interfaces,
        subnet_group,
        listen,
        dns_name: fields.text("dns_name", context.findings).map(str::to_owned),
    };
    let id = context.topology.managed_hosts.push(host);
    Some(context.enter(id, scope))
}

/// What it listens to: as it says, as its engine has it, or as goes without saying for its service.
fn read_services(
    context: &mut Context<'_>,
    entry: &Entry,
    fields: &Fields<'_>,
    service: &str,
) -> Vec<Listener> {
    let engine = fields.text("engine", context.findings);
    if fields.find("listen").is_some() {
        return read_listeners(context, fields.items("listen"));
    }
    let Some(engine) = engine else {
        return listeners(ports_of_service(service).iter().copied());
    };
    let port = port_of_engine(engine);
    if port.is_none() {
        let message = format!(
            "the port of engine `{engine}` is not known: say what managed host `{}` listens to",
            entry.key
        );
        context.error("bad-engine", entry.key_origin, message);
    }
    listeners(port)
}

/// An interface in the first of its subnets.
fn make_interface(
    context: &mut Context<'_>,
    scope: Scope,
    entry: &Entry,
    fields: &Fields<'_>,
) -> Option<Id<NetworkInterface>> {
    let groups = fields.items("security_groups").iter();
    let groups: Vec<Id<SecurityGroup>> = groups
        .filter_map(|node| context.security_group(scope, node))
        .collect();
    let public = fields
        .find("public_ip")
        .and_then(|node| read_elastic(context, scope, node));
    let first = fields.items("subnets").first()?;
    let made = context.managed_interface(scope, &entry.key, first)?;
    let row = &mut context.topology.network_interfaces[made];
    row.security_groups = groups;
    row.addresses[0].public = public;
    Some(made)
}
