//! Hosts on the internet, and the internet between them and the internet gateways.
//!
//! The internet is one device: whatever leaves a VPC by its internet gateway, or is sent by a host outside, comes here and
//! goes to the VPC or the host that has the destination address.
//!
//! # AWS semantics
//!
//! - A packet for a public address goes to the VPC whose interface or gateway has it (IGW-07).
//! - An Elastic IP address that nobody is associated with is answered by nobody (IGW-07).
//! - A public address of a VPC without an internet gateway cannot be reached (PIP-11).
//! - Between two internet gateways, or a gateway and a host, one is taken off the time to live: measured on AWS, an echo reply
//!   from public address to public address of one region arrived with 254 of 255 (PIPE-08).
//! - The addresses of AWS's services that the design's prefix lists hold are there (EP-02): measured on AWS, they answer pings
//!   and the service's ports, and nothing else.
//! - No packet on the internet is larger than 1500 bytes (MTU-02).
//!
//! # Where AWS is silent
//!
//! - The internet is one hop, which calls itself 192.0.2.1 where a packet's time to live ends.
//! - Two VPCs reach each other by their public addresses in the time between two availability zones, or between their regions.
//! - An associated Elastic IP address that no modelled resource has leads to an unknown verdict.
//! - A public address that nobody declared belongs to a host that answers, unless the settings say otherwise.

use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;
use std::sync::Arc;

use ipnet::Ipv4Net;
use rustc_hash::{FxHashMap, FxHashSet};
use vpcsim_engine::{
    CapturePoint, Context, Decision, Direction, DropReason, FrameHeader, Handle, Node, NodeId, Port, Repeat, Span,
    Step,
};
use vpcsim_wire::icmp_error;

use crate::compile::place::gateway_mac;
use crate::compile::{Build, LinkLayer, Place};
use crate::devices::instance::Listener;
use crate::devices::{Coverage, Kind, Resource, internet_gateway};
use crate::drop_reason;
use crate::model::{Finding, Findings, Id, Label};
use crate::mtu::{self, Fit, PathMtu};
use crate::public_address::is_unusable;
use crate::sets::{PacketSet, SetDevice, SetStep, SetWay};
use crate::topology::Topology;

/// The port for what the hosts on the internet send.
pub const FROM_HOSTS: Port = Port(0);
/// The port for what internet gateways let out.
pub const FROM_GATEWAY: Port = Port(1);
/// The port for what has come all the way to a host on the internet.
const ARRIVING: Port = Port(2);

/// Who reports that a packet ended on the internet.
const ROUTER: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 1);

/// A host on the internet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InternetHost {
    /// How it is called.
    pub label: Label,
    /// Its public address.
    pub address: Ipv4Addr,
    /// The services it answers on.
    pub listen: Vec<Listener>,
}

impl Resource for InternetHost {
    const KIND: Kind = Kind::InternetHost;
    const NOUN: &'static str = "internet host";
    const COVERAGE: Coverage = Coverage::of("hosts with services, and everybody else", "");

    fn label(&self) -> &Label {
        &self.label
    }

    fn validate(id: Id<Self>, topology: &Topology, findings: &mut Findings) {
        let host = &topology.internet_hosts[id];
        let (name, address, origin) = (host.label.display(), host.address, host.label.origin);
        if is_unusable(address) {
            let message = format!("internet host {name} has {address}, which no host on the internet can have");
            let finding = Finding::error("internet-host-address-not-public", origin, message);
            findings.push(finding.rule("IGW-08").help("give it a public address, such as 198.51.100.7"));
        }
        let earlier = topology.internet_hosts.iter().take(id.index());
        for (_, other) in earlier.filter(|(_, other)| other.address == address) {
            let other = other.label.display();
            let message = format!("internet host {name} has the address {address} of internet host {other}");
            findings.push(Finding::error("internet-host-address-shared", origin, message));
        }
    }

