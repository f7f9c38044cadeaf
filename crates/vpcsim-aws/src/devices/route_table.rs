//! Route table: where a subnet sends what leaves it.
//!
//! # AWS semantics
//!
//! - Every table holds a `local` route for each address range of its VPC, declared or not (RT-01, CIDR-14).
//! - The longest prefix that covers the destination wins (RT-04).
//! - Of equal prefixes a static route, which `local` is too, beats one of a prefix list, and that a propagated one (RT-05,
//!   RT-13, RT-14).
//! - `local` beats every propagated route, even a more specific one (RT-06).
//! - A static route may be more specific than `local` (RT-07), and the target of `local` may be replaced (RT-09).
//! - A black hole still wins by its prefix, and drops: the packet does not fall through to a shorter route (RT-22, RT-23).
//! - A more specific route through an instance, or `local` replaced by one, detours the subnet's own packets only: the answers
//!   need a route of their own (RT-08), and what stays in the subnet is not detoured (RT-09, L2-08).
//! - An instance on the way must stand in another subnet than sender and receiver, or gets its own packets back (RT-30).
//! - A deleted NAT gateway leaves black holes behind (RT-24, NAT-41).
//! - Only the destination decides (RT-32), and one route, one target (RT-34).
//!
//! # Where AWS is silent
//!
//! - Of two prefix lists with the same range the one that is declared first wins, always (RT-15).

use std::net::Ipv4Addr;

use ipnet::Ipv4Net;
use vpcsim_engine::{ComponentId, Decision};

use crate::arrangement::{Arrangement, Rank, Renumbering};
use crate::compile::{NextHop, Place};
use crate::devices::nat_gateway::NatGatewayState;
use crate::devices::network_interface::{Attachment, NetworkInterface};
use crate::devices::peering_connection::PeeringState;
use crate::devices::{Coverage, AnyId, Kind, PrefixList, Resource, Vpc};
use crate::model::{Findings, Id, Label, Origin};
use crate::topology::Topology;
use crate::validation::{self, hidden_routes::RankedRange};

/// A route table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RouteTable {
    /// How it is called.
    pub label: Label,
    /// The VPC it is part of.
    pub vpc: Id<Vpc>,
    /// Whether it is the VPC's main one.
    pub main: bool,
    /// Its routes, without the implied `local` ones unless their target was replaced.
    pub routes: Vec<Route>,
}

/// A route.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Route {
    /// Which destinations it is for.
    pub destination: RouteDestination,
    /// Where it sends them.
    pub target: RouteTarget,
    /// How it came to be there.
    pub source: RouteSource,
    /// Whether the input itself says that it is a black hole (RT-22).
    pub blackhole: bool,
    /// Where it is declared.
    pub origin: Origin,
}

/// Which destinations a route is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RouteDestination {
    /// One range.
    Cidr(Ipv4Net),
    /// The entries of a prefix list.
    PrefixList(Id<PrefixList>),
}

/// Where a route leads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RouteTarget {
    /// Inside the VPC.
    Local,
    /// To a resource.
    Resource(AnyId),
    /// To something that is not modelled; its noun and its id (`transit gateway`, `tgw-1`).
    Unmodelled(String, String),
    /// To something that the design does not have: a black hole (RT-22); its id.
    Missing(String),
}

/// How a route came to be in its table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum RouteSource {
    /// Made by a person (`CreateRoute`) or with the table.
    Static,
    /// Propagated by a gateway.
    Propagated,
}

impl Resource for RouteTable {
    const KIND: Kind = Kind::RouteTable;
    const NOUN: &'static str = "route table";
    const COVERAGE: Coverage = Coverage::of(
        "longest prefix, static before propagated, prefix lists, routes inside the VPC, black holes",
        "route propagation of gateways that are not modelled",
    );

    fn label(&self) -> &Label {
        &self.label
    }

    fn vpc(id: Id<Self>, topology: &Topology) -> Option<Id<Vpc>> {
        Some(topology.route_tables[id].vpc)
    }

    fn rank(&self, _: Id<Self>, _: &Arrangement<'_>) -> Rank {
        Rank::of_vpc(self.vpc)
    }

