//! Which traffic a rule is about: protocol, destination ports, ICMP type and code. Shared by security groups and network ACLs.

use std::fmt;

use vpcsim_wire::{Protocol, Summary};

/// Which way a packet goes: seen from the network interface, for a network ACL from the subnet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Direction {
    /// It comes in.
    Ingress,
    /// It goes out.
    Egress,
}

impl Direction {
    /// Both, in the order in which rules are numbered.
    pub const BOTH: [Self; 2] = [Self::Ingress, Self::Egress];

    /// `from` or `to`: what stands before the other side in the words of a rule.
    pub const fn preposition(self) -> &'static str {
        match self {
            Self::Ingress => "from",
            Self::Egress => "to",
        }
    }
}

impl fmt::Display for Direction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Ingress => "ingress",
            Self::Egress => "egress",
        })
    }
}

/// An inclusive range of ports.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PortRange {
    /// The lowest port.
    pub first: u16,
    /// The highest port.
    pub last: u16,
}

impl PortRange {
    /// Every port.
    pub const ALL: Self = Self {
        first: 0,
        last: u16::MAX,
    };

    /// One port.
    pub const fn single(port: u16) -> Self {
        Self {
            first: port,
            last: port,
        }
    }

    /// Whether `port` lies in it.
    pub const fn contains(self, port: u16) -> bool {
        self.first <= port && port <= self.last
    }
}

impl fmt::Display for PortRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::ALL => f.write_str("all ports"),
            Self { first, last } if first == last => write!(f, "{first}"),
            Self { first, last } => write!(f, "{first}-{last}"),
        }
    }
}

/// The traffic that a rule is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Traffic {
    /// Every protocol (`-1`).
    All,
    /// TCP to these destination ports.
    Tcp(PortRange),
    /// UDP to these destination ports.
    Udp(PortRange),
    /// ICMP of this type and code; `None` is any (`-1`).
    Icmp {
        /// The type, or any.
        icmp_type: Option<u8>,
        /// The code, or any.
        icmp_code: Option<u8>,
    },
    /// Another protocol, whatever its ports (SG-04, NACL-09).
    Other(Protocol),
}

impl Traffic {
    /// All ICMP.
    pub const ICMP: Self = Self::Icmp {
        icmp_type: None,
        icmp_code: None,
    };

    /// Whether the packet is such traffic.
    ///
    /// A fragment without ports is judged with its first fragment
    /// ([`FragmentMemory`](crate::fragment_memory::FragmentMemory)); alone it only is what takes in its whole protocol.
    #[inline]
    pub fn matches(self, packet: &Summary) -> bool {
        if packet.is_later_fragment() {
            return self.covers_all_of(packet.key.protocol());
        }
        self.matches_parts(
            packet.key.protocol(),
            packet.key.destination_port(),
            packet.icmp_type,
            packet.icmp_code,
        )
    }

    /// Whether traffic of these parts is meant.
    #[inline]
    pub fn matches_parts(
        self,
        protocol: Protocol,
        destination_port: u16,
        icmp_type: u8,
        icmp_code: u8,
    ) -> bool {
        match self {
            Self::All => true,
            Self::Tcp(ports) => protocol == Protocol::TCP && ports.contains(destination_port),
            Self::Udp(ports) => protocol == Protocol::UDP && ports.contains(destination_port),
            Self::Icmp {
                icmp_type: wanted_type,
                icmp_code: wanted_code,
            } => {
                protocol == Protocol::ICMP
                    && wanted_type.is_none_or(|wanted| wanted == icmp_type)
                    && wanted_code.is_none_or(|wanted| wanted == icmp_code)
            }
            Self::Other(wanted) => protocol == wanted,
        }
    }

