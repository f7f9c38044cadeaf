//! Answers for tools: JSON with a version, its keys always in the same order.

use std::io::{self, Write};

use schemars::JsonSchema;
use serde::Serialize;
use vpcsim_analysis::{Answer, Blocker, ExpectationResult, FlowQuery, RunReport};
use vpcsim_aws::{Findings, Severity, Topology};

use crate::findings_text::{SourceFile, Tally};

/// The version of every JSON document; it grows when a key changes its meaning or goes.
pub const SCHEMA_VERSION: &str = "1";

/// The value as indented JSON with a line break at the end.
pub(crate) fn pretty(value: &impl Serialize) -> String {
    let mut text =
        serde_json::to_string_pretty(value).expect("our types have string keys and write to memory");
    text.push('\n');
    text
}

/// One answer as one line.
///
/// # Errors
/// Those of the sink.
pub fn write_line(answer: &Answer, mut sink: impl Write) -> io::Result<()> {
    serde_json::to_writer(&mut sink, answer)?;
    sink.write_all(b"\n")
}

/// A question with its answer.
#[derive(JsonSchema, Serialize)]
pub struct Asked<'a> {
    /// The question.
    pub query: &'a FlowQuery,
    /// The answer.
    #[serde(flatten)]
    pub answer: &'a Answer,
    /// All that stops the flow, there and back.
    #[serde(skip_serializing_if = "<[Blocker]>::is_empty")]
    pub blockers: &'a [Blocker],
}

#[derive(Serialize)]
struct Traces<'a> {
    schema_version: &'static str,
    design: &'a str,
    seed: u64,
    answers: &'a [Asked<'a>],
}

/// The answers to some questions, as one document.
pub fn traces(design: &str, seed: u64, answers: &[Asked<'_>]) -> String {
    pretty(&Traces {
        schema_version: SCHEMA_VERSION,
        design,
        seed,
        answers,
    })
}

#[derive(JsonSchema, Serialize)]
struct Summary {
    expectations: usize,
    passed: usize,
    failed: usize,
    unknown: usize,
}

#[derive(JsonSchema, Serialize)]
struct ExpectationLine<'a> {
    text: &'a str,
    passed: bool,
    unknown: bool,
    /// The place in `answers`.
    answer: Option<usize>,
    why: &'a str,
}

#[derive(JsonSchema, Serialize)]
struct UnreadLine<'a> {
    noun: &'a str,
    name: &'a str,
    effect: &'a str,
}

#[derive(JsonSchema, Serialize)]
struct CounterLine {
    emitted: u64,
    delivered: u64,
    dropped: u64,
    in_flight: u64,
    hops: u64,
}

#[derive(JsonSchema, Serialize)]
pub(crate) struct Reachability<'a> {
    schema_version: &'static str,
    design: &'a str,
    seed: u64,
    summary: Summary,
    expectations: Vec<ExpectationLine<'a>>,
    answers: Vec<Asked<'a>>,
    unread: Vec<UnreadLine<'a>>,
    counters: CounterLine,
    simulated_ns: u64,
}

/// A whole run, as one document: `reachability.json`.
pub fn reachability(design: &Topology, seed: u64, report: &RunReport) -> String {
    let expectations = report.expectations.iter().map(|result| ExpectationLine {
        text: &result.text,
        passed: result.passed,
        unknown: result.unknown,
        answer: result.answer,
        why: &result.why,
    });
    let unread = design.unread.iter().map(|unread| UnreadLine {
        noun: &unread.noun,
        name: &unread.name,
        effect: &unread.effect,
    });
    pretty(&Reachability {
        schema_version: SCHEMA_VERSION,
        design: &design.name,
        seed,
        summary: summary(&report.expectations),
        expectations: expectations.collect(),
        answers: report
            .answers
            .iter()
            .map(|(query, answer)| Asked {
                query,
                answer,
                blockers: &[],
            })
            .collect(),
        unread: unread.collect(),
        counters: CounterLine {
            emitted: report.counters.emitted,
            delivered: report.counters.delivered,
            dropped: report.counters.dropped,
            in_flight: report.counters.in_flight,
            hops: report.counters.hops,
        },
        simulated_ns: report.sim_time.as_ns(),
    })
}

