//! What an interface may send in a second: packets to the services at link-local addresses, and fragments.
//!
//! # AWS semantics
//!
//! - An interface may send 1024 packets a second to DNS, metadata and time together; the excess is dropped and counted (LL-05).
//! - The limit is per interface: a second one has its own (LL-06).
//! - As many fragments leave an interface in a second; the excess is dropped (MTU-09).
//!
//! # Where AWS is silent
//!
//! - A second is a second of simulated time that starts at a whole one, not a sliding window.

use vpcsim_engine::Time;

/// Packets per second and interface (LL-05, MTU-09).
pub const PACKETS_PER_SECOND_MAX: u32 = 1024;

const SECOND_NS: u64 = 1_000_000_000;

/// What one interface has used of its allowance.
#[derive(Clone, Debug, Default)]
pub struct PacketAllowance {
    /// Most interfaces send neither.
    used: Option<Box<Used>>,
}

#[derive(Clone, Debug, Default)]
struct Used {
    second: u64,
    admitted: u32,
    exceeded: u64,
}

impl PacketAllowance {
    /// Whether one more packet may go at `now`; if not, it counts as exceeding.
    pub fn admit(&mut self, now: Time) -> bool {
        let used = self.used.get_or_insert_default();
        let second = now.as_ns() / SECOND_NS;
        if second != used.second {
            used.second = second;
            used.admitted = 0;
        }
        if used.admitted == PACKETS_PER_SECOND_MAX {
            used.exceeded += 1;
            return false;
        }
        used.admitted += 1;
        true
    }

    /// How many packets were too many (`linklocal_allowance_exceeded`, `pps_allowance_exceeded`).
    pub fn exceeded(&self) -> u64 {
        self.used.as_ref().map_or(0, |used| used.exceeded)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn send(allowance: &mut PacketAllowance, second: u64, count: u64) -> usize {
        (0..count)
            .filter(|packet| allowance.admit(Time::from_ns(second * SECOND_NS + packet)))
            .count()
    }

    #[test]
    fn of_2000_packets_in_a_second_976_are_dropped_and_counted() {
        let mut allowance = PacketAllowance::default();
        assert_eq!(send(&mut allowance, 0, 2000), 1024);
        assert_eq!(allowance.exceeded(), 976);
    }

    #[test]
    fn the_next_whole_second_starts_afresh() {
        let mut allowance = PacketAllowance::default();
        send(&mut allowance, 3, 1025);
        assert_eq!(send(&mut allowance, 4, 1024), 1024);
        assert_eq!(allowance.exceeded(), 1);
    }

    #[test]
    fn a_second_interface_has_its_own_allowance() {
        let mut interfaces = [PacketAllowance::default(), PacketAllowance::default()];
        let sent: usize = interfaces
            .iter_mut()
            .map(|allowance| send(allowance, 0, 1000))
            .sum();
        assert_eq!(sent, 2000);
        assert!(interfaces.iter().all(|allowance| allowance.exceeded() == 0));
    }
}
