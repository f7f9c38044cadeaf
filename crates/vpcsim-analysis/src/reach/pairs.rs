//! All pairs: what every class can send to every other, and whether answers come back.
//!
//! A flow between two interfaces is what the sender's groups let out, what the network between the two carries, what the
//! receiver's groups let in, and the same for its answers. The network between depends on the places alone, so it is walked
//! once for each pair of places; the groups are asked for each pair of classes.

use std::net::Ipv4Addr;
use std::sync::Arc;

use ipnet::Ipv4Net;
use rustc_hash::FxHashMap;
use vpcsim_aws::devices::RouteTable;
use vpcsim_aws::devices::network_interface::{FROM_OWNER, NetworkInterfaceDevice};
use vpcsim_aws::devices::route_table::{Route, RouteDestination, RouteTarget};
use vpcsim_aws::devices::security_group::CompiledRule;
use vpcsim_aws::devices::subnet::{FROM_GATEWAY, LEAVING};
use vpcsim_aws::mark;
use vpcsim_aws::public_address::is_private;
use vpcsim_aws::sets::{PacketSet, SetEnd, SetWay, TrafficBox, TrafficSet, walk};
use vpcsim_aws::traffic::Traffic;
use vpcsim_aws::{AnyId, Compiled, Kind};
use vpcsim_engine::{NodeId, Port};

use smallvec::SmallVec;

use super::classes::{Behind, Classes, Endpoint};
use super::journey::Journey;
use super::{Basis, Reach, gateways};

/// What the network between two interfaces carries, without their groups.
#[derive(Clone, Debug)]
enum Between {
    /// Nothing arrives.
    Nothing,
    /// Only packets tell.
    Opaque,
    Carried {
        there: TrafficSet,
        /// Of the traffic there, what is answered.
        back: TrafficSet,
        /// The sender's address as the receiver sees it, where a gateway translates it.
        seen_as: Option<Ipv4Addr>,
        group_known: bool,
        depends_on_port: bool,
        via: Arc<[AnyId]>,
    },
}

/// The number of a pair of places that nobody has walked between yet.
const NOT_WALKED: u32 = u32::MAX;
/// The number of an answer that nobody has.
pub(super) const NO_REACH: u32 = u32::MAX;

/// One direction of a class's security groups, as far as the question asks about it.
#[derive(Debug)]
struct Gate<'c> {
    /// What each rule allows of the question; `None` where everything passes.
    rules: Option<Vec<(TrafficSet, &'c CompiledRule)>>,
}

impl<'c> Gate<'c> {
    fn new(rules: Option<&'c [CompiledRule]>, question: &TrafficSet) -> Self {
        let part = |rule: &'c CompiledRule| (question.within(rule.traffic().into()), rule);
        let relevant = |rules: &'c [CompiledRule]| {
            rules
                .iter()
                .map(part)
                .filter(|(part, _)| !part.is_empty())
                .collect()
        };
        Self {
            rules: rules.map(relevant),
        }
    }

    /// Whether anything passes from or to the peer.
    fn lets_pass(&self, peer: Ipv4Addr) -> bool {
        let Some(rules) = &self.rules else { return true };
        rules.iter().any(|(_, rule)| rule.contains_peer(peer))
    }

    /// What passes from or to the peer.
    fn allowed(&self, question: &TrafficSet, peer: Ipv4Addr, group_known: bool) -> TrafficSet {
        let Some(rules) = &self.rules else {
            return question.clone();
        };
        let mut allowed = TrafficSet::nothing();
        let meant = rules
            .iter()
            .filter(|(_, rule)| (group_known || !rule.refers_to_group()) && rule.contains_peer(peer));
        for (part, rule) in meant {
            if rule.traffic() == Traffic::All {
                return question.clone();
            }
            allowed.unite(part);
        }
        allowed
    }
}

/// What two answers have in common that are one.
#[derive(PartialEq, Eq, Hash)]
struct AnswerKey {
    there: SmallVec<[TrafficBox; 4]>,
    between: u32,
}

/// What is between two places, as it is told from what is between others.
#[derive(PartialEq, Eq, Hash)]
struct BetweenKey {
    there: SmallVec<[TrafficBox; 4]>,
    back: SmallVec<[TrafficBox; 4]>,
    seen_as: Option<Ipv4Addr>,
    group_known: bool,
    depends_on_port: bool,
    via: Arc<[AnyId]>,
}

