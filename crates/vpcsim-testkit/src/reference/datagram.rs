//! A packet as the rules see it: five numbers, and whether it asks or answers.

use std::net::Ipv4Addr;

use vpcsim_wire::Protocol;

/// A packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Datagram {
    /// Who sends it.
    pub source: Ipv4Addr,
    /// Whom it is for.
    pub destination: Ipv4Addr,
    /// What it carries.
    pub protocol: Protocol,
    /// The source port; for an echo its identifier.
    pub source_port: u16,
    /// The destination port; for an echo its identifier.
    pub destination_port: u16,
    /// Whether it answers: a SYN-ACK, a RST, an echo reply, a datagram back.
    pub answer: bool,
}

impl Datagram {
    /// The answer to it, or the question that it answers.
    #[must_use]
    pub const fn reversed(self) -> Self {
        Self {
            source: self.destination,
            destination: self.source,
            protocol: self.protocol,
            source_port: self.destination_port,
            destination_port: self.source_port,
            answer: !self.answer,
        }
    }

    /// The ICMP type of an echo or of its reply.
    pub const fn icmp_type(self) -> u8 {
        if self.answer { 0 } else { 8 }
    }

    /// Whether both belong to one conversation and go the same way.
    pub fn same_flow(self, other: Self) -> bool {
        Self {
            answer: other.answer,
            ..self
        } == other
    }
}
