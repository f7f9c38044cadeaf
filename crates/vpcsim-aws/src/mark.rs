//! The note that travels with a packet inside AWS and is in none of its bytes.
//!
//! The low 32 bits hold the claim that the packet is on its way to, plus one; the bits above are flags.

use vpcsim_engine::Packet;

use crate::compile::fabric::ClaimIndex;

/// The packet came through a device that hides whose security group the source has (SG-10).
pub const GROUP_UNKNOWN: u64 = 1 << 32;
/// The packet came in by an internet gateway.
pub const FROM_INTERNET: u64 = 1 << 33;

/// Notes where inside its VPC the packet is going.
pub fn set_claim(packet: &mut Packet, claim: ClaimIndex) {
    packet.set_mark((packet.mark() & !u64::from(u32::MAX)) | (u64::from(claim.0) + 1));
}

/// Where inside its VPC the packet is going, if that was noted.
pub fn claim(packet: &Packet) -> Option<ClaimIndex> {
    (packet.mark() as u32).checked_sub(1).map(ClaimIndex)
}

/// Notes which interface asks a link-local service, by its number in the topology.
pub fn set_client(packet: &mut Packet, interface_index: u32) {
    packet.set_mark(u64::from(interface_index) + 1);
}

/// Which interface asks a link-local service.
pub fn client(packet: &Packet) -> Option<u32> {
    (packet.mark() as u32).checked_sub(1)
}
