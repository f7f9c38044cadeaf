//! What the packets of a flow do on one run, worked out once: the acts that the [flow cache](crate::flow_cache) repeats.

use std::hash::{Hash, Hasher};
use std::net::Ipv4Addr;

use vpcsim_wire::{FlowHash, FlowKey};

use crate::flow_table::TableKey;
use crate::id::{CapturePoint, LinkId, NodeId, Port};
use crate::observer::{Direction, Event};
use crate::packet::{PackedFrame, Packet};
use crate::time::Span;
use crate::verdict::{Decision, Station};

/// After this many nodes a packet is taken to run in a circle.
pub(crate) const HOP_COUNT_MAX: u16 = 255;

/// One thing that a replay does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Act {
    /// The node's state moves on, or it gets the packet after all.
    Proceed(Gate, u64),
    /// The packet leaves a footprint, or the node gets it after all since it runs in a circle.
    Footprint(Gate),
    /// The packet is changed.
    Change(Change),
    /// It comes to the next node, and somebody sees how many it has been to.
    Hop,
    /// Somebody who looks on at a node is told something.
    Show(NodeId, Sight),
}

/// A node that may want to see the packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Gate {
    pub(crate) node: NodeId,
    pub(crate) port: Port,
    /// Nodes that the replay has been through by then, if they were not counted one by one.
    pub(crate) uncounted: u16,
}

/// What a node did to a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Change {
    Frame(PackedFrame),
    Mark(u64),
    Source(Ipv4Addr, u16),
    Destination(Ipv4Addr, u16),
    DecrementTtl,
}

impl Change {
    /// Does the same to another packet of the flow.
    #[inline]
    pub(crate) fn apply(self, packet: &mut Packet) {
        match self {
            Self::Frame(frame) => packet.set_packed_frame(frame),
            Self::Mark(mark) => packet.set_mark(mark),
            Self::Source(address, port) => packet.set_source(address, Some(port)),
            Self::Destination(address, port) => packet.set_destination(address, Some(port)),
            Self::DecrementTtl => {
                packet.decrement_ttl();
            }
        }
    }

    /// Whether it rewrites an end of the flow.
    pub(crate) const fn is_of_an_end(self) -> bool {
        matches!(self, Self::Source(..) | Self::Destination(..))
    }

    /// Whether nothing is left of the other change after this one.
    const fn overwrites(self, other: Self) -> bool {
        matches!(
            (self, other),
            (Self::Mark(_), Self::Mark(_)) | (Self::Frame(_), Self::Frame(_))
        )
    }

    /// Adds the change to what was done; of what nobody saw before it was overwritten nothing is kept.
    pub(crate) fn push(self, acts: &mut Vec<Act>) {
        let unseen = acts.iter_mut().rev().map_while(|act| match act {
            Act::Change(change) => Some(Some(change)),
            Act::Hop => Some(None),
            Act::Proceed(..) | Act::Footprint(_) | Act::Show(..) => None,
        });
        match unseen.flatten().find(|change| self.overwrites(**change)) {
            Some(change) => *change = self,
            None => acts.push(Act::Change(self)),
        }
    }
}

/// What somebody who looks on is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Sight {
    Pass(Station, Decision),
    Capture(CapturePoint, Direction),
    /// The packet had the key before that it had when an end of it was last rewritten.
    Rewritten,
}

impl Sight {
    /// The event, where the packet had the key `before` at the last rewriting.
    pub(crate) const fn event(self, before: FlowKey) -> Event {
        match self {
            Self::Pass(station, decision) => Event::Pass { station, decision },
            Self::Capture(point, direction) => Event::Capture { point, direction },
            Self::Rewritten => Event::Rewrite { before },
        }
    }
}

/// How a run ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Exit {
    /// At a node that has to be asked.
    Node { to: NodeId, port: Port },
    /// With a wait.
    After { to: NodeId, port: Port, delay: Span },
    /// On a link of the last node.
    Link { from: NodeId, link: LinkId },
}

/// Where and as what packets enter a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Entry {
    pub(crate) node: NodeId,
    pub(crate) port: Port,
    pub(crate) mark: u64,
    pub(crate) frame: PackedFrame,
}

impl Entry {
    pub(crate) fn of(node: NodeId, port: Port, packet: &Packet) -> Self {
        Self {
            node,
            port,
            mark: packet.mark(),
            frame: packet.packed_frame(),
        }
    }

