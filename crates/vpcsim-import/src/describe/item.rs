//! One described thing, and lenient reading of what AWS and its imitators write.

use std::ops::Deref;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer};
use vpcsim_aws::{Finding, Kind, Label, Origin};

use super::build::Build;
use super::place::Place;
use crate::declared::origin_of;

/// A kind of described thing: what serde reads of it, and how it becomes part of the topology.
pub(super) trait Described: DeserializeOwned {
    /// The kind of resource it becomes; `None` for what is part of others, or holds them.
    const KIND: Option<Kind>;

    /// AWS's id.
    fn id(&self) -> &str;

    /// The tags.
    fn tags(&self) -> &[Tag];

    /// What people call it: the `Name` tag.
    fn name(&self) -> Option<&str> {
        let tag = self.tags().iter().find(|tag| tag.key == "Name");
        tag.map(|tag| tag.value.as_str())
            .filter(|name| !name.trim().is_empty())
    }

    /// Whether it still exists; what is gone claims no name.
    fn is_live(&self) -> bool {
        true
    }

    /// Takes over what a second description of the same thing says more.
    fn merge(&mut self, _other: Self) {}

    /// Takes over what is declared apart from the thing itself: a route, a rule, an association. Whether this kind can.
    fn absorb(&mut self, _part: Self) -> bool {
        false
    }

    /// Notes what others need to know before anything is declared.
    fn prepare(_item: &Item<'_, Self>, _build: &mut Build<'_>) {}

    /// Adds it to the topology; what it refers to must be registered before, else it has to wait for `connect`.
    fn declare(item: &Item<'_, Self>, label: Label, build: &mut Build<'_>);

    /// Adds what only follows from several declared things.
    fn complete(_item: &Item<'_, Self>, _build: &mut Build<'_>) {}

    /// Fills in its references when everything is there.
    fn connect(_item: &Item<'_, Self>, _build: &mut Build<'_>) {}
}

/// A described thing with its place.
#[derive(Debug)]
pub(super) struct Item<'t, T> {
    /// What serde read.
    pub value: T,
    /// Its text.
    pub raw: &'t str,
    /// Where it begins.
    pub origin: Origin,
    /// The account and region of its file.
    pub place: Place,
    /// What the author of a template or a plan calls it; `None` for what AWS described.
    pub address: Option<String>,
}

impl<T> Item<'_, T> {
    /// Where in it `text` stands as a string; its begin if nowhere.
    pub(crate) fn locate(&self, text: &str) -> Origin {
        let Some(at) = self.raw.find(&format!("\"{text}\"")) else {
            return self.origin;
        };
        let before = &self.raw[..at];
        let lines = before.matches('\n').count() as u32;
        let last = before.rsplit('\n').next().unwrap_or_default().chars().count() as u32;
        let column = if lines == 0 {
            self.origin.column + last
        } else {
            last + 1
        };
        Origin {
            file: self.origin.file,
            line: self.origin.line + lines,
            column,
            length: text.chars().count() as u32 + 2,
        }
    }

    /// An error about a string in it.
    pub(crate) fn error_at(&self, code: &'static str, text: &str, message: impl Into<String>) -> Finding {
        Finding::error(code, self.locate(text), message)
    }
}

/// Where a part of something made stands, if its template or plan says so.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(from = "String")]
pub(super) struct Spot(Option<Origin>);

impl From<String> for Spot {
    fn from(place: String) -> Self {
        Self(origin_of(&place))
    }
}

impl Spot {
    /// The place; `other` if it is not known.
    pub(crate) fn or(self, other: Origin) -> Origin {
        self.0.unwrap_or(other)
    }
}

/// A list that may be missing, null or a single element.
#[derive(Clone, Debug)]
pub(super) struct List<T>(pub Vec<T>);

impl<T> Default for List<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<T> Deref for List<T> {
    type Target = [T];
    fn deref(&self) -> &[T] {
        &self.0
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for List<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Option::<Vec<T>>::deserialize(deserializer).map(|list| Self(list.unwrap_or_default()))
    }
}

/// A text that may be null, or a number.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Word(pub String);

impl Deref for Word {
    type Target = str;
    fn deref(&self) -> &str {
        &self.0
    }
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Loose {
    Nothing,
    Text(String),
    Whole(i64),
    Flag(bool),
}

impl<'de> Deserialize<'de> for Word {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Self(match Loose::deserialize(deserializer)? {
            Loose::Nothing => String::new(),
            Loose::Text(text) => text,
            Loose::Whole(number) => number.to_string(),
            Loose::Flag(flag) => flag.to_string(),
        }))
    }
}

/// A whole number, also one that is written as text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Whole(pub i64);

impl<'de> Deserialize<'de> for Whole {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match Loose::deserialize(deserializer)? {
            Loose::Whole(number) => Ok(Self(number)),
            Loose::Text(text) => text.trim().parse().map(Self).map_err(serde::de::Error::custom),
            Loose::Nothing | Loose::Flag(_) => Err(serde::de::Error::custom("a whole number is expected")),
        }
    }
}

/// A tag.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub(super) struct Tag {
    /// Its key.
    pub key: String,
    /// Its value.
    pub value: String,
}

/// The tags of a label; a key has one value.
pub(super) fn read_tags(tags: &[Tag]) -> Vec<(String, String)> {
    let mut read: Vec<(String, String)> = Vec::with_capacity(tags.len());
    for tag in tags {
        if read.iter().all(|(key, _)| *key != tag.key) {
            read.push((tag.key.clone(), tag.value.clone()));
        }
    }
    read
}

/// An object of which only the state counts.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
#[expect(clippy::struct_field_names, reason = "these are AWS's names")]
pub(super) struct State {
    name: Word,
    state: Word,
    code: Word,
}

impl State {
    /// `available`, `associated` and so on: instances call it `Name`, peering connections `Code`.
    pub(crate) fn word(&self) -> &str {
        let words = [&self.name, &self.state, &self.code];
        words
            .into_iter()
            .find(|word| !word.is_empty())
            .map_or("", |word| word)
    }
}
