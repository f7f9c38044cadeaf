//! `instances:` of a VPC.

use vpcsim_aws::devices::instance::{Allowance, HostRouting, JUMBO_MTU, Listener, MetadataOptions};
use vpcsim_aws::devices::network_interface::Attachment;
use vpcsim_aws::devices::{Instance, NetworkInterface};
use vpcsim_aws::{AnyId, Findings, Id, Label};

use super::appliance;
use super::context::{Context, Scope};
use super::network_interface::{self, INLINE, SECONDARY, TRACKING, with_interface_keys};
use super::node::{Entry, Node};
use super::registry::Noun;
use super::shape::{Fields, Record, Shape, key};
use super::words;

const METADATA: Record = Record::plain(
    "metadata",
    &[
        key(
            "enabled",
            Shape::Flag,
            "Whether the instance metadata service answers; the default is true.",
        ),
        key(
            "tokens_required",
            Shape::Flag,
            "Whether it requires a token; the default is false.",
        ),
        key(
            "hop_limit",
            Shape::Whole(64),
            "The time to live of its answer to a token request.",
        ),
    ],
);

/// Bits of what `bandwidth_mbps` counts.
pub(crate) const BITS_OF_MEGABIT: u64 = 1_000_000;

/// A list of services.
pub(crate) const LISTEN: Shape = Shape::Many(&Shape::Pattern(r"^\s*([Tt][Cc][Pp]|[Uu][Dd][Pp])(\s|$)"));

const RECORD: Record = Record::plain(
    "instance",
    with_interface_keys![
        key("subnet", Shape::Text, "The subnet of its primary interface."),
        key(
            "interfaces",
            Shape::Many(&Shape::Record(&INLINE)),
            "Its interfaces, if it has several; those after `subnet`'s if that is written too.",
        ),
        key(
            "listen",
            LISTEN,
            "The services it answers on: `tcp 80`, `udp 53`, `tcp 8000-8100`."
        ),
        key(
            "routing",
            Shape::Choice(&["per-interface", "main-table"]),
            "How it chooses an interface."
        ),
        key(
            "mtu",
            Shape::Whole(9216),
            "The MTU of its interfaces in bytes; the default is 9001."
        ),
        key(
            "bandwidth_mbps",
            Shape::Whole(10_000_000),
            "What it sends at the most, and what it receives, in millions of bits a second; else nothing limits it."
        ),
        key(
            "packets_per_s",
            Shape::Whole(1_000_000_000),
            "How many packets it sends and receives in a second at the most."
        ),
        key("type", Shape::Text, "Its instance type.").or(&["instance_type"]),
        key(
            "state",
            Shape::Choice(&["running", "stopped"]),
            "Whether it runs."
        ),
        key(
            "appliance",
            appliance::SHAPE,
            "What it does with packets for others: `router`, `nat`, or a mapping with a firewall's rules."
        ),
        key(
            "metadata",
            Shape::Optional(&METADATA),
            "Its instance metadata options."
        ),
        key("id", Shape::Text, "AWS's id."),
        key("tags", Shape::Named(&Shape::Text), "Tags."),
    ],
);

/// The registration.
pub(crate) const NOUN: Noun = Noun {
    key: "instances",
    about: "Instances of the VPC.",
    shape: Shape::Record(&RECORD),
    declare,
    connect: None,
};

/// Instances whose interfaces the input does not have.
pub(crate) const WITHOUT_VPC: Noun = Noun {
    about: "Instances of which no interface is known.",
    shape: Shape::Optional(&RECORD),
    ..NOUN
};

#[expect(
    clippy::unnecessary_wraps,
    reason = "the registry takes functions of this shape"
)]
fn declare(context: &mut Context<'_>, scope: Scope, entry: &Entry) -> Option<AnyId> {
    let what = format!("instance `{}`", entry.key);
    let fields = Fields::check(&entry.value, &RECORD, &what, context.findings);
    let label = context.label(entry, &fields);
    let instance = read(context, &fields, label);
    let id = context.topology.instances.push(instance);
    let any = context.enter(id, scope);
    let inline = fields.items("interfaces");
    match (fields.find("subnet"), scope.vpc) {
        (Some(node), _) => declare_primary(context, scope, entry, &fields, node, id),
        (None, Some(_)) if fields.find_or_null("interfaces").is_none() => {
            let message = format!("{what} needs `subnet` or `interfaces`");
            context.error("missing-key", entry.key_origin, message);
        }
        (None, _) => {}
    }
    let first = usize::from(fields.find("subnet").is_some());
    for (place, node) in inline.iter().enumerate() {
        declare_inline(context, scope, &entry.key, node, id, first + place);
    }
    Some(any)
}

