//! What translators and routers change in a packet, in place and with incremental checksums.
//!
//! Every function takes the packet's bytes and, where it needs to know what lies where, the [`Summary`] read from them.
//! Functions that change the key take the summary mutably, so that both stay one. A checksum that was wrong stays
//! wrong, and a field that the bytes do not reach is left out.

use std::net::Ipv4Addr;

use crate::checksum::{self, update16, update32};
use crate::field::{read16, read32, write16, write32};
use crate::{FlowHash, Protocol, Summary, icmp, ipv4, summarize_embedded, tcp, udp};

/// One end of a flow: where its address and port lie in the headers.
#[derive(Clone, Copy)]
enum End {
    Source,
    Destination,
}

impl End {
    const fn address_at(self) -> usize {
        match self {
            Self::Source => ipv4::SOURCE_AT,
            Self::Destination => ipv4::DESTINATION_AT,
        }
    }

    const fn port_at(self) -> usize {
        match self {
            Self::Source => 0,
            Self::Destination => 2,
        }
    }
}

/// Gives the packet another sender: its address and, where `port` is given and the packet has one, its port.
///
/// The port of an ICMP query is its identifier. Non-initial fragments change only in the IPv4 header.
pub fn set_source(bytes: &mut [u8], summary: &mut Summary, ip: Ipv4Addr, port: Option<u16>) {
    set_end(bytes, summary, End::Source, ip, port);
}

/// Gives the packet another receiver: its address and, where `port` is given and the packet has one, its port.
///
/// The port of an ICMP query is its identifier. Non-initial fragments change only in the IPv4 header.
pub fn set_destination(bytes: &mut [u8], summary: &mut Summary, ip: Ipv4Addr, port: Option<u16>) {
    set_end(bytes, summary, End::Destination, ip, port);
}

fn set_end(bytes: &mut [u8], summary: &mut Summary, end: End, ip: Ipv4Addr, port: Option<u16>) {
    let Some((header, l4)) = split(bytes, summary) else {
        return;
    };
    let Some(old) = read32(header, end.address_at()) else {
        return;
    };
    let new = ip.to_bits();
    if old != new {
        write32(header, end.address_at(), new);
        patch(header, ipv4::CHECKSUM_AT, |sum| update32(sum, old, new));
    }
    if summary.fragment_offset == 0 {
        match summary.protocol() {
            Protocol::TCP => rewrite_ports(l4, tcp::CHECKSUM_AT, end, (old, new), port, |_, sum| sum),
            Protocol::UDP => rewrite_ports(l4, udp::CHECKSUM_AT, end, (old, new), port, settle_udp),
            Protocol::ICMP if summary.has_identifier() => rewrite_identifier(l4, port),
            _ => {}
        }
    }
    update_key(summary, end, ip, port);
}

/// Header and IPv4 payload, as far as the bytes reach; `None` when they end within the header.
fn split<'a>(bytes: &'a mut [u8], summary: &Summary) -> Option<(&'a mut [u8], &'a mut [u8])> {
    let (header, rest) = bytes.split_at_mut_checked(usize::from(summary.header_len))?;
    let l4_len = rest.len().min(usize::from(summary.l4_len));
    (header.len() >= ipv4::HEADER_LEN).then(|| (header, &mut rest[..l4_len]))
}

/// Replaces the checksum at `at` if it is there.
fn patch(bytes: &mut [u8], at: usize, update: impl FnOnce(u16) -> u16) {
    if let Some(sum) = read16(bytes, at) {
        write16(bytes, at, update(sum));
    }
}

/// Writes a port and brings the checksum up to date with it and with the address in the pseudo header; `settle` says what becomes of the old
/// checksum and the one that was worked out.
fn rewrite_ports(
    l4: &mut [u8],
    checksum_at: usize,
    end: End,
    address: (u32, u32),
    port: Option<u16>,
    settle: impl FnOnce(u16, u16) -> u16,
) {
    let (old_ip, new_ip) = address;
    let Some(old_port) = read16(l4, end.port_at()) else {
        return;
    };
    let new_port = port.unwrap_or(old_port);
    if (old_ip, old_port) == (new_ip, new_port) {
        return;
    }
    write16(l4, end.port_at(), new_port);
    patch(l4, checksum_at, |sum| {
        settle(sum, update16(update32(sum, old_ip, new_ip), old_port, new_port))
    });
}

