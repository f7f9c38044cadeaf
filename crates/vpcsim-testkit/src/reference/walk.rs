//! The way of a packet, from its sender to where it ends (PIPE-01 to PIPE-05).

use std::net::Ipv4Addr;

use vpcsim_aws::devices::block_public_access::{BlockMode, Excluded, ExclusionMode};
use vpcsim_aws::devices::nat_gateway::NatGatewayState;
use vpcsim_aws::devices::{NatGateway, NetworkInterface, Subnet, Vpc};
use vpcsim_aws::{AnyId, Id, Topology, drop_reason};
use vpcsim_engine::DropReason;
use vpcsim_wire::Protocol;

use super::datagram::Datagram;
use super::filters::{self, Direction};
use super::routes::{self, Next};
use super::{Prediction, Stop, Way};

/// More translations than this are a circle.
const TRANSLATIONS_MAX: u32 = 16;
/// The lowest port that a NAT gateway uses (NAT-07).
const NAT_PORT_FIRST: u16 = 1_024;

/// Where a packet got to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Arrival {
    /// To the host behind an interface.
    Interface(Id<NetworkInterface>),
    /// To somebody on the internet.
    Internet,
}

/// Why a packet did not arrive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    reasons: Vec<DropReason>,
    component: Option<AnyId>,
}

impl Refusal {
    /// A failure about whose reason the rules are silent.
    pub const fn unspecified() -> Self {
        Self {
            reasons: Vec::new(),
            component: None,
        }
    }

    /// What it makes of the flow.
    pub fn on(self, way: Way) -> Prediction {
        let stop = Stop {
            way,
            reasons: self.reasons,
            component: self.component,
        };
        Prediction {
            round_trip: false,
            stop: Some(stop),
        }
    }
}

type Outcome = Result<(Arrival, Datagram), Refusal>;

fn refuse(reasons: &[DropReason], component: Option<AnyId>) -> Outcome {
    Err(Refusal {
        reasons: reasons.to_vec(),
        component,
    })
}

/// Whose address it is inside a VPC.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Owner {
    Interface(Id<NetworkInterface>),
    NatGateway(Id<NatGateway>),
}

/// A connection that a NAT gateway has noted.
struct Translation {
    nat_gateway: Id<NatGateway>,
    inside: Datagram,
    outside: Datagram,
}

/// A design with what it remembers of the packets so far.
pub struct Walk<'t> {
    topology: &'t Topology,
    /// What security groups have let through, per interface (CT-01).
    tracked: Vec<(Id<NetworkInterface>, Datagram)>,
    translations: Vec<Translation>,
    visits: u32,
}

impl<'t> Walk<'t> {
    /// A design that has seen no packet yet.
    pub const fn new(topology: &'t Topology) -> Self {
        Self {
            topology,
            tracked: Vec::new(),
            translations: Vec::new(),
            visits: 0,
        }
    }

    /// A host sends the packet by one of its interfaces (PIPE-01).
    pub fn send(&mut self, interface: Id<NetworkInterface>, packet: Datagram) -> Outcome {
        let row = &self.topology.network_interfaces[interface];
        if self.is_nobody_next_door(row.subnet, packet.destination) {
            return Err(Refusal::unspecified());
        }
        if row.source_dest_check && !self.has(interface, packet.source) {
            return refuse(&[drop_reason::SRC_CHECK], Some(interface.into()));
        }
        if !self.group_pass(interface, Direction::Egress, packet) {
            return refuse(&[drop_reason::SG_EGRESS], None);
        }
        self.leave(row.subnet, packet)
    }

    /// Whether the address is one of the subnet that nobody has: nobody answers an ARP request for it (L2-03), and what the
    /// host then does is its own affair.
    fn is_nobody_next_door(&self, subnet: Id<Subnet>, address: Ipv4Addr) -> bool {
        let row = &self.topology.subnets[subnet];
        row.cidr.contains(&address) && self.owner(row.vpc, address).is_none()
    }

