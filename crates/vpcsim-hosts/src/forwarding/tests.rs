use std::net::Ipv4Addr;

use vpcsim_engine::{ComponentId, Decision, DropReason, NodeId, Port, Span, Station, Time};
use vpcsim_wire::{PacketBuilder, Protocol, fragment, icmp_error, summarize, tcp};

use super::*;
use crate::host::HostNode;
use crate::test_wire::{Hosts, listening_host};

const CLIENT: Ipv4Addr = Ipv4Addr::new(10, 0, 2, 10);
const OTHER: Ipv4Addr = Ipv4Addr::new(10, 0, 2, 11);
const OWN: Ipv4Addr = Ipv4Addr::new(10, 0, 1, 50);
const FAR: Ipv4Addr = Ipv4Addr::new(198, 51, 100, 9);
const DENIED: DropReason = DropReason(900);
const NO_CONNECTION: DropReason = DropReason(901);
const CIRCLE: DropReason = DropReason(903);
const TTL_EXPIRED: DropReason = DropReason(904);
const TOO_LARGE: DropReason = DropReason(905);
const NO_PORT: DropReason = DropReason(902);
const NO_NEXT_HOP: DropReason = DropReason(906);

fn config() -> ForwardingConfig {
    ForwardingConfig {
        rules: Vec::new(),
        stateful: false,
        masquerade: false,
        numbers: ForwardingNumbers {
            station: Station(5),
            component: ComponentId(7),
            denied: DENIED,
            no_connection: NO_CONNECTION,
            no_port: NO_PORT,
            circle: CIRCLE,
            ttl_expired: TTL_EXPIRED,
            too_large: TOO_LARGE,
            no_next_hop: NO_NEXT_HOP,
        },
    }
}

fn nat() -> ForwardingConfig {
    ForwardingConfig {
        masquerade: true,
        ..config()
    }
}

/// Allows HTTPS and remembers connections.
fn firewall() -> ForwardingConfig {
    let rule = FirewallRule {
        allow: true,
        protocol: Some(Protocol::TCP),
        ports: (443, 443),
        icmp_type: None,
        icmp_code: None,
        source: Prefix {
            address: Ipv4Addr::new(10, 0, 0, 0),
            len: 8,
        },
        destination: Prefix::ALL,
    };
    ForwardingConfig {
        rules: vec![rule],
        stateful: true,
        ..config()
    }
}

fn segment(from: (Ipv4Addr, u16), to: (Ipv4Addr, u16), flags: u8) -> Vec<u8> {
    PacketBuilder::tcp(from.0, from.1, to.0, to.1)
        .flags(flags)
        .build()
}

fn syn(port: u16) -> Vec<u8> {
    segment((CLIENT, 40_000), (FAR, port), tcp::SYN)
}

struct Bench {
    config: ForwardingConfig,
    forwarder: Forwarder,
    now: Time,
}

impl Bench {
    fn new(config: ForwardingConfig) -> Self {
        let (forwarder, now) = (Forwarder::default(), Time::ZERO);
        Self {
            config,
            forwarder,
            now,
        }
    }

    fn send(&mut self, bytes: &[u8]) -> Result<Passage, DropReason> {
        let summary = summarize(bytes).unwrap();
        let decided = self
            .forwarder
            .decide(&self.config, OWN, self.now, &summary, bytes);
        decided.map_err(|(reason, _)| reason)
    }

    fn serial(&self, bytes: &[u8]) -> Option<u32> {
        let (key, decision) = (summarize(bytes).unwrap().key, self.config.by_host());
        self.forwarder.serial(&self.config, key, decision)
    }

    fn proceed(&mut self, serial: u32, bytes: &[u8]) -> Option<Ipv4Addr> {
        let summary = summarize(bytes).unwrap();
        self.forwarder.proceed(
            &self.config,
            serial,
            self.now,
            &summary,
            bytes,
            &mut Hint::default(),
        )
    }
}

