//! What a design is expected to let through, and what not: the assertions of an expectation file.

use crate::model::Origin;
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
    pub by: Vec<String>,
    /// Gateways that the way has to go by.
    pub via: Vec<String>,
    /// Gateways that the way must not go by.
    pub never_via: Vec<String>,
    /// Whether an answer has to come back; else it is enough to arrive.
    pub round_trip: bool,
    /// How bad a failure is, in the author's words.
    pub severity: Option<String>,
    /// Why it is not to be judged.
    pub skip: Option<String>,
    /// Where it stands.
    pub origin: Origin,
}

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
            by: line.because.iter().cloned().collect(),
            via: Vec::new(),
            never_via: Vec::new(),
            round_trip: true,
            severity: None,
            skip: None,
            origin: line.origin,
        }
    }
}
