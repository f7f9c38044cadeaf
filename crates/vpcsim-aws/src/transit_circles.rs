//! Circles of routes by transit gateways: a range that one VPC, or one gateway, sends back to where it came from.
//!
//! # AWS semantics
//!
//! - Nothing refuses such routes; packets in the circle end when their time to live does (TGW-31).

use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;

use ipnet::Ipv4Net;
use petgraph::algo::tarjan_scc;
use petgraph::graph::{DiGraph, NodeIndex};

use crate::devices::route_table::{Route, RouteDestination, RouteTarget};
use crate::devices::transit_gateway_attachment::{AttachmentEnd, AttachmentState};
use crate::devices::transit_gateway_route_table::{TransitLookup, compile};
use crate::devices::{AnyId, Subnet, TransitGateway, TransitGatewayAttachment, Vpc};
use crate::graph::next_sender;
use crate::model::{Finding, Findings, Id};
use crate::topology::Topology;

/// Where a packet is: at a gateway to which it came by an attachment, or in a subnet that sends it on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Place {
    Gateway(Id<TransitGateway>, Id<TransitGatewayAttachment>),
    Subnet(Id<Subnet>),
}

/// The tables of the gateways, by gateway and associated attachment.
struct Gateways<'t> {
    topology: &'t Topology,
    lookups: BTreeMap<(Id<TransitGateway>, Id<TransitGatewayAttachment>), TransitLookup>,
}

/// Reports each circle by transit gateways with one of the ranges that run in it.
pub(crate) fn check(topology: &Topology, findings: &mut Findings) {
    if topology.transit_gateways.is_empty() {
        return;
    }
    let gateways = Gateways::new(topology);
    let nets = gateways.nets();
    let mut known: BTreeSet<Vec<Place>> = BTreeSet::new();
    for net in &nets {
        let Some(address) = lone_address(*net, &nets) else {
            continue;
        };
        for circle in gateways.circles(address) {
            let mut members = circle.clone();
            members.sort_unstable();
            if known.insert(members) {
                findings.push(gateways.finding(*net, address, &circle));
            }
        }
    }
}

/// An address of the range that no smaller one has.
fn lone_address(net: Ipv4Net, nets: &BTreeSet<Ipv4Net>) -> Option<Ipv4Addr> {
    let inside = || nets.iter().filter(|other| **other != net && net.contains(*other));
    let after = |other: &Ipv4Net| Some(Ipv4Addr::from(u32::from(other.broadcast()).checked_add(1)?));
    let mut candidates = std::iter::once(net.network()).chain(inside().filter_map(after));
    candidates.find(|address| net.contains(address) && !inside().any(|other| other.contains(address)))
}

impl<'t> Gateways<'t> {
    fn new(topology: &'t Topology) -> Self {
        let tables = topology.transit_gateway_route_tables.iter();
        let lookups = tables.flat_map(|(id, table)| {
            let lookup = compile(id, topology);
            let associated = table.associations.iter();
            associated.map(move |attachment| ((table.gateway, *attachment), lookup.clone()))
        });
        Self {
            topology,
            lookups: lookups.collect(),
        }
    }

    /// Every range that routes tell apart.
    fn nets(&self) -> BTreeSet<Ipv4Net> {
        let topology = self.topology;
        let of_tables = topology.route_tables.iter().flat_map(|(_, table)| &table.routes);
        let of_tables = of_tables.flat_map(|route| nets_of(route.destination, topology));
        let of_gateways = self
            .lookups
            .values()
            .flat_map(TransitLookup::routes)
            .map(|route| route.net);
        let of_vpcs = topology
            .vpcs
            .iter()
            .flat_map(|(_, vpc)| vpc.cidrs.iter().map(|cidr| cidr.net.trunc()));
        of_tables.chain(of_gateways).chain(of_vpcs).collect()
    }

