//! Peering connection of two VPCs of one region.

use crate::devices::{Kind, Resource, Vpc};
use crate::model::{Id, Label};

/// A peering connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PeeringConnection {
    /// How it is called.
    pub label: Label,
    /// The VPC that asked; `None` if the input does not have it.
    pub requester: Option<Id<Vpc>>,
    /// The VPC that accepted; `None` if the input does not have it.
    pub accepter: Option<Id<Vpc>>,
    /// Its state.
    pub state: PeeringState,
    /// Whether the requester's public host names resolve to private addresses for the accepter (DNS-09).
    pub requester_dns_resolution: bool,
    /// Whether the accepter's public host names resolve to private addresses for the requester.
    pub accepter_dns_resolution: bool,
}

/// The state of a peering connection (PCX-01); only an active one forwards.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum PeeringState {
    /// It forwards.
    #[default]
    Active,
    /// Not yet accepted.
    PendingAcceptance,
    /// Over: deleted, rejected, failed or expired.
    Ended,
}

impl Resource for PeeringConnection {
    const KIND: Kind = Kind::PeeringConnection;
    const NOUN: &'static str = "peering connection";

    fn label(&self) -> &Label {
        &self.label
    }
}
