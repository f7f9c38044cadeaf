//! What another simulator expects of nine small AWS networks: a model's opinion, compared flow by flow.
//!
//! Where this simulator differs, or cannot be asked, [`DIFFERENT`] and [`NOT_ASKED`] say why.

use std::fmt::Write as _;
use std::path::Path;
use std::sync::Arc;

use serde_json::Value;
use vpcsim_analysis::{Answer, FlowQuery, Leg, Options, Simulation, Verdict};
use vpcsim_import::read;

use crate::beside;

/// Networks with the ids of their expectations.
const CASES: [&str; 9] = [
    "test-direct-connect-private-vif",
    "test-load-balancer",
    "test-nat-gateway",
    "test-public-private-subnet",
    "test-subnet",
    "test-transit-gateway",
    "test-transit-gateway-multi-table",
    "test-vpc-endpoint-interface",
    "test-vpc-peering",
];

/// Expectations that ask from a place where no host of a network stands.
const NOT_ASKED: [(u64, &str); 7] = [
    (2, "asks from the VPC's router, which sends nothing of its own"),
    (18, "asks from a virtual private gateway"),
    (19, "asks from a virtual private gateway"),
    (20, "asks from a virtual private gateway"),
    (71, "asks from a network behind Direct Connect"),
    (
        13,
        "asks from the peer's own model of the internet, with a source that no host can have",
    ),
    (
        60,
        "asks for any flow at all; the flows through the load balancer are asked one by one",
    ),
];

/// Expectations that this simulator does not share, and why.
const DIFFERENT: &[(u64, &str)] = &[
    (9, "a route to a virtual private gateway: unknown here"),
    (15, "a route to a virtual private gateway: unknown here"),
    (17, "a route to a virtual private gateway: unknown here"),
    (72, "a route to a virtual private gateway: unknown here"),
];

/// A port that no security group of the cases allows; the peer asks with a protocol number that no host sends.
const CLOSED_PORT: u16 = 7;

/// One expectation, as a question to this simulator.
struct Expected {
    id: u64,
    query: FlowQuery,
    disposition: String,
    /// Gateways on the way, in order.
    gateways: Vec<String>,
    answered: bool,
}

impl Expected {
    fn read(json: &Value) -> Self {
        let text = |key: &str| json[key].as_str().unwrap_or_default();
        let hops = json["expected_hops"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(Value::as_str);
        let is_gateway = |hop: &&str| {
            ["tgw-", "nat-", "igw-"]
                .iter()
                .any(|prefix| hop.starts_with(prefix))
        };
        let port = json["dst_port"].as_u64().map(|port| port as u16);
        let protocol = if text("protocol").starts_with("any") {
            "tcp"
        } else {
            text("protocol")
        };
        let source = text("source");
        let protocol = protocol.split(' ').next().unwrap();
        Self {
            id: json["id"].as_u64().unwrap(),
            disposition: text("expected").to_owned(),
            gateways: hops.filter(is_gateway).map(str::to_owned).collect(),
            answered: text("reverse_expected") == "accepted",
            query: FlowQuery {
                id: json["id"].to_string(),
                source: source.to_owned(),
                src_ip: text("src_ip").parse().ok().filter(|_| source == "internet"),
                dst: text("dst_ip").to_owned(),
                protocol: protocol.to_owned(),
                dst_port: (protocol == "tcp").then(|| port.unwrap_or(CLOSED_PORT)),
                ..FlowQuery::default()
            },
        }
    }

    /// What differs, in words.
    fn difference(&self, answer: &Answer) -> Option<String> {
        let leg = &answer.forward;
        let reason = leg.reason.as_deref().unwrap_or("-");
        let delivered = leg.verdict == Verdict::Delivered;
        let same = !answer.unknown
            && match self.disposition.as_str() {
                "accepted" | "exits_network" => delivered,
                "denied_in" => !delivered && !["NO_ROUTE", "NO_SUCH_ADDRESS"].contains(&reason),
                "no_route" => reason == "NO_ROUTE",
                "null_routed" | "neighbor_unreachable" => !delivered,
                other => panic!("{other} is no disposition"),
            };
        if !same {
            return Some(format!(
                "{} there, here {:?} {reason}",
                self.disposition, leg.verdict
            ));
        }
        if self.answered
            && answer
                .back
                .as_ref()
                .is_none_or(|back| back.verdict != Verdict::Delivered)
        {
            return Some("the answer arrives there, and not here".to_owned());
        }
        let missing = missing_gateway(&self.gateways, leg)?;
        Some(format!("{missing} is on the way there, and not here"))
    }
}

/// The first gateway that the leg does not pass, or not in this order.
fn missing_gateway(gateways: &[String], leg: &Leg) -> Option<String> {
    let mut hops = leg.trail.iter();
    gateways
        .iter()
        .find(|gateway| !hops.any(|hop| hop.component == **gateway))
        .cloned()
}

fn compare(folder: &Path, report: &mut String) -> (usize, usize) {
    let design = read(beside::sources(&folder.join("aws_configs")));
    let simulation = Simulation::new(Arc::new(design.topology));
    let text = std::fs::read_to_string(folder.join("expected.jsonl")).unwrap();
    let (mut agreeing, mut asked) = (0, 0);
    for line in text.lines() {
        let json: Value = serde_json::from_str(line).unwrap();
        let expected = Expected::read(&json);
        if json["kind"] != "trace" || NOT_ASKED.iter().any(|(id, _)| *id == expected.id) {
            continue;
        }
        asked += 1;
        let difference = match simulation.trace(&expected.query, &Options::default()) {
            Ok((answer, _)) => expected.difference(&answer),
            Err(error) => Some(error.to_string()),
        };
        let known = DIFFERENT.iter().any(|(id, _)| *id == expected.id);
        match difference {
            None if known => writeln!(report, "  {} agrees by now", expected.id).unwrap(),
            None => agreeing += 1,
            Some(_) if known => {}
            Some(difference) => writeln!(report, "  {}: {difference}", expected.id).unwrap(),
        }
    }
    (agreeing, asked)
}

#[test]
fn what_a_peer_expects_of_small_networks_holds_or_differs_for_a_reason() {
    let Some(folder) = beside::folder("peer-cases") else {
        return;
    };
    let mut report = String::new();
    let (mut agreeing, mut asked) = (0, 0);
    for case in CASES {
        writeln!(report, "{case}").unwrap();
        let counts = compare(&folder.join(case), &mut report);
        agreeing += counts.0;
        asked += counts.1;
    }
    print!("{agreeing} of {asked} expectations agree\n{report}");
    assert_eq!(agreeing + DIFFERENT.len(), asked, "{report}");
}
