//! `Vpcs`: the answer of `describe-vpcs`.

use serde::Deserialize;
use vpcsim_aws::devices::Vpc;
use vpcsim_aws::devices::block_public_access::Excluded;
use vpcsim_aws::devices::vpc::VpcCidr;
use vpcsim_aws::{Kind, Label};

use super::block_public_access::StatesJson;
use super::build::Build;
use super::item::{Described, Item, List, State, Tag};

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub(super) struct VpcJson {
    vpc_id: String,
    cidr_block: Option<String>,
    cidr_block_association_set: List<AssociationJson>,
    ipv6_cidr_block_association_set: List<serde::de::IgnoredAny>,
    block_public_access_states: Option<StatesJson>,
    is_default: Option<bool>,
    dhcp_options_id: Option<String>,
    owner_id: Option<String>,
    #[serde(rename = "@dns_support")]
    dns_support: Option<bool>,
    #[serde(rename = "@dns_hostnames")]
    dns_hostnames: Option<bool>,
    tags: List<Tag>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
struct AssociationJson {
    cidr_block: String,
    cidr_block_state: State,
}

impl Described for VpcJson {
    const KIND: Option<Kind> = Some(Kind::Vpc);

    fn id(&self) -> &str {
        &self.vpc_id
    }

    fn tags(&self) -> &[Tag] {
        &self.tags
    }

    fn absorb(&mut self, part: Self) -> bool {
        self.cidr_block_association_set
            .0
            .extend(part.cidr_block_association_set.0);
        self.dhcp_options_id = part.dhcp_options_id.or_else(|| self.dhcp_options_id.take());
        true
    }

    fn prepare(item: &Item<'_, Self>, build: &mut Build<'_>) {
        build.accounts.extend(item.value.owner_id.clone());
        build.accounts.insert(item.place.account.clone());
    }

    fn declare(item: &Item<'_, Self>, label: Label, build: &mut Build<'_>) {
        let json = &item.value;
        let account = json
            .owner_id
            .clone()
            .unwrap_or_else(|| item.place.account.clone());
        let is_default = json.is_default.unwrap_or(false);
        let dhcp = json.dhcp_options_id.as_deref();
        let vpc = Vpc {
            label,
            account,
            region: build.region_of(&json.vpc_id, &item.place),
            cidrs: read_cidrs(item, build),
            dns_support: json.dns_support.unwrap_or(true),
            dns_hostnames: json.dns_hostnames.unwrap_or(is_default),
            dhcp_options: dhcp.and_then(|id| build.find(id)),
            is_default,
        };
        let id = build.topology.vpcs.push(vpc);
        build.enter(id, None);
        if !json.ipv6_cidr_block_association_set.is_empty() {
            build.ipv6(Kind::Vpc, item.origin);
        }
        let states = json.block_public_access_states.as_ref();
        StatesJson::note(states, Excluded::Vpc(id), item, build);
    }
}

/// The primary range, then those of the associations.
fn read_cidrs(item: &Item<'_, VpcJson>, build: &mut Build<'_>) -> Vec<VpcCidr> {
    let json = &item.value;
    let mut cidrs: Vec<VpcCidr> = Vec::new();
    let primary = json.cidr_block.as_deref().map(|text| (text, true));
    let primary_is_listed = |text: &str| {
        json.cidr_block_association_set
            .iter()
            .any(|set| set.cidr_block == text)
    };
    let primary = primary.filter(|(text, _)| !primary_is_listed(text));
    let mut listed: Vec<&AssociationJson> = json.cidr_block_association_set.iter().collect();
    listed.sort_by_key(|set| Some(&set.cidr_block) != json.cidr_block.as_ref());
    let listed = listed.into_iter().map(|set| {
        let state = set.cidr_block_state.word();
        (set.cidr_block.as_str(), matches!(state, "" | "associated"))
    });
    for (text, associated) in primary.into_iter().chain(listed) {
        let origin = item.locate(text);
        cidrs.extend(build.cidr(item, text).map(|net| VpcCidr {
            net,
            associated,
            origin,
        }));
    }
    cidrs
}
