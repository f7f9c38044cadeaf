//! Random designs: everything that AWS would accept, much of which nobody would want.
//!
//! Ports are chosen so that no rule divides the ephemeral ports: which of them a NAT gateway picks is its own affair.

use std::net::Ipv4Addr;

use vpcsim_aws::devices::nat_gateway::NatGatewayState;
use vpcsim_aws::devices::network_acl::NetworkAclEntry;
use vpcsim_aws::devices::network_interface::InterfaceAddress;
use vpcsim_aws::devices::peering_connection::PeeringState;
use vpcsim_aws::devices::route_table::{Route, RouteTarget};
use vpcsim_aws::devices::security_group::{Peer, SecurityGroupRule};
use vpcsim_aws::devices::{
    NetworkAcl, NetworkInterface, PeeringConnection, RouteTable, SecurityGroup, Subnet, Vpc,
};
use vpcsim_aws::traffic::{PortRange, Traffic};
use vpcsim_aws::{AnyId, Id, Origin, Topology};
use vpcsim_engine::Random;

use crate::designs::{Sketch, entry, net, route, route_to, rule};

/// The ports that rules and flows are about.
pub(crate) const SERVICE_PORTS: [u16; 3] = [22, 80, 443];
/// Hosts on the internet that every design declares.
pub(crate) const INTERNET_HOSTS: [(&str, &str); 2] = [("laptop", "198.51.100.7"), ("mirror", "203.0.113.9")];
/// One of the streams of a seed's randomness.
const DESIGN_STREAM: u64 = 1;

/// The design of this seed.
pub fn random_design(seed: u64) -> Topology {
    let mut maker = Maker {
        random: Random::new(seed, DESIGN_STREAM),
        sketch: Sketch::new("random"),
        publics: 0,
    };
    maker.sketch.topology.name = format!("random-{seed}");
    let vpc_count = 1 + maker.random.below(3);
    for number in 0..vpc_count {
        maker.vpc(number);
    }
    maker.peerings();
    maker.groups_and_acls();
    maker.hosts();
    maker.associate();
    maker.routes();
    for (name, address) in INTERNET_HOSTS {
        maker.sketch.internet_host(name, address);
    }
    maker.sketch.topology
}

struct Maker {
    random: Random,
    sketch: Sketch,
    publics: u8,
}

impl Maker {
    fn percent(&mut self, percent: u32) -> bool {
        self.random.chance_ppm(percent * 10_000)
    }

    fn pick<T: Clone>(&mut self, list: &[T]) -> Option<T> {
        list.get(self.random.below(list.len() as u64) as usize).cloned()
    }

    fn public_address(&mut self) -> String {
        self.publics += 1;
        format!("192.0.2.{}", self.publics)
    }

    /// A VPC with subnets, route tables and gateways; the tables are still empty.
    fn vpc(&mut self, number: u64) {
        let second = format!("10.{}.0.0/20", 110 + number);
        let first = format!("10.{}.0.0/16", 10 + number);
        let two = self.percent(20);
        let cidrs = if two {
            vec![first.as_str(), second.as_str()]
        } else {
            vec![first.as_str()]
        };
        let vpc = self.sketch.vpc(&format!("vpc{number}"), &cidrs);
        if self.percent(80) {
            self.sketch.internet_gateway(vpc, &format!("igw{number}"));
        }
        for table in 0..self.random.below(3) {
            self.sketch
                .route_table(vpc, &format!("rt{number}-{table}"), Vec::new());
        }
        for subnet in 0..=self.random.below(3) {
            let block = if two && subnet == 2 {
                110 + number
            } else {
                10 + number
            };
            let cidr = format!("10.{block}.{}.0/24", subnet + 1);
            let id = self
                .sketch
                .subnet(vpc, &format!("s{number}-{subnet}"), &cidr, None, None);
            if self.percent(40) {
                "eu-west-1c".clone_into(&mut self.sketch.topology.subnets[id].availability_zone);
            }
        }
        for nat in 0..self.random.below(3) {
            self.nat_gateway(vpc, &format!("nat{number}-{nat}"), 50 + nat);
        }
    }

