//! From YAML text to nodes: positions, duplicate keys, aliases and merge keys, with limits against hostile input.

use saphyr_parser::{Event, Parser, ScalarStyle, ScanError, Span, Tag};
use vpcsim_aws::{Finding, Findings, Origin};

use super::node::{Entry, Node, Value};

/// How deep a document may be nested.
const DEPTH_MAX: usize = 64;
/// How many nodes aliases may add to a document.
const COPIED_MAX: usize = 1_000_000;

/// Reads every document of a text; what is not YAML is a finding. Tags say nothing.
pub(crate) fn load(text: &str, file: u32, findings: &mut Findings) -> Option<Vec<Node>> {
    load_with(text, file, None, findings)
}

/// Like [`load`], but a value with a tag becomes a mapping of one entry, whose key is made of the tag's name.
pub(crate) fn load_tagged(
    text: &str,
    file: u32,
    key_of_tag: fn(&str) -> String,
    findings: &mut Findings,
) -> Option<Vec<Node>> {
    load_with(text, file, Some(key_of_tag), findings)
}

fn load_with(
    text: &str,
    file: u32,
    key_of_tag: Option<fn(&str) -> String>,
    findings: &mut Findings,
) -> Option<Vec<Node>> {
    let mut loader = Loader {
        file,
        key_of_tag,
        findings,
        open: Vec::new(),
        anchors: Vec::new(),
        copied: 0,
        roots: Vec::new(),
    };
    for event in Parser::new_from_str(text) {
        match event {
            Ok((event, span)) => loader.event(event, span)?,
            Err(error) => {
                loader.syntax_error(&error);
                return None;
            }
        }
    }
    Some(loader.roots)
}

/// A list or mapping whose end has not come yet.
struct Open {
    origin: Origin,
    anchor: usize,
    is_mapping: bool,
    key: Option<String>,
    children: Vec<Node>,
}

struct Loader<'f> {
    file: u32,
    key_of_tag: Option<fn(&str) -> String>,
    findings: &'f mut Findings,
    open: Vec<Open>,
    anchors: Vec<(usize, Node)>,
    copied: usize,
    roots: Vec<Node>,
}

