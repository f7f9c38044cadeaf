//! Conditions, and the functions that make and use them.

use serde_json::Value as Json;
use vpcsim_aws::Origin;

use super::evaluator::{Evaluator, Once, Scope, text_of, with_locals};
use super::functions::without_places;
use super::opaque::bare;
use crate::native::node::{Entry, Node, Value};

const WANTED: &str = "a condition";

impl<'t> Evaluator<'t> {
    /// Whether a condition holds, by its name.
    pub(super) fn condition(&mut self, scope: &Scope, name: &str, origin: Origin) -> Option<bool> {
        let name = with_locals(scope, name);
        let stack = scope.stack;
        let Some(&index) = self.stacks[stack].conditions.places.get(&name) else {
            let names: Vec<String> = self.stacks[stack].conditions.names();
            self.unknown_reference("condition", &name, origin, &names);
            return None;
        };
        let member = self.stacks[stack].conditions.members[index].clone();
        let label = format!("condition `{name}`");
        let scope = Scope {
            stack,
            owner: None,
            locals: member.locals,
        };
        let value = self.once(Once::Condition(stack, index), label, origin, |this| {
            this.truth(&scope, member.node).map(Json::Bool)
        });
        value?.as_bool()
    }

    /// Whether the condition that a node says holds.
    pub(super) fn truth(&mut self, scope: &Scope, node: &'t Node) -> Option<bool> {
        if let Value::Mapping(entries) = &node.value
            && let [call] = entries.as_slice()
            && call.key == "Condition"
        {
            let name = call.value.text(WANTED, &mut self.findings)?;
            return self.condition(scope, name, call.value.origin);
        }
        let value = self.value(scope, node)?;
        let truth = match text_of(&value).as_deref() {
            Some("true") => Some(true),
            Some("false") => Some(false),
            _ => None,
        };
        if truth.is_none() {
            node.wrong_type(WANTED, &mut self.findings);
        }
        truth
    }

    /// `Fn::If`: only what is chosen is evaluated.
    pub(super) fn choose(&mut self, scope: &Scope, argument: &'t Node) -> Option<Json> {
        let [name_node, yes, no] = self.arguments(argument, "the name of a condition and two values")?;
        let holds = match name_node.as_text() {
            Some(name) => self.condition(scope, name, name_node.origin),
            None => self.truth(scope, name_node),
        };
        self.value(scope, if holds? { yes } else { no })
    }

    /// The functions whose value is a truth value.
    pub(super) fn logic(&mut self, scope: &Scope, call: &'t Entry) -> Option<bool> {
        let argument = &call.value;
        match call.key.as_str() {
            "Fn::Not" => {
                let [node] = self.arguments(argument, "a list of one condition")?;
                self.truth(scope, node).map(|holds| !holds)
            }
            "Fn::And" => self
                .truths(scope, argument)
                .map(|all| all.into_iter().all(|holds| holds)),
            "Fn::Or" => self
                .truths(scope, argument)
                .map(|all| all.into_iter().any(|holds| holds)),
            "Fn::Equals" => {
                let [left, right] = self.arguments(argument, "two values")?;
                let left = self.value(scope, left);
                let right = self.value(scope, right);
                Some(left.map(comparable) == right.map(comparable))
            }
            _ => {
                let [left, right] = self.arguments(argument, "two values")?;
                let left: Vec<Json> = self.list(scope, left)?.into_iter().map(comparable).collect();
                let right = comparable(self.value(scope, right)?);
                let is_in = |item: &Json| right.as_array().is_some_and(|items| items.contains(item));
                Some(match call.key.as_str() {
                    "Fn::Contains" => left.contains(&right),
                    "Fn::EachMemberEquals" => left.iter().all(|item| *item == right),
                    _ => left.iter().all(is_in),
                })
            }
        }
    }

    fn truths(&mut self, scope: &Scope, argument: &'t Node) -> Option<Vec<bool>> {
        let Value::Sequence(nodes) = &argument.value else {
            argument.wrong_type("a list of conditions", &mut self.findings);
            return None;
        };
        // All are evaluated, so that each mistake is told.
        let truths: Vec<Option<bool>> = nodes.iter().map(|node| self.truth(scope, node)).collect();
        truths.into_iter().collect()
    }
}

/// Values are compared as texts: `1` is `"1"`.
fn comparable(value: Json) -> Json {
    match without_places(bare(value)) {
        Json::Array(items) => Json::Array(items.into_iter().map(comparable).collect()),
        value => text_of(&value).map_or(value, Json::String),
    }
}
