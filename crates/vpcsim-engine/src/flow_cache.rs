//! The flow cache: what the packets of a flow do between two waits is worked out once and repeated for the others.
//!
//! A packet runs through several nodes inside one event. The first packets of a flow walk: each node looks at its rules. While
//! they walk, everything that happens to them goes through [`Context`](crate::Context), which writes it down. If every node on the run says
//! that later packets fare alike ([`Repeat`]), the run is kept as a replay, and later packets go through its few acts
//! instead of through the nodes. Where a node keeps state that every packet moves on, like a timer or a bucket of tokens, the replay asks
//! it ([`Node::proceed`](crate::Node::proceed)); one that says no gets the packet itself, in the state in which it would have come.
//!
//! What it costs: a look-up per packet, 64 bytes per flow with the hints for the nodes' tables, and four per slot of an index; equal
//! replays are kept once, so that flows between the same two hosts share theirs unless an address or a port is rewritten. What it saves: the
//! rules, the routes and the calls from node to node. The figures are in `benches/README.md`.
//!
//! # Invariants
//!
//! - Nothing that anybody can see depends on whether the cache is used: not the bytes, the times, the order or the observations.
//! - Only plain packets are repeated ([`Packet::is_plain`]): no fragments, no ICMP, no opening or closing of TCP.
//! - A replay belongs to a node, a port, a mark, a frame and a flow key; any other packet walks.
//! - The cache is emptied when an onlooker comes or goes and when a node posts a notice, since either changes what a walk does.
//! - At most [`FLOWS_MAX`] entries and as many replays are kept; then all are forgotten. Nothing depends on which.

use std::collections::BTreeSet;
use std::num::NonZeroU32;

use vpcsim_wire::{FlowHash, FlowKey};

use crate::flow_path::{Cursor, FlowPaths, Place};
use crate::flow_table::{FlowTable, TableKey};
use crate::id::NodeId;
use crate::later::{Hint, Hints};
use crate::newcomers::Newcomers;
use crate::packet::{Met, Packet};
use crate::replay::{Act, Entry, Replay, ReplayIndex};

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

/// What is kept of a flow at the place where one of its runs begins.
#[derive(Clone, Copy, Debug)]
struct Flow {
    /// Nothing if the run was broken off since.
    replay: Option<ReplayIndex>,
    /// Where the path that begins with the run begins, as far as it was learned.
    path: Cursor,
    /// Where the tables of the nodes on the path had the flow.
    hints: [Hint; HINT_COUNT],
}

/// With so many an entry fills a line of the cache.
const HINT_COUNT: usize = 9;

impl Flow {
    /// Nothing is known of it.
    const UNKNOWN: Self = Self {
        replay: None,
        path: Cursor::ROOT,
        hints: [Hint::NONE; HINT_COUNT],
    };
}

