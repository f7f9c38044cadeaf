//! Bugs that were found, one file each in `tests/regressions/`: what happened, and the design and flow that showed it.

use std::fs;
use std::path::Path;

use crate::scenarios;

#[test]
fn no_bug_comes_back() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("regressions");
    let mut paths: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "md"));
    paths.sort();
    assert!(!paths.is_empty(), "bugs are kept");
    for path in paths {
        scenarios::check(&path);
    }
}
