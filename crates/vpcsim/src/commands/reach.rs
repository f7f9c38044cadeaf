//! `vpcsim reach`: who can reach whom, exactly.

use std::path::PathBuf;
use std::sync::Arc;

use vpcsim_analysis::reach::{By, InternetRow, ReachQuestion, Reachability, Scope, Selection, select};
use vpcsim_analysis::{Options, Simulation};
use vpcsim_aws::traffic::Traffic;
use vpcsim_report::exact::saved::ALL_SERVICES;
use vpcsim_report::exact::{self, Asked, DiffDocument, ReachDocument, VerificationLine};

use super::saved;
use crate::cli::{DiffArguments, Flows, Grouping, ReachArguments, TableFormat};
use crate::failure::{Failure, Status};
use crate::output::Terminal;
use crate::{input, written_file};

/// Up to this many interfaces each is shown by itself unless a grouping is asked for.
const SHOWN_EACH_MAX: usize = 30;
/// Of so many rows the way is shown.
const PATHS_MAX: usize = 200;

pub(super) fn run(arguments: &ReachArguments, terminal: &Terminal) -> Result<Status, Failure> {
    if let Some(answered) = saved::reach(arguments, terminal) {
        return answered;
    }
    let design = input::read_sound_design(&arguments.designs, terminal)?;
    let simulation = Simulation::new(Arc::new(design.topology));
    let found = simulation.reach(&question(&arguments.flows));
    let ends = Ends::of(&simulation, &found, &arguments.flows)?;
    let mut document = document(&simulation, &found, &ends, &arguments.flows);
    add_paths(&simulation, &mut document.exposure);
    let mut status = Status::Good;
    if let Some(limit) = arguments.verify {
        let verification = simulation.verify(&found, (limit > 0).then_some(limit), arguments.seed);
        status = Status::of(verification.disagreements.is_empty());
        document.verification = Some(VerificationLine::from(&verification));
    }
    print_document(&document, arguments.format, arguments.output.as_ref(), terminal)?;
    Ok(status)
}

/// Prints or writes answers.
pub(super) fn print_document(
    document: &ReachDocument,
    format: TableFormat,
    output: Option<&PathBuf>,
    terminal: &Terminal,
) -> Result<(), Failure> {
    let page = match format {
        TableFormat::Text => exact::render(document, terminal.style),
        TableFormat::Json => exact::json(document),
        TableFormat::Csv => exact::csv(document),
        TableFormat::Markdown => exact::markdown(document),
    };
    give(&page, output, terminal)
}

/// Prints or writes what is different; the status says whether anything is.
pub(super) fn print_difference(
    document: &DiffDocument,
    arguments: &DiffArguments,
    terminal: &Terminal,
) -> Result<Status, Failure> {
    let page = match arguments.format {
        TableFormat::Text => document.text(terminal.style),
        TableFormat::Json => document.json(),
        TableFormat::Csv => document.csv(),
        TableFormat::Markdown => document.markdown(),
    };
    give(&page, arguments.output.as_ref(), terminal)?;
    Ok(Status::of(document.changes.is_empty()))
}

/// To the file, or to standard output.
pub(super) fn give(page: &str, output: Option<&PathBuf>, terminal: &Terminal) -> Result<(), Failure> {
    let Some(path) = output else {
        return terminal.print(page);
    };
    written_file::write(path, |sink| sink.write_all(page.as_bytes()))?;
    terminal.note(&format!("wrote {}", path.display()));
    Ok(())
}

/// What the options ask.
pub(super) fn question(flows: &Flows) -> ReachQuestion {
    let services: Vec<Traffic> = flows.service.iter().map(|service| service.0).collect();
    let services = if services.is_empty() {
        vec![Traffic::All]
    } else {
        services
    };
    let is_only_internet =
        |ends: &[String]| !ends.is_empty() && ends.iter().all(|end| end.eq_ignore_ascii_case("internet"));
    let mentions_internet = flows
        .from
        .iter()
        .chain(&flows.to)
        .any(|end| end.eq_ignore_ascii_case("internet"));
    ReachQuestion {
        inside: !is_only_internet(&flows.from) && !is_only_internet(&flows.to),
        internet: mentions_internet || flows.from.is_empty() || flows.to.is_empty(),
        ..ReachQuestion::about(&services, flows.client_ports.0)
    }
}

