//! Codes about files as such, and about the answers of `aws ec2 describe-*`.

use super::{FindingCode, code};

pub(super) const CODES: &[FindingCode] = &[
    code(
        "appliance-assumed",
        &["NAT-50"],
        "Nobody says what an instance does with packets for others. A route leads to it and its source/destination check is off, so it is assumed to send them on.",
        "Convert the design to YAML and write its `appliance` if it filters or does something else.",
    ),
    code(
        "bad-address",
        &[],
        "Something that should be an IPv4 address is none.",
        "Write four numbers from 0 to 255 with dots between them.",
    ),
    code(
        "bad-cidr",
        &[],
        "Something that should be a CIDR block is none.",
        "Write an address, a slash and a prefix length, as in 10.0.0.0/16.",
    ),
    code(
        "cidr-host-bits",
        &["CIDR-02", "NACL-19", "SG-07"],
        "A CIDR block has bits set behind its prefix; AWS clears them, and so does vpcsim.",
        "Write the block that AWS makes of it: 10.0.0.0/24 for 10.0.0.5/24.",
    ),
    code(
        "describe-item",
        &[],
        "An item in the output of `aws ec2 describe-*` is not built as AWS builds it, or lacks its id or its VPC.",
        "Compare it with the output of the AWS command line.",
    ),
    code(
        "different-accounts",
        &[],
        "Two designs that shall be compared are of different accounts, so that nothing in them is the same.",
        "Compare two states of one account; what both share goes by `--with`.",
    ),
    code(
        "input-binary",
        &[],
        "The input is no text.",
        "Give a YAML or JSON file.",
    ),
    code(
        "input-empty",
        &[],
        "The input holds nothing, or there is none.",
        "Give a design, or the output of `aws ec2 describe-*`.",
    ),
    code(
        "input-encoding",
        &[],
        "The input is text in an encoding that is not read.",
        "Save it as UTF-8, or as UTF-16 with a byte order mark.",
    ),
    code(
        "input-not-recognised",
        &[],
        "The input is JSON or YAML, but its keys at the top are those of no format that is read.",
        "Give a design with `vpcs:` at its top, or the output of `aws ec2 describe-*`.",
    ),
    code(
        "input-too-large",
        &[],
        "A YAML file has more than ten million bytes.",
        "Split it into several files; JSON may be larger.",
    ),
    code(
        "instance-not-in-input",
        &[],
        "An interface is attached to an instance that the input does not hold; it is assumed to run and to listen to nothing.",
        "Add the output of `aws ec2 describe-instances`.",
    ),
    code(
        "ipv6-not-modelled",
        &[],
        "Something has a part for IPv6, which is not modelled: verdicts are about IPv4 alone.",
        "Remove an IPv6 block from a design; in the output of `aws ec2 describe-*` there is nothing to do.",
    ),
    code(
        "json-syntax",
        &[],
        "The JSON cannot be read.",
        "Look at the place that is shown: a comma or a bracket is missing or too many.",
    ),
    code(
        "prefix-list-entries",
        &["RT-27"],
        "A prefix list has more entries than its maximum, or entries are given that do not say of which list they are.",
        "Raise the maximum; name a file with entries after its list, as in pl-0123.json.",
    ),
    code(
        "prefix-list-size",
        &["RT-28"],
        "A prefix list has more than 1,000 entries.",
        "Make several lists of it.",
    ),
    code(
        "route-table-not-in-input",
        &[],
        "A VPC endpoint names a route table that the input does not hold.",
        "Add the output of `aws ec2 describe-route-tables`.",
    ),
    code(
        "route-target",
        &[],
        "A route in the output of `aws ec2 describe-route-tables` has no target that is known here: flows by it get an unknown verdict.",
        "Look up the route's target; a route leads to one thing exactly.",
    ),
    code(
        "subnet-not-in-input",
        &[],
        "An interface or a NAT gateway lies in a subnet that the input does not hold.",
        "Add the output of `aws ec2 describe-subnets`.",
    ),
    code(
        "transit-gateway-not-in-input",
        &[],
        "Something is attached to a transit gateway that the input does not hold; the gateway is assumed to have the route tables that are there.",
        "Add the output of `aws ec2 describe-transit-gateways`.",
    ),
    code(
        "unknown-reference",
        &[],
        "A name refers to nothing in the input.",
        "Look for a slip of the pen, or declare what is missing.",
    ),
    code(
        "unknown-top-key",
        &[],
        "A key at the top of a describe file is not known: what is under it is not read.",
        "Answers that it could change may be wrong; look for a slip of the pen.",
    ),
    code(
        "vpc-not-in-input",
        &[],
        "Something lies in a VPC that the input does not hold; the VPC is assumed to be no larger than its subnets.",
        "Add the output of `aws ec2 describe-vpcs`.",
    ),
    code(
        "yaml-alias",
        &[],
        "A YAML alias stands inside what it refers to.",
        "Write the value out.",
    ),
    code(
        "yaml-syntax",
        &[],
        "The YAML cannot be read.",
        "Look at the place that is shown: mostly an indentation or a missing blank behind a colon.",
    ),
    code(
        "yaml-too-deep",
        &[],
        "The YAML is nested more than 64 levels deep.",
        "Flatten it.",
    ),
    code(
        "yaml-too-large",
        &[],
        "The aliases of a YAML file make more than a million values of it.",
        "Use fewer aliases, or write the values out in several files.",
    ),
];
