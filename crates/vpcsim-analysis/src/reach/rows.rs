//! Exact answers as rows, grouped as a person asks: by instance, subnet, security group, VPC or class.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use vpcsim_aws::sets::TrafficSet;
use vpcsim_aws::traffic::PortRange;
use vpcsim_aws::{AnyId, Protocol, Topology};

use super::outside::range_words;
use super::{Basis, Endpoint, Outside, Reach, Reachability};
use crate::answer::FlowQuery;

/// How rows are grouped.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, JsonSchema, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum By {
    /// Each host.
    #[default]
    Instance,
    /// Each interface.
    Interface,
    /// Each subnet.
    Subnet,
    /// Each security group.
    Sg,
    /// Each VPC.
    Vpc,
    /// Each class of interfaces that nothing distinguishes.
    Class,
}

impl By {
    /// The word for it.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Instance => "instance",
            Self::Interface => "interface",
            Self::Subnet => "subnet",
            Self::Sg => "sg",
            Self::Vpc => "vpc",
            Self::Class => "class",
        }
    }
}

/// Services by protocol, each a port, a range (`80-90`), or for ICMP a type with its code.
#[derive(Clone, Debug, PartialEq, Eq, JsonSchema, Serialize, Deserialize)]
pub struct Services {
    /// In words: `tcp 22, 443; udp 53`.
    pub text: String,
    /// TCP ports.
    pub tcp: Vec<String>,
    /// UDP ports.
    pub udp: Vec<String>,
    /// ICMP messages: first and last, type and code as one number each (type * 256 + code).
    pub icmp: Vec<String>,
    /// Numbers of other protocols.
    pub other: Vec<String>,
}

impl Default for Services {
    fn default() -> Self {
        Self::of(&TrafficSet::nothing())
    }
}

impl Services {
    pub(super) fn of(set: &TrafficSet) -> Self {
        let ranges =
            |protocol| -> Vec<String> { set.services(protocol).iter().copied().map(ports_words).collect() };
        Self {
            text: set.to_string(),
            tcp: ranges(Protocol::TCP),
            udp: ranges(Protocol::UDP),
            icmp: ranges(Protocol::ICMP),
            other: set.other_protocols().iter().map(ToString::to_string).collect(),
        }
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.tcp.is_empty() && self.udp.is_empty() && self.icmp.is_empty() && self.other.is_empty()
    }
}

/// `80`, `80-90`, `0-65535`.
fn ports_words(range: PortRange) -> String {
    if range.first == range.last {
        range.first.to_string()
    } else {
        format!("{}-{}", range.first, range.last)
    }
}

/// What gets through from one group of endpoints to another.
#[derive(Clone, Debug, PartialEq, Eq, JsonSchema, Serialize, Deserialize)]
pub struct Row {
    /// Who sends.
    pub from: String,
    /// Who gets it.
    pub to: String,
    /// What arrives and is answered.
    pub round_trip: Services,
    /// What arrives, while its answers do not come back.
    pub one_way: Services,
    /// What some targets of a load balancer get and answer, and others that it may choose do not.
    #[serde(default, skip_serializing_if = "Services::is_empty")]
    pub some_targets: Services,
    /// Whether not all pairs of the two groups have all of it.
    pub only_some: bool,
    /// `sets`, `packets` or `unknown`: what the answer rests on.
    pub basis: String,
    /// Whether services are left out because a port that a gateway chooses decides about them.
    pub depends_on_port: bool,
}

/// What gets through between the internet and a group of endpoints.
#[derive(Clone, Debug, PartialEq, Eq, JsonSchema, Serialize, Deserialize)]
pub struct InternetRow {
    /// The endpoints.
    pub group: String,
    /// The addresses outside, as ranges.
    pub outside: Vec<String>,
    /// Of flows from outside: the public addresses that are asked. Of flows to it: those that they appear with.
    pub public: Vec<Ipv4Addr>,
    /// What arrives and is answered.
    pub round_trip: Services,
    /// What arrives, while its answers do not come back.
    pub one_way: Services,
    /// What some targets of a load balancer get and answer, and others that it may choose do not.
    #[serde(default, skip_serializing_if = "Services::is_empty")]
    pub some_targets: Services,
    /// What the answer rests on.
    pub basis: String,
    /// One flow of it, to be traced.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub witness: Option<FlowQuery>,
    /// The stations of that flow's way.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub path: Vec<String>,
}

