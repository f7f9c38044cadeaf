//! Transit gateway route table: where a transit gateway sends what comes by the attachments that are associated with it.
//!
//! # AWS semantics
//!
//! - An attachment is associated with one table, in which the destinations of what it sends are looked up, and propagates to any
//!   number of tables, in which others find it (TGW-18, TGW-54).
//! - The longest prefix wins; of equal ones a static route beats one of a prefix list, and that a propagated one (TGW-20, TGW-21,
//!   TGW-22, TGW-28, X-08).
//! - A VPC propagates each of its ranges, not its subnets (TGW-24); ranges that overlap those of a VPC that was attached before
//!   are not propagated (TGW-23).
//! - A prefix has one static target (TGW-25, TGW-57).
//! - A black hole wins by its prefix like any route (TGW-26).

use std::net::Ipv4Addr;

use ipnet::Ipv4Net;
use vpcsim_engine::{ComponentId, Decision};

use crate::arrangement::{Arrangement, Rank, Renumbering};
use crate::devices::route_table::RouteDestination;
use crate::devices::transit_gateway_attachment::AttachmentState;
use crate::devices::{Coverage, Kind, Resource, TransitGateway, TransitGatewayAttachment};
use crate::model::{Finding, Findings, Id, Label, Origin};
use crate::topology::Topology;
use crate::validation::hidden_routes::{self, RankedRange};

/// A route table of a transit gateway.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TransitGatewayRouteTable {
    /// How it is called.
    pub label: Label,
    /// The gateway it is part of.
    pub gateway: Id<TransitGateway>,
    /// The attachments whose packets it routes.
    pub associations: Vec<Id<TransitGatewayAttachment>>,
    /// The attachments whose ranges it knows by themselves.
    pub propagations: Vec<Id<TransitGatewayAttachment>>,
    /// Its static routes.
    pub routes: Vec<TransitRoute>,
}

/// A static route of a transit gateway.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TransitRoute {
    /// Which destinations it is for.
    pub destination: RouteDestination,
    /// Where it leads.
    pub target: TransitTarget,
    /// Where it is declared.
    pub origin: Origin,
}

/// Where a transit gateway's route leads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TransitTarget {
    /// To an attachment.
    Attachment(Id<TransitGatewayAttachment>),
    /// Nowhere.
    Blackhole,
    /// To an attachment that the design does not have; its id.
    Missing(String),
}

impl Resource for TransitGatewayRouteTable {
    const KIND: Kind = Kind::TransitGatewayRouteTable;
    const NOUN: &'static str = "transit gateway route table";
    const COVERAGE: Coverage = Coverage::of(
        "associations, propagations, static routes, black holes, prefix lists",
        "ECMP over VPN",
    );

    fn label(&self) -> &Label {
        &self.label
    }

    fn validate(id: Id<Self>, topology: &Topology, findings: &mut Findings) {
        let table = &topology.transit_gateway_route_tables[id];
        table.check_attachments(topology, findings);
        table.check_associations(id, topology, findings);
        hidden_routes::check_transit(id, topology, findings);
        for (index, route) in table.routes.iter().enumerate() {
            if table.routes[..index].iter().any(|first| first.destination == route.destination) {
                let name = table.label.display();
                let words = Self::rule_text(id, index, topology).unwrap_or_default();
                let message = format!("route {words} of transit gateway route table {name} is for a destination that has a route");
                let finding = Finding::error("transit-gateway-route-twice", route.origin, message).rule("TGW-25");
                findings.push(finding.help("a destination has one static route in a table"));
            }
        }
    }

    fn rank(&self, _: Id<Self>, _: &Arrangement<'_>) -> Rank {
        Rank::at(self.gateway.index())
    }

    fn renumber(&mut self, order: &Renumbering) {
        order.id(&mut self.gateway);
        order.ids(&mut self.associations);
        order.ids(&mut self.propagations);
        for route in &mut self.routes {
            if let RouteDestination::PrefixList(list) = &mut route.destination {
                order.id(list);
            }
            if let TransitTarget::Attachment(attachment) = &mut route.target {
                order.id(attachment);
            }
        }
    }

