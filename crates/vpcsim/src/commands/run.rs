//! `vpcsim run`: all probes of a design as real packets.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use vpcsim_analysis::{Capture, CaptureChoice, Options, Recorder, RunReport, Simulation};
use vpcsim_report::style::counted;
use vpcsim_report::{json, pcapng, run_text};

use crate::cli::{PageFormat, RunArguments};
use crate::failure::{Failure, Status};
use crate::output::Terminal;
use crate::progress::Progress;
use crate::{input, written_file};

pub(super) fn run(arguments: &RunArguments, terminal: &Terminal) -> Result<Status, Failure> {
    let design = input::read_sound_design(&arguments.designs, terminal)?;
    fs::create_dir_all(&arguments.out)
        .map_err(|error| Failure::file("make the folder", &arguments.out, &error))?;
    let simulation = Simulation::new(Arc::new(design.topology));
    let options = options(arguments, &simulation)?;
    let mut progress = Progress::new(terminal);
    let report = simulation.run(&options, &mut |done, total| progress.advance(done, total));
    drop(progress);

    let document = json::reachability(simulation.topology(), arguments.seed, &report);
    let written = write_files(arguments, &report.capture, &document)?;
    terminal.print(&match arguments.format {
        PageFormat::Text => run_text::render(&report, arguments.allow_unknown, terminal.style),
        PageFormat::Json => document,
    })?;
    terminal.note(&format!("wrote {}", written.join(" and ")));
    Ok(status(&report, arguments.allow_unknown, terminal))
}

fn options(arguments: &RunArguments, simulation: &Simulation) -> Result<Options, Failure> {
    let capture = if arguments.no_capture {
        CaptureChoice::Nothing
    } else if arguments.capture_at.is_empty() {
        CaptureChoice::Everywhere
    } else {
        check_capture_points(&arguments.capture_at, simulation)?;
        CaptureChoice::At(arguments.capture_at.clone())
    };
    Ok(Options {
        seed: arguments.seed,
        capture,
    })
}

/// A name that captures nothing is a slip of the pen.
fn check_capture_points(names: &[String], simulation: &Simulation) -> Result<(), Failure> {
    let points = &simulation.compiled().capture_points;
    let known = || {
        points
            .iter()
            .map(|point| point.name(simulation.topology()))
            .collect::<Vec<_>>()
            .join(", ")
    };
    let wrong: Vec<String> = names
        .iter()
        .filter(|name| captures_nothing(name, simulation))
        .map(|name| format!("there is no capture point `{name}`\nhelp: there are {}", known()))
        .collect();
    if wrong.is_empty() {
        Ok(())
    } else {
        Err(Failure::Input(wrong))
    }
}

fn captures_nothing(name: &str, simulation: &Simulation) -> bool {
    let choice = CaptureChoice::At(vec![name.to_owned()]);
    let (interfaces, _) = Recorder::new(simulation.compiled(), &choice).take_capture();
    interfaces.is_empty()
}

/// Writes the capture and the answers, and says what was written.
fn write_files(arguments: &RunArguments, capture: &Capture, document: &str) -> Result<Vec<String>, Failure> {
    let mut written = Vec::new();
    if !arguments.no_capture {
        let path = capture_path(arguments);
        written_file::write(&path, |sink| pcapng::write(capture, sink))?;
        let frames = counted(capture.records.len(), "frame");
        let points = counted(capture.interfaces.len(), "capture point");
        written.push(format!("{} ({frames} at {points})", path.display()));
    }
    let path = arguments.out.join("reachability.json");
    written_file::write(&path, |sink| sink.write_all(document.as_bytes()))?;
    written.push(shown(&path));
    Ok(written)
}

fn capture_path(arguments: &RunArguments) -> PathBuf {
    let default = || arguments.out.join("capture.pcapng");
    arguments.pcap.clone().unwrap_or_else(default)
}

fn shown(path: &Path) -> String {
    path.display().to_string()
}

fn status(report: &RunReport, allow_unknown: bool, terminal: &Terminal) -> Status {
    if !report.balanced {
        terminal
            .error("this is a bug of vpcsim: some packets are neither delivered nor dropped nor under way");
        return Status::Bug;
    }
    Status::of(report.passed(allow_unknown))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::output::ColorChoice;

    #[test]
    fn packets_that_nobody_accounts_for_are_a_bug() {
        let terminal = Terminal::new(ColorChoice::Never, true);
        let mut report = RunReport::default();
        assert_eq!(status(&report, false, &terminal), Status::Bug);
        report.balanced = true;
        assert_eq!(status(&report, false, &terminal), Status::Good);
    }
}
