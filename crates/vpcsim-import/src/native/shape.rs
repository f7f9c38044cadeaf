//! What may stand where: one table for reading, for "did you mean" and for the JSON Schema.

use vpcsim_aws::{Finding, Findings};

use super::node::{Entry, Node};
use super::registry::Noun;
use super::suggest;

/// What a value looks like.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Shape {
    /// Any text.
    Text,
    /// A truth value.
    Flag,
    /// A whole number up to this one.
    Whole(u64),
    /// An address range.
    Cidr,
    /// An address.
    Address,
    /// `true`, `false` or an address.
    PublicIp,
    /// A time span.
    Span,
    /// One of these words.
    Choice(&'static [&'static str]),
    /// Text of this form.
    Pattern(&'static str),
    /// One value, a list of them, or nothing.
    Many(&'static Shape),
    /// A mapping from names to values, or nothing.
    Named(&'static Shape),
    /// A mapping with these keys.
    Record(&'static Record),
    /// A mapping with these keys, or nothing.
    Optional(&'static Record),
    /// A mapping with one key of any name.
    Pair(&'static Shape),
    /// One of several shapes.
    Either(&'static [Shape]),
}

/// The keys of a mapping.
#[derive(Debug)]
pub(crate) struct Record {
    /// Its name in the schema.
    pub name: &'static str,
    /// Its keys.
    pub keys: &'static [Key],
    /// The nouns it holds, each under its own key.
    pub nouns: &'static [Noun],
    /// The pattern and shape of keys that are not names of ours, such as the destinations of a route table.
    pub open: Option<(&'static str, Shape)>,
}

/// A key of a mapping.
#[derive(Debug)]
pub(crate) struct Key {
    /// How it is spelled.
    pub name: &'static str,
    /// Other spellings that are read too.
    pub aliases: &'static [&'static str],
    /// Whether it has to be there.
    pub required: bool,
    /// What its value looks like.
    pub shape: Shape,
    /// What it means, in a sentence.
    pub about: &'static str,
}

/// A key that may be left out.
pub(crate) const fn key(name: &'static str, shape: Shape, about: &'static str) -> Key {
    Key {
        name,
        aliases: &[],
        required: false,
        shape,
        about,
    }
}

impl Key {
    /// The same key, which has to be there.
    pub(crate) const fn required(self) -> Self {
        Self {
            required: true,
            ..self
        }
    }

    /// The same key with further spellings.
    pub(crate) const fn or(self, aliases: &'static [&'static str]) -> Self {
        Self { aliases, ..self }
    }

    fn is(&self, word: &str) -> bool {
        self.name == word || self.aliases.contains(&word)
    }
}

impl Record {
    /// A record without nouns in it.
    pub(crate) const fn plain(name: &'static str, keys: &'static [Key]) -> Self {
        Self {
            name,
            keys,
            nouns: &[],
            open: None,
        }
    }

    /// Every key's name, those of the nouns too.
    pub(crate) fn names(&self) -> impl Iterator<Item = &'static str> {
        self.keys
            .iter()
            .map(|key| key.name)
            .chain(self.nouns.iter().map(|noun| noun.key))
    }

    fn knows(&self, word: &str) -> bool {
        self.keys.iter().any(|key| key.is(word)) || self.nouns.iter().any(|noun| noun.key == word)
    }
}

/// A mapping whose keys were checked against a record.
#[derive(Clone, Copy)]
pub(crate) struct Fields<'n> {
    record: &'static Record,
    /// The mapping itself.
    pub node: &'n Node,
    entries: &'n [Entry],
}

impl<'n> Fields<'n> {
    /// Reports what is no mapping, unknown keys, and required keys that are missing.
    pub(crate) fn check(
        node: &'n Node,
        record: &'static Record,
        what: &str,
        findings: &mut Findings,
    ) -> Self {
        let entries = node.entries(&format!("a mapping ({what})"), findings);
        for entry in entries
            .iter()
            .filter(|entry| record.open.is_none() && !record.knows(&entry.key))
        {
            findings.push(unknown_key(entry, record, what));
        }
        let fields = Self {
            record,
            node,
            entries,
        };
        for key in record
            .keys
            .iter()
            .filter(|key| key.required && fields.find(key.name).is_none())
        {
            let message = format!("{what} needs `{}`", key.name);
            findings.push(Finding::error("missing-key", node.origin, message).help(key.about));
        }
        fields
    }

    /// The value of a key, under whichever spelling; `null` is as good as absent.
    pub(crate) fn find(&self, name: &str) -> Option<&'n Node> {
        self.find_or_null(name).filter(|node| !node.is_null())
    }

    /// The value of a key even if it is `null`.
    pub(crate) fn find_or_null(&self, name: &str) -> Option<&'n Node> {
        debug_assert!(
            self.record.knows(name),
            "`{name}` is in the table of `{}`",
            self.record.name
        );
        let key = self.record.keys.iter().find(|key| key.is(name));
        let same = |entry: &&Entry| key.map_or(entry.key == name, |key| key.is(&entry.key));
        self.entries.iter().find(same).map(|entry| &entry.value)
    }

    /// The entries of a mapping under a key.
    pub(crate) fn named(&self, name: &str, findings: &mut Findings) -> &'n [Entry] {
        let wanted = "a mapping from names to what they stand for";
        self.find(name).map_or(&[], |node| node.entries(wanted, findings))
    }

    /// The elements under a key.
    pub(crate) fn items(&self, name: &str) -> &'n [Node] {
        self.find(name).map_or(&[], Node::items)
    }

    /// The text under a key.
    pub(crate) fn text(&self, name: &str, findings: &mut Findings) -> Option<&'n str> {
        self.find(name).and_then(|node| node.text("a text", findings))
    }

    /// The truth value under a key.
    pub(crate) fn flag(&self, name: &str, findings: &mut Findings) -> Option<bool> {
        self.find(name).and_then(|node| node.flag(findings))
    }

    /// The entries with keys that are not names of ours.
    pub(crate) fn open_entries(&self) -> impl Iterator<Item = &'n Entry> {
        let record = self.record;
        self.entries.iter().filter(move |entry| !record.knows(&entry.key))
    }
}

fn unknown_key(entry: &Entry, record: &Record, what: &str) -> Finding {
    let message = format!("unknown key `{}` in {what}", entry.key);
    let help = match suggest::nearest(&entry.key, record.names()) {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!("the keys here are {}", suggest::listed(record.names())),
    };
    Finding::error("unknown-key", entry.key_origin, message).help(help)
}
