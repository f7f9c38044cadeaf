//! The neighbours of one interface: their Ethernet addresses, and packets that wait for one (RFC 826, RFC 1122).

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::net::Ipv4Addr;

use vpcsim_engine::{Span, Time};
use vpcsim_wire::Mac;

/// An answer is believed for so long.
pub(crate) const EXPIRY: Span = Span::from_secs(300);
/// Between two requests for the same address.
pub(crate) const RETRY: Span = Span::from_secs(1);
/// So often a host asks before it gives up (Linux: `mcast_solicit`).
pub(crate) const REQUEST_COUNT_MAX: u8 = 3;
/// So many packets wait for one neighbour; later ones push out the first. More than a kernel would hold, so that many probes
/// started at one moment do not disturb each other.
pub(crate) const WAITING_COUNT_MAX: usize = 16_384;

#[derive(Debug)]
enum Neighbour {
    Known {
        mac: Mac,
        expires: Time,
        /// How many answers had come when this one did.
        number: u32,
    },
    Asked {
        waiting: VecDeque<Vec<u8>>,
        sender: Ipv4Addr,
        request_count: u8,
    },
}

/// What to do with a packet for a neighbour.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Resolution {
    /// Send it to this address.
    Send(Vec<u8>, Mac),
    /// It waits; ask for the neighbour now.
    Ask,
    /// It waits like others before it.
    Wait,
    /// It waits, and this one has waited in vain.
    PushedOut(Vec<u8>),
}

/// A request that is due.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Overdue {
    /// Ask for the first address again, as the second.
    Ask(Ipv4Addr, Ipv4Addr),
    /// Nobody answers; these packets cannot be sent.
    GiveUp(VecDeque<Vec<u8>>),
}

#[derive(Debug, Default)]
pub(crate) struct Neighbours {
    table: BTreeMap<Ipv4Addr, Neighbour>,
    /// When to ask again for whom.
    requests: BTreeSet<(Time, Ipv4Addr)>,
    answer_count: u32,
}

impl Neighbours {
    pub(crate) fn resolve(
        &mut self,
        next_hop: Ipv4Addr,
        sender: Ipv4Addr,
        packet: Vec<u8>,
        now: Time,
    ) -> Resolution {
        match self.table.get_mut(&next_hop) {
            Some(Neighbour::Known { mac, expires, .. }) if now < *expires => {
                return Resolution::Send(packet, *mac);
            }
            Some(Neighbour::Asked { waiting, .. }) => {
                waiting.push_back(packet);
                if waiting.len() <= WAITING_COUNT_MAX {
                    return Resolution::Wait;
                }
                return waiting
                    .pop_front()
                    .map_or(Resolution::Wait, Resolution::PushedOut);
            }
            _ => {}
        }
        let asked = Neighbour::Asked {
            waiting: VecDeque::from([packet]),
            sender,
            request_count: 1,
        };
        self.table.insert(next_hop, asked);
        self.requests.insert((now + RETRY, next_hop));
        Resolution::Ask
    }

    /// The Ethernet address of a neighbour, if it is known.
    pub(crate) fn known(&self, next_hop: Ipv4Addr, now: Time) -> Option<Mac> {
        match self.table.get(&next_hop) {
            Some(Neighbour::Known { mac, expires, .. }) if now < *expires => Some(*mac),
            _ => None,
        }
    }

    /// The number of the answer by which a neighbour is known: as long as it is the same, so is the Ethernet address.
    pub(crate) fn answer_number(&self, next_hop: Ipv4Addr, now: Time) -> Option<u32> {
        match self.table.get(&next_hop) {
            Some(Neighbour::Known { expires, number, .. }) if now < *expires => Some(*number),
            _ => None,
        }
    }

    /// Notes that the neighbour's address is wanted; says whether to ask for it now.
    pub(crate) fn want(&mut self, next_hop: Ipv4Addr, sender: Ipv4Addr, now: Time) -> bool {
        if matches!(self.table.get(&next_hop), Some(Neighbour::Asked { .. })) {
            return false;
        }
        let asked = Neighbour::Asked {
            waiting: VecDeque::new(),
            sender,
            request_count: 1,
        };
        self.table.insert(next_hop, asked);
        self.requests.insert((now + RETRY, next_hop));
        true
    }

