//! Reading the arguments of a declared resource, under the names that the languages give them.

use serde_json::{Map, Value, json};

use crate::declared::Declared;

/// Arguments or properties. Names are given as alternatives: `"VpcId|vpc_id"`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Values<'a>(pub &'a Map<String, Value>);

impl<'a> Values<'a> {
    /// Those of a resource.
    pub(super) fn of(resource: &'a Declared) -> Self {
        Self(&resource.values)
    }

    /// The first that is there and says something.
    pub(super) fn get(self, names: &str) -> Option<&'a Value> {
        let mut values = names.split('|').filter_map(|name| self.0.get(name));
        values.find(|value| !value.is_null() && value.as_str() != Some(""))
    }

    /// A text; numbers and flags are texts too.
    pub(super) fn text(self, names: &str) -> Option<String> {
        match self.get(names)? {
            // Templates write a single value as a list here and there.
            Value::Array(list) if list.len() == 1 => text_of(&list[0]).filter(|text| !text.is_empty()),
            value => text_of(value),
        }
    }

    /// A list of texts, or a single one.
    pub(super) fn texts(self, names: &str) -> Vec<String> {
        match self.get(names) {
            Some(Value::Array(list)) => list
                .iter()
                .filter_map(text_of)
                .filter(|text| !text.is_empty())
                .collect(),
            Some(other) => text_of(other).into_iter().collect(),
            None => Vec::new(),
        }
    }

    /// A flag, also one that is written as text.
    pub(super) fn flag(self, names: &str) -> Option<bool> {
        match self.get(names)? {
            Value::Bool(flag) => Some(*flag),
            Value::String(text) => match text.as_str() {
                "true" | "True" | "yes" | "enable" => Some(true),
                "false" | "False" | "no" | "disable" => Some(false),
                _ => None,
            },
            _ => None,
        }
    }

    /// A whole number, also one that is written as text.
    pub(super) fn number(self, names: &str) -> Option<i64> {
        match self.get(names)? {
            Value::Number(number) => number
                .as_i64()
                .or_else(|| number.as_f64().map(|float| float as i64)),
            Value::String(text) => text.trim().parse().ok(),
            _ => None,
        }
    }

    /// Nested blocks: a list of objects, or a single one.
    pub(super) fn blocks(self, names: &str) -> Vec<Values<'a>> {
        match self.get(names) {
            Some(Value::Array(list)) => list.iter().filter_map(Value::as_object).map(Values).collect(),
            Some(Value::Object(map)) => vec![Values(map)],
            _ => Vec::new(),
        }
    }

    /// The first nested block.
    pub(super) fn block(self, names: &str) -> Option<Values<'a>> {
        self.blocks(names).into_iter().next()
    }

    /// The tags: Terraform's map, CloudFormation's list, the blocks of an Auto Scaling group.
    pub(super) fn tags(self) -> Vec<Value> {
        let mut tags = match self.get("tags_all|tags|Tags") {
            Some(Value::Object(map)) => map
                .iter()
                .filter(|(key, _)| *key != crate::declared::ORIGIN_KEY)
                .filter_map(|(key, value)| Some(json!({"Key": key, "Value": text_of(value)?})))
                .collect(),
            Some(Value::Array(list)) => list.iter().filter_map(tag_of).collect(),
            _ => Vec::new(),
        };
        tags.extend(
            self.blocks("tag")
                .into_iter()
                .filter_map(|tag| Some(json!({"Key": tag.text("key")?, "Value": tag.text("value")?}))),
        );
        tags
    }

    /// The value of the tag `Name`.
    pub(super) fn name(self) -> Option<String> {
        let tags = self.tags();
        let name = tags.iter().find(|tag| tag["Key"] == "Name")?;
        name["Value"]
            .as_str()
            .filter(|name| !name.is_empty())
            .map(str::to_owned)
    }
}

fn tag_of(tag: &Value) -> Option<Value> {
    let tag = Values(tag.as_object()?);
    Some(json!({"Key": tag.text("Key|key")?, "Value": tag.text("Value|value").unwrap_or_default()}))
}

fn text_of(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(flag) => Some(flag.to_string()),
        _ => None,
    }
}
