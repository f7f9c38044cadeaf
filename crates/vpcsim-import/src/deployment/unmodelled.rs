//! Declared kinds that no noun reads: those with a part in the network become entries of `Topology::unread`, the others are
//! counted.

use std::collections::BTreeMap;

use serde_json::json;
use vpcsim_aws::Finding;

use super::values::Values;
use super::{Deployment, nouns};
use crate::declared::Declared;
use crate::describe::unmodelled::MADE;

const BEHIND: &str = "networks behind it cannot be judged";
const ADDRESSES: &str = "flows to and from its addresses cannot be judged";
const DROPS: &str = "it may drop what is judged reachable";

/// Kinds with a part in the network: what they are, and what it means that they are not modelled.
const ROWS: [(&str, &str, &str); 52] = [
    ("aws_vpn_gateway", "virtual private gateway", BEHIND),
    ("AWS::EC2::VPNGateway", "virtual private gateway", BEHIND),
    ("aws_vpn_connection", "VPN connection", BEHIND),
    ("AWS::EC2::VPNConnection", "VPN connection", BEHIND),
    ("aws_customer_gateway", "customer gateway", BEHIND),
    ("AWS::EC2::CustomerGateway", "customer gateway", BEHIND),
    ("aws_dx_gateway", "Direct Connect gateway", BEHIND),
    (
        "AWS::DirectConnect::DirectConnectGateway",
        "Direct Connect gateway",
        BEHIND,
    ),
    ("aws_dx_private_virtual_interface", "virtual interface", BEHIND),
    (
        "AWS::DirectConnect::PrivateVirtualInterface",
        "virtual interface",
        BEHIND,
    ),
    ("aws_dx_transit_virtual_interface", "virtual interface", BEHIND),
    (
        "AWS::DirectConnect::TransitVirtualInterface",
        "virtual interface",
        BEHIND,
    ),
    (
        "aws_egress_only_internet_gateway",
        "egress-only internet gateway",
        "it carries IPv6 only",
    ),
    (
        "AWS::EC2::EgressOnlyInternetGateway",
        "egress-only internet gateway",
        "it carries IPv6 only",
    ),
    ("aws_ec2_carrier_gateway", "carrier gateway", BEHIND),
    ("AWS::EC2::CarrierGateway", "carrier gateway", BEHIND),
    ("aws_ec2_client_vpn_endpoint", "client VPN endpoint", BEHIND),
    ("AWS::EC2::ClientVpnEndpoint", "client VPN endpoint", BEHIND),
    ("aws_elb", "classic load balancer", ADDRESSES),
    (
        "AWS::ElasticLoadBalancing::LoadBalancer",
        "classic load balancer",
        ADDRESSES,
    ),
    ("aws_networkfirewall_firewall", "network firewall", DROPS),
    ("AWS::NetworkFirewall::Firewall", "network firewall", DROPS),
    (
        "aws_networkfirewall_vpc_endpoint_association",
        "firewall endpoint",
        DROPS,
    ),
    (
        "AWS::NetworkFirewall::VpcEndpointAssociation",
        "firewall endpoint",
        DROPS,
    ),
    (
        "aws_vpc_route_server",
        "route server",
        "routes that it makes are missing",
    ),
    (
        "AWS::EC2::RouteServer",
        "route server",
        "routes that it makes are missing",
    ),
    ("aws_networkmanager_core_network", "core network", BEHIND),
    ("AWS::NetworkManager::CoreNetwork", "core network", BEHIND),
    (
        "aws_networkmanager_vpc_attachment",
        "core network attachment",
        BEHIND,
    ),
    (
        "AWS::NetworkManager::VpcAttachment",
        "core network attachment",
        BEHIND,
    ),
    (
        "aws_ec2_transit_gateway_connect",
        "transit gateway Connect attachment",
        BEHIND,
    ),
    (
        "AWS::EC2::TransitGatewayConnect",
        "transit gateway Connect attachment",
        BEHIND,
    ),
    ("aws_route53_resolver_endpoint", "resolver endpoint", ADDRESSES),
    (
        "AWS::Route53Resolver::ResolverEndpoint",
        "resolver endpoint",
        ADDRESSES,
    ),
    (
        "aws_vpclattice_service_network_vpc_association",
        "VPC Lattice association",
        ADDRESSES,
    ),
    (
        "AWS::VpcLattice::ServiceNetworkVpcAssociation",
        "VPC Lattice association",
        ADDRESSES,
    ),
    (
        "aws_ec2_instance_connect_endpoint",
        "instance connect endpoint",
        ADDRESSES,
    ),
    (
        "AWS::EC2::InstanceConnectEndpoint",
        "instance connect endpoint",
        ADDRESSES,
    ),
    (
        "aws_globalaccelerator_accelerator",
        "global accelerator",
        "what comes in through it cannot be judged",
    ),
    (
        "AWS::GlobalAccelerator::Accelerator",
        "global accelerator",
        "what comes in through it cannot be judged",
    ),
    ("aws_elasticsearch_domain", "search domain", ADDRESSES),
    ("aws_opensearch_domain", "search domain", ADDRESSES),
    ("AWS::Elasticsearch::Domain", "search domain", ADDRESSES),
    ("AWS::OpenSearchService::Domain", "search domain", ADDRESSES),
    ("aws_redshift_cluster", "data warehouse", ADDRESSES),
    ("AWS::Redshift::Cluster", "data warehouse", ADDRESSES),
    ("aws_emr_cluster", "EMR cluster", ADDRESSES),
    ("AWS::EMR::Cluster", "EMR cluster", ADDRESSES),
    (
        "aws_vpc_security_group_vpc_association",
        "group of another VPC",
        "interfaces of the other VPC may allow more than is judged",
    ),
    (
        "AWS::EC2::SecurityGroupVpcAssociation",
        "group of another VPC",
        "interfaces of the other VPC may allow more than is judged",
    ),
    ("aws_msk_cluster", "Kafka cluster", ADDRESSES),
    ("AWS::MSK::Cluster", "Kafka cluster", ADDRESSES),
];

