//! A UDP question to a service, and the packet that answers it.

use std::net::Ipv4Addr;

use vpcsim_engine::Packet;
use vpcsim_wire::udp::Datagram;
use vpcsim_wire::{PacketBuilder, ipv4};

use super::client::{Client, Clients};
use crate::mark;

/// A question that came whole and unharmed.
pub(super) struct Question<'c, 'p> {
    pub(super) client: &'c Client,
    pub(super) source: Ipv4Addr,
    pub(super) source_port: u16,
    pub(super) destination: Ipv4Addr,
    pub(super) destination_port: u16,
    pub(super) payload: &'p [u8],
}

impl<'c, 'p> Question<'c, 'p> {
    /// Reads a packet; `None` for fragments, broken checksums, other protocols, and packets of nobody known.
    pub(super) fn read(clients: &'c Clients, packet: &'p Packet) -> Option<Self> {
        let client = clients.find(mark::client(packet)?)?;
        let summary = packet.summary()?;
        if !summary.is_udp() || summary.is_fragment() {
            return None;
        }
        let datagram = Datagram::parse(ipv4::Packet::parse(packet.bytes()).ok()?.payload()).ok()?;
        let intact = datagram.verify_checksum(summary.source(), summary.destination());
        intact.then_some(Self {
            client,
            source: summary.source(),
            source_port: datagram.source_port(),
            destination: summary.destination(),
            destination_port: datagram.destination_port(),
            payload: datagram.payload(),
        })
    }

    /// The packet that carries `payload` back to whoever asked, from the address that was asked.
    pub(super) fn reply(&self, payload: &[u8]) -> Vec<u8> {
        PacketBuilder::udp(
            self.destination,
            self.destination_port,
            self.source,
            self.source_port,
        )
        .payload(payload)
        .build()
    }
}
