//! The running NAT gateway: what it does with a packet around the [translation](super::translation_table).

use std::net::Ipv4Addr;
use std::sync::Arc;

use vpcsim_engine::{
    CapturePoint, Context, Decision, Direction, DropReason, FrameHeader, Handle, Later, Node, NodeId, Port, Repeat,
    Span, Step, Time,
};
use vpcsim_wire::rewrite::EmbeddedChange;
use vpcsim_wire::{FlowKey, Mac, Protocol, Summary, icmp, icmp_error, tcp_reset};

use super::metrics::{NatGatewayMetrics, Volume};
use super::translation_table::{Translation, TranslationTable};
use super::{ADDRESSED, NatGatewayState};
use crate::compile::Fabric;
use crate::devices::subnet;
use crate::drop_reason;
use crate::mark;
use crate::mtu::{self, Fit, PathMtu};
use crate::public_address::is_private;
use crate::rate_limit::{self, RateLimit, RateLimiter};
use crate::sets::{PacketSet, SetDevice, SetStep, SetWay, TrafficSet};
use crate::station;
use crate::traffic::Traffic;

/// The segment size that TCP is held to towards the internet (NAT-23).
pub const MSS_INTERNET: u16 = 1460;
/// The segment size that TCP is held to towards other networks (NAT-23).
pub const MSS_INSIDE: u16 = 8460;

/// The least time to live that gets through.
const TTL_MIN: u8 = 2;

/// What the device looks up and never changes.
#[derive(Debug)]
pub(in crate::devices) struct Plan {
    pub(in crate::devices) decision: Decision,
    pub(in crate::devices) state: NatGatewayState,
    /// Whether an internet gateway gives its addresses public ones.
    pub(in crate::devices) is_public: bool,
    pub(in crate::devices) addresses: Vec<Ipv4Addr>,
    /// Whether a transit gateway is attached to the VPC: then what instances forward may have come from beyond (TGW-49).
    pub(in crate::devices) has_transit: bool,
    pub(in crate::devices) fabric: Arc<Fabric>,
    pub(in crate::devices) subnet_node: NodeId,
    pub(in crate::devices) mac: Mac,
    pub(in crate::devices) router_mac: Mac,
    /// What it carries, if the design holds it to that (NAT-33).
    pub(in crate::devices) limit: Option<RateLimit>,
    pub(in crate::devices) inside: CapturePoint,
    pub(in crate::devices) outside: CapturePoint,
}

/// Which way a packet goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    Out,
    In,
}

/// A running NAT gateway.
#[derive(Clone, Debug)]
pub struct NatGatewayDevice {
    plan: Arc<Plan>,
    table: TranslationTable,
    metrics: NatGatewayMetrics,
    limiter: Option<RateLimiter>,
}

impl Node for NatGatewayDevice {
    fn process(&mut self, context: &mut Context<'_>, port: Port, packet: Handle) -> Step {
        let decision = self.plan.decision;
        let Some(summary) = context.packet(packet).summary().copied() else {
            return Step::drop(drop_reason::MALFORMED, decision);
        };
        let way = Way::by(port);
        self.note_arrival(context, packet, &summary, way);
        let len = usize::from(summary.total_len);
        let wait = self.limiter.as_mut().map_or(Some(Span::ZERO), |limiter| limiter.admit(context.now(), len));
        let carried = match wait {
            Some(wait) => self.carry(context, packet, &summary, way).map(|()| wait),
            None => Err(drop_reason::NAT_RATE),
        };
        match carried {
            Ok(wait) => {
                if wait == Span::ZERO {
                    say_repeat(context, packet, way);
                }
                let step = Step::Forward { to: self.plan.subnet_node, port: subnet::FROM_GATEWAY };
                rate_limit::after(step, wait)
            }
            Err(reason) => {
                self.metrics.packets_drop_count += 1;
                Step::drop(reason, decision)
            }
        }
    }

    fn repeats(&self) -> bool {
        true
    }

