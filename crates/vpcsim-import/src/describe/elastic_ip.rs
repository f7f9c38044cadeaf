//! `Addresses`: the answer of `describe-addresses`.

use std::net::Ipv4Addr;

use serde::Deserialize;
use vpcsim_aws::devices::{ElasticIp, Instance, NetworkInterface};
use vpcsim_aws::{Kind, Label, Unread};

use super::build::Build;
use super::item::{Described, Item, List, Tag};

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub(super) struct AddressJson {
    allocation_id: Option<String>,
    public_ip: Option<String>,
    association_id: Option<String>,
    instance_id: Option<String>,
    network_interface_id: Option<String>,
    private_ip_address: Option<String>,
    tags: List<Tag>,
}

impl AddressJson {
    fn is_associated(&self) -> bool {
        let owners = [
            &self.association_id,
            &self.instance_id,
            &self.network_interface_id,
        ];
        owners.into_iter().flatten().any(|id| !id.is_empty())
    }
}

impl Described for AddressJson {
    const KIND: Option<Kind> = Some(Kind::ElasticIp);

    fn id(&self) -> &str {
        self.allocation_id
            .as_deref()
            .or(self.public_ip.as_deref())
            .unwrap_or_default()
    }

    fn tags(&self) -> &[Tag] {
        &self.tags
    }

    fn absorb(&mut self, part: Self) -> bool {
        self.association_id = part.association_id;
        self.instance_id = part.instance_id;
        self.network_interface_id = part.network_interface_id;
        self.private_ip_address = part.private_ip_address;
        true
    }

    fn declare(item: &Item<'_, Self>, label: Label, build: &mut Build<'_>) {
        let json = &item.value;
        let Some(text) = &json.public_ip else {
            let (noun, effect) = ("Elastic IP address", "its address is not in the input");
            return super::subnet::unread(item, build, label, None, noun, effect);
        };
        let Some(address) = build.address(item, text) else {
            return;
        };
        let associated = json.is_associated();
        let id = build.topology.elastic_ips.push(ElasticIp {
            label,
            address,
            associated,
        });
        build.enter(id, None);
    }

    /// Interfaces of trimmed or imitated dumps may not know their own public address.
    fn complete(item: &Item<'_, Self>, build: &mut Build<'_>) {
        let allocated = build.find::<ElasticIp>(item.value.id());
        if let Some(address) = allocated.map(|id| build.topology.elastic_ips[id].address) {
            associate(item, address, build);
        }
    }
}

fn associate(item: &Item<'_, AddressJson>, public: Ipv4Addr, build: &mut Build<'_>) {
    let json = &item.value;
    let instance = json
        .instance_id
        .as_deref()
        .and_then(|id| build.find::<Instance>(id));
    let of_instance = instance.and_then(|instance| build.primary_interface(instance));
    let named = json.network_interface_id.as_deref().filter(|id| !id.is_empty());
    let (interface, found) = match (named, json.instance_id.as_deref()) {
        (Some(interface), _) => (interface, build.find::<NetworkInterface>(interface)),
        (None, Some(instance)) if item.address.is_some() => (instance, of_instance),
        (None, _) => return,
    };
    let Some(id) = found else {
        build.unread(Unread {
            noun: "network interface".to_owned(),
            name: interface.to_owned(),
            vpc: None,
            addresses: vec![public],
            effect: "it has an Elastic IP address and is not in the input".to_owned(),
            origin: item.locate(interface),
        });
        return;
    };
    let private: Option<Ipv4Addr> = json
        .private_ip_address
        .as_deref()
        .and_then(|text| text.parse().ok());
    let addresses = &mut build.topology.network_interfaces[id].addresses;
    let place = addresses
        .iter()
        .position(|address| Some(address.private) == private)
        .unwrap_or(0);
    if let Some(address) = addresses.get_mut(place) {
        address.public.get_or_insert(public);
    }
}
