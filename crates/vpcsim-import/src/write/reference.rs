//! How a resource is spelled where something refers to it.

use vpcsim_aws::arrangement::vpcs_of_instances;
use vpcsim_aws::devices::network_interface::Attachment;
use vpcsim_aws::devices::{Instance, NetworkInterface, Vpc};
use vpcsim_aws::{AnyId, Id, Kind, Resource, Topology};

use crate::names::Names;
use crate::native::network_interface::PrimaryInterfaces;
use crate::native::route_table::{find_target, fixed_target};

/// The names as the reader will see them.
pub(super) struct References<'t> {
    topology: &'t Topology,
    names: Names,
    primary: PrimaryInterfaces,
    vpc_of_instance: Vec<Option<Id<Vpc>>>,
    interfaces_of_instance: Vec<Vec<Id<NetworkInterface>>>,
}

impl<'t> References<'t> {
    /// Enters everything that has a name.
    pub(crate) fn of(topology: &'t Topology) -> Self {
        let vpc_of_instance = vpcs_of_instances(topology);
        let mut interfaces_of_instance = vec![Vec::new(); topology.instances.len()];
        for (id, row) in topology.network_interfaces.iter() {
            if let Attachment::Instance { instance, .. } = row.attachment {
                interfaces_of_instance[instance.index()].push(id);
            }
        }
        let mut references = Self {
            topology,
            names: Names::default(),
            primary: PrimaryInterfaces::of(topology),
            vpc_of_instance,
            interfaces_of_instance,
        };
        for any in topology.resources() {
            if let Some(label) = topology.label(any) {
                let vpc = references.vpc_of(any);
                // Of equal names the first stands, for the reader as here.
                let _first = references.names.enter(any, vpc, &label.name, label.id.as_deref());
            }
        }
        references
    }

    /// The interfaces of an instance in the order of the table, which is that of the device index.
    pub(crate) fn interfaces_of(&self, instance: Id<Instance>) -> &[Id<NetworkInterface>] {
        self.interfaces_of_instance
            .get(instance.index())
            .map_or(&[], Vec::as_slice)
    }

    /// The VPC in which an instance is written: that of its primary interface.
    pub(crate) fn vpc_of_instance(&self, index: usize) -> Option<Id<Vpc>> {
        self.vpc_of_instance.get(index).copied()?
    }

    /// The VPC in which a resource is written.
    pub(crate) fn vpc_of(&self, any: AnyId) -> Option<Id<Vpc>> {
        match any.kind {
            Kind::Instance => self.vpc_of_instance(any.index as usize),
            Kind::NetworkInterface => Some(self.vpc_of_interface(any.id())),
            _ => self.topology.vpc_of(any),
        }
    }

    fn vpc_of_interface(&self, id: Id<NetworkInterface>) -> Id<Vpc> {
        let row = &self.topology.network_interfaces[id];
        let own = self.topology.subnets[row.subnet].vpc;
        match row.attachment {
            Attachment::Instance { instance, .. } => self.vpc_of_instance(instance.index()).unwrap_or(own),
            _ => own,
        }
    }

    /// The spelling of a resource inside `vpc`.
    pub(crate) fn name<T: Resource>(&self, vpc: Option<Id<Vpc>>, id: Id<T>) -> String {
        self.spelling(id.into(), |text| self.names.find(vpc, text) == Some(id))
    }

    /// The spelling of a route's target inside `vpc`; names of several kinds may be equal.
    pub(crate) fn target(&self, vpc: Id<Vpc>, target: AnyId) -> String {
        self.spelling(target, |text| {
            fixed_target(text).is_none()
                && find_target(&self.names, &self.primary, Some(vpc), text) == Some(target)
        })
    }

    /// The first of name, id and `vpc/name` that means this resource.
    pub(crate) fn spelling(&self, any: AnyId, means: impl Fn(&str) -> bool) -> String {
        let Some(label) = self.topology.label(any) else {
            return "?".to_owned();
        };
        let outer = self
            .vpc_of(any)
            .map(|vpc| format!("{}/{}", self.topology.vpcs[vpc].label.name, label.name));
        let spellings = [Some(label.name.clone()), outer, label.id.clone()];
        spellings
            .into_iter()
            .flatten()
            .find(|text| means(text))
            .unwrap_or_else(|| label.name.clone())
    }
}
