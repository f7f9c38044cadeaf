//! What arguments refer to: a route table's id belongs to a route table, however many things an expression mentions.

const VPCS: &[&str] = &["aws_vpc", "aws_default_vpc"];
const SUBNETS: &[&str] = &["aws_subnet", "aws_default_subnet"];
const GROUPS: &[&str] = &["aws_security_group", "aws_default_security_group"];
const TABLES: &[&str] = &[
    "aws_route_table",
    "aws_default_route_table",
    "aws_vpc",
    "aws_default_vpc",
];
const BALANCERS: &[&str] = &["aws_lb", "aws_alb"];
const LISTS: &[&str] = &[
    "aws_ec2_managed_prefix_list",
    "aws_prefix_list",
    "aws_vpc_endpoint",
];

/// What arguments refer to.
const REFERENCES: &[(&[&str], &[&str])] = &[
    (&["vpc_id", "peer_vpc_id", "default_network_acl_id"], VPCS),
    (
        &["subnet_id", "subnet_ids", "subnets", "vpc_zone_identifier"],
        SUBNETS,
    ),
    (
        &["route_table_id", "route_table_ids", "default_route_table_id"],
        TABLES,
    ),
    (
        &["network_acl_id"],
        &["aws_network_acl", "aws_default_network_acl", "aws_vpc"],
    ),
    (
        &[
            "security_group_id",
            "security_group_ids",
            "vpc_security_group_ids",
            "security_groups",
            "source_security_group_id",
            "referenced_security_group_id",
        ],
        GROUPS,
    ),
    (&["nat_gateway_id"], &["aws_nat_gateway"]),
    (&["gateway_id"], &["aws_internet_gateway", "aws_vpn_gateway"]),
    (&["internet_gateway_id"], &["aws_internet_gateway"]),
    (&["egress_only_gateway_id"], &["aws_egress_only_internet_gateway"]),
    (&["carrier_gateway_id"], &["aws_ec2_carrier_gateway"]),
    (&["vpn_gateway_id"], &["aws_vpn_gateway"]),
    (
        &["allocation_id", "secondary_allocation_ids", "allocation_ids"],
        &["aws_eip"],
    ),
    (
        &["network_interface_id", "network_interface"],
        &["aws_network_interface", "aws_instance"],
    ),
    (
        &["instance_id", "instance"],
        &["aws_instance", "aws_spot_instance_request"],
    ),
    (
        &["transit_gateway_id", "peer_transit_gateway_id"],
        &["aws_ec2_transit_gateway"],
    ),
    (
        &["transit_gateway_route_table_id"],
        &["aws_ec2_transit_gateway_route_table", "aws_ec2_transit_gateway"],
    ),
    (
        &["transit_gateway_attachment_id"],
        &[
            "aws_ec2_transit_gateway_vpc_attachment",
            "aws_ec2_transit_gateway_peering_attachment",
            "aws_ec2_transit_gateway_vpc_attachment_accepter",
            "aws_ec2_transit_gateway_peering_attachment_accepter",
            "aws_ec2_transit_gateway_connect",
            "aws_vpn_connection",
        ],
    ),
    (
        &["vpc_peering_connection_id"],
        &[
            "aws_vpc_peering_connection",
            "aws_vpc_peering_connection_accepter",
        ],
    ),
    (
        &["vpc_endpoint_id"],
        &["aws_vpc_endpoint", "aws_networkfirewall_firewall"],
    ),
    (
        &[
            "load_balancer_arn",
            "network_load_balancer_arns",
            "gateway_load_balancer_arns",
        ],
        BALANCERS,
    ),
    (
        &["target_group_arn", "target_group_arns", "lb_target_group_arn"],
        &["aws_lb_target_group", "aws_alb_target_group"],
    ),
    (
        &["target_id"],
        &[
            "aws_instance",
            "aws_lb",
            "aws_lambda_function",
            "aws_network_interface",
        ],
    ),
    (
        &["prefix_list_id", "destination_prefix_list_id", "prefix_list_ids"],
        LISTS,
    ),
    (&["dhcp_options_id"], &["aws_vpc_dhcp_options"]),
    (&["launch_configuration"], &["aws_launch_configuration"]),
    (&["db_subnet_group_name"], &["aws_db_subnet_group"]),
    (&["subnet_group_name"], &["aws_elasticache_subnet_group"]),
    (
        &["cluster_identifier"],
        &["aws_rds_cluster", "aws_docdb_cluster", "aws_neptune_cluster"],
    ),
    (&["task_definition"], &["aws_ecs_task_definition"]),
    (&["autoscaling_group_name"], &["aws_autoscaling_group"]),
    (&["service_name"], &["aws_vpc_endpoint_service"]),
    (
        &["source", "destination"],
        &[
            "aws_instance",
            "aws_network_interface",
            "aws_internet_gateway",
            "aws_vpc_endpoint",
        ],
    ),
];

