//! One route: its destination, and what it may lead to.
//!
//! # AWS semantics
//!
//! - A destination inside 169.254.168.0/22 is refused (LL-02).
//! - A static route inside a VPC's range is for the whole of a subnet, and leads to a NAT gateway or an interface (RT-07).
//! - In a range that was added later such a destination also keeps AWS from adding the range (CIDR-13).
//! - The target of `local` is replaced by a NAT gateway or an interface only (RT-09).
//! - A target is an internet gateway, NAT gateway, interface, peering connection, or instance with one interface (RT-10), and
//!   one of the table's own VPC (RT-10).
//! - A route whose target is gone is a black hole (RT-22).
//!
//! # Where AWS is silent
//!
//! - What is not modelled may be a target of any route: it may be a gateway load balancer's endpoint.

use ipnet::Ipv4Net;

use crate::devices::network_interface::Attachment;
use crate::devices::route_table::{Route, RouteDestination, RouteSource, RouteTarget};
use crate::devices::{AnyId, Instance, Kind, RouteTable, Vpc};
use crate::model::{Finding, Findings, Id};
use crate::topology::Topology;

/// The link-local addresses of AWS's own services.
const SERVICES: Ipv4Net = Ipv4Net::new_assert(std::net::Ipv4Addr::new(169, 254, 168, 0), 22);

/// Reports what is wrong with a route.
pub(super) fn check(table: &RouteTable, route: &Route, topology: &Topology, findings: &mut Findings) {
    if let RouteDestination::Cidr(net) = route.destination {
        check_services(table, route, net, findings);
        if route.source == RouteSource::Static {
            check_inside(table, route, net, topology, findings);
        }
    }
    check_target(table, route, topology, findings);
}

fn check_services(table: &RouteTable, route: &Route, net: Ipv4Net, findings: &mut Findings) {
    if SERVICES.contains(&net) {
        let message = format!(
            "route {net} of route table {} is for AWS's own services",
            table.label.display()
        );
        let finding = Finding::error("route-link-local", route.origin, message);
        findings.push(
            finding
                .rule("LL-02")
                .help(format!("AWS takes no route for {SERVICES} or a part of it")),
        );
    }
}

/// What may stand where otherwise `local` would: NAT gateways, interfaces, and what is not modelled.
fn may_replace_local(target: &RouteTarget) -> bool {
    match target {
        RouteTarget::Local | RouteTarget::Unmodelled(..) | RouteTarget::Missing(_) => true,
        RouteTarget::Resource(any) => {
            matches!(
                any.kind,
                Kind::NatGateway | Kind::NetworkInterface | Kind::Instance
            )
        }
    }
}

fn check_inside(
    table: &RouteTable,
    route: &Route,
    net: Ipv4Net,
    topology: &Topology,
    findings: &mut Findings,
) {
    let vpc = &topology.vpcs[table.vpc];
    let ranges = || vpc.cidrs.iter().filter(|range| range.associated).enumerate();
    let Some((index, range)) = ranges().find(|(_, range)| range.net.contains(&net)) else {
        return;
    };
    let words = format!(
        "route {} of route table {}",
        route.words(topology),
        table.label.display()
    );
    let whole = range.net.trunc() == net.trunc();
    if !may_replace_local(&route.target) {
        let (rule, noun) = match (whole, index) {
            (true, _) => ("RT-09", "the whole of a range"),
            (false, 0) => ("RT-07", "a part of a range"),
            (false, _) => ("CIDR-13", "a part of a range"),
        };
        let message = format!(
            "{words} is for {noun} of VPC {} and leads out of it",
            vpc.label.display()
        );
        let finding = Finding::error("route-inside-vpc-target", route.origin, message).rule(rule);
        findings.push(finding.help("inside the VPC a route leads to a NAT gateway or a network interface"));
        return;
    }
    let mut subnets = topology.subnets.iter();
    let of_subnet = subnets.any(|(_, subnet)| subnet.vpc == table.vpc && subnet.cidr.trunc() == net.trunc());
    if !whole && !of_subnet {
        let message = format!(
            "{words} is for a part of VPC {} that is not one of its subnets",
            vpc.label.display()
        );
        let finding = Finding::error("route-inside-vpc", route.origin, message).rule("RT-07");
        findings.push(finding.help("inside the VPC a route is for the whole range of a subnet"));
    }
}

fn check_target(table: &RouteTable, route: &Route, topology: &Topology, findings: &mut Findings) {
    let words = || {
        format!(
            "route {} of route table {}",
            route.words(topology),
            table.label.display()
        )
    };
    let fault = route.target.fault(topology);
    if route.blackhole || fault.is_some() || matches!(route.target, RouteTarget::Missing(_)) {
        let cause = fault.map_or_else(String::new, |fault| format!(": {fault}"));
        let message = format!("{} drops what matches it: it is a black hole{cause}", words());
        let finding = Finding::warning("route-blackhole", route.origin, message).rule("RT-22");
        findings.push(finding.help("packets that match it are dropped; remove it, or restore its target"));
        return;
    }
    let RouteTarget::Resource(target) = route.target else {
        return;
    };
    let (problem, help) = match target_of(target, table.vpc, topology) {
        Target::Right => return,
        Target::OfOtherVpc => ("route-target-vpc", "route to a target of the table's own VPC"),
        Target::WrongKind => (
            "route-target-kind",
            "route to a gateway, a network interface, a peering connection or an instance",
        ),
        Target::ManyInterfaces => (
            "route-target-interfaces",
            "route to one of the instance's interfaces instead",
        ),
    };
    let message = match problem {
        "route-target-vpc" => format!("{} leads to a {} of another VPC", words(), target.kind.noun()),
        "route-target-kind" => format!(
            "{} leads to a {}, which is no target",
            words(),
            target.kind.noun()
        ),
        _ => format!(
            "{} leads to an instance that has not exactly one network interface",
            words()
        ),
    };
    findings.push(
        Finding::error(problem, route.origin, message)
            .rule("RT-10")
            .help(help),
    );
}

enum Target {
    Right,
    OfOtherVpc,
    WrongKind,
    ManyInterfaces,
}

/// What a resource is as the target of a route of this VPC.
fn target_of(target: AnyId, vpc: Id<Vpc>, topology: &Topology) -> Target {
    if !target.kind.is_route_target() {
        return Target::WrongKind;
    }
    let exists = topology.label(target).is_some();
    let own = match target.kind {
        Kind::Instance => return instance_target(target.id(), vpc, topology),
        _ => !exists || topology.is_reached_from(target, vpc),
    };
    if own { Target::Right } else { Target::OfOtherVpc }
}

fn instance_target(id: Id<Instance>, vpc: Id<Vpc>, topology: &Topology) -> Target {
    let interfaces = topology.network_interfaces.iter().map(|(_, interface)| interface);
    let mut own = interfaces.filter(
        |interface| matches!(interface.attachment, Attachment::Instance { instance, .. } if instance == id),
    );
    match (own.next(), own.next()) {
        (Some(only), None) => match topology.subnets.find(only.subnet) {
            Some(subnet) if subnet.vpc != vpc => Target::OfOtherVpc,
            _ => Target::Right,
        },
        _ => Target::ManyInterfaces,
    }
}
