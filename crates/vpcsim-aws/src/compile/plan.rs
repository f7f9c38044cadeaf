//! What a network needs from outside this crate: hosts for the instances, and names for the capture points.

use std::borrow::Cow;
use std::net::Ipv4Addr;

use ipnet::Ipv4Net;
use smallvec::SmallVec;
use vpcsim_engine::{CapturePoint, NodeId, Port};
use vpcsim_wire::Mac;

use crate::appliance::Appliance;
use crate::devices::instance::{HostRouting, Listener};
use crate::devices::{AnyId, NetworkInterface, network_interface};
use crate::model::Id;
use crate::topology::Topology;

/// A node that is filled from outside this crate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Slot {
    /// The host of an instance or of a managed service: the index into [`Compiled::hosts`](super::Compiled::hosts).
    Host(usize),
    /// The hosts of a service with many addresses: the index into [`Compiled::services`](super::Compiled::services).
    ServiceHosts(usize),
    /// All hosts on the internet; gets what the internet delivers, by any port, and sends to the internet's node.
    InternetHosts,
    /// The instance metadata service; a packet's port is the index into [`Compiled::metadata`](super::Compiled::metadata).
    Metadata,
}

/// A host: what it does, where and how it is connected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostPlan {
    /// Its node.
    pub node: NodeId,
    /// Whose host it is: an instance, or a managed service.
    pub owner: AnyId,
    /// The services that it answers on.
    pub listen: Box<[Listener]>,
    /// How it chooses an interface.
    pub routing: HostRouting,
    /// What it does with packets for others; `None` drops them.
    pub appliance: Option<Box<Appliance>>,
    /// Its interfaces in the order of the device index; packets for interface `i` enter by `Port(i)`.
    pub interfaces: Box<[HostInterfacePlan]>,
}

impl HostPlan {
    /// The interface by which the host sends to a destination from an address of its interface number `own`.
    pub fn way_out(&self, own: usize, destination: Ipv4Addr) -> Option<&HostInterfacePlan> {
        if self.routing == HostRouting::PerInterface {
            return self.interfaces.get(own);
        }
        let on_link = self.interfaces.iter().find(|interface| {
            let net = interface
                .addresses
                .first()
                .and_then(|address| Ipv4Net::new(*address, interface.prefix_len).ok());
            net.is_some_and(|net| net.contains(&destination))
        });
        on_link.or(self.interfaces.first())
    }
}

/// The hosts of a service, each with one of its addresses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServicePlan {
    /// Their node.
    pub node: NodeId,
    /// What leads to them.
    pub owner: AnyId,
    /// Their addresses.
    pub ranges: Vec<Ipv4Net>,
    /// The TCP ports that they answer on; all else but a ping is dropped.
    pub ports: &'static [u16],
    /// The node and port that take what they send.
    pub uplink: (NodeId, Port),
}

/// One interface of a host, as its operating system sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostInterfacePlan {
    /// The network interface.
    pub interface: Id<NetworkInterface>,
    /// Its MAC address.
    pub mac: Mac,
    /// Its private addresses, the primary first.
    pub addresses: SmallVec<[Ipv4Addr; 4]>,
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
    /// Whether it sends frames, or packets to the only other end of its line.
    pub link_layer: LinkLayer,
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
    /// Its name and description; `None` for a network interface, which has them made when they are asked for: most never are.
    pub(super) words: Option<Box<(String, String)>>,
    /// What its records hold.
    pub link_layer: LinkLayer,
    /// Whose place it is.
    pub owner: AnyId,
    /// The node it belongs to.
    pub node: NodeId,
}

impl CapturePointPlan {
    /// Its name (`web-1 eni`, `nat-a inside`, `igw`).
    pub fn name(&self, topology: &Topology) -> Cow<'_, str> {
        match &self.words {
            Some(words) => Cow::Borrowed(&words.0),
            None => Cow::Owned(network_interface::capture_name(self.owner.id(), topology)),
        }
    }

    /// Who and where, in a line (`10.0.1.5 in subnet-a 10.0.1.0/24 eu-west-1a`).
    pub fn description(&self, topology: &Topology) -> Cow<'_, str> {
        match &self.words {
            Some(words) => Cow::Borrowed(&words.1),
            None => Cow::Owned(network_interface::description(self.owner.id(), topology)),
        }
    }
}
