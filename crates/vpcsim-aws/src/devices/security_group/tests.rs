//! A test for each sentence on what security groups do, with the makers of small topologies.

use std::net::Ipv4Addr;

use vpcsim_engine::Decision;
use vpcsim_wire::{PacketBuilder, Protocol, Summary, summarize, tcp};

use super::*;
use crate::devices::network_interface::{Attachment, InterfaceAddress, TrackingTimeouts};
use crate::devices::peering_connection::PeeringState;
use crate::devices::{NetworkInterface, PeeringConnection, Subnet};
use crate::traffic::PortRange;

const CLIENT: Ipv4Addr = Ipv4Addr::new(198, 51, 100, 7);
pub(super) const SERVER: Ipv4Addr = Ipv4Addr::new(10, 0, 2, 7);

pub(super) fn add_vpc(topology: &mut Topology, cidr: &str, region: &str) -> Id<Vpc> {
    let ranges = [cidr.parse().unwrap()];
    topology.vpcs.push(Vpc::new(Label::named("vpc"), region, &ranges))
}

pub(super) fn add_group(topology: &mut Topology, vpc: Id<Vpc>, name: &str) -> Id<SecurityGroup> {
    topology.security_groups.push(SecurityGroup {
        label: Label::named(name),
        vpc,
        default: false,
        ingress: Vec::new(),
        egress: Vec::new(),
    })
}

pub(super) fn add_interface(
    topology: &mut Topology,
    vpc: Id<Vpc>,
    addresses: &[(&str, Option<&str>)],
    groups: &[Id<SecurityGroup>],
) -> Id<NetworkInterface> {
    let subnet = topology.subnets.push(Subnet {
        label: Label::named("subnet"),
        vpc,
        availability_zone: "eu-west-1a".to_owned(),
        availability_zone_id: None,
        cidr: topology.vpcs[vpc].cidrs[0].net,
        route_table: None,
        network_acl: None,
        shared_with: Vec::new(),
        map_public_ip_on_launch: false,
    });
    let addresses = addresses.iter().map(|(private, public)| InterfaceAddress {
        private: private.parse().unwrap(),
        public: public.map(|public| public.parse().unwrap()),
        origin: Origin::NOWHERE,
    });
    topology.network_interfaces.push(NetworkInterface {
        label: Label::named("eni"),
        subnet,
        addresses: addresses.collect(),
        prefixes: Vec::new(),
        security_groups: groups.to_vec(),
        source_dest_check: true,
        mac: None,
        attachment: Attachment::None,
        tracking: TrackingTimeouts::default(),
    })
}

pub(super) fn add_peering(topology: &mut Topology, ends: [Id<Vpc>; 2], state: PeeringState) {
    topology.peering_connections.push(PeeringConnection {
        label: Label::named("pcx"),
        requester: Some(ends[0]),
        accepter: Some(ends[1]),
        state,
        requester_dns_resolution: false,
        accepter_dns_resolution: false,
    });
}

pub(super) fn add_prefix_list(topology: &mut Topology, entries: &[&str], entries_max: u32) -> Id<PrefixList> {
    topology.prefix_lists.push(PrefixList {
        label: Label::named("offices"),
        entries: entries.iter().map(|net| net.parse().unwrap()).collect(),
        entries_max,
        version: None,
    })
}

pub(super) fn rule(traffic: Traffic, peer: Peer) -> SecurityGroupRule {
    SecurityGroupRule {
        id: None,
        traffic,
        peer,
        origin: Origin::NOWHERE,
    }
}

pub(super) fn cidr(net: &str) -> Peer {
    Peer::Cidr(net.parse().unwrap())
}

fn tcp_ports(first: u16, last: u16) -> Traffic {
    Traffic::Tcp(PortRange { first, last })
}

fn syn(port: u16) -> Summary {
    summary(&PacketBuilder::tcp(CLIENT, 40_000, SERVER, port).flags(tcp::SYN))
}

