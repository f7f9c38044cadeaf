//! Private addresses for interfaces and NAT gateways that are not told which.

use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;

use ipnet::Ipv4Net;

use crate::devices::{Subnet, Vpc};
use crate::model::Id;
use crate::topology::Topology;

/// The first four addresses of a subnet are AWS's own, as is the last (SUB-03).
pub const RESERVED_FIRST: u32 = 4;

/// Which addresses of the subnets are free.
pub(super) struct PrivateAddresses {
    taken: BTreeSet<(Id<Vpc>, Ipv4Addr)>,
    prefixes: Vec<(Id<Vpc>, Ipv4Net)>,
    next: BTreeMap<Id<Subnet>, u32>,
}

impl PrivateAddresses {
    /// Takes note of every address and delegated prefix that the design declares.
    pub(super) fn new(topology: &Topology) -> Self {
        let mut addresses = Self {
            taken: BTreeSet::new(),
            prefixes: Vec::new(),
            next: BTreeMap::new(),
        };
        for (_, interface) in topology.network_interfaces.iter() {
            let Some(subnet) = topology.subnets.find(interface.subnet) else {
                continue;
            };
            let declared = interface.addresses.iter();
            addresses
                .taken
                .extend(declared.map(|address| (subnet.vpc, address.private)));
            let prefixes = interface.prefixes.iter();
            addresses
                .prefixes
                .extend(prefixes.map(|prefix| (subnet.vpc, *prefix)));
        }
        for (_, gateway) in topology.nat_gateways.iter() {
            let Some(subnet) = topology.subnets.find(gateway.subnet) else {
                continue;
            };
            let declared = gateway.addresses.iter();
            addresses
                .taken
                .extend(declared.map(|address| (subnet.vpc, address.private)));
        }
        addresses
    }

    /// The lowest free address of a subnet, which is not handed out again; `None` if the subnet is full.
    pub(super) fn take(&mut self, topology: &Topology, id: Id<Subnet>) -> Option<Ipv4Addr> {
        let subnet = topology.subnets.find(id)?;
        let first = u32::from(subnet.cidr.network()).saturating_add(RESERVED_FIRST);
        let last = u32::from(subnet.cidr.broadcast());
        let next = self.next.entry(id).or_insert(first);
        while *next < last {
            let address = Ipv4Addr::from(*next);
            *next += 1;
            let mut prefixes = self.prefixes.iter();
            let delegated = prefixes.any(|(vpc, prefix)| *vpc == subnet.vpc && prefix.contains(&address));
            if !delegated && self.taken.insert((subnet.vpc, address)) {
                return Some(address);
            }
        }
        None
    }
}
