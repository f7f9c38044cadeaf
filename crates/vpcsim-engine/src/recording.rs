//! What happens to a packet on one run, written down while it happens, for the [flow cache](crate::flow_cache).

use vpcsim_wire::FlowKey;

use crate::flow_cache::{FlowCache, Repeat};
use crate::flow_path::Place;
use crate::id::{NodeId, Port};
use crate::packet::{Edits, PackedFrame, Packet};
use crate::replay::{Act, Change, Entry, Exit, Gate, Replay, Sight};

/// A packet as it was when it was last looked at.
#[derive(Clone, Copy, Debug)]
struct Seen {
    frame: PackedFrame,
    mark: u64,
    key: FlowKey,
    edits: Edits,
}

/// The run that is being written down.
#[derive(Debug)]
pub(crate) struct Recording {
    run: Option<Run>,
    /// Buffers, kept for the next run.
    buffers: [Vec<Act>; 2],
    nodes: Vec<NodeId>,
}

#[derive(Debug)]
struct Run {
    entry: Entry,
    /// Whether somebody looks on.
    is_watched: bool,
    flow: FlowKey,
    /// What happened at the nodes that the packet has left.
    acts: Vec<Act>,
    /// What happened at the node that has it now: it is nobody's business unless that node can be repeated.
    acts_here: Vec<Act>,
    /// The nodes that the packet has left.
    nodes: Vec<NodeId>,
    ttl_spent: u8,
    ttl_min: u8,
    len_max: u16,
    seen: Seen,
    /// Where it came from, if on a path.
    behind: Option<Place>,
    /// What it was when it left the last node.
    left_as: (PackedFrame, u64),
    /// The node that has the packet now.
    place: (NodeId, Port),
    said: Said,
    /// Whether that node did something that cannot be repeated.
    spoilt: bool,
    /// Whether the packet left a footprint of that node.
    has_footprint: bool,
}

/// What the node that has the packet says of later ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Said {
    Nothing,
    Repeats(Repeat),
    Never,
}

impl Recording {
    pub(crate) const fn new() -> Self {
        Self {
            run: None,
            buffers: [Vec::new(), Vec::new()],
            nodes: Vec::new(),
        }
    }

    #[inline]
    pub(crate) const fn is_active(&self) -> bool {
        self.run.is_some()
    }

    /// Begins with a packet that enters a run.
    pub(crate) fn begin(&mut self, entry: Entry, packet: &Packet, is_watched: bool) {
        let Some(seen) = look(packet) else { return };
        let [mut acts, mut acts_here] = std::mem::take(&mut self.buffers);
        acts.clear();
        acts_here.clear();
        if is_watched {
            acts_here.push(Act::Hop);
        }
        let mut nodes = std::mem::take(&mut self.nodes);
        nodes.clear();
        self.run = Some(Run {
            entry,
            is_watched,
            flow: seen.key,
            acts,
            acts_here,
            nodes,
            ttl_spent: 0,
            ttl_min: 0,
            len_max: u16::MAX,
            seen,
            behind: packet.place,
            left_as: (seen.frame, seen.mark),
            place: (entry.node, entry.port),
            said: Said::Nothing,
            spoilt: false,
            has_footprint: false,
        });
    }

    /// The node that has the packet did something for which every packet has to be handed to it.
    #[inline]
    pub(crate) fn spoil(&mut self) {
        if let Some(run) = &mut self.run {
            run.spoilt = true;
        }
    }

    /// The node that has the packet says how later ones fare.
    #[inline]
    pub(crate) fn repeat(&mut self, repeat: Repeat) {
        if let Some(run) = &mut self.run {
            run.said = Said::Repeats(repeat);
        }
    }

    /// The packet leaves a footprint of the node that has it.
    #[inline]
    pub(crate) fn footprint(&mut self) {
        if let Some(run) = &mut self.run {
            run.has_footprint = true;
        }
    }

    /// The node that has the packet wants to see all that are like it.
    #[inline]
    pub(crate) fn end_here(&mut self) {
        if let Some(run) = &mut self.run {
            run.said = Said::Never;
        }
    }

    /// Whether the node that has the packet wants to see all that are like it.
    pub(crate) fn ends_here(&self) -> bool {
        self.run.as_ref().is_some_and(|run| run.said == Said::Never)
    }

    /// Somebody who looks on is told something about the packet.
    #[inline]
    pub(crate) fn show(&mut self, packet: &Packet, sight: Sight) {
        if let Some(run) = &mut self.run {
            run.note_changes(packet);
            run.acts_here.push(Act::Show(run.place.0, sight));
        }
    }

    #[inline]
    pub(crate) fn rewritten(&mut self, packet: &Packet, before: FlowKey) {
        if let Some(run) = &mut self.run {
            let key = run.seen.key;
            run.spoilt |= !run.note_changes(packet) || key != before;
            run.acts_here.push(Act::Show(run.place.0, Sight::Rewritten));
        }
    }

    /// The node that has the packet now.
    pub(crate) fn place(&self) -> (NodeId, Port) {
        self.run.as_ref().map_or((NodeId(0), Port(0)), |run| run.place)
    }

