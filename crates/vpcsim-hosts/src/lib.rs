//! What sends and answers: hosts with a smoltcp TCP stack, their applications, probes, and scripted senders.
pub mod config;
pub mod drops;
pub mod host;
pub mod path_mtu;
pub mod probe;
pub mod routing;

mod alarm;
mod applications;
mod endpoint;
mod metadata;
mod neighbours;
mod outbox;
mod stack;

#[cfg(test)]
mod behaviour;
#[cfg(test)]
mod test_wire;

pub use config::{Framing, HostConfig, HostRouting, InterfaceConfig, Listener};
pub use host::HostNode;
pub use probe::{Exchange, IcmpError, Observed, Outcome, Probe, ProbeId, ProbeKind, ProbeState};
