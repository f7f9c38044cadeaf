//! Exact reachability: which traffic gets from anybody to anybody, and which of it is answered.
//!
//! # Map
//!
//! - `boundaries`: where rules cut the address space. `classes`: interfaces that nothing distinguishes.
//! - `receivers`: load balancers and endpoints. `journey`: one flow there and back, device by device.
//! - `pairs`: every class to every other. `outside`: the internet, in and out.
//! - `address`: what one sender reaches of an address that somebody names. `difference`: two designs side by side.
//! - `select`: who is meant. `rows`: answers grouped for reports.
//! - `saved`: answers that were written down.
//! - `witness`: packets that have to agree, and answers where only packets tell.
//!
//! # Where AWS is silent
//!
//! - A client's port is one of those that Linux chooses, 32768 to 60999, unless a question says others. A service counts as reachable
//!   if it is from every such port.
//! - A service counts as answered if its answers get back to the client, whichever port a NAT gateway chose.
//! - A service of a load balancer counts as reachable if it is by each target that a flow may get; what only some targets answer is told
//!   apart. Its health checks count as hosts would answer them that listen to everything.
//! - Messages that have no answer of their own (protocols other than TCP and UDP, ICMP but pings) count as reachable once they arrive.

mod address;
mod boundaries;
mod classes;
mod difference;
mod journey;
mod outside;
mod pairs;
mod receivers;
mod rows;
mod saved;
mod select;
mod witness;

use std::sync::Arc;

use vpcsim_aws::sets::{SetWay, TrafficBox, TrafficSet, settle};
use vpcsim_aws::traffic::{PortRange, Traffic};
use vpcsim_aws::{AnyId, Compiled, Kind, Protocol};

pub use classes::{Behind, Class, Endpoint};
pub use difference::{Answered, Change, difference};
pub use outside::{Outside, SOMEBODY, covers_the_internet};
pub use rows::{By, InternetRow, Row, Scope, Services};
pub use saved::{Rows, difference_of_rows};
pub use select::{Selection, SelectionError, matches, select};
pub use witness::{Disagreement, Verification};

use boundaries::Boundaries;
use classes::Classes;
use outside::Internet;
use pairs::{NO_REACH, Pairs};

use crate::simulation::Simulation;

/// The ports that clients send from unless a question says others: those of Linux.
pub const CLIENT_PORTS: PortRange = PortRange {
    first: 32_768,
    last: 60_999,
};

/// What an answer rests on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Basis {
    /// The devices' tables.
    Sets,
    /// Packets at every port where any rule begins or ends: something on the way cannot answer for sets.
    Packets,
    /// Nothing: something on the way is not modelled.
    Unknown,
}

/// What gets through from one to another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reach {
    /// What arrives and is answered.
    pub round_trip: TrafficSet,
    /// What arrives, while its answers do not come back.
    pub one_way: TrafficSet,
    /// What a load balancer's choice among its targets decides about: with some it arrives and is answered, with others not.
    pub some_targets: TrafficSet,
    /// What the answer rests on.
    pub basis: Basis,
    /// Whether some services are left out because it depends on a port that a gateway chooses whether they are answered.
    pub depends_on_port: bool,
    /// The gateways on the way there, in order; empty for what stays inside a VPC, and where packets were asked.
    pub via: Arc<[AnyId]>,
}

/// Gateways that a set came through.
fn gateways(compiled: &Compiled, way: &SetWay) -> Arc<[AnyId]> {
    let mut via: Vec<AnyId> = way
        .nodes()
        .iter()
        .filter_map(|node| compiled.owner(*node))
        .collect();
    via.retain(|owner| !matches!(owner.kind, Kind::Subnet | Kind::NetworkInterface));
    via.dedup();
    via.into()
}

impl Reach {
    /// Nothing gets through.
    pub fn nothing() -> Self {
        Self {
            round_trip: TrafficSet::nothing(),
            one_way: TrafficSet::nothing(),
            some_targets: TrafficSet::nothing(),
            basis: Basis::Sets,
            depends_on_port: false,
            via: Arc::from([]),
        }
    }

    /// Not known yet: packets have to tell.
    fn unasked() -> Self {
        Self {
            basis: Basis::Packets,
            ..Self::nothing()
        }
    }

    /// Whether it is certain that nothing gets through.
    pub fn is_nothing(&self) -> bool {
        let gets_through = [&self.round_trip, &self.one_way, &self.some_targets];
        gets_through.into_iter().all(TrafficSet::is_empty) && self.basis == Basis::Sets
    }
}

/// What is asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReachQuestion {
    /// Which traffic.
    pub traffic: TrafficSet,
    /// Whether flows between interfaces are asked about.
    pub inside: bool,
    /// Whether flows from and to the internet are.
    pub internet: bool,
}

impl ReachQuestion {
    /// Everything, from the usual client ports.
    pub fn everything() -> Self {
        Self::about(&[Traffic::All], CLIENT_PORTS)
    }

