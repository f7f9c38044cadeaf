//! `appliance:` of an instance: what it does with packets for others.

use ipnet::Ipv4Net;
use vpcsim_aws::appliance::{Appliance, FirewallRule};

use super::context::Context;
use super::node::{Node, parse_cidr_or_address};
use super::shape::{Fields, Record, Shape, key};
use super::words;

const RULE: Shape = Shape::Pattern(r"^\s*(allow|deny)\s+\S+");

const RECORD: Record = Record::plain(
    "appliance",
    &[
        key(
            "forward",
            Shape::Flag,
            "Whether it sends packets for others on; the default is true.",
        ),
        key(
            "nat",
            Shape::Choice(&NATS),
            "Whether it puts its own address in front (`masquerade`); the default is `none`.",
        ),
        key(
            "firewall",
            Shape::Many(&RULE),
            "Its rules in order: `allow tcp 443 from 10.0.0.0/8 to 0.0.0.0/0`, `deny all`. What none allows is dropped.",
        ),
        key(
            "stateful",
            Shape::Flag,
            "Whether its firewall remembers connections; the default is true if it has rules.",
        ),
        key(
            "assumed",
            Shape::Flag,
            "Whether nobody said that it forwards, and only its routes make one think so.",
        ),
    ],
);

const NATS: [&str; 2] = ["none", "masquerade"];

/// The short forms.
const WORDS: [&str; 2] = ["router", "nat"];

/// A word, or a mapping.
pub(crate) const SHAPE: Shape = Shape::Either(&[Shape::Choice(&WORDS), Shape::Record(&RECORD)]);

/// Reads what an instance does with packets for others.
pub(crate) fn read(context: &mut Context<'_>, node: &Node) -> Option<Appliance> {
    if !node.is_mapping() {
        let words = [(WORDS[0], false), (WORDS[1], true)];
        let masquerade = node.choice(&words, context.findings)?;
        return Some(Appliance {
            masquerade,
            ..Appliance::router()
        });
    }
    let fields = Fields::check(node, &RECORD, "the appliance", context.findings);
    let forward = fields.flag("forward", context.findings).unwrap_or(true);
    let nats = [(NATS[0], false), (NATS[1], true)];
    let nat = fields
        .find("nat")
        .and_then(|node| node.choice(&nats, context.findings));
    let firewall = read_rules(context, fields.items("firewall"));
    let stateful = fields.flag("stateful", context.findings);
    let assumed = fields.flag("assumed", context.findings).unwrap_or(false);
    forward.then(|| Appliance {
        masquerade: nat.unwrap_or(false),
        stateful: stateful.unwrap_or(!firewall.is_empty()),
        firewall,
        assumed,
    })
}

fn read_rules(context: &mut Context<'_>, nodes: &[Node]) -> Vec<FirewallRule> {
    let mut rules = Vec::new();
    for node in nodes {
        let Some(text) = node.text("a rule like `allow tcp 443`", context.findings) else {
            continue;
        };
        match parse_rule(text) {
            Ok(more) => rules.extend(more),
            Err(problem) => context.error("bad-firewall-rule", node.origin, problem),
        }
    }
    rules
}

/// Reads `allow tcp 443 from 10.0.0.0/8 to 0.0.0.0/0`; an end that is not written is everybody.
fn parse_rule(text: &str) -> Result<Vec<FirewallRule>, String> {
    let (action, rest) = text
        .trim()
        .split_once(char::is_whitespace)
        .unwrap_or((text.trim(), ""));
    let allow = match action.to_ascii_lowercase().as_str() {
        "allow" => true,
        "deny" => false,
        _ => return Err(format!("`{text}` begins with neither `allow` nor `deny`")),
    };
    let rest = format!(" {} ", rest.trim());
    let at = |word: &str| rest.find(word);
    let cut = |from: usize, len: usize| {
        let end = [at(" from "), at(" to ")]
            .into_iter()
            .flatten()
            .filter(|end| *end > from)
            .min();
        rest[from + len..end.unwrap_or(rest.len())].trim()
    };
    let end = |word: &str| match at(word) {
        Some(found) => net(cut(found, word.len())),
        None => Ok(Ipv4Net::default()),
    };
    let (source, destination) = (end(" from ")?, end(" to ")?);
    let traffic = rest[..at(" from ")
        .into_iter()
        .chain(at(" to "))
        .min()
        .unwrap_or(rest.len())]
        .trim();
    let rule = |traffic| FirewallRule {
        allow,
        traffic,
        source,
        destination,
    };
    Ok(words::parse_traffic(traffic)?.into_iter().map(rule).collect())
}

fn net(text: &str) -> Result<Ipv4Net, String> {
    match text {
        "any" | "anywhere" => Ok(Ipv4Net::default()),
        text => parse_cidr_or_address(text).map_err(|_| format!("`{text}` is no address or range")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Vec<String> {
        parse_rule(text)
            .unwrap()
            .iter()
            .map(ToString::to_string)
            .collect()
    }

    #[test]
    fn a_rule_reads_what_a_rule_prints() {
        for text in [
            "allow tcp 443 from 10.0.0.0/8 to 192.0.2.0/24",
            "deny udp 53",
            "allow icmp from 10.1.0.0/16",
            "deny all to 10.0.0.1/32",
        ] {
            assert_eq!(words(text), [text]);
        }
        assert_eq!(
            words("allow tcp 80,443 to any"),
            ["allow tcp 80", "allow tcp 443"]
        );
    }

    #[test]
    fn a_wrong_rule_says_what_is_wrong() {
        assert!(parse_rule("permit all").unwrap_err().contains("neither"));
        assert!(
            parse_rule("allow tcp 80 from nowhere")
                .unwrap_err()
                .contains("nowhere")
        );
        assert!(parse_rule("allow").is_err());
    }
}
