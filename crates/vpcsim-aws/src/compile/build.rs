//! Second pass of compiling: rule tables, and a prototype of every device.

use std::sync::Arc;

use rustc_hash::FxHashMap;
use vpcsim_engine::{Context, Decision, Handle, Node, NodeId, Port, Step};

use super::fabric::Fabric;
use super::place::Place;
use crate::connection_tracking::TrackingTimers;
use crate::devices::network_acl::NetworkAclLookup;
use crate::devices::network_interface::{self, TrackingTimeouts};
use crate::devices::route_table::RouteLookup;
use crate::devices::security_group::{GroupMembers, SecurityGroupLookup};
use crate::devices::{
    NetworkAcl, RouteTable, SecurityGroup, Subnet, Vpc, network_acl, route_table, security_group,
};
use crate::drop_reason;
use crate::model::Id;
use crate::sets::SetDevice;
use crate::topology::Topology;
use crate::traffic::Direction;

/// The compiled ingress and egress rules of a list of groups.
type GroupTables = (Arc<SecurityGroupLookup>, Arc<SecurityGroupLookup>);

/// What interfaces of a subnet share, by their groups.
type SharedByGroups = FxHashMap<Vec<Id<SecurityGroup>>, Arc<network_interface::Shared>>;

/// A device in its first state, from which each network gets its own.
pub trait Prototype: Send + Sync {
    /// A fresh device.
    fn instantiate(&self) -> Box<dyn Node>;

    /// The same device, asked about sets of packets, if it can answer for them.
    fn for_sets(&self) -> Option<&dyn SetDevice> {
        None
    }
}

/// A device that answers for single packets and for sets of them.
struct ForSets<D>(D);

impl<D: Node + SetDevice + Clone + Sync> Prototype for ForSets<D> {
    fn instantiate(&self) -> Box<dyn Node> {
        Box::new(self.0.clone())
    }

    fn for_sets(&self) -> Option<&dyn SetDevice> {
        Some(&self.0)
    }
}

impl<N: Node + Clone + Sync> Prototype for N {
    fn instantiate(&self) -> Box<dyn Node> {
        Box::new(self.clone())
    }
}

/// What building gives.
pub(crate) struct Built {
    /// By node.
    pub(crate) prototypes: Vec<Option<Box<dyn Prototype>>>,
    /// The rule tables.
    pub(crate) tables: Tables,
}

/// The compiled rules of filters, for whoever explains what they did.
pub(crate) struct Tables {
    /// Who the rules of the groups refer to.
    pub(crate) group_members: GroupMembers,
    groups: FxHashMap<Vec<Id<SecurityGroup>>, GroupTables>,
    network_acls: Vec<Arc<NetworkAclLookup>>,
}

impl Tables {
    /// The entries of all network ACLs; groups are added as interfaces are built.
    fn new(topology: &Topology) -> Self {
        let acls = topology.network_acls.ids();
        Self {
            group_members: GroupMembers::new(topology),
            groups: FxHashMap::default(),
            network_acls: acls
                .map(|id| Arc::new(network_acl::compile(id, topology)))
                .collect(),
        }
    }

    /// The rules in a direction of an interface's groups, if some interface that runs has these.
    pub(crate) fn groups(
        &self,
        groups: &[Id<SecurityGroup>],
        direction: Direction,
    ) -> Option<&Arc<SecurityGroupLookup>> {
        let (ingress, egress) = self.groups.get(groups)?;
        Some(match direction {
            Direction::Ingress => ingress,
            Direction::Egress => egress,
        })
    }

    /// The entries of a network ACL.
    pub(crate) fn network_acl(&self, acl: Id<NetworkAcl>) -> &NetworkAclLookup {
        &self.network_acls[acl.index()]
    }
}

/// What devices are built from.
pub struct Build<'p> {
    /// What was declared.
    pub topology: &'p Topology,
    /// What was reserved.
    pub place: &'p Place<'p>,
    fabrics: Vec<Arc<Fabric>>,
    route_tables: Vec<Arc<RouteLookup>>,
    tables: Tables,
    shared: FxHashMap<Id<Subnet>, SharedByGroups>,
    timers: FxHashMap<TrackingTimeouts, Arc<TrackingTimers>>,
    prototypes: Vec<Option<Box<dyn Prototype>>>,
}

