//! What devices need to know of a packet, read once.
//!
//! A packet is summarized when it is sent. From then on its summary travels with it, and whoever rewrites the bytes
//! updates the summary too ([`rewrite`](crate::rewrite) does).
#![expect(
    clippy::inline_always,
    reason = "a summary returned by call is written field by field and then copied: twice the time"
)]

use std::net::Ipv4Addr;

use crate::field::{be16, be32};
use crate::ipv4::{self, DONT_FRAGMENT, MORE_FRAGMENTS, OFFSET_MASK};
use crate::{FlowHash, FlowKey, Malformed, Protocol, icmp, tcp, udp};

/// The fields of one IPv4 packet and the header above it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Summary {
    /// Addresses, protocol and ports.
    ///
    /// The ports are the identifier for ICMP queries, and 0 for non-initial fragments and portless protocols.
    pub key: FlowKey,
    /// The hash of the key, for the tables that know the flow.
    pub hash: FlowHash,
    /// IPv4 header and payload, in bytes.
    pub total_len: u16,
    /// IPv4 payload of this packet, in bytes.
    pub l4_len: u16,
    /// What the fragments of one datagram share.
    pub identification: u16,
    /// Where the payload belongs in the whole datagram, in bytes.
    pub fragment_offset: u16,
    /// IPv4 header with options, in bytes.
    pub header_len: u8,
    /// Header above IPv4, in bytes; 0 for unknown protocols and non-initial fragments.
    pub l4_header_len: u8,
    /// Routers that may still forward the packet.
    pub ttl: u8,
    /// TCP flags, or 0.
    pub tcp_flags: u8,
    /// ICMP type, meaningful only if [`Summary::is_icmp`].
    pub icmp_type: u8,
    /// ICMP code, meaningful only if [`Summary::is_icmp`].
    pub icmp_code: u8,
    /// Whether routers must not cut this packet.
    pub dont_fragment: bool,
    /// Whether further fragments follow this one.
    pub more_fragments: bool,
}

/// Reads one packet; bytes behind its total length are padding.
///
/// Checksums are not verified.
///
/// # Errors
///
/// Inconsistent or missing bytes in the IPv4 header, or in the TCP, UDP or ICMP header of an unfragmented packet. A first
/// fragment must hold eight bytes of that header.
#[inline(always)]
pub fn summarize(ip_packet: &[u8]) -> Result<Summary, Malformed> {
    let (header, header_len) = ipv4::check_header(ip_packet)?;
    let total_len = usize::from(be16(header, ipv4::TOTAL_LEN_AT));
    let Some(l4) = ip_packet.get(header_len..total_len) else {
        return Err(Malformed::Truncated {
            header: "ipv4",
            needed_len: total_len,
            available_len: ip_packet.len(),
        });
    };
    check_transport(header, l4)?;
    Ok(combine(header, header_len, read_transport(header, l4)))
}

/// Reads the start of a packet inside an ICMP error, most of whose payload may be cut off.
///
/// What is not there stays 0; the lengths are those of the original packet.
///
/// # Errors
///
/// An incomplete or inconsistent IPv4 header.
#[inline(never)]
pub fn summarize_embedded(start: &[u8]) -> Result<Summary, Malformed> {
    let (header, header_len) = ipv4::check_header(start)?;
    let end = start.len().min(usize::from(be16(header, ipv4::TOTAL_LEN_AT)));
    let l4 = start.get(header_len..end).unwrap_or_default();
    Ok(combine(header, header_len, read_transport(header, l4)))
}

type Header = [u8; ipv4::HEADER_LEN];

/// What the header above IP contributes to a summary.
#[derive(Clone, Copy, Default)]
struct Transport {
    source_port: u16,
    destination_port: u16,
    header_len: u8,
    tcp_flags: u8,
    icmp_type: u8,
    icmp_code: u8,
}

/// Puts a summary together in one go: filled in step by step it would be copied once more, at twice the time.
#[inline(always)]
fn combine(header: &Header, header_len: usize, transport: Transport) -> Summary {
    let total_len = be16(header, ipv4::TOTAL_LEN_AT);
    let fragment = be16(header, ipv4::FRAGMENT_AT);
    let key = FlowKey::new(
        Ipv4Addr::from_bits(be32(header, ipv4::SOURCE_AT)),
        Ipv4Addr::from_bits(be32(header, ipv4::DESTINATION_AT)),
        Protocol(header[ipv4::PROTOCOL_AT]),
        transport.source_port,
        transport.destination_port,
    );
    Summary {
        key,
        hash: FlowHash::of(key),
        total_len,
        l4_len: total_len - header_len as u16,
        identification: be16(header, ipv4::IDENTIFICATION_AT),
        fragment_offset: (fragment & OFFSET_MASK) * 8,
        header_len: header_len as u8,
        l4_header_len: transport.header_len,
        ttl: header[ipv4::TTL_AT],
        tcp_flags: transport.tcp_flags,
        icmp_type: transport.icmp_type,
        icmp_code: transport.icmp_code,
        dont_fragment: fragment & DONT_FRAGMENT != 0,
        more_fragments: fragment & MORE_FRAGMENTS != 0,
    }
}

