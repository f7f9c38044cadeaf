//! What devices need to know of a packet, read once.
//!
//! A packet is summarized when it is sent. From then on its summary travels with it, and whoever rewrites the bytes
//! updates the summary too ([`rewrite`](crate::rewrite) does).

use std::net::Ipv4Addr;

use crate::field::{be16, be32};
use crate::ipv4::{self, DONT_FRAGMENT, MORE_FRAGMENTS, OFFSET_MASK};
use crate::{FlowKey, Malformed, Protocol, icmp, tcp, udp};

/// The fields of one IPv4 packet and the header above it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Summary {
    /// Addresses, protocol and ports.
    ///
    /// The ports are the identifier for ICMP queries, and 0 for non-initial fragments and portless protocols.
    pub key: FlowKey,
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
#[inline]
pub fn summarize(ip_packet: &[u8]) -> Result<Summary, Malformed> {
    let mut summary = read_header(ip_packet)?;
    let total_len = usize::from(summary.total_len);
    Malformed::unless_covered("ipv4", total_len, ip_packet.len())?;
    if summary.fragment_offset == 0 {
        let l4 = &ip_packet[usize::from(summary.header_len)..total_len];
        check_transport(&summary, l4)?;
        read_transport(&mut summary, l4);
    }
    Ok(summary)
}

/// Reads the start of a packet inside an ICMP error, most of whose payload may be cut off.
///
/// What is not there stays 0; the lengths are those of the original packet.
///
/// # Errors
///
/// An incomplete or inconsistent IPv4 header.
pub fn summarize_embedded(start: &[u8]) -> Result<Summary, Malformed> {
    let mut summary = read_header(start)?;
    if summary.fragment_offset == 0 {
        let end = start.len().min(usize::from(summary.total_len));
        let l4 = &start[usize::from(summary.header_len)..end];
        read_transport(&mut summary, l4);
    }
    Ok(summary)
}

#[inline]
fn read_header(bytes: &[u8]) -> Result<Summary, Malformed> {
    let header_len = ipv4::check_header(bytes)?;
    let total_len = be16(bytes, ipv4::TOTAL_LEN_AT);
    let fragment = be16(bytes, ipv4::FRAGMENT_AT);
    let source = Ipv4Addr::from_bits(be32(bytes, ipv4::SOURCE_AT));
    let destination = Ipv4Addr::from_bits(be32(bytes, ipv4::DESTINATION_AT));
    Ok(Summary {
        key: FlowKey::new(source, destination, Protocol(bytes[ipv4::PROTOCOL_AT]), 0, 0),
        total_len,
        l4_len: total_len - header_len as u16,
        identification: be16(bytes, ipv4::IDENTIFICATION_AT),
        fragment_offset: (fragment & OFFSET_MASK) * 8,
        header_len: header_len as u8,
        l4_header_len: 0,
        ttl: bytes[ipv4::TTL_AT],
        tcp_flags: 0,
        icmp_type: 0,
        icmp_code: 0,
        dont_fragment: fragment & DONT_FRAGMENT != 0,
        more_fragments: fragment & MORE_FRAGMENTS != 0,
    })
}

/// An unfragmented packet must hold its whole header above IP, a first fragment the eight bytes every cut leaves.
#[inline]
fn check_transport(summary: &Summary, l4: &[u8]) -> Result<(), Malformed> {
    let name = match summary.key.protocol() {
        Protocol::TCP => "tcp",
        Protocol::UDP => "udp",
        Protocol::ICMP => "icmp",
        _ => return Ok(()),
    };
    if summary.more_fragments {
        return Malformed::unless_covered(name, 8, l4.len());
    }
    match summary.key.protocol() {
        Protocol::TCP => tcp::Segment::parse(l4).map(drop),
        Protocol::UDP => udp::Datagram::parse(l4).map(drop),
        _ => icmp::Message::parse(l4).map(drop),
    }
}

/// Fills in what the header above IP says, as far as it is there.
#[inline]
fn read_transport(summary: &mut Summary, l4: &[u8]) {
    let Some(start) = l4.first_chunk::<8>() else {
        return;
    };
    let (source, destination, protocol) = (
        summary.key.source(),
        summary.key.destination(),
        summary.key.protocol(),
    );
    let (first, second, third) = (be16(start, 0), be16(start, 2), be16(start, 4));
    match protocol {
        Protocol::TCP | Protocol::UDP => {
            summary.key = FlowKey::new(source, destination, protocol, first, second);
            if protocol == Protocol::UDP {
                summary.l4_header_len = udp::HEADER_LEN as u8;
            } else if let Some(more) = l4.first_chunk::<14>() {
                summary.l4_header_len = (more[12] >> 4) * 4;
                summary.tcp_flags = more[13];
            }
        }
        Protocol::ICMP => {
            [summary.icmp_type, summary.icmp_code] = [start[0], start[1]];
            summary.l4_header_len = icmp::HEADER_LEN as u8;
            if icmp::has_identifier(start[0]) {
                summary.key = FlowKey::new(source, destination, protocol, third, third);
            }
        }
        _ => {}
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
    pub fn embedded(&self, packet: &[u8]) -> Option<Self> {
        summarize_embedded(self.embedded_bytes(packet)?).ok()
    }

    /// The start of the packet that an ICMP error is about.
    pub fn embedded_bytes<'a>(&self, packet: &'a [u8]) -> Option<&'a [u8]> {
        if !self.is_icmp_error() {
            return None;
        }
        let start = usize::from(self.header_len) + icmp::HEADER_LEN;
        packet.get(start..usize::from(self.total_len))
    }
}
