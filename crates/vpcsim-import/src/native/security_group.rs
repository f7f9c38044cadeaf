//! `security_groups:` of a VPC.

use ipnet::Ipv4Net;
use vpcsim_aws::devices::SecurityGroup;
use vpcsim_aws::devices::security_group::{Peer, SecurityGroupRule};
use vpcsim_aws::traffic::Traffic;
use vpcsim_aws::{AnyId, Finding, Findings, Id, Kind, Label, Origin};

use super::context::{Context, Scope};
use super::node::{BadCidr, Entry, Node, accept, parse_cidr_or_address};
use super::registry::Noun;
use super::shape::{Fields, Key, Record, Shape, key};
use super::words;

const RULE_KEYS: &[Key] = &[
    key(
        "traffic",
        Shape::Text,
        "The traffic it allows: `tcp 80-90`, `icmp 8/0`, `all`.",
    )
    .required(),
    key(
        "peer",
        Shape::Many(&Shape::Text),
        "The other side: a range, `self`, `pl:NAME` or a security group.",
    )
    .or(&["from", "to"]),
    key("security_group", Shape::Text, "The other side: a security group."),
    key(
        "missing",
        Shape::Text,
        "The id of an other side that the design does not have; it matches nothing.",
    ),
    key("id", Shape::Text, "AWS's id."),
    key("description", Shape::Text, "A remark; it is not kept."),
];
const RULE: Record = Record::plain("security_group_rule", RULE_KEYS);

const RULES: Shape = Shape::Many(&Shape::Either(&[
    Shape::Pattern(r"^\s*([A-Za-z]+|-1|[0-9]+)(\s|$)"),
    Shape::Record(&RULE),
]));

const RECORD: Record = Record::plain(
    "security_group",
    &[
        key(
            "ingress",
            RULES,
            "What may come in: `tcp 80 from 0.0.0.0/0`; the default is nothing.",
        ),
        key(
            "egress",
            RULES,
            "What may go out: `tcp 443 to 0.0.0.0/0`; the default is everything.",
        ),
        key("description", Shape::Text, "A remark; it is not kept."),
        key(
            "account",
            Shape::Text,
            "The account that owns it, if that is not the VPC's own.",
        ),
        key("id", Shape::Text, "AWS's id."),
        key("tags", Shape::Named(&Shape::Text), "Tags."),
    ],
);

/// The registration.
pub(crate) const NOUN: Noun = Noun {
    key: "security_groups",
    about: "Security groups of the VPC.",
    shape: Shape::Optional(&RECORD),
    declare,
    connect: Some(connect),
};

fn declare(context: &mut Context<'_>, scope: Scope, entry: &Entry) -> Option<AnyId> {
    let vpc = scope.vpc?;
    let what = format!("security group `{}`", entry.key);
    let fields = Fields::check(&entry.value, &RECORD, &what, context.findings);
    let label = context.label(entry, &fields);
    let default = context.is_default(vpc, Kind::SecurityGroup, &entry.key);
    let account = fields.text("account", context.findings).map(str::to_owned);
    let group = SecurityGroup {
        label: Label { account, ..label },
        vpc,
        default,
        ingress: Vec::new(),
        egress: Vec::new(),
    };
    let id = context.topology.security_groups.push(group);
    Some(context.enter(id, scope))
}

fn connect(context: &mut Context<'_>, scope: Scope, entry: &Entry, any: AnyId) {
    let Some(group) = any.downcast::<SecurityGroup>() else {
        return;
    };
    let fields = Fields::check(&entry.value, &RECORD, "", &mut Findings::default());
    let mut rules = |key| {
        let nodes = fields.items(key).iter();
        nodes
            .flat_map(|node| read_rule(context, scope, group, node))
            .collect::<Vec<_>>()
    };
    let (ingress, mut egress) = (rules("ingress"), rules("egress"));
    if fields.find_or_null("egress").is_none() {
        egress.push(SecurityGroupRule {
            id: None,
            traffic: Traffic::All,
            peer: Peer::Cidr(Ipv4Net::default()),
            origin: entry.key_origin,
        });
    }
    let row = &mut context.topology.security_groups[group];
    (row.ingress, row.egress) = (ingress, egress);
}