/// Which endpoints rows are about.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Scope {
    /// The senders; all of them if nothing is said.
    pub from: Option<Vec<usize>>,
    /// The receivers; all of them if nothing is said.
    pub to: Option<Vec<usize>>,
}

impl Scope {
    fn sends(&self, endpoint: usize) -> bool {
        self.from
            .as_ref()
            .is_none_or(|list| list.binary_search(&endpoint).is_ok())
    }

    fn receives(&self, endpoint: usize) -> bool {
        self.to
            .as_ref()
            .is_none_or(|list| list.binary_search(&endpoint).is_ok())
    }
}

impl Basis {
    /// As it stands in reports.
    pub const fn words(self) -> &'static str {
        match self {
            Self::Sets => "sets",
            Self::Packets => "packets",
            Self::Unknown => "unknown",
        }
    }
}

/// Endpoints of one class in one subnet: no answer tells them apart.
struct Cell {
    class: usize,
    subnet: usize,
    groups: Vec<usize>,
    /// The host that all of them belong to, if it is one.
    host: Option<AnyId>,
}

/// Collects what the pairs of two groups have in common.
struct Tally {
    any: TrafficSet,
    one_way: TrafficSet,
    some_targets: TrafficSet,
    first: TrafficSet,
    differs: bool,
    seen: usize,
    basis: Basis,
    depends_on_port: bool,
}

impl Reachability {
    /// The names of the groups that an endpoint belongs to.
    fn groups_of(topology: &Topology, by: By, endpoint: &Endpoint) -> Vec<String> {
        let label = |any| {
            topology
                .label(any)
                .map_or_else(String::new, |label| label.name.clone())
        };
        match by {
            By::Instance => vec![label(endpoint.host)],
            By::Interface if endpoint.ordinal > 0 => {
                vec![format!(
                    "{} {}",
                    label(endpoint.interface.into()),
                    endpoint.address
                )]
            }
            By::Interface => vec![label(endpoint.interface.into())],
            By::Subnet => vec![label(endpoint.subnet.into())],
            By::Vpc => vec![label(topology.subnets[endpoint.subnet].vpc.into())],
            By::Class => vec![format!("class {}", endpoint.class + 1)],
            By::Sg => {
                let groups = &topology.network_interfaces[endpoint.interface].security_groups;
                groups.iter().map(|group| label((*group).into())).collect()
            }
        }
    }

    /// The groups of the endpoints in a scope, each once, in the order of the design: those that send and those that receive.
    pub fn groups(&self, topology: &Topology, by: By, scope: &Scope) -> [Vec<String>; 2] {
        let of = |is_in: &dyn Fn(usize) -> bool| {
            let mut names = Names::default();
            for (_, endpoint) in self
                .endpoints
                .iter()
                .enumerate()
                .filter(|(index, _)| is_in(*index))
            {
                for name in Self::groups_of(topology, by, endpoint) {
                    names.number(name);
                }
            }
            names.ordered
        };
        [
            of(&|index| self.sends(scope, index)),
            of(&|index| scope.receives(index)),
        ]
    }

    /// Whether an endpoint is among those that send.
    fn sends(&self, scope: &Scope, endpoint: usize) -> bool {
        scope.sends(endpoint) && self.endpoints[endpoint].sends()
    }

    fn cells(
        &self,
        topology: &Topology,
        by: By,
        is_in: &dyn Fn(usize) -> bool,
        names: &mut Names,
    ) -> Vec<Cell> {
        let mut cells: BTreeMap<(usize, usize, Vec<usize>), Cell> = BTreeMap::new();
        for (_, endpoint) in self
            .endpoints
            .iter()
            .enumerate()
            .filter(|(index, _)| is_in(*index))
        {
            let groups: Vec<usize> = Self::groups_of(topology, by, endpoint)
                .into_iter()
                .map(|name| names.number(name))
                .collect();
            let (class, subnet) = (endpoint.class, endpoint.subnet.index());
            let cell = cells.entry((class, subnet, groups.clone())).or_insert(Cell {
                class,
                subnet,
                groups,
                host: Some(endpoint.host),
            });
            cell.host = cell.host.filter(|host| *host == endpoint.host);
        }
        cells.into_values().collect()
    }

