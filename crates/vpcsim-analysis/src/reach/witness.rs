//! Packets that prove exact answers, and that answer where sets cannot.
//!
//! A witness is one flow of real packets at a port inside of an answer or just outside of it. All hosts listen on every port
//! for it: what is asked is the network, not the software.

use std::collections::BTreeSet;
use std::net::Ipv4Addr;
use std::sync::Arc;

use vpcsim_aws::aws_service::ServiceName;
use vpcsim_aws::devices::instance::Listener;
use vpcsim_aws::devices::security_group::Peer;
use vpcsim_aws::sets::{ProtocolRange, TrafficBox, TrafficSet};
use vpcsim_aws::traffic::{Direction, PortRange, Traffic};
use vpcsim_aws::{Protocol, Topology};
use vpcsim_engine::wire::icmp;
use vpcsim_engine::{Network, Random};

use super::pairs::NO_REACH;
use super::{Basis, Outside, PairReach, Reach, ReachQuestion, Reachability};
use crate::answer::{FlowQuery, Verdict};
use crate::question::Question;
use crate::simulation::{Options, Simulation};

/// A protocol without ports, for what rules say of all others.
const OTHER: Protocol = Protocol::GRE;

/// One flow that packets were sent for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Point {
    protocol: Protocol,
    service: u16,
}

/// What packets saw.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Seen {
    /// They arrived, and an answer came back.
    Answered,
    /// They arrived, and no answer came back.
    Arrived,
    /// They did not arrive.
    Nothing,
    /// They ran into something that is not modelled.
    Unknown,
}

/// A witness that contradicts an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Disagreement {
    /// Who sent.
    pub from: String,
    /// Whom to.
    pub to: String,
    /// The protocol and the service.
    pub service: String,
    /// What the exact answer says.
    pub said: Seen,
    /// What packets saw.
    pub seen: Seen,
}

/// How many witnesses agreed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Verification {
    /// How many flows were sent.
    pub witness_count: usize,
    /// Those that contradict.
    pub disagreements: Vec<Disagreement>,
}

/// Sends single flows through a design whose hosts all listen.
struct Prober {
    simulation: Simulation,
    network: Network,
}

impl Prober {
    fn new(topology: &Topology) -> Self {
        let simulation = Simulation::new(Arc::new(listening_everywhere(topology)));
        let network = simulation.recorded_network(&Options::default());
        Self { simulation, network }
    }

    fn between(&mut self, plan: usize, from: Ipv4Addr, to: Ipv4Addr, point: Point) -> Seen {
        let question = self
            .simulation
            .question_from(plan, from, to, (point.protocol, point.service));
        self.ask(&question, point)
    }

    fn ask_from_internet(&mut self, from: Ipv4Addr, to: Ipv4Addr, point: Point) -> Seen {
        let question = self
            .simulation
            .question_from_internet(from, to, (point.protocol, point.service));
        self.ask(&question, point)
    }

    fn ask(&mut self, question: &Question, point: Point) -> Seen {
        if !point.protocol.has_ports() {
            // Without ports flows are not told apart: what earlier ones left behind would let this one pass.
            self.network = self
                .simulation
                .recorded_network_like(&self.network, &Options::default());
        }
        let answer = self
            .simulation
            .answer(&mut self.network, question, &FlowQuery::default());
        question.forget(&mut self.network);
        let arrived = answer.forward.verdict == Verdict::Delivered;
        match (answer.unknown, arrived, answer.round_trip) {
            (true, ..) => Seen::Unknown,
            (_, true, true) => Seen::Answered,
            (_, true, false) => Seen::Arrived,
            // What a gateway answers itself, such as a RST of a load balancer without targets, has reached nobody.
            (_, false, _) => Seen::Nothing,
        }
    }
}

/// The design with hosts that listen on every port, and an internet that answers.
fn listening_everywhere(topology: &Topology) -> Topology {
    let mut topology = topology.clone();
    let all = |protocol| Listener {
        protocol,
        ports: PortRange {
            first: 1,
            last: u16::MAX,
        },
    };
    let listeners = vec![all(Protocol::TCP), all(Protocol::UDP)];
    let ids: Vec<_> = topology.instances.ids().collect();
    for id in ids {
        topology.instances[id].listen.clone_from(&listeners);
    }
    let ids: Vec<_> = topology.managed_hosts.ids().collect();
    for id in ids {
        topology.managed_hosts[id].listen.clone_from(&listeners);
    }
    let ids: Vec<_> = topology.internet_hosts.ids().collect();
    for id in ids {
        topology.internet_hosts[id].listen.clone_from(&listeners);
    }
    topology.settings.internet_answers = true;
    topology
}

