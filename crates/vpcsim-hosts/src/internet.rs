//! The hosts of the internet: any number of single-address hosts behind one node and one line.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;

use vpcsim_engine::{Context, Decision, DropReason, FrameHeader, Handle, Node, NodeId, Port, Step};
use vpcsim_wire::{Mac, Protocol};

use crate::applications::Site;
use crate::config::Listener;
use crate::drops;
use crate::endpoint::Endpoint;
use crate::endpoint_set::EndpointSet;
use crate::forwarding::Prefix;
use crate::host::{LOOPBACK, addresses};
use crate::probe::{Outcome, Probe, ProbeId};

/// Time to live of what most hosts of the internet send.
pub const INTERNET_TTL: u8 = 64;
/// What the internet's links take, in bytes.
pub const INTERNET_MTU: u16 = 1_500;

/// How a host of the internet behaves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InternetProfile {
    /// Ports on which applications wait.
    pub listeners: Vec<Listener>,
    /// Largest packet that it sends, in bytes.
    pub mtu: u16,
    /// Time to live of what it sends.
    pub ttl: u8,
    /// Whether it refuses what it does not listen to; else its firewall drops that without a word.
    pub refuses: bool,
}

impl InternetProfile {
    /// Listens nowhere.
    pub const fn silent() -> Self {
        Self {
            listeners: Vec::new(),
            mtu: INTERNET_MTU,
            ttl: INTERNET_TTL,
            refuses: true,
        }
    }

    /// Listens for TCP and UDP on every port.
    pub fn open() -> Self {
        let listeners = vec![
            Listener::everywhere(Protocol::TCP),
            Listener::everywhere(Protocol::UDP),
        ];
        Self {
            listeners,
            ..Self::silent()
        }
    }
}

/// A host of the internet that was declared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InternetHostConfig {
    /// Its address.
    pub address: Ipv4Addr,
    /// How it behaves.
    pub profile: InternetProfile,
}

/// Addresses of the internet that all behave the same, such as those of a service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InternetRange {
    /// The addresses.
    pub prefix: Prefix,
    /// How each of them behaves.
    pub profile: InternetProfile,
}

/// Who is on the internet: a host's own profile goes before that of its range, that before everybody's.
#[derive(Debug)]
struct Profiles {
    hosts: BTreeMap<Ipv4Addr, InternetProfile>,
    ranges: Vec<InternetRange>,
    default: Option<InternetProfile>,
}

impl Profiles {
    fn find(&self, address: Ipv4Addr) -> Option<&InternetProfile> {
        let in_range = || self.ranges.iter().find(|range| range.prefix.covers(address));
        let host = self.hosts.get(&address);
        host.or_else(|| in_range().map(|range| &range.profile))
            .or(self.default.as_ref())
    }

    fn mtu(&self, address: Ipv4Addr) -> u16 {
        self.find(address).map_or(INTERNET_MTU, |profile| profile.mtu)
    }
}

/// All hosts of the internet; port 0 is its line to the rest of the network.
#[derive(Debug)]
pub struct InternetNode {
    profiles: Profiles,
    uplink: (NodeId, Port),
    seed: u64,
    endpoints: EndpointSet<Ipv4Addr>,
}

impl InternetNode {
    /// These hosts; `default` is how any other address behaves, or nobody is there.
    pub fn new(
        hosts: Vec<InternetHostConfig>,
        default: Option<InternetProfile>,
        uplink: (NodeId, Port),
        seed: u64,
    ) -> Self {
        let hosts = hosts
            .into_iter()
            .map(|host| (host.address, host.profile))
            .collect();
        Self {
            profiles: Profiles {
                hosts,
                ranges: Vec::new(),
                default,
            },
            uplink,
            seed,
            endpoints: EndpointSet::new(),
        }
    }

    /// The same with these ranges; the first that holds an address decides.
    #[must_use]
    pub fn with_ranges(mut self, ranges: Vec<InternetRange>) -> Self {
        self.profiles.ranges = ranges;
        self
    }

    /// Starts a probe from any address of the internet at the present moment.
    ///
    /// [`Probe::bind`] is not looked at. Ids count up for each source of its own.
    pub fn start_probe_from(
        &mut self,
        context: &mut Context<'_>,
        source: Ipv4Addr,
        probe: &Probe,
    ) -> ProbeId {
        let mtu = self.profiles.mtu(source);
        let now = context.now();
        let id = self.endpoint(source).start_probe(now, source, mtu, probe);
        self.flush(context, source);
        id
    }

    /// What became of a probe from `source`; `None` if there was no such probe.
    pub fn outcome(&self, source: Ipv4Addr, id: ProbeId) -> Option<&Outcome> {
        self.endpoints.endpoint(source)?.outcome(id)
    }

