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
use crate::devices::{Coverage, Kind, NetworkInterface, Resource, TransitGateway, Vpc};
use crate::drop_reason;
use crate::model::{Finding, Findings, Id, Label};
use crate::topology::Topology;
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
        /// Whether public host names resolve to private addresses across it (TGW-53).
        dns_support: bool,
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
    const COVERAGE: Coverage = Coverage::of("VPCs and peerings, states", "VPN, Direct Connect, Connect");

    fn label(&self) -> &Label {
        &self.label
    }

    fn validate(id: Id<Self>, topology: &Topology, findings: &mut Findings) {
        let attachment = &topology.transit_gateway_attachments[id];
        let AttachmentEnd::Vpc { vpc, interfaces, .. } = &attachment.end else {
            return;
        };
        let (name, origin) = (attachment.label.display(), attachment.label.origin);
        let mut earlier = topology.transit_gateway_attachments.iter().take(id.index());
        let same = |other: &Self| other.gateway == attachment.gateway && other.vpc() == Some(*vpc);
        if let Some((_, first)) = earlier.find(|(_, other)| same(other)) {
            let (vpc, first) = (topology.name_of(*vpc), first.label.display());
            let message = format!("transit gateway attachment {name} attaches VPC {vpc}, which {first} attaches already");
            let finding = Finding::error("transit-gateway-attachment-twice", origin, message).rule("TGW-01");
            findings.push(finding.help("a VPC has one attachment to a transit gateway; add the subnets to that one"));
        }
        let mut seen: Vec<&str> = Vec::new();
        for interface in interfaces {
            let subnet = &topology.subnets[topology.network_interfaces[*interface].subnet];
            if subnet.vpc != *vpc {
                let (subnet, vpc) = (subnet.label.display(), topology.name_of(*vpc));
                let message = format!("transit gateway attachment {name} names subnet {subnet}, which is not in VPC {vpc}");
                findings.push(Finding::error("transit-gateway-attachment-vpc", origin, message).rule("TGW-01"));
            }
            let zone = subnet.availability_zone.as_str();
            if seen.contains(&zone) {
                let message = format!("transit gateway attachment {name} names two subnets in {zone}");
                let finding = Finding::error("transit-gateway-attachment-zone", origin, message).rule("TGW-01");
                findings.push(finding.help("an attachment has one subnet in each availability zone"));
            }
            seen.push(zone);
        }
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::compile::NextHop;
    use crate::fixtures::{interface, subnet, vpc};

    /// A VPC with two subnets, of zones a and b, and an attachment in the first.
    fn design() -> (Topology, [Id<NetworkInterface>; 2]) {
        let mut topology = Topology::named("transit", "eu-west-1");
        let gateway = topology.transit_gateways.push(TransitGateway::new(Label::named("tgw"), "eu-west-1"));
        let vpc = topology.vpcs.push(vpc("shop", "10.1.0.0/16"));
        let interfaces = ["a", "b"].map(|zone| {
            let range = if zone == "a" { "10.1.1.0/24" } else { "10.1.2.0/24" };
            let mut subnet = subnet(vpc, zone, range);
            subnet.availability_zone = format!("eu-west-1{zone}");
            let subnet = topology.subnets.push(subnet);
            topology.network_interfaces.push(interface(subnet, &range.replace(".0/24", ".9"), &[]))
        });
        attach(&mut topology, gateway, vpc, &interfaces[..1]);
        (topology, interfaces)
    }

    fn attach(topology: &mut Topology, gateway: Id<TransitGateway>, vpc: Id<Vpc>, interfaces: &[Id<NetworkInterface>]) {
        topology.transit_gateway_attachments.push(TransitGatewayAttachment {
            label: Label::named("to-shop"),
            gateway,
            end: AttachmentEnd::Vpc {
                vpc,
                interfaces: interfaces.to_vec(),
                appliance_mode: false,
                security_group_referencing: true,
                dns_support: true,
            },
            state: AttachmentState::Available,
        });
    }

    fn codes(topology: &Topology) -> Vec<&'static str> {
        let mut findings = Findings::default();
        for id in topology.transit_gateway_attachments.ids() {
            TransitGatewayAttachment::validate(id, topology, &mut findings);
        }
        findings.iter().map(|finding| finding.code).collect()
    }

    #[test]
    fn an_attachment_has_one_subnet_in_each_zone_of_its_vpc() {
        let (mut topology, interfaces) = design();
        let first = Id::from_index(0);
        assert!(codes(&topology).is_empty());
        let second = topology.network_interfaces[interfaces[1]].subnet;
        topology.subnets[second].availability_zone = "eu-west-1a".to_owned();
        if let AttachmentEnd::Vpc { interfaces: own, .. } = &mut topology.transit_gateway_attachments[first].end {
            own.push(interfaces[1]);
        }
        assert_eq!(codes(&topology), ["transit-gateway-attachment-zone"]);
        let other = topology.vpcs.push(vpc("other", "10.2.0.0/16"));
        topology.subnets[second].vpc = other;
        topology.subnets[second].availability_zone = "eu-west-1b".to_owned();
        assert_eq!(codes(&topology), ["transit-gateway-attachment-vpc"]);
    }

    #[test]
    fn a_vpc_is_attached_to_a_gateway_once() {
        let (mut topology, interfaces) = design();
        attach(&mut topology, Id::from_index(0), Id::from_index(0), &interfaces[1..]);
        assert_eq!(codes(&topology), ["transit-gateway-attachment-twice"]);
    }

    #[test]
    fn only_an_available_attachment_makes_the_gateway_a_target() {
        let (mut topology, _) = design();
        let gateway: Id<TransitGateway> = Id::from_index(0);
        let hop = |topology: &Topology| {
            let mut place = Place::new(topology);
            topology.place_resources(&mut place);
            place.next_hop(gateway.into(), Id::from_index(0))
        };
        assert!(matches!(hop(&topology), NextHop::Zonal(_)));
        topology.transit_gateway_attachments[Id::from_index(0)].state = AttachmentState::Pending;
        assert_eq!(hop(&topology), NextHop::Blackhole);
    }

    #[test]
    fn a_peering_has_a_gateway_on_either_side() {
        let (near, far): (Id<TransitGateway>, _) = (Id::from_index(0), Id::from_index(1));
        let peering = TransitGatewayAttachment {
            label: Label::named("peering"),
            gateway: near,
            end: AttachmentEnd::Peering(Some(far)),
            state: AttachmentState::Available,
        };
        assert!(peering.is_of(near) && peering.is_of(far) && !peering.is_of(Id::from_index(2)));
        assert_eq!((peering.other_gateway(near), peering.other_gateway(far)), (Some(far), Some(near)));
    }
}
