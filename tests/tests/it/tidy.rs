//! What the code base promises about itself: sizes, arrows between crates, bans, and a test for each documented sentence.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// No source file is longer.
const LINES_MAX: usize = 800;

/// Crates that never read a clock, a file or the environment, and start no thread.
const CORE: [&str; 7] = ["wire", "engine", "aws", "hosts", "import", "analysis", "report"];

/// What each crate may know directly; what that knows, it may know too.
const ARROWS: [(&str, &[&str]); 9] = [
    ("wire", &[]),
    ("engine", &["wire"]),
    ("aws", &["wire", "engine"]),
    ("hosts", &["wire", "engine"]),
    ("import", &["aws"]),
    ("analysis", &["aws", "engine", "hosts"]),
    ("report", &["analysis", "aws"]),
    (
        "",
        &["wire", "engine", "aws", "hosts", "import", "analysis", "report"],
    ),
    ("testkit", &["aws", "engine", "hosts"]),
];

/// Words that have no business in a core crate, and why.
const BANS: [(&str, &str); 8] = [
    ("std::time::Instant", "time is simulated"),
    ("std::time::SystemTime", "time is simulated"),
    ("std::fs", "only the command line touches files"),
    ("std::env", "only the command line reads its environment"),
    ("std::net::TcpStream", "nothing talks to a real network"),
    (
        "std::process",
        "only the command line ends the process or starts one",
    ),
    ("std::thread", "only the command line starts threads"),
    ("thread_rng", "randomness is seeded"),
];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// Every file below `folder` with this ending, in order.
fn files(folder: &Path, ending: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let Ok(entries) = fs::read_dir(folder) else {
        return found;
    };
    for entry in entries {
        let path = entry.expect("the folder is readable").path();
        if path.is_dir() && !path.ends_with("target") {
            found.extend(files(&path, ending));
        } else if path.extension().is_some_and(|extension| extension == ending) {
            found.push(path);
        }
    }
    found.sort();
    found
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Rust sources of the whole workspace.
fn sources() -> Vec<PathBuf> {
    ["crates", "tests", "benches"]
        .iter()
        .flat_map(|folder| files(&root().join(folder), "rs"))
        .collect()
}

fn assert_none(complaints: &[String]) {
    assert!(complaints.is_empty(), "\n{}", complaints.join("\n"));
}

#[test]
fn no_source_file_is_too_long() {
    let mut complaints = Vec::new();
    for path in sources() {
        let lines = read(&path).lines().count();
        if lines > LINES_MAX {
            complaints.push(format!(
                "{}: {lines} lines, {LINES_MAX} are allowed",
                path.display()
            ));
        }
    }
    assert_none(&complaints);
}

/// The crates of the workspace that a manifest names under `[dependencies]`.
fn dependencies(manifest: &str) -> BTreeSet<String> {
    let mut section = "";
    let mut found = BTreeSet::new();
    for line in manifest.lines().map(str::trim) {
        if line.starts_with('[') {
            section = line;
        } else if section == "[dependencies]"
            && let Some(rest) = line.strip_prefix("vpcsim-")
        {
            let name = rest.split(['.', ' ', '=']).next().unwrap_or_default();
            found.insert(name.to_owned());
        }
    }
    found
}

fn known_to(name: &str) -> BTreeSet<&'static str> {
    let (_, direct) = ARROWS
        .iter()
        .find(|(known, _)| *known == name)
        .expect("every crate is in the table");
    direct
        .iter()
        .flat_map(|next| known_to(next).into_iter().chain([*next]))
        .collect()
}

#[test]
fn arrows_between_crates_run_one_way() {
    let mut complaints = Vec::new();
    for (name, _) in ARROWS {
        let folder = if name.is_empty() {
            "vpcsim".to_owned()
        } else {
            format!("vpcsim-{name}")
        };
        let manifest = read(&root().join("crates").join(&folder).join("Cargo.toml"));
        let allowed = known_to(name);
        for dependency in dependencies(&manifest)
            .iter()
            .filter(|found| !allowed.contains(found.as_str()))
        {
            complaints.push(format!("{folder} must not know vpcsim-{dependency}"));
        }
    }
    assert_none(&complaints);
}

#[test]
fn every_crate_is_in_the_table_of_arrows() {
    for entry in fs::read_dir(root().join("crates")).expect("it is there") {
        let path = entry.expect("it is readable").path();
        if path.is_dir() {
            let folder = path
                .file_name()
                .unwrap_or_default()
                .to_string_lossy()
                .into_owned();
            let name = folder
                .strip_prefix("vpcsim")
                .unwrap_or(&folder)
                .trim_start_matches('-')
                .to_owned();
            assert!(
                ARROWS.iter().any(|(known, _)| *known == name),
                "{folder} is in no table"
            );
        }
    }
}

