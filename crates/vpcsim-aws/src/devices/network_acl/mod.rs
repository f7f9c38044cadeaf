//! Network ACL.
//!
//! Says at the edge of a subnet, packet by packet, what may enter and leave. When it is asked is the
//! [subnet](crate::devices::subnet)'s business.
//!
//! # AWS semantics
//!
//! - Entries are looked at in the order of their numbers, 1 to 32766, and the first that matches decides; the implied
//!   entry `*` denies the rest (NACL-01).
//! - The one that a VPC is made with allows everything both ways in its entry 100 (NACL-02).
//! - One without entries denies everything (NACL-03).
//! - Each direction is judged alone; an answer needs an entry of its own (NACL-04).
//! - An entry's range is the source of what enters and the destination of what leaves (NACL-07).
//! - Ports are those of the packet's destination both ways, for an answer the ephemeral port of who asked (NACL-08).
//! - An entry for all protocols, or for another one than TCP, UDP and ICMP, takes every port (NACL-09).
//! - There are 20 entries per direction by default, and 40 at the most (NACL-10).
//! - Path MTU discovery needs an entry for ICMP 3/4 (NACL-13, MTU-06).
//! - It applies to the gateways that stand in its subnet like to instances (NACL-15).
//! - A number is given once per direction (NACL-16).
//! - A range with host bits means its network (NACL-19).
//!
//! # Where AWS is silent
//!
//! - A fragment without ports whose first fragment nobody saw only matches entries for its whole protocol (NACL-20).

use ipnet::Ipv4Net;
use vpcsim_engine::Decision;

mod lookup;
#[cfg(test)]
mod tests;
mod surprises;
mod validate;

pub use lookup::{AclVerdict, CompiledEntry, NetworkAclLookup, compile};
pub use validate::{ENTRIES_DEFAULT_QUOTA, ENTRIES_MAX, NUMBER_MAX};

use crate::arrangement::{Arrangement, Rank, Renumbering};
use crate::devices::{Coverage, Kind, Resource, Topology, Vpc};
use crate::model::{Findings, Id, Label, Origin};
use crate::traffic::{Direction, Traffic};

/// The rule number of a decision made by the implied last entry (`*`), which denies what no other entry is about.
pub const DEFAULT_ENTRY: u32 = Decision::NO_RULE - 1;

/// A network access control list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NetworkAcl {
    /// How it is called.
    pub label: Label,
    /// The VPC it is part of.
    pub vpc: Id<Vpc>,
    /// Whether it is the VPC's default one.
    pub default: bool,
    /// The entries for what enters a subnet, in any order; the final deny (`*`) is implied.
    pub ingress: Vec<NetworkAclEntry>,
    /// The entries for what leaves a subnet.
    pub egress: Vec<NetworkAclEntry>,
}

/// An entry of a network ACL.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NetworkAclEntry {
    /// Its number: lower ones are looked at first.
    pub number: u16,
    /// Whether it allows; else it denies.
    pub allow: bool,
    /// The traffic it is about.
    pub traffic: Traffic,
    /// The other side: the source of what enters, the destination of what leaves.
    pub cidr: Ipv4Net,
    /// Where it is declared.
    pub origin: Origin,
}

impl Resource for NetworkAcl {
    const KIND: Kind = Kind::NetworkAcl;
    const NOUN: &'static str = "network ACL";
    const COVERAGE: Coverage = Coverage::of("numbered rules both ways, fragments", "");

    fn label(&self) -> &Label {
        &self.label
    }

    fn vpc(id: Id<Self>, topology: &Topology) -> Option<Id<Vpc>> {
        Some(topology.network_acls[id].vpc)
    }

    fn rank(&self, _: Id<Self>, _: &Arrangement<'_>) -> Rank {
        Rank::of_vpc(self.vpc)
    }

    fn renumber(&mut self, order: &Renumbering) {
        order.id(&mut self.vpc);
    }

    fn validate(id: Id<Self>, topology: &Topology, findings: &mut Findings) {
        validate::validate(id, topology, findings);
    }

    fn rule_text(id: Id<Self>, rule: usize, topology: &Topology) -> Option<String> {
        let acl = topology.network_acls.find(id)?;
        if rule == DEFAULT_ENTRY as usize {
            return Some("* deny all".to_owned());
        }
        let (direction, entry) = acl.entry(rule)?;
        Some(entry.words(direction))
    }
}

impl NetworkAcl {
    /// The entries of one direction, in any order.
    pub fn entries(&self, direction: Direction) -> &[NetworkAclEntry] {
        match direction {
            Direction::Ingress => &self.ingress,
            Direction::Egress => &self.egress,
        }
    }

    /// The place of the first entry of this direction: those for ingress are counted before those for egress.
    pub fn first_entry(&self, direction: Direction) -> usize {
        match direction {
            Direction::Ingress => 0,
            Direction::Egress => self.ingress.len(),
        }
    }

    /// The entry at this place and its direction.
    pub fn entry(&self, place: usize) -> Option<(Direction, &NetworkAclEntry)> {
        match place.checked_sub(self.ingress.len()) {
            None => Some((Direction::Ingress, &self.ingress[place])),
            Some(place) => Some((Direction::Egress, self.egress.get(place)?)),
        }
    }
}
