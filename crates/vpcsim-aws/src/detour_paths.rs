//! Whole ways that leave the straight one: through instances, back in by public addresses, and between several peers.

use vpcsim_wire::describe;

use crate::devices::network_interface::{Attachment, InterfaceAddress};
use crate::devices::peering_connection::{PeeringConnection, PeeringState};
use crate::devices::security_group::{Peer, SecurityGroupRule};
use crate::devices::{NetworkInterface, SecurityGroup, Subnet};
use crate::fixtures::{self, address, allow};
use crate::gateway_paths::{Scene, answer, interface, last, open_group, peered, send_from_outside, syn};
use crate::model::{Id, Label, Origin};
use crate::traffic::{PortRange, Traffic};

const WEB: &str = "10.0.0.7";
const CLIENT: &str = "10.0.1.5";
const WEB_PUBLIC: &str = "203.0.113.7";
const FAR: &str = "198.51.100.9";

/// A firewall without source/destination check at 10.0.3.9, in a subnet of its own.
fn firewall(scene: &mut Scene) -> (Id<Subnet>, Id<NetworkInterface>) {
    let subnet = fixtures::subnet(scene.vpc, "inspection", "10.0.3.0/24");
    let subnet = scene.topology.subnets.push(subnet);
    let open = scene.open;
    let firewall = interface(&mut scene.topology, "firewall", subnet, "10.0.3.9", &[open]);
    scene.topology.network_interfaces[firewall].source_dest_check = false;
    (subnet, firewall)
}

/// A group that lets in what the members of another one send.
fn group_for(scene: &mut Scene, members: Id<SecurityGroup>) -> Id<SecurityGroup> {
    let rule = SecurityGroupRule {
        peer: Peer::SecurityGroup(members),
        ..allow(Traffic::All, "0.0.0.0/0")
    };
    let group = fixtures::group(scene.vpc, "from members", vec![rule], Vec::new());
    scene.topology.security_groups.push(group)
}

#[test]
fn a_route_for_another_subnet_detours_one_direction_only() {
    let mut scene = Scene::new();
    let (web, client, public) = (scene.web, scene.client, scene.public);
    let (_, firewall) = firewall(&mut scene);
    scene.route(public, &[("10.0.1.0/24", firewall.into())]);
    let mut lab = scene.lab();
    assert!(lab.send(web, &syn(WEB, CLIENT)).ends_with("deliver"));
    let seen = lab.received(firewall);
    assert_eq!(
        last(&seen).destination(),
        address(CLIENT),
        "the firewall gets it unchanged"
    );
    let way = lab.send(firewall, &seen[0]);
    assert_eq!(way, "emit EniOut SubnetOut Route SubnetIn EniIn deliver");
    let reply = answer(&lab.received(client));
    assert!(lab.send(client, &reply).ends_with("deliver"));
    assert_eq!(
        last(&lab.received(web)).source(),
        address(CLIENT),
        "the answer comes straight"
    );
    assert_eq!(lab.received(firewall).len(), 1);
}

#[test]
fn replacing_local_detours_every_other_subnet_and_never_the_own_one() {
    let mut scene = Scene::new();
    let (web, public, open) = (scene.web, scene.public, scene.open);
    let neighbour = interface(&mut scene.topology, "neighbour", public, "10.0.0.8", &[open]);
    let (_, firewall) = firewall(&mut scene);
    scene.route(public, &[("10.0.0.0/16", firewall.into())]);
    let mut lab = scene.lab();
    lab.send(web, &syn(WEB, CLIENT));
    assert_eq!(lab.received(firewall).len(), 1);
    let way = lab.send_to(web, neighbour, &syn(WEB, "10.0.0.8"));
    assert_eq!(way, "emit EniOut EniIn deliver");
    assert_eq!(lab.received(firewall).len(), 1);
}

#[test]
fn a_firewall_in_the_senders_subnet_gets_its_own_packets_back() {
    let mut scene = Scene::new();
    let (web, public, open) = (scene.web, scene.public, scene.open);
    let firewall = interface(&mut scene.topology, "firewall", public, "10.0.0.9", &[open]);
    scene.topology.network_interfaces[firewall].source_dest_check = false;
    scene.route(public, &[("10.0.1.0/24", firewall.into())]);
    let mut lab = scene.lab();
    lab.send(web, &syn(WEB, CLIENT));
    let seen = lab.received(firewall);
    assert_eq!(lab.send(firewall, &seen[0]), "emit EniOut Route EniIn deliver");
    assert_eq!(lab.received(firewall).len(), 2);
}

