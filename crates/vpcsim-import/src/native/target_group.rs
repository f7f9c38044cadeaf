//! `target_groups:` of a VPC.

use vpcsim_aws::devices::load_balancer::ListenerProtocol;
use vpcsim_aws::devices::target_group::{
    HealthCheck, HealthMinimum, HealthProtocol, Target, TargetAddress, TargetHealth, TargetType,
};
use vpcsim_aws::devices::{Instance, TargetGroup};
use vpcsim_aws::{AnyId, Findings};

use super::context::{Context, Scope};
use super::node::{Entry, Node};
use super::registry::Noun;
use super::shape::{Fields, Record, Shape, key};

const TARGET: Record = Record::plain(
    "target",
    &[
        key("target", Shape::Text, "The instance or the address.").required(),
        key("port", Shape::Whole(65_535), "Its port; else the group's."),
        key(
            "health",
            Shape::Choice(&["healthy", "unhealthy", "draining"]),
            "Its health; else a check decides before the first flow.",
        ),
    ],
);

const HEALTH_CHECK: Record = Record::plain(
    "health_check",
    &[
        key(
            "protocol",
            Shape::Choice(&["tcp", "http", "https"]),
            "What a check says; the default is tcp.",
        ),
        key(
            "port",
            Shape::Whole(65_535),
            "Its port; else that of the traffic.",
        ),
        key(
            "path",
            Shape::Text,
            "What an HTTP check asks for; the default is /.",
        ),
        key(
            "codes",
            Shape::Either(&[Shape::Whole(599), Shape::Text]),
            "The status codes that pass an HTTP check: `200`, `200-299,301`; the default is 200-399.",
        ),
        key(
            "interval_s",
            Shape::Whole(300),
            "The seconds between two checks: 5 to 300; the default is 30.",
        ),
        key(
            "timeout_s",
            Shape::Whole(120),
            "After so many seconds a check has failed: 2 to 120; the default is 10, of HTTP 6.",
        ),
        key(
            "healthy_threshold",
            Shape::Whole(10),
            "So many checks in a row make an unhealthy target healthy: 2 to 10; the default is 5.",
        ),
        key(
            "unhealthy_threshold",
            Shape::Whole(10),
            "So many failed checks in a row make a target unhealthy: 2 to 10; the default is 2.",
        ),
    ],
);

const MINIMUM: Record = Record::plain(
    "health_minimum",
    &[
        key("count", Shape::Whole(500), "So many healthy targets; 0 is off."),
        key(
            "percent",
            Shape::Whole(100),
            "Such a part of the targets that is healthy; 0 is off.",
        ),
    ],
);

const RECORD: Record = Record::plain(
    "target_group",
    &[
        key(
            "port",
            Shape::Whole(65_535),
            "The port of targets that name none.",
        )
        .required(),
        key(
            "protocol",
            Shape::Choice(&["tcp", "udp", "tcp_udp", "tls"]),
            "The protocol towards the targets; the default is tcp.",
        ),
        key(
            "type",
            Shape::Choice(&["instance", "ip"]),
            "Whether its targets are instances or addresses; else as the first target is written.",
        )
        .or(&["target_type"]),
        key(
            "targets",
            Shape::Many(&Shape::Either(&[Shape::Text, Shape::Record(&TARGET)])),
            "Its targets: `web-1`, `web-1:8080`, `10.0.1.5`.",
        ),
        key(
            "preserve_client_ip",
            Shape::Flag,
            "Whether targets see the client's address; the default is true for instances, for addresses only with UDP.",
        ),
        key(
            "cross_zone",
            Shape::Flag,
            "Whether targets of other zones get flows; else as the load balancer says.",
        ),
        key(
            "sticky",
            Shape::Flag,
            "Whether a client stays with one target; the default is false.",
        ),
        key(
            "health_check",
            Shape::Record(&HEALTH_CHECK),
            "How its targets are checked; the default is a TCP connection to the port of the traffic.",
        ),
        key(
            "dns_failover",
            Shape::Record(&MINIMUM),
            "Below how many healthy targets a zone leaves the DNS; the default is 1.",
        ),
        key(
            "routing_failover",
            Shape::Record(&MINIMUM),
            "Below how many healthy targets all of them get flows; the default is 1.",
        ),
        key(
            "resets_unhealthy",
            Shape::Flag,
            "Whether flows to a target that becomes unhealthy are reset; the default is true.",
        ),
        key(
            "proxy_protocol",
            Shape::Flag,
            "Whether the proxy protocol is on; the default is false.",
        ),
        key("id", Shape::Text, "AWS's id or ARN."),
        key("tags", Shape::Named(&Shape::Text), "Tags."),
    ],
);

/// The registration.
pub(crate) const NOUN: Noun = Noun {
    key: "target_groups",
    about: "Target groups of Network Load Balancers.",
    shape: Shape::Record(&RECORD),
    declare,
    connect: None,
};

/// The spellings of the target types.
pub(crate) const TYPES: [(&str, TargetType); 2] =
    [("instance", TargetType::Instance), ("ip", TargetType::Ip)];

/// The spellings of a target's health.
pub(crate) const HEALTH: [(&str, TargetHealth); 3] = [
    ("healthy", TargetHealth::Healthy),
    ("unhealthy", TargetHealth::Unhealthy),
    ("draining", TargetHealth::Draining),
];

