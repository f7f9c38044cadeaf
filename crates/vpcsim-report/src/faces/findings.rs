//! What `vpcsim check` finds, as SARIF and as annotations of GitHub Actions.

use std::fmt::Write as _;

use serde_json::{Value, json};
use vpcsim_aws::{Finding, Findings, Severity};

use super::github::{message, property};
use super::sarif::{document, fingerprint, place, rule};
use crate::explain;
use crate::findings_text::SourceFile;

/// The findings as SARIF 2.1.0.
pub fn sarif(findings: &Findings, sources: &[SourceFile<'_>]) -> String {
    let mut codes: Vec<&str> = findings.iter().map(|finding| finding.code).collect();
    codes.sort_unstable();
    codes.dedup();
    let rules = codes
        .iter()
        .map(|code| rule(code, explain::words_of(code).unwrap_or(code)));
    document(rules, findings.iter().map(|finding| result(finding, sources)))
}

fn result(finding: &Finding, sources: &[SourceFile<'_>]) -> Value {
    let level = match finding.severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Note => "note",
    };
    let mut result = json!({
        "ruleId": finding.code,
        "level": level,
        "message": { "text": words(finding) },
        "partialFingerprints": { "finding/v1": fingerprint(&format!("{} {}", finding.code, finding.message)) },
    });
    if let Some(file) = file_of(finding, sources) {
        result["locations"] = json!([place(file, finding.origin)]);
    }
    result
}

/// The findings as lines that the runner shows beside those of the files.
pub fn github(findings: &Findings, sources: &[SourceFile<'_>]) -> String {
    let mut page = String::new();
    for finding in findings.iter() {
        let level = match finding.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
            Severity::Note => "notice",
        };
        let origin = finding.origin;
        let place = file_of(finding, sources).map_or_else(String::new, |file| {
            format!(
                "file={},line={},col={},",
                property(file),
                origin.line,
                origin.column.max(1)
            )
        });
        let _ = writeln!(
            page,
            "::{level} {place}title={}::{}",
            property(finding.code),
            message(&words(finding))
        );
    }
    page
}

fn file_of<'s>(finding: &Finding, sources: &[SourceFile<'s>]) -> Option<&'s str> {
    let source = sources.get(finding.origin.file as usize);
    source
        .filter(|_| finding.origin.is_known())
        .map(|source| source.name)
}

fn words(finding: &Finding) -> String {
    match &finding.help {
        Some(help) => format!("{}; {help}", finding.message),
        None => finding.message.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use vpcsim_aws::Origin;

    fn found() -> Findings {
        let mut findings = Findings::default();
        let origin = Origin {
            file: 0,
            line: 3,
            column: 5,
            length: 2,
        };
        findings.push(Finding::error("bad-cidr", origin, "`x` is no range").help("write one"));
        findings.push(Finding::note(
            "bad-cidr",
            Origin::NOWHERE,
            "50% of it\nis missing",
        ));
        findings
    }

    const SOURCES: [SourceFile<'static>; 1] = [SourceFile {
        name: "my design.yaml",
        text: "",
    }];

    #[test]
    fn annotations_name_the_place_and_escape_what_ends_a_line() {
        let wanted = "::error file=my design.yaml,line=3,col=5,title=bad-cidr::`x` is no range; write one\n\
                      ::notice title=bad-cidr::50%25 of it%0Ais missing\n";
        assert_eq!(github(&found(), &SOURCES), wanted);
    }

    #[test]
    fn sarif_has_a_rule_for_each_code_and_a_place_where_it_is_known() {
        let document: Value = serde_json::from_str(&sarif(&found(), &SOURCES)).unwrap();
        let run = &document["runs"][0];
        assert_eq!(run["tool"]["driver"]["rules"].as_array().map(Vec::len), Some(1));
        let place = &run["results"][0]["locations"][0]["physicalLocation"];
        assert_eq!(
            (
                place["artifactLocation"]["uri"].as_str(),
                place["region"]["startLine"].as_u64()
            ),
            (Some("my%20design.yaml"), Some(3))
        );
        assert!(run["results"][1].get("locations").is_none());
    }
}
