//! Rules and headers as AWS writes them (RAN-12, RAN-13, RAN-14).

use std::net::Ipv4Addr;

use vpcsim_analysis::{Header, Rule};
use vpcsim_aws::devices::load_balancer::Listener;
use vpcsim_aws::devices::network_interface::Attachment;
use vpcsim_aws::devices::route_table::{Route, RouteDestination, RouteSource, RouteTarget};
use vpcsim_aws::devices::security_group::Peer;
use vpcsim_aws::devices::transit_gateway_attachment::AttachmentEnd;
use vpcsim_aws::devices::transit_gateway_route_table::{TransitTarget, propagated};
use vpcsim_aws::devices::{
    LoadBalancer, NetworkAcl, RouteTable, SecurityGroup, TransitGateway, TransitGatewayAttachment,
    TransitGatewayRouteTable,
};
use vpcsim_aws::traffic::{Direction, Traffic};
use vpcsim_aws::{AnyId, Id, Kind, Topology};

use super::naming;
use super::shapes::{
    AclRule, PacketHeader, PortRange, RouteTableRoute, SecurityGroupRule, TransitGatewayRouteTableRoute,
};

const ACTIVE: &str = "active";
const BLACK_HOLE: &str = "blackhole";
/// The number by which AWS lists the last entry of every network ACL.
const LAST_ENTRY: u16 = 32_767;

/// An address as a range of one.
pub(super) fn host(address: Ipv4Addr) -> String {
    format!("{address}/32")
}

/// `ingress` or `egress`.
pub(super) const fn direction(direction: Direction) -> &'static str {
    match direction {
        Direction::Ingress => "ingress",
        Direction::Egress => "egress",
    }
}

/// The whole header of a packet.
pub(super) fn header(packet: Header) -> PacketHeader {
    PacketHeader {
        destination_addresses: vec![host(packet.destination)],
        destination_port_ranges: ports(packet.destination_port),
        protocol: Some(packet.protocol.0.to_string()),
        source_addresses: vec![host(packet.source)],
        source_port_ranges: ports(packet.source_port),
    }
}

/// What differs from one header to the next; `None` if nothing does.
pub(super) fn changes(before: Header, after: Header) -> Option<PacketHeader> {
    let mut changed = PacketHeader::default();
    if before.destination != after.destination {
        changed.destination_addresses = vec![host(after.destination)];
    }
    if before.destination_port != after.destination_port {
        changed.destination_port_ranges = ports(after.destination_port);
    }
    if before.source != after.source {
        changed.source_addresses = vec![host(after.source)];
    }
    if before.source_port != after.source_port {
        changed.source_port_ranges = ports(after.source_port);
    }
    (changed != PacketHeader::default()).then_some(changed)
}

fn ports(port: Option<u16>) -> Vec<PortRange> {
    let single = |port| PortRange { from: port, to: port };
    port.map(single).into_iter().collect()
}

/// The protocol of a rule and, where it has ports, their range.
fn traffic(traffic: Traffic) -> (String, Option<PortRange>) {
    let range = |ports: vpcsim_aws::traffic::PortRange| PortRange {
        from: ports.first,
        to: ports.last,
    };
    match traffic {
        Traffic::All => ("all".to_owned(), None),
        Traffic::Tcp(ports) => ("tcp".to_owned(), Some(range(ports))),
        Traffic::Udp(ports) => ("udp".to_owned(), Some(range(ports))),
        Traffic::Icmp { .. } => ("icmp".to_owned(), None),
        Traffic::Other(protocol) => (protocol.0.to_string(), None),
    }
}

/// The entry of a network ACL.
pub(super) fn acl_rule(topology: &Topology, rule: Rule, way: Direction) -> Option<AclRule> {
    let acl: Id<NetworkAcl> = rule.of.downcast()?;
    if rule.is_default_entry() {
        return Some(AclRule {
            cidr: "0.0.0.0/0".to_owned(),
            egress: way == Direction::Egress,
            port_range: None,
            protocol: "all".to_owned(),
            rule_action: "deny",
            rule_number: LAST_ENTRY,
        });
    }
    let (way, entry) = topology.network_acls.find(acl)?.entry(rule.number)?;
    let (protocol, port_range) = traffic(entry.traffic);
    Some(AclRule {
        cidr: entry.cidr.to_string(),
        egress: way == Direction::Egress,
        port_range,
        protocol,
        rule_action: if entry.allow { "allow" } else { "deny" },
        rule_number: entry.number,
    })
}

