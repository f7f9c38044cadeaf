//! Block Public Access with its exclusions.

use vpcsim_aws::devices::BlockPublicAccess;
use vpcsim_aws::devices::block_public_access::{Excluded, Exclusion};

use super::Writer;
use super::design::{put, put_label};
use super::yaml::{Map, Yaml};
use crate::native::block_public_access::{EXCLUSION_MODES, MODES};

impl Writer<'_> {
    /// The settings of all accounts and regions.
    pub(super) fn block_public_access(&self) -> Map {
        let blocks = self.topology.block_public_access.iter();
        blocks
            .map(|(_, row)| (row.label.name.clone(), self.block(row)))
            .collect()
    }

    fn block(&self, row: &BlockPublicAccess) -> Yaml {
        let mut map = Map::new();
        if let Some((word, _)) = MODES.iter().find(|(_, mode)| *mode == row.mode) {
            put(&mut map, "mode", Yaml::text(*word));
        }
        if row.region != self.topology.region {
            put(&mut map, "region", Yaml::text(&row.region));
        }
        if !row.account.is_empty() {
            put(&mut map, "account", Yaml::text(&row.account));
        }
        let exclusions = row.exclusions.iter().map(|exclusion| self.exclusion(exclusion));
        if !row.exclusions.is_empty() {
            put(&mut map, "exclusions", Yaml::List(exclusions.collect()));
        }
        put_label(&mut map, &row.label);
        Yaml::Map(map)
    }

    fn exclusion(&self, exclusion: &Exclusion) -> Yaml {
        let mut map = Map::new();
        match exclusion.excluded {
            Excluded::Vpc(vpc) => put(&mut map, "vpc", Yaml::text(self.references.name(None, vpc))),
            Excluded::Subnet(subnet) => {
                put(&mut map, "subnet", Yaml::text(self.references.name(None, subnet)));
            }
        }
        let words = EXCLUSION_MODES.iter().skip(1);
        if let Some((word, _)) = words.clone().find(|(_, mode)| *mode == exclusion.mode) {
            put(&mut map, "mode", Yaml::text(*word));
        }
        if let Some(id) = &exclusion.id {
            put(&mut map, "id", Yaml::text(id));
        }
        Yaml::Map(map)
    }
}
