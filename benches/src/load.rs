//! A network under load: a scripted sender, a counting receiver, and a chain between them.

use std::net::Ipv4Addr;

use vpcsim_analysis::Simulation;
use vpcsim_aws::compile::place::router_mac;
use vpcsim_aws::compile::{HostPlan, Slot};
use vpcsim_aws::{Compiled, Protocol, Topology};
use vpcsim_engine::{Counters, FrameHeader, Network, Node, NodeId, Observer, Span};
use vpcsim_hosts::{Sink, TrafficConfig, TrafficSource};
use vpcsim_wire::FlowKey;

use crate::chain::{CLIENT, Chain, SERVER};

/// What is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Load {
    /// Flows that take turns.
    pub flow_count: u32,
    /// Bytes of data in each datagram.
    pub payload_len: u16,
}

/// Between two packets of the sender: a million a second, below every limit of AWS.
const INTERVAL: Span = Span::from_us(1);
/// A flow's ports: this many for one destination port.
const PORTS: u32 = 60_000;

/// A network with a sender, ready for any number of packets.
pub struct LoadedNetwork {
    /// The network.
    pub network: Network,
    /// The compiled design.
    pub simulation: Simulation,
    sender: NodeId,
    receiver: NodeId,
}

impl LoadedNetwork {
    /// A chain with this load at its beginning.
    ///
    /// # Panics
    /// If the chain has no such hosts.
    pub fn through(chain: Chain, load: Load) -> Self {
        let mut topology = chain.topology();
        // AWS's default holds the 100,000 flows, both directions in one entry or not.
        topology.settings.tracked_connections_max = 4 * load.flow_count.max(1_000);
        Self::between(
            topology,
            flows(chain.client(), chain.server(), load.flow_count),
            load.payload_len,
        )
    }

    /// A design with a [`CLIENT`] that sends these flows to its [`SERVER`], or out to the internet if it has none.
    ///
    /// # Panics
    /// If the design has no client.
    pub fn between(topology: Topology, flows: Vec<FlowKey>, payload_len: u16) -> Self {
        let simulation = Simulation::new(topology.into());
        let compiled = std::sync::Arc::clone(simulation.compiled());
        let host = |name: &str| {
            let mut hosts = compiled.hosts.iter();
            hosts.position(|plan| compiled.topology.name_of(plan.owner) == name)
        };
        let client = host(CLIENT).expect("the design has a client");
        let server = host(SERVER);
        let plan = &compiled.hosts[client];
        let mut source = Some(TrafficSource::new(traffic(&compiled, plan, flows, payload_len)));
        let network = simulation.network_with(1, None, |slot| match slot {
            Slot::Host(index) if index == client => {
                source.take().map(|source| Box::new(source) as Box<dyn Node>)
            }
            Slot::Host(index) if Some(index) == server => Some(Box::new(Sink::default())),
            Slot::InternetHosts => Some(Box::new(Sink::default())),
            _ => None,
        });
        let receiver = server.map_or(compiled.fixed.internet_hosts, |server| {
            compiled.hosts[server].node
        });
        Self {
            network,
            sender: plan.node,
            receiver,
            simulation,
        }
    }

    /// Lets somebody look on.
    pub fn observe_with(&mut self, observer: Box<dyn Observer>) {
        self.network.observe_with(Some(observer));
    }

    /// Sends so many packets more and waits for the last of them.
    ///
    /// # Panics
    /// If one was lost: a benchmark that drops measures nothing.
    pub fn send(&mut self, packet_count: u64) -> Counters {
        let before = self.received();
        self.network
            .act(self.sender, |source: &mut TrafficSource, context| {
                source.send_more(context, packet_count);
            });
        // A second more than the packets need: what is idle then stays tracked, and no host has a timer that matters.
        let sending = Span::from_ns(INTERVAL.as_ns() * packet_count);
        self.network
            .run_until(self.network.now() + sending + Span::from_secs(1));
        let counters = self.network.counters();
        assert!(counters.balance() && counters.dropped == 0, "{counters:?}");
        assert_eq!(self.received() - before, packet_count, "{counters:?}");
        counters
    }

    /// How many packets the receiver has.
    ///
    /// # Panics
    /// Never: the receiver is a sink.
    pub fn received(&self) -> u64 {
        let sink = self.network.node::<Sink>(self.receiver);
        sink.expect("the receiver is a sink").packet_count()
    }
}

/// So many flows between two addresses, by their ports.
pub fn flows(from: Ipv4Addr, to: Ipv4Addr, count: u32) -> Vec<FlowKey> {
    let flow = |number: u32| {
        let source_port = 1_024 + (number % PORTS) as u16;
        let destination_port = 1_024 + (number / PORTS) as u16;
        FlowKey::new(from, to, Protocol::UDP, source_port, destination_port)
    };
    (0..count).map(flow).collect()
}

fn traffic(compiled: &Compiled, plan: &HostPlan, flows: Vec<FlowKey>, payload_len: u16) -> TrafficConfig {
    let interface = &plan.interfaces[0];
    let subnet = compiled.topology.network_interfaces[interface.interface].subnet;
    TrafficConfig {
        flows,
        payload_len,
        ttl: 64,
        interval: INTERVAL,
        burst_count: 1,
        packet_count: 0,
        frame: FrameHeader::ipv4(interface.mac, router_mac(subnet)),
        to: (interface.node, interface.port),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chain::Form;

    #[test]
    fn every_packet_passes_every_chain() {
        for form in [Form::Gateways, Form::Inspected] {
            for hops in [2, 6] {
                let load = Load {
                    flow_count: 10,
                    payload_len: 64,
                };
                let mut loaded = LoadedNetwork::through(Chain::new(form, hops), load);
                loaded.send(25);
                loaded.send(10);
                assert_eq!(loaded.received(), 35);
            }
        }
    }
}
