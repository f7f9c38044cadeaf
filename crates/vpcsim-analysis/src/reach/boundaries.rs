//! Where the rules of a design cut the address space: between two cuts no rule tells one address from another.

use std::net::Ipv4Addr;

use ipnet::Ipv4Net;
use vpcsim_aws::Topology;
use vpcsim_aws::address_set::AddressRange;
use vpcsim_aws::devices::network_interface::NetworkInterface;
use vpcsim_aws::devices::prefix_list::PrefixList;
use vpcsim_aws::devices::route_table::{RouteDestination, RouteTarget};
use vpcsim_aws::devices::security_group::Peer;
use vpcsim_aws::public_address::is_unusable;
use vpcsim_aws::traffic::Direction;
use vpcsim_aws::{Compiled, Id};

/// The first addresses of all pieces, in ascending order; the first piece begins at 0.0.0.0.
#[derive(Clone, Debug)]
pub(crate) struct Boundaries {
    starts: Vec<u32>,
}

impl Boundaries {
    pub(crate) fn of(compiled: &Compiled) -> Self {
        let mut cuts = Cuts {
            topology: &compiled.topology,
            starts: vec![0],
        };
        cuts.add_networks();
        cuts.add_filters();
        cuts.add_routes();
        cuts.add_members_of_overlapping_networks();
        let mut starts = cuts.starts;
        starts.sort_unstable();
        starts.dedup();
        Self { starts }
    }

    /// The number of the piece that an address lies in.
    pub(crate) fn piece_of(&self, address: Ipv4Addr) -> u32 {
        self.starts.partition_point(|start| *start <= address.to_bits()) as u32 - 1
    }

    /// The pieces that hosts on the internet can have addresses in.
    pub(crate) fn outside(&self) -> impl Iterator<Item = AddressRange> {
        let ends = self.starts[1..].iter().map(|next| next - 1).chain([u32::MAX]);
        let pieces = self.starts.iter().zip(ends);
        let ranges =
            pieces.map(|(first, last)| AddressRange::new(Ipv4Addr::from(*first), Ipv4Addr::from(last)));
        ranges.filter(|range| !is_unusable(range.first()))
    }
}

/// The ranges of addresses that no host on the internet can have.
const UNUSABLE: [(Ipv4Addr, u8); 8] = [
    (Ipv4Addr::UNSPECIFIED, 8),
    (Ipv4Addr::new(10, 0, 0, 0), 8),
    (Ipv4Addr::new(100, 64, 0, 0), 10),
    (Ipv4Addr::new(127, 0, 0, 0), 8),
    (Ipv4Addr::new(169, 254, 0, 0), 16),
    (Ipv4Addr::new(172, 16, 0, 0), 12),
    (Ipv4Addr::new(192, 168, 0, 0), 16),
    (Ipv4Addr::new(224, 0, 0, 0), 3),
];

struct Cuts<'t> {
    topology: &'t Topology,
    starts: Vec<u32>,
}

