//! Peering connection of two VPCs, of one region or of two, of one account or of two.
//!
//! A wire between two VPCs: what one of them routes to it comes out in the other, unchanged, if it is for an address there.
//!
//! # AWS semantics
//!
//! - Only an active connection forwards; a route to another one is a black hole until it becomes active (PCX-01, PCX-07).
//! - Two VPCs whose ranges overlap cannot be peered (PCX-04).
//! - Two VPCs have one connection at the most, and a VPC has 125 active ones at the most (PCX-05).
//! - Each side needs routes of its own, which can be as narrow as one address (PCX-06).
//! - The destination must lie in a range of the VPC on the other side (PCX-08).
//! - A peer's peer is not reached, nor is anything reached through the sender's VPC from elsewhere (PCX-09).
//! - The peer's gateways cannot be used, only interfaces with addresses of their own (PCX-10, PCX-11).
//! - Inside a region, packets up to the interfaces' 9001 bytes pass whole (PCX-14, MTU-01).
//! - Between regions, packets up to 8500 bytes pass (PCX-13, MTU-02); a larger one is cut, or, if that is forbidden, dropped
//!   (MTU-03) and answered with that limit (MTU-08). The segment size that TCP offers stays as it is (MTU-07).
//! - Between regions no rule can refer to the other side's security groups (SG-11); inside a region it can, whoever owns the VPCs
//!   (PCX-12).
//! - Nobody checks that the answer takes the same connection (PCX-15): of two peers with one range the longest prefix gets it
//!   (PCX-20).
//! - The peer sees the sender's private address (PCX-16).
//! - The peer's resolver does not answer (PCX-17).
//! - A deleted connection leaves black holes behind (PCX-18).
//! - The time to live stays as it is (PIPE-08): measured on AWS, echo replies arrived with 255 of 255.
//!
//! # Where AWS is silent
//!
//! - A packet that goes to a free address of the peer is dropped in the connection.
//! - Both directions are captured at one point: what the requester sends goes out, what it gets comes in.
//! - Between regions the way takes the time between the two regions, in whichever zones its ends are.
//! - What is too large for the way between regions is reported to its sender by the router of the sender's subnet.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::sync::Arc;

use ipnet::Ipv4Net;
use vpcsim_engine::{CapturePoint, Context, Decision, Direction, DropReason, Handle, Node, Port, Repeat, Span, Step};

use crate::arrangement::Renumbering;
use crate::compile::{Build, Fabric, LinkLayer, NextHop, Place};
use crate::devices::{Coverage, Kind, Resource, Vpc, subnet};
use crate::drop_reason;
use crate::mark;
use crate::model::{Finding, Findings, Id, Label};
use crate::mtu::{self, Fit, PathMtu};
use crate::sets::{PacketSet, SetDevice, SetStep, SetWay};
use crate::station;
use crate::subnet_routers::SubnetRouters;
use crate::topology::Topology;

/// The port for what the requester's VPC sends.
pub const FROM_REQUESTER: Port = Port(0);
/// The port for what the accepter's VPC sends.
pub const FROM_ACCEPTER: Port = Port(1);

/// Active connections that a VPC can have, even with the quota raised (PCX-05).
const CONNECTION_COUNT_MAX: usize = 125;

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
    /// Asked for, and not yet shown to the other side.
    InitiatingRequest,
    /// Not yet accepted.
    PendingAcceptance,
    /// Accepted, and about to be active.
    Provisioning,
    /// About to be deleted.
    Deleting,
    /// Deleted by one of the two sides.
    Deleted,
    /// Not accepted by the other side.
    Rejected,
    /// Refused by AWS.
    Failed,
    /// Not accepted in time.
    Expired,
}

