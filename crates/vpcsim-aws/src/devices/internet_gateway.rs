//! Internet gateway.
//!
//! The door of a VPC to the internet. It exchanges each private address that has a public one for that, one to one and
//! without memory, on the way out in the source and on the way in in the destination.
//!
//! A route table of its own is the matter of `ingress_routing`, and what Block Public Access stops that of
//! `block_public_access`.
//!
//! # AWS semantics
//!
//! - A VPC has one internet gateway, and an internet gateway one VPC (IGW-01).
//! - On the way out the source becomes the public address mapped to it; ports stay (IGW-02).
//! - What comes from an address without a public one is dropped (IGW-03).
//! - What an instance forwards for others goes out only if its source has a public address itself (IGW-04).
//! - Private destinations do not go out (IGW-05), nor do those of the carriers' range (IGW-06).
//! - What comes in must be for a public address that is mapped in this VPC; no answer says otherwise (IGW-07).
//! - Sources from private ranges and from the carriers' range do not come in (IGW-08).
//! - On the way in the destination becomes the private address; the source stays (IGW-09), and security groups judge that (SG-24).
//! - A secondary private address needs a public one of its own (PIP-02), whichever interface it is on (PIP-13).
//! - Delivery inside does not look at a route table: only the answer does (IGW-10).
//! - No connection is remembered, and every protocol passes (IGW-12).
//! - The packet inside an ICMP error is translated too (IGW-13).
//! - By its public address an instance reaches another one, or itself, from outside (IGW-14, IGW-15).
//! - A packet over 1500 bytes is cut, or, if that is forbidden, dropped and answered from the subnet's router (IGW-16).
//! - A subnet is public by its route to the gateway and by nothing else (SUB-06).
//! - A route to it can be as narrow as one address, without effect on what comes in (IGW-18).
//! - What a private NAT gateway sends does not go out (IGW-19), nor what comes from beyond the VPC (IGW-20).
//! - Public addresses used as a VPC's own range are not known outside (CIDR-06).
//! - The time to live stays as it is (PIPE-08).
//!
//! # Where AWS is silent
//!
//! - A packet without public address to a private destination is dropped for its destination.
//! - The gateway stands in every zone: what comes in takes the time of a way within the zone.

use std::sync::Arc;

use vpcsim_engine::{
    CapturePoint, Context, Decision, Direction, DropReason, Handle, Node, NodeId, Port, Repeat, Step,
};
use vpcsim_wire::rewrite::EmbeddedChange;
use vpcsim_wire::FlowKey;

use crate::arrangement::{Arrangement, Rank, Renumbering};
use crate::compile::{Build, Fabric, LinkLayer, NextHop, Place};
use crate::devices::block_public_access::Gate;
use crate::devices::{Coverage, Kind, Resource, RouteTable, Vpc, internet_host, subnet};
use crate::ingress_routing::{Entrance, IngressRouting};
use crate::validation;
use crate::drop_reason;
use crate::mark;
use crate::model::{Finding, Findings, Id, Label};
use crate::mtu::{self, Fit, PathMtu};
use crate::public_address::PublicMapping;
use crate::sets::{PacketSet, SetDevice, SetStep, SetWay};
use crate::station;
use crate::subnet_routers::SubnetRouters;
use crate::topology::Topology;

/// The port for what the VPC sends.
pub const FROM_VPC: Port = Port(0);
/// The port for what the internet sends.
pub const FROM_INTERNET: Port = Port(1);

/// An internet gateway.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InternetGateway {
    /// How it is called.
    pub label: Label,
    /// The VPC it is attached to.
    pub vpc: Option<Id<Vpc>>,
    /// Its own route table, through which what comes in goes (GRT-01).
    pub route_table: Option<Id<RouteTable>>,
}

