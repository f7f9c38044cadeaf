//! Where a subnet's route table sends a packet (RT-01 to RT-23).

use std::net::Ipv4Addr;

use ipnet::Ipv4Net;
use vpcsim_aws::devices::nat_gateway::NatGatewayState;
use vpcsim_aws::devices::network_interface::Attachment;
use vpcsim_aws::devices::peering_connection::PeeringState;
use vpcsim_aws::devices::route_table::{Route, RouteDestination, RouteSource, RouteTarget};
use vpcsim_aws::devices::{
    Instance, InternetGateway, NatGateway, NetworkInterface, PeeringConnection, RouteTable, Subnet, Vpc,
};
use vpcsim_aws::{AnyId, Id, Topology};

/// Where a packet goes next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// To whoever has the address in the VPC.
    Local,
    /// To an interface, whoever the packet is for.
    Interface(Id<NetworkInterface>),
    /// To a NAT gateway.
    NatGateway(Id<NatGateway>),
    /// To the VPC's internet gateway.
    InternetGateway(Id<InternetGateway>),
    /// To the VPC at the other end of a peering connection.
    Peering(Id<PeeringConnection>, Id<Vpc>),
    /// Nowhere: the best route's target is gone or does not work.
    Blackhole,
    /// To something outside the model.
    Unmodelled,
}

/// The route table of a subnet: its own, else the VPC's main one (RT-02).
pub fn table_of(topology: &Topology, subnet: Id<Subnet>) -> Option<Id<RouteTable>> {
    let row = &topology.subnets[subnet];
    row.route_table.or_else(|| {
        let main = topology
            .route_tables
            .iter()
            .find(|(_, table)| table.vpc == row.vpc && table.main);
        main.map(|(id, _)| id)
    })
}

/// A route that fits, and how well.
struct Candidate {
    prefix_len: u8,
    rank: Rank,
    next: Next,
}

/// What wins among equally long prefixes, the best last (RT-05, RT-09, RT-13, RT-14).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Rank {
    Propagated,
    PrefixList,
    ImpliedLocal,
    Static,
}

/// Where the subnet's route table sends a packet for `destination`; `None` without any route.
pub fn lookup(topology: &Topology, subnet: Id<Subnet>, destination: Ipv4Addr) -> Option<Next> {
    let vpc = topology.subnets[subnet].vpc;
    let mut candidates = Vec::new();
    for cidr in &topology.vpcs[vpc].cidrs {
        if cidr.associated && cidr.net.contains(&destination) {
            let prefix_len = cidr.net.prefix_len();
            candidates.push(Candidate {
                prefix_len,
                rank: Rank::ImpliedLocal,
                next: Next::Local,
            });
        }
    }
    let local = !candidates.is_empty();
    if let Some(table) = table_of(topology, subnet) {
        let routes = &topology.route_tables[table].routes;
        // `local` beats what was propagated, even if that is more specific (RT-06).
        let counts = |route: &&Route| !(local && route.source == RouteSource::Propagated);
        for route in routes.iter().filter(counts) {
            add_candidates(topology, vpc, route, destination, &mut candidates);
        }
    }
    let best = candidates
        .into_iter()
        .max_by_key(|candidate| (candidate.prefix_len, candidate.rank));
    best.map(|candidate| candidate.next)
}

fn add_candidates(
    topology: &Topology,
    vpc: Id<Vpc>,
    route: &Route,
    destination: Ipv4Addr,
    candidates: &mut Vec<Candidate>,
) {
    let (nets, listed): (Vec<Ipv4Net>, bool) = match route.destination {
        RouteDestination::Cidr(cidr) => (vec![cidr], false),
        RouteDestination::PrefixList(list) => (topology.prefix_lists[list].entries.clone(), true),
    };
    let rank = match (route.source, listed) {
        (RouteSource::Propagated, _) => Rank::Propagated,
        (RouteSource::Static, true) => Rank::PrefixList,
        (RouteSource::Static, false) => Rank::Static,
    };
    let next = if route.blackhole {
        Next::Blackhole
    } else {
        next_of(topology, vpc, &route.target)
    };
    for net in nets.into_iter().filter(|net| net.contains(&destination)) {
        candidates.push(Candidate {
            prefix_len: net.prefix_len(),
            rank,
            next,
        });
    }
}

fn next_of(topology: &Topology, vpc: Id<Vpc>, target: &RouteTarget) -> Next {
    match target {
        RouteTarget::Local => Next::Local,
        RouteTarget::Resource(any) => resource(topology, vpc, *any),
        RouteTarget::Unmodelled(..) => Next::Unmodelled,
        RouteTarget::Missing(_) => Next::Blackhole,
    }
}

/// The way to a resource, or a black hole if it does not work (RT-22).
fn resource(topology: &Topology, vpc: Id<Vpc>, any: AnyId) -> Next {
    if let Some(id) = any.downcast::<InternetGateway>() {
        let attached = topology.internet_gateways[id].vpc == Some(vpc);
        return if attached {
            Next::InternetGateway(id)
        } else {
            Next::Blackhole
        };
    }
    if let Some(id) = any.downcast::<NatGateway>() {
        let gone = topology.nat_gateways[id].state == NatGatewayState::Deleted;
        return if gone {
            Next::Blackhole
        } else {
            Next::NatGateway(id)
        };
    }
    if let Some(id) = any.downcast::<PeeringConnection>() {
        return peering(topology, vpc, id);
    }
    if let Some(id) = any.downcast::<NetworkInterface>() {
        return if runs(topology, id) {
            Next::Interface(id)
        } else {
            Next::Blackhole
        };
    }
    if let Some(id) = any.downcast::<Instance>() {
        let only = super::interfaces_of(topology, id).first().copied();
        return only
            .filter(|own| runs(topology, *own))
            .map_or(Next::Blackhole, Next::Interface);
    }
    Next::Blackhole
}

fn peering(topology: &Topology, vpc: Id<Vpc>, id: Id<PeeringConnection>) -> Next {
    let row = &topology.peering_connections[id];
    let other = match (row.requester, row.accepter) {
        (Some(requester), Some(accepter)) if requester == vpc => accepter,
        (Some(requester), Some(accepter)) if accepter == vpc => requester,
        _ => return Next::Blackhole,
    };
    if row.state == PeeringState::Active {
        Next::Peering(id, other)
    } else {
        Next::Blackhole
    }
}

/// Whether the interface is attached to an instance that runs.
pub fn runs(topology: &Topology, interface: Id<NetworkInterface>) -> bool {
    match topology.network_interfaces[interface].attachment {
        Attachment::Instance { instance, .. } => topology.instances[instance].running,
        _ => false,
    }
}
