//! The flow cache: what the packets of a flow do between two waits is worked out once and repeated for the others.
//!
//! A packet runs through several nodes inside one event. The first packets of a flow walk: each node looks at its rules. While
//! they walk, everything that happens to them goes through [`Context`](crate::Context), which writes it down. If every node on the run says
//! that later packets fare alike ([`Repeat`]), the run is kept as a replay, and later packets go through its few acts
//! instead of through the nodes. Where a node keeps state that every packet moves on, like a timer or a bucket of tokens, the replay asks
//! it ([`Node::proceed`](crate::Node::proceed)); one that says no gets the packet itself, in the state in which it would have come.
//!
//! What it costs: a look-up per event, 32 bytes per flow and run; equal replays are kept once, so that flows between the same two hosts
//! share theirs unless an address or a port is rewritten. What it saves: the rules, the routes and the calls from node to node. The
//! figures are in `benches/README.md`.
//!
//! # Invariants
//!
//! - Nothing that anybody can see depends on whether the cache is used: not the bytes, the times, the order or the observations.
//! - Only plain packets are repeated ([`Packet::is_plain`]): no fragments, no ICMP, no opening or closing of TCP.
//! - A replay belongs to a node, a port, a mark, a frame and a flow key; any other packet walks.
//! - The cache is emptied when an onlooker comes or goes and when a node posts a notice, since either changes what a walk does.
//! - At most [`FLOWS_MAX`] entries are kept; then all are forgotten. Nothing depends on which.

use std::collections::BTreeSet;
use std::hash::{Hash, Hasher};
use std::net::Ipv4Addr;

use vpcsim_wire::FlowKey;

use crate::flow_path::{FlowPaths, PathIndex, Place};
use crate::flow_table::FlowTable;
use crate::id::{CapturePoint, LinkId, NodeId, Port};
use crate::newcomers::Newcomers;
use crate::observer::{Direction, Event};
use crate::packet::{PackedFrame, Packet};
use crate::time::Span;
use crate::verdict::{Decision, Station};

/// Entries after which the cache starts anew.
pub const FLOWS_MAX: usize = 1 << 20;

/// What a node says of the packet that it lets pass: how the later packets of its flow fare.
///
/// A later packet comes by the same port, in the same frame, with the same mark and flow key, and is
/// [plain](Packet::is_plain). Whatever else the node looked at has to be said here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Repeat {
    pub(crate) ttl_min: u8,
    pub(crate) len_max: u16,
    pub(crate) token: Option<u64>,
}

impl Repeat {
    /// They all fare as this one did.
    pub const ALWAYS: Self = Self {
        ttl_min: 0,
        len_max: u16::MAX,
        token: None,
    };

    /// Only those do that come with at least this time to live.
    #[must_use]
    pub const fn from_ttl(self, ttl_min: u8) -> Self {
        Self { ttl_min, ..self }
    }

    /// Only those do whose IPv4 length is at most this.
    #[must_use]
    pub const fn up_to_len(self, len_max: u16) -> Self {
        Self { len_max, ..self }
    }

    /// Only those do for which [`Node::proceed`](crate::Node::proceed), called with this token, moves the node's state on.
    #[must_use]
    pub const fn while_proceeding(self, token: u64) -> Self {
        Self {
            token: Some(token),
            ..self
        }
    }
}

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

    /// The flow's key with a tag in its spare bits that tells runs of one flow apart; zero for no flow.
    #[inline]
    pub(crate) fn key(&self, flow: FlowKey) -> u128 {
        let place = u64::from(self.node.0) | u64::from(self.port.0) << 32;
        let product = u128::from(place ^ self.mark.rotate_left(20)) * u128::from(0x9e37_79b9_7f4a_7c15_u64);
        let tag = (product as u64 ^ (product >> 64) as u64) >> 40;
        // One bit is always set, since no key may be zero.
        flow.with_spare(tag as u32 | 1).0
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
            acts,
        }
    }

    /// Whether a packet that enters where this one begins fares so, for its time to live and its length.
    #[inline]
    pub(crate) fn takes(&self, packet: &Packet) -> bool {
        let summary = packet.summary();
        summary.is_some_and(|summary| summary.ttl >= self.ttl_min && summary.total_len <= self.len_max)
    }
}

impl Replay {
    fn as_ref(&self) -> Replay<&[Act]> {
        self.with_acts(&self.acts)
    }
}

impl Replay<&[Act]> {
    fn into_boxed(self) -> Replay {
        self.with_acts(self.acts.into())
    }
}

/// The number of a replay.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ReplayIndex(u32);

impl ReplayIndex {
    pub(crate) const fn number(self) -> u32 {
        self.0
    }
}

/// What is kept of a flow at the place where one of its runs begins.
#[derive(Clone, Copy, Debug)]
struct Flow {
    replay: ReplayIndex,
    /// The path that begins with the run, as far as it was learned.
    path: PathIndex,
}

/// What the cache has to say about a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Known {
    /// Do this, the first run of the path that the flow takes from here on.
    Replay(ReplayIndex, PathIndex),
    /// Let it walk, and write down how.
    Unknown,
    /// Let it walk: it is not like the others of its flow, or the first of them.
    Different,
}

/// How many packets' runs were repeated, walked, and kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FlowCacheCounters {
    /// Runs that were repeated, if only in part.
    pub repeated: u64,
    /// Runs that were repeated until a node wanted to see the packet.
    pub broken: u64,
    /// Runs that were kept.
    pub kept: u64,
}

