//! What runs of a network interface.

mod sets;

use std::net::Ipv4Addr;
use std::sync::Arc;

use ipnet::Ipv4Net;
use smallvec::SmallVec;
use vpcsim_engine::{
    CapturePoint, ComponentId, Context, Decision, Direction, DropReason, FrameHeader, Handle, Later, Node, NodeId, Port, Repeat,
    Span, Step, Time,
};
use vpcsim_wire::{Arp, EtherType, Mac, Protocol, Summary};

use super::return_paths::ReturnPaths;
use super::{Attachment, FROM_HOST, FROM_NEIGHBOUR, FROM_OWNER, FROM_SERVICE, NetworkInterface, TrackingTimeouts, arp};
use crate::compile::place::{Served, interface_mac, router_mac};
use crate::compile::{Build, Fabric, FixedNodes, NextHop};
use crate::connection_tracking::{ConnectionTracker, TrackingTimers};
use crate::devices::route_table::RouteLookup;
use crate::devices::security_group::SecurityGroupLookup;
use crate::devices::subnet::{FROM_GATEWAY, LEAVING};
use crate::devices::{Kind, SecurityGroup, Subnet};
use crate::fragment_memory::FragmentMemory;
use crate::model::Id;
use crate::devices::instance::Allowance;
use crate::public_address::is_private;
use crate::rate_limit::{self, RateLimit, RateLimiter};
use crate::services::allowance::PacketAllowance;
use crate::topology::Topology;
use crate::{drop_reason, mark, station};

const METADATA: Ipv4Addr = Ipv4Addr::new(169, 254, 169, 254);
const RESOLVER: Ipv4Addr = Ipv4Addr::new(169, 254, 169, 253);
const TIME_SYNC: Ipv4Addr = Ipv4Addr::new(169, 254, 169, 123);
const SMTP_PORT: u16 = 25;
const DNS_PORT: u16 = 53;
const HTTP_PORT: u16 = 80;
const NTP_PORT: u16 = 123;
const DHCP_PORTS: (u16, u16) = (68, 67);

/// Says of a repeated packet that its flow is tracked.
const TRACKED: u64 = 0;
/// Says of a repeated packet that its flow is not tracked.
const UNTRACKED: u64 = 1;

/// Who stands behind the interface.
#[derive(Clone, Copy, Debug)]
enum Behind {
    Host { node: NodeId, port: Port },
    /// A load balancer or the like, which made the interface.
    Owner { node: NodeId, port: Port },
    Nobody,
    Unmodelled,
}

/// What an interface never changes.
#[derive(Debug)]
struct Fixed {
    index: u32,
    component: ComponentId,
    subnet: Id<Subnet>,
    subnet_node: NodeId,
    zone: u16,
    mac: Mac,
    range: Ipv4Net,
    router: Ipv4Addr,
    router_mac: Mac,
    addresses: SmallVec<[Ipv4Addr; 4]>,
    prefixes: Box<[Ipv4Net]>,
    check: bool,
    behind: Behind,
    capture_point: CapturePoint,
    timers: Arc<TrackingTimers>,
    tracked_max: u32,
    metadata_enabled: bool,
    /// Without groups the interface of a load balancer or the like lets everything pass.
    unfiltered: bool,
}

/// What it has in common with the interfaces of its subnet that have the same groups.
pub(crate) struct Shared {
    fabric: Arc<Fabric>,
    nodes: FixedNodes,
    routes: Option<Arc<RouteLookup>>,
    ingress: Arc<SecurityGroupLookup>,
    egress: Arc<SecurityGroupLookup>,
}

/// The running interface.
#[derive(Clone)]
pub struct NetworkInterfaceDevice {
    fixed: Arc<Fixed>,
    shared: Arc<Shared>,
    tracker: ConnectionTracker,
    fragments: [FragmentMemory; 2],
    allowance: PacketAllowance,
    fragment_allowance: PacketAllowance,
    returns: ReturnPaths,
    /// What the instance may send and receive; most designs do not say it.
    allowances: Option<Box<Allowances>>,
}

