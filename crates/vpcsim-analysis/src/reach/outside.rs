//! The internet: who can be reached from it, and who can get out.

use std::net::Ipv4Addr;

use vpcsim_aws::Compiled;
use vpcsim_aws::address_set::AddressRange;
use vpcsim_aws::compile::Slot;
use vpcsim_aws::devices::internet_host::FROM_HOSTS;
use vpcsim_aws::sets::{PacketSet, SetEnd, SetWay, TrafficSet, walk};
use vpcsim_engine::{NodeId, Port};

use super::boundaries::Boundaries;
use super::classes::{Classes, Endpoint};
use super::pairs::sends;
use super::{Reach, gateways};

/// What a part of the internet and a class have to do with each other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outside {
    /// The addresses outside.
    pub ranges: Vec<AddressRange>,
    /// What gets through.
    pub reach: Reach,
    /// Of flows that go out: the address that they appear with.
    pub appears_as: Option<Ipv4Addr>,
    /// Whether that is the sender's own public address, so that each member of the class has another.
    pub appears_as_own: bool,
}

/// Somebody on the internet, where nobody in particular is meant.
pub const SOMEBODY: Ipv4Addr = Ipv4Addr::new(198, 51, 100, 9);

impl Outside {
    /// One of its addresses: [`SOMEBODY`] where it is among them.
    pub fn somebody(&self) -> Option<Ipv4Addr> {
        let is_meant = self.ranges.iter().any(|range| range.contains(SOMEBODY));
        let first = self.ranges.first().map(|range| range.first());
        if is_meant { Some(SOMEBODY) } else { first }
    }
}

/// How many addresses hosts on the internet can have: all but 0/8, 10/8, 100.64/10, 127/8, 169.254/16, 172.16/12, 192.168/16 and 224/3.
const PUBLIC_ADDRESSES: u64 =
    (1 << 32) - 3 * (1 << 24) - (1 << 22) - (1 << 16) - (1 << 20) - (1 << 16) - (1 << 29);

fn is_everything<'r>(ranges: impl Iterator<Item = &'r AddressRange>) -> bool {
    let size =
        |range: &AddressRange| u64::from(range.last().to_bits()) - u64::from(range.first().to_bits()) + 1;
    ranges.map(size).sum::<u64>() >= PUBLIC_ADDRESSES
}

/// Whether the rows are about every address that hosts on the internet can have.
pub fn covers_the_internet(rows: &[Outside]) -> bool {
    is_everything(rows.iter().flat_map(|row| &row.ranges))
}

/// The ranges in words; `0.0.0.0/0` for all that hosts on the internet can have.
pub(super) fn range_words(ranges: &[AddressRange]) -> Vec<String> {
    if is_everything(ranges.iter()) {
        return vec!["0.0.0.0/0".to_owned()];
    }
    ranges.iter().map(|range| range.words()).collect()
}

/// Asks about flows between a class and the internet.
pub(crate) struct Internet<'c> {
    compiled: &'c Compiled,
    classes: &'c Classes,
    question: &'c TrafficSet,
    /// The pieces of the internet, each with an address that speaks for it.
    pieces: Vec<(AddressRange, Ipv4Addr)>,
}

impl<'c> Internet<'c> {
    pub(crate) fn new(
        compiled: &'c Compiled,
        classes: &'c Classes,
        boundaries: &Boundaries,
        question: &'c TrafficSet,
    ) -> Self {
        let public: Vec<Ipv4Addr> = classes
            .endpoints
            .iter()
            .filter_map(|endpoint| endpoint.public)
            .collect();
        let public: std::collections::BTreeSet<Ipv4Addr> = public.into_iter().collect();
        let own = compiled
            .topology
            .elastic_ips
            .iter()
            .map(|(_, elastic_ip)| elastic_ip.address);
        let taken: std::collections::BTreeSet<Ipv4Addr> = public.into_iter().chain(own).collect();
        let of = |range: AddressRange| {
            let mut free = (range.first().to_bits()..=range.last().to_bits()).map(Ipv4Addr::from);
            Some((range, free.find(|address| !taken.contains(address))?))
        };
        Self {
            compiled,
            classes,
            question,
            pieces: boundaries.outside().filter_map(of).collect(),
        }
    }

    /// What the internet can open to members of a class, by their public addresses.
    pub(crate) fn exposure(&self, class: usize) -> Vec<Outside> {
        let endpoint = self.speaker(class);
        let Some(public) = endpoint.public else {
            return Vec::new();
        };
        let asked = self
            .pieces
            .iter()
            .map(|(range, address)| (*range, self.inwards(endpoint, public, *address), None));
        merged(asked, None)
    }

    /// What members of a class can open on the internet.
    pub(crate) fn egress(&self, class: usize) -> Vec<Outside> {
        let endpoint = self.speaker(class);
        let asked = self.pieces.iter().map(|(range, address)| {
            let (reach, appears_as) = self.outwards(endpoint, *address);
            (*range, reach, appears_as)
        });
        merged(asked, endpoint.public)
    }

    fn speaker(&self, class: usize) -> &Endpoint {
        &self.classes.endpoints[self.classes.all[class].members[0]]
    }

