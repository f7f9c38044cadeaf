//! Exact answers that were saved as JSON: read back, asked about, compared.

use thiserror::Error;
use vpcsim_analysis::reach::{
    Change, InternetRow, ReachQuestion, Row, Rows, Services, difference_of_rows, matches,
};
use vpcsim_aws::sets::TrafficSet;
use vpcsim_aws::traffic::{PortRange, Traffic};

use super::ReachDocument;
use crate::json::SCHEMA_VERSION;

/// How far into a text its kind has to be told.
const HEAD_LEN: usize = 400;
/// What a document says that was asked about everything.
pub const ALL_SERVICES: &str = "all services";
/// So many names are listed as a help.
const NAMES_MAX: usize = 6;
const INTERNET: &str = "internet";

/// Why a saved document cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{line}:{column}: {what}")]
pub struct SavedError {
    /// The line, from 1.
    pub line: usize,
    /// The column, from 1.
    pub column: usize,
    /// What is wrong, and what would be right.
    pub what: String,
}

/// Whether a text is a document of `vpcsim reach`, whole or not.
pub fn is_saved(text: &str) -> bool {
    let head: String = text
        .chars()
        .take(HEAD_LEN)
        .filter(|letter| !letter.is_whitespace())
        .collect();
    head.starts_with('{') && head.contains("\"schema_version\":") && head.contains("\"kind\":\"reach\"")
}

/// Reads a document back.
///
/// # Errors
/// [`SavedError`] if it is cut off, of another version, or not such a document.
pub fn parse(text: &str) -> Result<ReachDocument, SavedError> {
    let wrong = |error: &serde_json::Error| {
        let words = error.to_string();
        let what = words.split(" at line ").next().unwrap_or(&words);
        let hint = if error.is_eof() {
            ": the document is cut off; save it again with `vpcsim reach --format json -o FILE`"
        } else {
            ""
        };
        SavedError {
            line: error.line(),
            column: error.column().max(1),
            what: format!("{what}{hint}"),
        }
    };
    let value: serde_json::Value = serde_json::from_str(text).map_err(|error| wrong(&error))?;
    let version = value
        .get("schema_version")
        .and_then(serde_json::Value::as_str)
        .unwrap_or("none");
    if version != SCHEMA_VERSION {
        let (line, column) = place_of(text, "\"schema_version\"");
        let what = format!(
            "the document has schema version {version}, and this vpcsim reads version {SCHEMA_VERSION}: save it again with this vpcsim"
        );
        return Err(SavedError { line, column, what });
    }
    serde_json::from_str(text).map_err(|error| wrong(&error))
}

fn place_of(text: &str, part: &str) -> (usize, usize) {
    let before = &text[..text.find(part).unwrap_or(0)];
    let line = before.matches('\n').count() + 1;
    let column = before
        .rsplit('\n')
        .next()
        .map_or(0, |start| start.chars().count())
        + 1;
    (line, column)
}

/// Who is meant at one end.
struct Meant<'q> {
    forms: Vec<&'q str>,
    anybody: bool,
    internet: bool,
}

impl<'q> Meant<'q> {
    fn new(texts: &'q [String], known: &[&str], wrong: &mut Vec<String>) -> Self {
        let mut meant = Self {
            forms: Vec::new(),
            anybody: texts.is_empty(),
            internet: texts.is_empty(),
        };
        for text in texts.iter().map(|text| text.trim()) {
            if text.eq_ignore_ascii_case(INTERNET) {
                meant.internet = true;
            } else if known.iter().any(|name| matches(text, name)) {
                meant.forms.push(text);
            } else {
                let shown: Vec<&str> = known.iter().take(NAMES_MAX).copied().collect();
                wrong.push(format!(
                    "`{text}` selects nothing: a saved document knows the names of its rows only, such as {}",
                    shown.join(", ")
                ));
            }
        }
        meant
    }

    fn is_internet_alone(&self) -> bool {
        !self.anybody && self.forms.is_empty()
    }

    fn has(&self, name: &str) -> bool {
        self.anybody || self.forms.iter().any(|form| matches(form, name))
    }
}

