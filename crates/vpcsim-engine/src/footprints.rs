//! What a packet leaves behind where it passes, so that a node can tell one that runs in a circle.
//!
//! The memory travels with the packet and lies in its slot of the slab, so that a node need not remember packets that have gone and
//! nothing allocates once the slots have grown. It ends with the packet; a packet that a node makes of another one has none.

use vpcsim_wire::FlowKey;

use crate::id::{NodeId, Port};

/// A packet that comes to a node more often runs in a circle even if something rewrites it each time.
const VISIT_COUNT_MAX: usize = 8;

/// That the packet came to a node, by which port and as what.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Footprint {
    node: NodeId,
    port: Port,
    key: FlowKey,
}

/// The footprints of one packet, in the order in which it left them.
#[derive(Clone, Debug, Default)]
pub(crate) struct Footprints(Vec<Footprint>);

impl Footprints {
    /// Leaves one; false, with nothing changed, if the packet runs in a circle.
    #[inline]
    pub(crate) fn leave(&mut self, node: NodeId, port: Port, key: FlowKey) -> bool {
        let new = Footprint { node, port, key };
        let mut visit_count = 0;
        for old in &self.0 {
            visit_count += usize::from(old.node == node);
            if *old == new {
                return false;
            }
        }
        if visit_count < VISIT_COUNT_MAX {
            self.0.push(new);
        }
        visit_count < VISIT_COUNT_MAX
    }

    /// Takes back the last one if it is this one, as if the packet had yet to come.
    pub(crate) fn take_back(&mut self, node: NodeId, port: Port, key: FlowKey) {
        if self.0.last() == Some(&Footprint { node, port, key }) {
            self.0.pop();
        }
    }

    pub(crate) fn clear(&mut self) {
        self.0.clear();
    }
}

#[cfg(test)]
mod tests {
    use vpcsim_wire::{Mac, PacketBuilder, Protocol};

    use super::*;
    use crate::context::Context;
    use crate::flow_cache::Repeat;
    use crate::id::Handle;
    use crate::later::Later;
    use crate::network::{Network, Node};
    use crate::packet::FrameHeader;
    use crate::time::Span;
    use crate::verdict::{Decision, DropReason, Step};

    const HERE: NodeId = NodeId(4);
    const THERE: NodeId = NodeId(5);

    fn key(port: u16) -> FlowKey {
        let (from, to) = ([10, 0, 0, 1].into(), [10, 0, 0, 2].into());
        FlowKey::new(from, to, Protocol::UDP, port, 53)
    }

    #[test]
    fn a_packet_that_comes_back_as_it_was_runs_in_a_circle() {
        let mut footprints = Footprints::default();
        let mut leave = |node, port, flow| footprints.leave(node, Port(port), key(flow));
        let others = [leave(HERE, 0, 1), leave(HERE, 1, 1), leave(HERE, 0, 2)];
        assert_eq!(others, [true; 3]);
        assert!(leave(THERE, 0, 1), "another node has its own");
        assert!(!leave(HERE, 0, 1));
    }

    #[test]
    fn a_packet_that_comes_for_the_ninth_time_runs_in_a_circle_however_it_looks() {
        let mut footprints = Footprints::default();
        let left = (0..9).map(|flow| footprints.leave(HERE, Port(0), key(flow)));
        assert_eq!(left.filter(|left| *left).count(), VISIT_COUNT_MAX);
        assert!(footprints.leave(THERE, Port(0), key(9)));
    }

    /// Sends packets to the other one of two, which sends them back; it has to see each third that comes.
    #[derive(Default)]
    struct Turner {
        seen_count: u32,
        circle_count: u32,
        since_seen: u32,
    }

    impl Node for Turner {
        fn process(&mut self, context: &mut Context<'_>, port: Port, packet: Handle) -> Step {
            self.seen_count += 1;
            self.since_seen = 0;
            if !context.leave_footprint(packet, port) {
                self.circle_count += 1;
                return Step::drop(DropReason::FORWARDING_LOOP, Decision::NONE);
            }
            context.repeats(Repeat::ALWAYS.while_proceeding(0));
            let to = NodeId(1 - context.node().0);
            let delay = Span::from_us(1);
            Step::ForwardAfter { to, port, delay }
        }

        fn repeats(&self) -> bool {
            true
        }

        fn proceed(&mut self, _: Later<'_, '_>) -> bool {
            self.since_seen += 1;
            self.since_seen < 3
        }
    }

    /// Where packets ended and how many times they were at nodes; and how many visits there were by walking.
    fn circles(mut network: Network) -> (Vec<(u32, u64)>, u32) {
        let bytes = PacketBuilder::udp([10, 0, 0, 1].into(), 1, [10, 0, 0, 2].into(), 53).build();
        let ends = (0..20).map(|_| {
            network.act(NodeId(0), |_: &mut Turner, context| {
                let packet = context.emit(FrameHeader::ipv4(Mac([2; 6]), Mac([4; 6])), &bytes);
                context.forward(packet, NodeId(0), Port(0));
            });
            network.run_until(network.now() + Span::from_ms(1));
            let turner = network.node::<Turner>(NodeId(0)).unwrap();
            (turner.circle_count, network.counters().hops)
        });
        let ends = ends.collect();
        let nodes = [NodeId(0), NodeId(1)].map(|node| network.node::<Turner>(node).unwrap().seen_count);
        (ends, nodes.iter().sum())
    }

    #[test]
    fn a_circle_ends_at_the_same_place_whether_packets_repeat_or_walk() {
        let network = || {
            let nodes = (0..2).map(|_| Box::<Turner>::default() as Box<dyn Node>);
            Network::new(nodes.collect(), Vec::new(), 0)
        };
        let (repeating, walking) = (circles(network()), circles(network().without_flow_cache()));
        assert_eq!(repeating.0, walking.0);
        assert_eq!(walking.0.last(), Some(&(20, 60)));
        assert_eq!(walking.1, 60);
        assert!(repeating.1 < 60, "{} visits", repeating.1);
    }

    #[test]
    fn only_the_last_footprint_can_be_taken_back() {
        let mut footprints = Footprints::default();
        for flow in 0..2 {
            assert!(footprints.leave(HERE, Port(0), key(flow)));
        }
        footprints.take_back(HERE, Port(0), key(0));
        assert!(!footprints.leave(HERE, Port(0), key(0)));
        footprints.take_back(HERE, Port(0), key(1));
        assert!(footprints.leave(HERE, Port(0), key(1)));
    }
}
