//! What devices do to sets of packets: exact answers from the tables that packets are judged by.
//!
//! A [`PacketSet`] is all packets between two addresses with some [`TrafficSet`]. Addresses are single ones on purpose: whoever asks
//! cuts the address space where any rule begins or ends, and one address then speaks for each piece. A device that implements
//! [`SetDevice`] beside the engine's `Node` narrows the traffic, rewrites the addresses and says where the set goes on;
//! [`walk`] follows it. What stands on state is remembered in the [`SetWay`]: flows that were let pass, whose answers pass
//! too (CT-01), translations, which answers undo (NAT-12), and load balancers that answers go back by (NLB-05).
//!
//! # Invariants
//!
//! - A device asks the same compiled tables about sets as about packets.
//! - A device that cannot answer for sets is [opaque](SetEnd::Opaque): never guessed, always asked by packets.

mod traffic_set;
mod walk;
mod way;

use std::any::Any;
use std::net::Ipv4Addr;

use vpcsim_engine::{Decision, DropReason, NodeId, Port};
use vpcsim_wire::Protocol;

pub use traffic_set::{ProtocolRange, TrafficBox, TrafficSet, icmp_range};
pub use walk::{SetEnd, Walked, walk};
pub(crate) use way::Redirection;
pub use way::SetWay;

use crate::compile::fabric::ClaimIndex;
use crate::mark;
use crate::traffic::PortRange;

/// Makes ready what the devices of a design have to know before they are asked about sets: which targets are healthy.
pub use crate::devices::load_balancer::settle;

/// All packets between two addresses with some traffic.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PacketSet {
    /// The source.
    pub source: Ipv4Addr,
    /// The destination.
    pub destination: Ipv4Addr,
    /// The traffic.
    pub traffic: TrafficSet,
    /// The note that travels with packets inside AWS ([`mark`]).
    pub mark: u64,
}

impl PacketSet {
    /// What a host sends: packets without a note.
    pub fn new(source: Ipv4Addr, destination: Ipv4Addr, traffic: TrafficSet) -> Self {
        Self {
            source,
            destination,
            traffic,
            mark: 0,
        }
    }

    /// Notes where inside its VPC the set is going.
    pub(crate) fn go_to(&mut self, claim: ClaimIndex) {
        self.mark = mark::with_claim(self.mark, claim);
    }

    /// Drops what is not of these protocols.
    pub(crate) fn only(
        &mut self,
        protocols: &[Protocol],
        reason: DropReason,
        decision: Decision,
        way: &mut SetWay,
    ) {
        let parts = protocols
            .iter()
            .map(|protocol| TrafficBox::service(*protocol, PortRange::ALL));
        let allowed: TrafficSet = parts.collect();
        self.narrow(&allowed, reason, decision, way);
    }

    /// Drops what is not allowed.
    pub(crate) fn narrow(
        &mut self,
        allowed: &TrafficSet,
        reason: DropReason,
        decision: Decision,
        way: &mut SetWay,
    ) {
        let allowed = self.traffic.intersection(allowed);
        let is_narrower = allowed.volume() < self.traffic.volume();
        if is_narrower {
            way.drops.push(SetDrop {
                node: way.node,
                reason,
                decision,
                source: self.source,
                destination: self.destination,
            });
        }
        if is_narrower && way.is_lenient {
            return;
        }
        self.traffic = allowed;
    }
}

/// What becomes of a set at a device; what the device drops of it is taken out before.
#[derive(Clone, Debug)]
pub enum SetStep {
    /// It goes on to a node, which it enters by this port.
    Forward(NodeId, Port),
    /// Each of its packets goes on to one of these; which, hangs on its ports.
    OneOf(Vec<(NodeId, Port)>),
    /// It goes on in parts. What is in several of them goes one of these ways, and nobody can tell which.
    Split(Vec<SetBranch>),
    /// All of it is dropped.
    Drop(DropReason, Decision),
    /// It ends here as delivered.
    Deliver,
    /// Only packets tell.
    Opaque,
}

/// A device that says what it does to sets of packets.
pub trait SetDevice: Any {
    /// Narrows and rewrites what enters by a port, and says where it goes on.
    fn pass(&self, port: Port, packets: &mut PacketSet, way: &mut SetWay) -> SetStep;
}

/// A part of a set that was dropped on its way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SetDrop {
    /// Where.
    pub node: NodeId,
    /// Why.
    pub reason: DropReason,
    /// What decided so.
    pub decision: Decision,
    /// The source that the set had there.
    pub source: Ipv4Addr,
    /// The destination that it had there.
    pub destination: Ipv4Addr,
}

/// A part of a set that goes a way of its own.
#[derive(Clone, Debug)]
pub struct SetBranch {
    /// The part, as it goes on.
    pub packets: PacketSet,
    /// What its way has been so far.
    pub way: SetWay,
    /// The node and port that it goes on to, or why it is dropped.
    pub next: Result<(NodeId, Port), DropReason>,
}