impl PeeringState {
    /// Every state with AWS's word for it.
    pub const WORDS: [(&'static str, Self); 9] = [
        ("active", Self::Active),
        ("initiating-request", Self::InitiatingRequest),
        ("pending-acceptance", Self::PendingAcceptance),
        ("provisioning", Self::Provisioning),
        ("deleting", Self::Deleting),
        ("deleted", Self::Deleted),
        ("rejected", Self::Rejected),
        ("failed", Self::Failed),
        ("expired", Self::Expired),
    ];

    /// Whether it will never forward again.
    pub const fn is_over(self) -> bool {
        use PeeringState::{Deleted, Deleting, Expired, Failed, Rejected};
        matches!(self, Deleting | Deleted | Rejected | Failed | Expired)
    }
}

impl Resource for PeeringConnection {
    const KIND: Kind = Kind::PeeringConnection;
    const NOUN: &'static str = "peering connection";
    const IS_ROUTE_TARGET: bool = true;
    const COVERAGE: Coverage = Coverage::of("inside and between regions and accounts, states, DNS, size", "");

    fn label(&self) -> &Label {
        &self.label
    }

    fn is_reached_from(id: Id<Self>, vpc: Id<Vpc>, topology: &Topology) -> bool {
        let peering = &topology.peering_connections[id];
        let sides = [peering.requester, peering.accepter];
        sides.contains(&Some(vpc)) || sides.contains(&None)
    }

    fn renumber(&mut self, order: &Renumbering) {
        order.ids(&mut self.requester);
        order.ids(&mut self.accepter);
    }

    fn validate(id: Id<Self>, topology: &Topology, findings: &mut Findings) {
        validate(id, topology, findings);
    }

    fn place(id: Id<Self>, place: &mut Place<'_>) {
        let connection = &place.topology.peering_connections[id];
        let Some((requester, accepter)) = connection.working_ends() else {
            return;
        };
        let name = |vpc: Id<Vpc>| place.topology.name_of(vpc);
        let description = format!(
            "{} of {} and {}",
            connection.label.id_or_name(),
            name(requester),
            name(accepter)
        );
        let node = place.reserve(id);
        place.capture_point(connection.label.name.clone(), description, LinkLayer::Ip, id.into(), node);
    }

    fn build(id: Id<Self>, build: &mut Build<'_>) {
        let (place, topology) = (build.place, build.topology);
        let ends = topology.peering_connections[id].working_ends();
        let (Some((requester, accepter)), Some(node)) = (ends, place.node_of(id)) else {
            return;
        };
        let device = PeeringConnectionDevice {
            decision: Decision::by(topology.component(id)),
            requester: build.fabric(requester),
            accepter: build.fabric(accepter),
            far_apart: FarApart::new([requester, accepter], topology).map(Arc::new),
            point: place
                .capture_points_of(id.into())
                .next()
                .expect("placing named the point"),
        };
        build.install_for_sets(node, device);
    }

    fn next_hop(id: Id<Self>, from: Id<Vpc>, place: &Place<'_>) -> NextHop {
        let connection = &place.topology.peering_connections[id];
        let port = if connection.requester == Some(from) {
            FROM_REQUESTER
        } else {
            FROM_ACCEPTER
        };
        if connection.state != PeeringState::Active || !connection.joins(from) {
            return NextHop::Blackhole;
        }
        match place.node_of(id) {
            Some(node) => NextHop::Gateway { node, port },
            None => NextHop::Unmodelled,
        }
    }
}

impl PeeringConnection {
    /// Whether the VPC is on one of its sides.
    pub fn joins(&self, vpc: Id<Vpc>) -> bool {
        self.requester == Some(vpc) || self.accepter == Some(vpc)
    }

    /// The VPC on the other side, if the input has it.
    pub fn other_side(&self, vpc: Id<Vpc>) -> Option<Id<Vpc>> {
        if self.requester == Some(vpc) {
            self.accepter
        } else {
            self.requester.filter(|_| self.accepter == Some(vpc))
        }
    }

