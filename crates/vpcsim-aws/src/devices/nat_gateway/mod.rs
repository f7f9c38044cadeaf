//! NAT gateway (public and private, IPv4, zonal).
//!
//! Lets instances of a private subnet open connections outwards, and never the other way round. It rewrites the source to
//! its own *private* address; the internet gateway in front of it turns that into the Elastic IP address.
//!
//! # AWS semantics
//!
//! - Only an available or deleting gateway forwards (NAT-03).
//! - TCP, UDP and ICMP are translated, anything else is dropped (NAT-05).
//! - The source becomes the gateway's private address; the destination is never changed (NAT-06).
//! - Source ports are mapped into 1024 to 65,535 (NAT-07).
//! - One address carries at most 55,000 connections to one destination address, port and protocol (NAT-08).
//! - Up to eight addresses carry as many times more (NAT-10).
//! - A TCP connection idle for 350 s is forgotten; the next packet from inside is answered with a RST (NAT-12).
//! - What comes from outside for a forgotten connection is dropped silently (NAT-13).
//! - A packet of either direction keeps a connection alive (NAT-14).
//! - UDP and ICMP are forgotten after 350 s too, and then mapped anew (NAT-15).
//! - A closed connection is not active any more, and its port is held back for a while (NAT-16), so that some 900 new
//!   ones a second to one destination use up an address (NAT-09).
//! - What fits no connection is dropped: nothing can be opened from outside (NAT-17).
//! - A mapping is for one destination: others cannot use its port (NAT-18).
//! - It answers no ping (NAT-19).
//! - ICMP echo is translated by its identifier, and ICMP errors by the packet inside (NAT-20).
//! - Fragments of UDP pass, those of TCP and ICMP are dropped (NAT-21).
//! - A packet over 8500 bytes is cut if that is allowed, else dropped and answered with ICMP (NAT-22).
//! - The maximum segment size of TCP is lowered to what the way carries (NAT-23); no other device does that (MTU-07).
//! - It has no security group; the network ACL of its subnet applies to both legs (NAT-24, NAT-25).
//! - A subnet whose route leads back to the gateway makes a loop, in which packets are lost (NAT-26).
//! - Only sources inside its VPC are served (NAT-27).
//! - What leaves otherwise than by an internet gateway keeps the private address (NAT-29, NAT-30).
//! - Inside the VPC it hides the source and its security groups (NAT-31).
//! - By it and the internet gateway its clients reach public addresses of their own VPC (NAT-32).
//! - It serves subnets of other zones (RT-35).
//! - A route to its interface, instead of to the gateway, leads nowhere (ENI-07).
//! - It carries 100 Gbit/s and ten million packets a second; what is over that is dropped (NAT-33).
//! - It counts what CloudWatch shows (NAT-34, NAT-35, NAT-36).
//! - One connection keeps one address (NAT-39).
//! - Another gateway does not know its connections: a packet amid one is answered with a RST (NAT-49).
//! - It takes one off the time to live, and reports with its private address where that ends (NAT-52).
//!
//! A SYN-ACK to a connection that came in by another door is dropped and answered with a RST too (IGW-11). So it was measured
//! on AWS, as was the time to live: an echo reply that came out of a NAT gateway and by two internet gateways arrived with 253
//! of 255, one less than without the NAT gateway (NAT-52).
//!
//! # Where AWS is silent
//!
//! - What an instance forwards for others is served if a transit gateway is attached to the VPC: a firewall between the two
//!   hides from where a packet came, and centralized egress with inspection is built like that (TGW-49).
//! - Ports are handed out in ascending order, so that equal seeds give equal captures.
//! - The second address is used when the first has no port left for the destination.
//! - The port of a closed connection is held for 60 s; one FIN alone does not close.
//! - Segment sizes are held to 1460 bytes towards the internet and to 8460 bytes elsewhere.
//! - A packet over 8500 bytes is cut only if it is UDP, as fragments of the others do not pass.
//! - A later fragment that overtakes the first one of its datagram is dropped.
//!
//! Not modelled: the draining of addresses (NAT-38), and the time that the gateway takes to grow to its bandwidth.

pub mod device;
pub mod metrics;
pub mod translation_table;
#[cfg(test)]
mod samples;
mod validation;

use std::net::Ipv4Addr;

use vpcsim_engine::{Decision, NodeId, Port};
use vpcsim_wire::Mac;

use crate::arrangement::{Arrangement, Rank, Renumbering};
use crate::compile::place::{gateway_mac, interface_mac, router_mac};
use crate::compile::{Build, LinkLayer, NextHop, Place};
use crate::devices::{Coverage, Kind, NetworkInterface, Resource, Subnet, Vpc};
use crate::model::{Findings, Id, Label};
use crate::topology::Topology;

pub use device::NatGatewayDevice;
pub use metrics::NatGatewayMetrics;
pub(crate) use validation::check_taken_addresses;

/// The port for what is sent to one of its addresses: answers from outside.
pub const ADDRESSED: Port = Port(0);
/// The port for what a route sends to it: packets from inside, on their way out.
pub const ROUTED: Port = Port(1);

/// A zonal NAT gateway.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NatGateway {
    /// How it is called.
    pub label: Label,
    /// The subnet it is in.
    pub subnet: Id<Subnet>,
    /// Whether it is public (has Elastic IPs) or private.
    pub connectivity: Connectivity,
    /// Its state.
    pub state: NatGatewayState,
    /// Its addresses, the primary first.
    pub addresses: Vec<NatGatewayAddress>,
    /// Its network interface, where the input has one.
    pub network_interface: Option<Id<NetworkInterface>>,
}

