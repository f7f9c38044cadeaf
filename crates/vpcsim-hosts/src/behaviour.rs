//! Tests of hosts as a whole, on a wire.

use std::net::Ipv4Addr;

use vpcsim_engine::{Context, Event, FrameHeader, NodeId, Observation, Observer, Port, Random, Span, Time};
use vpcsim_wire::{Mac, PacketBuilder, Protocol, Summary, checksum, icmp, icmp_error, ipv4, tcp, udp};

use crate::config::{HostConfig, HostRouting};
use crate::host::HostNode;
use crate::probe::{Exchange, IcmpError, Observed, Probe, ProbeKind};
use crate::test_wire::{Hosts, Wire, interface, listening_host};

const FIRST: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 5);
const SECOND: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 6);
const NOBODY: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 99);

#[test]
fn a_listening_port_is_open_and_its_answer_has_ttl_255() {
    let mut hosts = Hosts::pair();
    let outcome = hosts.probe(1, &Probe::tcp(SECOND, 22));
    assert_eq!((outcome.observed, outcome.reply_ttl), (Observed::Open, Some(255)));
    assert_eq!(outcome.rtt, Some(Span::from_ms(2)));
    assert_eq!(outcome.local, (FIRST, 32_768));
}

#[test]
fn a_connection_ends_with_fin_from_both_sides_and_is_forgotten() {
    let mut hosts = Hosts::pair();
    hosts.probe(1, &Probe::tcp(SECOND, 22));
    hosts.run_for(Span::from_secs(59));
    assert_eq!(
        (hosts.host(1).connection_count(), hosts.host(2).connection_count()),
        (1, 0)
    );
    hosts.run_for(Span::from_secs(2));
    let fins: Vec<_> = hosts
        .wire()
        .seen
        .iter()
        .filter(|(_, packet, _)| packet.is_fin())
        .collect();
    assert_eq!(fins.len(), 2);
    assert!(!hosts.wire().seen.iter().any(|(_, packet, _)| packet.is_rst()));
    assert_eq!(
        (hosts.host(1).connection_count(), hosts.host(2).connection_count()),
        (0, 0)
    );
}

#[test]
fn a_port_without_listener_is_closed() {
    let outcome = Hosts::pair().probe(1, &Probe::tcp(SECOND, 101));
    assert_eq!(
        (outcome.observed, outcome.reply_ttl),
        (Observed::Closed, Some(255))
    );
    assert_eq!(outcome.rtt, Some(Span::from_ms(2)));
}

#[test]
fn silence_is_filtered_after_the_timeout_and_three_syns() {
    let mut hosts = Hosts::pair().with_wire(|wire| wire.loses = |packet, _| packet.is_tcp());
    let outcome = hosts.probe(1, &Probe::tcp(SECOND, 22));
    assert_eq!((outcome.observed, outcome.rtt), (Observed::Filtered, None));
    assert_eq!(outcome.finished, Some(Time::ZERO + Span::from_secs(5)));
    assert_eq!(hosts.wire().seen.len(), 3);
    assert_eq!(hosts.host(1).connection_count(), 0);
}

#[test]
fn an_icmp_error_ends_a_connection_attempt_at_once() {
    let mut hosts = Hosts::pair().with_wire(|wire| wire.loses = |packet, _| packet.is_tcp());
    let id = hosts.start(1, &Probe::tcp(SECOND, 22));
    hosts.run_for(Span::from_ms(1));
    let syn = hosts.wire().seen[0].2.clone();
    let error = icmp_error::unreachable(SECOND, &syn, icmp::ADMINISTRATIVELY_PROHIBITED).unwrap();
    let send = |host: &mut HostNode, context: &mut Context<'_>| host.send_raw(context, 0, &error);
    hosts.network.act(NodeId(2), send).unwrap();
    hosts.run_for(Span::from_ms(1));
    let outcome = hosts.host(1).outcome(id).unwrap();
    assert!(outcome.is_done());
    let expected = IcmpError {
        icmp_type: 3,
        code: 13,
        from: SECOND,
        next_hop_mtu: None,
    };
    assert_eq!(
        (outcome.observed, outcome.unreachable),
        (Observed::Filtered, Some(expected))
    );
}

