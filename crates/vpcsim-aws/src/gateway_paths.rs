//! Whole ways through gateways, from host to host, with every device of the design running.

use std::net::Ipv4Addr;

use vpcsim_engine::{FrameHeader, Span};
use vpcsim_wire::{Mac, PacketBuilder, Summary, describe, summarize, tcp};

use crate::devices::nat_gateway::{Connectivity, NatGateway, NatGatewayAddress, NatGatewayState};
use crate::devices::network_acl::{NetworkAcl, NetworkAclEntry};
use crate::devices::peering_connection::{PeeringConnection, PeeringState};
use crate::devices::route_table::{Route, RouteDestination, RouteSource, RouteTable, RouteTarget};
use crate::devices::security_group::{Peer, SecurityGroup, SecurityGroupRule};
use crate::devices::{AnyId, InternetGateway, NetworkInterface, Subnet, Vpc, internet_host};
use crate::fixtures::{self, Lab, StubHost, address, net};
use crate::model::{Id, Label, Origin};
use crate::topology::Topology;
use crate::traffic::Traffic;

const FAR: &str = "198.51.100.9";
const NAT: &str = "10.0.0.220";
const NAT_PUBLIC: &str = "203.0.113.220";
const WEB_PUBLIC: &str = "203.0.113.7";

/// A public subnet 10.0.0.0/24 with a gateway and a web server, and a private one 10.0.1.0/24 with a client.
pub(crate) struct Scene {
    pub(crate) topology: Topology,
    pub(crate) vpc: Id<Vpc>,
    pub(crate) public: Id<Subnet>,
    pub(crate) open: Id<SecurityGroup>,
    pub(crate) gateway: Id<InternetGateway>,
    pub(crate) nat: Id<NatGateway>,
    pub(crate) web: Id<NetworkInterface>,
    pub(crate) client: Id<NetworkInterface>,
}

impl Scene {
    pub(crate) fn new() -> Self {
        let mut topology = Topology::named("paths", "eu-west-1");
        let vpc = topology.vpcs.push(fixtures::vpc("vpc", "10.0.0.0/16"));
        let public = topology
            .subnets
            .push(fixtures::subnet(vpc, "public", "10.0.0.0/24"));
        let private = topology
            .subnets
            .push(fixtures::subnet(vpc, "private", "10.0.1.0/24"));
        let open = open_group(&mut topology, vpc);
        let web = interface(&mut topology, "web", public, "10.0.0.7", &[open]);
        topology.network_interfaces[web].addresses[0].public = Some(address(WEB_PUBLIC));
        let client = interface(&mut topology, "client", private, "10.0.1.5", &[open]);
        let gateway = topology.internet_gateways.push(InternetGateway {
            label: Label::named("igw"),
            vpc: Some(vpc),
            route_table: None,
        });
        let nat = topology.nat_gateways.push(NatGateway {
            label: Label::named("nat"),
            subnet: public,
            connectivity: Connectivity::Public,
            state: NatGatewayState::Available,
            addresses: vec![NatGatewayAddress {
                private: address(NAT),
                public: Some(address(NAT_PUBLIC)),
            }],
            network_interface: None,
        });
        let mut scene = Self {
            topology,
            vpc,
            public,
            open,
            gateway,
            nat,
            web,
            client,
        };
        scene.route(public, &[("0.0.0.0/0", gateway.into())]);
        scene.route(private, &[("0.0.0.0/0", nat.into())]);
        scene
    }

    /// Gives the subnet a table of its own with these routes.
    pub(crate) fn route(&mut self, subnet: Id<Subnet>, routes: &[(&str, AnyId)]) {
        let route = |(destination, target): &(&str, AnyId)| Route {
            destination: RouteDestination::Cidr(net(destination)),
            target: RouteTarget::Resource(*target),
            source: RouteSource::Static,
            blackhole: false,
            origin: Origin::NOWHERE,
        };
        let table = self.topology.route_tables.push(RouteTable {
            label: Label::named("table"),
            vpc: self.topology.subnets[subnet].vpc,
            main: false,
            routes: routes.iter().map(route).collect(),
        });
        self.topology.subnets[subnet].route_table = Some(table);
    }

    /// Gives the subnet a network ACL whose last entries allow all.
    pub(crate) fn filter(&mut self, subnet: Id<Subnet>, denied_ingress: &[&str], denied_egress: &[&str]) {
        let entry = |number, allow, cidr: &str| NetworkAclEntry {
            number,
            allow,
            traffic: Traffic::All,
            cidr: net(cidr),
            origin: Origin::NOWHERE,
        };
        let entries = |denied: &[&str]| {
            let denials = denied.iter().map(|cidr| entry(100, false, cidr));
            denials.chain([entry(200, true, "0.0.0.0/0")]).collect()
        };
        let acl = self.topology.network_acls.push(NetworkAcl {
            label: Label::named("acl"),
            vpc: self.vpc,
            default: false,
            ingress: entries(denied_ingress),
            egress: entries(denied_egress),
        });
        self.topology.subnets[subnet].network_acl = Some(acl);
    }

