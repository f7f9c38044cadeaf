//! Network ACL.

use ipnet::Ipv4Net;

use crate::devices::{Kind, Resource, Vpc};
use crate::model::{Id, Label, Origin};
use crate::topology::Topology;
use crate::traffic::Traffic;

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

    fn label(&self) -> &Label {
        &self.label
    }
}

/// The compiled entries of a network ACL.
#[derive(Clone, Debug)]
pub struct NetworkAclLookup {}

/// Compiles a network ACL.
pub fn compile(_id: Id<NetworkAcl>, _topology: &Topology) -> NetworkAclLookup {
    NetworkAclLookup {}
}
