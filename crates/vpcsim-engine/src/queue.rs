//! The event queue: a hierarchical timing wheel on nanoseconds.
//!
//! It gives back what was pushed in the order of (time, sequence of pushes), exactly as a binary heap on that pair
//! would, but at a cost that hardly depends on how many events are pending. Eleven levels of 64 slots cover every
//! `u64`: a slot of level 0 is one nanosecond wide, and each level's slots are 64 times as wide as those below.
//!
//! # Invariants
//!
//! - The present is the time of the last event popped (0 at first). Nothing else moves it: neither a look at the
//!   next event nor a [`TimingWheel::pop_before`] that finds nothing.
//! - Events due at the present wait in one first-in-first-out queue; every slot holds later events only.
//! - An event's level is that of the highest 6-bit digit in which its time differs from the present. So whatever lies
//!   on a lower level is earlier than all that lies above it, and within a level a lower slot is earlier.
//! - A slot is emptied in the moment the present enters it, in the order of its pushes, into levels that are empty
//!   then. So an event that comes down from above is always ahead of those pushed beside it afterwards, which is why
//!   no sequence number has to be kept.
//! - Slots keep their events in chunks of equal size from one pool, which grows with the largest number of events ever
//!   pending and not with how they were spread: at no more than that load there is no allocation.

use std::collections::VecDeque;

const DIGIT_BITS: u32 = 6;
const SLOTS: usize = 1 << DIGIT_BITS;
const LEVELS: usize = u64::BITS.div_ceil(DIGIT_BITS) as usize;

/// Events in a chunk: enough to read a crowded slot at the speed of an array, few enough for slots with one event.
const CHUNK: usize = 32;

/// A list of events in the order of their pushes. Of its chunks only the last may have room.
#[derive(Clone, Copy, Debug, Default)]
struct Slot {
    earliest_ns: u64,
    first_chunk: u32,
    last_chunk: u32,
    len: usize,
}

/// A queue of events ordered by time in nanoseconds and, where times are equal, first in, first out.
#[derive(Clone, Debug)]
pub struct TimingWheel<T> {
    now_ns: u64,
    len: usize,
    /// One bit for each level that holds an event.
    occupied_levels: u32,
    /// For each level, one bit for each slot that holds an event; what the other slots say is out of date.
    occupied_slots: [u64; LEVELS],
    /// All slots, level by level.
    slots: Box<[Slot]>,
    /// What is due at the present.
    due: VecDeque<T>,
    chunks: ChunkPool<T>,
}

impl<T: Copy> TimingWheel<T> {
    /// An empty wheel whose present is 0.
    pub fn new() -> Self {
        Self {
            now_ns: 0,
            len: 0,
            occupied_levels: 0,
            occupied_slots: [0; LEVELS],
            slots: vec![Slot::default(); LEVELS * SLOTS].into_boxed_slice(),
            due: VecDeque::new(),
            chunks: ChunkPool {
                events: Vec::new(),
                next: Vec::new(),
                free: Vec::new(),
            },
        }
    }

    /// The time of the last event popped.
    pub fn now_ns(&self) -> u64 {
        self.now_ns
    }

    /// How many events are pending.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether no event is pending.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Adds an event; a time before the present counts as the present.
    #[inline]
    pub fn push(&mut self, time_ns: u64, item: T) {
        self.len += 1;
        self.place(time_ns, item);
    }

    /// Takes the earliest event, with its time, and moves the present there.
    #[inline]
    pub fn pop(&mut self) -> Option<(u64, T)> {
        self.pop_before(u64::MAX)
    }

    /// Takes the earliest event if it is due at `limit_ns` or before; otherwise changes nothing.
    #[inline]
    pub fn pop_before(&mut self, limit_ns: u64) -> Option<(u64, T)> {
        if let Some(&item) = self.due.front() {
            if self.now_ns > limit_ns {
                return None;
            }
            self.due.pop_front();
            self.len -= 1;
            return Some((self.now_ns, item));
        }
        let (level, slot) = self.earliest_slot()?;
        if self.slots[level * SLOTS + slot].earliest_ns > limit_ns {
            return None;
        }
        self.len -= 1;
        self.pop_from_slot(level, slot)
    }

    /// The time of the earliest event.
    #[inline]
    pub fn peek_time(&self) -> Option<u64> {
        if !self.due.is_empty() {
            return Some(self.now_ns);
        }
        let (level, slot) = self.earliest_slot()?;
        Some(self.slots[level * SLOTS + slot].earliest_ns)
    }

