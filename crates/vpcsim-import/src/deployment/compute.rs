//! Network interfaces, instances, launch templates and Auto Scaling groups.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use vpcsim_aws::Finding;

use super::routes::lost;
use super::values::Values;
use super::{Deployment, default_vpc};
use crate::declared::Declared;

/// What stands for an address that AWS chooses.
const ANY_ADDRESS: &str = "0.0.0.0";

/// `aws_network_interface`, `AWS::EC2::NetworkInterface`.
pub(super) fn network_interface(resource: &Declared, deployment: &mut Deployment<'_, '_>) {
    let values = Values::of(resource);
    let groups = groups(values.texts("GroupSet|security_groups"));
    let mut addresses = values.texts("private_ips");
    addresses.extend(values.text("PrivateIpAddress").filter(|_| addresses.is_empty()));
    for listed in values.blocks("PrivateIpAddresses") {
        addresses.extend(listed.text("PrivateIpAddress"));
    }
    addresses.dedup();
    let attachment = values.block("attachment").map(|block| {
        json!({"InstanceId": block.text("instance"), "DeviceIndex": block.number("device_index").unwrap_or(1)})
    });
    let description = json!({
        "NetworkInterfaceId": resource.id,
        "SubnetId": values.text("SubnetId|subnet_id"),
        "PrivateIpAddresses": private_addresses(&addresses, None),
        "Groups": groups,
        "SourceDestCheck": values.flag("SourceDestCheck|source_dest_check"),
        "Ipv4Prefixes": prefixes(values),
        "Attachment": attachment,
    });
    deployment.whole(resource, "NetworkInterfaces", &resource.id, description);
}

fn prefixes(values: Values<'_>) -> Vec<Value> {
    let mut prefixes = values.texts("ipv4_prefixes");
    prefixes.extend(
        values
            .blocks("Ipv4Prefixes")
            .iter()
            .filter_map(|block| block.text("Ipv4Prefix")),
    );
    prefixes
        .into_iter()
        .map(|prefix| json!({"Ipv4Prefix": prefix}))
        .collect()
}

/// Security groups as interfaces and endpoints list them.
pub(super) fn groups(ids: Vec<String>) -> Vec<Value> {
    ids.into_iter().map(|id| json!({"GroupId": id})).collect()
}

/// Addresses with the first as the primary one; one that AWS chooses if none is given.
fn private_addresses(given: &[String], public: Option<&str>) -> Vec<Value> {
    let chosen = [ANY_ADDRESS.to_owned()];
    let given = if given.is_empty() { &chosen[..] } else { given };
    let listed = given.iter().enumerate().map(|(place, address)| {
        let association = public.filter(|_| place == 0);
        json!({
            "PrivateIpAddress": address,
            "Primary": place == 0,
            "Association": association.map(|public| json!({"PublicIp": public})),
        })
    });
    listed.collect()
}

/// `aws_network_interface_attachment`, `AWS::EC2::NetworkInterfaceAttachment`.
pub(super) fn interface_attachment(resource: &Declared, deployment: &mut Deployment<'_, '_>) {
    let values = Values::of(resource);
    let Some(interface) = values.text("NetworkInterfaceId|network_interface_id") else {
        return lost(resource, "network interface", deployment);
    };
    let attachment = json!({
        "InstanceId": values.text("InstanceId|instance_id"),
        "DeviceIndex": values.number("DeviceIndex|device_index").unwrap_or(1),
    });
    let description = json!({"NetworkInterfaceId": interface, "Attachment": attachment});
    deployment.part(resource, "NetworkInterfaces", &interface, description);
}

/// `aws_network_interface_sg_attachment`: to an interface of its own, or to the primary one of an instance.
pub(super) fn group_attachment(resource: &Declared, deployment: &mut Deployment<'_, '_>) {
    let values = Values::of(resource);
    let (Some(interface), Some(group)) = (
        values.text("network_interface_id"),
        values.text("security_group_id"),
    ) else {
        return lost(resource, "network interface", deployment);
    };
    let description = json!({"NetworkInterfaceId": interface, "Groups": [{"GroupId": group}]});
    let of_instance = deployment
        .all_of(&["aws_instance"])
        .any(|instance| primary_interface(instance) == interface);
    if !of_instance {
        deployment.part(resource, "NetworkInterfaces", &interface, description);
    }
}

