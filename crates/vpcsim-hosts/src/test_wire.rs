//! A network for tests: one node between all hosts that resolves, loses, and limits.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;

use vpcsim_engine::{
    Context, Decision, DropReason, FrameHeader, Handle, Network, Node, NodeId, Port, Span, Step, Time,
};
use vpcsim_wire::{Arp, EtherType, Mac, Protocol, Summary, arp, icmp_error};

use crate::config::{Framing, HostConfig, InterfaceConfig, Listener};
use crate::host::HostNode;
use crate::probe::{Outcome, Probe, ProbeId};

pub(crate) const ROUTER_MAC: Mac = Mac([2, 0, 0, 0, 0, 0xfe]);
pub(crate) const ROUTER: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 1);
const LOST: DropReason = DropReason(900);

/// The node between the hosts; forwards after a millisecond.
pub(crate) struct Wire {
    pub(crate) ends: BTreeMap<Ipv4Addr, (NodeId, Port)>,
    pub(crate) mtu: u16,
    pub(crate) answers_arp: bool,
    /// Whether to lose the packet, given what it is and how many came before.
    pub(crate) loses: fn(&Summary, usize) -> bool,
    pub(crate) seen: Vec<(Mac, Summary, Vec<u8>)>,
    pub(crate) arp_request_count: usize,
}

impl Node for Wire {
    fn process(&mut self, context: &mut Context<'_>, _: Port, handle: Handle) -> Step {
        let packet = context.packet(handle);
        if packet.frame().ethertype == EtherType::ARP {
            let request = Arp::parse(packet.bytes()).unwrap();
            return self.answer(context, &request);
        }
        let Some(&summary) = packet.summary() else {
            return Step::drop(LOST, Decision::NONE);
        };
        let bytes = packet.bytes().to_vec();
        let source_mac = packet.frame().source;
        self.seen.push((source_mac, summary, bytes.clone()));
        if (self.loses)(&summary, self.seen.len() - 1) {
            return Step::drop(LOST, Decision::NONE);
        }
        if summary.total_len > self.mtu {
            // What may be cut is lost just so: this wire cuts nothing.
            if summary.dont_fragment
                && let Some(&(to, port)) = self.ends.get(&summary.source())
                && let Some(error) = icmp_error::fragmentation_needed(ROUTER, &bytes, self.mtu)
            {
                let error = context.emit(FrameHeader::ipv4(ROUTER_MAC, source_mac), &error);
                context.forward_after(error, to, port, Span::from_ms(1));
            }
            return Step::drop(LOST, Decision::NONE);
        }
        match self.ends.get(&summary.destination()) {
            Some(&(to, port)) => Step::ForwardAfter {
                to,
                port,
                delay: Span::from_ms(1),
            },
            None => Step::drop(LOST, Decision::NONE),
        }
    }
}

impl Wire {
    fn answer(&mut self, context: &mut Context<'_>, request: &Arp) -> Step {
        self.arp_request_count += 1;
        if self.answers_arp {
            let reply = Arp {
                operation: arp::Operation::Reply,
                sender_mac: ROUTER_MAC,
                sender_ip: request.target_ip,
                target_mac: request.sender_mac,
                target_ip: request.sender_ip,
            };
            let frame = FrameHeader {
                destination: request.sender_mac,
                source: ROUTER_MAC,
                ethertype: EtherType::ARP,
            };
            let reply = context.emit(frame, &reply.emit());
            let (to, port) = self.ends[&request.sender_ip];
            context.forward(reply, to, port);
        }
        Step::Deliver
    }
}

/// An interface with one address in `10.0.0.0/24` and an MTU of 9001.
pub(crate) fn interface(last_octet: u8) -> InterfaceConfig {
    InterfaceConfig {
        mac: Mac([2, 0, 0, 0, 0, last_octet]),
        addresses: vec![Ipv4Addr::new(10, 0, 0, last_octet)],
        prefix_len: 24,
        gateway: ROUTER,
        mtu: 9_001,
        node: NodeId(0),
        port: Port(0),
        framing: Framing::Ethernet,
    }
}

/// A host with one interface that listens for TCP and UDP on ports 1 to 100.
pub(crate) fn listening_host(last_octet: u8) -> HostConfig {
    let listener = |protocol| Listener {
        protocol,
        first_port: 1,
        last_port: 100,
    };
    let listeners = vec![listener(Protocol::TCP), listener(Protocol::UDP)];
    HostConfig {
        listeners,
        ..HostConfig::new(vec![interface(last_octet)])
    }
}

/// Hosts on a wire: the wire is node 0, the hosts follow.
pub(crate) struct Hosts {
    pub(crate) network: Network,
}

impl Hosts {
    pub(crate) fn new(hosts: Vec<HostConfig>) -> Self {
        let mut wire = Wire {
            ends: BTreeMap::new(),
            mtu: 9_001,
            answers_arp: true,
            loses: |_, _| false,
            seen: Vec::new(),
            arp_request_count: 0,
        };
        for (host, config) in hosts.iter().enumerate() {
            for (port, interface) in config.interfaces.iter().enumerate() {
                let end = (NodeId(host as u32 + 1), Port(port as u32));
                wire.ends
                    .extend(interface.addresses.iter().map(|&address| (address, end)));
            }
        }
        let mut nodes: Vec<Box<dyn Node>> = vec![Box::new(wire)];
        nodes.extend(
            hosts
                .into_iter()
                .map(|config| Box::new(HostNode::new(config)) as Box<dyn Node>),
        );
        Self {
            network: Network::new(nodes, Vec::new(), 1),
        }
    }

    /// Two hosts, 10.0.0.5 as node 1 and 10.0.0.6 as node 2.
    pub(crate) fn pair() -> Self {
        Self::new(vec![listening_host(5), listening_host(6)])
    }

    pub(crate) fn with_wire(mut self, change: impl FnOnce(&mut Wire)) -> Self {
        self.network
            .act(NodeId(0), |wire: &mut Wire, _| change(wire))
            .unwrap();
        self
    }

    pub(crate) fn wire(&self) -> &Wire {
        self.network.node(NodeId(0)).unwrap()
    }

    pub(crate) fn host(&self, node: u32) -> &HostNode {
        self.network.node(NodeId(node)).unwrap()
    }

    pub(crate) fn start(&mut self, node: u32, probe: &Probe) -> ProbeId {
        let start = |host: &mut HostNode, context: &mut Context<'_>| host.start_probe(context, probe);
        self.network.act(NodeId(node), start).unwrap()
    }

    pub(crate) fn run_for(&mut self, span: Span) {
        self.network.run_until(self.network.now() + span);
    }

    /// Starts a probe, runs until its outcome is final, and checks that no packet was lost count of.
    pub(crate) fn probe(&mut self, node: u32, probe: &Probe) -> Outcome {
        let id = self.start(node, probe);
        let end = self.network.now() + probe.timeout + Span::from_secs(1);
        while !self.host(node).outcome(id).unwrap().is_done() && self.network.now() < end {
            let next = self.network.now() + Span::from_ms(1);
            self.network.run_until(next.min(Time::MAX));
        }
        assert!(self.network.counters().balance());
        self.host(node).outcome(id).unwrap().clone()
    }
}
