//! One packet's run: through nodes until it ends or has to wait, by walking or as the [flow cache](crate::flow_cache) says.

use vpcsim_wire::FlowKey;

use crate::context::{Context, Core};
use crate::flow_cache::Known;
use crate::flow_path::Place;
use crate::id::{Handle, NodeId, Port};
use crate::network::Network;
use crate::observer::{Event, Observation};
use crate::packet::Met;
use crate::replay::{Act, Entry, Exit, Gate, HOP_COUNT_MAX, ReplayIndex};
use crate::verdict::{Decision, DropReason, Step};

/// How far a packet came without walking.
enum Repeated {
    /// To a wait.
    ToWait,
    /// To a node that it has to be handed to.
    ToNode(NodeId, Port),
}

impl Network {
    /// Takes one packet through nodes until it ends or has to wait.
    pub(crate) fn run_packet(&mut self, packet: Handle) {
        let (mut node, mut port) = self.core.slab.packet(packet).next;
        loop {
            if let Some(run) = self.known_run(node, port, packet) {
                match self.repeat(run, packet) {
                    Repeated::ToWait => return,
                    Repeated::ToNode(to, next) => (node, port) = (to, next),
                }
            }
            match self.walk(node, port, packet) {
                Some(next) => (node, port) = next,
                None => return,
            }
        }
    }

    /// Hands a packet from node to node until it ends or has to wait, or comes to where a run can begin that is repeated: behind a node
    /// that is always asked.
    #[inline(never)]
    fn walk(&mut self, mut node: NodeId, mut port: Port, packet: Handle) -> Option<(NodeId, Port)> {
        loop {
            match self.visit(node, port, packet) {
                Step::Forward { to, port: next } => {
                    let may_begin = !self.is_repeating(node);
                    (node, port) = (to, next);
                    if may_begin {
                        return Some((node, port));
                    }
                }
                step => {
                    self.core.finish(node, packet, step);
                    return None;
                }
            }
        }
    }

    /// What a packet does from here on as others of its flow did, as far as that is known; the path that it is on comes first.
    #[inline]
    fn known_run(&mut self, node: NodeId, port: Port, packet: Handle) -> Option<ReplayIndex> {
        let repeating = self.core.slab.packet(packet);
        if let Some(index) = self.core.cache.next_on_path(repeating) {
            debug_assert_eq!(
                self.core.cache.replay(index).entry,
                Entry::of(node, port, repeating)
            );
            return Some(index);
        }
        if repeating.met != Met::Newcomer && self.is_repeating(node) {
            self.core.look_up(node, port, packet)
        } else {
            None
        }
    }

    #[inline]
    fn is_repeating(&mut self, node: NodeId) -> bool {
        self.uses_flow_cache && self.nodes.repeats(node)
    }

    /// Hands a packet to a node.
    fn visit(&mut self, node: NodeId, port: Port, packet: Handle) -> Step {
        self.core.counters.hops += 1;
        let visitor = self.core.slab.packet_mut(packet);
        visitor.place = None;
        if visitor.count_hops(1) > HOP_COUNT_MAX {
            self.core.recording.abandon();
            return Step::drop(DropReason::FORWARDING_LOOP, Decision::NONE);
        }
        let Some(device) = self.nodes.get_mut(node) else {
            self.core.recording.abandon();
            return Step::drop(DropReason::MALFORMED, Decision::NONE);
        };
        let core = &mut self.core;
        let step = device.process(&mut Context { core, node }, port, packet);
        if self.core.recording.is_active() {
            self.record(packet, step);
        }
        step
    }