    fn rule_text(id: Id<Self>, rule: usize, topology: &Topology) -> Option<String> {
        let table = topology.transit_gateway_route_tables.find(id)?;
        let Some(route) = table.routes.get(rule) else {
            let (attachment, net) = *propagated(id, topology).get(rule - table.routes.len())?;
            return Some(format!("{net} -> {} (propagated)", topology.name_of(attachment)));
        };
        let destination = match route.destination {
            RouteDestination::Cidr(net) => net.to_string(),
            RouteDestination::PrefixList(list) => topology.name_of(list).to_owned(),
        };
        Some(match &route.target {
            TransitTarget::Attachment(attachment) => format!("{destination} -> {}", topology.name_of(*attachment)),
            TransitTarget::Blackhole => format!("{destination} -> blackhole"),
            TransitTarget::Missing(attachment) => format!("{destination} -> {attachment} (does not exist)"),
        })
    }
}

impl TransitGatewayRouteTable {
    /// Whatever it names has to be attached to its own gateway.
    fn check_attachments(&self, topology: &Topology, findings: &mut Findings) {
        let routed = self.routes.iter().filter_map(|route| match route.target {
            TransitTarget::Attachment(attachment) => Some(attachment),
            _ => None,
        });
        let named = self.associations.iter().chain(&self.propagations).copied().chain(routed);
        for attachment in named {
            if !topology.transit_gateway_attachments[attachment].is_of(self.gateway) {
                let (name, attachment) = (self.label.display(), topology.name_of(attachment));
                let gateway = topology.name_of(self.gateway);
                let message = format!(
                    "transit gateway route table {name} names attachment {attachment}, which is none of transit gateway {gateway}"
                );
                let finding = Finding::error("transit-gateway-table-of-another", self.label.origin, message);
                findings.push(finding.rule("TGW-18").help("name attachments of the table's own gateway"));
            }
        }
    }

    /// An attachment is associated with one table of a gateway.
    fn check_associations(&self, id: Id<Self>, topology: &Topology, findings: &mut Findings) {
        let earlier = topology.transit_gateway_route_tables.iter().take(id.index());
        for (_, other) in earlier.filter(|(_, other)| other.gateway == self.gateway) {
            for attachment in self.associations.iter().filter(|own| other.associations.contains(own)) {
                let (name, other) = (self.label.display(), other.label.display());
                let attachment = topology.name_of(*attachment);
                let message = format!(
                    "attachment {attachment} is associated with transit gateway route table {name}, and with {other} already"
                );
                let finding = Finding::error("transit-gateway-association-twice", self.label.origin, message);
                findings.push(finding.rule("TGW-18").help("an attachment is associated with one table"));
            }
        }
    }
}

/// What the table knows by propagation, in the order of the attachments.
pub fn propagated(
    id: Id<TransitGatewayRouteTable>,
    topology: &Topology,
) -> Vec<(Id<TransitGatewayAttachment>, Ipv4Net)> {
    let table = &topology.transit_gateway_route_tables[id];
    let mut known = Vec::new();
    for attachment in topology.transit_gateway_attachments.ids() {
        if !table.propagations.contains(&attachment) {
            continue;
        }
        let nets = ranges(attachment, topology);
        let fresh = nets.into_iter().filter(|net| !is_taken(*net, attachment, topology));
        known.extend(fresh.map(|net| (attachment, net)));
    }
    known
}

fn ranges(attachment: Id<TransitGatewayAttachment>, topology: &Topology) -> Vec<Ipv4Net> {
    let row = &topology.transit_gateway_attachments[attachment];
    let vpc = row.vpc().filter(|_| row.state == AttachmentState::Available);
    let cidrs = vpc.into_iter().flat_map(|vpc| &topology.vpcs[vpc].cidrs);
    cidrs.filter(|cidr| cidr.associated).map(|cidr| cidr.net.trunc()).collect()
}

/// Whether a VPC that was attached to the same gateway before has some of these addresses (TGW-23).
pub fn is_taken(net: Ipv4Net, by: Id<TransitGatewayAttachment>, topology: &Topology) -> bool {
    let gateway = topology.transit_gateway_attachments[by].gateway;
    let earlier = topology.transit_gateway_attachments.iter().take(by.index());
    let mut ranges = earlier
        .filter(|(_, other)| other.gateway == gateway)
        .flat_map(|(other, _)| ranges(other, topology));
    ranges.any(|range| range.contains(&net) || net.contains(&range))
}

/// The route that a destination takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TransitMatch {
    /// The route's range.
    pub net: Ipv4Net,
    /// The attachment that it leads to; `None` is a black hole.
    pub attachment: Option<Id<TransitGatewayAttachment>>,
    /// The table and the number of the route in it; propagated routes follow the declared ones.
    pub decision: Decision,
}

