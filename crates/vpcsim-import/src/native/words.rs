//! The small languages inside strings: traffic (`tcp 80-90`), addresses with a direction, listeners, expectations.

use std::ops::RangeInclusive;

use vpcsim_aws::Protocol;
use vpcsim_aws::devices::instance::Listener;
use vpcsim_aws::traffic::{PortRange, Traffic};

use super::suggest;

/// Other protocols that people write by name.
const PROTOCOL_NAMES: [(&str, u8); 6] = [
    ("ipip", 4),
    ("ah", 51),
    ("icmpv6", 58),
    ("ospf", 89),
    ("vrrp", 112),
    ("sctp", 132),
];

/// Reads one or more kinds of traffic: several port ranges make several.
pub(crate) fn parse_traffic(text: &str) -> Result<Vec<Traffic>, String> {
    let text = text.trim();
    let (word, rest) = split_word(text);
    let rest = rest.trim();
    match word.to_ascii_lowercase().as_str() {
        "" => Err("the protocol is missing".to_owned()),
        "all" | "-1" | "any" if rest.is_empty() => Ok(vec![Traffic::All]),
        "tcp" => ports(rest, Traffic::Tcp),
        "udp" => ports(rest, Traffic::Udp),
        "icmp" => parse_icmp(rest).map(|traffic| vec![traffic]),
        "protocol" => protocol(rest).map(|found| vec![numbered(found)]),
        other if rest.is_empty() => protocol(other).map(|found| vec![numbered(found)]),
        other => {
            let near = suggest::nearest(other, ["tcp", "udp", "icmp", "all"]);
            let near = near
                .map(|near| format!("; did you mean `{near}`?"))
                .unwrap_or_default();
            Err(format!("`{text}` is no traffic{near}"))
        }
    }
}

fn split_word(text: &str) -> (&str, &str) {
    text.split_once(char::is_whitespace).unwrap_or((text, ""))
}

fn protocol(text: &str) -> Result<Protocol, String> {
    let named = PROTOCOL_NAMES
        .iter()
        .find(|(name, _)| name.eq_ignore_ascii_case(text));
    match named {
        Some((_, number)) => Ok(Protocol(*number)),
        None => text
            .parse()
            .map_err(|error| format!("`{text}` is no protocol: {error}")),
    }
}

/// A protocol by its number; those with ports or types of their own are all of them.
pub(crate) fn numbered(protocol: Protocol) -> Traffic {
    match protocol {
        Protocol::TCP => Traffic::Tcp(PortRange::ALL),
        Protocol::UDP => Traffic::Udp(PortRange::ALL),
        Protocol::ICMP => Traffic::ICMP,
        other => Traffic::Other(other),
    }
}

fn ports(text: &str, traffic: fn(PortRange) -> Traffic) -> Result<Vec<Traffic>, String> {
    if text.is_empty() || text == "all" || text == "all ports" || text == "*" {
        return Ok(vec![traffic(PortRange::ALL)]);
    }
    text.split(',')
        .map(|part| parse_ports(part).map(traffic))
        .collect()
}

/// Reads `80` or `8000-8100`.
pub(crate) fn parse_ports(text: &str) -> Result<PortRange, String> {
    let text = text.trim();
    let (first, last) = text.split_once('-').unwrap_or((text, text));
    let port = |part: &str| {
        part.trim()
            .parse::<u16>()
            .map_err(|_| format!("`{text}` is no port or range of ports"))
    };
    let (first, last) = (port(first)?, port(last)?);
    if first > last {
        return Err(format!("the range {text} runs backwards: {last}-{first}"));
    }
    Ok(PortRange { first, last })
}

fn parse_icmp(text: &str) -> Result<Traffic, String> {
    let (kind, code) = text.split_once('/').unwrap_or((text, ""));
    let number = |part: &str, what: &str| match part.trim() {
        "" | "all" | "any" | "*" | "-1" => Ok(None),
        part => part
            .parse::<u8>()
            .map(Some)
            .map_err(|_| format!("`{part}` is no ICMP {what}")),
    };
    let named = match kind.trim() {
        "echo" | "ping" => Some(8),
        other => number(other, "type")?,
    };
    Ok(Traffic::Icmp {
        icmp_type: named,
        icmp_code: number(code, "code")?,
    })
}

