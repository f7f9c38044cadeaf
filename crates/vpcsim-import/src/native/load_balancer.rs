//! `load_balancers:` of a VPC.

use std::net::Ipv4Addr;

use vpcsim_aws::devices::load_balancer::{Listener, ListenerProtocol, LoadBalancerNode, Scheme};
use vpcsim_aws::devices::network_interface::{Attachment, InterfaceAddress};
use vpcsim_aws::devices::{LoadBalancer, NetworkInterface, SecurityGroup, Subnet};
use vpcsim_aws::{AnyId, Finding, Id, Label};

use super::context::{Context, Scope, UNASSIGNED};
use super::network_interface::read_elastic;
use super::node::{Entry, Node};
use super::registry::Noun;
use super::shape::{Fields, Record, Shape, key};

const LISTENER: Record = Record::plain(
    "listener",
    &[
        key("target_group", Shape::Text, "Who gets its flows."),
        key(
            "idle_timeout_s",
            Shape::Whole(6000),
            "After so many seconds without a packet a TCP flow is forgotten: 60 to 6000; the default is 350.",
        ),
    ],
);

const RECORD: Record = Record::plain(
    "load_balancer",
    &[
        key(
            "subnets",
            Shape::Many(&Shape::Text),
            "The subnet of each of its zones; it gets an interface in each.",
        )
        .or(&["subnet"]),
        key(
            "interfaces",
            Shape::Many(&Shape::Text),
            "Its managed network interfaces, if the design has them, instead of the subnets.",
        ),
        key(
            "scheme",
            Shape::Choice(&["internet-facing", "internal"]),
            "Whether it has public addresses; the default is internet-facing.",
        ),
        key(
            "public_ips",
            Shape::Many(&Shape::Text),
            "Its Elastic IP addresses or their names, in the order of the subnets; else free ones.",
        )
        .or(&["public_ip", "elastic_ips"]),
        key(
            "security_groups",
            Shape::Many(&Shape::Text),
            "Its security groups; without any it takes everything.",
        ),
        key(
            "cross_zone",
            Shape::Flag,
            "Whether targets of other zones get flows; the default is false.",
        ),
        key(
            "listeners",
            Shape::Named(&Shape::Either(&[Shape::Text, Shape::Record(&LISTENER)])),
            "What it takes and who gets it: `tcp 80: web`.",
        ),
        key(
            "active",
            Shape::Flag,
            "Whether it is in the state active; the default is true.",
        ),
        key(
            "private_link_rules",
            Shape::Flag,
            "Whether its security groups judge what comes by endpoints too; the default is true.",
        ),
        key("dns_name", Shape::Text, "Its name in the DNS."),
        key(
            "zonal_shift",
            Shape::Many(&Shape::Text),
            "The availability zones that a zonal shift keeps out of the DNS.",
        ),
        key("id", Shape::Text, "AWS's id or ARN."),
        key("tags", Shape::Named(&Shape::Text), "Tags."),
    ],
);

/// The registration.
pub(crate) const NOUN: Noun = Noun {
    key: "load_balancers",
    about: "Network Load Balancers of the VPC.",
    shape: Shape::Record(&RECORD),
    declare,
    connect: None,
};

fn declare(context: &mut Context<'_>, scope: Scope, entry: &Entry) -> Option<AnyId> {
    let what = format!("load balancer `{}`", entry.key);
    let fields = Fields::check(&entry.value, &RECORD, &what, context.findings);
    let label = context.label(entry, &fields);
    let schemes = [
        ("internet-facing", Scheme::InternetFacing),
        ("internal", Scheme::Internal),
    ];
    let scheme = fields
        .find("scheme")
        .and_then(|node| node.choice(&schemes, context.findings))
        .unwrap_or_default();
    let mut nodes: Vec<LoadBalancerNode> = fields
        .items("interfaces")
        .iter()
        .filter_map(|node| {
            let interface = context.reference::<NetworkInterface>(scope, node)?;
            let subnet = context.topology.network_interfaces[interface].subnet;
            Some(LoadBalancerNode { subnet, interface })
        })
        .collect();
    nodes.extend(make_nodes(context, scope, entry, &fields, scheme));
    if nodes.is_empty() {
        let message = format!("{what} needs `subnets` or `interfaces`");
        context.error("missing-key", entry.key_origin, message);
    }
    let listeners = fields.named("listeners", context.findings);
    let listeners = listeners
        .iter()
        .filter_map(|entry| read_listener(context, scope, entry))
        .collect();
    let shifted_zones = read_zones(context, scope, &fields);
    let balancer = LoadBalancer {
        label,
        vpc: scope.vpc?,
        scheme,
        nodes,
        cross_zone: fields.flag("cross_zone", context.findings).unwrap_or(false),
        active: fields.flag("active", context.findings).unwrap_or(true),
        listeners,
        dns_name: fields.text("dns_name", context.findings).map(str::to_owned),
        judges_endpoints: fields
            .flag("private_link_rules", context.findings)
            .unwrap_or(true),
        shifted_zones,
    };
    let id = context.topology.load_balancers.push(balancer);
    Some(context.enter(id, scope))
}

