//! A test for each sentence on what network ACLs do, and the compiled entries against the declared ones.

use std::net::Ipv4Addr;

use proptest::prelude::*;
use vpcsim_wire::{PacketBuilder, Protocol, Summary, fragment, summarize};

use super::*;
use crate::model::Severity;
use crate::traffic::PortRange;

const CLIENT: Ipv4Addr = Ipv4Addr::new(198, 51, 100, 7);
const SERVER: Ipv4Addr = Ipv4Addr::new(10, 0, 1, 5);

fn allow(number: u16, traffic: Traffic, cidr: &str) -> NetworkAclEntry {
    NetworkAclEntry {
        number,
        allow: true,
        traffic,
        cidr: cidr.parse().unwrap(),
        origin: Origin::NOWHERE,
    }
}

fn deny(number: u16, traffic: Traffic, cidr: &str) -> NetworkAclEntry {
    NetworkAclEntry {
        allow: false,
        ..allow(number, traffic, cidr)
    }
}

fn tcp(first: u16, last: u16) -> Traffic {
    Traffic::Tcp(PortRange { first, last })
}

fn topology(ingress: Vec<NetworkAclEntry>, egress: Vec<NetworkAclEntry>) -> (Topology, Id<NetworkAcl>) {
    let mut topology = Topology::default();
    let id = topology.network_acls.push(NetworkAcl {
        label: Label::named("edge"),
        vpc: Id::from_index(0),
        default: false,
        ingress,
        egress,
    });
    (topology, id)
}

fn lookup(ingress: Vec<NetworkAclEntry>, egress: Vec<NetworkAclEntry>) -> NetworkAclLookup {
    let (topology, id) = topology(ingress, egress);
    compile(id, &topology)
}

fn summary(packet: &PacketBuilder) -> Summary {
    summarize(&packet.build()).unwrap()
}

/// From the client's port 51000.
fn request(port: u16) -> Summary {
    summary(&PacketBuilder::tcp(CLIENT, 51_000, SERVER, port))
}

fn answer(port: u16) -> Summary {
    summary(&PacketBuilder::tcp(SERVER, port, CLIENT, 51_000))
}

fn enters(lookup: &NetworkAclLookup, packet: &Summary) -> bool {
    lookup.lookup(Direction::Ingress, packet).allow
}

fn leaves(lookup: &NetworkAclLookup, packet: &Summary) -> bool {
    lookup.lookup(Direction::Egress, packet).allow
}

fn found(ingress: Vec<NetworkAclEntry>, egress: Vec<NetworkAclEntry>) -> Vec<(&'static str, Severity)> {
    let (topology, id) = topology(ingress, egress);
    let mut findings = Findings::default();
    NetworkAcl::validate(id, &topology, &mut findings);
    assert!(findings.iter().all(|finding| finding.help.is_some()));
    // Most of these have entries of one direction only, whose answers are a matter of their own.
    findings
        .iter()
        .filter(|finding| finding.code != "network-acl-forgets-answers")
        .map(|finding| (finding.code, finding.severity))
        .collect()
}

#[test]
fn lowest_number_that_matches_decides_whatever_the_declared_order() {
    let (topology, id) = topology(
        vec![
            allow(100, Traffic::All, "0.0.0.0/0"),
            deny(90, tcp(22, 22), "0.0.0.0/0"),
        ],
        vec![],
    );
    let lookup = compile(id, &topology);
    let verdict = lookup.lookup(Direction::Ingress, &request(22));
    assert_eq!((verdict.allow, verdict.decision.rule), (false, 1));
    assert_eq!(
        topology.rule_text(id.into(), 1).as_deref(),
        Some("90 deny tcp 22 from 0.0.0.0/0")
    );
    assert!(enters(&lookup, &request(23)));
    let numbers: Vec<_> = lookup
        .entries(Direction::Ingress)
        .iter()
        .map(|entry| entry.number)
        .collect();
    assert_eq!(numbers, [90, 100]);
}

