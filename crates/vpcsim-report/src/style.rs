//! How text looks: colours where they are wanted, lines no longer than a terminal is wide, times that people read.

use std::fmt::Write as _;

use anstyle::{AnsiColor, Effects, Style as Ansi};

/// Lines are broken at this many characters where they can be.
pub const LINE_WIDTH: usize = 100;

/// Whether text may carry colours.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Style {
    /// Bare text.
    #[default]
    Plain,
    /// Text with ANSI colours.
    Colour,
}

/// What a piece of text means, which decides its colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// It works.
    Good,
    /// It does not.
    Bad,
    /// Nobody knows.
    Unsure,
    /// It arrives, and its answer does not.
    OneWay,
    /// A heading.
    Strong,
    /// Beside the point.
    Faint,
}

impl Style {
    /// The text in the colour of its role.
    pub fn paint(self, role: Role, text: &str) -> String {
        if self == Self::Plain || text.is_empty() {
            return text.to_owned();
        }
        let style = role.ansi();
        format!("{}{text}{}", style.render(), style.render_reset())
    }
}

impl Role {
    /// The sign that stands for it where there are no colours.
    pub const fn glyph(self) -> &'static str {
        match self {
            Self::Good => "✓",
            Self::Bad => "✗",
            Self::Unsure => "?",
            Self::OneWay => "→",
            Self::Strong | Self::Faint => " ",
        }
    }

    fn ansi(self) -> Ansi {
        let coloured = |colour: AnsiColor| colour.on_default().effects(Effects::BOLD);
        match self {
            Self::Good => coloured(AnsiColor::Green),
            Self::Bad => coloured(AnsiColor::Red),
            Self::Unsure | Self::OneWay => coloured(AnsiColor::Yellow),
            Self::Strong => Ansi::new().bold(),
            Self::Faint => Ansi::new().dimmed(),
        }
    }
}

/// How many characters the text has.
pub fn width(text: &str) -> usize {
    text.chars().count()
}

/// The text with blanks behind it, up to `columns` characters.
pub fn padded(text: &str, columns: usize) -> String {
    let mut result = text.to_owned();
    result.extend(std::iter::repeat_n(' ', columns.saturating_sub(width(text))));
    result
}

/// The text in lines of at most `columns` characters, broken at blanks; a longer word has a line of its own.
pub fn wrapped(text: &str, columns: usize) -> Vec<String> {
    let mut lines = Vec::new();
    let mut line = String::new();
    for word in text.split_whitespace() {
        if !line.is_empty() && width(&line) + 1 + width(word) > columns {
            lines.push(std::mem::take(&mut line));
        }
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(word);
    }
    lines.push(line);
    lines
}

/// Writes `label` and the text beside it, the text broken into lines that start below one another at column `at`.
pub fn push_labelled(page: &mut String, label: &str, at: usize, text: &str) {
    let mut lead = padded(label, at);
    for line in wrapped(text, LINE_WIDTH.saturating_sub(at).max(20)) {
        let _ = writeln!(page, "{lead}{line}");
        lead = " ".repeat(at);
    }
}

/// A length of time with the unit that suits it: `0`, `400 µs`, `20.4 ms`.
pub fn time_words(time_ns: u64) -> String {
    let (unit_ns, unit) = match time_ns {
        0 => return "0".to_owned(),
        1..1_000 => (1, "ns"),
        1_000..1_000_000 => (1_000, "µs"),
        1_000_000..1_000_000_000 => (1_000_000, "ms"),
        _ => (1_000_000_000, "s"),
    };
    let thousandths = (time_ns % unit_ns) * 1_000 / unit_ns;
    let fraction = format!(".{thousandths:03}");
    let fraction = fraction.trim_end_matches('0').trim_end_matches('.');
    format!("{}{fraction} {unit}", time_ns / unit_ns)
}

/// `1 packet`, `2 packets`.
pub fn counted(count: usize, noun: &str) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{count} {noun}{plural}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_text_carries_no_escape_codes() {
        assert_eq!(Style::Plain.paint(Role::Bad, "no"), "no");
        assert!(Style::Colour.paint(Role::Bad, "no").contains("\u{1b}["));
    }

    #[test]
    fn lines_break_at_blanks_and_long_words_stand_alone() {
        assert_eq!(wrapped("one two three", 7), ["one two", "three"]);
        assert_eq!(wrapped("a incomprehensible b", 5), ["a", "incomprehensible", "b"]);
        assert_eq!(wrapped("", 5), [""]);
    }

    #[test]
    fn times_drop_zeros_that_say_nothing() {
        assert_eq!(time_words(0), "0");
        assert_eq!(time_words(999), "999 ns");
        assert_eq!(time_words(400_000), "400 µs");
        assert_eq!(time_words(20_450_000), "20.45 ms");
        assert_eq!(time_words(350_000_000_000), "350 s");
    }

    #[test]
    fn labelled_text_keeps_its_margin() {
        let mut page = String::new();
        push_labelled(&mut page, "why", 6, &"word ".repeat(30));
        let lines: Vec<_> = page.lines().collect();
        assert!(lines[0].starts_with("why   word") && lines[1].starts_with("      word"));
        assert!(lines.iter().all(|line| width(line) <= LINE_WIDTH));
    }
}