    /// The packet left its node for another one; whether the run may go on there.
    pub(crate) fn leave(&mut self, packet: &Packet) -> bool {
        self.run.as_mut().is_some_and(|run| run.leave(packet))
    }

    /// The packet comes to the next node of the run.
    pub(crate) fn come_to(&mut self, node: NodeId, port: Port) {
        if let Some(run) = &mut self.run {
            run.place = (node, port);
            if run.is_watched {
                run.acts_here.push(Act::Hop);
            }
        }
    }

    /// Forgets the run.
    pub(crate) fn abandon(&mut self) {
        if let Some(run) = self.run.take() {
            self.recycle(run);
        }
    }

    /// Ends the run behind the last node that the packet left, and keeps it; says where on a path the packet is then.
    pub(crate) fn end(&mut self, exit: Exit, cache: &mut FlowCache) -> Option<Place> {
        let mut run = self.run.take()?;
        let ttl_taken = run.drop_last_changes();
        let replay = Replay {
            entry: run.entry,
            ttl_min: run.ttl_min,
            len_max: run.len_max,
            hop_count: run.nodes.len() as u16,
            uncounted: run.uncounted(),
            exit,
            frame: run.left_as.0,
            mark: run.left_as.1,
            ttl_taken,
            acts: &run.acts[..],
        };
        let place = if run.nodes.is_empty() {
            None
        } else {
            cache.keep(run.flow, replay, &run.nodes, run.behind)
        };
        self.recycle(run);
        place
    }

    fn recycle(&mut self, run: Run) {
        self.buffers = [run.acts, run.acts_here];
        self.nodes = run.nodes;
    }
}

impl Run {
    /// How many of the nodes that the packet has left are counted all together.
    fn uncounted(&self) -> u16 {
        if self.is_watched {
            0
        } else {
            self.nodes.len() as u16
        }
    }

    /// Takes the changes out that end the run, since nothing sees them but whoever gets the packet then, and says how many were of the time
    /// to live.
    fn drop_last_changes(&mut self) -> u8 {
        let mut ttl_taken = 0;
        while let Some(Act::Change(change @ (Change::Frame(_) | Change::Mark(_) | Change::DecrementTtl))) =
            self.acts.last()
        {
            ttl_taken += u8::from(*change == Change::DecrementTtl);
            self.acts.pop();
        }
        ttl_taken
    }

    fn leave(&mut self, packet: &Packet) -> bool {
        self.note_changes(packet);
        let Said::Repeats(repeat) = self.said else {
            return false;
        };
        if self.spoilt {
            return false;
        }
        self.said = Said::Nothing;
        let (node, port) = self.place;
        let gate = Gate {
            node,
            port,
            uncounted: self.uncounted(),
        };
        if std::mem::take(&mut self.has_footprint) {
            // Before all else, as whoever leaves it does.
            self.acts.push(Act::Footprint(gate));
        }
        if let Some(token) = repeat.token {
            self.acts.push(Act::Proceed(gate, token));
        }
        let mut spent_here: u8 = 0;
        for act in self.acts_here.drain(..) {
            spent_here += u8::from(act == Act::Change(Change::DecrementTtl));
            match act {
                Act::Change(change) => change.push(&mut self.acts),
                act => self.acts.push(act),
            }
        }
        if repeat.ttl_min > 0 {
            self.ttl_min = self.ttl_min.max(repeat.ttl_min.saturating_add(self.ttl_spent));
        }
        self.ttl_spent = self.ttl_spent.saturating_add(spent_here);
        self.len_max = self.len_max.min(repeat.len_max);
        self.nodes.push(node);
        self.left_as = (self.seen.frame, self.seen.mark);
        true
    }

    /// Writes down what was changed since the last look; whether an end of the flow was.
    fn note_changes(&mut self, packet: &Packet) -> bool {
        let Some(now) = look(packet) else {
            self.spoilt = true;
            return false;
        };
        let before = std::mem::replace(&mut self.seen, now);
        let edits = now.edits.since(before.edits);
        if now.frame != before.frame {
            Change::Frame(now.frame).push(&mut self.acts_here);
        }
        if now.mark != before.mark {
            Change::Mark(now.mark).push(&mut self.acts_here);
        }
        for _ in 0..edits.ttl {
            Change::DecrementTtl.push(&mut self.acts_here);
        }
        if edits.source == 1 {
            Change::Source(now.key.source(), now.key.source_port()).push(&mut self.acts_here);
        }
        if edits.destination == 1 {
            Change::Destination(now.key.destination(), now.key.destination_port()).push(&mut self.acts_here);
        }
        // Two rewritings between two looks cannot be told apart.
        self.spoilt |= edits.other > 0 || edits.source + edits.destination > 1;
        edits.source + edits.destination == 1
    }
}

fn look(packet: &Packet) -> Option<Seen> {
    Some(Seen {
        frame: packet.packed_frame(),
        mark: packet.mark(),
        key: packet.key()?,
        edits: packet.edits(),
    })
}