impl Resource for InternetGateway {
    const KIND: Kind = Kind::InternetGateway;
    const NOUN: &'static str = "internet gateway";
    const IS_ROUTE_TARGET: bool = true;
    const COVERAGE: Coverage = Coverage::of(
        "translation one to one, size, route table of its own",
        "egress-only gateways (IPv6)",
    );

    fn label(&self) -> &Label {
        &self.label
    }

    fn vpc(id: Id<Self>, topology: &Topology) -> Option<Id<Vpc>> {
        topology.internet_gateways[id].vpc
    }

    fn rank(&self, _: Id<Self>, _: &Arrangement<'_>) -> Rank {
        self.vpc.map_or(Rank::LAST, Rank::of_vpc)
    }

    fn renumber(&mut self, order: &Renumbering) {
        order.ids(&mut self.vpc);
        order.ids(&mut self.route_table);
    }

    fn validate(id: Id<Self>, topology: &Topology, findings: &mut Findings) {
        validation::gateway_route_table::check(id, topology, findings);
        let gateway = &topology.internet_gateways[id];
        let Some(vpc) = gateway.vpc else {
            return;
        };
        let earlier = topology.internet_gateways.iter().take(id.index());
        for (_, other) in earlier.filter(|(_, other)| other.vpc == Some(vpc)) {
            let (name, vpc) = (gateway.label.display(), topology.vpcs[vpc].label.display());
            let other = other.label.display();
            let message =
                format!("internet gateway {name} cannot be attached to VPC {vpc}, which has {other} already");
            let finding = Finding::error("internet-gateway-second", gateway.label.origin, message);
            findings.push(finding.rule("IGW-01").help("attach one internet gateway to each VPC"));
        }
    }

    fn place(id: Id<Self>, place: &mut Place<'_>) {
        let gateway = &place.topology.internet_gateways[id];
        let Some(vpc) = gateway.vpc else {
            return;
        };
        let node = place.reserve(id);
        place.fabric_mut(vpc).internet_gateway.get_or_insert(node);
        let description = format!(
            "{} of {}, public side",
            gateway.label.id_or_name(),
            place.topology.name_of(vpc)
        );
        place.capture_point(gateway.label.name.clone(), description, LinkLayer::Ip, id.into(), node);
    }

    fn build(id: Id<Self>, build: &mut Build<'_>) {
        let (place, topology) = (build.place, build.topology);
        let vpc = topology.internet_gateways[id].vpc;
        let (Some(vpc), Some(node)) = (vpc, place.node_of(id)) else {
            return;
        };
        let (fabric, mapping) = (build.fabric(vpc), PublicMapping::of_vpc(vpc, place));
        let table = topology.internet_gateways[id].route_table;
        let table = table.filter(|table| topology.route_tables[*table].vpc == vpc);
        let plan = Plan {
            ingress: table.map(|table| IngressRouting::new(table, &fabric, &mapping, build)),
            gate: Gate::of_vpc(vpc, topology),
            fabric,
            mapping,
            routers: SubnetRouters::of_vpc(vpc, topology),
        };
        let device = InternetGatewayDevice {
            decision: Decision::by(topology.component(id)),
            plan: Arc::new(plan),
            internet: place.fixed.internet,
            point: place
                .capture_points_of(id.into())
                .next()
                .expect("placing named the point"),
        };
        build.install_for_sets(node, device);
    }

    fn next_hop(id: Id<Self>, from: Id<Vpc>, place: &Place<'_>) -> NextHop {
        let is_attached = place.topology.internet_gateways[id].vpc == Some(from);
        match place.node_of(id) {
            Some(node) if is_attached => NextHop::Gateway { node, port: FROM_VPC },
            _ => NextHop::Blackhole,
        }
    }
}

/// What the device looks up and never changes.
#[derive(Debug)]
struct Plan {
    fabric: Arc<Fabric>,
    mapping: PublicMapping,
    ingress: Option<IngressRouting>,
    gate: Option<Gate>,
    routers: SubnetRouters,
}