impl Between {
    /// `None` for what tells nothing from others of its kind.
    fn key(&self) -> Option<BetweenKey> {
        let boxes = |set: &TrafficSet| SmallVec::from_slice(set.boxes());
        match self {
            Self::Nothing | Self::Opaque => None,
            Self::Carried {
                there,
                back,
                seen_as,
                group_known,
                depends_on_port,
                via,
            } => Some(BetweenKey {
                there: boxes(there),
                back: boxes(back),
                seen_as: *seen_as,
                group_known: *group_known,
                depends_on_port: *depends_on_port,
                via: Arc::clone(via),
            }),
        }
    }
}

/// The places of what needs no key.
const NOTHING: usize = 0;
const OPAQUE: usize = 1;

/// Asks about all pairs.
pub(crate) struct Pairs<'c> {
    compiled: &'c Compiled,
    classes: &'c Classes,
    question: &'c TrafficSet,
    /// By class, what its groups let out and in.
    gates: Vec<[Gate<'c>; 2]>,
    is_interface: Vec<bool>,
    /// The way of what stays inside a subnet.
    nowhere: Arc<[AnyId]>,
    /// Whether no gateway translates between interfaces: then the groups of both ends are asked before the network is.
    is_untranslated: bool,
    /// By pair of places, the number of what is between them.
    walked: Vec<u32>,
    /// Each once: many pairs of places have the same between them.
    between: Vec<Between>,
    known_between: FxHashMap<BetweenKey, u32>,
    answers: FxHashMap<AnswerKey, u32>,
    reaches: Vec<Reach>,
}

impl<'c> Pairs<'c> {
    pub(crate) fn new(compiled: &'c Compiled, classes: &'c Classes, question: &'c TrafficSet) -> Self {
        let nodes = compiled
            .running()
            .map(|(node, _)| node.0 as usize)
            .max()
            .map_or(0, |last| last + 1);
        let mut is_interface = vec![false; nodes];
        for endpoint in &classes.endpoints {
            is_interface[endpoint.node.0 as usize] = true;
        }
        let gates = classes.all.iter().map(|class| {
            let device = device_of(compiled, &classes.endpoints[class.members[0]]);
            let rules = device.rules();
            [0, 1].map(|way| Gate::new(rules.map(|rules| rules[way]), question))
        });
        Self {
            compiled,
            classes,
            question,
            gates: gates.collect(),
            is_interface,
            nowhere: Arc::from([]),
            is_untranslated: !translates_inside(compiled),
            walked: vec![NOT_WALKED; classes.place_count * classes.place_count],
            between: vec![Between::Nothing, Between::Opaque],
            known_between: FxHashMap::default(),
            answers: FxHashMap::default(),
            reaches: Vec::new(),
        }
    }

    /// What members of one class reach of another, by the numbers of the answers: in other subnets than their own, and in their
    /// own.
    pub(crate) fn answer(&mut self, from: usize, to: usize) -> [u32; 2] {
        let (one, other) = (&self.classes.all[from], &self.classes.all[to]);
        let is_odd = one.is_odd || other.is_odd;
        let addresses = [one, other].map(|class| self.classes.endpoints[class.members[0]].address);
        if !is_odd
            && self.is_untranslated
            && !(self.gates[to][1].lets_pass(addresses[0]) && self.gates[from][0].lets_pass(addresses[1]))
        {
            return [NO_REACH; 2];
        }
        let by_walk = is_odd || other.behind == Behind::Balancer;
        let pairs = [one.sites.apart(&other.sites), one.sites.together(&other.sites)];
        let [apart, together] = pairs;
        [
            self.answer_for(apart, by_walk, true),
            self.answer_for(together, by_walk, false),
        ]
    }

    /// All answers, by their numbers.
    pub(crate) fn into_reaches(self) -> Vec<Reach> {
        self.reaches
    }

    fn answer_for(&mut self, pair: Option<(usize, usize)>, by_walk: bool, is_apart: bool) -> u32 {
        let Some((sender, receiver)) = pair else {
            return NO_REACH;
        };
        let (from, to) = (&self.classes.endpoints[sender], &self.classes.endpoints[receiver]);
        // What a host sends to its own address stays inside it, whoever else has that address.
        if from.host == to.host || from.address == to.address {
            return NO_REACH;
        }
        if !by_walk {
            return self.composed(sender, receiver, is_apart);
        }
        let reach = self.walked(sender, receiver);
        self.keep(reach)
    }

    fn keep(&mut self, reach: Reach) -> u32 {
        if reach.is_nothing() {
            return NO_REACH;
        }
        self.reaches.push(reach);
        self.reaches.len() as u32 - 1
    }

