//! Route tables, routes and associations.

use serde_json::{Map, Value, json};

use super::values::Values;
use super::{Deployment, network, spot};
use crate::declared::Declared;

/// The targets of a route: AWS's member, and the arguments under which it is declared.
const TARGETS: [(&str, &str); 11] = [
    ("GatewayId", "GatewayId|gateway_id"),
    ("NatGatewayId", "NatGatewayId|nat_gateway_id"),
    ("TransitGatewayId", "TransitGatewayId|transit_gateway_id"),
    (
        "VpcPeeringConnectionId",
        "VpcPeeringConnectionId|vpc_peering_connection_id",
    ),
    ("NetworkInterfaceId", "NetworkInterfaceId|network_interface_id"),
    ("InstanceId", "InstanceId|instance_id"),
    ("VpcEndpointId", "VpcEndpointId|vpc_endpoint_id"),
    (
        "EgressOnlyInternetGatewayId",
        "EgressOnlyInternetGatewayId|egress_only_gateway_id",
    ),
    ("LocalGatewayId", "LocalGatewayId|local_gateway_id"),
    ("CarrierGatewayId", "CarrierGatewayId|carrier_gateway_id"),
    ("CoreNetworkArn", "CoreNetworkArn|core_network_arn"),
];

/// `aws_route_table`, `AWS::EC2::RouteTable`.
pub(super) fn route_table(resource: &Declared, deployment: &mut Deployment<'_, '_>) {
    let vpc = Values::of(resource).text("VpcId|vpc_id").unwrap_or_default();
    let main = is_made_main(resource, deployment);
    let associations = if main { json!([{"Main": true}]) } else { json!([]) };
    make_table(resource, &resource.id, &vpc, &associations, deployment);
}

fn is_made_main(resource: &Declared, deployment: &Deployment<'_, '_>) -> bool {
    deployment
        .all_of(&["aws_main_route_table_association"])
        .any(|association| Values::of(association).text("route_table_id").as_deref() == Some(&*resource.id))
}

/// `aws_default_route_table` adopts the main route table; routes that it does not name are taken out.
pub(super) fn default_route_table(resource: &Declared, deployment: &mut Deployment<'_, '_>) {
    let id = Values::of(resource)
        .text("default_route_table_id")
        .unwrap_or_else(|| resource.id.clone());
    let vpc = Values::of(resource)
        .text("vpc_id")
        .or_else(|| owner_of(&id, deployment));
    let vpc = vpc.unwrap_or_default();
    let replaced = network::has_other_main_table(&vpc, deployment);
    let associations = if replaced {
        json!([])
    } else {
        json!([{"Main": true}])
    };
    make_table(resource, &id, &vpc, &associations, deployment);
}

/// The VPC of which `id` is a default object: by the attribute that it is called after, or by the VPC's own words.
pub(super) fn owner_of(id: &str, deployment: &Deployment<'_, '_>) -> Option<String> {
    if let Some((vpc, attribute)) = id.rsplit_once('.')
        && (attribute.starts_with("default_")
            || attribute.starts_with("main_")
            || attribute.starts_with("Default"))
    {
        return Some(vpc.to_owned());
    }
    let names = "default_route_table_id|main_route_table_id";
    let owner = deployment
        .all_of(&["aws_vpc", "aws_default_vpc", "data.aws_vpc"])
        .find(|vpc| {
            let values = Values::of(vpc);
            [names, "default_network_acl_id", "default_security_group_id"]
                .iter()
                .any(|names| values.text(names).as_deref() == Some(id))
        });
    owner.map(|vpc| vpc.id.clone())
}

fn make_table(
    resource: &Declared,
    id: &str,
    vpc: &str,
    associations: &Value,
    deployment: &mut Deployment<'_, '_>,
) {
    let values = Values::of(resource);
    let routes: Vec<Value> = values.blocks("route").into_iter().map(route_of).collect();
    let propagating: Vec<Value> = values
        .texts("propagating_vgws")
        .into_iter()
        .map(|gateway| json!({"GatewayId": gateway}))
        .collect();
    let description = json!({
        "RouteTableId": id,
        "VpcId": vpc,
        "Associations": associations,
        "Routes": routes,
        "PropagatingVgws": propagating,
    });
    deployment.whole(resource, "RouteTables", id, description);
}

