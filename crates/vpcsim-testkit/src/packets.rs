//! Packets in one line of text, as a test wants to read them.

use std::net::Ipv4Addr;

use vpcsim_wire::{PacketBuilder, Protocol, tcp};

/// The identifier of an ICMP echo unless the text gives one.
const ECHO_IDENTIFIER: u16 = 1;

/// The bytes of the packet that `text` describes: `10.0.1.5:40000 > 10.0.2.7:443 tcp syn`.
///
/// Behind the protocol (`tcp`, `udp`, `icmp`, `gre`, `esp` or a number) stand words: the TCP flags, `echo` or `reply`, `df`,
/// and values like `ttl=3`, `len=1200` (bytes of payload), `seq=7`, `ack=8`, `mss=1460`, `id=9`.
///
/// # Panics
///
/// If the text is no such description; the message says which part.
pub fn packet(text: &str) -> Vec<u8> {
    let (source, rest) = text
        .split_once(" > ")
        .unwrap_or_else(|| panic!("`{text}` has no ` > `"));
    let mut words = rest.split_whitespace();
    let (source, source_port) = endpoint(source.trim());
    let (destination, destination_port) = endpoint(words.next().unwrap_or_default());
    let name = words.next().unwrap_or_default();
    let protocol: Protocol = name
        .parse()
        .unwrap_or_else(|_| panic!("`{name}` in `{text}` is no protocol"));
    let words: Vec<&str> = words.collect();
    let builder = match protocol {
        Protocol::TCP => PacketBuilder::tcp(source, source_port, destination, destination_port),
        Protocol::UDP => PacketBuilder::udp(source, source_port, destination, destination_port),
        Protocol::ICMP => echo(source, destination, &words),
        other => PacketBuilder::raw(source, destination, other, &[]),
    };
    finish(builder, &words)
}

fn endpoint(text: &str) -> (Ipv4Addr, u16) {
    let (address, port) = text.split_once(':').unwrap_or((text, "0"));
    let address = address
        .parse()
        .unwrap_or_else(|_| panic!("`{address}` is no IPv4 address"));
    (address, number(port) as u16)
}

fn number(text: &str) -> u32 {
    text.parse().unwrap_or_else(|_| panic!("`{text}` is no number"))
}

fn value(words: &[&str], key: &str) -> Option<u32> {
    words
        .iter()
        .find_map(|word| word.strip_prefix(key)?.strip_prefix('='))
        .map(number)
}

fn echo(source: Ipv4Addr, destination: Ipv4Addr, words: &[&str]) -> PacketBuilder {
    let identifier = value(words, "id").map_or(ECHO_IDENTIFIER, |id| id as u16);
    let sequence = value(words, "seq").unwrap_or(0) as u16;
    if words.contains(&"reply") {
        PacketBuilder::icmp_reply(source, destination, identifier, sequence)
    } else {
        PacketBuilder::icmp_echo(source, destination, identifier, sequence)
    }
}

fn finish(mut builder: PacketBuilder, words: &[&str]) -> Vec<u8> {
    let mut flags = 0;
    for word in words {
        flags |= match *word {
            "syn" => tcp::SYN,
            "ack" => tcp::ACK,
            "fin" => tcp::FIN,
            "rst" => tcp::RST,
            "psh" => tcp::PSH,
            _ => 0,
        };
    }
    builder = builder.flags(flags);
    if let Some(seq) = value(words, "seq") {
        builder = builder.seq(seq);
    }
    if let Some(ack) = value(words, "ack") {
        builder = builder.ack(ack);
    }
    if let Some(mss) = value(words, "mss") {
        builder = builder.mss(mss as u16);
    }
    if let Some(ttl) = value(words, "ttl") {
        builder = builder.ttl(ttl as u8);
    }
    if let Some(len) = value(words, "len") {
        builder = builder.payload(&vec![b'.'; len as usize]);
    }
    if words.contains(&"df") {
        builder = builder.dont_fragment(true);
    }
    builder.build()
}

#[cfg(test)]
mod tests {
    use vpcsim_wire::describe;

    use super::*;

    #[test]
    fn a_syn_is_what_the_text_says() {
        let bytes = packet("10.0.1.5:40000 > 10.0.2.7:443 tcp syn");
        assert_eq!(
            describe(&bytes),
            "10.0.1.5:40000 > 10.0.2.7:443 TCP [SYN] seq=0 len=0 ttl=64"
        );
    }

    #[test]
    fn words_set_flags_and_fields() {
        let bytes = packet("10.0.1.5:1 > 10.0.2.7:2 tcp syn ack seq=7 ttl=3 len=10");
        assert_eq!(
            describe(&bytes),
            "10.0.1.5:1 > 10.0.2.7:2 TCP [SYN, ACK] seq=7 ack=0 len=10 ttl=3"
        );
    }

    #[test]
    fn icmp_is_an_echo_request_unless_it_is_a_reply() {
        let summary = |text| vpcsim_wire::summarize(&packet(text)).expect("a built packet is sound");
        assert_eq!(summary("10.0.1.5 > 10.0.2.7 icmp").icmp_type, 8);
        assert_eq!(summary("10.0.1.5 > 10.0.2.7 icmp reply id=4").icmp_type, 0);
    }

    #[test]
    #[should_panic(expected = "is no IPv4 address")]
    fn a_wrong_address_is_named() {
        packet("10.0.1.500 > 10.0.2.7 icmp");
    }
}
