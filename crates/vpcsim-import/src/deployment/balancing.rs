//! Load balancers, listeners, target groups and who is registered in them.

use serde_json::{Value, json};

use super::Deployment;
use super::routes::lost;
use super::values::Values;
use crate::declared::Declared;

const TARGET_GROUPS: [&str; 3] = [
    "aws_lb_target_group",
    "aws_alb_target_group",
    "AWS::ElasticLoadBalancingV2::TargetGroup",
];
const ATTACHMENTS: [&str; 2] = [
    "aws_lb_target_group_attachment",
    "aws_alb_target_group_attachment",
];
const OF_GROUPS: &str = "TargetGroupARNs|target_group_arns";

/// `aws_lb`, `aws_alb`, `AWS::ElasticLoadBalancingV2::LoadBalancer`.
pub(super) fn load_balancer(resource: &Declared, deployment: &mut Deployment<'_, '_>) {
    let values = Values::of(resource);
    let kind = values.text("Type|load_balancer_type");
    let internal =
        values.flag("internal") == Some(true) || values.text("Scheme").as_deref() == Some("internal");
    let mut zones = Vec::new();
    for block in values.blocks("SubnetMappings|subnet_mapping") {
        let elastic = block.text("AllocationId|allocation_id");
        let elastic = elastic.and_then(|id| deployment.public_of(&id));
        let private = block.text("PrivateIPv4Address|private_ipv4_address");
        zones.push((
            block.text("SubnetId|subnet_id").unwrap_or_default(),
            elastic,
            private,
        ));
    }
    if zones.is_empty() {
        let subnets = values.texts("Subnets|subnets").into_iter();
        zones.extend(subnets.map(|subnet| (subnet, None, None)));
    }
    let mut described = Vec::new();
    let vpc = zones
        .iter()
        .find_map(|(subnet, _, _)| Values::of(deployment.find(subnet)?).text("VpcId|vpc_id"));
    for (subnet, elastic, private) in zones {
        let public = if internal {
            None
        } else {
            elastic.or_else(|| deployment.assign_public())
        };
        let address = json!({
            "IpAddress": public.map(|address| address.to_string()),
            "PrivateIPv4Address": private,
        });
        described.push(json!({"SubnetId": subnet, "LoadBalancerAddresses": [address]}));
    }
    let description = json!({
        "LoadBalancerArn": resource.id,
        "LoadBalancerName": values.text("Name|name").unwrap_or_else(|| super::compute::shown_name(resource)),
        "DNSName": values.text("dns_name"),
        "Scheme": if internal { "internal" } else { "internet-facing" },
        "Type": kind.unwrap_or_else(|| "application".to_owned()),
        "VpcId": vpc.or_else(|| values.text("vpc_id")),
        "SecurityGroups": values.texts("SecurityGroups|security_groups"),
        "AvailabilityZones": described,
        "EnforceSecurityGroupInboundRulesOnPrivateLinkTraffic":
            values.text("EnforceSecurityGroupInboundRulesOnPrivateLinkTraffic|enforce_security_group_inbound_rules_on_private_link_traffic"),
    });
    deployment.whole(resource, "LoadBalancers", &resource.id, description);
    let mut attributes = listed_attributes(values, "LoadBalancerAttributes");
    if let Some(flag) = values.flag("enable_cross_zone_load_balancing") {
        attributes.push(attribute("load_balancing.cross_zone.enabled", &flag.to_string()));
    }
    let description = json!({"LoadBalancerArn": resource.id, "Attributes": attributes});
    deployment.fact(resource, "LoadBalancerAttributes", description);
}

fn attribute(key: &str, value: &str) -> Value {
    json!({"Key": key, "Value": value})
}

fn listed_attributes(values: Values<'_>, names: &str) -> Vec<Value> {
    let blocks = values.blocks(names);
    let read = blocks
        .iter()
        .filter_map(|block| Some(attribute(&block.text("Key")?, &block.text("Value")?)));
    read.collect()
}

