//! What AWS refuses of a NAT gateway, and what makes one useless.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;

use ipnet::Ipv4Net;

use super::{Connectivity, NatGateway, NatGatewayState};
use crate::devices::network_interface::Attachment;
use crate::devices::route_table::RouteTarget;
use crate::devices::{InternetGateway, NetworkInterface, RouteTable, Subnet};
use crate::model::{Finding, Findings, Id};
use crate::topology::Topology;

/// Addresses that a gateway can have (NAT-10).
const ADDRESS_COUNT_MAX: usize = 8;
/// Gateways that an account can have in an availability zone unless AWS raised it (NAT-42).
const ZONE_QUOTA: usize = 5;

pub(super) fn validate(id: Id<NatGateway>, topology: &Topology, findings: &mut Findings) {
    let Some(check) = Check::of(id, topology) else { return };
    check.addresses(findings);
    check.connectivity(findings);
    check.quota(findings);
    check.zones(findings);
}

/// Reports addresses of gateways that somebody else has: of all at once, since each would look through all interfaces.
pub(crate) fn check_taken_addresses(topology: &Topology, findings: &mut Findings) {
    let checks = topology.nat_gateways.ids().filter_map(|id| Check::of(id, topology));
    let checks: Vec<Check<'_>> = checks.collect();
    let wanted = checks.iter().flat_map(|check| &check.gateway.addresses);
    let mut owners: BTreeMap<Ipv4Addr, Vec<Id<NetworkInterface>>> =
        wanted.map(|address| (address.private, Vec::new())).collect();
    if owners.is_empty() {
        return;
    }
    for (id, interface) in topology.network_interfaces.iter() {
        for address in &interface.addresses {
            if let Some(owners) = owners.get_mut(&address.private) {
                owners.push(id);
            }
        }
    }
    for check in &checks {
        for private in check.gateway.addresses.iter().map(|address| address.private) {
            if let Some(other) = check.other_owner(private, &owners[&private]) {
                let message = format!("NAT gateway {} has {private}, which {other} has already", check.name);
                findings.push(check.error("nat-gateway-address-taken", "NAT-37", message));
            }
        }
    }
}

struct Check<'t> {
    id: Id<NatGateway>,
    gateway: &'t NatGateway,
    topology: &'t Topology,
    name: String,
}

impl<'t> Check<'t> {
    /// What is checked of a gateway; nothing of one that is over.
    fn of(id: Id<NatGateway>, topology: &'t Topology) -> Option<Self> {
        let gateway = &topology.nat_gateways[id];
        let is_over = matches!(gateway.state, NatGatewayState::Deleted | NatGatewayState::Failed);
        (!is_over).then(|| Self { id, gateway, topology, name: gateway.label.display() })
    }

    fn error(&self, code: &'static str, rule: &'static str, message: String) -> Finding {
        Finding::error(code, self.gateway.label.origin, message).rule(rule)
    }

    fn warning(&self, code: &'static str, rule: &'static str, message: String) -> Finding {
        Finding::warning(code, self.gateway.label.origin, message).rule(rule)
    }

    fn addresses(&self, findings: &mut Findings) {
        let (name, addresses) = (&self.name, &self.gateway.addresses);
        if addresses.is_empty() && self.gateway.state == NatGatewayState::Available {
            let message = format!("NAT gateway {name} has no private address");
            findings.push(self.error("nat-gateway-without-address", "NAT-37", message));
        }
        if addresses.len() > ADDRESS_COUNT_MAX {
            let message = format!("NAT gateway {name} has {} addresses, and can have eight", addresses.len());
            findings.push(self.error("nat-gateway-address-count", "NAT-10", message));
        }
        for (index, address) in addresses.iter().enumerate() {
            self.private_address(address.private, findings);
            let earlier = &addresses[..index];
            if earlier.iter().any(|other| other.private == address.private) {
                let message = format!("NAT gateway {name} has {} twice", address.private);
                findings.push(self.error("nat-gateway-address-twice", "NAT-10", message));
            }
        }
    }