    /// Writes down what a node did that had the packet of the run that is recorded.
    fn record(&mut self, packet: Handle, step: Step) {
        let (node, port) = self.core.recording.place();
        let can_go_on = !matches!(step, Step::Deliver | Step::Drop { .. });
        if !(can_go_on && self.core.recording.leave(self.core.slab.packet(packet))) {
            // What repeats as a rule but not this time, as with the first packet of a flow, is worth another try.
            return if self.is_repeating(node) && !self.core.recording.ends_here() {
                self.core.recording.abandon();
            } else {
                // The packet has been to a node that is always asked: no path leads on from there.
                self.core.keep_run(Exit::Node { to: node, port });
            };
        }
        let place = match step {
            Step::Forward { to, port } => {
                self.core.recording.come_to(to, port);
                None
            }
            Step::ForwardAfter { to, port, delay } => self.core.keep_run(Exit::After { to, port, delay }),
            Step::Send { link } => self.core.keep_run(Exit::Link { from: node, link }),
            Step::Deliver | Step::Drop { .. } => None,
        };
        self.core.slab.packet_mut(packet).place = place;
    }

    #[inline(always)]
    #[expect(
        clippy::inline_always,
        reason = "it is called once for each run, from one place"
    )]
    fn repeat(&mut self, index: ReplayIndex, handle: Handle) -> Repeated {
        let Core {
            cache,
            slab,
            observer,
            now,
            counters,
            ..
        } = &mut self.core;
        let now = *now;
        let packet = slab.packet_mut(handle);
        let (replay, mut hints) = cache.replay_with_hints(index, packet.place);
        let flow = packet.key().unwrap_or(FlowKey(0));
        let mut before = flow;
        for act in &replay.acts {
            let (gate, passes) = match *act {
                Act::Proceed(gate, token) => (gate, self.nodes.proceed(now, gate, packet, token, &mut hints)),
                Act::Footprint(gate) => (gate, packet.leave_footprint(gate.node, gate.port)),
                Act::Change(change) => {
                    if change.is_of_an_end() {
                        before = packet.key().unwrap_or(before);
                    }
                    change.apply(packet);
                    continue;
                }
                Act::Hop => {
                    packet.count_hops(1);
                    counters.hops += 1;
                    continue;
                }
                Act::Show(node, sight) => {
                    if let Some(observer) = observer {
                        let (time, event) = (now, sight.event(before));
                        observer.observe(&Observation {
                            time,
                            node,
                            packet,
                            event,
                        });
                    }
                    continue;
                }
            };
            if !passes {
                return self.core.break_off(index, handle, flow, gate);
            }
        }
        replay.finish(packet);
        packet.count_hops(replay.uncounted);
        counters.hops += u64::from(replay.uncounted);
        if let Some(place) = &mut packet.place {
            place.cursor.step();
            place.hints_left = hints.left() as u8;
        }
        let exit = replay.exit;
        cache.counters.repeated += 1;
        self.core.leave_run(handle, exit)
    }
}

impl Core {
    /// Looks for the run of a packet that is on no path, and puts the packet on the path that begins with it or goes on with it.
    #[inline(never)]
    fn look_up(&mut self, node: NodeId, port: Port, packet: Handle) -> Option<ReplayIndex> {
        let packet = self.slab.packet_mut(packet);
        let entry = Entry::of(node, port, packet);
        match self.cache.find(&entry, packet) {
            Known::Replay(index, here) => {
                packet.met = Met::Known;
                packet.place = Some(self.cache.advance(packet, index, here));
                return Some(index);
            }
            Known::Unknown => {
                packet.met = Met::Known;
                self.recording.begin(entry, packet, self.observer.is_some());
            }
            Known::Newcomer => packet.met = Met::Newcomer,
            Known::Different => {}
        }
        None
    }

    /// Ends what a packet does at this moment.
    fn finish(&mut self, node: NodeId, packet: Handle, step: Step) {
        match step {
            Step::Forward { to, port } => self.schedule(self.now, packet, to, port),
            Step::ForwardAfter { to, port, delay } => self.schedule(self.now + delay, packet, to, port),
            Step::Send { link } => self.send(node, packet, link),
            Step::Deliver => self.end(node, packet, Event::Deliver),
            Step::Drop { reason, decision } => self.end(node, packet, Event::Drop { reason, decision }),
        }
    }

    /// A node wants to see a packet of the flow, which it gets as it came.
    #[cold]
    fn break_off(&mut self, run: ReplayIndex, packet: Handle, flow: FlowKey, gate: Gate) -> Repeated {
        let Gate {
            node,
            port,
            uncounted,
        } = gate;
        let packet = self.slab.packet_mut(packet);
        packet.count_hops(uncounted);
        self.counters.hops += u64::from(uncounted);
        self.cache.break_off(flow, run, packet.place.take());
        Repeated::ToNode(node, port)
    }

