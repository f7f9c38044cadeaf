//! Exact answers and packets say the same, on every design that there is and on random ones.
//!
//! `EXACT_DESIGNS` sets how many random designs are asked, `EXACT_SEED` where to start; half of them have load balancers and endpoints. A disagreement is shrunk to the few
//! resources that it needs, and printed as a design.

use std::path::Path;
use std::sync::Arc;

use vpcsim_analysis::reach::{ReachQuestion, Reachability, Selection, Verification, select};
use vpcsim_analysis::{FlowQuery, Simulation};
use vpcsim_aws::sets::TrafficSet;
use vpcsim_aws::{Protocol, Topology};
use vpcsim_import::{read, write_native};
use vpcsim_testkit::random_design::{random_design, random_design_with_receivers};
use vpcsim_testkit::shrink::shrink;

use crate::measured::flows;
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

/// The exact answer about a flow to an interface; `None` for flows to something else, or to oneself.
fn answer_about(simulation: &Simulation, found: &Reachability, query: &FlowQuery) -> Option<TrafficSet> {
    let endpoints = &found.endpoints;
    match select(simulation.topology(), endpoints, &query.source).ok()? {
        Selection::Internet => {
            let receiver = endpoints.iter().find(|endpoint| {
                endpoint
                    .public
                    .is_some_and(|public| public.to_string() == query.dst)
            })?;
            let mut all = TrafficSet::nothing();
            found.exposure[receiver.class]
                .iter()
                .for_each(|row| all.unite(&row.reach.round_trip));
            Some(all)
        }
        Selection::Endpoints(senders) => {
            let bound = |index: &usize| {
                query
                    .bind
                    .is_none_or(|address| endpoints[*index].address == address)
            };
            let to = endpoints
                .iter()
                .position(|endpoint| endpoint.address.to_string() == query.dst)?;
            Some(found.between(senders.into_iter().find(bound)?, to)?.round_trip)
        }
    }
}

/// Flows to the interfaces of a lab that AWS's hosts measured: those that the exact answer agrees with, and all.
fn compare_with_measured(lab: &Path) -> (usize, usize) {
    let design = read(beside::sources(&lab.join("aws_configs")));
    let simulation = Simulation::new(Arc::new(design.topology));
    let found = simulation.reach(&ReachQuestion::everything());
    let (mut agreeing, mut total) = (0, 0);
    for measured in flows(lab) {
        let query = &measured.query;
        let Some(reach) = answer_about(&simulation, &found, query) else {
            continue;
        };
        let service = match (query.protocol.as_str(), query.dst_port) {
            ("tcp", Some(port)) => (Protocol::TCP, port),
            ("icmp", _) => (Protocol::ICMP, u16::from_be_bytes([8, 0])),
            _ => continue,
        };
        let said = reach.from_any_port().contains(service.0, 0, service.1);
        total += 1;
        agreeing += usize::from(said == measured.round_trip);
        if said != measured.round_trip {
            println!(
                "  {}: {} -> {} measured {}",
                query.id, query.source, query.dst, measured.round_trip
            );
        }
    }
    (agreeing, total)
}

#[test]
fn exact_answers_are_what_hosts_on_aws_measured() {
    let Some(folder) = beside::folder("measured-aws") else {
        return;
    };
    let mut labs: Vec<_> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    labs.sort();
    let mut all = (0, 0);
    for lab in labs.iter().filter(|lab| lab.join("flows.jsonl").is_file()) {
        let (agreeing, total) = compare_with_measured(lab);
        println!(
            "{}: {agreeing}/{total} flows to interfaces",
            lab.file_name().unwrap_or_default().to_string_lossy()
        );
        all = (all.0 + agreeing, all.1 + total);
    }
    println!("{}/{}", all.0, all.1);
    assert_eq!(all.0, all.1);
    assert!(all.1 > 250);
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
        let topology = if seed.is_multiple_of(2) {
            random_design(seed)
        } else {
            random_design_with_receivers(seed)
        };
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
