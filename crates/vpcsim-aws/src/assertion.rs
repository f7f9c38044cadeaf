//! What a design is expected to let through, and what not: the assertions of an expectation file.

use std::collections::BTreeMap;

use crate::model::{Finding, Origin};
use crate::sets::{TrafficBox, TrafficSet};
use crate::topology::Expectation;
use crate::traffic::{PortRange, Traffic};
use vpcsim_wire::Protocol;

/// Who is meant, in the words of the selection (`subnet:web & tag:Name=a*`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Selector {
    /// The words.
    pub text: String,
    /// Where they stand.
    pub origin: Origin,
}

/// What an assertion names beside its ends: a gateway or a reason.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mention {
    /// The name, id or code.
    pub text: String,
    /// Where it stands.
    pub origin: Origin,
}

/// What is expected of all flows of an assertion.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Expected {
    /// All of them get an answer.
    Reachable,
    /// None of them gets one.
    Unreachable,
    /// Some of them do, and some do not.
    Partial,
}

impl Expected {
    /// As it is written.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Reachable => "reachable",
            Self::Unreachable => "unreachable",
            Self::Partial => "partial",
        }
    }
}

/// One assertion.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Assertion {
    /// What it is called.
    pub id: String,
    /// Who sends.
    pub from: Selector,
    /// Who shall get it.
    pub to: Selector,
    /// By which services.
    pub services: Vec<Traffic>,
    /// What is expected.
    pub expected: Expected,
    /// Where that word stands, so that it can be replaced.
    pub expected_origin: Origin,
    /// For what is unreachable: reasons or explanation codes, one of which has to stop it.
    pub by: Vec<Mention>,
    /// Gateways that the way has to go by.
    pub via: Vec<Mention>,
    /// Gateways that the way must not go by.
    pub never_via: Vec<Mention>,
    /// Whether an answer has to come back; else it is enough to arrive.
    pub round_trip: bool,
    /// How bad a failure is, in the author's words.
    pub severity: Option<String>,
    /// Why it is not to be judged.
    pub skip: Option<String>,
    /// Where it stands.
    pub origin: Origin,
}

impl Assertion {
    /// Its services as a set.
    pub fn traffic(&self) -> TrafficSet {
        self.services
            .iter()
            .map(|service| TrafficBox::from(*service))
            .collect()
    }

    /// Whether both cannot hold of the same senders and receivers.
    ///
    /// What is answered has arrived: an assertion with `round_trip: false` says less when it expects flows to pass, and more when
    /// it expects none to. That some flows pass contradicts only what is said of all of them.
    pub fn contradicts(&self, other: &Self) -> bool {
        let (passes, stops) = match (self.expected, other.expected) {
            (Expected::Reachable, Expected::Unreachable | Expected::Partial)
            | (Expected::Partial, Expected::Unreachable) => (self, other),
            (Expected::Unreachable | Expected::Partial, Expected::Reachable)
            | (Expected::Unreachable, Expected::Partial) => (other, self),
            _ => return false,
        };
        if !passes.round_trip && stops.round_trip {
            return false;
        }
        let (some, all) = match (passes.expected, stops.expected) {
            (_, Expected::Partial) => (stops, passes),
            (Expected::Partial, _) => (passes, stops),
            _ => return !passes.traffic().intersection(&stops.traffic()).is_empty(),
        };
        all.traffic().covers(&some.traffic())
    }

    /// Both in words: what each expects, and where the other stands.
    pub fn contradiction(&self, earlier: &Self) -> String {
        format!(
            "`{}` expects {} of flows that `{}` in line {} expects to be {}",
            self.id,
            self.expected.word(),
            earlier.id,
            earlier.origin.line,
            earlier.expected.word()
        )
    }
}

/// The assertions that contradict an earlier one about the same words; what is skipped contradicts nothing.
pub fn contradictions(assertions: &[Assertion]) -> Vec<Finding> {
    let mut by_ends: BTreeMap<(&str, &str), Vec<&Assertion>> = BTreeMap::new();
    let mut findings = Vec::new();
    for assertion in assertions.iter().filter(|one| one.skip.is_none()) {
        let ends = (assertion.from.text.as_str(), assertion.to.text.as_str());
        let earlier = by_ends.entry(ends).or_default();
        if let Some(first) = earlier.iter().find(|first| assertion.contradicts(first)) {
            let message = assertion.contradiction(first);
            let finding = Finding::error("contradictory-expectations", assertion.origin, message);
            findings.push(finding.help(KEEP_ONE));
        }
        earlier.push(assertion);
    }
    findings
}

/// What to do about a contradiction.
pub const KEEP_ONE: &str = "keep one of them, or ask about other services";