    /// A packet keeps its mapping alive and is counted, as long as the mapping is still the one that it was.
    fn proceed(&mut self, later: Later<'_, '_>) -> bool {
        let Later { now, port, packet, token, .. } = later;
        let Some(summary) = packet.summary() else { return false };
        let (way, len) = (Way::by(port), usize::from(summary.total_len));
        if self.limiter.as_ref().is_some_and(|limiter| !limiter.has_room(now, len)) {
            return false;
        }
        let proceeds = match way {
            Way::Out => self.table.proceed_outgoing(now, summary, Translation::from_token(token)),
            Way::In => self.table.proceed_incoming(now, summary, Translation::from_token(token)),
        };
        if proceeds {
            if let Some(limiter) = &mut self.limiter {
                limiter.admit(now, len);
            }
            self.metrics.volumes(way).0.count(len);
            self.metrics.volumes(way).1.count(packet.bytes().len());
        }
        proceeds
    }
}

/// Later packets fare alike while they are translated alike.
fn say_repeat(context: &mut Context<'_>, packet: Handle, way: Way) {
    let Some(key) = context.packet(packet).key() else { return };
    let (address, port) = match way {
        Way::Out => (key.source(), key.source_port()),
        Way::In => (key.destination(), key.destination_port()),
    };
    let translation = Translation { address, port: Some(port) };
    let repeat = Repeat::ALWAYS.from_ttl(TTL_MIN).up_to_len(PathMtu::NAT_GATEWAY.0);
    context.repeats(repeat.while_proceeding(translation.token()));
}

impl Way {
    fn by(port: Port) -> Self {
        if port == ADDRESSED { Self::In } else { Self::Out }
    }
}

impl NatGatewayDevice {
    pub(in crate::devices) fn new(plan: Plan) -> Self {
        Self {
            limiter: plan.limit.map(RateLimiter::new),
            table: TranslationTable::new(plan.addresses.clone()),
            plan: Arc::new(plan),
            metrics: NatGatewayMetrics::default(),
        }
    }

    /// What it has counted up to `now`.
    pub fn metrics(&mut self, now: Time) -> NatGatewayMetrics {
        self.table.expire(now);
        self.metrics.with_connections(self.table.counts())
    }

    /// Its translations.
    pub const fn table(&self) -> &TranslationTable {
        &self.table
    }

    fn note_arrival(&mut self, context: &mut Context<'_>, packet: Handle, summary: &Summary, way: Way) {
        self.metrics.volumes(way).0.count(usize::from(summary.total_len));
        context.capture(packet, self.plan.near(way), Direction::Inbound);
    }

    fn note_departure(&mut self, context: &mut Context<'_>, packet: Handle, way: Way) {
        self.metrics.volumes(way).1.count(context.packet(packet).bytes().len());
        context.capture(packet, self.plan.far(way), Direction::Outbound);
    }

    fn carry(
        &mut self,
        context: &mut Context<'_>,
        packet: Handle,
        summary: &Summary,
        way: Way,
    ) -> Result<(), DropReason> {
        self.plan.admit(summary, way, context.packet(packet).mark())?;
        self.check_path(context, packet, summary, way)?;
        let now = context.now();
        let (translation, embedded) = match summary.embedded(context.packet(packet).bytes()) {
            Some(inner) => self.translate_error(now, summary, &inner, way)?,
            None => (self.translate(context, packet, summary, way)?, None),
        };
        self.rewrite(context, packet, way, translation, embedded);
        context.rewritten(packet, summary.key);
        context.pass(packet, station::GATEWAY, self.plan.decision);
        if let Fit::Fragments(fragments) = PathMtu::NAT_GATEWAY.check(context.packet(packet)) {
            for further in mtu::cut(context, packet, &fragments) {
                self.note_departure(context, further, way);
                context.forward(further, self.plan.subnet_node, subnet::FROM_GATEWAY);
            }
        }
        self.note_departure(context, packet, way);
        Ok(())
    }

    /// Time to live and size, which the sender is told about (NAT-22, NAT-52).
    fn check_path(
        &mut self,
        context: &mut Context<'_>,
        packet: Handle,
        summary: &Summary,
        way: Way,
    ) -> Result<(), DropReason> {
        let Some(&own) = self.plan.addresses.first() else {
            return Err(drop_reason::NAT_NOT_AVAILABLE);
        };
        let offending = context.packet(packet).bytes();
        let may_be_cut = summary.is_udp() && !summary.dont_fragment;
        let (report, reason) = if summary.ttl < TTL_MIN {
            (icmp_error::time_exceeded(own, offending), drop_reason::TTL_EXPIRED)
        } else if summary.total_len > PathMtu::NAT_GATEWAY.0 && !may_be_cut {
            let report = icmp_error::fragmentation_needed(own, offending, PathMtu::NAT_GATEWAY.0);
            (report, drop_reason::MTU_EXCEEDED)
        } else {
            return Ok(());
        };
        if let Some(report) = report {
            self.send_back(context, &report, way);
        }
        Err(reason)
    }