/// Why a packet is dropped, and what decided so.
type Refusal = (DropReason, Decision);

/// A running internet gateway.
#[derive(Clone, Debug)]
pub struct InternetGatewayDevice {
    decision: Decision,
    plan: Arc<Plan>,
    internet: NodeId,
    point: CapturePoint,
}

impl Node for InternetGatewayDevice {
    fn process(&mut self, context: &mut Context<'_>, port: Port, packet: Handle) -> Step {
        let Some(key) = context.packet(packet).key() else {
            return Step::drop(drop_reason::MALFORMED, self.decision);
        };
        let done = match port {
            FROM_INTERNET => self.ingress(context, packet, key),
            _ => self.egress(context, packet, key),
        };
        done.unwrap_or_else(|(reason, decision)| Step::drop(reason, decision))
    }

    /// It translates one to one and keeps no state.
    fn repeats(&self) -> bool {
        true
    }
}

impl InternetGatewayDevice {
    fn egress(&self, context: &mut Context<'_>, packet: Handle, key: FlowKey) -> Result<Step, Refusal> {
        if let Some(gate) = &self.plan.gate {
            gate.check(self.plan.fabric.find(key.source()).map(|(_, claim)| claim))?;
        }
        let public = self.plan.mapping.egress(key.source(), key.destination()).map_err(|reason| self.refuse(reason))?;
        if let Some(ingress) = &self.plan.ingress
            && context.packet(packet).mark() & mark::FORWARDED == 0
            && let Some(decision) = ingress.redirection(key.source(), &self.plan.fabric)
        {
            return Err((drop_reason::INGRESS_RTB_TRAFFIC_REDIRECTION, decision));
        }
        match PathMtu::INTERNET.check(context.packet(packet)) {
            Fit::Whole => {}
            Fit::Fragments(fragments) => mtu::cut_again(context, packet, &fragments, FROM_VPC),
            Fit::TooBig => {
                let plan = &*self.plan;
                plan.routers.report_too_big(context, packet, &plan.fabric, PathMtu::INTERNET);
                return Err(self.refuse(drop_reason::MTU_EXCEEDED));
            }
        }
        self.translate_embedded(context, packet, FROM_VPC);
        context.packet_mut(packet).set_source(public, None);
        self.note(context, packet, key);
        context.capture(packet, self.point, Direction::Outbound);
        context.repeats(Repeat::ALWAYS.up_to_len(PathMtu::INTERNET.0));
        Ok(Step::Forward {
            to: self.internet,
            port: internet_host::FROM_GATEWAY,
        })
    }

    fn ingress(&self, context: &mut Context<'_>, packet: Handle, key: FlowKey) -> Result<Step, Refusal> {
        context.capture(packet, self.point, Direction::Inbound);
        if let Some(gate) = &self.plan.gate {
            let private = self.plan.mapping.private_of(key.destination());
            let inside = private.and_then(|private| self.plan.fabric.find(private));
            gate.check(inside.map(|(_, claim)| claim))?;
        }
        let refuse = |reason| self.refuse(reason);
        let private = self.plan.mapping.ingress(key.source(), key.destination()).map_err(refuse)?;
        let fabric = &self.plan.fabric;
        let (own, _) = fabric.find(private).ok_or(refuse(drop_reason::IGW_NO_MAPPING))?;
        let entrance = self.plan.ingress.as_ref().map(|ingress| ingress.entrance(private, own)).transpose()?;
        self.translate_embedded(context, packet, FROM_INTERNET);
        let arriving = context.packet_mut(packet);
        arriving.set_destination(private, None);
        arriving.set_mark(arriving.mark() | mark::FROM_INTERNET | mark::GROUP_UNKNOWN);
        self.note(context, packet, key);
        let index = match entrance {
            None => own,
            Some(Entrance::Ends(step)) => return Ok(step),
            Some(Entrance::To(index, decision)) => {
                context.pass(packet, station::ROUTE, decision);
                index
            }
        };
        mark::set_claim(context.packet_mut(packet), index);
        let claim = fabric.claim(index);
        context.repeats(Repeat::ALWAYS);
        Ok(fabric.enter(claim.zone, claim))
    }

