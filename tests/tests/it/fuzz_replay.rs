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
    let targets = [
        ("native", "design.yaml"),
        ("describe", "describe.json"),
        ("terraform", "plan.json"),
        ("cloudformation", "template.yaml"),
    ];
    for (target, name) in targets {
        for input in &inputs(target) {
            fuzz::design(name, input);
        }
    }
}

/// Real files with every kind of damage: cut off anywhere, and with parts of them changed for others.
#[test]
fn damaged_plans_and_templates_are_survived() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("four-ways/default-group");
    let words: [&[u8]; 8] = [
        b"null",
        b"true",
        b"-1",
        b"[]",
        b"{}",
        b"\"\"",
        b"{\"Ref\": \"Net\"}",
        b"!GetAtt A.B",
    ];
    for name in ["plan.json", "template.yaml"] {
        let text = fs::read(root.join(name)).unwrap();
        let step = (text.len() / 60).max(1);
        for (turn, at) in (0..text.len()).step_by(step).enumerate() {
            fuzz::design(name, &text[..at]);
            let mut changed = text[..at].to_vec();
            changed.extend_from_slice(words[turn % words.len()]);
            let end = text[at..]
                .iter()
                .position(|byte| b",}\n".contains(byte))
                .map_or(text.len(), |more| at + more);
            changed.extend_from_slice(&text[end..]);
            fuzz::design(name, &changed);
        }
    }
}

#[test]
fn flow_lines_that_once_failed_are_survived() {
    for input in &inputs("flows") {
        fuzz::flow_line(input);
    }
}
