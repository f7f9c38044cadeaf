//! What is modelled and what is not, as a table for people or tools.

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
    missing("transit gateway", ROUTED_THERE),
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

/// The table for people.
pub fn render(style: Style) -> String {
    let mut page = format!("{}\n", style.paint(Role::Strong, "Modelled, packet by packet"));
    for noun in modelled() {
        let _ = writeln!(page, "  {} {noun}", style.paint(Role::Good, Role::Good.glyph()));
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

#[derive(Serialize)]
struct Support {
    schema_version: &'static str,
    modelled: Vec<&'static str>,
    not_modelled: Vec<&'static Missing>,
}

/// The table for tools.
pub fn json() -> String {
    let support = Support {
        schema_version: SCHEMA_VERSION,
        modelled: modelled().collect(),
        not_modelled: not_modelled().collect(),
    };
    crate::json::pretty(&support)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_registered_kind_is_listed_as_modelled() {
        let page = render(Style::Plain);
        for kind in Kind::ALL {
            assert!(page.contains(&format!("✓ {}\n", kind.noun())), "{page}");
        }
    }

    #[test]
    fn nothing_is_both_modelled_and_missing() {
        assert!(not_modelled().all(|entry| modelled().all(|noun| noun != entry.noun)));
    }

    #[test]
    fn the_json_has_a_version_and_both_lists() {
        let value: serde_json::Value = serde_json::from_str(&json()).unwrap();
        assert_eq!(value["schema_version"], "1");
        assert_eq!(value["modelled"].as_array().unwrap().len(), Kind::ALL.len());
        assert!(value["not_modelled"][0]["effect"].is_string());
    }
}
