//! `dhcp_options:` of a design.

use std::net::Ipv4Addr;

use vpcsim_aws::AnyId;
use vpcsim_aws::devices::DhcpOptions;
use vpcsim_aws::devices::dhcp_options::NameServer;

use super::context::{Context, Scope};
use super::node::{Entry, Node};
use super::registry::Noun;
use super::shape::{Fields, Record, Shape, key};

const RECORD: Record = Record::plain(
    "dhcp_options",
    &[
        key("domain_name", Shape::Text, "The domain name."),
        key(
            "domain_name_servers",
            Shape::Many(&Shape::Text),
            "Addresses, or `AmazonProvidedDNS`.",
        ),
        key("ntp_servers", Shape::Many(&Shape::Address), "Time servers."),
        key(
            "netbios_name_servers",
            Shape::Many(&Shape::Address),
            "NetBIOS name servers.",
        ),
        key(
            "netbios_node_type",
            Shape::Whole(8),
            "The NetBIOS node type: 1, 2, 4 or 8.",
        ),
        key("id", Shape::Text, "AWS's id."),
        key("tags", Shape::Named(&Shape::Text), "Tags."),
    ],
);

/// The registration.
pub(crate) const NOUN: Noun = Noun {
    key: "dhcp_options",
    about: "Sets of DHCP options.",
    shape: Shape::Optional(&RECORD),
    declare,
    connect: None,
};

/// How AWS spells the VPC's own resolver.
pub(crate) const AMAZON_PROVIDED: &str = "AmazonProvidedDNS";

#[expect(
    clippy::unnecessary_wraps,
    reason = "the registry takes functions of this shape"
)]
fn declare(context: &mut Context<'_>, scope: Scope, entry: &Entry) -> Option<AnyId> {
    let what = format!("DHCP options `{}`", entry.key);
    let fields = Fields::check(&entry.value, &RECORD, &what, context.findings);
    let label = context.label(entry, &fields);
    let mut addresses = |key| -> Vec<Ipv4Addr> {
        fields
            .items(key)
            .iter()
            .filter_map(|node| node.address(context.findings))
            .collect()
    };
    let options = DhcpOptions {
        ntp_servers: addresses("ntp_servers"),
        netbios_name_servers: addresses("netbios_name_servers"),
        label,
        domain_name: fields.text("domain_name", context.findings).map(str::to_owned),
        domain_name_servers: fields
            .items("domain_name_servers")
            .iter()
            .filter_map(|node| read_server(context, node))
            .collect(),
        netbios_node_type: fields
            .find("netbios_node_type")
            .and_then(|node| node.whole(1, 8, context.findings)),
    };
    let id = context.topology.dhcp_options.push(options);
    Some(context.enter(id, scope))
}

fn read_server(context: &mut Context<'_>, node: &Node) -> Option<NameServer> {
    if node
        .as_text()
        .is_some_and(|text| text.eq_ignore_ascii_case(AMAZON_PROVIDED))
    {
        return Some(NameServer::AmazonProvided);
    }
    node.address(context.findings).map(NameServer::Address)
}
