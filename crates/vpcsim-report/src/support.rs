//! What is modelled and what is not, as a table for people or tools.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde::Serialize;
use vpcsim_aws::Kind;

use crate::json::SCHEMA_VERSION;
use crate::style::{Role, Style, wrapped};

/// Something of AWS's networks that is not simulated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Missing {
    /// What people call it.
    pub noun: &'static str,
    /// What that means for answers.
    pub effect: &'static str,
}

const fn missing(noun: &'static str, effect: &'static str) -> Missing {
    Missing { noun, effect }
}

const ROUTED_THERE: &str = "a flow that is routed to one is unknown";
const OWNS_ADDRESSES: &str = "a flow to or from one of its addresses is unknown";

/// What is known to be missing; what has become a [`Kind`] since is left out of the answer.
const MISSING: &[Missing] = &[
    missing("virtual private gateway", ROUTED_THERE),
    missing("site-to-site VPN", ROUTED_THERE),
    missing("Direct Connect", ROUTED_THERE),
    missing("egress-only internet gateway", "it carries IPv6 only"),
    missing("gateway load balancer endpoint", ROUTED_THERE),
    missing("application load balancer", OWNS_ADDRESSES),
    missing("classic load balancer", OWNS_ADDRESSES),
    missing("gateway load balancer", ROUTED_THERE),
    missing("Network Firewall", ROUTED_THERE),
    missing(
        "IAM and endpoint policies",
        "only packets are judged, not requests",
    ),
    missing(
        "IPv6",
        "its addresses, routes and rules are reported and left out",
    ),
];

/// The kinds of resources that are simulated, in the order of registration.
pub fn modelled() -> impl Iterator<Item = &'static str> {
    Kind::ALL.iter().map(|kind| kind.noun())
}

/// What is not simulated.
pub fn not_modelled() -> impl Iterator<Item = &'static Missing> {
    let is_modelled = |noun: &str| modelled().any(|known| known.eq_ignore_ascii_case(noun));
    MISSING.iter().filter(move |entry| !is_modelled(entry.noun))
}

/// The keys of a kind of resource in the formats that are read, by the name of the format.
pub type FormatsOf<'f> = &'f dyn Fn(Kind) -> Vec<(&'static str, String)>;

/// The table for people.
pub fn render(style: Style, formats_of: FormatsOf<'_>) -> String {
    let mut page = format!("{}\n", style.paint(Role::Strong, "Modelled, packet by packet"));
    for &kind in Kind::ALL {
        let coverage = kind.coverage();
        let _ = writeln!(
            page,
            "  {} {}",
            style.paint(Role::Good, Role::Good.glyph()),
            kind.noun()
        );
        let formats = formats_of(kind).into_iter().filter(|(_, keys)| !keys.is_empty());
        let formats: Vec<String> = formats
            .map(|(format, keys)| format!("{format}: {keys}"))
            .collect();
        let lines = [
            ("", coverage.modelled.to_owned()),
            ("not: ", coverage.missing.to_owned()),
            ("read from ", formats.join("; ")),
        ];
        for (begin, words) in lines.iter().filter(|(_, words)| !words.is_empty()) {
            for line in wrapped(&format!("{begin}{words}"), WIDTH) {
                let _ = writeln!(page, "      {line}");
            }
        }
    }
    let title = style.paint(Role::Strong, "Recognised or known, and not modelled");
    let _ = writeln!(page, "\n{title}");
    let column = not_modelled().map(|entry| entry.noun.len()).max().unwrap_or(0) + 6;
    for entry in not_modelled() {
        let glyph = style.paint(Role::Unsure, Role::Unsure.glyph());
        let _ = writeln!(
            page,
            "  {glyph} {:width$}{}",
            entry.noun,
            entry.effect,
            width = column - 4
        );
    }
    page.push('\n');
    let closing = "What a design holds beyond this is listed whenever the design is read, and every answer that it could \
                   change says so: an unknown answer never counts as passed.";
    for line in wrapped(closing, 100) {
        page.push_str(&line);
        page.push('\n');
    }
    page
}

/// Of the lines below a name.
const WIDTH: usize = 94;

#[derive(Serialize)]
struct Row {
    noun: &'static str,
    modelled: &'static str,
    missing: &'static str,
    formats: BTreeMap<&'static str, String>,
}

#[derive(Serialize)]
struct Support {
    schema_version: &'static str,
    modelled: Vec<Row>,
    not_modelled: Vec<&'static Missing>,
}

/// The table for tools.
pub fn json(formats_of: FormatsOf<'_>) -> String {
    let modelled = |&kind: &Kind| Row {
        noun: kind.noun(),
        modelled: kind.coverage().modelled,
        missing: kind.coverage().missing,
        formats: formats_of(kind).into_iter().collect(),
    };
    let support = Support {
        schema_version: SCHEMA_VERSION,
        modelled: Kind::ALL.iter().map(modelled).collect(),
        not_modelled: not_modelled().collect(),
    };
    crate::json::pretty(&support)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn in_yaml(kind: Kind) -> Vec<(&'static str, String)> {
        vec![("native", kind.noun().replace(' ', "_"))]
    }

    #[test]
    fn every_registered_kind_is_listed_as_modelled() {
        let page = render(Style::Plain, &in_yaml);
        for kind in Kind::ALL {
            assert!(page.contains(&format!("✓ {}\n", kind.noun())), "{page}");
        }
    }

    #[test]
    fn every_kind_says_what_is_modelled_of_it_and_where_it_is_read_from() {
        let page = render(Style::Plain, &in_yaml);
        for kind in Kind::ALL {
            let words = kind.coverage().modelled;
            assert!(words.len() > 10, "{kind:?}");
            let begin: String = words.split(' ').take(3).collect::<Vec<_>>().join(" ");
            assert!(page.contains(&begin), "{begin}");
        }
        assert!(page.contains("read from native: NAT_gateway"), "{page}");
    }

    #[test]
    fn nothing_is_both_modelled_and_missing() {
        assert!(not_modelled().all(|entry| modelled().all(|noun| noun != entry.noun)));
    }

    #[test]
    fn the_json_has_a_version_and_both_lists() {
        let value: serde_json::Value = serde_json::from_str(&json(&in_yaml)).unwrap();
        assert_eq!(value["schema_version"], "1");
        assert_eq!(value["modelled"].as_array().unwrap().len(), Kind::ALL.len());
        assert!(value["not_modelled"][0]["effect"].is_string());
        assert_eq!(value["modelled"][0]["formats"]["native"], "VPC");
    }
}
