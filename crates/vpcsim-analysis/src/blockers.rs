//! All that stands in a flow's way: what else would stop it if its first blocker were mended, there and back.
//!
//! A set with the flow alone walks the network while filters only note what they would drop. Where a route is missing or a gateway
//! refuses, the walk goes on where every other way would lead as well: at the subnet of whoever has the destination. What lies
//! between, a way yet to be made decides, and nothing is said about it; what would come in again by the internet gateway with the address
//! of a NAT gateway is not followed. Instances that forward and load balancers are gone
//! through as far as the design tells what they do.

mod middlebox;
mod notes;
mod search;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::answer::{Answer, FlowQuery};
use crate::endpoint::QuestionError;
use crate::simulation::Simulation;
use search::Search;

/// Something that stops a flow.
#[derive(Clone, Debug, PartialEq, Eq, JsonSchema, Serialize, Deserialize)]
pub struct Blocker {
    /// `forward` or `return`.
    pub direction: String,
    /// The reason's name (`SG_INGRESS`).
    pub reason: String,
    /// The component.
    pub component: String,
    /// Why, in words.
    pub detail: String,
    /// The rule that came nearest to letting the flow pass.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nearest: Option<String>,
    /// The smallest change that would let the flow pass here: which rule, and where.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub change: Option<String>,
}

impl Simulation {
    /// Everything that stops a flow, in the order of its way, there and back; what stopped its packets is always part of it.
    ///
    /// # Errors
    /// [`QuestionError`] if the query names nobody or asks for what cannot be sent.
    pub fn blockers(&self, query: &FlowQuery, answer: &Answer) -> Result<Vec<Blocker>, QuestionError> {
        if answer.round_trip {
            return Ok(Vec::new());
        }
        let question = self.question(query)?;
        let mut blockers = Search::new(self, query).run(&question);
        if let Some(seen) = seen_by_packets(answer) {
            insert(seen, &mut blockers);
        }
        Ok(blockers)
    }
}

/// What stopped the packets that were sent.
fn seen_by_packets(answer: &Answer) -> Option<Blocker> {
    let (direction, leg) = match &answer.back {
        _ if answer.forward.reason.is_some() => ("forward", &answer.forward),
        Some(back) => ("return", back),
        None => return None,
    };
    let mut explanations = answer.explanations.iter();
    let explained = explanations.find(|explanation| explanation.direction == direction);
    Some(Blocker {
        direction: direction.to_owned(),
        reason: leg.reason.clone()?,
        component: leg.component.clone().unwrap_or_default(),
        detail: explained.map_or_else(String::new, |explanation| explanation.detail.clone()),
        nearest: explained.and_then(|explanation| explanation.nearest.clone()),
        change: explained.and_then(|explanation| explanation.help.clone()),
    })
}

/// Adds what only packets meet, such as a connection that nobody knows, before what sets found of the same direction.
fn insert(seen: Blocker, blockers: &mut Vec<Blocker>) {
    let is_known = |known: &Blocker| (&known.direction, &known.reason) == (&seen.direction, &seen.reason);
    if blockers.iter().any(is_known) {
        return;
    }
    let is_same_way = |known: &Blocker| known.direction == seen.direction;
    let end = if seen.direction == "forward" {
        0
    } else {
        blockers.len()
    };
    let at = blockers.iter().position(is_same_way).unwrap_or(end);
    blockers.insert(at, seen);
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::fixtures;
    use crate::simulation::Options;

    #[test]
    fn nothing_stands_in_the_way_of_a_flow_that_works() {
        let simulation = Simulation::new(Arc::new(fixtures::shop().topology));
        let query = |dst: &str, port| FlowQuery {
            source: "web-1".to_owned(),
            dst: dst.to_owned(),
            protocol: "tcp".to_owned(),
            dst_port: Some(port),
            ..FlowQuery::default()
        };
        let blockers = |query: FlowQuery| {
            let (answer, _) = simulation.trace(&query, &Options::default()).unwrap();
            simulation.blockers(&query, &answer)
        };
        assert_eq!(blockers(query("db-1", 5432)), Ok(Vec::new()));
        let stopped = blockers(query("db-1", 22)).unwrap();
        let reasons: Vec<&str> = stopped.iter().map(|blocker| blocker.reason.as_str()).collect();
        assert_eq!(reasons, ["SG_INGRESS"]);
        assert!(
            stopped[0]
                .change
                .as_ref()
                .is_some_and(|change| change.contains("tcp 22 from"))
        );
    }

    #[test]
    fn what_only_packets_meet_stands_before_what_sets_found_on_the_same_way() {
        let blocker = |direction: &str, reason: &str| Blocker {
            direction: direction.to_owned(),
            reason: reason.to_owned(),
            component: String::new(),
            detail: String::new(),
            nearest: None,
            change: None,
        };
        let sets = || vec![blocker("forward", "SG_INGRESS"), blocker("return", "NACL_EGRESS")];
        let after = |seen: Blocker| {
            let mut all = sets();
            insert(seen, &mut all);
            all.into_iter().map(|blocker| blocker.reason).collect::<Vec<_>>()
        };
        assert_eq!(
            after(blocker("forward", "SG_INGRESS")),
            ["SG_INGRESS", "NACL_EGRESS"]
        );
        assert_eq!(
            after(blocker("forward", "MIDDLEBOX_FIREWALL")),
            ["MIDDLEBOX_FIREWALL", "SG_INGRESS", "NACL_EGRESS"]
        );
        assert_eq!(
            after(blocker("return", "NAT_NO_STATE")),
            ["SG_INGRESS", "NAT_NO_STATE", "NACL_EGRESS"]
        );
    }
}