impl Cuts<'_> {
    fn add(&mut self, net: Ipv4Net) {
        self.starts.push(net.network().to_bits());
        self.starts.extend(net.broadcast().to_bits().checked_add(1));
    }

    fn add_list(&mut self, list: Id<PrefixList>) {
        let topology = self.topology;
        for net in &topology.prefix_lists[list].entries {
            self.add(*net);
        }
    }

    fn add_destination(&mut self, destination: RouteDestination) {
        match destination {
            RouteDestination::Cidr(net) => self.add(net),
            RouteDestination::PrefixList(list) => self.add_list(list),
        }
    }

    fn add_networks(&mut self) {
        let topology = self.topology;
        let ranges = UNUSABLE.map(|(first, len)| Ipv4Net::new_assert(first, len));
        for net in ranges {
            self.add(net);
        }
        topology
            .vpcs
            .iter()
            .flat_map(|(_, vpc)| &vpc.cidrs)
            .for_each(|cidr| self.add(cidr.net));
        topology.service_ranges().for_each(|(net, _)| self.add(net));
        let declared = topology.internet_hosts.iter().map(|(_, host)| host.address);
        for address in declared {
            self.add(address.into());
        }
    }

    fn add_filters(&mut self) {
        let topology = self.topology;
        for (_, acl) in topology.network_acls.iter() {
            let entries = Direction::BOTH
                .into_iter()
                .flat_map(|direction| acl.entries(direction));
            for entry in entries {
                self.add(entry.cidr);
            }
        }
        for (_, group) in topology.security_groups.iter() {
            for rule in Direction::BOTH
                .into_iter()
                .flat_map(|direction| group.rules(direction))
            {
                match rule.peer {
                    Peer::Cidr(net) => self.add(net),
                    Peer::PrefixList(list) => self.add_list(list),
                    Peer::SecurityGroup(_) | Peer::Missing(_) => {}
                }
            }
        }
    }

    fn add_routes(&mut self) {
        let topology = self.topology;
        for (_, table) in topology.route_tables.iter() {
            for route in &table.routes {
                self.add_destination(route.destination);
                let RouteTarget::Resource(target) = route.target else {
                    continue;
                };
                if let Some(interface) = target.downcast::<NetworkInterface>() {
                    let addresses = &topology.network_interfaces[interface].addresses;
                    for address in addresses {
                        self.add(address.private.into());
                    }
                }
            }
        }
        for (_, table) in topology.transit_gateway_route_tables.iter() {
            for route in &table.routes {
                self.add_destination(route.destination);
            }
        }
    }

    /// A reference to a group means its members' addresses, which another VPC may have too.
    fn add_members_of_overlapping_networks(&mut self) {
        let topology = self.topology;
        let mut ranges: Vec<(Ipv4Net, usize)> = topology
            .vpcs
            .iter()
            .flat_map(|(id, vpc)| vpc.cidrs.iter().map(move |cidr| (cidr.net.trunc(), id.index())))
            .collect();
        ranges.sort_unstable_by_key(|(net, vpc)| (net.network(), net.prefix_len(), *vpc));
        let mut is_shared = vec![false; topology.vpcs.len()];
        let mut widest: Option<(Ipv4Net, usize)> = None;
        for (net, vpc) in ranges {
            match widest {
                Some((wide, other)) if wide.contains(&net) => {
                    is_shared[vpc] |= other != vpc;
                    is_shared[other] |= other != vpc;
                }
                _ => widest = Some((net, vpc)),
            }
        }
        if !is_shared.contains(&true) {
            return;
        }
        for (_, interface) in topology.network_interfaces.iter() {
            if is_shared[topology.subnets[interface.subnet].vpc.index()] {
                for address in &interface.addresses {
                    self.add(address.private.into());
                }
                for net in &interface.prefixes {
                    self.add(*net);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn boundaries(starts: &[&str]) -> Boundaries {
        let starts = starts
            .iter()
            .map(|start| start.parse::<Ipv4Addr>().unwrap().to_bits());
        Boundaries {
            starts: starts.collect(),
        }
    }

    #[test]
    fn addresses_between_two_cuts_lie_in_one_piece() {
        let cut = boundaries(&["0.0.0.0", "10.0.1.0", "10.0.2.0"]);
        let pieces = ["10.0.0.255", "10.0.1.0", "10.0.1.255", "10.0.2.0"]
            .map(|address| cut.piece_of(address.parse().unwrap()));
        assert_eq!(pieces, [0, 1, 1, 2]);
    }

    #[test]
    fn private_pieces_are_not_outside() {
        let cut = boundaries(&["0.0.0.0", "8.0.0.0", "10.0.0.0", "11.0.0.0", "224.0.0.0"]);
        let outside: Vec<String> = cut
            .outside()
            .map(|range| format!("{}-{}", range.first(), range.last()))
            .collect();
        assert_eq!(outside, ["8.0.0.0-9.255.255.255", "11.0.0.0-223.255.255.255"]);
    }
}
