//! Annotations of GitHub Actions: a line for each failure, shown beside the line of the file.

use std::fmt::Write as _;

use vpcsim_analysis::{Judgement, Outcome};

use super::{Judged, headline};
use crate::style::Style;

pub(super) fn render(judged: &Judged<'_>, _: Style) -> String {
    let mut page = String::new();
    for one in judged.judgements {
        let level = match one.outcome {
            Outcome::Unknown if judged.allow_unknown => "warning",
            Outcome::Failed | Outcome::Unknown => "error",
            Outcome::Passed | Outcome::Skipped(_) => continue,
        };
        let place = place(judged, one);
        let _ = writeln!(
            page,
            "::{level} {place}title={}::{}",
            property(&one.id),
            message(&headline(one))
        );
    }
    let _ = writeln!(page, "::notice title=vpcsim::{}", message(&judged.summary()));
    page
}

fn place(judged: &Judged<'_>, one: &Judgement) -> String {
    match judged.file_of(one.origin) {
        Some(file) => format!(
            "file={},line={},col={},",
            property(file),
            one.origin.line,
            one.origin.column
        ),
        None => String::new(),
    }
}

/// As the runner wants text behind the colons.
pub(super) fn message(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

/// As the runner wants text in a property.
pub(super) fn property(text: &str) -> String {
    message(text).replace(':', "%3A").replace(',', "%2C")
}
