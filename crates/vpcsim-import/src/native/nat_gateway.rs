//! `nat_gateways:` of a VPC.

use std::net::Ipv4Addr;

use vpcsim_aws::AnyId;
use vpcsim_aws::devices::NatGateway;
use vpcsim_aws::devices::nat_gateway::{Connectivity, NatGatewayAddress, NatGatewayState};

use super::context::{Context, Scope, UNASSIGNED};
use super::network_interface::{read_elastic, read_public};
use super::node::{Entry, Node};
use super::registry::Noun;
use super::shape::{Fields, Record, Shape, key};

const ADDRESS: Record = Record::plain(
    "nat_gateway_address",
    &[
        key("address", Shape::Address, "The private address.").or(&["private_ip"]),
        key(
            "public_ip",
            Shape::PublicIp,
            "The Elastic IP address that stands for it.",
        ),
    ],
);

const RECORD: Record = Record::plain(
    "nat_gateway",
    &[
        key("subnet", Shape::Text, "The subnet it is in.").required(),
        key(
            "type",
            Shape::Choice(&["public", "private"]),
            "Whether it has Elastic IP addresses; the default is public.",
        )
        .or(&["connectivity"]),
        key(
            "addresses",
            Shape::Many(&Shape::Either(&[Shape::Address, Shape::Record(&ADDRESS)])),
            "Its private addresses, the primary first; else one free address of the subnet.",
        )
        .or(&["address", "private_ip"]),
        key(
            "public_ips",
            Shape::Many(&Shape::Text),
            "Its Elastic IP addresses or their names, in the same order.",
        )
        .or(&["public_ip", "elastic_ip", "elastic_ips"]),
        key(
            "state",
            Shape::Choice(&["pending", "failed", "available", "deleting", "deleted"]),
            "Its state.",
        ),
        key(
            "interface",
            Shape::Text,
            "Its network interface, if the design has it.",
        )
        .or(&["network_interface"]),
        key("id", Shape::Text, "AWS's id."),
        key("tags", Shape::Named(&Shape::Text), "Tags."),
    ],
);

/// The registration.
pub(crate) const NOUN: Noun = Noun {
    key: "nat_gateways",
    about: "NAT gateways of the VPC.",
    shape: Shape::Record(&RECORD),
    declare,
    connect: None,
};

/// The spellings of the states.
pub(crate) const STATES: [(&str, NatGatewayState); 5] = [
    ("pending", NatGatewayState::Pending),
    ("failed", NatGatewayState::Failed),
    ("available", NatGatewayState::Available),
    ("deleting", NatGatewayState::Deleting),
    ("deleted", NatGatewayState::Deleted),
];

fn declare(context: &mut Context<'_>, scope: Scope, entry: &Entry) -> Option<AnyId> {
    let what = format!("NAT gateway `{}`", entry.key);
    let fields = Fields::check(&entry.value, &RECORD, &what, context.findings);
    let label = context.label(entry, &fields);
    let kinds = [
        ("public", Connectivity::Public),
        ("private", Connectivity::Private),
    ];
    let kind = fields
        .find("type")
        .and_then(|node| node.choice(&kinds, context.findings));
    let state = fields
        .find("state")
        .and_then(|node| node.choice(&STATES, context.findings));
    let connectivity = kind.unwrap_or_default();
    let state = state.unwrap_or_default();
    let addresses = read_addresses(context, scope, &fields, connectivity, state);
    let gateway = NatGateway {
        label,
        connectivity,
        state,
        addresses,
        network_interface: context.reference_under(scope, &fields, "interface"),
        subnet: context.reference_under(scope, &fields, "subnet")?,
    };
    let id = context.topology.nat_gateways.push(gateway);
    Some(context.enter(id, scope))
}

fn read_addresses(
    context: &mut Context<'_>,
    scope: Scope,
    fields: &Fields<'_>,
    connectivity: Connectivity,
    state: NatGatewayState,
) -> Vec<NatGatewayAddress> {
    let mut addresses: Vec<NatGatewayAddress> = fields
        .items("addresses")
        .iter()
        .filter_map(|node| read_address(context, node))
        .collect();
    let is_there = matches!(state, NatGatewayState::Pending | NatGatewayState::Available);
    if is_there && fields.find_or_null("addresses").is_none() {
        addresses.push(NatGatewayAddress {
            private: UNASSIGNED,
            public: None,
        });
    }
    for (place, node) in fields.items("public_ips").iter().enumerate() {
        let public = read_public_or_elastic(context, scope, node);
        match addresses.get_mut(place) {
            Some(address) => address.public = public,
            None => addresses.push(NatGatewayAddress {
                private: UNASSIGNED,
                public,
            }),
        }
    }
    let given = fields.find_or_null("public_ips").is_some();
    if let (Connectivity::Public, false, Some(primary)) = (connectivity, given, addresses.first_mut()) {
        primary.public = primary.public.or_else(|| context.take_public(fields.node.origin));
    }
    addresses
}

fn read_address(context: &mut Context<'_>, node: &Node) -> Option<NatGatewayAddress> {
    if !node.is_mapping() {
        return Some(NatGatewayAddress {
            private: node.address(context.findings)?,
            public: None,
        });
    }
    let fields = Fields::check(node, &ADDRESS, "the address", context.findings);
    let private = fields
        .find("address")
        .and_then(|node| node.address(context.findings));
    let public = fields
        .find("public_ip")
        .and_then(|node| read_public(context, node));
    Some(NatGatewayAddress {
        private: private.unwrap_or(UNASSIGNED),
        public,
    })
}

fn read_public_or_elastic(context: &mut Context<'_>, scope: Scope, node: &Node) -> Option<Ipv4Addr> {
    match node.as_text() {
        Some("true") => context.take_public(node.origin),
        Some("false") => None,
        _ => read_elastic(context, scope, node),
    }
}
