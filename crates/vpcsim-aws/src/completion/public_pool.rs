//! Public addresses for whatever asks for one and is not told which.

use std::collections::BTreeSet;
use std::net::Ipv4Addr;

use ipnet::Ipv4Net;

use crate::topology::Topology;

/// The ranges to take from, in this order: those for documentation (RFC 5737), and when they are used up one of Amazon's.
const RANGES: [Ipv4Net; 4] = [
    Ipv4Net::new_assert(Ipv4Addr::new(203, 0, 113, 0), 24),
    Ipv4Net::new_assert(Ipv4Addr::new(198, 51, 100, 0), 24),
    Ipv4Net::new_assert(Ipv4Addr::new(192, 0, 2, 0), 24),
    Ipv4Net::new_assert(Ipv4Addr::new(52, 0, 0, 0), 11),
];

/// Hands out public addresses that nothing in a design has, in ascending order of each range.
#[derive(Clone, Debug)]
pub struct PublicAddressPool {
    taken: BTreeSet<Ipv4Addr>,
    private_ranges: Vec<Ipv4Net>,
    range: usize,
    next: u32,
}

impl PublicAddressPool {
    /// A pool that keeps clear of every address that the design declares, and of the VPCs' own ranges (CIDR-06).
    pub fn new(topology: &Topology) -> Self {
        let interfaces = topology.network_interfaces.iter();
        let interfaces = interfaces.flat_map(|(_, interface)| &interface.addresses);
        let gateways = topology.nat_gateways.iter();
        let gateways = gateways.flat_map(|(_, gateway)| &gateway.addresses);
        let taken = topology
            .elastic_ips
            .iter()
            .map(|(_, elastic)| elastic.address)
            .chain(topology.internet_hosts.iter().map(|(_, host)| host.address))
            .chain(
                topology
                    .regional_nat_gateways
                    .iter()
                    .flat_map(|(_, row)| row.addresses()),
            )
            .chain(interfaces.filter_map(|address| address.public))
            .chain(gateways.filter_map(|address| address.public));
        let vpcs = topology.vpcs.iter();
        Self {
            taken: taken.collect(),
            private_ranges: vpcs
                .flat_map(|(_, vpc)| vpc.cidrs.iter().map(|cidr| cidr.net))
                .collect(),
            range: 0,
            next: first_host(RANGES[0]),
        }
    }

    /// Keeps an address from being handed out.
    pub fn reserve(&mut self, address: Ipv4Addr) {
        self.taken.insert(address);
    }

    /// The next address, which is not handed out again; `None` when all are.
    pub fn take(&mut self) -> Option<Ipv4Addr> {
        loop {
            let range = RANGES.get(self.range)?;
            let address = Ipv4Addr::from(self.next);
            if address == range.broadcast() {
                self.range += 1;
                self.next = RANGES.get(self.range).copied().map_or(0, first_host);
                continue;
            }
            self.next += 1;
            let inside = self.private_ranges.iter().any(|net| net.contains(&address));
            if !inside && self.taken.insert(address) {
                return Some(address);
            }
        }
    }
}

fn first_host(range: Ipv4Net) -> u32 {
    u32::from(range.network()) + 1
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Id;
    use crate::services::fixture::shop;

    #[test]
    fn addresses_ascend_around_declared_ones() {
        let mut pool = PublicAddressPool::new(&shop());
        pool.reserve(Ipv4Addr::new(203, 0, 113, 2));
        let first: Vec<_> = (0..4).filter_map(|_| pool.take()).collect();
        let expected = [1, 3, 4, 6].map(|last| Ipv4Addr::new(203, 0, 113, last));
        assert_eq!(first, expected);
    }

    #[test]
    fn used_up_ranges_are_followed_by_the_next() {
        let mut pool = PublicAddressPool::new(&Topology::default());
        let all: Vec<_> = (0..763).filter_map(|_| pool.take()).collect();
        assert_eq!(all[253], Ipv4Addr::new(203, 0, 113, 254));
        assert_eq!(all[254], Ipv4Addr::new(198, 51, 100, 1));
        assert_eq!(all[508], Ipv4Addr::new(192, 0, 2, 1));
        assert_eq!(all[762], Ipv4Addr::new(52, 0, 0, 1));
    }

    #[test]
    fn ranges_of_a_vpc_are_not_handed_out() {
        let mut topology = shop();
        topology.vpcs[Id::from_index(0)].cidrs[0].net = "203.0.113.0/24".parse().unwrap();
        assert_eq!(
            PublicAddressPool::new(&topology).take(),
            Some(Ipv4Addr::new(198, 51, 100, 1))
        );
    }
}
