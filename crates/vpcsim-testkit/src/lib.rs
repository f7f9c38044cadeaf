//! For tests only: packets and designs in a few lines, a slow reference model of a VPC, random designs, printers.
//!
//! # Map, in reading order
//!
//! - [`packets`]: a packet from a line of text. [`designs`]: a topology from a few calls.
//! - [`mod@reference`]: what happens to a flow, worked out from the AWS rules alone and as plainly as possible.
//! - [`random_design`], [`random_flows`]: seeded designs that AWS would accept, and flows to ask about. [`shrink`]: smaller designs of a large one.
//! - [`chatter`]: hosts that say the same things again and again, and odd things in between. [`alike`]: whether two networks look the same.
//! - [`mod@print`]: a trail as text, for assertions that fail.
//!
//! # Invariants
//!
//! - The reference model shares no code with the devices: only what a design declares, ids, and reasons by name.
//! - Equal seeds give equal designs and equal flows.
//!
//! # Example
//!
//! ```
//! use vpcsim_testkit::designs::Sketch;
//! use vpcsim_testkit::reference::{Flow, predict};
//!
//! let mut sketch = Sketch::new("two hosts");
//! let vpc = sketch.vpc("net", &["10.0.0.0/16"]);
//! let subnet = sketch.subnet(vpc, "only", "10.0.1.0/24", None, None);
//! let group = sketch.open_group(vpc, "open");
//! let asker = sketch.host("asker", subnet, "10.0.1.5", &[group]);
//! sketch.host("server", subnet, "10.0.1.6", &[group]);
//! let flow = Flow::tcp_from(asker, "10.0.1.5", "10.0.1.6", 443);
//! assert!(predict(&sketch.topology, &flow).round_trip);
//! ```

pub mod alike;
pub mod chatter;
pub mod designs;
pub mod estate;
pub mod packets;
pub mod print;
pub mod random_design;
pub mod random_flows;
pub mod reference;
pub mod shrink;

pub use packets::packet;
