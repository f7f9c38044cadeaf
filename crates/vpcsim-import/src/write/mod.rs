//! The native format from a topology: names instead of ids, and nothing that is implied.
//!
//! [`yaml`] is how it looks; the other modules say what is written, noun by noun. A reference is written in the first
//! spelling that the reader resolves to the same resource.

mod compute;
mod design;
mod endpoints;
mod load_balancers;
mod managed_hosts;
mod network;
mod public_access;
mod reference;
mod security;
mod transit;
mod yaml;

use std::collections::BTreeSet;

use vpcsim_aws::{AnyId, Kind, Label, Origin, Topology};

use crate::{Source, read};
use reference::References;

/// What is written, and what is left to the completion.
pub(crate) struct Writer<'t> {
    /// The topology.
    topology: &'t Topology,
    /// The spellings of references.
    references: References<'t>,
    /// What reading makes by itself.
    implied: BTreeSet<AnyId>,
}

/// Writes a topology.
pub(crate) fn write(topology: &Topology) -> String {
    let whole = write_without(topology, BTreeSet::new());
    let implied = implied(topology);
    if implied.is_empty() {
        return whole;
    }
    // Whether what is left out comes back exactly is not guessed but tried.
    let short = write_without(topology, implied);
    let back = read(vec![Source {
        name: String::new(),
        bytes: short.clone().into_bytes(),
    }]);
    let same = !back.findings.has_errors() && write_without(&back.topology, BTreeSet::new()) == whole;
    if same { short } else { whole }
}

fn write_without(topology: &Topology, implied: BTreeSet<AnyId>) -> String {
    let writer = Writer {
        topology,
        references: References::of(topology),
        implied,
    };
    yaml::document(writer.design())
}

/// What may have been made by completing the design.
fn implied(topology: &Topology) -> BTreeSet<AnyId> {
    let made = |label: &Label| label.id.is_none() && label.tags.is_empty() && label.origin == Origin::NOWHERE;
    let is_default = |any: AnyId| match any.kind {
        Kind::RouteTable => topology.route_tables[any.id()].main,
        Kind::NetworkAcl => topology.network_acls[any.id()].default,
        Kind::SecurityGroup => topology.security_groups[any.id()].default,
        _ => false,
    };
    let resources = topology.resources();
    resources
        .filter(|any| is_default(*any) && topology.label(*any).is_some_and(made))
        .collect()
}