    fn translate(
        &mut self,
        context: &mut Context<'_>,
        packet: Handle,
        summary: &Summary,
        way: Way,
    ) -> Result<Translation, DropReason> {
        if way == Way::In {
            return self.table.translate_incoming(context.now(), summary);
        }
        let translated = self.table.translate_outgoing(context.now(), summary);
        if translated == Err(drop_reason::NAT_NO_STATE) {
            self.reset(context, packet, summary);
        }
        translated
    }

    /// A client that goes on with a connection which the gateway does not know is told so (NAT-12).
    fn reset(&mut self, context: &mut Context<'_>, packet: Handle, summary: &Summary) {
        if let Some(reset) = tcp_reset::reset_for(context.packet(packet).bytes(), summary) {
            self.send_back(context, &reset, Way::Out);
        }
    }

    /// Sends a packet of its own to the side that `way` comes from.
    fn send_back(&mut self, context: &mut Context<'_>, bytes: &[u8], way: Way) {
        let answer = context.emit(FrameHeader::ipv4(self.plan.mac, self.plan.router_mac), bytes);
        let back = match way {
            Way::Out => Way::In,
            Way::In => Way::Out,
        };
        context.packet_mut(answer).set_mark(mark::GROUP_UNKNOWN);
        self.note_departure(context, answer, back);
        context.forward(answer, self.plan.subnet_node, subnet::FROM_GATEWAY);
    }

    /// An ICMP error goes where the flow that it is about comes from, with that flow as it looks there (NAT-20).
    fn translate_error(
        &mut self,
        now: Time,
        summary: &Summary,
        inner: &Summary,
        way: Way,
    ) -> Result<(Translation, Option<EmbeddedChange>), DropReason> {
        if summary.is_fragment() {
            return Err(drop_reason::NAT_FRAGMENT);
        }
        let found = match way {
            Way::Out => self.table.translate_outgoing_error(now, inner),
            Way::In => self.table.translate_incoming_error(now, inner),
        };
        let translation = found.ok_or(drop_reason::NAT_NO_STATE)?;
        let end = Some((translation.address, translation.port));
        let change = match way {
            Way::Out => EmbeddedChange { source: None, destination: end },
            Way::In => EmbeddedChange { source: end, destination: None },
        };
        Ok((translation, Some(change)))
    }

    fn rewrite(
        &self,
        context: &mut Context<'_>,
        packet: Handle,
        way: Way,
        translation: Translation,
        embedded: Option<EmbeddedChange>,
    ) {
        let packet = context.packet_mut(packet);
        packet.decrement_ttl();
        if let Some(change) = embedded {
            packet.translate_embedded(change);
        }
        let Translation { address, port } = translation;
        let remote = match way {
            Way::Out => packet.key().map(FlowKey::destination),
            Way::In => packet.key().map(FlowKey::source),
        };
        match way {
            Way::Out => packet.set_source(address, port),
            Way::In => packet.set_destination(address, port),
        }
        packet.clamp_mss(self.plan.mss_max(remote.unwrap_or(Ipv4Addr::UNSPECIFIED)));
        packet.set_mark(packet.mark() | mark::GROUP_UNKNOWN);
    }
}

impl NatGatewayMetrics {
    /// What comes in that goes this way, and what goes out.
    fn volumes(&mut self, way: Way) -> (&mut Volume, &mut Volume) {
        match way {
            Way::Out => (&mut self.in_from_source, &mut self.out_to_destination),
            Way::In => (&mut self.in_from_destination, &mut self.out_to_source),
        }
    }
}

impl Plan {
    /// Where a packet comes in that goes this way.
    fn near(&self, way: Way) -> CapturePoint {
        match way {
            Way::Out => self.inside,
            Way::In => self.outside,
        }
    }

    /// Where a packet goes out that goes this way.
    fn far(&self, way: Way) -> CapturePoint {
        match way {
            Way::Out => self.outside,
            Way::In => self.inside,
        }
    }

