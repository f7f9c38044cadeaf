//! Packets: bytes, the facts parsed from them once, and a slab that recycles their buffers.
//!
//! A packet is what an Ethernet frame carries; its frame header is kept beside the bytes, as two addresses and a type, so that
//! gateways need not care and a capture can still show the frame. The bytes are the truth: every rewriting goes
//! through this type, which keeps the parsed facts equal to them.

use std::net::Ipv4Addr;

use vpcsim_wire::ethernet::EtherType;
use vpcsim_wire::rewrite::{self, EmbeddedChange};
use vpcsim_wire::{FlowKey, Mac, Malformed, Protocol, Summary, summarize, tcp};

use crate::flow_path::Place;
use crate::footprints::Footprints;
use crate::id::{Handle, NodeId, PacketId, Port};

/// The addresses and the type of the Ethernet frame around a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FrameHeader {
    /// Who shall take the frame.
    pub destination: Mac,
    /// Who sent it.
    pub source: Mac,
    /// What it carries.
    pub ethertype: EtherType,
}

impl FrameHeader {
    /// The header of a frame that carries IPv4.
    pub const fn ipv4(source: Mac, destination: Mac) -> Self {
        Self {
            destination,
            source,
            ethertype: EtherType::IPV4,
        }
    }
}

/// A frame header in two words, which are compared and copied at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct PackedFrame([u64; 2]);

impl PackedFrame {
    #[inline]
    fn of(frame: FrameHeader) -> Self {
        let word = |mac: Mac, tail: u16| {
            let mut bytes = [0; 8];
            bytes[..6].copy_from_slice(&mac.0);
            bytes[6..].copy_from_slice(&tail.to_be_bytes());
            u64::from_be_bytes(bytes)
        };
        Self([word(frame.destination, frame.ethertype.0), word(frame.source, 0)])
    }

    #[inline]
    fn unpack(self) -> FrameHeader {
        let mac = |word: u64| {
            let mut mac = Mac([0; 6]);
            mac.0.copy_from_slice(&word.to_be_bytes()[..6]);
            mac
        };
        FrameHeader {
            destination: mac(self.0[0]),
            source: mac(self.0[1]),
            ethertype: EtherType(self.0[0] as u16),
        }
    }
}

/// How often a packet was changed, and how: for whoever has to repeat the changes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Edits {
    pub(crate) source: u8,
    pub(crate) destination: u8,
    /// Times one was taken from the time to live.
    pub(crate) ttl: u8,
    /// Anything else.
    pub(crate) other: u8,
}

impl Edits {
    /// What was changed since an earlier look, if that is not too long ago.
    pub(crate) const fn since(self, earlier: Self) -> Self {
        Self {
            source: self.source.wrapping_sub(earlier.source),
            destination: self.destination.wrapping_sub(earlier.destination),
            ttl: self.ttl.wrapping_sub(earlier.ttl),
            other: self.other.wrapping_sub(earlier.other),
        }
    }
}

const fn count(edits: &mut u8) {
    *edits = edits.wrapping_add(1);
}

/// Whether the flow of a packet was met before, as far as the flow cache has asked: its later runs are not asked about anew.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Met {
    /// Nobody has asked.
    Not,
    /// It is the first of its flow.
    Newcomer,
    /// Others came before it.
    Known,
}

/// A packet in the network.
#[derive(Clone, Debug)]
pub struct Packet {
    id: PacketId,
    frame: PackedFrame,
    summary: Option<Summary>,
    mark: u64,
    hop_count: u16,
    edits: Edits,
    /// Where it is on the path of its flow, if it repeats one.
    pub(crate) place: Option<Place>,
    pub(crate) met: Met,
    pub(crate) next: (NodeId, Port),
    footprints: Footprints,
    bytes: Vec<u8>,
}

impl Packet {
    fn vacant() -> Self {
        Self {
            id: PacketId(0),
            frame: PackedFrame([0; 2]),
            summary: None,
            mark: 0,
            hop_count: 0,
            edits: Edits::default(),
            place: None,
            met: Met::Not,
            next: (NodeId(0), Port(0)),
            footprints: Footprints::default(),
            bytes: Vec::new(),
        }
    }

    /// The packet's identity over all its hops.
    #[inline]
    pub fn id(&self) -> PacketId {
        self.id
    }

    /// The Ethernet frame around it.
    #[inline]
    pub fn frame(&self) -> FrameHeader {
        self.frame.unpack()
    }

    #[inline]
    pub(crate) fn packed_frame(&self) -> PackedFrame {
        self.frame
    }