/// A route in AWS's words, from an inline block or a resource of its own.
fn route_of(values: Values<'_>) -> Value {
    let mut route = Map::new();
    let mut put = |key: &str, value: Option<String>| {
        if let Some(value) = value {
            route.insert(key.to_owned(), Value::String(value));
        }
    };
    let cidr = "DestinationCidrBlock|destination_cidr_block|cidr_block";
    put("DestinationCidrBlock", values.text(cidr));
    let ipv6 = "DestinationIpv6CidrBlock|destination_ipv6_cidr_block|ipv6_cidr_block";
    put("DestinationIpv6CidrBlock", values.text(ipv6));
    let list = "DestinationPrefixListId|destination_prefix_list_id";
    put("DestinationPrefixListId", values.text(list));
    for (key, names) in TARGETS {
        put(key, values.text(names));
    }
    put("State", values.text("state").filter(|state| state == "blackhole"));
    route.insert(crate::declared::ORIGIN_KEY.to_owned(), spot(values.0));
    Value::Object(route)
}

/// `aws_route`, `AWS::EC2::Route`.
pub(super) fn route(resource: &Declared, deployment: &mut Deployment<'_, '_>) {
    let values = Values::of(resource);
    let Some(table) = values.text("RouteTableId|route_table_id") else {
        return lost(resource, "route table", deployment);
    };
    let mut route = route_of(values);
    let origin = resource.origin;
    route[crate::declared::ORIGIN_KEY] = crate::declared::place(origin);
    deployment.part(
        resource,
        "RouteTables",
        &table,
        json!({"RouteTableId": table, "Routes": [route]}),
    );
}

/// What belongs to something that nothing says cannot be placed.
pub(super) fn lost(resource: &Declared, noun: &str, deployment: &mut Deployment<'_, '_>) {
    let message = format!(
        "nothing says to which {noun} `{}` belongs: it has no effect here",
        resource.address
    );
    let finding = vpcsim_aws::Finding::error("unresolved-reference", resource.origin, message);
    deployment
        .findings
        .push(finding.help(crate::describe::made::UNRESOLVED_HELP));
}

/// `aws_route_table_association`, `AWS::EC2::SubnetRouteTableAssociation`, `AWS::EC2::GatewayRouteTableAssociation`.
pub(super) fn association(resource: &Declared, deployment: &mut Deployment<'_, '_>) {
    let values = Values::of(resource);
    let Some(table) = values.text("RouteTableId|route_table_id") else {
        return lost(resource, "route table", deployment);
    };
    let association = match (
        values.text("SubnetId|subnet_id"),
        values.text("GatewayId|gateway_id"),
    ) {
        (Some(subnet), _) => json!({"SubnetId": subnet}),
        (None, Some(gateway)) => json!({"GatewayId": gateway}),
        (None, None) => return lost(resource, "subnet", deployment),
    };
    let description = json!({"RouteTableId": table, "Associations": [association]});
    deployment.part(resource, "RouteTables", &table, description);
}

/// `aws_main_route_table_association`: the table itself is told when it is made here.
pub(super) fn main_association(resource: &Declared, deployment: &mut Deployment<'_, '_>) {
    let Some(table) = Values::of(resource).text("route_table_id") else {
        return lost(resource, "route table", deployment);
    };
    let description = json!({"RouteTableId": table, "Associations": [{"Main": true}]});
    deployment.part(resource, "RouteTables", &table, description);
}

/// `aws_vpn_gateway_route_propagation`, `AWS::EC2::VPNGatewayRoutePropagation`.
pub(super) fn propagation(resource: &Declared, deployment: &mut Deployment<'_, '_>) {
    let values = Values::of(resource);
    let gateway = values.text("VpnGatewayId|vpn_gateway_id").unwrap_or_default();
    for table in values.texts("RouteTableIds|route_table_id") {
        let description = json!({"RouteTableId": table, "PropagatingVgws": [{"GatewayId": gateway}]});
        deployment.part(resource, "RouteTables", &table, description);
    }
}
