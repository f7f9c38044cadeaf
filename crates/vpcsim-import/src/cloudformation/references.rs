//! `Ref`, `Fn::Sub`, `Fn::GetAtt` and `Fn::ImportValue`: what a name means.

use std::fmt::Write as _;

use serde_json::Value as Json;
use vpcsim_aws::{Finding, Origin};

use super::evaluator::{Evaluator, Once, Scope, text_of, with_locals};
use super::opaque::{clean, is_opaque, opaque};
use super::template::{entries_of, member};
use crate::native::node::{Entry, Node, Value};

/// What every stack knows.
const PSEUDO: [&str; 8] = [
    "AWS::AccountId",
    "AWS::NoValue",
    "AWS::NotificationARNs",
    "AWS::Partition",
    "AWS::Region",
    "AWS::StackId",
    "AWS::StackName",
    "AWS::URLSuffix",
];

impl<'t> Evaluator<'t> {
    pub(super) fn reference_call(&mut self, scope: &Scope, argument: &'t Node) -> Option<Json> {
        if argument.is_mapping() {
            let name = self.text(scope, argument, "a name")?;
            return self.reference(scope, &name, argument.origin);
        }
        let name = argument.text("a name", &mut self.findings)?;
        self.reference(scope, name, argument.origin)
    }

    /// What a name stands for: a variable, what every stack knows, a parameter or a resource.
    pub(super) fn reference(&mut self, scope: &Scope, name: &str, origin: Origin) -> Option<Json> {
        let variable = scope.locals.iter().rev().find(|(variable, _)| variable == name);
        if let Some((_, value)) = variable {
            return Some(Json::String(value.clone()));
        }
        let name = with_locals(scope, name);
        if name.starts_with("AWS::") {
            return self.pseudo(scope, &name, origin);
        }
        let declared = self.stacks[scope.stack].parameters.get(name.as_str());
        if let Some(&declared) = declared {
            return self.parameter(scope.stack, declared, origin);
        }
        if let Some(&resource) = self.stacks[scope.stack].resources.places.get(&name) {
            self.needs(scope, resource);
            return self
                .check_made(scope, resource, origin)
                .then(|| opaque(self.id(scope.stack, resource)));
        }
        let mut names = self.stacks[scope.stack].resources.names();
        let parameters = self.stacks[scope.stack].parameters.keys();
        names.extend(parameters.map(|name| (*name).to_owned()));
        self.unknown_reference("parameter or resource", &name, origin, &names);
        None
    }

    pub(super) fn unknown_reference(&mut self, what: &str, name: &str, origin: Origin, names: &[String]) {
        let mut finding = Finding::error(
            "unknown-reference",
            origin,
            format!("there is no {what} `{name}` in this template"),
        );
        if let Some(help) = self.suggestion(name, names) {
            finding = finding.help(help);
        }
        self.findings.push(finding);
    }

    /// Remembers that the resource in whose properties we are needs another one of its stack.
    fn needs(&mut self, scope: &Scope, resource: usize) {
        if let Some(owner) = scope.owner {
            self.needs.insert((scope.stack, owner, resource));
        }
    }

    /// Whether the resource exists; a reference to one that does not is a finding.
    fn check_made(&mut self, scope: &Scope, resource: usize, origin: Origin) -> bool {
        let is_made = self.is_made(scope.stack, resource);
        if !is_made {
            let member = &self.stacks[scope.stack].resources.members[resource];
            let message = format!(
                "`{}` is not made, since its condition does not hold: the reference has no value",
                member.name
            );
            self.findings
                .push(Finding::warning("condition-false-reference", origin, message));
        }
        is_made
    }

    fn pseudo(&mut self, scope: &Scope, name: &str, origin: Origin) -> Option<Json> {
        let stack = &self.stacks[scope.stack];
        let (partition, suffix) = match stack.region.as_str() {
            region if region.starts_with("cn-") => ("aws-cn", "amazonaws.com.cn"),
            region if region.starts_with("us-gov-") => ("aws-us-gov", "amazonaws.com"),
            _ => ("aws", "amazonaws.com"),
        };
        let text = match name {
            "AWS::AccountId" => stack.account.clone(),
            "AWS::Partition" => partition.to_owned(),
            "AWS::Region" => stack.region.clone(),
            "AWS::StackName" => stack.name.clone(),
            "AWS::URLSuffix" => suffix.to_owned(),
            "AWS::NotificationARNs" => return Some(Json::Array(Vec::new())),
            "AWS::NoValue" => return None,
            "AWS::StackId" => {
                let id = "00000000-0000-0000-0000-000000000000";
                let (region, account, name) = (&stack.region, &stack.account, &stack.name);
                format!("arn:{partition}:cloudformation:{region}:{account}:stack/{name}/{id}")
            }
            _ => {
                let names = PSEUDO.map(str::to_owned);
                self.unknown_reference("pseudo parameter", name, origin, &names);
                return None;
            }
        };
        Some(Json::String(text))
    }

