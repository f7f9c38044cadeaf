//! The commands as a user runs them: what they print, write and return.

use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use tempfile::TempDir;

#[path = "commands/blockers.rs"]
mod blockers;
#[path = "commands/differences.rs"]
mod differences;
#[path = "commands/expectations.rs"]
mod expectations;
#[path = "commands/findings.rs"]
mod findings;
#[path = "commands/interrupted.rs"]
mod interrupted;
#[path = "commands/side_by_side.rs"]
mod side_by_side;

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

const EXPECTED: &str = "\
expect:
  - laptop -> web-1 tcp 80: reachable
  - laptop -> web-1 tcp 22: unreachable because SG_INGRESS
  - web-1 -> db-1 tcp 5432: reachable
";

/// A folder with a design in it.
struct Desk {
    folder: TempDir,
}

/// What came of a command.
struct Ended {
    status: i32,
    stdout: String,
    stderr: String,
}

impl Desk {
    fn with(design: &str) -> Self {
        let desk = Self {
            folder: tempfile::tempdir().expect("there is room for a folder"),
        };
        desk.put("shop.yaml", design);
        desk
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }

    fn put(&self, name: &str, text: &str) {
        fs::write(self.path().join(name), text).expect("the folder takes files");
    }

    fn read(&self, name: &str) -> Vec<u8> {
        fs::read(self.path().join(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_vpcsim"));
        command.args(arguments).current_dir(self.path());
        for variable in ["NO_COLOR", "CLICOLOR_FORCE", "CLICOLOR"] {
            command.env_remove(variable);
        }
        command
    }

    fn vpcsim(&self, arguments: &[&str]) -> Ended {
        Ended::of(&self.command(arguments).output().expect("vpcsim starts"))
    }

    fn vpcsim_with_stdin(&self, arguments: &[&str], input: &str) -> Ended {
        let mut child = self
            .command(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("vpcsim starts");
        let mut stdin = child.stdin.take().expect("stdin is piped");
        stdin.write_all(input.as_bytes()).expect("vpcsim reads");
        drop(stdin);
        Ended::of(&child.wait_with_output().expect("vpcsim ends"))
    }
}

impl Ended {
    fn of(output: &Output) -> Self {
        Self {
            status: output.status.code().expect("no signal ends vpcsim"),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }

    #[track_caller]
    fn ends_with(&self, status: i32) -> &Self {
        assert_eq!(
            self.status, status,
            "stdout:\n{}\nstderr:\n{}",
            self.stdout, self.stderr
        );
        self
    }

    #[track_caller]
    fn prints(&self, wanted: &str) -> &Self {
        assert!(
            self.stdout.contains(wanted),
            "{wanted:?} is missing in\n{}",
            self.stdout
        );
        self
    }

    #[track_caller]
    fn complains(&self, wanted: &str) -> &Self {
        assert!(
            self.stderr.contains(wanted),
            "{wanted:?} is missing in\n{}",
            self.stderr
        );
        self
    }

    fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{error} in\n{}", self.stdout))
    }
}

fn expecting_shop() -> Desk {
    Desk::with(&format!("{SHOP}{EXPECTED}"))
}

#[test]
fn run_writes_a_capture_and_the_answers_and_prints_the_matrix() {
    let desk = expecting_shop();
    let ended = desk.vpcsim(&["run", "shop.yaml", "--out", "result"]);
    ended
        .ends_with(0)
        .prints("✓ 3 expectations: 3 passed, 0 failed, 0 unknown")
        .prints("web-1:80/tcp");
    ended.complains("wrote result/capture.pcapng");
    let capture = desk.read("result/capture.pcapng");
    assert_eq!(capture[..4], [0x0a, 0x0d, 0x0d, 0x0a]);
    let answers: serde_json::Value =
        serde_json::from_slice(&desk.read("result/reachability.json")).expect("it is JSON");
    assert_eq!(
        (&answers["schema_version"], &answers["design"]),
        (&"1".into(), &"shop".into())
    );
    assert_eq!(answers["summary"]["passed"], 3);
}

#[test]
fn runs_with_the_same_seed_write_the_same_bytes() {
    let desk = expecting_shop();
    for out in ["one", "two"] {
        desk.vpcsim(&["run", "shop.yaml", "--seed", "7", "--out", out])
            .ends_with(0);
    }
    assert_eq!(desk.read("one/capture.pcapng"), desk.read("two/capture.pcapng"));
    assert_eq!(
        desk.read("one/reachability.json"),
        desk.read("two/reachability.json")
    );
}

#[test]
fn a_failed_expectation_ends_with_1_and_says_why_and_what_to_ask_next() {
    let desk = Desk::with(&format!("{SHOP}expect:\n  - laptop -> web-1 tcp 22: reachable\n"));
    let ended = desk.vpcsim(&["run", "shop.yaml"]);
    ended
        .ends_with(1)
        .prints("✗ laptop -> web-1 tcp 22: reachable")
        .prints("--from laptop --to web-1:22/tcp")
        .prints("1 expectation: 0 passed, 1 failed, 0 unknown");
}

#[test]
fn a_design_without_expectations_is_tried_by_everybody() {
    let ended = Desk::with(SHOP).vpcsim(&["run", "shop.yaml"]);
    ended
        .ends_with(0)
        .prints("db-1:5432/tcp")
        .prints("the design expects nothing");
}

#[test]
fn run_without_capture_leaves_no_capture() {
    let desk = expecting_shop();
    let ended = desk.vpcsim(&["run", "shop.yaml", "--no-capture", "--format", "json"]);
    assert_eq!(ended.ends_with(0).json()["seed"], 0);
    assert!(!desk.path().join("capture.pcapng").exists());
}

#[test]
fn what_a_run_wrote_beside_the_design_is_no_design() {
    let desk = expecting_shop();
    desk.vpcsim(&["run", "."]).ends_with(0);
    desk.vpcsim(&["run", "."]).ends_with(0);
}

#[test]
fn a_capture_is_taken_where_it_is_asked_for_and_nowhere_else() {
    let desk = expecting_shop();
    let ended = desk.vpcsim(&[
        "run",
        "shop.yaml",
        "--capture-at",
        "db-1,igw",
        "--pcap",
        "some.pcapng",
    ]);
    ended.ends_with(0).complains("at 2 capture points");
    let ended = desk.vpcsim(&["run", "shop.yaml", "--capture-at", "db-2"]);
    ended
        .ends_with(2)
        .complains("no capture point `db-2`")
        .complains("db-1 eni");
}

#[test]
fn trace_shows_a_flow_that_works_there_and_back() {
    let ended = Desk::with(SHOP).vpcsim(&["trace", "shop.yaml", "--from", "web-1", "--to", "db-1:5432/tcp"]);
    ended
        .ends_with(0)
        .prints("✓ web-1 -> db-1:5432/tcp is reachable")
        .prints("there: delivered")
        .prints("back: delivered");
}

#[test]
fn trace_of_a_flow_that_fails_ends_with_1_and_names_the_rule_and_the_frame() {
    let desk = Desk::with(SHOP);
    let arguments = [
        "trace",
        "shop.yaml",
        "--from",
        "laptop",
        "--to",
        "web-1:22/tcp",
        "--pcap",
        "t.pcapng",
    ];
    let ended = desk.vpcsim(&arguments);
    ended
        .ends_with(1)
        .prints("✗ laptop -> web-1:22/tcp is not reachable")
        .prints("ENI_SG_RULES_MISMATCH")
        .prints("captured   frame ");
    assert!(!desk.read("t.pcapng").is_empty());
}

#[test]
fn trace_as_json_holds_question_and_answer() {
    let arguments = [
        "trace",
        "shop.yaml",
        "--from",
        "laptop",
        "--to",
        "web-1:80",
        "--format",
        "json",
    ];
    let value = Desk::with(SHOP).vpcsim(&arguments).ends_with(0).json();
    assert_eq!(value["answers"][0]["query"]["dst"], "web-1");
    assert_eq!(value["answers"][0]["observed"], "open");
}

#[test]
fn a_file_of_flows_is_answered_line_by_line() {
    let desk = Desk::with(SHOP);
    let flows = concat!(
        r#"{"id":"a","source":"laptop","dst":"web-1","protocol":"tcp","dst_port":80,"extra":true}"#,
        "\n\n",
        r#"{"id":"b","source":"laptop","dst":"10.0.2.99","protocol":"icmp"}"#,
        "\n"
    );
    let arguments = ["trace", "shop.yaml", "--flows", "-", "--format", "jsonl"];
    let ended = desk.vpcsim_with_stdin(&arguments, flows);
    let ids: Vec<String> = ended
        .ends_with(0)
        .stdout
        .lines()
        .map(|line| {
            serde_json::from_str::<serde_json::Value>(line).expect("a line is JSON")["id"].to_string()
        })
        .collect();
    assert_eq!(ids, ["\"a\"", "\"b\""]);
}

#[test]
fn all_wrong_lines_of_a_file_of_flows_are_told_with_their_place() {
    let desk = Desk::with(SHOP);
    desk.put("flows.jsonl", "{\"source\": \"laptop\"}\n{\"source\": }\n");
    let ended = desk.vpcsim(&[
        "trace",
        "shop.yaml",
        "--flows",
        "flows.jsonl",
        "--format",
        "jsonl",
    ]);
    ended
        .ends_with(2)
        .complains("flows.jsonl:1:")
        .complains("flows.jsonl:2:12")
        .complains("2 errors");
    assert_eq!(ended.stdout, "");
}

#[test]
fn a_source_that_does_not_exist_is_told_with_its_line_and_the_other_flows_are_answered() {
    let desk = Desk::with(SHOP);
    desk.put(
        "flows.jsonl",
        "{\"source\":\"web-9\",\"dst\":\"db-1\",\"protocol\":\"icmp\"}\n\
         {\"source\":\"web-1\",\"dst\":\"db-1\",\"protocol\":\"icmp\"}\n",
    );
    let ended = desk.vpcsim(&[
        "trace",
        "shop.yaml",
        "--flows",
        "flows.jsonl",
        "--format",
        "jsonl",
    ]);
    ended
        .ends_with(2)
        .complains("flows.jsonl:1")
        .complains("did you mean web-1");
    assert_eq!(ended.stdout.lines().count(), 1);
}

#[test]
fn check_ends_with_0_for_a_sound_design_and_with_1_for_errors() {
    let desk = Desk::with(SHOP);
    desk.vpcsim(&["check", "shop.yaml"])
        .ends_with(0)
        .prints("shop.yaml: ");
    desk.put(
        "bad.yaml",
        &SHOP.replace("security_groups: [db]", "security_groups: [bd]"),
    );
    desk.vpcsim(&["check", "bad.yaml"])
        .ends_with(1)
        .prints("error[")
        .prints("--> bad.yaml:17:52");
    let value = desk
        .vpcsim(&["check", "bad.yaml", "--format", "json"])
        .ends_with(1)
        .json();
    assert_eq!(value["findings"][0]["file"], "bad.yaml");
}

#[test]
fn a_design_with_errors_is_not_simulated() {
    let desk = Desk::with(&SHOP.replace("10.0.1.0/24", "10.0.1.0/33"));
    let ended = desk.vpcsim(&["run", "shop.yaml"]);
    ended.ends_with(2).complains("error[").complains("shop.yaml:8:");
    assert_eq!(ended.stdout, "");
    assert!(!desk.path().join("reachability.json").exists());
}

#[test]
fn converting_what_was_converted_changes_nothing() {
    let desk = expecting_shop();
    desk.vpcsim(&["convert", "shop.yaml", "-o", "once.yaml"])
        .ends_with(0);
    let twice = desk.vpcsim(&["convert", "once.yaml"]);
    assert_eq!(twice.ends_with(0).stdout.as_bytes(), desk.read("once.yaml"));
}

#[test]
fn a_design_comes_from_standard_input_too() {
    let ended = Desk::with(SHOP).vpcsim_with_stdin(&["check", "-"], "vpcs: { a: { cidr: nonsense } }");
    ended.ends_with(1).prints("<stdin>:1:");
}

#[test]
fn everything_that_cannot_be_read_is_told_at_once() {
    let ended = Desk::with(SHOP).vpcsim(&["run", "no.yaml", "neither.yaml"]);
    ended
        .ends_with(2)
        .complains("cannot read no.yaml")
        .complains("cannot read neither.yaml");
}

#[test]
fn explain_knows_codes_and_suggests_others() {
    let desk = Desk::with(SHOP);
    desk.vpcsim(&["explain", "SG_INGRESS"])
        .ends_with(0)
        .prints("check");
    desk.vpcsim(&["explain", "no-route-to-destination"])
        .ends_with(0)
        .prints("NO_ROUTE_TO_DESTINATION");
    desk.vpcsim(&["explain", "SG_INGRES"])
        .ends_with(2)
        .complains("did you mean SG_INGRESS");
    desk.vpcsim(&["explain"]).ends_with(0).prints("NAT_NO_STATE");
}

#[test]
fn support_schema_and_completions_print_what_they_promise() {
    let desk = Desk::with(SHOP);
    desk.vpcsim(&["support"]).ends_with(0).prints("✓ NAT gateway");
    assert_eq!(
        desk.vpcsim(&["support", "--format", "json"]).json()["schema_version"],
        "1"
    );
    assert!(desk.vpcsim(&["schema"]).json().is_object());
    desk.vpcsim(&["completions", "bash"])
        .ends_with(0)
        .prints("_vpcsim");
}

#[test]
fn a_wrong_command_line_ends_with_2_and_an_example() {
    let desk = Desk::with(SHOP);
    desk.vpcsim(&["trace", "shop.yaml", "--from", "web-1", "--to", "db-1"])
        .ends_with(2)
        .complains("db-1:443/tcp");
    desk.vpcsim(&["trace", "shop.yaml", "--from", "web-1"])
        .ends_with(2)
        .complains("--to");
    desk.vpcsim(&["run"]).ends_with(2).complains("<DESIGN>");
    desk.vpcsim(&["frobnicate"]).ends_with(2);
}

#[test]
fn every_command_has_help() {
    let desk = Desk::with(SHOP);
    for command in [
        "run",
        "trace",
        "check",
        "convert",
        "explain",
        "support",
        "schema",
        "completions",
    ] {
        desk.vpcsim(&[command, "--help"])
            .ends_with(0)
            .prints("Usage: vpcsim");
    }
    desk.vpcsim(&["--help"]).ends_with(0).prints("Examples:");
}

#[test]
fn colours_come_only_when_asked_for_or_on_a_terminal() {
    let desk = Desk::with(SHOP);
    let trace = ["trace", "shop.yaml", "--from", "laptop", "--to", "web-1:80"];
    assert!(!desk.vpcsim(&trace).stdout.contains('\u{1b}'));
    let asked = [&trace[..], &["--color", "always"]].concat();
    assert!(desk.vpcsim(&asked).stdout.contains('\u{1b}'));
}

#[test]
fn a_reader_who_goes_away_is_no_error() {
    let desk = Desk::with(SHOP);
    let mut child = desk
        .command(&["explain"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("vpcsim starts");
    drop(child.stdout.take());
    Ended::of(&child.wait_with_output().expect("vpcsim ends")).ends_with(0);
}

/// The shop after a change: operators get in, and the database takes its own subnet only.
fn changed() -> String {
    let more = SHOP.replace(
        "tcp 80 from 0.0.0.0/0]",
        "tcp 80 from 0.0.0.0/0, tcp 22 from 0.0.0.0/0]",
    );
    more.replace("tcp 5432 from web", "tcp 5432 from 10.0.2.0/24")
}

#[test]
fn reach_says_who_gets_where_and_packets_agree() {
    let desk = Desk::with(SHOP);
    let ended = desk.vpcsim(&["reach", "shop.yaml", "--verify"]);
    ended
        .ends_with(0)
        .prints("  → db-1          tcp 5432\n")
        .prints(", 0 disagreements");
    ended
        .prints("tcp 80 at 203.0.113.1 from anywhere")
        .prints("internet gateway igw, network ACL default");
    let asked = desk.vpcsim(&[
        "reach",
        "shop.yaml",
        "--from",
        "subnet:public-a",
        "--to",
        "db-1",
        "--service",
        "5432/tcp",
        "--format",
        "csv",
    ]);
    let csv = "from,to,round_trip,one_way,only_some,basis,outside,public,some_targets\nweb-1,db-1,tcp 5432,nothing,false,sets,,,nothing\n";
    assert_eq!(asked.ends_with(0).stdout, csv);
}

#[test]
fn reach_as_json_names_its_version_and_every_row() {
    let desk = Desk::with(SHOP);
    let document = desk
        .vpcsim(&["reach", "shop.yaml", "--format", "json", "--by", "sg"])
        .ends_with(0)
        .json();
    assert_eq!(
        (document["schema_version"].as_str(), document["kind"].as_str()),
        (Some("1"), Some("reach"))
    );
    let row = &document["rows"][0];
    assert_eq!(
        (row["from"].as_str(), row["to"].as_str(), row["basis"].as_str()),
        (Some("web"), Some("db"), Some("sets"))
    );
    assert_eq!(row["round_trip"]["tcp"], serde_json::json!(["5432"]));
    assert_eq!(document["exposure"][0]["witness"]["dst_port"], 80);
}

#[test]
fn reach_refuses_whom_nobody_is_and_ports_that_are_none() {
    let desk = Desk::with(SHOP);
    let nobody = desk.vpcsim(&["reach", "shop.yaml", "--from", "web-9", "--to", "subnet:nowhere"]);
    nobody
        .ends_with(2)
        .complains("`web-9` selects nothing")
        .complains("did you mean web-1")
        .complains("`subnet:nowhere`");
    let port = desk.vpcsim(&["reach", "shop.yaml", "--service", "70000/tcp"]);
    port.ends_with(2).complains("ports go from 0 to 65535");
}

#[test]
fn diff_says_what_a_change_opens_and_closes() {
    let desk = Desk::with(SHOP);
    desk.put("branch.yaml", &changed());
    let ended = desk.vpcsim(&["diff", "shop.yaml", "branch.yaml"]);
    ended
        .ends_with(1)
        .prints("db-1, the internet → web-1\n  + opens tcp 22\n")
        .prints("web-1 → db-1\n  - closes tcp 5432\n");
    let comment = desk.vpcsim(&["diff", "shop.yaml", "branch.yaml", "--format", "markdown"]);
    comment
        .ends_with(1)
        .prints("| + opens | db-1, the internet | web-1 | tcp 22 |");
    desk.vpcsim(&["diff", "shop.yaml", "shop.yaml"])
        .ends_with(0)
        .prints("nothing changes");
}

const EXPECTATIONS: &str = "\
version: 1
endpoints: { web: { subnet: public-a } }
assertions:
  - { id: open, from: internet, to: web, port: [80/tcp], expect: reachable, via: [igw] }
  - { id: private, from: internet, to: sg:db, port: any, expect: unreachable, severity: critical }
  - { id: mail, from: web, to: db-1, port: 25/tcp, expect: reachable }
  - { id: later, from: web, to: db-1, expect: unreachable, skip: not yet }
invariants: [no-asymmetric-paths, only-from-internet: [web]]
";

#[test]
fn test_judges_a_file_of_expectations_in_every_format() {
    let desk = Desk::with(SHOP);
    desk.put("expect.yaml", EXPECTATIONS);
    let formats = [
        "text",
        "json=o.json",
        "junit=o.xml",
        "sarif=o.sarif",
        "github=o.txt",
        "markdown=o.md",
    ];
    let mut arguments = vec!["test", "shop.yaml", "--expect", "expect.yaml"];
    for format in &formats {
        arguments.extend(["--format", format]);
    }
    let ended = desk.vpcsim(&arguments);
    ended
        .ends_with(1)
        .prints("PASS    private [critical]")
        .prints("FAIL    mail")
        .prints("6 assertions: 4 passed, 1 failed, 1 skipped");
    let text = |name: &str| String::from_utf8(desk.read(name)).unwrap();
    let json: serde_json::Value = serde_json::from_str(&text("o.json")).unwrap();
    assert_eq!(
        (
            json["assertions"][2]["outcome"].as_str(),
            json["assertions"][2]["line"].as_u64()
        ),
        (Some("failed"), Some(6))
    );
    assert!(text("o.xml").contains("<failure message=") && text("o.xml").contains("failures=\"1\""));
    let sarif: serde_json::Value = serde_json::from_str(&text("o.sarif")).unwrap();
    let result = &sarif["runs"][0]["results"][0];
    assert_eq!(
        result["locations"][0]["physicalLocation"]["region"]["startLine"],
        6
    );
    assert!(
        result["codeFlows"][0]["threadFlows"][0]["locations"]
            .as_array()
            .is_some_and(|steps| steps.len() > 3)
    );
    assert!(text("o.txt").starts_with("::error file=expect.yaml,line=6,col=5,title=mail::"));
    assert!(text("o.md").contains("| ✗ | mail |"));
}

#[test]
fn test_names_all_that_is_wrong_with_expectations() {
    let desk = Desk::with(SHOP);
    desk.put("expect.yaml", "assertions:\n  - web-1 -> db-1 tcp 80: maybe\n  - { from: web-1, to: db-1, port: 70000/tcp, expect: reachable }\n");
    let ended = desk.vpcsim(&["test", "shop.yaml", "--expect", "expect.yaml"]);
    ended
        .ends_with(2)
        .complains("expect.yaml:2:")
        .complains("expect.yaml:3:")
        .complains("ports go from 0 to 65535");
    desk.put(
        "expect.yaml",
        "assertions:\n  - nobody -> db-1 tcp 80: reachable\n",
    );
    let ended = desk.vpcsim(&["test", "shop.yaml", "--expect", "expect.yaml"]);
    ended
        .ends_with(2)
        .complains("`nobody` selects nothing")
        .complains("expect.yaml:2:5");
    desk.vpcsim(&["test", "shop.yaml"])
        .ends_with(2)
        .complains("nothing is expected of the design");
}

#[test]
fn test_update_writes_todays_answers_and_nothing_else() {
    let desk = Desk::with(SHOP);
    desk.put("expect.yaml", EXPECTATIONS);
    desk.vpcsim(&["test", "shop.yaml", "--expect", "expect.yaml", "--update"])
        .ends_with(0);
    let updated = String::from_utf8(desk.read("expect.yaml")).unwrap();
    assert_eq!(
        updated,
        EXPECTATIONS.replace("25/tcp, expect: reachable", "25/tcp, expect: unreachable")
    );
    desk.vpcsim(&["test", "shop.yaml", "--expect", "new.yaml", "--update"])
        .ends_with(0);
    desk.vpcsim(&["test", "shop.yaml", "--expect", "new.yaml"])
        .ends_with(0)
        .prints("5 assertions: 5 passed");
}
