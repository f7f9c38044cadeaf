//! From the text of a design to a network that can be asked.

use vpcsim_analysis::Simulation;
use vpcsim_engine::Network;
use vpcsim_import::{Design, Source, read, write_native};
use vpcsim_testkit::estate::estate;

/// A native design with so many interfaces of instances.
pub fn native_design(interface_count: usize) -> String {
    write_native(&estate(interface_count))
}

/// Reads and validates.
///
/// # Panics
/// If the design has errors.
pub fn import(text: &str) -> Design {
    let design = read(vec![Source {
        name: "estate.yaml".to_owned(),
        bytes: text.into(),
    }]);
    assert!(!design.findings.has_errors(), "an estate is a valid design");
    design
}

/// Compiles, and makes the first network.
pub fn compile(design: Design) -> (Simulation, Network) {
    let simulation = Simulation::new(design.topology.into());
    let network = simulation.fresh_network(1, None);
    (simulation, network)
}
