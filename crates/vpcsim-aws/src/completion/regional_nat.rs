//! Addresses of regional NAT gateways: one for each zone that they serve.

use super::PublicAddressPool;
use crate::devices::regional_nat_gateway::ServedZone;
use crate::topology::Topology;

/// One that expands and names no zone serves each zone of its VPC; a zone without an address gets a free one.
pub(super) fn address(topology: &mut Topology) {
    if topology.regional_nat_gateways.is_empty() {
        return;
    }
    let mut pool = PublicAddressPool::new(topology);
    for id in topology.regional_nat_gateways.ids() {
        let gateway = &topology.regional_nat_gateways[id];
        let mut zones = gateway.zones.clone();
        if zones.is_empty() && gateway.expands {
            let own = topology
                .subnets
                .iter()
                .filter(|(_, subnet)| subnet.vpc == gateway.vpc);
            let mut names: Vec<String> = own.map(|(_, subnet)| subnet.availability_zone.clone()).collect();
            names.sort();
            names.dedup();
            let served = |availability_zone| ServedZone {
                availability_zone,
                addresses: Vec::new(),
            };
            zones = names.into_iter().map(served).collect();
        }
        for zone in zones.iter_mut().filter(|zone| zone.addresses.is_empty()) {
            zone.addresses.extend(pool.take());
        }
        topology.regional_nat_gateways[id].zones = zones;
    }
}
