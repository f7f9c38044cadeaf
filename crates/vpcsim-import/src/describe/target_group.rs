//! `TargetGroups`, and who is registered in them: the answers of `describe-target-groups` and `describe-target-health`.
//!
//! The answer about health does not say its target group; dumps put it beside the group's ARN in `LoadBalancerTargetHealth`.

use serde::Deserialize;
use vpcsim_aws::devices::load_balancer::ListenerProtocol;
use vpcsim_aws::devices::target_group::{Target, TargetAddress, TargetHealth, TargetType};
use vpcsim_aws::devices::{Instance, TargetGroup};
use vpcsim_aws::{Finding, Kind, Label};

use super::build::Build;
use super::item::{Described, Item, List, State, Tag, Whole, Word};

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub(super) struct TargetGroupJson {
    target_group_arn: String,
    target_group_name: Option<String>,
    protocol: Word,
    port: Option<Whole>,
    vpc_id: Option<String>,
    target_type: Word,
    health_check_port: Word,
    tags: List<Tag>,
}

/// The targets of a group with their health.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub(super) struct TargetHealthJson {
    target_group_arn: String,
    target_health_descriptions: List<DescriptionJson>,
}

/// A target with its health.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub(super) struct DescriptionJson {
    target: TargetJson,
    target_health: State,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
struct TargetJson {
    id: String,
    port: Option<Whole>,
}

/// Attributes of a load balancer or a target group.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub(super) struct AttributesJson {
    load_balancer_arn: String,
    target_group_arn: String,
    attributes: List<AttributeJson>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
struct AttributeJson {
    key: String,
    value: Word,
}

impl Described for AttributesJson {
    const KIND: Option<Kind> = None;

    fn id(&self) -> &'static str {
        ""
    }

    fn tags(&self) -> &[Tag] {
        &[]
    }

    fn prepare(item: &Item<'_, Self>, build: &mut Build<'_>) {
        let json = &item.value;
        let arn = [&json.load_balancer_arn, &json.target_group_arn]
            .into_iter()
            .find(|arn| !arn.is_empty());
        for attribute in json.attributes.iter() {
            let key = (arn.cloned().unwrap_or_default(), attribute.key.clone());
            build.attributes.insert(key, attribute.value.0.clone());
        }
    }

    fn declare(_: &Item<'_, Self>, _: Label, _: &mut Build<'_>) {}
}

impl Described for TargetHealthJson {
    const KIND: Option<Kind> = None;

    fn id(&self) -> &'static str {
        ""
    }

    fn tags(&self) -> &[Tag] {
        &[]
    }

    fn prepare(item: &Item<'_, Self>, build: &mut Build<'_>) {
        let targets = build.targets_of_group.entry(item.value.target_group_arn.clone());
        targets
            .or_default()
            .extend(item.value.target_health_descriptions.iter().cloned());
    }

    fn declare(_: &Item<'_, Self>, _: Label, _: &mut Build<'_>) {}
}

impl Described for TargetGroupJson {
    const KIND: Option<Kind> = Some(Kind::TargetGroup);

    fn id(&self) -> &str {
        &self.target_group_arn
    }

    fn tags(&self) -> &[Tag] {
        &self.tags
    }

    fn name(&self) -> Option<&str> {
        self.target_group_name.as_deref().filter(|name| !name.is_empty())
    }

    fn declare(item: &Item<'_, Self>, label: Label, build: &mut Build<'_>) {
        let json = &item.value;
        let target_type = match &*json.target_type {
            "ip" => TargetType::Ip,
            "" | "instance" => TargetType::Instance,
            _ => return,
        };
        // Groups of application load balancers speak HTTP: they are covered by the entry of their load balancer.
        let Some(protocol) = ListenerProtocol::parse(&json.protocol) else {
            return;
        };
        let port = json.port.and_then(|port| u16::try_from(port.0).ok());
        let vpc = build.vpc(json.vpc_id.as_deref().unwrap_or_default(), item);
        let (Some(vpc), Some(port)) = (vpc, port) else {
            return;
        };
        let arn = &json.target_group_arn;
        let flag = |key: &str| match build.attributes.get(&(arn.clone(), key.to_owned())) {
            Some(value) => match value.as_str() {
                "true" => Some(true),
                "false" => Some(false),
                _ => None,
            },
            None => None,
        };
        let group = TargetGroup {
            label,
            vpc,
            protocol,
            port,
            target_type,
            targets: Vec::new(),
            preserve_client_ip: flag("preserve_client_ip.enabled"),
            cross_zone: flag("load_balancing.cross_zone.enabled"),
            sticky: flag("stickiness.enabled") == Some(true),
            health_port: json.health_check_port.parse().ok(),
            proxy_protocol: flag("proxy_protocol_v2.enabled") == Some(true),
        };
        let targets = read_targets(item, target_type, build);
        let id = build
            .topology
            .target_groups
            .push(TargetGroup { targets, ..group });
        build.enter(id, Some(vpc));
    }
}

fn read_targets(
    item: &Item<'_, TargetGroupJson>,
    target_type: TargetType,
    build: &mut Build<'_>,
) -> Vec<Target> {
    let Some(described) = build.targets_of_group.get(&item.value.target_group_arn).cloned() else {
        let message = format!(
            "the targets of target group `{}` are not in the input",
            item.value.target_group_name.as_deref().unwrap_or("?")
        );
        let help = "put the answer of `aws elbv2 describe-target-health` beside its `TargetGroupArn` into `LoadBalancerTargetHealth`";
        let finding = Finding::warning("targets-not-in-input", item.origin, message);
        build.findings.push(finding.help(help));
        return Vec::new();
    };
    let mut targets = Vec::new();
    for description in described {
        let id = &description.target.id;
        let to = match target_type {
            TargetType::Ip => build.address(item, id).map(TargetAddress::Address),
            TargetType::Instance => build.find::<Instance>(id).map(TargetAddress::Instance),
        };
        let Some(to) = to else {
            let message = format!("the target `{id}` is not in the input");
            build
                .findings
                .push(Finding::warning("unknown-reference", item.origin, message));
            continue;
        };
        targets.push(Target {
            to,
            port: description
                .target
                .port
                .and_then(|port| u16::try_from(port.0).ok()),
            health: match description.target_health.word() {
                "healthy" => Some(TargetHealth::Healthy),
                "unhealthy" | "unhealthy.draining" => Some(TargetHealth::Unhealthy),
                "draining" => Some(TargetHealth::Draining),
                _ => None,
            },
        });
    }
    targets
}
