//! The design as a graph: what uses what, and where routes lead in circles.
//!
//! # AWS semantics
//!
//! - A NAT gateway sends on by the table of its own subnet; if that leads back to it, or to another whose subnet leads back,
//!   packets are lost, and AWS says nothing when such routes are made (NAT-26). So does an instance that forwards (RT-30).

use std::collections::BTreeSet;
use std::net::Ipv4Addr;

use ipnet::Ipv4Net;
use petgraph::algo::tarjan_scc;
use petgraph::graph::{DiGraph, NodeIndex};
use petgraph::visit::EdgeRef;
use rustc_hash::FxHashMap;

use crate::devices::network_interface::Attachment;
use crate::devices::route_table::{Route, RouteDestination, RouteTarget};
use crate::devices::security_group::Peer;
use crate::devices::{AnyId, Kind, NatGateway, RouteTable, Subnet};
use crate::model::{Finding, Findings, Id};
use crate::topology::Topology;

/// How one resource depends on another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Relation {
    /// It lies inside it: a subnet in a VPC, an interface in a subnet.
    PartOf,
    /// It is attached to it: an interface to an instance, a gateway to a VPC.
    AttachedTo,
    /// It uses it, or its rules refer to it: a subnet its tables, an interface its groups.
    Uses,
    /// One of its routes leads there.
    RoutesTo,
}

/// What depends on what.
pub struct DesignGraph {
    graph: DiGraph<AnyId, Relation>,
    nodes: FxHashMap<AnyId, NodeIndex>,
}

impl DesignGraph {
    /// The graph of a design.
    pub fn new(topology: &Topology) -> Self {
        let mut graph = DiGraph::new();
        let nodes = topology
            .resources()
            .map(|any| (any, graph.add_node(any)))
            .collect();
        let mut design = Self { graph, nodes };
        design.add_subnets(topology);
        design.add_interfaces(topology);
        design.add_gateways(topology);
        design.add_rules(topology);
        design
    }

    fn relate(&mut self, from: impl Into<AnyId>, relation: Relation, to: impl Into<AnyId>) {
        let ends = (self.nodes.get(&from.into()), self.nodes.get(&to.into()));
        if let (Some(&from), Some(&to)) = ends {
            self.graph.add_edge(from, to, relation);
        }
    }

    fn add_subnets(&mut self, topology: &Topology) {
        for (id, subnet) in topology.subnets.iter() {
            self.relate(id, Relation::PartOf, subnet.vpc);
            if let Some(table) = topology.route_table_of(id) {
                self.relate(id, Relation::Uses, table);
            }
            if let Some(acl) = topology.network_acl_of(id) {
                self.relate(id, Relation::Uses, acl);
            }
        }
    }

    fn add_interfaces(&mut self, topology: &Topology) {
        for (id, interface) in topology.network_interfaces.iter() {
            self.relate(id, Relation::PartOf, interface.subnet);
            for &group in &interface.security_groups {
                self.relate(id, Relation::Uses, group);
            }
            if let Attachment::Instance { instance, .. } = interface.attachment {
                self.relate(id, Relation::AttachedTo, instance);
            }
        }
    }

    fn add_gateways(&mut self, topology: &Topology) {
        for (id, gateway) in topology.internet_gateways.iter() {
            if let Some(vpc) = gateway.vpc {
                self.relate(id, Relation::AttachedTo, vpc);
            }
            if let Some(table) = gateway.route_table {
                self.relate(id, Relation::Uses, table);
            }
        }
        for (id, gateway) in topology.nat_gateways.iter() {
            self.relate(id, Relation::PartOf, gateway.subnet);
        }
        for (id, peering) in topology.peering_connections.iter() {
            for vpc in [peering.requester, peering.accepter].into_iter().flatten() {
                self.relate(id, Relation::AttachedTo, vpc);
            }
        }
    }

    fn add_rules(&mut self, topology: &Topology) {
        for (id, table) in topology.route_tables.iter() {
            self.relate(id, Relation::PartOf, table.vpc);
            for route in &table.routes {
                if let RouteTarget::Resource(target) = route.target {
                    self.relate(id, Relation::RoutesTo, target);
                }
            }
        }
        for (id, group) in topology.security_groups.iter() {
            self.relate(id, Relation::PartOf, group.vpc);
            for rule in group.ingress.iter().chain(&group.egress) {
                match rule.peer {
                    Peer::SecurityGroup(other) if other != id => self.relate(id, Relation::Uses, other),
                    Peer::PrefixList(list) => self.relate(id, Relation::Uses, list),
                    _ => {}
                }
            }
        }
    }

