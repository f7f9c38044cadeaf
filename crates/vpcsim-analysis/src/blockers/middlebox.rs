//! What instances that forward and load balancers make of a flow, as far as the design tells.

use std::net::Ipv4Addr;

use vpcsim_aws::appliance::Appliance;
use vpcsim_aws::compile::{HostInterfacePlan, HostPlan, Slot};
use vpcsim_aws::devices::LoadBalancer;
use vpcsim_aws::devices::network_interface::FROM_HOST;
use vpcsim_aws::sets::{PacketSet, TrafficBox, TrafficSet};
use vpcsim_aws::traffic::PortRange;
use vpcsim_aws::{AnyId, drop_reason};
use vpcsim_engine::{Decision, NodeId, Port};

use super::search::{Next, Search};

/// An address that an instance has put in front of another.
pub(super) struct Translated {
    node: NodeId,
    own: Ipv4Addr,
    inside: Ipv4Addr,
    remote: Ipv4Addr,
}

impl Search<'_> {
    /// What a host does with a set that comes to it.
    pub(super) fn through_instance(&mut self, (node, port): (NodeId, Port), packets: &PacketSet) -> Next {
        let compiled = self.simulation.compiled();
        let Some(Slot::Host(index)) = compiled.slot(node) else {
            return Next::Arrived;
        };
        let plan = &compiled.hosts[index];
        let (source, destination) = (packets.source, packets.destination);
        let mut onward = PacketSet::new(source, destination, packets.traffic.clone());
        // An interface takes only what is for itself, whatever others of the host have.
        let own = plan.interfaces.get(port.0 as usize);
        if own.is_some_and(|part| part.addresses.contains(&destination)) {
            let mut known = self.translated.iter().rev();
            let is_meant = |one: &&Translated| {
                (one.node, one.own, one.remote) == (node, destination, source) && !self.half.is_forward
            };
            let Some(translated) = known.find(is_meant) else {
                return Next::Arrived;
            };
            onward.destination = translated.inside;
            return send(plan, onward);
        }
        let Some(appliance) = &plan.appliance else {
            let decision = Decision::by(self.simulation.topology().component(plan.owner));
            self.note_gap(drop_reason::NOT_FOR_THIS_HOST, decision, packets);
            return self.skip(drop_reason::NOT_FOR_THIS_HOST, packets.clone());
        };
        self.half.is_forwarded = true;
        if !passes(appliance, packets, self.half.is_forward) {
            let name = self.name(Some(plan.owner));
            self.note_firewall(&name, packets);
        }
        if appliance.masquerade && self.half.is_forward {
            let Some(own) = outgoing(plan, destination).and_then(|part| part.addresses.first().copied())
            else {
                return Next::Lost;
            };
            self.translated.push(Translated {
                node,
                own,
                inside: source,
                remote: destination,
            });
            onward.source = own;
        }
        send(plan, onward)
    }

    /// To the first target of the listener that takes the flow.
    pub(super) fn through_balancer(&mut self, node: NodeId, packets: &PacketSet) -> Next {
        let owner = self.simulation.compiled().owner(node);
        let Some(id) = owner
            .and_then(AnyId::downcast::<LoadBalancer>)
            .filter(|_| self.half.is_forward)
        else {
            return Next::Lost;
        };
        let topology = self.simulation.topology();
        let (balancer, name, protocol) = (&topology.load_balancers[id], self.name(owner), self.protocol());
        let mut listeners = balancer.listeners.iter();
        let takes =
            listeners.find(|listener| listener.port == self.service && listener.protocol.takes(protocol));
        let Some(listener) = takes else {
            let change = format!("add a listener for {protocol} {} to {name}", self.service);
            self.note_balancer(drop_reason::NLB_LISTENER, &name, change);
            return Next::Lost;
        };
        let group = listener.target_group.map(|group| &topology.target_groups[group]);
        let target =
            group.and_then(|group| Some((group, group.destination(group.targets.first()?, topology)?)));
        let Some((group, (address, port))) = target else {
            let change = format!(
                "register a target in the target group of the listener for {protocol} {}",
                self.service
            );
            let reason = if group.is_some() {
                drop_reason::NLB_NO_TARGETS
            } else {
                drop_reason::NLB_LISTENER_WITHOUT_GROUP
            };
            self.note_balancer(reason, &name, change);
            return Next::Lost;
        };
        let keeps = group.keeps_client();
        let source = if keeps {
            packets.source
        } else {
            packets.destination
        };
        let to_port = |part: &TrafficBox| TrafficBox {
            service: PortRange::single(port),
            ..*part
        };
        let traffic: TrafficSet = packets.traffic.boxes().iter().map(to_port).collect();
        let mut onward = PacketSet::new(source, address, traffic);
        (self.service, self.returns_by_balancer) = (port, keeps);
        match self.entrance(&mut onward) {
            Some(entrance) => Next::On(entrance, onward),
            None => Next::Lost,
        }
    }
}

/// Whether the firewall lets all of the set pass; what it remembers of flows lets their answers pass.
fn passes(appliance: &Appliance, packets: &PacketSet, is_forward: bool) -> bool {
    if appliance.firewall.is_empty() || appliance.stateful && !is_forward {
        return true;
    }
    let meets = |rule: &&vpcsim_aws::appliance::FirewallRule| {
        rule.source.contains(&packets.source)
            && rule.destination.contains(&packets.destination)
            && !packets.traffic.within(rule.traffic.into()).is_empty()
    };
    let mut left = packets.traffic.clone();
    for rule in appliance.firewall.iter().filter(meets) {
        if !rule.allow && !left.within(rule.traffic.into()).is_empty() {
            return false;
        }
        left = left.without_box(rule.traffic.into());
    }
    left.is_empty()
}

/// The only interface, or the one whose subnet holds the destination.
fn outgoing(plan: &HostPlan, destination: Ipv4Addr) -> Option<&HostInterfacePlan> {
    if let [only] = &plan.interfaces[..] {
        return Some(only);
    }
    let is_near = |part: &&HostInterfacePlan| {
        let net = ipnet::Ipv4Net::new(part.router, part.prefix_len);
        net.is_ok_and(|net| net.contains(&destination))
    };
    plan.interfaces.iter().find(is_near)
}

fn send(plan: &HostPlan, packets: PacketSet) -> Next {
    match outgoing(plan, packets.destination) {
        Some(part) => Next::On((part.node, FROM_HOST), packets),
        None => Next::Lost,
    }
}
