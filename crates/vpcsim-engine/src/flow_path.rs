//! The whole way of a flow's packets: the runs between their waits, one after the other.
//!
//! The first run of a flow is looked up; the runs behind it follow from it, so that a packet that has begun a known path needs no look-up
//! at the stations after it. Paths are kept once: flows between the same two hosts take the same. A path is learned run by
//! run, from packets that repeat; a packet that walks at any node has none.

use crate::flow_cache::ReplayIndex;
use crate::flow_table::FlowTable;

/// The number of a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct PathIndex(u32);

impl PathIndex {
    /// The path without a run, on which every path begins.
    pub(crate) const ROOT: Self = Self(0);
}

/// Where a packet is on its path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    /// The key of the flow's first run.
    pub(crate) origin: u128,
    /// Tells paths that were forgotten since.
    pub(crate) generation: u32,
    pub(crate) path: PathIndex,
    /// How many runs lie behind the packet.
    pub(crate) step: u32,
}

/// All paths that were learned.
#[derive(Debug)]
pub(crate) struct FlowPaths {
    rows: Vec<Box<[ReplayIndex]>>,
    /// By a path and the run that follows it, the path with both.
    longer: FlowTable<PathIndex>,
}

impl FlowPaths {
    /// Only the path without a run.
    pub(crate) fn new() -> Self {
        Self {
            rows: vec![Box::default()],
            longer: FlowTable::new(),
        }
    }

    /// The run of a path behind so many others.
    #[inline]
    pub(crate) fn run(&self, path: PathIndex, step: u32) -> Option<ReplayIndex> {
        self.rows[path.0 as usize].get(step as usize).copied()
    }

    /// How many runs a path has.
    pub(crate) fn len(&self, path: PathIndex) -> u32 {
        self.rows[path.0 as usize].len() as u32
    }

    /// The path that goes on with a run.
    pub(crate) fn extend(&mut self, path: PathIndex, run: ReplayIndex) -> PathIndex {
        // One bit is always set, since no key may be zero.
        let key = u128::from(path.0) << 64 | u128::from(run.number()) << 1 | 1;
        if let Some(known) = self.longer.find(key) {
            return *known;
        }
        let row = self.rows[path.0 as usize].iter().copied().chain([run]).collect();
        let longer = PathIndex(self.rows.len() as u32);
        self.rows.push(row);
        self.longer.insert(key, longer);
        longer
    }
}

impl Default for FlowPaths {
    fn default() -> Self {
        Self::new()
    }
}
