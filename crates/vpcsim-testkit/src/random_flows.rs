//! Random flows for a design: between its hosts, from and to the internet, and to addresses that nobody has.

use std::net::Ipv4Addr;

use vpcsim_aws::Topology;
use vpcsim_aws::devices::network_interface::{Attachment, InterfaceAddress};
use vpcsim_engine::Random;
use vpcsim_wire::Protocol;

use crate::random_design::{INTERNET_HOSTS, SERVICE_PORTS, nth};
use crate::reference::routes::runs;
use crate::reference::{Flow, SOURCE_PORT, Source};

/// Addresses that no design declares: on the internet, private, shared.
const STRANGERS: [&str; 3] = ["203.0.113.77", "192.168.1.1", "100.64.1.1"];
/// The other stream of a seed's randomness is the design's.
const FLOW_STREAM: u64 = 2;

/// Flows that make sense to ask about in the design.
pub fn random_flows(topology: &Topology, seed: u64, count: usize) -> Vec<Flow> {
    let mut random = Random::new(seed, FLOW_STREAM);
    std::iter::repeat_with(|| random_flow(topology, &mut random))
        .flatten()
        .take(count)
        .collect()
}

/// A flow, or none if chance chose a source and a destination that are one host.
fn random_flow(topology: &Topology, random: &mut Random) -> Option<Flow> {
    let source = random_source(topology, random)?;
    let destination = random_destination(topology, random)?;
    if is_own(topology, source, destination) {
        return None;
    }
    let (protocol, destination_port) = match random.below(10) {
        0..=5 => (Protocol::TCP, SERVICE_PORTS[random.below(3) as usize]),
        6 | 7 => (Protocol::UDP, 53),
        _ => (Protocol::ICMP, 0),
    };
    Some(Flow {
        source,
        destination,
        protocol,
        source_port: SOURCE_PORT,
        destination_port,
    })
}

fn random_source(topology: &Topology, random: &mut Random) -> Option<Source> {
    if random.chance_ppm(250_000) {
        let (_, address) = INTERNET_HOSTS[random.below(2) as usize];
        return Some(Source::Internet(crate::designs::address(address)));
    }
    let running: Vec<_> = topology
        .network_interfaces
        .ids()
        .filter(|id| runs(topology, *id))
        .collect();
    let interface = *running.get(random.below(running.len() as u64) as usize)?;
    let addresses = &topology.network_interfaces[interface].addresses;
    let address = addresses
        .get(random.below(addresses.len() as u64) as usize)?
        .private;
    Some(Source::Interface(interface, address))
}

fn random_destination(topology: &Topology, random: &mut Random) -> Option<Ipv4Addr> {
    let interfaces = topology
        .network_interfaces
        .iter()
        .flat_map(|(_, row)| row.addresses.clone());
    let gateways = topology
        .nat_gateways
        .iter()
        .flat_map(|(_, row)| row.addresses.clone());
    let list: Vec<Ipv4Addr> = match random.below(20) {
        0..=10 => interfaces.map(|own| own.private).collect(),
        11..=14 => interfaces.filter_map(|own| own.public).collect(),
        15 => gateways
            .flat_map(|own| own.public.into_iter().chain([own.private]))
            .collect(),
        16 | 17 => INTERNET_HOSTS
            .map(|(_, text)| crate::designs::address(text))
            .to_vec(),
        18 => topology
            .subnets
            .ids()
            .map(|subnet| nth(topology, subnet, 200))
            .collect(),
        _ => STRANGERS.map(crate::designs::address).to_vec(),
    };
    list.get(random.below(list.len() as u64) as usize).copied()
}

/// Whether the destination is an address of the asking host itself.
fn is_own(topology: &Topology, source: Source, destination: Ipv4Addr) -> bool {
    let interface = match source {
        Source::Internet(address) => return address == destination,
        Source::Interface(interface, _) => interface,
    };
    let instance_of = |attachment: &Attachment| match attachment {
        Attachment::Instance { instance, .. } => Some(*instance),
        _ => None,
    };
    let own = instance_of(&topology.network_interfaces[interface].attachment);
    let has =
        |address: &InterfaceAddress| address.private == destination || address.public == Some(destination);
    let interfaces = topology.network_interfaces.iter();
    let mut own_interfaces = interfaces.filter(|(_, row)| instance_of(&row.attachment) == own);
    own_interfaces.any(|(_, row)| row.addresses.iter().any(has))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random_design::random_design;
    use crate::reference::predict;

    #[test]
    fn equal_seeds_give_equal_designs_and_flows() {
        let (left, right) = (random_design(7), random_design(7));
        assert_eq!(format!("{left:?}"), format!("{right:?}"));
        assert_eq!(random_flows(&left, 7, 20), random_flows(&right, 7, 20));
        assert_ne!(format!("{left:?}"), format!("{:?}", random_design(8)));
    }

    #[test]
    fn flows_succeed_and_fail_for_many_reasons() {
        let mut successes = 0;
        let mut reasons = std::collections::BTreeMap::new();
        for seed in 0..200 {
            let topology = random_design(seed);
            for flow in random_flows(&topology, seed, 20) {
                let prediction = predict(&topology, &flow);
                successes += usize::from(prediction.round_trip);
                if let Some(stop) = prediction.stop {
                    *reasons
                        .entry(format!("{:?} {:?}", stop.way, stop.reasons))
                        .or_insert(0) += 1;
                }
            }
        }
        assert!(successes > 600, "only {successes} of 4000 flows work");
        assert!(reasons.len() > 20, "{reasons:?}");
    }
}