    fn place(id: Id<Self>, place: &mut Place<'_>) {
        let host = &place.topology.internet_hosts[id];
        let (name, description) = (host.label.name.clone(), format!("{} on the internet", host.address));
        let node = place.fixed.internet;
        place.capture_point(name, description, LinkLayer::Ip, id.into(), node);
    }
}

/// Installs the internet.
pub(crate) fn install(build: &mut Build<'_>) {
    let (place, settings) = (build.place, &build.topology.settings);
    let device = InternetDevice {
        owners: Arc::new(owners(build)),
        hosts: place.fixed.internet_hosts,
        latency: settings.latency_internet,
        regions: Arc::new(RegionLatencies::new(build.topology)),
        answers: settings.internet_answers,
        services: build.topology.service_ranges().map(|(range, _)| range).collect(),
        senders: FxHashSet::default(),
    };
    build.install_for_sets(place.fixed.internet, device);
}

/// Whose a public address is.
#[derive(Clone, Copy, Debug)]
enum Owner {
    Gateway { node: NodeId, region: u16 },
    Host(CapturePoint),
    Nobody { reason: DropReason, decision: Decision },
}

/// The VPCs' addresses come first, then those that are only allocated, then the hosts'.
fn owners(build: &Build<'_>) -> FxHashMap<Ipv4Addr, Owner> {
    let (place, topology) = (build.place, build.topology);
    let mut owners = FxHashMap::default();
    let regions = regions(topology);
    for (public, owner) in &place.public_owners {
        let nobody = Owner::Nobody {
            reason: drop_reason::IGW_NO_MAPPING,
            decision: Decision::by(topology.component(owner.vpc)),
        };
        let gateway = place.fabric(owner.vpc).internet_gateway;
        let region = regions[topology.vpcs[owner.vpc].region.as_str()];
        owners.insert(*public, gateway.map_or(nobody, |node| Owner::Gateway { node, region }));
    }
    for (id, elastic_ip) in topology.elastic_ips.iter() {
        let reason = if elastic_ip.associated {
            drop_reason::DESTINATION_NOT_MODELLED
        } else {
            drop_reason::IGW_NO_MAPPING
        };
        let decision = Decision::by(topology.component(id));
        owners.entry(elastic_ip.address).or_insert(Owner::Nobody { reason, decision });
    }
    for (id, host) in topology.internet_hosts.iter() {
        let point = place.capture_points_of(id.into()).next();
        let host_owner = Owner::Host(point.expect("placing named the point"));
        owners.entry(host.address).or_insert(host_owner);
    }
    owners
}

/// The regions of the VPCs, numbered.
fn regions(topology: &Topology) -> BTreeMap<&str, u16> {
    let names: BTreeSet<&str> = topology.vpcs.iter().map(|(_, vpc)| vpc.region.as_str()).collect();
    names.into_iter().zip(0..).collect()
}

/// One way between any two regions of the design.
#[derive(Clone, Debug)]
struct RegionLatencies {
    region_count: usize,
    rows: Vec<Span>,
}

impl RegionLatencies {
    fn new(topology: &Topology) -> Self {
        let regions = regions(topology);
        let row = |one: &str| -> Vec<Span> {
            let between = |other: &&str| topology.settings.latency_between_regions(one, other);
            regions.keys().map(between).collect()
        };
        Self { region_count: regions.len(), rows: regions.keys().flat_map(|one| row(one)).collect() }
    }

    /// The only latency, where there is one region.
    fn only(&self) -> Option<Span> {
        match self.rows[..] {
            [only] => Some(only),
            _ => None,
        }
    }

    fn between(&self, one: u16, other: u16) -> Span {
        self.rows[usize::from(one) * self.region_count + usize::from(other)]
    }
}

/// The least time to live that gets through.
const TTL_MIN: u8 = 2;

/// Where the internet takes a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    ToGateway { node: NodeId, region: u16 },
    ToHost,
}

/// The running internet.
#[derive(Clone, Debug)]
pub struct InternetDevice {
    owners: Arc<FxHashMap<Ipv4Addr, Owner>>,
    hosts: NodeId,
    latency: Span,
    regions: Arc<RegionLatencies>,
    answers: bool,
    /// The addresses of AWS's services.
    services: Arc<[Ipv4Net]>,
    /// Undeclared addresses that sent something, where such addresses are nobody's otherwise.
    senders: FxHashSet<Ipv4Addr>,
}

