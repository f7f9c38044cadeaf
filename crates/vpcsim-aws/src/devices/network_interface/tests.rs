//! Each sentence of the module's docs, on a small VPC: `a` and `b` in one subnet, `c` in another.

use vpcsim_engine::{FrameHeader, Span};
use vpcsim_wire::arp::Operation;
use vpcsim_wire::{Arp, EtherType, Mac, PacketBuilder, Protocol, icmp_error, tcp};

use super::*;
use crate::compile::place::router_mac;
use crate::devices::route_table::{Route, RouteDestination, RouteSource, RouteTarget};
use crate::devices::instance::Allowance;
use crate::devices::{RouteTable, SecurityGroup, Vpc};
use crate::fixtures::{Lab, address, allow, attach, group, interface, net, subnet, vpc};
use crate::traffic::{PortRange, Traffic};

const TCP_443: Traffic = Traffic::Tcp(PortRange { first: 443, last: 443 });

struct Scene {
    topology: Topology,
    vpc: Id<Vpc>,
    group_a: Id<SecurityGroup>,
    group_b: Id<SecurityGroup>,
    a: Id<NetworkInterface>,
    b: Id<NetworkInterface>,
    c: Id<NetworkInterface>,
}

/// `a` may send TCP to ports 443 of 10.0.0.0/8; `b` and `c` take that from 10.0.0.0/8 and may send nothing.
fn scene() -> Scene {
    let mut topology = Topology::named("t", "eu-west-1");
    let vpc = topology.vpcs.push(vpc("v", "10.0.0.0/16"));
    let near = topology.subnets.push(subnet(vpc, "near", "10.0.1.0/24"));
    let far = topology.subnets.push(subnet(vpc, "far", "10.0.2.0/24"));
    let group_a = topology.security_groups.push(group(vpc, "a", vec![], vec![allow(TCP_443, "10.0.0.0/8")]));
    let group_b = topology.security_groups.push(group(vpc, "b", vec![allow(TCP_443, "10.0.0.0/8")], vec![]));
    let a = attach(&mut topology, "a", interface(near, "10.0.1.10", &[group_a]));
    let b = attach(&mut topology, "b", interface(near, "10.0.1.11", &[group_b]));
    let c = attach(&mut topology, "c", interface(far, "10.0.2.10", &[group_b]));
    Scene { topology, vpc, group_a, group_b, a, b, c }
}

fn syn(source: &str, destination: &str, port: u16) -> Vec<u8> {
    PacketBuilder::tcp(address(source), 40_000, address(destination), port).flags(tcp::SYN).build()
}

fn answer(source: &str, port: u16, destination: &str) -> Vec<u8> {
    PacketBuilder::tcp(address(source), port, address(destination), 40_000).flags(tcp::SYN | tcp::ACK).build()
}

#[test]
fn a_packet_from_a_foreign_address_is_dropped_by_the_source_check() {
    let mut scene = scene();
    let foreign = syn("10.9.9.9", "10.0.2.10", 443);
    assert_eq!(Lab::new(scene.topology.clone()).send(scene.a, &foreign), "emit drop SRC_CHECK");
    scene.topology.network_interfaces[scene.a].source_dest_check = false;
    let way = Lab::new(scene.topology).send(scene.a, &foreign);
    assert_eq!(way, "emit EniOut SubnetOut Route SubnetIn EniIn deliver");
}

#[test]
fn a_packet_for_a_foreign_address_is_dropped_by_the_destination_check() {
    let mut scene = scene();
    let foreign = syn("10.0.1.10", "10.0.7.7", 443);
    assert_eq!(Lab::new(scene.topology.clone()).send_to(scene.a, scene.b, &foreign), "emit EniOut drop DST_CHECK");
    scene.topology.network_interfaces[scene.b].source_dest_check = false;
    assert_eq!(Lab::new(scene.topology).send_to(scene.a, scene.b, &foreign), "emit EniOut EniIn deliver");
}

