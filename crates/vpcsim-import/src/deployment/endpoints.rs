//! VPC endpoints and endpoint services.

use serde_json::json;

use super::Deployment;
use super::compute::groups;
use super::routes::lost;
use super::values::Values;
use crate::declared::Declared;

/// `aws_vpc_endpoint`, `AWS::EC2::VPCEndpoint`: a gateway if nothing says otherwise.
pub(super) fn endpoint(resource: &Declared, deployment: &mut Deployment<'_, '_>) {
    let values = Values::of(resource);
    let groups = groups(values.texts("SecurityGroupIds|security_group_ids"));
    let mut subnets = values.texts("SubnetIds|subnet_ids");
    for block in values.blocks("subnet_configuration") {
        subnets.extend(block.text("subnet_id").filter(|subnet| !subnets.contains(subnet)));
    }
    let service = values.text("ServiceName|service_name").unwrap_or_default();
    let service = deployment
        .find(service.trim_end_matches(".service_name"))
        .filter(|other| other.id != service)
        .map_or(service.clone(), service_name);
    let description = json!({
        "VpcEndpointId": resource.id,
        "VpcEndpointType": values.text("VpcEndpointType|vpc_endpoint_type").unwrap_or_else(|| "Gateway".to_owned()),
        "VpcId": values.text("VpcId|vpc_id"),
        "ServiceName": service,
        "RouteTableIds": values.texts("RouteTableIds|route_table_ids"),
        "SubnetIds": subnets,
        "Groups": groups,
        "PrivateDnsEnabled": values.flag("PrivateDnsEnabled|private_dns_enabled").unwrap_or(false),
    });
    deployment.whole(resource, "VpcEndpoints", &resource.id, description);
}

/// The name of a service that the design itself offers.
fn service_name(service: &Declared) -> String {
    let known = Values::of(service).text("service_name");
    known.unwrap_or_else(|| format!("{}.service_name", service.id))
}

/// `aws_vpc_endpoint_route_table_association`, `…_subnet_association`, `…_security_group_association`.
pub(super) fn association(resource: &Declared, deployment: &mut Deployment<'_, '_>) {
    let values = Values::of(resource);
    let Some(endpoint) = values.text("vpc_endpoint_id") else {
        return lost(resource, "VPC endpoint", deployment);
    };
    let groups = groups(values.texts("security_group_id"));
    let description = json!({
        "VpcEndpointId": endpoint,
        "RouteTableIds": values.texts("route_table_id"),
        "SubnetIds": values.texts("subnet_id"),
        "Groups": groups,
    });
    deployment.part(resource, "VpcEndpoints", &endpoint, description);
}

/// `aws_vpc_endpoint_service`, `AWS::EC2::VPCEndpointService`.
pub(super) fn service(resource: &Declared, deployment: &mut Deployment<'_, '_>) {
    let values = Values::of(resource);
    let description = json!({
        "ServiceId": resource.id,
        "ServiceName": service_name(resource),
        "NetworkLoadBalancerArns": values.texts("NetworkLoadBalancerArns|network_load_balancer_arns"),
        "GatewayLoadBalancerArns": values.texts("GatewayLoadBalancerArns|gateway_load_balancer_arns"),
        "PrivateDnsName": values.text("private_dns_name"),
    });
    deployment.whole(resource, "ServiceConfigurations", &resource.id, description);
}
