//! What a network needs from outside this crate: hosts for the instances, and names for the capture points.

use std::net::Ipv4Addr;

use vpcsim_engine::{CapturePoint, NodeId, Port};
use vpcsim_wire::Mac;

use crate::devices::{AnyId, Instance, NetworkInterface};
use crate::model::Id;

/// A node that is filled from outside this crate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Slot {
    /// The host of an instance: the index into [`Compiled::hosts`](super::Compiled::hosts).
    Host(usize),
    /// All hosts on the internet; gets what the internet delivers, by any port, and sends to the internet's node.
    InternetHosts,
    /// The instance metadata service; a packet's port is the index into [`Compiled::metadata`](super::Compiled::metadata).
    Metadata,
}

/// Where and how an instance is connected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostPlan {
    /// Its node.
    pub node: NodeId,
    /// The instance.
    pub instance: Id<Instance>,
    /// Its interfaces in the order of the device index; packets for interface `i` enter by `Port(i)`.
    pub interfaces: Vec<HostInterfacePlan>,
}

/// One interface of an instance, as its operating system sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostInterfacePlan {
    /// The network interface.
    pub interface: Id<NetworkInterface>,
    /// Its MAC address.
    pub mac: Mac,
    /// Its private addresses, the primary first.
    pub addresses: Vec<Ipv4Addr>,
    /// The length of the subnet's prefix.
    pub prefix_len: u8,
    /// The subnet's router.
    pub router: Ipv4Addr,
    /// The interface's MTU.
    pub mtu: u16,
    /// The interface's node, which takes what the host sends.
    pub node: NodeId,
    /// The port of that node.
    pub port: Port,
}

/// An interface as a client of the instance metadata service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MetadataPlan {
    /// The interface.
    pub interface: Id<NetworkInterface>,
    /// Its MAC address.
    pub mac: Mac,
    /// The node that takes the service's answers.
    pub node: NodeId,
    /// The port of that node.
    pub port: Port,
    /// Whether the service answers this instance.
    pub enabled: bool,
    /// Whether it requires a token.
    pub tokens_required: bool,
    /// The time to live of its answer to a token request.
    pub hop_limit: u8,
}

/// What a capture point's records hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LinkLayer {
    /// Ethernet frames.
    Ethernet,
    /// IPv4 packets.
    Ip,
}

/// A place where packets can be captured.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CapturePointPlan {
    /// Its number.
    pub point: CapturePoint,
    /// Its name (`web-1 eni`, `nat-a inside`, `igw`).
    pub name: String,
    /// Who and where, in a line (`i-… subnet-a 10.0.1.0/24 eu-west-1a`).
    pub description: String,
    /// What its records hold.
    pub link_layer: LinkLayer,
    /// Whose place it is.
    pub owner: AnyId,
    /// The node it belongs to.
    pub node: NodeId,
}
