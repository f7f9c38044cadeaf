//! The top of a design: settings, VPCs, and what is in none.

use vpcsim_aws::Span;
use vpcsim_aws::devices::dhcp_options::NameServer;
use vpcsim_aws::devices::{DhcpOptions, ElasticIp, InternetHost, PeeringConnection, PrefixList};
use vpcsim_aws::latency::LatencyPair;
use vpcsim_aws::{Expectation, Label, Settings, Unread};

use super::Writer;
use super::yaml::{Map, Yaml};
use crate::native::dhcp_options::AMAZON_PROVIDED;
use crate::native::expectation::parse_line;
use crate::native::node::SPAN_UNITS;
use crate::native::peering_connection::STATES;
use crate::native::settings::SPANS;

/// Adds an entry with a text.
pub(super) fn put(map: &mut Map, key: &str, value: Yaml) {
    map.push((key.to_owned(), value));
}

/// Adds a truth value that differs from the default.
pub(super) fn put_flag(map: &mut Map, key: &str, value: bool, default: bool) {
    if value != default {
        put(map, key, Yaml::plain(value));
    }
}

/// Adds a mapping with a line for each entry, if it has any.
pub(super) fn put_block(map: &mut Map, key: &str, entries: Map) {
    if !entries.is_empty() {
        put(map, key, Yaml::Block(entries));
    }
}

/// Adds AWS's id and the tags.
pub(super) fn put_label(map: &mut Map, label: &Label) {
    if let Some(id) = &label.id {
        put(map, "id", Yaml::text(id));
    }
    if !label.tags.is_empty() {
        let tags = label
            .tags
            .iter()
            .map(|(key, value)| (key.clone(), Yaml::text(value)));
        put(map, "tags", Yaml::Map(tags.collect()));
    }
}

/// A time span in the largest unit that needs no fraction.
pub(super) fn span_text(span: Span) -> String {
    let ns = span.as_ns();
    let unit = SPAN_UNITS.iter().find(|(_, unit_ns)| ns.is_multiple_of(*unit_ns));
    let (name, unit_ns) = unit.copied().unwrap_or(("ns", 1));
    format!("{}{name}", ns / unit_ns)
}

