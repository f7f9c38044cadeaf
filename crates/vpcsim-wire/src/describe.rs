//! One line of words for one packet, in the manner of packet analysers.

use std::fmt::Write as _;

use crate::{Protocol, Summary, icmp, summarize, tcp};

const FLAG_NAMES: [(u8, &str); 8] = [
    (tcp::FIN, "FIN"),
    (tcp::SYN, "SYN"),
    (tcp::RST, "RST"),
    (tcp::PSH, "PSH"),
    (tcp::ACK, "ACK"),
    (tcp::URG, "URG"),
    (tcp::ECE, "ECE"),
    (tcp::CWR, "CWR"),
];

/// What an IPv4 packet is, like `10.0.1.5:40000 > 10.0.2.7:443 TCP [SYN] seq=0 len=0 ttl=64`.
pub fn describe(bytes: &[u8]) -> String {
    let summary = match summarize(bytes) {
        Ok(summary) => summary,
        Err(malformed) => return format!("malformed packet: {malformed}"),
    };
    let mut line = endpoints(&summary);
    if summary.is_later_fragment() {
        let _ = write!(line, " {} len={}", upper_name(summary.protocol()), summary.l4_len);
    } else {
        let l4 = &bytes[usize::from(summary.header_len)..usize::from(summary.total_len)];
        line.push_str(&transport(&summary, l4));
    }
    if summary.is_fragment() {
        let more = if summary.more_fragments { "+" } else { "" };
        let _ = write!(
            line,
            " frag={}@{}{more}",
            summary.identification, summary.fragment_offset
        );
    }
    let _ = write!(line, " ttl={}", summary.ttl);
    line
}

fn endpoints(summary: &Summary) -> String {
    let key = summary.key;
    if summary.has_ports() {
        let (from, to) = (key.source_port(), key.destination_port());
        return format!("{}:{from} > {}:{to}", key.source(), key.destination());
    }
    format!("{} > {}", key.source(), key.destination())
}

fn upper_name(protocol: Protocol) -> String {
    match protocol {
        Protocol(number) if protocol.to_string() == number.to_string() => format!("protocol {number}"),
        named => named.to_string().to_uppercase(),
    }
}

/// What the header above IP says, with a blank in front.
fn transport(summary: &Summary, l4: &[u8]) -> String {
    let len = summary.payload_len();
    match summary.protocol() {
        Protocol::TCP => match tcp::Segment::parse(l4) {
            Ok(segment) => segment_words(&segment),
            Err(_) => format!(" TCP len={len}"),
        },
        Protocol::ICMP => match icmp::Message::parse(l4) {
            Ok(message) => message_words(&message),
            Err(_) => format!(" ICMP len={len}"),
        },
        other => format!(" {} len={len}", upper_name(other)),
    }
}

fn segment_words(segment: &tcp::Segment<'_>) -> String {
    let flags = segment.flags();
    let names: Vec<&str> = FLAG_NAMES
        .iter()
        .filter(|(flag, _)| flags & flag != 0)
        .map(|(_, name)| *name)
        .collect();
    let mut words = format!(" TCP [{}] seq={}", names.join(", "), segment.seq());
    if flags & tcp::ACK != 0 {
        let _ = write!(words, " ack={}", segment.ack());
    }
    let _ = write!(words, " len={}", segment.payload().len());
    if let Some(mss) = segment.mss() {
        let _ = write!(words, " mss={mss}");
    }
    words
}

fn message_words(message: &icmp::Message<'_>) -> String {
    let mut words = format!(" ICMP {}", message_name(message));
    if let (Some(identifier), Some(sequence)) = (message.identifier(), message.sequence()) {
        let _ = write!(words, " id={identifier} seq={sequence}");
    }
    if let Some(mtu) = message.next_hop_mtu() {
        let _ = write!(words, " mtu={mtu}");
    }
    if let Some(inner) = message
        .embedded()
        .and_then(|start| crate::summarize_embedded(start).ok())
    {
        let _ = write!(words, " about ({})", inner.key);
    } else {
        let _ = write!(words, " len={}", message.payload().len());
    }
    words
}

