//! A flow's way in ids instead of words: for reports that need the resources and rules themselves.
//!
//! An [`Answer`] is for people: names and sentences. A [`Way`] says the same with the ids of the design, from the same packets.

use std::net::Ipv4Addr;

use vpcsim_aws::devices::network_acl::DEFAULT_ENTRY;
use vpcsim_aws::devices::transit_gateway_attachment::AttachmentEnd;
use vpcsim_aws::devices::{PeeringConnection, RouteTable, Vpc};
use vpcsim_aws::{AnyId, Compiled, Id, Protocol, Topology, drop_reason};
use vpcsim_engine::wire::{Summary, summarize};
use vpcsim_engine::{Decision, DropReason, Station};

use crate::answer::{Answer, Capture, FlowQuery, Verdict};
use crate::endpoint::QuestionError;
use crate::question::Question;
use crate::recorder::{Recorder, StepEvent, Trail, TrailStep};
use crate::simulation::{Options, Simulation};

/// An answer with the way that its packets took.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Way {
    /// The answer.
    pub answer: Answer,
    /// The protocol that was asked about.
    pub protocol: Protocol,
    /// The way there.
    pub forward: Vec<Stop>,
    /// The way back of the first answer, if there was one.
    pub back: Option<Vec<Stop>>,
    /// Why it failed: one for each explanation of the answer, in the same order.
    pub causes: Vec<Cause>,
    /// What a route could lead to so that the packet comes nearer to its destination, where it had no route.
    pub detours: Vec<AnyId>,
}

/// One station that a packet passed or died at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stop {
    /// The station.
    pub station: Station,
    /// Whose node it was: the interface, the subnet, the gateway; `None` for the outside and the platform.
    pub owner: Option<AnyId>,
    /// Who decided: the network ACL, the route table, the security group; the owner where no rule was asked.
    pub decider: Option<AnyId>,
    /// The rule that decided.
    pub rule: Option<Rule>,
    /// For a drop: why.
    pub dropped: Option<DropReason>,
    /// The header as it came.
    pub before: Header,
    /// The header as it left.
    pub after: Header,
}

/// A rule of a resource, by the number that [`Topology::rule_text`] knows it by.
///
/// Listeners of a load balancer and targets of a target group are numbered by their place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rule {
    /// Whose rule it is.
    pub of: AnyId,
    /// Its number there.
    pub number: usize,
}

impl Rule {
    /// Rule `number` of a resource.
    pub fn new(of: impl Into<AnyId>, number: usize) -> Self {
        Self {
            of: of.into(),
            number,
        }
    }

    /// Whether it is the implied last entry of a network ACL.
    pub fn is_default_entry(self) -> bool {
        self.number == DEFAULT_ENTRY as usize
    }
}

/// The addresses and ports of a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// The protocol.
    pub protocol: Protocol,
    /// The sender.
    pub source: Ipv4Addr,
    /// The sender's port, where the protocol has ports.
    pub source_port: Option<u16>,
    /// The receiver.
    pub destination: Ipv4Addr,
    /// The receiver's port, where the protocol has ports.
    pub destination_port: Option<u16>,
}

impl Header {
    fn of(summary: &Summary) -> Self {
        let key = summary.key;
        let port = |port| summary.has_ports().then_some(port);
        Self {
            protocol: summary.protocol(),
            source: key.source(),
            source_port: port(key.source_port()),
            destination: key.destination(),
            destination_port: port(key.destination_port()),
        }
    }
}

/// Why a packet ended, in ids.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cause {
    /// AWS's code, or the drop reason's name where AWS has none.
    pub code: String,
    /// Whether it was an answer that ended.
    pub is_back: bool,
    /// The drop reason.
    pub reason: DropReason,
    /// Who is to blame.
    pub component: Option<AnyId>,
    /// Whose node it was.
    pub owner: Option<AnyId>,
    /// The rule that the code is about.
    pub rule: Option<Rule>,
    /// The packet; `None` if nothing was sent.
    pub header: Option<Header>,
}

impl Simulation {
    /// Sends one flow through a network of its own, like [`trace`](Self::trace), and gives its way in ids.
    ///
    /// # Errors
    /// [`QuestionError`] if the query names nobody or asks for what cannot be sent.
    pub fn way(&self, query: &FlowQuery, options: &Options) -> Result<(Way, Capture), QuestionError> {
        let question = self.question(query)?;
        let mut network = self.recorded_network(options);
        let (answer, outcome) = self.answer_with_outcome(&mut network, &question, query);
        let mut way = self.unsent_way(answer, &question);
        if let Some(recorder) = network.observer_mut::<Recorder>() {
            self.read_way(recorder, &question, outcome.as_ref(), &mut way);
        }
        way.detours = detours(self.topology(), &way.causes);
        let capture = self.capture_of(&mut network, options);
        Ok((way, capture))
    }

    /// The way of a source that sent nothing.
    fn unsent_way(&self, answer: Answer, question: &Question) -> Way {
        let owner = self.compiled().owner(question.node);
        let cause = |code: String| Cause {
            code,
            is_back: false,
            reason: drop_reason::NOT_SENT,
            component: owner,
            owner,
            rule: None,
            header: None,
        };
        let causes = answer
            .explanations
            .iter()
            .map(|explanation| cause(explanation.code.clone()));
        Way {
            protocol: question.protocol,
            forward: Vec::new(),
            back: None,
            causes: causes.collect(),
            detours: Vec::new(),
            answer,
        }
    }