    /// Who depends on the resource in this way.
    pub fn dependents(&self, any: impl Into<AnyId>, relation: Relation) -> Vec<AnyId> {
        let Some(&node) = self.nodes.get(&any.into()) else {
            return Vec::new();
        };
        let edges = self.graph.edges_directed(node, petgraph::Direction::Incoming);
        let mut found: Vec<AnyId> = edges
            .filter(|edge| *edge.weight() == relation)
            .map(|edge| self.graph[edge.source()])
            .collect();
        found.sort_unstable();
        found.dedup();
        found
    }
}

/// Reports what only the whole design shows: circles of routes, and groups that nobody uses.
pub(crate) fn check(topology: &Topology, findings: &mut Findings) {
    check_circles(topology, findings);
    crate::transit_circles::check(topology, findings);
    crate::validation::unused::check(&DesignGraph::new(topology), topology, findings);
}

/// The destinations that some route sends to something that sends on by the table of its own subnet.
fn sent_on(topology: &Topology) -> BTreeSet<Ipv4Net> {
    let routes = topology.route_tables.iter().flat_map(|(_, table)| &table.routes);
    let sent_on = routes.filter(|route| next_sender(topology, route).is_some());
    sent_on
        .filter_map(|route| match route.destination {
            RouteDestination::Cidr(net) => Some(net.trunc()),
            RouteDestination::PrefixList(_) => None,
        })
        .collect()
}

/// The NAT gateway or the forwarding instance's interface that a route leads to, and the subnet that it sends on from.
pub(crate) fn next_sender(topology: &Topology, route: &Route) -> Option<(AnyId, Id<Subnet>)> {
    let RouteTarget::Resource(target) = route.target else {
        return None;
    };
    if route.blackhole {
        return None;
    }
    if let Some(gateway) = target.downcast::<NatGateway>() {
        return Some((target, topology.nat_gateways.find(gateway)?.subnet));
    }
    let interface = topology.network_interfaces.find(target.downcast()?)?;
    let Attachment::Instance { instance, .. } = interface.attachment else {
        return None;
    };
    let instance = topology.instances.find(instance)?;
    (instance.running && instance.appliance.is_some()).then_some((target, interface.subnet))
}

fn check_circles(topology: &Topology, findings: &mut Findings) {
    for net in sent_on(topology) {
        let step = |subnet: Id<Subnet>| {
            let table = topology.route_table_of(subnet)?;
            let route = best_route(topology, table, net.network())?;
            let (sender, next) = next_sender(topology, route)?;
            // An instance reaches what lies in its own subnet without a route.
            let is_there =
                sender.kind == Kind::NetworkInterface && topology.subnets[next].cidr.contains(&net);
            (!is_there).then_some((route, sender, next))
        };
        let mut graph: DiGraph<Id<Subnet>, ()> = DiGraph::new();
        let nodes: Vec<NodeIndex> = topology
            .subnets
            .ids()
            .map(|subnet| graph.add_node(subnet))
            .collect();
        for subnet in topology.subnets.ids() {
            if let Some((_, _, next)) = step(subnet) {
                graph.add_edge(nodes[subnet.index()], nodes[next.index()], ());
            }
        }
        for circle in tarjan_scc(&graph) {
            let mut subnets: Vec<Id<Subnet>> = circle.iter().map(|&node| graph[node]).collect();
            let closes = circle.len() > 1 || graph.contains_edge(circle[0], circle[0]);
            subnets.sort_unstable();
            let mut members = subnets
                .into_iter()
                .filter_map(step)
                .map(|(route, sender, _)| (route, sender));
            if let Some((route, first)) = members.next().filter(|_| closes) {
                let others: Vec<AnyId> = members.map(|(_, sender)| sender).collect();
                findings.push(circle_finding(topology, net, route, first, &others));
            }
        }
    }
}

/// The declared route that wins for an address; what is inside the VPC never leaves by one of these.
fn best_route(topology: &Topology, table: Id<RouteTable>, address: Ipv4Addr) -> Option<&Route> {
    let covering = topology.route_tables[table]
        .routes
        .iter()
        .filter_map(|route| match route.destination {
            RouteDestination::Cidr(net) if net.contains(&address) => Some((net.prefix_len(), route)),
            _ => None,
        });
    covering.max_by_key(|(length, _)| *length).map(|(_, route)| route)
}

