//! A compiled design, from which each question gets a fresh network.

use std::any::Any;
use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::sync::{Arc, OnceLock};

use ipnet::Ipv4Net;
use vpcsim_aws::appliance::{self, Appliance};
use vpcsim_aws::compile::place::router_mac;
use vpcsim_aws::compile::{HostInterfacePlan, HostPlan, LinkLayer, ServicePlan, Slot};
use vpcsim_aws::devices::instance;
use vpcsim_aws::devices::internet_host::FROM_HOSTS;
use vpcsim_aws::devices::load_balancer::{LoadBalancer, LoadBalancerDevice};
use vpcsim_aws::services::metadata;
use vpcsim_aws::traffic::{PortRange, Traffic};
use vpcsim_aws::{Compiled, Id, Protocol, Topology, compile, station};
use vpcsim_engine::{ComponentId, Network, Node, NodeId, Observer, PacketId, Random, Span};
use vpcsim_hosts::{
    FirewallRule, ForwardingConfig, ForwardingNumbers, Framing, HostConfig, HostNode, HostRouting,
    InterfaceConfig, InternetHostConfig, InternetNode, InternetProfile, InternetRange, Listener,
    MetadataConfig, MetadataNode, Prefix,
};

use crate::answer::Capture;
use crate::directory::Directory;
use crate::recorder::{CaptureChoice, Recorder};

/// How long a flow waits for an answer.
pub const TIMEOUT: Span = Span::from_secs(5);

/// Ten checks, 300 s apart, the last of which waits for 120 s: no target is undecided for longer (NLB-18).
const HEALTH_CHECKS_MAX: Span = Span::from_secs(10 * 300 + 120);

/// How questions are asked.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Options {
    /// Decides every random number.
    pub seed: u64,
    /// What is captured.
    pub capture: CaptureChoice,
}

/// A design that is ready to run.
#[derive(Clone)]
pub struct Simulation {
    compiled: Arc<Compiled>,
    /// Each made when a network first needs it: most hosts of a large design never say anything.
    hosts: Arc<[OnceLock<Arc<HostConfig>>]>,
    /// Whether every packet walks, whatever others of its flow did.
    walks: bool,
    /// Looked through at the first question.
    directory: Arc<OnceLock<Directory>>,
    /// By load balancer; known after the first question about one.
    out_of_dns: Arc<OnceLock<Vec<u64>>>,
}

impl Simulation {
    /// Compiles a design, which should be [valid](Topology::validate).
    pub fn new(topology: Arc<Topology>) -> Self {
        let compiled = Arc::new(compile(topology));
        let hosts = compiled.hosts.iter().map(|_| OnceLock::new()).collect();
        Self {
            compiled,
            hosts,
            walks: false,
            directory: Arc::default(),
            out_of_dns: Arc::default(),
        }
    }

    /// Lets every packet walk instead of repeating what others of its flow did: nothing changes but the time that it takes.
    #[must_use]
    pub fn without_flow_cache(self) -> Self {
        Self { walks: true, ..self }
    }

    pub(crate) fn directory(&self) -> &Directory {
        self.directory.get_or_init(|| Directory::new(&self.compiled))
    }

    /// The design.
    pub fn topology(&self) -> &Topology {
        &self.compiled.topology
    }

    /// The compiled design.
    pub fn compiled(&self) -> &Arc<Compiled> {
        &self.compiled
    }

    /// A network in its first state, with hosts in all places for hosts. Its nodes are made when something reaches them.
    pub fn fresh_network(&self, seed: u64, observer: Option<Box<dyn Observer>>) -> Network {
        self.ready(self.lazy_network(seed), observer)
    }

    /// The same with all nodes made beforehand, and with a node of the caller's in each place that it has one for: scripted
    /// senders and counters, say.
    pub fn network_with(
        &self,
        seed: u64,
        observer: Option<Box<dyn Observer>>,
        mut instead: impl FnMut(Slot) -> Option<Box<dyn Node>>,
    ) -> Network {
        let fill = |slot| instead(slot).unwrap_or_else(|| self.fill(slot, seed));
        let network = self.compiled.network(seed, fill);
        self.ready(self.with_or_without_flow_cache(network), observer)
    }

