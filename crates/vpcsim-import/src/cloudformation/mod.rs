//! CloudFormation templates and the output of the CDK: evaluated to the resources that they declare.
//!
//! # Map, in reading order
//!
//! - `recognise`: which of a directory's files is what.
//! - `template`, `json`: reading a file into nodes that know their place; short forms (`!Ref`) become long ones.
//! - `stacks`, `cdk`: templates under names; nested stacks, loops.
//! - `evaluator`: nodes to JSON. `functions`, `references`, `attributes`, `logic`, `cidr`, `base64`, `zones`: the functions.
//! - `parameters`: values that the user gives, or that are assumed. `opaque`: texts that only AWS knows.
//! - `parameter_checks`, `rules`, `circles`: what CloudFormation checks before it deploys.
//!
//! Everything is evaluated when it is needed, and at most once: the order of templates and of sections never matters.

mod attributes;
mod base64;
mod cdk;
mod cidr;
mod circles;
mod evaluator;
mod functions;
mod json;
mod logic;
mod opaque;
mod parameter_checks;
mod parameters;
mod recognise;
mod references;
mod resources;
mod rules;
mod stacks;
mod template;
#[cfg(test)]
mod tests;
mod zones;

use std::collections::BTreeSet;

use vpcsim_aws::{Finding, Findings};

pub(crate) use recognise::{Role, role_of};

use crate::declared::Declared;
use cdk::Artifact;
use evaluator::Evaluator;
use parameters::Given;
use stacks::Stack;
use template::Document;

/// A file of the input.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Template<'t> {
    /// Its place among the inputs.
    pub(crate) file: u32,
    /// Its path.
    pub(crate) name: &'t str,
    /// Its text.
    pub(crate) text: &'t str,
}

/// The files of the input by what they are.
#[derive(Clone, Debug, Default)]
pub(crate) struct Files<'t> {
    /// Templates.
    pub(crate) templates: Vec<Template<'t>>,
    /// Files with values of parameters.
    pub(crate) parameters: Vec<Template<'t>>,
    /// The `manifest.json` of `cdk.out` directories.
    pub(crate) manifests: Vec<Template<'t>>,
}

/// What the user says about the deployment.
#[derive(Clone, Debug, Default)]
pub(crate) struct Options {
    /// Values of parameters by name.
    pub(crate) parameters: Vec<(String, String)>,
    /// The region; `us-east-1` if empty.
    pub(crate) region: String,
    /// The account; a made-up one if empty.
    pub(crate) account: String,
    /// The name of the stack, if there is only one; that of the file if empty.
    pub(crate) stack_name: String,
}

/// Evaluates templates to what they declare.
pub(crate) fn evaluate(files: &Files<'_>, options: &Options, findings: &mut Findings) -> Vec<Declared> {
    let templates = files.templates.iter();
    let documents: Vec<Document> = templates
        .filter_map(|template| Document::load(template, findings))
        .collect();
    let mut given = Given::default();
    for (name, value) in &options.parameters {
        given.values.insert(name.clone(), (value.clone(), None));
    }
    for file in &files.parameters {
        if let Some(root) = template::load_any(file, findings) {
            given.add_file(&root, findings);
        }
    }
    let mut artifacts = Vec::new();
    for manifest in &files.manifests {
        artifacts.extend(cdk::stacks(manifest, findings));
    }
    for artifact in &artifacts {
        check_artifact(artifact, &documents, findings);
    }
    let size = files.templates.iter().map(|template| template.text.len()).sum();
    let mut evaluator = Evaluator::new(&documents, given, size);
    for stack in roots(&documents, &artifacts, files, options, &mut evaluator.findings) {
        evaluator.add_stack(stack);
    }
    evaluator.check_unused();
    evaluator.nest();
    evaluator.index_exports();
    let declared = evaluator.declare();
    findings.extend(evaluator.findings);
    declared
}

/// A stack of a manifest whose template is not there is not seen.
fn check_artifact(artifact: &Artifact, documents: &[Document], findings: &mut Findings) {
    if documents
        .iter()
        .all(|document| document.name != artifact.template)
    {
        let message = format!(
            "the template `{}` of the stack `{}` is not in the input",
            artifact.template, artifact.name
        );
        findings.push(
            Finding::warning("cdk-template-missing", artifact.origin, message)
                .help("give the whole directory, as `cdk synth` writes it"),
        );
    }
}

/// The stacks that stand for themselves: those of manifests, and templates that no other one nests.
fn roots<'t>(
    documents: &'t [Document],
    artifacts: &[Artifact],
    files: &Files<'_>,
    options: &Options,
    findings: &mut Findings,
) -> Vec<Stack<'t>> {
    let nested: BTreeSet<&str> = documents
        .iter()
        .flat_map(|document| {
            let names = stacks::nested_names(document).into_iter();
            names.filter(|name| *name != document.base_name())
        })
        .collect();
    let folders: Vec<&str> = files
        .manifests
        .iter()
        .map(|manifest| cdk::folder_of(manifest.name))
        .collect();
    let is_alone = documents.len() == 1;
    let mut names = BTreeSet::new();
    let mut roots: Vec<Stack<'t>> = Vec::new();
    let mut add = |document: &'t Document, artifact: Option<&Artifact>| {
        let stack = root(document, artifact, is_alone, options, &mut names);
        roots.push(stack);
    };
    for document in documents {
        let mut of_document = artifacts
            .iter()
            .filter(|artifact| artifact.template == document.name)
            .peekable();
        let in_manifest = folders.contains(&cdk::folder_of(&document.name));
        if of_document.peek().is_none() && !in_manifest && !nested.contains(document.base_name()) {
            add(document, None);
        }
        of_document.for_each(|artifact| add(document, Some(artifact)));
    }
    if roots.is_empty()
        && let Some(document) = documents.first()
    {
        let message = "each template is nested in another one, in a circle";
        let start = template::start_of(document.file);
        findings.push(Finding::error("cyclic-reference", start, message));
    }
    roots
}

/// A stack of its own, under a name that no other one has.
fn root<'t>(
    document: &'t Document,
    artifact: Option<&Artifact>,
    is_alone: bool,
    options: &Options,
    names: &mut BTreeSet<String>,
) -> Stack<'t> {
    let given = Some(options.stack_name.as_str()).filter(|name| !name.is_empty() && is_alone);
    let wanted = artifact.map_or(given.unwrap_or(document.stem()), |artifact| &artifact.name);
    let mut name = wanted.to_owned();
    let mut number = 1;
    while !names.insert(name.clone()) {
        number += 1;
        name = format!("{wanted}-{number}");
    }
    let prefix = if is_alone {
        String::new()
    } else {
        format!("{name}.")
    };
    let first_said = |words: [Option<&str>; 3]| {
        let said = words.into_iter().flatten().find(|text| !text.is_empty());
        said.unwrap_or_default().to_owned()
    };
    let mut stack = Stack::new(document, name, prefix);
    let account = artifact.map(|artifact| artifact.account.as_str());
    let region = artifact.map(|artifact| artifact.region.as_str());
    stack.account = first_said([account, Some(&options.account), Some("123456789012")]);
    stack.region = first_said([region, Some(&options.region), Some("us-east-1")]);
    if let Some(artifact) = artifact {
        stack.display_name.clone_from(&artifact.display_name);
    }
    stack
}
