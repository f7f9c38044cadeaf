//! A template as it is written: its sections, and what it must have to be one.

use vpcsim_aws::{Finding, Findings, Origin};

use super::{Template, json};
use crate::native::load;
use crate::native::node::{Entry, Node, Value};
use crate::recognise::looks_like_json;

/// A template that was read but not evaluated.
#[derive(Debug)]
pub(super) struct Document {
    /// The path of its file.
    pub(super) name: String,
    /// Its place among the inputs.
    pub(super) file: u32,
    /// All of it.
    pub(super) root: Node,
    /// Whether `AWS::LanguageExtensions` is among its transforms.
    pub(super) has_language_extensions: bool,
}

impl Document {
    /// Reads a file; what is no template is a finding.
    pub(super) fn load(template: &Template<'_>, findings: &mut Findings) -> Option<Self> {
        let root = load_any(template, findings)?;
        let start = start_of(template.file);
        let document = Self {
            name: template.name.to_owned(),
            file: template.file,
            has_language_extensions: transforms(&root)
                .iter()
                .any(|transform| transform.as_text() == Some("AWS::LanguageExtensions")),
            root,
        };
        let Some(resources) = document.section("Resources") else {
            let message = format!(
                "`{}` is no template: it has no section `Resources`",
                template.name
            );
            findings.push(
                Finding::error("not-a-template", start, message)
                    .help("a template has `Resources:` at its top, a mapping of logical ids"),
            );
            return None;
        };
        if !resources.is_mapping() {
            let message = format!("`Resources` is {}, not a mapping", resources.describe());
            findings.push(
                Finding::error("not-a-template", resources.origin, message)
                    .help("write each resource under its logical id"),
            );
            return None;
        }
        document.report_transforms(findings);
        Some(document)
    }

    /// One of its top keys.
    pub(super) fn section(&self, name: &str) -> Option<&Node> {
        member(&self.root, name)
    }

    /// The entries of one of its sections; what is no mapping has none.
    pub(super) fn entries(&self, name: &str) -> &[Entry] {
        self.section(name).map_or(&[], entries_of)
    }

    /// The file's name without folders.
    pub(super) fn base_name(&self) -> &str {
        last_part(&self.name)
    }

    /// The file's name without folders and the endings that say what it is.
    pub(super) fn stem(&self) -> &str {
        let base = self.base_name();
        let stem = base.rsplit_once('.').map_or(base, |(stem, _)| stem);
        stem.strip_suffix(".template").unwrap_or(stem)
    }

    /// What runs at AWS only is named, with what it hides.
    fn report_transforms(&self, findings: &mut Findings) {
        for transform in transforms(&self.root) {
            let name = transform
                .as_text()
                .or_else(|| member(transform, "Name").and_then(Node::as_text));
            let Some(name) = name.filter(|name| *name != "AWS::LanguageExtensions") else {
                continue;
            };
            let made: Vec<&str> = self
                .entries("Resources")
                .iter()
                .filter(|entry| name.starts_with("AWS::Serverless") && is_serverless(&entry.value))
                .map(|entry| entry.key.as_str())
                .collect();
            let hidden = match made.as_slice() {
                [] => "whatever it adds or changes is not seen".to_owned(),
                made => format!(
                    "what it makes of {} is not seen",
                    crate::native::suggest::listed(made.iter().copied())
                ),
            };
            let message = format!("the transform `{name}` runs at AWS only: {hidden}");
            findings.push(
                Finding::warning("transform-not-run", transform.origin, message)
                    .help("give the processed template: `aws cloudformation get-template --template-stage Processed`"),
            );
        }
    }
}

fn is_serverless(resource: &Node) -> bool {
    let kind = member(resource, "Type").and_then(Node::as_text);
    kind.is_some_and(|kind| kind.starts_with("AWS::Serverless::"))
}

fn transforms(root: &Node) -> &[Node] {
    member(root, "Transform").map_or(&[], Node::items)
}

