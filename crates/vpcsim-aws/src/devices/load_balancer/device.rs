//! What runs of a load balancer: listeners, the choice of targets, rewriting.

use std::net::Ipv4Addr;
use std::sync::{Arc, OnceLock};

use vpcsim_engine::{Context, Decision, DropReason, FrameHeader, Handle, Node, NodeId, Port, Span, Step};
use vpcsim_wire::{EmbeddedChange, FlowKey, Mac, Summary, proxy_protocol, tcp, tcp_reset};

use super::checks::{CheckPlan, Checks};
use super::flows::{Flow, Flows};
use super::proxy::{self, Proxy};
use super::{ListenerProtocol, UDP_IDLE_TIMEOUT};
use crate::compile::fabric::ClaimIndex;
use crate::devices::network_interface::FROM_OWNER;
use crate::devices::security_group::SecurityGroupLookup;
use crate::devices::target_group::{HealthMinimum, TargetHealth};
use crate::{drop_reason, mark, station};

/// A target has so long to answer a new flow for the first time (NLB-15).
const FIRST_ANSWER: Span = Span::from_secs(30);

/// The first port for what endpoints hand in; the ports below are the nodes'.
const PRIVATE_LINK: u32 = 1 << 16;

/// The port for what comes by the link of this number.
pub(in crate::devices) const fn private_link(number: usize) -> Port {
    Port(PRIVATE_LINK + number as u32)
}

/// What the device looks up and never changes.
#[derive(Clone, Debug)]
pub(super) struct Plan {
    pub decision: Decision,
    pub active: bool,
    pub nodes: Vec<NodePlan>,
    pub listeners: Vec<ListenerPlan>,
    /// The target groups of the listeners.
    pub groups: Vec<GroupPlan>,
    /// Whether any group uses the proxy protocol.
    pub introduces: bool,
    /// The endpoints that lead here, a way in each of their zones (EP-25).
    pub links: Vec<LinkPlan>,
    /// The rules that clients of endpoints have to pass (EP-32).
    pub link_rules: Option<Arc<SecurityGroupLookup>>,
}

/// A way in from an endpoint, past the nodes' interfaces.
#[derive(Clone, Debug)]
pub(super) struct LinkPlan {
    /// The node in the zone of the endpoint's interface.
    pub node: u16,
    /// Where answers go.
    pub back: (NodeId, Port),
    /// The endpoint's id, which the proxy protocol tells (EP-29).
    pub endpoint: String,
}

/// A node in a zone.
#[derive(Clone, Debug)]
pub(super) struct NodePlan {
    pub address: Ipv4Addr,
    pub claim: ClaimIndex,
    pub interface: NodeId,
    pub zone: u16,
    /// Whether a zonal shift keeps it out of the DNS.
    pub shifted: bool,
}

/// A listener.
#[derive(Clone, Debug)]
pub(super) struct ListenerPlan {
    pub protocol: ListenerProtocol,
    pub port: u16,
    pub idle: Span,
    /// The place of its target group.
    pub group: Option<u16>,
}

/// A target group as the load balancer uses it.
#[derive(Clone, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "they are the attributes that AWS names one by one")]
pub(super) struct GroupPlan {
    pub keeps_client: bool,
    pub cross_zone: bool,
    pub sticky: bool,
    pub proxy_protocol: bool,
    pub resets_unhealthy: bool,
    pub dns_failover: HealthMinimum,
    pub routing_failover: HealthMinimum,
    pub check: CheckPlan,
    pub targets: Vec<TargetPlan>,
}

/// A target.
#[derive(Clone, Debug)]
pub(super) struct TargetPlan {
    pub address: Ipv4Addr,
    pub port: u16,
    pub health_port: u16,
    /// The zone of the address; unknown outside the VPC.
    pub zone: Option<u16>,
    /// Whether it is in the load balancer's VPC.
    pub inside: bool,
    pub health: Option<TargetHealth>,
    /// Whether the design says what it listens to.
    pub listeners_known: bool,
}

/// A running load balancer.
#[derive(Clone, Debug)]
pub struct LoadBalancerDevice {
    pub(super) plan: Arc<Plan>,
    flows: Flows,
    /// By target group and target.
    pub(super) health: Vec<Vec<TargetHealth>>,
    pub(super) checks: Checks,
    /// The health that its checks would find, for questions about sets; `None` where only packets tell.
    pub(super) settled: Arc<OnceLock<Option<Vec<Vec<TargetHealth>>>>>,
}

/// Where a packet comes in or goes out: a node, by its interface or by the link of an endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Door {
    pub node: u16,
    pub link: Option<u16>,
}