#[test]
fn lost_segments_are_sent_again() {
    let mut hosts = Hosts::pair().with_wire(|wire| wire.loses = |_, index| index % 5 == 0);
    let probe = Probe {
        timeout: Span::from_secs(600),
        ..Probe::tcp(SECOND, 7)
    };
    let outcome = hosts.probe(1, &probe.exchanging(Exchange::Transfer(500_000)));
    assert_eq!(
        (outcome.observed, outcome.received_len),
        (Observed::Open, 500_000)
    );
}

#[test]
fn an_echo_server_sends_back_what_it_gets() {
    let probe = Probe::tcp(SECOND, 7).exchanging(Exchange::Transfer(300_000));
    let outcome = Hosts::pair().probe(1, &probe);
    assert_eq!(outcome.received_len, 300_000);
    assert!(outcome.received.iter().all(|&byte| byte == 0x5a));
}

#[test]
fn a_discard_server_sends_nothing_back() {
    let mut hosts = Hosts::pair();
    let outcome = hosts.probe(
        1,
        &Probe::tcp(SECOND, 9).exchanging(Exchange::Transfer(1_000_000)),
    );
    assert!(outcome.is_done());
    assert_eq!(outcome.received_len, 0);
    let data: u64 = hosts
        .wire()
        .seen
        .iter()
        .map(|(_, packet, _)| u64::from(packet.payload_len()))
        .sum();
    assert_eq!(data, 1_000_000);
}

#[test]
fn a_web_server_names_the_address_that_was_asked() {
    let outcome = Hosts::pair().probe(
        1,
        &Probe::tcp(SECOND, 80).exchanging(Exchange::HttpGet("/".into())),
    );
    let text = String::from_utf8(outcome.received).unwrap();
    assert!(
        text.starts_with("HTTP/1.1 200 OK\r\n") && text.ends_with("Hello from 10.0.0.6\n"),
        "{text}"
    );
}

#[test]
fn an_echo_server_answers_what_begins_like_http_behind_a_header_of_the_proxy_protocol_too() {
    let request = b"GET /healthy HTTP/1.1\r\n\r\n".to_vec();
    let header = vpcsim_wire::proxy_protocol::local_header();
    for request in [request.clone(), [header.to_vec(), request].concat()] {
        let probe = Probe::tcp(SECOND, 7).exchanging(Exchange::Send(request));
        let text = String::from_utf8(Hosts::pair().probe(1, &probe).received).unwrap();
        assert!(text.starts_with("HTTP/1.1 200 OK\r\n"), "{text}");
    }
}

#[test]
fn jumbo_ends_use_jumbo_segments() {
    let mut hosts = Hosts::pair();
    hosts.probe(1, &Probe::tcp(SECOND, 9).exchanging(Exchange::Transfer(100_000)));
    let largest = hosts
        .wire()
        .seen
        .iter()
        .map(|(_, packet, _)| packet.total_len)
        .max();
    assert_eq!(largest, Some(9_001));
}

#[test]
fn a_transfer_goes_on_after_the_path_turned_out_to_take_1500_bytes() {
    let mut hosts = Hosts::pair().with_wire(|wire| wire.mtu = 1_500);
    let probe = Probe {
        timeout: Span::from_secs(60),
        ..Probe::tcp(SECOND, 7)
    };
    let outcome = hosts.probe(1, &probe.exchanging(Exchange::Transfer(1_000_000)));
    assert_eq!(outcome.received_len, 1_000_000);
    assert!(
        outcome.finished.unwrap() < Time::ZERO + Span::from_secs(5),
        "{:?}",
        outcome.finished
    );
    assert!(
        hosts
            .wire()
            .seen
            .iter()
            .filter(|(_, packet, _)| packet.is_tcp())
            .all(|(_, packet, _)| packet.dont_fragment)
    );
}

#[test]
fn an_echo_request_is_answered_with_its_data_and_ttl_255() {
    let probe = Probe {
        payload_len: 56,
        ..Probe::echo(SECOND)
    };
    let outcome = Hosts::pair().probe(1, &probe);
    assert_eq!(
        (outcome.observed, outcome.reply_ttl),
        (Observed::Reply, Some(255))
    );
    assert_eq!(outcome.received, (0..56).collect::<Vec<u8>>());
}

