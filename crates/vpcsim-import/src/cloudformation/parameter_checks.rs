//! What is wrong with parameters: values that are missing, that are not taken, or that nothing asks for.

use std::collections::BTreeSet;

use vpcsim_aws::{Finding, Origin};

use super::evaluator::Evaluator;
use super::parameters::{Kind, kind_name};
use super::template::member;
use crate::native::node::{Entry, Node, Value};
use crate::native::suggest::{listed, nearest};

impl<'t> Evaluator<'t> {
    /// Says which parameters lack a value, and which values they do not take.
    pub(super) fn check_parameters(&mut self, stack: usize) {
        for declared in self.stacks[stack].document.entries("Parameters") {
            let name = &declared.key;
            let kind_name = kind_name(declared);
            let Some(kind) = Kind::of(kind_name) else {
                let message = format!("`{kind_name}` is no type of a parameter");
                self.error("bad-parameter-type", declared.key_origin, message);
                continue;
            };
            if self.stacks[stack].parent.is_none()
                && let Some((text, place)) = self.given.values.get(name).cloned()
            {
                self.check_given(declared, kind, &text, place.unwrap_or(declared.key_origin));
                continue;
            }
            let needs_value = matches!(kind, Kind::Text | Kind::Number | Kind::List { .. });
            if needs_value && !is_secret(declared) && !self.has_value(stack, declared) {
                self.report_missing(stack, declared);
            }
        }
    }

    fn has_value(&self, stack: usize, declared: &Entry) -> bool {
        let given = self.stacks[stack].parent.and_then(|(parent, resource)| {
            let node = self.stacks[parent].resources.members[resource].node;
            member(member(member(node, "Properties")?, "Parameters")?, &declared.key)
        });
        given.is_some() || member(&declared.value, "Default").is_some()
    }

    fn report_missing(&mut self, stack: usize, declared: &Entry) {
        let name = &declared.key;
        let message = format!("the parameter `{name}` has neither a value nor a default");
        let mut help = match self.stacks[stack].parent {
            None => format!("give it with `--param {name}=VALUE` or in a parameter file"),
            Some(_) => format!("give it under `Parameters` of the nested stack: `{name}: VALUE`"),
        };
        let allowed = member(&declared.value, "AllowedValues").map_or(&[][..], Node::items);
        if !allowed.is_empty() {
            let allowed = listed(allowed.iter().filter_map(Node::as_text));
            help = format!("{help}; it may be {allowed}");
        }
        self.findings
            .push(Finding::error("parameter-missing", declared.key_origin, message).help(help));
    }

    fn check_given(&mut self, declared: &'t Entry, kind: Kind<'_>, text: &str, origin: Origin) {
        let is_list = matches!(
            kind,
            Kind::List { .. } | Kind::Zones | Kind::Id { is_list: true, .. }
        );
        let parts: Vec<&str> = if is_list {
            text.split(',').map(str::trim).collect()
        } else {
            vec![text]
        };
        for part in parts {
            if let Some(problem) = problem_of(declared, kind, part) {
                let message = format!("the parameter `{}` cannot be `{part}`: {problem}", declared.key);
                self.error("bad-parameter-value", origin, message);
            }
        }
    }

    /// Values that no template of the input takes.
    pub(super) fn check_unused(&mut self) {
        let names: BTreeSet<&str> = self
            .documents
            .iter()
            .flat_map(|document| document.entries("Parameters"))
            .map(|entry| entry.key.as_str())
            .collect();
        for (name, (_, place)) in &self.given.values {
            if names.contains(name.as_str()) {
                continue;
            }
            let message = format!("no template of the input has a parameter `{name}`");
            let finding = match place {
                Some(place) => Finding::warning("unknown-parameter", *place, message),
                None => Finding::error("unknown-parameter", Origin::NOWHERE, message),
            };
            let help = match nearest(name, names.iter().copied()) {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("there is {}", listed(names.iter().copied())),
            };
            self.findings.push(finding.help(help));
        }
    }
}

fn word<'t>(declared: &'t Entry, key: &str) -> Option<&'t str> {
    member(&declared.value, key).and_then(Node::as_text)
}

fn is_secret(declared: &Entry) -> bool {
    word(declared, "NoEcho").is_some_and(|text| text.eq_ignore_ascii_case("true"))
}

/// Why a parameter does not take a value.
fn problem_of(declared: &Entry, kind: Kind<'_>, text: &str) -> Option<String> {
    let allowed = member(&declared.value, "AllowedValues").map_or(&[][..], Node::items);
    let mut allowed = allowed.iter().filter_map(|node| match &node.value {
        Value::Scalar { text, .. } => Some(text.as_str()),
        _ => None,
    });
    if allowed.clone().next().is_some() && !allowed.any(|allowed| allowed == text) {
        return Some(format!("it may be {}", listed(allowed_texts(declared))));
    }
    let bound = |key: &str| word(declared, key).and_then(|bound| bound.parse::<f64>().ok());
    if matches!(kind, Kind::Number | Kind::List { of_numbers: true }) {
        let Ok(number) = text.parse::<f64>() else {
            return Some("it takes a number".to_owned());
        };
        return match (bound("MinValue"), bound("MaxValue")) {
            (Some(least), _) if number < least => Some(format!("it is at least {least}")),
            (_, Some(most)) if number > most => Some(format!("it is at most {most}")),
            _ => None,
        };
    }
    #[expect(
        clippy::cast_precision_loss,
        reason = "nobody gives a text of 2^52 characters"
    )]
    let length = text.chars().count() as f64;
    match (bound("MinLength"), bound("MaxLength")) {
        (Some(least), _) if length < least => Some(format!("it has at least {least} characters")),
        (_, Some(most)) if length > most => Some(format!("it has at most {most} characters")),
        _ => None,
    }
}

fn allowed_texts(declared: &Entry) -> impl Iterator<Item = &str> {
    let allowed = member(&declared.value, "AllowedValues").map_or(&[][..], Node::items);
    allowed.iter().filter_map(Node::as_text)
}
