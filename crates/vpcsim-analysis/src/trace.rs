//! One flow there and back: the answer to a [`FlowQuery`].

use std::cell::RefCell;
use std::collections::BTreeSet;

use vpcsim_aws::devices::Instance;
use vpcsim_aws::{Resource, Unread, drop_reason};
use vpcsim_engine::wire::{FlowKey, icmp, summarize};
use vpcsim_engine::{Network, NodeId};
use vpcsim_hosts::{self as hosts, Outcome};

use crate::answer::{Answer, Capture, FlowQuery, Leg, Observed, UnreadNote, Verdict};
use crate::endpoint::QuestionError;
use crate::explain::Explainer;
use crate::legs;
use crate::question::Question;
use crate::recorder::{Recorder, Trail};
use crate::simulation::{Options, Simulation};
use crate::unread::{Relation, Touched};

/// Asks one question after the other, each in a network in its first state.
///
/// A network that was asked is taken back to its first state, which costs as much as the flow reached, however large the design is.
pub struct Tracer<'s> {
    simulation: &'s Simulation,
    options: Options,
    network: Network,
    is_fresh: bool,
}

impl<'s> Tracer<'s> {
    /// A tracer in a design.
    pub fn new(simulation: &'s Simulation, options: &Options) -> Self {
        Self {
            simulation,
            network: simulation.recorded_network(options),
            options: options.clone(),
            is_fresh: true,
        }
    }

    /// What [`Simulation::trace`] answers.
    ///
    /// # Errors
    /// [`QuestionError`] if the query names nobody or asks for what cannot be sent.
    pub fn trace(&mut self, query: &FlowQuery) -> Result<(Answer, Capture), QuestionError> {
        let question = self.simulation.question(query)?;
        if !std::mem::replace(&mut self.is_fresh, false) {
            self.simulation.renew(&mut self.network, &self.options);
        }
        let answer = self.simulation.answer(&mut self.network, &question, query);
        let capture = self.simulation.capture_of(&mut self.network, &self.options);
        Ok((answer, capture))
    }
}

impl Simulation {
    /// Sends one flow through a network of its own, and says what became of it.
    ///
    /// # Errors
    /// [`QuestionError`] if the query names nobody or asks for what cannot be sent. A destination that nobody has is no
    /// error but a flow that fails.
    pub fn trace(&self, query: &FlowQuery, options: &Options) -> Result<(Answer, Capture), QuestionError> {
        Tracer::new(self, options).trace(query)
    }

    /// Asks the question in a network that may have been used before.
    pub(crate) fn answer(&self, network: &mut Network, question: &Question, query: &FlowQuery) -> Answer {
        self.answer_with_outcome(network, question, query).0
    }

    /// The same with what the source observed.
    pub(crate) fn answer_with_outcome(
        &self,
        network: &mut Network,
        question: &Question,
        query: &FlowQuery,
    ) -> (Answer, Option<Outcome>) {
        let next = network.next_packet_id();
        if let Some(recorder) = network.observer_mut::<Recorder>() {
            recorder.forget_trails_before(next);
        }
        let asked = question.ask(network);
        question.run(network, asked);
        let outcome = question.outcome(network, asked).cloned();
        let (mut answer, missing_peers) = match network.observer_mut::<Recorder>() {
            Some(recorder) => self.read_trails(recorder, question, outcome.as_ref()),
            None => (self.unsent(question.node), Vec::new()),
        };
        answer.id.clone_from(&query.id);
        note_observed(&mut answer, question, outcome.as_ref());
        self.note_unread(&mut answer, question, missing_peers);
        self.note_assumptions(&mut answer);
        (answer, outcome)
    }

    /// What says why packets were dropped.
    pub(crate) fn explainer(&self) -> Explainer<'_> {
        Explainer {
            compiled: self.compiled(),
            directory: self.directory(),
            advised: RefCell::default(),
        }
    }

    fn unsent(&self, node: NodeId) -> Answer {
        let info = drop_reason::info(drop_reason::NOT_SENT).expect("the reason is in the list");
        let forward = legs::nothing_sent(self.compiled(), node);
        Answer {
            explanations: vec![crate::answer::Explanation {
                code: info.analyzer_code.unwrap_or(info.name).to_owned(),
                component: forward.component.clone().unwrap_or_default(),
                direction: "forward".to_owned(),
                detail: info.words.to_owned(),
                nearest: None,
                help: Some("start the instance, and give it an interface".to_owned()),
            }],
            ..unanswered(forward)
        }
    }

    /// The answer that the trails give, and what is missing from the rules that stopped them.
    fn read_trails(
        &self,
        recorder: &Recorder,
        question: &Question,
        outcome: Option<&Outcome>,
    ) -> (Answer, Vec<String>) {
        let Some((forward, back)) = trails(recorder, question, outcome) else {
            return (self.unsent(question.node), Vec::new());
        };
        let Some(start) = forward.steps.first().map(|step| step.time) else {
            return (self.unsent(question.node), Vec::new());
        };
        let explainer = self.explainer();
        let mut answer = unanswered(legs::leg(self.compiled(), forward, start));
        answer.back = back.map(|back| legs::leg(self.compiled(), back, start));
        answer.explanations = explainer.explain(forward, &answer.forward, false);
        if let (Some(back), Some(leg)) = (back, &answer.back) {
            answer.explanations.extend(explainer.explain(back, leg, true));
        }
        let mut missing_peers = explainer.missing_peers(forward);
        missing_peers.extend(back.into_iter().flat_map(|back| explainer.missing_peers(back)));
        (answer, missing_peers)
    }

    /// Notes the instances on the way of which only their routes say that they forward.
    fn note_assumptions(&self, answer: &mut Answer) {
        let legs = std::iter::once(&answer.forward).chain(&answer.back);
        let hops = legs
            .flat_map(|leg| &leg.trail)
            .filter(|hop| hop.kind == Instance::NOUN);
        let passed: BTreeSet<&str> = hops.map(|hop| hop.component.as_str()).collect();
        if passed.is_empty() {
            return;
        }
        let topology = self.topology();
        let assumed = self.directory().assumed.iter();
        let on_its_way = assumed
            .map(|id| &topology.instances[*id])
            .filter(|instance| passed.contains(instance.label.id_or_name()));
        let notes: Vec<UnreadNote> = on_its_way
            .map(|instance| UnreadNote {
                what: format!("software of {} {}", Instance::NOUN, instance.label.id_or_name()),
                effect: "it is assumed to forward whatever its routes bring, without a firewall of its own"
                    .to_owned(),
            })
            .collect();
        answer.unread.extend(notes);
    }

    /// Notes what was not understood and could change the answer; what the answer rests on makes it unknown.
    fn note_unread(&self, answer: &mut Answer, question: &Question, missing_peers: Vec<String>) {
        let topology = self.topology();
        if topology.unread.is_empty() {
            return;
        }
        let touched = Touched::new(self.directory(), question, missing_peers);
        for unread in &topology.unread {
            let relation = touched.relation(unread, answer);
            answer.unknown |= relation == Relation::Decides;
            if relation > Relation::None {
                answer.unread.push(note(unread));
            }
        }
    }
}