    /// The number of what is between the places of two endpoints.
    fn load(&mut self, sender: usize, receiver: usize) -> usize {
        let place = |endpoint: usize| self.classes.all[self.classes.endpoints[endpoint].class].place;
        let index = place(sender) * self.classes.place_count + place(receiver);
        if self.walked[index] == NOT_WALKED {
            let between = self.walk_between(sender, receiver);
            self.walked[index] = self.number_of(between);
        }
        self.walked[index] as usize
    }

    fn number_of(&mut self, between: Between) -> u32 {
        let next = self.between.len() as u32;
        let number = match (between.key(), &between) {
            (Some(key), _) => *self.known_between.entry(key).or_insert(next),
            (None, Between::Opaque) => OPAQUE as u32,
            (None, _) => NOTHING as u32,
        };
        if number == next {
            self.between.push(between);
        }
        number
    }

    /// From the parts: the groups of both, and the network between.
    fn composed(&mut self, sender: usize, receiver: usize, is_apart: bool) -> u32 {
        let (from, to) = (&self.classes.endpoints[sender], &self.classes.endpoints[receiver]);
        let mut out = self.gates[from.class][0].allowed(self.question, to.address, true);
        if !is_private(to.address) {
            out = device_of(self.compiled, from).lets_out(to.address, &out);
        }
        if out.is_empty() {
            return NO_REACH;
        }
        if let Some(takes) = &self.classes.all[to.class].takes {
            out = out.intersection(takes);
            if out.is_empty() {
                return NO_REACH;
            }
        }
        let gate = &self.gates[to.class][1];
        if !is_apart {
            let there = out.intersection(&gate.allowed(self.question, from.address, true));
            return self.known(&there, u32::MAX);
        }
        if self.is_untranslated && !gate.lets_pass(from.address) {
            return NO_REACH;
        }
        let (class, address) = (to.class, from.address);
        let number = self.load(sender, receiver);
        match &self.between[number] {
            Between::Nothing => NO_REACH,
            Between::Opaque => self.keep(Reach::unasked()),
            Between::Carried {
                there,
                seen_as,
                group_known,
                ..
            } => {
                let into =
                    self.gates[class][1].allowed(self.question, seen_as.unwrap_or(address), *group_known);
                let there = there.intersection(&out).intersection(&into);
                self.known(&there, number as u32)
            }
        }
    }

    /// The answer where this arrives over what is between two places; `u32::MAX` stands for one subnet.
    fn known(&mut self, there: &TrafficSet, between: u32) -> u32 {
        if there.is_empty() {
            return NO_REACH;
        }
        let key = AnswerKey {
            there: SmallVec::from_slice(there.boxes()),
            between,
        };
        if let Some(known) = self.answers.get(&key) {
            return *known;
        }
        let reach = match self.between.get(between as usize) {
            Some(Between::Carried {
                back,
                depends_on_port,
                via,
                ..
            }) => Reach::of(self.question, there, back, *depends_on_port, via),
            _ => Reach::of(
                self.question,
                there,
                &TrafficSet::everything(),
                false,
                &self.nowhere,
            ),
        };
        let number = self.keep(reach);
        self.answers.insert(key, number);
        number
    }

    fn walk_between(&self, sender: usize, receiver: usize) -> Between {
        let (from, to) = (&self.classes.endpoints[sender], &self.classes.endpoints[receiver]);
        let is_end = |node: NodeId| self.is_interface.get(node.0 as usize) == Some(&true);
        let mut way = SetWay::default();
        let asked = PacketSet::new(from.address, to.address, self.question.clone());
        let walked = walk(self.compiled, self.edge_of(from), asked, &mut way, &is_end);
        match walked.end {
            SetEnd::At(node, _) if node == to.node => {}
            SetEnd::At(..) | SetEnd::Opaque(_) | SetEnd::Split(_) => return Between::Opaque,
            SetEnd::Dropped(..) => return Between::Nothing,
        }
        let via = gateways(self.compiled, &way);
        way.turn();
        let arrived = walked.packets;
        let answers = PacketSet::new(to.address, arrived.source, arrived.traffic.answers());
        let back = if answers.traffic.is_empty() {
            TrafficSet::nothing()
        } else {
            let returned = walk(self.compiled, self.edge_of(to), answers, &mut way, &is_end);
            match returned.end {
                SetEnd::At(node, _) if node == from.node && returned.packets.source == to.address => {
                    returned.packets.traffic.questions()
                }
                SetEnd::At(..) | SetEnd::Opaque(_) | SetEnd::Split(_) => return Between::Opaque,
                SetEnd::Dropped(..) => TrafficSet::nothing(),
            }
        };
        Between::Carried {
            there: self.question.intersection(&arrived.traffic.from_any_port()),
            back,
            seen_as: (arrived.source != from.address).then_some(arrived.source),
            group_known: arrived.mark & mark::GROUP_UNKNOWN == 0,
            depends_on_port: way.depends_on_port(),
            via,
        }
    }

