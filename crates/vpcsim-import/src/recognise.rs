//! What an input is, by what it says: names of files never matter.

use crate::describe;
use crate::native;
use crate::native::node::{Node, Value};

/// A kind of input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A design in the native format.
    Native,
    /// Answers of `aws ec2 describe-*`.
    Describe,
    /// A Terraform plan or state.
    Terraform,
    /// A CloudFormation template.
    CloudFormation,
    /// Something else.
    Unknown,
}

/// Whether the text is JSON rather than YAML: a bracket, and behind a brace a quoted key.
pub(crate) fn looks_like_json(text: &str) -> bool {
    let text = text.trim_start();
    match text.as_bytes().first() {
        Some(b'{') => text[1..].trim_start().starts_with(['"', '}']),
        Some(b'[') => {
            let rest = text[1..].trim_start();
            rest.starts_with(['{', ']']) && (rest.starts_with(']') || looks_like_json(rest))
        }
        _ => false,
    }
}

/// The kind of something with these top keys.
pub(crate) fn kind_of<'k>(keys: impl Iterator<Item = &'k str> + Clone) -> Kind {
    let has = |word: &str| keys.clone().any(|key| key == word);
    if keys.clone().any(describe::is_key) {
        Kind::Describe
    } else if has("AWSTemplateFormatVersion") || has("Resources") {
        Kind::CloudFormation
    } else if has("planned_values")
        || has("resource_changes")
        || (has("format_version") && has("terraform_version"))
        || (has("terraform_version") && (has("resources") || has("modules") || has("serial")))
    {
        Kind::Terraform
    } else if keys.clone().any(native::is_key_of_a_design) {
        Kind::Native
    } else {
        Kind::Unknown
    }
}

/// The kind of a YAML document.
pub(crate) fn kind_of_node(node: &Node) -> Kind {
    match &node.value {
        Value::Mapping(entries) => match kind_of(entries.iter().map(|entry| entry.key.as_str())) {
            // An empty mapping is an empty design.
            Kind::Unknown if entries.is_empty() => Kind::Native,
            kind => kind,
        },
        _ => Kind::Unknown,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_are_told_apart_by_their_top_keys() {
        let kind = |keys: &[&str]| kind_of(keys.iter().copied());
        assert_eq!(kind(&["NextToken", "Vpcs"]), Kind::Describe);
        assert_eq!(kind(&["name", "vpcs"]), Kind::Native);
        assert_eq!(
            kind(&["AWSTemplateFormatVersion", "Resources"]),
            Kind::CloudFormation
        );
        assert_eq!(
            kind(&["format_version", "terraform_version", "planned_values"]),
            Kind::Terraform
        );
        assert_eq!(
            kind(&["version", "terraform_version", "serial", "resources"]),
            Kind::Terraform
        );
        assert_eq!(kind(&["color"]), Kind::Unknown);
    }

    #[test]
    fn json_has_quoted_keys() {
        assert!(
            looks_like_json(" {\"Vpcs\": []}")
                && looks_like_json("[{\"Vpcs\": []}]")
                && looks_like_json("{}")
        );
        assert!(!looks_like_json("{name: x}") && !looks_like_json("name: x") && !looks_like_json("[a, b]"));
    }
}
