//! Real describe dumps, which lie beside the repository; where they are absent the tests say so and pass.

use std::fs;
use std::path::{Path, PathBuf};

use vpcsim_aws::{Severity, Topology};
use vpcsim_import::{Design, Source, read, write_native};

/// Every JSON file below a folder, sorted.
fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut open = vec![folder.to_owned()];
    while let Some(folder) = open.pop() {
        for entry in fs::read_dir(&folder).into_iter().flatten().flatten() {
            let path = entry.path();
            if path.is_dir() {
                open.push(path);
            } else if path.extension().is_some_and(|extension| extension == "json") {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

fn read_folder(folder: &Path) -> Design {
    let source = |path: PathBuf| Source {
        name: path.display().to_string(),
        bytes: fs::read(&path).expect("readable"),
    };
    read(files(folder).into_iter().map(source).collect())
}

/// The folders with one design each.
fn designs() -> Vec<PathBuf> {
    let shared = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../../shared");
    let shared = if shared.is_dir() {
        shared
    } else {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared")
    };
    let mut folders = Vec::new();
    for corpus in ["corpus/describe", "measured-aws", "peer-cases"] {
        let entries = fs::read_dir(shared.join(corpus)).into_iter().flatten().flatten();
        folders.extend(entries.map(|entry| entry.path()).filter(|path| path.is_dir()));
    }
    folders.sort();
    if folders.is_empty() {
        eprintln!("skipped: no dumps beside the repository");
    }
    folders
}

/// The topology as text without the places in the input.
fn without_places(topology: &Topology) -> String {
    let text = format!("{topology:?}");
    let mut out = String::new();
    let mut rest = text.as_str();
    while let Some(at) = rest.find("Origin {") {
        out.push_str(&rest[..at]);
        let end = rest[at..].find('}').expect("it is closed");
        rest = &rest[at + end + 1..];
    }
    out + rest
}

/// Where two texts part, with some context.
fn first_difference(left: &str, right: &str) -> String {
    let at = left
        .bytes()
        .zip(right.bytes())
        .position(|(left, right)| left != right);
    let at = at.unwrap_or(left.len().min(right.len()));
    let part = |text: &str| {
        text.chars()
            .skip(at.saturating_sub(300))
            .take(500)
            .collect::<String>()
    };
    format!("{}\n---\n{}", part(left), part(right))
}

#[test]
fn converting_a_dump_and_reading_it_back_gives_the_same_topology() {
    for folder in designs() {
        let before = read_folder(&folder);
        let yaml = write_native(&before.topology);
        let after = read(vec![Source {
            name: "design.yaml".into(),
            bytes: yaml.clone().into_bytes(),
        }]);
        let unreadable = [
            "bad-",
            "unknown-",
            "missing-",
            "wrong-",
            "duplicate-",
            "yaml-",
            "cidr-",
        ];
        let unread = |code: &str| unreadable.iter().any(|begin| code.starts_with(begin));
        let errors: Vec<_> = after
            .findings
            .iter()
            .filter(|finding| unread(finding.code))
            .collect();
        assert!(errors.is_empty(), "{}\n{errors:#?}\n{yaml}", folder.display());
        let (left, right) = (without_places(&before.topology), without_places(&after.topology));
        assert!(
            left == right,
            "{}\n{}",
            folder.display(),
            first_difference(&left, &right)
        );
        assert_eq!(write_native(&after.topology), yaml, "{}", folder.display());
    }
}

/// What only reading can find; an imitator's dump may hold what AWS would refuse.
const READING_CODES: [&str; 6] = [
    "bad-address",
    "bad-cidr",
    "bad-rule",
    "describe-item",
    "input-not-recognised",
    "json-syntax",
];

#[test]
fn every_dump_is_read_without_an_error() {
    for folder in designs() {
        if folder.ends_with("cartography-testdata") {
            continue;
        }
        let design = read_folder(&folder);
        let imitated = folder.to_string_lossy().contains("moto-");
        let errors = design
            .findings
            .iter()
            .filter(|finding| finding.severity == Severity::Error);
        let errors = errors.filter(|finding| !imitated || READING_CODES.contains(&finding.code));
        let errors: Vec<&str> = errors.map(|finding| finding.message.as_str()).collect();
        assert_eq!(errors, Vec::<&str>::new(), "{}", folder.display());
        assert!(!design.topology.vpcs.is_empty(), "{}", folder.display());
    }
}

/// What AWS would refuse is an error in a design, and a fact in a dump.
#[test]
fn a_dump_that_breaks_a_rule_is_read_with_a_warning() {
    let dump = r#"{"Vpcs": [{"VpcId": "vpc-1", "CidrBlock": "10.0.0.0/16"}], "Addresses": [
        {"AllocationId": "eipalloc-1", "PublicIp": "127.0.0.9"}]}"#;
    let yaml = "vpcs: { v: { cidr: 10.0.0.0/16 } }\nelastic_ips: { e: 127.0.0.9 }";
    let severity = |name: &str, text: &str| {
        let design = read(vec![Source {
            name: name.to_owned(),
            bytes: text.as_bytes().to_vec(),
        }]);
        let mut about = design
            .findings
            .iter()
            .filter(|finding| finding.code == "elastic-ip-not-public");
        about.next().map(|finding| finding.severity)
    };
    assert_eq!(severity("dump.json", dump), Some(Severity::Warning));
    assert_eq!(severity("design.yaml", yaml), Some(Severity::Error));
}
