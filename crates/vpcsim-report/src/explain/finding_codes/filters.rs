//! Codes about security groups and network ACLs.

use super::{FindingCode, code};

pub(super) const CODES: &[FindingCode] = &[
    code(
        "impossible-traffic",
        &["NACL-07", "SG-06"],
        "A rule names traffic that cannot exist, as ports out of order or a code without its ICMP type.",
        "Write the smaller port first; name a type for a code.",
    ),
    code(
        "network-acl-entry-hidden",
        &["NACL-01"],
        "An entry of a network ACL never decides: those before it take all its packets.",
        "Give it a smaller number than those, or remove it.",
    ),
    code(
        "network-acl-entry-quota",
        &["NACL-10"],
        "A network ACL has more than 20 entries in one direction.",
        "Join entries, or ask AWS for a higher quota; 40 are the most.",
    ),
    code(
        "network-acl-forgets-answers",
        &["NACL-11"],
        "A network ACL lets requests in, and none of their answers out: network ACLs remember no flow.",
        "Add an egress entry that allows the ports of clients, such as tcp 1024-65535.",
    ),
    code(
        "network-acl-number",
        &["NACL-01"],
        "An entry of a network ACL has a number that AWS does not take.",
        "Numbers go from 1 to 32766.",
    ),
    code(
        "network-acl-number-taken",
        &["NACL-16"],
        "Two entries of one direction have one number.",
        "Give each its own: the numbers are the order.",
    ),
    code(
        "network-acl-unused",
        &["SUB-05"],
        "A network ACL filters nothing: no subnet is associated with it.",
        "Associate a subnet with it, or remove it.",
    ),
    code(
        "second-default-network-acl",
        &[],
        "A VPC has two default network ACLs.",
        "One of them is another VPC's, or no default.",
    ),
    code(
        "security-group-name",
        &["SG-21"],
        "AWS takes no security group of this name.",
        "Names do not begin with `sg-` and are at most 255 characters long.",
    ),
    code(
        "security-group-name-taken",
        &["SG-21"],
        "Two security groups of a VPC have one name.",
        "Rename one.",
    ),
    code(
        "security-group-of-other-vpc",
        &["SG-20"],
        "An interface has a security group of another VPC.",
        "Use a group of the interface's own VPC.",
    ),
    code(
        "security-group-reference",
        &["SG-08", "SG-11"],
        "A rule names a security group that it cannot: of a VPC that is not peered, or of another region.",
        "Peer the VPCs, or write a CIDR block into the rule.",
    ),
    code(
        "security-group-reference-empty",
        &["SG-08"],
        "A rule names a security group that no interface has, so that it matches nobody.",
        "Put an interface into the group, or remove the rule.",
    ),
    code(
        "security-group-rule-quota",
        &["SG-14"],
        "A security group has more than 60 rules in one direction; a prefix list counts with its maximum of entries.",
        "Join rules, or ask AWS for a higher quota; 1,000 are the most.",
    ),
    code(
        "security-group-rule-twice",
        &[],
        "A security group has the same rule twice; AWS keeps one of them.",
        "Remove the other.",
    ),
    code(
        "security-group-unused",
        &[],
        "No interface has the security group, and no rule of another group refers to it.",
        "Put an interface into it, or remove it.",
    ),
    code(
        "security-groups-per-interface",
        &["SG-14"],
        "An interface has more than five security groups, or its groups and their rules multiply to more than 1,000.",
        "Join groups, or ask AWS for a higher quota; 16 groups are the most.",
    ),
    code(
        "stale-security-group-rule",
        &["SG-12"],
        "A rule names a security group that does not exist, or whose VPC is not peered any more: it matches nothing.",
        "Remove the rule, or declare the group or the peering connection.",
    ),
];