/// An instance's allowances of bits out, bits in, and packets both ways.
#[derive(Clone, Debug)]
struct Allowances {
    bits: [RateLimiter; 2],
    packets: RateLimiter,
}

impl Allowances {
    fn new(allowance: Allowance) -> Self {
        let Allowance { bits_per_s, packets_per_s } = allowance;
        let bits = RateLimiter::new(RateLimit { bits_per_s, packets_per_s: u64::MAX });
        Self { bits: [bits; 2], packets: RateLimiter::new(RateLimit { bits_per_s: u64::MAX, packets_per_s }) }
    }

    fn admit(&mut self, now: Time, len: usize, way: Way) -> Option<Span> {
        let wait = self.bits[way as usize].admit(now, len)?;
        self.packets.admit(now, len).map(|other| wait.max(other))
    }
}

impl Shared {
    /// What interfaces of the subnet with these groups have in common.
    pub(crate) fn new(subnet: Id<Subnet>, groups: &[Id<SecurityGroup>], build: &mut Build<'_>) -> Self {
        let (ingress, egress) = build.security_groups(groups);
        let topology = build.topology;
        Self {
            fabric: build.fabric(topology.subnets[subnet].vpc),
            nodes: build.place.fixed,
            routes: topology.route_table_of(subnet).map(|table| build.routes(table)),
            ingress,
            egress,
        }
    }
}

/// Which way a packet passes the security groups.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Way {
    Out,
    In,
}

impl NetworkInterfaceDevice {
    pub(super) fn new(id: Id<NetworkInterface>, build: &mut Build<'_>) -> Self {
        let topology = build.topology;
        let declared = &topology.network_interfaces[id];
        Self {
            fixed: Arc::new(fixed(id, build)),
            shared: build.shared_by_interfaces(declared.subnet, &declared.security_groups),
            tracker: ConnectionTracker::default(),
            fragments: [FragmentMemory::default(), FragmentMemory::default()],
            allowance: PacketAllowance::default(),
            fragment_allowance: PacketAllowance::default(),
            returns: ReturnPaths::default(),
            allowances: allowance_of(declared, topology).map(|allowance| Box::new(Allowances::new(allowance))),
        }
    }

    /// How many flows its security groups track.
    pub fn tracked_count(&self) -> usize {
        self.tracker.len()
    }

    /// How many packets to link-local services were over the allowance (LL-05).
    pub fn link_local_exceeded_count(&self) -> u64 {
        self.allowance.exceeded()
    }

    fn by_self(&self) -> Decision {
        Decision::by(self.fixed.component)
    }

    fn drop(&self, reason: DropReason) -> Step {
        Step::drop(reason, self.by_self())
    }

    fn owns(&self, address: Ipv4Addr) -> bool {
        self.fixed.addresses.contains(&address) || self.fixed.prefixes.iter().any(|prefix| prefix.contains(&address))
    }

    fn take_from_host(&mut self, context: &mut Context<'_>, packet: Handle) -> Step {
        context.capture(packet, self.fixed.capture_point, Direction::Outbound);
        let frame = context.packet(packet).frame();
        if frame.ethertype == EtherType::ARP {
            return self.answer_arp(context, packet);
        }
        if frame.ethertype != EtherType::IPV4 {
            return self.drop(drop_reason::NOT_IPV4);
        }
        let Some(summary) = context.packet(packet).summary().copied() else {
            return self.drop(drop_reason::MALFORMED);
        };
        if is_dhcp(&summary) {
            return self.ask(context, packet, self.shared.nodes.dhcp, Port(0));
        }
        if !self.owns(summary.source()) {
            if self.fixed.check {
                return self.drop(drop_reason::SRC_CHECK);
            }
            // What an instance forwards is no traffic of the source's groups any more (RT-31).
            let forwarded = context.packet_mut(packet);
            forwarded.set_mark(forwarded.mark() | mark::GROUP_UNKNOWN | mark::FORWARDED);
        }
        if let Some(step) = self.link_local(context, packet, &summary) {
            return step;
        }
        if self.is_restricted_mail(&summary) {
            return self.drop(drop_reason::SMTP_RESTRICTION);
        }
        let decision = match self.filter(context, packet, &summary, Way::Out) {
            Ok(decision) => decision,
            Err(step) => return step,
        };
        if summary.is_fragment() && !self.fragment_allowance.admit(context.now()) {
            return self.drop(drop_reason::FRAGMENT_RATE);
        }
        let Some(wait) = self.allow(context, &summary, Way::Out) else {
            return self.drop(drop_reason::ALLOWANCE_EGRESS);
        };
        context.pass(packet, station::ENI_OUT, decision);
        if let Some(claim) = self.returns.find(context.now(), &summary) {
            let answer = context.packet_mut(packet);
            mark::set_return(answer, claim);
            answer.set_mark(answer.mark() | mark::RETURNING);
            return Step::Forward { to: self.fixed.subnet_node, port: LEAVING };
        }
        self.say_repeat(context, &summary, decision);
        rate_limit::after(self.hand_on(frame), wait)
    }

