//! What runs of a load balancer: listeners, the choice of targets, rewriting, health checks.

use std::net::Ipv4Addr;
use std::sync::Arc;

use vpcsim_engine::{Context, Decision, DropReason, FlowTable, FrameHeader, Handle, Node, NodeId, Port, Span, Step};
use vpcsim_wire::{FlowKey, Mac, PacketBuilder, Protocol, Summary, tcp, tcp_reset};

use super::flows::{Flow, Flows};
use super::{ListenerProtocol, UDP_IDLE_TIMEOUT};
use crate::compile::fabric::ClaimIndex;
use crate::devices::network_interface::FROM_OWNER;
use crate::devices::target_group::TargetHealth;
use crate::{drop_reason, mark, station};

/// A target has so long to answer a new flow for the first time (NLB-15).
const FIRST_ANSWER: Span = Span::from_secs(30);
/// The port of the first health check; each has one of its own.
const FIRST_CHECK_PORT: u16 = 61_000;

/// What the device looks up and never changes.
#[derive(Clone, Debug)]
pub(super) struct Plan {
    pub decision: Decision,
    pub active: bool,
    pub nodes: Vec<NodePlan>,
    pub listeners: Vec<ListenerPlan>,
}

/// A node in a zone.
#[derive(Clone, Debug)]
pub(super) struct NodePlan {
    pub address: Ipv4Addr,
    pub claim: ClaimIndex,
    pub interface: NodeId,
    pub zone: u16,
}

/// A listener with its target group.
#[derive(Clone, Debug)]
pub(super) struct ListenerPlan {
    pub protocol: ListenerProtocol,
    pub port: u16,
    pub idle: Span,
    pub group: Option<GroupPlan>,
}

/// A target group as one listener uses it.
#[derive(Clone, Debug)]
pub(super) struct GroupPlan {
    pub keeps_client: bool,
    pub cross_zone: bool,
    pub sticky: bool,
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

/// Which target a health check is about.
#[derive(Clone, Copy, Debug)]
struct Check {
    node: u16,
    listener: u16,
    target: u16,
    passed: Option<bool>,
}

/// A running load balancer.
#[derive(Clone, Debug)]
pub struct LoadBalancerDevice {
    plan: Arc<Plan>,
    flows: Flows,
    /// By listener and target.
    health: Vec<Vec<TargetHealth>>,
    checks: Vec<Check>,
    check_of_answer: FlowTable<u32>,
}

/// Where a packet goes on: the node that sends it.
type Carried = Result<u16, (DropReason, Option<u16>)>;

impl LoadBalancerDevice {
    pub(super) fn new(plan: Plan) -> Self {
        let health = |listener: &ListenerPlan| {
            let targets = listener.group.iter().flat_map(|group| &group.targets);
            targets.map(|target| target.health.unwrap_or(TargetHealth::Healthy)).collect()
        };
        Self {
            health: plan.listeners.iter().map(health).collect(),
            plan: Arc::new(plan),
            flows: Flows::default(),
            checks: Vec::new(),
            check_of_answer: FlowTable::new(),
        }
    }

    /// Begins a health check of every target whose health the design does not say (NLB-18), from each node that may use it.
    pub fn start_checks(&mut self, context: &mut Context<'_>) {
        let plan = Arc::clone(&self.plan);
        for (listener, declared) in plan.listeners.iter().enumerate() {
            let Some(group) = &declared.group else { continue };
            for (place, target) in group.targets.iter().enumerate().filter(|(_, target)| target.health.is_none()) {
                for (node, own) in plan.nodes.iter().enumerate() {
                    if plan.reaches(group, target, own.zone) {
                        let (node, listener, target) = (node as u16, listener as u16, place as u16);
                        self.start_check(context, Check { node, listener, target, passed: None });
                    }
                }
            }
        }
    }

