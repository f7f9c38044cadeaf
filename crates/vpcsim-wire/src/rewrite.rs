//! What translators and routers change in a packet, in place and with incremental checksums.
//!
//! Every function takes the packet's bytes and, where it needs to know what lies where, the [`Summary`] read from them.
//! Functions that change the key take the summary mutably, so that both stay one. A checksum that was wrong stays
//! wrong, and bytes too short for the summary are left alone.

use std::net::Ipv4Addr;

use crate::checksum::{self, update16, update32};
use crate::field::{read16, read32, write16, write32};
use crate::{Protocol, Summary, icmp, ipv4, summarize_embedded, tcp, udp};

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
            Protocol::TCP => rewrite_ports(l4, tcp::CHECKSUM_AT, end, (old, new), port),
            Protocol::UDP => rewrite_udp(l4, end, (old, new), port),
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

/// Writes a port and brings the checksum up to date with it and with the address in the pseudo header.
fn rewrite_ports(l4: &mut [u8], checksum_at: usize, end: End, address: (u32, u32), port: Option<u16>) {
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
        update16(update32(sum, old_ip, new_ip), old_port, new_port)
    });
}

/// In UDP a checksum of 0 means "none", so it stays, and a computed 0 is written as its other form, 0xffff.
fn rewrite_udp(l4: &mut [u8], end: End, address: (u32, u32), port: Option<u16>) {
    let had_none = read16(l4, udp::CHECKSUM_AT) == Some(0);
    rewrite_ports(l4, udp::CHECKSUM_AT, end, address, port);
    patch(l4, udp::CHECKSUM_AT, |sum| match (had_none, sum) {
        (true, _) => 0,
        (false, 0) => 0xffff,
        (false, sum) => sum,
    });
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
}

/// Takes one off the time to live and returns what is left; 0 stays 0.
///
/// The caller keeps its summary up to date: `summary.ttl = decrement_ttl(bytes)`.
pub fn decrement_ttl(bytes: &mut [u8]) -> u8 {
    let ttl = bytes.get(ipv4::TTL_AT).copied().unwrap_or(0).saturating_sub(1);
    set_ttl(bytes, ttl);
    ttl
}

/// Sets the time to live.
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
pub fn clamp_mss(bytes: &mut [u8], summary: &Summary, max: u16) -> bool {
    if !summary.is_tcp() || summary.is_later_fragment() || summary.tcp_flags & tcp::SYN == 0 {
        return false;
    }
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
/// Returns whether there was such a packet. The outer addresses stay: they are the caller's to set.
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
