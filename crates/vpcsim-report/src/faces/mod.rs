//! Judged expectations for people and tools, one file for each format.

pub mod findings;
mod github;
mod json;
mod junit;
mod markdown;
mod sarif;
mod text;

use vpcsim_analysis::{Hop, Judgement, Outcome};
use vpcsim_aws::{Origin, Topology};

use crate::findings_text::SourceFile;
use crate::style::Style;

/// What a report is made of.
#[derive(Clone, Copy)]
pub struct Judged<'a> {
    /// The judgements, in the order of the file.
    pub judgements: &'a [Judgement],
    /// The inputs, by the numbers that places have.
    pub sources: &'a [SourceFile<'a>],
    /// The design.
    pub design: &'a Topology,
    /// Whether unknown answers pass.
    pub allow_unknown: bool,
}

/// A format of reports.
pub struct Face {
    /// What the command line calls it.
    pub name: &'static str,
    render: fn(&Judged<'_>, Style) -> String,
}

/// Every format.
pub const FACES: &[Face] = &[
    Face {
        name: "text",
        render: text::render,
    },
    Face {
        name: "json",
        render: json::render,
    },
    Face {
        name: "junit",
        render: junit::render,
    },
    Face {
        name: "sarif",
        render: sarif::render,
    },
    Face {
        name: "github",
        render: github::render,
    },
    Face {
        name: "markdown",
        render: markdown::render,
    },
];

impl Face {
    /// The format of this name.
    pub fn find(name: &str) -> Option<&'static Self> {
        FACES.iter().find(|face| face.name == name)
    }

    /// The report.
    pub fn render(&self, judged: &Judged<'_>, style: Style) -> String {
        (self.render)(judged, style)
    }
}

impl Judged<'_> {
    /// Whether nothing failed.
    pub fn passed(&self) -> bool {
        self.judgements.iter().all(|one| !self.is_failure(one))
    }

    fn is_failure(&self, one: &Judgement) -> bool {
        match one.outcome {
            Outcome::Failed => true,
            Outcome::Unknown => !self.allow_unknown,
            Outcome::Passed | Outcome::Skipped(_) => false,
        }
    }

    fn file_of(&self, origin: Origin) -> Option<&str> {
        let source = self
            .sources
            .get(origin.file as usize)
            .filter(|_| origin.is_known());
        source.map(|source| source.name)
    }

    fn count(&self, is_meant: fn(&Outcome) -> bool) -> usize {
        self.judgements
            .iter()
            .filter(|one| is_meant(&one.outcome))
            .count()
    }

    /// `12 assertions: 10 passed, 1 failed, 1 unknown`.
    fn summary(&self) -> String {
        let counts = [
            (self.count(|outcome| *outcome == Outcome::Passed), "passed"),
            (self.count(|outcome| *outcome == Outcome::Failed), "failed"),
            (self.count(|outcome| *outcome == Outcome::Unknown), "unknown"),
            (
                self.count(|outcome| matches!(outcome, Outcome::Skipped(_))),
                "skipped",
            ),
        ];
        let words: Vec<String> = counts
            .iter()
            .enumerate()
            .filter(|(index, (count, _))| *index == 0 || *count > 0)
            .map(|(_, (count, word))| format!("{count} {word}"))
            .collect();
        format!(
            "{}: {}",
            crate::style::counted(self.judgements.len(), "assertion"),
            words.join(", ")
        )
    }
}

/// What is expected of an invariant.
const HOLDS: &str = "holds";

/// What a failure is in one line.
fn headline(one: &Judgement) -> String {
    match one.details.first() {
        Some(detail) if one.expected == HOLDS => format!("{} does not hold: {detail}", one.id),
        Some(detail) => format!("{detail} (expected: {})", one.expected),
        None => one.expected.clone(),
    }
}

/// The stations of the flow that shows a failure, there and back, each in words.
fn hops(one: &Judgement) -> Vec<(&Hop, String)> {
    let Some(witness) = &one.witness else {
        return Vec::new();
    };
    let (_, answer) = &**witness;
    let legs = std::iter::once(&answer.forward).chain(&answer.back);
    let words = |hop: &Hop| {
        let rule = hop
            .rule
            .as_ref()
            .map(|rule| format!(": {rule}"))
            .unwrap_or_default();
        let stop = if hop.passed { "" } else { " stops it" };
        format!("{} {} {}{rule}{stop}", hop.station, hop.kind, hop.name)
    };
    let hops = legs.flat_map(|leg| &leg.trail);
    hops.map(|hop| (hop, words(hop))).collect()
}
