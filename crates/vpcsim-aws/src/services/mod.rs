//! The link-local services: they answer every instance, without route, security group or network ACL (LL-01..04).
//!
//! An interface intercepts what its host sends to one of them, notes who asks ([`crate::mark::set_client`]) and hands it to
//! the service's node. The service ends the question and sends a new packet back to the interface.

pub mod allowance;
pub mod client;
pub mod dhcp;
pub mod horizon;
pub mod metadata;
pub mod names;
pub mod resolver;
pub mod time_sync;

mod bootp;
#[cfg(test)]
pub(crate) mod fixture;
mod question;

use std::net::Ipv4Addr;
use std::sync::Arc;

use crate::compile::Build;
use client::Clients;
use dhcp::DhcpDevice;
use horizon::{Horizon, PublicNames};
use resolver::ResolverDevice;
use time_sync::TimeSyncDevice;

/// The resolver's link-local address (LL-01); it also answers at base+2 of the VPC's primary range.
pub const RESOLVER: Ipv4Addr = Ipv4Addr::new(169, 254, 169, 253);
/// The time service's address (LL-01).
pub const TIME_SYNC: Ipv4Addr = Ipv4Addr::new(169, 254, 169, 123);
/// The metadata service's address (LL-01).
pub const METADATA: Ipv4Addr = Ipv4Addr::new(169, 254, 169, 254);

/// Installs the services that every network has.
pub(crate) fn install(build: &mut Build<'_>) {
    crate::devices::internet_host::install(build);
    let clients = Clients::new(build);
    let fixed = build.place.fixed;
    build.install(fixed.time_sync, TimeSyncDevice::new(Arc::clone(&clients)));
    build.install(fixed.dhcp, DhcpDevice::new(build.topology, Arc::clone(&clients)));
    let public_names = PublicNames::new(build.topology);
    let balancers = build
        .topology
        .load_balancers
        .ids()
        .map(|id| build.place.node_of(id));
    let balancers: Arc<[Option<vpcsim_engine::NodeId>]> = balancers.collect();
    for vpc in build.topology.vpcs.ids() {
        let Some(node) = build.place.fabric(vpc).resolver_node else {
            continue;
        };
        let horizon = Arc::new(Horizon::new(build.topology, vpc, Arc::clone(&public_names)));
        build.install(
            node,
            ResolverDevice::new(Arc::clone(&clients), horizon, Arc::clone(&balancers)),
        );
    }
}

#[cfg(test)]
mod tests {
    use vpcsim_engine::{Context, FrameHeader, Handle, Network, Node, NodeId, Port, Span, Step};
    use vpcsim_wire::{Mac, PacketBuilder, summarize};

    use super::*;
    use crate::compile::{Compiled, compile};
    use crate::services::fixture::{CLIENT, shop};
    use crate::topology::Topology;

    #[derive(Default)]
    struct Host {
        received: Vec<Vec<u8>>,
    }

    impl Node for Host {
        fn process(&mut self, context: &mut Context<'_>, _: Port, packet: Handle) -> Step {
            self.received.push(context.packet(packet).bytes().to_vec());
            Step::Deliver
        }
    }

    /// `shop` whose security group and network ACL allow nothing, and which has no route.
    fn closed() -> Topology {
        let mut topology = shop();
        topology.complete();
        for id in topology.security_groups.ids() {
            topology.security_groups[id].ingress.clear();
            topology.security_groups[id].egress.clear();
        }
        for id in topology.network_acls.ids() {
            topology.network_acls[id].ingress.clear();
            topology.network_acls[id].egress.clear();
        }
        topology
    }

    struct Running {
        compiled: Compiled,
        network: Network,
    }

    impl Running {
        fn new(topology: Topology) -> Self {
            let compiled = compile(Arc::new(topology));
            let network = compiled.network(0, |_| Box::new(Host::default()));
            Self { compiled, network }
        }

