//! The walk that notes all blockers.

use std::collections::BTreeSet;
use std::net::Ipv4Addr;

use vpcsim_aws::compile::Slot;
use vpcsim_aws::devices::internet_host::FROM_HOSTS;
use vpcsim_aws::devices::network_interface::{FROM_HOST, FROM_OWNER, InterfaceAddress};
use vpcsim_aws::devices::{Instance, NatGateway, NetworkInterface, Vpc};
use vpcsim_aws::public_address::is_private;
use vpcsim_aws::sets::{PacketSet, ProtocolRange, SetEnd, SetWay, TrafficBox, TrafficSet, icmp_range, walk};
use vpcsim_aws::traffic::PortRange;
use vpcsim_aws::{AnyId, Id, Kind, Protocol, drop_reason, station};
use vpcsim_engine::{Decision, DropReason, NodeId, Port};

use super::Blocker;
use super::middlebox::Translated;
use crate::answer::FlowQuery;
use crate::endpoint::Source;
use crate::explain::Explainer;
use crate::question::Question;
use crate::reach::CLIENT_PORTS;
use crate::simulation::Simulation;

/// No way has more middleboxes and gaps.
const PARTS_MAX: usize = 16;

/// Where a set goes on after a part of its way.
pub(super) enum Next {
    /// It is where it was sent.
    Arrived,
    /// It enters a node.
    On((NodeId, Port), PacketSet),
    /// Nobody can tell.
    Lost,
}

/// The end of a flow's way.
struct Arrived {
    node: NodeId,
    port: Port,
    packets: PacketSet,
}

/// One direction of a flow.
pub(super) struct Half {
    pub(super) is_forward: bool,
    /// How many drops of the way are noted.
    pub(super) noted: usize,
    /// Whether it went on behind a gap already.
    has_skipped: bool,
    /// Whether an instance forwarded the flow, and hides whose it is.
    pub(super) is_forwarded: bool,
}

impl Half {
    const fn new(is_forward: bool) -> Self {
        Self {
            is_forward,
            noted: 0,
            has_skipped: false,
            is_forwarded: false,
        }
    }
}

pub(super) struct Search<'s> {
    pub(super) simulation: &'s Simulation,
    pub(super) query: &'s FlowQuery,
    pub(super) explainer: Explainer<'s>,
    pub(super) way: SetWay,
    pub(super) half: Half,
    /// What instances on the way translated.
    pub(super) translated: Vec<Translated>,
    /// Whether a load balancer hands the client's address on, and takes answers back whatever routes say.
    pub(super) returns_by_balancer: bool,
    /// The port that is asked for; a load balancer may ask its targets at another.
    pub(super) service: u16,
    pub(super) blockers: Vec<Blocker>,
}

impl<'s> Search<'s> {
    pub(super) fn new(simulation: &'s Simulation, query: &'s FlowQuery) -> Self {
        Self {
            simulation,
            query,
            explainer: simulation.explainer(),
            way: SetWay::lenient(),
            half: Half::new(true),
            translated: Vec::new(),
            returns_by_balancer: false,
            service: query.dst_port.unwrap_or(0),
            blockers: Vec::new(),
        }
    }

    /// Goes there and back.
    pub(super) fn run(mut self, question: &Question) -> Vec<Blocker> {
        self.go(question);
        self.blockers
    }

    fn go(&mut self, question: &Question) -> Option<()> {
        let (start, source) = self.start(question)?;
        let asked = PacketSet::new(source, question.destination, self.traffic(question.protocol));
        let arrived = self.follow(start, asked)?;
        let PacketSet {
            source,
            destination,
            ref traffic,
            ..
        } = arrived.packets;
        let mut answers = PacketSet::new(destination, source, traffic.answers());
        if answers.traffic.is_empty() || self.returns_by_balancer {
            return None;
        }
        let is_outside = arrived.node == self.simulation.compiled().fixed.internet;
        let back = if self.half.has_skipped && is_outside {
            // Nobody translated the sender's address: answers begin where every way back ends.
            self.entrance(&mut answers)?
        } else {
            self.answers_from(arrived.node, arrived.port, destination)?
        };
        self.way.turn();
        self.half = Half::new(false);
        self.follow(back, answers).map(|_| ())
    }