/// The compiled routes of a table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TransitLookup {
    component: ComponentId,
    /// The longest prefix first; of each prefix only the winner.
    routes: Vec<TransitMatch>,
}

impl TransitLookup {
    /// The table.
    pub fn component(&self) -> ComponentId {
        self.component
    }

    /// The route for a destination.
    pub fn lookup(&self, destination: Ipv4Addr) -> Option<&TransitMatch> {
        self.routes.iter().find(|route| route.net.contains(&destination))
    }

    /// All routes that can win, the longest prefix first.
    pub fn routes(&self) -> &[TransitMatch] {
        &self.routes
    }
}

/// The ranges of all routes with their ranks; propagated routes follow the declared ones.
pub(crate) fn ranked(id: Id<TransitGatewayRouteTable>, topology: &Topology) -> Vec<RankedRange> {
    let table = &topology.transit_gateway_route_tables[id];
    let mut ranked = Vec::new();
    for (rule, route) in table.routes.iter().enumerate() {
        let (nets, rank) = match route.destination {
            RouteDestination::Cidr(net) => (vec![net], 0),
            RouteDestination::PrefixList(list) => (topology.prefix_lists[list].entries.clone(), 1),
        };
        ranked.extend(nets.into_iter().map(|net| RankedRange { rank, net: net.trunc(), rule }));
    }
    let first = table.routes.len();
    let known = propagated(id, topology).into_iter().enumerate();
    ranked.extend(known.map(|(index, (_, net))| RankedRange { rank: 2, net, rule: first + index }));
    ranked
}

