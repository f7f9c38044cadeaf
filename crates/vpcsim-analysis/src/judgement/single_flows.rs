//! Single flows that stand for many: samples of a service, witnesses of a set, and how they are shown to people.

use vpcsim_aws::Protocol;
use vpcsim_aws::sets::TrafficSet;
use vpcsim_aws::traffic::{PortRange, Traffic};

use crate::answer::{Answer, FlowQuery, Verdict};
use crate::endpoint::{self, Source};
use crate::reach::{Basis, Reach};
use crate::simulation::Simulation;

/// The services that speak for a range of them where packets are asked.
pub(super) fn samples(service: Traffic) -> Vec<Traffic> {
    let ends = |ports: PortRange| {
        let mut ends = vec![ports.first.max(1), ports.last];
        ends.dedup();
        ends
    };
    match service {
        Traffic::Tcp(ports) => ends(ports)
            .into_iter()
            .map(|port| Traffic::Tcp(PortRange::single(port)))
            .collect(),
        Traffic::Udp(ports) => ends(ports)
            .into_iter()
            .map(|port| Traffic::Udp(PortRange::single(port)))
            .collect(),
        Traffic::All => vec![
            Traffic::Tcp(PortRange::single(1)),
            Traffic::Tcp(PortRange::single(u16::MAX)),
            Traffic::Icmp {
                icmp_type: Some(8),
                icmp_code: Some(0),
            },
        ],
        other => vec![other],
    }
}

/// The query for one flow of a service between two ends.
pub(super) fn sample_query(source: &str, dst: &str, service: Traffic) -> FlowQuery {
    let (protocol, dst_port) = match service {
        Traffic::Tcp(ports) => (Protocol::TCP, Some(ports.first)),
        Traffic::Udp(ports) => (Protocol::UDP, Some(ports.first)),
        Traffic::Other(protocol) => (protocol, None),
        Traffic::Icmp { .. } | Traffic::All => (Protocol::ICMP, None),
    };
    FlowQuery {
        source: source.to_owned(),
        dst: dst.to_owned(),
        protocol: protocol.to_string(),
        dst_port,
        ..FlowQuery::default()
    }
}

/// What one flow's answer says about all that it stands for.
pub(super) fn as_reach(answer: &Answer, asked: &TrafficSet) -> Reach {
    let mut reach = Reach::nothing();
    if answer.unknown {
        reach.basis = Basis::Unknown;
    } else if answer.round_trip {
        reach.round_trip = asked.clone();
    } else if answer.forward.verdict == Verdict::Delivered {
        reach.one_way = asked.clone();
    }
    reach
}

/// The query for one flow of a set.
pub(crate) fn witness_of(query: &FlowQuery, set: &TrafficSet) -> Option<FlowQuery> {
    for protocol in [Protocol::TCP, Protocol::UDP] {
        let services = set.services(protocol);
        let usual = [443, 80, 22]
            .into_iter()
            .find(|port| services.iter().any(|range| range.contains(*port)));
        if let Some(port) = usual.or(services.first().map(|range| range.first.max(1))) {
            return Some(FlowQuery {
                protocol: protocol.to_string(),
                dst_port: Some(port),
                ..query.clone()
            });
        }
    }
    let is_icmp = !set.services(Protocol::ICMP).is_empty();
    is_icmp.then(|| FlowQuery {
        protocol: Protocol::ICMP.to_string(),
        ..query.clone()
    })
}

/// The query with names in the place of addresses, where they mean the same; whoever sends keeps the address beside it.
pub(crate) fn named(simulation: &Simulation, query: &FlowQuery) -> FlowQuery {
    let (topology, directory) = (simulation.topology(), simulation.directory());
    let Ok(sender) = endpoint::source(directory, &query.source, query.src_ip) else {
        return query.clone();
    };
    let mut named = query.clone();
    if let Source::Host { host, .. } = &sender {
        let name = topology.name_of(*host).to_owned();
        let is_clear = |name: &str| {
            endpoint::source(directory, name, None)
                .is_ok_and(|meant| matches!(meant, Source::Host { host: meant, .. } if meant == *host))
        };
        named.source = if is_clear(&name) {
            name
        } else {
            endpoint::unambiguous(directory, *host)
        };
    }
    let meant = |text: &str| {
        endpoint::destination(directory, text, &sender, &|id| simulation.nodes_out_of_dns(id)).ok()
    };
    if let Ok(Source::Host { host, .. }) = endpoint::source(directory, &query.dst, None) {
        let name = topology.name_of(host);
        if meant(name).is_some() && meant(name) == meant(&query.dst) {
            name.clone_into(&mut named.dst);
        }
    }
    named
}
