//! A VPC as a whole.
//!
//! # AWS semantics
//!
//! - Network address usage of a VPC is 64,000 units, at the most 256,000: an address 1, a prefix 1, a NAT gateway 6 (CIDR-17).
//! - A VPC has 200 subnets unless AWS granted more (CIDR-19).
//! - `enableDnsHostnames` needs `enableDnsSupport` (DNS-03).
//! - One route table is the main one (RT-02).
//! - A VPC has 200 route tables unless AWS granted more (RT-25).

use super::vpc_range;
use crate::devices::{Subnet, Vpc};
use crate::model::{Finding, Findings, Id};
use crate::topology::Topology;

const ADDRESS_USAGE_DEFAULT_QUOTA: usize = 64_000;
const ADDRESS_USAGE_MAX: usize = 256_000;
const NAT_GATEWAY_UNITS: usize = 6;
const SUBNETS_DEFAULT_QUOTA: usize = 200;
const ROUTE_TABLES_DEFAULT_QUOTA: usize = 200;

/// Reports what is wrong with a VPC.
pub(crate) fn check(id: Id<Vpc>, topology: &Topology, findings: &mut Findings) {
    let vpc = &topology.vpcs[id];
    vpc_range::check(vpc, findings);
    if vpc.dns_hostnames && !vpc.dns_support {
        let message = format!(
            "VPC {} has DNS host names on and DNS support off",
            vpc.label.display()
        );
        let finding = Finding::error("dns-hostnames-without-support", vpc.label.origin, message);
        findings.push(
            finding
                .rule("DNS-03")
                .help("turn DNS support on, or DNS host names off"),
        );
    }
    check_main_tables(id, topology, findings);
}

fn check_main_tables(id: Id<Vpc>, topology: &Topology, findings: &mut Findings) {
    let tables = topology.route_tables.iter().map(|(_, table)| table);
    let mut main = tables.filter(|table| table.vpc == id && table.main);
    let Some(first) = main.next() else {
        return;
    };
    for second in main {
        let message = format!(
            "route table {} cannot be a second main one of VPC {}, which has {}",
            second.label.display(),
            topology.vpcs[id].label.display(),
            first.label.display()
        );
        let finding = Finding::error("second-main-route-table", second.label.origin, message);
        findings.push(
            finding
                .rule("RT-02")
                .help("make one route table the main one, and associate the other with its subnets"),
        );
    }
}

/// How much of its quotas a VPC uses.
#[derive(Clone, Copy, Default)]
struct Usage {
    subnets: usize,
    route_tables: usize,
    address_units: usize,
}

/// Reports the VPCs that use more than their quotas, all in one pass over what stands in them.
pub(crate) fn check_usage(topology: &Topology, findings: &mut Findings) {
    for ((_, vpc), usage) in topology.vpcs.iter().zip(usages(topology)) {
        check_quotas(vpc, usage, findings);
    }
}

/// By VPC.
fn usages(topology: &Topology) -> Vec<Usage> {
    let mut usages = vec![Usage::default(); topology.vpcs.len()];
    let mut add = |vpc: Id<Vpc>, change: &dyn Fn(&mut Usage)| {
        if let Some(usage) = usages.get_mut(vpc.index()) {
            change(usage);
        }
    };
    let vpc_of = |subnet: Id<Subnet>| topology.subnets.find(subnet).map(|subnet| subnet.vpc);
    for (_, subnet) in topology.subnets.iter() {
        add(subnet.vpc, &|usage| usage.subnets += 1);
    }
    for (_, table) in topology.route_tables.iter() {
        add(table.vpc, &|usage| usage.route_tables += 1);
    }
    for (_, interface) in topology.network_interfaces.iter() {
        if let Some(vpc) = vpc_of(interface.subnet) {
            let units = interface.addresses.len() + interface.prefixes.len();
            add(vpc, &|usage| usage.address_units += units);
        }
    }
    for (_, gateway) in topology.nat_gateways.iter() {
        if let Some(vpc) = vpc_of(gateway.subnet) {
            add(vpc, &|usage| usage.address_units += NAT_GATEWAY_UNITS);
        }
    }
    usages
}

