//! Probes: what a host is told to send, and what it observes.

use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;

use vpcsim_engine::{Span, Time};
use vpcsim_wire::{FlowKey, Protocol};

/// How long a probe waits if nothing else is said.
pub const DEFAULT_TIMEOUT: Span = Span::from_secs(5);
/// The ports that hosts take for themselves, in ascending order (Linux: `ip_local_port_range`).
pub const EPHEMERAL_PORTS: std::ops::RangeInclusive<u16> = 32_768..=60_999;
/// So much of what came back is kept, in bytes; all of it is counted.
pub const RECEIVED_LEN_MAX: usize = 64 << 10;

/// What to send.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Probe {
    /// What kind of packet.
    pub kind: ProbeKind,
    /// Where to.
    pub destination: Ipv4Addr,
    /// To which port, for TCP and UDP.
    pub port: u16,
    /// From which port (for ICMP: with which identifier); else the next ephemeral one.
    pub source_port: Option<u16>,
    /// From which local address; else the host's routing chooses.
    pub bind: Option<Ipv4Addr>,
    /// With which time to live; else the host's.
    pub ttl: Option<u8>,
    /// Bytes of data in a UDP or ICMP packet.
    pub payload_len: u16,
    /// Whether routers must not cut a UDP or ICMP packet; TCP segments always say so.
    pub dont_fragment: bool,
    /// How long to wait for an end.
    pub timeout: Span,
    /// What to do with a TCP connection once it is open; [`Exchange::Send`] also fills a UDP request.
    pub exchange: Exchange,
}

impl Probe {
    /// Opens a TCP connection and closes it.
    pub const fn tcp(destination: Ipv4Addr, port: u16) -> Self {
        Self::new(ProbeKind::TcpConnect, destination, port)
    }

    /// Sends a UDP datagram and waits for one.
    pub const fn udp(destination: Ipv4Addr, port: u16) -> Self {
        Self::new(ProbeKind::UdpRequest, destination, port)
    }

    /// Sends an ICMP echo request and waits for the reply.
    pub const fn echo(destination: Ipv4Addr) -> Self {
        Self::new(ProbeKind::IcmpEcho, destination, 0)
    }

    /// A probe with default values.
    pub const fn new(kind: ProbeKind, destination: Ipv4Addr, port: u16) -> Self {
        Self {
            kind,
            destination,
            port,
            source_port: None,
            bind: None,
            ttl: None,
            payload_len: match kind {
                ProbeKind::IcmpEcho => 56,
                _ => 0,
            },
            dont_fragment: false,
            timeout: DEFAULT_TIMEOUT,
            exchange: Exchange::Close,
        }
    }

    /// With something to do once the connection is open.
    #[must_use]
    pub fn exchanging(self, exchange: Exchange) -> Self {
        Self { exchange, ..self }
    }

    pub(crate) const fn protocol(&self) -> Protocol {
        match self.kind {
            ProbeKind::TcpConnect => Protocol::TCP,
            ProbeKind::UdpRequest => Protocol::UDP,
            ProbeKind::IcmpEcho | ProbeKind::Icmp { .. } => Protocol::ICMP,
        }
    }

    /// The key of the answer, when it is sent from `local`.
    pub(crate) const fn reply_key(&self, local: Ipv4Addr, local_port: u16) -> FlowKey {
        let port = if self.protocol().0 == Protocol::ICMP.0 {
            local_port
        } else {
            self.port
        };
        FlowKey::new(self.destination, local, self.protocol(), port, local_port)
    }
}

/// The kind of packet that a probe sends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProbeKind {
    /// A TCP connection.
    TcpConnect,
    /// A UDP datagram.
    UdpRequest,
    /// An ICMP echo request.
    IcmpEcho,
    /// Any ICMP message.
    Icmp {
        /// Its type.
        icmp_type: u8,
        /// Its code.
        code: u8,
    },
}

/// What a client does with a TCP connection once it is open.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Exchange {
    /// Closes it at once.
    #[default]
    Close,
    /// Keeps it open and does nothing.
    Keep,
    /// Asks for the path by HTTP/1.1.
    HttpGet(String),
    /// Sends these bytes, and reads until the server closes.
    Send(Vec<u8>),
    /// Sends so many bytes of a fixed pattern, closes its half, and reads until the server closes.
    Transfer(u64),
}