impl<'p> Build<'p> {
    pub(crate) fn new(place: &'p Place<'p>) -> Self {
        let topology = place.topology;
        Self {
            topology,
            place,
            fabrics: place.fabrics.clone(),
            route_tables: topology
                .route_tables
                .ids()
                .map(|id| Arc::new(route_table::compile(id, place)))
                .collect(),
            tables: Tables::new(topology),
            shared: FxHashMap::default(),
            timers: FxHashMap::default(),
            prototypes: place.owners.iter().map(|_| None).collect(),
        }
    }

    /// The fabric of a VPC.
    pub fn fabric(&self, vpc: Id<Vpc>) -> Arc<Fabric> {
        Arc::clone(&self.fabrics[vpc.index()])
    }

    /// The compiled routes of a table.
    pub fn routes(&self, table: Id<RouteTable>) -> Arc<RouteLookup> {
        Arc::clone(&self.route_tables[table.index()])
    }

    /// The compiled entries of a network ACL.
    pub fn network_acl(&self, acl: Id<NetworkAcl>) -> Arc<NetworkAclLookup> {
        Arc::clone(&self.tables.network_acls[acl.index()])
    }

    /// The compiled ingress and egress rules of an interface's groups; interfaces with equal groups share them.
    pub fn security_groups(
        &mut self,
        groups: &[Id<SecurityGroup>],
    ) -> (Arc<SecurityGroupLookup>, Arc<SecurityGroupLookup>) {
        if let Some(tables) = self.tables.groups.get(groups) {
            return tables.clone();
        }
        let compile = |direction| {
            Arc::new(security_group::compile(
                groups,
                direction,
                self.topology,
                &self.tables.group_members,
            ))
        };
        let tables = (compile(Direction::Ingress), compile(Direction::Egress));
        self.tables.groups.insert(groups.to_vec(), tables.clone());
        tables
    }

    /// What the interfaces of a subnet with these groups have in common.
    pub(crate) fn shared_by_interfaces(
        &mut self,
        subnet: Id<Subnet>,
        groups: &[Id<SecurityGroup>],
    ) -> Arc<network_interface::Shared> {
        let known = self.shared.get(&subnet);
        if let Some(shared) = known.and_then(|by_groups| by_groups.get(groups)) {
            return Arc::clone(shared);
        }
        let shared = Arc::new(network_interface::Shared::new(subnet, groups, self));
        let of_subnet = self.shared.entry(subnet).or_default();
        of_subnet.insert(groups.to_vec(), Arc::clone(&shared));
        shared
    }

    /// The timers of connection tracking; interfaces with equal ones share them.
    pub(crate) fn timers(&mut self, timeouts: TrackingTimeouts) -> Arc<TrackingTimers> {
        let timers = self.timers.entry(timeouts);
        Arc::clone(timers.or_insert_with(|| Arc::new(timeouts.into())))
    }

    /// Installs what runs in a reserved node and says of sets of packets what becomes of them.
    pub fn install_for_sets(&mut self, node: NodeId, device: impl Node + SetDevice + Clone + Sync + 'static) {
        self.prototypes[node.0 as usize] = Some(Box::new(ForSets(device)));
    }

    /// Installs what runs in a reserved node.
    pub fn install(&mut self, node: NodeId, device: impl Prototype + 'static) {
        self.prototypes[node.0 as usize] = Some(Box::new(device));
    }

    pub(crate) fn install_services(&mut self) {
        crate::services::install(self);
    }

    /// Every node has a device or is a slot; what nobody installed drops whatever comes.
    pub(crate) fn finish(mut self) -> Built {
        for (index, prototype) in self.prototypes.iter_mut().enumerate() {
            let is_slot = self
                .place
                .slots
                .binary_search_by_key(&(index as u32), |(node, _)| node.0)
                .is_ok();
            if prototype.is_none() && !is_slot {
                *prototype = Some(Box::new(Absent));
            }
        }
        Built {
            prototypes: self.prototypes,
            tables: self.tables,
        }
    }
}

/// Stands where a resource reserved a node and installed nothing.
#[derive(Clone)]
struct Absent;

impl Node for Absent {
    fn process(&mut self, _: &mut Context<'_>, _: Port, _: Handle) -> Step {
        Step::drop(drop_reason::DESTINATION_NOT_MODELLED, Decision::NONE)
    }
}