/// The answer of which only the way there is known.
fn unanswered(forward: Leg) -> Answer {
    Answer {
        id: String::new(),
        round_trip: false,
        unknown: false,
        observed: Observed::NoReply,
        reply_ttl: None,
        rtt_ns: None,
        explanations: Vec::new(),
        forward,
        back: None,
        unread: Vec::new(),
    }
}

/// The trails of the question's first packet and of the first one that answers it; `None` if nothing was sent.
pub(crate) fn trails<'r>(
    recorder: &'r Recorder,
    question: &Question,
    outcome: Option<&Outcome>,
) -> Option<(&'r Trail, Option<&'r Trail>)> {
    let is_first = |trail: &&Trail| {
        trail.origin() == Some(question.node)
            && trail
                .first_key
                .is_some_and(|key| question.is_sent_as(key, outcome))
    };
    let forward = recorder.trails().find(is_first)?;
    Some((forward, first_answer(recorder, question.node, forward)))
}

fn note_observed(answer: &mut Answer, question: &Question, outcome: Option<&Outcome>) {
    let is_tcp = question.protocol == vpcsim_engine::wire::Protocol::TCP;
    answer.observed = if is_tcp {
        Observed::Filtered
    } else {
        Observed::NoReply
    };
    if let Some(outcome) = outcome {
        answer.observed = observed(outcome, question);
        answer.reply_ttl = outcome.reply_ttl;
        answer.rtt_ns = outcome.rtt.map(vpcsim_engine::Span::as_ns);
    }
    answer.round_trip = matches!(
        answer.observed,
        Observed::Open | Observed::Closed | Observed::Reply
    );
    let legs = std::iter::once(&answer.forward).chain(&answer.back);
    let is_blocked_by_unknown = legs.into_iter().any(|leg: &Leg| leg.verdict == Verdict::Unknown);
    answer.unknown = is_blocked_by_unknown && !answer.round_trip;
}

fn note(unread: &Unread) -> UnreadNote {
    UnreadNote {
        what: format!("{} {}", unread.noun, unread.name),
        effect: unread.effect.clone(),
    }
}

fn observed(outcome: &Outcome, question: &Question) -> Observed {
    match outcome.observed {
        hosts::Observed::Open => Observed::Open,
        hosts::Observed::Closed => Observed::Closed,
        hosts::Observed::Filtered => Observed::Filtered,
        hosts::Observed::Reply => Observed::Reply,
        hosts::Observed::NoReply => {
            let is_closed = outcome.unreachable.is_some_and(|error| {
                error.icmp_type == icmp::DESTINATION_UNREACHABLE
                    && error.code == icmp::PORT_UNREACHABLE
                    && error.from == question.destination
            });
            if is_closed {
                Observed::Closed
            } else {
                Observed::NoReply
            }
        }
    }
}

/// The first packet that answers `forward`: from whoever got it, else what the source got instead.
fn first_answer<'r>(recorder: &'r Recorder, source: NodeId, forward: &Trail) -> Option<&'r Trail> {
    let later = || recorder.trails().filter(|trail| trail.packet > forward.packet);
    if let (Some(node), Some(key)) = (forward.delivered_to(), forward.last_key) {
        let from_there = |trail: &&Trail| trail.origin() == Some(node) && answers(trail, key, true);
        if let Some(answer) = later().find(from_there) {
            return Some(answer);
        }
    }
    let key = forward.first_key?;
    later().find(|trail| trail.delivered_to() == Some(source) && answers(trail, key, false))
}

/// Whether a packet has the opposite key, or is an ICMP error about one with the key, as it was sent or as it arrived.
fn answers(trail: &Trail, key: FlowKey, as_sent: bool) -> bool {
    let own = if as_sent { trail.first_key } else { trail.last_key };
    if own == Some(key.reversed()) {
        return true;
    }
    let step = if as_sent {
        trail.steps.first()
    } else {
        trail.steps.last()
    };
    let Some(step) = step else { return false };
    let Ok(summary) = summarize(&step.bytes) else {
        return false;
    };
    summary.is_icmp_error()
        && summary
            .embedded(&step.bytes)
            .is_some_and(|about| about.key == key)
}
