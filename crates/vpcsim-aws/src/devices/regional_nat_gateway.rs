//! Regional NAT gateway: one NAT gateway for a whole VPC, with a place and addresses of its own in each zone.
//!
//! What it does with a packet is what a zonal one does ([`nat_gateway`](super::nat_gateway)), but for these.
//!
//! # AWS semantics
//!
//! - It stands in no subnet and is public always (NAT-02); no network ACL of its own stands before it (NAT-47).
//! - It serves each packet in the zone where that comes from, with that zone's addresses (NAT-44).
//! - An address of a zone carries 55,000 connections to one destination, and a zone can have 32 addresses (NAT-11).
//! - If it expands by itself, a zone that it has not reached yet is served from another one (NAT-44); else what comes from
//!   there is dropped (NAT-45).
//! - Its own route table leads to the internet gateway from the start, and decides where both ways go on: without a route back to
//!   another network an answer ends there (GRT-11). Destinations inside the VPC are local.
//!
//! # Where AWS is silent
//!
//! - It rewrites sources to its public addresses at once: it has no private ones.
//! - A zone that is not served yet uses the first zone that is.
//! - Addresses that it would add by itself when ports run short (NAT-46) are not added.

use std::net::Ipv4Addr;
use std::sync::Arc;

use vpcsim_engine::{Context, Decision, DropReason, Handle, Node, NodeId, Port, Repeat, Step};

use super::nat_gateway::device::Plan;
use super::nat_gateway::{ADDRESSED, NatGatewayDevice, NatGatewayState, ROUTED, has_transit};
use crate::arrangement::{Arrangement, Rank, Renumbering};
use crate::compile::fabric::ClaimIndex;
use crate::compile::place::gateway_mac;
use crate::compile::{Build, Claim, Fabric, LinkLayer, NextHop, Place, ZonalTarget};
use crate::devices::route_table::RouteLookup;
use crate::devices::subnet::ENTERING;
use crate::devices::{Coverage, Kind, Resource, RouteTable, Subnet, Vpc};
use crate::model::{Finding, Findings, Id, Label};
use crate::sets::{PacketSet, SetDevice, SetStep, SetWay};
use crate::topology::Topology;
use crate::{drop_reason, mark, station};

/// Addresses that it can have in a zone (NAT-11).
const ADDRESSES_OF_ZONE_MAX: usize = 32;

/// A regional NAT gateway.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RegionalNatGateway {
    /// How it is called.
    pub label: Label,
    /// Its VPC.
    pub vpc: Id<Vpc>,
    /// Its state.
    pub state: NatGatewayState,
    /// The zones that it serves, with its public addresses there.
    pub zones: Vec<ServedZone>,
    /// Whether it comes to further zones by itself.
    pub expands: bool,
    /// Its own route table; `None` is one that leads to the VPC's internet gateway.
    pub route_table: Option<Id<RouteTable>>,
}

/// A zone that a regional NAT gateway serves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServedZone {
    /// The zone's name, or its id.
    pub availability_zone: String,
    /// The Elastic IP addresses, the primary first.
    pub addresses: Vec<Ipv4Addr>,
}

impl RegionalNatGateway {
    /// Its public addresses, zone by zone.
    pub fn addresses(&self) -> impl Iterator<Item = Ipv4Addr> + '_ {
        self.zones.iter().flat_map(|zone| zone.addresses.iter().copied())
    }

    fn works(&self) -> bool {
        matches!(self.state, NatGatewayState::Available | NatGatewayState::Deleting)
    }

    /// A subnet of the VPC in a zone.
    fn subnet_in(&self, zone: &str, topology: &Topology) -> Option<Id<Subnet>> {
        let is_there = |subnet: &Subnet| {
            subnet.vpc == self.vpc
                && (subnet.availability_zone == zone || subnet.availability_zone_id.as_deref() == Some(zone))
        };
        topology.subnets.iter().find(|(_, subnet)| is_there(subnet)).map(|(id, _)| id)
    }
}

