//! Network Load Balancer: a node in each of its zones, which hands flows on to targets without ending them.
//!
//! # AWS semantics
//!
//! - It has a node with an interface and a private address in each zone that it is enabled for (ELB-01); an internet-facing
//!   one has a public address there too (NLB-19, ELB-12).
//! - Targets in zones that it is not enabled for get nothing (ELB-01).
//! - TCP and UDP pass through: one connection of the client is one of the target, with the same sequence numbers (NLB-01).
//! - A flow is hashed over protocol, addresses, ports and the sequence number of the SYN, and stays with its target; the same
//!   ports with another SYN are a new flow (NLB-02). A sticky group is hashed over the client's address alone (NLB-21).
//! - A node chooses among the targets of its zone unless load balancing across zones is on; the target group's own setting
//!   goes before the load balancer's (NLB-09).
//! - With the client's address kept, only the destination is rewritten; the answer goes to the client's address and is brought
//!   back to the node, which makes it come from the listener (NLB-05).
//! - A kept address needs targets in the load balancer's VPC; elsewhere the target's answer goes its own way (NLB-04, NLB-27).
//! - A target that is the client itself is reached only if the address is not kept (NLB-06).
//! - Flows with equal ports that reach one target by two nodes collide: the later one gets the answers (NLB-07).
//! - Without it the source is the node's private address, of which 55,000 ports serve one target (NLB-08).
//! - A load balancer without a security group takes everything (NLB-10); targets may refer to the group of one that has it,
//!   even if the client's address is kept (NLB-11).
//! - TCP is forgotten after 350 s without a packet, or what the listener says, which of TLS cannot be changed; what comes
//!   later is answered with a RST (NLB-12, X-01). UDP is forgotten after 120 s, and then chosen for anew (NLB-13).
//! - A target that first answers after 30 s is too late (NLB-15).
//! - A flow whose target becomes unhealthy is answered with a RST, unless all targets are, or the group lets flows go on
//!   (NLB-16).
//! - If no target is healthy, all are used (NLB-17); so they are if fewer are than the group's minimum (ELB-06).
//! - A target that is being deregistered gets no new flows, and keeps those it has (ELB-07, NLB-23).
//! - Each node checks each target that it may use, from its address, over and over: by a connection, or by a request for a path
//!   that has to be answered with a success code (NLB-18). Checks pass the groups and network ACLs of both sides (NLB-10).
//! - One check makes a new target healthy; later so many in a row change its health as the group says (ELB-05).
//! - Its name in the DNS stands for its nodes' addresses, the public ones inside the VPC too; each zone has a name of its own
//!   (ELB-02, NLB-19).
//! - A node leaves the name if a target group has too few healthy targets for it, unless all nodes would leave (ELB-03, ELB-06).
//!   A zonal shift takes the zone's node out of the name (NLB-25).
//! - Two targets in one zone and one in another get a quarter each and a half, or a third each across zones (ELB-04).
//! - It answers no ping (NLB-28). A port without a listener answers nothing: so it was measured on AWS.
//! - An ICMP error about a flow reaches the one who sent what it is about (ELB-10).
//! - An internet-facing one needs eight free addresses in each subnet (ELB-11), 50 listeners and 500 targets in a zone are what AWS
//!   allows (NLB-24), and TLS to TLS has no stickiness (NLB-21).
//!
//! # Where AWS is silent
//!
//! - A group without targets answers a SYN with a RST, as does a node without targets in its zone.
//! - The time to live is left as it is.
//! - The hash is one of our own: which target a flow gets is the same in every run, and not the one that AWS would choose.
//! - A question to its name goes to the first node in the DNS, without a look at the client's zone; the resolver gives all, in
//!   the order of the zones.
//! - Later fragments do not pass.
//! - A target of which the input says the health has that health. Any other is checked before the first flow until its health
//!   is decided, and in its interval from then on; it is healthy if one node's checks say so. One that refuses the connection
//!   passes if the design does not say what it listens to.
//! - A check over HTTPS ends with the handshake of TCP: no host here speaks TLS.
//! - With the proxy protocol (version 2) the first bytes of a connection tell the target the client's address and port, and those
//!   the client sent to; the client's sequence numbers move by its length, and those that the target acknowledges move back.
//!   Health checks have a header that names nobody.
//! - The proxy protocol's header is a segment of its own, sent before the client's first acknowledgement, and once more with
//!   whatever the client repeats. So no segment of the client grows, and none becomes too large for the way to the target. It
//!   has the 28 bytes of two addresses without further fields. Datagrams get none.
//!
//! Not modelled: TLS is not ended here but passes as TCP does, so there are no keepalives of the load balancer's own (NLB-14) and
//! no second handshake (NLB-26); passive health checks (NLB-18); Application Load Balancers as targets (NLB-22); weights of
//! several target groups (NLB-24).

