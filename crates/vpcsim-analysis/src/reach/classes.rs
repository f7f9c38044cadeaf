//! Interfaces that nothing distinguishes: asked once, answered for all.

use std::net::Ipv4Addr;

use rustc_hash::FxHashMap;
use vpcsim_aws::compile::HostPlan;
use vpcsim_aws::devices::instance::HostRouting;
use vpcsim_aws::devices::network_interface::{FROM_HOST, FROM_OWNER, NetworkInterface};
use vpcsim_aws::devices::{Instance, ManagedHost, SecurityGroup, Subnet};
use vpcsim_aws::sets::{TrafficBox, TrafficSet};
use vpcsim_aws::{AnyId, Compiled, Id};
use vpcsim_engine::{NodeId, Port};

use super::boundaries::Boundaries;
use super::journey;
use super::receivers::{self, Receiver};

/// What stands behind an interface.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Behind {
    /// A host, which sends and gets.
    Host,
    /// A service of AWS, which only gets.
    Service,
    /// A load balancer, which hands on to its targets what it gets, or a way to one.
    Balancer,
}

/// An address of an interface with something behind it.
#[derive(Clone, Debug)]
pub struct Endpoint {
    /// The interface.
    pub interface: Id<NetworkInterface>,
    /// Whose it is: an instance, a managed host, a load balancer or a VPC endpoint.
    pub host: AnyId,
    /// What stands behind it.
    pub behind: Behind,
    /// The private address.
    pub address: Ipv4Addr,
    /// Its place among the interface's addresses; the primary one is the first.
    pub ordinal: usize,
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

impl Endpoint {
    /// Whether connections begin there; load balancers and VPC endpoints only get them.
    pub fn sends(&self) -> bool {
        self.behind == Behind::Host
    }

    /// Who has to get what is sent to it.
    pub(super) fn receiver(&self) -> journey::Receiver {
        match self.behind {
            Behind::Host => journey::Receiver::Host(self.host_node),
            Behind::Service | Behind::Balancer => journey::Receiver::Behind(self.host_node),
        }
    }
}

/// Interfaces that no rule, route or gateway tells apart.
#[derive(Clone, Debug)]
pub struct Class {
    /// Its members, by their numbers among the endpoints, in ascending order.
    pub members: Vec<usize>,
    pub(crate) place: usize,
    /// Whether its host chooses interfaces in a way that only a whole walk tells.
    pub(crate) is_odd: bool,
    pub(crate) behind: Behind,
    /// What a service takes at all; `None` for everything.
    pub(crate) takes: Option<TrafficSet>,
    pub(crate) sites: Sites,
}

/// In which subnets members are: of each subnet two members of different hosts.
#[derive(Clone, Debug, Default)]
pub(crate) struct Sites {
    by_subnet: Vec<Site>,
}

#[derive(Clone, Debug)]
struct Site {
    subnet: Id<Subnet>,
    first: Member,
    second: Option<Member>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Member {
    endpoint: usize,
    host: AnyId,
}

/// Nothing asks for more subnets of a class than it takes to find two that differ.
impl Sites {
    fn add(&mut self, subnet: Id<Subnet>, endpoint: usize, host: AnyId) {
        let member = Member { endpoint, host };
        match self.by_subnet.iter_mut().rev().find(|site| site.subnet == subnet) {
            Some(site) if site.second.is_none() && site.first.host != host => site.second = Some(member),
            Some(_) => {}
            None => self.by_subnet.push(Site {
                subnet,
                first: member,
                second: None,
            }),
        }
    }

    /// A member of each in two subnets that differ.
    pub(crate) fn apart(&self, other: &Self) -> Option<(usize, usize)> {
        let mut sites = self
            .by_subnet
            .iter()
            .flat_map(|one| other.by_subnet.iter().map(move |two| (one, two)));
        sites.find_map(|(one, two)| (one.subnet != two.subnet).then(|| pair(one, two))?)
    }

