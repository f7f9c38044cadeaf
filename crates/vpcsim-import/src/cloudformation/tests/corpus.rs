//! Templates that nobody here wrote.

#![expect(clippy::disallowed_methods, reason = "the corpus lies in files")]

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use super::outcome;
use crate::cloudformation::Options;

fn folder() -> Option<PathBuf> {
    let roots = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().skip(1);
    let mut candidates = roots.map(|root| root.join("shared/corpus/cloudformation"));
    candidates.find(|folder| folder.is_dir())
}

fn files_of(folder: &Path) -> Vec<(String, String)> {
    let mut paths: Vec<PathBuf> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.is_file())
        .collect();
    paths.sort();
    let read = |path: PathBuf| {
        let text = String::from_utf8_lossy(&std::fs::read(&path).unwrap()).into_owned();
        (path.file_name().unwrap().to_string_lossy().into_owned(), text)
    };
    paths.into_iter().map(read).collect()
}

#[test]
fn every_real_template_is_evaluated_or_refused_with_a_reason() {
    let Some(folder) = folder() else {
        println!("skipped: there is no corpus beside the repository");
        return;
    };
    let mut folders: Vec<PathBuf> = std::fs::read_dir(&folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.is_dir())
        .collect();
    folders.sort();
    let mut log = String::new();
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    let (mut evaluated, mut with_errors, mut declared) = (0, 0, 0);
    for folder in folders {
        let files = files_of(&folder);
        let is_cdk = files.iter().any(|(name, _)| name == "manifest.json");
        let groups: Vec<Vec<(String, String)>> = if is_cdk {
            vec![files]
        } else {
            files.into_iter().map(|file| vec![file]).collect()
        };
        for group in groups {
            let group: Vec<(&str, &str)> = group
                .iter()
                .map(|(name, text)| (name.as_str(), text.as_str()))
                .collect();
            let outcome = outcome(&group, &Options::default());
            evaluated += 1;
            declared += outcome.declared.len();
            let is_bad = outcome.messages().contains(" Error ");
            with_errors += usize::from(is_bad);
            for code in outcome.codes() {
                *counts.entry(code).or_default() += 1;
            }
            let name = folder.file_name().unwrap().to_string_lossy();
            write!(
                log,
                "== {name} {}: {}\n{}",
                group[0].0,
                outcome.declared.len(),
                outcome.messages()
            )
            .unwrap();
        }
    }
    println!("{log}\n{evaluated} evaluated, {with_errors} with errors, {declared} resources\n{counts:#?}");
    assert!(evaluated > 100 && declared > 3000, "{evaluated} {declared}");
}
