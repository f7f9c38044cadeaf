//! `vpcsim support`: what is modelled and what is not.

use vpcsim_report::support;

use crate::cli::PageFormat;
use crate::failure::{Failure, Status};
use crate::output::Terminal;

pub(super) fn run(format: PageFormat, terminal: &Terminal) -> Result<Status, Failure> {
    let page = match format {
        PageFormat::Text => support::render(terminal.style),
        PageFormat::Json => support::json(),
    };
    terminal.print(&page)?;
    Ok(Status::Good)
}
