//! What a host does with packets for others: a rule table, tracked connections, and its own address in front.
//!
//! As on Linux: the rules are asked about the first packet of a connection, its others pass by what was noted; a masquerading
//! host puts its own address and a free port in front. Packets are decided about here, and moved by the [host](crate::host).
//!
//! A packet that comes back as it came before runs in a circle: it ends here, long before its time to live does. It carries the memory
//! of that itself ([`Context::leave_footprint`](vpcsim_engine::Context::leave_footprint)), however long it takes to come back.

mod connections;
mod rules;

use std::net::Ipv4Addr;

use vpcsim_engine::{ComponentId, Decision, DropReason, Hint, Station, Time};
use vpcsim_wire::rewrite::EmbeddedChange;
use vpcsim_wire::{FlowKey, Summary};

pub use rules::{FirewallRule, Prefix};

pub(crate) use connections::Finish;
use connections::{Connections, Found};

/// What a forwarding host does with packets for others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ForwardingConfig {
    /// Its firewall's rules: the first that matches decides. Without rules all pass; with rules what none allows is dropped.
    pub rules: Vec<FirewallRule>,
    /// Whether what belongs to no connection that it knows is dropped, unless it opens one.
    pub stateful: bool,
    /// Whether it puts its own address in front.
    pub masquerade: bool,
    /// The numbers that the network's builder gave.
    pub numbers: ForwardingNumbers,
}

/// The numbers of the engine that say what happened: whoever builds the network names them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ForwardingNumbers {
    /// The station that a forwarded packet passes.
    pub station: Station,
    /// The host, as a component whose rules decide.
    pub component: ComponentId,
    /// The firewall denies it.
    pub denied: DropReason,
    /// It belongs to no known connection, and opens none.
    pub no_connection: DropReason,
    /// No port is free to put in front.
    pub no_port: DropReason,
    /// It has been here before.
    pub circle: DropReason,
    /// Its time to live ran out.
    pub ttl_expired: DropReason,
    /// It is larger than the interface takes and must not be cut.
    pub too_large: DropReason,
    /// Nobody answers for its next hop.
    pub no_next_hop: DropReason,
}

/// An address to write into a packet, with the port if that changes too.
pub(crate) type NewEnd = Option<(Ipv4Addr, Option<u16>)>;

/// How a packet goes on: what to write into it before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Passage {
    pub(crate) decision: Decision,
    pub(crate) source: NewEnd,
    pub(crate) destination: NewEnd,
    pub(crate) embedded: Option<EmbeddedChange>,
}

impl Passage {
    const fn unchanged(decision: Decision) -> Self {
        Self {
            decision,
            source: None,
            destination: None,
            embedded: None,
        }
    }
}

/// The state of a forwarding host.
#[derive(Debug, Default)]
pub(crate) struct Forwarder {
    connections: Connections,
}

impl Forwarder {
    /// Whether a packet for the host itself answers a connection that it put its address in front of.
    pub(crate) fn is_translated(&self, summary: &Summary, bytes: &[u8]) -> bool {
        match summary.embedded(bytes) {
            Some(inner) => self.connections.is_answer(inner.key.reversed()),
            None if summary.is_later_fragment() => self.connections.fragment(summary).is_some(),
            None => self.connections.is_answer(summary.key),
        }
    }

    /// Decides about a packet; `own` is the address to put in front.
    ///
    /// # Errors
    /// Why it is dropped, and by what.
    pub(crate) fn decide(
        &mut self,
        config: &ForwardingConfig,
        own: Ipv4Addr,
        now: Time,
        summary: &Summary,
        bytes: &[u8],
    ) -> Result<Passage, (DropReason, Decision)> {
        if !config.tracks() {
            return rules::judge(config, summary).map(Passage::unchanged);
        }
        if summary.is_later_fragment() {
            let known = self.connections.fragment(summary);
            return known.ok_or((config.numbers.no_connection, config.by_host()));
        }
        self.connections.expire(now);
        let decided = match summary.embedded(bytes) {
            Some(inner) => self.decide_error(config, &inner),
            None => self.decide_whole(config, own, now, summary, bytes),
        };
        if let (Ok(passage), true) = (&decided, summary.is_first_fragment()) {
            self.connections.remember_fragment(summary, *passage);
        }
        decided
    }

