//! `JUnit` XML: a test case for each assertion, a class for each file.

use quick_junit::{NonSuccessKind, Report, TestCase, TestCaseStatus, TestSuite};
use vpcsim_analysis::{Judgement, Outcome};

use super::{Judged, headline};
use crate::style::Style;
use crate::trace_text;

pub(super) fn render(judged: &Judged<'_>, _: Style) -> String {
    let mut report = Report::new("vpcsim");
    let mut suite = TestSuite::new(judged.design.name.as_str());
    for one in judged.judgements {
        suite.add_test_case(case(judged, one));
    }
    report.add_test_suite(suite);
    without_total_of_skipped(&report.to_string().unwrap_or_default())
}

/// Jenkins' schema counts skipped cases at each suite, and allows no sum of them at the top.
fn without_total_of_skipped(report: &str) -> String {
    let mut lines = report.lines().map(str::to_owned).collect::<Vec<String>>();
    if let Some(top) = lines.iter_mut().find(|line| line.starts_with("<testsuites "))
        && let Some((before, rest)) = top.split_once(" skipped=\"")
        && let Some((_, after)) = rest.split_once('"')
    {
        *top = format!("{before}{after}");
    }
    lines.join("\n") + "\n"
}

fn case(judged: &Judged<'_>, one: &Judgement) -> TestCase {
    let failure = |message: String| {
        let mut status = TestCaseStatus::non_success(NonSuccessKind::Failure);
        status
            .set_type(one.code.clone())
            .set_message(message)
            .set_description(description(one));
        status
    };
    let status = match &one.outcome {
        Outcome::Failed => failure(headline(one)),
        Outcome::Unknown if !judged.allow_unknown => failure(format!("unknown: {}", headline(one))),
        Outcome::Passed | Outcome::Unknown => TestCaseStatus::success(),
        Outcome::Skipped(why) => {
            let mut status = TestCaseStatus::skipped();
            status.set_message(why.clone());
            status
        }
    };
    let mut case = TestCase::new(one.id.clone(), status);
    case.set_classname(judged.file_of(one.origin).unwrap_or(&judged.design.name));
    case
}

/// All that is otherwise than expected, and the trace of a flow that shows it.
fn description(one: &Judgement) -> String {
    let mut text = one.details.join("\n");
    if let Some(witness) = &one.witness {
        let (query, answer) = &**witness;
        text.push_str("\n\n");
        text.push_str(&trace_text::render(query, answer, Style::Plain));
    }
    text
}
