//! Network interface (ENI): addresses, source/destination check, security groups with connection tracking.

use std::net::Ipv4Addr;

use ipnet::Ipv4Net;
use vpcsim_engine::Port;
use vpcsim_wire::Mac;

use crate::devices::{Instance, Kind, Resource, SecurityGroup, Subnet};
use crate::model::{Id, Label, Origin};

/// The port for frames that the host sends.
pub const FROM_HOST: Port = Port(0);
/// The port for what comes from another subnet or from outside, past the subnet's network ACL.
pub const FROM_FABRIC: Port = Port(1);
/// The port for what an interface of the same subnet sends directly.
pub const FROM_NEIGHBOUR: Port = Port(2);
/// The port for what the platform itself sends: link-local services, the router's ICMP (LL-03). No rule filters it.
pub const FROM_SERVICE: Port = Port(3);

/// A network interface.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NetworkInterface {
    /// How it is called.
    pub label: Label,
    /// The subnet it is in.
    pub subnet: Id<Subnet>,
    /// Its private addresses, the primary first, each with its public one.
    pub addresses: Vec<InterfaceAddress>,
    /// The /28 prefixes delegated to it (ENI-12).
    pub prefixes: Vec<Ipv4Net>,
    /// Its security groups.
    pub security_groups: Vec<Id<SecurityGroup>>,
    /// Whether the source/destination check is on.
    pub source_dest_check: bool,
    /// Its MAC address, where the input has one.
    pub mac: Option<Mac>,
    /// What it is an interface of.
    pub attachment: Attachment,
    /// Timers of connection tracking that differ from the defaults.
    pub tracking: TrackingTimeouts,
}

/// A private address of an interface.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InterfaceAddress {
    /// The private address.
    pub private: Ipv4Addr,
    /// The public address that the internet gateway maps to it.
    pub public: Option<Ipv4Addr>,
    /// Where it is declared.
    pub origin: Origin,
}

/// What an interface is attached to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Attachment {
    /// To nothing.
    None,
    /// To an instance, by this device index.
    Instance {
        /// The instance.
        instance: Id<Instance>,
        /// The device index; 0 is the primary interface.
        device_index: u16,
    },
    /// To something that makes its own node for the interface's addresses, such as a NAT gateway.
    Managed,
    /// To a service that is not modelled; what it is (`network load balancer`).
    Unmodelled(String),
}

/// Idle timers of connection tracking (CT-10, CT-11), in seconds; `None` is the default.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TrackingTimeouts {
    /// An established TCP connection: 60 to 432,000.
    pub tcp_established_s: Option<u32>,
    /// UDP seen one way or in a single exchange: 30 to 60.
    pub udp_s: Option<u32>,
    /// UDP seen in several exchanges: 60 to 180.
    pub udp_stream_s: Option<u32>,
}

impl Resource for NetworkInterface {
    const KIND: Kind = Kind::NetworkInterface;
    const NOUN: &'static str = "network interface";

    fn label(&self) -> &Label {
        &self.label
    }
}