    /// Where what an interface sends to another subnet enters the network.
    fn edge_of(&self, endpoint: &Endpoint) -> (NodeId, Port) {
        let subnet = device_of(self.compiled, endpoint).subnet_node();
        (
            subnet,
            if endpoint.sends_by == FROM_OWNER {
                FROM_GATEWAY
            } else {
                LEAVING
            },
        )
    }

    /// Device by device from host to host and back, without a shortcut.
    fn walked(&self, sender: usize, receiver: usize) -> Reach {
        let (from, to) = (&self.classes.endpoints[sender], &self.classes.endpoints[receiver]);
        let journey = Journey {
            compiled: self.compiled,
            question: self.question,
            start: sends(self.compiled, from, to.address),
            source: from.address,
            destination: to.address,
            home: from.host_node,
            receiver: to.receiver(),
        };
        journey.ask().0
    }
}

fn device_of<'c>(compiled: &'c Compiled, endpoint: &Endpoint) -> &'c NetworkInterfaceDevice {
    compiled
        .interface(endpoint.node)
        .expect("an endpoint has an interface that runs")
}

/// Whether a route to an address of a VPC can lead to a gateway that translates.
fn translates_inside(compiled: &Compiled) -> bool {
    let topology = &*compiled.topology;
    let is_translator = |route: &Route| match route.target {
        RouteTarget::Resource(target) => matches!(target.kind, Kind::NatGateway | Kind::RegionalNatGateway),
        _ => false,
    };
    let nets = |route: &Route| match route.destination {
        RouteDestination::Cidr(net) => vec![net],
        RouteDestination::PrefixList(list) => topology.prefix_lists[list].entries.clone(),
    };
    let ranges: Vec<Ipv4Net> = topology
        .vpcs
        .iter()
        .flat_map(|(_, vpc)| &vpc.cidrs)
        .map(|cidr| cidr.net)
        .collect();
    let reaches_inside = |table: &RouteTable| {
        let own = topology.vpcs[table.vpc].cidrs.iter().map(|cidr| cidr.net);
        let others = table
            .routes
            .iter()
            .filter(|route| !is_translator(route))
            .flat_map(nets);
        let covered: Vec<Ipv4Net> = own.chain(others).collect();
        table
            .routes
            .iter()
            .filter(|route| is_translator(route))
            .flat_map(nets)
            .any(|net| {
                // A wider route loses against whatever covers all of a VPC's range more closely.
                let is_shielded = |range: &Ipv4Net| {
                    covered
                        .iter()
                        .any(|other| other.prefix_len() > net.prefix_len() && other.contains(range))
                };
                ranges
                    .iter()
                    .any(|range| range.contains(&net) || net.contains(range) && !is_shielded(range))
            })
    };
    topology
        .route_tables
        .iter()
        .any(|(_, table)| reaches_inside(table))
        || topology.regional_nat_gateways.iter().next().is_some()
}

/// The interface by which a host sends from an endpoint's address to a destination, with its port.
pub(super) fn sends(compiled: &Compiled, endpoint: &Endpoint, destination: Ipv4Addr) -> (NodeId, Port) {
    let plan = &compiled.hosts[endpoint.plan];
    let own = plan
        .interfaces
        .iter()
        .position(|part| part.interface == endpoint.interface);
    let way_out = own.and_then(|own| plan.way_out(own, destination));
    way_out.map_or((endpoint.node, endpoint.sends_by), |part| (part.node, part.port))
}

impl Reach {
    /// From what arrives, and what of it is answered.
    pub(super) fn of(
        question: &TrafficSet,
        there: &TrafficSet,
        back: &TrafficSet,
        depends_on_port: bool,
        via: &Arc<[AnyId]>,
    ) -> Self {
        let arrives = there.from_every_port_of(question);
        let answered = there.intersection(back).from_every_port_of(question);
        let mut round_trip = answered;
        round_trip.unite(&arrives.unanswered());
        let one_way = arrives.without(&round_trip);
        let some_ports = !one_way.is_empty()
            && !there
                .intersection(back)
                .intersection(&one_way.from_any_port())
                .is_empty();
        Self {
            round_trip,
            one_way,
            some_targets: TrafficSet::nothing(),
            basis: Basis::Sets,
            depends_on_port: depends_on_port || some_ports,
            via: Arc::clone(via),
        }
    }
}
