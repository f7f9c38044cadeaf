//! Network interfaces: those of instances, and `network_interfaces:` of a VPC.

use std::net::Ipv4Addr;

use rustc_hash::FxHashMap;
use vpcsim_aws::devices::network_interface::{Attachment, InterfaceAddress, TrackingTimeouts};
use vpcsim_aws::devices::{ElasticIp, Instance, NetworkInterface, Subnet};
use vpcsim_aws::{AnyId, Id, Label, Topology};

use super::context::{Context, Scope, UNASSIGNED};
use super::node::{Entry, Node};
use super::registry::Noun;
use super::shape::{Fields, Record, Shape, key};

/// The keys of a secondary address.
pub(crate) const SECONDARY: Record = Record::plain(
    "secondary_address",
    &[
        key("address", Shape::Address, "The private address.").required(),
        key(
            "public_ip",
            Shape::PublicIp,
            "The public address that stands for it.",
        ),
    ],
);

/// The keys of the timers.
pub(crate) const TRACKING: Record = Record::plain(
    "tracking",
    &[
        key(
            "tcp_established",
            Shape::Whole(432_000),
            "Seconds until an idle TCP connection is forgotten.",
        ),
        key(
            "udp",
            Shape::Whole(60),
            "Seconds until UDP seen one way is forgotten.",
        ),
        key(
            "udp_stream",
            Shape::Whole(180),
            "Seconds until UDP seen in several exchanges is forgotten.",
        ),
    ],
);

const ATTACHED: Record = Record::plain(
    "attachment",
    &[
        key("instance", Shape::Text, "The instance.").required(),
        key(
            "device_index",
            Shape::Whole(u16::MAX as u64),
            "The device index; 0 is the primary interface.",
        ),
    ],
);

/// The keys that every form of an interface has, with those of the form.
macro_rules! with_interface_keys {
    ($($own:expr),* $(,)?) => {
        &[
            key("address", Shape::Address, "Its private address; else the first free one of the subnet.")
                .or(&["private_ip"]),
            key(
                "secondary_ips",
                Shape::Many(&Shape::Either(&[Shape::Address, Shape::Record(&SECONDARY)])),
                "Further private addresses.",
            ),
            key("public_ip", Shape::PublicIp, "Whether it has a public address, or which."),
            key("elastic_ip", Shape::Text, "The name of its Elastic IP address, or the address itself."),
            key("security_groups", Shape::Many(&Shape::Text), "Its security groups; else the VPC's default one."),
            key("source_dest_check", Shape::Flag, "Whether the source/destination check is on; the default is true."),
            key("account", Shape::Text, "The account that owns it, if that is not the VPC's own."),
            key("mac", Shape::Text, "Its MAC address."),
            key("prefixes", Shape::Many(&Shape::Cidr), "The /28 prefixes that are delegated to it."),
            key("tracking", Shape::Optional(&TRACKING), "Timers of connection tracking."),
            $($own,)*
        ]
    };
}
pub(crate) use with_interface_keys;

/// The keys of an interface in the list of an instance.
pub(crate) const INLINE: Record = Record::plain(
    "instance_interface",
    with_interface_keys![
        key("name", Shape::Text, "Its name; else that of the instance."),
        key("subnet", Shape::Text, "The subnet it is in.").required(),
        key(
            "device_index",
            Shape::Whole(u16::MAX as u64),
            "The device index; else its place in the list."
        ),
        key("id", Shape::Text, "AWS's id."),
        key("tags", Shape::Named(&Shape::Text), "Tags."),
    ],
);

const OWN: Record = Record::plain(
    "network_interface",
    with_interface_keys![
        key("subnet", Shape::Text, "The subnet it is in.").required(),
        key(
            "attached_to",
            Shape::Either(&[Shape::Text, Shape::Record(&ATTACHED)]),
            "The instance that it is an interface of.",
        ),
        key("managed", Shape::Flag, "Whether it belongs to a NAT gateway."),
        key(
            "unmodelled",
            Shape::Text,
            "What it belongs to, if the simulator does not model it."
        ),
        key("id", Shape::Text, "AWS's id."),
        key("tags", Shape::Named(&Shape::Text), "Tags."),
    ],
);

