//! `vpcsim schema`: the JSON Schema of the native format.

use crate::failure::{Failure, Status};
use crate::output::Terminal;

pub(super) fn run(terminal: &Terminal) -> Result<Status, Failure> {
    terminal.print(&format!("{:#}\n", vpcsim_import::schema()))?;
    Ok(Status::Good)
}
