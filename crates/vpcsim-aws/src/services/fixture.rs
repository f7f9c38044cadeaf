//! For the services' tests: a small VPC, and a desk where one client asks one service.

use std::net::Ipv4Addr;
use std::sync::Arc;

use ipnet::Ipv4Net;
use vpcsim_engine::{Context, FrameHeader, Handle, Network, Node, NodeId, Port, Span, Step, Time};
use vpcsim_wire::udp::Datagram;
use vpcsim_wire::{Mac, ipv4};

use super::client::{ANSWER_DELAY, Client, Clients};
use crate::devices::instance::JUMBO_MTU;
use crate::devices::network_interface::FROM_SERVICE;
use crate::devices::{Instance, NetworkInterface, Subnet, Vpc};
use crate::mark;
use crate::model::{Id, Label};
use crate::topology::Topology;

pub(crate) const CLIENT: Ipv4Addr = Ipv4Addr::new(10, 0, 1, 5);
pub(crate) const CLIENT_MAC: Mac = Mac([2, 0, 0, 0, 0, 5]);
const ROUTER_MAC: Mac = Mac([2, 1, 0, 0, 0, 0]);
const INTERFACE_NODE: NodeId = NodeId(0);
const SERVICE_NODE: NodeId = NodeId(1);

/// One VPC with one instance: 10.0.1.5 in 10.0.1.0/24, public 203.0.113.5.
pub(crate) fn shop() -> Topology {
    let mut topology = Topology::named("shop", "eu-west-1");
    add_vpc_with_instance(
        &mut topology,
        "shop",
        "10.0.0.0/16",
        "10.0.1.5",
        Some("203.0.113.5"),
    );
    topology
}

/// Adds a VPC with both DNS attributes, one subnet of 24 bits around `address`, and an instance that has it.
pub(crate) fn add_vpc_with_instance(
    topology: &mut Topology,
    name: &str,
    cidr: &str,
    address: &str,
    public: Option<&str>,
) -> Id<Vpc> {
    let address: Ipv4Addr = address.parse().unwrap();
    let vpc = topology.vpcs.push(Vpc {
        account: "123456789012".to_owned(),
        dns_hostnames: true,
        ..Vpc::new(
            Label::named(name),
            topology.region.clone(),
            &[cidr.parse().unwrap()],
        )
    });
    let subnet = topology.subnets.push(Subnet::new(
        Label::named(format!("{name}-a")),
        vpc,
        format!("{}a", topology.region),
        Ipv4Net::new(address, 24).unwrap().trunc(),
    ));
    let instance = topology.instances.push(Instance {
        instance_type: Some("m7i.large".to_owned()),
        ..Instance::new(Label::named(format!("{name}-1")))
    });
    topology
        .network_interfaces
        .push(interface(subnet, instance, address, public));
    vpc
}

/// An interface with device index 0 and one address.
pub(crate) fn interface(
    subnet: Id<Subnet>,
    instance: Id<Instance>,
    address: Ipv4Addr,
    public: Option<&str>,
) -> NetworkInterface {
    let label = Label::named(format!("eni-{address}"));
    let mut interface = NetworkInterface::new(label, subnet, address).of(instance);
    interface.addresses[0].public = public.map(|public| public.parse().unwrap());
    interface
}

/// A datagram that came back.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) frame: FrameHeader,
    pub(crate) source: Ipv4Addr,
    pub(crate) source_port: u16,
    pub(crate) destination: Ipv4Addr,
    pub(crate) destination_port: u16,
    pub(crate) payload: Vec<u8>,
}

#[derive(Default)]
struct Inbox {
    received: Vec<(FrameHeader, Vec<u8>)>,
}

impl Node for Inbox {
    fn process(&mut self, context: &mut Context<'_>, port: Port, packet: Handle) -> Step {
        assert_eq!(port, FROM_SERVICE);
        let packet = context.packet(packet);
        self.received.push((packet.frame(), packet.bytes().to_vec()));
        Step::Deliver
    }
}

/// A service, and in front of it the interface with number 0.
pub(crate) struct Desk {
    network: Network,
}

impl Desk {
    pub(crate) fn new(service: impl FnOnce(Arc<Clients>) -> Box<dyn Node>) -> Self {
        let client = Client {
            node: INTERFACE_NODE,
            mac: CLIENT_MAC,
            primary: CLIENT,
            subnet: "10.0.1.0/24".parse().unwrap(),
            router: Ipv4Addr::new(10, 0, 1, 1),
            router_mac: ROUTER_MAC,
            vpc: Id::from_index(0),
            mtu: JUMBO_MTU,
        };
        let service = service(Arc::new(Clients::of(vec![client])));
        let network = Network::new(vec![Box::new(Inbox::default()), service], Vec::new(), 0);
        Self { network }
    }

    pub(crate) fn wait_until(&mut self, time: Time) {
        self.network.run_until(time);
    }

    /// Asks with this packet, and gives back the datagram that answers, if one does.
    pub(crate) fn ask_udp(&mut self, question: &[u8]) -> Option<Reply> {
        self.network.act(INTERFACE_NODE, |_: &mut Inbox, context| {
            let packet = context.emit(FrameHeader::ipv4(CLIENT_MAC, ROUTER_MAC), question);
            mark::set_client(context.packet_mut(packet), 0);
            context.forward(packet, SERVICE_NODE, Port(0));
        });
        let until = self.network.now() + ANSWER_DELAY + Span::from_ms(1);
        self.network.run_until(until);
        assert!(self.network.counters().balance() && self.network.counters().in_flight == 0);
        let received = self
            .network
            .act(INTERFACE_NODE, |inbox: &mut Inbox, _| inbox.received.pop());
        let (frame, bytes) = received.flatten()?;
        let packet = ipv4::Packet::parse(&bytes).unwrap();
        let datagram = Datagram::parse(packet.payload()).unwrap();
        assert!(packet.verify_checksum());
        assert!(datagram.verify_checksum(packet.source(), packet.destination()));
        Some(Reply {
            frame,
            source: packet.source(),
            source_port: datagram.source_port(),
            destination: packet.destination(),
            destination_port: datagram.destination_port(),
            payload: datagram.payload().to_vec(),
        })
    }
}