    /// From a place in `subnet`: directly to a neighbour (L2-07), else past the network ACL and by the route table.
    fn leave(&mut self, subnet: Id<Subnet>, packet: Datagram) -> Outcome {
        let row = &self.topology.subnets[subnet];
        if row.cidr.contains(&packet.destination) {
            return match self.owner(row.vpc, packet.destination) {
                Some((_, owner)) => self.hand_to(owner, packet),
                None => Err(Refusal::unspecified()),
            };
        }
        let next = routes::lookup(self.topology, subnet, packet.destination);
        if let Some((place, owner)) = self.inside(next)
            && place == subnet
        {
            return self.hand_to(owner, packet);
        }
        if !filters::acl_allows(self.topology, subnet, Direction::Egress, &packet) {
            let acl = filters::acl_of(self.topology, subnet);
            return refuse(&[drop_reason::NACL_EGRESS], acl.map(AnyId::from));
        }
        self.follow(subnet, next, packet)
    }

    /// The place in the VPC that a route leads to, whoever the packet is for.
    fn inside(&self, next: Option<Next>) -> Option<(Id<Subnet>, Owner)> {
        match next? {
            Next::Interface(id) => Some((self.topology.network_interfaces[id].subnet, Owner::Interface(id))),
            Next::NatGateway(id) => Some((self.topology.nat_gateways[id].subnet, Owner::NatGateway(id))),
            _ => None,
        }
    }

    fn follow(&mut self, subnet: Id<Subnet>, next: Option<Next>, packet: Datagram) -> Outcome {
        let vpc = self.topology.subnets[subnet].vpc;
        let table = || routes::table_of(self.topology, subnet).map(AnyId::from);
        match next {
            None => refuse(&[drop_reason::NO_ROUTE], table()),
            Some(Next::Blackhole) => refuse(&[drop_reason::BLACKHOLE], None),
            Some(Next::Unmodelled) => refuse(&[drop_reason::NOT_MODELLED], None),
            Some(Next::Local) => match self.owner(vpc, packet.destination) {
                Some((place, owner)) => self.enter(place, owner, packet),
                None => refuse(&[drop_reason::NO_SUCH_ADDRESS], None),
            },
            Some(Next::Interface(_) | Next::NatGateway(_)) => match self.inside(next) {
                Some((place, owner)) => self.enter(place, owner, packet),
                None => Err(Refusal::unspecified()),
            },
            Some(Next::InternetGateway(gateway)) => self.out_by_internet_gateway(vpc, gateway.into(), packet),
            Some(Next::Peering(peering, other)) => self.across(peering.into(), other, packet),
        }
    }

    /// Over a peering connection: only for addresses of the VPC at the other end (PCX-08).
    fn across(&mut self, peering: AnyId, other: Id<Vpc>, packet: Datagram) -> Outcome {
        if !self.covers(other, packet.destination) {
            return refuse(&[drop_reason::PCX_CIDR], Some(peering));
        }
        match self.owner(other, packet.destination) {
            Some((place, owner)) => self.enter(place, owner, packet),
            None => refuse(&[drop_reason::PCX_NO_SUCH_ADDRESS], Some(peering)),
        }
    }

    /// Into a subnet, past its network ACL (PIPE-02).
    fn enter(&mut self, subnet: Id<Subnet>, owner: Owner, packet: Datagram) -> Outcome {
        if !filters::acl_allows(self.topology, subnet, Direction::Ingress, &packet) {
            let acl = filters::acl_of(self.topology, subnet);
            return refuse(&[drop_reason::NACL_INGRESS], acl.map(AnyId::from));
        }
        self.hand_to(owner, packet)
    }

    fn hand_to(&mut self, owner: Owner, packet: Datagram) -> Outcome {
        match owner {
            Owner::Interface(interface) => self.receive(interface, packet),
            Owner::NatGateway(gateway) => self.translate(gateway, packet),
        }
    }

    /// Into an interface: security groups, then the destination check, then the host (PIPE-02).
    fn receive(&mut self, interface: Id<NetworkInterface>, packet: Datagram) -> Outcome {
        if !self.group_pass(interface, Direction::Ingress, packet) {
            return refuse(&[drop_reason::SG_INGRESS], None);
        }
        let own = self.has(interface, packet.destination);
        if self.topology.network_interfaces[interface].source_dest_check && !own {
            return refuse(&[drop_reason::DST_CHECK], Some(interface.into()));
        }
        if !routes::runs(self.topology, interface) {
            return refuse(&[drop_reason::NO_HOST], Some(interface.into()));
        }
        if !own {
            return refuse(&[drop_reason::NOT_FOR_THIS_HOST], None);
        }
        Ok((Arrival::Interface(interface), packet))
    }

