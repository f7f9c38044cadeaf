//! The rule table of a firewall: pure, the first rule that matches decides.

use std::net::Ipv4Addr;

use vpcsim_engine::{Decision, DropReason};
use vpcsim_wire::{Protocol, Summary};

use super::ForwardingConfig;

/// A range of addresses: all that share the first so many bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Prefix {
    /// An address of the range.
    pub address: Ipv4Addr,
    /// How many bits they share.
    pub len: u8,
}

impl Prefix {
    /// Every address.
    pub const ALL: Self = Self {
        address: Ipv4Addr::UNSPECIFIED,
        len: 0,
    };

    /// Whether the address is one of the range.
    pub fn covers(self, address: Ipv4Addr) -> bool {
        let shift = 32 - u32::from(self.len.min(32));
        u64::from(self.address.to_bits()) >> shift == u64::from(address.to_bits()) >> shift
    }
}

/// A rule of a firewall.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FirewallRule {
    /// Whether what matches passes.
    pub allow: bool,
    /// The protocol; `None` is every one.
    pub protocol: Option<Protocol>,
    /// The first and the last destination port, for TCP and UDP.
    pub ports: (u16, u16),
    /// The ICMP type; `None` is every one.
    pub icmp_type: Option<u8>,
    /// The ICMP code; `None` is every one.
    pub icmp_code: Option<u8>,
    /// Who sends.
    pub source: Prefix,
    /// Who gets it.
    pub destination: Prefix,
}

impl FirewallRule {
    fn matches(&self, packet: &Summary) -> bool {
        self.protocol.is_none_or(|protocol| protocol == packet.protocol())
            && self.source.covers(packet.source())
            && self.destination.covers(packet.destination())
            && self.matches_kind(packet)
    }

    /// A fragment without ports matches what takes in its whole protocol.
    fn matches_kind(&self, packet: &Summary) -> bool {
        match self.protocol {
            Some(Protocol::TCP | Protocol::UDP) if packet.is_later_fragment() => self.ports == (0, u16::MAX),
            Some(Protocol::TCP | Protocol::UDP) => {
                (self.ports.0..=self.ports.1).contains(&packet.key.destination_port())
            }
            Some(Protocol::ICMP) => {
                self.icmp_type.is_none_or(|wanted| wanted == packet.icmp_type)
                    && self.icmp_code.is_none_or(|wanted| wanted == packet.icmp_code)
            }
            _ => true,
        }
    }
}

/// What the rules say of a packet.
pub(super) fn judge(config: &ForwardingConfig, packet: &Summary) -> Result<Decision, (DropReason, Decision)> {
    let (numbers, rules) = (config.numbers, &config.rules);
    let Some(index) = rules.iter().position(|rule| rule.matches(packet)) else {
        return if rules.is_empty() {
            Ok(config.by_host())
        } else {
            Err((numbers.denied, config.by_host()))
        };
    };
    let decision = Decision::rule(numbers.component, index as u32);
    if rules[index].allow {
        Ok(decision)
    } else {
        Err((numbers.denied, decision))
    }
}
