//! Tests of VPC endpoints with the subnets around them.

use vpcsim_engine::Span;
use vpcsim_wire::{PacketBuilder, icmp, summarize, tcp};

use super::*;
use crate::devices::network_acl::NetworkAclEntry;
use crate::devices::network_interface::Attachment;
use crate::devices::route_table::{Route, RouteDestination, RouteSource, RouteTarget};
use crate::devices::security_group::Peer;
use crate::devices::{NetworkAcl, SecurityGroup, Subnet};
use crate::fixtures::{Lab, address, allow, attach, group, interface, net, subnet, vpc};
use crate::model::Origin;
use crate::traffic::Traffic;

const S3: &str = "52.218.0.1";
const CLIENT: &str = "10.0.1.10";
const ENDPOINT: &str = "10.0.3.20";

/// A host in `near` whose table has the gateway endpoint, one in `far` without it, and an interface endpoint in `service`.
struct Design {
    topology: Topology,
    vpc: Id<Vpc>,
    near: Id<NetworkInterface>,
    far: Id<NetworkInterface>,
    subnets: [Id<Subnet>; 3],
    gateway: Id<VpcEndpoint>,
    interface: Id<VpcEndpoint>,
    endpoint_group: Id<SecurityGroup>,
}

fn endpoint(vpc: Id<Vpc>, name: &str, service: &str, form: EndpointForm) -> VpcEndpoint {
    let service = Service::named(&format!("com.amazonaws.eu-west-1.{service}"));
    VpcEndpoint { label: Label::named(name), vpc, service, state: EndpointState::Available, form }
}

fn managed(topology: &mut Topology, subnet: Id<Subnet>, address: &str, groups: &[Id<SecurityGroup>]) -> Id<NetworkInterface> {
    let mut row = interface(subnet, address, groups);
    row.attachment = Attachment::Managed;
    topology.network_interfaces.push(row)
}

fn interface_form(interfaces: Vec<Id<NetworkInterface>>) -> EndpointForm {
    EndpointForm::Interface { interfaces, private_dns: false, dns_names: Vec::new() }
}

fn design() -> Design {
    let mut topology = Topology::named("t", "eu-west-1");
    let vpc = topology.vpcs.push(vpc("v", "10.0.0.0/16"));
    let subnets = [("near", "10.0.1.0/24"), ("far", "10.0.2.0/24"), ("service", "10.0.3.0/24")]
        .map(|(name, cidr)| topology.subnets.push(subnet(vpc, name, cidr)));
    let table = topology.route_tables.push(RouteTable {
        label: Label::named("with endpoint"),
        vpc,
        main: false,
        routes: Vec::new(),
    });
    topology.subnets[subnets[0]].route_table = Some(table);
    let open = || vec![allow(Traffic::All, "0.0.0.0/0")];
    let open = topology.security_groups.push(group(vpc, "open", open(), open()));
    let https = vec![allow(Traffic::Tcp(PortRange::single(443)), "10.0.0.0/8")];
    let endpoint_group = topology.security_groups.push(group(vpc, "https", https, Vec::new()));
    let near = attach(&mut topology, "near", interface(subnets[0], CLIENT, &[open]));
    let far = attach(&mut topology, "far", interface(subnets[1], "10.0.2.10", &[open]));
    let own = managed(&mut topology, subnets[2], ENDPOINT, &[endpoint_group]);
    let form = EndpointForm::Gateway { route_tables: vec![table] };
    let gateway = topology.vpc_endpoints.push(endpoint(vpc, "s3", "s3", form));
    let interface = topology.vpc_endpoints.push(endpoint(vpc, "sqs", "sqs", interface_form(vec![own])));
    Design { topology, vpc, near, far, subnets, gateway, interface, endpoint_group }
}

