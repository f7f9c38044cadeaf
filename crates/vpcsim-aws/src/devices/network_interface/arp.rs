//! ARP as the platform answers it: from what the VPC knows, never by asking the hosts.

use std::net::Ipv4Addr;

use vpcsim_wire::arp::Operation;
use vpcsim_wire::{Arp, Mac};

use crate::compile::Fabric;
use crate::devices::Subnet;
use crate::model::Id;

/// Who answers for an address that a host of the subnet asks for.
pub(super) fn owner_of(address: Ipv4Addr, subnet: Id<Subnet>, router: Ipv4Addr, router_mac: Mac, fabric: &Fabric) -> Option<Mac> {
    if address == router || address.is_link_local() || fabric.resolver_address == Some(address) {
        return Some(router_mac);
    }
    let (_, claim) = fabric.find(address)?;
    (claim.subnet == subnet).then_some(claim.mac)
}

/// The answer to a request; `None` for anything else, such as an announcement.
pub(super) fn answer(request: &Arp, owner: Mac) -> Option<Arp> {
    let asks = request.operation == Operation::Request && request.sender_ip != request.target_ip;
    asks.then_some(Arp {
        operation: Operation::Reply,
        sender_mac: owner,
        sender_ip: request.target_ip,
        target_mac: request.sender_mac,
        target_ip: request.sender_ip,
    })
}
