//! Which of an attachment's interfaces a packet leaves by.

use smallvec::{SmallVec, smallvec};
use vpcsim_wire::Summary;

/// Numbers of interfaces; no region has more than six zones, so that a packet allocates nothing for them.
pub(super) type Choices = SmallVec<[usize; 6]>;

/// The interfaces among which a flow chooses, by their numbers among those of an attachment, which stand in the order of their
/// zones; `came_in` is the zone where the packet came in (TGW-04).
pub(super) fn by_affinity(zones: &[u16], came_in: Option<u16>) -> Choices {
    let at_home = came_in.and_then(|zone| zones.iter().position(|own| *own == zone));
    at_home.map_or_else(|| (0..zones.len()).collect(), |index| smallvec![index])
}

/// The same for an attachment with appliance mode; `ends` are the zones of the flow's ends, as far as they have one (TGW-07).
pub(super) fn by_appliance_mode(zones: &[u16], ends: [Option<u16>; 2]) -> Choices {
    let served: Choices = (0..zones.len()).filter(|&index| ends.contains(&Some(zones[index]))).collect();
    if served.is_empty() { (0..zones.len()).collect() } else { served }
}

/// Which of them the packet's flow takes, both ways alike.
pub(super) fn by_flow(choices: &[usize], packet: &Summary) -> Option<usize> {
    match choices {
        [] => None,
        [only] => Some(*only),
        _ => Some(choices[(flow_sum(packet) % choices.len() as u64) as usize]),
    }
}

/// A sum over addresses, ports and protocol that is the same for both ways of a flow.
fn flow_sum(packet: &Summary) -> u64 {
    let end = |address: std::net::Ipv4Addr, port: u16| u64::from(address.to_bits()) << 16 | u64::from(port);
    let has_ports = packet.has_ports() && !packet.is_fragment();
    let port = |port: u16| if has_ports { port } else { 0 };
    let source = end(packet.source(), port(packet.key.source_port()));
    let destination = end(packet.destination(), port(packet.key.destination_port()));
    let mixed = mix(source) ^ mix(destination);
    mix(mixed.wrapping_add(u64::from(packet.protocol().0))) >> 8
}

/// The finishing step of splitmix64, which spreads close values.
const fn mix(value: u64) -> u64 {
    let value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    value ^ (value >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::Ipv4Addr;

    use vpcsim_wire::{PacketBuilder, summarize};

    fn packet(port: u16, back: bool) -> Summary {
        let (client, server) = (Ipv4Addr::new(10, 0, 1, 10), Ipv4Addr::new(10, 1, 1, 20));
        let builder = if back {
            PacketBuilder::tcp(server, 443, client, port)
        } else {
            PacketBuilder::tcp(client, port, server, 443)
        };
        summarize(&builder.build()).unwrap()
    }

    #[test]
    fn a_packet_stays_in_the_zone_where_it_came_in() {
        assert_eq!(by_flow(&by_affinity(&[3, 5], Some(5)), &packet(40_000, false)), Some(1));
    }

    #[test]
    fn without_an_interface_in_its_zone_the_flow_decides_and_both_ways_alike() {
        let mut seen = [0; 2];
        for port in 40_000..41_000 {
            let there = by_flow(&by_affinity(&[3, 5], Some(9)), &packet(port, false)).unwrap();
            assert_eq!(by_flow(&by_affinity(&[3, 5], None), &packet(port, true)), Some(there));
            seen[there] += 1;
        }
        assert!(seen.iter().all(|count| *count > 300), "{seen:?}");
    }

    #[test]
    fn appliance_mode_takes_the_zone_of_both_ends() {
        for port in 40_000..40_100 {
            assert_eq!(by_flow(&by_appliance_mode(&[1, 2], [Some(2), Some(2)]), &packet(port, false)), Some(1));
        }
    }

    #[test]
    fn appliance_mode_takes_one_of_the_ends_zones_and_the_same_both_ways() {
        for port in 40_000..40_100 {
            let there = by_flow(&by_appliance_mode(&[0, 1, 2], [Some(1), Some(2)]), &packet(port, false));
            let back = by_flow(&by_appliance_mode(&[0, 1, 2], [Some(2), Some(1)]), &packet(port, true));
            assert_eq!(there, back);
            assert_ne!(there, Some(0));
        }
    }

    #[test]
    fn appliance_mode_takes_the_zone_of_the_only_end_that_has_one() {
        assert_eq!(by_flow(&by_appliance_mode(&[1, 2], [Some(2), None]), &packet(40_000, false)), Some(1));
    }

    #[test]
    fn appliance_mode_takes_any_zone_if_none_is_an_ends() {
        let chosen = (40_000..40_100).filter_map(|port| by_flow(&by_appliance_mode(&[3, 4], [Some(1), Some(2)]), &packet(port, false)));
        let chosen: std::collections::BTreeSet<usize> = chosen.collect();
        assert_eq!(chosen.len(), 2);
    }
}