/// Something that holds for a whole design.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Invariant {
    /// What gets through one way gets its answers.
    NoAsymmetricPaths,
    /// No route leads nowhere.
    NoBlackholeRoutes,
    /// Subnets without a way in leave by a NAT gateway of their own zone.
    OwnZoneNat,
    /// Nothing but these can be reached from the internet.
    OnlyFromInternet(Vec<Selector>),
}

/// An invariant with its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvariantLine {
    /// What has to hold.
    pub invariant: Invariant,
    /// As it is written.
    pub text: String,
    /// Where it stands.
    pub origin: Origin,
}

/// All that is expected of a design.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Expectations {
    /// The assertions, in order.
    pub assertions: Vec<Assertion>,
    /// The invariants, in order.
    pub invariants: Vec<InvariantLine>,
}

impl From<&Expectation> for Assertion {
    fn from(line: &Expectation) -> Self {
        let ports = line.port.map_or(PortRange::ALL, PortRange::single);
        let service = match line.protocol {
            Protocol::TCP => Traffic::Tcp(ports),
            Protocol::UDP => Traffic::Udp(ports),
            Protocol::ICMP => Traffic::Icmp {
                icmp_type: Some(8),
                icmp_code: Some(0),
            },
            other => Traffic::Other(other),
        };
        let selector = |text: &String| Selector {
            text: text.clone(),
            origin: line.origin,
        };
        Self {
            id: line.text.clone(),
            from: selector(&line.from),
            to: selector(&line.to),
            services: vec![service],
            expected: if line.reachable {
                Expected::Reachable
            } else {
                Expected::Unreachable
            },
            expected_origin: Origin::NOWHERE,
            by: line
                .because
                .iter()
                .map(|code| Mention {
                    text: code.clone(),
                    origin: line.origin,
                })
                .collect(),
            via: Vec::new(),
            never_via: Vec::new(),
            round_trip: true,
            severity: None,
            skip: None,
            origin: line.origin,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn assertion(expected: Expected, services: &[Traffic], round_trip: bool) -> Assertion {
        let selector = |text: &str| Selector {
            text: text.to_owned(),
            origin: Origin::NOWHERE,
        };
        Assertion {
            id: "one".to_owned(),
            from: selector("a"),
            to: selector("b"),
            services: services.to_vec(),
            expected,
            expected_origin: Origin::NOWHERE,
            by: Vec::new(),
            via: Vec::new(),
            never_via: Vec::new(),
            round_trip,
            severity: None,
            skip: None,
            origin: Origin::NOWHERE,
        }
    }

    fn ports(first: u16, last: u16) -> Traffic {
        Traffic::Tcp(PortRange { first, last })
    }

    #[test]
    fn services_in_common_are_enough_to_contradict() {
        let open = assertion(Expected::Reachable, &[ports(80, 80), ports(443, 443)], true);
        for (service, contradicts) in [
            (ports(400, 500), true),
            (Traffic::All, true),
            (ports(81, 442), false),
        ] {
            let shut = assertion(Expected::Unreachable, &[service], true);
            assert_eq!(
                (open.contradicts(&shut), shut.contradicts(&open)),
                (contradicts, contradicts),
                "{service}"
            );
        }
    }

    #[test]
    fn that_some_pass_contradicts_only_what_is_said_of_all_of_them() {
        let some = assertion(Expected::Partial, &[ports(80, 90)], true);
        for (service, contradicts) in [(ports(80, 90), true), (ports(80, 85), false)] {
            for expected in [Expected::Reachable, Expected::Unreachable] {
                let other = assertion(expected, &[service], true);
                assert_eq!(
                    (some.contradicts(&other), other.contradicts(&some)),
                    (contradicts, contradicts)
                );
            }
        }
        assert!(!some.contradicts(&some));
    }

    #[test]
    fn what_only_arrives_may_stay_unanswered() {
        let arrives = assertion(Expected::Reachable, &[Traffic::All], false);
        assert!(!arrives.contradicts(&assertion(Expected::Unreachable, &[Traffic::All], true)));
        assert!(arrives.contradicts(&assertion(Expected::Unreachable, &[Traffic::All], false)));
        let answered = assertion(Expected::Reachable, &[Traffic::All], true);
        assert!(answered.contradicts(&assertion(Expected::Unreachable, &[Traffic::All], false)));
    }

    #[test]
    fn the_later_one_is_told_once_and_what_is_skipped_contradicts_nothing() {
        let open = assertion(Expected::Reachable, &[ports(80, 80)], true);
        let shut = assertion(Expected::Unreachable, &[ports(80, 80)], true);
        assert_eq!(
            contradictions(&[open.clone(), open.clone(), shut.clone()]).len(),
            1
        );
        let skipped = Assertion {
            skip: Some("later".to_owned()),
            ..shut
        };
        assert!(contradictions(&[open, skipped]).is_empty());
    }
}
