//! Parameters: what is given, what stands in the template, and what is assumed where neither is.

use std::collections::BTreeMap;
use std::rc::Rc;

use serde_json::Value as Json;
use vpcsim_aws::{Finding, Origin};

use super::evaluator::{Evaluator, Once, Scope, text_of};
use super::opaque::{clean, element, has_opaque, opaque};
use super::template::{entries_of, member};
use super::zones;
use crate::native::node::{Entry, Node, Value};
use crate::native::suggest::listed;

/// The values that the user gives: with their place, if that is in a file.
#[derive(Clone, Debug, Default)]
pub(super) struct Given {
    pub(super) values: BTreeMap<String, (String, Option<Origin>)>,
}

impl Given {
    /// Adds those of a parameter file, in either of its forms.
    pub(super) fn add_file(&mut self, root: &Node, findings: &mut vpcsim_aws::Findings) {
        let mut add = |name: &str, value: &Node| {
            let text = match &value.value {
                Value::Sequence(items) => {
                    let texts = items.iter().filter_map(Node::as_text);
                    Some(texts.collect::<Vec<_>>().join(","))
                }
                Value::Scalar { text, .. } => Some(text.clone()),
                Value::Mapping(_) => None,
            };
            match text {
                Some(text) => {
                    let place = Some(value.origin);
                    // What the command line says counts more.
                    self.values.entry(name.to_owned()).or_insert((text, place));
                }
                None => value.wrong_type("the value of a parameter", findings),
            }
        };
        if let Value::Sequence(items) = &root.value {
            for item in items {
                let name = member(item, "ParameterKey").and_then(Node::as_text);
                if let (Some(name), Some(value)) = (name, member(item, "ParameterValue")) {
                    add(name, value);
                }
            }
        }
        for entry in member(root, "Parameters").map_or(&[][..], entries_of) {
            add(&entry.key, &entry.value);
        }
    }
}

const IMAGE: &str = "AWS::EC2::Image::Id";

/// What a parameter is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind<'t> {
    Text,
    Number,
    List {
        of_numbers: bool,
    },
    Zone,
    Zones,
    /// An id, or several.
    Id {
        of: &'t str,
        is_list: bool,
    },
    /// What the parameter store knows.
    Stored {
        of: &'t str,
        is_list: bool,
    },
}

impl<'t> Kind<'t> {
    pub(super) fn of(name: &'t str) -> Option<Self> {
        let within = |start: &str| name.strip_prefix(start)?.strip_suffix('>');
        Some(match name {
            "String" | "AWS::SSM::Parameter::Name" => Self::Text,
            "Number" => Self::Number,
            "CommaDelimitedList" | "List<String>" => Self::List { of_numbers: false },
            "List<Number>" => Self::List { of_numbers: true },
            "AWS::EC2::AvailabilityZone::Name" => Self::Zone,
            "List<AWS::EC2::AvailabilityZone::Name>" => Self::Zones,
            _ => {
                if let Some(stored) = within("AWS::SSM::Parameter::Value<") {
                    let is_list = stored.starts_with("List<") || stored == "CommaDelimitedList";
                    Self::Stored { of: stored, is_list }
                } else if let Some(of) = within("List<").filter(|of| of.starts_with("AWS::")) {
                    Self::Id { of, is_list: true }
                } else if name.starts_with("AWS::") {
                    Self::Id {
                        of: name,
                        is_list: false,
                    }
                } else {
                    return None;
                }
            }
        })
    }
}

pub(super) fn kind_name(declared: &Entry) -> &str {
    member(&declared.value, "Type")
        .and_then(Node::as_text)
        .unwrap_or("String")
}

impl<'t> Evaluator<'t> {
    /// The value of a parameter.
    pub(super) fn parameter(&mut self, stack: usize, declared: &'t Entry, origin: Origin) -> Option<Json> {
        let label = format!("parameter `{}`", declared.key);
        let once = Once::Parameter(stack, declared.key.clone());
        self.once(once, label, origin, |this| {
            let kind = Kind::of(kind_name(declared)).unwrap_or(Kind::Text);
            match this.given_or_default(stack, declared) {
                Some(value) => Some(this.typed(kind, value, declared)),
                None => Some(this.assumed(stack, kind, declared)),
            }
        })
    }

    /// What is given for it: by the user, or by the stack in which its stack is nested.
    fn given_value(&mut self, stack: usize, declared: &Entry) -> Option<Json> {
        let Some((parent, resource)) = self.stacks[stack].parent else {
            let (text, _) = self.given.values.get(&declared.key)?;
            return Some(Json::String(clean(text)));
        };
        let found = self.stacks[parent].resources.members[resource].clone();
        let properties = member(found.node, "Properties")?;
        let node = member(member(properties, "Parameters")?, &declared.key)?;
        let scope = Scope {
            stack: parent,
            owner: Some(resource),
            locals: found.locals,
        };
        self.value(&scope, node)
    }

