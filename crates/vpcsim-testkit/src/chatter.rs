//! Hosts that talk a lot: many packets of few flows, in bursts and after pauses, whole and odd, for designs of any kind.
//!
//! What matters is that nodes see the same flows again and again, with everything between the packets that could make them
//! fare differently: timers that run out, times to live that end, sizes that no way carries, openings and closings, fragments.
//!
//! Hosts that forward are real ones, with their tables of neighbours and connections. The others only answer when they are asked to.

use std::net::Ipv4Addr;
use std::sync::Arc;

use vpcsim_aws::Compiled;
use vpcsim_aws::compile::place::router_mac;
use vpcsim_aws::compile::{HostInterfacePlan, HostPlan, Slot};
use vpcsim_aws::devices::internet_host::FROM_HOSTS;
use vpcsim_aws::devices::load_balancer::LoadBalancerDevice;
use vpcsim_engine::{
    Context, FrameHeader, Handle, Network, Node, NodeId, Observer, Port, Random, Span, Step, Time,
};
use vpcsim_hosts::{HostConfig, HostNode};
use vpcsim_wire::{Mac, PacketBuilder, Protocol, fragment, rewrite, summarize, tcp};

/// The byte at the start of a payload that asks for an answer.
const PLEASE_ANSWER: u8 = 0x3f;
/// One of the streams of a seed's randomness.
const CHATTER_STREAM: u64 = 3;
/// Pauses between bursts: short of every timer, and beyond those of UDP, of UDP in a stream and of a NAT gateway.
const PAUSES_S: [u64; 4] = [0, 31, 181, 351];
/// Packets of a flow in a burst.
const BURST_COUNT: u64 = 6;
const CLIENT_PORT: u16 = 40_000;

/// A way by which a host sends: a frame, and who takes it.
#[derive(Clone, Debug)]
struct Line {
    addresses: Vec<Ipv4Addr>,
    frame: FrameHeader,
    to: (NodeId, Port),
}

impl Line {
    fn of(plan: &HostInterfacePlan, compiled: &Compiled) -> Self {
        let subnet = compiled.topology.network_interfaces[plan.interface].subnet;
        Self {
            addresses: plan.addresses.to_vec(),
            frame: FrameHeader::ipv4(plan.mac, router_mac(subnet)),
            to: (plan.node, plan.port),
        }
    }
}

/// A host, or all that stand in one slot.
struct Chatter {
    lines: Vec<Line>,
    /// Whether it has every address that is sent to it.
    is_everybody: bool,
}

impl Chatter {
    fn send(&self, context: &mut Context<'_>, line: usize, bytes: &[u8]) {
        let Some(line) = self.lines.get(line) else { return };
        let packet = context.emit(line.frame, bytes);
        context.forward(packet, line.to.0, line.to.1);
    }

    fn owns(&self, address: Ipv4Addr) -> bool {
        self.is_everybody || self.lines.iter().any(|line| line.addresses.contains(&address))
    }
}

impl Node for Chatter {
    fn process(&mut self, context: &mut Context<'_>, port: Port, packet: Handle) -> Step {
        let line = (port.0 as usize).min(self.lines.len().saturating_sub(1));
        let received = context.packet(packet).bytes().to_vec();
        let Ok(summary) = summarize(&received) else {
            return Step::Deliver;
        };
        if !self.owns(summary.destination()) {
            // What is for others is sent back to the router, as an instance that forwards does.
            let mut forwarded = received;
            if rewrite::decrement_ttl(&mut forwarded) > 0 {
                self.send(context, line, &forwarded);
            }
        } else if let Some(answer) = answer_to(&received) {
            self.send(context, line, &answer);
        }
        Step::Deliver
    }
}

/// The answer to a packet that asks for one.
fn answer_to(bytes: &[u8]) -> Option<Vec<u8>> {
    let summary = summarize(bytes).ok()?;
    let payload = bytes.get(usize::from(summary.header_len) + usize::from(summary.l4_header_len)..)?;
    if payload.first() != Some(&PLEASE_ANSWER) || summary.is_fragment() {
        return None;
    }
    let (from, to) = (
        (summary.destination(), summary.key.destination_port()),
        (summary.source(), summary.key.source_port()),
    );
    let builder = match summary.protocol() {
        Protocol::TCP => {
            let opens = summary.tcp_flags & tcp::SYN != 0;
            PacketBuilder::tcp(from.0, from.1, to.0, to.1)
                .flags(if opens { tcp::SYN | tcp::ACK } else { tcp::ACK })
                .mss(8961)
        }
        Protocol::UDP => PacketBuilder::udp(from.0, from.1, to.0, to.1),
        _ => return None,
    };
    Some(builder.payload(&payload[1..]).build())
}

