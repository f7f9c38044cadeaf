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
//! - Link-local addresses are never forwarded, whatever the routes say (LL-02).
//! - The VPC's router takes nothing from the time to live (PIPE-08).
//!
//! # Where AWS is silent
//!
//! - A later fragment gets the verdict of its first fragment (NACL-20).

use std::net::Ipv4Addr;
use std::sync::Arc;

use ipnet::Ipv4Net;
use vpcsim_engine::{ComponentId, Context, Decision, DropReason, Handle, Node, NodeId, Port, Step};
use vpcsim_wire::Summary;

use crate::compile::{Build, Claim, Fabric, NextHop, Place};
use crate::devices::network_acl::NetworkAclLookup;
use crate::devices::route_table::RouteLookup;
use crate::devices::{Kind, NetworkAcl, Resource, RouteTable, Vpc};
use crate::fragment_memory::FragmentMemory;
use crate::model::{Id, Label};
use crate::traffic::Direction;
use crate::{drop_reason, mark, station};

/// The port for what leaves the subnet: from an interface in it, or from a gateway in it.
pub const LEAVING: Port = Port(0);
/// The port for what enters the subnet, on its way to the claim in its mark.
pub const ENTERING: Port = Port(1);

/// A subnet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subnet {
    /// How it is called.
    pub label: Label,
    /// The VPC it is part of.
    pub vpc: Id<Vpc>,
    /// The availability zone (`eu-west-1a`).
    pub availability_zone: String,
    /// Its address range.
    pub cidr: Ipv4Net,
    /// The route table it is explicitly associated with; `None` is the VPC's main one.
    pub route_table: Option<Id<RouteTable>>,
    /// The network ACL it is associated with; `None` is the VPC's default one.
    pub network_acl: Option<Id<NetworkAcl>>,
    /// Whether new interfaces get a public address.
    pub map_public_ip_on_launch: bool,
}

impl Subnet {
    /// The address of the VPC's router in this subnet: the second of its range (SUB-03).
    pub fn router(&self) -> Ipv4Addr {
        Ipv4Addr::from(u32::from(self.cidr.network()).wrapping_add(1))
    }
}

impl Resource for Subnet {
    const KIND: Kind = Kind::Subnet;
    const NOUN: &'static str = "subnet";

    fn label(&self) -> &Label {
        &self.label
    }

    fn place(id: Id<Self>, place: &mut Place<'_>) {
        let zone = place.topology.subnets[id].availability_zone.clone();
        place.zone(&zone);
    }

    fn build(id: Id<Self>, build: &mut Build<'_>) {
        let Some(node) = build.place.node_of(id) else { return };
        let device = SubnetDevice::new(id, build);
        build.install(node, device);
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
            zone: build.place.known_zone(&declared.availability_zone),
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
    fn stays_inside(&self, next_hop: Option<NextHop>) -> bool {
        matches!(next_hop, Some(NextHop::Inside(claim)) if self.fabric.claim(claim).subnet == self.subnet)
    }

    fn leave(&mut self, context: &mut Context<'_>, packet: Handle, summary: &Summary) -> Step {
        let destination = summary.destination();
        let route = self.routes.as_ref().and_then(|routes| routes.lookup(destination).copied());
        if !self.stays_inside(route.map(|route| route.next_hop)) {
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
                    self.fabric.enter(self.zone, claim)
                }
                None => return drop(drop_reason::NO_SUCH_ADDRESS),
            },
            NextHop::Inside(index) => {
                mark::set_claim(context.packet_mut(packet), index);
                self.towards(self.fabric.claim(index))
            }
            NextHop::Gateway { node, port } => Step::Forward { to: node, port },
            NextHop::Unmodelled => return drop(drop_reason::NOT_MODELLED),
            NextHop::Blackhole | NextHop::NotATarget => return drop(drop_reason::BLACKHOLE),
        };
        context.pass(packet, station::ROUTE, decision);
        step
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
        match self.filter(context, Direction::Ingress, summary) {
            Ok(decision) => context.pass(packet, station::SUBNET_IN, decision),
            Err(step) => return step,
        }
        match mark::claim(context.packet(packet)) {
            Some(index) => {
                let claim = self.fabric.claim(index);
                debug_assert_eq!(claim.subnet_node, self.node, "a packet enters the subnet of its claim");
                Step::Forward { to: claim.node, port: claim.port }
            }
            None => Step::drop(drop_reason::NO_SUCH_ADDRESS, Decision::by(self.component)),
        }
    }
}

impl Node for SubnetDevice {
    fn process(&mut self, context: &mut Context<'_>, port: Port, packet: Handle) -> Step {
        let Some(summary) = context.packet(packet).summary().copied() else {
            return Step::drop(drop_reason::MALFORMED, Decision::by(self.component));
        };
        if port == ENTERING { self.enter(context, packet, &summary) } else { self.leave(context, packet, &summary) }
    }
}