    /// Later packets of a flow fare alike while the groups go on to track it, or not to, and nothing else here counts packets.
    fn say_repeat(&self, context: &mut Context<'_>, summary: &Summary, decision: Decision) {
        if !context.wants_repeat() || !self.returns.is_empty() {
            return;
        }
        if self.fixed.unfiltered {
            context.repeats(Repeat::ALWAYS);
        } else if self.tracker.holds(summary) {
            // A flow that was tracked from this packet on shows another rule than those that follow.
            if decision == self.by_self() {
                context.repeats(Repeat::ALWAYS.while_proceeding(TRACKED));
            }
        } else {
            context.repeats(Repeat::ALWAYS.while_proceeding(UNTRACKED));
        }
    }

    /// How long a packet waits for the instance's allowance (NET-06); `None` if it is dropped.
    fn allow(&mut self, context: &Context<'_>, summary: &Summary, way: Way) -> Option<Span> {
        match &mut self.allowances {
            None => Some(Span::ZERO),
            Some(allowances) => allowances.admit(context.now(), usize::from(summary.total_len), way),
        }
    }

    /// How many packets were over the allowances of bits out, bits in, and packets (NET-07).
    pub fn allowance_exceeded_counts(&self) -> [u64; 3] {
        self.allowances.as_ref().map_or([0; 3], |allowances| {
            let [out, into] = &allowances.bits;
            [out.exceeded().bits, into.exceeded().bits, allowances.packets.exceeded().packets]
        })
    }

    /// What the owner of the interface sends by it.
    fn take_from_owner(&mut self, context: &mut Context<'_>, packet: Handle) -> Step {
        context.packet_mut(packet).set_frame(FrameHeader::ipv4(self.fixed.mac, self.fixed.router_mac));
        context.capture(packet, self.fixed.capture_point, Direction::Outbound);
        let Some(summary) = context.packet(packet).summary().copied() else {
            return self.drop(drop_reason::MALFORMED);
        };
        match self.filter(context, packet, &summary, Way::Out) {
            Ok(decision) => {
                context.pass(packet, station::ENI_OUT, decision);
                self.say_repeat(context, &summary, decision);
            }
            Err(step) => return step,
        }
        Step::Forward { to: self.fixed.subnet_node, port: FROM_GATEWAY }
    }

    /// To the subnet's edge, or straight to a neighbour, as the frame is addressed.
    fn hand_on(&self, frame: FrameHeader) -> Step {
        if frame.destination == self.fixed.router_mac {
            return Step::Forward { to: self.fixed.subnet_node, port: LEAVING };
        }
        let fabric = &self.shared.fabric;
        match fabric.find_mac(frame.destination) {
            Some((_, claim)) if claim.subnet == self.fixed.subnet => {
                let port = if claim.owner.kind == Kind::NetworkInterface { FROM_NEIGHBOUR } else { claim.port };
                Step::ForwardAfter { to: claim.node, port, delay: fabric.latency(self.fixed.zone, claim.zone) }
            }
            _ => self.drop(drop_reason::NO_SUCH_NEIGHBOUR),
        }
    }

