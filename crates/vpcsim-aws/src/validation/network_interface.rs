//! Network interfaces.
//!
//! # AWS semantics
//!
//! - An interface has at least one address, all of its subnet (ENI-01), and none if the subnet is full (SUB-07).
//! - The first four addresses of a subnet and the last are reserved (SUB-03).
//! - An instance's interface has at least one security group (ENI-01).
//! - A delegated prefix is a /28 of the subnet (ENI-12).
//! - Only the primary address of the primary interface gets a public address by itself (PIP-02), any other needs an Elastic
//!   IP (PIP-13).
//! - A public address needs a route to an internet gateway in its own subnet (PIP-11): answers leave by it.
//!
//! # Not checked
//!
//! - Whether a public address was asked for at a launch with several interfaces (PIP-03): they may have come later.

use std::net::Ipv4Addr;

use ipnet::Ipv4Net;

use crate::completion::RESERVED_FIRST;
use crate::devices::network_interface::Attachment;
use crate::devices::route_table::{Route, RouteTarget};
use crate::devices::{Kind, NetworkInterface, Subnet};
use crate::model::{Finding, Findings, Id, Label};
use crate::topology::Topology;

const DELEGATED_PREFIX_LEN: u8 = 28;

/// Reports what is wrong with an interface.
pub(crate) fn check(id: Id<NetworkInterface>, topology: &Topology, findings: &mut Findings) {
    let interface = &topology.network_interfaces[id];
    let Some(subnet) = topology.subnets.find(interface.subnet) else {
        return;
    };
    let (name, origin) = (interface.label.display(), interface.label.origin);
    if interface.addresses.is_empty() {
        let message = format!("network interface {name} has no private address");
        let finding = Finding::error("interface-without-address", origin, message).rule("SUB-07");
        findings.push(finding.help(format!(
            "give it a free address of {}, or make the subnet larger",
            subnet.cidr
        )));
    }
    if interface.security_groups.is_empty() && matches!(interface.attachment, Attachment::Instance { .. }) {
        let message = format!("network interface {name} has no security group");
        let finding = Finding::error("interface-without-security-group", origin, message);
        findings.push(
            finding
                .rule("ENI-01")
                .help("give it at least one, such as its VPC's default group"),
        );
    }
    check_sharing(interface, subnet, topology, findings);
    for address in &interface.addresses {
        check_address(interface, subnet, address.private, findings);
    }
    for prefix in &interface.prefixes {
        if prefix.prefix_len() != DELEGATED_PREFIX_LEN || !subnet.cidr.contains(prefix) {
            let message = format!(
                "network interface {name} cannot have the prefix {prefix} in a subnet of {}",
                subnet.cidr
            );
            let finding = Finding::error("interface-prefix", origin, message);
            findings.push(
                finding
                    .rule("ENI-12")
                    .help("delegate /28 ranges of the interface's own subnet"),
            );
        }
    }
    check_public(interface, topology, findings);
    check_way_back(interface, subnet, topology, findings);
}

fn check_address(interface: &NetworkInterface, subnet: &Subnet, address: Ipv4Addr, findings: &mut Findings) {
    let (name, cidr) = (interface.label.display(), subnet.cidr);
    let origin = interface.label.origin;
    if !cidr.contains(&address) {
        let message = format!(
            "network interface {name} has {address}, which is not in subnet {} ({cidr})",
            subnet.label.display()
        );
        let finding = Finding::error("address-outside-subnet", origin, message).rule("ENI-01");
        findings.push(finding.help(format!("choose an address of {}", assignable(cidr))));
    } else if is_reserved(cidr, address) {
        let message = format!("network interface {name} has {address}, which AWS keeps for itself in {cidr}");
        let finding = Finding::error("address-reserved", origin, message).rule("SUB-03");
        findings.push(finding.help(format!("choose an address of {}", assignable(cidr))));
    }
}

fn is_reserved(cidr: Ipv4Net, address: Ipv4Addr) -> bool {
    let offset = u32::from(address) - u32::from(cidr.network());
    offset < RESERVED_FIRST || address == cidr.broadcast()
}

/// The assignable addresses, in words.
fn assignable(cidr: Ipv4Net) -> String {
    let first = Ipv4Addr::from(u32::from(cidr.network()).saturating_add(RESERVED_FIRST));
    let last = Ipv4Addr::from(u32::from(cidr.broadcast()).saturating_sub(1));
    format!("{first} to {last}")
}

