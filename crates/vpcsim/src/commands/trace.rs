//! `vpcsim trace`: one flow, or a file of flows.

use std::io::{self, Write as _};
use std::num::NonZero;
use std::sync::Arc;

use vpcsim_analysis::{
    Answer, Blocker, Capture, CaptureChoice, FlowQuery, Options, QuestionError, Simulation, Tracer, Way,
};
use vpcsim_aws::Findings;
use vpcsim_report::{json, network_insights, pcapng, trace_text};

use crate::cli::{AnswerFormat, TraceArguments};
use crate::failure::{Failure, Status};
use crate::flow_file::{self, FlowFile};
use crate::output::Terminal;
use crate::progress::Progress;
use crate::{input, side_by_side, written_file};

pub(super) fn run(arguments: &TraceArguments, terminal: &Terminal) -> Result<Status, Failure> {
    // Flows are read first: their errors cost less time than a large design.
    let flows = arguments
        .flows
        .as_deref()
        .map(|path| FlowFile::read(path, terminal))
        .transpose()?;
    let design = input::read_sound_design(&arguments.designs, terminal)?;
    let simulation = Simulation::new(Arc::new(design.topology));
    match flows {
        Some(flows) => many(arguments, &simulation, &flows, terminal),
        None => one(arguments, &simulation, terminal),
    }
}

fn one(arguments: &TraceArguments, simulation: &Simulation, terminal: &Terminal) -> Result<Status, Failure> {
    let query = query(arguments)?;
    if arguments.format == AnswerFormat::NetworkInsights {
        return one_analysis(arguments, simulation, &query, terminal);
    }
    let options = options(arguments);
    let (answer, capture) = simulation
        .trace(&query, &options)
        .map_err(|error| Failure::input(error.to_string()))?;
    write_capture(arguments, &capture)?;
    let blockers = simulation.blockers(&query, &answer).unwrap_or_default();
    let asked = json::Asked {
        query: &query,
        answer: &answer,
        blockers: &blockers,
    };
    let shown = page(arguments, simulation, asked, terminal)?;
    terminal.print(&shown)?;
    Ok(Status::of(answer.round_trip && !answer.unknown))
}

/// The answer as AWS's Reachability Analyzer prints it.
fn one_analysis(
    arguments: &TraceArguments,
    simulation: &Simulation,
    query: &FlowQuery,
    terminal: &Terminal,
) -> Result<Status, Failure> {
    let (way, capture) = simulation
        .way(query, &options(arguments))
        .map_err(|error| Failure::input(error.to_string()))?;
    write_capture(arguments, &capture)?;
    let asked = network_insights::Analysed {
        query,
        way: &way,
        is_one_of_many: false,
    };
    terminal.print(&network_insights::document(simulation.topology(), &[asked]))?;
    Ok(Status::of(way.is_found()))
}

fn options(arguments: &TraceArguments) -> Options {
    let capture = match arguments.pcap {
        Some(_) => CaptureChoice::Everywhere,
        None => CaptureChoice::Nothing,
    };
    Options {
        seed: arguments.seed,
        capture,
    }
}

fn write_capture(arguments: &TraceArguments, capture: &Capture) -> Result<(), Failure> {
    match &arguments.pcap {
        Some(path) => written_file::write(path, |sink| pcapng::write(capture, sink)),
        None => Ok(()),
    }
}

fn query(arguments: &TraceArguments) -> Result<FlowQuery, Failure> {
    let (Some(from), Some(to)) = (&arguments.from, &arguments.to) else {
        return Err(Failure::input(
            "say who sends with --from and who shall get it with --to",
        ));
    };
    Ok(FlowQuery {
        id: "1".to_owned(),
        source: from.clone(),
        src_ip: arguments.src_ip,
        bind: arguments.bind,
        dst: to.host.clone(),
        protocol: to.protocol.clone(),
        dst_port: to.port,
        ..FlowQuery::default()
    })
}

fn page(
    arguments: &TraceArguments,
    simulation: &Simulation,
    asked: json::Asked<'_>,
    terminal: &Terminal,
) -> Result<String, Failure> {
    Ok(match arguments.format {
        AnswerFormat::Text => {
            let trace = trace_text::render(asked.query, asked.answer, terminal.style);
            trace + &trace_text::render_blockers(asked.blockers, terminal.style)
        }
        AnswerFormat::Json => json::traces(&simulation.topology().name, arguments.seed, &[asked]),
        AnswerFormat::Jsonl | AnswerFormat::NetworkInsights => {
            let mut line = Vec::new();
            json::write_line(asked.answer, &mut line)?;
            String::from_utf8_lossy(&line).into_owned()
        }
    })
}

