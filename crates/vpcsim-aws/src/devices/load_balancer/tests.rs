use vpcsim_engine::Context;
use vpcsim_wire::{PacketBuilder, Protocol, tcp};

use super::*;
use crate::devices::network_interface::{Attachment, FROM_OWNER};
use crate::devices::target_group::TargetHealth;
use crate::mark;
use crate::model::Id;
use crate::stand::{Arrival, Stand, ip, subnet, vpc};

pub(super) const CLIENT: &str = "198.51.100.9";
pub(super) const NODE_A: &str = "10.0.1.10";
pub(super) const NODE_B: &str = "10.0.2.10";

/// A load balancer in two zones; `a-1` and `a-2` in the first and `b-1` in the second are targets.
pub(super) struct Design {
    pub(super) topology: Topology,
    pub(super) balancer: Id<LoadBalancer>,
    pub(super) group: Id<TargetGroup>,
}

pub(super) fn target(address: &str) -> Target {
    Target { to: TargetAddress::Address(ip(address)), port: None, health: Some(TargetHealth::Healthy) }
}

pub(super) fn design() -> Design {
    let mut topology = Topology::named("t", "eu-west-1");
    let vpc = vpc(&mut topology, "v", &["10.0.0.0/16"]);
    let zones = ["10.0.1.0/24", "10.0.2.0/24"].map(|cidr| subnet(&mut topology, vpc, cidr));
    topology.subnets[zones[1]].availability_zone = "eu-west-1b".to_owned();
    let mut interface = |subnet, address: &str, attachment| {
        let mut row = NetworkInterface::new(Label::named(address), subnet, ip(address));
        row.attachment = attachment;
        topology.network_interfaces.push(row)
    };
    let nodes = [(zones[0], NODE_A), (zones[1], NODE_B)]
        .map(|(subnet, address)| LoadBalancerNode { subnet, interface: interface(subnet, address, Attachment::Managed) });
    for (subnet, address) in [(zones[0], "10.0.1.21"), (zones[0], "10.0.1.22"), (zones[1], "10.0.2.21")] {
        interface(subnet, address, Attachment::None);
    }
    let group = topology.target_groups.push(TargetGroup {
        targets: vec![target("10.0.1.21"), target("10.0.1.22"), target("10.0.2.21")],
        ..TargetGroup::new(Label::named("web"), vpc, ListenerProtocol::TcpUdp, 8080)
    });
    let balancer = topology.load_balancers.push(LoadBalancer {
        nodes: nodes.to_vec(),
        listeners: vec![Listener::new(ListenerProtocol::TcpUdp, 80, Some(group))],
        ..LoadBalancer::new(Label::named("front"), vpc, Scheme::Internal)
    });
    Design { topology, balancer, group }
}

impl Design {
    /// Without the client's address.
    pub(super) fn translating(mut self) -> Self {
        let group = &mut self.topology.target_groups[self.group];
        group.protocol = ListenerProtocol::Tcp;
        self.topology.load_balancers[self.balancer].listeners[0].protocol = ListenerProtocol::Tcp;
        self
    }

    pub(super) fn group(&mut self) -> &mut TargetGroup {
        &mut self.topology.target_groups[self.group]
    }

    pub(super) fn bench(self) -> Bench {
        let stand = Stand::new(&self.topology, &[Kind::LoadBalancer]);
        let balancer = &self.topology.load_balancers[self.balancer];
        Bench {
            node: stand.node(self.balancer),
            interfaces: balancer.nodes.iter().map(|node| stand.node(node.interface)).collect(),
            stand,
        }
    }
}

pub(super) struct Bench {
    pub(super) stand: Stand,
    pub(super) node: vpcsim_engine::NodeId,
    pub(super) interfaces: Vec<vpcsim_engine::NodeId>,
}

impl Bench {
    /// What the node's interface gets to send when `bytes` came by it.
    pub(super) fn by(&mut self, node: u32, bytes: &[u8]) -> Vec<Arrival> {
        self.stand.send(self.node, Port(node), bytes);
        let interface = self.interfaces[node as usize];
        self.stand.take_arrivals(interface)
    }

