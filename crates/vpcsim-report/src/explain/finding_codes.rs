//! The codes of findings, which tell what is wrong or surprising in a design.

/// One code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FindingCode {
    /// The code.
    pub code: &'static str,
    /// What it says.
    pub words: &'static str,
    /// What to look at.
    pub check: &'static str,
}

const fn code(code: &'static str, words: &'static str, check: &'static str) -> FindingCode {
    FindingCode { code, words, check }
}

/// Every code, in the order of the alphabet.
pub const ALL: &[FindingCode] = &[
    code(
        "bad-address",
        "Something that should be an IPv4 address is none.",
        "Write four numbers from 0 to 255 with dots between them.",
    ),
    code(
        "bad-cidr",
        "Something that should be a CIDR block is none.",
        "Write an address, a slash and a prefix length, as in 10.0.0.0/16.",
    ),
    code(
        "bad-expectation",
        "A line under `expect:` cannot be read.",
        "Write `web-1 -> db-1 tcp 5432: reachable`, or `unreachable because SG_INGRESS`.",
    ),
    code(
        "bad-listener",
        "An entry under `listen:` cannot be read.",
        "Write a protocol and a port, as in `tcp 80`.",
    ),
    code(
        "bad-rule",
        "A rule of a security group or an entry of a network ACL cannot be read.",
        "Write `tcp 80 from 0.0.0.0/0` in a security group, `100 allow tcp 80 from 0.0.0.0/0` in a network ACL.",
    ),
    code(
        "blackhole",
        "A route's target does not exist or does not work: whatever takes the route is dropped.",
        "Point the route at something that exists, or delete it.",
    ),
    code(
        "block-public-access",
        "Block Public Access is switched on and is not simulated.",
        "Flows by an internet gateway may be judged too open.",
    ),
    code(
        "cidr-host-bits",
        "A CIDR block has bits set behind its prefix.",
        "AWS clears them: 10.0.0.5/24 becomes 10.0.0.0/24. Write what is meant.",
    ),
    code(
        "describe-item",
        "An item in the output of `aws ec2 describe-*` is not built as AWS builds it.",
        "Compare it with the output of the AWS command line.",
    ),
    code(
        "duplicate-key",
        "A key stands twice in one place, so that one of the two would be lost.",
        "Rename or remove one of them.",
    ),
    code(
        "duplicate-name",
        "Two resources have one name.",
        "Names are unique within their kind and VPC; rename one.",
    ),
    code(
        "elastic-ip-contradiction",
        "An Elastic IP address is said to be free and to be in use.",
        "Look at what the input says of the address in both places.",
    ),
    code(
        "elastic-ip-not-public",
        "An Elastic IP address lies in a private or reserved range.",
        "Elastic IP addresses are public.",
    ),
    code(
        "elastic-ip-owner-unknown",
        "An Elastic IP address belongs to something that the input does not hold.",
        "Add the description of its owner.",
    ),
    code(
        "elastic-ip-twice",
        "An Elastic IP address is declared twice.",
        "Remove one of them.",
    ),
    code(
        "impossible-traffic",
        "A rule names traffic that cannot exist, as ports out of order or a code without its ICMP type.",
        "Write the smaller port first; name a type for a code.",
    ),
    code(
        "input-binary",
        "The input is no text.",
        "Give a YAML or JSON file.",
    ),
    code("input-empty", "The input holds nothing.", "Give a design."),
    code(
        "input-encoding",
        "The input is text in an encoding that is not read.",
        "Save it as UTF-8.",
    ),
    code(
        "input-too-large",
        "The input is larger than what is read.",
        "Split it into several files.",
    ),
    code(
        "instance-not-in-input",
        "An interface is attached to an instance that the input does not hold.",
        "Add the output of `aws ec2 describe-instances`.",
    ),
    code(
        "internet-gateway-second",
        "A VPC has two internet gateways.",
        "AWS attaches one at the most.",
    ),
    code(
        "internet-host-address-not-public",
        "A host on the internet has a private or reserved address.",
        "Give it an address that the internet routes.",
    ),
    code(
        "internet-host-address-shared",
        "Two hosts on the internet have one address.",
        "Give each its own.",
    ),
    code(
        "internet-host-address-taken",
        "A host on the internet has the public address of something in the design.",
        "Give it another.",
    ),
    code(
        "json-syntax",
        "The JSON cannot be read.",
        "Look at the place that is shown: a comma or a bracket is missing or too many.",
    ),
    code(
        "missing-key",
        "A key that is needed is missing.",
        "Add it; `vpcsim schema` describes every key.",
    ),
    code(
        "nat-gateway-address-count",
        "A NAT gateway has more addresses than AWS gives one.",
        "Remove some, or use another NAT gateway.",
    ),
    code(
        "nat-gateway-address-outside-subnet",
        "A NAT gateway's private address lies outside its subnet.",
        "Choose one of the subnet's addresses.",
    ),
    code(
        "nat-gateway-address-reserved",
        "A NAT gateway has an address that AWS keeps for itself.",
        "The first four addresses and the last of a subnet are reserved.",
    ),
    code(
        "nat-gateway-address-taken",
        "A NAT gateway has an address that something else has.",
        "Give it another.",
    ),
    code(
        "nat-gateway-address-twice",
        "A NAT gateway has one address twice.",
        "Remove one.",
    ),
    code(
        "nat-gateway-in-private-subnet",
        "A public NAT gateway stands in a subnet without a route to an internet gateway.",
        "Give its subnet a route table with 0.0.0.0/0 to the internet gateway.",
    ),
    code(
        "nat-gateway-private-with-public-address",
        "A private NAT gateway has a public address.",
        "Remove the address, or make the gateway public.",
    ),
    code(
        "nat-gateway-quota",
        "An availability zone has more NAT gateways than AWS allows by default.",
        "Ask AWS for a higher quota.",
    ),
    code(
        "nat-gateway-without-address",
        "A NAT gateway has no private address.",
        "Every NAT gateway has one in its subnet.",
    ),
    code(
        "nat-gateway-without-elastic-ip",
        "A public NAT gateway has no Elastic IP address.",
        "Associate one with it.",
    ),
    code(
        "nat-gateway-without-internet-gateway",
        "A public NAT gateway stands in a VPC without an internet gateway.",
        "Attach an internet gateway to the VPC.",
    ),
    code(
        "network-acl-entry-hidden",
        "An entry of a network ACL has no effect: one before it decides about all its packets.",
        "Give it a smaller number, or remove it.",
    ),
    code(
        "network-acl-entry-quota",
        "A network ACL has more entries than AWS allows.",
        "Join entries, or ask AWS for a higher quota.",
    ),
    code(
        "network-acl-number",
        "An entry of a network ACL has a number that AWS does not take.",
        "Numbers go from 1 to 32766.",
    ),
    code(
        "network-acl-number-taken",
        "Two entries of one direction have one number.",
        "Give each its own: the numbers are the order.",
    ),
    code(
        "no-public-address",
        "Every address of the pool for public addresses is taken.",
        "Write down the public addresses of some hosts.",
    ),
    code(
        "peering-between-regions",
        "A peering connection joins two regions, which is not modelled.",
        "Flows through it are unknown, which never counts as passed.",
    ),
    code(
        "peering-other-side-unknown",
        "The other VPC of a peering connection is not in the input.",
        "Flows through it are unknown; add the other VPC's design.",
    ),
    code(
        "peering-overlap",
        "A peering connection joins VPCs whose addresses overlap, which AWS refuses.",
        "Renumber one of them, or use a private NAT gateway with a transit gateway.",
    ),
    code(
        "peering-quota",
        "A VPC has more peering connections than AWS allows.",
        "Use a transit gateway.",
    ),
    code(
        "peering-twice",
        "Two peering connections join the same VPCs.",
        "One is enough: remove the other.",
    ),
    code(
        "peering-with-itself",
        "A peering connection joins a VPC with itself.",
        "Name another VPC.",
    ),
    code(
        "prefix-list-entries",
        "A prefix list has more entries than its maximum.",
        "Raise the maximum.",
    ),
    code(
        "private-address-with-two-public",
        "A private address has two public ones.",
        "AWS gives a private address one; use a second private address.",
    ),
    code(
        "public-address-not-public",
        "A public address lies in a private or reserved range.",
        "Give an address that the internet routes.",
    ),
    code(
        "public-address-shared",
        "Two resources have one public address.",
        "Give each its own.",
    ),
    code(
        "public-address-without-gateway",
        "A public address does nothing, because its VPC has no internet gateway.",
        "Attach an internet gateway to the VPC.",
    ),
    code(
        "route-target",
        "A route's target is nothing that a route can lead to.",
        "Name a gateway, a peering connection, an instance or an interface.",
    ),
    code(
        "second-default-network-acl",
        "A VPC has two default network ACLs.",
        "One of them is another VPC's, or no default.",
    ),
    code(
        "security-group-name",
        "AWS takes no security group of this name.",
        "Names do not begin with `sg-` and are at most 255 characters long.",
    ),
    code(
        "security-group-name-taken",
        "Two security groups of a VPC have one name.",
        "Rename one.",
    ),
    code(
        "security-group-of-other-vpc",
        "An interface has a security group of another VPC.",
        "Use a group of the interface's own VPC.",
    ),
    code(
        "security-group-reference",
        "A rule names a security group that it cannot: of a VPC that is not peered, or of another region.",
        "Peer the VPCs, or write a CIDR block into the rule.",
    ),
    code(
        "security-group-rule-quota",
        "A security group has more rules than AWS allows.",
        "Join rules, use a prefix list, or ask AWS for a higher quota.",
    ),
    code(
        "security-group-rule-twice",
        "A security group has the same rule twice.",
        "Remove one of them.",
    ),
    code(
        "security-groups-per-interface",
        "An interface has more security groups than AWS allows.",
        "Join groups, or ask AWS for a higher quota.",
    ),
    code(
        "stale-security-group-rule",
        "A rule names a security group that does not exist any more: it matches nothing.",
        "Remove the rule, or declare the group.",
    ),
    code(
        "subnet-not-in-input",
        "An interface lies in a subnet that the input does not hold.",
        "Add the output of `aws ec2 describe-subnets`.",
    ),
    code(
        "terraform-not-read",
        "The input is Terraform's, and this version does not read it.",
        "Describe the account with the AWS command line instead.",
    ),
    code(
        "unknown-key",
        "A key means nothing here and would be ignored.",
        "Look for a slip of the pen; `vpcsim schema` describes every key.",
    ),
    code(
        "unknown-reference",
        "A name refers to nothing in the design.",
        "Look for a slip of the pen, or declare what is missing.",
    ),
    code(
        "unknown-top-key",
        "A key at the top of a describe file is not known: what is under it is not read.",
        "Answers that it could change may be wrong; look for a slip of the pen.",
    ),
    code(
        "vpc-not-in-input",
        "Something lies in a VPC that the input does not hold.",
        "Add the output of `aws ec2 describe-vpcs`.",
    ),
    code(
        "wrong-type",
        "A value is of the wrong kind, as a list where a text is wanted.",
        "`vpcsim schema` describes every key.",
    ),
    code(
        "yaml-alias",
        "A YAML alias stands inside what it refers to.",
        "Write the value out.",
    ),
    code(
        "yaml-syntax",
        "The YAML cannot be read.",
        "Look at the place that is shown: mostly an indentation or a missing blank behind a colon.",
    ),
    code(
        "yaml-too-deep",
        "The YAML is nested deeper than what is read.",
        "Flatten it.",
    ),
    code(
        "yaml-too-large",
        "The YAML is larger than what is read.",
        "Split it into several files.",
    ),
];

/// The code of this name, in any case of letters.
pub fn by_name(name: &str) -> Option<&'static FindingCode> {
    ALL.iter().find(|entry| entry.code.eq_ignore_ascii_case(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_stand_in_the_order_of_the_alphabet_and_once() {
        let misplaced = ALL.windows(2).find(|pair| pair[0].code >= pair[1].code);
        assert_eq!(misplaced, None);
    }

    #[test]
    fn every_code_is_told_in_sentences() {
        for entry in ALL {
            assert!(
                entry.words.ends_with('.') && entry.check.ends_with('.'),
                "{entry:?}"
            );
        }
    }
}
