//! Connection tracking of security groups: which flows are known, and until when.
//!
//! State only. Whether a flow may begin, and whether it needs tracking at all, is the rules' decision
//! ([`SecurityGroupLookup`](crate::devices::security_group::SecurityGroupLookup)). Each interface has a tracker of its own, and an expired flow is
//! gone without a word to either side (CT-12).
//!
//! # AWS semantics
//!
//! - A packet of a tracked flow belongs to it in either direction (CT-01).
//! - A flow is known by addresses and ports, an ICMP query by its identifier and type, anything else by addresses and
//!   protocol alone (CT-02).
//! - A flow of another protocol than TCP, UDP and ICMP is forgotten 600 s after its last packet (CT-03).
//! - A ping is tracked (CT-05).
//! - An established TCP connection is forgotten after 432,000 s without a packet, or what its interface says instead (CT-10).
//! - UDP is forgotten after 30 s, and after 180 s once more than one request was answered (CT-11).
//! - A packet in the middle of an unknown connection may begin a flow; it need not be a SYN (CT-13).
//! - TCP that is not established, or over, is forgotten earlier (CT-14).
//! - When as many flows are tracked as the instance can, a new one does not fit (CT-15).
//! - An ICMP error belongs to the flow that it is about (CT-16).
//!
//! # Where AWS is silent
//!
//! - TCP counts as established at the first ACK without SYN once both sides were seen; before that, and after a FIN or
//!   RST, it is forgotten after 120 s.
//! - A SYN on a connection that is over begins a new flow, which needs a rule of its own.
//! - An ICMP query is forgotten after 30 s, as Linux does.
//! - ICMP errors and answers begin no flow: nothing is to come back after them.
//! - Expired flows never count against the capacity.

use vpcsim_engine::{FlowTable, Hint, Span, TableKey, Time};
use vpcsim_wire::{Protocol, Summary, icmp, tcp};

use crate::devices::network_interface::TrackingTimeouts;

#[cfg(test)]
mod tests;

/// Slots that each new flow looks at for expired ones.
const SWEEP_BUDGET: usize = 4;

/// Sets a bit in each key, since no key may be zero; the bits below hold the type of an ICMP query.
const PRESENT: u32 = 1 << 8;

/// How long an idle flow is remembered, by what it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TrackingTimers {
    /// TCP seen to be established by packets both ways (CT-10).
    pub tcp_established: Span,
    /// TCP not yet established (CT-14).
    pub tcp_other: Span,
    /// TCP after a FIN or RST (CT-14).
    pub tcp_closing: Span,
    /// UDP seen one way or in a single exchange (CT-11).
    pub udp: Span,
    /// UDP seen in several exchanges (CT-11).
    pub udp_stream: Span,
    /// ICMP queries.
    pub icmp: Span,
    /// Every other protocol (CT-03).
    pub other: Span,
}

impl Default for TrackingTimers {
    fn default() -> Self {
        Self {
            tcp_established: Span::from_secs(432_000),
            tcp_other: Span::from_secs(120),
            tcp_closing: Span::from_secs(120),
            udp: Span::from_secs(30),
            udp_stream: Span::from_secs(180),
            icmp: Span::from_secs(30),
            other: Span::from_secs(600),
        }
    }
}

impl From<TrackingTimeouts> for TrackingTimers {
    /// The interface's own timers, and the defaults where it has none.
    fn from(timeouts: TrackingTimeouts) -> Self {
        let seconds = |set: Option<u32>, default| set.map_or(default, |s| Span::from_secs(u64::from(s)));
        let default = Self::default();
        Self {
            tcp_established: seconds(timeouts.tcp_established_s, default.tcp_established),
            udp: seconds(timeouts.udp_s, default.udp),
            udp_stream: seconds(timeouts.udp_stream_s, default.udp_stream),
            ..default
        }
    }
}

/// How far a flow has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// TCP of which only one side was seen, or only the handshake.
    TcpOpening { answered: bool },
    /// TCP in full swing.
    TcpEstablished,
    /// TCP after a FIN or RST.
    TcpClosing,
    /// UDP: how often the direction changed, which is 3 after two exchanges.
    Udp { turns: u8 },
    /// ICMP and the rest, where nothing is to be noted.
    Plain,
}

