//! Subnet: the network ACL at its edge and the route table behind it.
//!
//! # AWS semantics
//!
//! - What leaves a subnet passes the egress entries of its network ACL, then the route table of the subnet that holds
//!   the sender; what enters one passes the ingress entries (PIPE-01, PIPE-02, PIPE-03, PIPE-04).
//! - A subnet without a route table of its own uses the VPC's main one, without a network ACL the default one (SUB-05, RT-02).
//! - A destination without a route is dropped without a word (PIPE-06), and so is one that the network ACL denies (PIPE-07).
//! - An address of the VPC that nobody has is dropped (L2-03, L2-10).
//! - Between an interface and a gateway of the same subnet no network ACL applies (NACL-05, NAT-25).
//! - What a gateway sends inside its subnet goes to its neighbour directly, whatever the routes say (L2-07).
//! - Link-local addresses are never forwarded, whatever the routes say (LL-02).
//! - The VPC's router takes nothing from the time to live (PIPE-08): measured on AWS, echo replies arrived with 255 of 255.
//! - A network ACL sees public addresses of far ends only; local ones are private in it (NACL-14).
//! - Answers to what a load balancer forwarded with the client's address go to the load balancer, whatever the routes say; the
//!   network ACL sees the client's address (NLB-05).
//!
//! # Where AWS is silent
//!
//! - A later fragment gets the verdict of its first fragment (NACL-20).

use std::net::Ipv4Addr;
use std::sync::Arc;

use ipnet::Ipv4Net;
use vpcsim_engine::{ComponentId, Context, Decision, DropReason, Handle, Node, NodeId, Port, Repeat, Step};
use vpcsim_wire::Summary;

use crate::arrangement::{Arrangement, Rank, Renumbering};
use crate::compile::fabric::ClaimIndex;
use crate::compile::{Build, Claim, Fabric, NextHop};
use crate::devices::network_acl::NetworkAclLookup;
use crate::devices::route_table::RouteLookup;
use crate::devices::{Coverage, Kind, NetworkAcl, Resource, RouteTable, Vpc};
use crate::fragment_memory::FragmentMemory;
use crate::model::{Findings, Id, Label};
use crate::sets::{PacketSet, SetDevice, SetStep, SetWay};
use crate::topology::Topology;
use crate::validation;
use crate::traffic::Direction;
use crate::{drop_reason, mark, station};

/// The port for what an interface in the subnet sends to the router.
pub const LEAVING: Port = Port(0);
/// The port for what enters the subnet, on its way to the claim in its mark.
pub const ENTERING: Port = Port(1);
/// The port for what a gateway in the subnet sends: to a neighbour directly, else like [`LEAVING`].
pub const FROM_GATEWAY: Port = Port(2);

/// A subnet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subnet {
    /// How it is called.
    pub label: Label,
    /// The VPC it is part of.
    pub vpc: Id<Vpc>,
    /// The availability zone (`eu-west-1a`).
    pub availability_zone: String,
    /// The zone's id (`euw1-az1`), which means the same zone in every account, where the input says it.
    pub availability_zone_id: Option<String>,
    /// Its address range.
    pub cidr: Ipv4Net,
    /// The route table it is explicitly associated with; `None` is the VPC's main one.
    pub route_table: Option<Id<RouteTable>>,
    /// The network ACL it is associated with; `None` is the VPC's default one.
    pub network_acl: Option<Id<NetworkAcl>>,
    /// The accounts that it is shared with, which may place interfaces of their own in it.
    pub shared_with: Vec<String>,
    /// Whether new interfaces get a public address, which importers give them (SUB-11).
    pub map_public_ip_on_launch: bool,
}

impl Subnet {
    /// A subnet with the VPC's main route table and default network ACL.
    pub fn new(label: Label, vpc: Id<Vpc>, availability_zone: impl Into<String>, cidr: Ipv4Net) -> Self {
        Self {
            label,
            vpc,
            availability_zone: availability_zone.into(),
            availability_zone_id: None,
            cidr,
            route_table: None,
            network_acl: None,
            shared_with: Vec::new(),
            map_public_ip_on_launch: false,
        }
    }

