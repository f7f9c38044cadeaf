//! `LoadBalancers` and their listeners: the answers of `describe-load-balancers` and `describe-listeners`.
//!
//! Which interfaces are a load balancer's own, their descriptions say: `ELB net/NAME/ID`, the end of its ARN.

use serde::Deserialize;
use vpcsim_aws::devices::load_balancer::{Listener, ListenerProtocol, LoadBalancerNode, Scheme};
use vpcsim_aws::devices::network_interface::InterfaceAddress;
use vpcsim_aws::devices::{LoadBalancer, NetworkInterface, Subnet};
use vpcsim_aws::{Id, Kind, Label, Unread};

use super::build::Build;
use super::item::{Described, Item, List, State, Tag, Whole, Word};
use crate::native::context::UNASSIGNED;

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub(super) struct LoadBalancerJson {
    load_balancer_arn: String,
    load_balancer_name: String,
    #[serde(rename = "DNSName")]
    dns_name: Option<String>,
    scheme: Word,
    state: State,
    r#type: Word,
    vpc_id: Option<String>,
    security_groups: List<String>,
    #[serde(rename = "EnforceSecurityGroupInboundRulesOnPrivateLinkTraffic")]
    enforces: Option<String>,
    availability_zones: List<ZoneJson>,
    tags: List<Tag>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
struct ZoneJson {
    subnet_id: String,
    load_balancer_addresses: List<AddressJson>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
struct AddressJson {
    ip_address: Option<String>,
    #[serde(rename = "PrivateIPv4Address")]
    private_ipv4_address: Option<String>,
}

/// The idle timeout of a listener whose attributes say nothing else (NLB-12).
const IDLE_TIMEOUT_S: u32 = 350;

/// A listener, or the listeners of a load balancer.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub(super) struct ListenersJson {
    load_balancer_arn: String,
    listeners: List<ListenerJson>,
    #[serde(flatten)]
    own: ListenerJson,
}

/// A listener.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub(super) struct ListenerJson {
    listener_arn: String,
    port: Option<Whole>,
    protocol: Word,
    default_actions: List<ActionJson>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
struct ActionJson {
    target_group_arn: Option<String>,
    forward_config: Option<ForwardJson>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
struct ForwardJson {
    target_groups: List<TupleJson>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
struct TupleJson {
    target_group_arn: Option<String>,
}

impl Described for ListenersJson {
    const KIND: Option<Kind> = None;

    fn id(&self) -> &'static str {
        ""
    }

    fn tags(&self) -> &[Tag] {
        &[]
    }

    fn prepare(item: &Item<'_, Self>, build: &mut Build<'_>) {
        let json = &item.value;
        let listeners = build
            .listeners_of
            .entry(json.load_balancer_arn.clone())
            .or_default();
        listeners.extend(json.listeners.iter().cloned());
        if json.own.port.is_some() {
            listeners.push(json.own.clone());
        }
    }

    fn declare(_: &Item<'_, Self>, _: Label, _: &mut Build<'_>) {}
}

/// The end of an ARN by which interfaces name their load balancer.
fn short_arn(arn: &str) -> &str {
    arn.split_once("loadbalancer/").map_or(arn, |(_, rest)| rest)
}

impl LoadBalancerJson {
    fn is_network(&self) -> bool {
        &*self.r#type == "network"
    }
}

impl Described for LoadBalancerJson {
    const KIND: Option<Kind> = Some(Kind::LoadBalancer);

    fn id(&self) -> &str {
        &self.load_balancer_arn
    }

    fn tags(&self) -> &[Tag] {
        &self.tags
    }

    fn name(&self) -> Option<&str> {
        Some(self.load_balancer_name.as_str()).filter(|name| !name.is_empty())
    }

    fn prepare(item: &Item<'_, Self>, build: &mut Build<'_>) {
        if item.value.is_network() {
            let owner = short_arn(&item.value.load_balancer_arn).to_owned();
            build.interfaces_of_balancer.insert(owner, Vec::new());
        }
    }

    fn declare(item: &Item<'_, Self>, label: Label, build: &mut Build<'_>) {
        let json = &item.value;
        if !json.is_network() {
            let vpc = json.vpc_id.as_deref().and_then(|id| build.find(id));
            return build.unread(Unread {
                noun: format!("{} load balancer", &*json.r#type).trim().to_owned(),
                name: label.name,
                vpc,
                addresses: Vec::new(),
                effect: "flows to and from its addresses cannot be judged".to_owned(),
                origin: item.origin,
            });
        }
        let by_subnet = json.availability_zones.iter().find_map(|zone| {
            let subnet = build.find::<Subnet>(&zone.subnet_id)?;
            Some(build.topology.subnets[subnet].vpc)
        });
        if by_subnet.is_none() && item.address.is_some() {
            let effect = "it is missing, since none of its subnets is in the input";
            return super::subnet::unread(item, build, label, None, "network load balancer", effect);
        }
        let described = json.vpc_id.as_deref().unwrap_or_default();
        let Some(vpc) = by_subnet.or_else(|| build.vpc(described, item)) else {
            return;
        };
        let internal = &*json.scheme == "internal";
        let arn = &json.load_balancer_arn;
        let cross_zone = (arn.clone(), "load_balancing.cross_zone.enabled".to_owned());
        let cross_zone = build
            .attributes
            .get(&cross_zone)
            .is_some_and(|value| value == "true");
        let nodes = json
            .availability_zones
            .iter()
            .filter_map(|zone| node(item, zone, build))
            .collect();
        let listeners = build.listeners_of.get(arn).cloned().unwrap_or_default();
        let balancer = LoadBalancer {
            label,
            vpc,
            scheme: if internal {
                Scheme::Internal
            } else {
                Scheme::InternetFacing
            },
            nodes,
            cross_zone,
            active: matches!(json.state.word(), "" | "active" | "active_impaired"),
            listeners: listeners
                .iter()
                .filter_map(|listener| read_listener(listener, build))
                .collect(),
            dns_name: json.dns_name.clone(),
            judges_endpoints: json.enforces.as_deref() != Some("off"),
            shifted_zones: Vec::new(),
        };
        let id = build.topology.load_balancers.push(balancer);
        build.enter(id, Some(vpc));
    }
}

fn read_listener(json: &ListenerJson, build: &Build<'_>) -> Option<Listener> {
    let arn = |action: &ActionJson| {
        let weighted = action
            .forward_config
            .as_ref()
            .and_then(|config| config.target_groups.first()?.target_group_arn.clone());
        action.target_group_arn.clone().or(weighted)
    };
    let group = json.default_actions.iter().find_map(arn);
    let idle = build
        .attributes
        .get(&(json.listener_arn.clone(), "tcp.idle_timeout.seconds".to_owned()));
    Some(Listener {
        protocol: ListenerProtocol::parse(&json.protocol)?,
        port: u16::try_from(json.port?.0).ok()?,
        target_group: group.and_then(|arn| build.find(&arn)),
        idle_timeout_s: idle
            .and_then(|value| value.parse().ok())
            .filter(|seconds| *seconds != IDLE_TIMEOUT_S),
    })
}

fn node(
    item: &Item<'_, LoadBalancerJson>,
    zone: &ZoneJson,
    build: &mut Build<'_>,
) -> Option<LoadBalancerNode> {
    let subnet = build.find::<Subnet>(&zone.subnet_id)?;
    let owner = short_arn(&item.value.load_balancer_arn);
    let described = build.interfaces_of_balancer.get(owner).into_iter().flatten();
    let own = described
        .copied()
        .find(|id| build.topology.network_interfaces[*id].subnet == subnet);
    let interface = own.unwrap_or_else(|| make_up_interface(item, zone, subnet, build));
    Some(LoadBalancerNode { subnet, interface })
}

/// Trimmed dumps may lack the interfaces of a load balancer.
fn make_up_interface(
    item: &Item<'_, LoadBalancerJson>,
    zone: &ZoneJson,
    subnet: Id<Subnet>,
    build: &mut Build<'_>,
) -> Id<NetworkInterface> {
    let json = &item.value;
    let address = zone.load_balancer_addresses.first();
    let private = address.and_then(|address| address.private_ipv4_address.as_deref());
    let private = private.and_then(|text| build.address(item, text));
    let public = address.and_then(|address| address.ip_address.as_deref());
    let public = public.and_then(|text| build.address(item, text));
    let groups = json
        .security_groups
        .iter()
        .filter_map(|group| build.find(group))
        .collect();
    let id = build.managed_interface(&json.load_balancer_name, subnet, item.origin, groups);
    let interface = &mut build.topology.network_interfaces[id];
    interface.addresses = vec![InterfaceAddress {
        private: private.unwrap_or(UNASSIGNED),
        public,
        origin: item.origin,
    }];
    interface.source_dest_check = false;
    id
}
