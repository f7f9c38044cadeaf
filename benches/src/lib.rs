//! Shared set-up of the benchmarks: one VPC with two subnets, everything on.

use std::net::Ipv4Addr;
use std::sync::Arc;

use vpcsim_aws::compile::place::{interface_mac, router_mac};
use vpcsim_aws::compile::{Compiled, Slot, compile};
use vpcsim_aws::devices::network_acl::NetworkAclEntry;
use vpcsim_aws::devices::route_table::{Route, RouteDestination, RouteSource, RouteTarget};
use vpcsim_aws::devices::security_group::{Peer, SecurityGroupRule};
use vpcsim_aws::devices::{
    Instance, NetworkAcl, NetworkInterface, RouteTable, SecurityGroup, Subnet, Topology, Vpc,
};
use vpcsim_aws::model::{Id, Label, Origin};
use vpcsim_aws::traffic::{PortRange, Traffic};
use vpcsim_engine::{Context, FrameHeader, Handle, Network, Node, NodeId, Port, Span, Step, Time};
use vpcsim_hosts::{Sink, TrafficConfig, TrafficSource};
use vpcsim_wire::{FlowKey, Protocol};

/// The address of the sender.
pub const SENDER: Ipv4Addr = Ipv4Addr::new(10, 0, 1, 10);
/// The address of the receiver, in another subnet.
pub const RECEIVER: Ipv4Addr = Ipv4Addr::new(10, 0, 2, 10);
const PACKETS_IN_FLIGHT: u32 = 256;

/// A VPC whose every packet passes tracked groups, two network ACLs of ten entries and a table of sixteen routes.
pub fn topology() -> Topology {
    let mut topology = Topology::named("bench", "eu-west-1");
    let vpc = topology.vpcs.push(vpc());
    topology.route_tables.push(routes(vpc));
    let acl = topology.network_acls.push(ten_entries(vpc));
    let group = topology.security_groups.push(tracked_group(vpc));
    for (number, address) in [(1, SENDER), (2, RECEIVER)] {
        let subnet = topology.subnets.push(subnet(vpc, acl, number));
        let instance = topology.instances.push(instance(number));
        topology
            .network_interfaces
            .push(interface(subnet, instance, group, address));
    }
    topology
}

fn net(text: &str) -> ipnet::Ipv4Net {
    text.parse().expect("the benchmark writes valid ranges")
}

fn vpc() -> Vpc {
    Vpc::new(Label::named("vpc"), "eu-west-1", &[net("10.0.0.0/16")])
}

fn routes(vpc: Id<Vpc>) -> RouteTable {
    let route = |number: u8| Route {
        destination: RouteDestination::Cidr(net(&format!("10.{}.0.0/16", 100 + number))),
        target: RouteTarget::Missing("pcx-elsewhere".to_owned()),
        source: RouteSource::Static,
        blackhole: false,
        origin: Origin::NOWHERE,
    };
    RouteTable {
        label: Label::named("main"),
        vpc,
        main: true,
        routes: (0..15).map(route).collect(),
    }
}

/// The last entry is the one that matches.
fn ten_entries(vpc: Id<Vpc>) -> NetworkAcl {
    let entry = |number: u16| NetworkAclEntry {
        number: number * 10,
        allow: true,
        traffic: if number == 10 {
            Traffic::All
        } else {
            Traffic::Tcp(PortRange::single(number))
        },
        cidr: net("10.0.0.0/8"),
        origin: Origin::NOWHERE,
    };
    let entries: Vec<NetworkAclEntry> = (1..=10).map(entry).collect();
    NetworkAcl {
        label: Label::named("acl"),
        vpc,
        default: true,
        ingress: entries.clone(),
        egress: entries,
    }
}

