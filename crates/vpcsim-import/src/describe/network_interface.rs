//! `NetworkInterfaces`: the answer of `describe-network-interfaces`.

use std::net::Ipv4Addr;

use serde::Deserialize;
use vpcsim_aws::devices::network_interface::{Attachment, InterfaceAddress, TrackingTimeouts};
use vpcsim_aws::devices::{
    Instance, NatGateway, NetworkInterface, SecurityGroup, Subnet, TransitGatewayAttachment,
};
use vpcsim_aws::{Finding, Id, Kind, Label, Unread};

use super::build::Build;
use super::instance::{self, InstanceJson};
use super::item::{Described, Item, List, Tag, Whole};
use super::managed_host::is_hosted;
use super::transit_gateway_attachment::DESCRIPTION;
use super::vpc_endpoint::VPC_ENDPOINT;
use crate::native::instance::default_name;

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub(super) struct InterfaceJson {
    network_interface_id: String,
    subnet_id: Option<String>,
    private_ip_address: Option<String>,
    private_ip_addresses: List<AddressJson>,
    association: Option<AssociationJson>,
    ipv4_prefixes: List<PrefixJson>,
    ipv6_addresses: List<serde::de::IgnoredAny>,
    groups: List<GroupJson>,
    source_dest_check: Option<bool>,
    owner_id: Option<String>,
    mac_address: Option<String>,
    interface_type: Option<String>,
    description: Option<String>,
    requester_id: Option<String>,
    requester_managed: Option<bool>,
    attachment: Option<AttachmentJson>,
    connection_tracking_configuration: Option<TrackingJson>,
    tag_set: List<Tag>,
    tags: List<Tag>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
struct AddressJson {
    primary: Option<bool>,
    private_ip_address: String,
    association: Option<AssociationJson>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
struct AssociationJson {
    public_ip: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
struct PrefixJson {
    ipv4_prefix: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub(super) struct GroupJson {
    group_id: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
struct AttachmentJson {
    instance_id: Option<String>,
    instance_owner_id: Option<String>,
    device_index: Option<Whole>,
    network_card_index: Option<Whole>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
#[expect(clippy::struct_field_names, reason = "these are AWS's names")]
struct TrackingJson {
    tcp_established_timeout: Option<Whole>,
    udp_timeout: Option<Whole>,
    udp_stream_timeout: Option<Whole>,
}

impl Described for InterfaceJson {
    const KIND: Option<Kind> = Some(Kind::NetworkInterface);

    fn id(&self) -> &str {
        &self.network_interface_id
    }

    fn tags(&self) -> &[Tag] {
        if self.tag_set.is_empty() {
            &self.tags
        } else {
            &self.tag_set
        }
    }

    fn absorb(&mut self, part: Self) -> bool {
        self.groups.0.extend(part.groups.0);
        self.attachment = part.attachment.or_else(|| self.attachment.take());
        true
    }

    /// An interface says of which transit gateway attachment it is.
    fn prepare(item: &Item<'_, Self>, build: &mut Build<'_>) {
        let json = &item.value;
        let of = json
            .description
            .as_deref()
            .and_then(|words| words.strip_prefix(DESCRIPTION));
        let interfaces = of.and_then(|attachment| build.interfaces_of_attachment.get_mut(attachment.trim()));
        if let Some(interfaces) = interfaces {
            interfaces.push(json.network_interface_id.clone());
            let owner = (
                json.network_interface_id.clone(),
                TRANSIT_GATEWAY_ATTACHMENT.to_owned(),
            );
            build.owner_of_interface.extend([owner]);
        }
    }

    fn declare(item: &Item<'_, Self>, label: Label, build: &mut Build<'_>) {
        declare(item, &item.value, label, None, build);
    }
}

/// Adds an interface; `owner` is the instance that describes it, where that is where it was found.
fn declare<T>(
    item: &Item<'_, T>,
    json: &InterfaceJson,
    label: Label,
    owner: Option<(Id<Instance>, u16)>,
    build: &mut Build<'_>,
) {
    let subnet = json.subnet_id.as_deref().unwrap_or_default();
    let Some(subnet) = build.find::<Subnet>(subnet) else {
        return report_homeless(item, subnet, label, build);
    };
    if !json.ipv6_addresses.is_empty() {
        build.ipv6(Kind::NetworkInterface, item.origin);
    }
    let mut attachment = match owner {
        Some((instance, device_index)) => Attachment::Instance {
            instance,
            device_index,
        },
        None => read_attachment(item, json, build),
    };
    let addresses = read_addresses(item, json, build);
    let hosted = take_hosted(&mut attachment, &addresses);
    if let Attachment::Unmodelled(noun) = &attachment {
        report_unmodelled(item, json, noun, subnet, &addresses, build);
    }
    let prefixes = json
        .ipv4_prefixes
        .iter()
        .filter_map(|prefix| prefix.ipv4_prefix.as_deref());
    let vpc = build.topology.subnets[subnet].vpc;
    let account = build.participant(vpc, json.owner_id.as_deref());
    note_sharing(subnet, account.as_deref(), build);
    let interface = NetworkInterface {
        label: Label { account, ..label },
        subnet,
        addresses,
        prefixes: prefixes.filter_map(|text| build.cidr(item, text)).collect(),
        security_groups: read_groups(item, &json.groups, build),
        source_dest_check: json.source_dest_check.unwrap_or(true),
        mac: json.mac_address.as_deref().and_then(|text| text.parse().ok()),
        attachment,
        tracking: json
            .connection_tracking_configuration
            .as_ref()
            .map(read_tracking)
            .unwrap_or_default(),
    };
    let attached = interface.attachment.clone();
    let id = build.topology.network_interfaces.push(interface);
    if let Attachment::Instance {
        instance,
        device_index,
    } = attached
    {
        build.note_interface(instance, device_index, id);
    }
    build
        .interfaces_of_services
        .extend(hosted.map(|service| (id, service)));
    if let Some(own) = balancer_of(json).and_then(|owner| build.interfaces_of_balancer.get_mut(owner)) {
        own.push(id);
    }
    build.enter(id, Some(vpc));
}

/// An interface whose subnet nobody knows is left out.
fn report_homeless<T>(item: &Item<'_, T>, subnet: &str, label: Label, build: &mut Build<'_>) {
    let message = if subnet.is_empty() {
        format!("nothing says the subnet of interface `{}`", label.name)
    } else {
        format!(
            "interface `{}` is in subnet `{subnet}`, which is not in the input",
            label.name
        )
    };
    let finding = Finding::warning("subnet-not-in-input", item.locate(subnet), message);
    build.findings.push(finding);
    let effect = "it is missing, since its subnet is not in the input";
    super::subnet::unread(item, build, label, None, "network interface", effect);
}

/// What stands in a subnet has been allowed to: the subnet is shared with its account.
fn note_sharing(subnet: Id<Subnet>, account: Option<&str>, build: &mut Build<'_>) {
    let shared_with = &mut build.topology.subnets[subnet].shared_with;
    if let Some(account) = account.filter(|account| shared_with.iter().all(|known| known != account)) {
        shared_with.push(account.to_owned());
    }
}

/// The service behind an interface, if it is simulated as a host: then the interface is managed.
fn take_hosted(attachment: &mut Attachment, addresses: &[InterfaceAddress]) -> Option<String> {
    match attachment {
        Attachment::Unmodelled(service) if is_hosted(service) && !addresses.is_empty() => {
            let service = std::mem::take(service);
            *attachment = Attachment::Managed;
            Some(service)
        }
        _ => None,
    }
}

fn read_tracking(json: &TrackingJson) -> TrackingTimeouts {
    let seconds = |whole: Option<Whole>, first: u32, last: u32| {
        let seconds = whole.and_then(|whole| u32::try_from(whole.0).ok());
        seconds.filter(|seconds| (first..=last).contains(seconds))
    };
    TrackingTimeouts {
        tcp_established_s: seconds(json.tcp_established_timeout, 60, 432_000),
        udp_s: seconds(json.udp_timeout, 30, 60),
        udp_stream_s: seconds(json.udp_stream_timeout, 60, 180),
    }
}

pub(super) fn read_groups<T>(
    item: &Item<'_, T>,
    groups: &[GroupJson],
    build: &mut Build<'_>,
) -> Vec<Id<SecurityGroup>> {
    let mut found = Vec::new();
    for group in groups {
        if let Some(id) = build.find(&group.group_id) {
            found.push(id);
            continue;
        }
        let message = format!("security group `{}` is not in the input", group.group_id);
        let origin = item.locate(&group.group_id);
        build
            .findings
            .push(Finding::warning("unknown-reference", origin, message));
        build.unread(Unread {
            noun: "security group".to_owned(),
            name: group.group_id.clone(),
            vpc: None,
            addresses: Vec::new(),
            effect: "its rules are unknown: its interfaces may allow more than is judged".to_owned(),
            origin,
        });
    }
    found
}

fn read_addresses<T>(
    item: &Item<'_, T>,
    json: &InterfaceJson,
    build: &mut Build<'_>,
) -> Vec<InterfaceAddress> {
    let mut read = |private: &str, association: Option<&AssociationJson>| {
        let public = association.and_then(|association| association.public_ip.as_deref());
        let public: Option<Ipv4Addr> = public.and_then(|text| build.address(item, text));
        let origin = item.locate(private);
        build.address(item, private).map(|private| InterfaceAddress {
            private,
            public,
            origin,
        })
    };
    let mut listed: Vec<&AddressJson> = json.private_ip_addresses.iter().collect();
    listed.sort_by_key(|address| address.primary != Some(true));
    if listed.is_empty() {
        let only = json.private_ip_address.as_deref();
        return only
            .and_then(|private| read(private, json.association.as_ref()))
            .into_iter()
            .collect();
    }
    listed
        .iter()
        .filter_map(|address| {
            let outer = json
                .association
                .as_ref()
                .filter(|_| address.primary == Some(true));
            read(
                &address.private_ip_address,
                address.association.as_ref().or(outer),
            )
        })
        .collect()
}

/// Types of interfaces that belong to instances.
const INSTANCE_TYPES: [&str; 6] = ["", "interface", "efa", "efa-only", "trunk", "branch"];

fn read_attachment<T>(item: &Item<'_, T>, json: &InterfaceJson, build: &mut Build<'_>) -> Attachment {
    if let Some(owner) = build.owner_of_interface.get(&json.network_interface_id) {
        return match owner.as_str() {
            NAT_GATEWAY | TRANSIT_GATEWAY_ATTACHMENT | VPC_ENDPOINT => Attachment::Managed,
            other => Attachment::Unmodelled(other.to_owned()),
        };
    }
    let attachment = json.attachment.as_ref();
    let index = attachment.and_then(|attachment| attachment.device_index);
    let card = attachment.and_then(|attachment| attachment.network_card_index);
    if let Some(id) = attachment.and_then(|attachment| attachment.instance_id.as_deref()) {
        let instance = build.find::<Instance>(id).unwrap_or_else(|| {
            let message =
                format!("instance `{id}` is not in the input: it is assumed to run and to listen to nothing");
            let finding = Finding::note("instance-not-in-input", item.locate(id), message);
            build
                .findings
                .push(finding.help("add the answer of `aws ec2 describe-instances`"));
            instance::make_up(id, item.origin, build)
        });
        // Network cards count their devices anew.
        let number = |whole: Option<Whole>| {
            whole
                .and_then(|whole| u8::try_from(whole.0).ok())
                .map_or(0, u16::from)
        };
        let device_index = number(index) + number(card) * 256;
        return Attachment::Instance {
            instance,
            device_index,
        };
    }
    if balancer_of(json).is_some_and(|owner| build.interfaces_of_balancer.contains_key(owner)) {
        return Attachment::Managed;
    }
    service_of(json).map_or(Attachment::None, Attachment::Unmodelled)
}

/// The load balancer that an interface's description names (`ELB net/web/50dc6c495c0c9188`).
fn balancer_of(json: &InterfaceJson) -> Option<&str> {
    json.description.as_deref()?.strip_prefix("ELB ")
}

/// The owner of an interface that a NAT gateway names as its own.
pub(super) const NAT_GATEWAY: &str = <NatGateway as vpcsim_aws::Resource>::NOUN;

/// The owner of an interface that a transit gateway attachment has in a subnet.
const TRANSIT_GATEWAY_ATTACHMENT: &str = <TransitGatewayAttachment as vpcsim_aws::Resource>::NOUN;

/// What managed interfaces are for, by the begin of their descriptions.
const BY_DESCRIPTION: [(&str, &str); 13] = [
    ("ELB app/", "application load balancer"),
    ("ELB net/", "network load balancer"),
    ("ELB gwy/", "gateway load balancer"),
    ("ELB ", "classic load balancer"),
    ("VPC Endpoint", "VPC endpoint"),
    ("Network Interface for Transit Gateway", "transit gateway"),
    ("AWS Lambda VPC", "Lambda function"),
    ("RDSNetworkInterface", "database"),
    ("arn:aws:ecs", "container task"),
    ("Amazon EKS", "Kubernetes control plane"),
    ("EFS mount target", "file system"),
    ("ElastiCache", "cache"),
    ("Route 53 Resolver", "resolver endpoint"),
];

/// The service that an interface belongs to, by its type, its description and who made it.
fn service_of(json: &InterfaceJson) -> Option<String> {
    let kind = json.interface_type.as_deref().unwrap_or_default();
    if !INSTANCE_TYPES.contains(&kind) {
        return Some(match kind {
            "nat_gateway" | "natGateway" => "NAT gateway that is not in the input".to_owned(),
            "vpc_endpoint" | "gateway_load_balancer_endpoint" => "VPC endpoint".to_owned(),
            "lambda" => "Lambda function".to_owned(),
            other => other.replace('_', " "),
        });
    }
    let requester = json.requester_id.as_deref().unwrap_or_default();
    let owner = json
        .attachment
        .as_ref()
        .and_then(|attachment| attachment.instance_owner_id.as_deref());
    let description = json.description.as_deref().unwrap_or_default();
    let managed = json.requester_managed == Some(true)
        || requester.starts_with("amazon-")
        || owner.is_some_and(|owner| owner.starts_with("amazon-"));
    if !managed {
        return None;
    }
    let known = BY_DESCRIPTION
        .iter()
        .find(|(begin, _)| description.starts_with(begin));
    Some(match known {
        Some((_, noun)) => (*noun).to_owned(),
        None if requester == "amazon-elb" => "load balancer".to_owned(),
        None if requester == "amazon-rds" => "database".to_owned(),
        None => "managed service".to_owned(),
    })
}

fn report_unmodelled<T>(
    item: &Item<'_, T>,
    json: &InterfaceJson,
    noun: &str,
    subnet: Id<Subnet>,
    addresses: &[InterfaceAddress],
    build: &mut Build<'_>,
) {
    let vpc = build.topology.subnets[subnet].vpc;
    let owned = addresses
        .iter()
        .flat_map(|address| [Some(address.private), address.public]);
    build.unread(Unread {
        noun: noun.to_owned(),
        name: json.network_interface_id.clone(),
        vpc: Some(vpc),
        addresses: owned.flatten().collect(),
        effect: "flows to and from its addresses cannot be judged".to_owned(),
        origin: item.origin,
    });
}

/// Adds the interfaces of an instance that only the instance itself describes.
pub(super) fn complete<T>(
    item: &Item<'_, T>,
    json: &InstanceJson,
    instance: Id<Instance>,
    build: &mut Build<'_>,
) {
    let name = build.topology.instances[instance].label.name.clone();
    for (place, interface) in json.interfaces().iter().enumerate() {
        let id = &interface.network_interface_id;
        if !id.is_empty() && build.has(id) {
            continue;
        }
        let index = interface
            .attachment
            .as_ref()
            .and_then(|attachment| attachment.device_index);
        let index = index
            .and_then(|index| u16::try_from(index.0).ok())
            .unwrap_or(place as u16);
        let own = if id.is_empty() {
            default_name(&name, index)
        } else {
            id.clone()
        };
        let label = Label {
            id: Some(id.clone()).filter(|id| !id.is_empty()),
            origin: item.origin,
            ..Label::named(build.claim_name(Kind::NetworkInterface, &own))
        };
        declare(item, interface, label, Some((instance, index)), build);
    }
    let known = json.interfaces().is_empty() && build.primary_interface(instance).is_none();
    if let (true, Some(private), Some(_)) = (known, &json.private_ip_address, &json.subnet_id) {
        let association = AssociationJson {
            public_ip: json.public_ip_address.clone(),
        };
        let interface = InterfaceJson {
            subnet_id: json.subnet_id.clone(),
            private_ip_address: Some(private.clone()),
            association: Some(association),
            source_dest_check: json.source_dest_check,
            ..InterfaceJson::default()
        };
        let label = Label {
            origin: item.origin,
            ..Label::named(build.claim_name(Kind::NetworkInterface, &default_name(&name, 0)))
        };
        declare(item, &interface, label, Some((instance, 0)), build);
        let groups = read_groups(item, &json.security_groups, build);
        if let Some(made) = build.primary_interface(instance) {
            build.topology.network_interfaces[made].security_groups = groups;
        }
    }
}