impl Reach {
    fn says(&self, point: Point, question: &TrafficSet) -> Option<Seen> {
        let is_in = |set: &TrafficSet| set.from_any_port().contains(point.protocol, 0, point.service);
        if !is_in(question) || self.basis != Basis::Sets || is_in(&self.some_targets) {
            return None;
        }
        let one_way = TrafficSet::from(TrafficBox {
            protocols: ProtocolRange::single(point.protocol),
            service: PortRange::single(point.service),
            source: PortRange::ALL,
        });
        let is_answered = one_way.unanswered().is_empty();
        match (is_in(&self.round_trip), is_in(&self.one_way)) {
            (true, _) if is_answered => Some(Seen::Answered),
            (false, true) if self.depends_on_port => None,
            (true, _) | (false, true) => Some(Seen::Arrived),
            (false, false) => Some(Seen::Nothing),
        }
    }

    /// Ports inside of the answer and just outside of it.
    fn points(&self, question: &TrafficSet) -> Vec<Point> {
        let mut all = self.round_trip.clone();
        all.unite(&self.one_way);
        all.unite(&self.some_targets);
        let mut points = Vec::new();
        for protocol in [Protocol::TCP, Protocol::UDP, Protocol::ICMP] {
            let mut services = BTreeSet::new();
            for range in all
                .services(protocol)
                .into_iter()
                .chain(question.services(protocol))
            {
                services.extend([
                    range.first,
                    range.last,
                    range.first.saturating_sub(1),
                    range.last.saturating_add(1),
                ]);
            }
            if protocol == Protocol::ICMP {
                services.insert(u16::from_be_bytes([icmp::ECHO_REQUEST, 0]));
            }
            let of = |service| Point { protocol, service };
            points.extend(
                services
                    .into_iter()
                    .filter(|service| is_askable(protocol, *service))
                    .map(of),
            );
        }
        points.push(Point {
            protocol: OTHER,
            service: 0,
        });
        points
    }
}

/// Whether hosts send such flows as they are: nobody connects to port 0, pings have no code, and errors and replies are answers to
/// something.
fn is_askable(protocol: Protocol, service: u16) -> bool {
    let [icmp_type, code] = service.to_be_bytes();
    match protocol {
        Protocol::ICMP => match icmp_type {
            icmp::ECHO_REQUEST => code == 0,
            0 | 3 | 11 | 12 => false,
            _ => true,
        },
        _ => service != 0,
    }
}

impl Simulation {
    /// Sends witnesses for the answers: all of them, or a sample of at most `limit` that `seed` draws.
    pub fn verify(&self, found: &Reachability, limit: Option<usize>, seed: u64) -> Verification {
        let mut jobs = jobs(found, seed);
        jobs.retain(|job| self.is_served(job));
        let mut random = Random::new(seed, 1);
        if let Some(limit) = limit.filter(|limit| *limit < jobs.len()) {
            for place in 0..limit {
                let other = place + (random.next_u64() % (jobs.len() - place) as u64) as usize;
                jobs.swap(place, other);
            }
            jobs.truncate(limit);
        }
        let mut prober = Prober::new(self.topology());
        let mut verification = Verification::default();
        for job in &jobs {
            let seen = job.send(found, &mut prober);
            if (job.said, seen) == (Seen::Nothing, Seen::Unknown) {
                // What is not modelled stood before the rule that decides: packets say nothing about it.
                continue;
            }
            verification.witness_count += 1;
            let agrees =
                seen == job.said || job.said == Seen::Arrived && job.is_one_way && seen == Seen::Answered;
            if !agrees {
                verification
                    .disagreements
                    .push(self.disagreement(found, job, seen));
            }
        }
        verification
    }