    #[inline]
    pub(crate) fn set_packed_frame(&mut self, frame: PackedFrame) {
        self.frame = frame;
    }

    /// Puts it into another frame.
    #[inline]
    pub fn set_frame(&mut self, frame: FrameHeader) {
        self.frame = PackedFrame::of(frame);
    }

    /// What the frame carries: an IPv4 packet, or for another type of frame whatever that is.
    #[inline]
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The facts of the IPv4 packet; `None` for anything else and for what is malformed.
    #[inline]
    pub fn summary(&self) -> Option<&Summary> {
        self.summary.as_ref()
    }

    /// The packed flow key of the IPv4 packet.
    #[inline]
    pub fn key(&self) -> Option<FlowKey> {
        self.summary.as_ref().map(|summary| summary.key)
    }

    /// A note that travels with the packet and is in none of its bytes; the builder of the network gives it a meaning.
    #[inline]
    pub fn mark(&self) -> u64 {
        self.mark
    }

    /// Changes the note that travels with the packet.
    #[inline]
    pub fn set_mark(&mut self, mark: u64) {
        self.mark = mark;
    }

    /// How many nodes have had it.
    #[inline]
    pub fn hop_count(&self) -> u16 {
        self.hop_count
    }

    /// Whether it is one of many in the middle of a flow: whole, and UDP, or TCP that neither opens nor closes.
    #[inline]
    pub fn is_plain(&self) -> bool {
        self.summary.as_ref().is_some_and(|summary| {
            let protocol = summary.protocol();
            let goes_on = summary.tcp_flags & (tcp::SYN | tcp::FIN | tcp::RST) == 0;
            (protocol == Protocol::UDP || protocol == Protocol::TCP && goes_on) && !summary.is_fragment()
        })
    }

    #[inline]
    pub(crate) const fn edits(&self) -> Edits {
        self.edits
    }

    #[inline]
    pub(crate) fn count_hops(&mut self, count: u16) -> u16 {
        self.hop_count = self.hop_count.saturating_add(count);
        self.hop_count
    }

    /// Notes that it came to a node; false, with nothing changed, if it runs in a circle. Only what has a flow key does.
    #[inline]
    pub(crate) fn leave_footprint(&mut self, node: NodeId, port: Port) -> bool {
        let key = self.key();
        key.is_none_or(|key| self.footprints.leave(node, port, key))
    }

    /// Undoes what [`Packet::leave_footprint`] did a moment ago, if it did.
    pub(crate) fn take_back_footprint(&mut self, node: NodeId, port: Port) {
        if let Some(key) = self.key() {
            self.footprints.take_back(node, port, key);
        }
    }

    /// Replaces the bytes, as a fragmenting or reassembling device does.
    ///
    /// # Errors
    /// [`Malformed`] if they are not an IPv4 packet; the old bytes stay.
    pub fn replace_bytes(&mut self, bytes: &[u8]) -> Result<(), Malformed> {
        let summary = summarize(bytes)?;
        self.bytes.clear();
        self.bytes.extend_from_slice(bytes);
        self.summary = Some(summary);
        count(&mut self.edits.other);
        Ok(())
    }

    /// Rewrites the source address and, where there is one, the source port (the identifier of an ICMP echo).
    #[inline]
    pub fn set_source(&mut self, address: Ipv4Addr, port: Option<u16>) {
        self.rewrite(|bytes, summary| rewrite::set_source(bytes, summary, address, port));
        count(&mut self.edits.source);
    }

    /// Rewrites the destination address and, where there is one, the destination port.
    #[inline]
    pub fn set_destination(&mut self, address: Ipv4Addr, port: Option<u16>) {
        self.rewrite(|bytes, summary| rewrite::set_destination(bytes, summary, address, port));
        count(&mut self.edits.destination);
    }

    /// Takes one from the time to live and says what is left.
    #[inline]
    pub fn decrement_ttl(&mut self) -> u8 {
        self.rewrite(|bytes, summary| summary.ttl = rewrite::decrement_ttl(bytes));
        count(&mut self.edits.ttl);
        self.summary.map_or(0, |summary| summary.ttl)
    }

    /// Sets the time to live.
    pub fn set_ttl(&mut self, ttl: u8) {
        self.rewrite(|bytes, summary| {
            rewrite::set_ttl(bytes, ttl);
            summary.ttl = ttl;
        });
        count(&mut self.edits.other);
    }

    /// Lowers the maximum segment size that a TCP SYN offers; says whether it changed anything.
    #[inline]
    pub fn clamp_mss(&mut self, mss_max: u16) -> bool {
        let mut changed = false;
        self.rewrite(|bytes, summary| changed = rewrite::clamp_mss(bytes, summary, mss_max));
        if changed {
            count(&mut self.edits.other);
        }
        changed
    }

