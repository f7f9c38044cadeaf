//! Interfaces that nothing distinguishes: asked once, answered for all.

use std::net::Ipv4Addr;

use rustc_hash::FxHashMap;
use vpcsim_aws::compile::HostPlan;
use vpcsim_aws::devices::instance::HostRouting;
use vpcsim_aws::devices::network_interface::{FROM_HOST, FROM_OWNER, NetworkInterface};
use vpcsim_aws::devices::{Instance, ManagedHost, SecurityGroup, Subnet};
use vpcsim_aws::{AnyId, Compiled, Id};
use vpcsim_engine::{NodeId, Port};

use super::boundaries::Boundaries;

/// An interface with a host behind it, by its primary address.
#[derive(Clone, Debug)]
pub struct Endpoint {
    /// The interface.
    pub interface: Id<NetworkInterface>,
    /// Whose it is: an instance or a managed host.
    pub host: AnyId,
    /// Its primary private address.
    pub address: Ipv4Addr,
    /// The public address that stands for it.
    pub public: Option<Ipv4Addr>,
    /// The subnet it is in.
    pub subnet: Id<Subnet>,
    /// The class that it belongs to.
    pub class: usize,
    pub(crate) node: NodeId,
    /// The port of the interface that the host sends by.
    pub(crate) sends_by: Port,
    pub(crate) host_node: NodeId,
    /// The place of its host among the plans.
    pub(crate) plan: usize,
}

/// Interfaces that no rule, route or gateway tells apart.
#[derive(Clone, Debug)]
pub struct Class {
    /// Its members, by their numbers among the endpoints, in ascending order.
    pub members: Vec<usize>,
    pub(crate) place: usize,
    /// Whether its host chooses interfaces in a way that only a whole walk tells.
    pub(crate) is_odd: bool,
    pub(crate) sites: Sites,
}

/// A part of the network that treats all addresses in it alike: subnets with one route table, network ACL and zone, cut at
/// the [`Boundaries`].
#[derive(Clone, Debug)]
pub(crate) struct PlaceClass {
    pub(crate) sites: Sites,
}

/// In which subnets members are: two of the first subnet, and one of another.
#[derive(Clone, Debug, Default)]
pub(crate) struct Sites {
    /// For each subnet up to two members, in the order of their numbers.
    by_subnet: Vec<(Id<Subnet>, usize, Option<usize>)>,
}

/// Nothing asks for more subnets of a class than it takes to find two that differ.
impl Sites {
    fn add(&mut self, subnet: Id<Subnet>, endpoint: usize) {
        match self.by_subnet.iter_mut().rev().find(|(own, ..)| *own == subnet) {
            Some((_, _, second @ None)) => *second = Some(endpoint),
            Some(_) => {}
            None => self.by_subnet.push((subnet, endpoint, None)),
        }
    }

    /// A member of each in two subnets that differ.
    pub(crate) fn apart(&self, other: &Self) -> Option<(usize, usize)> {
        let mut pairs = self
            .by_subnet
            .iter()
            .flat_map(|one| other.by_subnet.iter().map(move |two| (one, two)));
        pairs
            .find(|(one, two)| one.0 != two.0)
            .map(|(one, two)| (one.1, two.1))
    }

    /// Two different members in one subnet.
    pub(crate) fn together(&self, other: &Self) -> Option<(usize, usize)> {
        self.by_subnet.iter().find_map(|(subnet, first, second)| {
            let (_, theirs, more) = other.by_subnet.iter().find(|(own, ..)| own == subnet)?;
            match (theirs == first, second, more) {
                (false, ..) => Some((*first, *theirs)),
                (true, Some(second), _) => Some((*second, *theirs)),
                (true, None, Some(more)) => Some((*first, *more)),
                (true, None, None) => None,
            }
        })
    }
}

/// All endpoints, sorted into classes.
#[derive(Clone, Debug)]
pub(crate) struct Classes {
    pub(crate) endpoints: Vec<Endpoint>,
    pub(crate) all: Vec<Class>,
    pub(crate) places: Vec<PlaceClass>,
}

#[derive(PartialEq, Eq, Hash)]
struct PlaceKey {
    vpc: u32,
    route_table: Option<u32>,
    network_acl: Option<u32>,
    zone: String,
    piece: u32,
    /// Where subnets are told apart by themselves.
    subnet: Option<u32>,
}

