//! The shapes of EC2's API as botocore has them, for tests that hold our JSON against AWS's.
//!
//! botocore is a Python package that ships the model of every service of AWS. Where Python or the package is absent, tests say so and
//! pass.

use std::path::Path;
use std::process::Command;

use serde_json::{Map, Value};

/// Prints the shapes of EC2's model as JSON, whichever way the installed version packs them.
const PRINT_SHAPES: &str = "
import gzip, json, os, botocore
folder = os.path.join(os.path.dirname(botocore.__file__), 'data', 'ec2', '2016-11-15')
packed = os.path.join(folder, 'service-2.json.gz')
plain = os.path.join(folder, 'service-2.json')
text = gzip.open(packed).read() if os.path.exists(packed) else open(plain, 'rb').read()
print(json.dumps(json.loads(text)['shapes']))
";

/// The shapes of EC2's API by name.
pub(crate) struct Shapes {
    shapes: Map<String, Value>,
}

impl Shapes {
    /// Those of the installed botocore; `None`, with a word about it, where there is none.
    pub(crate) fn installed() -> Option<Self> {
        let own = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/test-tools/python");
        let mut python = Command::new("python3");
        if own.is_dir() {
            python.env("PYTHONPATH", own);
        }
        let output = python.args(["-c", PRINT_SHAPES]).output();
        let text = match output {
            Ok(output) if output.status.success() => output.stdout,
            _ => {
                println!("skipped: python3 with botocore is absent (.ci/test-tools brings it)");
                return None;
            }
        };
        match serde_json::from_slice(&text).expect("botocore's model is JSON") {
            Value::Object(shapes) => Some(Self { shapes }),
            other => panic!("botocore's shapes are an object, not {other}"),
        }
    }

    /// What is wrong with a value of this shape: unknown keys, other types, words that are none of an enumeration.
    pub(crate) fn complaints(&self, value: &Value, shape: &str) -> Vec<String> {
        let mut complaints = Vec::new();
        self.check(value, shape, shape, &mut complaints);
        complaints
    }

    fn check(&self, value: &Value, shape: &str, place: &str, complaints: &mut Vec<String>) {
        let declared = &self.shapes[shape];
        let kind = declared["type"].as_str().unwrap();
        let fits = match kind {
            "structure" => value.is_object(),
            "list" => value.is_array(),
            "string" | "timestamp" => value.is_string(),
            "boolean" => value.is_boolean(),
            "integer" | "long" => value.is_i64() || value.is_u64(),
            other => panic!("{place}: shapes of type {other} do not occur here"),
        };
        if !fits {
            complaints.push(format!("{place}: {value} is no {kind}"));
            return;
        }
        match (value, kind) {
            (Value::Object(fields), _) => {
                for (key, field) in fields {
                    match declared["members"].get(key) {
                        Some(member) => {
                            let shape = member["shape"].as_str().unwrap();
                            self.check(field, shape, &format!("{place}.{key}"), complaints);
                        }
                        None => complaints.push(format!("{place}: there is no {key} in {shape}")),
                    }
                }
            }
            (Value::Array(items), _) => {
                let member = declared["member"]["shape"].as_str().unwrap();
                for (index, item) in items.iter().enumerate() {
                    self.check(item, member, &format!("{place}[{index}]"), complaints);
                }
            }
            (Value::String(text), "timestamp") => {
                let is_date = text.len() == 24 && text.ends_with('Z') && text.as_bytes()[10] == b'T';
                if !is_date {
                    complaints.push(format!("{place}: {text} is no point in time"));
                }
            }
            (Value::String(text), _) => {
                let words = declared["enum"].as_array();
                if words.is_some_and(|words| !words.iter().any(|word| word == text)) {
                    complaints.push(format!("{place}: {text} is none of {words:?}"));
                }
            }
            (Value::Number(number), _) => {
                let number = number.as_i64().unwrap();
                let is_below = declared["min"].as_i64().is_some_and(|min| number < min);
                let is_above = declared["max"].as_i64().is_some_and(|max| number > max);
                if is_below || is_above {
                    complaints.push(format!("{place}: {number} is out of the range of {shape}"));
                }
            }
            _ => {}
        }
    }
}
