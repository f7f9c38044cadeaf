//! A test for each sentence on connection tracking, and the tracker against a plain list.

use std::net::Ipv4Addr;

use proptest::prelude::*;
use vpcsim_wire::{FlowKey, PacketBuilder, fragment, icmp_error, summarize};

use super::*;

const HOST: Ipv4Addr = Ipv4Addr::new(10, 0, 1, 5);
const SERVER: Ipv4Addr = Ipv4Addr::new(198, 51, 100, 7);
const PLENTY: u32 = 1_000;

fn at(seconds: u64) -> Time {
    Time::ZERO + Span::from_secs(seconds)
}

fn summary(packet: &PacketBuilder) -> Summary {
    summarize(&packet.build()).unwrap()
}

/// From the host's port 40000 to the server's 443.
fn out(flags: u8) -> Summary {
    summary(&PacketBuilder::tcp(HOST, 40_000, SERVER, 443).flags(flags))
}

fn back(flags: u8) -> Summary {
    summary(&PacketBuilder::tcp(SERVER, 443, HOST, 40_000).flags(flags))
}

fn request() -> Summary {
    summary(&PacketBuilder::udp(HOST, 40_000, SERVER, 53))
}

fn response() -> Summary {
    summary(&PacketBuilder::udp(SERVER, 53, HOST, 40_000))
}

fn ping(identifier: u16) -> Summary {
    summary(&PacketBuilder::icmp_echo(HOST, SERVER, identifier, 1))
}

fn pong(identifier: u16) -> Summary {
    summary(&PacketBuilder::icmp_reply(SERVER, HOST, identifier, 1))
}

/// A tracker that was shown the packets at these seconds, the first of which began the flow.
fn tracker(packets: &[(u64, Summary)]) -> ConnectionTracker {
    let mut tracker = ConnectionTracker::default();
    for (index, (seconds, packet)) in packets.iter().enumerate() {
        if index == 0 {
            assert!(tracker.track(at(*seconds), packet, &TrackingTimers::default(), PLENTY));
        } else {
            assert!(matches(&mut tracker, *seconds, packet), "packet {index}");
        }
    }
    tracker
}

fn matches(tracker: &mut ConnectionTracker, seconds: u64, packet: &Summary) -> bool {
    tracker.matches(at(seconds), packet, &TrackingTimers::default())
}

/// Whether `packet` still belongs to the flow so many seconds after the start.
fn lives(history: &[(u64, Summary)], seconds: u64, packet: &Summary) -> bool {
    matches(&mut tracker(history), seconds, packet)
}

fn handshake() -> [(u64, Summary); 3] {
    [
        (0, out(tcp::SYN)),
        (0, back(tcp::SYN | tcp::ACK)),
        (0, out(tcp::ACK)),
    ]
}

#[test]
fn flow_takes_16_bytes_and_an_idle_tracker_owns_no_memory() {
    assert_eq!(size_of::<Flow>(), 16);
    assert_eq!(ConnectionTracker::default().flows.slot_count(), 0);
}

#[test]
fn packets_of_both_directions_belong_to_a_flow() {
    let mut flows = tracker(&handshake());
    assert!(matches(&mut flows, 1, &back(tcp::ACK)) && matches(&mut flows, 1, &out(tcp::ACK)));
    assert_eq!(flows.len(), 1);
}

#[test]
fn flow_is_known_by_addresses_and_ports() {
    let mut flows = tracker(&[(0, out(tcp::SYN))]);
    for stranger in [
        PacketBuilder::tcp(SERVER, 444, HOST, 40_000),
        PacketBuilder::tcp(SERVER, 443, HOST, 40_001),
        PacketBuilder::tcp(SERVER, 40_000, HOST, 443),
        PacketBuilder::udp(SERVER, 443, HOST, 40_000),
    ] {
        assert!(!matches(&mut flows, 0, &summary(&stranger)));
    }
}

#[test]
fn ping_is_known_by_its_identifier_and_only_answers_belong_to_it() {
    let mut flows = tracker(&[(0, ping(7))]);
    assert!(matches(&mut flows, 1, &pong(7)) && matches(&mut flows, 1, &ping(7)));
    assert!(!matches(&mut flows, 1, &pong(8)));
    let foreign = summary(&PacketBuilder::icmp_echo(SERVER, HOST, 7, 1));
    assert!(!matches(&mut flows, 1, &foreign));
    assert_eq!(flows.len(), 1);
}

