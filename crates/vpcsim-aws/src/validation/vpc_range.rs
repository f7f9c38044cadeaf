//! The address ranges of a VPC.
//!
//! # AWS semantics
//!
//! - A range has a size of /16 to /28, the primary one (CIDR-01) as well as the others (CIDR-03).
//! - The ranges of a VPC do not overlap (CIDR-03).
//! - A VPC has 5 ranges, at the most 50 (CIDR-04).
//! - Public ranges are allowed and treated as private (CIDR-06).
//! - 0.0.0.0/8, 127.0.0.0/8, 169.254.0.0/16 and 224.0.0.0/4 are refused (CIDR-07).
//! - The three private ranges of RFC 1918 do not mix (CIDR-08).
//! - Beside a range in 10.0.0.0/15 no other of 10.0.0.0/16 is allowed (CIDR-09).
//! - Beside a primary range in 172.16.0.0/12 nothing of 172.31.0.0/16 is allowed (CIDR-10).
//! - 198.19.0.0/16 does not go with RFC 1918, and with public or carrier ranges only as the primary one (CIDR-11).
//! - Beside a public or carrier primary range nothing of RFC 1918 is allowed (CIDR-12).
//! - 172.17.0.0/16 is allowed, but some services of AWS use it themselves (CIDR-18).
//!
//! # Where AWS is silent
//!
//! - Reserved space above 240.0.0.0 is refused as multicast is.

use std::net::Ipv4Addr;

use ipnet::Ipv4Net;

use super::overlap;
use crate::devices::Vpc;
use crate::devices::vpc::VpcCidr;
use crate::model::{Finding, Findings};

/// The longest prefix of a VPC's or subnet's range.
pub(crate) const PREFIX_LEN_MAX: u8 = 28;
/// The shortest prefix of a VPC's or subnet's range.
pub(crate) const PREFIX_LEN_MIN: u8 = 16;
const RANGES_DEFAULT_QUOTA: usize = 5;
const RANGES_MAX: usize = 50;

const REFUSED: [Ipv4Net; 5] = [
    range(0, 0, 8),
    range(127, 0, 8),
    range(169, 254, 16),
    range(224, 0, 4),
    range(240, 0, 4),
];
const DOCKER: Ipv4Net = range(172, 17, 16);
const BENCHMARK: Ipv4Net = range(198, 19, 16);
const TEN_START: Ipv4Net = range(10, 0, 16);
const TEN_RESTRICTING: Ipv4Net = range(10, 0, 15);
const DEFAULT_VPC: Ipv4Net = range(172, 31, 16);

const fn range(first: u8, second: u8, prefix_len: u8) -> Ipv4Net {
    Ipv4Net::new_assert(Ipv4Addr::new(first, second, 0, 0), prefix_len)
}

/// What a range is, as far as it decides which others may stand beside it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Family {
    Ten,
    OneSevenTwo,
    OneNineTwo,
    Benchmark,
    Carrier,
    Public,
}

impl Family {
    fn of(net: Ipv4Net) -> Self {
        let families = [
            (range(10, 0, 8), Self::Ten),
            (range(172, 16, 12), Self::OneSevenTwo),
            (range(192, 168, 16), Self::OneNineTwo),
            (BENCHMARK, Self::Benchmark),
            (range(100, 64, 10), Self::Carrier),
        ];
        let found = families.into_iter().find(|(family, _)| overlap(*family, net));
        found.map_or(Self::Public, |(_, family)| family)
    }

    const fn is_rfc1918(self) -> bool {
        matches!(self, Self::Ten | Self::OneSevenTwo | Self::OneNineTwo)
    }
}

/// Why `net` may not stand beside the primary range and the earlier ones: the rule, and what it says.
fn restriction(primary: Ipv4Net, earlier: &[Ipv4Net], net: Ipv4Net) -> Option<(&'static str, &'static str)> {
    let (first, added) = (Family::of(primary), Family::of(net));
    let benchmark =
        "198.19.0.0/16 goes with public and 100.64.0.0/10 ranges only, and only as the primary range";
    match (first, added) {
        _ if first.is_rfc1918() && added.is_rfc1918() && first != added => Some((
            "CIDR-08",
            "10.0.0.0/8, 172.16.0.0/12 and 192.168.0.0/16 do not mix in one VPC",
        )),
        (Family::Benchmark, Family::Benchmark) => None,
        (_, Family::Benchmark) => Some(("CIDR-11", benchmark)),
        (Family::Benchmark, _) if added.is_rfc1918() => Some(("CIDR-11", benchmark)),
        (Family::Public | Family::Carrier, _) if added.is_rfc1918() => Some((
            "CIDR-12",
            "beside a public or 100.64.0.0/10 primary range no range of RFC 1918 is allowed",
        )),
        _ if overlap(TEN_START, net) && earlier.iter().any(|range| overlap(*range, TEN_RESTRICTING)) => {
            Some((
                "CIDR-09",
                "beside a range in 10.0.0.0/15 no further one of 10.0.0.0/16 is allowed",
            ))
        }
        (Family::OneSevenTwo, _) if overlap(DEFAULT_VPC, net) => Some((
            "CIDR-10",
            "beside a primary range in 172.16.0.0/12 nothing of 172.31.0.0/16 is allowed",
        )),
        _ => None,
    }
}