    fn lazy_network(&self, seed: u64) -> Network {
        let simulation = self.clone();
        let make = move |node| {
            let fill = |slot| simulation.fill(slot, seed);
            simulation.compiled.node(node, fill)
        };
        self.with_or_without_flow_cache(Network::lazy(self.compiled.node_count(), seed, make))
    }

    fn with_or_without_flow_cache(&self, network: Network) -> Network {
        if self.walks {
            network.without_flow_cache()
        } else {
            network
        }
    }

    fn ready(&self, mut network: Network, observer: Option<Box<dyn Observer>>) -> Network {
        self.check_health(&mut network);
        network.observe_with(observer);
        network
    }

    /// How a host is set up, by its place in [`Compiled::hosts`].
    ///
    /// # Panics
    /// If there is no such host.
    pub fn host(&self, index: usize) -> &Arc<HostConfig> {
        let make = || Arc::new(host(&self.compiled.topology, &self.compiled.hosts[index]));
        self.hosts[index].get_or_init(make)
    }

    /// Lets the load balancers check their targets until all are decided: health is known when flows come.
    fn check_health(&self, network: &mut Network) {
        let balancers = self.topology().load_balancers.ids();
        let balancers: Vec<NodeId> = balancers.filter_map(|id| self.compiled.node_of(id)).collect();
        for node in &balancers {
            network.act(*node, LoadBalancerDevice::start_checks);
        }
        let is_open = |network: &Network| {
            let device = |node: &NodeId| network.node::<LoadBalancerDevice>(*node);
            balancers
                .iter()
                .filter_map(device)
                .any(LoadBalancerDevice::checks_are_open)
        };
        let end = network.now() + HEALTH_CHECKS_MAX;
        while is_open(network) && network.step_until(end) {}
    }

    /// Which of a load balancer's nodes are out of the DNS once its targets are checked, a bit for each (ELB-03).
    pub(crate) fn nodes_out_of_dns(&self, balancer: Id<LoadBalancer>) -> u64 {
        let notices = self.out_of_dns.get_or_init(|| {
            let network = self.fresh_network(0, None);
            let nodes = self
                .topology()
                .load_balancers
                .ids()
                .map(|id| self.compiled.node_of(id));
            nodes
                .map(|node| node.map_or(0, |node| network.notice_of(node)))
                .collect()
        });
        notices.get(balancer.index()).copied().unwrap_or(0)
    }

    /// A fresh network with a [`Recorder`] that looks on, whose nodes are made when something reaches them.
    pub(crate) fn recorded_network(&self, options: &Options) -> Network {
        let recorder = Recorder::new(&self.compiled, &options.capture);
        self.fresh_network(options.seed, Some(Box::new(recorder)))
    }

    /// Takes a [recorded network](Self::recorded_network) with the same options back to its first state.
    pub(crate) fn renew(&self, network: &mut Network, options: &Options) {
        let mut observer = network.observe_with(None);
        network.renew(options.seed);
        self.check_health(network);
        let any: Option<&mut dyn Any> = observer.as_deref_mut().map(|observer| observer as _);
        match any.and_then(<dyn Any>::downcast_mut::<Recorder>) {
            Some(recorder) if options.capture == CaptureChoice::Nothing => {
                recorder.forget_trails_before(PacketId(0));
            }
            _ => observer = Some(Box::new(Recorder::new(&self.compiled, &options.capture))),
        }
        network.observe_with(observer);
    }

