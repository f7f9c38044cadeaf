//! All pairs: what every class can send to every other, and whether answers come back.
//!
//! A flow between two interfaces is what the sender's groups let out, what the network between the two carries, what the
//! receiver's groups let in, and the same for its answers. The network between depends on the places alone, so it is walked
//! once for each pair of places; the groups are asked for each pair of classes.

use std::net::Ipv4Addr;
use std::sync::Arc;

use rustc_hash::FxHashMap;
use vpcsim_aws::compile::HostPlan;
use vpcsim_aws::devices::instance::HostRouting;
use vpcsim_aws::devices::network_interface::{FROM_OWNER, NetworkInterfaceDevice};
use vpcsim_aws::devices::subnet::{FROM_GATEWAY, LEAVING};
use vpcsim_aws::mark;
use vpcsim_aws::sets::{PacketSet, SetEnd, SetWay, TrafficSet, walk};
use vpcsim_aws::{AnyId, Compiled};
use vpcsim_engine::{NodeId, Port};

use super::classes::{Classes, Endpoint};
use super::{Basis, Reach, gateways};

/// What the network between two interfaces carries, without their groups.
#[derive(Clone, Debug)]
enum Between {
    /// Nothing arrives.
    Nothing,
    /// Only packets tell.
    Opaque,
    Carried {
        there: TrafficSet,
        /// Of the traffic there, what is answered.
        back: TrafficSet,
        /// The sender's address as the receiver sees it, where a gateway translates it.
        seen_as: Option<Ipv4Addr>,
        group_known: bool,
        depends_on_port: bool,
        via: Arc<[AnyId]>,
    },
}

/// Asks about all pairs.
pub(crate) struct Pairs<'c> {
    compiled: &'c Compiled,
    classes: &'c Classes,
    question: &'c TrafficSet,
    devices: Vec<&'c NetworkInterfaceDevice>,
    is_interface: Vec<bool>,
    /// The way of what stays inside a subnet.
    nowhere: Arc<[AnyId]>,
    between: FxHashMap<(usize, usize), Between>,
}

impl<'c> Pairs<'c> {
    pub(crate) fn new(compiled: &'c Compiled, classes: &'c Classes, question: &'c TrafficSet) -> Self {
        let device = |endpoint: &Endpoint| {
            compiled
                .interface(endpoint.node)
                .expect("an endpoint has an interface that runs")
        };
        let nodes = compiled
            .running()
            .map(|(node, _)| node.0 as usize)
            .max()
            .map_or(0, |last| last + 1);
        let mut is_interface = vec![false; nodes];
        for endpoint in &classes.endpoints {
            is_interface[endpoint.node.0 as usize] = true;
        }
        Self {
            compiled,
            classes,
            question,
            devices: classes.endpoints.iter().map(device).collect(),
            is_interface,
            nowhere: Arc::from([]),
            between: FxHashMap::default(),
        }
    }

    /// What members of one class reach of another: in other subnets than their own, and in their own.
    pub(crate) fn answer(&mut self, from: usize, to: usize) -> [Option<Reach>; 2] {
        let (one, other) = (&self.classes.all[from], &self.classes.all[to]);
        let apart = one.sites.apart(&other.sites);
        let together = one.sites.together(&other.sites);
        let is_odd = one.is_odd || other.is_odd;
        let mut ask = |pair: Option<(usize, usize)>, is_apart: bool| {
            let (sender, receiver) = pair?;
            if self.classes.endpoints[sender].host == self.classes.endpoints[receiver].host {
                return None;
            }
            Some(if is_odd {
                self.walked(sender, receiver)
            } else {
                self.composed(sender, receiver, is_apart)
            })
        };
        [ask(apart, true), ask(together, false)]
    }

    fn load(&mut self, sender: usize, receiver: usize) {
        let place = |endpoint: usize| self.classes.all[self.classes.endpoints[endpoint].class].place;
        let key = (place(sender), place(receiver));
        if !self.between.contains_key(&key) {
            let between = self.walk_between(sender, receiver);
            self.between.insert(key, between);
        }
    }

    /// From the parts: the groups of both, and the network between.
    fn composed(&mut self, sender: usize, receiver: usize, is_apart: bool) -> Reach {
        let (from, to) = (&self.classes.endpoints[sender], &self.classes.endpoints[receiver]);
        if !is_apart {
            let out = self.devices[sender].lets_out(to.address, self.question);
            let there = self.devices[receiver].lets_in(from.address, true, &out);
            return Reach::of(
                self.question,
                &there,
                &TrafficSet::everything(),
                false,
                &self.nowhere,
            );
        }
        self.load(sender, receiver);
        let place = |endpoint: &Endpoint| self.classes.all[endpoint.class].place;
        match &self.between[&(place(from), place(to))] {
            Between::Nothing => Reach::nothing(),
            Between::Opaque => Reach::unasked(),
            Between::Carried {
                there,
                back,
                seen_as,
                group_known,
                depends_on_port,
                via,
            } => {
                let out = self.devices[sender].lets_out(to.address, there);
                let there =
                    self.devices[receiver].lets_in(seen_as.unwrap_or(from.address), *group_known, &out);
                Reach::of(self.question, &there, back, *depends_on_port, via)
            }
        }
    }