    pub(crate) fn lab(self) -> Lab {
        Lab::new(self.topology)
    }
}

pub(crate) fn open_group(topology: &mut Topology, vpc: Id<Vpc>) -> Id<SecurityGroup> {
    let all = || vec![fixtures::allow(Traffic::All, "0.0.0.0/0")];
    let group = fixtures::group(vpc, "open", all(), all());
    topology.security_groups.push(group)
}

pub(crate) fn interface(
    topology: &mut Topology,
    name: &str,
    subnet: Id<Subnet>,
    private: &str,
    groups: &[Id<SecurityGroup>],
) -> Id<NetworkInterface> {
    fixtures::attach(topology, name, fixtures::interface(subnet, private, groups))
}

pub(crate) fn syn(from: &str, to: &str) -> Vec<u8> {
    PacketBuilder::tcp(address(from), 40_000, address(to), 80)
        .flags(tcp::SYN)
        .build()
}

/// Sends a packet from a host on the internet; gives its way.
pub(crate) fn send_from_outside(lab: &mut Lab, bytes: &[u8]) -> String {
    let fixed = lab.compiled.fixed;
    let sent = lab
        .network
        .act(fixed.internet_hosts, |_: &mut StubHost, context| {
            let packet = context.emit(FrameHeader::ipv4(Mac([0; 6]), Mac([0; 6])), bytes);
            let id = context.packet(packet).id().0;
            context.forward(packet, fixed.internet, internet_host::FROM_HOSTS);
            id
        });
    lab.wait(Span::from_ms(100));
    lab.way(sent.expect("the outside is a stub host"))
}

fn outside(lab: &Lab) -> Vec<Vec<u8>> {
    let hosts: Option<&StubHost> = lab.network.node(lab.compiled.fixed.internet_hosts);
    hosts.expect("the outside is a stub host").received.clone()
}

pub(crate) fn last(received: &[Vec<u8>]) -> Summary {
    summarize(received.last().expect("something arrived")).expect("devices send sound packets")
}

pub(crate) fn answer(received: &[Vec<u8>]) -> Vec<u8> {
    let key = last(received).key.reversed();
    PacketBuilder::tcp(
        key.source(),
        key.source_port(),
        key.destination(),
        key.destination_port(),
    )
    .flags(tcp::SYN | tcp::ACK)
    .build()
}

#[test]
fn a_private_client_talks_to_the_internet_by_both_gateways() {
    let scene = Scene::new();
    let client = scene.client;
    let mut lab = scene.lab();
    let way = lab.send(client, &syn("10.0.1.5", FAR));
    assert_eq!(
        way,
        "emit EniOut SubnetOut Route SubnetIn rewrite Gateway SubnetOut Route rewrite Gateway deliver"
    );
    assert_eq!(last(&outside(&lab)).source(), address(NAT_PUBLIC));
    let reply = answer(&outside(&lab));
    let way = send_from_outside(&mut lab, &reply);
    assert_eq!(
        way,
        "emit rewrite Gateway SubnetIn rewrite Gateway SubnetOut Route SubnetIn EniIn deliver"
    );
    let got = lab.received(client);
    assert_eq!(last(&got).key.to_string(), "198.51.100.9:80 > 10.0.1.5:40000 tcp");
    assert_eq!(
        last(&got).ttl,
        62,
        "one for the internet, one for the NAT gateway"
    );
}

#[test]
fn the_network_acl_of_the_nat_subnet_filters_both_legs_of_other_subnets() {
    for (ingress, egress, reason) in [
        (&["10.0.1.0/24"][..], &[][..], "NACL_INGRESS"),
        (&[], &["198.51.100.0/24"], "NACL_EGRESS"),
    ] {
        let mut scene = Scene::new();
        let (client, public) = (scene.client, scene.public);
        scene.filter(public, ingress, egress);
        let mut lab = scene.lab();
        let way = lab.send(client, &syn("10.0.1.5", FAR));
        assert!(way.ends_with(&format!("drop {reason}")), "{way}");
    }
}

