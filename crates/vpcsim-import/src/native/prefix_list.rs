//! `prefix_lists:` of a design.

use vpcsim_aws::devices::PrefixList;
use vpcsim_aws::{AnyId, Label};

use super::context::{Context, Scope};
use super::node::{Entry, Node, Value};
use super::registry::Noun;
use super::shape::{Fields, Record, Shape, key};

const RECORD: Record = Record::plain(
    "prefix_list",
    &[
        key("entries", Shape::Many(&Shape::Cidr), "Its ranges."),
        key(
            "max_entries",
            Shape::Whole(u32::MAX as u64),
            "How many it may have; else as many as it has.",
        ),
        key(
            "version",
            Shape::Whole(1_000),
            "Which version of it this is; the latest, which routes and rules mean.",
        ),
        key("id", Shape::Text, "AWS's id."),
        key("tags", Shape::Named(&Shape::Text), "Tags."),
    ],
);

/// The registration.
pub(crate) const NOUN: Noun = Noun {
    key: "prefix_lists",
    about: "Prefix lists; routes and rules refer to them as `pl:NAME`.",
    shape: Shape::Either(&[Shape::Many(&Shape::Cidr), Shape::Optional(&RECORD)]),
    declare,
    connect: None,
};

#[expect(
    clippy::unnecessary_wraps,
    reason = "the registry takes functions of this shape"
)]
fn declare(context: &mut Context<'_>, scope: Scope, entry: &Entry) -> Option<AnyId> {
    let ranges = |nodes: &[Node], context: &mut Context<'_>| {
        nodes
            .iter()
            .filter_map(|node| node.cidr(context.findings))
            .collect::<Vec<_>>()
    };
    let list = if matches!(entry.value.value, Value::Mapping(_)) {
        let what = format!("prefix list `{}`", entry.key);
        let fields = Fields::check(&entry.value, &RECORD, &what, context.findings);
        let label = context.label(entry, &fields);
        let entries = ranges(fields.items("entries"), context);
        let most = fields
            .find("max_entries")
            .and_then(|node| node.whole(0, u32::MAX, context.findings));
        let version = fields.find("version");
        let version = version.and_then(|node| node.whole(1, 1_000, context.findings));
        PrefixList {
            label,
            entries_max: most.unwrap_or(entries.len() as u32),
            version,
            entries,
        }
    } else {
        let entries = ranges(entry.value.items(), context);
        let label = Label {
            origin: entry.key_origin,
            ..Label::named(&entry.key)
        };
        PrefixList {
            label,
            entries_max: entries.len() as u32,
            version: None,
            entries,
        }
    };
    let id = context.topology.prefix_lists.push(list);
    Some(context.enter(id, scope))
}
