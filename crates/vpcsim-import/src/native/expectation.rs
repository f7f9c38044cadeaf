//! `expect:` of a design: `laptop -> web-1 tcp 80: reachable`.

use vpcsim_aws::assertion::{Assertion, contradictions};
use vpcsim_aws::{Expectation, Protocol};

use super::context::Context;
use super::node::{Entry, Node, Value};
use super::shape::{Fields, Record, Shape, key};

const RECORD: Record = Record::plain(
    "expectation",
    &[
        key("from", Shape::Text, "Who sends.").required(),
        key("to", Shape::Text, "Who shall get it.").required(),
        key(
            "protocol",
            Shape::Choice(&["tcp", "udp", "icmp"]),
            "The protocol; the default is tcp.",
        ),
        key("port", Shape::Whole(u16::MAX as u64), "The destination port."),
        key(
            "reachable",
            Shape::Flag,
            "Whether an answer shall come back; the default is true.",
        ),
        key(
            "because",
            Shape::Text,
            "The drop reason or explanation code that shall stop it.",
        ),
        key("text", Shape::Text, "The line as it was written."),
    ],
);

/// One expectation: a line of text, the one-key mapping that YAML makes of it, or a mapping with the parts.
pub(crate) const SHAPE: Shape = Shape::Either(&[
    Shape::Pattern("->.*:"),
    Shape::Pair(&Shape::Text),
    Shape::Record(&RECORD),
]);

/// What an expectation looks like, for messages.
const EXAMPLE: &str = "an expectation looks like `laptop -> web-1 tcp 80: reachable`";

/// Reads the list.
pub(crate) fn read(design: &Fields<'_>, context: &mut Context<'_>) {
    let items = match design.find("expect") {
        // Lines that were not written as a list make one mapping.
        Some(Node {
            value: Value::Mapping(entries),
            ..
        }) if entries.iter().all(|entry| entry.key.contains("->")) => {
            for entry in entries {
                let text = format!("{}: {}", entry.key, entry.value.as_text().unwrap_or_default());
                read_line(context, &text, entry.key_origin);
            }
            return;
        }
        Some(node) => node.items(),
        None => &[],
    };
    for node in items {
        read_item(context, node);
    }
}

/// Reports the lines from number `first` on that contradict earlier ones.
pub(crate) fn check(first: usize, context: &mut Context<'_>) {
    let lines: Vec<Assertion> = context.topology.expectations[first..]
        .iter()
        .map(Assertion::from)
        .collect();
    for finding in contradictions(&lines) {
        context.findings.push(finding);
    }
}

fn read_item(context: &mut Context<'_>, node: &Node) {
    match &node.value {
        Value::Mapping(entries) if is_line(entries) => {
            let text = format!(
                "{}: {}",
                entries[0].key,
                entries[0].value.as_text().unwrap_or_default()
            );
            read_line(context, &text, entries[0].key_origin);
        }
        Value::Mapping(_) => {
            let expectation = read_parts(context, node);
            context.topology.expectations.extend(expectation);
        }
        _ => {
            if let Some(text) = node.text("an expectation", context.findings) {
                read_line(context, text, node.origin);
            }
        }
    }
}

/// YAML makes a mapping with one entry of a line with a colon.
fn is_line(entries: &[Entry]) -> bool {
    let [only] = entries else { return false };
    only.key.contains("->") || !RECORD.names().any(|name| name == only.key)
}

fn read_line(context: &mut Context<'_>, text: &str, origin: vpcsim_aws::Origin) {
    match parse_line(text) {
        Ok(expectation) => context.topology.expectations.push(Expectation {
            origin,
            ..expectation
        }),
        Err(problem) => {
            let finding = vpcsim_aws::Finding::error("bad-expectation", origin, problem);
            context.findings.push(finding.help(EXAMPLE));
        }
    }
}

fn read_parts(context: &mut Context<'_>, node: &Node) -> Option<Expectation> {
    let fields = Fields::check(node, &RECORD, "the expectation", context.findings);
    let findings = &mut *context.findings;
    let protocols = [
        ("tcp", Protocol::TCP),
        ("udp", Protocol::UDP),
        ("icmp", Protocol::ICMP),
    ];
    let protocol = fields
        .find("protocol")
        .and_then(|node| node.choice(&protocols, findings));
    let port = fields
        .find("port")
        .and_then(|node| node.whole(0, u16::MAX, findings));
    let mut expectation = Expectation {
        from: fields.text("from", findings)?.to_owned(),
        to: fields.text("to", findings)?.to_owned(),
        protocol: protocol.unwrap_or(Protocol::TCP),
        port,
        reachable: fields.flag("reachable", findings).unwrap_or(true),
        because: fields.text("because", findings).map(str::to_owned),
        text: String::new(),
        origin: node.origin,
    };
    let written = fields.text("text", findings).map(str::to_owned);
    expectation.text = written.unwrap_or_else(|| line_of(&expectation));
    Some(expectation)
}

/// The line that says the same.
pub(crate) fn line_of(expectation: &Expectation) -> String {
    let Expectation {
        from,
        to,
        protocol,
        port,
        reachable,
        because,
        ..
    } = expectation;
    let port = port.map(|port| format!(" {port}")).unwrap_or_default();
    let verdict = if *reachable { "reachable" } else { "unreachable" };
    let because = because
        .as_ref()
        .map(|code| format!(" because {code}"))
        .unwrap_or_default();
    format!("{from} -> {to} {protocol}{port}: {verdict}{because}")
}

