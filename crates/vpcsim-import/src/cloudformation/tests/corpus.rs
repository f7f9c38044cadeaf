//! Templates that nobody here wrote.

#![expect(clippy::disallowed_methods, reason = "the corpus lies in files")]

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use serde_json::Value as Json;

use super::{Outcome, outcome};
use crate::cloudformation::Options;

fn folder() -> Option<PathBuf> {
    let roots = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().skip(1);
    let mut candidates = roots.map(|root| root.join("shared/corpus/cloudformation"));
    candidates.find(|folder| folder.is_dir())
}

fn files_of(folder: &Path) -> Vec<(String, String)> {
    let mut paths: Vec<PathBuf> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.is_file())
        .collect();
    paths.sort();
    let read = |path: PathBuf| {
        let text = String::from_utf8_lossy(&std::fs::read(&path).unwrap()).into_owned();
        (path.file_name().unwrap().to_string_lossy().into_owned(), text)
    };
    paths.into_iter().map(read).collect()
}

/// Ids that nothing has and ranges that are none, in the properties that make a network.
fn open_ends(outcome: &Outcome) -> Vec<String> {
    const IDS: [&str; 13] = [
        "VpcId",
        "PeerVpcId",
        "SubnetId",
        "SubnetIds",
        "RouteTableId",
        "RouteTableIds",
        "GatewayId",
        "InternetGatewayId",
        "NatGatewayId",
        "TransitGatewayId",
        "VpcEndpointId",
        "GroupId",
        "SourceSecurityGroupId",
    ];
    const RANGES: [&str; 3] = ["CidrBlock", "CidrIp", "DestinationCidrBlock"];
    let mut open = Vec::new();
    for declared in outcome
        .declared
        .iter()
        .filter(|declared| declared.kind.starts_with("AWS::EC2::"))
    {
        for (name, value) in &declared.values {
            let items = value
                .as_array()
                .map_or(std::slice::from_ref(value), Vec::as_slice);
            for text in items.iter().filter_map(Json::as_str) {
                let is_id =
                    IDS.contains(&name.as_str()) && outcome.declared.iter().all(|other| other.id != text);
                let is_range = RANGES.contains(&name.as_str()) && text.parse::<ipnet::Ipv4Net>().is_err();
                if (is_id || is_range) && !text.starts_with("external:") {
                    open.push(format!("{} {name} {text}", declared.id));
                }
            }
        }
    }
    open
}

#[test]
fn every_real_template_is_evaluated_or_refused_with_a_reason() {
    let Some(folder) = folder() else {
        println!("skipped: there is no corpus beside the repository");
        return;
    };
    let mut folders: Vec<PathBuf> = std::fs::read_dir(&folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.is_dir())
        .collect();
    folders.sort();
    let mut log = String::new();
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    let mut open = Vec::new();
    let (mut evaluated, mut with_errors, mut declared) = (0, 0, 0);
    for folder in folders {
        let files = files_of(&folder);
        let is_cdk = files.iter().any(|(name, _)| name == "manifest.json");
        let groups: Vec<Vec<(String, String)>> = if is_cdk {
            vec![files]
        } else {
            files.into_iter().map(|file| vec![file]).collect()
        };
        for group in groups {
            let group: Vec<(&str, &str)> = group
                .iter()
                .map(|(name, text)| (name.as_str(), text.as_str()))
                .collect();
            let outcome = outcome(&group, &Options::default());
            evaluated += 1;
            declared += outcome.declared.len();
            let is_bad = outcome.messages().contains(" Error ");
            with_errors += usize::from(is_bad);
            if !is_bad {
                open.extend(
                    open_ends(&outcome)
                        .into_iter()
                        .map(|end| format!("{}: {end}", folder.file_name().unwrap().display())),
                );
            }
            for code in outcome.codes() {
                *counts.entry(code).or_default() += 1;
            }
            let name = folder.file_name().unwrap().to_string_lossy();
            write!(
                log,
                "== {name} {}: {}\n{}",
                group[0].0,
                outcome.declared.len(),
                outcome.messages()
            )
            .unwrap();
        }
    }
    println!("{log}\n{evaluated} evaluated, {with_errors} with errors, {declared} resources\n{counts:#?}");
    println!("ends that are open:\n{}", open.join("\n"));
    assert!(evaluated > 100 && declared > 3000, "{evaluated} {declared}");
    // Those lack a parameter, or cannot be deployed; the others have ends that lead to custom resources and written ids only.
    assert!(with_errors <= 38, "{with_errors}");
    assert!(open.len() <= 40, "{}", open.len());
}

#[test]
fn the_same_real_template_in_json_and_in_yaml_declares_the_same() {
    let Some(folder) = folder() else {
        println!("skipped: there is no corpus beside the repository");
        return;
    };
    let (mut compared, mut all_differing) = (0, 0);
    for entry in std::fs::read_dir(&folder).unwrap() {
        let path = entry.unwrap().path();
        let files = if path.is_dir() {
            files_of(&path)
        } else {
            Vec::new()
        };
        for (name, json) in &files {
            let Some(stem) = name.strip_suffix(".json") else {
                continue;
            };
            let is_twin = |other: &str| {
                [".yaml", ".yml"]
                    .iter()
                    .any(|end| other == format!("{stem}{end}"))
            };
            let Some((other, yaml)) = files.iter().find(|(other, _)| is_twin(other)) else {
                continue;
            };
            compared += 1;
            let [left, right] = [(name, json), (other, yaml)].map(|(name, text)| {
                let outcome = outcome(&[(name, text)], &Options::default());
                let mut ids: Vec<String> = outcome
                    .declared
                    .iter()
                    .map(|declared| declared.id.clone())
                    .collect();
                ids.sort();
                let values: Vec<String> = ids
                    .iter()
                    .map(|id| format!("{id} {}", sorted(outcome.values(id))))
                    .collect();
                values
            });
            let differing: Vec<_> = left
                .iter()
                .zip(&right)
                .filter(|(left, right)| left != right)
                .collect();
            all_differing += differing.len();
            println!(
                "{}: {} of {} differ\n{differing:#?}",
                path.display(),
                differing.len(),
                left.len()
            );
        }
    }
    assert!(compared > 10, "{compared}");
    // Their authors wrote these differently: launch configurations here, launch templates there, and embedded files.
    assert!(all_differing <= 6, "{all_differing}");
}

/// The value with texts for scalars and keys in order, since twins quote and order differently.
fn sorted(value: Json) -> Json {
    match value {
        Json::Array(items) => Json::Array(items.into_iter().map(sorted).collect()),
        Json::Object(members) => {
            let members: BTreeMap<String, Json> = members
                .into_iter()
                .map(|(key, value)| (key, sorted(value)))
                .collect();
            members.into_iter().collect()
        }
        Json::String(text) => Json::String(text.split_whitespace().collect()),
        value => Json::String(value.to_string()),
    }
}
