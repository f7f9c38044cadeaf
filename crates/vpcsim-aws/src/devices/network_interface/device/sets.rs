//! What an interface does to sets of packets.

use std::net::Ipv4Addr;

use vpcsim_engine::{NodeId, Port};
use vpcsim_wire::Protocol;

use super::{Behind, METADATA, NetworkInterfaceDevice, RESOLVER, SMTP_PORT, TIME_SYNC};
use crate::devices::Kind;
use crate::devices::network_interface::{FROM_HOST, FROM_NEIGHBOUR, FROM_OWNER, FROM_SERVICE};
use crate::devices::security_group::CompiledRule;
use crate::devices::subnet::{ENTERING, FROM_GATEWAY, LEAVING};
use crate::public_address::is_private;
use crate::sets::{PacketSet, SetDevice, SetStep, SetWay, TrafficBox, TrafficSet};
use crate::traffic::PortRange;
use crate::{drop_reason, mark};

impl NetworkInterfaceDevice {
    /// Of `asked` what the security groups let out to a peer, and the platform carries.
    pub fn lets_out(&self, peer: Ipv4Addr, asked: &TrafficSet) -> TrafficSet {
        let allowed = if self.fixed.unfiltered { asked.clone() } else { self.shared.egress.allowed(asked, peer, true) };
        let by_host = matches!(self.fixed.behind, Behind::Host { .. });
        if by_host && self.restricts_mail_to(peer) { allowed.without_box(mail()) } else { allowed }
    }

    /// Of `asked` what the security groups let in from a peer; `group_known` is false where a device on the way hides whose
    /// group it has (SG-10).
    pub fn lets_in(&self, peer: Ipv4Addr, group_known: bool, asked: &TrafficSet) -> TrafficSet {
        if self.fixed.unfiltered { asked.clone() } else { self.shared.ingress.allowed(asked, peer, group_known) }
    }

    /// The compiled rules that let packets out and those that let them in; `None` where everything passes.
    pub fn rules(&self) -> Option<[&[CompiledRule]; 2]> {
        (!self.fixed.unfiltered).then(|| [self.shared.egress.rules(), self.shared.ingress.rules()])
    }

    /// The node that stands behind it and gets what it lets in, if one does.
    pub fn behind(&self) -> Option<NodeId> {
        match self.fixed.behind {
            Behind::Host { node, .. } | Behind::Owner { node, .. } => Some(node),
            Behind::Nobody | Behind::Unmodelled => None,
        }
    }

    /// The node of the subnet that it is in.
    pub fn subnet_node(&self) -> NodeId {
        self.fixed.subnet_node
    }

    /// Whether the platform keeps mail from going to the destination (ENI-16).
    pub fn restricts_mail_to(&self, destination: Ipv4Addr) -> bool {
        let primary = self.shared.fabric.cidrs().first();
        !is_private(destination) && !primary.is_some_and(|primary| primary.contains(&destination))
    }

    /// Where packets for an address of this VPC enter its subnet, with the note that leads them on, whatever way they came there.
    pub fn entrance(&self, packets: &mut PacketSet) -> Option<(NodeId, Port)> {
        let (index, claim) = self.shared.fabric.find(packets.destination)?;
        packets.mark = 0;
        packets.go_to(index);
        Some((claim.subnet_node, ENTERING))
    }

    fn filter_out(&self, packets: &mut PacketSet, way: &mut SetWay) {
        let destination = packets.destination;
        let is_host = matches!(self.fixed.behind, Behind::Host { .. });
        if is_host && self.restricts_mail_to(destination) {
            let carried = packets.traffic.without_box(mail());
            packets.narrow(&carried, drop_reason::SMTP_RESTRICTION, self.by_self(), way);
        }
        let allowed = self.lets_out(destination, &packets.traffic);
        packets.narrow(&allowed, drop_reason::SG_EGRESS, self.by_self(), way);
        way.track(destination);
    }

    fn leave(&self, packets: &mut PacketSet, way: &mut SetWay) -> SetStep {
        let (source, destination) = (packets.source, packets.destination);
        if !self.owns(source) {
            if self.fixed.check {
                return SetStep::Drop(drop_reason::SRC_CHECK, self.by_self());
            }
            packets.mark |= mark::GROUP_UNKNOWN | mark::FORWARDED;
        }
        let fabric = &self.shared.fabric;
        let is_platform = [METADATA, RESOLVER, TIME_SYNC].contains(&destination) || fabric.resolver_address == Some(destination);
        if is_platform {
            return SetStep::Opaque;
        }
        if !way.is_tracked(destination) {
            self.filter_out(packets, way);
        }
        if let Some(claim) = way.return_of(destination) {
            packets.mark = mark::with_return(packets.mark, claim) | mark::RETURNING;
            return SetStep::Forward(self.fixed.subnet_node, LEAVING);
        }
        match fabric.find(destination) {
            Some((_, claim)) if claim.subnet == self.fixed.subnet => {
                let port = if claim.owner.kind == Kind::NetworkInterface { FROM_NEIGHBOUR } else { claim.port };
                SetStep::Forward(claim.node, port)
            }
            _ if self.fixed.range.contains(&destination) && destination != self.fixed.router => {
                SetStep::Drop(drop_reason::NO_SUCH_NEIGHBOUR, self.by_self())
            }
            _ => SetStep::Forward(self.fixed.subnet_node, LEAVING),
        }
    }

    fn arrive(&self, packets: &mut PacketSet, way: &mut SetWay) -> SetStep {
        let source = packets.source;
        let returns_by = mark::return_claim(packets.mark);
        if !way.is_tracked(source) {
            let known = packets.mark & mark::GROUP_UNKNOWN == 0;
            let mut allowed = self.lets_in(source, known, &packets.traffic);
            if let Some(balancer) = self.balancer(packets.mark) {
                allowed.unite(&self.shared.ingress.allowed_group(&packets.traffic, balancer));
            }
            packets.narrow(&allowed, drop_reason::SG_INGRESS, self.by_self(), way);
            way.track(source);
        }
        if self.fixed.check && !self.owns(packets.destination) {
            return SetStep::Drop(drop_reason::DST_CHECK, self.by_self());
        }
        if let Some(claim) = returns_by.filter(|_| matches!(self.fixed.behind, Behind::Host { .. })) {
            way.note_return(source, claim);
        }
        match self.fixed.behind {
            Behind::Host { node, port } | Behind::Owner { node, port } => SetStep::Forward(node, port),
            Behind::Unmodelled => SetStep::Opaque,
            Behind::Nobody => SetStep::Drop(drop_reason::NO_HOST, self.by_self()),
        }
    }
}

const fn mail() -> TrafficBox {
    TrafficBox::service(Protocol::TCP, PortRange::single(SMTP_PORT))
}

impl SetDevice for NetworkInterfaceDevice {
    fn pass(&self, port: Port, packets: &mut PacketSet, way: &mut SetWay) -> SetStep {
        match port {
            FROM_HOST => self.leave(packets, way),
            FROM_OWNER => {
                if !way.is_tracked(packets.destination) {
                    self.filter_out(packets, way);
                }
                SetStep::Forward(self.fixed.subnet_node, FROM_GATEWAY)
            }
            FROM_SERVICE => SetStep::Opaque,
            _ => self.arrive(packets, way),
        }
    }
}
