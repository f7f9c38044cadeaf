//! What was decided about a datagram's first fragment, for the fragments behind it, which carry no ports.
//!
//! # AWS semantics
//!
//! - Fragments behind the first are accepted or dropped with the first one's verdict (SG-23, NACL-20).
//!
//! # Where AWS is silent
//!
//! - A verdict is forgotten after 30 seconds, the time in which Linux puts a datagram together again.

use vpcsim_engine::{FlowTable, Span, Time};
use vpcsim_wire::{FlowKey, Summary};

/// How long a verdict is remembered.
pub const VERDICT_LIFETIME: Span = Span::from_secs(30);

/// Slots that each new verdict looks at for old ones.
const SWEEP_BUDGET: usize = 4;

/// Sets a bit in each key, since no key may be zero.
const PRESENT: u32 = 1;

#[derive(Clone, Copy, Debug)]
struct Verdict {
    expires: Time,
    allowed: bool,
}

/// The verdicts on first fragments.
#[derive(Clone, Debug, Default)]
pub struct FragmentMemory {
    /// Most interfaces and subnets never see a fragment.
    verdicts: Option<Box<FlowTable<Verdict>>>,
}

impl FragmentMemory {
    /// Remembers the verdict on a first fragment; any other packet is passed over.
    pub fn remember(&mut self, now: Time, packet: &Summary, allowed: bool) {
        if !packet.is_first_fragment() {
            return;
        }
        let verdicts = self.verdicts.get_or_insert_default();
        verdicts.expire_some(SWEEP_BUDGET, |_, verdict| verdict.expires <= now);
        let expires = now + VERDICT_LIFETIME;
        verdicts.insert(key(packet), Verdict { expires, allowed });
    }

    /// The verdict on the first fragment of the datagram that `packet` is a later fragment of.
    pub fn recall(&self, now: Time, packet: &Summary) -> Option<bool> {
        if !packet.is_later_fragment() {
            return None;
        }
        let verdict = self.verdicts.as_ref()?.find(key(packet))?;
        (now < verdict.expires).then_some(verdict.allowed)
    }
}

/// What the fragments of one datagram share (RFC 791): addresses, protocol, identification.
fn key(packet: &Summary) -> u128 {
    let (source, destination) = (packet.source(), packet.destination());
    FlowKey::new(source, destination, packet.protocol(), packet.identification, 0)
        .with_spare(PRESENT)
        .0
}

#[cfg(test)]
mod tests {
    use vpcsim_wire::{PacketBuilder, fragment, summarize};

    use super::*;

    fn parts(identification: u16) -> Vec<Summary> {
        let datagram = PacketBuilder::udp([10, 0, 1, 5].into(), 40_000, [10, 0, 2, 7].into(), 53)
            .identification(identification)
            .payload(&[0; 100])
            .build();
        let parts = fragment(&datagram, 68).unwrap();
        parts.iter().map(|part| summarize(part).unwrap()).collect()
    }

    #[test]
    fn later_fragments_share_the_first_ones_verdict() {
        let (allowed, denied) = (parts(1), parts(2));
        let mut memory = FragmentMemory::default();
        memory.remember(Time::ZERO, &allowed[0], true);
        memory.remember(Time::ZERO, &denied[0], false);
        for index in 1..allowed.len() {
            assert_eq!(memory.recall(Time::ZERO, &allowed[index]), Some(true));
            assert_eq!(memory.recall(Time::ZERO, &denied[index]), Some(false));
        }
        assert_eq!(memory.recall(Time::ZERO, &parts(3)[1]), None);
    }

    #[test]
    fn verdict_is_forgotten_after_30_seconds() {
        let parts = parts(1);
        let mut memory = FragmentMemory::default();
        memory.remember(Time::ZERO, &parts[0], true);
        let end = Time::ZERO + VERDICT_LIFETIME;
        assert_eq!(memory.recall(end - Span::from_ns(1), &parts[1]), Some(true));
        assert_eq!(memory.recall(end, &parts[1]), None);
    }

    #[test]
    fn only_first_fragments_are_remembered_and_only_later_ones_recalled() {
        let parts = parts(1);
        let mut memory = FragmentMemory::default();
        memory.remember(Time::ZERO, &parts[1], true);
        assert_eq!(memory.recall(Time::ZERO, &parts[2]), None);
        memory.remember(Time::ZERO, &parts[0], true);
        assert_eq!(memory.recall(Time::ZERO, &parts[0]), None);
    }

    #[test]
    fn old_verdicts_make_room_for_new_ones() {
        let mut memory = FragmentMemory::default();
        for identification in 0..10_000_u16 {
            let now = Time::ZERO + Span::from_secs(u64::from(identification));
            memory.remember(now, &parts(identification)[0], true);
        }
        let count = memory.verdicts.unwrap().len();
        assert!(count < 100, "{count}");
    }
}
