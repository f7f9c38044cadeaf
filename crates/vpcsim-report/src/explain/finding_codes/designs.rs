//! Codes about designs in the native format.

use super::{FindingCode, code};

pub(super) const CODES: &[FindingCode] = &[
    code(
        "bad-expectation",
        &[],
        "A line under `expect:` cannot be read.",
        "Write `web-1 -> db-1 tcp 5432: reachable`, or `unreachable because SG_INGRESS`.",
    ),
    code(
        "bad-firewall-rule",
        &[],
        "A firewall's rule is not one: it says what to do, which traffic, and from and to where.",
        "Write `allow tcp 443 from 10.0.0.0/8 to 0.0.0.0/0` or `deny all`.",
    ),
    code(
        "bad-listener",
        &[],
        "An entry under `listen:` cannot be read.",
        "Write a protocol and a port, as in `tcp 80`.",
    ),
    code(
        "bad-rule",
        &[],
        "A rule of a security group or an entry of a network ACL cannot be read.",
        "Write `tcp 80 from 0.0.0.0/0` in a security group, `100 allow tcp 80 from 0.0.0.0/0` in a network ACL.",
    ),
    code(
        "bad-service",
        &[],
        "A service in an expectation cannot be read.",
        "Write `443/tcp`, `1000-2000/udp`, `tcp`, `icmp`, `gre` or `any`; ports go from 0 to 65535.",
    ),
    code(
        "contradictory-expectations",
        &[],
        "Two expectations say different things about the same flows: one of them always fails.",
        "Keep the one that is meant.",
    ),
    code(
        "duplicate-key",
        &[],
        "A key stands twice in one place, so that one of the two would be lost.",
        "Rename or remove one of them.",
    ),
    code(
        "duplicate-name",
        &[],
        "Two resources of one kind have one name.",
        "Names are unique within their kind and VPC; rename one.",
    ),
    code(
        "expectation-names-nothing",
        &[],
        "An expectation names a gateway that the design does not have, or a reason that there is not.",
        "Write the name or id of something in the design; `vpcsim explain` lists the reasons.",
    ),
    code(
        "latency-pair",
        &["NET-12"],
        "A latency is given for two places that do not go together: a zone and a region, zones of two regions, or a region and itself.",
        "Name two zones of one region, or two regions.",
    ),
    code(
        "latency-pair-twice",
        &[],
        "The latency between two places is given twice.",
        "Remove one of the two.",
    ),
    code(
        "latency-place-unknown",
        &[],
        "A latency names a zone or a region in which the design has nothing.",
        "Look for a slip of the pen: zones are called as the subnets' `az` or `az_id`.",
    ),
    code(
        "latency-zone-ambiguous",
        &["NET-12"],
        "A latency names a zone by a name that several accounts give to different zones.",
        "Name the zone by its id, as in `euw1-az1`.",
    ),
    code(
        "missing-key",
        &[],
        "A key that is needed is missing.",
        "Add it; `vpcsim schema` describes every key.",
    ),
    code(
        "no-public-address",
        &[],
        "Every address of the pool for public addresses is taken.",
        "Write down the public addresses of some hosts.",
    ),
    code(
        "selects-nothing",
        &[],
        "An expectation is about somebody whom the design does not have.",
        "Write a name, an id, an address, or tag:, subnet:, sg:, vpc:, az:, type: or cidr:; `vpcsim reach` lists who is there.",
    ),
    code(
        "unknown-invariant",
        &[],
        "An expectation file asks for an invariant that there is not.",
        "Write no-asymmetric-paths, no-blackhole-routes, own-zone-nat or only-from-internet: [who, …].",
    ),
    code(
        "unknown-key",
        &[],
        "A key means nothing here and would be ignored.",
        "Look for a slip of the pen; `vpcsim schema` describes every key.",
    ),
    code(
        "wrong-type",
        &[],
        "A value is of the wrong kind, as a list where a text is wanted.",
        "`vpcsim schema` describes every key.",
    ),
];
