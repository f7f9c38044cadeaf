//! Bytes and headers of IPv4 networks: reading, building, and rewriting packets with incremental checksums.
//!
//! Modules in reading order:
//!
//! - [`malformed`]: the one error, why bytes are not what they claim to be.
//! - [`mac`], [`ethernet`], [`arp`]: the link layer.
//! - [`checksum`]: the internet checksum, in full and incrementally (RFC 1624).
//! - [`flow`]: the five-tuple packed into one integer.
//! - [`ipv4`], [`tcp`], [`udp`], [`icmp`]: checked views of headers.
//! - [`summary`]: the one parse that a packet gets when it is sent; everything later reads the summary.
//! - [`rewrite`]: what translators do to a packet in place.
//! - [`mod@fragment`]: cutting datagrams and putting them together again.
//! - [`build`], [`icmp_error`], [`tcp_reset`]: new packets, from scratch or in answer to another.
//! - [`proxy_protocol`]: the header by which a proxy tells a server who its client is.
//! - [`mod@describe`]: one line of words for one packet.
//!
//! # Invariants
//!
//! - No byte string makes a function of this crate panic. Views check lengths once, so that their accessors cannot fail.
//! - Every rewrite leaves checksums as right, or as wrong, as it found them. It never repairs a corrupted packet.
//! - Nothing here reads a clock, draws a random number or keeps a global. The [`Reassembler`] is handed the time.
//! - IPv6 is absent on purpose, and addresses are [`std::net::Ipv4Addr`].
//!
//! # Example
//!
//! A source address translation, as a NAT gateway does it:
//!
//! ```
//! use std::net::Ipv4Addr;
//! use vpcsim_wire::{PacketBuilder, describe, rewrite, summarize, tcp};
//!
//! let host = Ipv4Addr::new(10, 0, 1, 5);
//! let server = Ipv4Addr::new(10, 0, 2, 7);
//! let mut packet = PacketBuilder::tcp(host, 40_000, server, 443).flags(tcp::SYN).build();
//! let mut summary = summarize(&packet)?;
//! assert_eq!(summary.key.to_string(), "10.0.1.5:40000 > 10.0.2.7:443 tcp");
//!
//! rewrite::set_source(&mut packet, &mut summary, Ipv4Addr::new(203, 0, 113, 9), Some(1024));
//! assert_eq!(summary, summarize(&packet)?);
//! assert_eq!(describe(&packet), "203.0.113.9:1024 > 10.0.2.7:443 TCP [SYN] seq=0 len=0 ttl=64");
//! # Ok::<(), vpcsim_wire::Malformed>(())
//! ```

pub mod arp;
pub mod build;
pub mod checksum;
pub mod describe;
pub mod ethernet;
pub mod flow;
pub mod flow_hash;
pub mod fragment;
pub mod icmp;
pub mod icmp_error;
pub mod ipv4;
pub mod mac;
pub mod malformed;
pub mod proxy_protocol;
pub mod rewrite;
pub mod summary;
pub mod tcp;
pub mod tcp_reset;
pub mod udp;

mod field;
#[cfg(test)]
mod samples;

pub use arp::Arp;
pub use build::PacketBuilder;
pub use describe::describe;
pub use ethernet::{EtherType, Frame};
pub use flow::{FlowKey, Protocol};
pub use flow_hash::FlowHash;
pub use fragment::{FragmentError, Reassembler, fragment};
pub use mac::Mac;
pub use malformed::Malformed;
pub use rewrite::EmbeddedChange;
pub use summary::{Summary, summarize, summarize_embedded};
