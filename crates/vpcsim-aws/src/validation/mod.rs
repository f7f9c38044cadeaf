//! What AWS would refuse of the nouns that stand in their VPC, and what is surprising about them.
//!
//! One file for each noun; its `check` is what the noun's [`Resource::validate`](crate::devices::Resource::validate) calls.
//! An error is what AWS refuses. A limit that AWS raises on request is a warning below the highest value that it grants, and an
//! error above it.

pub(crate) mod dhcp_options;
pub(crate) mod gateway_route_table;
pub(crate) mod hidden_routes;
pub(crate) mod instance;
pub(crate) mod instance_limits;
pub(crate) mod network_interface;
pub(crate) mod private_addresses;
pub(crate) mod route;
pub(crate) mod route_table;
pub(crate) mod shared_ranges;
pub(crate) mod subnet;
pub(crate) mod unused;
pub(crate) mod vpc;
pub(crate) mod vpc_range;

use ipnet::Ipv4Net;

/// Whether two ranges have an address in common.
pub(crate) fn overlap(a: Ipv4Net, b: Ipv4Net) -> bool {
    a.contains(&b) || b.contains(&a)
}
