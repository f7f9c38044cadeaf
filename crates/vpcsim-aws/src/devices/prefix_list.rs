//! Prefix list: a named set of address ranges that routes and security group rules refer to.

use ipnet::Ipv4Net;

use crate::devices::{Kind, Resource};
use crate::model::Label;

/// A prefix list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PrefixList {
    /// How it is called.
    pub label: Label,
    /// Its ranges.
    pub entries: Vec<Ipv4Net>,
    /// How many entries it may have; a reference counts this many (RT-27, SG-13).
    pub entries_max: u32,
}

impl Resource for PrefixList {
    const KIND: Kind = Kind::PrefixList;
    const NOUN: &'static str = "prefix list";

    fn label(&self) -> &Label {
        &self.label
    }
}
