//! `Fn::GetAtt`: what a deployed resource would say of itself.

use serde_json::Value as Json;
use vpcsim_aws::{Finding, Origin};

use super::evaluator::{Evaluator, Once, Scope};
use super::opaque::{clean, element, opaque};
use super::template::member;
use crate::native::node::Node;

/// Attributes that are the id itself, besides `Id`, `Arn` and those that are made of the kind's name (`SubnetId`).
const ID_ATTRIBUTES: [(&str, &str); 7] = [
    ("AWS::EC2::SecurityGroup", "GroupId"),
    ("AWS::EC2::EIP", "AllocationId"),
    ("AWS::EC2::DHCPOptions", "DhcpOptionsId"),
    ("AWS::EC2::VPCEndpointService", "ServiceId"),
    (
        "AWS::EC2::TransitGatewayPeeringAttachment",
        "TransitGatewayAttachmentId",
    ),
    ("AWS::NetworkFirewall::VpcEndpointAssociation", "EndpointId"),
    ("AWS::NetworkFirewall::Firewall", "FirewallId"),
];

/// Attributes that another property says.
const SAID_BY: [(&str, &str, &str); 3] = [
    ("AWS::EC2::Instance", "PrivateIp", "PrivateIpAddress"),
    (
        "AWS::EC2::NetworkInterface",
        "PrimaryPrivateIpAddress",
        "PrivateIpAddress",
    ),
    ("AWS::EC2::EIP", "PublicIp", "Address"),
];

/// Attributes that are lists, with the property that has as many elements.
const LISTS: [(&str, &str); 7] = [
    ("NetworkInterfaceIds", "SubnetIds"),
    ("DnsEntries", ""),
    ("Ipv6CidrBlocks", ""),
    ("CidrBlockAssociations", ""),
    ("LoadBalancerArns", ""),
    ("SecurityGroups", ""),
    ("NameServers", ""),
];

impl<'t> Evaluator<'t> {
    /// What references to a resource resolve to.
    pub(super) fn id(&self, stack: usize, resource: usize) -> String {
        let stack = &self.stacks[stack];
        format!("{}{}", stack.prefix, stack.resources.members[resource].name)
    }

