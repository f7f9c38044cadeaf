//! Which of the things that were not understood could change an answer.

use std::collections::BTreeSet;
use std::net::Ipv4Addr;

use vpcsim_aws::devices::Vpc;
use vpcsim_aws::{Id, Topology, Unread};

use crate::answer::Answer;
use crate::endpoint::{Source, interfaces_of};
use crate::question::Question;

/// Words of nouns that can also stop what is let through here; others can only open a further way.
const STOPPING_WORDS: [&str; 3] = ["firewall", "block public access", "encryption control"];

/// The VPCs that a flow begins and ends in, as far as addresses tell.
pub(crate) fn vpcs_of(topology: &Topology, ends: &[Ipv4Addr], question: &Question) -> BTreeSet<Id<Vpc>> {
    let vpc_of_interface = |interface| {
        let subnet = topology.network_interfaces.find(interface)?.subnet;
        topology.subnets.find(subnet).map(|subnet| subnet.vpc)
    };
    let mut vpcs = BTreeSet::new();
    if let Source::Instance { instance, .. } = question.source {
        vpcs.extend(
            interfaces_of(topology, instance)
                .into_iter()
                .filter_map(vpc_of_interface),
        );
    }
    for (id, interface) in topology.network_interfaces.iter() {
        let mut addresses = interface.addresses.iter();
        if addresses.any(|owned| owned.private == ends[0] || owned.public == Some(ends[0])) {
            vpcs.extend(vpc_of_interface(id));
        }
    }
    vpcs
}

/// Whether something unread in one of these VPCs could turn the answer: what failed might have another way, and what
/// arrived might be stopped by another filter.
pub(crate) fn can_change(unread: &Unread, vpcs: &BTreeSet<Id<Vpc>>, answer: &Answer) -> bool {
    let is_near = unread.vpc.is_some_and(|vpc| vpcs.contains(&vpc));
    let noun = unread.noun.to_ascii_lowercase();
    is_near && (!answer.round_trip || STOPPING_WORDS.iter().any(|word| noun.contains(word)))
}