impl Loader<'_> {
    fn origin(&self, span: Span) -> Origin {
        let length = if span.start.line() == span.end.line() {
            span.len()
        } else {
            1
        };
        Origin {
            file: self.file,
            line: span.start.line() as u32,
            column: span.start.col() as u32 + 1,
            length: length.max(1) as u32,
        }
    }

    fn syntax_error(&mut self, error: &ScanError) {
        let origin = Origin {
            file: self.file,
            line: error.marker().line() as u32,
            column: error.marker().col() as u32 + 1,
            length: 1,
        };
        let message = format!("this is not YAML: {}", error.info());
        self.findings.push(Finding::error("yaml-syntax", origin, message));
    }

    /// Takes one event; `None` when a limit is passed and nothing more shall be read.
    fn event(&mut self, event: Event<'_>, span: Span) -> Option<()> {
        let origin = self.origin(span);
        match event {
            Event::Scalar(text, style, anchor, tag) => {
                let quoted = style != ScalarStyle::Plain;
                let text = text.into_owned();
                let value = Value::Scalar { text, quoted };
                let key = self.key_of(tag.as_deref());
                self.close(under_key(key, Node { value, origin }), anchor);
            }
            Event::SequenceStart(anchor, tag) => {
                let key = self.key_of(tag.as_deref());
                self.start(origin, anchor, key, false)?;
            }
            Event::MappingStart(anchor, tag) => {
                let key = self.key_of(tag.as_deref());
                self.start(origin, anchor, key, true)?;
            }
            Event::SequenceEnd | Event::MappingEnd => self.end()?,
            Event::Alias(anchor) => self.alias(anchor, origin)?,
            _ => {}
        }
        Some(())
    }

    fn end(&mut self) -> Option<()> {
        let Open {
            origin,
            anchor,
            is_mapping,
            key,
            children,
        } = self.open.pop()?;
        let value = if is_mapping {
            self.mapping(children)
        } else {
            Value::Sequence(children)
        };
        self.close(under_key(key, Node { value, origin }), anchor);
        Some(())
    }

    /// The key that a tag stands for; those of YAML itself stand for none.
    fn key_of(&self, tag: Option<&Tag>) -> Option<String> {
        let tag = tag.filter(|tag| !tag.is_yaml_core_schema() && !tag.suffix.is_empty())?;
        self.key_of_tag.map(|key_of_tag| key_of_tag(&tag.suffix))
    }

    fn start(&mut self, origin: Origin, anchor: usize, key: Option<String>, is_mapping: bool) -> Option<()> {
        if self.open.len() >= DEPTH_MAX {
            let message = format!("the document is nested more than {DEPTH_MAX} levels deep");
            self.findings
                .push(Finding::error("yaml-too-deep", origin, message));
            return None;
        }
        self.open.push(Open {
            origin: Origin { length: 1, ..origin },
            anchor,
            is_mapping,
            key,
            children: Vec::new(),
        });
        Some(())
    }

    fn alias(&mut self, anchor: usize, origin: Origin) -> Option<()> {
        let node = self
            .anchors
            .iter()
            .rev()
            .find(|(id, _)| *id == anchor)
            .map(|(_, node)| node.clone());
        let Some(node) = node else {
            let message = "this alias stands inside what it refers to";
            self.findings.push(Finding::error("yaml-alias", origin, message));
            let value = Value::Sequence(Vec::new());
            self.close(Node { value, origin }, 0);
            return Some(());
        };
        self.copied += size(&node);
        if self.copied > COPIED_MAX {
            let message = format!("aliases make more than {COPIED_MAX} values of this document");
            self.findings
                .push(Finding::error("yaml-too-large", origin, message));
            return None;
        }
        self.close(node, 0);
        Some(())
    }

    /// Hands a finished node to what it stands in.
    fn close(&mut self, node: Node, anchor: usize) {
        if anchor > 0 {
            self.anchors.push((anchor, node.clone()));
        }
        match self.open.last_mut() {
            Some(open) => open.children.push(node),
            None => self.roots.push(node),
        }
    }

    fn mapping(&mut self, children: Vec<Node>) -> Value {
        let mut entries: Vec<Entry> = Vec::with_capacity(children.len() / 2);
        let mut merged = Vec::new();
        let mut seen = rustc_hash::FxHashMap::default();
        let mut children = children.into_iter();
        while let (Some(key), Some(value)) = (children.next(), children.next()) {
            let Value::Scalar { text, quoted } = key.value else {
                key.wrong_type("a name", self.findings);
                continue;
            };
            if text == "<<" && !quoted {
                merged.push(value);
            } else if let Some(first) = seen.insert(text.clone(), key.origin) {
                let message = format!(
                    "`{text}` stands here a second time; the first is in line {}",
                    first.line
                );
                self.findings
                    .push(Finding::error("duplicate-key", key.origin, message));
            } else {
                entries.push(Entry {
                    key: text,
                    key_origin: key.origin,
                    value,
                });
            }
        }
        for node in merged {
            self.merge(node, &mut entries);
        }
        Value::Mapping(entries)
    }

    /// Adds the entries of a `<<` key that the mapping itself does not have.
    fn merge(&mut self, node: Node, entries: &mut Vec<Entry>) {
        match node.value {
            Value::Mapping(inherited) => {
                for entry in inherited {
                    if entries.iter().all(|own| own.key != entry.key) {
                        entries.push(entry);
                    }
                }
            }
            Value::Sequence(nodes) => nodes.into_iter().for_each(|node| self.merge(node, entries)),
            Value::Scalar { .. } => node.wrong_type("a mapping to merge", self.findings),
        }
    }
}

