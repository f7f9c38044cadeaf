//! Judgements as one JSON document.

use serde::Serialize;
use vpcsim_analysis::{Judgement, Outcome};

use super::{Judged, hops};
use crate::json::{SCHEMA_VERSION, pretty};
use crate::style::Style;

#[derive(Serialize)]
struct Document<'a> {
    schema_version: &'static str,
    kind: &'static str,
    design: &'a str,
    passed: bool,
    assertions: Vec<Verdict<'a>>,
}

#[derive(Serialize)]
struct Verdict<'a> {
    id: &'a str,
    outcome: &'static str,
    expected: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    severity: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    file: Option<&'a str>,
    line: u32,
    column: u32,
    #[serde(skip_serializing_if = "str::is_empty")]
    code: &'a str,
    details: &'a [String],
    hops: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    skipped: Option<&'a str>,
}

pub(super) fn render(judged: &Judged<'_>, _: Style) -> String {
    let assertions = judged.judgements.iter().map(|one| verdict(judged, one)).collect();
    pretty(&Document {
        schema_version: SCHEMA_VERSION,
        kind: "test",
        design: &judged.design.name,
        passed: judged.passed(),
        assertions,
    })
}

fn verdict<'a>(judged: &'a Judged<'_>, one: &'a Judgement) -> Verdict<'a> {
    let (outcome, skipped) = match &one.outcome {
        Outcome::Passed => ("passed", None),
        Outcome::Failed => ("failed", None),
        Outcome::Unknown => ("unknown", None),
        Outcome::Skipped(why) => ("skipped", Some(why.as_str())),
    };
    Verdict {
        id: &one.id,
        outcome,
        expected: &one.expected,
        severity: one.severity.as_deref(),
        file: judged.file_of(one.origin),
        line: one.origin.line,
        column: one.origin.column,
        code: &one.code,
        details: &one.details,
        hops: hops(one).into_iter().map(|(_, words)| words).collect(),
        skipped,
    }
}
