//! The JSON that `aws ec2 describe-*` prints: which account and region by the path, which noun by the top key.
//!
//! [`document`] splits a text into items without reading them, [`item`] reads each on its own, so that one broken
//! item costs only itself, [`registry`] lists the nouns, one file each. What is recognised but not modelled is in
//! [`unmodelled`].

mod appliance;
mod block_public_access;
mod build;
mod dhcp_options;
mod document;
mod elastic_ip;
mod endpoint_service;
mod insights_path;
mod instance;
mod internet_gateway;
mod item;
mod load_balancer;
pub(crate) mod made;
mod made_host;
mod managed_host;
mod nat_gateway;
mod network_acl;
mod network_interface;
mod peering_connection;
pub(crate) mod place;
mod prefix_list;
pub(crate) mod registry;
mod route_table;
mod security_group;
mod security_group_rule;
mod subnet;
mod target_group;
mod transit_gateway;
mod transit_gateway_attachment;
mod transit_gateway_route_table;
pub(crate) mod unmodelled;
mod vpc;
mod vpc_endpoint;

use vpcsim_aws::{Findings, Origin, Topology};

use crate::names::Names;
use crate::reading::SourceText;
use build::Build;
pub(crate) use document::{Document, Locator, documents};
use made::{Made, Role};
use registry::Dump;

/// Whether a top key belongs to an answer of AWS, read or not.
pub(crate) fn is_key(word: &str) -> bool {
    registry::KEYS.contains(&word) || unmodelled::is_key(word)
}

/// Reads all documents, and what templates and plans make, into the topology.
///
/// What is made goes first: a plan says what an account will be, a dump what it was. Gives back the places that speak of a VPC
/// of which the input holds nothing at all.
pub(crate) fn read(
    documents: &[Document<'_>],
    made: Vec<Made>,
    sources: &[SourceText],
    topology: &mut Topology,
    names: &mut Names,
    findings: &mut Findings,
) -> Vec<Origin> {
    if documents.is_empty() && made.is_empty() {
        return Vec::new();
    }
    let mut dump = Dump::default();
    let (wholes, others): (Vec<Made>, Vec<Made>) =
        made.into_iter().partition(|made| made.role == Role::Whole);
    let (known, parts): (Vec<Made>, Vec<Made>) =
        others.into_iter().partition(|made| made.role == Role::Known);
    for made in wholes {
        dump.make(made, findings);
    }
    for document in documents {
        let place = place::of_path(&sources[document.file as usize].name);
        dump.add(document, &place, findings);
    }
    for made in known.into_iter().chain(parts) {
        dump.make(made, findings);
    }
    let mut build = Build::new(topology, names, findings);
    dump.prepare(&mut build);
    dump.build(&mut build);
    block_public_access::derive(&mut build);
    appliance::assume(&mut build);
    let made_up = build.finish();
    if topology.name.is_empty() {
        topology.name = sources
            .first()
            .map(|source| place::design_name(&source.name))
            .unwrap_or_default();
    }
    if topology.region.is_empty() {
        let first = topology.vpcs.iter().find(|(_, vpc)| !vpc.region.is_empty());
        topology.region = first.map(|(_, vpc)| vpc.region.clone()).unwrap_or_default();
    }
    let rangeless = made_up
        .into_iter()
        .map(|id| &topology.vpcs[id])
        .filter(|vpc| vpc.cidrs.is_empty());
    rangeless.map(|vpc| vpc.label.origin).collect()
}