#[test]
fn no_network_acl_stands_between_a_client_and_a_nat_gateway_of_one_subnet() {
    let mut scene = Scene::new();
    let (public, open) = (scene.public, scene.open);
    let neighbour = interface(&mut scene.topology, "neighbour", public, "10.0.0.8", &[open]);
    let nat = scene.nat;
    scene.route(
        public,
        &[
            ("198.51.100.0/24", scene.gateway.into()),
            ("192.0.2.0/24", nat.into()),
        ],
    );
    scene.filter(public, &["10.0.0.0/16"], &["10.0.0.0/16"]);
    let mut lab = scene.lab();
    let nat_node = lab.compiled.node_of(nat).expect("it has a node");
    let way = lab.send(neighbour, &syn("10.0.0.8", "192.0.2.5"));
    assert!(way.starts_with("emit EniOut Route rewrite Gateway"), "{way}");
    let back = PacketBuilder::tcp(address("192.0.2.5"), 80, address(NAT), 1024).flags(tcp::SYN | tcp::ACK);
    let sent = lab
        .network
        .act(lab.compiled.fixed.internet_hosts, |_: &mut StubHost, context| {
            let packet = context.emit(FrameHeader::ipv4(Mac([0; 6]), Mac([0; 6])), &back.build());
            context.forward(packet, nat_node, crate::devices::nat_gateway::ADDRESSED);
            context.packet(packet).id().0
        });
    lab.wait(Span::from_ms(100));
    let way = lab.way(sent.expect("the outside is a stub host"));
    assert_eq!(way, "emit rewrite Gateway EniIn deliver");
}

#[test]
fn what_comes_in_by_the_internet_gateway_cannot_be_answered_by_the_nat_gateway() {
    let mut scene = Scene::new();
    let client = scene.client;
    scene.topology.network_interfaces[client].addresses[0].public = Some(address("203.0.113.5"));
    let mut lab = scene.lab();
    let way = send_from_outside(&mut lab, &syn(FAR, "203.0.113.5"));
    assert!(way.ends_with("EniIn deliver"), "{way}");
    let reply = answer(&lab.received(client));
    let way = lab.send(client, &reply);
    assert!(way.ends_with("drop NAT_NO_STATE"), "{way}");
    let reset = last(&lab.received(client));
    assert!(reset.is_rst(), "the instance is told");
    assert_eq!(reset.source(), address(FAR));
}

#[test]
fn without_a_route_back_the_syn_arrives_and_its_answer_does_not() {
    let mut scene = Scene::new();
    let (web, public) = (scene.web, scene.public);
    scene.route(public, &[("192.0.2.0/24", scene.gateway.into())]);
    let mut lab = scene.lab();
    let way = send_from_outside(&mut lab, &syn(FAR, WEB_PUBLIC));
    assert!(way.ends_with("EniIn deliver"), "{way}");
    let reply = answer(&lab.received(web));
    let way = lab.send(web, &reply);
    assert!(way.ends_with("drop NO_ROUTE"), "{way}");
}

#[test]
fn a_nat_client_reaches_a_public_address_of_its_own_vpc_from_outside() {
    let scene = Scene::new();
    let (client, web) = (scene.client, scene.web);
    let mut lab = scene.lab();
    lab.send(client, &syn("10.0.1.5", WEB_PUBLIC));
    let seen = last(&lab.received(web));
    assert_eq!(
        (seen.source(), seen.destination()),
        (address(NAT_PUBLIC), address("10.0.0.7"))
    );
    assert_eq!(
        seen.ttl, 62,
        "as measured: one for the NAT gateway, one for the way out and in"
    );
}

#[test]
fn a_group_reference_does_not_match_the_public_address_of_a_member() {
    let mut scene = Scene::new();
    let (web, public, open) = (scene.web, scene.public, scene.open);
    let member = SecurityGroupRule {
        peer: Peer::SecurityGroup(open),
        ..fixtures::allow(Traffic::All, "0.0.0.0/0")
    };
    let closed = fixtures::group(scene.vpc, "closed", vec![member], Vec::new());
    let closed = scene.topology.security_groups.push(closed);
    let server = interface(&mut scene.topology, "server", public, "10.0.0.8", &[closed]);
    scene.topology.network_interfaces[server].addresses[0].public = Some(address("203.0.113.8"));
    let mut lab = scene.lab();
    let way = lab.send(web, &syn("10.0.0.7", "203.0.113.8"));
    assert!(way.ends_with("SubnetIn drop SG_INGRESS"), "{way}");
    let way = lab.send_to(web, server, &syn("10.0.0.7", "10.0.0.8"));
    assert!(way.ends_with("deliver"), "{way}");
}

#[test]
fn the_routers_report_of_a_large_packet_passes_every_filter() {
    let mut scene = Scene::new();
    let (web, public) = (scene.web, scene.public);
    scene.filter(public, &["0.0.0.0/0"], &[]);
    scene.topology.security_groups[scene.open].ingress.clear();
    let mut lab = scene.lab();
    let large = PacketBuilder::udp(address("10.0.0.7"), 1, address(FAR), 2).payload(&[0; 2000]);
    let way = lab.send(web, &large.dont_fragment(true).build());
    assert!(way.ends_with("drop MTU_EXCEEDED"), "{way}");
    let report = lab.received(web);
    assert!(
        describe(&report[0]).starts_with("10.0.0.1 > 10.0.0.7 ICMP"),
        "{}",
        describe(&report[0])
    );
}

