//! The declared nouns, one line each: what Terraform and CloudFormation call them, and who makes them.

use super::{
    Deployment, balancing, compute, endpoints, filters, gateways, hosts, network, paths, peering, routes,
    transit,
};
use vpcsim_aws::Kind;

use crate::declared::Declared;

/// Makes what AWS would describe of a declared resource.
pub(super) type Make = fn(&Declared, &mut Deployment<'_, '_>);

/// A family of kinds that are made alike.
pub(crate) struct Noun {
    /// What they become, or become a part of.
    pub kind: Kind,
    /// Its kinds in Terraform.
    pub terraform: &'static [&'static str],
    /// Its kinds in CloudFormation.
    pub cloudformation: &'static [&'static str],
    make: Make,
}

macro_rules! nouns {
    ($( $kind:ident: [$($terraform:literal),*] [$($cloudformation:literal),*] => $make:path, )*) => {
        /// Every noun.
        pub(crate) const NOUNS: &[Noun] = &[
            $( Noun { kind: Kind::$kind, terraform: &[$($terraform),*], cloudformation: &[$($cloudformation),*], make: $make }, )*
        ];
    };
}

nouns! {
    Vpc: ["aws_vpc", "aws_default_vpc", "data.aws_vpc"] ["AWS::EC2::VPC"] => network::vpc,
    Vpc: ["aws_vpc_ipv4_cidr_block_association"] ["AWS::EC2::VPCCidrBlock"] => network::secondary_cidr,
    Subnet: ["aws_subnet", "aws_default_subnet", "data.aws_subnet"] ["AWS::EC2::Subnet"] => network::subnet,
    DhcpOptions: ["aws_vpc_dhcp_options"] ["AWS::EC2::DHCPOptions"] => network::dhcp_options,
    DhcpOptions: ["aws_vpc_dhcp_options_association"]
        ["AWS::EC2::VPCDHCPOptionsAssociation"] => network::dhcp_options_association,
    PrefixList: ["aws_ec2_managed_prefix_list"] ["AWS::EC2::PrefixList"] => network::prefix_list,
    PrefixList: ["aws_ec2_managed_prefix_list_entry"] [] => network::prefix_list_entry,
    PrefixList: ["data.aws_prefix_list", "data.aws_ec2_managed_prefix_list"] [] => network::known_prefix_list,
    BlockPublicAccess: ["aws_vpc_block_public_access_options"]
        ["AWS::EC2::VPCBlockPublicAccessOptions"] => network::block_public_access,
    BlockPublicAccess: ["aws_vpc_block_public_access_exclusion"]
        ["AWS::EC2::VPCBlockPublicAccessExclusion"] => network::public_access_exclusion,
    InternetGateway: ["aws_internet_gateway", "data.aws_internet_gateway"]
        ["AWS::EC2::InternetGateway"] => gateways::internet_gateway,
    InternetGateway: ["aws_internet_gateway_attachment"] ["AWS::EC2::VPCGatewayAttachment"] => gateways::attachment,
    NatGateway: ["aws_nat_gateway"] ["AWS::EC2::NatGateway"] => gateways::nat_gateway,
    NatGateway: ["aws_nat_gateway_eip_association"] [] => gateways::nat_association,
    ElasticIp: ["aws_eip", "data.aws_eip"] ["AWS::EC2::EIP"] => gateways::elastic_ip,
    ElasticIp: ["aws_eip_association"] ["AWS::EC2::EIPAssociation"] => gateways::elastic_ip_association,
    RouteTable: ["aws_route_table", "data.aws_route_table"] ["AWS::EC2::RouteTable"] => routes::route_table,
    RouteTable: ["aws_default_route_table"] [] => routes::default_route_table,
    RouteTable: ["aws_route"] ["AWS::EC2::Route"] => routes::route,
    RouteTable: ["aws_route_table_association"]
        ["AWS::EC2::SubnetRouteTableAssociation", "AWS::EC2::GatewayRouteTableAssociation"] => routes::association,
    RouteTable: ["aws_main_route_table_association"] [] => routes::main_association,
    RouteTable: ["aws_vpn_gateway_route_propagation"]
        ["AWS::EC2::VPNGatewayRoutePropagation"] => routes::propagation,
    SecurityGroup: ["aws_security_group"] ["AWS::EC2::SecurityGroup"] => filters::security_group,
    SecurityGroup: ["aws_default_security_group"] [] => filters::default_security_group,
    SecurityGroup: [] ["Custom::VpcRestrictDefaultSG"] => filters::restrict_default_group,
    SecurityGroup: [
        "aws_security_group_rule",
        "aws_vpc_security_group_ingress_rule",
        "aws_vpc_security_group_egress_rule"
    ]
        ["AWS::EC2::SecurityGroupIngress", "AWS::EC2::SecurityGroupEgress"] => filters::rule,
    NetworkAcl: ["aws_network_acl"] ["AWS::EC2::NetworkAcl"] => filters::network_acl,
    NetworkAcl: ["aws_default_network_acl"] [] => filters::default_network_acl,
    NetworkAcl: ["aws_network_acl_rule"] ["AWS::EC2::NetworkAclEntry"] => filters::entry,
    NetworkAcl: ["aws_network_acl_association"]
        ["AWS::EC2::SubnetNetworkAclAssociation"] => filters::acl_association,
    NetworkInterface: ["aws_network_interface"] ["AWS::EC2::NetworkInterface"] => compute::network_interface,
    NetworkInterface: ["aws_network_interface_attachment"]
        ["AWS::EC2::NetworkInterfaceAttachment"] => compute::interface_attachment,
    NetworkInterface: ["aws_network_interface_sg_attachment"] [] => compute::group_attachment,
    Instance: ["aws_instance", "aws_spot_instance_request"] ["AWS::EC2::Instance"] => compute::instance,
    Instance: ["aws_launch_template", "aws_launch_configuration"]
        ["AWS::EC2::LaunchTemplate", "AWS::AutoScaling::LaunchConfiguration"] => compute::seen_elsewhere,
    Instance: ["aws_autoscaling_group"] ["AWS::AutoScaling::AutoScalingGroup"] => compute::auto_scaling_group,
    ManagedHost: [
        "aws_db_instance",
        "aws_rds_cluster_instance",
        "aws_docdb_cluster_instance",
        "aws_neptune_cluster_instance"
    ]
        ["AWS::RDS::DBInstance", "AWS::Neptune::DBInstance"] => hosts::database,
    ManagedHost: ["aws_elasticache_cluster", "aws_elasticache_replication_group"]
        ["AWS::ElastiCache::CacheCluster", "AWS::ElastiCache::ReplicationGroup"] => hosts::cache,
    ManagedHost: ["aws_lambda_function"] ["AWS::Lambda::Function"] => hosts::function,
    ManagedHost: ["aws_ecs_service"] ["AWS::ECS::Service"] => hosts::container_service,
    ManagedHost: ["aws_eks_cluster"] ["AWS::EKS::Cluster"] => hosts::kubernetes,
    ManagedHost: ["aws_efs_mount_target"] ["AWS::EFS::MountTarget"] => hosts::mount_target,
    ManagedHost: [
        "aws_db_subnet_group",
        "aws_elasticache_subnet_group",
        "aws_redshift_subnet_group",
        "aws_docdb_subnet_group",
        "aws_neptune_subnet_group",
        "aws_rds_cluster",
        "aws_docdb_cluster",
        "aws_neptune_cluster",
        "aws_ecs_task_definition",
        "data.aws_db_subnet_group",
        "aws_autoscaling_attachment"
    ]
        [
        "AWS::RDS::DBSubnetGroup",
        "AWS::ElastiCache::SubnetGroup",
        "AWS::Redshift::ClusterSubnetGroup",
        "AWS::Neptune::DBSubnetGroup",
        "AWS::RDS::DBCluster",
        "AWS::Neptune::DBCluster",
        "AWS::ECS::TaskDefinition"
    ] => compute::seen_elsewhere,
    LoadBalancer: ["aws_lb", "aws_alb"] ["AWS::ElasticLoadBalancingV2::LoadBalancer"] => balancing::load_balancer,
    LoadBalancer: ["aws_lb_listener", "aws_alb_listener"]
        ["AWS::ElasticLoadBalancingV2::Listener"] => balancing::listener,
    TargetGroup: ["aws_lb_target_group", "aws_alb_target_group"]
        ["AWS::ElasticLoadBalancingV2::TargetGroup"] => balancing::target_group,
    TargetGroup: ["aws_lb_target_group_attachment", "aws_alb_target_group_attachment"]
        [] => compute::seen_elsewhere,
    PeeringConnection: ["aws_vpc_peering_connection", "data.aws_vpc_peering_connection"]
        ["AWS::EC2::VPCPeeringConnection"] => peering::connection,
    PeeringConnection: ["aws_vpc_peering_connection_accepter", "aws_vpc_peering_connection_options"]
        [] => compute::seen_elsewhere,
    InternetHost: ["aws_ec2_network_insights_path"] ["AWS::EC2::NetworkInsightsPath"] => paths::path,
    VpcEndpoint: ["aws_vpc_endpoint"] ["AWS::EC2::VPCEndpoint"] => endpoints::endpoint,
    VpcEndpoint: [
        "aws_vpc_endpoint_route_table_association",
        "aws_vpc_endpoint_subnet_association",
        "aws_vpc_endpoint_security_group_association"
    ]
        [] => endpoints::association,
    EndpointService: ["aws_vpc_endpoint_service"] ["AWS::EC2::VPCEndpointService"] => endpoints::service,
    TransitGateway: ["aws_ec2_transit_gateway", "data.aws_ec2_transit_gateway"]
        ["AWS::EC2::TransitGateway"] => transit::gateway,
    TransitGatewayAttachment: ["aws_ec2_transit_gateway_vpc_attachment"]
        ["AWS::EC2::TransitGatewayVpcAttachment", "AWS::EC2::TransitGatewayAttachment"] => transit::vpc_attachment,
    TransitGatewayAttachment: ["aws_ec2_transit_gateway_peering_attachment"]
        ["AWS::EC2::TransitGatewayPeeringAttachment"] => transit::peering_attachment,
    TransitGatewayAttachment: [
        "aws_ec2_transit_gateway_peering_attachment_accepter",
        "aws_ec2_transit_gateway_vpc_attachment_accepter",
        "aws_ec2_transit_gateway_default_route_table_association",
        "aws_ec2_transit_gateway_default_route_table_propagation"
    ]
        [] => compute::seen_elsewhere,
    TransitGatewayRouteTable: ["aws_ec2_transit_gateway_route_table"]
        ["AWS::EC2::TransitGatewayRouteTable"] => transit::route_table,
    TransitGatewayRouteTable: ["aws_ec2_transit_gateway_route", "aws_ec2_transit_gateway_prefix_list_reference"]
        ["AWS::EC2::TransitGatewayRoute"] => transit::route,
    TransitGatewayRouteTable: ["aws_ec2_transit_gateway_route_table_association"]
        ["AWS::EC2::TransitGatewayRouteTableAssociation"] => transit::association,
    TransitGatewayRouteTable: ["aws_ec2_transit_gateway_route_table_propagation"]
        ["AWS::EC2::TransitGatewayRouteTablePropagation"] => transit::propagation,
}

/// Who makes resources of this kind.
pub(super) fn noun_of(kind: &str) -> Option<Make> {
    let is_it = |noun: &&Noun| noun.terraform.contains(&kind) || noun.cloudformation.contains(&kind);
    NOUNS.iter().find(is_it).map(|noun| noun.make)
}

/// Whether anybody reads the arguments of this kind.
pub(crate) fn is_looked_at(kind: &str) -> bool {
    noun_of(kind).is_some() || super::unmodelled::is_row(kind)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_has_one_noun() {
        let mut kinds: Vec<&str> = NOUNS
            .iter()
            .flat_map(|noun| noun.terraform.iter().chain(noun.cloudformation))
            .copied()
            .collect();
        let count = kinds.len();
        kinds.sort_unstable();
        kinds.dedup();
        assert_eq!(kinds.len(), count);
    }
}
