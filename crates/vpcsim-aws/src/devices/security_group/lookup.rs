//! The rules of one direction of an interface's security groups, compiled.

use std::net::Ipv4Addr;
use std::sync::Arc;

use ipnet::Ipv4Net;
use vpcsim_engine::Decision;
use vpcsim_wire::{Protocol, Summary};

use crate::address_set::AddressRange;
use crate::devices::{SecurityGroup, Topology};
use crate::model::Id;
use crate::sets::TrafficSet;
use crate::traffic::{Direction, Traffic, packet_words};

use super::members::{GroupMembers, Peers};
use super::{Peer, SecurityGroupRule};

/// One direction of all groups of one interface, compiled and flat.
#[derive(Clone, Debug)]
pub struct SecurityGroupLookup {
    rules: Box<[CompiledRule]>,
    direction: Direction,
    /// Whether a rule has 0.0.0.0/0 as its other side.
    has_open_rule: bool,
    open_for_all_tcp: bool,
    open_for_all_udp: bool,
}

impl Default for SecurityGroupLookup {
    fn default() -> Self {
        Self::new(Vec::new(), Direction::Ingress)
    }
}

/// Why a packet may pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Allowed {
    /// The first rule that allows it: the group, and the rule's number there.
    pub decision: Decision,
    /// Whether a rule allows it whose other side is 0.0.0.0/0; only then the flow can go untracked (CT-04).
    pub open: bool,
}

/// A rule with its other side as addresses.
#[derive(Clone, Debug)]
pub struct CompiledRule {
    traffic: Traffic,
    /// From the lowest address of the other side to the highest.
    extent: AddressRange,
    /// Whether the other side has gaps, so that `peers` is to be asked too.
    gaps: bool,
    refers_to_group: bool,
    open: bool,
    decision: Decision,
    peers: Option<Arc<Peers>>,
}

/// Compiles the rules of one direction of `groups`, the groups of one interface.
pub fn compile(
    groups: &[Id<SecurityGroup>],
    direction: Direction,
    topology: &Topology,
    members: &GroupMembers,
) -> SecurityGroupLookup {
    let mut rules = Vec::new();
    for &id in groups {
        let Some(group) = topology.security_groups.find(id) else {
            continue;
        };
        let component = topology.component(id);
        for (index, rule) in group.rules(direction).iter().enumerate() {
            let number = group.first_rule(direction) + index;
            let decision = Decision::rule(component, number as u32);
            rules.push(CompiledRule::new(rule, decision, group, topology, members));
        }
    }
    SecurityGroupLookup::new(rules, direction)
}

impl SecurityGroupLookup {
    fn new(rules: Vec<CompiledRule>, direction: Direction) -> Self {
        let open_for_all = |protocol| {
            rules
                .iter()
                .any(|rule| rule.open && rule.traffic.covers_all_of(protocol))
        };
        Self {
            direction,
            has_open_rule: rules.iter().any(|rule| rule.open),
            open_for_all_tcp: open_for_all(Protocol::TCP),
            open_for_all_udp: open_for_all(Protocol::UDP),
            rules: rules.into_boxed_slice(),
        }
    }

    /// The first rule that allows `packet` with the other side at `peer`.
    ///
    /// Where `group_known` is false, something on the way hides which groups the other side has, and rules that refer to
    /// groups do not match (SG-10).
    #[inline]
    pub fn lookup(&self, packet: &Summary, peer: Ipv4Addr, group_known: bool) -> Option<Allowed> {
        let mut matching = self
            .rules
            .iter()
            .filter(|rule| rule.allows(packet, peer, group_known));
        let first = matching.next()?;
        Some(Allowed {
            decision: first.decision,
            open: first.open || self.has_open_rule && matching.any(|rule| rule.open),
        })
    }

    /// Of `asked` what a rule allows from or to this peer; `group_known` as in [`lookup`](Self::lookup).
    pub fn allowed(&self, asked: &TrafficSet, peer: Ipv4Addr, group_known: bool) -> TrafficSet {
        let mut allowed = TrafficSet::nothing();
        let rules = self.rules.iter().filter(|rule| (group_known || !rule.refers_to_group) && rule.contains_peer(peer));
        for rule in rules {
            if rule.traffic == Traffic::All {
                return asked.clone();
            }
            allowed.unite(&asked.within(rule.traffic.into()));
        }
        allowed
    }

    /// The first rule that refers to a group and allows `packet` as if it came from `member` of that group (NLB-11).
    pub fn lookup_group(&self, packet: &Summary, member: Ipv4Addr) -> Option<Allowed> {
        let mut rules = self.rules.iter().filter(|rule| rule.refers_to_group);
        let first = rules.find(|rule| rule.allows(packet, member, true))?;
        Some(Allowed { decision: first.decision, open: false })
    }

    /// Of `asked` what a rule that refers to a group allows as if it came from `member` of that group (NLB-11).
    pub fn allowed_group(&self, asked: &TrafficSet, member: Ipv4Addr) -> TrafficSet {
        let mut allowed = TrafficSet::nothing();
        for rule in self.rules.iter().filter(|rule| rule.refers_to_group && rule.contains_peer(member)) {
            allowed.unite(&asked.within(rule.traffic.into()));
        }
        allowed
    }

    /// Whether a rule has 0.0.0.0/0 as its other side and covers every port of TCP or UDP (CT-04); of others never.
    pub fn has_open_rule_for_all_ports(&self, protocol: Protocol) -> bool {
        match protocol {
            Protocol::TCP => self.open_for_all_tcp,
            Protocol::UDP => self.open_for_all_udp,
            _ => false,
        }
    }

