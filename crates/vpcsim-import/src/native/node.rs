//! A YAML document as a tree in which everything knows its place, and typed reading that reports and goes on.

use std::fmt::Display;
use std::net::Ipv4Addr;
use std::str::FromStr;

use ipnet::Ipv4Net;
use vpcsim_aws::Span;
use vpcsim_aws::{Finding, Findings, Origin};

use super::suggest;

/// A part of a document.
#[derive(Clone, Debug)]
pub(crate) struct Node {
    /// What it holds.
    pub value: Value,
    /// Where it stands.
    pub origin: Origin,
}

/// What a node holds.
#[derive(Clone, Debug)]
pub(crate) enum Value {
    /// A scalar; `quoted` ones are never null.
    Scalar { text: String, quoted: bool },
    /// A list.
    Sequence(Vec<Node>),
    /// A mapping in the order of the text.
    Mapping(Vec<Entry>),
}

/// A key of a mapping with its value.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    /// The key.
    pub key: String,
    /// Where the key stands.
    pub key_origin: Origin,
    /// The value.
    pub value: Node,
}

impl Node {
    /// Whether it is `null`, `~` or nothing.
    pub(crate) fn is_null(&self) -> bool {
        match &self.value {
            Value::Scalar { text, quoted } => {
                !quoted && matches!(text.as_str(), "" | "~" | "null" | "Null" | "NULL")
            }
            _ => false,
        }
    }

    /// The text of a scalar.
    pub(crate) fn as_text(&self) -> Option<&str> {
        match &self.value {
            Value::Scalar { text, .. } if !self.is_null() => Some(text),
            _ => None,
        }
    }

    /// Whether it is a mapping.
    pub(crate) fn is_mapping(&self) -> bool {
        matches!(self.value, Value::Mapping(_))
    }

    /// What it is, for messages.
    pub(crate) fn describe(&self) -> String {
        match &self.value {
            _ if self.is_null() => "nothing".to_owned(),
            Value::Scalar { text, .. } => format!("`{text}`"),
            Value::Sequence(_) => "a list".to_owned(),
            Value::Mapping(_) => "a mapping".to_owned(),
        }
    }

    /// Reports that it is not what it should be.
    pub(crate) fn wrong_type(&self, wanted: &str, findings: &mut Findings) {
        let message = format!("{} stands where {wanted} is expected", self.describe());
        findings.push(Finding::error("wrong-type", self.origin, message));
    }

    /// The text of a scalar, or a finding.
    pub(crate) fn text(&self, wanted: &str, findings: &mut Findings) -> Option<&str> {
        let text = self.as_text();
        if text.is_none() {
            self.wrong_type(wanted, findings);
        }
        text
    }

    /// The elements: of a list all, of nothing none, of anything else itself.
    pub(crate) fn items(&self) -> &[Node] {
        match &self.value {
            Value::Sequence(items) => items,
            _ if self.is_null() => &[],
            _ => std::slice::from_ref(self),
        }
    }

    /// The entries of a mapping; nothing has none, and anything else is a finding.
    pub(crate) fn entries(&self, wanted: &str, findings: &mut Findings) -> &[Entry] {
        match &self.value {
            Value::Mapping(entries) => entries,
            _ if self.is_null() => &[],
            _ => {
                self.wrong_type(wanted, findings);
                &[]
            }
        }
    }

    /// A truth value.
    pub(crate) fn flag(&self, findings: &mut Findings) -> Option<bool> {
        let text = self.text("`true` or `false`", findings)?;
        match text.to_ascii_lowercase().as_str() {
            "true" | "yes" | "on" => Some(true),
            "false" | "no" | "off" => Some(false),
            _ => {
                self.wrong_type("`true` or `false`", findings);
                None
            }
        }
    }