fn check_public(interface: &NetworkInterface, topology: &Topology, findings: &mut Findings) {
    let Attachment::Instance { device_index, .. } = interface.attachment else {
        return;
    };
    for (index, address) in interface.addresses.iter().enumerate() {
        let Some(public) = address.public else { continue };
        let declared = topology
            .elastic_ips
            .iter()
            .any(|(_, elastic)| elastic.address == public);
        if declared || (device_index == 0 && index == 0) {
            continue;
        }
        let (rule, place) = if device_index == 0 {
            ("PIP-02", "a secondary address")
        } else {
            ("PIP-13", "a secondary interface")
        };
        let message = format!(
            "public address {public} of network interface {} stands for {}, {place}, and is no Elastic IP",
            interface.label.display(),
            address.private
        );
        let finding = Finding::warning("public-address-not-elastic", interface.label.origin, message);
        findings.push(
            finding.rule(rule).help(
                "declare an Elastic IP: AWS gives a public address by itself to a primary address only",
            ),
        );
    }
}

/// Answers to what reaches a public address leave by the subnet's own route table: without a route that can lead them to the
/// internet gateway nobody outside ever gets one.
fn check_way_back(
    interface: &NetworkInterface,
    subnet: &Subnet,
    topology: &Topology,
    findings: &mut Findings,
) {
    if !matches!(interface.attachment, Attachment::Instance { .. }) {
        return;
    }
    let Some(public) = interface.addresses.iter().find_map(|address| address.public) else {
        return;
    };
    let mut gateways = topology.internet_gateways.iter();
    let table = topology.route_table_of(interface.subnet);
    let (true, Some(table)) = (
        gateways.any(|(_, gateway)| gateway.vpc == Some(subnet.vpc)),
        table.and_then(|id| topology.route_tables.find(id)),
    ) else {
        return;
    };
    if table.routes.iter().any(may_lead_outside) {
        return;
    }
    let message = format!(
        "network interface {} has the public address {public}, but subnet {} has no route to an internet gateway",
        interface.label.display(),
        subnet.label.display()
    );
    let finding = Finding::warning("public-address-without-way-back", interface.label.origin, message);
    findings.push(finding.rule("PIP-11").help(format!(
        "route 0.0.0.0/0 of route table {} to the internet gateway, or do without the public address",
        table.label.display()
    )));
}

/// Whether packets that follow the route may get to an internet gateway: by itself, or behind a middlebox or something that is
/// not modelled.
fn may_lead_outside(route: &Route) -> bool {
    match &route.target {
        RouteTarget::Resource(target) => matches!(
            target.kind,
            Kind::InternetGateway | Kind::Instance | Kind::NetworkInterface
        ),
        RouteTarget::Unmodelled(..) | RouteTarget::Missing(_) => true,
        RouteTarget::Local => false,
    }
}

