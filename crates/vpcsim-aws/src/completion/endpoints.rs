//! What AWS makes with a gateway endpoint: the prefix list of its service, and the routes to it.

use crate::aws_service::known_list;
use crate::devices::route_table::{Route, RouteDestination, RouteSource, RouteTarget};
use crate::devices::vpc_endpoint::EndpointForm;
use crate::devices::{AnyId, PrefixList, RouteTable, VpcEndpoint};
use crate::model::{Id, Origin};
use crate::topology::Topology;

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
