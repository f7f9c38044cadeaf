//! The rules' own tests, asked of the reference model.

use vpcsim_aws::devices::route_table::RouteTarget;
use vpcsim_aws::drop_reason;
use vpcsim_aws::traffic::Traffic;

use super::*;
use crate::designs::{Sketch, entry, from_anywhere, net, route, route_to, rule, tcp};
use vpcsim_aws::devices::security_group::Peer;

fn reasons(sketch: &Sketch, flow: &Flow) -> Vec<DropReason> {
    predict(&sketch.topology, flow)
        .stop
        .map(|stop| stop.reasons)
        .unwrap_or_default()
}

fn works(sketch: &Sketch, flow: &Flow) -> bool {
    predict(&sketch.topology, flow).round_trip
}

/// Two subnets behind an internet gateway: a NAT gateway and `public` in one, `private` in the other.
fn with_gateways() -> (Sketch, Id<NetworkInterface>, Id<NetworkInterface>) {
    let mut sketch = Sketch::new("gateways");
    let vpc = sketch.vpc("net", &["10.0.0.0/16"]);
    let igw = sketch.internet_gateway(vpc, "igw");
    let public_table = sketch.route_table(vpc, "public", vec![route("0.0.0.0/0", igw)]);
    let public_subnet = sketch.subnet(vpc, "a", "10.0.1.0/24", Some(public_table), None);
    let nat = sketch.nat_gateway(public_subnet, "nat", "10.0.1.50", Some("192.0.2.50"));
    let private_table = sketch.route_table(vpc, "private", vec![route("0.0.0.0/0", nat)]);
    let private_subnet = sketch.subnet(vpc, "b", "10.0.2.0/24", Some(private_table), None);
    let open = sketch.open_group(vpc, "open");
    let public = sketch.host("public", public_subnet, "10.0.1.5", &[open]);
    sketch.public(public, "192.0.2.5");
    let private = sketch.host("private", private_subnet, "10.0.2.5", &[open]);
    (sketch, public, private)
}

#[test]
fn a_private_host_asks_through_the_nat_gateway_and_gets_its_answer() {
    let (sketch, _, private) = with_gateways();
    assert!(works(
        &sketch,
        &Flow::tcp_from(private, "10.0.2.5", "203.0.113.9", 443)
    ));
    assert!(works(
        &sketch,
        &Flow::tcp_from(private, "10.0.2.5", "203.0.113.9", 0).over(Protocol::ICMP)
    ));
}

#[test]
fn nobody_opens_a_connection_through_a_nat_gateway() {
    let (sketch, ..) = with_gateways();
    let flow = Flow::tcp_from_internet("203.0.113.9", "192.0.2.50", 443);
    assert_eq!(reasons(&sketch, &flow), [drop_reason::NAT_NO_STATE]);
}

#[test]
fn in_by_the_internet_gateway_and_out_by_nat_fails_on_the_way_back() {
    let (mut sketch, _, private) = with_gateways();
    sketch.public(private, "192.0.2.6");
    let prediction = predict(
        &sketch.topology,
        &Flow::tcp_from_internet("203.0.113.9", "192.0.2.6", 443),
    );
    let stop = prediction.stop.expect("it fails");
    assert_eq!(
        (stop.way, stop.reasons),
        (Way::Return, vec![drop_reason::NAT_NO_STATE])
    );
}

#[test]
fn a_hairpin_over_the_public_address_comes_from_the_public_address() {
    let (mut sketch, public, private) = with_gateways();
    assert!(works(
        &sketch,
        &Flow::tcp_from(private, "10.0.2.5", "192.0.2.5", 443)
    ));
    let group = sketch.topology.network_interfaces[public].security_groups[0];
    sketch.topology.security_groups[group].ingress = vec![rule(Traffic::All, Peer::SecurityGroup(group))];
    assert!(works(
        &sketch,
        &Flow::tcp_from(private, "10.0.2.5", "10.0.1.5", 443)
    ));
    let hairpin = Flow::tcp_from(private, "10.0.2.5", "192.0.2.5", 443);
    assert_eq!(reasons(&sketch, &hairpin), [drop_reason::SG_INGRESS]);
}

#[test]
fn an_acl_without_the_ephemeral_ports_stops_the_answer() {
    let (mut sketch, public, _) = with_gateways();
    let vpc = Id::from_index(0);
    let ingress = vec![entry(100, true, tcp(443), "0.0.0.0/0")];
    let acl = sketch.network_acl(vpc, "narrow", ingress.clone(), ingress);
    let subnet = sketch.topology.network_interfaces[public].subnet;
    sketch.topology.subnets[subnet].network_acl = Some(acl);
    let stop = predict(
        &sketch.topology,
        &Flow::tcp_from_internet("203.0.113.9", "192.0.2.5", 443),
    )
    .stop;
    let stop = stop.expect("it fails");
    assert_eq!(
        (stop.way, stop.reasons),
        (Way::Return, vec![drop_reason::NACL_EGRESS])
    );
    assert_eq!(stop.component, Some(acl.into()));
}

