//! The JSON Schema of the native format, made of the tables that the reader itself uses.

use serde_json::{Map, Value, json};

use super::DESIGN;
use super::shape::{Key, Record, Shape};

const ADDRESS: &str = r"^[0-9]{1,3}(\.[0-9]{1,3}){3}$";
const CIDR: &str = r"^[0-9]{1,3}(\.[0-9]{1,3}){3}/[0-9]{1,2}$";
const SPAN: &str = r"^\s*[0-9_.]+\s*(ns|us|µs|ms|s)\s*$";
const FLAG_WORDS: &str = r"^([Tt]rue|TRUE|[Ff]alse|FALSE|[Yy]es|YES|[Nn]o|NO|[Oo]n|ON|[Oo]ff|OFF)$";

/// JSON Schema (draft 2020-12) of the native format.
pub(crate) fn schema() -> Value {
    let mut records = Map::new();
    let root = record(&DESIGN, &mut records);
    records.remove(DESIGN.name);
    let mut schema = json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "vpcsim design",
        "description": "A network design for vpcsim: VPCs and what is in them, hosts outside, expectations.",
    });
    let object = schema.as_object_mut().expect("it is one");
    object.extend(root);
    object.insert("$defs".to_owned(), Value::Object(records));
    schema
}

/// The schema of a record; those inside it go to the definitions.
fn record(record: &Record, records: &mut Map<String, Value>) -> Map<String, Value> {
    // Entered first, so that a record within itself does not go on for ever.
    records.insert(record.name.to_owned(), Value::Null);
    let mut properties = Map::new();
    for key in record.keys {
        for name in std::iter::once(&key.name).chain(key.aliases) {
            properties.insert((*name).to_owned(), described(key.shape, key.about, records));
        }
    }
    for noun in record.nouns {
        let named = json!({ "type": ["object", "null"], "description": noun.about,
            "additionalProperties": shape(noun.shape, records) });
        properties.insert(noun.key.to_owned(), named);
    }
    let mut schema = Map::new();
    schema.insert("type".to_owned(), json!("object"));
    schema.insert("properties".to_owned(), Value::Object(properties));
    if let Some((pattern, open)) = record.open {
        schema.insert(
            "patternProperties".to_owned(),
            json!({ pattern: shape(open, records) }),
        );
    }
    schema.insert("additionalProperties".to_owned(), json!(false));
    let required: Vec<Value> = record
        .keys
        .iter()
        .filter(|key| key.required)
        .map(required)
        .collect();
    if !required.is_empty() {
        schema.insert("allOf".to_owned(), Value::Array(required));
    }
    records.insert(record.name.to_owned(), Value::Object(schema.clone()));
    schema
}

/// A required key may stand in any of its spellings.
fn required(key: &Key) -> Value {
    let spellings = std::iter::once(&key.name).chain(key.aliases);
    json!({ "anyOf": spellings.map(|name| json!({ "required": [name] })).collect::<Vec<_>>() })
}

fn described(of: Shape, about: &str, records: &mut Map<String, Value>) -> Value {
    let mut schema = match shape(of, records) {
        Value::Object(schema) => schema,
        other => Map::from_iter([("allOf".to_owned(), json!([other]))]),
    };
    schema.insert("description".to_owned(), json!(about));
    Value::Object(schema)
}

fn shape(of: Shape, records: &mut Map<String, Value>) -> Value {
    match of {
        // YAML reads `5` as a number and `on` as a truth value; both are good names.
        Shape::Text => json!({ "type": ["string", "number", "boolean", "null"] }),
        Shape::Flag => json!({ "anyOf": [{ "type": ["boolean", "null"] }, text(FLAG_WORDS)] }),
        Shape::Whole(last) => json!({ "anyOf": [
            { "type": "integer", "minimum": 0, "maximum": last }, text("^[0-9][0-9_]*$"), { "type": "null" },
        ] }),
        Shape::Cidr => text(CIDR),
        Shape::Address => text(ADDRESS),
        Shape::PublicIp => {
            json!({ "anyOf": [{ "type": ["boolean", "null"] }, text(FLAG_WORDS), text(ADDRESS)] })
        }
        Shape::Span => text(SPAN),
        Shape::Choice(words) => choice(words),
        Shape::Pattern(pattern) => text(pattern),
        Shape::Many(one) => {
            let one = shape(*one, records);
            json!({ "anyOf": [one, { "type": "array", "items": one }, { "type": "null" }] })
        }
        Shape::Named(one) => {
            json!({ "type": ["object", "null"], "additionalProperties": shape(*one, records) })
        }
        Shape::Record(inner) => reference(inner, records),
        Shape::Optional(inner) => json!({ "anyOf": [reference(inner, records), { "type": "null" }] }),
        Shape::Pair(one) => {
            json!({ "type": "object", "minProperties": 1, "propertyNames": { "pattern": "->" },
            "additionalProperties": shape(*one, records) })
        }
        Shape::Either(shapes) => {
            json!({ "anyOf": shapes.iter().map(|one| shape(*one, records)).collect::<Vec<_>>() })
        }
    }
}

fn text(pattern: &str) -> Value {
    json!({ "type": "string", "pattern": pattern })
}

fn choice(words: &[&str]) -> Value {
    let spellings = words
        .iter()
        .flat_map(|word| [(*word).to_owned(), word.replace('-', "_")]);
    let mut spellings: Vec<String> = spellings.collect();
    spellings.dedup();
    json!({ "enum": spellings })
}

fn reference(inner: &Record, records: &mut Map<String, Value>) -> Value {
    if !records.contains_key(inner.name) {
        record(inner, records);
    }
    json!({ "$ref": format!("#/$defs/{}", inner.name) })
}
