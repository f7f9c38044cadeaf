//! Codes about NAT gateways.

use super::{FindingCode, code};

pub(super) const CODES: &[FindingCode] = &[
    code(
        "nat-gateway-address-count",
        &["NAT-10"],
        "A NAT gateway has more than eight addresses.",
        "Remove some, or use another NAT gateway.",
    ),
    code(
        "nat-gateway-address-outside-subnet",
        &["NAT-01"],
        "A NAT gateway's private address lies outside its subnet.",
        "Choose one of the subnet's addresses.",
    ),
    code(
        "nat-gateway-address-reserved",
        &["SUB-03"],
        "A NAT gateway has an address that AWS keeps for itself.",
        "The first four addresses and the last of a subnet are reserved: choose one between them.",
    ),
    code(
        "nat-gateway-address-taken",
        &["NAT-37"],
        "A NAT gateway has an address that something else has.",
        "Give it another.",
    ),
    code(
        "nat-gateway-address-twice",
        &["NAT-10"],
        "A NAT gateway has one address twice.",
        "Remove one.",
    ),
    code(
        "nat-gateway-in-another-zone",
        &["NAT-43"],
        "Subnets leave by a NAT gateway of another zone: that costs more, and ends when its zone fails.",
        "Give each zone a NAT gateway, and each zone's subnets a route table that leads to it.",
    ),
    code(
        "nat-gateway-in-private-subnet",
        &["NAT-01"],
        "A public NAT gateway stands in a subnet without a route to an internet gateway.",
        "Give its subnet a route table with 0.0.0.0/0 to the internet gateway.",
    ),
    code(
        "nat-gateway-private-with-public-address",
        &["NAT-01"],
        "A private NAT gateway has a public address.",
        "Remove the address, or make the gateway public.",
    ),
    code(
        "nat-gateway-quota",
        &["NAT-42"],
        "An availability zone has more than five NAT gateways of one account.",
        "Ask AWS for a higher quota.",
    ),
    code(
        "nat-gateway-without-address",
        &["NAT-37"],
        "A NAT gateway that is available has no private address.",
        "Every NAT gateway has one in its subnet.",
    ),
    code(
        "nat-gateway-without-elastic-ip",
        &["NAT-01"],
        "An address of a public NAT gateway has no Elastic IP address.",
        "Associate one with it, or make the gateway private.",
    ),
    code(
        "nat-gateway-without-internet-gateway",
        &["NAT-01"],
        "A public NAT gateway stands in a VPC without an internet gateway.",
        "Attach an internet gateway to the VPC, or make the NAT gateway private.",
    ),
    code(
        "regional-nat-gateway",
        &["NAT-11", "NAT-45", "NAT-47", "GRT-11"],
        "A regional NAT gateway names a zone without subnets or twice, has no address there or too many, or its VPC lacks an internet gateway.",
        "Name each zone of the VPC once with one to 32 Elastic IP addresses, and attach an internet gateway.",
    ),
];