/// Reads `tcp 80`, `udp 53`, `tcp 8000-8100`.
pub(crate) fn parse_listeners(text: &str) -> Result<Vec<Listener>, String> {
    let listener = |traffic| match traffic {
        Traffic::Tcp(ports) => Ok(Listener {
            protocol: Protocol::TCP,
            ports,
        }),
        Traffic::Udp(ports) => Ok(Listener {
            protocol: Protocol::UDP,
            ports,
        }),
        _ => Err(format!(
            "`{text}` is no service: hosts listen on TCP and UDP ports, and always answer ping"
        )),
    };
    parse_traffic(text)?.into_iter().map(listener).collect()
}

/// Splits a rule at ` from ` or ` to `; without either the other side is missing.
pub(crate) fn split_peer(text: &str) -> (&str, Option<&str>) {
    let split = [" from ", " to "]
        .iter()
        .filter_map(|word| text.find(word).map(|at| (at, word.len())))
        .min();
    match split {
        Some((at, length)) => (text[..at].trim(), Some(text[at + length..].trim())),
        None => (text.trim(), None),
    }
}

/// The parts of an entry of a network ACL.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct AclWords<'t> {
    /// The rule number.
    pub number: u16,
    /// Whether it allows.
    pub allow: bool,
    /// The traffic.
    pub traffic: Vec<Traffic>,
    /// The other side, if it is written.
    pub peer: Option<&'t str>,
}

/// The numbers that AWS takes for entries of network ACLs (NACL-03).
pub(crate) const ACL_NUMBERS: RangeInclusive<u16> = 1..=32766;

/// Reads `100 allow tcp 5432 from 10.0.1.0/24`.
pub(crate) fn parse_acl_entry(text: &str) -> Result<AclWords<'_>, String> {
    let (number, rest) = split_word(text.trim());
    let number = number.parse().ok().filter(|number| ACL_NUMBERS.contains(number));
    let number =
        number.ok_or_else(|| format!("`{text}` does not begin with a rule number from 1 to 32766"))?;
    let (action, rest) = split_word(rest.trim());
    let allow = match action.to_ascii_lowercase().as_str() {
        "allow" => true,
        "deny" => false,
        _ => {
            return Err(format!(
                "`{text}` says neither `allow` nor `deny` after its number"
            ));
        }
    };
    let (traffic, peer) = split_peer(rest);
    Ok(AclWords {
        number,
        allow,
        traffic: parse_traffic(traffic)?,
        peer,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn traffic_reads_what_traffic_prints() {
        for traffic in [
            Traffic::All,
            Traffic::Tcp(PortRange::ALL),
            Traffic::Tcp(PortRange::single(80)),
            Traffic::Udp(PortRange { first: 1, last: 9 }),
            Traffic::ICMP,
            Traffic::Icmp {
                icmp_type: Some(3),
                icmp_code: None,
            },
            Traffic::Icmp {
                icmp_type: Some(3),
                icmp_code: Some(4),
            },
            Traffic::Other(Protocol::GRE),
            Traffic::Other(Protocol(99)),
        ] {
            assert_eq!(parse_traffic(&traffic.to_string()), Ok(vec![traffic]));
        }
    }

    #[test]
    fn several_ports_are_several_kinds_of_traffic() {
        let ports = [80, 443].map(|port| Traffic::Tcp(PortRange::single(port)));
        assert_eq!(parse_traffic("tcp 80,443"), Ok(ports.to_vec()));
        assert_eq!(
            parse_traffic("icmp 8/0"),
            Ok(vec![Traffic::Icmp {
                icmp_type: Some(8),
                icmp_code: Some(0)
            }])
        );
        assert_eq!(parse_traffic("6"), Ok(vec![Traffic::Tcp(PortRange::ALL)]));
    }

    #[test]
    fn wrong_traffic_says_what_is_wrong() {
        assert!(
            parse_traffic("tpc 80")
                .unwrap_err()
                .contains("did you mean `tcp`")
        );
        assert!(parse_traffic("tcp 90-80").unwrap_err().contains("80-90"));
        assert!(parse_traffic("tcp 70000").unwrap_err().contains("70000"));
        assert!(
            parse_traffic("300").is_err() && parse_traffic("").is_err() && parse_traffic("icmp 999").is_err()
        );
    }

    #[test]
    fn an_acl_entry_has_number_action_traffic_and_peer() {
        let words = parse_acl_entry("100 allow tcp 5432 from 10.0.1.0/24").expect("valid");
        assert_eq!(
            (words.number, words.allow, words.peer),
            (100, true, Some("10.0.1.0/24"))
        );
        assert!(parse_acl_entry("0 allow all").is_err() && parse_acl_entry("32767 deny all").is_err());
        assert!(parse_acl_entry("100 permit all").is_err() && parse_acl_entry("allow all").is_err());
    }
}
