//! Which packets have been here of late, to tell one that runs in a circle.

use std::collections::{BTreeMap, VecDeque};

use vpcsim_engine::{PacketId, Port, Span, Time};
use vpcsim_wire::FlowKey;

/// A packet is remembered for so long.
const MEMORY: Span = Span::from_secs(10);
/// A packet that passes so often runs in a circle even if something rewrites it each time.
const PASSAGE_COUNT_MAX: usize = 8;

/// The packets of the last seconds: how they looked and where they came in.
#[derive(Debug, Default)]
pub(crate) struct Passages {
    seen: BTreeMap<PacketId, Vec<(FlowKey, Port)>>,
    in_order: VecDeque<(Time, PacketId)>,
}

impl Passages {
    /// Takes note of a packet; says whether it runs in a circle.
    pub(crate) fn is_circle(&mut self, now: Time, packet: PacketId, key: FlowKey, port: Port) -> bool {
        while let Some(&(noted, old)) = self.in_order.front()
            && noted + MEMORY <= now
        {
            self.in_order.pop_front();
            self.seen.remove(&old);
        }
        let before = self.seen.entry(packet).or_default();
        if before.contains(&(key, port)) || before.len() >= PASSAGE_COUNT_MAX {
            return true;
        }
        if before.is_empty() {
            self.in_order.push_back((now, packet));
        }
        before.push((key, port));
        false
    }
}