    /// Whether hosts answer at all: those of AWS's services do on a few ports, whatever is asked of the network.
    fn is_served(&self, job: &Job) -> bool {
        let End::Outside(address) = job.to else {
            return true;
        };
        let mut services = self
            .topology()
            .service_ranges()
            .filter(|(range, _)| range.contains(&address))
            .peekable();
        let listens =
            |ports: &[u16]| job.point.protocol == Protocol::TCP && ports.contains(&job.point.service);
        services.peek().is_none()
            || job.point.protocol == Protocol::ICMP && !job.is_one_way
            || services.any(|(_, ports)| listens(ports))
    }

    fn disagreement(&self, found: &Reachability, job: &Job, seen: Seen) -> Disagreement {
        let name = |end: End| match end {
            End::Inside(endpoint) => self
                .topology()
                .name_of(found.endpoints[endpoint].interface)
                .to_owned(),
            End::Outside(address) => format!("internet ({address})"),
        };
        let Point { protocol, service } = job.point;
        let [icmp_type, code] = service.to_be_bytes();
        let service = match protocol {
            Protocol::ICMP => format!("icmp {icmp_type}/{code}"),
            protocol if protocol.has_ports() => format!("{protocol} {service}"),
            protocol => protocol.to_string(),
        };
        Disagreement {
            from: name(job.from),
            to: name(job.to),
            service,
            said: job.said,
            seen,
        }
    }

    /// Answers by packets what sets left open.
    pub(super) fn ask_the_rest(&self, found: &mut Reachability) {
        let is_open = |reach: &Reach| reach.basis == Basis::Packets;
        let of_internet = found
            .exposure
            .iter()
            .chain(&found.egress)
            .flatten()
            .map(|row| &row.reach);
        if !found.reaches.iter().chain(of_internet).any(is_open) {
            return;
        }
        let points = cut_points(self.topology(), &found.question);
        let mut prober = Prober::new(self.topology());
        let mut pairs = std::mem::take(&mut found.pairs);
        for pair in &mut pairs {
            answer_pair(found, pair, &points, &mut prober);
        }
        pairs.retain(|pair| (pair.apart, pair.together) != (NO_REACH, NO_REACH));
        found.pairs = pairs;
        let mut exposure = std::mem::take(&mut found.exposure);
        let mut egress = std::mem::take(&mut found.egress);
        for class in 0..found.classes.len() {
            let endpoint = found.endpoints[found.classes[class].members[0]].clone();
            for row in exposure.get_mut(class).into_iter().flatten() {
                let Some(public) = endpoint.public else { continue };
                answer_row(row, &points, |outside, point| {
                    prober.ask_from_internet(outside, public, point)
                });
            }
            for row in egress.get_mut(class).into_iter().flatten() {
                answer_row(row, &points, |outside, point| {
                    prober.between(endpoint.plan, endpoint.address, outside, point)
                });
            }
        }
        let keep = |rows: &mut Vec<Outside>| rows.retain(|row| !row.reach.is_nothing());
        exposure.iter_mut().for_each(keep);
        egress.iter_mut().for_each(keep);
        (found.exposure, found.egress) = (exposure, egress);
    }
}

/// One flow to send.
struct Job {
    from: End,
    to: End,
    point: Point,
    said: Seen,
    /// Whether nothing has to answer such a message.
    is_one_way: bool,
}

#[derive(Clone, Copy)]
enum End {
    Inside(usize),
    Outside(Ipv4Addr),
}

impl Job {
    fn send(&self, found: &Reachability, prober: &mut Prober) -> Seen {
        match (self.from, self.to) {
            (End::Inside(from), End::Inside(to)) => {
                let (from, to) = (&found.endpoints[from], &found.endpoints[to]);
                prober.between(from.plan, from.address, to.address, self.point)
            }
            (End::Inside(from), End::Outside(to)) => {
                let from = &found.endpoints[from];
                prober.between(from.plan, from.address, to, self.point)
            }
            (End::Outside(from), End::Inside(to)) => {
                let to = found.endpoints[to]
                    .public
                    .expect("only public addresses are asked from outside");
                prober.ask_from_internet(from, to, self.point)
            }
            (End::Outside(_), End::Outside(_)) => Seen::Unknown,
        }
    }
}

/// Up to this many endpoints each asks each; more are spoken for by a member of each class.
const EACH_ASKS_EACH_MAX: usize = 40;