    const fn refuse(&self, reason: DropReason) -> Refusal {
        (reason, self.decision)
    }

    fn note(&self, context: &mut Context<'_>, packet: Handle, before: FlowKey) {
        context.rewritten(packet, before);
        context.pass(packet, station::GATEWAY, self.decision);
    }

    /// An error that goes out is about a packet that came in, so that its receiver is ours; the other way round the sender.
    fn translate_embedded(&self, context: &mut Context<'_>, packet: Handle, port: Port) {
        let mapping = &self.plan.mapping;
        let packet = context.packet_mut(packet);
        let Some(inner) = packet.summary().and_then(|summary| summary.embedded(packet.bytes())) else {
            return;
        };
        let change = if port == FROM_VPC {
            EmbeddedChange {
                source: None,
                destination: mapping.public_of(inner.destination()).map(|ip| (ip, None)),
            }
        } else {
            EmbeddedChange {
                source: mapping.private_of(inner.source()).map(|ip| (ip, None)),
                destination: None,
            }
        };
        packet.translate_embedded(change);
    }
}

impl InternetGatewayDevice {
    fn leave(&self, packets: &mut PacketSet) -> Result<SetStep, Refusal> {
        let plan = &*self.plan;
        if let Some(gate) = &plan.gate {
            gate.check(plan.fabric.find(packets.source).map(|(_, claim)| claim))?;
        }
        let public = plan.mapping.egress(packets.source, packets.destination).map_err(|reason| self.refuse(reason))?;
        if let Some(ingress) = &plan.ingress
            && packets.mark & mark::FORWARDED == 0
            && let Some(decision) = ingress.redirection(packets.source, &plan.fabric)
        {
            return Err((drop_reason::INGRESS_RTB_TRAFFIC_REDIRECTION, decision));
        }
        packets.source = public;
        Ok(SetStep::Forward(self.internet, internet_host::FROM_GATEWAY))
    }

    fn enter(&self, packets: &mut PacketSet) -> Result<SetStep, Refusal> {
        let plan = &*self.plan;
        let fabric = &plan.fabric;
        if let Some(gate) = &plan.gate {
            let private = plan.mapping.private_of(packets.destination);
            gate.check(private.and_then(|private| fabric.find(private)).map(|(_, claim)| claim))?;
        }
        let refuse = |reason| self.refuse(reason);
        let private = plan.mapping.ingress(packets.source, packets.destination).map_err(refuse)?;
        let (own, _) = fabric.find(private).ok_or(refuse(drop_reason::IGW_NO_MAPPING))?;
        let entrance = plan.ingress.as_ref().map(|ingress| ingress.entrance(private, own)).transpose()?;
        packets.destination = private;
        packets.mark = mark::FROM_INTERNET | mark::GROUP_UNKNOWN;
        let index = match entrance {
            None => own,
            Some(Entrance::To(index, _)) => index,
            Some(Entrance::Ends(Step::Drop { reason, decision })) => return Err((reason, decision)),
            Some(Entrance::Ends(_)) => return Ok(SetStep::Opaque),
        };
        packets.go_to(index);
        Ok(SetStep::Forward(fabric.claim(index).subnet_node, subnet::ENTERING))
    }
}

impl SetDevice for InternetGatewayDevice {
    fn pass(&self, port: Port, packets: &mut PacketSet, _: &mut SetWay) -> SetStep {
        let done = if port == FROM_INTERNET { self.enter(packets) } else { self.leave(packets) };
        done.unwrap_or_else(|(reason, decision)| SetStep::Drop(reason, decision))
    }
}

#[cfg(test)]
mod tests {
    use vpcsim_wire::{PacketBuilder, Protocol, icmp, icmp_error, tcp};

