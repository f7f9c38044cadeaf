//! Hosts of which a template or a plan says the service, the subnets and the ports, and AWS chooses the rest.

use serde::Deserialize;
use vpcsim_aws::devices::managed_host::{DATABASE, listeners};
use vpcsim_aws::devices::{ManagedHost, Subnet};
use vpcsim_aws::{Finding, Id, Kind, Label};

use super::build::Build;
use super::item::{Described, Item, List, Tag};
use super::network_interface::{GroupJson, read_groups};

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub(super) struct HostJson {
    host_id: String,
    name: Option<String>,
    service: String,
    subnet_ids: List<String>,
    /// The address in the first subnet, if it is given.
    private_ip_address: Option<String>,
    groups: List<GroupJson>,
    ports: List<u16>,
    tags: List<Tag>,
}

impl Described for HostJson {
    const KIND: Option<Kind> = Some(Kind::ManagedHost);

    fn id(&self) -> &str {
        &self.host_id
    }

    fn tags(&self) -> &[Tag] {
        &self.tags
    }

    fn name(&self) -> Option<&str> {
        self.name.as_deref().filter(|name| !name.is_empty())
    }

    /// A database stands in one subnet of its group, everything else in each (RDS-01).
    fn declare(item: &Item<'_, Self>, label: Label, build: &mut Build<'_>) {
        let json = &item.value;
        let mut subnets: Vec<Id<Subnet>> = Vec::new();
        for text in json.subnet_ids.iter() {
            if let Some(subnet) = build.find(text) {
                subnets.push(subnet);
                continue;
            }
            let message = format!("subnet `{text}` of `{}` is not in the input", label.name);
            let finding = Finding::warning("subnet-not-in-input", item.origin, message);
            build.findings.push(
                finding.help("add the answer of `aws ec2 describe-subnets`, or the file that declares it"),
            );
        }
        if subnets.is_empty() {
            let effect = "it is missing, since none of its subnets is in the input";
            return super::subnet::unread(item, build, label, None, &json.service, effect);
        }
        let groups = read_groups(item, &json.groups, build);
        let is_database = json.service == DATABASE;
        let homes = if is_database { &subnets[..1] } else { &subnets[..] };
        let mut interfaces = Vec::new();
        for &home in homes {
            interfaces.push(build.managed_interface(&label.name, home, item.origin, groups.clone()));
        }
        let wanted = json.private_ip_address.as_deref();
        if let Some(address) = wanted.and_then(|text| build.address(item, text))
            && let Some(first) = build.topology.network_interfaces[interfaces[0]]
                .addresses
                .first_mut()
        {
            first.private = address;
        }
        let vpc = build.topology.subnets[subnets[0]].vpc;
        let host = ManagedHost {
            label,
            service: json.service.clone(),
            interfaces,
            subnet_group: if is_database { subnets } else { Vec::new() },
            listen: listeners(json.ports.iter().copied()),
            dns_name: None,
        };
        let id = build.topology.managed_hosts.push(host);
        build.enter(id, Some(vpc));
    }
}
