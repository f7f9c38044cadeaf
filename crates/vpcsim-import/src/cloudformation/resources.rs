//! From resources of stacks to what the design declares.

use serde_json::{Map, Value as Json};
use vpcsim_aws::Finding;

use super::evaluator::{Evaluator, Scope};
use super::opaque::bare_members;
use super::template::member;
use crate::declared::{Declared, ORIGIN_KEY, place};
use crate::native::node::Node;

/// The key under which [`Declared::values`] say what the CDK calls the resource.
const NAME_KEY: &str = "@name";

impl Evaluator<'_> {
    /// Every resource that is made, in the order of the stacks and of their templates.
    pub(super) fn declare(&mut self) -> Vec<Declared> {
        let mut declared = Vec::new();
        for stack in 0..self.stacks.len() {
            for resource in 0..self.stacks[stack].resources.members.len() {
                declared.extend(self.declare_one(stack, resource));
            }
            for output in 0..self.stacks[stack].outputs.members.len() {
                let origin = self.stacks[stack].outputs.members[output].key_origin;
                self.output(stack, output, origin);
            }
            self.check_conditions(stack);
            self.check_rules(stack);
        }
        self.check_circles();
        declared
    }

    fn declare_one(&mut self, stack: usize, resource: usize) -> Option<Declared> {
        let found = self.stacks[stack].resources.members[resource].clone();
        let Some(kind) = member(found.node, "Type").and_then(Node::as_text) else {
            let message = format!("the resource `{}` has no `Type`", found.name);
            self.findings.push(
                Finding::error("not-a-template", found.key_origin, message)
                    .help("write what it is: `Type: AWS::EC2::Subnet`"),
            );
            return None;
        };
        if !self.is_made(stack, resource) {
            return None;
        }
        let scope = Scope {
            stack,
            owner: Some(resource),
            locals: found.locals,
        };
        let properties = member(found.node, "Properties").filter(|node| !node.is_null());
        let values = properties.and_then(|node| {
            if !node.is_mapping() {
                node.wrong_type("a mapping of properties", &mut self.findings);
                return None;
            }
            self.value(&scope, node)
        });
        if kind == "AWS::CloudFormation::Stack" {
            return None;
        }
        let mut named = Map::new();
        if let Some(name) = self.construct_name(stack, found.node) {
            named.insert(NAME_KEY.to_owned(), Json::String(name));
        }
        match values {
            Some(Json::Object(members)) => named.extend(members),
            _ => {
                named.insert(ORIGIN_KEY.to_owned(), place(found.key_origin));
            }
        }
        let id = self.id(stack, resource);
        let stack = &self.stacks[stack];
        Some(Declared {
            kind: kind.to_owned(),
            address: id.clone(),
            id,
            values: bare_members(named),
            origin: found.key_origin,
            account: stack.account.clone(),
            region: stack.region.clone(),
        })
    }

    /// The construct path of the CDK within the stack.
    fn construct_name(&self, stack: usize, node: &Node) -> Option<String> {
        let path = member(member(node, "Metadata")?, "aws:cdk:path")?.as_text()?;
        let path = path.strip_suffix("/Resource").unwrap_or(path);
        let stack_path = &self.stacks[stack].display_name;
        let within = path
            .strip_prefix(stack_path.as_str())
            .and_then(|rest| rest.strip_prefix('/'));
        let within = within.or_else(|| path.split_once('/').map(|(_, rest)| rest));
        Some(within.unwrap_or(path).to_owned())
    }

    /// Conditions that nothing uses may be wrong, too.
    fn check_conditions(&mut self, stack: usize) {
        for index in 0..self.stacks[stack].conditions.members.len() {
            let found = self.stacks[stack].conditions.members[index].clone();
            let scope = Scope {
                stack,
                owner: None,
                locals: found.locals,
            };
            self.condition(&scope, &found.name, found.key_origin);
        }
    }
}