#[test]
fn all_sixteen_addresses_of_a_prefix_are_its_own() {
    let mut scene = scene();
    scene.topology.network_interfaces[scene.a].prefixes.push(net("10.0.1.16/28"));
    scene.topology.network_interfaces[scene.a].source_dest_check = true;
    for last in [16, 31] {
        let bytes = syn(&format!("10.0.1.{last}"), "10.0.2.10", 443);
        let way = Lab::new(scene.topology.clone()).send(scene.a, &bytes);
        assert_eq!(way, "emit EniOut SubnetOut Route SubnetIn EniIn deliver");
    }
    let bytes = syn("10.0.1.32", "10.0.2.10", 443);
    assert_eq!(Lab::new(scene.topology).send(scene.a, &bytes), "emit drop SRC_CHECK");
}

#[test]
fn on_the_way_out_the_source_check_comes_before_the_groups_and_these_before_the_subnet() {
    let mut lab = Lab::new(scene().topology);
    let a = Id::from_index(0);
    assert_eq!(lab.send(a, &syn("10.9.9.9", "10.0.2.10", 22)), "emit drop SRC_CHECK");
    assert_eq!(lab.send(a, &syn("10.0.1.10", "10.0.2.10", 22)), "emit drop SG_EGRESS");
    assert_eq!(lab.send(a, &syn("10.0.1.10", "10.5.0.1", 443)), "emit EniOut SubnetOut drop NO_ROUTE");
}

#[test]
fn on_the_way_in_the_groups_come_before_the_destination_check() {
    let mut scene = scene();
    scene.topology.security_groups[scene.group_b].ingress.clear();
    let foreign = syn("10.0.1.10", "10.0.7.7", 443);
    assert_eq!(Lab::new(scene.topology).send_to(scene.a, scene.b, &foreign), "emit EniOut drop SG_INGRESS");
}

#[test]
fn the_answer_to_a_tracked_flow_passes_without_a_rule() {
    let scene = scene();
    let mut lab = Lab::new(scene.topology);
    assert_eq!(lab.send(scene.c, &answer("10.0.2.10", 443, "10.0.1.10")), "emit drop SG_EGRESS");
    lab.send(scene.a, &syn("10.0.1.10", "10.0.2.10", 443));
    let way = lab.send(scene.c, &answer("10.0.2.10", 443, "10.0.1.10"));
    assert_eq!(way, "emit EniOut SubnetOut Route SubnetIn EniIn deliver");
    assert_eq!(lab.received(scene.a).len(), 1);
}

#[test]
fn what_is_open_both_ways_is_not_tracked() {
    let mut scene = scene();
    let open = allow(Traffic::All, "0.0.0.0/0");
    scene.topology.security_groups[scene.group_b].ingress = vec![open.clone()];
    scene.topology.security_groups[scene.group_b].egress = vec![open];
    let mut lab = Lab::new(scene.topology);
    lab.send(scene.a, &syn("10.0.1.10", "10.0.2.10", 443));
    let tracked = |lab: &Lab, id: Id<NetworkInterface>| {
        let node = lab.compiled.node_of(id).expect("placed");
        lab.network.node::<NetworkInterfaceDevice>(node).map(NetworkInterfaceDevice::tracked_count)
    };
    assert_eq!((tracked(&lab, scene.a), tracked(&lab, scene.c)), (Some(1), Some(0)));
    let ping = PacketBuilder::icmp_echo(address("10.0.2.10"), address("10.0.1.11"), 1, 1).build();
    lab.send(scene.c, &ping);
    assert_eq!(tracked(&lab, scene.c), Some(1), "ICMP is always tracked");
}

