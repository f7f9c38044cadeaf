//! Hosts that AWS runs.

use vpcsim_aws::Id;
use vpcsim_aws::devices::managed_host::DATABASE;
use vpcsim_aws::devices::{ManagedHost, Vpc};

use super::Writer;
use super::compute::listeners;
use super::design::{put, put_label};
use super::yaml::{Map, Yaml};

impl Writer<'_> {
    pub(super) fn managed_hosts(&self, vpc: Id<Vpc>) -> Map {
        let topology = self.topology;
        let vpc_of = |row: &ManagedHost| {
            let first = row.interfaces.first()?;
            Some(topology.subnets[topology.network_interfaces[*first].subnet].vpc)
        };
        let inside = |row: &ManagedHost| vpc_of(row) == Some(vpc);
        self.rows(&topology.managed_hosts, inside, |row| self.managed_host(vpc, row))
    }

    fn managed_host(&self, vpc: Id<Vpc>, row: &ManagedHost) -> Yaml {
        let mut map = Map::new();
        if row.service != DATABASE {
            put(&mut map, "service", Yaml::text(&row.service));
        }
        let interfaces = row
            .interfaces
            .iter()
            .map(|id| self.references.name(Some(vpc), *id));
        put(&mut map, "interfaces", Yaml::texts(interfaces));
        if !row.subnet_group.is_empty() {
            let subnets = row
                .subnet_group
                .iter()
                .map(|id| self.references.name(Some(vpc), *id));
            put(&mut map, "subnets", Yaml::texts(subnets));
        }
        put(&mut map, "listen", listeners(&row.listen));
        if let Some(name) = &row.dns_name {
            put(&mut map, "dns_name", Yaml::text(name));
        }
        put_label(&mut map, &row.label);
        Yaml::Map(map)
    }
}
