//! Private addresses that two interfaces of a VPC claim.
//!
//! # AWS semantics
//!
//! - A private address is one interface's, within a VPC (ENI-01).
//! - An address of a delegated prefix is that interface's (ENI-12).

use std::collections::BTreeMap;
use std::net::Ipv4Addr;

use ipnet::Ipv4Net;

use crate::devices::{NetworkInterface, Vpc};
use crate::model::{Finding, Findings, Id};
use crate::topology::Topology;

/// Reports every address that is claimed twice.
pub(crate) fn check(topology: &Topology, findings: &mut Findings) {
    let prefixes = delegated(topology);
    let mut owners: BTreeMap<(Id<Vpc>, Ipv4Addr), Id<NetworkInterface>> = BTreeMap::new();
    for (id, interface) in topology.network_interfaces.iter() {
        let Some(subnet) = topology.subnets.find(interface.subnet) else {
            continue;
        };
        for address in &interface.addresses {
            let place = (subnet.vpc, address.private);
            let prefix = prefixes.range(..=place).next_back();
            let delegated = prefix.filter(|((vpc, _), (net, owner))| {
                *vpc == subnet.vpc && net.contains(&address.private) && *owner != id
            });
            let owner = owners
                .insert(place, id)
                .or_else(|| delegated.map(|(_, (_, owner))| *owner));
            if let Some(owner) = owner {
                report(topology, interface, owner, address.private, findings);
            }
        }
    }
}

type Prefixes = BTreeMap<(Id<Vpc>, Ipv4Addr), (Ipv4Net, Id<NetworkInterface>)>;

/// The delegated prefixes by their first address.
fn delegated(topology: &Topology) -> Prefixes {
    let mut prefixes = Prefixes::new();
    for (id, interface) in topology.network_interfaces.iter() {
        if let Some(subnet) = topology.subnets.find(interface.subnet) {
            let own = interface.prefixes.iter();
            prefixes.extend(own.map(|net| ((subnet.vpc, net.network()), (*net, id))));
        }
    }
    prefixes
}

fn report(
    topology: &Topology,
    interface: &NetworkInterface,
    owner: Id<NetworkInterface>,
    address: Ipv4Addr,
    findings: &mut Findings,
) {
    let message = format!(
        "network interface {} has {address}, which network interface {} has already",
        interface.label.display(),
        topology.network_interfaces[owner].label.display()
    );
    let finding = Finding::error("address-taken", interface.label.origin, message);
    findings.push(
        finding
            .rule("ENI-01")
            .help("give each interface of a VPC its own address"),
    );
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stand;

    fn codes(topology: &Topology) -> Vec<&'static str> {
        let mut findings = Findings::default();
        check(topology, &mut findings);
        findings.iter().map(|finding| finding.code).collect()
    }

    /// Two VPCs of the same range, each with one interface of this address, the first with a prefix.
    fn design() -> Topology {
        let mut topology = Topology::named("test", "eu-west-1");
        for name in ["shop", "copy"] {
            let vpc = stand::vpc(&mut topology, name, &["10.0.0.0/16"]);
            let subnet = stand::subnet(&mut topology, vpc, "10.0.1.0/24");
            stand::interface(&mut topology, subnet, "10.0.1.5", None);
        }
        topology.network_interfaces[Id::from_index(0)]
            .prefixes
            .push("10.0.1.16/28".parse().unwrap());
        topology
    }

    #[test]
    fn an_address_is_one_interfaces_within_a_vpc() {
        let mut topology = design();
        assert!(
            codes(&topology).is_empty(),
            "equal addresses of two VPCs never meet"
        );
        stand::interface(&mut topology, Id::from_index(1), "10.0.1.5", None);
        assert_eq!(codes(&topology), ["address-taken"]);
    }

    #[test]
    fn an_address_of_a_prefix_is_that_interfaces() {
        let mut topology = design();
        stand::interface(&mut topology, Id::from_index(1), "10.0.1.17", None);
        assert!(codes(&topology).is_empty());
        stand::interface(&mut topology, Id::from_index(0), "10.0.1.17", None);
        stand::interface(&mut topology, Id::from_index(0), "10.0.1.32", None);
        assert_eq!(codes(&topology), ["address-taken"]);
    }
}
