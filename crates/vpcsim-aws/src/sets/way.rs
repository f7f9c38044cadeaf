//! What devices on a set's way remember.

use std::net::Ipv4Addr;

use vpcsim_engine::{NodeId, Port};
use vpcsim_wire::Protocol;

use super::{PacketSet, ProtocolRange, SetDrop, TrafficBox, TrafficSet};
use crate::compile::fabric::ClaimIndex;
use crate::traffic::PortRange;

/// The ports that NAT gateways translate to (NAT-08).
const TRANSLATED_PORTS: PortRange = PortRange {
    first: 1024,
    last: u16::MAX,
};

/// Where a load balancer sends a part of what it gets.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Redirection {
    /// The port by which the set came in.
    pub came_by: Port,
    /// The load balancer's own address, where it hides the client's, and the ports that it sends from.
    pub hidden_by: Option<(Ipv4Addr, PortRange)>,
    /// The target.
    pub target: Ipv4Addr,
    /// The listener's port, and the target's.
    pub ports: [u16; 2],
}

/// A translation on the way of a set.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Translation {
    node: NodeId,
    came_by: Port,
    /// The source before and after.
    source: [Ipv4Addr; 2],
    /// The destination before and after.
    destination: [Ipv4Addr; 2],
    /// The service before and after, where it changes.
    service: Option<[u16; 2]>,
    /// The source ports that the gateway chooses among, if it does.
    chosen: Option<PortRange>,
    /// The traffic before.
    traffic: TrafficSet,
}

impl Translation {
    /// Traffic that has its service as it is behind the gateway, as it was before it.
    fn with_service_before(&self, traffic: &TrafficSet) -> TrafficSet {
        let Some([before, after]) = self.service else {
            return traffic.clone();
        };
        let parts = traffic.boxes().iter().filter(|part| part.service.contains(after));
        let renamed = |part: &TrafficBox| TrafficBox {
            service: PortRange::single(before),
            ..*part
        };
        parts.map(renamed).collect()
    }
}

/// What devices on a set's way remember, for its answers.
#[derive(Clone, Debug)]
pub struct SetWay {
    pub(super) node: NodeId,
    is_answer: bool,
    passed: Vec<(NodeId, Ipv4Addr)>,
    translations: Vec<Translation>,
    /// By interface and client, the claims that answers go back by (NLB-05).
    returns: Vec<(NodeId, Ipv4Addr, ClaimIndex)>,
    pub(super) drops: Vec<SetDrop>,
    pub(super) depends_on_port: bool,
    pub(super) is_lenient: bool,
    /// The nodes that were entered since the last turn.
    pub(super) nodes: Vec<NodeId>,
}

