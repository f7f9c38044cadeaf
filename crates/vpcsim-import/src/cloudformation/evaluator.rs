//! Evaluation: a node of a template becomes plain JSON, and what was evaluated once is remembered.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use serde_json::{Map, Value as Json};
use vpcsim_aws::{Finding, Findings, Origin};

use super::opaque::{clean, opaque};
use super::parameters::Given;
use super::stacks::Stack;
use super::template::Document;
use crate::declared::{ORIGIN_KEY, place};
use crate::native::node::{Entry, Node, Value};
use crate::native::suggest::nearest;

/// How deep evaluation may go; a template's own nesting is limited by its reader.
const DEPTH_MAX: usize = 160;
/// How many bytes of values evaluation may make, besides so many for each byte of the templates.
const BUDGET: usize = 16_000_000;
const BUDGET_OF_BYTE: usize = 20;
/// What a value costs besides its text.
const VALUE_COST: usize = 32;
/// How often a name that does not exist is compared with all that do.
const SUGGESTIONS_MAX: usize = 100;

/// Variables of `Fn::ForEach`, the innermost last.
pub(super) type Locals = Rc<[(String, String)]>;

/// From where a node is looked at.
#[derive(Clone, Debug)]
pub(super) struct Scope {
    /// The stack, by its place.
    pub(super) stack: usize,
    /// The resource that needs the value, by its place in the stack.
    pub(super) owner: Option<usize>,
    /// Variables.
    pub(super) locals: Locals,
}

/// What is evaluated at most once.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Once {
    /// A parameter of a stack.
    Parameter(usize, String),
    /// A condition, by its place in the stack.
    Condition(usize, usize),
    /// An attribute of a resource, by its place in the stack.
    Attribute(usize, usize, String),
    /// An output, by its place in the stack.
    Output(usize, usize),
}

/// How far something is evaluated.
enum Memory {
    /// It is being evaluated: who asks for it again needs itself.
    Asked,
    /// This came out.
    Known(Option<Json>),
}

/// Evaluates all stacks of the input.
pub(super) struct Evaluator<'t> {
    pub(super) documents: &'t [Document],
    pub(super) given: Given,
    pub(super) stacks: Vec<Stack<'t>>,
    pub(super) findings: Findings,
    /// Which resource has an id.
    pub(super) ids: BTreeMap<String, (usize, usize)>,
    /// Who exports a name: by account, region and name the stack and the place of its output.
    pub(super) exports: BTreeMap<(String, String, String), (usize, usize)>,
    /// Which resource needs which: stack, resource, needed resource.
    pub(super) needs: BTreeSet<(usize, usize, usize)>,
    /// What is said once for a file: by its name.
    pub(super) noted: BTreeSet<(u32, String)>,
    memory: BTreeMap<Once, Memory>,
    /// What is being evaluated.
    path: Vec<(Once, String)>,
    depth: usize,
    /// How many bytes of values may still be made.
    left: usize,
    is_over: bool,
    suggestions: usize,
}

impl<'t> Evaluator<'t> {
    /// An evaluator of templates of so many bytes.
    pub(super) fn new(documents: &'t [Document], given: Given, size: usize) -> Self {
        Self {
            documents,
            given,
            stacks: Vec::new(),
            findings: Findings::default(),
            ids: BTreeMap::new(),
            exports: BTreeMap::new(),
            needs: BTreeSet::new(),
            noted: BTreeSet::new(),
            memory: BTreeMap::new(),
            path: Vec::new(),
            depth: 0,
            left: BUDGET.saturating_add(size.saturating_mul(BUDGET_OF_BYTE)),
            is_over: false,
            suggestions: 0,
        }
    }

    pub(super) fn error(&mut self, code: &'static str, origin: Origin, message: impl Into<String>) {
        self.findings.push(Finding::error(code, origin, message));
    }

    /// The value of a node; nothing if it is `AWS::NoValue` or cannot be said.
    pub(super) fn value(&mut self, scope: &Scope, node: &'t Node) -> Option<Json> {
        if self.is_too_deep(node.origin) {
            return None;
        }
        self.depth += 1;
        let value = match &node.value {
            Value::Scalar { text, quoted } => self.spend(text.len(), node.origin).then(|| {
                let text = if scope.locals.is_empty() {
                    text
                } else {
                    &with_locals(scope, text)
                };
                match scalar(text, *quoted) {
                    Json::String(text) => self.made_text(text, node.origin),
                    value => value,
                }
            }),
            Value::Sequence(items) => {
                let items = items.iter().filter_map(|item| self.value(scope, item));
                Some(Json::Array(items.collect()))
            }
            Value::Mapping(entries) => match entries.as_slice() {
                [call] if is_call(&call.key) => self.call(scope, call),
                entries => self.mapping(scope, node.origin, entries),
            },
        };
        self.depth -= 1;
        value
    }

    /// A text, or what stands for what the parameter store says: `{{resolve:ssm:/net/vpc}}`.
    pub(super) fn made_text(&mut self, text: String, origin: Origin) -> Json {
        let asked = text
            .strip_prefix("{{resolve:ssm:")
            .and_then(|text| text.strip_suffix("}}"));
        match asked {
            Some(name) => {
                self.note_stored(name, origin);
                opaque(format_args!("external:{name}"))
            }
            None => Json::String(text),
        }
    }

    fn is_too_deep(&mut self, origin: Origin) -> bool {
        let is_too_deep = self.depth >= DEPTH_MAX;
        if is_too_deep {
            let message = format!("evaluation goes more than {DEPTH_MAX} levels deep here");
            self.error("template-too-deep", origin, message);
        }
        is_too_deep
    }