    /// Whether there is no rule at all.
    pub fn is_empty(&self) -> bool {
        self.rules.is_empty()
    }

    /// The rules in order: group by group, as declared.
    pub fn rules(&self) -> &[CompiledRule] {
        &self.rules
    }

    /// The direction they are for.
    pub fn direction(&self) -> Direction {
        self.direction
    }

    /// The rule that comes closest to allowing `packet`, and in words why it does not.
    ///
    /// `None` if no rule is about such a packet or such another side.
    pub fn nearest(&self, packet: &Summary, peer: Ipv4Addr) -> Option<(Decision, String)> {
        let close = self
            .rules
            .iter()
            .filter_map(|rule| Some((rule.distance(packet, peer)?, rule)));
        let (_, rule) = close.min_by_key(|(distance, _)| *distance)?;
        Some((rule.decision, rule.miss(self.direction, packet, peer)))
    }
}

impl CompiledRule {
    fn new(
        rule: &SecurityGroupRule,
        decision: Decision,
        group: &SecurityGroup,
        topology: &Topology,
        members: &GroupMembers,
    ) -> Self {
        let peers = match &rule.peer {
            Peer::Cidr(_) => None,
            Peer::SecurityGroup(id) => Some(group_peers(*id, group, topology, members)),
            Peer::PrefixList(id) => members.of_prefix_list(*id).map(Arc::clone),
            Peer::Missing(_) => Some(nobody(rule.peer.words(topology))),
        };
        let extent = match (&rule.peer, &peers) {
            (Peer::Cidr(net), _) => (*net).into(),
            (_, Some(peers)) => peers.addresses.extent(),
            (_, None) => AddressRange::NOTHING,
        };
        Self {
            traffic: rule.traffic,
            extent,
            gaps: peers
                .as_ref()
                .is_some_and(|peers| peers.addresses.ranges().len() > 1),
            refers_to_group: matches!(rule.peer, Peer::SecurityGroup(_)),
            open: extent == Ipv4Net::default().into(),
            decision,
            peers,
        }
    }

    /// The group, and the rule's number there.
    pub fn decision(&self) -> Decision {
        self.decision
    }

    /// The traffic it allows.
    pub fn traffic(&self) -> Traffic {
        self.traffic
    }

    /// The addresses of the other side, in ascending ranges.
    pub fn peer_ranges(&self) -> &[AddressRange] {
        match &self.peers {
            Some(peers) => peers.addresses.ranges(),
            None => std::slice::from_ref(&self.extent),
        }
    }

    /// Whether the other side is a security group, which is only known where no device in between hides it (SG-10).
    pub fn refers_to_group(&self) -> bool {
        self.refers_to_group
    }

    /// Whether the other side is 0.0.0.0/0.
    pub fn is_open(&self) -> bool {
        self.open
    }

    /// Whether the other side may be at `peer`.
    pub fn contains_peer(&self, peer: Ipv4Addr) -> bool {
        self.extent.contains(peer)
            && (!self.gaps
                || self
                    .peers
                    .as_ref()
                    .is_some_and(|peers| peers.addresses.contains(peer)))
    }

    fn allows(&self, packet: &Summary, peer: Ipv4Addr, group_known: bool) -> bool {
        self.traffic.matches(packet) && self.contains_peer(peer) && (group_known || !self.refers_to_group)
    }

    /// How far the rule is from allowing the packet; `None` if it is about something else altogether.
    fn distance(&self, packet: &Summary, peer: Ipv4Addr) -> Option<u8> {
        let same_protocol = self
            .traffic
            .protocol()
            .is_none_or(|protocol| protocol == packet.protocol());
        match (
            self.traffic.matches(packet),
            same_protocol,
            self.contains_peer(peer),
        ) {
            (true, _, true) => Some(0),
            (true, _, false) => Some(1),
            (false, true, true) => Some(2),
            (false, false, true) => Some(3),
            (false, true, false) => Some(4),
            (false, false, false) => None,
        }
    }

    fn miss(&self, direction: Direction, packet: &Summary, peer: Ipv4Addr) -> String {
        let (traffic, preposition) = (self.traffic, direction.preposition());
        let peers = match &self.peers {
            Some(peers) => peers.words.clone(),
            None => self.extent.words(),
        };
        let rule = format!("allows {traffic} {preposition} {peers}");
        match (self.traffic.matches(packet), self.contains_peer(peer)) {
            (true, true) => format!("{rule}, but the group of {peer} is not known here"),
            (true, false) => format!("{rule}, not {preposition} {peer}"),
            (false, true) => format!("{rule}, not {}", packet_words(packet)),
            (false, false) => {
                format!("{rule}, not {} {preposition} {peer}", packet_words(packet))
            }
        }
    }
}

/// A group that may not be referred to has no members as far as the rule is concerned (SG-12).
fn group_peers(
    referred: Id<SecurityGroup>,
    at: &SecurityGroup,
    topology: &Topology,
    members: &GroupMembers,
) -> Arc<Peers> {
    match (
        topology.security_groups.find(referred),
        members.of_group(referred),
    ) {
        (Some(group), Some(peers)) if members.may_refer(at.vpc, group.vpc) => Arc::clone(peers),
        (Some(group), _) => nobody(format!(
            "sg {} of a VPC that is not peered",
            group.label.display()
        )),
        (None, _) => nobody("a security group that does not exist".to_owned()),
    }
}

fn nobody(words: String) -> Arc<Peers> {
    Arc::new(Peers {
        words,
        ..Peers::default()
    })
}