    /// The circles that a packet for the address can run in, each in the order of its way.
    fn circles(&self, address: Ipv4Addr) -> Vec<Vec<Place>> {
        let mut graph: DiGraph<Place, ()> = DiGraph::new();
        let mut nodes: BTreeMap<Place, NodeIndex> = BTreeMap::new();
        let mut open: Vec<Place> = self
            .lookups
            .keys()
            .map(|(gateway, attachment)| Place::Gateway(*gateway, *attachment))
            .collect();
        for place in &open {
            nodes.insert(*place, graph.add_node(*place));
        }
        while let Some(place) = open.pop() {
            for next in self.after(place, address) {
                let node = *nodes.entry(next).or_insert_with(|| {
                    open.push(next);
                    graph.add_node(next)
                });
                graph.add_edge(nodes[&place], node, ());
            }
        }
        let mut circles = Vec::new();
        for component in tarjan_scc(&graph) {
            let places: BTreeSet<Place> = component.iter().map(|node| graph[*node]).collect();
            let closes = component.len() > 1 || graph.contains_edge(component[0], component[0]);
            if let Some(first) = places
                .iter()
                .next()
                .filter(|first| closes && matches!(first, Place::Gateway(..)))
            {
                circles.push(self.way_around(*first, address, &places));
            }
        }
        circles.sort();
        circles
    }

    /// The way from a place back to itself within its circle.
    fn way_around(&self, first: Place, address: Ipv4Addr, places: &BTreeSet<Place>) -> Vec<Place> {
        let mut way = vec![first];
        loop {
            let last = way[way.len() - 1];
            let next = self
                .after(last, address)
                .into_iter()
                .find(|next| places.contains(next) && !way[1..].contains(next));
            match next {
                Some(next) if next != first => way.push(next),
                _ => return way,
            }
        }
    }

    /// Where a packet for the address goes on; nowhere if it arrives, is dropped, or leaves for something else.
    fn after(&self, place: Place, address: Ipv4Addr) -> Vec<Place> {
        match place {
            Place::Gateway(gateway, attachment) => self.after_gateway(gateway, attachment, address),
            Place::Subnet(subnet) => self.after_subnet(subnet, address).into_iter().collect(),
        }
    }

    fn after_gateway(
        &self,
        gateway: Id<TransitGateway>,
        came_by: Id<TransitGatewayAttachment>,
        address: Ipv4Addr,
    ) -> Vec<Place> {
        let route = self
            .lookups
            .get(&(gateway, came_by))
            .and_then(|lookup| lookup.lookup(address));
        let Some(attachment) = route.and_then(|route| route.attachment) else {
            return Vec::new();
        };
        let row = &self.topology.transit_gateway_attachments[attachment];
        if row.state != AttachmentState::Available {
            return Vec::new();
        }
        match &row.end {
            AttachmentEnd::Vpc { vpc, interfaces, .. } if !self.is_inside(*vpc, address) => {
                let rows = interfaces
                    .iter()
                    .filter_map(|id| self.topology.network_interfaces.find(*id));
                rows.map(|row| Place::Subnet(row.subnet)).collect()
            }
            AttachmentEnd::Peering(_) => {
                let other = row.other_gateway(gateway);
                other
                    .map(|other| Place::Gateway(other, attachment))
                    .into_iter()
                    .collect()
            }
            _ => Vec::new(),
        }
    }

    fn is_inside(&self, vpc: Id<Vpc>, address: Ipv4Addr) -> bool {
        let mut cidrs = self.topology.vpcs[vpc]
            .cidrs
            .iter()
            .filter(|cidr| cidr.associated);
        cidrs.any(|cidr| cidr.net.contains(&address))
    }

    fn after_subnet(&self, subnet: Id<Subnet>, address: Ipv4Addr) -> Option<Place> {
        let topology = self.topology;
        let route = self.best_route(subnet, address)?;
        if let Some((_, next)) = next_sender(topology, route) {
            return Some(Place::Subnet(next));
        }
        let RouteTarget::Resource(target) = route.target else {
            return None;
        };
        let gateway: Id<TransitGateway> = target.downcast()?;
        let vpc = topology.subnets[subnet].vpc;
        let mut attachments = topology.transit_gateway_attachments.iter();
        let own = attachments.find(|(_, row)| row.gateway == gateway && row.vpc() == Some(vpc));
        own.map(|(attachment, _)| Place::Gateway(gateway, attachment))
    }