    fn nat_gateway(&mut self, vpc: Id<Vpc>, name: &str, host: u64) {
        let subnets = subnets_of(&self.sketch.topology, vpc);
        let Some(subnet) = self.pick(&subnets) else { return };
        let private = nth(&self.sketch.topology, subnet, host as u8).to_string();
        let public = (self.has_gateway(vpc) && self.percent(85)).then(|| self.public_address());
        let id = self.sketch.nat_gateway(subnet, name, &private, public.as_deref());
        if self.percent(8) {
            self.sketch.topology.nat_gateways[id].state = NatGatewayState::Pending;
        }
    }

    fn has_gateway(&self, vpc: Id<Vpc>) -> bool {
        self.sketch
            .topology
            .internet_gateways
            .iter()
            .any(|(_, row)| row.vpc == Some(vpc))
    }

    fn peerings(&mut self) {
        let vpcs: Vec<Id<Vpc>> = self.sketch.topology.vpcs.ids().collect();
        for (index, &left) in vpcs.iter().enumerate() {
            for &right in &vpcs[index + 1..] {
                if self.percent(65) {
                    let name = format!("pcx{}-{}", left.index(), right.index());
                    let id = self.sketch.peering(&name, left, right);
                    if self.percent(12) {
                        self.sketch.topology.peering_connections[id].state = PeeringState::PendingAcceptance;
                    }
                }
            }
        }
    }

    /// Groups first without rules, so that rules can name any of them.
    fn groups_and_acls(&mut self) {
        for vpc in self.sketch.topology.vpcs.ids() {
            for number in 0..=self.random.below(3) {
                self.sketch.group(
                    vpc,
                    &format!("sg{}-{number}", vpc.index()),
                    Vec::new(),
                    Vec::new(),
                );
            }
            for number in 0..self.random.below(3) {
                let name = format!("acl{}-{number}", vpc.index());
                let (ingress, egress) = (self.acl_entries(vpc), self.acl_entries(vpc));
                self.sketch.network_acl(vpc, &name, ingress, egress);
            }
        }
        for group in self.sketch.topology.security_groups.ids() {
            if self.sketch.topology.security_groups[group].default {
                continue;
            }
            let ingress = self.group_rules(group);
            let egress = if self.percent(50) {
                vec![rule(Traffic::All, Peer::Cidr(net("0.0.0.0/0")))]
            } else {
                self.group_rules(group)
            };
            let row = &mut self.sketch.topology.security_groups[group];
            (row.ingress, row.egress) = (ingress, egress);
        }
    }

    fn acl_entries(&mut self, vpc: Id<Vpc>) -> Vec<NetworkAclEntry> {
        let mut entries: Vec<NetworkAclEntry> = Vec::new();
        for number in 1..=1 + self.random.below(4) {
            let (allow, traffic, cidr) = (self.percent(80), self.traffic(), self.cidr(vpc));
            entries.push(entry(number as u16 * 10, allow, traffic, &cidr));
        }
        if self.percent(50) {
            entries.push(entry(100, true, Traffic::All, "0.0.0.0/0"));
        }
        entries
    }

    fn traffic(&mut self) -> Traffic {
        let service = PortRange::single(SERVICE_PORTS[self.random.below(3) as usize]);
        let ephemeral = PortRange {
            first: 1_024,
            last: u16::MAX,
        };
        match self.random.below(9) {
            0 | 1 => Traffic::All,
            2 => Traffic::Tcp(PortRange::ALL),
            3 | 4 => Traffic::Tcp(service),
            5 => Traffic::Tcp(ephemeral),
            6 => Traffic::Udp(PortRange::single(53)),
            7 => Traffic::Udp(ephemeral),
            _ => Traffic::Icmp {
                icmp_type: self.percent(50).then_some(8),
                icmp_code: None,
            },
        }
    }

