//! From what was declared to what runs.
//!
//! Compiling has three passes. [`Place`] reserves a node for each device, collects who owns which address and names the
//! capture points. [`Fabric`]s then answer, per VPC, who has an address. [`Build`] compiles the rule tables and installs a
//! prototype of every device; [`Compiled::network`] makes as many fresh networks of it as are asked for.

pub mod build;
pub mod fabric;
pub mod place;
pub mod plan;

use std::any::Any;
use std::sync::{Arc, Mutex, PoisonError};

use rustc_hash::FxHashMap;
use vpcsim_engine::{ComponentId, Decision, Network, Node, NodeId};

pub use build::{Build, Prototype};
use build::{Built, Tables};
pub use fabric::{Claim, Fabric, NextHop, ZonalIndex, ZonalTarget};
pub use place::{FixedNodes, Place, PublicOwner};
pub use plan::{CapturePointPlan, HostInterfacePlan, HostPlan, LinkLayer, MetadataPlan, ServicePlan, Slot};

use crate::devices::network_acl::NetworkAclLookup;
use crate::devices::network_interface::NetworkInterfaceDevice;
use crate::devices::security_group::{self, GroupMembers, SecurityGroupLookup};
use crate::devices::{AnyId, NetworkAcl, SecurityGroup};
use crate::model::Id;
use crate::sets::SetDevice;
use crate::topology::Topology;
use crate::traffic::Direction;

/// A topology made ready to run.
pub struct Compiled {
    /// What was declared.
    pub topology: Arc<Topology>,
    /// The hosts' places: what whoever supplies the hosts has to know.
    pub hosts: Vec<HostPlan>,
    /// The services with many addresses.
    pub services: Vec<ServicePlan>,
    /// The instance metadata service's clients, in the order of the network interfaces.
    pub metadata: Vec<MetadataPlan>,
    /// Where packets can be captured.
    pub capture_points: Vec<CapturePointPlan>,
    /// The nodes that every network has.
    pub fixed: FixedNodes,
    pub(crate) prototypes: Vec<Option<Box<dyn Prototype>>>,
    tables: Tables,
    pub(crate) slots: Vec<(NodeId, Slot)>,
    pub(crate) owners: Vec<Option<AnyId>>,
    /// The words of the rules that were asked for: thousands of packets meet the same few, and a rule's words never change.
    rule_texts: Mutex<FxHashMap<Decision, Option<Arc<str>>>>,
}

/// Compiles a topology. It has to be valid; what is not is compiled as a black hole.
pub fn compile(topology: Arc<Topology>) -> Compiled {
    let mut place = Place::new(&topology);
    topology.place_resources(&mut place);
    place.seal();
    let mut build = Build::new(&place);
    topology.build_resources(&mut build);
    build.install_services();
    let Built { prototypes, tables } = build.finish();
    let Place {
        hosts,
        services,
        metadata,
        capture_points,
        fixed,
        slots,
        owners,
        ..
    } = place;
    Compiled {
        topology,
        hosts,
        services,
        metadata,
        capture_points,
        fixed,
        prototypes,
        tables,
        slots,
        owners,
        rule_texts: Mutex::default(),
    }
}

impl Compiled {
    /// A fresh network: every device in its first state, and in each slot what `fill` puts there.
    ///
    /// # Panics
    /// Never: a node without a prototype is a slot.
    pub fn network(&self, seed: u64, mut fill: impl FnMut(Slot) -> Box<dyn Node>) -> Network {
        let mut slots = self.slots.iter();
        let nodes = self.prototypes.iter().map(|prototype| match prototype {
            Some(prototype) => prototype.instantiate(),
            None => fill(slots.next().expect("a node without a prototype is a slot").1),
        });
        Network::new(nodes.collect(), Vec::new(), seed)
    }

    /// How many nodes a network of it has.
    pub fn node_count(&self) -> usize {
        self.prototypes.len()
    }

    /// A node in its first state: a device, or what `fill` puts into its slot.
    ///
    /// # Panics
    /// If there is no such node.
    pub fn node(&self, node: NodeId, fill: impl FnOnce(Slot) -> Box<dyn Node>) -> Box<dyn Node> {
        match &self.prototypes[node.0 as usize] {
            Some(prototype) => prototype.instantiate(),
            None => fill(self.slot(node).expect("a node without a prototype is a slot")),
        }
    }

    /// The resource that runs in a node.
    pub fn owner(&self, node: NodeId) -> Option<AnyId> {
        self.owners.get(node.0 as usize).copied().flatten()
    }

    /// The device of a node, asked about sets of packets; `None` where only packets tell.
    pub fn for_sets(&self, node: NodeId) -> Option<&dyn SetDevice> {
        self.prototypes.get(node.0 as usize)?.as_ref()?.for_sets()
    }

    /// The network interface that runs in a node, asked about sets of packets.
    pub fn interface(&self, node: NodeId) -> Option<&NetworkInterfaceDevice> {
        let device: &dyn Any = self.for_sets(node)?;
        device.downcast_ref()
    }

    /// What is filled into the node from outside of this crate, if it is such a place.
    pub fn slot(&self, node: NodeId) -> Option<Slot> {
        let found = self
            .slots
            .binary_search_by_key(&node.0, |(slot, _)| slot.0)
            .ok()?;
        Some(self.slots[found].1)
    }

    /// The resources that run, with their nodes, in the order of the nodes.
    pub fn running(&self) -> impl Iterator<Item = (NodeId, AnyId)> {
        let nodes = (0..).map(NodeId).zip(&self.owners);
        nodes.filter_map(|(node, owner)| Some((node, (*owner)?)))
    }

    /// The node where a resource runs.
    pub fn node_of(&self, any: impl Into<AnyId>) -> Option<NodeId> {
        let any = Some(any.into());
        self.owners
            .iter()
            .position(|owner| *owner == any)
            .map(|index| NodeId(index as u32))
    }

    /// The resource that made a decision.
    pub fn decider(&self, component: ComponentId) -> Option<AnyId> {
        self.topology.resource(component)
    }

    /// The words for the rule that decided, if a single rule did.
    pub fn rule_text(&self, decision: Decision) -> Option<Arc<str>> {
        let rule = decision.rule_index()?;
        let words = || {
            let any = self.decider(decision.component)?;
            self.topology.rule_text(any, rule).map(Arc::from)
        };
        // Whoever panicked while it held the lock left whole entries behind.
        let mut known = self.rule_texts.lock().unwrap_or_else(PoisonError::into_inner);
        known.entry(decision).or_insert_with(words).clone()
    }

    /// Who the rules of security groups refer to.
    pub fn group_members(&self) -> &GroupMembers {
        &self.tables.group_members
    }

    /// The compiled rules of a list of security groups.
    pub fn security_groups(
        &self,
        groups: &[Id<SecurityGroup>],
        direction: Direction,
    ) -> Arc<SecurityGroupLookup> {
        let compile = || {
            Arc::new(security_group::compile(
                groups,
                direction,
                &self.topology,
                self.group_members(),
            ))
        };
        self.tables
            .groups(groups, direction)
            .map_or_else(compile, Arc::clone)
    }

    /// The compiled entries of a network ACL.
    pub fn network_acl(&self, acl: Id<NetworkAcl>) -> &NetworkAclLookup {
        self.tables.network_acl(acl)
    }
}
