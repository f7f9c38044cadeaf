//! From a packet's trail to the hops, the verdict and the blame that an answer holds.

use std::net::Ipv4Addr;

use vpcsim_aws::compile::Compiled;
use vpcsim_aws::devices::{AnyId, InternetHost, Kind};
use vpcsim_aws::{Id, Resource, drop_reason, station};
use vpcsim_engine::wire::{describe, summarize};
use vpcsim_engine::{Decision, DropReason, NodeId, Time};

use crate::answer::{Hop, Leg, Verdict};
use crate::recorder::{StepEvent, Trail, TrailStep};

/// A component as an answer names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Component {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) kind: String,
}

/// Who is blamed for a drop: the only security group of an interface for what its rules do not allow, else who decided, else
/// whoever's node it was.
pub(crate) fn blamed(
    compiled: &Compiled,
    reason: DropReason,
    decision: Decision,
    node: NodeId,
) -> Option<AnyId> {
    let any = compiled
        .decider(decision.component)
        .or_else(|| compiled.owner(node))?;
    if !matches!(reason, drop_reason::SG_EGRESS | drop_reason::SG_INGRESS)
        || any.kind != Kind::NetworkInterface
    {
        return Some(any);
    }
    match compiled.topology.network_interfaces[any.id()].security_groups[..] {
        [only] => Some(only.into()),
        _ => Some(any),
    }
}

fn component(compiled: &Compiled, any: AnyId) -> Component {
    let label = compiled.topology.label(any);
    Component {
        id: label.map_or_else(String::new, |label| label.id_or_name().to_owned()),
        name: label.map_or_else(String::new, |label| label.name.clone()),
        kind: any.kind.noun().to_owned(),
    }
}

fn outside_host(compiled: &Compiled, address: Option<Ipv4Addr>) -> Component {
    let declared: Option<Id<InternetHost>> = compiled
        .topology
        .internet_hosts
        .iter()
        .find(|(_, host)| Some(host.address) == address)
        .map(|(id, _)| id);
    declared.map_or_else(
        || {
            let name = address.map_or_else(|| "internet".to_owned(), |address| address.to_string());
            Component {
                id: name.clone(),
                name,
                kind: InternetHost::KIND.noun().to_owned(),
            }
        },
        |id| component(compiled, id.into()),
    )
}

fn platform(name: &str) -> Component {
    Component {
        id: name.to_owned(),
        name: name.to_owned(),
        kind: "AWS".to_owned(),
    }
}

/// Whose node it is.
fn at_node(compiled: &Compiled, node: NodeId, packet: Option<&[u8]>, is_sender: bool) -> Component {
    let fixed = compiled.fixed;
    if let Some(any) = compiled.owner(node) {
        return component(compiled, any);
    }
    match node {
        node if node == fixed.internet_hosts => {
            let summary = packet.and_then(|packet| summarize(packet).ok());
            let address = summary.map(|summary| {
                if is_sender {
                    summary.source()
                } else {
                    summary.destination()
                }
            });
            outside_host(compiled, address)
        }
        node if node == fixed.internet => outside_host(compiled, None),
        node if node == fixed.metadata => platform("instance metadata service"),
        node if node == fixed.time_sync => platform("time service"),
        node if node == fixed.dhcp => platform("DHCP service"),
        _ => platform("service"),
    }
}

fn component_of(compiled: &Compiled, step: &TrailStep) -> Component {
    let of_node = |is_sender| at_node(compiled, step.node, Some(&step.bytes), is_sender);
    match step.event {
        StepEvent::Emit => of_node(true),
        StepEvent::Deliver => of_node(false),
        StepEvent::Pass { decision, .. } => compiled
            .decider(decision.component)
            .map_or_else(|| of_node(false), |any| component(compiled, any)),
        StepEvent::Drop { reason, decision } => blamed(compiled, reason, decision, step.node).map_or_else(
            || of_node(step.station() == station::EMIT),
            |any| component(compiled, any),
        ),
    }
}

fn rule_of(compiled: &Compiled, step: &TrailStep) -> Option<String> {
    match step.event {
        StepEvent::Pass { decision, .. } | StepEvent::Drop { decision, .. } => {
            compiled.rule_text(decision).map(|words| words.to_string())
        }
        StepEvent::Emit | StepEvent::Deliver => None,
    }
}

/// Whether it is the very copy: the recorder makes one for each rewriting, and steps share it.
fn is_same(one: &[u8], other: &[u8]) -> bool {
    std::ptr::eq(one, other)
}

/// The packet's one-line header; most steps leave the packet as the step before left it.
fn header(packet: &[u8], previous: Option<(&TrailStep, &Hop)>) -> String {
    match previous {
        Some((before, hop)) if is_same(&before.bytes, packet) => hop.packet.clone(),
        _ => describe(packet),
    }
}

fn hop(
    compiled: &Compiled,
    trail: &Trail,
    step: &TrailStep,
    previous: Option<(&TrailStep, &Hop)>,
    start: Time,
) -> Hop {
    let Component { id, name, kind } = component_of(compiled, step);
    Hop {
        station: station::name(step.station()).to_owned(),
        component: id,
        name,
        kind,
        rule: rule_of(compiled, step),
        passed: !matches!(step.event, StepEvent::Drop { .. }),
        packet: header(&step.bytes, previous),
        before: step.before.as_deref().map(|packet| header(packet, previous)),
        time_ns: step.time.since(start).as_ns(),
        frame: trail.frame(step),
    }
}

/// The leg that a packet's trail shows, with times counted from `start`.
pub(crate) fn leg(compiled: &Compiled, trail: &Trail, start: Time) -> Leg {
    let mut hops: Vec<Hop> = Vec::with_capacity(trail.steps.len());
    for (index, step) in trail.steps.iter().enumerate() {
        let previous = index.checked_sub(1).and_then(|index| trail.steps.get(index));
        hops.push(hop(compiled, trail, step, previous.zip(hops.last()), start));
    }
    let mut leg = Leg {
        verdict: Verdict::Dropped,
        trail: hops,
        reason: None,
        component: None,
        rule: None,
    };
    match trail.end().map(|step| (step.event, step)) {
        Some((StepEvent::Deliver, _)) => leg.verdict = Verdict::Delivered,
        Some((StepEvent::Drop { reason, .. }, step)) => {
            if drop_reason::is_unknown(reason) {
                leg.verdict = Verdict::Unknown;
            }
            leg.reason = Some(reason_name(reason));
            leg.component = Some(component_of(compiled, step).id);
            leg.rule = rule_of(compiled, step);
        }
        _ => {}
    }
    leg
}

/// The leg of a source that sent nothing.
pub(crate) fn nothing_sent(compiled: &Compiled, node: NodeId) -> Leg {
    let Component { id, name, kind } = at_node(compiled, node, None, true);
    let info = drop_reason::info(drop_reason::NOT_SENT).expect("the reason is in the list");
    Leg {
        verdict: Verdict::Dropped,
        reason: Some(info.name.to_owned()),
        component: Some(id.clone()),
        rule: None,
        trail: vec![Hop {
            station: station::name(info.station).to_owned(),
            component: id,
            name,
            kind,
            rule: None,
            passed: false,
            packet: "nothing".to_owned(),
            before: None,
            time_ns: 0,
            frame: None,
        }],
    }
}

/// The name of a drop reason.
pub(crate) fn reason_name(reason: DropReason) -> String {
    drop_reason::info(reason).map_or_else(|| format!("REASON_{}", reason.0), |info| info.name.to_owned())
}