impl Door {
    /// The interface of a node.
    pub(super) const fn of(node: u16) -> Self {
        Self { node, link: None }
    }

    /// The key of a client's flow: clients of two endpoints may be alike in all else (EP-30).
    fn key(self, summary: &Summary) -> FlowKey {
        match self.link {
            Some(link) => summary.key.with_spare(u32::from(link) + 1),
            None => summary.key,
        }
    }
}

/// Where a packet goes on.
type Carried = Result<Door, Refusal>;
/// Why a packet ends, and where its sender gets a RST.
type Refusal = (DropReason, Option<Door>);

impl LoadBalancerDevice {
    pub(super) fn new(plan: Plan) -> Self {
        let known = |target: &TargetPlan| target.health.unwrap_or(TargetHealth::Healthy);
        Self {
            health: plan.groups.iter().map(|group| group.targets.iter().map(known).collect()).collect(),
            plan: Arc::new(plan),
            flows: Flows::default(),
            checks: Checks::default(),
            settled: Arc::default(),
        }
    }

    pub(super) fn send_own(&self, context: &mut Context<'_>, bytes: &[u8], door: Door) {
        // The interface frames it.
        let packet = context.emit(FrameHeader::ipv4(Mac([0; 6]), Mac([0; 6])), bytes);
        let (to, port) = self.plan.way_out(door);
        context.forward(packet, to, port);
    }

    /// Tells the sender of a packet that its connection is gone.
    pub(super) fn reset(&self, context: &mut Context<'_>, packet: Handle, summary: &Summary, door: Door) {
        if let Some(reset) = tcp_reset::reset_for(context.packet(packet).bytes(), summary) {
            self.send_own(context, &reset, door);
        }
    }

    fn carry(&mut self, context: &mut Context<'_>, packet: Handle, summary: &Summary, door: Door) -> Carried {
        if !self.plan.active {
            return Err((drop_reason::NLB_NOT_ACTIVE, None));
        }
        if summary.is_icmp_error() {
            return self.carry_error(context, packet, summary);
        }
        if !summary.has_ports() {
            let reason = if summary.is_fragment() { drop_reason::NLB_FRAGMENT } else { drop_reason::NLB_PROTOCOL };
            return Err((reason, None));
        }
        if summary.is_later_fragment() {
            return Err((drop_reason::NLB_FRAGMENT, None));
        }
        let returning = context.packet(packet).mark() & mark::RETURNING != 0;
        if door.link.is_none() && (returning || self.flows.of_answer(summary.key).is_some()) {
            self.carry_answer(context, packet, summary, door.node)
        } else {
            self.carry_request(context, packet, summary, door)
        }
    }

    fn carry_answer(&mut self, context: &mut Context<'_>, packet: Handle, summary: &Summary, node: u16) -> Carried {
        let now = context.now();
        let back = Some(Door::of(node));
        let gone = Err((drop_reason::NLB_NO_FLOW, back));
        let Some((client, flow)) = self.flows.of_answer(summary.key) else { return gone };
        if flow.is_over(now) {
            self.flows.remove(client);
            return gone;
        }
        if !flow.answered && now.since(flow.began) > FIRST_ANSWER {
            self.flows.remove(client);
            return Err((drop_reason::NLB_LATE_ANSWER, back));
        }
        flow.answered = true;
        flow.last_seen = now;
        let (door, answer) = (flow.door, client.reversed());
        let packet = context.packet_mut(packet);
        flow.proxy.carry_back(flow.isn, flow.header_len, packet);
        packet.set_mark(0);
        packet.set_source(answer.source(), Some(answer.source_port()));
        packet.set_destination(answer.destination(), Some(answer.destination_port()));
        Ok(door)
    }

    /// An ICMP error about a flow reaches the one who sent what it is about (ELB-10).
    fn carry_error(&mut self, context: &mut Context<'_>, packet: Handle, summary: &Summary) -> Carried {
        let embedded = summary.embedded(context.packet(packet).bytes());
        let about = embedded.map(|inner| inner.key.reversed());
        let to_target = about.and_then(|key| Some((key, self.flows.of_client(key)?)));
        let packet = context.packet_mut(packet);
        if let Some((_, flow)) = to_target {
            let outer = flow.outer;
            packet.set_mark(mark::GROUP_UNKNOWN);
            packet.translate_embedded(embedded_change(outer.reversed()));
            packet.set_destination(outer.destination(), None);
            return Ok(Door::of(flow.door.node));
        }
        let (client, flow) = about.and_then(|key| self.flows.of_answer(key)).ok_or((drop_reason::NLB_PROTOCOL, None))?;
        packet.set_mark(0);
        packet.translate_embedded(embedded_change(client));
        if summary.source() == flow.outer.destination() {
            packet.set_source(client.destination(), None);
        }
        packet.set_destination(client.source(), None);
        Ok(flow.door)
    }

