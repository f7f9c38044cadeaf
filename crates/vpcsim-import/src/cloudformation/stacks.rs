//! Stacks: templates that are deployed under a name, alone, several at once, or one in another.

use std::collections::BTreeMap;
use std::rc::Rc;

use serde_json::Value as Json;
use vpcsim_aws::{Finding, Origin};

use super::evaluator::{Evaluator, Locals, Scope, text_of, with_locals};
use super::opaque::{clean, is_opaque};
use super::template::{Document, entries_of, last_part, member};
use crate::native::node::{Entry, Node, Value};

/// How many stacks are made at most.
const STACKS_MAX: usize = 1000;

/// A resource, a condition or an output.
#[derive(Clone, Debug)]
pub(super) struct Member<'t> {
    pub(super) name: String,
    pub(super) key_origin: Origin,
    pub(super) node: &'t Node,
    pub(super) locals: Locals,
}

/// A section of a template with its loops unrolled.
#[derive(Clone, Debug, Default)]
pub(super) struct Section<'t> {
    pub(super) members: Vec<Member<'t>>,
    /// Where each name is.
    pub(super) places: BTreeMap<String, usize>,
}

impl Section<'_> {
    pub(super) fn names(&self) -> Vec<String> {
        self.members.iter().map(|member| member.name.clone()).collect()
    }
}

/// A template under a name.
#[derive(Clone, Debug)]
pub(super) struct Stack<'t> {
    pub(super) document: &'t Document,
    /// Its name at AWS.
    pub(super) name: String,
    /// What stands before each logical id in the model: nothing, or its name and a point.
    pub(super) prefix: String,
    /// What its construct paths start with.
    pub(super) display_name: String,
    pub(super) account: String,
    pub(super) region: String,
    /// The stack in which it is nested, and the resource there.
    pub(super) parent: Option<(usize, usize)>,
    /// Its parameters by name.
    pub(super) parameters: BTreeMap<&'t str, &'t Entry>,
    /// Its nested stacks by resource.
    pub(super) children: BTreeMap<usize, usize>,
    pub(super) conditions: Section<'t>,
    pub(super) resources: Section<'t>,
    pub(super) outputs: Section<'t>,
}

impl<'t> Stack<'t> {
    pub(super) fn new(document: &'t Document, name: String, prefix: String) -> Self {
        Self {
            document,
            display_name: name.clone(),
            name,
            prefix,
            account: String::new(),
            region: String::new(),
            parent: None,
            parameters: document
                .entries("Parameters")
                .iter()
                .map(|entry| (entry.key.as_str(), entry))
                .collect(),
            children: BTreeMap::new(),
            conditions: Section::default(),
            resources: Section::default(),
            outputs: Section::default(),
        }
    }
}

impl<'t> Evaluator<'t> {
    /// Adds a stack and unrolls its loops.
    pub(super) fn add_stack(&mut self, stack: Stack<'t>) -> usize {
        let document = stack.document;
        let index = self.stacks.len();
        self.stacks.push(stack);
        self.check_parameters(index);
        self.stacks[index].conditions = self.section(index, document.entries("Conditions"));
        self.stacks[index].resources = self.section(index, document.entries("Resources"));
        self.stacks[index].outputs = self.section(index, document.entries("Outputs"));
        for resource in 0..self.stacks[index].resources.members.len() {
            self.ids.insert(self.id(index, resource), (index, resource));
        }
        index
    }