#[test]
fn icmp_errors_about_a_tracked_flow_are_related() {
    let scene = scene();
    let mut lab = Lab::new(scene.topology);
    let offending = syn("10.0.1.10", "10.0.2.10", 443);
    let error = icmp_error::fragmentation_needed(address("10.0.2.10"), &offending, 1500).expect("a SYN may be answered");
    assert_eq!(lab.send(scene.c, &error), "emit drop SG_EGRESS");
    lab.send(scene.a, &offending);
    assert_eq!(lab.send(scene.c, &error), "emit EniOut SubnetOut Route SubnetIn EniIn deliver");
}

#[test]
fn a_bare_ack_is_judged_by_the_rules() {
    let scene = scene();
    let mut lab = Lab::new(scene.topology);
    let ack = PacketBuilder::tcp(address("10.0.1.10"), 40_000, address("10.0.2.10"), 443).flags(tcp::ACK).build();
    assert_eq!(lab.send(scene.a, &ack), "emit EniOut SubnetOut Route SubnetIn EniIn deliver");
}

#[test]
fn a_full_table_drops_what_needs_a_new_entry() {
    let mut scene = scene();
    scene.topology.settings.tracked_connections_max = 1;
    let mut lab = Lab::new(scene.topology);
    assert!(lab.send(scene.a, &syn("10.0.1.10", "10.0.2.10", 443)).ends_with("deliver"));
    assert_eq!(lab.send(scene.a, &syn("10.0.1.10", "10.0.2.77", 443)), "emit drop CONNTRACK_FULL_EGRESS");
}

#[test]
fn a_neighbour_is_reached_without_route_or_network_acl() {
    let scene = scene();
    let mut lab = Lab::new(scene.topology);
    let way = lab.send_to(scene.a, scene.b, &syn("10.0.1.10", "10.0.1.11", 443));
    assert_eq!(way, "emit EniOut EniIn deliver");
    let unknown = FrameHeader::ipv4(lab.mac(scene.a), lab.mac(scene.c));
    let way = lab.send_frame(scene.a, unknown, &syn("10.0.1.10", "10.0.2.10", 443));
    assert_eq!(way, "emit EniOut drop NO_SUCH_NEIGHBOUR", "c is in another subnet");
}

fn arp(lab: &mut Lab, from: Id<NetworkInterface>, target: &str) -> (String, Option<Arp>) {
    let mac = lab.mac(from);
    let sender_ip = lab.topology().network_interfaces[from].primary().expect("tests give one");
    let request =
        Arp { operation: Operation::Request, sender_mac: mac, sender_ip, target_mac: Mac([0; 6]), target_ip: address(target) };
    let frame = FrameHeader { destination: Mac::BROADCAST, source: mac, ethertype: EtherType::ARP };
    let before = lab.received(from).len();
    let way = lab.send_frame(from, frame, &request.emit());
    let reply = lab.received(from).get(before).map(|bytes| Arp::parse(bytes).expect("an ARP reply"));
    (way, reply)
}

#[test]
fn the_platform_answers_arp_for_the_router_and_for_neighbours_only() {
    let scene = scene();
    let mut lab = Lab::new(scene.topology);
    let (_, router) = arp(&mut lab, scene.a, "10.0.1.1");
    let subnet = lab.topology().network_interfaces[scene.a].subnet;
    assert_eq!(router.expect("the router answers").sender_mac, router_mac(subnet));
    let (_, neighbour) = arp(&mut lab, scene.a, "10.0.1.11");
    assert_eq!(neighbour.expect("b's address is answered").sender_mac, lab.mac(scene.b));
    assert!(lab.received(scene.b).is_empty(), "b sees no request");
    assert_eq!(arp(&mut lab, scene.a, "10.0.1.77"), ("emit drop NO_SUCH_NEIGHBOUR".to_owned(), None));
    assert_eq!(arp(&mut lab, scene.a, "10.0.2.10").1, None, "c is in another subnet");
}

