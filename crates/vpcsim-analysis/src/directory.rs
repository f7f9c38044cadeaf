//! Who has which name and which address: what a question asks of a design, found without looking through all of it.
//!
//! A million questions about ten thousand interfaces would otherwise be ten thousand million comparisons. The order of what is found
//! is that of the design, as if it were looked through.

use std::collections::BTreeMap;
use std::hash::{Hash, Hasher};
use std::net::Ipv4Addr;
use std::sync::Arc;

use rustc_hash::FxHasher;
use vpcsim_aws::compile::HostPlan;
use vpcsim_aws::devices::network_interface::Attachment;
use vpcsim_aws::devices::{Instance, ManagedHost, NetworkInterface, SecurityGroup};
use vpcsim_aws::{AnyId, Compiled, Id, Label, Topology};

use crate::endpoint::{Named, candidates, free_outside_address};

const INTERNET_SOURCE: u8 = 200;
const INTERNET_DESTINATION: u8 = 100;

/// What can be found by name and address in a design.
pub struct Directory {
    topology: Arc<Topology>,
    /// By the hash of an id, a name or a `Name` tag; the same hash in the order of the design.
    names: Vec<(u64, Named)>,
    /// By address, private and public ones, then in the order of the design.
    addresses: Vec<(Ipv4Addr, Id<NetworkInterface>)>,
    /// The interfaces with delegated prefixes, whose addresses are not in the list above.
    with_prefixes: Vec<Id<NetworkInterface>>,
    /// By instance, then by device index.
    attached: Vec<(Id<Instance>, u16, Id<NetworkInterface>)>,
    /// The first plan of each host.
    plans: BTreeMap<AnyId, usize>,
    /// Instances of which only their routes say that they forward.
    pub(crate) assumed: Vec<Id<Instance>>,
    /// Addresses on the internet that nothing has: of a source, and of a destination.
    pub(crate) outside: [Ipv4Addr; 2],
}

impl Directory {
    /// Looks through a design once.
    pub fn new(compiled: &Compiled) -> Self {
        Self::of(Arc::clone(&compiled.topology), &compiled.hosts)
    }

    pub(crate) fn of(topology: Arc<Topology>, hosts: &[HostPlan]) -> Self {
        let mut plans = BTreeMap::new();
        for (index, plan) in hosts.iter().enumerate() {
            plans.entry(plan.owner).or_insert(index);
        }
        let instances = topology.instances.iter();
        let assumed = instances.filter(|(_, instance)| {
            instance
                .appliance
                .as_ref()
                .is_some_and(|appliance| appliance.assumed)
        });
        Self {
            names: names(&topology),
            addresses: addresses(&topology),
            with_prefixes: with_prefixes(&topology),
            attached: attached(&topology),
            plans,
            assumed: assumed.map(|(id, _)| id).collect(),
            outside: [INTERNET_SOURCE, INTERNET_DESTINATION]
                .map(|start| free_outside_address(&topology, start)),
            topology,
        }
    }

    pub(crate) fn topology(&self) -> &Topology {
        &self.topology
    }

    /// What may have this id, name or tag, in the order of the design. Labels have to be compared still.
    pub(crate) fn called(&self, name: &str) -> impl Iterator<Item = (Named, &Label)> {
        let hash = hash_of(name);
        let start = self.names.partition_point(|(other, _)| *other < hash);
        let same = self.names[start..]
            .iter()
            .take_while(move |(other, _)| *other == hash);
        same.filter_map(|(_, named)| Some((*named, self.topology.label(named.any())?)))
    }

    /// The interfaces with an address, private or public, in the order of the design.
    pub(crate) fn owners_of(&self, address: Ipv4Addr) -> impl Iterator<Item = Id<NetworkInterface>> {
        let start = self.addresses.partition_point(|(other, _)| *other < address);
        let same = self.addresses[start..]
            .iter()
            .take_while(move |(other, _)| *other == address);
        same.map(|(_, interface)| *interface)
    }

    /// Whether an interface that carries the group has the private address.
    pub(crate) fn is_member(&self, group: Id<SecurityGroup>, address: Ipv4Addr) -> bool {
        let delegated = self.with_prefixes.iter().copied();
        let mut candidates = self.owners_of(address).chain(delegated);
        candidates.any(|id| {
            let interface = &self.topology.network_interfaces[id];
            interface.security_groups.contains(&group) && interface.owns(address)
        })
    }