    fn section(&mut self, stack: usize, entries: &'t [Entry]) -> Section<'t> {
        let scope = Scope {
            stack,
            owner: None,
            locals: Rc::from([]),
        };
        let mut section = Section::default();
        self.unroll(&scope, entries, &mut section);
        section
    }

    fn unroll(&mut self, scope: &Scope, entries: &'t [Entry], section: &mut Section<'t>) {
        for entry in entries {
            if entry.key.starts_with("Fn::ForEach::") {
                for (scope, body) in self.rounds(scope, entry) {
                    self.unroll(&scope, entries_of(body), section);
                }
                continue;
            }
            if entry.key.starts_with("Fn::") {
                self.call(scope, entry);
                continue;
            }
            let name = with_locals(scope, &entry.key);
            if let Some(&first) = section.places.get(&name) {
                let line = section.members[first].key_origin.line;
                let message = format!("`{name}` stands here a second time; the first is in line {line}");
                self.error("duplicate-key", entry.key_origin, message);
                continue;
            }
            section.places.insert(name.clone(), section.members.len());
            section.members.push(Member {
                name,
                key_origin: entry.key_origin,
                node: &entry.value,
                locals: Rc::clone(&scope.locals),
            });
        }
    }

    /// The rounds of a `Fn::ForEach`: for each element of its collection the variables and the body.
    pub(super) fn rounds(&mut self, scope: &Scope, entry: &'t Entry) -> Vec<(Scope, &'t Node)> {
        const WANTED: &str = "a variable, a collection and what is made for each element";
        self.check_language_extensions(scope, entry);
        let Some([name, collection, body]) = self.arguments(&entry.value, WANTED) else {
            return Vec::new();
        };
        let Some(name) = name.text("the name of a variable", &mut self.findings) else {
            return Vec::new();
        };
        if !matches!(body.value, Value::Mapping(_)) {
            body.wrong_type("a mapping", &mut self.findings);
            return Vec::new();
        }
        let items = self.list(scope, collection).unwrap_or_default();
        let mut rounds = Vec::new();
        for item in &items {
            let value = match item {
                Json::Array(inner) => inner.iter().filter_map(text_of).collect::<Vec<_>>().join(","),
                item => text_of(item).unwrap_or_default(),
            };
            let size: usize = scope
                .locals
                .iter()
                .map(|(name, value)| name.len() + value.len())
                .sum();
            if !self.spend(size + value.len(), entry.key_origin) {
                break;
            }
            let mut locals = scope.locals.to_vec();
            locals.push((name.to_owned(), value));
            let scope = Scope {
                locals: locals.into(),
                ..scope.clone()
            };
            rounds.push((scope, body));
        }
        rounds
    }

    /// Makes the nested stacks of every stack, also of those that it makes.
    pub(super) fn nest(&mut self) {
        let mut stack = 0;
        while stack < self.stacks.len() {
            for resource in 0..self.stacks[stack].resources.members.len() {
                if self.kind(stack, resource) == "AWS::CloudFormation::Stack" && self.is_made(stack, resource)
                {
                    self.nest_one(stack, resource);
                }
            }
            stack += 1;
        }
    }

    fn nest_one(&mut self, stack: usize, resource: usize) {
        let found = self.stacks[stack].resources.members[resource].clone();
        let (document, asked) = self.nested_document(stack, resource);
        let Some(document) = document else {
            let asked = asked.unwrap_or_else(|| "a template".to_owned());
            let message = format!(
                "the nested stack `{}` is made of `{asked}`, which is not in the input: what it makes is not seen",
                found.name
            );
            self.findings.push(
                Finding::warning("nested-stack-not-in-input", found.key_origin, message)
                    .help("give that file, too"),
            );
            return;
        };
        let mut ancestor = Some(stack);
        while let Some(index) = ancestor {
            if std::ptr::eq(self.stacks[index].document, document) {
                let message = format!(
                    "the nested stack `{}` is made of a template in which it stands",
                    found.name
                );
                self.error("cyclic-reference", found.key_origin, message);
                return;
            }
            ancestor = self.stacks[index].parent.map(|(parent, _)| parent);
        }
        if self.stacks.len() >= STACKS_MAX {
            let message = format!("there are more than {STACKS_MAX} stacks");
            self.error("template-too-large", found.key_origin, message);
            return;
        }
        let parent = &self.stacks[stack];
        let prefix = format!("{}{}.", parent.prefix, found.name);
        let name = format!("{}-{}", parent.name, found.name);
        let child = Stack {
            display_name: parent.display_name.clone(),
            account: parent.account.clone(),
            region: parent.region.clone(),
            parent: Some((stack, resource)),
            ..Stack::new(document, name, prefix)
        };
        let child = self.add_stack(child);
        self.stacks[stack].children.insert(resource, child);
    }

    /// The template that a nested stack is made of, and how it is asked for.
    fn nested_document(&mut self, stack: usize, resource: usize) -> (Option<&'t Document>, Option<String>) {
        let node: &'t Node = self.stacks[stack].resources.members[resource].node;
        let asset = member(node, "Metadata")
            .and_then(|metadata| member(metadata, "aws:asset:path"))
            .and_then(Node::as_text);
        let of_asset = asset.and_then(|path| named(self.documents, path));
        if of_asset.is_some() {
            return (of_asset, None);
        }
        let url = self.property(stack, resource, "TemplateURL");
        let url = url.as_ref().and_then(text_of);
        let document = url
            .as_ref()
            .filter(|url| !is_opaque(last_part(url)))
            .and_then(|url| named(self.documents, url));
        (document, url.map(|url| clean(&url)))
    }
}

/// The template whose path ends like an address; of several the one with which it shares most.
fn named<'t>(documents: &'t [Document], url: &str) -> Option<&'t Document> {
    let shared = |document: &Document| {
        let pairs = url.rsplit(['/', '\\']).zip(document.name.rsplit(['/', '\\']));
        pairs.take_while(|(ours, theirs)| ours == theirs).count()
    };
    let base = last_part(url);
    documents
        .iter()
        .filter(|document| document.base_name() == base)
        .rev()
        .max_by_key(|document| shared(document))
}

/// The last parts of every path that a template's nested stacks could be made of.
pub(super) fn nested_names(document: &Document) -> Vec<&str> {
    let mut names = Vec::new();
    let resources = document.entries("Resources").iter();
    let stacks = resources
        .map(|entry| &entry.value)
        .filter(|node| member(node, "Type").and_then(Node::as_text) == Some("AWS::CloudFormation::Stack"));
    for node in stacks {
        let url = member(node, "Properties").and_then(|properties| member(properties, "TemplateURL"));
        let asset = member(node, "Metadata").and_then(|metadata| member(metadata, "aws:asset:path"));
        for node in url.into_iter().chain(asset) {
            collect_names(node, &mut names);
        }
    }
    names
}

fn collect_names<'n>(node: &'n Node, names: &mut Vec<&'n str>) {
    match &node.value {
        Value::Scalar { text, .. } => names.push(last_part(text)),
        Value::Sequence(items) => items.iter().for_each(|item| collect_names(item, names)),
        Value::Mapping(entries) => entries
            .iter()
            .for_each(|entry| collect_names(&entry.value, names)),
    }
}