/// The registration.
pub(crate) const NOUN: Noun = Noun {
    key: "network_interfaces",
    about: "Network interfaces that are declared on their own.",
    shape: Shape::Record(&OWN),
    declare,
    connect: None,
};

fn declare(context: &mut Context<'_>, scope: Scope, entry: &Entry) -> Option<AnyId> {
    let what = format!("network interface `{}`", entry.key);
    let fields = Fields::check(&entry.value, &OWN, &what, context.findings);
    let label = context.label(entry, &fields);
    let attachment = read_attachment(context, scope, &fields);
    let subnet = context.reference_under(scope, &fields, "subnet")?;
    let id = read(context, scope, &fields, subnet, label, attachment);
    Some(context.enter(id, scope))
}

fn read_attachment(context: &mut Context<'_>, scope: Scope, fields: &Fields<'_>) -> Attachment {
    if let Some(noun) = fields.text("unmodelled", context.findings) {
        return Attachment::Unmodelled(noun.to_owned());
    }
    if fields.flag("managed", context.findings) == Some(true) {
        return Attachment::Managed;
    }
    let Some(node) = fields.find("attached_to") else {
        return Attachment::None;
    };
    let (instance, index) = if node.is_mapping() {
        let fields = Fields::check(node, &ATTACHED, "the attachment", context.findings);
        let index = fields.find("device_index");
        let index = index.and_then(|node| node.whole(0, u16::MAX, context.findings));
        (
            context.reference_under::<Instance>(scope, &fields, "instance"),
            index,
        )
    } else {
        (context.reference::<Instance>(scope, node), None)
    };
    let Some(instance) = instance else {
        return Attachment::None;
    };
    let device_index = index.unwrap_or_else(|| count_interfaces(context.topology, instance) as u16);
    Attachment::Instance {
        instance,
        device_index,
    }
}

/// The primary interface of every instance: the one of the lowest device index.
#[derive(Debug, Default)]
pub(crate) struct PrimaryInterfaces {
    by_instance: FxHashMap<Id<Instance>, (u16, Id<NetworkInterface>)>,
}

impl PrimaryInterfaces {
    /// Those of a topology.
    pub(crate) fn of(topology: &Topology) -> Self {
        let mut primary = Self::default();
        for (id, row) in topology.network_interfaces.iter() {
            if let Attachment::Instance {
                instance,
                device_index,
            } = row.attachment
            {
                let best = primary.by_instance.entry(instance).or_insert((device_index, id));
                *best = (*best).min((device_index, id));
            }
        }
        primary
    }

    /// That of one instance.
    pub(crate) fn find(&self, instance: Id<Instance>) -> Option<Id<NetworkInterface>> {
        self.by_instance.get(&instance).map(|(_, id)| *id)
    }
}

/// How many interfaces an instance has so far.
fn count_interfaces(topology: &Topology, wanted: Id<Instance>) -> usize {
    let is_own = |attachment: &Attachment| matches!(attachment, Attachment::Instance { instance, .. } if *instance == wanted);
    topology
        .network_interfaces
        .iter()
        .filter(|(_, row)| is_own(&row.attachment))
        .count()
}

/// Reads the keys that every form of an interface has.
pub(crate) fn read(
    context: &mut Context<'_>,
    scope: Scope,
    fields: &Fields<'_>,
    subnet: Id<Subnet>,
    label: Label,
    attachment: Attachment,
) -> Id<NetworkInterface> {
    // Without any, completion puts it into the VPC's default group.
    let groups = fields.items("security_groups").iter();
    let groups = groups
        .filter_map(|node| context.security_group(scope, node))
        .collect();
    let launched = matches!(attachment, Attachment::Instance { device_index: 0, .. });
    let by_subnet = launched && context.topology.subnets[subnet].map_public_ip_on_launch;
    let addresses = read_addresses(context, scope, fields, by_subnet);
    let prefixes = fields
        .items("prefixes")
        .iter()
        .filter_map(|node| node.cidr(context.findings))
        .collect();
    let account = fields.text("account", context.findings).map(str::to_owned);
    let interface = NetworkInterface {
        label: Label { account, ..label },
        subnet,
        addresses,
        prefixes,
        security_groups: groups,
        source_dest_check: fields.flag("source_dest_check", context.findings).unwrap_or(true),
        mac: read_mac(context, fields),
        attachment,
        tracking: read_tracking(context, fields),
    };
    context.topology.network_interfaces.push(interface)
}

