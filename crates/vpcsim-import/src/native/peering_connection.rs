//! `peerings:` of a design.

use vpcsim_aws::AnyId;
use vpcsim_aws::devices::PeeringConnection;
use vpcsim_aws::devices::peering_connection::PeeringState;

use super::context::{Context, Scope};
use super::node::Entry;
use super::registry::Noun;
use super::shape::{Fields, Record, Shape, key};

const RECORD: Record = Record::plain(
    "peering",
    &[
        key(
            "between",
            Shape::Many(&Shape::Text),
            "The two VPCs, the one that asked first.",
        ),
        key(
            "requester",
            Shape::Text,
            "The VPC that asked, if the design has it.",
        ),
        key(
            "accepter",
            Shape::Text,
            "The VPC that accepted, if the design has it.",
        ),
        key(
            "state",
            Shape::Choice(&[
                "active",
                "initiating-request",
                "pending-acceptance",
                "provisioning",
                "deleting",
                "deleted",
                "rejected",
                "failed",
                "expired",
            ]),
            "Its state; only an active one forwards.",
        ),
        key(
            "dns_resolution",
            Shape::Flag,
            "Whether public host names resolve to private addresses, both ways.",
        ),
        key(
            "requester_dns_resolution",
            Shape::Flag,
            "The same for the requester's names.",
        ),
        key(
            "accepter_dns_resolution",
            Shape::Flag,
            "The same for the accepter's names.",
        ),
        key("id", Shape::Text, "AWS's id."),
        key("tags", Shape::Named(&Shape::Text), "Tags."),
    ],
);

/// The registration.
pub(crate) const NOUN: Noun = Noun {
    key: "peerings",
    about: "Peering connections of two VPCs.",
    shape: Shape::Record(&RECORD),
    declare,
    connect: None,
};

/// The spellings of the states.
pub(crate) const STATES: [(&str, PeeringState); 9] = PeeringState::WORDS;

#[expect(
    clippy::unnecessary_wraps,
    reason = "the registry takes functions of this shape"
)]
fn declare(context: &mut Context<'_>, scope: Scope, entry: &Entry) -> Option<AnyId> {
    let what = format!("peering connection `{}`", entry.key);
    let fields = Fields::check(&entry.value, &RECORD, &what, context.findings);
    let label = context.label(entry, &fields);
    let between = fields.items("between");
    if fields.find("between").is_some() && between.len() != 2 {
        let message = format!("{what} is between {} VPCs; it takes two", between.len());
        context.error("wrong-type", fields.node.origin, message);
    }
    let mut vpc = |place: usize, key| match between.get(place).or_else(|| fields.find(key)) {
        Some(node) => context.reference(Scope::TOP, node),
        None => None,
    };
    let (requester, accepter) = (vpc(0, "requester"), vpc(1, "accepter"));
    let findings = &mut *context.findings;
    let state = fields
        .find("state")
        .and_then(|node| node.choice(&STATES, findings));
    let both = fields.flag("dns_resolution", findings).unwrap_or(false);
    let connection = PeeringConnection {
        label,
        requester,
        accepter,
        state: state.unwrap_or_default(),
        requester_dns_resolution: fields.flag("requester_dns_resolution", findings).unwrap_or(both),
        accepter_dns_resolution: fields.flag("accepter_dns_resolution", findings).unwrap_or(both),
    };
    let id = context.topology.peering_connections.push(connection);
    Some(context.enter(id, scope))
}
