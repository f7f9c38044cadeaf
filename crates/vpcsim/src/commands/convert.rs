//! `vpcsim convert`: any design in the native format.

use crate::cli::ConvertArguments;
use crate::failure::{Failure, Status};
use crate::output::Terminal;
use crate::{input, written_file};

pub(super) fn run(arguments: &ConvertArguments, terminal: &Terminal) -> Result<Status, Failure> {
    let design = input::read_sound_design(&arguments.designs, terminal)?;
    let text = vpcsim_import::write_native(&design.topology);
    match &arguments.output {
        Some(path) => written_file::write(path, |sink| sink.write_all(text.as_bytes()))?,
        None => terminal.print(&text)?,
    }
    Ok(Status::Good)
}