    /// The same, with load balancers that know already what the checks in `checked` found.
    pub(crate) fn recorded_network_like(&self, checked: &Network, options: &Options) -> Network {
        let mut network = self.lazy_network(options.seed);
        let balancers = self.topology().load_balancers.ids();
        for node in balancers.filter_map(|id| self.compiled.node_of(id)) {
            if let Some(known) = checked.node::<LoadBalancerDevice>(node) {
                network.act(node, |balancer: &mut LoadBalancerDevice, context| {
                    balancer.know_health_of(context, known);
                });
            }
        }
        network.observe_with(Some(Box::new(Recorder::new(&self.compiled, &options.capture))));
        network
    }

    fn fill(&self, slot: Slot, seed: u64) -> Box<dyn Node> {
        match slot {
            Slot::Host(index) => {
                let seed = Random::new(seed, index as u64).next_u64();
                Box::new(HostNode::seeded(Arc::clone(self.host(index)), seed))
            }
            Slot::InternetHosts => Box::new(self.internet(seed)),
            Slot::ServiceHosts(index) => Box::new(service(&self.compiled.services[index], seed)),
            Slot::Metadata => {
                let compiled = Arc::clone(&self.compiled);
                let client = move |number| metadata_client(&compiled, number);
                Box::new(MetadataNode::new(Box::new(client), seed))
            }
        }
    }

    fn internet(&self, seed: u64) -> InternetNode {
        let topology = self.topology();
        let hosts = topology
            .internet_hosts
            .iter()
            .map(|(_, host)| InternetHostConfig {
                address: host.address,
                profile: InternetProfile {
                    listeners: listeners(&host.listen),
                    ..InternetProfile::silent()
                },
            });
        let default = topology.settings.internet_answers.then(InternetProfile::open);
        let uplink = (self.compiled.fixed.internet, FROM_HOSTS);
        let services = topology.service_ranges();
        let ranges = services.map(|(range, ports)| service_range(range, ports));
        InternetNode::new(hosts.collect(), default, uplink, seed).with_ranges(ranges.collect())
    }

    /// What the network's recorder captured, with the names of addresses.
    pub(crate) fn capture_of(&self, network: &mut Network, options: &Options) -> Capture {
        if options.capture == CaptureChoice::Nothing {
            return Capture::default();
        }
        let (interfaces, records) = network
            .observer_mut::<Recorder>()
            .map(Recorder::take_capture)
            .unwrap_or_default();
        Capture {
            interfaces,
            records,
            names: address_names(self.topology()),
            comment: format!("design {}, seed {}", self.topology().name, options.seed),
        }
    }
}

/// The hosts of a service, which answer by their line alone.
fn service(plan: &ServicePlan, seed: u64) -> InternetNode {
    let ranges = plan.ranges.iter().map(|range| service_range(*range, plan.ports));
    InternetNode::new(Vec::new(), None, plan.uplink, seed).with_ranges(ranges.collect())
}

/// Hosts of AWS: they answer on a few ports and to pings, and drop all else.
fn service_range(range: Ipv4Net, ports: &[u16]) -> InternetRange {
    let listeners = ports.iter().map(|port| Listener::on(Protocol::TCP, *port));
    InternetRange {
        prefix: prefix(range),
        profile: InternetProfile {
            listeners: listeners.collect(),
            refuses: false,
            ..InternetProfile::silent()
        },
    }
}

fn prefix(net: Ipv4Net) -> Prefix {
    Prefix {
        address: net.network(),
        len: net.prefix_len(),
    }
}

/// What the metadata service shows to an interface.
fn metadata_client(compiled: &Compiled, number: u32) -> Option<MetadataConfig> {
    let plan = compiled.metadata.get(number as usize)?;
    let subnet = compiled.topology.network_interfaces[plan.interface].subnet;
    let documents = if plan.enabled {
        metadata::documents(&compiled.topology, plan.interface)
    } else {
        Vec::new()
    };
    Some(MetadataConfig {
        documents: documents.into_iter().collect(),
        tokens_required: plan.tokens_required,
        hop_limit: plan.hop_limit,
        enabled: plan.enabled,
        reply: (plan.node, plan.port),
        client_mac: plan.mac,
        mac: router_mac(subnet),
    })
}

