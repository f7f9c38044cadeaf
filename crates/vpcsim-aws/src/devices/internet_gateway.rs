//! Internet gateway.

use crate::devices::{Kind, Resource, Vpc};
use crate::model::{Id, Label};

/// An internet gateway.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InternetGateway {
    /// How it is called.
    pub label: Label,
    /// The VPC it is attached to.
    pub vpc: Option<Id<Vpc>>,
}

impl Resource for InternetGateway {
    const KIND: Kind = Kind::InternetGateway;
    const NOUN: &'static str = "internet gateway";

    fn label(&self) -> &Label {
        &self.label
    }
}
