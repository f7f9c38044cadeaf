//! Security groups (SG-01 to SG-12) and network ACLs (NACL-01 to NACL-09), rule by rule.

use std::net::Ipv4Addr;

use vpcsim_aws::devices::network_acl::NetworkAclEntry;
use vpcsim_aws::devices::peering_connection::PeeringState;
use vpcsim_aws::devices::security_group::{Peer, SecurityGroupRule};
use vpcsim_aws::devices::{NetworkAcl, NetworkInterface, SecurityGroup, Subnet, Vpc};
use vpcsim_aws::traffic::{PortRange, Traffic};
use vpcsim_aws::{Id, Topology};
use vpcsim_wire::Protocol;

use super::datagram::Datagram;

/// From the interface's or the subnet's own point of view.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// Coming in.
    Ingress,
    /// Going out.
    Egress,
}

/// Whether any rule of any of the interface's groups allows the packet (SG-01).
pub fn groups_allow(
    topology: &Topology,
    interface: Id<NetworkInterface>,
    direction: Direction,
    packet: &Datagram,
) -> bool {
    let row = &topology.network_interfaces[interface];
    let vpc = topology.subnets[row.subnet].vpc;
    row.security_groups.iter().any(|group| {
        let group = &topology.security_groups[*group];
        let rules = match direction {
            Direction::Ingress => &group.ingress,
            Direction::Egress => &group.egress,
        };
        rules
            .iter()
            .any(|rule| rule_allows(topology, vpc, rule, direction, packet))
    })
}

fn rule_allows(
    topology: &Topology,
    vpc: Id<Vpc>,
    rule: &SecurityGroupRule,
    direction: Direction,
    packet: &Datagram,
) -> bool {
    let other = other_side(direction, packet);
    is_such(rule.traffic, packet)
        && match &rule.peer {
            Peer::Cidr(cidr) => cidr.contains(&other),
            Peer::PrefixList(list) => topology.prefix_lists[*list]
                .entries
                .iter()
                .any(|cidr| cidr.contains(&other)),
            Peer::SecurityGroup(group) => {
                can_refer(topology, vpc, topology.security_groups[*group].vpc)
                    && is_member(topology, *group, other)
            }
            Peer::Missing(_) => false,
        }
}

const fn other_side(direction: Direction, packet: &Datagram) -> Ipv4Addr {
    match direction {
        Direction::Ingress => packet.source,
        Direction::Egress => packet.destination,
    }
}

/// Whether rules of one VPC can name groups of the other (SG-08, SG-11, SG-12, PCX-12).
fn can_refer(topology: &Topology, from: Id<Vpc>, to: Id<Vpc>) -> bool {
    let is_one_region = topology.vpcs[from].region == topology.vpcs[to].region;
    from == to
        || is_one_region
            && topology.peering_connections.iter().any(|(_, peering)| {
                let ends = [peering.requester, peering.accepter];
                peering.state == PeeringState::Active
                    && ends.contains(&Some(from))
                    && ends.contains(&Some(to))
            })
}

/// Whether a private address belongs to an interface in the group; public addresses never do (SG-08, SG-09).
fn is_member(topology: &Topology, group: Id<SecurityGroup>, address: Ipv4Addr) -> bool {
    topology.network_interfaces.iter().any(|(_, interface)| {
        interface.security_groups.contains(&group)
            && (interface.addresses.iter().any(|own| own.private == address)
                || interface.prefixes.iter().any(|prefix| prefix.contains(&address)))
    })
}

/// Whether the subnet's network ACL lets the packet through.
pub fn acl_allows(topology: &Topology, subnet: Id<Subnet>, direction: Direction, packet: &Datagram) -> bool {
    let Some(acl) = acl_of(topology, subnet) else {
        return true;
    };
    let entries = match direction {
        Direction::Ingress => &topology.network_acls[acl].ingress,
        Direction::Egress => &topology.network_acls[acl].egress,
    };
    let other = other_side(direction, packet);
    let matches = |entry: &&NetworkAclEntry| is_such(entry.traffic, packet) && entry.cidr.contains(&other);
    let first = entries.iter().filter(matches).min_by_key(|entry| entry.number);
    first.is_some_and(|entry| entry.allow)
}

/// The network ACL of a subnet: its own, else the VPC's default one (SUB-05).
pub fn acl_of(topology: &Topology, subnet: Id<Subnet>) -> Option<Id<NetworkAcl>> {
    let row = &topology.subnets[subnet];
    row.network_acl.or_else(|| {
        let of_vpc = topology
            .network_acls
            .iter()
            .find(|(_, acl)| acl.vpc == row.vpc && acl.default);
        of_vpc.map(|(id, _)| id)
    })
}

/// Whether a rule is about such a packet: protocol, destination port, ICMP type and code (SG-04 to SG-06, NACL-07 to NACL-09).
fn is_such(traffic: Traffic, packet: &Datagram) -> bool {
    let port_in = |ports: PortRange| (ports.first..=ports.last).contains(&packet.destination_port);
    match traffic {
        Traffic::All => true,
        Traffic::Tcp(ports) => packet.protocol == Protocol::TCP && port_in(ports),
        Traffic::Udp(ports) => packet.protocol == Protocol::UDP && port_in(ports),
        Traffic::Icmp { icmp_type, icmp_code } => {
            packet.protocol == Protocol::ICMP
                && icmp_type.is_none_or(|wanted| wanted == packet.icmp_type())
                && icmp_code.is_none_or(|wanted| wanted == 0)
        }
        Traffic::Other(protocol) => packet.protocol == protocol,
    }
}