    /// Follows a set to its end, from gap to gap; `None` if nobody can tell what lies behind.
    fn follow(&mut self, start: (NodeId, Port), packets: PacketSet) -> Option<Arrived> {
        let (mut start, mut packets) = (start, packets);
        for _ in 0..PARTS_MAX {
            let walked = walk(self.simulation.compiled(), start, packets, &mut self.way, &|_| {
                false
            });
            self.note_filters();
            let next = match walked.end {
                SetEnd::At(node, port) => match self.through_instance((node, port), &walked.packets) {
                    Next::Arrived => {
                        let packets = walked.packets;
                        return Some(Arrived { node, port, packets });
                    }
                    next => next,
                },
                SetEnd::Dropped(reason, decision) => {
                    self.note_gap(reason, decision, &walked.packets);
                    self.skip(reason, walked.packets.clone())
                }
                SetEnd::Opaque(node) | SetEnd::Split(node) => self.through_opaque(node, &walked.packets),
            };
            match next {
                Next::On(to, set) => (start, packets) = (to, set),
                Next::Arrived => {
                    let node = self.simulation.compiled().fixed.internet;
                    let packets = walked.packets;
                    return Some(Arrived {
                        node,
                        port: FROM_HOSTS,
                        packets,
                    });
                }
                Next::Lost => return None,
            }
        }
        None
    }

    /// Goes on behind what says nothing about sets.
    fn through_opaque(&mut self, node: NodeId, packets: &PacketSet) -> Next {
        let owner = self.simulation.compiled().owner(node);
        let decision = owner.map_or(Decision::NONE, |owner| {
            Decision::by(self.simulation.topology().component(owner))
        });
        match owner.map(|owner| owner.kind) {
            Some(Kind::NatGateway | Kind::RegionalNatGateway) if !self.half.is_forward => {
                // It translated nothing on the way there.
                self.note_gap(drop_reason::NAT_NO_STATE, decision, packets);
                self.skip(drop_reason::NAT_NO_STATE, packets.clone())
            }
            Some(Kind::Subnet) => {
                self.note_gap(drop_reason::NOT_MODELLED, decision, packets);
                Next::Lost
            }
            _ => self.through_balancer(node, packets),
        }
    }

    /// Goes on behind a missing route or a gateway that refuses, once in each direction.
    pub(super) fn skip(&mut self, reason: DropReason, mut packets: PacketSet) -> Next {
        let is_at_its_end = drop_reason::info(reason).is_some_and(|info| info.station == station::ENI_IN);
        if self.half.has_skipped || is_at_its_end {
            return Next::Lost;
        }
        self.half.has_skipped = true;
        if let Some(owner) = self.by_public_address(packets.destination) {
            // What goes out and comes in again has the sender's public address; who has none hides behind another's.
            let sender = self.by_private_address(packets.source);
            let Some(public) = sender.and_then(|own| own.public).filter(|_| self.half.is_forward) else {
                return Next::Lost;
            };
            (packets.source, packets.destination) = (public, owner.private);
        }
        match self.entrance(&mut packets) {
            Some(entrance) => Next::On(entrance, packets),
            None => self.skip_outside(&packets),
        }
    }

    /// Goes on to a host outside; of the design's own ranges nobody else has an address.
    fn skip_outside(&mut self, packets: &PacketSet) -> Next {
        let topology = self.simulation.topology();
        let destination = packets.destination;
        if !self.owners(destination).is_empty() {
            return Next::Lost;
        }
        let covers = |vpc: &Vpc| {
            vpc.cidrs
                .iter()
                .any(|cidr| cidr.associated && cidr.net.contains(&destination))
        };
        if let Some((vpc, _)) = topology.vpcs.iter().find(|(_, vpc)| covers(vpc)) {
            let decision = Decision::by(topology.component(vpc));
            self.note_gap(drop_reason::NO_SUCH_ADDRESS, decision, packets);
            return Next::Lost;
        }
        let is_gateways = |gateway: &NatGateway| {
            gateway
                .addresses
                .iter()
                .any(|own| own.public == Some(destination))
        };
        let mut gateways = topology.nat_gateways.iter();
        if let Some((gateway, _)) = gateways.find(|(_, gateway)| is_gateways(gateway)) {
            let decision = Decision::by(topology.component(gateway));
            self.note_gap(drop_reason::NAT_NO_STATE, decision, packets);
            return Next::Lost;
        }
        if is_private(destination) {
            return Next::Lost;
        }
        Next::Arrived
    }