fn icmp(kind: u8, code: u8) -> Summary {
    summary(&PacketBuilder::icmp(CLIENT, SERVER, kind, code, 0))
}

fn raw(protocol: Protocol) -> Summary {
    summary(&PacketBuilder::raw(CLIENT, SERVER, protocol, &[0; 20]))
}

pub(super) fn summary(packet: &PacketBuilder) -> Summary {
    summarize(&packet.build()).unwrap()
}

/// The ingress rules of one group, compiled.
fn ingress(rules: &[(Traffic, Peer)]) -> SecurityGroupLookup {
    let mut topology = Topology::default();
    let vpc = add_vpc(&mut topology, "10.0.0.0/16", "eu-west-1");
    let group = add_group(&mut topology, vpc, "web");
    let rules = rules.iter().map(|(traffic, peer)| rule(*traffic, peer.clone()));
    topology.security_groups[group].ingress = rules.collect();
    compile_all(&topology, &[group])
}

pub(super) fn compile_all(topology: &Topology, groups: &[Id<SecurityGroup>]) -> SecurityGroupLookup {
    compile(groups, Direction::Ingress, topology, &GroupMembers::new(topology))
}

fn allows(lookup: &SecurityGroupLookup, packet: &Summary) -> bool {
    lookup.lookup(packet, packet.source(), true).is_some()
}

/// Two groups in two VPCs; the second's only rule allows TCP from the first, which 10.0.1.5 carries.
fn reference(regions: [&str; 2], state: Option<PeeringState>) -> (Topology, Id<SecurityGroup>) {
    let mut topology = Topology::default();
    let vpcs = [
        add_vpc(&mut topology, "10.0.0.0/16", regions[0]),
        add_vpc(&mut topology, "10.1.0.0/16", regions[1]),
    ];
    let referred = add_group(&mut topology, vpcs[0], "app");
    let group = add_group(&mut topology, vpcs[1], "db");
    add_interface(&mut topology, vpcs[0], &[("10.0.1.5", None)], &[referred]);
    topology.security_groups[group].ingress =
        vec![rule(Traffic::Tcp(PortRange::ALL), Peer::SecurityGroup(referred))];
    if let Some(state) = state {
        add_peering(&mut topology, vpcs, state);
    }
    (topology, group)
}

fn app_may_come_in(topology: &Topology, group: Id<SecurityGroup>) -> bool {
    let lookup = compile_all(topology, &[group]);
    lookup.lookup(&syn(5432), [10, 0, 1, 5].into(), true).is_some()
}

#[test]
fn rules_of_all_groups_count_together() {
    let mut topology = Topology::default();
    let vpc = add_vpc(&mut topology, "10.0.0.0/16", "eu-west-1");
    let groups = [
        add_group(&mut topology, vpc, "ssh"),
        add_group(&mut topology, vpc, "web"),
    ];
    for (group, port) in groups.into_iter().zip([22, 80]) {
        topology.security_groups[group].ingress = vec![rule(tcp_ports(port, port), cidr("0.0.0.0/0"))];
    }
    let lookup = compile_all(&topology, &groups);
    assert!(allows(&lookup, &syn(22)) && allows(&lookup, &syn(80)) && !allows(&lookup, &syn(443)));
    let decision = lookup.lookup(&syn(80), CLIENT, true).unwrap().decision;
    assert_eq!(decision, Decision::rule(topology.component(groups[1]), 0));
}

#[test]
fn group_without_rules_allows_nothing() {
    let lookup = ingress(&[]);
    assert!(lookup.is_empty() && !allows(&lookup, &syn(80)) && !allows(&lookup, &icmp(8, 0)));
    assert_eq!(lookup.nearest(&syn(80), CLIENT), None);
    assert!(SecurityGroupLookup::default().is_empty());
}