#[test]
fn a_reference_to_the_senders_group_does_not_match_behind_a_firewall() {
    let mut scene = Scene::new();
    let (web, client, public, open) = (scene.web, scene.client, scene.public, scene.open);
    let members = group_for(&mut scene, open);
    scene.topology.network_interfaces[client].security_groups = vec![members];
    let mut direct = Scene::new();
    let members = group_for(&mut direct, open);
    direct.topology.network_interfaces[client].security_groups = vec![members];
    assert!(direct.lab().send(web, &syn(WEB, CLIENT)).ends_with("deliver"));
    let (_, firewall) = firewall(&mut scene);
    scene.route(public, &[("10.0.1.0/24", firewall.into())]);
    let mut lab = scene.lab();
    lab.send(web, &syn(WEB, CLIENT));
    let seen = lab.received(firewall);
    assert!(lab.send(firewall, &seen[0]).ends_with("drop SG_INGRESS"));
}

#[test]
fn a_nat_gateway_inside_the_vpc_hides_the_sender_and_its_groups() {
    for (referring, expected) in [(false, "deliver"), (true, "drop SG_INGRESS")] {
        let mut scene = Scene::new();
        let (client, nat, open) = (scene.client, scene.nat, scene.open);
        let subnet = fixtures::subnet(scene.vpc, "servers", "10.0.2.0/24");
        let subnet = scene.topology.subnets.push(subnet);
        let members = group_for(&mut scene, open);
        let groups = if referring { [members] } else { [open] };
        let server = interface(&mut scene.topology, "server", subnet, "10.0.2.7", &groups);
        let private = scene.topology.network_interfaces[client].subnet;
        scene.route(private, &[("10.0.2.0/24", nat.into())]);
        let mut lab = scene.lab();
        let way = lab.send(client, &syn(CLIENT, "10.0.2.7"));
        assert!(way.ends_with(expected), "{way}");
        if !referring {
            assert_eq!(last(&lab.received(server)).source(), address("10.0.0.220"));
        }
    }
}

#[test]
fn a_route_to_the_interface_of_a_nat_gateway_leads_nowhere() {
    let mut scene = Scene::new();
    let (client, nat) = (scene.client, scene.nat);
    let mut own = fixtures::interface(scene.public, "10.0.0.220", &[]);
    own.attachment = Attachment::Managed;
    let own = scene.topology.network_interfaces.push(own);
    scene.topology.nat_gateways[nat].network_interface = Some(own);
    let private = scene.topology.network_interfaces[client].subnet;
    scene.route(private, &[("0.0.0.0/0", own.into())]);
    let way = scene.lab().send(client, &syn(CLIENT, FAR));
    assert!(way.ends_with("drop NAT_NO_STATE"), "{way}");
}

#[test]
fn an_instance_reaches_itself_by_its_public_address_if_its_rules_let_that_in() {
    for (let_in, expected) in [("203.0.113.7/32", "deliver"), ("10.0.0.7/32", "drop SG_INGRESS")] {
        let mut scene = Scene::new();
        let (web, open) = (scene.web, scene.open);
        let port = Traffic::Tcp(PortRange::single(80));
        scene.topology.security_groups[open].ingress = vec![allow(port, let_in)];
        let mut lab = scene.lab();
        let way = lab.send(web, &syn(WEB, WEB_PUBLIC));
        assert!(way.ends_with(expected), "{way}");
        for bytes in lab.received(web) {
            assert!(
                describe(&bytes).starts_with("203.0.113.7:40000 > 10.0.0.7:80"),
                "{}",
                describe(&bytes)
            );
        }
    }
}

#[test]
fn rules_and_network_acls_see_the_public_address_of_the_far_end() {
    let mut scene = Scene::new();
    scene.topology.security_groups[scene.open].ingress = vec![allow(Traffic::All, "198.51.100.9/32")];
    let mut lab = scene.lab();
    assert!(send_from_outside(&mut lab, &syn(FAR, WEB_PUBLIC)).ends_with("deliver"));
    let mut scene = Scene::new();
    let public = scene.public;
    scene.filter(public, &["198.51.100.9/32"], &[]);
    let way = send_from_outside(&mut scene.lab(), &syn(FAR, WEB_PUBLIC));
    assert!(way.ends_with("drop NACL_INGRESS"), "{way}");
    let mut scene = Scene::new();
    scene.filter(public, &["203.0.113.7/32"], &["203.0.113.7/32"]);
    let way = send_from_outside(&mut scene.lab(), &syn(FAR, WEB_PUBLIC));
    assert!(
        way.ends_with("deliver"),
        "its own public address is not seen in the VPC: {way}"
    );
}

