//! Security group.

use ipnet::Ipv4Net;

mod lookup;
mod members;

pub use lookup::{Allowed, CompiledRule, SecurityGroupLookup, compile};
pub use members::{GroupMembers, Peers};

pub use crate::traffic::Direction;

use crate::devices::{Kind, PrefixList, Resource, Topology, Vpc};
use crate::model::{Id, Label, Origin};
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

    fn label(&self) -> &Label {
        &self.label
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
        let words = format!("{direction} {traffic} {preposition} {}", self.peer.words(topology));
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
