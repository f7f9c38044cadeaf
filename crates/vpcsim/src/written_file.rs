//! Files are written under another name and renamed in the end, so that none is ever half written.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use crate::failure::Failure;

/// How the names of unfinished files end.
const UNFINISHED: &str = ".unfinished";

/// Writes `path` with what `fill` writes. Devices and pipes are written directly: they cannot be replaced.
pub(crate) fn write(path: &Path, fill: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> Result<(), Failure> {
    try_write(path, fill).map_err(|error| Failure::file("write", path, &error))
}

fn try_write(path: &Path, fill: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> io::Result<()> {
    // A link keeps pointing to its file, which gets the new content.
    let target = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    if fs::metadata(&target).is_ok_and(|found| !found.is_file()) {
        return fill_file(File::options().write(true).open(&target)?, fill);
    }
    remove_leftovers(&target);
    let unfinished = unfinished_name(&target);
    let result = File::create(&unfinished)
        .and_then(|file| fill_file(file, fill))
        .and_then(|()| fs::rename(&unfinished, &target));
    if result.is_err() {
        // The first error is the one to tell.
        let _ = fs::remove_file(&unfinished);
    }
    result
}

fn fill_file(file: File, fill: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> io::Result<()> {
    let mut buffered = BufWriter::with_capacity(1 << 16, file);
    fill(&mut buffered)?;
    buffered.flush()
}

fn unfinished_name(target: &Path) -> PathBuf {
    let name = target.file_name().unwrap_or_default().to_string_lossy();
    target.with_file_name(format!(".{name}.{}{UNFINISHED}", std::process::id()))
}

/// Removes what commands left that were killed while they wrote this file; those that still run are known by their number.
fn remove_leftovers(target: &Path) {
    let name = target.file_name().unwrap_or_default().to_string_lossy();
    let (head, processes) = (format!(".{name}."), Path::new("/proc"));
    if !processes.join("self").exists() {
        return;
    }
    let folder = target.parent().filter(|folder| !folder.as_os_str().is_empty());
    let Ok(entries) = fs::read_dir(folder.unwrap_or(Path::new("."))) else {
        return;
    };
    for entry in entries.flatten() {
        let found = entry.file_name();
        let found = found.to_string_lossy();
        let process = found
            .strip_prefix(&head)
            .and_then(|rest| rest.strip_suffix(UNFINISHED));
        let is_over = |process: &str| process.parse::<u32>().is_ok() && !processes.join(process).exists();
        if process.is_some_and(is_over) {
            // Somebody else may have removed it at the same time.
            let _ = fs::remove_file(entry.path());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failed_write_leaves_the_old_file_and_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("capture.pcapng");
        write(&path, |sink| sink.write_all(b"old")).unwrap();
        let failed = write(&path, |sink| {
            sink.write_all(b"half")?;
            Err(io::Error::other("no more"))
        });
        assert!(failed.is_err());
        assert_eq!(fs::read(&path).unwrap(), b"old");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[cfg(unix)]
    #[test]
    fn a_link_stays_a_link() {
        let folder = tempfile::tempdir().unwrap();
        let (file, link) = (folder.path().join("file"), folder.path().join("link"));
        fs::write(&file, "old").unwrap();
        std::os::unix::fs::symlink(&file, &link).unwrap();
        write(&link, |sink| sink.write_all(b"new")).unwrap();
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        assert_eq!(fs::read(&file).unwrap(), b"new");
    }
}
