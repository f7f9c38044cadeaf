//! Second pass of compiling: rule tables, and a prototype of every device.

use std::sync::Arc;

use vpcsim_engine::{Node, NodeId};

use super::fabric::Fabric;
use super::place::Place;
use crate::devices::network_acl::NetworkAclLookup;
use crate::devices::route_table::RouteLookup;
use crate::devices::{NetworkAcl, RouteTable};
use crate::devices::{Vpc, network_acl, route_table};
use crate::model::Id;
use crate::topology::Topology;

/// A device in its first state, from which each network gets its own.
pub trait Prototype: Send + Sync {
    /// A fresh device.
    fn instantiate(&self) -> Box<dyn Node>;
}

impl<N: Node + Clone + Sync> Prototype for N {
    fn instantiate(&self) -> Box<dyn Node> {
        Box::new(self.clone())
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
    network_acls: Vec<Arc<NetworkAclLookup>>,
    prototypes: Vec<Option<Box<dyn Prototype>>>,
}

impl<'p> Build<'p> {
    pub(crate) fn new(place: &'p Place<'p>) -> Self {
        let topology = place.topology;
        Self {
            topology,
            place,
            fabrics: place.fabrics.iter().cloned().map(Arc::new).collect(),
            route_tables: topology
                .route_tables
                .ids()
                .map(|id| Arc::new(route_table::compile(id, place)))
                .collect(),
            network_acls: topology
                .network_acls
                .ids()
                .map(|id| Arc::new(network_acl::compile(id, topology)))
                .collect(),
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
        Arc::clone(&self.network_acls[acl.index()])
    }

    /// Installs what runs in a reserved node.
    pub fn install(&mut self, node: NodeId, device: impl Prototype + 'static) {
        self.prototypes[node.0 as usize] = Some(Box::new(device));
    }

    pub(crate) fn install_services(&mut self) {
        crate::services::install(self);
    }

    pub(crate) fn finish(self) -> Vec<Option<Box<dyn Prototype>>> {
        self.prototypes
    }
}
