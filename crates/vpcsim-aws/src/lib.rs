//! The AWS nouns of `vpcsim`: what a user declares, what AWS would refuse, and what runs.
//!
//! # Map, in reading order
//!
//! - [`devices`]: every noun, one file each, and the list that registers them; it makes the [`Topology`].
//! - [`model`]: ids, labels, findings. [`traffic`]: what a rule is about. [`topology`]: settings and expectations.
//! - [`completion`]: what AWS makes by itself and a design need not say.
//! - `validation`: what AWS would refuse of VPCs, subnets, interfaces, instances and routes; other nouns check themselves.
//! - [`address_set`], [`connection_tracking`], [`fragment_memory`]: what filters are made of.
//! - [`mod@compile`]: from declared to running, in two passes over the resources.
//! - [`graph`]: what uses what, and where routes lead in circles.
//! - [`station`], [`drop_reason`], [`mark`]: the engine's numbers, with AWS's names.
//! - [`mtu`]: what a path carries. [`public_address`]: which addresses the internet knows, and who has them.
//! - [`services`]: resolver, DHCP, time: what answers at link-local addresses.
//!
//! # Words
//!
//! *Egress* and *ingress* are seen from the network interface; for a network ACL from the subnet.
//!
//! # Invariants
//!
//! - Rule tables are compiled once into plain objects with a pure `lookup`: no packet, clock or state in them.
//! - A device keeps decision (pure) and state (tracking, translation) apart.
//! - Nothing here knows a file, a clock or a format; hosts are handed in from outside ([`compile::Slot`]).

pub mod address_set;
pub mod compile;
pub mod completion;
pub mod connection_tracking;
pub mod devices;
pub mod drop_reason;
#[cfg(test)]
mod fixtures;
pub mod fragment_memory;
pub mod graph;
pub mod mark;
pub mod model;
pub mod mtu;
pub mod public_address;
pub mod services;
pub mod station;
pub mod topology;
pub mod traffic;

mod validation;

#[cfg(test)]
mod gateway_paths;
#[cfg(test)]
mod stand;

pub use compile::{Compiled, compile};
pub use devices::{AnyId, Kind, Resource, Topology};
pub use model::{Finding, Findings, Id, Label, Origin, Severity, Table};
pub use topology::{Expectation, Settings, Unread};
pub use vpcsim_engine::Span;
pub use vpcsim_wire::{Mac, Protocol};
