//! What a node sees of the network while it handles something, and what it may do.

use std::collections::VecDeque;

use vpcsim_wire::FlowKey;

use crate::event_queue::EventQueue;
use crate::flow_cache::{FlowCache, Repeat};
use crate::id::{CapturePoint, Handle, LinkId, NodeId, Port, TimerId};
use crate::link::{Link, Passage};
use crate::network::Counters;
use crate::observer::{Direction, Event, Observation, Observer};
use crate::packet::{FrameHeader, Packet, Slab};
use crate::random::{Random, Randoms};
use crate::recording::Recording;
use crate::replay::Sight;
use crate::time::{Span, Time};
use crate::timers::Timers;
use crate::verdict::{Decision, DropReason, Station};

/// What waits in the queue.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Pending {
    Arrival(Handle),
    Timer(u32),
}

/// Everything but the nodes.
pub(crate) struct Core {
    pub(crate) now: Time,
    pub(crate) queue: EventQueue<Pending>,
    pub(crate) ready: VecDeque<Handle>,
    pub(crate) slab: Slab,
    pub(crate) timers: Timers,
    pub(crate) links: Vec<Link>,
    pub(crate) randoms: Randoms,
    pub(crate) counters: Counters,
    pub(crate) notices: Vec<u64>,
    pub(crate) observer: Option<Box<dyn Observer>>,
    pub(crate) cache: FlowCache,
    pub(crate) recording: Recording,
}

impl Core {
    pub(crate) fn new(links: Vec<Link>, seed: u64) -> Self {
        Self {
            now: Time::ZERO,
            queue: EventQueue::new(),
            ready: VecDeque::new(),
            slab: Slab::default(),
            timers: Timers::default(),
            links,
            randoms: Randoms::new(seed),
            counters: Counters::default(),
            notices: Vec::new(),
            observer: None,
            cache: FlowCache::default(),
            recording: Recording::new(),
        }
    }

    pub(crate) fn notice_of(&self, node: NodeId) -> u64 {
        self.notices.get(node.0 as usize).copied().unwrap_or(0)
    }

    #[inline]
    pub(crate) fn observe(&mut self, node: NodeId, packet: Handle, event: Event) {
        if let Some(observer) = &mut self.observer {
            observer.observe(&Observation {
                time: self.now,
                node,
                packet: self.slab.packet(packet),
                event,
            });
        }
    }

    #[inline]
    pub(crate) fn end(&mut self, node: NodeId, packet: Handle, event: Event) {
        match event {
            Event::Deliver => self.counters.delivered += 1,
            _ => self.counters.dropped += 1,
        }
        self.observe(node, packet, event);
        self.slab.remove(packet);
    }

    #[inline]
    pub(crate) fn schedule(&mut self, at: Time, packet: Handle, to: NodeId, port: Port) {
        self.slab.packet_mut(packet).next = (to, port);
        if at <= self.now {
            self.ready.push_back(packet);
        } else {
            let delay = at.since(self.now);
            self.queue
                .push(self.now.as_ns(), delay.as_ns(), Pending::Arrival(packet));
        }
    }

    pub(crate) fn send(&mut self, from: NodeId, packet: Handle, link: LinkId) {
        let byte_count = self.slab.packet(packet).bytes().len() + 14;
        let line = &mut self.links[link.0 as usize];
        match line.carry(self.now, byte_count, self.randoms.of(from)) {
            Passage::Arrives(at) => {
                let (to, port) = (line.to, line.port);
                self.schedule(at, packet, to, port);
            }
            Passage::Lost(reason) => self.end(
                from,
                packet,
                Event::Drop {
                    reason,
                    decision: Decision::NONE,
                },
            ),
        }
    }
}

/// What a node may do while it handles a packet, a timer or a command.
pub struct Context<'a> {
    pub(crate) core: &'a mut Core,
    pub(crate) node: NodeId,
}

