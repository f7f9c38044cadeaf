//! The fabric of a VPC: who owns which private address, where that is, and how long it takes to get there.
//!
//! What AWS calls its mapping service (L2-10): keyed by VPC and address, so that equal addresses of two VPCs never meet.

use std::net::Ipv4Addr;
use std::sync::Arc;

use ipnet::Ipv4Net;
use rustc_hash::FxHashMap;
use vpcsim_engine::{DropReason, NodeId, Port, Span, Step};
use vpcsim_wire::Mac;

use crate::devices::{AnyId, Subnet, Vpc};
use crate::latency::{ZonePairs, ordered};
use crate::model::Id;
use crate::topology::Settings;

/// A place inside a VPC that packets can be sent to: an interface, or a gateway that stands in a subnet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Claim {
    /// The address; `None` for a place that is only a route's target.
    pub address: Option<Ipv4Addr>,
    /// The node that gets the packets.
    pub node: NodeId,
    /// The port they enter by when they come from another subnet.
    pub port: Port,
    /// The subnet it is in.
    pub subnet: Id<Subnet>,
    /// That subnet's node.
    pub subnet_node: NodeId,
    /// That subnet's availability zone, numbered over the whole topology.
    pub zone: u16,
    /// The MAC address it is reached by inside its subnet.
    pub mac: Mac,
    /// Whose place it is.
    pub owner: AnyId,
}

/// The number of a claim within its VPC's fabric.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ClaimIndex(pub u32);

/// The number of a zonal target within its VPC's fabric.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ZonalIndex(pub u32);

/// A gateway that has a place of its own in each zone that it serves, and serves no other zone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ZonalTarget {
    /// The gateway that a route names.
    pub owner: AnyId,
    /// Its place in each zone.
    pub places: Vec<(u16, ClaimIndex)>,
    /// Why a packet from another zone is dropped.
    pub elsewhere: DropReason,
}

impl ZonalTarget {
    /// Its place in the zone.
    ///
    /// # Errors
    /// Why it takes nothing from there.
    pub fn in_zone(&self, zone: u16) -> Result<ClaimIndex, DropReason> {
        let place = self.places.iter().find(|(served, _)| *served == zone);
        place.map(|(_, claim)| *claim).ok_or(self.elsewhere)
    }
}

/// Where a route leads, once compiled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NextHop {
    /// To whoever owns the destination inside the VPC.
    Local,
    /// To a place inside the VPC, by way of its subnet's network ACL.
    Inside(ClaimIndex),
    /// To a place of the gateway in the sender's zone, by way of its subnet's network ACL.
    Zonal(ZonalIndex),
    /// To a gateway at the VPC's edge.
    Gateway {
        /// Its node.
        node: NodeId,
        /// The port that packets of this VPC enter by.
        port: Port,
    },
    /// Nowhere: the target does not exist or does not work.
    Blackhole,
    /// To something that is not modelled.
    Unmodelled,
    /// The resource can be no route's target.
    NotATarget,
}

/// Who owns which address in one VPC.
#[derive(Clone, Debug)]
pub struct Fabric {
    vpc: Id<Vpc>,
    cidrs: Vec<Ipv4Net>,
    claims: Vec<Claim>,
    by_address: FxHashMap<Ipv4Addr, ClaimIndex>,
    by_mac: FxHashMap<Mac, ClaimIndex>,
    zonal: Vec<ZonalTarget>,
    latency_same_zone: Span,
    latency_cross_zone: Span,
    /// Pairs of zones with a latency of their own, where a design has some.
    zone_pairs: Option<Arc<ZonePairs>>,
    /// The resolver's address, base+2 of the primary range (DNS-01).
    pub resolver_address: Option<Ipv4Addr>,
    /// The resolver's node.
    pub resolver_node: Option<NodeId>,
    /// The node of the internet gateway that is attached.
    pub internet_gateway: Option<NodeId>,
}

