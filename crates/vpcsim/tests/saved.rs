//! Answers that `vpcsim reach --format json` saved, as a user asks and compares them.

use std::path::PathBuf;
use std::process::Command;

use tempfile::TempDir;

const SHOP: &str = "\
name: shop
region: eu-west-1
vpcs:
  shop:
    cidr: 10.0.0.0/16
    internet_gateway: igw
    subnets:
      public-a: { az: a, cidr: 10.0.1.0/24, route_table: public }
      private-a: { az: a, cidr: 10.0.2.0/24 }
    route_tables:
      public: { 0.0.0.0/0: igw }
    security_groups:
      web: { ingress: [tcp 80 from 0.0.0.0/0] }
      db: { ingress: [tcp 5432 from web] }
    instances:
      web-1: { subnet: public-a, public_ip: true, security_groups: [web], listen: [tcp 80] }
      db-1: { subnet: private-a, security_groups: [db], listen: [tcp 5432] }
internet:
  laptop: 198.51.100.7
";

/// A folder with designs and documents in it.
struct Desk {
    folder: TempDir,
}

/// What came of a command: its status, what it printed and what it complained of.
type Ended = (i32, String, String);

impl Desk {
    fn new() -> Self {
        let desk = Self {
            folder: tempfile::tempdir().expect("there is room for a folder"),
        };
        desk.put("shop.yaml", SHOP);
        desk.put(
            "branch.yaml",
            &SHOP
                .replace(
                    "tcp 80 from 0.0.0.0/0",
                    "tcp 80 from 0.0.0.0/0, tcp 22 from 0.0.0.0/0",
                )
                .replace("from web]", "from 10.0.2.0/24]"),
        );
        desk
    }

    fn put(&self, name: &str, text: &str) {
        std::fs::write(self.folder.path().join(name), text).expect("the folder takes files");
    }

    fn run(&self, arguments: &[&str]) -> Ended {
        let program = PathBuf::from(env!("CARGO_BIN_EXE_vpcsim"));
        let output = Command::new(program)
            .args(arguments)
            .current_dir(self.folder.path())
            .output()
            .expect("it starts");
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        (
            output.status.code().unwrap_or(-1),
            text(&output.stdout),
            text(&output.stderr),
        )
    }

    /// What it prints when it ends well.
    fn page(&self, arguments: &[&str]) -> String {
        let (status, page, complaint) = self.run(arguments);
        assert_eq!(status, 0, "{complaint}");
        page
    }
}

#[test]
fn saved_answers_are_asked_and_compared_like_designs() {
    let desk = Desk::new();
    for (design, saved) in [("shop.yaml", "old.json"), ("branch.yaml", "new.json")] {
        let _page = desk.page(&["reach", design, "--format", "json", "-o", saved]);
    }
    let options = [
        "--from",
        "web-*",
        "--to",
        "db-1",
        "--service",
        "5432/tcp",
        "--format",
        "csv",
    ];
    let asked = |of: &str| desk.page(&[&["reach", of], &options[..]].concat());
    assert_eq!(
        asked("old.json"),
        asked("shop.yaml"),
        "a document answers as its design does"
    );
    assert_eq!(asked("new.json").lines().count(), 1, "the branch closes it");
    let exposed = |of: &str| desk.page(&["reach", of, "--from", "internet"]);
    assert_eq!(
        exposed("old.json"),
        exposed("shop.yaml"),
        "with the way of each flow"
    );
    let (status, page, _) = desk.run(&["diff", "old.json", "new.json"]);
    assert_eq!(status, 1);
    for words in [
        "db-1, the internet → web-1\n  + opens tcp 22\n",
        "web-1 → db-1\n  - closes tcp 5432\n",
    ] {
        assert!(page.contains(words), "{page}");
    }
    let _nothing = desk.page(&["diff", "old.json", "old.json"]);
}

#[test]
fn saved_answers_that_cannot_be_used_are_refused_with_their_place() {
    let desk = Desk::new();
    let saved = desk.page(&["reach", "shop.yaml", "--format", "json"]);
    let cut = &saved[..saved.len() / 2];
    let cut_line = cut.matches('\n').count() + 1;
    desk.put("saved.json", &saved);
    desk.put("cut.json", cut);
    desk.put(
        "newer.json",
        &saved.replace("\"schema_version\": \"1\"", "\"schema_version\": \"2\""),
    );
    desk.put(
        "foreign.json",
        &saved.replace("\"class_count\": 2", "\"class_count\": \"two\""),
    );
    let cases: [(&[&str], String); 8] = [
        (&["reach", "cut.json"], format!("cut.json:{cut_line}:")),
        (&["reach", "cut.json"], "the document is cut off".to_owned()),
        (
            &["reach", "newer.json"],
            "newer.json:2:3: the document has schema version 2, and this vpcsim reads version 1".to_owned(),
        ),
        (
            &["reach", "foreign.json"],
            "foreign.json:8:22: invalid type".to_owned(),
        ),
        (
            &["reach", "saved.json", "--from", "web-9"],
            "`web-9` selects nothing".to_owned(),
        ),
        (
            &["reach", "saved.json", "--by", "sg"],
            "`--by sg` needs the design".to_owned(),
        ),
        (
            &["reach", "saved.json", "--verify"],
            "`--verify` needs the design".to_owned(),
        ),
        (
            &["diff", "saved.json", "shop.yaml"],
            "compared with saved answers".to_owned(),
        ),
    ];
    for (arguments, words) in cases {
        let (status, _, complaint) = desk.run(arguments);
        assert!(
            status == 2 && complaint.contains(&words),
            "{arguments:?}: {status} {complaint}"
        );
    }
}

#[test]
fn every_document_has_a_schema() {
    let desk = Desk::new();
    for of in ["native", "reach", "diff", "run"] {
        let schema: serde_json::Value =
            serde_json::from_str(&desk.page(&["schema", of])).expect("it is JSON");
        assert!(schema["$schema"].is_string(), "{of}");
    }
    let reach: serde_json::Value =
        serde_json::from_str(&desk.page(&["schema", "reach"])).expect("it is JSON");
    assert_eq!(reach["properties"]["schema_version"]["const"], "1");
}
