//! The route table of an internet gateway.
//!
//! # AWS semantics
//!
//! - It is one of the gateway's own VPC, and not the main one (GRT-09).
//! - Its routes lead to `local`, a network interface, or a gateway load balancer's endpoint (GRT-02, GRT-04).
//! - A destination is a whole range of the VPC or the whole range of a subnet, and no prefix list (GRT-03).
//! - Nothing is propagated into it (GRT-04).

use crate::devices::route_table::{Route, RouteDestination, RouteSource, RouteTarget};
use crate::devices::{InternetGateway, Kind, RouteTable};
use crate::model::{Finding, Findings, Id};
use crate::topology::Topology;

/// Reports what is wrong with the route table of a gateway.
pub(crate) fn check(id: Id<InternetGateway>, topology: &Topology, findings: &mut Findings) {
    let gateway = &topology.internet_gateways[id];
    let Some(table) = gateway
        .route_table
        .and_then(|table| topology.route_tables.find(table))
    else {
        return;
    };
    let (name, of) = (table.label.display(), gateway.label.display());
    let place = match gateway.vpc {
        _ if table.main => Some(("is a VPC's main one", "make a table of its own for the gateway")),
        vpc if vpc != Some(table.vpc) => Some(("is of another VPC", "take a table of the gateway's own VPC")),
        _ => None,
    };
    if let Some((problem, help)) = place {
        let message = format!("route table {name} of internet gateway {of} {problem}");
        let finding = Finding::error("gateway-route-table", gateway.label.origin, message);
        findings.push(finding.rule("GRT-09").help(help));
    }
    for route in &table.routes {
        check_route(table, route, topology, findings);
    }
}

fn check_route(table: &RouteTable, route: &Route, topology: &Topology, findings: &mut Findings) {
    let words = || {
        format!(
            "route {} of gateway route table {}",
            route.words(topology),
            table.label.display()
        )
    };
    let is_target = match &route.target {
        RouteTarget::Local | RouteTarget::Missing(_) => true,
        RouteTarget::Unmodelled(noun, _) => noun.contains("endpoint"),
        RouteTarget::Resource(any) => matches!(any.kind, Kind::NetworkInterface | Kind::Instance),
    };
    if !is_target || route.source == RouteSource::Propagated {
        let message = format!("{} leads to what such a table does not take", words());
        let finding = Finding::error("gateway-route-target", route.origin, message).rule("GRT-04");
        findings
            .push(finding.help("route to `local` or to a network interface, and propagate nothing into it"));
    }
    let is_destination = match route.destination {
        RouteDestination::PrefixList(_) => false,
        RouteDestination::Cidr(net) => {
            let mut ranges = topology.vpcs[table.vpc].cidrs.iter();
            let mut subnets = topology
                .subnets
                .iter()
                .filter(|(_, subnet)| subnet.vpc == table.vpc);
            ranges.any(|range| range.net.trunc() == net.trunc())
                || subnets.any(|(_, subnet)| subnet.cidr.trunc() == net.trunc())
        }
    };
    if !is_destination {
        let message = format!(
            "{} is neither for a whole range of the VPC nor for a whole subnet",
            words()
        );
        let finding = Finding::error("gateway-route-destination", route.origin, message).rule("GRT-03");
        findings.push(finding.help("write the range of a subnet, or that of the VPC"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::devices::AnyId;
    use crate::gateway_paths::Scene;

    fn found(
        destination: &str,
        target: fn(&Scene) -> AnyId,
        main: bool,
    ) -> Vec<(&'static str, &'static str)> {
        let mut scene = Scene::new();
        let (public, target) = (scene.public, target(&scene));
        scene.route(public, &[(destination, target)]);
        let table = scene.topology.subnets[public].route_table;
        scene.topology.internet_gateways[scene.gateway].route_table = table;
        scene.topology.route_tables[table.unwrap()].main = main;
        let mut findings = Findings::default();
        check(scene.gateway, &scene.topology, &mut findings);
        findings
            .iter()
            .map(|finding| (finding.code, finding.rule.unwrap_or("")))
            .collect()
    }

    #[test]
    fn an_interface_for_a_whole_subnet_or_the_whole_vpc_is_right() {
        for destination in ["10.0.1.0/24", "10.0.0.0/16"] {
            assert_eq!(found(destination, |scene| scene.web.into(), false), []);
        }
    }

    #[test]
    fn a_part_of_a_subnet_and_what_is_outside_are_no_destinations() {
        for destination in ["10.0.1.0/25", "0.0.0.0/0", "10.9.0.0/16"] {
            let expected = [("gateway-route-destination", "GRT-03")];
            assert_eq!(found(destination, |scene| scene.web.into(), false), expected);
        }
    }

    #[test]
    fn a_gateway_is_no_target() {
        let expected = [("gateway-route-target", "GRT-04")];
        assert_eq!(found("10.0.1.0/24", |scene| scene.nat.into(), false), expected);
    }

    #[test]
    fn the_main_table_is_no_gateways() {
        let expected = [("gateway-route-table", "GRT-09")];
        assert_eq!(found("10.0.1.0/24", |scene| scene.web.into(), true), expected);
    }

    #[test]
    fn a_table_of_another_vpc_is_no_gateways() {
        let mut scene = Scene::new();
        let public = scene.public;
        scene.route(public, &[]);
        let table = scene.topology.subnets[public].route_table;
        let other = scene
            .topology
            .vpcs
            .push(crate::fixtures::vpc("other", "10.1.0.0/16"));
        scene.topology.internet_gateways[scene.gateway].route_table = table;
        scene.topology.internet_gateways[scene.gateway].vpc = Some(other);
        let mut findings = Findings::default();
        check(scene.gateway, &scene.topology, &mut findings);
        let found: Vec<_> = findings
            .iter()
            .map(|finding| (finding.code, finding.rule))
            .collect();
        assert_eq!(found, [("gateway-route-table", Some("GRT-09"))]);
    }
}
