//! Files of flows: one JSON object a line.

use std::path::Path;

use vpcsim_analysis::FlowQuery;
use vpcsim_aws::{Finding, Findings, Origin};
use vpcsim_report::SourceFile;
use vpcsim_report::findings_text;

use crate::failure::Failure;
use crate::input;
use crate::output::Terminal;

const HELP: &str =
    r#"a flow is like {"id": "1", "source": "web-1", "dst": "db-1", "protocol": "tcp", "dst_port": 5432}"#;

/// A file of flows with its text, so that errors found later can be shown in it.
pub(crate) struct FlowFile {
    name: String,
    text: String,
    /// The flows, each with the line it stands on.
    pub(crate) flows: Vec<(u32, FlowQuery)>,
}

impl FlowFile {
    /// Reads a file; all its errors are shown at once.
    pub(crate) fn read(path: &Path, terminal: &Terminal) -> Result<Self, Failure> {
        let bytes = input::read_bytes(path)?;
        let mut file = Self {
            name: input::name_of(path),
            text: String::from_utf8_lossy(&bytes).into_owned(),
            flows: Vec::new(),
        };
        let (flows, findings) = parse(&file.text);
        file.flows = flows;
        if findings.is_empty() {
            return Ok(file);
        }
        file.show(&findings, terminal);
        Err(Failure::Shown)
    }

    /// Shows what is wrong with some lines.
    pub(crate) fn show(&self, findings: &Findings, terminal: &Terminal) {
        let sources = [SourceFile {
            name: &self.name,
            text: &self.text,
        }];
        let style = terminal.error_style();
        terminal.complain(&findings_text::render(findings, &sources, style));
        terminal.complain(&findings_text::summary(&self.name, findings, style));
    }
}

/// A finding about a whole line.
pub(crate) fn about_line(code: &'static str, line: u32, message: String) -> Finding {
    let origin = Origin {
        file: 0,
        line,
        column: 0,
        length: 0,
    };
    Finding::error(code, origin, message)
}

fn parse(text: &str) -> (Vec<(u32, FlowQuery)>, Findings) {
    let mut flows = Vec::new();
    let mut findings = Findings::default();
    for (index, line) in text.trim_start_matches('\u{feff}').lines().enumerate() {
        let number = index as u32 + 1;
        if line.trim().is_empty() {
            continue;
        }
        match serde_json::from_str(line) {
            Ok(flow) => flows.push((number, flow)),
            Err(error) => findings.push(wrong_line(number, line, &error)),
        }
    }
    (flows, findings)
}

fn wrong_line(number: u32, line: &str, error: &serde_json::Error) -> Finding {
    let message = error.to_string();
    let what = message.split(" at line ").next().unwrap_or(&message);
    // serde_json counts bytes, people count characters.
    let before = error.column().saturating_sub(1).min(line.len());
    let characters = line.char_indices().take_while(|(at, _)| *at < before).count();
    let origin = Origin {
        file: 0,
        line: number,
        column: characters as u32 + 1,
        length: 1,
    };
    Finding::error("flow-syntax", origin, format!("this is no flow: {what}")).help(HELP)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flows_keep_their_line_and_unknown_keys_are_ignored() {
        let text = "{\"source\":\"a\",\"dst\":\"b\",\"protocol\":\"icmp\",\"note\":1}\n\n\
                    {\"id\":\"2\",\"source\":\"a\",\"dst\":\"b\",\"protocol\":\"tcp\",\"dst_port\":80}\n";
        let (flows, findings) = parse(text);
        assert!(findings.is_empty());
        let lines: Vec<_> = flows.iter().map(|(line, flow)| (*line, flow.dst_port)).collect();
        assert_eq!(lines, [(1, None), (3, Some(80))]);
    }

    #[test]
    fn every_wrong_line_is_told_with_its_place() {
        let (flows, findings) = parse("{\"source\":\"a\"}\nnonsense\n{\"source\":\"é\",\"dst\":3}\n");
        assert!(flows.is_empty());
        let places: Vec<_> = findings.iter().map(|finding| finding.origin.line).collect();
        assert_eq!(places, [1, 2, 3]);
        assert!(
            findings
                .iter()
                .next()
                .unwrap()
                .message
                .contains("missing field `dst`")
        );
    }
}