/// The kinds that an argument may refer to; empty if it is no reference.
pub(super) fn of_argument(argument: &str) -> &'static [&'static str] {
    let row = REFERENCES
        .iter()
        .find(|(arguments, _)| arguments.contains(&argument));
    row.map_or(&[], |(_, kinds)| kinds)
}

/// Whether an attribute of any kind holds what an argument wants: `vpc_id` of a subnet, `default_security_group_id` of a VPC.
pub(super) fn holds(attribute: &str, argument: &str) -> bool {
    let row = REFERENCES
        .iter()
        .find(|(arguments, _)| arguments.contains(&argument));
    let concept = row.and_then(|(arguments, _)| arguments.first());
    concept.is_some_and(|concept| attribute.ends_with(concept))
}

/// Arguments that the network cannot do without: what is lost there is worth a word.
pub(super) fn matters(argument: &str) -> bool {
    !of_argument(argument).is_empty()
        && !matches!(
            argument,
            "service_name" | "dhcp_options_id" | "vpn_gateway_id" | "instance" | "network_interface"
        )
}

/// Whether an argument takes a list.
pub(super) fn is_list(argument: &str) -> bool {
    matches!(
        argument,
        "subnet_ids"
            | "subnets"
            | "vpc_zone_identifier"
            | "route_table_ids"
            | "security_group_ids"
            | "vpc_security_group_ids"
            | "security_groups"
            | "secondary_allocation_ids"
            | "allocation_ids"
            | "network_load_balancer_arns"
            | "gateway_load_balancer_arns"
            | "target_group_arns"
            | "prefix_list_ids"
            | "cidr_blocks"
            | "private_ips"
            | "availability_zones"
    )
}

/// Arguments whose value, if it is unknown, is worth looking for although it is no reference.
pub(super) fn is_looked_for(argument: &str) -> bool {
    !of_argument(argument).is_empty()
        || matches!(
            argument,
            "availability_zone"
                | "availability_zones"
                | "cidr_block"
                | "cidr_blocks"
                | "cidr_ipv4"
                | "destination_cidr_block"
                | "private_ip"
                | "private_ips"
                | "id"
                | "name"
                | "port"
        )
}

/// Whether an attribute of a resource is its id by another name.
pub(super) fn is_id(kind: &str, attribute: &str) -> bool {
    let by_another_name = match kind {
        "aws_eip" => "allocation_id",
        "aws_security_group_rule" => "security_group_rule_id",
        "aws_vpc_peering_connection_accepter" => "vpc_peering_connection_id",
        "aws_ec2_transit_gateway_peering_attachment_accepter"
        | "aws_ec2_transit_gateway_vpc_attachment_accepter" => "transit_gateway_attachment_id",
        "aws_db_subnet_group" | "aws_elasticache_subnet_group" | "aws_autoscaling_group" => "name",
        _ => "id",
    };
    matches!(attribute, "id" | "arn") || attribute == by_another_name
}

/// The argument by which a kind adopts what AWS made: its id is that thing's.
pub(super) fn adopts(kind: &str) -> Option<&'static str> {
    match kind {
        "aws_default_route_table" => Some("default_route_table_id"),
        "aws_default_network_acl" => Some("default_network_acl_id"),
        "aws_vpc_peering_connection_accepter" => Some("vpc_peering_connection_id"),
        "aws_ec2_transit_gateway_peering_attachment_accepter"
        | "aws_ec2_transit_gateway_vpc_attachment_accepter" => Some("transit_gateway_attachment_id"),
        _ => None,
    }
}