    /// Whether the gateway serves such a packet at all.
    fn admit(&self, packet: &Summary, way: Way, mark: u64) -> Result<(), DropReason> {
        self.admit_source(packet.source(), way, mark)?;
        match packet.protocol() {
            Protocol::ICMP if packet.is_fragment() => Err(drop_reason::NAT_FRAGMENT),
            Protocol::TCP | Protocol::UDP | Protocol::ICMP => Ok(()),
            _ => Err(drop_reason::NAT_PROTOCOL),
        }
    }

    /// Whether the gateway works, and serves such a source.
    fn admit_source(&self, source: Ipv4Addr, way: Way, mark: u64) -> Result<(), DropReason> {
        match self.state {
            NatGatewayState::Available | NatGatewayState::Deleting => {}
            _ => return Err(drop_reason::NAT_NOT_AVAILABLE),
        }
        if way == Way::In {
            return Ok(());
        }
        if self.addresses.contains(&source) {
            return Err(drop_reason::ROUTE_LOOP);
        }
        let foreign = if self.has_transit { mark::FROM_TRANSIT_GATEWAY | mark::FORWARDED } else { mark::FROM_TRANSIT_GATEWAY };
        if !self.fabric.covers(source) && mark & foreign == 0 {
            return Err(drop_reason::NAT_SOURCE_NOT_IN_VPC);
        }
        Ok(())
    }

    fn mss_max(&self, remote: Ipv4Addr) -> u16 {
        let is_outside = !is_private(remote) && !self.fabric.covers(remote);
        if self.is_public && is_outside { MSS_INTERNET } else { MSS_INSIDE }
    }
}

impl SetDevice for NatGatewayDevice {
    fn pass(&self, port: Port, packets: &mut PacketSet, way: &mut SetWay) -> SetStep {
        let plan = &*self.plan;
        let drop = |reason| SetStep::Drop(reason, plan.decision);
        let side = if port == ADDRESSED { Way::In } else { Way::Out };
        if let Err(reason) = plan.admit_source(packets.source, side, packets.mark) {
            return drop(reason);
        }
        let Some(&outside) = plan.addresses.first() else { return drop(drop_reason::NAT_NOT_AVAILABLE) };
        packets.only(&[Protocol::TCP, Protocol::UDP, Protocol::ICMP], drop_reason::NAT_PROTOCOL, plan.decision, way);
        match side {
            Way::In if way.restore(packets).is_none() => return drop(drop_reason::NAT_NO_STATE),
            // Answers that come from inside find no translation of their own flow.
            Way::Out if way.is_answer() => return SetStep::Opaque,
            Way::In => {}
            Way::Out => {
                let opens = packets.traffic.without(&other_icmp());
                packets.narrow(&opens, drop_reason::NAT_NO_STATE, plan.decision, way);
                way.translate(packets, outside);
            }
        }
        packets.mark |= mark::GROUP_UNKNOWN;
        SetStep::Forward(plan.subnet_node, subnet::FROM_GATEWAY)
    }
}

/// ICMP that opens no translation: all but echo requests.
fn other_icmp() -> TrafficSet {
    let icmp = TrafficSet::from(Traffic::ICMP);
    icmp.without(&TrafficSet::from(Traffic::Icmp { icmp_type: Some(icmp::ECHO_REQUEST), icmp_code: None }))
}

#[cfg(test)]
mod tests {
    use vpcsim_engine::Span;
    use vpcsim_wire::{PacketBuilder, fragment, icmp, summarize, tcp};

    use super::super::samples::{Design, NAT};
    use super::super::{Connectivity, NatGateway, NatGatewayAddress, ROUTED};
    use super::*;
    use crate::devices::Kind;
    use crate::model::Id;
    use crate::stand::{Arrival, Stand, ip};

    const CLIENT: &str = "10.0.1.5";
    const FAR: &str = "198.51.100.9";

    struct Bench {
        stand: Stand,
        nat: NodeId,
        subnet: NodeId,
    }

    impl Bench {
        fn new() -> Self {
            Self::of(|_| ())
        }

        fn of(change: impl FnOnce(&mut NatGateway)) -> Self {
            let mut design = Design::new();
            change(&mut design.topology.nat_gateways[design.nat]);
            design.topology.settings.limits = None;
            Self::on(&design)
        }

        fn on(design: &Design) -> Self {
            let stand = Stand::new(&design.topology, &[Kind::NatGateway]);
            Self {
                nat: stand.node(design.nat),
                subnet: stand.node(design.public_subnet),
                stand,
            }
        }