#[test]
fn rule_for_another_protocol_or_for_all_allows_every_port() {
    let lookup = ingress(&[(Traffic::Other(Protocol::GRE), cidr("0.0.0.0/0"))]);
    assert!(allows(&lookup, &raw(Protocol::GRE)) && !allows(&lookup, &raw(Protocol::ESP)));
    let lookup = ingress(&[(Traffic::All, cidr("0.0.0.0/0"))]);
    assert!(
        [syn(0), syn(65_535), icmp(13, 0), raw(Protocol(99))]
            .iter()
            .all(|packet| allows(&lookup, packet))
    );
}

#[test]
fn ports_are_those_of_the_destination() {
    let lookup = ingress(&[(tcp_ports(443, 444), cidr("0.0.0.0/0"))]);
    let from_port = |source| summary(&PacketBuilder::tcp(CLIENT, source, SERVER, 444));
    assert!(allows(&lookup, &from_port(1)) && allows(&lookup, &from_port(65_535)));
    assert!(!allows(
        &lookup,
        &summary(&PacketBuilder::tcp(CLIENT, 443, SERVER, 40_000))
    ));
}

#[test]
fn icmp_is_allowed_by_type_and_code() {
    let only = |icmp_type, icmp_code| ingress(&[(Traffic::Icmp { icmp_type, icmp_code }, cidr("0.0.0.0/0"))]);
    let echo = only(Some(8), None);
    assert!(allows(&echo, &icmp(8, 0)) && !allows(&echo, &icmp(13, 0)));
    let too_big = only(Some(3), Some(4));
    assert!(allows(&too_big, &icmp(3, 4)) && !allows(&too_big, &icmp(3, 3)));
    assert!(allows(&only(None, None), &icmp(11, 0)) && !allows(&only(None, None), &syn(80)));
}

#[test]
fn host_bits_of_a_range_do_not_matter() {
    let lookup = ingress(&[(Traffic::All, cidr("198.51.100.200/24"))]);
    assert!(lookup.lookup(&syn(80), CLIENT, true).is_some());
    assert!(lookup.lookup(&syn(80), [198, 51, 101, 0].into(), true).is_none());
    let mut topology = Topology::default();
    let vpc = add_vpc(&mut topology, "10.0.0.0/16", "eu-west-1");
    let group = add_group(&mut topology, vpc, "web");
    topology.security_groups[group].ingress = vec![rule(Traffic::All, cidr("10.0.1.9/24"))];
    assert_eq!(
        topology.rule_text(group.into(), 0).as_deref(),
        Some("ingress all from 10.0.1.0/24")
    );
}

#[test]
fn reference_means_every_private_address_of_the_members_and_no_public_one() {
    let (mut topology, group) = reference(["eu-west-1"; 2], None);
    let vpc = topology.security_groups[group].vpc;
    let addresses = [("10.1.1.5", Some("203.0.113.5")), ("10.1.1.9", None)];
    let web = add_group(&mut topology, vpc, "web");
    let member = add_interface(&mut topology, vpc, &addresses, &[web]);
    topology.network_interfaces[member].prefixes = vec!["10.1.7.16/28".parse().unwrap()];
    topology.security_groups[web].ingress = vec![rule(Traffic::All, cidr("192.0.2.0/24"))];
    topology.security_groups[group].ingress = vec![rule(Traffic::All, Peer::SecurityGroup(web))];
    let lookup = compile_all(&topology, &[group]);
    let from = |peer: &str| lookup.lookup(&syn(80), peer.parse().unwrap(), true).is_some();
    assert!(
        ["10.1.1.5", "10.1.1.9", "10.1.7.16", "10.1.7.31"]
            .into_iter()
            .all(from)
    );
    assert!(
        !["203.0.113.5", "10.1.1.6", "10.1.7.32", "192.0.2.1"]
            .into_iter()
            .any(from)
    );
}

#[test]
fn reference_to_the_own_group_means_its_members() {
    let mut topology = Topology::default();
    let vpc = add_vpc(&mut topology, "10.0.0.0/16", "eu-west-1");
    let group = add_group(&mut topology, vpc, "default");
    topology.security_groups[group].ingress = vec![rule(Traffic::All, Peer::SecurityGroup(group))];
    add_interface(&mut topology, vpc, &[("10.0.1.5", None)], &[group]);
    assert!(app_may_come_in(&topology, group));
    assert!(!allows(&compile_all(&topology, &[group]), &syn(80)));
}

