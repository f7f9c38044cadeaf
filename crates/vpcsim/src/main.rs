//! The `vpcsim` command line.

mod cli;
mod commands;
mod endpoint;
mod failure;
mod flow_file;
mod input;
mod output;
mod progress;
mod written_file;

use std::process::ExitCode;

use clap::Parser as _;

use crate::cli::Cli;
use crate::failure::Status;
use crate::output::Terminal;

fn main() -> ExitCode {
    output::report_panics_as_our_bugs();
    let cli = Cli::parse();
    let terminal = Terminal::new(cli.color, cli.quiet);
    let outcome = std::panic::catch_unwind(|| commands::run(&cli.command, &terminal));
    let status = match outcome {
        Ok(Ok(status)) => status,
        Ok(Err(failure)) => failure.report(&terminal),
        Err(_) => Status::Bug,
    };
    ExitCode::from(status as u8)
}
