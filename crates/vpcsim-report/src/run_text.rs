//! A whole run for people: the matrix, the expectations that do not hold, and the count.

use std::fmt::Write as _;

use vpcsim_analysis::{Answer, FlowQuery, RunReport};

use crate::matrix::{self, Cell};
use crate::style::{Role, Style, counted, push_labelled};
use crate::trace_text::{role_of, service_words, source_words};

/// The page.
pub fn render(report: &RunReport, allow_unknown: bool, style: Style) -> String {
    let cells: Vec<_> = report
        .answers
        .iter()
        .map(|(query, answer)| cell(query, answer))
        .collect();
    let mut page = matrix::render(&cells, style);
    if !page.is_empty() {
        page.push('\n');
    }
    push_failures(&mut page, report, allow_unknown, style);
    let (role, words) = closing(report, allow_unknown);
    let _ = writeln!(
        page,
        "{}",
        style.paint(role, &format!("{} {words}", role.glyph()))
    );
    page
}

fn cell(query: &FlowQuery, answer: &Answer) -> Cell {
    Cell {
        source: source_words(query),
        service: service_words(query),
        role: role_of(answer),
    }
}

/// The expectations that do not hold, each with the reason and the command that shows more.
fn push_failures(page: &mut String, report: &RunReport, allow_unknown: bool, style: Style) {
    let failures = report
        .expectations
        .iter()
        .filter(|result| !(result.passed || allow_unknown && result.unknown));
    for result in failures {
        let role = if result.unknown { Role::Unsure } else { Role::Bad };
        let title = format!("{} {}", role.glyph(), result.text);
        let _ = writeln!(page, "{}", style.paint(role, &title));
        push_labelled(page, "", 4, &result.why);
        if let Some((query, answer)) = result.answer.and_then(|index| report.answers.get(index)) {
            for explanation in &answer.explanations {
                push_labelled(page, "", 4, &explanation.detail);
                if let Some(help) = &explanation.help {
                    push_labelled(page, "    help:", 10, help);
                }
            }
            let more = format!(
                "more: vpcsim trace ... --from {} --to {}",
                query.source,
                service_words(query)
            );
            let _ = writeln!(page, "    {}", style.paint(Role::Faint, &more));
        }
        page.push('\n');
    }
}

fn closing(report: &RunReport, allow_unknown: bool) -> (Role, String) {
    if report.expectations.is_empty() {
        return (Role::Good, closing_of_answers(report));
    }
    let passed = report.expectations.iter().filter(|result| result.passed).count();
    let unknown = report
        .expectations
        .iter()
        .filter(|result| !result.passed && result.unknown)
        .count();
    let failed = report.expectations.len() - passed - unknown;
    let role = match (failed, unknown) {
        (0, 0) => Role::Good,
        (0, _) => Role::Unsure,
        _ => Role::Bad,
    };
    let all = counted(report.expectations.len(), "expectation");
    let allowed = if allow_unknown && unknown > 0 {
        " (allowed)"
    } else {
        ""
    };
    (
        role,
        format!("{all}: {passed} passed, {failed} failed, {unknown} unknown{allowed}"),
    )
}

fn closing_of_answers(report: &RunReport) -> String {
    let count = |wanted| {
        let answers = report.answers.iter();
        answers.filter(|(_, answer)| role_of(answer) == wanted).count()
    };
    format!(
        "{}: {} reachable, {} not, {} unknown; the design expects nothing",
        counted(report.answers.len(), "flow"),
        count(Role::Good),
        count(Role::Bad),
        count(Role::Unsure),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples;

    #[test]
    fn failures_have_their_reason_and_the_command_that_shows_more() {
        let page = render(&samples::run(), false, Style::Plain);
        assert!(
            page.contains("✗ web-1 -> db-1 tcp 5432: reachable\n    SG_INGRESS at db"),
            "{page}"
        );
        assert!(
            page.contains("no ingress rule of db matches") && page.contains("help: add"),
            "{page}"
        );
        assert!(page.contains("--from web-1 --to db-1:5432/tcp"), "{page}");
        assert!(
            !page.contains("db-1 -> 198.51.100.7 tcp 443: reachable"),
            "{page}"
        );
        assert!(
            page.ends_with("✗ 3 expectations: 1 passed, 1 failed, 1 unknown\n"),
            "{page}"
        );
    }

    #[test]
    fn unknown_expectations_are_listed_unless_they_are_allowed() {
        let listed = "? web-1 -> 172.16.4.4 tcp 22: unreachable";
        assert!(render(&samples::run(), false, Style::Plain).contains(listed));
        let page = render(&samples::run(), true, Style::Plain);
        assert!(
            !page.contains(listed) && page.contains("1 unknown (allowed)"),
            "{page}"
        );
    }

    #[test]
    fn without_expectations_the_answers_are_counted() {
        let mut report = samples::run();
        report.expectations.clear();
        let page = render(&report, false, Style::Plain);
        assert!(page.contains("3 flows: 1 reachable, 1 not, 1 unknown"), "{page}");
    }

    #[test]
    fn the_matrix_comes_first() {
        let page = render(&samples::run(), false, Style::Plain);
        assert!(page.lines().next().unwrap().contains("db-1:5432/tcp"), "{page}");
    }
}