    /// Both VPCs, if the input has both and the connection is active.
    fn working_ends(&self) -> Option<(Id<Vpc>, Id<Vpc>)> {
        let ends = (self.requester?, self.accepter?);
        (self.state == PeeringState::Active).then_some(ends)
    }
}

/// What differs where the two VPCs are in two regions (PCX-13).
#[derive(Debug)]
struct FarApart {
    latency: Span,
    /// The routers of the requester's subnets, and of the accepter's.
    routers: [SubnetRouters; 2],
}

impl FarApart {
    fn new(ends: [Id<Vpc>; 2], topology: &Topology) -> Option<Self> {
        let [one, other] = ends.map(|vpc| topology.vpcs[vpc].region.as_str());
        (one != other).then(|| Self {
            latency: topology.settings.latency_between_regions(one, other),
            routers: ends.map(|vpc| SubnetRouters::of_vpc(vpc, topology)),
        })
    }

    /// Cuts what is too large, or tells its sender.
    fn fit(&self, context: &mut Context<'_>, port: Port, packet: Handle, near: &Fabric) -> Result<(), DropReason> {
        let limit = PathMtu::PEERING_BETWEEN_REGIONS;
        match limit.check(context.packet(packet)) {
            Fit::Whole => Ok(()),
            Fit::Fragments(fragments) => {
                mtu::cut_again(context, packet, &fragments, port);
                Ok(())
            }
            Fit::TooBig => {
                let side = usize::from(port == FROM_ACCEPTER);
                self.routers[side].report_too_big(context, packet, near, limit);
                Err(drop_reason::MTU_EXCEEDED)
            }
        }
    }
}

/// A running peering connection.
#[derive(Clone)]
pub struct PeeringConnectionDevice {
    decision: Decision,
    requester: Arc<Fabric>,
    accepter: Arc<Fabric>,
    far_apart: Option<Arc<FarApart>>,
    point: CapturePoint,
}

impl Node for PeeringConnectionDevice {
    fn process(&mut self, context: &mut Context<'_>, port: Port, packet: Handle) -> Step {
        let Some(key) = context.packet(packet).key() else {
            return Step::drop(drop_reason::MALFORMED, self.decision);
        };
        let (near, far, direction) = if port == FROM_REQUESTER {
            (&self.requester, &self.accepter, Direction::Outbound)
        } else {
            (&self.accepter, &self.requester, Direction::Inbound)
        };
        let mut admitted = admit((key.source(), key.destination()), near, far);
        if let (Some(apart), Ok(())) = (&self.far_apart, admitted) {
            admitted = apart.fit(context, port, packet, near);
        }
        context.capture(packet, self.point, direction);
        if let Err(reason) = admitted {
            return Step::drop(reason, self.decision);
        }
        let Some((index, claim)) = far.find(key.destination()) else {
            return Step::drop(drop_reason::PCX_NO_SUCH_ADDRESS, self.decision);
        };
        mark::set_claim(context.packet_mut(packet), index);
        context.pass(packet, station::GATEWAY, self.decision);
        let len_max = if self.far_apart.is_some() { PathMtu::PEERING_BETWEEN_REGIONS.0 } else { u16::MAX };
        context.repeats(Repeat::ALWAYS.up_to_len(len_max));
        if let Some(apart) = &self.far_apart {
            let (to, port) = (claim.subnet_node, subnet::ENTERING);
            return Step::ForwardAfter { to, port, delay: apart.latency };
        }
        let sender = near.find(key.source());
        far.enter(sender.map_or(claim.zone, |(_, sender)| sender.zone), claim)
    }

