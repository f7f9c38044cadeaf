//! A host with network interfaces: frames, ARP and routing around an IPv4 endpoint.
//!
//! What it has to say about an inbound packet leaves in an event of its own at the same moment, so that a trace reads
//! "delivered" before "emitted".
//!
//! A packet that is larger than the receiving interface is dropped, and its sender told by ICMP (MTU-05). What a host sends to
//! one of its own addresses stays inside it, unseen by any security group (SG-17). Packets for others it drops, or sends on
//! if it [forwards](crate::forwarding).

mod forward;

use std::net::Ipv4Addr;
use std::sync::Arc;

use vpcsim_engine::{Context, Decision, DropReason, FrameHeader, Handle, Later, Node, Port, Step, Time};
use vpcsim_wire::{Arp, EtherType, Mac, arp, icmp, summarize};

use crate::alarm::Alarm;
use crate::applications::Site;
use crate::config::{Framing, HostConfig, InterfaceConfig};
use crate::drops;
use crate::endpoint::{Endpoint, Fit};
use crate::forwarding::Forwarder;
use crate::neighbours::{Neighbours, Overdue, Resolution};
use crate::probe::{Outcome, Probe, ProbeId};
use crate::routing::{self, Route};

/// The port by which a host's packets to itself enter it.
pub const LOOPBACK: Port = Port(u32::MAX);

const NO_MAC: Mac = Mac([0; 6]);

/// A host: an engine node whose port `i` is its interface `i`.
#[derive(Debug)]
pub struct HostNode {
    config: Arc<HostConfig>,
    seed: u64,
    state: Option<Box<HostState>>,
}

/// What a host needs once it has something to do.
#[derive(Debug)]
struct HostState {
    endpoint: Endpoint,
    neighbours: Vec<Neighbours>,
    forwarder: Box<Forwarder>,
    forwards_translated: bool,
    alarm: Alarm,
}

impl HostState {
    fn new(config: &HostConfig, seed: u64) -> Box<Self> {
        let endpoint = Endpoint::new(config.listeners.clone(), config.ttl, seed, Site::Page);
        let neighbours = config.interfaces.iter().map(|_| Neighbours::default()).collect();
        Box::new(Self {
            endpoint,
            neighbours,
            forwarder: Box::default(),
            forwards_translated: config.forwarding.as_ref().is_some_and(|config| config.masquerade),
            alarm: Alarm::default(),
        })
    }

    fn next_due(&mut self, now: Time) -> Option<Time> {
        let requests = self.neighbours.iter().filter_map(Neighbours::next_due);
        // Only a translating host has something to say when a connection ends.
        let connections = self.forwards_translated.then(|| self.forwarder.next_due());
        requests
            .chain(self.endpoint.next_due(now))
            .chain(connections.flatten())
            .min()
    }
}

impl HostNode {
    /// A host that costs nothing but its configuration until it has something to do.
    pub fn new(config: HostConfig) -> Self {
        let seed = config.seed;
        Self::seeded(Arc::new(config), seed)
    }

    /// The same with a configuration that other networks share, and with a seed of this network.
    pub const fn seeded(config: Arc<HostConfig>, seed: u64) -> Self {
        Self {
            config,
            seed,
            state: None,
        }
    }

    /// What it was made with.
    pub fn config(&self) -> &HostConfig {
        &self.config
    }

    /// Starts a probe at the present moment.
    pub fn start_probe(&mut self, context: &mut Context<'_>, probe: &Probe) -> ProbeId {
        let default = || routing::source_address(&self.config, probe.destination);
        let source = probe.bind.or_else(default).unwrap_or(Ipv4Addr::UNSPECIFIED);
        let mtu = self.mtu_of(source);
        let now = context.now();
        let id = self.running().endpoint.start_probe(now, source, mtu, probe);
        self.flush(context);
        id
    }

    /// What became of a probe; `None` if there was no such probe.
    pub fn outcome(&self, id: ProbeId) -> Option<&Outcome> {
        self.state.as_ref()?.endpoint.outcome(id)
    }

    /// Whether the outcome of a probe is not final yet.
    pub fn is_waiting(&self) -> bool {
        let waits = |state: &HostState| state.endpoint.probes().next_deadline().is_some();
        self.state.as_deref().is_some_and(waits)
    }

    /// Forgets all outcomes, unless a probe is still pending.
    pub fn clear_outcomes(&mut self) {
        if let Some(state) = &mut self.state {
            state.endpoint.probes_mut().clear_finished();
        }
    }

    /// How many TCP connections the host has, those that linger after their end included.
    pub fn connection_count(&self) -> usize {
        self.state
            .as_ref()
            .map_or(0, |state| state.endpoint.connection_count())
    }

    /// Sends an IPv4 packet as it is by an interface; a host without that interface does nothing.
    pub fn send_raw(&mut self, context: &mut Context<'_>, interface: usize, packet: &[u8]) {
        let Some(config) = self.config.interfaces.get(interface) else {
            return;
        };
        let Ok(summary) = summarize(packet) else { return };
        let next_hop = routing::next_hop(config, summary.destination());
        self.running();
        self.transmit_by(context, Route { interface, next_hop }, packet.to_vec());
        self.arm(context);
    }

