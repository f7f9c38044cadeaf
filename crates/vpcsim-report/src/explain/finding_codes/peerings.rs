//! Codes about peering connections.

use super::{FindingCode, code};

pub(super) const CODES: &[FindingCode] = &[
    code(
        "peering-other-side-unknown",
        &[],
        "The other VPC of a peering connection is not in the input.",
        "Flows through it are unknown; add the other VPC's design.",
    ),
    code(
        "peering-overlap",
        &["PCX-04"],
        "A peering connection joins VPCs whose addresses overlap, which AWS refuses.",
        "Renumber one of them, or use a private NAT gateway with a transit gateway.",
    ),
    code(
        "peering-quota",
        &["PCX-05"],
        "A VPC has more than 125 active peering connections.",
        "Use a transit gateway.",
    ),
    code(
        "peering-twice",
        &["PCX-05"],
        "Two peering connections join the same VPCs.",
        "One is enough: remove the other.",
    ),
    code(
        "peering-with-itself",
        &["PCX-04"],
        "A peering connection joins a VPC with itself.",
        "Name another VPC.",
    ),
    code(
        "peers-overlap",
        &["PCX-15"],
        "A VPC has two peers with one range, and both send to it: of each address it can answer only one of them.",
        "Give one of the peers another range, or route the parts in use to whom they belong.",
    ),
];