#[test]
fn a_nat_subnet_that_routes_to_its_own_nat_gateway_is_a_loop() {
    let mut scene = Scene::new();
    let (client, public, nat) = (scene.client, scene.public, scene.nat);
    scene.route(public, &[("0.0.0.0/0", nat.into())]);
    let way = scene.lab().send(client, &syn("10.0.1.5", FAR));
    assert!(way.ends_with("rewrite Gateway Route drop ROUTE_LOOP"), "{way}");
}

#[test]
fn a_private_nat_gateway_does_not_lead_to_the_internet() {
    let mut scene = Scene::new();
    let (client, nat) = (scene.client, scene.nat);
    scene.topology.nat_gateways[nat].connectivity = Connectivity::Private;
    scene.topology.nat_gateways[nat].addresses[0].public = None;
    let way = scene.lab().send(client, &syn("10.0.1.5", FAR));
    assert!(way.ends_with("drop IGW_NO_PUBLIC_MAPPING"), "{way}");
}

/// A second VPC 10.9.0.0/16 with a host, peered with the first one.
pub(crate) fn peered(scene: &mut Scene) -> (Id<Subnet>, Id<NetworkInterface>, Id<PeeringConnection>) {
    let topology = &mut scene.topology;
    let other = topology.vpcs.push(fixtures::vpc("other", "10.9.0.0/16"));
    let subnet = topology
        .subnets
        .push(fixtures::subnet(other, "far", "10.9.1.0/24"));
    let open = open_group(topology, other);
    let host = interface(topology, "far host", subnet, "10.9.1.5", &[open]);
    let connection = topology.peering_connections.push(PeeringConnection {
        label: Label::named("pcx"),
        requester: Some(scene.vpc),
        accepter: Some(other),
        state: PeeringState::Active,
        requester_dns_resolution: false,
        accepter_dns_resolution: false,
    });
    (subnet, host, connection)
}

#[test]
fn peered_vpcs_need_routes_on_both_sides() {
    let mut scene = Scene::new();
    let (web, public) = (scene.web, scene.public);
    let (_, host, connection) = peered(&mut scene);
    scene.route(public, &[("10.9.1.5/32", connection.into())]);
    let mut lab = scene.lab();
    let way = lab.send(web, &syn("10.0.0.7", "10.9.1.5"));
    assert_eq!(way, "emit EniOut SubnetOut Route Gateway SubnetIn EniIn deliver");
    let seen = last(&lab.received(host));
    assert_eq!((seen.source(), seen.ttl), (address("10.0.0.7"), 64));
    let reply = answer(&lab.received(host));
    let way = lab.send(host, &reply);
    assert!(way.ends_with("drop NO_ROUTE"), "{way}");
}

#[test]
fn a_peer_cannot_use_the_gateways_of_the_other_vpc() {
    let mut scene = Scene::new();
    let (subnet, host, connection) = peered(&mut scene);
    scene.route(subnet, &[("0.0.0.0/0", connection.into())]);
    let way = scene.lab().send(host, &syn("10.9.1.5", FAR));
    assert!(way.ends_with("drop PCX_CIDR"), "{way}");
    let mut scene = Scene::new();
    let (subnet, host, _) = peered(&mut scene);
    let nat = scene.nat;
    scene.route(subnet, &[("0.0.0.0/0", nat.into())]);
    let way = scene.lab().send(host, &syn("10.9.1.5", FAR));
    assert!(way.ends_with("drop BLACKHOLE"), "{way}");
}

#[test]
fn through_a_nat_gateway_a_peer_sees_its_private_address() {
    let mut scene = Scene::new();
    let (client, public) = (scene.client, scene.public);
    let (_, host, connection) = peered(&mut scene);
    scene.route(public, &[("10.9.0.0/16", connection.into())]);
    let mut lab = scene.lab();
    lab.send(client, &syn("10.0.1.5", "10.9.1.5"));
    assert_eq!(last(&lab.received(host)).source(), address(NAT));
}

#[test]
fn a_traceroute_shows_the_nat_gateway_and_then_the_internet() {
    let scene = Scene::new();
    let client = scene.client;
    let mut lab = scene.lab();
    let mut hop = |ttl| -> Ipv4Addr {
        let probe = PacketBuilder::udp(address("10.0.1.5"), 1, address(FAR), 33_434).ttl(ttl);
        lab.send(client, &probe.build());
        last(&lab.received(client)).source()
    };
    assert_eq!(hop(1), address(NAT));
    assert_eq!(hop(2), address("192.0.2.1"));
}
