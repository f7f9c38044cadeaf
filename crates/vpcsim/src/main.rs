//! The `vpcsim` command line.

mod cli;
mod commands;
mod configuration;
mod endpoint;
mod failure;
mod flow_file;
mod input;
mod output;
mod progress;
mod service;
mod side_by_side;
mod written_file;

use std::process::ExitCode;

use clap::Parser as _;

use crate::cli::Cli;
use crate::failure::{Failure, Status};
use crate::output::Terminal;

fn main() -> ExitCode {
    output::report_panics_as_our_bugs();
    let cli = Cli::parse();
    let terminal = Terminal::new(cli.color, cli.quiet);
    let outcome = std::panic::catch_unwind(|| commands::run(&cli.command, &terminal));
    ExitCode::from(status_of(outcome, &terminal) as u8)
}

/// How the program ends after a command that answered, failed or panicked.
fn status_of(outcome: std::thread::Result<Result<Status, Failure>>, terminal: &Terminal) -> Status {
    match outcome {
        Ok(Ok(status)) => status,
        Ok(Err(failure)) => failure.report(terminal),
        Err(_) => Status::Bug,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::output::ColorChoice;

    #[test]
    fn a_panic_ends_with_status_3_and_a_failure_with_its_own() {
        let terminal = Terminal::new(ColorChoice::Never, true);
        let panicked = status_of(Err(Box::new("a local invariant is broken")), &terminal);
        assert_eq!(panicked as u8, 3);
        assert_eq!(status_of(Ok(Err(Failure::Shown)), &terminal), Status::WrongInput);
        assert_eq!(status_of(Ok(Ok(Status::Bad)), &terminal), Status::Bad);
    }
}
