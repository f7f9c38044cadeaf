//! Route tables: what their routes are together. What a single route may be is in [`route`](super::route).
//!
//! # AWS semantics
//!
//! - A destination stands once in a table, static and propagated counted apart (RT-11).
//! - A static route beats the same range of a prefix list (RT-13).
//! - A table has 500 static routes, at the most 1,000 (RT-25); a prefix list counts with its maximum of entries (RT-27).
//! - Of propagated routes a table takes 100 (RT-26).
//!
//! # Not checked
//!
//! - Tables of gateways, which the main one cannot be (RT-03): they are not modelled.

use std::collections::{BTreeMap, BTreeSet};

use ipnet::Ipv4Net;

use super::{hidden_routes, route};
use crate::devices::RouteTable;
use crate::devices::route_table::{Route, RouteDestination, RouteSource};
use crate::model::{Finding, Findings, Id};
use crate::topology::Topology;

const STATIC_DEFAULT_QUOTA: usize = 500;
const STATIC_MAX: usize = 1_000;
const PROPAGATED_MAX: usize = 100;

/// Reports what is wrong with a route table.
pub(crate) fn check(id: Id<RouteTable>, topology: &Topology, findings: &mut Findings) {
    let table = &topology.route_tables[id];
    for route in &table.routes {
        route::check(table, route, topology, findings);
    }
    check_twice(table, topology, findings);
    check_shadowed(table, topology, findings);
    hidden_routes::check(id, topology, findings);
    check_count(table, topology, findings);
}

/// The destination as a key: equal ranges are equal, however their host bits are written.
fn key(route: &Route) -> (RouteSource, u8, u64) {
    match route.destination {
        RouteDestination::Cidr(net) => {
            let bits = u64::from(u32::from(net.network()));
            (route.source, net.prefix_len(), bits)
        }
        RouteDestination::PrefixList(list) => (route.source, u8::MAX, list.index() as u64),
    }
}

fn check_twice(table: &RouteTable, topology: &Topology, findings: &mut Findings) {
    let mut seen: BTreeMap<_, &Route> = BTreeMap::new();
    for route in &table.routes {
        if let Some(first) = seen.get(&key(route)) {
            let message = format!(
                "route {} of route table {} has the destination of route {}",
                route.words(topology),
                table.label.display(),
                first.words(topology)
            );
            let finding = Finding::error("route-twice", route.origin, message);
            findings.push(
                finding
                    .rule("RT-11")
                    .help("keep one of the two: a destination has one target"),
            );
        } else {
            seen.insert(key(route), route);
        }
    }
}

fn check_shadowed(table: &RouteTable, topology: &Topology, findings: &mut Findings) {
    let fixed = |route: &Route| match route.destination {
        RouteDestination::Cidr(net) if route.source == RouteSource::Static => Some(net.trunc()),
        _ => None,
    };
    let fixed: BTreeSet<Ipv4Net> = table.routes.iter().filter_map(fixed).collect();
    for route in &table.routes {
        let RouteDestination::PrefixList(id) = route.destination else {
            continue;
        };
        let Some(list) = topology.prefix_lists.find(id) else {
            continue;
        };
        for entry in list.entries.iter().filter(|entry| fixed.contains(&entry.trunc())) {
            let message = format!(
                "entry {entry} of prefix list {} does not count in route table {}, which has a static route for it",
                list.label.display(),
                table.label.display()
            );
            let finding = Finding::note("route-beats-prefix-list", route.origin, message);
            findings.push(
                finding
                    .rule("RT-13")
                    .help("remove the static route if the prefix list is meant"),
            );
        }
    }
}

