//! Codes about public addresses, internet gateways and hosts on the internet.

use super::{FindingCode, code};

pub(super) const CODES: &[FindingCode] = &[
    code(
        "elastic-ip-contradiction",
        &["PIP-06"],
        "An Elastic IP address is said to be free, and something has it.",
        "Look at what the input says of the address in both places.",
    ),
    code(
        "elastic-ip-not-public",
        &["PIP-10"],
        "An Elastic IP address lies in a private or reserved range.",
        "Elastic IP addresses are public.",
    ),
    code(
        "elastic-ip-owner-unknown",
        &[],
        "An Elastic IP address is in use, but nothing in the input has it: what is sent to it gets an unknown verdict.",
        "Add the description of its owner.",
    ),
    code(
        "elastic-ip-twice",
        &["PIP-10"],
        "An Elastic IP address is declared twice.",
        "Remove one of them.",
    ),
    code(
        "internet-gateway-second",
        &["IGW-01"],
        "A VPC has two internet gateways.",
        "AWS attaches one to each VPC.",
    ),
    code(
        "internet-host-address-not-public",
        &["IGW-08"],
        "A host on the internet has a private or reserved address.",
        "Give it an address that the internet routes, such as 198.51.100.7.",
    ),
    code(
        "internet-host-address-shared",
        &[],
        "Two hosts on the internet have one address.",
        "Give each its own.",
    ),
    code(
        "internet-host-address-taken",
        &["IGW-07"],
        "A host on the internet has the public address of something in the design.",
        "Give it another.",
    ),
    code(
        "private-address-with-two-public",
        &["PIP-06"],
        "A private address has two public ones.",
        "AWS gives a private address one; use a second private address.",
    ),
    code(
        "public-address-not-elastic",
        &["PIP-02", "PIP-13"],
        "A public address stands for a secondary address or a secondary interface, and no Elastic IP address is declared for it.",
        "Declare one: by itself AWS gives a public address only to the primary address of a primary interface.",
    ),
    code(
        "public-address-not-public",
        &["PIP-01"],
        "A public address lies in a private or reserved range.",
        "Give an address that the internet routes.",
    ),
    code(
        "public-address-shared",
        &["PIP-06"],
        "Two private addresses have one public address.",
        "Give each its own.",
    ),
    code(
        "public-address-without-gateway",
        &["PIP-11"],
        "A public address does nothing, because its VPC has no internet gateway.",
        "Attach an internet gateway to the VPC.",
    ),
    code(
        "public-address-without-way-back",
        &["PIP-11"],
        "What the internet sends to a public address arrives, but its subnet has no route by which an answer could leave.",
        "Route 0.0.0.0/0 of the subnet's table to the internet gateway, or do without the public address.",
    ),
];