fn check_quotas(vpc: &Vpc, usage: Usage, findings: &mut Findings) {
    let mut report = |code, rule, count: usize, quota: usize, noun: &str| {
        if count > quota {
            let message = format!("VPC {} has {count} {noun}", vpc.label.display());
            let finding = Finding::warning(code, vpc.label.origin, message).rule(rule);
            findings.push(finding.help(format!("the quota is {quota} unless AWS granted more")));
        }
    };
    report(
        "vpc-subnet-quota",
        "CIDR-19",
        usage.subnets,
        SUBNETS_DEFAULT_QUOTA,
        "subnets",
    );
    report(
        "vpc-route-table-quota",
        "RT-25",
        usage.route_tables,
        ROUTE_TABLES_DEFAULT_QUOTA,
        "route tables",
    );
    let units = usage.address_units;
    if units > ADDRESS_USAGE_MAX {
        let message = format!(
            "VPC {} uses {units} units of network addresses",
            vpc.label.display()
        );
        let finding = Finding::error("vpc-address-usage", vpc.label.origin, message).rule("CIDR-17");
        findings.push(finding.help(format!("AWS grants {ADDRESS_USAGE_MAX} at the most")));
    } else {
        report(
            "vpc-address-usage",
            "CIDR-17",
            units,
            ADDRESS_USAGE_DEFAULT_QUOTA,
            "units of network address usage",
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::devices::RouteTable;
    use crate::model::{Label, Severity};
    use crate::stand;

    fn design() -> (Topology, Id<Vpc>) {
        let mut topology = Topology::named("test", "eu-west-1");
        let vpc = stand::vpc(&mut topology, "shop", &["10.0.0.0/16"]);
        (topology, vpc)
    }

    fn add_tables(topology: &mut Topology, vpc: Id<Vpc>, count: usize, main: bool) {
        for index in 0..count {
            topology.route_tables.push(RouteTable {
                label: Label::named(format!("table-{index}")),
                vpc,
                main,
                routes: Vec::new(),
            });
        }
    }

    #[test]
    fn dns_hostnames_need_dns_support() {
        let (mut topology, vpc) = design();
        topology.vpcs[vpc].dns_hostnames = true;
        topology.vpcs[vpc].dns_support = false;
        assert_eq!(stand::codes(&topology), ["dns-hostnames-without-support"]);
        topology.vpcs[vpc].dns_hostnames = false;
        assert!(stand::codes(&topology).is_empty());
    }

    #[test]
    fn one_route_table_is_the_main_one() {
        let (mut topology, vpc) = design();
        add_tables(&mut topology, vpc, 1, true);
        assert!(stand::codes(&topology).is_empty());
        add_tables(&mut topology, vpc, 1, true);
        assert_eq!(stand::codes(&topology), ["second-main-route-table"]);
    }

    #[test]
    fn more_than_200_route_tables_or_subnets_need_a_quota() {
        let (mut topology, vpc) = design();
        let codes = |topology: &Topology| {
            let codes = stand::codes(topology).into_iter();
            codes
                .filter(|code| *code != "route-table-unused")
                .collect::<Vec<_>>()
        };
        add_tables(&mut topology, vpc, 200, false);
        for number in 0..200 {
            stand::subnet(&mut topology, vpc, &format!("10.0.{number}.0/24"));
        }
        assert!(codes(&topology).is_empty());
        add_tables(&mut topology, vpc, 1, false);
        stand::subnet(&mut topology, vpc, "10.0.200.0/24");
        assert_eq!(codes(&topology), ["vpc-route-table-quota", "vpc-subnet-quota"]);
    }

    #[test]
    fn more_than_64000_units_of_addresses_need_a_quota_and_more_than_256000_are_refused() {
        let (mut topology, vpc) = design();
        let subnet = stand::subnet(&mut topology, vpc, "10.0.0.0/16");
        let interface = stand::interface(&mut topology, subnet, "10.0.0.9", None);
        let address = topology.network_interfaces[interface].addresses[0];
        for (count, severity) in [
            (64_000, None),
            (64_001, Some(Severity::Warning)),
            (256_001, Some(Severity::Error)),
        ] {
            topology.network_interfaces[interface].addresses = vec![address; count];
            let mut findings = Findings::default();
            check_usage(&topology, &mut findings);
            assert_eq!(
                findings.iter().map(|finding| finding.severity).next(),
                severity,
                "{count}"
            );
        }
    }
}