#[test]
fn other_protocols_are_known_by_addresses_for_600_seconds() {
    let esp = |from, to| summary(&PacketBuilder::raw(from, to, Protocol::ESP, &[0; 20]));
    let sent = [(0, esp(HOST, SERVER))];
    assert!(lives(&sent, 599, &esp(SERVER, HOST)) && !lives(&sent, 600, &esp(SERVER, HOST)));
    let gre = summary(&PacketBuilder::raw(SERVER, HOST, Protocol::GRE, &[]));
    assert!(!lives(&sent, 1, &gre));
    let answered = [(0, esp(HOST, SERVER)), (500, esp(SERVER, HOST))];
    assert!(lives(&answered, 1_099, &esp(SERVER, HOST)));
}

#[test]
fn established_tcp_is_forgotten_after_432000_seconds() {
    assert!(lives(&handshake(), 431_999, &back(tcp::ACK)));
    assert!(!lives(&handshake(), 432_000, &back(tcp::ACK)));
}

#[test]
fn timers_of_the_interface_replace_the_defaults() {
    let timers = TrackingTimers::from(TrackingTimeouts {
        tcp_established_s: Some(350),
        udp_s: None,
        udp_stream_s: Some(60),
    });
    let expected = TrackingTimers {
        tcp_established: Span::from_secs(350),
        udp_stream: Span::from_secs(60),
        ..TrackingTimers::default()
    };
    assert_eq!(timers, expected);
    let mut flows = tracker(&handshake());
    assert!(flows.matches(at(1), &back(tcp::ACK), &timers));
    assert!(!flows.matches(at(351), &back(tcp::ACK), &timers));
}

#[test]
fn single_udp_exchange_is_forgotten_after_30_seconds() {
    let exchange = [(0, request()), (0, response())];
    assert!(lives(&exchange, 29, &response()) && !lives(&exchange, 30, &response()));
    let one_way = [(0, request()), (1, request()), (2, request())];
    assert!(lives(&one_way, 31, &response()) && !lives(&one_way, 32, &response()));
}

#[test]
fn udp_with_two_exchanges_is_remembered_for_180_seconds() {
    let stream = [(0, request()), (0, response()), (0, request()), (0, response())];
    assert!(lives(&stream, 179, &response()) && !lives(&stream, 180, &response()));
}

#[test]
fn packet_in_the_middle_begins_a_flow_that_is_established_once_answered() {
    let begun = [(0, out(tcp::ACK))];
    assert!(lives(&begun, 119, &back(tcp::ACK)) && !lives(&begun, 120, &back(tcp::ACK)));
    let answered = [(0, out(tcp::ACK)), (1, back(tcp::ACK))];
    assert!(lives(&answered, 100_000, &back(tcp::ACK)));
}

#[test]
fn tcp_without_a_whole_handshake_is_forgotten_after_120_seconds() {
    let syn = [(0, out(tcp::SYN))];
    let syn_ack = back(tcp::SYN | tcp::ACK);
    assert!(lives(&syn, 119, &syn_ack) && !lives(&syn, 120, &syn_ack));
    let half = [(0, out(tcp::SYN)), (0, syn_ack)];
    assert!(!lives(&half, 120, &out(tcp::ACK)));
}

#[test]
fn tcp_that_is_over_is_forgotten_after_120_seconds() {
    for last in [tcp::FIN | tcp::ACK, tcp::RST] {
        let mut history = handshake().to_vec();
        history.push((10, back(last)));
        assert!(lives(&history, 129, &out(tcp::ACK)) && !lives(&history, 130, &out(tcp::ACK)));
    }
}

#[test]
fn syn_on_a_connection_that_is_over_is_a_new_flow() {
    let mut history = handshake().to_vec();
    assert!(lives(&history, 1, &out(tcp::SYN)));
    history.push((1, out(tcp::RST)));
    let mut flows = tracker(&history);
    assert!(!matches(&mut flows, 2, &out(tcp::SYN)) && flows.is_empty());
}

#[test]
fn icmp_query_is_forgotten_after_30_seconds() {
    let sent = [(0, ping(7))];
    assert!(lives(&sent, 29, &pong(7)) && !lives(&sent, 30, &pong(7)));
}

