//! Every question in each of its formats, on a native design, a Terraform plan, a CloudFormation template and a measured network.
//!
//! `tests/faces/FORM/QUESTION.FORMAT` holds what a user sees; `UPDATE_EXPECT=1 cargo test -p vpcsim --test faces` writes it anew, to be
//! read before it is kept. SARIF and `JUnit` are held against their schemas, which `.ci/test-tools` brings.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;

/// One network in one form, with what is asked about it.
struct Form {
    name: &'static str,
    design: &'static str,
    expectations: &'static str,
    /// The design that `diff` compares it with.
    changed: &'static str,
    /// A flow that works, and one that does not.
    flows: [(&'static str, &'static str); 2],
}

const FLOWS: [(&str, &str); 2] = [("internet", "web-1:80/tcp"), ("web-2", "db-b:5432/tcp")];
const EXPECTATIONS: &str = "crates/vpcsim/tests/faces/expect.yaml";
const CHANGED: &str = "crates/vpcsim/tests/faces/changed.yaml";
const LAB: &str = "../shared/measured-aws/traffic_in_igw_out_ngw/aws_configs";

const NATIVE: Form = Form {
    name: "native",
    design: "tests/four-ways/vpc-with-nat/native.yaml",
    expectations: EXPECTATIONS,
    changed: CHANGED,
    flows: FLOWS,
};
const PLAN: Form = Form {
    name: "plan",
    design: "tests/four-ways/vpc-with-nat/plan.json",
    ..NATIVE
};
const TEMPLATE: Form = Form {
    name: "template",
    design: "tests/four-ways/vpc-with-nat/template.yaml",
    ..NATIVE
};
const MEASURED: Form = Form {
    name: "lab",
    design: LAB,
    expectations: "crates/vpcsim/tests/faces/expect-lab.yaml",
    changed: LAB,
    flows: [
        ("internet", "public1-hr-west:22/tcp"),
        ("internet", "private1-hr-west:22/tcp"),
    ],
};

/// A question by its name, its arguments, and its formats.
struct Question {
    name: &'static str,
    arguments: Vec<String>,
    formats: &'static [&'static str],
}

fn questions(form: &Form) -> Vec<Question> {
    let question = |name, arguments: &[&str], formats| Question {
        name,
        arguments: arguments.iter().map(|&argument| argument.to_owned()).collect(),
        formats,
    };
    let tables: &[&str] = &["text", "json", "csv", "markdown"];
    let answers: &[&str] = &["text", "json", "jsonl", "network-insights"];
    let faces: &[&str] = &["text", "json", "junit", "sarif", "github", "markdown"];
    let findings: &[&str] = &["text", "json", "sarif", "github"];
    let [(from, to), (other_from, other_to)] = form.flows;
    vec![
        question("reach", &["reach", form.design], tables),
        question("exposure", &["reach", form.design, "--from", "internet"], tables),
        question(
            "trace",
            &["trace", form.design, "--from", from, "--to", to],
            answers,
        ),
        question(
            "trace-stopped",
            &["trace", form.design, "--from", other_from, "--to", other_to],
            answers,
        ),
        question(
            "test",
            &["test", form.design, "--expect", form.expectations],
            faces,
        ),
        question("diff", &["diff", form.design, form.changed], tables),
        question("check", &["check", form.design], findings),
    ]
}

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn ask(question: &Question, format: &str) -> Output {
    Command::new(env!("CARGO_BIN_EXE_vpcsim"))
        .args(&question.arguments)
        .args(["--quiet", "--color", "never", "--format", format])
        .current_dir(repository())
        .output()
        .expect("the program runs")
}

