//! AWS's own answer: the JSON of `aws ec2 describe-network-insights-analyses`, field for field (RAN-09 to RAN-17).
//!
//! Scripts and viewers that were written for the Reachability Analyzer read it; the traced packets stand behind it.
//!
//! # AWS semantics
//!
//! - For TCP the way back counts too: a path whose answers are lost was not found (RAN-07).
//! - Without a path there are explanations, with one there are the components of both ways (RAN-10).
//! - Components are numbered from 1, and a component has at most one of a network ACL's entry, a security group's rule and a route
//!   (RAN-11).
//! - Addresses are ranges, ports are ranges, protocols are numbers; the first component shows the whole header, the others what they
//!   changed (RAN-12).
//! - Rules are written with AWS's words: `createroute`, `createroutetable`, `allow`, `all` (RAN-13, RAN-14).
//! - Each explanation has the fields that belong to its code (RAN-15).
//! - What comes in passes network ACL, security group, interface, instance; what leaves passes instance, interface, security group,
//!   network ACL, route table, gateway (RAN-16).
//! - A path that crosses zones says where (RAN-17).
//!
//! # Where AWS is silent
//!
//! - A path that was not found ends with the component that stopped the packet, which carries the explanations too.
//! - Through a transit gateway the components are attachment, route table with its route, attachment; behind a load balancer its
//!   target group follows; behind an endpoint the service of the design, if it is one.
//! - Addresses and ports of headers are those of the packet that was sent, each a range of one.
//! - `StartDate` is the beginning of simulated time; ids are made from the question, so that equal questions have equal ids.
//! - Flows that AWS's analysis refuses (ICMP) are answered like TCP: both ways count.
//! - A verdict that is unknown is a path that was not found, with a warning that says what was not understood.

mod details;
mod explanations;
mod naming;
mod path;
mod rules;
mod shapes;

use vpcsim_analysis::{FlowQuery, Stop, Way};
use vpcsim_aws::{AnyId, Topology, drop_reason};

use crate::json::pretty;
use shapes::{AlternatePathHint, Analyses, Analysis, Explanation, PathComponent, Tag};

/// When every analysis starts: the beginning of simulated time.
const START_DATE: &str = "1970-01-01T00:00:00.000Z";

/// A question with the way that its packets took.
#[derive(Clone, Copy)]
pub struct Analysed<'a> {
    /// The question.
    pub query: &'a FlowQuery,
    /// What became of it.
    pub way: &'a Way,
    /// Whether the question's id is worth telling: it is one of several.
    pub is_one_of_many: bool,
}

