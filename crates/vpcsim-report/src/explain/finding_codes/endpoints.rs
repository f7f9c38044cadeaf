//! Codes about VPC endpoints and managed hosts.

use super::{FindingCode, code};

pub(super) const CODES: &[FindingCode] = &[
    code(
        "bad-engine",
        &[],
        "A managed host names a database engine whose port is not known.",
        "Say what it listens to, as in listen: [tcp 5432].",
    ),
    code(
        "database-address-assumed",
        &["RDS-01"],
        "No described network interface fits a database: it gets a free address of its subnet group.",
        "Add the output of `aws ec2 describe-network-interfaces`.",
    ),
    code(
        "endpoint-private-dns",
        &["EP-19"],
        "An endpoint has a private DNS name that cannot work: the VPC lacks a DNS attribute, or another endpoint has the name.",
        "Switch on dns_support and dns_hostnames of the VPC, and keep the private name for one endpoint of each service.",
    ),
    code(
        "endpoint-region",
        &["EP-06"],
        "A gateway endpoint leads to a service of another region.",
        "Name the service of the VPC's own region; others are reached over the internet or by an interface endpoint there.",
    ),
    code(
        "endpoint-route-table",
        &["EP-01", "EP-02"],
        "A route table of a gateway endpoint is in another VPC, or leads to the service by another endpoint already.",
        "Name each route table of the VPC for one endpoint of a service.",
    ),
    code(
        "endpoint-service-load-balancer",
        &["EP-25"],
        "An endpoint service has no load balancer, or one that another service has already.",
        "Give each service Network Load Balancers of its own.",
    ),
    code(
        "endpoint-service-permission",
        &["EP-27"],
        "An endpoint is made by an account that its service does not allow.",
        "Add the account's number, or `*`, to the principals that the service allows.",
    ),
    code(
        "endpoint-service-unknown",
        &["EP-25"],
        "An endpoint leads to a service that is neither known of AWS nor in the design.",
        "Name the service by its short name, as in s3, or in full, as in com.amazonaws.eu-west-1.sqs.",
    ),
    code(
        "endpoint-service-zone",
        &["EP-21"],
        "An endpoint has a subnet in a zone where its service has no load balancer.",
        "Name subnets in the zones of the service's load balancers.",
    ),
    code(
        "endpoint-subnet",
        &["EP-11"],
        "An interface endpoint has no subnet, two of one zone, or one of another VPC.",
        "Name one subnet of each zone that it shall serve.",
    ),
    code(
        "endpoint-type",
        &["EP-01"],
        "A gateway endpoint leads to a service that has none: only S3 and DynamoDB do.",
        "Make it an interface endpoint, with subnets instead of route tables.",
    ),
    code(
        "service-addresses-assumed",
        &["EP-02"],
        "The addresses of a service of AWS are not in the input: known ones stand for them, which may be others than today's.",
        "Add the output of `aws ec2 describe-prefix-lists`, or declare the prefix list in the design.",
    ),
    code(
        "subnet-group",
        &["RDS-01"],
        "A subnet group covers one zone only, or several VPCs.",
        "Name subnets of two zones of one VPC.",
    ),
];
