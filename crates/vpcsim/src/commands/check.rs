//! `vpcsim check`: what is wrong or surprising in a design.

use std::sync::Arc;

use vpcsim_analysis::Simulation;
use vpcsim_report::faces::findings;
use vpcsim_report::{findings_text, json};

use crate::cli::{CheckArguments, FindingsFormat};
use crate::failure::{Failure, Status};
use crate::input;
use crate::output::Terminal;

pub(super) fn run(arguments: &CheckArguments, terminal: &Terminal) -> Result<Status, Failure> {
    let mut design = input::read_design(&arguments.designs)?;
    if !design.findings.has_errors() {
        let simulation = Simulation::new(Arc::new(design.topology.clone()));
        let more = simulation.one_way_paths(&design.findings);
        design.findings.extend(more);
        design.findings.sort();
    }
    let sources = input::source_files(&design);
    let page = match arguments.format {
        FindingsFormat::Sarif => findings::sarif(&design.findings, &sources),
        FindingsFormat::Github => findings::github(&design.findings, &sources),
        FindingsFormat::Json => json::findings(&design.findings, &sources),
        FindingsFormat::Text => {
            let names = input::names(&arguments.designs.paths);
            findings_text::render(&design.findings, &sources, terminal.style)
                + &findings_text::summary(&names, &design.findings, terminal.style)
        }
    };
    terminal.print(&page)?;
    if !design.is_readable() {
        return Ok(Status::WrongInput);
    }
    Ok(Status::of(!design.findings.has_errors()))
}