/// The id by which others speak of an instance's primary interface.
fn primary_interface(instance: &Declared) -> String {
    let known = Values::of(instance).text("primary_network_interface_id");
    known.unwrap_or_else(|| format!("{}.primary_network_interface_id", instance.id))
}

/// What an instance, a launch template or a group of instances says of the network.
#[derive(Clone, Debug, Default)]
struct Launch {
    instance_type: Option<String>,
    interfaces: Vec<LaunchedInterface>,
    metadata: Option<Value>,
}

#[derive(Clone, Debug, Default)]
struct LaunchedInterface {
    /// An interface that is declared by itself.
    existing: Option<String>,
    device_index: i64,
    subnet: Option<String>,
    addresses: Vec<String>,
    groups: Vec<String>,
    public: Option<bool>,
    source_dest_check: Option<bool>,
}

impl Launch {
    fn of(values: Values<'_>) -> Self {
        let mut interfaces: Vec<LaunchedInterface> = values
            .blocks("NetworkInterfaces|network_interface|network_interfaces|primary_network_interface")
            .into_iter()
            .zip(0..)
            .map(|(block, place)| LaunchedInterface::of(block, place))
            .collect();
        let mut own = LaunchedInterface::of(values, 0);
        own.existing = None;
        own.device_index = 0;
        match interfaces.first_mut() {
            Some(first) => first.fill_in(own),
            None => interfaces.push(own),
        }
        Self {
            instance_type: values.text("InstanceType|instance_type"),
            interfaces,
            metadata: values.block("MetadataOptions|metadata_options").map(|block| {
                json!({
                    "HttpEndpoint": block.text("HttpEndpoint|http_endpoint"),
                    "HttpTokens": block.text("HttpTokens|http_tokens"),
                    "HttpPutResponseHopLimit": block.number("HttpPutResponseHopLimit|http_put_response_hop_limit"),
                })
            }),
        }
    }

    /// What the launch template says where the instance itself says nothing.
    fn on_template(mut self, template: Self) -> Self {
        self.instance_type = self.instance_type.or(template.instance_type);
        self.metadata = self.metadata.or(template.metadata);
        let mut of_template = template.interfaces.into_iter();
        if let (Some(own), Some(other)) = (self.interfaces.first_mut(), of_template.next()) {
            own.fill_in(other);
        }
        self
    }
}

impl LaunchedInterface {
    fn of(values: Values<'_>, place: i64) -> Self {
        let mut addresses = values.texts("PrivateIpAddress|private_ip|private_ip_address");
        for listed in values.blocks("PrivateIpAddresses") {
            addresses.extend(listed.text("PrivateIpAddress"));
        }
        addresses.extend(values.texts("secondary_private_ips|ipv4_addresses"));
        addresses.dedup();
        let mut groups = values.texts("GroupSet|Groups|SecurityGroupIds|vpc_security_group_ids");
        if groups.is_empty() {
            groups = values.texts("security_groups|SecurityGroups");
        }
        Self {
            existing: values.text("NetworkInterfaceId|network_interface_id"),
            device_index: values.number("DeviceIndex|device_index").unwrap_or(place),
            subnet: values.text("SubnetId|subnet_id"),
            addresses,
            groups,
            public: values.flag("AssociatePublicIpAddress|associate_public_ip_address"),
            source_dest_check: values.flag("SourceDestCheck|source_dest_check"),
        }
    }

    fn fill_in(&mut self, other: Self) {
        self.subnet = self.subnet.take().or(other.subnet);
        self.public = self.public.or(other.public);
        self.source_dest_check = self.source_dest_check.or(other.source_dest_check);
        if self.addresses.is_empty() {
            self.addresses = other.addresses;
        }
        if self.groups.is_empty() {
            self.groups = other.groups;
        }
    }
}

