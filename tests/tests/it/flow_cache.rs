//! Whether packets walk or repeat what others of their flow did: nobody can tell, but by the time that it takes.

use std::collections::BTreeSet;
use std::sync::Arc;

use vpcsim_analysis::{CaptureChoice, Options, Simulation};
use vpcsim_aws::devices::Kind;
use vpcsim_aws::{Compiled, compile};
use vpcsim_report::pcapng;
use vpcsim_testkit::alike::{Alike, with_and_without_flow_cache};
use vpcsim_testkit::random_design::random_design;

use crate::designs;

const RANDOM_DESIGN_COUNT: u64 = 40;
const FLOW_COUNT: usize = 80;

fn compare(name: &str, compiled: &Compiled, seed: u64) -> Alike {
    let compared = with_and_without_flow_cache(compiled, seed, FLOW_COUNT);
    compared.unwrap_or_else(|difference| panic!("{name}, seed {seed}: {difference}"))
}

#[test]
fn talk_in_every_topology_looks_the_same_and_every_device_takes_part() {
    let mut taking_part = BTreeSet::new();
    for path in designs::all() {
        let simulation = designs::simulation(&path);
        for seed in 0..3 {
            let alike = compare(&path.display().to_string(), simulation.compiled(), seed);
            taking_part.extend(alike.kinds);
        }
    }
    let expected = [
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

#[test]
fn talk_in_random_designs_looks_the_same() {
    let (mut repeated, mut broken) = (0, 0);
    for seed in 0..RANDOM_DESIGN_COUNT {
        let compiled = compile(Arc::new(random_design(seed)));
        let alike = compare("a random design", &compiled, seed);
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