/// In UDP a checksum of 0 means "none", so it stays, and a computed 0 is written as its other form, 0xffff.
const fn settle_udp(old: u16, new: u16) -> u16 {
    match (old, new) {
        (0, _) => 0,
        (_, 0) => 0xffff,
        (_, new) => new,
    }
}

/// ICMP has no pseudo header: only the identifier counts.
fn rewrite_identifier(l4: &mut [u8], identifier: Option<u16>) {
    let (Some(old), Some(new)) = (read16(l4, icmp::IDENTIFIER_AT), identifier) else {
        return;
    };
    if old != new {
        write16(l4, icmp::IDENTIFIER_AT, new);
        patch(l4, icmp::CHECKSUM_AT, |sum| update16(sum, old, new));
    }
}

fn update_key(summary: &mut Summary, end: End, ip: Ipv4Addr, port: Option<u16>) {
    let key = summary.key;
    let port = port.filter(|_| summary.has_ports() || summary.has_identifier());
    summary.key = match end {
        End::Source => key.with_source(ip, port.unwrap_or(key.source_port())),
        End::Destination => key.with_destination(ip, port.unwrap_or(key.destination_port())),
    };
    if let (true, Some(identifier)) = (summary.has_identifier(), port) {
        let (key, source, destination) = (summary.key, summary.source(), summary.destination());
        summary.key = key
            .with_source(source, identifier)
            .with_destination(destination, identifier);
    }
    summary.hash = FlowHash::of(summary.key);
}

/// Takes one off the time to live and returns what is left; 0 stays 0.
///
/// The caller keeps its summary up to date: `summary.ttl = decrement_ttl(bytes)`.
#[inline]
pub fn decrement_ttl(bytes: &mut [u8]) -> u8 {
    let ttl = bytes.get(ipv4::TTL_AT).copied().unwrap_or(0).saturating_sub(1);
    set_ttl(bytes, ttl);
    ttl
}

/// Sets the time to live.
#[inline]
pub fn set_ttl(bytes: &mut [u8], ttl: u8) {
    let Some(header) = bytes.first_chunk_mut::<{ ipv4::HEADER_LEN }>() else {
        return;
    };
    let old = u16::from_be_bytes([header[ipv4::TTL_AT], header[ipv4::PROTOCOL_AT]]);
    header[ipv4::TTL_AT] = ttl;
    let new = u16::from_be_bytes([ttl, header[ipv4::PROTOCOL_AT]]);
    if old != new {
        patch(header, ipv4::CHECKSUM_AT, |sum| update16(sum, old, new));
    }
}

/// Lowers the maximum segment size that a SYN states to `max`; returns whether it did.
#[inline]
pub fn clamp_mss(bytes: &mut [u8], summary: &Summary, max: u16) -> bool {
    let may_offer = summary.is_tcp() && !summary.is_later_fragment() && summary.tcp_flags & tcp::SYN != 0;
    may_offer && clamp_offered_mss(bytes, summary, max)
}

#[inline(never)]
fn clamp_offered_mss(bytes: &mut [u8], summary: &Summary, max: u16) -> bool {
    let Some((_, l4)) = split(bytes, summary) else {
        return false;
    };
    let Some(options) = l4.get(tcp::HEADER_LEN..usize::from(summary.l4_header_len)) else {
        return false;
    };
    let Some(at) = tcp::mss_at(options).map(|at| tcp::HEADER_LEN + at) else {
        return false;
    };
    let Some(old) = read16(l4, at).filter(|old| *old > max) else {
        return false;
    };
    write16(l4, at, max);
    // An option may start at an odd byte; its value then straddles two words, and counts with its bytes swapped.
    let (old, new) = if at % 2 == 0 {
        (old, max)
    } else {
        (old.swap_bytes(), max.swap_bytes())
    };
    patch(l4, tcp::CHECKSUM_AT, |sum| update16(sum, old, new));
    true
}

const SEQ_AT: usize = 4;
const ACK_AT: usize = 8;
/// Kind of the option with the selective acknowledgements (RFC 2018).
const OPTION_SACK: u8 = 5;

