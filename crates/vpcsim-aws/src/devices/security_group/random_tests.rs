//! The compiled rules against the declared ones, over random topologies and packets.

use std::net::Ipv4Addr;

use ipnet::Ipv4Net;
use proptest::prelude::*;
use vpcsim_engine::Decision;
use vpcsim_wire::{PacketBuilder, Protocol, Summary};

use super::tests::{
    SERVER, add_group, add_interface, add_peering, add_prefix_list, add_vpc, compile_all, rule, summary,
};
use super::*;
use crate::devices::peering_connection::PeeringState;
use crate::traffic::PortRange;

/// What a rule as declared says, without any compiling.
fn naive(
    topology: &Topology,
    group: &SecurityGroup,
    rule: &SecurityGroupRule,
    packet: &Summary,
    known: bool,
) -> bool {
    let peer = packet.source();
    let from_member = |id: &Id<SecurityGroup>| {
        let referred = &topology.security_groups[*id];
        let peered = topology.peering_connections.iter().any(|(_, peering)| {
            let ends = [peering.requester, peering.accepter];
            peering.state == PeeringState::Active
                && ends.contains(&Some(group.vpc))
                && ends.contains(&Some(referred.vpc))
        });
        let members = topology
            .network_interfaces
            .iter()
            .filter(|(_, eni)| eni.security_groups.contains(id));
        known
            && (referred.vpc == group.vpc || peered)
            && members
                .flat_map(|(_, eni)| &eni.addresses)
                .any(|address| address.private == peer)
    };
    rule.traffic.matches(packet)
        && match &rule.peer {
            Peer::Cidr(net) => net.contains(&peer),
            Peer::SecurityGroup(id) => from_member(id),
            Peer::PrefixList(id) => topology.prefix_lists[*id]
                .entries
                .iter()
                .any(|net| net.contains(&peer)),
            Peer::Missing(_) => false,
        }
}

fn any_address() -> impl Strategy<Value = Ipv4Addr> {
    (0_u8..2, 0_u8..3, 0_u8..6).prop_map(|(vpc, subnet, host)| Ipv4Addr::new(10, vpc, subnet, host))
}

fn any_net() -> impl Strategy<Value = Ipv4Net> {
    let lengths = prop::sample::select(vec![0, 8, 15, 16, 24, 29, 30, 31, 32]);
    (any_address(), lengths).prop_map(|(address, len)| Ipv4Net::new(address, len).unwrap())
}

fn any_traffic() -> impl Strategy<Value = Traffic> {
    let ports = || (0_u16..6, 0_u16..6).prop_map(|(first, last)| PortRange { first, last });
    prop_oneof![
        Just(Traffic::All),
        ports().prop_map(Traffic::Tcp),
        ports().prop_map(Traffic::Udp),
        (prop::option::of(0_u8..4), prop::option::of(0_u8..2))
            .prop_map(|(icmp_type, icmp_code)| Traffic::Icmp { icmp_type, icmp_code }),
        Just(Traffic::Other(Protocol::GRE)),
    ]
}

fn any_peer() -> impl Strategy<Value = Peer> {
    prop_oneof![
        any_net().prop_map(Peer::Cidr),
        (0_usize..3).prop_map(|index| Peer::SecurityGroup(Id::from_index(index))),
        Just(Peer::PrefixList(Id::from_index(0))),
        Just(Peer::Missing("sg-gone".to_owned())),
    ]
}

fn any_packet() -> impl Strategy<Value = Summary> {
    let tcp = |source, port| PacketBuilder::tcp(source, 9, SERVER, port);
    let udp = |source, port| PacketBuilder::udp(source, 9, SERVER, port);
    (any_address(), 0_u16..7, 0_u8..5).prop_map(move |(source, port, kind)| {
        summary(&match kind {
            0 | 1 => tcp(source, port),
            2 => udp(source, port),
            3 => PacketBuilder::icmp(source, SERVER, port as u8, (port % 2) as u8, 0),
            _ => PacketBuilder::raw(source, SERVER, Protocol::GRE, &[]),
        })
    })
}

fn any_topology() -> impl Strategy<Value = Topology> {
    let rules = || prop::collection::vec((any_traffic(), any_peer()), 0..5);
    let members = prop::collection::vec((any_address(), 0_usize..3), 0..12);
    let list = prop::collection::vec(any_net(), 0..4);
    (prop::collection::vec(rules(), 3), members, list, any::<bool>()).prop_map(
        |(rules, members, list, peered)| {
            let mut topology = Topology::default();
            let vpcs = ["10.0.0.0/16", "10.1.0.0/16"].map(|net| add_vpc(&mut topology, net, "eu-west-1"));
            if peered {
                add_peering(&mut topology, vpcs, PeeringState::Active);
            }
            for (index, rules) in rules.into_iter().enumerate() {
                let group = add_group(&mut topology, vpcs[index / 2], "group");
                topology.security_groups[group].ingress = rules
                    .into_iter()
                    .map(|(traffic, peer)| rule(traffic, peer))
                    .collect();
            }
            for (address, group) in members {
                let vpc = topology.security_groups[Id::from_index(group)].vpc;
                add_interface(
                    &mut topology,
                    vpc,
                    &[(&address.to_string(), None)],
                    &[Id::from_index(group)],
                );
            }
            let list: Vec<_> = list.iter().map(ToString::to_string).collect();
            add_prefix_list(
                &mut topology,
                &list.iter().map(String::as_str).collect::<Vec<_>>(),
                9,
            );
            topology
        },
    )
}

proptest! {
    #[test]
    fn compiled_rules_agree_with_the_declared_ones(
        topology in any_topology(), packets in prop::collection::vec(any_packet(), 8), known: bool, two: bool,
    ) {
        let groups: Vec<Id<SecurityGroup>> = (0..if two { 2 } else { 1 }).map(Id::from_index).collect();
        let lookup = compile_all(&topology, &groups);
        for packet in &packets {
            let allowed = lookup.lookup(packet, packet.source(), known);
            let rules = groups.iter().flat_map(|&id| {
                let group = &topology.security_groups[id];
                group.ingress.iter().enumerate().map(move |(number, rule)| (id, group, number, rule))
            });
            let mut matching = rules.filter(|(_, group, _, rule)| naive(&topology, group, rule, packet, known));
            let expected = matching.next();
            prop_assert_eq!(
                allowed.map(|allowed| allowed.decision),
                expected.map(|(id, _, number, _)| Decision::rule(topology.component(id), number as u32))
            );
            prop_assert!(allowed.is_none() || lookup.nearest(packet, packet.source()).is_some());
        }
    }
}