/// An unfragmented packet must hold its whole header above IP, a first fragment the eight bytes every cut leaves.
#[inline(always)]
fn check_transport(header: &Header, l4: &[u8]) -> Result<(), Malformed> {
    let fragment = be16(header, ipv4::FRAGMENT_AT);
    let protocol = Protocol(header[ipv4::PROTOCOL_AT]);
    if fragment & (MORE_FRAGMENTS | OFFSET_MASK) != 0 {
        return check_fragment(fragment, protocol, l4);
    }
    match protocol {
        Protocol::TCP => tcp::Segment::parse(l4).map(drop),
        Protocol::UDP => udp::Datagram::parse(l4).map(drop),
        Protocol::ICMP => icmp::Message::parse(l4).map(drop),
        _ => Ok(()),
    }
}

#[cold]
fn check_fragment(fragment: u16, protocol: Protocol, l4: &[u8]) -> Result<(), Malformed> {
    let name = match protocol {
        Protocol::TCP => "tcp",
        Protocol::UDP => "udp",
        Protocol::ICMP => "icmp",
        _ => return Ok(()),
    };
    if fragment & OFFSET_MASK != 0 {
        return Ok(());
    }
    Malformed::unless_covered(name, 8, l4.len())
}

/// What the header above IP says, as far as it is there.
#[inline(always)]
fn read_transport(header: &Header, l4: &[u8]) -> Transport {
    let is_later_fragment = be16(header, ipv4::FRAGMENT_AT) & OFFSET_MASK != 0;
    let start = match l4.first_chunk::<8>() {
        Some(start) if !is_later_fragment => start,
        _ => return Transport::default(),
    };
    let with_ports = Transport {
        source_port: be16(start, 0),
        destination_port: be16(start, 2),
        ..Transport::default()
    };
    match Protocol(header[ipv4::PROTOCOL_AT]) {
        Protocol::TCP => match l4.first_chunk::<14>() {
            Some(more) => Transport {
                header_len: (more[12] >> 4) * 4,
                tcp_flags: more[13],
                ..with_ports
            },
            None => with_ports,
        },
        Protocol::UDP => Transport {
            header_len: udp::HEADER_LEN as u8,
            ..with_ports
        },
        Protocol::ICMP => {
            let identifier = if icmp::has_identifier(start[0]) {
                be16(start, icmp::IDENTIFIER_AT)
            } else {
                0
            };
            Transport {
                source_port: identifier,
                destination_port: identifier,
                header_len: icmp::HEADER_LEN as u8,
                icmp_type: start[0],
                icmp_code: start[1],
                ..Transport::default()
            }
        }
        _ => Transport::default(),
    }
}

impl Summary {
    /// Address of the sender.
    #[inline]
    pub const fn source(&self) -> Ipv4Addr {
        self.key.source()
    }

    /// Address of the receiver.
    #[inline]
    pub const fn destination(&self) -> Ipv4Addr {
        self.key.destination()
    }

    /// Protocol above IP.
    #[inline]
    pub const fn protocol(&self) -> Protocol {
        self.key.protocol()
    }

    /// Whether this is a part of a datagram, be it the first.
    #[inline]
    pub const fn is_fragment(&self) -> bool {
        self.more_fragments || self.fragment_offset != 0
    }

    /// Whether this is the part of a datagram that holds the header above IP.
    #[inline]
    pub const fn is_first_fragment(&self) -> bool {
        self.more_fragments && self.fragment_offset == 0
    }

    /// Whether the header above IP is in another fragment.
    #[inline]
    pub const fn is_later_fragment(&self) -> bool {
        self.fragment_offset != 0
    }

    /// Whether the ports of the key were read from the packet; an ICMP identifier is not a port.
    #[inline]
    pub const fn has_ports(&self) -> bool {
        self.key.protocol().has_ports() && self.fragment_offset == 0
    }

    /// Whether the key holds the identifier of an ICMP query.
    #[inline]
    pub const fn has_identifier(&self) -> bool {
        self.is_icmp() && self.fragment_offset == 0 && icmp::has_identifier(self.icmp_type)
    }

