//! The way of a packet for others through a host: checked, counted down, decided about, rewritten and sent on.

use std::net::Ipv4Addr;

use vpcsim_engine::{
    Context, Decision, DropReason, FrameHeader, Handle, Later, Port, Repeat, Span, Step, Time,
};
use vpcsim_wire::{FlowKey, PacketBuilder, Summary, fragment, icmp_error, tcp};

use super::{HostNode, ask};
use crate::forwarding::{Finish, ForwardingConfig, Passage};
use crate::routing;

/// Ports from here on are for packets that were decided about and wait for their next hop's Ethernet address.
const HELD: u32 = 1 << 30;
/// A platform answers ARP within the same moment: so often a packet waits no time.
const IMMEDIATE_COUNT: u32 = 4;
/// Then it waits so long each time, and so often.
const PATIENCE: Span = Span::from_ms(100);
const PATIENCE_COUNT_MAX: u32 = 34;

type Refusal = (DropReason, Decision);

impl HostNode {
    /// Whether an IPv4 packet that came in by this port is not for the host itself but to be sent on.
    pub(super) fn is_to_forward(&self, context: &Context<'_>, port: Port, packet: Handle) -> bool {
        if self.config.forwarding.is_none() || port == super::LOOPBACK {
            return false;
        }
        let packet = context.packet(packet);
        let Some(summary) = packet.summary() else {
            return false;
        };
        if port.0 >= HELD {
            return true;
        }
        if routing::owner(&self.config.interfaces, summary.destination()).is_none() {
            return true;
        }
        let state = self.state.as_ref();
        state.is_some_and(|state| state.forwarder.is_translated(summary, packet.bytes()))
    }

    /// Sends a packet for others on.
    pub(super) fn forward(&mut self, context: &mut Context<'_>, port: Port, packet: Handle) -> Step {
        if port.0 >= HELD {
            return self.send_held(context, port, packet);
        }
        let sent = self.forward_new(context, port, packet);
        self.arm(context);
        sent.unwrap_or_else(|(reason, decision)| Step::drop(reason, decision))
    }

    fn forward_new(
        &mut self,
        context: &mut Context<'_>,
        port: Port,
        packet: Handle,
    ) -> Result<Step, Refusal> {
        let shared = std::sync::Arc::clone(&self.config);
        let (Some(config), Some(&summary)) = (&shared.forwarding, context.packet(packet).summary()) else {
            return Err((crate::drops::MALFORMED, Decision::NONE));
        };
        let now = context.now();
        if !context.leave_footprint(packet, port) {
            return Err((config.numbers.circle, config.by_host()));
        }
        let out = self.way_out(summary.destination());
        let (mtu, own) = (self.config.interfaces[out].mtu, self.own_address(out));
        self.check_path(context, port, packet, &summary, config, mtu)?;
        let bytes = context.packet(packet).bytes();
        let passage = self
            .running()
            .forwarder
            .decide(config, own, now, &summary, bytes)?;
        rewrite(context, packet, summary.key, passage);
        context.pass(packet, config.numbers.station, passage.decision);
        let out = context
            .packet(packet)
            .summary()
            .map_or(out, |summary| self.way_out(summary.destination()));
        if summary.total_len > mtu {
            cut(context, packet, mtu, out);
        } else if let Some(token) = self.token(context, packet, out, &summary, passage.decision) {
            let repeat = Repeat::ALWAYS.from_ttl(2).up_to_len(mtu);
            context.repeats(repeat.while_proceeding(token));
        }
        Ok(self.send_held(context, held(out, 0), packet))
    }

    /// Names what later packets must find as this one did, which came as `summary` says: its connection and the answer of the neighbour.
    fn token(
        &self,
        context: &Context<'_>,
        packet: Handle,
        out: usize,
        summary: &Summary,
        decision: Decision,
    ) -> Option<u64> {
        if !context.wants_repeat() {
            return None;
        }
        let config = self.config.forwarding.as_ref()?;
        let state = self.state.as_ref()?;
        let serial = state.forwarder.serial(config, summary.key, decision)?;
        let destination = context.packet(packet).summary()?.destination();
        let next_hop = routing::next_hop(self.config.interfaces.get(out)?, destination);
        let answer_number = state.neighbours[out].answer_number(next_hop, context.now())?;
        Some(u64::from(serial) << 32 | u64::from(answer_number))
    }

    /// Takes note of a packet that goes on as the one did for which [`HostNode::token`] was `token`; `None` if it does not, with nothing
    /// noted but what [`HostNode::forward`] notes, too.
    pub(super) fn proceed_forwarding(&mut self, mut later: Later<'_, '_>) -> Option<()> {
        let (now, packet, token) = (later.now, later.packet, later.token);
        let (summary, serial) = (packet.summary()?, (token >> 32) as u32);
        let config = self.config.forwarding.as_ref()?;
        let state = self.state.as_mut()?;
        let destination =
            state
                .forwarder
                .proceed(config, serial, now, summary, packet.bytes(), later.hint())?;
        let out = self.way_out(destination);
        let next_hop = routing::next_hop(self.config.interfaces.get(out)?, destination);
        let neighbours = &self.state.as_ref()?.neighbours[out];
        let answer_number = neighbours.answer_number(next_hop, now)?;
        (answer_number == token as u32).then_some(())
    }