impl Node for InternetDevice {
    fn process(&mut self, context: &mut Context<'_>, port: Port, packet: Handle) -> Step {
        let Some(key) = context.packet(packet).key() else {
            return Step::drop(drop_reason::MALFORMED, Decision::NONE);
        };
        if port == ARRIVING {
            self.capture(context, packet, key.destination(), Direction::Inbound);
            context.repeats(Repeat::ALWAYS);
            return Step::Forward {
                to: self.hosts,
                port: Port(0),
            };
        }
        if port == FROM_HOSTS {
            self.capture(context, packet, key.source(), Direction::Outbound);
            if !self.answers {
                self.senders.insert(key.source());
            }
        }
        match self.way(key.destination()) {
            Ok(way) => self.carry(context, port, packet, way),
            Err((reason, decision)) => Step::drop(reason, decision),
        }
    }

    /// It only learns senders, and forgets none.
    fn repeats(&self) -> bool {
        true
    }
}

impl InternetDevice {
    /// Who gets what is sent to the address.
    fn way(&self, destination: Ipv4Addr) -> Result<Way, (DropReason, Decision)> {
        match self.owners.get(&destination) {
            Some(Owner::Gateway { node, region }) => Ok(Way::ToGateway { node: *node, region: *region }),
            Some(Owner::Host(_)) => Ok(Way::ToHost),
            Some(Owner::Nobody { reason, decision }) => Err((*reason, *decision)),
            None if self.is_somebody(destination) || self.is_service(destination) => Ok(Way::ToHost),
            None => Err((drop_reason::NO_SUCH_INTERNET_HOST, Decision::NONE)),
        }
    }

    /// Whether an address that nobody declared has a host: if all have one, or it has sent something.
    fn is_somebody(&self, address: Ipv4Addr) -> bool {
        (self.answers || self.senders.contains(&address)) && !is_unusable(address)
    }

    /// Whether an address is one of AWS's services, which are there whether the rest of the internet answers or not.
    fn is_service(&self, address: Ipv4Addr) -> bool {
        self.services.iter().any(|range| range.contains(&address))
    }

    fn carry(&self, context: &mut Context<'_>, port: Port, packet: Handle, way: Way) -> Step {
        match PathMtu::INTERNET.check(context.packet(packet)) {
            Fit::Whole => {}
            Fit::Fragments(fragments) => mtu::cut_again(context, packet, &fragments, port),
            Fit::TooBig => {
                let offending = context.packet(packet).bytes();
                let report = icmp_error::fragmentation_needed(ROUTER, offending, PathMtu::INTERNET.0);
                return self.refuse(context, packet, report, drop_reason::MTU_EXCEEDED);
            }
        }
        if context.packet(packet).summary().is_some_and(|summary| summary.ttl < TTL_MIN) {
            let report = icmp_error::time_exceeded(ROUTER, context.packet(packet).bytes());
            return self.refuse(context, packet, report, drop_reason::TTL_EXPIRED);
        }
        context.packet_mut(packet).decrement_ttl();
        let (to, next) = match way {
            Way::ToGateway { node, .. } => (node, internet_gateway::FROM_INTERNET),
            Way::ToHost => (context.node(), ARRIVING),
        };
        let delay = match way {
            Way::ToGateway { region, .. } if port == FROM_GATEWAY => {
                let source = context.packet(packet).key().map(vpcsim_wire::FlowKey::source);
                self.latency_between_vpcs(source, region)
            }
            _ => self.latency,
        };
        context.repeats(Repeat::ALWAYS.from_ttl(TTL_MIN).up_to_len(PathMtu::INTERNET.0));
        Step::ForwardAfter { to, port: next, delay }
    }

