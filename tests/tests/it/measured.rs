//! Agreement with what hosts on real AWS measured: nine networks, every flow of them.
//!
//! The networks lie beside the repository; where they are absent, these tests say so and pass.

use std::fmt::Write as _;
use std::path::Path;
use std::sync::Arc;

use serde_json::Value;
use vpcsim_analysis::grammar::check_leg;
use vpcsim_analysis::{Answer, FlowQuery, Options, Simulation};
use vpcsim_import::read;

use crate::beside;

/// Replies that arrive with at least this time to live were sent inside AWS, where hosts send with 255.
const INSIDE_TTL_MIN: u64 = 250;

/// One measured flow.
pub(crate) struct Measured {
    pub(crate) query: FlowQuery,
    pub(crate) round_trip: bool,
    observed: String,
    reply_ttl: Option<u64>,
}

pub(crate) fn flows(folder: &Path) -> Vec<Measured> {
    let text = std::fs::read_to_string(folder.join("flows.jsonl")).unwrap();
    let flow = |line: &str| {
        let json: Value = serde_json::from_str(line).unwrap();
        let measured = &json["measured"];
        Measured {
            round_trip: measured["round_trip"].as_bool().unwrap(),
            observed: measured["observed"].as_str().unwrap().to_owned(),
            reply_ttl: measured["reply_ttl"].as_u64(),
            query: serde_json::from_value(json).unwrap(),
        }
    };
    text.lines().map(flow).collect()
}

/// How a lab compares: flows that agree, all flows, and those that differ in words.
#[derive(Default)]
struct Agreement {
    agreeing: usize,
    unknown: usize,
    total: usize,
    differing: String,
    /// The flows that differ although the answer claims to know.
    wrong: Vec<String>,
}

fn compare(lab: &str) -> Option<Agreement> {
    let folder = beside::folder(&format!("measured-aws/{lab}"))?;
    let design = read(beside::sources(&folder.join("aws_configs")));
    let simulation = Simulation::new(Arc::new(design.topology));
    let mut agreement = Agreement::default();
    for measured in flows(&folder) {
        let (answer, _) = simulation
            .trace(&measured.query, &Options::default())
            .unwrap_or_else(|error| panic!("{}: {error}", measured.query.id));
        for leg in std::iter::once(&answer.forward).chain(&answer.back) {
            assert_eq!(check_leg(leg), Ok(()), "{}: {leg:#?}", measured.query.id);
        }
        agreement.total += 1;
        agreement.unknown += usize::from(answer.unknown);
        if agrees(&measured, &answer) {
            agreement.agreeing += 1;
        } else {
            agreement
                .wrong
                .extend((!answer.unknown).then(|| measured.query.id.clone()));
            difference(&mut agreement.differing, &measured, &answer);
        }
    }
    println!(
        "{lab}: {}/{} agree, {} unknown",
        agreement.agreeing, agreement.total, agreement.unknown
    );
    print!("{}", agreement.differing);
    Some(agreement)
}

fn agrees(measured: &Measured, answer: &Answer) -> bool {
    let is_inside = |ttl: &u64| *ttl >= INSIDE_TTL_MIN;
    let same_ttl = match measured.reply_ttl.filter(is_inside) {
        Some(ttl) => answer.reply_ttl.map(u64::from) == Some(ttl),
        None => true,
    };
    measured.round_trip == answer.round_trip && same_ttl
}

fn difference(text: &mut String, measured: &Measured, answer: &Answer) {
    let query = &measured.query;
    let port = query.dst_port.map_or(String::new(), |port| format!(" {port}"));
    let leg = |leg: &vpcsim_analysis::Leg| {
        format!(
            "{:?} {} {}",
            leg.verdict,
            leg.reason.as_deref().unwrap_or("-"),
            leg.component.as_deref().unwrap_or("-")
        )
    };
    let back = answer.back.as_ref().map_or("none".to_owned(), leg);
    writeln!(
        text,
        "  {} {} -> {} {}{port}: measured {} ttl {:?}; here {:?} ttl {:?}; there {}; back {back}{}",
        query.id,
        query.source,
        query.dst,
        query.protocol,
        measured.observed,
        measured.reply_ttl,
        answer.observed,
        answer.reply_ttl,
        leg(&answer.forward),
        if answer.unknown { "; unknown" } else { "" }
    )
    .unwrap();
}

fn agrees_in_all(lab: &str, flow_count: usize) {
    if let Some(agreement) = compare(lab) {
        assert_eq!(
            (agreement.agreeing, agreement.total),
            (flow_count, flow_count),
            "\n{}",
            agreement.differing
        );
    }
}

#[test]
fn peering_between_accounts_behaves_as_measured() {
    agrees_in_all("multi_account_vpc_peering", 24);
}

#[test]
fn an_answer_that_leaves_by_a_nat_gateway_dies_as_measured() {
    agrees_in_all("traffic_in_igw_out_ngw", 34);
}

#[test]
fn instances_with_several_interfaces_behave_as_measured() {
    agrees_in_all("instance_multiple_interface", 140);
}

#[test]
fn load_balancers_in_front_of_instances_behave_as_measured() {
    agrees_in_all("nlb_targets_instance", 179);
}

#[test]
fn load_balancers_in_front_of_addresses_behave_as_measured() {
    agrees_in_all("nlb_targets_ip", 268);
}

#[test]
fn a_zone_without_an_attachment_behaves_as_measured() {
    agrees_in_all("tgw_multi_az_intra_region", 188);
}

#[test]
fn transit_gateways_of_two_regions_behave_as_measured() {
    agrees_in_all("tgw_peering", 48);
}

#[test]
fn a_transit_gateway_between_accounts_behaves_as_measured() {
    agrees_in_all("multi_account_vpc_peering_tgw", 24);
}

#[test]
fn gateway_and_interface_endpoints_and_the_services_own_firewall() {
    agrees_in_all("vpc_endpoints", 56);
}