/// The node as the value of the only entry of a mapping, if there is a key.
fn under_key(key: Option<String>, value: Node) -> Node {
    let Some(key) = key else { return value };
    let origin = value.origin;
    let entry = Entry {
        key,
        key_origin: origin,
        value,
    };
    Node {
        value: Value::Mapping(vec![entry]),
        origin,
    }
}

/// How many nodes an alias to this one adds.
fn size(node: &Node) -> usize {
    match &node.value {
        Value::Scalar { .. } => 1,
        Value::Sequence(items) => 1 + items.iter().map(size).sum::<usize>(),
        Value::Mapping(entries) => 1 + entries.iter().map(|entry| size(&entry.value)).sum::<usize>(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn load_all(text: &str) -> (Option<Vec<Node>>, Vec<&'static str>) {
        let mut findings = Findings::default();
        let roots = load(text, 0, &mut findings);
        (roots, findings.iter().map(|finding| finding.code).collect())
    }

    #[test]
    fn keys_and_values_know_their_lines_and_columns() {
        let (roots, codes) = load_all("name: a\nvpcs:\n  shop: { cidr: 10.0.0.0/16 }\n");
        assert!(codes.is_empty());
        let roots = roots.expect("valid");
        let mut findings = Findings::default();
        let vpcs = &roots[0].entries("", &mut findings)[1].value;
        let shop = &vpcs.entries("", &mut findings)[0];
        assert_eq!(
            (
                shop.key_origin.line,
                shop.key_origin.column,
                shop.key_origin.length
            ),
            (3, 3, 4)
        );
        let cidr = &shop.value.entries("", &mut findings)[0].value;
        assert_eq!(
            (cidr.origin.line, cidr.origin.column, cidr.origin.length),
            (3, 17, 11)
        );
    }

    #[test]
    fn every_duplicate_key_is_reported() {
        let (roots, codes) = load_all("a: 1\na: 2\nb: {c: 1, c: 2}\n");
        assert_eq!(codes, ["duplicate-key", "duplicate-key"]);
        assert!(roots.is_some());
    }

    #[test]
    fn a_syntax_error_has_a_place() {
        let mut findings = Findings::default();
        assert!(load("a: [1, 2\nb: 3\n", 0, &mut findings).is_none());
        let finding = findings.iter().next().expect("one");
        assert_eq!(finding.code, "yaml-syntax");
        assert!(finding.origin.line >= 1);
    }

    #[test]
    fn aliases_and_merge_keys_work() {
        let (roots, codes) = load_all("x: &x {a: 1, b: 2}\ny: {<<: *x, b: 3}\nz: *x\n");
        assert!(codes.is_empty());
        let roots = roots.expect("valid");
        let mut findings = Findings::default();
        let entries = roots[0].entries("", &mut findings);
        let keys: Vec<_> = entries[1]
            .value
            .entries("", &mut findings)
            .iter()
            .map(|entry| entry.key.as_str())
            .collect();
        assert_eq!(keys, ["b", "a"]);
        assert_eq!(entries[2].value.entries("", &mut findings).len(), 2);
    }

    #[test]
    fn alias_bombs_and_deep_nesting_are_refused() {
        let mut bomb = String::from("a0: &a0 [1,1,1,1,1,1,1,1,1,1]\n");
        for level in 1..12 {
            let before = level - 1;
            let aliases = vec![format!("*a{before}"); 10].join(",");
            let line = format!("a{level}: &a{level} [{aliases}]\n");
            bomb.push_str(&line);
        }
        assert_eq!(load_all(&bomb).1, ["yaml-too-large"]);
        assert!(load_all(&"[".repeat(100_000)).0.is_none());
        assert_eq!(
            load_all(&format!("{}1{}", "[".repeat(70), "]".repeat(70))).1,
            ["yaml-too-deep"]
        );
    }
}
