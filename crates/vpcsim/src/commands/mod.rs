//! One file for each command.

mod check;
mod completions;
mod convert;
mod diff;
mod explain;
mod reach;
mod run;
mod saved;
mod schema;
mod support;
mod test;
mod trace;

use crate::cli::Command;
use crate::failure::{Failure, Status};
use crate::output::Terminal;

/// Runs a command.
pub(crate) fn run(command: &Command, terminal: &Terminal) -> Result<Status, Failure> {
    match command {
        Command::Run(arguments) => run::run(arguments, terminal),
        Command::Trace(arguments) => trace::run(arguments, terminal),
        Command::Test(arguments) => test::run(arguments, terminal),
        Command::Reach(arguments) => reach::run(arguments, terminal),
        Command::Diff(arguments) => diff::run(arguments, terminal),
        Command::Check(arguments) => check::run(arguments, terminal),
        Command::Convert(arguments) => convert::run(arguments, terminal),
        Command::Explain { code } => explain::run(code.as_deref(), terminal),
        Command::Support { format } => support::run(*format, terminal),
        Command::Schema { of } => schema::run(*of, terminal),
        Command::Completions { shell } => completions::run(*shell, terminal),
    }
}
