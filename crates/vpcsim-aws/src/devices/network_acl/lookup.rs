//! The entries of a network ACL, compiled: sorted by number, first match decides.

use std::net::Ipv4Addr;

use ipnet::Ipv4Net;
use vpcsim_engine::{ComponentId, Decision};
use vpcsim_wire::Summary;

use crate::address_set::AddressRange;
use crate::devices::{NetworkAcl, Topology};
use crate::model::Id;
use crate::sets::TrafficSet;
use crate::traffic::{Direction, Traffic, packet_words};

use super::{DEFAULT_ENTRY, NetworkAclEntry};

/// The compiled entries of a network ACL.
#[derive(Clone, Debug)]
pub struct NetworkAclLookup {
    ingress: Box<[CompiledEntry]>,
    egress: Box<[CompiledEntry]>,
    /// What denies where no entry matches.
    default: Decision,
}

/// What a network ACL says about a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AclVerdict {
    /// Whether it may pass.
    pub allow: bool,
    /// The network ACL, and the entry that decided.
    pub decision: Decision,
}

/// An entry in the order of its number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CompiledEntry {
    /// The traffic it is about.
    pub traffic: Traffic,
    /// The addresses of the other side.
    pub peer: AddressRange,
    /// Whether it allows; else it denies.
    pub allow: bool,
    /// Its number.
    pub number: u16,
    /// The network ACL, and the place of the entry there.
    pub decision: Decision,
}

/// Compiles a network ACL.
pub fn compile(id: Id<NetworkAcl>, topology: &Topology) -> NetworkAclLookup {
    let component = topology.component(id);
    let entries = |direction| {
        let acl = topology.network_acls.find(id);
        acl.map_or_else(Box::default, |acl| compile_entries(acl, direction, component))
    };
    NetworkAclLookup {
        ingress: entries(Direction::Ingress),
        egress: entries(Direction::Egress),
        default: Decision::rule(component, DEFAULT_ENTRY),
    }
}

fn compile_entries(acl: &NetworkAcl, direction: Direction, component: ComponentId) -> Box<[CompiledEntry]> {
    let numbered = acl.entries(direction).iter().enumerate();
    let compiled = numbered.map(|(index, entry)| CompiledEntry {
        traffic: entry.traffic,
        peer: entry.cidr.into(),
        allow: entry.allow,
        number: entry.number,
        decision: Decision::rule(component, (acl.first_entry(direction) + index) as u32),
    });
    let mut entries: Box<[_]> = compiled.collect();
    entries.sort_by_key(|entry| entry.number);
    entries
}

impl NetworkAclLookup {
    /// What AWS gives a VPC with its default network ACL: entry 100 allows all, both ways (NACL-02).
    ///
    /// For a VPC whose design does not mention one; nobody's decision stands behind its verdicts.
    pub fn initial() -> Self {
        let entry = CompiledEntry {
            traffic: Traffic::All,
            peer: Ipv4Net::default().into(),
            allow: true,
            number: 100,
            decision: Decision::NONE,
        };
        Self {
            ingress: Box::new([entry]),
            egress: Box::new([entry]),
            default: Decision::NONE,
        }
    }

    /// What happens to `packet` where it enters or leaves the subnet: the first entry that matches decides, else the
    /// implied deny.
    #[inline]
    pub fn lookup(&self, direction: Direction, packet: &Summary) -> AclVerdict {
        let matching = self
            .entries(direction)
            .iter()
            .find(|entry| entry.matches(direction, packet));
        match matching {
            Some(entry) => AclVerdict {
                allow: entry.allow,
                decision: entry.decision,
            },
            None => AclVerdict {
                allow: false,
                decision: self.default,
            },
        }
    }

    /// Of `asked` what is allowed from or to this peer.
    pub fn allowed(&self, direction: Direction, asked: &TrafficSet, peer: Ipv4Addr) -> TrafficSet {
        let (mut allowed, mut undecided) = (TrafficSet::nothing(), asked.clone());
        for entry in self.entries(direction).iter().filter(|entry| entry.peer.contains(peer)) {
            let decided = undecided.within(entry.traffic.into());
            if decided.is_empty() {
                continue;
            }
            undecided = undecided.without_box(entry.traffic.into());
            if entry.allow {
                allowed.append(&decided);
            }
            if undecided.is_empty() {
                break;
            }
        }
        allowed
    }

    /// The entries of one direction in the order in which they are looked at.
    pub fn entries(&self, direction: Direction) -> &[CompiledEntry] {
        match direction {
            Direction::Ingress => &self.ingress,
            Direction::Egress => &self.egress,
        }
    }

    /// What denies where no entry matches.
    pub fn default_decision(&self) -> Decision {
        self.default
    }

    /// The entry that comes closest to letting `packet` through, and in words why it does not.
    pub fn nearest_allow(&self, direction: Direction, packet: &Summary) -> Option<(Decision, String)> {
        let entries = self.entries(direction);
        let allowing = entries.iter().filter(|entry| entry.allow);
        let close = allowing.filter_map(|entry| Some((entry.distance(direction, packet)?, entry)));
        let (_, entry) = close.min_by_key(|(distance, _)| *distance)?;
        let first = entries.iter().find(|entry| entry.matches(direction, packet));
        Some((entry.decision, entry.miss(direction, packet, first)))
    }
}

impl CompiledEntry {
    fn matches(&self, direction: Direction, packet: &Summary) -> bool {
        self.traffic.matches(packet) && self.peer.contains(peer(direction, packet))
    }

    fn distance(&self, direction: Direction, packet: &Summary) -> Option<u8> {
        let wanted = self.traffic.protocol();
        let same_protocol = wanted.is_none_or(|protocol| protocol == packet.protocol());
        match (
            self.traffic.matches(packet),
            same_protocol,
            self.peer.contains(peer(direction, packet)),
        ) {
            (true, _, true) => Some(0),
            (true, _, false) => Some(1),
            (false, true, true) => Some(2),
            (false, false, true) => Some(3),
            (false, true, false) => Some(4),
            (false, false, false) => None,
        }
    }

    /// Why the entry does not let the packet through, where `first` is the one that decides.
    fn miss(&self, direction: Direction, packet: &Summary, first: Option<&Self>) -> String {
        let (traffic, preposition) = (self.traffic, direction.preposition());
        let entry = format!(
            "{} allows {traffic} {preposition} {}",
            self.number,
            self.peer.words()
        );
        let peer = peer(direction, packet);
        match (self.traffic.matches(packet), self.peer.contains(peer), first) {
            (true, true, Some(first)) if first.number < self.number => {
                format!("{entry}, but {} denies it first", first.number)
            }
            (true, true, _) => entry,
            (true, false, _) => format!("{entry}, not {preposition} {peer}"),
            (false, true, _) => format!("{entry}, not {}", packet_words(packet)),
            (false, false, _) => format!("{entry}, not {} {preposition} {peer}", packet_words(packet)),
        }
    }
}

/// The other side: the source of what enters, the destination of what leaves (NACL-07).
fn peer(direction: Direction, packet: &Summary) -> Ipv4Addr {
    match direction {
        Direction::Ingress => packet.source(),
        Direction::Egress => packet.destination(),
    }
}

impl NetworkAclEntry {
    /// The entry as the native format writes it.
    pub fn words(&self, direction: Direction) -> String {
        let action = if self.allow { "allow" } else { "deny" };
        let (number, traffic, preposition) = (self.number, self.traffic, direction.preposition());
        format!("{number} {action} {traffic} {preposition} {}", self.cidr.trunc())
    }
}