    fn running(&mut self) -> &mut HostState {
        self.state
            .get_or_insert_with(|| HostState::new(&self.config, self.seed))
    }

    fn mtu_of(&self, address: Ipv4Addr) -> u16 {
        let interface = routing::owner(&self.config.interfaces, address).unwrap_or(0);
        self.config
            .interfaces
            .get(interface)
            .map_or(1_500, |interface| interface.mtu)
    }

    fn receive_ipv4(&mut self, context: &Context<'_>, port: Port, packet: Handle) -> Result<(), DropReason> {
        let packet = context.packet(packet);
        let summary = packet.summary().ok_or(drops::MALFORMED)?;
        let destination = summary.destination();
        if port == LOOPBACK {
            routing::owner(&self.config.interfaces, destination).ok_or(drops::NOT_FOR_THIS_HOST)?;
        } else {
            let interface = self
                .config
                .interfaces
                .get(port.0 as usize)
                .ok_or(drops::NO_SUCH_INTERFACE)?;
            if !interface.addresses.contains(&destination) {
                return Err(drops::NOT_FOR_THIS_HOST);
            }
            let mtu = interface.mtu;
            if summary.total_len > mtu {
                self.running().endpoint.refuse_size(packet.bytes(), summary, mtu);
                return Err(drops::EXCEEDS_INTERFACE_MTU);
            }
        }
        let (mtu, now) = (self.mtu_of(destination), context.now());
        self.running().endpoint.receive(now, packet.bytes(), summary, mtu)
    }

    fn receive_arp(
        &mut self,
        context: &mut Context<'_>,
        port: Port,
        packet: Handle,
    ) -> Result<(), DropReason> {
        let now = context.now();
        let interface = self
            .config
            .interfaces
            .get(port.0 as usize)
            .ok_or(drops::NO_SUCH_INTERFACE)?;
        let message = Arp::parse(context.packet(packet).bytes()).map_err(|_| drops::MALFORMED)?;
        if !interface.addresses.contains(&message.target_ip) {
            return Err(drops::NOT_FOR_THIS_HOST);
        }
        match message.operation {
            arp::Operation::Reply => {
                let state = self.running();
                let neighbours = &mut state.neighbours[port.0 as usize];
                for packet in neighbours.learn(message.sender_ip, message.sender_mac, now) {
                    state.endpoint.outbox_mut().push(packet);
                }
            }
            arp::Operation::Request => answer_arp(context, interface, &message),
        }
        Ok(())
    }

    /// Sends everything that waits to be sent, and sets the timer for what comes next.
    fn flush(&mut self, context: &mut Context<'_>) {
        while let Some(packet) = self
            .state
            .as_mut()
            .and_then(|state| state.endpoint.outbox_mut().pop())
        {
            self.transmit(context, packet);
        }
        self.arm(context);
    }

    fn arm(&mut self, context: &mut Context<'_>) {
        if let Some(state) = &mut self.state {
            let due = state.next_due(context.now());
            state.alarm.arm(context, due);
        }
    }

    fn transmit(&mut self, context: &mut Context<'_>, packet: Vec<u8>) {
        let Some((source, destination)) = addresses(&packet) else {
            return;
        };
        if routing::owner(&self.config.interfaces, destination).is_some() {
            let handle = context.emit(FrameHeader::ipv4(NO_MAC, NO_MAC), &packet);
            context.forward(handle, context.node(), LOOPBACK);
            return self.recycle(packet);
        }
        let Some(route) = routing::route(&self.config, source, destination) else {
            return;
        };
        let mtu = self.config.interfaces[route.interface].mtu;
        let now = context.now();
        match self.running().endpoint.fit(packet, mtu, now) {
            Fit::Whole(packet) => self.transmit_by(context, route, packet),
            Fit::Parts(parts) => parts
                .into_iter()
                .for_each(|part| self.transmit_by(context, route, part)),
            Fit::TooLarge(packet) => {
                self.give_up(
                    context,
                    route.interface,
                    &packet,
                    drops::EXCEEDS_PATH_MTU,
                    icmp::FRAGMENTATION_NEEDED,
                );
            }
        }
    }

    fn transmit_by(&mut self, context: &mut Context<'_>, route: Route, packet: Vec<u8>) {
        let Route { interface, next_hop } = route;
        let config = &self.config.interfaces[interface];
        let Some(state) = self.state.as_mut() else { return };
        let own = config.addresses.first().copied().unwrap_or(Ipv4Addr::UNSPECIFIED);
        let source = addresses(&packet).map_or(own, |(source, _)| source);
        let sender = if config.addresses.contains(&source) {
            source
        } else {
            own
        };
        let resolution = match config.framing {
            Framing::Raw => Resolution::Send(packet, NO_MAC),
            Framing::Ethernet => state.neighbours[interface].resolve(next_hop, sender, packet, context.now()),
        };
        match resolution {
            Resolution::Send(packet, mac) => {
                send_frame(context, config, FrameHeader::ipv4(config.mac, mac), &packet);
                self.recycle(packet);
            }
            Resolution::Ask => ask(context, config, next_hop, sender),
            Resolution::Wait => {}
            Resolution::PushedOut(packet) => {
                self.drop_unsent(context, interface, &packet, drops::NEXT_HOP_QUEUE_FULL);
            }
        }
    }

