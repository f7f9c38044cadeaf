//! Tests of transit gateways with the subnets around them.

use vpcsim_engine::Span;
use vpcsim_wire::{PacketBuilder, summarize};

use crate::devices::network_acl::NetworkAclEntry;
use crate::devices::network_interface::Attachment;
use crate::devices::route_table::{Route, RouteDestination, RouteSource, RouteTarget};
use crate::devices::security_group::{Peer, SecurityGroupRule};
use crate::devices::transit_gateway_attachment::{AttachmentEnd, AttachmentState};
use crate::devices::transit_gateway_route_table::{TransitRoute, TransitTarget};
use crate::devices::{
    NetworkAcl, NetworkInterface, RouteTable, Subnet, TransitGateway, TransitGatewayAttachment,
    TransitGatewayRouteTable, Vpc,
};
use crate::fixtures::{Lab, address, allow, attach, group, interface, net, subnet, vpc};
use crate::model::{Id, Label, Origin};
use crate::topology::Topology;
use crate::traffic::Traffic;

/// A VPC with a subnet for hosts and one for the attachment in each of two zones.
struct Side {
    vpc: Id<Vpc>,
    table: Id<RouteTable>,
    subnets: [Id<Subnet>; 2],
    attachment_subnets: [Id<Subnet>; 2],
    hosts: [Id<NetworkInterface>; 2],
    attachment: Id<TransitGatewayAttachment>,
}

fn route(destination: &str, target: RouteTarget) -> Route {
    Route {
        destination: RouteDestination::Cidr(net(destination)),
        target,
        source: RouteSource::Static,
        blackhole: false,
        origin: Origin::NOWHERE,
    }
}

fn zone(mut subnet: Subnet, letter: usize) -> Subnet {
    subnet.availability_zone = ["eu-west-1a", "eu-west-1b"][letter].to_owned();
    subnet
}

/// The VPC `10.NUMBER.0.0/16`, attached in both zones.
fn side(topology: &mut Topology, gateway: Id<TransitGateway>, number: u8) -> Side {
    let at = |rest: &str| format!("10.{number}.{rest}");
    let id = topology.vpcs.push(vpc(&at("net"), &at("0.0/16")));
    let table = topology.route_tables.push(RouteTable {
        label: Label::named("main"),
        vpc: id,
        main: true,
        routes: vec![route("10.0.0.0/8", RouteTarget::Resource(gateway.into()))],
    });
    let open = group(id, "open", vec![allow(Traffic::All, "0.0.0.0/0")], vec![allow(Traffic::All, "0.0.0.0/0")]);
    let open = topology.security_groups.push(open);
    let subnets = [0, 1].map(|letter| {
        let name = at(&format!("{}.0/24", letter + 1));
        topology.subnets.push(zone(subnet(id, &name, &name), letter))
    });
    let attachment_subnets = [0, 1].map(|letter| {
        let name = at(&format!("{}.0/24", letter + 11));
        topology.subnets.push(zone(subnet(id, &name, &name), letter))
    });
    let hosts = [0, 1].map(|letter| {
        let private = at(&format!("{}.10", letter + 1));
        attach(topology, &private, interface(subnets[letter], &private, &[open]))
    });
    let interfaces = [0, 1].map(|letter| {
        let made = interface(attachment_subnets[letter], &at(&format!("{}.9", letter + 11)), &[]);
        topology.network_interfaces.push(NetworkInterface { attachment: Attachment::Managed, ..made })
    });
    let attachment = topology.transit_gateway_attachments.push(TransitGatewayAttachment {
        label: Label::named(at("attachment")),
        gateway,
        end: AttachmentEnd::Vpc {
            vpc: id,
            interfaces: interfaces.to_vec(),
            appliance_mode: false,
            security_group_referencing: true,
            dns_support: true,
        },
        state: AttachmentState::Available,
    });
    Side { vpc: id, table, subnets, attachment_subnets, hosts, attachment }
}

