//! `vpcsim test`: the design against what is expected of it.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use vpcsim_analysis::reach::{By, ReachQuestion, Scope, Services};
use vpcsim_analysis::{Judgement, Simulation};
use vpcsim_aws::assertion::{Assertion, Expectations};
use vpcsim_aws::{Finding, Findings};
use vpcsim_import::{Design, read_expectations};
use vpcsim_report::faces::{Face, Judged};
use vpcsim_report::findings_text::{self, SourceFile};

use super::reach::give;
use crate::cli::TestArguments;
use crate::failure::{Failure, Status};
use crate::output::Terminal;
use crate::{input, written_file};

/// A file of expectations.
struct ExpectFile {
    path: PathBuf,
    text: String,
}

pub(super) fn run(arguments: &TestArguments, terminal: &Terminal) -> Result<Status, Failure> {
    let design = input::read_sound_design(&arguments.designs, terminal)?;
    let missing = arguments.update && arguments.expect.iter().all(|path| !path.exists());
    let files = if missing {
        Vec::new()
    } else {
        read_files(&arguments.expect)?
    };
    let sources = sources(&design, &files);
    let (expected, mut wrong) = expectations(&design, &files);
    let simulation = Simulation::new(Arc::new(design.topology.clone()));
    if missing {
        return write_baseline(&simulation, &arguments.expect, terminal);
    }
    if wrong.is_empty() && expected.assertions.is_empty() && expected.invariants.is_empty() {
        return Err(Failure::input(
            "nothing is expected of the design\n\
             help: write `expect:` lines into it, or a file for --expect with\n      \
             assertions:\n        - web-1 -> db-1 tcp 5432: reachable",
        ));
    }
    let judged = simulation.judge(&expected);
    if let Err(more) = &judged {
        wrong.extend(more.clone());
        wrong.sort();
    }
    let judgements = match judged {
        Ok(judgements) if !wrong.has_errors() => judgements,
        _ => return Err(shown(&wrong, &sources, terminal)),
    };
    if arguments.update {
        return update(&judgements, &files, design.sources.len(), terminal);
    }
    let judged = Judged {
        judgements: &judgements,
        sources: &sources,
        design: simulation.topology(),
        allow_unknown: arguments.allow_unknown,
    };
    for choice in &arguments.format {
        let face = Face::find(&choice.name).ok_or_else(|| Failure::input("there is no such format"))?;
        let style = if choice.file.is_some() {
            vpcsim_report::Style::Plain
        } else {
            terminal.style
        };
        give(&face.render(&judged, style), choice.file.as_ref(), terminal)?;
    }
    Ok(Status::of(judged.passed()))
}

fn read_files(paths: &[PathBuf]) -> Result<Vec<ExpectFile>, Failure> {
    let read = |path: &PathBuf| {
        let text = String::from_utf8_lossy(&input::read_bytes(path)?).into_owned();
        Ok(ExpectFile {
            path: path.clone(),
            text,
        })
    };
    paths.iter().map(read).collect()
}

/// The inputs in the order of their numbers: the design's, then the files of expectations.
fn sources<'a>(design: &'a Design, files: &'a [ExpectFile]) -> Vec<SourceFile<'a>> {
    let own = files.iter().map(|file| SourceFile {
        name: file.path.to_str().unwrap_or_default(),
        text: &file.text,
    });
    input::source_files(design).into_iter().chain(own).collect()
}

/// What is expected, and what cannot be read of it.
fn expectations(design: &Design, files: &[ExpectFile]) -> (Expectations, Findings) {
    let mut all = Expectations::default();
    let mut wrong = Findings::default();
    if files.is_empty() {
        all.assertions = design.topology.expectations.iter().map(Assertion::from).collect();
    }
    for (index, file) in files.iter().enumerate() {
        let (read, findings) = read_expectations(&file.text, (design.sources.len() + index) as u32);
        all.assertions.extend(read.assertions);
        all.invariants.extend(read.invariants);
        wrong.extend(findings);
    }
    for code in all.assertions.iter().flat_map(|assertion| &assertion.by) {
        if let Err(unknown) = vpcsim_report::explain::reason(&code.text) {
            let message = format!("`{}` is no reason for which packets are dropped", code.text);
            let finding = Finding::error("expectation-names-nothing", code.origin, message);
            wrong.push(match unknown.suggestions[..] {
                [] => finding.help("`vpcsim explain` lists all reasons and codes"),
                [nearest, ..] => finding.help(format!("did you mean `{nearest}`?")),
            });
        }
    }
    (all, wrong)
}

