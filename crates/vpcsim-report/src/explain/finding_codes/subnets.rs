//! Codes about subnets.

use super::{FindingCode, code};

pub(super) const CODES: &[FindingCode] = &[
    code(
        "subnet-in-unusable-range",
        &["CIDR-15"],
        "A subnet lies in a range of its VPC that is not associated.",
        "Associate the range with the VPC, or choose one that is.",
    ),
    code(
        "subnet-network-acl",
        &["SUB-05"],
        "A subnet uses a network ACL of another VPC.",
        "Associate it with one of its own VPC.",
    ),
    code(
        "subnet-outside-vpc",
        &["SUB-01"],
        "A subnet's range does not lie in one single range of its VPC.",
        "Choose a range inside one of the VPC's.",
    ),
    code(
        "subnet-overlap",
        &["SUB-02"],
        "Two subnets of a VPC have addresses in common.",
        "Give the subnets of a VPC ranges that do not touch.",
    ),
    code(
        "subnet-route-table",
        &["SUB-05"],
        "A subnet uses a route table of another VPC.",
        "Associate it with one of its own VPC.",
    ),
    code(
        "subnet-size",
        &["SUB-01"],
        "A subnet is too large or too small for AWS.",
        "A subnet has a prefix length from 16 to 28.",
    ),
    code(
        "subnet-zone",
        &["SUB-01"],
        "A subnet stands in an availability zone that is not one of its VPC's region.",
        "Name a zone of that region: eu-west-1a for eu-west-1.",
    ),
];