#[test]
fn the_first_rule_that_matches_decides_and_what_none_allows_is_dropped() {
    let mut config = firewall();
    config.stateful = false;
    let mut bench = Bench::new(config);
    assert_eq!(
        bench.send(&syn(443)).unwrap().decision,
        Decision::rule(ComponentId(7), 0)
    );
    assert_eq!(bench.send(&syn(80)), Err(DENIED));
    bench.config.rules[0].allow = false;
    assert_eq!(bench.send(&syn(443)), Err(DENIED));
    bench.config.rules.clear();
    assert!(bench.send(&syn(80)).is_ok());
}

#[test]
fn answers_pass_a_stateful_firewall_without_a_rule() {
    let mut bench = Bench::new(firewall());
    let answer = segment((FAR, 443), (CLIENT, 40_000), tcp::SYN | tcp::ACK);
    assert_eq!(bench.send(&answer), Err(NO_CONNECTION));
    assert!(bench.send(&syn(443)).is_ok());
    assert!(bench.send(&answer).is_ok());
}

#[test]
fn a_connection_whose_beginning_it_has_not_seen_is_dropped_by_a_stateful_firewall() {
    let mut bench = Bench::new(firewall());
    let data = segment((CLIENT, 40_000), (FAR, 443), tcp::ACK);
    assert_eq!(bench.send(&data), Err(NO_CONNECTION));
    bench.config.stateful = false;
    assert!(bench.send(&data).is_ok());
}

#[test]
fn an_unanswered_connection_is_forgotten_after_two_minutes() {
    let mut bench = Bench::new(firewall());
    bench.send(&syn(443)).unwrap();
    let answer = segment((FAR, 443), (CLIENT, 40_000), tcp::SYN | tcp::ACK);
    bench.now = Time::ZERO + Span::from_secs(120);
    assert_eq!(bench.send(&answer), Err(NO_CONNECTION));
}

#[test]
fn a_translator_keeps_the_port_unless_another_client_has_it() {
    let mut bench = Bench::new(nat());
    assert_eq!(bench.send(&syn(443)).unwrap().source, Some((OWN, Some(40_000))));
    let second = segment((OTHER, 40_000), (FAR, 443), tcp::SYN);
    assert_eq!(bench.send(&second).unwrap().source, Some((OWN, Some(1_024))));
    let answer = segment((FAR, 443), (OWN, 1_024), tcp::SYN | tcp::ACK);
    assert!(
        bench
            .forwarder
            .is_translated(&summarize(&answer).unwrap(), &answer)
    );
    assert_eq!(
        bench.send(&answer).unwrap().destination,
        Some((OTHER, Some(40_000)))
    );
    let unasked = segment((FAR, 443), (OWN, 1_025), tcp::SYN);
    assert!(
        !bench
            .forwarder
            .is_translated(&summarize(&unasked).unwrap(), &unasked)
    );
}

#[test]
fn a_translator_without_a_free_port_for_a_destination_drops() {
    let mut bench = Bench::new(nat());
    for port in 1_024..=u16::MAX {
        let sent = bench.send(&PacketBuilder::udp(CLIENT, port, FAR, 53).build());
        assert_eq!(sent.unwrap().source, Some((OWN, Some(port))));
    }
    let one_more = |port| PacketBuilder::udp(OTHER, 40_000, FAR, port).build();
    assert_eq!(bench.send(&one_more(53)), Err(NO_PORT));
    assert!(
        bench.send(&one_more(54)).is_ok(),
        "for another destination they are free"
    );
}

#[test]
fn packets_repeat_as_long_as_their_connection_is_the_same() {
    let mut bench = Bench::new(nat());
    let datagram = PacketBuilder::udp(CLIENT, 40_000, FAR, 53).build();
    let answer = PacketBuilder::udp(FAR, 53, OWN, 40_000).build();
    assert_eq!(bench.serial(&datagram), None);
    bench.send(&datagram).unwrap();
    let first = bench.serial(&datagram).unwrap();
    assert_eq!(bench.serial(&answer), Some(first));
    for secs in [29, 58] {
        bench.now = Time::ZERO + Span::from_secs(secs);
        assert_eq!(bench.proceed(first, &datagram), Some(FAR));
    }
    bench.now = Time::ZERO + Span::from_secs(88);
    assert_eq!(bench.proceed(first, &datagram), None, "it was idle for too long");
    bench.send(&datagram).unwrap();
    assert_eq!(bench.proceed(first, &datagram), None, "it is another one");
    let second = bench.serial(&datagram).unwrap();
    assert_eq!(bench.proceed(second, &answer), Some(CLIENT));
}

