//! Random routes: outwards, to peers, and inside the VPC.

use ipnet::Ipv4Net;
use vpcsim_aws::devices::Vpc;
use vpcsim_aws::devices::route_table::{Route, RouteDestination, RouteSource, RouteTarget};
use vpcsim_aws::{AnyId, Id};

use super::{Maker, peerings_of, subnets_of, topology_cidr};
use crate::designs::{net, route, route_to};

impl Maker {
    pub(super) fn routes(&mut self) {
        for table in self.sketch.topology.route_tables.ids() {
            let vpc = self.sketch.topology.route_tables[table].vpc;
            let mut routes = Vec::new();
            if self.percent(85) {
                routes.push(self.default_route(vpc));
            }
            if self.percent(20) {
                let target = self.outward_target(vpc);
                routes.push(route_to("203.0.113.0/24", target));
            }
            self.peer_routes(vpc, &mut routes);
            if self.percent(12) {
                routes.extend(self.route_inside(vpc));
            }
            if self.percent(20) {
                routes.extend(self.prefix_list_route(vpc));
            }
            if self.percent(15) {
                routes.push(self.propagated_route());
            }
            self.sketch.topology.route_tables[table].routes = routes;
        }
    }

    fn default_route(&mut self, vpc: Id<Vpc>) -> Route {
        let target = self.outward_target(vpc);
        route_to("0.0.0.0/0", target)
    }

    fn outward_target(&mut self, vpc: Id<Vpc>) -> RouteTarget {
        let topology = &self.sketch.topology;
        let gateway = topology
            .internet_gateways
            .iter()
            .find(|(_, row)| row.vpc == Some(vpc));
        let gateway = gateway.map(|(id, _)| AnyId::from(id));
        let gateways = topology
            .nat_gateways
            .iter()
            .filter(|(_, row)| topology.subnets[row.subnet].vpc == vpc);
        let gateways: Vec<AnyId> = gateways.map(|(id, _)| id.into()).collect();
        let peerings: Vec<AnyId> = peerings_of(topology, vpc)
            .into_iter()
            .map(|(id, _)| id.into())
            .collect();
        let interfaces = self.interfaces_in(vpc);
        let chosen = match self.random.below(10) {
            0..=4 => gateway,
            5..=7 => self.pick(&gateways).or(gateway),
            8 => self.pick(&peerings),
            _ => self.pick(&interfaces),
        };
        chosen.map_or_else(|| RouteTarget::Missing("gone".to_owned()), RouteTarget::Resource)
    }

    fn interfaces_in(&self, vpc: Id<Vpc>) -> Vec<AnyId> {
        let topology = &self.sketch.topology;
        let rows = topology.network_interfaces.iter();
        rows.filter(|(_, row)| topology.subnets[row.subnet].vpc == vpc)
            .map(|(id, _)| id.into())
            .collect()
    }

    /// Whole ranges or single subnets of the VPCs at the other ends, and now and then of one that is further away.
    fn peer_routes(&mut self, vpc: Id<Vpc>, routes: &mut Vec<Route>) {
        for (peering, other) in peerings_of(&self.sketch.topology, vpc) {
            let subnets = subnets_of(&self.sketch.topology, other);
            if self.percent(75) {
                let cidr = topology_cidr(&self.sketch.topology, other);
                routes.push(route(&cidr, peering));
            } else if let Some(subnet) = self.pick(&subnets) {
                let cidr = self.sketch.topology.subnets[subnet].cidr.to_string();
                routes.push(route(&cidr, peering));
            }
            let further = self
                .sketch
                .topology
                .vpcs
                .ids()
                .find(|id| *id != vpc && *id != other);
            if let Some(further) = further.filter(|_| self.random.chance_ppm(150_000)) {
                let cidr = topology_cidr(&self.sketch.topology, further);
                if !routes
                    .iter()
                    .any(|known| known.destination == route(&cidr, peering).destination)
                {
                    routes.push(route(&cidr, peering));
                }
            }
        }
        routes.dedup_by_key(|route| format!("{:?}", route.destination));
    }

    /// A route that is more specific than `local`, for a whole subnet (RT-07).
    fn route_inside(&mut self, vpc: Id<Vpc>) -> Option<Route> {
        let topology = &self.sketch.topology;
        let gateways = topology
            .nat_gateways
            .iter()
            .filter(|(_, row)| topology.subnets[row.subnet].vpc == vpc);
        let mut targets: Vec<AnyId> = gateways.map(|(id, _)| id.into()).collect();
        targets.extend(self.interfaces_in(vpc));
        let subnets = subnets_of(topology, vpc);
        let cidr = self
            .pick(&subnets)
            .map(|subnet| self.sketch.topology.subnets[subnet].cidr.to_string())?;
        self.pick(&targets).map(|target| route(&cidr, target))
    }

    /// One at the most for each table: which of two lists wins is AWS's secret (RT-15).
    fn prefix_list_route(&mut self, vpc: Id<Vpc>) -> Option<Route> {
        let lists: Vec<_> = self.sketch.topology.prefix_lists.ids().collect();
        let destination = RouteDestination::PrefixList(self.pick(&lists)?);
        let target = self.outward_target(vpc);
        Some(Route {
            destination,
            ..route_to("0.0.0.0/0", target)
        })
    }

    /// What a virtual private gateway learnt, some of it inside the VPCs, where it never counts (RT-06).
    fn propagated_route(&mut self) -> Route {
        let destination: Ipv4Net =
            net(["10.10.1.0/25", "198.51.100.0/24", "203.0.113.0/25"][self.random.below(3) as usize]);
        let target = RouteTarget::Unmodelled("virtual private gateway".to_owned(), "vgw-1".to_owned());
        let destination = RouteDestination::Cidr(destination);
        Route {
            destination,
            source: RouteSource::Propagated,
            ..route_to("0.0.0.0/0", target)
        }
    }
}