/// Adds to the sequence number of a TCP segment, as a device does that puts bytes into a connection.
pub fn add_to_seq(bytes: &mut [u8], summary: &Summary, delta: u32) {
    if !summary.is_tcp() || summary.is_later_fragment() {
        return;
    }
    let Some((_, l4)) = split(bytes, summary) else {
        return;
    };
    if let Some(old) = read32(l4, SEQ_AT) {
        let new = old.wrapping_add(delta);
        write32(l4, SEQ_AT, new);
        patch(l4, tcp::CHECKSUM_AT, |sum| update32(sum, old, new));
    }
}

/// Replaces what a TCP segment acknowledges: its acknowledgement number and the edges of selective acknowledgements.
pub fn map_acks(bytes: &mut [u8], summary: &Summary, map: impl Fn(u32) -> u32) {
    if !summary.is_tcp() || summary.is_later_fragment() || summary.tcp_flags & tcp::ACK == 0 {
        return;
    }
    let Some((_, l4)) = split(bytes, summary) else {
        return;
    };
    if let Some(old) = read32(l4, ACK_AT) {
        let new = map(old);
        write32(l4, ACK_AT, new);
        patch(l4, tcp::CHECKSUM_AT, |sum| update32(sum, old, new));
    }
    let Some(options) = l4.get_mut(tcp::HEADER_LEN..usize::from(summary.l4_header_len)) else {
        return;
    };
    let before = checksum::fold(checksum::sum(options));
    if let Some((at, len)) = tcp::option_at(options, OPTION_SACK) {
        for edge in (at..at + len).step_by(4) {
            if let Some(old) = read32(options, edge).filter(|_| edge + 4 <= at + len) {
                write32(options, edge, map(old));
            }
        }
    }
    let after = checksum::fold(checksum::sum(options));
    if before != after {
        patch(l4, tcp::CHECKSUM_AT, |sum| update16(sum, before, after));
    }
}

/// What to change in the packet inside an ICMP error; an address comes with the port or identifier, if that changes too.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct EmbeddedChange {
    /// New sender of the embedded packet.
    pub source: Option<(Ipv4Addr, Option<u16>)>,
    /// New receiver of the embedded packet.
    pub destination: Option<(Ipv4Addr, Option<u16>)>,
}