/// `aws_lb_listener`, `AWS::ElasticLoadBalancingV2::Listener`.
pub(super) fn listener(resource: &Declared, deployment: &mut Deployment<'_, '_>) {
    let values = Values::of(resource);
    let Some(balancer) = values.text("LoadBalancerArn|load_balancer_arn") else {
        return lost(resource, "load balancer", deployment);
    };
    let mut actions = Vec::new();
    for action in values.blocks("DefaultActions|default_action") {
        let groups = action
            .blocks("ForwardConfig|forward")
            .into_iter()
            .flat_map(|forward| forward.blocks("TargetGroups|target_group"));
        let groups: Vec<Value> = groups
            .map(|group| json!({"TargetGroupArn": group.text("TargetGroupArn|arn")}))
            .collect();
        actions.push(json!({
            "TargetGroupArn": action.text("TargetGroupArn|target_group_arn"),
            "ForwardConfig": {"TargetGroups": groups},
        }));
    }
    let listener = json!({
        "ListenerArn": resource.id,
        "Port": values.number("Port|port"),
        "Protocol": values.text("Protocol|protocol"),
        "DefaultActions": actions,
    });
    let description = json!({"LoadBalancerArn": balancer, "Listeners": [listener]});
    deployment.fact(resource, "LoadBalancerListeners", description);
    let mut attributes = listed_attributes(values, "ListenerAttributes");
    if let Some(seconds) = values.number("tcp_idle_timeout_seconds") {
        attributes.push(attribute("tcp.idle_timeout.seconds", &seconds.to_string()));
    }
    let description = json!({"ListenerArn": resource.id, "Attributes": attributes});
    deployment.fact(resource, "ListenerAttributes", description);
}

/// `aws_lb_target_group`, `AWS::ElasticLoadBalancingV2::TargetGroup`; its targets are collected from everywhere.
pub(super) fn target_group(resource: &Declared, deployment: &mut Deployment<'_, '_>) {
    let values = Values::of(resource);
    let check = values.block("health_check");
    let in_check = |own: &str, nested: &str| values.text(own).or_else(|| check?.text(nested));
    let matcher = values
        .block("Matcher")
        .and_then(|matcher| matcher.text("HttpCode|GrpcCode"));
    let description = json!({
        "TargetGroupArn": resource.id,
        "TargetGroupName": values.text("Name|name"),
        "Protocol": values.text("Protocol|protocol"),
        "Port": values.number("Port|port"),
        "VpcId": values.text("VpcId|vpc_id"),
        "TargetType": values.text("TargetType|target_type"),
        "HealthCheckProtocol": in_check("HealthCheckProtocol", "protocol"),
        "HealthCheckPort": in_check("HealthCheckPort", "port"),
        "HealthCheckPath": in_check("HealthCheckPath", "path"),
        "HealthCheckIntervalSeconds": in_check("HealthCheckIntervalSeconds", "interval"),
        "HealthCheckTimeoutSeconds": in_check("HealthCheckTimeoutSeconds", "timeout"),
        "HealthyThresholdCount": in_check("HealthyThresholdCount", "healthy_threshold"),
        "UnhealthyThresholdCount": in_check("UnhealthyThresholdCount", "unhealthy_threshold"),
        "Matcher": {"HttpCode": matcher.or_else(|| check?.text("matcher"))},
    });
    deployment.whole(resource, "TargetGroups", &resource.id, description);
    let description =
        json!({"TargetGroupArn": resource.id, "TargetHealthDescriptions": targets(resource, deployment)});
    deployment.fact(resource, "LoadBalancerTargetHealth", description);
    let mut attributes = listed_attributes(values, "TargetGroupAttributes");
    let flags = [
        ("preserve_client_ip", "preserve_client_ip.enabled"),
        ("proxy_protocol_v2", "proxy_protocol_v2.enabled"),
        (
            "load_balancing_cross_zone_enabled",
            "load_balancing.cross_zone.enabled",
        ),
    ];
    for (name, key) in flags {
        attributes.extend(values.text(name).map(|value| attribute(key, &value)));
    }
    if let Some(sticky) = values.block("stickiness").and_then(|block| block.flag("enabled")) {
        attributes.push(attribute("stickiness.enabled", &sticky.to_string()));
    }
    deployment.fact(
        resource,
        "TargetGroupAttributes",
        json!({"TargetGroupArn": resource.id, "Attributes": attributes}),
    );
}

