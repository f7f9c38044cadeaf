//! Codes in plain words: drop reasons, the codes of AWS's Reachability Analyzer, and what `vpcsim check` finds.

pub mod analyzer_codes;
pub mod drop_advice;
pub mod finding_codes;

mod suggestions;

use std::fmt::Write as _;

use analyzer_codes::AnalyzerCode;
use finding_codes::{Area, FindingCode};
use vpcsim_aws::drop_reason::{self, ReasonInfo};
use vpcsim_aws::station;

use crate::style::{Role, Style, padded, push_labelled};

/// The column where the words begin.
const WORDS_AT: usize = 12;

/// A code that nobody knows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownCode {
    /// What was asked for.
    pub code: String,
    /// Codes that are written alike, the likest first.
    pub suggestions: Vec<&'static str>,
}

/// What the code means, what to check, and an example. A word that is two codes has both pages.
///
/// Neither the case of letters nor the choice between `-` and `_` matters.
///
/// # Errors
/// [`UnknownCode`] with suggestions.
pub fn render(code: &str, style: Style) -> Result<String, UnknownCode> {
    let underscored = code.trim().replace('-', "_");
    let pages: Vec<String> = [
        drop_reason::by_name(&underscored).map(|info| drop_reason_page(info, style)),
        analyzer_codes::by_name(&underscored).map(|entry| analyzer_page(entry, style)),
        finding_codes::by_name(&code.trim().replace('_', "-"))
            .map(|(area, entry)| finding_page(area, entry, style)),
    ]
    .into_iter()
    .flatten()
    .collect();
    if pages.is_empty() {
        return Err(UnknownCode {
            code: code.to_owned(),
            suggestions: suggestions::of(code, all_codes()),
        });
    }
    Ok(pages.join("\n"))
}

/// Whether a flow can be stopped for this reason: a drop reason, or a code of AWS's Reachability Analyzer.
///
/// # Errors
/// [`UnknownCode`] with suggestions.
pub fn reason(code: &str) -> Result<(), UnknownCode> {
    if drop_reason::by_name(code).is_some() || analyzer_codes::by_name(code).is_some() {
        return Ok(());
    }
    let reasons = drop_reason::ALL.iter().map(|info| info.name);
    let codes = analyzer_codes::ALL.iter().map(|entry| entry.code);
    Err(UnknownCode {
        code: code.to_owned(),
        suggestions: suggestions::of(code, reasons.chain(codes)),
    })
}

/// Every code with its first words: drop reasons, AWS's codes, and findings by their areas.
pub fn list(style: Style) -> String {
    let reasons: Vec<_> = drop_reason::ALL
        .iter()
        .map(|info| (info.name, info.words))
        .collect();
    let analyzer: Vec<_> = analyzer_codes::ALL
        .iter()
        .map(|entry| (entry.code, entry.words))
        .collect();
    let mut page = String::new();
    push_group(&mut page, "Why packets are dropped", &reasons, style);
    push_group(
        &mut page,
        "Codes of AWS's Reachability Analyzer",
        &analyzer,
        style,
    );
    for area in finding_codes::AREAS {
        let codes: Vec<_> = area.codes.iter().map(|entry| (entry.code, entry.words)).collect();
        push_group(&mut page, &format!("Findings: {}", area.title), &codes, style);
    }
    page
}

/// What a code means, in a sentence.
pub fn words_of(code: &str) -> Option<&'static str> {
    let finding = finding_codes::all()
        .find(|entry| entry.code == code)
        .map(|entry| entry.words);
    let reason = || {
        drop_reason::ALL
            .iter()
            .find(|info| info.name == code)
            .map(|info| info.words)
    };
    let analyzer = || analyzer_codes::by_name(code).map(|entry| entry.words);
    finding.or_else(reason).or_else(analyzer)
}

fn push_group(page: &mut String, title: &str, group: &[(&str, &str)], style: Style) {
    let _ = writeln!(page, "{}", style.paint(Role::Strong, title));
    for (code, words) in group {
        push_labelled(page, &format!("  {}", padded(code, 28)), 31, words);
    }
    page.push('\n');
}

fn all_codes() -> impl Iterator<Item = &'static str> {
    let reasons = drop_reason::ALL.iter().map(|info| info.name);
    let analyzer = analyzer_codes::ALL.iter().map(|entry| entry.code);
    let findings = finding_codes::all().map(|entry| entry.code);
    reasons.chain(analyzer).chain(findings)
}

fn page_start(code: &str, words: &str, style: Style) -> String {
    let mut page = style.paint(Role::Strong, code);
    page.push('\n');
    push_labelled(&mut page, "", 2, words);
    page.push('\n');
    page
}

fn push_fact(page: &mut String, label: &str, words: &str) {
    if !words.is_empty() {
        push_labelled(page, &format!("  {label}"), WORDS_AT, words);
    }
}