/// Reports what is wrong with a VPC's ranges.
pub(super) fn check(vpc: &Vpc, findings: &mut Findings) {
    let name = vpc.label.display();
    let ranges: Vec<&VpcCidr> = vpc.cidrs.iter().filter(|cidr| cidr.associated).collect();
    let Some(primary) = ranges.first() else {
        let message = format!("VPC {name} has no address range");
        let finding = Finding::error("vpc-without-range", vpc.label.origin, message);
        findings.push(
            finding
                .rule("CIDR-01")
                .help("give it a range of /16 to /28, such as 10.0.0.0/16"),
        );
        return;
    };
    for (index, cidr) in ranges.iter().enumerate() {
        check_alone(&name, index == 0, cidr, findings);
        let earlier: Vec<Ipv4Net> = ranges[..index].iter().map(|cidr| cidr.net).collect();
        if let Some(other) = earlier.iter().find(|other| overlap(**other, cidr.net)) {
            let message = format!("range {} of VPC {name} overlaps its range {other}", cidr.net);
            let finding = Finding::error("vpc-range-overlap", cidr.origin, message);
            findings.push(
                finding
                    .rule("CIDR-03")
                    .help("choose a range that no other of the VPC touches"),
            );
        } else if index > 0
            && let Some((rule, words)) = restriction(primary.net, &earlier, cidr.net)
        {
            let message = format!(
                "range {} cannot be added to VPC {name} with the primary range {}",
                cidr.net, primary.net
            );
            let finding = Finding::error("vpc-range-restricted", cidr.origin, message);
            findings.push(finding.rule(rule).help(words));
        }
    }
    check_count(vpc, ranges.len(), findings);
}

fn check_alone(name: &str, primary: bool, cidr: &VpcCidr, findings: &mut Findings) {
    let net = cidr.net;
    if !(PREFIX_LEN_MIN..=PREFIX_LEN_MAX).contains(&net.prefix_len()) {
        let message = format!("range {net} of VPC {name} has a size that AWS refuses");
        let finding = Finding::error("vpc-range-size", cidr.origin, message);
        let rule = if primary { "CIDR-01" } else { "CIDR-03" };
        findings.push(
            finding
                .rule(rule)
                .help("a VPC's range has a prefix length of 16 to 28"),
        );
    }
    if let Some(refused) = REFUSED.into_iter().find(|refused| overlap(*refused, net)) {
        let message = format!("range {net} of VPC {name} lies in {refused}, which cannot be a VPC's");
        let finding = Finding::error("vpc-range-refused", cidr.origin, message);
        findings.push(
            finding
                .rule("CIDR-07")
                .help("use a range of RFC 1918, such as 10.0.0.0/16"),
        );
    } else if overlap(DOCKER, net) {
        let message =
            format!("range {net} of VPC {name} overlaps {DOCKER}, which some services of AWS use themselves");
        let finding = Finding::warning("vpc-range-docker", cidr.origin, message);
        findings.push(
            finding
                .rule("CIDR-18")
                .help("use another range if instances run containers"),
        );
    } else if Family::of(net) == Family::Public && !overlap(range(198, 18, 15), net) {
        let message = format!(
            "range {net} of VPC {name} is public; inside AWS it is treated as private and not announced"
        );
        let finding = Finding::note("vpc-range-public", cidr.origin, message);
        findings.push(
            finding
                .rule("CIDR-06")
                .help("instances still need a public address to be reached from the internet"),
        );
    }
}