        /// What leaves towards the subnet when a packet comes by a route.
        fn out(&mut self, bytes: &[u8]) -> Vec<Arrival> {
            self.stand.send(self.nat, ROUTED, bytes);
            self.stand.take_arrivals(self.subnet)
        }

        /// What leaves towards the subnet when a packet comes for the gateway's address.
        fn back(&mut self, bytes: &[u8]) -> Vec<Arrival> {
            self.stand.send(self.nat, ADDRESSED, bytes);
            self.stand.take_arrivals(self.subnet)
        }

        fn metrics(&mut self) -> NatGatewayMetrics {
            let metrics = |nat: &mut NatGatewayDevice, context: &mut Context<'_>| nat.metrics(context.now());
            self.stand.network.act(self.nat, metrics).unwrap()
        }

        fn seconds(&mut self, s: u64) {
            self.stand.wait(Span::from_secs(s));
        }
    }

    fn tcp(flags: u8) -> PacketBuilder {
        PacketBuilder::tcp(ip(CLIENT), 40_000, ip(FAR), 443).flags(flags)
    }

    fn tcp_back(port: u16, flags: u8) -> PacketBuilder {
        PacketBuilder::tcp(ip(FAR), 443, ip(NAT), port).flags(flags)
    }

    fn udp(from: &str, to: &str) -> PacketBuilder {
        PacketBuilder::udp(ip(from), 500, ip(to), 4500)
    }

    #[test]
    fn the_source_becomes_the_private_address_and_answers_find_back() {
        let mut bench = Bench::new();
        let out = bench.out(&tcp(tcp::SYN).build());
        assert_eq!(out[0].key().to_string(), "10.0.0.220:1024 > 198.51.100.9:443 tcp");
        assert_eq!(out[0].port, subnet::FROM_GATEWAY, "its own subnet's table decides");
        assert!(out[0].has_mark(mark::GROUP_UNKNOWN), "the client's security groups are hidden");
        let back = bench.back(&tcp_back(1024, tcp::SYN | tcp::ACK).build());
        assert_eq!(back[0].key().to_string(), "198.51.100.9:443 > 10.0.1.5:40000 tcp");
        assert_eq!((out[0].summary().ttl, back[0].summary().ttl), (63, 63));
    }

    #[test]
    fn a_gateway_that_is_not_available_drops_and_one_being_deleted_forwards() {
        for (state, drops) in [
            (NatGatewayState::Pending, 1),
            (NatGatewayState::Failed, 1),
            (NatGatewayState::Deleting, 0),
        ] {
            let mut bench = Bench::of(|nat| nat.state = state);
            bench.out(&tcp(tcp::SYN).build());
            assert_eq!(bench.stand.drops(), vec!["NAT_NOT_AVAILABLE"; drops], "{state:?}");
        }
    }

    #[test]
    fn what_is_over_its_packets_a_second_is_dropped_and_counted() {
        assert_eq!(rate_limit::Limits::default().nat_gateway.packets_per_s, 10_000_000);
        let mut design = Design::new();
        let limits = design.topology.settings.limits.as_mut().expect("limits are on");
        limits.nat_gateway.packets_per_s = 1_000;
        let mut bench = Bench::on(&design);
        for _ in 0..30 {
            bench.stand.send(bench.nat, ROUTED, &udp(CLIENT, FAR).build());
        }
        bench.seconds(1);
        assert_eq!(bench.stand.take_arrivals(bench.subnet).len(), 20, "10 ms at once and 10 ms from the queue");
        assert_eq!(bench.stand.drops(), ["NAT_RATE"; 10]);
        assert_eq!(bench.metrics().packets_drop_count, 10);
    }

    #[test]
    fn other_protocols_are_dropped_in_both_directions() {
        let mut bench = Bench::new();
        bench.out(&PacketBuilder::raw(ip(CLIENT), ip(FAR), Protocol::ESP, &[0; 20]).build());
        bench.back(&PacketBuilder::raw(ip(FAR), ip(NAT), Protocol::GRE, &[0; 20]).build());
        assert_eq!(bench.stand.drops(), ["NAT_PROTOCOL"; 2]);
    }