impl Resource for RegionalNatGateway {
    const KIND: Kind = Kind::RegionalNatGateway;
    const NOUN: &'static str = "regional NAT gateway";
    const IS_ROUTE_TARGET: bool = true;
    const COVERAGE: Coverage = Coverage::of(
        "a place and addresses in each zone, its own route table",
        "addresses that it adds by itself",
    );

    fn label(&self) -> &Label {
        &self.label
    }

    fn vpc(id: Id<Self>, topology: &Topology) -> Option<Id<Vpc>> {
        Some(topology.regional_nat_gateways[id].vpc)
    }

    fn rank(&self, _: Id<Self>, _: &Arrangement<'_>) -> Rank {
        Rank::of_vpc(self.vpc)
    }

    fn renumber(&mut self, order: &Renumbering) {
        order.id(&mut self.vpc);
        order.ids(&mut self.route_table);
    }

    fn validate(id: Id<Self>, topology: &Topology, findings: &mut Findings) {
        let gateway = &topology.regional_nat_gateways[id];
        let (name, origin) = (gateway.label.display(), gateway.label.origin);
        let vpc = topology.vpcs[gateway.vpc].label.display();
        let mut error = |rule, message: String, help: &str| {
            findings.push(Finding::error("regional-nat-gateway", origin, message).rule(rule).help(help));
        };
        for (index, zone) in gateway.zones.iter().enumerate() {
            let (called, count) = (&zone.availability_zone, zone.addresses.len());
            if gateway.subnet_in(called, topology).is_none() {
                let message = format!("regional NAT gateway {name} serves {called}, where VPC {vpc} has no subnet");
                error("NAT-45", message, "name zones in which the VPC has subnets");
            }
            if gateway.zones[..index].iter().any(|other| other.availability_zone == *called) {
                let message = format!("regional NAT gateway {name} names {called} twice");
                error("NAT-45", message, "name each zone once, with all of its addresses");
            }
            if count == 0 || count > ADDRESSES_OF_ZONE_MAX {
                let message = format!("regional NAT gateway {name} has {count} addresses in {called}");
                error("NAT-11", message, "give each zone one to 32 Elastic IP addresses");
            }
        }
        if topology.internet_gateways.iter().all(|(_, row)| row.vpc != Some(gateway.vpc)) {
            let message = format!("regional NAT gateway {name} is in VPC {vpc}, which has no internet gateway");
            error("NAT-47", message, "attach an internet gateway to the VPC");
        }
        if gateway.route_table.is_some_and(|table| topology.route_tables[table].vpc != gateway.vpc) {
            let message = format!("the route table of regional NAT gateway {name} is in another VPC");
            error("GRT-11", message, "name a route table of the gateway's VPC");
        }
    }

    fn place(id: Id<Self>, place: &mut Place<'_>) {
        let topology = place.topology;
        let gateway = &topology.regional_nat_gateways[id];
        if !gateway.works() {
            return;
        }
        let mut places: Vec<(u16, ClaimIndex)> = Vec::new();
        for zone in &gateway.zones {
            if let Some(subnet) = gateway.subnet_in(&zone.availability_zone, topology) {
                places.push((place.zone_of(subnet), place_zone(id, zone, subnet, place)));
            }
        }
        if gateway.expands && let Some(&(_, first)) = places.first() {
            let own = topology.subnets.iter().filter(|(_, subnet)| subnet.vpc == gateway.vpc);
            for zone in own.map(|(subnet, _)| place.zone_of(subnet)) {
                if places.iter().all(|(served, _)| *served != zone) {
                    places.push((zone, first));
                }
            }
        }
        let target = ZonalTarget { owner: id.into(), places, elsewhere: drop_reason::REGIONAL_NAT_ZONE };
        place.fabric_mut(gateway.vpc).push_zonal(target);
    }

