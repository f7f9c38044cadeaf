//! Subnets.
//!
//! # AWS semantics
//!
//! - A subnet has a size of /16 to /28 (SUB-01).
//! - It lies in one range of its VPC (SUB-01), which has to be associated (CIDR-15).
//! - It lies in one availability zone, of its VPC's region (SUB-01).
//! - It overlaps no other subnet of the VPC (SUB-02).
//! - Its route table and its network ACL are its VPC's (SUB-05).

use super::overlap;
use super::vpc_range::{PREFIX_LEN_MAX, PREFIX_LEN_MIN};
use crate::devices::{Subnet, Vpc};
use crate::model::{Finding, Findings, Id};
use crate::topology::Topology;

/// Reports what is wrong with a subnet.
pub(crate) fn check(id: Id<Subnet>, topology: &Topology, findings: &mut Findings) {
    let subnet = &topology.subnets[id];
    let vpc = &topology.vpcs[subnet.vpc];
    check_range(subnet, vpc, findings);
    check_zone(subnet, vpc, findings);
    check_associations(subnet, topology, findings);
    let earlier = topology.subnets.iter().take(id.index());
    for (_, other) in earlier.filter(|(_, other)| other.vpc == subnet.vpc && overlap(other.cidr, subnet.cidr))
    {
        let message = format!(
            "subnet {} ({}) overlaps subnet {} ({})",
            subnet.label.display(),
            subnet.cidr,
            other.label.display(),
            other.cidr
        );
        let finding = Finding::error("subnet-overlap", subnet.label.origin, message);
        findings.push(
            finding
                .rule("SUB-02")
                .help("give the subnets of a VPC ranges that do not touch"),
        );
    }
}

fn check_range(subnet: &Subnet, vpc: &Vpc, findings: &mut Findings) {
    let (name, cidr, origin) = (subnet.label.display(), subnet.cidr, subnet.label.origin);
    if !(PREFIX_LEN_MIN..=PREFIX_LEN_MAX).contains(&cidr.prefix_len()) {
        let message = format!("subnet {name} has the range {cidr}, a size that AWS refuses");
        let finding = Finding::error("subnet-size", origin, message);
        findings.push(
            finding
                .rule("SUB-01")
                .help("a subnet has a prefix length of 16 to 28"),
        );
    }
    let around = vpc.cidrs.iter().filter(|range| range.net.contains(&cidr));
    let usable: Vec<bool> = around.map(|range| range.associated).collect();
    if usable.contains(&true) {
        return;
    }
    let ranges: Vec<String> = vpc.cidrs.iter().map(|range| range.net.to_string()).collect();
    let vpc_name = vpc.label.display();
    let (code, rule, message) = if usable.is_empty() {
        let message =
            format!("subnet {name} has the range {cidr}, which is in no single range of VPC {vpc_name}");
        ("subnet-outside-vpc", "SUB-01", message)
    } else {
        let message = format!(
            "subnet {name} has the range {cidr}, in a range of VPC {vpc_name} that is not associated"
        );
        ("subnet-in-unusable-range", "CIDR-15", message)
    };
    let help = format!(
        "VPC {vpc_name} has {}",
        if ranges.is_empty() {
            "no range".into()
        } else {
            ranges.join(", ")
        }
    );
    findings.push(Finding::error(code, origin, message).rule(rule).help(help));
}

fn check_zone(subnet: &Subnet, vpc: &Vpc, findings: &mut Findings) {
    let zone = subnet.availability_zone.as_str();
    // An id such as `use1-az1` names the zone without the region's name.
    if zone.is_empty() || vpc.region.is_empty() || zone.contains("-az") {
        return;
    }
    if zone.strip_prefix(vpc.region.as_str()).is_none_or(str::is_empty) {
        let message = format!(
            "subnet {} is in {zone}, which is no availability zone of {}, the region of VPC {}",
            subnet.label.display(),
            vpc.region,
            vpc.label.display()
        );
        let finding = Finding::error("subnet-zone", subnet.label.origin, message);
        findings.push(
            finding
                .rule("SUB-01")
                .help(format!("name a zone of that region, such as {}a", vpc.region)),
        );
    }
}

