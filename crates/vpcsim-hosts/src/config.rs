//! What a host is given: its interfaces, how it routes, and where it listens.

use std::net::Ipv4Addr;

use vpcsim_engine::{NodeId, Port};
use vpcsim_wire::{Mac, Protocol};

use crate::forwarding::ForwardingConfig;

/// Time to live of the packets of Amazon Linux.
pub const DEFAULT_TTL: u8 = 255;

/// What a host has and does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostConfig {
    /// Its network interfaces; the first is the primary one.
    pub interfaces: Vec<InterfaceConfig>,
    /// How it chooses the interface of a packet.
    pub routing: HostRouting,
    /// Ports on which applications wait.
    pub listeners: Vec<Listener>,
    /// What it does with packets for others; `None` drops them.
    pub forwarding: Option<ForwardingConfig>,
    /// Time to live of what it sends.
    pub ttl: u8,
    /// Decides its initial sequence numbers.
    pub seed: u64,
}

impl HostConfig {
    /// A host with these interfaces that listens nowhere and routes like Amazon Linux.
    pub fn new(interfaces: Vec<InterfaceConfig>) -> Self {
        Self {
            interfaces,
            routing: HostRouting::PerInterface,
            listeners: Vec::new(),
            forwarding: None,
            ttl: DEFAULT_TTL,
            seed: 0,
        }
    }
}

/// One network interface of a host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InterfaceConfig {
    /// Its Ethernet address.
    pub mac: Mac,
    /// Its addresses, primary first.
    pub addresses: Vec<Ipv4Addr>,
    /// Prefix length of the subnet that it is in.
    pub prefix_len: u8,
    /// The subnet's router.
    pub gateway: Ipv4Addr,
    /// Largest IPv4 packet that it sends, in bytes.
    pub mtu: u16,
    /// The node that its frames go to.
    pub node: NodeId,
    /// The port that they enter that node by.
    pub port: Port,
    /// How packets become frames.
    pub framing: Framing,
}

impl InterfaceConfig {
    /// Whether `address` is in the interface's subnet.
    pub fn is_on_link(&self, address: Ipv4Addr) -> bool {
        let Some(own) = self.addresses.first() else {
            return false;
        };
        let shift = 32 - u32::from(self.prefix_len.min(32));
        (u64::from(own.to_bits()) >> shift) == (u64::from(address.to_bits()) >> shift)
    }
}

/// How packets become frames.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Framing {
    /// Frames go to the next hop's Ethernet address, which is asked for by ARP.
    Ethernet,
    /// There is nobody to resolve: the line has one other end.
    Raw,
}

/// How a host with several interfaces chooses the one for a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HostRouting {
    /// By the source address, as Amazon Linux is set up: an answer leaves where the question came in.
    PerInterface,
    /// By the destination alone, as Linux does untold: on-link by that interface, all else by the primary one.
    MainTable,
}

/// A range of ports on which an application waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Listener {
    /// TCP or UDP.
    pub protocol: Protocol,
    /// First port of the range.
    pub first_port: u16,
    /// Last port of the range.
    pub last_port: u16,
}

impl Listener {
    /// Waits on one port.
    pub const fn on(protocol: Protocol, port: u16) -> Self {
        Self {
            protocol,
            first_port: port,
            last_port: port,
        }
    }

    /// Waits on every port.
    pub const fn everywhere(protocol: Protocol) -> Self {
        Self {
            protocol,
            first_port: 0,
            last_port: u16::MAX,
        }
    }

    /// Whether it waits on this port.
    pub fn covers(&self, protocol: Protocol, port: u16) -> bool {
        self.protocol == protocol && (self.first_port..=self.last_port).contains(&port)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_listener_covers_its_range_of_its_protocol() {
        let listener = Listener {
            protocol: Protocol::TCP,
            first_port: 80,
            last_port: 90,
        };
        let covered = [79, 80, 90, 91].map(|port| listener.covers(Protocol::TCP, port));
        assert_eq!(covered, [false, true, true, false]);
        assert!(!listener.covers(Protocol::UDP, 80));
        assert!(Listener::everywhere(Protocol::UDP).covers(Protocol::UDP, 65_535));
    }
}