        /// What the first instance gets back for packets that it sends at once.
        fn ask(&mut self, packets: &[Vec<u8>]) -> Vec<Vec<u8>> {
            let host = self.compiled.hosts[0].node;
            let plan = self.compiled.hosts[0].interfaces[0].clone();
            let router = crate::compile::place::router_mac(crate::model::Id::from_index(0));
            self.network.act(host, |_: &mut Host, context| {
                for bytes in packets {
                    let broadcast = summarize(bytes).unwrap().destination().is_broadcast();
                    let destination = if broadcast { Mac::BROADCAST } else { router };
                    let packet = context.emit(FrameHeader::ipv4(plan.mac, destination), bytes);
                    context.forward(packet, plan.node, plan.port);
                }
            });
            let until = self.network.now() + Span::from_ms(10);
            self.network.run_until(until);
            assert!(self.network.counters().balance());
            self.received(host)
        }

        fn received(&mut self, host: NodeId) -> Vec<Vec<u8>> {
            let received = self
                .network
                .act(host, |host: &mut Host, _| std::mem::take(&mut host.received));
            received.unwrap_or_default()
        }
    }

    fn dns_query(resolver: Ipv4Addr) -> Vec<u8> {
        let mut message = vec![0x12, 0x34, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0];
        for label in ["ip-10-0-1-5", "eu-west-1", "compute", "internal", ""] {
            message.push(label.len() as u8);
            message.extend(label.as_bytes());
        }
        message.extend([0, 1, 0, 1]);
        PacketBuilder::udp(CLIENT, 4000, resolver, resolver::DNS_PORT)
            .payload(&message)
            .build()
    }

    fn ntp_request() -> Vec<u8> {
        let mut message = [0; 48];
        message[0] = 0x23;
        PacketBuilder::udp(CLIENT, 4000, TIME_SYNC, time_sync::NTP_PORT)
            .payload(&message)
            .build()
    }

    fn dhcp_discover(mac: Mac) -> Vec<u8> {
        let mut message = vec![0; 236];
        message[..3].copy_from_slice(&[1, 1, 6]);
        message[28..34].copy_from_slice(&mac.0);
        message.extend([99, 130, 83, 99, 53, 1, 1, 255]);
        PacketBuilder::udp(
            Ipv4Addr::UNSPECIFIED,
            dhcp::CLIENT_PORT,
            Ipv4Addr::BROADCAST,
            dhcp::SERVER_PORT,
        )
        .payload(&message)
        .build()
    }

    #[test]
    fn dns_dhcp_and_ntp_need_no_route_security_group_or_network_acl() {
        let mut running = Running::new(closed());
        let mac = running.compiled.hosts[0].interfaces[0].mac;
        let in_vpc = Ipv4Addr::new(10, 0, 0, 2);
        for question in [
            dns_query(RESOLVER),
            dns_query(in_vpc),
            ntp_request(),
            dhcp_discover(mac),
        ] {
            let answers = running.ask(std::slice::from_ref(&question));
            let asked = summarize(&question).unwrap().key;
            let [answer] = answers.as_slice() else {
                panic!("{asked} got {} answers", answers.len())
            };
            assert_eq!(
                summarize(answer).unwrap().key.source_port(),
                asked.destination_port()
            );
        }
    }

    #[test]
    fn dns_of_a_vpc_without_support_is_not_answered() {
        let mut topology = closed();
        topology.vpcs[crate::model::Id::from_index(0)].dns_support = false;
        let mut running = Running::new(topology);
        for resolver in [RESOLVER, Ipv4Addr::new(10, 0, 0, 2)] {
            assert!(running.ask(&[dns_query(resolver)]).is_empty());
        }
        assert_eq!(running.network.counters().dropped, 2);
    }

    #[test]
    fn of_2000_questions_in_a_second_1024_are_answered() {
        let mut running = Running::new(closed());
        let questions: Vec<_> = (0..2000).map(|_| dns_query(RESOLVER)).collect();
        assert_eq!(running.ask(&questions).len(), 1024);
        assert_eq!(running.network.counters().dropped, 976);
    }
}
