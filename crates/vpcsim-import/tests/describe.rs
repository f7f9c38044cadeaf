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

#[test]
fn every_dump_is_read_without_an_error() {
    for folder in designs() {
        let design = read_folder(&folder);
        let shown = |severity| {
            let of = design
                .findings
                .iter()
                .filter(move |finding| finding.severity == severity);
            of.map(|finding| {
                format!(
                    "{}:{} {}",
                    finding.origin.file, finding.origin.line, finding.message
                )
            })
            .collect::<Vec<_>>()
        };
        eprintln!(
            "{}: {} vpcs {} enis {} inst",
            folder.display(),
            design.topology.vpcs.len(),
            design.topology.network_interfaces.len(),
            design.topology.instances.len()
        );
        eprintln!("{:?} {:?}", shown(Severity::Warning), shown(Severity::Note));
        for u in &design.topology.unread {
            eprintln!("   unread {} {} {:?} {}", u.noun, u.name, u.addresses, u.effect);
        }
        if !folder.ends_with("cartography-testdata") {
            assert_eq!(
                shown(Severity::Error),
                Vec::<String>::new(),
                "{}",
                folder.display()
            );
        }
    }
}