    fn start_check(&mut self, context: &mut Context<'_>, check: Check) {
        let plan = Arc::clone(&self.plan);
        let (node, target) = (&plan.nodes[usize::from(check.node)], plan.target(check.listener, check.target));
        let (Some(target), Ok(index)) = (target, u16::try_from(self.checks.len())) else { return };
        let Some(port) = FIRST_CHECK_PORT.checked_add(index) else { return };
        let key = FlowKey::new(node.address, target.address, Protocol::TCP, port, target.health_port);
        self.check_of_answer.insert(key.reversed().0, self.checks.len() as u32);
        self.checks.push(check);
        let syn = PacketBuilder::tcp(node.address, port, target.address, target.health_port)
            .flags(tcp::SYN)
            .seq(u32::from(port));
        self.send_own(context, &syn.build(), check.node);
    }

    /// Whether a health check waits for its answer.
    pub fn checks_are_open(&self) -> bool {
        self.checks.iter().any(|check| check.passed.is_none())
    }

    /// Takes the results: a target is healthy if it answered a node, the one that has not answered is not.
    pub fn finish_checks(&mut self) {
        let checks = std::mem::take(&mut self.checks);
        for (passed, health) in [(false, TargetHealth::Unhealthy), (true, TargetHealth::Healthy)] {
            for check in checks.iter().filter(|check| (check.passed == Some(true)) == passed) {
                self.set_health(check.listener.into(), check.target.into(), health);
            }
        }
        self.checks = checks;
    }

    /// Notes the health of a listener's target.
    pub fn set_health(&mut self, listener: usize, target: usize, health: TargetHealth) {
        let targets = self.health.get_mut(listener);
        if let Some(known) = targets.and_then(|targets| targets.get_mut(target)) {
            *known = health;
        }
    }

    /// How many of a listener's targets are healthy.
    pub fn healthy_count(&self, listener: usize) -> usize {
        let targets = self.health.get(listener).into_iter().flatten();
        targets.filter(|health| **health == TargetHealth::Healthy).count()
    }

    /// The answer to a health check.
    fn take_check(&mut self, context: &mut Context<'_>, packet: Handle, summary: &Summary, index: u32) {
        let check = &mut self.checks[index as usize];
        let known = self.plan.target(check.listener, check.target).is_none_or(|target| target.listeners_known);
        check.passed = Some(check.passed == Some(true) || summary.is_syn_ack() || !known);
        let node = check.node;
        if summary.is_syn_ack() {
            self.reset(context, packet, summary, node);
        }
    }

    fn send_own(&self, context: &mut Context<'_>, bytes: &[u8], node: u16) {
        // The interface frames it.
        let packet = context.emit(FrameHeader::ipv4(Mac([0; 6]), Mac([0; 6])), bytes);
        context.forward(packet, self.plan.nodes[usize::from(node)].interface, FROM_OWNER);
    }

    /// Tells the sender of a packet that its connection is gone.
    fn reset(&self, context: &mut Context<'_>, packet: Handle, summary: &Summary, node: u16) {
        if let Some(reset) = tcp_reset::reset_for(context.packet(packet).bytes(), summary) {
            self.send_own(context, &reset, node);
        }
    }

    fn carry(&mut self, context: &mut Context<'_>, packet: Handle, summary: &Summary, node: u16) -> Carried {
        if !self.plan.active {
            return Err((drop_reason::NLB_NOT_ACTIVE, None));
        }
        if !summary.has_ports() {
            let reason = if summary.is_fragment() { drop_reason::NLB_FRAGMENT } else { drop_reason::NLB_PROTOCOL };
            return Err((reason, None));
        }
        if summary.is_later_fragment() {
            return Err((drop_reason::NLB_FRAGMENT, None));
        }
        let returning = context.packet(packet).mark() & mark::RETURNING != 0;
        if returning || self.flows.of_answer(summary.key).is_some() {
            self.carry_answer(context, packet, summary, node)
        } else {
            self.carry_request(context, packet, summary, node)
        }
    }