impl Design {
    /// An ACL for one of the subnets: these entries before one that allows all.
    fn filter(&mut self, subnet: usize, ingress: Vec<NetworkAclEntry>, egress: Vec<NetworkAclEntry>) {
        let with_rest = |mut entries: Vec<NetworkAclEntry>| {
            entries.push(entry(200, true, Traffic::All, "0.0.0.0/0"));
            entries
        };
        let acl = self.topology.network_acls.push(NetworkAcl {
            label: Label::named("filter"),
            vpc: self.vpc,
            default: false,
            ingress: with_rest(ingress),
            egress: with_rest(egress),
        });
        self.topology.subnets[self.subnets[subnet]].network_acl = Some(acl);
    }

    fn codes(&mut self) -> Vec<&'static str> {
        self.topology.complete();
        let mut findings = Findings::default();
        for id in self.topology.vpc_endpoints.ids() {
            VpcEndpoint::validate(id, &self.topology, &mut findings);
        }
        findings.iter().map(|finding| finding.code).collect()
    }
}

fn entry(number: u16, allow: bool, traffic: Traffic, cidr: &str) -> NetworkAclEntry {
    NetworkAclEntry { number, allow, traffic, cidr: net(cidr), origin: Origin::NOWHERE }
}

fn syn(to: &str, port: u16) -> PacketBuilder {
    PacketBuilder::tcp(address(CLIENT), 40_000, address(to), port).flags(tcp::SYN).seq(1)
}

fn ack(to: &str) -> Vec<u8> {
    PacketBuilder::tcp(address(CLIENT), 40_000, address(to), 443).flags(tcp::ACK).seq(2).build()
}

/// The nodes of the service's hosts behind an endpoint.
fn hosts(lab: &Lab, endpoint: Id<VpcEndpoint>) -> vpcsim_engine::NodeId {
    let services = lab.compiled.services.iter().map(|plan| (plan.owner, plan.node));
    let all = services.chain(lab.compiled.hosts.iter().map(|plan| (plan.owner, plan.node)));
    let mut own = all.filter(|(owner, _)| *owner == endpoint.into());
    own.next().expect("the endpoint has a service").1
}

/// What the service behind the gateway endpoint sends.
fn serve_from_s3(lab: &mut Lab, endpoint: Id<VpcEndpoint>, bytes: &[u8]) -> String {
    let plan = lab.compiled.services.iter().find(|plan| plan.owner == endpoint.into()).unwrap();
    let (node, uplink) = (plan.node, plan.uplink);
    lab.send_between(node, uplink, bytes)
}

#[test]
fn a_gateway_endpoint_is_a_route_of_its_tables_and_of_no_other() {
    let design = design();
    let mut lab = Lab::new(design.topology);
    let way = lab.send(design.near, &syn(S3, 443).build());
    assert_eq!(way, "emit EniOut SubnetOut Route Gateway deliver");
    let from_far = PacketBuilder::tcp(address("10.0.2.10"), 40_000, address(S3), 443).flags(tcp::SYN);
    assert!(lab.send(design.far, &from_far.build()).ends_with("drop NO_ROUTE"));
    assert!(lab.topology().network_interfaces.iter().all(|(_, row)| row.label.name != "s3"), "no interface");
}

#[test]
fn the_service_sees_the_hosts_private_address_and_an_unchanged_time_to_live() {
    let design = design();
    let mut lab = Lab::new(design.topology);
    let packet = syn(S3, 443).ttl(9).build();
    let _way = lab.send(design.near, &packet);
    assert_eq!(lab.received_at(hosts(&lab, design.gateway)), [packet]);
}

#[test]
fn network_acls_see_the_services_public_address_both_ways() {
    let answer = PacketBuilder::tcp(address(S3), 443, address(CLIENT), 40_000).flags(tcp::SYN | tcp::ACK).build();
    let mut open = Lab::new(design().topology);
    let gateway = design().gateway;
    assert_eq!(serve_from_s3(&mut open, gateway, &answer), "emit Gateway SubnetIn EniIn deliver");
    let mut closed = design();
    closed.filter(0, vec![entry(100, false, Traffic::All, "52.218.0.0/17")], Vec::new());
    let mut lab = Lab::new(closed.topology);
    assert_eq!(serve_from_s3(&mut lab, gateway, &answer), "emit Gateway drop NACL_INGRESS");
    let mut closed = design();
    closed.filter(0, Vec::new(), vec![entry(100, false, Traffic::All, "52.218.0.0/17")]);
    let mut lab = Lab::new(closed.topology);
    assert_eq!(lab.send(closed.near, &syn(S3, 443).build()), "emit EniOut drop NACL_EGRESS");
}