    fn answer_arp(&self, context: &mut Context<'_>, packet: Handle) -> Step {
        let fixed = &self.fixed;
        let Ok(request) = Arp::parse(context.packet(packet).bytes()) else {
            return self.drop(drop_reason::MALFORMED);
        };
        let owner = arp::owner_of(request.target_ip, fixed.subnet, fixed.router, fixed.router_mac, &self.shared.fabric);
        let Some(owner) = owner else { return self.drop(drop_reason::NO_SUCH_NEIGHBOUR) };
        if let (Some(reply), Behind::Host { node, port }) = (arp::answer(&request, owner), fixed.behind) {
            let frame = FrameHeader { destination: request.sender_mac, source: owner, ethertype: EtherType::ARP };
            let answer = context.emit(frame, &reply.emit());
            context.capture(answer, fixed.capture_point, Direction::Inbound);
            context.forward(answer, node, port);
        }
        Step::Deliver
    }

    /// What goes to the platform's own services, past all rules.
    fn link_local(&mut self, context: &mut Context<'_>, packet: Handle, summary: &Summary) -> Option<Step> {
        let destination = summary.destination();
        let is_resolver = destination == RESOLVER || self.shared.fabric.resolver_address == Some(destination);
        if !is_resolver && destination != METADATA && destination != TIME_SYNC {
            return None;
        }
        let nodes = self.shared.nodes;
        let service = match (summary.protocol(), summary.key.destination_port()) {
            (Protocol::UDP | Protocol::TCP, DNS_PORT) if is_resolver => {
                self.shared.fabric.resolver_node.map(|node| (node, Port(0)))
            }
            (Protocol::TCP, HTTP_PORT) if destination == METADATA && self.fixed.metadata_enabled => {
                Some((nodes.metadata, Port(self.fixed.index)))
            }
            (Protocol::UDP, NTP_PORT) if destination == TIME_SYNC => Some((nodes.time_sync, Port(0))),
            _ => None,
        };
        Some(match service {
            Some((node, port)) => self.ask(context, packet, node, port),
            None => self.drop(drop_reason::SERVICE_DISABLED),
        })
    }

    fn ask(&mut self, context: &mut Context<'_>, packet: Handle, service: NodeId, port: Port) -> Step {
        if !self.allowance.admit(context.now()) {
            return self.drop(drop_reason::LINK_LOCAL_RATE);
        }
        mark::set_client(context.packet_mut(packet), self.fixed.index);
        context.pass(packet, station::ENI_OUT, self.by_self());
        Step::Forward { to: service, port }
    }

    /// TCP to port 25 of an address outside the VPC's primary range and the private ones (ENI-16).
    fn is_restricted_mail(&self, summary: &Summary) -> bool {
        let destination = summary.destination();
        summary.is_tcp()
            && summary.key.destination_port() == SMTP_PORT
            && !is_private(destination)
            && !self.shared.fabric.cidrs().first().is_some_and(|primary| primary.contains(&destination))
    }

    /// What the security groups and the tracked flows say: the decision, or the step that drops the packet.
    fn filter(&mut self, context: &Context<'_>, packet: Handle, summary: &Summary, way: Way) -> Result<Decision, Step> {
        if self.fixed.unfiltered {
            return Ok(self.by_self());
        }
        let now = context.now();
        let (denied, full) = match way {
            Way::Out => (drop_reason::SG_EGRESS, drop_reason::CONNTRACK_FULL_EGRESS),
            Way::In => (drop_reason::SG_INGRESS, drop_reason::CONNTRACK_FULL_INGRESS),
        };
        if summary.is_later_fragment() {
            return match self.fragments[way as usize].recall(now, summary) {
                Some(true) => Ok(self.by_self()),
                Some(false) => Err(self.drop(denied)),
                None => self.judge(context, packet, summary, way).ok_or_else(|| self.drop(denied)).map(|(decision, _)| decision),
            };
        }
        let verdict = self.filter_whole(context, packet, summary, way, denied, full);
        if summary.is_first_fragment() {
            self.fragments[way as usize].remember(now, summary, verdict.is_ok());
        }
        verdict
    }

