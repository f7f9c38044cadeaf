//! What is wrong or surprising in a design, with the place in its source, as compilers show it.

use std::fmt::Write as _;
use std::ops::Range;

use annotate_snippets::{AnnotationKind, Group, Level, Origin as Place, Renderer, Snippet};
use vpcsim_aws::{Finding, Findings, Origin, Severity};

use crate::style::{LINE_WIDTH, Role, Style, counted};

/// Longer lines, as of JSON without line breaks, are not quoted.
const QUOTED_LINE_MAX: usize = 4_096;

/// An input, for quoting from it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SourceFile<'a> {
    /// What it is called (`shop.yaml`).
    pub name: &'a str,
    /// What it says.
    pub text: &'a str,
}

/// How many findings there are of each severity.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// What makes simulating impossible.
    pub errors: usize,
    /// What is hardly meant.
    pub warnings: usize,
    /// What is worth knowing.
    pub notes: usize,
}

impl Tally {
    /// Counts them.
    pub fn of(findings: &Findings) -> Self {
        let mut tally = Self::default();
        for finding in findings.iter() {
            match finding.severity {
                Severity::Error => tally.errors += 1,
                Severity::Warning => tally.warnings += 1,
                Severity::Note => tally.notes += 1,
            }
        }
        tally
    }

    /// `2 errors, 1 warning`; what there is none of is left out.
    pub fn words(self) -> String {
        let parts: Vec<_> = [
            (self.errors, "error"),
            (self.warnings, "warning"),
            (self.notes, "note"),
        ]
        .into_iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, noun)| counted(count, noun))
        .collect();
        if parts.is_empty() {
            "no findings".to_owned()
        } else {
            parts.join(", ")
        }
    }

    const fn role(self) -> Role {
        match self {
            Self { errors: 1.., .. } => Role::Bad,
            Self { warnings: 1.., .. } => Role::Unsure,
            Self { .. } => Role::Good,
        }
    }
}

/// All findings, one below the other, in their order.
pub fn render(findings: &Findings, sources: &[SourceFile<'_>], style: Style) -> String {
    let texts: Vec<_> = sources.iter().map(LineIndex::of).collect();
    let renderer = match style {
        Style::Plain => Renderer::plain(),
        Style::Colour => Renderer::styled(),
    }
    .term_width(LINE_WIDTH);
    let mut page = String::new();
    for finding in findings.iter() {
        let source = texts.get(finding.origin.file as usize);
        let _ = writeln!(page, "{}\n", renderer.render(&[group(finding, source)]));
    }
    page
}

/// The closing line: `✗ shop.yaml: 2 errors, 1 warning`.
pub fn summary(what: &str, findings: &Findings, style: Style) -> String {
    let tally = Tally::of(findings);
    let role = tally.role();
    let line = format!("{} {what}: {}", role.glyph(), tally.words());
    style.paint(role, &line) + "\n"
}

fn group<'a>(finding: &'a Finding, source: Option<&LineIndex<'a>>) -> Group<'a> {
    let level = match finding.severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
        Severity::Note => Level::NOTE,
    };
    let mut group = level
        .primary_title(finding.message.as_str())
        .id(finding.code)
        .elements(Vec::<Place<'_>>::new());
    if let Some(source) = source {
        group = match source.snippet(finding.origin) {
            Some(snippet) => group.element(snippet),
            None => group.element(source.place(finding.origin)),
        };
    }
    if let Some(rule) = finding.rule {
        group = group.element(Level::NOTE.with_name(Some("rule")).message(rule));
    }
    if let Some(help) = &finding.help {
        group = group.element(Level::HELP.message(help.as_str()));
    }
    group
}

/// A source with the places of its lines, so that quoting one line does not read the whole file again.
struct LineIndex<'a> {
    file: SourceFile<'a>,
    starts: Vec<usize>,
}

impl<'a> LineIndex<'a> {
    fn of(file: &SourceFile<'a>) -> Self {
        let breaks = file.text.match_indices('\n').map(|(at, _)| at + 1);
        Self {
            file: *file,
            starts: std::iter::once(0).chain(breaks).collect(),
        }
    }

    fn line(&self, number: u32) -> Option<&'a str> {
        let index = (number as usize).checked_sub(1)?;
        let start = *self.starts.get(index)?;
        let end = self
            .starts
            .get(index + 1)
            .copied()
            .unwrap_or(self.file.text.len());
        Some(self.file.text[start..end].trim_end_matches(['\n', '\r']))
    }

    /// The line with what is meant underlined; `None` if there is no such line or it is too long.
    fn snippet(&self, origin: Origin) -> Option<Snippet<'a, annotate_snippets::Annotation<'a>>> {
        let line = self
            .line(origin.line)
            .filter(|line| line.len() <= QUOTED_LINE_MAX)?;
        let span = span_of(line, origin);
        Some(
            Snippet::source(line)
                .line_start(origin.line as usize)
                .path(self.file.name)
                .annotation(AnnotationKind::Primary.span(span)),
        )
    }

    fn place(&self, origin: Origin) -> Place<'a> {
        let place = Place::path(self.file.name);
        if origin.is_known() {
            return place
                .line(origin.line as usize)
                .char_column(origin.column.max(1) as usize);
        }
        place
    }
}

