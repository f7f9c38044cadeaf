//! Texts that only AWS knows: ids, names that it makes up, and what the input leaves open.
//!
//! Such a text is replaced by a readable one (`Vpc`, `Alb.DNSName`, `external:VpcId`) behind a mark, so that what is made of it
//! (`Fn::Select` of `Fn::Split` of an ARN) is known to be as unknown instead of being an error. The marks leave with [`bare`].

use serde_json::{Map, Value};

/// Stands in front of what is made up; templates cannot contain it, since the loader's texts are cleaned of it.
const MARK: char = '\u{1}';

/// A text that stands for what AWS would say.
pub(super) fn opaque(text: impl std::fmt::Display) -> Value {
    Value::String(format!("{MARK}{text}"))
}

/// Whether a part of the text is made up.
pub(super) fn is_opaque(text: &str) -> bool {
    text.contains(MARK)
}

/// Whether a part of the value is made up.
pub(super) fn has_opaque(value: &Value) -> bool {
    match value {
        Value::String(text) => is_opaque(text),
        Value::Array(items) => items.iter().any(has_opaque),
        Value::Object(members) => members.values().any(has_opaque),
        _ => false,
    }
}

/// What the element of that number of a made-up list is called.
pub(super) fn element(of: &str, index: usize) -> Value {
    let numbered = of.strip_suffix(']').and_then(|text| text.rsplit_once('['));
    let list = numbered
        .filter(|(_, digits)| digits.bytes().all(|byte| byte.is_ascii_digit()))
        .map_or(of, |(list, _)| list);
    opaque(format_args!("{}[{index}]", clean(list)))
}

/// The text without marks.
pub(super) fn clean(text: &str) -> String {
    text.replace(MARK, "")
}

/// The value without marks.
pub(super) fn bare(value: Value) -> Value {
    match value {
        Value::String(text) if is_opaque(&text) => Value::String(clean(&text)),
        Value::Array(items) => Value::Array(items.into_iter().map(bare).collect()),
        Value::Object(members) => Value::Object(bare_members(members)),
        value => value,
    }
}

/// The members without marks.
pub(super) fn bare_members(members: Map<String, Value>) -> Map<String, Value> {
    members
        .into_iter()
        .map(|(key, value)| (key, bare(value)))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_stay_with_their_part_and_leave_at_the_end() {
        let Value::String(id) = opaque("Fw.EndpointIds[0]") else {
            panic!("a text")
        };
        let joined = format!("us-east-1a:{id}");
        let parts: Vec<&str> = joined.split(':').collect();
        assert_eq!(
            (is_opaque(parts[0]), is_opaque(parts[1]), clean(parts[1]).as_str()),
            (false, true, "Fw.EndpointIds[0]")
        );
        let value = serde_json::json!({"a": [joined]});
        assert!(has_opaque(&value));
        assert_eq!(
            bare(value),
            serde_json::json!({"a": ["us-east-1a:Fw.EndpointIds[0]"]})
        );
        assert_eq!(element("external:Subnets[1]", 3), opaque("external:Subnets[3]"));
        assert_eq!(element("Alb", 1), opaque("Alb[1]"));
    }
}
