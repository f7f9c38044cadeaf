//! Random packets for the property tests.

use std::net::Ipv4Addr;

use proptest::prelude::*;

use crate::{PacketBuilder, Protocol, icmp, icmp_error, ipv4, summarize, tcp, udp};

pub(crate) const HOST: Ipv4Addr = Ipv4Addr::new(10, 0, 1, 5);
pub(crate) const SERVER: Ipv4Addr = Ipv4Addr::new(10, 0, 2, 7);
pub(crate) const ROUTER: Ipv4Addr = Ipv4Addr::new(10, 0, 1, 1);

/// Addresses of single hosts, so that errors about their packets are allowed.
pub(crate) fn address() -> impl Strategy<Value = Ipv4Addr> {
    any::<[u8; 3]>().prop_map(|[b, c, d]| Ipv4Addr::new(10, b, c, d))
}

fn bytes() -> impl Strategy<Value = Vec<u8>> {
    prop::collection::vec(any::<u8>(), 0..200)
}

fn tcp_packet() -> impl Strategy<Value = PacketBuilder> {
    (
        address(),
        address(),
        any::<[u16; 3]>(),
        any::<[u32; 2]>(),
        any::<u8>(),
        any::<bool>(),
    )
        .prop_map(
            |(source, destination, [from, to, mss], [seq, ack], flags, with_mss)| {
                let builder = PacketBuilder::tcp(source, from, destination, to)
                    .seq(seq)
                    .ack(ack)
                    .flags(flags);
                if with_mss { builder.mss(mss) } else { builder }
            },
        )
}

fn udp_packet() -> impl Strategy<Value = PacketBuilder> {
    (address(), address(), any::<[u16; 2]>(), any::<bool>()).prop_map(
        |(source, destination, [from, to], with_checksum)| {
            let builder = PacketBuilder::udp(source, from, destination, to);
            if with_checksum {
                builder
            } else {
                builder.without_udp_checksum()
            }
        },
    )
}

fn query_packet() -> impl Strategy<Value = PacketBuilder> {
    let kinds = [
        icmp::ECHO_REQUEST,
        icmp::ECHO_REPLY,
        icmp::TIMESTAMP_REQUEST,
        icmp::TIMESTAMP_REPLY,
    ];
    (
        address(),
        address(),
        prop::sample::select(kinds.to_vec()),
        any::<u32>(),
    )
        .prop_map(|(source, destination, kind, rest)| PacketBuilder::icmp(source, destination, kind, 0, rest))
}

fn raw_packet() -> impl Strategy<Value = PacketBuilder> {
    (address(), address(), 18_u8..=255).prop_map(|(source, destination, number)| {
        PacketBuilder::raw(source, destination, Protocol(number), &[])
    })
}

/// Unfragmented packets that are no ICMP errors.
pub(crate) fn plain_packet() -> impl Strategy<Value = Vec<u8>> {
    let builder = prop_oneof![
        tcp_packet().boxed(),
        udp_packet().boxed(),
        query_packet().boxed(),
        raw_packet().boxed()
    ];
    (builder, bytes(), any::<u8>(), any::<u16>()).prop_map(|(builder, payload, ttl, identification)| {
        builder
            .payload(&payload)
            .ttl(ttl)
            .identification(identification)
            .build()
    })
}

/// ICMP errors about a plain packet, each with the packet that it is about, quoted up to an even byte.
pub(crate) fn error_packet() -> impl Strategy<Value = (Vec<u8>, Vec<u8>)> {
    (plain_packet(), address(), any::<u16>(), 0_usize..300).prop_map(|(offending, from, mtu, kept_len)| {
        let whole = icmp_error::fragmentation_needed(from, &offending, mtu).expect("a plain packet");
        let l4 = icmp::Message::parse(&whole[ipv4::HEADER_LEN..]).expect("a built message");
        // Half a checksum could not be translated.
        let kept_len = (kept_len.max(28) & !1).min(l4.payload().len());
        let cut = PacketBuilder::icmp(from, summarize(&offending).unwrap().source(), 3, 4, mtu.into())
            .payload(&l4.payload()[..kept_len])
            .build();
        (cut, offending)
    })
}

/// Packets of every kind.
pub(crate) fn packet() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![3 => plain_packet().boxed(), 1 => error_packet().prop_map(|(error, _)| error).boxed()]
}

/// Packets with a few bytes changed and the end cut off or padded, and plain noise.
pub(crate) fn mangled() -> impl Strategy<Value = Vec<u8>> {
    let changes = prop::collection::vec((0_usize..80, any::<u8>()), 0..6);
    let damaged = (packet(), changes, prop::option::of(0_usize..120), 0_usize..4).prop_map(
        |(mut packet, changes, len, padding_len)| {
            for (at, value) in changes {
                if let Some(byte) = packet.get_mut(at) {
                    *byte = value;
                }
            }
            packet.resize(packet.len() + padding_len, 0xee);
            packet.truncate(len.unwrap_or(usize::MAX));
            packet
        },
    );
    prop_oneof![4 => damaged.boxed(), 1 => bytes().boxed()]
}

/// Whether all checksums of an unfragmented packet are right when computed in full.
pub(crate) fn has_right_checksums(packet: &[u8]) -> bool {
    let packet = ipv4::Packet::parse(packet).expect("an IPv4 packet");
    let (source, destination, l4) = (packet.source(), packet.destination(), packet.payload());
    packet.verify_checksum()
        && match packet.protocol() {
            Protocol::TCP => tcp::Segment::parse(l4)
                .unwrap()
                .verify_checksum(source, destination),
            Protocol::UDP => udp::Datagram::parse(l4)
                .unwrap()
                .verify_checksum(source, destination),
            Protocol::ICMP => icmp::Message::parse(l4).unwrap().verify_checksum(),
            _ => true,
        }
}
