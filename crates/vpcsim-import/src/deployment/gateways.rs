//! Internet gateways, NAT gateways and Elastic IP addresses.

use serde_json::{Value, json};

use super::Deployment;
use super::routes::lost;
use super::values::Values;
use crate::declared::Declared;

/// `aws_internet_gateway`, `AWS::EC2::InternetGateway`.
pub(super) fn internet_gateway(resource: &Declared, deployment: &mut Deployment<'_, '_>) {
    let attached = Values::of(resource).text("vpc_id");
    let attachments: Vec<Value> = attached.into_iter().map(|vpc| json!({"VpcId": vpc})).collect();
    let description = json!({"InternetGatewayId": resource.id, "Attachments": attachments});
    deployment.whole(resource, "InternetGateways", &resource.id, description);
}

/// `aws_internet_gateway_attachment`, `AWS::EC2::VPCGatewayAttachment`, which attaches VPN gateways too.
pub(super) fn attachment(resource: &Declared, deployment: &mut Deployment<'_, '_>) {
    let values = Values::of(resource);
    let Some(vpc) = values.text("VpcId|vpc_id") else {
        return lost(resource, "VPC", deployment);
    };
    if let Some(gateway) = values.text("InternetGatewayId|internet_gateway_id") {
        let description = json!({"InternetGatewayId": gateway, "Attachments": [{"VpcId": vpc}]});
        deployment.part(resource, "InternetGateways", &gateway, description);
    }
}

/// `aws_nat_gateway`, `AWS::EC2::NatGateway`.
pub(super) fn nat_gateway(resource: &Declared, deployment: &mut Deployment<'_, '_>) {
    let values = Values::of(resource);
    if values.text("AvailabilityMode|availability_mode").as_deref() == Some("regional") {
        return regional(resource, deployment);
    }
    let private = values.text("ConnectivityType|connectivity_type").as_deref() == Some("private");
    let mut addresses = Vec::new();
    let first = values.text("AllocationId|allocation_id");
    let rest = values.texts("SecondaryAllocationIds|secondary_allocation_ids");
    let own = values.text("PrivateIpAddress|private_ip");
    let mut others = values
        .texts("SecondaryPrivateIpAddresses|secondary_private_ip_addresses")
        .into_iter();
    let primary = first.as_deref().and_then(|id| take(resource, id, deployment));
    addresses.push(json!({"PrivateIp": own, "PublicIp": primary, "IsPrimary": true}));
    for id in &rest {
        let public = take(resource, id, deployment);
        addresses.push(json!({"PrivateIp": others.next(), "PublicIp": public, "IsPrimary": false}));
    }
    addresses.extend(others.map(|private| json!({"PrivateIp": private, "IsPrimary": false})));
    let description = json!({
        "NatGatewayId": resource.id,
        "SubnetId": values.text("SubnetId|subnet_id"),
        "ConnectivityType": if private { "private" } else { "public" },
        "NatGatewayAddresses": addresses,
    });
    deployment.whole(resource, "NatGateways", &resource.id, description);
}

/// The public address of an Elastic IP for a gateway, which has it from then on.
fn take(resource: &Declared, id: &str, deployment: &mut Deployment<'_, '_>) -> Option<String> {
    let address = deployment.find(id).and_then(|_| deployment.public_of(id))?;
    let description = json!({"AllocationId": id, "AssociationId": resource.id});
    deployment.part(resource, "Addresses", id, description);
    Some(address.to_string())
}

fn regional(resource: &Declared, deployment: &mut Deployment<'_, '_>) {
    let values = Values::of(resource);
    let mut addresses = Vec::new();
    for block in values.blocks("AvailabilityZoneAddresses|availability_zone_address") {
        for id in block.texts("AllocationIds|allocation_ids") {
            let public = take(resource, &id, deployment);
            addresses.push(json!({
                "PublicIp": public,
                "AvailabilityZone": block.text("AvailabilityZone|availability_zone"),
                "AvailabilityZoneId": block.text("AvailabilityZoneId|availability_zone_id"),
            }));
        }
    }
    let expands = if addresses.is_empty() {
        "enabled"
    } else {
        "disabled"
    };
    let description = json!({
        "NatGatewayId": resource.id,
        "VpcId": values.text("VpcId|vpc_id"),
        "AutoProvisionZones": expands,
        "NatGatewayAddresses": addresses,
        "RouteTableId": values.text("route_table_id"),
    });
    deployment.whole(resource, "NatGateways", &resource.id, description);
}

/// `aws_nat_gateway_eip_association`.
pub(super) fn nat_association(resource: &Declared, deployment: &mut Deployment<'_, '_>) {
    let values = Values::of(resource);
    let (Some(gateway), Some(id)) = (values.text("nat_gateway_id"), values.text("allocation_id")) else {
        return lost(resource, "NAT gateway", deployment);
    };
    let public = take(resource, &id, deployment);
    let description = json!({
        "NatGatewayId": gateway, "NatGatewayAddresses": [{"PublicIp": public, "IsPrimary": false}],
    });
    deployment.part(resource, "NatGateways", &gateway, description);
}

/// `aws_eip`, `AWS::EC2::EIP`.
pub(super) fn elastic_ip(resource: &Declared, deployment: &mut Deployment<'_, '_>) {
    let values = Values::of(resource);
    let Some(public) = deployment.public_of(&resource.id) else {
        return;
    };
    let interface = values.text("network_interface");
    let description = json!({
        "AllocationId": resource.id,
        "PublicIp": public.to_string(),
        "InstanceId": values.text("InstanceId|instance").filter(|_| interface.is_none()),
        "NetworkInterfaceId": interface,
        "PrivateIpAddress": values.text("associate_with_private_ip"),
    });
    deployment.whole(resource, "Addresses", &resource.id, description);
}

/// `aws_eip_association`, `AWS::EC2::EIPAssociation`.
pub(super) fn elastic_ip_association(resource: &Declared, deployment: &mut Deployment<'_, '_>) {
    let values = Values::of(resource);
    // CloudFormation's `EIP` is the address itself, which a reference to the resource stands for.
    let id = values.text("AllocationId|allocation_id|EIP|public_ip");
    let Some(id) = id else {
        return lost(resource, "Elastic IP address", deployment);
    };
    let id = id.trim_end_matches(".public_ip").to_owned();
    let interface = values.text("NetworkInterfaceId|network_interface_id");
    let description = json!({
        "AllocationId": id,
        "AssociationId": resource.id,
        "InstanceId": values.text("InstanceId|instance_id").filter(|_| interface.is_none()),
        "NetworkInterfaceId": interface,
        "PrivateIpAddress": values.text("PrivateIpAddress|private_ip_address"),
    });
    deployment.part(resource, "Addresses", &id, description);
}
