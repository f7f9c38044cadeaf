//! `transit_gateways:` of a design, with their attachments and route tables.

use vpcsim_aws::devices::route_table::RouteDestination;
use vpcsim_aws::devices::transit_gateway_attachment::{AttachmentEnd, AttachmentState};
use vpcsim_aws::devices::transit_gateway_route_table::{TransitRoute, TransitTarget};
use vpcsim_aws::devices::{
    NetworkInterface, TransitGateway, TransitGatewayAttachment, TransitGatewayRouteTable, Vpc,
};
use vpcsim_aws::{AnyId, Findings, Id, Kind, Label};

use super::context::{Context, Scope};
use super::node::Entry;
use super::registry::Noun;
use super::route_table::{DESTINATION, read_destination};
use super::shape::{Fields, Record, Shape, key};

const ATTACHMENT: Record = Record::plain(
    "transit_gateway_attachment",
    &[
        key("vpc", Shape::Text, "The VPC that is attached."),
        key(
            "subnets",
            Shape::Many(&Shape::Text),
            "The subnets that get an interface each, one in each zone.",
        ),
        key(
            "interfaces",
            Shape::Many(&Shape::Text),
            "Its interfaces in the VPC, if the design has them; else `subnets`.",
        ),
        key(
            "appliance_mode",
            Shape::Flag,
            "Whether both ways of a flow take the same interface; the default is false.",
        ),
        key(
            "security_group_referencing",
            Shape::Flag,
            "Whether rules may refer to groups across it, if the gateway allows that; the default is true.",
        ),
        key(
            "dns_support",
            Shape::Flag,
            "Whether public host names resolve to private addresses across it, if the gateway allows that; the default is true.",
        ),
        key("peer", Shape::Text, "For a peering: the other transit gateway."),
        key(
            "unmodelled",
            Shape::Text,
            "What kind of thing is attached, if the simulator does not model it.",
        ),
        key(
            "state",
            Shape::Choice(&["available", "pending", "ended"]),
            "Its state.",
        ),
        key("id", Shape::Text, "AWS's id."),
        key("tags", Shape::Named(&Shape::Text), "Tags."),
    ],
);

const ROUTES: Record = Record {
    name: "transit_gateway_routes",
    keys: &[],
    nouns: &[],
    open: Some((DESTINATION, Shape::Text)),
};

const TABLE: Record = Record::plain(
    "transit_gateway_route_table",
    &[
        key(
            "associations",
            Shape::Many(&Shape::Text),
            "The attachments whose packets it routes.",
        ),
        key(
            "propagations",
            Shape::Many(&Shape::Text),
            "The attachments whose ranges it knows by themselves.",
        ),
        key(
            "routes",
            Shape::Record(&ROUTES),
            "Its static routes: to an attachment, or `blackhole`.",
        ),
        key("id", Shape::Text, "AWS's id."),
        key("tags", Shape::Named(&Shape::Text), "Tags."),
    ],
);

const RECORD: Record = Record::plain(
    "transit_gateway",
    &[
        key("region", Shape::Text, "Its region; else the design's."),
        key("account", Shape::Text, "The owning account."),
        key(
            "attachments",
            Shape::Named(&Shape::Record(&ATTACHMENT)),
            "What is attached to it.",
        ),
        key(
            "route_tables",
            Shape::Named(&Shape::Optional(&TABLE)),
            "Its route tables; without any there is one, with which all attachments are associated and to which all propagate.",
        ),
        key(
            "default_association",
            Shape::Text,
            "The table of attachments that no table names among its associations.",
        ),
        key(
            "default_propagation",
            Shape::Text,
            "The table of attached VPCs that no table names among its propagations.",
        ),
        key(
            "cidr_blocks",
            Shape::Many(&Shape::Cidr),
            "Its own address blocks, for tunnels.",
        ),
        key(
            "dns_support",
            Shape::Flag,
            "Whether public host names resolve to private addresses across it; the default is true.",
        ),
        key(
            "security_group_referencing",
            Shape::Flag,
            "Whether rules may refer to groups across it; the default is false.",
        ),
        key("id", Shape::Text, "AWS's id."),
        key("tags", Shape::Named(&Shape::Text), "Tags."),
    ],
);

/// The registration.
pub(crate) const NOUN: Noun = Noun {
    key: "transit_gateways",
    about: "Transit gateways with their attachments and route tables.",
    shape: Shape::Record(&RECORD),
    declare,
    connect: Some(connect),
};

/// The spellings of the states.
pub(crate) const STATES: [(&str, AttachmentState); 3] = [
    ("available", AttachmentState::Available),
    ("pending", AttachmentState::Pending),
    ("ended", AttachmentState::Ended),
];

fn fields_of<'n>(entry: &'n Entry, findings: &mut Findings) -> Fields<'n> {
    Fields::check(
        &entry.value,
        &RECORD,
        &format!("transit gateway `{}`", entry.key),
        findings,
    )
}