fn read_mac(context: &mut Context<'_>, fields: &Fields<'_>) -> Option<vpcsim_aws::Mac> {
    let node = fields.find("mac")?;
    let mac = node.text("a MAC address", context.findings)?.parse();
    mac.map_err(|error| context.error("wrong-type", node.origin, format!("{error}")))
        .ok()
}

fn read_tracking(context: &mut Context<'_>, fields: &Fields<'_>) -> TrackingTimeouts {
    let Some(node) = fields.find("tracking") else {
        return TrackingTimeouts::default();
    };
    let fields = Fields::check(node, &TRACKING, "the timers", context.findings);
    let mut seconds = |key, first, last| {
        fields
            .find(key)
            .and_then(|node| node.whole(first, last, context.findings))
    };
    TrackingTimeouts {
        tcp_established_s: seconds("tcp_established", 60, 432_000),
        udp_s: seconds("udp", 30, 60),
        udp_stream_s: seconds("udp_stream", 60, 180),
    }
}

fn read_addresses(
    context: &mut Context<'_>,
    scope: Scope,
    fields: &Fields<'_>,
    public_by_subnet: bool,
) -> Vec<InterfaceAddress> {
    let own = fields.find("address");
    let origin = own.map_or(fields.node.origin, |node| node.origin);
    let private = own
        .and_then(|node| node.address(context.findings))
        .unwrap_or(UNASSIGNED);
    let elastic = fields
        .find("elastic_ip")
        .and_then(|node| read_elastic(context, scope, node));
    let public = match fields.find("public_ip") {
        _ if elastic.is_some() => elastic,
        Some(node) => read_public(context, node),
        None if public_by_subnet => context.take_public(origin),
        None => None,
    };
    let mut addresses = vec![InterfaceAddress {
        private,
        public,
        origin,
    }];
    for node in fields.items("secondary_ips") {
        addresses.extend(read_secondary(context, node));
    }
    addresses
}

fn read_secondary(context: &mut Context<'_>, node: &Node) -> Option<InterfaceAddress> {
    let origin = node.origin;
    if !node.is_mapping() {
        return Some(InterfaceAddress {
            private: node.address(context.findings)?,
            public: None,
            origin,
        });
    }
    let fields = Fields::check(node, &SECONDARY, "the secondary address", context.findings);
    let private = fields.find("address")?.address(context.findings)?;
    let public = fields
        .find("public_ip")
        .and_then(|node| read_public(context, node));
    Some(InterfaceAddress {
        private,
        public,
        origin,
    })
}

/// Reads `true`, `false` or an address.
pub(crate) fn read_public(context: &mut Context<'_>, node: &Node) -> Option<Ipv4Addr> {
    match node.as_text().map(str::to_ascii_lowercase).as_deref() {
        Some("true" | "yes" | "on") => context.take_public(node.origin),
        Some("false" | "no" | "off") => None,
        _ => node.address(context.findings),
    }
}

/// Reads the name of an Elastic IP address, or the address itself, which need not be declared.
pub(crate) fn read_elastic(context: &mut Context<'_>, scope: Scope, node: &Node) -> Option<Ipv4Addr> {
    let text = node.text("the name of an Elastic IP address", context.findings)?;
    if let Ok(address) = text.parse() {
        return Some(address);
    }
    let id: Id<ElasticIp> = context.reference(scope, node)?;
    Some(context.topology.elastic_ips[id].address)
}
