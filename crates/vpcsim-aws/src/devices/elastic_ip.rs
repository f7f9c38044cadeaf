//! Elastic IP address: a public address that is allocated to the account, associated or not.
//!
//! What runs of it is the mapping in the [internet gateway](super::internet_gateway); here stand the rules for who may have
//! which public address.
//!
//! # AWS semantics
//!
//! - A public address stands for one private address (PIP-06).
//! - A private address has one Elastic IP address at the most (PIP-06).
//! - An address is allocated once (PIP-10).
//! - In a VPC without an internet gateway a public address works neither way (PIP-11).
//!
//! # Where AWS is silent
//!
//! - An Elastic IP address that is called associated, but that no resource of the design has, is reported as a note.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;

use crate::devices::nat_gateway::NatGatewayState;
use crate::devices::{Coverage, Kind, Resource, Vpc};
use crate::model::{Finding, Findings, Id, Label, Origin};
use crate::public_address::is_unusable;
use crate::topology::Topology;

/// An Elastic IP address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ElasticIp {
    /// How it is called.
    pub label: Label,
    /// The address.
    pub address: Ipv4Addr,
    /// Whether an interface or a gateway has it; else nobody answers at it.
    pub associated: bool,
}

impl Resource for ElasticIp {
    const KIND: Kind = Kind::ElasticIp;
    const NOUN: &'static str = "Elastic IP address";
    const COVERAGE: Coverage = Coverage::of(
        "association with interfaces and gateways",
        "border groups, address pools",
    );

    fn label(&self) -> &Label {
        &self.label
    }

    fn validate(id: Id<Self>, topology: &Topology, findings: &mut Findings) {
        let elastic_ip = &topology.elastic_ips[id];
        let (name, address, origin) = (
            elastic_ip.label.display(),
            elastic_ip.address,
            elastic_ip.label.origin,
        );
        if is_unusable(address) {
            let message = format!("Elastic IP address {name} is {address}, which is not a public address");
            findings.push(Finding::error("elastic-ip-not-public", origin, message).rule("PIP-10"));
        }
        let earlier = topology.elastic_ips.iter().take(id.index());
        for (_, other) in earlier.filter(|(_, other)| other.address == address) {
            let other = other.label.display();
            let message = format!("Elastic IP addresses {name} and {other} are both {address}");
            findings.push(Finding::error("elastic-ip-twice", origin, message).rule("PIP-10"));
        }
    }
}

/// One public address in use.
struct Mapping {
    vpc: Id<Vpc>,
    private: Ipv4Addr,
    owner: String,
    origin: Origin,
}

/// Reports what is wrong with the public addresses of interfaces and gateways.
pub(crate) fn validate_mappings(topology: &Topology, findings: &mut Findings) {
    let by_public = mappings(topology);
    let mut by_private = BTreeMap::new();
    for (public, mappings) in &by_public {
        report_sharing(*public, mappings, findings);
        let Some(first) = mappings.first() else { continue };
        let place = (first.vpc, first.private);
        if let Some(other) = by_private.insert(place, *public) {
            let (private, owner) = (first.private, &first.owner);
            let message = format!("{private} of {owner} has two public addresses, {other} and {public}");
            findings.push(Finding::error("private-address-with-two-public", first.origin, message).rule("PIP-06"));
        }
        report_uselessness(*public, first, topology, findings);
    }
    report_allocation(topology, &by_public, findings);
}