    /// Takes note of an answer that was asked for; gives back the packets that waited for it.
    pub(crate) fn learn(&mut self, address: Ipv4Addr, mac: Mac, now: Time) -> VecDeque<Vec<u8>> {
        let Some(neighbour) = self.table.get_mut(&address) else {
            return VecDeque::new();
        };
        let known = Neighbour::Known {
            mac,
            expires: now + EXPIRY,
            number: self.answer_count,
        };
        self.answer_count = self.answer_count.wrapping_add(1);
        match std::mem::replace(neighbour, known) {
            Neighbour::Asked { waiting, .. } => {
                self.requests.retain(|&(_, asked)| asked != address);
                waiting
            }
            Neighbour::Known { .. } => VecDeque::new(),
        }
    }

    pub(crate) fn next_due(&self) -> Option<Time> {
        self.requests.first().map(|&(due, _)| due)
    }

    pub(crate) fn pop_overdue(&mut self, now: Time) -> Option<Overdue> {
        let &(due, address) = self.requests.first()?;
        if due > now {
            return None;
        }
        self.requests.pop_first();
        if let Some(Neighbour::Asked {
            sender,
            request_count,
            ..
        }) = self.table.get_mut(&address)
            && *request_count < REQUEST_COUNT_MAX
        {
            *request_count += 1;
            self.requests.insert((now + RETRY, address));
            return Some(Overdue::Ask(address, *sender));
        }
        match self.table.remove(&address)? {
            Neighbour::Asked { waiting, .. } => Some(Overdue::GiveUp(waiting)),
            Neighbour::Known { .. } => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROUTER: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 1);
    const SELF: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 5);

    #[test]
    fn the_first_packet_asks_and_later_ones_wait_until_the_answer() {
        let mut neighbours = Neighbours::default();
        assert_eq!(
            neighbours.resolve(ROUTER, SELF, vec![1], Time::ZERO),
            Resolution::Ask
        );
        assert_eq!(
            neighbours.resolve(ROUTER, SELF, vec![2], Time::ZERO),
            Resolution::Wait
        );
        assert_eq!(
            neighbours.learn(ROUTER, Mac([2; 6]), Time::ZERO),
            [vec![1], vec![2]]
        );
        let sent = Resolution::Send(vec![3], Mac([2; 6]));
        assert_eq!(neighbours.resolve(ROUTER, SELF, vec![3], Time::ZERO), sent);
        assert_eq!(
            neighbours.resolve(ROUTER, SELF, vec![4], Time::ZERO + EXPIRY),
            Resolution::Ask
        );
    }

    #[test]
    fn after_three_requests_the_waiting_packets_are_given_up() {
        let mut neighbours = Neighbours::default();
        assert_eq!(
            neighbours.resolve(ROUTER, SELF, vec![1], Time::ZERO),
            Resolution::Ask
        );
        let at = |secs| Time::ZERO + Span::from_secs(secs);
        assert_eq!(neighbours.pop_overdue(Time::ZERO), None);
        assert_eq!(neighbours.pop_overdue(at(1)), Some(Overdue::Ask(ROUTER, SELF)));
        assert_eq!(neighbours.pop_overdue(at(1)), None);
        assert_eq!(neighbours.pop_overdue(at(2)), Some(Overdue::Ask(ROUTER, SELF)));
        assert_eq!(
            neighbours.pop_overdue(at(3)),
            Some(Overdue::GiveUp(VecDeque::from([vec![1]])))
        );
        assert_eq!(neighbours.next_due(), None);
    }

    #[test]
    fn an_answer_nobody_asked_for_is_not_learned() {
        let mut neighbours = Neighbours::default();
        assert!(neighbours.learn(ROUTER, Mac([2; 6]), Time::ZERO).is_empty());
        assert_eq!(
            neighbours.resolve(ROUTER, SELF, vec![1], Time::ZERO),
            Resolution::Ask
        );
    }
}
