//! `vpcsim explain`: codes in plain words.

use vpcsim_report::explain;

use crate::failure::{Failure, Status};
use crate::output::Terminal;

pub(super) fn run(code: Option<&str>, terminal: &Terminal) -> Result<Status, Failure> {
    let Some(code) = code else {
        terminal.print(&explain::list(terminal.style))?;
        return Ok(Status::Good);
    };
    let page = explain::render(code, terminal.style).map_err(|unknown| {
        let advice = match unknown.suggestions.as_slice() {
            [] => "`vpcsim explain` without a code lists all".to_owned(),
            alike => format!("did you mean {}?", alike.join(", ")),
        };
        Failure::input(format!("there is no code `{}`\nhelp: {advice}", unknown.code))
    })?;
    terminal.print(&page)?;
    Ok(Status::Good)
}
