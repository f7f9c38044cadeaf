//! What a load balancer does to sets of packets: a part for each target that a flow may get.

use std::net::Ipv4Addr;

use vpcsim_engine::{NodeId, Port};
use vpcsim_wire::Protocol;

use super::device::{Door, LoadBalancerDevice, ListenerPlan, Plan, TargetPlan};
use super::flows::NODE_PORTS;
use super::checks;
use crate::compile::{Compiled, Slot};
use crate::devices::Kind;
use crate::devices::network_interface::FROM_OWNER;
use crate::devices::target_group::TargetHealth;
use crate::sets::{PacketSet, Redirection, SetBranch, SetDevice, SetEnd, SetStep, SetWay, TrafficBox, TrafficSet, walk};
use crate::traffic::PortRange;
use crate::{drop_reason, mark};

impl SetDevice for LoadBalancerDevice {
    fn pass(&self, port: Port, packets: &mut PacketSet, way: &mut SetWay) -> SetStep {
        let plan = &*self.plan;
        let drop = |reason| SetStep::Drop(reason, plan.decision);
        let Some(door) = plan.door(port).filter(|_| plan.active) else {
            return drop(drop_reason::NLB_NOT_ACTIVE);
        };
        packets.only(&[Protocol::TCP, Protocol::UDP], drop_reason::NLB_PROTOCOL, plan.decision, way);
        if way.is_answer() {
            let Some(door) = way.restore(packets).and_then(|came_by| plan.door(came_by)) else {
                return drop(drop_reason::NLB_NO_FLOW);
            };
            packets.mark = 0;
            let (to, port) = plan.way_out(door);
            return SetStep::Forward(to, port);
        }
        let Some(Some(health)) = self.settled.get() else { return SetStep::Opaque };
        if let (Some(rules), Some(_)) = (&plan.link_rules, door.link) {
            let allowed = rules.allowed(&packets.traffic, packets.source, false);
            packets.narrow(&allowed, drop_reason::VPCE_BALANCER_RULES, plan.decision, way);
        }
        let taken: TrafficSet = plan.listeners.iter().flat_map(ListenerPlan::boxes).collect();
        packets.narrow(&taken, drop_reason::NLB_LISTENER, plan.decision, way);
        let parts = Parts { plan, health, door, came_by: port, packets, way };
        SetStep::Split(parts.all())
    }
}

impl ListenerPlan {
    fn boxes(&self) -> impl Iterator<Item = TrafficBox> {
        let taken = [Protocol::TCP, Protocol::UDP].into_iter().filter(|protocol| self.protocol.takes(*protocol));
        taken.map(|protocol| TrafficBox::service(protocol, PortRange::single(self.port)))
    }
}

/// The parts that a set goes on in.
struct Parts<'a> {
    plan: &'a Plan,
    health: &'a [Vec<TargetHealth>],
    door: Door,
    came_by: Port,
    packets: &'a PacketSet,
    way: &'a SetWay,
}

impl Parts<'_> {
    fn all(&self) -> Vec<SetBranch> {
        let mut left = self.packets.traffic.clone();
        let mut branches = Vec::new();
        // Of two listeners on one port the first gets the flow.
        for listener in &self.plan.listeners {
            for own in listener.boxes() {
                let traffic = left.within(own);
                left = left.without_box(own);
                if !traffic.is_empty() {
                    self.add(listener, traffic, &mut branches);
                }
            }
        }
        branches
    }

    fn add(&self, listener: &ListenerPlan, traffic: TrafficSet, branches: &mut Vec<SetBranch>) {
        let packets = PacketSet { traffic, ..self.packets.clone() };
        let group = listener.group.ok_or(drop_reason::NLB_LISTENER_WITHOUT_GROUP);
        let targets = group.and_then(|group| self.plan.candidates(self.health, group.into(), self.door.node));
        match (group, targets) {
            (Ok(group), Ok(targets)) => {
                let to = targets.iter().filter_map(|place| self.plan.target(group, *place as u16));
                branches.extend(to.map(|target| self.towards(listener, group, target, &packets)));
            }
            (Err(reason), _) | (_, Err(reason)) => {
                branches.push(SetBranch { packets, way: self.way.clone(), next: Err(reason) });
            }
        }
    }

    fn towards(&self, listener: &ListenerPlan, group: u16, target: &TargetPlan, packets: &PacketSet) -> SetBranch {
        let (mut packets, mut way) = (packets.clone(), self.way.clone());
        let kept = self.plan.groups[usize::from(group)].keeps_client && self.door.link.is_none();
        if kept && target.address == packets.source {
            return SetBranch { packets, way, next: Err(drop_reason::NLB_HAIRPIN) };
        }
        let node = &self.plan.nodes[usize::from(self.door.node)];
        let ports = [listener.port, target.port];
        let hidden_by = (!kept).then_some((node.address, NODE_PORTS));
        way.redirect(&mut packets, Redirection { came_by: self.came_by, hidden_by, target: target.address, ports });
        packets.mark = if kept { mark::GROUP_UNKNOWN } else { 0 };
        if let Some(claim) = self.plan.returns_by(target, kept, self.door.node) {
            packets.mark = mark::with_return(packets.mark, claim);
        }
        SetBranch { packets, way, next: Ok((node.interface, FROM_OWNER)) }
    }
}

