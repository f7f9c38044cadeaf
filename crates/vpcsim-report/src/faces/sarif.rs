//! SARIF 2.1.0: a result for each failure, with its place and the way of a flow that shows it.

use serde_json::{Value, json};
use vpcsim_analysis::{Hop, Judgement, Outcome};
use vpcsim_aws::{Origin, Topology};

use super::{Judged, headline, hops};
use crate::explain;
use crate::json::pretty;
use crate::style::Style;

const SCHEMA: &str =
    "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json";

pub(super) fn render(judged: &Judged<'_>, _: Style) -> String {
    let failures: Vec<&Judgement> = judged
        .judgements
        .iter()
        .filter(|one| judged.is_failure(one))
        .collect();
    let mut codes: Vec<&str> = failures.iter().map(|one| rule_id(one)).collect();
    codes.sort_unstable();
    codes.dedup();
    let rules = codes.iter().map(|code| rule(code, &words(code)));
    document(rules, failures.iter().map(|one| result(judged, one)))
}

/// What a code means, as SARIF has it.
pub(super) fn rule(code: &str, words: &str) -> Value {
    json!({ "id": code, "shortDescription": { "text": words } })
}

/// One run of the program, with the rules that its results refer to.
pub(super) fn document(rules: impl Iterator<Item = Value>, results: impl Iterator<Item = Value>) -> String {
    let (rules, results): (Vec<Value>, Vec<Value>) = (rules.collect(), results.collect());
    let driver = json!({ "name": "vpcsim", "version": env!("CARGO_PKG_VERSION"), "rules": rules });
    pretty(&json!({
        "$schema": SCHEMA,
        "version": "2.1.0",
        "runs": [{ "tool": { "driver": driver }, "columnKind": "unicodeCodePoints", "results": results }],
    }))
}

fn rule_id(one: &Judgement) -> &str {
    if one.code.is_empty() {
        "EXPECTATION"
    } else {
        &one.code
    }
}

/// What a code means.
fn words(code: &str) -> String {
    match code {
        "REACHABLE" => "A flow gets through that was not to.".to_owned(),
        "WRONG_WAY" => "A flow takes another way than it was to.".to_owned(),
        "INVARIANT" => "Something does not hold for the whole design.".to_owned(),
        _ => explain::words_of(code).map_or_else(|| format!("An expectation fails: {code}."), str::to_owned),
    }
}

fn result(judged: &Judged<'_>, one: &Judgement) -> Value {
    let level = if one.outcome == Outcome::Unknown {
        "warning"
    } else {
        "error"
    };
    let mut result = json!({
        "ruleId": rule_id(one),
        "level": level,
        "message": { "text": headline(one) },
        "partialFingerprints": { "assertion/v1": fingerprint(&format!("{} {}", one.id, one.expected)) },
        "properties": { "assertion": one.id },
    });
    if let Some(file) = judged.file_of(one.origin) {
        let mut location = place(file, one.origin);
        location["logicalLocations"] = json!([{ "fullyQualifiedName": one.id }]);
        result["locations"] = json!([location]);
    }
    let hops = hops(one);
    if !hops.is_empty() {
        let steps: Vec<Value> = hops.iter().map(|(hop, words)| step(judged, hop, words)).collect();
        result["codeFlows"] = json!([{ "threadFlows": [{ "locations": steps }] }]);
    }
    result
}

/// A station on a flow's way: the component that the packet met there, where it is declared, and whether the packet went on.
fn step(judged: &Judged<'_>, hop: &Hop, words: &str) -> Value {
    let declared = declaration(judged.design, hop);
    let place = declared.and_then(|origin| Some(place(judged.file_of(origin)?, origin)));
    let mut location = place.unwrap_or_else(|| json!({}));
    location["message"] = json!({ "text": words });
    location["logicalLocations"] =
        json!([{ "name": hop.name, "fullyQualifiedName": hop.component, "kind": "resource" }]);
    json!({ "location": location, "importance": if hop.passed { "important" } else { "essential" } })
}

/// Where the component of a station is declared; of several that are called alike nobody knows which.
fn declaration(design: &Topology, hop: &Hop) -> Option<Origin> {
    let labels = design
        .resources()
        .filter(|any| any.kind.noun() == hop.kind)
        .filter_map(|any| design.label(any));
    let mut called_so = labels.filter(|label| label.id_or_name() == hop.component);
    let only = called_so.next()?;
    (called_so.next().is_none() && only.origin.is_known()).then_some(only.origin)
}

/// A place in a file.
pub(super) fn place(file: &str, origin: Origin) -> Value {
    json!({
        "physicalLocation": {
            "artifactLocation": { "uri": uri(file) },
            "region": { "startLine": origin.line, "startColumn": origin.column.max(1) },
        },
    })
}

/// A path as a reference of a URI.
fn uri(path: &str) -> String {
    path.replace('%', "%25")
        .replace(' ', "%20")
        .replace('#', "%23")
        .replace('?', "%3F")
}

/// FNV-1a, which is the same everywhere and always.
pub(super) fn fingerprint(text: &str) -> String {
    let step = |hash: u64, byte: u8| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
    format!("{:016x}", text.bytes().fold(0xcbf2_9ce4_8422_2325, step))
}