#[test]
fn what_a_rule_decided_does_not_repeat() {
    let mut bench = Bench::new(firewall());
    let opening = bench.send(&syn(443)).unwrap();
    let key = summarize(&syn(443)).unwrap().key;
    let serial = |bench: &Bench, decision| bench.forwarder.serial(&bench.config, key, decision);
    assert_eq!(serial(&bench, opening.decision), None);
    assert_eq!(serial(&bench, bench.config.by_host()), Some(0));
}

#[test]
fn an_echo_is_translated_by_its_identifier() {
    let mut bench = Bench::new(nat());
    let from = |client| PacketBuilder::icmp_echo(client, FAR, 7, 1).build();
    assert_eq!(bench.send(&from(CLIENT)).unwrap().source, Some((OWN, Some(7))));
    assert_eq!(bench.send(&from(OTHER)).unwrap().source, Some((OWN, Some(1_024))));
}

#[test]
fn an_error_reaches_the_client_about_the_packet_that_it_sent() {
    let mut bench = Bench::new(nat());
    bench.send(&syn(443)).unwrap();
    let translated = segment((OWN, 40_000), (FAR, 443), tcp::SYN);
    let router = Ipv4Addr::new(203, 0, 113, 1);
    let error = icmp_error::time_exceeded(router, &translated).unwrap();
    assert!(bench.forwarder.is_translated(&summarize(&error).unwrap(), &error));
    let passage = bench.send(&error).unwrap();
    assert_eq!(
        (passage.source, passage.destination),
        (None, Some((CLIENT, None)))
    );
    assert_eq!(passage.embedded.unwrap().source, Some((CLIENT, Some(40_000))));
}

#[test]
fn later_fragments_go_the_way_of_the_first() {
    let mut bench = Bench::new(nat());
    let whole = PacketBuilder::udp(CLIENT, 5_000, FAR, 53)
        .identification(9)
        .payload(&[1; 100])
        .build();
    let parts = fragment(&whole, 60).unwrap();
    assert_eq!(bench.send(&parts[1]), Err(NO_CONNECTION));
    bench.send(&parts[0]).unwrap();
    assert_eq!(bench.send(&parts[1]).unwrap().source, Some((OWN, Some(5_000))));
}

#[test]
fn an_idle_connection_ends_with_fin_and_not_with_reset() {
    let mut bench = Bench::new(nat());
    bench.send(&syn(443)).unwrap();
    bench
        .send(&segment((FAR, 443), (OWN, 40_000), tcp::SYN | tcp::ACK))
        .unwrap();
    let data = PacketBuilder::tcp(CLIENT, 40_000, FAR, 443)
        .flags(tcp::ACK)
        .seq(11)
        .ack(22)
        .payload(b"hi")
        .build();
    bench.send(&data).unwrap();
    let due = bench.forwarder.next_due().unwrap();
    assert_eq!(due, Time::ZERO + Span::from_secs(432_000));
    bench.now = Time::ZERO + Span::from_secs(100);
    let serial = bench.serial(&data).unwrap();
    assert_eq!(bench.proceed(serial, &data), Some(FAR));
    assert_eq!(bench.forwarder.expire(due), []);
    let due = due + Span::from_secs(100);
    assert_eq!(bench.forwarder.next_due(), Some(due));
    let finished = bench.forwarder.expire(due);
    let key = summarize(&data).unwrap().key.reversed();
    assert_eq!(
        finished,
        [Finish {
            key,
            seq: 22,
            ack: 13
        }]
    );
}