fn shown(findings: &Findings, sources: &[SourceFile<'_>], terminal: &Terminal) -> Failure {
    terminal.complain(&findings_text::render(findings, sources, terminal.error_style()));
    Failure::Shown
}

/// Replaces what is expected by what is today, where one word says it.
fn update(
    judgements: &[Judgement],
    files: &[ExpectFile],
    first: usize,
    terminal: &Terminal,
) -> Result<Status, Failure> {
    let mut status = Status::Good;
    for (index, file) in files.iter().enumerate() {
        let number = (first + index) as u32;
        let mut changed = 0;
        let mut lines: Vec<String> = file.text.split_inclusive('\n').map(str::to_owned).collect();
        for one in judgements
            .iter()
            .filter(|one| one.origin.file == number && one.outcome == vpcsim_analysis::Outcome::Failed)
        {
            let line = (one.expected_origin.line as usize)
                .checked_sub(1)
                .and_then(|line| lines.get_mut(line));
            match (line, one.today) {
                (Some(line), Some(today)) if !one.expected.ends_with(today.word()) => {
                    replace(
                        line,
                        one.expected_origin.column,
                        one.expected_origin.length,
                        today.word(),
                    );
                    changed += 1;
                }
                _ => {
                    status = Status::Bad;
                    terminal.error(&format!(
                        "{}:{}: `{}` fails, and no other word would mend it",
                        file.path.display(),
                        one.origin.line,
                        one.id
                    ));
                }
            }
        }
        if changed > 0 {
            written_file::write(&file.path, |sink| sink.write_all(lines.concat().as_bytes()))?;
        }
        terminal.note(&format!(
            "{}: {}",
            file.path.display(),
            vpcsim_report::style::counted(changed, "expectation") + " changed"
        ));
    }
    Ok(status)
}

/// Puts a word in the place of the characters from `column` on, counted from one.
fn replace(line: &mut String, column: u32, length: u32, word: &str) {
    let start = (column as usize).saturating_sub(1);
    let end = start + length as usize;
    let head: String = line.chars().take(start).collect();
    let tail: String = line.chars().skip(end).collect();
    *line = format!("{head}{word}{tail}");
}

/// Makes a file of all that gets through today.
fn write_baseline(
    simulation: &Simulation,
    paths: &[PathBuf],
    terminal: &Terminal,
) -> Result<Status, Failure> {
    let Some(path) = paths.first() else {
        return Ok(Status::Good);
    };
    let text = baseline(simulation);
    written_file::write(path, |sink| sink.write_all(text.as_bytes()))?;
    terminal.note(&format!("wrote {}", shown_path(path)));
    Ok(Status::Good)
}

fn shown_path(path: &Path) -> String {
    path.display().to_string()
}

fn baseline(simulation: &Simulation) -> String {
    use std::fmt::Write as _;
    let found = simulation.reach(&ReachQuestion::everything());
    let (topology, scope) = (simulation.topology(), Scope::default());
    let mut text = "version: 1\nassertions:\n".to_owned();
    let mut line = |from: &str, to: &str, services: &Services| {
        if !services.is_empty() {
            let ports = ports(services);
            let _ = writeln!(
                text,
                "  - {{ from: {}, to: {}, port: [{ports}], expect: reachable }}",
                quoted(from),
                quoted(to)
            );
        }
    };
    for row in found
        .rows(topology, By::Instance, &scope)
        .iter()
        .filter(|row| !row.only_some)
    {
        line(&row.from, &row.to, &row.round_trip);
    }
    let exposed = found.exposure_rows(topology, By::Instance, &scope);
    for row in exposed.iter().filter(|row| row.outside == ["0.0.0.0/0"]) {
        line("internet", &row.group, &row.round_trip);
    }
    for row in found
        .egress_rows(topology, By::Instance, &scope)
        .iter()
        .filter(|row| row.outside == ["0.0.0.0/0"])
    {
        line(&row.group, "internet", &row.round_trip);
    }
    let mut names: Vec<String> = exposed.iter().map(|row| quoted(&row.group)).collect();
    names.sort_unstable();
    names.dedup();
    let _ = writeln!(
        text,
        "invariants:\n  - only-from-internet: [{}]",
        names.join(", ")
    );
    text
}

/// Services as `port:` takes them.
fn ports(services: &Services) -> String {
    let with = |ports: &[String], protocol: &str| -> Vec<String> {
        ports.iter().map(|port| format!("{port}/{protocol}")).collect()
    };
    let mut all = with(&services.tcp, "tcp");
    all.extend(with(&services.udp, "udp"));
    if !services.icmp.is_empty() {
        all.push("icmp 8/0".to_owned());
    }
    all.join(", ")
}

/// A name as YAML takes it.
fn quoted(name: &str) -> String {
    let is_plain = name
        .chars()
        .all(|letter| letter.is_ascii_alphanumeric() || "-_./".contains(letter));
    if is_plain {
        name.to_owned()
    } else {
        format!("{name:?}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_is_replaced_at_its_place() {
        let mut line = "  - wéb -> db tcp 80: reachable # kept\n".to_owned();
        replace(&mut line, 23, 9, "unreachable");
        assert_eq!(line, "  - wéb -> db tcp 80: unreachable # kept\n");
    }
}