    pub(super) fn turn(&mut self, target: usize, health: TargetHealth) {
        let turn = |device: &mut LoadBalancerDevice, context: &mut Context<'_>| device.set_health(context, 0, target, health);
        self.stand.network.act(self.node, turn);
    }

    pub(super) fn key(&mut self, bytes: &[u8]) -> String {
        let out = self.by(0, bytes);
        out.first().map(|arrival| arrival.key().to_string()).unwrap_or_default()
    }
}

pub(super) fn syn(port: u16) -> PacketBuilder {
    PacketBuilder::tcp(ip(CLIENT), port, ip(NODE_A), 80).flags(tcp::SYN).seq(7)
}

fn udp(port: u16) -> Vec<u8> {
    PacketBuilder::udp(ip(CLIENT), port, ip(NODE_A), 80).build()
}

/// The target's answer to what it got.
pub(super) fn answer(got: &Arrival, flags: u8) -> Vec<u8> {
    let key = got.key();
    PacketBuilder::tcp(key.destination(), key.destination_port(), key.source(), key.source_port()).flags(flags).build()
}

#[test]
fn the_client_is_kept_and_the_answer_comes_from_the_listener() {
    let mut bench = design().bench();
    let there = bench.by(0, &syn(5000).build());
    let key = there[0].key();
    assert_eq!((key.source(), key.source_port(), key.destination_port()), (ip(CLIENT), 5000, 8080));
    assert_eq!(there[0].port, FROM_OWNER);
    assert!(there[0].has_mark(mark::RETURN_NOTED), "the answer comes back here whatever the routes say");
    assert!(there[0].has_mark(mark::GROUP_UNKNOWN), "the client's groups do not count");
    assert_eq!(there[0].bytes[24..28], syn(5000).build()[24..28], "the sequence number passes through");
    let back = bench.by(0, &answer(&there[0], tcp::SYN | tcp::ACK));
    assert_eq!(back[0].key().to_string(), "10.0.1.10:80 > 198.51.100.9:5000 tcp");
}

#[test]
fn without_the_client_the_source_is_the_node_with_a_port_of_its_own() {
    let mut bench = design().translating().bench();
    let there = bench.by(0, &syn(5000).build());
    let key = there[0].key();
    assert_eq!((key.source(), key.source_port()), (ip(NODE_A), 1024));
    assert!(!there[0].has_mark(mark::RETURN_NOTED) && !there[0].has_mark(mark::GROUP_UNKNOWN));
    let back = bench.by(0, &answer(&there[0], tcp::SYN | tcp::ACK));
    assert_eq!(back[0].key().to_string(), "10.0.1.10:80 > 198.51.100.9:5000 tcp");
}

#[test]
fn a_flow_stays_with_its_target_and_another_syn_may_change_it() {
    let mut bench = design().bench();
    let first = bench.key(&syn(5000).build());
    assert_eq!(bench.key(&syn(5000).build()), first, "the same SYN again");
    assert_eq!(bench.key(&syn(5000).flags(tcp::ACK).seq(8).build()), first);
    let others: Vec<String> = (100..140).map(|seq| bench.key(&syn(5000).seq(seq).build())).collect();
    assert!(others.iter().any(|other| *other != first), "the sequence number is part of the hash");
}

#[test]
fn a_node_uses_the_targets_of_its_zone_unless_it_balances_across_zones() {
    let reached = |cross: Option<bool>| {
        let mut design = design();
        design.group().cross_zone = cross;
        let mut bench = design.bench();
        (0..60).any(|port| bench.key(&syn(4000 + port).build()).contains("10.0.2.21"))
    };
    assert!(!reached(None) && !reached(Some(false)));
    assert!(reached(Some(true)), "the group's setting goes before the load balancer's");
}

#[test]
fn a_zone_without_targets_and_a_group_without_any_answer_with_a_reset() {
    let mut only_b = design();
    only_b.group().targets.drain(..2);
    let mut bench = only_b.bench();
    assert!(bench.by(0, &syn(5000).build())[0].summary().is_rst());
    assert_eq!(bench.stand.drops(), ["NLB_NO_TARGETS_IN_ZONE"]);
    let mut empty = design();
    empty.group().targets.clear();
    let mut bench = empty.bench();
    assert!(bench.by(0, &syn(5000).build())[0].summary().is_rst());
    assert_eq!(bench.stand.drops(), ["NLB_NO_TARGETS"]);
    let mut none = design();
    none.topology.load_balancers[none.balancer].listeners[0].target_group = None;
    let mut bench = none.bench();
    bench.by(0, &syn(5000).build());
    assert_eq!(bench.stand.drops(), ["NLB_LISTENER_WITHOUT_GROUP"]);
}

