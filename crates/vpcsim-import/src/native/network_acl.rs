//! `network_acls:` of a VPC.

use ipnet::Ipv4Net;
use vpcsim_aws::devices::NetworkAcl;
use vpcsim_aws::devices::network_acl::NetworkAclEntry;
use vpcsim_aws::{AnyId, Kind};

use super::context::{Context, Scope};
use super::node::{Entry, Node, accept, parse_cidr_or_address};
use super::registry::Noun;
use super::shape::{Fields, Record, Shape, key};
use super::words;

const ENTRY: Shape = Shape::Pattern(r"^\s*[0-9]+\s+([Aa]llow|[Dd]eny|ALLOW|DENY)\s+\S+");

const RECORD: Record = Record::plain(
    "network_acl",
    &[
        key(
            "ingress",
            Shape::Many(&ENTRY),
            "Entries for what enters: `100 allow tcp 443 from 0.0.0.0/0`.",
        ),
        key(
            "egress",
            Shape::Many(&ENTRY),
            "Entries for what leaves: `100 allow all to 0.0.0.0/0`.",
        ),
        key("id", Shape::Text, "AWS's id."),
        key("tags", Shape::Named(&Shape::Text), "Tags."),
    ],
);

/// The registration.
pub(crate) const NOUN: Noun = Noun {
    key: "network_acls",
    about: "Network ACLs of the VPC; what no entry allows is denied.",
    shape: Shape::Optional(&RECORD),
    declare,
    connect: None,
};

fn declare(context: &mut Context<'_>, scope: Scope, entry: &Entry) -> Option<AnyId> {
    let vpc = scope.vpc?;
    let what = format!("network ACL `{}`", entry.key);
    let fields = Fields::check(&entry.value, &RECORD, &what, context.findings);
    let label = context.label(entry, &fields);
    let mut read = |key| {
        fields
            .items(key)
            .iter()
            .filter_map(|node| read_entry(context, node))
            .collect::<Vec<_>>()
    };
    let (ingress, egress) = (read("ingress"), read("egress"));
    let default = context.is_default(vpc, Kind::NetworkAcl, &entry.key);
    let acl = NetworkAcl {
        label,
        vpc,
        default,
        ingress,
        egress,
    };
    let id = context.topology.network_acls.push(acl);
    Some(context.enter(id, scope))
}

fn read_entry(context: &mut Context<'_>, node: &Node) -> Option<NetworkAclEntry> {
    let text = node.text(
        "an entry like `100 allow tcp 443 from 0.0.0.0/0`",
        context.findings,
    )?;
    let words = match words::parse_acl_entry(text) {
        Ok(words) => words,
        Err(problem) => {
            context.error("bad-rule", node.origin, problem);
            return None;
        }
    };
    let cidr = words
        .peer
        .map_or_else(|| Ok(Ipv4Net::default()), parse_cidr_or_address);
    let cidr = accept(cidr, node.origin, context.findings)?;
    let [traffic] = words.traffic[..] else {
        let message = format!("`{text}` has several ranges of ports; an entry of a network ACL has one");
        context.error("bad-rule", node.origin, message);
        return None;
    };
    Some(NetworkAclEntry {
        number: words.number,
        allow: words.allow,
        traffic,
        cidr,
        origin: node.origin,
    })
}