#[test]
fn a_ping_larger_than_the_interface_takes_goes_in_fragments_both_ways() {
    let mut hosts = Hosts::pair();
    let outcome = hosts.probe(
        1,
        &Probe {
            payload_len: 20_000,
            ..Probe::echo(SECOND)
        },
    );
    assert_eq!(
        (outcome.observed, outcome.received_len),
        (Observed::Reply, 20_000)
    );
    assert_eq!(
        hosts
            .wire()
            .seen
            .iter()
            .filter(|(_, packet, _)| packet.is_fragment())
            .count(),
        6
    );
}

#[test]
fn a_probe_that_must_not_be_cut_learns_the_mtu_of_its_path() {
    let mut hosts = Hosts::pair().with_wire(|wire| wire.mtu = 1_500);
    let probe = Probe {
        payload_len: 3_000,
        dont_fragment: true,
        ..Probe::echo(SECOND)
    };
    for _ in 0..2 {
        let outcome = hosts.probe(1, &probe);
        assert_eq!(outcome.observed, Observed::NoReply);
        assert_eq!(outcome.unreachable.unwrap().next_hop_mtu, Some(1_500));
    }
    // The second one never left the host.
    assert_eq!(hosts.wire().seen.len(), 1);
    let cut = hosts.probe(
        1,
        &Probe {
            dont_fragment: false,
            ..probe
        },
    );
    assert_eq!(cut.unreachable, None);
}

#[test]
fn a_probe_can_have_a_time_to_live_and_ports_of_its_own() {
    let mut hosts = Hosts::pair();
    let probe = Probe {
        ttl: Some(3),
        source_port: Some(1_000),
        ..Probe::tcp(SECOND, 22)
    };
    assert_eq!(hosts.probe(1, &probe).local, (FIRST, 1_000));
    hosts.run_for(Span::from_secs(1));
    let sent = hosts
        .wire()
        .seen
        .iter()
        .filter(|(_, packet, _)| packet.source() == FIRST);
    assert!(sent.clone().count() >= 3);
    assert!(
        sent.into_iter()
            .all(|(_, packet, _)| packet.ttl == 3 && packet.key.source_port() == 1_000)
    );
}

#[test]
fn udp_is_echoed_on_a_listening_port() {
    let outcome = Hosts::pair().probe(
        1,
        &Probe {
            payload_len: 9,
            ..Probe::udp(SECOND, 53)
        },
    );
    assert_eq!(
        (outcome.observed, outcome.received_len, outcome.reply_ttl),
        (Observed::Reply, 9, Some(255))
    );
}

#[test]
fn udp_to_another_port_is_answered_with_port_unreachable() {
    let outcome = Hosts::pair().probe(1, &Probe::udp(SECOND, 5_000));
    assert_eq!(outcome.observed, Observed::NoReply);
    let expected = IcmpError {
        icmp_type: 3,
        code: 3,
        from: SECOND,
        next_hop_mtu: None,
    };
    assert_eq!(outcome.unreachable, Some(expected));
    assert_eq!(outcome.finished, Some(Time::ZERO + Span::from_ms(2)));
}

#[test]
fn other_icmp_messages_are_sent_and_get_no_reply() {
    let kind = ProbeKind::Icmp {
        icmp_type: icmp::TIMESTAMP_REQUEST,
        code: 0,
    };
    let mut hosts = Hosts::pair();
    let outcome = hosts.probe(1, &Probe::new(kind, SECOND, 0));
    assert_eq!(outcome.observed, Observed::NoReply);
    assert_eq!(hosts.wire().seen[0].1.icmp_type, icmp::TIMESTAMP_REQUEST);
}

#[test]
fn nobody_answers_arp_and_the_attempt_fails_after_three_requests() {
    let mut hosts = Hosts::pair().with_wire(|wire| wire.answers_arp = false);
    let outcome = hosts.probe(1, &Probe::tcp(NOBODY, 22));
    assert_eq!(outcome.finished, Some(Time::ZERO + Span::from_secs(3)));
    assert_eq!(
        outcome.unreachable.map(|error| (error.code, error.from)),
        Some((icmp::HOST_UNREACHABLE, FIRST))
    );
    assert_eq!((hosts.wire().arp_request_count, hosts.wire().seen.len()), (3, 0));
    assert!(hosts.network.counters().dropped >= 1);
}

