//! Data that lies beside the repository: networks that nobody here wrote. Where it is absent, tests say so and pass.

use std::path::{Path, PathBuf};

use vpcsim_import::Source;

/// The folder of this name under `shared`, if it is there; says so otherwise.
pub(crate) fn folder(name: &str) -> Option<PathBuf> {
    let roots = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().skip(1);
    let mut candidates = roots.map(|root| root.join("shared").join(name));
    let found = candidates.find(|folder| folder.is_dir());
    if found.is_none() {
        println!("skipped: there is no {name} beside the repository");
    }
    found
}

/// Every file of a folder and the folders in it, in the order of their names.
pub(crate) fn sources(folder: &Path) -> Vec<Source> {
    let mut entries: Vec<PathBuf> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    entries.sort();
    let sources_of = |path: PathBuf| {
        if path.is_dir() {
            return sources(&path);
        }
        let bytes = std::fs::read(&path).unwrap();
        vec![Source {
            name: path.display().to_string(),
            bytes,
        }]
    };
    entries.into_iter().flat_map(sources_of).collect()
}
