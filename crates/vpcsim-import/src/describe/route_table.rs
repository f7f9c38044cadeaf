//! `RouteTables`: the answer of `describe-route-tables`.

use serde::Deserialize;
use vpcsim_aws::devices::route_table::{Route, RouteDestination, RouteSource, RouteTarget};
use vpcsim_aws::devices::{Instance, InternetGateway, RouteTable, Vpc};
use vpcsim_aws::{AnyId, Id, Kind, Label, Unread};

use super::build::Build;
use super::item::{Described, Item, List, Spot, State, Tag, Word};
use super::prefix_list;

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub(super) struct RouteTableJson {
    route_table_id: String,
    vpc_id: String,
    associations: List<AssociationJson>,
    routes: List<RouteJson>,
    propagating_vgws: List<PropagatingJson>,
    tags: List<Tag>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
struct AssociationJson {
    main: Option<bool>,
    subnet_id: Option<String>,
    gateway_id: Option<String>,
    association_state: State,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
struct PropagatingJson {
    gateway_id: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
struct RouteJson {
    destination_cidr_block: Option<String>,
    destination_ipv6_cidr_block: Option<String>,
    destination_prefix_list_id: Option<String>,
    gateway_id: Option<String>,
    nat_gateway_id: Option<String>,
    transit_gateway_id: Option<String>,
    vpc_peering_connection_id: Option<String>,
    network_interface_id: Option<String>,
    instance_id: Option<String>,
    egress_only_internet_gateway_id: Option<String>,
    local_gateway_id: Option<String>,
    carrier_gateway_id: Option<String>,
    core_network_arn: Option<String>,
    vpc_endpoint_id: Option<String>,
    state: Word,
    origin: Word,
    #[serde(rename = "@origin")]
    spot: Spot,
}

impl Described for RouteTableJson {
    const KIND: Option<Kind> = Some(Kind::RouteTable);

    fn id(&self) -> &str {
        &self.route_table_id
    }

    fn tags(&self) -> &[Tag] {
        &self.tags
    }

    fn absorb(&mut self, part: Self) -> bool {
        for route in part.routes.0 {
            let same = |known: &RouteJson| known.destination() == route.destination();
            if !self.routes.iter().any(same) {
                self.routes.0.push(route);
            }
        }
        self.associations.0.extend(part.associations.0);
        self.propagating_vgws.0.extend(part.propagating_vgws.0);
        true
    }

    fn declare(item: &Item<'_, Self>, label: Label, build: &mut Build<'_>) {
        let json = &item.value;
        let Some(vpc) = build.vpc(&json.vpc_id, item) else {
            return;
        };
        let associations = || {
            json.associations
                .iter()
                .filter(|association| association.is_in_force())
        };
        let main = associations().any(|association| association.main == Some(true));
        let id = build.topology.route_tables.push(RouteTable {
            label,
            vpc,
            main,
            routes: Vec::new(),
        });
        build.enter(id, Some(vpc));
        for association in associations() {
            if let Some(subnet) = &association.subnet_id {
                build.table_of_subnet.insert(subnet.clone(), id);
            }
        }
        for propagating in json.propagating_vgws.iter() {
            let effect = "routes that it learns later, and the networks behind it, are missing";
            note(
                item,
                build,
                vpc,
                "virtual private gateway",
                &propagating.gateway_id,
                effect,
            );
        }
    }

    fn connect(item: &Item<'_, Self>, build: &mut Build<'_>) {
        let Some(id) = build.find::<RouteTable>(&item.value.route_table_id) else {
            return;
        };
        let vpc = build.topology.route_tables[id].vpc;
        let routes = item
            .value
            .routes
            .iter()
            .filter_map(|route| read_route(item, route, vpc, build))
            .collect();
        build.topology.route_tables[id].routes = routes;
        connect_gateways(item, id, build);
    }
}

impl RouteJson {
    fn destination(&self) -> [Option<&str>; 3] {
        [
            self.destination_cidr_block.as_deref(),
            self.destination_ipv6_cidr_block.as_deref(),
            self.destination_prefix_list_id.as_deref(),
        ]
    }
}

impl AssociationJson {
    fn is_in_force(&self) -> bool {
        matches!(self.association_state.word(), "" | "associated" | "associating")
    }
}

/// Gives the table to the internet gateways that it is associated with; other gateways are not modelled.
fn connect_gateways(item: &Item<'_, RouteTableJson>, table: Id<RouteTable>, build: &mut Build<'_>) {
    let associations = item
        .value
        .associations
        .iter()
        .filter(|association| association.is_in_force());
    for gateway in associations.filter_map(|association| association.gateway_id.as_deref()) {
        if let Some(id) = build.find::<InternetGateway>(gateway) {
            build.topology.internet_gateways[id].route_table = Some(table);
            continue;
        }
        let effect = "a middlebox on the way in is not passed: what comes in through the gateway goes straight to its destination";
        let name = format!("{} of {gateway}", item.value.route_table_id);
        let vpc = build.topology.route_tables[table].vpc;
        note(item, build, vpc, "gateway route table", &name, effect);
    }
}

fn note<T>(item: &Item<'_, T>, build: &mut Build<'_>, vpc: Id<Vpc>, noun: &str, name: &str, effect: &str) {
    build.unread(Unread {
        noun: noun.to_owned(),
        name: name.to_owned(),
        vpc: Some(vpc),
        addresses: Vec::new(),
        effect: effect.to_owned(),
        origin: item.locate(name),
    });
}

fn read_route(
    item: &Item<'_, RouteTableJson>,
    route: &RouteJson,
    vpc: Id<Vpc>,
    build: &mut Build<'_>,
) -> Option<Route> {
    let (destination, text) = if let Some(text) = &route.destination_cidr_block {
        (RouteDestination::Cidr(build.cidr(item, text)?), text)
    } else if let Some(list) = &route.destination_prefix_list_id {
        (
            RouteDestination::PrefixList(prefix_list::referenced(list, item, build)),
            list,
        )
    } else {
        if route.destination_ipv6_cidr_block.is_some() {
            build.ipv6(Kind::RouteTable, item.origin);
        }
        return None;
    };
    let target = read_target(item, route, vpc, build);
    let implied = |net| build.topology.vpcs[vpc].cidrs.iter().any(|cidr| cidr.net == net);
    if let (RouteTarget::Local, RouteDestination::Cidr(net)) = (&target, destination)
        && (implied(net) || build.topology.vpcs[vpc].cidrs.is_empty())
    {
        return None;
    }
    let propagated = &*route.origin == "EnableVgwRoutePropagation";
    Some(Route {
        destination,
        target,
        source: if propagated {
            RouteSource::Propagated
        } else {
            RouteSource::Static
        },
        blackhole: &*route.state == "blackhole",
        origin: route.spot.or(item.locate(text)),
    })
}

fn read_target(
    item: &Item<'_, RouteTableJson>,
    route: &RouteJson,
    vpc: Id<Vpc>,
    build: &mut Build<'_>,
) -> RouteTarget {
    let modelled = [
        &route.network_interface_id,
        &route.nat_gateway_id,
        &route.vpc_peering_connection_id,
        &route.instance_id,
        &route.gateway_id,
    ];
    let others = [
        &route.transit_gateway_id,
        &route.vpc_endpoint_id,
        &route.egress_only_internet_gateway_id,
        &route.local_gateway_id,
        &route.carrier_gateway_id,
        &route.core_network_arn,
    ];
    let id = modelled
        .into_iter()
        .chain(others)
        .flatten()
        .find(|id| !id.is_empty());
    let Some(id) = id else {
        if &*route.state == "blackhole" {
            return RouteTarget::Missing("blackhole".to_owned());
        }
        let message = format!(
            "a route of `{}` has no target that is known here",
            item.value.route_table_id
        );
        build
            .findings
            .push(vpcsim_aws::Finding::warning("route-target", item.origin, message));
        return RouteTarget::Unmodelled("unknown target".to_owned(), String::new());
    };
    if id == "local" {
        return RouteTarget::Local;
    }
    if let Some(target) = find_target(id, build) {
        return RouteTarget::Resource(target);
    }
    if let Some((noun, _)) = build.unmodelled.get(id) {
        return RouteTarget::Unmodelled(noun.clone(), id.clone());
    }
    let Some((noun, effect)) = unmodelled_target(id) else {
        return RouteTarget::Missing(id.clone());
    };
    note(item, build, vpc, noun, id, effect);
    RouteTarget::Unmodelled(noun.to_owned(), id.clone())
}

fn find_target(id: &str, build: &Build<'_>) -> Option<AnyId> {
    let any = build.any(id)?;
    match any.downcast::<Instance>() {
        Some(instance) => build.primary_interface(instance).map(AnyId::from),
        None => Some(any).filter(|any| any.kind.is_route_target()),
    }
}

/// How ids begin of which a template only knows that they exist somewhere.
const EXTERNAL: &str = "external:";

/// What ids of this prefix belong to, and what it means that it is not modelled.
fn unmodelled_target(id: &str) -> Option<(&'static str, &'static str)> {
    const NOUNS: [(&str, &str, &str); 10] = [
        (
            EXTERNAL,
            "resource of another stack",
            "what is reached through it cannot be judged",
        ),
        ("tgw-", "transit gateway", "networks behind it cannot be judged"),
        (
            "vgw-",
            "virtual private gateway",
            "networks behind it cannot be judged",
        ),
        (
            "vpce-",
            "VPC endpoint",
            "what is reached through it cannot be judged",
        ),
        ("eigw-", "egress-only internet gateway", "it carries IPv6 only"),
        ("lgw-", "local gateway", "networks behind it cannot be judged"),
        ("cagw-", "carrier gateway", "networks behind it cannot be judged"),
        (
            "arn:aws:networkmanager",
            "core network",
            "networks behind it cannot be judged",
        ),
        ("arn:aws-", "core network", "networks behind it cannot be judged"),
        ("odb-", "database network", "networks behind it cannot be judged"),
    ];
    NOUNS
        .iter()
        .find(|(prefix, _, _)| id.starts_with(prefix))
        .map(|(_, noun, effect)| (*noun, *effect))
}
