//! The network: nodes, links, the packets between them, and the loop that moves them in the order of time.
//!
//! A packet runs through nodes without delay inside one event; only a link, a stated delay or a timer makes a new event.

use std::any::Any;
use std::collections::VecDeque;

use vpcsim_wire::FlowKey;

use crate::id::{CapturePoint, Handle, LinkId, NodeId, PacketId, Port, TimerId};
use crate::link::{Link, Passage};
use crate::observer::{Direction, Event, Observation, Observer};
use crate::packet::{FrameHeader, Packet, Slab};
use crate::queue::TimingWheel;
use crate::random::Random;
use crate::time::{Span, Time};
use crate::verdict::{Decision, DropReason, Station, Step};

/// After this many nodes a packet is taken to run in a circle.
const HOP_COUNT_MAX: u16 = 255;

/// A device: gets packets and says where they go.
pub trait Node: Any + Send {
    /// Handles a packet that entered by `port`.
    fn process(&mut self, context: &mut Context<'_>, port: Port, packet: Handle) -> Step;

    /// Handles a timer that this node set, with the token it gave.
    fn on_timer(&mut self, _context: &mut Context<'_>, _token: u64) {}
}

/// How many packets there were and what became of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Packets that came into being.
    pub emitted: u64,
    /// Packets that reached the one they are for.
    pub delivered: u64,
    /// Packets that ended before, each with a reason.
    pub dropped: u64,
    /// Packets still under way.
    pub in_flight: u64,
    /// Visits of packets to nodes.
    pub hops: u64,
    /// Events taken from the queue.
    pub events: u64,
}

impl Counters {
    /// Whether every packet is accounted for.
    pub const fn balance(&self) -> bool {
        self.emitted == self.delivered + self.dropped + self.in_flight
    }
}

#[derive(Clone, Copy, Debug)]
enum Pending {
    Arrival(Handle),
    Timer(u32),
}

#[derive(Clone, Copy, Debug)]
struct Timer {
    node: NodeId,
    token: u64,
    generation: u32,
    cancelled: bool,
}

#[derive(Debug, Default)]
struct Timers {
    slots: Vec<Timer>,
    free: Vec<u32>,
}

impl Timers {
    fn insert(&mut self, node: NodeId, token: u64) -> TimerId {
        if let Some(slot) = self.free.pop() {
            let timer = &mut self.slots[slot as usize];
            *timer = Timer {
                node,
                token,
                generation: timer.generation.wrapping_add(1),
                cancelled: false,
            };
            return TimerId {
                slot,
                generation: timer.generation,
            };
        }
        self.slots.push(Timer {
            node,
            token,
            generation: 0,
            cancelled: false,
        });
        TimerId {
            slot: self.slots.len() as u32 - 1,
            generation: 0,
        }
    }

    fn cancel(&mut self, id: TimerId) {
        let timer = &mut self.slots[id.slot as usize];
        if timer.generation == id.generation {
            timer.cancelled = true;
        }
    }

    fn take(&mut self, slot: u32) -> Option<(NodeId, u64)> {
        self.free.push(slot);
        let timer = &mut self.slots[slot as usize];
        let due = (!timer.cancelled).then_some((timer.node, timer.token));
        timer.cancelled = true;
        due
    }
}

struct Core {
    now: Time,
    wheel: TimingWheel<Pending>,
    ready: VecDeque<Handle>,
    slab: Slab,
    timers: Timers,
    links: Vec<Link>,
    randoms: Vec<Random>,
    counters: Counters,
    notices: Vec<u64>,
    observer: Option<Box<dyn Observer>>,
}

impl Core {
    fn notice_of(&self, node: NodeId) -> u64 {
        self.notices.get(node.0 as usize).copied().unwrap_or(0)
    }

    fn observe(&mut self, node: NodeId, packet: Handle, event: Event) {
        if let Some(observer) = &mut self.observer {
            observer.observe(&Observation {
                time: self.now,
                node,
                packet: self.slab.packet(packet),
                event,
            });
        }
    }

    fn end(&mut self, node: NodeId, packet: Handle, event: Event) {
        match event {
            Event::Deliver => self.counters.delivered += 1,
            _ => self.counters.dropped += 1,
        }
        self.observe(node, packet, event);
        self.slab.remove(packet);
    }

    fn schedule(&mut self, at: Time, packet: Handle, to: NodeId, port: Port) {
        self.slab.packet_mut(packet).next = (to, port);
        if at <= self.now {
            self.ready.push_back(packet);
        } else {
            self.wheel.push(at.as_ns(), Pending::Arrival(packet));
        }
    }

