//! A table for a comment or a job's summary.

use std::fmt::Write as _;

use vpcsim_analysis::Outcome;

use super::Judged;
use crate::style::Style;

pub(super) fn render(judged: &Judged<'_>, _: Style) -> String {
    let mut page = format!(
        "### {}\n\n| | assertion | what |\n| --- | --- | --- |\n",
        judged.summary()
    );
    for one in judged.judgements {
        let (sign, what) = match &one.outcome {
            Outcome::Passed => ("✓", one.expected.clone()),
            Outcome::Failed => ("✗", one.details.join("<br>")),
            Outcome::Unknown => ("?", one.details.join("<br>")),
            Outcome::Skipped(why) => ("–", why.clone()),
        };
        let _ = writeln!(page, "| {sign} | {} | {} |", cell(&one.id), cell(&what));
    }
    page
}

/// Text that does not end its cell.
fn cell(text: &str) -> String {
    text.replace('|', "\\|").replace('\n', " ")
}