/// The zones of a zonal shift; a letter stands for that zone of the VPC's region.
fn read_zones(context: &mut Context<'_>, scope: Scope, fields: &Fields<'_>) -> Vec<String> {
    let region = scope
        .vpc
        .map(|vpc| context.topology.vpcs[vpc].region.clone())
        .unwrap_or_default();
    let zone = |node: &Node| {
        let zone = node.text("an availability zone", context.findings)?;
        let is_letter = zone.len() == 1 && zone.bytes().all(|letter| letter.is_ascii_lowercase());
        Some(if is_letter {
            format!("{region}{zone}")
        } else {
            zone.to_owned()
        })
    };
    fields.items("zonal_shift").iter().filter_map(zone).collect()
}

/// A managed interface in each subnet.
fn make_nodes(
    context: &mut Context<'_>,
    scope: Scope,
    entry: &Entry,
    fields: &Fields<'_>,
    scheme: Scheme,
) -> Vec<LoadBalancerNode> {
    let groups: Vec<Id<SecurityGroup>> = fields
        .items("security_groups")
        .iter()
        .filter_map(|node| context.security_group(scope, node))
        .collect();
    let publics: Vec<Option<Ipv4Addr>> = fields
        .items("public_ips")
        .iter()
        .map(|node| read_elastic(context, scope, node))
        .collect();
    let mut nodes = Vec::new();
    for (place, node) in fields.items("subnets").iter().enumerate() {
        let Some(subnet) = context.reference::<Subnet>(scope, node) else {
            continue;
        };
        let public = match scheme {
            Scheme::Internal => None,
            Scheme::InternetFacing => match publics.get(place) {
                Some(public) => *public,
                None => context.take_public(node.origin),
            },
        };
        let name = format!("{} {}", entry.key, context.topology.subnets[subnet].label.name);
        let label = Label {
            origin: node.origin,
            ..Label::named(name)
        };
        let mut interface = NetworkInterface::new(label, subnet, UNASSIGNED);
        interface.addresses = vec![InterfaceAddress {
            private: UNASSIGNED,
            public,
            origin: node.origin,
        }];
        interface.security_groups.clone_from(&groups);
        interface.source_dest_check = false;
        interface.attachment = Attachment::Managed;
        let interface = context.topology.network_interfaces.push(interface);
        context.enter(interface, scope);
        nodes.push(LoadBalancerNode { subnet, interface });
    }
    nodes
}

fn read_listener(context: &mut Context<'_>, scope: Scope, entry: &Entry) -> Option<Listener> {
    let mut words = entry.key.split_whitespace();
    let protocol = words.next().and_then(ListenerProtocol::parse);
    let port = words
        .next()
        .and_then(|word| word.parse().ok())
        .filter(|port| *port > 0);
    let (Some(protocol), Some(port), None) = (protocol, port, words.next()) else {
        let message = format!("`{}` is no listener", entry.key);
        let finding = Finding::error("bad-balancer-listener", entry.key_origin, message);
        context
            .findings
            .push(finding.help("a listener looks like `tcp 80`, `udp 53`, `tcp_udp 53` or `tls 443`"));
        return None;
    };
    let mut listener = Listener {
        protocol,
        port,
        target_group: None,
        idle_timeout_s: None,
    };
    if entry.value.is_mapping() {
        let fields = Fields::check(&entry.value, &LISTENER, "the listener", context.findings);
        listener.target_group = context.reference_under(scope, &fields, "target_group");
        let idle = fields.find("idle_timeout_s");
        listener.idle_timeout_s = idle.and_then(|node: &Node| node.whole(60, 6000, context.findings));
    } else if !entry.value.is_null() {
        listener.target_group = context.reference(scope, &entry.value);
    }
    Some(listener)
}