impl Fabric {
    pub(crate) fn new(
        vpc: Id<Vpc>,
        cidrs: Vec<Ipv4Net>,
        settings: &Settings,
        zone_pairs: Option<Arc<ZonePairs>>,
    ) -> Self {
        Self {
            vpc,
            cidrs,
            claims: Vec::new(),
            by_address: FxHashMap::default(),
            by_mac: FxHashMap::default(),
            zonal: Vec::new(),
            latency_same_zone: settings.latency_same_az,
            latency_cross_zone: settings.latency_cross_az,
            zone_pairs,
            resolver_address: None,
            resolver_node: None,
            internet_gateway: None,
        }
    }

    pub(crate) fn push(&mut self, claim: Claim) -> ClaimIndex {
        let index = ClaimIndex(self.claims.len() as u32);
        self.claims.push(claim);
        if let Some(address) = claim.address {
            self.by_address.entry(address).or_insert(index);
            self.by_mac.entry(claim.mac).or_insert(index);
        }
        index
    }

    /// Nothing is added any more.
    pub(crate) fn seal(&mut self) {
        self.claims.shrink_to_fit();
        self.by_address.shrink_to_fit();
        self.by_mac.shrink_to_fit();
    }

    /// Adds a gateway that has a place in each zone.
    pub fn push_zonal(&mut self, target: ZonalTarget) -> ZonalIndex {
        self.zonal.push(target);
        ZonalIndex(self.zonal.len() as u32 - 1)
    }

    /// The gateway of this number that has a place in each zone.
    pub fn zonal(&self, index: ZonalIndex) -> &ZonalTarget {
        &self.zonal[index.0 as usize]
    }

    /// The places of a gateway in this VPC's zones.
    pub fn zonal_of(&self, owner: AnyId) -> Option<ZonalIndex> {
        let index = self.zonal.iter().position(|target| target.owner == owner)?;
        Some(ZonalIndex(index as u32))
    }

    /// The VPC.
    pub fn vpc(&self) -> Id<Vpc> {
        self.vpc
    }

    /// The VPC's usable address ranges, the primary first.
    pub fn cidrs(&self) -> &[Ipv4Net] {
        &self.cidrs
    }

    /// Whether the address lies in one of the VPC's ranges.
    #[inline]
    pub fn covers(&self, address: Ipv4Addr) -> bool {
        self.cidrs.iter().any(|cidr| cidr.contains(&address))
    }

    /// Who owns the address.
    pub fn find(&self, address: Ipv4Addr) -> Option<(ClaimIndex, &Claim)> {
        let index = *self.by_address.get(&address)?;
        Some((index, self.claim(index)))
    }

    /// Who is reached by the MAC address.
    pub fn find_mac(&self, mac: Mac) -> Option<(ClaimIndex, &Claim)> {
        let index = *self.by_mac.get(&mac)?;
        Some((index, self.claim(index)))
    }

    /// The claim of this number.
    pub fn claim(&self, index: ClaimIndex) -> &Claim {
        &self.claims[index.0 as usize]
    }

    /// All claims, in the order they were made.
    pub fn claims(&self) -> &[Claim] {
        &self.claims
    }

    /// How long a packet takes from one zone to another (NET-12).
    #[inline]
    pub fn latency(&self, from_zone: u16, to_zone: u16) -> Span {
        if let Some(pairs) = &self.zone_pairs
            && let Some(own) = pairs.get(&ordered(from_zone, to_zone))
        {
            return *own;
        }
        if from_zone == to_zone {
            self.latency_same_zone
        } else {
            self.latency_cross_zone
        }
    }

    /// Sends a packet on to a place in another subnet, by way of that subnet's network ACL.
    ///
    /// The caller has to note the claim in the packet's mark ([`crate::mark::set_claim`]) so that the subnet knows it.
    #[inline]
    pub fn enter(&self, from_zone: u16, claim: &Claim) -> Step {
        let delay = self.latency(from_zone, claim.zone);
        Step::ForwardAfter {
            to: claim.subnet_node,
            port: crate::devices::subnet::ENTERING,
            delay,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_zone_is_farther_away() {
        let (near, far) = (Span::from_us(100), Span::from_us(400));
        let settings = Settings {
            latency_same_az: near,
            latency_cross_az: far,
            ..Settings::default()
        };
        let fabric = Fabric::new(Id::from_index(0), Vec::new(), &settings, None);
        assert_eq!((fabric.latency(3, 3), fabric.latency(3, 4)), (near, far));
    }
}