    /// The address of the VPC's router in this subnet: the second of its range (SUB-03).
    pub fn router(&self) -> Ipv4Addr {
        Ipv4Addr::from(u32::from(self.cidr.network()).wrapping_add(1))
    }
}

impl Resource for Subnet {
    const KIND: Kind = Kind::Subnet;
    const NOUN: &'static str = "subnet";
    const COVERAGE: Coverage = Coverage::of(
        "zones, route table, network ACL, sharing between accounts",
        "IPv6-only subnets, reservations",
    );

    fn label(&self) -> &Label {
        &self.label
    }

    fn vpc(id: Id<Self>, topology: &Topology) -> Option<Id<Vpc>> {
        Some(topology.subnets[id].vpc)
    }

    fn rank(&self, _: Id<Self>, _: &Arrangement<'_>) -> Rank {
        Rank::of_vpc(self.vpc)
    }

    fn renumber(&mut self, order: &Renumbering) {
        order.ids(&mut self.route_table);
        order.ids(&mut self.network_acl);
        order.id(&mut self.vpc);
    }

    fn validate(id: Id<Self>, topology: &Topology, findings: &mut Findings) {
        validation::subnet::check(id, topology, findings);
    }

    fn build(id: Id<Self>, build: &mut Build<'_>) {
        let Some(node) = build.place.node_of(id) else { return };
        let device = SubnetDevice::new(id, build);
        build.install_for_sets(node, device);
    }
}

/// The edge of a subnet.
#[derive(Clone)]
pub struct SubnetDevice {
    subnet: Id<Subnet>,
    component: ComponentId,
    zone: u16,
    node: NodeId,
    fabric: Arc<Fabric>,
    network_acl: Option<Arc<NetworkAclLookup>>,
    routes: Option<Arc<RouteLookup>>,
    fragments: [FragmentMemory; 2],
}

impl SubnetDevice {
    fn new(id: Id<Subnet>, build: &Build<'_>) -> Self {
        let topology = build.topology;
        let declared = &topology.subnets[id];
        Self {
            subnet: id,
            component: topology.component(id),
            zone: build.place.zone_of(id),
            node: build.place.node_of(id).expect("subnets are reserved first"),
            fabric: build.fabric(declared.vpc),
            network_acl: topology.network_acl_of(id).map(|acl| build.network_acl(acl)),
            routes: topology.route_table_of(id).map(|table| build.routes(table)),
            fragments: [FragmentMemory::default(), FragmentMemory::default()],
        }
    }

    /// What the network ACL says: the decision, or the step that drops the packet.
    fn filter(&mut self, context: &Context<'_>, direction: Direction, summary: &Summary) -> Result<Decision, Step> {
        let Some(acl) = &self.network_acl else { return Ok(Decision::by(self.component)) };
        let (memory, reason) = match direction {
            Direction::Egress => (&mut self.fragments[0], drop_reason::NACL_EGRESS),
            Direction::Ingress => (&mut self.fragments[1], drop_reason::NACL_INGRESS),
        };
        if summary.is_later_fragment() && let Some(allowed) = memory.recall(context.now(), summary) {
            let decision = Decision::by(acl.default_decision().component);
            return if allowed { Ok(decision) } else { Err(Step::drop(reason, decision)) };
        }
        let verdict = acl.lookup(direction, summary);
        if summary.is_first_fragment() {
            memory.remember(context.now(), summary, verdict.allow);
        }
        if verdict.allow { Ok(verdict.decision) } else { Err(Step::drop(reason, verdict.decision)) }
    }