    fn carry_answer(&mut self, context: &mut Context<'_>, packet: Handle, summary: &Summary, node: u16) -> Carried {
        let now = context.now();
        let gone = Err((drop_reason::NLB_NO_FLOW, Some(node)));
        let Some((client, flow)) = self.flows.of_answer(summary.key) else { return gone };
        if flow.is_over(now) {
            self.flows.remove(client);
            return gone;
        }
        if !flow.answered && now.since(flow.began) > FIRST_ANSWER {
            self.flows.remove(client);
            return Err((drop_reason::NLB_LATE_ANSWER, Some(node)));
        }
        flow.answered = true;
        flow.last_seen = now;
        let (node, answer) = (flow.node, client.reversed());
        let packet = context.packet_mut(packet);
        packet.set_mark(0);
        packet.set_source(answer.source(), Some(answer.source_port()));
        packet.set_destination(answer.destination(), Some(answer.destination_port()));
        Ok(node)
    }

    fn carry_request(&mut self, context: &mut Context<'_>, packet: Handle, summary: &Summary, node: u16) -> Carried {
        let seq = tcp::Segment::parse(&context.packet(packet).bytes()[usize::from(summary.header_len)..])
            .ok()
            .filter(|_| summary.is_tcp())
            .map_or(0, |segment| segment.seq());
        let flow = match self.find_flow(context, summary, seq)? {
            Some(flow) => flow,
            None => self.begin(context, summary, seq, node)?,
        };
        let target = self.plan.target(flow.listener, flow.target);
        let kept = flow.outer.source() == summary.source();
        let is_inside = target.is_some_and(|target| target.inside);
        let packet = context.packet_mut(packet);
        packet.set_mark(0);
        if kept {
            packet.set_mark(mark::GROUP_UNKNOWN);
            if is_inside {
                mark::set_return(packet, self.plan.nodes[usize::from(node)].claim);
            }
        } else {
            packet.set_source(flow.outer.source(), Some(flow.outer.source_port()));
        }
        packet.set_destination(flow.outer.destination(), Some(flow.outer.destination_port()));
        Ok(node)
    }

    /// The flow that a client's packet belongs to; a SYN with another sequence number begins a new one (NLB-02).
    fn find_flow(&mut self, context: &Context<'_>, summary: &Summary, seq: u32) -> Result<Option<Flow>, (DropReason, Option<u16>)> {
        let now = context.now();
        let Some(flow) = self.flows.of_client(summary.key) else { return Ok(None) };
        if flow.is_over(now) || (summary.is_syn() && flow.isn != seq) {
            self.flows.remove(summary.key);
            return Ok(None);
        }
        flow.last_seen = now;
        let flow = *flow;
        if summary.is_tcp() && self.is_lost(&flow) {
            self.flows.remove(summary.key);
            return Err((drop_reason::NLB_TARGET_UNHEALTHY, Some(flow.node)));
        }
        Ok(Some(flow))
    }

    /// Whether the flow's target became unhealthy while others are healthy (NLB-16).
    fn is_lost(&self, flow: &Flow) -> bool {
        let health = &self.health[usize::from(flow.listener)];
        health[usize::from(flow.target)] == TargetHealth::Unhealthy && health.contains(&TargetHealth::Healthy)
    }

