//! Where each kind of resource stands in the formats that are read.

use vpcsim_aws::Kind;

use crate::deployment::nouns::NOUNS;

/// The keys of a kind of resource.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Formats {
    /// The key of a native design.
    pub native: &'static str,
    /// The top keys of `aws … describe-*` answers.
    pub describe: &'static [&'static str],
}

const fn formats(native: &'static str, describe: &'static [&'static str]) -> Formats {
    Formats { native, describe }
}

/// The kinds of declared resources that become a kind of resource, or a part of one: in Terraform and in CloudFormation.
pub fn declared_as(kind: Kind) -> (Vec<&'static str>, Vec<&'static str>) {
    let own = || NOUNS.iter().filter(|noun| noun.kind == kind);
    // Data sources and paths to analyse make nothing.
    let is_made = |name: &&str| !name.starts_with("data.") && !name.to_lowercase().contains("insights");
    let terraform = own().flat_map(|noun| noun.terraform).copied().filter(is_made);
    let cloudformation = own()
        .flat_map(|noun| noun.cloudformation)
        .copied()
        .filter(is_made);
    (terraform.collect(), cloudformation.collect())
}

/// The keys of a kind of resource.
pub const fn formats_of(kind: Kind) -> Formats {
    match kind {
        Kind::Vpc => formats("vpcs", &["Vpcs"]),
        Kind::Subnet => formats("subnets", &["Subnets"]),
        Kind::RouteTable => formats("route_tables", &["RouteTables"]),
        Kind::NetworkAcl => formats("network_acls", &["NetworkAcls"]),
        Kind::SecurityGroup => formats("security_groups", &["SecurityGroups", "SecurityGroupRules"]),
        Kind::PrefixList => formats("prefix_lists", &["PrefixLists", "Entries"]),
        Kind::DhcpOptions => formats("dhcp_options", &["DhcpOptions"]),
        Kind::NetworkInterface => formats("network_interfaces", &["NetworkInterfaces"]),
        Kind::Instance => formats("instances", &["Reservations"]),
        Kind::ElasticIp => formats("elastic_ips", &["Addresses"]),
        Kind::InternetGateway => formats("internet_gateway", &["InternetGateways"]),
        Kind::NatGateway => formats("nat_gateways", &["NatGateways"]),
        Kind::PeeringConnection => formats("peerings", &["VpcPeeringConnections"]),
        Kind::InternetHost => formats("internet", &[]),
        Kind::TargetGroup => formats("target_groups", &["TargetGroups", "TargetHealthDescriptions"]),
        Kind::LoadBalancer => formats("load_balancers", &["LoadBalancers", "Listeners"]),
        Kind::TransitGateway => formats("transit_gateways", &["TransitGateways"]),
        Kind::TransitGatewayAttachment => formats(
            "transit_gateways.attachments",
            &["TransitGatewayVpcAttachments", "TransitGatewayAttachments"],
        ),
        Kind::TransitGatewayRouteTable => formats(
            "transit_gateways.route_tables",
            &["TransitGatewayRouteTables", "TransitGatewayStaticRoutes"],
        ),
        Kind::VpcEndpoint => formats("vpc_endpoints", &["VpcEndpoints"]),
        Kind::ManagedHost => formats("managed_hosts", &["DBInstances"]),
        Kind::RegionalNatGateway => formats("regional_nat_gateways", &["NatGateways"]),
        Kind::BlockPublicAccess => formats(
            "block_public_access",
            &["VpcBlockPublicAccessOptions", "VpcBlockPublicAccessExclusions"],
        ),
        Kind::EndpointService => formats("endpoint_services", &["ServiceConfigurations"]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::describe::registry::KEYS;
    use crate::native::registry::{TOP_NOUNS, VPC_NOUNS};

    #[test]
    fn every_key_that_is_told_is_read() {
        for &kind in Kind::ALL {
            let formats = formats_of(kind);
            for key in formats.describe {
                assert!(KEYS.contains(key), "{key} of {kind:?}");
            }
            let mut nouns = TOP_NOUNS.iter().chain(VPC_NOUNS);
            let top = formats.native.split('.').next().unwrap();
            let of_vpc = top == "internet_gateway";
            assert!(of_vpc || nouns.any(|noun| noun.key == top), "{top} of {kind:?}");
        }
    }

    #[test]
    fn what_is_declared_in_one_language_is_declared_in_the_other() {
        let only_in_designs = [Kind::InternetHost, Kind::RegionalNatGateway];
        for &kind in Kind::ALL.iter().filter(|kind| !only_in_designs.contains(kind)) {
            let (terraform, cloudformation) = declared_as(kind);
            assert!(!terraform.is_empty() && !cloudformation.is_empty(), "{kind:?}");
        }
    }

    #[test]
    fn every_noun_of_the_native_format_is_told() {
        for noun in TOP_NOUNS.iter().chain(VPC_NOUNS) {
            let detached = noun.key == "internet_gateways";
            let told = Kind::ALL.iter().any(|kind| formats_of(*kind).native == noun.key);
            assert!(told || detached, "{}", noun.key);
        }
    }
}