    /// Whether the outcome of a probe from `source` is not final yet.
    pub fn is_waiting(&self, source: Ipv4Addr) -> bool {
        let endpoint = self.endpoints.endpoint(source);
        endpoint.is_some_and(|endpoint| endpoint.probes().next_deadline().is_some())
    }

    /// Forgets all outcomes of `source`, unless a probe of its is still pending.
    pub fn clear_outcomes(&mut self, source: Ipv4Addr) {
        if self.endpoints.contains(source) {
            self.endpoint(source).probes_mut().clear_finished();
        }
    }

    /// How many addresses have had something to do so far.
    pub fn active_host_count(&self) -> usize {
        self.endpoints.len()
    }

    fn endpoint(&mut self, address: Ipv4Addr) -> &mut Endpoint {
        let (profiles, seed) = (&self.profiles, self.seed);
        self.endpoints.endpoint_or_insert(address, || {
            let profile = profiles
                .find(address)
                .cloned()
                .unwrap_or_else(InternetProfile::silent);
            let endpoint = Endpoint::new(profile.listeners, profile.ttl, seed, Site::Page);
            if profile.refuses {
                endpoint
            } else {
                endpoint.behind_firewall()
            }
        })
    }

    fn flush(&mut self, context: &mut Context<'_>, address: Ipv4Addr) {
        let (mtu, uplink) = (self.profiles.mtu(address), self.uplink);
        let is_here = |address: Ipv4Addr| self.profiles.hosts.contains_key(&address);
        self.endpoints.flush(context, address, mtu, |context, packet| {
            send(context, packet, uplink, is_here);
        });
    }

    fn receive(&mut self, context: &mut Context<'_>, packet: Handle) -> Result<(), DropReason> {
        let packet = context.packet(packet);
        let summary = packet.summary().ok_or(drops::MALFORMED)?;
        let address = summary.destination();
        if self.profiles.find(address).is_none() && !self.endpoints.contains(address) {
            return Err(drops::NOT_FOR_THIS_HOST);
        }
        let (mtu, now) = (self.profiles.mtu(address), context.now());
        let received = self.endpoint(address).receive(now, packet.bytes(), summary, mtu);
        self.endpoints.arm(context, address);
        received
    }
}

/// Packets between declared hosts of the internet stay in it.
fn send(
    context: &mut Context<'_>,
    packet: &[u8],
    uplink: (NodeId, Port),
    is_here: impl Fn(Ipv4Addr) -> bool,
) {
    let handle = context.emit(FrameHeader::ipv4(Mac::default(), Mac::default()), packet);
    let stays = addresses(packet).is_some_and(|(_, destination)| is_here(destination));
    let (to, port) = if stays { (context.node(), LOOPBACK) } else { uplink };
    context.forward(handle, to, port);
}

impl Node for InternetNode {
    fn process(&mut self, context: &mut Context<'_>, _: Port, packet: Handle) -> Step {
        match self.receive(context, packet) {
            Ok(()) => Step::Deliver,
            Err(reason) => Step::drop(reason, Decision::NONE),
        }
    }

    fn on_timer(&mut self, context: &mut Context<'_>, _: u64) {
        let Self {
            profiles,
            uplink,
            endpoints,
            ..
        } = self;
        endpoints.handle_timer(
            context,
            |address| profiles.mtu(address),
            |context, _, packet| {
                send(context, packet, *uplink, |address| {
                    profiles.hosts.contains_key(&address)
                });
            },
        );
    }
}

#[cfg(test)]
mod tests {
    use vpcsim_engine::{Network, Span};

    use super::*;
    use crate::config::{Framing, HostConfig, InterfaceConfig};
    use crate::host::HostNode;
    use crate::probe::{Exchange, Observed};

