//! A design with a NAT gateway, for the tests of this folder.

use super::{Connectivity, NatGateway, NatGatewayAddress, NatGatewayState};
use crate::devices::route_table::{Route, RouteDestination, RouteSource, RouteTable, RouteTarget};
use crate::devices::{Subnet, Topology};
use crate::model::{Id, Label, Origin};
use crate::stand::{self, ip};

/// The gateway's private address.
pub(super) const NAT: &str = "10.0.0.220";

/// A VPC with a public subnet 10.0.0.0/24, the gateway in it, and a private subnet 10.0.1.0/24 with a client.
pub(super) struct Design {
    pub(super) topology: Topology,
    pub(super) nat: Id<NatGateway>,
    pub(super) public_subnet: Id<Subnet>,
}

impl Design {
    pub(super) fn new() -> Self {
        let mut topology = Topology::named("nat", "eu-west-1");
        let vpc = stand::vpc(&mut topology, "vpc", &["10.0.0.0/16"]);
        let public_subnet = stand::subnet(&mut topology, vpc, "10.0.0.0/24");
        let private_subnet = stand::subnet(&mut topology, vpc, "10.0.1.0/24");
        stand::interface(&mut topology, public_subnet, "10.0.0.9", None);
        stand::interface(&mut topology, private_subnet, "10.0.1.5", None);
        let gateway = stand::internet_gateway(&mut topology, "igw", Some(vpc));
        topology.route_tables.push(RouteTable {
            label: Label::named("main"),
            vpc,
            main: true,
            routes: vec![Route {
                destination: RouteDestination::Cidr("0.0.0.0/0".parse().expect("a CIDR")),
                target: RouteTarget::Resource(gateway.into()),
                source: RouteSource::Static,
                blackhole: false,
                origin: Origin::NOWHERE,
            }],
        });
        let nat = nat_gateway(&mut topology, public_subnet, NAT, Some("203.0.113.220"));
        Self {
            topology,
            nat,
            public_subnet,
        }
    }
}

/// Adds an available public gateway.
pub(super) fn nat_gateway(
    topology: &mut Topology,
    subnet: Id<Subnet>,
    private: &str,
    public: Option<&str>,
) -> Id<NatGateway> {
    topology.nat_gateways.push(NatGateway {
        label: Label::named(format!("nat-{private}")),
        subnet,
        connectivity: Connectivity::Public,
        state: NatGatewayState::Available,
        addresses: vec![NatGatewayAddress {
            private: ip(private),
            public: public.map(ip),
        }],
        network_interface: None,
    })
}
