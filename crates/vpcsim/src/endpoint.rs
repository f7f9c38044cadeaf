//! What `--to` takes: a host and a service, as `db-1:5432/tcp`.

use std::str::FromStr;

/// Where a flow goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Destination {
    /// A name, an id, an address or `internet`.
    pub(crate) host: String,
    /// `tcp`, `udp`, `icmp` or a number.
    pub(crate) protocol: String,
    /// The port, for TCP and UDP.
    pub(crate) port: Option<u16>,
}

impl FromStr for Destination {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let Some((host, service)) = text.rsplit_once(':') else {
            return Err(format!(
                "`{text}` names no service: add `:443/tcp`, `:53/udp` or `:icmp`, as in `{text}:443/tcp`"
            ));
        };
        if host.is_empty() {
            return Err(format!(
                "`{text}` names no host: write one before the colon, as in `web-1:{service}`"
            ));
        }
        let (protocol, port) = parse_service(service)?;
        Ok(Self {
            host: host.to_owned(),
            protocol,
            port,
        })
    }
}

/// `443/tcp`, `tcp/443`, `443` (which is TCP) or `icmp`.
fn parse_service(service: &str) -> Result<(String, Option<u16>), String> {
    let wrong = |what: &str| format!("{what}; write `443/tcp`, `53/udp` or `icmp` behind the colon");
    let service = service.to_ascii_lowercase();
    let (port, protocol) = match service.split_once('/') {
        Some((protocol @ ("tcp" | "udp"), port) | (port, protocol)) => (port, protocol),
        None if service == "icmp" => return Ok((service, None)),
        None => (service.as_str(), "tcp"),
    };
    if !matches!(protocol, "tcp" | "udp") {
        return Err(wrong(&format!("`{protocol}` is no protocol with ports")));
    }
    match port.parse() {
        Ok(0) => Err(wrong("no service listens at port 0")),
        Ok(number) => Ok((protocol.to_owned(), Some(number))),
        Err(_) if port == "tcp" || port == "udp" => Err(wrong(&format!("`{port}` needs a port"))),
        Err(_) => Err(wrong(&format!("`{port}` is no port: ports go from 1 to 65535"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> (String, String, Option<u16>) {
        let destination: Destination = text.parse().unwrap();
        (destination.host, destination.protocol, destination.port)
    }

    fn refused(text: &str) -> String {
        text.parse::<Destination>().unwrap_err()
    }

    #[test]
    fn services_are_ports_with_a_protocol_or_icmp() {
        assert_eq!(parsed("db-1:5432/tcp"), ("db-1".into(), "tcp".into(), Some(5432)));
        assert_eq!(
            parsed("10.0.1.5:53/UDP"),
            ("10.0.1.5".into(), "udp".into(), Some(53))
        );
        assert_eq!(parsed("internet:icmp"), ("internet".into(), "icmp".into(), None));
    }

    #[test]
    fn a_bare_port_is_tcp_and_the_order_does_not_matter() {
        assert_eq!(parsed("web-1:443"), ("web-1".into(), "tcp".into(), Some(443)));
        assert_eq!(parsed("web-1:udp/53"), ("web-1".into(), "udp".into(), Some(53)));
    }

    #[test]
    fn what_is_wrong_is_said_with_an_example() {
        assert!(refused("web-1").contains("`web-1:443/tcp`"));
        assert!(refused(":443/tcp").contains("names no host"));
        assert!(refused("web-1:70000/tcp").contains("`70000` is no port"));
        assert!(refused("web-1:443/sctp").contains("`sctp` is no protocol with ports"));
        assert!(refused("web-1:tcp").contains("needs a port"));
        assert!(refused("web-1:0").contains("port 0"));
    }
}