    /// Adds to the sequence number of a TCP segment.
    pub fn add_to_seq(&mut self, delta: u32) {
        self.rewrite(|bytes, summary| rewrite::add_to_seq(bytes, summary, delta));
        count(&mut self.edits.other);
    }

    /// Replaces what a TCP segment acknowledges, selective acknowledgements included.
    pub fn map_acks(&mut self, map: impl Fn(u32) -> u32) {
        self.rewrite(|bytes, summary| rewrite::map_acks(bytes, summary, map));
        count(&mut self.edits.other);
    }

    /// Rewrites the datagram that an ICMP error carries.
    pub fn translate_embedded(&mut self, change: EmbeddedChange) {
        self.rewrite(|bytes, summary| {
            rewrite::translate_embedded(bytes, summary, change);
        });
        count(&mut self.edits.other);
    }

    #[inline]
    fn rewrite(&mut self, change: impl FnOnce(&mut [u8], &mut Summary)) {
        if let Some(summary) = &mut self.summary {
            change(&mut self.bytes, summary);
        }
    }
}

/// Makes a buffer's content `bytes`; small packets are copied without a call, as two pieces that overlap.
#[inline]
fn overwrite(buffer: &mut Vec<u8>, bytes: &[u8]) {
    buffer.resize(bytes.len(), 0);
    if !copied_as_two_of::<32>(buffer, bytes) && !copied_as_two_of::<64>(buffer, bytes) {
        buffer.copy_from_slice(bytes);
    }
}

/// Copies as much as two pieces of `N` bytes cover, if they do.
#[inline]
fn copied_as_two_of<const N: usize>(to: &mut [u8], from: &[u8]) -> bool {
    if from.len() > 2 * N || to.len() != from.len() {
        return false;
    }
    let (Some(first), Some(last)) = (from.first_chunk::<N>(), from.last_chunk::<N>()) else {
        return false;
    };
    if let Some(start) = to.first_chunk_mut::<N>() {
        *start = *first;
    }
    if let Some(end) = to.last_chunk_mut::<N>() {
        *end = *last;
    }
    true
}

/// The packets that are in the network, with their buffers kept for the next ones.
#[derive(Debug, Default)]
pub(crate) struct Slab {
    slots: Vec<Packet>,
    free: Vec<u32>,
    next_id: u64,
}

impl Slab {
    #[inline]
    pub(crate) fn insert(&mut self, frame: FrameHeader, bytes: &[u8], next: (NodeId, Port)) -> Handle {
        let index = self.free.pop().unwrap_or_else(|| {
            self.slots.push(Packet::vacant());
            self.slots.len() as u32 - 1
        });
        let slot = &mut self.slots[index as usize];
        slot.id = PacketId(self.next_id);
        self.next_id += 1;
        slot.frame = PackedFrame::of(frame);
        slot.summary = if frame.ethertype == EtherType::IPV4 {
            summarize(bytes).ok()
        } else {
            None
        };
        slot.mark = 0;
        slot.hop_count = 0;
        slot.edits = Edits::default();
        slot.place = None;
        slot.met = Met::Not;
        slot.next = next;
        slot.footprints.clear();
        overwrite(&mut slot.bytes, bytes);
        Handle(index)
    }

    #[inline]
    pub(crate) fn remove(&mut self, handle: Handle) {
        debug_assert!(
            !self.free.contains(&handle.0) || self.free.len() > 64,
            "a packet ends once"
        );
        self.free.push(handle.0);
    }

    pub(crate) fn live_count(&self) -> u64 {
        (self.slots.len() - self.free.len()) as u64
    }

    #[inline]
    pub(crate) fn packet(&self, handle: Handle) -> &Packet {
        &self.slots[handle.0 as usize]
    }

    #[inline]
    pub(crate) fn packet_mut(&mut self, handle: Handle) -> &mut Packet {
        &mut self.slots[handle.0 as usize]
    }
}

#[cfg(test)]
mod tests {
    use super::overwrite;

    #[test]
    fn a_buffer_becomes_what_it_is_given_whatever_it_was() {
        let mut buffer = Vec::new();
        for len in (0..300).chain([9_000, 3, 64, 65, 128, 129, 31, 32, 33, 0]) {
            let bytes: Vec<u8> = (0..len).map(|place: u32| (place * 7 + len) as u8).collect();
            overwrite(&mut buffer, &bytes);
            assert_eq!(buffer, bytes);
        }
    }
}