#[test]
fn a_security_group_may_name_the_prefix_list_of_the_service() {
    let mut design = design();
    design.topology.complete();
    let list = design.topology.prefix_lists.ids().next().unwrap();
    let mut rule = allow(Traffic::Tcp(PortRange::single(443)), "0.0.0.0/0");
    rule.peer = Peer::PrefixList(list);
    let group = design.topology.network_interfaces[design.near].security_groups[0];
    design.topology.security_groups[group].egress = vec![rule];
    let mut lab = Lab::new(design.topology);
    assert!(lab.send(design.near, &syn(S3, 443).build()).ends_with("deliver"));
    assert!(lab.send(design.near, &syn("8.8.8.8", 443).build()).ends_with("drop SG_EGRESS"));
}

#[test]
fn what_does_not_come_from_inside_the_vpc_does_not_pass_a_gateway_endpoint() {
    let mut design = design();
    design.topology.network_interfaces[design.near].source_dest_check = false;
    let mut lab = Lab::new(design.topology);
    let foreign = PacketBuilder::tcp(address("10.9.0.1"), 40_000, address(S3), 443).flags(tcp::SYN);
    let way = lab.send(design.near, &foreign.build());
    assert!(way.ends_with("drop VPCE_SOURCE_NOT_IN_VPC"), "{way}");
}

#[test]
fn a_gateway_endpoint_is_for_the_service_of_its_own_region() {
    let mut design = design();
    design.topology.vpc_endpoints[design.gateway].service = Service::named("com.amazonaws.us-east-1.s3");
    assert_eq!(design.codes(), ["endpoint-region"]);
}

#[test]
fn a_gateway_endpoint_carries_tcp_and_echo_requests_and_nothing_else() {
    let design = design();
    let mut lab = Lab::new(design.topology);
    let echo = PacketBuilder::icmp_echo(address(CLIENT), address(S3), 1, 1);
    assert!(lab.send(design.near, &echo.build()).ends_with("deliver"));
    let refused = [
        PacketBuilder::udp(address(CLIENT), 40_000, address(S3), 443),
        PacketBuilder::icmp(address(CLIENT), address(S3), icmp::ECHO_REPLY, 0, 0),
    ];
    for packet in refused {
        let way = lab.send(design.near, &packet.build());
        assert!(way.ends_with("drop VPCE_GATEWAY_PROTOCOL"), "{way}");
    }
}

#[test]
fn an_address_that_is_not_the_services_is_not_reached_by_its_gateway_endpoint() {
    let mut design = design();
    let table = design.topology.subnets[design.subnets[0]].route_table.unwrap();
    design.topology.route_tables[table].routes.push(Route {
        destination: RouteDestination::Cidr(net("0.0.0.0/0")),
        target: RouteTarget::Resource(design.gateway.into()),
        source: RouteSource::Static,
        blackhole: false,
        origin: Origin::NOWHERE,
    });
    let mut lab = Lab::new(design.topology);
    let way = lab.send(design.near, &syn("8.8.8.8", 443).build());
    assert!(way.ends_with("drop VPCE_NO_SUCH_SERVICE_ADDRESS"), "{way}");
}

#[test]
fn an_endpoint_that_is_not_available_drops_what_reaches_it() {
    let mut design = design();
    for id in [design.gateway, design.interface] {
        design.topology.vpc_endpoints[id].state = EndpointState::Pending;
    }
    let mut lab = Lab::new(design.topology);
    for to in [S3, ENDPOINT] {
        let way = lab.send(design.near, &syn(to, 443).build());
        assert!(way.ends_with("drop VPCE_NOT_AVAILABLE"), "{to}: {way}");
    }
}

