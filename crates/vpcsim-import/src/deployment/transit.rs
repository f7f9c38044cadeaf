//! Transit gateways, their attachments and route tables.

use serde_json::{Value, json};

use super::Deployment;
use super::routes::lost;
use super::values::Values;
use crate::declared::Declared;

const GATEWAYS: [&str; 3] = [
    "aws_ec2_transit_gateway",
    "AWS::EC2::TransitGateway",
    "data.aws_ec2_transit_gateway",
];
const ASSOCIATIONS: [&str; 2] = [
    "aws_ec2_transit_gateway_route_table_association",
    "AWS::EC2::TransitGatewayRouteTableAssociation",
];
const TABLE: &str = "TransitGatewayRouteTableId|transit_gateway_route_table_id";
const ATTACHMENT: &str = "TransitGatewayAttachmentId|transit_gateway_attachment_id";
const GATEWAY: &str = "TransitGatewayId|transit_gateway_id";

/// `aws_ec2_transit_gateway`, `AWS::EC2::TransitGateway`; with the default route table if one is on.
pub(super) fn gateway(resource: &Declared, deployment: &mut Deployment<'_, '_>) {
    let values = Values::of(resource);
    let association = default_table(resource, "association", deployment);
    let propagation = default_table(resource, "propagation", deployment);
    let account = Some(resource.account.clone()).filter(|account| !account.is_empty());
    let description = json!({
        "TransitGatewayId": resource.id,
        "OwnerId": values.text("owner_id").or(account),
        "Options": {
            "AssociationDefaultRouteTableId": association,
            "PropagationDefaultRouteTableId": propagation,
            "DnsSupport": values.text("DnsSupport|dns_support"),
            "TransitGatewayCidrBlocks": values.texts("TransitGatewayCidrBlocks|transit_gateway_cidr_blocks"),
            "SecurityGroupReferencingSupport":
                values.text("SecurityGroupReferencingSupport|security_group_referencing_support"),
        },
    });
    deployment.whole(resource, "TransitGateways", &resource.id, description);
    for table in association.into_iter().chain(propagation) {
        if deployment.find(&table).is_none() {
            let description = json!({
                "TransitGatewayRouteTableId": table, "TransitGatewayId": resource.id, "Tags": [],
            });
            deployment.whole(resource, "TransitGatewayRouteTables", &table, description);
        }
    }
}

/// The default route table for associations or propagations, if the gateway has one: on if nothing is said.
fn default_table(gateway: &Declared, role: &str, deployment: &Deployment<'_, '_>) -> Option<String> {
    let values = Values::of(gateway);
    let named = match role {
        "association" => "DefaultRouteTableAssociation|default_route_table_association",
        _ => "DefaultRouteTablePropagation|default_route_table_propagation",
    };
    // A table that was made the default one takes the place of AWS's.
    let kind = format!("aws_ec2_transit_gateway_default_route_table_{role}");
    let kinds = [kind.as_str()];
    let mut replacing = deployment.all_of(&kinds).map(Values::of);
    let replacing = replacing.find(|row| row.text(GATEWAY).as_deref() == Some(&*gateway.id));
    if let Some(table) = replacing.and_then(|row| row.text(TABLE)) {
        return Some(table);
    }
    if values.text(named).as_deref() == Some("disable") {
        return None;
    }
    if let Some(known) = values.text(&format!("{role}_default_route_table_id")) {
        return Some(known);
    }
    // AWS makes one table for both.
    let spoken = [
        format!("{}.association_default_route_table_id", gateway.id),
        format!("{}.propagation_default_route_table_id", gateway.id),
        format!("{}.AssociationDefaultRouteTableId", gateway.id),
        format!("{}.PropagationDefaultRouteTableId", gateway.id),
    ];
    let spoken = spoken.into_iter().find(|id| deployment.is_mentioned(id));
    let attribute = if gateway.kind.starts_with("AWS::") {
        "AssociationDefaultRouteTableId"
    } else {
        "association_default_route_table_id"
    };
    Some(spoken.unwrap_or_else(|| format!("{}.{attribute}", gateway.id)))
}

/// `aws_ec2_transit_gateway_vpc_attachment`, `AWS::EC2::TransitGatewayVpcAttachment`, `AWS::EC2::TransitGatewayAttachment`.
pub(super) fn vpc_attachment(resource: &Declared, deployment: &mut Deployment<'_, '_>) {
    let values = Values::of(resource);
    let gateway = values.text(GATEWAY).unwrap_or_default();
    let options = values.block("Options");
    let option = |tf: &str, cfn: &str| values.text(tf).or_else(|| options?.text(cfn));
    let description = json!({
        "TransitGatewayAttachmentId": resource.id,
        "TransitGatewayId": gateway,
        "VpcId": values.text("VpcId|vpc_id"),
        "SubnetIds": values.texts("SubnetIds|subnet_ids"),
        "Options": {
            "ApplianceModeSupport": option("appliance_mode_support", "ApplianceModeSupport"),
            "DnsSupport": option("dns_support", "DnsSupport"),
            "SecurityGroupReferencingSupport":
                option("security_group_referencing_support", "SecurityGroupReferencingSupport"),
        },
    });
    deployment.whole(
        resource,
        "TransitGatewayVpcAttachments",
        &resource.id,
        description,
    );
    let Some(gateway) = deployment
        .find(&gateway)
        .filter(|row| GATEWAYS.contains(&row.kind.as_str()))
    else {
        return;
    };
    let wants = |name: &str| values.flag(name) != Some(false);
    let has_own = deployment
        .all_of(&ASSOCIATIONS)
        .any(|row| Values::of(row).text(ATTACHMENT).as_deref() == Some(&*resource.id));
    let table = default_table(gateway, "association", deployment);
    if let Some(table) =
        table.filter(|_| wants("transit_gateway_default_route_table_association") && !has_own)
    {
        associate(resource, &resource.id, &table, deployment);
    }
    let table = default_table(gateway, "propagation", deployment);
    if let Some(table) = table.filter(|_| wants("transit_gateway_default_route_table_propagation")) {
        propagate(resource, &resource.id, &table, deployment);
    }
}

