//! What AWS would refuse of security groups, and what is surprising about them.

use crate::devices::peering_connection::PeeringState;
use crate::devices::{NetworkInterface, PeeringConnection, SecurityGroup, Topology, Vpc};
use crate::model::{Finding, Findings, Id};
use crate::traffic::Direction;

use super::members::transit_vpcs;
use super::{Peer, SecurityGroupRule};

/// Rules per direction that a group may have unless AWS granted more (SG-14).
pub const RULES_DEFAULT_QUOTA: usize = 60;
/// Groups per interface unless AWS granted more (SG-14).
pub const GROUPS_PER_INTERFACE_DEFAULT_QUOTA: usize = 5;
/// Groups per interface that AWS grants at the most (SG-14).
pub const GROUPS_PER_INTERFACE_MAX: usize = 16;
/// Rules per direction times groups per interface at the most (SG-14).
pub const RULES_TIMES_GROUPS_MAX: usize = 1_000;
/// Characters that a group's name may have (SG-21).
pub const NAME_LEN_MAX: usize = 255;

pub(super) fn validate(id: Id<SecurityGroup>, topology: &Topology, findings: &mut Findings) {
    let group = &topology.security_groups[id];
    if id.index() == 0 {
        validate_interfaces(topology, findings);
    }
    validate_name(id, group, topology, findings);
    for direction in Direction::BOTH {
        validate_count(group, direction, topology, findings);
        let rules = group.rules(direction);
        for (index, rule) in rules.iter().enumerate() {
            validate_traffic(group, direction, rule, findings);
            validate_peer(group, direction, rule, topology, findings);
            let same = |other: &SecurityGroupRule| other.traffic == rule.traffic && other.peer == rule.peer;
            if rules[..index].iter().any(same) {
                findings.push(twice(group, direction, rule, topology));
            }
        }
    }
}

fn twice(
    group: &SecurityGroup,
    direction: Direction,
    rule: &SecurityGroupRule,
    topology: &Topology,
) -> Finding {
    let message = format!(
        "security group {} has the rule \"{}\" twice",
        group.label.display(),
        rule.words(direction, topology)
    );
    Finding::warning("security-group-rule-twice", rule.origin, message)
        .help("AWS keeps one of equal rules and refuses the other; remove it")
}

/// A name that is AWS's id or came from the `Name` tag is not the group's own.
fn own_name(group: &SecurityGroup) -> Option<&str> {
    let name = group.label.name.as_str();
    let borrowed = group.label.id.as_deref() == Some(name) || group.label.tag("Name") == Some(name);
    (!borrowed).then_some(name)
}

fn validate_name(id: Id<SecurityGroup>, group: &SecurityGroup, topology: &Topology, findings: &mut Findings) {
    let Some(name) = own_name(group) else {
        return;
    };
    let origin = group.label.origin;
    if name.starts_with("sg-") {
        let message =
            format!("security group name {name:?} begins with \"sg-\", which AWS reserves for its ids");
        let finding = Finding::error("security-group-name", origin, message).rule("SG-21");
        findings.push(finding.help("choose a name that does not begin with \"sg-\""));
    }
    let len = name.chars().count();
    if len > NAME_LEN_MAX {
        let message = format!("a security group name has {len} characters, the limit is {NAME_LEN_MAX}");
        let finding = Finding::error("security-group-name", origin, message).rule("SG-21");
        findings.push(finding.help(format!("shorten {name:?}")));
    }
    let mut earlier = topology.security_groups.iter().take(id.index());
    if earlier.any(|(_, other)| other.vpc == group.vpc && own_name(other) == Some(name)) {
        let message = format!("two security groups of one VPC are called {name:?}");
        let finding = Finding::error("security-group-name-taken", origin, message).rule("SG-21");
        findings.push(finding.help("names of security groups are unique within their VPC; rename one"));
    }
}

/// How many rules a rule counts for (SG-13).
fn weight(rule: &SecurityGroupRule, topology: &Topology) -> usize {
    match rule.peer {
        Peer::PrefixList(id) => topology
            .prefix_lists
            .find(id)
            .map_or(1, |list| list.entries_max as usize),
        _ => 1,
    }
}

fn rule_count(group: &SecurityGroup, direction: Direction, topology: &Topology) -> usize {
    group
        .rules(direction)
        .iter()
        .map(|rule| weight(rule, topology))
        .sum()
}

