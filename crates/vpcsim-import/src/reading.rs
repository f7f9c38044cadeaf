//! From bytes to a design: decode, recognise, read each kind, assign addresses, complete, validate.

use std::collections::{BTreeMap, BTreeSet};

use vpcsim_aws::completion::PublicAddressPool;
use vpcsim_aws::{Finding, Findings, Origin, Severity, Topology};

use crate::cloudformation;
use crate::deployment;
use crate::describe::{self, Document};
use crate::encoding::{self, NotText};
use crate::names::Names;
use crate::native;
use crate::native::context::Context;
use crate::native::node::{Node, Value};
use crate::recognise::{self, Kind};
use crate::terraform;
pub use crate::terraform::Half;

/// An input as it lies on the disk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    /// Its path as the user wrote it; only accounts and regions are read from it.
    pub name: String,
    /// Its content.
    pub bytes: Vec<u8>,
}

/// An input as text, for snippets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourceText {
    /// Its path as the user wrote it.
    pub name: String,
    /// Its text; empty if it is none.
    pub text: String,
}

/// What was read.
#[derive(Clone, Debug)]
pub struct Design {
    /// What the inputs declare.
    pub topology: Topology,
    /// What is wrong or surprising; with an error among them the topology is not to be used.
    pub findings: Findings,
    /// The inputs; `Origin::file` is the place in this list.
    pub sources: Vec<SourceText>,
}

/// YAML beyond this is refused: the parser keeps every value with its place. A design of 100,000 interfaces takes 19 MB.
const YAML_LEN_MAX: usize = 40_000_000;

/// What the inputs alone do not say.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Options {
    /// Which half of a Terraform plan is meant.
    pub half: Half,
    /// Whether a reference that is not certain is an error.
    pub strict: bool,
    /// The values of CloudFormation parameters, by name.
    pub parameters: Vec<(String, String)>,
    /// The region that templates are deployed to, if nothing else says it.
    pub region: String,
    /// The files of a Terraform configuration, each with its path from the configuration's folder.
    pub configuration: Vec<(String, String)>,
}

/// Errors of inputs that cannot be read at all: there is no design whose findings could be discussed.
const UNREADABLE: [&str; 22] = [
    "bad-parameter-value",
    "cyclic-reference",
    "input-binary",
    "input-empty",
    "input-encoding",
    "input-not-recognised",
    "input-too-large",
    "json-syntax",
    "not-a-template",
    "parameter-missing",
    "plan-errored",
    "template-too-deep",
    "template-too-large",
    "terraform-state-version",
    "terraform-syntax",
    "terraform-version",
    "unknown-intrinsic",
    "unknown-parameter",
    "yaml-alias",
    "yaml-syntax",
    "yaml-too-deep",
    "yaml-too-large",
];

impl Design {
    /// Whether an input could be read; if not, there is nothing to judge.
    pub fn is_readable(&self) -> bool {
        let mut errors = self
            .findings
            .iter()
            .filter(|finding| finding.severity == Severity::Error);
        !errors.any(|finding| UNREADABLE.contains(&finding.code))
    }
}

/// Reads designs and merges them into one.
pub fn read(sources: Vec<Source>) -> Design {
    read_with(sources, &Options::default())
}

/// As [`read`], with options.
pub fn read_with(sources: Vec<Source>, options: &Options) -> Design {
    let mut findings = Findings::default();
    let sources: Vec<SourceText> = sources
        .into_iter()
        .enumerate()
        .map(|(file, source)| to_text(source, file, &mut findings))
        .collect();
    if sources.is_empty() {
        let message = "there is nothing to read";
        findings.push(Finding::error("input-empty", Origin::NOWHERE, message));
    }
    let mut topology = Topology::default();
    let mut inputs = Inputs::default();
    for (file, source) in sources
        .iter()
        .enumerate()
        .filter(|(_, source)| !source.text.is_empty())
    {
        inputs.add(source, file as u32, &mut findings);
    }
    inputs.report_unknown(&sources, &mut findings);
    let mut facts: BTreeSet<u32> = inputs.described.iter().map(|document| document.file).collect();
    let known = inputs.build(&sources, options, &mut topology, &mut findings);
    facts.extend(known.states);
    if !findings.has_errors() {
        topology.complete();
        topology.arrange();
        // A dump shows what stands: that AWS would refuse to make it today is worth knowing, but no reason not to simulate it.
        findings.extend(topology.validate().softened(|finding| {
            let is_elsewhere =
                finding.code == "vpc-without-range" && known.elsewhere.contains(&finding.origin);
            is_elsewhere || facts.contains(&finding.origin.file)
        }));
    }
    findings.sort();
    Design {
        topology,
        findings,
        sources,
    }
}

