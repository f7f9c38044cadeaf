//! The link-local services: they answer every instance, without route, security group or network ACL (LL-01..04).
//!
//! An interface intercepts what its host sends to one of them, notes who asks ([`crate::mark::set_client`]) and hands it to
//! the service's node. The service ends the question and sends a new packet back to the interface.

pub mod allowance;
pub mod client;
pub mod dhcp;
pub mod horizon;
pub mod metadata;
pub mod names;
pub mod resolver;
pub mod time_sync;

mod bootp;
#[cfg(test)]
pub(crate) mod fixture;
mod question;

use std::net::Ipv4Addr;
use std::sync::Arc;

use crate::compile::Build;
use client::Clients;
use dhcp::DhcpDevice;
use horizon::{Horizon, PublicNames};
use resolver::ResolverDevice;
use time_sync::TimeSyncDevice;

/// The resolver's link-local address (LL-01); it also answers at base+2 of the VPC's primary range.
pub const RESOLVER: Ipv4Addr = Ipv4Addr::new(169, 254, 169, 253);
/// The time service's address (LL-01).
pub const TIME_SYNC: Ipv4Addr = Ipv4Addr::new(169, 254, 169, 123);
/// The metadata service's address (LL-01).
pub const METADATA: Ipv4Addr = Ipv4Addr::new(169, 254, 169, 254);

/// Installs the services that every network has.
pub(crate) fn install(build: &mut Build<'_>) {
    crate::devices::internet_host::install(build);
    let clients = Clients::new(build);
    let fixed = build.place.fixed;
    build.install(fixed.time_sync, TimeSyncDevice::new(Arc::clone(&clients)));
    build.install(fixed.dhcp, DhcpDevice::new(build.topology, Arc::clone(&clients)));
    let public_names = PublicNames::new(build.topology);
    for vpc in build.topology.vpcs.ids() {
        let Some(node) = build.place.fabric(vpc).resolver_node else {
            continue;
        };
        let horizon = Arc::new(Horizon::new(build.topology, vpc, Arc::clone(&public_names)));
        build.install(node, ResolverDevice::new(Arc::clone(&clients), horizon));
    }
}