/// What became of one flow of many.
enum Told {
    Answer(Box<Answer>, Vec<Blocker>),
    /// Its way in ids.
    Way(Box<Way>),
}

/// What is kept of many flows until all are answered, for the formats that are one document.
#[derive(Default)]
struct Kept<'q> {
    answers: Vec<(&'q FlowQuery, Answer, Vec<Blocker>)>,
    ways: Vec<(&'q FlowQuery, Way)>,
}

impl<'q> Kept<'q> {
    /// Prints an answer unless it belongs into a document.
    fn take(
        &mut self,
        arguments: &TraceArguments,
        query: &'q FlowQuery,
        told: Told,
        show: impl FnOnce(&Answer) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        match told {
            Told::Answer(answer, blockers) if arguments.format == AnswerFormat::Json => {
                self.answers.push((query, *answer, blockers));
            }
            Told::Answer(answer, _) => show(&answer)?,
            Told::Way(way) => self.ways.push((query, *way)),
        }
        Ok(())
    }

    fn document(&self, arguments: &TraceArguments, simulation: &Simulation) -> Option<String> {
        let topology = simulation.topology();
        match arguments.format {
            AnswerFormat::Json => {
                let asked = self.answers.iter().map(|(query, answer, blockers)| json::Asked {
                    query,
                    answer,
                    blockers,
                });
                let asked: Vec<_> = asked.collect();
                Some(json::traces(&topology.name, arguments.seed, &asked))
            }
            AnswerFormat::NetworkInsights => {
                let asked = self.ways.iter().map(|(query, way)| network_insights::Analysed {
                    query,
                    way,
                    is_one_of_many: true,
                });
                Some(network_insights::document(topology, &asked.collect::<Vec<_>>()))
            }
            AnswerFormat::Text | AnswerFormat::Jsonl => None,
        }
    }
}

fn many(
    arguments: &TraceArguments,
    simulation: &Simulation,
    file: &FlowFile,
    terminal: &Terminal,
) -> Result<Status, Failure> {
    let mut progress = Progress::new(terminal);
    let mut findings = Findings::default();
    let mut kept = Kept::default();
    let thread_count = arguments
        .threads
        .map_or_else(side_by_side::thread_count, NonZero::get);
    let ask = || asker(arguments, simulation);
    side_by_side::answer_all(&file.flows, thread_count, ask, |index, told| {
        let (line, query) = &file.flows[index];
        let show = |answer: &Answer| stream(arguments.format, index, query, answer, terminal);
        match told {
            Ok(told) => kept.take(arguments, query, told, show)?,
            Err(error) => findings.push(flow_file::about_line("flow-question", *line, error.to_string())),
        }
        progress.advance(index + 1, file.flows.len());
        Ok::<(), Failure>(())
    })?;
    drop(progress);
    if let Some(document) = kept.document(arguments, simulation) {
        terminal.print(&document)?;
    }
    if findings.is_empty() {
        return Ok(Status::Good);
    }
    file.show(&findings, terminal);
    Err(Failure::Shown)
}

/// Asks one flow of a file after the other.
fn asker(
    arguments: &TraceArguments,
    simulation: &Simulation,
) -> impl FnMut(&(u32, FlowQuery)) -> Result<Told, QuestionError> {
    let options = options(arguments);
    let mut tracer = Tracer::new(simulation, &options);
    move |(_, query)| {
        if arguments.format == AnswerFormat::NetworkInsights {
            let (way, _) = simulation.way(query, &options)?;
            return Ok(Told::Way(Box::new(way)));
        }
        let (answer, _) = tracer.trace(query)?;
        let blockers = match arguments.format {
            AnswerFormat::Json => simulation.blockers(query, &answer).unwrap_or_default(),
            _ => Vec::new(),
        };
        Ok(Told::Answer(Box::new(answer), blockers))
    }
}

/// Prints an answer as soon as it is known.
fn stream(
    format: AnswerFormat,
    index: usize,
    query: &FlowQuery,
    answer: &Answer,
    terminal: &Terminal,
) -> Result<(), Failure> {
    if format == AnswerFormat::Text {
        let gap = if index > 0 { "\n" } else { "" };
        return terminal.print(&format!(
            "{gap}{}",
            trace_text::render(query, answer, terminal.style)
        ));
    }
    let mut stdout = io::BufWriter::new(io::stdout().lock());
    json::write_line(answer, &mut stdout)?;
    stdout.flush()?;
    Ok(())
}
