//! ICMP errors about a packet that cannot go on.
//!
//! Every builder returns a full packet to the sender of the offending one, or `None` where RFC 1122, section 3.2.2,
//! forbids an answer: about ICMP errors, non-initial fragments, and addresses that do not mean a single host.

use std::net::Ipv4Addr;

use crate::{PacketBuilder, Summary, icmp, ipv4, summarize};

/// Time to live of the errors.
pub const TTL: u8 = 255;
/// The largest error, in bytes (RFC 1812, section 4.3.2.3).
pub const MAX_LEN: usize = 576;

const MAX_EMBEDDED_LEN: usize = MAX_LEN - ipv4::HEADER_LEN - icmp::HEADER_LEN;

/// `offending` is marked "do not fragment" and the next link takes only `next_hop_mtu` bytes (RFC 1191).
pub fn fragmentation_needed(from: Ipv4Addr, offending: &[u8], next_hop_mtu: u16) -> Option<Vec<u8>> {
    let rest = u32::from(next_hop_mtu);
    error(
        from,
        offending,
        icmp::DESTINATION_UNREACHABLE,
        icmp::FRAGMENTATION_NEEDED,
        rest,
    )
}

/// The time to live of `offending` ran out at `from`.
pub fn time_exceeded(from: Ipv4Addr, offending: &[u8]) -> Option<Vec<u8>> {
    error(from, offending, icmp::TIME_EXCEEDED, icmp::TTL_EXCEEDED, 0)
}

/// Nobody listens on the port that `offending` was sent to.
pub fn port_unreachable(from: Ipv4Addr, offending: &[u8]) -> Option<Vec<u8>> {
    unreachable(from, offending, icmp::PORT_UNREACHABLE)
}

/// `offending` cannot be delivered for the reason `code`, like [`icmp::HOST_UNREACHABLE`].
pub fn unreachable(from: Ipv4Addr, offending: &[u8], code: u8) -> Option<Vec<u8>> {
    error(from, offending, icmp::DESTINATION_UNREACHABLE, code, 0)
}

fn error(from: Ipv4Addr, offending: &[u8], icmp_type: u8, code: u8, rest: u32) -> Option<Vec<u8>> {
    let summary = summarize(offending).ok()?;
    if !may_be_answered(&summary) {
        return None;
    }
    let embedded_len = usize::from(summary.total_len).min(MAX_EMBEDDED_LEN);
    let builder = PacketBuilder::icmp(from, summary.source(), icmp_type, code, rest);
    Some(builder.payload(&offending[..embedded_len]).ttl(TTL).build())
}

fn may_be_answered(summary: &Summary) -> bool {
    let (source, destination) = (summary.source(), summary.destination());
    let names_a_host = |ip: Ipv4Addr| !ip.is_broadcast() && !ip.is_multicast();
    !summary.is_icmp_error()
        && !summary.is_later_fragment()
        && names_a_host(destination)
        && names_a_host(source)
        && !source.is_unspecified()
        && !source.is_loopback()
}
