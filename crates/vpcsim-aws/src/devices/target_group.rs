//! Target group of a Network Load Balancer: who gets its flows, and how.
//!
//! # AWS semantics
//!
//! - The client's address is kept for instances and, of UDP, for addresses too; for addresses of TCP and TLS it is not, unless
//!   the group's attribute says otherwise (NLB-03).
//! - An instance is reached at the primary private address of its primary interface (ELB-09).
//! - Addresses as targets are private ones or those of the VPC, never public ones (ELB-08).
//! - Instances of other VPCs cannot be targets (ELB-09).
//! - Health checks are TCP every 30 s by default, fail after 10 s (HTTP: 6 s), and decide with 5 and 2 in a row; their numbers
//!   have limits (NLB-18).
//! - Too few healthy targets, by number or by percentage, move a zone out of the DNS or let all targets get flows; the minimum
//!   of the DNS is not the smaller one (ELB-06).

use std::net::Ipv4Addr;

use crate::arrangement::{Arrangement, Rank, Renumbering};
use crate::devices::load_balancer::ListenerProtocol;
use crate::devices::network_interface::Attachment;
use crate::devices::{Coverage, Instance, Kind, Resource, Vpc};
use crate::model::{Finding, Findings, Id, Label};
use crate::public_address::is_private;
use crate::topology::Topology;

/// A target group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TargetGroup {
    /// How it is called.
    pub label: Label,
    /// The VPC of its targets.
    pub vpc: Id<Vpc>,
    /// The protocol towards the targets.
    pub protocol: ListenerProtocol,
    /// The port of targets that name none.
    pub port: u16,
    /// What its targets are.
    pub target_type: TargetType,
    /// Its targets.
    pub targets: Vec<Target>,
    /// Whether targets see the client's address; `None` is the default of its kind (NLB-03).
    pub preserve_client_ip: Option<bool>,
    /// Whether targets of other zones get flows too; `None` follows the load balancer (NLB-09).
    pub cross_zone: Option<bool>,
    /// Whether one client address stays with one target (NLB-21).
    pub sticky: bool,
    /// How its targets are checked.
    pub health_check: HealthCheck,
    /// Below how many healthy targets a zone leaves the DNS (ELB-06).
    pub dns_failover: HealthMinimum,
    /// Below how many healthy targets all of them get flows (ELB-06).
    pub routing_failover: HealthMinimum,
    /// Whether flows to a target that becomes unhealthy are reset (NLB-16).
    pub resets_unhealthy: bool,
    /// Whether a header of the proxy protocol tells the targets the client's address.
    pub proxy_protocol: bool,
}

/// How the targets of a group are checked (NLB-18).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HealthCheck {
    /// What the check says.
    pub protocol: HealthProtocol,
    /// Its port; `None` is that of the traffic.
    pub port: Option<u16>,
    /// What an HTTP check asks for.
    pub path: String,
    /// The first and the last of each range of status codes that pass an HTTP check.
    pub codes: Vec<(u16, u16)>,
    /// So many seconds lie between two checks of a node.
    pub interval_s: u16,
    /// After so many seconds without an answer a check has failed; `None` is the default of its protocol.
    pub timeout_s: Option<u16>,
    /// So many checks in a row make an unhealthy target healthy.
    pub healthy_threshold: u16,
    /// So many failed checks in a row make a target unhealthy.
    pub unhealthy_threshold: u16,
}

impl Default for HealthCheck {
    fn default() -> Self {
        Self {
            protocol: HealthProtocol::Tcp,
            port: None,
            path: "/".to_owned(),
            codes: vec![(200, 399)],
            interval_s: 30,
            timeout_s: None,
            healthy_threshold: 5,
            unhealthy_threshold: 2,
        }
    }
}

impl HealthCheck {
    /// After how many seconds a check without an answer has failed (NLB-18).
    pub fn timeout_s(&self) -> u16 {
        let default = if self.protocol == HealthProtocol::Http { 6 } else { 10 };
        self.timeout_s.unwrap_or(default)
    }

    /// Reads status codes as AWS writes them: `200`, `200-299`, `200,301`.
    pub fn parse_codes(text: &str) -> Option<Vec<(u16, u16)>> {
        let range = |part: &str| {
            let (first, last) = part.trim().split_once('-').unwrap_or((part.trim(), part.trim()));
            Some((first.parse().ok()?, last.parse().ok()?))
        };
        text.split(',').map(range).collect()
    }

    /// The status codes as AWS writes them.
    pub fn codes_text(&self) -> String {
        let range = |(first, last): &(u16, u16)| {
            if first == last { first.to_string() } else { format!("{first}-{last}") }
        };
        self.codes.iter().map(range).collect::<Vec<String>>().join(",")
    }
}