#[test]
fn what_a_host_announces_by_arp_changes_nothing() {
    let scene = scene();
    let mut lab = Lab::new(scene.topology);
    let announced = Arp {
        operation: Operation::Request,
        sender_mac: lab.mac(scene.b),
        sender_ip: address("10.0.1.10"),
        target_mac: Mac([0; 6]),
        target_ip: address("10.0.1.10"),
    };
    let frame = FrameHeader { destination: Mac::BROADCAST, source: lab.mac(scene.b), ethertype: EtherType::ARP };
    assert_eq!(lab.send_frame(scene.b, frame, &announced.emit()), "emit deliver");
    let (_, reply) = arp(&mut lab, scene.b, "10.0.1.10");
    assert_eq!(reply.expect("a's address is answered").sender_mac, lab.mac(scene.a));
}

#[test]
fn broadcast_and_multicast_are_not_carried() {
    let mut scene = scene();
    scene.topology.security_groups[scene.group_a].egress = vec![allow(Traffic::All, "0.0.0.0/0")];
    let mut lab = Lab::new(scene.topology);
    let udp = PacketBuilder::udp(address("10.0.1.10"), 9, address("10.0.1.255"), 9).build();
    for destination in [Mac::BROADCAST, Mac([0x01, 0, 0x5E, 0, 0, 1])] {
        let frame = FrameHeader::ipv4(lab.mac(scene.a), destination);
        assert_eq!(lab.send_frame(scene.a, frame, &udp), "emit EniOut drop NO_SUCH_NEIGHBOUR");
    }
}

fn ntp() -> Vec<u8> {
    let mut request = vec![0x23];
    request.resize(48, 0);
    PacketBuilder::udp(address("10.0.1.10"), 40_000, address("169.254.169.123"), 123).payload(&request).build()
}

#[test]
fn link_local_services_answer_past_all_rules() {
    let mut scene = scene();
    scene.topology.security_groups[scene.group_a].egress.clear();
    let mut lab = Lab::new(scene.topology);
    assert_eq!(lab.send(scene.a, &ntp()), "emit EniOut deliver");
    assert_eq!(lab.received(scene.a).len(), 1, "the answer reaches the host although no rule lets it in");
}

#[test]
fn more_than_1024_packets_a_second_to_link_local_services_are_dropped() {
    let scene = scene();
    let mut lab = Lab::new(scene.topology);
    let eni = lab.compiled.node_of(scene.a).expect("placed");
    let outside = lab.compiled.fixed.internet_hosts;
    let frame = FrameHeader::ipv4(lab.mac(scene.a), Mac([2; 6]));
    let last = lab.network.act(outside, |_: &mut crate::fixtures::StubHost, context| {
        let mut last = 0;
        for _ in 0..2_000 {
            let packet = context.emit(frame, &ntp());
            last = context.packet(packet).id().0;
            context.forward(packet, eni, FROM_HOST);
        }
        last
    });
    lab.wait(Span::from_ms(10));
    assert_eq!(lab.way(last.expect("the outside is a stub host")), "emit drop LINK_LOCAL_RATE");
    let device: &NetworkInterfaceDevice = lab.network.node(eni).expect("an interface");
    assert_eq!(device.link_local_exceeded_count(), 2_000 - 1_024);
}

#[test]
fn mail_to_public_addresses_is_dropped() {
    let mut scene = scene();
    scene.topology.security_groups[scene.group_a].egress = vec![allow(Traffic::All, "0.0.0.0/0")];
    let mut lab = Lab::new(scene.topology);
    assert_eq!(lab.send(scene.a, &syn("10.0.1.10", "93.184.216.34", 25)), "emit drop SMTP_RESTRICTION");
    for private in ["10.1.0.5", "192.168.0.1", "100.64.0.1"] {
        let way = lab.send(scene.a, &syn("10.0.1.10", private, 25));
        assert_eq!(way, "emit EniOut SubnetOut drop NO_ROUTE", "{private}");
    }
}

