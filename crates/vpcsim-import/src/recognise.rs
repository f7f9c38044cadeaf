//! What an input is, by what it says: names of files never matter.

use crate::cloudformation;
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

/// Whether a JSON text is a plan or a state of Terraform, also a broken one: by the keys that it begins with.
pub(crate) fn is_terraform(text: &str) -> bool {
    const SURE: [&str; 6] = [
        "format_version",
        "terraform_version",
        "planned_values",
        "resource_changes",
        "lineage",
        "prior_state",
    ];
    let head: String = text.chars().take(2_000).collect();
    let depth_one = first_keys(&head);
    depth_one.iter().any(|key| SURE.contains(&key.as_str()))
        && !depth_one
            .iter()
            .any(|key| key == "Resources" || describe::is_key(key))
}

/// The keys of the outermost object, as far as the text goes.
fn first_keys(text: &str) -> Vec<String> {
    let (mut keys, mut depth, mut word, mut in_word, mut escaped) =
        (Vec::new(), 0_usize, String::new(), false, false);
    for letter in text.chars() {
        if in_word {
            match letter {
                _ if escaped => escaped = false,
                '\\' => escaped = true,
                '"' => in_word = false,
                _ => word.push(letter),
            }
            continue;
        }
        match letter {
            '"' => {
                in_word = true;
                word.clear();
            }
            ':' if depth == 1 => keys.push(word.clone()),
            '{' | '[' => depth += 1,
            '}' | ']' => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    keys
}

/// What a YAML document is to CloudFormation.
pub(crate) fn role_of_node(node: &Node) -> Option<cloudformation::Role> {
    let first = match &node.value {
        Value::Sequence(items) => items.first()?,
        _ => node,
    };
    let Value::Mapping(entries) = &first.value else {
        return None;
    };
    let keys: Vec<&str> = entries.iter().map(|entry| entry.key.as_str()).collect();
    cloudformation::role_of(&keys)
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