mod checks;
pub mod device;
mod flows;
#[cfg(test)]
mod health_tests;
mod proxy;
#[cfg(test)]
mod proxy_tests;
mod sets;
#[cfg(test)]
mod tests;
mod validation;

use std::net::Ipv4Addr;

use vpcsim_engine::{Decision, Port, Span};
use vpcsim_wire::Protocol;

use crate::arrangement::{Arrangement, Rank, Renumbering};
use crate::compile::{Build, Place};
use crate::devices::target_group::{HealthProtocol, Target, TargetAddress, TargetGroup};
use crate::devices::{Coverage, Kind, NetworkInterface, Resource, Subnet, Vpc, endpoint_service, network_interface, vpc_endpoint};
use crate::model::{Findings, Id, Label};
use crate::topology::Topology;

pub use device::LoadBalancerDevice;
pub use sets::settle;

/// After so long without a packet a TCP flow is forgotten (NLB-12).
pub const TCP_IDLE_TIMEOUT: Span = Span::from_secs(350);
/// After so long without a packet a UDP flow is forgotten (NLB-13).
pub const UDP_IDLE_TIMEOUT: Span = Span::from_secs(120);

/// A Network Load Balancer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoadBalancer {
    /// How it is called.
    pub label: Label,
    /// Its VPC.
    pub vpc: Id<Vpc>,
    /// Whether it has public addresses.
    pub scheme: Scheme,
    /// A node for each of its zones.
    pub nodes: Vec<LoadBalancerNode>,
    /// Whether targets of other zones get flows too; off by default (NLB-09).
    pub cross_zone: bool,
    /// Whether it is in the state active.
    pub active: bool,
    /// What it takes.
    pub listeners: Vec<Listener>,
    /// Its name in the DNS, where the input says it.
    pub dns_name: Option<String>,
    /// Whether its security groups judge the clients of endpoints too (EP-32); on by default.
    pub judges_endpoints: bool,
    /// The availability zones that a zonal shift keeps out of the DNS (NLB-25).
    pub shifted_zones: Vec<String>,
}

/// Whether a load balancer has public addresses (ELB-12).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Scheme {
    /// It has them.
    #[default]
    InternetFacing,
    /// It has private addresses only.
    Internal,
}

/// A load balancer's part in one zone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LoadBalancerNode {
    /// The subnet it is in.
    pub subnet: Id<Subnet>,
    /// Its interface, with its addresses and security groups.
    pub interface: Id<NetworkInterface>,
}

/// What a load balancer takes, and who gets it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Listener {
    /// The protocol.
    pub protocol: ListenerProtocol,
    /// The port.
    pub port: u16,
    /// Who gets it.
    pub target_group: Option<Id<TargetGroup>>,
    /// After so many seconds without a packet a TCP flow is forgotten: 60 to 6000; `None` is 350 (NLB-12).
    pub idle_timeout_s: Option<u32>,
}

/// The protocols of listeners and target groups.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ListenerProtocol {
    /// TCP.
    Tcp,
    /// UDP.
    Udp,
    /// Both on one port.
    TcpUdp,
    /// TCP that the load balancer decrypts.
    Tls,
}

impl ListenerProtocol {
    /// The spellings.
    pub const NAMES: [(&'static str, Self); 4] = [
        ("tcp", Self::Tcp),
        ("udp", Self::Udp),
        ("tcp_udp", Self::TcpUdp),
        ("tls", Self::Tls),
    ];

    /// The spelling, in small letters.
    pub fn word(self) -> &'static str {
        Self::NAMES
            .iter()
            .find(|(_, protocol)| *protocol == self)
            .map_or("tcp", |(name, _)| name)
    }

    /// The protocol of this name, in any case of letters.
    pub fn parse(text: &str) -> Option<Self> {
        let mut names = Self::NAMES.iter();
        names
            .find(|(name, _)| name.eq_ignore_ascii_case(text))
            .map(|(_, protocol)| *protocol)
    }

