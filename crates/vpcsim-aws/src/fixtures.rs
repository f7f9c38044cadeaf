//! Small declared resources for this crate's unit tests.

use std::net::Ipv4Addr;
use std::sync::Arc;

use ipnet::Ipv4Net;
use vpcsim_engine::{
    Context, Event, FrameHeader, Handle, Network, Node, NodeId, Observation, Observer, Port, Span, Step,
};
use vpcsim_wire::Mac;

use crate::compile::place::{interface_mac, router_mac};
use crate::compile::{Compiled, compile};
use crate::devices::network_interface::{Attachment, FROM_HOST};
use crate::devices::security_group::{Peer, SecurityGroupRule};
use crate::devices::{Instance, NetworkInterface, SecurityGroup, Subnet, Vpc};
use crate::model::{Id, Label, Origin};
use crate::topology::Topology;
use crate::traffic::Traffic;

pub(crate) fn net(text: &str) -> Ipv4Net {
    text.parse().expect("tests write valid ranges")
}

pub(crate) fn address(text: &str) -> Ipv4Addr {
    text.parse().expect("tests write valid addresses")
}

pub(crate) fn vpc(name: &str, cidr: &str) -> Vpc {
    Vpc::new(Label::named(name), "eu-west-1", &[net(cidr)])
}

pub(crate) fn subnet(vpc: Id<Vpc>, name: &str, cidr: &str) -> Subnet {
    Subnet::new(Label::named(name), vpc, "eu-west-1a", net(cidr))
}

pub(crate) fn interface(subnet: Id<Subnet>, private: &str, groups: &[Id<SecurityGroup>]) -> NetworkInterface {
    NetworkInterface {
        security_groups: groups.to_vec(),
        ..NetworkInterface::new(Label::named(format!("eni-{private}")), subnet, address(private))
    }
}

/// An instance of this name with one interface; gives the interface.
pub(crate) fn attach(
    topology: &mut Topology,
    name: &str,
    mut interface: NetworkInterface,
) -> Id<NetworkInterface> {
    let instance = topology.instances.push(Instance::new(Label::named(name)));
    interface.attachment = Attachment::Instance {
        instance,
        device_index: 0,
    };
    interface.label = Label::named(format!("{name} eni"));
    topology.network_interfaces.push(interface)
}

/// A host that keeps what it gets.
#[derive(Default)]
pub(crate) struct StubHost {
    pub(crate) received: Vec<Vec<u8>>,
}

impl Node for StubHost {
    fn process(&mut self, context: &mut Context<'_>, _port: Port, packet: Handle) -> Step {
        self.received.push(context.packet(packet).bytes().to_vec());
        Step::Deliver
    }
}

/// What became of the packets, in words: `EniOut`, `drop SG_EGRESS`, `deliver`.
#[derive(Default)]
struct Log {
    lines: Vec<(u64, String)>,
}

impl Observer for Log {
    fn observe(&mut self, observation: &Observation<'_>) {
        let words = match observation.event {
            Event::Emit => "emit".to_owned(),
            Event::Pass { station, .. } => crate::station::name(station).to_owned(),
            Event::Deliver => "deliver".to_owned(),
            Event::Drop { reason, .. } => {
                format!(
                    "drop {}",
                    crate::drop_reason::info(reason).map_or("?", |info| info.name)
                )
            }
            Event::Rewrite { .. } => "rewrite".to_owned(),
            Event::Capture { .. } => return,
        };
        self.lines.push((observation.packet.id().0, words));
    }
}

/// A compiled topology with stub hosts.
pub(crate) struct Lab {
    pub(crate) compiled: Compiled,
    pub(crate) network: Network,
}

impl Lab {
    pub(crate) fn new(mut topology: Topology) -> Self {
        topology.complete();
        let compiled = compile(Arc::new(topology));
        let mut network = compiled.network(1, |_| Box::new(StubHost::default()));
        network.observe_with(Some(Box::new(Log::default())));
        Self { compiled, network }
    }

    pub(crate) fn topology(&self) -> &Topology {
        &self.compiled.topology
    }

    pub(crate) fn mac(&self, interface: Id<NetworkInterface>) -> Mac {
        self.topology().network_interfaces[interface]
            .mac
            .unwrap_or_else(|| interface_mac(interface.index()))
    }

    /// Sends a packet from the host behind `interface` to its router, and runs; gives the packet's way in words.
    pub(crate) fn send(&mut self, interface: Id<NetworkInterface>, bytes: &[u8]) -> String {
        let router = router_mac(self.topology().network_interfaces[interface].subnet);
        self.send_frame(interface, FrameHeader::ipv4(self.mac(interface), router), bytes)
    }