/// The runs that are known.
#[derive(Debug, Default)]
pub(crate) struct FlowCache {
    flows: FlowTable<Flow>,
    newcomers: Newcomers,
    replays: Vec<Replay>,
    paths: FlowPaths,
    /// How often everything was forgotten.
    generation: u32,
    /// Replays by their digest, to keep equal ones once.
    by_digest: FlowTable<ReplayIndex>,
    /// The nodes whose work was ever repeated.
    pub(crate) nodes: BTreeSet<NodeId>,
    pub(crate) counters: FlowCacheCounters,
}

impl FlowCache {
    /// What is known of packets that enter a run so.
    #[inline]
    pub(crate) fn find(&mut self, entry: &Entry, packet: &Packet) -> Known {
        let Some(flow) = packet.key().filter(|_| packet.is_plain()) else {
            return Known::Different;
        };
        let key = entry.key(flow);
        match self.flows.find(key) {
            Some(flow) if self.replay(flow.replay).entry != *entry => self.unknown(key),
            Some(flow) if self.replay(flow.replay).takes(packet) => Known::Replay(flow.replay, flow.path),
            Some(_) => Known::Different,
            None => self.unknown(key),
        }
    }

    /// What to do with a packet of which nothing is known here.
    fn unknown(&mut self, key: u128) -> Known {
        if self.newcomers.is_known(key) {
            Known::Unknown
        } else {
            Known::Different
        }
    }

    /// The run that a packet goes on with, if it is on a path that is known so far.
    ///
    /// Where and as what it enters the run need not be compared: it began the path as the packet did that the path was learned from, and
    /// was changed alike since.
    #[inline]
    pub(crate) fn next_on_path(&self, packet: &Packet) -> Option<ReplayIndex> {
        let place = packet.place.as_ref()?;
        if place.generation != self.generation {
            return None;
        }
        let run = self.paths.run(place.path, place.step)?;
        self.replay(run).takes(packet).then_some(run)
    }

    /// A packet that enters a run so has found it: it is at the beginning of `path`, unless the path that it is on goes on with the run.
    #[inline]
    pub(crate) fn advance(
        &mut self,
        entry: &Entry,
        packet: &Packet,
        run: ReplayIndex,
        path: PathIndex,
    ) -> Option<Place> {
        match packet.place {
            Some(place) if self.is_at_its_end(place) => Some(self.go_on(place, run)),
            _ => Some(Place {
                origin: entry.key(packet.key()?),
                generation: self.generation,
                path,
                step: 0,
            }),
        }
    }

    fn is_at_its_end(&self, place: Place) -> bool {
        place.generation == self.generation && self.paths.len(place.path) == place.step
    }

    /// The path that ended here goes on with the run.
    #[cold]
    fn go_on(&mut self, place: Place, run: ReplayIndex) -> Place {
        let path = self.paths.extend(place.path, run);
        if let Some(first) = self.flows.find_mut(place.origin) {
            first.path = path;
        }
        Place { path, ..place }
    }

    #[inline]
    pub(crate) fn replay(&self, index: ReplayIndex) -> &Replay {
        &self.replays[index.0 as usize]
    }

    /// Keeps what the packets of a flow do.
    pub(crate) fn keep(&mut self, flow: FlowKey, replay: Replay<&[Act]>, nodes: &[NodeId]) {
        if self.flows.len() >= FLOWS_MAX {
            self.clear();
        }
        let key = replay.entry.key(flow);
        let replay = self.intern(replay, nodes);
        let path = self.paths.extend(PathIndex::ROOT, replay);
        self.flows.insert(key, Flow { replay, path });
        self.counters.kept += 1;
    }

    /// Forgets what the packets of a flow did, since a node on the way wants to see one.
    #[cold]
    pub(crate) fn break_off(&mut self, flow: FlowKey, run: ReplayIndex, place: Option<Place>) {
        self.counters.broken += 1;
        self.flows.remove(self.replay(run).entry.key(flow));
        let place = place.filter(|place| place.generation == self.generation);
        if let Some(first) = place.and_then(|place| self.flows.find_mut(place.origin)) {
            // What lies behind the first run has to be learned anew.
            first.path = self.paths.extend(PathIndex::ROOT, first.replay);
        }
    }

    /// Forgets everything.
    pub(crate) fn clear(&mut self) {
        if !self.flows.is_empty() {
            *self = Self {
                generation: self.generation + 1,
                newcomers: std::mem::take(&mut self.newcomers),
                nodes: std::mem::take(&mut self.nodes),
                counters: self.counters,
                ..Self::default()
            };
        }
    }

    /// The replay that is kept already, or a copy of this one.
    fn intern(&mut self, replay: Replay<&[Act]>, nodes: &[NodeId]) -> ReplayIndex {
        let mut digest = Digest::default();
        replay.hash(&mut digest);
        if let Some(&index) = self.by_digest.find(digest.key())
            && self.replay(index).as_ref() == replay
        {
            return index;
        }
        let index = ReplayIndex(self.replays.len() as u32);
        self.replays.push(replay.into_boxed());
        self.nodes.extend(nodes);
        self.by_digest.insert(digest.key(), index);
        index
    }
}

/// A hasher with a fixed seed and a result of 128 bits.
#[derive(Default)]
struct Digest {
    lanes: [u64; 2],
}

impl Digest {
    /// Never zero.
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