#[test]
fn a_stopped_instance_answers_nothing() {
    let mut scene = scene();
    let Attachment::Instance { instance, .. } = scene.topology.network_interfaces[scene.c].attachment else {
        panic!("c is an instance's interface");
    };
    scene.topology.instances[instance].running = false;
    let way = Lab::new(scene.topology).send(scene.a, &syn("10.0.1.10", "10.0.2.10", 443));
    assert_eq!(way, "emit EniOut SubnetOut Route SubnetIn drop NO_HOST");
}

#[test]
fn later_fragments_share_the_verdict_of_the_first() {
    let mut scene = scene();
    let dns = Traffic::Udp(PortRange::single(53));
    scene.topology.security_groups[scene.group_a].egress = vec![allow(dns, "0.0.0.0/0")];
    scene.topology.security_groups[scene.group_b].ingress = vec![allow(dns, "0.0.0.0/0")];
    let mut lab = Lab::new(scene.topology);
    let datagram = |port| {
        let builder = PacketBuilder::udp(address("10.0.1.10"), 40_000, address("10.0.2.10"), port);
        vpcsim_wire::fragment(&builder.identification(port).dont_fragment(false).payload(&[7; 4_000]).build(), 1_500).expect("DF is clear")
    };
    for fragment in datagram(53) {
        assert_eq!(lab.send(scene.a, &fragment), "emit EniOut SubnetOut Route SubnetIn EniIn deliver");
    }
    for fragment in datagram(54) {
        assert_eq!(lab.send(scene.a, &fragment), "emit drop SG_EGRESS");
    }
}

#[test]
fn tracked_flows_are_counted_for_each_interface() {
    let mut scene = scene();
    scene.topology.settings.tracked_connections_max = 1;
    let mut lab = Lab::new(scene.topology);
    assert!(lab.send(scene.a, &syn("10.0.1.10", "10.0.2.10", 443)).ends_with("deliver"));
    assert!(lab.send_to(scene.a, scene.b, &syn("10.0.1.10", "10.0.1.11", 443)).ends_with("drop CONNTRACK_FULL_EGRESS"));
}

#[test]
fn a_protocol_without_ports_needs_a_rule_of_its_own() {
    let mut scene = scene();
    let mut lab = Lab::new(scene.topology.clone());
    let gre = PacketBuilder::raw(address("10.0.1.10"), address("10.0.2.10"), Protocol::GRE, &[0; 8]).build();
    assert_eq!(lab.send(scene.a, &gre), "emit drop SG_EGRESS");
    scene.topology.security_groups[scene.group_a].egress.push(allow(Traffic::Other(Protocol::GRE), "0.0.0.0/0"));
    let mut lab = Lab::new(scene.topology);
    assert!(lab.send(scene.a, &gre).ends_with("drop SG_INGRESS"));
}

#[test]
fn a_route_table_of_the_vpc_is_used_by_every_subnet_without_its_own() {
    let mut scene = scene();
    let main = RouteTable { label: Label::named("main"), vpc: scene.vpc, main: true, routes: vec![] };
    scene.topology.route_tables.push(main);
    let way = Lab::new(scene.topology).send(scene.a, &syn("10.0.1.10", "10.0.2.10", 443));
    assert_eq!(way, "emit EniOut SubnetOut Route SubnetIn EniIn deliver");
}

