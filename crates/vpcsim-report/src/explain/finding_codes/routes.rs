//! Codes about route tables.

use super::{FindingCode, code};

pub(super) const CODES: &[FindingCode] = &[
    code(
        "gateway-route-destination",
        &["GRT-03"],
        "A route in the table of an internet gateway is neither for a whole range of the VPC nor for a whole subnet.",
        "Write the range of a subnet, or that of the VPC.",
    ),
    code(
        "gateway-route-table",
        &["GRT-09"],
        "The route table of an internet gateway is a VPC's main one, or that of another VPC.",
        "Make a table of its own for the gateway.",
    ),
    code(
        "gateway-route-target",
        &["GRT-04"],
        "A route in the table of an internet gateway leads to something that such a table does not take.",
        "Route to `local` or to a network interface.",
    ),
    code(
        "route-beats-prefix-list",
        &["RT-13"],
        "An entry of a prefix list does not count in a route table that has a static route for the same block.",
        "Remove the static route if the prefix list is meant.",
    ),
    code(
        "route-blackhole",
        &["RT-22"],
        "A route is a black hole, as when its target is gone: whatever takes it is dropped.",
        "Point the route at something that exists, or delete it.",
    ),
    code(
        "route-circle",
        &["NAT-26", "RT-30"],
        "The subnet of a NAT gateway, or of an instance that forwards, routes packets back to it, or to another one whose subnet does: they go in a circle and are lost.",
        "In that subnet, route the destination to an internet gateway or on to another network.",
    ),
    code(
        "route-hidden",
        &["RT-04"],
        "A route never wins: static routes beat propagated ones for the same range, longer prefixes beat shorter ones, and `local` beats what is propagated inside the VPC.",
        "Remove it, or make those that hide it narrower.",
    ),
    code(
        "route-inside-vpc",
        &["RT-07"],
        "A route is for a part of its VPC that is not one of the VPC's subnets.",
        "Inside the VPC a route is for the whole range of a subnet.",
    ),
    code(
        "route-inside-vpc-target",
        &["CIDR-13", "RT-07", "RT-09"],
        "A route for addresses of its own VPC leads out of the VPC.",
        "Inside the VPC a route leads to a NAT gateway, a network interface or an instance.",
    ),
    code(
        "route-link-local",
        &["LL-02"],
        "A route is for 169.254.168.0/22 or a part of it, which belongs to AWS's own services.",
        "Remove it: AWS takes no route for these addresses.",
    ),
    code(
        "route-table-propagated-quota",
        &["RT-26"],
        "A route table has more than 100 propagated routes.",
        "Advertise a summary instead.",
    ),
    code(
        "route-table-quota",
        &["RT-25"],
        "A route table has more than 500 routes; a prefix list counts with its maximum of entries.",
        "AWS raises the quota to 1,000 on request; a prefix list with a smaller maximum counts less.",
    ),
    code(
        "route-table-unused",
        &["RT-02"],
        "Nothing looks in a route table: no subnet and no gateway is associated with it, and it is not the main one.",
        "Associate a subnet with it, or remove it.",
    ),
    code(
        "route-target-interfaces",
        &["RT-10"],
        "A route leads to an instance that has no network interface or several.",
        "Route to one of the instance's interfaces instead.",
    ),
    code(
        "route-target-kind",
        &["RT-10"],
        "A route leads to something that cannot be a route's target.",
        "Route to an internet gateway, a NAT gateway, a network interface, a peering connection or an instance.",
    ),
    code(
        "route-target-vpc",
        &["RT-10"],
        "A route leads to something of another VPC.",
        "Route to a target of the table's own VPC; a peering connection leads to another.",
    ),
    code(
        "route-twice",
        &["RT-11"],
        "A destination stands twice in one route table.",
        "Keep one of the two: a destination has one target.",
    ),
    code(
        "transit-gateway-association-twice",
        &["TGW-18"],
        "An attachment is associated with two route tables of one transit gateway.",
        "Associate it with the one in which what it sends shall be looked up.",
    ),
    code(
        "transit-gateway-attachment-twice",
        &["TGW-01"],
        "A VPC is attached twice to the same transit gateway.",
        "Add the subnets to the first attachment.",
    ),
    code(
        "transit-gateway-attachment-vpc",
        &["TGW-01"],
        "An attachment of a VPC names a subnet of another VPC.",
        "Name subnets of the attached VPC.",
    ),
    code(
        "transit-gateway-attachment-zone",
        &["TGW-01"],
        "An attachment names two subnets of one availability zone.",
        "Name one subnet in each zone.",
    ),
    code(
        "transit-gateway-block",
        &["TGW-39"],
        "An address block of a transit gateway is one that AWS refuses.",
        "At most five blocks of /24 or larger, outside 169.254.0.0/16 and outside the attached VPCs.",
    ),
    code(
        "transit-gateway-loop",
        &["TGW-31"],
        "Route tables of transit gateways and VPCs send a range round in a circle; its packets end when their time to live does.",
        "Route the range to where it is, or end it with a black hole in the transit gateway's route table.",
    ),
    code(
        "transit-gateway-ranges-overlap",
        &["TGW-23"],
        "A transit gateway does not propagate a range of a VPC, since one that was attached before has some of its addresses.",
        "Give one of the VPCs another range.",
    ),
    code(
        "transit-gateway-route-hidden",
        &["TGW-22"],
        "A route of a transit gateway never wins: another of its table takes all that it is for.",
        "Remove it, or make those that hide it narrower.",
    ),
    code(
        "transit-gateway-route-twice",
        &["TGW-25"],
        "A transit gateway route table has two static routes for one destination.",
        "Keep the one that shall count.",
    ),
    code(
        "transit-gateway-table-of-another",
        &["TGW-18"],
        "A transit gateway route table names an attachment of another gateway.",
        "Name attachments of the table's own gateway.",
    ),
    code(
        "transit-gateway-table-unused",
        &["TGW-18"],
        "Nothing looks in a transit gateway route table: no attachment is associated with it.",
        "Associate the attachments whose packets its routes are for, or remove it.",
    ),
];
