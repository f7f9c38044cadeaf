//! NAT gateway.

use std::net::Ipv4Addr;

use crate::devices::{Kind, NetworkInterface, Resource, Subnet};
use crate::model::{Id, Label};

/// A zonal NAT gateway.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NatGateway {
    /// How it is called.
    pub label: Label,
    /// The subnet it is in.
    pub subnet: Id<Subnet>,
    /// Whether it is public (has Elastic IPs) or private.
    pub connectivity: Connectivity,
    /// Its state.
    pub state: NatGatewayState,
    /// Its addresses, the primary first.
    pub addresses: Vec<NatGatewayAddress>,
    /// Its network interface, where the input has one.
    pub network_interface: Option<Id<NetworkInterface>>,
}

/// Whether a NAT gateway has public addresses.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Connectivity {
    /// With Elastic IPs.
    #[default]
    Public,
    /// Without.
    Private,
}

/// The state of a NAT gateway (NAT-03).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum NatGatewayState {
    /// Being made.
    Pending,
    /// Making it failed.
    Failed,
    /// It works.
    #[default]
    Available,
    /// Being deleted.
    Deleting,
    /// Gone; routes to it are black holes.
    Deleted,
}

/// An address of a NAT gateway.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NatGatewayAddress {
    /// The private address.
    pub private: Ipv4Addr,
    /// The Elastic IP, if the gateway is public.
    pub public: Option<Ipv4Addr>,
}

impl Resource for NatGateway {
    const KIND: Kind = Kind::NatGateway;
    const NOUN: &'static str = "NAT gateway";

    fn label(&self) -> &Label {
        &self.label
    }
}