impl Writer<'_> {
    /// The whole design.
    pub(super) fn design(&self) -> Map {
        let topology = self.topology;
        let mut map = Map::new();
        if !topology.name.is_empty() {
            put(&mut map, "name", Yaml::text(&topology.name));
        }
        if !topology.region.is_empty() {
            put(&mut map, "region", Yaml::text(&topology.region));
        }
        put_block(&mut map, "settings", settings(&topology.settings));
        put_block(
            &mut map,
            "dhcp_options",
            topology
                .dhcp_options
                .iter()
                .map(|(_, row)| dhcp_options(row))
                .collect(),
        );
        put_block(
            &mut map,
            "prefix_lists",
            topology
                .prefix_lists
                .iter()
                .map(|(_, row)| prefix_list(row))
                .collect(),
        );
        put_block(
            &mut map,
            "elastic_ips",
            topology
                .elastic_ips
                .iter()
                .map(|(_, row)| elastic_ip(row))
                .collect(),
        );
        put_block(
            &mut map,
            "vpcs",
            topology.vpcs.ids().map(|id| self.vpc(id)).collect(),
        );
        self.put_joins(&mut map);
        put_block(&mut map, "internet_gateways", self.detached_gateways());
        put_block(&mut map, "instances", self.instances(None));
        put_block(
            &mut map,
            "internet",
            topology
                .internet_hosts
                .iter()
                .map(|(_, row)| internet_host(row))
                .collect(),
        );
        let expected: Vec<Yaml> = topology.expectations.iter().map(expectation).collect();
        if !expected.is_empty() {
            put(&mut map, "expect", Yaml::Lines(expected));
        }
        let unread: Vec<Yaml> = topology.unread.iter().map(|unread| self.unread(unread)).collect();
        if !unread.is_empty() {
            put(&mut map, "unread", Yaml::Lines(unread));
        }
        if map.is_empty() {
            // An empty text is no design, but this is an empty one.
            put(&mut map, "vpcs", Yaml::Map(Map::new()));
        }
        map
    }

    /// What joins VPCs.
    fn put_joins(&self, map: &mut Map) {
        let peerings = self.topology.peering_connections.iter();
        put_block(
            map,
            "peerings",
            peerings.map(|(_, row)| self.peering(row)).collect(),
        );
        put_block(map, "transit_gateways", self.transit_gateways());
        put_block(map, "block_public_access", self.block_public_access());
        put_block(map, "endpoint_services", self.endpoint_services());
    }

    fn detached_gateways(&self) -> Map {
        let gateways = self.topology.internet_gateways.iter();
        let detached = gateways.filter(|(_, row)| row.vpc.is_none()).map(|(_, row)| {
            let mut map = Map::new();
            put_label(&mut map, &row.label);
            (row.label.name.clone(), Yaml::Map(map))
        });
        detached.collect()
    }

    fn peering(&self, row: &PeeringConnection) -> (String, Yaml) {
        let name = |id| Yaml::text(self.references.name(None, id));
        let mut map = Map::new();
        if let (Some(requester), Some(accepter)) = (row.requester, row.accepter) {
            put(
                &mut map,
                "between",
                Yaml::List(vec![name(requester), name(accepter)]),
            );
        } else {
            row.requester
                .into_iter()
                .for_each(|id| put(&mut map, "requester", name(id)));
            row.accepter
                .into_iter()
                .for_each(|id| put(&mut map, "accepter", name(id)));
        }
        if let Some((word, _)) = STATES.iter().skip(1).find(|(_, state)| *state == row.state) {
            put(&mut map, "state", Yaml::text(*word));
        }
        put_flag(
            &mut map,
            "requester_dns_resolution",
            row.requester_dns_resolution,
            false,
        );
        put_flag(
            &mut map,
            "accepter_dns_resolution",
            row.accepter_dns_resolution,
            false,
        );
        put_label(&mut map, &row.label);
        (row.label.name.clone(), Yaml::Map(map))
    }

    fn unread(&self, unread: &Unread) -> Yaml {
        let mut map = Map::new();
        put(&mut map, "noun", Yaml::text(&unread.noun));
        put(&mut map, "name", Yaml::text(&unread.name));
        if let Some(vpc) = unread.vpc {
            put(&mut map, "vpc", Yaml::text(self.references.name(None, vpc)));
        }
        if !unread.addresses.is_empty() {
            put(
                &mut map,
                "addresses",
                Yaml::List(unread.addresses.iter().map(Yaml::plain).collect()),
            );
        }
        put(&mut map, "effect", Yaml::text(&unread.effect));
        Yaml::Map(map)
    }
}

fn settings(settings: &Settings) -> Map {
    let (mut own, mut defaults) = (settings.clone(), Settings::default());
    let mut map = Map::new();
    for (name, place) in SPANS {
        let span = *place(&mut own);
        if span != *place(&mut defaults) {
            put(&mut map, name, Yaml::plain(span_text(span)));
        }
    }
    let pairs: Vec<Yaml> = own.latencies.iter().map(latency).collect();
    if !pairs.is_empty() {
        put(&mut map, "latencies", Yaml::Lines(pairs));
    }
    put_flag(
        &mut map,
        "internet_answers",
        own.internet_answers,
        defaults.internet_answers,
    );
    put_flag(&mut map, "limits", own.limits.is_some(), true);
    if own.tracked_connections_max != defaults.tracked_connections_max {
        put(
            &mut map,
            "tracked_connections_max",
            Yaml::plain(own.tracked_connections_max),
        );
    }
    map
}

fn latency(pair: &LatencyPair) -> Yaml {
    let mut map = Map::new();
    put(
        &mut map,
        "between",
        Yaml::List(pair.between.iter().map(Yaml::text).collect()),
    );
    put(&mut map, "one_way", Yaml::plain(span_text(pair.one_way)));
    Yaml::Map(map)
}