    use super::*;
    use crate::devices::{Subnet, network_interface};
    use crate::stand::{self, Arrival, Stand, ip};

    const OUTSIDE: &str = "198.51.100.9";

    /// Two interfaces with public addresses and one without; the first subnet is 10.0.1.0/24.
    fn design() -> Topology {
        let mut topology = Topology::named("gateway", "eu-west-1");
        let vpc = stand::vpc(&mut topology, "vpc", &["10.0.0.0/16"]);
        let subnet = stand::subnet(&mut topology, vpc, "10.0.1.0/24");
        stand::interface(&mut topology, subnet, "10.0.1.5", Some("203.0.113.5"));
        stand::interface(&mut topology, subnet, "10.0.1.6", None);
        stand::interface(&mut topology, subnet, "10.0.1.7", Some("203.0.113.7"));
        stand::internet_gateway(&mut topology, "igw", Some(vpc));
        topology
    }

    fn stand() -> Stand {
        Stand::new(&design(), &[Kind::InternetGateway])
    }

    fn gateway(stand: &Stand) -> NodeId {
        stand.node(Id::<InternetGateway>::from_index(0))
    }

    fn interface(stand: &Stand, index: usize) -> NodeId {
        stand.node(Id::<network_interface::NetworkInterface>::from_index(index))
    }

    fn syn(from: &str, to: &str) -> Vec<u8> {
        PacketBuilder::tcp(ip(from), 40_000, ip(to), 443).flags(tcp::SYN).build()
    }

    fn leave(stand: &mut Stand, bytes: &[u8]) -> Vec<Arrival> {
        stand.send(gateway(stand), FROM_VPC, bytes);
        stand.arrivals(stand.fixed.internet)
    }

    fn enter(stand: &mut Stand, bytes: &[u8]) -> Vec<Arrival> {
        stand.send(gateway(stand), FROM_INTERNET, bytes);
        stand.arrivals(stand.node(Id::<Subnet>::from_index(0)))
    }

    #[test]
    fn the_source_becomes_the_public_address_and_the_port_stays() {
        let left = leave(&mut stand(), &syn("10.0.1.5", OUTSIDE));
        assert_eq!(left[0].key().to_string(), "203.0.113.5:40000 > 198.51.100.9:443 tcp");
        assert_eq!(left[0].port, internet_host::FROM_GATEWAY);
        assert_eq!(left[0].summary().ttl, 64, "the gateway takes nothing off");
    }

    #[test]
    fn what_has_no_public_address_does_not_get_out() {
        let mut stand = stand();
        leave(&mut stand, &syn("10.0.1.6", OUTSIDE));
        leave(&mut stand, &syn("10.9.9.9", OUTSIDE));
        assert_eq!(stand.drops(), ["IGW_NO_PUBLIC_MAPPING"; 2]);
    }

    #[test]
    fn a_forwarded_packet_leaves_with_the_public_address_of_its_own_source() {
        let left = leave(&mut stand(), &syn("10.0.1.7", OUTSIDE));
        assert_eq!(left[0].key().source(), ip("203.0.113.7"), "whoever forwarded it");
    }

    #[test]
    fn private_destinations_do_not_get_out() {
        let mut stand = stand();
        leave(&mut stand, &syn("10.0.1.5", "192.168.1.1"));
        leave(&mut stand, &syn("10.0.1.6", "172.16.0.1"));
        assert_eq!(stand.drops(), ["IGW_DST_PRIVATE"; 2]);
        leave(&mut stand, &syn("10.0.1.5", "100.64.1.1"));
        assert_eq!(stand.drops(), ["IGW_DST_RFC6598"]);
    }