    fn build(id: Id<Self>, build: &mut Build<'_>) {
        let (place, topology) = (build.place, build.topology);
        let gateway = &topology.regional_nat_gateways[id];
        let fabric = build.fabric(gateway.vpc);
        let routes = gateway.route_table.map(|table| build.routes(table));
        let mut points = place.capture_points_of(id.into());
        let decision = Decision::by(topology.component(id));
        let claims = fabric.claims().iter().filter(|claim| claim.owner == id.into() && claim.address.is_none());
        for (zone, claim) in gateway.zones.iter().zip(claims) {
            let mut point = || points.next().expect("placing named two points for each zone");
            let plan = Plan {
                decision,
                state: gateway.state,
                is_public: true,
                has_transit: has_transit(gateway.vpc, topology),
                addresses: zone.addresses.clone(),
                fabric: Arc::clone(&fabric),
                subnet_node: claim.subnet_node,
                mac: claim.mac,
                router_mac: gateway_mac(claim.subnet_node),
                limit: topology.settings.limits.map(|limits| limits.nat_gateway),
                inside: point(),
                outside: point(),
            };
            build.install_for_sets(claim.node, NatGatewayDevice::new(plan));
            let router = RegionalRouter {
                decision,
                zone: claim.zone,
                fabric: Arc::clone(&fabric),
                routes: routes.clone(),
                internet_gateway: fabric.internet_gateway,
            };
            build.install_for_sets(claim.subnet_node, router);
        }
    }

    fn next_hop(id: Id<Self>, from: Id<Vpc>, place: &Place<'_>) -> NextHop {
        place.fabric(from).zonal_of(id.into()).map_or(NextHop::Blackhole, NextHop::Zonal)
    }
}

/// The nodes of a zone: the translation, and the router around it. Gives the claim that routes lead to.
fn place_zone(id: Id<RegionalNatGateway>, zone: &ServedZone, subnet: Id<Subnet>, place: &mut Place<'_>) -> ClaimIndex {
    let gateway = &place.topology.regional_nat_gateways[id];
    let (vpc, zone_number) = (gateway.vpc, place.zone_of(subnet));
    let node = place.reserve(id);
    let router = place.reserve_anonymous(Some(id.into()));
    let claim = |address, port| Claim {
        address,
        node,
        port,
        subnet,
        subnet_node: router,
        zone: zone_number,
        mac: gateway_mac(node),
        owner: id.into(),
    };
    for address in &zone.addresses {
        place.fabric_mut(vpc).push(claim(Some(*address), ADDRESSED));
        place.claim_public(*address, vpc, *address);
    }
    let routed = place.fabric_mut(vpc).push(claim(None, ROUTED));
    for side in ["inside", "outside"] {
        let name = format!("{} {} {side}", gateway.label.name, zone.availability_zone);
        let description = format!("{} in {}", gateway.label.id_or_name(), zone.availability_zone);
        place.capture_point(name, description, LinkLayer::Ip, id.into(), node);
    }
    routed
}

/// What stands around the translation of a zone in a subnet's stead: the gateway's own route table, and no network ACL.
#[derive(Clone)]
struct RegionalRouter {
    decision: Decision,
    zone: u16,
    fabric: Arc<Fabric>,
    routes: Option<Arc<RouteLookup>>,
    internet_gateway: Option<NodeId>,
}

impl RegionalRouter {
    /// By the route table; without one inside the VPC, or by the internet gateway.
    fn route(&self, destination: Ipv4Addr) -> (NextHop, Decision) {
        match &self.routes {
            Some(routes) => match routes.lookup(destination) {
                Some(route) => (route.next_hop, route.decision),
                None => (NextHop::NotATarget, Decision::by(routes.component())),
            },
            None if self.fabric.covers(destination) => (NextHop::Local, self.decision),
            None => {
                let port = crate::devices::internet_gateway::FROM_VPC;
                let gateway = self.internet_gateway.map(|node| NextHop::Gateway { node, port });
                (gateway.unwrap_or(NextHop::NotATarget), self.decision)
            }
        }
    }

