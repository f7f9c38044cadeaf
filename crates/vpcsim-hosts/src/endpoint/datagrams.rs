//! The UDP and ICMP side of an endpoint: echo, errors, and the answers to probes.

use vpcsim_engine::Time;
use vpcsim_wire::{PacketBuilder, Protocol, Summary, icmp, icmp_error, ipv4};

use super::Endpoint;
use crate::probe::{IcmpError, Observed};

impl Endpoint {
    pub(super) fn receive_udp(
        &mut self,
        now: Time,
        packet: &[u8],
        summary: &Summary,
        payload: &[u8],
        mtu: u16,
    ) {
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

    pub(super) fn receive_icmp(
        &mut self,
        now: Time,
        packet: &[u8],
        summary: &Summary,
        message: &icmp::Message<'_>,
    ) {
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
    pub(super) fn note_error(&mut self, now: Time, offending: &Summary, error: IcmpError) {
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