    /// A wire keeps no state.
    fn repeats(&self) -> bool {
        true
    }
}

impl SetDevice for PeeringConnectionDevice {
    fn pass(&self, port: Port, packets: &mut PacketSet, _: &mut SetWay) -> SetStep {
        let (near, far) = if port == FROM_REQUESTER { (&self.requester, &self.accepter) } else { (&self.accepter, &self.requester) };
        if let Err(reason) = admit((packets.source, packets.destination), near, far) {
            return SetStep::Drop(reason, self.decision);
        }
        let Some((index, claim)) = far.find(packets.destination) else {
            return SetStep::Drop(drop_reason::PCX_NO_SUCH_ADDRESS, self.decision);
        };
        packets.go_to(index);
        SetStep::Forward(claim.subnet_node, subnet::ENTERING)
    }
}

/// Both ends of what crosses have to be addresses of the two VPCs (PCX-08).
fn admit((source, destination): (Ipv4Addr, Ipv4Addr), near: &Fabric, far: &Fabric) -> Result<(), DropReason> {
    if far.covers(destination) && near.covers(source) {
        Ok(())
    } else {
        Err(drop_reason::PCX_CIDR)
    }
}

fn validate(id: Id<PeeringConnection>, topology: &Topology, findings: &mut Findings) {
    let connection = &topology.peering_connections[id];
    if connection.state.is_over() {
        return;
    }
    let (name, origin) = (connection.label.display(), connection.label.origin);
    let (Some(requester), Some(accepter)) = (connection.requester, connection.accepter) else {
        let message = format!("peering connection {name} leads to a VPC that the design does not have");
        let finding = Finding::note("peering-other-side-unknown", origin, message);
        findings.push(finding.help("what is routed to it gets an unknown verdict; add the other VPC's design"));
        return;
    };
    if requester == accepter {
        let message = format!("peering connection {name} joins a VPC with itself");
        findings.push(Finding::error("peering-with-itself", origin, message).rule("PCX-04"));
        return;
    }
    let names = (topology.name_of(requester), topology.name_of(accepter));
    if let Some((one, other)) = overlap(&topology.vpcs[requester], &topology.vpcs[accepter]) {
        let message = format!(
            "peering connection {name} joins {} ({one}) and {} ({other}), which overlap",
            names.0, names.1
        );
        let finding = Finding::error("peering-overlap", origin, message).rule("PCX-04");
        findings.push(finding.help("peered VPCs need ranges that do not overlap, their secondary ones included"));
    }
    count(id, connection, (requester, accepter), topology, findings);
}

/// The first two ranges of the VPCs that overlap.
fn overlap(one: &Vpc, other: &Vpc) -> Option<(Ipv4Net, Ipv4Net)> {
    let nets = |vpc: &Vpc| -> Vec<Ipv4Net> {
        let usable = vpc.cidrs.iter().filter(|cidr| cidr.associated);
        usable.map(|cidr| cidr.net).collect()
    };
    let others = nets(other);
    nets(one).into_iter().find_map(|net| {
        let hit = others.iter().find(|other| other.contains(&net) || net.contains(*other));
        hit.map(|other| (net, *other))
    })
}

fn count(
    id: Id<PeeringConnection>,
    connection: &PeeringConnection,
    ends: (Id<Vpc>, Id<Vpc>),
    topology: &Topology,
    findings: &mut Findings,
) {
    let (name, origin) = (connection.label.display(), connection.label.origin);
    let mut active_counts: BTreeMap<Id<Vpc>, usize> = BTreeMap::new();
    for (_, other) in topology.peering_connections.iter().take(id.index()) {
        if other.state.is_over() {
            continue;
        }
        if other.joins(ends.0) && other.other_side(ends.0) == Some(ends.1) {
            let message = format!(
                "peering connection {name} joins VPCs that {} joins already",
                other.label.display()
            );
            findings.push(Finding::error("peering-twice", origin, message).rule("PCX-05"));
        }
        for vpc in [ends.0, ends.1] {
            let is_counted = other.state == PeeringState::Active && other.joins(vpc);
            *active_counts.entry(vpc).or_default() += usize::from(is_counted);
        }
    }
    for (vpc, before) in active_counts {
        if before == CONNECTION_COUNT_MAX && connection.state == PeeringState::Active {
            let vpc = topology.name_of(vpc);
            let message = format!("peering connection {name} is the 126th of VPC {vpc}, which can have 125");
            findings.push(Finding::error("peering-quota", origin, message).rule("PCX-05"));
        }
    }
}

#[cfg(test)]
mod tests {
    use vpcsim_engine::NodeId;
    use vpcsim_wire::PacketBuilder;

    use super::*;
    use crate::devices::Subnet;
    use crate::stand::{self, Arrival, Stand, ip};

