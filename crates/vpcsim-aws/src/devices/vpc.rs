//! VPC: address ranges and DNS attributes. What runs of it is the [fabric](crate::compile::fabric).

use ipnet::Ipv4Net;

use crate::arrangement::Renumbering;
use crate::compile::Place;
use crate::devices::{Coverage, DhcpOptions, Kind, Resource};
use crate::model::{Findings, Id, Label, Origin};
use crate::topology::Topology;
use crate::validation;
use crate::services::client::resolver_address;

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

impl Vpc {
    /// A VPC of these ranges, the primary first, with AWS's defaults (DNS-02, DNS-03).
    pub fn new(label: Label, region: impl Into<String>, ranges: &[Ipv4Net]) -> Self {
        let range = |&net: &Ipv4Net| VpcCidr {
            net,
            associated: true,
            origin: Origin::NOWHERE,
        };
        Self {
            label,
            account: String::new(),
            region: region.into(),
            cidrs: ranges.iter().map(range).collect(),
            dns_support: true,
            dns_hostnames: false,
            dhcp_options: None,
            is_default: false,
        }
    }
}

impl Resource for Vpc {
    const KIND: Kind = Kind::Vpc;
    const NOUN: &'static str = "VPC";
    const COVERAGE: Coverage = Coverage::of(
        "ranges, DNS attributes, regions and accounts, shared subnets",
        "IPv6, default VPCs",
    );

    fn label(&self) -> &Label {
        &self.label
    }

    fn renumber(&mut self, order: &Renumbering) {
        order.ids(&mut self.dhcp_options);
    }

    fn validate(id: Id<Self>, topology: &Topology, findings: &mut Findings) {
        validation::vpc::check(id, topology, findings);
    }

    /// The resolver is what runs of a VPC; without `enableDnsSupport` there is none (DNS-01, DNS-02).
    fn place(id: Id<Self>, place: &mut Place<'_>) {
        let vpc = &place.topology.vpcs[id];
        let Some(address) = resolver_address(vpc) else {
            return;
        };
        let node = vpc.dns_support.then(|| place.reserve(id));
        let fabric = place.fabric_mut(id);
        fabric.resolver_address = Some(address);
        fabric.resolver_node = node;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::services::fixture::shop;

    #[test]
    fn the_resolver_stands_at_base_plus_2_of_the_primary_range() {
        let topology = shop();
        let mut place = Place::new(&topology);
        Vpc::place(Id::from_index(0), &mut place);
        let fabric = place.fabric(Id::from_index(0));
        assert_eq!(fabric.resolver_address, Some([10, 0, 0, 2].into()));
        assert!(fabric.resolver_node.is_some());
    }

    #[test]
    fn without_dns_support_there_is_no_resolver() {
        let mut topology = shop();
        topology.vpcs[Id::from_index(0)].dns_support = false;
        let mut place = Place::new(&topology);
        Vpc::place(Id::from_index(0), &mut place);
        assert_eq!(place.fabric(Id::from_index(0)).resolver_node, None);
    }
}
