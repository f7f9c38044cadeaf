//! What happens to one flow, worked out from the AWS rules as plainly as possible.
//!
//! This is the other opinion: slow, without tables, caches, events or bytes, written from the numbered rules alone. It covers
//! the core of a VPC: security groups with tracking of one question and its answer, network ACLs, route tables, internet
//! gateways, NAT gateways, peering, the source/destination check, and direct delivery inside a subnet.
//!
//! - [`datagram`]: a packet as five numbers. [`filters`]: security groups and network ACLs. [`routes`]: where a packet goes next.
//! - [`walk`]: the way of a packet from its sender to where it ends.
//!
//! Outside the model: link-local services, sizes and fragments, limits, time, and what a closed UDP port answers.

pub mod datagram;
pub mod filters;
pub mod routes;
pub mod walk;

use std::net::Ipv4Addr;

use vpcsim_aws::devices::{Instance, NetworkInterface};
use vpcsim_aws::{AnyId, Id, Topology};
use vpcsim_engine::DropReason;
use vpcsim_wire::Protocol;

use datagram::Datagram;
use walk::{Arrival, Walk};

/// The source port, or echo identifier, of flows that do not say another.
pub const SOURCE_PORT: u16 = 40_000;

/// A question and its answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Flow {
    /// Who asks.
    pub source: Source,
    /// Whom: a private or a public address.
    pub destination: Ipv4Addr,
    /// TCP, UDP or ICMP (an echo).
    pub protocol: Protocol,
    /// The source port; for an echo its identifier.
    pub source_port: u16,
    /// The destination port; for an echo zero.
    pub destination_port: u16,
}

/// Who asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// A host, by one of its interfaces and with one of that interface's addresses.
    Interface(Id<NetworkInterface>, Ipv4Addr),
    /// Somebody on the internet with this address.
    Internet(Ipv4Addr),
}

/// Which of a flow's two ways.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// The question's.
    Forward,
    /// The answer's.
    Return,
}

/// Where a flow stops, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stop {
    /// On which way.
    pub way: Way,
    /// The reasons that the rules allow here, for they do not order all checks; none if they are silent.
    pub reasons: Vec<DropReason>,
    /// Who stops it, where the rules say it.
    pub component: Option<AnyId>,
}

/// What the rules say about a flow.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Prediction {
    /// Whether the answer gets back to who asked.
    pub round_trip: bool,
    /// What stops it, unless nothing does.
    pub stop: Option<Stop>,
}

impl Flow {
    /// A TCP connection from an interface's address.
    ///
    /// # Panics
    ///
    /// If a text is no address.
    pub fn tcp_from(interface: Id<NetworkInterface>, from: &str, to: &str, port: u16) -> Self {
        Self {
            source: Source::Interface(interface, crate::designs::address(from)),
            destination: crate::designs::address(to),
            protocol: Protocol::TCP,
            source_port: SOURCE_PORT,
            destination_port: port,
        }
    }

    /// A TCP connection from the internet.
    ///
    /// # Panics
    ///
    /// If a text is no address.
    pub fn tcp_from_internet(from: &str, to: &str, port: u16) -> Self {
        Self {
            source: Source::Internet(crate::designs::address(from)),
            destination: crate::designs::address(to),
            protocol: Protocol::TCP,
            source_port: SOURCE_PORT,
            destination_port: port,
        }
    }

    /// The same flow as another protocol; an echo has no destination port.
    #[must_use]
    pub const fn over(mut self, protocol: Protocol) -> Self {
        self.protocol = protocol;
        if protocol.0 == Protocol::ICMP.0 {
            self.destination_port = 0;
        }
        self
    }

    fn question(&self) -> Datagram {
        let source = match self.source {
            Source::Interface(_, address) | Source::Internet(address) => address,
        };
        Datagram {
            source,
            destination: self.destination,
            protocol: self.protocol,
            source_port: self.source_port,
            destination_port: if self.protocol == Protocol::ICMP {
                self.source_port
            } else {
                self.destination_port
            },
            answer: false,
        }
    }
}

/// What the rules say about `flow` in the design.
pub fn predict(topology: &Topology, flow: &Flow) -> Prediction {
    let mut walk = Walk::new(topology);
    let question = flow.question();
    let asked = match flow.source {
        Source::Interface(interface, _) => walk.send(interface, question),
        Source::Internet(_) => walk.over_the_internet(question),
    };
    let (arrival, received) = match asked {
        Ok(arrived) => arrived,
        Err(refusal) => return refusal.on(Way::Forward),
    };
    if !answers(flow.protocol) {
        return Prediction {
            round_trip: false,
            stop: None,
        };
    }
    let answer = received.reversed();
    let answered = match arrival {
        Arrival::Interface(interface) => walk.send(interface, answer),
        Arrival::Internet => walk.over_the_internet(answer),
    };
    match answered {
        Ok((arrival, answer)) if arrival == home(flow.source) && answer == question.reversed() => {
            Prediction {
                round_trip: true,
                stop: None,
            }
        }
        // An answer that went elsewhere, or that a translator has changed beyond recognition, is ignored by whoever gets it.
        Ok(_) => walk::Refusal::unspecified().on(Way::Return),
        Err(refusal) => refusal.on(Way::Return),
    }
}

const fn home(source: Source) -> Arrival {
    match source {
        Source::Interface(interface, _) => Arrival::Interface(interface),
        Source::Internet(_) => Arrival::Internet,
    }
}

fn answers(protocol: Protocol) -> bool {
    [Protocol::TCP, Protocol::UDP, Protocol::ICMP].contains(&protocol)
}

/// The interfaces of an instance, by device index.
pub fn interfaces_of(topology: &Topology, instance: Id<Instance>) -> Vec<Id<NetworkInterface>> {
    use vpcsim_aws::devices::network_interface::Attachment;
    let mut found: Vec<(u16, Id<NetworkInterface>)> = Vec::new();
    for (id, interface) in topology.network_interfaces.iter() {
        if let Attachment::Instance {
            instance: of,
            device_index,
        } = interface.attachment
            && of == instance
        {
            found.push((device_index, id));
        }
    }
    found.sort_unstable();
    found.into_iter().map(|(_, id)| id).collect()
}

#[cfg(test)]
mod tests;
