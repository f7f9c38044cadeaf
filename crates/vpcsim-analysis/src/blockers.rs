//! All that stands in a flow's way: what else would stop it if its first blocker were mended, there and back.
//!
//! A set with the flow alone walks the network while filters only note what they would drop. Where a route is missing or a gateway
//! refuses, the walk goes on where every other way would lead as well: at the subnet of whoever has the destination. What lies
//! between, a way yet to be made decides, and nothing is said about it. Instances that forward and load balancers are gone
//! through as far as the design tells what they do.

mod middlebox;
mod search;

use serde::{Deserialize, Serialize};

use crate::answer::FlowQuery;
use crate::endpoint::QuestionError;
use crate::simulation::Simulation;
use search::Search;

/// Something that stops a flow.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
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
    /// Everything that stops a flow, in the order of its way, there and back.
    ///
    /// # Errors
    /// [`QuestionError`] if the query names nobody or asks for what cannot be sent.
    pub fn blockers(&self, query: &FlowQuery) -> Result<Vec<Blocker>, QuestionError> {
        let question = self.question(query)?;
        Ok(Search::new(self, query).run(&question))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::fixtures;

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
        assert_eq!(simulation.blockers(&query("db-1", 5432)), Ok(Vec::new()));
        let stopped = simulation.blockers(&query("db-1", 22)).unwrap();
        let reasons: Vec<&str> = stopped.iter().map(|blocker| blocker.reason.as_str()).collect();
        assert_eq!(reasons, ["SG_INGRESS"]);
        assert!(
            stopped[0]
                .change
                .as_ref()
                .is_some_and(|change| change.contains("tcp 22 from"))
        );
    }
}