    fn carry_request(&mut self, context: &mut Context<'_>, packet: Handle, summary: &Summary, door: Door) -> Carried {
        let seq = tcp::Segment::parse(&context.packet(packet).bytes()[usize::from(summary.header_len)..])
            .ok()
            .filter(|_| summary.is_tcp())
            .map_or(0, |segment| segment.seq());
        let flow = match self.find_flow(context, summary, seq, door)? {
            Some(flow) => flow,
            None => self.begin(context, summary, seq, door)?,
        };
        let mark = self.mark_towards(&flow, flow.outer.source() == summary.source(), door.node);
        if flow.proxy != Proxy::Off && summary.is_tcp() {
            self.introduce(context, packet, summary, mark, door);
        }
        let outer = flow.outer;
        let packet = context.packet_mut(packet);
        mark.put(packet);
        if outer.source() != summary.source() {
            packet.set_source(outer.source(), Some(outer.source_port()));
        }
        packet.set_destination(outer.destination(), Some(outer.destination_port()));
        Ok(Door::of(door.node))
    }

    /// Sends the header of the proxy protocol before the client's packet where it is due, and moves the packet behind it.
    fn introduce(&mut self, context: &mut Context<'_>, packet: Handle, summary: &Summary, mark: Towards, door: Door) {
        let Some(flow) = self.flows.of_client(door.key(summary)) else { return };
        let is_due = flow.proxy.carry_there(flow.isn, flow.header_len, context.packet_mut(packet));
        if !is_due {
            return;
        }
        let (outer, isn) = (flow.outer, flow.isn);
        let header = self.plan.proxy_header(summary.key, door);
        let segment = proxy::header_segment(outer, &header, isn, context.packet(packet));
        let to = self.plan.nodes[usize::from(door.node)].interface;
        let own = context.emit(FrameHeader::ipv4(Mac([0; 6]), Mac([0; 6])), &segment);
        mark.put(context.packet_mut(own));
        context.forward(own, to, FROM_OWNER);
    }

    /// The notes of a packet on its way to the flow's target.
    fn mark_towards(&self, flow: &Flow, kept: bool, node: u16) -> Towards {
        let target = self.plan.target(flow.group, flow.target);
        Towards { kept, back: target.and_then(|target| self.plan.returns_by(target, kept, node)) }
    }

    /// The flow that a client's packet belongs to; a SYN with another sequence number begins a new one (NLB-02).
    fn find_flow(&mut self, context: &Context<'_>, summary: &Summary, seq: u32, door: Door) -> Result<Option<Flow>, Refusal> {
        let (now, client) = (context.now(), door.key(summary));
        let Some(flow) = self.flows.of_client(client) else { return Ok(None) };
        if flow.is_over(now) || (summary.is_syn() && flow.isn != seq) {
            self.flows.remove(client);
            return Ok(None);
        }
        flow.last_seen = now;
        let flow = *flow;
        if summary.is_tcp() && self.is_lost(&flow) {
            self.flows.remove(client);
            return Err((drop_reason::NLB_TARGET_UNHEALTHY, Some(flow.door)));
        }
        Ok(Some(flow))
    }

    /// Whether the flow's target became unhealthy while its node does not use all targets (NLB-16).
    fn is_lost(&self, flow: &Flow) -> bool {
        let index = usize::from(flow.group);
        let is_unhealthy = self.health[index][usize::from(flow.target)] == TargetHealth::Unhealthy;
        let zone = self.plan.nodes[usize::from(flow.door.node)].zone;
        is_unhealthy
            && self.plan.groups[index].resets_unhealthy
            && self.plan.enough_healthy(&self.health, index, &self.usable(index, zone)).is_some()
    }

