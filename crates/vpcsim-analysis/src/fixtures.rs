//! A small shop for this crate's tests: a web server with a public address, a database behind it, a laptop outside.

use std::net::Ipv4Addr;

use vpcsim_aws::devices::instance::Listener;
use vpcsim_aws::devices::network_acl::NetworkAclEntry;
use vpcsim_aws::devices::route_table::{Route, RouteDestination, RouteSource, RouteTarget};
use vpcsim_aws::devices::security_group::{Peer, SecurityGroupRule};
use vpcsim_aws::devices::{
    Instance, InternetGateway, InternetHost, NetworkAcl, NetworkInterface, RouteTable, SecurityGroup, Subnet,
    Vpc,
};
use vpcsim_aws::model::Origin;
use vpcsim_aws::traffic::{PortRange, Traffic};
use vpcsim_aws::{Expectation, Id, Label, Topology};
use vpcsim_engine::wire::Protocol;

use crate::answer::FlowQuery;

/// The handles of the shop's parts.
#[derive(Clone, Debug)]
pub(crate) struct Shop {
    pub(crate) topology: Topology,
    pub(crate) public_subnet: Id<Subnet>,
    pub(crate) private_subnet: Id<Subnet>,
    pub(crate) web_group: Id<SecurityGroup>,
    pub(crate) db_group: Id<SecurityGroup>,
    pub(crate) vpc: Id<Vpc>,
}

fn address(text: &str) -> Ipv4Addr {
    text.parse().unwrap()
}

pub(crate) fn allow(traffic: Traffic, peer: Peer) -> SecurityGroupRule {
    SecurityGroupRule {
        id: None,
        traffic,
        peer,
        origin: Origin::NOWHERE,
    }
}

pub(crate) fn anywhere() -> Peer {
    Peer::Cidr("0.0.0.0/0".parse().unwrap())
}

pub(crate) fn tcp(port: u16) -> Traffic {
    Traffic::Tcp(PortRange::single(port))
}

pub(crate) fn entry(number: u16, allow: bool, traffic: Traffic) -> NetworkAclEntry {
    NetworkAclEntry {
        number,
        allow,
        traffic,
        cidr: "0.0.0.0/0".parse().unwrap(),
        origin: Origin::NOWHERE,
    }
}

pub(crate) fn vpc(topology: &mut Topology, name: &str, cidr: &str) -> Id<Vpc> {
    let ranges = [cidr.parse().unwrap()];
    topology
        .vpcs
        .push(Vpc::new(Label::named(name), "eu-west-1", &ranges))
}

fn subnet(
    topology: &mut Topology,
    vpc: Id<Vpc>,
    name: &str,
    cidr: &str,
    table: Id<RouteTable>,
) -> Id<Subnet> {
    topology.subnets.push(Subnet {
        route_table: Some(table),
        ..Subnet::new(Label::named(name), vpc, "eu-west-1a", cidr.parse().unwrap())
    })
}

fn group(
    topology: &mut Topology,
    vpc: Id<Vpc>,
    name: &str,
    ingress: Vec<SecurityGroupRule>,
) -> Id<SecurityGroup> {
    topology.security_groups.push(SecurityGroup {
        label: Label::named(name),
        vpc,
        default: false,
        ingress,
        egress: vec![allow(Traffic::All, anywhere())],
    })
}

pub(crate) fn instance(
    topology: &mut Topology,
    name: &str,
    subnet: Id<Subnet>,
    private: &str,
    group: Id<SecurityGroup>,
    port: u16,
) -> Id<NetworkInterface> {
    let instance = topology.instances.push(Instance {
        listen: vec![Listener {
            protocol: Protocol::TCP,
            ports: PortRange::single(port),
        }],
        ..Instance::new(Label::named(name))
    });
    let label = Label::named(format!("{name} eni"));
    topology.network_interfaces.push(NetworkInterface {
        security_groups: vec![group],
        ..NetworkInterface::new(label, subnet, address(private)).of(instance)
    })
}

fn default_network_acl(topology: &mut Topology, vpc: Id<Vpc>) {
    topology.network_acls.push(NetworkAcl {
        label: Label::named("default"),
        vpc,
        default: true,
        ingress: vec![entry(100, true, Traffic::All)],
        egress: vec![entry(100, true, Traffic::All)],
    });
}

/// The shop as it should be.
pub(crate) fn shop() -> Shop {
    let mut topology = Topology::named("shop", "eu-west-1");
    let t = &mut topology;
    let vpc = vpc(t, "shop", "10.0.0.0/16");
    default_network_acl(t, vpc);
    let gateway = t.internet_gateways.push(InternetGateway {
        label: Label::named("igw"),
        vpc: Some(vpc),
        route_table: None,
    });
    let out = Route {
        destination: RouteDestination::Cidr("0.0.0.0/0".parse().unwrap()),
        target: RouteTarget::Resource(gateway.into()),
        source: RouteSource::Static,
        blackhole: false,
        origin: Origin::NOWHERE,
    };
    let public = t.route_tables.push(RouteTable {
        label: Label::named("public"),
        vpc,
        main: false,
        routes: vec![out],
    });
    let private = t.route_tables.push(RouteTable {
        label: Label::named("private"),
        vpc,
        main: true,
        routes: Vec::new(),
    });
    let public_subnet = subnet(t, vpc, "public-a", "10.0.1.0/24", public);
    let private_subnet = subnet(t, vpc, "private-a", "10.0.2.0/24", private);
    let web_group = group(
        t,
        vpc,
        "web",
        vec![allow(tcp(80), anywhere()), allow(Traffic::ICMP, anywhere())],
    );
    let db_group = group(
        t,
        vpc,
        "db",
        vec![allow(tcp(5432), Peer::SecurityGroup(web_group))],
    );
    let web = instance(t, "web-1", public_subnet, "10.0.1.10", web_group, 80);
    t.network_interfaces[web].addresses[0].public = Some(address("203.0.113.10"));
    instance(t, "db-1", private_subnet, "10.0.2.10", db_group, 5432);
    let laptop = InternetHost {
        label: Label::named("laptop"),
        address: address("198.51.100.7"),
        listen: Vec::new(),
    };
    t.internet_hosts.push(laptop);
    Shop {
        topology,
        public_subnet,
        private_subnet,
        web_group,
        db_group,
        vpc,
    }
}

/// A TCP flow.
pub(crate) fn flow(source: &str, dst: &str, port: u16) -> FlowQuery {
    FlowQuery {
        id: format!("{source} {dst} {port}"),
        source: source.to_owned(),
        dst: dst.to_owned(),
        protocol: "tcp".to_owned(),
        dst_port: Some(port),
        ..FlowQuery::default()
    }
}

/// A ping.
pub(crate) fn ping(source: &str, dst: &str) -> FlowQuery {
    FlowQuery {
        protocol: "icmp".to_owned(),
        dst_port: None,
        ..flow(source, dst, 0)
    }
}

/// An expectation.
pub(crate) fn expect(from: &str, to: &str, port: u16, reachable: bool, because: Option<&str>) -> Expectation {
    let word = if reachable { "reachable" } else { "unreachable" };
    Expectation {
        from: from.to_owned(),
        to: to.to_owned(),
        protocol: Protocol::TCP,
        port: Some(port),
        reachable,
        because: because.map(str::to_owned),
        text: format!("{from} -> {to} tcp {port}: {word}"),
        origin: Origin::NOWHERE,
    }
}
