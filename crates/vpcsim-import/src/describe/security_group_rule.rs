//! `SecurityGroupRules`: the answer of `describe-security-group-rules`, which has the rules' ids.

use serde::Deserialize;
use vpcsim_aws::devices::SecurityGroup;
use vpcsim_aws::devices::security_group::{Peer, SecurityGroupRule};
use vpcsim_aws::{Finding, Kind, Label};

use super::build::Build;
use super::item::{Described, Item, List, Tag, Whole, Word};
use super::security_group::{GroupPairJson, group_peer, traffic_of};
use super::{made, prefix_list};

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub(super) struct RuleJson {
    security_group_rule_id: String,
    group_id: String,
    is_egress: Option<bool>,
    ip_protocol: Word,
    from_port: Option<Whole>,
    to_port: Option<Whole>,
    cidr_ipv4: Option<String>,
    cidr_ipv6: Option<String>,
    prefix_list_id: Option<String>,
    referenced_group_info: Option<GroupPairJson>,
    tags: List<Tag>,
}

impl Described for RuleJson {
    const KIND: Option<Kind> = None;

    fn id(&self) -> &str {
        &self.security_group_rule_id
    }

    fn tags(&self) -> &[Tag] {
        &self.tags
    }

    fn declare(_: &Item<'_, Self>, _: Label, _: &mut Build<'_>) {}

    /// Gives its id to the equal rule of its group; the group's own description may lack the rule.
    fn connect(item: &Item<'_, Self>, build: &mut Build<'_>) {
        let json = &item.value;
        let Some(group) = build.find::<SecurityGroup>(&json.group_id) else {
            return report_groupless(item, build);
        };
        let Some(peer) = read_peer(item, build) else {
            return;
        };
        let Some(traffic) = traffic_of(&json.ip_protocol, json.from_port, json.to_port) else {
            let message = format!("`{}` is no protocol", &*json.ip_protocol);
            build
                .findings
                .push(item.error_at("bad-rule", &json.ip_protocol, message));
            return;
        };
        let id = Some(json.security_group_rule_id.clone()).filter(|id| !id.is_empty());
        let row = &mut build.topology.security_groups[group];
        let rules = if json.is_egress == Some(true) {
            &mut row.egress
        } else {
            &mut row.ingress
        };
        let same =
            |rule: &&mut SecurityGroupRule| rule.traffic == traffic && rule.peer == peer && rule.id.is_none();
        match rules.iter_mut().find(same) {
            Some(rule) => (rule.id, rule.origin) = (id, item.origin),
            None => rules.push(SecurityGroupRule {
                id,
                traffic,
                peer,
                origin: item.origin,
            }),
        }
    }
}

/// A described rule without its group says that the dump lacks the group; a declared one would be lost without a word.
fn report_groupless(item: &Item<'_, RuleJson>, build: &mut Build<'_>) {
    let group = &item.value.group_id;
    let finding = if let Some(address) = &item.address {
        made::without_whole("SecurityGroups", address, group, item.origin)
    } else {
        let message = format!("security group `{group}` of this rule is not in the input");
        Finding::warning("unknown-reference", item.locate(group), message)
    };
    build.findings.push(finding);
}

fn read_peer(item: &Item<'_, RuleJson>, build: &mut Build<'_>) -> Option<Peer> {
    let json = &item.value;
    if let Some(text) = &json.cidr_ipv4 {
        return build.cidr(item, text).map(Peer::Cidr);
    }
    if let Some(list) = &json.prefix_list_id {
        return Some(Peer::PrefixList(prefix_list::referenced(list, item, build)));
    }
    if let Some(pair) = &json.referenced_group_info {
        return Some(group_peer(item, pair, build));
    }
    if json.cidr_ipv6.is_some() {
        build.ipv6(Kind::SecurityGroup, item.origin);
    }
    None
}
