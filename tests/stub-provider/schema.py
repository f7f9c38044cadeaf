"""The schemas of the stub: as much of `hashicorp/aws` as the designs in `tests/four-ways` use.

One line a resource: `name` optional, `name*` required, `name=` computed, `name?` optional and computed; `:b` bool, `:n`
number, `:l` list, `:s` set, `:m` map of texts; `{...}` behind a name is a nested block, `[...]` an attribute that is a list of
objects, as the provider writes `ingress`, `egress` and `route`.
"""

RULE = "[description from_port:n to_port:n protocol cidr_blocks:l ipv6_cidr_blocks:l prefix_list_ids:l security_groups:s self:b]"
ENTRY = "[action cidr_block from_port:n icmp_code:n icmp_type:n ipv6_cidr_block protocol rule_no:n to_port:n]"
ROUTE = (
    "[cidr_block ipv6_cidr_block destination_prefix_list_id carrier_gateway_id core_network_arn egress_only_gateway_id gateway_id "
    "local_gateway_id nat_gateway_id network_interface_id transit_gateway_id vpc_endpoint_id vpc_peering_connection_id]"
)
COMMON = "id= arn= region? tags:m tags_all:m?"

RESOURCES = {
    "aws_vpc": "cidr_block? enable_dns_hostnames:b? enable_dns_support:b instance_tenancy default_network_acl_id= "
    "default_route_table_id= default_security_group_id= main_route_table_id= dhcp_options_id= owner_id=",
    "aws_vpc_ipv4_cidr_block_association": "vpc_id* cidr_block?",
    "aws_subnet": "vpc_id* cidr_block availability_zone? availability_zone_id? map_public_ip_on_launch:b owner_id=",
    "aws_internet_gateway": "vpc_id? owner_id=",
    "aws_eip": "domain? instance? network_interface? associate_with_private_ip public_ip= private_ip= allocation_id= association_id=",
    "aws_eip_association": "allocation_id? instance_id? network_interface_id? private_ip_address? public_ip?",
    "aws_nat_gateway": "allocation_id subnet_id connectivity_type private_ip? public_ip= network_interface_id= association_id=",
    "aws_route_table": "vpc_id* propagating_vgws:s? owner_id= route" + ROUTE + "?",
    "aws_default_route_table": "default_route_table_id* vpc_id= owner_id= route" + ROUTE + "?",
    "aws_route": "route_table_id* destination_cidr_block destination_prefix_list_id gateway_id nat_gateway_id transit_gateway_id "
    "network_interface_id? vpc_peering_connection_id vpc_endpoint_id instance_id= origin= state=",
    "aws_route_table_association": "route_table_id* subnet_id gateway_id",
    "aws_main_route_table_association": "route_table_id* vpc_id* original_route_table_id=",
    "aws_network_acl": "vpc_id* subnet_ids:s? owner_id= ingress" + ENTRY + "? egress" + ENTRY + "?",
    "aws_network_acl_rule": "network_acl_id* rule_number:n* protocol* rule_action* egress:b cidr_block from_port:n to_port:n icmp_code icmp_type",
    "aws_network_acl_association": "network_acl_id* subnet_id*",
    "aws_security_group": "name? name_prefix? description vpc_id? owner_id= revoke_rules_on_delete:b ingress" + RULE + "? egress" + RULE + "?",
    "aws_default_security_group": "vpc_id? name= description= owner_id= ingress" + RULE + "? egress" + RULE + "?",
    "aws_security_group_rule": "security_group_id* type* protocol* from_port:n* to_port:n* cidr_blocks:l ipv6_cidr_blocks:l "
    "prefix_list_ids:l self:b source_security_group_id? security_group_rule_id= description",
    "aws_vpc_security_group_ingress_rule": "security_group_id* ip_protocol* from_port:n to_port:n cidr_ipv4 cidr_ipv6 prefix_list_id "
    "referenced_security_group_id security_group_rule_id= description",
    "aws_vpc_security_group_egress_rule": "security_group_id* ip_protocol* from_port:n to_port:n cidr_ipv4 cidr_ipv6 prefix_list_id "
    "referenced_security_group_id security_group_rule_id= description",
    "aws_ec2_managed_prefix_list": "name* address_family* max_entries:n* owner_id= version:n= entry{cidr* description}",
    "aws_network_interface": "subnet_id* private_ip? private_ips:s? security_groups:s? source_dest_check:b mac_address= owner_id= "
    "private_dns_name= interface_type? attachment{instance* device_index:n* attachment_id=}",
    "aws_network_interface_attachment": "instance_id* network_interface_id* device_index:n* attachment_id= status=",
    "aws_instance": "ami? instance_type? subnet_id? vpc_security_group_ids:s? private_ip? associate_public_ip_address:b? "
    "source_dest_check:b availability_zone? user_data? key_name? public_ip= public_dns= private_dns= primary_network_interface_id= "
    "instance_state= secondary_private_ips:s? security_groups:s?",
    "aws_vpc_peering_connection": "vpc_id* peer_vpc_id* peer_owner_id? peer_region? auto_accept:b accept_status=",
    "aws_vpc_endpoint": "vpc_id* service_name vpc_endpoint_type route_table_ids:s? subnet_ids:s? security_group_ids:s? "
    "private_dns_enabled:b? policy? dns_entry:l= network_interface_ids:s= owner_id= prefix_list_id= cidr_blocks:l= state=",
    "aws_lb": "name? internal:b? load_balancer_type security_groups:s? subnets:s? enable_cross_zone_load_balancing:b dns_name= "
    "zone_id= vpc_id= arn_suffix= ip_address_type? "
    "subnet_mapping{subnet_id* allocation_id private_ipv4_address}",
    "aws_lb_listener": "load_balancer_arn* port:n protocol? certificate_arn ssl_policy? default_action{type* target_group_arn order:n?}",
    "aws_lb_target_group": "name? port:n protocol? vpc_id target_type preserve_client_ip? proxy_protocol_v2:b arn_suffix= "
    "health_check{enabled:b protocol port path interval:n healthy_threshold:n unhealthy_threshold:n timeout:n? matcher?}",
    "aws_lb_target_group_attachment": "target_group_arn* target_id* port:n availability_zone",
    "aws_ec2_transit_gateway": "description default_route_table_association default_route_table_propagation dns_support "
    "association_default_route_table_id= propagation_default_route_table_id= owner_id= amazon_side_asn:n?",
    "aws_ec2_transit_gateway_vpc_attachment": "transit_gateway_id* vpc_id* subnet_ids:s* appliance_mode_support dns_support "
    "transit_gateway_default_route_table_association:b? transit_gateway_default_route_table_propagation:b? vpc_owner_id=",
    "aws_ec2_transit_gateway_route_table": "transit_gateway_id* default_association_route_table:b= default_propagation_route_table:b=",
    "aws_ec2_transit_gateway_route": "destination_cidr_block* blackhole:b transit_gateway_attachment_id transit_gateway_route_table_id*",
    "aws_ec2_transit_gateway_route_table_association": "transit_gateway_attachment_id* transit_gateway_route_table_id* resource_id= resource_type=",
    "aws_ec2_transit_gateway_route_table_propagation": "transit_gateway_attachment_id* transit_gateway_route_table_id* resource_id= resource_type=",
}

DATA = {
    "aws_availability_zones": "id= state names:l= zone_ids:l= group_names:s=",
    "aws_region": "id= name= region?",
}

PROVIDER = "region profile access_key secret_key skip_credentials_validation:b"