#[test]
fn what_no_entry_is_about_is_denied_by_the_implied_one() {
    let (topology, id) = topology(vec![], vec![allow(1, tcp(80, 80), "10.0.0.0/8")]);
    let lookup = compile(id, &topology);
    for (direction, packet) in [(Direction::Ingress, request(80)), (Direction::Egress, answer(80))] {
        let verdict = lookup.lookup(direction, &packet);
        assert_eq!(
            (verdict.allow, verdict.decision),
            (false, lookup.default_decision())
        );
        let rule = verdict.decision.rule_index().unwrap();
        assert_eq!(topology.rule_text(id.into(), rule).as_deref(), Some("* deny all"));
    }
    assert_eq!(
        topology.rule_text(id.into(), 0).as_deref(),
        Some("1 allow tcp 80 to 10.0.0.0/8")
    );
    assert_eq!(topology.rule_text(id.into(), 1), None);
}

#[test]
fn number_outside_1_to_32766_is_refused() {
    let with_number = |number| found(vec![allow(number, Traffic::All, "0.0.0.0/0")], vec![]);
    assert_eq!((with_number(1), with_number(32_766)), (vec![], vec![]));
    let refused = vec![("network-acl-number", Severity::Error)];
    assert_eq!((with_number(0), with_number(32_767)), (refused.clone(), refused));
}

#[test]
fn first_network_acl_of_a_vpc_allows_everything() {
    let initial = NetworkAclLookup::initial();
    assert!(enters(&initial, &request(80)) && leaves(&initial, &answer(80)));
    let gre = summary(&PacketBuilder::raw(CLIENT, SERVER, Protocol::GRE, &[]));
    assert!(enters(&initial, &gre) && leaves(&initial, &gre));
}

#[test]
fn network_acl_without_entries_denies_everything() {
    let fresh = lookup(vec![], vec![]);
    assert!(!enters(&fresh, &request(80)) && !leaves(&fresh, &answer(80)));
    assert_eq!(found(vec![], vec![]), []);
}

#[test]
fn answer_needs_an_entry_for_the_port_of_who_asked() {
    let web = lookup(
        vec![allow(100, tcp(80, 80), "0.0.0.0/0")],
        vec![allow(100, tcp(80, 443), "0.0.0.0/0")],
    );
    assert!(enters(&web, &request(80)) && !leaves(&web, &answer(80)));
    let complete = lookup(
        vec![allow(100, tcp(80, 80), "0.0.0.0/0")],
        vec![allow(100, tcp(49_152, 65_535), "0.0.0.0/0")],
    );
    assert!(leaves(&complete, &answer(80)));
}

#[test]
fn range_is_the_source_of_what_enters_and_the_destination_of_what_leaves() {
    let of_client = || vec![allow(100, Traffic::All, "198.51.100.0/24")];
    let client = lookup(of_client(), of_client());
    assert!(enters(&client, &request(80)) && leaves(&client, &answer(80)));
    assert!(!enters(&client, &answer(80)) && !leaves(&client, &request(80)));
}

#[test]
fn entry_for_another_protocol_or_for_all_takes_every_port() {
    let esp = lookup(
        vec![allow(100, Traffic::Other(Protocol::ESP), "0.0.0.0/0")],
        vec![],
    );
    assert!(enters(
        &esp,
        &summary(&PacketBuilder::raw(CLIENT, SERVER, Protocol::ESP, &[1; 30]))
    ));
    assert!(!enters(&esp, &request(80)));
    let all = lookup(vec![allow(100, Traffic::All, "0.0.0.0/0")], vec![]);
    assert!(enters(&all, &request(0)) && enters(&all, &request(65_535)));
}

#[test]
fn more_than_20_entries_need_a_grant_and_beyond_40_nothing_helps() {
    for (count, expected) in [
        (20, None),
        (21, Some(Severity::Warning)),
        (41, Some(Severity::Error)),
    ] {
        let entries: Vec<_> = (1..=count)
            .map(|number| allow(number, tcp(number, number), "0.0.0.0/0"))
            .collect();
        let expected: Vec<_> = expected
            .iter()
            .map(|&severity| ("network-acl-entry-quota", severity))
            .collect();
        assert_eq!(found(entries, vec![]), expected, "{count}");
    }
}

#[test]
fn fragmentation_needed_is_lost_without_an_entry_for_icmp() {
    let too_big = summary(&PacketBuilder::icmp(CLIENT, SERVER, 3, 4, 1400));
    let tcp_only = lookup(vec![allow(100, tcp(0, 65_535), "0.0.0.0/0")], vec![]);
    assert!(!enters(&tcp_only, &too_big));
    let icmp = Traffic::Icmp {
        icmp_type: Some(3),
        icmp_code: Some(4),
    };
    assert!(enters(
        &lookup(vec![allow(100, icmp, "0.0.0.0/0")], vec![]),
        &too_big
    ));
}