    const SERVER: Ipv4Addr = Ipv4Addr::new(198, 51, 100, 7);
    const OTHER: Ipv4Addr = Ipv4Addr::new(203, 0, 113, 1);
    const HOST: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 5);

    fn host() -> HostNode {
        let interface = InterfaceConfig {
            mac: Mac([2; 6]),
            addresses: vec![HOST],
            prefix_len: 24,
            gateway: Ipv4Addr::new(10, 0, 0, 1),
            mtu: 9_001,
            node: NodeId(0),
            port: Port(0),
            framing: Framing::Raw,
        };
        let listeners = vec![Listener::on(Protocol::TCP, 22)];
        HostNode::new(HostConfig {
            listeners,
            ..HostConfig::new(vec![interface])
        })
    }

    /// The internet as node 0, joined without delay to one host as node 1.
    fn network(default: Option<InternetProfile>) -> Network {
        let server = InternetProfile {
            listeners: vec![Listener::on(Protocol::TCP, 443)],
            ..InternetProfile::silent()
        };
        let hosts = vec![InternetHostConfig {
            address: SERVER,
            profile: server,
        }];
        joined(InternetNode::new(hosts, default, (NodeId(1), Port(0)), 1))
    }

    fn joined(internet: InternetNode) -> Network {
        Network::new(vec![Box::new(internet), Box::new(host())], Vec::new(), 1)
    }

    fn probe(network: &mut Network, probe: &Probe) -> Outcome {
        let start = |host: &mut HostNode, context: &mut Context<'_>| host.start_probe(context, probe);
        let id = network.act(NodeId(1), start).unwrap();
        network.run_until(network.now() + Span::from_secs(60));
        assert!(network.counters().balance());
        network
            .node::<HostNode>(NodeId(1))
            .unwrap()
            .outcome(id)
            .unwrap()
            .clone()
    }

    #[test]
    fn a_declared_host_answers_on_its_ports_with_its_ttl() {
        let mut network = network(None);
        let open = probe(
            &mut network,
            &Probe::tcp(SERVER, 443).exchanging(Exchange::HttpGet("/".into())),
        );
        assert_eq!((open.observed, open.reply_ttl), (Observed::Open, Some(64)));
        assert!(
            String::from_utf8(open.received)
                .unwrap()
                .ends_with("Hello from 198.51.100.7\n")
        );
        assert_eq!(
            probe(&mut network, &Probe::tcp(SERVER, 80)).observed,
            Observed::Closed
        );
    }

    #[test]
    fn an_undeclared_address_behaves_as_the_default_says() {
        assert_eq!(
            probe(&mut network(None), &Probe::tcp(OTHER, 443)).observed,
            Observed::Filtered
        );
        let mut open = network(Some(InternetProfile::open()));
        assert_eq!(
            probe(&mut open, &Probe::tcp(OTHER, 4_433)).observed,
            Observed::Open
        );
        assert_eq!(probe(&mut open, &Probe::udp(OTHER, 53)).observed, Observed::Reply);
        assert_eq!(
            open.node::<InternetNode>(NodeId(0)).unwrap().active_host_count(),
            1
        );
    }

    #[test]
    fn an_address_of_a_range_behaves_as_its_range_says_and_is_silent_behind_a_firewall() {
        let service = InternetProfile {
            listeners: vec![Listener::on(Protocol::TCP, 443)],
            refuses: false,
            ..InternetProfile::silent()
        };
        let range = InternetRange {
            prefix: Prefix {
                address: Ipv4Addr::new(203, 0, 113, 0),
                len: 28,
            },
            profile: service,
        };
        let ask = |asked: &Probe| {
            let node = InternetNode::new(Vec::new(), Some(InternetProfile::open()), (NodeId(1), Port(0)), 1);
            probe(&mut joined(node.with_ranges(vec![range.clone()])), asked).observed
        };
        assert_eq!(ask(&Probe::tcp(OTHER, 443)), Observed::Open);
        assert_eq!(ask(&Probe::tcp(OTHER, 22)), Observed::Filtered);
        assert_eq!(ask(&Probe::udp(OTHER, 53)), Observed::NoReply);
        assert_eq!(ask(&Probe::echo(OTHER)), Observed::Reply);
        let outside = Ipv4Addr::new(203, 0, 113, 16);
        assert_eq!(ask(&Probe::tcp(outside, 22)), Observed::Open, "the default's");
    }

    #[test]
    fn a_probe_can_come_from_any_address() {
        let mut network = network(None);
        let probe = Probe::tcp(HOST, 22);
        let start = |node: &mut InternetNode, context: &mut Context<'_>| {
            (
                node.start_probe_from(context, OTHER, &probe),
                node.start_probe_from(context, SERVER, &probe),
            )
        };
        let (from_other, from_server) = network.act(NodeId(0), start).unwrap();
        network.run_until(network.now() + Span::from_secs(1));
        let internet = network.node::<InternetNode>(NodeId(0)).unwrap();
        for (source, id) in [(OTHER, from_other), (SERVER, from_server)] {
            let outcome = internet.outcome(source, id).unwrap();
            assert_eq!((outcome.observed, outcome.reply_ttl), (Observed::Open, Some(255)));
        }
    }

    #[test]
    fn hosts_of_the_internet_reach_each_other_inside_it() {
        let mut network = network(None);
        let start = |node: &mut InternetNode, context: &mut Context<'_>| {
            node.start_probe_from(context, SERVER, &Probe::tcp(SERVER, 443))
        };
        let id = network.act(NodeId(0), start).unwrap();
        network.run_until(network.now() + Span::from_secs(1));
        let internet = network.node::<InternetNode>(NodeId(0)).unwrap();
        assert_eq!(internet.outcome(SERVER, id).unwrap().observed, Observed::Open);
    }
}