    /// The flow's key with a tag in its spare bits that tells runs of one flow apart.
    #[inline]
    pub(crate) fn key(&self, flow: FlowKey, hash: FlowHash) -> TableKey {
        let place = u64::from(self.node.0) | u64::from(self.port.0) << 32;
        let product = u128::from(place ^ self.mark.rotate_left(20)) * u128::from(0x9e37_79b9_7f4a_7c15_u64);
        let tag = (product as u64 ^ (product >> 64) as u64) >> 40;
        // One bit is always set, since no key may be zero.
        TableKey::of_flow(flow, hash, tag as u32 | 1)
    }
}

/// What a run does to packets of a flow.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Replay<Acts = Box<[Act]>> {
    pub(crate) entry: Entry,
    pub(crate) ttl_min: u8,
    pub(crate) len_max: u16,
    pub(crate) hop_count: u16,
    /// Nodes that are not counted one by one.
    pub(crate) uncounted: u16,
    pub(crate) exit: Exit,
    /// What the packets leave the run as.
    pub(crate) frame: PackedFrame,
    pub(crate) mark: u64,
    /// Times one is taken from the time to live after the last act.
    pub(crate) ttl_taken: u8,
    /// Without what the three fields before say.
    pub(crate) acts: Acts,
}

impl<Acts> Replay<Acts> {
    fn with_acts<Other>(&self, acts: Other) -> Replay<Other> {
        Replay {
            entry: self.entry,
            ttl_min: self.ttl_min,
            len_max: self.len_max,
            hop_count: self.hop_count,
            uncounted: self.uncounted,
            exit: self.exit,
            frame: self.frame,
            mark: self.mark,
            ttl_taken: self.ttl_taken,
            acts,
        }
    }

    /// Whether a packet that enters where this one begins fares so, for its time to live, its length and the nodes it has been to.
    #[inline]
    pub(crate) fn takes(&self, packet: &Packet) -> bool {
        let summary = packet.summary();
        summary.is_some_and(|summary| summary.ttl >= self.ttl_min && summary.total_len <= self.len_max)
            && packet.hop_count() + self.hop_count <= HOP_COUNT_MAX
    }
}

impl Replay {
    /// Makes a packet that is through with the acts what it leaves the run as.
    #[inline]
    pub(crate) fn finish(&self, packet: &mut Packet) {
        packet.set_packed_frame(self.frame);
        packet.set_mark(self.mark);
        for _ in 0..self.ttl_taken {
            packet.decrement_ttl();
        }
    }

    pub(crate) fn as_ref(&self) -> Replay<&[Act]> {
        self.with_acts(&self.acts)
    }
}

impl Replay<&[Act]> {
    /// What tells it from others; never zero.
    pub(crate) fn digest(&self) -> u128 {
        let mut digest = Digest::default();
        self.hash(&mut digest);
        digest.key()
    }

    pub(crate) fn into_boxed(self) -> Replay {
        self.with_acts(self.acts.into())
    }
}

/// The number of a replay.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ReplayIndex(u32);

impl ReplayIndex {
    /// The replay of this number.
    #[inline]
    pub(crate) const fn numbered(number: u32) -> Self {
        Self(number)
    }

    pub(crate) const fn number(self) -> u32 {
        self.0
    }
}

/// A hasher with a fixed seed and a result of 128 bits.
#[derive(Default)]
struct Digest {
    lanes: [u64; 2],
}

impl Digest {
    fn key(&self) -> u128 {
        u128::from(self.lanes[0]) << 64 | u128::from(self.lanes[1] | 1)
    }
}

impl Hasher for Digest {
    fn finish(&self) -> u64 {
        self.lanes[0]
    }

    fn write(&mut self, bytes: &[u8]) {
        for part in bytes.chunks(8) {
            let mut word = [0; 8];
            word[..part.len()].copy_from_slice(part);
            self.write_u64(u64::from_le_bytes(word));
        }
    }

    fn write_u64(&mut self, value: u64) {
        self.lanes[0] = (self.lanes[0].rotate_left(5) ^ value).wrapping_mul(0x517c_c1b7_2722_0a95);
        self.lanes[1] = (self.lanes[1].rotate_left(9) ^ value).wrapping_mul(0xd6e8_feb8_6659_fd93);
    }

    fn write_u32(&mut self, value: u32) {
        self.write_u64(u64::from(value));
    }

    fn write_u8(&mut self, value: u8) {
        self.write_u64(u64::from(value));
    }
}