fn check_associations(subnet: &Subnet, topology: &Topology, findings: &mut Findings) {
    let table = subnet.route_table.and_then(|id| topology.route_tables.find(id));
    let acl = subnet.network_acl.and_then(|id| topology.network_acls.find(id));
    let associated = [
        (
            "subnet-route-table",
            "route table",
            table.map(|table| (table.vpc, &table.label)),
        ),
        (
            "subnet-network-acl",
            "network ACL",
            acl.map(|acl| (acl.vpc, &acl.label)),
        ),
    ];
    for (code, noun, other) in associated {
        let Some((vpc, label)) = other.filter(|(vpc, _)| *vpc != subnet.vpc) else {
            continue;
        };
        let message = format!(
            "subnet {} of VPC {} cannot use {noun} {} of VPC {}",
            subnet.label.display(),
            topology.vpcs[subnet.vpc].label.display(),
            label.display(),
            topology.vpcs[vpc].label.display()
        );
        let finding = Finding::error(code, subnet.label.origin, message);
        findings.push(
            finding
                .rule("SUB-05")
                .help(format!("associate it with a {noun} of its own VPC")),
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::devices::{NetworkAcl, RouteTable};
    use crate::model::Label;
    use crate::stand;

    fn design(ranges: &[&str], subnets: &[&str]) -> Topology {
        let mut topology = Topology::named("test", "eu-west-1");
        let vpc = stand::vpc(&mut topology, "shop", ranges);
        for cidr in subnets {
            stand::subnet(&mut topology, vpc, cidr);
        }
        topology
    }

    fn codes(ranges: &[&str], subnets: &[&str]) -> Vec<&'static str> {
        stand::codes(&design(ranges, subnets))
    }

    #[test]
    fn sizes_from_16_to_28_are_accepted_and_no_others() {
        assert!(codes(&["10.0.0.0/16"], &["10.0.0.0/16"]).is_empty());
        assert!(codes(&["10.0.0.0/16"], &["10.0.0.0/28"]).is_empty());
        assert_eq!(codes(&["10.0.0.0/16"], &["10.0.0.0/29"]), ["subnet-size"]);
    }

    #[test]
    fn a_subnet_lies_in_one_range_of_its_vpc() {
        assert_eq!(codes(&["10.0.0.0/16"], &["10.9.0.0/24"]), ["subnet-outside-vpc"]);
        assert_eq!(
            codes(&["10.2.0.0/17", "10.2.128.0/17"], &["10.2.0.0/16"]),
            ["subnet-outside-vpc"]
        );
    }

    #[test]
    fn a_range_that_is_not_associated_takes_no_subnet() {
        let mut topology = design(&["10.2.0.0/16", "10.3.0.0/16"], &["10.3.0.0/24"]);
        assert!(stand::codes(&topology).is_empty());
        topology.vpcs[Id::from_index(0)].cidrs[1].associated = false;
        assert_eq!(stand::codes(&topology), ["subnet-in-unusable-range"]);
    }

    #[test]
    fn subnets_of_a_vpc_do_not_overlap() {
        assert_eq!(
            codes(&["10.0.0.0/16"], &["10.0.1.0/24", "10.0.1.128/25"]),
            ["subnet-overlap"]
        );
        assert!(codes(&["10.0.0.0/16"], &["10.0.1.0/24", "10.0.2.0/24"]).is_empty());
    }

    #[test]
    fn the_zone_is_one_of_the_vpcs_region() {
        for (zone, right) in [
            ("eu-west-1a", true),
            ("eu-west-1-lon-1a", true),
            ("euw1-az1", true),
            ("", true),
            ("eu-west-1", false),
            ("eu-central-1a", false),
        ] {
            let mut topology = design(&["10.0.0.0/16"], &["10.0.1.0/24"]);
            topology.subnets[Id::from_index(0)].availability_zone = zone.to_owned();
            assert_eq!(stand::codes(&topology).is_empty(), right, "{zone}");
        }
    }

    #[test]
    fn route_table_and_network_acl_are_of_the_same_vpc() {
        let mut topology = design(&["10.0.0.0/16"], &["10.0.1.0/24"]);
        let other = stand::vpc(&mut topology, "other", &["10.1.0.0/16"]);
        let subnet = Id::from_index(0);
        topology.subnets[subnet].route_table = Some(topology.route_tables.push(RouteTable {
            label: Label::named("table"),
            vpc: other,
            main: false,
            routes: Vec::new(),
        }));
        topology.subnets[subnet].network_acl = Some(topology.network_acls.push(NetworkAcl {
            label: Label::named("acl"),
            vpc: other,
            default: false,
            ingress: Vec::new(),
            egress: Vec::new(),
        }));
        assert_eq!(
            stand::codes(&topology),
            ["subnet-network-acl", "subnet-route-table"]
        );
    }
}
