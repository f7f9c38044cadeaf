//! Every design in `topologies/` teaches: it says what it shows, what to try, and why what fails has to fail.

use std::fs;

use crate::designs;

#[test]
fn every_topology_expects_something_and_is_called_like_its_file() {
    for path in designs::all() {
        let simulation = designs::simulation(&path);
        let topology = simulation.topology();
        assert!(
            topology.expectations.len() >= 4,
            "{} expects too little",
            path.display()
        );
        assert_eq!(
            Some(topology.name.as_str()),
            path.file_stem().and_then(|stem| stem.to_str())
        );
    }
}

#[test]
fn every_unreachable_flow_of_a_topology_says_why() {
    for path in designs::all() {
        let simulation = designs::simulation(&path);
        let mut lines = simulation.topology().expectations.iter();
        let silent = lines.find(|line| !line.reachable && line.because.is_none());
        assert_eq!(silent, None, "{}", path.display());
    }
}

#[test]
fn some_flow_of_every_topology_works_and_another_does_not() {
    for path in designs::all() {
        let simulation = designs::simulation(&path);
        let expectations = &simulation.topology().expectations;
        for wanted in [true, false] {
            let found = expectations.iter().any(|line| line.reachable == wanted);
            assert!(found, "{}: no flow with reachable = {wanted}", path.display());
        }
    }
}

#[test]
fn the_comment_head_of_every_topology_names_two_commands_to_try() {
    for path in designs::all() {
        let text = fs::read_to_string(&path).unwrap();
        let name = path
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        for command in ["run", "trace"] {
            let wanted = format!("#   vpcsim {command} topologies/{name}");
            assert!(text.contains(&wanted), "{name} lacks `{wanted}`");
        }
    }
}
