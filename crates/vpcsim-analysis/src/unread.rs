//! Which of the things that were not understood could change an answer.

use std::collections::BTreeSet;
use std::net::Ipv4Addr;

use vpcsim_aws::devices::Vpc;
use vpcsim_aws::{Id, Unread};

use crate::answer::Answer;
use crate::directory::Directory;
use crate::endpoint::Source;
use crate::question::Question;

/// How much something unread has to do with a flow.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Relation {
    /// Nothing.
    None,
    /// It stands near, and might open another way.
    Near,
    /// The answer rests on it.
    Decides,
}

/// What a flow touches.
pub(crate) struct Touched {
    /// The addresses of its two ends.
    pub(crate) ends: Vec<Ipv4Addr>,
    /// The VPCs that it begins and ends in, as far as addresses tell.
    pub(crate) vpcs: BTreeSet<Id<Vpc>>,
    /// What the rules name that might have let a dropped packet through, and that the design does not have.
    pub(crate) missing_peers: Vec<String>,
}

impl Touched {
    /// What the flow of a question touches.
    pub(crate) fn new(directory: &Directory, question: &Question, missing_peers: Vec<String>) -> Self {
        let mut ends = vec![question.destination];
        match question.source {
            Source::Internet(address) => ends.push(address),
            Source::Host { host, .. } => ends.extend(directory.addresses_of(host)),
        }
        Self {
            vpcs: vpcs_of(directory, question),
            ends,
            missing_peers,
        }
    }

    /// How much the thing has to do with the flow and its answer.
    pub(crate) fn relation(&self, unread: &Unread, answer: &Answer) -> Relation {
        let noun = unread.noun.to_ascii_lowercase();
        let decides = self.missing_peers.contains(&unread.name);
        let owns_an_end = unread.addresses.iter().any(|address| self.ends.contains(address));
        let is_near = unread.vpc.is_some_and(|vpc| self.vpcs.contains(&vpc));
        if decides || owns_an_end {
            Relation::Decides
        } else if is_near && (!answer.round_trip || noun.contains("firewall")) {
            Relation::Near
        } else {
            Relation::None
        }
    }
}

fn vpcs_of(directory: &Directory, question: &Question) -> BTreeSet<Id<Vpc>> {
    let topology = directory.topology();
    let vpc_of_interface = |interface| {
        let subnet = topology.network_interfaces.find(interface)?.subnet;
        topology.subnets.find(subnet).map(|subnet| subnet.vpc)
    };
    let mut vpcs = BTreeSet::new();
    if let Source::Host { host, .. } = question.source {
        let interfaces = directory.interfaces_of(host);
        vpcs.extend(interfaces.into_iter().filter_map(vpc_of_interface));
    }
    let owners = directory.owners_of(question.destination);
    vpcs.extend(owners.filter_map(vpc_of_interface));
    vpcs
}
