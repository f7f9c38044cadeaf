//! The proxy protocol's header in a connection: sent in a segment of its own before the client's first bytes, which all move
//! behind it.
//!
//! The header being a segment of its own, no segment of the client grows, and none becomes too large for the way to the target.

use vpcsim_engine::Packet;
use vpcsim_wire::{FlowKey, PacketBuilder, tcp};

/// How far the header of a connection got.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Proxy {
    /// There is none.
    #[default]
    Off,
    /// The client has not acknowledged the target's SYN yet.
    Waiting,
    /// It was sent; the client's bytes up to this sequence number have followed.
    Sent(u32),
    /// The target has it.
    Acknowledged,
}

impl Proxy {
    pub(super) const fn new(is_on: bool) -> Self {
        if is_on { Self::Waiting } else { Self::Off }
    }

    /// Moves a client's segment behind the header; says whether the header has to be sent before it.
    pub(super) fn carry_there(&mut self, isn: u32, header_len: u16, packet: &mut Packet) -> bool {
        let Some((flags, seq, len)) = facts(packet) else { return false };
        if flags & tcp::SYN != 0 || (*self == Self::Waiting && flags & tcp::ACK == 0) {
            return false;
        }
        let first = isn.wrapping_add(1);
        let end = seq.wrapping_add(len);
        let is_due = match *self {
            Self::Off => return false,
            Self::Acknowledged => false,
            Self::Waiting => {
                *self = Self::Sent(end);
                true
            }
            Self::Sent(sent) => {
                let is_new = is_after(end, sent);
                *self = Self::Sent(if is_new { end } else { sent });
                // The client says something again because the target lacks what came before it.
                seq == first && !is_new
            }
        };
        packet.add_to_seq(header_len.into());
        is_due
    }

    /// Takes the header out of what the target acknowledges.
    pub(super) fn carry_back(&mut self, isn: u32, header_len: u16, packet: &mut Packet) {
        let (Self::Sent(_) | Self::Acknowledged) = *self else { return };
        let first = isn.wrapping_add(1);
        let header_len = u32::from(header_len);
        let behind = first.wrapping_add(header_len);
        if acknowledged(packet).is_some_and(|ack| ack == behind || is_after(ack, behind)) {
            *self = Self::Acknowledged;
        }
        packet.map_acks(|ack| if is_after(ack, behind) { ack.wrapping_sub(header_len) } else { first });
    }
}

/// The segment with the header, sent as by the client before `following`, which has been moved already.
pub(super) fn header_segment(outer: FlowKey, header: &[u8], isn: u32, following: &Packet) -> Vec<u8> {
    let segment = segment_of(following);
    let (ack, window) = segment.map_or((0, 0), |segment| (segment.ack(), segment.window()));
    let ttl = following.summary().map_or(64, |summary| summary.ttl);
    PacketBuilder::tcp(outer.source(), outer.source_port(), outer.destination(), outer.destination_port())
        .flags(tcp::ACK | tcp::PSH)
        .seq(isn.wrapping_add(1))
        .ack(ack)
        .window(window)
        .ttl(ttl)
        .payload(header)
        .build()
}

/// Whether one sequence number comes after another.
const fn is_after(one: u32, other: u32) -> bool {
    one.wrapping_sub(other).cast_signed() > 0
}

fn segment_of(packet: &Packet) -> Option<tcp::Segment<'_>> {
    let summary = packet.summary()?;
    tcp::Segment::parse(packet.bytes().get(usize::from(summary.header_len)..usize::from(summary.total_len))?).ok()
}

fn facts(packet: &Packet) -> Option<(u8, u32, u32)> {
    let segment = segment_of(packet)?;
    Some((segment.flags(), segment.seq(), segment.sequence_len()))
}

fn acknowledged(packet: &Packet) -> Option<u32> {
    segment_of(packet).filter(|segment| segment.flags() & tcp::ACK != 0).map(|segment| segment.ack())
}