    /// A whole number between two bounds.
    pub(crate) fn whole<T>(&self, first: T, last: T, findings: &mut Findings) -> Option<T>
    where
        T: FromStr + PartialOrd + Display + Copy,
    {
        let wanted = format!("a whole number from {first} to {last}");
        let number = self.text(&wanted, findings)?.replace('_', "").parse::<T>().ok();
        let number = number.filter(|number| *number >= first && *number <= last);
        if number.is_none() {
            self.wrong_type(&wanted, findings);
        }
        number
    }

    /// An address range; host bits are cleared, as AWS does.
    pub(crate) fn cidr(&self, findings: &mut Findings) -> Option<Ipv4Net> {
        let text = self.text("an address range like 10.0.0.0/16", findings)?;
        accept(parse_cidr(text), self.origin, findings)
    }

    /// An IPv4 address.
    pub(crate) fn address(&self, findings: &mut Findings) -> Option<Ipv4Addr> {
        let text = self.text("an IPv4 address like 10.0.1.5", findings)?;
        let address = text.parse().ok();
        if address.is_none() {
            let message = format!("`{text}` is not an IPv4 address");
            findings.push(
                Finding::error("bad-address", self.origin, message).help("an address looks like 10.0.1.5"),
            );
        }
        address
    }

    /// A time span like `100us`.
    pub(crate) fn span(&self, findings: &mut Findings) -> Option<Span> {
        const WANTED: &str = "a time span like 100us, 30ms or 2s";
        let text = self.text(WANTED, findings)?;
        let span = parse_span(text);
        if span.is_none() {
            self.wrong_type(WANTED, findings);
        }
        span
    }

    /// One of several words.
    pub(crate) fn choice<T: Copy>(&self, words: &[(&str, T)], findings: &mut Findings) -> Option<T> {
        let names: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
        let wanted = format!("one of {}", suggest::listed(names.iter().copied()));
        let text = self.text(&wanted, findings)?;
        let same = |word: &str| word.eq_ignore_ascii_case(text) || word.replace('-', "_") == text;
        let found = words.iter().find(|(word, _)| same(word));
        if found.is_none() {
            let mut finding = Finding::error("wrong-type", self.origin, format!("`{text}` is not {wanted}"));
            if let Some(near) = suggest::nearest(text, names) {
                finding = finding.help(format!("did you mean `{near}`?"));
            }
            findings.push(finding);
        }
        found.map(|(_, value)| *value)
    }
}

/// Why a text is not an address range.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum BadCidr {
    /// It is none.
    Syntax(String),
    /// It has bits behind the prefix; what it would be without them.
    HostBits(String, Ipv4Net),
    /// It is an IPv6 range.
    Ipv6(String),
}

impl BadCidr {
    /// The finding that says so.
    pub(crate) fn finding(&self, origin: Origin) -> Finding {
        match self {
            Self::Syntax(text) => {
                let message = format!("`{text}` is not an IPv4 address range");
                Finding::error("bad-cidr", origin, message).help("a range looks like 10.0.0.0/16")
            }
            Self::HostBits(text, net) => {
                let message = format!("`{text}` has bits set behind its prefix");
                Finding::warning("cidr-host-bits", origin, message)
                    .rule("CIDR-02")
                    .help(format!("AWS makes it {net}: write that"))
            }
            Self::Ipv6(text) => {
                let message = format!("`{text}` is an IPv6 range, and IPv6 is not modelled");
                Finding::error("ipv6-not-modelled", origin, message)
            }
        }
    }
}

/// Reports what is wrong with an address range, and gives the range that AWS would make of it.
pub(crate) fn accept(
    read: Result<Ipv4Net, BadCidr>,
    origin: Origin,
    findings: &mut Findings,
) -> Option<Ipv4Net> {
    let problem = match read {
        Ok(net) => return Some(net),
        Err(problem) => problem,
    };
    findings.push(problem.finding(origin));
    match problem {
        BadCidr::HostBits(_, net) => Some(net),
        BadCidr::Syntax(_) | BadCidr::Ipv6(_) => None,
    }
}