fn to_text(source: Source, file: usize, findings: &mut Findings) -> SourceText {
    let at = |line, column| Origin {
        file: file as u32,
        line,
        column,
        length: 1,
    };
    let name = source.name;
    let finding = match encoding::decode(source.bytes) {
        Ok(text) => return SourceText { name, text },
        Err(NotText::Empty) => Finding::error("input-empty", at(1, 1), format!("`{name}` is empty")),
        Err(NotText::Binary) => {
            Finding::error("input-binary", at(1, 1), format!("`{name}` is not text")).help(READABLE)
        }
        Err(NotText::InvalidUtf8 { line, column }) => {
            let message = format!("`{name}` is not UTF-8 from here on");
            Finding::error("input-encoding", at(line, column), message)
                .help("save it as UTF-8, or as UTF-16 with a byte order mark")
        }
    };
    findings.push(finding);
    SourceText {
        name,
        text: String::new(),
    }
}

/// What can be read, for messages.
const READABLE: &str = "vpcsim reads its own YAML (`vpcs:`), the JSON of `aws ec2 describe-*` (`{\"Vpcs\": [...]}`), plans and states of \
     Terraform (`terraform show -json`) and CloudFormation templates (`Resources:`)";

/// The inputs by kind.
#[derive(Default)]
struct Inputs<'t> {
    native: Vec<Node>,
    described: Vec<Document<'t>>,
    terraform: Vec<terraform::Input<'t>>,
    cloudformation: cloudformation::Files<'t>,
    /// How many files say nothing on purpose.
    ignored: usize,
    /// Files whose top keys say nothing to us.
    unknown: Vec<(u32, Vec<String>)>,
}

/// What building tells beside the topology.
struct Known {
    /// The files of states: they tell of what stands.
    states: Vec<u32>,
    /// The places that speak of a VPC of which the input holds nothing.
    elsewhere: Vec<Origin>,
}

impl<'t> Inputs<'t> {
    fn add(&mut self, source: &'t SourceText, file: u32, findings: &mut Findings) {
        if recognise::looks_like_json(&source.text) {
            self.add_json(source, file, findings);
        } else {
            self.add_yaml(source, file, findings);
        }
    }

    fn add_json(&mut self, source: &'t SourceText, file: u32, findings: &mut Findings) {
        if recognise::is_terraform(&source.text) {
            let (name, text) = (source.name.as_str(), source.text.as_str());
            return self.terraform.push(terraform::Input { file, name, text });
        }
        let documents = describe::documents(&source.text, file, findings);
        for document in documents {
            let keys: Vec<&str> = document.members.iter().map(|(key, _)| key.as_str()).collect();
            if let Some(role) = cloudformation::role_of(&keys) {
                self.add_deployed(role, source, file);
                return;
            }
            match recognise::kind_of(&keys) {
                Kind::Describe => self.described.push(document),
                Kind::Native => return self.add_yaml(source, file, findings),
                Kind::Unknown if keys.is_empty() => {}
                Kind::Unknown => self
                    .unknown
                    .push((file, keys.into_iter().map(str::to_owned).collect())),
                Kind::CloudFormation | Kind::Terraform => {}
            }
        }
    }

    fn add_yaml(&mut self, source: &'t SourceText, file: u32, findings: &mut Findings) {
        if source.text.len() > YAML_LEN_MAX {
            let message = format!(
                "`{}` is YAML of {} bytes; at most {YAML_LEN_MAX} are read",
                source.name,
                source.text.len()
            );
            let origin = Origin {
                file,
                line: 1,
                column: 1,
                length: 1,
            };
            findings.push(Finding::error("input-too-large", origin, message));
            return;
        }
        let mut own = Findings::default();
        let Some(roots) = native::load::load(&source.text, file, &mut own) else {
            findings.extend(own);
            return;
        };
        if let Some(role) = roots.first().and_then(recognise::role_of_node) {
            // The reader of templates has its own words for what is wrong with them.
            return self.add_deployed(role, source, file);
        }
        findings.extend(own);
        for root in roots {
            match recognise::kind_of_node(&root) {
                Kind::Native => self.native.push(root),
                Kind::Unknown | Kind::Describe => {
                    let keys = match &root.value {
                        Value::Mapping(entries) => entries.iter().map(|entry| entry.key.clone()).collect(),
                        _ => Vec::new(),
                    };
                    self.unknown.push((file, keys));
                }
                Kind::CloudFormation | Kind::Terraform => self.unknown.push((file, Vec::new())),
            }
        }
    }