    #[test]
    fn the_destination_becomes_the_private_address_and_the_source_stays() {
        let entered = enter(&mut stand(), &syn(OUTSIDE, "203.0.113.5"));
        assert_eq!(entered[0].key().to_string(), "198.51.100.9:40000 > 10.0.1.5:443 tcp");
        assert_eq!(entered[0].claim(), Some(crate::compile::fabric::ClaimIndex(0)));
        assert!(entered[0].has_mark(mark::FROM_INTERNET) && entered[0].has_mark(mark::GROUP_UNKNOWN));
        assert_eq!(entered[0].summary().ttl, 64);
        assert_eq!(entered[0].port, subnet::ENTERING, "no route table is asked");
    }

    #[test]
    fn what_nobody_has_and_what_pretends_to_be_private_does_not_get_in() {
        let mut stand = stand();
        enter(&mut stand, &syn(OUTSIDE, "203.0.113.99"));
        enter(&mut stand, &syn(OUTSIDE, "10.0.1.5"));
        assert_eq!(stand.drops(), ["IGW_NO_MAPPING"; 2]);
        enter(&mut stand, &syn("10.1.1.1", "203.0.113.5"));
        enter(&mut stand, &syn("100.64.0.9", "203.0.113.5"));
        assert_eq!(stand.drops(), ["IGW_SRC_PRIVATE", "IGW_SRC_RFC6598"]);
        assert!(stand.arrivals(stand.fixed.internet).is_empty(), "nobody is told");
    }

    #[test]
    fn a_vpc_range_of_public_addresses_is_not_known_outside() {
        let mut topology = Topology::named("public range", "eu-west-1");
        let vpc = stand::vpc(&mut topology, "vpc", &["203.0.113.0/24"]);
        let subnet = stand::subnet(&mut topology, vpc, "203.0.113.0/25");
        stand::interface(&mut topology, subnet, "203.0.113.10", None);
        stand::internet_gateway(&mut topology, "igw", Some(vpc));
        let mut stand = Stand::new(&topology, &[Kind::InternetGateway]);
        enter(&mut stand, &syn(OUTSIDE, "203.0.113.10"));
        assert_eq!(stand.drops(), ["IGW_NO_MAPPING"]);
    }

    #[test]
    fn every_protocol_passes_without_anything_being_remembered() {
        let mut stand = stand();
        let out = PacketBuilder::raw(ip("10.0.1.5"), ip(OUTSIDE), Protocol::ESP, &[1; 40]).build();
        assert_eq!(leave(&mut stand, &out)[0].key().source(), ip("203.0.113.5"));
        let inward = PacketBuilder::raw(ip(OUTSIDE), ip("203.0.113.7"), Protocol::GRE, &[1; 40]).build();
        assert_eq!(enter(&mut stand, &inward)[0].key().destination(), ip("10.0.1.7"));
    }

    #[test]
    fn the_packet_inside_an_icmp_error_is_translated_both_ways() {
        let mut stand = stand();
        let seen_outside = syn("203.0.113.5", OUTSIDE);
        let error = icmp_error::port_unreachable(ip(OUTSIDE), &seen_outside).unwrap();
        let entered = enter(&mut stand, &error).remove(0);
        let inner = entered.summary().embedded(&entered.bytes).unwrap();
        assert_eq!(inner.key.to_string(), "10.0.1.5:40000 > 198.51.100.9:443 tcp");
        let error = icmp_error::port_unreachable(ip("10.0.1.5"), &syn(OUTSIDE, "10.0.1.5")).unwrap();
        let left = leave(&mut stand, &error).remove(0);
        let inner = left.summary().embedded(&left.bytes).unwrap();
        assert_eq!(inner.key.to_string(), "198.51.100.9:40000 > 203.0.113.5:443 tcp");
    }