fn circle_finding(
    topology: &Topology,
    net: Ipv4Net,
    route: &Route,
    first: AnyId,
    others: &[AnyId],
) -> Finding {
    let words = |member: &AnyId| format!("{} {}", member.kind.noun(), topology.name_of(*member));
    let path = std::iter::once(first)
        .chain(others.iter().copied())
        .chain([first]);
    let path: Vec<String> = path.map(|member| words(&member)).collect();
    let rule = if first.kind == Kind::NatGateway {
        "NAT-26"
    } else {
        "RT-30"
    };
    let message = format!("packets for {net} go in a circle: {}", path.join(" -> "));
    Finding::warning("route-circle", route.origin, message)
        .rule(rule)
        .help("in the subnet that it stands in, route this destination to an internet gateway or on to another network")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::devices::nat_gateway::{Connectivity, NatGatewayAddress, NatGatewayState};
    use crate::devices::route_table::RouteSource;
    use crate::fixtures::{address, attach, group, interface, net, subnet, vpc};
    use crate::model::{Label, Origin};

    /// Two subnets, each with a NAT gateway; `targets` says which gateway each subnet's default route leads to.
    fn design(targets: [usize; 2]) -> Topology {
        let mut topology = Topology::named("t", "eu-west-1");
        let vpc = topology.vpcs.push(vpc("v", "10.0.0.0/16"));
        for (index, target) in targets.into_iter().enumerate() {
            let cidr = format!("10.0.{index}.0/24");
            let subnet = topology.subnets.push(subnet(vpc, &format!("s{index}"), &cidr));
            let private = address(&format!("10.0.{index}.9"));
            topology.nat_gateways.push(NatGateway {
                label: Label::named(format!("nat-{index}")),
                subnet,
                connectivity: Connectivity::Private,
                state: NatGatewayState::Available,
                addresses: vec![NatGatewayAddress {
                    private,
                    public: None,
                }],
                network_interface: None,
            });
            let target = RouteTarget::Resource(Id::<NatGateway>::from_index(target).into());
            let destination = RouteDestination::Cidr(net("0.0.0.0/0"));
            let (source, origin) = (RouteSource::Static, Origin::NOWHERE);
            let routes = vec![Route {
                destination,
                target,
                source,
                blackhole: false,
                origin,
            }];
            let table = RouteTable {
                label: Label::named(format!("t{index}")),
                vpc,
                main: false,
                routes,
            };
            topology.subnets[subnet].route_table = Some(topology.route_tables.push(table));
        }
        topology
    }

    fn codes(topology: &Topology) -> Vec<&'static str> {
        let mut findings = Findings::default();
        check(topology, &mut findings);
        findings.iter().map(|finding| finding.code).collect()
    }

    #[test]
    fn a_nat_gateway_whose_own_subnet_leads_back_is_found() {
        assert_eq!(
            codes(&design([0, 0])),
            ["route-circle"],
            "the first subnet routes to its own gateway"
        );
        assert_eq!(
            codes(&design([1, 0])),
            ["route-circle"],
            "two gateways send to each other"
        );
        let mut straight = design([0, 0]);
        straight.route_tables[Id::from_index(0)].routes.clear();
        assert!(codes(&straight).is_empty());
    }

    /// One subnet, or two, each with a forwarding instance that its default route leads to.
    #[test]
    fn instances_that_forward_to_each_other_are_found_with_their_names() {
        use crate::appliance::Appliance;
        for (targets, expected) in [
            (
                [1, 0],
                "network interface fw-1 eni -> network interface fw-0 eni -> network interface fw-1 eni",
            ),
            ([0, 0], "network interface fw-0 eni -> network interface fw-0 eni"),
        ] {
            let mut topology = design(targets);
            topology.nat_gateways = crate::model::Table::default();
            for index in 0..2 {
                let subnet = Id::from_index(index);
                let eni = interface(subnet, &format!("10.0.{index}.10"), &[]);
                attach(&mut topology, &format!("fw-{index}"), eni);
                topology.instances[Id::from_index(index)].appliance = Some(Appliance::router());
            }
            for (index, target) in targets.into_iter().enumerate() {
                let target = Id::<crate::devices::NetworkInterface>::from_index(target);
                topology.route_tables[Id::from_index(index)].routes[0].target =
                    RouteTarget::Resource(target.into());
            }
            let mut findings = Findings::default();
            check_circles(&topology, &mut findings);
            let found: Vec<_> = findings
                .iter()
                .map(|finding| (finding.rule, finding.message.clone()))
                .collect();
            let message = format!("packets for 0.0.0.0/0 go in a circle: {expected}");
            assert_eq!(found, [(Some("RT-30"), message)]);
        }
    }

    #[test]
    fn a_group_that_nothing_uses_is_noted() {
        let mut topology = Topology::named("t", "eu-west-1");
        let vpc = topology.vpcs.push(vpc("v", "10.0.0.0/16"));
        let subnet = topology.subnets.push(subnet(vpc, "s", "10.0.1.0/24"));
        let used = topology.security_groups.push(group(vpc, "used", vec![], vec![]));
        topology.security_groups.push(group(vpc, "spare", vec![], vec![]));
        let eni = attach(&mut topology, "a", interface(subnet, "10.0.1.10", &[used]));
        assert_eq!(codes(&topology), ["security-group-unused"]);
        let graph = DesignGraph::new(&topology);
        assert_eq!(graph.dependents(used, Relation::Uses), [eni.into()]);
        assert_eq!(graph.dependents(subnet, Relation::PartOf), [eni.into()]);
        assert_eq!(graph.dependents(vpc, Relation::PartOf).len(), 3);
    }
}