/// A packet that a host sends at a time.
struct Said {
    at: Time,
    node: NodeId,
    line: usize,
    bytes: Vec<u8>,
}

/// A network of a design in which everybody talks.
pub struct Talk {
    network: Network,
    script: Vec<Said>,
}

impl Talk {
    /// A network of this design with these hosts, and what is said in it, for equal seeds the same.
    pub fn new(compiled: &Compiled, hosts: &[Arc<HostConfig>], seed: u64, flow_count: usize) -> Self {
        let mut network = compiled.network(seed, |slot| match slot {
            Slot::Host(index) if hosts[index].forwarding.is_some() => {
                Box::new(HostNode::seeded(Arc::clone(&hosts[index]), seed)) as Box<dyn Node>
            }
            _ => Box::new(chatter(slot, compiled)),
        });
        for balancer in compiled.topology.load_balancers.ids() {
            if let Some(node) = compiled.node_of(balancer) {
                network.act(node, LoadBalancerDevice::start_checks);
            }
        }
        Self {
            network,
            script: script(compiled, seed, flow_count),
        }
    }

    /// Lets every packet walk, whatever others of its flow did.
    #[must_use]
    pub fn without_flow_cache(self) -> Self {
        let network = self.network.without_flow_cache();
        Self { network, ..self }
    }

    /// Says everything, with somebody who looks on, and gives back the network.
    pub fn hold(mut self, observer: Box<dyn Observer>) -> Network {
        self.network.observe_with(Some(observer));
        for said in &self.script {
            self.network.run_until(said.at);
            self.network.act(said.node, |chatter: &mut Chatter, context| {
                chatter.send(context, said.line, &said.bytes);
            });
            self.network.act(said.node, |host: &mut HostNode, context| {
                host.send_raw(context, said.line, &said.bytes);
            });
        }
        let end = self.network.now() + Span::from_secs(60);
        self.network.run_until(end);
        self.network
    }
}

fn chatter(slot: Slot, compiled: &Compiled) -> Chatter {
    let everybody = |to| Chatter {
        lines: vec![Line {
            addresses: Vec::new(),
            frame: FrameHeader::ipv4(Mac::default(), Mac::default()),
            to,
        }],
        is_everybody: true,
    };
    match slot {
        Slot::Host(index) => Chatter {
            lines: compiled.hosts[index]
                .interfaces
                .iter()
                .map(|plan| Line::of(plan, compiled))
                .collect(),
            is_everybody: false,
        },
        Slot::ServiceHosts(index) => everybody(compiled.services[index].uplink),
        Slot::InternetHosts => everybody((compiled.fixed.internet, FROM_HOSTS)),
        Slot::Metadata => Chatter {
            lines: Vec::new(),
            is_everybody: true,
        },
    }
}

/// A flow that is talked in.
#[derive(Clone, Copy)]
struct Flow {
    node: NodeId,
    line: usize,
    from: Ipv4Addr,
    to: Ipv4Addr,
    protocol: Protocol,
    ports: (u16, u16),
}

fn script(compiled: &Compiled, seed: u64, flow_count: usize) -> Vec<Said> {
    let mut random = Random::new(seed, CHATTER_STREAM);
    let (speakers, addresses) = (speakers(compiled), addresses(compiled));
    if speakers.is_empty() {
        return Vec::new();
    }
    let flows: Vec<Flow> = (0..flow_count)
        .map(|index| {
            // Everybody speaks to everybody in turn, and further seeds go on where this one stops.
            let turn = seed as usize * flow_count + index;
            let (node, line, from) = speakers[turn % speakers.len()];
            let (to, open) = addresses[turn / speakers.len() % addresses.len()];
            let protocol = if random.chance_ppm(700_000) {
                Protocol::TCP
            } else {
                Protocol::UDP
            };
            let any = [80, 443, 53, 5432, 22][random.below(5) as usize];
            let service = open.filter(|_| random.chance_ppm(700_000)).unwrap_or(any);
            let ports = (CLIENT_PORT + (index % 7) as u16, service);
            Flow {
                node,
                line,
                from,
                to,
                protocol,
                ports,
            }
        })
        .collect();
    let mut said = Vec::new();
    let mut start = Time::ZERO + Span::from_secs(1);
    for pause in PAUSES_S {
        start += Span::from_secs(pause);
        for number in 0..BURST_COUNT {
            for flow in &flows {
                // Some at the same moment, and some in between.
                let at = start + Span::from_us(number * 700 + random.below(3) * 50);
                for bytes in packets(flow, number, &mut random) {
                    said.push(Said {
                        at,
                        node: flow.node,
                        line: flow.line,
                        bytes,
                    });
                }
            }
        }
    }
    said.sort_by_key(|said| said.at);
    said
}