    #[test]
    fn an_instance_reaches_another_one_and_itself_by_its_public_address() {
        let kinds = [Kind::InternetGateway, Kind::InternetHost];
        let mut stand = Stand::new(&design(), &kinds);
        for (to, seen) in [("203.0.113.7", "10.0.1.7"), ("203.0.113.5", "10.0.1.5")] {
            stand.send(gateway(&stand), FROM_VPC, &syn("10.0.1.5", to));
            let arrival = stand.arrival(stand.node(Id::<Subnet>::from_index(0)));
            assert_eq!(arrival.key().source(), ip("203.0.113.5"));
            assert_eq!(arrival.key().destination(), ip(seen));
            assert!(arrival.has_mark(mark::GROUP_UNKNOWN));
            assert_eq!(arrival.summary().ttl, 63, "one for the way out and in together");
        }
    }

    #[test]
    fn a_large_packet_that_may_be_cut_leaves_in_fragments_with_the_public_source() {
        let datagram = PacketBuilder::udp(ip("10.0.1.5"), 1, ip(OUTSIDE), 2).payload(&[7; 4000]);
        let left = leave(&mut stand(), &datagram.build());
        let lengths: Vec<_> = left.iter().map(|arrival| arrival.summary().total_len).collect();
        assert_eq!(lengths, [1500, 1500, 1068]);
        assert!(left.iter().all(|arrival| arrival.key().source() == ip("203.0.113.5")));
    }

    #[test]
    fn a_large_packet_that_must_not_be_cut_is_answered_by_the_subnets_router() {
        let mut stand = stand();
        let datagram = PacketBuilder::udp(ip("10.0.1.5"), 1, ip(OUTSIDE), 2).payload(&[7; 8973]);
        assert!(leave(&mut stand, &datagram.dont_fragment(true).build()).is_empty());
        assert_eq!(stand.drops(), ["MTU_EXCEEDED"]);
        let report = stand.arrival(interface(&stand, 0));
        assert_eq!(report.port, network_interface::FROM_SERVICE);
        assert_eq!(report.summary().source(), ip("10.0.1.1"));
        let message = icmp::Message::parse(&report.bytes[20..]).unwrap();
        assert_eq!(message.next_hop_mtu(), Some(1500));
        let inner = report.summary().embedded(&report.bytes).unwrap();
        assert_eq!(inner.source(), ip("10.0.1.5"), "as the sender knows it");
    }

    #[test]
    fn packets_are_captured_on_the_public_side() {
        let mut stand = stand();
        leave(&mut stand, &syn("10.0.1.5", OUTSIDE));
        enter(&mut stand, &syn(OUTSIDE, "203.0.113.5"));
        let captures = stand.captures();
        assert!(captures.iter().all(|(name, ..)| name == "igw"));
        assert_eq!((captures[0].1, captures[1].1), (Direction::Outbound, Direction::Inbound));
        assert!(captures[0].2.starts_with("203.0.113.5:40000 > "), "{}", captures[0].2);
        assert!(captures[1].2.contains("> 203.0.113.5:443"), "{}", captures[1].2);
    }

    #[test]
    fn a_second_gateway_of_a_vpc_is_refused() {
        let mut topology = design();
        assert!(!stand::codes(&topology).contains(&"internet-gateway-second"));
        stand::internet_gateway(&mut topology, "other", Some(Id::from_index(0)));
        assert!(stand::codes(&topology).contains(&"internet-gateway-second"));
    }

    #[test]
    fn routes_lead_to_it_only_from_the_vpc_it_is_attached_to() {
        let mut topology = design();
        let other = stand::vpc(&mut topology, "other", &["10.1.0.0/16"]);
        let detached = stand::internet_gateway(&mut topology, "detached", None);
        let mut place = Place::new(&topology);
        topology.place_resources(&mut place);
        let attached = Id::<InternetGateway>::from_index(0);
        let hop = place.next_hop(attached.into(), Id::from_index(0));
        let node = place.node_of(attached).unwrap();
        assert_eq!(hop, NextHop::Gateway { node, port: FROM_VPC });
        assert_eq!(place.next_hop(attached.into(), other), NextHop::Blackhole);
        assert_eq!(place.next_hop(detached.into(), other), NextHop::Blackhole);
    }
}
