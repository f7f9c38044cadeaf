//! A test stand: a topology in which only the devices under test run, and every other node writes down what reaches it.

use std::net::Ipv4Addr;

use vpcsim_engine::{
    CapturePoint, Context, Direction, Event, FrameHeader, Handle, Network, Node, NodeId, Observation,
    Observer, Packet, Port, Span, Step, Time,
};
use vpcsim_wire::{FlowKey, Mac, Summary, describe, summarize};

use crate::compile::fabric::ClaimIndex;
use crate::compile::{Build, Place};
use crate::devices::{AnyId, InternetGateway, Kind, NetworkInterface, Subnet, Topology, Vpc};
use crate::drop_reason;
use crate::model::{Id, Label};

/// A packet that reached a node which is not under test.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Arrival {
    pub(crate) node: NodeId,
    pub(crate) port: Port,
    pub(crate) time: Time,
    pub(crate) mark: u64,
    pub(crate) bytes: Vec<u8>,
}

impl Arrival {
    pub(crate) fn summary(&self) -> Summary {
        summarize(&self.bytes).expect("devices send sound packets")
    }

    pub(crate) fn key(&self) -> FlowKey {
        self.summary().key
    }

    pub(crate) fn claim(&self) -> Option<ClaimIndex> {
        let packet = (self.mark as u32).checked_sub(1);
        packet.map(ClaimIndex)
    }

    pub(crate) fn has_mark(&self, flag: u64) -> bool {
        self.mark & flag != 0
    }
}

#[derive(Default)]
struct Recorder {
    arrivals: Vec<Arrival>,
}

impl Node for Recorder {
    fn process(&mut self, context: &mut Context<'_>, port: Port, packet: Handle) -> Step {
        let (node, time) = (context.node(), context.now());
        let packet = context.packet(packet);
        self.arrivals.push(Arrival {
            node,
            port,
            time,
            mark: packet.mark(),
            bytes: packet.bytes().to_vec(),
        });
        Step::Deliver
    }
}

#[derive(Default)]
struct Log {
    drops: Vec<(NodeId, &'static str)>,
    captures: Vec<(CapturePoint, Direction, Time, String)>,
}

impl Observer for Log {
    fn observe(&mut self, observation: &Observation<'_>) {
        match observation.event {
            Event::Drop { reason, .. } => {
                let name = drop_reason::info(reason).map_or("?", |info| info.name);
                self.drops.push((observation.node, name));
            }
            Event::Capture { point, direction } => {
                let words = describe(observation.packet.bytes());
                self.captures.push((point, direction, observation.time, words));
            }
            _ => {}
        }
    }
}

/// A network under test.
pub(crate) struct Stand {
    pub(crate) network: Network,
    pub(crate) fixed: crate::compile::FixedNodes,
    points: Vec<String>,
    owners: Vec<Option<AnyId>>,
    real: Vec<bool>,
}

impl Stand {
    /// Only resources of these kinds run; the internet does if [`Kind::InternetHost`] is among them.
    pub(crate) fn new(topology: &Topology, kinds: &[Kind]) -> Self {
        let mut place = Place::new(topology);
        topology.place_resources(&mut place);
        place.seal();
        let mut build = Build::new(&place);
        topology.build_resources(&mut build);
        build.install_services();
        let prototypes = build.finish().prototypes;
        let owners = place.owners.clone();
        let is_real = |index: usize| match owners[index] {
            Some(owner) => kinds.contains(&owner.kind),
            None => index == place.fixed.internet.0 as usize && kinds.contains(&Kind::InternetHost),
        };
        let real: Vec<bool> = (0..owners.len()).map(is_real).collect();
        let nodes = prototypes
            .iter()
            .zip(&real)
            .map(|(prototype, real)| match prototype {
                Some(prototype) if *real => prototype.instantiate(),
                _ => Box::new(Recorder::default()),
            });
        let mut network = Network::new(nodes.collect(), Vec::new(), 1);
        network.observe_with(Some(Box::new(Log::default())));
        Self {
            network,
            fixed: place.fixed,
            points: place
                .capture_points
                .iter()
                .map(|plan| plan.name(topology).into_owned())
                .collect(),
            owners,
            real,
        }
    }

    pub(crate) fn node(&self, any: impl Into<AnyId>) -> NodeId {
        let any = Some(any.into());
        let index = self.owners.iter().position(|owner| *owner == any);
        NodeId(index.expect("the resource has a node") as u32)
    }

