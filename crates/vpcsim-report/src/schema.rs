//! The JSON Schemas of the documents for tools.

use schemars::generate::SchemaSettings;

use crate::exact::{DiffDocument, ReachDocument};
use crate::json;

/// A document with a schema.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Document {
    /// What `vpcsim reach --format json` prints.
    Reach,
    /// What `vpcsim diff --format json` prints.
    Diff,
    /// `reachability.json`, which `vpcsim run` writes.
    Run,
}

/// The JSON Schema of a document.
pub fn schema(document: Document) -> String {
    let generator = SchemaSettings::draft2020_12().for_serialize().into_generator();
    let mut schema = match document {
        Document::Reach => generator.into_root_schema_for::<ReachDocument>(),
        Document::Diff => generator.into_root_schema_for::<DiffDocument>(),
        Document::Run => generator.into_root_schema_for::<json::Reachability<'static>>(),
    };
    let version = serde_json::json!({ "type": "string", "const": json::SCHEMA_VERSION });
    if let Some(properties) = schema
        .get_mut("properties")
        .and_then(|properties| properties.as_object_mut())
    {
        properties.insert("schema_version".to_owned(), version);
    }
    json::pretty(&schema)
}