    /// A range that rules are about: everything, a VPC, a subnet, one host.
    fn cidr(&mut self, vpc: Id<Vpc>) -> String {
        let topology = &self.sketch.topology;
        let vpcs: Vec<String> = topology
            .vpcs
            .iter()
            .map(|(_, row)| row.cidrs[0].net.to_string())
            .collect();
        let subnets: Vec<String> = topology
            .subnets
            .iter()
            .map(|(_, row)| row.cidr.to_string())
            .collect();
        match self.random.below(6) {
            0..=2 => "0.0.0.0/0".to_owned(),
            3 => self
                .pick(&vpcs)
                .unwrap_or_else(|| topology_cidr(&self.sketch.topology, vpc)),
            4 => self
                .pick(&subnets)
                .unwrap_or_else(|| topology_cidr(&self.sketch.topology, vpc)),
            _ => "198.51.100.7/32".to_owned(),
        }
    }

    fn group_rules(&mut self, group: Id<SecurityGroup>) -> Vec<SecurityGroupRule> {
        let vpc = self.sketch.topology.security_groups[group].vpc;
        let count = self.random.below(4);
        (0..count)
            .map(|_| {
                let peer = if self.percent(40) {
                    let groups = self.groups_in_reach(vpc);
                    self.pick(&groups)
                        .map_or_else(|| Peer::Missing("sg-gone".to_owned()), Peer::SecurityGroup)
                } else {
                    Peer::Cidr(net(&self.cidr(vpc)))
                };
                rule(self.traffic(), peer)
            })
            .collect()
    }

    /// The groups of the VPC and of those that are peered with it, whatever the peering's state.
    fn groups_in_reach(&self, vpc: Id<Vpc>) -> Vec<Id<SecurityGroup>> {
        let topology = &self.sketch.topology;
        let peered = |other: Id<Vpc>| {
            topology.peering_connections.iter().any(|(_, row)| {
                let ends = [row.requester, row.accepter];
                ends.contains(&Some(vpc)) && ends.contains(&Some(other))
            })
        };
        let groups = topology.security_groups.iter();
        groups
            .filter(|(_, row)| row.vpc == vpc || peered(row.vpc))
            .map(|(id, _)| id)
            .collect()
    }

    fn hosts(&mut self) {
        for vpc in self.sketch.topology.vpcs.ids() {
            let subnets = subnets_of(&self.sketch.topology, vpc);
            for number in 0..2 + self.random.below(3) {
                let instance = self.sketch.instance(&format!("i{}-{number}", vpc.index()));
                self.sketch.topology.instances[instance].running = !self.percent(5);
                let interface_count = if self.percent(25) { 2 } else { 1 };
                for interface in 0..interface_count {
                    let Some(subnet) = self.pick(&subnets) else {
                        continue;
                    };
                    let host = (10 + number * 4 + interface * 2) as u8;
                    let private = nth(&self.sketch.topology, subnet, host);
                    let groups = self.some_groups(vpc);
                    let id = self
                        .sketch
                        .interface(instance, subnet, &private.to_string(), &groups);
                    self.dress(
                        id,
                        nth(&self.sketch.topology, subnet, host + 1),
                        self.has_gateway(vpc),
                    );
                }
            }
        }
    }

    fn some_groups(&mut self, vpc: Id<Vpc>) -> Vec<Id<SecurityGroup>> {
        let rows = self.sketch.topology.security_groups.iter();
        let own: Vec<_> = rows.filter(|(_, row)| row.vpc == vpc).map(|(id, _)| id).collect();
        let mut picked: Vec<_> = (0..=self.random.below(2))
            .filter_map(|_| self.pick(&own))
            .collect();
        picked.sort_unstable();
        picked.dedup();
        picked
    }