    /// These services, from these client ports.
    pub fn about(services: &[Traffic], client_ports: PortRange) -> Self {
        let mut traffic = TrafficSet::nothing();
        for service in services {
            let asked = TrafficSet::from(*service);
            for protocol in [Protocol::TCP, Protocol::UDP] {
                let part = asked.within(TrafficBox::service(protocol, PortRange::ALL));
                for part in part.boxes() {
                    traffic.add(TrafficBox {
                        source: client_ports,
                        ..*part
                    });
                }
            }
            let others = [Traffic::Tcp(PortRange::ALL), Traffic::Udp(PortRange::ALL)].map(TrafficBox::from);
            traffic.unite(&asked.without_box(others[0]).without_box(others[1]));
        }
        Self {
            traffic,
            inside: true,
            internet: true,
        }
    }
}

/// The answer about two classes, for members in different subnets and for members in the same one.
///
/// Answers are numbers, since many pairs have the same: [`Reachability::reach`] gives them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PairReach {
    from: u32,
    to: u32,
    apart: u32,
    together: u32,
}

impl PairReach {
    /// The sender's class and the receiver's.
    pub const fn classes(self) -> (usize, usize) {
        (self.from as usize, self.to as usize)
    }

    const fn number(self, together: bool) -> u32 {
        if together { self.together } else { self.apart }
    }
}

/// Who reaches whom.
#[derive(Clone, Debug)]
pub struct Reachability {
    /// Every address of an interface with a running host, a load balancer or a service behind it.
    pub endpoints: Vec<Endpoint>,
    /// Their classes.
    pub classes: Vec<Class>,
    /// The pairs of classes between which anything gets through, in ascending order.
    pub pairs: Vec<PairReach>,
    reaches: Vec<Reach>,
    /// For each class what the internet reaches of it.
    pub exposure: Vec<Vec<Outside>>,
    /// For each class what it reaches of the internet.
    pub egress: Vec<Vec<Outside>>,
    /// What was asked.
    pub question: ReachQuestion,
}

impl Reachability {
    /// What one endpoint reaches of another; `None` for two of one host, and for one that sends nothing.
    pub fn between(&self, from: usize, to: usize) -> Option<Reach> {
        let (one, other) = (&self.endpoints[from], &self.endpoints[to]);
        if one.host == other.host || !one.sends() {
            return None;
        }
        let reach = self
            .find(one.class, other.class)
            .and_then(|pair| self.reach(pair, one.subnet == other.subnet));
        Some(reach.cloned().unwrap_or_else(Reach::nothing))
    }

    /// How many interfaces the endpoints are addresses of.
    pub fn interface_count(&self) -> usize {
        let mut interfaces: Vec<_> = self.endpoints.iter().map(|endpoint| endpoint.interface).collect();
        interfaces.sort_unstable();
        interfaces.dedup();
        interfaces.len()
    }

    /// The answer about a pair, for members in one subnet or in two; `None` if nothing gets through.
    pub fn reach(&self, pair: PairReach, together: bool) -> Option<&Reach> {
        self.reaches.get(pair.number(together) as usize)
    }

    /// The pair of two classes, if anything gets through.
    pub fn find(&self, from: usize, to: usize) -> Option<PairReach> {
        let found = self
            .pairs
            .binary_search_by_key(&(from, to), |pair| pair.classes())
            .ok()?;
        Some(self.pairs[found])
    }
}

impl Simulation {
    /// Who reaches whom, from the devices' tables.
    ///
    /// Where a device on the way cannot answer for sets, packets do; see [`Basis`].
    pub fn reach(&self, question: &ReachQuestion) -> Reachability {
        let mut found = self.reach_by_sets(question);
        self.ask_the_rest(&mut found);
        found
    }

    pub(crate) fn reach_by_sets(&self, question: &ReachQuestion) -> Reachability {
        settle(self.compiled());
        let boundaries = Boundaries::of(self.compiled());
        let classes = Classes::of(self.compiled(), &boundaries);
        let (pairs, reaches) = if question.inside {
            self.all_pairs(&classes, question)
        } else {
            Default::default()
        };
        let internet = Internet::new(self.compiled(), &classes, &boundaries, &question.traffic);
        let each = 0..if question.internet { classes.all.len() } else { 0 };
        let exposure = each.clone().map(|class| internet.exposure(class)).collect();
        let egress = each.map(|class| internet.egress(class)).collect();
        Reachability {
            pairs,
            reaches,
            exposure,
            egress,
            endpoints: classes.endpoints,
            classes: classes.all,
            question: question.clone(),
        }
    }

    fn all_pairs(&self, classes: &Classes, question: &ReachQuestion) -> (Vec<PairReach>, Vec<Reach>) {
        let mut pairs = Pairs::new(self.compiled(), classes, &question.traffic);
        let mut found = Vec::new();
        let senders = (0..classes.all.len()).filter(|class| classes.all[*class].behind == Behind::Host);
        for from in senders {
            for to in 0..classes.all.len() {
                let [apart, together] = pairs.answer(from, to);
                if (apart, together) != (NO_REACH, NO_REACH) {
                    found.push(PairReach {
                        from: from as u32,
                        to: to as u32,
                        apart,
                        together,
                    });
                }
            }
        }
        (found, pairs.into_reaches())
    }
}
