//! First pass of compiling: nodes, addresses, capture points.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::sync::Arc;

use ipnet::Ipv4Net;
use rustc_hash::FxHashMap;
use vpcsim_engine::{CapturePoint, NodeId, Port};
use vpcsim_wire::Mac;

use super::fabric::{Claim, ClaimIndex, Fabric, NextHop};
use super::plan::{CapturePointPlan, HostPlan, LinkLayer, MetadataPlan, ServicePlan, Slot};
use crate::devices::network_interface::Attachment;
use crate::devices::{AnyId, Instance, NetworkInterface, Subnet, Vpc};
use crate::latency;
use crate::model::Id;
use crate::topology::Topology;

/// The nodes that every network has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FixedNodes {
    /// The internet between the internet gateways and the hosts outside.
    pub internet: NodeId,
    /// The hosts outside.
    pub internet_hosts: NodeId,
    /// The instance metadata service.
    pub metadata: NodeId,
    /// The time service.
    pub time_sync: NodeId,
    /// The DHCP service.
    pub dhcp: NodeId,
}

/// Who has a public address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PublicOwner {
    /// The VPC.
    pub vpc: Id<Vpc>,
    /// The private address that it stands for.
    pub private: Ipv4Addr,
}

/// Who stands behind a managed interface that runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Served {
    /// The node that takes what reaches the interface.
    pub node: NodeId,
    /// The port of that node.
    pub port: Port,
    /// Whether only packets for the interface's own addresses come in.
    pub checked: bool,
}

/// What is reserved while the resources are placed.
pub struct Place<'t> {
    /// What was declared.
    pub topology: &'t Topology,
    /// The nodes that every network has.
    pub fixed: FixedNodes,
    /// Who has which public address.
    pub public_owners: BTreeMap<Ipv4Addr, PublicOwner>,
    /// The hosts so far.
    pub hosts: Vec<HostPlan>,
    /// The services' hosts so far.
    pub services: Vec<ServicePlan>,
    /// The metadata service's clients so far; one per network interface, in order.
    pub metadata: Vec<MetadataPlan>,
    pub(crate) capture_points: Vec<CapturePointPlan>,
    pub(crate) fabrics: Vec<Arc<Fabric>>,
    pub(crate) slots: Vec<(NodeId, Slot)>,
    pub(crate) owners: Vec<Option<AnyId>>,
    node_of: FxHashMap<AnyId, NodeId>,
    zones: Vec<u16>,
    interfaces_of: Vec<Vec<Id<NetworkInterface>>>,
    capture_point_of: FxHashMap<AnyId, CapturePoint>,
    /// Of resources with several, those behind the first.
    further_points_of: FxHashMap<AnyId, Vec<CapturePoint>>,
    pub(crate) served: FxHashMap<Id<NetworkInterface>, Served>,
}

impl<'t> Place<'t> {
    /// Starts with the nodes that every network has, and those of the subnets.
    pub fn new(topology: &'t Topology) -> Self {
        let zones = number_zones(topology);
        let pairs = latency::zone_pairs(topology, &zones);
        let pairs = (!pairs.is_empty()).then(|| Arc::new(pairs));
        let fabric = |(id, vpc): (Id<Vpc>, &Vpc)| {
            let cidrs: Vec<Ipv4Net> = vpc
                .cidrs
                .iter()
                .filter(|cidr| cidr.associated)
                .map(|cidr| cidr.net)
                .collect();
            Arc::new(Fabric::new(id, cidrs, &topology.settings, pairs.clone()))
        };
        let fixed = FixedNodes {
            internet: NodeId(0),
            internet_hosts: NodeId(1),
            metadata: NodeId(2),
            time_sync: NodeId(3),
            dhcp: NodeId(4),
        };
        let mut place = Self {
            topology,
            fixed,
            public_owners: BTreeMap::new(),
            hosts: Vec::new(),
            services: Vec::new(),
            metadata: Vec::new(),
            capture_points: Vec::new(),
            fabrics: topology.vpcs.iter().map(fabric).collect(),
            slots: vec![
                (fixed.internet_hosts, Slot::InternetHosts),
                (fixed.metadata, Slot::Metadata),
            ],
            owners: vec![None; 5],
            node_of: FxHashMap::default(),
            zones,
            interfaces_of: interfaces_by_instance(topology),
            capture_point_of: FxHashMap::default(),
            further_points_of: FxHashMap::default(),
            served: FxHashMap::default(),
        };
        place.reserve_subnets();
        place
    }

    /// Subnets are placed before all else: whatever stands in one has to name its node.
    fn reserve_subnets(&mut self) {
        for id in self.topology.subnets.ids() {
            self.reserve(id);
        }
    }

    /// Reserves the node of a resource.
    pub fn reserve(&mut self, owner: impl Into<AnyId>) -> NodeId {
        let owner = owner.into();
        let node = self.reserve_anonymous(Some(owner));
        self.node_of.entry(owner).or_insert(node);
        node
    }

