//! `TransitGatewayRouteTables`, with `TransitGatewayPropagations` and `TransitGatewayStaticRoutes`, which name their table.

use serde::Deserialize;
use vpcsim_aws::devices::TransitGatewayRouteTable;
use vpcsim_aws::devices::route_table::RouteDestination;
use vpcsim_aws::devices::transit_gateway_route_table::{TransitRoute, TransitTarget};
use vpcsim_aws::{Kind, Label};

use super::build::Build;
use super::item::{Described, Item, List, Tag, Word};
use super::prefix_list;

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub(super) struct TableJson {
    transit_gateway_route_table_id: String,
    transit_gateway_id: String,
    state: Word,
    tags: List<Tag>,
}

impl Described for TableJson {
    const KIND: Option<Kind> = Some(Kind::TransitGatewayRouteTable);

    fn id(&self) -> &str {
        &self.transit_gateway_route_table_id
    }

    fn tags(&self) -> &[Tag] {
        &self.tags
    }

    fn is_live(&self) -> bool {
        !matches!(&*self.state, "deleted" | "deleting")
    }

    fn declare(item: &Item<'_, Self>, label: Label, build: &mut Build<'_>) {
        let Some(gateway) = build
            .find(&item.value.transit_gateway_id)
            .filter(|_| item.value.is_live())
        else {
            return;
        };
        let table = TransitGatewayRouteTable {
            label,
            gateway,
            associations: Vec::new(),
            propagations: Vec::new(),
            routes: Vec::new(),
        };
        let id = build.topology.transit_gateway_route_tables.push(table);
        build.enter(id, None);
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub(super) struct PropagationsJson {
    transit_gateway_route_table_id: String,
    transit_gateway_route_table_propagations: List<PropagationJson>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
struct PropagationJson {
    transit_gateway_attachment_id: String,
    state: Word,
}

impl Described for PropagationsJson {
    const KIND: Option<Kind> = None;

    fn id(&self) -> &'static str {
        ""
    }

    fn tags(&self) -> &[Tag] {
        &[]
    }

    fn declare(_: &Item<'_, Self>, _: Label, _: &mut Build<'_>) {}

    fn connect(item: &Item<'_, Self>, build: &mut Build<'_>) {
        let Some(table) = build.find::<TransitGatewayRouteTable>(&item.value.transit_gateway_route_table_id)
        else {
            return;
        };
        for propagation in item.value.transit_gateway_route_table_propagations.iter() {
            let in_force = matches!(&*propagation.state, "" | "enabled" | "enabling");
            let attachment = build
                .find(&propagation.transit_gateway_attachment_id)
                .filter(|_| in_force);
            let propagations = &mut build.topology.transit_gateway_route_tables[table].propagations;
            if let Some(attachment) = attachment.filter(|attachment| !propagations.contains(attachment)) {
                propagations.push(attachment);
            }
        }
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub(super) struct RoutesJson {
    transit_gateway_route_table_id: String,
    routes: List<RouteJson>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
struct RouteJson {
    destination_cidr_block: Option<String>,
    prefix_list_id: Option<String>,
    transit_gateway_attachments: List<TargetJson>,
    r#type: Word,
    state: Word,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
struct TargetJson {
    transit_gateway_attachment_id: String,
}

impl Described for RoutesJson {
    const KIND: Option<Kind> = None;

    fn id(&self) -> &'static str {
        ""
    }

    fn tags(&self) -> &[Tag] {
        &[]
    }

    fn declare(_: &Item<'_, Self>, _: Label, _: &mut Build<'_>) {}

    /// Propagated routes are left out: they follow from the propagations.
    fn connect(item: &Item<'_, Self>, build: &mut Build<'_>) {
        let Some(table) = build.find::<TransitGatewayRouteTable>(&item.value.transit_gateway_route_table_id)
        else {
            return;
        };
        for route in item
            .value
            .routes
            .iter()
            .filter(|route| &*route.r#type != "propagated")
        {
            let Some(route) = read_route(item, route, build) else {
                continue;
            };
            let routes = &mut build.topology.transit_gateway_route_tables[table].routes;
            let is_known = |known: &TransitRoute| known.destination == route.destination;
            if !routes.iter().any(is_known) {
                routes.push(route);
            }
        }
    }
}

fn read_route(item: &Item<'_, RoutesJson>, route: &RouteJson, build: &mut Build<'_>) -> Option<TransitRoute> {
    let (destination, text) = match (&route.destination_cidr_block, &route.prefix_list_id) {
        (_, Some(list)) => (
            RouteDestination::PrefixList(prefix_list::referenced(list, item, build)),
            list,
        ),
        (Some(text), None) => (RouteDestination::Cidr(build.cidr(item, text)?), text),
        (None, None) => return None,
    };
    let target = match route.transit_gateway_attachments.iter().next() {
        _ if &*route.state == "blackhole" => TransitTarget::Blackhole,
        None => TransitTarget::Blackhole,
        Some(target) => {
            let id = &target.transit_gateway_attachment_id;
            build
                .find(id)
                .map_or_else(|| TransitTarget::Missing(id.clone()), TransitTarget::Attachment)
        }
    };
    Some(TransitRoute {
        destination,
        target,
        origin: item.locate(text),
    })
}