#[test]
fn two_subnets_of_one_zone_are_refused_and_the_default_group_applies_without_another() {
    let mut design = design();
    let second = managed(&mut design.topology, design.subnets[1], "10.0.2.20", &[]);
    let EndpointForm::Interface { interfaces, .. } = &mut design.topology.vpc_endpoints[design.interface].form else {
        panic!("it has interfaces")
    };
    interfaces.push(second);
    assert_eq!(design.codes(), ["endpoint-subnet"]);
    let groups = &design.topology.network_interfaces[second].security_groups;
    assert!(design.topology.security_groups[groups[0]].default, "the default group");
}

#[test]
fn the_endpoints_group_decides_who_comes_in_and_the_answer_goes_out_without_a_rule() {
    let design = design();
    let interface = design.interface;
    let mut lab = Lab::new(design.topology);
    let way = lab.send(design.near, &syn(ENDPOINT, 443).build());
    assert_eq!(way, "emit EniOut SubnetOut Route SubnetIn EniIn Gateway deliver");
    let answer = PacketBuilder::tcp(address(ENDPOINT), 443, address(CLIENT), 40_000).flags(tcp::SYN | tcp::ACK);
    let plan = lab.compiled.hosts.iter().find(|plan| plan.owner == interface.into()).unwrap();
    let (node, line) = (plan.node, (plan.interfaces[0].node, plan.interfaces[0].port));
    let way = lab.send_between(node, line, &answer.build());
    assert_eq!(way, "emit Gateway EniOut SubnetOut Route SubnetIn EniIn deliver");
    assert!(lab.send(design.near, &syn(ENDPOINT, 80).build()).ends_with("drop SG_INGRESS"));
    let unasked = PacketBuilder::tcp(address(ENDPOINT), 443, address("10.0.2.10"), 40_000).flags(tcp::SYN);
    let way = lab.send_between(node, line, &unasked.build());
    assert!(way.ends_with("drop VPCE_NO_FLOW"), "no connection begins at the service: {way}");
}

#[test]
fn network_acls_apply_between_subnets_and_not_inside_the_endpoints_own() {
    let mut design = design();
    design.filter(2, vec![entry(100, false, Traffic::All, "10.0.0.0/16")], Vec::new());
    let open = design.topology.network_interfaces[design.near].security_groups[0];
    let neighbour = attach(&mut design.topology, "neighbour", interface(design.subnets[2], "10.0.3.10", &[open]));
    let mut lab = Lab::new(design.topology);
    assert!(lab.send(design.near, &syn(ENDPOINT, 443).build()).ends_with("drop NACL_INGRESS"));
    let from_neighbour = PacketBuilder::tcp(address("10.0.3.10"), 40_000, address(ENDPOINT), 443).flags(tcp::SYN);
    assert!(lab.send(neighbour, &from_neighbour.build()).ends_with("deliver"));
}

#[test]
fn an_endpoint_is_reached_from_a_peered_vpc_like_any_private_address() {
    let mut design = design();
    let other = design.topology.vpcs.push(vpc("other", "10.1.0.0/16"));
    let peering = design.topology.peering_connections.push(crate::devices::PeeringConnection {
        label: Label::named("pcx"),
        requester: Some(other),
        accepter: Some(design.vpc),
        state: crate::devices::peering_connection::PeeringState::Active,
        requester_dns_resolution: false,
        accepter_dns_resolution: false,
    });
    let net_of_other = design.topology.subnets.push(subnet(other, "other", "10.1.1.0/24"));
    let open = || vec![allow(Traffic::All, "0.0.0.0/0")];
    let open = design.topology.security_groups.push(group(other, "open", open(), open()));
    let guest = attach(&mut design.topology, "guest", interface(net_of_other, "10.1.1.10", &[open]));
    design.topology.route_tables.push(RouteTable {
        label: Label::named("main"),
        vpc: other,
        main: true,
        routes: vec![Route {
            destination: RouteDestination::Cidr(net("10.0.0.0/16")),
            target: RouteTarget::Resource(peering.into()),
            source: RouteSource::Static,
            blackhole: false,
            origin: Origin::NOWHERE,
        }],
    });
    let mut lab = Lab::new(design.topology);
    let packet = PacketBuilder::tcp(address("10.1.1.10"), 40_000, address(ENDPOINT), 443).flags(tcp::SYN);
    let way = lab.send(guest, &packet.build());
    assert!(way.ends_with("EniIn Gateway deliver"), "{way}");
}