    fn send(&mut self, from: NodeId, packet: Handle, link: LinkId) {
        let byte_count = self.slab.packet(packet).bytes().len() + 14;
        let line = &mut self.links[link.0 as usize];
        match line.carry(self.now, byte_count, &mut self.randoms[from.0 as usize]) {
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
    core: &'a mut Core,
    node: NodeId,
}

impl Context<'_> {
    /// The present moment.
    pub fn now(&self) -> Time {
        self.core.now
    }

    /// The node that this is about.
    pub fn node(&self) -> NodeId {
        self.node
    }

    /// The node's own random numbers.
    pub fn random(&mut self) -> &mut Random {
        &mut self.core.randoms[self.node.0 as usize]
    }

    /// A packet that is in the network.
    pub fn packet(&self, packet: Handle) -> &Packet {
        self.core.slab.packet(packet)
    }

    /// A packet that is in the network, to change it.
    pub fn packet_mut(&mut self, packet: Handle) -> &mut Packet {
        self.core.slab.packet_mut(packet)
    }

    /// Brings a new packet into being: an IPv4 packet or what else the frame's type says.
    ///
    /// The node then has to send it on with one of the methods below.
    pub fn emit(&mut self, frame: FrameHeader, bytes: &[u8]) -> Handle {
        let packet = self.core.slab.insert(frame, bytes, (self.node, Port(0)));
        self.core.counters.emitted += 1;
        self.core.observe(self.node, packet, Event::Emit);
        packet
    }

    /// Sends a packet on at the present moment, after what is being handled now.
    pub fn forward(&mut self, packet: Handle, to: NodeId, port: Port) {
        self.core.schedule(self.core.now, packet, to, port);
    }

    /// Sends a packet on after `delay`.
    pub fn forward_after(&mut self, packet: Handle, to: NodeId, port: Port, delay: Span) {
        let at = self.core.now + delay;
        self.core.schedule(at, packet, to, port);
    }

    /// Sends a packet over a link.
    pub fn send(&mut self, packet: Handle, link: LinkId) {
        self.core.send(self.node, packet, link);
    }

    /// Ends a packet as delivered to this node.
    pub fn deliver(&mut self, packet: Handle) {
        self.core.end(self.node, packet, Event::Deliver);
    }

    /// Ends a packet that this node brought into being or held back.
    pub fn discard(&mut self, packet: Handle, reason: DropReason, decision: Decision) {
        self.core.end(self.node, packet, Event::Drop { reason, decision });
    }

    /// Whether somebody looks on; what only an onlooker needs can be skipped otherwise.
    pub fn is_observed(&self) -> bool {
        self.core.observer.is_some()
    }

    /// Notes that the packet passed a station.
    pub fn pass(&mut self, packet: Handle, station: Station, decision: Decision) {
        self.core
            .observe(self.node, packet, Event::Pass { station, decision });
    }

    /// Notes that the packet was rewritten, and had the key `before`.
    pub fn rewritten(&mut self, packet: Handle, before: FlowKey) {
        self.core.observe(self.node, packet, Event::Rewrite { before });
    }

    /// Notes that the packet goes by a capture point.
    pub fn capture(&mut self, packet: Handle, point: CapturePoint, direction: Direction) {
        self.core
            .observe(self.node, packet, Event::Capture { point, direction });
    }

    /// Lets every other node read a number of this node: what its neighbours know of it without a packet.
    pub fn post_notice(&mut self, notice: u64) {
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

    /// Calls [`Node::on_timer`] of this node with `token` after `delay`.
    pub fn set_timer(&mut self, delay: Span, token: u64) -> TimerId {
        let id = self.core.timers.insert(self.node, token);
        self.core
            .wheel
            .push((self.core.now + delay).as_ns(), Pending::Timer(id.slot));
        id
    }

    /// Makes a timer that was set not fire; one that has fired is left alone.
    pub fn cancel_timer(&mut self, timer: TimerId) {
        self.core.timers.cancel(timer);
    }
}

/// Nodes, links, and the packets between them.
pub struct Network {
    nodes: Vec<Box<dyn Node>>,
    core: Core,
}

impl Network {
    /// A network of these nodes and links; the seed decides every random number in it.
    pub fn new(nodes: Vec<Box<dyn Node>>, links: Vec<Link>, seed: u64) -> Self {
        let randoms = (0..nodes.len() as u64)
            .map(|stream| Random::new(seed, stream))
            .collect();
        let core = Core {
            now: Time::ZERO,
            wheel: TimingWheel::new(),
            ready: VecDeque::new(),
            slab: Slab::default(),
            timers: Timers::default(),
            links,
            randoms,
            counters: Counters::default(),
            notices: Vec::new(),
            observer: None,
        };
        Self { nodes, core }
    }

    /// The present moment.
    pub fn now(&self) -> Time {
        self.core.now
    }

    /// How many nodes there are.
    pub fn node_count(&self) -> usize {
        self.nodes.len()
    }

    /// What became of all packets so far.
    pub fn counters(&self) -> Counters {
        Counters {
            in_flight: self.core.slab.live_count(),
            ..self.core.counters
        }
    }

    /// The packet ids given out so far end before this one.
    pub fn next_packet_id(&self) -> PacketId {
        PacketId(self.core.counters.emitted)
    }

    /// Lets somebody look on from now, or nobody; gives back who did before.
    pub fn observe_with(&mut self, observer: Option<Box<dyn Observer>>) -> Option<Box<dyn Observer>> {
        std::mem::replace(&mut self.core.observer, observer)
    }

    /// The onlooker, if it is an `O`.
    pub fn observer_mut<O: Observer>(&mut self) -> Option<&mut O> {
        let observer: &mut dyn Any = self.core.observer.as_deref_mut()?;
        observer.downcast_mut()
    }

    /// The number that a node lets others read ([`Context::post_notice`]).
    pub fn notice_of(&self, node: NodeId) -> u64 {
        self.core.notice_of(node)
    }

    /// A node, if it is an `N`.
    pub fn node<N: Node>(&self, node: NodeId) -> Option<&N> {
        let device: &dyn Any = self.nodes.get(node.0 as usize)?.as_ref();
        device.downcast_ref()
    }

    /// Lets a caller act as the node, if it is an `N`: give a host something to send, say.
    pub fn act<N: Node, R>(
        &mut self,
        node: NodeId,
        act: impl FnOnce(&mut N, &mut Context<'_>) -> R,
    ) -> Option<R> {
        let device: &mut dyn Any = self.nodes.get_mut(node.0 as usize)?.as_mut();
        let device: &mut N = device.downcast_mut()?;
        Some(act(
            device,
            &mut Context {
                core: &mut self.core,
                node,
            },
        ))
    }

    /// Runs until nothing is left to do at or before `until`, and sets the present to `until`.
    pub fn run_until(&mut self, until: Time) {
        self.run_ready();
        while let Some((time_ns, pending)) = self.core.wheel.pop_before(until.as_ns()) {
            self.handle(Time::from_ns(time_ns), pending);
        }
        self.core.now = self.core.now.max(until);
    }

    /// Handles the next moment's event, if there is one at or before `until`; says whether there was.
    pub fn step_until(&mut self, until: Time) -> bool {
        self.run_ready();
        let Some((time_ns, pending)) = self.core.wheel.pop_before(until.as_ns()) else {
            self.core.now = self.core.now.max(until);
            return false;
        };
        self.handle(Time::from_ns(time_ns), pending);
        true
    }

    fn handle(&mut self, time: Time, pending: Pending) {
        self.core.now = self.core.now.max(time);
        self.core.counters.events += 1;
        match pending {
            Pending::Arrival(packet) => self.run_packet(packet),
            Pending::Timer(slot) => {
                if let Some((node, token)) = self.core.timers.take(slot) {
                    let mut context = Context {
                        core: &mut self.core,
                        node,
                    };
                    self.nodes[node.0 as usize].on_timer(&mut context, token);
                }
            }
        }
        self.run_ready();
    }

    fn run_ready(&mut self) {
        while let Some(packet) = self.core.ready.pop_front() {
            self.run_packet(packet);
        }
    }

    /// Takes one packet through nodes until it ends or has to wait.
    fn run_packet(&mut self, packet: Handle) {
        let (mut node, mut port) = self.core.slab.packet(packet).next;
        loop {
            self.core.counters.hops += 1;
            if self.core.slab.packet_mut(packet).count_hop() > HOP_COUNT_MAX {
                let (reason, decision) = (DropReason::FORWARDING_LOOP, Decision::NONE);
                return self.core.end(node, packet, Event::Drop { reason, decision });
            }
            let Some(device) = self.nodes.get_mut(node.0 as usize) else {
                let (reason, decision) = (DropReason::MALFORMED, Decision::NONE);
                return self.core.end(node, packet, Event::Drop { reason, decision });
            };
            match device.process(
                &mut Context {
                    core: &mut self.core,
                    node,
                },
                port,
                packet,
            ) {
                Step::Forward { to, port: next } => (node, port) = (to, next),
                Step::ForwardAfter { to, port, delay } => {
                    let at = self.core.now + delay;
                    return self.core.schedule(at, packet, to, port);
                }
                Step::Send { link } => return self.core.send(node, packet, link),
                Step::Deliver => return self.core.end(node, packet, Event::Deliver),
                Step::Drop { reason, decision } => {
                    return self.core.end(node, packet, Event::Drop { reason, decision });
                }
            }
        }
    }
}
