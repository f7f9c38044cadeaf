//! `route_tables:` of a VPC: destinations and where they lead.

use vpcsim_aws::devices::route_table::{Route, RouteDestination, RouteSource, RouteTarget};
use vpcsim_aws::devices::{RouteTable, Vpc};
use vpcsim_aws::{AnyId, Id, Kind, Origin};

use super::context::{Context, Scope};
use super::network_interface::PrimaryInterfaces;
use super::node::{Entry, Node, parse_cidr_or_address};
use super::registry::Noun;
use super::shape::{Fields, Key, Record, Shape, key};
use crate::names::Names;

const TARGET_KEYS: &[Key] = &[
    key(
        "destination",
        Shape::Text,
        "The destination, in a list of routes.",
    ),
    key(
        "target",
        Shape::Text,
        "The name of the gateway, instance or interface; `local`; or `blackhole`.",
    ),
    key(
        "unmodelled",
        Shape::Text,
        "What kind of thing the target is, if the simulator does not model it.",
    ),
    key(
        "missing",
        Shape::Text,
        "The id of a target that the design does not have.",
    ),
    key("target_id", Shape::Text, "The id of an unmodelled target."),
    key(
        "propagated",
        Shape::Flag,
        "Whether a gateway propagated the route; the default is false.",
    ),
    key(
        "blackhole",
        Shape::Flag,
        "Whether AWS says that the target is gone.",
    ),
];
const TARGET: Record = Record::plain("route", TARGET_KEYS);

const ROUTE: Shape = Shape::Either(&[Shape::Text, Shape::Record(&TARGET)]);

/// The form of a destination: a range, an address, or a prefix list.
pub(super) const DESTINATION: &str = r"^([0-9]+\.[0-9]+\.[0-9]+\.[0-9]+(/[0-9]+)?|pl:.+|pl-.+)$";

const RECORD: Record = Record {
    name: "route_table",
    keys: &[
        key(
            "routes",
            Shape::Many(&Shape::Record(&TARGET)),
            "The routes as a list.",
        ),
        key("id", Shape::Text, "AWS's id."),
        key("tags", Shape::Named(&Shape::Text), "Tags."),
    ],
    nouns: &[],
    open: Some((DESTINATION, ROUTE)),
};

/// The registration.
pub(crate) const NOUN: Noun = Noun {
    key: "route_tables",
    about: "Route tables of the VPC; `local` routes are implied.",
    shape: Shape::Optional(&RECORD),
    declare,
    connect: Some(connect),
};

fn declare(context: &mut Context<'_>, scope: Scope, entry: &Entry) -> Option<AnyId> {
    let vpc = scope.vpc?;
    let what = format!("route table `{}`", entry.key);
    let fields = Fields::check(&entry.value, &RECORD, &what, context.findings);
    let label = context.label(entry, &fields);
    let main = context.is_default(vpc, Kind::RouteTable, &entry.key);
    let id = context.topology.route_tables.push(RouteTable {
        label,
        vpc,
        main,
        routes: Vec::new(),
    });
    Some(context.enter(id, scope))
}

fn connect(context: &mut Context<'_>, scope: Scope, entry: &Entry, any: AnyId) {
    let Some(id) = any.downcast::<RouteTable>() else {
        return;
    };
    let fields = Fields::check(&entry.value, &RECORD, "", &mut vpcsim_aws::Findings::default());
    let mut routes = Vec::new();
    for entry in fields.open_entries() {
        let destination = read_destination(context, scope, &entry.key, entry.key_origin);
        routes.extend(read_route(
            context,
            scope,
            destination,
            &entry.value,
            entry.key_origin,
        ));
    }
    for node in fields.items("routes") {
        let fields = Fields::check(node, &TARGET, "the route", context.findings);
        let destination = fields.find("destination");
        let destination =
            destination.and_then(|node| Some((node.text("a destination", context.findings)?, node)));
        let destination =
            destination.and_then(|(text, node)| read_destination(context, scope, text, node.origin));
        routes.extend(read_route(context, scope, destination, node, node.origin));
    }
    context.topology.route_tables[id].routes = routes;
}