#[test]
fn other_ports_pings_and_fragments_get_no_answer() {
    let mut bench = design().bench();
    let other = PacketBuilder::tcp(ip(CLIENT), 5000, ip(NODE_A), 22).flags(tcp::SYN).build();
    assert!(bench.by(0, &other).is_empty());
    assert!(bench.by(0, &PacketBuilder::icmp_echo(ip(CLIENT), ip(NODE_A), 1, 1).build()).is_empty());
    assert!(bench.by(0, &PacketBuilder::raw(ip(CLIENT), ip(NODE_A), Protocol::GRE, &[0; 8]).build()).is_empty());
    let whole = PacketBuilder::udp(ip(CLIENT), 5000, ip(NODE_A), 80).payload(&[0; 3000]).build();
    let mut later = whole[..1020].to_vec();
    later[2..4].copy_from_slice(&1020_u16.to_be_bytes());
    later[6..8].copy_from_slice(&125_u16.to_be_bytes());
    later[10..12].fill(0);
    let sum: u32 = later[..20].chunks(2).map(|pair| u32::from(u16::from_be_bytes([pair[0], pair[1]]))).sum();
    let sum = !((sum & 0xffff) + (sum >> 16)) as u16;
    later[10..12].copy_from_slice(&sum.to_be_bytes());
    assert!(bench.by(0, &later).is_empty());
    assert_eq!(bench.stand.drops(), ["NLB_LISTENER", "NLB_PROTOCOL", "NLB_PROTOCOL", "NLB_FRAGMENT"]);
}

#[test]
fn a_target_that_is_the_client_is_reached_only_without_its_address() {
    let mut design = design();
    design.group().targets.truncate(1);
    let from_target = || PacketBuilder::tcp(ip("10.0.1.21"), 5000, ip(NODE_A), 80).flags(tcp::SYN).build();
    let mut translating = self::design().translating();
    translating.group().targets.truncate(1);
    let mut bench = design.bench();
    assert!(bench.by(0, &from_target()).is_empty());
    assert_eq!(bench.stand.drops(), ["NLB_HAIRPIN"]);
    let mut bench = translating.bench();
    assert_eq!(bench.key(&from_target()), "10.0.1.10:1024 > 10.0.1.21:8080 tcp");
}

#[test]
fn an_idle_connection_is_reset_after_350_seconds_from_either_side() {
    let mut bench = design().bench();
    let there = bench.by(0, &syn(5000).build());
    bench.by(0, &answer(&there[0], tcp::SYN | tcp::ACK));
    bench.stand.wait(Span::from_secs(349));
    assert!(!bench.by(0, &syn(5000).flags(tcp::ACK).build())[0].summary().is_rst(), "it lives still");
    bench.stand.wait(Span::from_secs(351));
    assert!(bench.by(0, &syn(5000).flags(tcp::ACK).build())[0].summary().is_rst());
    assert_eq!(bench.stand.drops(), ["NLB_NO_FLOW"]);
    let there = bench.by(0, &syn(5001).build());
    bench.by(0, &answer(&there[0], tcp::SYN | tcp::ACK));
    bench.stand.wait(Span::from_secs(351));
    let reset = bench.by(0, &answer(&there[0], tcp::ACK));
    assert_eq!(reset[0].key(), there[0].key());
    assert!(reset[0].summary().is_rst());
}

#[test]
fn a_listener_can_have_an_idle_timeout_of_its_own() {
    let mut design = design();
    design.topology.load_balancers[design.balancer].listeners[0].idle_timeout_s = Some(60);
    let mut bench = design.bench();
    bench.by(0, &syn(5000).build());
    bench.stand.wait(Span::from_secs(61));
    assert!(bench.by(0, &syn(5000).flags(tcp::ACK).build())[0].summary().is_rst());
}