fn tracked_group(vpc: Id<Vpc>) -> SecurityGroup {
    let rule = |cidr: &str| SecurityGroupRule {
        id: None,
        traffic: Traffic::Udp(PortRange::ALL),
        peer: Peer::Cidr(net(cidr)),
        origin: Origin::NOWHERE,
    };
    let rules = || vec![rule("10.0.0.0/16")];
    SecurityGroup {
        label: Label::named("group"),
        vpc,
        default: false,
        ingress: rules(),
        egress: rules(),
    }
}

fn subnet(vpc: Id<Vpc>, acl: Id<NetworkAcl>, number: u8) -> Subnet {
    let label = Label::named(format!("subnet-{number}"));
    Subnet {
        network_acl: Some(acl),
        ..Subnet::new(label, vpc, "eu-west-1a", net(&format!("10.0.{number}.0/24")))
    }
}

fn instance(number: u8) -> Instance {
    Instance::new(Label::named(format!("host-{number}")))
}

fn interface(
    subnet: Id<Subnet>,
    instance: Id<Instance>,
    group: Id<SecurityGroup>,
    address: Ipv4Addr,
) -> NetworkInterface {
    NetworkInterface {
        security_groups: vec![group],
        ..NetworkInterface::new(Label::named(format!("eni-{address}")), subnet, address).of(instance)
    }
}

/// A network in which one host sends `packet_count` datagrams of `flow_count` flows to another.
pub struct Chain {
    network: Network,
    sender: NodeId,
    receiver: NodeId,
}

impl Chain {
    /// Compiles [`topology`] and fills it with a sender and a receiver.
    ///
    /// # Panics
    /// Never: the topology has one sender.
    pub fn new(flow_count: u32, payload_len: u16, packet_count: u64) -> Self {
        let mut topology = topology();
        topology.settings.tracked_connections_max = 2 * flow_count;
        let compiled = compile(Arc::new(topology));
        let sender = compiled.hosts[0].node;
        let receiver = compiled.hosts[1].node;
        let mut config = Some(traffic(&compiled, flow_count, payload_len, packet_count));
        let network = compiled.network(1, |slot| match slot {
            Slot::Host(0) => {
                Box::new(TrafficSource::new(config.take().expect("there is one sender"))) as Box<dyn Node>
            }
            Slot::Host(_) => Box::new(Sink::default()),
            _ => Box::new(Nobody),
        });
        Self {
            network,
            sender,
            receiver,
        }
    }

    /// Sends everything and says how many packets arrived.
    ///
    /// # Panics
    /// If a packet was lost: a benchmark that drops measures nothing.
    pub fn run(mut self) -> u64 {
        self.network
            .act(self.sender, |source: &mut TrafficSource, context| {
                source.start(context);
            });
        self.network.run_until(Time::MAX);
        let counters = self.network.counters();
        assert!(counters.balance() && counters.dropped == 0, "{counters:?}");
        let sink: &Sink = self.network.node(self.receiver).expect("the receiver is a sink");
        assert_eq!(sink.packet_count(), counters.delivered);
        counters.delivered
    }
}

fn traffic(compiled: &Compiled, flow_count: u32, payload_len: u16, packet_count: u64) -> TrafficConfig {
    let flow = |number: u32| {
        let source_port = 1_024 + (number % 60_000) as u16;
        let destination_port = 1_024 + (number / 60_000) as u16;
        FlowKey::new(SENDER, RECEIVER, Protocol::UDP, source_port, destination_port)
    };
    let plan = &compiled.hosts[0].interfaces[0];
    TrafficConfig {
        flows: (0..flow_count).map(flow).collect(),
        payload_len,
        ttl: 64,
        interval: Span::from_us(1),
        burst_count: PACKETS_IN_FLIGHT / 100,
        packet_count,
        frame: FrameHeader::ipv4(interface_mac(0), router_mac(Id::from_index(0))),
        to: (plan.node, plan.port),
    }
}

/// Stands in the slots that the benchmark does not use.
struct Nobody;

impl Node for Nobody {
    fn process(&mut self, _: &mut Context<'_>, _: Port, _: Handle) -> Step {
        Step::Deliver
    }
}