/// Compares with the kept file, or writes it; what differs is told.
fn compare(path: &Path, found: &str, complaints: &mut Vec<String>) {
    if std::env::var_os("UPDATE_EXPECT").is_some() {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, found).unwrap();
        return;
    }
    let kept = fs::read_to_string(path).unwrap_or_default();
    if kept == found {
        return;
    }
    let differing = kept.lines().zip(found.lines()).position(|(old, new)| old != new);
    let line = differing.unwrap_or_else(|| kept.lines().count().min(found.lines().count()));
    let at = |text: &str| text.lines().nth(line).unwrap_or("nothing more").to_owned();
    complaints.push(format!(
        "{} line {}:\n  kept:  {}\n  found: {}",
        path.display(),
        line + 1,
        at(&kept),
        at(found)
    ));
}

/// All questions about a form, in all formats.
fn check(form: &Form) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/faces")
        .join(form.name);
    let mut complaints = Vec::new();
    let mut statuses = String::new();
    for question in questions(form) {
        for format in question.formats {
            let output = ask(&question, format);
            let status = output.status.code().expect("no signal ended it");
            let stderr = String::from_utf8_lossy(&output.stderr);
            assert!(status < 2, "{} {format}: {stderr}", question.name);
            let _ = writeln!(statuses, "{} {format}: {status}", question.name);
            let stdout = String::from_utf8(output.stdout).expect("the output is UTF-8");
            compare(
                &folder.join(format!("{}.{format}", question.name)),
                &stdout,
                &mut complaints,
            );
        }
    }
    compare(&folder.join("statuses"), &statuses, &mut complaints);
    let words = complaints.join("\n");
    assert!(
        complaints.is_empty(),
        "UPDATE_EXPECT=1 accepts what is found\n{words}"
    );
}

fn is_beside() -> bool {
    let found = repository().join(LAB).is_dir();
    if !found {
        println!("skipped: there is no {LAB} beside the repository");
    }
    found
}

#[test]
fn questions_about_a_native_design() {
    check(&NATIVE);
}

#[test]
fn questions_about_a_plan() {
    check(&PLAN);
}

#[test]
fn questions_about_a_template() {
    check(&TEMPLATE);
}

#[test]
fn questions_about_a_measured_network() {
    if is_beside() {
        check(&MEASURED);
    }
}

/// A schema that `.ci/test-tools` brings; says so where it is absent.
fn schema(name: &str) -> Option<PathBuf> {
    let path = repository().join("target/test-tools/schemas").join(name);
    let is_there = path.is_file();
    if !is_there {
        println!("skipped: .ci/test-tools has not brought the schema {name}");
    }
    is_there.then_some(path)
}

fn forms() -> Vec<Form> {
    let mut forms = vec![NATIVE, PLAN, TEMPLATE];
    if is_beside() {
        forms.push(MEASURED);
    }
    forms
}

fn in_format(form: &Form, format: &str) -> Vec<(String, String)> {
    let questions = questions(form).into_iter();
    let asked = questions.filter(|question| question.formats.contains(&format));
    let answer = |question: Question| {
        let text = String::from_utf8(ask(&question, format).stdout).expect("the output is UTF-8");
        (format!("{} {}", form.name, question.name), text)
    };
    asked.map(answer).collect()
}

