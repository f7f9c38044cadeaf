//! The shapes of EC2's `NetworkInsightsAnalysis`, with AWS's names in AWS's order (RAN-10 to RAN-17).
//!
//! What is absent is left out, as the AWS command line does; lists that AWS always prints are printed empty.

#![expect(
    clippy::struct_field_names,
    reason = "AWS's names are the point of these types"
)]

use serde::Serialize;

/// The answer of `describe-network-insights-analyses`.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Analyses {
    pub(super) network_insights_analyses: Vec<Analysis>,
}

/// One analysis (RAN-10).
#[derive(Default, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Analysis {
    pub(super) network_insights_analysis_id: String,
    pub(super) network_insights_analysis_arn: String,
    pub(super) network_insights_path_id: String,
    pub(super) start_date: &'static str,
    pub(super) status: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) warning_message: Option<String>,
    pub(super) network_path_found: bool,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) forward_path_components: Vec<PathComponent>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) return_path_components: Vec<PathComponent>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) explanations: Vec<Explanation>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) alternate_path_hints: Vec<AlternatePathHint>,
    pub(super) tags: Vec<Tag>,
}

/// One component of a path (RAN-11).
#[derive(Clone, Debug, Default, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct PathComponent {
    pub(super) sequence_number: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) acl_rule: Option<AclRule>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) attached_to: Option<Component>,
    pub(super) component: Component,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) destination_vpc: Option<Component>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) outbound_header: Option<PacketHeader>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) inbound_header: Option<PacketHeader>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) route_table_route: Option<RouteTableRoute>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) security_group_rule: Option<SecurityGroupRule>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) source_vpc: Option<Component>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) subnet: Option<Component>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) vpc: Option<Component>,
    pub(super) additional_details: Vec<AdditionalDetail>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) transit_gateway: Option<Component>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) transit_gateway_route_table_route: Option<TransitGatewayRouteTableRoute>,
    pub(super) explanations: Vec<Explanation>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) elastic_load_balancer_listener: Option<Component>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) service_name: Option<String>,
}

/// A resource (RAN-12).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Component {
    pub(super) id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) arn: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) name: Option<String>,
}

/// A range of ports.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct PortRange {
    pub(super) from: u16,
    pub(super) to: u16,
}

/// Addresses and ports of a packet (RAN-12).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct PacketHeader {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) destination_addresses: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) destination_port_ranges: Vec<PortRange>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) protocol: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) source_addresses: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) source_port_ranges: Vec<PortRange>,
}

/// An entry of a network ACL (RAN-13).
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct AclRule {
    pub(super) cidr: String,
    pub(super) egress: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) port_range: Option<PortRange>,
    pub(super) protocol: String,
    pub(super) rule_action: &'static str,
    pub(super) rule_number: u16,
}

/// A rule of a security group (RAN-13).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct SecurityGroupRule {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) cidr: Option<String>,
    pub(super) direction: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) security_group_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) port_range: Option<PortRange>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) prefix_list_id: Option<String>,
    pub(super) protocol: String,
}

/// A route (RAN-13).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct RouteTableRoute {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) destination_cidr: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) destination_prefix_list_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) egress_only_internet_gateway_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) gateway_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) instance_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) nat_gateway_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) network_interface_id: Option<String>,
    pub(super) origin: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) transit_gateway_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) vpc_peering_connection_id: Option<String>,
    pub(super) state: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) carrier_gateway_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) core_network_arn: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) local_gateway_id: Option<String>,
}

/// A route of a transit gateway (RAN-14).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct TransitGatewayRouteTableRoute {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) destination_cidr: Option<String>,
    pub(super) state: &'static str,
    pub(super) route_origin: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) prefix_list_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) attachment_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) resource_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) resource_type: Option<&'static str>,
}

/// A detail of a component (RAN-17).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct AdditionalDetail {
    pub(super) additional_detail_type: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) component: Option<Component>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) vpc_endpoint_service: Option<Component>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) service_name: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) load_balancers: Vec<Component>,
}

/// A target of a load balancer (RAN-15).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct LoadBalancerTarget {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) address: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) availability_zone: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) availability_zone_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) instance: Option<Component>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) port: Option<u16>,
}

/// Why there is no path (RAN-15).
#[derive(Clone, Debug, Default, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Explanation {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) acl: Option<Component>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) acl_rule: Option<AclRule>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) address: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) attached_to: Option<Component>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) availability_zones: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) availability_zone_ids: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) cidrs: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) component: Option<Component>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) destination_vpc: Option<Component>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) direction: Option<&'static str>,
    pub(super) explanation_code: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) ingress_route_table: Option<Component>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) internet_gateway: Option<Component>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) load_balancer_arn: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) load_balancer_listener_port: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) load_balancer_target: Option<LoadBalancerTarget>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) load_balancer_target_group: Option<Component>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) load_balancer_target_groups: Vec<Component>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) load_balancer_target_port: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) elastic_load_balancer_listener: Option<Component>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) missing_component: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) nat_gateway: Option<Component>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) network_interface: Option<Component>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) packet_field: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) vpc_peering_connection: Option<Component>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) port: Option<u16>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) protocols: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) route_table_route: Option<RouteTableRoute>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) route_table: Option<Component>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) security_group: Option<Component>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) security_group_rule: Option<SecurityGroupRule>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) security_groups: Vec<Component>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) source_vpc: Option<Component>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) state: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) subnet: Option<Component>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) vpc: Option<Component>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) vpc_endpoint: Option<Component>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) transit_gateway: Option<Component>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) transit_gateway_route_table: Option<Component>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) transit_gateway_route_table_route: Option<TransitGatewayRouteTableRoute>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) transit_gateway_attachment: Option<Component>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) component_account: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) component_region: Option<String>,
}

/// A component that might help (RAN-10).
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct AlternatePathHint {
    pub(super) component_id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) component_arn: Option<String>,
}

/// A tag.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Tag {
    pub(super) key: &'static str,
    pub(super) value: String,
}