#[expect(
    clippy::unnecessary_wraps,
    reason = "the registry takes functions of this shape"
)]
fn declare(context: &mut Context<'_>, scope: Scope, entry: &Entry) -> Option<AnyId> {
    let fields = fields_of(entry, context.findings);
    let label = context.label(entry, &fields);
    let region = fields
        .text("region", context.findings)
        .unwrap_or(&context.topology.region)
        .to_owned();
    let gateway = TransitGateway {
        account: fields
            .text("account", context.findings)
            .unwrap_or_default()
            .to_owned(),
        cidr_blocks: fields
            .items("cidr_blocks")
            .iter()
            .filter_map(|node| node.cidr(context.findings))
            .collect(),
        dns_support: fields.flag("dns_support", context.findings).unwrap_or(true),
        security_group_referencing: fields
            .flag("security_group_referencing", context.findings)
            .unwrap_or(false),
        ..TransitGateway::new(label, region)
    };
    let id = context.topology.transit_gateways.push(gateway);
    for attachment in fields.named("attachments", context.findings) {
        declare_attachment(context, id, attachment);
    }
    for table in fields.named("route_tables", context.findings) {
        let what = format!("transit gateway route table `{}`", table.key);
        let fields = Fields::check(&table.value, &TABLE, &what, context.findings);
        let label = context.label(table, &fields);
        declare_table(context, id, label);
    }
    Some(context.enter(id, scope))
}

fn declare_table(
    context: &mut Context<'_>,
    gateway: Id<TransitGateway>,
    label: Label,
) -> Id<TransitGatewayRouteTable> {
    let table = TransitGatewayRouteTable {
        label,
        gateway,
        associations: Vec::new(),
        propagations: Vec::new(),
        routes: Vec::new(),
    };
    let id = context.topology.transit_gateway_route_tables.push(table);
    context.enter(id, Scope::TOP);
    id
}

/// The other gateway of a peering and the interfaces of a VPC are filled in when everything is declared.
fn declare_attachment(context: &mut Context<'_>, gateway: Id<TransitGateway>, entry: &Entry) {
    let what = format!("transit gateway attachment `{}`", entry.key);
    let fields = Fields::check(&entry.value, &ATTACHMENT, &what, context.findings);
    let label = context.label(entry, &fields);
    let state = fields
        .find("state")
        .and_then(|node| node.choice(&STATES, context.findings));
    let vpc = context.reference_under::<Vpc>(Scope::TOP, &fields, "vpc");
    let unmodelled = fields.text("unmodelled", context.findings).map(str::to_owned);
    let end = match (fields.find("vpc"), unmodelled, fields.find("peer")) {
        (Some(_), _, _) => {
            let Some(vpc) = vpc else { return };
            let flag = |key, context: &mut Context<'_>| fields.flag(key, context.findings);
            AttachmentEnd::Vpc {
                vpc,
                interfaces: Vec::new(),
                appliance_mode: flag("appliance_mode", context).unwrap_or(false),
                security_group_referencing: flag("security_group_referencing", context).unwrap_or(true),
                dns_support: flag("dns_support", context).unwrap_or(true),
            }
        }
        (None, Some(noun), _) => AttachmentEnd::Unmodelled(noun),
        (None, None, Some(_)) => AttachmentEnd::Peering(None),
        (None, None, None) => {
            let message = format!("{what} says neither its `vpc` nor its `peer`");
            return context.error("missing-key", entry.key_origin, message);
        }
    };
    let attachment = TransitGatewayAttachment {
        label,
        gateway,
        end,
        state: state.unwrap_or_default(),
    };
    let id = context.topology.transit_gateway_attachments.push(attachment);
    context.enter(id, Scope::TOP);
}

fn connect(context: &mut Context<'_>, scope: Scope, entry: &Entry, any: AnyId) {
    let Some(gateway) = any.downcast::<TransitGateway>() else {
        return;
    };
    let fields = fields_of(entry, &mut Findings::default());
    for attachment in fields.named("attachments", context.findings) {
        if let Some(id) = context.names.find(None, &attachment.key) {
            connect_attachment(context, id, attachment);
        }
    }
    let mut tables = Vec::new();
    for table in fields.named("route_tables", context.findings) {
        if let Some(id) = context.names.find(None, &table.key) {
            connect_table(context, id, table);
            tables.push(id);
        }
    }
    let (mut association, mut propagation) = (
        context.reference_under(scope, &fields, "default_association"),
        context.reference_under(scope, &fields, "default_propagation"),
    );
    if tables.is_empty() && fields.find("route_tables").is_none() {
        let made = declare_table(context, gateway, Label::named(format!("{} default", entry.key)));
        (association, propagation) = (association.or(Some(made)), propagation.or(Some(made)));
    }
    let row = &mut context.topology.transit_gateways[gateway];
    (row.default_association, row.default_propagation) = (association, propagation);
    // A peering joins tables of both gateways, and the last of them to be connected knows both.
    for gateway in context.topology.transit_gateways.ids() {
        join_default_tables(context, gateway);
    }
}

