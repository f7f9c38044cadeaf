//! Reading designs: files, folders and standard input.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::fs;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use vpcsim_aws::Severity;
use vpcsim_import::{Design, Half, Options, Source};
use vpcsim_report::findings_text::{self, SourceFile, Tally};

use crate::cli::Designs;
use crate::configuration;
use crate::failure::{Failure, words};
use crate::output::Terminal;

/// What standard input is called in messages.
pub(crate) const STDIN_NAME: &str = "<stdin>";

/// What `vpcsim run` writes, which may lie beside the design.
const OUR_OWN_OUTPUT: &str = "reachability.json";

/// The endings of the files that are read from a folder.
const DESIGN_EXTENSIONS: [&str; 5] = ["json", "template", "tfstate", "yaml", "yml"];

/// Reads and merges the designs, whatever their findings are.
pub(crate) fn read_design(designs: &Designs) -> Result<Design, Failure> {
    let options = Options {
        half: if designs.before { Half::Before } else { Half::After },
        strict: designs.reading.strict,
        parameters: designs.reading.parameters.clone(),
        region: designs.reading.region.clone().unwrap_or_default(),
        configuration: match &designs.reading.config_dir {
            Some(folder) => configuration::read(folder)?,
            None => Vec::new(),
        },
    };
    Ok(vpcsim_import::read_with(read_sources(&designs.paths)?, &options))
}

/// Reads a design that shall be simulated: errors in it are shown and end the command; of warnings the number is told.
pub(crate) fn read_sound_design(designs: &Designs, terminal: &Terminal) -> Result<Design, Failure> {
    let design = read_design(designs)?;
    let paths = &designs.paths;
    if design.findings.has_errors() {
        let mut errors = vpcsim_aws::Findings::default();
        for finding in design
            .findings
            .iter()
            .filter(|finding| finding.severity == Severity::Error)
        {
            errors.push(finding.clone());
        }
        let style = terminal.error_style();
        terminal.complain(&findings_text::render(&errors, &source_files(&design), style));
        terminal.complain(&findings_text::summary(&names(paths), &design.findings, style));
        return Err(Failure::Shown);
    }
    if !design.findings.is_empty() {
        let counts = Tally::of(&design.findings).words();
        terminal.note(&format!("{}: {counts}; `vpcsim check` shows them", names(paths)));
    }
    Ok(design)
}

/// The designs as the user wrote them.
pub(crate) fn names(paths: &[PathBuf]) -> String {
    let names: Vec<_> = paths.iter().map(|path| path.display().to_string()).collect();
    names.join(", ")
}

/// The texts, to quote from.
pub(crate) fn source_files(design: &Design) -> Vec<SourceFile<'_>> {
    let files = design.sources.iter().map(|source| SourceFile {
        name: &source.name,
        text: &source.text,
    });
    files.collect()
}

/// Reads standard input or a file.
pub(crate) fn read_bytes(path: &Path) -> Result<Vec<u8>, Failure> {
    try_read_bytes(path).map_err(|error| Failure::file("read", path, &error))
}

/// The name of standard input or a file in messages.
pub(crate) fn name_of(path: &Path) -> String {
    if is_stdin(path) {
        STDIN_NAME.to_owned()
    } else {
        path.display().to_string()
    }
}

fn is_stdin(path: &Path) -> bool {
    path == Path::new("-")
}

fn try_read_bytes(path: &Path) -> io::Result<Vec<u8>> {
    if is_stdin(path) {
        let mut bytes = Vec::new();
        io::stdin().lock().read_to_end(&mut bytes)?;
        return Ok(bytes);
    }
    fs::read(path)
}

