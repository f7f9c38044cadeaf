//! Exact answers for all pairs, the compilation of the design included: how they grow with interfaces and classes.
//!
//! `REACH_INSTANCES=100000 cargo bench --bench reach` asks about other sizes than those by default.

#![expect(clippy::print_stdout, reason = "a benchmark prints its table")]

use std::sync::Arc;
use std::time::{Duration, Instant};

use vpcsim_analysis::Simulation;
use vpcsim_analysis::reach::{Answered, CLIENT_PORTS, ReachQuestion, difference};
use vpcsim_aws::traffic::{PortRange, Traffic};
use vpcsim_testkit::estate::estate;

const REPETITIONS: usize = 5;

fn question(services: Traffic) -> ReachQuestion {
    ReachQuestion {
        internet: false,
        ..ReachQuestion::about(&[services], CLIENT_PORTS)
    }
}

/// The median of some runs, with what the last one found.
fn measured<T>(mut run: impl FnMut() -> T) -> (Duration, T) {
    let mut times = Vec::new();
    let mut last = None;
    for _ in 0..REPETITIONS {
        let start = Instant::now();
        last = Some(run());
        times.push(start.elapsed());
    }
    times.sort_unstable();
    (times[REPETITIONS / 2], last.expect("there is at least one run"))
}

fn main() {
    let smoke = std::env::args().any(|argument| argument == "--test");
    let sizes: Vec<usize> = match std::env::var("REACH_INSTANCES") {
        Ok(text) => text
            .split(',')
            .map(|size| size.parse().expect("sizes are numbers"))
            .collect(),
        Err(_) if smoke => vec![1_000],
        Err(_) => vec![1_000, 2_000, 5_000, 10_000],
    };
    println!("instances  classes     pairs   compile      port  all ports  and the internet");
    for size in sizes {
        let topology = Arc::new(estate(size));
        let (compile, simulation) = measured(|| Simulation::new(Arc::clone(&topology)));
        let port = question(Traffic::Tcp(PortRange::single(5432)));
        let (one, found) = measured(|| Simulation::new(Arc::clone(&topology)).reach(&port));
        let (all, _) = measured(|| simulation.reach(&question(Traffic::All)));
        let everything = ReachQuestion {
            inside: false,
            ..ReachQuestion::everything()
        };
        let (internet, _) = measured(|| simulation.reach(&everything));
        println!(
            "{size:9}  {:7}  {:8}  {:>8.1?}  {:>8.1?}   {:>8.1?}  {:>8.1?}",
            found.classes.len(),
            found.pairs.len(),
            compile,
            one,
            all,
            internet
        );
    }
    if !smoke {
        measure_difference();
    }
}

/// Two designs of 10,000 instances that differ in one rule.
fn measure_difference() {
    let old = Simulation::new(Arc::new(estate(10_000)));
    let mut changed = estate(10_000);
    let group = changed
        .security_groups
        .ids()
        .nth(3)
        .expect("an estate has groups");
    changed.security_groups[group].ingress.truncate(1);
    let (time, changes) = measured(|| {
        let new = Simulation::new(Arc::new(changed.clone()));
        let question = ReachQuestion {
            internet: false,
            ..ReachQuestion::everything()
        };
        let (was, is) = (old.reach(&question), new.reach(&question));
        let answered = |simulation, found| Answered {
            topology: Simulation::topology(simulation),
            found,
        };
        difference(answered(&old, &was), answered(&new, &is)).len()
    });
    println!("difference of two designs of 10,000: {time:.1?}, {changes} changes");
}