fn jobs(found: &Reachability, seed: u64) -> Vec<Job> {
    let mut random = Random::new(seed, 0);
    let mut jobs = Vec::new();
    let speakers: Vec<usize> = if found.endpoints.len() <= EACH_ASKS_EACH_MAX {
        (0..found.endpoints.len()).collect()
    } else {
        let mut one_of =
            |class: &super::Class| class.members[(random.next_u64() % class.members.len() as u64) as usize];
        found.classes.iter().map(&mut one_of).collect()
    };
    let question = &found.question.traffic;
    let mut add = |from: End, to: End, reach: &Reach, is_primary: bool| {
        for point in reach.points(question) {
            let is_raw = !point.protocol.has_ports() && point.protocol != Protocol::ICMP;
            if is_raw && !(is_primary && matches!((from, to), (End::Inside(_), End::Inside(_)))) {
                continue;
            }
            if let Some(said) = reach.says(point, question) {
                let is_one_way = is_raw
                    || point.protocol == Protocol::ICMP
                        && point.service.to_be_bytes()[0] != icmp::ECHO_REQUEST;
                jobs.push(Job {
                    from,
                    to,
                    point,
                    said,
                    is_one_way,
                });
            }
        }
    };
    let is_primary = |endpoint: usize| {
        let host = found.endpoints[endpoint].host;
        found.endpoints.iter().position(|other| other.host == host) == Some(endpoint)
    };
    for &from in &speakers {
        if found.question.inside {
            for &to in &speakers {
                // A packet to an address that the sender has itself says nothing about the other owner.
                let is_told_apart = found.endpoints[from].address != found.endpoints[to].address;
                if let Some(reach) = found.between(from, to).filter(|_| is_told_apart) {
                    add(End::Inside(from), End::Inside(to), &reach, is_primary(from));
                }
            }
        }
        let class = found.endpoints[from].class;
        let rows = |table: &[Vec<Outside>]| table.get(class).cloned().unwrap_or_default();
        for row in rows(&found.exposure) {
            row.ranges
                .iter()
                .for_each(|range| add(End::Outside(range.first()), End::Inside(from), &row.reach, false));
        }
        for row in rows(&found.egress) {
            row.ranges
                .iter()
                .for_each(|range| add(End::Inside(from), End::Outside(range.first()), &row.reach, false));
        }
    }
    jobs
}

fn answer_pair(
    found: &mut Reachability,
    pair: &mut PairReach,
    points: &[(Point, TrafficBox)],
    prober: &mut Prober,
) {
    let (from, to) = pair.classes();
    let (one, other) = (&found.classes[from], &found.classes[to]);
    let members = [one.sites.apart(&other.sites), one.sites.together(&other.sites)];
    for (number, members) in [&mut pair.apart, &mut pair.together].into_iter().zip(members) {
        let is_open = found
            .reaches
            .get(*number as usize)
            .is_some_and(|reach| reach.basis == Basis::Packets);
        let Some((from, to)) = members.filter(|_| is_open) else {
            continue;
        };
        let (from, to) = (&found.endpoints[from], &found.endpoints[to]);
        let reach = by_packets(points, |point| {
            prober.between(from.plan, from.address, to.address, point)
        });
        if reach.is_nothing() {
            *number = NO_REACH;
        } else {
            found.reaches[*number as usize] = reach;
        }
    }
}

fn answer_row(
    row: &mut Outside,
    points: &[(Point, TrafficBox)],
    mut ask: impl FnMut(Ipv4Addr, Point) -> Seen,
) {
    let Some(outside) = row.ranges.first().map(|range| range.first()) else {
        return;
    };
    if row.reach.basis == Basis::Packets {
        row.reach = by_packets(points, |point| ask(outside, point));
    }
}

/// One flow for each box that no rule cuts.
fn by_packets(points: &[(Point, TrafficBox)], mut ask: impl FnMut(Point) -> Seen) -> Reach {
    let mut reach = Reach {
        basis: Basis::Packets,
        ..Reach::nothing()
    };
    for (point, spoken_for) in points {
        let is_answered = TrafficSet::from(*spoken_for).unanswered().is_empty();
        match ask(*point) {
            Seen::Arrived if is_answered => reach.one_way.add(*spoken_for),
            Seen::Answered | Seen::Arrived => reach.round_trip.add(*spoken_for),
            Seen::Nothing => {}
            Seen::Unknown => {
                return Reach {
                    basis: Basis::Unknown,
                    ..Reach::nothing()
                };
            }
        }
    }
    if reach.round_trip.is_empty() && reach.one_way.is_empty() {
        Reach::nothing()
    } else {
        reach
    }
}