/// Reads a line.
pub(crate) fn parse_line(text: &str) -> Result<Expectation, String> {
    let (from, rest) = text
        .split_once("->")
        .ok_or_else(|| format!("`{text}` has no arrow `->`"))?;
    let (flow, verdict) = rest
        .rsplit_once(':')
        .ok_or_else(|| format!("`{text}` does not say what is expected"))?;
    let (to, protocol, port) = parse_flow(flow.trim()).map_err(|problem| format!("`{text}`: {problem}"))?;
    let (reachable, because) =
        parse_verdict(verdict.trim()).map_err(|problem| format!("`{text}`: {problem}"))?;
    let from = from.trim();
    if from.is_empty() || to.is_empty() {
        return Err(format!("`{text}` does not say between whom"));
    }
    let (from, text) = (from.to_owned(), text.trim().to_owned());
    Ok(Expectation {
        from,
        to,
        protocol,
        port,
        reachable,
        because,
        text,
        origin: vpcsim_aws::Origin::NOWHERE,
    })
}

/// `web-1 tcp 80`, `web-1 icmp`, `web-1:80/tcp`, `web-1` (which is a ping).
fn parse_flow(flow: &str) -> Result<(String, Protocol, Option<u16>), String> {
    let (flow, short) = match flow.rsplit_once('/') {
        Some((head, "tcp" | "udp")) => (head, flow.rsplit('/').next()),
        _ => (flow, None),
    };
    if let (Some(protocol), Some((to, port))) = (short, flow.rsplit_once(':')) {
        let port = port
            .trim()
            .parse()
            .map_err(|_| format!("`{port}` is no port: ports go from 1 to 65535"))?;
        return Ok((to.trim().to_owned(), parse_protocol(protocol)?, Some(port)));
    }
    let words: Vec<&str> = flow.split_whitespace().collect();
    match words[..] {
        [ref to @ .., protocol, port]
            if port.bytes().all(|digit| digit.is_ascii_digit()) && !to.is_empty() =>
        {
            let port = port
                .parse()
                .map_err(|_| format!("`{port}` is no port: ports go from 1 to 65535"))?;
            let protocol = parse_protocol(protocol)?;
            if !protocol.has_ports() {
                return Err(format!("{protocol} has no ports"));
            }
            Ok((to.join(" "), protocol, Some(port)))
        }
        [ref to @ .., "icmp" | "ping"] if !to.is_empty() => Ok((to.join(" "), Protocol::ICMP, None)),
        [.., protocol @ ("tcp" | "udp")] => Err(format!("{protocol} needs a port")),
        _ => Ok((words.join(" "), Protocol::ICMP, None)),
    }
}

fn parse_protocol(word: &str) -> Result<Protocol, String> {
    let known = [Protocol::TCP, Protocol::UDP, Protocol::ICMP];
    let protocol = word.parse().ok().filter(|protocol| known.contains(protocol));
    protocol.ok_or_else(|| format!("`{word}` is not tcp, udp or icmp"))
}

fn parse_verdict(verdict: &str) -> Result<(bool, Option<String>), String> {
    let (word, rest) = verdict
        .split_once(|c: char| c.is_whitespace() || c == '(')
        .unwrap_or((verdict, ""));
    let because = rest
        .trim()
        .trim_start_matches("because")
        .trim()
        .trim_matches(['(', ')'])
        .trim();
    let because = (!because.is_empty()).then(|| because.to_owned());
    match word.to_ascii_lowercase().as_str() {
        "reachable" | "yes" | "open" if because.is_none() => Ok((true, None)),
        "unreachable" | "blocked" | "no" => Ok((false, because)),
        "reachable" => Err("only an unreachable flow has a reason".to_owned()),
        _ => Err(format!("`{verdict}` is neither `reachable` nor `unreachable`")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_has_two_ends_a_service_and_a_verdict() {
        let line = parse_line("laptop -> web-1 tcp 80: reachable").expect("valid");
        assert_eq!(
            (line.from.as_str(), line.to.as_str(), line.port, line.reachable),
            ("laptop", "web-1", Some(80), true)
        );
        let line = parse_line("a -> my host icmp: unreachable because SG_INGRESS").expect("valid");
        assert_eq!(
            (line.to.as_str(), line.protocol, line.port),
            ("my host", Protocol::ICMP, None)
        );
        assert_eq!(line.because.as_deref(), Some("SG_INGRESS"));
        let line = parse_line("a -> b:53/udp: unreachable (NAT_NO_STATE)").expect("valid");
        assert_eq!(
            (line.to.as_str(), line.protocol, line.port),
            ("b", Protocol::UDP, Some(53))
        );
        assert_eq!(line.because.as_deref(), Some("NAT_NO_STATE"));
    }

    #[test]
    fn wrong_lines_say_what_is_wrong() {
        for (text, part) in [
            ("a b: reachable", "arrow"),
            ("a -> b tcp 80", "expected"),
            ("a -> b tcp: reachable", "needs a port"),
            ("a -> b tcp 80: maybe", "neither"),
            ("a -> b icmp 80: reachable", "no ports"),
            (" -> b tcp 80: reachable", "between whom"),
        ] {
            let problem = parse_line(text).expect_err(text);
            assert!(problem.contains(part), "{text}: {problem}");
        }
    }

    #[test]
    fn the_line_of_an_expectation_reads_back() {
        for text in [
            "a -> b tcp 80: reachable",
            "a -> b icmp: unreachable because NO_ROUTE",
        ] {
            let parsed = parse_line(text).expect("valid");
            assert_eq!(line_of(&parsed), text);
        }
    }
}
