//! Addresses that a design leaves open: free ones, handed out in ascending order.

use std::collections::BTreeSet;
use std::net::Ipv4Addr;

use ipnet::Ipv4Net;
use rustc_hash::{FxHashMap, FxHashSet};
use vpcsim_aws::devices::Subnet;
use vpcsim_aws::{Finding, Findings, Id, Origin, Topology};

/// Stands for a private address that is left open.
pub(crate) const UNASSIGNED: Ipv4Addr = Ipv4Addr::UNSPECIFIED;

/// Addresses at the begin of a subnet that AWS keeps for itself (SUB-03); the last one is kept too.
const RESERVED_FIRST: u32 = 4;

/// Public addresses, handed out in ascending order around those that the input names.
#[derive(Debug)]
pub(crate) struct PublicPool {
    taken: BTreeSet<Ipv4Addr>,
    next: u32,
}

/// The ranges to hand out from: one for documentation, and when it is used up one of Amazon's.
const PUBLIC_RANGES: [Ipv4Net; 2] = [
    Ipv4Net::new_assert(Ipv4Addr::new(203, 0, 113, 0), 24),
    Ipv4Net::new_assert(Ipv4Addr::new(52, 0, 0, 0), 11),
];

impl PublicPool {
    /// A pool that keeps clear of these.
    pub(crate) fn around(taken: BTreeSet<Ipv4Addr>) -> Self {
        Self {
            taken,
            next: PUBLIC_RANGES[0].network().to_bits() + 1,
        }
    }

    /// The next address.
    pub(crate) fn take(&mut self) -> Ipv4Addr {
        loop {
            let address = Ipv4Addr::from_bits(self.next);
            self.next = if address == PUBLIC_RANGES[0].broadcast() {
                PUBLIC_RANGES[1].network().to_bits() + 1
            } else {
                self.next + 1
            };
            if !self.taken.contains(&address) && address != PUBLIC_RANGES[0].broadcast() {
                return address;
            }
        }
    }
}

/// Gives every interface and NAT gateway without a private address the first free one of its subnet.
pub(crate) fn assign_private(topology: &mut Topology, findings: &mut Findings) {
    let mut free = Free::of(topology);
    let interfaces: Vec<_> = topology.network_interfaces.ids().collect();
    for id in interfaces {
        let (subnet, origin) = (
            topology.network_interfaces[id].subnet,
            topology.network_interfaces[id].label.origin,
        );
        for address in &mut topology.network_interfaces[id].addresses {
            if address.private == UNASSIGNED {
                address.private = free.take(subnet, origin, findings);
            }
        }
    }
    let gateways: Vec<_> = topology.nat_gateways.ids().collect();
    for id in gateways {
        let gateway = &topology.nat_gateways[id];
        let (subnet, origin) = (gateway.subnet, gateway.label.origin);
        for address in &mut topology.nat_gateways[id].addresses {
            if address.private == UNASSIGNED {
                address.private = free.take(subnet, origin, findings);
            }
        }
    }
}

/// What is free in each subnet.
struct Free {
    taken: FxHashSet<(Id<Subnet>, Ipv4Addr)>,
    next: FxHashMap<Id<Subnet>, u32>,
    subnets: Vec<(Ipv4Net, String)>,
}

impl Free {
    fn of(topology: &Topology) -> Self {
        let interfaces = topology.network_interfaces.iter();
        let interfaces =
            interfaces.flat_map(|(_, row)| row.addresses.iter().map(|address| (row.subnet, address.private)));
        let gateways = topology.nat_gateways.iter();
        let gateways =
            gateways.flat_map(|(_, row)| row.addresses.iter().map(|address| (row.subnet, address.private)));
        let subnets = topology
            .subnets
            .iter()
            .map(|(_, row)| (row.cidr, row.label.name.clone()));
        Self {
            taken: interfaces.chain(gateways).collect(),
            next: FxHashMap::default(),
            subnets: subnets.collect(),
        }
    }

    fn take(&mut self, subnet: Id<Subnet>, origin: Origin, findings: &mut Findings) -> Ipv4Addr {
        let (cidr, name) = &self.subnets[subnet.index()];
        let next = self
            .next
            .entry(subnet)
            .or_insert(cidr.network().to_bits().saturating_add(RESERVED_FIRST));
        while *next < cidr.broadcast().to_bits() {
            let address = Ipv4Addr::from_bits(*next);
            *next += 1;
            if self.taken.insert((subnet, address)) {
                return address;
            }
        }
        let message = format!("subnet `{name}` ({cidr}) has no free address left");
        findings.push(Finding::error("subnet-full", origin, message).rule("SUB-03"));
        UNASSIGNED
    }
}