    /// Whether it covers every port or type of `protocol`, as an untracked flow's opposite rule must (CT-04).
    pub fn covers_all_of(self, protocol: Protocol) -> bool {
        match self {
            Self::All => true,
            Self::Tcp(ports) => protocol == Protocol::TCP && ports == PortRange::ALL,
            Self::Udp(ports) => protocol == Protocol::UDP && ports == PortRange::ALL,
            Self::Icmp { icmp_type, icmp_code } => {
                protocol == Protocol::ICMP && icmp_type.is_none() && icmp_code.is_none()
            }
            Self::Other(wanted) => protocol == wanted,
        }
    }

    /// Whether all of `other` is such traffic.
    pub fn covers(self, other: Self) -> bool {
        match (self, other) {
            (Self::All, _) => true,
            (Self::Tcp(wide), Self::Tcp(narrow)) | (Self::Udp(wide), Self::Udp(narrow)) => {
                wide.first <= narrow.first && narrow.last <= wide.last
            }
            (
                Self::Icmp { icmp_type, icmp_code },
                Self::Icmp {
                    icmp_type: narrow_type,
                    icmp_code: narrow_code,
                },
            ) => {
                (icmp_type.is_none() || icmp_type == narrow_type)
                    && (icmp_code.is_none() || icmp_code == narrow_code)
            }
            (Self::Other(protocol), other) => other.protocol() == Some(protocol),
            _ => false,
        }
    }

    /// What is wrong with it and what would be right, where no such traffic can be asked for.
    pub fn fault(self) -> Option<(String, &'static str)> {
        match self {
            Self::Tcp(PortRange { first, last }) | Self::Udp(PortRange { first, last }) if first > last => {
                Some((
                    format!("has a range of ports from {first} down to {last}"),
                    "write the lower port first",
                ))
            }
            Self::Icmp {
                icmp_type: None,
                icmp_code: Some(code),
            } => Some((
                format!("asks for the ICMP code {code} of every type"),
                "leave the code out, or say the type",
            )),
            _ => None,
        }
    }

    /// The protocol it is about; `None` is every one.
    pub fn protocol(self) -> Option<Protocol> {
        match self {
            Self::All => None,
            Self::Tcp(_) => Some(Protocol::TCP),
            Self::Udp(_) => Some(Protocol::UDP),
            Self::Icmp { .. } => Some(Protocol::ICMP),
            Self::Other(protocol) => Some(protocol),
        }
    }
}

impl fmt::Display for Traffic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::All => f.write_str("all"),
            Self::Tcp(PortRange::ALL) => f.write_str("tcp"),
            Self::Udp(PortRange::ALL) => f.write_str("udp"),
            Self::Tcp(ports) => write!(f, "tcp {ports}"),
            Self::Udp(ports) => write!(f, "udp {ports}"),
            Self::Icmp { icmp_type: None, .. } => f.write_str("icmp"),
            Self::Icmp {
                icmp_type: Some(kind),
                icmp_code: None,
            } => write!(f, "icmp {kind}"),
            Self::Icmp {
                icmp_type: Some(kind),
                icmp_code: Some(code),
            } => write!(f, "icmp {kind}/{code}"),
            Self::Other(protocol) => write!(f, "{protocol}"),
        }
    }
}

