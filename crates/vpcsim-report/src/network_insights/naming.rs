//! Ids, ARNs and names of resources as AWS writes them.
//!
//! An id that the input has and AWS could have given is kept. Whatever else the input calls a resource (a name, a Terraform
//! address, a logical id) stands behind AWS's prefix and a `~`, so that a reader sees what kind it is and that AWS has not made it
//! yet: `igw-~module.net.aws_internet_gateway.this`.

use vpcsim_aws::devices::Vpc;
use vpcsim_aws::devices::network_interface::Attachment;
use vpcsim_aws::{AnyId, Id, Kind, Topology};

use super::shapes::Component;

/// The account of whatever does not say one.
const NO_ACCOUNT: &str = "000000000000";

/// What AWS calls a kind: the prefix of its ids, and the resource type in its ARNs.
fn words(kind: Kind) -> Option<(&'static str, &'static str)> {
    Some(match kind {
        Kind::Vpc => ("vpc", "vpc"),
        Kind::Subnet => ("subnet", "subnet"),
        Kind::RouteTable => ("rtb", "route-table"),
        Kind::NetworkAcl => ("acl", "network-acl"),
        Kind::SecurityGroup => ("sg", "security-group"),
        Kind::PrefixList => ("pl", "prefix-list"),
        Kind::DhcpOptions => ("dopt", "dhcp-options"),
        Kind::NetworkInterface => ("eni", "network-interface"),
        Kind::Instance => ("i", "instance"),
        Kind::ElasticIp => ("eipalloc", "elastic-ip"),
        Kind::InternetGateway => ("igw", "internet-gateway"),
        Kind::NatGateway | Kind::RegionalNatGateway => ("nat", "natgateway"),
        Kind::PeeringConnection => ("pcx", "vpc-peering-connection"),
        Kind::TransitGateway => ("tgw", "transit-gateway"),
        Kind::TransitGatewayAttachment => ("tgw-attach", "transit-gateway-attachment"),
        Kind::TransitGatewayRouteTable => ("tgw-rtb", "transit-gateway-route-table"),
        Kind::VpcEndpoint => ("vpce", "vpc-endpoint"),
        Kind::EndpointService => ("vpce-svc", "vpc-endpoint-service"),
        Kind::InternetHost
        | Kind::ManagedHost
        | Kind::LoadBalancer
        | Kind::TargetGroup
        | Kind::BlockPublicAccess => return None,
    })
}

/// The resource as a component.
pub(super) fn component(topology: &Topology, any: impl Into<AnyId>) -> Component {
    let any = any.into();
    let id = id(topology, any);
    // A name that is the input's id says nothing more.
    let label = topology
        .label(any)
        .filter(|label| label.id.as_ref() != Some(&label.name));
    let name = label.map(|label| label.name.clone());
    Component {
        arn: arn(topology, any, &id),
        name: name.filter(|name| *name != id),
        id,
    }
}

/// The id of a resource.
pub(super) fn id(topology: &Topology, any: impl Into<AnyId>) -> String {
    let any = any.into();
    let Some(label) = topology.label(any) else {
        return String::new();
    };
    let own = label.id_or_name();
    let Some((prefix, _)) = words(any.kind) else {
        return balancing_arn(topology, any).unwrap_or_else(|| own.to_owned());
    };
    let is_given = own.strip_prefix(prefix).is_some_and(|rest| rest.starts_with('-'));
    if is_given {
        return own.to_owned();
    }
    let vpc = topology
        .vpc_of(any)
        .filter(|_| label.id.is_none() && is_ambiguous(topology, any, own));
    let made = match vpc {
        Some(vpc) => format!("{prefix}-~{}.{own}", topology.name_of(vpc)),
        None => format!("{prefix}-~{own}"),
    };
    // Scripts take lists of ids apart at white space.
    made.replace(char::is_whitespace, "-")
}

/// Names are unique in a VPC, not in a design.
fn is_ambiguous(topology: &Topology, any: AnyId, name: &str) -> bool {
    let mut same = topology
        .resources()
        .filter(|other| other.kind == any.kind && *other != any);
    same.any(|other| {
        topology
            .label(other)
            .is_some_and(|label| label.id_or_name() == name)
    })
}