#[test]
fn a_neighbour_is_asked_for_once_and_a_far_host_by_the_gateway() {
    let mut hosts = Hosts::pair();
    hosts.probe(1, &Probe::tcp(SECOND, 22));
    hosts.probe(1, &Probe::tcp(SECOND, 22));
    assert_eq!(hosts.wire().arp_request_count, 2);
    hosts.probe(1, &Probe::echo(Ipv4Addr::new(192, 0, 2, 1)));
    hosts.probe(1, &Probe::echo(Ipv4Addr::new(192, 0, 2, 2)));
    assert_eq!(hosts.wire().arp_request_count, 3);
}

#[test]
fn packets_to_itself_never_leave_a_host() {
    let mut hosts = Hosts::pair();
    assert_eq!(hosts.probe(1, &Probe::tcp(FIRST, 22)).observed, Observed::Open);
    assert_eq!(
        hosts.probe(1, &Probe::tcp(FIRST, 2_222)).observed,
        Observed::Closed
    );
    assert_eq!(hosts.probe(1, &Probe::udp(FIRST, 53)).observed, Observed::Reply);
    assert_eq!(hosts.probe(1, &Probe::echo(FIRST)).observed, Observed::Reply);
    assert!(hosts.wire().seen.is_empty() && hosts.wire().arp_request_count == 0);
}

fn two_legged_host(routing: HostRouting) -> HostConfig {
    let mut second = interface(20);
    second.addresses = vec![Ipv4Addr::new(10, 0, 1, 20), Ipv4Addr::new(10, 0, 1, 21)];
    second.gateway = Ipv4Addr::new(10, 0, 1, 1);
    HostConfig {
        interfaces: vec![interface(5), second],
        routing,
        ..listening_host(5)
    }
}

#[test]
fn per_interface_an_answer_leaves_where_the_question_came_in() {
    let mut hosts = Hosts::new(vec![
        two_legged_host(HostRouting::PerInterface),
        listening_host(6),
    ]);
    for last_octet in [20, 21] {
        let address = Ipv4Addr::new(10, 0, 1, last_octet);
        assert_eq!(hosts.probe(2, &Probe::tcp(address, 22)).observed, Observed::Open);
        let (mac, answer, _) = &hosts
            .wire()
            .seen
            .iter()
            .rfind(|(_, packet, _)| packet.is_syn_ack())
            .unwrap();
        assert_eq!((mac.0[5], answer.source()), (20, address));
    }
    let bound = Probe {
        bind: Some(Ipv4Addr::new(10, 0, 1, 21)),
        ..Probe::echo(SECOND)
    };
    assert_eq!(hosts.probe(1, &bound).observed, Observed::Reply);
    assert_eq!(hosts.probe(1, &Probe::echo(SECOND)).local.0, FIRST);
}

#[test]
fn by_the_main_table_an_answer_leaves_by_its_destination_and_keeps_its_source() {
    let mut hosts = Hosts::new(vec![two_legged_host(HostRouting::MainTable), listening_host(6)]);
    let address = Ipv4Addr::new(10, 0, 1, 20);
    hosts.probe(2, &Probe::tcp(address, 22));
    let (mac, answer, _) = hosts
        .wire()
        .seen
        .iter()
        .find(|(_, packet, _)| packet.is_syn_ack())
        .unwrap();
    assert_eq!((mac.0[5], answer.source()), (5, address));
    let to_second_subnet = hosts.probe(1, &Probe::echo(Ipv4Addr::new(10, 0, 1, 77)));
    assert_eq!(to_second_subnet.local.0, address);
}

#[test]
fn packets_for_others_and_broken_ones_are_dropped() {
    let mut hosts = Hosts::pair().with_wire(|wire| {
        let end = wire.ends[&SECOND];
        wire.ends.insert(NOBODY, end);
    });
    let stray = PacketBuilder::icmp_echo(FIRST, NOBODY, 1, 1).build();
    let mut broken = PacketBuilder::tcp(FIRST, 1, SECOND, 22).flags(tcp::SYN).build();
    broken[36] ^= 1;
    let martian = PacketBuilder::icmp_echo(Ipv4Addr::UNSPECIFIED, SECOND, 1, 1).build();
    for packet in [stray, broken, martian] {
        let send = |host: &mut HostNode, context: &mut Context<'_>| host.send_raw(context, 0, &packet);
        hosts.network.act(NodeId(1), send).unwrap();
        hosts.run_for(Span::from_ms(5));
    }
    assert_eq!(hosts.network.counters().dropped, 3);
    assert_eq!(hosts.wire().seen.len(), 3);
}

