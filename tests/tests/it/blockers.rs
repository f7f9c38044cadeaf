//! Advice is true: whoever makes all changes that a blocked flow's list names sees the flow open.
//!
//! Random designs, and of their flows those that only security groups and network ACLs stop, or routes that are missing beside them.
//! `BLOCKERS_DESIGNS` sets how many designs are looked at, `BLOCKERS_SEED` where to start.

use std::sync::Arc;

use vpcsim_analysis::{Blocker, FlowQuery, Options, Simulation};
use vpcsim_aws::devices::network_acl::NetworkAclEntry;
use vpcsim_aws::devices::route_table::{Route, RouteDestination, RouteSource, RouteTarget};
use vpcsim_aws::devices::security_group::{Peer, SecurityGroupRule};
use vpcsim_aws::service_words::parse_service;
use vpcsim_aws::traffic::Traffic;
use vpcsim_aws::{AnyId, Origin, Topology};
use vpcsim_import::write_native;
use vpcsim_testkit::random_design::random_design;
use vpcsim_testkit::random_flows::random_flows;

use crate::reference::{from_environment, query};

const DESIGN_COUNT: u64 = 150;
const FLOWS_PER_DESIGN: usize = 20;
/// So many flows have to be found of each kind, or the test tests nothing.
const FOUND_MIN: usize = 20;

#[test]
fn the_changes_that_a_trace_names_open_the_flow() {
    let start = from_environment("BLOCKERS_SEED", 0);
    let (mut by_filters, mut by_routes) = (0, 0);
    for seed in start..start + from_environment("BLOCKERS_DESIGNS", DESIGN_COUNT) {
        let topology = random_design(seed);
        let simulation = Simulation::new(Arc::new(topology.clone()));
        for flow in random_flows(&topology, seed, FLOWS_PER_DESIGN) {
            let query = query(&topology, &flow);
            let (answer, _) = simulation.trace(&query, &Options::default()).unwrap();
            let blockers = simulation.blockers(&query, &answer).unwrap();
            assert_eq!(blockers.is_empty(), answer.round_trip, "seed {seed} {query:?}");
            let Some(mended) = mended(&topology, &blockers) else {
                continue;
            };
            if blockers.is_empty() {
                continue;
            }
            let has_route = blockers.iter().any(|blocker| blocker.reason == "NO_ROUTE");
            // Behind a NAT gateway yet to be used, what comes in again by the internet gateway is not followed.
            if has_route && is_public_inside(&topology, flow.destination) {
                continue;
            }
            let found = if has_route {
                &mut by_routes
            } else {
                &mut by_filters
            };
            *found += 1;
            check(&mended, &query, &blockers, seed);
        }
    }
    assert!(
        by_filters >= FOUND_MIN && by_routes >= FOUND_MIN,
        "{by_filters} by filters, {by_routes} by routes"
    );
}

fn is_public_inside(topology: &Topology, address: std::net::Ipv4Addr) -> bool {
    let interfaces = topology.network_interfaces.iter();
    let mut addresses = interfaces.flat_map(|(_, interface)| &interface.addresses);
    addresses.any(|own| own.public == Some(address))
}

fn check(mended: &Topology, query: &FlowQuery, blockers: &[Blocker], seed: u64) {
    let (answer, _) = Simulation::new(Arc::new(mended.clone()))
        .trace(query, &Options::default())
        .unwrap();
    assert!(
        answer.round_trip,
        "seed {seed}: {query:?} stays shut: {:?}\nafter {blockers:#?}\n{}",
        answer.explanations,
        write_native(mended)
    );
}

/// The design with all changes made; `None` if one of them is none that this test makes.
fn mended(topology: &Topology, blockers: &[Blocker]) -> Option<Topology> {
    let mut mended = topology.clone();
    for blocker in blockers {
        let change = blocker.change.as_deref()?;
        if let Some((rule, place)) = change
            .strip_prefix("add `")
            .and_then(|rest| rest.split_once("` to the "))
        {
            add_rule(&mut mended, rule, place)?;
        } else {
            add_route(&mut mended, change)?;
        }
    }
    Some(mended)
}

/// `tcp 22 from web`, `100 allow tcp 22 from 10.0.0.4/32`; `ingress rules of db`, `egress entries of acl`.
fn add_rule(topology: &mut Topology, rule: &str, place: &str) -> Option<()> {
    let (kind, name) = place.split_once(" of ")?;
    let (traffic, peer) = rule.split_once(" from ").or_else(|| rule.split_once(" to "))?;
    if let Some((number, traffic)) = traffic.split_once(" allow ") {
        let (id, _) = topology
            .network_acls
            .iter()
            .find(|(_, acl)| acl.label.name == name)?;
        let acl = &mut topology.network_acls[id];
        let entries = if kind.starts_with("ingress") {
            &mut acl.ingress
        } else {
            &mut acl.egress
        };
        let (number, cidr, origin) = (number.parse().ok()?, peer.parse().ok()?, Origin::NOWHERE);
        assert!(
            entries.iter().all(|entry| entry.number != number),
            "{number} is taken: {rule} in {name}"
        );
        entries.push(NetworkAclEntry {
            number,
            allow: true,
            traffic: read(traffic)?,
            cidr,
            origin,
        });
        return Some(());
    }
    let named = |name: &str| {
        topology
            .security_groups
            .iter()
            .find(|(_, group)| group.label.name == name)
    };
    let peer = match peer.parse() {
        Ok(net) => Peer::Cidr(net),
        Err(_) => Peer::SecurityGroup(named(peer)?.0),
    };
    let (id, _) = named(name)?;
    let group = &mut topology.security_groups[id];
    let rules = if kind.starts_with("ingress") {
        &mut group.ingress
    } else {
        &mut group.egress
    };
    rules.push(SecurityGroupRule {
        id: None,
        traffic: read(traffic)?,
        peer,
        origin: Origin::NOWHERE,
    });
    Some(())
}

/// `tcp 22-80`, `icmp 8/0`.
fn read(words: &str) -> Option<Traffic> {
    let service = match words.split_once(' ') {
        Some((protocol @ ("tcp" | "udp"), ports)) => format!("{ports}/{protocol}"),
        _ => words.to_owned(),
    };
    parse_service(&service).ok()
}

/// `add a route for 10.0.0.4/32 or a range around it to table, with igw as its target`.
fn add_route(topology: &mut Topology, change: &str) -> Option<()> {
    let (destination, rest) = change
        .strip_prefix("add a route for ")?
        .split_once(" or a range around it to ")?;
    let (table, target) = rest.strip_suffix(" as its target")?.split_once(", with ")?;
    let is_target = |any: &AnyId| any.kind.is_route_target() && topology.name_of(*any) == target;
    let target = topology.resources().find(is_target)?;
    let (id, _) = topology
        .route_tables
        .iter()
        .find(|(_, row)| row.label.name == table)?;
    let route = Route {
        destination: RouteDestination::Cidr(destination.parse().ok()?),
        target: RouteTarget::Resource(target),
        source: RouteSource::Static,
        blackhole: false,
        origin: Origin::NOWHERE,
    };
    topology.route_tables[id].routes.push(route);
    Some(())
}