    /// Public and secondary addresses, and the source/destination check.
    fn dress(&mut self, interface: Id<NetworkInterface>, second: Ipv4Addr, may_be_public: bool) {
        if may_be_public && self.percent(45) {
            let public = self.public_address();
            self.sketch.public(interface, &public);
        }
        if self.percent(25) {
            let public =
                (may_be_public && self.percent(40)).then(|| crate::designs::address(&self.public_address()));
            let second = InterfaceAddress {
                private: second,
                public,
                origin: Origin::NOWHERE,
            };
            self.sketch.topology.network_interfaces[interface]
                .addresses
                .push(second);
        }
        let checked = !self.percent(15);
        self.sketch.topology.network_interfaces[interface].source_dest_check = checked;
    }

    /// Subnets choose a route table and a network ACL, or none.
    fn associate(&mut self) {
        for subnet in self.sketch.topology.subnets.ids() {
            let topology = &self.sketch.topology;
            let vpc = topology.subnets[subnet].vpc;
            let tables: Vec<Id<RouteTable>> =
                own(topology.route_tables.iter().map(|(id, row)| (id, row.vpc)), vpc);
            let acls: Vec<Id<NetworkAcl>> =
                own(topology.network_acls.iter().map(|(id, row)| (id, row.vpc)), vpc);
            let table = if self.percent(75) {
                self.pick(&tables)
            } else {
                None
            };
            let acl = if self.percent(60) { self.pick(&acls) } else { None };
            let row = &mut self.sketch.topology.subnets[subnet];
            (row.route_table, row.network_acl) = (table, acl);
        }
    }

    fn routes(&mut self) {
        for table in self.sketch.topology.route_tables.ids() {
            let vpc = self.sketch.topology.route_tables[table].vpc;
            let mut routes = Vec::new();
            if self.percent(85) {
                routes.push(self.default_route(vpc));
            }
            if self.percent(20) {
                let target = self.outward_target(vpc);
                routes.push(route_to("203.0.113.0/24", target));
            }
            self.peer_routes(vpc, &mut routes);
            if self.percent(12) {
                routes.extend(self.route_inside(vpc));
            }
            self.sketch.topology.route_tables[table].routes = routes;
        }
    }

    fn default_route(&mut self, vpc: Id<Vpc>) -> Route {
        let target = self.outward_target(vpc);
        route_to("0.0.0.0/0", target)
    }

    fn outward_target(&mut self, vpc: Id<Vpc>) -> RouteTarget {
        let topology = &self.sketch.topology;
        let gateway = topology
            .internet_gateways
            .iter()
            .find(|(_, row)| row.vpc == Some(vpc));
        let gateway = gateway.map(|(id, _)| AnyId::from(id));
        let gateways = topology
            .nat_gateways
            .iter()
            .filter(|(_, row)| topology.subnets[row.subnet].vpc == vpc);
        let gateways: Vec<AnyId> = gateways.map(|(id, _)| id.into()).collect();
        let peerings: Vec<AnyId> = peerings_of(topology, vpc)
            .into_iter()
            .map(|(id, _)| id.into())
            .collect();
        let interfaces = self.interfaces_in(vpc);
        let chosen = match self.random.below(10) {
            0..=4 => gateway,
            5..=7 => self.pick(&gateways).or(gateway),
            8 => self.pick(&peerings),
            _ => self.pick(&interfaces),
        };
        chosen.map_or_else(|| RouteTarget::Missing("gone".to_owned()), RouteTarget::Resource)
    }

    fn interfaces_in(&self, vpc: Id<Vpc>) -> Vec<AnyId> {
        let topology = &self.sketch.topology;
        let rows = topology.network_interfaces.iter();
        rows.filter(|(_, row)| topology.subnets[row.subnet].vpc == vpc)
            .map(|(id, _)| id.into())
            .collect()
    }