/// The hosts, lines and addresses that speak.
fn speakers(compiled: &Compiled) -> Vec<(NodeId, usize, Ipv4Addr)> {
    let mut speakers = Vec::new();
    for host in &compiled.hosts {
        for (line, interface) in host.interfaces.iter().enumerate() {
            speakers.extend(
                interface
                    .addresses
                    .iter()
                    .map(|address| (host.node, line, *address)),
            );
        }
    }
    let outside = compiled
        .topology
        .internet_hosts
        .iter()
        .map(|(_, host)| host.address);
    let node = compiled.fixed.internet_hosts;
    speakers.extend(outside.map(|address| (node, 0, address)));
    speakers
}

/// Everything that can be spoken to, private and public, with a port that is open there, and one address that nobody has.
fn addresses(compiled: &Compiled) -> Vec<(Ipv4Addr, Option<u16>)> {
    let topology = &compiled.topology;
    let listening = |interface| {
        let mut hosts = compiled.hosts.iter();
        let is_here = |host: &&HostPlan| host.interfaces.iter().any(|plan| plan.interface == interface);
        hosts
            .find(is_here)?
            .listen
            .first()
            .map(|listener| listener.ports.first)
    };
    let mut addresses = Vec::new();
    for (id, interface) in topology.network_interfaces.iter() {
        let open = listening(id);
        for address in &interface.addresses {
            addresses.push((address.private, open));
            addresses.extend(address.public.map(|public| (public, open)));
        }
    }
    addresses.extend(
        topology
            .internet_hosts
            .iter()
            .map(|(_, host)| (host.address, None)),
    );
    for plan in &compiled.services {
        let inside = plan.ranges.first().and_then(|range| range.hosts().nth(5));
        addresses.extend(inside.map(|address| (address, plan.ports.last().copied())));
    }
    addresses.push((Ipv4Addr::new(10, 255, 255, 254), None));
    addresses
}

/// Packet number `number` of a burst: mostly one like the others, sometimes an odd one.
fn packets(flow: &Flow, number: u64, random: &mut Random) -> Vec<Vec<u8>> {
    let Flow {
        from,
        to,
        protocol,
        ports,
        ..
    } = *flow;
    let odd = if number < 3 { 0 } else { random.below(10) };
    let asks = random.chance_ppm(400_000);
    let len = match odd {
        1 => 1_600,
        2 => 8_700,
        _ => 40 + random.below(60) as usize,
    };
    let mut payload = vec![number as u8; len];
    payload[0] = if asks { PLEASE_ANSWER } else { 0 };
    let builder = match protocol {
        Protocol::TCP => {
            let flags = match (number, odd) {
                (0, _) | (_, 5) => tcp::SYN,
                (_, 3) => tcp::FIN | tcp::ACK,
                (_, 4) => tcp::RST,
                _ => tcp::ACK,
            };
            let builder = PacketBuilder::tcp(from, ports.0, to, ports.1)
                .flags(flags)
                .seq(number as u32 * 100);
            if flags == tcp::SYN {
                builder.mss(8961)
            } else {
                builder
            }
        }
        _ if odd == 5 => PacketBuilder::udp(from, ports.0, to, ports.1).without_udp_checksum(),
        _ => PacketBuilder::udp(from, ports.0, to, ports.1),
    };
    let ttl = match odd {
        6 => 1,
        7 => 2,
        8 => 3,
        _ => 64,
    };
    let packet = builder
        .payload(&payload)
        .ttl(ttl)
        .identification(number as u16 + 1)
        .dont_fragment(odd == 2)
        .build();
    if odd == 9 && protocol == Protocol::UDP {
        return fragment(&packet, 68).unwrap_or_else(|_| vec![packet]);
    }
    vec![packet]
}