#[test]
fn each_private_address_has_its_own_public_one_or_none() {
    let mut scene = Scene::new();
    let web = scene.web;
    let secondary = |private, public: Option<&str>| InterfaceAddress {
        private: address(private),
        public: public.map(address),
        origin: Origin::NOWHERE,
    };
    let addresses = &mut scene.topology.network_interfaces[web].addresses;
    addresses.extend([
        secondary("10.0.0.17", None),
        secondary("10.0.0.18", Some("203.0.113.18")),
    ]);
    let mut lab = scene.lab();
    let way = lab.send(web, &syn("10.0.0.17", FAR));
    assert!(way.ends_with("drop IGW_NO_PUBLIC_MAPPING"), "{way}");
    assert!(send_from_outside(&mut lab, &syn(FAR, "203.0.113.18")).ends_with("deliver"));
    assert_eq!(last(&lab.received(web)).destination(), address("10.0.0.18"));
}

#[test]
fn the_sender_beyond_a_peering_connection_cannot_leave_by_the_internet_gateway() {
    let mut scene = Scene::new();
    let (web, public, gateway) = (scene.web, scene.public, scene.gateway);
    scene.topology.network_interfaces[web].source_dest_check = false;
    scene.route(public, &[("0.0.0.0/0", gateway.into())]);
    let mut lab = scene.lab();
    let way = lab.send(web, &syn("10.9.1.5", FAR));
    assert!(way.ends_with("drop IGW_NO_PUBLIC_MAPPING"), "{way}");
}

#[test]
fn a_proxy_in_a_peer_is_reached_and_a_router_in_it_is_not() {
    let mut scene = Scene::new();
    let (web, public, gateway) = (scene.web, scene.public, scene.gateway);
    scene.topology.network_interfaces[web].source_dest_check = false;
    let (far, host, connection) = peered(&mut scene);
    scene.route(far, &[("0.0.0.0/0", connection.into())]);
    scene.route(public, &[("0.0.0.0/0", gateway.into())]);
    let mut lab = scene.lab();
    assert!(lab.send(host, &syn("10.9.1.5", WEB)).ends_with("deliver"));
    assert!(lab.send(host, &syn("10.9.1.5", FAR)).ends_with("drop PCX_CIDR"));
}

#[test]
fn of_two_peers_with_one_range_the_answer_goes_where_the_longest_prefix_leads() {
    for narrow_is_first in [false, true] {
        let mut scene = Scene::new();
        let (web, public) = (scene.web, scene.public);
        let (first_subnet, first_host, first) = peered(&mut scene);
        let vpc = scene.topology.vpcs.push(fixtures::vpc("third", "10.9.0.0/16"));
        let subnet = fixtures::subnet(vpc, "third net", "10.9.1.0/24");
        let subnet = scene.topology.subnets.push(subnet);
        let open = open_group(&mut scene.topology, vpc);
        let second_host = interface(&mut scene.topology, "second host", subnet, "10.9.1.5", &[open]);
        let second = scene.topology.peering_connections.push(PeeringConnection {
            label: Label::named("pcx-2"),
            requester: Some(scene.vpc),
            accepter: Some(vpc),
            state: PeeringState::Active,
            requester_dns_resolution: false,
            accepter_dns_resolution: false,
        });
        let (wide, narrow) = if narrow_is_first {
            (second, first)
        } else {
            (first, second)
        };
        scene.route(
            public,
            &[("10.9.0.0/16", wide.into()), ("10.9.1.5/32", narrow.into())],
        );
        scene.route(first_subnet, &[("10.0.0.0/16", first.into())]);
        let mut lab = scene.lab();
        assert!(
            lab.send(first_host, &syn("10.9.1.5", WEB)).ends_with("deliver"),
            "nobody checks the way back"
        );
        let reply = answer(&lab.received(web));
        assert!(lab.send(web, &reply).ends_with("deliver"));
        let got = [lab.received(first_host).len(), lab.received(second_host).len()];
        assert_eq!(got, if narrow_is_first { [1, 0] } else { [0, 1] });
    }
}

#[test]
fn a_nat_gateway_serves_the_subnets_of_other_zones() {
    let mut scene = Scene::new();
    let (client, public) = (scene.client, scene.public);
    scene.topology.subnets[public].availability_zone = "eu-west-1b".to_owned();
    let way = scene.lab().send(client, &syn(CLIENT, FAR));
    assert!(way.ends_with("deliver"), "{way}");
}