    /// Hands a packet to a node under test now and lets everything of this moment happen.
    pub(crate) fn send(&mut self, node: NodeId, port: Port, bytes: &[u8]) {
        let stub = self
            .real
            .iter()
            .position(|real| !real)
            .expect("not every node is under test");
        let stub = NodeId(stub as u32);
        self.network.act(stub, |_: &mut Recorder, context| {
            let packet = context.emit(FrameHeader::ipv4(Mac([2; 6]), Mac([4; 6])), bytes);
            context.forward(packet, node, port);
        });
        let now = self.network.now();
        self.network.run_until(now);
    }

    pub(crate) fn wait(&mut self, span: Span) {
        let until = self.network.now() + span;
        self.network.run_until(until);
    }

    /// What reached the node since the last call, after a second for what is under way.
    pub(crate) fn arrivals(&mut self, node: NodeId) -> Vec<Arrival> {
        self.wait(Span::from_secs(1));
        self.take_arrivals(node)
    }

    /// What reached the node so far.
    pub(crate) fn take_arrivals(&mut self, node: NodeId) -> Vec<Arrival> {
        self.network
            .act(node, |recorder: &mut Recorder, _| {
                std::mem::take(&mut recorder.arrivals)
            })
            .expect("the node is not under test")
    }

    /// The only packet that reached the node.
    pub(crate) fn arrival(&mut self, node: NodeId) -> Arrival {
        let mut arrivals = self.arrivals(node);
        assert_eq!(arrivals.len(), 1, "{:?} {arrivals:?}", self.log().drops);
        arrivals.remove(0)
    }

    /// The names of the drop reasons since the last call.
    pub(crate) fn drops(&mut self) -> Vec<&'static str> {
        self.wait(Span::from_secs(1));
        let drops = std::mem::take(&mut self.log().drops);
        drops.into_iter().map(|(_, name)| name).collect()
    }

    /// What was captured since the last call: the point's name, the direction, the packet in words.
    pub(crate) fn captures(&mut self) -> Vec<(String, Direction, String)> {
        let captures = std::mem::take(&mut self.log().captures);
        let named = |(point, direction, _, words): (CapturePoint, Direction, Time, String)| {
            (self.points[point.0 as usize].clone(), direction, words)
        };
        captures.into_iter().map(named).collect()
    }

    fn log(&mut self) -> &mut Log {
        self.network.observer_mut().expect("the log was put there")
    }
}

/// A packet as it is inside a network.
pub(crate) fn packet_of(bytes: &[u8]) -> Packet {
    let mut network = Network::new(vec![Box::new(Recorder::default())], Vec::new(), 0);
    let copied = network.act(NodeId(0), |_: &mut Recorder, context| {
        let packet = context.emit(FrameHeader::ipv4(Mac([2; 6]), Mac([4; 6])), bytes);
        context.packet(packet).clone()
    });
    copied.expect("node 0 is a recorder")
}

pub(crate) fn ip(text: &str) -> Ipv4Addr {
    text.parse().expect("an IPv4 address")
}

/// Adds a VPC of these ranges.
pub(crate) fn vpc(topology: &mut Topology, name: &str, cidrs: &[&str]) -> Id<Vpc> {
    let ranges: Vec<_> = cidrs.iter().map(|text| text.parse().expect("a CIDR")).collect();
    topology.vpcs.push(Vpc {
        dns_hostnames: true,
        ..Vpc::new(Label::named(name), "eu-west-1", &ranges)
    })
}

/// Adds a subnet; its zone is `a`.
pub(crate) fn subnet(topology: &mut Topology, vpc: Id<Vpc>, cidr: &str) -> Id<Subnet> {
    let net = cidr.parse().expect("a CIDR");
    topology
        .subnets
        .push(Subnet::new(Label::named(cidr), vpc, "eu-west-1a", net))
}

/// Adds an interface of one address that nothing is attached to.
pub(crate) fn interface(
    topology: &mut Topology,
    subnet: Id<Subnet>,
    private: &str,
    public: Option<&str>,
) -> Id<NetworkInterface> {
    let mut interface = NetworkInterface::new(Label::named(private), subnet, ip(private));
    interface.addresses[0].public = public.map(ip);
    topology.network_interfaces.push(interface)
}

/// Adds an internet gateway.
pub(crate) fn internet_gateway(
    topology: &mut Topology,
    name: &str,
    vpc: Option<Id<Vpc>>,
) -> Id<InternetGateway> {
    let label = Label::named(name);
    topology.internet_gateways.push(InternetGateway {
        label,
        vpc,
        route_table: None,
    })
}

/// The codes of what validating finds.
pub(crate) fn codes(topology: &Topology) -> Vec<&'static str> {
    topology.validate().iter().map(|finding| finding.code).collect()
}