fn declare(context: &mut Context<'_>, scope: Scope, entry: &Entry) -> Option<AnyId> {
    let what = format!("target group `{}`", entry.key);
    let fields = Fields::check(&entry.value, &RECORD, &what, context.findings);
    let label = context.label(entry, &fields);
    let targets: Vec<Target> = fields
        .items("targets")
        .iter()
        .filter_map(|node| read_target(context, scope, node))
        .collect();
    let by_target = match targets.first().map(|target| target.to) {
        Some(TargetAddress::Address(_)) => TargetType::Ip,
        _ => TargetType::Instance,
    };
    let findings = &mut *context.findings;
    let choice = |node: &Node, findings: &mut Findings| node.choice(&TYPES, findings);
    let target_type = fields.find("type").and_then(|node| choice(node, findings));
    let protocol = fields.find("protocol");
    let protocol = protocol.and_then(|node| node.choice(&ListenerProtocol::NAMES, findings));
    let group = TargetGroup {
        label,
        vpc: scope.vpc?,
        protocol: protocol.unwrap_or(ListenerProtocol::Tcp),
        port: read_port(fields.find("port"), findings)?,
        target_type: target_type.unwrap_or(by_target),
        targets,
        preserve_client_ip: fields.flag("preserve_client_ip", findings),
        cross_zone: fields.flag("cross_zone", findings),
        sticky: fields.flag("sticky", findings).unwrap_or(false),
        health_check: read_check(&fields, findings),
        dns_failover: read_minimum(&fields, "dns_failover", findings),
        routing_failover: read_minimum(&fields, "routing_failover", findings),
        resets_unhealthy: fields.flag("resets_unhealthy", findings).unwrap_or(true),
        proxy_protocol: fields.flag("proxy_protocol", findings).unwrap_or(false),
    };
    let id = context.topology.target_groups.push(group);
    Some(context.enter(id, scope))
}

fn read_check(fields: &Fields<'_>, findings: &mut Findings) -> HealthCheck {
    let mut check = HealthCheck::default();
    let Some(node) = fields.find("health_check") else {
        return check;
    };
    let fields = Fields::check(node, &HEALTH_CHECK, "the health check", findings);
    let protocol = fields.find("protocol");
    if let Some(protocol) = protocol.and_then(|node| node.choice(&HealthProtocol::NAMES, findings)) {
        check.protocol = protocol;
    }
    check.port = read_port(fields.find("port"), findings);
    if let Some(path) = fields.text("path", findings) {
        path.clone_into(&mut check.path);
    }
    if let Some(node) = fields.find("codes") {
        match node.as_text().and_then(HealthCheck::parse_codes) {
            Some(codes) => check.codes = codes,
            None => node.wrong_type("status codes (`200`, `200-299,301`)", findings),
        }
    }
    let mut number = |key: &str, first, last| {
        fields
            .find(key)
            .and_then(|node| node.whole(first, last, findings))
    };
    check.interval_s = number("interval_s", 5, 300).unwrap_or(check.interval_s);
    check.timeout_s = number("timeout_s", 2, 120);
    check.healthy_threshold = number("healthy_threshold", 2, 10).unwrap_or(check.healthy_threshold);
    check.unhealthy_threshold = number("unhealthy_threshold", 2, 10).unwrap_or(check.unhealthy_threshold);
    check
}

fn read_minimum(fields: &Fields<'_>, key: &str, findings: &mut Findings) -> HealthMinimum {
    let mut minimum = HealthMinimum::default();
    let Some(node) = fields.find(key) else {
        return minimum;
    };
    let fields = Fields::check(node, &MINIMUM, key, findings);
    if let Some(count) = fields.find("count") {
        minimum.count = count.whole(0, 500, findings).filter(|count| *count > 0);
    }
    let percent = fields.find("percent");
    let percent = percent.and_then(|node| node.whole(0, 100, findings));
    minimum.percent = percent.filter(|percent| *percent > 0);
    minimum
}

fn read_port(node: Option<&Node>, findings: &mut Findings) -> Option<u16> {
    node.and_then(|node| node.whole(1, u16::MAX, findings))
}

fn read_target(context: &mut Context<'_>, scope: Scope, node: &Node) -> Option<Target> {
    if node.is_mapping() {
        let fields = Fields::check(node, &TARGET, "the target", context.findings);
        let named = fields.find("target")?;
        let text = named.text("a target", context.findings)?;
        let to = read_address(context, scope, named, text)?;
        let health = fields
            .find("health")
            .and_then(|node| node.choice(&HEALTH, context.findings));
        let port = read_port(fields.find("port"), context.findings);
        return Some(Target { to, port, health });
    }
    let text = node.text(
        "an instance or an address, with or without a port",
        context.findings,
    )?;
    let is_name = context.names.find::<Instance>(scope.vpc, text).is_some();
    let with_port = text.rsplit_once(':').filter(|_| !is_name);
    let with_port = with_port.and_then(|(name, port)| Some((name, port.parse().ok()?)));
    let (name, port) = with_port.map_or((text, None), |(name, port)| (name, Some(port)));
    let to = read_address(context, scope, node, name)?;
    Some(Target {
        to,
        port,
        health: None,
    })
}

fn read_address(context: &mut Context<'_>, scope: Scope, node: &Node, text: &str) -> Option<TargetAddress> {
    if let Ok(address) = text.parse() {
        return Some(TargetAddress::Address(address));
    }
    let found = context.names.find::<Instance>(scope.vpc, text);
    if found.is_none() {
        context.unknown_reference(&[vpcsim_aws::Kind::Instance], scope, text, node.origin);
    }
    found.map(TargetAddress::Instance)
}
