//! A YAML document to be written: short things on one line, long ones a line each.

use std::fmt::Display;

/// A value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Yaml {
    /// A number, an address, a truth value: written as it is.
    Plain(String),
    /// A text: quoted where YAML would read something else.
    Text(String),
    /// A list.
    List(Vec<Yaml>),
    /// A list of which each element has a line of its own.
    Lines(Vec<Yaml>),
    /// A mapping.
    Map(Map),
    /// A mapping of which each entry has a line of its own.
    Block(Map),
}

/// The entries of a mapping.
pub(super) type Map = Vec<(String, Yaml)>;

/// Lines are filled up to this many characters.
const WIDTH: usize = 110;

impl Yaml {
    /// A text.
    pub(crate) fn text(text: impl Into<String>) -> Self {
        Self::Text(text.into())
    }

    /// Something that is written as it is.
    pub(crate) fn plain(value: impl Display) -> Self {
        Self::Plain(format!("{value}"))
    }

    /// A list of texts.
    pub(crate) fn texts<S: Into<String>>(texts: impl IntoIterator<Item = S>) -> Self {
        Self::List(texts.into_iter().map(Self::text).collect())
    }

    fn is_block(&self) -> bool {
        match self {
            Self::Block(_) | Self::Lines(_) => true,
            Self::Map(entries) => entries.iter().any(|(_, value)| value.is_block()),
            Self::List(items) => items.iter().any(Self::is_block),
            Self::Plain(_) | Self::Text(_) => false,
        }
    }

    fn is_empty(&self) -> bool {
        match self {
            Self::Map(entries) | Self::Block(entries) => entries.is_empty(),
            Self::List(items) | Self::Lines(items) => items.is_empty(),
            Self::Plain(_) | Self::Text(_) => true,
        }
    }

    /// On one line.
    fn flow(&self, out: &mut String) {
        match self {
            Self::Plain(text) => out.push_str(text),
            Self::Text(text) => out.push_str(&scalar(text)),
            Self::List(items) | Self::Lines(items) => {
                out.push('[');
                for (place, item) in items.iter().enumerate() {
                    out.push_str(if place > 0 { ", " } else { "" });
                    item.flow(out);
                }
                out.push(']');
            }
            Self::Map(entries) | Self::Block(entries) if entries.is_empty() => out.push_str("{}"),
            Self::Map(entries) | Self::Block(entries) => {
                out.push_str("{ ");
                for (place, (key, value)) in entries.iter().enumerate() {
                    out.push_str(if place > 0 { ", " } else { "" });
                    out.push_str(&scalar(key));
                    out.push_str(": ");
                    value.flow(out);
                }
                out.push_str(" }");
            }
        }
    }

    /// Behind a key or a dash that ends at `column`, with further lines indented by `indent`.
    fn behind(&self, column: usize, indent: usize, out: &mut String) {
        if self.is_empty() || !self.is_block() {
            let mut line = String::new();
            self.flow(&mut line);
            if self.is_empty() || column + 1 + line.chars().count() <= WIDTH {
                out.push(' ');
                out.push_str(&line);
                out.push('\n');
                return;
            }
        }
        out.push('\n');
        self.lines(indent, out);
    }

    fn lines(&self, indent: usize, out: &mut String) {
        let margin = " ".repeat(indent);
        match self {
            Self::Map(entries) | Self::Block(entries) => {
                for (key, value) in entries {
                    let key = scalar(key);
                    out.push_str(&margin);
                    out.push_str(&key);
                    out.push(':');
                    value.behind(indent + key.chars().count() + 1, indent + 2, out);
                }
            }
            Self::List(items) | Self::Lines(items) => {
                for item in items {
                    out.push_str(&margin);
                    out.push('-');
                    item.element(indent + 2, out);
                }
            }
            Self::Plain(_) | Self::Text(_) => {}
        }
    }

    /// Behind a dash: a mapping that is too long for a line begins right there.
    fn element(&self, indent: usize, out: &mut String) {
        let mut line = String::new();
        self.flow(&mut line);
        let long = self.is_block() || indent + line.chars().count() > WIDTH;
        match self {
            Self::Map(_) | Self::Block(_) if long && !self.is_empty() => {
                let mut lines = String::new();
                self.lines(indent, &mut lines);
                out.push(' ');
                out.push_str(lines.trim_start());
            }
            _ => self.behind(indent - 1, indent, out),
        }
    }
}

/// The whole document.
pub(super) fn document(entries: Map) -> String {
    let mut out = String::new();
    Yaml::Block(entries).lines(0, &mut out);
    out
}