    /// The place inside the VPC that a route leads to.
    fn place_of(&self, next_hop: NextHop, destination: Ipv4Addr) -> Result<ClaimIndex, DropReason> {
        match next_hop {
            NextHop::Local => self.fabric.find(destination).map(|(index, _)| index).ok_or(drop_reason::NO_SUCH_ADDRESS),
            NextHop::Inside(index) => Ok(index),
            NextHop::Zonal(target) => self.fabric.zonal(target).in_zone(self.zone),
            NextHop::Gateway { .. } | NextHop::Unmodelled => Err(drop_reason::NOT_MODELLED),
            NextHop::NotATarget => Err(drop_reason::NO_ROUTE),
            NextHop::Blackhole => Err(drop_reason::BLACKHOLE),
        }
    }

    fn leave(&self, context: &mut Context<'_>, packet: Handle) -> Step {
        let destination = context.packet(packet).key().map(vpcsim_wire::FlowKey::destination);
        let destination = destination.unwrap_or(Ipv4Addr::UNSPECIFIED);
        let (next_hop, decision) = self.route(destination);
        if let NextHop::Gateway { node, port } = next_hop {
            context.pass(packet, station::ROUTE, decision);
            context.repeats(Repeat::ALWAYS);
            return Step::Forward { to: node, port };
        }
        match self.place_of(next_hop, destination) {
            Ok(index) => {
                context.pass(packet, station::ROUTE, decision);
                mark::set_claim(context.packet_mut(packet), index);
                context.repeats(Repeat::ALWAYS);
                self.fabric.enter(self.zone, self.fabric.claim(index))
            }
            Err(reason) => Step::drop(reason, decision),
        }
    }
}

impl Node for RegionalRouter {
    fn process(&mut self, context: &mut Context<'_>, port: Port, packet: Handle) -> Step {
        if port != ENTERING {
            return self.leave(context, packet);
        }
        match mark::claim(context.packet(packet)) {
            Some(index) => {
                let claim = self.fabric.claim(index);
                context.repeats(Repeat::ALWAYS);
                Step::Forward { to: claim.node, port: claim.port }
            }
            None => Step::drop(drop_reason::NAT_NO_STATE, self.decision),
        }
    }

    /// Routes keep no state.
    fn repeats(&self) -> bool {
        true
    }
}

impl SetDevice for RegionalRouter {
    fn pass(&self, port: Port, packets: &mut PacketSet, _: &mut SetWay) -> SetStep {
        if port == ENTERING {
            let Some(index) = mark::claim_in(packets.mark) else {
                return SetStep::Drop(drop_reason::NAT_NO_STATE, self.decision);
            };
            let claim = self.fabric.claim(index);
            return SetStep::Forward(claim.node, claim.port);
        }
        let (next_hop, decision) = self.route(packets.destination);
        let found = match next_hop {
            NextHop::Gateway { node, port } => return SetStep::Forward(node, port),
            NextHop::Unmodelled => return SetStep::Opaque,
            _ => self.place_of(next_hop, packets.destination),
        };
        match found {
            Ok(index) => {
                packets.go_to(index);
                SetStep::Forward(self.fabric.claim(index).subnet_node, ENTERING)
            }
            Err(reason) => SetStep::Drop(reason, decision),
        }
    }
}

#[cfg(test)]
mod tests {
    use vpcsim_wire::{PacketBuilder, summarize, tcp};

    use super::*;
    use crate::devices::network_acl::NetworkAclEntry;
    use crate::devices::route_table::{Route, RouteDestination, RouteSource, RouteTarget};
    use crate::devices::{InternetGateway, NetworkAcl, NetworkInterface};
    use crate::fixtures::{Lab, address, allow, attach, group, interface, net, subnet, vpc};
    use crate::model::Origin;
    use crate::traffic::Traffic;

    const FAR: &str = "198.51.100.9";