    /// Members of different hosts in one subnet.
    pub(crate) fn together(&self, other: &Self) -> Option<(usize, usize)> {
        self.by_subnet.iter().find_map(|one| {
            let two = other.by_subnet.iter().find(|two| one.subnet == two.subnet)?;
            pair(one, two)
        })
    }
}

/// Members of different hosts.
fn pair(one: &Site, two: &Site) -> Option<(usize, usize)> {
    let members = |site: &Site| {
        [Some(site.first), site.second]
            .into_iter()
            .flatten()
            .collect::<smallvec::SmallVec<[Member; 2]>>()
    };
    let others = members(two);
    members(one).into_iter().find_map(|one| {
        let two = others.iter().find(|two| two.host != one.host)?;
        Some((one.endpoint, two.endpoint))
    })
}

/// All endpoints, sorted into classes.
#[derive(Clone, Debug)]
pub(crate) struct Classes {
    pub(crate) endpoints: Vec<Endpoint>,
    pub(crate) all: Vec<Class>,
    /// How many parts of the network there are that treat all addresses in them alike: subnets with one route table, network
    /// ACL and zone, cut at the [`Boundaries`].
    pub(crate) place_count: usize,
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
    behind: Behind,
    takes: Option<Vec<TrafficBox>>,
    /// The target groups that would hand a flow of its own back to its host (NLB-06), and whether to this very address.
    target_of: Vec<(u32, bool)>,
    /// The interface itself, where its host has others or forwards, or a load balancer is behind it.
    odd: Option<u32>,
}

impl Classes {
    pub(crate) fn of(compiled: &Compiled, boundaries: &Boundaries) -> Self {
        let mut sorter = Sorter {
            compiled,
            boundaries,
            target_of: receivers::kept_targets(&compiled.topology),
            places: FxHashMap::default(),
            classes: FxHashMap::default(),
            sorted: Self {
                endpoints: Vec::new(),
                all: Vec::new(),
                place_count: 0,
            },
        };
        for (index, plan) in compiled.hosts.iter().enumerate() {
            if plan.owner.downcast::<Instance>().is_some() || plan.owner.downcast::<ManagedHost>().is_some() {
                sorter.add_host(index, plan);
            }
        }
        for receiver in receivers::all(compiled) {
            sorter.add_receiver(receiver);
        }
        sorter.sorted
    }
}

struct Sorter<'c> {
    compiled: &'c Compiled,
    boundaries: &'c Boundaries,
    target_of: FxHashMap<Ipv4Addr, Vec<u32>>,
    places: FxHashMap<PlaceKey, usize>,
    classes: FxHashMap<ClassKey, usize>,
    sorted: Classes,
}

/// What tells an endpoint from others beside its place and groups.
#[derive(Default)]
struct Traits {
    is_odd: bool,
    main_table: bool,
    takes: Option<TrafficSet>,
    target_of: Vec<(u32, bool)>,
}

impl Sorter<'_> {
    /// The target groups that any address of a host is in, and whether this one is.
    fn target_of(&self, plan: &HostPlan, own: Ipv4Addr) -> Vec<(u32, bool)> {
        if self.target_of.is_empty() {
            return Vec::new();
        }
        let addresses = plan.interfaces.iter().flat_map(|part| &part.addresses);
        let groups = |address: &Ipv4Addr| self.target_of.get(address).into_iter().flatten();
        let found = addresses.flat_map(|address| groups(address).map(move |group| (*group, *address == own)));
        let mut found: Vec<(u32, bool)> = found.collect();
        found.sort_unstable();
        found.dedup();
        found
    }

    fn add_host(&mut self, index: usize, plan: &HostPlan) {
        let is_odd = plan.interfaces.len() > 1 || plan.appliance.is_some();
        let main_table = plan.routing == HostRouting::MainTable && plan.interfaces.len() > 1;
        let is_managed = plan.owner.downcast::<ManagedHost>().is_some();
        for part in &plan.interfaces {
            let Some(device) = self.compiled.interface(part.node) else {
                continue;
            };
            if device.behind() != Some(plan.node) {
                continue;
            }
            let declared = &self.compiled.topology.network_interfaces[part.interface];
            for (ordinal, own) in declared.addresses.iter().enumerate() {
                let endpoint = Endpoint {
                    interface: part.interface,
                    host: plan.owner,
                    behind: Behind::Host,
                    address: own.private,
                    ordinal,
                    public: own.public,
                    subnet: declared.subnet,
                    class: 0,
                    node: part.node,
                    sends_by: if is_managed { FROM_OWNER } else { FROM_HOST },
                    host_node: plan.node,
                    plan: index,
                };
                let traits = Traits {
                    is_odd,
                    main_table,
                    takes: None,
                    target_of: self.target_of(plan, own.private),
                };
                self.add(endpoint, traits);
            }
        }
    }

    fn add_receiver(&mut self, receiver: Receiver) {
        let declared = &self.compiled.topology.network_interfaces[receiver.interface];
        let Some(own) = declared.addresses.first() else {
            return;
        };
        let endpoint = Endpoint {
            interface: receiver.interface,
            host: receiver.owner,
            behind: receiver.behind,
            address: own.private,
            ordinal: 0,
            public: own.public,
            subnet: declared.subnet,
            class: 0,
            node: receiver.interface_node,
            sends_by: FROM_OWNER,
            host_node: receiver.node,
            plan: usize::MAX,
        };
        let traits = Traits {
            is_odd: receiver.behind == Behind::Balancer,
            main_table: false,
            takes: receiver.takes,
            target_of: Vec::new(),
        };
        self.add(endpoint, traits);
    }

    fn add(&mut self, mut endpoint: Endpoint, traits: Traits) {
        let place = self.place_of(&endpoint);
        let key = ClassKey {
            place,
            groups: self.compiled.topology.network_interfaces[endpoint.interface]
                .security_groups
                .clone(),
            is_public: endpoint.public.is_some(),
            is_managed: endpoint.sends_by == FROM_OWNER,
            behind: endpoint.behind,
            takes: traits.takes.as_ref().map(|takes| takes.boxes().to_vec()),
            target_of: traits.target_of,
            odd: traits.is_odd.then_some(declared_index(endpoint.interface)),
        };
        let next = self.sorted.all.len();
        let class = *self.classes.entry(key).or_insert(next);
        if class == next {
            self.sorted.all.push(Class {
                members: Vec::new(),
                place,
                is_odd: traits.main_table,
                behind: endpoint.behind,
                takes: traits.takes,
                sites: Sites::default(),
            });
        }
        endpoint.class = class;
        let number = self.sorted.endpoints.len();
        let found = &mut self.sorted.all[class];
        found.members.push(number);
        found.sites.add(endpoint.subnet, number, endpoint.host);
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
        let place = *self.places.entry(key).or_insert(self.sorted.place_count);
        self.sorted.place_count = self.places.len();
        place
    }
}

fn declared_index<T>(id: Id<T>) -> u32 {
    id.index() as u32
}
