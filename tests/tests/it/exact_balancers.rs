//! What exact answers say of load balancers, endpoints and secondary addresses.

use std::sync::Arc;

use vpcsim_analysis::reach::{Basis, By, InternetRow, ReachQuestion, Reachability, Row, Scope};
use vpcsim_analysis::{Outcome, Simulation};
use vpcsim_import::{Source, read, read_expectations};

/// A load balancer in front of two servers in a subnet without a way out.
const SHOP: &str = "\
name: shop
region: eu-west-1
vpcs:
  shop:
    cidr: 10.0.0.0/16
    internet_gateway: igw
    subnets:
      public: { az: a, cidr: 10.0.1.0/24, route_table: public }
      private: { az: a, cidr: 10.0.2.0/24, route_table: inside }
    route_tables:
      public: { 0.0.0.0/0: igw }
      inside: {}
    security_groups:
      open: { ingress: [tcp 80 from 0.0.0.0/0] }
      inner: { ingress: [tcp 80 from 10.0.0.0/16] }
    instances:
      one: { subnet: private, address: 10.0.2.11, security_groups: [open], listen: [tcp 80] }
      two: { subnet: private, address: 10.0.2.12, security_groups: [SECOND], listen: [tcp 80] }
      client: { subnet: private, address: 10.0.2.20, security_groups: [inner] }
    target_groups:
      servers: { port: 80, targets: [one, two] }
    load_balancers:
      front: { subnet: public, public_ip: 192.0.2.11, listeners: { tcp 443: servers } }
";

fn asked(design: &str) -> (Simulation, Reachability) {
    let source = Source {
        name: "shop.yaml".to_owned(),
        bytes: design.as_bytes().to_vec(),
    };
    let design = read(vec![source]);
    let findings: Vec<_> = design.findings.iter().map(|finding| &finding.message).collect();
    assert!(!design.findings.has_errors(), "{findings:#?}");
    let simulation = Simulation::new(Arc::new(design.topology));
    let found = simulation.reach(&ReachQuestion::everything());
    let verification = simulation.verify(&found, None, 1);
    assert_eq!(verification.disagreements, []);
    (simulation, found)
}

fn shop(second: &str) -> String {
    SHOP.replace("SECOND", second)
}

fn exposed(simulation: &Simulation, found: &Reachability, name: &str) -> Vec<InternetRow> {
    let mut rows = found.exposure_rows(simulation.topology(), By::Instance, &Scope::default());
    rows.retain(|row| row.group == name);
    rows
}

fn rows(simulation: &Simulation, found: &Reachability, by: By, ends: (&str, &str)) -> Vec<Row> {
    let mut rows = found.rows(simulation.topology(), by, &Scope::default());
    rows.retain(|row| (row.from.as_str(), row.to.as_str()) == ends);
    rows
}

/// What becomes of the only expectation, about what the internet reaches of the load balancer.
fn outcome(simulation: &Simulation, port: &str, expect: &str) -> Outcome {
    let line = format!("{{ from: internet, to: front, port: {port}, expect: {expect} }}");
    let (expected, findings) = read_expectations(&format!("version: 1\nassertions:\n  - {line}\n"), 0);
    assert!(!findings.has_errors(), "{line}");
    let judged = simulation.judge(&expected).expect("it asks about somebody");
    judged.into_iter().next().expect("there is one").outcome
}

#[test]
fn the_internet_opens_what_every_target_of_a_load_balancer_answers() {
    let (simulation, found) = asked(&shop("open"));
    let [row] = &exposed(&simulation, &found, "front")[..] else {
        panic!("one row")
    };
    assert_eq!(
        (row.round_trip.text.as_str(), row.basis.as_str()),
        ("tcp 443", "sets")
    );
    assert_eq!(
        (row.outside.join(" ").as_str(), row.public[0].to_string().as_str()),
        ("0.0.0.0/0", "192.0.2.11")
    );
    let witness = row.witness.as_ref().expect("a flow shows it");
    assert_eq!(
        (witness.dst.as_str(), witness.dst_port),
        ("192.0.2.11", Some(443))
    );
    let none = found.rows(simulation.topology(), By::Instance, &Scope::default());
    assert!(
        none.iter().all(|row| row.from != "front"),
        "it begins no connection"
    );
}

#[test]
fn what_only_some_targets_answer_is_neither_reachable_nor_unreachable() {
    // The second lets in the checks and the VPC, and not the clients that the load balancer does not hide.
    let (simulation, found) = asked(&shop("inner"));
    let [row] = &exposed(&simulation, &found, "front")[..] else {
        panic!("one row")
    };
    assert_eq!(
        (row.round_trip.text.as_str(), row.some_targets.text.as_str()),
        ("nothing", "tcp 443")
    );
    let outcomes = ["reachable", "unreachable", "partial"].map(|word| outcome(&simulation, "443/tcp", word));
    assert_eq!(outcomes, [Outcome::Failed, Outcome::Failed, Outcome::Passed]);
}