/// In a shared VPC a participant places interfaces in subnets that are shared with it, with groups of its own.
fn check_sharing(
    interface: &NetworkInterface,
    subnet: &Subnet,
    topology: &Topology,
    findings: &mut Findings,
) {
    if !matches!(
        interface.attachment,
        Attachment::Instance { .. } | Attachment::None
    ) {
        return;
    }
    let vpc = &topology.vpcs[subnet.vpc];
    let owner = |label: &Label| label.account.clone().unwrap_or_else(|| vpc.account.clone());
    let (account, name, origin) = (
        owner(&interface.label),
        interface.label.display(),
        interface.label.origin,
    );
    if account != vpc.account && !subnet.shared_with.contains(&account) {
        let (subnet, vpc) = (subnet.label.display(), vpc.label.display());
        let message = format!(
            "subnet {subnet} of VPC {vpc} is not shared with account {account}, which owns network interface {name}"
        );
        let finding = Finding::error("subnet-not-shared", origin, message);
        findings.push(finding.help(format!(
            "add the account to the subnet: `shared_with: [\"{account}\"]`"
        )));
    }
    let groups = interface
        .security_groups
        .iter()
        .filter_map(|id| topology.security_groups.find(*id));
    for group in groups.filter(|group| owner(&group.label) != account) {
        let called = group.label.display();
        let message = format!(
            "network interface {name} of account {account} has security group {called} of another account"
        );
        let finding = Finding::error("security-group-of-another-account", origin, message);
        findings.push(
            finding.help(
                "a participant of a shared VPC makes groups of its own; the default group is the owner's",
            ),
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::devices::route_table::{RouteDestination, RouteSource};
    use crate::devices::{ElasticIp, InternetGateway};
    use crate::model::Origin;
    use crate::services::fixture::shop;

    fn codes(change: impl FnOnce(&mut NetworkInterface)) -> Vec<&'static str> {
        let mut topology = shop();
        topology.complete();
        change(&mut topology.network_interfaces[Id::from_index(0)]);
        found(&topology)
    }

    fn found(topology: &Topology) -> Vec<&'static str> {
        let mut findings = Findings::default();
        check(Id::from_index(0), topology, &mut findings);
        findings.iter().map(|finding| finding.code).collect()
    }

    fn with_address(text: &str) -> Vec<&'static str> {
        codes(|interface| interface.addresses[0].private = text.parse().unwrap())
    }

    #[test]
    fn an_interface_has_an_address_of_its_subnet() {
        assert!(codes(|_| ()).is_empty());
        assert_eq!(with_address("10.0.2.5"), ["address-outside-subnet"]);
        assert_eq!(
            codes(|interface| interface.addresses.clear()),
            ["interface-without-address"]
        );
    }

    #[test]
    fn the_first_four_addresses_and_the_last_are_reserved() {
        for reserved in ["10.0.1.0", "10.0.1.1", "10.0.1.2", "10.0.1.3", "10.0.1.255"] {
            assert_eq!(with_address(reserved), ["address-reserved"], "{reserved}");
        }
        for free in ["10.0.1.4", "10.0.1.254"] {
            assert!(with_address(free).is_empty(), "{free}");
        }
    }

    #[test]
    fn an_instances_interface_has_a_security_group() {
        let without = codes(|interface| interface.security_groups.clear());
        assert_eq!(without, ["interface-without-security-group"]);
        let managed = codes(|interface| {
            interface.security_groups.clear();
            interface.attachment = Attachment::Managed;
        });
        assert!(managed.is_empty());
    }

    #[test]
    fn a_participant_uses_shared_subnets_and_groups_of_its_own() {
        let guest = || Some("222222222222".to_owned());
        let mut topology = shop();
        topology.vpcs[Id::from_index(0)].account = "111111111111".to_owned();
        topology.complete();
        let interface = Id::from_index(0);
        topology.network_interfaces[interface].label.account = guest();
        let both = ["subnet-not-shared", "security-group-of-another-account"];
        assert_eq!(found(&topology), both, "the default group is the owner's");
        topology.subnets[Id::from_index(0)].shared_with.extend(guest());
        assert_eq!(found(&topology), both[1..]);
        let group = topology.network_interfaces[interface].security_groups[0];
        topology.security_groups[group].label.account = guest();
        assert!(found(&topology).is_empty());
        topology.network_interfaces[interface].label.account = None;
        assert_eq!(
            found(&topology),
            both[1..],
            "nor does the owner use a participant's group"
        );
    }

    #[test]
    fn a_delegated_prefix_is_a_28_of_the_subnet() {
        let with_prefix = |text: &str| codes(|interface| interface.prefixes.push(text.parse().unwrap()));
        assert!(with_prefix("10.0.1.16/28").is_empty());
        assert_eq!(with_prefix("10.0.1.16/29"), ["interface-prefix"]);
        assert_eq!(with_prefix("10.0.2.16/28"), ["interface-prefix"]);
    }

    #[test]
    fn answers_of_a_public_address_need_a_route_to_the_internet_gateway() {
        let mut topology = shop();
        let subnet = topology.network_interfaces[Id::from_index(0)].subnet;
        let vpc = topology.subnets[subnet].vpc;
        topology.complete();
        assert!(found(&topology).is_empty(), "no gateway is another finding");
        let gateway = topology.internet_gateways.push(InternetGateway {
            label: Label::named("igw"),
            vpc: Some(vpc),
            route_table: None,
        });
        assert_eq!(found(&topology), ["public-address-without-way-back"]);
        let table = topology.route_table_of(Id::from_index(0)).unwrap();
        topology.route_tables[table].routes.push(Route {
            destination: RouteDestination::Cidr("0.0.0.0/0".parse().unwrap()),
            target: RouteTarget::Resource(gateway.into()),
            source: RouteSource::Static,
            blackhole: false,
            origin: Origin::NOWHERE,
        });
        assert!(found(&topology).is_empty());
        topology.route_tables[table].routes.clear();
        topology.network_interfaces[Id::from_index(0)].addresses[0].public = None;
        assert!(found(&topology).is_empty(), "a private host needs no way out");
    }

    #[test]
    fn a_secondary_address_or_interface_gets_no_public_address_by_itself() {
        let secondary_address = |interface: &mut NetworkInterface| {
            let mut second = interface.addresses[0];
            interface.addresses[0].public = None;
            second.private = [10, 0, 1, 6].into();
            interface.addresses.push(second);
        };
        assert_eq!(codes(secondary_address), ["public-address-not-elastic"]);
        let secondary_interface = codes(|interface| {
            interface.attachment = Attachment::Instance {
                instance: Id::from_index(0),
                device_index: 1,
            };
        });
        assert_eq!(secondary_interface, ["public-address-not-elastic"]);
        let mut topology = shop();
        topology.complete();
        secondary_address(&mut topology.network_interfaces[Id::from_index(0)]);
        topology.elastic_ips.push(ElasticIp {
            label: Label::named("eip"),
            address: [203, 0, 113, 5].into(),
            associated: true,
        });
        assert!(found(&topology).is_empty());
    }
}
