//! `vpcs:`, and inside each of them everything that belongs to a VPC.

use vpcsim_aws::devices::vpc::VpcCidr;
use vpcsim_aws::devices::{NetworkAcl, RouteTable, SecurityGroup, Vpc};
use vpcsim_aws::{AnyId, Findings, Kind};

use super::context::{Context, Scope};
use super::internet_gateway;
use super::node::{Entry, Node};
use super::registry::{Noun, VPC_NOUNS};
use super::shape::{Fields, Key, Record, Shape, key};

const CIDR: Record = Record::plain(
    "vpc_cidr",
    &[
        key("cidr", Shape::Cidr, "The range.").required(),
        key(
            "associated",
            Shape::Flag,
            "Whether it is associated; only then it is usable.",
        ),
    ],
);

const KEYS: &[Key] = &[
    key(
        "cidr",
        Shape::Many(&Shape::Either(&[Shape::Cidr, Shape::Record(&CIDR)])),
        "Its ranges, the primary first.",
    )
    .required()
    .or(&["cidrs"]),
    key("region", Shape::Text, "Its region; else the design's."),
    key(
        "account",
        Shape::Text,
        "The twelve digits of the account that owns it.",
    ),
    key(
        "dns_support",
        Shape::Flag,
        "Whether the VPC's resolver answers; the default is true.",
    ),
    key(
        "dns_hostnames",
        Shape::Flag,
        "Whether instances get public host names; the default is false.",
    ),
    key(
        "dhcp_options",
        Shape::Text,
        "The name of its DHCP options; else AWS's default set.",
    ),
    key("default", Shape::Flag, "Whether it is the account's default VPC."),
    key(
        "internet_gateway",
        Shape::Many(&internet_gateway::SHAPE),
        "The internet gateway that is attached to it.",
    ),
    key(
        "main_route_table",
        Shape::Text,
        "The route table of subnets that name none.",
    )
    .or(&["main"]),
    key(
        "default_network_acl",
        Shape::Text,
        "The network ACL of subnets that name none.",
    ),
    key(
        "default_security_group",
        Shape::Text,
        "The security group of interfaces that name none.",
    ),
    key("id", Shape::Text, "AWS's id."),
    key("tags", Shape::Named(&Shape::Text), "Tags."),
];

/// The keys of a VPC.
pub(crate) const RECORD: Record = Record {
    name: "vpc",
    keys: KEYS,
    nouns: VPC_NOUNS,
    open: None,
};

/// The keys that name the one of its kind that is main or default.
const DEFAULTS: [(Kind, &str); 3] = [
    (Kind::RouteTable, "main_route_table"),
    (Kind::NetworkAcl, "default_network_acl"),
    (Kind::SecurityGroup, "default_security_group"),
];

/// The registration.
pub(crate) const NOUN: Noun = Noun {
    key: "vpcs",
    about: "Virtual private clouds.",
    shape: Shape::Record(&RECORD),
    declare,
    connect: Some(connect),
};

/// The fields of a VPC that was checked when it was declared.
pub(crate) fn fields(entry: &Entry) -> Fields<'_> {
    Fields::check(&entry.value, &RECORD, "", &mut Findings::default())
}

#[expect(
    clippy::unnecessary_wraps,
    reason = "the registry takes functions of this shape"
)]
fn declare(context: &mut Context<'_>, _: Scope, entry: &Entry) -> Option<AnyId> {
    let what = format!("VPC `{}`", entry.key);
    let fields = Fields::check(&entry.value, &RECORD, &what, context.findings);
    let label = context.label(entry, &fields);
    let region = fields
        .text("region", context.findings)
        .unwrap_or(&context.topology.region)
        .to_owned();
    let cidrs = fields
        .items("cidr")
        .iter()
        .filter_map(|node| read_cidr(node, context.findings))
        .collect();
    let findings = &mut *context.findings;
    let vpc = Vpc {
        label,
        account: fields.text("account", findings).unwrap_or_default().to_owned(),
        region,
        cidrs,
        dns_support: fields.flag("dns_support", findings).unwrap_or(true),
        dns_hostnames: fields.flag("dns_hostnames", findings).unwrap_or(false),
        dhcp_options: None,
        is_default: fields.flag("default", findings).unwrap_or(false),
    };
    let id = context.topology.vpcs.push(vpc);
    context.topology.vpcs[id].dhcp_options = context.reference_under(Scope::TOP, &fields, "dhcp_options");
    for (kind, key) in DEFAULTS {
        if let Some(node) = fields.find_or_null(key) {
            context
                .defaults
                .insert((id, kind), node.as_text().map(str::to_owned));
        }
    }
    for node in fields.items("internet_gateway") {
        internet_gateway::declare_attached(context, id, node);
    }
    Some(context.enter(id, Scope::TOP))
}

fn read_cidr(node: &Node, findings: &mut Findings) -> Option<VpcCidr> {
    if !node.is_mapping() {
        return node.cidr(findings).map(|net| VpcCidr {
            net,
            associated: true,
            origin: node.origin,
        });
    }
    let fields = Fields::check(node, &CIDR, "the range", findings);
    let net = fields.find("cidr")?.cidr(findings)?;
    let associated = fields.flag("associated", findings).unwrap_or(true);
    Some(VpcCidr {
        net,
        associated,
        origin: node.origin,
    })
}

/// What is main or default was marked when it was declared; here it is reported if it does not exist.
fn connect(context: &mut Context<'_>, _: Scope, entry: &Entry, any: AnyId) {
    let Some(vpc) = any.downcast::<Vpc>() else { return };
    let (scope, fields) = (Scope::inside(vpc), fields(entry));
    context.reference_under::<RouteTable>(scope, &fields, "main_route_table");
    context.reference_under::<NetworkAcl>(scope, &fields, "default_network_acl");
    context.reference_under::<SecurityGroup>(scope, &fields, "default_security_group");
    for node in fields.items("internet_gateway") {
        internet_gateway::connect_attached(context, vpc, node);
    }
}