/// All files, those of folders in the order of their paths. Whatever cannot be read is told at once.
fn read_sources(paths: &[PathBuf]) -> Result<Vec<Source>, Failure> {
    let mut complaints = Vec::new();
    let mut files = Vec::new();
    let mut seen = BTreeSet::new();
    for path in paths {
        if !is_stdin(path) && path.is_dir() {
            let before = files.len();
            collect(path, &mut seen, &mut files, &mut complaints);
            if files.len() == before && complaints.is_empty() {
                let endings = DESIGN_EXTENSIONS.join(", .");
                complaints.push(format!(
                    "no design in {}: no file there ends in .{endings}",
                    path.display()
                ));
            }
        } else {
            files.push(path.clone());
        }
    }
    let mut sources = Vec::new();
    for path in &files {
        match try_read_bytes(path) {
            Ok(bytes) => sources.push(Source {
                name: name_of(path),
                bytes,
            }),
            Err(error) => complaints.push(format!("cannot read {}: {}", path.display(), words(&error))),
        }
    }
    if complaints.is_empty() {
        Ok(sources)
    } else {
        Err(Failure::Input(complaints))
    }
}

/// Adds the designs of a folder and the folders in it. Hidden ones are left out; a folder that links lead to twice is
/// read once.
fn collect(
    folder: &Path,
    seen: &mut BTreeSet<PathBuf>,
    files: &mut Vec<PathBuf>,
    complaints: &mut Vec<String>,
) {
    if !seen.insert(fs::canonicalize(folder).unwrap_or_else(|_| folder.to_owned())) {
        return;
    }
    let entries = fs::read_dir(folder).and_then(|entries| {
        let paths = entries.map(|entry| entry.map(|entry| entry.path()));
        paths.collect::<io::Result<Vec<_>>>()
    });
    let mut entries = match entries {
        Ok(entries) => entries,
        Err(error) => {
            complaints.push(format!("cannot read {}: {}", folder.display(), words(&error)));
            return;
        }
    };
    entries.sort();
    for path in entries {
        let is_hidden = path
            .file_name()
            .is_some_and(|name| name.to_string_lossy().starts_with('.'));
        if is_hidden {
            continue;
        }
        if path.is_dir() {
            collect(&path, seen, files, complaints);
        } else if is_design(&path) {
            files.push(path);
        }
    }
}

fn is_design(path: &Path) -> bool {
    if path.file_name() == Some(OsStr::new(OUR_OWN_OUTPUT)) {
        return false;
    }
    let extension = path
        .extension()
        .and_then(OsStr::to_str)
        .map(str::to_ascii_lowercase);
    extension.is_some_and(|extension| DESIGN_EXTENSIONS.contains(&extension.as_str()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_are_read_in_order_with_hidden_and_foreign_files_left_out() {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str| {
            let path = folder.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "x").unwrap();
        };
        for name in [
            "b.yaml",
            "a/z.JSON",
            ".git/c.yaml",
            "readme.md",
            "a/flows.jsonl",
            "reachability.json",
        ] {
            write(name);
        }
        let sources = read_sources(&[folder.path().to_owned()]).unwrap();
        let names: Vec<_> = sources
            .iter()
            .map(|source| source.name.rsplit('/').next().unwrap())
            .collect();
        assert_eq!(names, ["z.JSON", "b.yaml"]);
    }

    #[test]
    fn everything_that_cannot_be_read_is_told_at_once() {
        let folder = tempfile::tempdir().unwrap();
        let missing = |name: &str| folder.path().join(name);
        let failure = read_sources(&[missing("one.yaml"), missing("two.yaml"), folder.path().to_owned()]);
        let Err(Failure::Input(complaints)) = failure else {
            panic!("{failure:?}");
        };
        assert_eq!(complaints.len(), 3, "{complaints:?}");
        assert!(
            complaints
                .iter()
                .any(|complaint| complaint.contains("no such file or directory"))
        );
    }

    #[cfg(unix)]
    #[test]
    fn links_in_a_circle_come_to_an_end() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("a.yaml"), "x").unwrap();
        std::os::unix::fs::symlink(folder.path(), folder.path().join("again")).unwrap();
        assert_eq!(read_sources(&[folder.path().to_owned()]).unwrap().len(), 1);
    }
}
