//! Every Terraform file and every CloudFormation template that lies beside the repository: each becomes a topology or an error
//! that names what is wrong, none a panic, and none takes long. `tests/inventory.txt` is the summary for reviewers;
//! `UPDATE_EXPECT=1` writes it anew.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use vpcsim_aws::{AnyId, Kind, Severity};
use vpcsim_import::{Source, read};

use crate::beside;

/// No file of the corpus has more than a few hundred kilobytes; this is generous even without optimisation.
const LONGEST: Duration = Duration::from_secs(20);

/// What reading one input gave.
struct Read {
    name: String,
    /// Whether it became a topology.
    sound: bool,
    resources: usize,
    unread: usize,
    codes: BTreeMap<&'static str, usize>,
    took: Duration,
}

fn read_all(root: &Path, files: Vec<PathBuf>) -> Vec<Read> {
    files.into_iter().map(|path| read_one(root, &path)).collect()
}

fn read_one(root: &Path, path: &Path) -> Read {
    let name = path.strip_prefix(root).unwrap().display().to_string();
    let sources = if path.is_dir() {
        beside::sources(path)
    } else {
        let bytes = std::fs::read(path).unwrap();
        vec![Source {
            name: name.clone(),
            bytes,
        }]
    };
    let before = Instant::now();
    let design = read(sources);
    let took = before.elapsed();
    let mut codes = BTreeMap::new();
    for finding in design.findings.iter() {
        if finding.severity != Severity::Note {
            *codes.entry(finding.code).or_default() += 1;
        }
    }
    let count = |kind: Kind| {
        let labels = (0..).map_while(|index| design.topology.label(AnyId { kind, index }));
        labels.count()
    };
    Read {
        name,
        sound: !design.findings.has_errors(),
        resources: Kind::ALL.iter().map(|kind| count(*kind)).sum(),
        unread: design.topology.unread.len(),
        codes,
        took,
    }
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut entries: Vec<PathBuf> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    entries.sort();
    for path in entries {
        if path.is_dir() {
            found.extend(files(&path));
        } else if path.extension().is_none_or(|ending| ending != "tsv") {
            found.push(path);
        }
    }
    found
}

/// The directories that a tool wrote as one model.
fn cdk_outputs(folder: &Path) -> Vec<PathBuf> {
    let mut found: Vec<PathBuf> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    found.retain(|path| path.is_dir() && path.file_name().unwrap().to_string_lossy().starts_with("cdkout-"));
    found.sort();
    found
}

fn summary(title: &str, rows: &[Read]) -> String {
    let mut text = format!("{title}\n\n");
    let sound = rows.iter().filter(|row| row.sound).count();
    let _ = writeln!(
        text,
        "{} inputs: {sound} topologies, {} errors",
        rows.len(),
        rows.len() - sound
    );
    let mut codes: BTreeMap<&str, usize> = BTreeMap::new();
    rows.iter()
        .flat_map(|row| row.codes.keys())
        .for_each(|code| *codes.entry(code).or_default() += 1);
    for (code, count) in codes {
        let _ = writeln!(text, "  {code}: in {count}");
    }
    text.push('\n');
    for row in rows {
        let codes: Vec<String> = row
            .codes
            .iter()
            .map(|(code, count)| format!("{code} {count}"))
            .collect();
        let status = if row.sound { "topology" } else { "error" };
        let _ = writeln!(
            text,
            "{status:8} {:5} resources {:3} unread  {}  {}",
            row.resources,
            row.unread,
            row.name,
            codes.join(", ")
        );
    }
    text.push('\n');
    text
}

/// Codes that say that a reference which matters to a route, a rule or an association is not certain.
const UNCERTAIN: [&str; 3] = ["ambiguous-reference", "unresolved-reference", "rules-unknown"];

#[test]
fn every_file_of_the_corpus_becomes_a_topology_or_an_error() {
    let Some(root) = beside::folder("corpus") else {
        return;
    };
    let terraform = read_all(&root, files(&root.join("terraform")));
    let templates = read_all(&root, files(&root.join("cloudformation")));
    let directories = read_all(&root, cdk_outputs(&root.join("cloudformation")));
    let all = || terraform.iter().chain(&templates).chain(&directories);
    for row in all() {
        assert!(row.took < LONGEST, "{} took {:?}", row.name, row.took);
        assert!(
            row.sound || !row.codes.is_empty(),
            "{} fails without a word",
            row.name
        );
    }
    // Of the files with a network, at least 95 in 100 are read with certainty.
    let with_network: Vec<&Read> = terraform
        .iter()
        .chain(&templates)
        .filter(|row| row.resources > 0 || !row.sound)
        .collect();
    let uncertain: Vec<&str> = with_network
        .iter()
        .filter(|row| UNCERTAIN.iter().any(|code| row.codes.contains_key(code)))
        .map(|row| row.name.as_str())
        .collect();
    println!(
        "{} of {} with a network are uncertain: {uncertain:#?}",
        uncertain.len(),
        with_network.len()
    );
    assert!(uncertain.len() * 100 <= with_network.len() * 5, "{uncertain:#?}");
    let text = summary("Terraform plans and states, one by one", &terraform)
        + &summary("CloudFormation templates, one by one", &templates)
        + &summary("Directories of the CDK, each as one model", &directories);
    let snapshot = Path::new(env!("CARGO_MANIFEST_DIR")).join("inventory.txt");
    if std::env::var_os("UPDATE_EXPECT").is_some() {
        std::fs::write(&snapshot, &text).unwrap();
    }
    let known = std::fs::read_to_string(&snapshot).unwrap_or_default();
    assert_eq!(text, known, "UPDATE_EXPECT=1 writes tests/inventory.txt anew");
}
