//! VPC endpoints.

use vpcsim_aws::Id;
use vpcsim_aws::devices::vpc_endpoint::{EndpointForm, Service};
use vpcsim_aws::devices::{EndpointService, Vpc, VpcEndpoint};

use super::Writer;
use super::design::{put, put_flag, put_label};
use super::yaml::{Map, Yaml};
use crate::native::vpc_endpoint::STATES;

impl Writer<'_> {
    pub(super) fn endpoint_services(&self) -> Map {
        let services = self.topology.endpoint_services.iter();
        services
            .map(|(_, row)| (row.label.name.clone(), self.endpoint_service(row)))
            .collect()
    }

    fn endpoint_service(&self, row: &EndpointService) -> Yaml {
        let mut map = Map::new();
        let balancers = row
            .load_balancers
            .iter()
            .map(|id| self.references.name(None, *id));
        put(&mut map, "load_balancers", Yaml::texts(balancers));
        if !row.allowed_principals.is_empty() {
            put(
                &mut map,
                "allowed_principals",
                Yaml::texts(&row.allowed_principals),
            );
        }
        for (key, text) in [
            ("private_dns_name", &row.private_dns_name),
            ("service_name", &row.service_name),
        ] {
            if let Some(text) = text {
                put(&mut map, key, Yaml::text(text));
            }
        }
        put_flag(&mut map, "private_dns_verified", row.private_dns_verified, true);
        put_label(&mut map, &row.label);
        Yaml::Map(map)
    }

    pub(super) fn vpc_endpoints(&self, vpc: Id<Vpc>) -> Map {
        let inside = |row: &VpcEndpoint| row.vpc == vpc;
        self.rows(&self.topology.vpc_endpoints, inside, |row| self.vpc_endpoint(row))
    }

    fn vpc_endpoint(&self, row: &VpcEndpoint) -> Yaml {
        let mut map = Map::new();
        let vpc = Some(row.vpc);
        let key = if matches!(row.service, Service::Foreign(_)) {
            "unmodelled"
        } else {
            "service"
        };
        put(&mut map, key, Yaml::text(row.service_name(self.topology)));
        match &row.form {
            EndpointForm::Gateway { route_tables } => {
                put(&mut map, "type", Yaml::text("gateway"));
                if !route_tables.is_empty() {
                    let names = route_tables.iter().map(|table| self.references.name(vpc, *table));
                    put(&mut map, "route_tables", Yaml::texts(names));
                }
            }
            EndpointForm::Interface {
                interfaces,
                private_dns,
                dns_names,
            } => {
                let names = interfaces
                    .iter()
                    .map(|interface| self.references.name(vpc, *interface));
                put(&mut map, "interfaces", Yaml::texts(names));
                put_flag(&mut map, "private_dns", *private_dns, false);
                if !dns_names.is_empty() {
                    put(&mut map, "dns_names", Yaml::texts(dns_names));
                }
            }
        }
        if let Some((word, _)) = STATES.iter().skip(1).find(|(_, state)| *state == row.state) {
            put(&mut map, "state", Yaml::text(*word));
        }
        put_label(&mut map, &row.label);
        Yaml::Map(map)
    }
}
