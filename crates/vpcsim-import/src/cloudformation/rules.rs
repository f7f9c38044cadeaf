//! The section `Rules`: assertions about parameters, as far as they can be checked here.

use std::rc::Rc;

use super::evaluator::{Evaluator, Scope};
use super::template::{entries_of, member};
use crate::native::node::{Node, Value};

impl Evaluator<'_> {
    /// Checks each rule that says nothing about what only AWS knows.
    pub(super) fn check_rules(&mut self, stack: usize) {
        let scope = Scope {
            stack,
            owner: None,
            locals: Rc::from([]),
        };
        for rule in self.stacks[stack].document.entries("Rules") {
            let applies = match member(&rule.value, "RuleCondition") {
                Some(condition) if self.can_check(stack, condition) => self.truth(&scope, condition),
                Some(_) => continue,
                None => Some(true),
            };
            let assertions = member(&rule.value, "Assertions").filter(|_| applies == Some(true));
            for assertion in assertions.map_or(&[][..], Node::items) {
                let Some(assert) = member(assertion, "Assert").filter(|assert| self.can_check(stack, assert))
                else {
                    continue;
                };
                if self.truth(&scope, assert) == Some(false) {
                    let said = member(assertion, "AssertDescription").and_then(Node::as_text);
                    let message = format!(
                        "the rule `{}` does not hold: {}",
                        rule.key,
                        said.unwrap_or("its assertion is false")
                    );
                    self.error("rule-not-met", assert.origin, message);
                }
            }
        }
    }

    /// Whether every parameter in it has a value, and every function can be evaluated.
    fn can_check(&mut self, stack: usize, node: &Node) -> bool {
        match &node.value {
            Value::Scalar { .. } => true,
            Value::Sequence(items) => items.iter().all(|item| self.can_check(stack, item)),
            Value::Mapping(_) => entries_of(node).iter().all(|entry| match entry.key.as_str() {
                "Ref" => entry
                    .value
                    .as_text()
                    .is_some_and(|name| self.is_known(stack, name)),
                "Fn::RefAll" | "Fn::ValueOf" | "Fn::ValueOfAll" => false,
                _ => self.can_check(stack, &entry.value),
            }),
        }
    }

    fn is_known(&mut self, stack: usize, name: &str) -> bool {
        if name.starts_with("AWS::") {
            return true;
        }
        let Some(&declared) = self.stacks[stack].parameters.get(name) else {
            return true;
        };
        let findings = std::mem::take(&mut self.findings);
        let value = self.parameter(stack, declared, declared.key_origin);
        self.findings = findings;
        value.is_some_and(|value| !super::opaque::has_opaque(&value))
    }
}
