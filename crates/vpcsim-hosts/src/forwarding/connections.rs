//! The connections that go through a host, and the addresses and ports that it puts in front of them.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::net::Ipv4Addr;

use vpcsim_engine::{FlowTable, Hint, Span, TableKey, Time};
use vpcsim_wire::{FlowKey, Protocol, Summary, tcp};

use super::{NewEnd, Passage};

/// How long Linux remembers what is idle (`nf_conntrack_*_timeout`).
const TCP_ESTABLISHED: Span = Span::from_secs(432_000);
const TCP_OPENING: Span = Span::from_secs(120);
const TCP_CLOSING: Span = Span::from_secs(120);
const TCP_RESET: Span = Span::from_secs(10);
const UDP: Span = Span::from_secs(30);
const UDP_STREAM: Span = Span::from_secs(120);
const ICMP: Span = Span::from_secs(30);
const OTHER: Span = Span::from_secs(600);
/// Sets a bit in each key, since no key may be zero.
const PRESENT: u32 = 1;
/// Ports that are put in front when the sender's own is taken.
const FIRST_PORT: u16 = 1_024;
/// So many fragmented packets are remembered.
const FRAGMENTED_COUNT_MAX: usize = 4_096;

/// A connection and the side that a packet of it comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Found {
    index: u32,
    is_answer: bool,
}

/// A connection that ends because it was idle: what its client has to be told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Finish {
    /// From the far end to the client.
    pub(crate) key: FlowKey,
    pub(crate) seq: u32,
    pub(crate) ack: u32,
}

#[derive(Clone, Copy, Debug)]
struct Connection {
    /// As the opener sends.
    opening: FlowKey,
    /// As the other end answers.
    answer: FlowKey,
    expires: Time,
    /// Where it stands in the queue of those that expire: no later than it does.
    queued: Time,
    /// Tells translated connections apart that had the same key one after the other; zero for the others.
    serial: u32,
    answered: bool,
    closing: bool,
    /// The sequence number that the opener expects, and the next that it sends.
    expected: Option<(u32, u32)>,
}

impl Connection {
    fn is_translated(&self) -> bool {
        self.opening.reversed() != self.answer
    }
}

type FragmentKey = (Ipv4Addr, Ipv4Addr, Protocol, u16);

#[derive(Debug, Default)]
pub(super) struct Connections {
    rows: Vec<Option<Connection>>,
    free: Vec<u32>,
    by_key: FlowTable<Found>,
    expiry: BTreeSet<(Time, u32)>,
    last_serial: u32,
    fragments: BTreeMap<FragmentKey, Passage>,
    fragments_in_order: VecDeque<FragmentKey>,
    finished: Vec<Finish>,
}

impl Connections {
    pub(super) fn find(&self, key: FlowKey) -> Option<Found> {
        self.by_key.find(place(key)).copied()
    }

    fn row(&self, found: Found) -> Option<&Connection> {
        self.rows[found.index as usize].as_ref()
    }

    /// Whether packets of this key answer a connection with another address in front.
    pub(super) fn is_answer(&self, key: FlowKey) -> bool {
        self.find(key)
            .filter(|found| found.is_answer)
            .and_then(|found| self.row(found))
            .is_some_and(Connection::is_translated)
    }

    /// What [`Connections::proceed`] wants to hear of later packets like this one.
    pub(super) fn serial(&self, key: FlowKey) -> Option<u32> {
        Some(self.row(self.find(key)?)?.serial)
    }

    /// Takes note of a packet that is translated as an earlier one was, and says where it goes; `None`, with nothing noted, if it belongs
    /// to another connection than that one did.
    pub(super) fn proceed(
        &mut self,
        serial: u32,
        now: Time,
        summary: &Summary,
        bytes: &[u8],
        hint: &mut Hint,
    ) -> Option<Ipv4Addr> {
        let key = TableKey::of_flow(summary.key, summary.hash, PRESENT);
        let found = *self.by_key.find_near(key, hint)?;
        let is_same = |row: &&Connection| row.serial == serial && now < row.expires;
        let row = self.row(found).filter(is_same)?;
        let destination = if row.is_translated() && found.is_answer {
            row.opening.source()
        } else {
            summary.destination()
        };
        self.note(found, now, summary, bytes);
        Some(destination)
    }

    /// Notes a new connection, with `front` in front of its opener; `None` if no port is free.
    pub(super) fn open(&mut self, summary: &Summary, front: Option<Ipv4Addr>, now: Time) -> Option<Found> {
        let opening = summary.key;
        let answer = match front {
            Some(own) => self.free_answer(summary, own)?,
            None => opening.reversed(),
        };
        let mut row = Connection {
            opening,
            answer,
            expires: now,
            queued: now,
            serial: 0,
            answered: false,
            closing: false,
            expected: None,
        };
        if row.is_translated() {
            self.last_serial = self.last_serial % u32::MAX + 1;
            row.serial = self.last_serial;
        }
        let index = self.free.pop().unwrap_or_else(|| {
            self.rows.push(None);
            self.rows.len() as u32 - 1
        });
        self.rows[index as usize] = Some(row);
        let found = Found {
            index,
            is_answer: false,
        };
        self.by_key.insert(place(opening), found);
        if self.find(answer).is_none() {
            let found = Found {
                is_answer: true,
                ..found
            };
            self.by_key.insert(place(answer), found);
        }
        self.expiry.insert((now, index));
        Some(found)
    }

