//! Codes about VPCs as a whole and about sets of DHCP options.

use super::{FindingCode, code};

pub(super) const CODES: &[FindingCode] = &[
    code(
        "block-public-access-exclusion",
        &["BPA-03"],
        "Block Public Access excludes a VPC or a subnet of another account or region, which AWS refuses.",
        "Exclude it from the setting of its own account and region.",
    ),
    code(
        "block-public-access-exclusion-idle",
        &["BPA-03"],
        "An exclusion allows egress where the setting does so anyway.",
        "Use `allow-bidirectional`, or remove the exclusion.",
    ),
    code(
        "block-public-access-exclusion-unknown",
        &["BPA-03"],
        "An exclusion from Block Public Access is for a VPC or a subnet that is not in the input, or the setting itself is not.",
        "Describe both: `aws ec2 describe-vpc-block-public-access-options` and the VPCs of the account.",
    ),
    code(
        "block-public-access-quota",
        &["BPA-03"],
        "Block Public Access has more than 50 exclusions in one region.",
        "Exclude whole VPCs instead of their subnets.",
    ),
    code(
        "block-public-access-twice",
        &["BPA-01"],
        "Two settings of Block Public Access are for one account and region.",
        "Keep one; the first counts.",
    ),
    code(
        "dhcp-node-type",
        &["DHCP-04"],
        "A set of DHCP options has a NetBIOS node type that does not exist.",
        "The node type is 1, 2, 4 or 8; AWS advises 2.",
    ),
    code(
        "dhcp-node-type-unusual",
        &["DHCP-04"],
        "A set of DHCP options has a NetBIOS node type that needs broadcast or multicast, and a VPC carries neither.",
        "Use node type 2.",
    ),
    code(
        "dhcp-servers",
        &["DHCP-04"],
        "A set of DHCP options has more than four servers of one kind.",
        "AWS takes four name servers, four NTP servers and four NetBIOS name servers.",
    ),
    code(
        "dns-hostnames-without-support",
        &["DNS-03"],
        "A VPC has DNS host names switched on and DNS support switched off, which AWS refuses.",
        "Switch DNS support on, or DNS host names off.",
    ),
    code(
        "second-main-route-table",
        &["RT-02"],
        "A VPC has two main route tables.",
        "Make one the main one, and associate the other with its subnets.",
    ),
    code(
        "vpc-address-usage",
        &["CIDR-17"],
        "A VPC has more network addresses in use than AWS allows: an address or a delegated prefix counts 1, a NAT gateway 6.",
        "64,000 units are the quota, 256,000 the most that AWS grants; divide the VPC.",
    ),
    code(
        "vpc-range-docker",
        &["CIDR-18"],
        "A range of a VPC overlaps 172.17.0.0/16, which containers and some services of AWS use themselves.",
        "Use another range if instances run containers.",
    ),
    code(
        "vpc-range-overlap",
        &["CIDR-03"],
        "Two ranges of one VPC overlap.",
        "Choose a range that no other of the VPC touches.",
    ),
    code(
        "vpc-range-public",
        &["CIDR-06"],
        "A range of a VPC is public. Inside AWS it counts as private and is not announced to the internet.",
        "Nothing is wrong if it is meant; instances still need a public address to be reached from the internet.",
    ),
    code(
        "vpc-range-quota",
        &["CIDR-04"],
        "A VPC has more than five ranges.",
        "Five are the quota; AWS raises it to 50 on request.",
    ),
    code(
        "vpc-range-refused",
        &["CIDR-07"],
        "A range of a VPC lies in 0.0.0.0/8, 127.0.0.0/8, 169.254.0.0/16 or above 224.0.0.0, which no VPC can have.",
        "Use a private range, such as 10.0.0.0/16.",
    ),
    code(
        "vpc-range-restricted",
        &["CIDR-08", "CIDR-09", "CIDR-10", "CIDR-11", "CIDR-12"],
        "AWS does not add this range to a VPC that has the others: some do not go together, as 10.0.0.0/8 and 192.168.0.0/16.",
        "The finding says which rule is broken; mostly another range of the primary one's family goes, but not every one.",
    ),
    code(
        "vpc-range-size",
        &["CIDR-01", "CIDR-03"],
        "A range of a VPC is too large or too small for AWS.",
        "A range has a prefix length from 16 to 28.",
    ),
    code(
        "vpc-route-table-quota",
        &["RT-25"],
        "A VPC has more than 200 route tables.",
        "Share tables among subnets, or ask AWS for a higher quota.",
    ),
    code(
        "vpc-subnet-quota",
        &["CIDR-19"],
        "A VPC has more than 200 subnets.",
        "Join subnets, or ask AWS for a higher quota.",
    ),
    code(
        "vpc-without-range",
        &["CIDR-01"],
        "A VPC has no range of addresses.",
        "Give it one of /16 to /28, such as 10.0.0.0/16.",
    ),
];