    /// Whether the interface's groups let the packet pass: by a rule, or because it answers one that passed (CT-01).
    fn group_pass(
        &mut self,
        interface: Id<NetworkInterface>,
        direction: Direction,
        packet: Datagram,
    ) -> bool {
        let answers = |known: &(Id<NetworkInterface>, Datagram)| {
            known.0 == interface && (known.1.same_flow(packet.reversed()) || known.1.same_flow(packet))
        };
        if self.tracked.iter().any(answers) {
            return true;
        }
        let allowed = filters::groups_allow(self.topology, interface, direction, &packet);
        if allowed {
            self.tracked.push((interface, packet));
        }
        allowed
    }

    fn has(&self, interface: Id<NetworkInterface>, address: Ipv4Addr) -> bool {
        let row = &self.topology.network_interfaces[interface];
        row.addresses.iter().any(|own| own.private == address)
            || row.prefixes.iter().any(|prefix| prefix.contains(&address))
    }

    /// Who has a private address in a VPC (L2-10).
    fn owner(&self, vpc: Id<Vpc>, address: Ipv4Addr) -> Option<(Id<Subnet>, Owner)> {
        for (id, row) in self.topology.network_interfaces.iter() {
            if self.topology.subnets[row.subnet].vpc == vpc && self.has(id, address) {
                return Some((row.subnet, Owner::Interface(id)));
            }
        }
        for (id, row) in self.topology.nat_gateways.iter() {
            let own = row.addresses.iter().any(|own| own.private == address);
            if own && row.state != NatGatewayState::Deleted && self.topology.subnets[row.subnet].vpc == vpc {
                return Some((row.subnet, Owner::NatGateway(id)));
            }
        }
        None
    }

    /// Through a NAT gateway, outwards or, for a connection that it knows, back (NAT-05, NAT-06, NAT-17).
    fn translate(&mut self, gateway: Id<NatGateway>, packet: Datagram) -> Outcome {
        let row = &self.topology.nat_gateways[gateway];
        let component = Some(gateway.into());
        self.visits += 1;
        if self.visits > TRANSLATIONS_MAX {
            return refuse(&[drop_reason::ROUTE_LOOP, drop_reason::TTL_EXPIRED], None);
        }
        if !matches!(row.state, NatGatewayState::Available | NatGatewayState::Deleting) {
            return refuse(&[drop_reason::NAT_NOT_AVAILABLE], component);
        }
        if row.addresses.iter().any(|own| own.private == packet.destination) {
            return self.translate_back(gateway, packet);
        }
        let reasons = self.refusals(gateway, &packet);
        if !reasons.is_empty() {
            return refuse(&reasons, component);
        }
        let outside = self.outside(gateway, packet);
        self.translations.push(Translation {
            nat_gateway: gateway,
            inside: packet,
            outside,
        });
        self.leave(row.subnet, outside)
    }

    /// Back to whoever asked, if the packet answers a connection that the gateway knows (NAT-17, NAT-18).
    fn translate_back(&mut self, gateway: Id<NatGateway>, packet: Datagram) -> Outcome {
        let row = &self.topology.nat_gateways[gateway];
        let from_itself = row.addresses.iter().any(|own| own.public == Some(packet.source));
        if from_itself && packet.protocol == Protocol::UDP {
            // Whether it takes that for an answer depends on the ports it chose, about which AWS says nothing.
            return Err(Refusal::unspecified());
        }
        // An echo request is never an answer, whatever its identifier (NAT-19).
        let is_question = packet.protocol == Protocol::ICMP && !packet.answer;
        let asked = packet.reversed();
        let mut known = self.translations.iter();
        let known = known.find(|known| known.nat_gateway == gateway && known.outside.same_flow(asked));
        match known.filter(|_| !is_question).map(|known| known.inside) {
            Some(inside) => {
                let back = Datagram {
                    answer: packet.answer,
                    ..inside.reversed()
                };
                self.leave(row.subnet, back)
            }
            None => refuse(&[drop_reason::NAT_NO_STATE], Some(gateway.into())),
        }
    }

