//! `subnets:` of a VPC.

use ipnet::Ipv4Net;
use std::net::Ipv4Addr;
use vpcsim_aws::AnyId;
use vpcsim_aws::devices::Subnet;

use super::context::{Context, Scope};
use super::node::Entry;
use super::registry::Noun;
use super::shape::{Fields, Record, Shape, key};

const RECORD: Record = Record::plain(
    "subnet",
    &[
        key("cidr", Shape::Cidr, "Its address range.").required(),
        key(
            "az",
            Shape::Text,
            "Its availability zone: the letter or the whole name; the default is a.",
        )
        .or(&["availability_zone"]),
        key(
            "az_id",
            Shape::Text,
            "The zone's id, which is the same in every account (`euw1-az1`).",
        )
        .or(&["availability_zone_id"]),
        key(
            "route_table",
            Shape::Text,
            "The route table it is associated with; else the VPC's main one.",
        ),
        key(
            "network_acl",
            Shape::Text,
            "The network ACL it is associated with; else the VPC's default one.",
        ),
        key(
            "map_public_ip",
            Shape::Flag,
            "Whether new instances get a public address; the default is false.",
        )
        .or(&["map_public_ip_on_launch"]),
        key(
            "shared_with",
            Shape::Many(&Shape::Text),
            "The accounts that it is shared with, which may place instances of their own in it.",
        ),
        key("id", Shape::Text, "AWS's id."),
        key("tags", Shape::Named(&Shape::Text), "Tags."),
    ],
);

/// The registration.
pub(crate) const NOUN: Noun = Noun {
    key: "subnets",
    about: "Subnets of the VPC.",
    shape: Shape::Record(&RECORD),
    declare,
    connect: None,
};

/// Stands for a range that could not be read, so that references to its subnet still resolve.
const UNREAD: Ipv4Net = Ipv4Net::new_assert(Ipv4Addr::UNSPECIFIED, 32);

/// The name of a zone, of which a design may write only the letter.
pub(crate) fn zone_name(zone: &str, region: &str) -> String {
    let is_letter = zone.len() == 1 && zone.bytes().all(|letter| letter.is_ascii_lowercase());
    if is_letter {
        format!("{region}{zone}")
    } else {
        zone.to_owned()
    }
}

fn accounts(fields: &Fields<'_>, context: &mut Context<'_>) -> Vec<String> {
    let nodes = fields.items("shared_with").iter();
    let accounts =
        nodes.filter_map(|node| node.text("the number of an account, in quotes", context.findings));
    accounts.map(str::to_owned).collect()
}

fn declare(context: &mut Context<'_>, scope: Scope, entry: &Entry) -> Option<AnyId> {
    let vpc = scope.vpc?;
    let what = format!("subnet `{}`", entry.key);
    let fields = Fields::check(&entry.value, &RECORD, &what, context.findings);
    let label = context.label(entry, &fields);
    let zone = fields.text("az", context.findings).unwrap_or("a");
    let region = &context.topology.vpcs[vpc].region;
    let subnet = Subnet {
        label,
        vpc,
        availability_zone: zone_name(zone, region),
        availability_zone_id: fields.text("az_id", context.findings).map(str::to_owned),
        cidr: fields
            .find("cidr")
            .and_then(|node| node.cidr(context.findings))
            .unwrap_or(UNREAD),
        route_table: context.reference_under(scope, &fields, "route_table"),
        network_acl: context.reference_under(scope, &fields, "network_acl"),
        shared_with: accounts(&fields, context),
        map_public_ip_on_launch: fields.flag("map_public_ip", context.findings).unwrap_or(false),
    };
    let id = context.topology.subnets.push(subnet);
    Some(context.enter(id, scope))
}