impl ReachDocument {
    /// The part of the document that is about these senders, receivers and services; all of them where nothing is said.
    ///
    /// # Errors
    /// Names that it does not know, and services that it was not asked about.
    pub fn about(&self, from: &[String], to: &[String], services: &[Traffic]) -> Result<Self, Vec<String>> {
        let mut wrong = Vec::new();
        let of_egress = self.egress.iter().map(|row| &row.group);
        let of_exposure = self.exposure.iter().map(|row| &row.group);
        let senders = names(self.senders.iter().chain(of_egress));
        let receivers = names(self.receivers.iter().chain(of_exposure));
        let (from, to) = (
            Meant::new(from, &senders, &mut wrong),
            Meant::new(to, &receivers, &mut wrong),
        );
        let words = services
            .iter()
            .map(ToString::to_string)
            .collect::<Vec<_>>()
            .join(", ");
        if !services.is_empty() && self.asked != ALL_SERVICES && self.asked != words {
            wrong.push(format!(
                "the document answers for {} alone, and says nothing of {words}",
                self.asked
            ));
        }
        if !wrong.is_empty() {
            return Err(wrong);
        }
        let mut part = self.clone();
        part.senders.retain(|name| from.has(name));
        part.receivers.retain(|name| to.has(name));
        part.rows.retain(|row| from.has(&row.from) && to.has(&row.to));
        if from.is_internet_alone() || to.is_internet_alone() {
            (part.senders, part.receivers) = (Vec::new(), Vec::new());
        }
        part.exposure.retain(|row| from.internet && to.has(&row.group));
        part.egress.retain(|row| to.internet && from.has(&row.group));
        if !services.is_empty() {
            part.asked = words;
            let asked = ReachQuestion::about(services, PortRange::ALL).traffic;
            part.keep(&asked).map_err(|error| vec![error])?;
        }
        Ok(part)
    }

    fn keep(&mut self, asked: &TrafficSet) -> Result<(), String> {
        for row in &mut self.rows {
            narrow(
                [&mut row.round_trip, &mut row.one_way, &mut row.some_targets],
                asked,
            )?;
        }
        for row in self.exposure.iter_mut().chain(&mut self.egress) {
            narrow(
                [&mut row.round_trip, &mut row.one_way, &mut row.some_targets],
                asked,
            )?;
            // The flow that was traced may be one of another service.
            (row.witness, row.path) = (None, Vec::new());
        }
        let is_unknown = |basis: &str| basis == "unknown";
        let is_left = |row: &Row| {
            is_unknown(&row.basis) || says_something([&row.round_trip, &row.one_way, &row.some_targets])
        };
        self.rows.retain(is_left);
        let is_left = |row: &InternetRow| {
            is_unknown(&row.basis) || says_something([&row.round_trip, &row.one_way, &row.some_targets])
        };
        self.exposure.retain(is_left);
        self.egress.retain(is_left);
        Ok(())
    }

    /// What is different in another document.
    ///
    /// # Errors
    /// Why the two cannot be compared.
    pub fn changes_in(&self, new: &Self) -> Result<Vec<Change>, String> {
        if self.by != new.by || self.asked != new.asked {
            return Err(format!(
                "the documents cannot be compared: one is by {} for {}, the other by {} for {}\n\
                 help: save both with the same `--by` and `--service`",
                self.by.word(),
                self.asked,
                new.by.word(),
                new.asked
            ));
        }
        difference_of_rows(self.as_rows(), new.as_rows())
    }
}

impl ReachDocument {
    fn as_rows(&self) -> Rows<'_> {
        Rows {
            inside: &self.rows,
            exposure: &self.exposure,
            egress: &self.egress,
        }
    }
}

fn names<'d>(all: impl Iterator<Item = &'d String>) -> Vec<&'d str> {
    let mut names: Vec<&str> = Vec::new();
    for name in all {
        if !names.contains(&name.as_str()) {
            names.push(name);
        }
    }
    names
}

fn narrow(services: [&mut Services; 3], asked: &TrafficSet) -> Result<(), String> {
    for services in services {
        *services = services.within(asked)?;
    }
    Ok(())
}

fn says_something(services: [&Services; 3]) -> bool {
    services.into_iter().any(|services| !services.is_empty())
}