    #[test]
    fn idle_tcp_session_is_reset_after_350_seconds() {
        let mut bench = Bench::new();
        bench.out(&tcp(tcp::SYN).build());
        bench.seconds(349);
        assert_eq!(bench.out(&tcp(tcp::ACK).build())[0].key().source(), ip(NAT));
        bench.seconds(351);
        let answers = bench.out(&tcp(tcp::ACK).ack(77).build());
        assert_eq!(answers[0].key().to_string(), "198.51.100.9:443 > 10.0.1.5:40000 tcp");
        assert!(answers[0].summary().is_rst());
        assert_eq!(bench.stand.drops(), ["NAT_NO_STATE"]);
        assert!(bench.back(&tcp_back(1024, tcp::ACK).build()).is_empty(), "silent towards outside");
        assert_eq!(bench.stand.drops(), ["NAT_NO_STATE"]);
    }

    #[test]
    fn an_unknown_syn_ack_and_a_packet_amid_a_connection_are_answered_with_a_reset() {
        for flags in [tcp::SYN | tcp::ACK, tcp::ACK | tcp::PSH] {
            let mut bench = Bench::new();
            let answers = bench.out(&tcp(flags).build());
            assert!(answers.len() == 1 && answers[0].summary().is_rst());
            assert_eq!(bench.stand.drops(), ["NAT_NO_STATE"]);
        }
        let mut bench = Bench::new();
        assert!(bench.out(&tcp(tcp::RST).build()).is_empty(), "a reset is not answered");
    }

    #[test]
    fn nothing_is_opened_from_outside() {
        let mut bench = Bench::new();
        assert!(bench.back(&tcp_back(443, tcp::SYN).build()).is_empty());
        assert!(bench.back(&udp(FAR, NAT).build()).is_empty());
        assert_eq!(bench.stand.drops(), ["NAT_NO_STATE"; 2]);
    }

    #[test]
    fn pings_to_the_gateway_are_not_answered() {
        let mut bench = Bench::new();
        for from in [FAR, CLIENT] {
            assert!(bench.back(&PacketBuilder::icmp_echo(ip(from), ip(NAT), 1, 1).build()).is_empty());
        }
        assert_eq!(bench.stand.drops(), ["NAT_NO_STATE"; 2]);
    }

    #[test]
    fn pings_through_the_gateway_come_back_with_their_own_identifier() {
        let mut bench = Bench::new();
        let out = bench.out(&PacketBuilder::icmp_echo(ip(CLIENT), ip(FAR), 7, 1).build());
        let identifier = out[0].key().source_port();
        assert_eq!(identifier, 1024);
        let back = bench.back(&PacketBuilder::icmp_reply(ip(FAR), ip(NAT), identifier, 1).build());
        assert_eq!((back[0].key().destination(), back[0].key().source_port()), (ip(CLIENT), 7));
    }

    #[test]
    fn icmp_errors_are_translated_with_the_packet_inside() {
        let mut bench = Bench::new();
        let out = bench.out(&tcp(tcp::SYN).build()).remove(0);
        let error = icmp_error::unreachable(ip("198.51.100.1"), &out.bytes, icmp::HOST_UNREACHABLE).unwrap();
        let back = bench.back(&error).remove(0);
        assert_eq!(back.key().destination(), ip(CLIENT));
        let inner = back.summary().embedded(&back.bytes).unwrap();
        assert_eq!(inner.key.to_string(), "10.0.1.5:40000 > 198.51.100.9:443 tcp");

        let answer = bench.back(&tcp_back(1024, tcp::ACK).build()).remove(0);
        let error = icmp_error::port_unreachable(ip(CLIENT), &answer.bytes).unwrap();
        let out = bench.out(&error).remove(0);
        assert_eq!((out.key().source(), out.key().destination()), (ip(NAT), ip(FAR)));
        let inner = out.summary().embedded(&out.bytes).unwrap();
        assert_eq!(inner.key.to_string(), "198.51.100.9:443 > 10.0.0.220:1024 tcp");
        bench.out(&icmp_error::port_unreachable(ip(CLIENT), &tcp_back(9, tcp::ACK).build()).unwrap());
        assert_eq!(bench.stand.drops(), ["NAT_NO_STATE"]);
    }