    /// Whether the packet stays inside the subnet although it is routed: then no network ACL applies.
    fn stays_inside(&self, next_hop: Option<NextHop>, destination: Ipv4Addr) -> bool {
        let claim = match next_hop {
            Some(NextHop::Inside(index)) => Some(self.fabric.claim(index)),
            Some(NextHop::Local) => self.fabric.find(destination).map(|(_, claim)| claim),
            // The subnet's network ACL stands before such a target even where that is in this very subnet (TGW-12).
            _ => None,
        };
        claim.is_some_and(|claim| claim.subnet == self.subnet)
    }

    /// An answer to what a load balancer forwarded with the client's address: to the load balancer's node, past the routes.
    fn return_to(&mut self, context: &mut Context<'_>, packet: Handle, summary: &Summary, index: ClaimIndex) -> Step {
        let claim = *self.fabric.claim(index);
        if claim.subnet != self.subnet {
            match self.filter(context, Direction::Egress, summary) {
                Ok(decision) => context.pass(packet, station::SUBNET_OUT, decision),
                Err(step) => return step,
            }
        }
        mark::set_claim(context.packet_mut(packet), index);
        context.pass(packet, station::ROUTE, Decision::by(self.component));
        context.repeats(Repeat::ALWAYS);
        self.towards(&claim)
    }

    fn leave(&mut self, context: &mut Context<'_>, packet: Handle, summary: &Summary) -> Step {
        let note = context.packet(packet).mark();
        if note & mark::RETURNING != 0 && let Some(index) = mark::return_claim(note) {
            return self.return_to(context, packet, summary, index);
        }
        let destination = summary.destination();
        let route = self.routes.as_ref().and_then(|routes| routes.lookup(destination).copied());
        if !self.stays_inside(route.map(|route| route.next_hop), destination) {
            match self.filter(context, Direction::Egress, summary) {
                Ok(decision) => context.pass(packet, station::SUBNET_OUT, decision),
                Err(step) => return step,
            }
        }
        let table = self.routes.as_ref().map_or(self.component, |routes| routes.component());
        if destination.is_link_local() {
            return Step::drop(drop_reason::LINK_LOCAL_DESTINATION, Decision::by(table));
        }
        let Some(route) = route else { return Step::drop(drop_reason::NO_ROUTE, Decision::by(table)) };
        self.follow(context, packet, destination, route.next_hop, route.decision)
    }

    fn follow(&self, context: &mut Context<'_>, packet: Handle, destination: Ipv4Addr, next_hop: NextHop, decision: Decision) -> Step {
        let drop = |reason: DropReason| Step::drop(reason, decision);
        let step = match next_hop {
            NextHop::Local => match self.fabric.find(destination) {
                Some((index, claim)) => {
                    mark::set_claim(context.packet_mut(packet), index);
                    self.towards(claim)
                }
                None => return drop(drop_reason::NO_SUCH_ADDRESS),
            },
            NextHop::Inside(index) => {
                mark::set_claim(context.packet_mut(packet), index);
                self.towards(self.fabric.claim(index))
            }
            NextHop::Zonal(target) => match self.fabric.zonal(target).in_zone(self.zone) {
                Ok(index) => {
                    mark::set_claim(context.packet_mut(packet), index);
                    self.fabric.enter(self.zone, self.fabric.claim(index))
                }
                Err(reason) => return drop(reason),
            },
            NextHop::Gateway { node, port } => Step::Forward { to: node, port },
            NextHop::Unmodelled => return drop(drop_reason::NOT_MODELLED),
            NextHop::Blackhole | NextHop::NotATarget => return drop(drop_reason::BLACKHOLE),
        };
        context.pass(packet, station::ROUTE, decision);
        context.repeats(Repeat::ALWAYS);
        step
    }

    /// Who has the address in this very subnet.
    fn neighbour(&self, address: Ipv4Addr) -> Option<(ClaimIndex, &Claim)> {
        self.fabric.find(address).filter(|(_, claim)| claim.subnet == self.subnet)
    }

