//! Routes that never win: whatever they are for takes another route of their table.
//!
//! # AWS semantics
//!
//! - The longest prefix wins (RT-04, TGW-20): a route whose range longer ones fill altogether gets nothing.
//! - Of equal prefixes a static route beats one of a prefix list, and that a propagated one (RT-05, RT-13, RT-14, TGW-20); `local`
//!   beats whatever is propagated inside the VPC (RT-06).
//! - A transit gateway does not even show routes that lose (TGW-22).

use std::collections::BTreeSet;

use ipnet::Ipv4Net;

use crate::address_set::{AddressRange, AddressSet};
use crate::devices::route_table::{self, RouteDestination, RouteSource};
use crate::devices::transit_gateway_route_table::{self, TransitRoute, TransitTarget, propagated};
use crate::devices::{Resource as _, RouteTable, TransitGatewayRouteTable};
use crate::model::{Finding, Findings, Id, Origin};
use crate::topology::Topology;

/// A route's range, and its place among those for the same range.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct RankedRange {
    /// The lowest wins.
    pub(crate) rank: u8,
    /// The range.
    pub(crate) net: Ipv4Net,
    /// The number of the route in its table.
    pub(crate) rule: usize,
}

impl RankedRange {
    /// Whether packets that the other range is for go by this one.
    fn takes_from(&self, other: &Self) -> bool {
        self.rule != other.rule
            && other.net.contains(&self.net)
            && (self.net != other.net || self.rank < other.rank)
    }
}

/// The routes that take everything from the route of these ranges; `None` if it gets something.
fn hidden_by(own: &[RankedRange], all: &[RankedRange]) -> Option<BTreeSet<usize>> {
    let mut by = BTreeSet::new();
    for range in own {
        let mut takers: Vec<&RankedRange> = all.iter().filter(|other| other.takes_from(range)).collect();
        // The widest are enough to say what takes it.
        let is_inside =
            |one: &RankedRange, other: &RankedRange| one.net != other.net && other.net.contains(&one.net);
        let widest = takers.clone();
        takers.retain(|taker| !widest.iter().any(|other| is_inside(taker, other)));
        let taken: AddressSet = takers.iter().map(|taker| AddressRange::from(taker.net)).collect();
        let (first, last) = (range.net.network(), range.net.broadcast());
        let is_filled = |part: &AddressRange| part.contains(first) && part.contains(last);
        if !taken.ranges().iter().any(is_filled) {
            return None;
        }
        by.extend(takers.iter().map(|taker| taker.rule));
    }
    (!own.is_empty()).then_some(by)
}

/// Reports the routes of a VPC's route table that never win.
pub(crate) fn check(id: Id<RouteTable>, topology: &Topology, findings: &mut Findings) {
    let table = &topology.route_tables[id];
    let ranked = route_table::ranked(id, topology);
    let local: Vec<Ipv4Net> = topology.vpcs[table.vpc]
        .cidrs
        .iter()
        .map(|cidr| cidr.net.trunc())
        .collect();
    for (rule, route) in table.routes.iter().enumerate() {
        let own: Vec<RankedRange> = ranked
            .iter()
            .filter(|range| range.rule == rule)
            .copied()
            .collect();
        let words = route.words(topology);
        let by = match (route.destination, hidden_by(&own, &ranked)) {
            // What is propagated for a part of the VPC does not count at all.
            (RouteDestination::Cidr(net), _) if own.is_empty() && route.source == RouteSource::Propagated => {
                let local = local.iter().find(|local| local.contains(&net.trunc()));
                local.map(|local| format!("{local} -> local"))
            }
            (_, Some(by)) if !is_told_or_harmless(rule, &by, id, topology) => {
                Some(listed(&by, |rule| RouteTable::rule_text(id, rule, topology)))
            }
            _ => None,
        };
        let Some(by) = by else { continue };
        let message = format!(
            "route {words} of route table {} never wins: {by} takes all that it is for",
            table.label.display()
        );
        let finding = if route.source == RouteSource::Propagated {
            Finding::note
        } else {
            Finding::warning
        };
        let finding = finding("route-hidden", route.origin, message).rule("RT-04");
        findings.push(finding.help("remove it, or make those that hide it narrower"));
    }
}

/// Whether the route loses to one that leads to the same, or is a prefix list of which each entry has a finding of its own.
fn is_told_or_harmless(rule: usize, by: &BTreeSet<usize>, id: Id<RouteTable>, topology: &Topology) -> bool {
    let routes = &topology.route_tables[id].routes;
    let route = &routes[rule];
    let winners = || by.iter().map(|rule| routes.get(*rule));
    let leads_there_too = winners().all(|winner| winner.is_some_and(|winner| winner.target == route.target));
    let is_list = matches!(route.destination, RouteDestination::PrefixList(_));
    let is_plain = |destination| matches!(destination, RouteDestination::Cidr(_));
    leads_there_too && route.source == RouteSource::Propagated
        || is_list && winners().all(|winner| winner.is_some_and(|winner| is_plain(winner.destination)))
}

