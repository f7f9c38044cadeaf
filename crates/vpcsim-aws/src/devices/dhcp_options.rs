//! DHCP options: what the platform's DHCP answers beside the address.

use std::net::Ipv4Addr;

use crate::devices::{Coverage, Kind, Resource};
use crate::model::{Findings, Id, Label};
use crate::topology::Topology;
use crate::validation;

/// A set of DHCP options.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DhcpOptions {
    /// How it is called.
    pub label: Label,
    /// The domain name.
    pub domain_name: Option<String>,
    /// The name servers, in order.
    pub domain_name_servers: Vec<NameServer>,
    /// The time servers.
    pub ntp_servers: Vec<Ipv4Addr>,
    /// The NetBIOS name servers.
    pub netbios_name_servers: Vec<Ipv4Addr>,
    /// The NetBIOS node type: 1, 2, 4 or 8.
    pub netbios_node_type: Option<u8>,
}

/// A name server of a set of DHCP options.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NameServer {
    /// The VPC's own resolver (`AmazonProvidedDNS`).
    AmazonProvided,
    /// Another one.
    Address(Ipv4Addr),
}

impl Resource for DhcpOptions {
    const KIND: Kind = Kind::DhcpOptions;
    const NOUN: &'static str = "DHCP option set";
    const COVERAGE: Coverage = Coverage::of("what DHCP hands out", "IPv6");

    fn label(&self) -> &Label {
        &self.label
    }

    fn validate(id: Id<Self>, topology: &Topology, findings: &mut Findings) {
        validation::dhcp_options::check(id, topology, findings);
    }
}