pub(super) fn read_destination(
    context: &mut Context<'_>,
    scope: Scope,
    text: &str,
    origin: Origin,
) -> Option<RouteDestination> {
    if let Some(name) = text
        .strip_prefix("pl:")
        .or(text.starts_with("pl-").then_some(text))
    {
        return context
            .prefix_list(scope, name, origin)
            .map(RouteDestination::PrefixList);
    }
    match parse_cidr_or_address(text) {
        Ok(net) => Some(RouteDestination::Cidr(net)),
        Err(problem) => {
            context.findings.push(problem.finding(origin));
            None
        }
    }
}

fn read_route(
    context: &mut Context<'_>,
    scope: Scope,
    destination: Option<RouteDestination>,
    node: &Node,
    origin: Origin,
) -> Option<Route> {
    let (target, source, blackhole) = if node.is_mapping() {
        read_long_target(context, scope, node)?
    } else {
        let text = node.text("the name of a route's target", context.findings)?;
        let blackhole = text == "blackhole";
        (
            read_target(context, scope, text, node.origin)?,
            RouteSource::Static,
            blackhole,
        )
    };
    Some(Route {
        destination: destination?,
        target,
        source,
        blackhole,
        origin,
    })
}

fn read_long_target(
    context: &mut Context<'_>,
    scope: Scope,
    node: &Node,
) -> Option<(RouteTarget, RouteSource, bool)> {
    let fields = Fields::check(node, &TARGET, "the route", context.findings);
    let mut text = |key| fields.text(key, context.findings).map(str::to_owned);
    let (unmodelled, missing, id) = (text("unmodelled"), text("missing"), text("target_id"));
    let propagated = fields.flag("propagated", context.findings).unwrap_or(false);
    let source = if propagated {
        RouteSource::Propagated
    } else {
        RouteSource::Static
    };
    let blackhole = fields.flag("blackhole", context.findings);
    let target = match (unmodelled, missing, fields.find("target")) {
        (Some(noun), _, _) => RouteTarget::Unmodelled(noun, id.unwrap_or_default()),
        (None, Some(id), _) => RouteTarget::Missing(id),
        (None, None, Some(node)) => {
            let text = node.text("the name of a route's target", context.findings)?;
            let blackhole = blackhole.unwrap_or(text == "blackhole");
            return Some((read_target(context, scope, text, node.origin)?, source, blackhole));
        }
        (None, None, None) => {
            context.error("missing-key", node.origin, "the route needs a `target`");
            return None;
        }
    };
    Some((target, source, blackhole.unwrap_or(false)))
}

fn read_target(context: &mut Context<'_>, scope: Scope, text: &str, origin: Origin) -> Option<RouteTarget> {
    if let Some(target) = fixed_target(text) {
        return Some(target);
    }
    let topology = &*context.topology;
    let primary = context
        .primary
        .get_or_insert_with(|| PrimaryInterfaces::of(topology));
    let target = find_target(context.names, primary, scope.vpc, text);
    if target.is_none() {
        let kinds: Vec<Kind> = target_kinds().collect();
        context.unknown_reference(&kinds, scope, text, origin);
    }
    target.map(RouteTarget::Resource)
}

/// The kinds that a route can lead to; of equal names the gateway's comes first, then the interface's.
fn target_kinds() -> impl Iterator<Item = Kind> {
    let rank = |kind: &Kind| match kind {
        Kind::Instance => 2,
        Kind::NetworkInterface => 1,
        _ => 0,
    };
    let mut kinds: Vec<Kind> = Kind::ALL
        .iter()
        .copied()
        .filter(|kind| kind.is_route_target())
        .collect();
    kinds.sort_by_key(rank);
    kinds.into_iter()
}

/// The words that are no names.
pub(crate) fn fixed_target(text: &str) -> Option<RouteTarget> {
    match text {
        "local" => Some(RouteTarget::Local),
        "blackhole" => Some(RouteTarget::Missing(text.to_owned())),
        _ => None,
    }
}

/// What a target's name means; an instance stands for its primary interface.
pub(crate) fn find_target(
    names: &Names,
    primary: &PrimaryInterfaces,
    vpc: Option<Id<Vpc>>,
    text: &str,
) -> Option<AnyId> {
    let of_kind = |kind| match names.find_kind(kind, vpc, text)? {
        any if kind == Kind::Instance => primary.find(any.id()).map(AnyId::from),
        any => Some(any),
    };
    target_kinds().find_map(of_kind)
}
