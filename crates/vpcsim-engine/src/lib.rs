//! The sans-IO discrete-event core of `vpcsim`: time, queue, packets, nodes, verdicts, trace.
//!
//! # Map, in reading order
//!
//! - [`time`]: integer nanoseconds. [`id`]: dense ids.
//! - [`packet`]: bytes with the facts parsed from them once; a slab of recycled buffers.
//! - [`verdict`]: what a [`Node`] says about a packet: a [`Step`], with a [`Decision`] and, for the end, a [`DropReason`].
//! - [`network`]: the nodes, and the loop that moves packets through them in the order of time. [`context`]: what a node sees of it.
//! - [`flow_cache`]: what the packets of a flow do between two waits is worked out once.
//! - [`observer`]: what an onlooker sees. [`link`]: latency, bandwidth, loss.
//! - [`event_queue`]: what happens next; [`queue`]: the timing wheel behind it. [`flow_table`]: per-flow state. [`random`]: a seeded stream per node.
//!
//! # Invariants
//!
//! - No AWS word: stations, drop reasons and components are numbers that the builder of the network names.
//! - No clock, file, environment or thread: time is simulated, randomness is seeded.
//! - Equal nodes, links, seed and commands give equal events in equal order.
//! - Every packet that came into being was delivered, was dropped with a reason, or is in flight ([`Counters::balance`]).
//! - Nothing on a packet's way allocates once buffers have grown; a buffer is reused when its packet ends.
//!
//! # Example
//!
//! ```
//! use vpcsim_engine::{Context, FrameHeader, Handle, Network, Node, NodeId, Port, Span, Step, Time};
//! use vpcsim_wire::{Mac, build::PacketBuilder};
//!
//! struct Wire;
//! impl Node for Wire {
//!     fn process(&mut self, _: &mut Context<'_>, _: Port, _: Handle) -> Step {
//!         Step::ForwardAfter { to: NodeId(1), port: Port(0), delay: Span::from_ms(1) }
//!     }
//! }
//! struct End;
//! impl Node for End {
//!     fn process(&mut self, _: &mut Context<'_>, _: Port, _: Handle) -> Step {
//!         Step::Deliver
//!     }
//! }
//!
//! let mut network = Network::new(vec![Box::new(Wire), Box::new(End)], Vec::new(), 0);
//! let bytes = PacketBuilder::udp([10, 0, 0, 1].into(), 1000, [10, 0, 0, 2].into(), 53).build();
//! network.act(NodeId(0), |_: &mut Wire, context| {
//!     let packet = context.emit(FrameHeader::ipv4(Mac([2; 6]), Mac([4; 6])), &bytes);
//!     context.forward(packet, NodeId(0), Port(0));
//! });
//! network.run_until(Time::from_ns(999_999));
//! assert_eq!(network.counters().in_flight, 1);
//! network.run_until(Time::from_ns(1_000_000));
//! assert_eq!(network.counters().delivered, 1);
//! assert!(network.counters().balance());
//! ```

pub use vpcsim_wire as wire;

pub mod context;
pub mod event_queue;
pub mod flow_cache;
mod flow_path;
pub mod flow_table;
mod footprints;
pub mod id;
pub mod later;
pub mod link;
pub mod network;
mod newcomers;
mod nodes;
pub mod observer;
pub mod packet;
pub mod queue;
pub mod random;
mod recording;
mod replay;
mod run;
pub mod time;
mod timers;
pub mod verdict;

pub use context::Context;
pub use event_queue::EventQueue;
pub use flow_cache::{FlowCacheCounters, Repeat};
pub use flow_table::{FlowTable, TableKey};
pub use id::{CapturePoint, Handle, LinkId, NodeId, PacketId, Port, TimerId};
pub use later::{Hint, Later};
pub use link::Link;
pub use network::{Counters, Network, Node};
pub use observer::{Direction, Event, Observation, Observer};
pub use packet::{FrameHeader, Packet};
pub use queue::TimingWheel;
pub use random::Random;
pub use time::{Span, Time};
pub use verdict::{ComponentId, Decision, DropReason, Station, Step};
