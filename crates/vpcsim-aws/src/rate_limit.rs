//! Allowances of bandwidth and packets: what is over them is queued for a while, then dropped (NET-06, NET-08).
//!
//! A bucket of tokens, kept as the moment at which it would be full again: a packet moves that moment on by what it costs. What
//! would wait for longer than the queue holds is dropped. Nothing runs while nothing comes.
//!
//! # AWS semantics
//!
//! - What is over an allowance is queued, then dropped; both are counted (NET-06). Short bursts may be lost although the mean is
//!   low (NET-08).
//! - Bandwidth counts in each direction of its own, packets in both together (NET-01, NET-04).
//!
//! # Where AWS is silent
//!
//! - A bucket holds what passes in 10 ms, and the queue what passes in another 10 ms.
//! - A packet counts with its IPv4 length.

use vpcsim_engine::{Span, Step, Time};

/// What a bucket holds, as time at the full rate.
const BURST: Span = Span::from_ms(10);
/// How long a packet waits at the most.
const QUEUE: Span = Span::from_ms(10);

const PS_PER_NS: u64 = 1_000;
const PS_PER_S: u64 = 1_000_000_000_000;

/// How much passes in a second, at the most.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RateLimit {
    /// Bits a second.
    pub bits_per_s: u64,
    /// Packets a second.
    pub packets_per_s: u64,
}

/// What AWS's devices carry; an instance's own allowance is its own affair.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// A NAT gateway, once it has grown (NAT-33).
    pub nat_gateway: RateLimit,
    /// An attachment of a transit gateway in a zone (TGW-35).
    pub transit_gateway_zone: RateLimit,
    /// An interface endpoint in a zone, once it has grown (EP-15); nothing is said about packets.
    pub endpoint_zone: RateLimit,
}

impl Default for Limits {
    fn default() -> Self {
        let of_100_gbit = |packets_per_s| RateLimit {
            bits_per_s: 100_000_000_000,
            packets_per_s,
        };
        Self {
            nat_gateway: of_100_gbit(10_000_000),
            transit_gateway_zone: of_100_gbit(7_500_000),
            endpoint_zone: of_100_gbit(u64::MAX),
        }
    }
}

/// A bucket of tokens: the moment at which it is full again, in picoseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Bucket {
    full_at_ps: u64,
}

impl Bucket {
    /// How long `cost_ps` has to wait; `None` if that is longer than the queue holds.
    fn wait(self, now_ps: u64, cost_ps: u64) -> Option<Span> {
        let behind = self.full_at_ps.saturating_sub(now_ps).saturating_add(cost_ps);
        let wait_ns = behind.saturating_sub(BURST.as_ns() * PS_PER_NS) / PS_PER_NS;
        (wait_ns <= QUEUE.as_ns()).then(|| Span::from_ns(wait_ns))
    }

    /// Whether `cost_ps` need not wait.
    fn is_free(self, now_ps: u64, cost_ps: u64) -> bool {
        let behind = self.full_at_ps.saturating_sub(now_ps).saturating_add(cost_ps);
        behind < (BURST.as_ns() + 1) * PS_PER_NS
    }

    fn take(&mut self, now_ps: u64, cost_ps: u64) {
        self.full_at_ps = self.full_at_ps.max(now_ps).saturating_add(cost_ps);
    }
}

/// What became of the packets at a limit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Exceeded {
    /// Packets that were queued or dropped for their bits.
    pub bits: u64,
    /// Packets that were queued or dropped for their number.
    pub packets: u64,
}

/// Holds a stream of packets to a limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RateLimiter {
    byte_ps: u64,
    packet_ps: u64,
    bits: Bucket,
    packets: Bucket,
    exceeded: Exceeded,
}

impl RateLimiter {
    /// With full buckets.
    pub const fn new(limit: RateLimit) -> Self {
        let bits = if limit.bits_per_s == 0 {
            1
        } else {
            limit.bits_per_s
        };
        let packets = if limit.packets_per_s == 0 {
            1
        } else {
            limit.packets_per_s
        };
        Self {
            byte_ps: 8 * PS_PER_S / bits,
            packet_ps: PS_PER_S / packets,
            bits: Bucket { full_at_ps: 0 },
            packets: Bucket { full_at_ps: 0 },
            exceeded: Exceeded { bits: 0, packets: 0 },
        }
    }

    /// How long a packet of this length has to wait; `None` if it is dropped.
    pub fn admit(&mut self, now: Time, len: usize) -> Option<Span> {
        let now_ps = now.as_ns().saturating_mul(PS_PER_NS);
        let of_bits = self.byte_ps.saturating_mul(len as u64);
        let (bits, packets) = (
            self.bits.wait(now_ps, of_bits),
            self.packets.wait(now_ps, self.packet_ps),
        );
        self.exceeded.bits += u64::from(bits != Some(Span::ZERO));
        self.exceeded.packets += u64::from(packets != Some(Span::ZERO));
        let wait = bits?.max(packets?);
        self.bits.take(now_ps, of_bits);
        self.packets.take(now_ps, self.packet_ps);
        Some(wait)
    }