    /// Takes a template, or a file that goes with templates.
    fn add_deployed(&mut self, role: cloudformation::Role, source: &'t SourceText, file: u32) {
        let (name, text) = (source.name.as_str(), source.text.as_str());
        let template = cloudformation::Template { file, name, text };
        match role {
            cloudformation::Role::Template => self.cloudformation.templates.push(template),
            cloudformation::Role::Parameters => self.cloudformation.parameters.push(template),
            cloudformation::Role::Manifest => self.cloudformation.manifests.push(template),
            cloudformation::Role::Ignored => self.ignored += 1,
        }
    }

    /// A file that says nothing to us is an error if nothing else does, and a warning among others.
    fn report_unknown(&mut self, sources: &[SourceText], findings: &mut Findings) {
        let others = !self.native.is_empty()
            || !self.described.is_empty()
            || !self.terraform.is_empty()
            || !self.cloudformation.templates.is_empty();
        for (file, keys) in std::mem::take(&mut self.unknown) {
            let name = &sources[file as usize].name;
            let keys = native::suggest::listed(keys.iter().map(String::as_str));
            let message = format!("`{name}` is nothing that vpcsim reads: its top keys are {keys}");
            let origin = Origin {
                file,
                line: 1,
                column: 1,
                length: 1,
            };
            let finding = if others { Finding::warning } else { Finding::error };
            findings.push(finding("input-not-recognised", origin, message).help(READABLE));
        }
    }

    /// Builds the topology.
    fn build(
        self,
        sources: &[SourceText],
        options: &Options,
        topology: &mut Topology,
        findings: &mut Findings,
    ) -> Known {
        let mut names = Names::default();
        let planned = terraform::evaluate(
            &self.terraform,
            &options.configuration,
            options.half,
            options.strict,
            findings,
        );
        let taken: BTreeSet<u32> = self.described.iter().map(|document| document.file).collect();
        let taken = taken
            .iter()
            .flat_map(|file| addresses_in(&sources[*file as usize].text));
        let mut declared = planned.declared;
        let deployed = cloudformation::Options {
            parameters: options.parameters.clone(),
            region: options.region.clone(),
            ..cloudformation::Options::default()
        };
        declared.extend(cloudformation::evaluate(
            &self.cloudformation,
            &deployed,
            findings,
        ));
        let made = deployment::deploy(&declared, taken, findings);
        // What is declared is not needed any more, and may be large.
        drop(declared);
        let elsewhere = describe::read(&self.described, made, sources, topology, &mut names, findings);
        let mut public = PublicAddressPool::new(topology);
        self.native
            .iter()
            .for_each(|node| reserve_addresses(node, &mut public));
        let mut context = Context {
            topology,
            names: &mut names,
            findings,
            public: &mut public,
            primary: None,
            defaults: BTreeMap::new(),
        };
        native::read(&self.native, &mut context);
        Known {
            states: planned.states,
            elsewhere,
        }
    }
}

/// The addresses in a text, so that none of them is handed out a second time.
fn addresses_in(text: &str) -> impl Iterator<Item = std::net::Ipv4Addr> {
    let words = text.split(|letter: char| !letter.is_ascii_digit() && letter != '.');
    words.filter_map(|word| word.parse().ok())
}

/// Every address that a document names, so that none of them is handed out a second time.
fn reserve_addresses(node: &Node, pool: &mut PublicAddressPool) {
    match &node.value {
        Value::Scalar { text, .. } => {
            if let Ok(address) = text.parse() {
                pool.reserve(address);
            }
        }
        Value::Sequence(items) => items.iter().for_each(|item| reserve_addresses(item, pool)),
        Value::Mapping(entries) => entries
            .iter()
            .for_each(|entry| reserve_addresses(&entry.value, pool)),
    }
}