#[test]
fn core_crates_touch_nothing_of_the_world_outside() {
    let mut complaints = Vec::new();
    for name in CORE {
        for path in files(&root().join(format!("crates/vpcsim-{name}/src")), "rs") {
            for (number, line) in read(&path).lines().enumerate() {
                let code = line.split("//").next().unwrap_or_default();
                let mut bans = BANS.iter().filter(|(word, _)| code.contains(word));
                if let Some((word, reason)) = bans.next() {
                    complaints.push(format!("{}:{}: {word}: {reason}", path.display(), number + 1));
                }
            }
        }
    }
    assert_none(&complaints);
}

#[test]
fn core_crates_have_lints_of_their_own_that_keep_the_workspaces_settings() {
    let settings = read(&root().join("clippy.toml"));
    for name in CORE {
        let own = read(&root().join(format!("crates/vpcsim-{name}/clippy.toml")));
        for line in settings.lines().filter(|line| line.contains('=')) {
            assert!(
                own.contains(line),
                "crates/vpcsim-{name}/clippy.toml lacks `{line}` of the workspace"
            );
        }
        assert!(
            own.contains("disallowed-methods"),
            "crates/vpcsim-{name}/clippy.toml bans nothing"
        );
    }
}

#[test]
fn nothing_is_left_to_do_in_a_comment() {
    let words = ["TO", "FIX", "XX"].map(|start| {
        format!(
            "{start}{}",
            if start == "TO" {
                "DO"
            } else if start == "FIX" {
                "ME"
            } else {
                "X"
            }
        )
    });
    let mut complaints = Vec::new();
    for path in sources() {
        for (number, line) in read(&path).lines().enumerate() {
            if words.iter().any(|word| line.contains(word.as_str())) {
                complaints.push(format!("{}:{}: {}", path.display(), number + 1, line.trim()));
            }
        }
    }
    assert_none(&complaints);
}

/// A device with what its files and those of its validation say and hold.
#[derive(Default)]
struct Device {
    name: String,
    sentences: Vec<String>,
    test_count: usize,
}

impl Device {
    fn add(&mut self, text: &str) {
        self.sentences.extend(sentences(text));
        self.test_count += text.matches("#[test]").count();
    }
}

fn devices() -> Vec<Device> {
    let folder = root().join("crates/vpcsim-aws/src/devices");
    let mut devices: BTreeMap<String, Device> = BTreeMap::new();
    for path in files(&folder, "rs") {
        let inside = path.strip_prefix(&folder).expect("it is below the folder");
        let first = inside.components().next().expect("it has a name");
        let name = first
            .as_os_str()
            .to_string_lossy()
            .trim_end_matches(".rs")
            .to_owned();
        devices.entry(name).or_default().add(&read(&path));
    }
    devices.remove("mod");
    for path in files(&root().join("crates/vpcsim-aws/src/validation"), "rs") {
        let name = path
            .file_stem()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        if let Some(device) = devices.get_mut(&name) {
            device.add(&read(&path));
        }
    }
    devices
        .into_iter()
        .map(|(name, device)| Device { name, ..device })
        .collect()
}

/// The sentences of a file's section `# AWS semantics`.
fn sentences(main: &str) -> Vec<String> {
    let mut inside = false;
    let mut found: Vec<String> = Vec::new();
    for line in main.lines().map_while(|line| line.strip_prefix("//!")) {
        let line = line.trim();
        if line.starts_with('#') {
            inside = line == "# AWS semantics";
        } else if inside && line.starts_with("- ") {
            found.push(line.to_owned());
        } else if inside && !line.is_empty() && !found.is_empty() {
            let last = found.last_mut().expect("it is not empty");
            last.push(' ');
            last.push_str(line);
        }
    }
    found
}

/// The rule ids that a text cites: capitals, perhaps digits, a hyphen and two digits.
fn rule_ids(text: &str) -> Vec<String> {
    let is_part = |c: char| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '-';
    let is_rule = |word: &&str| {
        word.rsplit_once('-').is_some_and(|(area, number)| {
            (2..=8).contains(&area.len())
                && area.starts_with(|c: char| c.is_ascii_uppercase())
                && area.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit())
                && (2..=3).contains(&number.len())
                && number.chars().all(|c| c.is_ascii_digit())
        })
    };
    text.split(|c| !is_part(c))
        .filter(is_rule)
        .map(str::to_owned)
        .collect()
}