/// Turns of direction after two requests with their answers.
const STREAM_TURNS: u8 = 3;

#[derive(Clone, Copy, Debug)]
struct Flow {
    expires: Time,
    state: State,
    /// Whether the flow's first packet went in the direction of its key.
    opened_along_key: bool,
    /// Whether the flow's last packet went in the direction of its key.
    last_along_key: bool,
}

/// The flows that an interface tracks.
#[derive(Clone, Debug, Default)]
pub struct ConnectionTracker {
    flows: FlowTable<Flow>,
    /// No flow expires before this moment: a full table need not be swept until then.
    full_until: Time,
}

impl ConnectionTracker {
    /// Whether a packet belongs to a tracked flow, in either direction; its timer and state then move on.
    #[inline]
    pub fn matches(&mut self, now: Time, packet: &Summary, timers: &TrackingTimers) -> bool {
        self.matches_near(now, packet, timers, &mut Hint::default())
    }

    /// As [`ConnectionTracker::matches`], where the flow most likely lies where `hint` says.
    #[inline(always)]
    #[expect(
        clippy::inline_always,
        reason = "of each packet of a flow it is asked twice, and what it does is short"
    )]
    pub fn matches_near(
        &mut self,
        now: Time,
        packet: &Summary,
        timers: &TrackingTimers,
        hint: &mut Hint,
    ) -> bool {
        let Some(place) = place(packet) else {
            return false;
        };
        let Some(flow) = self.flows.find_near(place.key, hint) else {
            return false;
        };
        if flow.expires <= now || flow.gives_way_to(packet) {
            self.flows.remove(place.key);
            return false;
        }
        flow.proceed(packet, place.along_key);
        flow.expires = now + flow.timeout(packet.protocol(), timers);
        self.full_until = self.full_until.min(flow.expires);
        true
    }

    /// Whether it has an entry for the packet's flow, which may have expired.
    #[inline]
    pub fn holds(&self, packet: &Summary) -> bool {
        place(packet).is_some_and(|place| self.flows.find(place.key).is_some())
    }

    /// Starts to track the flow that a packet begins; false if `capacity` flows are tracked already (CT-15).
    ///
    /// A packet that no answer can follow, such as an ICMP error, begins no flow; that is no failure.
    pub fn track(&mut self, now: Time, packet: &Summary, timers: &TrackingTimers, capacity: u32) -> bool {
        let Some(place) = place(packet).filter(|_| begins_flow(packet)) else {
            return true;
        };
        let flow = Flow::opened_by(packet, place.along_key);
        let expires = now + flow.timeout(packet.protocol(), timers);
        if self.flows.insert(place.key, Flow { expires, ..flow }).is_none() && !self.fits(now, capacity) {
            self.flows.remove(place.key);
            return false;
        }
        self.full_until = self.full_until.min(expires);
        true
    }

    /// Whether an ICMP error is about a tracked flow, where `embedded` is the packet inside it (CT-16).
    pub fn matches_related(&self, now: Time, embedded: &Summary) -> bool {
        let flow = place(embedded).and_then(|place| self.flows.find(place.key));
        flow.is_some_and(|flow| now < flow.expires)
    }

    /// How many flows it holds, some of which may have expired.
    pub fn len(&self) -> usize {
        self.flows.len()
    }

    /// Whether it holds no flow.
    pub fn is_empty(&self) -> bool {
        self.flows.is_empty()
    }

    /// Forgets every flow that has expired.
    pub fn expire(&mut self, now: Time) {
        let mut earliest = Time::MAX;
        self.flows.expire(|_, flow| {
            let dead = flow.expires <= now;
            if !dead {
                earliest = earliest.min(flow.expires);
            }
            dead
        });
        self.full_until = earliest;
    }

    /// Whether the flows fit, the new one among them, once expired ones are gone.
    fn fits(&mut self, now: Time, capacity: u32) -> bool {
        let capacity = capacity as usize;
        self.flows
            .expire_some(SWEEP_BUDGET, |_, flow| flow.expires <= now);
        if self.flows.len() > capacity && self.full_until <= now {
            self.expire(now);
        }
        self.flows.len() <= capacity
    }
}

