//! Expectation files: endpoints, assertions and invariants, each with its place.

use std::collections::BTreeMap;

use vpcsim_aws::assertion::{
    Assertion, Expectations, Expected, Invariant, InvariantLine, Mention, Selector, contradictions,
};
use vpcsim_aws::service_words::parse_service;
use vpcsim_aws::traffic::Traffic;
use vpcsim_aws::{Finding, Findings, Origin};

use crate::native::expectation::parse_line;
use crate::native::load::load;
use crate::native::node::{Entry, Node, Value};
use crate::native::shape::{Fields, Record, Shape, key};

/// The only version there is.
const VERSION: u64 = 1;

const FILE: Record = Record::plain(
    "expectation file",
    &[
        key("version", Shape::Whole(VERSION), "The version of the format: 1."),
        key(
            "endpoints",
            Shape::Many(&Shape::Text),
            "Names for those who are meant below.",
        ),
        key(
            "assertions",
            Shape::Many(&Shape::Text),
            "What shall get through and what not.",
        )
        .or(&["expect"]),
        key(
            "invariants",
            Shape::Many(&Shape::Text),
            "What shall hold for the whole design.",
        ),
    ],
);

const ASSERTION: Record = Record::plain(
    "assertion",
    &[
        key("id", Shape::Text, "What it is called."),
        key("from", Shape::Many(&Shape::Text), "Who sends.").required(),
        key("to", Shape::Many(&Shape::Text), "Who shall get it.").required(),
        key(
            "port",
            Shape::Many(&Shape::Text),
            "The services: 443/tcp, icmp, any, or a list.",
        )
        .or(&["ports", "service"]),
        key("expect", Shape::Text, "reachable, unreachable or partial.").required(),
        key(
            "by",
            Shape::Many(&Shape::Text),
            "The reasons, one of which has to stop it.",
        ),
        key(
            "via",
            Shape::Many(&Shape::Text),
            "Gateways that the way has to go by.",
        ),
        key(
            "never_via",
            Shape::Many(&Shape::Text),
            "Gateways that the way must not go by.",
        ),
        key(
            "round_trip",
            Shape::Flag,
            "Whether an answer has to come back; the default is true.",
        ),
        key("severity", Shape::Text, "How bad a failure is."),
        key("skip", Shape::Text, "Why it is not to be judged."),
    ],
);

const WORDS: &[(&str, Expected)] = &[
    ("reachable", Expected::Reachable),
    ("unreachable", Expected::Unreachable),
    ("blocked", Expected::Unreachable),
    ("partial", Expected::Partial),
];

/// Reads an expectation file; `file` is its number among the inputs.
pub fn read_expectations(text: &str, file: u32) -> (Expectations, Findings) {
    let mut findings = Findings::default();
    let mut reader = Reader {
        findings: &mut findings,
        endpoints: BTreeMap::new(),
        read: Expectations::default(),
    };
    for root in load(text, file, reader.findings).unwrap_or_default() {
        reader.read_root(&root);
    }
    let read = reader.read;
    for finding in contradictions(&read.assertions) {
        findings.push(finding);
    }
    (read, findings)
}

struct Reader<'f> {
    findings: &'f mut Findings,
    endpoints: BTreeMap<String, String>,
    read: Expectations,
}