/// Compiles a table.
pub fn compile(id: Id<TransitGatewayRouteTable>, topology: &Topology) -> TransitLookup {
    let table = &topology.transit_gateway_route_tables[id];
    let component = topology.component(id);
    let known = propagated(id, topology);
    let candidate = |range: RankedRange| {
        let attachment = match table.routes.get(range.rule).map(|route| &route.target) {
            Some(TransitTarget::Attachment(attachment)) => Some(*attachment),
            Some(TransitTarget::Blackhole | TransitTarget::Missing(_)) => None,
            None => Some(known[range.rule - table.routes.len()].0),
        };
        let decision = Decision::rule(component, range.rule as u32);
        (range.rank, TransitMatch { net: range.net, attachment, decision })
    };
    let mut candidates: Vec<(u8, TransitMatch)> = ranked(id, topology).into_iter().map(candidate).collect();
    candidates.sort_by_key(|(priority, route)| {
        (u8::MAX - route.net.prefix_len(), u32::from(route.net.network()), *priority, route.decision.rule)
    });
    candidates.dedup_by_key(|(_, route)| route.net);
    let routes = candidates.into_iter().map(|(_, route)| route).collect();
    TransitLookup { component, routes }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::devices::PrefixList;
    use crate::devices::transit_gateway_attachment::AttachmentEnd;
    use crate::devices::vpc::VpcCidr;
    use crate::fixtures::{address, net, vpc};

    /// A gateway with three attached VPCs 10.1, 10.2 and 10.3, and a table that all propagate to.
    fn design() -> Topology {
        let mut topology = Topology::named("transit", "eu-west-1");
        let gateway = topology.transit_gateways.push(TransitGateway::new(Label::named("tgw"), "eu-west-1"));
        for number in 1..=3 {
            let id = topology.vpcs.push(vpc(&format!("vpc-{number}"), &format!("10.{number}.0.0/16")));
            topology.transit_gateway_attachments.push(TransitGatewayAttachment {
                label: Label::named(format!("to-{number}")),
                gateway,
                end: AttachmentEnd::Vpc {
                    vpc: id,
                    interfaces: Vec::new(),
                    appliance_mode: false,
                    security_group_referencing: true,
                    dns_support: true,
                },
                state: AttachmentState::Available,
            });
        }
        let all: Vec<_> = topology.transit_gateway_attachments.ids().collect();
        topology.transit_gateway_route_tables.push(TransitGatewayRouteTable {
            label: Label::named("table"),
            gateway,
            associations: all.clone(),
            propagations: all,
            routes: Vec::new(),
        });
        topology
    }

    const TABLE: Id<TransitGatewayRouteTable> = Id::from_index(0);

    fn add(topology: &mut Topology, destination: RouteDestination, to: Option<usize>) {
        let target = to.map_or(TransitTarget::Blackhole, |to| TransitTarget::Attachment(Id::from_index(to)));
        topology.transit_gateway_route_tables[TABLE].routes.push(TransitRoute {
            destination,
            target,
            origin: Origin::NOWHERE,
        });
    }

    fn way(topology: &Topology, destination: &str) -> String {
        let found = compile(TABLE, topology).lookup(address(destination)).copied();
        let rule = found.and_then(|found| found.decision.rule_index());
        rule.and_then(|rule| TransitGatewayRouteTable::rule_text(TABLE, rule, topology)).unwrap_or_default()
    }

    #[test]
    fn the_longest_prefix_wins_and_of_equal_ones_static_then_list_then_propagated() {
        let mut topology = design();
        assert_eq!(way(&topology, "10.2.0.1"), "10.2.0.0/16 -> to-2 (propagated)");
        let list = topology.prefix_lists.push(PrefixList {
            label: Label::named("list"),
            entries: vec![net("10.2.0.0/16")],
            entries_max: 1,
            version: None,
        });
        add(&mut topology, RouteDestination::PrefixList(list), Some(2));
        assert_eq!(way(&topology, "10.2.0.1"), "list -> to-3");
        add(&mut topology, RouteDestination::Cidr(net("10.2.0.0/16")), Some(0));
        assert_eq!(way(&topology, "10.2.0.1"), "10.2.0.0/16 -> to-1");
        add(&mut topology, RouteDestination::Cidr(net("10.2.3.0/24")), Some(1));
        assert_eq!((way(&topology, "10.2.3.4").as_str(), way(&topology, "10.9.0.1").as_str()), ("10.2.3.0/24 -> to-2", ""));
    }

    #[test]
    fn every_range_of_a_vpc_is_propagated() {
        let mut topology = design();
        let second = VpcCidr { net: net("100.64.0.0/16"), associated: true, origin: Origin::NOWHERE };
        topology.vpcs[Id::from_index(0)].cidrs.push(second);
        assert_eq!(way(&topology, "100.64.1.1"), "100.64.0.0/16 -> to-1 (propagated)");
    }

    #[test]
    fn ranges_of_a_vpc_that_was_attached_before_are_not_propagated_again() {
        let mut topology = design();
        topology.vpcs[Id::from_index(2)].cidrs[0].net = net("10.1.128.0/17");
        assert_eq!(way(&topology, "10.1.200.1"), "10.1.0.0/16 -> to-1 (propagated)");
        assert_eq!(propagated(TABLE, &topology).len(), 2);
    }

    #[test]
    fn a_black_hole_wins_by_its_prefix() {
        let mut topology = design();
        add(&mut topology, RouteDestination::Cidr(net("10.2.4.0/24")), None);
        assert_eq!(way(&topology, "10.2.4.1"), "10.2.4.0/24 -> blackhole");
        assert_eq!(way(&topology, "10.2.5.1"), "10.2.0.0/16 -> to-2 (propagated)");
    }

    fn codes(topology: &Topology) -> Vec<&'static str> {
        let mut findings = Findings::default();
        for id in topology.transit_gateway_route_tables.ids() {
            TransitGatewayRouteTable::validate(id, topology, &mut findings);
        }
        findings.iter().map(|finding| finding.code).collect()
    }

    #[test]
    fn a_destination_has_one_static_route() {
        let mut topology = design();
        add(&mut topology, RouteDestination::Cidr(net("0.0.0.0/0")), Some(0));
        assert!(codes(&topology).is_empty());
        add(&mut topology, RouteDestination::Cidr(net("0.0.0.0/0")), Some(1));
        assert_eq!(codes(&topology), ["transit-gateway-route-twice"]);
    }

    #[test]
    fn an_attachment_is_associated_once_and_with_a_table_of_its_gateway() {
        let mut topology = design();
        let mut second = topology.transit_gateway_route_tables[TABLE].clone();
        second.propagations.clear();
        second.associations.truncate(1);
        topology.transit_gateway_route_tables.push(second);
        assert_eq!(codes(&topology), ["transit-gateway-association-twice"]);
        let far = topology.transit_gateways.push(TransitGateway::new(Label::named("far"), "us-east-1"));
        topology.transit_gateway_route_tables[Id::from_index(1)].gateway = far;
        assert_eq!(codes(&topology), ["transit-gateway-table-of-another"]);
    }
}