#[test]
fn datagrams_are_chosen_for_anew_after_120_seconds() {
    let mut bench = design().bench();
    let first = bench.by(0, &udp(5000));
    bench.stand.wait(Span::from_secs(121));
    assert_eq!(bench.by(0, &udp(5000)).len(), 1);
    assert!(bench.stand.drops().is_empty());
    assert_eq!(first[0].key().source(), ip(CLIENT));
}

#[test]
fn a_first_answer_after_30_seconds_is_too_late() {
    let mut bench = design().bench();
    let there = bench.by(0, &syn(5000).build());
    bench.stand.wait(Span::from_secs(31));
    bench.by(0, &answer(&there[0], tcp::SYN | tcp::ACK));
    assert_eq!(bench.stand.drops(), ["NLB_LATE_ANSWER"]);
}

#[test]
fn unhealthy_targets_get_nothing_unless_all_are() {
    let mut one = design();
    one.group().targets[0].health = Some(TargetHealth::Unhealthy);
    let mut bench = one.bench();
    assert!((0..30).all(|port| bench.key(&syn(4000 + port).build()).contains("10.0.1.22")));
    let mut all = design();
    all.group().targets.iter_mut().for_each(|target| target.health = Some(TargetHealth::Unhealthy));
    let mut bench = all.bench();
    assert!(bench.key(&syn(5000).build()).contains("> 10.0.1.2"));
    let mut draining = design();
    draining.group().targets[0].health = Some(TargetHealth::Draining);
    let mut bench = draining.bench();
    assert!((0..30).all(|port| bench.key(&syn(4000 + port).build()).contains("10.0.1.22")));
}

#[test]
fn a_flow_to_a_target_that_became_unhealthy_is_reset() {
    let mut bench = design().bench();
    let there = bench.by(0, &syn(5000).build());
    let target = there[0].key().destination();
    let place = usize::from(target == ip("10.0.1.22"));
    bench.turn(place, TargetHealth::Unhealthy);
    assert!(bench.by(0, &syn(5000).flags(tcp::ACK).build())[0].summary().is_rst());
    assert_eq!(bench.stand.drops(), ["NLB_TARGET_UNHEALTHY"]);
}

#[test]
fn a_zone_that_uses_its_unhealthy_targets_resets_no_flow_to_them() {
    let mut bench = design().bench();
    bench.turn(0, TargetHealth::Unhealthy);
    bench.turn(1, TargetHealth::Unhealthy);
    let there = bench.key(&syn(5000).build());
    assert_eq!(bench.key(&syn(5000).build()), there, "although the other zone has a healthy one");
}

#[test]
fn flows_to_an_unhealthy_target_live_on_where_the_group_says_so() {
    let mut design = design();
    design.group().resets_unhealthy = false;
    let mut bench = design.bench();
    let there = bench.by(0, &syn(5000).build());
    bench.turn(usize::from(there[0].key().destination() == ip("10.0.1.22")), TargetHealth::Unhealthy);
    assert_eq!(bench.key(&syn(5000).flags(tcp::ACK).build()), there[0].key().to_string());
}

#[test]
fn the_idle_timeout_of_tls_cannot_be_changed() {
    let mut design = design().translating();
    let listener = &mut design.topology.load_balancers[design.balancer].listeners[0];
    (listener.protocol, listener.idle_timeout_s) = (ListenerProtocol::Tls, Some(60));
    assert_eq!(codes(&design), ["tls-idle-timeout"]);
    let mut bench = design.bench();
    bench.by(0, &syn(5000).build());
    bench.stand.wait(Span::from_secs(349));
    assert!(!bench.by(0, &syn(5000).flags(tcp::ACK).build())[0].summary().is_rst());
}

