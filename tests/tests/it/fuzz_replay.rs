//! Every input that ever failed under the fuzzer, through the same functions as there (`tests/fuzz`).

use std::fs;
use std::path::Path;

#[expect(unreachable_pub, reason = "the fuzz targets call it from outside")]
#[path = "../../fuzz/src/lib.rs"]
mod fuzz;

/// The inputs that were found for a target, and those that are always worth trying.
fn inputs(target: &str) -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("fuzz/found")
        .join(target);
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let mut paths: Vec<_> = entries.map(|entry| entry.path()).collect();
    paths.sort();
    let mut inputs: Vec<Vec<u8>> = paths.iter().map(|path| fs::read(path).unwrap()).collect();
    inputs.extend([
        Vec::new(),
        vec![0xff; 64],
        b"{".to_vec(),
        b"[[[[".to_vec(),
        b"vpcs: [".to_vec(),
    ]);
    inputs
}

#[test]
fn packets_that_once_failed_are_survived() {
    let mut inputs = inputs("packet");
    inputs.push((0..=255).collect());
    for input in &inputs {
        fuzz::packet(input);
    }
}

#[test]
fn designs_that_once_failed_are_survived() {
    for (target, name) in [("native", "design.yaml"), ("describe", "describe.json")] {
        for input in &inputs(target) {
            fuzz::design(name, input);
        }
    }
}

#[test]
fn flow_lines_that_once_failed_are_survived() {
    for input in &inputs("flows") {
        fuzz::flow_line(input);
    }
}
