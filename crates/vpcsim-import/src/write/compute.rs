//! Instances and network interfaces.

use vpcsim_aws::Id;
use vpcsim_aws::appliance::Appliance;
use vpcsim_aws::devices::instance::{JUMBO_MTU, Listener, MetadataOptions};
use vpcsim_aws::devices::network_interface::{Attachment, InterfaceAddress, TrackingTimeouts};
use vpcsim_aws::devices::{Instance, NetworkInterface, SecurityGroup, Vpc};
use vpcsim_aws::traffic::PortRange;

use super::Writer;
use super::design::{put, put_flag, put_label};
use super::yaml::{Map, Yaml};
use crate::native::instance::{BITS_OF_MEGABIT, ROUTINGS, default_name};

impl Writer<'_> {
    /// The instances of a VPC, or those of which no interface is known.
    pub(super) fn instances(&self, vpc: Option<Id<Vpc>>) -> Map {
        let instances = self.topology.instances.iter();
        let inside = instances.filter(|(id, _)| self.references.vpc_of_instance(id.index()) == vpc);
        inside
            .map(|(id, row)| (row.label.name.clone(), self.instance(vpc, id, row)))
            .collect()
    }

    fn instance(&self, vpc: Option<Id<Vpc>>, id: Id<Instance>, row: &Instance) -> Yaml {
        let mut map = Map::new();
        let mut interfaces = self.references.interfaces_of(id).iter().copied();
        if let Some(vpc) = vpc {
            let all: Vec<Id<NetworkInterface>> = interfaces.by_ref().collect();
            match all[..] {
                [only] if self.is_plain(row, only) => self.put_interface(vpc, only, &mut map),
                _ => {
                    let listed = all.iter().enumerate();
                    let listed = listed
                        .map(|(place, id)| self.inline(vpc, row, place, *id))
                        .collect();
                    put(&mut map, "interfaces", Yaml::List(listed));
                }
            }
        }
        put_listeners(&mut map, &row.listen);
        if let Some((word, _)) = ROUTINGS
            .iter()
            .skip(1)
            .find(|(_, routing)| *routing == row.routing)
        {
            put(&mut map, "routing", Yaml::text(*word));
        }
        if row.mtu != JUMBO_MTU {
            put(&mut map, "mtu", Yaml::plain(row.mtu));
        }
        if let Some(allowance) = row.allowance {
            let megabits = allowance.bits_per_s / BITS_OF_MEGABIT;
            for (key, most, figure) in [
                ("bandwidth_mbps", allowance.bits_per_s, megabits),
                ("packets_per_s", allowance.packets_per_s, allowance.packets_per_s),
            ] {
                if most != u64::MAX {
                    put(&mut map, key, Yaml::plain(figure));
                }
            }
        }
        if let Some(kind) = &row.instance_type {
            put(&mut map, "type", Yaml::text(kind));
        }
        if !row.running {
            put(&mut map, "state", Yaml::text("stopped"));
        }
        put_appliance(&mut map, row.appliance.as_ref());
        put_metadata(&mut map, row.metadata);
        put_label(&mut map, &row.label);
        Yaml::Map(map)
    }

    /// Whether an interface says nothing that the instance's own keys cannot say.
    fn is_plain(&self, instance: &Instance, id: Id<NetworkInterface>) -> bool {
        let row = &self.topology.network_interfaces[id];
        let label = &row.label;
        let primary = matches!(row.attachment, Attachment::Instance { device_index: 0, .. });
        primary && label.name == instance.label.name && label.id.is_none() && label.tags.is_empty()
    }

    fn inline(&self, vpc: Id<Vpc>, instance: &Instance, place: usize, id: Id<NetworkInterface>) -> Yaml {
        let row = &self.topology.network_interfaces[id];
        let mut map = Map::new();
        let index = match row.attachment {
            Attachment::Instance { device_index, .. } => device_index,
            _ => place as u16,
        };
        if row.label.name != default_name(&instance.label.name, index) {
            put(&mut map, "name", Yaml::text(&row.label.name));
        }
        if usize::from(index) != place {
            put(&mut map, "device_index", Yaml::plain(index));
        }
        self.put_interface(vpc, id, &mut map);
        put_label(&mut map, &row.label);
        Yaml::Map(map)
    }

    /// The interfaces of a VPC that belong to no instance.
    pub(super) fn network_interfaces(&self, vpc: Id<Vpc>) -> Map {
        let interfaces = self.topology.network_interfaces.iter();
        let own = interfaces.filter(|(_, row)| {
            self.topology.subnets[row.subnet].vpc == vpc
                && !matches!(row.attachment, Attachment::Instance { .. })
        });
        let write = |(id, row): (Id<NetworkInterface>, &NetworkInterface)| {
            let mut map = Map::new();
            self.put_interface(vpc, id, &mut map);
            match &row.attachment {
                Attachment::Managed => put(&mut map, "managed", Yaml::plain(true)),
                Attachment::Unmodelled(noun) => put(&mut map, "unmodelled", Yaml::text(noun)),
                Attachment::None | Attachment::Instance { .. } => {}
            }
            put_label(&mut map, &row.label);
            (row.label.name.clone(), Yaml::Map(map))
        };
        own.map(write).collect()
    }

    /// The keys that every form of an interface has.
    fn put_interface(&self, vpc: Id<Vpc>, id: Id<NetworkInterface>, map: &mut Map) {
        let row = &self.topology.network_interfaces[id];
        put(
            map,
            "subnet",
            Yaml::text(self.references.name(Some(vpc), row.subnet)),
        );
        let launched = matches!(row.attachment, Attachment::Instance { device_index: 0, .. });
        let by_subnet = launched && self.topology.subnets[row.subnet].map_public_ip_on_launch;
        put_addresses(map, &row.addresses, by_subnet);
        if !row.security_groups.is_empty() && !self.is_default_group(row) {
            let names = row
                .security_groups
                .iter()
                .map(|group| self.references.name(Some(vpc), *group));
            put(map, "security_groups", Yaml::texts(names));
        }
        put_flag(map, "source_dest_check", row.source_dest_check, true);
        if let Some(account) = &row.label.account {
            put(map, "account", Yaml::text(account));
        }
        if let Some(mac) = row.mac {
            put(map, "mac", Yaml::text(mac.to_string()));
        }
        if !row.prefixes.is_empty() {
            put(
                map,
                "prefixes",
                Yaml::List(row.prefixes.iter().map(Yaml::plain).collect()),
            );
        }
        put_tracking(map, row.tracking);
    }

    /// Whether it has what completion gives to interfaces without a group.
    fn is_default_group(&self, row: &NetworkInterface) -> bool {
        let vpc = self.topology.subnets[row.subnet].vpc;
        let joins = matches!(row.attachment, Attachment::None | Attachment::Instance { .. });
        let [only] = row.security_groups[..] else {
            return false;
        };
        let group: &SecurityGroup = &self.topology.security_groups[only];
        joins && group.default && group.vpc == vpc
    }
}