    #[test]
    fn udp_fragments_pass_both_ways_and_others_are_dropped() {
        let mut bench = Bench::new();
        let parts = fragment(&udp(CLIENT, FAR).payload(&[7; 4000]).identification(5).build(), 1500).unwrap();
        for part in &parts {
            assert_eq!(bench.out(part)[0].key().source(), ip(NAT));
        }
        let answer = PacketBuilder::udp(ip(FAR), 4500, ip(NAT), 1024).payload(&[7; 4000]).identification(6);
        for part in fragment(&answer.build(), 1500).unwrap() {
            assert_eq!(bench.back(&part)[0].key().destination(), ip(CLIENT));
        }
        let echo = PacketBuilder::icmp_echo(ip(CLIENT), ip(FAR), 1, 1).payload(&[0; 10_000]);
        let segment = tcp(tcp::ACK).payload(&[0; 4000]);
        for packet in [echo.build(), segment.build()] {
            let part = fragment(&packet, 1500).unwrap().remove(0);
            assert!(bench.out(&part).is_empty(), "not even a reset");
        }
        assert_eq!(bench.stand.drops(), ["NAT_FRAGMENT"; 2]);
    }

    #[test]
    fn a_packet_over_8500_bytes_is_cut_or_answered_with_the_limit() {
        let mut bench = Bench::new();
        let lengths = |arrivals: Vec<Arrival>| -> Vec<_> { arrivals.iter().map(|arrival| arrival.bytes.len()).collect() };
        assert_eq!(lengths(bench.out(&udp(CLIENT, FAR).payload(&[0; 8472]).build())), [8500]);
        let cut = bench.out(&udp(CLIENT, FAR).payload(&[0; 8972]).build());
        assert!(cut.iter().all(|arrival| arrival.key().source() == ip(NAT)));
        assert_eq!(lengths(cut), [8500, 520]);
        let reports = bench.out(&udp(CLIENT, FAR).payload(&[0; 8973]).dont_fragment(true).build());
        let summary = reports[0].summary();
        assert_eq!((summary.source(), summary.destination()), (ip(NAT), ip(CLIENT)));
        let message = icmp::Message::parse(&reports[0].bytes[20..]).unwrap();
        assert_eq!(message.next_hop_mtu(), Some(8500));
        assert_eq!(bench.stand.drops(), ["MTU_EXCEEDED"]);
    }

    #[test]
    fn segment_sizes_are_held_to_the_way_that_lies_ahead() {
        let mss = |arrival: &Arrival| tcp::Segment::parse(&arrival.bytes[20..]).unwrap().mss();
        let syn = |to: &str| PacketBuilder::tcp(ip(CLIENT), 1, ip(to), 80).flags(tcp::SYN).mss(8961).build();
        let mut bench = Bench::new();
        assert_eq!(mss(&bench.out(&syn(FAR))[0]), Some(1460));
        assert_eq!(mss(&bench.out(&syn("10.9.0.7"))[0]), Some(8460));
        let accepted = PacketBuilder::tcp(ip(FAR), 80, ip(NAT), 1024).flags(tcp::SYN | tcp::ACK).mss(8961).build();
        assert_eq!(mss(&bench.back(&accepted)[0]), Some(1460), "of both sides");
        let mut private = Bench::of(|nat| nat.connectivity = Connectivity::Private);
        assert_eq!(mss(&private.out(&syn(FAR))[0]), Some(8460));
    }

    #[test]
    fn a_route_back_to_the_gateway_is_a_loop() {
        let mut bench = Bench::new();
        let out = bench.out(&tcp(tcp::SYN).build()).remove(0);
        assert!(bench.out(&out.bytes).is_empty());
        assert_eq!(bench.stand.drops(), ["ROUTE_LOOP"]);
    }

    #[test]
    fn sources_outside_the_vpc_are_not_served() {
        let mut bench = Bench::new();
        bench.out(&udp("10.9.0.7", FAR).build());
        assert_eq!(bench.stand.drops(), ["NAT_SOURCE_NOT_IN_VPC"]);
    }

    #[test]
    fn the_time_to_live_ends_at_the_gateway_which_says_so() {
        let mut bench = Bench::new();
        let reports = bench.out(&udp(CLIENT, FAR).ttl(1).build());
        let summary = reports[0].summary();
        assert_eq!((summary.source(), summary.destination()), (ip(NAT), ip(CLIENT)));
        assert_eq!((summary.icmp_type, summary.icmp_code), (11, 0));
        assert_eq!(bench.stand.drops(), ["TTL_EXPIRED"]);
        assert_eq!(bench.out(&udp(CLIENT, FAR).ttl(2).build())[0].summary().ttl, 1);
    }