    /// Why the gateway would not open a connection for the packet.
    fn refusals(&self, gateway: Id<NatGateway>, packet: &Datagram) -> Vec<DropReason> {
        let vpc = self.topology.subnets[self.topology.nat_gateways[gateway].subnet].vpc;
        let mut reasons = Vec::new();
        if ![Protocol::TCP, Protocol::UDP, Protocol::ICMP].contains(&packet.protocol) {
            reasons.push(drop_reason::NAT_PROTOCOL);
        }
        if !self.covers(vpc, packet.source) {
            reasons.push(drop_reason::NAT_SOURCE_NOT_IN_VPC);
        }
        // Only what asks opens a connection; a UDP datagram shows no difference (IGW-11, NAT-49).
        if packet.answer && packet.protocol != Protocol::UDP {
            reasons.push(drop_reason::NAT_NO_STATE);
        }
        reasons
    }

    /// Whether the address lies in a range of the VPC.
    fn covers(&self, vpc: Id<Vpc>, address: Ipv4Addr) -> bool {
        let mut cidrs = self.topology.vpcs[vpc].cidrs.iter();
        cidrs.any(|cidr| cidr.associated && cidr.net.contains(&address))
    }

    fn outside(&self, gateway: Id<NatGateway>, packet: Datagram) -> Datagram {
        let row = &self.topology.nat_gateways[gateway];
        let port = NAT_PORT_FIRST + self.translations.len() as u16;
        let destination_port = if packet.protocol == Protocol::ICMP {
            port
        } else {
            packet.destination_port
        };
        let source = row.addresses.first().map_or(packet.source, |own| own.private);
        Datagram {
            source,
            source_port: port,
            destination_port,
            ..packet
        }
    }

    /// Out of the VPC: the private source becomes its public address (IGW-02 to IGW-06).
    fn out_by_internet_gateway(&mut self, vpc: Id<Vpc>, gateway: AnyId, packet: Datagram) -> Outcome {
        let public = self.public_of(vpc, packet.source);
        let (subnet, is_nat) = self.place_of(vpc, packet.source);
        if self.is_blocked(vpc, subnet, is_nat) {
            return refuse(&[drop_reason::BLOCK_PUBLIC_ACCESS], None);
        }
        let mut reasons = Vec::new();
        if public.is_none() {
            reasons.push(drop_reason::IGW_NO_PUBLIC_MAPPING);
        }
        if packet.destination.is_private() {
            reasons.push(drop_reason::IGW_DST_PRIVATE);
        }
        if is_shared(packet.destination) {
            reasons.push(drop_reason::IGW_DST_RFC6598);
        }
        match public {
            Some(source) if reasons.is_empty() => self.over_the_internet(Datagram { source, ..packet }),
            _ => refuse(&reasons, Some(gateway)),
        }
    }

    /// Whether Block Public Access stops what a subnet's address exchanges with the internet (BPA-01 to BPA-03).
    fn is_blocked(&self, vpc: Id<Vpc>, subnet: Option<Id<Subnet>>, is_nat: bool) -> bool {
        let region = &self.topology.vpcs[vpc].region;
        self.topology.block_public_access.iter().any(|(_, block)| {
            let concerns = |excluded: Excluded| match excluded {
                Excluded::Vpc(other) => other == vpc,
                Excluded::Subnet(other) => Some(other) == subnet,
            };
            let has = |mode| {
                block
                    .exclusions
                    .iter()
                    .any(|row| row.mode == mode && concerns(row.excluded))
            };
            let only_egress = block.mode == BlockMode::Ingress || has(ExclusionMode::Egress);
            let is_free = has(ExclusionMode::Bidirectional) || block.mode == BlockMode::Off;
            block.region == *region && !is_free && !(only_egress && is_nat)
        })
    }

    /// The subnet of whoever has the private address, and whether that is a NAT gateway.
    fn place_of(&self, vpc: Id<Vpc>, private: Ipv4Addr) -> (Option<Id<Subnet>>, bool) {
        let is_here = |subnet: Id<Subnet>| self.topology.subnets[subnet].vpc == vpc;
        for (_, row) in self.topology.nat_gateways.iter() {
            let has = row.state != NatGatewayState::Deleted
                && row.addresses.iter().any(|own| own.private == private);
            if is_here(row.subnet) && has {
                return (Some(row.subnet), true);
            }
        }
        let has = |row: &NetworkInterface| {
            row.addresses.iter().any(|own| own.private == private)
                || row.prefixes.iter().any(|prefix| prefix.contains(&private))
        };
        let mut rows = self.topology.network_interfaces.iter().map(|(_, row)| row);
        (
            rows.find(|row| is_here(row.subnet) && has(row))
                .map(|row| row.subnet),
            false,
        )
    }