#[test]
fn packets_over_8500_bytes_are_dropped_and_segments_are_held_to_8460() {
    let design = design();
    let mut lab = Lab::new(design.topology);
    let packet = |mss: u16| syn(ENDPOINT, 443).mss(mss).build();
    let _way = lab.send(design.near, &packet(8961));
    assert_eq!(lab.received_at(hosts(&lab, design.interface)), [packet(8460)]);
    let large = |payload: usize| {
        let packet = PacketBuilder::tcp(address(CLIENT), 40_000, address(ENDPOINT), 443).flags(tcp::ACK).seq(2);
        packet.payload(&vec![0; payload]).dont_fragment(true).build()
    };
    assert!(lab.send(design.near, &large(8460)).ends_with("deliver"));
    let dropped = lab.send(design.near, &large(8461));
    assert!(dropped.ends_with("drop VPCE_MTU_EXCEEDED"), "{dropped}");
    assert!(lab.received(design.near).is_empty(), "nobody is told");
}

#[test]
fn idle_tcp_is_answered_with_a_reset_after_350_seconds() {
    let design = design();
    let mut lab = Lab::new(design.topology);
    let _way = lab.send(design.near, &syn(ENDPOINT, 443).build());
    lab.wait(Span::from_secs(349));
    assert!(lab.send(design.near, &ack(ENDPOINT)).ends_with("deliver"));
    lab.wait(Span::from_secs(351));
    assert!(lab.send(design.near, &ack(ENDPOINT)).ends_with("drop VPCE_NO_FLOW"));
    let received = lab.received(design.near);
    let reset = summarize(received.last().expect("the client is told")).unwrap();
    assert!(reset.is_rst() && reset.source() == address(ENDPOINT));
}

#[test]
fn an_interface_endpoint_answers_no_ping_and_no_other_port_and_is_no_routes_target() {
    let mut design = design();
    let everything = vec![allow(Traffic::All, "0.0.0.0/0")];
    design.topology.security_groups[design.endpoint_group].ingress = everything;
    let own = design.topology.vpc_endpoints[design.interface].interfaces()[0];
    let table = design.topology.subnets[design.subnets[0]].route_table.unwrap();
    let through = |range: &str, target| Route {
        destination: RouteDestination::Cidr(net(range)),
        target: RouteTarget::Resource(target),
        source: RouteSource::Static,
        blackhole: false,
        origin: Origin::NOWHERE,
    };
    let routes = &mut design.topology.route_tables[table].routes;
    routes.push(through("192.168.0.0/16", design.interface.into()));
    routes.push(through("192.0.2.0/24", own.into()));
    let mut lab = Lab::new(design.topology);
    let echo = PacketBuilder::icmp_echo(address(CLIENT), address(ENDPOINT), 1, 1).build();
    assert!(lab.send(design.near, &echo).ends_with("drop VPCE_PROTOCOL"));
    assert!(lab.send(design.near, &syn(ENDPOINT, 22).build()).ends_with("drop VPCE_PORT"));
    assert!(lab.send(design.near, &syn("192.168.0.1", 443).build()).ends_with("drop BLACKHOLE"));
    assert!(lab.send(design.near, &syn("192.0.2.1", 443).build()).ends_with("drop DST_CHECK"));
}