    /// The earliest event with its time: looks through the events that lie as near to it as the wheel has told apart so far.
    pub fn peek(&self) -> Option<(u64, T)> {
        if let Some(&item) = self.due.front() {
            return Some((self.now_ns, item));
        }
        let (level, slot) = self.earliest_slot()?;
        let source = self.slots[level * SLOTS + slot];
        let mut chunk = source.first_chunk;
        let mut left = source.len;
        while left > 0 {
            let start = chunk as usize * CHUNK;
            let events = &self.chunks.events[start..start + left.min(CHUNK)];
            if let Some(found) = events.iter().find(|(time_ns, _)| *time_ns == source.earliest_ns) {
                return Some(*found);
            }
            left = left.saturating_sub(CHUNK);
            chunk = self.chunks.next[chunk as usize];
        }
        None
    }

    /// Level and slot of the earliest event that is not yet due.
    #[inline]
    fn earliest_slot(&self) -> Option<(usize, usize)> {
        if self.occupied_levels == 0 {
            return None;
        }
        let level = self.occupied_levels.trailing_zeros() as usize;
        Some((level, self.occupied_slots[level].trailing_zeros() as usize))
    }

    /// Moves the present to the earliest event of a slot and takes it, spreading what shared the slot.
    fn pop_from_slot(&mut self, level: usize, slot: usize) -> Option<(u64, T)> {
        self.occupied_slots[level] &= !(1 << slot);
        if self.occupied_slots[level] == 0 {
            self.occupied_levels &= !(1 << level);
        }
        let source = self.slots[level * SLOTS + slot];
        self.now_ns = source.earliest_ns;
        // Most slots hold one event when they are reached: it need not pass through the levels below.
        if source.len == 1 {
            self.chunks.free.push(source.first_chunk);
            return Some(self.chunks.events[source.first_chunk as usize * CHUNK]);
        }
        self.spread(source);
        self.due.pop_front().map(|item| (self.now_ns, item))
    }

    /// Places the events of a slot anew, nearer to the present.
    fn spread(&mut self, source: Slot) {
        let mut chunk = source.first_chunk;
        let mut left = source.len;
        while left > 0 {
            let start = chunk as usize * CHUNK;
            for index in start..start + left.min(CHUNK) {
                let (time_ns, item) = self.chunks.events[index];
                self.place(time_ns, item);
            }
            left = left.saturating_sub(CHUNK);
            self.chunks.free.push(chunk);
            chunk = self.chunks.next[chunk as usize];
        }
    }

    /// Puts an event where its distance from the present says.
    #[inline]
    fn place(&mut self, time_ns: u64, item: T) {
        if time_ns <= self.now_ns {
            self.due.push_back(item);
            return;
        }
        let level = (time_ns ^ self.now_ns).ilog2() / DIGIT_BITS;
        let slot = (time_ns >> (level * DIGIT_BITS)) as usize % SLOTS;
        let level = level as usize;
        let target = &mut self.slots[level * SLOTS + slot];
        if self.occupied_slots[level] & (1 << slot) == 0 {
            self.occupied_slots[level] |= 1 << slot;
            self.occupied_levels |= 1 << level;
            let chunk = self.chunks.take((time_ns, item));
            *target = Slot {
                earliest_ns: time_ns,
                first_chunk: chunk,
                last_chunk: chunk,
                len: 1,
            };
            return;
        }
        target.earliest_ns = target.earliest_ns.min(time_ns);
        let place_in_chunk = target.len % CHUNK;
        target.len += 1;
        if place_in_chunk == 0 {
            let chunk = self.chunks.take((time_ns, item));
            self.chunks.next[target.last_chunk as usize] = chunk;
            target.last_chunk = chunk;
        } else {
            self.chunks.events[target.last_chunk as usize * CHUNK + place_in_chunk] = (time_ns, item);
        }
    }
}

impl<T: Copy> Default for TimingWheel<T> {
    fn default() -> Self {
        Self::new()
    }
}

/// The memory of all slots.
#[derive(Clone, Debug)]
struct ChunkPool<T> {
    /// Chunk by chunk.
    events: Vec<(u64, T)>,
    /// For each chunk the one that follows in its slot, if its slot goes on.
    next: Vec<u32>,
    /// The chunk freed last is taken first, as it is most likely in the cache.
    free: Vec<u32>,
}

impl<T: Copy> ChunkPool<T> {
    /// A chunk that begins with this event.
    #[inline]
    fn take(&mut self, event: (u64, T)) -> u32 {
        if let Some(chunk) = self.free.pop() {
            self.events[chunk as usize * CHUNK] = event;
            return chunk;
        }
        let chunk = self.next.len() as u32;
        self.next.push(0);
        self.events.resize(self.events.len() + CHUNK, event);
        chunk
    }
}

#[cfg(test)]
mod tests {
    use std::cmp::Reverse;
    use std::collections::BinaryHeap;

    use super::*;