    fn renumber(&mut self, order: &Renumbering) {
        order.id(&mut self.vpc);
        for route in &mut self.routes {
            if let RouteDestination::PrefixList(list) = &mut route.destination {
                order.id(list);
            }
            if let RouteTarget::Resource(target) = &mut route.target {
                order.any(target);
            }
        }
    }

    fn validate(id: Id<Self>, topology: &Topology, findings: &mut Findings) {
        validation::route_table::check(id, topology, findings);
    }

    fn rule_text(id: Id<Self>, rule: usize, topology: &Topology) -> Option<String> {
        let table = topology.route_tables.find(id)?;
        if let Some(route) = table.routes.get(rule) {
            return Some(route.words(topology));
        }
        let cidr = topology.vpcs[table.vpc].cidrs.get(rule - table.routes.len())?;
        Some(format!("{} -> local", cidr.net))
    }
}

impl RouteTarget {
    /// Why what is sent there is lost, where the design tells it (RT-22).
    pub fn fault(&self, topology: &Topology) -> Option<String> {
        let target = match self {
            Self::Missing(id) if id == "blackhole" => return None,
            Self::Missing(id) => return Some(format!("the design has no {id}")),
            Self::Resource(target) => *target,
            Self::Local | Self::Unmodelled(..) => return None,
        };
        let problem = match target.kind {
            Kind::NetworkInterface => return interface_fault(target.id(), topology),
            Kind::Instance if !topology.instances.find(target.id())?.running => "is stopped",
            Kind::InternetGateway => match topology.internet_gateways.find(target.id())?.vpc {
                None => "is attached to no VPC",
                Some(_) => return None,
            },
            Kind::NatGateway => match topology.nat_gateways.find(target.id())?.state {
                NatGatewayState::Available | NatGatewayState::Deleting => return None,
                _ => "is not available",
            },
            Kind::RegionalNatGateway => match topology.regional_nat_gateways.find(target.id())?.state {
                NatGatewayState::Available | NatGatewayState::Deleting => return None,
                _ => "is not available",
            },
            Kind::PeeringConnection => match topology.peering_connections.find(target.id())?.state {
                PeeringState::Active => return None,
                PeeringState::PendingAcceptance => "waits to be accepted",
                state if state.is_over() => "is over",
                _ => "is not active yet",
            },
            _ => return None,
        };
        Some(format!("{} {} {problem}", target.kind.noun(), topology.name_of(target)))
    }
}

fn interface_fault(id: Id<NetworkInterface>, topology: &Topology) -> Option<String> {
    let name = topology.name_of(id);
    match topology.network_interfaces.find(id)?.attachment {
        Attachment::None => Some(format!("network interface {name} is attached to nothing")),
        Attachment::Instance { instance, .. } => {
            let declared = topology.instances.find(instance)?;
            (!declared.running).then(|| format!("instance {} is stopped", topology.name_of(instance)))
        }
        _ => None,
    }
}

impl Route {
    /// `10.0.0.0/16 -> nat-a`, as traces show it.
    pub fn words(&self, topology: &Topology) -> String {
        let destination = match self.destination {
            RouteDestination::Cidr(net) => net.to_string(),
            RouteDestination::PrefixList(list) => topology.name_of(list).to_owned(),
        };
        let target = match &self.target {
            RouteTarget::Local => "local".to_owned(),
            RouteTarget::Resource(any) => topology.name_of(*any).to_owned(),
            RouteTarget::Unmodelled(noun, id) => format!("{id} ({noun}, not modelled)"),
            RouteTarget::Missing(id) => format!("{id} (does not exist)"),
        };
        let state = if self.blackhole { " (blackhole)" } else { "" };
        format!("{destination} -> {target}{state}")
    }

    fn next_hop(&self, vpc: Id<Vpc>, place: &Place<'_>) -> NextHop {
        match &self.target {
            _ if self.blackhole => NextHop::Blackhole,
            RouteTarget::Local => NextHop::Local,
            RouteTarget::Unmodelled(..) => NextHop::Unmodelled,
            RouteTarget::Missing(_) => NextHop::Blackhole,
            RouteTarget::Resource(target) => match place.next_hop(*target, vpc) {
                NextHop::NotATarget => NextHop::Blackhole,
                next_hop => next_hop,
            },
        }
    }
}

