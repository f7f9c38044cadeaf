//! Hosts on the internet, and the internet between them and the internet gateways.

use std::net::Ipv4Addr;

use crate::devices::instance::Listener;
use crate::devices::{Kind, Resource};
use crate::model::Label;

/// A host on the internet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InternetHost {
    /// How it is called.
    pub label: Label,
    /// Its public address.
    pub address: Ipv4Addr,
    /// The services it answers on.
    pub listen: Vec<Listener>,
}

impl Resource for InternetHost {
    const KIND: Kind = Kind::InternetHost;
    const NOUN: &'static str = "internet host";

    fn label(&self) -> &Label {
        &self.label
    }
}