    fn best_route(&self, subnet: Id<Subnet>, address: Ipv4Addr) -> Option<&'t Route> {
        let table = self.topology.route_table_of(subnet)?;
        let covering = self.topology.route_tables[table]
            .routes
            .iter()
            .filter_map(|route| {
                let nets = nets_of(route.destination, self.topology).into_iter();
                let longest = nets
                    .filter(|net| net.contains(&address))
                    .map(|net| net.prefix_len())
                    .max()?;
                Some((
                    longest,
                    matches!(route.destination, RouteDestination::Cidr(_)),
                    route,
                ))
            });
        let best = covering.max_by_key(|(length, is_static, _)| (*length, *is_static));
        best.map(|(_, _, route)| route).filter(|route| !route.blackhole)
    }

    fn finding(&self, net: Ipv4Net, address: Ipv4Addr, circle: &[Place]) -> Finding {
        let name = |any: AnyId| self.topology.name_of(any);
        let words = |place: &Place| match *place {
            Place::Gateway(gateway, by) => {
                format!("transit gateway {} by {}", name(gateway.into()), name(by.into()))
            }
            Place::Subnet(subnet) => format!("subnet {}", name(subnet.into())),
        };
        let way: Vec<String> = circle.iter().chain(&circle[..1]).map(words).collect();
        let message = format!(
            "packets for {net} go in a circle by transit gateways: {}",
            way.join(" -> ")
        );
        let mut origins = circle.iter().map(|place| match place {
            Place::Subnet(subnet) => self.best_route(*subnet, address).map(|route| route.origin),
            Place::Gateway(gateway, _) => Some(self.topology.transit_gateways[*gateway].label.origin),
        });
        // The route of a VPC says more than the gateway does.
        let origin = origins.next_back().flatten().unwrap_or_default();
        Finding::warning("transit-gateway-loop", origin, message).rule("TGW-31").help(
            "route the range to where it is, or end it with a black hole in the route table of the transit gateway",
        )
    }
}