fn associate(resource: &Declared, attachment: &str, table: &str, deployment: &mut Deployment<'_, '_>) {
    let description = json!({
        "TransitGatewayAttachmentId": attachment,
        "Association": {"TransitGatewayRouteTableId": table, "State": "associated"},
    });
    deployment.fact(resource, "TransitGatewayAttachments", description);
}

fn propagate(resource: &Declared, attachment: &str, table: &str, deployment: &mut Deployment<'_, '_>) {
    let propagation = json!({"TransitGatewayAttachmentId": attachment, "State": "enabled"});
    let description = json!({
        "TransitGatewayRouteTableId": table, "TransitGatewayRouteTablePropagations": [propagation],
    });
    deployment.fact(resource, "TransitGatewayPropagations", description);
}

/// `aws_ec2_transit_gateway_peering_attachment`, `AWS::EC2::TransitGatewayPeeringAttachment`: available once accepted.
pub(super) fn peering_attachment(resource: &Declared, deployment: &mut Deployment<'_, '_>) {
    let values = Values::of(resource);
    let mut accepters = deployment.all_of(&["aws_ec2_transit_gateway_peering_attachment_accepter"]);
    let accepted = accepters.any(|row| Values::of(row).text(ATTACHMENT).as_deref() == Some(&*resource.id));
    let state = values.text("state|State").unwrap_or_else(|| {
        if accepted || resource.kind.starts_with("AWS::") {
            "available"
        } else {
            "pendingAcceptance"
        }
        .to_owned()
    });
    let description = json!({
        "TransitGatewayAttachmentId": resource.id,
        "RequesterTgwInfo": {"TransitGatewayId": values.text(GATEWAY)},
        "AccepterTgwInfo": {"TransitGatewayId": values.text("PeerTransitGatewayId|peer_transit_gateway_id")},
        "State": state,
    });
    deployment.whole(
        resource,
        "TransitGatewayPeeringAttachments",
        &resource.id,
        description,
    );
}

/// `aws_ec2_transit_gateway_route_table`, `AWS::EC2::TransitGatewayRouteTable`.
pub(super) fn route_table(resource: &Declared, deployment: &mut Deployment<'_, '_>) {
    let description = json!({
        "TransitGatewayRouteTableId": resource.id,
        "TransitGatewayId": Values::of(resource).text(GATEWAY).unwrap_or_default(),
    });
    deployment.whole(resource, "TransitGatewayRouteTables", &resource.id, description);
}

/// `aws_ec2_transit_gateway_route`, `…_prefix_list_reference`, `AWS::EC2::TransitGatewayRoute`.
pub(super) fn route(resource: &Declared, deployment: &mut Deployment<'_, '_>) {
    let values = Values::of(resource);
    let Some(table) = values.text(TABLE) else {
        return lost(resource, "transit gateway route table", deployment);
    };
    let blackhole = values.flag("Blackhole|blackhole") == Some(true);
    let attachments: Vec<Value> = values
        .text(ATTACHMENT)
        .into_iter()
        .map(|id| json!({"TransitGatewayAttachmentId": id}))
        .collect();
    let route = json!({
        "DestinationCidrBlock": values.text("DestinationCidrBlock|destination_cidr_block"),
        "PrefixListId": values.text("prefix_list_id"),
        "TransitGatewayAttachments": attachments,
        "Type": "static",
        "State": if blackhole { "blackhole" } else { "active" },
    });
    deployment.fact(
        resource,
        "TransitGatewayStaticRoutes",
        json!({"TransitGatewayRouteTableId": table, "Routes": [route]}),
    );
}

/// `aws_ec2_transit_gateway_route_table_association`, `AWS::EC2::TransitGatewayRouteTableAssociation`.
pub(super) fn association(resource: &Declared, deployment: &mut Deployment<'_, '_>) {
    let values = Values::of(resource);
    let (Some(attachment), Some(table)) = (values.text(ATTACHMENT), values.text(TABLE)) else {
        return lost(resource, "transit gateway route table", deployment);
    };
    associate(resource, &attachment, &table, deployment);
}

/// `aws_ec2_transit_gateway_route_table_propagation`, `AWS::EC2::TransitGatewayRouteTablePropagation`.
pub(super) fn propagation(resource: &Declared, deployment: &mut Deployment<'_, '_>) {
    let values = Values::of(resource);
    let (Some(attachment), Some(table)) = (values.text(ATTACHMENT), values.text(TABLE)) else {
        return lost(resource, "transit gateway route table", deployment);
    };
    propagate(resource, &attachment, &table, deployment);
}
