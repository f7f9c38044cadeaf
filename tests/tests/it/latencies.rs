//! The time that answers take follows what a design says of its zones and regions.

use std::sync::Arc;

use vpcsim_analysis::{FlowQuery, Options, Simulation};
use vpcsim_import::{Source, read};

const TWO_REGIONS: &str = include_str!("../../../topologies/two-regions.yaml");

/// The time from question to answer in microseconds.
fn rtt_us(text: &str, flow: [&str; 2], port: u16) -> u64 {
    let source = Source {
        name: "two-regions.yaml".into(),
        bytes: text.into(),
    };
    let design = read(vec![source]);
    assert!(!design.findings.has_errors());
    let query = FlowQuery {
        source: flow[0].to_owned(),
        dst: flow[1].to_owned(),
        protocol: "tcp".to_owned(),
        dst_port: Some(port),
        ..FlowQuery::default()
    };
    let simulation = Simulation::new(Arc::new(design.topology));
    let (answer, _) = simulation.trace(&query, &Options::default()).unwrap();
    answer.rtt_ns.expect("it is answered") / 1_000
}

/// The text with other latencies, or none.
fn with_pairs(pairs: &str) -> String {
    let (head, rest) = TWO_REGIONS.split_once("settings:\n").unwrap();
    let (_, tail) = rest.split_once("vpcs:\n").unwrap();
    format!("{head}{pairs}vpcs:\n{tail}")
}

#[test]
fn without_pairs_the_defaults_of_zones_and_regions_count() {
    let text = with_pairs("");
    assert_eq!(rtt_us(&text, ["app-1", "stock-db"], 5432), 2 * 400);
    assert_eq!(rtt_us(&text, ["branch-1", "orders-db"], 5432), 2 * 30_000);
}

#[test]
fn a_pair_of_zones_and_a_pair_of_regions_count_both_ways() {
    assert_eq!(rtt_us(TWO_REGIONS, ["app-1", "stock-db"], 5432), 2 * 130);
    assert_eq!(rtt_us(TWO_REGIONS, ["branch-1", "orders-db"], 5432), 2 * 35_000);
    assert_eq!(rtt_us(TWO_REGIONS, ["app-1", "branch-1"], 22), 2 * 35_000);
}

#[test]
fn what_is_written_for_another_pair_changes_nothing() {
    let pairs = "settings: { latencies: [{ between: [eu-west-1, eu-central-1], one_way: 11ms }] }\n";
    let text = with_pairs(pairs);
    assert_eq!(rtt_us(&text, ["app-1", "stock-db"], 5432), 2 * 400);
    assert_eq!(rtt_us(&text, ["branch-1", "orders-db"], 5432), 2 * 30_000);
}