/// What a health check says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum HealthProtocol {
    /// It opens a connection.
    #[default]
    Tcp,
    /// It asks for a path.
    Http,
    /// It asks for a path after a TLS handshake.
    Https,
}

impl HealthProtocol {
    /// The spellings.
    pub const NAMES: [(&'static str, Self); 3] = [("tcp", Self::Tcp), ("http", Self::Http), ("https", Self::Https)];
}

/// How many healthy targets are enough; one breach suffices (ELB-06).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HealthMinimum {
    /// So many; `None` is off.
    pub count: Option<u16>,
    /// Such a part of all, in percent; `None` is off.
    pub percent: Option<u8>,
}

impl Default for HealthMinimum {
    fn default() -> Self {
        Self { count: Some(1), percent: None }
    }
}

impl HealthMinimum {
    /// Whether `healthy` of `all` targets are enough.
    pub fn is_met(self, healthy: usize, all: usize) -> bool {
        let by_count = self.count.is_none_or(|count| healthy >= usize::from(count));
        let by_percent = self.percent.is_none_or(|percent| healthy * 100 >= all * usize::from(percent));
        by_count && by_percent
    }
}

/// What the targets of a group are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TargetType {
    /// Instances.
    #[default]
    Instance,
    /// Private addresses.
    Ip,
}

/// One target.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Target {
    /// Who it is.
    pub to: TargetAddress,
    /// Its port; `None` is the group's.
    pub port: Option<u16>,
    /// Its health, where the input says it.
    pub health: Option<TargetHealth>,
}

/// Who a target is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TargetAddress {
    /// An instance.
    Instance(Id<Instance>),
    /// A private address.
    Address(Ipv4Addr),
}

/// The health of a target.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TargetHealth {
    /// It passes its health checks.
    Healthy,
    /// It fails them.
    Unhealthy,
    /// It is being deregistered: it gets no new flows (ELB-07).
    Draining,
    /// Its checks have not decided yet (ELB-05).
    Initial,
}

impl TargetGroup {
    /// A group of addresses without targets.
    pub fn new(label: Label, vpc: Id<Vpc>, protocol: ListenerProtocol, port: u16) -> Self {
        Self {
            label,
            vpc,
            protocol,
            port,
            target_type: TargetType::Ip,
            targets: Vec::new(),
            preserve_client_ip: None,
            cross_zone: None,
            sticky: false,
            health_check: HealthCheck::default(),
            dns_failover: HealthMinimum::default(),
            routing_failover: HealthMinimum::default(),
            resets_unhealthy: true,
            proxy_protocol: false,
        }
    }

    /// Whether its targets see the client's address (NLB-03).
    pub fn keeps_client(&self) -> bool {
        let is_udp = matches!(self.protocol, ListenerProtocol::Udp | ListenerProtocol::TcpUdp);
        is_udp || self.preserve_client_ip.unwrap_or(self.target_type == TargetType::Instance)
    }

    /// Where a target is reached: its address and port (ELB-09).
    pub fn destination(&self, target: &Target, topology: &Topology) -> Option<(Ipv4Addr, u16)> {
        let address = match target.to {
            TargetAddress::Address(address) => address,
            TargetAddress::Instance(id) => primary_address(id, topology)?,
        };
        Some((address, target.port.unwrap_or(self.port)))
    }
}

fn primary_address(id: Id<Instance>, topology: &Topology) -> Option<Ipv4Addr> {
    let own = topology.network_interfaces.iter().filter_map(|(_, row)| match row.attachment {
        Attachment::Instance { instance, device_index } if instance == id => Some((device_index, row.primary()?)),
        _ => None,
    });
    own.min().map(|(_, address)| address)
}

impl Resource for TargetGroup {
    const KIND: Kind = Kind::TargetGroup;
    const NOUN: &'static str = "target group";
    const COVERAGE: Coverage = Coverage::of(
        "targets by instance and address, health checks, thresholds",
        "application load balancers as targets, weights",
    );

    fn label(&self) -> &Label {
        &self.label
    }

    fn vpc(id: Id<Self>, topology: &Topology) -> Option<Id<Vpc>> {
        Some(topology.target_groups[id].vpc)
    }

    fn rank(&self, _: Id<Self>, _: &Arrangement<'_>) -> Rank {
        Rank::of_vpc(self.vpc)
    }

    fn renumber(&mut self, order: &Renumbering) {
        order.id(&mut self.vpc);
        for target in &mut self.targets {
            if let TargetAddress::Instance(instance) = &mut target.to {
                order.id(instance);
            }
        }
    }