struct Design {
    topology: Topology,
    gateway: Id<TransitGateway>,
    table: Id<TransitGatewayRouteTable>,
    one: Side,
    other: Side,
}

/// Two VPCs, 10.1 and 10.2, on one gateway with one table that knows both.
fn design() -> Design {
    let mut topology = Topology::named("transit", "eu-west-1");
    let gateway = topology.transit_gateways.push(TransitGateway::new(Label::named("tgw"), "eu-west-1"));
    let (one, other) = (side(&mut topology, gateway, 1), side(&mut topology, gateway, 2));
    let table = table(&mut topology, gateway, &[one.attachment, other.attachment]);
    Design { topology, gateway, table, one, other }
}

fn table(
    topology: &mut Topology,
    gateway: Id<TransitGateway>,
    attachments: &[Id<TransitGatewayAttachment>],
) -> Id<TransitGatewayRouteTable> {
    topology.transit_gateway_route_tables.push(TransitGatewayRouteTable {
        label: Label::named("tgw-rtb"),
        gateway,
        associations: attachments.to_vec(),
        propagations: attachments.to_vec(),
        routes: Vec::new(),
    })
}

fn udp(from: &str, to: &str) -> PacketBuilder {
    PacketBuilder::udp(address(from), 1000, address(to), 2000).ttl(64)
}

const THERE: &str = "emit EniOut SubnetOut Route SubnetIn Gateway Gateway SubnetOut Route SubnetIn EniIn deliver";

fn send(design: Design, packet: &PacketBuilder) -> (String, Lab, Design) {
    let mut lab = Lab::new(design.topology.clone());
    let way = lab.send(design.one.hosts[0], &packet.build());
    (way, lab, design)
}

#[test]
fn a_packet_crosses_with_one_less_to_live_and_its_addresses_kept() {
    let (way, lab, design) = send(design(), &udp("10.1.1.10", "10.2.1.10"));
    assert_eq!(way, THERE);
    let received = lab.received(design.other.hosts[0]);
    let summary = summarize(&received[0]).unwrap();
    assert_eq!((summary.ttl, summary.source()), (63, address("10.1.1.10")));
}

#[test]
fn what_has_no_time_left_ends_without_a_word() {
    let (way, lab, design) = send(design(), &udp("10.1.1.10", "10.2.1.10").ttl(1));
    assert_eq!(way, "emit EniOut SubnetOut Route SubnetIn drop TGW_TTL_EXPIRED");
    assert!(lab.received(design.one.hosts[0]).is_empty());
}

#[test]
fn a_zone_without_an_attachment_can_be_reached_and_cannot_answer() {
    let mut design = design();
    if let AttachmentEnd::Vpc { interfaces, .. } =
        &mut design.topology.transit_gateway_attachments[design.other.attachment].end
    {
        interfaces.truncate(1);
    }
    let (way, mut lab, design) = send(design, &udp("10.1.1.10", "10.2.2.10"));
    assert_eq!(way, THERE);
    let back = lab.send(design.other.hosts[1], &udp("10.2.2.10", "10.1.1.10").build());
    assert_eq!(back, "emit EniOut SubnetOut drop TGW_ROUTE_AZ");
}

fn deny_all(topology: &mut Topology, subnet: Id<Subnet>, ingress: bool, egress: bool) {
    let entry = |allow| NetworkAclEntry {
        number: 100,
        allow,
        traffic: Traffic::All,
        cidr: net("0.0.0.0/0"),
        origin: Origin::NOWHERE,
    };
    let acl = topology.network_acls.push(NetworkAcl {
        label: Label::named("acl"),
        vpc: topology.subnets[subnet].vpc,
        default: false,
        ingress: vec![entry(ingress)],
        egress: vec![entry(egress)],
    });
    topology.subnets[subnet].network_acl = Some(acl);
}