/// A text as a scalar that reads back as this text, on its own and inside brackets.
fn scalar(text: &str) -> String {
    if is_plain(text) {
        text.to_owned()
    } else {
        quoted(text)
    }
}

fn is_plain(text: &str) -> bool {
    let Some(first) = text.chars().next() else {
        return false;
    };
    let last_is_bad = text.ends_with([' ', ':']);
    let first_is_bad = "-?:,[]{}#&*!|>'\"%@`= ".contains(first);
    let inside_is_bad =
        text.contains(": ") || text.contains(" #") || text.contains([',', '[', ']', '{', '}']);
    let odd = text
        .chars()
        .any(|letter| letter.is_control() || matches!(letter, '\u{2028}' | '\u{2029}' | '\u{feff}'));
    !(first_is_bad || last_is_bad || inside_is_bad || odd || is_ambiguous(text))
}

/// Whether YAML, of one version or another, reads something else than a text.
fn is_ambiguous(text: &str) -> bool {
    const WORDS: [&str; 11] = [
        "null", "~", "true", "false", "yes", "no", "on", "off", "y", "n", "<<",
    ];
    let digits = |text: &str| {
        text.chars()
            .all(|digit| digit.is_ascii_digit() || matches!(digit, ':' | '_'))
    };
    WORDS.iter().any(|word| word.eq_ignore_ascii_case(text))
        || text.parse::<f64>().is_ok()
        || text.starts_with("0x")
        || text.starts_with("0o")
        || digits(text)
}

fn quoted(text: &str) -> String {
    let mut out = String::from("\"");
    for letter in text.chars() {
        match letter {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\t' => out.push_str("\\t"),
            '\r' => out.push_str("\\r"),
            letter if letter.is_control() || matches!(letter, '\u{2028}' | '\u{2029}' | '\u{feff}') => {
                let escape = format!("\\u{:04x}", u32::from(letter));
                out.push_str(&escape);
            }
            letter => out.push(letter),
        }
    }
    out.push('"');
    out
}

#[cfg(test)]
mod tests {
    use vpcsim_aws::Findings;

    use super::*;
    use crate::native::load::load;

    /// What the reader makes of a text, as a value, in a list and as a key.
    fn read_back(text: &str) -> Vec<String> {
        let pair = || Yaml::Map(vec![(text.to_owned(), Yaml::text(text))]);
        let written = document(vec![
            ("a".to_owned(), Yaml::text(text)),
            ("b".to_owned(), Yaml::List(vec![pair()])),
        ]);
        let mut findings = Findings::default();
        let roots = load(&written, 0, &mut findings).unwrap_or_else(|| panic!("{written}"));
        assert!(findings.is_empty(), "{written}");
        let entries = roots[0].entries("", &mut findings);
        let inner = &entries[1].value.items()[0].entries("", &mut findings)[0];
        let text = |node: &crate::native::node::Node| node.as_text().unwrap_or("(null)").to_owned();
        vec![text(&entries[0].value), inner.key.clone(), text(&inner.value)]
    }

    #[test]
    fn every_text_reads_back_as_it_was() {
        for text in [
            "web-1",
            "a b",
            "a: b",
            "a #b",
            "#a",
            "-",
            "- a",
            "[x]",
            "a, b",
            "null",
            "~",
            "true",
            "012",
            "1e3",
            "",
            " a",
            "a ",
            "a:",
            "pl:x",
            "tcp 80 from 0.0.0.0/0",
            "\"q\"",
            "it's",
            "a\\b",
            "line\nbreak",
            "tab\t",
            "é ü 漢",
            "\u{1}",
            "{a}",
            "*x",
            "&x",
            "!x",
            "%x",
            "@x",
            "`x`",
            "?",
            "? a",
            "<<",
            "=",
            "02:11:33:44:55:10",
            "a -> b",
            "x\u{2028}y",
            "|",
            ">",
        ] {
            assert_eq!(read_back(text), [text, text, text], "{text:?}");
        }
    }

    #[test]
    fn what_is_short_stands_on_one_line_and_what_is_long_does_not() {
        let short = Yaml::Map(vec![
            ("az".to_owned(), Yaml::text("a")),
            ("list".to_owned(), Yaml::texts(["v", "w"])),
        ]);
        let long = Yaml::List(
            (0..30)
                .map(|number| Yaml::text(format!("element-{number}")))
                .collect(),
        );
        let written = document(vec![("short".to_owned(), short), ("long".to_owned(), long)]);
        assert!(
            written.starts_with("short: { az: a, list: [v, w] }\nlong:\n  - element-0\n"),
            "{written}"
        );
    }
}
