//! Load balancers and target groups.

use vpcsim_aws::Id;
use vpcsim_aws::devices::load_balancer::{Listener, ListenerProtocol, Scheme};
use vpcsim_aws::devices::target_group::{
    HealthCheck, HealthMinimum, HealthProtocol, Target, TargetAddress, TargetType,
};
use vpcsim_aws::devices::{LoadBalancer, TargetGroup, Vpc};

use super::Writer;
use super::design::{put, put_flag, put_label};
use super::yaml::{Map, Yaml};
use crate::native::target_group::{HEALTH, TYPES};

impl Writer<'_> {
    pub(super) fn target_groups(&self, vpc: Id<Vpc>) -> Map {
        let inside = |row: &TargetGroup| row.vpc == vpc;
        self.rows(&self.topology.target_groups, inside, |row| self.target_group(row))
    }

    fn target_group(&self, row: &TargetGroup) -> Yaml {
        let mut map = Map::new();
        if row.protocol != ListenerProtocol::Tcp {
            put(&mut map, "protocol", Yaml::text(row.protocol.word()));
        }
        put(&mut map, "port", Yaml::plain(row.port));
        let by_target = match row.targets.first().map(|target| target.to) {
            Some(TargetAddress::Address(_)) => TargetType::Ip,
            _ => TargetType::Instance,
        };
        let types = TYPES.iter().filter(|(_, kind)| *kind == row.target_type);
        if row.target_type != by_target {
            types.for_each(|(word, _)| put(&mut map, "type", Yaml::text(*word)));
        }
        if !row.targets.is_empty() {
            let targets = row.targets.iter().map(|target| self.one_target(row.vpc, target));
            put(&mut map, "targets", Yaml::List(targets.collect()));
        }
        for (key, flag) in [
            ("preserve_client_ip", row.preserve_client_ip),
            ("cross_zone", row.cross_zone),
        ] {
            if let Some(flag) = flag {
                put(&mut map, key, Yaml::plain(flag));
            }
        }
        put_flag(&mut map, "sticky", row.sticky, false);
        let check = health_check(&row.health_check);
        if !check.is_empty() {
            put(&mut map, "health_check", Yaml::Map(check));
        }
        for (key, minimum) in [
            ("dns_failover", row.dns_failover),
            ("routing_failover", row.routing_failover),
        ] {
            if minimum != HealthMinimum::default() {
                let mut own = vec![("count".to_owned(), Yaml::plain(minimum.count.unwrap_or(0)))];
                if let Some(percent) = minimum.percent {
                    put(&mut own, "percent", Yaml::plain(percent));
                }
                put(&mut map, key, Yaml::Map(own));
            }
        }
        put_flag(&mut map, "resets_unhealthy", row.resets_unhealthy, true);
        put_flag(&mut map, "proxy_protocol", row.proxy_protocol, false);
        put_label(&mut map, &row.label);
        Yaml::Map(map)
    }

    fn one_target(&self, vpc: Id<Vpc>, target: &Target) -> Yaml {
        let name = match target.to {
            TargetAddress::Address(address) => address.to_string(),
            TargetAddress::Instance(id) => self.references.name(Some(vpc), id),
        };
        if target.port.is_none() && target.health.is_none() && !name.contains(':') {
            return Yaml::text(name);
        }
        let mut map = vec![("target".to_owned(), Yaml::text(name))];
        if let Some(port) = target.port {
            put(&mut map, "port", Yaml::plain(port));
        }
        for (word, _) in HEALTH.iter().filter(|(_, health)| Some(*health) == target.health) {
            put(&mut map, "health", Yaml::text(*word));
        }
        Yaml::Map(map)
    }

    pub(super) fn load_balancers(&self, vpc: Id<Vpc>) -> Map {
        let inside = |row: &LoadBalancer| row.vpc == vpc;
        self.rows(&self.topology.load_balancers, inside, |row| {
            self.load_balancer(row)
        })
    }

    fn load_balancer(&self, row: &LoadBalancer) -> Yaml {
        let mut map = Map::new();
        let vpc = Some(row.vpc);
        let interfaces = row
            .nodes
            .iter()
            .map(|node| self.references.name(vpc, node.interface));
        put(&mut map, "interfaces", Yaml::texts(interfaces));
        if row.scheme == Scheme::Internal {
            put(&mut map, "scheme", Yaml::text("internal"));
        }
        put_flag(&mut map, "cross_zone", row.cross_zone, false);
        put_flag(&mut map, "active", row.active, true);
        if !row.listeners.is_empty() {
            let listeners = row.listeners.iter().map(|listener| {
                let key = format!("{} {}", listener.protocol.word(), listener.port);
                (key, self.listener(row.vpc, listener))
            });
            put(&mut map, "listeners", Yaml::Map(listeners.collect()));
        }
        if let Some(name) = &row.dns_name {
            put(&mut map, "dns_name", Yaml::text(name));
        }
        put_flag(&mut map, "private_link_rules", row.judges_endpoints, true);
        if !row.shifted_zones.is_empty() {
            put(&mut map, "zonal_shift", Yaml::texts(row.shifted_zones.clone()));
        }
        put_label(&mut map, &row.label);
        Yaml::Map(map)
    }

    fn listener(&self, vpc: Id<Vpc>, listener: &Listener) -> Yaml {
        let group = listener
            .target_group
            .map(|id| Yaml::text(self.references.name(Some(vpc), id)));
        match (group, listener.idle_timeout_s) {
            (Some(group), None) => group,
            (group, idle) => {
                let mut map = Map::new();
                if let Some(group) = group {
                    put(&mut map, "target_group", group);
                }
                if let Some(seconds) = idle {
                    put(&mut map, "idle_timeout_s", Yaml::plain(seconds));
                }
                Yaml::Map(map)
            }
        }
    }
}

/// What differs from the defaults.
fn health_check(check: &HealthCheck) -> Map {
    let mut map = Map::new();
    let default = HealthCheck::default();
    for (word, _) in HealthProtocol::NAMES
        .iter()
        .filter(|(_, protocol)| *protocol == check.protocol)
    {
        if check.protocol != default.protocol {
            put(&mut map, "protocol", Yaml::text(*word));
        }
    }
    if let Some(port) = check.port {
        put(&mut map, "port", Yaml::plain(port));
    }
    if check.path != default.path {
        put(&mut map, "path", Yaml::text(&check.path));
    }
    if check.codes != default.codes {
        put(&mut map, "codes", Yaml::text(check.codes_text()));
    }
    let numbers = [
        (
            "interval_s",
            Some(check.interval_s).filter(|value| *value != default.interval_s),
        ),
        ("timeout_s", check.timeout_s),
        (
            "healthy_threshold",
            Some(check.healthy_threshold).filter(|value| *value != default.healthy_threshold),
        ),
        (
            "unhealthy_threshold",
            Some(check.unhealthy_threshold).filter(|value| *value != default.unhealthy_threshold),
        ),
    ];
    for (key, value) in numbers {
        if let Some(value) = value {
            put(&mut map, key, Yaml::plain(value));
        }
    }
    map
}