    /// The key of the answers, with the sender's own port if it is free.
    fn free_answer(&self, summary: &Summary, own: Ipv4Addr) -> Option<FlowKey> {
        let key = summary.key;
        let far = key.destination();
        let with = |port: u16| {
            if summary.has_identifier() {
                FlowKey::new(far, own, key.protocol(), port, port)
            } else {
                FlowKey::new(far, own, key.protocol(), key.destination_port(), port)
            }
        };
        let wanted = key.source_port();
        let is_free = |candidate: &FlowKey| self.find(*candidate).is_none();
        if !summary.has_ports() && !summary.has_identifier() {
            return Some(with(0)).filter(is_free);
        }
        std::iter::once(wanted)
            .chain(FIRST_PORT..=u16::MAX)
            .map(with)
            .find(is_free)
    }

    /// Takes note of a packet of a connection.
    pub(super) fn note(&mut self, found: Found, now: Time, summary: &Summary, bytes: &[u8]) {
        let Some(row) = &mut self.rows[found.index as usize] else {
            return;
        };
        row.answered |= found.is_answer;
        row.closing |= summary.is_fin() || summary.is_rst();
        if summary.is_tcp() && !found.is_answer {
            row.expected = expected_after(summary, bytes).or(row.expected);
        }
        row.expires = now + idle_span(row, summary);
        // A row that lasts longer now is moved on when its place in the queue comes.
        if row.expires < row.queued {
            let old = std::mem::replace(&mut row.queued, row.expires);
            self.expiry.remove(&(old, found.index));
            self.expiry.insert((row.queued, found.index));
        }
    }

    /// What to write into a packet of a connection: the new source or the new destination.
    pub(super) fn changes(&self, found: Found) -> (NewEnd, NewEnd) {
        let Some(row) = self.row(found).filter(|row| row.is_translated()) else {
            return (None, None);
        };
        if found.is_answer {
            (
                None,
                Some((row.opening.source(), Some(row.opening.source_port()))),
            )
        } else {
            let port = row.answer.destination_port();
            (Some((row.answer.destination(), Some(port))), None)
        }
    }

    pub(super) fn fragment(&self, summary: &Summary) -> Option<Passage> {
        self.fragments.get(&fragment_key(summary)).copied()
    }

    pub(super) fn remember_fragment(&mut self, summary: &Summary, passage: Passage) {
        let key = fragment_key(summary);
        if self.fragments.insert(key, passage).is_none() {
            self.fragments_in_order.push_back(key);
        }
        if self.fragments_in_order.len() > FRAGMENTED_COUNT_MAX
            && let Some(old) = self.fragments_in_order.pop_front()
        {
            self.fragments.remove(&old);
        }
    }

    pub(super) fn next_due(&mut self) -> Option<Time> {
        self.first_due(Time::MAX).map(|(due, _)| due)
    }

    /// The connection that is forgotten first, and when, if that is not after `until`.
    fn first_due(&mut self, until: Time) -> Option<(Time, u32)> {
        loop {
            let first @ (queued, index) = *self.expiry.first().filter(|(queued, _)| *queued <= until)?;
            match &mut self.rows[index as usize] {
                Some(row) if row.expires > queued => {
                    row.queued = row.expires;
                    self.expiry.pop_first();
                    self.expiry.insert((row.queued, index));
                }
                _ => return Some(first),
            }
        }
    }

    pub(super) fn expire(&mut self, now: Time) {
        while let Some((_, index)) = self.first_due(now) {
            self.expiry.pop_first();
            let Some(row) = self.rows[index as usize].take() else {
                continue;
            };
            self.free.push(index);
            for key in [row.opening, row.answer] {
                if self.find(key).is_some_and(|found| found.index == index) {
                    self.by_key.remove(place(key));
                }
            }
            if let (Some((seq, ack)), true, false) =
                (row.expected, row.answered && row.is_translated(), row.closing)
            {
                let key = row.opening.reversed();
                self.finished.push(Finish { key, seq, ack });
            }
        }
    }

    pub(super) fn take_finished(&mut self) -> Vec<Finish> {
        std::mem::take(&mut self.finished)
    }
}

/// The key of the table of connections, which is never zero.
fn place(key: FlowKey) -> u128 {
    key.with_spare(PRESENT).0
}

fn fragment_key(summary: &Summary) -> FragmentKey {
    (
        summary.source(),
        summary.destination(),
        summary.protocol(),
        summary.identification,
    )
}

fn idle_span(row: &Connection, summary: &Summary) -> Span {
    match summary.protocol() {
        Protocol::TCP if summary.is_rst() => TCP_RESET,
        Protocol::TCP if row.closing => TCP_CLOSING,
        Protocol::TCP if row.answered => TCP_ESTABLISHED,
        Protocol::TCP => TCP_OPENING,
        Protocol::UDP if row.answered => UDP_STREAM,
        Protocol::UDP => UDP,
        Protocol::ICMP => ICMP,
        _ => OTHER,
    }
}

/// The sequence number that the sender of a segment expects, and the next one of its own.
fn expected_after(summary: &Summary, bytes: &[u8]) -> Option<(u32, u32)> {
    let segment = tcp::Segment::parse(bytes.get(usize::from(summary.header_len)..)?).ok()?;
    let controls = u32::from(summary.is_syn()) + u32::from(summary.is_fin());
    let next = segment
        .seq()
        .wrapping_add(u32::from(summary.payload_len()))
        .wrapping_add(controls);
    Some((segment.ack(), next))
}