    fn given_or_default(&mut self, stack: usize, declared: &'t Entry) -> Option<Json> {
        if let Some(given) = self.given_value(stack, declared) {
            return Some(given);
        }
        let default = member(&declared.value, "Default")?;
        let scope = Scope {
            stack,
            owner: None,
            locals: Rc::from([]),
        };
        self.value(&scope, default)
    }

    fn typed(&mut self, kind: Kind<'_>, value: Json, declared: &Entry) -> Json {
        let split = |value: &Json| match value {
            Json::Array(items) => items.clone(),
            value => {
                let text = text_of(value).unwrap_or_default();
                let parts = text.split(',').map(|part| Json::String(part.trim().to_owned()));
                parts.collect()
            }
        };
        match kind {
            Kind::Number => number(&value),
            Kind::List { of_numbers: true } => Json::Array(split(&value).iter().map(number).collect()),
            Kind::List { .. } | Kind::Zones | Kind::Id { is_list: true, .. } => Json::Array(split(&value)),
            Kind::Stored { of, is_list } => {
                // Which image a host runs says nothing about the network.
                if of != IMAGE {
                    self.note_stored(&declared.key, declared.key_origin);
                }
                let made_up = format!("external:{}", declared.key);
                if is_list {
                    Json::Array(vec![element(&made_up, 0), element(&made_up, 1)])
                } else {
                    opaque(made_up)
                }
            }
            Kind::Text | Kind::Zone | Kind::Id { .. } => match value {
                Json::Array(items) => {
                    let texts: Vec<String> = items.iter().filter_map(text_of).collect();
                    Json::String(texts.join(","))
                }
                value => text_of(&value).map_or(Json::String(String::new()), Json::String),
            },
        }
    }

    pub(super) fn note_stored(&mut self, name: &str, origin: Origin) {
        if self.noted.insert((origin.file, String::new())) {
            let message = format!(
                "what the parameter store says for `{name}` and the like is not known: names stand for the values"
            );
            self.findings
                .push(Finding::note("ssm-parameter-assumed", origin, message));
        }
    }

    /// What stands for a parameter that has no value.
    fn assumed(&mut self, stack: usize, kind: Kind<'_>, declared: &'t Entry) -> Json {
        let name = &declared.key;
        let made_up = format!("external:{name}");
        let zones = zones::of(&self.stacks[stack].region);
        let (value, what, matters) = match kind {
            // That these have no value was said when the stack was made; of secrets nobody asks it.
            Kind::Text | Kind::Number => return opaque(made_up),
            Kind::List { .. } => return Json::Array(vec![element(&made_up, 0)]),
            Kind::Stored { .. } => return self.typed(kind, Json::Null, declared),
            Kind::Zone => {
                let zone = self.zone_of(stack, name) % zones.len().max(1);
                let zone = zones.get(zone).cloned().unwrap_or_default();
                let what = format!("`{zone}` is");
                (Json::String(zone), what, true)
            }
            Kind::Zones => {
                let what = listed(zones.iter().map(String::as_str)).replace(" or ", " and ") + " are";
                (
                    Json::Array(zones.into_iter().map(Json::String).collect()),
                    what,
                    true,
                )
            }
            Kind::Id { of, is_list } => {
                let matters = of != "AWS::EC2::KeyPair::KeyName" && of != IMAGE;
                let noun = of.split("::").nth(2).unwrap_or("thing");
                if is_list {
                    let count = if noun == "Subnet" { 2 } else { 1 };
                    let items = (0..count).map(|index| element(&made_up, index)).collect();
                    (
                        Json::Array(items),
                        format!("{count} of kind {noun} outside of the design are"),
                        matters,
                    )
                } else {
                    (
                        opaque(&made_up),
                        format!("a {noun} outside of the design is"),
                        matters,
                    )
                }
            }
        };
        let message = format!("`{name}` has no value: {what} assumed");
        let finding = if matters { Finding::warning } else { Finding::note };
        self.findings.push(
            finding("parameter-assumed", declared.key_origin, message)
                .help(format!("give it with `--param {name}=VALUE`")),
        );
        value
    }

    /// Parameters of single zones get one zone each.
    fn zone_of(&self, stack: usize, name: &str) -> usize {
        let entries = self.stacks[stack].document.entries("Parameters").iter();
        let mut single = entries.filter(|entry| Kind::of(kind_name(entry)) == Some(Kind::Zone));
        single.position(|entry| entry.key == name).unwrap_or(0)
    }
}

fn number(value: &Json) -> Json {
    let Some(text) = text_of(value).filter(|_| !has_opaque(value)) else {
        return value.clone();
    };
    serde_json::from_str::<serde_json::Number>(text.trim()).map_or(Json::String(text), Json::Number)
}