    fn validate(id: Id<Self>, topology: &Topology, findings: &mut Findings) {
        let group = &topology.target_groups[id];
        for target in &group.targets {
            group.check_target(target, topology, findings);
        }
        group.check_health(findings);
    }
}

impl TargetGroup {
    /// AWS takes only these numbers (NLB-18, ELB-06).
    fn check_health(&self, findings: &mut Findings) {
        let (check, name, origin) = (&self.health_check, self.label.display(), self.label.origin);
        let ranges = [
            ("the interval", check.interval_s, 5, 300),
            ("the timeout", check.timeout_s(), 2, 120),
            ("the healthy threshold", check.healthy_threshold, 2, 10),
            ("the unhealthy threshold", check.unhealthy_threshold, 2, 10),
        ];
        let codes = check.codes.iter().flat_map(|(first, last)| [*first, *last]);
        let codes = codes.map(|code| ("a success code", code, 200, 599));
        for (what, value, least, most) in ranges.into_iter().chain(codes) {
            if !(least..=most).contains(&value) {
                let message = format!("{what} of target group {name}'s health checks is {value}");
                let finding = Finding::error("health-check-range", origin, message).rule("NLB-18");
                findings.push(finding.help(format!("AWS takes {least} to {most}")));
            }
        }
        let (dns, routing) = (self.dns_failover.count, self.routing_failover.count);
        if dns.zip(routing).is_some_and(|(dns, routing)| dns < routing) {
            let message = format!("target group {name} needs fewer healthy targets for the DNS than for its flows");
            let finding = Finding::error("health-minimum-order", origin, message).rule("ELB-06");
            findings.push(finding.help("let the minimum for the DNS be at least the one for flows"));
        }
    }

    fn check_target(&self, target: &Target, topology: &Topology, findings: &mut Findings) {
        let (name, origin) = (self.label.display(), self.label.origin);
        let vpc = &topology.vpcs[self.vpc];
        let covers = |address: &Ipv4Addr| vpc.cidrs.iter().any(|cidr| cidr.net.contains(address));
        match target.to {
            TargetAddress::Address(address) if !covers(&address) && !is_private(address) => {
                let message = format!("target group {name} cannot have the target {address}, which is a public address");
                let finding = Finding::error("target-address", origin, message).rule("ELB-08");
                findings.push(finding.help("addresses as targets are private, or lie in the group's VPC"));
            }
            TargetAddress::Instance(id) if !is_in_vpc(id, self.vpc, topology) => {
                let message = format!(
                    "target group {name} cannot have the instance {}, which is in another VPC",
                    topology.instances[id].label.display()
                );
                let finding = Finding::error("target-outside-vpc", origin, message).rule("ELB-09");
                findings.push(finding.help("register it by its address in a group of target type ip"));
            }
            _ => {}
        }
    }
}

