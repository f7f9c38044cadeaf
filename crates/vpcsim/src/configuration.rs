//! Reading the configuration of a Terraform plan: its `.tf` files, and where `terraform init` has put its modules.

use std::fs;
use std::path::Path;

use crate::failure::{Failure, words};

/// The file in which Terraform lists the folders of modules.
const MODULES: &str = ".terraform/modules/modules.json";

/// How deep folders are looked through.
const DEPTH_MAX: usize = 16;

/// Every `.tf` file of the folder and the folders in it, and the list of modules, by their paths from the folder.
pub(crate) fn read(folder: &Path) -> Result<Vec<(String, String)>, Failure> {
    let mut files = Vec::new();
    let mut complaints = Vec::new();
    if let Ok(modules) = fs::read_to_string(folder.join(MODULES)) {
        files.push((MODULES.to_owned(), modules));
    }
    collect(folder, folder, 0, &mut files, &mut complaints);
    if complaints.is_empty() && files.iter().all(|(name, _)| name == MODULES) {
        complaints.push(format!(
            "no configuration in {}: no file there ends in .tf",
            folder.display()
        ));
    }
    if complaints.is_empty() {
        Ok(files)
    } else {
        Err(Failure::Input(complaints))
    }
}

fn collect(
    root: &Path,
    folder: &Path,
    depth: usize,
    files: &mut Vec<(String, String)>,
    complaints: &mut Vec<String>,
) {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) => {
            complaints.push(format!("cannot read {}: {}", folder.display(), words(&error)));
            return;
        }
    };
    let mut paths: Vec<_> = entries
        .filter_map(|entry| entry.ok().map(|entry| entry.path()))
        .collect();
    paths.sort();
    for path in paths {
        if path.is_dir() && depth < DEPTH_MAX {
            collect(root, &path, depth + 1, files, complaints);
        } else if path.extension().is_some_and(|ending| ending == "tf") {
            match fs::read_to_string(&path) {
                Ok(text) => {
                    let name = path.strip_prefix(root).unwrap_or(&path);
                    files.push((name.display().to_string(), text));
                }
                Err(error) => complaints.push(format!("cannot read {}: {}", path.display(), words(&error))),
            }
        }
    }
}