#[derive(PartialEq, Eq, Hash)]
struct ClassKey {
    place: usize,
    groups: Vec<Id<SecurityGroup>>,
    is_public: bool,
    is_managed: bool,
    /// The interface itself, where its host has others or forwards.
    odd: Option<u32>,
}

impl Classes {
    pub(crate) fn of(compiled: &Compiled, boundaries: &Boundaries) -> Self {
        let mut sorter = Sorter {
            compiled,
            boundaries,
            places: FxHashMap::default(),
            classes: FxHashMap::default(),
            sorted: Self {
                endpoints: Vec::new(),
                all: Vec::new(),
                places: Vec::new(),
            },
        };
        for (index, plan) in compiled.hosts.iter().enumerate() {
            if plan.owner.downcast::<Instance>().is_some() || plan.owner.downcast::<ManagedHost>().is_some() {
                sorter.add_host(index, plan);
            }
        }
        sorter.sorted
    }
}

struct Sorter<'c> {
    compiled: &'c Compiled,
    boundaries: &'c Boundaries,
    places: FxHashMap<PlaceKey, usize>,
    classes: FxHashMap<ClassKey, usize>,
    sorted: Classes,
}

impl Sorter<'_> {
    fn add_host(&mut self, index: usize, plan: &HostPlan) {
        let is_odd = plan.interfaces.len() > 1 || plan.appliance.is_some();
        for part in &plan.interfaces {
            let Some(device) = self.compiled.interface(part.node) else {
                continue;
            };
            if device.behind() != Some(plan.node) {
                continue;
            }
            let declared = &self.compiled.topology.network_interfaces[part.interface];
            let Some(first) = declared.addresses.first() else {
                continue;
            };
            let is_managed = plan.owner.downcast::<ManagedHost>().is_some();
            let endpoint = Endpoint {
                interface: part.interface,
                host: plan.owner,
                address: first.private,
                public: first.public,
                subnet: declared.subnet,
                class: 0,
                node: part.node,
                sends_by: if is_managed { FROM_OWNER } else { FROM_HOST },
                host_node: plan.node,
                plan: index,
            };
            let main_table = plan.routing == HostRouting::MainTable && plan.interfaces.len() > 1;
            self.add(endpoint, declared, is_odd, main_table);
        }
    }

    fn add(&mut self, mut endpoint: Endpoint, declared: &NetworkInterface, is_odd: bool, main_table: bool) {
        let place = self.place_of(&endpoint);
        let key = ClassKey {
            place,
            groups: declared.security_groups.clone(),
            is_public: endpoint.public.is_some(),
            is_managed: endpoint.sends_by == FROM_OWNER,
            odd: is_odd.then_some(declared_index(endpoint.interface)),
        };
        let next = self.sorted.all.len();
        let class = *self.classes.entry(key).or_insert(next);
        if class == next {
            self.sorted.all.push(Class {
                members: Vec::new(),
                place,
                is_odd: main_table,
                sites: Sites::default(),
            });
        }
        endpoint.class = class;
        let number = self.sorted.endpoints.len();
        let found = &mut self.sorted.all[class];
        found.members.push(number);
        found.sites.add(endpoint.subnet, number);
        self.sorted.places[place].sites.add(endpoint.subnet, number);
        self.sorted.endpoints.push(endpoint);
    }

    fn place_of(&mut self, endpoint: &Endpoint) -> usize {
        let topology = &*self.compiled.topology;
        let subnet = &topology.subnets[endpoint.subnet];
        let key = PlaceKey {
            vpc: declared_index(subnet.vpc),
            route_table: topology.route_table_of(endpoint.subnet).map(declared_index),
            network_acl: topology.network_acl_of(endpoint.subnet).map(declared_index),
            zone: subnet.availability_zone.clone(),
            piece: self.boundaries.piece_of(endpoint.address),
            subnet: topology
                .block_public_access
                .iter()
                .next()
                .map(|_| declared_index(endpoint.subnet)),
        };
        let next = self.sorted.places.len();
        let place = *self.places.entry(key).or_insert(next);
        if place == next {
            self.sorted.places.push(PlaceClass {
                sites: Sites::default(),
            });
        }
        place
    }
}

fn declared_index<T>(id: Id<T>) -> u32 {
    id.index() as u32
}