    fn begin(&mut self, context: &Context<'_>, summary: &Summary, seq: u32, node: u16) -> Result<Flow, (DropReason, Option<u16>)> {
        let plan = Arc::clone(&self.plan);
        let (protocol, port) = (summary.protocol(), summary.key.destination_port());
        let mut listeners = plan.listeners.iter().enumerate();
        let found = listeners.find(|(_, listener)| listener.protocol.takes(protocol) && listener.port == port);
        let (index, listener) = found.ok_or((drop_reason::NLB_LISTENER, None))?;
        if summary.is_tcp() && !summary.is_syn() {
            return Err((drop_reason::NLB_NO_FLOW, Some(node)));
        }
        let refused = |reason| (reason, Some(node).filter(|_| summary.is_tcp()));
        let group = listener.group.as_ref().ok_or(refused(drop_reason::NLB_LISTENER_WITHOUT_GROUP))?;
        let place = self.choose(group, index, summary, seq, node).map_err(refused)?;
        let target = &group.targets[place];
        let mut outer = summary.key.with_destination(target.address, target.port);
        if !group.keeps_client {
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
            node,
            listener: index as u16,
            target: place as u16,
            answered: false,
            isn: seq,
            began: now,
            last_seen: now,
            idle,
        };
        self.flows.insert(summary.key, flow);
        Ok(flow)
    }

    /// Which target a new flow gets: a healthy one that the node may use, if there is one, else any (NLB-17).
    fn choose(&self, group: &GroupPlan, listener: usize, summary: &Summary, seq: u32, node: u16) -> Result<usize, DropReason> {
        let zone = self.plan.nodes[usize::from(node)].zone;
        let health = &self.health[listener];
        let registered: Vec<usize> =
            (0..group.targets.len()).filter(|place| health[*place] != TargetHealth::Draining).collect();
        let reached = |place: &usize| self.plan.reaches(group, &group.targets[*place], zone);
        let usable: Vec<usize> = registered.iter().copied().filter(reached).collect();
        if usable.is_empty() {
            let elsewhere = registered.iter().any(|place| self.plan.has_zone(group.targets[*place].zone));
            return Err(if elsewhere { drop_reason::NLB_NO_TARGETS_IN_ZONE } else { drop_reason::NLB_NO_TARGETS });
        }
        let healthy: Vec<usize> = usable.iter().copied().filter(|place| health[*place] == TargetHealth::Healthy).collect();
        let chosen = if healthy.is_empty() { usable } else { healthy };
        let hash = if group.sticky { mix(u64::from(u32::from(summary.source())), 0) } else { hash(summary.key, seq) };
        Ok(chosen[(hash % chosen.len() as u64) as usize])
    }
}

impl Plan {
    fn target(&self, listener: u16, target: u16) -> Option<&TargetPlan> {
        self.listeners.get(usize::from(listener))?.group.as_ref()?.targets.get(usize::from(target))
    }

    /// Whether a node is in the zone; a target outside the VPC is in all of them.
    fn has_zone(&self, zone: Option<u16>) -> bool {
        zone.is_none_or(|zone| self.nodes.iter().any(|node| node.zone == zone))
    }

    /// Whether the node in `zone` may use the target (ELB-01, NLB-09).
    fn reaches(&self, group: &GroupPlan, target: &TargetPlan, zone: u16) -> bool {
        self.has_zone(target.zone) && (group.cross_zone || target.zone.is_none_or(|own| own == zone))
    }
}

impl Node for LoadBalancerDevice {
    fn process(&mut self, context: &mut Context<'_>, port: Port, packet: Handle) -> Step {
        let decision = self.plan.decision;
        let Some(summary) = context.packet(packet).summary().copied() else {
            return Step::drop(drop_reason::MALFORMED, decision);
        };
        let node = port.0 as u16;
        if usize::from(node) >= self.plan.nodes.len() {
            return Step::drop(drop_reason::NLB_NOT_ACTIVE, decision);
        }
        if let Some(&check) = self.check_of_answer.find(summary.key.0) {
            self.take_check(context, packet, &summary, check);
            return Step::Deliver;
        }
        match self.carry(context, packet, &summary, node) {
            Ok(node) => {
                context.rewritten(packet, summary.key);
                context.pass(packet, station::GATEWAY, decision);
                Step::Forward { to: self.plan.nodes[usize::from(node)].interface, port: FROM_OWNER }
            }
            Err((reason, reset_by)) => {
                if let Some(node) = reset_by {
                    self.reset(context, packet, &summary, node);
                }
                Step::drop(reason, decision)
            }
        }
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