    /// Reserves a further node, which belongs to `owner` but is not the one that [`Place::node_of`] names.
    pub fn reserve_anonymous(&mut self, owner: Option<AnyId>) -> NodeId {
        self.owners.push(owner);
        NodeId(self.owners.len() as u32 - 1)
    }

    /// Reserves a node that is filled from outside this crate.
    pub fn reserve_slot(&mut self, owner: impl Into<AnyId>, slot: Slot) -> NodeId {
        let node = self.reserve(owner);
        self.slots.push((node, slot));
        node
    }

    /// Reserves a further node of a resource, filled from outside this crate: [`Place::node_of`] names its first.
    pub fn reserve_slot_behind(&mut self, owner: impl Into<AnyId>, slot: Slot) -> NodeId {
        let node = self.reserve_anonymous(Some(owner.into()));
        self.slots.push((node, slot));
        node
    }

    /// The node of a resource, once reserved.
    pub fn node_of(&self, any: impl Into<AnyId>) -> Option<NodeId> {
        self.node_of.get(&any.into()).copied()
    }

    /// The fabric of a VPC, as far as it is known.
    pub fn fabric(&self, vpc: Id<Vpc>) -> &Fabric {
        &self.fabrics[vpc.index()]
    }

    /// The fabric of a VPC, to complete it.
    pub fn fabric_mut(&mut self, vpc: Id<Vpc>) -> &mut Fabric {
        Arc::make_mut(&mut self.fabrics[vpc.index()])
    }

    /// The number of the subnet's availability zone: equal for subnets of the same zone, whatever their accounts call it.
    pub fn zone_of(&self, subnet: Id<Subnet>) -> u16 {
        self.zones[subnet.index()]
    }

    /// The interfaces of an instance, in the order of their device index.
    pub fn interfaces_of(&self, instance: Id<Instance>) -> &[Id<NetworkInterface>] {
        &self.interfaces_of[instance.index()]
    }

    /// Claims a place in a subnet, with an address or only as a route's target.
    ///
    /// # Panics
    /// Never: subnets are reserved before all else.
    pub fn claim(
        &mut self,
        subnet: Id<Subnet>,
        address: Option<Ipv4Addr>,
        node: NodeId,
        port: Port,
        mac: Mac,
        owner: AnyId,
    ) -> ClaimIndex {
        let declared = &self.topology.subnets[subnet];
        let zone = self.zone_of(subnet);
        let subnet_node = self.node_of(subnet).expect("subnets are reserved first");
        self.fabric_mut(declared.vpc).push(Claim {
            address,
            node,
            port,
            subnet,
            subnet_node,
            zone,
            mac,
            owner,
        })
    }

    /// Claims a public address; the first claim stands.
    pub fn claim_public(&mut self, address: Ipv4Addr, vpc: Id<Vpc>, private: Ipv4Addr) {
        self.public_owners
            .entry(address)
            .or_insert(PublicOwner { vpc, private });
    }

    /// Names a capture point.
    pub fn capture_point(
        &mut self,
        name: String,
        description: String,
        link_layer: LinkLayer,
        owner: AnyId,
        node: NodeId,
    ) -> CapturePoint {
        let words = Some(Box::new((name, description)));
        self.add_capture_point(words, link_layer, owner, node)
    }

    /// The capture point of a network interface, whose words are made when they are asked for.
    pub fn interface_capture_point(
        &mut self,
        interface: Id<NetworkInterface>,
        link_layer: LinkLayer,
        node: NodeId,
    ) -> CapturePoint {
        self.add_capture_point(None, link_layer, interface.into(), node)
    }

    fn add_capture_point(
        &mut self,
        words: Option<Box<(String, String)>>,
        link_layer: LinkLayer,
        owner: AnyId,
        node: NodeId,
    ) -> CapturePoint {
        let point = CapturePoint(self.capture_points.len() as u32);
        if *self.capture_point_of.entry(owner).or_insert(point) != point {
            self.further_points_of.entry(owner).or_default().push(point);
        }
        self.capture_points.push(CapturePointPlan {
            point,
            words,
            link_layer,
            owner,
            node,
        });
        point
    }

    /// The capture points of a resource, in the order they were named.
    pub fn capture_points_of(&self, owner: AnyId) -> impl Iterator<Item = CapturePoint> {
        let first = self.capture_point_of.get(&owner);
        let further = self.further_points_of.get(&owner);
        first.into_iter().chain(further.into_iter().flatten()).copied()
    }

    /// The first capture point of a resource; for one without any, a point that nobody records.
    pub fn capture_point_of(&self, owner: impl Into<AnyId>) -> CapturePoint {
        self.capture_point_of
            .get(&owner.into())
            .copied()
            .unwrap_or(CapturePoint(u32::MAX))
    }

