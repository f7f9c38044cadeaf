//! What devices do to sets of packets: exact answers from the tables that packets are judged by.
//!
//! A [`PacketSet`] is all packets between two addresses with some [`TrafficSet`]. Addresses are single ones on purpose: whoever asks
//! cuts the address space where any rule begins or ends, and one address then speaks for each piece. A device that implements
//! [`SetDevice`] beside the engine's `Node` narrows the traffic, rewrites the addresses and says where the set goes on;
//! [`walk`] follows it. What stands on state is remembered in the [`SetWay`]: flows that were let pass, whose answers pass
//! too (CT-01), and translations, which answers undo (NAT-12).
//!
//! # Invariants
//!
//! - A device asks the same compiled tables about sets as about packets.
//! - A device that cannot answer for sets is [opaque](SetEnd::Opaque): never guessed, always asked by packets.

mod traffic_set;
mod walk;

use std::any::Any;
use std::net::Ipv4Addr;

use vpcsim_engine::{Decision, DropReason, NodeId, Port};
use vpcsim_wire::Protocol;

pub use traffic_set::{ProtocolRange, TrafficBox, TrafficSet, icmp_range};
pub use walk::{SetEnd, Walked, walk};

use crate::compile::fabric::ClaimIndex;
use crate::mark;
use crate::traffic::PortRange;

/// The ports that gateways translate to (NAT-08).
pub const TRANSLATED_PORTS: PortRange = PortRange {
    first: 1024,
    last: u16::MAX,
};

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
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SetStep {
    /// It goes on to a node, which it enters by this port.
    Forward(NodeId, Port),
    /// Each of its packets goes on to one of these; which, hangs on its ports.
    OneOf(Vec<(NodeId, Port)>),
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

/// A translation on the way of a set.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Translation {
    node: NodeId,
    inside: Ipv4Addr,
    outside: Ipv4Addr,
    remote: Ipv4Addr,
    /// The traffic before the translation.
    traffic: TrafficSet,
}

/// What devices on a set's way remember, for its answers.
#[derive(Clone, Debug)]
pub struct SetWay {
    node: NodeId,
    is_answer: bool,
    passed: Vec<(NodeId, Ipv4Addr)>,
    translations: Vec<Translation>,
    drops: Vec<SetDrop>,
    depends_on_port: bool,
    is_lenient: bool,
    /// The nodes that were entered since the last turn.
    nodes: Vec<NodeId>,
}

impl Default for SetWay {
    fn default() -> Self {
        Self {
            node: NodeId(u32::MAX),
            is_answer: false,
            passed: Vec::new(),
            translations: Vec::new(),
            drops: Vec::new(),
            depends_on_port: false,
            is_lenient: false,
            nodes: Vec::new(),
        }
    }
}

impl SetWay {
    /// A way on which filters note what they would drop, and let it go on: to find all that stands in a flow's way.
    pub fn lenient() -> Self {
        Self {
            is_lenient: true,
            ..Self::default()
        }
    }

    /// From now on answers go the other way.
    pub fn turn(&mut self) {
        self.is_answer = true;
        self.drops.clear();
        self.nodes.clear();
    }

    /// Whether answers are on their way.
    pub fn is_answer(&self) -> bool {
        self.is_answer
    }

    /// The nodes that were entered since the last [turn](Self::turn), in order.
    pub fn nodes(&self) -> &[NodeId] {
        &self.nodes
    }

    /// The parts that were dropped since the last [turn](Self::turn), in order.
    pub fn drops(&self) -> &[SetDrop] {
        &self.drops
    }

    /// Whether some answers pass or not by the port that a gateway chose: such services count as not answered.
    pub fn depends_on_port(&self) -> bool {
        self.depends_on_port
    }

    /// Remembers that flows with the peer pass here; their answers do too (CT-01).
    pub(crate) fn track(&mut self, peer: Ipv4Addr) {
        self.passed.push((self.node, peer));
    }

    /// Whether this node has let pass what is answered here.
    pub(crate) fn is_tracked(&self, peer: Ipv4Addr) -> bool {
        self.is_answer && self.passed.contains(&(self.node, peer))
    }

    /// Gives the set a new source, by any of the [`TRANSLATED_PORTS`].
    pub(crate) fn translate(&mut self, packets: &mut PacketSet, outside: Ipv4Addr) {
        self.translations.push(Translation {
            node: self.node,
            inside: packets.source,
            outside,
            remote: packets.destination,
            traffic: packets.traffic.clone(),
        });
        let with_ports = |protocol: ProtocolRange| {
            [Protocol::TCP, Protocol::UDP]
                .map(ProtocolRange::single)
                .contains(&protocol)
        };
        let translated = |part: &TrafficBox| {
            let source = if with_ports(part.protocols) {
                TRANSLATED_PORTS
            } else {
                part.source
            };
            TrafficBox { source, ..*part }
        };
        packets.traffic = packets.traffic.boxes().iter().map(translated).collect();
        packets.source = outside;
    }

    /// Gives answers the destination that they had before the translation; `false` if there was none.
    ///
    /// A service counts as answered if its answers arrive at each of the translated ports.
    pub(crate) fn restore(&mut self, packets: &mut PacketSet) -> bool {
        let found = self.translations.iter().rev().find(|translation| {
            (translation.node, translation.outside, translation.remote)
                == (self.node, packets.destination, packets.source)
        });
        let Some(translation) = found.filter(|_| self.is_answer) else {
            return false;
        };
        let arrived = packets.traffic.questions();
        let expected = |part: &TrafficBox| {
            let is_icmp = part.protocols == ProtocolRange::single(Protocol::ICMP);
            let source = if is_icmp { part.source } else { TRANSLATED_PORTS };
            TrafficBox { source, ..*part }
        };
        let expected: TrafficSet = arrived.boxes().iter().map(expected).collect();
        let certain = arrived.from_every_port_of(&expected);
        self.depends_on_port |= !certain.from_any_port().covers(&arrived.from_any_port());
        packets.traffic = translation
            .traffic
            .intersection(&certain.from_any_port())
            .answers();
        packets.destination = translation.inside;
        true
    }
}
