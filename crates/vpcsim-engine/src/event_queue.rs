//! What happens next: lanes for the few delays that nearly all events have, and a timing wheel for the rest.
//!
//! Most of a network's events are a packet's arrival after one of a handful of latencies. Of two events with the same delay the one
//! that was added first is due first, so a lane of such events is in order by itself: adding is an append, and taking
//! compares the heads. A delay that finds no lane of its own goes to the [wheel](TimingWheel). The figures are in `benches/README.md`.
//!
//! # Invariants
//!
//! - Events come out in the order of (time, sequence of additions), exactly as from the wheel alone.
//! - Within a lane both only grow: time does not go back, and every event of a lane was added with the same delay.
//! - An empty lane is free for another delay.

use std::collections::VecDeque;

use crate::queue::TimingWheel;

/// Delays that have a lane at the same time.
const LANES: usize = 8;

/// When an event is due, and how many were added before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Due {
    time_ns: u64,
    sequence: u64,
}

impl Due {
    const NEVER: Self = Self {
        time_ns: u64::MAX,
        sequence: u64::MAX,
    };

    /// Both in one number, which is compared at once.
    #[inline]
    const fn rank(self) -> u128 {
        (self.time_ns as u128) << 64 | self.sequence as u128
    }
}

#[derive(Clone, Copy, Debug)]
struct Queued<T> {
    due: Due,
    item: T,
}

/// What is due first of the wheel's events; its sequence is found out when it matters.
#[derive(Clone, Copy, Debug)]
struct WheelHead {
    time_ns: u64,
    sequence: Option<u64>,
}

/// A queue of events by time in nanoseconds and, where times are equal, first in, first out.
#[derive(Debug)]
pub struct EventQueue<T> {
    sequence: u64,
    /// How many lanes have ever been in use: the first ones.
    lane_count: usize,
    /// The delay that all events of a lane were added with.
    delays_ns: [u64; LANES],
    /// The head of each lane, [`Due::NEVER`] if it is empty.
    heads: [Due; LANES],
    lanes: [VecDeque<Queued<T>>; LANES],
    wheel: TimingWheel<(u64, T)>,
    wheel_head: Option<WheelHead>,
}

impl<T: Copy> EventQueue<T> {
    /// A queue without events.
    pub fn new() -> Self {
        Self {
            sequence: 0,
            lane_count: 0,
            delays_ns: [0; LANES],
            heads: [Due::NEVER; LANES],
            lanes: std::array::from_fn(|_| VecDeque::new()),
            wheel: TimingWheel::new(),
            wheel_head: None,
        }
    }

    /// Adds an event that is due `delay_ns` after the present `now_ns`, which never goes back.
    #[inline]
    pub fn push(&mut self, now_ns: u64, delay_ns: u64, item: T) {
        let due = Due {
            time_ns: now_ns.saturating_add(delay_ns),
            sequence: self.sequence,
        };
        self.sequence += 1;
        match self.lane_for(delay_ns) {
            Some(index) => {
                let events = &mut self.lanes[index];
                if events.is_empty() {
                    self.heads[index] = due;
                }
                events.push_back(Queued { due, item });
            }
            None => self.push_to_wheel(due, item),
        }
    }