    fn filter_whole(
        &mut self,
        context: &Context<'_>,
        packet: Handle,
        summary: &Summary,
        way: Way,
        denied: DropReason,
        full: DropReason,
    ) -> Result<Decision, Step> {
        let now = context.now();
        if self.tracker.matches(now, summary, &self.fixed.timers) || self.is_related(context, packet, summary) {
            return Ok(self.by_self());
        }
        let (decision, untracked) = self.judge(context, packet, summary, way).ok_or_else(|| self.drop(denied))?;
        if untracked || self.tracker.track(now, summary, &self.fixed.timers, self.fixed.tracked_max) {
            Ok(decision)
        } else {
            Err(self.drop(full))
        }
    }

    /// The rule that allows a packet, and whether its flow stays untracked (CT-04).
    fn judge(&self, context: &Context<'_>, packet: Handle, summary: &Summary, way: Way) -> Option<(Decision, bool)> {
        let note = context.packet(packet).mark();
        let group_known = note & mark::GROUP_UNKNOWN == 0;
        let (lookup, opposite, peer) = match way {
            Way::Out => (&self.shared.egress, &self.shared.ingress, summary.destination()),
            Way::In => (&self.shared.ingress, &self.shared.egress, summary.source()),
        };
        let allowed = lookup
            .lookup(summary, peer, way == Way::Out || group_known)
            .or_else(|| lookup.lookup_group(summary, self.balancer(note)?))?;
        let untracked = allowed.open
            && (summary.is_tcp() || summary.is_udp())
            && opposite.has_open_rule_for_all_ports(summary.protocol())
            && !(way == Way::Out && self.leaves_by_nat(summary.destination()));
        Some((allowed.decision, untracked))
    }

    /// The load balancer's node that forwarded the packet with the client's address (NLB-11).
    fn balancer(&self, note: u64) -> Option<Ipv4Addr> {
        self.shared.fabric.claim(mark::return_claim(note)?).address
    }

    /// Whether the subnet's route for the destination leads to a NAT gateway (NAT-51).
    fn leaves_by_nat(&self, destination: Ipv4Addr) -> bool {
        let route = self.shared.routes.as_ref().and_then(|routes| routes.lookup(destination));
        match route.map(|route| route.next_hop) {
            Some(NextHop::Inside(claim)) => self.shared.fabric.claim(claim).owner.kind == Kind::NatGateway,
            Some(NextHop::Zonal(target)) => self.shared.fabric.zonal(target).owner.kind == Kind::RegionalNatGateway,
            _ => false,
        }
    }

    fn is_related(&mut self, context: &Context<'_>, packet: Handle, summary: &Summary) -> bool {
        summary.is_icmp_error()
            && summary
                .embedded(context.packet(packet).bytes())
                .is_some_and(|embedded| self.tracker.matches_related(context.now(), &embedded))
    }

    fn hand_to_host(&mut self, context: &mut Context<'_>, port: Port, packet: Handle) -> Step {
        let Some(summary) = context.packet(packet).summary().copied() else {
            return self.drop(drop_reason::MALFORMED);
        };
        // Framed before it is judged: a capture shows what is dropped here as it arrived here.
        let source = if port == FROM_NEIGHBOUR { context.packet(packet).frame().source } else { self.fixed.router_mac };
        context.packet_mut(packet).set_frame(FrameHeader::ipv4(source, self.fixed.mac));
        let decision = if port == FROM_SERVICE {
            self.by_self()
        } else {
            match self.filter(context, packet, &summary, Way::In) {
                Ok(decision) => decision,
                Err(step) => return step,
            }
        };
        if self.fixed.check && port != FROM_SERVICE && !self.owns(summary.destination()) {
            return self.drop(drop_reason::DST_CHECK);
        }
        let (node, host_port) = match self.fixed.behind {
            Behind::Host { node, port } => {
                self.returns.note(context.now(), &summary, context.packet(packet).mark());
                (node, port)
            }
            Behind::Owner { node, port } => (node, port),
            Behind::Nobody => return self.drop(drop_reason::NO_HOST),
            Behind::Unmodelled => return self.drop(drop_reason::INTERFACE_NOT_MODELLED),
        };
        let Some(wait) = self.allow(context, &summary, Way::In) else {
            return self.drop(drop_reason::ALLOWANCE_INGRESS);
        };
        context.pass(packet, station::ENI_IN, decision);
        context.capture(packet, self.fixed.capture_point, Direction::Inbound);
        if port != FROM_SERVICE {
            self.say_repeat(context, &summary, decision);
        }
        rate_limit::after(Step::Forward { to: node, port: host_port }, wait)
    }
}