/// Who has which public address; an interface and its gateway that say the same count once.
fn mappings(topology: &Topology) -> BTreeMap<Ipv4Addr, Vec<Mapping>> {
    let mut by_public: BTreeMap<Ipv4Addr, Vec<Mapping>> = BTreeMap::new();
    let mut add = |public: Option<Ipv4Addr>, mapping: Mapping| {
        let Some(public) = public else { return };
        let known = by_public.entry(public).or_default();
        let is_known = |other: &Mapping| (other.vpc, other.private) == (mapping.vpc, mapping.private);
        if !known.iter().any(is_known) {
            known.push(mapping);
        }
    };
    for (_, interface) in topology.network_interfaces.iter() {
        for address in &interface.addresses {
            let mapping = Mapping {
                vpc: topology.subnets[interface.subnet].vpc,
                private: address.private,
                owner: format!("network interface {}", interface.label.display()),
                origin: address.origin,
            };
            add(address.public, mapping);
        }
    }
    let live = |state| !matches!(state, NatGatewayState::Deleted | NatGatewayState::Failed);
    for (_, gateway) in topology.nat_gateways.iter().filter(|(_, gateway)| live(gateway.state)) {
        for address in &gateway.addresses {
            let mapping = Mapping {
                vpc: topology.subnets[gateway.subnet].vpc,
                private: address.private,
                owner: format!("NAT gateway {}", gateway.label.display()),
                origin: gateway.label.origin,
            };
            add(address.public, mapping);
        }
    }
    by_public
}

fn report_sharing(public: Ipv4Addr, mappings: &[Mapping], findings: &mut Findings) {
    let [first, others @ ..] = mappings else { return };
    for other in others {
        let message = format!(
            "{public} is mapped to {} of {} and to {} of {}",
            first.private, first.owner, other.private, other.owner
        );
        let finding = Finding::error("public-address-shared", other.origin, message).rule("PIP-06");
        findings.push(finding.help("a public address stands for one private address"));
    }
}

fn report_uselessness(public: Ipv4Addr, mapping: &Mapping, topology: &Topology, findings: &mut Findings) {
    let (private, owner) = (mapping.private, &mapping.owner);
    if is_unusable(public) {
        let message = format!("{private} of {owner} has {public}, which is not a public address");
        findings.push(Finding::error("public-address-not-public", mapping.origin, message).rule("PIP-01"));
    }
    let mut gateways = topology.internet_gateways.iter();
    if !gateways.any(|(_, gateway)| gateway.vpc == Some(mapping.vpc)) {
        let vpc = topology.name_of(mapping.vpc);
        let message = format!("{public} of {owner} works neither way: VPC {vpc} has no internet gateway");
        let finding = Finding::warning("public-address-without-gateway", mapping.origin, message);
        findings.push(finding.rule("PIP-11").help("attach an internet gateway to the VPC"));
    }
    let mut hosts = topology.internet_hosts.iter();
    if let Some((_, host)) = hosts.find(|(_, host)| host.address == public) {
        let (host, origin) = (host.label.display(), host.label.origin);
        let message = format!("internet host {host} has {public}, the public address of {owner}");
        findings.push(Finding::error("internet-host-address-taken", origin, message).rule("IGW-07"));
    }
}