    /// Hosts in three zones, of which the gateway serves the first two.
    struct Design {
        topology: Topology,
        gateway: Id<RegionalNatGateway>,
        hosts: [Id<NetworkInterface>; 3],
    }

    fn route(destination: &str, target: RouteTarget) -> Route {
        Route {
            destination: RouteDestination::Cidr(net(destination)),
            target,
            source: RouteSource::Static,
            blackhole: false,
            origin: Origin::NOWHERE,
        }
    }

    fn design() -> Design {
        let mut topology = Topology::named("t", "eu-west-1");
        let vpc = topology.vpcs.push(vpc("v", "10.0.0.0/16"));
        topology.internet_gateways.push(InternetGateway {
            label: Label::named("igw"),
            vpc: Some(vpc),
            route_table: None,
        });
        let served = |zone: &str, addresses: &[&str]| ServedZone {
            availability_zone: zone.to_owned(),
            addresses: addresses.iter().map(|text| address(text)).collect(),
        };
        let gateway = topology.regional_nat_gateways.push(RegionalNatGateway {
            label: Label::named("out"),
            vpc,
            state: NatGatewayState::Available,
            zones: vec![served("eu-west-1a", &["203.0.113.1"]), served("eu-west-1b", &["203.0.113.2"])],
            expands: false,
            route_table: None,
        });
        topology.route_tables.push(RouteTable {
            label: Label::named("main"),
            vpc,
            main: true,
            routes: vec![route("0.0.0.0/0", RouteTarget::Resource(gateway.into()))],
        });
        let open = || vec![allow(Traffic::All, "0.0.0.0/0")];
        let open = topology.security_groups.push(group(vpc, "open", open(), open()));
        let hosts = ["a", "b", "c"].map(|letter| {
            let number = letter.as_bytes()[0] - b'a' + 1;
            let mut row = subnet(vpc, letter, &format!("10.0.{number}.0/24"));
            row.availability_zone = format!("eu-west-1{letter}");
            let row = topology.subnets.push(row);
            attach(&mut topology, letter, interface(row, &format!("10.0.{number}.10"), &[open]))
        });
        Design { topology, gateway, hosts }
    }

    fn syn(zone: usize) -> Vec<u8> {
        let from = address(&format!("10.0.{}.10", zone + 1));
        PacketBuilder::tcp(from, 40_000, address(FAR), 443).flags(tcp::SYN).build()
    }

    /// The source as which a host of the zone appears on the internet, or its packet's way.
    fn appears_as(lab: &mut Lab, hosts: &[Id<NetworkInterface>; 3], zone: usize) -> String {
        let way = lab.send(hosts[zone], &syn(zone));
        let outside = lab.received_at(lab.compiled.fixed.internet_hosts);
        match outside.last().filter(|_| way.ends_with("deliver")) {
            Some(bytes) => summarize(bytes).unwrap().source().to_string(),
            None => way,
        }
    }

    fn answer(to: &str) -> Vec<u8> {
        PacketBuilder::tcp(address(FAR), 443, address(to), 1024).flags(tcp::SYN | tcp::ACK).build()
    }

    fn send_in(lab: &mut Lab, bytes: &[u8]) -> String {
        let fixed = lab.compiled.fixed;
        let uplink = (fixed.internet, crate::devices::internet_host::FROM_HOSTS);
        lab.send_between(fixed.internet_hosts, uplink, bytes)
    }

    #[test]
    fn each_zone_goes_out_with_its_own_address_and_gets_its_answers_back() {
        let design = design();
        let mut lab = Lab::new(design.topology);
        for (zone, public) in [(0, "203.0.113.1"), (1, "203.0.113.2")] {
            assert_eq!(appears_as(&mut lab, &design.hosts, zone), public);
            let way = send_in(&mut lab, &answer(public));
            assert!(way.ends_with("Route SubnetIn EniIn deliver"), "{way}");
            assert_eq!(lab.received(design.hosts[zone]).len(), 1);
        }
    }

