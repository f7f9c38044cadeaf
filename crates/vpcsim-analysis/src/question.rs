//! A flow query made precise: which node sends what to which address.

use std::net::Ipv4Addr;

use vpcsim_aws::devices::Instance;
use vpcsim_aws::{AnyId, Id};
use vpcsim_engine::wire::build::PacketBuilder;
use vpcsim_engine::wire::{FlowKey, Protocol, icmp};
use vpcsim_engine::{Context, Network, NodeId, Time};
use vpcsim_hosts::{Exchange, HostNode, InternetNode, Outcome, Probe, ProbeId, ProbeKind};

use crate::answer::FlowQuery;
use crate::endpoint::{self, QuestionError, Source};
use crate::simulation::{Simulation, TIMEOUT};

const DNS_PORT: u16 = 53;
const NTP_PORT: u16 = 123;
/// A query for the address of `example.com`, with recursion desired (RFC 1035).
const DNS_QUERY: &[u8] =
    b"\x00\x01\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00\x07example\x03com\x00\x00\x01\x00\x01";
/// A client's request of version 4 (RFC 5905).
const NTP_REQUEST: [u8; 48] = {
    let mut request = [0; 48];
    request[0] = 0x23;
    request
};

/// A question about one flow.
#[derive(Clone, Debug)]
pub(crate) struct Question {
    pub(crate) source: Source,
    /// The node of the host that sends.
    pub(crate) node: NodeId,
    pub(crate) destination: Ipv4Addr,
    pub(crate) protocol: Protocol,
    /// Whether the host is there at all: an instance that runs and has an interface.
    pub(crate) can_send: bool,
    probe: Option<Probe>,
}

/// A question that was asked.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Asked {
    probe: Option<ProbeId>,
    deadline: Time,
}

impl Simulation {
    /// Makes a query precise.
    ///
    /// # Errors
    /// [`QuestionError`] if it names nobody, or asks for what cannot be sent.
    pub(crate) fn question(&self, query: &FlowQuery) -> Result<Question, QuestionError> {
        let directory = self.directory();
        let source = endpoint::source(directory, &query.source, query.src_ip)?;
        let out_of_dns = |id| self.nodes_out_of_dns(id);
        let destination = endpoint::destination(directory, &query.dst, &source, &out_of_dns)?;
        let protocol: Protocol = query.protocol.parse().map_err(|_| refused(query))?;
        let (node, can_send, bind) = match source {
            Source::Internet(_) => (self.compiled().fixed.internet_hosts, true, None),
            Source::Host { host, bind } => self.sender(host, query.bind.or(bind))?,
        };
        let probe = match probe_kind(query, protocol)? {
            None if matches!(source, Source::Internet(_)) => return Err(refused(query)),
            None => None,
            Some(kind) => Some(Probe {
                source_port: query.src_port,
                bind,
                ttl: query.ttl,
                timeout: TIMEOUT,
                exchange: request(kind, query.dst_port),
                ..Probe::new(kind, destination, query.dst_port.unwrap_or(0))
            }),
        };
        Ok(Question {
            source,
            node,
            destination,
            protocol,
            can_send,
            probe,
        })
    }

    /// The question whether a host, by its place among the plans, reaches an address from one of its own: a protocol with its
    /// destination port, or for ICMP its type and code as one number.
    pub(crate) fn question_from(
        &self,
        plan: usize,
        from: Ipv4Addr,
        to: Ipv4Addr,
        asked: (Protocol, u16),
    ) -> Question {
        let plan = &self.compiled().hosts[plan];
        let source = Source::Host {
            host: plan.owner,
            bind: Some(from),
        };
        precise(source, plan.node, to, asked, Some(from))
    }

    /// The same for a host on the internet.
    pub(crate) fn question_from_internet(
        &self,
        from: Ipv4Addr,
        to: Ipv4Addr,
        asked: (Protocol, u16),
    ) -> Question {
        precise(
            Source::Internet(from),
            self.compiled().fixed.internet_hosts,
            to,
            asked,
            None,
        )
    }

    fn sender(
        &self,
        host: AnyId,
        bind: Option<Ipv4Addr>,
    ) -> Result<(NodeId, bool, Option<Ipv4Addr>), QuestionError> {
        let topology = self.topology();
        let owned = self.directory().addresses_of(host);
        if let Some(address) = bind.filter(|address| !owned.contains(address)) {
            let host = topology
                .label(host)
                .map_or_else(String::new, |label| label.name.clone());
            return Err(QuestionError::ForeignBind { host, address, owned });
        }
        let plan = self
            .directory()
            .plan_of(host)
            .map(|index| &self.compiled().hosts[index]);
        let runs = host
            .downcast()
            .is_none_or(|instance: Id<Instance>| topology.instances[instance].running);
        let can_send = runs && !owned.is_empty();
        Ok((
            plan.map_or(NodeId(u32::MAX), |plan| plan.node),
            can_send && plan.is_some(),
            bind,
        ))
    }
}