    /// Whether somebody with this private address has a public one.
    pub(crate) fn has_public_address(&self, address: Ipv4Addr) -> bool {
        let owners = self.owners_of(address);
        let mut addresses = owners.flat_map(|id| &self.topology.network_interfaces[id].addresses);
        addresses.any(|own| own.private == address && own.public.is_some())
    }

    /// The interfaces of a host, the primary first.
    pub(crate) fn interfaces_of(&self, host: AnyId) -> Vec<Id<NetworkInterface>> {
        if let Some(managed) = host.downcast::<ManagedHost>() {
            return self.topology.managed_hosts[managed].interfaces.clone();
        }
        let Some(instance) = host.downcast::<Instance>() else {
            return Vec::new();
        };
        let start = self.attached.partition_point(|(other, ..)| *other < instance);
        let own = self.attached[start..]
            .iter()
            .take_while(|(other, ..)| *other == instance);
        own.map(|(_, _, interface)| *interface).collect()
    }

    /// All private addresses of a host, the primary first.
    pub(crate) fn addresses_of(&self, host: AnyId) -> Vec<Ipv4Addr> {
        let interfaces = self.interfaces_of(host);
        let addresses = interfaces
            .iter()
            .flat_map(|id| &self.topology.network_interfaces[*id].addresses);
        addresses.map(|address| address.private).collect()
    }

    /// The place of a host among the plans.
    pub(crate) fn plan_of(&self, host: AnyId) -> Option<usize> {
        self.plans.get(&host).copied()
    }
}

fn hash_of(name: &str) -> u64 {
    let mut hasher = FxHasher::default();
    name.hash(&mut hasher);
    hasher.finish()
}

fn names(topology: &Topology) -> Vec<(u64, Named)> {
    let words = |(named, label): (Named, &Label)| {
        let words = [label.id.as_deref(), Some(label.name.as_str()), label.tag("Name")];
        words.map(|word| word.map(|word| (hash_of(word), named)))
    };
    let mut names: Vec<(u64, Named)> = candidates(topology).flat_map(words).flatten().collect();
    names.sort_unstable();
    names.dedup();
    names
}

fn addresses(topology: &Topology) -> Vec<(Ipv4Addr, Id<NetworkInterface>)> {
    let interfaces = topology.network_interfaces.iter();
    let owned =
        interfaces.flat_map(|(id, interface)| interface.addresses.iter().map(move |address| (id, address)));
    let mut addresses: Vec<_> = owned
        .flat_map(|(id, address)| {
            [
                Some((address.private, id)),
                address.public.map(|public| (public, id)),
            ]
        })
        .flatten()
        .collect();
    addresses.sort_unstable();
    addresses.dedup();
    addresses
}

fn with_prefixes(topology: &Topology) -> Vec<Id<NetworkInterface>> {
    let interfaces = topology.network_interfaces.iter();
    let with_prefixes = interfaces.filter(|(_, interface)| !interface.prefixes.is_empty());
    with_prefixes.map(|(id, _)| id).collect()
}

fn attached(topology: &Topology) -> Vec<(Id<Instance>, u16, Id<NetworkInterface>)> {
    let interfaces = topology.network_interfaces.iter();
    let mut attached: Vec<_> = interfaces
        .filter_map(|(id, interface)| match interface.attachment {
            Attachment::Instance {
                instance,
                device_index,
            } => Some((instance, device_index, id)),
            _ => None,
        })
        .collect();
    attached.sort_unstable();
    attached
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixtures::shop;

    #[test]
    fn members_are_found_by_every_address_of_their_own() {
        let mut shop = shop();
        let find = |topology: &Topology| {
            let mut interfaces = topology.network_interfaces.iter();
            let found = interfaces.find(|(_, row)| row.security_groups.contains(&shop.web_group));
            found.map(|(id, row)| (id, row.addresses[0])).unwrap()
        };
        let (web, own) = find(&shop.topology);
        shop.topology.network_interfaces[web].prefixes = vec!["10.0.1.64/28".parse().unwrap()];
        let directory = Directory::of(Arc::new(shop.topology), &[]);
        let is_member = |address: Ipv4Addr| directory.is_member(shop.web_group, address);
        assert!(is_member(own.private) && is_member([10, 0, 1, 65].into()));
        assert!(!is_member(own.public.unwrap()) && !is_member([10, 0, 1, 80].into()));
        assert!(!directory.is_member(shop.db_group, own.private));
        assert!(directory.has_public_address(own.private));
        assert!(!directory.has_public_address(own.public.unwrap()));
    }
}