    /// What gets through inside, a row for each pair of groups between which anything does.
    pub fn rows(&self, topology: &Topology, by: By, scope: &Scope) -> Vec<Row> {
        let mut names = Names::default();
        let from = self.cells(topology, by, &|index| self.sends(scope, index), &mut names);
        let to = self.cells(topology, by, &|index| scope.receives(index), &mut names);
        let mut of_class: BTreeMap<usize, Vec<&Cell>> = BTreeMap::new();
        for cell in &to {
            of_class.entry(cell.class).or_default().push(cell);
        }
        let mut tallies: BTreeMap<(usize, usize), Tally> = BTreeMap::new();
        for one in &from {
            let start = self.pairs.partition_point(|pair| pair.classes().0 < one.class);
            for pair in self.pairs[start..]
                .iter()
                .take_while(|pair| pair.classes().0 == one.class)
            {
                for other in of_class.get(&pair.classes().1).into_iter().flatten() {
                    if is_same(one, other) {
                        continue;
                    }
                    let Some(reach) = self.reach(*pair, one.subnet == other.subnet) else {
                        continue;
                    };
                    for from in &one.groups {
                        for to in &other.groups {
                            tallies
                                .entry((*from, *to))
                                .or_insert_with(|| Tally::new(reach))
                                .add(reach);
                        }
                    }
                }
            }
        }
        let asked = Self::asked(&from, &to);
        let row = |((from, to), tally): (&(usize, usize), &Tally)| {
            let total = asked.get(&(*from, *to)).copied().unwrap_or(0);
            tally.row(&names.ordered[*from], &names.ordered[*to], total)
        };
        tallies.iter().map(row).collect()
    }

    /// How many pairs of cells each pair of groups has.
    fn asked(from: &[Cell], to: &[Cell]) -> BTreeMap<(usize, usize), usize> {
        let mut of_group: [BTreeMap<usize, Vec<&Cell>>; 2] = Default::default();
        for (cells, groups) in [from, to].into_iter().zip(&mut of_group) {
            for cell in cells {
                for group in &cell.groups {
                    groups.entry(*group).or_default().push(cell);
                }
            }
        }
        let [senders, receivers] = of_group;
        let mut asked = BTreeMap::new();
        for (from, ones) in &senders {
            for (to, others) in &receivers {
                let all = ones.len() * others.len();
                let own = |one: &Cell| others.iter().filter(|other| is_same(one, other)).count();
                let own: usize = ones
                    .iter()
                    .filter(|one| one.host.is_some())
                    .map(|one| own(one))
                    .sum();
                asked.insert((*from, *to), all - own);
            }
        }
        asked
    }

    /// What the internet reaches.
    pub fn exposure_rows(&self, topology: &Topology, by: By, scope: &Scope) -> Vec<InternetRow> {
        self.internet_rows(topology, by, &|index| scope.receives(index), &self.exposure, true)
    }

    /// What is reached on the internet.
    pub fn egress_rows(&self, topology: &Topology, by: By, scope: &Scope) -> Vec<InternetRow> {
        self.internet_rows(topology, by, &|index| scope.sends(index), &self.egress, false)
    }

    fn internet_rows(
        &self,
        topology: &Topology,
        by: By,
        is_in: &dyn Fn(usize) -> bool,
        table: &[Vec<Outside>],
        is_inwards: bool,
    ) -> Vec<InternetRow> {
        let mut rows: Vec<InternetRow> = Vec::new();
        for (_, endpoint) in self
            .endpoints
            .iter()
            .enumerate()
            .filter(|(index, _)| is_in(*index))
        {
            for found in table.get(endpoint.class).into_iter().flatten() {
                for group in Self::groups_of(topology, by, endpoint) {
                    let row = internet_row(group, endpoint, found, is_inwards);
                    let is_alike = |other: &&mut InternetRow| {
                        let [one, two] = [&**other, &row];
                        (
                            &one.group,
                            &one.outside,
                            &one.round_trip,
                            &one.one_way,
                            &one.some_targets,
                        ) == (
                            &two.group,
                            &two.outside,
                            &two.round_trip,
                            &two.one_way,
                            &two.some_targets,
                        )
                    };
                    match rows.iter_mut().find(is_alike) {
                        Some(other) => {
                            other.public.extend(row.public);
                            other.public.sort_unstable();
                            other.public.dedup();
                        }
                        None => rows.push(row),
                    }
                }
            }
        }
        rows
    }
}

