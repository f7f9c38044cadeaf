//! A text as a stream of JSON objects, each split into members that are not read yet.

use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;
use vpcsim_aws::{Finding, Findings, Origin};

/// An object of the stream.
#[derive(Clone, Debug)]
pub(crate) struct Document<'t> {
    /// Which of the inputs it stands in.
    pub file: u32,
    /// The whole text of that input.
    pub text: &'t str,
    /// Its members in the order of the text.
    pub members: Vec<(String, &'t RawValue)>,
}

/// Splits a text; what is not JSON is a finding.
pub(crate) fn documents<'t>(text: &'t str, file: u32, findings: &mut Findings) -> Vec<Document<'t>> {
    let mut documents = Vec::new();
    for part in serde_json::Deserializer::from_str(text).into_iter::<Part<'t>>() {
        match part {
            Ok(Part(objects)) => {
                let members = objects.into_iter();
                documents.extend(members.map(|members| Document { file, text, members }));
            }
            Err(error) => {
                findings.push(syntax_error(&error, file, text));
                break;
            }
        }
    }
    documents
}

fn syntax_error(error: &serde_json::Error, file: u32, text: &str) -> Finding {
    let line = error.line() as u32;
    // The parser counts bytes; people count characters.
    let before = text
        .lines()
        .nth(error.line().saturating_sub(1))
        .unwrap_or_default();
    let column = before
        .char_indices()
        .filter(|(at, _)| *at < error.column())
        .count()
        .max(1) as u32;
    let message = error.to_string();
    let message = message.split(" at line").next().unwrap_or_default();
    let origin = Origin {
        file,
        line: line.max(1),
        column,
        length: 1,
    };
    Finding::error("json-syntax", origin, format!("this is not JSON: {message}"))
}

/// An object, or a list of objects.
struct Part<'t>(Vec<Vec<(String, &'t RawValue)>>);

impl<'de> Deserialize<'de> for Part<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(PartVisitor)
    }
}

struct PartVisitor;

impl<'de> Visitor<'de> for PartVisitor {
    type Value = Part<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object with the answer of a describe call, or a list of them")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut members = Vec::new();
        while let Some(member) = map.next_entry::<String, &'de RawValue>()? {
            members.push(member);
        }
        Ok(Part(vec![members]))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
        let mut objects = Vec::new();
        while let Some(Part(inner)) = list.next_element::<Part<'de>>()? {
            objects.extend(inner);
        }
        Ok(Part(objects))
    }
}

/// The elements of a list, one element if it is an object, none if it is null.
pub(crate) struct Elements<'t>(pub Vec<&'t RawValue>);

impl<'t> Elements<'t> {
    /// Splits a member's value.
    pub(crate) fn of(raw: &'t RawValue) -> Result<Self, serde_json::Error> {
        match raw.get().as_bytes().first() {
            Some(b'[') => serde_json::from_str(raw.get()).map(Self),
            Some(b'n') => Ok(Self(Vec::new())),
            _ => Ok(Self(vec![raw])),
        }
    }
}

/// Whether a value holds anything.
pub(crate) fn is_empty(raw: &RawValue) -> bool {
    match Elements::of(raw) {
        Ok(Elements(elements)) => elements.is_empty() || raw.get() == "{}" || raw.get() == "\"\"",
        Err(_) => serde_json::from_str::<IgnoredAny>(raw.get()).is_err(),
    }
}

/// Finds lines and columns of ascending places in a text without starting over for each.
pub(crate) struct Locator<'t> {
    text: &'t str,
    file: u32,
    offset: usize,
    line: u32,
    column: u32,
}

impl<'t> Locator<'t> {
    /// A locator at the begin of the text.
    pub(crate) fn new(text: &'t str, file: u32) -> Self {
        Self {
            text,
            file,
            offset: 0,
            line: 1,
            column: 1,
        }
    }

    /// The place of a part of the text, which must be a slice of it.
    pub(crate) fn locate(&mut self, part: &str) -> Origin {
        let offset = (part.as_ptr().addr()).wrapping_sub(self.text.as_ptr().addr());
        if offset > self.text.len() {
            return Origin {
                file: self.file,
                line: 1,
                column: 1,
                length: 1,
            };
        }
        if offset < self.offset {
            *self = Self::new(self.text, self.file);
        }
        let between = self.text.get(self.offset..offset).unwrap_or_default();
        match between.rfind('\n') {
            Some(last) => {
                self.line += between.bytes().filter(|&byte| byte == b'\n').count() as u32;
                self.column = between[last + 1..].chars().count() as u32 + 1;
            }
            None => self.column += between.chars().count() as u32,
        }
        self.offset = offset;
        Origin {
            file: self.file,
            line: self.line,
            column: self.column,
            length: 1,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(text: &str) -> (Vec<Vec<String>>, usize) {
        let mut findings = Findings::default();
        let documents = documents(text, 0, &mut findings);
        let keys = documents
            .iter()
            .map(|document| document.members.iter().map(|(key, _)| key.clone()).collect());
        (keys.collect(), findings.len())
    }

    #[test]
    fn pages_one_after_the_other_and_lists_of_pages_are_split() {
        let pages = vec![
            vec!["Vpcs".to_owned()],
            vec!["Subnets".to_owned(), "NextToken".to_owned()],
        ];
        assert_eq!(
            keys("{\"Vpcs\": []}\n{\"Subnets\": [], \"NextToken\": \"x\"}"),
            (pages.clone(), 0)
        );
        assert_eq!(
            keys("[{\"Vpcs\": []}, [{\"Subnets\": [], \"NextToken\": \"x\"}]]"),
            (pages, 0)
        );
    }

    #[test]
    fn what_stands_before_a_syntax_error_is_kept() {
        let (keys, findings) = keys("{\"Vpcs\": []}\n{\"Subnets\": [}");
        assert_eq!((keys.len(), findings), (1, 1));
    }

    #[test]
    fn places_are_counted_in_lines_and_characters() {
        let text = "{\n \"é\": {\"b\": 1}}";
        let mut locator = Locator::new(text, 3);
        let part = &text[text.find("{\"b").expect("it is there")..];
        let origin = locator.locate(part);
        assert_eq!((origin.file, origin.line, origin.column), (3, 2, 7));
    }
}