#[test]
fn the_network_acl_of_the_attachment_subnet_is_asked_inbound_on_the_way_in_alone() {
    for (ingress, egress, way_in) in [
        (true, false, THERE),
        (false, true, "emit EniOut SubnetOut Route drop NACL_INGRESS"),
    ] {
        let mut design = design();
        let subnet = design.one.attachment_subnets[0];
        deny_all(&mut design.topology, subnet, ingress, egress);
        assert_eq!(send(design, &udp("10.1.1.10", "10.2.1.10")).0, way_in);
    }
}

#[test]
fn the_network_acl_of_the_attachment_subnet_is_asked_outbound_on_the_way_out_alone() {
    let denied = "emit EniOut SubnetOut Route SubnetIn Gateway Gateway drop NACL_EGRESS";
    for (ingress, egress, way_out) in [(false, true, THERE), (true, false, denied)] {
        let mut design = design();
        let subnet = design.other.attachment_subnets[0];
        deny_all(&mut design.topology, subnet, ingress, egress);
        assert_eq!(send(design, &udp("10.1.1.10", "10.2.1.10")).0, way_out);
    }
}

/// Puts the attachment's interface of the first zone into the subnet of that zone's host.
fn share_subnet(topology: &mut Topology, side: &Side) {
    let AttachmentEnd::Vpc { interfaces, .. } = topology.transit_gateway_attachments[side.attachment].end.clone() else {
        return;
    };
    let row = &mut topology.network_interfaces[interfaces[0]];
    row.subnet = side.subnets[0];
    row.addresses[0].private = address(&format!("10.{}.1.99", side.vpc.index() + 1));
}

#[test]
fn in_the_attachments_own_subnet_both_directions_are_asked_on_the_way_in() {
    let mut design = design();
    share_subnet(&mut design.topology, &design.one);
    let subnet = design.one.subnets[0];
    deny_all(&mut design.topology, subnet, false, true);
    let (way, _, _) = send(design, &udp("10.1.1.10", "10.2.1.10"));
    assert_eq!(way, "emit EniOut SubnetOut Route drop NACL_INGRESS");
}

#[test]
fn in_the_attachments_own_subnet_no_network_acl_is_asked_on_the_way_out() {
    let mut design = design();
    share_subnet(&mut design.topology, &design.other);
    let subnet = design.other.subnets[0];
    deny_all(&mut design.topology, subnet, false, false);
    let (way, _, _) = send(design, &udp("10.1.1.10", "10.2.1.10"));
    assert_eq!(way, "emit EniOut SubnetOut Route SubnetIn Gateway Gateway EniIn deliver");
}

#[test]
fn the_table_of_the_attachment_subnet_routes_what_comes_out() {
    let mut design = design();
    let blackhole = design.topology.route_tables.push(RouteTable {
        label: Label::named("detour"),
        vpc: design.other.vpc,
        main: false,
        routes: vec![route("10.2.1.0/24", RouteTarget::Missing("eni-gone".to_owned()))],
    });
    design.topology.subnets[design.other.attachment_subnets[0]].route_table = Some(blackhole);
    let (way, _, _) = send(design, &udp("10.1.1.10", "10.2.1.10"));
    assert_eq!(way, "emit EniOut SubnetOut Route SubnetIn Gateway Gateway SubnetOut drop BLACKHOLE");
}

#[test]
fn only_the_senders_table_leads_to_the_gateway() {
    let mut design = design();
    let empty = design.topology.route_tables.push(RouteTable {
        label: Label::named("empty"),
        vpc: design.one.vpc,
        main: false,
        routes: Vec::new(),
    });
    design.topology.subnets[design.one.attachment_subnets[0]].route_table = Some(empty);
    assert_eq!(send(design, &udp("10.1.1.10", "10.2.1.10")).0, THERE);
}

