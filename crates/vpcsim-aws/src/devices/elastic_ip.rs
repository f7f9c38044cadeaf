//! Elastic IP address: a public address that is allocated to the account, associated or not.

use std::net::Ipv4Addr;

use crate::devices::{Kind, Resource};
use crate::model::Label;

/// An Elastic IP address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ElasticIp {
    /// How it is called.
    pub label: Label,
    /// The address.
    pub address: Ipv4Addr,
    /// Whether an interface or a gateway has it; else nobody answers at it.
    pub associated: bool,
}

impl Resource for ElasticIp {
    const KIND: Kind = Kind::ElasticIp;
    const NOUN: &'static str = "Elastic IP address";

    fn label(&self) -> &Label {
        &self.label
    }
}
