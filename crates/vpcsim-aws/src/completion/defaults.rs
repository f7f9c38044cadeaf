//! Ranges without host bits, and the main route table, the default network ACL and the default security group that AWS makes with each VPC.

use ipnet::Ipv4Net;

use crate::devices::network_acl::NetworkAclEntry;
use crate::devices::network_interface::Attachment;
use crate::devices::route_table::RouteDestination;
use crate::devices::security_group::{Peer, SecurityGroupRule};
use crate::devices::{NetworkAcl, Resource, RouteTable, SecurityGroup, Vpc};
use crate::model::{Id, Label, Origin, Table};
use crate::topology::Topology;
use crate::traffic::Traffic;

const ANYWHERE: Ipv4Net = Ipv4Net::new_assert(std::net::Ipv4Addr::UNSPECIFIED, 0);

/// The number of the default network ACL's only entry (NACL-02).
const DEFAULT_ENTRY_NUMBER: u16 = 100;

/// Clears the host bits of ranges and destinations (CIDR-02).
pub(super) fn canonicalise(topology: &mut Topology) {
    for id in topology.vpcs.ids() {
        for range in &mut topology.vpcs[id].cidrs {
            range.net = range.net.trunc();
        }
    }
    for id in topology.subnets.ids() {
        topology.subnets[id].cidr = topology.subnets[id].cidr.trunc();
    }
    for id in topology.route_tables.ids() {
        for route in &mut topology.route_tables[id].routes {
            if let RouteDestination::Cidr(net) = &mut route.destination {
                *net = net.trunc();
            }
        }
    }
}

pub(super) fn add_main_route_tables(topology: &mut Topology) {
    let tables = by_vpc(topology, &topology.route_tables, |table| table.vpc);
    for vpc in topology.vpcs.ids() {
        let own = &tables[vpc.index()];
        if own.iter().any(|&table| topology.route_tables[table].main) {
            continue;
        }
        let label = free_label(topology, vpc, "main", &topology.route_tables, own);
        topology.route_tables.push(RouteTable {
            label,
            vpc,
            main: true,
            routes: Vec::new(),
        });
    }
}

pub(super) fn add_default_network_acls(topology: &mut Topology) {
    let entry = NetworkAclEntry {
        number: DEFAULT_ENTRY_NUMBER,
        allow: true,
        traffic: Traffic::All,
        cidr: ANYWHERE,
        origin: Origin::NOWHERE,
    };
    let acls = by_vpc(topology, &topology.network_acls, |acl| acl.vpc);
    for vpc in topology.vpcs.ids() {
        let own = &acls[vpc.index()];
        if own.iter().any(|&acl| topology.network_acls[acl].default) {
            continue;
        }
        let label = free_label(topology, vpc, "default", &topology.network_acls, own);
        topology.network_acls.push(NetworkAcl {
            label,
            vpc,
            default: true,
            ingress: vec![entry],
            egress: vec![entry],
        });
    }
}

pub(super) fn add_default_security_groups(topology: &mut Topology) {
    let groups = by_vpc(topology, &topology.security_groups, |group| group.vpc);
    for vpc in topology.vpcs.ids() {
        let own = &groups[vpc.index()];
        if own.iter().any(|&group| topology.security_groups[group].default) {
            continue;
        }
        let label = free_label(topology, vpc, "default", &topology.security_groups, own);
        let itself = Id::from_index(topology.security_groups.len());
        let rule = |peer| SecurityGroupRule {
            id: None,
            traffic: Traffic::All,
            peer,
            origin: Origin::NOWHERE,
        };
        topology.security_groups.push(SecurityGroup {
            label,
            vpc,
            default: true,
            ingress: vec![rule(Peer::SecurityGroup(itself))],
            egress: vec![rule(Peer::Cidr(ANYWHERE))],
        });
    }
}

/// Puts interfaces without a group, other than those of services, into their VPC's default group.
/// The default security group of each VPC.
fn default_security_groups(topology: &Topology) -> Vec<Option<Id<SecurityGroup>>> {
    let mut defaults = vec![None; topology.vpcs.len()];
    for (id, group) in topology.security_groups.iter().filter(|(_, group)| group.default) {
        defaults[group.vpc.index()].get_or_insert(id);
    }
    defaults
}

/// The interfaces of endpoints and managed hosts are in the default group if none is named; load balancers' are in none.
pub(super) fn join_default_security_groups_of_services(topology: &mut Topology) {
    let defaults = default_security_groups(topology);
    let endpoints = topology
        .vpc_endpoints
        .iter()
        .flat_map(|(_, row)| row.interfaces());
    let hosts = topology.managed_hosts.iter().flat_map(|(_, row)| &row.interfaces);
    let interfaces: Vec<_> = endpoints.chain(hosts).copied().collect();
    for id in interfaces {
        let interface = &topology.network_interfaces[id];
        let vpc = topology.subnets.find(interface.subnet).map(|subnet| subnet.vpc);
        let group = vpc.and_then(|vpc| defaults[vpc.index()]);
        if interface.security_groups.is_empty() {
            topology.network_interfaces[id].security_groups.extend(group);
        }
    }
}

pub(super) fn join_default_security_groups(topology: &mut Topology) {
    let defaults = default_security_groups(topology);
    for id in topology.network_interfaces.ids() {
        let interface = &topology.network_interfaces[id];
        let of_customer = matches!(
            interface.attachment,
            Attachment::None | Attachment::Instance { .. }
        );
        if !of_customer || !interface.security_groups.is_empty() {
            continue;
        }
        let subnet = topology.subnets.find(interface.subnet);
        let group = subnet.and_then(|subnet| defaults[subnet.vpc.index()]);
        topology.network_interfaces[id].security_groups.extend(group);
    }
}

/// The resources of a kind by the VPC they belong to, asked for once: designs may have many VPCs.
fn by_vpc<T>(topology: &Topology, table: &Table<T>, vpc_of: impl Fn(&T) -> Id<Vpc>) -> Vec<Vec<Id<T>>> {
    let mut rows = vec![Vec::new(); topology.vpcs.len()];
    for (id, row) in table.iter() {
        rows[vpc_of(row).index()].push(id);
    }
    rows
}

/// `name`, with the VPC's name before it if the design has several VPCs, and a number behind it if that is taken.
fn free_label<T: Resource>(
    topology: &Topology,
    vpc: Id<Vpc>,
    name: &str,
    table: &Table<T>,
    own: &[Id<T>],
) -> Label {
    let base = match topology.vpcs.len() {
        1 => name.to_owned(),
        _ => format!("{} {name}", topology.name_of(vpc)),
    };
    let taken = |wanted: &str| own.iter().any(|&row| table[row].label().name == wanted);
    let numbered = (2..).map(|number: u32| format!("{base} {number}"));
    let free = std::iter::once(base.clone())
        .chain(numbered)
        .find(|name| !taken(name));
    Label::named(free.unwrap_or(base))
}
