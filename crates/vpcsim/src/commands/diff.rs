//! `vpcsim diff`: what a change opens and closes.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use vpcsim_analysis::Simulation;
use vpcsim_analysis::reach::{Answered, Change, difference};
use vpcsim_aws::{Finding, Findings, Origin, Topology};
use vpcsim_import::Design;
use vpcsim_report::exact::DiffDocument;
use vpcsim_report::findings_text;

use super::reach::{Ends, print_difference, question};
use super::saved;
use crate::cli::{Designs, DiffArguments};
use crate::failure::{Failure, Status};
use crate::input;
use crate::output::Terminal;

pub(super) fn run(arguments: &DiffArguments, terminal: &Terminal) -> Result<Status, Failure> {
    if let Some(compared) = saved::diff(arguments, terminal) {
        return compared;
    }
    let (old, new) = match &arguments.new {
        Some(new) => (
            read(arguments, &arguments.old, false, terminal)?,
            read(arguments, new, false, terminal)?,
        ),
        None => (
            read(arguments, &arguments.old, true, terminal)?,
            read(arguments, &arguments.old, false, terminal)?,
        ),
    };
    check_accounts(&old, &new, terminal)?;
    let names = match &arguments.new {
        Some(new) => [shown(&arguments.old), shown(new)],
        None => ["before".to_owned(), "after".to_owned()],
    };
    let (old, new) = (
        Simulation::new(Arc::new(old.topology)),
        Simulation::new(Arc::new(new.topology)),
    );
    let asked = question(&arguments.flows);
    let (was, is) = (old.reach(&asked), new.reach(&asked));
    let mut changes = difference(
        Answered {
            topology: old.topology(),
            found: &was,
        },
        Answered {
            topology: new.topology(),
            found: &is,
        },
    );
    let ends = [
        Ends::of(&old, &was, &arguments.flows),
        Ends::of(&new, &is, &arguments.flows),
    ];
    let ends = match ends {
        [Err(_), Err(failure)] => return Err(failure),
        ends => ends.map(Result::ok),
    };
    keep_asked(&mut changes, &ends);
    let document = DiffDocument::new(&names[0], &names[1], changes);
    print_difference(&document, arguments, terminal)
}

fn shown(path: &Path) -> String {
    path.display().to_string()
}

fn read(
    arguments: &DiffArguments,
    path: &Path,
    before: bool,
    terminal: &Terminal,
) -> Result<Design, Failure> {
    let paths: Vec<PathBuf> = std::iter::once(path.to_owned())
        .chain(arguments.with.iter().cloned())
        .collect();
    let designs = Designs {
        paths,
        before,
        reading: arguments.reading.clone(),
    };
    input::read_sound_design(&designs, terminal)
}

/// Two designs of different accounts have nothing to compare.
fn check_accounts(old: &Design, new: &Design, terminal: &Terminal) -> Result<(), Failure> {
    let (one, other) = (accounts(&old.topology), accounts(&new.topology));
    let is_known = !one.is_empty() && !other.is_empty() && !one.iter().chain(&other).any(String::is_empty);
    if !is_known || one.iter().any(|account| other.contains(account)) {
        return Ok(());
    }
    let first = new.topology.vpcs.iter().next();
    let origin = first.map_or(Origin::NOWHERE, |(_, vpc)| vpc.label.origin);
    let message = format!(
        "the designs are of different accounts, {} and {}: every flow would count as closed and another as opened",
        one.join(", "),
        other.join(", ")
    );
    let mut findings = Findings::default();
    findings.push(
        Finding::error("different-accounts", origin, message).help("compare two states of one account"),
    );
    let style = terminal.error_style();
    terminal.complain(&findings_text::render(
        &findings,
        &input::source_files(new),
        style,
    ));
    Err(Failure::Shown)
}

fn accounts(topology: &Topology) -> Vec<String> {
    let mut accounts: Vec<String> = topology.vpcs.iter().map(|(_, vpc)| vpc.account.clone()).collect();
    accounts.sort_unstable();
    accounts.dedup();
    accounts
}

/// Drops the changes that nobody asked about.
fn keep_asked(changes: &mut Vec<Change>, ends: &[Option<Ends>; 2]) {
    let mut allowed: [Option<Vec<String>>; 2] = [None, None];
    for ends in ends.iter().flatten() {
        for (list, names) in allowed.iter_mut().zip(ends.names()) {
            if let Some(names) = names {
                list.get_or_insert_with(Vec::new).extend(names);
            }
        }
    }
    let [from, to] = allowed;
    let is_asked = |names: &mut Vec<String>, allowed: &Option<Vec<String>>| {
        let Some(allowed) = allowed else { return true };
        let is_internet =
            |name: &String| name.starts_with("internet ") && allowed.iter().any(|name| name == "internet");
        names.retain(|name| {
            is_internet(name)
                || allowed
                    .iter()
                    .any(|one| name == one || name.starts_with(&format!("{one} (")))
        });
        !names.is_empty()
    };
    changes.retain_mut(|change| is_asked(&mut change.from, &from) && is_asked(&mut change.to, &to));
}