impl Default for SetWay {
    fn default() -> Self {
        Self {
            node: NodeId(u32::MAX),
            is_answer: false,
            passed: Vec::new(),
            translations: Vec::new(),
            returns: Vec::new(),
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

    /// What the sender sent, of which this has become behind all gateways.
    pub fn as_sent(&self, arrived: &TrafficSet) -> TrafficSet {
        let before = |arrived: TrafficSet, translation: &Translation| {
            let renamed = translation.with_service_before(&arrived);
            let renamed = if translation.chosen.is_some() {
                renamed.from_any_port()
            } else {
                renamed
            };
            translation.traffic.intersection(&renamed)
        };
        self.translations.iter().rev().fold(arrived.clone(), before)
    }

    /// Remembers that flows with the peer pass here; their answers do too (CT-01).
    pub(crate) fn track(&mut self, peer: Ipv4Addr) {
        self.passed.push((self.node, peer));
    }

    /// Whether this node has let pass what is answered here.
    pub(crate) fn is_tracked(&self, peer: Ipv4Addr) -> bool {
        self.is_answer && self.passed.contains(&(self.node, peer))
    }

    /// Remembers that answers to the client go back by the claim of a load balancer's node (NLB-05).
    pub(crate) fn note_return(&mut self, client: Ipv4Addr, claim: ClaimIndex) {
        self.returns.push((self.node, client, claim));
    }

    /// By which claim this node's answers to the client go back, if a load balancer brought what they answer.
    pub(crate) fn return_of(&self, client: Ipv4Addr) -> Option<ClaimIndex> {
        let mut known = self.returns.iter().rev().filter(|_| self.is_answer);
        let found = known.find(|(node, peer, _)| (*node, *peer) == (self.node, client))?;
        Some(found.2)
    }

    /// Gives the set a new source, by any of the ports that gateways translate to.
    pub(crate) fn translate(&mut self, packets: &mut PacketSet, outside: Ipv4Addr) {
        self.translations.push(Translation {
            node: self.node,
            came_by: Port(0),
            source: [packets.source, outside],
            destination: [packets.destination; 2],
            service: None,
            chosen: Some(TRANSLATED_PORTS),
            traffic: packets.traffic.clone(),
        });
        packets.traffic = from_ports(&packets.traffic, TRANSLATED_PORTS);
        packets.source = outside;
    }

    /// Gives the set a target of a load balancer as its destination.
    pub(crate) fn redirect(&mut self, packets: &mut PacketSet, to: Redirection) {
        let source = to.hidden_by.map_or(packets.source, |(own, _)| own);
        let chosen = to.hidden_by.map(|(_, ports)| ports);
        self.translations.push(Translation {
            node: self.node,
            came_by: to.came_by,
            source: [packets.source, source],
            destination: [packets.destination, to.target],
            service: Some(to.ports),
            chosen,
            traffic: packets.traffic.clone(),
        });
        let service = PortRange::single(to.ports[1]);
        let at_target = |part: &TrafficBox| TrafficBox { service, ..*part };
        packets.traffic = packets.traffic.boxes().iter().map(at_target).collect();
        if let Some(ports) = chosen {
            packets.traffic = from_ports(&packets.traffic, ports);
        }
        (packets.source, packets.destination) = (source, to.target);
    }

    /// Gives answers the addresses and ports that what they answer had before this node translated it, and says by which port that
    /// came in; `None` if it did not.
    ///
    /// A service counts as answered if its answers arrive at each of the ports that the gateway chooses among.
    pub(crate) fn restore(&mut self, packets: &mut PacketSet) -> Option<Port> {
        let is_answered = |translation: &&Translation| {
            let [_, source] = translation.source;
            let [_, destination] = translation.destination;
            (translation.node, source, destination) == (self.node, packets.destination, packets.source)
                && translation
                    .service
                    .is_none_or(|[_, after]| is_about(&packets.traffic.questions(), after))
        };
        let mut known = self.translations.iter().rev().filter(|_| self.is_answer);
        let translation = known.find(is_answered)?;
        let arrived = translation.with_service_before(&packets.traffic.questions());
        let certain = match translation.chosen {
            Some(ports) => {
                let certain = arrived.from_every_port_of(&from_ports(&arrived, ports));
                self.depends_on_port |= !certain.from_any_port().covers(&arrived.from_any_port());
                certain.from_any_port()
            }
            None => arrived,
        };
        packets.traffic = translation.traffic.intersection(&certain).answers();
        packets.source = translation.destination[0];
        packets.destination = translation.source[0];
        Some(translation.came_by)
    }
}

/// Whether some of the traffic is for the service.
fn is_about(traffic: &TrafficSet, service: u16) -> bool {
    traffic.boxes().iter().any(|part| part.service.contains(service))
}

/// The same traffic from these ports, as far as it has ports.
fn from_ports(traffic: &TrafficSet, ports: PortRange) -> TrafficSet {
    let has_ports = |protocol: ProtocolRange| {
        [Protocol::TCP, Protocol::UDP]
            .map(ProtocolRange::single)
            .contains(&protocol)
    };
    let translated = |part: &TrafficBox| {
        let source = if has_ports(part.protocols) {
            ports
        } else {
            part.source
        };
        TrafficBox { source, ..*part }
    };
    traffic.boxes().iter().map(translated).collect()
}
