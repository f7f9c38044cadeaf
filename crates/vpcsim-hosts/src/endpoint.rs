//! The IPv4 endpoint behind one host: answers packets, runs applications and probes; knows neither frames nor interfaces.
//!
//! It is sans-IO. Packets go in with [`Endpoint::receive`], time with [`Endpoint::handle_deadlines`]; what it wants sent lies
//! in its outbox. TCP is smoltcp's; ICMP and UDP need so little state that they are answered without it.

mod connections;
mod datagrams;

use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;

use vpcsim_engine::{DropReason, Time};
use vpcsim_wire::{FlowKey, PacketBuilder, Protocol, Reassembler, Summary};
use vpcsim_wire::{fragment, icmp, icmp_error, ipv4, rewrite, summarize, tcp, udp};

use crate::applications::Site;
use crate::config::Listener;
use crate::drops;
use crate::outbox::Outbox;
use crate::path_mtu::{PathMtu, resegment};
use crate::probe::{Exchange, IcmpError, Outcome, Probe, ProbeId, ProbeKind, Probes};

/// Answers and asks for one host.
#[derive(Debug)]
pub(crate) struct Endpoint {
    listeners: Vec<Listener>,
    /// Whether it refuses what it does not listen to.
    refuses: bool,
    ttl: u8,
    seed: u64,
    site: Site,
    connections: BTreeMap<FlowKey, Box<connections::Entry>>,
    /// The last acknowledgements of connections that this end closed first.
    lingering: BTreeMap<FlowKey, Vec<u8>>,
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
            refuses: true,
            ttl,
            seed,
            site,
            connections: BTreeMap::new(),
            lingering: BTreeMap::new(),
            deadlines: BTreeSet::new(),
            probes: Probes::default(),
            reassembler: None,
            path_mtu: PathMtu::default(),
            packets_identified: 0,
            outbox: Outbox::default(),
        }
    }

    /// The same behind a firewall that drops what it does not listen to.
    pub(crate) fn behind_firewall(mut self) -> Self {
        self.refuses = false;
        self
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
        if self.is_filtered(summary) {
            return Err(drops::FILTERED);
        }
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

    /// Answers a packet that the interface cannot take, and that must not be cut, with what it takes.
    pub(crate) fn refuse_size(&mut self, packet: &[u8], summary: &Summary, mtu: u16) {
        if summary.dont_fragment {
            self.push_error(icmp_error::fragmentation_needed(
                summary.destination(),
                packet,
                mtu,
            ));
        }
    }

    /// Whether a firewall in front drops the packet: it lets in what is listened to, and what belongs to that.
    fn is_filtered(&self, summary: &Summary) -> bool {
        if self.refuses {
            return false;
        }
        let key = summary.key;
        match summary.protocol() {
            Protocol::ICMP => false,
            Protocol::TCP if self.connections.contains_key(&key) || self.lingering.contains_key(&key) => {
                false
            }
            protocol => self.probes.find(key).is_none() && !self.listens(protocol, key.destination_port()),
        }
    }

    fn listens(&self, protocol: Protocol, port: u16) -> bool {
        self.listeners
            .iter()
            .any(|listener| listener.covers(protocol, port))
    }

    pub(crate) fn push_error(&mut self, error: Option<Vec<u8>>) {
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

/// Probes, time, and what leaves.
impl Endpoint {
    /// Starts a probe from `source`, whose interface has this MTU.
    pub(crate) fn start_probe(&mut self, now: Time, source: Ipv4Addr, mtu: u16, probe: &Probe) -> ProbeId {
        let (connections, lingering) = (&self.connections, &self.lingering);
        let is_free = |port| {
            let key = probe.reply_key(source, port);
            !connections.contains_key(&key) && !lingering.contains_key(&key)
        };
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
        let payload: Vec<u8> = match &probe.exchange {
            Exchange::Send(request) if probe.kind == ProbeKind::UdpRequest => request.clone(),
            _ => (0..probe.payload_len).map(|index| index as u8).collect(),
        };
        builder.identification(identification).payload(&payload).build()
    }

    pub(crate) fn outcome(&self, id: ProbeId) -> Option<&Outcome> {
        self.probes.outcome(id)
    }

    pub(crate) fn probes(&self) -> &Probes {
        &self.probes
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
                self.abort(now, key, id);
            }
        }
        self.handle_connection_deadlines(now);
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

    /// How many TCP connections there are, lingering ones included.
    pub(crate) fn connection_count(&self) -> usize {
        self.connections.len() + self.lingering.len()
    }
}

const fn verified(is_right: bool) -> Result<(), DropReason> {
    if is_right {
        Ok(())
    } else {
        Err(drops::BAD_CHECKSUM)
    }
}
