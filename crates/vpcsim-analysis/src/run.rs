//! The whole design in one network: every expectation, or everybody to every service, as real packets.

use vpcsim_aws::devices::instance::Listener;
use vpcsim_aws::{AnyId, Expectation, Kind};
use vpcsim_engine::wire::Protocol;
use vpcsim_engine::{Counters, Network, Span, Time};

use crate::answer::{Answer, Capture, FlowQuery, Leg};
use crate::endpoint::INTERNET;
use crate::simulation::{Options, Simulation};

/// Between the end of one flow and the start of the next.
const PAUSE: Span = Span::from_ms(1);

/// What became of an expectation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExpectationResult {
    /// The line as it was written.
    pub text: String,
    /// Whether it holds. What is unknown never does.
    pub passed: bool,
    /// Whether the answer rests on something that is not modelled.
    pub unknown: bool,
    /// Which of the report's answers it is about; `None` if it could not be asked.
    pub answer: Option<usize>,
    /// Why it holds or not, in a sentence.
    pub why: String,
}

/// What a run found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RunReport {
    /// The design's expectations in order.
    pub expectations: Vec<ExpectationResult>,
    /// Every flow with its answer, in the order in which they were sent.
    pub answers: Vec<(FlowQuery, Answer)>,
    /// What was captured.
    pub capture: Capture,
    /// What became of all packets.
    pub counters: Counters,
    /// Whether every packet is accounted for.
    pub balanced: bool,
    /// How long it took in simulated time.
    pub sim_time: Span,
}

impl RunReport {
    /// Whether every expectation holds; unknown ones do where `allow_unknown` says so.
    pub fn passed(&self, allow_unknown: bool) -> bool {
        self.expectations
            .iter()
            .all(|result| result.passed || (allow_unknown && result.unknown))
    }
}

impl Simulation {
    /// Sends the design's flows one after the other through one network.
    ///
    /// The flows are those of the expectations; of a design without any, a ping of everybody to everybody and a connection of
    /// everybody to every service, the internet included. `progress` hears how many of how many are done.
    pub fn run(&self, options: &Options, progress: &mut dyn FnMut(usize, usize)) -> RunReport {
        let expectations = &self.topology().expectations;
        let queries: Vec<FlowQuery> = if expectations.is_empty() {
            self.everything()
        } else {
            expectations.iter().map(query_of).collect()
        };
        self.run_queries(&queries, options, progress)
    }

    fn run_queries(
        &self,
        queries: &[FlowQuery],
        options: &Options,
        progress: &mut dyn FnMut(usize, usize),
    ) -> RunReport {
        let mut network = self.recorded_network(options);
        let mut report = RunReport::default();
        let mut expectations = self.topology().expectations.iter();
        for (index, query) in queries.iter().enumerate() {
            let answer = match self.question(query) {
                Ok(question) => {
                    let answer = self.answer(&mut network, &question, query);
                    question.forget(&mut network);
                    pause(&mut network);
                    Ok(answer)
                }
                Err(error) => Err(error.to_string()),
            };
            let place = report.answers.len();
            if let Some(expectation) = expectations.next() {
                let judged = answer
                    .as_ref()
                    .map(|answer| (place, answer))
                    .map_err(String::as_str);
                report.expectations.push(judge(expectation, judged));
            }
            if let Ok(answer) = answer {
                report.answers.push((query.clone(), answer));
            }
            progress(index + 1, queries.len());
        }
        report.capture = self.capture_of(&mut network, options);
        report.counters = network.counters();
        report.balanced = report.counters.balance();
        report.sim_time = network.now().since(Time::ZERO);
        report
    }

    /// Everybody to everybody: a ping each, and every service that somebody listens on.
    fn everything(&self) -> Vec<FlowQuery> {
        let targets = self.targets();
        let hosts = targets
            .iter()
            .filter(|target| target.is_inside && !target.is_service)
            .map(|target| target.name.as_str());
        let sources: Vec<&str> = hosts.chain(std::iter::once(INTERNET)).collect();
        let mut queries = Vec::new();
        for source in sources {
            for target in targets.iter().filter(|target| target.name != source) {
                if source == INTERNET && !target.is_inside {
                    continue;
                }
                let ping = (!target.is_service).then_some((Protocol::ICMP, None));
                let services = target
                    .listen
                    .iter()
                    .map(|listener| (listener.protocol, Some(listener.ports.first)));
                for (protocol, port) in ping.into_iter().chain(services) {
                    queries.push(FlowQuery {
                        id: (queries.len() + 1).to_string(),
                        source: source.to_owned(),
                        dst: target.name.clone(),
                        protocol: protocol.to_string(),
                        dst_port: port,
                        ..FlowQuery::default()
                    });
                }
            }
        }
        queries
    }