impl Flow {
    fn opened_by(packet: &Summary, along_key: bool) -> Self {
        let state = match packet.protocol() {
            Protocol::TCP if packet.is_rst() || packet.is_fin() => State::TcpClosing,
            Protocol::TCP => State::TcpOpening { answered: false },
            Protocol::UDP => State::Udp { turns: 0 },
            _ => State::Plain,
        };
        Self {
            expires: Time::ZERO,
            state,
            opened_along_key: along_key,
            last_along_key: along_key,
        }
    }

    /// A SYN on a connection that is over opens another one, which the rules have to judge.
    #[inline]
    fn gives_way_to(self, packet: &Summary) -> bool {
        self.state == State::TcpClosing && packet.is_syn()
    }

    #[inline(always)]
    #[expect(
        clippy::inline_always,
        reason = "it is a part of what is asked twice for each packet"
    )]
    fn proceed(&mut self, packet: &Summary, along_key: bool) {
        self.state = match self.state {
            State::TcpOpening { .. } | State::TcpEstablished if packet.is_rst() || packet.is_fin() => {
                State::TcpClosing
            }
            State::TcpOpening { answered } => {
                let answered = answered || along_key != self.opened_along_key;
                if answered && packet.tcp_flags & (tcp::SYN | tcp::ACK) == tcp::ACK {
                    State::TcpEstablished
                } else {
                    State::TcpOpening { answered }
                }
            }
            State::Udp { turns } if along_key != self.last_along_key => State::Udp {
                turns: (turns + 1).min(STREAM_TURNS),
            },
            state => state,
        };
        self.last_along_key = along_key;
    }

    #[inline]
    fn timeout(self, protocol: Protocol, timers: &TrackingTimers) -> Span {
        match self.state {
            State::TcpOpening { .. } => timers.tcp_other,
            State::TcpEstablished => timers.tcp_established,
            State::TcpClosing => timers.tcp_closing,
            State::Udp { turns: STREAM_TURNS } => timers.udp_stream,
            State::Udp { .. } => timers.udp,
            State::Plain if protocol == Protocol::ICMP => timers.icmp,
            State::Plain => timers.other,
        }
    }
}

/// Where a packet's flow is kept: both directions have one key.
struct Place {
    key: TableKey,
    along_key: bool,
}

/// The place of a packet's flow; `None` if it has none of its own: ICMP errors, and fragments without ports.
#[inline(always)]
#[expect(
    clippy::inline_always,
    reason = "returned by call it takes as long again as it takes to find out"
)]
fn place(packet: &Summary) -> Option<Place> {
    match packet.protocol() {
        Protocol::TCP | Protocol::UDP if !packet.has_ports() => None,
        Protocol::ICMP => query_place(packet),
        _ => Some(lower_place(packet)),
    }
}

/// Under the lower of the key and its reverse.
#[inline]
fn lower_place(packet: &Summary) -> Place {
    let along_key = packet.key.is_lower();
    let key = if along_key {
        packet.key
    } else {
        packet.key.reversed()
    };
    Place {
        key: TableKey::of_flow(key, packet.hash, PRESENT),
        along_key,
    }
}

/// Queries and their answers are kept under the asking side's key, so that a query never passes for an answer.
#[cold]
fn query_place(packet: &Summary) -> Option<Place> {
    if !packet.has_identifier() {
        return None;
    }
    let (key, query) = match packet.icmp_type {
        icmp::ECHO_REPLY => (packet.key.reversed(), icmp::ECHO_REQUEST),
        icmp::TIMESTAMP_REPLY => (packet.key.reversed(), icmp::TIMESTAMP_REQUEST),
        query => (packet.key, query),
    };
    Some(Place {
        key: TableKey::of_flow(key, packet.hash, PRESENT | u32::from(query)),
        along_key: is_query(packet),
    })
}

/// An ICMP answer follows a query, it begins nothing.
fn begins_flow(packet: &Summary) -> bool {
    !packet.is_icmp() || is_query(packet)
}

fn is_query(packet: &Summary) -> bool {
    matches!(packet.icmp_type, icmp::ECHO_REQUEST | icmp::TIMESTAMP_REQUEST)
}