/// The launch template or configuration that a block or an argument names, as far as it is declared.
fn template_of<'d>(values: Values<'_>, deployment: &Deployment<'d, '_>) -> Option<&'d Declared> {
    let mixed = values
        .block("MixedInstancesPolicy|mixed_instances_policy")
        .and_then(|policy| policy.block("LaunchTemplate|launch_template"));
    let block = values.block("LaunchTemplate|launch_template");
    let block = block.or_else(|| mixed?.block("LaunchTemplateSpecification|launch_template_specification"));
    let by_block = block.and_then(|block| {
        block.text("LaunchTemplateId|LaunchTemplateName|id|name|launch_template_id|launch_template_name")
    });
    let id = by_block.or_else(|| values.text("LaunchConfigurationName|launch_configuration"))?;
    let kinds = [
        "aws_launch_template",
        "aws_launch_configuration",
        "AWS::EC2::LaunchTemplate",
        "AWS::AutoScaling::LaunchConfiguration",
    ];
    let by_name =
        |template: &&Declared| Values::of(template).text("LaunchTemplateName|name").as_ref() == Some(&id);
    deployment
        .find(&id)
        .or_else(|| deployment.all_of(&kinds).find(by_name))
}

fn launch_of_template(template: Option<&Declared>) -> Launch {
    let Some(template) = template else {
        return Launch::default();
    };
    let values = Values::of(template);
    Launch::of(values.block("LaunchTemplateData").unwrap_or(values))
}

/// `aws_instance`, `AWS::EC2::Instance`.
pub(super) fn instance(resource: &Declared, deployment: &mut Deployment<'_, '_>) {
    let values = Values::of(resource);
    let template = template_of(values, deployment);
    let mut launch = Launch::of(values).on_template(launch_of_template(template));
    if let Some(first) = launch.interfaces.first_mut()
        && first.subnet.is_none()
        && first.existing.is_none()
    {
        let zone = values.text("AvailabilityZone|availability_zone");
        first.subnet = Some(default_vpc::subnet(resource, zone.as_deref(), deployment));
    }
    let known_public = values.text("public_ip").filter(|_| values.get("arn").is_some());
    let primary = primary_interface(resource);
    let attached: Vec<String> = deployment
        .all_of(&["aws_network_interface_sg_attachment"])
        .map(Values::of)
        .filter(|attachment| attachment.text("network_interface_id").as_deref() == Some(&primary))
        .filter_map(|attachment| attachment.text("security_group_id"))
        .collect();
    if let Some(first) = launch.interfaces.first_mut() {
        first.groups.extend(attached);
    }
    let primary = deployment.is_mentioned(&primary).then_some(primary);
    let id = resource.id.clone();
    let name = Launched {
        id: &id,
        name: None,
        public: known_public,
        primary,
    };
    make_instance(resource, &name, &launch, deployment);
}

/// How an instance that is made is called, and what is known of its primary interface.
struct Launched<'a> {
    id: &'a str,
    name: Option<String>,
    public: Option<String>,
    primary: Option<String>,
}

fn make_instance(
    resource: &Declared,
    launched: &Launched<'_>,
    launch: &Launch,
    deployment: &mut Deployment<'_, '_>,
) {
    let mut interfaces = Vec::new();
    for interface in &launch.interfaces {
        if let Some(existing) = &interface.existing {
            let attachment = json!({"InstanceId": launched.id, "DeviceIndex": interface.device_index});
            let description = json!({"NetworkInterfaceId": existing, "Attachment": attachment});
            deployment.part(resource, "NetworkInterfaces", existing, description);
            continue;
        }
        let first = interface.device_index == 0;
        let by_subnet = first && launch.interfaces.len() == 1 || interface.public.is_some();
        let public = launched.public.clone().filter(|_| first).or_else(|| {
            let wanted = interface
                .public
                .unwrap_or_else(|| is_public(interface.subnet.as_deref(), deployment));
            let wanted = wanted && by_subnet && !has_elastic_ip(launched.id, deployment);
            wanted
                .then(|| deployment.assign_public())
                .flatten()
                .map(|address| address.to_string())
        });
        interfaces.push(json!({
            "NetworkInterfaceId": launched.primary.clone().filter(|_| first),
            "SubnetId": interface.subnet,
            "PrivateIpAddresses": private_addresses(&interface.addresses, public.as_deref()),
            "Groups": groups(interface.groups.clone()),
            "SourceDestCheck": interface.source_dest_check,
            "Attachment": {"DeviceIndex": interface.device_index},
        }));
    }
    let mut tags = Values::of(resource).tags();
    if let Some(name) = &launched.name {
        tags.retain(|tag| tag["Key"] != "Name");
        tags.push(json!({"Key": "Name", "Value": name}));
    } else if launched.id != resource.address {
        tags.push(json!({"Key": super::ADDRESS_TAG, "Value": resource.address}));
    }
    let instance = json!({
        "InstanceId": launched.id,
        "InstanceType": launch.instance_type,
        "MetadataOptions": launch.metadata,
        "NetworkInterfaces": interfaces,
        "@listen": super::hosts::listeners_of(launched.id, resource, deployment),
        "Tags": tags,
    });
    deployment.fact(resource, "Reservations", json!({"Instances": [instance]}));
}

