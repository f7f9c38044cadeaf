//! The native format: a design in YAML, for people.
//!
//! [`load`] makes nodes of the text, [`node`] and [`shape`] read them with positions and without ever stopping at
//! the first error, [`registry`] lists the nouns, one file each. [`words`] are the small languages inside strings.

mod appliance;
pub(crate) mod block_public_access;
pub(crate) mod context;
pub(crate) mod dhcp_options;
pub(crate) mod elastic_ip;
pub(crate) mod endpoint_service;
pub(crate) mod expectation;
pub(crate) mod instance;
pub(crate) mod internet_gateway;
pub(crate) mod internet_host;
pub(crate) mod load;
mod load_balancer;
pub(crate) mod managed_host;
pub(crate) mod nat_gateway;
pub(crate) mod network_acl;
pub(crate) mod network_interface;
pub(crate) mod node;
pub(crate) mod peering_connection;
pub(crate) mod prefix_list;
pub(crate) mod regional_nat_gateway;
pub(crate) mod registry;
pub(crate) mod route_table;
pub(crate) mod schema;
pub(crate) mod security_group;
pub(crate) mod settings;
pub(crate) mod shape;
pub(crate) mod subnet;
pub(crate) mod suggest;
pub(crate) mod target_group;
pub(crate) mod transit_gateway;
pub(crate) mod unread;
pub(crate) mod vpc;
pub(crate) mod vpc_endpoint;
pub(crate) mod words;

use vpcsim_aws::AnyId;

use context::{Context, Scope};
use node::{Entry, Node};
use registry::{Noun, TOP_NOUNS, VPC_NOUNS};
use shape::{Fields, Record, Shape, key};

/// The record of a whole design.
pub(crate) const DESIGN: Record = Record {
    name: "design",
    keys: &[
        key("name", Shape::Text, "What the design is called."),
        key(
            "region",
            Shape::Text,
            "The region of whatever does not say another.",
        ),
        key(
            "settings",
            Shape::Optional(&settings::RECORD),
            "Defaults that the design overrides.",
        ),
        key(
            "expect",
            Shape::Many(&expectation::SHAPE),
            "What shall be reachable and what not, a line each.",
        )
        .or(&["expectations"]),
        key(
            "unread",
            Shape::Many(&unread::SHAPE),
            "What an importer recognised and the simulator does not model.",
        ),
    ],
    nouns: TOP_NOUNS,
    open: None,
};

/// The keys that make a YAML or JSON document a native design.
pub(crate) fn is_key_of_a_design(word: &str) -> bool {
    DESIGN.names().any(|name| name == word)
}

/// A declared thing that may have to be completed.
struct Declared<'n> {
    noun: &'static Noun,
    scope: Scope,
    entry: &'n Entry,
    any: AnyId,
}

/// Reads designs into the topology; several share one set of names.
pub(crate) fn read(roots: &[Node], context: &mut Context<'_>) {
    let check =
        |node, context: &mut Context<'_>| Fields::check(node, &DESIGN, "the design", context.findings);
    let designs: Vec<Fields<'_>> = roots.iter().map(|node| check(node, context)).collect();
    for design in &designs {
        read_header(design, context);
    }
    let mut declared = Vec::new();
    for noun in TOP_NOUNS {
        for design in &designs {
            let entries = design.named(noun.key, context.findings);
            declare_all(noun, Scope::TOP, entries, context, &mut declared);
        }
    }
    declare_inside(context, &mut declared);
    for item in declared {
        if let Some(connect) = item.noun.connect {
            connect(context, item.scope, item.entry, item.any);
        }
    }
    let read_before = context.topology.expectations.len();
    for design in &designs {
        expectation::read(design, context);
        unread::read(design, context);
    }
    expectation::check(read_before, context);
}

fn read_header(design: &Fields<'_>, context: &mut Context<'_>) {
    if let Some(name) = design.text("name", context.findings) {
        name.clone_into(&mut context.topology.name);
    }
    if let Some(region) = design.text("region", context.findings) {
        region.clone_into(&mut context.topology.region);
    }
    if let Some(node) = design.find("settings") {
        settings::read(node, context);
    }
}

fn declare_all<'n>(
    noun: &'static Noun,
    scope: Scope,
    entries: &'n [Entry],
    context: &mut Context<'_>,
    declared: &mut Vec<Declared<'n>>,
) {
    for entry in entries {
        if let Some(any) = (noun.declare)(context, scope, entry) {
            declared.push(Declared {
                noun,
                scope,
                entry,
                any,
            });
        }
    }
}

/// Declares what is inside the VPCs, noun by noun, since nouns refer to those before them.
fn declare_inside(context: &mut Context<'_>, declared: &mut Vec<Declared<'_>>) {
    let vpcs: Vec<_> = declared
        .iter()
        .filter_map(|item| item.any.downcast().map(|vpc| (vpc, vpc::fields(item.entry))))
        .collect();
    for noun in VPC_NOUNS {
        for (vpc, fields) in &vpcs {
            let entries = fields.named(noun.key, context.findings);
            declare_all(noun, Scope::inside(*vpc), entries, context, declared);
        }
    }
}