    /// Whether packets of an IP protocol are meant.
    pub const fn takes(self, protocol: Protocol) -> bool {
        match self {
            Self::Tcp | Self::Tls => protocol.0 == Protocol::TCP.0,
            Self::Udp => protocol.0 == Protocol::UDP.0,
            Self::TcpUdp => protocol.has_ports(),
        }
    }
}

impl Listener {
    /// After so long without a packet a TCP flow is forgotten; of TLS it cannot be changed (NLB-12).
    fn idle(&self) -> Span {
        let own = self.idle_timeout_s.filter(|_| self.protocol != ListenerProtocol::Tls);
        own.map_or(TCP_IDLE_TIMEOUT, |seconds| Span::from_secs(seconds.into()))
    }
}

impl Listener {
    /// A listener with the default idle timeout.
    pub const fn new(protocol: ListenerProtocol, port: u16, target_group: Option<Id<TargetGroup>>) -> Self {
        Self { protocol, port, target_group, idle_timeout_s: None }
    }
}

impl LoadBalancer {
    /// An active one without nodes and listeners.
    pub const fn new(label: Label, vpc: Id<Vpc>, scheme: Scheme) -> Self {
        Self {
            label,
            vpc,
            scheme,
            nodes: Vec::new(),
            cross_zone: false,
            active: true,
            listeners: Vec::new(),
            dns_name: None,
            judges_endpoints: true,
            shifted_zones: Vec::new(),
        }
    }

    /// The private and the public address of each node.
    pub fn addresses<'t>(
        &'t self,
        topology: &'t Topology,
    ) -> impl Iterator<Item = (Ipv4Addr, Option<Ipv4Addr>)> + 't {
        let interfaces = self
            .nodes
            .iter()
            .filter_map(|node| topology.network_interfaces.find(node.interface));
        interfaces.filter_map(|row| row.addresses.first().map(|address| (address.private, address.public)))
    }
}

impl Resource for LoadBalancer {
    const KIND: Kind = Kind::LoadBalancer;
    const NOUN: &'static str = "network load balancer";
    const COVERAGE: Coverage = Coverage::of(
        "Network Load Balancers: TCP, UDP, TLS as TCP, zones, client addresses, proxy protocol, endpoints",
        "the handshake of TLS; application, classic and gateway load balancers",
    );

    fn label(&self) -> &Label {
        &self.label
    }

    fn vpc(id: Id<Self>, topology: &Topology) -> Option<Id<Vpc>> {
        Some(topology.load_balancers[id].vpc)
    }

    fn rank(&self, _: Id<Self>, _: &Arrangement<'_>) -> Rank {
        Rank::of_vpc(self.vpc)
    }

    fn renumber(&mut self, order: &Renumbering) {
        order.id(&mut self.vpc);
        for node in &mut self.nodes {
            order.id(&mut node.subnet);
            order.id(&mut node.interface);
        }
        for listener in &mut self.listeners {
            order.ids(&mut listener.target_group);
        }
    }

    fn validate(id: Id<Self>, topology: &Topology, findings: &mut Findings) {
        validation::validate(id, topology, findings);
    }

    fn place(id: Id<Self>, place: &mut Place<'_>) {
        let topology = place.topology;
        let node = place.reserve(id);
        for (index, own) in topology.load_balancers[id].nodes.iter().enumerate() {
            network_interface::serve(own.interface, node, Port(index as u32), place);
        }
    }

    fn build(id: Id<Self>, build: &mut Build<'_>) {
        let Some(node) = build.place.node_of(id) else { return };
        let plan = plan(id, build);
        build.install_for_sets(node, LoadBalancerDevice::new(plan));
    }
}

