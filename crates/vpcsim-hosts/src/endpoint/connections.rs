//! The TCP side of an endpoint: listeners, connections, and those that linger after their end.

use smoltcp::socket::tcp::State;
use vpcsim_engine::{Span, Time};
use vpcsim_wire::{FlowKey, Protocol, Summary, rewrite, summarize, tcp, tcp_reset};

use super::Endpoint;
use crate::applications::{Application, Client};
use crate::probe::{Observed, Probe, ProbeId, Probes};
use crate::stack::{Connection, ConnectionConfig};

/// Send and receive buffer of a connection that carries data, in bytes: the largest window without scaling.
const BUFFER_LEN: usize = 65_535;
/// The same for a connection that is only opened and closed.
const SMALL_BUFFER_LEN: usize = 512;
/// How long the end that closed first can still acknowledge a repeated FIN (Linux: `TCP_TIMEWAIT_LEN`).
const LINGER: Span = Span::from_secs(60);

#[derive(Debug)]
enum Role {
    Server(Application),
    Client(ProbeId, Client),
}

/// A connection and who uses it.
#[derive(Debug)]
pub(super) struct Entry {
    connection: Connection,
    role: Role,
    deadline: Option<Time>,
}

impl Endpoint {
    pub(super) fn receive_tcp(&mut self, now: Time, packet: &[u8], summary: &Summary, mtu: u16) {
        let key = summary.key;
        if summary.is_syn() {
            self.make_way_for_syn(now, packet, summary, mtu);
        }
        if let Some(entry) = self.connections.get_mut(&key) {
            entry.connection.receive(now, packet, &mut self.outbox);
            self.advance(now, key, Some(summary));
        } else if let Some(last_ack) = self.lingering.get(&key) {
            if summary.is_fin() || summary.payload_len() > 0 {
                self.outbox.push(last_ack.clone());
            }
        } else if let Some(mut reset) = tcp_reset::reset_for(packet, summary) {
            rewrite::set_ttl(&mut reset, self.ttl);
            self.outbox.push(reset);
        }
    }

    /// Lets a listener take a connection that is new.
    fn make_way_for_syn(&mut self, now: Time, packet: &[u8], summary: &Summary, mtu: u16) {
        let key = summary.key;
        if self.connections.contains_key(&key) || !self.listens(Protocol::TCP, key.destination_port()) {
            return;
        }
        self.lingering.remove(&key);
        // A peer that offers a small window wants little. Ten thousands of connections that are only opened and closed
        // would otherwise cost gigabytes.
        let segment = packet
            .get(usize::from(summary.header_len)..)
            .map(tcp::Segment::parse);
        let window = segment.and_then(Result::ok).map_or(0, |segment| segment.window());
        let buffer_len = usize::from(window).max(SMALL_BUFFER_LEN);
        let config = self.connection_config(key, mtu, self.ttl, buffer_len);
        if let Some(connection) = Connection::listen(&config, now) {
            let role = Role::Server(Application::on_port(key.destination_port()));
            self.insert(key, connection, role);
        }
    }

    fn insert(&mut self, key: FlowKey, connection: Connection, role: Role) {
        let entry = Entry {
            connection,
            role,
            deadline: None,
        };
        self.connections.insert(key, Box::new(entry));
    }

    fn connection_config(&self, key: FlowKey, mtu: u16, ttl: u8, buffer_len: usize) -> ConnectionConfig {
        let mixed = (key.0 >> 64) as u64 ^ (key.0 as u64).rotate_left(29) ^ self.seed;
        ConnectionConfig {
            key,
            mtu,
            ttl,
            buffer_len,
            seed: mixed.wrapping_mul(0x9E37_79B9_7F4A_7C15),
        }
    }