fn drop_reason_page(info: &ReasonInfo, style: Style) -> String {
    let mut page = page_start(info.name, info.words, style);
    let analyzer = info.analyzer_code.and_then(analyzer_codes::by_name);
    let advice = drop_advice::on(info.name);
    let check = advice
        .map(|advice| advice.check)
        .or(analyzer.map(|entry| entry.check))
        .unwrap_or_default();
    push_fact(&mut page, "where", &station_words(info));
    push_fact(&mut page, "check", check);
    push_fact(&mut page, "example", advice.map_or("", |advice| advice.example));
    push_fact(
        &mut page,
        "at AWS",
        info.analyzer_code
            .unwrap_or("the Reachability Analyzer has no code for it"),
    );
    let filter = format!(
        "frame.comment contains \"DROP {}\", as a filter in Wireshark",
        info.name
    );
    push_fact(&mut page, "find it", &filter);
    page
}

fn station_words(info: &ReasonInfo) -> String {
    let number = info.station.0;
    let words = match number {
        1 => "where a host hands in its packet",
        2 => "where the packet leaves its network interface",
        3 => "where the packet leaves its subnet",
        4 => "at the route table of the sender's subnet",
        5 => "at a gateway",
        6 => "where the packet enters a subnet",
        7 => "where the packet comes to a network interface",
        _ => "at the host that it was for",
    };
    format!("{words} (station {number}, {})", station::name(info.station))
}

fn analyzer_page(entry: &AnalyzerCode, style: Style) -> String {
    let mut page = page_start(entry.code, entry.words, style);
    push_fact(&mut page, "check", entry.check);
    let reasons: Vec<_> = drop_reason::ALL
        .iter()
        .filter(|info| info.analyzer_code == Some(entry.code))
        .map(|info| info.name)
        .collect();
    if let Some(first) = reasons.first() {
        let example = drop_advice::on(first).map_or("", |advice| advice.example);
        push_fact(&mut page, "example", example);
        push_fact(&mut page, "here", &format!("drop reason {}", reasons.join(", ")));
    }
    push_fact(
        &mut page,
        "source",
        "a code of AWS's Reachability Analyzer, in our words",
    );
    page
}

fn finding_page(area: &Area, entry: &FindingCode, style: Style) -> String {
    let mut page = page_start(entry.code, entry.words, style);
    push_fact(&mut page, "check", entry.check);
    push_fact(&mut page, "rule", &entry.rules.join(", "));
    push_fact(&mut page, "about", area.title);
    push_fact(&mut page, "source", area.source);
    page
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples;

    #[test]
    fn a_drop_reason_is_explained_with_station_advice_example_and_filter() {
        let page = render("SG_INGRESS", Style::Plain).unwrap();
        for wanted in [
            "SG_INGRESS\n",
            "(station 7, EniIn)",
            "tcp 5432 from web",
            "ENI_SG_RULES_MISMATCH",
            "DROP SG_INGRESS",
        ] {
            assert!(page.contains(wanted), "{wanted:?} is missing in\n{page}");
        }
    }

    #[test]
    fn a_code_of_aws_leads_to_our_drop_reasons() {
        let page = render("ENI_SG_RULES_MISMATCH", Style::Plain).unwrap();
        assert!(page.contains("drop reason SG_EGRESS, SG_INGRESS"), "{page}");
    }

    #[test]
    fn a_finding_is_explained_with_its_rule_and_area() {
        let page = render("SUBNET_OVERLAP", Style::Plain).unwrap();
        for wanted in ["subnet-overlap\n", "SUB-02", "subnets\n", "vpcsim check"] {
            assert!(page.contains(wanted), "{wanted:?} is missing in\n{page}");
        }
    }

    #[test]
    fn letters_may_be_small_and_dashes_stand_for_underscores() {
        assert_eq!(
            render("sg-ingress", Style::Plain),
            render("SG_INGRESS", Style::Plain)
        );
    }

    #[test]
    fn every_code_has_a_page() {
        for code in all_codes() {
            let page = render(code, Style::Plain).unwrap();
            assert!(
                page.lines().any(|line| line == code) && page.lines().count() > 3,
                "{page}"
            );
            assert!(list(Style::Plain).contains(code));
        }
    }

    #[test]
    fn an_unknown_code_comes_back_with_what_is_written_alike() {
        let unknown = render("SG_INGRES", Style::Plain).unwrap_err();
        assert_eq!(unknown.suggestions.first(), Some(&"SG_INGRESS"));
        assert_eq!(
            render("xyzzy", Style::Plain).unwrap_err().suggestions,
            Vec::<&str>::new()
        );
    }

    #[test]
    fn colours_change_nothing_but_the_colours() {
        let coloured = render("NO_ROUTE", Style::Colour).unwrap();
        assert_eq!(
            Ok(samples::without_colours(&coloured)),
            render("NO_ROUTE", Style::Plain)
        );
    }
}
