//! Two opinions about random designs: the engine sends packets, the reference model reads the rules.
//!
//! They have to agree whether the answer comes back and, if not, why. `REFERENCE_DESIGNS` sets how many designs are compared,
//! `REFERENCE_SEED` where to start. A disagreement is shrunk to the few resources that it needs, and printed as a design.

use std::fmt::Write as _;
use std::sync::Arc;

use vpcsim_analysis::{Answer, FlowQuery, Options, Simulation};
use vpcsim_aws::{Topology, drop_reason};
use vpcsim_import::write_native;
use vpcsim_testkit::random_design::random_design;
use vpcsim_testkit::random_flows::random_flows;
use vpcsim_testkit::reference::{Flow, Prediction, Source, Stop, Way, predict};
use vpcsim_testkit::shrink::shrink;
use vpcsim_wire::Protocol;

use crate::print;

const DESIGN_COUNT: u64 = 300;
const FLOWS_PER_DESIGN: usize = 12;

pub(crate) fn from_environment(name: &str, default: u64) -> u64 {
    std::env::var(name).map_or(default, |text| text.parse().unwrap())
}

pub(crate) fn query(topology: &Topology, flow: &Flow) -> FlowQuery {
    let (source, src_ip, bind) = match flow.source {
        Source::Internet(address) => ("internet".to_owned(), Some(address), None),
        Source::Interface(interface, address) => {
            (topology.name_of(interface).to_owned(), None, Some(address))
        }
    };
    FlowQuery {
        source,
        src_ip,
        bind,
        dst: flow.destination.to_string(),
        protocol: flow.protocol.to_string(),
        dst_port: flow.protocol.has_ports().then_some(flow.destination_port),
        src_port: Some(flow.source_port),
        ..FlowQuery::default()
    }
}

fn ask(topology: &Topology, flow: &Flow) -> Answer {
    let simulation = Simulation::new(Arc::new(topology.clone()));
    let (answer, _) = simulation
        .trace(&query(topology, flow), &Options::default())
        .unwrap();
    answer
}

/// What the two disagree about, if they do.
fn disagreement(topology: &Topology, prediction: &Prediction, answer: &Answer) -> Option<String> {
    if prediction.round_trip != answer.round_trip {
        let words = |works| if works { "works" } else { "fails" };
        return Some(format!(
            "the rules say that it {}, the engine that it {}",
            words(prediction.round_trip),
            words(answer.round_trip)
        ));
    }
    let stop = prediction.stop.as_ref()?;
    if stop.reasons.is_empty() {
        return None;
    }
    let found = match (
        &answer.forward.reason,
        answer.back.as_ref().and_then(|leg| leg.reason.as_ref()),
    ) {
        (Some(reason), _) => Some((Way::Forward, reason.as_str())),
        (None, Some(reason)) => Some((Way::Return, reason.as_str())),
        (None, None) => None,
    };
    let names = |reason: &_| drop_reason::info(*reason).map_or("?", |info| info.name);
    let wanted: Vec<&str> = stop.reasons.iter().map(names).collect();
    match found {
        Some((way, reason)) if way == stop.way && wanted.contains(&reason) => {
            another_component(topology, stop, answer)
        }
        found => Some(format!(
            "the rules say {:?} {}, the engine says {found:?}",
            stop.way,
            wanted.join(" or ")
        )),
    }
}

/// Who stops it, where the two do not agree about that although they agree about the reason.
fn another_component(topology: &Topology, stop: &Stop, answer: &Answer) -> Option<String> {
    let wanted = topology.name_of(stop.component?);
    let leg = match stop.way {
        Way::Forward => Some(&answer.forward),
        Way::Return => answer.back.as_ref(),
    };
    let found = leg.and_then(|leg| leg.component.as_deref());
    (found != Some(wanted))
        .then(|| format!("the rules say that {wanted} stops it, the engine says {found:?}"))
}

fn compare(topology: &Topology, flow: &Flow) -> Option<String> {
    disagreement(topology, &predict(topology, flow), &ask(topology, flow))
}

/// The names without which the flow cannot be asked about.
fn named_by(topology: &Topology, flow: &Flow) -> Vec<String> {
    match flow.source {
        Source::Internet(_) => Vec::new(),
        Source::Interface(interface, _) => vec![topology.name_of(interface).to_owned()],
    }
}

/// The flow with the number that its source has in another design.
fn moved(flow: &Flow, names: &[String], topology: &Topology) -> Option<Flow> {
    let Source::Interface(_, address) = flow.source else {
        return Some(*flow);
    };
    let mut interfaces = topology.network_interfaces.iter();
    let (interface, _) = interfaces.find(|(_, row)| names.contains(&row.label.name))?;
    Some(Flow {
        source: Source::Interface(interface, address),
        ..*flow
    })
}

/// Everything that somebody needs who wants to know who is right.
fn report(seed: u64, topology: &Topology, flow: &Flow) -> String {
    let names = named_by(topology, flow);
    let fails =
        |left: &Topology| moved(flow, &names, left).is_some_and(|flow| compare(left, &flow).is_some());
    let small = shrink(topology, &names, fails);
    let flow = moved(flow, &names, &small).unwrap_or(*flow);
    let mut text = String::new();
    let query = query(&small, &flow);
    let _ = writeln!(
        text,
        "seed {seed}: {}",
        compare(&small, &flow).unwrap_or_default()
    );
    let _ = writeln!(
        text,
        "flow: {} {:?} > {} {} {:?}",
        query.source, query.bind, query.dst, query.protocol, query.dst_port
    );
    let _ = writeln!(text, "{}", write_native(&small));
    text + &print::answer(&ask(&small, &flow))
}

#[test]
fn the_engine_and_the_rules_agree_about_random_designs() {
    let first = from_environment("REFERENCE_SEED", 0);
    let count = from_environment("REFERENCE_DESIGNS", DESIGN_COUNT);
    let reports_max = from_environment("REFERENCE_REPORTS", 1) as usize;
    let mut reports = Vec::new();
    let mut disagreements = 0;
    for seed in first..first + count {
        let topology = random_design(seed);
        let simulation = Simulation::new(Arc::new(topology.clone()));
        for flow in random_flows(&topology, seed, FLOWS_PER_DESIGN) {
            let query = query(&topology, &flow);
            let (answer, _) = simulation.trace(&query, &Options::default()).unwrap();
            if disagreement(&topology, &predict(&topology, &flow), &answer).is_some() {
                disagreements += 1;
                if reports.len() < reports_max {
                    reports.push(report(seed, &topology, &flow));
                }
            }
        }
    }
    assert!(
        reports.is_empty(),
        "{disagreements} disagreements\n{}",
        reports.join("\n")
    );
}

#[test]
fn a_disagreement_is_shrunk_to_a_design_that_can_be_read_again() {
    let topology = random_design(3);
    let flows = random_flows(&topology, 3, 1);
    let names = named_by(&topology, &flows[0]);
    let small = shrink(&topology, &names, |_| true);
    let text = write_native(&small);
    let source = vpcsim_import::Source {
        name: "small.yaml".to_owned(),
        bytes: text.clone().into_bytes(),
    };
    let design = vpcsim_import::read(vec![source]);
    assert!(!design.findings.has_errors(), "{:?}\n{text}", design.findings);
    assert!(small.resources().count() < topology.resources().count() / 2);
    assert_ne!(flows[0].protocol, Protocol::GRE);
}