    /// Whether the packet is TCP.
    #[inline]
    pub const fn is_tcp(&self) -> bool {
        matches!(self.key.protocol(), Protocol::TCP)
    }

    /// Whether the packet is UDP.
    #[inline]
    pub const fn is_udp(&self) -> bool {
        matches!(self.key.protocol(), Protocol::UDP)
    }

    /// Whether the packet is ICMP.
    #[inline]
    pub const fn is_icmp(&self) -> bool {
        matches!(self.key.protocol(), Protocol::ICMP)
    }

    /// Whether the packet is an ICMP error, with the start of another packet in it.
    #[inline]
    pub const fn is_icmp_error(&self) -> bool {
        self.is_icmp() && self.fragment_offset == 0 && icmp::is_error(self.icmp_type)
    }

    /// Whether the packet is an ICMP echo request.
    #[inline]
    pub const fn is_echo_request(&self) -> bool {
        self.has_identifier() && self.icmp_type == icmp::ECHO_REQUEST
    }

    /// Whether the packet is an ICMP echo reply.
    #[inline]
    pub const fn is_echo_reply(&self) -> bool {
        self.has_identifier() && self.icmp_type == icmp::ECHO_REPLY
    }

    /// Whether the packet opens a TCP connection: SYN without ACK.
    #[inline]
    pub const fn is_syn(&self) -> bool {
        self.tcp_flags & (tcp::SYN | tcp::ACK) == tcp::SYN
    }

    /// Whether the packet accepts a TCP connection: SYN with ACK.
    #[inline]
    pub const fn is_syn_ack(&self) -> bool {
        self.tcp_flags & (tcp::SYN | tcp::ACK) == tcp::SYN | tcp::ACK
    }

    /// Whether the packet resets a TCP connection.
    #[inline]
    pub const fn is_rst(&self) -> bool {
        self.tcp_flags & tcp::RST != 0
    }

    /// Whether the packet ends one direction of a TCP connection.
    #[inline]
    pub const fn is_fin(&self) -> bool {
        self.tcp_flags & tcp::FIN != 0
    }

    /// What lies behind the header above IP, in bytes.
    #[inline]
    pub const fn payload_len(&self) -> u16 {
        self.l4_len.saturating_sub(self.l4_header_len as u16)
    }

    /// The summary of the packet that an ICMP error is about; `packet` are the bytes this summary was read from.
    #[inline]
    pub fn embedded(&self, packet: &[u8]) -> Option<Self> {
        summarize_embedded(self.embedded_bytes(packet)?).ok()
    }

