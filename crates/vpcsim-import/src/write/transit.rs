//! Transit gateways with their attachments and route tables.

use vpcsim_aws::devices::route_table::RouteDestination;
use vpcsim_aws::devices::transit_gateway_attachment::AttachmentEnd;
use vpcsim_aws::devices::transit_gateway_route_table::{TransitRoute, TransitTarget};
use vpcsim_aws::devices::{TransitGateway, TransitGatewayAttachment, TransitGatewayRouteTable};
use vpcsim_aws::{Id, Resource};

use super::Writer;
use super::design::{put, put_block, put_flag, put_label};
use super::yaml::{Map, Yaml};
use crate::native::transit_gateway::STATES;

impl Writer<'_> {
    /// The transit gateways of the design.
    pub(super) fn transit_gateways(&self) -> Map {
        let gateways = self.topology.transit_gateways.iter();
        gateways
            .map(|(id, row)| (row.label.name.clone(), self.transit_gateway(id, row)))
            .collect()
    }

    fn transit_gateway(&self, id: Id<TransitGateway>, row: &TransitGateway) -> Yaml {
        let topology = self.topology;
        let mut map = Map::new();
        if row.region != topology.region {
            put(&mut map, "region", Yaml::text(&row.region));
        }
        if !row.account.is_empty() {
            put(&mut map, "account", Yaml::text(&row.account));
        }
        if !row.cidr_blocks.is_empty() {
            put(
                &mut map,
                "cidr_blocks",
                Yaml::texts(row.cidr_blocks.iter().map(ToString::to_string)),
            );
        }
        put_flag(&mut map, "dns_support", row.dns_support, true);
        put_flag(
            &mut map,
            "security_group_referencing",
            row.security_group_referencing,
            false,
        );
        let attachments = topology
            .transit_gateway_attachments
            .iter()
            .filter(|(_, row)| row.gateway == id);
        put_block(
            &mut map,
            "attachments",
            attachments
                .map(|(_, row)| (row.label.name.clone(), self.transit_attachment(row)))
                .collect(),
        );
        let tables = topology
            .transit_gateway_route_tables
            .iter()
            .filter(|(_, row)| row.gateway == id);
        let tables: Map = tables
            .map(|(_, row)| (row.label.name.clone(), self.transit_table(row)))
            .collect();
        put(&mut map, "route_tables", Yaml::Map(tables));
        let joined = self.joins_default_tables(id);
        let defaults = [
            (
                "default_association",
                row.default_association.filter(|_| joined.0),
            ),
            (
                "default_propagation",
                row.default_propagation.filter(|_| joined.1),
            ),
        ];
        for (key, table) in defaults {
            if let Some(table) = table {
                put(&mut map, key, Yaml::text(self.references.name(None, table)));
            }
        }
        put_label(&mut map, &row.label);
        Yaml::Map(map)
    }

    /// Whether all attachments are associated, and all VPCs propagate somewhere: only then does naming the default tables
    /// change nothing.
    fn joins_default_tables(&self, id: Id<TransitGateway>) -> (bool, bool) {
        let topology = self.topology;
        let own = || {
            topology
                .transit_gateway_attachments
                .iter()
                .filter(|(_, row)| row.is_of(id))
        };
        let tables = || {
            topology
                .transit_gateway_route_tables
                .iter()
                .filter(|(_, table)| table.gateway == id)
        };
        let associated = own().all(|(id, _)| tables().any(|(_, table)| table.associations.contains(&id)));
        let mut vpcs = own().filter(|(_, row)| row.vpc().is_some());
        let propagates = vpcs.all(|(id, _)| tables().any(|(_, table)| table.propagations.contains(&id)));
        (associated, propagates)
    }

    fn transit_attachment(&self, row: &TransitGatewayAttachment) -> Yaml {
        let mut map = Map::new();
        match &row.end {
            AttachmentEnd::Vpc {
                vpc,
                interfaces,
                appliance_mode,
                security_group_referencing,
                dns_support,
            } => {
                put(&mut map, "vpc", Yaml::text(self.references.name(None, *vpc)));
                let names = interfaces
                    .iter()
                    .map(|interface| self.references.name(Some(*vpc), *interface));
                put(&mut map, "interfaces", Yaml::texts(names));
                put_flag(&mut map, "appliance_mode", *appliance_mode, false);
                put_flag(
                    &mut map,
                    "security_group_referencing",
                    *security_group_referencing,
                    true,
                );
                put_flag(&mut map, "dns_support", *dns_support, true);
            }
            AttachmentEnd::Peering(Some(peer)) => {
                put(&mut map, "peer", Yaml::text(self.references.name(None, *peer)));
            }
            AttachmentEnd::Peering(None) => put(&mut map, "unmodelled", Yaml::text(TransitGateway::NOUN)),
            AttachmentEnd::Unmodelled(noun) => put(&mut map, "unmodelled", Yaml::text(noun)),
        }
        if let Some((word, _)) = STATES.iter().skip(1).find(|(_, state)| *state == row.state) {
            put(&mut map, "state", Yaml::text(*word));
        }
        put_label(&mut map, &row.label);
        Yaml::Map(map)
    }

    fn transit_table(&self, row: &TransitGatewayRouteTable) -> Yaml {
        let names = |ids: &[Id<TransitGatewayAttachment>]| {
            Yaml::texts(ids.iter().map(|id| self.references.name(None, *id)))
        };
        let mut map = Map::new();
        if !row.associations.is_empty() {
            put(&mut map, "associations", names(&row.associations));
        }
        if !row.propagations.is_empty() {
            put(&mut map, "propagations", names(&row.propagations));
        }
        put_block(
            &mut map,
            "routes",
            row.routes.iter().map(|route| self.transit_route(route)).collect(),
        );
        put_label(&mut map, &row.label);
        Yaml::Map(map)
    }

    fn transit_route(&self, route: &TransitRoute) -> (String, Yaml) {
        let destination = match route.destination {
            RouteDestination::Cidr(net) => net.to_string(),
            RouteDestination::PrefixList(list) => format!("pl:{}", self.references.name(None, list)),
        };
        let target = match &route.target {
            TransitTarget::Attachment(attachment) => Yaml::text(self.references.name(None, *attachment)),
            TransitTarget::Blackhole => Yaml::text("blackhole"),
            TransitTarget::Missing(id) => Yaml::text(format!("missing:{id}")),
        };
        (destination, target)
    }
}