#[test]
fn a_service_that_nobody_knows_gives_no_verdict() {
    let mut design = design();
    design.topology.vpc_endpoints[design.interface].service =
        Service::named("com.amazonaws.vpce.eu-west-1.vpce-svc-0123456789abcdef0");
    assert_eq!(design.codes(), ["endpoint-service-unknown"]);
    let mut lab = Lab::new(design.topology);
    let way = lab.send(design.near, &syn(ENDPOINT, 443).build());
    assert!(way.ends_with("drop DESTINATION_NOT_MODELLED"), "{way}");
}

#[test]
fn a_service_of_aws_that_nobody_lists_is_reported_unless_the_endpoint_exists() {
    let mut design = design();
    let endpoint = &mut design.topology.vpc_endpoints[design.interface];
    endpoint.service = Service::named("com.amazonaws.eu-west-1.sqz");
    assert_eq!(design.codes(), ["endpoint-service-unknown"]);
    design.topology.vpc_endpoints[design.interface].label.id = Some("vpce-1".to_owned());
    assert!(design.codes().is_empty());
}

#[test]
fn gateway_endpoints_for_other_services_and_tables_of_other_vpcs_are_refused() {
    let mut design = design();
    design.topology.vpc_endpoints[design.gateway].service = Service::named("com.amazonaws.eu-west-1.sqs");
    assert_eq!(design.codes(), ["endpoint-type"]);
    let mut design = self::design();
    let other = design.topology.vpcs.push(vpc("other", "10.1.0.0/16"));
    let table = design.topology.subnets[design.subnets[0]].route_table.unwrap();
    design.topology.route_tables[table].vpc = other;
    assert_eq!(design.codes(), ["endpoint-route-table"]);
    let mut design = self::design();
    let again = design.topology.vpc_endpoints[design.gateway].clone();
    design.topology.vpc_endpoints.push(again);
    assert_eq!(design.codes(), ["endpoint-route-table"], "a second of the same service");
}

#[test]
fn a_private_name_needs_both_dns_attributes_and_stands_once_in_a_vpc() {
    let mut design = design();
    let EndpointForm::Interface { private_dns, .. } = &mut design.topology.vpc_endpoints[design.interface].form else {
        panic!("it has interfaces")
    };
    *private_dns = true;
    let vpc = &mut design.topology.vpcs[design.vpc];
    (vpc.dns_support, vpc.dns_hostnames) = (true, true);
    assert!(design.codes().is_empty());
    let again = design.topology.vpc_endpoints[design.interface].clone();
    design.topology.vpc_endpoints.push(again);
    assert_eq!(design.codes(), ["endpoint-private-dns"]);
    design.topology.vpcs[design.vpc].dns_hostnames = false;
    assert_eq!(design.codes().len(), 3, "each lacks the attribute, and the second is a second");
}

#[test]
fn what_is_over_an_endpoints_bandwidth_is_queued_then_dropped() {
    let mut design = design();
    assert_eq!(crate::rate_limit::Limits::default().endpoint_zone.bits_per_s, 100_000_000_000);
    let limits = design.topology.settings.limits.as_mut().expect("limits are on");
    limits.endpoint_zone.bits_per_s = 8 * 40 * 1_000;
    let mut lab = Lab::new(design.topology.clone());
    let _way = lab.send(design.near, &syn(ENDPOINT, 443).build());
    lab.wait(Span::from_secs(1));
    // 10 ms at once and 10 ms from the queue, at 1,000 packets of 40 bytes a second.
    assert_eq!(lab.send_many(design.near, &ack(ENDPOINT), 30), 10);
    assert!(lab.drops().iter().all(|name| *name == "VPCE_RATE"));
    design.topology.settings.limits = None;
    let mut lab = Lab::new(design.topology);
    let _way = lab.send(design.near, &syn(ENDPOINT, 443).build());
    assert_eq!(lab.send_many(design.near, &ack(ENDPOINT), 30), 0, "switched off");
}
