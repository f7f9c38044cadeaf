//! Follows a set of packets from device to device.

use vpcsim_engine::{Decision, DropReason, NodeId, Port};

use super::{PacketSet, SetBranch, SetStep, SetWay};
use crate::compile::Compiled;
use crate::drop_reason;

/// No way has more stations: a longer one goes in circles.
const STATIONS_MAX: usize = 256;

/// How a set's way ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SetEnd {
    /// It arrived at a node that is filled from outside of this crate, or at one where the walk was to end.
    At(NodeId, Port),
    /// What was left of it was dropped.
    Dropped(DropReason, Decision),
    /// It came to a device that only packets tell about.
    Opaque(NodeId),
    /// It goes on in [parts](Walked::branches), each of which is to be followed by itself.
    Split(NodeId),
}

/// A set at the end of its way.
#[derive(Clone, Debug)]
pub struct Walked {
    /// How it ended.
    pub end: SetEnd,
    /// What was left, with the addresses that it had in the end.
    pub packets: PacketSet,
    /// The parts that it goes on in, if it was split.
    pub branches: Vec<SetBranch>,
}

impl Walked {
    fn whole(end: SetEnd, packets: PacketSet) -> Self {
        Self {
            end,
            packets,
            branches: Vec::new(),
        }
    }
}

/// Follows `packets`, which enter `start`, until they arrive, are dropped, or enter a node for which `is_end` says so.
///
/// Where the way hangs on ports ([`SetStep::OneOf`]), what arrives by every way alike counts as arrived.
pub fn walk(
    compiled: &Compiled,
    start: (NodeId, Port),
    packets: PacketSet,
    way: &mut SetWay,
    is_end: &dyn Fn(NodeId) -> bool,
) -> Walked {
    let mut walker = Walker {
        compiled,
        is_end,
        stations: 0,
    };
    walker.follow(start, packets, way)
}

struct Walker<'c> {
    compiled: &'c Compiled,
    is_end: &'c dyn Fn(NodeId) -> bool,
    stations: usize,
}

impl Walker<'_> {
    fn follow(&mut self, start: (NodeId, Port), mut packets: PacketSet, way: &mut SetWay) -> Walked {
        let (mut node, mut port) = start;
        loop {
            self.stations += 1;
            if self.stations > STATIONS_MAX {
                return Walked::whole(SetEnd::Opaque(node), packets);
            }
            way.node = node;
            way.nodes.push(node);
            let Some(device) = self.compiled.for_sets(node) else {
                let is_slot = self.compiled.slot(node).is_some();
                let end = if is_slot {
                    SetEnd::At(node, port)
                } else {
                    SetEnd::Opaque(node)
                };
                return Walked::whole(end, packets);
            };
            let step = device.pass(port, &mut packets, way);
            if packets.traffic.is_empty() && !matches!(step, SetStep::Drop(..)) {
                let last = way.drops.last().map(|drop| (drop.reason, drop.decision));
                let (reason, decision) = last.unwrap_or((drop_reason::NOT_SENT, Decision::NONE));
                return Walked::whole(SetEnd::Dropped(reason, decision), packets);
            }
            let end = match step {
                SetStep::Forward(to, by) if (self.is_end)(to) => SetEnd::At(to, by),
                SetStep::Forward(to, by) => {
                    (node, port) = (to, by);
                    continue;
                }
                SetStep::OneOf(ways) => return self.follow_each(&ways, &packets, way),
                SetStep::Split(branches) => {
                    return Walked {
                        end: SetEnd::Split(node),
                        packets,
                        branches,
                    };
                }
                SetStep::Drop(reason, decision) => SetEnd::Dropped(reason, decision),
                SetStep::Deliver => SetEnd::At(node, port),
                SetStep::Opaque => SetEnd::Opaque(node),
            };
            return Walked::whole(end, packets);
        }
    }

    fn follow_each(&mut self, ways: &[(NodeId, Port)], packets: &PacketSet, way: &mut SetWay) -> Walked {
        let mut all: Option<Walked> = None;
        for start in ways {
            let walked = if (self.is_end)(start.0) {
                Walked::whole(SetEnd::At(start.0, start.1), packets.clone())
            } else {
                self.follow(*start, packets.clone(), way)
            };
            all = Some(match all {
                None => walked,
                Some(before) => agreed(before, walked, way),
            });
        }
        let nowhere = SetEnd::Dropped(drop_reason::NOT_SENT, Decision::NONE);
        all.unwrap_or_else(|| Walked::whole(nowhere, packets.clone()))
    }
}

/// What arrives by both ways.
fn agreed(one: Walked, other: Walked, way: &mut SetWay) -> Walked {
    let same_end = one.end == other.end;
    let PacketSet {
        source,
        destination,
        mark,
        ..
    } = other.packets;
    let same_header =
        (one.packets.source, one.packets.destination, one.packets.mark) == (source, destination, mark);
    match (one.end, other.end) {
        (SetEnd::At(..), SetEnd::At(..)) if same_end && same_header => {
            let traffic = one.packets.traffic.intersection(&other.packets.traffic);
            way.depends_on_port |= traffic != one.packets.traffic || traffic != other.packets.traffic;
            Walked {
                packets: PacketSet {
                    traffic,
                    ..one.packets
                },
                ..one
            }
        }
        (SetEnd::At(node, _), SetEnd::At(..)) | (SetEnd::Split(node), _) | (_, SetEnd::Split(node)) => {
            Walked {
                end: SetEnd::Opaque(node),
                ..one
            }
        }
        (SetEnd::At(..), SetEnd::Dropped(..)) => {
            way.depends_on_port = true;
            other
        }
        (SetEnd::Dropped(..), SetEnd::At(..)) => {
            way.depends_on_port = true;
            one
        }
        (_, SetEnd::Opaque(_)) => other,
        (SetEnd::Opaque(_), _) | (SetEnd::Dropped(..), SetEnd::Dropped(..)) => one,
    }
}