    fn private_address(&self, private: Ipv4Addr, findings: &mut Findings) {
        let (name, subnet) = (&self.name, &self.topology.subnets[self.gateway.subnet]);
        let (cidr, net) = (subnet.cidr, subnet.label.display());
        if !cidr.contains(&private) {
            let message = format!("NAT gateway {name} has {private}, which is not in its subnet {net} ({cidr})");
            findings.push(self.error("nat-gateway-address-outside-subnet", "NAT-01", message));
        } else if is_reserved(cidr, private) {
            let message = format!("NAT gateway {name} has {private}, which AWS reserves in subnet {net} ({cidr})");
            let finding = self.error("nat-gateway-address-reserved", "SUB-03", message);
            findings.push(finding.help("the first four addresses of a subnet and the last one cannot be used"));
        }
    }

    /// Who else has the address in the VPC; an interface that is the gateway's own does not count.
    fn other_owner(&self, private: Ipv4Addr, interfaces: &[Id<NetworkInterface>]) -> Option<String> {
        let (topology, vpc) = (self.topology, self.topology.subnets[self.gateway.subnet].vpc);
        let in_vpc = |id: Id<Subnet>| topology.subnets.find(id).is_some_and(|other| other.vpc == vpc);
        let mut gateways = topology.nat_gateways.iter().take(self.id.index());
        let gateway = gateways.find(|(_, other)| {
            let has = other.addresses.iter().any(|address| address.private == private);
            has && in_vpc(other.subnet) && other.state != NatGatewayState::Deleted
        });
        if let Some((_, other)) = gateway {
            return Some(format!("NAT gateway {}", other.label.display()));
        }
        let interface = interfaces.iter().find(|id| {
            let interface = &topology.network_interfaces[**id];
            let is_own = self.gateway.network_interface == Some(**id) || interface.attachment == Attachment::Managed;
            !is_own && in_vpc(interface.subnet)
        });
        interface.map(|id| format!("network interface {}", topology.network_interfaces[*id].label.display()))
    }

    fn connectivity(&self, findings: &mut Findings) {
        let name = &self.name;
        let addresses = self.gateway.addresses.iter();
        if self.gateway.connectivity == Connectivity::Private {
            for public in addresses.filter_map(|address| address.public) {
                let message = format!("NAT gateway {name} is private and cannot have the Elastic IP {public}");
                findings.push(self.error("nat-gateway-private-with-public-address", "NAT-01", message));
            }
            return;
        }
        for address in addresses.filter(|address| address.public.is_none()) {
            let private = address.private;
            let message = format!("NAT gateway {name} is public, but its address {private} has no Elastic IP");
            let finding = self.error("nat-gateway-without-elastic-ip", "NAT-01", message);
            findings.push(finding.help("give it an Elastic IP, or make the gateway private"));
        }
        self.way_out(findings);
    }

    fn way_out(&self, findings: &mut Findings) {
        let (name, subnet) = (&self.name, &self.topology.subnets[self.gateway.subnet]);
        let mut gateways = self.topology.internet_gateways.iter();
        if !gateways.any(|(_, gateway)| gateway.vpc == Some(subnet.vpc)) {
            let vpc = self.topology.vpcs[subnet.vpc].label.display();
            let message = format!("NAT gateway {name} is public, but VPC {vpc} has no internet gateway");
            let finding = self.warning("nat-gateway-without-internet-gateway", "NAT-01", message);
            findings.push(finding.help("attach an internet gateway, or make the NAT gateway private"));
        } else if !self.routes_out() {
            let net = subnet.label.display();
            let message =
                format!("NAT gateway {name} is public, but its subnet {net} has no route to an internet gateway");
            let finding = self.warning("nat-gateway-in-private-subnet", "NAT-01", message);
            findings.push(finding.help("a public NAT gateway belongs into a subnet with 0.0.0.0/0 to the internet gateway"));
        }
    }