/// The start of a file.
pub(super) const fn start_of(file: u32) -> Origin {
    Origin {
        file,
        line: 1,
        column: 1,
        length: 1,
    }
}

/// Reads YAML or JSON; JSON that is only YAML (with comments, with a comma too many) is read as that.
pub(super) fn load_any(template: &Template<'_>, findings: &mut Findings) -> Option<Node> {
    let mut problems = Findings::default();
    if looks_like_json(template.text) {
        if let Some(node) = json::load(template.text, template.file, &mut problems) {
            findings.extend(problems);
            return Some(node);
        }
        if problems.iter().any(|problem| problem.code == "yaml-too-deep") {
            findings.extend(problems);
            return None;
        }
    }
    let mut of_yaml = Findings::default();
    let roots = load::load_tagged(template.text, template.file, key_of_tag, &mut of_yaml);
    match roots {
        None if !problems.is_empty() => findings.extend(problems),
        _ => findings.extend(of_yaml),
    }
    roots?.into_iter().next()
}

/// The long form of a short one: `Ref` of `!Ref`, `Fn::Sub` of `!Sub`.
fn key_of_tag(tag: &str) -> String {
    match tag {
        "Ref" | "Condition" => tag.to_owned(),
        _ => format!("Fn::{tag}"),
    }
}

/// The value of a key of a mapping.
pub(super) fn member<'n>(node: &'n Node, key: &str) -> Option<&'n Node> {
    let entry = entries_of(node).iter().find(|entry| entry.key == key)?;
    Some(&entry.value)
}

/// The entries of a mapping; anything else has none.
pub(super) fn entries_of(node: &Node) -> &[Entry] {
    match &node.value {
        Value::Mapping(entries) => entries,
        _ => &[],
    }
}

/// What stands behind the last slash of a path or an address.
pub(super) fn last_part(path: &str) -> &str {
    let path = path.split(['?', '#']).next().unwrap_or(path);
    path.rsplit(['/', '\\']).next().unwrap_or(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn load(text: &str) -> (Option<Document>, Vec<(&'static str, u32)>) {
        let mut findings = Findings::default();
        let template = Template {
            file: 0,
            name: "nets/shop.template.json",
            text,
        };
        let document = Document::load(&template, &mut findings);
        let codes = findings.iter().map(|finding| (finding.code, finding.origin.line));
        (document, codes.collect())
    }

    #[test]
    fn short_forms_are_long_forms_with_places() {
        let (document, codes) =
            load("Resources:\n  A:\n    B: !GetAZs ''\n    C: [0, Fn::GetAZs: !Ref AWS::Region]\n");
        assert_eq!(codes, []);
        let document = document.expect("a template");
        let a = &document.entries("Resources")[0].value;
        let b = member(a, "B").expect("there");
        assert_eq!(entries_of(b)[0].key, "Fn::GetAZs");
        assert_eq!((b.origin.line, b.origin.column), (3, 8));
        let zones = &member(a, "C").expect("there").items()[1];
        let region = member(zones, "Fn::GetAZs").expect("there");
        assert_eq!(member(region, "Ref").and_then(Node::as_text), Some("AWS::Region"));
        assert_eq!(document.stem(), "shop");
    }

    #[test]
    fn what_is_no_template_is_named() {
        assert_eq!(load("a: 1").1, [("not-a-template", 1)]);
        assert_eq!(load("Description: x\nResources: []").1, [("not-a-template", 2)]);
        assert_eq!(load("{\"Resources\": {\"A\": }").1, [("json-syntax", 1)]);
        assert!(load("{\"Resources\": {\"A\": {}, } } # yes").0.is_some());
    }

    #[test]
    fn transforms_name_what_they_hide() {
        let text = "Transform: [AWS::LanguageExtensions, AWS::Serverless-2016-10-31]\nResources:\n  F: {Type: AWS::Serverless::Function}";
        let (document, codes) = load(text);
        assert_eq!(codes, [("transform-not-run", 1)]);
        assert!(document.expect("a template").has_language_extensions);
    }
}
