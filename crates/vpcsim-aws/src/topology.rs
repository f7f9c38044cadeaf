//! The rest of a topology: settings, expectations, and what was not understood.

use std::net::Ipv4Addr;

use vpcsim_engine::Span;
use vpcsim_wire::Protocol;

pub use crate::devices::Topology;
use crate::devices::{AnyId, Vpc};
use crate::latency::LatencyPair;
use crate::model::{Findings, Id, Origin};
use crate::rate_limit::Limits;

/// Defaults that AWS does not publish or that vary; a design can override them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// One way between two interfaces of one availability zone.
    pub latency_same_az: Span,
    /// One way between two availability zones of a region (NET-12).
    pub latency_cross_az: Span,
    /// One way between two regions.
    pub latency_cross_region: Span,
    /// One way between an internet gateway and a host on the internet.
    pub latency_internet: Span,
    /// Pairs of zones and of regions that differ from the defaults above.
    pub latencies: Vec<LatencyPair>,
    /// Whether public addresses that nobody declared answer, as most of the internet's well-known hosts do.
    pub internet_answers: bool,
    /// Whether gateways and endpoints are held to AWS's figures for bits and packets a second (NAT-33, TGW-35, EP-15).
    pub limits: Option<Limits>,
    /// Connections that one instance's security groups track at the most (CT-15: unpublished).
    pub tracked_connections_max: u32,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            latency_same_az: Span::from_us(100),
            latency_cross_az: Span::from_us(400),
            latency_cross_region: Span::from_ms(30),
            latency_internet: Span::from_ms(10),
            latencies: Vec::new(),
            internet_answers: true,
            limits: Some(Limits::default()),
            tracked_connections_max: 136_812,
        }
    }
}

/// What the author of a design expects of one flow.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Expectation {
    /// Who sends: a name, an id, an address or `internet`.
    pub from: String,
    /// Who shall get it: the same.
    pub to: String,
    /// The protocol.
    pub protocol: Protocol,
    /// The destination port; for ICMP none.
    pub port: Option<u16>,
    /// Whether an answer shall come back.
    pub reachable: bool,
    /// For an unreachable flow: the drop reason or explanation code that shall stop it.
    pub because: Option<String>,
    /// The line as it was written.
    pub text: String,
    /// Where it stands.
    pub origin: Origin,
}

/// Something that the importer recognised and the simulator does not model.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unread {
    /// What kind of thing (`transit gateway`).
    pub noun: String,
    /// Its name or id.
    pub name: String,
    /// The VPC it belongs to, if it is known.
    pub vpc: Option<Id<Vpc>>,
    /// Addresses that it owns: flows to and from them may be judged wrong.
    pub addresses: Vec<Ipv4Addr>,
    /// What it may change in the verdicts, in one sentence.
    pub effect: String,
    /// Where it stands.
    pub origin: Origin,
}

impl Topology {
    /// An empty design of this name.
    pub fn named(name: impl Into<String>, region: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            region: region.into(),
            ..Self::default()
        }
    }

    /// Everything that AWS would refuse, and what is surprising, in the order of the input.
    pub fn validate(&self) -> Findings {
        let mut findings = Findings::default();
        self.validate_resources(&mut findings);
        crate::devices::elastic_ip::validate_mappings(self, &mut findings);
        crate::devices::nat_gateway::check_taken_addresses(self, &mut findings);
        crate::validation::vpc::check_usage(self, &mut findings);
        crate::validation::instance::check_attachments(self, &mut findings);
        crate::validation::private_addresses::check(self, &mut findings);
        crate::validation::shared_ranges::check(self, &mut findings);
        crate::latency::check(self, &mut findings);
        crate::graph::check(self, &mut findings);
        findings.sort();
        findings
    }

    /// The resource's name for reports: `vpc/name` for what lives in a VPC when the bare name is taken twice, else the name.
    pub fn name_of(&self, any: impl Into<AnyId>) -> &str {
        self.label(any.into()).map_or("?", |label| label.name.as_str())
    }
}