#[test]
fn a_destination_without_a_route_or_with_a_black_hole_is_dropped() {
    let mut no_route = design();
    no_route.topology.transit_gateway_route_tables[no_route.table].propagations.clear();
    assert!(send(no_route, &udp("10.1.1.10", "10.2.1.10")).0.ends_with("drop TGW_NO_ROUTE"));
    let mut blackhole = design();
    blackhole.topology.transit_gateway_route_tables[blackhole.table].routes.push(TransitRoute {
        destination: RouteDestination::Cidr(net("10.2.1.0/24")),
        target: TransitTarget::Blackhole,
        origin: Origin::NOWHERE,
    });
    assert!(send(blackhole, &udp("10.1.1.10", "10.2.1.10")).0.ends_with("drop TGW_BLACKHOLE"));
}

#[test]
fn an_attachment_without_a_table_gets_nothing_forwarded() {
    let mut design = design();
    let associations = &mut design.topology.transit_gateway_route_tables[design.table].associations;
    associations.retain(|attachment| *attachment != design.one.attachment);
    assert!(send(design, &udp("10.1.1.10", "10.2.1.10")).0.ends_with("drop TGW_NOT_ASSOCIATED"));
}

#[test]
fn an_attachment_that_waits_to_be_accepted_is_a_black_hole_and_gets_nothing() {
    let mut waiting = design();
    waiting.topology.transit_gateway_attachments[waiting.one.attachment].state = AttachmentState::Pending;
    assert!(send(waiting, &udp("10.1.1.10", "10.2.1.10")).0.ends_with("drop BLACKHOLE"));
    let mut target = design();
    target.topology.transit_gateway_attachments[target.other.attachment].state = AttachmentState::Pending;
    target.topology.transit_gateway_route_tables[target.table].routes.push(TransitRoute {
        destination: RouteDestination::Cidr(net("10.2.0.0/16")),
        target: TransitTarget::Attachment(target.other.attachment),
        origin: Origin::NOWHERE,
    });
    assert!(send(target, &udp("10.1.1.10", "10.2.1.10")).0.ends_with("drop TGW_ATTACHMENT_STATE"));
}

#[test]
fn its_interfaces_answer_nothing_and_carry_no_security_group() {
    let (way, _, _) = send(design(), &udp("10.1.1.10", "10.1.11.9"));
    assert_eq!(way, "emit EniOut SubnetOut Route SubnetIn drop TGW_INTERFACE");
}

#[test]
fn a_packet_over_8500_bytes_is_dropped_and_its_sender_told_if_it_must_not_be_cut() {
    let packet = |len: usize, dont_fragment| udp("10.1.1.10", "10.2.1.10").payload(&vec![0; len - 28]).dont_fragment(dont_fragment);
    assert_eq!(send(design(), &packet(8500, true)).0, THERE);
    for (dont_fragment, reports) in [(true, 1), (false, 0)] {
        let (way, lab, design) = send(design(), &packet(8501, dont_fragment));
        assert!(way.ends_with("drop TGW_MTU_EXCEEDED"), "{way}");
        let received = lab.received(design.one.hosts[0]);
        assert_eq!(received.len(), reports);
        assert!(received.iter().all(|report| summarize(report).unwrap().source() == address("10.1.11.9")));
    }
}

#[test]
fn the_segment_size_of_a_syn_is_held_to_8460() {
    let syn = PacketBuilder::tcp(address("10.1.1.10"), 1000, address("10.2.1.10"), 80).flags(2).mss(8961).ttl(64);
    let (_, lab, design) = send(design(), &syn);
    let expected = PacketBuilder::tcp(address("10.1.1.10"), 1000, address("10.2.1.10"), 80).flags(2).mss(8460).ttl(63);
    assert_eq!(lab.received(design.other.hosts[0]), [expected.build()]);
}

