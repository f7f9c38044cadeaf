//! What a change opens and closes, for people and tools.

use std::fmt::Write as _;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use vpcsim_analysis::reach::{Change, Services};

use crate::json::{SCHEMA_VERSION, pretty};
use crate::style::{Role, Style, counted, push_labelled};

/// So many names of one side are listed.
const NAMES_MAX: usize = 6;

/// The difference of two designs, as it is written and read back.
#[derive(Clone, Debug, PartialEq, Eq, JsonSchema, Serialize, Deserialize)]
pub struct DiffDocument {
    /// The version of this document.
    pub schema_version: String,
    /// `diff`.
    pub kind: String,
    /// The old design's name.
    pub old: String,
    /// The new design's name.
    pub new: String,
    /// What is different.
    pub changes: Vec<Change>,
}

impl DiffDocument {
    /// A document about two designs.
    pub fn new(old: &str, new: &str, changes: Vec<Change>) -> Self {
        let (schema_version, kind) = (SCHEMA_VERSION.to_owned(), "diff".to_owned());
        Self {
            schema_version,
            kind,
            old: old.to_owned(),
            new: new.to_owned(),
            changes,
        }
    }

    /// As JSON.
    pub fn json(&self) -> String {
        pretty(self)
    }

    /// As a page.
    pub fn text(&self, style: Style) -> String {
        let mut page = String::new();
        for change in &self.changes {
            let _ = writeln!(
                page,
                "{}",
                style.paint(
                    Role::Strong,
                    &format!("{} → {}", listed(&change.from), listed(&change.to))
                )
            );
            for (sign, role, what, words) in lines(change) {
                push_labelled(
                    &mut page,
                    &format!("  {} {what} ", style.paint(role, sign)),
                    4 + what.len() + 1,
                    &words,
                );
            }
        }
        if !page.is_empty() {
            page.push('\n');
        }
        let _ = writeln!(page, "{}", self.summary());
        page
    }

    /// As Markdown, for a comment on a pull request.
    pub fn markdown(&self) -> String {
        let mut page = format!("### Reachability: {}\n\n", self.summary());
        if self.changes.is_empty() {
            return page;
        }
        page.push_str("| | from | to | what |\n| --- | --- | --- | --- |\n");
        for change in &self.changes {
            for (sign, _, what, words) in lines(change) {
                let _ = writeln!(
                    page,
                    "| {sign} {what} | {} | {} | {words} |",
                    listed(&change.from),
                    listed(&change.to)
                );
            }
        }
        page
    }

    /// As comma-separated values.
    ///
    /// # Panics
    /// Never: the rows are written to memory.
    pub fn csv(&self) -> String {
        let mut writer = csv::Writer::from_writer(Vec::new());
        writer
            .write_record(["change", "from", "to", "what"])
            .expect("memory takes it");
        for change in &self.changes {
            for (_, _, what, words) in lines(change) {
                let record = [what, &change.from.join(" "), &change.to.join(" "), &words];
                writer.write_record(record).expect("memory takes it");
            }
        }
        String::from_utf8_lossy(&writer.into_inner().expect("memory takes it")).into_owned()
    }

    fn summary(&self) -> String {
        let count = |has: fn(&Change) -> bool| self.changes.iter().filter(|change| has(change)).count();
        if self.changes.is_empty() {
            return "nothing changes".to_owned();
        }
        let opens = count(|change| !change.opened.is_empty() || !change.opened_one_way.is_empty());
        let closes = count(|change| !change.closed.is_empty() || !change.closed_one_way.is_empty());
        let moves = count(|change| change.way.is_some() || change.address.is_some());
        format!(
            "{}: opens in {opens}, closes in {closes}, another way in {moves}",
            counted(self.changes.len(), "change")
        )
    }
}

/// What a change does: sign, colour, kind and services.
fn lines(change: &Change) -> Vec<(&'static str, Role, &'static str, String)> {
    let mut lines = Vec::new();
    let mut add = |sign, role, what, services: &Services| {
        if !services.is_empty() {
            lines.push((sign, role, what, services.text.clone()));
        }
    };
    add("+", Role::Bad, "opens", &change.opened);
    add("+", Role::Unsure, "opens one way", &change.opened_one_way);
    add("-", Role::Good, "closes", &change.closed);
    add("-", Role::Unsure, "closes one way", &change.closed_one_way);
    if let Some([before, now]) = &change.way {
        lines.push((
            "~",
            Role::Unsure,
            "goes by",
            format!("{} instead of {}", gateways(now), gateways(before)),
        ));
    }
    if let Some([before, now]) = &change.address {
        lines.push((
            "~",
            Role::Unsure,
            "appears as",
            format!("{now} instead of {before}"),
        ));
    }
    if change.unknown {
        lines.push((
            "?",
            Role::Unsure,
            "is unknown",
            "something on the way is not modelled".to_owned(),
        ));
    }
    lines
}

fn gateways(names: &[String]) -> String {
    if names.is_empty() {
        "the VPC itself".to_owned()
    } else {
        names.join(", ")
    }
}

fn listed(names: &[String]) -> String {
    let words = |name: &String| match name.strip_prefix("internet ") {
        Some("0.0.0.0/0") => "the internet".to_owned(),
        Some(range) => format!("{range} on the internet"),
        None => name.clone(),
    };
    let shown = names
        .iter()
        .take(NAMES_MAX)
        .map(words)
        .collect::<Vec<_>>()
        .join(", ");
    match names.len().saturating_sub(NAMES_MAX) {
        0 => shown,
        more => format!("{shown} and {more} more"),
    }
}