fn precise(
    source: Source,
    node: NodeId,
    to: Ipv4Addr,
    asked: (Protocol, u16),
    bind: Option<Ipv4Addr>,
) -> Question {
    let (protocol, service) = asked;
    let [icmp_type, code] = service.to_be_bytes();
    let kind = match protocol {
        Protocol::TCP => Some(ProbeKind::TcpConnect),
        Protocol::UDP => Some(ProbeKind::UdpRequest),
        Protocol::ICMP if icmp_type == icmp::ECHO_REQUEST => Some(ProbeKind::IcmpEcho),
        Protocol::ICMP => Some(ProbeKind::Icmp { icmp_type, code }),
        _ => None,
    };
    let port = if protocol.has_ports() { service } else { 0 };
    let probe = kind.map(|kind| Probe {
        bind,
        timeout: TIMEOUT,
        exchange: request(kind, Some(port)),
        ..Probe::new(kind, to, port)
    });
    Question {
        source,
        node,
        destination: to,
        protocol,
        can_send: true,
        probe,
    }
}

fn refused(query: &FlowQuery) -> QuestionError {
    QuestionError::Protocol {
        text: query.protocol.clone(),
        source_name: query.source.clone(),
    }
}

/// What a UDP client of this port says: a server of a known protocol answers nothing but its own protocol.
fn request(kind: ProbeKind, port: Option<u16>) -> Exchange {
    match (kind, port) {
        (ProbeKind::UdpRequest, Some(DNS_PORT)) => Exchange::Send(DNS_QUERY.to_vec()),
        (ProbeKind::UdpRequest, Some(NTP_PORT)) => Exchange::Send(NTP_REQUEST.to_vec()),
        _ => Exchange::Close,
    }
}

fn probe_kind(query: &FlowQuery, protocol: Protocol) -> Result<Option<ProbeKind>, QuestionError> {
    if protocol.has_ports() && query.dst_port.is_none() {
        let (protocol, destination) = (protocol.to_string(), query.dst.clone());
        return Err(QuestionError::NoPort {
            protocol,
            destination,
        });
    }
    Ok(match protocol {
        Protocol::TCP => Some(ProbeKind::TcpConnect),
        Protocol::UDP => Some(ProbeKind::UdpRequest),
        Protocol::ICMP => Some(match query.icmp_type.unwrap_or(icmp::ECHO_REQUEST) {
            icmp::ECHO_REQUEST => ProbeKind::IcmpEcho,
            icmp_type => ProbeKind::Icmp {
                icmp_type,
                code: query.icmp_code.unwrap_or(0),
            },
        }),
        _ => None,
    })
}

impl Question {
    /// Makes the source send.
    pub(crate) fn ask(&self, network: &mut Network) -> Asked {
        let deadline = network.now() + TIMEOUT;
        let asked = |probe| Asked { probe, deadline };
        if !self.can_send {
            return asked(None);
        }
        let Some(probe) = &self.probe else {
            network.act(self.node, |host: &mut HostNode, context| {
                self.send_raw(host, context);
            });
            return asked(None);
        };
        asked(match self.source {
            Source::Internet(address) => network.act(self.node, |hosts: &mut InternetNode, context| {
                hosts.start_probe_from(context, address, probe)
            }),
            Source::Host { .. } => network.act(self.node, |host: &mut HostNode, context| {
                host.start_probe(context, probe)
            }),
        })
    }

    fn send_raw(&self, host: &mut HostNode, context: &mut Context<'_>) {
        let first = host
            .config()
            .interfaces
            .first()
            .and_then(|interface| interface.addresses.first());
        let Some(&source) = first else { return };
        let packet = PacketBuilder::raw(source, self.destination, self.protocol, &[0; 32]).build();
        host.send_raw(context, 0, &packet);
    }

    /// What the source observed so far; `None` for what no host waits for an answer to.
    pub(crate) fn outcome<'n>(&self, network: &'n Network, asked: Asked) -> Option<&'n Outcome> {
        let probe = asked.probe?;
        match self.source {
            Source::Internet(address) => network.node::<InternetNode>(self.node)?.outcome(address, probe),
            Source::Host { .. } => network.node::<HostNode>(self.node)?.outcome(probe),
        }
    }

    /// Lets the network go on until the source need not wait any more.
    pub(crate) fn run(&self, network: &mut Network, asked: Asked) {
        if !self.can_send {
            return;
        }
        let is_done = |network: &Network| self.outcome(network, asked).is_some_and(Outcome::is_done);
        while !is_done(network) && network.step_until(asked.deadline) {}
    }

    /// Lets the source forget what it observed, so that long runs need no more memory than short ones.
    pub(crate) fn forget(&self, network: &mut Network) {
        match self.source {
            Source::Internet(address) => {
                network.act(self.node, |hosts: &mut InternetNode, _| {
                    hosts.clear_outcomes(address);
                });
            }
            Source::Host { .. } => {
                network.act(self.node, |host: &mut HostNode, _| host.clear_outcomes());
            }
        }
    }

    /// Whether a packet with this key is one that the question sent.
    pub(crate) fn is_sent_as(&self, key: FlowKey, outcome: Option<&Outcome>) -> bool {
        let port = self.probe.as_ref().map_or(0, |probe| probe.port);
        let from_the_same = outcome.is_none_or(|outcome| {
            let (address, local_port) = outcome.local;
            let is_query = matches!(
                self.probe.as_ref().map(|probe| probe.kind),
                Some(ProbeKind::TcpConnect | ProbeKind::UdpRequest | ProbeKind::IcmpEcho)
            );
            key.source() == address && (!is_query || key.source_port() == local_port)
        });
        key.protocol() == self.protocol
            && key.destination() == self.destination
            && (!self.protocol.has_ports() || key.destination_port() == port)
            && from_the_same
    }
}
