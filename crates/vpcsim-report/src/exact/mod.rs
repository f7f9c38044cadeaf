//! Exact reachability for people and tools: text, JSON, CSV and Markdown; what was saved as JSON is read back.

mod difference;
pub mod saved;
mod text;

use std::fmt::Write as _;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use vpcsim_analysis::reach::{By, InternetRow, Reachability, Row, Services, Verification};
use vpcsim_aws::Topology;

use crate::json::{SCHEMA_VERSION, pretty};

pub use difference::DiffDocument;
pub use text::render;

/// Who reaches whom, as it is written and read back.
#[derive(Clone, Debug, PartialEq, JsonSchema, Serialize, Deserialize)]
pub struct ReachDocument {
    /// The version of this document.
    pub schema_version: String,
    /// `reach`.
    pub kind: String,
    /// The design.
    pub design: String,
    /// How rows are grouped.
    pub by: By,
    /// The services that were asked about.
    pub asked: String,
    /// How many interfaces were asked about.
    pub interface_count: usize,
    /// How many classes they are of.
    pub class_count: usize,
    /// The groups that were asked, in the order of the design: senders first.
    pub senders: Vec<String>,
    /// The groups that were asked about.
    pub receivers: Vec<String>,
    /// What gets through between interfaces.
    pub rows: Vec<Row>,
    /// What the internet reaches.
    pub exposure: Vec<InternetRow>,
    /// What is reached on the internet.
    pub egress: Vec<InternetRow>,
    /// What packets said about it, if they were asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub verification: Option<VerificationLine>,
}

/// What packets said about exact answers.
#[derive(Clone, Debug, PartialEq, Eq, JsonSchema, Serialize, Deserialize)]
pub struct VerificationLine {
    /// How many flows were sent.
    pub witnesses: usize,
    /// Those that contradict, in words.
    pub disagreements: Vec<String>,
}

impl From<&Verification> for VerificationLine {
    fn from(found: &Verification) -> Self {
        let words = found.disagreements.iter().map(|one| {
            format!(
                "{} -> {} {}: said {:?}, packets saw {:?}",
                one.from, one.to, one.service, one.said, one.seen
            )
        });
        Self {
            witnesses: found.witness_count,
            disagreements: words.collect(),
        }
    }
}

/// What the document is about, beside the rows.
pub struct Asked<'a> {
    /// How rows are grouped.
    pub by: By,
    /// The services, as the user wrote them; `all` if nothing was said.
    pub services: &'a str,
    /// The groups that send and those that receive.
    pub groups: [Vec<String>; 2],
}

impl ReachDocument {
    /// A document without rows.
    pub fn new(topology: &Topology, found: &Reachability, asked: Asked<'_>) -> Self {
        let [senders, receivers] = asked.groups;
        Self {
            schema_version: SCHEMA_VERSION.to_owned(),
            kind: "reach".to_owned(),
            design: topology.name.clone(),
            by: asked.by,
            asked: asked.services.to_owned(),
            interface_count: found.interface_count(),
            class_count: found.classes.len(),
            senders,
            receivers,
            rows: Vec::new(),
            exposure: Vec::new(),
            egress: Vec::new(),
            verification: None,
        }
    }
}

/// The document as JSON.
pub fn json(document: &ReachDocument) -> String {
    pretty(document)
}

/// The rows as comma-separated values: inside, then from the internet, then to it.
///
/// # Panics
/// Never: the rows are written to memory.
pub fn csv(document: &ReachDocument) -> String {
    let mut writer = csv::Writer::from_writer(Vec::new());
    let head = [
        "from",
        "to",
        "round_trip",
        "one_way",
        "only_some",
        "basis",
        "outside",
        "public",
        "some_targets",
    ];
    let inside = document.rows.iter().map(|row| {
        let [from, to] = [&row.from, &row.to].map(Clone::clone);
        [
            from,
            to,
            row.round_trip.text.clone(),
            row.one_way.text.clone(),
            row.only_some.to_string(),
            row.basis.clone(),
            String::new(),
            String::new(),
            row.some_targets.text.clone(),
        ]
    });
    let internet = || "internet".to_owned();
    let inwards = document
        .exposure
        .iter()
        .map(|row| outside(row, internet(), row.group.clone()));
    let outwards = document
        .egress
        .iter()
        .map(|row| outside(row, row.group.clone(), internet()));
    writer.write_record(head).expect("memory takes it");
    for record in inside.chain(inwards).chain(outwards) {
        writer.write_record(record).expect("memory takes it");
    }
    let bytes = writer.into_inner().expect("memory takes it");
    String::from_utf8_lossy(&bytes).into_owned()
}

fn outside(row: &InternetRow, from: String, to: String) -> [String; 9] {
    let public: Vec<String> = row.public.iter().map(ToString::to_string).collect();
    [
        from,
        to,
        row.round_trip.text.clone(),
        row.one_way.text.clone(),
        false.to_string(),
        row.basis.clone(),
        row.outside.join(" "),
        public.join(" "),
        row.some_targets.text.clone(),
    ]
}

/// The rows as Markdown tables.
pub fn markdown(document: &ReachDocument) -> String {
    let mut page = format!("### Who reaches whom in {}\n\n", document.design);
    let mut table = |title: &str, rows: Vec<[String; 3]>| {
        if rows.is_empty() {
            return;
        }
        let _ = writeln!(page, "| {title} | to | services |\n| --- | --- | --- |");
        for [from, to, services] in rows {
            let _ = writeln!(page, "| {from} | {to} | {services} |");
        }
        page.push('\n');
    };
    let inside = document.rows.iter();
    let inside = inside.map(|row| {
        let services = [&row.round_trip, &row.some_targets, &row.one_way];
        [row.from.clone(), row.to.clone(), markdown_services(services)]
    });
    table("from", inside.collect());
    let inwards = document.exposure.iter();
    let inwards = inwards.map(|row| {
        [
            row.outside.join(", "),
            row.group.clone(),
            markdown_services([&row.round_trip, &row.some_targets, &row.one_way]),
        ]
    });
    table("from the internet", inwards.collect());
    let outwards = document.egress.iter();
    let outwards = outwards.map(|row| {
        [
            row.group.clone(),
            row.outside.join(", "),
            markdown_services([&row.round_trip, &row.some_targets, &row.one_way]),
        ]
    });
    table("to the internet, from", outwards.collect());
    page
}

/// What is answered, what some targets of a load balancer answer, and what gets no answer.
fn markdown_services(services: [&Services; 3]) -> String {
    let labels = ["", "by some of its targets only: ", "one way only: "];
    let parts = services
        .into_iter()
        .zip(labels)
        .filter(|(services, _)| !services.is_empty());
    let words: Vec<String> = parts
        .map(|(services, label)| format!("{label}{}", services.text))
        .collect();
    if words.is_empty() {
        "nothing".to_owned()
    } else {
        words.join("; ")
    }
}