    /// By the interface in whose subnet the destination lies, else by the primary one.
    fn way_out(&self, destination: Ipv4Addr) -> usize {
        let mut interfaces = self.config.interfaces.iter();
        interfaces
            .position(|interface| interface.is_on_link(destination))
            .unwrap_or(0)
    }

    fn own_address(&self, interface: usize) -> Ipv4Addr {
        let interface = self.config.interfaces.get(interface);
        let first = interface.and_then(|interface| interface.addresses.first());
        first.copied().unwrap_or(Ipv4Addr::UNSPECIFIED)
    }

    /// Time to live and size, which the sender is told about.
    fn check_path(
        &mut self,
        context: &Context<'_>,
        port: Port,
        packet: Handle,
        summary: &Summary,
        config: &ForwardingConfig,
        mtu: u16,
    ) -> Result<(), Refusal> {
        let own = self.own_address(port.0 as usize);
        let offending = context.packet(packet).bytes();
        let (report, reason) = if summary.ttl <= 1 {
            (
                icmp_error::time_exceeded(own, offending),
                config.numbers.ttl_expired,
            )
        } else if summary.total_len > mtu && summary.dont_fragment {
            let report = icmp_error::fragmentation_needed(own, offending, mtu);
            (report, config.numbers.too_large)
        } else {
            return Ok(());
        };
        self.running().endpoint.push_error(report);
        Err((reason, config.by_host()))
    }

    /// Sends a packet by its interface once the next hop's Ethernet address is known.
    fn send_held(&mut self, context: &mut Context<'_>, port: Port, packet: Handle) -> Step {
        let (out, attempt) = (port.0 as usize & 0xff, (port.0 & !HELD) >> 8);
        let shared = std::sync::Arc::clone(&self.config);
        let (Some(interface), Some(summary)) = (shared.interfaces.get(out), context.packet(packet).summary())
        else {
            return Step::drop(crate::drops::NO_SUCH_INTERFACE, Decision::NONE);
        };
        let next_hop = routing::next_hop(interface, summary.destination());
        let (now, own) = (context.now(), self.own_address(out));
        let neighbours = &mut self.running().neighbours[out];
        if let Some(mac) = neighbours.known(next_hop, now) {
            context
                .packet_mut(packet)
                .set_frame(FrameHeader::ipv4(interface.mac, mac));
            return Step::Forward {
                to: interface.node,
                port: interface.port,
            };
        }
        if neighbours.want(next_hop, own, now) {
            ask(context, interface, next_hop, own);
        }
        self.arm(context);
        if attempt > PATIENCE_COUNT_MAX {
            let numbers = shared
                .forwarding
                .as_ref()
                .map(|config| (config.numbers.no_next_hop, config.by_host()));
            let (reason, decision) = numbers.unwrap_or((crate::drops::NEXT_HOP_UNANSWERED, Decision::NONE));
            return Step::drop(reason, decision);
        }
        let delay = if attempt < IMMEDIATE_COUNT {
            Span::from_ns(0)
        } else {
            PATIENCE
        };
        Step::ForwardAfter {
            to: context.node(),
            port: held(out, attempt + 1),
            delay,
        }
    }

    /// Ends idle connections towards the clients behind the host, as a translating instance does (NAT-50).
    pub(super) fn end_idle(&mut self, now: Time) {
        let Some(state) = &mut self.state else { return };
        for finish in state.forwarder.expire(now) {
            let packet = fin(finish, self.config.ttl);
            state.endpoint.outbox_mut().push(packet);
        }
    }
}

/// Makes the packet its first fragment, and sends the others after it.
fn cut(context: &mut Context<'_>, packet: Handle, mtu: u16, out: usize) {
    let Ok(parts) = fragment(context.packet(packet).bytes(), usize::from(mtu)) else {
        return;
    };
    let frame = context.packet(packet).frame();
    for (index, part) in parts.iter().enumerate() {
        if index == 0 {
            let replaced = context.packet_mut(packet).replace_bytes(part);
            debug_assert!(replaced.is_ok(), "a fragment of a packet is a packet");
            continue;
        }
        let further = context.emit(frame, part);
        context.forward(further, context.node(), held(out, 0));
    }
}

fn held(out: usize, attempt: u32) -> Port {
    Port(HELD | attempt << 8 | out as u32)
}

/// Writes what was decided into the packet, which goes on as if it began here.
fn rewrite(context: &mut Context<'_>, packet: Handle, before: FlowKey, passage: Passage) {
    let forwarded = context.packet_mut(packet);
    forwarded.decrement_ttl();
    if let Some(change) = passage.embedded {
        forwarded.translate_embedded(change);
    }
    if let Some((address, port)) = passage.source {
        forwarded.set_source(address, port);
    }
    if let Some((address, port)) = passage.destination {
        forwarded.set_destination(address, port);
    }
    forwarded.set_mark(0);
    if forwarded.key() != Some(before) {
        context.rewritten(packet, before);
    }
}

fn fin(finish: Finish, ttl: u8) -> Vec<u8> {
    let Finish { key, seq, ack } = finish;
    PacketBuilder::tcp(
        key.source(),
        key.source_port(),
        key.destination(),
        key.destination_port(),
    )
    .flags(tcp::FIN | tcp::ACK)
    .seq(seq)
    .ack(ack)
    .ttl(ttl)
    .build()
}