/// The rule of a security group.
pub(super) fn security_group_rule(topology: &Topology, rule: Rule) -> Option<SecurityGroupRule> {
    let group: Id<SecurityGroup> = rule.of.downcast()?;
    let (way, declared) = topology.security_groups.find(group)?.rule(rule.number)?;
    let (protocol, port_range) = traffic(declared.traffic);
    let mut shown = SecurityGroupRule {
        direction: direction(way),
        port_range,
        protocol,
        ..SecurityGroupRule::default()
    };
    match &declared.peer {
        Peer::Cidr(net) => shown.cidr = Some(net.to_string()),
        Peer::SecurityGroup(group) => shown.security_group_id = Some(naming::id(topology, *group)),
        Peer::PrefixList(list) => shown.prefix_list_id = Some(naming::id(topology, *list)),
        Peer::Missing(id) if id.starts_with("pl-") => shown.prefix_list_id = Some(id.clone()),
        Peer::Missing(id) => shown.security_group_id = Some(id.clone()),
    }
    Some(shown)
}

/// The route of a route table; the implied local routes are numbered behind the declared ones.
pub(super) fn route(topology: &Topology, rule: Rule) -> Option<RouteTableRoute> {
    let id: Id<RouteTable> = rule.of.downcast()?;
    let table = topology.route_tables.find(id)?;
    let Some(route) = table.routes.get(rule.number) else {
        let cidr = topology.vpcs[table.vpc]
            .cidrs
            .get(rule.number - table.routes.len())?;
        return Some(RouteTableRoute {
            destination_cidr: Some(cidr.net.to_string()),
            gateway_id: Some("local".to_owned()),
            origin: "createroutetable",
            state: ACTIVE,
            ..RouteTableRoute::default()
        });
    };
    let is_lost = route.blackhole
        || matches!(route.target, RouteTarget::Missing(_))
        || route.target.fault(topology).is_some();
    let mut shown = RouteTableRoute {
        origin: origin(route),
        state: if is_lost { BLACK_HOLE } else { ACTIVE },
        ..RouteTableRoute::default()
    };
    match route.destination {
        RouteDestination::Cidr(net) => shown.destination_cidr = Some(net.to_string()),
        RouteDestination::PrefixList(list) => {
            shown.destination_prefix_list_id = Some(naming::id(topology, list));
        }
    }
    match &route.target {
        RouteTarget::Local => shown.gateway_id = Some("local".to_owned()),
        RouteTarget::Resource(any) => lead_to(topology, *any, &mut shown),
        RouteTarget::Missing(id) if id == BLACK_HOLE => {}
        RouteTarget::Missing(id) | RouteTarget::Unmodelled(_, id) => lead_to_foreign(id, &mut shown),
    }
    Some(shown)
}

/// How the route came to be, in the words of `describe-route-tables`, in small letters.
fn origin(route: &Route) -> &'static str {
    match (route.source, &route.target) {
        (RouteSource::Propagated, _) => "enablevgwroutepropagation",
        (RouteSource::Static, RouteTarget::Local) => "createroutetable",
        (RouteSource::Static, _) => "createroute",
    }
}

fn lead_to(topology: &Topology, target: AnyId, shown: &mut RouteTableRoute) {
    let id = Some(naming::id(topology, target));
    match target.kind {
        Kind::NatGateway | Kind::RegionalNatGateway => shown.nat_gateway_id = id,
        Kind::TransitGateway => shown.transit_gateway_id = id,
        Kind::PeeringConnection => shown.vpc_peering_connection_id = id,
        Kind::Instance => shown.instance_id = id,
        Kind::NetworkInterface => {
            shown.network_interface_id = id;
            let declared = topology.network_interfaces.find(target.id());
            if let Some(Attachment::Instance { instance, .. }) = declared.map(|row| &row.attachment) {
                shown.instance_id = Some(naming::id(topology, *instance));
            }
        }
        _ => shown.gateway_id = id,
    }
}