impl Reader<'_> {
    fn read_root(&mut self, root: &Node) {
        if let Value::Sequence(items) = &root.value {
            for item in items {
                self.read_assertion(item);
            }
            return;
        }
        let fields = Fields::check(root, &FILE, "an expectation file", self.findings);
        if let Some(node) = fields.find("version") {
            node.whole(VERSION, VERSION, self.findings);
        }
        if let Some(node) = fields.find("endpoints") {
            for entry in node.entries("endpoints by name", self.findings) {
                if let Some(selector) = self.selector(&entry.value) {
                    self.endpoints.insert(entry.key.clone(), selector.text);
                }
            }
        }
        for item in fields.items("assertions") {
            self.read_assertion(item);
        }
        for item in fields.items("invariants") {
            self.read_invariant(item);
        }
    }

    /// A line, the one-key mapping that YAML makes of it, or a mapping with the parts.
    fn read_assertion(&mut self, node: &Node) {
        match &node.value {
            Value::Mapping(entries) if is_line(entries) => {
                let entry = &entries[0];
                let text = format!("{}: {}", entry.key, entry.value.as_text().unwrap_or_default());
                self.read_line(&text, entry.key_origin, entry.value.origin);
            }
            Value::Mapping(_) => self.read_parts(node),
            _ => {
                if let Some(text) = node.text("an assertion", self.findings) {
                    let text = text.to_owned();
                    self.read_line(&text, node.origin, Origin::NOWHERE);
                }
            }
        }
    }

    fn read_line(&mut self, text: &str, origin: Origin, word: Origin) {
        match parse_line(text) {
            Ok(line) => {
                let line = vpcsim_aws::Expectation { origin, ..line };
                let mut assertion = Assertion {
                    expected_origin: word,
                    ..Assertion::from(&line)
                };
                for selector in [&mut assertion.from, &mut assertion.to] {
                    if let Some(named) = self.endpoints.get(&selector.text) {
                        selector.text.clone_from(named);
                    }
                }
                self.read.assertions.push(assertion);
            }
            Err(problem) => {
                let finding = Finding::error("bad-expectation", origin, problem);
                self.findings
                    .push(finding.help("an expectation looks like `laptop -> web-1 tcp 80: reachable`"));
            }
        }
    }

    fn read_parts(&mut self, node: &Node) {
        let fields = Fields::check(node, &ASSERTION, "the assertion", self.findings);
        let ends = ["from", "to"].map(|key| fields.find(key).and_then(|node| self.selector(node)));
        let services = fields
            .find("port")
            .map_or_else(|| Some(vec![Traffic::All]), |node| self.services(node));
        let expected = fields
            .find("expect")
            .and_then(|node| Some((node.choice(WORDS, self.findings)?, node.origin)));
        let findings = &mut *self.findings;
        let mut list = |key: &str| -> Vec<Mention> {
            let items = fields.items(key).iter();
            let mentions = items.filter_map(|node| {
                Some(Mention {
                    text: node.text("a word", findings)?.to_owned(),
                    origin: node.origin,
                })
            });
            mentions.collect()
        };
        let (by, via, never_via) = (list("by"), list("via"), list("never_via"));
        let ([Some(from), Some(to)], Some(services), Some((expected, expected_origin))) =
            (ends, services, expected)
        else {
            return;
        };
        let id = fields.text("id", self.findings).map(str::to_owned);
        self.read.assertions.push(Assertion {
            id: id.unwrap_or_else(|| format!("{} -> {}", from.text, to.text)),
            from,
            to,
            services,
            expected,
            expected_origin,
            by,
            via,
            never_via,
            round_trip: fields.flag("round_trip", self.findings).unwrap_or(true),
            severity: fields.text("severity", self.findings).map(str::to_owned),
            skip: fields.text("skip", self.findings).map(str::to_owned),
            origin: node.origin,
        });
    }

    fn services(&mut self, node: &Node) -> Option<Vec<Traffic>> {
        let mut services = Vec::new();
        for item in node.items() {
            let text = item.text("a service", self.findings)?;
            match parse_service(text) {
                Ok(service) => services.push(service),
                Err(problem) => {
                    self.findings
                        .push(Finding::error("bad-service", item.origin, problem));
                    return None;
                }
            }
        }
        Some(services)
    }

    /// A name from `endpoints`, the words of a selection, or a mapping of criteria that all have to hold.
    fn selector(&mut self, node: &Node) -> Option<Selector> {
        let text = match &node.value {
            Value::Mapping(entries) => {
                let parts: Vec<String> = entries.iter().flat_map(criteria).collect();
                parts.join(" & ")
            }
            _ => node.text("who is meant", self.findings)?.to_owned(),
        };
        let text = self.endpoints.get(&text).cloned().unwrap_or(text);
        Some(Selector {
            text,
            origin: node.origin,
        })
    }

    fn read_invariant(&mut self, node: &Node) {
        let (word, value) = match &node.value {
            Value::Mapping(entries) if entries.len() == 1 => {
                (entries[0].key.clone(), Some(&entries[0].value))
            }
            _ => match node.text("an invariant", self.findings) {
                Some(text) => (text.to_owned(), None),
                None => return,
            },
        };
        let invariant = match word.as_str() {
            "no-asymmetric-paths" | "no-asymmetric-routing" => Invariant::NoAsymmetricPaths,
            "no-blackhole-routes" => Invariant::NoBlackholeRoutes,
            "own-zone-nat" | "own-az-nat" | "single-az-nat" => Invariant::OwnZoneNat,
            "only-from-internet" => {
                let items = value.map_or(&[][..], Node::items);
                Invariant::OnlyFromInternet(items.iter().filter_map(|item| self.selector(item)).collect())
            }
            _ => {
                let finding = Finding::error(
                    "unknown-invariant",
                    node.origin,
                    format!("there is no invariant `{word}`"),
                );
                let known = "write no-asymmetric-paths, no-blackhole-routes, own-zone-nat or only-from-internet: [who, …]";
                self.findings.push(finding.help(known));
                return;
            }
        };
        self.read.invariants.push(InvariantLine {
            invariant,
            text: word,
            origin: node.origin,
        });
    }
}