#[test]
fn reference_reaches_into_a_vpc_with_active_peering_only() {
    for (state, expected) in [
        (Some(PeeringState::Active), true),
        (Some(PeeringState::PendingAcceptance), false),
        (Some(PeeringState::Deleted), false),
        (None, false),
    ] {
        let (topology, group) = reference(["eu-west-1"; 2], state);
        assert_eq!(app_may_come_in(&topology, group), expected, "{state:?}");
    }
}

#[test]
fn reference_across_regions_matches_nothing() {
    let (topology, group) = reference(["eu-west-1", "us-east-1"], Some(PeeringState::Active));
    assert!(!app_may_come_in(&topology, group));
}

#[test]
fn reference_to_what_is_gone_matches_nothing() {
    let lookup = ingress(&[(Traffic::All, Peer::Missing("sg-gone".to_owned()))]);
    assert!(!allows(&lookup, &syn(80)));
    let (_, why) = lookup.nearest(&syn(80), CLIENT).unwrap();
    assert_eq!(
        why,
        "allows all from sg-gone, which does not exist, not from 198.51.100.7"
    );
    let dangling = [
        Peer::SecurityGroup(Id::from_index(99)),
        Peer::PrefixList(Id::from_index(99)),
    ];
    assert!(
        dangling
            .into_iter()
            .all(|peer| !allows(&ingress(&[(Traffic::All, peer)]), &syn(80)))
    );
}

#[test]
fn reference_does_not_match_where_the_group_is_hidden() {
    let (topology, group) = reference(["eu-west-1"; 2], Some(PeeringState::Active));
    let lookup = compile_all(&topology, &[group]);
    let peer = [10, 0, 1, 5].into();
    assert!(lookup.lookup(&syn(5432), peer, true).is_some());
    assert_eq!(lookup.lookup(&syn(5432), peer, false), None);
    assert_eq!(
        lookup.nearest(&syn(5432), peer).unwrap().1,
        "allows tcp from sg app, but the group of 10.0.1.5 is not known here"
    );
    let open = ingress(&[(Traffic::All, cidr("0.0.0.0/0"))]);
    assert!(open.lookup(&syn(5432), peer, false).is_some());
}

#[test]
fn prefix_list_allows_each_of_its_ranges() {
    let mut topology = Topology::default();
    let vpc = add_vpc(&mut topology, "10.0.0.0/16", "eu-west-1");
    let group = add_group(&mut topology, vpc, "web");
    let list = add_prefix_list(&mut topology, &["198.51.100.0/24", "203.0.113.0/28"], 10);
    topology.security_groups[group].ingress = vec![rule(Traffic::All, Peer::PrefixList(list))];
    let lookup = compile_all(&topology, &[group]);
    let from = |peer: [u8; 4]| lookup.lookup(&syn(80), peer.into(), false).is_some();
    assert!(from([198, 51, 100, 7]) && from([203, 0, 113, 15]));
    assert!(!from([203, 0, 113, 16]) && !from([200, 0, 0, 1]));
}

#[test]
fn flow_is_open_if_any_rule_that_allows_it_is_for_everybody() {
    let both = ingress(&[
        (tcp_ports(22, 22), cidr("198.51.100.0/24")),
        (tcp_ports(0, 1023), cidr("0.0.0.0/0")),
    ]);
    let allowed = both.lookup(&syn(22), CLIENT, true).unwrap();
    assert_eq!((allowed.decision.rule, allowed.open), (0, true));
    let closed = ingress(&[(tcp_ports(22, 22), cidr("198.51.100.0/24"))]);
    assert!(!closed.lookup(&syn(22), CLIENT, true).unwrap().open);
}