/// Decides for all load balancers of a design which targets their health checks would find healthy, with hosts that answer
/// whatever arrives.
pub fn settle(compiled: &Compiled) {
    for (node, _) in compiled.running().filter(|(_, owner)| owner.kind == Kind::LoadBalancer) {
        let device: Option<&dyn std::any::Any> = compiled.for_sets(node).map(|device| device as _);
        if let Some(balancer) = device.and_then(|device| device.downcast_ref::<LoadBalancerDevice>()) {
            balancer.settled.get_or_init(|| balancer.checked(compiled, node));
        }
    }
}

impl LoadBalancerDevice {
    /// The health of the targets; `None` if only packets tell.
    fn checked(&self, compiled: &Compiled, node: NodeId) -> Option<Vec<Vec<TargetHealth>>> {
        let mut health = self.health.clone();
        let mut check_count = 0;
        for (index, group) in self.plan.groups.iter().enumerate() {
            for (place, target) in group.targets.iter().enumerate().filter(|(_, target)| target.health.is_none()) {
                let mut passes = Vec::new();
                for own in self.plan.nodes.iter().filter(|own| self.plan.reaches(group, target, own.zone)) {
                    let check = Check { compiled, balancer: node, from: own.address, port: checks::port_of(check_count) };
                    passes.push(check.passes((own.interface, FROM_OWNER), target)?);
                    check_count += 1;
                }
                if !passes.is_empty() {
                    let is_healthy = passes.contains(&true);
                    health[index][place] = if is_healthy { TargetHealth::Healthy } else { TargetHealth::Unhealthy };
                }
            }
        }
        Some(health)
    }
}

/// A health check of one target by one node.
struct Check<'c> {
    compiled: &'c Compiled,
    balancer: NodeId,
    from: Ipv4Addr,
    port: u16,
}

impl Check<'_> {
    /// Whether a connection to the target is answered; `None` if only packets tell.
    fn passes(&self, start: (NodeId, Port), target: &TargetPlan) -> Option<bool> {
        let mut way = SetWay::default();
        let connection = TrafficBox {
            source: PortRange::single(self.port),
            ..TrafficBox::service(Protocol::TCP, PortRange::single(target.health_port))
        };
        let asked = PacketSet::new(self.from, target.address, connection.into());
        let there = walk(self.compiled, start, asked, &mut way, &|node| node == self.balancer);
        let arrived = there.packets;
        let back = match there.end {
            SetEnd::Dropped(..) => return Some(false),
            SetEnd::At(node, port) => self.answers_from(node, port, &arrived)?,
            SetEnd::Opaque(_) | SetEnd::Split(_) => return None,
        };
        way.turn();
        let answers = PacketSet::new(arrived.destination, arrived.source, arrived.traffic.answers());
        let back = walk(self.compiled, back, answers, &mut way, &|node| node == self.balancer);
        match back.end {
            SetEnd::Dropped(..) => Some(false),
            SetEnd::At(node, _) if node == self.balancer => Some(back.packets.source == target.address),
            _ => None,
        }
    }

    fn answers_from(&self, node: NodeId, port: Port, arrived: &PacketSet) -> Option<(NodeId, Port)> {
        let Some(Slot::Host(index)) = self.compiled.slot(node) else { return None };
        let plan = &self.compiled.hosts[index];
        let own = plan.interfaces.get(port.0 as usize)?;
        let way_out = plan.way_out(port.0 as usize, arrived.source)?;
        own.addresses.contains(&arrived.destination).then_some((way_out.node, way_out.port))
    }
}
