//! Which flows were met of late: a run is written down for the second packet of a flow, not for the first.
//!
//! Many flows have one packet in each direction, and writing a run down costs more than walking it. A flow that is met a second time is
//! likely to be met again. The memory is a Bloom filter, two bits of one word for each flow, which begins anew before it is full: what it
//! forgets or takes for known by mistake is written down later or earlier, and nothing else depends on it. The figures are in
//! `benches/README.md`.

use crate::flow_table::TableKey;

const WORDS_MIN: usize = 1 << 6;
const WORDS_MAX: usize = 1 << 17;
/// Flows for each word before the filter begins anew: then one of twenty is taken for known by mistake.
const FLOWS_PER_WORD: usize = 8;

/// The flows that were met.
#[derive(Debug, Default)]
pub(crate) struct Newcomers {
    words: Vec<u64>,
    /// Newcomers since the filter began.
    count: usize,
}

impl Newcomers {
    /// Whether this key was asked about before, as far as that is still known.
    pub(crate) fn is_known(&mut self, key: TableKey) -> bool {
        if self.count >= self.words.len() * FLOWS_PER_WORD {
            self.begin_anew();
        }
        let hash = key.hash();
        // The place takes at most 17 of the bits below.
        let bits = 1 << (hash >> 26) | 1 << (hash >> 20 & 63);
        let place = hash as usize & (self.words.len() - 1);
        let word = &mut self.words[place];
        if *word & bits == bits {
            return true;
        }
        *word |= bits;
        self.count += 1;
        false
    }

    /// With more room, if that is allowed.
    #[cold]
    fn begin_anew(&mut self) {
        let word_count = (self.words.len() * 8).clamp(WORDS_MIN, WORDS_MAX);
        self.words.clear();
        self.words.resize(word_count, 0);
        self.count = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flow_is_new_once() {
        let mut newcomers = Newcomers::default();
        let mut is_known = |key: u128| newcomers.is_known(key.into());
        assert!(!is_known(1) && is_known(1) && is_known(1));
        assert!(!is_known(2));
    }

    #[test]
    fn many_flows_that_take_turns_become_known_and_few_by_mistake() {
        let mut newcomers = Newcomers::default();
        let mut known = || {
            (1..=50_000_u128)
                .filter(|key| newcomers.is_known((*key).into()))
                .count()
        };
        let rounds = [known(), known(), known()];
        assert!(rounds[0] < 2_500, "{rounds:?}");
        assert_eq!(rounds[2], 50_000);
    }

    #[test]
    fn the_memory_is_bounded() {
        let mut newcomers = Newcomers::default();
        for key in 1..=3_000_000_u128 {
            newcomers.is_known(key.into());
        }
        assert_eq!(newcomers.words.len(), WORDS_MAX);
    }
}
