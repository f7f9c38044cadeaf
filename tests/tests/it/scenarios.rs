//! Markdown files as tests: `tests/scenarios/*.md`.
//!
//! A heading of the second level is a test. A `yaml` block is a design; above the first heading it serves the whole file. A
//! `trace` block is a flow in its first line, and below it the answer that is expected. `UPDATE_EXPECT=1` writes the answers
//! into the files; read them before they are kept.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use vpcsim_analysis::grammar::check_leg;
use vpcsim_analysis::{Answer, FlowQuery, Options, Simulation};
use vpcsim_import::{Source, read};

use crate::print;

/// The source port of every flow, so that traces are easy to read.
const SOURCE_PORT: u16 = 40_000;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios")
}

/// A fenced block: its language, its lines, and the number of its first line within the file.
struct Block {
    language: String,
    lines: Vec<String>,
    first_line: usize,
    heading: String,
}

fn blocks(text: &str) -> Vec<Block> {
    let mut found: Vec<Block> = Vec::new();
    let mut heading = String::new();
    let mut is_open = false;
    for (number, line) in text.lines().enumerate() {
        match (line.strip_prefix("```"), is_open) {
            (Some(_), true) => is_open = false,
            (Some(language), false) => {
                is_open = true;
                let (language, heading) = (language.to_owned(), heading.clone());
                found.push(Block {
                    language,
                    lines: Vec::new(),
                    first_line: number + 1,
                    heading,
                });
            }
            (None, true) => found.last_mut().unwrap().lines.push(line.to_owned()),
            (None, false) => {
                if let Some(title) = line.strip_prefix("## ") {
                    title.clone_into(&mut heading);
                }
            }
        }
    }
    assert!(!is_open, "a block is not closed");
    found
}

fn simulation(name: &str, block: &Block) -> Simulation {
    let bytes = block.lines.join("\n").into_bytes();
    let design = read(vec![Source {
        name: name.to_owned(),
        bytes,
    }]);
    let line = |finding: &vpcsim_aws::Finding| {
        format!(
            "{}: {}",
            block.first_line + finding.origin.line as usize,
            finding.message
        )
    };
    let findings: Vec<String> = design.findings.iter().map(line).collect();
    assert!(!design.findings.has_errors(), "{name}: {findings:#?}");
    Simulation::new(Arc::new(design.topology))
}

/// Reads `web-1 -> 10.0.2.7 tcp 443`.
fn query(line: &str) -> FlowQuery {
    let (source, rest) = line
        .split_once(" -> ")
        .unwrap_or_else(|| panic!("`{line}` is no flow"));
    let mut words = rest.split_whitespace();
    let mut word = || words.next().unwrap_or_default().to_owned();
    let (dst, protocol, port) = (word(), word(), word());
    let dst_port = protocol
        .parse::<vpcsim_wire::Protocol>()
        .unwrap()
        .has_ports()
        .then(|| port.parse().unwrap());
    FlowQuery {
        source: source.to_owned(),
        dst,
        protocol,
        dst_port,
        src_port: Some(SOURCE_PORT),
        ..FlowQuery::default()
    }
}

fn ask(simulation: &Simulation, line: &str) -> Answer {
    let (answer, _) = simulation
        .trace(&query(line), &Options::default())
        .unwrap_or_else(|error| panic!("{line}: {error}"));
    for leg in std::iter::once(&answer.forward).chain(&answer.back) {
        assert_eq!(check_leg(leg), Ok(()), "{line}: {leg:#?}");
    }
    answer
}

/// The lines of every `trace` block as they are found, with the block; the design is the nearest one above.
fn results(name: &str, blocks: &[Block]) -> Vec<(usize, Vec<String>)> {
    let shared = blocks
        .iter()
        .position(|block| block.language == "yaml" && block.heading.is_empty());
    let mut found = Vec::new();
    for (place, block) in blocks
        .iter()
        .enumerate()
        .filter(|(_, block)| block.language == "trace")
    {
        let is_own =
            |&(_, other): &(usize, &Block)| other.language == "yaml" && other.heading == block.heading;
        let own = blocks[..place]
            .iter()
            .enumerate()
            .rfind(is_own)
            .map(|(place, _)| place);
        let design = own
            .or(shared)
            .unwrap_or_else(|| panic!("{name}: {} has no design", block.heading));
        let flow = block
            .lines
            .first()
            .unwrap_or_else(|| panic!("{name}: {} has an empty trace", block.heading));
        let text = print::answer(&ask(&simulation(name, &blocks[design]), flow));
        let lines = std::iter::once(flow.clone()).chain(text.lines().map(str::to_owned));
        found.push((place, lines.collect()));
    }
    found
}

/// Checks one file, or writes what is found into it.
pub(crate) fn check(path: &Path) {
    let name = path.display().to_string();
    let name = name.as_str();
    let text = fs::read_to_string(path).unwrap();
    let blocks = blocks(&text);
    let results = results(name, &blocks);
    let mut complaints = String::new();
    for (place, lines) in &results {
        if *lines != blocks[*place].lines {
            let _ = writeln!(
                complaints,
                "\n## {}\nfound:\n{}",
                blocks[*place].heading,
                lines.join("\n")
            );
        }
    }
    if !complaints.is_empty() && std::env::var_os("UPDATE_EXPECT").is_some() {
        fs::write(path, updated(&text, &blocks, &results)).unwrap();
        return;
    }
    assert!(
        complaints.is_empty(),
        "{name} differs; UPDATE_EXPECT=1 accepts what is found\n{complaints}"
    );
}

fn updated(text: &str, blocks: &[Block], results: &[(usize, Vec<String>)]) -> String {
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    for (place, found) in results.iter().rev() {
        let block = &blocks[*place];
        lines.splice(
            block.first_line..block.first_line + block.lines.len(),
            found.iter().cloned(),
        );
    }
    lines.join("\n") + "\n"
}

macro_rules! scenarios {
    ($($name:ident)*) => {
        $( #[test] fn $name() { check(&folder().join(concat!(stringify!($name), ".md"))); } )*

        const ALL: &[&str] = &[$(stringify!($name)),*];
    };
}

scenarios! {
    connection_tracking
    internet_gateway
    middleboxes
    nat_gateway
    neighbours
    network_acl
    order_of_checks
    peering
    route_tables
}

#[test]
fn every_scenario_file_is_a_test() {
    let names = fs::read_dir(folder()).unwrap().map(|entry| entry.unwrap().path());
    let mut names: Vec<String> = names
        .filter_map(|path| Some(path.file_stem()?.to_str()?.to_owned()))
        .collect();
    names.sort();
    assert_eq!(names, ALL);
}

#[test]
fn every_scenario_asks_something_and_cites_a_rule() {
    let mut scenario_count = 0;
    for name in ALL {
        let text = fs::read_to_string(folder().join(format!("{name}.md"))).unwrap();
        let blocks = blocks(&text);
        for heading in text.lines().filter_map(|line| line.strip_prefix("## ")) {
            scenario_count += 1;
            assert!(
                heading.ends_with(')') && heading.contains('-'),
                "{name}: `{heading}` cites no rule"
            );
            let is_trace = |block: &Block| block.language == "trace" && block.heading == heading;
            assert!(blocks.iter().any(is_trace), "{name}: `{heading}` asks nothing");
        }
    }
    assert!(scenario_count >= 10, "there are {scenario_count} scenarios");
}