    /// The way to a route's target: direct inside this subnet, else by way of the other subnet's edge.
    fn towards(&self, claim: &Claim) -> Step {
        if claim.subnet == self.subnet {
            let delay = self.fabric.latency(self.zone, claim.zone);
            Step::ForwardAfter { to: claim.node, port: claim.port, delay }
        } else {
            self.fabric.enter(self.zone, claim)
        }
    }

    fn enter(&mut self, context: &mut Context<'_>, packet: Handle, summary: &Summary) -> Step {
        let Some(index) = mark::claim(context.packet(packet)) else {
            return Step::drop(drop_reason::NO_SUCH_ADDRESS, Decision::by(self.component));
        };
        match self.filter(context, Direction::Ingress, summary) {
            Ok(decision) => context.pass(packet, station::SUBNET_IN, decision),
            Err(step) => return step,
        }
        let claim = self.fabric.claim(index);
        debug_assert_eq!(claim.subnet_node, self.node, "a packet enters the subnet of its claim");
        context.repeats(Repeat::ALWAYS);
        Step::Forward { to: claim.node, port: claim.port }
    }
}

impl Node for SubnetDevice {
    fn process(&mut self, context: &mut Context<'_>, port: Port, packet: Handle) -> Step {
        let Some(summary) = context.packet(packet).summary().copied() else {
            return Step::drop(drop_reason::MALFORMED, Decision::by(self.component));
        };
        match port {
            ENTERING => self.enter(context, packet, &summary),
            FROM_GATEWAY => match self.neighbour(summary.destination()) {
                Some((index, claim)) => {
                    mark::set_claim(context.packet_mut(packet), index);
                    context.repeats(Repeat::ALWAYS);
                    self.towards(claim)
                }
                None => self.leave(context, packet, &summary),
            },
            _ => self.leave(context, packet, &summary),
        }
    }

    /// Routes and network ACLs keep no state; the memory of fragments is none of a whole packet's affair.
    fn repeats(&self) -> bool {
        true
    }
}

impl SubnetDevice {
    fn narrow(&self, direction: Direction, packets: &mut PacketSet, way: &mut SetWay) {
        let Some(acl) = &self.network_acl else { return };
        let (reason, peer) = match direction {
            Direction::Egress => (drop_reason::NACL_EGRESS, packets.destination),
            Direction::Ingress => (drop_reason::NACL_INGRESS, packets.source),
        };
        let allowed = acl.allowed(direction, &packets.traffic, peer);
        packets.narrow(&allowed, reason, acl.default_decision(), way);
    }

    fn lead(&self, packets: &mut PacketSet, index: ClaimIndex) -> SetStep {
        packets.go_to(index);
        let claim = self.fabric.claim(index);
        if claim.subnet == self.subnet {
            SetStep::Forward(claim.node, claim.port)
        } else {
            SetStep::Forward(claim.subnet_node, ENTERING)
        }
    }

    fn leave_set(&self, packets: &mut PacketSet, way: &mut SetWay) -> SetStep {
        if packets.mark & mark::RETURNING != 0 && let Some(index) = mark::return_claim(packets.mark) {
            if self.fabric.claim(index).subnet != self.subnet {
                self.narrow(Direction::Egress, packets, way);
            }
            return self.lead(packets, index);
        }
        let destination = packets.destination;
        let route = self.routes.as_ref().and_then(|routes| routes.lookup(destination).copied());
        if !self.stays_inside(route.map(|route| route.next_hop), destination) {
            self.narrow(Direction::Egress, packets, way);
        }
        let table = self.routes.as_ref().map_or(self.component, |routes| routes.component());
        if destination.is_link_local() {
            return SetStep::Drop(drop_reason::LINK_LOCAL_DESTINATION, Decision::by(table));
        }
        let Some(route) = route else { return SetStep::Drop(drop_reason::NO_ROUTE, Decision::by(table)) };
        let drop = |reason| SetStep::Drop(reason, route.decision);
        match route.next_hop {
            NextHop::Local => match self.fabric.find(destination) {
                Some((index, _)) => self.lead(packets, index),
                None => drop(drop_reason::NO_SUCH_ADDRESS),
            },
            NextHop::Inside(index) => self.lead(packets, index),
            NextHop::Zonal(target) => match self.fabric.zonal(target).in_zone(self.zone) {
                Ok(index) => {
                    packets.go_to(index);
                    SetStep::Forward(self.fabric.claim(index).subnet_node, ENTERING)
                }
                Err(reason) => drop(reason),
            },
            NextHop::Gateway { node, port } => SetStep::Forward(node, port),
            NextHop::Unmodelled => SetStep::Opaque,
            NextHop::Blackhole | NextHop::NotATarget => drop(drop_reason::BLACKHOLE),
        }
    }
}