/// Rewrites the packet inside an ICMP error, its checksums as far as they are there, and the error's own checksum.
///
/// Returns whether there was such a packet. The outer addresses stay: they are the caller's to set. An embedded checksum of
/// which only the first byte was quoted cannot be brought up to date, and stays.
pub fn translate_embedded(bytes: &mut [u8], summary: &Summary, change: EmbeddedChange) -> bool {
    if !summary.is_icmp_error() {
        return false;
    }
    let Some((_, l4)) = split(bytes, summary) else {
        return false;
    };
    let Some(embedded) = l4.get_mut(icmp::HEADER_LEN..) else {
        return false;
    };
    let Ok(mut inner) = summarize_embedded(embedded) else {
        return false;
    };
    let before = checksum::fold(checksum::sum(embedded));
    if let Some((ip, port)) = change.source {
        set_source(embedded, &mut inner, ip, port);
    }
    if let Some((ip, port)) = change.destination {
        set_destination(embedded, &mut inner, ip, port);
    }
    let after = checksum::fold(checksum::sum(embedded));
    if before != after {
        patch(l4, icmp::CHECKSUM_AT, |sum| update16(sum, before, after));
    }
    true
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::samples::{self, HOST, ROUTER, SERVER, has_right_checksums};
    use crate::{PacketBuilder, fragment, icmp_error, summarize};

    const NAT: Ipv4Addr = Ipv4Addr::new(203, 0, 113, 9);

    /// What a set function does, redone from scratch: the key with the changes that fit the packet.
    fn expected_source(summary: &Summary, ip: Ipv4Addr, port: Option<u16>) -> crate::FlowKey {
        match port {
            Some(port) if summary.has_ports() => summary.key.with_source(ip, port),
            Some(id) if summary.has_identifier() => {
                crate::FlowKey::new(ip, summary.destination(), Protocol::ICMP, id, id)
            }
            _ => summary.key.with_source(ip, summary.key.source_port()),
        }
    }

    #[test]
    fn source_of_a_golden_datagram_is_rewritten_byte_by_byte() {
        let mut packet = PacketBuilder::udp(HOST, 53, SERVER, 1024).payload(b"hi").build();
        #[rustfmt::skip]
        let before = [
            0x45, 0, 0, 30, 0, 0, 0, 0, 64, 17, 0x63, 0xc4, 10, 0, 1, 5, 10, 0, 2, 7,
            0, 53, 4, 0, 0, 10, 0x7c, 0x30, b'h', b'i',
        ];
        assert_eq!(packet, before);
        let mut summary = summarize(&packet).unwrap();
        set_source(&mut packet, &mut summary, Ipv4Addr::new(10, 0, 1, 6), Some(54));
        let mut after = before;
        // One more in the address, and one more in the port: one less in the header's sum, two less in the datagram's.
        (after[15], after[11], after[21], after[27]) = (6, 0xc3, 54, 0x2e);
        assert_eq!(packet, after);
    }

    #[test]
    fn absent_udp_checksum_stays_absent() {
        let mut packet = PacketBuilder::udp(HOST, 53, SERVER, 1024)
            .without_udp_checksum()
            .build();
        let mut summary = summarize(&packet).unwrap();
        set_source(&mut packet, &mut summary, NAT, Some(1));
        assert_eq!(&packet[26..28], &[0, 0]);
    }

    #[test]
    fn udp_checksum_that_computes_to_zero_is_written_as_ffff() {
        let reference = PacketBuilder::udp(HOST, 0, SERVER, 1024).build();
        let sum = u16::from_be_bytes([reference[26], reference[27]]);
        // A source port equal to the checksum without it brings the checksum to zero.
        let mut packet = reference.clone();
        let mut summary = summarize(&packet).unwrap();
        set_source(&mut packet, &mut summary, HOST, Some(sum));
        assert_eq!(&packet[26..28], &[0xff, 0xff]);
        assert_eq!(packet, PacketBuilder::udp(HOST, sum, SERVER, 1024).build());
        set_source(&mut packet, &mut summary, HOST, Some(0));
        assert_eq!(packet, reference);
    }

    #[test]
    fn later_fragments_change_only_in_the_header() {
        let whole = PacketBuilder::udp(HOST, 53, SERVER, 1024)
            .payload(&[7; 60])
            .build();
        let mut parts = fragment(&whole, 52).unwrap();
        let later = parts.last_mut().unwrap();
        let payload = later[20..].to_vec();
        let mut summary = summarize(later).unwrap();
        set_source(later, &mut summary, NAT, Some(1));
        set_destination(later, &mut summary, HOST, Some(2));
        assert_eq!(&later[20..], payload);
        assert_eq!(Ok(summary), summarize(later));
        assert_eq!(
            (summary.source(), summary.destination(), summary.key.source_port()),
            (NAT, HOST, 0)
        );
        assert!(ipv4::Packet::parse(later).unwrap().verify_checksum());
    }

    #[test]
    fn time_to_live_stops_at_zero() {
        let mut packet = PacketBuilder::icmp_echo(HOST, SERVER, 1, 1).ttl(1).build();
        assert_eq!(decrement_ttl(&mut packet), 0);
        assert!(has_right_checksums(&packet));
        assert_eq!(decrement_ttl(&mut packet), 0);
        assert_eq!(summarize(&packet).unwrap().ttl, 0);
        assert_eq!(decrement_ttl(&mut []), 0);
    }

    #[test]
    fn sequence_numbers_move_on_with_right_checksums() {
        let build = |seq| {
            PacketBuilder::tcp(HOST, 1, SERVER, 2)
                .flags(tcp::ACK)
                .seq(seq)
                .payload(b"abc")
                .build()
        };
        let mut packet = build(u32::MAX - 3);
        let summary = summarize(&packet).unwrap();
        add_to_seq(&mut packet, &summary, 28);
        assert_eq!(packet, build(24));
    }

    #[test]
    fn acknowledgements_are_mapped_with_their_selective_ones() {
        let plain = PacketBuilder::tcp(HOST, 1, SERVER, 2)
            .flags(tcp::ACK)
            .ack(128)
            .build();
        let options = |blocks: [u32; 2]| {
            let mut options = vec![1, OPTION_SACK, 10];
            options.extend(blocks.into_iter().flat_map(u32::to_be_bytes));
            options.push(0);
            options
        };
        let with = |ack: u32, blocks| {
            let mut packet = plain.clone();
            packet.extend(options(blocks));
            (packet[2], packet[3]) = (0, packet.len() as u8);
            packet[32] = 0x80;
            packet[28..32].copy_from_slice(&ack.to_be_bytes());
            packet[10..12].fill(0);
            packet[36..38].fill(0);
            let header = checksum::internet(&packet[..20]);
            packet[10..12].copy_from_slice(&header.to_be_bytes());
            let sum = checksum::transport(HOST, SERVER, Protocol::TCP, &packet[20..]);
            packet[36..38].copy_from_slice(&sum.to_be_bytes());
            packet
        };
        let mut packet = with(128, [200, 300]);
        let summary = summarize(&packet).unwrap();
        map_acks(&mut packet, &summary, |ack| ack - 28);
        assert_eq!(packet, with(100, [172, 272]));
        assert!(has_right_checksums(&packet));
    }

    #[test]
    fn segment_size_is_lowered_and_never_raised() {
        let mut packet = PacketBuilder::tcp(HOST, 1, SERVER, 2)
            .flags(tcp::SYN)
            .mss(1460)
            .build();
        let summary = summarize(&packet).unwrap();
        assert!(!clamp_mss(&mut packet, &summary, 1460));
        assert!(clamp_mss(&mut packet, &summary, 1379));
        assert_eq!(
            packet,
            PacketBuilder::tcp(HOST, 1, SERVER, 2)
                .flags(tcp::SYN)
                .mss(1379)
                .build()
        );
        assert!(!clamp_mss(&mut packet, &summary, 1400));
    }

    #[test]
    fn segment_size_at_an_odd_byte_keeps_the_checksum_right() {
        let built = PacketBuilder::tcp(HOST, 1, SERVER, 2)
            .flags(tcp::SYN)
            .mss(0)
            .payload(&[4, 5, 0xb4, 0])
            .build();
        // The header gets the first four bytes of data: filler, then kind, length and value, and the end of the list.
        let mut packet = built;
        packet[40..48].copy_from_slice(&[1, 2, 4, 0x05, 0xb4, 0, 0, 0]);
        packet[32] = 0x70;
        packet[36..38].fill(0);
        let sum = checksum::transport(HOST, SERVER, Protocol::TCP, &packet[20..]);
        packet[36..38].copy_from_slice(&sum.to_be_bytes());
        let summary = summarize(&packet).unwrap();
        assert!(clamp_mss(&mut packet, &summary, 1000));
        assert_eq!(&packet[43..45], &1000_u16.to_be_bytes());
        assert!(has_right_checksums(&packet));
    }

    #[test]
    fn segment_size_outside_a_syn_is_left_alone() {
        let mut packet = PacketBuilder::tcp(HOST, 1, SERVER, 2)
            .flags(tcp::ACK)
            .mss(1460)
            .build();
        let summary = summarize(&packet).unwrap();
        assert!(!clamp_mss(&mut packet, &summary, 500));
    }

    #[test]
    fn error_about_a_translated_packet_is_translated_back() {
        let sent = PacketBuilder::tcp(HOST, 40_000, SERVER, 443)
            .flags(tcp::SYN)
            .build();
        let mut outside = sent.clone();
        let mut summary = summarize(&outside).unwrap();
        set_source(&mut outside, &mut summary, NAT, Some(1024));
        let mut error = icmp_error::time_exceeded(ROUTER, &outside).unwrap();
        let mut summary = summarize(&error).unwrap();
        let change = EmbeddedChange {
            source: Some((HOST, Some(40_000))),
            destination: None,
        };
        assert!(translate_embedded(&mut error, &summary, change));
        set_destination(&mut error, &mut summary, HOST, None);
        assert_eq!(error, icmp_error::time_exceeded(ROUTER, &sent).unwrap());
    }

    #[test]
    fn only_errors_have_an_embedded_packet() {
        let mut packet = PacketBuilder::icmp_echo(HOST, SERVER, 1, 1)
            .payload(&[0x45; 60])
            .build();
        let (before, summary) = (packet.clone(), summarize(&packet).unwrap());
        let change = EmbeddedChange {
            source: Some((NAT, None)),
            destination: None,
        };
        assert!(!translate_embedded(&mut packet, &summary, change));
        assert_eq!(packet, before);
    }

    proptest! {
        #[test]
        fn rewritten_ends_summarize_to_the_expected_key(
            mut packet in samples::packet(),
            (source, destination) in (samples::address(), samples::address()),
            ports: [Option<u16>; 2],
        ) {
            let mut summary = summarize(&packet).unwrap();
            let expected = expected_source(&summary, source, ports[0]);
            set_source(&mut packet, &mut summary, source, ports[0]);
            prop_assert_eq!(summary.key, expected);
            prop_assert_eq!(summarize(&packet), Ok(summary));
            prop_assert!(has_right_checksums(&packet));
            let mirrored = Summary { key: summary.key.reversed(), ..summary };
            let expected = expected_source(&mirrored, destination, ports[1]).reversed();
            set_destination(&mut packet, &mut summary, destination, ports[1]);
            prop_assert_eq!(summary.key, expected);
            prop_assert_eq!(summarize(&packet), Ok(summary));
            prop_assert!(has_right_checksums(&packet));
        }

        #[test]
        fn setting_what_is_there_changes_no_byte(mut packet in samples::packet()) {
            let (before, mut summary) = (packet.clone(), summarize(&packet).unwrap());
            let (key, ttl) = (summary.key, summary.ttl);
            set_source(&mut packet, &mut summary, key.source(), Some(key.source_port()));
            set_destination(&mut packet, &mut summary, key.destination(), Some(key.destination_port()));
            set_ttl(&mut packet, ttl);
            translate_embedded(&mut packet, &summary, EmbeddedChange::default());
            prop_assert_eq!(packet, before);
        }

        #[test]
        fn time_to_live_keeps_the_checksum_right(mut packet in samples::packet(), ttl: u8) {
            set_ttl(&mut packet, ttl);
            prop_assert_eq!(summarize(&packet).unwrap().ttl, ttl);
            prop_assert!(has_right_checksums(&packet));
            prop_assert_eq!(decrement_ttl(&mut packet), ttl.saturating_sub(1));
            prop_assert!(has_right_checksums(&packet));
        }

        #[test]
        fn clamped_segments_keep_their_checksum_right(mut packet in samples::packet(), max: u16) {
            let summary = summarize(&packet).unwrap();
            clamp_mss(&mut packet, &summary, max);
            prop_assert!(has_right_checksums(&packet));
        }

        #[test]
        fn embedded_packet_becomes_what_the_offending_one_would_have(
            (mut error, mut offending) in samples::error_packet(),
            (source, destination) in (samples::address(), samples::address()),
            ports: [Option<u16>; 2],
        ) {
            let summary = summarize(&error).unwrap();
            let change = EmbeddedChange {
                source: Some((source, ports[0])),
                destination: Some((destination, ports[1])),
            };
            let translated = translate_embedded(&mut error, &summary, change);
            prop_assert!(translated);
            prop_assert!(has_right_checksums(&error));
            let mut inner = summarize(&offending).unwrap();
            set_source(&mut offending, &mut inner, source, ports[0]);
            set_destination(&mut offending, &mut inner, destination, ports[1]);
            let embedded = summary.embedded_bytes(&error).unwrap();
            prop_assert_eq!(embedded, &offending[..embedded.len()]);
        }

        #[test]
        fn no_bytes_make_a_rewrite_panic(mut bytes in samples::mangled(), other in samples::packet(), port: u16) {
            let honest = summarize(&bytes).ok();
            for mut summary in honest.into_iter().chain(summarize(&other)) {
                let change = EmbeddedChange { source: Some((NAT, Some(port))), destination: Some((HOST, None)) };
                translate_embedded(&mut bytes, &summary, change);
                clamp_mss(&mut bytes, &summary, port);
                set_source(&mut bytes, &mut summary, NAT, Some(port));
                set_destination(&mut bytes, &mut summary, NAT, Some(port));
                decrement_ttl(&mut bytes);
            }
        }
    }
}