fn summary(expectations: &[ExpectationResult]) -> Summary {
    let passed = expectations.iter().filter(|result| result.passed).count();
    let unknown = expectations
        .iter()
        .filter(|result| !result.passed && result.unknown)
        .count();
    Summary {
        expectations: expectations.len(),
        passed,
        failed: expectations.len() - passed - unknown,
        unknown,
    }
}

#[derive(Serialize)]
struct FindingLine<'a> {
    severity: &'static str,
    code: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    rule: Option<&'a str>,
    message: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    help: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    file: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    line: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    column: Option<u32>,
}

#[derive(Serialize)]
struct FindingsPage<'a> {
    schema_version: &'static str,
    errors: usize,
    warnings: usize,
    notes: usize,
    findings: Vec<FindingLine<'a>>,
}

/// The findings, as one document.
pub fn findings(findings: &Findings, sources: &[SourceFile<'_>]) -> String {
    let tally = Tally::of(findings);
    let lines = findings.iter().map(|finding| FindingLine {
        severity: match finding.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
            Severity::Note => "note",
        },
        code: finding.code,
        rule: finding.rule,
        message: &finding.message,
        help: finding.help.as_deref(),
        file: sources
            .get(finding.origin.file as usize)
            .map(|source| source.name),
        line: finding.origin.is_known().then_some(finding.origin.line),
        column: (finding.origin.column > 0).then_some(finding.origin.column),
    });
    pretty(&FindingsPage {
        schema_version: SCHEMA_VERSION,
        errors: tally.errors,
        warnings: tally.warnings,
        notes: tally.notes,
        findings: lines.collect(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples;
    use vpcsim_aws::{Finding, Origin};

    #[test]
    fn a_line_is_an_answer_that_can_be_read_again() {
        let (_, answer) = samples::through_nat();
        let mut line = Vec::new();
        write_line(&answer, &mut line).unwrap();
        assert_eq!(line.iter().position(|byte| *byte == b'\n'), Some(line.len() - 1));
        assert_eq!(serde_json::from_slice::<Answer>(&line).unwrap(), answer);
    }

    #[test]
    fn a_document_holds_version_design_seed_questions_and_answers_in_this_order() {
        let (query, answer) = samples::blocked();
        let asked = [Asked {
            query: &query,
            answer: &answer,
            blockers: &[],
        }];
        let text = traces("shop", 7, &asked);
        let value: serde_json::Value = serde_json::from_str(&text).unwrap();
        let keys: Vec<_> = value.as_object().unwrap().keys().collect();
        assert_eq!(keys, ["schema_version", "design", "seed", "answers"]);
        assert_eq!(value["answers"][0]["query"]["source"], "web-1");
        assert_eq!(value["answers"][0]["forward"]["reason"], "SG_INGRESS");
    }

    #[test]
    fn a_run_is_one_document_with_its_keys_in_a_fixed_order() {
        let topology = Topology::named("shop", "eu-west-1");
        let text = reachability(&topology, 3, &samples::run());
        let value: serde_json::Value = serde_json::from_str(&text).unwrap();
        let keys: Vec<_> = value.as_object().unwrap().keys().map(String::as_str).collect();
        let wanted = "schema_version design seed summary expectations answers unread counters simulated_ns";
        assert_eq!(keys.join(" "), wanted);
        assert_eq!(value["summary"]["failed"], 1);
        assert_eq!(value["answers"].as_array().unwrap().len(), 3);
    }

    #[test]
    fn findings_have_their_place_where_it_is_known() {
        let mut list = Findings::default();
        let origin = Origin {
            file: 0,
            line: 3,
            column: 9,
            length: 2,
        };
        list.push(Finding::error("bad-cidr", origin, "no CIDR block"));
        list.push(Finding::note("unread", Origin::NOWHERE, "something"));
        let sources = [SourceFile {
            name: "shop.yaml",
            text: "",
        }];
        let value: serde_json::Value = serde_json::from_str(&findings(&list, &sources)).unwrap();
        assert_eq!((&value["errors"], &value["notes"]), (&1.into(), &1.into()));
        assert_eq!(value["findings"][0]["file"], "shop.yaml");
        assert_eq!(value["findings"][0]["line"], 3);
        assert!(value["findings"][1].get("line").is_none());
    }
}
