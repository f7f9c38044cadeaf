//! Documents that were written are read back, and are what their schemas say.

use vpcsim_analysis::Options;
use vpcsim_analysis::reach::{Answered, By, ReachQuestion, Scope, difference};
use vpcsim_report::exact::saved::parse;
use vpcsim_report::exact::{self, Asked, DiffDocument, ReachDocument, VerificationLine};
use vpcsim_report::json;
use vpcsim_report::schema::{Document, schema};

use crate::designs;

fn validator(document: Document) -> jsonschema::Validator {
    let schema: serde_json::Value = serde_json::from_str(&schema(document)).unwrap();
    jsonschema::validator_for(&schema).expect("it is a schema")
}

fn errors(validator: &jsonschema::Validator, text: &str) -> Vec<String> {
    let value: serde_json::Value = serde_json::from_str(text).unwrap();
    validator
        .iter_errors(&value)
        .map(|error| format!("{}: {error}", error.instance_path()))
        .collect()
}

fn document(path: &std::path::Path, by: By) -> ReachDocument {
    let simulation = designs::simulation(path);
    let found = simulation.reach(&ReachQuestion::everything());
    let (topology, scope) = (simulation.topology(), Scope::default());
    let groups = found.groups(topology, by, &scope);
    let mut document = ReachDocument::new(
        topology,
        &found,
        Asked {
            by,
            services: "all services",
            groups,
        },
    );
    document.rows = found.rows(topology, by, &scope);
    document.exposure = found.exposure_rows(topology, by, &scope);
    document.egress = found.egress_rows(topology, by, &scope);
    document.verification = Some(VerificationLine::from(&simulation.verify(&found, Some(20), 1)));
    document
}

#[test]
fn exact_answers_are_what_their_schema_says_and_are_read_back_as_they_were() {
    let validator = validator(Document::Reach);
    for path in designs::all() {
        let document = document(&path, By::Instance);
        let text = exact::json(&document);
        assert_eq!(errors(&validator, &text), [""; 0], "{}", path.display());
        assert_eq!(parse(&text).unwrap(), document, "{}", path.display());
        assert_eq!(document.changes_in(&document), Ok(Vec::new()));
    }
    let lacking = exact::json(&document(&designs::all()[0], By::Vpc)).replace("\"rows\"", "\"lines\"");
    assert!(!errors(&validator, &lacking).is_empty(), "a key is missing");
}

#[test]
fn differences_and_runs_are_what_their_schemas_say() {
    let [one, other] = ["three-tier.yaml", "nlb-client-address.yaml"].map(|name| {
        let path = designs::all()
            .into_iter()
            .find(|path| path.ends_with(name))
            .expect("it is there");
        designs::simulation(&path)
    });
    let question = ReachQuestion::everything();
    let (was, is) = (one.reach(&question), other.reach(&question));
    let changes = difference(
        Answered {
            topology: one.topology(),
            found: &was,
        },
        Answered {
            topology: other.topology(),
            found: &is,
        },
    );
    assert!(!changes.is_empty());
    let text = DiffDocument::new("old", "new", changes).json();
    assert_eq!(errors(&validator(Document::Diff), &text), [""; 0]);
    let report = other.run(&Options::default(), &mut |_, _| ());
    let text = json::reachability(other.topology(), 0, &report);
    assert_eq!(errors(&validator(Document::Run), &text), [""; 0]);
}