fn targets(group: &Declared, deployment: &Deployment<'_, '_>) -> Vec<Value> {
    let mut targets = Vec::new();
    let mut push = |id: Option<String>, port: Option<i64>| {
        if let Some(id) = id {
            targets.push(json!({"Target": {"Id": id, "Port": port}}));
        }
    };
    for block in Values::of(group).blocks("Targets") {
        push(block.text("Id"), block.number("Port"));
    }
    for attachment in deployment.all_of(&ATTACHMENTS) {
        let values = Values::of(attachment);
        if values.text("target_group_arn").as_deref() == Some(&*group.id) {
            push(
                values.text("target_id").map(|id| address_of(&id, deployment)),
                values.number("port"),
            );
        }
    }
    for scaling in members_of(&group.id, deployment) {
        let prefix = format!("{}[", scaling.id);
        for made in deployment.made.iter().filter(|made| made.key == "Reservations") {
            let id = made.value["Instances"][0]["InstanceId"]
                .as_str()
                .unwrap_or_default();
            if id.starts_with(&prefix) {
                push(Some(id.to_owned()), None);
            }
        }
    }
    targets
}

/// `ID.private_ip` of an instance whose address is declared is that address.
fn address_of(id: &str, deployment: &Deployment<'_, '_>) -> String {
    let owner = id
        .strip_suffix(".private_ip")
        .or_else(|| id.strip_suffix(".PrivateIp"));
    let address = owner
        .and_then(|owner| deployment.find(owner))
        .and_then(|owner| Values::of(owner).text("private_ip|PrivateIpAddress"));
    address.unwrap_or_else(|| id.to_owned())
}

/// The Auto Scaling groups that register their instances in a target group.
fn members_of<'d>(group: &str, deployment: &Deployment<'d, '_>) -> Vec<&'d Declared> {
    let scaling = ["aws_autoscaling_group", "AWS::AutoScaling::AutoScalingGroup"];
    let mut members: Vec<&Declared> = deployment
        .all_of(&scaling)
        .filter(|scaling| {
            Values::of(scaling)
                .texts(OF_GROUPS)
                .iter()
                .any(|arn| arn == group)
        })
        .collect();
    for attachment in deployment.all_of(&["aws_autoscaling_attachment"]) {
        let values = Values::of(attachment);
        if values.text("lb_target_group_arn|alb_target_group_arn").as_deref() == Some(group)
            && let Some(scaling) = values.text("autoscaling_group_name")
        {
            let named = |row: &&Declared| {
                row.id == scaling || Values::of(row).text("name").as_ref() == Some(&scaling)
            };
            members.extend(deployment.all_of(&["aws_autoscaling_group"]).find(named));
        }
    }
    members
}

/// The ports of the target groups that an instance is in, each with its health check's.
pub(super) fn targets_of(
    instance: &str,
    resource: &Declared,
    deployment: &Deployment<'_, '_>,
) -> Vec<Vec<u16>> {
    let mut found = Vec::new();
    for group in deployment.all_of(&TARGET_GROUPS) {
        let values = Values::of(group);
        let listed = values
            .blocks("Targets")
            .into_iter()
            .map(|block| (block.text("Id"), block.number("Port")));
        let attached = deployment
            .all_of(&ATTACHMENTS)
            .map(Values::of)
            .filter_map(|attachment| {
                let own = attachment.text("target_group_arn").as_deref() == Some(&*group.id);
                own.then(|| (attachment.text("target_id"), attachment.number("port")))
            });
        let own_address = Values::of(resource).text("private_ip|PrivateIpAddress");
        let is_instance = |id: &str| {
            let address = address_of(id, deployment);
            id == instance
                || address == instance
                || Some(&address) == own_address.as_ref()
                || id.strip_suffix(".private_ip") == Some(instance)
                || id.strip_suffix(".PrivateIp") == Some(instance)
        };
        let mut overrides: Vec<Option<i64>> = listed
            .chain(attached)
            .filter(|(id, _)| id.as_deref().is_some_and(is_instance))
            .map(|(_, port)| port)
            .collect();
        if members_of(&group.id, deployment)
            .iter()
            .any(|scaling| scaling.id == resource.id)
        {
            overrides.push(None);
        }
        if overrides.is_empty() {
            continue;
        }
        let check = values
            .number("HealthCheckPort")
            .or_else(|| values.block("health_check")?.number("port"));
        let ports = overrides
            .into_iter()
            .map(|port| port.or_else(|| values.number("Port|port")));
        let ports = ports.chain(std::iter::once(check)).flatten();
        found.push(
            ports
                .filter_map(|port| u16::try_from(port).ok())
                .filter(|port| *port > 0)
                .collect(),
        );
    }
    found
}