    /// Lets a packet come into being and end, so that its drop has a name.
    fn drop_unsent(&self, context: &mut Context<'_>, interface: usize, packet: &[u8], reason: DropReason) {
        let frame = FrameHeader::ipv4(self.config.interfaces[interface].mac, NO_MAC);
        let handle = context.emit(frame, packet);
        context.discard(handle, reason, Decision::NONE);
    }

    /// Drops a packet and tells the probe that sent it, with a code of "destination unreachable".
    fn give_up(
        &mut self,
        context: &mut Context<'_>,
        interface: usize,
        packet: &[u8],
        reason: DropReason,
        code: u8,
    ) {
        self.drop_unsent(context, interface, packet, reason);
        let now = context.now();
        self.running().endpoint.note_unsent(now, packet, code);
    }

    fn handle_overdue_requests(&mut self, context: &mut Context<'_>) {
        for interface in 0..self.config.interfaces.len() {
            while let Some(overdue) = self.running().neighbours[interface].pop_overdue(context.now()) {
                match overdue {
                    Overdue::Ask(next_hop, sender) => {
                        ask(context, &self.config.interfaces[interface], next_hop, sender);
                    }
                    Overdue::GiveUp(packets) => packets.iter().for_each(|packet| {
                        let (reason, code) = (drops::NEXT_HOP_UNANSWERED, icmp::HOST_UNREACHABLE);
                        self.give_up(context, interface, packet, reason, code);
                    }),
                }
            }
        }
    }

    fn recycle(&mut self, packet: Vec<u8>) {
        if let Some(state) = &mut self.state {
            state.endpoint.outbox_mut().recycle(packet);
        }
    }
}

impl Node for HostNode {
    fn process(&mut self, context: &mut Context<'_>, port: Port, packet: Handle) -> Step {
        if context.packet(packet).frame().ethertype == EtherType::IPV4
            && self.is_to_forward(context, port, packet)
        {
            return self.forward(context, port, packet);
        }
        context.never_repeats();
        let received = match context.packet(packet).frame().ethertype {
            EtherType::ARP => self.receive_arp(context, port, packet),
            EtherType::IPV4 => self.receive_ipv4(context, port, packet),
            _ => Err(drops::MALFORMED),
        };
        self.arm(context);
        match received {
            Ok(()) => Step::Deliver,
            Err(reason) => Step::drop(reason, Decision::NONE),
        }
    }

    fn repeats(&self) -> bool {
        self.config.forwarding.is_some()
    }

    fn proceed(&mut self, later: Later<'_, '_>) -> bool {
        self.proceed_forwarding(later).is_some()
    }

    fn on_timer(&mut self, context: &mut Context<'_>, _: u64) {
        let Some(state) = &mut self.state else { return };
        state.alarm.fired();
        // A next hop that does not answer ends probes, which then send nothing any more.
        self.handle_overdue_requests(context);
        let now = context.now();
        self.running().endpoint.handle_deadlines(now);
        self.end_idle(now);
        self.flush(context);
    }
}

/// Source and destination of a packet.
pub(crate) fn addresses(packet: &[u8]) -> Option<(Ipv4Addr, Ipv4Addr)> {
    let (source, rest) = packet.get(12..)?.split_first_chunk::<4>()?;
    let destination = rest.first_chunk::<4>()?;
    Some((Ipv4Addr::from(*source), Ipv4Addr::from(*destination)))
}

fn send_frame(context: &mut Context<'_>, interface: &InterfaceConfig, frame: FrameHeader, bytes: &[u8]) {
    let handle = context.emit(frame, bytes);
    context.forward(handle, interface.node, interface.port);
}

fn ask(context: &mut Context<'_>, interface: &InterfaceConfig, target_ip: Ipv4Addr, sender_ip: Ipv4Addr) {
    let (sender_mac, target_mac) = (interface.mac, NO_MAC);
    let request = Arp {
        operation: arp::Operation::Request,
        sender_mac,
        sender_ip,
        target_mac,
        target_ip,
    };
    let frame = FrameHeader {
        destination: Mac::BROADCAST,
        source: sender_mac,
        ethertype: EtherType::ARP,
    };
    send_frame(context, interface, frame, &request.emit());
}

fn answer_arp(context: &mut Context<'_>, interface: &InterfaceConfig, request: &Arp) {
    let reply = Arp {
        operation: arp::Operation::Reply,
        sender_mac: interface.mac,
        sender_ip: request.target_ip,
        target_mac: request.sender_mac,
        target_ip: request.sender_ip,
    };
    let frame = FrameHeader {
        destination: request.sender_mac,
        source: interface.mac,
        ethertype: EtherType::ARP,
    };
    send_frame(context, interface, frame, &reply.emit());
}