/// The bytes of the line that are meant. Where the column is unknown that is all that is written on the line; where
/// only the length is, it goes up to the next blank.
fn span_of(line: &str, origin: Origin) -> Range<usize> {
    let byte_at = |characters: usize| {
        line.char_indices()
            .nth(characters)
            .map_or(line.len(), |(at, _)| at)
    };
    if origin.column == 0 {
        return line.len() - line.trim_start().len()..line.trim_end().len().max(1).min(line.len());
    }
    let column = origin.column as usize - 1;
    let start = byte_at(column);
    let end = if origin.length == 0 {
        let rest = &line[start..];
        start + rest.find(char::is_whitespace).unwrap_or(rest.len())
    } else {
        byte_at(column + origin.length as usize)
    };
    start..end.max(start)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples;

    const TEXT: &str = "name: shop\nvpcs:\n  shop: { cidr: 10.0.0.0/33 }\n";

    fn origin(line: u32, column: u32, length: u32) -> Origin {
        Origin {
            file: 0,
            line,
            column,
            length,
        }
    }

    fn page(finding: Finding, style: Style) -> String {
        let mut findings = Findings::default();
        findings.push(finding);
        let sources = [SourceFile {
            name: "shop.yaml",
            text: TEXT,
        }];
        render(&findings, &sources, style)
    }

    fn bad_prefix(origin: Origin) -> Finding {
        Finding::error("cidr-invalid", origin, "10.0.0.0/33 is no CIDR block")
            .rule("VPC-01")
            .help("write a prefix length from 16 to 28")
    }

    #[test]
    fn a_finding_quotes_its_line_and_underlines_what_is_meant() {
        let page = page(bad_prefix(origin(3, 17, 11)), Style::Plain);
        assert!(
            page.starts_with("error[cidr-invalid]: 10.0.0.0/33 is no CIDR block"),
            "{page}"
        );
        assert!(page.contains("--> shop.yaml:3:17"), "{page}");
        assert!(page.contains("shop: { cidr: 10.0.0.0/33 }"), "{page}");
        assert!(page.contains("^^^^^^^^^^^\n"), "{page}");
        assert!(page.contains("= rule: VPC-01"), "{page}");
        assert!(
            page.contains("= help: write a prefix length from 16 to 28"),
            "{page}"
        );
    }

    #[test]
    fn a_finding_without_a_place_is_told_all_the_same() {
        let page = page(bad_prefix(Origin::NOWHERE), Style::Plain);
        assert!(
            page.contains("error[cidr-invalid]") && page.contains("= help:"),
            "{page}"
        );
        assert!(!page.contains("-->"), "{page}");
    }

    #[test]
    fn a_place_beyond_the_source_is_named_without_a_quote() {
        let page = page(bad_prefix(origin(99, 4, 1)), Style::Plain);
        assert!(page.contains("--> shop.yaml:99:4"), "{page}");
    }

    #[test]
    fn places_that_are_partly_known_make_no_trouble() {
        for at in [
            origin(3, 0, 0),
            origin(3, 17, 0),
            origin(3, 900, 7),
            origin(1, 1, u32::MAX),
            origin(4, 1, 1),
        ] {
            let page = page(bad_prefix(at), Style::Plain);
            assert!(page.contains("shop.yaml"), "{page}");
        }
    }

    #[test]
    fn colours_change_nothing_but_the_colours() {
        let plain = page(bad_prefix(origin(3, 17, 11)), Style::Plain);
        let coloured = page(bad_prefix(origin(3, 17, 11)), Style::Colour);
        assert_ne!(plain, coloured);
        assert_eq!(samples::without_colours(&coloured), plain);
    }

    #[test]
    fn the_closing_line_counts_by_severity() {
        let mut findings = Findings::default();
        assert_eq!(
            summary("shop.yaml", &findings, Style::Plain),
            "✓ shop.yaml: no findings\n"
        );
        findings.push(bad_prefix(Origin::NOWHERE));
        findings.push(Finding::warning(
            "blackhole",
            Origin::NOWHERE,
            "a route leads nowhere",
        ));
        findings.push(Finding::warning("blackhole", Origin::NOWHERE, "another too"));
        assert_eq!(
            summary("shop.yaml", &findings, Style::Plain),
            "✗ shop.yaml: 1 error, 2 warnings\n"
        );
    }
}
