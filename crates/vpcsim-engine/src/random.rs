//! Seeded randomness: one independent stream per node, so that adding a node never changes another's numbers.

use crate::id::NodeId;

/// A small, fast, seeded generator (`SplitMix64`).
#[derive(Clone, Debug)]
pub struct Random {
    state: u64,
}

const GOLDEN: u64 = 0x9E37_79B9_7F4A_7C15;

impl Random {
    /// The stream number `stream` of the simulation seed `seed`.
    pub const fn new(seed: u64, stream: u64) -> Self {
        Self {
            state: mix(seed ^ mix(stream.wrapping_mul(GOLDEN).wrapping_add(GOLDEN))),
        }
    }

    /// The next 64 random bits.
    pub const fn next_u64(&mut self) -> u64 {
        self.state = self.state.wrapping_add(GOLDEN);
        mix(self.state)
    }

    /// A number below `bound`; zero if `bound` is zero.
    pub const fn below(&mut self, bound: u64) -> u64 {
        ((self.next_u64() as u128 * bound as u128) >> 64) as u64
    }

    /// True with a probability of `parts_per_million` in a million.
    pub const fn chance_ppm(&mut self, parts_per_million: u32) -> bool {
        self.below(1_000_000) < parts_per_million as u64
    }
}

/// The streams of a network's nodes, each begun when it is first asked.
#[derive(Clone, Debug)]
pub(crate) struct Randoms {
    seed: u64,
    streams: Vec<Option<Random>>,
}

impl Randoms {
    pub(crate) const fn new(seed: u64) -> Self {
        Self {
            seed,
            streams: Vec::new(),
        }
    }

    pub(crate) fn of(&mut self, node: NodeId) -> &mut Random {
        let place = node.0 as usize;
        if self.streams.len() <= place {
            self.streams.resize(place + 1, None);
        }
        let seed = self.seed;
        self.streams[place].get_or_insert_with(|| Random::new(seed, u64::from(node.0)))
    }
}

const fn mix(mut z: u64) -> u64 {
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_seed_and_stream_give_equal_numbers_and_others_differ() {
        let take = |seed, stream| {
            let mut random = Random::new(seed, stream);
            [random.next_u64(), random.next_u64(), random.next_u64()]
        };
        assert_eq!(take(1, 2), take(1, 2));
        assert_ne!(take(1, 2), take(1, 3));
        assert_ne!(take(1, 2), take(2, 2));
    }

    #[test]
    fn below_stays_below_and_reaches_every_value() {
        let mut random = Random::new(7, 0);
        let mut seen = [false; 10];
        for _ in 0..1_000 {
            seen[random.below(10) as usize] = true;
        }
        assert_eq!(seen, [true; 10]);
        assert_eq!(random.below(0), 0);
    }

    #[test]
    fn chance_is_roughly_what_was_asked() {
        let mut random = Random::new(7, 1);
        let hits = (0..100_000).filter(|_| random.chance_ppm(250_000)).count();
        assert!((24_000..26_000).contains(&hits), "{hits}");
    }
}
