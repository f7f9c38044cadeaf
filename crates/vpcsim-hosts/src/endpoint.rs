//! The IPv4 endpoint behind one host: answers packets, runs applications and probes; knows neither frames nor interfaces.
//!
//! It is sans-IO. Packets go in with [`Endpoint::receive`], time with [`Endpoint::handle_deadlines`]; what it wants sent lies
//! in its outbox. TCP is smoltcp's; ICMP and UDP need so little state that they are answered right here.

use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;

use smoltcp::socket::tcp::State;
use vpcsim_engine::{DropReason, Time};
use vpcsim_wire::{FlowKey, PacketBuilder, Protocol, Reassembler, Summary};
use vpcsim_wire::{fragment, icmp, icmp_error, ipv4, rewrite, summarize, tcp, tcp_reset, udp};

use crate::applications::{Application, Client, Site};
use crate::config::Listener;
use crate::drops;
use crate::outbox::Outbox;
use crate::path_mtu::{PathMtu, resegment};
use crate::probe::{IcmpError, Observed, Outcome, Probe, ProbeId, ProbeKind, Probes};
use crate::stack::{Connection, ConnectionConfig};

/// Send and receive buffer of a connection that carries data, in bytes.
const BUFFER_LEN: usize = 64 << 10;
/// The same for a connection that is only opened and closed.
const SMALL_BUFFER_LEN: usize = 2 << 10;

#[derive(Debug)]
enum Role {
    Server(Application),
    Client(ProbeId, Client),
}

#[derive(Debug)]
struct Entry {
    connection: Connection,
    role: Role,
    deadline: Option<Time>,
}

/// Answers and asks for one host.
#[derive(Debug)]
pub(crate) struct Endpoint {
    listeners: Vec<Listener>,
    ttl: u8,
    seed: u64,
    site: Site,
    connections: BTreeMap<FlowKey, Box<Entry>>,
    deadlines: BTreeSet<(Time, FlowKey)>,
    probes: Probes,
    reassembler: Option<Box<Reassembler>>,
    path_mtu: PathMtu,
    packets_identified: u16,
    outbox: Outbox,
}

/// A packet to send, made to fit what its path takes.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Fit {
    /// It fits as it is.
    Whole(Vec<u8>),
    /// These in its stead.
    Parts(Vec<Vec<u8>>),
    /// It may not be cut.
    TooLarge(Vec<u8>),
}

impl Endpoint {
    pub(crate) fn new(listeners: Vec<Listener>, ttl: u8, seed: u64, site: Site) -> Self {
        Self {
            listeners,
            ttl,
            seed,
            site,
            connections: BTreeMap::new(),
            deadlines: BTreeSet::new(),
            probes: Probes::default(),
            reassembler: None,
            path_mtu: PathMtu::default(),
            packets_identified: 0,
            outbox: Outbox::default(),
        }
    }

    pub(crate) fn outbox_mut(&mut self) -> &mut Outbox {
        &mut self.outbox
    }

    /// When to look after the endpoint: now if it has something to send.
    pub(crate) fn next_due(&self, now: Time) -> Option<Time> {
        if !self.outbox.is_empty() {
            return Some(now);
        }
        let connection = self.deadlines.first().map(|&(deadline, _)| deadline);
        connection.into_iter().chain(self.probes.next_deadline()).min()
    }

    /// Takes a packet that has arrived at an interface with this MTU.
    ///
    /// # Errors
    /// Why the packet counts as dropped.
    pub(crate) fn receive(
        &mut self,
        now: Time,
        packet: &[u8],
        summary: &Summary,
        mtu: u16,
    ) -> Result<(), DropReason> {
        let source = summary.source();
        if source.is_unspecified() || source.is_multicast() || source.is_broadcast() {
            return Err(drops::MARTIAN_SOURCE);
        }
        let packet = &packet[..usize::from(summary.total_len)];
        if !ipv4::Packet::parse(packet).is_ok_and(|view| view.verify_checksum()) {
            return Err(drops::BAD_CHECKSUM);
        }
        if !summary.is_fragment() {
            return self.receive_whole(now, packet, summary, mtu);
        }
        let Some(whole) = self.reassembler.get_or_insert_default().push(now.as_ns(), packet) else {
            return Ok(());
        };
        let summary = summarize(&whole).map_err(|_| drops::MALFORMED)?;
        self.receive_whole(now, &whole, &summary, mtu)
    }

