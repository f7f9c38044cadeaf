//! VPCs, subnets, DHCP options, prefix lists and Block Public Access.

use serde_json::{Value, json};

use super::values::Values;
use super::{Deployment, default_vpc};
use crate::declared::Declared;

/// `aws_vpc`, `AWS::EC2::VPC`; with the default objects that others speak of.
pub(super) fn vpc(resource: &Declared, deployment: &mut Deployment<'_, '_>) {
    let values = Values::of(resource);
    let is_default = resource.kind == "aws_default_vpc";
    let cidr = values
        .text("CidrBlock|cidr_block")
        .or_else(|| is_default.then(|| default_vpc::CIDR.to_owned()));
    let ipv6 = values.flag("assign_generated_ipv6_cidr_block") == Some(true);
    let description = json!({
        "VpcId": resource.id,
        "CidrBlock": cidr,
        "IsDefault": is_default || values.flag("default") == Some(true),
        "DhcpOptionsId": values.text("dhcp_options_id"),
        "OwnerId": values.text("owner_id").or_else(|| account_of(resource)),
        "Ipv6CidrBlockAssociationSet": if ipv6 { json!([{}]) } else { Value::Null },
        "@dns_support": values.flag("EnableDnsSupport|enable_dns_support"),
        "@dns_hostnames": values.flag("EnableDnsHostnames|enable_dns_hostnames").unwrap_or(is_default),
    });
    deployment.whole(resource, "Vpcs", &resource.id, description);
    if cidr.is_none() {
        deployment.warn(
            "cidr-unknown",
            resource,
            format!("the range of VPC `{}` is not known before it is made: it is assumed to be no larger than its subnets", resource.address),
        );
    }
    default_objects(resource, deployment);
}

fn account_of(resource: &Declared) -> Option<String> {
    Some(resource.account.clone()).filter(|account| !account.is_empty())
}

/// The main route table, the default network ACL and the default security group, if something speaks of them: else they are
/// made as those of any VPC are.
fn default_objects(resource: &Declared, deployment: &mut Deployment<'_, '_>) {
    let values = Values::of(resource);
    let id = &resource.id;
    let named = |known: &str, suffixes: [&str; 2]| {
        let mut ids = values.texts(known);
        ids.extend(suffixes.map(|suffix| format!("{id}.{suffix}")));
        ids
    };
    let groups = named(
        "default_security_group_id",
        ["default_security_group_id", "DefaultSecurityGroup"],
    );
    let acls = named(
        "default_network_acl_id",
        ["default_network_acl_id", "DefaultNetworkAcl"],
    );
    let tables = named(
        "main_route_table_id|default_route_table_id",
        ["default_route_table_id", "main_route_table_id"],
    );
    let vpc = json!(id);
    if let Some(group) = spoken_of(&groups, deployment) {
        let pair = json!({"IpProtocol": "-1", "UserIdGroupPairs": [{"GroupId": group}]});
        let all = json!({"IpProtocol": "-1", "IpRanges": [{"CidrIp": "0.0.0.0/0"}]});
        let description = json!({
            "GroupId": group, "GroupName": "default", "VpcId": vpc,
            "IpPermissions": [pair], "IpPermissionsEgress": [all],
        });
        deployment.whole(resource, "SecurityGroups", &group, with_no_tags(description));
    }
    if let Some(acl) = spoken_of(&acls, deployment) {
        let entry = |egress: bool| json!({"RuleNumber": 100, "Protocol": "-1", "RuleAction": "allow", "CidrBlock": "0.0.0.0/0", "Egress": egress});
        let description = json!({
            "NetworkAclId": acl, "VpcId": vpc, "IsDefault": true, "Entries": [entry(false), entry(true)],
        });
        deployment.whole(resource, "NetworkAcls", &acl, with_no_tags(description));
    }
    let is_replaced = has_other_main_table(id, deployment);
    if let Some(table) = spoken_of(&tables, deployment) {
        let associations = if is_replaced {
            json!([])
        } else {
            json!([{"Main": true}])
        };
        let description = json!({"RouteTableId": table, "VpcId": vpc, "Associations": associations});
        deployment.whole(resource, "RouteTables", &table, with_no_tags(description));
    }
}

