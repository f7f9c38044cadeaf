//! Whether packets walk or repeat what others of their flow did: nobody can tell, but by the time that it takes.

use std::collections::BTreeSet;
use std::sync::Arc;

use vpcsim_analysis::{CaptureChoice, Options, Simulation};
use vpcsim_aws::appliance::REASONS;
use vpcsim_aws::devices::Kind;
use vpcsim_import::{Source, read};
use vpcsim_report::pcapng;
use vpcsim_testkit::alike::{Alike, with_and_without_flow_cache};
use vpcsim_testkit::random_design::random_design;

use crate::designs;

const RANDOM_DESIGN_COUNT: u64 = 40;
const FLOW_COUNT: usize = 80;

fn compare(name: &str, simulation: &Simulation, seed: u64) -> Alike {
    let compiled = simulation.compiled();
    let hosts = (0..compiled.hosts.len()).map(|index| Arc::clone(simulation.host(index)));
    let hosts: Vec<_> = hosts.collect();
    let compared = with_and_without_flow_cache(compiled, &hosts, seed, FLOW_COUNT);
    compared.unwrap_or_else(|difference| panic!("{name}, seed {seed}: {difference}"))
}

#[test]
fn talk_in_every_topology_looks_the_same_and_every_device_takes_part() {
    let mut taking_part = BTreeSet::new();
    for path in designs::all() {
        let simulation = designs::simulation(&path);
        for seed in 0..3 {
            let alike = compare(&path.display().to_string(), &simulation, seed);
            taking_part.extend(alike.kinds);
        }
    }
    let expected = [
        Kind::Instance,
        Kind::InternetGateway,
        Kind::NatGateway,
        Kind::NetworkInterface,
        Kind::PeeringConnection,
        Kind::RegionalNatGateway,
        Kind::Subnet,
        Kind::TransitGateway,
        Kind::VpcEndpoint,
    ];
    for kind in expected {
        assert!(taking_part.contains(&kind), "no {kind:?} in {taking_part:?}");
    }
}

/// Two subnets with an instance between them that forwards, and two instances that send to each other what is for nobody.
const FORWARDING: &str = "
name: forwarding
region: eu-west-1
vpcs:
  net:
    cidr: 10.0.0.0/16
    internet_gateway: igw
    subnets:
      front: { az: a, cidr: 10.0.1.0/24, route_table: front }
      back: { az: a, cidr: 10.0.2.0/24, route_table: back }
      between: { az: a, cidr: 10.0.9.0/24, route_table: between }
      left: { az: a, cidr: 10.0.5.0/24, route_table: left }
      right: { az: b, cidr: 10.0.6.0/24, route_table: right }
    route_tables:
      front: { 10.0.2.0/24: middle, 0.0.0.0/0: middle, 10.255.0.0/16: left }
      back: { 10.0.1.0/24: middle, 10.255.0.0/16: middle }
      between: { 0.0.0.0/0: igw, 10.255.0.0/16: left }
      left: { 10.255.0.0/16: right }
      right: { 10.255.0.0/16: left }
    security_groups:
      open: { ingress: [all from 0.0.0.0/0], egress: [all to 0.0.0.0/0] }
    instances:
      web-1: { subnet: front, address: 10.0.1.10, security_groups: [open], listen: [tcp 80, udp 53] }
      web-2: { subnet: front, address: 10.0.1.11, security_groups: [open], listen: [tcp 80, udp 53] }
      db: { subnet: back, address: 10.0.2.10, security_groups: [open], listen: [tcp 5432, udp 53] }
      middle:
        { subnet: between, address: 10.0.9.10, public_ip: 192.0.2.50, mtu: 1500, security_groups: [open], source_dest_check: false,
          appliance: APPLIANCE }
      left: { subnet: left, address: 10.0.5.10, security_groups: [open], source_dest_check: false, appliance: APPLIANCE }
      right: { subnet: right, address: 10.0.6.10, security_groups: [open], source_dest_check: false, appliance: { forward: true } }
internet:
  mirror: { address: 203.0.113.80, listen: [tcp 80, tcp 443] }
";

#[test]
fn talk_through_instances_that_forward_looks_the_same_whatever_they_do() {
    let appliances = [
        "{ forward: true }",
        "{ stateful: false, firewall: [deny tcp 22, allow tcp from 10.0.0.0/8, allow udp, deny all] }",
        "{ firewall: [allow tcp 80, allow tcp 5432 from 10.0.1.0/24, allow udp 53, deny all] }",
        "{ nat: masquerade }",
        "{ nat: masquerade, firewall: [deny tcp 443, allow all] }",
    ];
    for appliance in appliances {
        let source = Source {
            name: "forwarding.yaml".to_owned(),
            bytes: FORWARDING.replace("APPLIANCE", appliance).into_bytes(),
        };
        let design = read(vec![source]);
        let findings: Vec<_> = design.findings.iter().map(|finding| &finding.message).collect();
        assert!(!design.findings.has_errors(), "{appliance}: {findings:#?}");
        let simulation = Simulation::new(Arc::new(design.topology));
        let (mut taking_part, mut drops) = (BTreeSet::new(), BTreeSet::new());
        for seed in 0..3 {
            let alike = compare(appliance, &simulation, seed);
            taking_part.extend(alike.kinds);
            drops.extend(alike.drops);
        }
        assert!(
            taking_part.contains(&Kind::Instance),
            "{appliance}: {taking_part:?}"
        );
        for reason in [REASONS.circle, REASONS.ttl_expired, REASONS.too_large] {
            assert!(drops.contains(&reason), "{appliance}: no {reason:?} in {drops:?}");
        }
    }
}

#[test]
fn talk_in_random_designs_looks_the_same() {
    let (mut repeated, mut broken) = (0, 0);
    for seed in 0..RANDOM_DESIGN_COUNT {
        let simulation = Simulation::new(Arc::new(random_design(seed)));
        let alike = compare("a random design", &simulation, seed);
        repeated += alike.counters.repeated;
        broken += alike.counters.broken;
    }
    assert!(
        repeated > 1_000 && broken > 100,
        "{repeated} runs repeated, {broken} of them broken off"
    );
}

#[test]
fn reports_and_captures_of_every_topology_are_the_same_bytes() {
    for path in designs::all() {
        let simulation = designs::simulation(&path);
        let run = |simulation: &Simulation| {
            let options = Options {
                seed: 11,
                capture: CaptureChoice::Everywhere,
            };
            let report = simulation.run(&options, &mut |_, _| {});
            let mut bytes = Vec::new();
            pcapng::write(&report.capture, &mut bytes).unwrap();
            (report, bytes)
        };
        let (repeating, walking) = (run(&simulation), run(&simulation.clone().without_flow_cache()));
        assert!(
            repeating.1 == walking.1,
            "{}: the captures differ",
            path.display()
        );
        assert_eq!(repeating.0, walking.0, "{}", path.display());
    }
}
