//! `TargetGroups`, and who is registered in them: the answers of `describe-target-groups` and `describe-target-health`.
//!
//! The answer about health does not say its target group; dumps put it beside the group's ARN in `LoadBalancerTargetHealth`.
//! An answer as it is (`TargetHealthDescriptions`) belongs to the one group without targets that it fits: by the kind of
//! target, and if several groups are left, by the port.

use serde::Deserialize;
use vpcsim_aws::devices::load_balancer::ListenerProtocol;
use vpcsim_aws::devices::target_group::{
    HealthCheck, HealthMinimum, HealthProtocol, Target, TargetAddress, TargetHealth, TargetType,
};
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
    health_check_protocol: Word,
    health_check_port: Word,
    health_check_path: Option<String>,
    health_check_interval_seconds: Option<Whole>,
    health_check_timeout_seconds: Option<Whole>,
    healthy_threshold_count: Option<Whole>,
    unhealthy_threshold_count: Option<Whole>,
    matcher: MatcherJson,
    tags: List<Tag>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
struct MatcherJson {
    http_code: Word,
}

/// What a target group must have for targets whose group is not said.
#[derive(Clone, Debug)]
pub(super) struct Candidate {
    arn: String,
    of_instances: bool,
    port: Option<i64>,
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
    listener_arn: String,
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
        let arn = [
            &json.load_balancer_arn,
            &json.target_group_arn,
            &json.listener_arn,
        ]
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

impl Described for DescriptionJson {
    const KIND: Option<Kind> = None;

    fn id(&self) -> &'static str {
        ""
    }

    fn tags(&self) -> &[Tag] {
        &[]
    }

    fn prepare(item: &Item<'_, Self>, build: &mut Build<'_>) {
        build.targets_without_group.push(item.value.clone());
    }

    fn declare(_: &Item<'_, Self>, _: Label, _: &mut Build<'_>) {}
}

impl DescriptionJson {
    /// Whether it is about a target of this group rather than of another candidate.
    fn belongs_to(&self, arn: &str, candidates: &[Candidate]) -> bool {
        let of_instance = self.target.id.starts_with("i-");
        let port = self.target.port.as_ref().map(|port| port.0);
        let fits: Vec<&Candidate> = candidates
            .iter()
            .filter(|group| group.of_instances == of_instance)
            .collect();
        let by_port: Vec<&Candidate> = fits.iter().copied().filter(|group| group.port == port).collect();
        match (fits.as_slice(), by_port.as_slice()) {
            ([one], _) | (_, [one]) => one.arn == arn,
            _ => false,
        }
    }
}

/// The targets of a group, as far as the input says them.
fn described_targets(arn: &str, build: &Build<'_>) -> Option<Vec<DescriptionJson>> {
    if let Some(known) = build.targets_of_group.get(arn) {
        return Some(known.clone());
    }
    let lacks = |group: &&Candidate| !build.targets_of_group.contains_key(&group.arn);
    let candidates: Vec<Candidate> = build.groups_of_targets.iter().filter(lacks).cloned().collect();
    let own = build
        .targets_without_group
        .iter()
        .filter(|target| target.belongs_to(arn, &candidates));
    let own: Vec<DescriptionJson> = own.cloned().collect();
    Some(own).filter(|own| !own.is_empty())
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

    fn prepare(item: &Item<'_, Self>, build: &mut Build<'_>) {
        let json = &item.value;
        build.groups_of_targets.push(Candidate {
            arn: json.target_group_arn.clone(),
            of_instances: matches!(&*json.target_type, "" | "instance"),
            port: json.port.as_ref().map(|port| port.0),
        });
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
            health_check: json.health_check(),
            dns_failover: minimum(arn, "dns_failover", build),
            routing_failover: minimum(arn, "unhealthy_state_routing", build),
            resets_unhealthy: flag("target_health_state.unhealthy.connection_termination.enabled")
                != Some(false),
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

impl TargetGroupJson {
    fn health_check(&self) -> HealthCheck {
        let default = HealthCheck::default();
        let number = |value: &Option<Whole>| value.as_ref().and_then(|value| u16::try_from(value.0).ok());
        let mut protocols = HealthProtocol::NAMES.iter();
        let protocol = protocols.find(|(name, _)| name.eq_ignore_ascii_case(&self.health_check_protocol));
        let mut check = HealthCheck {
            protocol: protocol.map_or(default.protocol, |(_, protocol)| *protocol),
            port: self.health_check_port.parse().ok(),
            path: self
                .health_check_path
                .clone()
                .filter(|path| !path.is_empty())
                .unwrap_or(default.path),
            codes: HealthCheck::parse_codes(&self.matcher.http_code).unwrap_or(default.codes),
            interval_s: number(&self.health_check_interval_seconds).unwrap_or(default.interval_s),
            timeout_s: None,
            healthy_threshold: number(&self.healthy_threshold_count).unwrap_or(default.healthy_threshold),
            unhealthy_threshold: number(&self.unhealthy_threshold_count)
                .unwrap_or(default.unhealthy_threshold),
        };
        check.timeout_s =
            number(&self.health_check_timeout_seconds).filter(|timeout| *timeout != check.timeout_s());
        check
    }
}

/// How many healthy targets are enough: the attributes `target_group_health.ACTION.minimum_healthy_targets.*`.
fn minimum(arn: &str, action: &str, build: &Build<'_>) -> HealthMinimum {
    let attribute = |name: &str| {
        let key = format!("target_group_health.{action}.minimum_healthy_targets.{name}");
        build.attributes.get(&(arn.to_owned(), key))
    };
    HealthMinimum {
        count: attribute("count").map_or(HealthMinimum::default().count, |value| value.parse().ok()),
        percent: attribute("percentage").and_then(|value| value.parse().ok()),
    }
}

fn read_targets(
    item: &Item<'_, TargetGroupJson>,
    target_type: TargetType,
    build: &mut Build<'_>,
) -> Vec<Target> {
    let Some(described) = described_targets(&item.value.target_group_arn, build) else {
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
