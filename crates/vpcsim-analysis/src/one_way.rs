//! Flows that arrive and whose answers are lost, as findings: each cause once, with a flow of real packets that shows it.
//!
//! The tables say which flows these are ([`reach`](crate::reach)); what only packets could tell is not looked for, and neither is
//! anything in a design of very many interfaces, which a note says.

use std::collections::{BTreeMap, BTreeSet};

use vpcsim_aws::devices::Subnet;
use vpcsim_aws::{Finding, Findings, Id, Origin};

use crate::answer::{Answer, FlowQuery, Hop, Verdict};
use crate::judgement::single_flows::{named, witness_of};
use crate::reach::{Basis, CLIENT_PORTS, Endpoint, Reach, ReachQuestion, Reachability};
use crate::simulation::{Options, Simulation};

/// Designs of more interfaces are not searched: the answer would take longer than a check should.
const INTERFACES_MAX: usize = 20_000;
/// So many flows are sent at the most to find out why answers are lost.
const TRACES_MAX: usize = 200;

impl Simulation {
    /// What arrives while its answer does not, a warning for each cause that none of the `known` findings tells.
    pub fn one_way_paths(&self, known: &Findings) -> Findings {
        let mut findings = Findings::default();
        if self.topology().network_interfaces.len() > INTERFACES_MAX {
            let message =
                format!("one-way paths are not looked for among more than {INTERFACES_MAX} interfaces");
            let finding = Finding::note("one-way-paths-not-searched", Origin::NOWHERE, message);
            findings.push(finding.help("ask `vpcsim reach` for some of them with --from and --to"));
            return findings;
        }
        let found = self.reach_by_sets(&ReachQuestion::everything());
        let mut causes: BTreeMap<Cause, (Finding, bool)> = BTreeMap::new();
        for query in self.suspects(&found, known).into_iter().take(TRACES_MAX) {
            let Some((query, answer)) = self.one_way(&query) else {
                continue;
            };
            let Some(cause) = cause(&answer).filter(|cause| !self.is_told(cause, known)) else {
                continue;
            };
            if let Some((_, is_alone)) = causes.get_mut(&cause) {
                *is_alone = false;
            } else {
                causes.insert(cause, (self.finding(&query, &answer), true));
            }
        }
        for (mut finding, is_alone) in causes.into_values() {
            if !is_alone {
                finding.message.push_str("; so it is between others");
            }
            findings.push(finding);
        }
        findings.sort();
        findings
    }

    /// The flow from the first port of clients or from the last, if its answer is lost: some ways let only some of them through.
    fn one_way(&self, query: &FlowQuery) -> Option<(FlowQuery, Answer)> {
        [CLIENT_PORTS.first, CLIENT_PORTS.last]
            .into_iter()
            .find_map(|port| {
                let query = FlowQuery {
                    src_port: query.dst_port.map(|_| port),
                    ..query.clone()
                };
                let (answer, _) = self.trace(&query, &Options::default()).ok()?;
                let is_lost =
                    answer.forward.verdict == Verdict::Delivered && !answer.round_trip && !answer.unknown;
                is_lost.then_some((query, answer))
            })
    }

    fn finding(&self, query: &FlowQuery, answer: &Answer) -> Finding {
        let shown = named(self, query);
        let service = shown.dst_port.map_or_else(String::new, |port| format!(" {port}"));
        let is_usual = shown.src_port.is_none_or(|port| port == CLIENT_PORTS.first);
        let port = shown
            .src_port
            .filter(|_| !is_usual)
            .map_or_else(String::new, |port| format!("port {port} of "));
        let explained = answer
            .explanations
            .iter()
            .find(|explanation| explanation.direction == "return");
        let why = explained.map_or_else(String::new, |explanation| {
            format!(": {}", explanation.detail.trim_end_matches('.'))
        });
        let message = format!(
            "{}{service} from {port}{} arrives at {}, and its answer is lost{why}",
            shown.protocol, shown.source, shown.dst
        );
        // What AWS makes by itself stands nowhere: then the last before it on the way is the place to look.
        let mut hops = answer.back.iter().flat_map(|leg| leg.trail.iter().rev());
        let origin = hops
            .find_map(|hop| self.origin_of(hop))
            .unwrap_or(Origin::NOWHERE);
        let finding = Finding::warning("one-way-path", origin, message);
        match explained.and_then(|explanation| explanation.help.clone()) {
            Some(help) => finding.help(help),
            None => finding,
        }
    }

    /// Where the component of a station is declared.
    fn origin_of(&self, hop: &Hop) -> Option<Origin> {
        let topology = self.topology();
        let mut labels = topology
            .resources()
            .filter(|any| any.kind.noun() == hop.kind)
            .filter_map(|any| topology.label(any));
        let label = labels.find(|label| label.id_or_name() == hop.component && label.name == hop.name)?;
        Some(label.origin).filter(|origin| origin.is_known())
    }