#[test]
fn the_type_of_the_instance_sets_the_idle_time_unless_the_interface_does() {
    for (own, expected) in [(None, "drop SG_EGRESS"), (Some(400), "deliver")] {
        let mut scene = scene();
        for id in scene.topology.instances.ids() {
            scene.topology.instances[id].instance_type = Some("m8i.large".to_owned());
        }
        scene.topology.network_interfaces[scene.c].tracking.tcp_established_s = own;
        scene.topology.network_interfaces[scene.a].tracking.tcp_established_s = own;
        let mut lab = Lab::new(scene.topology);
        lab.send(scene.a, &syn("10.0.1.10", "10.0.2.10", 443));
        lab.send(scene.c, &answer("10.0.2.10", 443, "10.0.1.10"));
        let ack = |from: &str, from_port, to: &str, to_port| {
            PacketBuilder::tcp(address(from), from_port, address(to), to_port).flags(tcp::ACK).build()
        };
        lab.send(scene.a, &ack("10.0.1.10", 40_000, "10.0.2.10", 443));
        lab.wait(Span::from_secs(351));
        let way = lab.send(scene.c, &ack("10.0.2.10", 443, "10.0.1.10", 40_000));
        assert!(way.ends_with(expected), "{way}");
    }
}

#[test]
fn both_ends_of_a_flow_track_it_each_for_itself() {
    let mut scene = scene();
    let udp = Traffic::Udp(PortRange::single(53));
    scene.topology.security_groups[scene.group_a].egress = vec![allow(udp, "10.0.0.0/8")];
    scene.topology.security_groups[scene.group_b].ingress = vec![allow(udp, "10.0.0.0/8")];
    scene.topology.network_interfaces[scene.a].tracking.udp_s = Some(60);
    let mut lab = Lab::new(scene.topology);
    let question = PacketBuilder::udp(address("10.0.1.10"), 40_000, address("10.0.2.10"), 53).build();
    let reply = PacketBuilder::udp(address("10.0.2.10"), 53, address("10.0.1.10"), 40_000).build();
    assert!(lab.send(scene.a, &question).ends_with("deliver"));
    lab.wait(Span::from_secs(31));
    assert_eq!(lab.send(scene.c, &reply), "emit drop SG_EGRESS", "the receiver has forgotten, the sender has not");
}

#[test]
fn more_than_1024_fragments_a_second_do_not_leave() {
    let mut scene = scene();
    scene.topology.security_groups[scene.group_a].egress = vec![allow(Traffic::All, "0.0.0.0/0")];
    let mut lab = Lab::new(scene.topology);
    let datagram = PacketBuilder::udp(address("10.0.1.10"), 40_000, address("10.0.2.10"), 53).payload(&vec![7; 60_000]);
    let fragments = vpcsim_wire::fragment(&datagram.dont_fragment(false).build(), 68).expect("DF is clear");
    let eni = lab.compiled.node_of(scene.a).expect("placed");
    let outside = lab.compiled.fixed.internet_hosts;
    let frame = FrameHeader::ipv4(lab.mac(scene.a), Mac([2; 6]));
    let last = lab.network.act(outside, |_: &mut crate::fixtures::StubHost, context| {
        let mut last = 0;
        for fragment in &fragments[..1_025] {
            let packet = context.emit(frame, fragment);
            last = context.packet(packet).id().0;
            context.forward(packet, eni, FROM_HOST);
        }
        last
    });
    lab.wait(Span::from_ms(10));
    assert_eq!(lab.way(last.expect("the outside is a stub host")), "emit drop FRAGMENT_RATE");
}

/// `a` with a second interface in its own subnet, of group `b`.
fn second_interface(scene: &mut Scene) -> Id<NetworkInterface> {
    let Attachment::Instance { instance, .. } = scene.topology.network_interfaces[scene.a].attachment else {
        panic!("a is an instance's interface");
    };
    let near = scene.topology.network_interfaces[scene.a].subnet;
    let mut second = interface(near, "10.0.1.20", &[scene.group_b]);
    second.attachment = Attachment::Instance { instance, device_index: 1 };
    scene.topology.network_interfaces.push(second)
}

#[test]
fn an_answer_that_leaves_by_the_other_interface_is_dropped_by_the_source_check() {
    let mut scene = scene();
    let second = second_interface(&mut scene);
    let mut lab = Lab::new(scene.topology);
    assert!(lab.send_to(scene.a, second, &syn("10.0.1.10", "10.0.1.20", 443)).ends_with("deliver"));
    let way = lab.send(scene.a, &answer("10.0.1.20", 443, "10.0.2.10"));
    assert_eq!(way, "emit drop SRC_CHECK");
}

