//! What an onlooker sees: every step of every packet, in order. Costs one untaken branch per step when nobody looks.

use std::any::Any;

use vpcsim_wire::FlowKey;

use crate::id::{CapturePoint, NodeId};
use crate::packet::Packet;
use crate::time::Time;
use crate::verdict::{Decision, DropReason, Station};

/// Whether a packet leaves or enters the capturing interface, from that interface's own view.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Direction {
    /// It comes in.
    Inbound,
    /// It goes out.
    Outbound,
}

/// One thing that happened to a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// It came into being at the observed node.
    Emit,
    /// It passed a station, as `decision` says.
    Pass {
        /// The station that it passed.
        station: Station,
        /// What let it pass.
        decision: Decision,
    },
    /// Its addresses or ports were rewritten.
    Rewrite {
        /// The flow key that it had before.
        before: FlowKey,
    },
    /// It went by a place where packets can be captured.
    Capture {
        /// The place.
        point: CapturePoint,
        /// In or out of it.
        direction: Direction,
    },
    /// It reached the one that it is for.
    Deliver,
    /// It ended before.
    Drop {
        /// Why.
        reason: DropReason,
        /// What decided so.
        decision: Decision,
    },
}

/// An event with its place and time.
#[derive(Clone, Copy, Debug)]
pub struct Observation<'a> {
    /// When it happened.
    pub time: Time,
    /// The node where it happened.
    pub node: NodeId,
    /// The packet, with its bytes as they were then.
    pub packet: &'a Packet,
    /// What happened.
    pub event: Event,
}

/// Somebody who looks on.
pub trait Observer: Any + Send {
    /// Takes note of one event.
    fn observe(&mut self, observation: &Observation<'_>);
}
