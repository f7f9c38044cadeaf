//! `Subnets`: the answer of `describe-subnets`.

use serde::Deserialize;
use vpcsim_aws::devices::Subnet;
use vpcsim_aws::devices::block_public_access::Excluded;
use vpcsim_aws::{Kind, Label, Unread};

use super::block_public_access::StatesJson;
use super::build::Build;
use super::item::{Described, Item, List, Tag};
use super::place::region_of_zone;

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub(super) struct SubnetJson {
    subnet_id: String,
    vpc_id: String,
    cidr_block: Option<String>,
    availability_zone: Option<String>,
    availability_zone_id: Option<String>,
    map_public_ip_on_launch: Option<bool>,
    block_public_access_states: Option<StatesJson>,
    ipv6_cidr_block_association_set: List<serde::de::IgnoredAny>,
    tags: List<Tag>,
}

impl Described for SubnetJson {
    const KIND: Option<Kind> = Some(Kind::Subnet);

    fn id(&self) -> &str {
        &self.subnet_id
    }

    fn tags(&self) -> &[Tag] {
        &self.tags
    }

    fn prepare(item: &Item<'_, Self>, build: &mut Build<'_>) {
        if let Some(zone) = &item.value.availability_zone {
            let region = build.region_of_vpc.entry(item.value.vpc_id.clone());
            region.or_insert_with(|| region_of_zone(zone).to_owned());
        }
    }

    fn declare(item: &Item<'_, Self>, label: Label, build: &mut Build<'_>) {
        let json = &item.value;
        if !json.ipv6_cidr_block_association_set.is_empty() {
            build.ipv6(Kind::Subnet, item.origin);
        }
        let Some(vpc) = build.vpc(&json.vpc_id, item) else {
            return;
        };
        let Some(text) = json.cidr_block.as_deref().filter(|text| !text.is_empty()) else {
            let (noun, effect) = ("IPv6-only subnet", "what is in it is missing");
            return unread(item, build, label, Some(vpc), noun, effect);
        };
        let Some(cidr) = build.cidr(item, text) else {
            return;
        };
        build.widen(vpc, cidr, item.origin);
        let region = &build.topology.vpcs[vpc].region;
        let zone = json
            .availability_zone
            .clone()
            .unwrap_or_else(|| format!("{region}a"));
        let subnet = Subnet {
            label,
            vpc,
            availability_zone: zone,
            availability_zone_id: json.availability_zone_id.clone(),
            cidr,
            route_table: build.table_of_subnet.get(&json.subnet_id).copied(),
            network_acl: build.acl_of_subnet.get(&json.subnet_id).copied(),
            shared_with: Vec::new(),
            map_public_ip_on_launch: json.map_public_ip_on_launch.unwrap_or(false),
        };
        let id = build.topology.subnets.push(subnet);
        build.enter(id, Some(vpc));
        let states = json.block_public_access_states.as_ref();
        StatesJson::note(states, Excluded::Subnet(id), item, build);
    }
}

/// Notes a described thing that cannot become part of the topology.
pub(super) fn unread<T>(
    item: &Item<'_, T>,
    build: &mut Build<'_>,
    label: Label,
    vpc: Option<vpcsim_aws::Id<vpcsim_aws::devices::Vpc>>,
    noun: &str,
    effect: &str,
) {
    build.unread(Unread {
        noun: noun.to_owned(),
        name: label.name,
        vpc,
        addresses: Vec::new(),
        effect: effect.to_owned(),
        origin: item.origin,
    });
}
