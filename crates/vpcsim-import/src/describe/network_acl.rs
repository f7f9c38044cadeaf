//! `NetworkAcls`: the answer of `describe-network-acls`.

use serde::Deserialize;
use vpcsim_aws::devices::NetworkAcl;
use vpcsim_aws::devices::network_acl::NetworkAclEntry;
use vpcsim_aws::traffic::{PortRange, Traffic};
use vpcsim_aws::{Kind, Label};

use super::build::Build;
use super::item::{Described, Item, List, Spot, Tag, Whole, Word};
use super::security_group::traffic_of;
use crate::native::words::ACL_NUMBERS;

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub(super) struct NetworkAclJson {
    network_acl_id: String,
    vpc_id: String,
    is_default: Option<bool>,
    associations: List<AssociationJson>,
    entries: List<EntryJson>,
    tags: List<Tag>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
struct AssociationJson {
    subnet_id: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
struct EntryJson {
    egress: Option<bool>,
    rule_number: Option<Whole>,
    protocol: Word,
    rule_action: Word,
    cidr_block: Option<String>,
    ipv6_cidr_block: Option<String>,
    port_range: Option<PortRangeJson>,
    icmp_type_code: Option<IcmpJson>,
    #[serde(rename = "@origin")]
    spot: Spot,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
struct PortRangeJson {
    from: Option<Whole>,
    to: Option<Whole>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
struct IcmpJson {
    r#type: Option<Whole>,
    code: Option<Whole>,
}

impl Described for NetworkAclJson {
    const KIND: Option<Kind> = Some(Kind::NetworkAcl);

    fn id(&self) -> &str {
        &self.network_acl_id
    }

    fn tags(&self) -> &[Tag] {
        &self.tags
    }

    fn absorb(&mut self, part: Self) -> bool {
        self.entries.0.extend(part.entries.0);
        self.associations.0.extend(part.associations.0);
        true
    }

    fn declare(item: &Item<'_, Self>, label: Label, build: &mut Build<'_>) {
        let json = &item.value;
        let Some(vpc) = build.vpc(&json.vpc_id, item) else {
            return;
        };
        let (mut ingress, mut egress) = (Vec::new(), Vec::new());
        let mut has_ipv6 = false;
        for entry in json.entries.iter() {
            has_ipv6 |= entry.ipv6_cidr_block.is_some();
            let side = if entry.egress == Some(true) {
                &mut egress
            } else {
                &mut ingress
            };
            side.extend(read_entry(item, entry, build));
        }
        if has_ipv6 {
            build.ipv6(Kind::NetworkAcl, item.origin);
        }
        let default = json.is_default.unwrap_or(false);
        let id = build.topology.network_acls.push(NetworkAcl {
            label,
            vpc,
            default,
            ingress,
            egress,
        });
        build.enter(id, Some(vpc));
        for association in json.associations.iter() {
            build.acl_of_subnet.insert(association.subnet_id.clone(), id);
        }
    }
}

fn read_entry(
    item: &Item<'_, NetworkAclJson>,
    entry: &EntryJson,
    build: &mut Build<'_>,
) -> Option<NetworkAclEntry> {
    // The entry `*` that AWS shows as 32767 is implied.
    let number = entry
        .rule_number
        .and_then(|number| u16::try_from(number.0).ok())?;
    let number = Some(number).filter(|number| ACL_NUMBERS.contains(number))?;
    let cidr = build.cidr(item, entry.cidr_block.as_deref()?)?;
    let traffic = match (&entry.port_range, &entry.icmp_type_code) {
        (Some(ports), _) => traffic_of(&entry.protocol, ports.from, ports.to),
        (None, Some(icmp)) => traffic_of(&entry.protocol, icmp.r#type, icmp.code),
        (None, None) => traffic_of(&entry.protocol, None, None),
    };
    let Some(traffic) = traffic else {
        let message = format!("`{}` is no protocol", &*entry.protocol);
        build
            .findings
            .push(item.error_at("bad-rule", &entry.protocol, message));
        return None;
    };
    let allow = entry.rule_action.eq_ignore_ascii_case("allow");
    debug_assert!(
        !matches!(traffic, Traffic::Tcp(PortRange { first, last }) if first > last),
        "ranges ascend"
    );
    Some(NetworkAclEntry {
        number,
        allow,
        traffic,
        cidr,
        origin: entry.spot.or(item.origin),
    })
}