fn read_rule(
    context: &mut Context<'_>,
    scope: Scope,
    group: Id<SecurityGroup>,
    node: &Node,
) -> Vec<SecurityGroupRule> {
    let (id, traffic, peers) = if node.is_mapping() {
        read_long_rule(context, scope, group, node)
    } else {
        let Some(text) = node.text("a rule like `tcp 80 from 0.0.0.0/0`", context.findings) else {
            return Vec::new();
        };
        let (traffic, peer) = words::split_peer(text);
        let peer = match peer {
            Some(peer) => read_peer(context, scope, group, peer, node.origin),
            None => Some(Peer::Cidr(Ipv4Net::default())),
        };
        (
            None,
            read_traffic(context, traffic, node.origin),
            peer.into_iter().collect(),
        )
    };
    let rule = |traffic, peer: &Peer| SecurityGroupRule {
        id: id.clone(),
        traffic,
        peer: peer.clone(),
        origin: node.origin,
    };
    traffic
        .iter()
        .flat_map(|traffic| peers.iter().map(|peer| rule(*traffic, peer)))
        .collect()
}

fn read_long_rule(
    context: &mut Context<'_>,
    scope: Scope,
    group: Id<SecurityGroup>,
    node: &Node,
) -> (Option<String>, Vec<Traffic>, Vec<Peer>) {
    let fields = Fields::check(node, &RULE, "the rule", context.findings);
    let id = fields.text("id", context.findings).map(str::to_owned);
    let traffic = fields.find("traffic");
    let traffic =
        traffic.and_then(|node| Some((node.text("traffic like `tcp 80`", context.findings)?, node)));
    let traffic = traffic
        .map(|(text, node)| read_traffic(context, text, node.origin))
        .unwrap_or_default();
    let mut peers = Vec::new();
    for node in fields.items("peer") {
        if let Some(text) = node.text("a range or a security group", context.findings) {
            peers.extend(read_peer(context, scope, group, text, node.origin));
        }
    }
    let named = fields
        .find("security_group")
        .and_then(|node| context.security_group(scope, node));
    peers.extend(named.map(Peer::SecurityGroup));
    peers.extend(
        fields
            .text("missing", context.findings)
            .map(|id| Peer::Missing(id.to_owned())),
    );
    let says_nothing = ["peer", "security_group", "missing"]
        .iter()
        .all(|key| fields.find(key).is_none());
    if says_nothing {
        peers.push(Peer::Cidr(Ipv4Net::default()));
    }
    (id, traffic, peers)
}

fn read_traffic(context: &mut Context<'_>, text: &str, origin: Origin) -> Vec<Traffic> {
    words::parse_traffic(text).unwrap_or_else(|problem| {
        let help = "a rule looks like `tcp 80 from 0.0.0.0/0` or `icmp 8/0 from self`";
        context
            .findings
            .push(Finding::error("bad-rule", origin, problem).help(help));
        Vec::new()
    })
}

fn read_peer(
    context: &mut Context<'_>,
    scope: Scope,
    group: Id<SecurityGroup>,
    text: &str,
    origin: Origin,
) -> Option<Peer> {
    let text = text.trim();
    if text == "self" {
        return Some(Peer::SecurityGroup(group));
    }
    if let Some(name) = text
        .strip_prefix("pl:")
        .or(text.starts_with("pl-").then_some(text))
    {
        return context.prefix_list(scope, name, origin).map(Peer::PrefixList);
    }
    match parse_cidr_or_address(text) {
        Err(BadCidr::Syntax(_)) => {}
        read => return accept(read, origin, context.findings).map(Peer::Cidr),
    }
    // A group of a peered VPC may stand without that VPC's name, if no other group is called so.
    let found = context.find_security_group(scope, text);
    let found = found.or_else(|| context.names.find_anywhere(text));
    if found.is_none() {
        let looks_like_range = text.contains('/') && text.starts_with(|first: char| first.is_ascii_digit());
        if looks_like_range {
            context
                .findings
                .push(BadCidr::Syntax(text.to_owned()).finding(origin));
        } else {
            context.unknown_reference(&[Kind::SecurityGroup], scope, text, origin);
        }
    }
    found.map(Peer::SecurityGroup)
}
