//! Answers that `vpcsim reach --format json` saved, in the place of designs.

use std::fs::File;
use std::io::Read as _;
use std::path::Path;

use vpcsim_aws::traffic::Traffic;
use vpcsim_report::exact::saved::{is_saved, parse};
use vpcsim_report::exact::{DiffDocument, ReachDocument};

use super::reach::{print_difference, print_document};
use crate::cli::{DiffArguments, Flows, ReachArguments};
use crate::failure::{Failure, Status};
use crate::input;
use crate::output::Terminal;

/// So much of a file tells what it is.
const HEAD_LEN: u64 = 2048;

/// Whether a file is a saved document. What cannot be read is not: reading it as a design tells why.
fn is_document(path: &Path) -> bool {
    let mut head = Vec::new();
    let read = File::open(path).and_then(|file| file.take(HEAD_LEN).read_to_end(&mut head));
    read.is_ok() && is_saved(&String::from_utf8_lossy(&head))
}

fn read(path: &Path) -> Result<ReachDocument, Failure> {
    let bytes = input::read_bytes(path)?;
    parse(&String::from_utf8_lossy(&bytes))
        .map_err(|error| Failure::input(format!("{}:{error}", path.display())))
}

/// Answers from a saved document; `None` if the designs are none.
pub(super) fn reach(arguments: &ReachArguments, terminal: &Terminal) -> Option<Result<Status, Failure>> {
    let paths = &arguments.designs.paths;
    let saved = paths.iter().find(|path| is_document(path))?;
    Some(answer(arguments, saved, terminal))
}

fn answer(arguments: &ReachArguments, saved: &Path, terminal: &Terminal) -> Result<Status, Failure> {
    let name = saved.display();
    let mut wrong = Vec::new();
    if arguments.designs.paths.len() > 1 {
        wrong.push(format!(
            "{name} holds saved answers, which are asked alone: leave out the other designs"
        ));
    }
    if arguments.verify.is_some() {
        wrong.push(format!(
            "{name} holds saved answers, which packets cannot prove: `--verify` needs the design"
        ));
    }
    let document = read(saved)?;
    wrong.extend(regrouped(&arguments.flows, &document, saved));
    if !wrong.is_empty() {
        return Err(Failure::Input(wrong));
    }
    let part = about(&document, &arguments.flows)?;
    print_document(&part, arguments.format, arguments.output.as_ref(), terminal)?;
    Ok(Status::Good)
}

/// Why a document cannot be shown as the options say.
fn regrouped(flows: &Flows, document: &ReachDocument, path: &Path) -> Option<String> {
    let asked = flows
        .by
        .map(super::reach::by_of)
        .filter(|by| *by != document.by)?;
    Some(format!(
        "{} is grouped by {}: `--by {}` needs the design",
        path.display(),
        document.by.word(),
        asked.word()
    ))
}

fn about(document: &ReachDocument, flows: &Flows) -> Result<ReachDocument, Failure> {
    let services: Vec<Traffic> = flows.service.iter().map(|service| service.0).collect();
    document
        .about(&flows.from, &flows.to, &services)
        .map_err(Failure::Input)
}

/// What is different in another document; `None` if neither is one.
pub(super) fn diff(arguments: &DiffArguments, terminal: &Terminal) -> Option<Result<Status, Failure>> {
    let paths = std::iter::once(&arguments.old).chain(&arguments.new);
    let documents: Vec<bool> = paths.map(|path| is_document(path)).collect();
    documents
        .contains(&true)
        .then(|| compare(arguments, &documents, terminal))
}

fn compare(
    arguments: &DiffArguments,
    are_documents: &[bool],
    terminal: &Terminal,
) -> Result<Status, Failure> {
    let (Some(new), [true, true]) = (&arguments.new, are_documents) else {
        return Err(Failure::input(
            "saved answers are compared with saved answers: give two documents of `vpcsim reach --format json`, or two designs",
        ));
    };
    if !arguments.with.is_empty() {
        return Err(Failure::input("saved answers stand alone: leave out `--with`"));
    }
    let documents = [read(&arguments.old)?, read(new)?];
    let changes = documents[0].changes_in(&documents[1]).map_err(Failure::input)?;
    let names = [&arguments.old, new].map(|path| path.display().to_string());
    let document = DiffDocument::new(&names[0], &names[1], changes);
    print_difference(&document, arguments, terminal)
}
