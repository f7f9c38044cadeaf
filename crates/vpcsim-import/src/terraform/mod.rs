//! Terraform and `OpenTofu`: plans (`terraform show -json PLAN`), states (`terraform show -json`, `terraform.tfstate`).
//!
//! [`document`] reads a file into [`Instance`]s, each with what is known of it and what is not; [`configuration`] is the part
//! of a plan that says which argument refers to what; [`resolve`] fills in what is unknown by following those references, and
//! [`language`] evaluates what they leave open, if the configuration itself is there.
//!
//! A plan says what will stand once it is applied. What AWS decides only then (ids above all) is absent in it, which is
//! neither null nor empty: an id is then the resource's address, and `ID.attribute` stands for what nobody can know yet.

mod address;
mod configuration;
mod document;
mod filling;
mod functions;
mod kinds;
mod language;
mod resolve;

use rustc_hash::FxHashSet;
use serde_json::{Map, Value};
use vpcsim_aws::{Findings, Origin};

use crate::declared::Declared;
use address::{Index, ModulePath};
use configuration::Configuration;

/// Which half of a plan is meant.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Half {
    /// What stands before it is applied.
    Before,
    /// What stands then.
    #[default]
    After,
}

/// A file of Terraform.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Input<'t> {
    /// Which of the inputs it is.
    pub file: u32,
    /// Its path.
    pub name: &'t str,
    /// Its text.
    pub text: &'t str,
}

/// A resource or data source as a plan or a state has it.
#[derive(Clone, Debug)]
struct Instance {
    module: ModulePath,
    is_data: bool,
    kind: String,
    name: String,
    index: Option<Index>,
    values: Map<String, Value>,
    /// Where `values` is unknown: `true` in the place of what is.
    unknown: Map<String, Value>,
    origin: Origin,
}

/// What a file holds.
#[derive(Clone, Debug, Default)]
struct Held {
    instances: Vec<Instance>,
    configuration: Configuration,
    /// Whether it tells what stands, not what is planned.
    is_state: bool,
}

/// What was read: the resources, and the files that tell what stands already.
#[derive(Clone, Debug, Default)]
pub(crate) struct Evaluated {
    /// The resources.
    pub declared: Vec<Declared>,
    /// The files that are states.
    pub states: Vec<u32>,
}

/// Reads plans and states.
pub(crate) fn evaluate(
    inputs: &[Input<'_>],
    configuration: &[(String, String)],
    half: Half,
    strict: bool,
    findings: &mut Findings,
) -> Evaluated {
    let sources = language::Sources::parse(configuration, findings);
    let mut evaluated = Evaluated::default();
    let mut seen: FxHashSet<String> = FxHashSet::default();
    for input in inputs {
        let Some(held) = document::read(*input, half, findings) else {
            continue;
        };
        if held.is_state {
            evaluated.states.push(input.file);
        }
        // Two states may call different things alike: then all of the later one go by its file's name too.
        let own: Vec<String> = held.instances.iter().map(Instance::address).collect();
        let is_known =
            |(address, instance): (&String, &Instance)| !instance.is_data && seen.contains(address);
        let collides = own.iter().zip(&held.instances).any(is_known);
        let prefix = if collides {
            format!("{}:", crate::names::stem(input.name))
        } else {
            String::new()
        };
        seen.extend(own);
        evaluated
            .declared
            .extend(resolve::resolve(&held, &prefix, &sources, strict, findings));
    }
    evaluated
}

impl Instance {
    /// What its author calls it.
    fn address(&self) -> String {
        let data = if self.is_data { "data." } else { "" };
        let index = self.index.as_ref().map(ToString::to_string).unwrap_or_default();
        address::inside(&self.module, &format!("{data}{}.{}{index}", self.kind, self.name))
    }
}
