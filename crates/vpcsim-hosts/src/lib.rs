//! What sends and answers: hosts with a real TCP stack (smoltcp), their applications, probes, and scripted senders.
//!
//! Modules in reading order:
//!
//! - [`config`]: what a host is given. [`probe`]: what it is told to do, and what it observed.
//! - [`host`]: a host with interfaces, as a node of the engine. [`routing`]: which interface a packet leaves by.
//! - [`path_mtu`]: what a host learned of its paths, and cutting segments to fit.
//! - [`internet`]: all hosts of the internet as one node. [`metadata`]: the instance metadata service.
//! - [`forwarding`]: what a host does with packets for others.
//! - [`traffic`]: senders and receivers for loads. [`drops`]: why a host drops a packet.
//! - Inside: `endpoint` (IPv4 without frames), `stack` (one TCP connection), `applications`, `neighbours` (ARP).
//!
//! # Invariants
//!
//! - A host costs nothing but its configuration until the first packet or command.
//! - Nothing is random but initial sequence numbers and tokens, and a seed decides those.
//! - A host answers ARP only for its own addresses, and forwards nothing unless it is told to.
//! - What a host cannot send comes into being and is dropped with a reason; nothing vanishes inside it, but for what a
//!   TCP socket ignores and for fragments whose rest never comes.
//!
//! # Example
//!
//! ```
//! use std::net::Ipv4Addr;
//! use vpcsim_engine::{Network, NodeId, Port, Span, Time};
//! use vpcsim_hosts::{Framing, HostConfig, HostNode, InterfaceConfig, Listener, Observed, Probe};
//! use vpcsim_wire::{Mac, Protocol};
//!
//! let host = |last_octet: u8, other: u32| {
//!     let interface = InterfaceConfig {
//!         mac: Mac([2, 0, 0, 0, 0, last_octet]),
//!         addresses: vec![Ipv4Addr::new(10, 0, 0, last_octet)],
//!         prefix_len: 24,
//!         gateway: Ipv4Addr::new(10, 0, 0, 1),
//!         mtu: 9001,
//!         node: NodeId(other),
//!         port: Port(0),
//!         framing: Framing::Raw,
//!     };
//!     let listeners = vec![Listener::on(Protocol::TCP, 443)];
//!     HostNode::new(HostConfig { listeners, ..HostConfig::new(vec![interface]) })
//! };
//! let mut network = Network::new(vec![Box::new(host(5, 1)), Box::new(host(6, 0))], Vec::new(), 0);
//! let probe = Probe::tcp(Ipv4Addr::new(10, 0, 0, 6), 443);
//! let id = network.act(NodeId(0), |host: &mut HostNode, context| host.start_probe(context, &probe)).unwrap();
//! network.run_until(Time::ZERO + Span::from_secs(1));
//! let outcome = network.node::<HostNode>(NodeId(0)).unwrap().outcome(id).unwrap();
//! assert_eq!(outcome.observed, Observed::Open);
//! ```

pub mod config;
pub mod drops;
pub mod forwarding;
pub mod host;
pub mod internet;
pub mod metadata;
pub mod path_mtu;
pub mod probe;
pub mod routing;
pub mod traffic;

mod alarm;
mod applications;
mod endpoint;
mod endpoint_set;
mod neighbours;
mod outbox;
mod stack;

#[cfg(test)]
mod behaviour;
#[cfg(test)]
mod test_wire;

pub use config::{Framing, HostConfig, HostRouting, InterfaceConfig, Listener};
pub use forwarding::{FirewallRule, ForwardingConfig, ForwardingNumbers, Prefix};
pub use host::HostNode;
pub use internet::{InternetHostConfig, InternetNode, InternetProfile, InternetRange};
pub use metadata::{MetadataConfig, MetadataNode};
pub use probe::{Exchange, IcmpError, Observed, Outcome, Probe, ProbeId, ProbeKind, ProbeState};
pub use traffic::{Sink, TrafficConfig, TrafficSource};
