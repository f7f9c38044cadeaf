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
pub(crate) fn kind_of(keys: &[&str]) -> Kind {
    let has = |word: &str| keys.contains(&word);
    // A template may have a section `Rules`, as load balancers do: what is surer is asked first.
    if has("AWSTemplateFormatVersion") || has("Resources") {
        Kind::CloudFormation
    } else if has("planned_values")
        || has("resource_changes")
        || (has("format_version") && has("terraform_version"))
        || (has("terraform_version") && (has("resources") || has("modules") || has("serial")))
    {
        Kind::Terraform
    } else if keys.iter().any(|key| describe::is_key(key)) {
        Kind::Describe
    } else if keys.iter().any(|key| native::is_key_of_a_design(key)) {
        Kind::Native
    } else {
        Kind::Unknown
    }
}

/// The kind of a YAML document.
pub(crate) fn kind_of_node(node: &Node) -> Kind {
    let Value::Mapping(entries) = &node.value else {
        return Kind::Unknown;
    };
    let keys: Vec<&str> = entries.iter().map(|entry| entry.key.as_str()).collect();
    // An empty mapping is an empty design.
    if keys.is_empty() {
        Kind::Native
    } else {
        kind_of(&keys)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_are_told_apart_by_their_top_keys() {
        let kind = kind_of;
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
        assert_eq!(kind(&["Rules", "Resources"]), Kind::CloudFormation);
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
