//! A flow there and back, device by device: through gateways and load balancers to whoever answers, and home again.

use std::net::Ipv4Addr;
use std::sync::Arc;

use vpcsim_aws::compile::Slot;
use vpcsim_aws::devices::internet_host::FROM_HOSTS;
use vpcsim_aws::sets::{PacketSet, SetEnd, SetWay, TrafficSet, walk};
use vpcsim_aws::{AnyId, Compiled};
use vpcsim_engine::{NodeId, Port};

use super::{Reach, gateways};

/// A flow passes no more load balancers than this.
const BALANCERS_MAX: usize = 8;

/// Who has to get a flow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Receiver {
    /// The host of this node.
    Host(NodeId),
    /// Whoever the load balancer or endpoint of this node hands it to.
    Behind(NodeId),
    /// Somebody outside of all VPCs.
    Outside,
    /// Whoever has the address.
    Anybody,
}

/// Flows between two addresses.
#[derive(Clone, Copy)]
pub(super) struct Journey<'c> {
    pub(super) compiled: &'c Compiled,
    pub(super) question: &'c TrafficSet,
    /// Where they enter the network.
    pub(super) start: (NodeId, Port),
    pub(super) source: Ipv4Addr,
    pub(super) destination: Ipv4Addr,
    /// The node that answers have to come back to.
    pub(super) home: NodeId,
    pub(super) receiver: Receiver,
}

/// What became of a part of the flows.
struct Part {
    /// All that went this way, as it was sent.
    asked: TrafficSet,
    arrives: TrafficSet,
    answered: TrafficSet,
    depends_on_port: bool,
    via: Arc<[AnyId]>,
    seen_as: Option<Ipv4Addr>,
}

impl Part {
    fn dropped(asked: TrafficSet) -> Self {
        Self {
            asked,
            arrives: TrafficSet::nothing(),
            answered: TrafficSet::nothing(),
            depends_on_port: false,
            via: Arc::from([]),
            seen_as: None,
        }
    }
}

/// Flows on their way.
struct Leg {
    start: (NodeId, Port),
    packets: PacketSet,
    way: SetWay,
    /// All of them, as they were sent.
    asked: TrafficSet,
    balancer_count: usize,
}

/// Only packets tell.
struct Opaque;