/// Whether two cells are about the same host alone.
fn is_same(one: &Cell, other: &Cell) -> bool {
    one.host.is_some() && one.host == other.host
}

fn internet_row(group: String, endpoint: &Endpoint, found: &Outside, is_inwards: bool) -> InternetRow {
    // Of flows that go out by an address of the sender's own, each member has another one.
    let appears_as = found.appears_as.map(|address| {
        endpoint
            .public
            .filter(|_| found.appears_as_own)
            .unwrap_or(address)
    });
    let public = if is_inwards { endpoint.public } else { appears_as };
    InternetRow {
        group,
        outside: range_words(&found.ranges),
        public: public.into_iter().collect(),
        round_trip: Services::of(&found.reach.round_trip),
        one_way: Services::of(&found.reach.one_way),
        some_targets: Services::of(&found.reach.some_targets),
        basis: found.reach.basis.words().to_owned(),
        witness: witness(endpoint, found, is_inwards),
        path: Vec::new(),
    }
}

/// One flow of what gets through.
fn witness(endpoint: &Endpoint, found: &Outside, is_inwards: bool) -> Option<FlowQuery> {
    let outside = found.ranges.first()?.first();
    let reach = &found.reach;
    let sets = [&reach.round_trip, &reach.some_targets, &reach.one_way];
    let set = sets.into_iter().find(|set| !set.is_empty())?;
    let (protocol, dst_port) = [Protocol::TCP, Protocol::UDP]
        .into_iter()
        .find_map(|protocol| {
            let services = set.services(protocol);
            let usual = [443, 80, 22]
                .into_iter()
                .find(|port| services.iter().any(|range| range.contains(*port)));
            Some((
                protocol,
                Some(usual.or(services.first().map(|range| range.first.max(1)))?),
            ))
        })
        .unwrap_or((Protocol::ICMP, None));
    let (source, src_ip, bind, dst) = if is_inwards {
        (
            "internet".to_owned(),
            Some(outside),
            None,
            endpoint.public?.to_string(),
        )
    } else {
        (
            endpoint.address.to_string(),
            None,
            Some(endpoint.address),
            outside.to_string(),
        )
    };
    Some(FlowQuery {
        source,
        src_ip,
        bind,
        dst,
        protocol: protocol.to_string(),
        dst_port,
        ..FlowQuery::default()
    })
}

impl Tally {
    fn new(reach: &Reach) -> Self {
        Self {
            any: TrafficSet::nothing(),
            one_way: TrafficSet::nothing(),
            some_targets: TrafficSet::nothing(),
            first: reach.round_trip.clone(),
            differs: false,
            seen: 0,
            basis: Basis::Sets,
            depends_on_port: false,
        }
    }

    fn add(&mut self, reach: &Reach) {
        if self.seen == 0 {
            self.any = reach.round_trip.clone();
        } else if self.first != reach.round_trip {
            self.differs = true;
            self.any.unite(&reach.round_trip);
        }
        self.one_way.unite(&reach.one_way);
        self.some_targets.unite(&reach.some_targets);
        self.seen += 1;
        self.depends_on_port |= reach.depends_on_port;
        self.basis = match (self.basis, reach.basis) {
            (Basis::Unknown, _) | (_, Basis::Unknown) => Basis::Unknown,
            (Basis::Packets, _) | (_, Basis::Packets) => Basis::Packets,
            (Basis::Sets, Basis::Sets) => Basis::Sets,
        };
    }

    fn row(&self, from: &str, to: &str, total: usize) -> Row {
        Row {
            from: from.to_owned(),
            to: to.to_owned(),
            round_trip: Services::of(&self.any),
            one_way: Services::of(&self.one_way.without(&self.any)),
            some_targets: Services::of(&self.some_targets.without(&self.any)),
            only_some: self.differs || self.seen < total,
            basis: self.basis.words().to_owned(),
            depends_on_port: self.depends_on_port,
        }
    }
}

/// Names in the order of their first use, each once.
#[derive(Default)]
struct Names {
    ordered: Vec<String>,
    numbers: BTreeMap<String, usize>,
}

impl Names {
    fn number(&mut self, name: String) -> usize {
        let next = self.ordered.len();
        let number = *self.numbers.entry(name.clone()).or_insert(next);
        if number == next {
            self.ordered.push(name);
        }
        number
    }
}