impl SetDevice for SubnetDevice {
    fn pass(&self, port: Port, packets: &mut PacketSet, way: &mut SetWay) -> SetStep {
        if port == ENTERING {
            let Some(index) = mark::claim_in(packets.mark) else {
                return SetStep::Drop(drop_reason::NO_SUCH_ADDRESS, Decision::by(self.component));
            };
            self.narrow(Direction::Ingress, packets, way);
            let claim = self.fabric.claim(index);
            return SetStep::Forward(claim.node, claim.port);
        }
        match self.neighbour(packets.destination) {
            Some((index, _)) if port == FROM_GATEWAY => self.lead(packets, index),
            _ => self.leave_set(packets, way),
        }
    }
}

#[cfg(test)]
mod tests {
    use vpcsim_wire::{PacketBuilder, tcp};

    use super::*;
    use crate::devices::nat_gateway::{Connectivity, NatGatewayAddress, NatGatewayState};
    use crate::devices::{NatGateway, NetworkInterface};
    use crate::devices::network_acl::NetworkAclEntry;
    use crate::devices::route_table::{Route, RouteDestination, RouteSource, RouteTarget};
    use crate::fixtures::{Lab, address, allow, attach, group, interface, net, subnet, vpc};
    use crate::model::Origin;
    use crate::topology::Topology;
    use crate::traffic::{PortRange, Traffic};

    struct Scene {
        topology: Topology,
        vpc: Id<Vpc>,
        near: Id<Subnet>,
        far: Id<Subnet>,
        a: Id<NetworkInterface>,
        b: Id<NetworkInterface>,
    }

    /// `a` in `near` and `b` in `far`, with groups that allow everything.
    fn scene() -> Scene {
        let mut topology = Topology::named("t", "eu-west-1");
        let vpc = topology.vpcs.push(vpc("v", "10.0.0.0/16"));
        let near = topology.subnets.push(subnet(vpc, "near", "10.0.1.0/24"));
        let far = topology.subnets.push(subnet(vpc, "far", "10.0.2.0/24"));
        let open = || vec![allow(Traffic::All, "0.0.0.0/0")];
        let group = topology.security_groups.push(group(vpc, "open", open(), open()));
        let a = attach(&mut topology, "a", interface(near, "10.0.1.10", &[group]));
        let b = attach(&mut topology, "b", interface(far, "10.0.2.10", &[group]));
        Scene { topology, vpc, near, far, a, b }
    }

    fn entry(number: u16, allow: bool, traffic: Traffic) -> NetworkAclEntry {
        NetworkAclEntry { number, allow, traffic, cidr: net("0.0.0.0/0"), origin: Origin::NOWHERE }
    }

    fn acl(scene: &mut Scene, ingress: Vec<NetworkAclEntry>, egress: Vec<NetworkAclEntry>) -> Id<NetworkAcl> {
        let label = Label::named("acl");
        scene.topology.network_acls.push(NetworkAcl { label, vpc: scene.vpc, default: false, ingress, egress })
    }

    fn all() -> Vec<NetworkAclEntry> {
        vec![entry(100, true, Traffic::All)]
    }