/// Attachments that no table names join the default one, and VPCs that propagate nowhere propagate to it (TGW-17).
fn join_default_tables(context: &mut Context<'_>, gateway: Id<TransitGateway>) {
    let topology = &mut *context.topology;
    let row = &topology.transit_gateways[gateway];
    let (association, propagation) = (row.default_association, row.default_propagation);
    let own = topology.transit_gateway_attachments.iter();
    let own = own
        .filter(|(_, row)| row.is_of(gateway))
        .map(|(id, row)| (id, row.vpc().is_some()));
    for (id, is_vpc) in own.collect::<Vec<_>>() {
        let own = || {
            topology
                .transit_gateway_route_tables
                .iter()
                .filter(|(_, table)| table.gateway == gateway)
        };
        let is_associated = own().any(|(_, table)| table.associations.contains(&id));
        let propagates = own().any(|(_, table)| table.propagations.contains(&id));
        if let Some(table) = association.filter(|_| !is_associated) {
            topology.transit_gateway_route_tables[table].associations.push(id);
        }
        if let Some(table) = propagation.filter(|_| is_vpc && !propagates) {
            topology.transit_gateway_route_tables[table].propagations.push(id);
        }
    }
}

fn connect_attachment(context: &mut Context<'_>, id: Id<TransitGatewayAttachment>, entry: &Entry) {
    let fields = Fields::check(&entry.value, &ATTACHMENT, "", &mut Findings::default());
    match context.topology.transit_gateway_attachments[id].end.clone() {
        AttachmentEnd::Vpc { vpc, .. } => {
            let found = interfaces(context, vpc, &entry.key, &fields);
            if let AttachmentEnd::Vpc { interfaces, .. } =
                &mut context.topology.transit_gateway_attachments[id].end
            {
                *interfaces = found;
            }
        }
        AttachmentEnd::Peering(_) => {
            let peer = context.reference_under(Scope::TOP, &fields, "peer");
            context.topology.transit_gateway_attachments[id].end = AttachmentEnd::Peering(peer);
        }
        AttachmentEnd::Unmodelled(_) => {}
    }
}

fn interfaces(
    context: &mut Context<'_>,
    vpc: Id<Vpc>,
    attachment: &str,
    fields: &Fields<'_>,
) -> Vec<Id<NetworkInterface>> {
    let scope = Scope::inside(vpc);
    let named = fields
        .items("interfaces")
        .iter()
        .filter_map(|node| context.reference(scope, node));
    let mut found: Vec<Id<NetworkInterface>> = named.collect();
    for node in fields.items("subnets") {
        found.extend(context.managed_interface(scope, attachment, node));
    }
    if found.is_empty() {
        let message = format!("transit gateway attachment `{attachment}` names no `subnets`");
        context.error("missing-key", fields.node.origin, message);
    }
    found
}

fn connect_table(context: &mut Context<'_>, id: Id<TransitGatewayRouteTable>, entry: &Entry) {
    let fields = Fields::check(&entry.value, &TABLE, "", &mut Findings::default());
    let mut named = |key| -> Vec<Id<TransitGatewayAttachment>> {
        let nodes = fields.items(key).iter();
        nodes
            .filter_map(|node| context.reference(Scope::TOP, node))
            .collect()
    };
    let (associations, propagations) = (named("associations"), named("propagations"));
    let mut routes = Vec::new();
    if let Some(node) = fields.find("routes") {
        let fields = Fields::check(node, &ROUTES, "the routes", context.findings);
        for entry in fields.open_entries() {
            routes.extend(read_route(context, entry));
        }
    }
    let table = &mut context.topology.transit_gateway_route_tables[id];
    (table.associations, table.propagations, table.routes) = (associations, propagations, routes);
}

fn read_route(context: &mut Context<'_>, entry: &Entry) -> Option<TransitRoute> {
    let destination: Option<RouteDestination> =
        read_destination(context, Scope::TOP, &entry.key, entry.key_origin);
    let text = entry
        .value
        .text("the name of an attachment, or `blackhole`", context.findings)?;
    let target = match (text, context.names.find(None, text)) {
        ("blackhole", _) => TransitTarget::Blackhole,
        (_, Some(attachment)) => TransitTarget::Attachment(attachment),
        (_, None) => {
            let Some(id) = text.strip_prefix("missing:") else {
                let kinds = [Kind::TransitGatewayAttachment];
                context.unknown_reference(&kinds, Scope::TOP, text, entry.value.origin);
                return None;
            };
            TransitTarget::Missing(id.trim().to_owned())
        }
    };
    Some(TransitRoute {
        destination: destination?,
        target,
        origin: entry.key_origin,
    })
}