/// YAML makes a mapping with one entry of a line with a colon.
fn is_line(entries: &[Entry]) -> bool {
    matches!(entries, [only] if only.key.contains("->"))
}

/// `tag: {Name: web}` is `tag:Name=web`, `subnet: a` is `subnet:a`.
fn criteria(entry: &Entry) -> Vec<String> {
    match &entry.value.value {
        Value::Mapping(tags) => {
            let tag =
                |tag: &Entry| format!("{}:{}={}", entry.key, tag.key, tag.value.as_text().unwrap_or("*"));
            tags.iter().map(tag).collect()
        }
        _ => vec![format!(
            "{}:{}",
            entry.key,
            entry.value.as_text().unwrap_or_default()
        )],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = "\
version: 1
endpoints:
  web: { tag: { Name: web* }, subnet: public }
assertions:
  - id: web-public
    from: internet
    to: web
    port: [443/tcp, 80/tcp]
    expect: reachable
    via: [igw]
  - id: db-never-public
    from: internet
    to: { type: rds }
    port: any
    expect: blocked
    by: ENI_SG_RULES_MISMATCH
    severity: critical
  - laptop -> web-1 tcp 80: reachable
invariants: [no-blackhole-routes, only-from-internet: [web]]
";

    #[test]
    fn assertions_endpoints_and_invariants_are_read() {
        let (read, findings) = read_expectations(FILE, 0);
        assert!(findings.is_empty(), "{findings:?}");
        let [public, never, line] = &read.assertions[..] else {
            panic!("there are three")
        };
        assert_eq!(public.to.text, "tag:Name=web* & subnet:public");
        assert_eq!(
            (public.services.len(), public.expected, public.via.len()),
            (2, Expected::Reachable, 1)
        );
        assert_eq!(
            (never.expected, never.services[0], never.by[0].text.as_str()),
            (Expected::Unreachable, Traffic::All, "ENI_SG_RULES_MISMATCH")
        );
        assert_eq!(
            (
                line.from.text.as_str(),
                line.origin.line,
                line.expected_origin.line
            ),
            ("laptop", 18, 18)
        );
        assert!(
            matches!(&read.invariants[1].invariant, Invariant::OnlyFromInternet(list) if list[0].text.starts_with("tag:"))
        );
    }

    fn codes(text: &str) -> Vec<(&'static str, u32)> {
        read_expectations(text, 0)
            .1
            .iter()
            .map(|finding| (finding.code, finding.origin.line))
            .collect()
    }

    #[test]
    fn what_is_wrong_is_named_with_its_line_and_all_at_once() {
        let text = "version: 1\nassertions:\n  - { from: a, to: b, port: 70000/tcp, expect: reachable }\n  - { from: a, to: b, expekt: no }\n  - a -> b tcp: maybe\ninvariants: [no-bugs]\n";
        let found = codes(text);
        for wanted in [
            ("bad-service", 3),
            ("bad-expectation", 5),
            ("unknown-invariant", 6),
        ] {
            assert!(found.contains(&wanted), "{found:?}");
        }
        assert!(found.iter().any(|(_, line)| *line == 4), "{found:?}");
    }

    #[test]
    fn contradictions_are_errors() {
        let text = "- a -> b tcp 80: reachable\n- a -> b tcp 80: unreachable\n- { from: a, to: b, port: any, expect: unreachable }\n";
        let code = "contradictory-expectations";
        assert_eq!(codes(text), [(code, 2), (code, 3)]);
    }
}
