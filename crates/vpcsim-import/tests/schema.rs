//! The JSON Schema says yes to what reads, and no to what does not.

use serde_json::{Value, json};
use vpcsim_import::{Source, read, schema};

/// A document as the schema's users see it: their editor reads YAML into JSON.
fn to_json(yaml: &str) -> Value {
    let mut loader = yaml_to_json::Loader::default();
    loader.load(yaml)
}

/// YAML's core schema, enough of it for the fixtures.
mod yaml_to_json {
    use saphyr_parser::{Event, Parser, ScalarStyle};
    use serde_json::{Map, Value, json};

    #[derive(Default)]
    pub(crate) struct Loader {
        open: Vec<(bool, Vec<Value>)>,
        root: Value,
    }

    impl Loader {
        pub(crate) fn load(&mut self, yaml: &str) -> Value {
            for event in Parser::new_from_str(yaml) {
                match event.expect("the fixtures are YAML").0 {
                    Event::Scalar(text, style, ..) => self.close(scalar(&text, style == ScalarStyle::Plain)),
                    Event::SequenceStart(..) => self.open.push((false, Vec::new())),
                    Event::MappingStart(..) => self.open.push((true, Vec::new())),
                    Event::SequenceEnd | Event::MappingEnd => {
                        let (is_mapping, children) = self.open.pop().expect("it was opened");
                        let value = if is_mapping {
                            mapping(children)
                        } else {
                            Value::Array(children)
                        };
                        self.close(value);
                    }
                    _ => {}
                }
            }
            self.root.take()
        }

        fn close(&mut self, value: Value) {
            match self.open.last_mut() {
                Some((_, children)) => children.push(value),
                None => self.root = value,
            }
        }
    }

    fn mapping(children: Vec<Value>) -> Value {
        let mut map = Map::new();
        let mut children = children.into_iter();
        while let (Some(key), Some(value)) = (children.next(), children.next()) {
            let key = key.as_str().map_or_else(|| key.to_string(), str::to_owned);
            map.insert(key, value);
        }
        Value::Object(map)
    }

    fn scalar(text: &str, plain: bool) -> Value {
        match text {
            _ if !plain => json!(text),
            "" | "~" | "null" => Value::Null,
            "true" => json!(true),
            "false" => json!(false),
            _ => text
                .parse::<i64>()
                .map_or_else(|_| json!(text), |number| json!(number)),
        }
    }
}

/// What the schema has against a document.
fn complaints(document: &Value) -> Vec<String> {
    let validator = jsonschema::validator_for(&schema()).expect("the schema is one");
    validator
        .iter_errors(document)
        .map(|error| format!("{}: {error}", error.instance_path()))
        .collect()
}

#[test]
fn the_schema_is_valid_itself_and_names_its_draft() {
    let schema = schema();
    assert!(jsonschema::meta::is_valid(&schema));
    assert_eq!(
        schema["$schema"],
        json!("https://json-schema.org/draft/2020-12/schema")
    );
    assert!(schema["properties"]["vpcs"]["description"].is_string());
}

#[test]
fn what_reads_is_valid() {
    for (name, text) in [
        ("three-tier", include_str!("fixtures/three-tier.yaml")),
        ("everything", include_str!("fixtures/everything.yaml")),
        ("empty", "name: x\nvpcs:\ninstances: ~\n"),
    ] {
        assert_eq!(complaints(&to_json(text)), Vec::<String>::new(), "{name}");
    }
}

#[test]
fn what_the_writer_writes_is_valid() {
    let text = include_str!("fixtures/everything.yaml");
    let design = read(vec![Source {
        name: String::new(),
        bytes: text.into(),
    }]);
    let written = vpcsim_import::write_native(&design.topology);
    assert_eq!(complaints(&to_json(&written)), Vec::<String>::new(), "{written}");
}

#[test]
fn what_does_not_read_is_not_valid() {
    let inside = |what: &str| format!("vpcs: {{ shop: {{ cidr: 10.0.0.0/16, {what} }} }}");
    let inside_subnet = |what: &str| inside(&format!("subnets: {{ s: {{ {what} }} }}"));
    for text in [
        "vpc: {}".to_owned(),
        "vpcs: [a]".to_owned(),
        "vpcs: { shop: {} }".to_owned(),
        "vpcs: { shop: { cidr: 10.0.0.0 } }".to_owned(),
        inside("subnet: {}"),
        inside("dns_support: maybe"),
        inside_subnet("az: a"),
        inside_subnet("cidr: 10.0.1.0/24, colour: red"),
        inside("route_tables: { r: { igw: 0.0.0.0/0 } }"),
        inside("network_acls: { a: { ingress: [allow tcp 80] } }"),
        inside("instances: { i: { subnet: s, listen: [icmp] } }"),
        inside("instances: { i: { subnet: s, mtu: [1] } }"),
        inside("instances: { i: { subnet: s, state: asleep } }"),
        inside("nat_gateways: { n: { type: public } }"),
        "settings: { latency_same_az: 100 }".to_owned(),
        "internet: { laptop: here }".to_owned(),
        "expect: [a reaches b]".to_owned(),
        "unread: [{ noun: x }]".to_owned(),
    ] {
        assert!(!complaints(&to_json(&text)).is_empty(), "{text}");
        let design = read(vec![Source {
            name: String::new(),
            bytes: text.clone().into_bytes(),
        }]);
        assert!(design.findings.has_errors(), "{text}");
    }
}
