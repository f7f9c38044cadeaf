//! Services as users write them: `443/tcp`, `1000-2000/udp`, `tcp`, `icmp`, `icmp 8/0`, `gre`, `all`.

use vpcsim_wire::Protocol;

use crate::traffic::{PortRange, Traffic};

/// The traffic that the words mean.
///
/// # Errors
/// What is wrong with them, and what would be right.
pub fn parse_service(text: &str) -> Result<Traffic, String> {
    let text = text.trim().trim_start_matches(':').to_ascii_lowercase();
    if matches!(text.as_str(), "all" | "any") {
        return Ok(Traffic::All);
    }
    if let Some(message) = text.strip_prefix("icmp ") {
        return parse_message(message.trim());
    }
    let (ports, protocol) = match text.split_once('/') {
        Some((protocol @ ("tcp" | "udp"), ports) | (ports, protocol @ ("tcp" | "udp"))) => (ports, protocol),
        Some((_, protocol)) => {
            return Err(format!(
                "`{protocol}` is no protocol with ports; write `443/tcp` or `53/udp`"
            ));
        }
        None if text.starts_with(|first: char| first.is_ascii_digit()) => (text.as_str(), "tcp"),
        None => return by_protocol(&text),
    };
    let range = parse_ports(ports)?;
    Ok(if protocol == "tcp" {
        Traffic::Tcp(range)
    } else {
        Traffic::Udp(range)
    })
}

fn by_protocol(text: &str) -> Result<Traffic, String> {
    let wrong = |_| {
        format!("`{text}` is no service; write `443/tcp`, `1000-2000/udp`, `tcp`, `icmp`, `gre` or `all`")
    };
    let protocol: Protocol = text.parse().map_err(wrong)?;
    Ok(match protocol {
        Protocol::TCP => Traffic::Tcp(PortRange::ALL),
        Protocol::UDP => Traffic::Udp(PortRange::ALL),
        Protocol::ICMP => Traffic::ICMP,
        other => Traffic::Other(other),
    })
}

fn parse_message(text: &str) -> Result<Traffic, String> {
    let number = |text: &str| {
        text.parse::<u8>()
            .map_err(|_| format!("`{text}` is no ICMP type or code: they go from 0 to 255"))
    };
    let (icmp_type, icmp_code) = match text.split_once('/') {
        Some((icmp_type, code)) => (number(icmp_type)?, Some(number(code)?)),
        None => (number(text)?, None),
    };
    Ok(Traffic::Icmp {
        icmp_type: Some(icmp_type),
        icmp_code,
    })
}

/// A port, or a range of ports as `1000-2000`.
///
/// # Errors
/// What is wrong with it, and what would be right.
pub fn parse_ports(text: &str) -> Result<PortRange, String> {
    let number = |text: &str| {
        let port = text.trim().parse::<u16>();
        port.map_err(|_| format!("`{text}` is no port: ports go from 0 to 65535"))
    };
    let (first, last) = match text.split_once('-') {
        Some((first, last)) => (number(first)?, number(last)?),
        None => (number(text)?, number(text)?),
    };
    if first > last {
        return Err(format!(
            "`{text}` is a range from {first} down to {last}; write the lower port first"
        ));
    }
    Ok(PortRange { first, last })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn services_are_written_as_ports_with_a_protocol_or_as_a_protocol() {
        let words = |text: &str| parse_service(text).map(|service| service.to_string());
        for (text, expected) in [
            ("443/tcp", "tcp 443"),
            ("udp/53", "udp 53"),
            ("1000-2000/udp", "udp 1000-2000"),
            ("443", "tcp 443"),
            ("tcp", "tcp"),
            ("icmp", "icmp"),
            ("icmp 8/0", "icmp 8/0"),
            ("all", "all"),
        ] {
            assert_eq!(words(text).as_deref(), Ok(expected));
        }
    }

    #[test]
    fn ports_above_65535_and_ranges_that_fall_are_refused() {
        for (text, wrong) in [
            ("70000/tcp", "ports go from 0 to 65535"),
            ("90-80/tcp", "lower port first"),
            ("80/gre", "no protocol with ports"),
            ("icmp 300", "from 0 to 255"),
        ] {
            let refused = parse_service(text).unwrap_err();
            assert!(refused.contains(wrong), "{refused}");
        }
    }
}