    fn targets(&self) -> Vec<Target> {
        let topology = self.topology();
        let inside = self
            .compiled()
            .hosts
            .iter()
            .filter(|host| !host.interfaces.is_empty())
            .map(|host| {
                let named = |any: AnyId| topology.label(any).map_or("", |label| label.name.as_str());
                let name = named(host.owner);
                let mut others = self
                    .compiled()
                    .hosts
                    .iter()
                    .filter(|other| other.owner != host.owner);
                let is_unique = others.all(|other| named(other.owner) != name);
                let name = if is_unique {
                    name.to_owned()
                } else {
                    crate::endpoint::unambiguous(self.directory(), host.owner)
                };
                Target {
                    name,
                    listen: host.listen.to_vec(),
                    is_inside: true,
                    is_service: host.owner.kind == Kind::VpcEndpoint,
                }
            });
        let outside = topology.internet_hosts.iter().map(|(_, host)| Target {
            name: host.label.name.clone(),
            listen: host.listen.clone(),
            is_inside: false,
            is_service: false,
        });
        inside.chain(outside).collect()
    }
}

/// Somebody that flows are sent to.
struct Target {
    name: String,
    listen: Vec<Listener>,
    is_inside: bool,
    /// It only answers, and no pings.
    is_service: bool,
}

fn pause(network: &mut Network) {
    let until = network.now() + PAUSE;
    network.run_until(until);
}

/// The flow that an expectation is about.
pub fn query_of(expectation: &Expectation) -> FlowQuery {
    FlowQuery {
        id: expectation.text.clone(),
        source: expectation.from.clone(),
        dst: expectation.to.clone(),
        protocol: expectation.protocol.to_string(),
        dst_port: expectation.port,
        ..FlowQuery::default()
    }
}

fn judge(expectation: &Expectation, answer: Result<(usize, &Answer), &str>) -> ExpectationResult {
    let text = expectation.text.clone();
    match answer {
        Err(error) => ExpectationResult {
            text,
            passed: false,
            unknown: false,
            answer: None,
            why: error.to_owned(),
        },
        Ok((place, answer)) => {
            let (passed, why) = holds(expectation, answer);
            ExpectationResult {
                text,
                passed,
                unknown: answer.unknown,
                answer: Some(place),
                why,
            }
        }
    }
}

/// Whether the answer is the one that was expected, and why.
fn holds(expectation: &Expectation, answer: &Answer) -> (bool, String) {
    let happened = happened(answer);
    if answer.unknown {
        return (false, format!("unknown: {happened}"));
    }
    if expectation.reachable || answer.round_trip {
        return (expectation.reachable == answer.round_trip, happened);
    }
    match &expectation.because {
        None => (true, happened),
        Some(because) if stopped_by(answer, because) => (true, happened),
        Some(because) => (false, format!("{happened}, not because of {because}")),
    }
}

fn happened(answer: &Answer) -> String {
    if answer.round_trip {
        return "an answer came back".to_owned();
    }
    let legs = [
        ("on the way there", Some(&answer.forward)),
        ("on the way back", answer.back.as_ref()),
    ];
    let stop = legs
        .into_iter()
        .find_map(|(way, leg)| Some((way, leg?, leg?.reason.as_ref()?)));
    match stop {
        Some((
            way,
            Leg {
                component: Some(component),
                ..
            },
            reason,
        )) => format!("stopped {way} by {component}: {reason}"),
        Some((way, _, reason)) => format!("stopped {way}: {reason}"),
        None => "nobody answered".to_owned(),
    }
}

/// Whether a leg ended for this drop reason, or one with this explanation code.
fn stopped_by(answer: &Answer, because: &str) -> bool {
    let reasons = std::iter::once(&answer.forward)
        .chain(&answer.back)
        .filter_map(|leg| leg.reason.as_deref());
    let codes = answer
        .explanations
        .iter()
        .map(|explanation| explanation.code.as_str());
    reasons
        .chain(codes)
        .any(|word| word.eq_ignore_ascii_case(because))
}
