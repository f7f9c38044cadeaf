//! Transit gateway attachment: what is joined to a transit gateway, and where.
//!
//! # AWS semantics
//!
//! - An attachment of a VPC has one interface in each zone that it enables (TGW-01).
//! - It forwards in the state available alone (TGW-45).
//! - A peering attachment joins two gateways, of one region or of two (TGW-29).

use crate::arrangement::{Arrangement, Rank, Renumbering};
use crate::compile::fabric::ClaimIndex;
use crate::compile::place::interface_mac;
use crate::compile::{Place, ZonalTarget};
use crate::devices::{Kind, NetworkInterface, Resource, TransitGateway, Vpc};
use crate::drop_reason;
use crate::model::{Id, Label};
use vpcsim_engine::Port;

/// A transit gateway attachment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TransitGatewayAttachment {
    /// How it is called.
    pub label: Label,
    /// The gateway; of a peering the one that asked.
    pub gateway: Id<TransitGateway>,
    /// What is attached to it.
    pub end: AttachmentEnd,
    /// Whether it forwards.
    pub state: AttachmentState,
}

/// What is attached to a transit gateway.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AttachmentEnd {
    /// A VPC.
    Vpc {
        /// The VPC.
        vpc: Id<Vpc>,
        /// Its interfaces, one in each zone.
        interfaces: Vec<Id<NetworkInterface>>,
        /// Whether both ways of a flow take the same interface (TGW-06).
        appliance_mode: bool,
        /// Whether rules may refer to security groups across it (TGW-44).
        security_group_referencing: bool,
    },
    /// Another transit gateway; `None` if the design does not have it.
    Peering(Option<Id<TransitGateway>>),
    /// Something that is not modelled; what it is (`VPN connection`).
    Unmodelled(String),
}

/// The state of an attachment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum AttachmentState {
    /// It forwards.
    #[default]
    Available,
    /// It was not accepted yet, or is being made.
    Pending,
    /// It is gone, was rejected or failed.
    Ended,
}

impl TransitGatewayAttachment {
    /// The VPC that is attached, if it is one.
    pub fn vpc(&self) -> Option<Id<Vpc>> {
        match self.end {
            AttachmentEnd::Vpc { vpc, .. } => Some(vpc),
            _ => None,
        }
    }

    /// Whether it is an attachment of the gateway, from either side.
    pub fn is_of(&self, gateway: Id<TransitGateway>) -> bool {
        self.gateway == gateway || self.end == AttachmentEnd::Peering(Some(gateway))
    }

    /// For a peering the gateway on the other side, if the design has it.
    pub fn other_gateway(&self, gateway: Id<TransitGateway>) -> Option<Id<TransitGateway>> {
        match self.end {
            AttachmentEnd::Peering(peer) if self.gateway == gateway => peer,
            AttachmentEnd::Peering(_) => Some(self.gateway),
            _ => None,
        }
    }
}

/// The port of a gateway's node for what comes by the attachment.
pub fn port_of(id: Id<TransitGatewayAttachment>) -> Port {
    Port(id.index() as u32)
}

impl Resource for TransitGatewayAttachment {
    const KIND: Kind = Kind::TransitGatewayAttachment;
    const NOUN: &'static str = "transit gateway attachment";

    fn label(&self) -> &Label {
        &self.label
    }

    fn rank(&self, _: Id<Self>, _: &Arrangement<'_>) -> Rank {
        Rank::at(self.gateway.index())
    }

    fn renumber(&mut self, order: &Renumbering) {
        order.id(&mut self.gateway);
        match &mut self.end {
            AttachmentEnd::Vpc { vpc, interfaces, .. } => {
                order.id(vpc);
                order.ids(interfaces);
            }
            AttachmentEnd::Peering(peer) => order.ids(peer),
            AttachmentEnd::Unmodelled(_) => {}
        }
    }

    /// Claims the addresses of its interfaces, which then lead to the gateway; of two attachments of a VPC the first counts.
    fn place(id: Id<Self>, place: &mut Place<'_>) {
        let attachment = &place.topology.transit_gateway_attachments[id];
        let (AttachmentEnd::Vpc { vpc, interfaces, .. }, AttachmentState::Available) =
            (&attachment.end, attachment.state)
        else {
            return;
        };
        let (vpc, owner) = (*vpc, attachment.gateway.into());
        if place.fabric(vpc).zonal_of(owner).is_some() {
            return;
        }
        let claims = interfaces.iter().filter_map(|interface| claim(id, *interface, place));
        let mut places: Vec<(u16, ClaimIndex)> = claims.collect();
        places.sort_unstable();
        places.dedup_by_key(|(zone, _)| *zone);
        place.fabric_mut(vpc).push_zonal(ZonalTarget { owner, places, elsewhere: drop_reason::TGW_ROUTE_AZ });
    }
}

fn claim(
    id: Id<TransitGatewayAttachment>,
    interface: Id<NetworkInterface>,
    place: &mut Place<'_>,
) -> Option<(u16, ClaimIndex)> {
    let topology = place.topology;
    let node = place.node_of(topology.transit_gateway_attachments[id].gateway)?;
    let declared = topology.network_interfaces.find(interface)?;
    let mac = declared.mac.unwrap_or_else(|| interface_mac(interface.index()));
    let claim = place.claim(declared.subnet, declared.primary(), node, port_of(id), mac, id.into());
    Some((place.zone_of(declared.subnet), claim))
}