impl Journey<'_> {
    /// What gets through, and the source that the receiver sees.
    pub(super) fn ask(&self) -> (Reach, Option<Ipv4Addr>) {
        let mut parts = Vec::new();
        let leg = Leg {
            start: self.start,
            packets: PacketSet::new(self.source, self.destination, self.question.clone()),
            way: SetWay::default(),
            asked: self.question.clone(),
            balancer_count: 0,
        };
        match self.follow(leg, &mut parts) {
            Ok(()) => self.together(&parts),
            Err(Opaque) => (Reach::unasked(), None),
        }
    }

    fn follow(&self, mut leg: Leg, parts: &mut Vec<Part>) -> Result<(), Opaque> {
        let walked = walk(self.compiled, leg.start, leg.packets, &mut leg.way, &|_| false);
        match walked.end {
            SetEnd::Dropped(..) => parts.push(Part::dropped(leg.asked)),
            SetEnd::Opaque(_) => return Err(Opaque),
            SetEnd::At(node, port) => {
                parts.push(self.answered((node, port), &walked.packets, leg.way, leg.asked)?);
            }
            SetEnd::Split(_) if leg.balancer_count >= BALANCERS_MAX => return Err(Opaque),
            SetEnd::Split(_) => {
                for branch in walked.branches {
                    let sent = branch.way.as_sent(&branch.packets.traffic);
                    let asked = self.question.intersection(&sent);
                    match branch.next {
                        Err(_) => parts.push(Part::dropped(asked)),
                        Ok(start) => self.follow(
                            Leg {
                                start,
                                packets: branch.packets,
                                way: branch.way,
                                asked,
                                balancer_count: leg.balancer_count + 1,
                            },
                            parts,
                        )?,
                    }
                }
            }
        }
        Ok(())
    }

    /// What all parts have in common, and what only some of them have.
    fn together(&self, parts: &[Part]) -> (Reach, Option<Ipv4Addr>) {
        let [arrives, answered]: [fn(&Part) -> &TrafficSet; 2] =
            [|part| &part.arrives, |part| &part.answered];
        let (some_arrive, all_arrive) = common(parts, arrives);
        let (some_answered, all_answered) = common(parts, answered);
        let depends_on_port = parts.iter().any(|part| part.depends_on_port);
        let via = common_way(parts);
        let mut reach = Reach::of(self.question, &all_arrive, &all_answered, depends_on_port, &via);
        if parts.len() > 1 {
            let mut some = some_arrive.without(&all_arrive);
            some.unite(&some_answered.without(&all_answered));
            let some = self.question.intersection(&some.from_any_port());
            reach.some_targets = some.without(&reach.round_trip);
            reach.one_way = reach.one_way.without(&reach.some_targets);
        }
        (reach, parts.iter().find_map(|part| part.seen_as))
    }

    /// What arrived at a node, and what of its answers comes home.
    fn answered(
        &self,
        at: (NodeId, Port),
        arrived: &PacketSet,
        mut way: SetWay,
        asked: TrafficSet,
    ) -> Result<Part, Opaque> {
        let back = self.answers_from(at, arrived, &way).ok_or(Opaque)?;
        let via = gateways(self.compiled, &way);
        let arrives = self.question.intersection(&way.as_sent(&arrived.traffic));
        let seen_as = Some(arrived.source);
        let answers = PacketSet::new(arrived.destination, arrived.source, arrived.traffic.answers());
        way.turn();
        let answered = if answers.traffic.is_empty() || self.is_own(at.0, arrived.source) {
            TrafficSet::nothing()
        } else {
            self.come_home(back, answers, &mut way)?.intersection(&arrives)
        };
        Ok(Part {
            asked,
            arrives,
            answered,
            depends_on_port: way.depends_on_port(),
            via,
            seen_as,
        })
    }

    /// Whether the host at a node has the address itself: what it answers to it stays inside.
    fn is_own(&self, node: NodeId, address: Ipv4Addr) -> bool {
        let Some(Slot::Host(index)) = self.compiled.slot(node) else {
            return false;
        };
        let mut interfaces = self.compiled.hosts[index].interfaces.iter();
        interfaces.any(|part| part.addresses.contains(&address))
    }

    fn come_home(
        &self,
        start: (NodeId, Port),
        answers: PacketSet,
        way: &mut SetWay,
    ) -> Result<TrafficSet, Opaque> {
        let back = walk(self.compiled, start, answers, way, &|_| false);
        let ends = (back.packets.source, back.packets.destination);
        match back.end {
            SetEnd::Dropped(..) => Ok(TrafficSet::nothing()),
            SetEnd::At(node, _) if node == self.home => {
                // An answer that comes from another address than the one that was asked answers nothing.
                let is_answer = ends == (self.destination, self.source);
                let answered = back.packets.traffic.questions();
                Ok(if is_answer {
                    answered
                } else {
                    TrafficSet::nothing()
                })
            }
            SetEnd::At(..) | SetEnd::Opaque(_) | SetEnd::Split(_) => Err(Opaque),
        }
    }

    /// Where whoever got the flows sends the answers; `None` if it is not the one who should have got them.
    fn answers_from(&self, at: (NodeId, Port), arrived: &PacketSet, way: &SetWay) -> Option<(NodeId, Port)> {
        let (node, port) = at;
        let is_meant = match self.receiver {
            Receiver::Host(host) => node == host,
            Receiver::Behind(balancer) => way.nodes().contains(&balancer),
            Receiver::Outside => !matches!(self.compiled.slot(node), Some(Slot::Host(_))),
            Receiver::Anybody => true,
        };
        if !is_meant {
            return None;
        }
        let internet = self.compiled.fixed.internet;
        if node == internet {
            return Some((internet, FROM_HOSTS));
        }
        match self.compiled.slot(node)? {
            Slot::ServiceHosts(index) => Some(self.compiled.services[index].uplink),
            Slot::Host(index) => {
                let plan = &self.compiled.hosts[index];
                let own = plan.interfaces.get(port.0 as usize)?;
                let way_out = plan.way_out(port.0 as usize, arrived.source)?;
                let is_its_own = own.addresses.contains(&arrived.destination);
                is_its_own.then_some((way_out.node, way_out.port))
            }
            _ => None,
        }
    }
}

/// What any of the parts has, and what all have that were asked for it.
fn common(parts: &[Part], of: fn(&Part) -> &TrafficSet) -> (TrafficSet, TrafficSet) {
    if let [only] = parts {
        return (of(only).clone(), of(only).clone());
    }
    let (mut any, mut missing) = (TrafficSet::nothing(), TrafficSet::nothing());
    for part in parts {
        any.unite(of(part));
        missing.unite(&part.asked.without(of(part)));
    }
    let all = any.without(&missing);
    (any, all)
}

/// The gateways that all parts which arrive go by, up to where they separate.
fn common_way(parts: &[Part]) -> Arc<[AnyId]> {
    let mut ways = parts.iter().map(|part| &part.via).filter(|via| !via.is_empty());
    let Some(first) = ways.next() else {
        return Arc::from([]);
    };
    let alike = |one: &[AnyId], other: &[AnyId]| {
        one.iter()
            .zip(other)
            .take_while(|(one, other)| one == other)
            .count()
    };
    let len = ways.fold(first.len(), |len, way| len.min(alike(first, way)));
    if len == first.len() {
        Arc::clone(first)
    } else {
        first[..len].into()
    }
}