fn dhcp_options(row: &DhcpOptions) -> (String, Yaml) {
    let mut map = Map::new();
    if let Some(name) = &row.domain_name {
        put(&mut map, "domain_name", Yaml::text(name));
    }
    let mut list = |key, items: Vec<Yaml>| {
        if !items.is_empty() {
            put(&mut map, key, Yaml::List(items));
        }
    };
    let server = |server: &NameServer| match server {
        NameServer::AmazonProvided => Yaml::text(AMAZON_PROVIDED),
        NameServer::Address(address) => Yaml::plain(address),
    };
    list(
        "domain_name_servers",
        row.domain_name_servers.iter().map(server).collect(),
    );
    list("ntp_servers", row.ntp_servers.iter().map(Yaml::plain).collect());
    list(
        "netbios_name_servers",
        row.netbios_name_servers.iter().map(Yaml::plain).collect(),
    );
    if let Some(kind) = row.netbios_node_type {
        put(&mut map, "netbios_node_type", Yaml::plain(kind));
    }
    put_label(&mut map, &row.label);
    (row.label.name.clone(), Yaml::Map(map))
}

fn prefix_list(row: &PrefixList) -> (String, Yaml) {
    let entries = Yaml::List(row.entries.iter().map(Yaml::plain).collect());
    let as_many = row.entries_max as usize == row.entries.len();
    if as_many && row.version.is_none() && row.label.id.is_none() && row.label.tags.is_empty() {
        return (row.label.name.clone(), entries);
    }
    let mut map = Map::new();
    put(&mut map, "entries", entries);
    if !as_many {
        put(&mut map, "max_entries", Yaml::plain(row.entries_max));
    }
    if let Some(version) = row.version {
        put(&mut map, "version", Yaml::plain(version));
    }
    put_label(&mut map, &row.label);
    (row.label.name.clone(), Yaml::Map(map))
}

fn elastic_ip(row: &ElasticIp) -> (String, Yaml) {
    let mut map = Map::new();
    put(&mut map, "address", Yaml::plain(row.address));
    put(&mut map, "associated", Yaml::plain(row.associated));
    put_label(&mut map, &row.label);
    (row.label.name.clone(), Yaml::Map(map))
}

fn internet_host(row: &InternetHost) -> (String, Yaml) {
    if row.listen.is_empty() && row.label.id.is_none() && row.label.tags.is_empty() {
        return (row.label.name.clone(), Yaml::plain(row.address));
    }
    let mut map = Map::new();
    put(&mut map, "address", Yaml::plain(row.address));
    super::compute::put_listeners(&mut map, &row.listen);
    put_label(&mut map, &row.label);
    (row.label.name.clone(), Yaml::Map(map))
}

/// The line as it was written, if it says everything; else the parts.
fn expectation(row: &Expectation) -> Yaml {
    let unplaced = Expectation {
        origin: vpcsim_aws::Origin::NOWHERE,
        ..row.clone()
    };
    if parse_line(&row.text) == Ok(unplaced) {
        return match row.text.split_once(": ") {
            Some((flow, verdict)) if !verdict.contains(": ") && flow.contains("->") => {
                Yaml::Block(vec![(flow.to_owned(), Yaml::text(verdict))])
            }
            _ => Yaml::text(&row.text),
        };
    }
    let mut map = Map::new();
    put(&mut map, "from", Yaml::text(&row.from));
    put(&mut map, "to", Yaml::text(&row.to));
    put(&mut map, "protocol", Yaml::plain(row.protocol));
    row.port
        .into_iter()
        .for_each(|port| put(&mut map, "port", Yaml::plain(port)));
    put(&mut map, "reachable", Yaml::plain(row.reachable));
    row.because
        .iter()
        .for_each(|code| put(&mut map, "because", Yaml::text(code)));
    put(&mut map, "text", Yaml::text(&row.text));
    Yaml::Map(map)
}