    #[test]
    fn a_zone_that_it_does_not_serve_is_dropped_or_served_from_another_one() {
        let mut design = design();
        let mut lab = Lab::new(design.topology.clone());
        assert!(appears_as(&mut lab, &design.hosts, 2).ends_with("drop REGIONAL_NAT_ZONE"));
        design.topology.regional_nat_gateways[design.gateway].expands = true;
        let mut lab = Lab::new(design.topology);
        assert_eq!(appears_as(&mut lab, &design.hosts, 2), "203.0.113.1");
    }

    #[test]
    fn no_network_acl_but_that_of_the_hosts_subnet_stands_before_it() {
        let mut design = design();
        let deny = NetworkAclEntry {
            number: 100,
            allow: false,
            traffic: Traffic::All,
            cidr: net("0.0.0.0/0"),
            origin: Origin::NOWHERE,
        };
        let vpc = Id::from_index(0);
        let acl = NetworkAcl {
            label: Label::named("closed"),
            vpc,
            default: false,
            ingress: vec![deny],
            egress: vec![deny],
        };
        let acl = design.topology.network_acls.push(acl);
        for subnet in [1, 2] {
            design.topology.subnets[Id::from_index(subnet)].network_acl = Some(acl);
        }
        let mut lab = Lab::new(design.topology);
        assert_eq!(appears_as(&mut lab, &design.hosts, 0), "203.0.113.1");
        assert!(appears_as(&mut lab, &design.hosts, 1).ends_with("drop NACL_EGRESS"));
    }

    #[test]
    fn its_own_route_table_decides_where_packets_go_on() {
        let mut design = design();
        let table = design.topology.route_tables.push(RouteTable {
            label: Label::named("of the gateway"),
            vpc: Id::from_index(0),
            main: false,
            routes: Vec::new(),
        });
        design.topology.regional_nat_gateways[design.gateway].route_table = Some(table);
        let mut lab = Lab::new(design.topology.clone());
        assert!(appears_as(&mut lab, &design.hosts, 0).ends_with("drop NO_ROUTE"));
        let out = route("0.0.0.0/0", RouteTarget::Resource(Id::<InternetGateway>::from_index(0).into()));
        design.topology.route_tables[table].routes.push(out);
        let mut lab = Lab::new(design.topology);
        assert_eq!(appears_as(&mut lab, &design.hosts, 0), "203.0.113.1");
    }

    #[test]
    fn a_zone_has_up_to_32_addresses_and_all_of_them_lead_to_it() {
        let mut design = design();
        let zone = &mut design.topology.regional_nat_gateways[design.gateway].zones[0];
        zone.addresses.push(address("203.0.113.11"));
        let mut lab = Lab::new(design.topology.clone());
        for own in ["203.0.113.1", "203.0.113.11"] {
            assert!(send_in(&mut lab, &answer(own)).ends_with("drop NAT_NO_STATE"), "{own}");
        }
        assert!(send_in(&mut lab, &answer("203.0.113.12")).ends_with("deliver"), "somebody else's");
        design.topology.regional_nat_gateways[design.gateway].zones[0].addresses = vec![address("203.0.113.1"); 33];
        assert_eq!(codes(&design).len(), 1);
    }

    fn codes(design: &Design) -> Vec<&'static str> {
        let mut findings = Findings::default();
        RegionalNatGateway::validate(design.gateway, &design.topology, &mut findings);
        findings.iter().map(|finding| finding.code).collect()
    }

    #[test]
    fn zones_without_subnets_zones_twice_and_vpcs_without_internet_gateway_are_refused() {
        assert!(codes(&design()).is_empty());
        let mut wrong = design();
        let zones = &mut wrong.topology.regional_nat_gateways[wrong.gateway].zones;
        zones[0].availability_zone = "eu-west-1z".to_owned();
        let again = zones[1].clone();
        zones.push(again);
        wrong.topology.internet_gateways[Id::from_index(0)].vpc = None;
        assert_eq!(codes(&wrong), ["regional-nat-gateway"; 3]);
    }
}
