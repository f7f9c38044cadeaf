//! Which interface a packet leaves by, and who gets its frame.

use std::net::Ipv4Addr;

use crate::config::{HostConfig, HostRouting, InterfaceConfig};

/// An interface, by its index, and the address that the frame goes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Route {
    /// Index of the interface.
    pub interface: usize,
    /// The neighbour that gets the frame: the destination itself or the gateway.
    pub next_hop: Ipv4Addr,
}

/// The route of a packet; `None` for a host without interfaces.
pub fn route(host: &HostConfig, source: Ipv4Addr, destination: Ipv4Addr) -> Option<Route> {
    let interfaces = &host.interfaces;
    let interface = match host.routing {
        HostRouting::PerInterface => owner(interfaces, source),
        HostRouting::MainTable => interfaces
            .iter()
            .position(|interface| interface.is_on_link(destination)),
    };
    let interface = interface.unwrap_or(0);
    let config = interfaces.get(interface)?;
    Some(Route {
        interface,
        next_hop: next_hop(config, destination),
    })
}

/// The address that a new connection to `destination` comes from, if nothing else is said.
pub fn source_address(host: &HostConfig, destination: Ipv4Addr) -> Option<Ipv4Addr> {
    let primary = *host.interfaces.first()?.addresses.first()?;
    let interface = route(host, primary, destination)?.interface;
    host.interfaces[interface].addresses.first().copied()
}

/// The index of the interface that has `address`.
pub fn owner(interfaces: &[InterfaceConfig], address: Ipv4Addr) -> Option<usize> {
    interfaces
        .iter()
        .position(|interface| interface.addresses.contains(&address))
}

/// Who gets the frame of a packet that leaves by this interface.
pub fn next_hop(interface: &InterfaceConfig, destination: Ipv4Addr) -> Ipv4Addr {
    if interface.is_on_link(destination) {
        destination
    } else {
        interface.gateway
    }
}