    fn read_way(
        &self,
        recorder: &Recorder,
        question: &Question,
        outcome: Option<&vpcsim_hosts::Outcome>,
        way: &mut Way,
    ) {
        let Some((forward, back)) = crate::trace::trails(recorder, question, outcome) else {
            return;
        };
        let explainer = self.explainer();
        way.forward = self.stops(forward);
        way.back = back.map(|back| self.stops(back));
        way.causes = explainer.causes(forward, &way.answer.forward, false);
        if let (Some(back), Some(leg)) = (back, &way.answer.back) {
            way.causes.extend(explainer.causes(back, leg, true));
        }
    }

    fn stops(&self, trail: &Trail) -> Vec<Stop> {
        trail.steps.iter().filter_map(|step| self.stop(step)).collect()
    }

    fn stop(&self, step: &TrailStep) -> Option<Stop> {
        let compiled = self.compiled();
        let after = Header::of(&summarize(&step.bytes).ok()?);
        let before = step.before.as_deref().and_then(|bytes| summarize(bytes).ok());
        let (decision, dropped) = match step.event {
            StepEvent::Pass { decision, .. } => (Some(decision), None),
            StepEvent::Drop { reason, decision } => (Some(decision), Some(reason)),
            StepEvent::Emit | StepEvent::Deliver => (None, None),
        };
        let owner = compiled.owner(step.node);
        let decider = decision.and_then(|decision| compiled.decider(decision.component));
        Some(Stop {
            station: step.station(),
            owner,
            decider: decider.or(owner),
            rule: decision.and_then(|decision| rule(compiled, decision)),
            dropped,
            before: before.map_or(after, |summary| Header::of(&summary)),
            after,
        })
    }
}

/// The rule that decided, if a single rule did.
pub(crate) fn rule(compiled: &Compiled, decision: Decision) -> Option<Rule> {
    let number = decision.rule_index()?;
    Some(Rule {
        of: compiled.decider(decision.component)?,
        number,
    })
}

/// The header of a dropped packet.
pub(crate) fn header(summary: &Summary) -> Header {
    Header::of(summary)
}

/// What a route could lead to where a packet had none.
fn detours(topology: &Topology, causes: &[Cause]) -> Vec<AnyId> {
    let lost = causes.iter().find(|cause| cause.reason == drop_reason::NO_ROUTE);
    let Some((table, header)) =
        lost.and_then(|cause| Some((cause.component?.downcast::<RouteTable>()?, cause.header?)))
    else {
        return Vec::new();
    };
    let (vpc, destination) = (topology.route_tables[table].vpc, header.destination);
    let holds = |vpc: Id<Vpc>| {
        let mut ranges = topology.vpcs[vpc].cidrs.iter();
        ranges.any(|cidr| cidr.associated && cidr.net.contains(&destination))
    };
    let peerings = topology.peering_connections.iter();
    let mut found: Vec<AnyId> = peerings
        .filter(|(_, peering)| far_side(peering, vpc).is_some_and(holds))
        .map(|(id, _)| id.into())
        .collect();
    found.extend(transit_detours(topology, vpc, holds));
    if !vpcsim_aws::public_address::is_private(destination) {
        let gateways = topology.internet_gateways.iter();
        found.extend(
            gateways
                .filter(|(_, row)| row.vpc == Some(vpc))
                .map(|(id, _)| AnyId::from(id)),
        );
        let gateways = topology.nat_gateways.iter();
        let here = gateways.filter(|(_, row)| topology.subnets[row.subnet].vpc == vpc);
        found.extend(here.map(|(id, _)| AnyId::from(id)));
    }
    found
}

fn far_side(peering: &PeeringConnection, near: Id<Vpc>) -> Option<Id<Vpc>> {
    match (peering.requester, peering.accepter) {
        (Some(here), other) | (other, Some(here)) if here == near => other,
        _ => None,
    }
}

/// The transit gateways that the VPC is attached to, as is a VPC that has the destination.
fn transit_detours(topology: &Topology, vpc: Id<Vpc>, holds: impl Fn(Id<Vpc>) -> bool) -> Vec<AnyId> {
    let attachments = || topology.transit_gateway_attachments.iter().map(|(_, row)| row);
    let here =
        attachments().filter(|row| matches!(row.end, AttachmentEnd::Vpc { vpc: own, .. } if own == vpc));
    let reaches = |gateway| {
        let mut others = attachments().filter(|row| row.gateway == gateway);
        others.any(|row| row.vpc().is_some_and(|other| other != vpc && holds(other)))
    };
    here.filter(|row| reaches(row.gateway))
        .map(|row| row.gateway.into())
        .collect()
}

impl Way {
    /// Whether the path was found: the first packet arrives and, unless the protocol waits for no answer, one comes back.
    ///
    /// What rests on something unknown was not found.
    pub fn is_found(&self) -> bool {
        let arrives = self.answer.forward.verdict == Verdict::Delivered;
        let suffices = self.answer.round_trip || self.protocol == Protocol::UDP;
        arrives && suffices && !self.answer.unknown
    }
}
