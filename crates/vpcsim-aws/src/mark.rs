//! The note that travels with a packet inside AWS and is in none of its bytes.
//!
//! The low 32 bits hold the claim that the packet is on its way to, plus one; the bits above are flags.

use vpcsim_engine::Packet;

use crate::compile::fabric::ClaimIndex;

/// The packet came through a device that hides whose security group the source has (SG-10).
pub const GROUP_UNKNOWN: u64 = 1 << 32;
/// The packet came in by an internet gateway.
pub const FROM_INTERNET: u64 = 1 << 33;

/// Answers to the packet go back by the load balancer's node whose claim the highest bits hold (NLB-05).
pub const RETURN_NOTED: u64 = 1 << 34;
/// The packet is such an answer: its subnet hands it to that claim, whatever the routes say.
pub const RETURNING: u64 = 1 << 63;

/// Where the claim of a load balancer's node begins, 23 bits wide.
const RETURN_SHIFT: u32 = 40;
const RETURN_MASK: u64 = ((1 << 23) - 1) << RETURN_SHIFT;

/// Notes by whose claim the answers go back.
pub fn set_return(packet: &mut Packet, claim: ClaimIndex) {
    packet.set_mark(with_return(packet.mark(), claim));
}

/// The note with by whose claim the answers go back.
pub const fn with_return(mark: u64, claim: ClaimIndex) -> u64 {
    let other = mark & !(RETURN_MASK | RETURNING);
    other | RETURN_NOTED | ((claim.0 as u64) << RETURN_SHIFT) & RETURN_MASK
}

/// Forgets by whose claim answers go back.
pub fn clear_return(packet: &mut Packet) {
    packet.set_mark(packet.mark() & !(RETURN_MASK | RETURN_NOTED | RETURNING));
}

/// By whose claim answers go back, if that was noted.
pub const fn return_claim(mark: u64) -> Option<ClaimIndex> {
    if mark & RETURN_NOTED == 0 {
        None
    } else {
        Some(ClaimIndex(((mark & RETURN_MASK) >> RETURN_SHIFT) as u32))
    }
}
/// The packet came by a transit gateway, which a NAT gateway serves like its own VPC (TGW-49).
pub const FROM_TRANSIT_GATEWAY: u64 = 1 << 35;

/// The packet left an instance that is not its source: a middlebox forwarded it.
pub const FORWARDED: u64 = 1 << 37;

/// Notes where inside its VPC the packet is going.
pub fn set_claim(packet: &mut Packet, claim: ClaimIndex) {
    packet.set_mark(with_claim(packet.mark(), claim));
}

/// The note with where inside its VPC a packet is going.
pub const fn with_claim(mark: u64, claim: ClaimIndex) -> u64 {
    mark & !(u32::MAX as u64) | (claim.0 as u64 + 1)
}

/// Where inside its VPC the packet is going, if that was noted.
pub fn claim(packet: &Packet) -> Option<ClaimIndex> {
    claim_in(packet.mark())
}

/// Where inside its VPC a packet with this note is going, if that was noted.
pub fn claim_in(mark: u64) -> Option<ClaimIndex> {
    (mark as u32).checked_sub(1).map(ClaimIndex)
}

/// Notes which interface asks a link-local service, by its number in the topology.
pub fn set_client(packet: &mut Packet, interface_index: u32) {
    packet.set_mark(u64::from(interface_index) + 1);
}

/// Which interface asks a link-local service.
pub fn client(packet: &Packet) -> Option<u32> {
    (packet.mark() as u32).checked_sub(1)
}
