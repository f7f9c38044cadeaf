//! The walk that notes all blockers.

use std::collections::BTreeSet;
use std::net::Ipv4Addr;

use vpcsim_aws::compile::Slot;
use vpcsim_aws::devices::internet_host::FROM_HOSTS;
use vpcsim_aws::devices::network_interface::{FROM_HOST, FROM_OWNER};
use vpcsim_aws::devices::{Instance, NetworkInterface, RouteTable, Subnet, Vpc, network_acl};
use vpcsim_aws::public_address::is_private;
use vpcsim_aws::sets::{
    PacketSet, ProtocolRange, SetDrop, SetEnd, SetWay, TrafficBox, TrafficSet, icmp_range, walk,
};
use vpcsim_aws::traffic::{Direction, PortRange};
use vpcsim_aws::{AnyId, Id, Protocol, drop_reason, station};
use vpcsim_engine::wire::build::PacketBuilder;
use vpcsim_engine::wire::{Summary, icmp, summarize};
use vpcsim_engine::{Decision, DropReason, NodeId, Port};

use super::Blocker;
use super::middlebox::Translated;
use crate::answer::FlowQuery;
use crate::endpoint::Source;
use crate::explain::{Drop, Explainer, has_public_address};
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
    noted: usize,
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
    query: &'s FlowQuery,
    explainer: Explainer<'s>,
    way: SetWay,
    pub(super) half: Half,
    /// What instances on the way translated.
    pub(super) translated: Vec<Translated>,
    /// Whether a load balancer hands the client's address on, and takes answers back whatever routes say.
    pub(super) returns_by_balancer: bool,
    /// The port that is asked for; a load balancer may ask its targets at another.
    pub(super) service: u16,
    blockers: Vec<Blocker>,
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
                SetEnd::At(node, port) => match self.through_instance(node, &walked.packets) {
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
                SetEnd::Opaque(node) => self.through_balancer(node, &walked.packets),
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

    /// Goes on behind a missing route or a gateway that refuses, once in each direction.
    fn skip(&mut self, reason: DropReason, mut packets: PacketSet) -> Next {
        let is_at_its_end = drop_reason::info(reason).is_some_and(|info| info.station == station::ENI_IN);
        if self.half.has_skipped || is_at_its_end {
            return Next::Lost;
        }
        self.half.has_skipped = true;
        match self.entrance(&mut packets) {
            Some(entrance) => Next::On(entrance, packets),
            None if self.owners(packets.destination).is_empty() && !is_private(packets.destination) => {
                Next::Arrived
            }
            None => Next::Lost,
        }
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

    /// The VPCs in which somebody has the private address.
    fn owners(&self, address: Ipv4Addr) -> BTreeSet<Id<Vpc>> {
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

    /// Notes what filters would drop.
    fn note_filters(&mut self) {
        let fresh: Vec<SetDrop> = self.way.drops()[self.half.noted..].to_vec();
        self.half.noted += fresh.len();
        for drop in fresh {
            let owner = self.simulation.compiled().owner(drop.node);
            let decision = self.entry_that_denies(&drop, owner).unwrap_or(drop.decision);
            let component = self.component(drop.reason, owner, decision);
            let ends = (drop.source, drop.destination);
            self.note(drop.reason, decision, component, ends);
        }
    }

    fn note_gap(&mut self, reason: DropReason, decision: Decision, packets: &PacketSet) {
        let decider = self.simulation.compiled().decider(decision.component);
        let component = self.name(decider);
        let ends = (packets.source, packets.destination);
        self.note(reason, decision, component, ends);
        let is_inside = !self.owners(packets.destination).is_empty();
        if reason == drop_reason::NO_SUCH_INTERNET_HOST && is_inside {
            if let Some(blocker) = self.blockers.last_mut() {
                "internet".clone_into(&mut blocker.component);
                let address = packets.destination;
                blocker.change = Some(format!(
                    "give the interface with {address} a public or Elastic IP address, and ask for that"
                ));
            }
        } else if reason == drop_reason::NO_ROUTE && self.half.is_forward && !is_inside {
            self.note_missing_public_address(decider, ends);
        }
    }

    /// A route to an internet gateway does not help who has no public address.
    fn note_missing_public_address(&mut self, decider: Option<AnyId>, ends: (Ipv4Addr, Ipv4Addr)) {
        let topology = self.simulation.topology();
        let Some(table) = decider.and_then(AnyId::downcast::<RouteTable>) else {
            return;
        };
        let vpc = topology.route_tables[table].vpc;
        let mut gateways = topology.internet_gateways.iter();
        let Some((gateway, _)) = gateways.find(|(_, gateway)| gateway.vpc == Some(vpc)) else {
            return;
        };
        let (source, destination) = ends;
        let has_another_way = self.explainer.nat_gateway_for(source, vpc).is_some();
        if !is_private(destination) && !has_another_way && !has_public_address(topology, source) {
            let decision = Decision::by(topology.component(gateway));
            let component = self.name(Some(gateway.into()));
            self.note(drop_reason::IGW_NO_PUBLIC_MAPPING, decision, component, ends);
        }
    }

    fn note(
        &mut self,
        reason: DropReason,
        decision: Decision,
        component: String,
        ends: (Ipv4Addr, Ipv4Addr),
    ) {
        let info = drop_reason::info(reason);
        let mut blocker = Blocker {
            direction: if self.half.is_forward { "forward" } else { "return" }.to_owned(),
            reason: info.map_or_else(|| format!("{reason:?}"), |info| info.name.to_owned()),
            component,
            detail: info.map_or_else(String::new, |info| info.words.to_owned()),
            nearest: None,
            change: None,
        };
        if let (Some(info), Some(packet)) = (info, self.packet(ends, CLIENT_PORTS.first)) {
            let drop = Drop {
                info,
                decision,
                packet,
                is_back: !self.half.is_forward,
                is_forwarded: self.half.is_forwarded,
            };
            (blocker.detail, blocker.nearest, blocker.change) = self.explainer.words(&drop);
        }
        self.blockers.push(blocker);
    }

    /// Notes what the rules of a firewall would drop.
    pub(super) fn note_firewall(&mut self, component: &str, packets: &PacketSet) {
        let words = self.packet((packets.source, packets.destination), CLIENT_PORTS.first);
        let words = words.map_or_else(String::new, |packet| vpcsim_aws::traffic::packet_words(&packet));
        let (source, destination) = (packets.source, packets.destination);
        let direction = if self.half.is_forward { "forward" } else { "return" };
        self.blockers.push(Blocker {
            direction: direction.to_owned(),
            reason: "MIDDLEBOX_FIREWALL".to_owned(),
            component: component.to_owned(),
            detail: format!(
                "no rule of the firewall of {component} allows {words} from {source} to {destination}"
            ),
            nearest: None,
            change: Some(format!(
                "add `allow {words} from {source}/32 to {destination}/32` to the firewall of {component}"
            )),
        });
    }

    /// Notes what a load balancer does not take.
    pub(super) fn note_balancer(&mut self, reason: DropReason, component: &str, change: String) {
        let info = drop_reason::info(reason);
        self.blockers.push(Blocker {
            direction: "forward".to_owned(),
            reason: info.map_or_else(String::new, |info| info.name.to_owned()),
            component: component.to_owned(),
            detail: info.map_or_else(String::new, |info| info.words.to_owned()),
            nearest: None,
            change: Some(change),
        });
    }

    /// The protocol of the flow; TCP if it is none, which no question has.
    pub(super) fn protocol(&self) -> Protocol {
        self.query.protocol.parse().unwrap_or(Protocol::TCP)
    }

    /// One packet of the flow between two addresses, or of its answers, as filters see it; a client has this port.
    fn packet(&self, (source, destination): (Ipv4Addr, Ipv4Addr), client: u16) -> Option<Summary> {
        let protocol = self.protocol();
        let (from, to) = if self.half.is_forward {
            (client, self.service)
        } else {
            (self.service, client)
        };
        let bytes = match protocol {
            Protocol::TCP => PacketBuilder::tcp(source, from, destination, to).build(),
            Protocol::UDP => PacketBuilder::udp(source, from, destination, to).build(),
            Protocol::ICMP => {
                let asked = (
                    self.query.icmp_type.unwrap_or(icmp::ECHO_REQUEST),
                    self.query.icmp_code.unwrap_or(0),
                );
                let (kind, code) = if self.half.is_forward {
                    asked
                } else {
                    (icmp::ECHO_REPLY, 0)
                };
                PacketBuilder::raw(source, destination, protocol, &[kind, code, 0, 0, 0, 0, 0, 0]).build()
            }
            _ => PacketBuilder::raw(source, destination, protocol, &[0; 8]).build(),
        };
        summarize(&bytes).ok()
    }

    /// Which entry of a network ACL denies the flow: sets only tell that some does.
    fn entry_that_denies(&self, drop: &SetDrop, owner: Option<AnyId>) -> Option<Decision> {
        let direction = match drop.reason {
            drop_reason::NACL_EGRESS => Direction::Egress,
            drop_reason::NACL_INGRESS => Direction::Ingress,
            _ => return None,
        };
        let topology = self.simulation.topology();
        let acl = topology.network_acl_of(owner?.downcast::<Subnet>()?)?;
        let lookup = network_acl::compile(acl, topology);
        let mut clients = [CLIENT_PORTS.first, CLIENT_PORTS.last].into_iter();
        clients.find_map(|client| {
            let packet = self.packet((drop.source, drop.destination), client)?;
            let verdict = lookup.lookup(direction, &packet);
            (!verdict.allow).then_some(verdict.decision)
        })
    }

    /// The groups of the interface, or the network ACL of the subnet.
    fn component(&self, reason: DropReason, owner: Option<AnyId>, decision: Decision) -> String {
        let topology = self.simulation.topology();
        let is_group = reason == drop_reason::SG_EGRESS || reason == drop_reason::SG_INGRESS;
        let interface = owner.and_then(AnyId::downcast::<NetworkInterface>);
        if let Some(interface) = interface.filter(|_| is_group) {
            let groups = topology.network_interfaces[interface].security_groups.iter();
            let names: Vec<&str> = groups.map(|group| topology.name_of(*group)).collect();
            return names.join(", ");
        }
        let acl = owner
            .and_then(AnyId::downcast::<Subnet>)
            .and_then(|subnet| topology.network_acl_of(subnet));
        let decider = self.simulation.compiled().decider(decision.component).or(owner);
        self.name(acl.map(AnyId::from).or(decider))
    }

    pub(super) fn name(&self, any: Option<AnyId>) -> String {
        any.map_or_else(String::new, |any| {
            self.simulation.topology().name_of(any).to_owned()
        })
    }
}

fn sending_port(host: AnyId) -> Port {
    if host.downcast::<Instance>().is_some() {
        FROM_HOST
    } else {
        FROM_OWNER
    }
}