/// The number of a probe of a host.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ProbeId(pub u32);

/// Whether a probe is still waiting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProbeState {
    /// Something may still come.
    Pending,
    /// The outcome is final.
    Done,
}

/// What a probe observed; for a pending one, what it will be if nothing more comes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Observed {
    /// TCP: the connection was accepted.
    Open,
    /// TCP: it was refused with a reset.
    Closed,
    /// TCP: neither came.
    Filtered,
    /// UDP, ICMP: an answer came.
    Reply,
    /// UDP, ICMP: none came.
    NoReply,
}

/// An ICMP error that came back instead of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IcmpError {
    /// Its type.
    pub icmp_type: u8,
    /// Its code.
    pub code: u8,
    /// Who sent it.
    pub from: Ipv4Addr,
    /// What the next link takes, for "fragmentation needed".
    pub next_hop_mtu: Option<u16>,
}

/// What became of a probe.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// Whether it is final.
    pub state: ProbeState,
    /// What was observed.
    pub observed: Observed,
    /// Time to live of the first answer, as it arrived.
    pub reply_ttl: Option<u8>,
    /// From the first packet to the first answer.
    pub rtt: Option<Span>,
    /// The last ICMP error about the probe.
    pub unreachable: Option<IcmpError>,
    /// The local address and port (or identifier) used.
    pub local: (Ipv4Addr, u16),
    /// How many bytes the other side sent as data.
    pub received_len: u64,
    /// The start of them.
    pub received: Vec<u8>,
    /// When the first packet left.
    pub started: Time,
    /// When the outcome became final.
    pub finished: Option<Time>,
}

impl Outcome {
    /// Whether nothing more can come.
    pub fn is_done(&self) -> bool {
        self.state == ProbeState::Done
    }

    /// Whether an answer of any kind came back from the destination.
    pub fn is_answered(&self) -> bool {
        matches!(self.observed, Observed::Open | Observed::Closed | Observed::Reply)
    }

    pub(crate) fn answer(&mut self, observed: Observed, ttl: u8, now: Time) {
        self.observed = observed;
        self.reply_ttl.get_or_insert(ttl);
        self.rtt.get_or_insert(now.since(self.started));
    }

    pub(crate) fn take_data(&mut self, data: &[u8]) {
        self.received_len += data.len() as u64;
        let room = RECEIVED_LEN_MAX.saturating_sub(self.received.len());
        self.received.extend_from_slice(&data[..data.len().min(room)]);
    }
}

/// A probe under way or done.
#[derive(Clone, Debug)]
pub(crate) struct Record {
    pub(crate) outcome: Outcome,
    pub(crate) key: FlowKey,
    pub(crate) dont_fragment: bool,
    deadline: Time,
}

/// All probes of one endpoint.
#[derive(Debug, Default)]
pub(crate) struct Probes {
    records: Vec<Record>,
    /// Ids below this one are forgotten.
    first_id: u32,
    by_key: BTreeMap<FlowKey, u32>,
    deadlines: BTreeSet<(Time, u32)>,
    udp_ports: BTreeSet<u16>,
    ports_taken: u16,
}

impl Probes {
    pub(crate) fn start(&mut self, probe: &Probe, local: (Ipv4Addr, u16), now: Time) -> ProbeId {
        let id = self.first_id.wrapping_add(self.records.len() as u32);
        let key = probe.reply_key(local.0, local.1);
        let deadline = now + probe.timeout;
        let is_tcp = probe.kind == ProbeKind::TcpConnect;
        let outcome = Outcome {
            state: ProbeState::Pending,
            observed: if is_tcp {
                Observed::Filtered
            } else {
                Observed::NoReply
            },
            reply_ttl: None,
            rtt: None,
            unreachable: None,
            local,
            received_len: 0,
            received: Vec::new(),
            started: now,
            finished: None,
        };
        self.records.push(Record {
            outcome,
            key,
            dont_fragment: probe.dont_fragment,
            deadline,
        });
        self.by_key.insert(key, id);
        self.deadlines.insert((deadline, id));
        if probe.kind == ProbeKind::UdpRequest {
            self.udp_ports.insert(local.1);
        }
        ProbeId(id)
    }

