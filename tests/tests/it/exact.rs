//! Exact answers and packets say the same, on every design that there is and on random ones.
//!
//! `EXACT_DESIGNS` sets how many random designs are asked, `EXACT_SEED` where to start. A disagreement is shrunk to the few
//! resources that it needs, and printed as a design.

use std::path::Path;
use std::sync::Arc;

use vpcsim_analysis::Simulation;
use vpcsim_analysis::reach::{ReachQuestion, Verification};
use vpcsim_aws::Topology;
use vpcsim_import::{read, write_native};
use vpcsim_testkit::random_design::random_design;
use vpcsim_testkit::shrink::shrink;

use crate::{beside, designs};

/// What is sent for one design at most.
const WITNESSES_MAX: usize = 1_500;

fn verify(simulation: &Simulation, name: &str) -> Verification {
    let found = simulation.reach(&ReachQuestion::everything());
    let verification = simulation.verify(&found, Some(WITNESSES_MAX), 1);
    println!(
        "{name}: {} interfaces in {} classes, {} witnesses, {} disagreements",
        found.endpoints.len(),
        found.classes.len(),
        verification.witness_count,
        verification.disagreements.len()
    );
    for disagreement in verification.disagreements.iter().take(6) {
        println!("  {disagreement:?}");
    }
    verification
}

fn verify_folder(folder: &Path) -> Verification {
    let design = read(beside::sources(folder));
    let simulation = Simulation::new(Arc::new(design.topology));
    verify(&simulation, &folder.display().to_string())
}

#[test]
fn packets_agree_with_exact_answers_about_every_topology() {
    let mut all = Verification::default();
    for path in designs::all() {
        let found = verify(
            &designs::simulation(&path),
            &path.file_name().unwrap_or_default().to_string_lossy(),
        );
        all.witness_count += found.witness_count;
        all.disagreements.extend(found.disagreements);
    }
    println!(
        "{} witnesses, {} disagreements",
        all.witness_count,
        all.disagreements.len()
    );
    assert!(all.witness_count > 4_000);
    assert_eq!(all.disagreements, []);
}

#[test]
fn packets_agree_with_exact_answers_about_measured_networks_and_peer_cases() {
    let labs = beside::folder("measured-aws").map(|folder| (folder, "aws_configs"));
    let cases = beside::folder("peer-cases").map(|folder| (folder, "."));
    for (folder, inner) in labs.into_iter().chain(cases) {
        let mut names: Vec<_> = std::fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().path().join(inner))
            .collect();
        names.sort();
        for folder in names.iter().filter(|folder| folder.is_dir()) {
            let found = verify_folder(folder);
            assert_eq!(found.disagreements, [], "{}", folder.display());
        }
    }
}

const DESIGN_COUNT: u64 = 60;
const WITNESSES_PER_DESIGN: usize = 200;

fn from_environment(name: &str, default: u64) -> u64 {
    std::env::var(name).map_or(default, |text| text.parse().unwrap())
}

fn disagreements(topology: &Topology, seed: u64, limit: Option<usize>) -> Verification {
    let simulation = Simulation::new(Arc::new(topology.clone()));
    let found = simulation.reach(&ReachQuestion::everything());
    simulation.verify(&found, limit, seed)
}

#[test]
fn packets_agree_with_exact_answers_about_random_designs() {
    let first = from_environment("EXACT_SEED", 1);
    let mut witness_count = 0;
    for seed in first..first + from_environment("EXACT_DESIGNS", DESIGN_COUNT) {
        let topology = random_design(seed);
        let found = disagreements(&topology, seed, Some(WITNESSES_PER_DESIGN));
        witness_count += found.witness_count;
        if let Some(example) = found.disagreements.first() {
            let names = [example.from.clone(), example.to.clone()];
            let of_them = |other: &str| names.iter().any(|name| name == other);
            let fails = |left: &Topology| {
                let found = disagreements(left, seed, None).disagreements;
                found
                    .iter()
                    .any(|found| of_them(&found.from) && of_them(&found.to) && found.said == example.said)
            };
            let small = shrink(&topology, &names, fails);
            panic!("seed {seed}: {example:?}\n{}", write_native(&small));
        }
    }
    println!("{witness_count} witnesses, 0 disagreements");
    assert!(witness_count > 3_000);
}
