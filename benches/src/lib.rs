//! What the benchmarks measure: designs under load, and how figures are taken.
//!
//! - [`measure`]: CPU time, medians, the yardstick.
//! - [`chain`], [`load`]: chains of VPCs, what a forwarding hop is, a sender that floods them.
//! - [`capturing`], [`bulk`], [`arrivals`]: the same with captures, with TCP, with new flows alone.
//! - [`memory`], [`start_up`], [`flow_records`]: many interfaces and many questions.
//! - [`instructions`]: what callgrind counts per packet.
//! - [`structures`]: queue, flow table and route look-up alone.
//! - [`topology`]: one VPC with all tables, for look-ups alone.
//!
//! `README.md` beside it tells how to read and repeat the figures.

#![expect(
    clippy::cast_precision_loss,
    clippy::cast_sign_loss,
    reason = "figures are shown with three digits"
)]

pub mod arrivals;
pub mod bulk;
pub mod capturing;
pub mod chain;
pub mod flow_records;
pub mod instructions;
pub mod load;
pub mod measure;
pub mod memory;
pub mod start_up;
pub mod structures;

use std::net::Ipv4Addr;

use vpcsim_aws::devices::network_acl::NetworkAclEntry;
use vpcsim_aws::devices::route_table::{Route, RouteDestination, RouteSource, RouteTarget};
use vpcsim_aws::devices::security_group::{Peer, SecurityGroupRule};
use vpcsim_aws::devices::{
    Instance, NetworkAcl, NetworkInterface, RouteTable, SecurityGroup, Subnet, Topology, Vpc,
};
use vpcsim_aws::model::{Id, Label, Origin};
use vpcsim_aws::traffic::{PortRange, Traffic};

/// The address of the sender.
pub const SENDER: Ipv4Addr = Ipv4Addr::new(10, 0, 1, 10);
/// The address of the receiver, in another subnet.
pub const RECEIVER: Ipv4Addr = Ipv4Addr::new(10, 0, 2, 10);

/// A VPC whose every packet passes tracked groups, two network ACLs of ten entries and a table of sixteen routes.
pub fn topology() -> Topology {
    let mut topology = Topology::named("bench", "eu-west-1");
    let vpc = topology.vpcs.push(vpc());
    topology.route_tables.push(routes(vpc));
    let acl = topology.network_acls.push(ten_entries(vpc));
    let group = topology.security_groups.push(tracked_group(vpc));
    for (number, address) in [(1, SENDER), (2, RECEIVER)] {
        let subnet = topology.subnets.push(subnet(vpc, acl, number));
        let instance = topology.instances.push(instance(number));
        topology
            .network_interfaces
            .push(interface(subnet, instance, group, address));
    }
    topology
}

fn net(text: &str) -> ipnet::Ipv4Net {
    text.parse().expect("the benchmark writes valid ranges")
}

fn vpc() -> Vpc {
    Vpc::new(Label::named("vpc"), "eu-west-1", &[net("10.0.0.0/16")])
}

fn routes(vpc: Id<Vpc>) -> RouteTable {
    let route = |number: u8| Route {
        destination: RouteDestination::Cidr(net(&format!("10.{}.0.0/16", 100 + number))),
        target: RouteTarget::Missing("pcx-elsewhere".to_owned()),
        source: RouteSource::Static,
        blackhole: false,
        origin: Origin::NOWHERE,
    };
    RouteTable {
        label: Label::named("main"),
        vpc,
        main: true,
        routes: (0..15).map(route).collect(),
    }
}

/// The last entry is the one that matches.
fn ten_entries(vpc: Id<Vpc>) -> NetworkAcl {
    let entry = |number: u16| NetworkAclEntry {
        number: number * 10,
        allow: true,
        traffic: if number == 10 {
            Traffic::All
        } else {
            Traffic::Tcp(PortRange::single(number))
        },
        cidr: net("10.0.0.0/8"),
        origin: Origin::NOWHERE,
    };
    let entries: Vec<NetworkAclEntry> = (1..=10).map(entry).collect();
    NetworkAcl {
        label: Label::named("acl"),
        vpc,
        default: true,
        ingress: entries.clone(),
        egress: entries,
    }
}

fn tracked_group(vpc: Id<Vpc>) -> SecurityGroup {
    let rule = |cidr: &str| SecurityGroupRule {
        id: None,
        traffic: Traffic::Udp(PortRange::ALL),
        peer: Peer::Cidr(net(cidr)),
        origin: Origin::NOWHERE,
    };
    let rules = || vec![rule("10.0.0.0/16")];
    SecurityGroup {
        label: Label::named("group"),
        vpc,
        default: false,
        ingress: rules(),
        egress: rules(),
    }
}

fn subnet(vpc: Id<Vpc>, acl: Id<NetworkAcl>, number: u8) -> Subnet {
    let label = Label::named(format!("subnet-{number}"));
    Subnet {
        network_acl: Some(acl),
        ..Subnet::new(label, vpc, "eu-west-1a", net(&format!("10.0.{number}.0/24")))
    }
}

fn instance(number: u8) -> Instance {
    Instance::new(Label::named(format!("host-{number}")))
}

fn interface(
    subnet: Id<Subnet>,
    instance: Id<Instance>,
    group: Id<SecurityGroup>,
    address: Ipv4Addr,
) -> NetworkInterface {
    NetworkInterface {
        security_groups: vec![group],
        ..NetworkInterface::new(Label::named(format!("eni-{address}")), subnet, address).of(instance)
    }
}