#[test]
fn references_to_groups_match_across_it_only_if_the_gateway_says_so() {
    for (supported, end) in [(true, "EniIn deliver"), (false, "drop SG_INGRESS")] {
        let mut design = design();
        design.topology.transit_gateways[design.gateway].security_group_referencing = supported;
        let sender = design.topology.network_interfaces[design.one.hosts[0]].security_groups[0];
        let receiver = design.topology.network_interfaces[design.other.hosts[0]].security_groups[0];
        design.topology.security_groups[receiver].ingress = vec![SecurityGroupRule {
            id: None,
            traffic: Traffic::All,
            peer: Peer::SecurityGroup(sender),
            origin: Origin::NOWHERE,
        }];
        let (way, _, _) = send(design, &udp("10.1.1.10", "10.2.1.10"));
        assert!(way.ends_with(end), "{supported}: {way}");
    }
}

/// A second gateway in another region, peered with the first, with the other VPC behind it.
fn peered() -> Design {
    let mut topology = Topology::named("transit", "eu-west-1");
    let gateway = topology.transit_gateways.push(TransitGateway::new(Label::named("tgw"), "eu-west-1"));
    let far = topology.transit_gateways.push(TransitGateway::new(Label::named("far"), "us-east-1"));
    let (one, other) = (side(&mut topology, gateway, 1), side(&mut topology, far, 2));
    let peering = topology.transit_gateway_attachments.push(TransitGatewayAttachment {
        label: Label::named("peering"),
        gateway,
        end: AttachmentEnd::Peering(Some(far)),
        state: AttachmentState::Available,
    });
    let near_table = table(&mut topology, gateway, &[one.attachment, peering]);
    let far_table = table(&mut topology, far, &[other.attachment, peering]);
    let to_peer = |destination| TransitRoute {
        destination: RouteDestination::Cidr(net(destination)),
        target: TransitTarget::Attachment(peering),
        origin: Origin::NOWHERE,
    };
    topology.transit_gateway_route_tables[near_table].routes.push(to_peer("10.2.0.0/16"));
    topology.transit_gateway_route_tables[far_table].routes.push(to_peer("10.1.0.0/16"));
    Design { topology, gateway, table: near_table, one, other }
}

#[test]
fn a_peered_gateway_of_another_region_takes_one_more_and_looks_up_by_itself() {
    let (way, lab, design) = send(peered(), &udp("10.1.1.10", "10.2.1.10"));
    assert_eq!(way, THERE.replace("Gateway", "Gateway Gateway"));
    let received = lab.received(design.other.hosts[0]);
    assert_eq!(summarize(&received[0]).unwrap().ttl, 62);
    assert!(lab.network.now().since(vpcsim_engine::Time::ZERO) >= Span::from_ms(30));
}

#[test]
fn two_gateways_that_send_a_packet_to_each_other_end_it_by_its_time_to_live() {
    let mut design = peered();
    for id in design.topology.transit_gateway_route_tables.ids() {
        let table = &mut design.topology.transit_gateway_route_tables[id];
        table.propagations.clear();
        table.routes[0].destination = RouteDestination::Cidr(net("10.0.0.0/8"));
    }
    let mut lab = Lab::new(design.topology.clone());
    let _started = lab.send(design.one.hosts[0], &udp("10.1.1.10", "10.2.1.10").ttl(5).build());
    lab.wait(Span::from_secs(1));
    assert!(lab.way(0).ends_with("drop TGW_TTL_EXPIRED"), "{}", lab.way(0));
}

#[test]
fn a_vpc_without_an_attachment_has_a_black_hole() {
    let mut design = design();
    let third = design.topology.vpcs.push(vpc("third", "10.3.0.0/16"));
    let table = RouteTable { vpc: third, ..design.topology.route_tables[design.one.table].clone() };
    design.topology.route_tables.push(table);
    let open = group(third, "open", Vec::new(), vec![allow(Traffic::All, "0.0.0.0/0")]);
    let open = design.topology.security_groups.push(open);
    let subnet = design.topology.subnets.push(subnet(third, "third", "10.3.1.0/24"));
    let host = attach(&mut design.topology, "third", interface(subnet, "10.3.1.10", &[open]));
    let mut lab = Lab::new(design.topology);
    let way = lab.send(host, &udp("10.3.1.10", "10.2.1.10").build());
    assert_eq!(way, "emit EniOut SubnetOut drop BLACKHOLE");
}

