//! What has to hold of a design as a whole.

use std::collections::BTreeSet;

use vpcsim_aws::Origin;
use vpcsim_aws::assertion::{Invariant, InvariantLine, Selector};
use vpcsim_aws::devices::peering_connection::PeeringState;
use vpcsim_aws::devices::route_table::RouteTarget;
use vpcsim_aws::devices::transit_gateway_route_table::TransitTarget;
use vpcsim_aws::devices::{NatGateway, PeeringConnection};

use super::{End, Judge, Judgement, Outcome};
use crate::reach::{By, InternetRow, Scope};

impl Judge<'_> {
    pub(super) fn invariant(&self, line: &InvariantLine) -> Judgement {
        let details = match &line.invariant {
            Invariant::NoAsymmetricPaths => self.one_way_flows(),
            Invariant::NoBlackholeRoutes => self.blackholes(),
            Invariant::OwnZoneNat => self.foreign_zone_nats(),
            Invariant::OnlyFromInternet(allowed) => self.exposed_besides(allowed),
        };
        Judgement {
            id: line.text.clone(),
            origin: line.origin,
            expected: "holds".to_owned(),
            outcome: if details.is_empty() {
                Outcome::Passed
            } else {
                Outcome::Failed
            },
            severity: None,
            details,
            code: "INVARIANT".to_owned(),
            witness: None,
            today: None,
            expected_origin: Origin::NOWHERE,
        }
    }

    fn one_way_flows(&self) -> Vec<String> {
        let rows = self.found.rows(self.topology(), By::Instance, &Scope::default());
        let inside = rows.iter().filter(|row| !row.one_way.is_empty());
        let inside = inside.map(|row| {
            format!(
                "{} -> {}: {} arrives, and no answer comes back",
                row.from, row.to, row.one_way.text
            )
        });
        let outside = self
            .found
            .exposure_rows(self.topology(), By::Instance, &Scope::default());
        let outside: Vec<String> = outside
            .iter()
            .filter(|row| !row.one_way.is_empty())
            .map(|row| {
                format!(
                    "internet -> {}: {} arrives, and no answer comes back",
                    row.group, row.one_way.text
                )
            })
            .collect();
        inside.chain(outside).collect()
    }

    fn blackholes(&self) -> Vec<String> {
        let topology = self.topology();
        let is_dead = |target: &RouteTarget| match target {
            RouteTarget::Missing(_) => true,
            RouteTarget::Resource(any) => any
                .downcast::<PeeringConnection>()
                .is_some_and(|id| topology.peering_connections[id].state != PeeringState::Active),
            RouteTarget::Local | RouteTarget::Unmodelled(..) => false,
        };
        let mut found = Vec::new();
        for (id, table) in topology.route_tables.iter() {
            for (index, _) in table
                .routes
                .iter()
                .enumerate()
                .filter(|(_, route)| route.blackhole || is_dead(&route.target))
            {
                let words = topology.rule_text(id.into(), index).unwrap_or_default();
                found.push(format!("route table {}: {words}", table.label.display()));
            }
        }
        for (_, table) in topology.transit_gateway_route_tables.iter() {
            let dead = table.routes.iter().filter(|route| {
                route.target != TransitTarget::Blackhole && matches!(route.target, TransitTarget::Missing(_))
            });
            found.extend(dead.map(|_| {
                format!(
                    "transit gateway route table {} has a route to what does not exist",
                    table.label.display()
                )
            }));
        }
        found
    }

    fn foreign_zone_nats(&self) -> Vec<String> {
        let topology = self.topology();
        let mut found = Vec::new();
        for (id, subnet) in topology.subnets.iter() {
            let Some(table) = topology.route_table_of(id) else {
                continue;
            };
            for route in &topology.route_tables[table].routes {
                let RouteTarget::Resource(target) = &route.target else {
                    continue;
                };
                let Some(nat) = target.downcast::<NatGateway>() else {
                    continue;
                };
                let zone = &topology.subnets[topology.nat_gateways[nat].subnet].availability_zone;
                if *zone != subnet.availability_zone {
                    let (name, nat) = (subnet.label.display(), topology.name_of(nat));
                    found.push(format!(
                        "subnet {name} in {} leaves by {nat} in {zone}",
                        subnet.availability_zone
                    ));
                }
            }
        }
        found
    }

    fn exposed_besides(&self, allowed: &[Selector]) -> Vec<String> {
        let mut meant = BTreeSet::new();
        for selector in allowed {
            if let Ok(End::Endpoints(list)) = self.end(selector, None, false) {
                meant.extend(list);
            }
        }
        let rest: Vec<usize> = (0..self.found.endpoints.len())
            .filter(|endpoint| !meant.contains(endpoint))
            .collect();
        let scope = Scope {
            from: None,
            to: Some(rest),
        };
        let rows = self.found.exposure_rows(self.topology(), By::Instance, &scope);
        let words = |row: &InternetRow| {
            let services = [&row.round_trip, &row.some_targets, &row.one_way];
            let shown = services.into_iter().find(|services| !services.is_empty());
            let text = shown.map_or("something that is not modelled", |services| {
                services.text.as_str()
            });
            format!("internet -> {}: {text} is reachable", row.group)
        };
        rows.iter().map(words).collect()
    }
}