#[test]
fn equal_seeds_give_equal_packets() {
    let run = |seed| {
        let host = HostConfig {
            seed,
            ..listening_host(5)
        };
        let mut hosts = Hosts::new(vec![host, listening_host(6)]);
        hosts.probe(
            1,
            &Probe::tcp(SECOND, 80).exchanging(Exchange::HttpGet("/".into())),
        );
        hosts
            .wire()
            .seen
            .iter()
            .map(|(_, _, bytes)| bytes.clone())
            .collect::<Vec<_>>()
    };
    assert_eq!(run(1), run(1));
    assert_ne!(run(1), run(2));
}

#[test]
fn a_hundred_thousand_idle_hosts_are_cheap() {
    assert!(size_of::<HostNode>() < 200, "{}", size_of::<HostNode>());
    let hosts: Vec<HostNode> = (0..100_000).map(|_| HostNode::new(listening_host(5))).collect();
    assert!(hosts.iter().all(|host| host.connection_count() == 0));
}

#[test]
fn a_thousand_connections_at_once_are_all_accepted() {
    let mut hosts = Hosts::pair();
    let ids: Vec<_> = (0..1_000)
        .map(|_| hosts.start(1, &Probe::tcp(SECOND, 22)))
        .collect();
    hosts.run_for(Span::from_secs(1));
    let open = |&id: &_| hosts.host(1).outcome(id).unwrap().observed == Observed::Open;
    assert!(ids.iter().all(open));
}

#[test]
fn the_end_that_closed_first_acknowledges_a_repeated_fin() {
    let mut hosts = Hosts::pair();
    hosts.probe(1, &Probe::tcp(SECOND, 22));
    hosts.run_for(Span::from_secs(1));
    let is_fin = |packet: &Summary| packet.is_fin() && packet.source() == SECOND;
    let fin = hosts
        .wire()
        .seen
        .iter()
        .find(|(_, packet, _)| is_fin(packet))
        .unwrap()
        .2
        .clone();
    let ack_count = |hosts: &Hosts| {
        hosts
            .wire()
            .seen
            .iter()
            .filter(|(_, packet, _)| packet.tcp_flags == tcp::ACK)
            .count()
    };
    let before = ack_count(&hosts);
    let send = |host: &mut HostNode, context: &mut Context<'_>| host.send_raw(context, 0, &fin);
    hosts.network.act(NodeId(2), send).unwrap();
    hosts.run_for(Span::from_ms(1));
    assert_eq!(ack_count(&hosts), before + 1);
}

#[test]
fn forgotten_outcomes_never_mix_with_new_ones() {
    let mut hosts = Hosts::pair();
    let old = hosts.start(1, &Probe::tcp(SECOND, 22));
    hosts.run_for(Span::from_ms(2));
    assert!(hosts.host(1).outcome(old).unwrap().is_done());
    hosts
        .network
        .act(NodeId(1), |host: &mut HostNode, _| host.clear_outcomes())
        .unwrap();
    let new = hosts.start(1, &Probe::tcp(NOBODY, 22));
    assert_ne!(old, new);
    hosts.run_for(Span::from_secs(2));
    assert_eq!(hosts.host(1).outcome(old), None);
    assert_eq!(hosts.host(1).outcome(new).unwrap().observed, Observed::Filtered);
}

#[test]
fn a_packet_larger_than_the_receiving_interface_is_refused_with_its_size() {
    let mut small = listening_host(6);
    small.interfaces[0].mtu = 1_500;
    let mut hosts = Hosts::new(vec![listening_host(5), small]);
    let probe = Probe {
        payload_len: 8_000,
        dont_fragment: true,
        ..Probe::echo(SECOND)
    };
    let outcome = hosts.probe(1, &probe);
    let expected = IcmpError {
        icmp_type: 3,
        code: 4,
        from: SECOND,
        next_hop_mtu: Some(1_500),
    };
    assert_eq!(
        (outcome.observed, outcome.unreachable),
        (Observed::NoReply, Some(expected))
    );
    let tcp = hosts.probe(1, &Probe::tcp(SECOND, 7).exchanging(Exchange::Transfer(100_000)));
    assert_eq!(tcp.received_len, 100_000);
    assert!(
        hosts
            .wire()
            .seen
            .iter()
            .all(|(_, packet, _)| !packet.is_tcp() || packet.total_len <= 1_500)
    );
}