    fn mapping(&mut self, scope: &Scope, origin: Origin, entries: &'t [Entry]) -> Option<Json> {
        self.spend(1, origin).then(|| {
            let mut members = Map::new();
            members.insert(ORIGIN_KEY.to_owned(), place(origin));
            self.add_entries(scope, entries, &mut members);
            Json::Object(members)
        })
    }

    fn add_entries(&mut self, scope: &Scope, entries: &'t [Entry], members: &mut Map<String, Json>) {
        for entry in entries {
            if entry.key.starts_with("Fn::ForEach::") {
                for (scope, body) in self.rounds(scope, entry) {
                    if let Value::Mapping(entries) = &body.value {
                        self.add_entries(&scope, entries, members);
                    }
                }
            } else if entry.key == "Fn::Transform" {
                self.call(scope, entry);
            } else if entry.key.starts_with("Fn::") {
                let message = format!("`{}` stands among other keys; it must stand alone", entry.key);
                self.error("intrinsic-not-alone", entry.key_origin, message);
            } else if let Some(value) = self.value(scope, &entry.value) {
                members.insert(with_locals(scope, &entry.key), value);
            }
        }
    }

    /// Evaluates something at most once; what needs itself has no value.
    pub(super) fn once(
        &mut self,
        what: Once,
        name: String,
        origin: Origin,
        evaluate: impl FnOnce(&mut Self) -> Option<Json>,
    ) -> Option<Json> {
        match self.memory.get(&what) {
            Some(Memory::Known(value)) => {
                let value = value.clone();
                let size = value.as_ref().map_or(0, size_of);
                return value.filter(|_| self.spend(size, origin));
            }
            Some(Memory::Asked) => {
                self.report_cycle(&what, &name, origin);
                return None;
            }
            None => {}
        }
        if self.is_too_deep(origin) {
            return None;
        }
        self.memory.insert(what.clone(), Memory::Asked);
        self.path.push((what.clone(), name));
        self.depth += 1;
        let value = evaluate(self);
        self.depth -= 1;
        self.path.pop();
        self.memory.insert(what, Memory::Known(value.clone()));
        value
    }

    /// Circles among resources are found by what they need, once and for all; here are the others.
    fn report_cycle(&mut self, what: &Once, name: &str, origin: Origin) {
        if matches!(what, Once::Attribute(..)) {
            return;
        }
        let start = self.path.iter().position(|(running, _)| running == what);
        let names = self.path[start.unwrap_or(0)..].iter();
        let mut names: Vec<&str> = names.map(|(_, name)| name.as_str()).collect();
        names.push(name);
        let message = format!("{name} needs itself: {}", names.join(" → "));
        self.error("cyclic-reference", origin, message);
    }

    /// The name that is meant by one that does not exist, while that was not asked too often.
    pub(super) fn suggestion(&mut self, name: &str, names: &[String]) -> Option<String> {
        self.suggestions += 1;
        let names = names.iter().map(String::as_str);
        let near = nearest(name, names.take_while(|_| self.suggestions <= SUGGESTIONS_MAX))?;
        Some(format!("did you mean `{near}`?"))
    }

    /// Counts what is made, and says once if it is too much.
    pub(super) fn spend(&mut self, size: usize, origin: Origin) -> bool {
        let left = self.left.checked_sub(size.saturating_add(VALUE_COST));
        if left.is_none() && !self.is_over {
            let message = format!(
                "the templates make more than {BUDGET} bytes, and {BUDGET_OF_BYTE} for each of their own"
            );
            self.error("template-too-large", origin, message);
        }
        self.is_over |= left.is_none();
        self.left = left.unwrap_or(0);
        !self.is_over
    }
}

/// Whether a mapping with only this key is a function.
pub(super) fn is_call(key: &str) -> bool {
    key == "Ref" || (key.starts_with("Fn::") && !key.starts_with("Fn::ForEach::"))
}

/// A scalar with the type that it has in JSON: what would look different written back stays a text.
fn scalar(text: &str, quoted: bool) -> Json {
    if quoted {
        return Json::String(clean(text));
    }
    match text {
        "" | "~" | "null" | "Null" | "NULL" => return Json::Null,
        "true" | "True" | "TRUE" => return Json::Bool(true),
        "false" | "False" | "FALSE" => return Json::Bool(false),
        _ => {}
    }
    let number = serde_json::from_str::<serde_json::Number>(text).ok();
    match number.filter(|number| number.to_string() == text) {
        Some(number) => Json::Number(number),
        None => Json::String(clean(text)),
    }
}

/// The text with the variables of `Fn::ForEach` in the places of `${Name}` and `&{Name}`; the latter keeps letters and digits only.
pub(super) fn with_locals(scope: &Scope, text: &str) -> String {
    let mut text = text.to_owned();
    for (name, value) in scope.locals.iter() {
        text = text.replace(&format!("${{{name}}}"), value);
        let letters: String = value.chars().filter(char::is_ascii_alphanumeric).collect();
        text = text.replace(&format!("&{{{name}}}"), &letters);
    }
    text
}

/// The text of a scalar value.
pub(super) fn text_of(value: &Json) -> Option<String> {
    match value {
        Json::String(text) => Some(text.clone()),
        Json::Number(number) => Some(number.to_string()),
        Json::Bool(flag) => Some(flag.to_string()),
        _ => None,
    }
}

/// How many characters and values a value has.
fn size_of(value: &Json) -> usize {
    match value {
        Json::String(text) => text.len() + VALUE_COST,
        Json::Array(items) => VALUE_COST + items.iter().map(size_of).sum::<usize>(),
        Json::Object(members) => {
            VALUE_COST
                + members
                    .iter()
                    .map(|(key, value)| key.len() + size_of(value))
                    .sum::<usize>()
        }
        _ => VALUE_COST,
    }
}
