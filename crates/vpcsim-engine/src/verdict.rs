//! What a node says about a packet: where it goes next, or why it ends here.
//!
//! The engine knows neither the names of stations nor those of drop reasons: whoever builds the network numbers and
//! names them. It only keeps the first and the last station, and the reasons of its own.

use crate::id::{LinkId, NodeId, Port};
use crate::time::Span;

/// A step of a packet's way through one device, numbered in the order of the way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Station(pub u8);

impl Station {
    /// A packet comes into being.
    pub const EMIT: Self = Self(1);
    /// A packet reaches the one that it is for.
    pub const DELIVER: Self = Self(8);
}

/// Why a packet ended before it was delivered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DropReason(pub u16);

impl DropReason {
    /// The link lost it, as its loss rate says.
    pub const LINK_LOSS: Self = Self(0);
    /// The link's queue was full.
    pub const LINK_QUEUE_FULL: Self = Self(1);
    /// It passed more devices than any sound network has: a loop without a hop limit.
    pub const FORWARDING_LOOP: Self = Self(2);
    /// The bytes are not a packet that the node can read.
    pub const MALFORMED: Self = Self(3);
    /// The first number that is free for other crates' reasons.
    pub const FIRST_FREE: u16 = 16;
}

/// Something that has rules: a table, a group, a gateway. Numbered by whoever builds the network.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ComponentId(pub u32);

/// What decided: a component, and the rule of it that matched.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Decision {
    /// Who decided.
    pub component: ComponentId,
    /// The number of the deciding rule within the component, or [`Decision::NO_RULE`].
    pub rule: u32,
}

impl Decision {
    /// Stands where no single rule decided.
    pub const NO_RULE: u32 = u32::MAX;
    /// Nobody decided.
    pub const NONE: Self = Self {
        component: ComponentId(u32::MAX),
        rule: Self::NO_RULE,
    };

    /// A decision of `component` as a whole.
    pub const fn by(component: ComponentId) -> Self {
        Self {
            component,
            rule: Self::NO_RULE,
        }
    }

    /// A decision of rule number `rule` of `component`.
    pub const fn rule(component: ComponentId, rule: u32) -> Self {
        Self { component, rule }
    }

    /// The deciding rule's number, if a single rule decided.
    pub fn rule_index(self) -> Option<usize> {
        (self.rule != Self::NO_RULE).then_some(self.rule as usize)
    }
}

/// What happens to a packet next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Step {
    /// It goes on at once, in the same event.
    Forward {
        /// The next node.
        to: NodeId,
        /// The port it enters by.
        port: Port,
    },
    /// It goes on after `delay`.
    ForwardAfter {
        /// The next node.
        to: NodeId,
        /// The port it enters by.
        port: Port,
        /// How long it takes to get there.
        delay: Span,
    },
    /// It goes over a link, which has latency, bandwidth and loss.
    Send {
        /// The link.
        link: LinkId,
    },
    /// It has arrived.
    Deliver,
    /// It ends here.
    Drop {
        /// Why.
        reason: DropReason,
        /// What decided so.
        decision: Decision,
    },
}

impl Step {
    /// Drops for `reason`, decided by `decision`.
    pub const fn drop(reason: DropReason, decision: Decision) -> Self {
        Self::Drop { reason, decision }
    }
}
