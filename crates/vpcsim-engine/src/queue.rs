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
//! - A drained slot hands its memory on to the next slot that needs some: there is no allocation once the largest
//!   load has been seen.

use std::collections::VecDeque;

const DIGIT_BITS: u32 = 6;
const SLOTS: usize = 1 << DIGIT_BITS;
const LEVELS: usize = u64::BITS.div_ceil(DIGIT_BITS) as usize;

#[derive(Clone, Debug)]
struct Slot<T> {
    /// The earliest time in `events`; meaningless while that is empty.
    earliest_ns: u64,
    /// In the order of their pushes.
    events: Vec<(u64, T)>,
}

/// A queue of events ordered by time in nanoseconds and, where times are equal, first in, first out.
#[derive(Clone, Debug)]
pub struct TimingWheel<T> {
    now_ns: u64,
    len: usize,
    /// One bit for each level that holds an event.
    occupied_levels: u32,
    /// For each level, one bit for each slot that holds an event.
    occupied_slots: [u64; LEVELS],
    /// All slots, level by level.
    slots: Box<[Slot<T>]>,
    /// What is due at the present.
    due: VecDeque<T>,
    /// Memory of drained slots.
    spare: Vec<Vec<(u64, T)>>,
}

impl<T: Copy> TimingWheel<T> {
    /// An empty wheel whose present is 0.
    pub fn new() -> Self {
        let slots = (0..LEVELS * SLOTS)
            .map(|_| Slot {
                earliest_ns: 0,
                events: Vec::new(),
            })
            .collect();
        Self {
            now_ns: 0,
            len: 0,
            occupied_levels: 0,
            occupied_slots: [0; LEVELS],
            slots,
            due: VecDeque::new(),
            spare: Vec::new(),
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
        if self.peek_time()? > limit_ns {
            return None;
        }
        self.len -= 1;
        if let Some(item) = self.due.pop_front() {
            return Some((self.now_ns, item));
        }
        self.pop_from_slots()
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

    fn earliest_slot(&self) -> Option<(usize, usize)> {
        if self.occupied_levels == 0 {
            return None;
        }
        let level = self.occupied_levels.trailing_zeros() as usize;
        Some((level, self.occupied_slots[level].trailing_zeros() as usize))
    }

    /// Moves the present to the earliest event in the slots and takes it, spreading what shared its slot.
    fn pop_from_slots(&mut self) -> Option<(u64, T)> {
        let (level, slot) = self.earliest_slot()?;
        self.occupied_slots[level] &= !(1 << slot);
        if self.occupied_slots[level] == 0 {
            self.occupied_levels &= !(1 << level);
        }
        let source = &mut self.slots[level * SLOTS + slot];
        self.now_ns = source.earliest_ns;
        let mut events = std::mem::take(&mut source.events);
        // Most slots hold one event when they are reached: it need not pass through the levels below.
        let popped = if events.len() == 1 {
            events.pop()
        } else {
            for &(time_ns, item) in &events {
                self.place(time_ns, item);
            }
            events.clear();
            self.due.pop_front().map(|item| (self.now_ns, item))
        };
        self.spare.push(events);
        popped
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
            target.earliest_ns = time_ns;
            target.events = self.spare.pop().unwrap_or_default();
        } else {
            target.earliest_ns = target.earliest_ns.min(time_ns);
        }
        target.events.push((time_ns, item));
    }
}

impl<T: Copy> Default for TimingWheel<T> {
    fn default() -> Self {
        Self::new()
    }
}
