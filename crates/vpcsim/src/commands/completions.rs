//! `vpcsim completions`: scripts for shells.

use clap::CommandFactory as _;
use clap_complete::{Shell, generate};

use crate::cli::Cli;
use crate::failure::{Failure, Status};
use crate::output::Terminal;

pub(super) fn run(shell: Shell, terminal: &Terminal) -> Result<Status, Failure> {
    let mut script = Vec::new();
    generate(shell, &mut Cli::command(), "vpcsim", &mut script);
    terminal.print(&String::from_utf8_lossy(&script))?;
    Ok(Status::Good)
}