impl Context<'_> {
    /// The present moment.
    #[inline]
    pub fn now(&self) -> Time {
        self.core.now
    }

    /// The node that this is about.
    #[inline]
    pub fn node(&self) -> NodeId {
        self.node
    }

    /// The node's own random numbers.
    pub fn random(&mut self) -> &mut Random {
        self.core.recording.spoil();
        self.core.randoms.of(self.node)
    }

    /// A packet that is in the network.
    #[inline]
    pub fn packet(&self, packet: Handle) -> &Packet {
        self.core.slab.packet(packet)
    }

    /// A packet that is in the network, to change it.
    #[inline]
    pub fn packet_mut(&mut self, packet: Handle) -> &mut Packet {
        self.core.slab.packet_mut(packet)
    }

    /// Brings a new packet into being: an IPv4 packet or what else the frame's type says.
    ///
    /// The node then has to send it on with one of the methods below.
    #[inline]
    pub fn emit(&mut self, frame: FrameHeader, bytes: &[u8]) -> Handle {
        self.core.recording.spoil();
        let packet = self.core.slab.insert(frame, bytes, (self.node, Port(0)));
        self.core.counters.emitted += 1;
        self.core.observe(self.node, packet, Event::Emit);
        packet
    }

    /// Sends a packet on at the present moment, after what is being handled now.
    #[inline]
    pub fn forward(&mut self, packet: Handle, to: NodeId, port: Port) {
        self.core.recording.spoil();
        self.core.schedule(self.core.now, packet, to, port);
    }

    /// Sends a packet on after `delay`.
    #[inline]
    pub fn forward_after(&mut self, packet: Handle, to: NodeId, port: Port, delay: Span) {
        self.core.recording.spoil();
        let at = self.core.now + delay;
        self.core.schedule(at, packet, to, port);
    }

    /// Sends a packet over a link.
    pub fn send(&mut self, packet: Handle, link: LinkId) {
        self.core.recording.spoil();
        self.core.send(self.node, packet, link);
    }

    /// Ends a packet as delivered to this node.
    #[inline]
    pub fn deliver(&mut self, packet: Handle) {
        self.core.recording.spoil();
        self.core.end(self.node, packet, Event::Deliver);
    }

    /// Ends a packet that this node brought into being or held back.
    pub fn discard(&mut self, packet: Handle, reason: DropReason, decision: Decision) {
        self.core.recording.spoil();
        self.core.end(self.node, packet, Event::Drop { reason, decision });
    }

    /// Whether it matters what the node says by [`Context::repeats`].
    #[inline]
    pub fn wants_repeat(&self) -> bool {
        self.core.recording.is_active()
    }

    /// Whether somebody looks on; what only an onlooker needs can be skipped otherwise.
    #[inline]
    pub fn is_observed(&self) -> bool {
        self.core.observer.is_some()
    }

    /// Notes that the packet passed a station.
    #[inline]
    pub fn pass(&mut self, packet: Handle, station: Station, decision: Decision) {
        if self.core.observer.is_some() {
            let event = Event::Pass { station, decision };
            self.show(packet, Sight::Pass(station, decision), event);
        }
    }

    /// Notes that the packet was rewritten, and had the key `before`.
    #[inline]
    pub fn rewritten(&mut self, packet: Handle, before: FlowKey) {
        if self.core.observer.is_some() {
            self.show_rewritten(packet, before);
        }
    }

    /// Notes that the packet goes by a capture point.
    #[inline]
    pub fn capture(&mut self, packet: Handle, point: CapturePoint, direction: Direction) {
        if self.core.observer.is_some() {
            let event = Event::Capture { point, direction };
            self.show(packet, Sight::Capture(point, direction), event);
        }
    }

    #[cold]
    fn show(&mut self, packet: Handle, sight: Sight, event: Event) {
        let core = &mut *self.core;
        core.recording.show(core.slab.packet(packet), sight);
        core.observe(self.node, packet, event);
    }

    #[cold]
    fn show_rewritten(&mut self, packet: Handle, before: FlowKey) {
        let core = &mut *self.core;
        core.recording.rewritten(core.slab.packet(packet), before);
        core.observe(self.node, packet, Event::Rewrite { before });
    }

    /// Says how later packets of the flow fare that the node is handling a packet of, so that they need not be handed to it.
    ///
    /// Everything that the node does to this packet by this context is done to them. What decided must be the flow key, the port, the
    /// frame, the mark, what the node never changes, and what `repeat` says; nothing else. A node that brings packets into being, sets
    /// timers or draws random numbers meanwhile is handed every packet whatever it says.
    ///
    /// What takes time to find out need not be found out unless [somebody wants to know](Context::wants_repeat).
    #[inline]
    pub fn repeats(&mut self, repeat: Repeat) {
        self.core.recording.repeat(repeat);
    }

    /// Says that the node has to be handed every packet that is like the one it is handling, so that what leads up to it can be repeated.
    ///
    /// Of a node that says neither this nor [`Context::repeats`] the next packet is tried anew from the beginning.
    #[inline]
    pub fn never_repeats(&mut self) {
        self.core.recording.end_here();
    }

    /// Leaves a footprint of this node on the packet that it is handling, before it changes it.
    ///
    /// False, with none left, if the packet runs in a circle: it came by the same port as the same flow before, or by any port for
    /// the ninth time. A packet that comes so later and would otherwise repeat is then handed to the node.
    pub fn leave_footprint(&mut self, packet: Handle, port: Port) -> bool {
        self.core.recording.footprint();
        self.core.slab.packet_mut(packet).leave_footprint(self.node, port)
    }

    /// Lets every other node read a number of this node: what its neighbours know of it without a packet.
    pub fn post_notice(&mut self, notice: u64) {
        self.core.recording.spoil();
        self.core.cache.clear();
        let place = self.node.0 as usize;
        if self.core.notices.len() <= place {
            self.core.notices.resize(place + 1, 0);
        }
        self.core.notices[place] = notice;
    }

    /// The number that a node lets others read; 0 before it posted any.
    pub fn notice_of(&self, node: NodeId) -> u64 {
        self.core.notice_of(node)
    }

    /// Calls [`Node::on_timer`](crate::Node::on_timer) of this node with `token` after `delay`.
    #[inline]
    pub fn set_timer(&mut self, delay: Span, token: u64) -> TimerId {
        self.core.recording.spoil();
        let id = self.core.timers.insert(self.node, token);
        let now = self.core.now;
        self.core
            .queue
            .push(now.as_ns(), delay.as_ns(), Pending::Timer(id.slot));
        id
    }

    /// Makes a timer that was set not fire; one that has fired is left alone.
    pub fn cancel_timer(&mut self, timer: TimerId) {
        self.core.recording.spoil();
        self.core.timers.cancel(timer);
    }
}
