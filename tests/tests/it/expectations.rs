//! The designs in `topologies/` behave as their authors expect.

use vpcsim_analysis::Options;
use vpcsim_analysis::grammar::check_leg;

use crate::designs;

#[test]
fn every_expectation_of_every_design_holds() {
    for path in designs::all() {
        let simulation = designs::simulation(&path);
        let report = simulation.run(&Options::default(), &mut |_, _| {});
        let failed: Vec<_> = report
            .expectations
            .iter()
            .filter(|result| !result.passed)
            .collect();
        assert!(failed.is_empty(), "{}: {failed:#?}", path.display());
        assert!(
            !report.expectations.is_empty(),
            "{} expects nothing",
            path.display()
        );
        assert!(report.balanced, "{}: {:?}", path.display(), report.counters);
    }
}

#[test]
fn every_trail_is_in_the_grammar_and_every_drop_at_its_station() {
    for path in designs::all() {
        let mut topology = designs::simulation(&path).topology().clone();
        topology.expectations.clear();
        let everything = vpcsim_analysis::Simulation::new(std::sync::Arc::new(topology));
        let report = everything.run(&Options::default(), &mut |_, _| {});
        assert!(!report.answers.is_empty(), "{} has nobody to ask", path.display());
        for (query, answer) in &report.answers {
            for leg in std::iter::once(&answer.forward).chain(&answer.back) {
                assert_eq!(check_leg(leg), Ok(()), "{}: {query:?} {leg:#?}", path.display());
            }
        }
    }
}