fn report_allocation(
    topology: &Topology,
    mappings: &BTreeMap<Ipv4Addr, Vec<Mapping>>,
    findings: &mut Findings,
) {
    for (_, elastic_ip) in topology.elastic_ips.iter() {
        let (name, address, origin) = (
            elastic_ip.label.display(),
            elastic_ip.address,
            elastic_ip.label.origin,
        );
        match (elastic_ip.associated, mappings.get(&address).and_then(|list| list.first())) {
            (true, None) => {
                let message = format!(
                    "Elastic IP address {name} ({address}) is associated, but no resource of the design has it: what is sent to it gets an unknown verdict"
                );
                findings.push(Finding::note("elastic-ip-owner-unknown", origin, message));
            }
            (false, Some(mapping)) => {
                let owner = &mapping.owner;
                let message =
                    format!("Elastic IP address {name} ({address}) is not associated, but {owner} has it");
                findings.push(Finding::warning("elastic-ip-contradiction", origin, message).rule("PIP-06"));
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stand::{self, ip};

    fn design(addresses: &[(&str, Option<&str>)]) -> Topology {
        let mut topology = Topology::named("addresses", "eu-west-1");
        let vpc = stand::vpc(&mut topology, "vpc", &["10.0.0.0/16"]);
        let subnet = stand::subnet(&mut topology, vpc, "10.0.1.0/24");
        for (private, public) in addresses {
            stand::interface(&mut topology, subnet, private, *public);
        }
        stand::internet_gateway(&mut topology, "igw", Some(vpc));
        topology
    }

    fn codes(topology: &Topology) -> Vec<&'static str> {
        let mut findings = Findings::default();
        validate_mappings(topology, &mut findings);
        for id in topology.elastic_ips.ids() {
            ElasticIp::validate(id, topology, &mut findings);
        }
        findings.iter().map(|finding| finding.code).collect()
    }

    fn allocate(topology: &mut Topology, address: &str, associated: bool) {
        topology.elastic_ips.push(ElasticIp {
            label: Label::named(address),
            address: ip(address),
            associated,
        });
    }

    #[test]
    fn each_private_address_with_a_public_one_of_its_own_is_fine() {
        let mut topology = design(&[("10.0.1.5", Some("203.0.113.5")), ("10.0.1.6", None)]);
        allocate(&mut topology, "203.0.113.5", true);
        allocate(&mut topology, "203.0.113.6", false);
        assert!(codes(&topology).is_empty());
    }

    #[test]
    fn a_public_address_cannot_stand_for_two_private_ones() {
        let topology = design(&[("10.0.1.5", Some("203.0.113.5")), ("10.0.1.6", Some("203.0.113.5"))]);
        assert_eq!(codes(&topology), ["public-address-shared"]);
    }

    #[test]
    fn a_private_address_cannot_have_two_public_ones() {
        let topology = design(&[("10.0.1.5", Some("203.0.113.5")), ("10.0.1.5", Some("203.0.113.6"))]);
        assert_eq!(codes(&topology), ["private-address-with-two-public"]);
    }

    #[test]
    fn a_gateway_and_its_interface_that_say_the_same_do_not_collide() {
        use crate::devices::nat_gateway::{Connectivity, NatGateway, NatGatewayAddress};
        let mut topology = design(&[("10.0.1.5", Some("203.0.113.5"))]);
        topology.nat_gateways.push(NatGateway {
            label: Label::named("nat"),
            subnet: Id::from_index(0),
            connectivity: Connectivity::Public,
            state: NatGatewayState::Available,
            addresses: vec![NatGatewayAddress {
                private: ip("10.0.1.5"),
                public: Some(ip("203.0.113.5")),
            }],
            network_interface: None,
        });
        assert!(codes(&topology).is_empty());
        topology.nat_gateways[Id::from_index(0)].addresses[0].private = ip("10.0.1.6");
        assert_eq!(codes(&topology), ["public-address-shared"]);
    }

    #[test]
    fn an_address_is_public_and_allocated_once() {
        let mut topology = design(&[]);
        allocate(&mut topology, "203.0.113.5", false);
        allocate(&mut topology, "203.0.113.5", false);
        allocate(&mut topology, "10.0.0.1", false);
        assert_eq!(codes(&topology), ["elastic-ip-twice", "elastic-ip-not-public"]);
        let topology = design(&[("10.0.1.5", Some("192.168.1.1"))]);
        assert_eq!(codes(&topology), ["public-address-not-public"]);
    }

    #[test]
    fn a_public_address_needs_an_internet_gateway() {
        let mut topology = design(&[("10.0.1.5", Some("203.0.113.5"))]);
        topology.internet_gateways[Id::from_index(0)].vpc = None;
        assert_eq!(codes(&topology), ["public-address-without-gateway"]);
    }

    #[test]
    fn contradictions_about_an_allocated_address_are_told() {
        let mut topology = design(&[("10.0.1.5", Some("203.0.113.5"))]);
        allocate(&mut topology, "203.0.113.5", false);
        allocate(&mut topology, "203.0.113.6", true);
        assert_eq!(codes(&topology), ["elastic-ip-contradiction", "elastic-ip-owner-unknown"]);
    }

    #[test]
    fn a_host_on_the_internet_cannot_have_an_address_of_a_vpc() {
        let mut topology = design(&[("10.0.1.5", Some("203.0.113.5"))]);
        topology.internet_hosts.push(crate::devices::InternetHost {
            label: Label::named("laptop"),
            address: ip("203.0.113.5"),
            listen: Vec::new(),
        });
        assert_eq!(codes(&topology), ["internet-host-address-taken"]);
    }
}
