//! One packet's run: through nodes until it ends or has to wait, by walking or as the [flow cache](crate::flow_cache) says.

use crate::context::{Context, Core};
use crate::flow_cache::{Act, Change, Entry, Exit, Known, ReplayIndex};
use crate::id::{Handle, NodeId, Port};
use crate::network::Network;
use crate::observer::{Event, Observation};
use crate::verdict::{Decision, DropReason, Step};

/// After this many nodes a packet is taken to run in a circle.
const HOP_COUNT_MAX: u16 = 255;

/// How far a packet came without walking.
enum Repeated {
    /// To a wait.
    ToWait,
    /// To a node that it has to be handed to.
    ToNode(NodeId, Port),
    /// Nowhere.
    Not,
}

impl Network {
    /// Takes one packet through nodes until it ends or has to wait.
    pub(crate) fn run_packet(&mut self, packet: Handle) {
        let (mut node, mut port) = self.core.slab.packet(packet).next;
        // A run that can be repeated begins behind a wait or behind a node that is always asked.
        let mut may_begin = true;
        loop {
            if may_begin && self.is_repeating(node) {
                match self.repeat_run(node, port, packet) {
                    Repeated::ToWait => return,
                    Repeated::ToNode(to, next) => (node, port) = (to, next),
                    Repeated::Not => {}
                }
            }
            may_begin = !self.is_repeating(node);
            match self.visit(node, port, packet) {
                Step::Forward { to, port: next } => (node, port) = (to, next),
                step => return self.core.finish(node, packet, step),
            }
        }
    }

    #[inline]
    fn is_repeating(&mut self, node: NodeId) -> bool {
        self.uses_flow_cache && self.nodes.repeats(node)
    }

    /// Hands a packet to a node.
    fn visit(&mut self, node: NodeId, port: Port, packet: Handle) -> Step {
        self.core.counters.hops += 1;
        if self.core.slab.packet_mut(packet).count_hops(1) > HOP_COUNT_MAX {
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
            return if self.is_repeating(node) {
                self.core.recording.abandon();
            } else {
                self.core.keep_run(Exit::Node { to: node, port });
            };
        }
        match step {
            Step::Forward { to, port } => self.core.recording.come_to(to, port),
            Step::ForwardAfter { to, port, delay } => self.core.keep_run(Exit::After { to, port, delay }),
            Step::Send { link } => self.core.keep_run(Exit::Link { from: node, link }),
            Step::Deliver | Step::Drop { .. } => {}
        }
    }

    /// Does to a packet what the packets of its flow do from here on, as far as that is known.
    fn repeat_run(&mut self, node: NodeId, port: Port, handle: Handle) -> Repeated {
        let packet = self.core.slab.packet(handle);
        let entry = Entry::of(node, port, packet);
        match self.core.cache.find(&entry, packet) {
            Known::Replay(index) => self.repeat(index, &entry, handle),
            Known::Unknown => {
                let is_watched = self.core.observer.is_some();
                self.core.recording.begin(entry, packet, is_watched);
                Repeated::Not
            }
            Known::Different => Repeated::Not,
        }
    }

    fn repeat(&mut self, index: ReplayIndex, entry: &Entry, handle: Handle) -> Repeated {
        let Core {
            cache,
            slab,
            observer,
            now,
            counters,
            ..
        } = &mut self.core;
        let (now, replay) = (*now, cache.replay(index));
        let packet = slab.packet_mut(handle);
        let Some(flow) = packet
            .key()
            .filter(|_| packet.hop_count() + replay.hop_count <= HOP_COUNT_MAX)
        else {
            return Repeated::Not;
        };
        let mut before = flow;
        for act in &replay.acts {
            match *act {
                Act::Change(change) => {
                    before = match change {
                        Change::Source(..) | Change::Destination(..) => packet.key().unwrap_or(before),
                        _ => before,
                    };
                    change.apply(packet);
                }
                Act::Proceed {
                    node,
                    port,
                    token,
                    uncounted,
                } => {
                    let device = self.nodes.get_mut(node);
                    if !device.is_some_and(|device| device.proceed(now, port, packet, token)) {
                        packet.count_hops(uncounted);
                        counters.hops += u64::from(uncounted);
                        cache.break_off(flow, entry);
                        return Repeated::ToNode(node, port);
                    }
                }
                Act::Hop => {
                    packet.count_hops(1);
                    counters.hops += 1;
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
                }
            }
        }
        packet.count_hops(replay.uncounted);
        counters.hops += u64::from(replay.uncounted);
        let exit = replay.exit;
        cache.counters.repeated += 1;
        self.core.leave_run(handle, exit)
    }
}

impl Core {
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

    fn leave_run(&mut self, packet: Handle, exit: Exit) -> Repeated {
        match exit {
            Exit::Node { to, port } => return Repeated::ToNode(to, port),
            Exit::After { to, port, delay } => self.schedule(self.now + delay, packet, to, port),
            Exit::Link { from, link } => self.send(from, packet, link),
        }
        Repeated::ToWait
    }

    fn keep_run(&mut self, exit: Exit) {
        self.recording.end(exit, &mut self.cache);
    }
}