    fn leave_run(&mut self, packet: Handle, exit: Exit) -> Repeated {
        match exit {
            Exit::Node { to, port } => return Repeated::ToNode(to, port),
            Exit::After { to, port, delay } => self.schedule(self.now + delay, packet, to, port),
            Exit::Link { from, link } => self.send(from, packet, link),
        }
        Repeated::ToWait
    }

    fn keep_run(&mut self, exit: Exit) -> Option<Place> {
        self.recording.end(exit, &mut self.cache)
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use vpcsim_wire::{Mac, PacketBuilder};

    use crate::flow_cache::Repeat;
    use crate::id::{Handle, NodeId, Port};
    use crate::later::Later;
    use crate::network::{Network, Node};
    use crate::observer::{Event, Observation, Observer};
    use crate::packet::FrameHeader;
    use crate::time::Span;
    use crate::verdict::{Decision, Station, Step};
    use crate::{Context, FlowCacheCounters};

    const NAT: Ipv4Addr = Ipv4Addr::new(203, 0, 113, 9);
    const METER: NodeId = NodeId(0);
    const END: NodeId = NodeId(2);

    /// Lets packets pass by tens, rewrites their source, and has to see the first of each ten.
    #[derive(Default)]
    struct Meter {
        processed_count: u32,
        left_in_ten: u32,
        emits: bool,
    }

    impl Node for Meter {
        fn process(&mut self, context: &mut Context<'_>, _: Port, packet: Handle) -> Step {
            self.processed_count += 1;
            self.left_in_ten = 9;
            if self.emits {
                let copy = context.packet(packet).bytes().to_vec();
                let frame = context.packet(packet).frame();
                let copy = context.emit(frame, &copy);
                context.deliver(copy);
            }
            let before = context.packet(packet).key().unwrap();
            let changed = context.packet_mut(packet);
            changed.set_mark(7);
            changed.decrement_ttl();
            changed.set_source(NAT, Some(99));
            context.rewritten(packet, before);
            context.pass(packet, Station(5), Decision::NONE);
            let repeat = Repeat::ALWAYS.from_ttl(2).up_to_len(100);
            context.repeats(repeat.while_proceeding(42));
            Step::Forward {
                to: NodeId(1),
                port: Port(3),
            }
        }

        fn repeats(&self) -> bool {
            true
        }

        fn proceed(&mut self, later: Later<'_, '_>) -> bool {
            assert_eq!(later.token, 42);
            let proceeds = self.left_in_ten > 0;
            self.left_in_ten = self.left_in_ten.saturating_sub(1);
            proceeds
        }
    }

    /// Takes time, and keeps no state.
    #[derive(Default)]
    struct Wire {
        processed_count: u32,
    }

    impl Node for Wire {
        fn process(&mut self, context: &mut Context<'_>, port: Port, _: Handle) -> Step {
            assert_eq!(port, Port(3));
            self.processed_count += 1;
            context.repeats(Repeat::ALWAYS);
            Step::ForwardAfter {
                to: END,
                port: Port(0),
                delay: Span::from_us(5),
            }
        }

        fn repeats(&self) -> bool {
            true
        }
    }

    #[derive(Default)]
    struct End {
        seen: Vec<(Ipv4Addr, u16, u8, u64, u16)>,
    }

    impl Node for End {
        fn process(&mut self, context: &mut Context<'_>, _: Port, packet: Handle) -> Step {
            let packet = context.packet(packet);
            let summary = packet.summary().unwrap();
            let source = (summary.source(), summary.key.source_port());
            self.seen
                .push((source.0, source.1, summary.ttl, packet.mark(), packet.hop_count()));
            Step::Deliver
        }
    }

    fn network(meter: Meter) -> Network {
        let nodes: Vec<Box<dyn Node>> = vec![Box::new(meter), Box::<Wire>::default(), Box::<End>::default()];
        Network::new(nodes, Vec::new(), 0)
    }

    fn datagram(ttl: u8, payload_len: usize) -> Vec<u8> {
        let builder = PacketBuilder::udp([10, 0, 0, 1].into(), 1000, [10, 0, 0, 2].into(), 53);
        builder.ttl(ttl).payload(&vec![0; payload_len]).build()
    }

    fn send(network: &mut Network, ttl: u8, payload_len: usize) {
        send_to(network, METER, &datagram(ttl, payload_len));
    }

    fn send_to(network: &mut Network, node: NodeId, bytes: &[u8]) {
        network.act(END, |_: &mut End, context| {
            let packet = context.emit(FrameHeader::ipv4(Mac([2; 6]), Mac([4; 6])), bytes);
            context.forward(packet, node, Port(0));
        });
        network.run_until(network.now() + Span::from_ms(1));
    }

    fn processed(network: &Network) -> (u32, u32) {
        let meter = network.node::<Meter>(METER).unwrap().processed_count;
        (meter, network.node::<Wire>(NodeId(1)).unwrap().processed_count)
    }

    #[test]
    fn a_run_is_repeated_until_a_node_wants_to_see_the_packet() {
        let mut network = network(Meter::default());
        for _ in 0..25 {
            send(&mut network, 64, 10);
        }
        let expected = FlowCacheCounters {
            repeated: 19,
            broken: 2,
            kept: 3,
        };
        assert_eq!(network.flow_cache_counters(), expected);
        // Packet 1 is the first; 2, 13 and 24 are written down; 12 and 23 the meter wants to see.
        assert_eq!(processed(&network), (6, 6));
        let end = network.node::<End>(END).unwrap();
        assert_eq!(end.seen, vec![(NAT, 99, 63, 7, 3); 25]);
        assert_eq!(network.counters().hops, 75);
        assert!(network.counters().balance());
    }

    #[test]
    fn packets_that_are_not_alike_walk() {
        let mut network = network(Meter::default());
        send(&mut network, 64, 10);
        send(&mut network, 64, 10);
        send(&mut network, 1, 10);
        send(&mut network, 64, 90);
        send(&mut network, 64, 10);
        assert_eq!(processed(&network), (4, 4));
        assert_eq!(network.flow_cache_counters().repeated, 1);
    }

    #[test]
    fn a_node_that_brings_packets_into_being_gets_every_packet() {
        let mut network = network(Meter {
            emits: true,
            ..Meter::default()
        });
        for _ in 0..5 {
            send(&mut network, 64, 10);
        }
        assert_eq!(processed(&network).0, 5);
        assert_eq!(network.counters().delivered, 10);
    }

    /// Marks packets for the next node.
    struct Marker;

    impl Node for Marker {
        fn process(&mut self, context: &mut Context<'_>, _: Port, packet: Handle) -> Step {
            context.packet_mut(packet).set_mark(5);
            context.repeats(Repeat::ALWAYS);
            Step::Forward {
                to: NodeId(1),
                port: Port(0),
            }
        }

        fn repeats(&self) -> bool {
            true
        }
    }

    /// Replaces a mark that it has to know, and has to see each second packet.
    #[derive(Default)]
    struct Unmarker {
        marks: Vec<u64>,
        has_proceeded: bool,
    }

    impl Node for Unmarker {
        fn process(&mut self, context: &mut Context<'_>, _: Port, packet: Handle) -> Step {
            self.marks.push(context.packet(packet).mark());
            self.has_proceeded = false;
            context.packet_mut(packet).set_mark(9);
            context.repeats(Repeat::ALWAYS.while_proceeding(0));
            Step::Forward {
                to: END,
                port: Port(0),
            }
        }

        fn repeats(&self) -> bool {
            true
        }

        fn proceed(&mut self, later: Later<'_, '_>) -> bool {
            assert_eq!(later.packet.mark(), 5);
            !std::mem::replace(&mut self.has_proceeded, true)
        }
    }

    #[test]
    fn a_node_that_wants_to_see_the_packet_gets_it_as_it_came_and_not_as_it_left() {
        let nodes: Vec<Box<dyn Node>> = vec![
            Box::new(Marker),
            Box::<Unmarker>::default(),
            Box::<End>::default(),
        ];
        let mut network = Network::new(nodes, Vec::new(), 0);
        for _ in 0..10 {
            send_to(&mut network, NodeId(0), &datagram(64, 10));
        }
        assert!(network.flow_cache_counters().broken > 1);
        let marks = &network.node::<Unmarker>(NodeId(1)).unwrap().marks;
        assert!(marks.iter().all(|mark| *mark == 5), "{marks:?}");
        let end = network.node::<End>(END).unwrap();
        assert!(end.seen.iter().all(|(.., mark, _)| *mark == 9), "{:?}", end.seen);
    }

    /// Sends packets one of two ways, as their frames say.
    struct Splitter;

    impl Node for Splitter {
        fn process(&mut self, context: &mut Context<'_>, _: Port, packet: Handle) -> Step {
            let way = context.packet(packet).frame().destination.0[0];
            context.repeats(Repeat::ALWAYS);
            Step::ForwardAfter {
                to: NodeId(u32::from(way)),
                port: Port(0),
                delay: Span::from_us(5),
            }
        }

        fn repeats(&self) -> bool {
            true
        }
    }

    /// Marks packets with its number.
    struct Painter;

    impl Node for Painter {
        fn process(&mut self, context: &mut Context<'_>, _: Port, packet: Handle) -> Step {
            let number = u64::from(context.node().0);
            context.packet_mut(packet).set_mark(number);
            context.repeats(Repeat::ALWAYS);
            Step::ForwardAfter {
                to: NodeId(3),
                port: Port(0),
                delay: Span::from_us(5),
            }
        }

        fn repeats(&self) -> bool {
            true
        }
    }

    #[test]
    fn packets_of_one_flow_in_two_frames_go_their_own_ways_while_others_are_under_way() {
        let nodes: Vec<Box<dyn Node>> = vec![
            Box::new(Splitter),
            Box::new(Painter),
            Box::new(Painter),
            Box::<End>::default(),
        ];
        let mut network = Network::new(nodes, Vec::new(), 0);
        let bytes = datagram(64, 10);
        let ways: Vec<u8> = (0..400_u32)
            .map(|number| 1 + (number * number / 7 % 2) as u8)
            .collect();
        for way in &ways {
            network.act(NodeId(3), |_: &mut End, context| {
                let packet = context.emit(FrameHeader::ipv4(Mac([9; 6]), Mac([*way; 6])), &bytes);
                context.forward(packet, NodeId(0), Port(0));
            });
            network.run_until(network.now() + Span::from_us(2));
        }
        network.run_until(network.now() + Span::from_ms(1));
        let seen = &network.node::<End>(NodeId(3)).unwrap().seen;
        let marks: Vec<u64> = seen.iter().map(|(.., mark, _)| *mark).collect();
        let expected: Vec<u64> = ways.iter().map(|way| u64::from(*way)).collect();
        assert_eq!(marks, expected);
        assert!(network.flow_cache_counters().repeated > 100);
    }

    /// Keeps what it sees but for the time.
    #[derive(Default)]
    struct Onlooker(Vec<(NodeId, Event, u16)>);

    impl Observer for Onlooker {
        fn observe(&mut self, seen: &Observation<'_>) {
            self.0.push((seen.node, seen.event, seen.packet.hop_count()));
        }
    }

    #[test]
    fn an_onlooker_sees_the_same_of_packets_that_repeat_and_of_those_that_walk() {
        let sights = |mut network: Network| {
            send(&mut network, 64, 10);
            network.observe_with(Some(Box::<Onlooker>::default()));
            for _ in 0..3 {
                send(&mut network, 64, 10);
            }
            let repeated = network.flow_cache_counters().repeated;
            (
                std::mem::take(&mut network.observer_mut::<Onlooker>().unwrap().0),
                repeated,
            )
        };
        let (repeating, count) = sights(network(Meter::default()));
        let (walking, none) = sights(network(Meter::default()).without_flow_cache());
        assert_eq!((count, none), (2, 0));
        assert_eq!(repeating.len(), 3 * 4);
        assert_eq!(repeating, walking);
    }
}
