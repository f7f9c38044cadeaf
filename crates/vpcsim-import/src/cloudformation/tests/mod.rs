//! Templates as people write them, and what they declare.

mod functions;
mod input;
mod stacks;

use serde_json::Value as Json;
use vpcsim_aws::{Finding, Findings};

use super::functions::without_places;
use super::{Files, Options, Template, evaluate, role_of};
use crate::cloudformation::Role;
use crate::declared::Declared;

/// What files declare, and what is found in them.
struct Outcome {
    declared: Vec<Declared>,
    findings: Vec<Finding>,
}

impl Outcome {
    fn codes(&self) -> Vec<&'static str> {
        self.findings.iter().map(|finding| finding.code).collect()
    }

    /// The properties of a resource, without places.
    fn values(&self, id: &str) -> Json {
        let found = self.declared.iter().find(|declared| declared.id == id);
        let values = found
            .unwrap_or_else(|| panic!("no {id}: {:?}", self.findings))
            .values
            .clone();
        without_places(Json::Object(values))
    }

    fn messages(&self) -> String {
        let messages = self.findings.iter().map(|finding| {
            format!(
                "{}:{}:{} {:?} {} {}\n",
                finding.origin.file,
                finding.origin.line,
                finding.origin.column,
                finding.severity,
                finding.code,
                finding.message
            )
        });
        messages.collect()
    }
}

/// Evaluates files, by their top keys.
fn outcome(files: &[(&str, &str)], options: &Options) -> Outcome {
    let mut sorted = Files::default();
    for (file, (name, text)) in files.iter().enumerate() {
        let template = Template {
            file: file as u32,
            name,
            text,
        };
        let root = super::template::load_any(&template, &mut Findings::default());
        let keys: Vec<String> = root
            .iter()
            .map(|root| root.items().first().unwrap_or(root))
            .flat_map(super::template::entries_of)
            .map(|entry| entry.key.clone())
            .collect();
        let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
        match role_of(&keys) {
            Some(Role::Template) | None => sorted.templates.push(template),
            Some(Role::Parameters) => sorted.parameters.push(template),
            Some(Role::Manifest) => sorted.manifests.push(template),
            Some(Role::Ignored) => {}
        }
    }
    let mut findings = Findings::default();
    let declared = evaluate(&sorted, options, &mut findings);
    findings.sort();
    Outcome {
        declared,
        findings: findings.iter().cloned().collect(),
    }
}

fn one(text: &str) -> Outcome {
    outcome(&[("shop.yaml", text)], &Options::default())
}

/// The value of a property that is written like this; nothing may be found.
fn value_of(written: &str) -> Json {
    let text = format!("{HEAD}  X: {{Type: T, Properties: {{V: {written}}}}}\n");
    let outcome = one(&text);
    assert!(outcome.findings.is_empty(), "{}", outcome.messages());
    outcome.values("X").get("V").cloned().unwrap_or(Json::Null)
}

/// The codes of what is found in a property that is written like this.
fn codes_of(written: &str) -> Vec<&'static str> {
    one(&format!("{HEAD}  X: {{Type: T, Properties: {{V: {written}}}}}\n")).codes()
}

/// What the properties can refer to.
const HEAD: &str = "
Transform: AWS::LanguageExtensions
Parameters:
  Env: {Type: String, Default: prod}
  Count: {Type: Number, Default: 3}
  Zones: {Type: CommaDelimitedList, Default: 'a, b,c'}
Mappings:
  Sizes: {prod: {cidr: 10.0.0.0/16, list: [x, y]}, test: {cidr: 10.1.0.0/16}}
Conditions:
  IsProd: !Equals [!Ref Env, prod]
  IsTest: !Equals [!Ref Env, test]
Resources:
  Vpc: {Type: AWS::EC2::VPC, Properties: {CidrBlock: 10.0.0.0/16}}
  Alb: {Type: AWS::ElasticLoadBalancingV2::LoadBalancer}
  Off: {Type: AWS::EC2::EIP, Condition: IsTest}
";