/// Whether this kind has a part in the network, and is not modelled.
pub(super) fn is_row(kind: &str) -> bool {
    ROWS.iter().any(|(row, _, _)| *row == kind)
}

/// Enters a resource that is recognised and not modelled.
pub(super) fn make(resource: &Declared, deployment: &mut Deployment<'_, '_>) {
    let Some((_, noun, effect)) = ROWS.iter().find(|(kind, _, _)| *kind == resource.kind) else {
        return;
    };
    let values = Values::of(resource);
    let in_vpc = [
        "VPCOptions",
        "vpc_options",
        "Subnets",
        "subnets",
        "SubnetIds",
        "subnet_ids",
    ];
    let is_domain = *noun == "search domain";
    if is_domain && !in_vpc.iter().any(|name| !values.blocks(name).is_empty()) {
        return;
    }
    let description = json!({
        "Id": resource.id,
        "Noun": noun,
        "Effect": effect,
        "Name": values.name().unwrap_or_else(|| super::compute::shown_name(resource)),
        "VpcId": values.text("VpcId|vpc_id"),
    });
    deployment.whole(resource, MADE, &resource.id, description);
}

/// One note for everything without a part in the network, so that nobody has to wonder whether it was seen.
pub(super) fn report_rest(deployment: &mut Deployment<'_, '_>) {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    let mut first = None;
    for resource in deployment.declared {
        if is_row(&resource.kind)
            || resource.kind.starts_with("data.")
            || nouns::noun_of(&resource.kind).is_some()
        {
            continue;
        }
        first.get_or_insert(resource.origin);
        *counts.entry(&resource.kind).or_default() += 1;
    }
    let Some(origin) = first else { return };
    let total: usize = counts.values().sum();
    let mut listed: Vec<(&str, usize)> = counts.into_iter().collect();
    listed.sort_by_key(|(kind, count)| (std::cmp::Reverse(*count), *kind));
    let kinds: Vec<String> = listed
        .iter()
        .map(|(kind, count)| format!("{count} {kind}"))
        .collect();
    let message = format!(
        "{total} {} no part in the network that is simulated: {}",
        if total == 1 {
            "resource has"
        } else {
            "resources have"
        },
        kinds.join(", ")
    );
    deployment
        .findings
        .push(Finding::note("no-part-in-network", origin, message));
}