fn message_name(message: &icmp::Message<'_>) -> String {
    let name = match (message.icmp_type(), message.code()) {
        (icmp::ECHO_REPLY, _) => "echo reply",
        (icmp::ECHO_REQUEST, _) => "echo request",
        (icmp::TIMESTAMP_REQUEST, _) => "timestamp request",
        (icmp::TIMESTAMP_REPLY, _) => "timestamp reply",
        (icmp::SOURCE_QUENCH, _) => "source quench",
        (icmp::REDIRECT, _) => "redirect",
        (icmp::PARAMETER_PROBLEM, _) => "parameter problem",
        (icmp::TIME_EXCEEDED, icmp::TTL_EXCEEDED) => "time exceeded",
        (icmp::TIME_EXCEEDED, icmp::REASSEMBLY_TIME_EXCEEDED) => "reassembly time exceeded",
        (icmp::DESTINATION_UNREACHABLE, icmp::NETWORK_UNREACHABLE) => "network unreachable",
        (icmp::DESTINATION_UNREACHABLE, icmp::HOST_UNREACHABLE) => "host unreachable",
        (icmp::DESTINATION_UNREACHABLE, icmp::PROTOCOL_UNREACHABLE) => "protocol unreachable",
        (icmp::DESTINATION_UNREACHABLE, icmp::PORT_UNREACHABLE) => "port unreachable",
        (icmp::DESTINATION_UNREACHABLE, icmp::FRAGMENTATION_NEEDED) => "fragmentation needed",
        (icmp::DESTINATION_UNREACHABLE, icmp::ADMINISTRATIVELY_PROHIBITED) => "administratively prohibited",
        (icmp_type, code) => return format!("type {icmp_type} code {code}"),
    };
    name.to_owned()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::samples::{self, HOST, ROUTER, SERVER};
    use crate::{PacketBuilder, fragment, icmp_error};

    #[test]
    fn tcp_shows_flags_and_numbers() {
        let syn = PacketBuilder::tcp(HOST, 40_000, SERVER, 443)
            .flags(tcp::SYN)
            .mss(1460)
            .build();
        assert_eq!(
            describe(&syn),
            "10.0.1.5:40000 > 10.0.2.7:443 TCP [SYN] seq=0 len=0 mss=1460 ttl=64"
        );
        let data = PacketBuilder::tcp(SERVER, 443, HOST, 40_000)
            .flags(tcp::PSH | tcp::ACK)
            .seq(5)
            .ack(6)
            .payload(b"abc")
            .ttl(63)
            .build();
        assert_eq!(
            describe(&data),
            "10.0.2.7:443 > 10.0.1.5:40000 TCP [PSH, ACK] seq=5 ack=6 len=3 ttl=63"
        );
    }

    #[test]
    fn icmp_shows_what_it_is_about() {
        let echo = PacketBuilder::icmp_echo(HOST, SERVER, 7, 1)
            .payload(&[0; 56])
            .build();
        assert_eq!(
            describe(&echo),
            "10.0.1.5 > 10.0.2.7 ICMP echo request id=7 seq=1 len=56 ttl=64"
        );
        let data = PacketBuilder::udp(HOST, 53, SERVER, 1024).build();
        let error = icmp_error::fragmentation_needed(ROUTER, &data, 1400).unwrap();
        assert_eq!(
            describe(&error),
            "10.0.1.1 > 10.0.1.5 ICMP fragmentation needed mtu=1400 about (10.0.1.5:53 > 10.0.2.7:1024 udp) ttl=255"
        );
    }

    #[test]
    fn other_protocols_show_their_length() {
        let tunnel = PacketBuilder::raw(HOST, SERVER, Protocol::GRE, &[0; 4]).build();
        assert_eq!(describe(&tunnel), "10.0.1.5 > 10.0.2.7 GRE len=4 ttl=64");
        let routing = PacketBuilder::raw(HOST, SERVER, Protocol(89), &[]).build();
        assert_eq!(describe(&routing), "10.0.1.5 > 10.0.2.7 protocol 89 len=0 ttl=64");
    }

    #[test]
    fn fragments_show_identification_and_offset() {
        let whole = PacketBuilder::udp(HOST, 53, SERVER, 1024)
            .payload(&[0; 40])
            .identification(9)
            .build();
        let parts = fragment(&whole, 44).unwrap();
        assert_eq!(
            describe(&parts[0]),
            "10.0.1.5:53 > 10.0.2.7:1024 UDP len=16 frag=9@0+ ttl=64"
        );
        assert_eq!(
            describe(&parts[1]),
            "10.0.1.5 > 10.0.2.7 UDP len=24 frag=9@24 ttl=64"
        );
    }

    #[test]
    fn malformed_packets_say_what_is_wrong() {
        assert_eq!(
            describe(&[0x45]),
            "malformed packet: ipv4 needs 20 bytes and has 1"
        );
    }

    proptest! {
        #[test]
        fn any_bytes_give_one_line(bytes in samples::mangled()) {
            let line = describe(&bytes);
            prop_assert!(!line.is_empty() && !line.contains('\n'));
        }
    }
}