/// The route that a destination takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RouteMatch {
    /// The route's range.
    pub net: Ipv4Net,
    /// Where it leads.
    pub next_hop: NextHop,
    /// The table and the number of the route in it; the implied local routes follow the declared ones.
    pub decision: Decision,
}

/// The compiled routes of a table.
#[derive(Clone, Debug)]
pub struct RouteLookup {
    component: ComponentId,
    /// The longest prefix first; of each prefix only the winner.
    routes: Vec<RouteMatch>,
    /// For large tables: where each run of equally routed addresses starts, and its route.
    runs: Vec<(u32, u32)>,
}

/// Up to this many routes looking at each in turn is fastest.
const SCANNED_ROUTES_MAX: usize = 4;
const NO_ROUTE: u32 = u32::MAX;

impl RouteLookup {
    /// The table.
    pub fn component(&self) -> ComponentId {
        self.component
    }

    /// The route for a destination.
    #[inline]
    pub fn lookup(&self, destination: Ipv4Addr) -> Option<&RouteMatch> {
        if self.runs.is_empty() {
            return self.routes.iter().find(|route| route.net.contains(&destination));
        }
        let address = u32::from(destination);
        let run = self.runs.partition_point(|&(start, _)| start <= address).checked_sub(1)?;
        self.routes.get(self.runs[run].1 as usize)
    }

    /// Every route that covers the destination, the winner first.
    pub fn candidates(&self, destination: Ipv4Addr) -> impl Iterator<Item = &RouteMatch> {
        self.routes.iter().filter(move |route| route.net.contains(&destination))
    }

    /// All routes that can win, the longest prefix first.
    pub fn routes(&self) -> &[RouteMatch] {
        &self.routes
    }

    fn new(component: ComponentId, mut candidates: Vec<(u8, RouteMatch)>) -> Self {
        candidates.sort_by_key(|(priority, route)| {
            (u8::MAX - route.net.prefix_len(), u32::from(route.net.network()), *priority, route.decision.rule)
        });
        candidates.dedup_by_key(|(_, route)| route.net);
        let routes: Vec<RouteMatch> = candidates.into_iter().map(|(_, route)| route).collect();
        let runs = if routes.len() > SCANNED_ROUTES_MAX { runs_of(&routes) } else { Vec::new() };
        Self { component, routes, runs }
    }
}

/// Cuts the address space where any route begins or ends, and finds the winner of each piece once.
fn runs_of(routes: &[RouteMatch]) -> Vec<(u32, u32)> {
    let mut starts = vec![0];
    for route in routes {
        starts.push(u32::from(route.net.network()));
        starts.extend(u32::from(route.net.broadcast()).checked_add(1));
    }
    starts.sort_unstable();
    starts.dedup();
    let winner = |start: u32| {
        let found = routes.iter().position(|route| route.net.contains(&Ipv4Addr::from(start)));
        found.map_or(NO_ROUTE, |index| index as u32)
    };
    let mut runs: Vec<(u32, u32)> = starts.into_iter().map(|start| (start, winner(start))).collect();
    runs.dedup_by_key(|(_, route)| *route);
    runs
}

/// The ranges of all routes that count, with their ranks; the implied local routes follow the declared ones.
pub(crate) fn ranked(id: Id<RouteTable>, topology: &Topology) -> Vec<RankedRange> {
    let table = &topology.route_tables[id];
    let vpc = &topology.vpcs[table.vpc];
    let local = || vpc.cidrs.iter().enumerate().filter(|(_, cidr)| cidr.associated);
    let mut ranked = Vec::new();
    for (rule, route) in table.routes.iter().enumerate() {
        let propagated = route.source == RouteSource::Propagated;
        let (nets, rank) = match route.destination {
            RouteDestination::Cidr(net) => (vec![net.trunc()], if propagated { 3 } else { 0 }),
            RouteDestination::PrefixList(list) => (topology.prefix_lists[list].entries.clone(), 2),
        };
        let counts = |net: &Ipv4Net| !propagated || !local().any(|(_, cidr)| cidr.net.trunc().contains(net));
        ranked.extend(nets.into_iter().filter(counts).map(|net| RankedRange { rank, net: net.trunc(), rule }));
    }
    let first = table.routes.len();
    ranked.extend(local().map(|(index, cidr)| RankedRange { rank: 1, net: cidr.net.trunc(), rule: first + index }));
    ranked
}

