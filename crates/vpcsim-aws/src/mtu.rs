//! What a path carries: whether a packet fits, has to be cut, or cannot go on (MTU-02, MTU-03).
//! What cannot go on is reported to its sender with the limit that it met (MTU-08).

use vpcsim_engine::{Context, Handle, Packet, Port};
use vpcsim_wire::fragment;

/// The largest IPv4 packet that a path carries, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct PathMtu(pub u16);

/// How a packet gets over a path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fit {
    /// As it is.
    Whole,
    /// Cut into these fragments.
    Fragments(Vec<Vec<u8>>),
    /// Not at all: it is too large and must not be cut.
    TooBig,
}

impl PathMtu {
    /// By an internet gateway and on the internet (IGW-16).
    pub const INTERNET: Self = Self(1500);
    /// Through a NAT gateway (NAT-22).
    pub const NAT_GATEWAY: Self = Self(8500);

    /// Through a transit gateway (TGW-32).
    pub const TRANSIT_GATEWAY: Self = Self(8500);
    /// Between two regions by a peering connection (PCX-13).
    pub const PEERING_BETWEEN_REGIONS: Self = Self(8500);

    /// By an interface endpoint (EP-16).
    pub const INTERFACE_ENDPOINT: Self = Self(8500);

    /// How the packet gets over the path.
    pub fn check(self, packet: &Packet) -> Fit {
        let Some(summary) = packet.summary() else {
            return Fit::Whole;
        };
        if summary.total_len <= self.0 {
            return Fit::Whole;
        }
        match fragment(packet.bytes(), usize::from(self.0)) {
            Ok(fragments) => Fit::Fragments(fragments),
            Err(_) => Fit::TooBig,
        }
    }
}

/// Makes the packet the first of the fragments and gives back the others as new packets like it, which the caller has to
/// send on.
pub(crate) fn cut(context: &mut Context<'_>, packet: Handle, fragments: &[Vec<u8>]) -> Vec<Handle> {
    let (frame, mark) = (context.packet(packet).frame(), context.packet(packet).mark());
    let mut fragments = fragments.iter();
    if let Some(first) = fragments.next() {
        let replaced = context.packet_mut(packet).replace_bytes(first);
        debug_assert!(replaced.is_ok(), "a fragment of a packet is a packet");
    }
    let further = |bytes: &Vec<u8>| {
        let further = context.emit(frame, bytes);
        context.packet_mut(further).set_mark(mark);
        further
    };
    fragments.map(further).collect()
}

/// As [`cut`], with the others sent to the node itself, to be handled like the first.
pub(crate) fn cut_again(context: &mut Context<'_>, packet: Handle, fragments: &[Vec<u8>], port: Port) {
    let node = context.node();
    for further in cut(context, packet, fragments) {
        context.forward(further, node, port);
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use vpcsim_wire::{PacketBuilder, summarize};

    use super::*;
    use crate::stand::packet_of;

    fn datagram(payload_len: usize, dont_fragment: bool) -> Packet {
        let (from, to) = (Ipv4Addr::new(10, 0, 0, 1), Ipv4Addr::new(10, 0, 0, 2));
        let builder = PacketBuilder::udp(from, 1, to, 2).payload(&vec![0; payload_len]);
        packet_of(&builder.dont_fragment(dont_fragment).build())
    }

    #[test]
    fn a_packet_of_exactly_the_limit_goes_whole() {
        assert_eq!(PathMtu::INTERNET.check(&datagram(1472, true)), Fit::Whole);
        assert_eq!(PathMtu::INTERNET.check(&datagram(1473, true)), Fit::TooBig);
    }

    #[test]
    fn a_larger_packet_is_cut_unless_it_forbids_that() {
        let Fit::Fragments(fragments) = PathMtu::INTERNET.check(&datagram(4000, false)) else {
            panic!("it may be cut");
        };
        let summaries: Vec<_> = fragments.iter().map(|bytes| summarize(bytes).unwrap()).collect();
        assert!(summaries.iter().all(|summary| summary.total_len <= 1500));
        assert_eq!(
            summaries.iter().map(|summary| summary.l4_len).sum::<u16>(),
            4008,
            "nothing is lost"
        );
    }
}