impl Node for NetworkInterfaceDevice {
    fn process(&mut self, context: &mut Context<'_>, port: Port, packet: Handle) -> Step {
        match port {
            FROM_HOST => self.take_from_host(context, packet),
            FROM_OWNER => self.take_from_owner(context, packet),
            _ => self.hand_to_host(context, port, packet),
        }
    }

    fn repeats(&self) -> bool {
        self.allowances.is_none()
    }

    fn proceed(&mut self, mut later: Later<'_, '_>) -> bool {
        let Some(summary) = later.packet.summary() else { return false };
        match later.token {
            _ if !self.returns.is_empty() => false,
            TRACKED => self.tracker.matches_near(later.now, summary, &self.fixed.timers, later.hint()),
            _ => !self.tracker.holds(summary),
        }
    }
}

fn fixed(id: Id<NetworkInterface>, build: &mut Build<'_>) -> Fixed {
    let topology = build.topology;
    let declared = &topology.network_interfaces[id];
    let subnet = &topology.subnets[declared.subnet];
    let place = build.place;
    let (behind, metadata_enabled) = match declared.attachment {
        Attachment::Instance { instance, .. } if topology.instances[instance].running => {
            let node = place.node_of(instance).expect("instances are placed");
            let index = place.interfaces_of(instance).iter().position(|interface| *interface == id).unwrap_or_default();
            (Behind::Host { node, port: Port(index as u32) }, topology.instances[instance].metadata.enabled)
        }
        Attachment::Unmodelled(_) => (Behind::Unmodelled, false),
        Attachment::Managed => match place.served.get(&id) {
            Some(&Served { node, port, .. }) => (Behind::Owner { node, port }, false),
            None => (Behind::Nobody, false),
        },
        _ => (Behind::Nobody, false),
    };
    let is_owned = matches!(behind, Behind::Owner { .. });
    let is_checked = place.served.get(&id).is_some_and(|served| served.checked);
    Fixed {
        index: id.index() as u32,
        component: topology.component(id),
        subnet: declared.subnet,
        subnet_node: place.node_of(declared.subnet).expect("subnets are reserved first"),
        zone: place.zone_of(declared.subnet),
        mac: declared.mac.unwrap_or_else(|| interface_mac(id.index())),
        range: subnet.cidr,
        router: subnet.router(),
        router_mac: router_mac(declared.subnet),
        addresses: declared.addresses.iter().map(|address| address.private).collect(),
        prefixes: declared.prefixes.as_slice().into(),
        check: is_checked || declared.source_dest_check && !is_owned,
        unfiltered: is_owned && declared.security_groups.is_empty(),
        behind,
        capture_point: place.capture_point_of(id),
        timers: build.timers(tracking_of(id, topology)),
        tracked_max: topology.settings.tracked_connections_max,
        metadata_enabled,
    }
}

/// The interface's own timers, and where it has none those of its instance's type.
fn tracking_of(id: Id<NetworkInterface>, topology: &Topology) -> TrackingTimeouts {
    let declared = &topology.network_interfaces[id];
    let by_type = match declared.attachment {
        Attachment::Instance { instance, .. } => topology.instances[instance].tcp_established_s(),
        _ => None,
    };
    TrackingTimeouts {
        tcp_established_s: declared.tracking.tcp_established_s.or(by_type),
        ..declared.tracking
    }
}

/// What the instance behind the interface may send and receive.
fn allowance_of(declared: &NetworkInterface, topology: &Topology) -> Option<Allowance> {
    match declared.attachment {
        Attachment::Instance { instance, .. } if topology.settings.limits.is_some() => topology.instances[instance].allowance,
        _ => None,
    }
}

fn is_dhcp(summary: &Summary) -> bool {
    summary.is_udp() && (summary.key.source_port(), summary.key.destination_port()) == DHCP_PORTS
}