fn put_addresses(map: &mut Map, addresses: &[InterfaceAddress], public_by_subnet: bool) {
    let Some((primary, secondary)) = addresses.split_first() else {
        return;
    };
    put(map, "address", Yaml::plain(primary.private));
    match primary.public {
        Some(public) => put(map, "public_ip", Yaml::plain(public)),
        None => put_flag(map, "public_ip", false, public_by_subnet),
    }
    let written = |address: &InterfaceAddress| match address.public {
        None => Yaml::plain(address.private),
        Some(public) => Yaml::Map(vec![
            ("address".to_owned(), Yaml::plain(address.private)),
            ("public_ip".to_owned(), Yaml::plain(public)),
        ]),
    };
    if !secondary.is_empty() {
        put(
            map,
            "secondary_ips",
            Yaml::List(secondary.iter().map(written).collect()),
        );
    }
}

fn put_tracking(map: &mut Map, tracking: TrackingTimeouts) {
    let seconds = [
        ("tcp_established", tracking.tcp_established_s),
        ("udp", tracking.udp_s),
        ("udp_stream", tracking.udp_stream_s),
    ];
    let written: Map = seconds
        .into_iter()
        .filter_map(|(key, seconds)| Some((key.to_owned(), Yaml::plain(seconds?))))
        .collect();
    if !written.is_empty() {
        put(map, "tracking", Yaml::Map(written));
    }
}

fn put_appliance(map: &mut Map, appliance: Option<&Appliance>) {
    let Some(appliance) = appliance else { return };
    for (word, known) in [("router", Appliance::router()), ("nat", Appliance::nat())] {
        if *appliance == known {
            return put(map, "appliance", Yaml::text(word));
        }
    }
    let mut written = Map::new();
    if appliance.masquerade {
        put(&mut written, "nat", Yaml::text("masquerade"));
    }
    let rules = appliance.firewall.iter().map(ToString::to_string);
    if !appliance.firewall.is_empty() {
        put(&mut written, "firewall", Yaml::texts(rules));
    }
    put_flag(
        &mut written,
        "stateful",
        appliance.stateful,
        !appliance.firewall.is_empty(),
    );
    put_flag(&mut written, "assumed", appliance.assumed, false);
    put(map, "appliance", Yaml::Map(written));
}

fn put_metadata(map: &mut Map, metadata: MetadataOptions) {
    let defaults = MetadataOptions::default();
    let mut written = Map::new();
    put_flag(&mut written, "enabled", metadata.enabled, defaults.enabled);
    put_flag(
        &mut written,
        "tokens_required",
        metadata.tokens_required,
        defaults.tokens_required,
    );
    if metadata.hop_limit != defaults.hop_limit {
        put(&mut written, "hop_limit", Yaml::plain(metadata.hop_limit));
    }
    if !written.is_empty() {
        put(map, "metadata", Yaml::Map(written));
    }
}

/// The services that a host answers on.
pub(super) fn listeners(listen: &[Listener]) -> Yaml {
    let line = |listener: &Listener| match listener.ports {
        PortRange::ALL => listener.protocol.to_string(),
        ports => format!("{} {ports}", listener.protocol),
    };
    Yaml::texts(listen.iter().map(line))
}

/// Adds the services, if there are any.
pub(super) fn put_listeners(map: &mut Map, listen: &[Listener]) {
    if !listen.is_empty() {
        put(map, "listen", listeners(listen));
    }
}
