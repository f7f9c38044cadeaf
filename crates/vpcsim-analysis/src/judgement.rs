//! Expectations held against exact answers: every assertion and invariant passes, fails or is unknown, with a flow that shows why.

mod ends;
mod invariants;
pub(crate) mod single_flows;

use std::collections::BTreeSet;
use std::net::Ipv4Addr;

use vpcsim_aws::assertion::{Assertion, Expectations, Expected, Selector};
use vpcsim_aws::sets::TrafficSet;
use vpcsim_aws::{Findings, Origin, Topology};

use crate::answer::{Answer, FlowQuery};
use crate::endpoint::INTERNET;
use crate::reach::{Basis, CLIENT_PORTS, Reach, ReachQuestion, Reachability, SOMEBODY, covers_the_internet};
use crate::simulation::{Options, Simulation};
use single_flows::{as_reach, named, sample_query, samples, witness_of};

/// What became of an assertion or invariant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It holds.
    Passed,
    /// It does not.
    Failed,
    /// Something that is not modelled decides about it.
    Unknown,
    /// It was not judged; why.
    Skipped(String),
}

/// A judged assertion or invariant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Judgement {
    /// What it is called.
    pub id: String,
    /// Where it stands.
    pub origin: Origin,
    /// What was expected, in words.
    pub expected: String,
    /// What became of it.
    pub outcome: Outcome,
    /// How bad a failure is, in the author's words.
    pub severity: Option<String>,
    /// What is otherwise than expected, a line each.
    pub details: Vec<String>,
    /// The code of the first reason that shows it (`SG_INGRESS`), or one of the judgement's own.
    pub code: String,
    /// A flow that shows it, with its answer.
    pub witness: Option<Box<(FlowQuery, Answer)>>,
    /// What would have been right to expect, where one word says it.
    pub today: Option<Expected>,
    /// Where that word stands.
    pub expected_origin: Origin,
}

/// Up to so many flows that are otherwise than expected are listed.
const DETAILS_MAX: usize = 10;

/// One end of an assertion.
#[derive(Clone, Debug, PartialEq, Eq)]
enum End {
    Internet,
    Endpoints(Vec<usize>),
    /// Somebody that only packets are sent to or from: an address, a host on the internet, a load balancer.
    Named(String),
}

impl Simulation {
    /// Judges everything that is expected.
    ///
    /// # Errors
    /// What is wrong with the expectations: they select nobody, name what the design does not have, or contradict one another.
    pub fn judge(&self, expectations: &Expectations) -> Result<Vec<Judgement>, Findings> {
        let found = self.reach(&ReachQuestion::everything());
        let judge = Judge {
            simulation: self,
            found: &found,
        };
        let ends = judge.ends(expectations)?;
        let assertions = expectations.assertions.iter().zip(&ends);
        let mut judgements: Vec<Judgement> = assertions
            .map(|(assertion, (from, to))| judge.assertion(assertion, from, to))
            .collect();
        judgements.extend(expectations.invariants.iter().map(|line| judge.invariant(line)));
        Ok(judgements)
    }
}

struct Judge<'s> {
    simulation: &'s Simulation,
    found: &'s Reachability,
}

/// A flow between two ends with what is known of it.
struct Seen {
    from: String,
    to: String,
    reach: Reach,
    asked: TrafficSet,
    query: Option<FlowQuery>,
}

