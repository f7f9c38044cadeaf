//! The internet: who can be reached from it, and who can get out.

use std::net::Ipv4Addr;

use vpcsim_aws::Compiled;
use vpcsim_aws::address_set::AddressRange;
use vpcsim_aws::devices::internet_host::FROM_HOSTS;
use vpcsim_aws::sets::TrafficSet;

use super::Reach;
use super::boundaries::Boundaries;
use super::classes::{Classes, Endpoint};
use super::journey::{Journey, Receiver};
use super::pairs::sends;

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
        if !endpoint.sends() {
            return Vec::new();
        }
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
        let journey = Journey {
            compiled: self.compiled,
            question: self.question,
            start: (internet, FROM_HOSTS),
            source: outside,
            destination: public,
            home: internet,
            receiver: endpoint.receiver(),
        };
        journey.ask().0
    }

    fn outwards(&self, endpoint: &Endpoint, outside: Ipv4Addr) -> (Reach, Option<Ipv4Addr>) {
        let journey = Journey {
            compiled: self.compiled,
            question: self.question,
            start: sends(self.compiled, endpoint, outside),
            source: endpoint.address,
            destination: outside,
            home: endpoint.host_node,
            receiver: Receiver::Outside,
        };
        journey.ask()
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