    /// Takes the earliest event if it is due at `limit_ns` or before, with its time.
    #[inline(always)]
    #[expect(
        clippy::inline_always,
        reason = "it is called once for each event, from one loop"
    )]
    pub fn pop_before(&mut self, limit_ns: u64) -> Option<(u64, T)> {
        let (lane, due) = self.earliest_lane();
        if self.is_wheel_first(due) {
            return self.pop_from_wheel(limit_ns);
        }
        if due.time_ns > limit_ns {
            return None;
        }
        // The head of an empty lane is due at the end of time, but no event of it is.
        let events = &mut self.lanes[lane];
        let event = events.pop_front()?;
        self.heads[lane] = events.front().map_or(Due::NEVER, |next| next.due);
        Some((due.time_ns, event.item))
    }

    /// The lane of this delay, or a free one.
    #[inline]
    fn lane_for(&mut self, delay_ns: u64) -> Option<usize> {
        for (index, lane_delay_ns) in self.delays_ns.iter().enumerate() {
            if *lane_delay_ns == delay_ns && index < self.lane_count {
                return Some(index);
            }
        }
        self.free_lane(delay_ns)
    }

    #[cold]
    fn free_lane(&mut self, delay_ns: u64) -> Option<usize> {
        // The fewer lanes, the fewer heads are compared for each event.
        let index = self.lanes.iter().position(VecDeque::is_empty)?;
        self.lane_count = self.lane_count.max(index + 1);
        self.delays_ns[index] = delay_ns;
        Some(index)
    }

    #[inline]
    fn earliest_lane(&self) -> (usize, Due) {
        let mut earliest = (0, self.heads[0]);
        for index in 1..self.lane_count.min(LANES) {
            let head = self.heads[index];
            if head.rank() < earliest.1.rank() {
                earliest = (index, head);
            }
        }
        earliest
    }

    /// Whether an event of the wheel is due before this one.
    #[inline]
    fn is_wheel_first(&mut self, lane: Due) -> bool {
        let Some(head) = self.wheel_head else { return false };
        if head.time_ns != lane.time_ns {
            return head.time_ns < lane.time_ns;
        }
        self.wheel_sequence(head) < lane.sequence
    }

    #[cold]
    fn wheel_sequence(&mut self, head: WheelHead) -> u64 {
        let sequence = head
            .sequence
            .or_else(|| self.wheel.peek().map(|(_, (sequence, _))| sequence));
        self.wheel_head = Some(WheelHead { sequence, ..head });
        sequence.unwrap_or(u64::MAX)
    }

    #[cold]
    fn push_to_wheel(&mut self, due: Due, item: T) {
        self.wheel.push(due.time_ns, (due.sequence, item));
        if self.wheel_head.is_none_or(|head| due.time_ns < head.time_ns) {
            self.wheel_head = Some(WheelHead {
                time_ns: due.time_ns,
                sequence: Some(due.sequence),
            });
        }
    }

    #[cold]
    fn pop_from_wheel(&mut self, limit_ns: u64) -> Option<(u64, T)> {
        let (time_ns, (_, item)) = self.wheel.pop_before(limit_ns)?;
        self.wheel_head = self.wheel.peek_time().map(|time_ns| WheelHead {
            time_ns,
            sequence: None,
        });
        Some((time_ns, item))
    }
}

impl<T: Copy> Default for EventQueue<T> {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Random;

    /// The queue and the wheel alone, which must agree after every call.
    struct Pair {
        queue: EventQueue<u64>,
        wheel: TimingWheel<u64>,
        now_ns: u64,
        number: u64,
    }

    impl Pair {
        fn new() -> Self {
            Self {
                queue: EventQueue::new(),
                wheel: TimingWheel::new(),
                now_ns: 0,
                number: 0,
            }
        }

        fn push(&mut self, delay_ns: u64) {
            self.queue.push(self.now_ns, delay_ns, self.number);
            self.wheel.push(self.now_ns + delay_ns, self.number);
            self.number += 1;
        }

        fn pop_before(&mut self, limit_ns: u64) -> bool {
            let expected = self.wheel.pop_before(limit_ns);
            assert_eq!(self.queue.pop_before(limit_ns), expected);
            self.now_ns = expected.map_or(self.now_ns, |(time_ns, _)| time_ns);
            expected.is_some()
        }
    }

    /// Many delays, few delays, and delays that meet at the same nanosecond.
    fn agree(delays_ns: &[u64], seed: u64) {
        let mut random = Random::new(seed, 0);
        let mut pair = Pair::new();
        for _ in 0..20_000 {
            for _ in 0..random.below(4) {
                pair.push(delays_ns[random.below(delays_ns.len() as u64) as usize]);
            }
            let limit_ns = pair.now_ns + random.below(2_000);
            for _ in 0..random.below(4) {
                pair.pop_before(limit_ns);
            }
        }
        while pair.pop_before(u64::MAX) {}
        assert_eq!(pair.queue.pop_before(u64::MAX), None);
    }

    #[test]
    fn few_delays_come_out_as_from_the_wheel() {
        agree(&[50, 100, 400, 1_000], 1);
        agree(&[100], 2);
    }

    #[test]
    fn more_delays_than_lanes_come_out_as_from_the_wheel() {
        let delays_ns: Vec<u64> = (1..40).map(|number| number * 50).collect();
        agree(&delays_ns, 3);
        agree(
            &[
                1, 2, 3, 5, 8, 13, 21, 34, 55, 89, 144, 233, 377, 610, 987, 1_597, 30_000_000,
            ],
            4,
        );
    }

    #[test]
    fn events_of_the_wheel_and_of_lanes_that_meet_come_out_as_they_were_added() {
        let mut queue = EventQueue::new();
        for delay_ns in 1..=LANES as u64 {
            queue.push(0, delay_ns * 1_000, 0);
        }
        queue.push(0, 100, 1);
        queue.push(40, 60, 2);
        assert_eq!(
            (queue.pop_before(99), queue.pop_before(100)),
            (None, Some((100, 1)))
        );
        assert_eq!(queue.pop_before(100), Some((100, 2)));
        assert_eq!(queue.pop_before(1_000), Some((1_000, 0)));
    }
}