    /// The time from the VPC that has the source to one of this region.
    fn latency_between_vpcs(&self, source: Option<Ipv4Addr>, to: u16) -> Span {
        let owner = || source.and_then(|source| self.owners.get(&source));
        match self.regions.only() {
            Some(latency) => latency,
            None => match owner() {
                Some(Owner::Gateway { region, .. }) => self.regions.between(*region, to),
                _ => self.regions.between(to, to),
            },
        }
    }

    /// Drops the packet, and sends the report to its sender as if it came from a host.
    fn refuse(
        &self,
        context: &mut Context<'_>,
        packet: Handle,
        report: Option<Vec<u8>>,
        reason: DropReason,
    ) -> Step {
        let sender = context.packet(packet).key().map(|key| self.way(key.source()));
        if let (Some(report), Some(Ok(_))) = (report, sender) {
            let mac = gateway_mac(context.node());
            let report = context.emit(FrameHeader::ipv4(mac, mac), &report);
            context.forward(report, context.node(), FROM_HOSTS);
        }
        Step::drop(reason, Decision::NONE)
    }

    fn capture(&self, context: &mut Context<'_>, packet: Handle, host: Ipv4Addr, direction: Direction) {
        if context.is_observed()
            && let Some(Owner::Host(point)) = self.owners.get(&host)
        {
            context.capture(packet, *point, direction);
        }
    }
}

/// Undeclared addresses count as hosts: whoever asks about sets of packets asks who could be reached.
impl SetDevice for InternetDevice {
    fn pass(&self, _: Port, packets: &mut PacketSet, _: &mut SetWay) -> SetStep {
        packets.mark = 0;
        match self.owners.get(&packets.destination) {
            Some(Owner::Gateway { node, .. }) => SetStep::Forward(*node, internet_gateway::FROM_INTERNET),
            Some(Owner::Nobody { reason, decision }) => SetStep::Drop(*reason, *decision),
            None if is_unusable(packets.destination) => SetStep::Drop(drop_reason::NO_SUCH_INTERNET_HOST, Decision::NONE),
            Some(Owner::Host(_)) | None => SetStep::Deliver,
        }
    }
}

#[cfg(test)]
mod tests {
    use vpcsim_wire::PacketBuilder;

    use super::*;
    use crate::devices::ElasticIp;
    use crate::model::Label;
    use crate::stand::{self, Stand, ip};

    /// Two VPCs, of which the second has no gateway, two Elastic IP addresses without a place, and a laptop.
    fn design() -> Topology {
        let mut topology = Topology::named("internet", "eu-west-1");
        for (name, cidr, net, private, public) in [
            ("a", "10.0.0.0/16", "10.0.1.0/24", "10.0.1.5", "203.0.113.5"),
            ("b", "10.1.0.0/16", "10.1.1.0/24", "10.1.1.5", "203.0.113.6"),
        ] {
            let vpc = stand::vpc(&mut topology, name, &[cidr]);
            let subnet = stand::subnet(&mut topology, vpc, net);
            stand::interface(&mut topology, subnet, private, Some(public));
        }
        stand::internet_gateway(&mut topology, "igw", Some(Id::from_index(0)));
        for (address, associated) in [("203.0.113.20", false), ("203.0.113.21", true)] {
            topology.elastic_ips.push(ElasticIp {
                label: Label::named(address),
                address: ip(address),
                associated,
            });
        }
        laptop(&mut topology, "laptop", "198.51.100.7");
        topology
    }

    fn laptop(topology: &mut Topology, name: &str, address: &str) {
        topology.internet_hosts.push(InternetHost {
            label: Label::named(name),
            address: ip(address),
            listen: Vec::new(),
        });
    }

    fn stand_of(topology: &Topology) -> Stand {
        Stand::new(topology, &[Kind::InternetHost])
    }

    fn syn(from: &str, to: &str) -> PacketBuilder {
        PacketBuilder::tcp(ip(from), 40_000, ip(to), 443).flags(vpcsim_wire::tcp::SYN)
    }

