//! The whole way of a flow's packets: the runs between their waits, one after the other.
//!
//! The first run of a flow is looked up; the runs behind it follow from it, so that a packet that has begun a known path needs no look-up
//! at the stations after it. Paths are kept once: flows between the same two hosts take the same. A path is learned run by
//! run: a packet whose run is written down is on the path that the run ends, and its next one is written down as what follows on it. Only
//! a node that is always asked ends a path; behind it another one begins.
//!
//! All paths lie in one list, each with a word behind it that says which path ends there, so that a packet needs to know no more than how far
//! it is in the list.

use std::num::NonZeroU32;

use crate::flow_table::FlowTable;
use crate::replay::ReplayIndex;

/// The number of a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct PathIndex(u32);

/// Where in the list of all paths a packet is, or where a path begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Cursor(u32);

impl Cursor {
    /// The beginning of the path without a run, with which every path begins.
    pub(crate) const ROOT: Self = Self(0);

    /// Past the run here.
    #[inline]
    pub(crate) const fn step(&mut self) {
        self.0 += 1;
    }
}

/// Where a packet is on its path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    /// Where the flow cache keeps the flow's first run.
    pub(crate) origin: u32,
    /// Tells paths that were forgotten since.
    pub(crate) generation: NonZeroU32,
    pub(crate) cursor: Cursor,
    /// How many of the flow's hints the nodes on the way have not asked for.
    pub(crate) hints_left: u8,
}

/// Marks the word behind a path; the rest of it is the path's number.
const END: u32 = 1 << 31;

/// All paths that were learned.
#[derive(Debug)]
pub(crate) struct FlowPaths {
    /// Path by path: the numbers of its runs and the word that ends it.
    words: Vec<u32>,
    /// Where each path begins.
    starts: Vec<Cursor>,
    /// By a path and the run that follows it, the path with both.
    longer: FlowTable<PathIndex>,
}

impl FlowPaths {
    /// Only the path without a run.
    pub(crate) fn new() -> Self {
        Self {
            words: vec![END],
            starts: vec![Cursor::ROOT],
            longer: FlowTable::new(),
        }
    }

    /// The run that comes next there, if the path does not end.
    #[inline]
    pub(crate) fn run(&self, cursor: Cursor) -> Option<ReplayIndex> {
        let word = self.words[cursor.0 as usize];
        (word & END == 0).then_some(ReplayIndex::numbered(word))
    }

    /// Where the path that ends at `cursor` begins if it goes on with a run, and where that run lies on it; neither if no path ends there.
    pub(crate) fn extend(&mut self, cursor: Cursor, run: ReplayIndex) -> Option<(Cursor, Cursor)> {
        let word = self.words[cursor.0 as usize];
        if word & END == 0 {
            return None;
        }
        let path = PathIndex(word & !END);
        let len = cursor.0 - self.starts[path.0 as usize].0;
        let longer = self.longer(path, run);
        let start = self.starts[longer.0 as usize];
        Some((start, Cursor(start.0 + len)))
    }

    /// Where the path begins that has the runs which lie before `cursor` on its path.
    pub(crate) fn before(&mut self, cursor: Cursor) -> Cursor {
        let end = cursor.0 as usize;
        let ahead = self.words[..end].iter().rev();
        let len = ahead.take_while(|word| **word & END == 0).count();
        let mut path = PathIndex(0);
        for at in end - len..end {
            path = self.longer(path, ReplayIndex::numbered(self.words[at]));
        }
        self.starts[path.0 as usize]
    }

    /// How many words all paths have.
    pub(crate) fn len(&self) -> usize {
        self.words.len()
    }

    /// The path that goes on with a run.
    fn longer(&mut self, path: PathIndex, run: ReplayIndex) -> PathIndex {
        // One bit is always set, since no key may be zero.
        let key = u128::from(path.0) << 64 | u128::from(run.number()) << 1 | 1;
        if let Some(known) = self.longer.find(key) {
            return *known;
        }
        let start = self.starts[path.0 as usize].0 as usize;
        let len = self.words[start..]
            .iter()
            .take_while(|word| **word & END == 0)
            .count();
        let longer = PathIndex(self.starts.len() as u32);
        self.starts.push(Cursor(self.words.len() as u32));
        self.words.extend_from_within(start..start + len);
        self.words.extend([run.number(), END | longer.0]);
        self.longer.insert(key, longer);
        longer
    }
}

impl Default for FlowPaths {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn runs(paths: &FlowPaths, mut cursor: Cursor) -> Vec<u32> {
        let mut runs = Vec::new();
        while let Some(run) = paths.run(cursor) {
            runs.push(run.number());
            cursor.step();
        }
        runs
    }

    #[test]
    fn a_path_goes_on_where_it_ended_and_equal_paths_are_one() {
        let mut paths = FlowPaths::new();
        let learn = |paths: &mut FlowPaths, runs: &[u32]| {
            let (mut start, mut end) = (Cursor::ROOT, Cursor::ROOT);
            for run in runs {
                (start, end) = paths.extend(end, ReplayIndex::numbered(*run)).unwrap();
                assert_eq!(paths.run(end).unwrap().number(), *run);
                end.step();
            }
            start
        };
        let one = learn(&mut paths, &[7, 8, 9]);
        let other = learn(&mut paths, &[7, 9]);
        let again = learn(&mut paths, &[7, 8, 9]);
        assert_eq!(runs(&paths, one), [7, 8, 9]);
        assert_eq!(runs(&paths, other), [7, 9]);
        assert_eq!(again, one);
        let mut third = one;
        third.step();
        third.step();
        let shorter = paths.before(third);
        assert_eq!(runs(&paths, shorter), [7, 8]);
        let nothing = paths.before(one);
        assert_eq!(runs(&paths, nothing), [0; 0]);
        assert_eq!(
            paths.extend(one, ReplayIndex::numbered(5)),
            None,
            "no path ends at its beginning"
        );
    }
}