/// Reports the routes of a transit gateway's route table that never win.
pub(crate) fn check_transit(id: Id<TransitGatewayRouteTable>, topology: &Topology, findings: &mut Findings) {
    let table = &topology.transit_gateway_route_tables[id];
    let ranked = transit_gateway_route_table::ranked(id, topology);
    let known = propagated(id, topology);
    for rule in 0..table.routes.len() + known.len() {
        let own: Vec<RankedRange> = ranked
            .iter()
            .filter(|range| range.rule == rule)
            .copied()
            .collect();
        let Some(by) = hidden_by(&own, &ranked) else {
            continue;
        };
        let declared = table.routes.get(rule);
        let winners = by.iter().filter_map(|rule| table.routes.get(*rule));
        let leads_there_too = |winner: &TransitRoute| {
            winner.target == TransitTarget::Attachment(known[rule - table.routes.len()].0)
        };
        if declared.is_none() && winners.clone().all(leads_there_too) {
            continue;
        }
        let origin = declared
            .map(|route| route.origin)
            .or(winners.map(|winner| winner.origin).next());
        let words = TransitGatewayRouteTable::rule_text(id, rule, topology).unwrap_or_default();
        let by = listed(&by, |rule| {
            TransitGatewayRouteTable::rule_text(id, rule, topology)
        });
        let name = table.label.display();
        let message = format!(
            "route {words} of transit gateway route table {name} never wins: {by} takes all that it is for"
        );
        let finding = if declared.is_some() {
            Finding::warning
        } else {
            Finding::note
        };
        let finding = finding(
            "transit-gateway-route-hidden",
            origin.unwrap_or(Origin::NOWHERE),
            message,
        );
        findings.push(
            finding
                .rule("TGW-22")
                .help("remove it, or make those that hide it narrower"),
        );
    }
}

/// The routes in words, no more than three of them.
fn listed(rules: &BTreeSet<usize>, words: impl Fn(usize) -> Option<String>) -> String {
    const SHOWN: usize = 3;
    let mut shown: Vec<String> = rules.iter().take(SHOWN).filter_map(|rule| words(*rule)).collect();
    if rules.len() > SHOWN {
        shown.push(format!("{} more", rules.len() - SHOWN));
    }
    let last = shown.pop().unwrap_or_default();
    if shown.is_empty() {
        last
    } else {
        format!("{} and {last}", shown.join(", "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::devices::route_table::{Route, RouteTarget};
    use crate::devices::{AnyId, PrefixList};
    use crate::model::Label;
    use crate::stand;

    /// A VPC of 10.0.0.0/16 with a table of these routes: destination, whether it is propagated, and the number of its gateway.
    fn messages(routes: &[(&str, bool, usize)]) -> Vec<String> {
        let mut topology = Topology::named("test", "eu-west-1");
        let vpc = stand::vpc(&mut topology, "net", &["10.0.0.0/16"]);
        let gateways: Vec<AnyId> = ["one", "two"]
            .map(|name| stand::internet_gateway(&mut topology, name, Some(vpc)).into())
            .to_vec();
        let list = topology.prefix_lists.push(PrefixList {
            label: Label::named("list"),
            entries: vec![
                "192.168.0.0/24".parse().unwrap(),
                "192.168.1.0/24".parse().unwrap(),
            ],
            entries_max: 2,
            version: None,
        });
        let route = |(destination, propagated, gateway): &(&str, bool, usize)| Route {
            destination: match *destination {
                "list" => RouteDestination::PrefixList(list),
                net => RouteDestination::Cidr(net.parse().unwrap()),
            },
            target: RouteTarget::Resource(gateways[*gateway]),
            source: if *propagated {
                RouteSource::Propagated
            } else {
                RouteSource::Static
            },
            blackhole: false,
            origin: Origin::NOWHERE,
        };
        let table = topology.route_tables.push(RouteTable {
            label: Label::named("out"),
            vpc,
            main: true,
            routes: routes.iter().map(route).collect(),
        });
        let mut findings = Findings::default();
        check(table, &topology, &mut findings);
        findings.iter().map(|finding| finding.message.clone()).collect()
    }

    fn hidden(route: &str, by: &str) -> Vec<String> {
        vec![format!(
            "route {route} of route table out never wins: {by} takes all that it is for"
        )]
    }

    #[test]
    fn a_propagated_route_loses_to_a_static_one_that_leads_elsewhere() {
        let twins = [("192.168.0.0/16", false, 0), ("192.168.0.0/16", true, 1)];
        assert_eq!(
            messages(&twins),
            hidden("192.168.0.0/16 -> two", "192.168.0.0/16 -> one")
        );
        assert!(messages(&[("192.168.0.0/16", false, 0), ("192.168.0.0/16", true, 0)]).is_empty());
        assert!(messages(&[("192.168.0.0/16", false, 0), ("192.168.1.0/24", true, 1)]).is_empty());
    }

    #[test]
    fn a_route_whose_range_longer_ones_fill_gets_nothing() {
        let halves = [
            ("0.0.0.0/0", false, 0),
            ("0.0.0.0/1", false, 1),
            ("128.0.0.0/1", false, 1),
        ];
        assert_eq!(
            messages(&halves),
            hidden("0.0.0.0/0 -> one", "0.0.0.0/1 -> two and 128.0.0.0/1 -> two")
        );
        assert!(messages(&halves[..2]).is_empty());
        let by_list = [("192.168.0.0/23", false, 0), ("list", false, 1)];
        assert_eq!(messages(&by_list), hidden("192.168.0.0/23 -> one", "list -> two"));
    }

    #[test]
    fn what_is_propagated_inside_the_vpc_loses_to_local() {
        assert_eq!(
            messages(&[("10.0.3.0/24", true, 0)]),
            hidden("10.0.3.0/24 -> one", "10.0.0.0/16 -> local")
        );
        assert!(messages(&[("10.0.0.0/8", true, 0)]).is_empty());
    }

    #[test]
    fn a_list_whose_entries_all_have_static_routes_is_told_entry_by_entry() {
        let routes = [
            ("list", false, 0),
            ("192.168.0.0/24", false, 1),
            ("192.168.1.0/24", false, 1),
        ];
        assert!(messages(&routes).is_empty());
    }
}