fn check_count(table: &RouteTable, topology: &Topology, findings: &mut Findings) {
    let weight = |route: &Route| match route.destination {
        RouteDestination::Cidr(_) => 1,
        RouteDestination::PrefixList(list) => topology
            .prefix_lists
            .find(list)
            .map_or(1, |list| list.entries_max as usize),
    };
    let (fixed, propagated): (Vec<_>, Vec<_>) = table
        .routes
        .iter()
        .partition(|route| route.source == RouteSource::Static);
    let count: usize = fixed.into_iter().map(weight).sum();
    let (name, origin) = (table.label.display(), table.label.origin);
    if count > STATIC_DEFAULT_QUOTA {
        let message = format!(
            "route table {name} has {count} routes, prefix lists counted with their maximum of entries"
        );
        let make = if count > STATIC_MAX {
            Finding::error
        } else {
            Finding::warning
        };
        let finding = make("route-table-quota", origin, message).rule("RT-25");
        findings.push(finding.help(format!(
            "the quota is {STATIC_DEFAULT_QUOTA}; AWS raises it to {STATIC_MAX} on request"
        )));
    }
    if propagated.len() > PROPAGATED_MAX {
        let message = format!("route table {name} has {} propagated routes", propagated.len());
        let finding = Finding::error("route-table-propagated-quota", origin, message);
        findings.push(finding.rule("RT-26").help(format!(
            "a table takes {PROPAGATED_MAX}; advertise a summary instead"
        )));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::devices::network_interface::Attachment;
    use crate::devices::route_table::RouteTarget;
    use crate::devices::{AnyId, PrefixList};
    use crate::model::{Label, Origin, Severity};
    use crate::services::fixture::{add_vpc_with_instance, interface, shop};
    use crate::stand;

    fn route(destination: RouteDestination, target: RouteTarget) -> Route {
        Route {
            destination,
            target,
            source: RouteSource::Static,
            blackhole: false,
            origin: Origin::NOWHERE,
        }
    }

    fn cidr(text: &str) -> RouteDestination {
        RouteDestination::Cidr(text.parse().unwrap())
    }

    /// The first interface, internet gateway and instance of `shop`, and an interface of another VPC.
    struct Design {
        topology: Topology,
        interface: RouteTarget,
        gateway: RouteTarget,
        instance: RouteTarget,
    }

    fn design() -> Design {
        let mut topology = shop();
        let vpc = Id::from_index(0);
        let gateway = stand::internet_gateway(&mut topology, "igw", Some(vpc));
        topology.complete();
        let target = |any: AnyId| RouteTarget::Resource(any);
        Design {
            interface: target(topology.network_interfaces.ids().next().unwrap().into()),
            gateway: target(gateway.into()),
            instance: target(topology.instances.ids().next().unwrap().into()),
            topology,
        }
    }

    fn found(topology: &Topology) -> Vec<(&'static str, &'static str)> {
        let mut findings = Findings::default();
        check(Id::from_index(0), topology, &mut findings);
        findings
            .iter()
            .map(|finding| (finding.code, finding.rule.unwrap_or("")))
            .collect()
    }

    /// What is found with these routes in the main table.
    fn with(design: &Design, routes: Vec<Route>) -> Vec<(&'static str, &'static str)> {
        let mut topology = design.topology.clone();
        topology.route_tables[Id::from_index(0)].routes = routes;
        found(&topology)
    }

    fn one(design: &Design, destination: &str, target: &RouteTarget) -> Vec<(&'static str, &'static str)> {
        with(design, vec![route(cidr(destination), target.clone())])
    }

    #[test]
    fn destinations_of_the_services_are_refused_and_larger_ones_accepted() {
        let design = design();
        for refused in ["169.254.168.0/22", "169.254.169.254/32"] {
            assert_eq!(
                one(&design, refused, &design.gateway),
                [("route-link-local", "LL-02")]
            );
        }
        assert_eq!(one(&design, "169.254.0.0/16", &design.interface), []);
    }

    #[test]
    fn inside_the_vpc_a_route_is_for_a_whole_subnet_and_an_interface() {
        let design = design();
        assert_eq!(one(&design, "10.0.1.0/24", &design.interface), []);
        assert_eq!(
            one(&design, "10.0.1.0/25", &design.interface),
            [("route-inside-vpc", "RT-07")]
        );
        assert_eq!(
            one(&design, "10.0.1.0/24", &design.gateway),
            [("route-inside-vpc-target", "RT-07")]
        );
        assert_eq!(one(&design, "10.0.0.0/8", &design.gateway), []);
    }

    #[test]
    fn a_route_inside_a_later_range_keeps_aws_from_adding_it() {
        let mut design = design();
        let mut second = design.topology.vpcs[Id::from_index(0)].cidrs[0];
        second.net = "10.5.0.0/16".parse().unwrap();
        design.topology.vpcs[Id::from_index(0)].cidrs.push(second);
        assert_eq!(
            one(&design, "10.5.1.0/24", &design.gateway),
            [("route-inside-vpc-target", "CIDR-13")]
        );
    }

    #[test]
    fn local_is_replaced_by_an_interface_only() {
        let design = design();
        assert_eq!(one(&design, "10.0.0.0/16", &design.interface), []);
        assert_eq!(one(&design, "10.0.0.0/16", &RouteTarget::Local), []);
        assert_eq!(
            one(&design, "10.0.0.0/16", &design.gateway),
            [("route-inside-vpc-target", "RT-09")]
        );
    }

    #[test]
    fn an_instance_as_target_has_exactly_one_interface() {
        let mut design = design();
        assert_eq!(one(&design, "0.0.0.0/0", &design.instance), []);
        let mut second = interface(Id::from_index(0), Id::from_index(0), [10, 0, 1, 6].into(), None);
        second.attachment = Attachment::Instance {
            instance: Id::from_index(0),
            device_index: 1,
        };
        design.topology.network_interfaces.push(second);
        assert_eq!(
            one(&design, "0.0.0.0/0", &design.instance),
            [("route-target-interfaces", "RT-10")]
        );
    }

    #[test]
    fn a_target_is_of_a_kind_and_a_vpc_that_fit() {
        let mut design = design();
        let other = add_vpc_with_instance(&mut design.topology, "other", "10.1.0.0/16", "10.1.1.5", None);
        let gateway = stand::internet_gateway(&mut design.topology, "other-igw", Some(other));
        let foreign: [AnyId; 3] = [
            gateway.into(),
            Id::<crate::devices::NetworkInterface>::from_index(1).into(),
            Id::<crate::devices::Instance>::from_index(1).into(),
        ];
        for target in foreign {
            assert_eq!(
                one(&design, "0.0.0.0/0", &RouteTarget::Resource(target)),
                [("route-target-vpc", "RT-10")]
            );
        }
        assert_eq!(
            one(&design, "0.0.0.0/0", &RouteTarget::Resource(other.into())),
            [("route-target-kind", "RT-10")]
        );
    }

    #[test]
    fn a_route_to_a_stopped_instance_or_a_detached_interface_is_a_black_hole() {
        let mut design = design();
        let target = design.interface.clone();
        let instance = design.topology.instances.ids().next().unwrap();
        assert_eq!(one(&design, "0.0.0.0/0", &target), []);
        design.topology.instances[instance].running = false;
        assert_eq!(one(&design, "0.0.0.0/0", &target), [("route-blackhole", "RT-22")]);
        let interface = design.topology.network_interfaces.ids().next().unwrap();
        design.topology.network_interfaces[interface].attachment = Attachment::None;
        let fault = target.fault(&design.topology);
        assert!(fault.unwrap().ends_with("is attached to nothing"));
    }

    #[test]
    fn a_route_whose_target_is_gone_is_a_black_hole() {
        let design = design();
        let missing = RouteTarget::Missing("igw-gone".to_owned());
        assert_eq!(
            one(&design, "0.0.0.0/0", &missing),
            [("route-blackhole", "RT-22")]
        );
    }

    #[test]
    fn a_destination_stands_once_but_for_a_propagated_twin() {
        let design = design();
        let first = route(cidr("10.9.0.0/16"), design.gateway.clone());
        let second = route(cidr("10.9.7.7/16"), design.interface.clone());
        assert_eq!(
            with(&design, vec![first.clone(), second.clone()]),
            [("route-twice", "RT-11")]
        );
        let propagated = Route {
            source: RouteSource::Propagated,
            ..second
        };
        assert_eq!(
            with(&design, vec![first, propagated]),
            [("route-hidden", "RT-04")]
        );
    }

    /// Adds a prefix list of 10.9.0.0/16 with this maximum of entries, and gives a route for it.
    fn list_route(design: &mut Design, entries_max: u32) -> Route {
        let list = design.topology.prefix_lists.push(PrefixList {
            label: Label::named("offices"),
            entries: vec!["10.9.0.0/16".parse().unwrap()],
            entries_max,
            version: None,
        });
        route(RouteDestination::PrefixList(list), design.interface.clone())
    }

    #[test]
    fn a_static_route_beats_the_same_range_of_a_prefix_list() {
        let mut design = design();
        let routes = vec![
            list_route(&mut design, 1),
            route(cidr("10.9.0.0/16"), design.gateway.clone()),
        ];
        assert_eq!(with(&design, routes), [("route-beats-prefix-list", "RT-13")]);
    }

    #[test]
    fn a_prefix_list_counts_with_its_maximum_of_entries() {
        let mut design = design();
        let numbered = |number: usize| {
            let net = format!("11.{}.{}.0/24", number / 256, number % 256);
            route(
                cidr(&net),
                RouteTarget::Unmodelled("transit gateway".into(), "tgw-1".into()),
            )
        };
        let mut routes: Vec<Route> = (0..490).map(numbered).collect();
        assert_eq!(with(&design, routes.clone()), []);
        routes.push(list_route(&mut design, 20));
        assert_eq!(with(&design, routes.clone()), [("route-table-quota", "RT-25")]);
        routes.push(list_route(&mut design, 1_000));
        let table = Id::from_index(0);
        design.topology.route_tables[table].routes = routes;
        let mut findings = Findings::default();
        check(table, &design.topology, &mut findings);
        assert_eq!(
            findings.iter().map(|finding| finding.severity).max(),
            Some(Severity::Error)
        );
    }

    #[test]
    fn a_table_takes_100_propagated_routes() {
        let design = design();
        let propagated = |number: usize| Route {
            source: RouteSource::Propagated,
            ..route(cidr(&format!("11.0.{number}.0/24")), design.interface.clone())
        };
        assert_eq!(with(&design, (0..100).map(propagated).collect()), []);
        let found = with(&design, (0..101).map(propagated).collect());
        assert_eq!(found, [("route-table-propagated-quota", "RT-26")]);
    }
}
