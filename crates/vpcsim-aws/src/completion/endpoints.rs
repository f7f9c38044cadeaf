//! What AWS makes with a VPC endpoint: the routes to a gateway endpoint, and the group of an interface endpoint.

use crate::aws_service::known_list;
use crate::devices::route_table::{Route, RouteDestination, RouteSource, RouteTarget};
use crate::devices::vpc_endpoint::EndpointForm;
use crate::devices::{AnyId, PrefixList, RouteTable, SecurityGroup, Vpc, VpcEndpoint};
use crate::model::{Id, Origin};
use crate::topology::Topology;

/// The interfaces of an endpoint that names no group get the VPC's default one (EP-11).
pub(super) fn join_default_security_groups(topology: &mut Topology) {
    for id in topology.vpc_endpoints.ids() {
        let endpoint = &topology.vpc_endpoints[id];
        let group = default_group(topology, endpoint.vpc);
        for interface in endpoint.interfaces().to_vec() {
            if topology.network_interfaces[interface].security_groups.is_empty() {
                topology.network_interfaces[interface]
                    .security_groups
                    .extend(group);
            }
        }
    }
}

fn default_group(topology: &Topology, vpc: Id<Vpc>) -> Option<Id<SecurityGroup>> {
    let mut groups = topology.security_groups.iter();
    groups
        .find(|(_, group)| group.default && group.vpc == vpc)
        .map(|(id, _)| id)
}

/// The prefix list of a gateway endpoint's service is there without being declared.
pub(super) fn add_service_lists(topology: &mut Topology) {
    for id in topology.vpc_endpoints.ids() {
        let endpoint = &topology.vpc_endpoints[id];
        let (EndpointForm::Gateway { .. }, Some(service)) = (&endpoint.form, endpoint.aws_service()) else {
            continue;
        };
        if topology.service_list(service).is_none()
            && let Some(list) = known_list(service)
        {
            topology.prefix_lists.push(list);
        }
    }
}

/// A gateway endpoint is a route in each of its tables (EP-01).
pub(super) fn add_routes(topology: &mut Topology) {
    for id in topology.vpc_endpoints.ids() {
        let endpoint = &topology.vpc_endpoints[id];
        let EndpointForm::Gateway { route_tables } = &endpoint.form else {
            continue;
        };
        let list = endpoint
            .aws_service()
            .and_then(|service| topology.service_list(service));
        for table in route_tables.clone() {
            add_route(topology, id, list, table);
        }
    }
}

fn add_route(
    topology: &mut Topology,
    endpoint: Id<VpcEndpoint>,
    list: Option<Id<PrefixList>>,
    table: Id<RouteTable>,
) {
    let target = RouteTarget::Resource(AnyId::from(endpoint));
    let Some(list) = list else { return };
    let routes = &mut topology.route_tables[table].routes;
    if routes.iter().all(|route| route.target != target) {
        routes.push(Route {
            destination: RouteDestination::PrefixList(list),
            target,
            source: RouteSource::Static,
            blackhole: false,
            origin: Origin::NOWHERE,
        });
    }
}