/// A forwarding host as node 2, which the wire gives what is for [`FAR`].
fn hosts(config: ForwardingConfig) -> Hosts {
    let forwarding = crate::HostConfig {
        forwarding: Some(config),
        ..listening_host(6)
    };
    Hosts::new(vec![listening_host(5), forwarding]).with_wire(|wire| {
        wire.ends.insert(FAR, (NodeId(2), Port(0)));
    })
}

fn send(hosts: &mut Hosts, bytes: &[u8]) {
    let act =
        |host: &mut HostNode, context: &mut vpcsim_engine::Context<'_>| host.send_raw(context, 0, bytes);
    hosts.network.act(NodeId(1), act).unwrap();
    hosts.run_for(Span::from_secs(5));
    assert!(hosts.network.counters().balance());
}

fn datagram(len: usize, ttl: u8, whole: bool) -> Vec<u8> {
    let payload = vec![0; len];
    let builder = PacketBuilder::udp(Ipv4Addr::new(10, 0, 0, 5), 9, FAR, 9).identification(3);
    builder.ttl(ttl).dont_fragment(whole).payload(&payload).build()
}

/// Kind, code and time to live of what the wire saw, the errors' first.
fn seen(hosts: &Hosts) -> Vec<(u8, u8, u8)> {
    let seen = hosts.wire().seen.iter();
    seen.map(|(_, summary, _)| (summary.icmp_type, summary.icmp_code, summary.ttl))
        .collect()
}

#[test]
fn a_circle_ends_at_the_second_sight_and_not_when_the_time_to_live_does() {
    let mut hosts = hosts(config());
    send(&mut hosts, &datagram(8, 255, false));
    assert_eq!(seen(&hosts), [(0, 0, 255), (0, 0, 254)]);
}

#[test]
fn a_packet_at_the_end_of_its_life_is_answered_by_the_forwarder() {
    let mut hosts = hosts(config());
    send(&mut hosts, &datagram(8, 1, false));
    assert_eq!(seen(&hosts), [(0, 0, 1), (11, 0, 255)]);
}

/// The reasons of drops.
#[derive(Default)]
struct Drops(Vec<DropReason>);

impl vpcsim_engine::Observer for Drops {
    fn observe(&mut self, observation: &vpcsim_engine::Observation<'_>) {
        if let vpcsim_engine::Event::Drop { reason, .. } = observation.event {
            self.0.push(reason);
        }
    }
}

#[test]
fn a_packet_whose_next_hop_nobody_is_waits_and_is_dropped() {
    let mut hosts = hosts(config()).with_wire(|wire| wire.answers_arp = false);
    hosts.network.observe_with(Some(Box::<Drops>::default()));
    let deliver = |_: &mut crate::test_wire::Wire, context: &mut vpcsim_engine::Context<'_>| {
        let frame = vpcsim_engine::FrameHeader::ipv4(
            crate::test_wire::ROUTER_MAC,
            vpcsim_wire::Mac([2, 0, 0, 0, 0, 6]),
        );
        let packet = context.emit(frame, &datagram(8, 64, false));
        context.forward(packet, NodeId(2), Port(0));
    };
    hosts.network.act(NodeId(0), deliver).unwrap();
    hosts.run_for(Span::from_secs(1));
    assert!(
        hosts.network.observer_mut::<Drops>().unwrap().0.is_empty(),
        "it waits"
    );
    hosts.run_for(Span::from_secs(5));
    assert_eq!(hosts.network.observer_mut::<Drops>().unwrap().0, [NO_NEXT_HOP]);
    assert!(hosts.wire().arp_request_count >= 1);
}

#[test]
fn a_host_that_does_not_forward_sends_nothing_on() {
    let mut hosts = Hosts::new(vec![listening_host(5), listening_host(6)]).with_wire(|wire| {
        wire.ends.insert(FAR, (NodeId(2), Port(0)));
    });
    send(&mut hosts, &datagram(8, 1, false));
    assert_eq!(seen(&hosts), [(0, 0, 1)]);
}