#[test]
fn address_blocks_are_of_a_24_or_larger_and_overlap_no_attached_vpc() {
    let codes = |blocks: &[&str]| -> Vec<String> {
        let mut design = design();
        design.topology.transit_gateways[design.gateway].cidr_blocks = blocks.iter().map(|block| net(block)).collect();
        let mut findings = crate::model::Findings::default();
        <TransitGateway as crate::Resource>::validate(design.gateway, &design.topology, &mut findings);
        assert!(findings.iter().all(|finding| finding.code == "transit-gateway-block"));
        findings.iter().map(|finding| finding.message.clone()).collect()
    };
    assert!(codes(&["192.0.2.0/24", "172.16.0.0/12"]).is_empty());
    assert!(codes(&["192.0.2.0/25"])[0].ends_with("is too small"));
    assert!(codes(&["169.254.10.0/24"])[0].ends_with("is link-local"));
    assert!(codes(&["10.1.0.0/24"])[0].contains("overlaps attached VPC"));
    let six: Vec<String> = (0..6).map(|number| format!("172.16.{number}.0/24")).collect();
    assert_eq!(codes(&six.iter().map(String::as_str).collect::<Vec<_>>()).len(), 1);
}

#[test]
fn public_names_resolve_to_private_addresses_across_it_if_all_say_so() {
    use crate::services::horizon::{Horizon, PublicNames, Resolution};
    let resolved = |change: &dyn Fn(&mut Design)| {
        let mut design = design();
        for vpc in [design.one.vpc, design.other.vpc] {
            design.topology.vpcs[vpc].dns_hostnames = true;
        }
        design.topology.network_interfaces[design.other.hosts[0]].addresses[0].public = Some(address("192.0.2.7"));
        change(&mut design);
        let public = PublicNames::new(&design.topology);
        let horizon = Horizon::new(&design.topology, design.one.vpc, public);
        match horizon.resolve("ec2-192-0-2-7.eu-west-1.compute.amazonaws.com", |_| 0) {
            Resolution::Addresses(addresses) => addresses,
            other => panic!("{other:?}"),
        }
    };
    let (private, public) = ([address("10.2.1.10")], [address("192.0.2.7")]);
    assert_eq!(resolved(&|_| {}), private);
    assert_eq!(resolved(&|design| design.topology.transit_gateways[design.gateway].dns_support = false), public);
    let without = |design: &mut Design| {
        let row = &mut design.topology.transit_gateway_attachments[design.other.attachment];
        if let AttachmentEnd::Vpc { dns_support, .. } = &mut row.end {
            *dns_support = false;
        }
    };
    assert_eq!(resolved(&without), public);
}

#[test]
fn what_is_over_an_attachments_packets_in_a_zone_is_dropped() {
    let mut design = design();
    let limits = design.topology.settings.limits.as_mut().expect("limits are on");
    assert_eq!(limits.transit_gateway_zone.packets_per_s, 7_500_000);
    limits.transit_gateway_zone.packets_per_s = 1_000;
    let mut lab = Lab::new(design.topology.clone());
    assert_eq!(lab.send_many(design.one.hosts[0], &udp("10.1.1.10", "10.2.1.10").build(), 30), 10);
    assert!(lab.drops().iter().all(|name| *name == "TGW_RATE"));
    let other_zone = udp("10.1.2.10", "10.2.2.10").build();
    assert_eq!(lab.send_many(design.one.hosts[1], &other_zone, 20), 0, "each zone has its own");
}
