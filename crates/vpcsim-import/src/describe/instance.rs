//! `Reservations`: the answer of `describe-instances`.

use std::collections::BTreeMap;

use serde::Deserialize;
use vpcsim_aws::devices::Instance;
use vpcsim_aws::devices::instance::{HostRouting, JUMBO_MTU, MetadataOptions};
use vpcsim_aws::devices::managed_host::listeners;
use vpcsim_aws::{Id, Kind, Label, Origin};

use super::build::Build;
use super::item::{Described, Item, List, State, Tag, Whole, read_tags};
use super::network_interface::{self, GroupJson, InterfaceJson};

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub(super) struct ReservationJson {
    instances: List<InstanceJson>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub(super) struct InstanceJson {
    pub instance_id: String,
    instance_type: Option<String>,
    state: State,
    metadata_options: Option<MetadataJson>,
    network_interfaces: List<InterfaceJson>,
    pub private_ip_address: Option<String>,
    pub public_ip_address: Option<String>,
    pub subnet_id: Option<String>,
    pub source_dest_check: Option<bool>,
    pub security_groups: List<GroupJson>,
    #[serde(rename = "@listen")]
    listen: List<u16>,
    tags: List<Tag>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
#[expect(clippy::struct_field_names, reason = "these are AWS's names")]
struct MetadataJson {
    http_endpoint: Option<String>,
    http_tokens: Option<String>,
    http_put_response_hop_limit: Option<Whole>,
}

impl InstanceJson {
    fn is_live(&self) -> bool {
        !matches!(self.state.word(), "terminated" | "shutting-down")
    }

    fn name(&self) -> Option<&str> {
        let tag = self.tags.iter().find(|tag| tag.key == "Name");
        tag.map(|tag| tag.value.as_str())
            .filter(|name| !name.trim().is_empty())
    }
}

impl Described for ReservationJson {
    const KIND: Option<Kind> = None;

    fn id(&self) -> &'static str {
        ""
    }

    fn tags(&self) -> &[Tag] {
        &[]
    }

    /// Names are counted here, since a reservation holds several instances.
    fn prepare(item: &Item<'_, Self>, build: &mut Build<'_>) {
        for instance in item.value.instances.iter().filter(|instance| instance.is_live()) {
            if let Some(name) = instance.name() {
                let ids: &mut BTreeMap<_, _> = &mut build.instances_of_name;
                ids.entry(name.to_owned())
                    .or_default()
                    .insert(instance.instance_id.clone());
            }
        }
    }

    fn declare(item: &Item<'_, Self>, _: Label, build: &mut Build<'_>) {
        for json in item.value.instances.iter().filter(|instance| instance.is_live()) {
            if !build.has(&json.instance_id) {
                declare(item, json, build);
            }
        }
    }

    /// Interfaces that only the instance itself describes.
    fn complete(item: &Item<'_, Self>, build: &mut Build<'_>) {
        for json in item.value.instances.iter().filter(|instance| instance.is_live()) {
            let Some(id) = build.find::<Instance>(&json.instance_id) else {
                continue;
            };
            network_interface::complete(item, json, id, build);
        }
    }
}

impl InstanceJson {
    /// The interfaces as the instance describes them.
    pub(super) fn interfaces(&self) -> &[InterfaceJson] {
        &self.network_interfaces
    }
}

fn declare(item: &Item<'_, ReservationJson>, json: &InstanceJson, build: &mut Build<'_>) {
    let shared = |name: &&str| {
        build
            .instances_of_name
            .get(*name)
            .is_some_and(|ids| ids.len() > 1)
    };
    let name = json
        .name()
        .filter(|name| !shared(name))
        .or(item.address.as_deref())
        .unwrap_or(&json.instance_id);
    let name = build.claim_name(Kind::Instance, name);
    let label = Label {
        name,
        account: None,
        id: Some(json.instance_id.clone()).filter(|id| !id.is_empty()),
        tags: read_tags(&json.tags),
        origin: item.locate(&json.instance_id),
    };
    let running = matches!(json.state.word(), "running" | "pending" | "");
    let instance = Instance {
        label,
        running,
        instance_type: json.instance_type.clone(),
        listen: listeners(json.listen.iter().copied()),
        routing: HostRouting::default(),
        mtu: JUMBO_MTU,
        metadata: read_metadata(json.metadata_options.as_ref()),
        appliance: None,
        allowance: None,
    };
    let id = build.topology.instances.push(instance);
    build.enter(id, None);
}

fn read_metadata(json: Option<&MetadataJson>) -> MetadataOptions {
    let defaults = MetadataOptions::default();
    let Some(json) = json else { return defaults };
    let hop_limit = json
        .http_put_response_hop_limit
        .and_then(|limit| u8::try_from(limit.0).ok());
    MetadataOptions {
        enabled: json.http_endpoint.as_deref() != Some("disabled"),
        tokens_required: json.http_tokens.as_deref() == Some("required"),
        hop_limit: hop_limit
            .filter(|limit| (1..=64).contains(limit))
            .unwrap_or(defaults.hop_limit),
    }
}

/// An instance that the input mentions and does not describe.
pub(super) fn make_up(id: &str, origin: Origin, build: &mut Build<'_>) -> Id<Instance> {
    let name = build.claim_name(Kind::Instance, id);
    let made = build.topology.instances.push(Instance {
        label: Label {
            id: Some(id.to_owned()),
            origin,
            ..Label::named(name)
        },
        running: true,
        instance_type: None,
        listen: Vec::new(),
        routing: HostRouting::default(),
        mtu: JUMBO_MTU,
        metadata: MetadataOptions::default(),
        appliance: None,
        allowance: None,
    });
    build.enter(made, None);
    made
}