/// The first of these ids that something speaks of and nothing declares: they are all of one object.
fn spoken_of(ids: &[String], deployment: &Deployment<'_, '_>) -> Option<String> {
    if ids.iter().any(|id| deployment.find(id).is_some()) {
        return None;
    }
    let mut spoken = ids.iter().filter(|id| deployment.is_mentioned(id));
    spoken.next().cloned()
}

/// Whether an association makes another route table the main one.
pub(super) fn has_other_main_table(vpc: &str, deployment: &Deployment<'_, '_>) -> bool {
    deployment
        .all_of(&["aws_main_route_table_association"])
        .any(|association| Values::of(association).text("vpc_id").as_deref() == Some(vpc))
}

fn with_no_tags(mut description: Value) -> Value {
    description["Tags"] = json!([]);
    description
}

/// A further range: `aws_vpc_ipv4_cidr_block_association`, `AWS::EC2::VPCCidrBlock`.
pub(super) fn secondary_cidr(resource: &Declared, deployment: &mut Deployment<'_, '_>) {
    let values = Values::of(resource);
    let (Some(vpc), Some(cidr)) = (values.text("VpcId|vpc_id"), values.text("CidrBlock|cidr_block")) else {
        return;
    };
    let description = json!({
        "VpcId": vpc,
        "CidrBlockAssociationSet": [{"CidrBlock": cidr, "CidrBlockState": {"State": "associated"}}],
    });
    deployment.part(resource, "Vpcs", &vpc, description);
}

/// `aws_subnet`, `AWS::EC2::Subnet`.
pub(super) fn subnet(resource: &Declared, deployment: &mut Deployment<'_, '_>) {
    let values = Values::of(resource);
    if resource.kind == "aws_default_subnet" {
        let zone = values.text("availability_zone").unwrap_or_default();
        return default_vpc::adopt_subnet(resource, &zone, deployment);
    }
    let Some(cidr) = values.text("CidrBlock|cidr_block") else {
        let (noun, effect) = if values.get("Ipv6CidrBlock|ipv6_cidr_block").is_some() {
            ("IPv6-only subnet", "what is in it is missing")
        } else {
            (
                "subnet",
                "its range is not known before it is made: what is in it is missing",
            )
        };
        let description = json!({
            "Id": resource.id, "Noun": noun, "Effect": effect, "Name": resource.address,
            "VpcId": values.text("VpcId|vpc_id"),
        });
        return deployment.whole(
            resource,
            crate::describe::unmodelled::MADE,
            &resource.id,
            description,
        );
    };
    let ipv6 = values.get("Ipv6CidrBlock|ipv6_cidr_block").is_some();
    let description = json!({
        "SubnetId": resource.id,
        "VpcId": values.text("VpcId|vpc_id").unwrap_or_default(),
        "CidrBlock": cidr,
        "AvailabilityZone": values.text("AvailabilityZone|availability_zone").and_then(|zone| zone_of(&zone, resource)),
        "AvailabilityZoneId": values.text("AvailabilityZoneId|availability_zone_id"),
        "MapPublicIpOnLaunch": values.flag("MapPublicIpOnLaunch|map_public_ip_on_launch"),
        "Ipv6CidrBlockAssociationSet": if ipv6 { json!([{}]) } else { Value::Null },
    });
    deployment.whole(resource, "Subnets", &resource.id, description);
}

/// A zone as templates write it (`a`), as the CDK stands in for one that it has not looked up (`dummy1a`), or as AWS does
/// (`eu-west-1a`); `None` for what only a deployment knows.
fn zone_of(zone: &str, resource: &Declared) -> Option<String> {
    let region = if resource.region.is_empty() {
        "us-east-1"
    } else {
        &resource.region
    };
    match zone.strip_prefix("dummy1").unwrap_or(zone) {
        letter if letter.len() == 1 => Some(format!("{region}{letter}")),
        known if known.contains(['.', ':']) => None,
        known => Some(known.to_owned()),
    }
}

/// `aws_vpc_dhcp_options`, `AWS::EC2::DHCPOptions`.
pub(super) fn dhcp_options(resource: &Declared, deployment: &mut Deployment<'_, '_>) {
    let values = Values::of(resource);
    let configuration = |key: &str, names: &str| {
        let list: Vec<Value> = values
            .texts(names)
            .into_iter()
            .map(|text| json!({"Value": text}))
            .collect();
        (!list.is_empty()).then(|| json!({"Key": key, "Values": list}))
    };
    let configurations = [
        configuration("domain-name", "DomainName|domain_name"),
        configuration("domain-name-servers", "DomainNameServers|domain_name_servers"),
        configuration("ntp-servers", "NtpServers|ntp_servers"),
    ];
    let configurations: Vec<Value> = configurations.into_iter().flatten().collect();
    let description = json!({"DhcpOptionsId": resource.id, "DhcpConfigurations": configurations});
    deployment.whole(resource, "DhcpOptions", &resource.id, description);
}