#[test]
fn a_network_acl_has_no_say_inside_a_subnet() {
    let (mut sketch, public, _) = with_gateways();
    let vpc = Id::from_index(0);
    let acl = sketch.network_acl(vpc, "closed", Vec::new(), Vec::new());
    let subnet = sketch.topology.network_interfaces[public].subnet;
    sketch.topology.subnets[subnet].network_acl = Some(acl);
    let open = sketch.topology.network_interfaces[public].security_groups[0];
    sketch.host("neighbour", subnet, "10.0.1.6", &[open]);
    assert!(works(
        &sketch,
        &Flow::tcp_from(public, "10.0.1.5", "10.0.1.6", 443)
    ));
}

#[test]
fn a_black_hole_does_not_fall_through_to_the_default_route() {
    let (mut sketch, public, _) = with_gateways();
    let gone = route_to("203.0.113.0/24", RouteTarget::Missing("nat-gone".to_owned()));
    let subnet = sketch.topology.network_interfaces[public].subnet;
    let table = routes::table_of(&sketch.topology, subnet).expect("it has one");
    sketch.topology.route_tables[table].routes.push(gone);
    let flow = Flow::tcp_from(public, "10.0.1.5", "203.0.113.9", 443);
    assert_eq!(reasons(&sketch, &flow), [drop_reason::BLACKHOLE]);
}

#[test]
fn answers_need_no_rule_of_a_security_group() {
    let mut sketch = Sketch::new("stateful");
    let vpc = sketch.vpc("net", &["10.0.0.0/16"]);
    let subnet = sketch.subnet(vpc, "s", "10.0.1.0/24", None, None);
    let asks = sketch.group(vpc, "asks", Vec::new(), vec![from_anywhere(tcp(443))]);
    let answers = sketch.group(vpc, "answers", vec![from_anywhere(tcp(443))], Vec::new());
    let client = sketch.host("client", subnet, "10.0.1.5", &[asks]);
    let server = sketch.host("server", subnet, "10.0.1.6", &[answers]);
    assert!(works(
        &sketch,
        &Flow::tcp_from(client, "10.0.1.5", "10.0.1.6", 443)
    ));
    let backwards = Flow::tcp_from(server, "10.0.1.6", "10.0.1.5", 443);
    assert_eq!(reasons(&sketch, &backwards), [drop_reason::SG_EGRESS]);
}

#[test]
fn peering_needs_both_routes_and_carries_nothing_further() {
    let mut sketch = Sketch::new("peering");
    let (left, right) = (
        sketch.vpc("left", &["10.1.0.0/16"]),
        sketch.vpc("right", &["10.2.0.0/16"]),
    );
    let peering = sketch.peering("pcx", left, right);
    let routes = vec![route("10.2.0.0/16", peering), route("0.0.0.0/0", peering)];
    let table = sketch.route_table(left, "to-right", routes);
    let here = sketch.subnet(left, "l", "10.1.1.0/24", Some(table), None);
    let there = sketch.subnet(right, "r", "10.2.1.0/24", None, None);
    let (open_left, open_right) = (sketch.open_group(left, "ol"), sketch.open_group(right, "or"));
    let asker = sketch.host("asker", here, "10.1.1.5", &[open_left]);
    sketch.host("server", there, "10.2.1.5", &[open_right]);
    let question = Flow::tcp_from(asker, "10.1.1.5", "10.2.1.5", 443);
    let stop = predict(&sketch.topology, &question)
        .stop
        .expect("the answer has no route");
    assert_eq!(
        (stop.way, stop.reasons),
        (Way::Return, vec![drop_reason::NO_ROUTE])
    );
    let main = routes::table_of(&sketch.topology, there).expect("it has one");
    sketch.topology.route_tables[main]
        .routes
        .push(route("10.1.0.0/16", peering));
    assert!(works(&sketch, &question));
    let further = Flow::tcp_from(asker, "10.1.1.5", "203.0.113.9", 443);
    assert_eq!(reasons(&sketch, &further), [drop_reason::PCX_CIDR]);
}

#[test]
fn the_destination_check_refuses_what_a_route_brings() {
    let (mut sketch, public, private) = with_gateways();
    let subnet = sketch.topology.network_interfaces[private].subnet;
    let table = routes::table_of(&sketch.topology, subnet).expect("it has one");
    sketch.topology.route_tables[table].routes = vec![route("0.0.0.0/0", public)];
    let flow = Flow::tcp_from(private, "10.0.2.5", "203.0.113.9", 443);
    assert_eq!(reasons(&sketch, &flow), [drop_reason::DST_CHECK]);
    sketch.topology.network_interfaces[public].source_dest_check = false;
    assert_eq!(reasons(&sketch, &flow), [drop_reason::NOT_FOR_THIS_HOST]);
}

#[test]
fn an_address_of_the_vpc_that_nobody_has_is_no_address() {
    let (sketch, public, _) = with_gateways();
    assert!(net("10.0.0.0/16").contains(&crate::designs::address("10.0.9.9")));
    let flow = Flow::tcp_from(public, "10.0.1.5", "10.0.9.9", 443);
    assert_eq!(reasons(&sketch, &flow), [drop_reason::NO_SUCH_ADDRESS]);
}