#[test]
fn icmp_errors_answers_and_fragments_without_ports_begin_no_flow() {
    let datagram = PacketBuilder::udp(HOST, 1, SERVER, 53).payload(&[0; 100]).build();
    let later = summarize(&fragment(&datagram, 68).unwrap()[1]).unwrap();
    let error = summary(&PacketBuilder::icmp(
        HOST,
        SERVER,
        icmp::DESTINATION_UNREACHABLE,
        1,
        0,
    ));
    for packet in [pong(7), error, later] {
        let mut flows = ConnectionTracker::default();
        assert!(flows.track(at(0), &packet, &TrackingTimers::default(), 0));
        assert!(flows.is_empty() && !matches(&mut flows, 0, &packet));
    }
}

#[test]
fn new_flow_does_not_fit_when_the_capacity_is_used_up() {
    let timers = TrackingTimers::default();
    let mut flows = ConnectionTracker::default();
    for identifier in 0..1_000 {
        assert!(flows.track(at(0), &ping(identifier), &timers, 1_000));
    }
    assert!(!flows.track(at(1), &ping(1_000), &timers, 1_000));
    assert!(
        flows.track(at(1), &ping(3), &timers, 1_000),
        "it is tracked already"
    );
    assert!(flows.matches(at(1), &pong(4), &timers));
    assert!(!flows.track(at(2), &request(), &timers, 1_000) && flows.len() == 1_000);
}

#[test]
fn expired_flows_make_room() {
    let timers = TrackingTimers::default();
    let mut flows = ConnectionTracker::default();
    for identifier in 0..100 {
        assert!(flows.track(at(u64::from(identifier) / 50), &ping(identifier), &timers, 100));
    }
    assert!(!flows.track(at(29), &request(), &timers, 100));
    assert!(flows.track(at(30), &request(), &timers, 100));
    for port in 0..99 {
        let packet = summary(&PacketBuilder::udp(HOST, port, SERVER, 53));
        assert_eq!(
            flows.track(at(30), &packet, &timers, 100),
            port < 49,
            "port {port}"
        );
    }
    flows.expire(at(60));
    assert!(flows.is_empty());
}

#[test]
fn flow_that_ends_early_makes_room_early() {
    let timers = TrackingTimers::default();
    let mut flows = tracker(&handshake());
    assert!(!flows.track(at(1), &request(), &timers, 1));
    assert!(matches(&mut flows, 2, &out(tcp::RST)));
    assert!(!flows.track(at(121), &request(), &timers, 1));
    assert!(flows.track(at(122), &request(), &timers, 1));
}

#[test]
fn icmp_error_belongs_to_the_flow_that_it_is_about() {
    let sent = PacketBuilder::udp(HOST, 40_000, SERVER, 53)
        .payload(&[0; 64])
        .build();
    let bytes = icmp_error::time_exceeded([192, 0, 2, 1].into(), &sent).unwrap();
    let embedded = summarize(&bytes).unwrap().embedded(&bytes).unwrap();
    let mut flows = tracker(&[(0, request())]);
    assert!(flows.matches_related(at(29), &embedded));
    assert!(!flows.matches_related(at(30), &embedded));
    assert!(!flows.matches_related(at(0), &out(tcp::ACK)));
    assert!(!matches(&mut flows, 0, &summarize(&bytes).unwrap()));
    assert!(tracker(&[(0, ping(7))]).matches_related(at(1), &ping(7)));
}

/// A tracker that keeps every flow's last packet in a list, for UDP only.
#[derive(Default)]
struct Ledger {
    flows: Vec<(FlowKey, u64)>,
}

impl Ledger {
    fn knows(&mut self, now: u64, key: FlowKey) -> bool {
        self.flows.retain(|(_, last)| now < last + 30);
        let flow = self.flows.iter_mut().find(|(flow, _)| *flow == key);
        flow.map(|(_, last)| *last = now).is_some()
    }
}

proptest! {
    #[test]
    fn tracker_agrees_with_a_list(
        packets in prop::collection::vec((0_u16..12, 0_u64..9), 1..200), capacity in 1_u32..10,
    ) {
        let (mut tracker, mut ledger, mut now) = (ConnectionTracker::default(), Ledger::default(), 0);
        let timers = TrackingTimers::default();
        for (port, pause) in packets {
            now += pause;
            let packet = summary(&PacketBuilder::udp(HOST, port, SERVER, 53));
            let known = ledger.knows(now, packet.key);
            prop_assert_eq!(tracker.matches(at(now), &packet, &timers), known);
            if !known {
                let fits = ledger.flows.len() < capacity as usize;
                prop_assert_eq!(tracker.track(at(now), &packet, &timers, capacity), fits);
                ledger.flows.extend(fits.then_some((packet.key, now)));
            }
            prop_assert!(tracker.len() <= capacity as usize);
        }
    }
}