    /// Whether a finding tells already why answers are lost, or the design's author wants them to be.
    fn is_told(&self, (reason, component, _): &Cause, known: &Findings) -> bool {
        if BLACKHOLES.contains(&reason.as_str()) {
            return true;
        }
        let acls = self.topology().network_acls.iter().map(|(_, acl)| acl);
        let mut entries = acls
            .filter(|acl| acl.label.id_or_name() == component)
            .flat_map(|acl| &acl.ingress);
        entries.any(|entry| is_known_at(known, "network-acl-forgets-answers", entry.origin))
    }
}

/// What loses an answer: the reason, the component, the rule.
type Cause = (String, String, String);

/// Routes that drop on purpose, or that have a finding of their own.
const BLACKHOLES: [&str; 2] = ["BLACKHOLE", "TGW_BLACKHOLE"];

fn is_known_at(known: &Findings, code: &str, origin: Origin) -> bool {
    known
        .iter()
        .any(|finding| finding.code == code && finding.origin == origin)
}

/// What lost the answer, if there was one.
fn cause(answer: &Answer) -> Option<Cause> {
    let back = answer.back.as_ref()?;
    let text = |part: &Option<String>| part.clone().unwrap_or_default();
    Some((back.reason.clone()?, text(&back.component), text(&back.rule)))
}

/// A subnet, or the internet.
type Place = Option<Id<Subnet>>;

/// Flows of which something arrives one way, no two of one pair of places.
#[derive(Default)]
struct Suspects {
    seen: BTreeSet<[Place; 2]>,
    queries: Vec<FlowQuery>,
}

impl Suspects {
    fn add(&mut self, from: Option<&Endpoint>, to: Option<&Endpoint>, reach: &Reach, query: &FlowQuery) {
        let lost = reach.one_way.from_any_port();
        if reach.basis != Basis::Sets || lost.is_empty() {
            return;
        }
        let subnets = [from, to].map(|end| end.map(|end| end.subnet));
        if self.seen.insert(subnets) {
            self.queries.extend(witness_of(query, &lost));
        }
    }
}

impl Simulation {
    fn suspects(&self, found: &Reachability, known: &Findings) -> Vec<FlowQuery> {
        let mut suspects = Suspects::default();
        for pair in &found.pairs {
            let (from, to) = pair.classes();
            for together in [false, true] {
                if let (Some(reach), Some((one, other))) =
                    (found.reach(*pair, together), members(found, from, to, together))
                {
                    let query = FlowQuery {
                        dst: other.address.to_string(),
                        ..sender(one)
                    };
                    suspects.add(Some(one), Some(other), reach, &query);
                }
            }
        }
        for endpoint in found.classes.iter().filter_map(|class| class.members.first()) {
            self.add_with_internet(&found.endpoints[*endpoint], found, known, &mut suspects);
        }
        suspects.queries
    }

    fn add_with_internet(
        &self,
        endpoint: &Endpoint,
        found: &Reachability,
        known: &Findings,
        suspects: &mut Suspects,
    ) {
        let origin = self.topology().network_interfaces[endpoint.interface]
            .label
            .origin;
        let is_told = is_known_at(known, "public-address-without-way-back", origin);
        for outside in found
            .exposure
            .get(endpoint.class)
            .into_iter()
            .flatten()
            .filter(|_| !is_told)
        {
            let query = FlowQuery {
                source: "internet".to_owned(),
                src_ip: outside.somebody(),
                dst: endpoint.public.unwrap_or(endpoint.address).to_string(),
                ..FlowQuery::default()
            };
            suspects.add(None, Some(endpoint), &outside.reach, &query);
        }
        for outside in found.egress.get(endpoint.class).into_iter().flatten() {
            if let Some(address) = outside.somebody() {
                let query = FlowQuery {
                    dst: address.to_string(),
                    ..sender(endpoint)
                };
                suspects.add(Some(endpoint), None, &outside.reach, &query);
            }
        }
    }
}

fn sender(endpoint: &Endpoint) -> FlowQuery {
    FlowQuery {
        source: endpoint.address.to_string(),
        bind: Some(endpoint.address),
        ..FlowQuery::default()
    }
}

/// Two members of the classes, of different hosts, in one subnet or in two.
fn members(found: &Reachability, from: usize, to: usize, together: bool) -> Option<(&Endpoint, &Endpoint)> {
    let of = |class: usize| {
        found.classes[class]
            .members
            .iter()
            .map(|member| &found.endpoints[*member])
    };
    of(from).find_map(|one| {
        let fits = |other: &&Endpoint| one.host != other.host && (one.subnet == other.subnet) == together;
        of(to).find(fits).map(|other| (one, other))
    })
}