    fn peer(topology: &mut Topology, requester: Option<usize>, accepter: Option<usize>) -> Id<PeeringConnection> {
        let number = topology.peering_connections.len();
        topology.peering_connections.push(PeeringConnection {
            label: Label::named(format!("pcx-{number}")),
            requester: requester.map(Id::from_index),
            accepter: accepter.map(Id::from_index),
            state: PeeringState::Active,
            requester_dns_resolution: false,
            accepter_dns_resolution: false,
        })
    }

    /// Three VPCs 10.0, 10.1 and 10.2, each with a subnet and an interface; the first two are peered.
    fn design() -> Topology {
        let mut topology = Topology::named("peering", "eu-west-1");
        for second in 0..3 {
            let (cidr, net) = (format!("10.{second}.0.0/16"), format!("10.{second}.1.0/24"));
            let vpc = stand::vpc(&mut topology, &format!("vpc-{second}"), &[&cidr]);
            let subnet = stand::subnet(&mut topology, vpc, &net);
            stand::interface(&mut topology, subnet, &format!("10.{second}.1.5"), None);
        }
        peer(&mut topology, Some(0), Some(1));
        topology
    }

    fn cross(stand: &mut Stand, port: Port, from: &str, to: &str) -> Vec<Arrival> {
        let packet = PacketBuilder::udp(ip(from), 1, ip(to), 2).payload(&[0; 8973]).ttl(1);
        let node = stand.node(Id::<PeeringConnection>::from_index(0));
        stand.send(node, port, &packet.dont_fragment(true).build());
        let far = usize::from(port == FROM_REQUESTER);
        stand.arrivals(stand.node(Id::<Subnet>::from_index(far)))
    }

    #[test]
    fn packets_cross_unchanged_in_both_directions() {
        let mut stand = Stand::new(&design(), &[Kind::PeeringConnection]);
        for (port, from, to) in [
            (FROM_REQUESTER, "10.0.1.5", "10.1.1.5"),
            (FROM_ACCEPTER, "10.1.1.5", "10.0.1.5"),
        ] {
            let arrival = cross(&mut stand, port, from, to).remove(0);
            let summary = arrival.summary();
            assert_eq!((summary.source(), summary.destination()), (ip(from), ip(to)));
            assert_eq!((summary.ttl, summary.total_len), (1, 9001), "whole, with its time to live");
            assert!(arrival.claim().is_some());
        }
        let ways: Vec<_> = stand.captures().into_iter().map(|(name, way, _)| (name, way)).collect();
        let point = || "pcx-0".to_owned();
        assert_eq!(ways, [(point(), Direction::Outbound), (point(), Direction::Inbound)]);
    }

    #[test]
    fn only_addresses_of_the_two_vpcs_cross() {
        let mut stand = Stand::new(&design(), &[Kind::PeeringConnection]);
        for (from, to) in [
            ("10.0.1.5", "198.51.100.9"),
            ("10.0.1.5", "10.2.1.5"),
            ("10.2.1.5", "10.1.1.5"),
            ("10.0.1.5", "10.0.1.6"),
        ] {
            assert!(cross(&mut stand, FROM_REQUESTER, from, to).is_empty());
            assert_eq!(stand.drops(), ["PCX_CIDR"], "{from} > {to}");
        }
    }

    #[test]
    fn two_peers_of_equal_ranges_may_both_send_whatever_the_way_back_is() {
        let mut topology = design();
        topology.vpcs[Id::from_index(2)].cidrs = topology.vpcs[Id::from_index(0)].cidrs.clone();
        let second = peer(&mut topology, Some(2), Some(1));
        let mut stand = Stand::new(&topology, &[Kind::PeeringConnection]);
        assert_eq!(cross(&mut stand, FROM_REQUESTER, "10.0.1.5", "10.1.1.5").len(), 1);
        let packet = PacketBuilder::udp(ip("10.0.1.5"), 1, ip("10.1.1.5"), 2).build();
        stand.send(stand.node(second), FROM_REQUESTER, &packet);
        let far = stand.node(Id::<Subnet>::from_index(1));
        assert_eq!(stand.arrival(far).key().source(), ip("10.0.1.5"));
    }

