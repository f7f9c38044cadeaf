//! Equal design and seed give equal answers and equal captured bytes.

use vpcsim_analysis::{CaptureChoice, Options, RunReport, Simulation, Tracer};
use vpcsim_report::pcapng;

use crate::designs;

fn run(simulation: &Simulation, seed: u64) -> (RunReport, Vec<u8>) {
    let options = Options {
        seed,
        capture: CaptureChoice::Everywhere,
    };
    let report = simulation.run(&options, &mut |_, _| {});
    let mut bytes = Vec::new();
    pcapng::write(&report.capture, &mut bytes).unwrap();
    (report, bytes)
}

#[test]
fn equal_seeds_give_equal_reports_and_capture_bytes() {
    for path in designs::all() {
        let first = run(&designs::simulation(&path), 42);
        let second = run(&designs::simulation(&path), 42);
        assert!(first.1 == second.1, "{}: the captures differ", path.display());
        assert_eq!(first.0, second.0, "{}", path.display());
    }
}

#[test]
fn another_seed_changes_numbers_and_no_verdict() {
    for path in designs::all() {
        let simulation = designs::simulation(&path);
        let verdicts = |seed| {
            let (report, _) = run(&simulation, seed);
            let facts = report
                .answers
                .into_iter()
                .map(|(_, answer)| (answer.observed, answer.forward.reason));
            facts.collect::<Vec<_>>()
        };
        assert_eq!(verdicts(1), verdicts(2), "{}", path.display());
    }
}

#[test]
fn looking_on_changes_nothing() {
    for path in designs::all() {
        let simulation = designs::simulation(&path);
        let captured = run(&simulation, 3).0;
        let options = Options {
            seed: 3,
            capture: CaptureChoice::Nothing,
        };
        let bare = simulation.run(&options, &mut |_, _| {});
        assert_eq!(captured.counters, bare.counters, "{}", path.display());
        assert_eq!(captured.sim_time, bare.sim_time, "{}", path.display());
    }
}

/// A tracer takes one network back to its first state again and again; nobody can tell it from a new one.
#[test]
fn questions_in_one_renewed_network_are_answered_as_in_new_ones() {
    for path in designs::all() {
        let simulation = designs::simulation(&path);
        for capture in [CaptureChoice::Nothing, CaptureChoice::Everywhere] {
            let options = Options { seed: 5, capture };
            let (report, _) = run(&simulation, 5);
            let mut tracer = Tracer::new(&simulation, &options);
            for (query, _) in report.answers.iter().take(40) {
                let (renewed, frames) = tracer.trace(query).unwrap();
                let (new, expected_frames) = simulation.trace(query, &options).unwrap();
                assert_eq!(renewed, new, "{}: {query:?}", path.display());
                assert!(frames == expected_frames, "{}: {query:?}", path.display());
            }
        }
    }
}
