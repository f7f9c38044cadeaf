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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::samples::{self, HOST, ROUTER, SERVER, has_right_checksums};
    use crate::{Protocol, fragment};

    #[test]
    fn fragmentation_needed_tells_the_mtu_to_the_sender() {
        let offending = PacketBuilder::udp(HOST, 53, SERVER, 1024)
            .payload(b"hi")
            .dont_fragment(true)
            .build();
        let error = fragmentation_needed(ROUTER, &offending, 1400).unwrap();
        let packet = ipv4::Packet::parse(&error).unwrap();
        assert_eq!((packet.source(), packet.destination()), (ROUTER, HOST));
        assert_eq!(
            (packet.ttl(), packet.identification(), packet.protocol()),
            (255, 0, Protocol::ICMP)
        );
        let message = icmp::Message::parse(packet.payload()).unwrap();
        assert_eq!(
            (message.icmp_type(), message.code(), message.next_hop_mtu()),
            (3, 4, Some(1400))
        );
        assert_eq!(message.embedded(), Some(&offending[..]));
    }

    #[test]
    fn every_builder_states_its_type_and_code() {
        let offending = PacketBuilder::udp(HOST, 53, SERVER, 1024).build();
        let kind = |error: Option<Vec<u8>>| {
            let summary = summarize(&error.unwrap()).unwrap();
            (summary.icmp_type, summary.icmp_code)
        };
        assert_eq!(kind(time_exceeded(ROUTER, &offending)), (11, 0));
        assert_eq!(kind(port_unreachable(ROUTER, &offending)), (3, 3));
        assert_eq!(
            kind(unreachable(ROUTER, &offending, icmp::HOST_UNREACHABLE)),
            (3, 1)
        );
    }

    #[test]
    fn long_packets_are_quoted_up_to_576_bytes() {
        let offending = PacketBuilder::udp(HOST, 53, SERVER, 1024)
            .payload(&[1; 1400])
            .build();
        let error = time_exceeded(ROUTER, &offending).unwrap();
        assert_eq!(error.len(), 576);
        assert_eq!(&error[28..], &offending[..548]);
    }

    #[test]
    fn errors_are_not_answered_with_errors() {
        let offending = PacketBuilder::udp(HOST, 53, SERVER, 1024).build();
        let error = time_exceeded(ROUTER, &offending).unwrap();
        assert_eq!(time_exceeded(ROUTER, &error), None);
        let echo = PacketBuilder::icmp_echo(HOST, SERVER, 1, 1).build();
        assert!(time_exceeded(ROUTER, &echo).is_some());
    }

    #[test]
    fn only_the_first_fragment_is_answered() {
        let whole = PacketBuilder::udp(HOST, 53, SERVER, 1024)
            .payload(&[1; 40])
            .build();
        let parts = fragment(&whole, 44).unwrap();
        assert!(time_exceeded(ROUTER, &parts[0]).is_some());
        assert_eq!(time_exceeded(ROUTER, &parts[1]), None);
    }

    #[test]
    fn packets_from_or_to_no_single_host_are_not_answered() {
        let group = Ipv4Addr::new(224, 0, 0, 1);
        for source in [
            Ipv4Addr::UNSPECIFIED,
            Ipv4Addr::BROADCAST,
            Ipv4Addr::LOCALHOST,
            group,
        ] {
            let offending = PacketBuilder::udp(source, 1, SERVER, 2).build();
            assert_eq!(port_unreachable(ROUTER, &offending), None, "{source}");
        }
        for destination in [Ipv4Addr::BROADCAST, group] {
            let offending = PacketBuilder::udp(HOST, 1, destination, 2).build();
            assert_eq!(port_unreachable(ROUTER, &offending), None, "{destination}");
        }
    }

    proptest! {
        #[test]
        fn errors_about_any_bytes_are_valid_packets(bytes in samples::mangled()) {
            if let Some(error) = time_exceeded(ROUTER, &bytes) {
                prop_assert!(has_right_checksums(&error));
                prop_assert!(error.len() <= MAX_LEN);
            }
        }
    }
}