    #[test]
    fn free_addresses_and_the_peers_resolver_are_nobody() {
        let mut stand = Stand::new(&design(), &[Kind::PeeringConnection]);
        for to in ["10.1.1.77", "10.1.0.2"] {
            assert!(cross(&mut stand, FROM_REQUESTER, "10.0.1.5", to).is_empty());
            assert_eq!(stand.drops(), ["PCX_NO_SUCH_ADDRESS"]);
        }
    }

    fn next_hop(topology: &Topology, from: usize) -> NextHop {
        let mut place = Place::new(topology);
        topology.place_resources(&mut place);
        place.next_hop(Id::<PeeringConnection>::from_index(0).into(), Id::from_index(from))
    }

    #[test]
    fn routes_lead_to_the_side_they_come_from_while_it_is_active() {
        let mut topology = design();
        let port_of = |hop| match hop {
            NextHop::Gateway { node: NodeId(_), port } => port,
            other => panic!("{other:?}"),
        };
        assert_eq!(port_of(next_hop(&topology, 0)), FROM_REQUESTER);
        assert_eq!(port_of(next_hop(&topology, 1)), FROM_ACCEPTER);
        assert_eq!(next_hop(&topology, 2), NextHop::Blackhole, "a stranger");
        for (_, state) in PeeringState::WORDS.into_iter().skip(1) {
            topology.peering_connections[Id::from_index(0)].state = state;
            assert_eq!(next_hop(&topology, 0), NextHop::Blackhole);
        }
    }

    #[test]
    fn what_the_design_does_not_have_is_unknown_not_a_black_hole() {
        let mut topology = design();
        topology.peering_connections[Id::from_index(0)].accepter = None;
        assert_eq!(next_hop(&topology, 0), NextHop::Unmodelled);
        assert!(stand::codes(&topology).contains(&"peering-other-side-unknown"));
    }

    /// The same with the second VPC in another region.
    fn design_of_two_regions() -> Topology {
        let mut topology = design();
        topology.vpcs[Id::from_index(1)].region = "us-east-1".into();
        topology.subnets[Id::from_index(1)].availability_zone = "us-east-1a".into();
        topology
    }

    #[test]
    fn a_connection_of_two_regions_is_nothing_to_complain_of() {
        assert!(peering_codes(&design_of_two_regions()).is_empty());
        let mut topology = design_of_two_regions();
        assert!(matches!(next_hop(&topology, 1), NextHop::Gateway { port: FROM_ACCEPTER, .. }));
        topology.peering_connections[Id::from_index(0)].state = PeeringState::PendingAcceptance;
        assert_eq!(next_hop(&topology, 1), NextHop::Blackhole);
    }

    fn large(port: Port, len: usize, dont_fragment: bool) -> (Stand, Vec<Arrival>) {
        let mut stand = Stand::new(&design_of_two_regions(), &[Kind::PeeringConnection]);
        let (from, to) = if port == FROM_REQUESTER { ("10.0.1.5", "10.1.1.5") } else { ("10.1.1.5", "10.0.1.5") };
        let packet = PacketBuilder::udp(ip(from), 1, ip(to), 2).payload(&vec![0; len - 28]);
        let node = stand.node(Id::<PeeringConnection>::from_index(0));
        stand.send(node, port, &packet.dont_fragment(dont_fragment).build());
        let far = usize::from(port == FROM_REQUESTER);
        let arrivals = stand.arrivals(stand.node(Id::<Subnet>::from_index(far)));
        (stand, arrivals)
    }

    #[test]
    fn between_regions_8500_bytes_pass_whole_and_more_is_cut() {
        let lengths = |len, dont_fragment| -> Vec<u16> {
            let arrivals = large(FROM_REQUESTER, len, dont_fragment).1;
            arrivals.iter().map(|arrival| arrival.summary().total_len).collect()
        };
        assert_eq!(lengths(8500, true), [8500]);
        assert_eq!(lengths(9001, false), [8500, 521]);
    }