    /// The kind of a resource.
    pub(super) fn kind(&self, stack: usize, resource: usize) -> &'t str {
        let node: &'t Node = self.stacks[stack].resources.members[resource].node;
        member(node, "Type").and_then(Node::as_text).unwrap_or_default()
    }

    /// The value of a property; nothing if it has none.
    pub(super) fn property(&mut self, stack: usize, resource: usize, name: &str) -> Option<Json> {
        let found = self.stacks[stack].resources.members[resource].clone();
        let node = member(member(found.node, "Properties")?, name)?;
        let scope = Scope {
            stack,
            owner: Some(resource),
            locals: found.locals,
        };
        self.value(&scope, node)
    }

    /// The value of an attribute: known ones are evaluated, the others named.
    pub(super) fn attribute_of(
        &mut self,
        stack: usize,
        resource: usize,
        attribute: &str,
        origin: Origin,
    ) -> Option<Json> {
        let id = self.id(stack, resource);
        let kind = self.kind(stack, resource);
        if kind == "AWS::CloudFormation::Stack" {
            return self.nested_output(stack, resource, attribute, origin);
        }
        if is_id(kind, attribute) {
            return Some(opaque(id));
        }
        let label = format!("`{id}.{attribute}`");
        let once = Once::Attribute(stack, resource, attribute.to_owned());
        let value = self.once(once, label, origin, |this| {
            this.evaluated_attribute(stack, resource, kind, attribute)
        });
        Some(value.unwrap_or_else(|| {
            if LISTS.iter().any(|(name, _)| *name == attribute) {
                Json::Array(vec![element(&format!("{id}.{attribute}"), 0)])
            } else {
                opaque(format_args!("{id}.{attribute}"))
            }
        }))
    }

    fn evaluated_attribute(
        &mut self,
        stack: usize,
        resource: usize,
        kind: &str,
        attribute: &str,
    ) -> Option<Json> {
        if (kind, attribute) == ("AWS::NetworkFirewall::Firewall", "EndpointIds") {
            return self.firewall_endpoints(stack, resource);
        }
        let said_by = SAID_BY
            .iter()
            .find(|(of, name, _)| *of == kind && *name == attribute);
        let property = said_by.map_or(attribute, |(_, _, property)| property);
        if let Some(value) = self.property(stack, resource, property) {
            return Some(value);
        }
        if let Some((_, property)) = LISTS
            .iter()
            .find(|(name, property)| *name == attribute && !property.is_empty())
        {
            let id = self.id(stack, resource);
            let count = self.property(stack, resource, property)?.as_array()?.len();
            let elements = (0..count).map(|index| element(&format!("{id}.{attribute}"), index));
            return Some(Json::Array(elements.collect()));
        }
        if matches!(attribute, "AvailabilityZone" | "VpcId") && kind != "AWS::EC2::Subnet" {
            let subnet = self.property(stack, resource, "SubnetId")?;
            return self.of_subnet(subnet.as_str()?, attribute);
        }
        None
    }

    /// What a subnet of any stack says, by its id.
    fn of_subnet(&mut self, id: &str, attribute: &str) -> Option<Json> {
        let &(stack, resource) = self.ids.get(&clean(id))?;
        let is_subnet = self.kind(stack, resource) == "AWS::EC2::Subnet";
        let origin = self.stacks[stack].resources.members[resource].key_origin;
        is_subnet
            .then(|| self.attribute_of(stack, resource, attribute, origin))
            .flatten()
    }

    /// `zone:endpoint` of each subnet of a firewall.
    fn firewall_endpoints(&mut self, stack: usize, resource: usize) -> Option<Json> {
        let id = self.id(stack, resource);
        let mappings = self.property(stack, resource, "SubnetMappings")?;
        let mut endpoints = Vec::new();
        for (index, mapping) in mappings.as_array()?.iter().enumerate() {
            let subnet = mapping.get("SubnetId").and_then(Json::as_str).unwrap_or_default();
            let zone = self.of_subnet(subnet, "AvailabilityZone");
            let zone = zone.as_ref().and_then(Json::as_str).unwrap_or("zone");
            let endpoint = element(&format!("{id}.EndpointIds"), index);
            endpoints.push(Json::String(format!(
                "{zone}:{}",
                endpoint.as_str().unwrap_or_default()
            )));
        }
        Some(Json::Array(endpoints))
    }

    fn nested_output(
        &mut self,
        stack: usize,
        resource: usize,
        attribute: &str,
        origin: Origin,
    ) -> Option<Json> {
        let id = self.id(stack, resource);
        let Some(name) = attribute.strip_prefix("Outputs.") else {
            return Some(opaque(format_args!("{id}.{attribute}")));
        };
        let Some(&child) = self.stacks[stack].children.get(&resource) else {
            return Some(opaque(format_args!("external:{id}.{name}")));
        };
        let Some(&output) = self.stacks[child].outputs.places.get(name) else {
            let message = format!("the nested stack `{id}` has no output `{name}`");
            let mut finding = Finding::error("unknown-reference", origin, message);
            let names = self.stacks[child].outputs.names();
            if let Some(help) = self.suggestion(name, &names) {
                finding = finding.help(help);
            }
            self.findings.push(finding);
            return None;
        };
        self.output(child, output, origin)
    }
}

/// Whether an attribute is what references resolve to anyway.
fn is_id(kind: &str, attribute: &str) -> bool {
    if matches!(attribute, "Id" | "Arn") || ID_ATTRIBUTES.contains(&(kind, attribute)) {
        return true;
    }
    let noun = kind.rsplit("::").next().unwrap_or(kind);
    ["Id", "Arn"].iter().any(|ending| {
        attribute
            .strip_suffix(ending)
            .is_some_and(|name| name.eq_ignore_ascii_case(noun))
    })
}

#[cfg(test)]
mod tests {
    use super::is_id;

    #[test]
    fn ids_are_told_from_other_attributes() {
        for (kind, attribute) in [
            ("AWS::EC2::VPC", "VpcId"),
            ("AWS::EC2::SecurityGroup", "GroupId"),
            ("AWS::EC2::EIP", "AllocationId"),
            ("AWS::ElasticLoadBalancingV2::TargetGroup", "TargetGroupArn"),
            ("AWS::EC2::TransitGateway", "Id"),
        ] {
            assert!(is_id(kind, attribute), "{attribute}");
        }
        assert!(!is_id("AWS::EC2::Subnet", "VpcId"));
        assert!(!is_id("AWS::EC2::EIP", "PublicIp"));
    }
}