/// A target that the design does not have, or that is not modelled, is known by its id alone.
fn lead_to_foreign(id: &str, shown: &mut RouteTableRoute) {
    let own = Some(id.to_owned());
    match id {
        _ if id.starts_with("nat-") => shown.nat_gateway_id = own,
        _ if id.starts_with("tgw-") => shown.transit_gateway_id = own,
        _ if id.starts_with("pcx-") => shown.vpc_peering_connection_id = own,
        _ if id.starts_with("eni-") => shown.network_interface_id = own,
        _ if id.starts_with("i-") => shown.instance_id = own,
        _ if id.starts_with("eigw-") => shown.egress_only_internet_gateway_id = own,
        _ if id.starts_with("cagw-") => shown.carrier_gateway_id = own,
        _ if id.starts_with("lgw-") => shown.local_gateway_id = own,
        _ if id.starts_with("arn:") => shown.core_network_arn = own,
        _ => shown.gateway_id = own,
    }
}

/// The route of a transit gateway; the propagated ones are numbered behind the declared ones.
pub(super) fn transit_route(topology: &Topology, rule: Rule) -> Option<TransitGatewayRouteTableRoute> {
    let id: Id<TransitGatewayRouteTable> = rule.of.downcast()?;
    let table = topology.transit_gateway_route_tables.find(id)?;
    let mut shown = TransitGatewayRouteTableRoute {
        state: ACTIVE,
        route_origin: "static",
        ..TransitGatewayRouteTableRoute::default()
    };
    let Some(route) = table.routes.get(rule.number) else {
        let (attachment, net) = *propagated(id, topology).get(rule.number - table.routes.len())?;
        shown.destination_cidr = Some(net.to_string());
        shown.route_origin = "propagated";
        attach(topology, attachment, table.gateway, &mut shown);
        return Some(shown);
    };
    match route.destination {
        RouteDestination::Cidr(net) => shown.destination_cidr = Some(net.to_string()),
        RouteDestination::PrefixList(list) => shown.prefix_list_id = Some(naming::id(topology, list)),
    }
    match &route.target {
        TransitTarget::Attachment(attachment) => attach(topology, *attachment, table.gateway, &mut shown),
        TransitTarget::Blackhole => shown.state = BLACK_HOLE,
        TransitTarget::Missing(id) => {
            shown.state = BLACK_HOLE;
            shown.attachment_id = Some(id.clone());
        }
    }
    Some(shown)
}

fn attach(
    topology: &Topology,
    id: Id<TransitGatewayAttachment>,
    from: Id<TransitGateway>,
    shown: &mut TransitGatewayRouteTableRoute,
) {
    shown.attachment_id = Some(naming::id(topology, id));
    let Some(row) = topology.transit_gateway_attachments.find(id) else {
        return;
    };
    match &row.end {
        AttachmentEnd::Vpc { vpc, .. } => {
            shown.resource_id = Some(naming::id(topology, *vpc));
            shown.resource_type = Some("vpc");
        }
        AttachmentEnd::Peering(_) => {
            let peer = row.other_gateway(from);
            shown.resource_id = peer.map(|peer| naming::id(topology, peer));
            shown.resource_type = Some("peering");
        }
        AttachmentEnd::Unmodelled(_) => {}
    }
}

/// The attachment that the route of a transit gateway leads to.
pub(super) fn attachment_of(topology: &Topology, rule: Rule) -> Option<Id<TransitGatewayAttachment>> {
    let id: Id<TransitGatewayRouteTable> = rule.of.downcast()?;
    let table = topology.transit_gateway_route_tables.find(id)?;
    let Some(route) = table.routes.get(rule.number) else {
        let known = propagated(id, topology);
        let (attachment, _) = known.get(rule.number - table.routes.len())?;
        return Some(*attachment);
    };
    match route.target {
        TransitTarget::Attachment(attachment) => Some(attachment),
        _ => None,
    }
}

/// The listener of a load balancer that takes a packet, with its place.
pub(super) fn listener_for(
    topology: &Topology,
    balancer: Id<LoadBalancer>,
    protocol: vpcsim_aws::Protocol,
    port: Option<u16>,
) -> Option<Listener> {
    let mut listeners = topology.load_balancers.find(balancer)?.listeners.iter();
    listeners
        .find(|listener| Some(listener.port) == port && listener.protocol.takes(protocol))
        .copied()
}