#[test]
fn an_error_about_a_flow_reaches_the_one_who_sent_what_it_is_about() {
    let mut bench = design().translating().bench();
    let there = bench.by(0, &syn(5000).build());
    let back = bench.by(0, &answer(&there[0], tcp::SYN | tcp::ACK));
    let router = ip("198.51.100.1");
    let error = vpcsim_wire::icmp_error::fragmentation_needed(router, &back[0].bytes, 1400);
    let told = bench.by(0, &error.unwrap());
    let target = there[0].key().destination();
    assert_eq!((told[0].key().source(), told[0].key().destination()), (router, target));
    let inner = told[0].summary().embedded(&told[0].bytes).unwrap();
    assert_eq!(inner.key, there[0].key().reversed(), "it names the flow as the target knows it");
    let error = vpcsim_wire::icmp_error::fragmentation_needed(target, &there[0].bytes, 1400);
    let told = bench.by(0, &error.unwrap());
    assert_eq!((told[0].key().source(), told[0].key().destination()), (ip(NODE_A), ip(CLIENT)));
    let inner = told[0].summary().embedded(&told[0].bytes).unwrap();
    assert_eq!(inner.key.to_string(), "198.51.100.9:5000 > 10.0.1.10:80 tcp");
}

#[test]
fn flows_are_shared_out_evenly_among_the_targets_of_a_zone_or_of_all() {
    let shares = |cross: bool| -> Vec<usize> {
        let mut design = design();
        design.group().cross_zone = Some(cross);
        let mut bench = design.bench();
        let mut counts = vec![0; 3];
        for (node, address) in [(0, NODE_A), (1, NODE_B)] {
            for port in 0..1500 {
                let packet = PacketBuilder::udp(ip(CLIENT), 2000 + port, ip(address), 80).build();
                let got = bench.by(node, &packet)[0].key().destination();
                counts[["10.0.1.21", "10.0.1.22", "10.0.2.21"].iter().position(|own| ip(own) == got).unwrap()] += 1;
            }
        }
        counts
    };
    assert!(shares(true).iter().all(|count| (900..1100).contains(count)), "a third each");
    let alone = shares(false);
    assert_eq!(alone[2], 1500, "half of all for the only one of its zone");
    assert!(alone[..2].iter().all(|count| (650..850).contains(count)), "a quarter each");
}

#[test]
fn one_node_has_55_000_ports_for_one_target() {
    let mut design = design().translating();
    design.group().targets.truncate(1);
    let mut bench = design.bench();
    for index in 0..55_001_u32 {
        let client = Ipv4Addr::from(0xC633_0000 + (index >> 14));
        let port = 1024 + (index & 0x3fff) as u16;
        let packet = PacketBuilder::tcp(client, port, ip(NODE_A), 80).flags(tcp::SYN).build();
        bench.stand.send(bench.node, Port(0), &packet);
    }
    assert_eq!(bench.stand.drops(), ["NLB_PORT_EXHAUSTED"]);
}

#[test]
fn one_client_stays_with_one_target_of_a_sticky_group() {
    let mut design = design();
    design.group().sticky = true;
    let mut bench = design.bench();
    let targets: Vec<_> =
        (0..40).map(|port| bench.by(0, &syn(4000 + port).build())[0].key().destination()).collect();
    assert!(targets.windows(2).all(|pair| pair[0] == pair[1]));
}

#[test]
fn a_load_balancer_that_is_not_active_drops() {
    let mut design = design();
    design.topology.load_balancers[design.balancer].active = false;
    let mut bench = design.bench();
    bench.by(0, &syn(5000).build());
    assert_eq!(bench.stand.drops(), ["NLB_NOT_ACTIVE"]);
}

#[test]
fn flows_by_two_nodes_with_equal_ports_collide_at_one_target() {
    let mut design = design();
    design.group().cross_zone = Some(true);
    design.group().targets.truncate(1);
    let mut bench = design.bench();
    let first = bench.by(0, &syn(5000).build());
    bench.by(1, &PacketBuilder::tcp(ip(CLIENT), 5000, ip(NODE_B), 80).flags(tcp::SYN).build());
    bench.stand.send(bench.node, Port(0), &answer(&first[0], tcp::SYN | tcp::ACK));
    let back = bench.stand.take_arrivals(bench.interfaces[1]);
    assert_eq!(back[0].key().source(), ip(NODE_B), "the later flow gets the answer");
}

fn codes(design: &Design) -> Vec<&'static str> {
    let mut findings = Findings::default();
    LoadBalancer::validate(design.balancer, &design.topology, &mut findings);
    TargetGroup::validate(design.group, &design.topology, &mut findings);
    findings.iter().map(|finding| finding.code).collect()
}