#[test]
fn opposite_rule_of_an_untracked_flow_is_for_everybody_and_all_ports() {
    let everybody = || cidr("0.0.0.0/0");
    let (all, tcp) = (Traffic::All, Traffic::Tcp(PortRange::ALL));
    for (traffic, peer, expected) in [
        (all, everybody(), (true, true)),
        (tcp, everybody(), (true, false)),
        (Traffic::Udp(PortRange::ALL), everybody(), (false, true)),
        (tcp_ports(1, 65_535), everybody(), (false, false)),
        (all, cidr("0.0.0.0/1"), (false, false)),
        (Traffic::ICMP, everybody(), (false, false)),
    ] {
        let lookup = ingress(&[(traffic, peer)]);
        let open = |protocol| lookup.has_open_rule_for_all_ports(protocol);
        assert_eq!((open(Protocol::TCP), open(Protocol::UDP)), expected, "{traffic}");
        assert!(!open(Protocol::ICMP) && !open(Protocol::GRE));
    }
}

#[test]
fn prefix_list_with_the_whole_internet_is_as_open_as_the_range() {
    let mut topology = Topology::default();
    let vpc = add_vpc(&mut topology, "10.0.0.0/16", "eu-west-1");
    let group = add_group(&mut topology, vpc, "web");
    let list = add_prefix_list(&mut topology, &["0.0.0.0/0"], 1);
    topology.security_groups[group].ingress = vec![rule(Traffic::All, Peer::PrefixList(list))];
    let lookup = compile_all(&topology, &[group]);
    assert!(lookup.lookup(&syn(80), CLIENT, true).unwrap().open);
}

#[test]
fn first_rule_that_allows_is_the_one_named() {
    let mut topology = Topology::default();
    let vpc = add_vpc(&mut topology, "10.0.0.0/16", "eu-west-1");
    let group = add_group(&mut topology, vpc, "web");
    let declared = &mut topology.security_groups[group];
    declared.ingress = vec![
        rule(tcp_ports(80, 80), cidr("10.0.0.0/8")),
        rule(Traffic::Udp(PortRange::ALL), cidr("0.0.0.0/0")),
    ];
    declared.egress = vec![
        rule(tcp_ports(1, 9), cidr("0.0.0.0/0")),
        rule(Traffic::All, cidr("0.0.0.0/0")),
        rule(Traffic::All, cidr("0.0.0.0/0")),
    ];
    declared.egress[1].id = Some("sgr-1".to_owned());
    let lookup = compile(
        &[group],
        Direction::Egress,
        &topology,
        &GroupMembers::new(&topology),
    );
    let decision = lookup.lookup(&syn(80), SERVER, true).unwrap().decision;
    assert_eq!(decision, Decision::rule(topology.component(group), 3));
    let text = |number| topology.rule_text(group.into(), number);
    assert_eq!(text(0).unwrap(), "ingress tcp 80 from 10.0.0.0/8");
    assert_eq!(text(3).unwrap(), "egress all to 0.0.0.0/0 (sgr-1)");
    assert_eq!(text(5), None);
}

#[test]
fn nearest_rule_says_what_it_misses() {
    let mysql = ingress(&[
        (Traffic::Udp(PortRange::ALL), cidr("192.0.2.0/24")),
        (tcp_ports(3306, 3306), cidr("198.51.0.0/16")),
    ]);
    let (decision, why) = mysql.nearest(&syn(5432), CLIENT).unwrap();
    assert_eq!(decision.rule, 1);
    assert_eq!(why, "allows tcp 3306 from 198.51.0.0/16, not tcp 5432");
    let (_, why) = mysql.nearest(&syn(3306), SERVER).unwrap();
    assert_eq!(why, "allows tcp 3306 from 198.51.0.0/16, not from 10.0.2.7");
    let (_, why) = mysql.nearest(&syn(5432), SERVER).unwrap();
    assert_eq!(
        why,
        "allows tcp 3306 from 198.51.0.0/16, not tcp 5432 from 10.0.2.7"
    );
    assert_eq!(mysql.nearest(&raw(Protocol::GRE), SERVER), None);
}
