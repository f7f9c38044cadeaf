//! Codes about instances, their network interfaces and private addresses.

use super::{FindingCode, code};

pub(super) const CODES: &[FindingCode] = &[
    code(
        "address-outside-subnet",
        &["ENI-01"],
        "A network interface has a private address that its subnet does not contain.",
        "Choose one of the subnet's addresses.",
    ),
    code(
        "address-reserved",
        &["SUB-03"],
        "A network interface has an address that AWS keeps for itself.",
        "The first four addresses of a subnet and the last are reserved: choose one between them.",
    ),
    code(
        "address-taken",
        &["ENI-01"],
        "Two network interfaces of a VPC have one private address, by itself or within a delegated prefix.",
        "Give each its own.",
    ),
    code(
        "appliance-check-on",
        &["RT-30"],
        "An instance is to forward, but its interface checks source and destination: packets for others neither reach nor leave it.",
        "Write `source_dest_check: false` for its interface.",
    ),
    code(
        "device-index-taken",
        &["ENI-02"],
        "Two network interfaces of an instance have one device index.",
        "Give each its own; the primary interface has 0.",
    ),
    code(
        "instance-interface-limit",
        &["ENI-11"],
        "An instance has more network interfaces than its type takes.",
        "Remove some, or choose a larger type.",
    ),
    code(
        "instance-mtu",
        &["MTU-01"],
        "An instance has an MTU that no interface has.",
        "An MTU is 576 to 9001 bytes.",
    ),
    code(
        "instance-without-primary-interface",
        &["ENI-02"],
        "A running instance has no network interface with device index 0.",
        "Attach one; in the output of `aws ec2 describe-*` it may be missing only.",
    ),
    code(
        "interface-address-limit",
        &["ENI-11"],
        "A network interface has more private addresses and prefixes than the type of its instance takes.",
        "Remove some, or choose a larger type.",
    ),
    code(
        "interface-prefix",
        &["ENI-12"],
        "A prefix that is delegated to a network interface is no /28, or lies outside of its subnet.",
        "Delegate /28 ranges of the interface's own subnet.",
    ),
    code(
        "interface-vpc",
        &["ENI-02"],
        "Network interfaces of one instance lie in two VPCs, so that the instance can join them.",
        "AWS allows it; check that it is meant.",
    ),
    code(
        "interface-without-address",
        &["SUB-07"],
        "A network interface has no private address, as when its subnet has none left.",
        "Give it a free address, or make the subnet larger.",
    ),
    code(
        "interface-without-security-group",
        &["ENI-01"],
        "The network interface of an instance has no security group.",
        "Give it at least one, such as its VPC's default group.",
    ),
    code(
        "interface-zone",
        &["ENI-02"],
        "Network interfaces of one instance lie in two availability zones.",
        "Attach interfaces of the instance's own zone.",
    ),
    code(
        "metadata-hop-limit",
        &["IMDS-03"],
        "The hop limit of an instance's metadata service is out of range.",
        "It is 1 to 64.",
    ),
    code(
        "security-group-of-another-account",
        &[],
        "In a shared VPC an interface has a security group of another account.",
        "A participant makes security groups of its own; rules may refer to groups of the others.",
    ),
    code(
        "subnet-not-shared",
        &[],
        "An interface of another account stands in a subnet that its owner does not share with that account.",
        "Name the account in the subnet's shared_with.",
    ),
];