/// Whether a subnet gives public addresses to what starts in it.
fn is_public(subnet: Option<&str>, deployment: &Deployment<'_, '_>) -> bool {
    let Some(id) = subnet else { return false };
    match deployment.find(id) {
        Some(subnet) => {
            let by_default = subnet.kind == "aws_default_subnet";
            Values::of(subnet)
                .flag("MapPublicIpOnLaunch|map_public_ip_on_launch")
                .unwrap_or(by_default)
        }
        None => id.starts_with("default-subnet."),
    }
}

/// Whether an Elastic IP takes the place of the address that AWS would give.
fn has_elastic_ip(instance: &str, deployment: &Deployment<'_, '_>) -> bool {
    let kinds = [
        "aws_eip",
        "aws_eip_association",
        "AWS::EC2::EIP",
        "AWS::EC2::EIPAssociation",
    ];
    let names = "InstanceId|instance|instance_id";
    let mut all = deployment.all_of(&kinds);
    all.any(|elastic| Values::of(elastic).text(names).as_deref() == Some(instance))
}

/// `aws_autoscaling_group`, `AWS::AutoScaling::AutoScalingGroup`: as many instances as desired, one for each zone at least.
pub(super) fn auto_scaling_group(resource: &Declared, deployment: &mut Deployment<'_, '_>) {
    let values = Values::of(resource);
    let listed = values.texts("VPCZoneIdentifier|vpc_zone_identifier");
    let mut subnets: Vec<String> = listed
        .iter()
        .flat_map(|text| text.split(','))
        .map(|text| text.trim().to_owned())
        .filter(|text| !text.is_empty())
        .collect();
    if subnets.is_empty() {
        for zone in values.texts("AvailabilityZones|availability_zones") {
            subnets.push(default_vpc::subnet(resource, Some(&zone), deployment));
        }
    }
    if subnets.is_empty() {
        return deployment.warn(
            "subnet-not-in-input",
            resource,
            format!(
                "nothing says the subnets of `{}`: its instances are left out",
                resource.address
            ),
        );
    }
    let desired = values
        .number("DesiredCapacity|desired_capacity")
        .or_else(|| values.number("MinSize|min_size"))
        .unwrap_or(1);
    let of_launch = launch_of_template(template_of(values, deployment));
    if desired == 0 && values.number("MaxSize|max_size") == Some(0) {
        return;
    }
    let count = usize::try_from(desired)
        .unwrap_or(1)
        .clamp(subnets.len(), MEMBERS_MAX);
    let message = format!(
        "`{}` is assumed to run {count} instances, at least one for each of its subnets",
        resource.address
    );
    deployment
        .findings
        .push(Finding::note("hosts-assumed", resource.origin, message));
    let mut number_in: BTreeMap<&str, usize> = BTreeMap::new();
    let base = values.name().unwrap_or_else(|| shown_name(resource));
    for place in 0..count {
        let subnet = &subnets[place % subnets.len()];
        *number_in.entry(subnet).or_default() += 1;
        let mut launch = of_launch.clone();
        if launch.interfaces.is_empty() {
            launch.interfaces.push(LaunchedInterface::default());
        }
        launch.interfaces[0].subnet = Some(subnet.clone());
        let id = format!("{}[{place}]", resource.id);
        let launched = Launched {
            id: &id,
            name: Some(format!("{base}-{}", place + 1)),
            public: None,
            primary: None,
        };
        make_instance(resource, &launched, &launch, deployment);
    }
}

/// More members than this say nothing new.
const MEMBERS_MAX: usize = 1000;

/// The name that people see: CDK's path, else the address.
pub(super) fn shown_name(resource: &Declared) -> String {
    let path = resource.values.get("@name").and_then(Value::as_str);
    path.unwrap_or(&resource.address).to_owned()
}

/// What only others look at.
pub(super) fn seen_elsewhere(_: &Declared, _: &mut Deployment<'_, '_>) {}