#[test]
fn two_interfaces_of_one_instance_are_filtered_like_any_two() {
    let mut scene = scene();
    let second = second_interface(&mut scene);
    let mut lab = Lab::new(scene.topology);
    let way = lab.send_to(second, scene.a, &syn("10.0.1.20", "10.0.1.10", 443));
    assert_eq!(way, "emit drop SG_EGRESS", "the group of the sending interface");
    let way = lab.send_to(scene.a, second, &syn("10.0.1.10", "10.0.1.20", 22));
    assert_eq!(way, "emit drop SG_EGRESS", "each end needs a rule of its own");
}

#[test]
fn groups_apply_to_every_address_of_an_interface() {
    let mut scene = scene();
    let secondary = InterfaceAddress { private: address("10.0.2.11"), public: None, origin: Origin::NOWHERE };
    scene.topology.network_interfaces[scene.c].addresses.push(secondary);
    let mut lab = Lab::new(scene.topology);
    assert!(lab.send(scene.a, &syn("10.0.1.10", "10.0.2.11", 443)).ends_with("deliver"));
    assert!(lab.send(scene.c, &syn("10.0.2.11", "10.0.1.10", 443)).ends_with("drop SG_EGRESS"));
}

#[test]
fn a_neighbour_without_the_check_takes_what_is_for_others() {
    let mut scene = scene();
    scene.topology.network_interfaces[scene.b].source_dest_check = false;
    let mut lab = Lab::new(scene.topology);
    let way = lab.send_to(scene.a, scene.b, &syn("10.0.1.10", "10.0.2.10", 443));
    assert_eq!(way, "emit EniOut EniIn deliver", "no route table is asked");
}

#[test]
fn the_router_and_the_metadata_address_answer_no_ping() {
    let mut scene = scene();
    scene.topology.security_groups[scene.group_a].egress = vec![allow(Traffic::All, "0.0.0.0/0")];
    let mut lab = Lab::new(scene.topology);
    for target in ["10.0.1.1", "169.254.169.254"] {
        lab.send(scene.a, &PacketBuilder::icmp_echo(address("10.0.1.10"), address(target), 1, 1).build());
        assert!(lab.received(scene.a).is_empty(), "{target}");
    }
}

#[test]
fn other_name_servers_are_ordinary_destinations() {
    let scene = scene();
    let mut lab = Lab::new(scene.topology);
    let question = |server: &str| PacketBuilder::udp(address("10.0.1.10"), 40_000, address(server), 53).build();
    assert_eq!(lab.send(scene.a, &question("10.0.2.10")), "emit drop SG_EGRESS");
    assert_eq!(lab.send(scene.a, &question("10.0.2.2")), "emit drop SG_EGRESS", "the reserved address of a subnet");
}

#[test]
fn nothing_but_ipv4_and_arp_leaves() {
    let scene = scene();
    let mut lab = Lab::new(scene.topology);
    let frame = FrameHeader { ethertype: EtherType(0x86DD), ..FrameHeader::ipv4(lab.mac(scene.a), lab.mac(scene.b)) };
    assert_eq!(lab.send_frame(scene.a, frame, &[0x60; 40]), "emit drop NOT_IPV4");
}

#[test]
fn a_service_that_is_switched_off_does_not_answer() {
    let mut scene = scene();
    scene.topology.vpcs[scene.vpc].dns_support = false;
    let question = PacketBuilder::udp(address("10.0.1.10"), 40_000, address("10.0.0.2"), 53).build();
    assert_eq!(Lab::new(scene.topology).send(scene.a, &question), "emit drop SERVICE_DISABLED");
}