    fn tcp_to(destination: &str) -> Vec<u8> {
        PacketBuilder::tcp(address("10.0.1.10"), 40_000, address(destination), 443).flags(tcp::SYN).build()
    }

    fn route(topology: &mut Topology, vpc: Id<Vpc>, destination: &str, target: RouteTarget) -> Id<RouteTable> {
        let destination = RouteDestination::Cidr(net(destination));
        let (source, origin) = (RouteSource::Static, Origin::NOWHERE);
        let routes = vec![Route { destination, target, source, blackhole: false, origin }];
        topology.route_tables.push(RouteTable { label: Label::named("own"), vpc, main: false, routes })
    }

    #[test]
    fn two_network_acls_stand_between_two_subnets() {
        let mut scene = scene();
        let (none, open) = (acl(&mut scene, all(), vec![]), acl(&mut scene, vec![], all()));
        let way = |topology: &Topology| Lab::new(topology.clone()).send(scene.a, &tcp_to("10.0.2.10"));
        assert_eq!(way(&scene.topology), "emit EniOut SubnetOut Route SubnetIn EniIn deliver");
        scene.topology.subnets[scene.near].network_acl = Some(none);
        assert_eq!(way(&scene.topology), "emit EniOut drop NACL_EGRESS");
        scene.topology.subnets[scene.near].network_acl = None;
        scene.topology.subnets[scene.far].network_acl = Some(open);
        assert_eq!(way(&scene.topology), "emit EniOut SubnetOut Route drop NACL_INGRESS");
    }

    #[test]
    fn the_table_is_that_of_the_subnet_which_holds_the_sender() {
        let mut scene = scene();
        let missing = RouteTarget::Missing("nat-gone".to_owned());
        let own = route(&mut scene.topology, scene.vpc, "10.0.1.0/24", missing);
        scene.topology.subnets[scene.far].route_table = Some(own);
        let mut lab = Lab::new(scene.topology);
        assert!(lab.send(scene.a, &tcp_to("10.0.2.10")).ends_with("deliver"));
        let answer = PacketBuilder::tcp(address("10.0.2.10"), 443, address("10.0.1.10"), 40_000).flags(tcp::ACK).build();
        assert_eq!(lab.send(scene.b, &answer), "emit EniOut SubnetOut drop BLACKHOLE");
    }

    #[test]
    fn a_subnet_without_a_table_uses_the_main_one() {
        let mut scene = scene();
        let missing = RouteTarget::Missing("igw-gone".to_owned());
        let own = route(&mut scene.topology, scene.vpc, "0.0.0.0/0", missing);
        let outside = tcp_to("93.184.216.34");
        assert_eq!(Lab::new(scene.topology.clone()).send(scene.a, &outside), "emit EniOut SubnetOut drop NO_ROUTE");
        scene.topology.route_tables[own].main = true;
        assert_eq!(Lab::new(scene.topology).send(scene.a, &outside), "emit EniOut SubnetOut drop BLACKHOLE");
    }

    #[test]
    fn no_route_and_no_rule_are_silent() {
        let mut scene = scene();
        let closed = acl(&mut scene, vec![], vec![]);
        let mut lab = Lab::new(scene.topology.clone());
        lab.send(scene.a, &tcp_to("10.9.0.1"));
        scene.topology.subnets[scene.near].network_acl = Some(closed);
        let mut filtered = Lab::new(scene.topology);
        filtered.send(scene.a, &tcp_to("10.0.2.10"));
        assert!(lab.received(scene.a).is_empty() && filtered.received(scene.a).is_empty());
    }

    #[test]
    fn an_address_that_nobody_has_is_dropped() {
        let scene = scene();
        let mut lab = Lab::new(scene.topology);
        assert_eq!(lab.send(scene.a, &tcp_to("10.0.2.77")), "emit EniOut SubnetOut drop NO_SUCH_ADDRESS");
    }