fn check_count(vpc: &Vpc, count: usize, findings: &mut Findings) {
    if count <= RANGES_DEFAULT_QUOTA {
        return;
    }
    let message = format!("VPC {} has {count} address ranges", vpc.label.display());
    let help = format!("the quota is {RANGES_DEFAULT_QUOTA}; AWS raises it to {RANGES_MAX} on request");
    let make = if count > RANGES_MAX {
        Finding::error
    } else {
        Finding::warning
    };
    findings.push(
        make("vpc-range-quota", vpc.label.origin, message)
            .rule("CIDR-04")
            .help(help),
    );
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Id;
    use crate::stand::vpc;
    use crate::topology::Topology;

    /// The codes and rules of what is found about a VPC with these ranges.
    fn found(ranges: &[&str]) -> Vec<(&'static str, &'static str)> {
        let mut topology = Topology::named("test", "eu-west-1");
        vpc(&mut topology, "shop", ranges);
        let mut findings = Findings::default();
        check(&topology.vpcs[Id::from_index(0)], &mut findings);
        findings
            .iter()
            .map(|finding| (finding.code, finding.rule.unwrap_or("")))
            .collect()
    }

    #[test]
    fn sizes_from_16_to_28_are_accepted_and_no_others() {
        for right in ["10.0.0.0/16", "10.0.0.0/28"] {
            assert_eq!(found(&[right]), [], "{right}");
        }
        for wrong in ["10.0.0.0/15", "10.0.0.0/29"] {
            assert_eq!(found(&[wrong]), [("vpc-range-size", "CIDR-01")], "{wrong}");
        }
        assert_eq!(
            found(&["10.2.0.0/16", "10.5.0.0/29"]),
            [("vpc-range-size", "CIDR-03")]
        );
        assert_eq!(found(&[]), [("vpc-without-range", "CIDR-01")]);
    }

    #[test]
    fn ranges_of_a_vpc_do_not_overlap() {
        assert_eq!(
            found(&["10.2.0.0/16", "10.2.128.0/17"]),
            [("vpc-range-overlap", "CIDR-03")]
        );
    }

    #[test]
    fn a_sixth_range_needs_a_quota_and_a_51st_is_refused() {
        let ranges: Vec<String> = (2..60).map(|second| format!("10.{second}.0.0/16")).collect();
        let ranges: Vec<&str> = ranges.iter().map(String::as_str).collect();
        assert_eq!(found(&ranges[..5]), []);
        assert_eq!(found(&ranges[..6]), [("vpc-range-quota", "CIDR-04")]);
        assert_eq!(found(&ranges[..51]), [("vpc-range-quota", "CIDR-04")]);
    }

    #[test]
    fn a_public_range_is_noted() {
        assert_eq!(found(&["203.0.113.0/24"]), [("vpc-range-public", "CIDR-06")]);
        assert_eq!(found(&["100.64.0.0/16"]), []);
    }

    #[test]
    fn special_ranges_are_refused() {
        for refused in [
            "0.1.0.0/16",
            "127.0.0.0/16",
            "169.254.0.0/16",
            "224.0.0.0/16",
            "250.0.0.0/16",
        ] {
            assert_eq!(found(&[refused]), [("vpc-range-refused", "CIDR-07")], "{refused}");
        }
    }

    #[test]
    fn private_families_do_not_mix() {
        for pair in [
            ["10.0.0.0/16", "192.168.0.0/16"],
            ["172.16.0.0/16", "10.5.0.0/16"],
            ["192.168.0.0/16", "172.20.0.0/16"],
        ] {
            assert_eq!(found(&pair), [("vpc-range-restricted", "CIDR-08")], "{pair:?}");
        }
        assert_eq!(found(&["10.2.0.0/16", "10.5.0.0/16"]), []);
    }

    #[test]
    fn beside_10_0_or_10_1_nothing_of_10_0_is_allowed() {
        assert_eq!(
            found(&["10.1.0.0/16", "10.0.0.0/24"]),
            [("vpc-range-restricted", "CIDR-09")]
        );
        assert_eq!(found(&["10.2.0.0/16", "10.0.0.0/24"]), []);
    }

    #[test]
    fn beside_172_16_nothing_of_172_31_is_allowed() {
        assert_eq!(
            found(&["172.16.0.0/16", "172.31.0.0/16"]),
            [("vpc-range-restricted", "CIDR-10")]
        );
        assert_eq!(found(&["172.16.0.0/16", "172.30.0.0/16"]), []);
    }

    #[test]
    fn the_benchmark_range_goes_with_public_ones_and_only_first() {
        assert_eq!(
            found(&["10.0.0.0/16", "198.19.0.0/20"]),
            [("vpc-range-restricted", "CIDR-11")]
        );
        assert_eq!(
            found(&["198.19.0.0/20", "10.0.0.0/16"]),
            [("vpc-range-restricted", "CIDR-11")]
        );
        assert_eq!(
            found(&["100.64.0.0/16", "198.19.0.0/20"]),
            [("vpc-range-restricted", "CIDR-11")]
        );
        assert_eq!(found(&["198.19.0.0/20", "100.64.0.0/16"]), []);
    }

    #[test]
    fn beside_a_carrier_range_nothing_of_rfc_1918_is_allowed() {
        assert_eq!(
            found(&["100.64.0.0/16", "10.0.0.0/16"]),
            [("vpc-range-restricted", "CIDR-12")]
        );
        assert_eq!(found(&["100.64.0.0/16", "100.65.0.0/16"]), []);
        assert_eq!(found(&["10.2.0.0/16", "100.65.0.0/16"]), []);
    }

    #[test]
    fn the_range_of_docker_is_warned_of() {
        assert_eq!(found(&["172.17.0.0/16"]), [("vpc-range-docker", "CIDR-18")]);
    }
}