/// A packet in the words of [`Traffic`]: `tcp 443`, `icmp 8/0`, `gre`.
pub fn packet_words(packet: &Summary) -> String {
    let protocol = packet.protocol();
    if packet.is_later_fragment() {
        format!("a fragment of {protocol}")
    } else if protocol.has_ports() {
        format!("{protocol} {}", packet.key.destination_port())
    } else if packet.is_icmp() {
        format!("{protocol} {}/{}", packet.icmp_type, packet.icmp_code)
    } else {
        protocol.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tcp_ports_are_destination_ports_and_inclusive() {
        let rule = Traffic::Tcp(PortRange { first: 80, last: 90 });
        assert!(rule.matches_parts(Protocol::TCP, 80, 0, 0) && rule.matches_parts(Protocol::TCP, 90, 0, 0));
        assert!(!rule.matches_parts(Protocol::TCP, 91, 0, 0));
        assert!(!rule.matches_parts(Protocol::UDP, 80, 0, 0));
    }

    #[test]
    fn icmp_type_without_code_matches_every_code() {
        let echo = Traffic::Icmp {
            icmp_type: Some(8),
            icmp_code: None,
        };
        assert!(echo.matches_parts(Protocol::ICMP, 7, 8, 3));
        assert!(!echo.matches_parts(Protocol::ICMP, 7, 13, 0));
    }

    #[test]
    fn a_number_matches_the_protocol_whatever_its_ports() {
        assert!(Traffic::Other(Protocol::GRE).matches_parts(Protocol::GRE, 0, 0, 0));
        assert!(!Traffic::Other(Protocol::GRE).matches_parts(Protocol::ESP, 0, 0, 0));
    }

    #[test]
    fn fragment_without_ports_is_only_what_takes_in_its_whole_protocol() {
        let (host, server) = ([10, 0, 1, 5].into(), [10, 0, 2, 7].into());
        let whole = vpcsim_wire::PacketBuilder::udp(host, 40_000, server, 53)
            .payload(&[0; 100])
            .build();
        let parts = vpcsim_wire::fragment(&whole, 68).unwrap();
        let (first, later) = (
            vpcsim_wire::summarize(&parts[0]).unwrap(),
            vpcsim_wire::summarize(&parts[1]).unwrap(),
        );
        let (dns, low) = (
            Traffic::Udp(PortRange::single(53)),
            Traffic::Udp(PortRange { first: 0, last: 99 }),
        );
        assert!(dns.matches(&first) && !dns.matches(&later));
        assert!(low.matches(&first) && !low.matches(&later));
        assert!(Traffic::Udp(PortRange::ALL).matches(&later) && Traffic::All.matches(&later));
    }

    #[test]
    fn wide_traffic_covers_narrow_traffic() {
        let icmp = |icmp_type, icmp_code| Traffic::Icmp { icmp_type, icmp_code };
        let ports = |first, last| Traffic::Tcp(PortRange { first, last });
        for (wide, narrow) in [
            (Traffic::All, ports(80, 80)),
            (ports(80, 90), ports(81, 90)),
            (Traffic::ICMP, icmp(Some(3), Some(4))),
            (icmp(Some(3), None), icmp(Some(3), Some(4))),
            (Traffic::Other(Protocol::TCP), ports(80, 80)),
        ] {
            assert!(wide.covers(narrow) && wide.covers(wide), "{wide} {narrow}");
            assert!(!narrow.covers(wide), "{narrow} {wide}");
        }
        assert!(!ports(80, 90).covers(Traffic::Udp(PortRange::single(80))));
    }

    #[test]
    fn packet_is_written_as_the_traffic_that_it_is() {
        let (host, server) = ([10, 0, 1, 5].into(), [10, 0, 2, 7].into());
        let words = |builder: vpcsim_wire::PacketBuilder| {
            packet_words(&vpcsim_wire::summarize(&builder.build()).unwrap())
        };
        assert_eq!(
            words(vpcsim_wire::PacketBuilder::tcp(host, 1, server, 443)),
            "tcp 443"
        );
        assert_eq!(
            words(vpcsim_wire::PacketBuilder::icmp_echo(host, server, 1, 1)),
            "icmp 8/0"
        );
        assert_eq!(
            words(vpcsim_wire::PacketBuilder::raw(host, server, Protocol::GRE, &[])),
            "gre"
        );
    }

    #[test]
    fn traffic_prints_as_the_native_format_writes_it() {
        assert_eq!(Traffic::Tcp(PortRange::single(443)).to_string(), "tcp 443");
        assert_eq!(Traffic::Udp(PortRange::ALL).to_string(), "udp");
        assert_eq!(
            Traffic::Icmp {
                icmp_type: Some(3),
                icmp_code: Some(4)
            }
            .to_string(),
            "icmp 3/4"
        );
    }
}
