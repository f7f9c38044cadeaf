//! Subnet: the network ACL at its edge and the route table behind it.

use ipnet::Ipv4Net;
use vpcsim_engine::Port;

use crate::devices::{Kind, NetworkAcl, Resource, RouteTable, Vpc};
use crate::model::{Id, Label};

/// The port for what leaves the subnet: from an interface in it, or from a gateway in it.
pub const LEAVING: Port = Port(0);
/// The port for what enters the subnet, on its way to the claim in its mark.
pub const ENTERING: Port = Port(1);

/// A subnet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subnet {
    /// How it is called.
    pub label: Label,
    /// The VPC it is part of.
    pub vpc: Id<Vpc>,
    /// The availability zone (`eu-west-1a`).
    pub availability_zone: String,
    /// Its address range.
    pub cidr: Ipv4Net,
    /// The route table it is explicitly associated with; `None` is the VPC's main one.
    pub route_table: Option<Id<RouteTable>>,
    /// The network ACL it is associated with; `None` is the VPC's default one.
    pub network_acl: Option<Id<NetworkAcl>>,
    /// Whether new interfaces get a public address.
    pub map_public_ip_on_launch: bool,
}

impl Resource for Subnet {
    const KIND: Kind = Kind::Subnet;
    const NOUN: &'static str = "subnet";

    fn label(&self) -> &Label {
        &self.label
    }
}