    #[test]
    fn what_an_outside_host_sends_reaches_the_gateway_of_the_vpc_that_has_the_address() {
        let topology = design();
        let mut stand = stand_of(&topology);
        stand.send(stand.fixed.internet, FROM_HOSTS, &syn("198.51.100.7", "203.0.113.5").build());
        let arrival = stand.arrival(stand.node(Id::<crate::devices::InternetGateway>::from_index(0)));
        assert_eq!(arrival.port, internet_gateway::FROM_INTERNET);
        assert_eq!(arrival.time.as_ns(), topology.settings.latency_internet.as_ns());
        assert_eq!(arrival.summary().ttl, 63, "the internet takes one");
    }

    #[test]
    fn a_gateway_reaches_another_gateway_faster_than_a_host_outside() {
        let topology = design();
        let mut stand = stand_of(&topology);
        stand.send(
            stand.fixed.internet,
            FROM_GATEWAY,
            &syn("203.0.113.5", "203.0.113.5").build(),
        );
        let arrival = stand.arrival(stand.node(Id::<crate::devices::InternetGateway>::from_index(0)));
        assert_eq!(arrival.time.as_ns(), topology.settings.latency_cross_az.as_ns());
        assert_eq!(arrival.summary().ttl, 63);
    }

    #[test]
    fn a_gateway_of_another_region_is_reached_in_the_time_between_the_regions() {
        let mut topology = design();
        topology.vpcs[Id::from_index(1)].region = "us-east-1".into();
        stand::internet_gateway(&mut topology, "far", Some(Id::from_index(1)));
        let mut stand = stand_of(&topology);
        for (to, gateway, latency) in [
            ("203.0.113.6", 1, topology.settings.latency_cross_region),
            ("203.0.113.5", 0, topology.settings.latency_cross_az),
        ] {
            let sent = stand.network.now();
            stand.send(stand.fixed.internet, FROM_GATEWAY, &syn("203.0.113.5", to).build());
            let arrival = stand.arrival(stand.node(Id::<crate::devices::InternetGateway>::from_index(gateway)));
            assert_eq!((sent + latency).as_ns(), arrival.time.as_ns());
        }
    }

    #[test]
    fn a_declared_host_gets_packets_and_is_a_capture_point() {
        let mut stand = stand_of(&design());
        let (internet, hosts) = (stand.fixed.internet, stand.fixed.internet_hosts);
        stand.send(internet, FROM_GATEWAY, &syn("203.0.113.5", "198.51.100.7").build());
        let arrival = stand.arrival(hosts);
        assert_eq!(arrival.time.as_ns(), 10_000_000);
        stand.send(internet, FROM_HOSTS, &syn("198.51.100.7", "203.0.113.5").build());
        let points: Vec<_> = stand.captures().into_iter().map(|(name, way, _)| (name, way)).collect();
        assert_eq!(
            points,
            [
                ("laptop".to_owned(), Direction::Inbound),
                ("laptop".to_owned(), Direction::Outbound)
            ]
        );
    }

    #[test]
    fn an_unassociated_elastic_ip_is_answered_by_nobody() {
        let mut stand = stand_of(&design());
        let internet = stand.fixed.internet;
        stand.send(internet, FROM_HOSTS, &syn("198.51.100.7", "203.0.113.20").build());
        assert_eq!(stand.drops(), ["IGW_NO_MAPPING"]);
        stand.send(internet, FROM_HOSTS, &syn("198.51.100.7", "203.0.113.21").build());
        assert_eq!(stand.drops(), ["DESTINATION_NOT_MODELLED"], "somebody unknown has it");
        assert!(stand.arrivals(stand.fixed.internet_hosts).is_empty(), "no answer");
    }

    #[test]
    fn the_services_of_aws_are_there_even_if_nobody_else_answers() {
        let mut topology = design();
        topology.settings.internet_answers = false;
        let service = crate::aws_service::ServiceName::parse("com.amazonaws.eu-west-1.s3").unwrap();
        topology.prefix_lists.push(crate::aws_service::known_list(&service).unwrap());
        let mut stand = stand_of(&topology);
        let internet = stand.fixed.internet;
        stand.send(internet, FROM_GATEWAY, &syn("203.0.113.5", "52.218.0.1").build());
        assert_eq!(stand.arrival(stand.fixed.internet_hosts).key().destination_port(), 443);
        stand.send(internet, FROM_GATEWAY, &syn("203.0.113.5", "52.219.0.1").build());
        assert_eq!(stand.drops(), ["NO_SUCH_INTERNET_HOST"]);
    }