    const OPERATIONS: u64 = 200_000;
    const MILLISECOND_NS: u64 = 1_000_000;
    const SECOND_NS: u64 = 1000 * MILLISECOND_NS;

    /// A xorshift generator, so that failures repeat.
    struct Draw(u64);

    impl Draw {
        fn next(&mut self, bound: u64) -> u64 {
            self.0 ^= self.0 << 13;
            self.0 ^= self.0 >> 7;
            self.0 ^= self.0 << 17;
            self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) % bound
        }

        #[expect(
            clippy::cast_sign_loss,
            reason = "the logarithm of a number up to 1 is not positive"
        )]
        fn exponential_ns(&mut self, mean_ns: f64) -> u64 {
            let uniform = f64::from(self.next(1 << 30) as u32 + 1) / f64::from(1 << 30);
            (-uniform.ln() * mean_ns) as u64
        }
    }

    /// The wheel and a heap on (time, sequence) that must agree with it after every call.
    struct Pair {
        wheel: TimingWheel<u64>,
        heap: BinaryHeap<Reverse<(u64, u64)>>,
        now_ns: u64,
        sequence: u64,
    }

    impl Pair {
        fn new() -> Self {
            Self {
                wheel: TimingWheel::new(),
                heap: BinaryHeap::new(),
                now_ns: 0,
                sequence: 0,
            }
        }

        fn push(&mut self, time_ns: u64) {
            self.wheel.push(time_ns, self.sequence);
            self.heap.push(Reverse((time_ns.max(self.now_ns), self.sequence)));
            self.sequence += 1;
        }

        fn pop_before(&mut self, limit_ns: u64) -> Option<u64> {
            let earliest = self.heap.peek().map(|entry| entry.0);
            assert_eq!(self.wheel.peek_time(), earliest.map(|(time_ns, _)| time_ns));
            let expected = earliest.filter(|&(time_ns, _)| time_ns <= limit_ns);
            assert_eq!(self.wheel.pop_before(limit_ns), expected);
            if let Some((time_ns, _)) = expected {
                self.heap.pop();
                self.now_ns = time_ns;
            }
            assert_eq!(
                (self.wheel.now_ns(), self.wheel.len()),
                (self.now_ns, self.heap.len())
            );
            expected.map(|(time_ns, _)| time_ns)
        }

        fn drain(&mut self) {
            while self.pop_before(u64::MAX).is_some() {}
            assert!(self.wheel.is_empty());
            assert_eq!(self.wheel.pop(), None);
        }
    }

    /// Random pushes and pops with a wandering number of pending events, then everything popped.
    fn compare_with_heap(seed: u64, mut delay_ns: impl FnMut(&mut Draw) -> u64) {
        let mut draw = Draw(seed);
        let mut pair = Pair::new();
        for operation in 0..OPERATIONS {
            let pushes_of_16 = if (operation / 5000) % 2 == 0 { 10 } else { 6 };
            if draw.next(16) < pushes_of_16 {
                let delay_ns = delay_ns(&mut draw);
                pair.push(pair.now_ns.saturating_add(delay_ns));
            } else {
                pair.pop_before(u64::MAX);
            }
        }
        pair.drain();
    }

    #[test]
    fn exponential_delays_leave_in_the_order_of_a_heap() {
        compare_with_heap(1, |draw| draw.exponential_ns(1e6));
        compare_with_heap(2, |draw| draw.exponential_ns(20.0));
    }

    #[test]
    fn link_delays_and_timers_leave_in_the_order_of_a_heap() {
        let links_ns = [500, 1000, 2000, 5000, 25_000, 60_000, 250_000, MILLISECOND_NS];
        compare_with_heap(3, |draw| match draw.next(10) {
            0 => 200 * MILLISECOND_NS,
            link => links_ns[link as usize % links_ns.len()],
        });
    }

    #[test]
    fn equal_times_leave_in_the_order_of_their_pushes() {
        compare_with_heap(4, |_| 0);
        compare_with_heap(5, |_| MILLISECOND_NS);
    }

    #[test]
    fn bursts_far_in_the_future_leave_in_the_order_of_a_heap() {
        let far_ns = [350 * SECOND_NS, 5 * 86_400 * SECOND_NS, u64::MAX / 2, u64::MAX];
        compare_with_heap(6, |draw| match draw.next(400) {
            rare @ 0..4 => far_ns[rare as usize],
            _ => draw.exponential_ns(1e6),
        });
        let mut burst = 0;
        compare_with_heap(7, |draw| {
            burst += 1;
            far_ns[(burst / 100) % 3] / (1 + draw.next(2))
        });
    }

    #[test]
    fn times_of_every_magnitude_leave_in_the_order_of_a_heap() {
        compare_with_heap(8, |draw| {
            let bits = draw.next(64);
            draw.next(u64::MAX) >> bits
        });
    }

    #[test]
    fn pushes_after_a_pop_that_found_nothing_keep_the_order_of_a_heap() {
        for (seed, mean_ns) in [(9, 50.0), (10, 5e3), (11, 1e6), (12, 4e11)] {
            let mut draw = Draw(seed);
            let mut pair = Pair::new();
            for _ in 0..OPERATIONS / 4 {
                for _ in 0..draw.next(3) {
                    let delay_ns = draw.exponential_ns(mean_ns);
                    pair.push(pair.now_ns + delay_ns);
                }
                let limit_ns = pair.now_ns + draw.exponential_ns(mean_ns);
                while pair.pop_before(limit_ns).is_some() {}
                // Between the limit and the next event, at either of them, and before the limit.
                let next_ns = pair.heap.peek().map_or(limit_ns + 1000, |entry| entry.0.0);
                match draw.next(5) {
                    0 => pair.push(limit_ns + draw.next(next_ns - limit_ns)),
                    1 => pair.push(limit_ns),
                    2 => pair.push(next_ns),
                    3 => pair.push(pair.now_ns + draw.next(limit_ns - pair.now_ns + 1)),
                    _ => pair.push(pair.now_ns),
                }
            }
            pair.drain();
        }
    }

    #[test]
    fn event_from_an_upper_level_precedes_one_pushed_into_a_lower_level_later() {
        let mut wheel = TimingWheel::new();
        wheel.push(5000, "from above");
        wheel.push(4990, "first");
        assert_eq!(wheel.pop(), Some((4990, "first")));
        wheel.push(5000, "direct");
        assert_eq!(wheel.pop(), Some((5000, "from above")));
        wheel.push(5000, "at the present");
        assert_eq!(wheel.pop(), Some((5000, "direct")));
        assert_eq!(wheel.pop(), Some((5000, "at the present")));
        assert_eq!(wheel.pop(), None);
    }

    #[test]
    fn time_in_the_past_counts_as_the_present() {
        let mut wheel = TimingWheel::new();
        wheel.push(100, 'a');
        wheel.push(100, 'b');
        assert_eq!(wheel.pop(), Some((100, 'a')));
        wheel.push(3, 'c');
        assert_eq!(wheel.peek_time(), Some(100));
        assert_eq!(wheel.pop_before(99), None);
        assert_eq!(wheel.pop_before(100), Some((100, 'b')));
        assert_eq!(wheel.pop(), Some((100, 'c')));
    }

    #[test]
    fn latest_time_is_an_ordinary_time() {
        let mut wheel = TimingWheel::new();
        wheel.push(u64::MAX, 1);
        wheel.push(u64::MAX, 2);
        wheel.push(u64::MAX - 1, 0);
        assert_eq!(wheel.pop_before(u64::MAX - 2), None);
        assert_eq!(wheel.pop(), Some((u64::MAX - 1, 0)));
        assert_eq!(wheel.pop(), Some((u64::MAX, 1)));
        assert_eq!(wheel.pop(), Some((u64::MAX, 2)));
    }

    #[test]
    fn memory_follows_the_pending_events_however_they_were_spread() {
        const PENDING: u64 = 4096;
        let mut draw = Draw(13);
        let mut wheel = TimingWheel::new();
        for event in 0..PENDING {
            wheel.push(event, event);
        }
        let mut hold = |mean_ns: f64| {
            for _ in 0..OPERATIONS {
                let (time_ns, event) = wheel.pop().unwrap();
                wheel.push(time_ns + draw.exponential_ns(mean_ns), event);
            }
            wheel.chunks.next.len()
        };
        // Each slot may have one chunk that is not full, and a slot may be spread while it still has its chunks.
        let chunks_max = PENDING as usize / CHUNK + LEVELS * SLOTS + 1;
        for mean_ns in [1e6, 1e3, 1e9, 1e6] {
            assert!(hold(mean_ns) <= chunks_max);
        }
    }

    #[test]
    fn steady_load_allocates_nothing_once_warm() {
        let links_ns = [500, 1000, 2000, 5000, 25_000, 60_000, 250_000, MILLISECOND_NS];
        let mut wheel = TimingWheel::new();
        for event in 0..256 {
            wheel.push(event, event);
        }
        let mut hold = || {
            for _ in 0..OPERATIONS {
                let (time_ns, event) = wheel.pop().unwrap();
                wheel.push(time_ns + links_ns[event as usize % links_ns.len()], event);
            }
            let chunks = &wheel.chunks;
            [
                chunks.events.capacity(),
                chunks.next.capacity(),
                chunks.free.capacity(),
                wheel.due.capacity(),
            ]
        };
        let warm = hold();
        assert_eq!(hold(), warm);
    }
}
