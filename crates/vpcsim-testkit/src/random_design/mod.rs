//! Random designs: everything that AWS would accept, much of which nobody would want.
//!
//! Ports are chosen so that no rule divides the ephemeral ports: which of them a NAT gateway picks is its own affair.

mod filters;
mod receivers;
mod routes;

use std::net::Ipv4Addr;

use vpcsim_aws::devices::block_public_access::{BlockMode, Excluded, Exclusion, ExclusionMode};
use vpcsim_aws::devices::nat_gateway::NatGatewayState;
use vpcsim_aws::devices::network_interface::InterfaceAddress;
use vpcsim_aws::devices::peering_connection::PeeringState;
use vpcsim_aws::devices::{
    BlockPublicAccess, NetworkAcl, NetworkInterface, PeeringConnection, RouteTable, SecurityGroup, Subnet,
    Vpc,
};
use vpcsim_aws::{Id, Label, Origin, Topology};
use vpcsim_engine::Random;

use crate::designs::{REGION, Sketch};

/// The ports that rules and flows are about.
pub(crate) const SERVICE_PORTS: [u16; 3] = [22, 80, 443];
/// Hosts on the internet that every design declares.
pub(crate) const INTERNET_HOSTS: [(&str, &str); 2] = [("laptop", "198.51.100.7"), ("mirror", "203.0.113.9")];
/// One of the streams of a seed's randomness.
const DESIGN_STREAM: u64 = 1;

/// The design of this seed.
pub fn random_design(seed: u64) -> Topology {
    made(seed).sketch.topology
}

/// The same with load balancers and endpoints, which the reference model does not know.
pub fn random_design_with_receivers(seed: u64) -> Topology {
    let mut maker = made(seed);
    maker.receivers();
    maker.sketch.topology
}

fn made(seed: u64) -> Maker {
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
    maker.regions();
    maker.peerings();
    maker.prefix_lists();
    maker.groups_and_acls();
    maker.hosts();
    maker.associate();
    maker.routes();
    maker.blocks();
    for (name, address) in INTERNET_HOSTS {
        maker.sketch.internet_host(name, address);
    }
    maker
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

    /// Some VPCs are in another region than the first.
    fn regions(&mut self) {
        let vpcs: Vec<Id<Vpc>> = self.sketch.topology.vpcs.ids().collect();
        for vpc in vpcs.into_iter().skip(1) {
            if self.percent(25) {
                "us-east-1".clone_into(&mut self.sketch.topology.vpcs[vpc].region);
                for id in subnets_of(&self.sketch.topology, vpc) {
                    let zone = &mut self.sketch.topology.subnets[id].availability_zone;
                    *zone = zone.replace(REGION, "us-east-1");
                }
            }
        }
    }

    /// Now and then Block Public Access is on in the first VPC's region, with exclusions.
    fn blocks(&mut self) {
        if !self.percent(15) {
            return;
        }
        let modes = [BlockMode::Bidirectional, BlockMode::Ingress];
        let mode = self.pick(&modes).unwrap_or_default();
        let topology = &self.sketch.topology;
        let vpcs = topology.vpcs.iter().filter(|(_, vpc)| vpc.region == REGION);
        let vpcs: Vec<Id<Vpc>> = vpcs.map(|(id, _)| id).collect();
        let subnets = vpcs
            .iter()
            .flat_map(|vpc| subnets_of(topology, *vpc))
            .map(Excluded::Subnet);
        let places: Vec<Excluded> = vpcs.iter().copied().map(Excluded::Vpc).chain(subnets).collect();
        let mut exclusions = Vec::new();
        for excluded in places {
            if self.percent(30) {
                let is_wide = mode == BlockMode::Ingress || self.percent(50);
                exclusions.push(Exclusion {
                    id: None,
                    excluded,
                    mode: if is_wide {
                        ExclusionMode::Bidirectional
                    } else {
                        ExclusionMode::Egress
                    },
                    origin: Origin::NOWHERE,
                });
            }
        }
        self.sketch.topology.block_public_access.push(BlockPublicAccess {
            label: Label::named("block"),
            account: String::new(),
            region: REGION.to_owned(),
            mode,
            exclusions,
        });
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