    fn routes_out(&self) -> bool {
        let table = self.topology.route_table_of(self.gateway.subnet);
        let Some(table) = table.and_then(|id| self.topology.route_tables.find(id)) else {
            return false;
        };
        table.routes.iter().any(|route| match &route.target {
            RouteTarget::Resource(any) => any.downcast::<InternetGateway>().is_some(),
            RouteTarget::Unmodelled(..) => true,
            RouteTarget::Local | RouteTarget::Missing(_) => false,
        })
    }

    fn quota(&self, findings: &mut Findings) {
        let place = |gateway: &NatGateway| {
            let subnet = &self.topology.subnets[gateway.subnet];
            (&subnet.availability_zone, &self.topology.vpcs[subnet.vpc].account)
        };
        let mine = place(self.gateway);
        let counts = |other: &NatGateway| {
            let is_gone = matches!(other.state, NatGatewayState::Deleted | NatGatewayState::Failed);
            !is_gone && place(other) == mine
        };
        let before = self.topology.nat_gateways.iter().take(self.id.index());
        if before.filter(|(_, other)| counts(other)).count() == ZONE_QUOTA {
            let message = format!("NAT gateway {} is the sixth in {}; the quota is five unless raised", self.name, mine.0);
            findings.push(self.warning("nat-gateway-quota", "NAT-42", message));
        }
    }
}

impl Check<'_> {
    /// Subnets that leave by a gateway of another zone, and stand still with that (NAT-43).
    fn zones(&self, findings: &mut Findings) {
        let topology = self.topology;
        let leads_here = |table: &RouteTable| {
            let here = RouteTarget::Resource(self.id.into());
            table.routes.iter().any(|route| route.target == here)
        };
        let tables: Vec<Id<RouteTable>> =
            topology.route_tables.iter().filter(|(_, table)| leads_here(table)).map(|(id, _)| id).collect();
        let zone = &topology.subnets[self.gateway.subnet].availability_zone;
        let far: Vec<String> = topology
            .subnets
            .iter()
            .filter(|(_, subnet)| subnet.availability_zone != *zone)
            .filter(|(id, _)| topology.route_table_of(*id).is_some_and(|table| tables.contains(&table)))
            .map(|(_, subnet)| format!("{} ({})", subnet.label.display(), subnet.availability_zone))
            .collect();
        if far.is_empty() {
            return;
        }
        let message = format!("NAT gateway {} in {zone} serves subnets of other zones: {}", self.name, far.join(", "));
        let finding = Finding::note("nat-gateway-in-another-zone", self.gateway.label.origin, message).rule("NAT-43");
        findings.push(finding.help("their traffic is charged between zones, and ends when this zone fails; give each zone a gateway of its own"));
    }
}

