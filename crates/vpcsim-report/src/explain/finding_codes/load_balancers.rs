//! Codes about load balancers and target groups.

use super::{FindingCode, code};

pub(super) const CODES: &[FindingCode] = &[
    code(
        "bad-balancer-listener",
        &[],
        "The key of a load balancer's listener is not a protocol and a port.",
        "Write it like tcp 80, udp 53, tcp_udp 53 or tls 443.",
    ),
    code(
        "health-check-range",
        &["NLB-18"],
        "A number of a target group's health checks is one that AWS does not take.",
        "Interval 5 to 300 s, timeout 2 to 120 s, thresholds 2 to 10, success codes 200 to 599.",
    ),
    code(
        "health-minimum-order",
        &["ELB-06"],
        "A target group needs fewer healthy targets to stay in the DNS than to keep flows from the unhealthy ones.",
        "Let the minimum for the DNS be at least the one for flows.",
    ),
    code(
        "listener-protocol",
        &["NLB-20"],
        "A listener forwards to a target group of a protocol that does not fit its own.",
        "TCP goes to TCP or TCP_UDP, TLS to TCP or TLS, UDP to UDP or TCP_UDP, TCP_UDP to TCP_UDP.",
    ),
    code(
        "listener-twice",
        &["NLB-20"],
        "Two listeners of one load balancer take the same protocol and port.",
        "Remove one.",
    ),
    code(
        "listener-without-target-group",
        &["NLB-20"],
        "A listener has no target group, or one that does not exist.",
        "Name the target group that gets its flows.",
    ),
    code(
        "load-balancer-in-private-subnet",
        &["ELB-12"],
        "An internet-facing load balancer stands in a subnet without a route to an internet gateway.",
        "Give the subnet a route table with 0.0.0.0/0 to the internet gateway, or make the load balancer internal.",
    ),
    code(
        "load-balancer-subnet-full",
        &["ELB-11"],
        "An internet-facing load balancer stands in a subnet with fewer than eight free addresses.",
        "Give it a larger subnet.",
    ),
    code(
        "load-balancer-zone-twice",
        &["ELB-01"],
        "A load balancer has two subnets in one availability zone.",
        "Keep one subnet of each zone.",
    ),
    code(
        "sticky-tls",
        &["NLB-21"],
        "A TLS listener forwards to a sticky TLS target group.",
        "Turn stickiness off, or let the targets have TCP.",
    ),
    code(
        "target-address",
        &["ELB-08"],
        "A target is a public address outside the target group's VPC.",
        "Register a private address.",
    ),
    code(
        "target-outside-vpc",
        &["ELB-09"],
        "A target is an instance of another VPC than the target group's.",
        "Register it by its address in a group of target type ip.",
    ),
    code(
        "targets-not-in-input",
        &[],
        "A target group is described, and who is registered in it is not.",
        "Put the answer of describe-target-health beside the group's ARN into LoadBalancerTargetHealth.",
    ),
    code(
        "tls-idle-timeout",
        &["NLB-12"],
        "A TLS listener has an idle timeout of its own.",
        "Leave it out: it is always 350 s.",
    ),
    code(
        "too-many-listeners",
        &["NLB-24"],
        "A load balancer has more listeners than AWS allows without being asked.",
        "Use several load balancers, or have the quota of the account raised.",
    ),
    code(
        "too-many-targets",
        &["NLB-24"],
        "More targets of a group count together than AWS allows without being asked.",
        "Spread them over target groups or zones, or have the quota of the account raised.",
    ),
];
