//! What an instance does with packets for others: a router, a firewall, a NAT instance.
//!
//! # AWS semantics
//!
//! - An instance that forwards stands in another subnet than sender and receiver, with its source/destination check off, and both
//!   directions go through the same one (RT-30).
//! - What it forwards matches no reference to the sender's security group any more (RT-31).
//! - A NAT instance translates like any Linux host; its security groups apply, and it ends idle connections with FIN (NAT-50).
//!
//! # Where AWS is silent
//!
//! - The rules are asked in their order; the first that matches decides. Without rules all pass, with rules what none allows is
//!   dropped, as by a network ACL.
//! - An instance with rules is stateful unless the design says otherwise: answers pass without a rule, and what belongs to no known
//!   connection is dropped unless it opens one.
//! - A packet that comes back to the instance as it came before runs in a circle and is dropped there.

use std::fmt;

use ipnet::Ipv4Net;
use vpcsim_engine::DropReason;

use crate::drop_reason;
use crate::traffic::Traffic;

/// What an instance does with packets for others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Appliance {
    /// Whether it puts its own address in front, as a NAT instance does.
    pub masquerade: bool,
    /// The rules of its firewall.
    pub firewall: Vec<FirewallRule>,
    /// Whether its firewall remembers connections.
    pub stateful: bool,
    /// Whether nobody said that it forwards, and its being a route's target is the only sign.
    pub assumed: bool,
}

impl Appliance {
    /// A router: it forwards everything as it is.
    pub const fn router() -> Self {
        Self {
            masquerade: false,
            firewall: Vec::new(),
            stateful: false,
            assumed: false,
        }
    }

    /// A NAT instance.
    pub fn nat() -> Self {
        Self {
            masquerade: true,
            ..Self::router()
        }
    }
}

/// A rule of a firewall.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FirewallRule {
    /// Whether what matches passes.
    pub allow: bool,
    /// The traffic.
    pub traffic: Traffic,
    /// Who sends.
    pub source: Ipv4Net,
    /// Who gets it.
    pub destination: Ipv4Net,
}

impl fmt::Display for FirewallRule {
    /// `allow tcp 443 from 10.0.0.0/8 to 0.0.0.0/0`, with the ends left out where they are everybody.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} {}",
            if self.allow { "allow" } else { "deny" },
            self.traffic
        )?;
        for (word, net) in [("from", self.source), ("to", self.destination)] {
            if net.prefix_len() > 0 {
                write!(f, " {word} {net}")?;
            }
        }
        Ok(())
    }
}

/// Why an instance that forwards drops a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reasons {
    /// Its firewall denies it.
    pub denied: DropReason,
    /// It belongs to no connection that the firewall knows.
    pub no_connection: DropReason,
    /// No port is left to put in front.
    pub no_port: DropReason,
    /// It has been here before.
    pub circle: DropReason,
    /// Its time to live ran out.
    pub ttl_expired: DropReason,
    /// It is too large for the interface.
    pub too_large: DropReason,
    /// Nobody answers for its next hop.
    pub no_next_hop: DropReason,
}

/// The reasons that hosts are given.
pub const REASONS: Reasons = Reasons {
    denied: drop_reason::MIDDLEBOX_FIREWALL,
    no_connection: drop_reason::MIDDLEBOX_NO_STATE,
    no_port: drop_reason::MIDDLEBOX_PORT_EXHAUSTED,
    circle: drop_reason::MIDDLEBOX_LOOP,
    ttl_expired: drop_reason::TTL_EXPIRED,
    too_large: drop_reason::MTU_EXCEEDED,
    no_next_hop: drop_reason::MIDDLEBOX_NEXT_HOP,
};

#[cfg(test)]
mod tests {
    use super::*;
    use crate::traffic::PortRange;

    #[test]
    fn a_rule_reads_as_it_is_written() {
        let rule = FirewallRule {
            allow: true,
            traffic: Traffic::Tcp(PortRange::single(443)),
            source: "10.0.0.0/8".parse().unwrap(),
            destination: "0.0.0.0/0".parse().unwrap(),
        };
        assert_eq!(rule.to_string(), "allow tcp 443 from 10.0.0.0/8");
        let rule = FirewallRule {
            allow: false,
            traffic: Traffic::All,
            source: rule.destination,
            ..rule
        };
        assert_eq!(rule.to_string(), "deny all");
    }
}
