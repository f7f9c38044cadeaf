//! The nouns of the native format, one line each, in the order in which they are declared.

use vpcsim_aws::AnyId;

use super::context::{Context, Scope};
use super::node::Entry;
use super::shape::Shape;
use super::{
    block_public_access, dhcp_options, elastic_ip, endpoint_service, instance, internet_gateway,
    internet_host, load_balancer, managed_host, nat_gateway, network_acl, network_interface,
    peering_connection, prefix_list, regional_nat_gateway, route_table, security_group, subnet, target_group,
    transit_gateway, vpc, vpc_endpoint,
};

/// A noun of the native format: a mapping from names to what is declared.
#[derive(Debug)]
pub(crate) struct Noun {
    /// The key that holds it.
    pub key: &'static str,
    /// What it is, in a sentence.
    pub about: &'static str,
    /// What one of them looks like.
    pub shape: Shape,
    /// Declares one; what it refers to must have been declared before, else it has to wait for `connect`.
    pub declare: fn(&mut Context<'_>, Scope, &Entry) -> Option<AnyId>,
    /// Completes one when everything is declared.
    pub connect: Option<fn(&mut Context<'_>, Scope, &Entry, AnyId)>,
}

/// What stands at the top of a design.
pub(crate) const TOP_NOUNS: &[Noun] = &[
    dhcp_options::NOUN,
    prefix_list::NOUN,
    elastic_ip::NOUN,
    vpc::NOUN,
    peering_connection::NOUN,
    transit_gateway::NOUN,
    endpoint_service::NOUN,
    internet_host::NOUN,
    internet_gateway::DETACHED,
    instance::WITHOUT_VPC,
    block_public_access::NOUN,
];

/// What stands in a VPC.
pub(crate) const VPC_NOUNS: &[Noun] = &[
    network_acl::NOUN,
    route_table::NOUN,
    security_group::NOUN,
    subnet::NOUN,
    instance::NOUN,
    network_interface::NOUN,
    nat_gateway::NOUN,
    target_group::NOUN,
    load_balancer::NOUN,
    vpc_endpoint::NOUN,
    managed_host::NOUN,
    regional_nat_gateway::NOUN,
];