fn validate_count(group: &SecurityGroup, direction: Direction, topology: &Topology, findings: &mut Findings) {
    let count = rule_count(group, direction, topology);
    let message = format!(
        "security group {} has {count} {direction} rules; a reference to a prefix list counts as its maximum of entries",
        group.label.display()
    );
    let origin = group.label.origin;
    if count > RULES_TIMES_GROUPS_MAX {
        let finding = Finding::error("security-group-rule-quota", origin, message).rule("SG-14");
        findings.push(finding.help(format!("AWS allows {RULES_TIMES_GROUPS_MAX} at the most")));
    } else if count > RULES_DEFAULT_QUOTA {
        let finding = Finding::warning("security-group-rule-quota", origin, message).rule("SG-14");
        findings.push(finding.help(format!(
            "the quota is {RULES_DEFAULT_QUOTA} per direction unless AWS granted the account more"
        )));
    }
}

fn validate_traffic(
    group: &SecurityGroup,
    direction: Direction,
    rule: &SecurityGroupRule,
    findings: &mut Findings,
) {
    let Some((fault, help)) = rule.traffic.fault() else {
        return;
    };
    let message = format!(
        "an {direction} rule of security group {} {fault}",
        group.label.display()
    );
    findings.push(
        Finding::error("impossible-traffic", rule.origin, message)
            .rule("SG-06")
            .help(help),
    );
}

fn validate_peer(
    group: &SecurityGroup,
    direction: Direction,
    rule: &SecurityGroupRule,
    topology: &Topology,
    findings: &mut Findings,
) {
    let name = group.label.display();
    match &rule.peer {
        Peer::Cidr(net) if *net != net.trunc() => {
            let message = format!("an {direction} rule of security group {name} says {net}");
            let finding = Finding::note("cidr-host-bits", rule.origin, message).rule("SG-07");
            findings.push(finding.help(format!("AWS stores it as {}", net.trunc())));
        }
        Peer::SecurityGroup(referred) => match topology.security_groups.find(*referred) {
            Some(referred) => validate_reference(group, rule, referred, topology, findings),
            None => findings.push(stale(&name, rule, "a security group that does not exist")),
        },
        Peer::Missing(id) => findings.push(stale(
            &name,
            rule,
            &format!("{id}, which the design does not have"),
        )),
        Peer::Cidr(_) | Peer::PrefixList(_) => {}
    }
}

fn stale(name: &str, rule: &SecurityGroupRule, peer: &str) -> Finding {
    let message = format!("a rule of security group {name} refers to {peer}");
    Finding::warning("stale-security-group-rule", rule.origin, message)
        .rule("SG-12")
        .help("the rule matches nothing; remove it, or declare what it refers to")
}

/// A reference to another VPC needs an active peering connection inside one region, or a transit gateway that carries references.
fn validate_reference(
    group: &SecurityGroup,
    rule: &SecurityGroupRule,
    referred: &SecurityGroup,
    topology: &Topology,
    findings: &mut Findings,
) {
    if group.vpc == referred.vpc {
        return;
    }
    let peerings = || {
        let connections = topology.peering_connections.iter();
        connections
            .map(|(_, peering)| peering)
            .filter(|peering| joins(peering, group, referred))
    };
    let active = peerings().any(|peering| peering.state == PeeringState::Active);
    let pair = (group.vpc.min(referred.vpc), group.vpc.max(referred.vpc));
    if !active && transit_vpcs(topology).contains(&pair) {
        return;
    }
    let same_region = topology.vpcs.find(group.vpc).map(|vpc| &vpc.region)
        == topology.vpcs.find(referred.vpc).map(|vpc| &vpc.region);
    let (name, other) = (group.label.display(), referred.label.display());
    if active && !same_region {
        let message = format!("a rule of security group {name} refers to {other} in another region");
        let finding = Finding::error("security-group-reference", rule.origin, message).rule("SG-11");
        findings.push(finding.help("allow the other side's address range instead"));
    } else if !active && is_transit_between(group.vpc, referred.vpc, topology) {
        let peer = format!("{other}, and the transit gateway between the VPCs does not carry references (TGW-44)");
        findings.push(stale(&name, rule, &peer));
    } else if !active && (rule.id.is_some() || peerings().next().is_some()) {
        let peer = format!("{other}, whose VPC is not peered by an active connection any more");
        findings.push(stale(&name, rule, &peer));
    } else if !active {
        let message =
            format!("a rule of security group {name} refers to {other} of a VPC that is not peered");
        let finding = Finding::error("security-group-reference", rule.origin, message).rule("SG-08");
        findings.push(finding.help("peer the two VPCs, or allow the other side's address range instead"));
    }
}