    #[test]
    fn a_second_address_takes_over_after_55000_connections_to_one_destination() {
        let mut bench = Bench::of(|nat| {
            nat.addresses.push(NatGatewayAddress {
                private: ip("10.0.0.221"),
                public: Some(ip("203.0.113.221")),
            });
        });
        for last in 5..=7_u8 {
            for port in 1..=55_000 {
                if last == 7 && port > 1 {
                    break;
                }
                let from = Ipv4Addr::new(10, 0, 1, last);
                let packet = PacketBuilder::udp(from, port, ip(FAR), 53).build();
                let out = bench.out(&packet);
                let expected = [ip(NAT), ip("10.0.0.221")].get(usize::from(last) - 5).copied();
                assert_eq!(out.first().map(|arrival| arrival.key().source()), expected);
            }
        }
        assert_eq!(bench.stand.drops(), ["NAT_PORT_EXHAUSTED"]);
        assert_eq!(bench.metrics().error_port_allocation, 1);
    }

    #[test]
    fn the_gateway_counts_what_cloudwatch_shows() {
        let mut bench = Bench::new();
        bench.out(&tcp(tcp::SYN).build());
        assert_eq!(bench.metrics().connection_established_count, 0);
        bench.back(&tcp_back(1024, tcp::SYN | tcp::ACK).build());
        bench.back(&tcp_back(9, tcp::SYN).build());
        let metrics = bench.metrics();
        assert_eq!((metrics.connection_attempt_count, metrics.connection_established_count), (1, 1));
        assert_eq!((metrics.active_connection_count, metrics.packets_drop_count), (1, 1));
        assert_eq!((metrics.in_from_source.packets, metrics.out_to_destination.bytes), (1, 40));
        assert_eq!((metrics.in_from_destination.packets, metrics.out_to_source.packets), (2, 1));
        bench.seconds(351);
        let metrics = bench.metrics();
        assert_eq!((metrics.active_connection_count, metrics.idle_timeout_count), (0, 1));
    }

    #[test]
    fn packets_are_captured_inside_and_outside() {
        let mut bench = Bench::new();
        bench.out(&tcp(tcp::SYN).build());
        bench.back(&tcp_back(1024, tcp::SYN | tcp::ACK).build());
        let captures = bench.stand.captures();
        let points: Vec<_> = captures.iter().map(|(name, way, _)| (name.as_str(), *way)).collect();
        let (inside, outside) = ("nat-10.0.0.220 inside", "nat-10.0.0.220 outside");
        let expected = [
            (inside, Direction::Inbound),
            (outside, Direction::Outbound),
            (outside, Direction::Inbound),
            (inside, Direction::Outbound),
        ];
        assert_eq!(points, expected);
        assert!(captures[0].2.starts_with(CLIENT) && captures[1].2.starts_with(NAT));
    }

    #[test]
    fn routes_lead_to_it_only_in_its_own_vpc_and_while_it_exists() {
        use crate::compile::{NextHop, Place};
        let mut design = Design::new();
        let other = crate::stand::vpc(&mut design.topology, "other", &["10.1.0.0/16"]);
        let mut place = Place::new(&design.topology);
        design.topology.place_resources(&mut place);
        let vpc = Id::from_index(0);
        let NextHop::Inside(index) = place.next_hop(design.nat.into(), vpc) else {
            panic!("it stands in the VPC");
        };
        assert_eq!(place.fabric(vpc).claim(index).port, ROUTED);
        assert_eq!(place.next_hop(design.nat.into(), other), NextHop::Blackhole);
        let mut topology = design.topology.clone();
        topology.nat_gateways[design.nat].state = NatGatewayState::Deleted;
        let mut place = Place::new(&topology);
        topology.place_resources(&mut place);
        assert_eq!(place.next_hop(design.nat.into(), vpc), NextHop::Blackhole);
    }

    #[test]
    fn no_bytes_make_the_gateway_panic() {
        let mut bench = Bench::new();
        let packet = tcp(tcp::SYN).payload(&[1; 40]).build();
        for position in 0..packet.len() {
            for value in [0, 0x45, 0x80, 0xff] {
                let mut bytes = packet.clone();
                bytes[position] = value;
                for arrival in bench.out(&bytes).into_iter().chain(bench.back(&bytes)) {
                    assert!(summarize(&arrival.bytes).is_ok());
                }
            }
        }
    }
}