    /// Whole ranges or single subnets of the VPCs at the other ends, and now and then of one that is further away.
    fn peer_routes(&mut self, vpc: Id<Vpc>, routes: &mut Vec<Route>) {
        for (peering, other) in peerings_of(&self.sketch.topology, vpc) {
            let subnets = subnets_of(&self.sketch.topology, other);
            if self.percent(75) {
                let cidr = topology_cidr(&self.sketch.topology, other);
                routes.push(route(&cidr, peering));
            } else if let Some(subnet) = self.pick(&subnets) {
                let cidr = self.sketch.topology.subnets[subnet].cidr.to_string();
                routes.push(route(&cidr, peering));
            }
            let further = self
                .sketch
                .topology
                .vpcs
                .ids()
                .find(|id| *id != vpc && *id != other);
            if let Some(further) = further.filter(|_| self.random.chance_ppm(150_000)) {
                let cidr = topology_cidr(&self.sketch.topology, further);
                if !routes
                    .iter()
                    .any(|known| known.destination == route(&cidr, peering).destination)
                {
                    routes.push(route(&cidr, peering));
                }
            }
        }
        routes.dedup_by_key(|route| format!("{:?}", route.destination));
    }

    /// A route that is more specific than `local`, for a whole subnet (RT-07).
    fn route_inside(&mut self, vpc: Id<Vpc>) -> Option<Route> {
        let topology = &self.sketch.topology;
        let gateways = topology
            .nat_gateways
            .iter()
            .filter(|(_, row)| topology.subnets[row.subnet].vpc == vpc);
        let mut targets: Vec<AnyId> = gateways.map(|(id, _)| id.into()).collect();
        targets.extend(self.interfaces_in(vpc));
        let subnets = subnets_of(topology, vpc);
        let cidr = self
            .pick(&subnets)
            .map(|subnet| self.sketch.topology.subnets[subnet].cidr.to_string())?;
        self.pick(&targets).map(|target| route(&cidr, target))
    }
}

fn own<T>(rows: impl Iterator<Item = (Id<T>, Id<Vpc>)>, vpc: Id<Vpc>) -> Vec<Id<T>> {
    rows.filter(|(_, of)| *of == vpc).map(|(id, _)| id).collect()
}

fn subnets_of(topology: &Topology, vpc: Id<Vpc>) -> Vec<Id<Subnet>> {
    own(topology.subnets.iter().map(|(id, row)| (id, row.vpc)), vpc)
}

fn topology_cidr(topology: &Topology, vpc: Id<Vpc>) -> String {
    topology.vpcs[vpc].cidrs[0].net.to_string()
}

/// The peering connections of a VPC with the VPC at their other end.
fn peerings_of(topology: &Topology, vpc: Id<Vpc>) -> Vec<(Id<PeeringConnection>, Id<Vpc>)> {
    let other = |row: &PeeringConnection| match (row.requester, row.accepter) {
        (Some(requester), Some(accepter)) if requester == vpc => Some(accepter),
        (Some(requester), Some(accepter)) if accepter == vpc => Some(requester),
        _ => None,
    };
    let rows = topology.peering_connections.iter();
    rows.filter_map(|(id, row)| other(row).map(|other| (id, other)))
        .collect()
}

/// The address number `host` of a subnet.
pub(crate) fn nth(topology: &Topology, subnet: Id<Subnet>, host: u8) -> Ipv4Addr {
    let [a, b, c, _] = topology.subnets[subnet].cidr.network().octets();
    Ipv4Addr::new(a, b, c, host)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique_and_no_two_interfaces_share_an_address() {
        for seed in 0..200 {
            let topology = random_design(seed);
            let mut names: Vec<_> = topology
                .resources()
                .map(|any| topology.name_of(any).to_owned())
                .collect();
            let interfaces = topology
                .network_interfaces
                .iter()
                .flat_map(|(_, row)| row.addresses.clone());
            let mut addresses: Vec<_> = interfaces.map(|own| own.private).collect();
            let counts = (names.len(), addresses.len());
            names.sort();
            names.dedup();
            addresses.sort_unstable();
            addresses.dedup();
            assert_eq!((names.len(), addresses.len()), counts, "seed {seed}");
        }
    }
}