#[test]
fn number_is_given_once_per_direction() {
    let entry = |port| allow(100, tcp(port, port), "0.0.0.0/0");
    assert_eq!(found(vec![entry(80)], vec![entry(80)]), []);
    let taken = ("network-acl-number-taken", Severity::Error);
    assert_eq!(found(vec![entry(80), entry(81)], vec![]), [taken]);
    assert_eq!(found(vec![], vec![entry(80), entry(81)]), [taken]);
}

#[test]
fn host_bits_of_a_range_do_not_matter() {
    let entry = allow(100, Traffic::All, "198.51.100.200/24");
    assert_eq!(
        entry.words(Direction::Ingress),
        "100 allow all from 198.51.100.0/24"
    );
    assert!(enters(&lookup(vec![entry], vec![]), &request(80)));
    assert_eq!(found(vec![entry], vec![]), [("cidr-host-bits", Severity::Note)]);
}

#[test]
fn fragment_without_ports_only_matches_entries_for_its_whole_protocol() {
    let datagram = PacketBuilder::udp(CLIENT, 40_000, SERVER, 53)
        .payload(&[0; 100])
        .build();
    let parts = fragment(&datagram, 68).unwrap();
    let later = summarize(&parts[1]).unwrap();
    let dns = Traffic::Udp(PortRange::single(53));
    let strict = lookup(
        vec![deny(90, dns, "0.0.0.0/0"), allow(100, dns, "0.0.0.0/0")],
        vec![],
    );
    assert_eq!(
        strict.lookup(Direction::Ingress, &later).decision,
        strict.default_decision()
    );
    let whole = lookup(
        vec![
            deny(90, dns, "0.0.0.0/0"),
            allow(100, Traffic::Udp(PortRange::ALL), "0.0.0.0/0"),
        ],
        vec![],
    );
    assert!(enters(&whole, &later));
}

#[test]
fn entry_behind_one_that_takes_all_its_packets_is_reported() {
    let hidden = ("network-acl-entry-hidden", Severity::Warning);
    let all = deny(90, Traffic::All, "0.0.0.0/0");
    assert_eq!(
        found(vec![allow(100, tcp(80, 80), "10.0.0.0/8"), all], vec![]),
        [hidden]
    );
    assert_eq!(found(vec![allow(80, tcp(80, 80), "10.0.0.0/8"), all], vec![]), []);
    let narrow = deny(90, tcp(80, 80), "10.0.0.0/8");
    assert_eq!(
        found(vec![narrow, allow(100, Traffic::All, "0.0.0.0/0")], vec![]),
        []
    );
}

#[test]
fn second_default_network_acl_of_a_vpc_and_impossible_traffic_are_refused() {
    let (mut topology, first) = topology(vec![allow(100, tcp(90, 80), "0.0.0.0/0")], vec![]);
    topology.network_acls[first].default = true;
    let copy = topology.network_acls[first].clone();
    topology.network_acls.push(copy);
    let mut findings = Findings::default();
    topology
        .network_acls
        .ids()
        .for_each(|id| NetworkAcl::validate(id, &topology, &mut findings));
    let codes: Vec<_> = findings.iter().map(|finding| finding.code).collect();
    assert_eq!(
        codes,
        [
            "impossible-traffic",
            "second-default-network-acl",
            "impossible-traffic"
        ]
    );
}

#[test]
fn nearest_entry_says_what_it_misses() {
    let near = lookup(
        vec![
            deny(90, tcp(22, 22), "0.0.0.0/0"),
            allow(100, tcp(0, 1023), "0.0.0.0/0"),
            allow(110, tcp(3306, 3306), "10.0.0.0/8"),
        ],
        vec![],
    );
    let why = |packet: &Summary| near.nearest_allow(Direction::Ingress, packet).map(|(_, why)| why);
    assert_eq!(
        why(&request(22)).unwrap(),
        "100 allows tcp 0-1023 from 0.0.0.0/0, but 90 denies it first"
    );
    assert_eq!(
        why(&request(3306)).unwrap(),
        "110 allows tcp 3306 from 10.0.0.0/8, not from 198.51.100.7"
    );
    assert_eq!(
        why(&request(8080)).unwrap(),
        "100 allows tcp 0-1023 from 0.0.0.0/0, not tcp 8080"
    );
    assert_eq!(near.nearest_allow(Direction::Egress, &answer(80)), None);
}