    /// Lets the application or the client act, sends what is due, and forgets the connection if it is over.
    fn advance(&mut self, now: Time, key: FlowKey, inbound: Option<&Summary>) {
        let Some(entry) = self.connections.get_mut(&key) else {
            return;
        };
        let is_open = !matches!(
            entry.connection.socket().state(),
            State::Listen | State::SynSent | State::SynReceived | State::Closed
        );
        match &mut entry.role {
            Role::Server(application) if is_open => {
                let socket = entry.connection.socket_mut();
                if let Some(ttl) = application.serve(socket, &mut self.site, key.destination(), now) {
                    entry.connection.set_ttl(ttl);
                }
            }
            Role::Server(_) => {}
            Role::Client(id, client) => {
                advance_client(&mut self.probes, *id, client, &mut entry.connection, inbound, now);
            }
        }
        entry.connection.send_due(now, &mut self.outbox);
        if entry.connection.is_over() {
            return self.remove(key);
        }
        if entry.connection.socket().state() == State::TimeWait
            && let Some(ack) = last_ack(self.outbox.last(), key)
        {
            self.remove(key);
            self.lingering.insert(key, ack);
            self.deadlines.insert((now + LINGER, key));
            return;
        }
        let deadline = entry.connection.next_deadline(now);
        let old = std::mem::replace(&mut entry.deadline, deadline);
        if old != deadline {
            old.map(|old| self.deadlines.remove(&(old, key)));
            deadline.map(|deadline| self.deadlines.insert((deadline, key)));
        }
    }

    pub(super) fn remove(&mut self, key: FlowKey) {
        if let Some(entry) = self.connections.remove(&key)
            && let Some(deadline) = entry.deadline
        {
            self.deadlines.remove(&(deadline, key));
        }
    }

    pub(super) fn connect(&mut self, now: Time, id: ProbeId, probe: &Probe, key: FlowKey, mtu: u16) {
        let client = Client::new(&probe.exchange, probe.destination);
        let buffer_len = if client.has_data() {
            BUFFER_LEN
        } else {
            SMALL_BUFFER_LEN
        };
        let config = self.connection_config(key, mtu, probe.ttl.unwrap_or(self.ttl), buffer_len);
        let Some(connection) = Connection::connect(&config, now) else {
            return self.probes.finish(id, now);
        };
        self.remove(key);
        self.lingering.remove(&key);
        self.insert(key, connection, Role::Client(id, client));
        self.advance(now, key, None);
    }

    /// Gives up on a probe's connection: silently before it is open, with a reset afterwards.
    pub(super) fn abort(&mut self, now: Time, key: FlowKey, id: ProbeId) {
        let Some(entry) = self.connections.get_mut(&key) else {
            return;
        };
        if !matches!(entry.role, Role::Client(owner, _) if owner == id) {
            return;
        }
        if entry.connection.socket().state() != State::SynSent {
            entry.connection.socket_mut().abort();
            entry.connection.send_due(now, &mut self.outbox);
        }
        self.remove(key);
    }

    /// Does what is due by now on connections.
    pub(super) fn handle_connection_deadlines(&mut self, now: Time) {
        while let Some(&(deadline, key)) = self.deadlines.first()
            && deadline <= now
        {
            self.deadlines.pop_first();
            if let Some(entry) = self.connections.get_mut(&key) {
                entry.deadline = None;
                self.advance(now, key, None);
            } else {
                self.lingering.remove(&key);
            }
        }
    }
}

/// The packet just sent, if it is the acknowledgement that ends the connection of `key`.
fn last_ack(sent: Option<&[u8]>, key: FlowKey) -> Option<Vec<u8>> {
    let sent = sent?;
    let summary = summarize(sent).ok()?;
    (summary.key == key.reversed() && summary.tcp_flags == tcp::ACK).then(|| sent.to_vec())
}

fn advance_client(
    probes: &mut Probes,
    id: ProbeId,
    client: &mut Client,
    connection: &mut Connection,
    inbound: Option<&Summary>,
    now: Time,
) {
    let state = connection.socket().state();
    let Some(record) = probes.record_mut(id) else {
        return;
    };
    let outcome = &mut record.outcome;
    let is_new = outcome.observed == Observed::Filtered;
    match state {
        State::SynSent | State::SynReceived | State::Listen => return,
        State::Closed if is_new => {
            if let Some(reset) = inbound {
                outcome.answer(Observed::Closed, reset.ttl, now);
            }
            return probes.finish(id, now);
        }
        State::Closed => return probes.finish(id, now),
        _ if is_new => outcome.answer(Observed::Open, inbound.map_or(0, |packet| packet.ttl), now),
        _ => {}
    }
    if client.advance(connection.socket_mut(), outcome) {
        probes.finish(id, now);
    }
}
