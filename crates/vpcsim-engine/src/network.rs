//! The network: nodes, links, the packets between them, and the loop that moves them in the order of time.
//!
//! A packet runs through nodes without delay inside one event; only a link, a stated delay or a timer makes a new event.

use std::any::Any;

use crate::context::{Context, Core, Pending};
use crate::flow_cache::FlowCacheCounters;
use crate::id::{Handle, NodeId, PacketId, Port};
use crate::later::Later;
use crate::link::Link;
use crate::nodes::Nodes;
use crate::observer::Observer;
use crate::time::Time;
use crate::verdict::Step;

/// A device: gets packets and says where they go.
pub trait Node: Any + Send {
    /// Handles a packet that entered by `port`.
    fn process(&mut self, context: &mut Context<'_>, port: Port, packet: Handle) -> Step;

    /// Handles a timer that this node set, with the token it gave.
    fn on_timer(&mut self, _context: &mut Context<'_>, _token: u64) {}

    /// Whether the node ever says how later packets of a flow fare ([`Context::repeats`]).
    fn repeats(&self) -> bool {
        false
    }

    /// Moves the node's own state on for a packet that it would handle as it handled another one of the flow, for which it said that
    /// others fare alike [while it proceeds](crate::Repeat::while_proceeding) with the token of `later`.
    ///
    /// False, with nothing changed that [`Node::process`] would not change too, if the packet has to be handed to it.
    fn proceed(&mut self, _later: Later<'_, '_>) -> bool {
        false
    }
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

/// Nodes, links, and the packets between them.
pub struct Network {
    pub(crate) nodes: Nodes,
    /// Whether packets repeat what others of their flow did.
    pub(crate) uses_flow_cache: bool,
    pub(crate) core: Core,
}

impl Network {
    /// A network of these nodes and links; the seed decides every random number in it.
    pub fn new(nodes: Vec<Box<dyn Node>>, links: Vec<Link>, seed: u64) -> Self {
        Self::of(Nodes::all(nodes), Core::new(links, seed))
    }

    const fn of(nodes: Nodes, core: Core) -> Self {
        Self {
            nodes,
            uses_flow_cache: true,
            core,
        }
    }

    /// Lets every packet walk: nothing changes but the time that it takes.
    #[must_use]
    pub fn without_flow_cache(mut self) -> Self {
        self.uses_flow_cache = false;
        self
    }

    /// Whether packets may repeat what others of their flow did.
    pub const fn uses_flow_cache(&self) -> bool {
        self.uses_flow_cache
    }

    /// The nodes whose work the flow cache has repeated or could have, in ascending order.
    pub fn repeated_nodes(&self) -> impl Iterator<Item = NodeId> {
        self.core.cache.nodes.iter().copied()
    }

    /// How often the flow cache was of use.
    pub fn flow_cache_counters(&self) -> FlowCacheCounters {
        self.core.cache.counters
    }

    /// A network of so many nodes without links, each made by `make` when something first reaches it.
    ///
    /// What `make` makes may depend on nothing but the node's number: then it is the same network as one whose nodes all stand ready.
    pub fn lazy(
        node_count: usize,
        seed: u64,
        make: impl FnMut(NodeId) -> Box<dyn Node> + Send + 'static,
    ) -> Self {
        Self::of(
            Nodes::lazy(node_count, Box::new(make)),
            Core::new(Vec::new(), seed),
        )
    }

    /// Takes a lazy network back to its first state; costs no more than what was reached since then.
    ///
    /// The onlooker goes; packets under way are gone without a word.
    pub fn renew(&mut self, seed: u64) {
        self.nodes.unmake();
        self.core = Core::new(Vec::new(), seed);
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
        self.core.cache.clear();
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

    /// A node, if it is an `N`; in a lazy network only one that something has reached.
    pub fn node<N: Node>(&self, node: NodeId) -> Option<&N> {
        let device: &dyn Any = self.nodes.get(node)?;
        device.downcast_ref()
    }

    /// Lets a caller act as the node, if it is an `N`: give a host something to send, say.
    pub fn act<N: Node, R>(
        &mut self,
        node: NodeId,
        act: impl FnOnce(&mut N, &mut Context<'_>) -> R,
    ) -> Option<R> {
        let device: &mut dyn Any = self.nodes.get_mut(node)?;
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
        while let Some((time_ns, pending)) = self.core.queue.pop_before(until.as_ns()) {
            self.handle(Time::from_ns(time_ns), pending);
        }
        self.core.now = self.core.now.max(until);
    }

    /// Handles the next moment's event, if there is one at or before `until`; says whether there was.
    pub fn step_until(&mut self, until: Time) -> bool {
        self.run_ready();
        let Some((time_ns, pending)) = self.core.queue.pop_before(until.as_ns()) else {
            self.core.now = self.core.now.max(until);
            return false;
        };
        self.handle(Time::from_ns(time_ns), pending);
        true
    }

    #[inline(always)]
    #[expect(
        clippy::inline_always,
        reason = "it is called once for each event, from one loop"
    )]
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
                    if let Some(device) = self.nodes.get_mut(node) {
                        device.on_timer(&mut context, token);
                    }
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
}
