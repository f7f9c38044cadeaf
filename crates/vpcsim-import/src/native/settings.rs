//! `settings:` of a design.

use vpcsim_aws::latency::LatencyPair;
use vpcsim_aws::rate_limit::Limits;
use vpcsim_aws::{Finding, Findings, Settings, Span};

use super::context::Context;
use super::node::Node;
use super::shape::{Fields, Record, Shape, key};
use super::subnet;

/// The keys of `settings:`.
pub(crate) const RECORD: Record = Record::plain(
    "settings",
    &[
        key(
            "latency_same_az",
            Shape::Span,
            "One way between two interfaces of one availability zone.",
        ),
        key(
            "latency_cross_az",
            Shape::Span,
            "One way between two availability zones of a region.",
        ),
        key(
            "latency_cross_region",
            Shape::Span,
            "One way between two regions.",
        ),
        key(
            "latency_internet",
            Shape::Span,
            "One way between an internet gateway and a host on the internet.",
        ),
        key(
            "latencies",
            Shape::Many(&Shape::Record(&PAIR)),
            "Pairs of availability zones, or of regions, that differ from the spans above.",
        ),
        key(
            "internet_answers",
            Shape::Flag,
            "Whether public addresses that nobody declared answer.",
        ),
        key(
            "limits",
            Shape::Flag,
            "Whether gateways, endpoints and instances are held to bandwidth and packet rates; the default is true.",
        ),
        key(
            "tracked_connections_max",
            Shape::Whole(u32::MAX as u64),
            "Connections that one instance's security groups track at the most.",
        ),
    ],
);

/// A pair of places under `latencies:`.
const PAIR: Record = Record::plain(
    "latency",
    &[
        key(
            "between",
            Shape::Many(&Shape::Text),
            "Two zones of one region, by id (`euw1-az1`), name or letter, or two regions.",
        )
        .required(),
        key(
            "one_way",
            Shape::Span,
            "One way between the two, in either direction.",
        )
        .required(),
    ],
);

/// Where a time span stands among the settings.
type SpanPlace = fn(&mut Settings) -> &mut Span;

/// The time spans among the settings.
pub(crate) const SPANS: [(&str, SpanPlace); 4] = [
    ("latency_same_az", |settings| &mut settings.latency_same_az),
    ("latency_cross_az", |settings| &mut settings.latency_cross_az),
    ("latency_cross_region", |settings| {
        &mut settings.latency_cross_region
    }),
    ("latency_internet", |settings| &mut settings.latency_internet),
];

/// Reads the settings that are written; the others keep their defaults.
pub(crate) fn read(node: &Node, context: &mut Context<'_>) {
    let fields = Fields::check(node, &RECORD, "the settings", context.findings);
    let settings = &mut context.topology.settings;
    for (name, place) in SPANS {
        if let Some(span) = fields.find(name).and_then(|node| node.span(context.findings)) {
            *place(settings) = span;
        }
    }
    for pair in fields.items("latencies") {
        let read = latency(pair, &context.topology.region, context.findings);
        context.topology.settings.latencies.extend(read);
    }
    let settings = &mut context.topology.settings;
    if let Some(answers) = fields.flag("internet_answers", context.findings) {
        settings.internet_answers = answers;
    }
    if let Some(limits) = fields.flag("limits", context.findings) {
        settings.limits = limits.then(Limits::default);
    }
    let tracked = fields.find("tracked_connections_max");
    if let Some(tracked) = tracked.and_then(|node| node.whole(1, u32::MAX, context.findings)) {
        settings.tracked_connections_max = tracked;
    }
}

fn latency(node: &Node, region: &str, findings: &mut Findings) -> Option<LatencyPair> {
    let fields = Fields::check(node, &PAIR, "the latency", findings);
    let named: Vec<&str> = fields
        .items("between")
        .iter()
        .filter_map(|place| place.text("a zone or a region", findings))
        .collect();
    let one_way = fields.find("one_way").and_then(|node| node.span(findings));
    let [one, other] = named[..] else {
        let message = format!("the latency is between {} places; it takes two", named.len());
        findings.push(Finding::error("wrong-type", node.origin, message));
        return None;
    };
    let place = |name: &str| subnet::zone_name(name, region);
    Some(LatencyPair {
        between: [place(one), place(other)],
        one_way: one_way?,
        origin: node.origin,
    })
}
