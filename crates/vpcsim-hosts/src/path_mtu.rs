//! What a host learned about the largest packet that a path takes (RFC 1191), and cutting segments to fit.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;

use vpcsim_engine::{Span, Time};
use vpcsim_wire::{Protocol, Summary, checksum, ipv4, tcp};

/// No path is taken to be narrower than what every host must accept.
pub const PATH_MTU_MIN: u16 = 576;
/// What was learned is forgotten after this, as the path may have changed (Linux: `mtu_expires`).
pub const EXPIRY: Span = Span::from_secs(600);

#[derive(Clone, Copy, Debug)]
struct Known {
    mtu: u16,
    expires: Time,
}

/// The path MTUs that a host has learned, by destination.
#[derive(Clone, Debug, Default)]
pub struct PathMtu {
    known: BTreeMap<Ipv4Addr, Known>,
}

impl PathMtu {
    /// Takes note of "fragmentation needed" about a packet to `destination`; only ever lowers what is known.
    pub fn learn(&mut self, destination: Ipv4Addr, next_hop_mtu: u16, now: Time) {
        let mtu = next_hop_mtu.max(PATH_MTU_MIN);
        if self.lookup(destination, now).is_none_or(|known| mtu < known) {
            self.known.insert(
                destination,
                Known {
                    mtu,
                    expires: now + EXPIRY,
                },
            );
        }
    }

    /// What the path to `destination` is known to take.
    pub fn lookup(&self, destination: Ipv4Addr, now: Time) -> Option<u16> {
        let known = self.known.get(&destination)?;
        (now < known.expires).then_some(known.mtu)
    }
}

/// Cuts a TCP segment into segments of at most `mtu` bytes that carry the same stream; `None` if it cannot be cut.
pub(crate) fn resegment(packet: &[u8], summary: &Summary, mtu: u16) -> Option<Vec<Vec<u8>>> {
    let headers_len = usize::from(summary.header_len) + usize::from(summary.l4_header_len);
    let payload = packet.get(headers_len..usize::from(summary.total_len))?;
    let room = usize::from(mtu)
        .checked_sub(headers_len)
        .filter(|&room| room > 0)?;
    if !summary.is_tcp() || summary.tcp_flags & tcp::SYN != 0 {
        return None;
    }
    let part_count = payload.len().div_ceil(room);
    let parts = payload.chunks(room).enumerate();
    Some(
        parts
            .map(|(index, part)| {
                let offset = (index * room) as u32;
                segment_part(
                    &packet[..headers_len],
                    summary,
                    part,
                    offset,
                    index + 1 == part_count,
                )
            })
            .collect(),
    )
}

fn segment_part(headers: &[u8], summary: &Summary, part: &[u8], offset: u32, is_last: bool) -> Vec<u8> {
    let mut packet = Vec::with_capacity(headers.len() + part.len());
    packet.extend_from_slice(headers);
    packet.extend_from_slice(part);
    let total_len = packet.len() as u16;
    let (ip, segment) = packet.split_at_mut(usize::from(summary.header_len));
    ip[ipv4::TOTAL_LEN_AT..][..2].copy_from_slice(&total_len.to_be_bytes());
    ip[ipv4::CHECKSUM_AT..][..2].fill(0);
    let sum = checksum::internet(ip);
    ip[ipv4::CHECKSUM_AT..][..2].copy_from_slice(&sum.to_be_bytes());
    let seq = u32::from_be_bytes([segment[4], segment[5], segment[6], segment[7]]).wrapping_add(offset);
    segment[4..8].copy_from_slice(&seq.to_be_bytes());
    if !is_last {
        segment[13] &= !(tcp::FIN | tcp::PSH);
    }
    segment[tcp::CHECKSUM_AT..][..2].fill(0);
    let sum = checksum::transport(summary.source(), summary.destination(), Protocol::TCP, segment);
    segment[tcp::CHECKSUM_AT..][..2].copy_from_slice(&sum.to_be_bytes());
    packet
}

#[cfg(test)]
mod tests {
    use vpcsim_wire::{PacketBuilder, summarize};

    use super::*;

    const HERE: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 1);
    const THERE: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 2);

    #[test]
    fn only_lower_values_count_and_they_expire_after_ten_minutes() {
        let mut path_mtu = PathMtu::default();
        path_mtu.learn(THERE, 1_500, Time::ZERO);
        path_mtu.learn(THERE, 8_500, Time::ZERO);
        assert_eq!(
            path_mtu.lookup(THERE, Time::from_ns(599_999_999_999)),
            Some(1_500)
        );
        assert_eq!(path_mtu.lookup(THERE, Time::ZERO + EXPIRY), None);
        assert_eq!(path_mtu.lookup(HERE, Time::ZERO), None);
        path_mtu.learn(THERE, 0, Time::ZERO);
        assert_eq!(path_mtu.lookup(THERE, Time::ZERO), Some(PATH_MTU_MIN));
    }

    #[test]
    fn a_cut_segment_carries_the_same_stream_with_right_checksums() {
        let data: Vec<u8> = (0..4_000_u32).map(|i| i as u8).collect();
        let builder = PacketBuilder::tcp(HERE, 1, THERE, 2)
            .flags(tcp::ACK | tcp::PSH | tcp::FIN)
            .seq(u32::MAX - 9);
        let packet = builder.payload(&data).build();
        let parts = resegment(&packet, &summarize(&packet).unwrap(), 1_500).unwrap();
        assert_eq!(
            parts.iter().map(Vec::len).collect::<Vec<_>>(),
            [1_500, 1_500, 1_120]
        );
        let mut stream = Vec::new();
        for (index, part) in parts.iter().enumerate() {
            let ip = ipv4::Packet::parse(part).unwrap();
            let segment = tcp::Segment::parse(ip.payload()).unwrap();
            assert!(ip.verify_checksum() && segment.verify_checksum(HERE, THERE));
            assert_eq!(segment.seq(), (u32::MAX - 9).wrapping_add(stream.len() as u32));
            assert_eq!(segment.flags() & tcp::FIN != 0, index == 2);
            stream.extend_from_slice(segment.payload());
        }
        assert_eq!(stream, data);
    }
}