    fn receive_whole(
        &mut self,
        now: Time,
        packet: &[u8],
        summary: &Summary,
        mtu: u16,
    ) -> Result<(), DropReason> {
        let l4 = &packet[usize::from(summary.header_len)..];
        let (source, destination) = (summary.source(), summary.destination());
        match summary.protocol() {
            Protocol::TCP => {
                let segment = tcp::Segment::parse(l4).map_err(|_| drops::MALFORMED)?;
                verified(segment.verify_checksum(source, destination))?;
                self.receive_tcp(now, packet, summary, mtu);
            }
            Protocol::UDP => {
                let datagram = udp::Datagram::parse(l4).map_err(|_| drops::MALFORMED)?;
                verified(datagram.verify_checksum(source, destination))?;
                self.receive_udp(now, packet, summary, datagram.payload(), mtu);
            }
            Protocol::ICMP => {
                let message = icmp::Message::parse(l4).map_err(|_| drops::MALFORMED)?;
                verified(message.verify_checksum())?;
                self.receive_icmp(now, packet, summary, &message);
            }
            _ => self.push_error(icmp_error::unreachable(
                destination,
                packet,
                icmp::PROTOCOL_UNREACHABLE,
            )),
        }
        Ok(())
    }

    fn listens(&self, protocol: Protocol, port: u16) -> bool {
        self.listeners
            .iter()
            .any(|listener| listener.covers(protocol, port))
    }

    fn push_error(&mut self, error: Option<Vec<u8>>) {
        if let Some(mut packet) = error {
            rewrite::set_ttl(&mut packet, self.ttl);
            self.outbox.push(packet);
        }
    }

    /// Never 0, so that the fragments of two packets are not mixed up.
    fn next_identification(&mut self) -> u16 {
        self.packets_identified = self.packets_identified.wrapping_add(1).max(1);
        self.packets_identified
    }
}

/// TCP.
impl Endpoint {
    fn receive_tcp(&mut self, now: Time, packet: &[u8], summary: &Summary, mtu: u16) {
        let key = summary.key;
        if summary.is_syn() {
            self.make_way_for_syn(now, key, mtu);
        }
        let Some(entry) = self.connections.get_mut(&key) else {
            if let Some(mut reset) = tcp_reset::reset_for(packet, summary) {
                rewrite::set_ttl(&mut reset, self.ttl);
                self.outbox.push(reset);
            }
            return;
        };
        entry.connection.receive(now, packet, &mut self.outbox);
        self.advance(now, key, Some(summary));
    }

    /// Lets a listener take a connection that is new.
    fn make_way_for_syn(&mut self, now: Time, key: FlowKey, mtu: u16) {
        let lingers = |entry: &Box<Entry>| entry.connection.socket().state() == State::TimeWait;
        if self.connections.get(&key).is_some_and(lingers) {
            self.remove(key);
        }
        if self.connections.contains_key(&key) || !self.listens(Protocol::TCP, key.destination_port()) {
            return;
        }
        let config = self.connection_config(key, mtu, self.ttl, BUFFER_LEN);
        if let Some(connection) = Connection::listen(&config, now) {
            let role = Role::Server(Application::on_port(key.destination_port()));
            self.connections.insert(
                key,
                Box::new(Entry {
                    connection,
                    role,
                    deadline: None,
                }),
            );
        }
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
            self.remove(key);
            return;
        }
        let deadline = entry.connection.next_deadline(now);
        let old = std::mem::replace(&mut entry.deadline, deadline);
        if old != deadline {
            old.map(|old| self.deadlines.remove(&(old, key)));
            deadline.map(|deadline| self.deadlines.insert((deadline, key)));
        }
    }

    fn remove(&mut self, key: FlowKey) {
        if let Some(entry) = self.connections.remove(&key)
            && let Some(deadline) = entry.deadline
        {
            self.deadlines.remove(&(deadline, key));
        }
    }

    fn connect(&mut self, now: Time, id: ProbeId, probe: &Probe, key: FlowKey, mtu: u16) {
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
        let role = Role::Client(id, client);
        self.connections.insert(
            key,
            Box::new(Entry {
                connection,
                role,
                deadline: None,
            }),
        );
        self.advance(now, key, None);
    }

    /// Gives up on a connection: silently before it is open, with a reset afterwards.
    fn abort(&mut self, now: Time, key: FlowKey) {
        if let Some(entry) = self.connections.get_mut(&key) {
            if entry.connection.socket().state() != State::SynSent {
                entry.connection.socket_mut().abort();
                entry.connection.send_due(now, &mut self.outbox);
            }
            self.remove(key);
        }
    }
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