fn declare_primary(
    context: &mut Context<'_>,
    scope: Scope,
    entry: &Entry,
    fields: &Fields<'_>,
    subnet: &Node,
    instance: Id<Instance>,
) {
    let Some(subnet) = context.reference(scope, subnet) else {
        return;
    };
    let label = Label {
        origin: entry.key_origin,
        ..Label::named(default_name(&entry.key, 0))
    };
    let attachment = Attachment::Instance {
        instance,
        device_index: 0,
    };
    let id = network_interface::read(context, scope, fields, subnet, label, attachment);
    context.enter::<NetworkInterface>(id, scope);
}

fn declare_inline(
    context: &mut Context<'_>,
    scope: Scope,
    instance_name: &str,
    node: &Node,
    instance: Id<Instance>,
    place: usize,
) {
    let what = format!("interface {place} of instance `{instance_name}`");
    let fields = Fields::check(node, &INLINE, &what, context.findings);
    let index = fields
        .find("device_index")
        .and_then(|node| node.whole(0, u16::MAX, context.findings));
    let device_index = index.unwrap_or(place as u16);
    let name = fields.text("name", context.findings).map(str::to_owned);
    let name = name.unwrap_or_else(|| default_name(instance_name, device_index));
    let label = context.label_named(name, node.origin, &fields);
    let Some(subnet) = context.reference_under(scope, &fields, "subnet") else {
        return;
    };
    let attachment = Attachment::Instance {
        instance,
        device_index,
    };
    let id = network_interface::read(context, scope, &fields, subnet, label, attachment);
    context.enter(id, scope);
}

/// What an interface is called that has no name of its own.
pub(crate) fn default_name(instance: &str, device_index: u16) -> String {
    match device_index {
        0 => instance.to_owned(),
        index => format!("{instance}-eth{index}"),
    }
}

/// The spellings of how a host routes.
pub(crate) const ROUTINGS: [(&str, HostRouting); 2] = [
    ("per-interface", HostRouting::PerInterface),
    ("main-table", HostRouting::MainTable),
];

fn read(context: &mut Context<'_>, fields: &Fields<'_>, label: Label) -> Instance {
    let listen = read_listeners(context, fields.items("listen"));
    let appliance = fields
        .find("appliance")
        .and_then(|node| appliance::read(context, node));
    let findings = &mut *context.findings;
    let states = [("running", true), ("stopped", false)];
    let routing = fields
        .find("routing")
        .and_then(|node| node.choice(&ROUTINGS, findings));
    let running = fields
        .find("state")
        .and_then(|node| node.choice(&states, findings));
    let allowance = read_allowance(fields, findings);
    let mtu = fields.find("mtu").and_then(|node| node.whole(68, 9216, findings));
    Instance {
        label,
        running: running.unwrap_or(true),
        instance_type: fields.text("type", findings).map(str::to_owned),
        listen,
        routing: routing.unwrap_or_default(),
        mtu: mtu.unwrap_or(JUMBO_MTU),
        metadata: read_metadata(context, fields),
        appliance,
        allowance,
    }
}

/// What it may send and receive; of the two figures one can be left open.
fn read_allowance(fields: &Fields<'_>, findings: &mut Findings) -> Option<Allowance> {
    let mut whole = |key, most: u64| fields.find(key).and_then(|node| node.whole(1, most, findings));
    let megabits = whole("bandwidth_mbps", 10_000_000);
    let packets_per_s = whole("packets_per_s", 1_000_000_000);
    (megabits.is_some() || packets_per_s.is_some()).then(|| Allowance {
        bits_per_s: megabits.map_or(u64::MAX, |megabits| megabits * BITS_OF_MEGABIT),
        packets_per_s: packets_per_s.unwrap_or(u64::MAX),
    })
}

fn read_metadata(context: &mut Context<'_>, fields: &Fields<'_>) -> MetadataOptions {
    let defaults = MetadataOptions::default();
    let Some(node) = fields.find("metadata") else {
        return defaults;
    };
    let findings = &mut *context.findings;
    let fields = Fields::check(node, &METADATA, "the metadata options", findings);
    let hop_limit = fields
        .find("hop_limit")
        .and_then(|node| node.whole(1, 64, findings));
    MetadataOptions {
        enabled: fields.flag("enabled", findings).unwrap_or(defaults.enabled),
        tokens_required: fields
            .flag("tokens_required", findings)
            .unwrap_or(defaults.tokens_required),
        hop_limit: hop_limit.unwrap_or(defaults.hop_limit),
    }
}

/// Reads a list of services.
pub(crate) fn read_listeners(context: &mut Context<'_>, nodes: &[Node]) -> Vec<Listener> {
    let mut listeners = Vec::new();
    for node in nodes {
        let Some(text) = node.text("a service like `tcp 80`", context.findings) else {
            continue;
        };
        match words::parse_listeners(text) {
            Ok(more) => listeners.extend(more),
            Err(problem) => context.error("bad-listener", node.origin, problem),
        }
    }
    listeners
}