    pub(crate) fn outcome(&self, id: ProbeId) -> Option<&Outcome> {
        self.records.get(self.index(id)).map(|record| &record.outcome)
    }

    pub(crate) fn record_mut(&mut self, id: ProbeId) -> Option<&mut Record> {
        let index = self.index(id);
        self.records.get_mut(index)
    }

    const fn index(&self, id: ProbeId) -> usize {
        id.0.wrapping_sub(self.first_id) as usize
    }

    /// The newest probe whose answer has this key.
    pub(crate) fn find(&self, reply_key: FlowKey) -> Option<ProbeId> {
        self.by_key.get(&reply_key).copied().map(ProbeId)
    }

    /// Whether a probe was sent from this UDP port, so that it is no listener's.
    pub(crate) fn has_udp_port(&self, port: u16) -> bool {
        self.udp_ports.contains(&port)
    }

    /// Makes the outcome final.
    pub(crate) fn finish(&mut self, id: ProbeId, now: Time) {
        let Some(record) = self.record_mut(id) else {
            return;
        };
        if record.outcome.state == ProbeState::Pending {
            record.outcome.state = ProbeState::Done;
            record.outcome.finished = Some(now);
            let deadline = record.deadline;
            self.deadlines.remove(&(deadline, id.0));
        }
    }

    pub(crate) fn next_deadline(&self) -> Option<Time> {
        self.deadlines.first().map(|&(deadline, _)| deadline)
    }

    /// A probe whose time is over.
    pub(crate) fn pop_overdue(&mut self, now: Time) -> Option<ProbeId> {
        let &(deadline, id) = self.deadlines.first()?;
        (deadline <= now).then(|| {
            self.deadlines.pop_first();
            ProbeId(id)
        })
    }

    /// Forgets everything about probes, unless one is still pending; their ids are not used again.
    pub(crate) fn clear_finished(&mut self) {
        if self.deadlines.is_empty() {
            self.first_id = self.first_id.wrapping_add(self.records.len() as u32);
            self.records.clear();
            self.by_key.clear();
            self.udp_ports.clear();
        }
    }

    /// The next ephemeral port for which `is_free` says yes.
    pub(crate) fn take_port(&mut self, is_free: impl Fn(u16) -> bool) -> u16 {
        let (first, count) = (*EPHEMERAL_PORTS.start(), EPHEMERAL_PORTS.len() as u16);
        for _ in 0..count {
            let port = first + self.ports_taken % count;
            self.ports_taken = (self.ports_taken + 1) % count;
            if is_free(port) {
                return port;
            }
        }
        first
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ephemeral_ports_ascend_and_wrap() {
        let mut probes = Probes::default();
        assert_eq!(probes.take_port(|_| true), 32_768);
        assert_eq!(probes.take_port(|port| port != 32_769), 32_770);
        for _ in 32_771..=60_999 {
            probes.take_port(|_| true);
        }
        assert_eq!(probes.take_port(|_| true), 32_768);
    }

    #[test]
    fn probes_become_overdue_in_the_order_of_their_deadlines() {
        let mut probes = Probes::default();
        let slow = Probe {
            timeout: Span::from_secs(9),
            ..Probe::echo(Ipv4Addr::LOCALHOST)
        };
        let local = (Ipv4Addr::new(10, 0, 0, 1), 7);
        let first = probes.start(&slow, local, Time::ZERO);
        let second = probes.start(&Probe::udp(Ipv4Addr::LOCALHOST, 53), local, Time::ZERO);
        let at = |secs| Time::ZERO + Span::from_secs(secs);
        assert_eq!(probes.pop_overdue(at(4)), None);
        assert_eq!(probes.next_deadline(), Some(at(5)));
        assert_eq!(probes.pop_overdue(at(9)), Some(second));
        assert_eq!(probes.pop_overdue(at(9)), Some(first));
    }
}
