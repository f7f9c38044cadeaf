//! Which answers go back by a load balancer's node instead of the route table (NLB-05).

use vpcsim_engine::{FlowTable, Span, Time};
use vpcsim_wire::Summary;

use crate::compile::fabric::ClaimIndex;
use crate::mark;

/// No load balancer keeps a flow longer without a packet (NLB-12).
const IDLE_MAX: Span = Span::from_secs(6000);
/// Slots that each new flow looks at for old ones.
const SWEEP_BUDGET: usize = 4;

#[derive(Clone, Copy, Debug)]
struct ReturnPath {
    claim: ClaimIndex,
    last_seen: Time,
}

/// The flows that a load balancer brought with the client's address, by the key of their answers.
#[derive(Clone, Debug, Default)]
pub(super) struct ReturnPaths {
    /// Most interfaces stand behind no load balancer.
    paths: Option<Box<FlowTable<ReturnPath>>>,
}

impl ReturnPaths {
    /// Takes note of a packet that comes in; one that no load balancer brought ends its flow's detour.
    pub(super) fn note(&mut self, now: Time, summary: &Summary, mark: u64) {
        let claim = mark::return_claim(mark);
        if claim.is_none() && self.is_empty() {
            return;
        }
        if !summary.has_ports() {
            return;
        }
        let answer = summary.key.reversed().0;
        let paths = self.paths.get_or_insert_default();
        match claim {
            Some(claim) => {
                paths.expire_some(SWEEP_BUDGET, |_, path| now.since(path.last_seen) > IDLE_MAX);
                paths.insert(answer, ReturnPath { claim, last_seen: now });
            }
            None => {
                paths.remove(answer);
            }
        }
    }

    /// Whether no load balancer brought anything.
    pub(super) fn is_empty(&self) -> bool {
        self.paths.as_ref().is_none_or(|paths| paths.is_empty())
    }

    /// By whose claim the packet goes that the host sends.
    pub(super) fn find(&self, now: Time, summary: &Summary) -> Option<ClaimIndex> {
        let path = self.paths.as_ref()?.find(summary.key.0)?;
        (now.since(path.last_seen) <= IDLE_MAX).then_some(path.claim)
    }
}

#[cfg(test)]
mod tests {
    use vpcsim_wire::{PacketBuilder, summarize};

    use super::*;
    use crate::stand::{ip, packet_of};

    fn summary(from: (&str, u16), to: (&str, u16)) -> Summary {
        summarize(&PacketBuilder::tcp(ip(from.0), from.1, ip(to.0), to.1).build()).expect("a sound packet")
    }

    #[test]
    fn answers_go_back_until_the_client_comes_directly() {
        let mut packet = packet_of(&PacketBuilder::tcp(ip("10.0.0.9"), 5, ip("10.0.1.9"), 80).build());
        mark::set_return(&mut packet, ClaimIndex(7));
        let (there, back) = (("10.0.0.9", 5), ("10.0.1.9", 80));
        let (coming, answer) = (summary(there, back), summary(back, there));
        let mut paths = ReturnPaths::default();
        paths.note(Time::ZERO, &coming, packet.mark());
        assert_eq!(paths.find(Time::ZERO, &answer), Some(ClaimIndex(7)));
        assert_eq!(paths.find(Time::ZERO, &coming), None);
        assert_eq!(paths.find(Time::ZERO + Span::from_secs(6001), &answer), None);
        paths.note(Time::ZERO, &coming, 0);
        assert_eq!(paths.find(Time::ZERO, &answer), None, "the same ports without the load balancer");
    }
}
