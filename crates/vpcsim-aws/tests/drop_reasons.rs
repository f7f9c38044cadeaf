//! Each drop reason of this crate is given by some device, and provoked by some unit test.

#![expect(clippy::disallowed_methods, reason = "the test reads the crate's own sources")]

use std::fs;
use std::path::Path;

use vpcsim_aws::drop_reason::ALL;

/// The reasons below this number are the engine's and the hosts'.
const FIRST_OF_THIS_CRATE: u16 = 32;

/// Reasons that no unit test provokes, and why.
const NOT_PROVOKED: &[(&str, &str)] = &[
    ("MIDDLEBOX_FIREWALL", FORWARDING),
    ("MIDDLEBOX_NO_STATE", FORWARDING),
    ("MIDDLEBOX_PORT_EXHAUSTED", FORWARDING),
    ("MIDDLEBOX_LOOP", FORWARDING),
    ("MIDDLEBOX_NEXT_HOP", FORWARDING),
];
const FORWARDING: &str = "the hosts forward, and their crate has the tests";

/// The crate's sources, cut into what runs and what tests.
#[derive(Default)]
struct Sources {
    devices: String,
    tests: String,
}

impl Sources {
    fn read(&mut self, folder: &Path) {
        let entries = fs::read_dir(folder).expect("the crate has sources");
        for entry in entries {
            let path = entry.expect("the folder can be listed").path();
            let name = path
                .file_name()
                .and_then(|name| name.to_str())
                .expect("sources have plain names");
            if path.is_dir() {
                self.read(&path);
            } else if name != "drop_reason.rs" {
                self.add(name, &fs::read_to_string(&path).expect("sources are text"));
            }
        }
    }

    fn add(&mut self, name: &str, text: &str) {
        let is_test = name.ends_with("tests.rs") || name.ends_with("_paths.rs");
        let (running, tests) = match text.split_once("#[cfg(test)]\nmod tests {") {
            _ if is_test => ("", text),
            Some(parts) => parts,
            None => (text, ""),
        };
        self.devices.push_str(running);
        self.tests.push_str(tests);
    }
}

/// Whether the text has this name as a whole word.
fn mentions(text: &str, name: &str) -> bool {
    text.match_indices(name).any(|(start, _)| {
        let is_part = |character: Option<char>| {
            character.is_some_and(|character| character.is_ascii_alphanumeric() || character == '_')
        };
        let (before, after) = (
            text[..start].chars().next_back(),
            text[start + name.len()..].chars().next(),
        );
        !is_part(before) && !is_part(after)
    })
}

#[test]
fn every_reason_is_given_by_a_device_and_provoked_by_a_test() {
    let mut sources = Sources::default();
    sources.read(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"));
    let own = ALL.iter().filter(|info| info.reason.0 >= FIRST_OF_THIS_CRATE);
    for name in own.map(|info| info.name) {
        assert!(mentions(&sources.devices, name), "no device drops for {name}");
        let excepted = NOT_PROVOKED.iter().any(|(excepted, _)| *excepted == name);
        let provoked = mentions(&sources.tests, name);
        assert!(
            provoked != excepted,
            "{name}: provoked by a test {provoked}, listed {excepted}"
        );
    }
}
