//! What stands in a design and decides about nothing: groups and access lists that nobody has, tables in which nobody looks.
//!
//! Something that is recognised and not modelled might use them; where a design holds such things, nothing is said.

use std::collections::BTreeSet;

use crate::devices::security_group::Peer;
use crate::devices::{NetworkAcl, NetworkInterface, RouteTable, SecurityGroup, Vpc};
use crate::graph::{DesignGraph, Relation};
use crate::model::{Finding, Findings, Id};
use crate::topology::Topology;
use crate::traffic::Direction;

/// Reports what nothing uses, and rules that refer to groups without members.
pub(crate) fn check(design: &DesignGraph, topology: &Topology, findings: &mut Findings) {
    let mut empty = BTreeSet::new();
    for (id, group) in topology.security_groups.iter() {
        let users = design.dependents(id, Relation::Uses);
        if !group.default && users.is_empty() {
            let message = format!("nothing uses security group {}", group.label.display());
            let finding = Finding::note("security-group-unused", group.label.origin, message);
            findings.push(finding.help("put an interface into it, or remove it"));
        }
        let is_worn = users
            .iter()
            .any(|user| user.downcast::<NetworkInterface>().is_some());
        if !is_worn && !is_open_to_unread(group.vpc, topology) {
            empty.insert(id);
        }
    }
    for (id, group) in topology
        .security_groups
        .iter()
        .filter(|(id, _)| !empty.contains(id))
    {
        check_references(id, group, &empty, topology, findings);
    }
    check_tables(topology, findings);
}

/// Rules of a group that somebody has, about groups that nobody has.
fn check_references(
    id: Id<SecurityGroup>,
    group: &SecurityGroup,
    empty: &BTreeSet<Id<SecurityGroup>>,
    topology: &Topology,
    findings: &mut Findings,
) {
    for direction in Direction::BOTH {
        for rule in group.rules(direction) {
            let Peer::SecurityGroup(referred) = rule.peer else {
                continue;
            };
            if referred == id || !empty.contains(&referred) {
                continue;
            }
            let message = format!(
                "{direction} rule \"{}\" of security group {} matches nobody: no interface has security group {}",
                rule.words(direction, topology),
                group.label.display(),
                topology.name_of(referred)
            );
            let finding = Finding::note("security-group-reference-empty", rule.origin, message).rule("SG-08");
            findings.push(finding.help("put an interface into the group that it names, or remove the rule"));
        }
    }
}

fn check_tables(topology: &Topology, findings: &mut Findings) {
    let subnets = || topology.subnets.ids();
    let mut tables: BTreeSet<Id<RouteTable>> =
        subnets().filter_map(|id| topology.route_table_of(id)).collect();
    tables.extend(
        topology
            .internet_gateways
            .iter()
            .filter_map(|(_, gateway)| gateway.route_table),
    );
    tables.extend(
        topology
            .regional_nat_gateways
            .iter()
            .filter_map(|(_, gateway)| gateway.route_table),
    );
    for (id, table) in topology.route_tables.iter() {
        if !table.main && !tables.contains(&id) && !is_open_to_unread(table.vpc, topology) {
            let message = format!(
                "no subnet and no gateway uses route table {}",
                table.label.display()
            );
            let finding = Finding::note("route-table-unused", table.label.origin, message).rule("RT-02");
            findings.push(finding.help("associate a subnet with it, or remove it"));
        }
    }
    let acls: BTreeSet<Id<NetworkAcl>> = subnets().filter_map(|id| topology.network_acl_of(id)).collect();
    for (id, acl) in topology.network_acls.iter() {
        if !acl.default && !acls.contains(&id) {
            let message = format!("no subnet uses network ACL {}", acl.label.display());
            let finding = Finding::note("network-acl-unused", acl.label.origin, message).rule("SUB-05");
            findings.push(finding.help("associate a subnet with it, or remove it"));
        }
    }
    for (_, table) in topology.transit_gateway_route_tables.iter() {
        let says_something = !table.routes.is_empty() || !table.propagations.is_empty();
        if says_something && table.associations.is_empty() && topology.unread.is_empty() {
            let message = format!(
                "no attachment is associated with transit gateway route table {}",
                table.label.display()
            );
            let finding =
                Finding::note("transit-gateway-table-unused", table.label.origin, message).rule("TGW-18");
            findings.push(
                finding.help("associate the attachments whose packets its routes are for, or remove it"),
            );
        }
    }
}

/// Whether something that is not modelled may have interfaces and routes in the VPC.
fn is_open_to_unread(vpc: Id<Vpc>, topology: &Topology) -> bool {
    topology
        .unread
        .iter()
        .any(|unread| unread.vpc.is_none_or(|place| place == vpc))
}