/// All analyses as one document.
pub fn document(topology: &Topology, asked: &[Analysed<'_>]) -> String {
    let analyses = asked.iter().map(|asked| analysis(topology, asked));
    pretty(&Analyses {
        network_insights_analyses: analyses.collect(),
    })
}

fn analysis(topology: &Topology, asked: &Analysed<'_>) -> Analysis {
    let way = asked.way;
    let home = home(topology, way);
    let (path_id, analysis_id) = ids(topology, asked.query);
    let (region, account) = &home;
    let mut forward = path::components(topology, &way.forward, false, &[]);
    let opened = path::opened_by(&way.forward);
    let mut back =
        back_stops(way).map_or_else(Vec::new, |stops| path::components(topology, stops, true, &opened));
    let explanations = if way.is_found() {
        Vec::new()
    } else {
        explained(topology, way, &home, &mut forward, &mut back)
    };
    Analysis {
        network_insights_analysis_arn: format!(
            "arn:aws:ec2:{region}:{account}:network-insights-analysis/{analysis_id}"
        ),
        network_insights_analysis_id: analysis_id,
        network_insights_path_id: path_id,
        start_date: START_DATE,
        status: "succeeded",
        warning_message: warning(way),
        network_path_found: way.is_found(),
        forward_path_components: forward,
        return_path_components: back,
        explanations,
        alternate_path_hints: way.detours.iter().map(|any| hint(topology, *any)).collect(),
        tags: tags(asked),
    }
}

/// The way back, where it belongs to the path: answers to what arrived, of protocols that wait for one (RAN-07).
fn back_stops(way: &Way) -> Option<&[Stop]> {
    let arrived = way
        .forward
        .last()
        .is_some_and(|stop| stop.station == vpcsim_aws::station::DELIVER && stop.dropped.is_none());
    let counts = way.protocol != vpcsim_aws::Protocol::UDP;
    way.back.as_deref().filter(|_| arrived && counts)
}

/// Why no path was found. The component that stopped the packet carries the reasons too.
fn explained(
    topology: &Topology,
    way: &Way,
    home: &(String, String),
    forward: &mut [PathComponent],
    back: &mut [PathComponent],
) -> Vec<Explanation> {
    let causes = way.causes.iter();
    let of_way = |is_back| {
        let own = causes.clone().filter(move |cause| cause.is_back == is_back);
        own.map(|cause| explanations::explanation(topology, cause, home))
            .collect::<Vec<_>>()
    };
    let (there, returning) = (of_way(false), of_way(true));
    if let Some(last) = forward.last_mut() {
        last.explanations.clone_from(&there);
    }
    if let Some(last) = back.last_mut() {
        last.explanations.clone_from(&returning);
    }
    let is_routeless =
        |cause: &vpcsim_analysis::Cause| cause.is_back && cause.reason == drop_reason::NO_ROUTE;
    if causes.clone().any(is_routeless) {
        details::note_missing_response_route(forward);
    }
    let mut all = there;
    all.extend(returning);
    if all.is_empty() {
        let missing = way.answer.unread.first().filter(|_| way.answer.unknown);
        all.push(match missing {
            Some(missing) => explanations::unsupported(Some(missing.what.clone())),
            None => explanations::nobody_answers(forward.last().map(|last| last.component.clone())),
        });
    }
    all
}

/// The region and account of the first resource on the way.
fn home(topology: &Topology, way: &Way) -> (String, String) {
    let first = way.forward.iter().find_map(|stop| stop.owner);
    let first = first.or_else(|| way.causes.iter().find_map(|cause| cause.component));
    first.map_or_else(
        || (topology.region.clone(), "000000000000".to_owned()),
        |any| naming::home(topology, any),
    )
}

/// The ids of the path and of its analysis: the path is the question, the analysis asks it about a design.
fn ids(topology: &Topology, query: &FlowQuery) -> (String, String) {
    let text = |value: &dyn std::fmt::Display| value.to_string();
    let question = [
        query.source.clone(),
        query
            .src_ip
            .as_ref()
            .map_or_else(String::new, |value| text(value)),
        query.bind.as_ref().map_or_else(String::new, |value| text(value)),
        query.dst.clone(),
        query.protocol.to_ascii_lowercase(),
        query
            .dst_port
            .as_ref()
            .map_or_else(String::new, |value| text(value)),
        query
            .src_port
            .as_ref()
            .map_or_else(String::new, |value| text(value)),
        query
            .icmp_type
            .as_ref()
            .map_or_else(String::new, |value| text(value)),
        query
            .icmp_code
            .as_ref()
            .map_or_else(String::new, |value| text(value)),
    ];
    let mut question: Vec<&str> = question.iter().map(String::as_str).collect();
    let path = naming::digest(&question);
    question.extend([topology.name.as_str(), query.id.as_str()]);
    let analysis = naming::digest(&question);
    (format!("nip-0{path}"), format!("nia-0{analysis}"))
}

/// What was not understood and could change the answer.
fn warning(way: &Way) -> Option<String> {
    let notes = way.answer.unread.iter();
    let notes: Vec<String> = notes
        .map(|note| format!("{}: {}", note.what, note.effect))
        .collect();
    let verdict = if way.answer.unknown {
        "The verdict is unknown. "
    } else {
        ""
    };
    (!notes.is_empty() || way.answer.unknown)
        .then(|| format!("{verdict}{}", notes.join("; ")).trim_end().to_owned())
}

fn hint(topology: &Topology, any: AnyId) -> AlternatePathHint {
    let component = naming::component(topology, any);
    AlternatePathHint {
        component_id: component.id,
        component_arn: component.arn,
    }
}

/// The question in words, and of several the flow's own id.
fn tags(asked: &Analysed<'_>) -> Vec<Tag> {
    let query = asked.query;
    let port = query.dst_port.map_or_else(String::new, |port| format!("{port}/"));
    let mut tags = vec![Tag {
        key: "Name",
        value: format!("{} -> {}:{port}{}", query.source, query.dst, query.protocol),
    }];
    if asked.is_one_of_many {
        tags.push(Tag {
            key: "vpcsim:flow",
            value: query.id.clone(),
        });
    }
    tags
}