/// The first four addresses and the last one (SUB-03).
fn is_reserved(cidr: Ipv4Net, address: Ipv4Addr) -> bool {
    let offset = address.to_bits().wrapping_sub(cidr.network().to_bits());
    offset < 4 || address == cidr.broadcast()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::devices::nat_gateway::NatGatewayAddress;
    use crate::devices::nat_gateway::samples::{Design, nat_gateway};
    use crate::stand::{self, ip};

    fn codes(change: impl FnOnce(&mut Design)) -> Vec<&'static str> {
        let mut design = Design::new();
        change(&mut design);
        let codes = stand::codes(&design.topology);
        codes.into_iter().filter(|code| code.starts_with("nat-gateway")).collect()
    }

    fn gateway(design: &mut Design) -> &mut NatGateway {
        let id = design.nat;
        &mut design.topology.nat_gateways[id]
    }

    #[test]
    fn a_gateway_in_a_public_subnet_is_fine() {
        assert!(codes(|_| ()).is_empty());
    }

    #[test]
    fn a_public_gateway_needs_an_elastic_ip_and_a_private_one_has_none() {
        let found = codes(|design| gateway(design).addresses[0].public = None);
        assert_eq!(found, ["nat-gateway-without-elastic-ip"]);
        let found = codes(|design| gateway(design).connectivity = Connectivity::Private);
        assert_eq!(found, ["nat-gateway-private-with-public-address"]);
    }

    #[test]
    fn a_public_gateway_without_a_way_out_is_useless() {
        let found = codes(|design| design.topology.internet_gateways[Id::from_index(0)].vpc = None);
        assert_eq!(found, ["nat-gateway-without-internet-gateway"]);
        let found = codes(|design| design.topology.route_tables = crate::model::Table::default());
        assert_eq!(found, ["nat-gateway-in-private-subnet"]);
    }

    #[test]
    fn its_addresses_are_free_ones_of_its_subnet() {
        let found = codes(|design| gateway(design).addresses[0].private = ip("10.0.9.9"));
        assert_eq!(found, ["nat-gateway-address-outside-subnet"]);
        let found = codes(|design| gateway(design).addresses[0].private = ip("10.0.0.3"));
        assert_eq!(found, ["nat-gateway-address-reserved"]);
        let found = codes(|design| gateway(design).addresses[0].private = ip("10.0.0.9"));
        assert_eq!(found, ["nat-gateway-address-taken"], "by an interface");
        let found = codes(|design| {
            let copy = gateway(design).clone();
            design.topology.nat_gateways.push(copy);
        });
        assert_eq!(found, ["nat-gateway-address-taken"], "by a gateway");
        assert_eq!(codes(|design| gateway(design).addresses.clear()), ["nat-gateway-without-address"]);
    }

    #[test]
    fn a_ninth_address_and_a_sixth_gateway_of_a_zone_are_too_many() {
        let found = codes(|design| {
            gateway(design).addresses = (0..9)
                .map(|index| NatGatewayAddress {
                    private: Ipv4Addr::new(10, 0, 0, 100 + index),
                    public: Some(Ipv4Addr::new(203, 0, 113, 100 + index)),
                })
                .collect();
        });
        assert_eq!(found, ["nat-gateway-address-count"]);
        let found = codes(|design| {
            for last in 1..=5 {
                let (private, public) = (format!("10.0.0.{}", 100 + last), format!("203.0.113.{last}"));
                let subnet = gateway(design).subnet;
                nat_gateway(&mut design.topology, subnet, &private, Some(&public));
            }
        });
        assert_eq!(found, ["nat-gateway-quota"]);
    }

    #[test]
    fn subnets_of_another_zone_that_leave_by_the_gateway_are_named() {
        let through = |zone: &'static str| {
            codes(|design| {
                let far = design.topology.subnets.ids().nth(1).expect("there are two");
                let vpc = design.topology.subnets[far].vpc;
                let mut table = design.topology.route_tables[Id::from_index(0)].clone();
                table.main = false;
                table.vpc = vpc;
                table.routes[0].target = RouteTarget::Resource(design.nat.into());
                let table = design.topology.route_tables.push(table);
                let own = design.topology.subnets[design.public_subnet].availability_zone.clone();
                let subnet = &mut design.topology.subnets[far];
                subnet.route_table = Some(table);
                subnet.availability_zone = if zone == "same" { own } else { zone.to_owned() };
            })
        };
        assert_eq!(through("eu-west-1c"), ["nat-gateway-in-another-zone"]);
        assert!(through("same").is_empty());
    }

    #[test]
    fn what_failed_or_is_deleted_is_not_looked_at() {
        for state in [NatGatewayState::Failed, NatGatewayState::Deleted] {
            let found = codes(|design| {
                gateway(design).state = state;
                gateway(design).addresses.clear();
            });
            assert!(found.is_empty());
        }
    }
}
