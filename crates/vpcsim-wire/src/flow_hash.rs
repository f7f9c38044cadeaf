//! A hash of a flow that is the same for both of its directions.
//!
//! A packet is hashed once, when it is summarized, and every table on its way uses that. The two ends are multiplied with each other, which does
//! not care for their order, and the halves of the product are folded into one another; a second such step spreads what is left of a pattern over
//! all bits.

use crate::FlowKey;

/// Sets the upper bits of an end, so that neither is small or zero; even, since an end's lowest bit has to stay.
const END_SEED: u64 = 0xa409_3822_299f_31d0;
const PROTOCOL_FACTOR: u64 = 0x9e37_79b9_7f4a_7c15;
const SPARE_FACTOR: u64 = 0xc2b2_ae3d_27d4_eb4f;
const LAST_FACTOR: u64 = 0xd6e8_feb8_6659_fd93;

/// The hash of a flow, without the spare bits of its key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FlowHash(u64);

impl FlowHash {
    /// The hash of a flow and of its answers.
    #[inline]
    pub const fn of(flow: FlowKey) -> Self {
        let (addresses, rest) = ((flow.0 >> 64) as u64, flow.0 as u64);
        let source = end(addresses >> 32, rest >> 40 & 0xffff);
        let destination = end(addresses & 0xffff_ffff, rest >> 24 & 0xffff);
        let protocol = (rest >> 56).wrapping_mul(PROTOCOL_FACTOR);
        Self(fold(source, destination).wrapping_add(protocol))
    }

    /// The hash of a key of the flow with these spare bits.
    #[inline]
    pub const fn with_spare(self, spare: u32) -> u32 {
        let sum = self.0.wrapping_add((spare as u64).wrapping_mul(SPARE_FACTOR));
        let hash = fold(sum, LAST_FACTOR);
        (hash >> 32) as u32 ^ hash as u32
    }
}

/// Always odd, so that no bit of the other end is lost in the product.
const fn end(address: u64, port: u64) -> u64 {
    (address << 17 | port << 1 | 1) ^ END_SEED
}

const fn fold(left: u64, right: u64) -> u64 {
    let product = left as u128 * right as u128;
    product as u64 ^ (product >> 64) as u64
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;
    use std::net::Ipv4Addr;

    use super::*;
    use crate::Protocol;

    fn hash(source: u32, port: u16, destination: u32, to_port: u16, protocol: u8) -> u32 {
        let (source, destination) = (Ipv4Addr::from(source), Ipv4Addr::from(destination));
        let key = FlowKey::new(source, destination, Protocol(protocol), port, to_port);
        let hash = FlowHash::of(key);
        assert_eq!(hash, FlowHash::of(key.reversed()));
        hash.with_spare(key.spare())
    }

    /// Of a thousand slots, two for each hash, how many are taken; by chance 393 are.
    fn taken_of_1000(hashes: &[u32], shift: u32) -> usize {
        let slot_count = hashes.len() * 2;
        let taken: HashSet<usize> = hashes
            .iter()
            .map(|hash| (hash >> shift) as usize % slot_count)
            .collect();
        taken.len() * 1_000 / slot_count
    }

    fn assert_spread(name: &str, hashes: impl Iterator<Item = u32>) {
        let hashes: Vec<u32> = hashes.collect();
        for shift in [0, 12] {
            let taken = taken_of_1000(&hashes, shift);
            assert!(taken > 380, "{name}, {shift}: {taken}");
        }
    }

    #[test]
    fn patterns_of_flows_spread_like_chance() {
        let client = 0x0a00_010a;
        let server = 0x0a01_0214;
        let ports = (0..32_768).map(|port| hash(client, 1_024 + port, server, 53, 17));
        assert_spread("source ports", ports);
        let ports = (0..32_768).map(|port| hash(client, 40_000, server, port, 6));
        assert_spread("destination ports", ports);
        let grid = (0..32_768).map(|flow: u32| hash(client + flow / 256, 5_000, server + flow % 256, 443, 6));
        assert_spread("addresses", grid);
        let both =
            (0..32_768).map(|flow: u16| hash(client, 1_000 + flow / 180, server, 2_000 + flow % 180, 17));
        assert_spread("both ports", both);
        let within = (0..32_768)
            .map(|flow: u32| hash(client + flow % 128, 1_000, client + 200 + flow / 128, 1_000, 17));
        assert_spread("one subnet", within);
    }

    #[test]
    fn protocol_and_spare_bits_count() {
        let key = FlowKey::new([10, 0, 0, 1].into(), [10, 0, 0, 2].into(), Protocol::UDP, 1, 2);
        let of = FlowHash::of(key);
        let spares: HashSet<u32> = (0..4_096).map(|spare| of.with_spare(spare)).collect();
        assert!(spares.len() > 4_090);
        assert_ne!(hash(1, 2, 3, 4, 6), hash(1, 2, 3, 4, 17));
    }
}