/// Between whom.
pub(super) struct Ends {
    scope: Scope,
    from_internet: bool,
    to_internet: bool,
    names: [Option<Vec<String>>; 2],
}

impl Ends {
    pub(super) fn of(simulation: &Simulation, found: &Reachability, flows: &Flows) -> Result<Self, Failure> {
        let mut wrong = Vec::new();
        let mut meant = |texts: &[String], is_sender: bool| {
            let mut internet = texts.is_empty();
            let mut endpoints = Vec::new();
            for text in texts {
                match select(simulation.topology(), &found.endpoints, text) {
                    Ok(Selection::Internet) => internet = true,
                    Ok(Selection::Endpoints(list))
                        if is_sender && !list.iter().any(|index| found.endpoints[*index].sends()) =>
                    {
                        wrong.push(format!(
                            "`{text}` cannot be a source: load balancers and endpoints begin no connections"
                        ));
                    }
                    Ok(Selection::Endpoints(more)) => endpoints.extend(more),
                    Err(error) => wrong.push(error.to_string()),
                }
            }
            endpoints.sort_unstable();
            endpoints.dedup();
            ((!texts.is_empty()).then_some(endpoints), internet)
        };
        let (from, from_internet) = meant(&flows.from, true);
        let (to, to_internet) = meant(&flows.to, false);
        if !wrong.is_empty() {
            return Err(Failure::Input(wrong));
        }
        let name = |endpoint: &usize| {
            let host = found.endpoints[*endpoint].host;
            simulation
                .topology()
                .label(host)
                .map_or_else(String::new, |label| label.name.clone())
        };
        let listed = |list: &Option<Vec<usize>>, internet: bool| {
            let inside = list.as_ref()?.iter().map(name);
            Some(inside.chain(internet.then(|| "internet".to_owned())).collect())
        };
        let names = [listed(&from, from_internet), listed(&to, to_internet)];
        Ok(Self {
            scope: Scope { from, to },
            from_internet,
            to_internet,
            names,
        })
    }

    /// The names of those who are asked about, where not all are.
    pub(super) fn names(&self) -> [Option<Vec<String>>; 2] {
        self.names.clone()
    }
}

/// How rows are grouped: as the user says, else as can be read.
pub(super) fn grouping(flows: &Flows, found: &Reachability) -> By {
    match flows.by {
        Some(asked) => by_of(asked),
        None if found.endpoints.len() <= SHOWN_EACH_MAX => By::Instance,
        None => By::Subnet,
    }
}

/// The grouping that an option names.
pub(super) fn by_of(asked: Grouping) -> By {
    match asked {
        Grouping::Subnet => By::Subnet,
        Grouping::Instance => By::Instance,
        Grouping::Interface => By::Interface,
        Grouping::Sg => By::Sg,
        Grouping::Vpc => By::Vpc,
        Grouping::Class => By::Class,
    }
}

/// The answers as a document.
pub(super) fn document(
    simulation: &Simulation,
    found: &Reachability,
    ends: &Ends,
    flows: &Flows,
) -> ReachDocument {
    let (topology, by, scope) = (simulation.topology(), grouping(flows, found), &ends.scope);
    let services: Vec<String> = flows.service.iter().map(ToString::to_string).collect();
    let services = if services.is_empty() {
        ALL_SERVICES.to_owned()
    } else {
        services.join(", ")
    };
    let groups = if found.question.inside {
        found.groups(topology, by, scope)
    } else {
        Default::default()
    };
    let mut document = ReachDocument::new(
        topology,
        found,
        Asked {
            by,
            services: &services,
            groups,
        },
    );
    if found.question.inside {
        document.rows = found.rows(topology, by, scope);
    }
    if ends.from_internet {
        document.exposure = found.exposure_rows(topology, by, scope);
    }
    if ends.to_internet {
        document.egress = found.egress_rows(topology, by, scope);
    }
    document
}

/// The way of one flow of each row, as packets took it.
fn add_paths(simulation: &Simulation, rows: &mut [InternetRow]) {
    for row in rows.iter_mut().take(PATHS_MAX) {
        let Some(query) = &row.witness else { continue };
        let Ok((answer, _)) = simulation.trace(query, &Options::default()) else {
            continue;
        };
        let stations = answer.forward.trail.iter().filter(|hop| hop.station != "Emit");
        row.path = stations.map(|hop| format!("{} {}", hop.kind, hop.name)).collect();
    }
}