    fn decide_whole(
        &mut self,
        config: &ForwardingConfig,
        own: Ipv4Addr,
        now: Time,
        summary: &Summary,
        bytes: &[u8],
    ) -> Result<Passage, (DropReason, Decision)> {
        if let Some(found) = self.connections.find(summary.key) {
            self.connections.note(found, now, summary, bytes);
            return Ok(self.translated(config, found));
        }
        if !opens(config, summary) {
            return Err((config.numbers.no_connection, config.by_host()));
        }
        let decision = rules::judge(config, summary)?;
        let front = config.masquerade.then_some(own);
        let found = self
            .connections
            .open(summary, front, now)
            .ok_or((config.numbers.no_port, decision))?;
        self.connections.note(found, now, summary, bytes);
        Ok(Passage {
            decision,
            ..self.translated(config, found)
        })
    }

    fn translated(&self, config: &ForwardingConfig, found: Found) -> Passage {
        let (source, destination) = self.connections.changes(found);
        Passage {
            source,
            destination,
            ..Passage::unchanged(config.by_host())
        }
    }

    /// An error goes where the flow that it is about came from, with that flow as it looks there.
    fn decide_error(
        &self,
        config: &ForwardingConfig,
        inner: &Summary,
    ) -> Result<Passage, (DropReason, Decision)> {
        let found = self.connections.find(inner.key.reversed());
        let found = found.ok_or((config.numbers.no_connection, config.by_host()))?;
        let (source, destination) = self.connections.changes(found);
        let address_of = |end: NewEnd| end.map(|(address, _)| (address, None));
        Ok(Passage {
            decision: config.by_host(),
            source: address_of(source),
            destination: address_of(destination),
            embedded: Some(EmbeddedChange {
                source: destination,
                destination: source,
            }),
        })
    }

    /// What [`Forwarder::proceed`] wants to hear of packets that pass as this one did, which came with this key; `None` if none does.
    pub(crate) fn serial(&self, config: &ForwardingConfig, key: FlowKey, decision: Decision) -> Option<u32> {
        if !config.tracks() {
            return Some(0);
        }
        // The first packet of a connection is judged by a rule, the others pass by what was noted.
        self.connections
            .serial(key)
            .filter(|_| decision == config.by_host())
    }

    /// Takes note of a packet that passes as another one of its flow did, and says where it goes; `None`, with nothing noted, if it
    /// does not.
    pub(crate) fn proceed(
        &mut self,
        config: &ForwardingConfig,
        serial: u32,
        now: Time,
        summary: &Summary,
        bytes: &[u8],
        hint: &mut Hint,
    ) -> Option<Ipv4Addr> {
        if !config.tracks() {
            return Some(summary.destination());
        }
        self.connections.proceed(serial, now, summary, bytes, hint)
    }

    /// When a connection is forgotten next.
    pub(crate) fn next_due(&mut self) -> Option<Time> {
        self.connections.next_due()
    }

    /// Forgets what is idle; gives back the ends of connections that its clients are told of.
    pub(crate) fn expire(&mut self, now: Time) -> Vec<Finish> {
        self.connections.expire(now);
        self.connections.take_finished()
    }
}

impl ForwardingConfig {
    /// Whether it remembers connections.
    const fn tracks(&self) -> bool {
        self.stateful || self.masquerade
    }

    /// A decision of the host as a whole.
    pub(crate) fn by_host(&self) -> Decision {
        Decision::by(self.numbers.component)
    }
}

/// Whether a packet may open a connection: a firewall wants the first packet of TCP, a translator takes up what runs already.
fn opens(config: &ForwardingConfig, summary: &Summary) -> bool {
    if summary.is_tcp() {
        let takes_up = !config.stateful && !summary.is_rst() && !summary.is_syn_ack();
        return summary.is_syn() || takes_up;
    }
    !summary.is_icmp() || summary.is_echo_request() || !config.stateful && !summary.is_echo_reply()
}

#[cfg(test)]
mod tests;