/// UDP and ICMP.
impl Endpoint {
    fn receive_udp(&mut self, now: Time, packet: &[u8], summary: &Summary, payload: &[u8], mtu: u16) {
        let key = summary.key;
        if self.finish_with_reply(now, summary, payload) {
            return;
        }
        if self.probes.has_udp_port(key.destination_port())
            || !self.listens(Protocol::UDP, key.destination_port())
        {
            return self.push_error(icmp_error::port_unreachable(key.destination(), packet));
        }
        let (source, destination) = (key.destination(), key.source());
        let path_mtu = self
            .path_mtu
            .lookup(destination, now)
            .map_or(mtu, |known| known.min(mtu));
        let fits = summary.l4_len + ipv4::HEADER_LEN as u16 <= path_mtu;
        let identification = if fits { 0 } else { self.next_identification() };
        let reply = PacketBuilder::udp(source, key.destination_port(), destination, key.source_port());
        let reply = reply
            .dont_fragment(fits)
            .identification(identification)
            .ttl(self.ttl);
        self.outbox.push(reply.payload(payload).build());
    }

    fn receive_icmp(&mut self, now: Time, packet: &[u8], summary: &Summary, message: &icmp::Message<'_>) {
        if summary.is_echo_request() {
            let identification = self.next_identification();
            let rest = message.rest_of_header();
            let reply =
                PacketBuilder::icmp(summary.destination(), summary.source(), icmp::ECHO_REPLY, 0, rest);
            let reply = reply
                .payload(message.payload())
                .ttl(self.ttl)
                .identification(identification);
            self.outbox.push(reply.build());
        } else if summary.is_icmp_error() {
            self.receive_error(now, packet, summary, message);
        } else if matches!(message.icmp_type(), icmp::ECHO_REPLY | icmp::TIMESTAMP_REPLY) {
            self.finish_with_reply(now, summary, message.payload());
        }
    }

    /// Ends the UDP or ICMP probe that this answers; says whether there is one.
    fn finish_with_reply(&mut self, now: Time, summary: &Summary, payload: &[u8]) -> bool {
        let Some(id) = self.probes.find(summary.key) else {
            return false;
        };
        if let Some(record) = self.probes.record_mut(id)
            && !record.outcome.is_done()
        {
            record.outcome.answer(Observed::Reply, summary.ttl, now);
            record.outcome.take_data(payload);
            self.probes.finish(id, now);
        }
        true
    }

    fn receive_error(&mut self, now: Time, packet: &[u8], summary: &Summary, message: &icmp::Message<'_>) {
        let Some(embedded) = summary.embedded(packet) else {
            return;
        };
        if embedded.source() != summary.destination() {
            return;
        }
        if let Some(mtu) = message.next_hop_mtu() {
            self.path_mtu.learn(embedded.destination(), mtu, now);
        }
        self.note_error(
            now,
            &embedded,
            IcmpError {
                icmp_type: message.icmp_type(),
                code: message.code(),
                from: summary.source(),
                next_hop_mtu: message.next_hop_mtu(),
            },
        );
    }

    /// Tells the probe that sent the packet of `offending` about an error.
    fn note_error(&mut self, now: Time, offending: &Summary, error: IcmpError) {
        let Some(id) = self.probes.find(offending.key.reversed()) else {
            return;
        };
        let Some(record) = self.probes.record_mut(id) else {
            return;
        };
        if record.outcome.is_done() {
            return;
        }
        record.outcome.unreachable = Some(error);
        let is_final = match error.next_hop_mtu {
            Some(_) => record.dont_fragment && !offending.is_tcp(),
            None => record.outcome.observed != Observed::Open,
        };
        if is_final {
            let key = record.key;
            self.probes.finish(id, now);
            if offending.is_tcp() {
                self.remove(key);
            }
        }
    }
}