/// The ARN of a resource; hosts on the internet have none.
fn arn(topology: &Topology, any: AnyId, id: &str) -> Option<String> {
    let Some((_, resource_type)) = words(any.kind) else {
        return balancing_arn(topology, any);
    };
    let (region, account) = home(topology, any);
    Some(format!("arn:aws:ec2:{region}:{account}:{resource_type}/{id}"))
}

/// The ARN of a load balancer or a target group, by which its own service knows it.
fn balancing_arn(topology: &Topology, any: AnyId) -> Option<String> {
    let label = topology.label(any)?;
    let form = match any.kind {
        Kind::LoadBalancer => "loadbalancer/net",
        Kind::TargetGroup => "targetgroup",
        _ => return label.id.clone().filter(|id| id.starts_with("arn:")),
    };
    if let Some(id) = label.id.as_ref().filter(|id| id.starts_with("arn:")) {
        return Some(id.clone());
    }
    let (region, account) = home(topology, any);
    let vpc = topology.vpc_of(any).map_or("", |vpc| topology.name_of(vpc));
    let number = digest(&[vpc, label.id_or_name()]);
    let name = &label.name;
    Some(format!(
        "arn:aws:elasticloadbalancing:{region}:{account}:{form}/{name}/{number}"
    ))
}

/// The listener of a load balancer: by its ARN, as its own service knows it.
pub(super) fn listener(
    topology: &Topology,
    balancer: impl Into<AnyId>,
    protocol: &str,
    port: u16,
) -> Component {
    let arn = id(topology, balancer).replacen(":loadbalancer/", ":listener/", 1);
    let number = digest(&[protocol, &port.to_string()]);
    let arn = format!("{arn}/{number}");
    Component {
        id: arn.clone(),
        arn: Some(arn),
        name: None,
    }
}

/// The region and the account of a resource.
pub(super) fn home(topology: &Topology, any: AnyId) -> (String, String) {
    let gateway = match any.kind {
        Kind::TransitGateway => Some(any.id()),
        Kind::TransitGatewayAttachment => topology
            .transit_gateway_attachments
            .find(any.id())
            .map(|row| row.gateway),
        Kind::TransitGatewayRouteTable => topology
            .transit_gateway_route_tables
            .find(any.id())
            .map(|row| row.gateway),
        _ => None,
    };
    if let Some(gateway) = gateway.and_then(|id| topology.transit_gateways.find(id)) {
        return (gateway.region.clone(), or_none(&gateway.account));
    }
    let vpc = vpc_of(topology, any).and_then(|vpc| topology.vpcs.find(vpc));
    let own = topology.label(any).and_then(|label| label.account.clone());
    let region = vpc.map_or(&topology.region, |vpc| &vpc.region).clone();
    let account = own
        .or_else(|| vpc.map(|vpc| vpc.account.clone()))
        .unwrap_or_default();
    (region, or_none(&account))
}

fn or_none(account: &str) -> String {
    let account = if account.is_empty() { NO_ACCOUNT } else { account };
    account.to_owned()
}

/// The VPC of a resource; an instance lives in that of its first interface, an endpoint service in its load balancers'.
pub(super) fn vpc_of(topology: &Topology, any: AnyId) -> Option<Id<Vpc>> {
    match any.kind {
        Kind::Vpc => Some(any.id()),
        Kind::Instance => {
            let interfaces = topology.network_interfaces.iter();
            let own = interfaces.filter_map(|(id, interface)| match interface.attachment {
                Attachment::Instance {
                    instance,
                    device_index,
                } if instance == any.id() => Some((device_index, id)),
                _ => None,
            });
            topology.vpc_of(own.min()?.1.into())
        }
        Kind::EndpointService => topology.endpoint_services.find(any.id())?.provider(topology),
        Kind::PeeringConnection => {
            let peering = topology.peering_connections.find(any.id())?;
            peering.requester.or(peering.accepter)
        }
        _ => topology.vpc_of(any),
    }
}

/// Sixteen digits that stand for some texts, the same on every machine: FNV-1a with a separator behind each text.
pub(super) fn digest(texts: &[&str]) -> String {
    let mut hash: u64 = 0xcbf2_9ce4_8422_2325;
    let bytes = texts
        .iter()
        .flat_map(|text| text.bytes().chain(std::iter::once(0)));
    for byte in bytes {
        hash = (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
    }
    format!("{hash:016x}")
}
