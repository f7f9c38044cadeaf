//! Who gets flows and begins none: nodes of load balancers, and VPC endpoints with their interfaces.

use std::net::Ipv4Addr;

use rustc_hash::FxHashMap;
use vpcsim_aws::devices::{LoadBalancer, NetworkInterface, VpcEndpoint};
use vpcsim_aws::sets::{PacketSet, SetStep, SetWay, TrafficSet};
use vpcsim_aws::{AnyId, Compiled, Id, Topology};
use vpcsim_engine::{NodeId, Port};

use super::classes::Behind;

/// An interface that only gets flows.
#[derive(Debug)]
pub(super) struct Receiver {
    pub(super) owner: AnyId,
    pub(super) interface: Id<NetworkInterface>,
    pub(super) interface_node: NodeId,
    /// The node behind it.
    pub(super) node: NodeId,
    pub(super) behind: Behind,
    /// What the service takes; `None` where that is told by a walk.
    pub(super) takes: Option<TrafficSet>,
}

/// All of a design, in its order.
pub(super) fn all(compiled: &Compiled) -> Vec<Receiver> {
    let topology = &*compiled.topology;
    if topology.load_balancers.is_empty() && topology.vpc_endpoints.is_empty() {
        return Vec::new();
    }
    let nodes: FxHashMap<AnyId, NodeId> = compiled.running().map(|(node, owner)| (owner, node)).collect();
    let is_wanted = |owner: &AnyId| {
        owner.downcast::<LoadBalancer>().is_some() || owner.downcast::<VpcEndpoint>().is_some()
    };
    let mut found = Vec::new();
    for owner in topology.resources().filter(is_wanted) {
        for (place, interface) in interfaces_of(owner, topology).into_iter().enumerate() {
            let interface_node = compiled_interface(compiled, &nodes, interface);
            let Some((interface_node, node)) = interface_node else {
                continue;
            };
            let (behind, takes) = match owner.downcast::<VpcEndpoint>() {
                Some(_) => service(compiled, node, place),
                None => (Behind::Balancer, None),
            };
            found.push(Receiver {
                owner,
                interface,
                interface_node,
                node,
                behind,
                takes,
            });
        }
    }
    found
}

/// The node of an interface, and the node behind it.
fn compiled_interface(
    compiled: &Compiled,
    nodes: &FxHashMap<AnyId, NodeId>,
    interface: Id<NetworkInterface>,
) -> Option<(NodeId, NodeId)> {
    let node = *nodes.get(&interface.into())?;
    Some((node, compiled.interface(node)?.behind()?))
}

fn interfaces_of(owner: AnyId, topology: &Topology) -> Vec<Id<NetworkInterface>> {
    if let Some(balancer) = owner.downcast::<LoadBalancer>() {
        let nodes = &topology.load_balancers[balancer].nodes;
        return nodes.iter().map(|node| node.interface).collect();
    }
    owner.downcast::<VpcEndpoint>().map_or_else(Vec::new, |endpoint| {
        topology.vpc_endpoints[endpoint].interfaces().to_vec()
    })
}

/// What an endpoint takes by its interface number `place`, as its own device says.
fn service(compiled: &Compiled, node: NodeId, place: usize) -> (Behind, Option<TrafficSet>) {
    let Some(device) = compiled.for_sets(node) else {
        return (Behind::Balancer, None);
    };
    let nobody = Ipv4Addr::UNSPECIFIED;
    let mut packets = PacketSet::new(nobody, nobody, TrafficSet::everything());
    match device.pass(Port(place as u32), &mut packets, &mut SetWay::default()) {
        SetStep::Forward(to, _) if compiled.slot(to).is_some() => (Behind::Service, Some(packets.traffic)),
        SetStep::Drop(..) => (Behind::Service, Some(TrafficSet::nothing())),
        _ => (Behind::Balancer, None),
    }
}

/// For each address the target groups that have it and keep the client's address: what it sends to their load balancer may come
/// back to itself, which it does not do to others of its kind (NLB-06).
pub(super) fn kept_targets(topology: &Topology) -> FxHashMap<Ipv4Addr, Vec<u32>> {
    let mut found: FxHashMap<Ipv4Addr, Vec<u32>> = FxHashMap::default();
    for (id, group) in topology
        .target_groups
        .iter()
        .filter(|(_, group)| group.keeps_client())
    {
        let targets = group
            .targets
            .iter()
            .filter_map(|target| group.destination(target, topology));
        for (address, _) in targets {
            let groups = found.entry(address).or_default();
            if groups.last() != Some(&(id.index() as u32)) {
                groups.push(id.index() as u32);
            }
        }
    }
    found
}
