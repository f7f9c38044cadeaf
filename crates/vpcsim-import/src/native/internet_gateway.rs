//! Internet gateways: `internet_gateway:` of a VPC, and detached ones at the top of a design.

use vpcsim_aws::devices::{InternetGateway, Vpc};
use vpcsim_aws::{AnyId, Findings, Id, Label};

use super::context::{Context, Scope};
use super::node::{Entry, Node};
use super::registry::Noun;
use super::shape::{Fields, Record, Shape, key};

const ATTACHED: Record = Record::plain(
    "internet_gateway",
    &[
        key("name", Shape::Text, "What routes call it.").required(),
        key(
            "route_table",
            Shape::Text,
            "Its own route table: where what comes in goes.",
        ),
        key("id", Shape::Text, "AWS's id."),
        key("tags", Shape::Named(&Shape::Text), "Tags."),
    ],
);

const LOOSE: Record = Record::plain(
    "detached_internet_gateway",
    &[
        key("id", Shape::Text, "AWS's id."),
        key("tags", Shape::Named(&Shape::Text), "Tags."),
    ],
);

/// An internet gateway in a VPC: its name, or a mapping with it.
pub(crate) const SHAPE: Shape = Shape::Either(&[Shape::Text, Shape::Record(&ATTACHED)]);

/// The registration of those that are attached to nothing.
pub(crate) const DETACHED: Noun = Noun {
    key: "internet_gateways",
    about: "Internet gateways that are attached to no VPC.",
    shape: Shape::Optional(&LOOSE),
    declare: declare_detached,
    connect: None,
};

/// Declares the gateway of a VPC.
pub(crate) fn declare_attached(context: &mut Context<'_>, vpc: Id<Vpc>, node: &Node) {
    let label = if node.is_mapping() {
        let fields = Fields::check(node, &ATTACHED, "the internet gateway", context.findings);
        let name = fields.text("name", context.findings).unwrap_or_default();
        context.label_named(name.to_owned(), node.origin, &fields)
    } else {
        let Some(name) = node.text("the name of an internet gateway", context.findings) else {
            return;
        };
        Label {
            origin: node.origin,
            ..Label::named(name)
        }
    };
    let id = context.topology.internet_gateways.push(InternetGateway {
        label,
        vpc: Some(vpc),
        route_table: None,
    });
    context.enter(id, Scope::inside(vpc));
}

/// Gives the gateway of a VPC its route table, once that is declared.
pub(crate) fn connect_attached(context: &mut Context<'_>, vpc: Id<Vpc>, node: &Node) {
    if !node.is_mapping() {
        return;
    }
    let fields = Fields::check(node, &ATTACHED, "", &mut Findings::default());
    let name = fields.text("name", context.findings).unwrap_or_default();
    let gateway = context.names.find::<InternetGateway>(Some(vpc), name);
    let table = context.reference_under(Scope::inside(vpc), &fields, "route_table");
    if let (Some(gateway), Some(table)) = (gateway, table) {
        context.topology.internet_gateways[gateway].route_table = Some(table);
    }
}

#[expect(
    clippy::unnecessary_wraps,
    reason = "the registry takes functions of this shape"
)]
fn declare_detached(context: &mut Context<'_>, scope: Scope, entry: &Entry) -> Option<AnyId> {
    let fields = Fields::check(&entry.value, &LOOSE, "the internet gateway", context.findings);
    let label = context.label(entry, &fields);
    let id = context.topology.internet_gateways.push(InternetGateway {
        label,
        vpc: None,
        route_table: None,
    });
    Some(context.enter(id, scope))
}
