//! The designs that the repository brings along, for all tests.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use vpcsim_analysis::Simulation;
use vpcsim_import::{Source, read};

/// The files in `topologies/`, in the order of their names.
pub(crate) fn all() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../topologies");
    let mut files: Vec<PathBuf> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "yaml"))
        .collect();
    files.sort();
    assert!(!files.is_empty(), "the repository brings designs along");
    files
}

/// A design, ready to run.
pub(crate) fn simulation(path: &Path) -> Simulation {
    let source = Source {
        name: path.display().to_string(),
        bytes: std::fs::read(path).unwrap(),
    };
    let design = read(vec![source]);
    let findings: Vec<_> = design.findings.iter().map(|finding| &finding.message).collect();
    assert!(!design.findings.has_errors(), "{}: {findings:#?}", path.display());
    Simulation::new(Arc::new(design.topology))
}
