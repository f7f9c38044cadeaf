//! Findings about Terraform plans and states and CloudFormation templates.

use super::{FindingCode, code};

pub(super) const CODES: &[FindingCode] = &[
    code(
        "ambiguous-reference",
        &[],
        "A plan refers to one of several things and does not say to which: the first is taken, or all of them for a list.",
        "Write the reference without a condition, give the configuration with `--config-dir`, or apply and give the state.",
    ),
    code(
        "bad-declaration",
        &[],
        "An argument of a declared resource is of another kind than AWS takes: a list instead of a text, say.",
        "Compare it with the documentation of the resource.",
    ),
    code(
        "cidr-unknown",
        &[],
        "The address range of a VPC is known only after it is made; it is assumed to be no larger than its subnets.",
        "Write the range, or apply and give the state.",
    ),
    code(
        "default-vpc-assumed",
        &[],
        "A resource says no VPC or subnet and goes to the default VPC, which is assumed to be as AWS makes it.",
        "Say the subnet, or add the output of `aws ec2 describe-vpcs` and `describe-subnets`.",
    ),
    code(
        "hosts-assumed",
        &[],
        "How many hosts something runs, or on which ports they listen, follows from other resources.",
        "Nothing has to be done; write a native design if it is otherwise.",
    ),
    code(
        "inferred-reference",
        &[],
        "What an argument of a plan refers to follows from the kinds, names or numbers of the resources, not from the plan's words.",
        "Nothing has to be done; `--config-dir` makes it certain.",
    ),
    code(
        "no-part-in-network",
        &[],
        "Resources were recognised that have no part in the network that is simulated.",
        "Nothing has to be done.",
    ),
    code(
        "plan-errored",
        &[],
        "The plan ended in an error: what would stand after it is not all there.",
        "Mend the configuration until `terraform plan` succeeds.",
    ),
    code(
        "rule-without-source",
        &[],
        "A rule of a security group names no range, group or prefix list: AWS does not make it.",
        "Name the other side, or take the rule out.",
    ),
    code(
        "rules-unknown",
        &[],
        "A plan does not know a whole block of rules or routes before it is applied; it is read as empty.",
        "Write the rules as resources of their own, or apply and give the state.",
    ),
    code(
        "terraform-resource",
        &[],
        "A resource in a plan or a state is not built as Terraform builds it.",
        "Make the file anew with `terraform show -json`.",
    ),
    code(
        "terraform-state-version",
        &[],
        "The state is of a version that is not read: version 4 is, which Terraform 0.12 and later write.",
        "Let a newer Terraform rewrite it, or give the output of `terraform show -json`.",
    ),
    code(
        "terraform-syntax",
        &[],
        "The file begins as a plan or a state of Terraform does, and is broken further on.",
        "Make the file anew with `terraform show -json`.",
    ),
    code(
        "terraform-version",
        &[],
        "The plan is of a format whose major version is not known.",
        "Look for a newer version of vpcsim.",
    ),
    code(
        "unresolved-reference",
        &[],
        "Nothing says what a resource belongs to or refers to.",
        "Write the id, give a plan with its configuration part, or apply and give the state.",
    ),
    code(
        "whole-not-in-input",
        &[],
        "A route, a rule or an association belongs to something that is not in the input.",
        "Add the output of the describe command that the message names, or the state that has it.",
    ),
];