    fn walk_between(&self, sender: usize, receiver: usize) -> Between {
        let (from, to) = (&self.classes.endpoints[sender], &self.classes.endpoints[receiver]);
        let is_end = |node: NodeId| self.is_interface.get(node.0 as usize) == Some(&true);
        let mut way = SetWay::default();
        let asked = PacketSet::new(from.address, to.address, self.question.clone());
        let walked = walk(self.compiled, self.edge_of(from), asked, &mut way, &is_end);
        match walked.end {
            SetEnd::At(node, _) if node == to.node => {}
            SetEnd::At(..) | SetEnd::Opaque(_) => return Between::Opaque,
            SetEnd::Dropped(..) => return Between::Nothing,
        }
        let via = gateways(self.compiled, &way);
        way.turn();
        let arrived = walked.packets;
        let answers = PacketSet::new(to.address, arrived.source, arrived.traffic.answers());
        let back = if answers.traffic.is_empty() {
            TrafficSet::nothing()
        } else {
            let returned = walk(self.compiled, self.edge_of(to), answers, &mut way, &is_end);
            match returned.end {
                SetEnd::At(node, _) if node == from.node && returned.packets.source == to.address => {
                    returned.packets.traffic.questions()
                }
                SetEnd::At(..) | SetEnd::Opaque(_) => return Between::Opaque,
                SetEnd::Dropped(..) => TrafficSet::nothing(),
            }
        };
        Between::Carried {
            there: self.question.intersection(&arrived.traffic.from_any_port()),
            back,
            seen_as: (arrived.source != from.address).then_some(arrived.source),
            group_known: arrived.mark & mark::GROUP_UNKNOWN == 0,
            depends_on_port: way.depends_on_port(),
            via,
        }
    }

    /// Where what an interface sends to another subnet enters the network.
    fn edge_of(&self, endpoint: &Endpoint) -> (NodeId, Port) {
        let subnet = self.devices_subnet(endpoint);
        (
            subnet,
            if endpoint.sends_by == FROM_OWNER {
                FROM_GATEWAY
            } else {
                LEAVING
            },
        )
    }

    fn devices_subnet(&self, endpoint: &Endpoint) -> NodeId {
        self.compiled
            .interface(endpoint.node)
            .expect("an endpoint has an interface that runs")
            .subnet_node()
    }

    /// Device by device from host to host and back, without a shortcut.
    pub(crate) fn walked(&self, sender: usize, receiver: usize) -> Reach {
        let (from, to) = (&self.classes.endpoints[sender], &self.classes.endpoints[receiver]);
        let mut way = SetWay::default();
        let asked = PacketSet::new(from.address, to.address, self.question.clone());
        let there = walk(
            self.compiled,
            self.sends(from, to.address),
            asked,
            &mut way,
            &|_| false,
        );
        match there.end {
            SetEnd::At(node, _) if node == to.host_node && there.packets.destination == to.address => {}
            SetEnd::At(..) | SetEnd::Opaque(_) => return Reach::unasked(),
            SetEnd::Dropped(..) => return Reach::nothing(),
        }
        let via = gateways(self.compiled, &way);
        way.turn();
        let arrived = there.packets;
        let there = self.question.intersection(&arrived.traffic.from_any_port());
        let answers = PacketSet::new(to.address, arrived.source, arrived.traffic.answers());
        if answers.traffic.is_empty() {
            return Reach::of(self.question, &there, &TrafficSet::nothing(), false, &via);
        }
        let back = walk(
            self.compiled,
            self.sends(to, arrived.source),
            answers,
            &mut way,
            &|_| false,
        );
        let back = match back.end {
            SetEnd::At(node, _) if node == from.host_node && back.packets.source == to.address => {
                back.packets.traffic.questions()
            }
            SetEnd::At(..) | SetEnd::Opaque(_) => return Reach::unasked(),
            SetEnd::Dropped(..) => TrafficSet::nothing(),
        };
        Reach::of(self.question, &there, &back, way.depends_on_port(), &via)
    }

    /// The interface by which the host of an endpoint sends from its address to a destination, with its port.
    fn sends(&self, endpoint: &Endpoint, destination: Ipv4Addr) -> (NodeId, Port) {
        sends(&self.compiled.hosts[endpoint.plan], endpoint, destination)
    }
}

/// The interface by which a host sends from an endpoint's address to a destination, with its port.
pub(super) fn sends(plan: &HostPlan, endpoint: &Endpoint, destination: Ipv4Addr) -> (NodeId, Port) {
    if plan.routing == HostRouting::PerInterface {
        return (endpoint.node, endpoint.sends_by);
    }
    let on_link = plan.interfaces.iter().find(|interface| {
        let net = interface
            .addresses
            .first()
            .and_then(|address| ipnet::Ipv4Net::new(*address, interface.prefix_len).ok());
        net.is_some_and(|net| net.contains(&destination))
    });
    let chosen = on_link.or(plan.interfaces.first());
    chosen.map_or((endpoint.node, endpoint.sends_by), |interface| {
        (interface.node, endpoint.sends_by)
    })
}

impl Reach {
    /// From what arrives, and what of it is answered.
    pub(super) fn of(
        question: &TrafficSet,
        there: &TrafficSet,
        back: &TrafficSet,
        depends_on_port: bool,
        via: &Arc<[AnyId]>,
    ) -> Self {
        let arrives = there.from_every_port_of(question);
        let answered = there.intersection(back).from_every_port_of(question);
        let mut round_trip = answered;
        round_trip.unite(&arrives.unanswered());
        let one_way = arrives.without(&round_trip);
        let some_ports = !one_way.is_empty()
            && !there
                .intersection(back)
                .intersection(&one_way.from_any_port())
                .is_empty();
        Self {
            round_trip,
            one_way,
            basis: Basis::Sets,
            depends_on_port: depends_on_port || some_ports,
            via: Arc::clone(via),
        }
    }
}