/// Compiles a route table.
pub fn compile(id: Id<RouteTable>, place: &Place<'_>) -> RouteLookup {
    let topology = place.topology;
    let table = &topology.route_tables[id];
    let component = topology.component(id);
    let declared: Vec<NextHop> = table.routes.iter().map(|route| route.next_hop(table.vpc, place)).collect();
    let candidate = |range: RankedRange| {
        let next_hop = declared.get(range.rule).copied().unwrap_or(NextHop::Local);
        (range.rank, RouteMatch { net: range.net, next_hop, decision: Decision::rule(component, range.rule as u32) })
    };
    RouteLookup::new(component, ranked(id, topology).into_iter().map(candidate).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixtures::{net, vpc};

    fn topology(routes: Vec<(RouteDestination, RouteTarget, RouteSource)>) -> Topology {
        let mut topology = Topology::named("t", "eu-west-1");
        let vpc = topology.vpcs.push(vpc("v", "10.0.0.0/16"));
        let routes = routes
            .into_iter()
            .map(|(destination, target, source)| {
                let blackhole = false;
                Route { destination, target, source, blackhole, origin: Origin::NOWHERE }
            })
            .collect();
        topology.route_tables.push(RouteTable { label: Label::named("rtb"), vpc, main: true, routes });
        topology
    }

    fn cidr(text: &str) -> RouteDestination {
        RouteDestination::Cidr(net(text))
    }

    fn black(id: &str) -> RouteTarget {
        RouteTarget::Missing(id.to_owned())
    }

    fn unmodelled(id: &str) -> RouteTarget {
        RouteTarget::Unmodelled("transit gateway".to_owned(), id.to_owned())
    }

    fn winner(topology: &Topology, destination: &str) -> Option<String> {
        let place = Place::new(topology);
        let lookup = compile(Id::from_index(0), &place);
        let route = lookup.lookup(destination.parse().expect("valid"))?;
        RouteTable::rule_text(Id::from_index(0), route.decision.rule_index()?, topology)
    }

    #[test]
    fn every_table_has_a_local_route_for_each_range_of_the_vpc() {
        let topology = topology(vec![]);
        assert_eq!(winner(&topology, "10.0.200.1").as_deref(), Some("10.0.0.0/16 -> local"));
        assert_eq!(winner(&topology, "10.1.0.1"), None);
    }

    #[test]
    fn the_longest_prefix_wins() {
        let topology = topology(vec![
            (cidr("10.1.0.0/16"), black("pcx-1"), RouteSource::Static),
            (cidr("10.1.2.0/24"), unmodelled("tgw-1"), RouteSource::Static),
        ]);
        assert_eq!(winner(&topology, "10.1.2.9").as_deref(), Some("10.1.2.0/24 -> tgw-1 (transit gateway, not modelled)"));
        assert_eq!(winner(&topology, "10.1.3.9").as_deref(), Some("10.1.0.0/16 -> pcx-1 (does not exist)"));
    }

    #[test]
    fn static_beats_prefix_list_beats_propagated() {
        let mut topology = topology(vec![
            (cidr("10.9.0.0/16"), black("vgw-1"), RouteSource::Propagated),
            (RouteDestination::PrefixList(Id::from_index(0)), black("tgw-1"), RouteSource::Static),
            (cidr("10.9.0.0/16"), black("pcx-1"), RouteSource::Static),
        ]);
        let list = PrefixList { label: Label::named("pl"), entries: vec![net("10.9.0.0/16")], entries_max: 1, version: None };
        topology.prefix_lists.push(list);
        assert_eq!(winner(&topology, "10.9.0.1").as_deref(), Some("10.9.0.0/16 -> pcx-1 (does not exist)"));
        topology.route_tables[Id::from_index(0)].routes.pop();
        assert_eq!(winner(&topology, "10.9.0.1").as_deref(), Some("pl -> tgw-1 (does not exist)"));
    }

    #[test]
    fn local_beats_a_prefix_list_that_holds_the_vpcs_own_range() {
        let list = RouteDestination::PrefixList(Id::from_index(0));
        let mut topology = topology(vec![(list, black("nat-1"), RouteSource::Static)]);
        let list = PrefixList { label: Label::named("pl"), entries: vec![net("10.0.0.0/16")], entries_max: 1, version: None };
        topology.prefix_lists.push(list);
        assert_eq!(winner(&topology, "10.0.5.9").as_deref(), Some("10.0.0.0/16 -> local"));
    }

    #[test]
    fn a_more_specific_propagated_route_beats_a_prefix_list_but_never_local() {
        let mut topology = topology(vec![
            (RouteDestination::PrefixList(Id::from_index(0)), black("tgw-1"), RouteSource::Static),
            (cidr("10.9.1.0/24"), black("vgw-1"), RouteSource::Propagated),
            (cidr("10.0.5.0/24"), black("vgw-1"), RouteSource::Propagated),
        ]);
        let list = PrefixList { label: Label::named("pl"), entries: vec![net("10.9.0.0/16")], entries_max: 1, version: None };
        topology.prefix_lists.push(list);
        assert_eq!(winner(&topology, "10.9.1.1").as_deref(), Some("10.9.1.0/24 -> vgw-1 (does not exist)"));
        assert_eq!(winner(&topology, "10.0.5.9").as_deref(), Some("10.0.0.0/16 -> local"));
    }

    #[test]
    fn a_static_route_may_be_more_specific_than_local_and_may_replace_it() {
        let topology = topology(vec![
            (cidr("10.0.2.0/24"), black("eni-fw"), RouteSource::Static),
            (cidr("10.0.0.0/16"), black("eni-all"), RouteSource::Static),
        ]);
        assert_eq!(winner(&topology, "10.0.2.9").as_deref(), Some("10.0.2.0/24 -> eni-fw (does not exist)"));
        assert_eq!(winner(&topology, "10.0.3.9").as_deref(), Some("10.0.0.0/16 -> eni-all (does not exist)"));
    }

    #[test]
    fn a_black_hole_wins_by_its_prefix() {
        let topology = topology(vec![
            (cidr("0.0.0.0/0"), unmodelled("tgw-1"), RouteSource::Static),
            (cidr("10.9.0.0/16"), black("pcx-gone"), RouteSource::Static),
        ]);
        let place = Place::new(&topology);
        let lookup = compile(Id::from_index(0), &place);
        let next_hop = |address: &str| lookup.lookup(address.parse().expect("valid")).map(|route| route.next_hop);
        assert_eq!(next_hop("10.9.0.1"), Some(NextHop::Blackhole));
        assert_eq!(next_hop("10.8.0.1"), Some(NextHop::Unmodelled));
    }

    #[test]
    fn the_first_of_two_prefix_lists_with_the_same_range_wins() {
        let mut topology = topology(vec![
            (RouteDestination::PrefixList(Id::from_index(0)), black("a"), RouteSource::Static),
            (RouteDestination::PrefixList(Id::from_index(1)), black("b"), RouteSource::Static),
        ]);
        for name in ["pl-1", "pl-2"] {
            let entries = vec![net("10.9.0.0/16")];
            topology.prefix_lists.push(PrefixList { label: Label::named(name), entries, entries_max: 1, version: None });
        }
        assert_eq!(winner(&topology, "10.9.0.1").as_deref(), Some("pl-1 -> a (does not exist)"));
    }

    #[test]
    fn large_tables_answer_like_a_scan() {
        let mut random = vpcsim_engine::Random::new(1, 1);
        let candidates: Vec<(u8, RouteMatch)> = (0..300)
            .map(|index| {
                let length = 8 + random.below(25) as u8;
                let address = Ipv4Addr::from(0x0A00_0000 | random.below(1 << 20) as u32);
                let net = Ipv4Net::new(address, length).expect("8 to 32").trunc();
                let decision = Decision::rule(ComponentId(0), index);
                (0, RouteMatch { net, next_hop: NextHop::Local, decision })
            })
            .collect();
        let lookup = RouteLookup::new(ComponentId(0), candidates);
        assert!(!lookup.runs.is_empty());
        for _ in 0..20_000 {
            let address = Ipv4Addr::from(0x0A00_0000 | random.below(1 << 21) as u32);
            assert_eq!(lookup.lookup(address), lookup.candidates(address).next(), "{address}");
        }
    }
}