#[test]
fn what_aws_refuses_is_found() {
    assert!(codes(&design()).is_empty());
    let mut protocol = design();
    protocol.group().protocol = ListenerProtocol::Tcp;
    assert_eq!(codes(&protocol), ["listener-protocol"]);
    let mut twice = design();
    let listener = twice.topology.load_balancers[twice.balancer].listeners[0];
    twice.topology.load_balancers[twice.balancer].listeners.push(listener);
    assert_eq!(codes(&twice), ["listener-twice"]);
    let mut none = design();
    none.topology.load_balancers[none.balancer].listeners[0].target_group = None;
    assert_eq!(codes(&none), ["listener-without-target-group"]);
    let mut zone = design();
    zone.topology.subnets[Id::from_index(1)].availability_zone = "eu-west-1a".to_owned();
    assert_eq!(codes(&zone), ["load-balancer-zone-twice"]);
    let mut public = design();
    public.topology.load_balancers[public.balancer].scheme = Scheme::InternetFacing;
    assert_eq!(codes(&public), ["load-balancer-in-private-subnet"; 2]);
    let mut sticky = design().translating();
    sticky.group().protocol = ListenerProtocol::Tls;
    sticky.group().sticky = true;
    sticky.topology.load_balancers[sticky.balancer].listeners[0].protocol = ListenerProtocol::Tls;
    assert_eq!(codes(&sticky), ["sticky-tls"]);
}

#[test]
fn quotas_of_aws_are_counted() {
    let mut listeners = design();
    let listener = listeners.topology.load_balancers[listeners.balancer].listeners[0];
    let many = (0..50).map(|port| Listener { port: 1000 + port, ..listener });
    listeners.topology.load_balancers[listeners.balancer].listeners.extend(many);
    assert_eq!(codes(&listeners), ["too-many-listeners"]);
    let mut targets = design();
    let many = (0..250).map(|port| Target { port: Some(1000 + port), ..target("10.0.2.21") });
    targets.group().targets.extend(many.clone());
    targets.group().targets.extend(many.map(|target| Target { to: TargetAddress::Address(ip("10.0.1.21")), ..target }));
    assert!(codes(&targets).is_empty(), "503 targets, 252 of a zone");
    targets.group().cross_zone = Some(true);
    assert_eq!(codes(&targets), ["too-many-targets"]);
}

#[test]
fn a_public_node_needs_eight_free_addresses() {
    let mut small = design();
    small.topology.load_balancers[small.balancer].scheme = Scheme::InternetFacing;
    let zone = small.topology.load_balancers[small.balancer].nodes[0].subnet;
    small.topology.subnets[zone].cidr = "10.0.1.16/28".parse().unwrap();
    assert!(!codes(&small).contains(&"load-balancer-subnet-full"), "two of eleven addresses are taken by others");
    for address in ["10.0.1.23", "10.0.1.24"] {
        small.topology.network_interfaces.push(NetworkInterface::new(Label::named(address), zone, ip(address)));
    }
    assert!(codes(&small).contains(&"load-balancer-subnet-full"));
}

#[test]
fn its_name_resolves_to_its_nodes_and_the_names_of_its_zones_to_theirs() {
    use crate::services::horizon::{Horizon, PublicNames, Resolution};
    let mut design = design();
    let name = "front-1.elb.eu-west-1.amazonaws.com";
    design.topology.load_balancers[design.balancer].dns_name = Some(name.to_owned());
    let public = PublicNames::new(&design.topology);
    let horizon = Horizon::new(&design.topology, Id::from_index(0), public);
    let resolved = |name: &str, out: u64| horizon.resolve(name, |_| out);
    assert_eq!(resolved(name, 0), Resolution::Addresses(vec![ip(NODE_A), ip(NODE_B)]));
    assert_eq!(resolved(name, 1), Resolution::Addresses(vec![ip(NODE_B)]), "without the node that is out of the DNS");
    assert_eq!(resolved(&format!("eu-west-1b.{name}"), 0), Resolution::Addresses(vec![ip(NODE_B)]));
}