impl Judge<'_> {
    fn topology(&self) -> &Topology {
        self.simulation.topology()
    }

    fn assertion(&self, assertion: &Assertion, from: &End, to: &End) -> Judgement {
        let mut judgement = Judgement {
            id: assertion.id.clone(),
            origin: assertion.origin,
            expected: expected_words(assertion),
            outcome: Outcome::Passed,
            severity: assertion.severity.clone(),
            details: Vec::new(),
            code: String::new(),
            witness: None,
            today: None,
            expected_origin: assertion.expected_origin,
        };
        if let Some(why) = &assertion.skip {
            judgement.outcome = Outcome::Skipped(why.clone());
            return judgement;
        }
        let flows = self.flows(assertion, from, to);
        self.judge_flows(assertion, &flows, &mut judgement);
        judgement
    }

    fn flows(&self, assertion: &Assertion, from: &End, to: &End) -> Vec<Seen> {
        let asked = ReachQuestion::about(&assertion.services, CLIENT_PORTS).traffic;
        match (from, to) {
            (End::Endpoints(senders), End::Endpoints(receivers)) => {
                let pairs = senders
                    .iter()
                    .flat_map(|from| receivers.iter().map(move |to| (*from, *to)));
                let seen = pairs.filter_map(|(from, to)| {
                    let reach = self.found.between(from, to)?;
                    let (one, other) = (&self.found.endpoints[from], &self.found.endpoints[to]);
                    let query = FlowQuery {
                        source: one.address.to_string(),
                        bind: Some(one.address),
                        dst: other.address.to_string(),
                        ..FlowQuery::default()
                    };
                    Some(Seen {
                        from: self.name(from),
                        to: self.name(to),
                        reach,
                        asked: asked.clone(),
                        query: Some(query),
                    })
                });
                seen.collect()
            }
            (End::Internet, End::Endpoints(receivers)) => receivers
                .iter()
                .flat_map(|to| self.with_internet(*to, &asked, true))
                .collect(),
            (End::Endpoints(senders), End::Internet) => senders
                .iter()
                .flat_map(|from| self.with_internet(*from, &asked, false))
                .collect(),
            _ => self.named(assertion, (from, &assertion.from), (to, &assertion.to)),
        }
    }

    fn name(&self, endpoint: usize) -> String {
        let host = self.found.endpoints[endpoint].host;
        self.topology()
            .label(host)
            .map_or_else(String::new, |label| label.name.clone())
    }

    /// What each part of the internet reaches of an endpoint, or the endpoint of it.
    fn with_internet(&self, endpoint: usize, asked: &TrafficSet, is_inwards: bool) -> Vec<Seen> {
        let known = &self.found.endpoints[endpoint];
        let rows = if is_inwards {
            &self.found.exposure[known.class]
        } else {
            &self.found.egress[known.class]
        };
        let seen = |reach: Reach, outside: Option<Ipv4Addr>| {
            let query = if is_inwards {
                let dst = known.public.unwrap_or(known.address).to_string();
                FlowQuery {
                    source: "internet".to_owned(),
                    src_ip: outside,
                    dst,
                    ..FlowQuery::default()
                }
            } else {
                let dst = outside.unwrap_or(SOMEBODY).to_string();
                FlowQuery {
                    source: known.address.to_string(),
                    bind: Some(known.address),
                    dst,
                    ..FlowQuery::default()
                }
            };
            let (internet, name) = ("internet".to_owned(), self.name(endpoint));
            let (from, to) = if is_inwards {
                (internet, name)
            } else {
                (name, internet)
            };
            Seen {
                from,
                to,
                reach,
                asked: asked.clone(),
                query: Some(query),
            }
        };
        let mut all: Vec<Seen> = rows
            .iter()
            .map(|row| seen(row.reach.clone(), row.somebody()))
            .collect();
        if !covers_the_internet(rows) {
            all.push(seen(Reach::nothing(), None));
        }
        all
    }

    /// Flows from or to somebody who is meant by an address or a name that the DNS or the internet has.
    fn named(&self, assertion: &Assertion, from: (&End, &Selector), to: (&End, &Selector)) -> Vec<Seen> {
        let words = |(end, selector): (&End, &Selector)| -> Vec<String> {
            match end {
                End::Internet => vec![INTERNET.to_owned()],
                End::Named(text) => vec![text.clone()],
                End::Endpoints(list) if is_choosy(&selector.text) => list
                    .iter()
                    .map(|endpoint| self.found.endpoints[*endpoint].address.to_string())
                    .collect(),
                End::Endpoints(_) => vec![selector.text.clone()],
            }
        };
        let mut seen = Vec::new();
        for source in words(from) {
            for dst in words(to) {
                match self.by_sets(assertion, &source, &dst) {
                    Some(exact) => seen.push(exact),
                    None => seen.extend(self.by_packets(assertion, &source, &dst)),
                }
            }
        }
        seen
    }

    /// The exact answer about a flow to an address that an interface of the design has.
    fn by_sets(&self, assertion: &Assertion, source: &str, dst: &str) -> Option<Seen> {
        let query = FlowQuery {
            source: source.to_owned(),
            dst: dst.to_owned(),
            ..FlowQuery::default()
        };
        let precise = FlowQuery {
            protocol: "tcp".to_owned(),
            dst_port: Some(443),
            ..query.clone()
        };
        let question = self.simulation.question(&precise).ok()?;
        let reach = self
            .simulation
            .reach_of_address(self.found, &question.source, question.destination)?;
        Some(Seen {
            from: source.to_owned(),
            to: dst.to_owned(),
            reach,
            asked: ReachQuestion::about(&assertion.services, CLIENT_PORTS).traffic,
            query: Some(query),
        })
    }

    /// One flow for the first and the last port of each service.
    fn by_packets(&self, assertion: &Assertion, source: &str, dst: &str) -> Vec<Seen> {
        let services = assertion.services.iter().flat_map(|service| samples(*service));
        let seen = services.filter_map(|service| {
            let query = sample_query(source, dst, service);
            let (answer, _) = self.simulation.trace(&query, &Options::default()).ok()?;
            let asked = ReachQuestion::about(&[service], CLIENT_PORTS).traffic;
            Some(Seen {
                from: source.to_owned(),
                to: dst.to_owned(),
                reach: as_reach(&answer, &asked),
                asked,
                query: Some(query),
            })
        });
        seen.collect()
    }

    fn judge_flows(&self, assertion: &Assertion, flows: &[Seen], judgement: &mut Judgement) {
        let passing = |seen: &Seen| {
            let mut set = seen.reach.round_trip.clone();
            if !assertion.round_trip {
                set.unite(&seen.reach.one_way);
            }
            set.from_any_port().intersection(&seen.asked)
        };
        // What a load balancer's choice decides about is neither reachable nor unreachable.
        let possible = |seen: &Seen| {
            let mut set = passing(seen);
            set.unite(&seen.reach.some_targets.from_any_port().intersection(&seen.asked));
            set
        };
        if let Some(unknown) = flows.iter().find(|seen| seen.reach.basis == Basis::Unknown) {
            judgement.outcome = Outcome::Unknown;
            "NOT_MODELLED".clone_into(&mut judgement.code);
            judgement.details.push(format!(
                "{} -> {}: something on the way is not modelled",
                unknown.from, unknown.to
            ));
            return;
        }
        let all = flows
            .iter()
            .all(|seen| seen.asked.without(&passing(seen)).is_empty());
        let none = flows.iter().all(|seen| possible(seen).is_empty());
        let today = match (all, none) {
            (true, false) => Expected::Reachable,
            (false, true) => Expected::Unreachable,
            _ => Expected::Partial,
        };
        judgement.today = Some(today);
        if today != assertion.expected {
            judgement.outcome = Outcome::Failed;
        }
        for seen in flows {
            let passes = passing(seen);
            let off = match assertion.expected {
                Expected::Reachable => seen.asked.without(&passes),
                Expected::Unreachable => possible(seen),
                Expected::Partial if today == Expected::Partial => TrafficSet::nothing(),
                Expected::Partial => seen.asked.clone(),
            };
            self.note(assertion, seen, &off, judgement);
        }
        if judgement.outcome == Outcome::Passed {
            self.check_ways(assertion, flows, judgement);
        }
        let more = judgement.details.len().saturating_sub(DETAILS_MAX);
        if more > 0 {
            judgement.details.truncate(DETAILS_MAX);
            judgement.details.push(format!("and {more} more"));
        }
    }

    /// Notes what is otherwise than expected; the first time with a flow that shows it.
    fn note(&self, assertion: &Assertion, seen: &Seen, off: &TrafficSet, judgement: &mut Judgement) {
        if off.is_empty() {
            return;
        }
        let verb = match assertion.expected {
            Expected::Reachable if seen.reach.one_way.from_any_port().intersection(off).is_empty() => {
                "is not reachable"
            }
            Expected::Reachable => "gets no answer back",
            Expected::Unreachable => "is reachable",
            Expected::Partial => "is wholly open or wholly closed",
        };
        judgement
            .details
            .push(format!("{} -> {}: {off} {verb}", seen.from, seen.to));
        if judgement.witness.is_none() {
            self.show(seen, off, judgement);
        }
    }

    fn show(&self, seen: &Seen, off: &TrafficSet, judgement: &mut Judgement) {
        let Some(query) = seen.query.as_ref().and_then(|query| witness_of(query, off)) else {
            return;
        };
        let Ok((answer, _)) = self.simulation.trace(&query, &Options::default()) else {
            return;
        };
        judgement.code = answer
            .explanations
            .first()
            .map_or_else(|| "REACHABLE".to_owned(), |first| first.code.clone());
        judgement.witness = Some(Box::new((named(self.simulation, &query), answer)));
    }

    /// Whether what passes goes the way that it shall, and what is stopped is for the reason that it shall.
    fn check_ways(&self, assertion: &Assertion, flows: &[Seen], judgement: &mut Judgement) {
        for seen in flows {
            let is_open = !seen
                .reach
                .round_trip
                .from_any_port()
                .intersection(&seen.asked)
                .is_empty();
            let wants_way = !assertion.via.is_empty() || !assertion.never_via.is_empty();
            if is_open && wants_way {
                let way = self.way_of(seen);
                let missing = assertion
                    .via
                    .iter()
                    .filter(|name| !way.contains(&name.text))
                    .map(|name| format!("does not go by {}", name.text));
                let forbidden = assertion
                    .never_via
                    .iter()
                    .filter(|name| way.contains(&name.text))
                    .map(|name| format!("goes by {}", name.text));
                for what in missing.chain(forbidden) {
                    judgement.outcome = Outcome::Failed;
                    "WRONG_WAY".clone_into(&mut judgement.code);
                    judgement
                        .details
                        .push(format!("{} -> {}: {what}", seen.from, seen.to));
                }
            }
            if !is_open && !assertion.by.is_empty() {
                self.check_reason(assertion, seen, judgement);
            }
        }
    }

    fn check_reason(&self, assertion: &Assertion, seen: &Seen, judgement: &mut Judgement) {
        let Some(query) = seen
            .query
            .as_ref()
            .and_then(|query| witness_of(query, &seen.asked))
        else {
            return;
        };
        let Ok((answer, _)) = self.simulation.trace(&query, &Options::default()) else {
            return;
        };
        let reasons = std::iter::once(&answer.forward)
            .chain(&answer.back)
            .filter_map(|leg| leg.reason.clone());
        let codes: BTreeSet<String> = reasons
            .chain(
                answer
                    .explanations
                    .iter()
                    .map(|explanation| explanation.code.clone()),
            )
            .collect();
        let is_meant = |code: &String| {
            assertion
                .by
                .iter()
                .any(|wanted| wanted.text.eq_ignore_ascii_case(code))
        };
        if !codes.iter().any(is_meant) {
            let found = codes.iter().cloned().collect::<Vec<_>>().join(", ");
            let wanted: Vec<&str> = assertion.by.iter().map(|code| code.text.as_str()).collect();
            judgement.outcome = Outcome::Failed;
            judgement.code.clone_from(codes.first().unwrap_or(&String::new()));
            judgement.details.push(format!(
                "{} -> {}: stopped by {found}, not by {}",
                seen.from,
                seen.to,
                wanted.join(" or ")
            ));
            let query = named(self.simulation, &query);
            judgement.witness.get_or_insert_with(|| Box::new((query, answer)));
        }
    }

    /// Names and ids of what is on the way of a flow's packets.
    fn way_of(&self, seen: &Seen) -> BTreeSet<String> {
        let set = seen.reach.round_trip.from_any_port().intersection(&seen.asked);
        let query = seen.query.as_ref().and_then(|query| witness_of(query, &set));
        let answer = query.and_then(|query| self.simulation.trace(&query, &Options::default()).ok());
        let hops = answer.into_iter().flat_map(|(answer, _)| answer.forward.trail);
        hops.flat_map(|hop| [hop.component, hop.name]).collect()
    }
}

/// Whether a selector means whoever has some property, and nobody by name.
fn is_choosy(text: &str) -> bool {
    text.contains([':', '*', '/'])
}

fn expected_words(assertion: &Assertion) -> String {
    let services: Vec<String> = assertion.services.iter().map(ToString::to_string).collect();
    format!(
        "{} -> {} {} {}",
        assertion.from.text,
        assertion.to.text,
        services.join(", "),
        assertion.expected.word()
    )
}