    /// Where a route with this target leads that stands in a table of the VPC `from`.
    pub fn next_hop(&self, target: AnyId, from: Id<Vpc>) -> NextHop {
        Topology::next_hop(target, from, self)
    }

    /// Slots are filled in the order of their nodes.
    pub(crate) fn seal(&mut self) {
        self.slots.sort_by_key(|(node, _)| *node);
        self.hosts.shrink_to_fit();
        self.services.shrink_to_fit();
        self.metadata.shrink_to_fit();
        self.capture_points.shrink_to_fit();
        self.slots.shrink_to_fit();
        self.owners.shrink_to_fit();
        for fabric in &mut self.fabrics {
            Arc::make_mut(fabric).seal();
        }
    }
}

/// Numbers the zones by their ids where they are known, of another subnet of the account if need be, else by their names.
pub(crate) fn number_zones(topology: &Topology) -> Vec<u16> {
    let account = |subnet: &Subnet| topology.vpcs[subnet.vpc].account.as_str();
    let subnets = || topology.subnets.iter().map(|(_, subnet)| subnet);
    let named = |subnet: &Subnet| (account(subnet).to_owned(), subnet.availability_zone.clone());
    let known = subnets().filter_map(|subnet| Some((named(subnet), subnet.availability_zone_id.as_deref()?)));
    let ids: BTreeMap<(String, String), &str> = known.collect();
    let mut numbers: BTreeMap<&str, u16> = BTreeMap::new();
    let mut number = |zone| {
        let next = numbers.len() as u16;
        *numbers.entry(zone).or_insert(next)
    };
    subnets()
        .map(|subnet| {
            let id = subnet.availability_zone_id.as_deref();
            let id = id.or_else(|| ids.get(&named(subnet)).copied());
            number(id.unwrap_or(&subnet.availability_zone))
        })
        .collect()
}

fn interfaces_by_instance(topology: &Topology) -> Vec<Vec<Id<NetworkInterface>>> {
    let mut interfaces_of: Vec<Vec<(u16, Id<NetworkInterface>)>> = vec![Vec::new(); topology.instances.len()];
    for (id, interface) in topology.network_interfaces.iter() {
        if let Attachment::Instance {
            instance,
            device_index,
        } = interface.attachment
        {
            interfaces_of[instance.index()].push((device_index, id));
        }
    }
    let in_order = |mut interfaces: Vec<(u16, Id<NetworkInterface>)>| {
        interfaces.sort_unstable();
        interfaces.into_iter().map(|(_, id)| id).collect()
    };
    interfaces_of.into_iter().map(in_order).collect()
}

/// The MAC address of an interface that the input gives none: `02:00` and its number.
pub fn interface_mac(index: usize) -> Mac {
    let number = (index as u32).to_be_bytes();
    Mac([0x02, 0x00, number[0], number[1], number[2], number[3]])
}

/// The MAC address that a subnet's router answers with: `02:01` and the subnet's number (L2-02).
pub fn router_mac(subnet: Id<Subnet>) -> Mac {
    let number = (subnet.index() as u32).to_be_bytes();
    Mac([0x02, 0x01, number[0], number[1], number[2], number[3]])
}

/// The MAC address of a NAT gateway and the like, by its node.
pub fn gateway_mac(node: NodeId) -> Mac {
    let number = node.0.to_be_bytes();
    Mac([0x02, 0x02, number[0], number[1], number[2], number[3]])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixtures::subnet;
    use crate::model::Label;

    fn zones(named: &[(&str, &str, Option<&str>)]) -> Vec<u16> {
        let mut topology = Topology::named("zones", "eu-west-1");
        for (index, (account, zone, id)) in named.iter().enumerate() {
            let range = format!("10.{index}.0.0/16").parse().unwrap();
            let vpc = topology.vpcs.push(Vpc {
                account: (*account).to_owned(),
                ..Vpc::new(Label::named("vpc"), "eu-west-1", &[range])
            });
            let subnet = subnet(vpc, "subnet", &format!("10.{index}.1.0/24"));
            topology.subnets.push(Subnet {
                availability_zone: (*zone).to_owned(),
                availability_zone_id: id.map(str::to_owned),
                ..subnet
            });
        }
        number_zones(&topology)
    }

    #[test]
    fn a_zone_is_the_same_by_its_id_whatever_accounts_call_it() {
        let ids = [
            ("1", "eu-west-1a", Some("az1")),
            ("2", "eu-west-1b", Some("az1")),
            ("2", "eu-west-1a", Some("az2")),
        ];
        assert_eq!(zones(&ids), [0, 0, 1]);
    }

    #[test]
    fn a_zone_without_an_id_has_that_of_its_name_in_the_same_account() {
        let ids = [
            ("1", "eu-west-1a", None),
            ("1", "eu-west-1a", Some("az1")),
            ("2", "eu-west-1a", None),
        ];
        assert_eq!(zones(&ids), [0, 0, 1]);
    }
}