/// Whether both VPCs are attached to one transit gateway.
fn is_transit_between(one: Id<Vpc>, other: Id<Vpc>, topology: &Topology) -> bool {
    let gateways = |vpc| {
        let rows = topology.transit_gateway_attachments.iter();
        rows.filter(move |(_, row)| row.vpc() == Some(vpc)).map(|(_, row)| row.gateway)
    };
    gateways(one).any(|gateway| gateways(other).any(|far| far == gateway))
}

fn joins(peering: &PeeringConnection, group: &SecurityGroup, referred: &SecurityGroup) -> bool {
    let ends = (peering.requester, peering.accepter);
    let (one, other) = (Some(group.vpc), Some(referred.vpc));
    ends == (one, other) || ends == (other, one)
}

/// What concerns interfaces and groups together is looked at once, with the first group.
fn validate_interfaces(topology: &Topology, findings: &mut Findings) {
    for (_, interface) in topology.network_interfaces.iter() {
        validate_groups_of(interface, topology, findings);
    }
}

/// Reports what is wrong with the groups that an interface carries: too many, or of another VPC.
fn validate_groups_of(interface: &NetworkInterface, topology: &Topology, findings: &mut Findings) {
    let (name, origin) = (interface.label.display(), interface.label.origin);
    let groups = || {
        interface
            .security_groups
            .iter()
            .filter_map(|group| topology.security_groups.find(*group))
    };
    let vpc = topology.subnets.find(interface.subnet).map(|subnet| subnet.vpc);
    for group in groups().filter(|group| vpc.is_some_and(|vpc| vpc != group.vpc)) {
        let message = format!(
            "network interface {name} carries security group {} of another VPC",
            group.label.display()
        );
        let finding = Finding::error("security-group-of-other-vpc", origin, message).rule("SG-20");
        findings.push(finding.help("an interface carries groups of its own VPC"));
    }
    let count = interface.security_groups.len();
    let directions = Direction::BOTH.iter();
    let rules_max = directions
        .flat_map(|&direction| groups().map(move |group| rule_count(group, direction, topology)))
        .max()
        .unwrap_or(0);
    findings_of_count(count, rules_max, &name).for_each(|(error, message, help)| {
        let make = if error { Finding::error } else { Finding::warning };
        let finding = make("security-groups-per-interface", origin, message);
        findings.push(finding.rule("SG-14").help(help));
    });
}

