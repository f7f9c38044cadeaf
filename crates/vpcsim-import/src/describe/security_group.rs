//! `SecurityGroups`: the answer of `describe-security-groups`.

use serde::Deserialize;
use vpcsim_aws::Protocol;
use vpcsim_aws::devices::SecurityGroup;
use vpcsim_aws::devices::security_group::{Peer, SecurityGroupRule};
use vpcsim_aws::traffic::{PortRange, Traffic};
use vpcsim_aws::{Kind, Label, Unread};

use super::build::Build;
use super::item::{Described, Item, List, Spot, Tag, Whole, Word};
use super::prefix_list;
use crate::native::words;

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub(super) struct SecurityGroupJson {
    group_id: String,
    group_name: Option<String>,
    vpc_id: Option<String>,
    owner_id: Option<String>,
    ip_permissions: List<PermissionJson>,
    ip_permissions_egress: List<PermissionJson>,
    tags: List<Tag>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
struct PermissionJson {
    ip_protocol: Word,
    from_port: Option<Whole>,
    to_port: Option<Whole>,
    ip_ranges: List<RangeJson>,
    ipv6_ranges: List<serde::de::IgnoredAny>,
    prefix_list_ids: List<PrefixListIdJson>,
    user_id_group_pairs: List<GroupPairJson>,
    #[serde(rename = "@origin")]
    spot: Spot,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
struct RangeJson {
    cidr_ip: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
struct PrefixListIdJson {
    prefix_list_id: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub(super) struct GroupPairJson {
    pub group_id: Option<String>,
    pub group_name: Option<String>,
    pub user_id: Option<String>,
}

impl Described for SecurityGroupJson {
    const KIND: Option<Kind> = Some(Kind::SecurityGroup);

    fn id(&self) -> &str {
        &self.group_id
    }

    fn tags(&self) -> &[Tag] {
        &self.tags
    }

    fn name(&self) -> Option<&str> {
        let tag = self
            .tags
            .iter()
            .find(|tag| tag.key == "Name")
            .map(|tag| tag.value.as_str());
        let name = self.group_name.as_deref().filter(|name| *name != "default");
        tag.or(name).filter(|name| !name.trim().is_empty())
    }

    fn declare(item: &Item<'_, Self>, label: Label, build: &mut Build<'_>) {
        let json = &item.value;
        let Some(vpc) = build.vpc(json.vpc_id.as_deref().unwrap_or_default(), item) else {
            return;
        };
        let default = json.group_name.as_deref() == Some("default");
        let account = build.participant(vpc, json.owner_id.as_deref());
        let group = SecurityGroup {
            label: Label { account, ..label },
            vpc,
            default,
            ingress: Vec::new(),
            egress: Vec::new(),
        };
        let id = build.topology.security_groups.push(group);
        build.enter(id, Some(vpc));
    }

    fn connect(item: &Item<'_, Self>, build: &mut Build<'_>) {
        let Some(id) = build.find::<SecurityGroup>(&item.value.group_id) else {
            return;
        };
        let ingress = read_permissions(item, &item.value.ip_permissions, build);
        let egress = read_permissions(item, &item.value.ip_permissions_egress, build);
        let row = &mut build.topology.security_groups[id];
        (row.ingress, row.egress) = (ingress, egress);
    }
}

fn read_permissions(
    item: &Item<'_, SecurityGroupJson>,
    permissions: &[PermissionJson],
    build: &mut Build<'_>,
) -> Vec<SecurityGroupRule> {
    let mut rules = Vec::new();
    for permission in permissions {
        let Some(traffic) = traffic_of(&permission.ip_protocol, permission.from_port, permission.to_port)
        else {
            let message = format!("`{}` is no protocol", &*permission.ip_protocol);
            build
                .findings
                .push(item.error_at("bad-rule", &permission.ip_protocol, message));
            continue;
        };
        if !permission.ipv6_ranges.is_empty() {
            build.ipv6(Kind::SecurityGroup, item.origin);
        }
        for peer in read_peers(item, permission, build) {
            rules.push(SecurityGroupRule {
                id: None,
                traffic,
                peer,
                origin: permission.spot.or(item.origin),
            });
        }
    }
    rules
}

fn read_peers(
    item: &Item<'_, SecurityGroupJson>,
    permission: &PermissionJson,
    build: &mut Build<'_>,
) -> Vec<Peer> {
    let mut peers = Vec::new();
    for range in permission.ip_ranges.iter() {
        peers.extend(build.cidr(item, &range.cidr_ip).map(Peer::Cidr));
    }
    for list in permission.prefix_list_ids.iter() {
        peers.push(Peer::PrefixList(prefix_list::referenced(
            &list.prefix_list_id,
            item,
            build,
        )));
    }
    for pair in permission.user_id_group_pairs.iter() {
        peers.push(group_peer(item, pair, build));
    }
    peers
}

/// The group of a rule's other side; one that the input lacks matches nothing, and may do so wrongly.
pub(super) fn group_peer<T>(item: &Item<'_, T>, pair: &GroupPairJson, build: &mut Build<'_>) -> Peer {
    let id = pair
        .group_id
        .as_deref()
        .or(pair.group_name.as_deref())
        .unwrap_or_default();
    if let Some(group) = build.find(id) {
        return Peer::SecurityGroup(group);
    }
    let account = pair.user_id.as_deref().unwrap_or_default();
    if !account.is_empty() && !build.accounts.contains(account) {
        build.unread(Unread {
            noun: "security group".to_owned(),
            name: id.to_owned(),
            vpc: None,
            addresses: Vec::new(),
            effect: format!("it belongs to account {account}, which is not in the input: rules that refer to it match nothing"),
            origin: item.locate(id),
        });
    }
    Peer::Missing(id.to_owned())
}

/// The traffic of a rule: ports of TCP and UDP, type and code of ICMP, nothing else of other protocols.
pub(super) fn traffic_of(protocol: &str, first: Option<Whole>, last: Option<Whole>) -> Option<Traffic> {
    let (first, last) = (first.map(|whole| whole.0), last.map(|whole| whole.0));
    let port = |port: Option<i64>| port.and_then(|port| u16::try_from(port).ok());
    let byte = |value: Option<i64>| value.and_then(|value| u8::try_from(value).ok());
    let ports = match (port(first), port(last)) {
        (Some(first), Some(last)) if first <= last => PortRange { first, last },
        (Some(first), None) => PortRange { first, last: first },
        _ => PortRange::ALL,
    };
    match words::parse_traffic(protocol.trim()).ok()?[..] {
        [Traffic::Tcp(_)] => Some(Traffic::Tcp(ports)),
        [Traffic::Udp(_)] => Some(Traffic::Udp(ports)),
        [Traffic::Icmp { .. }] => {
            let icmp_type = byte(first);
            Some(Traffic::Icmp {
                icmp_type,
                icmp_code: byte(last).filter(|_| icmp_type.is_some()),
            })
        }
        [Traffic::Other(Protocol::ICMP)] => Some(Traffic::ICMP),
        [other] => Some(other),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ports_types_and_numbers_mean_what_aws_means() {
        let whole = |number| Some(Whole(number));
        assert_eq!(
            traffic_of("tcp", whole(80), whole(90)),
            Some(Traffic::Tcp(PortRange { first: 80, last: 90 }))
        );
        assert_eq!(traffic_of("6", None, None), Some(Traffic::Tcp(PortRange::ALL)));
        assert_eq!(
            traffic_of("udp", whole(-1), whole(-1)),
            Some(Traffic::Udp(PortRange::ALL))
        );
        let echo = Traffic::Icmp {
            icmp_type: Some(8),
            icmp_code: None,
        };
        assert_eq!(traffic_of("icmp", whole(8), whole(-1)), Some(echo));
        assert_eq!(traffic_of("1", whole(-1), whole(-1)), Some(Traffic::ICMP));
        assert_eq!(traffic_of("-1", whole(0), whole(65_535)), Some(Traffic::All));
        assert_eq!(traffic_of("50", None, None), Some(Traffic::Other(Protocol::ESP)));
        assert_eq!(traffic_of("what", None, None), None);
    }
}
