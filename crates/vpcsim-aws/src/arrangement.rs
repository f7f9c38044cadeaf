//! The order of resources: VPC by VPC, interfaces with their instances, as the native format writes them.
//!
//! Numbers of resources show in MAC addresses and in the order of equal events. With one order for every input, a
//! design and its conversion behave the same to the last byte.

use crate::devices::network_interface::Attachment;
use crate::devices::{AnyId, Instance, Kind, Resource, Subnet, Vpc};
use crate::model::{Id, Table};
use crate::topology::Topology;

/// Where a resource stands among its kind: the smallest first, equal ones as in the input.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Rank(usize, u64);

impl Rank {
    /// Behind everything that is in a VPC.
    pub const LAST: Self = Self(usize::MAX, 0);

    /// With its VPC.
    pub fn of_vpc(vpc: Id<Vpc>) -> Self {
        Self(vpc.index(), 0)
    }

    /// With what has this place in another table.
    pub const fn at(place: usize) -> Self {
        Self(place, 0)
    }

    /// The same place, `behind` others of equal rank.
    #[must_use]
    pub const fn behind(self, behind: u64) -> Self {
        Self(self.0, behind)
    }
}

/// What ranks are made from.
pub struct Arrangement<'t> {
    /// The design.
    pub topology: &'t Topology,
    ranks_of_instances: Vec<Rank>,
    places_of_instances: Vec<u32>,
}

impl<'t> Arrangement<'t> {
    fn new(topology: &'t Topology) -> Self {
        let ranks: Vec<Rank> = vpcs_of_instances(topology)
            .into_iter()
            .map(|vpc| vpc.map_or(Rank::LAST, Rank::of_vpc))
            .collect();
        let mut order: Vec<u32> = (0..ranks.len() as u32).collect();
        order.sort_by_key(|index| ranks[*index as usize]);
        let mut places = order.clone();
        for (place, index) in order.iter().enumerate() {
            places[*index as usize] = place as u32;
        }
        Self {
            topology,
            ranks_of_instances: ranks,
            places_of_instances: places,
        }
    }

    /// The rank of what is in the subnet.
    pub fn in_subnet(&self, subnet: Id<Subnet>) -> Rank {
        self.topology
            .subnets
            .find(subnet)
            .map_or(Rank::LAST, |subnet| Rank::of_vpc(subnet.vpc))
    }

    /// The rank of an instance: with the VPC of its primary interface.
    pub fn of_instance(&self, instance: Id<Instance>) -> Rank {
        self.ranks_of_instances[instance.index()]
    }

    /// The place that an instance will have among the instances.
    pub fn place_of(&self, instance: Id<Instance>) -> u32 {
        self.places_of_instances[instance.index()]
    }
}

/// The new number of every resource.
#[derive(Clone, Debug, Default)]
pub struct Renumbering {
    /// For each kind in the order of [`Kind::ALL`], the new number of each old one.
    new: Vec<Vec<u32>>,
}

impl Renumbering {
    /// Decides the order of a table.
    pub(crate) fn add<T: Resource>(&mut self, table: &Table<T>, arrangement: &Arrangement<'_>) {
        let mut old: Vec<Id<T>> = table.ids().collect();
        old.sort_by_cached_key(|id| table[*id].rank(*id, arrangement));
        let mut new = vec![0; old.len()];
        for (place, id) in old.iter().enumerate() {
            new[id.index()] = place as u32;
        }
        debug_assert_eq!(
            Kind::ALL[self.new.len()],
            T::KIND,
            "tables come in the order of the kinds"
        );
        self.new.push(new);
    }

    /// Puts a table into its order.
    pub(crate) fn reorder<T: Resource>(&self, table: &mut Table<T>) {
        let new = &self.new[T::KIND as usize];
        if new.is_sorted() {
            return;
        }
        let mut order: Vec<Id<T>> = table.ids().collect();
        order.sort_by_key(|id| new[id.index()]);
        table.reorder(&order);
    }

    /// Gives an id its new number.
    pub fn id<T: Resource>(&self, id: &mut Id<T>) {
        if let Some(new) = self.new[T::KIND as usize].get(id.index()) {
            *id = Id::from_index(*new as usize);
        }
    }

    /// Gives each id its new number.
    pub fn ids<'i, T: Resource + 'i>(&self, ids: impl IntoIterator<Item = &'i mut Id<T>>) {
        ids.into_iter().for_each(|id| self.id(id));
    }

    /// Gives the id of a resource of any kind its new number.
    pub fn any(&self, any: &mut AnyId) {
        if let Some(new) = self.new[any.kind as usize].get(any.index as usize) {
            any.index = *new;
        }
    }
}

impl Topology {
    /// Puts the resources into their order; equal ones keep the order of the input.
    pub fn arrange(&mut self) {
        let order = self.orders(&Arrangement::new(self));
        self.reorder(&order);
    }
}

/// For each instance the VPC of its primary interface.
pub fn vpcs_of_instances(topology: &Topology) -> Vec<Option<Id<Vpc>>> {
    let mut primary: Vec<Option<(u16, Id<Vpc>)>> = vec![None; topology.instances.len()];
    for (_, row) in topology.network_interfaces.iter() {
        if let Attachment::Instance {
            instance,
            device_index,
        } = row.attachment
        {
            let own = (device_index, topology.subnets[row.subnet].vpc);
            let best = &mut primary[instance.index()];
            if best.is_none_or(|best| own.0 < best.0) {
                *best = Some(own);
            }
        }
    }
    primary
        .into_iter()
        .map(|primary| primary.map(|(_, vpc)| vpc))
        .collect()
}
