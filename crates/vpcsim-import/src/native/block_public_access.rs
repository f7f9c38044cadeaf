//! `block_public_access:` of a design.

use vpcsim_aws::devices::BlockPublicAccess;
use vpcsim_aws::devices::block_public_access::{BlockMode, Excluded, Exclusion, ExclusionMode};
use vpcsim_aws::{AnyId, Id};

use super::context::{Context, Scope};
use super::node::{Entry, Node};
use super::registry::Noun;
use super::shape::{Fields, Record, Shape, key};

const RECORD: Record = Record::plain(
    "block_public_access",
    &[
        key(
            "mode",
            Shape::Choice(&["off", "block-bidirectional", "block-ingress"]),
            "What is blocked at internet gateways; the default is block-bidirectional.",
        ),
        key("region", Shape::Text, "Its region; the default is the design's."),
        key(
            "account",
            Shape::Text,
            "The account's twelve digits; without them it is for every account.",
        ),
        key(
            "exclusions",
            Shape::Many(&Shape::Record(&EXCLUSION)),
            "VPCs and subnets that are not blocked.",
        ),
        key("id", Shape::Text, "An id for reports."),
        key("tags", Shape::Named(&Shape::Text), "Tags."),
    ],
);

const EXCLUSION: Record = Record::plain(
    "block_public_access_exclusion",
    &[
        key(
            "vpc",
            Shape::Text,
            "The VPC that is excluded, with all its subnets.",
        ),
        key("subnet", Shape::Text, "Or the subnet that is excluded."),
        key(
            "mode",
            Shape::Choice(&["allow-bidirectional", "allow-egress"]),
            "What it may do; the default is allow-bidirectional.",
        ),
        key("id", Shape::Text, "AWS's id."),
    ],
);

/// The registration.
pub(crate) const NOUN: Noun = Noun {
    key: "block_public_access",
    about: "Block Public Access: what keeps the VPCs of an account and a region from the internet.",
    shape: Shape::Record(&RECORD),
    declare,
    connect: Some(connect),
};

/// The spellings of the modes.
pub(crate) const MODES: [(&str, BlockMode); 3] = [
    ("block-bidirectional", BlockMode::Bidirectional),
    ("block-ingress", BlockMode::Ingress),
    ("off", BlockMode::Off),
];

/// The spellings of the exclusions' modes.
pub(crate) const EXCLUSION_MODES: [(&str, ExclusionMode); 2] = [
    ("allow-bidirectional", ExclusionMode::Bidirectional),
    ("allow-egress", ExclusionMode::Egress),
];

fn what(entry: &Entry) -> String {
    format!("Block Public Access `{}`", entry.key)
}

#[expect(
    clippy::unnecessary_wraps,
    reason = "the registry takes functions of this shape"
)]
fn declare(context: &mut Context<'_>, scope: Scope, entry: &Entry) -> Option<AnyId> {
    let fields = Fields::check(&entry.value, &RECORD, &what(entry), context.findings);
    let label = context.label(entry, &fields);
    let mode = fields
        .find("mode")
        .and_then(|node| node.choice(&MODES, context.findings));
    let region = fields
        .text("region", context.findings)
        .unwrap_or(&context.topology.region)
        .to_owned();
    let account = fields.text("account", context.findings).unwrap_or_default();
    let block = BlockPublicAccess {
        label,
        account: account.to_owned(),
        region,
        mode: mode.unwrap_or(BlockMode::Bidirectional),
        exclusions: Vec::new(),
    };
    let id = context.topology.block_public_access.push(block);
    Some(context.enter(id, scope))
}

/// Exclusions name subnets, which are declared later.
fn connect(context: &mut Context<'_>, _: Scope, entry: &Entry, any: AnyId) {
    let mut unheard = vpcsim_aws::Findings::default();
    let fields = Fields::check(&entry.value, &RECORD, &what(entry), &mut unheard);
    let id: Id<BlockPublicAccess> = any.id();
    for node in fields.items("exclusions") {
        let read = exclusion(context, node);
        context.topology.block_public_access[id].exclusions.extend(read);
    }
}

fn exclusion(context: &mut Context<'_>, node: &Node) -> Option<Exclusion> {
    let fields = Fields::check(node, &EXCLUSION, "the exclusion", context.findings);
    let excluded = match (fields.find("vpc"), fields.find("subnet")) {
        (Some(vpc), None) => Excluded::Vpc(context.reference(Scope::TOP, vpc)?),
        (None, Some(subnet)) => Excluded::Subnet(context.reference(Scope::TOP, subnet)?),
        _ => {
            let message = "an exclusion names a `vpc` or a `subnet`, and one of the two only";
            context.error("wrong-type", node.origin, message);
            return None;
        }
    };
    let mode = fields
        .find("mode")
        .and_then(|node| node.choice(&EXCLUSION_MODES, context.findings));
    Some(Exclusion {
        id: fields.text("id", context.findings).map(str::to_owned),
        excluded,
        mode: mode.unwrap_or_default(),
        origin: node.origin,
    })
}
