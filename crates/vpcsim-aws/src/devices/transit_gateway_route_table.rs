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
use crate::devices::{Kind, Resource, TransitGateway, TransitGatewayAttachment};
use crate::model::{Id, Label, Origin};
use crate::topology::Topology;

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

    fn label(&self) -> &Label {
        &self.label
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

/// Compiles a table.
pub fn compile(id: Id<TransitGatewayRouteTable>, topology: &Topology) -> TransitLookup {
    let table = &topology.transit_gateway_route_tables[id];
    let component = topology.component(id);
    let mut candidates: Vec<(u8, TransitMatch)> = Vec::new();
    for (index, route) in table.routes.iter().enumerate() {
        let decision = Decision::rule(component, index as u32);
        let attachment = match route.target {
            TransitTarget::Attachment(attachment) => Some(attachment),
            TransitTarget::Blackhole | TransitTarget::Missing(_) => None,
        };
        let (nets, priority) = match route.destination {
            RouteDestination::Cidr(net) => (vec![net], 0),
            RouteDestination::PrefixList(list) => (topology.prefix_lists[list].entries.clone(), 1),
        };
        let matches = nets.into_iter().map(|net| TransitMatch { net: net.trunc(), attachment, decision });
        candidates.extend(matches.map(|found| (priority, found)));
    }
    for (index, (attachment, net)) in propagated(id, topology).into_iter().enumerate() {
        let decision = Decision::rule(component, (table.routes.len() + index) as u32);
        candidates.push((2, TransitMatch { net, attachment: Some(attachment), decision }));
    }
    candidates.sort_by_key(|(priority, route)| {
        (u8::MAX - route.net.prefix_len(), u32::from(route.net.network()), *priority, route.decision.rule)
    });
    candidates.dedup_by_key(|(_, route)| route.net);
    let routes = candidates.into_iter().map(|(_, route)| route).collect();
    TransitLookup { component, routes }
}