    /// Sends a packet straight to a neighbour.
    pub(crate) fn send_to(
        &mut self,
        interface: Id<NetworkInterface>,
        neighbour: Id<NetworkInterface>,
        bytes: &[u8],
    ) -> String {
        let frame = FrameHeader::ipv4(self.mac(interface), self.mac(neighbour));
        self.send_frame(interface, frame, bytes)
    }

    pub(crate) fn send_frame(
        &mut self,
        interface: Id<NetworkInterface>,
        frame: FrameHeader,
        bytes: &[u8],
    ) -> String {
        let host = self.host_of(interface);
        let eni = self.compiled.node_of(interface).expect("interfaces have nodes");
        let id = self.network.act(host, |_: &mut StubHost, context| {
            let packet = context.emit(frame, bytes);
            let id = context.packet(packet).id().0;
            context.forward(packet, eni, FROM_HOST);
            id
        });
        self.settle();
        self.way(id.expect("slots hold stub hosts"))
    }

    /// Sends a packet from a stub host's node to a port of another node; gives the packet's way in words.
    pub(crate) fn send_between(&mut self, from: NodeId, (to, port): (NodeId, Port), bytes: &[u8]) -> String {
        let id = self.network.act(from, |_: &mut StubHost, context| {
            let packet = context.emit(FrameHeader::ipv4(Mac([0; 6]), Mac([0; 6])), bytes);
            let id = context.packet(packet).id().0;
            context.forward(packet, to, port);
            id
        });
        self.settle();
        self.way(id.expect("slots hold stub hosts"))
    }

    /// Sends so many copies of a packet at once; how many are dropped.
    pub(crate) fn send_many(&mut self, interface: Id<NetworkInterface>, bytes: &[u8], count: usize) -> u64 {
        let router = router_mac(self.topology().network_interfaces[interface].subnet);
        let frame = FrameHeader::ipv4(self.mac(interface), router);
        let (host, eni) = (
            self.host_of(interface),
            self.compiled.node_of(interface).expect("interfaces have nodes"),
        );
        let before = self.network.counters().dropped;
        self.network.act(host, |_: &mut StubHost, context| {
            for _ in 0..count {
                let packet = context.emit(frame, bytes);
                context.forward(packet, eni, FROM_HOST);
            }
        });
        self.settle();
        self.network.counters().dropped - before
    }

    /// What the stub host in a node has got so far.
    pub(crate) fn received_at(&self, node: NodeId) -> Vec<Vec<u8>> {
        let host: &StubHost = self.network.node(node).expect("slots hold stub hosts");
        host.received.clone()
    }

    /// The names of the reasons of all drops so far.
    pub(crate) fn drops(&mut self) -> Vec<String> {
        let log: &mut Log = self.network.observer_mut().expect("the lab observes");
        log.lines
            .iter()
            .filter_map(|(_, words)| words.strip_prefix("drop ").map(str::to_owned))
            .collect()
    }

    /// Lets time pass.
    pub(crate) fn wait(&mut self, span: Span) {
        let until = self.network.now() + span;
        self.network.run_until(until);
    }

    fn settle(&mut self) {
        self.wait(Span::from_ms(100));
        assert!(self.network.counters().balance(), "no packet is lost");
    }

    /// The way of one packet in words.
    pub(crate) fn way(&mut self, packet: u64) -> String {
        let log: &mut Log = self.network.observer_mut().expect("the lab observes");
        let words: Vec<&str> = log
            .lines
            .iter()
            .filter(|(id, _)| *id == packet)
            .map(|(_, words)| words.as_str())
            .collect();
        words.join(" ")
    }

    fn host_of(&self, interface: Id<NetworkInterface>) -> NodeId {
        match self.topology().network_interfaces[interface].attachment {
            Attachment::Instance { instance, .. } => {
                self.compiled.node_of(instance).expect("instances have nodes")
            }
            _ => panic!("the test's interface has a host"),
        }
    }

    /// What the host behind `interface` has got so far.
    pub(crate) fn received(&self, interface: Id<NetworkInterface>) -> Vec<Vec<u8>> {
        let host: &StubHost = self
            .network
            .node(self.host_of(interface))
            .expect("slots hold stub hosts");
        host.received.clone()
    }
}

/// A security group with these rules.
pub(crate) fn group(
    vpc: Id<Vpc>,
    name: &str,
    ingress: Vec<SecurityGroupRule>,
    egress: Vec<SecurityGroupRule>,
) -> SecurityGroup {
    SecurityGroup {
        label: Label::named(name),
        vpc,
        default: false,
        ingress,
        egress,
    }
}

/// A rule that allows `traffic` from or to a range.
pub(crate) fn allow(traffic: Traffic, cidr: &str) -> SecurityGroupRule {
    SecurityGroupRule {
        id: None,
        traffic,
        peer: Peer::Cidr(net(cidr)),
        origin: Origin::NOWHERE,
    }
}