#[test]
fn a_target_that_its_health_checks_do_not_reach_gets_nothing_while_another_is_healthy() {
    let closed = shop("shut").replace("      inner:", "      shut: { ingress: [] }\n      inner:");
    let (simulation, found) = asked(&closed);
    let [row] = &exposed(&simulation, &found, "front")[..] else {
        panic!("one row")
    };
    assert_eq!(
        (row.round_trip.text.as_str(), row.some_targets.text.as_str()),
        ("tcp 443", "nothing")
    );
    assert_eq!(outcome(&simulation, "443/tcp", "reachable"), Outcome::Passed);
}

#[test]
fn a_target_reaches_its_own_load_balancer_by_the_others_only() {
    let (simulation, found) = asked(&shop("open"));
    let of = |name: &str| {
        let [row] = &rows(&simulation, &found, By::Instance, (name, "front"))[..] else {
            panic!("one row")
        };
        (row.round_trip.text.clone(), row.some_targets.text.clone())
    };
    assert_eq!(of("client"), ("tcp 443".to_owned(), "nothing".to_owned()));
    assert_eq!(of("one"), ("nothing".to_owned(), "tcp 443".to_owned()));
}

#[test]
fn every_port_of_a_range_counts_for_a_test_of_a_load_balancer() {
    let (simulation, _) = asked(&shop("open"));
    // Neither the first nor the last port has a listener; one between them does.
    let outcomes = ["400-500/tcp", "444-500/tcp"].map(|ports| outcome(&simulation, ports, "unreachable"));
    assert_eq!(outcomes, [Outcome::Failed, Outcome::Passed]);
}

#[test]
fn secondary_addresses_have_rows_of_their_own_by_interface() {
    let design = shop("open").replace(
        "address: 10.0.2.20,",
        "address: 10.0.2.20, secondary_ips: [10.0.2.21],",
    );
    let (simulation, found) = asked(&design);
    let second = found
        .endpoints
        .iter()
        .find(|endpoint| endpoint.address.to_string() == "10.0.2.21");
    let second = second.expect("it is an endpoint");
    assert_eq!((second.ordinal, found.interface_count()), (1, 4));
    let all = found.rows(simulation.topology(), By::Interface, &Scope::default());
    let name = format!("{} 10.0.2.21", simulation.topology().name_of(second.interface));
    let to_it = all.iter().filter(|row| row.to == name).count();
    assert_eq!(to_it, 2, "both servers reach it: {all:#?}");
    assert!(
        rows(&simulation, &found, By::Instance, ("client", "client")).is_empty(),
        "not from itself"
    );
    let whole = rows(&simulation, &found, By::Instance, ("one", "client"));
    assert!(!whole[0].only_some, "both addresses take the same");
}

#[test]
fn an_interface_endpoint_takes_its_service_and_nothing_else_whatever_its_group_says() {
    let design = shop("open").replace(
        "    target_groups:",
        "    vpc_endpoints:\n      queue: { service: sqs, subnets: [private], security_groups: [open-all] }\n    target_groups:",
    );
    let design = design.replace(
        "      inner:",
        "      open-all: { ingress: [all from 0.0.0.0/0] }\n      inner:",
    );
    let (simulation, found) = asked(&design);
    let [row] = &rows(&simulation, &found, By::Instance, ("client", "queue"))[..] else {
        panic!("one row")
    };
    assert_eq!(
        (row.round_trip.text.as_str(), row.basis.as_str()),
        ("tcp 443", "sets")
    );
    let unasked = found
        .pairs
        .iter()
        .filter_map(|pair| found.reach(*pair, false))
        .any(|reach| reach.basis != Basis::Sets);
    assert!(!unasked, "no packet is needed");
}

#[test]
fn a_host_that_is_a_target_gets_no_answer_from_itself_by_its_other_address_either() {
    let design = shop("open").replace(
        "address: 10.0.2.11,",
        "address: 10.0.2.11, secondary_ips: [10.0.2.13],",
    );
    let design = design.replace("targets: [one, two]", "targets: [one]");
    let (simulation, found) = asked(&design);
    let all = found.rows(simulation.topology(), By::Interface, &Scope::default());
    let second = all
        .iter()
        .find(|row| row.from.ends_with(" 10.0.2.13") && row.to.contains("front"));
    let second = second.expect("it arrives at the host that sent it");
    assert_eq!(
        (second.round_trip.text.as_str(), second.one_way.text.as_str()),
        ("nothing", "tcp 443")
    );
}