    fn begin(&mut self, context: &Context<'_>, summary: &Summary, seq: u32, door: Door) -> Result<Flow, Refusal> {
        let plan = Arc::clone(&self.plan);
        let node = door.node;
        plan.admit(summary, door)?;
        let (protocol, port) = (summary.protocol(), summary.key.destination_port());
        let mut listeners = plan.listeners.iter();
        let found = listeners.find(|listener| listener.protocol.takes(protocol) && listener.port == port);
        let listener = found.ok_or((drop_reason::NLB_LISTENER, None))?;
        if summary.is_tcp() && !summary.is_syn() {
            return Err((drop_reason::NLB_NO_FLOW, Some(door)));
        }
        let refused = |reason| (reason, Some(door).filter(|_| summary.is_tcp()));
        let index = listener.group.ok_or(refused(drop_reason::NLB_LISTENER_WITHOUT_GROUP))?;
        let group = &plan.groups[usize::from(index)];
        let place = self.choose(index.into(), summary, seq, node).map_err(refused)?;
        let target = &group.targets[place];
        let mut outer = summary.key.with_destination(target.address, target.port);
        if !group.keeps_client || door.link.is_some() {
            let own = plan.nodes[usize::from(node)].address;
            let port = self.flows.free_port(context.now(), summary.key, own, (target.address, target.port));
            outer = outer.with_source(own, port.ok_or(refused(drop_reason::NLB_PORT_EXHAUSTED))?);
        } else if target.address == summary.source() {
            return Err((drop_reason::NLB_HAIRPIN, None));
        }
        let now = context.now();
        let idle = if summary.is_tcp() { listener.idle } else { UDP_IDLE_TIMEOUT };
        let flow = Flow {
            outer,
            door,
            header_len: plan.proxy_header(summary.key, door).len() as u16,
            group: index,
            target: place as u16,
            answered: false,
            proxy: Proxy::new(group.proxy_protocol && summary.is_tcp()),
            isn: seq,
            began: now,
            last_seen: now,
            idle,
        };
        self.flows.insert(door.key(summary), flow);
        Ok(flow)
    }

    /// Which target a new flow gets (NLB-02, NLB-21).
    fn choose(&self, index: usize, summary: &Summary, seq: u32, node: u16) -> Result<usize, DropReason> {
        let chosen = self.plan.candidates(&self.health, index, node)?;
        let is_sticky = self.plan.groups[index].sticky;
        let hash = if is_sticky { mix(u64::from(u32::from(summary.source())), 0) } else { hash(summary.key, seq) };
        Ok(chosen[(hash % chosen.len() as u64) as usize])
    }

    /// The registered targets of a group that the node in `zone` may use.
    pub(super) fn usable(&self, index: usize, zone: u16) -> Vec<usize> {
        self.plan.usable(&self.health, index, zone)
    }
}

/// The notes of a packet to a target: whether it keeps the client's address, and by whose claim its answers come back.
#[derive(Clone, Copy)]
struct Towards {
    kept: bool,
    back: Option<ClaimIndex>,
}

impl Towards {
    fn put(self, packet: &mut vpcsim_engine::Packet) {
        packet.set_mark(if self.kept { mark::GROUP_UNKNOWN } else { 0 });
        if let Some(claim) = self.back {
            mark::set_return(packet, claim);
        }
    }
}

fn embedded_change(to: FlowKey) -> EmbeddedChange {
    EmbeddedChange {
        source: Some((to.source(), Some(to.source_port()))),
        destination: Some((to.destination(), Some(to.destination_port()))),
    }
}

impl Plan {
    /// Where what comes by a port enters.
    pub(super) fn door(&self, port: Port) -> Option<Door> {
        match port.0.checked_sub(PRIVATE_LINK) {
            Some(link) => {
                let node = self.links.get(link as usize)?.node;
                Some(Door { node, link: Some(link as u16) })
            }
            None => Some(Door::of(port.0 as u16)).filter(|door| usize::from(door.node) < self.nodes.len()),
        }
    }

    /// The node and port that take what leaves by a door.
    pub(super) fn way_out(&self, door: Door) -> (NodeId, Port) {
        match door.link.and_then(|link| self.links.get(usize::from(link))) {
            Some(link) => link.back,
            None => (self.nodes[usize::from(door.node)].interface, FROM_OWNER),
        }
    }

    /// Clients of endpoints pass the load balancer's rules with their own addresses (EP-32); others have passed its interface.
    fn admit(&self, summary: &Summary, door: Door) -> Result<(), Refusal> {
        match (&self.link_rules, door.link) {
            (Some(rules), Some(_)) if rules.lookup(summary, summary.source(), false).is_none() => {
                Err((drop_reason::VPCE_BALANCER_RULES, None))
            }
            _ => Ok(()),
        }
    }

    /// The header of the proxy protocol for a client (EP-29).
    fn proxy_header(&self, client: FlowKey, door: Door) -> Vec<u8> {
        match door.link.and_then(|link| self.links.get(usize::from(link))) {
            Some(link) => proxy_protocol::header_with_endpoint(client, &link.endpoint),
            None => proxy_protocol::header(client).to_vec(),
        }
    }

