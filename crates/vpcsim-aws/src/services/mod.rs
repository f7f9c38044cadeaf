//! The link-local services: they answer every instance, without route, security group or network ACL (LL-01..04).
//!
//! An interface intercepts what its host sends to one of them, notes who asks ([`crate::mark::set_client`]) and hands it to
//! the service's node. The service ends the question and sends a new packet back to the interface.

pub mod allowance;
pub mod client;
pub mod metadata;
pub mod names;

use std::net::Ipv4Addr;

use crate::compile::Build;

/// The resolver's link-local address (LL-01); it also answers at base+2 of the VPC's primary range.
pub const RESOLVER: Ipv4Addr = Ipv4Addr::new(169, 254, 169, 253);
/// The time service's address (LL-01).
pub const TIME_SYNC: Ipv4Addr = Ipv4Addr::new(169, 254, 169, 123);
/// The metadata service's address (LL-01).
pub const METADATA: Ipv4Addr = Ipv4Addr::new(169, 254, 169, 254);

/// Installs the services that every network has.
pub(crate) fn install(build: &mut Build<'_>) {
    crate::devices::internet_host::install(build);
}