/// Puts right checksums into whatever packet this has become.
fn with_right_checksums(mut packet: Vec<u8>) -> Vec<u8> {
    let Ok(view) = ipv4::Packet::parse(&packet) else {
        return packet;
    };
    let (header_len, total_len) = (view.header_len(), view.total_len());
    let (source, destination, protocol) = (view.source(), view.destination(), view.protocol());
    packet[ipv4::CHECKSUM_AT..][..2].fill(0);
    let sum = checksum::internet(&packet[..header_len]);
    packet[ipv4::CHECKSUM_AT..][..2].copy_from_slice(&sum.to_be_bytes());
    let l4 = &mut packet[header_len..total_len];
    let (at, is_icmp) = match protocol {
        Protocol::TCP => (tcp::CHECKSUM_AT, false),
        Protocol::UDP => (udp::CHECKSUM_AT, false),
        _ => (icmp::CHECKSUM_AT, true),
    };
    if l4.len() >= at + 2 {
        l4[at..at + 2].fill(0);
        let sum = if is_icmp {
            checksum::internet(l4)
        } else {
            checksum::transport(source, destination, protocol, l4)
        };
        l4[at..at + 2].copy_from_slice(&sum.to_be_bytes());
    }
    packet
}

#[test]
fn no_packet_however_mangled_upsets_a_host() {
    let mut hosts = Hosts::pair();
    hosts.probe(
        1,
        &Probe::tcp(SECOND, 80).exchanging(Exchange::HttpGet("/".into())),
    );
    hosts.probe(1, &Probe::udp(SECOND, 5_000));
    hosts.probe(
        1,
        &Probe {
            payload_len: 20_000,
            ..Probe::echo(SECOND)
        },
    );
    let samples: Vec<Vec<u8>> = hosts
        .wire()
        .seen
        .iter()
        .map(|(_, _, bytes)| bytes.clone())
        .collect();
    let mut random = Random::new(1, 1);
    for round in 0..20_000 {
        let mut packet = samples[random.below(samples.len() as u64) as usize].clone();
        for _ in 0..random.below(4) {
            let at = random.below(packet.len().min(60) as u64) as usize;
            packet[at] = random.next_u64() as u8;
        }
        if round % 4 != 0 {
            packet = with_right_checksums(packet);
        }
        let (to, port) = (NodeId(1 + round % 2), Port(0));
        let send = |_: &mut Wire, context: &mut Context<'_>| {
            let packet = context.emit(FrameHeader::ipv4(Mac([2; 6]), Mac([4; 6])), &packet);
            context.forward(packet, to, port);
        };
        hosts.network.act(NodeId(0), send).unwrap();
        hosts.run_for(Span::from_us(random.below(2_000)));
    }
    hosts.run_for(Span::from_secs(100));
    assert!(hosts.network.counters().balance());
    assert_eq!(hosts.probe(1, &Probe::tcp(SECOND, 22)).observed, Observed::Open);
}

/// What happened at the second host, in order.
#[derive(Default)]
struct Steps(Vec<&'static str>);

impl Observer for Steps {
    fn observe(&mut self, observation: &Observation<'_>) {
        let is_ipv4 = observation.packet.summary().is_some();
        match observation.event {
            Event::Emit if observation.node == NodeId(2) && is_ipv4 => self.0.push("emit"),
            Event::Deliver if observation.node == NodeId(2) && is_ipv4 => self.0.push("deliver"),
            _ => {}
        }
    }
}

#[test]
fn a_question_is_delivered_before_its_answer_comes_into_being() {
    let mut hosts = Hosts::pair();
    hosts.probe(2, &Probe::echo(FIRST));
    hosts.network.observe_with(Some(Box::new(Steps::default())));
    hosts.probe(1, &Probe::echo(SECOND));
    hosts.probe(1, &Probe::udp(SECOND, 101));
    let steps = &hosts.network.observer_mut::<Steps>().unwrap().0;
    assert_eq!(steps[..], ["deliver", "emit", "deliver", "emit"]);
}
