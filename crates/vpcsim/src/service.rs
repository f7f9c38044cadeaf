//! What `--service` and `--client-ports` take: `443/tcp`, `1000-2000/udp`, `tcp`, `icmp`, `gre`, `32768-60999`.

use std::fmt;
use std::str::FromStr;

use vpcsim_aws::Protocol;
use vpcsim_aws::traffic::{PortRange, Traffic};

/// Services to ask about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Service(pub(crate) Traffic);

/// The ports that clients send from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ClientPorts(pub(crate) PortRange);

impl FromStr for Service {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let text = text.trim().trim_start_matches(':').to_ascii_lowercase();
        if matches!(text.as_str(), "all" | "any") {
            return Ok(Self(Traffic::All));
        }
        let (ports, protocol) = match text.split_once('/') {
            Some((protocol @ ("tcp" | "udp"), ports) | (ports, protocol @ ("tcp" | "udp"))) => {
                (ports, protocol)
            }
            Some((_, protocol)) => {
                return Err(format!(
                    "`{protocol}` is no protocol with ports; write `443/tcp` or `53/udp`"
                ));
            }
            None if text.starts_with(|first: char| first.is_ascii_digit()) => (text.as_str(), "tcp"),
            None => return by_protocol(&text),
        };
        let range = ports_of(ports)?;
        Ok(Self(if protocol == "tcp" {
            Traffic::Tcp(range)
        } else {
            Traffic::Udp(range)
        }))
    }
}

fn by_protocol(text: &str) -> Result<Service, String> {
    let wrong = |_| {
        format!("`{text}` is no service; write `443/tcp`, `1000-2000/udp`, `tcp`, `icmp`, `gre` or `all`")
    };
    let protocol: Protocol = text.parse().map_err(wrong)?;
    Ok(Service(match protocol {
        Protocol::TCP => Traffic::Tcp(PortRange::ALL),
        Protocol::UDP => Traffic::Udp(PortRange::ALL),
        Protocol::ICMP => Traffic::ICMP,
        other => Traffic::Other(other),
    }))
}

fn ports_of(text: &str) -> Result<PortRange, String> {
    let number = |text: &str| {
        text.trim()
            .parse::<u16>()
            .map_err(|_| format!("`{text}` is no port: ports go from 0 to 65535"))
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

impl FromStr for ClientPorts {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        ports_of(text).map(Self)
    }
}

impl fmt::Display for Service {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn services_are_written_as_ports_with_a_protocol_or_as_a_protocol() {
        let words = |text: &str| text.parse::<Service>().map(|service| service.to_string());
        for (text, expected) in [
            ("443/tcp", "tcp 443"),
            ("udp/53", "udp 53"),
            ("1000-2000/udp", "udp 1000-2000"),
            ("443", "tcp 443"),
            ("tcp", "tcp"),
            ("icmp", "icmp"),
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
        ] {
            let refused = text.parse::<Service>().unwrap_err();
            assert!(refused.contains(wrong), "{refused}");
        }
    }
}
