//! A line for each assertion, then what failed and why.

use std::fmt::Write as _;

use vpcsim_analysis::{Judgement, Outcome};

use super::Judged;
use crate::style::{Role, Style, padded};
use crate::trace_text;

pub(super) fn render(judged: &Judged<'_>, style: Style) -> String {
    let mut page = String::new();
    for one in judged.judgements {
        push_line(&mut page, one, style);
    }
    for one in judged
        .judgements
        .iter()
        .filter(|one| one.outcome == Outcome::Failed)
    {
        if let Some(witness) = &one.witness {
            let (query, answer) = &**witness;
            let _ = writeln!(page, "\n{}", style.paint(Role::Strong, &one.id));
            page.push_str(&trace_text::render(query, answer, style));
        }
    }
    let _ = writeln!(page, "\n{}", judged.summary());
    page
}

fn push_line(page: &mut String, one: &Judgement, style: Style) {
    let (word, role) = match &one.outcome {
        Outcome::Passed => ("PASS", Role::Good),
        Outcome::Failed => ("FAIL", Role::Bad),
        Outcome::Unknown => ("UNKNOWN", Role::Unsure),
        Outcome::Skipped(_) => ("SKIP", Role::Faint),
    };
    let severity = one
        .severity
        .as_ref()
        .map(|severity| format!(" [{severity}]"))
        .unwrap_or_default();
    let _ = writeln!(
        page,
        "{} {}{severity}",
        style.paint(role, &padded(word, 7)),
        one.id
    );
    if let Outcome::Skipped(why) = &one.outcome {
        let _ = writeln!(page, "        {why}");
    }
    for detail in &one.details {
        let _ = writeln!(page, "        {detail}");
    }
}
