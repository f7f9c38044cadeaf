//! The AWS nouns of `vpcsim`: what a user declares, what AWS would refuse, and what runs.
//!
//! # Map, in reading order
//!
//! - [`devices`]: every noun, one file each, and the list that registers them; it makes the [`Topology`].
//! - [`model`]: ids, labels, findings. [`traffic`]: what a rule is about. [`topology`]: settings and expectations.
//! - [`assertion`]: what a design is expected to let through. [`service_words`]: services as users write them.
//! - [`arrangement`]: the order of resources, and what follows from it for the ids that they hold.
//! - [`aws_service`]: the services of AWS itself, with their ports and addresses.
//! - [`completion`]: what AWS makes by itself and a design need not say.
//! - `validation`: what AWS would refuse of VPCs, subnets, interfaces, instances and routes; other nouns check themselves.
//! - [`appliance`]: what instances do with packets for others.
//! - [`address_set`], [`connection_tracking`], [`fragment_memory`]: what filters are made of.
//! - [`mod@compile`]: from declared to running, in two passes over the resources.
//! - [`graph`]: what uses what, and where routes lead in circles; `transit_circles`: those by transit gateways.
//! - [`station`], [`drop_reason`], [`mark`]: the engine's numbers, with AWS's names.
//! - [`mtu`]: what a path carries. [`rate_limit`]: how much of it at a time. [`latency`]: how long it takes. [`public_address`]: which addresses the internet knows, and who has them.
//! - [`sets`]: what devices do to sets of packets, from the same tables.
//! - [`services`]: resolver, DHCP, time: what answers at link-local addresses.
//!
//! # Words
//!
//! *Egress* and *ingress* are seen from the network interface; for a network ACL from the subnet.
//!
//! # Not modelled
//!
//! What a flow meets of another service or of another kind of gateway gets an *unknown* verdict, and an importer says so. The
//! gaps below are silent: within them a verdict can differ from AWS.
//!
//! - **Time and change.** A design does not change while it runs: no call creates, moves, attaches or deletes anything (PIPE-09,
//!   CIDR-05, CIDR-16, SUB-08, SUB-10, PIP-04, PIP-05, PIP-07 to PIP-09, PIP-12, ENI-03, ENI-15, ENI-17, IGW-17, NAT-04,
//!   NAT-37, NAT-38, SG-15, SG-19, CT-06 to CT-08, CT-18, NACL-17, NACL-18, PCX-02, PCX-03, PCX-23). Verdicts are those of
//!   the design as it stands, with rules that have long been in force.
//! - **What AWS makes for a person.** No default VPC comes into being (CIDR-20). Reservations inside a subnet (SUB-09) do not steer which
//!   address is chosen; declared addresses are not affected.
//! - **Shared VPCs**: what participants may do follows AWS's guide to VPC sharing; shared security groups and calls that only the
//!   owner may make are not told apart.
//! - **Quotas of an account and a region** (ENI-14, PCX-21, PCX-22) are not counted. No verdict depends on them.
//! - **Instances that forward** do what a design says of them. Of one that is described by AWS nobody knows; if a route leads to
//!   it and its source/destination check is off, it counts as a router without rules, and a note says so.
//! - **Bandwidth and packet rates**: an instance has an allowance only if the design says it: no figures of instance types, credits,
//!   weightings or halves towards the internet (ENI-10, NET-03, NET-05, NET-11), no limit of a single flow (NET-02, PCX-19, PCX-24,
//!   MTU-12); several interfaces have it once each. Gateways and endpoints have grown to their figures from the start (NAT-33, EP-15,
//!   TGW-35), peering and internet gateways have none (NET-10). Fragments cost what other packets do (MTU-10).
//! - **Tracked connections of an instance** are counted for each interface, not for all of them together (CT-15): an instance
//!   with several interfaces tracks more than on AWS before it drops.
//! - **Flows that are tracked for their far end** (CT-09, CT-20) beyond NAT gateways: an open flow to a load balancer or an
//!   endpoint does not count as tracked.
//! - **Other gateways**: virtual private gateways and what propagates routes (NAT-28,
//!   RT-29), route servers (RT-33), application, classic and gateway load balancers (NACL-21, NACL-22), route tables of virtual
//!   private gateways. Flows by them are unknown.
//! - **Transit gateways**: attachments of VPNs, Direct Connect gateways and Connect (TGW-36, TGW-37, TGW-40 to TGW-43) and network
//!   function attachments (TGW-58) are unknown; no tunnels by a gateway's address blocks (TGW-38), no flow
//!   logs and metrics (TGW-46 to TGW-48).
//! - **Network Load Balancers**: TLS passes through as TCP does: no keepalives of the load balancer's own (NLB-14), no second
//!   handshake (NLB-26), and a check over HTTPS is one over TCP (NLB-18). Of several target groups of a listener the first gets
//!   all (NLB-24), and application load balancers are no targets (NLB-22). The hash is not AWS's own, so a flow may get another
//!   target than there.
//! - **VPC endpoints**: a service of AWS is a host that accepts connections: no policy decides about requests (EP-08, EP-09,
//!   EP-41 to EP-48), nothing is said about UDP (EP-24), the zones in which a service exists are not known (EP-21), private names
//!   for resolver endpoints only (EP-20) and endpoints across regions (EP-23) are those of any other endpoint, and no
//!   quota is counted. Gateway load balancer endpoints (EP-36 to EP-40) and resource endpoints (EP-49) are unknown.
//! - **Block Public Access** stops what IPv4 internet gateways carry (BPA-04): there are no egress-only ones, no carrier gateways,
//!   and no `CloudFront` or Global Accelerator. Encryption controls (ENC-01, ENC-02) are not there.
//! - **Border groups and zone failures** (NAT-40, NAT-43): every zone works, every address fits every zone.
//! - **Interfaces of services** (ENI-13): their type decides nothing. What enters those of application, classic and gateway
//!   load balancers has an unknown verdict after the rules that a design gives them.
//! - **Managed hosts** do not fail over (RDS-02), and what AWS sends between them is not there (RDS-05).
//! - **Hosts**: a frame with a foreign source MAC address is let out (L2-06), no route of a host has an MTU of its own (MTU-11),
//!   the metadata service has no limit but the link-local one (IMDS-06), and advice about a network ACL's ephemeral ports
//!   (NACL-11) is about TCP. A path through an internet gateway is followed, which AWS's analysis does not do (IGW-21).
//!
//! # Invariants
//!
//! - Rule tables are compiled once into plain objects with a pure `lookup`: no packet, clock or state in them.
//! - A device keeps decision (pure) and state (tracking, translation) apart.
//! - Nothing here knows a file, a clock or a format; hosts are handed in from outside ([`compile::Slot`]).

pub mod address_set;
pub mod appliance;
pub mod arrangement;
pub mod assertion;
pub mod aws_service;
pub mod compile;
pub mod completion;
pub mod connection_tracking;
pub mod devices;
pub mod drop_reason;
#[cfg(test)]
mod fixtures;
pub mod fragment_memory;
pub mod graph;
mod ingress_routing;
pub mod latency;
pub mod mark;
pub mod model;
pub mod mtu;
pub mod public_address;
pub mod rate_limit;
pub mod service_words;
pub mod services;
pub mod sets;
pub mod station;
mod subnet_routers;
pub mod topology;
pub mod traffic;
mod transit_circles;

mod validation;

#[cfg(test)]
mod detour_paths;
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
