//! Security group.
//!
//! Lists what may pass a network interface; whatever no rule allows stays out or in. Answers need no rule: that is
//! [connection tracking](crate::connection_tracking), which asks the compiled rules only about packets that it does not know.
//!
//! # AWS semantics
//!
//! - Rules only allow; the rules of all groups of an interface count together (SG-01).
//! - Without an egress rule nothing begins outwards, without an ingress rule nothing inwards (SG-02).
//! - A rule for all protocols, or for another one than TCP, UDP and ICMP, allows every port (SG-04).
//! - Ports are those of the destination; the source port never matters (SG-05).
//! - ICMP is allowed by type and code, either of them open; a code needs a type (SG-06).
//! - An address range with host bits means its network (SG-07).
//! - A reference to a group means the private addresses (primary, secondary, prefixes) of the interfaces that carry it,
//!   and adds none of that group's rules (SG-08).
//! - A reference reaches into a VPC that an active peering connection joins to the group's own (PCX-12).
//! - A reference never means a member's public address (SG-09).
//! - A reference does not match where the packet's way hides which group its sender has (SG-10).
//! - A reference across regions is refused (SG-11).
//! - A rule whose group is gone, or whose peering connection is, stays listed and matches nothing (SG-12).
//! - A reference to a prefix list counts as the maximum of its entries (SG-13).
//! - A group has 60 rules per direction by default, and an interface five groups; AWS grants up to 16 groups, as long as
//!   the product of both stays within 1,000 (SG-14).
//! - An interface carries groups of its own VPC only (SG-20).
//! - Names are unique within the VPC, have at most 255 characters and do not begin with `sg-` (SG-21).
//! - A flow can only go untracked if rules to and from 0.0.0.0/0 allow it, the opposite one for all ports (CT-04).
//!
//! # Where AWS is silent
//!
//! - The first rule that allows is the one that traces name, in the order of the interface's groups and their rules.
//! - A prefix list that holds 0.0.0.0/0 is as open as that range is.

use ipnet::Ipv4Net;

mod lookup;
mod members;
#[cfg(test)]
mod random_tests;
#[cfg(test)]
mod tests;
mod validate;

pub use lookup::{Allowed, CompiledRule, SecurityGroupLookup, compile};
pub use members::{GroupMembers, Peers};
pub use validate::{
    GROUPS_PER_INTERFACE_DEFAULT_QUOTA, GROUPS_PER_INTERFACE_MAX, NAME_LEN_MAX, RULES_DEFAULT_QUOTA,
    RULES_TIMES_GROUPS_MAX,
};

pub use crate::arrangement::{Arrangement, Rank, Renumbering};
use crate::traffic::Direction;

use crate::devices::{Coverage, Kind, PrefixList, Resource, Topology, Vpc};
use crate::model::{Findings, Id, Label, Origin};
use crate::traffic::Traffic;

/// A security group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SecurityGroup {
    /// How it is called.
    pub label: Label,
    /// The VPC it is part of.
    pub vpc: Id<Vpc>,
    /// Whether it is the VPC's default one.
    pub default: bool,
    /// What may come in.
    pub ingress: Vec<SecurityGroupRule>,
    /// What may go out.
    pub egress: Vec<SecurityGroupRule>,
}

/// A rule of a security group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SecurityGroupRule {
    /// AWS's id (`sgr-…`), where the input has one.
    pub id: Option<String>,
    /// The traffic it allows.
    pub traffic: Traffic,
    /// Who the other side is.
    pub peer: Peer,
    /// Where it is declared.
    pub origin: Origin,
}

/// The other side of a security group rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Peer {
    /// An address range.
    Cidr(Ipv4Net),
    /// The members of a security group, of this VPC or of a peered one.
    SecurityGroup(Id<SecurityGroup>),
    /// The entries of a prefix list.
    PrefixList(Id<PrefixList>),
    /// Something that the design does not have (a deleted group, an unread list): matches nothing (SG-12); its id.
    Missing(String),
}

impl Resource for SecurityGroup {
    const KIND: Kind = Kind::SecurityGroup;
    const NOUN: &'static str = "security group";
    const COVERAGE: Coverage = Coverage::of(
        "rules, references over peering and transit gateways, connection tracking with its timers",
        "limits counted over several interfaces of an instance",
    );

    fn label(&self) -> &Label {
        &self.label
    }

    fn vpc(id: Id<Self>, topology: &Topology) -> Option<Id<Vpc>> {
        Some(topology.security_groups[id].vpc)
    }

    fn rank(&self, _: Id<Self>, _: &Arrangement<'_>) -> Rank {
        Rank::of_vpc(self.vpc)
    }

    fn renumber(&mut self, order: &Renumbering) {
        order.id(&mut self.vpc);
        for rule in self.ingress.iter_mut().chain(&mut self.egress) {
            match &mut rule.peer {
                Peer::SecurityGroup(group) => order.id(group),
                Peer::PrefixList(list) => order.id(list),
                Peer::Cidr(_) | Peer::Missing(_) => {}
            }
        }
    }

    fn validate(id: Id<Self>, topology: &Topology, findings: &mut Findings) {
        validate::validate(id, topology, findings);
    }

    fn rule_text(id: Id<Self>, rule: usize, topology: &Topology) -> Option<String> {
        let (direction, rule) = topology.security_groups.find(id)?.rule(rule)?;
        Some(rule.words(direction, topology))
    }
}

impl SecurityGroup {
    /// The rules of one direction.
    pub fn rules(&self, direction: Direction) -> &[SecurityGroupRule] {
        match direction {
            Direction::Ingress => &self.ingress,
            Direction::Egress => &self.egress,
        }
    }

    /// The number of the first rule of this direction: ingress rules are counted before egress rules.
    pub fn first_rule(&self, direction: Direction) -> usize {
        match direction {
            Direction::Ingress => 0,
            Direction::Egress => self.ingress.len(),
        }
    }

    /// Rule number `rule` and its direction.
    pub fn rule(&self, rule: usize) -> Option<(Direction, &SecurityGroupRule)> {
        match rule.checked_sub(self.ingress.len()) {
            None => Some((Direction::Ingress, &self.ingress[rule])),
            Some(rule) => Some((Direction::Egress, self.egress.get(rule)?)),
        }
    }
}

impl SecurityGroupRule {
    /// The rule as the native format writes it, with its direction and, where it has one, its id.
    pub fn words(&self, direction: Direction, topology: &Topology) -> String {
        let (traffic, preposition) = (self.traffic, direction.preposition());
        let words = format!(
            "{direction} {traffic} {preposition} {}",
            self.peer.words(topology)
        );
        match &self.id {
            Some(id) => format!("{words} ({id})"),
            None => words,
        }
    }
}

impl Peer {
    /// The other side in words.
    pub fn words(&self, topology: &Topology) -> String {
        match self {
            Self::Cidr(net) => net.trunc().to_string(),
            Self::SecurityGroup(id) => format!("sg {}", name(topology.security_groups.find(*id))),
            Self::PrefixList(id) => format!("prefix list {}", name(topology.prefix_lists.find(*id))),
            Self::Missing(id) => format!("{id}, which does not exist"),
        }
    }
}

fn name<R: Resource>(resource: Option<&R>) -> String {
    resource.map_or_else(|| "?".to_owned(), |resource| resource.label().display())
}