/// Probes, time, and what leaves.
impl Endpoint {
    /// Starts a probe from `source`, whose interface has this MTU.
    pub(crate) fn start_probe(&mut self, now: Time, source: Ipv4Addr, mtu: u16, probe: &Probe) -> ProbeId {
        let connections = &self.connections;
        let is_free = |port| !connections.contains_key(&probe.reply_key(source, port));
        let port = probe
            .source_port
            .unwrap_or_else(|| self.probes.take_port(is_free));
        let key = probe.reply_key(source, port);
        let id = self.probes.start(probe, (source, port), now);
        if source.is_unspecified() {
            self.probes.finish(id, now);
        } else if probe.kind == ProbeKind::TcpConnect {
            self.connect(now, id, probe, key, mtu);
        } else {
            let packet = self.probe_packet(source, port, probe);
            self.outbox.push(packet);
        }
        id
    }

    fn probe_packet(&mut self, source: Ipv4Addr, port: u16, probe: &Probe) -> Vec<u8> {
        let rest = u32::from(port) << 16 | 1;
        let builder = match probe.kind {
            ProbeKind::Icmp { icmp_type, code } => {
                PacketBuilder::icmp(source, probe.destination, icmp_type, code, rest)
            }
            ProbeKind::IcmpEcho => PacketBuilder::icmp_echo(source, probe.destination, port, 1),
            ProbeKind::UdpRequest | ProbeKind::TcpConnect => {
                PacketBuilder::udp(source, port, probe.destination, probe.port)
            }
        };
        let identification = if probe.dont_fragment {
            0
        } else {
            self.next_identification()
        };
        let builder = builder
            .ttl(probe.ttl.unwrap_or(self.ttl))
            .dont_fragment(probe.dont_fragment);
        let payload: Vec<u8> = (0..probe.payload_len).map(|index| index as u8).collect();
        builder.identification(identification).payload(&payload).build()
    }

    pub(crate) fn outcome(&self, id: ProbeId) -> Option<&Outcome> {
        self.probes.outcome(id)
    }

    pub(crate) fn probes_mut(&mut self) -> &mut Probes {
        &mut self.probes
    }

    /// Does what is due by now.
    pub(crate) fn handle_deadlines(&mut self, now: Time) {
        while let Some(id) = self.probes.pop_overdue(now) {
            let Some(record) = self.probes.record_mut(id) else {
                continue;
            };
            let key = record.key;
            self.probes.finish(id, now);
            if key.protocol() == Protocol::TCP {
                self.abort(now, key);
            }
        }
        while let Some(&(deadline, key)) = self.deadlines.first()
            && deadline <= now
        {
            self.deadlines.pop_first();
            if let Some(entry) = self.connections.get_mut(&key) {
                entry.deadline = None;
            }
            self.advance(now, key, None);
        }
    }

    /// Makes a packet fit the interface that it leaves by, and what is known of its path.
    pub(crate) fn fit(&self, packet: Vec<u8>, interface_mtu: u16, now: Time) -> Fit {
        if packet.len() <= usize::from(crate::path_mtu::PATH_MTU_MIN.min(interface_mtu)) {
            return Fit::Whole(packet);
        }
        let Ok(summary) = summarize(&packet) else {
            return Fit::Whole(packet);
        };
        let known = self.path_mtu.lookup(summary.destination(), now);
        let mtu = known.map_or(interface_mtu, |known| known.min(interface_mtu));
        if summary.total_len <= mtu {
            return Fit::Whole(packet);
        }
        let parts = resegment(&packet, &summary, mtu).or_else(|| fragment(&packet, usize::from(mtu)).ok());
        parts.map_or(Fit::TooLarge(packet), Fit::Parts)
    }

    /// Notes that a packet could not leave this host, as `code` of "destination unreachable" says.
    pub(crate) fn note_unsent(&mut self, now: Time, packet: &[u8], code: u8) {
        let Ok(summary) = summarize(packet) else { return };
        let is_too_large = code == icmp::FRAGMENTATION_NEEDED;
        let path_mtu = self.path_mtu.lookup(summary.destination(), now);
        self.note_error(
            now,
            &summary,
            IcmpError {
                icmp_type: icmp::DESTINATION_UNREACHABLE,
                code,
                from: summary.source(),
                next_hop_mtu: is_too_large.then_some(path_mtu.unwrap_or(0)),
            },
        );
    }

    /// How many TCP connections there are, waiting ones included.
    pub(crate) fn connection_count(&self) -> usize {
        self.connections.len()
    }
}

const fn verified(is_right: bool) -> Result<(), DropReason> {
    if is_right {
        Ok(())
    } else {
        Err(drops::BAD_CHECKSUM)
    }
}
