//! `unread:` of a design: what the importer that wrote it recognised and could not express.

use vpcsim_aws::Unread;

use super::context::{Context, Scope};
use super::shape::{Fields, Record, Shape, key};

const RECORD: Record = Record::plain(
    "unread",
    &[
        key("noun", Shape::Text, "What kind of thing it is.").required(),
        key("name", Shape::Text, "Its name or id.").required(),
        key("vpc", Shape::Text, "The VPC it belongs to."),
        key(
            "addresses",
            Shape::Many(&Shape::Address),
            "Addresses that it owns.",
        ),
        key("effect", Shape::Text, "What it may change in the verdicts."),
    ],
);

/// One entry of the list.
pub(crate) const SHAPE: Shape = Shape::Record(&RECORD);

/// Reads the list.
pub(crate) fn read(design: &Fields<'_>, context: &mut Context<'_>) {
    for node in design.items("unread") {
        let fields = Fields::check(node, &RECORD, "the unread thing", context.findings);
        let vpc = context.reference_under(Scope::TOP, &fields, "vpc");
        let addresses = fields.items("addresses").iter();
        let addresses = addresses
            .filter_map(|node| node.address(context.findings))
            .collect();
        let mut text = |key| fields.text(key, context.findings).unwrap_or_default().to_owned();
        let (noun, name, effect) = (text("noun"), text("name"), text("effect"));
        context.topology.unread.push(Unread {
            noun,
            name,
            vpc,
            addresses,
            effect,
            origin: node.origin,
        });
    }
}
