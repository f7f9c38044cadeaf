//! Ranges that two VPCs have both, where one way joins them or leads to both.
//!
//! # AWS semantics
//!
//! - A transit gateway does not propagate a range that one of its VPCs had before (TGW-23).
//! - A VPC may have two peers with one range; each of its routes leads to one of them, and so do all answers (PCX-15, PCX-20).

use std::collections::BTreeSet;
use std::net::Ipv4Addr;

use ipnet::Ipv4Net;

use super::overlap;
use crate::devices::peering_connection::PeeringState;
use crate::devices::route_table::RouteTarget;
use crate::devices::transit_gateway_route_table::{TransitTarget, compile, is_taken};
use crate::devices::{PeeringConnection, TransitGatewayAttachment, TransitGatewayRouteTable, Vpc};
use crate::model::{Finding, Findings, Id};
use crate::topology::Topology;

/// Reports both.
pub(crate) fn check(topology: &Topology, findings: &mut Findings) {
    check_attachments(topology, findings);
    for vpc in topology.vpcs.ids() {
        check_peers(vpc, topology, findings);
    }
}

fn nets(vpc: Id<Vpc>, topology: &Topology) -> impl Iterator<Item = Ipv4Net> {
    let cidrs = topology.vpcs[vpc].cidrs.iter().filter(|cidr| cidr.associated);
    cidrs.map(|cidr| cidr.net.trunc())
}

/// A VPC that shall propagate a range to a table, which does not take it, and that no static route leads to either.
fn check_attachments(topology: &Topology, findings: &mut Findings) {
    for (id, table) in topology.transit_gateway_route_tables.iter() {
        for attachment in table.propagations.iter().copied() {
            let Some(vpc) = topology.transit_gateway_attachments[attachment].vpc() else {
                continue;
            };
            for net in nets(vpc, topology).filter(|net| is_taken(*net, attachment, topology)) {
                if leads_there(id, attachment, net.network(), topology) {
                    continue;
                }
                let Some((first, range)) = first_owner(net, attachment, topology) else {
                    continue;
                };
                let message = format!(
                    "transit gateway route table {} does not learn {net} of VPC {}: it overlaps {range} of VPC {}, which was attached before",
                    table.label.display(),
                    topology.name_of(vpc),
                    topology.name_of(first)
                );
                let origin = topology.transit_gateway_attachments[attachment].label.origin;
                let finding =
                    Finding::warning("transit-gateway-ranges-overlap", origin, message).rule("TGW-23");
                findings.push(finding.help(
                    "give one of the VPCs another range; a static route would take the range from the other",
                ));
            }
        }
    }
}

fn leads_there(
    table: Id<TransitGatewayRouteTable>,
    attachment: Id<TransitGatewayAttachment>,
    address: Ipv4Addr,
    topology: &Topology,
) -> bool {
    let routes = &topology.transit_gateway_route_tables[table].routes;
    let is_static = routes
        .iter()
        .any(|route| route.target == TransitTarget::Attachment(attachment));
    is_static
        && compile(table, topology)
            .lookup(address)
            .is_some_and(|route| route.attachment == Some(attachment))
}

/// The VPC that was attached to the same gateway before with a range that overlaps.
fn first_owner(
    net: Ipv4Net,
    by: Id<TransitGatewayAttachment>,
    topology: &Topology,
) -> Option<(Id<Vpc>, Ipv4Net)> {
    let gateway = topology.transit_gateway_attachments[by].gateway;
    let earlier = topology.transit_gateway_attachments.iter().take(by.index());
    let vpcs = earlier
        .filter(|(_, row)| row.gateway == gateway)
        .filter_map(|(_, row)| row.vpc());
    vpcs.flat_map(|vpc| nets(vpc, topology).map(move |range| (vpc, range)))
        .find(|(_, range)| overlap(*range, net))
}

/// Two peers of a VPC with one range, both of which send to it.
fn check_peers(vpc: Id<Vpc>, topology: &Topology, findings: &mut Findings) {
    let joined = topology.peering_connections.iter();
    let active = joined.filter(|(_, peering)| peering.state == PeeringState::Active && peering.joins(vpc));
    let peers: Vec<(Id<PeeringConnection>, Id<Vpc>)> = active
        .filter_map(|(id, peering)| Some((id, peering.other_side(vpc)?)))
        .collect();
    for (index, (peering, peer)) in peers.iter().enumerate() {
        for (first, other) in &peers[..index] {
            let mut pairs =
                nets(*peer, topology).flat_map(|net| nets(*other, topology).map(move |range| (net, range)));
            let Some((net, range)) = pairs.find(|(net, range)| overlap(*net, *range)) else {
                continue;
            };
            if peer == other || !sends(*peer, *peering, topology) || !sends(*other, *first, topology) {
                continue;
            }
            let message = format!(
                "VPC {} has two peers with one range, {} ({net}) and {} ({range}), and both send to it: of one address it can answer only one of them",
                topology.name_of(vpc),
                topology.name_of(*peer),
                topology.name_of(*other)
            );
            let origin = topology.peering_connections[*peering].label.origin;
            let finding = Finding::note("peers-overlap", origin, message).rule("PCX-15");
            findings.push(
                finding.help(
                    "give one of the peers another range, or route the parts in use to whom they belong",
                ),
            );
        }
    }
}

/// Whether a route of the VPC, in a table that a subnet uses, leads to the peering connection.
fn sends(vpc: Id<Vpc>, by: Id<PeeringConnection>, topology: &Topology) -> bool {
    let own = topology.subnets.iter().filter(|(_, subnet)| subnet.vpc == vpc);
    let tables: BTreeSet<_> = own.filter_map(|(id, _)| topology.route_table_of(id)).collect();
    let mut routes = tables
        .iter()
        .flat_map(|table| &topology.route_tables[*table].routes);
    routes.any(|route| !route.blackhole && route.target == RouteTarget::Resource(by.into()))
}