    /// `Fn::Sub` of a text, or of a text and variables.
    pub(super) fn substitute(&mut self, scope: &Scope, argument: &'t Node) -> Option<Json> {
        let (text_node, variables) = match &argument.value {
            Value::Sequence(items) => match items.as_slice() {
                [text] => (text, &[][..]),
                [text, variables] => (text, variables.entries("variables", &mut self.findings)),
                _ => {
                    argument.wrong_type("a text and a mapping of variables", &mut self.findings);
                    return None;
                }
            },
            _ => (argument, &[][..]),
        };
        if let [transform] = entries_of(text_node)
            && transform.key == "Fn::Transform"
        {
            return self.call(scope, transform);
        }
        let text = with_locals(scope, text_node.text("a text", &mut self.findings)?);
        let mut made = String::with_capacity(text.len());
        let mut rest = text.as_str();
        while let Some(start) = rest.find("${") {
            let Some(length) = rest[start..].find('}') else {
                break;
            };
            made.push_str(&rest[..start]);
            let name = &rest[start + 2..start + length];
            if let Some(literal) = name.strip_prefix('!') {
                // Writing to a text cannot fail.
                let _ = write!(made, "${{{literal}}}");
            } else {
                let value = self.variable(scope, name.trim(), variables, text_node.origin);
                made.push_str(&self.variable_text(value, name, text_node.origin));
            }
            rest = &rest[start + length + 1..];
            if !self.spend(made.len() / 64, text_node.origin) {
                return None;
            }
        }
        made.push_str(rest);
        self.spend(made.len(), text_node.origin)
            .then(|| self.made_text(made, text_node.origin))
    }

    fn variable(
        &mut self,
        scope: &Scope,
        name: &str,
        variables: &'t [Entry],
        origin: Origin,
    ) -> Option<Json> {
        if let Some(variable) = variables.iter().find(|variable| variable.key == name) {
            return self.value(scope, &variable.value);
        }
        match name.split_once('.') {
            Some((resource, attribute)) => self.attribute(scope, resource, attribute, origin),
            None => self.reference(scope, name, origin),
        }
    }

    fn variable_text(&mut self, value: Option<Json>, name: &str, origin: Origin) -> String {
        match value {
            None | Some(Json::Null) => String::new(),
            Some(Json::Array(items)) if items.iter().all(Json::is_string) => {
                let texts = items.iter().filter_map(text_of);
                texts.collect::<Vec<_>>().join(",")
            }
            Some(value) => text_of(&value).unwrap_or_else(|| {
                let message = format!("`{name}` is no text that could stand here");
                self.error("wrong-type", origin, message);
                String::new()
            }),
        }
    }

    /// `Fn::GetAtt` as `A.B` or `[A, B]`.
    pub(super) fn attribute_call(&mut self, scope: &Scope, argument: &'t Node) -> Option<Json> {
        let (resource, attribute) = self.attribute_parts(scope, argument)?;
        self.attribute(scope, &resource, &attribute, argument.origin)
    }

    fn attribute_parts(&mut self, scope: &Scope, argument: &'t Node) -> Option<(String, String)> {
        const WANTED: &str = "a resource and an attribute, as `Resource.Attribute`";
        if let Value::Sequence(items) = &argument.value
            && items.len() > 1
        {
            let parts = items.iter().map(|part| self.text(scope, part, WANTED));
            let mut parts = parts.collect::<Option<Vec<String>>>()?.into_iter();
            let resource = parts.next()?;
            return Some((resource, parts.collect::<Vec<_>>().join(".")));
        }
        let text = self.text(scope, argument, WANTED)?;
        let parts = text.split_once('.');
        if parts.is_none() {
            argument.wrong_type(WANTED, &mut self.findings);
        }
        parts.map(|(resource, attribute)| (resource.to_owned(), attribute.to_owned()))
    }