/// How a host is set up.
fn host(topology: &Topology, plan: &HostPlan) -> HostConfig {
    HostConfig {
        routing: match plan.routing {
            instance::HostRouting::PerInterface => HostRouting::PerInterface,
            instance::HostRouting::MainTable => HostRouting::MainTable,
        },
        listeners: listeners(&plan.listen),
        forwarding: plan
            .appliance
            .as_ref()
            .map(|appliance| forwarding(appliance, topology.component(plan.owner))),
        ..HostConfig::new(plan.interfaces.iter().map(host_interface).collect())
    }
}

fn forwarding(appliance: &Appliance, component: ComponentId) -> ForwardingConfig {
    let reasons = appliance::REASONS;
    ForwardingConfig {
        rules: appliance.firewall.iter().map(firewall_rule).collect(),
        stateful: appliance.stateful,
        masquerade: appliance.masquerade,
        numbers: ForwardingNumbers {
            station: station::GATEWAY,
            component,
            denied: reasons.denied,
            no_connection: reasons.no_connection,
            no_port: reasons.no_port,
            circle: reasons.circle,
            ttl_expired: reasons.ttl_expired,
            too_large: reasons.too_large,
            no_next_hop: reasons.no_next_hop,
        },
    }
}

fn firewall_rule(rule: &appliance::FirewallRule) -> FirewallRule {
    let (icmp_type, icmp_code) = match rule.traffic {
        Traffic::Icmp { icmp_type, icmp_code } => (icmp_type, icmp_code),
        _ => (None, None),
    };
    let ports = match rule.traffic {
        Traffic::Tcp(ports) | Traffic::Udp(ports) => ports,
        _ => PortRange::ALL,
    };
    FirewallRule {
        allow: rule.allow,
        protocol: rule.traffic.protocol(),
        ports: (ports.first, ports.last),
        icmp_type,
        icmp_code,
        source: prefix(rule.source),
        destination: prefix(rule.destination),
    }
}

fn host_interface(plan: &HostInterfacePlan) -> InterfaceConfig {
    InterfaceConfig {
        mac: plan.mac,
        addresses: plan.addresses.to_vec(),
        prefix_len: plan.prefix_len,
        gateway: plan.router,
        mtu: plan.mtu,
        node: plan.node,
        port: plan.port,
        framing: match plan.link_layer {
            LinkLayer::Ethernet => Framing::Ethernet,
            LinkLayer::Ip => Framing::Raw,
        },
    }
}

fn listeners(listen: &[instance::Listener]) -> Vec<Listener> {
    let listener = |listener: &instance::Listener| Listener {
        protocol: listener.protocol,
        first_port: listener.ports.first,
        last_port: listener.ports.last,
    };
    listen.iter().map(listener).collect()
}

/// Who has which address; an address that several VPCs have carries all its owners' names.
fn address_names(topology: &Topology) -> Vec<(Ipv4Addr, String)> {
    let mut names: BTreeMap<Ipv4Addr, String> = BTreeMap::new();
    let mut add = |address: Ipv4Addr, name: &str| {
        names
            .entry(address)
            .and_modify(|known| {
                if known.split('|').all(|part| part != name) {
                    *known = format!("{known}|{name}");
                }
            })
            .or_insert_with(|| name.to_owned());
    };
    for (id, interface) in topology.network_interfaces.iter() {
        let name = match interface.attachment {
            vpcsim_aws::devices::network_interface::Attachment::Instance { instance, .. } => {
                topology.name_of(instance)
            }
            _ => topology.name_of(id),
        };
        for address in &interface.addresses {
            add(address.private, name);
            if let Some(public) = address.public {
                add(public, name);
            }
        }
    }
    for (_, host) in topology.internet_hosts.iter() {
        add(host.address, &host.label.name);
    }
    names.into_iter().collect()
}