/// What the cache has to say about a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Known {
    /// Do this, the first run of the path that the flow takes from the place on.
    Replay(ReplayIndex, Place),
    /// Let it walk, and write down how.
    Unknown,
    /// Let it walk: it is the first of its flow.
    Newcomer,
    /// Let it walk: it is not like the others of its flow.
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
#[derive(Debug)]
pub(crate) struct FlowCache {
    /// None is ever removed but all at once, so that a packet can say where its own is.
    flows: FlowTable<Flow>,
    /// Where the last flow was found that was looked for.
    last_place: u32,
    /// How far it was behind the one before.
    stride: u32,
    newcomers: Newcomers,
    replays: Vec<Replay>,
    paths: FlowPaths,
    /// Grows each time everything is forgotten.
    generation: NonZeroU32,
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
        let Some(summary) = packet.summary().filter(|_| packet.is_plain()) else {
            return Known::Different;
        };
        let key = entry.key(summary.key, summary.hash);
        match self.kept(entry, key) {
            Some((index, place)) if self.replay(index).takes(packet) => Known::Replay(index, place),
            Some(_) => Known::Different,
            None if packet.met == Met::Known || self.newcomers.is_known(key) => Known::Unknown,
            None => Known::Newcomer,
        }
    }

    /// The run that is kept of a flow that enters one so, and where.
    #[inline]
    fn kept(&mut self, entry: &Entry, key: TableKey) -> Option<(ReplayIndex, Place)> {
        let at = self.place_of(key)?;
        let flow = self.flows.at(at)?;
        let index = flow.replay?;
        let place = self.beginning_of(flow.path, at);
        // Another run of the flow may have the same key.
        (self.replay(index).entry == *entry).then_some((index, place))
    }

    /// Where a flow is kept: often as far behind the one before as that was behind the one before it, since flows that take turns do so
    /// from the beginning.
    #[inline]
    fn place_of(&mut self, key: TableKey) -> Option<usize> {
        let guess = self.last_place.wrapping_add(self.stride);
        if !self.flows.is_at(key, guess) {
            let at = self.flows.place_of(key)? as u32;
            self.stride = at.wrapping_sub(self.last_place);
            self.last_place = at;
            return Some(at as usize);
        }
        self.last_place = guess;
        Some(guess as usize)
    }

    /// The run that a packet goes on with, if it is on a path that is known so far.
    ///
    /// Where and as what it enters the run need not be compared: it began the path as the packet did that the path was learned from, and
    /// was changed alike since.
    #[inline]
    pub(crate) fn next_on_path(&self, packet: &Packet) -> Option<ReplayIndex> {
        let place = packet.place.filter(|place| place.generation == self.generation)?;
        let run = self.paths.run(place.cursor)?;
        self.replay(run).takes(packet).then_some(run)
    }

    /// Where a packet is that has found its run at `here`: there, unless the path that it is on ends and goes on with the run.
    #[inline]
    pub(crate) fn advance(&mut self, packet: &Packet, run: ReplayIndex, here: Place) -> Place {
        match packet.place {
            Some(place) if place.generation == self.generation => self.go_on(place, run).unwrap_or(here),
            _ => here,
        }
    }

    /// The path goes on with the run if it ends here.
    #[cold]
    fn go_on(&mut self, place: Place, run: ReplayIndex) -> Option<Place> {
        let (start, cursor) = self.paths.extend(place.cursor, run)?;
        self.follow(place.origin, start);
        Some(Place { cursor, ..place })
    }

    /// What is kept at a place takes this path from now on, unless another run has taken the place since: two that begin in different
    /// frames may have one key.
    fn follow(&mut self, origin: u32, path: Cursor) {
        let begins = self.paths.run(path);
        let first = self.flows.at_mut(origin as usize);
        if let Some(first) = first.filter(|first| first.replay.is_none() || first.replay == begins) {
            first.path = path;
        }
    }

    #[inline]
    pub(crate) fn replay(&self, index: ReplayIndex) -> &Replay {
        &self.replays[index.number() as usize]
    }

    /// A run, and for a packet that is there on its path what the nodes' tables had of its flow.
    #[inline]
    pub(crate) fn replay_with_hints(
        &mut self,
        index: ReplayIndex,
        place: Option<Place>,
    ) -> (&Replay, Hints<'_>) {
        let left = place.map_or(0, |place| usize::from(place.hints_left));
        let flow = place.and_then(|place| self.flows.at_mut(place.origin as usize));
        let hints = flow.and_then(|flow| flow.hints.get_mut(HINT_COUNT - left..));
        (
            &self.replays[index.number() as usize],
            Hints::new(hints.unwrap_or_default()),
        )
    }

    /// The path of one run.
    fn path_of(&mut self, run: ReplayIndex) -> Cursor {
        let extended = self.paths.extend(Cursor::ROOT, run);
        extended.map_or(Cursor::ROOT, |(start, _)| start)
    }

    /// Keeps what the packets of a flow do, as what follows on the path that ends at `behind` if there is one; says where the packet then is.
    pub(crate) fn keep(
        &mut self,
        flow: FlowKey,
        replay: Replay<&[Act]>,
        nodes: &[NodeId],
        behind: Option<Place>,
    ) -> Option<Place> {
        if self.flows.len().max(self.replays.len()).max(self.paths.len() / 8) >= FLOWS_MAX {
            self.clear();
        }
        let key = replay.entry.key(flow, FlowHash::of(flow));
        let run = self.intern(replay, nodes);
        self.counters.kept += 1;
        let behind = behind.filter(|place| place.generation == self.generation);
        let followed = behind.and_then(|place| self.go_on(place, run));
        let mut place = followed.or_else(|| self.begin_path(key, run))?;
        place.cursor.step();
        Some(place)
    }

    /// Keeps the first run of a path; what was known to follow on it still does.
    fn begin_path(&mut self, key: TableKey, run: ReplayIndex) -> Option<Place> {
        let (at, _) = self.flows.place_for(key, Flow::UNKNOWN)?;
        let known = self.flows.at(at)?.path;
        let path = if self.paths.run(known) == Some(run) {
            known
        } else {
            self.path_of(run)
        };
        *self.flows.at_mut(at)? = Flow {
            replay: Some(run),
            path,
            ..Flow::UNKNOWN
        };
        Some(self.beginning_of(path, at))
    }

    /// The beginning of a path, for the flow that is kept at a place.
    #[inline]
    fn beginning_of(&self, path: Cursor, at: usize) -> Place {
        Place {
            origin: at as u32,
            generation: self.generation,
            cursor: path,
            hints_left: HINT_COUNT as u8,
        }
    }

    /// Forgets what the packets of a flow did, since a node on the way wants to see one.
    #[cold]
    pub(crate) fn break_off(&mut self, flow: FlowKey, run: ReplayIndex, place: Option<Place>) {
        self.counters.broken += 1;
        let key = self.replay(run).entry.key(flow, FlowHash::of(flow));
        if let Some(broken) = self.flows.find_mut(key) {
            broken.replay = None;
        }
        if let Some(place) = place.filter(|place| place.generation == self.generation) {
            // This run and what lies behind it have to be learned anew; of a first run it is enough that it is not known any more.
            let path = self.paths.before(place.cursor);
            if path != Cursor::ROOT {
                self.follow(place.origin, path);
            }
        }
    }

    /// Forgets everything.
    pub(crate) fn clear(&mut self) {
        if !self.flows.is_empty() {
            *self = Self {
                generation: self.generation.saturating_add(1),
                newcomers: std::mem::take(&mut self.newcomers),
                nodes: std::mem::take(&mut self.nodes),
                counters: self.counters,
                ..Self::default()
            };
        }
    }

    /// The replay that is kept already, or a copy of this one.
    fn intern(&mut self, replay: Replay<&[Act]>, nodes: &[NodeId]) -> ReplayIndex {
        let digest = replay.digest();
        if let Some(&index) = self.by_digest.find(digest)
            && self.replay(index).as_ref() == replay
        {
            return index;
        }
        let index = ReplayIndex::numbered(self.replays.len() as u32);
        self.replays.push(replay.into_boxed());
        self.nodes.extend(nodes);
        self.by_digest.insert(digest, index);
        index
    }
}

impl Default for FlowCache {
    fn default() -> Self {
        Self {
            flows: FlowTable::new(),
            last_place: 0,
            stride: 0,
            newcomers: Newcomers::default(),
            replays: Vec::new(),
            paths: FlowPaths::new(),
            generation: NonZeroU32::MIN,
            by_digest: FlowTable::new(),
            nodes: BTreeSet::new(),
            counters: FlowCacheCounters::default(),
        }
    }
}