#[test]
fn sarif_keeps_to_its_schema_and_shows_places_and_ways() {
    let Some(path) = schema("sarif.json") else { return };
    // A slip of the standard: `]?$` without its opening bracket is no regular expression.
    let text = fs::read_to_string(path).unwrap();
    let mended = text.replace("[a-zA-Z]{2}]?$", "[a-zA-Z]{2}$");
    assert_ne!(mended, text, "the slip is there");
    let schema: Value = serde_json::from_str(&mended).unwrap();
    let validator = jsonschema::validator_for(&schema).expect("the schema is one");
    assert!(
        !validator.is_valid(&serde_json::json!({ "version": "2.1.0" })),
        "a log has runs"
    );
    let (mut places, mut ways, mut declared) = (0, 0, 0);
    for form in forms() {
        for (name, text) in in_format(&form, "sarif") {
            let log: Value = serde_json::from_str(&text).unwrap();
            let errors: Vec<String> = validator
                .iter_errors(&log)
                .map(|error| format!("{}: {error}", error.instance_path()))
                .collect();
            assert!(errors.is_empty(), "{name}: {errors:#?}");
            let results = log["runs"][0]["results"].as_array().unwrap();
            let has_line =
                |result: &&Value| result["locations"][0]["physicalLocation"]["region"]["startLine"].is_u64();
            places += results.iter().filter(has_line).count();
            let flow = |result: &Value| {
                let steps = &result["codeFlows"][0]["threadFlows"][0]["locations"];
                steps.as_array().map_or(0, Vec::len)
            };
            ways += results.iter().filter(|result| flow(result) >= 3).count();
            // The stations of a way lead to where the design declares them.
            declared += text.matches(&format!("\"uri\": \"{}", form.design)).count();
        }
    }
    assert!(
        places >= 6 && ways >= 6 && declared >= 20,
        "{places} places, {ways} ways, {declared} in designs"
    );
}

#[test]
fn junit_keeps_to_its_schema() {
    let Some(schema) = schema("junit.xsd") else { return };
    if Command::new("xmllint").arg("--version").output().is_err() {
        println!("skipped: xmllint is absent (Debian's libxml2-utils)");
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let judge = |text: &str| {
        let file = folder.path().join("report.xml");
        fs::write(&file, text).unwrap();
        let output = Command::new("xmllint")
            .arg("--noout")
            .arg("--schema")
            .arg(&schema)
            .arg(&file)
            .output()
            .unwrap();
        (
            output.status.success(),
            String::from_utf8_lossy(&output.stderr).into_owned(),
        )
    };
    assert!(
        !judge("<testsuites><testcase/></testsuites>").0,
        "a case stands in a suite and has a name"
    );
    for form in forms() {
        for (name, text) in in_format(&form, "junit") {
            let (fits, words) = judge(&text);
            assert!(fits, "{name}: {words}\n{text}");
            assert!(text.contains("<failure"), "{name} shows a failure:\n{text}");
        }
    }
}

#[test]
fn a_file_of_flows_is_one_document_of_analyses() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("flows.jsonl");
    let flow = |id: &str, source: &str, dst: &str, port: u16| {
        format!(
            "{{\"id\":\"{id}\",\"source\":\"{source}\",\"dst\":\"{dst}\",\"protocol\":\"tcp\",\"dst_port\":{port}}}\n"
        )
    };
    let answer = |flows: &str| {
        fs::write(&file, flows).unwrap();
        let output = Command::new(env!("CARGO_BIN_EXE_vpcsim"))
            .args([
                "trace",
                NATIVE.design,
                "--quiet",
                "--format",
                "network-insights",
                "--flows",
            ])
            .arg(&file)
            .current_dir(repository())
            .output()
            .expect("the program runs");
        let document: Value = serde_json::from_slice(&output.stdout).unwrap();
        (output.status.code(), document["NetworkInsightsAnalyses"].clone())
    };
    let open = flow("a", "internet", "web-1", 80);
    let (status, analyses) = answer(&(open.clone() + &flow("b", "web-2", "db-b", 5432)));
    assert_eq!(status, Some(0));
    let found: Vec<&Value> = analyses
        .as_array()
        .unwrap()
        .iter()
        .map(|one| &one["NetworkPathFound"])
        .collect();
    assert_eq!(found, [true, false]);
    assert_eq!(
        analyses[1]["Tags"][1],
        serde_json::json!({ "Key": "vpcsim:flow", "Value": "b" })
    );
    // A flow that cannot be asked is an error; the others are answered all the same.
    let (status, analyses) = answer(&(open + &flow("c", "nobody", "web-1", 80)));
    assert_eq!((status, analyses.as_array().map(Vec::len)), (Some(2), Some(1)));
}
