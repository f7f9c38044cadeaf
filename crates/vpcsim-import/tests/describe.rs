//! Real describe dumps, which lie beside the repository; where they are absent the tests say so and pass.

use std::fs;
use std::path::{Path, PathBuf};

use vpcsim_aws::Severity;
use vpcsim_import::{Design, Source, read};

/// Every JSON file below a folder, sorted.
fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut open = vec![folder.to_owned()];
    while let Some(folder) = open.pop() {
        for entry in fs::read_dir(&folder).into_iter().flatten().flatten() {
            let path = entry.path();
            if path.is_dir() {
                open.push(path);
            } else if path.extension().is_some_and(|extension| extension == "json") {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

fn read_folder(folder: &Path) -> Design {
    let source = |path: PathBuf| Source {
        name: path.display().to_string(),
        bytes: fs::read(&path).expect("readable"),
    };
    read(files(folder).into_iter().map(source).collect())
}

/// The folders with one design each.
fn designs() -> Vec<PathBuf> {
    let shared = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../../shared");
    let shared = if shared.is_dir() {
        shared
    } else {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared")
    };
    let mut folders = Vec::new();
    for corpus in ["corpus/describe", "measured-aws", "peer-cases"] {
        let entries = fs::read_dir(shared.join(corpus)).into_iter().flatten().flatten();
        folders.extend(entries.map(|entry| entry.path()).filter(|path| path.is_dir()));
    }
    folders.sort();
    if folders.is_empty() {
        eprintln!("skipped: no dumps beside the repository");
    }
    folders
}

/// What only reading can find; an imitator's dump may hold what AWS would refuse.
const READING_CODES: [&str; 6] = [
    "bad-address",
    "bad-cidr",
    "bad-rule",
    "describe-item",
    "input-not-recognised",
    "json-syntax",
];

#[test]
fn every_dump_is_read_without_an_error() {
    for folder in designs() {
        if folder.ends_with("cartography-testdata") {
            continue;
        }
        let design = read_folder(&folder);
        let imitated = folder.to_string_lossy().contains("moto-");
        let errors = design
            .findings
            .iter()
            .filter(|finding| finding.severity == Severity::Error);
        let errors = errors.filter(|finding| !imitated || READING_CODES.contains(&finding.code));
        let errors: Vec<&str> = errors.map(|finding| finding.message.as_str()).collect();
        assert_eq!(errors, Vec::<&str>::new(), "{}", folder.display());
        assert!(!design.topology.vpcs.is_empty(), "{}", folder.display());
    }
}
