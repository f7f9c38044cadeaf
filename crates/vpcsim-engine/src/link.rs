//! Links: one direction of a cable, with latency, bandwidth, a queue and loss.

use crate::id::{NodeId, Port};
use crate::random::Random;
use crate::time::{Span, Time};
use crate::verdict::DropReason;

/// A directed link.
#[derive(Clone, Debug)]
pub struct Link {
    /// The node at its end.
    pub to: NodeId,
    /// The port of that node.
    pub port: Port,
    /// How long the first bit travels.
    pub latency: Span,
    /// Bits per second; zero means without limit.
    pub bandwidth_bps: u64,
    /// How many bytes may wait for a link of limited bandwidth.
    pub queue_bytes_max: u64,
    /// Lost packets in a million.
    pub loss_ppm: u32,
    free_at: Time,
}

/// What a link does with a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Passage {
    /// It arrives then.
    Arrives(Time),
    /// It is lost.
    Lost(DropReason),
}

impl Link {
    /// A link of this latency, without limit of bandwidth and without loss.
    pub const fn new(to: NodeId, port: Port, latency: Span) -> Self {
        Self {
            to,
            port,
            latency,
            bandwidth_bps: 0,
            queue_bytes_max: u64::MAX,
            loss_ppm: 0,
            free_at: Time::ZERO,
        }
    }

    pub(crate) fn carry(&mut self, now: Time, byte_count: usize, random: &mut Random) -> Passage {
        if self.loss_ppm > 0 && random.chance_ppm(self.loss_ppm) {
            return Passage::Lost(DropReason::LINK_LOSS);
        }
        if self.bandwidth_bps == 0 {
            return Passage::Arrives(now + self.latency);
        }
        let waiting_ns = self.free_at.since(now).as_ns();
        let waiting_bytes = u128::from(waiting_ns) * u128::from(self.bandwidth_bps) / 8_000_000_000;
        if waiting_bytes > u128::from(self.queue_bytes_max) {
            return Passage::Lost(DropReason::LINK_QUEUE_FULL);
        }
        let sending_ns = byte_count as u64 * 8_000_000_000 / self.bandwidth_bps;
        self.free_at = self.free_at.max(now) + Span::from_ns(sending_ns);
        Passage::Arrives(self.free_at + self.latency)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn link() -> Link {
        Link::new(NodeId(0), Port(0), Span::from_us(10))
    }

    #[test]
    fn an_unlimited_link_only_adds_its_latency() {
        let mut random = Random::new(0, 0);
        assert_eq!(
            link().carry(Time::ZERO, 1500, &mut random),
            Passage::Arrives(Time::from_ns(10_000))
        );
    }

    #[test]
    fn packets_queue_behind_each_other_and_overflow_the_queue() {
        let mut random = Random::new(0, 0);
        let mut link = Link {
            bandwidth_bps: 8_000_000,
            queue_bytes_max: 1_500,
            ..link()
        };
        assert_eq!(
            link.carry(Time::ZERO, 1_000, &mut random),
            Passage::Arrives(Time::from_ns(1_010_000))
        );
        assert_eq!(
            link.carry(Time::ZERO, 1_000, &mut random),
            Passage::Arrives(Time::from_ns(2_010_000))
        );
        assert_eq!(
            link.carry(Time::ZERO, 1_000, &mut random),
            Passage::Lost(DropReason::LINK_QUEUE_FULL)
        );
        let later = Time::ZERO + Span::from_ms(5);
        assert_eq!(
            link.carry(later, 1_000, &mut random),
            Passage::Arrives(Time::from_ns(6_010_000))
        );
    }

    #[test]
    fn a_lossy_link_loses_about_its_rate() {
        let mut random = Random::new(0, 0);
        let mut link = Link {
            loss_ppm: 100_000,
            ..link()
        };
        let lost = (0..10_000)
            .filter(|_| link.carry(Time::ZERO, 100, &mut random) == Passage::Lost(DropReason::LINK_LOSS))
            .count();
        assert!((800..1_200).contains(&lost), "{lost}");
    }
}
