//! Every explanation code of AWS's Reachability Analyzer that a design can cause, from the smallest design that causes it (RAN-18).
//!
//! `tests/codes/CODE.yaml` is such a design; the line `# flow:` in its head is the flow that fails with the code.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use vpcsim_analysis::{Answer, FlowQuery, Options, Simulation};
use vpcsim_import::{Source, read};
use vpcsim_report::explain::analyzer_codes;

/// Why no design here causes some codes, and which.
const NOT_CAUSED: &[(&str, &[&str])] = &[
    (
        "a classic load balancer is not modelled",
        &[
            "ELB_ACL_RESTRICTION",
            "ELB_LISTENER_PORT_RESTRICTION",
            "ELB_LISTENERS_MISMATCH",
        ],
    ),
    (
        "virtual private gateways and VPN connections are not modelled",
        &[
            "BAD_STATE_VPN",
            "TGW_BAD_STATE_VPN",
            "VGW_PRIVATE_IP_ASSOCIATION_FOR_EGRESS",
            "VGW_PRIVATE_IP_ASSOCIATION_FOR_INGRESS",
        ],
    ),
    (
        "Gateway Load Balancers and Network Firewall are not modelled",
        &[
            "FIREWALL_UNSUPPORTED_HIGHER_PRIORITY_RULES",
            "FIREWALL_UNSUPPORTED_HIGHER_PRIORITY_RULE_GROUP_TYPE",
            "FIREWALL_UNSUPPORTED_RULE_OPTIONS",
            "GWLB_DESTINATION_PORT_RESTRICTION",
            "GWLB_PROTOCOL_RESTRICTION",
            "PATH_THROUGH_GWLB_NOT_CHECKED",
        ],
    ),
    (
        "an additional detail of a path that is found, of which answers list none",
        &[
            "ASSUMPTION_PRESERVE_CLIENT_IP_IS_DISABLED",
            "ASSUMPTION_PRESERVE_CLIENT_IP_IS_ENABLED",
            "AVAILABILITY_ZONE_CROSSED",
            "MISSING_TARGET_GROUP_ATTRIBUTES",
            "RESPONSE_RTB_HAS_NO_ROUTE_TO_TRANSIT_GATEWAY",
            "TRANSIT_GATEWAY_APPLIANCE_MODE_RECOMMENDED",
            "UNIDIRECTIONAL_PATH_ANALYSIS_ONLY",
        ],
    ),
    (
        "a limit of a search over all headers, which a packet with its one header never meets",
        &[
            "COMPONENT_FILTER_RESTRICTION",
            "ELBV2_SOURCE_ADDRESS_PRESERVATION",
            "ENI_ADDRESS_RESTRICTION",
            "IGW_DESTINATION_ADDRESS_IN_VPC_CIDRS",
            "IGW_NAT_REFLECTION",
            "NGW_DEST_ADDRESS_PRESERVATION",
            "NGW_SOURCE_ADDRESS_REASSIGN",
            "REMAP_EPHEMERAL_PORT",
            "TARGET_ADDRESS_RESTRICTION",
            "TARGET_PORT_RESTRICTION",
            "TGW_ATTACH_VPC_AZ_RESTRICTION",
        ],
    ),
    (
        "an unknown verdict names what is missing instead",
        &["TGW_RTB_ROUTES_ARE_UNKNOWN", "UNKNOWN_DESTINATION"],
    ),
    (
        "AWS refuses what would cause it, and so does a design",
        &["VPCE_SERVICE_NOT_INSTALLED_IN_AZ"],
    ),
];

fn fixtures() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("codes");
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut files: Vec<PathBuf> = entries.collect();
    files.sort();
    files
}

fn code_of(path: &Path) -> &str {
    path.file_stem().and_then(|stem| stem.to_str()).unwrap()
}

fn answer(path: &Path) -> Answer {
    let text = fs::read_to_string(path).unwrap();
    let flow = text.lines().find_map(|line| line.strip_prefix("# flow: "));
    let flow: FlowQuery = serde_json::from_str(flow.expect("the head says the flow")).unwrap();
    let name = path.display().to_string();
    let design = read(vec![Source {
        name,
        bytes: text.into_bytes(),
    }]);
    let findings: Vec<_> = design.findings.iter().map(|finding| &finding.message).collect();
    assert!(!design.findings.has_errors(), "{}: {findings:#?}", path.display());
    let simulation = Simulation::new(Arc::new(design.topology));
    simulation.trace(&flow, &Options::default()).unwrap().0
}

#[test]
fn each_code_is_caused_by_its_design_and_the_packet_dies_where_the_explanation_says() {
    let mut failures = Vec::new();
    for path in fixtures() {
        let answer = answer(&path);
        let code = code_of(&path);
        let found = answer
            .explanations
            .iter()
            .find(|explanation| explanation.code == code);
        let Some(explanation) = found else {
            let codes: Vec<&str> = answer
                .explanations
                .iter()
                .map(|explanation| explanation.code.as_str())
                .collect();
            failures.push(format!("{code}: explained by {codes:?}, {:?}", answer.forward));
            continue;
        };
        let legs = std::iter::once(&answer.forward).chain(&answer.back);
        let mut dying = legs.filter_map(|leg| leg.component.as_ref());
        let dies_there = dying.any(|component| *component == explanation.component);
        if answer.round_trip || !dies_there {
            failures.push(format!(
                "{code}: round trip {}, {explanation:?}",
                answer.round_trip
            ));
        }
    }
    assert!(failures.is_empty(), "{failures:#?}");
}

#[test]
fn every_code_is_caused_by_a_design_or_said_to_be_caused_by_nothing() {
    let fixtures = fixtures();
    let caused: BTreeSet<&str> = fixtures.iter().map(|path| code_of(path)).collect();
    let excused: BTreeSet<&str> = NOT_CAUSED.iter().flat_map(|(_, codes)| *codes).copied().collect();
    let both: Vec<_> = caused.intersection(&excused).collect();
    assert!(both.is_empty(), "{both:?} are caused after all");
    let all: BTreeSet<&str> = analyzer_codes::ALL.iter().map(|entry| entry.code).collect();
    let known: BTreeSet<&str> = caused.union(&excused).copied().collect();
    let (missing, strange): (Vec<_>, Vec<_>) =
        (all.difference(&known).collect(), known.difference(&all).collect());
    assert!(
        missing.is_empty() && strange.is_empty(),
        "neither caused nor excused: {missing:#?}; unknown: {strange:?}"
    );
}