fn plan(id: Id<LoadBalancer>, build: &mut Build<'_>) -> device::Plan {
    let (topology, place) = (build.topology, build.place);
    let declared = &topology.load_balancers[id];
    let fabric = build.fabric(declared.vpc);
    let nodes = declared.nodes.iter().filter_map(|node| {
        let address = topology.network_interfaces.find(node.interface)?.primary()?;
        Some(device::NodePlan {
            address,
            claim: fabric.find(address)?.0,
            interface: place.node_of(node.interface)?,
            zone: place.zone_of(node.subnet),
            shifted: declared.shifted_zones.contains(&topology.subnets[node.subnet].availability_zone),
        })
    });
    let nodes: Vec<device::NodePlan> = nodes.collect();
    let mut groups: Vec<Id<TargetGroup>> = declared.listeners.iter().filter_map(|listener| listener.target_group).collect();
    groups.sort_unstable();
    groups.dedup();
    let listener = |listener: &Listener| device::ListenerPlan {
        protocol: listener.protocol,
        port: listener.port,
        idle: listener.idle(),
        group: listener.target_group.and_then(|id| groups.binary_search(&id).ok()).map(|place| place as u16),
    };
    let group = |id: &Id<TargetGroup>| group_plan(*id, declared, build, &fabric);
    let listeners = declared.listeners.iter().map(listener).collect();
    let groups: Vec<device::GroupPlan> = groups.iter().map(group).collect();
    let links = endpoint_service::links_into(id, place).into_iter().filter_map(|link| {
        let endpoint = place.node_of(link.endpoint)?;
        let label = &topology.vpc_endpoints[link.endpoint].label;
        Some(device::LinkPlan {
            node: link.node as u16,
            back: (endpoint, vpc_endpoint::from_service(link.place)),
            endpoint: label.id_or_name().to_owned(),
        })
    });
    let own_groups = declared.nodes.first().and_then(|node| topology.network_interfaces.find(node.interface));
    let own_groups = own_groups.map(|row| row.security_groups.clone()).unwrap_or_default();
    let is_judged = declared.judges_endpoints && !own_groups.is_empty();
    device::Plan {
        links: links.collect(),
        link_rules: is_judged.then(|| build.security_groups(&own_groups).0),
        decision: Decision::by(topology.component(id)),
        active: declared.active,
        introduces: groups.iter().any(|group| group.proxy_protocol),
        listeners,
        groups,
        nodes,
    }
}

fn group_plan(
    id: Id<TargetGroup>,
    balancer: &LoadBalancer,
    build: &Build<'_>,
    fabric: &crate::compile::Fabric,
) -> device::GroupPlan {
    let declared = &build.topology.target_groups[id];
    let check = &declared.health_check;
    let listener = balancer.listeners.iter().find(|listener| listener.target_group == Some(id));
    let http = (check.protocol == HealthProtocol::Http).then(|| checks::HttpPlan {
        path: check.path.clone(),
        codes: check.codes.clone(),
        listener_port: listener.map_or(declared.port, |listener| listener.port),
    });
    let target = |target: &Target| target_plan(declared, target, build, fabric);
    device::GroupPlan {
        keeps_client: declared.keeps_client(),
        cross_zone: declared.cross_zone.unwrap_or(balancer.cross_zone),
        sticky: declared.sticky,
        proxy_protocol: declared.proxy_protocol,
        resets_unhealthy: declared.resets_unhealthy,
        dns_failover: declared.dns_failover,
        routing_failover: declared.routing_failover,
        check: checks::CheckPlan {
            http,
            interval: Span::from_secs(check.interval_s.max(1).into()),
            timeout: Span::from_secs(check.timeout_s().into()),
            healthy_threshold: check.healthy_threshold,
            unhealthy_threshold: check.unhealthy_threshold,
        },
        targets: declared.targets.iter().filter_map(target).collect(),
    }
}

fn target_plan(
    group: &TargetGroup,
    target: &Target,
    build: &Build<'_>,
    fabric: &crate::compile::Fabric,
) -> Option<device::TargetPlan> {
    let topology = build.topology;
    let (address, port) = group.destination(target, topology)?;
    let claim = fabric.find(address).map(|(_, claim)| claim);
    let listens = match target.to {
        TargetAddress::Instance(id) => !topology.instances[id].listen.is_empty(),
        TargetAddress::Address(_) => claim.is_none_or(|claim| says_what_it_listens_to(claim.owner, topology)),
    };
    Some(device::TargetPlan {
        address,
        port,
        health_port: group.health_check.port.unwrap_or(port),
        zone: claim.map(|claim| claim.zone),
        inside: fabric.covers(address),
        health: target.health,
        listeners_known: listens,
    })
}

/// Whether the design says what the host of an interface listens to.
fn says_what_it_listens_to(owner: crate::devices::AnyId, topology: &Topology) -> bool {
    let interface = owner
        .downcast::<NetworkInterface>()
        .and_then(|id| topology.network_interfaces.find(id));
    match interface.map(|row| &row.attachment) {
        Some(network_interface::Attachment::Instance { instance, .. }) => {
            !topology.instances[*instance].listen.is_empty()
        }
        _ => true,
    }
}