    /// Where every way to the set's destination enters its subnet; `None` if nobody has the address, or several have.
    pub(super) fn entrance(&self, packets: &mut PacketSet) -> Option<(NodeId, Port)> {
        let owners = self.owners(packets.destination);
        let vpc = owners.first().filter(|_| owners.len() == 1)?;
        let topology = self.simulation.topology();
        let covers = |vpc: &Id<Vpc>| {
            let cidrs = topology.vpcs[*vpc].cidrs.iter();
            cidrs
                .filter(|cidr| cidr.associated)
                .any(|cidr| cidr.net.contains(&packets.destination))
        };
        // To the sender the address is one of its own VPC, whoever has it elsewhere.
        let senders = self.owners(packets.source);
        if !senders.contains(vpc) && senders.iter().any(covers) {
            return None;
        }
        let is_there = |id: &Id<NetworkInterface>| {
            let subnet = topology.subnets.find(topology.network_interfaces[*id].subnet);
            subnet.is_some_and(|subnet| subnet.vpc == *vpc)
        };
        let compiled = self.simulation.compiled();
        let mut inside = topology.network_interfaces.ids().filter(is_there);
        let device = inside.find_map(|id| compiled.interface(compiled.node_of(id)?))?;
        device.entrance(packets)
    }

    fn by_public_address(&self, address: Ipv4Addr) -> Option<InterfaceAddress> {
        self.own_addresses().find(|own| own.public == Some(address))
    }

    fn by_private_address(&self, address: Ipv4Addr) -> Option<InterfaceAddress> {
        self.own_addresses().find(|own| own.private == address)
    }

    fn own_addresses(&self) -> impl Iterator<Item = InterfaceAddress> {
        let interfaces = self.simulation.topology().network_interfaces.iter();
        interfaces.flat_map(|(_, interface)| interface.addresses.iter().copied())
    }

    /// The VPCs in which somebody has the private address.
    pub(super) fn owners(&self, address: Ipv4Addr) -> BTreeSet<Id<Vpc>> {
        let topology = self.simulation.topology();
        let owns =
            |interface: &NetworkInterface| interface.addresses.iter().any(|own| own.private == address);
        let interfaces = topology
            .network_interfaces
            .iter()
            .filter(|(_, interface)| owns(interface));
        let subnets = interfaces.filter_map(|(_, interface)| topology.subnets.find(interface.subnet));
        subnets.map(|subnet| subnet.vpc).collect()
    }

    fn traffic(&self, protocol: Protocol) -> TrafficSet {
        let service = match protocol {
            Protocol::ICMP => icmp_range(
                Some(self.query.icmp_type.unwrap_or(8)),
                Some(self.query.icmp_code.unwrap_or(0)),
            ),
            _ if protocol.has_ports() => PortRange::single(self.query.dst_port.unwrap_or(0)),
            _ => PortRange::ALL,
        };
        let source = if protocol.has_ports() {
            CLIENT_PORTS
        } else {
            PortRange::ALL
        };
        TrafficBox {
            protocols: ProtocolRange::single(protocol),
            service,
            source,
        }
        .into()
    }

    /// Where the flow enters the network, and with which address.
    fn start(&self, question: &Question) -> Option<((NodeId, Port), Ipv4Addr)> {
        let compiled = self.simulation.compiled();
        match question.source {
            Source::Internet(address) => Some(((compiled.fixed.internet, FROM_HOSTS), address)),
            Source::Host { host, bind } => {
                let plan = compiled.hosts.iter().find(|plan| plan.owner == host)?;
                let wanted = self.query.bind.or(bind);
                let own = plan
                    .interfaces
                    .iter()
                    .find(|part| wanted.is_some_and(|address| part.addresses.contains(&address)));
                let part = own.or(plan.interfaces.first())?;
                let address = wanted.or(part.addresses.first().copied())?;
                Some(((part.node, sending_port(host)), address))
            }
        }
    }

    /// Where a host's answers from one of its addresses enter the network.
    fn answers_from(&self, node: NodeId, port: Port, address: Ipv4Addr) -> Option<(NodeId, Port)> {
        let compiled = self.simulation.compiled();
        if node == compiled.fixed.internet {
            return Some((node, FROM_HOSTS));
        }
        match compiled.slot(node)? {
            Slot::Host(index) => {
                let plan = &compiled.hosts[index];
                let own = plan
                    .interfaces
                    .iter()
                    .find(|part| part.addresses.contains(&address));
                let by_port = plan.interfaces.get(port.0 as usize);
                Some((own.or(by_port)?.node, sending_port(plan.owner)))
            }
            Slot::ServiceHosts(index) => Some(compiled.services[index].uplink),
            Slot::InternetHosts | Slot::Metadata => None,
        }
    }
}

fn sending_port(host: AnyId) -> Port {
    if host.downcast::<Instance>().is_some() {
        FROM_HOST
    } else {
        FROM_OWNER
    }
}