    #[test]
    fn inside_a_subnet_no_network_acl_applies() {
        let mut scene = scene();
        let closed = acl(&mut scene, vec![], vec![]);
        scene.topology.subnets[scene.near].network_acl = Some(closed);
        let group = scene.topology.network_interfaces[scene.a].security_groups.clone();
        let middle = attach(&mut scene.topology, "middle", interface(scene.near, "10.0.1.20", &group));
        scene.topology.network_interfaces[middle].source_dest_check = false;
        let own = route(&mut scene.topology, scene.vpc, "0.0.0.0/0", RouteTarget::Resource(middle.into()));
        scene.topology.subnets[scene.near].route_table = Some(own);
        let mut lab = Lab::new(scene.topology);
        assert_eq!(lab.send(scene.a, &tcp_to("93.184.216.34")), "emit EniOut Route EniIn deliver");
        assert_eq!(lab.received(middle).len(), 1, "the route's target stands in the sender's own subnet");
    }

    #[test]
    fn a_gateway_reaches_its_neighbours_directly_whatever_the_routes_say() {
        let mut scene = scene();
        let nat_gateway = scene.topology.nat_gateways.push(NatGateway {
            label: Label::named("nat"),
            subnet: scene.far,
            connectivity: Connectivity::Private,
            state: NatGatewayState::Available,
            addresses: vec![NatGatewayAddress { private: address("10.0.2.50"), public: None }],
            network_interface: None,
        });
        let target = RouteTarget::Resource(nat_gateway.into());
        let through = route(&mut scene.topology, scene.vpc, "10.0.2.0/24", target);
        scene.topology.subnets[scene.near].route_table = Some(through);
        scene.topology.subnets[scene.far].route_table = Some(through);
        let mut lab = Lab::new(scene.topology);
        let way = "emit EniOut SubnetOut Route SubnetIn rewrite Gateway EniIn deliver";
        assert_eq!(lab.send(scene.a, &tcp_to("10.0.2.10")), way);
    }

    #[test]
    fn link_local_addresses_are_never_forwarded() {
        let mut scene = scene();
        let target = RouteTarget::Resource(scene.b.into());
        let own = route(&mut scene.topology, scene.vpc, "169.254.0.0/16", target);
        scene.topology.subnets[scene.near].route_table = Some(own);
        let mut lab = Lab::new(scene.topology);
        let way = lab.send(scene.a, &tcp_to("169.254.170.9"));
        assert_eq!(way, "emit EniOut SubnetOut drop LINK_LOCAL_DESTINATION");
    }

    #[test]
    fn the_router_takes_nothing_from_the_time_to_live() {
        let scene = scene();
        let mut lab = Lab::new(scene.topology);
        let builder = PacketBuilder::icmp_echo(address("10.0.1.10"), address("10.0.2.10"), 1, 1);
        assert!(lab.send(scene.a, &builder.ttl(1).build()).ends_with("deliver"));
        let received = lab.received(scene.b);
        assert_eq!(vpcsim_wire::summarize(&received[0]).map(|summary| summary.ttl), Ok(1));
    }

    #[test]
    fn a_later_fragment_shares_the_verdict_of_its_first() {
        let mut scene = scene();
        let dns = Traffic::Udp(PortRange::single(53));
        let only_dns = acl(&mut scene, all(), vec![entry(100, true, dns)]);
        scene.topology.subnets[scene.near].network_acl = Some(only_dns);
        let mut lab = Lab::new(scene.topology);
        for (port, end) in [(53, "deliver"), (54, "drop NACL_EGRESS")] {
            let builder = PacketBuilder::udp(address("10.0.1.10"), 40_000, address("10.0.2.10"), port);
            let datagram = builder.identification(port).dont_fragment(false).payload(&[7; 4_000]).build();
            for fragment in vpcsim_wire::fragment(&datagram, 1_500).expect("DF is clear") {
                let way = lab.send(scene.a, &fragment);
                assert!(way.ends_with(end), "port {port}: {way}");
            }
        }
    }
}