    /// Lets a packet of this length pass if it need not wait; otherwise nothing changes.
    pub fn admit_at_once(&mut self, now: Time, len: usize) -> bool {
        let now_ps = now.as_ns().saturating_mul(PS_PER_NS);
        let of_bits = self.byte_ps.saturating_mul(len as u64);
        let passes = self.bits.is_free(now_ps, of_bits) && self.packets.is_free(now_ps, self.packet_ps);
        if passes {
            self.bits.take(now_ps, of_bits);
            self.packets.take(now_ps, self.packet_ps);
        }
        passes
    }

    /// Whether a packet of this length would pass without a wait.
    pub fn has_room(&self, now: Time, len: usize) -> bool {
        let now_ps = now.as_ns().saturating_mul(PS_PER_NS);
        let of_bits = self.byte_ps.saturating_mul(len as u64);
        self.bits.is_free(now_ps, of_bits) && self.packets.is_free(now_ps, self.packet_ps)
    }

    /// What was over the limit so far.
    pub const fn exceeded(&self) -> Exceeded {
        self.exceeded
    }
}

/// The same step after a wait.
pub fn after(step: Step, wait: Span) -> Step {
    match step {
        Step::Forward { to, port } if wait > Span::ZERO => Step::ForwardAfter {
            to,
            port,
            delay: wait,
        },
        Step::ForwardAfter { to, port, delay } => Step::ForwardAfter {
            to,
            port,
            delay: delay + wait,
        },
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NS_PER_S: u64 = 1_000_000_000;

    /// Sends packets of this length for a second at an even rate; how many pass, and how many are over the limit.
    fn offer(limit: RateLimit, packets_per_s: u64, len: usize) -> (u64, Exceeded) {
        let mut limiter = RateLimiter::new(limit);
        let step = NS_PER_S / packets_per_s;
        let passed = (0..packets_per_s)
            .filter(|index| limiter.admit(Time::from_ns(index * step), len).is_some())
            .count();
        (passed as u64, limiter.exceeded())
    }

    const SMALL: RateLimit = RateLimit {
        bits_per_s: 80_000_000,
        packets_per_s: u64::MAX,
    };

    #[test]
    fn of_12_offered_at_10_about_10_pass_and_the_rest_is_queued_then_dropped() {
        let (passed, exceeded) = offer(SMALL, 12_000, 1_000);
        assert!((10_000..10_300).contains(&passed), "{passed}");
        assert!(exceeded.bits > 1_700 && exceeded.packets == 0, "{exceeded:?}");
    }

    #[test]
    fn within_the_limit_nothing_waits() {
        assert_eq!(offer(SMALL, 9_000, 1_000), (9_000, Exceeded::default()));
    }

    #[test]
    fn packets_count_whatever_their_length() {
        let limit = RateLimit {
            bits_per_s: u64::MAX,
            packets_per_s: 1_000,
        };
        let (passed, exceeded) = offer(limit, 1_200, 28);
        assert!((1_000..1_050).contains(&passed), "{passed}");
        assert!(exceeded.packets > 0 && exceeded.bits == 0);
    }

    #[test]
    fn a_short_burst_loses_packets_although_the_mean_is_low() {
        let mut limiter = RateLimiter::new(SMALL);
        let passed = (0..1_000)
            .filter(|_| limiter.admit(Time::ZERO, 1_000).is_some())
            .count();
        assert_eq!(passed, 200, "20 ms at 10,000 packets a second");
        assert!(
            limiter.admit(Time::from_ns(NS_PER_S), 1_000) == Some(Span::ZERO),
            "it is full again"
        );
    }

    #[test]
    fn what_passes_at_once_is_what_need_not_wait() {
        let mut limiter = RateLimiter::new(SMALL);
        for number in 0..400_u64 {
            let now = Time::from_ns(number * 1_000);
            let (mut asked, before) = (limiter, limiter);
            let at_once = limiter.admit_at_once(now, 1_000);
            assert_eq!(asked.admit(now, 1_000) == Some(Span::ZERO), at_once, "{number}");
            assert_eq!(before.has_room(now, 1_000), at_once);
            assert_eq!(limiter, if at_once { asked } else { before });
            limiter = asked;
        }
        assert!(limiter.exceeded().bits > 0);
    }

    #[test]
    fn what_waits_keeps_its_order() {
        let mut limiter = RateLimiter::new(SMALL);
        let waits: Vec<Span> = (0..200)
            .filter_map(|_| limiter.admit(Time::ZERO, 1_000))
            .collect();
        assert!(waits.is_sorted() && waits[199] == Span::from_ms(10));
    }
}