    #[test]
    fn between_regions_what_must_not_be_cut_is_answered_by_the_senders_router() {
        for (port, sender, router) in [(FROM_REQUESTER, 0, "10.0.1.1"), (FROM_ACCEPTER, 1, "10.1.1.1")] {
            let (mut stand, arrivals) = large(port, 8501, true);
            assert!(arrivals.is_empty());
            assert_eq!(stand.drops(), ["MTU_EXCEEDED"]);
            let interface = stand.node(Id::<crate::devices::NetworkInterface>::from_index(sender));
            let report = stand.arrival(interface);
            assert_eq!(report.summary().source(), ip(router));
            let message = vpcsim_wire::icmp::Message::parse(&report.bytes[20..]).unwrap();
            assert_eq!(message.next_hop_mtu(), Some(8500));
        }
    }

    #[test]
    fn between_regions_the_segment_size_that_tcp_offers_stays() {
        let mut stand = Stand::new(&design_of_two_regions(), &[Kind::PeeringConnection]);
        let syn = PacketBuilder::tcp(ip("10.0.1.5"), 1, ip("10.1.1.5"), 2).flags(vpcsim_wire::tcp::SYN).mss(8961).build();
        stand.send(stand.node(Id::<PeeringConnection>::from_index(0)), FROM_REQUESTER, &syn);
        assert_eq!(stand.arrival(stand.node(Id::<Subnet>::from_index(1))).bytes, syn);
    }

    #[test]
    fn the_way_takes_the_time_between_the_regions_whatever_the_zones() {
        let arrival_ns = |topology: &Topology| {
            let mut stand = Stand::new(topology, &[Kind::PeeringConnection]);
            let packet = PacketBuilder::udp(ip("10.0.1.5"), 1, ip("10.1.1.5"), 2).build();
            stand.send(stand.node(Id::<PeeringConnection>::from_index(0)), FROM_REQUESTER, &packet);
            stand.arrival(stand.node(Id::<Subnet>::from_index(1))).time.as_ns()
        };
        assert_eq!(arrival_ns(&design()), 100_000);
        let mut topology = design_of_two_regions();
        assert_eq!(arrival_ns(&topology), 30_000_000);
        topology.settings.latencies.push(crate::latency::LatencyPair {
            between: ["us-east-1".to_owned(), "eu-west-1".to_owned()],
            one_way: Span::from_ms(35),
            origin: crate::model::Origin::NOWHERE,
        });
        assert_eq!(arrival_ns(&topology), 35_000_000);
    }

    fn peering_codes(topology: &Topology) -> Vec<&'static str> {
        let codes = stand::codes(topology).into_iter();
        codes.filter(|code| code.starts_with("peering")).collect()
    }

    #[test]
    fn overlapping_vpcs_cannot_be_peered() {
        let mut topology = design();
        assert!(peering_codes(&topology).is_empty());
        let mut secondary = topology.vpcs[Id::from_index(1)].cidrs[0];
        secondary.net = "10.0.128.0/17".parse().unwrap();
        topology.vpcs[Id::from_index(1)].cidrs.push(secondary);
        assert_eq!(peering_codes(&topology), ["peering-overlap"]);
        topology.peering_connections[Id::from_index(0)].state = PeeringState::Deleted;
        assert!(peering_codes(&topology).is_empty());
    }

    #[test]
    fn two_vpcs_are_peered_once() {
        let mut topology = design();
        peer(&mut topology, Some(1), Some(0));
        assert_eq!(peering_codes(&topology), ["peering-twice"]);
        peer(&mut topology, Some(2), Some(2));
        assert!(peering_codes(&topology).contains(&"peering-with-itself"));
    }

    #[test]
    fn a_vpc_has_125_active_connections_at_the_most() {
        let mut topology = design();
        for second in 3..128 {
            stand::vpc(&mut topology, &format!("vpc-{second}"), &[&format!("10.{second}.0.0/16")]);
            peer(&mut topology, Some(0), Some(second));
        }
        assert_eq!(peering_codes(&topology), ["peering-quota"]);
    }
}