    fn inwards(&self, endpoint: &Endpoint, public: Ipv4Addr, outside: Ipv4Addr) -> Reach {
        let internet = self.compiled.fixed.internet;
        let mut way = SetWay::default();
        let asked = PacketSet::new(outside, public, self.question.clone());
        let there = walk(self.compiled, (internet, FROM_HOSTS), asked, &mut way, &|_| false);
        match there.end {
            SetEnd::At(node, _)
                if node == endpoint.host_node && there.packets.destination == endpoint.address => {}
            SetEnd::At(..) | SetEnd::Opaque(_) => return Reach::unasked(),
            SetEnd::Dropped(..) => return Reach::nothing(),
        }
        let via = gateways(self.compiled, &way);
        way.turn();
        let arrived = there.packets;
        let there = self.question.intersection(&arrived.traffic.from_any_port());
        let answers = PacketSet::new(endpoint.address, arrived.source, arrived.traffic.answers());
        if answers.traffic.is_empty() {
            return Reach::of(self.question, &there, &TrafficSet::nothing(), false, &via);
        }
        let start = sends(&self.compiled.hosts[endpoint.plan], endpoint, arrived.source);
        let back = walk(self.compiled, start, answers, &mut way, &|_| false);
        let arrives = (back.packets.source, back.packets.destination) == (public, outside);
        let back = match back.end {
            SetEnd::At(node, _) if node == internet && arrives => back.packets.traffic.questions(),
            // An answer that comes from another address than the one that was asked answers nothing.
            SetEnd::At(node, _) if node == internet => TrafficSet::nothing(),
            SetEnd::At(..) | SetEnd::Opaque(_) => return Reach::unasked(),
            SetEnd::Dropped(..) => TrafficSet::nothing(),
        };
        Reach::of(self.question, &there, &back, way.depends_on_port(), &via)
    }

    fn outwards(&self, endpoint: &Endpoint, outside: Ipv4Addr) -> (Reach, Option<Ipv4Addr>) {
        let mut way = SetWay::default();
        let asked = PacketSet::new(endpoint.address, outside, self.question.clone());
        let start = sends(&self.compiled.hosts[endpoint.plan], endpoint, outside);
        let there = walk(self.compiled, start, asked, &mut way, &|_| false);
        let answered_from = match there.end {
            SetEnd::At(node, _) => self.answers_from(node),
            SetEnd::Opaque(_) => None,
            SetEnd::Dropped(..) => return (Reach::nothing(), None),
        };
        let Some(uplink) = answered_from else {
            return (Reach::unasked(), None);
        };
        let via = gateways(self.compiled, &way);
        way.turn();
        let arrived = there.packets;
        let appears_as = Some(arrived.source);
        let there = self.question.intersection(&arrived.traffic.from_any_port());
        let answers = PacketSet::new(outside, arrived.source, arrived.traffic.answers());
        if answers.traffic.is_empty() {
            return (
                Reach::of(self.question, &there, &TrafficSet::nothing(), false, &via),
                appears_as,
            );
        }
        let back = walk(self.compiled, uplink, answers, &mut way, &|_| false);
        let back = match back.end {
            SetEnd::At(node, _) if node == endpoint.host_node => back.packets.traffic.questions(),
            SetEnd::At(..) | SetEnd::Opaque(_) => return (Reach::unasked(), appears_as),
            SetEnd::Dropped(..) => TrafficSet::nothing(),
        };
        (
            Reach::of(self.question, &there, &back, way.depends_on_port(), &via),
            appears_as,
        )
    }

    /// Where hosts outside of all VPCs, which the set has arrived at, send their answers.
    fn answers_from(&self, node: NodeId) -> Option<(NodeId, Port)> {
        let internet = self.compiled.fixed.internet;
        if node == internet {
            return Some((internet, FROM_HOSTS));
        }
        match self.compiled.slot(node)? {
            Slot::ServiceHosts(index) => Some(self.compiled.services[index].uplink),
            _ => None,
        }
    }
}

/// Pieces with equal answers as one, those that nothing passes left out.
fn merged(
    asked: impl Iterator<Item = (AddressRange, Reach, Option<Ipv4Addr>)>,
    own: Option<Ipv4Addr>,
) -> Vec<Outside> {
    let mut rows: Vec<Outside> = Vec::new();
    for (range, reach, appears_as) in asked.filter(|(_, reach, _)| !reach.is_nothing()) {
        match rows
            .iter_mut()
            .find(|row| row.appears_as == appears_as && row.reach == reach)
        {
            Some(row) => add(&mut row.ranges, range),
            None => rows.push(Outside {
                ranges: vec![range],
                reach,
                appears_as,
                appears_as_own: appears_as.is_some() && appears_as == own,
            }),
        }
    }
    rows
}

pub(super) fn add(ranges: &mut Vec<AddressRange>, range: AddressRange) {
    match ranges.last_mut() {
        Some(last) if last.last().to_bits().checked_add(1) == Some(range.first().to_bits()) => {
            *last = AddressRange::new(last.first(), range.last());
        }
        _ => ranges.push(range),
    }
}
