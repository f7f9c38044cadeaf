//! VPC: address ranges and DNS attributes. What runs of it is the [fabric](crate::compile::fabric).

use ipnet::Ipv4Net;

use crate::compile::Place;
use crate::devices::{DhcpOptions, Kind, Resource};
use crate::model::{Id, Label, Origin};

/// A virtual private cloud.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Vpc {
    /// How it is called.
    pub label: Label,
    /// The owning account's twelve digits; empty if unknown.
    pub account: String,
    /// Its region (`eu-west-1`).
    pub region: String,
    /// Its address ranges, the primary first.
    pub cidrs: Vec<VpcCidr>,
    /// Whether the resolver answers (`enableDnsSupport`).
    pub dns_support: bool,
    /// Whether instances get public host names (`enableDnsHostnames`).
    pub dns_hostnames: bool,
    /// The set of DHCP options; `None` is AWS's default set.
    pub dhcp_options: Option<Id<DhcpOptions>>,
    /// Whether it is the account's default VPC.
    pub is_default: bool,
}

/// One address range of a VPC.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct VpcCidr {
    /// The range.
    pub net: Ipv4Net,
    /// Whether it is associated; only then it is usable (CIDR-15).
    pub associated: bool,
    /// Where it is declared.
    pub origin: Origin,
}

impl Resource for Vpc {
    const KIND: Kind = Kind::Vpc;
    const NOUN: &'static str = "VPC";

    fn label(&self) -> &Label {
        &self.label
    }

    fn place(_id: Id<Self>, _place: &mut Place<'_>) {}
}