/// What a question is cut into by all rules of a design: in each box one flow speaks for all.
fn cut_points(topology: &Topology, question: &ReachQuestion) -> Vec<(Point, TrafficBox)> {
    let mut traffic: Vec<Traffic> = Vec::new();
    for (_, acl) in topology.network_acls.iter() {
        let entries = Direction::BOTH
            .into_iter()
            .flat_map(|direction| acl.entries(direction));
        traffic.extend(entries.map(|entry| entry.traffic));
    }
    for (_, group) in topology.security_groups.iter() {
        let rules = Direction::BOTH
            .into_iter()
            .flat_map(|direction| group.rules(direction));
        traffic.extend(
            rules
                .filter(|rule| !matches!(rule.peer, Peer::Missing(_)))
                .map(|rule| rule.traffic),
        );
    }
    for (_, instance) in topology.instances.iter() {
        let rules = instance
            .appliance
            .iter()
            .flat_map(|appliance| &appliance.firewall);
        traffic.extend(rules.map(|rule| rule.traffic));
    }
    traffic.extend(gateway_services(topology));
    let mut points = Vec::new();
    for part in question.traffic.boxes() {
        for protocol in [Protocol::TCP, Protocol::UDP, Protocol::ICMP, OTHER] {
            if !part.protocols.contains(protocol) {
                continue;
            }
            let starts = starts_of(&traffic, protocol, part.service);
            let ends = starts[1..].iter().map(|next| next - 1).chain([part.service.last]);
            for (first, last) in starts.iter().zip(ends) {
                let service = PortRange { first: *first, last };
                let protocols = if protocol == OTHER {
                    others(part.protocols)
                } else {
                    vec![ProtocolRange::single(protocol)]
                };
                let Some(asked) = (*first..=last).find(|service| is_askable(protocol, *service)) else {
                    continue;
                };
                let point = Point {
                    protocol,
                    service: asked,
                };
                points.extend(protocols.into_iter().map(|protocols| {
                    (
                        point,
                        TrafficBox {
                            protocols,
                            service,
                            source: part.source,
                        },
                    )
                }));
            }
        }
    }
    points
}

/// What load balancers and interface endpoints take.
fn gateway_services(topology: &Topology) -> impl Iterator<Item = Traffic> {
    let of = |ports: u16| {
        [
            Traffic::Tcp(PortRange::single(ports)),
            Traffic::Udp(PortRange::single(ports)),
        ]
    };
    let balancers = topology.load_balancers.iter();
    let listeners = balancers.flat_map(|(_, balancer)| &balancer.listeners);
    let endpoints = topology.vpc_endpoints.iter();
    let services = endpoints.filter_map(|(_, endpoint)| endpoint.aws_service());
    let ports = services.flat_map(ServiceName::ports).copied();
    listeners.map(|listener| listener.port).chain(ports).flat_map(of)
}

fn starts_of(traffic: &[Traffic], protocol: Protocol, within: PortRange) -> Vec<u16> {
    let mut starts = BTreeSet::from([within.first]);
    if protocol.has_ports() || protocol == Protocol::ICMP {
        for rule in traffic
            .iter()
            .map(|traffic| TrafficBox::from(*traffic))
            .filter(|rule| rule.protocols.contains(protocol))
        {
            let after = rule.service.last.checked_add(1);
            starts.extend(
                [Some(rule.service.first), after]
                    .into_iter()
                    .flatten()
                    .filter(|start| within.contains(*start)),
            );
        }
        // Mail is a matter of its own (ENI-16).
        starts.extend(
            [25, 26]
                .into_iter()
                .filter(|start| protocol == Protocol::TCP && within.contains(*start)),
        );
        let echo = u16::from_be_bytes([icmp::ECHO_REQUEST, 0]);
        starts.extend(
            [echo, echo + 256]
                .into_iter()
                .filter(|start| protocol == Protocol::ICMP && within.contains(*start)),
        );
    }
    starts.into_iter().collect()
}

/// The protocols of a range but TCP, UDP and ICMP.
fn others(range: ProtocolRange) -> Vec<ProtocolRange> {
    TrafficSet::from(TrafficBox {
        protocols: range,
        ..TrafficBox::ALL
    })
    .other_protocols()
}