fn any_entry() -> impl Strategy<Value = NetworkAclEntry> {
    let traffic = prop_oneof![
        Just(Traffic::All),
        (0_u16..5, 0_u16..5).prop_map(|(first, last)| tcp(first, last)),
        (0_u16..5).prop_map(|port| Traffic::Udp(PortRange::single(port))),
        Just(Traffic::ICMP),
    ];
    let nets = prop::sample::select(vec![
        "0.0.0.0/0",
        "10.0.0.0/8",
        "10.0.1.0/24",
        "10.0.1.5/32",
        "198.51.100.7/24",
    ]);
    (1_u16..30, any::<bool>(), traffic, nets).prop_map(|(number, allows, traffic, net)| NetworkAclEntry {
        allow: allows,
        ..allow(number, traffic, net)
    })
}

proptest! {
    #[test]
    fn compiled_entries_agree_with_the_declared_ones(
        entries in prop::collection::vec(any_entry(), 0..8), port in 0_u16..6, kind in 0_u8..3, flip: bool, egress: bool,
    ) {
        let (source, destination) = if flip { (CLIENT, SERVER) } else { (SERVER, CLIENT) };
        let packet = summary(&match kind {
            0 => PacketBuilder::tcp(source, 9, destination, port),
            1 => PacketBuilder::udp(source, 9, destination, port),
            _ => PacketBuilder::icmp_echo(source, destination, 1, 1),
        });
        let (direction, peer) = if egress { (Direction::Egress, destination) } else { (Direction::Ingress, source) };
        let lookup = if egress { lookup(vec![], entries.clone()) } else { lookup(entries.clone(), vec![]) };
        // Of equal numbers, which validation refuses, the first declared one counts.
        let mut best: Option<(usize, &NetworkAclEntry)> = None;
        for (index, entry) in entries.iter().enumerate() {
            let matches = entry.traffic.matches(&packet) && entry.cidr.contains(&peer);
            if matches && best.is_none_or(|(_, best)| entry.number < best.number) {
                best = Some((index, entry));
            }
        }
        let verdict = lookup.lookup(direction, &packet);
        prop_assert_eq!(verdict.allow, best.is_some_and(|(_, entry)| entry.allow));
        let rule = best.map_or(DEFAULT_ENTRY, |(index, _)| index as u32);
        prop_assert_eq!(verdict.decision.rule, rule);
    }
}

fn warnings(ingress: Vec<NetworkAclEntry>, egress: Vec<NetworkAclEntry>) -> Vec<&'static str> {
    let (topology, id) = topology(ingress, egress);
    let mut findings = Findings::default();
    NetworkAcl::validate(id, &topology, &mut findings);
    findings.iter().map(|finding| finding.code).collect()
}

#[test]
fn entries_that_take_all_of_a_later_one_together_hide_it() {
    let halves = || vec![allow(10, tcp(1, 100), "10.0.0.0/9"), deny(20, tcp(1, 100), "10.128.0.0/9")];
    let with = |last: NetworkAclEntry| halves().into_iter().chain([last]).collect::<Vec<_>>();
    let open = || vec![allow(10, Traffic::All, "0.0.0.0/0")];
    assert_eq!(warnings(with(allow(30, tcp(22, 22), "10.0.0.0/8")), open()), ["network-acl-entry-hidden"]);
    assert!(warnings(with(allow(30, tcp(22, 101), "10.0.0.0/8")), open()).is_empty());
    assert!(warnings(with(allow(30, tcp(22, 22), "10.0.0.0/7")), open()).is_empty());
}

#[test]
fn service_whose_answers_nothing_lets_out_is_a_warning() {
    let service = || vec![allow(100, tcp(443, 443), "0.0.0.0/0")];
    assert_eq!(warnings(service(), vec![allow(100, tcp(443, 443), "0.0.0.0/0")]), ["network-acl-forgets-answers"]);
    assert!(warnings(service(), vec![allow(100, tcp(1024, 65_535), "198.51.100.0/24")]).is_empty());
    assert!(warnings(vec![allow(100, tcp(1024, 65_535), "0.0.0.0/0")], Vec::new()).is_empty());
}
