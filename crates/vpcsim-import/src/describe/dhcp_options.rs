//! `DhcpOptions`: the answer of `describe-dhcp-options`.

use std::net::Ipv4Addr;

use serde::Deserialize;
use vpcsim_aws::devices::DhcpOptions;
use vpcsim_aws::devices::dhcp_options::NameServer;
use vpcsim_aws::{Kind, Label};

use super::build::Build;
use super::item::{Described, Item, List, Tag, Word};
use crate::native::dhcp_options::AMAZON_PROVIDED;

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub(super) struct DhcpOptionsJson {
    dhcp_options_id: String,
    dhcp_configurations: List<ConfigurationJson>,
    tags: List<Tag>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
struct ConfigurationJson {
    key: String,
    values: List<ValueJson>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
struct ValueJson {
    value: Word,
}

impl Described for DhcpOptionsJson {
    const KIND: Option<Kind> = Some(Kind::DhcpOptions);

    fn id(&self) -> &str {
        &self.dhcp_options_id
    }

    fn tags(&self) -> &[Tag] {
        &self.tags
    }

    fn declare(item: &Item<'_, Self>, label: Label, build: &mut Build<'_>) {
        let values = |key: &str| -> Vec<&str> {
            let options = item
                .value
                .dhcp_configurations
                .iter()
                .filter(|option| option.key == key);
            options
                .flat_map(|option| option.values.iter().map(|value| &*value.value))
                .collect()
        };
        let mut addresses = |key| -> Vec<Ipv4Addr> {
            let ipv4 = values(key).into_iter().filter(|text| !text.contains(':'));
            ipv4.filter_map(|text| build.address(item, text)).collect()
        };
        let (ntp_servers, netbios_name_servers) =
            (addresses("ntp-servers"), addresses("netbios-name-servers"));
        let servers = values("domain-name-servers")
            .into_iter()
            .filter(|text| !text.contains(':'));
        let servers = servers.filter_map(|text| match text {
            AMAZON_PROVIDED => Some(NameServer::AmazonProvided),
            text => build.address(item, text).map(NameServer::Address),
        });
        let options = DhcpOptions {
            label,
            domain_name_servers: servers.collect(),
            domain_name: values("domain-name").first().map(|name| (*name).to_owned()),
            ntp_servers,
            netbios_name_servers,
            netbios_node_type: values("netbios-node-type")
                .first()
                .and_then(|number| number.parse().ok()),
        };
        let id = build.topology.dhcp_options.push(options);
        build.enter(id, None);
    }
}
