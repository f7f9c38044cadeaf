//! Security group.

use ipnet::Ipv4Net;

use crate::devices::{Kind, PrefixList, Resource, Vpc};
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
}
