//! The nodes of a network, all made beforehand or each when something first reaches it.
//!
//! A question about one flow reaches some twenty nodes of ten thousand. Making only those, and unmaking only those afterwards, is
//! what lets a million questions each have a network in its first state. An idle node costs 16 bytes; one that is there costs the hot
//! path a comparison with null.

use crate::id::NodeId;
use crate::later::{Hints, Later};
use crate::network::Node;
use crate::packet::Packet;
use crate::replay::Gate;
use crate::time::Time;

/// Makes the node of this number in its first state.
type Maker = Box<dyn FnMut(NodeId) -> Box<dyn Node> + Send>;

pub(crate) struct Nodes {
    slots: Vec<Option<Box<dyn Node>>>,
    /// Of those that are there, which [repeat](Node::repeats).
    repeats: Vec<bool>,
    /// What was made and can be unmade.
    made: Vec<NodeId>,
    make: Option<Maker>,
}

impl Nodes {
    pub(crate) fn all(nodes: Vec<Box<dyn Node>>) -> Self {
        Self {
            repeats: nodes.iter().map(|node| node.repeats()).collect(),
            slots: nodes.into_iter().map(Some).collect(),
            made: Vec::new(),
            make: None,
        }
    }

    pub(crate) fn lazy(count: usize, make: Maker) -> Self {
        Self {
            slots: (0..count).map(|_| None).collect(),
            repeats: vec![false; count],
            made: Vec::new(),
            make: Some(make),
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.slots.len()
    }

    /// A node that is there.
    pub(crate) fn get(&self, node: NodeId) -> Option<&dyn Node> {
        self.slots.get(node.0 as usize)?.as_deref()
    }

    /// A node, which is made if need be.
    #[inline]
    pub(crate) fn get_mut(&mut self, node: NodeId) -> Option<&mut dyn Node> {
        if self.slots.get(node.0 as usize)?.is_none() {
            self.fill(node);
        }
        self.slots[node.0 as usize].as_deref_mut()
    }

    /// Whether a node, which is made if need be, can be part of a run that is repeated.
    #[inline]
    pub(crate) fn repeats(&mut self, node: NodeId) -> bool {
        let place = node.0 as usize;
        if matches!(self.slots.get(place), Some(None)) {
            self.fill(node);
        }
        self.repeats.get(place).copied().unwrap_or(false)
    }

    /// Asks a node to [proceed](Node::proceed); a packet that it wants to see has yet to come to it.
    #[inline]
    pub(crate) fn proceed(
        &mut self,
        now: Time,
        gate: Gate,
        packet: &mut Packet,
        token: u64,
        hints: &mut Hints<'_>,
    ) -> bool {
        let Gate { node, port, .. } = gate;
        let device = self.get_mut(node);
        let later = Later {
            now,
            port,
            packet,
            token,
            hints,
        };
        let proceeds = device.is_some_and(|device| device.proceed(later));
        if !proceeds {
            packet.take_back_footprint(node, port);
        }
        proceeds
    }

    #[cold]
    fn fill(&mut self, node: NodeId) {
        if let Some(make) = &mut self.make {
            let made = make(node);
            self.repeats[node.0 as usize] = made.repeats();
            self.slots[node.0 as usize] = Some(made);
            self.made.push(node);
        }
    }

    /// Unmakes what was made.
    pub(crate) fn unmake(&mut self) {
        for node in self.made.drain(..) {
            self.slots[node.0 as usize] = None;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::*;
    use crate::context::Context;
    use crate::id::{Handle, Port};
    use crate::network::Network;
    use crate::time::Span;
    use crate::verdict::Step;

    /// Counts its timers, and waits a random while between them.
    #[derive(Default)]
    struct Ticker {
        ticks: Vec<Time>,
        start_count: usize,
    }

    impl Ticker {
        fn start(&mut self, context: &mut Context<'_>) {
            self.start_count += 1;
            let delay = context.random().below(1_000);
            context.set_timer(Span::from_ns(delay), 0);
        }
    }

    impl Node for Ticker {
        fn process(&mut self, _: &mut Context<'_>, _: Port, _: Handle) -> Step {
            Step::Deliver
        }

        fn on_timer(&mut self, context: &mut Context<'_>, _: u64) {
            self.ticks.push(context.now());
            self.start(context);
        }
    }

    fn ticks(network: &mut Network) -> Vec<Time> {
        network.act(NodeId(7), Ticker::start);
        network.run_until(Time::from_ns(5_000));
        let ticker = network.node::<Ticker>(NodeId(7)).unwrap();
        assert_eq!(ticker.start_count, ticker.ticks.len() + 1);
        ticker.ticks.clone()
    }

    #[test]
    fn a_lazy_network_makes_what_is_reached_and_is_the_same_again_when_renewed() {
        let mut eager = Network::new(
            (0..10)
                .map(|_| Box::<Ticker>::default() as Box<dyn Node>)
                .collect(),
            Vec::new(),
            3,
        );
        let made = Arc::new(AtomicU32::new(0));
        let count = Arc::clone(&made);
        let mut lazy = Network::lazy(10, 3, move |_| {
            count.fetch_add(1, Ordering::Relaxed);
            Box::<Ticker>::default()
        });
        assert!(lazy.node::<Ticker>(NodeId(7)).is_none());
        let expected = ticks(&mut eager);
        assert!(expected.len() > 3);
        assert_eq!(ticks(&mut lazy), expected);
        lazy.renew(3);
        assert_eq!(ticks(&mut lazy), expected);
        assert_eq!((made.load(Ordering::Relaxed), lazy.node_count()), (2, 10));
        assert_eq!(lazy.counters(), eager.counters());
    }
}