    fn public_of(&self, vpc: Id<Vpc>, private: Ipv4Addr) -> Option<Ipv4Addr> {
        let found = self
            .public_addresses()
            .into_iter()
            .find(|known| known.vpc == vpc && known.private == private);
        found.map(|known| known.public)
    }

    /// Every public address with the private one behind it (PIP-01, NAT-06).
    fn public_addresses(&self) -> Vec<Mapping> {
        let mut found = Vec::new();
        for (id, row) in self.topology.network_interfaces.iter() {
            for own in &row.addresses {
                let owner = Owner::Interface(id);
                found.extend(
                    own.public
                        .map(|public| self.mapping(row.subnet, owner, own.private, public)),
                );
            }
        }
        for (id, row) in self.topology.nat_gateways.iter() {
            for own in row
                .addresses
                .iter()
                .filter(|_| row.state != NatGatewayState::Deleted)
            {
                let owner = Owner::NatGateway(id);
                found.extend(
                    own.public
                        .map(|public| self.mapping(row.subnet, owner, own.private, public)),
                );
            }
        }
        found
    }

    fn mapping(&self, subnet: Id<Subnet>, owner: Owner, private: Ipv4Addr, public: Ipv4Addr) -> Mapping {
        Mapping {
            vpc: self.topology.subnets[subnet].vpc,
            subnet,
            owner,
            private,
            public,
        }
    }

    /// From the internet, or from an internet gateway, to whoever has the public address.
    pub fn over_the_internet(&mut self, packet: Datagram) -> Outcome {
        let nobody = [drop_reason::NO_SUCH_INTERNET_HOST, drop_reason::IGW_NO_MAPPING];
        let found = self
            .public_addresses()
            .into_iter()
            .find(|known| known.public == packet.destination);
        if let Some(mapping) = found {
            let attached = self
                .topology
                .internet_gateways
                .iter()
                .any(|(_, row)| row.vpc == Some(mapping.vpc));
            return if attached {
                self.in_by_internet_gateway(mapping, packet)
            } else {
                refuse(&nobody, None)
            };
        }
        let declared = self
            .topology
            .internet_hosts
            .iter()
            .any(|(_, host)| host.address == packet.destination);
        let elastic = self
            .topology
            .elastic_ips
            .iter()
            .any(|(_, row)| row.address == packet.destination);
        if elastic || packet.destination.is_private() || is_shared(packet.destination) {
            return refuse(&nobody, None);
        }
        if declared || packet.answer || self.topology.settings.internet_answers {
            return Ok((Arrival::Internet, packet));
        }
        refuse(&nobody, None)
    }

    /// Into the VPC: the public destination becomes the private one, and no route table is asked (IGW-07 to IGW-10).
    fn in_by_internet_gateway(&mut self, mapping: Mapping, packet: Datagram) -> Outcome {
        let is_nat = matches!(mapping.owner, Owner::NatGateway(_));
        if self.is_blocked(mapping.vpc, Some(mapping.subnet), is_nat) {
            return refuse(&[drop_reason::BLOCK_PUBLIC_ACCESS], None);
        }
        if packet.source.is_private() {
            return refuse(&[drop_reason::IGW_SRC_PRIVATE], None);
        }
        if is_shared(packet.source) {
            return refuse(&[drop_reason::IGW_SRC_RFC6598], None);
        }
        self.enter(
            mapping.subnet,
            mapping.owner,
            Datagram {
                destination: mapping.private,
                ..packet
            },
        )
    }
}

/// A public address and what it stands for.
#[derive(Clone, Copy, Debug)]
struct Mapping {
    vpc: Id<Vpc>,
    subnet: Id<Subnet>,
    owner: Owner,
    private: Ipv4Addr,
    public: Ipv4Addr,
}

/// Whether the address lies in 100.64.0.0/10 (RFC 6598).
const fn is_shared(address: Ipv4Addr) -> bool {
    let [first, second, ..] = address.octets();
    first == 100 && second & 0xc0 == 64
}