fn nets_of(destination: RouteDestination, topology: &Topology) -> Vec<Ipv4Net> {
    match destination {
        RouteDestination::Cidr(net) => vec![net.trunc()],
        RouteDestination::PrefixList(list) => topology.prefix_lists[list]
            .entries
            .iter()
            .map(Ipv4Net::trunc)
            .collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::devices::network_interface::Attachment;
    use crate::devices::route_table::RouteSource;
    use crate::devices::transit_gateway_route_table::{TransitRoute, TransitTarget};
    use crate::devices::{NetworkInterface, RouteTable, TransitGatewayRouteTable};
    use crate::fixtures::{interface, net, subnet, vpc};
    use crate::model::{Label, Origin};

    /// VPCs 10.1.0.0/16 and 10.2.0.0/16 that send 10.0.0.0/8 to a gateway, whose table sends `routes` to these attachments.
    fn design(routes: &[(&str, usize)]) -> Topology {
        let mut topology = Topology::named("t", "eu-west-1");
        let gateway = topology
            .transit_gateways
            .push(TransitGateway::new(Label::named("hub"), "eu-west-1"));
        let mut attachments = Vec::new();
        for number in 1..=2 {
            let id = topology
                .vpcs
                .push(vpc(&format!("v{number}"), &format!("10.{number}.0.0/16")));
            let route = Route {
                destination: RouteDestination::Cidr(net("10.0.0.0/8")),
                target: RouteTarget::Resource(gateway.into()),
                source: RouteSource::Static,
                blackhole: false,
                origin: Origin::NOWHERE,
            };
            let label = Label::named("main");
            topology.route_tables.push(RouteTable {
                label,
                vpc: id,
                main: true,
                routes: vec![route],
            });
            let own =
                topology
                    .subnets
                    .push(subnet(id, &format!("s{number}"), &format!("10.{number}.1.0/24")));
            let made = interface(own, &format!("10.{number}.1.9"), &[]);
            let made = topology.network_interfaces.push(NetworkInterface {
                attachment: Attachment::Managed,
                ..made
            });
            attachments.push(
                topology
                    .transit_gateway_attachments
                    .push(TransitGatewayAttachment {
                        label: Label::named(format!("to-{number}")),
                        gateway,
                        end: AttachmentEnd::Vpc {
                            vpc: id,
                            interfaces: vec![made],
                            appliance_mode: false,
                            security_group_referencing: true,
                            dns_support: true,
                        },
                        state: AttachmentState::Available,
                    }),
            );
        }
        let route = |(destination, target): &(&str, usize)| TransitRoute {
            destination: RouteDestination::Cidr(net(destination)),
            target: TransitTarget::Attachment(attachments[*target]),
            origin: Origin::NOWHERE,
        };
        topology
            .transit_gateway_route_tables
            .push(TransitGatewayRouteTable {
                label: Label::named("t"),
                gateway,
                associations: attachments.clone(),
                propagations: attachments.clone(),
                routes: routes.iter().map(route).collect(),
            });
        topology
    }

    fn messages(topology: &Topology) -> Vec<String> {
        let mut findings = Findings::default();
        check(topology, &mut findings);
        findings.iter().map(|finding| finding.message.clone()).collect()
    }

    #[test]
    fn a_range_that_a_vpc_and_its_gateway_send_to_each_other_is_found_with_the_members() {
        let found = messages(&design(&[("10.0.0.0/8", 0)]));
        let circle = "transit gateway hub by to-1 -> subnet s1 -> transit gateway hub by to-1";
        assert_eq!(
            found,
            [format!(
                "packets for 10.0.0.0/8 go in a circle by transit gateways: {circle}"
            )]
        );
        assert!(
            messages(&design(&[])).is_empty(),
            "what the gateway knows is inside the VPCs"
        );
        assert!(
            messages(&design(&[("192.168.0.0/16", 0)])).is_empty(),
            "the VPC has no route for it"
        );
        let mut blackhole = design(&[("10.0.0.0/8", 0)]);
        blackhole.route_tables[Id::from_index(0)].routes[0].blackhole = true;
        assert!(messages(&blackhole).is_empty());
    }

    #[test]
    fn a_range_that_two_gateways_send_to_each_other_is_found() {
        let mut topology = design(&[]);
        let first: Id<TransitGateway> = Id::from_index(0);
        let second = topology
            .transit_gateways
            .push(TransitGateway::new(Label::named("far"), "us-east-1"));
        let between = topology
            .transit_gateway_attachments
            .push(TransitGatewayAttachment {
                label: Label::named("between"),
                gateway: first,
                end: AttachmentEnd::Peering(Some(second)),
                state: AttachmentState::Available,
            });
        for gateway in [first, second] {
            topology
                .transit_gateway_route_tables
                .push(TransitGatewayRouteTable {
                    label: Label::named("peer"),
                    gateway,
                    associations: vec![between],
                    propagations: Vec::new(),
                    routes: vec![TransitRoute {
                        destination: RouteDestination::Cidr(net("172.16.0.0/12")),
                        target: TransitTarget::Attachment(between),
                        origin: Origin::NOWHERE,
                    }],
                });
        }
        let circle = ["hub", "far", "hub"]
            .map(|gateway| format!("transit gateway {gateway} by between"))
            .join(" -> ");
        assert_eq!(
            messages(&topology),
            [format!(
                "packets for 172.16.0.0/12 go in a circle by transit gateways: {circle}"
            )]
        );
    }

    #[test]
    fn an_address_is_found_that_only_the_larger_range_has() {
        let nets = ["10.0.0.0/8", "10.0.0.0/16", "10.1.0.0/16", "10.0.0.0/9"]
            .map(net)
            .into_iter()
            .collect();
        assert_eq!(
            lone_address(net("10.0.0.0/8"), &nets),
            Some(Ipv4Addr::new(10, 128, 0, 0))
        );
        assert_eq!(
            lone_address(net("10.0.0.0/9"), &nets),
            Some(Ipv4Addr::new(10, 2, 0, 0))
        );
        let halves = ["10.0.0.0/8", "10.0.0.0/9", "10.128.0.0/9"]
            .map(net)
            .into_iter()
            .collect();
        assert_eq!(
            lone_address(net("10.0.0.0/8"), &halves),
            None,
            "two halves leave nothing"
        );
    }
}