#[test]
fn a_full_table_of_the_receiver_drops_as_well() {
    let mut scene = scene();
    scene.topology.settings.tracked_connections_max = 1;
    scene.topology.security_groups[scene.group_b].egress = vec![allow(TCP_443, "10.0.0.0/8")];
    let mut lab = Lab::new(scene.topology);
    assert!(lab.send(scene.a, &syn("10.0.1.10", "10.0.2.10", 443)).ends_with("deliver"));
    assert!(lab.send(scene.b, &syn("10.0.1.11", "10.0.2.10", 443)).ends_with("drop CONNTRACK_FULL_INGRESS"));
}

#[test]
fn what_is_not_modelled_is_told_from_what_drops() {
    let mut scene = scene();
    scene.topology.network_interfaces[scene.c].attachment = Attachment::Unmodelled("file system".to_owned());
    let route = Route {
        destination: RouteDestination::Cidr(net("10.9.0.0/16")),
        target: RouteTarget::Unmodelled("transit gateway".to_owned(), "tgw-1".to_owned()),
        source: RouteSource::Static,
        blackhole: false,
        origin: Origin::NOWHERE,
    };
    let main = RouteTable { label: Label::named("main"), vpc: scene.vpc, main: true, routes: vec![route] };
    scene.topology.route_tables.push(main);
    let mut lab = Lab::new(scene.topology);
    assert!(lab.send(scene.a, &syn("10.0.1.10", "10.0.2.10", 443)).ends_with("drop INTERFACE_NOT_MODELLED"));
    assert!(lab.send(scene.a, &syn("10.0.1.10", "10.9.0.1", 443)).ends_with("drop NOT_MODELLED"));
}

#[test]
fn what_is_over_the_instances_allowance_is_queued_then_dropped_and_counted() {
    let mut scene = scene();
    let instance = |interface: Id<NetworkInterface>, topology: &Topology| match topology.network_interfaces[interface].attachment {
        Attachment::Instance { instance, .. } => instance,
        _ => panic!("it has a host"),
    };
    let (a, c) = (instance(scene.a, &scene.topology), instance(scene.c, &scene.topology));
    let bytes = syn("10.0.1.10", "10.0.2.10", 443);
    let allowance = |packets_per_s| Some(Allowance { bits_per_s: 8 * 40 * 1_000, packets_per_s });
    scene.topology.instances[a].allowance = allowance(u64::MAX);
    let mut lab = Lab::new(scene.topology.clone());
    assert_eq!(lab.send_many(scene.a, &bytes, 30), 10);
    assert!(lab.drops().iter().all(|name| *name == "ALLOWANCE_EGRESS"));
    let node = lab.compiled.node_of(scene.a).unwrap();
    let device: &NetworkInterfaceDevice = lab.network.node(node).unwrap();
    assert_eq!(device.allowance_exceeded_counts(), [20, 0, 0], "ten waited and ten were lost");
    scene.topology.instances[a].allowance = None;
    scene.topology.instances[c].allowance = allowance(1_000);
    let mut lab = Lab::new(scene.topology.clone());
    assert_eq!(lab.send_many(scene.a, &bytes, 30), 10);
    assert!(lab.drops().iter().all(|name| *name == "ALLOWANCE_INGRESS"));
    scene.topology.settings.limits = None;
    assert_eq!(Lab::new(scene.topology).send_many(scene.a, &bytes, 30), 0, "switched off");
}

#[test]
fn an_idle_interface_is_small() {
    // Large designs have a hundred thousand of them: what most never need is behind a pointer, what many share is shared.
    assert!(size_of::<NetworkInterfaceDevice>() <= 120, "{}", size_of::<NetworkInterfaceDevice>());
    assert!(size_of::<crate::compile::HostPlan>() <= 56, "{}", size_of::<crate::compile::HostPlan>());
    assert!(size_of::<crate::compile::CapturePointPlan>() <= 32);
}