    fn attribute(&mut self, scope: &Scope, name: &str, attribute: &str, origin: Origin) -> Option<Json> {
        let name = with_locals(scope, name);
        let attribute = with_locals(scope, attribute);
        let Some(&resource) = self.stacks[scope.stack].resources.places.get(&name) else {
            let names = self.stacks[scope.stack].resources.names();
            self.unknown_reference("resource", &name, origin, &names);
            return None;
        };
        self.needs(scope, resource);
        if !self.check_made(scope, resource, origin) {
            return None;
        }
        self.attribute_of(scope.stack, resource, &attribute, origin)
    }

    /// `Fn::ImportValue`: what another stack of the input exports in the same account and region.
    pub(super) fn import(&mut self, scope: &Scope, argument: &'t Node) -> Option<Json> {
        let name = self.text(scope, argument, "the name of an export")?;
        let stack = &self.stacks[scope.stack];
        let key = (stack.account.clone(), stack.region.clone(), name);
        if let Some(&(stack, output)) = self.exports.get(&key) {
            return self.output(stack, output, argument.origin);
        }
        let name = clean(&key.2).replace("external:", "");
        // A name that is made of a missing parameter was blamed on that already.
        let is_told = is_opaque(&key.2) || !self.noted.insert((argument.origin.file, name.clone()));
        if !is_told {
            let message = format!("nothing in the input exports `{name}`");
            let others = self.exports.keys().map(|(_, _, name)| name.clone());
            let others: Vec<String> = others.collect();
            let help = self.suggestion(&name, &others);
            let help = help.unwrap_or_else(|| "give the template that exports it, too".to_owned());
            self.findings
                .push(Finding::warning("import-not-in-input", argument.origin, message).help(help));
        }
        Some(opaque(format_args!("external:{name}")))
    }

    /// The value of an output.
    pub(super) fn output(&mut self, stack: usize, output: usize, origin: Origin) -> Option<Json> {
        let found = self.stacks[stack].outputs.members[output].clone();
        let label = format!("output `{}`", found.name);
        let scope = Scope {
            stack,
            owner: None,
            locals: found.locals,
        };
        self.once(Once::Output(stack, output), label, origin, |this| {
            let is_made = match member(found.node, "Condition").and_then(Node::as_text) {
                Some(name) => this.condition(&scope, name, found.node.origin)?,
                None => true,
            };
            let value = member(found.node, "Value").filter(|_| is_made)?;
            this.value(&scope, value)
        })
    }

    /// Notes who exports what; a name can be exported once.
    pub(super) fn index_exports(&mut self) {
        for stack in 0..self.stacks.len() {
            for output in 0..self.stacks[stack].outputs.members.len() {
                let found = self.stacks[stack].outputs.members[output].clone();
                let export = member(found.node, "Export").and_then(|export| member(export, "Name"));
                let Some(export) = export else { continue };
                let scope = Scope {
                    stack,
                    owner: None,
                    locals: found.locals,
                };
                let condition = member(found.node, "Condition").and_then(Node::as_text);
                let is_made = condition
                    .is_none_or(|name| self.condition(&scope, name, found.node.origin) == Some(true));
                if !is_made {
                    continue;
                }
                let Some(name) = self.text(&scope, export, "the name of an export") else {
                    continue;
                };
                self.add_export(stack, output, name, export.origin);
            }
        }
    }

    fn add_export(&mut self, stack: usize, output: usize, name: String, origin: Origin) {
        let from = &self.stacks[stack];
        let key = (from.account.clone(), from.region.clone(), name);
        if let Some((other, _)) = self.exports.get(&key) {
            if is_opaque(&key.2) {
                return;
            }
            let message = format!(
                "`{}` is exported already, by the stack `{}`",
                key.2, self.stacks[*other].name
            );
            self.error("duplicate-export", origin, message);
            return;
        }
        self.exports.insert(key, (stack, output));
    }

    /// Whether a resource's condition holds.
    pub(super) fn is_made(&mut self, stack: usize, resource: usize) -> bool {
        let found = self.stacks[stack].resources.members[resource].clone();
        let Some(condition) = entries_of(found.node)
            .iter()
            .find(|entry| entry.key == "Condition")
        else {
            return true;
        };
        let scope = Scope {
            stack,
            owner: None,
            locals: found.locals,
        };
        match condition
            .value
            .text("the name of a condition", &mut self.findings)
        {
            Some(name) => self.condition(&scope, name, condition.value.origin) != Some(false),
            None => true,
        }
    }
}
