//! JSON as a tree in which everything knows its place.

use std::ops::Range;

use vpcsim_aws::{Finding, Findings, Origin};

use crate::native::node::{Entry, Node, Value};

/// How deep a document may be nested.
const DEPTH_MAX: usize = 64;

/// Reads one JSON document; what is none is a finding.
pub(super) fn load(text: &str, file: u32, findings: &mut Findings) -> Option<Node> {
    let mut reader = Reader {
        text,
        place: 0,
        line: 1,
        column: 1,
        column_place: 0,
        file,
        findings,
    };
    let node = reader.value(0);
    let rest = node.is_ok() && reader.skip_to_next().is_some();
    let node = if rest {
        Err(Problem::Syntax("something stands behind its end"))
    } else {
        node
    };
    match node {
        Ok(node) => Some(node),
        Err(problem) => {
            reader.report(&problem);
            None
        }
    }
}

/// Why reading stopped.
enum Problem {
    Syntax(&'static str),
    TooDeep,
}

struct Reader<'t, 'f> {
    text: &'t str,
    place: usize,
    line: u32,
    /// The column of a place that was asked for before, so that long lines are counted once.
    column: u32,
    column_place: usize,
    file: u32,
    findings: &'f mut Findings,
}

impl Reader<'_, '_> {
    fn report(&mut self, problem: &Problem) {
        let origin = self.origin(&(self.place..self.place));
        let finding = match problem {
            Problem::Syntax(what) => {
                Finding::error("json-syntax", origin, format!("this is not JSON: {what}"))
            }
            Problem::TooDeep => {
                let message = format!("the document is nested more than {DEPTH_MAX} levels deep");
                Finding::error("yaml-too-deep", origin, message)
            }
        };
        self.findings.push(finding);
    }

    /// The place of a part of the current line.
    fn origin(&mut self, range: &Range<usize>) -> Origin {
        let text = self.text;
        let characters = |range: Range<usize>| text.get(range).map_or(0, |part| part.chars().count());
        self.column += characters(self.column_place..range.start) as u32;
        self.column_place = range.start;
        Origin {
            file: self.file,
            line: self.line,
            column: self.column,
            length: characters(range.clone()).max(1) as u32,
        }
    }

    /// Skips blanks; the next byte, if there is one.
    fn skip_to_next(&mut self) -> Option<u8> {
        loop {
            let byte = *self.text.as_bytes().get(self.place)?;
            match byte {
                b'\n' => {
                    self.line += 1;
                    self.column = 1;
                    self.column_place = self.place + 1;
                }
                b' ' | b'\t' | b'\r' => {}
                _ => return Some(byte),
            }
            self.place += 1;
        }
    }

    fn value(&mut self, depth: usize) -> Result<Node, Problem> {
        if depth >= DEPTH_MAX {
            return Err(Problem::TooDeep);
        }
        match self.skip_to_next() {
            Some(b'{') => self.object(depth),
            Some(b'[') => self.array(depth),
            Some(b'"') => {
                let (text, origin) = self.string()?;
                let value = Value::Scalar { text, quoted: true };
                Ok(Node { value, origin })
            }
            Some(_) => self.word(),
            None => Err(Problem::Syntax("it ends too early")),
        }
    }

    /// A number, a truth value or null.
    fn word(&mut self) -> Result<Node, Problem> {
        let rest = &self.text[self.place..];
        let is_end = |character: char| !character.is_ascii_alphanumeric() && !"+-.".contains(character);
        let word = &rest[..rest.find(is_end).unwrap_or(rest.len())];
        let known = matches!(word, "true" | "false" | "null")
            || (!word.is_empty() && serde_json::from_str::<serde_json::Number>(word).is_ok());
        if !known {
            return Err(Problem::Syntax("a value is expected here"));
        }
        let origin = self.origin(&(self.place..self.place + word.len()));
        self.place += word.len();
        let value = Value::Scalar {
            text: word.to_owned(),
            quoted: false,
        };
        Ok(Node { value, origin })
    }