/// Sends what comes in for the public subnet's web server to a firewall.
fn ingress_routing(scene: &mut Scene, firewall: Id<NetworkInterface>, destination: &str) {
    let public = scene.public;
    let before = scene.topology.subnets[public].route_table;
    scene.route(public, &[(destination, firewall.into())]);
    let table = std::mem::replace(&mut scene.topology.subnets[public].route_table, before);
    scene.topology.internet_gateways[scene.gateway].route_table = table;
}

fn give_public(scene: &mut Scene, interface: Id<NetworkInterface>) {
    scene.topology.network_interfaces[interface].addresses[0].public = Some(address("203.0.113.9"));
}

#[test]
fn a_gateways_table_sends_what_comes_in_to_a_firewall_after_the_translation() {
    let mut scene = Scene::new();
    let (_, firewall) = firewall(&mut scene);
    give_public(&mut scene, firewall);
    ingress_routing(&mut scene, firewall, "10.0.0.0/24");
    let (web, filtered) = (scene.web, scene.topology.network_interfaces[firewall].subnet);
    let mut denied = Scene {
        topology: scene.topology.clone(),
        ..scene
    };
    let mut lab = scene_lab(&denied);
    let way = send_from_outside(&mut lab, &syn(FAR, WEB_PUBLIC));
    assert_eq!(way, "emit rewrite Gateway Route SubnetIn EniIn deliver");
    let seen = lab.received(firewall);
    assert_eq!(last(&seen).destination(), address(WEB));
    let way = lab.send(firewall, &seen[0]);
    assert_eq!(way, "emit EniOut SubnetOut Route SubnetIn EniIn deliver");
    assert_eq!(lab.received(web).len(), 1);
    denied.filter(filtered, &[], &["10.0.0.0/24"]);
    let mut lab = denied.lab();
    assert_eq!(lab.send(firewall, &seen[0]), "emit EniOut drop NACL_EGRESS");
}

fn scene_lab(scene: &Scene) -> fixtures::Lab {
    fixtures::Lab::new(scene.topology.clone())
}

#[test]
fn the_firewall_of_a_gateways_table_needs_a_public_address() {
    let mut scene = Scene::new();
    let (_, firewall) = firewall(&mut scene);
    ingress_routing(&mut scene, firewall, "10.0.0.0/24");
    let mut lab = scene.lab();
    let way = send_from_outside(&mut lab, &syn(FAR, WEB_PUBLIC));
    assert_eq!(way, "emit drop INGRESS_RTB_NO_PUBLIC_IP");
}

#[test]
fn a_redirected_subnet_answers_through_the_firewall_only() {
    let mut scene = Scene::new();
    let (inspection, firewall) = firewall(&mut scene);
    give_public(&mut scene, firewall);
    ingress_routing(&mut scene, firewall, "10.0.0.0/24");
    scene.route(inspection, &[("0.0.0.0/0", scene.gateway.into())]);
    let web = scene.web;
    let mut lab = scene.lab();
    let way = lab.send(web, &syn(WEB, FAR));
    assert_eq!(
        way,
        "emit EniOut SubnetOut Route drop INGRESS_RTB_TRAFFIC_REDIRECTION"
    );
    let way = lab.send(firewall, &syn(WEB, FAR));
    assert_eq!(way, "emit EniOut SubnetOut Route rewrite Gateway deliver");
}

#[test]
fn a_gateways_table_says_nothing_about_other_subnets_and_about_what_stays_inside() {
    let mut scene = Scene::new();
    let (_, firewall) = firewall(&mut scene);
    ingress_routing(&mut scene, firewall, "10.0.1.0/24");
    let (web, client) = (scene.web, scene.client);
    let mut lab = scene.lab();
    let way = send_from_outside(&mut lab, &syn(FAR, WEB_PUBLIC));
    assert_eq!(way, "emit rewrite Gateway Route SubnetIn EniIn deliver");
    assert_eq!(lab.received(web).len(), 1);
    lab.send(web, &syn(WEB, CLIENT));
    assert_eq!(lab.received(client).len(), 1);
    assert!(lab.received(firewall).is_empty());
}

#[test]
fn a_firewall_of_a_gateways_table_with_its_check_on_gets_nothing() {
    let mut scene = Scene::new();
    let (_, firewall) = firewall(&mut scene);
    give_public(&mut scene, firewall);
    scene.topology.network_interfaces[firewall].source_dest_check = true;
    ingress_routing(&mut scene, firewall, "10.0.0.0/24");
    let mut lab = scene.lab();
    let way = send_from_outside(&mut lab, &syn(FAR, WEB_PUBLIC));
    assert_eq!(way, "emit rewrite Gateway Route SubnetIn drop DST_CHECK");
}
