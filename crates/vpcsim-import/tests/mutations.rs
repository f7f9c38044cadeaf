//! Whatever becomes of the bytes of an input, reading ends with a design and findings.

use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use vpcsim_import::{Source, read, write_native};

const FIXTURES: [&[u8]; 4] = [
    include_bytes!("fixtures/three-tier.yaml"),
    include_bytes!("fixtures/everything.yaml"),
    include_bytes!("fixtures/described.json"),
    include_bytes!("fixtures/trimmed.json"),
];

/// Pieces that mean something to one of the parsers.
const PIECES: [&[u8]; 24] = [
    b"{",
    b"}",
    b"[",
    b"]",
    b":",
    b"- ",
    b"\n",
    b"\"",
    b"&a ",
    b"*a",
    b"<<: *a\n",
    b"null",
    b"0.0.0.0/0",
    b"-1",
    b"99999999999",
    b"\xff\xfe",
    b"\0",
    b"\xc3",
    b"10.0.0.0/0",
    b"255.255.255.255/32",
    b"self",
    b"local",
    b"/",
    b"pl:",
];

#[derive(Clone, Debug)]
enum Change {
    Cut(usize),
    Remove(usize, usize),
    Overwrite(usize, u8),
    Insert(usize, usize),
    Repeat(usize, usize),
}

fn change() -> impl Strategy<Value = Change> {
    let place = any::<usize>;
    prop_oneof![
        1 => place().prop_map(Change::Cut),
        4 => (place(), 1_usize..40).prop_map(|(at, length)| Change::Remove(at, length)),
        4 => (place(), any::<u8>()).prop_map(|(at, byte)| Change::Overwrite(at, byte)),
        6 => (place(), 0..PIECES.len()).prop_map(|(at, piece)| Change::Insert(at, piece)),
        2 => (place(), 1_usize..200).prop_map(|(at, length)| Change::Repeat(at, length)),
    ]
}

fn apply(bytes: &mut Vec<u8>, change: &Change) {
    let place = |at: usize| if bytes.is_empty() { 0 } else { at % bytes.len() };
    match *change {
        Change::Cut(at) => bytes.truncate(place(at)),
        Change::Remove(at, length) => {
            let at = place(at);
            let end = (at + length).min(bytes.len());
            bytes.drain(at..end);
        }
        Change::Overwrite(at, byte) => {
            let at = place(at);
            if let Some(place) = bytes.get_mut(at) {
                *place = byte;
            }
        }
        Change::Insert(at, piece) => {
            let at = place(at);
            bytes.splice(at..at, PIECES[piece].iter().copied());
        }
        Change::Repeat(at, length) => {
            let at = place(at);
            let end = (at + length).min(bytes.len());
            let part = bytes[at..end].to_vec();
            bytes.splice(end..end, part);
        }
    }
}

#[test]
fn no_change_of_the_bytes_makes_a_panic() {
    let config = Config {
        cases: 3_000,
        failure_persistence: None,
        ..Config::default()
    };
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &[7; 32]);
    let input = (0..FIXTURES.len(), prop::collection::vec(change(), 1..6));
    let outcome = TestRunner::new_with_rng(config, rng).run(&input, |(fixture, changes)| {
        let mut bytes = FIXTURES[fixture].to_vec();
        for change in &changes {
            apply(&mut bytes, change);
        }
        let design = read(vec![Source {
            name: "mutated".into(),
            bytes,
        }]);
        if !design.findings.has_errors() {
            let written = write_native(&design.topology);
            let again = read(vec![Source {
                name: "written".into(),
                bytes: written.clone().into_bytes(),
            }]);
            // What is a fact in a dump is an error in a design; but nothing new may be wrong.
            let known = |code| design.findings.iter().any(|finding| finding.code == code);
            let new = again.findings.iter().find(|finding| !known(finding.code));
            prop_assert!(new.is_none(), "{:?}\n{}", new, written);
            prop_assert_eq!(write_native(&again.topology), written);
        }
        Ok(())
    });
    outcome.expect("every mutation is survived");
}

#[test]
fn every_beginning_of_a_file_is_survived() {
    for fixture in FIXTURES {
        for end in (0..fixture.len()).step_by(7) {
            let bytes = fixture[..end].to_vec();
            let _design = read(vec![Source {
                name: "cut".into(),
                bytes,
            }]);
        }
    }
}