fn is_in_vpc(id: Id<Instance>, vpc: Id<Vpc>, topology: &Topology) -> bool {
    let mut interfaces = topology.network_interfaces.iter();
    let own = interfaces.find(|(_, row)| matches!(row.attachment, Attachment::Instance { instance, .. } if instance == id));
    own.is_none_or(|(_, row)| topology.subnets[row.subnet].vpc == vpc)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::devices::NetworkInterface;
    use crate::stand::{ip, subnet, vpc};

    /// A group of `targets`, and an instance with two interfaces at 10.0.1.5 and, first in the table, 10.0.1.6.
    fn design(target_type: TargetType, targets: Vec<TargetAddress>) -> (Topology, Id<TargetGroup>) {
        let mut topology = Topology::named("t", "eu-west-1");
        let home = vpc(&mut topology, "v", &["10.0.0.0/16", "203.0.113.0/24"]);
        let net = subnet(&mut topology, home, "10.0.1.0/24");
        let instance = Id::from_index(0);
        for (address, device_index) in [("10.0.1.6", 1), ("10.0.1.5", 0)] {
            let mut row = NetworkInterface::new(Label::named(address), net, ip(address));
            row.attachment = Attachment::Instance { instance, device_index };
            topology.network_interfaces.push(row);
        }
        let target = |to| Target { to, port: None, health: None };
        let group = topology.target_groups.push(TargetGroup {
            label: Label::named("web"),
            vpc: home,
            protocol: ListenerProtocol::Tcp,
            port: 80,
            target_type,
            targets: targets.into_iter().map(target).collect(),
            preserve_client_ip: None,
            cross_zone: None,
            sticky: false,
            health_check: HealthCheck::default(),
            dns_failover: HealthMinimum::default(),
            routing_failover: HealthMinimum::default(),
            resets_unhealthy: true,
            proxy_protocol: false,
        });
        (topology, group)
    }

    #[test]
    fn instances_see_the_client_and_addresses_only_that_of_udp() {
        let (mut topology, group) = design(TargetType::Ip, Vec::new());
        let group = &mut topology.target_groups[group];
        assert!(!group.keeps_client());
        group.target_type = TargetType::Instance;
        assert!(group.keeps_client());
        group.preserve_client_ip = Some(false);
        assert!(!group.keeps_client());
        group.protocol = ListenerProtocol::Udp;
        assert!(group.keeps_client(), "of UDP it is always kept");
    }

    #[test]
    fn an_instance_is_reached_at_its_primary_interface() {
        let (topology, group) = design(TargetType::Instance, vec![TargetAddress::Instance(Id::from_index(0))]);
        let group = &topology.target_groups[group];
        assert_eq!(group.destination(&group.targets[0], &topology), Some((ip("10.0.1.5"), 80)));
        let with_port = Target { port: Some(8080), ..group.targets[0] };
        assert_eq!(group.destination(&with_port, &topology), Some((ip("10.0.1.5"), 8080)));
    }

    #[test]
    fn public_addresses_outside_the_vpc_are_refused() {
        let count = |address: &str| {
            let (topology, group) = design(TargetType::Ip, vec![TargetAddress::Address(ip(address))]);
            let mut findings = Findings::default();
            TargetGroup::validate(group, &topology, &mut findings);
            findings.iter().filter(|finding| finding.code == "target-address").count()
        };
        let counts = ["198.51.100.5", "203.0.113.5", "10.9.9.9", "100.64.0.1", "172.16.4.4"].map(count);
        assert_eq!(counts, [1, 0, 0, 0, 0]);
    }

    #[test]
    fn health_checks_have_the_defaults_of_aws_and_its_limits() {
        let (mut topology, group) = design(TargetType::Ip, Vec::new());
        let check = &topology.target_groups[group].health_check;
        assert_eq!((check.protocol, check.port, check.interval_s, check.timeout_s()), (HealthProtocol::Tcp, None, 30, 10));
        assert_eq!((check.healthy_threshold, check.unhealthy_threshold), (5, 2));
        assert_eq!(check.codes, [(200, 399)]);
        let codes = |topology: &Topology| -> Vec<&'static str> {
            let mut findings = Findings::default();
            TargetGroup::validate(group, topology, &mut findings);
            findings.iter().map(|finding| finding.code).collect()
        };
        assert!(codes(&topology).is_empty());
        let check = &mut topology.target_groups[group].health_check;
        check.protocol = HealthProtocol::Http;
        assert_eq!(check.timeout_s(), 6);
        (check.interval_s, check.timeout_s, check.healthy_threshold) = (4, Some(121), 11);
        check.codes = vec![(200, 600)];
        assert_eq!(codes(&topology), ["health-check-range"; 4]);
        let group = &mut topology.target_groups[group];
        group.health_check = HealthCheck::default();
        group.routing_failover.count = Some(2);
        assert_eq!(codes(&topology), ["health-minimum-order"], "the default of the DNS is 1");
    }

    #[test]
    fn success_codes_are_single_ones_and_ranges() {
        let check = |text: &str| HealthCheck { codes: HealthCheck::parse_codes(text).unwrap(), ..HealthCheck::default() };
        assert_eq!(check("200-299, 301").codes, [(200, 299), (301, 301)]);
        assert_eq!(check("200-299,301").codes_text(), "200-299,301");
        assert_eq!(HealthCheck::parse_codes("ok"), None);
    }

    #[test]
    fn a_minimum_is_breached_by_number_or_by_percentage() {
        let minimum = HealthMinimum { count: Some(2), percent: Some(50) };
        assert!(minimum.is_met(5, 10));
        assert!(!minimum.is_met(4, 10), "40 percent");
        assert!(!minimum.is_met(1, 2), "one is too few");
        let off = HealthMinimum { count: None, percent: None };
        assert!(off.is_met(0, 10));
    }

    #[test]
    fn instances_of_another_vpc_are_refused() {
        let (mut topology, group) = design(TargetType::Instance, Vec::new());
        let other = vpc(&mut topology, "other", &["10.1.0.0/16"]);
        assert!(is_in_vpc(Id::from_index(0), topology.target_groups[group].vpc, &topology));
        assert!(!is_in_vpc(Id::from_index(0), other, &topology));
    }
}