/// Whether a NAT gateway has public addresses.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Connectivity {
    /// With Elastic IPs.
    #[default]
    Public,
    /// Without.
    Private,
}

/// The state of a NAT gateway (NAT-03).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum NatGatewayState {
    /// Being made.
    Pending,
    /// Making it failed.
    Failed,
    /// It works.
    #[default]
    Available,
    /// Being deleted.
    Deleting,
    /// Gone; routes to it are black holes.
    Deleted,
}

/// An address of a NAT gateway.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NatGatewayAddress {
    /// The private address.
    pub private: Ipv4Addr,
    /// The Elastic IP, if the gateway is public.
    pub public: Option<Ipv4Addr>,
}

impl Resource for NatGateway {
    const KIND: Kind = Kind::NatGateway;
    const NOUN: &'static str = "NAT gateway";
    const IS_ROUTE_TARGET: bool = true;
    const COVERAGE: Coverage = Coverage::of(
        "public and private, ports, timers, fragments, size, rates",
        "growth of its bandwidth with time",
    );

    fn label(&self) -> &Label {
        &self.label
    }

    fn vpc(id: Id<Self>, topology: &Topology) -> Option<Id<Vpc>> {
        Some(topology.subnets[topology.nat_gateways[id].subnet].vpc)
    }

    fn rank(&self, _: Id<Self>, arrangement: &Arrangement<'_>) -> Rank {
        arrangement.in_subnet(self.subnet)
    }

    fn renumber(&mut self, order: &Renumbering) {
        order.id(&mut self.subnet);
        order.ids(&mut self.network_interface);
    }

    fn validate(id: Id<Self>, topology: &Topology, findings: &mut Findings) {
        validation::validate(id, topology, findings);
    }

    fn place(id: Id<Self>, place: &mut Place<'_>) {
        let topology = place.topology;
        let gateway = &topology.nat_gateways[id];
        if gateway.state == NatGatewayState::Deleted {
            return;
        }
        let node = place.reserve(id);
        let (mac, vpc) = (gateway.mac(node, topology), topology.subnets[gateway.subnet].vpc);
        for address in &gateway.addresses {
            place.claim(gateway.subnet, Some(address.private), node, ADDRESSED, mac, id.into());
            if let Some(public) = address.public {
                place.claim_public(public, vpc, address.private);
            }
        }
        place.claim(gateway.subnet, None, node, ROUTED, mac, id.into());
        for side in ["inside", "outside"] {
            let name = format!("{} {side}", gateway.label.name);
            let description = gateway.describe(topology);
            place.capture_point(name, description, LinkLayer::Ip, id.into(), node);
        }
    }

    fn build(id: Id<Self>, build: &mut Build<'_>) {
        let (place, topology) = (build.place, build.topology);
        let gateway = &topology.nat_gateways[id];
        let (Some(node), Some(subnet_node)) = (place.node_of(id), place.node_of(gateway.subnet)) else {
            return;
        };
        let mut points = place.capture_points_of(id.into());
        let mut point = || points.next().expect("placing named both points");
        let plan = device::Plan {
            decision: Decision::by(topology.component(id)),
            state: gateway.state,
            is_public: gateway.connectivity == Connectivity::Public,
            addresses: gateway.addresses.iter().map(|address| address.private).collect(),
            has_transit: has_transit(topology.subnets[gateway.subnet].vpc, topology),
            fabric: build.fabric(topology.subnets[gateway.subnet].vpc),
            subnet_node,
            mac: gateway.mac(node, topology),
            router_mac: router_mac(gateway.subnet),
            limit: topology.settings.limits.map(|limits| limits.nat_gateway),
            inside: point(),
            outside: point(),
        };
        build.install_for_sets(node, NatGatewayDevice::new(plan));
    }

    fn next_hop(id: Id<Self>, from: Id<Vpc>, place: &Place<'_>) -> NextHop {
        let claims = place.fabric(from).claims().iter();
        let mut numbered = (0..).map(crate::compile::fabric::ClaimIndex).zip(claims);
        let own = numbered.find(|(_, claim)| claim.owner == id.into() && claim.address.is_none());
        own.map_or(NextHop::Blackhole, |(index, _)| NextHop::Inside(index))
    }
}

/// Whether a transit gateway is attached to the VPC.
pub(super) fn has_transit(vpc: Id<Vpc>, topology: &Topology) -> bool {
    topology.transit_gateway_attachments.iter().any(|(_, attachment)| attachment.vpc() == Some(vpc))
}

impl NatGateway {
    /// That of its network interface, where the input has one.
    fn mac(&self, node: NodeId, topology: &Topology) -> Mac {
        let interface = self.network_interface;
        match interface.and_then(|id| Some((id, topology.network_interfaces.find(id)?))) {
            Some((id, interface)) => interface.mac.unwrap_or_else(|| interface_mac(id.index())),
            None => gateway_mac(node),
        }
    }

    fn describe(&self, topology: &Topology) -> String {
        let subnet = &topology.subnets[self.subnet];
        format!(
            "{} {} {} {}",
            self.label.id_or_name(),
            subnet.label.name,
            subnet.cidr,
            subnet.availability_zone
        )
    }
}