#[test]
fn every_device_file_is_registered() {
    let list = read(&root().join("crates/vpcsim-aws/src/devices/mod.rs"));
    for device in devices() {
        assert!(
            list.contains(&format!(" in {},", device.name)),
            "{} is not registered",
            device.name
        );
    }
}

#[test]
fn every_device_says_what_aws_does_and_cites_the_rule() {
    let mut complaints = Vec::new();
    for device in devices() {
        if device.sentences.is_empty() {
            complaints.push(format!("{}: no section `# AWS semantics`", device.name));
        }
        for sentence in device
            .sentences
            .iter()
            .filter(|sentence| rule_ids(sentence).is_empty())
        {
            complaints.push(format!("{}: no rule id in `{sentence}`", device.name));
        }
    }
    assert_none(&complaints);
}

/// The headings of scenarios, and the comments of tests of whole ways: what they cite, they prove.
fn citations() -> Vec<Vec<String>> {
    let scenarios = files(&root().join("tests/scenarios"), "md");
    let scenarios: String = scenarios.iter().map(|path| read(path)).collect();
    let ways = read(&root().join("crates/vpcsim-aws/src/gateway_paths.rs"));
    let headings = scenarios.lines().filter(|line| line.starts_with("## "));
    let comments = ways.lines().filter(|line| line.starts_with("/// "));
    headings
        .chain(comments)
        .map(rule_ids)
        .filter(|ids| !ids.is_empty())
        .collect()
}

#[test]
fn every_device_has_a_test_for_each_sentence() {
    let mut complaints = Vec::new();
    let citations = citations();
    for device in devices() {
        let cited = rule_ids(&device.sentences.join("\n"));
        let elsewhere = citations
            .iter()
            .filter(|ids| ids.iter().any(|id| cited.contains(id)))
            .count();
        let found = device.test_count + elsewhere;
        if found < device.sentences.len() {
            complaints.push(format!(
                "{}: {} sentences about AWS and {found} tests",
                device.name,
                device.sentences.len()
            ));
        }
    }
    assert_none(&complaints);
}

/// The numbered rules of AWS's behaviour, where they lie beside the repository.
fn rules() -> Option<String> {
    let folders = ["../shared/aws", "../../shared/aws"].map(|folder| root().join(folder));
    let folder = folders.iter().find(|folder| folder.is_dir())?;
    Some(files(folder, "md").iter().map(|path| read(path)).collect())
}

#[test]
fn every_cited_rule_exists() {
    let Some(rules) = rules() else {
        println!("skipped: the rules of AWS's behaviour are not beside the repository");
        return;
    };
    let known: BTreeSet<String> = rule_ids(&rules).into_iter().collect();
    let mut complaints = Vec::new();
    for device in devices() {
        for id in rule_ids(&device.sentences.join("\n"))
            .iter()
            .filter(|id| !known.contains(*id))
        {
            complaints.push(format!("{}: there is no rule {id}", device.name));
        }
    }
    assert_none(&complaints);
}

#[test]
fn the_readme_mentions_every_topology() {
    let readme = read(&root().join("README.md"));
    let names = files(&root().join("topologies"), "yaml");
    let names: Vec<String> = names
        .iter()
        .filter_map(|path| Some(path.file_name()?.to_string_lossy().into_owned()))
        .collect();
    assert!(names.len() >= 12, "there are {} topologies", names.len());
    for name in names {
        assert!(readme.contains(&name), "README.md does not mention {name}");
    }
}

#[test]
fn the_tables_of_words_read_what_they_should() {
    assert_eq!(
        rule_ids("dropped (NAT-05, IGW-11), not S3-x or TCP-4"),
        ["NAT-05", "IGW-11"]
    );
    let text = "//! A thing.\n//!\n//! # AWS semantics\n//!\n//! - One\n//!   goes on (RT-01).\n//! - Two (RT-02).\n//!\n//! # Where AWS is silent\n//!\n//! - Three.\n";
    assert_eq!(sentences(text), ["- One goes on (RT-01).", "- Two (RT-02)."]);
    let manifest = "[dependencies]\nvpcsim-aws.workspace = true\nipnet = \"2\"\n[dev-dependencies]\nvpcsim-report.workspace = true\n";
    assert_eq!(dependencies(manifest).into_iter().collect::<Vec<_>>(), ["aws"]);
}