    /// A text and its place, which is that of what stands between the quotes.
    fn string(&mut self) -> Result<(String, Origin), Problem> {
        let start = self.place;
        let bytes = self.text.as_bytes();
        let mut end = start + 1;
        let mut is_plain = true;
        loop {
            match bytes.get(end) {
                None | Some(b'\n') => return Err(Problem::Syntax("this text does not end")),
                Some(b'"') => break,
                Some(b'\\') => {
                    is_plain = false;
                    end += 2;
                }
                Some(_) => end += 1,
            }
        }
        let origin = self.origin(&(start + 1..end));
        let text = if is_plain {
            self.text[start + 1..end].to_owned()
        } else {
            serde_json::from_str(&self.text[start..=end])
                .map_err(|_| Problem::Syntax("this text has an escape that is none"))?
        };
        self.place = end + 1;
        Ok((text, origin))
    }

    fn start(&mut self) -> Origin {
        let origin = self.origin(&(self.place..self.place + 1));
        self.place += 1;
        origin
    }

    fn array(&mut self, depth: usize) -> Result<Node, Problem> {
        let origin = self.start();
        let mut items = Vec::new();
        if self.skip_to_next() != Some(b']') {
            loop {
                items.push(self.value(depth + 1)?);
                if !self.goes_on(b']')? {
                    break;
                }
            }
        }
        self.place += 1;
        let value = Value::Sequence(items);
        Ok(Node { value, origin })
    }

    fn object(&mut self, depth: usize) -> Result<Node, Problem> {
        let origin = self.start();
        let mut entries = Vec::new();
        let mut seen = rustc_hash::FxHashMap::default();
        if self.skip_to_next() != Some(b'}') {
            loop {
                if self.skip_to_next() != Some(b'"') {
                    return Err(Problem::Syntax("a quoted name is expected here"));
                }
                let (key, key_origin) = self.string()?;
                if self.skip_to_next() != Some(b':') {
                    return Err(Problem::Syntax("a colon is expected here"));
                }
                self.place += 1;
                let value = self.value(depth + 1)?;
                if let Some(first) = seen.insert(key.clone(), key_origin) {
                    self.report_duplicate(&key, key_origin, first);
                } else {
                    entries.push(Entry {
                        key,
                        key_origin,
                        value,
                    });
                }
                if !self.goes_on(b'}')? {
                    break;
                }
            }
        }
        self.place += 1;
        let value = Value::Mapping(entries);
        Ok(Node { value, origin })
    }

    fn report_duplicate(&mut self, key: &str, origin: Origin, first: Origin) {
        let message = format!(
            "`{key}` stands here a second time; the first is in line {}",
            first.line
        );
        self.findings
            .push(Finding::error("duplicate-key", origin, message));
    }

    /// Whether a comma follows rather than the end.
    fn goes_on(&mut self, end: u8) -> Result<bool, Problem> {
        match self.skip_to_next() {
            Some(b',') => {
                self.place += 1;
                Ok(true)
            }
            Some(byte) if byte == end => Ok(false),
            Some(_) => Err(Problem::Syntax("a comma is expected here")),
            None => Err(Problem::Syntax("it ends too early")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn codes(text: &str) -> Vec<&'static str> {
        let mut findings = Findings::default();
        load(text, 0, &mut findings);
        findings.iter().map(|finding| finding.code).collect()
    }

    #[test]
    fn values_know_their_places_and_escapes_are_resolved() {
        let mut findings = Findings::default();
        let text = "{\n  \"a\": [1, \"x\\u00e9\\n\", null],\n\t\"b\": {\"c\": \"é1\"}\n}";
        let node = load(text, 3, &mut findings).expect("valid");
        assert!(findings.is_empty());
        let entries = node.entries("", &mut findings);
        let items = entries[0].value.items();
        assert_eq!(items[1].as_text(), Some("xé\n"));
        assert!(items[2].is_null());
        let inner = &entries[1].value.entries("", &mut findings)[0];
        let place = inner.value.origin;
        assert_eq!(
            (place.file, place.line, place.column, place.length),
            (3, 3, 14, 2)
        );
    }

    #[test]
    fn what_is_no_json_is_named_with_its_place() {
        for text in [
            "{\"a\": }",
            "{\"a\" 1}",
            "[1 2]",
            "[1,]",
            "{\"a",
            "[1",
            "\"\\",
            "[tru]",
            "{} {}",
            "[01]",
            "{a: 1}",
            "",
        ] {
            assert_eq!(codes(text), ["json-syntax"], "{text}");
        }
        assert_eq!(codes(&"[".repeat(100_000)), ["yaml-too-deep"]);
        assert_eq!(codes("{\"a\": 1, \"a\": 2}"), ["duplicate-key"]);
    }
}
