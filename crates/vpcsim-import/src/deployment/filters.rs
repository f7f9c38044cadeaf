//! Security groups with their rules, and network ACLs with their entries.

use serde_json::{Value, json};
use vpcsim_aws::Finding;

use super::routes::{lost, owner_of};
use super::values::Values;
use super::{Deployment, default_vpc, spot};
use crate::declared::Declared;

/// `aws_security_group`, `AWS::EC2::SecurityGroup`.
pub(super) fn security_group(resource: &Declared, deployment: &mut Deployment<'_, '_>) {
    let values = Values::of(resource);
    let vpc = values
        .text("VpcId|vpc_id")
        .unwrap_or_else(|| default_vpc::vpc(resource, deployment));
    let ingress = permissions(resource, "SecurityGroupIngress|ingress", deployment);
    let mut egress = permissions(resource, "SecurityGroupEgress|egress", deployment);
    // Terraform takes AWS's own egress rule away; CloudFormation keeps it until a template says another.
    if is_template(resource) && egress.is_empty() && !has_own_egress(&resource.id, deployment) {
        egress.push(json!({"IpProtocol": "-1", "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}));
    }
    let description = json!({
        "GroupId": resource.id,
        "GroupName": values.text("GroupName|name").unwrap_or_else(|| resource.address.clone()),
        "VpcId": vpc,
        "OwnerId": values.text("owner_id"),
        "IpPermissions": ingress,
        "IpPermissionsEgress": egress,
    });
    deployment.whole(resource, "SecurityGroups", &resource.id, description);
}

fn is_template(resource: &Declared) -> bool {
    resource.kind.starts_with("AWS::")
}

/// Whether an egress rule of its own belongs to the group: then AWS's rule is gone.
fn has_own_egress(group: &str, deployment: &Deployment<'_, '_>) -> bool {
    deployment
        .all_of(&["AWS::EC2::SecurityGroupEgress"])
        .any(|rule| Values::of(rule).text("GroupId").as_deref() == Some(group))
}

/// `aws_default_security_group` adopts the default group; rules that it does not name are taken out.
pub(super) fn default_security_group(resource: &Declared, deployment: &mut Deployment<'_, '_>) {
    let vpc = Values::of(resource).text("vpc_id");
    let vpc = vpc.or_else(|| owner_of(&resource.id, deployment));
    let vpc = vpc.unwrap_or_else(|| default_vpc::vpc(resource, deployment));
    let description = json!({
        "GroupId": resource.id,
        "GroupName": "default",
        "VpcId": vpc,
        "IpPermissions": permissions(resource, "ingress", deployment),
        "IpPermissionsEgress": permissions(resource, "egress", deployment),
    });
    deployment.whole(resource, "SecurityGroups", &resource.id, description);
}

/// `Custom::VpcRestrictDefaultSG` of the CDK empties the default group.
pub(super) fn restrict_default_group(resource: &Declared, deployment: &mut Deployment<'_, '_>) {
    let Some(group) = Values::of(resource).text("DefaultSecurityGroupId") else {
        return lost(resource, "security group", deployment);
    };
    let description = json!({
        "GroupId": group, "GroupName": "default", "VpcId": owner_of(&group, deployment).unwrap_or_default(),
        "IpPermissions": [], "IpPermissionsEgress": [], "Tags": [],
    });
    // It runs when the group is there: what was said of it before goes.
    if let Some(&known) = deployment.wholes.get(&("SecurityGroups", group.clone())) {
        deployment.made[known].value = description;
    } else {
        deployment.whole(resource, "SecurityGroups", &group, description);
    }
}

/// The inline rules of a group.
fn permissions(resource: &Declared, names: &str, deployment: &mut Deployment<'_, '_>) -> Vec<Value> {
    let blocks = Values::of(resource).blocks(names);
    let rules = blocks
        .into_iter()
        .filter_map(|block| permission(resource, block, deployment));
    rules.collect()
}

const CIDRS: &str = "CidrIp|cidr_blocks|cidr_ipv4";
const IPV6_CIDRS: &str = "CidrIpv6|ipv6_cidr_blocks|cidr_ipv6";
const LISTS: &str = "SourcePrefixListId|DestinationPrefixListId|prefix_list_ids|prefix_list_id";
const GROUPS: &str = "SourceSecurityGroupId|DestinationSecurityGroupId|SourceSecurityGroupName|security_groups|source_security_group_id|referenced_security_group_id";

/// A rule in AWS's words.
fn permission(resource: &Declared, block: Values<'_>, deployment: &mut Deployment<'_, '_>) -> Option<Value> {
    let objects = |key: &str, texts: Vec<String>| -> Vec<Value> {
        texts.into_iter().map(|text| json!({key: text})).collect()
    };
    let mut pairs: Vec<Value> = Vec::new();
    for group in block.texts(GROUPS) {
        // `account/group` names a group of another account.
        let (account, group) = match group.split_once('/') {
            Some((account, group)) if account.len() == 12 => (Some(account.to_owned()), group.to_owned()),
            _ => (block.text("SourceSecurityGroupOwnerId"), group),
        };
        pairs.push(json!({"GroupId": group, "UserId": account}));
    }
    if block.flag("self") == Some(true) {
        pairs.push(json!({"GroupId": resource.id}));
    }
    let ranges = objects("CidrIp", block.texts(CIDRS));
    let ipv6 = objects("CidrIpv6", block.texts(IPV6_CIDRS));
    let lists = objects("PrefixListId", lists_of(block, deployment));
    if ranges.is_empty() && ipv6.is_empty() && lists.is_empty() && pairs.is_empty() {
        let message = format!(
            "a rule of `{}` names no other side: AWS does not make it",
            resource.address
        );
        let finding = Finding::warning("rule-without-source", origin_of(block, resource), message);
        let help = "name a range (`CidrIp`, `cidr_blocks`), a security group or a prefix list";
        deployment.findings.push(finding.help(help));
        return None;
    }
    Some(json!({
        "IpProtocol": block.text("IpProtocol|protocol|ip_protocol").unwrap_or_else(|| "-1".to_owned()),
        "FromPort": block.number("FromPort|from_port"),
        "ToPort": block.number("ToPort|to_port"),
        "IpRanges": ranges,
        "Ipv6Ranges": ipv6,
        "PrefixListIds": lists,
        "UserIdGroupPairs": pairs,
        "@origin": spot(block.0),
    }))
}

/// The prefix lists of a rule; that of a gateway endpoint goes by its service until AWS has made the endpoint.
fn lists_of(values: Values<'_>, deployment: &Deployment<'_, '_>) -> Vec<String> {
    let service_of = |id: String| {
        let endpoint = id
            .strip_suffix(".prefix_list_id")
            .and_then(|endpoint| deployment.find(endpoint));
        let service = endpoint.and_then(|endpoint| Values::of(endpoint).text("service_name"));
        service.unwrap_or(id)
    };
    values.texts(LISTS).into_iter().map(service_of).collect()
}

fn origin_of(block: Values<'_>, resource: &Declared) -> vpcsim_aws::Origin {
    let place = block.0.get(crate::declared::ORIGIN_KEY).and_then(Value::as_str);
    place
        .and_then(crate::declared::origin_of)
        .unwrap_or(resource.origin)
}

/// A rule that is a resource of its own, one for each other side.
pub(super) fn rule(resource: &Declared, deployment: &mut Deployment<'_, '_>) {
    let values = Values::of(resource);
    let Some(group) = values.text("GroupId|GroupName|security_group_id") else {
        return lost(resource, "security group", deployment);
    };
    let egress = resource.kind.ends_with("Egress")
        || resource.kind.ends_with("egress_rule")
        || values.text("type").as_deref() == Some("egress");
    let mut others: Vec<(&str, Value)> = Vec::new();
    others.extend(
        values
            .texts(CIDRS)
            .into_iter()
            .map(|cidr| ("CidrIpv4", json!(cidr))),
    );
    others.extend(
        values
            .texts(IPV6_CIDRS)
            .into_iter()
            .map(|cidr| ("CidrIpv6", json!(cidr))),
    );
    others.extend(
        lists_of(values, deployment)
            .into_iter()
            .map(|list| ("PrefixListId", json!(list))),
    );
    let mut groups = values.texts(GROUPS);
    if values.flag("self") == Some(true) {
        groups.push(group.clone());
    }
    let pair = |id: String| match id.split_once('/') {
        Some((account, group)) if account.len() == 12 => json!({"GroupId": group, "UserId": account}),
        _ => json!({"GroupId": id}),
    };
    others.extend(groups.into_iter().map(|id| ("ReferencedGroupInfo", pair(id))));
    if others.is_empty() {
        let message = format!(
            "rule `{}` names no other side: AWS does not make it",
            resource.address
        );
        deployment.warn("rule-without-source", resource, message);
    }
    for (place, (key, other)) in others.into_iter().enumerate() {
        let id = if place == 0 {
            resource.id.clone()
        } else {
            format!("{}.{place}", resource.id)
        };
        let description = json!({
            "SecurityGroupRuleId": id,
            "GroupId": group,
            "IsEgress": egress,
            "IpProtocol": values.text("IpProtocol|protocol|ip_protocol").unwrap_or_else(|| "-1".to_owned()),
            "FromPort": values.number("FromPort|from_port"),
            "ToPort": values.number("ToPort|to_port"),
            key: other,
        });
        deployment.fact(resource, "SecurityGroupRules", description);
    }
}

/// `aws_network_acl`, `AWS::EC2::NetworkAcl`.
pub(super) fn network_acl(resource: &Declared, deployment: &mut Deployment<'_, '_>) {
    let vpc = Values::of(resource).text("VpcId|vpc_id").unwrap_or_default();
    make_acl(resource, &resource.id, &vpc, false, deployment);
}

/// `aws_default_network_acl` adopts the default ACL; entries that it does not name are taken out.
pub(super) fn default_network_acl(resource: &Declared, deployment: &mut Deployment<'_, '_>) {
    let values = Values::of(resource);
    let id = values
        .text("default_network_acl_id")
        .unwrap_or_else(|| resource.id.clone());
    let vpc = values.text("vpc_id").or_else(|| owner_of(&id, deployment));
    make_acl(resource, &id, &vpc.unwrap_or_default(), true, deployment);
}

fn make_acl(resource: &Declared, id: &str, vpc: &str, default: bool, deployment: &mut Deployment<'_, '_>) {
    let values = Values::of(resource);
    let mut entries: Vec<Value> = Vec::new();
    for (name, egress) in [("ingress", false), ("egress", true)] {
        entries.extend(
            values
                .blocks(name)
                .into_iter()
                .map(|block| entry_of(block, egress)),
        );
    }
    // The default ACL is in force where no other is; it needs no association.
    let subnets = if default {
        Vec::new()
    } else {
        values.texts("subnet_ids")
    };
    let associations: Vec<Value> = subnets
        .into_iter()
        .map(|subnet| json!({"SubnetId": subnet}))
        .collect();
    let description = json!({
        "NetworkAclId": id, "VpcId": vpc, "IsDefault": default, "Entries": entries, "Associations": associations,
    });
    deployment.whole(resource, "NetworkAcls", id, description);
}

fn entry_of(values: Values<'_>, egress: bool) -> Value {
    let icmp = values.block("Icmp");
    let icmp_type = icmp.map_or_else(|| values.number("icmp_type"), |icmp| icmp.number("Type"));
    let icmp_code = icmp.map_or_else(|| values.number("icmp_code"), |icmp| icmp.number("Code"));
    let protocol = values
        .text("Protocol|protocol")
        .unwrap_or_else(|| "-1".to_owned());
    let is_icmp = matches!(protocol.as_str(), "1" | "icmp");
    let range = values.block("PortRange");
    let from = range.map_or_else(|| values.number("from_port"), |range| range.number("From"));
    let to = range.map_or_else(|| values.number("to_port"), |range| range.number("To"));
    let all = matches!(protocol.as_str(), "-1" | "all");
    let ports =
        (!is_icmp && !all && (from.is_some() || to.is_some())).then(|| json!({"From": from, "To": to}));
    let types = (is_icmp && icmp_type.is_some()).then(|| json!({"Type": icmp_type, "Code": icmp_code}));
    json!({
        "Egress": egress,
        "RuleNumber": values.number("RuleNumber|rule_number|rule_no"),
        "Protocol": protocol,
        "RuleAction": values.text("RuleAction|rule_action|action").map(|action| action.to_lowercase()),
        "CidrBlock": values.text("CidrBlock|cidr_block"),
        "Ipv6CidrBlock": values.text("Ipv6CidrBlock|ipv6_cidr_block"),
        "PortRange": ports,
        "IcmpTypeCode": types,
        "@origin": spot(values.0),
    })
}

/// `aws_network_acl_rule`, `AWS::EC2::NetworkAclEntry`.
pub(super) fn entry(resource: &Declared, deployment: &mut Deployment<'_, '_>) {
    let values = Values::of(resource);
    let Some(acl) = values.text("NetworkAclId|network_acl_id") else {
        return lost(resource, "network ACL", deployment);
    };
    let mut entry = entry_of(values, values.flag("Egress|egress") == Some(true));
    let origin = resource.origin;
    entry[crate::declared::ORIGIN_KEY] = crate::declared::place(origin);
    deployment.part(
        resource,
        "NetworkAcls",
        &acl,
        json!({"NetworkAclId": acl, "Entries": [entry]}),
    );
}

/// `aws_network_acl_association`, `AWS::EC2::SubnetNetworkAclAssociation`.
pub(super) fn acl_association(resource: &Declared, deployment: &mut Deployment<'_, '_>) {
    let values = Values::of(resource);
    let (Some(acl), Some(subnet)) = (
        values.text("NetworkAclId|network_acl_id"),
        values.text("SubnetId|subnet_id"),
    ) else {
        return lost(resource, "network ACL", deployment);
    };
    let description = json!({"NetworkAclId": acl, "Associations": [{"SubnetId": subnet}]});
    deployment.part(resource, "NetworkAcls", &acl, description);
}