    /// The start of the packet that an ICMP error is about.
    #[inline]
    pub fn embedded_bytes<'a>(&self, packet: &'a [u8]) -> Option<&'a [u8]> {
        if !self.is_icmp_error() {
            return None;
        }
        let start = usize::from(self.header_len) + icmp::HEADER_LEN;
        packet.get(start..usize::from(self.total_len))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::samples::{self, HOST, ROUTER, SERVER};
    use crate::{PacketBuilder, fragment, icmp_error};

    #[test]
    fn tcp_syn_is_summarized() {
        let packet = PacketBuilder::tcp(HOST, 40_000, SERVER, 443)
            .flags(tcp::SYN)
            .mss(1460)
            .ttl(63)
            .identification(9)
            .dont_fragment(true)
            .payload(b"abc")
            .build();
        let key = FlowKey::new(HOST, SERVER, Protocol::TCP, 40_000, 443);
        let expected = Summary {
            key,
            hash: FlowHash::of(key),
            total_len: 47,
            l4_len: 27,
            identification: 9,
            fragment_offset: 0,
            header_len: 20,
            l4_header_len: 24,
            ttl: 63,
            tcp_flags: tcp::SYN,
            icmp_type: 0,
            icmp_code: 0,
            dont_fragment: true,
            more_fragments: false,
        };
        assert_eq!(summarize(&packet), Ok(expected));
        assert!(expected.is_syn() && !expected.is_syn_ack() && expected.has_ports());
        assert_eq!(expected.payload_len(), 3);
    }

    #[test]
    fn syn_ack_does_not_open_a_connection() {
        let packet = PacketBuilder::tcp(HOST, 1, SERVER, 2)
            .flags(tcp::SYN | tcp::ACK)
            .build();
        let summary = summarize(&packet).unwrap();
        assert!(!summary.is_syn() && summary.is_syn_ack());
    }

    #[test]
    fn both_ports_of_an_echo_are_its_identifier() {
        let summary = summarize(&PacketBuilder::icmp_echo(HOST, SERVER, 7, 1).build()).unwrap();
        assert_eq!(summary.key, FlowKey::new(HOST, SERVER, Protocol::ICMP, 7, 7));
        assert!(summary.is_echo_request() && !summary.is_echo_reply() && !summary.has_ports());
        let reply = summarize(&PacketBuilder::icmp_reply(SERVER, HOST, 7, 1).build()).unwrap();
        assert_eq!(reply.key, summary.key.reversed());
        assert!(reply.is_echo_reply());
    }

    #[test]
    fn other_icmp_and_other_protocols_have_no_ports() {
        let redirect = PacketBuilder::icmp(HOST, SERVER, icmp::REDIRECT, 1, 0xffff_ffff).build();
        assert_eq!(
            summarize(&redirect).unwrap().key,
            FlowKey::new(HOST, SERVER, Protocol::ICMP, 0, 0)
        );
        let tunnel = PacketBuilder::raw(HOST, SERVER, Protocol::GRE, &[0xff; 20]).build();
        assert_eq!(
            summarize(&tunnel).unwrap().key,
            FlowKey::new(HOST, SERVER, Protocol::GRE, 0, 0)
        );
    }

    #[test]
    fn only_the_first_fragment_has_ports() {
        let whole = PacketBuilder::udp(HOST, 53, SERVER, 1024)
            .payload(&[1; 40])
            .build();
        let parts = fragment(&whole, 44).unwrap();
        let summaries: Vec<Summary> = parts.iter().map(|part| summarize(part).unwrap()).collect();
        assert_eq!(summaries.len(), 2);
        assert_eq!(
            summaries[0].key,
            FlowKey::new(HOST, SERVER, Protocol::UDP, 53, 1024)
        );
        assert!(summaries[0].is_first_fragment() && summaries[0].has_ports());
        assert_eq!(summaries[1].key, FlowKey::new(HOST, SERVER, Protocol::UDP, 0, 0));
        assert!(summaries[1].is_later_fragment() && !summaries[1].has_ports());
        assert_eq!((summaries[1].fragment_offset, summaries[1].l4_len), (24, 24));
    }

    #[test]
    fn header_above_ip_must_be_whole() {
        for protocol in [Protocol::TCP, Protocol::UDP, Protocol::ICMP] {
            let packet = PacketBuilder::raw(HOST, SERVER, protocol, &[0; 7]).build();
            assert!(
                matches!(summarize(&packet), Err(Malformed::Truncated { .. })),
                "{protocol}"
            );
        }
        assert!(summarize(&PacketBuilder::raw(HOST, SERVER, Protocol::ESP, &[]).build()).is_ok());
    }

    #[test]
    fn embedded_packet_keeps_its_key_though_its_end_is_gone() {
        let packet = PacketBuilder::tcp(HOST, 40_000, SERVER, 443)
            .payload(&[0; 1000])
            .build();
        let error = icmp_error::time_exceeded(ROUTER, &packet).unwrap();
        let summary = summarize(&error).unwrap();
        assert!(summary.is_icmp_error());
        let inner = summary.embedded(&error).unwrap();
        assert_eq!(
            (inner.key, inner.total_len),
            (summarize(&packet).unwrap().key, 1040)
        );
        assert_eq!(summarize_embedded(&packet[..28]).unwrap().key, inner.key);
        assert_eq!(summarize_embedded(&packet[..27]).unwrap().key.source_port(), 0);
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(bytes in samples::mangled()) {
            if let Ok(summary) = summarize(&bytes) {
                prop_assert!(usize::from(summary.total_len) <= bytes.len());
                prop_assert_eq!(u16::from(summary.header_len) + summary.l4_len, summary.total_len);
                let _ = (summary.embedded(&bytes), summary.payload_len());
            }
            let _ = summarize_embedded(&bytes);
        }

        #[test]
        fn summary_agrees_with_the_views(bytes in samples::packet()) {
            let summary = summarize(&bytes).unwrap();
            let packet = ipv4::Packet::parse(&bytes).unwrap();
            prop_assert_eq!((summary.source(), summary.destination()), (packet.source(), packet.destination()));
            prop_assert_eq!((summary.ttl, summary.identification), (packet.ttl(), packet.identification()));
            prop_assert_eq!(usize::from(summary.l4_len), packet.payload().len());
            if let (true, Ok(segment)) = (summary.is_tcp(), tcp::Segment::parse(packet.payload())) {
                prop_assert_eq!(summary.key.source_port(), segment.source_port());
                prop_assert_eq!(summary.tcp_flags, segment.flags());
                prop_assert_eq!(usize::from(summary.payload_len()), segment.payload().len());
            }
        }
    }
}