/// `aws_vpc_dhcp_options_association`, `AWS::EC2::VPCDHCPOptionsAssociation`.
pub(super) fn dhcp_options_association(resource: &Declared, deployment: &mut Deployment<'_, '_>) {
    let values = Values::of(resource);
    if let Some(vpc) = values.text("VpcId|vpc_id") {
        let options = values
            .text("DhcpOptionsId|dhcp_options_id")
            .filter(|id| id != "default");
        deployment.part(
            resource,
            "Vpcs",
            &vpc,
            json!({"VpcId": vpc, "DhcpOptionsId": options}),
        );
    }
}

/// `aws_ec2_managed_prefix_list`, `AWS::EC2::PrefixList`.
pub(super) fn prefix_list(resource: &Declared, deployment: &mut Deployment<'_, '_>) {
    let values = Values::of(resource);
    let entries = values.blocks("Entries|entry|entries");
    let cidrs: Vec<String> = entries
        .iter()
        .filter_map(|entry| entry.text("Cidr|cidr"))
        .collect();
    let description = json!({
        "PrefixListId": resource.id,
        "PrefixListName": values.text("PrefixListName|name"),
        "Cidrs": cidrs,
        "MaxEntries": values.number("MaxEntries|max_entries"),
    });
    deployment.whole(resource, "PrefixLists", &resource.id, description);
}

/// `aws_ec2_managed_prefix_list_entry`.
pub(super) fn prefix_list_entry(resource: &Declared, deployment: &mut Deployment<'_, '_>) {
    let values = Values::of(resource);
    let description = json!({"PrefixListId": values.text("prefix_list_id"), "Cidr": values.text("cidr")});
    deployment.fact(resource, "Entries", description);
}

/// `data.aws_prefix_list`, `data.aws_ec2_managed_prefix_list`: known lists of AWS's services have entries anyway.
pub(super) fn known_prefix_list(resource: &Declared, deployment: &mut Deployment<'_, '_>) {
    let values = Values::of(resource);
    let entries = values.blocks("entries");
    let mut cidrs: Vec<String> = entries.iter().filter_map(|entry| entry.text("cidr")).collect();
    cidrs.extend(values.texts("cidr_blocks"));
    if cidrs.is_empty() {
        return;
    }
    let description =
        json!({"PrefixListId": resource.id, "PrefixListName": values.text("name"), "Cidrs": cidrs});
    deployment.whole(resource, "PrefixLists", &resource.id, description);
}

/// `aws_vpc_block_public_access_options`, `AWS::EC2::VPCBlockPublicAccessOptions`.
pub(super) fn block_public_access(resource: &Declared, deployment: &mut Deployment<'_, '_>) {
    let mode = Values::of(resource).text("InternetGatewayBlockMode|internet_gateway_block_mode");
    let description = json!({
        "AwsAccountId": resource.account, "AwsRegion": resource.region, "InternetGatewayBlockMode": mode,
    });
    deployment.fact(resource, "VpcBlockPublicAccessOptions", description);
}

/// `aws_vpc_block_public_access_exclusion`, `AWS::EC2::VPCBlockPublicAccessExclusion`.
pub(super) fn public_access_exclusion(resource: &Declared, deployment: &mut Deployment<'_, '_>) {
    let values = Values::of(resource);
    let of = |names: &str, noun: &str| values.text(names).map(|id| format!("arn:aws:ec2:::{noun}/{id}"));
    let arn = of("VpcId|vpc_id", "vpc").or_else(|| of("SubnetId|subnet_id", "subnet"));
    let description = json!({
        "ExclusionId": resource.id,
        "InternetGatewayExclusionMode": values.text("InternetGatewayExclusionMode|internet_gateway_exclusion_mode"),
        "ResourceArn": arn.unwrap_or_default(),
    });
    deployment.whole(
        resource,
        "VpcBlockPublicAccessExclusions",
        &resource.id,
        description,
    );
}
