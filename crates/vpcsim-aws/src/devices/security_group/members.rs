//! Who the other side of a security group's rules is, as addresses.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::address_set::{AddressRange, AddressSet};
use crate::devices::peering_connection::PeeringState;
use crate::devices::transit_gateway_attachment::AttachmentEnd;
use crate::devices::{NetworkInterface, PrefixList, SecurityGroup, Topology, TransitGateway, Vpc};
use crate::model::Id;

use super::Peer;

/// The addresses behind a group or a prefix list, and what it is called.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Peers {
    /// The other side in words (`sg web (sg-1)`).
    pub words: String,
    /// Its addresses.
    pub addresses: AddressSet,
}

/// Who the rules of a topology's security groups refer to; made once, before the groups are compiled.
#[derive(Clone, Debug, Default)]
pub struct GroupMembers {
    groups: Vec<Arc<Peers>>,
    prefix_lists: Vec<Arc<Peers>>,
    peered: BTreeSet<(Id<Vpc>, Id<Vpc>)>,
}

impl GroupMembers {
    /// Goes once over the interfaces, prefix lists and peering connections.
    pub fn new(topology: &Topology) -> Self {
        let mut ranges: Vec<Vec<AddressRange>> = vec![Vec::new(); topology.security_groups.len()];
        for (_, interface) in topology.network_interfaces.iter() {
            let vpc = topology.subnets.find(interface.subnet).map(|subnet| subnet.vpc);
            for &group in &interface.security_groups {
                let declared = topology.security_groups.find(group);
                if declared.is_some_and(|declared| Some(declared.vpc) == vpc) {
                    ranges[group.index()].extend(private_addresses(interface));
                }
            }
        }
        let groups = topology.security_groups.ids().zip(ranges);
        Self {
            groups: groups
                .map(|(id, ranges)| peers(&Peer::SecurityGroup(id), ranges, topology))
                .collect(),
            prefix_lists: topology
                .prefix_lists
                .iter()
                .map(|(id, list)| peers(&Peer::PrefixList(id), entries(list), topology))
                .collect(),
            peered: &peered_vpcs(topology) | &transit_vpcs(topology),
        }
    }

    /// The private addresses of the interfaces that carry the group.
    pub fn of_group(&self, group: Id<SecurityGroup>) -> Option<&Arc<Peers>> {
        self.groups.get(group.index())
    }

    /// The addresses of a prefix list.
    pub fn of_prefix_list(&self, list: Id<PrefixList>) -> Option<&Arc<Peers>> {
        self.prefix_lists.get(list.index())
    }

    /// Whether a rule of a group in the VPC `at` may refer to a group in the VPC `of`.
    pub fn may_refer(&self, at: Id<Vpc>, of: Id<Vpc>) -> bool {
        at == of || self.peered.contains(&(at.min(of), at.max(of)))
    }
}

fn peers(peer: &Peer, ranges: Vec<AddressRange>, topology: &Topology) -> Arc<Peers> {
    Arc::new(Peers {
        words: peer.words(topology),
        addresses: ranges.into_iter().collect(),
    })
}

fn entries(list: &PrefixList) -> Vec<AddressRange> {
    list.entries.iter().map(|&net| net.into()).collect()
}

fn private_addresses(interface: &NetworkInterface) -> impl Iterator<Item = AddressRange> + '_ {
    let addresses = interface.addresses.iter().map(|address| address.private.into());
    addresses.chain(interface.prefixes.iter().map(|&net| net.into()))
}

/// The pairs of VPCs of one region that an active peering connection joins, the lower id first.
fn peered_vpcs(topology: &Topology) -> BTreeSet<(Id<Vpc>, Id<Vpc>)> {
    let regions: BTreeMap<Id<Vpc>, &str> = topology
        .vpcs
        .iter()
        .map(|(id, vpc)| (id, vpc.region.as_str()))
        .collect();
    let active = topology
        .peering_connections
        .iter()
        .filter(|(_, peering)| peering.state == PeeringState::Active);
    active
        .filter_map(|(_, peering)| Some((peering.requester?, peering.accepter?)))
        .filter(|(requester, accepter)| regions.get(requester) == regions.get(accepter))
        .map(|(requester, accepter)| (requester.min(accepter), requester.max(accepter)))
        .collect()
}

/// The pairs of VPCs between which a transit gateway keeps references to groups, the lower id first (TGW-44).
pub(super) fn transit_vpcs(topology: &Topology) -> BTreeSet<(Id<Vpc>, Id<Vpc>)> {
    let mut attached: BTreeMap<Id<TransitGateway>, BTreeSet<Id<Vpc>>> = BTreeMap::new();
    for (_, attachment) in topology.transit_gateway_attachments.iter() {
        let keeps = topology.transit_gateways.find(attachment.gateway);
        if let AttachmentEnd::Vpc { vpc, security_group_referencing: true, .. } = attachment.end
            && keeps.is_some_and(|gateway| gateway.security_group_referencing)
        {
            attached.entry(attachment.gateway).or_default().insert(vpc);
        }
    }
    let pairs = attached.values().flat_map(|vpcs| {
        let with_later = |one: &Id<Vpc>| {
            let one = *one;
            vpcs.range(one..).skip(1).map(move |later| (one, *later))
        };
        vpcs.iter().flat_map(with_later)
    });
    pairs.collect()
}