    /// By whose claim the target's answers come back, if they do not go their own way (NLB-04, NLB-05).
    pub(super) fn returns_by(&self, target: &TargetPlan, kept: bool, node: u16) -> Option<ClaimIndex> {
        (kept && target.inside).then(|| self.nodes[usize::from(node)].claim)
    }

    pub(super) fn target(&self, group: u16, target: u16) -> Option<&TargetPlan> {
        self.groups.get(usize::from(group))?.targets.get(usize::from(target))
    }

    /// Whether a node is in the zone; a target outside the VPC is in all of them.
    fn has_zone(&self, zone: Option<u16>) -> bool {
        zone.is_none_or(|zone| self.nodes.iter().any(|node| node.zone == zone))
    }

    /// The registered targets of a group that the node in `zone` may use.
    fn usable(&self, health: &[Vec<TargetHealth>], index: usize, zone: u16) -> Vec<usize> {
        let group = &self.groups[index];
        let targets = group.targets.iter().zip(&health[index]).enumerate();
        let usable = targets
            .filter(|(_, (target, health))| **health != TargetHealth::Draining && self.reaches(group, target, zone));
        usable.map(|(place, _)| place).collect()
    }

    /// The healthy ones of the targets that a node may use, if they are enough (ELB-06).
    fn enough_healthy(&self, health: &[Vec<TargetHealth>], index: usize, usable: &[usize]) -> Option<Vec<usize>> {
        let is_healthy = |place: &usize| health[index][*place] == TargetHealth::Healthy;
        let healthy: Vec<usize> = usable.iter().copied().filter(is_healthy).collect();
        let minimum = self.groups[index].routing_failover;
        let enough = !healthy.is_empty() && minimum.is_met(healthy.len(), usable.len());
        enough.then_some(healthy)
    }

    /// Which targets a new flow can get: the healthy ones that the node may use, if enough are, else any (ELB-06, NLB-17).
    pub(super) fn candidates(&self, health: &[Vec<TargetHealth>], index: usize, node: u16) -> Result<Vec<usize>, DropReason> {
        let group = &self.groups[index];
        let usable = self.usable(health, index, self.nodes[usize::from(node)].zone);
        if usable.is_empty() {
            let mut registered = group.targets.iter().zip(&health[index]);
            let elsewhere = registered.any(|(target, health)| *health != TargetHealth::Draining && self.has_zone(target.zone));
            return Err(if elsewhere { drop_reason::NLB_NO_TARGETS_IN_ZONE } else { drop_reason::NLB_NO_TARGETS });
        }
        Ok(self.enough_healthy(health, index, &usable).unwrap_or(usable))
    }

    /// Whether the node in `zone` may use the target (ELB-01, NLB-09).
    pub(super) fn reaches(&self, group: &GroupPlan, target: &TargetPlan, zone: u16) -> bool {
        self.has_zone(target.zone) && (group.cross_zone || target.zone.is_none_or(|own| own == zone))
    }
}

impl Node for LoadBalancerDevice {
    fn process(&mut self, context: &mut Context<'_>, port: Port, packet: Handle) -> Step {
        let decision = self.plan.decision;
        let Some(summary) = context.packet(packet).summary().copied() else {
            return Step::drop(drop_reason::MALFORMED, decision);
        };
        let Some(door) = self.plan.door(port) else {
            return Step::drop(drop_reason::NLB_NOT_ACTIVE, decision);
        };
        if let Some(check) = self.checks.of_answer(summary.key) {
            self.take_check(context, packet, &summary, check);
            return Step::Deliver;
        }
        match self.carry(context, packet, &summary, door) {
            Ok(door) => {
                context.rewritten(packet, summary.key);
                context.pass(packet, station::GATEWAY, decision);
                let (to, port) = self.plan.way_out(door);
                if self.plan.introduces {
                    // Behind the header that may have been sent before it.
                    return Step::ForwardAfter { to, port, delay: Span::ZERO };
                }
                Step::Forward { to, port }
            }
            Err((reason, reset_by)) => {
                if let Some(door) = reset_by {
                    self.reset(context, packet, &summary, door);
                }
                Step::drop(reason, decision)
            }
        }
    }

    fn on_timer(&mut self, context: &mut Context<'_>, token: u64) {
        self.advance_check(context, token);
    }
}

/// The hash of a flow (NLB-02).
fn hash(key: FlowKey, seq: u32) -> u64 {
    mix(mix(key.0 as u64, (key.0 >> 64) as u64), seq.into())
}

/// Mixes two numbers so that every bit counts.
const fn mix(a: u64, b: u64) -> u64 {
    let mut mixed = a ^ b.wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(31);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}