    #[test]
    fn a_public_address_of_a_vpc_without_gateway_cannot_be_reached() {
        let mut stand = stand_of(&design());
        stand.send(stand.fixed.internet, FROM_HOSTS, &syn("198.51.100.7", "203.0.113.6").build());
        assert_eq!(stand.drops(), ["IGW_NO_MAPPING"]);
    }

    #[test]
    fn undeclared_public_addresses_answer_if_the_settings_say_so() {
        let mut topology = design();
        let mut stand = stand_of(&topology);
        let (internet, hosts) = (stand.fixed.internet, stand.fixed.internet_hosts);
        stand.send(internet, FROM_GATEWAY, &syn("203.0.113.5", "8.8.8.8").build());
        assert_eq!(stand.arrivals(hosts).len(), 1);
        stand.send(internet, FROM_GATEWAY, &syn("203.0.113.5", "224.0.0.9").build());
        assert_eq!(stand.drops(), ["NO_SUCH_INTERNET_HOST"]);
        topology.settings.internet_answers = false;
        let mut stand = stand_of(&topology);
        stand.send(internet, FROM_GATEWAY, &syn("203.0.113.5", "8.8.8.8").build());
        stand.send(internet, FROM_GATEWAY, &syn("203.0.113.5", "198.51.100.7").build());
        assert_eq!(stand.drops(), ["NO_SUCH_INTERNET_HOST"]);
        assert_eq!(stand.arrivals(hosts).len(), 1, "a declared host answers all the same");
    }

    #[test]
    fn an_expired_packet_is_reported_to_its_sender() {
        let mut stand = stand_of(&design());
        let packet = syn("203.0.113.5", "198.51.100.7").ttl(1).build();
        stand.send(stand.fixed.internet, FROM_GATEWAY, &packet);
        assert_eq!(stand.drops(), ["TTL_EXPIRED"]);
        let arrival = stand.arrival(stand.node(Id::<crate::devices::InternetGateway>::from_index(0)));
        assert_eq!(arrival.summary().icmp_type, 11);
        assert_eq!((arrival.summary().source(), arrival.summary().destination()), (ROUTER, ip("203.0.113.5")));
    }

    #[test]
    fn nothing_larger_than_1500_bytes_crosses_the_internet() {
        let mut stand = stand_of(&design());
        let (internet, hosts) = (stand.fixed.internet, stand.fixed.internet_hosts);
        let large = |dont_fragment| {
            let builder = PacketBuilder::udp(ip("198.51.100.7"), 1, ip("203.0.113.5"), 2).payload(&[7; 2000]);
            builder.dont_fragment(dont_fragment).build()
        };
        let gateway = stand.node(Id::<crate::devices::InternetGateway>::from_index(0));
        stand.send(internet, FROM_HOSTS, &large(false));
        let lengths: Vec<_> = stand.arrivals(gateway).iter().map(|arrival| arrival.bytes.len()).collect();
        assert_eq!(lengths, [1500, 548]);
        stand.send(internet, FROM_HOSTS, &large(true));
        assert_eq!(stand.drops(), ["MTU_EXCEEDED"]);
        let report = stand.arrival(hosts).summary();
        assert_eq!((report.icmp_type, report.icmp_code), (3, 4));
    }

    #[test]
    fn an_outside_host_needs_a_public_address_of_its_own() {
        let mut topology = design();
        laptop(&mut topology, "phone", "198.51.100.7");
        laptop(&mut topology, "printer", "192.168.0.9");
        let codes = stand::codes(&topology);
        assert!(codes.contains(&"internet-host-address-shared"), "{codes:?}");
        assert!(codes.contains(&"internet-host-address-not-public"), "{codes:?}");
    }
}
