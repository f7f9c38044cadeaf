//! Many questions about single flows, as `vpcsim trace --flows` answers them.

use std::io;

use vpcsim_analysis::{FlowQuery, Options, Simulation, Tracer};
use vpcsim_engine::Random;
use vpcsim_report::json;

/// What is asked for, with the port.
const SERVICES: [(&str, Option<u16>); 6] = [
    ("tcp", Some(443)),
    ("tcp", Some(5_432)),
    ("tcp", Some(22)),
    ("tcp", Some(8_080)),
    ("udp", Some(53)),
    ("icmp", None),
];

/// So many lines of a flow file between random instances of a design.
///
/// # Panics
/// Never: a query can be written as JSON.
pub fn records(simulation: &Simulation, count: u32) -> Vec<String> {
    let topology = simulation.topology();
    let names: Vec<&str> = topology
        .instances
        .iter()
        .map(|(_, instance)| instance.label.name.as_str())
        .collect();
    let mut random = Random::new(7, 0);
    let mut any = || names[random.below(names.len() as u64) as usize].to_owned();
    let record = |number: u32| {
        let (protocol, dst_port) = SERVICES[number as usize % SERVICES.len()];
        let query = FlowQuery {
            id: number.to_string(),
            source: any(),
            dst: any(),
            protocol: protocol.to_owned(),
            dst_port,
            ..FlowQuery::default()
        };
        serde_json::to_string(&query).expect("a query can be written as JSON")
    };
    (0..count).map(record).collect()
}

/// Reads each line, asks, and writes the answer's line.
///
/// # Panics
/// If a line is no question about the design.
pub fn answer<'a>(simulation: &Simulation, lines: impl Iterator<Item = &'a String>) {
    let mut tracer = Tracer::new(simulation, &Options::default());
    for line in lines {
        let query: FlowQuery = serde_json::from_str(line).expect("the benchmark writes flows");
        let (answer, _) = tracer.trace(&query).expect("the design has both ends");
        json::write_line(&answer, io::sink()).expect("a sink takes all");
    }
}