/// Reads an address range; host bits are told apart.
pub(crate) fn parse_cidr(text: &str) -> Result<Ipv4Net, BadCidr> {
    let Ok(net) = text.parse::<Ipv4Net>() else {
        let ipv6 = text.parse::<ipnet::Ipv6Net>().is_ok();
        let problem = if ipv6 { BadCidr::Ipv6 } else { BadCidr::Syntax };
        return Err(problem(text.to_owned()));
    };
    if net.trunc() != net {
        return Err(BadCidr::HostBits(text.to_owned(), net.trunc()));
    }
    Ok(net)
}

/// Reads an address range or a single address.
pub(crate) fn parse_cidr_or_address(text: &str) -> Result<Ipv4Net, BadCidr> {
    text.parse::<Ipv4Addr>()
        .map_or_else(|_| parse_cidr(text), |address| Ok(Ipv4Net::from(address)))
}

/// The units of time spans, the shortest last.
pub(crate) const SPAN_UNITS: [(&str, u64); 4] =
    [("s", 1_000_000_000), ("ms", 1_000_000), ("us", 1_000), ("ns", 1)];

fn parse_span(text: &str) -> Option<Span> {
    let text = text.trim().replace('µ', "u");
    let digits = text.find(|character: char| !character.is_ascii_digit() && character != '.')?;
    let (number, unit) = text.split_at(digits);
    let (_, unit_ns) = SPAN_UNITS.iter().find(|(name, _)| *name == unit.trim())?;
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    let mut ns = whole.parse::<u64>().ok()?.checked_mul(*unit_ns)?;
    let mut place_ns = *unit_ns;
    for digit in fraction.bytes() {
        place_ns /= 10;
        ns = ns.checked_add(u64::from(digit.checked_sub(b'0')?) * place_ns)?;
    }
    Some(Span::from_ns(ns))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scalar(text: &str) -> Node {
        Node {
            value: Value::Scalar {
                text: text.to_owned(),
                quoted: false,
            },
            origin: Origin {
                file: 0,
                line: 3,
                column: 5,
                length: text.len() as u32,
            },
        }
    }

    #[test]
    fn host_bits_are_named_with_the_range_that_is_meant() {
        let mut findings = Findings::default();
        assert_eq!(
            scalar("10.0.1.5/24").cidr(&mut findings),
            "10.0.1.0/24".parse().ok()
        );
        let finding = findings.iter().next().expect("one finding");
        assert_eq!(finding.code, "cidr-host-bits");
        assert_eq!(
            finding.help.as_deref(),
            Some("AWS makes it 10.0.1.0/24: write that")
        );
        assert_eq!(
            (finding.origin.line, finding.origin.column, finding.origin.length),
            (3, 5, 11)
        );
    }

    #[test]
    fn spans_have_units_and_fractions() {
        let mut findings = Findings::default();
        assert_eq!(scalar("100us").span(&mut findings), Some(Span::from_us(100)));
        assert_eq!(scalar("1.5 ms").span(&mut findings), Some(Span::from_us(1500)));
        assert_eq!(scalar("2s").span(&mut findings), Some(Span::from_secs(2)));
        assert!(findings.is_empty());
        for bad in ["100", "us", "1h", "99999999999999999999s", "1..2s"] {
            assert_eq!(scalar(bad).span(&mut findings), None, "{bad}");
        }
    }

    #[test]
    fn flags_are_friendly_and_numbers_have_bounds() {
        let mut findings = Findings::default();
        assert_eq!(scalar("Yes").flag(&mut findings), Some(true));
        assert_eq!(scalar("1_500").whole(64_u16, 9001, &mut findings), Some(1500));
        assert!(findings.is_empty());
        assert_eq!(scalar("63").whole(64_u16, 9001, &mut findings), None);
        assert_eq!(scalar("maybe").flag(&mut findings), None);
        assert_eq!(findings.len(), 2);
    }

    #[test]
    fn a_single_value_is_a_list_of_one_and_nothing_is_an_empty_one() {
        assert_eq!(scalar("tcp 80").items().len(), 1);
        assert!(scalar("null").items().is_empty() && scalar("").items().is_empty());
    }
}