/// What the number of groups of one interface, and of the rules of the largest, amounts to: error or not, message, help.
fn findings_of_count(
    groups: usize,
    rules_max: usize,
    name: &str,
) -> impl Iterator<Item = (bool, String, String)> {
    let carries = format!("network interface {name} carries {groups} security groups");
    let too_many = (groups > GROUPS_PER_INTERFACE_DEFAULT_QUOTA).then(|| {
        let quota = format!(
            "the quota is {GROUPS_PER_INTERFACE_DEFAULT_QUOTA} per interface; AWS grants {GROUPS_PER_INTERFACE_MAX} at the most"
        );
        (groups > GROUPS_PER_INTERFACE_MAX, carries.clone(), quota)
    });
    // A group beyond the limit is reported by itself.
    let product =
        (groups > 1 && rules_max <= RULES_TIMES_GROUPS_MAX && groups * rules_max > RULES_TIMES_GROUPS_MAX)
            .then(|| {
                let message = format!("{carries}, the largest with {rules_max} rules in one direction");
                let help = format!(
                    "rules per direction times groups per interface is {RULES_TIMES_GROUPS_MAX} at the most"
                );
                (true, message, help)
            });
    too_many.into_iter().chain(product)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::devices::security_group::tests::{
        add_group, add_interface, add_peering, add_prefix_list, add_vpc, cidr, rule,
    };
    use crate::model::Severity;
    use crate::traffic::{PortRange, Traffic};

    fn one_vpc() -> (Topology, Id<Vpc>) {
        let mut topology = Topology::default();
        let vpc = add_vpc(&mut topology, "10.0.0.0/16", "eu-west-1");
        (topology, vpc)
    }

    /// Rules that differ from each other.
    fn rules(count: u16) -> Vec<SecurityGroupRule> {
        let ports = (0..count).map(|port| Traffic::Tcp(PortRange::single(port)));
        ports.map(|traffic| rule(traffic, cidr("0.0.0.0/0"))).collect()
    }

    fn found(topology: &Topology) -> Vec<(&'static str, Severity)> {
        let mut findings = Findings::default();
        for id in topology.security_groups.ids() {
            validate(id, topology, &mut findings);
        }
        assert!(findings.iter().all(|finding| finding.help.is_some()));
        findings
            .iter()
            .map(|finding| (finding.code, finding.severity))
            .collect()
    }

    #[test]
    fn names_are_unique_in_a_vpc_short_and_no_ids() {
        let (mut topology, vpc) = one_vpc();
        let other = add_vpc(&mut topology, "10.1.0.0/16", "eu-west-1");
        for (vpc, name) in [(vpc, "web"), (other, "web"), (vpc, "db"), (vpc, &"x".repeat(255))] {
            add_group(&mut topology, vpc, name);
        }
        assert_eq!(found(&topology), []);
        for name in ["web", "sg-web", &"x".repeat(256)] {
            add_group(&mut topology, vpc, name);
        }
        let name = ("security-group-name", Severity::Error);
        assert_eq!(
            found(&topology),
            [("security-group-name-taken", Severity::Error), name, name]
        );
    }

    #[test]
    fn name_borrowed_from_the_id_or_a_tag_is_no_group_name() {
        let (mut topology, vpc) = one_vpc();
        let by_id = add_group(&mut topology, vpc, "sg-1");
        topology.security_groups[by_id].label.id = Some("sg-1".to_owned());
        for _ in 0..2 {
            let by_tag = add_group(&mut topology, vpc, "sg-web");
            topology.security_groups[by_tag].label.tags = vec![("Name".to_owned(), "sg-web".to_owned())];
        }
        assert_eq!(found(&topology), []);
    }

    #[test]
    fn more_rules_than_the_quota_need_a_grant_and_beyond_1000_nothing_helps() {
        for (count, expected) in [
            (60, None),
            (61, Some(Severity::Warning)),
            (1_001, Some(Severity::Error)),
        ] {
            let (mut topology, vpc) = one_vpc();
            let group = add_group(&mut topology, vpc, "web");
            topology.security_groups[group].ingress = rules(count);
            topology.security_groups[group].egress = rules(60);
            let expected: Vec<_> = expected
                .iter()
                .map(|&severity| ("security-group-rule-quota", severity))
                .collect();
            assert_eq!(found(&topology), expected, "{count}");
        }
    }

    #[test]
    fn reference_to_a_prefix_list_counts_as_its_maximum() {
        for (count, expected) in [(40, 0), (45, 1)] {
            let (mut topology, vpc) = one_vpc();
            let group = add_group(&mut topology, vpc, "web");
            let list = add_prefix_list(&mut topology, &["192.0.2.0/24"], 20);
            let mut rules = rules(count);
            rules.push(rule(Traffic::All, Peer::PrefixList(list)));
            topology.security_groups[group].ingress = rules;
            assert_eq!(found(&topology).len(), expected, "{count}");
        }
    }

    #[test]
    fn interface_carries_few_groups_whose_rules_are_few() {
        let per_interface = "security-groups-per-interface";
        for (groups, rules_each, expected) in [
            (5, 1, vec![]),
            (6, 1, vec![(per_interface, Severity::Warning)]),
            (17, 1, vec![(per_interface, Severity::Error)]),
            (16, 60, vec![(per_interface, Severity::Warning)]),
            (5, 60, vec![]),
        ] {
            let (mut topology, vpc) = one_vpc();
            let ids: Vec<_> = (0..groups)
                .map(|index| add_group(&mut topology, vpc, &format!("group {index}")))
                .collect();
            topology.security_groups[ids[0]].ingress = rules(rules_each);
            add_interface(&mut topology, vpc, &[("10.0.1.5", None)], &ids);
            assert_eq!(found(&topology), expected, "{groups} of {rules_each}");
        }
        let product: Vec<_> = findings_of_count(5, 201, "eni")
            .map(|(error, ..)| error)
            .collect();
        assert_eq!(product, [true]);
        assert_eq!(findings_of_count(5, 200, "eni").count(), 0);
    }

    #[test]
    fn interface_carries_groups_of_its_own_vpc() {
        let (mut topology, vpc) = one_vpc();
        let other = add_vpc(&mut topology, "10.1.0.0/16", "eu-west-1");
        let group = add_group(&mut topology, other, "web");
        add_interface(&mut topology, vpc, &[("10.0.1.5", None)], &[group]);
        assert_eq!(
            found(&topology),
            [("security-group-of-other-vpc", Severity::Error)]
        );
    }

    #[test]
    fn traffic_that_cannot_be_and_equal_rules_are_reported() {
        let (mut topology, vpc) = one_vpc();
        let group = add_group(&mut topology, vpc, "web");
        let code_only = Traffic::Icmp {
            icmp_type: None,
            icmp_code: Some(4),
        };
        let reversed = Traffic::Tcp(PortRange { first: 90, last: 80 });
        topology.security_groups[group].ingress = vec![
            rule(code_only, cidr("0.0.0.0/0")),
            rule(reversed, cidr("0.0.0.0/0")),
            rule(Traffic::All, cidr("10.0.1.9/24")),
            rule(Traffic::All, cidr("10.0.1.9/24")),
        ];
        let host_bits = ("cidr-host-bits", Severity::Note);
        let impossible = ("impossible-traffic", Severity::Error);
        let twice = ("security-group-rule-twice", Severity::Warning);
        assert_eq!(
            found(&topology),
            [impossible, impossible, host_bits, host_bits, twice]
        );
    }

    #[test]
    fn reference_is_refused_without_peering_and_stale_once_that_has_ended() {
        let refused = ("security-group-reference", Severity::Error);
        let stale = ("stale-security-group-rule", Severity::Warning);
        for (state, rule_id, region, expected) in [
            (Some(PeeringState::Active), None, "eu-west-1", None),
            (Some(PeeringState::Active), None, "us-east-1", Some(refused)),
            (Some(PeeringState::Deleted), None, "eu-west-1", Some(stale)),
            (None, None, "eu-west-1", Some(refused)),
            (None, Some("sgr-1".to_owned()), "eu-west-1", Some(stale)),
        ] {
            let (mut topology, vpc) = one_vpc();
            let other = add_vpc(&mut topology, "10.1.0.0/16", region);
            let referred = add_group(&mut topology, other, "app");
            let group = add_group(&mut topology, vpc, "db");
            let reference = rule(Traffic::All, Peer::SecurityGroup(referred));
            topology.security_groups[group].ingress = vec![SecurityGroupRule {
                id: rule_id,
                ..reference
            }];
            if let Some(state) = state {
                add_peering(&mut topology, [other, vpc], state);
            }
            assert_eq!(
                found(&topology),
                expected.into_iter().collect::<Vec<_>>(),
                "{state:?}"
            );
        }
    }

    #[test]
    fn a_reference_across_a_transit_gateway_is_stale_unless_that_carries_references() {
        use crate::devices::transit_gateway_attachment::{AttachmentEnd, AttachmentState};
        use crate::devices::{TransitGateway, TransitGatewayAttachment};
        let (mut topology, vpc) = one_vpc();
        let other = add_vpc(&mut topology, "10.1.0.0/16", "eu-west-1");
        let referred = add_group(&mut topology, other, "app");
        let group = add_group(&mut topology, vpc, "db");
        topology.security_groups[group].ingress = vec![rule(Traffic::All, Peer::SecurityGroup(referred))];
        let gateway = TransitGateway::new(crate::model::Label::named("hub"), "eu-west-1");
        let gateway = topology.transit_gateways.push(gateway);
        for vpc in [vpc, other] {
            topology.transit_gateway_attachments.push(TransitGatewayAttachment {
                label: crate::model::Label::named("to"),
                gateway,
                end: AttachmentEnd::Vpc {
                    vpc,
                    interfaces: Vec::new(),
                    appliance_mode: false,
                    security_group_referencing: true,
                    dns_support: true,
                },
                state: AttachmentState::Available,
            });
        }
        assert_eq!(found(&topology), [("stale-security-group-rule", Severity::Warning)]);
        topology.transit_gateways[gateway].security_group_referencing = true;
        assert_eq!(found(&topology), []);
    }

    #[test]
    fn rule_about_something_missing_is_stale() {
        let (mut topology, vpc) = one_vpc();
        let group = add_group(&mut topology, vpc, "db");
        topology.security_groups[group].egress = vec![
            rule(Traffic::All, Peer::Missing("sg-gone".to_owned())),
            rule(Traffic::All, Peer::SecurityGroup(Id::from_index(99))),
        ];
        let stale = ("stale-security-group-rule", Severity::Warning);
        assert_eq!(found(&topology), [stale, stale]);
    }
}
