//! Instance metadata: what the service at 169.254.169.254 has to say about an instance.
//!
//! Only the contents are made here; the HTTP server that hands them out is a host (IMDS-01..06).
//!
//! # AWS semantics
//!
//! - Paths about the instance tell of its primary interface, whichever interface asks (IMDS-05).
//! - Delegated prefixes are shown here and not by DHCP (ENI-12).
//! - Host names are those of the DNS resolver; a public one needs both DNS attributes of the VPC (DNS-04, DNS-05).
//!
//! # Where AWS is silent
//!
//! - A path that ends in `/` lists what is below it, one name a line, in the order of the alphabet.
//! - The account's number is `000000000000`, and the type `unknown`, where the design does not say it.

use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;

use super::names::{private_hostname, public_hostname};
use crate::compile::place::interface_mac;
use crate::devices::network_interface::Attachment;
use crate::devices::{Instance, NetworkInterface, SecurityGroup, Vpc};
use crate::model::Id;
use crate::topology::Topology;

const ROOT: &str = "latest/meta-data/";

/// What the metadata service serves to the instance behind an interface: path below `/`, and text; in the order of the
/// paths. Empty for what is not an instance's interface.
pub fn documents(topology: &Topology, interface: Id<NetworkInterface>) -> Vec<(String, String)> {
    let Some(contents) = Contents::new(topology, interface) else {
        return Vec::new();
    };
    let mut documents = BTreeMap::new();
    contents.instance_documents(&mut documents);
    for (device_index, id) in &contents.interfaces {
        contents.interface_documents(*device_index, *id, &mut documents);
    }
    add_listings(&mut documents);
    documents.into_iter().collect()
}

struct Contents<'t> {
    topology: &'t Topology,
    instance: Id<Instance>,
    interfaces: Vec<(u16, Id<NetworkInterface>)>,
    primary: Id<NetworkInterface>,
}

impl<'t> Contents<'t> {
    fn new(topology: &'t Topology, asking: Id<NetworkInterface>) -> Option<Self> {
        let instance = instance_of(topology.network_interfaces.find(asking)?)?.0;
        topology.instances.find(instance)?;
        let mut interfaces: Vec<_> = topology
            .network_interfaces
            .iter()
            .filter_map(|(id, interface)| match instance_of(interface) {
                Some((owner, device_index)) if owner == instance => Some((device_index, id)),
                _ => None,
            })
            .collect();
        interfaces.sort();
        let primary = interfaces.first()?.1;
        Some(Self {
            topology,
            instance,
            interfaces,
            primary,
        })
    }

    fn vpc(&self, interface: Id<NetworkInterface>) -> &'t Vpc {
        let subnet = self.topology.network_interfaces[interface].subnet;
        &self.topology.vpcs[self.topology.subnets[subnet].vpc]
    }

    fn mac(&self, interface: Id<NetworkInterface>) -> String {
        self.topology.network_interfaces[interface]
            .mac
            .unwrap_or_else(|| interface_mac(interface.index()))
            .to_string()
    }

    fn instance_documents(&self, documents: &mut BTreeMap<String, String>) {
        let topology = self.topology;
        let instance = &topology.instances[self.instance];
        let interface = &topology.network_interfaces[self.primary];
        let vpc = self.vpc(self.primary);
        let zone = &topology.subnets[interface.subnet].availability_zone;
        let mut put = |path: &str, text: String| documents.insert(format!("{ROOT}{path}"), text);
        put("instance-id", instance.label.id_or_name().to_owned());
        put("instance-type", instance_type(instance).to_owned());
        put("mac", self.mac(self.primary));
        put("placement/availability-zone", zone.clone());
        put("placement/region", vpc.region.clone());
        put("security-groups", self.group_names(&interface.security_groups));
        if let Some(address) = interface.addresses.first() {
            let private = private_hostname(&vpc.region, address.private);
            put("local-ipv4", address.private.to_string());
            put("local-hostname", private.clone());
            put("hostname", private);
            if let Some(public) = address.public {
                put("public-ipv4", public.to_string());
                if has_public_names(vpc) {
                    put("public-hostname", public_hostname(&vpc.region, public));
                }
            }
        }
        documents.insert(
            "latest/dynamic/instance-identity/document".to_owned(),
            self.identity_document(),
        );
    }

    fn interface_documents(
        &self,
        device_index: u16,
        id: Id<NetworkInterface>,
        documents: &mut BTreeMap<String, String>,
    ) {
        let topology = self.topology;
        let interface = &topology.network_interfaces[id];
        let subnet = &topology.subnets[interface.subnet];
        let vpc = self.vpc(id);
        let ranges: Vec<_> = vpc.cidrs.iter().filter(|cidr| cidr.associated).collect();
        let root = format!("{ROOT}network/interfaces/macs/{}/", self.mac(id));
        let mut put = |path: &str, text: String| documents.insert(format!("{root}{path}"), text);
        put("device-number", device_index.to_string());
        put("interface-id", interface.label.id_or_name().to_owned());
        put("mac", self.mac(id));
        put("owner-id", account(vpc).to_owned());
        put(
            "local-ipv4s",
            lines(interface.addresses.iter().map(|a| a.private)),
        );
        put("subnet-id", subnet.label.id_or_name().to_owned());
        put("subnet-ipv4-cidr-block", subnet.cidr.to_string());
        put("vpc-id", vpc.label.id_or_name().to_owned());
        put("vpc-ipv4-cidr-blocks", lines(ranges.iter().map(|cidr| cidr.net)));
        put("security-groups", self.group_names(&interface.security_groups));
        put("security-group-ids", self.group_ids(&interface.security_groups));
        if let Some(primary) = ranges.first() {
            put("vpc-ipv4-cidr-block", primary.net.to_string());
        }
        if !interface.prefixes.is_empty() {
            put("ipv4-prefix", lines(&interface.prefixes));
        }
        let mut public = Vec::new();
        for address in &interface.addresses {
            let Some(mapped) = address.public else { continue };
            public.push(mapped);
            put(
                &format!("ipv4-associations/{mapped}"),
                address.private.to_string(),
            );
        }
        if let Some(first) = public.first() {
            put("public-ipv4s", lines(&public));
            if has_public_names(vpc) {
                put("public-hostname", public_hostname(&vpc.region, *first));
            }
        }
        if let Some(address) = interface.addresses.first() {
            put("local-hostname", private_hostname(&vpc.region, address.private));
        }
    }

    fn group_names(&self, groups: &[Id<SecurityGroup>]) -> String {
        lines(groups.iter().map(|id| self.topology.name_of(*id)))
    }

    fn group_ids(&self, groups: &[Id<SecurityGroup>]) -> String {
        let groups = groups
            .iter()
            .filter_map(|id| self.topology.security_groups.find(*id));
        lines(groups.map(|group| group.label.id_or_name()))
    }

    fn identity_document(&self) -> String {
        let instance = &self.topology.instances[self.instance];
        let interface = &self.topology.network_interfaces[self.primary];
        let vpc = self.vpc(self.primary);
        let zone = &self.topology.subnets[interface.subnet].availability_zone;
        let private = interface
            .addresses
            .first()
            .map_or(Ipv4Addr::UNSPECIFIED, |address| address.private);
        let members = [
            ("accountId", account(vpc)),
            ("availabilityZone", zone),
            ("instanceId", instance.label.id_or_name()),
            ("instanceType", instance_type(instance)),
            ("pendingTime", "2025-01-01T00:00:00Z"),
            ("privateIp", &private.to_string()),
            ("region", &vpc.region),
            ("version", "2017-09-30"),
        ]
        .map(|(name, value)| format!("  \"{name}\" : {}", json_string(value)));
        format!("{{\n{}\n}}", members.join(",\n"))
    }
}

fn instance_of(interface: &NetworkInterface) -> Option<(Id<Instance>, u16)> {
    match interface.attachment {
        Attachment::Instance {
            instance,
            device_index,
        } => Some((instance, device_index)),
        _ => None,
    }
}

fn has_public_names(vpc: &Vpc) -> bool {
    vpc.dns_support && vpc.dns_hostnames
}

fn account(vpc: &Vpc) -> &str {
    if vpc.account.is_empty() {
        "000000000000"
    } else {
        &vpc.account
    }
}

fn instance_type(instance: &Instance) -> &str {
    instance.instance_type.as_deref().unwrap_or("unknown")
}

fn lines<T: ToString>(values: impl IntoIterator<Item = T>) -> String {
    let lines: Vec<_> = values.into_iter().map(|value| value.to_string()).collect();
    lines.join("\n")
}

fn json_string(text: &str) -> String {
    let mut out = String::from("\"");
    for character in text.chars() {
        match character {
            '"' | '\\' => out.extend(['\\', character]),
            control if control.is_control() => out.push(' '),
            other => out.push(other),
        }
    }
    out.push('"');
    out
}

fn add_listings(documents: &mut BTreeMap<String, String>) {
    let mut listings: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for path in documents.keys() {
        for (end, _) in path.match_indices('/') {
            let (folder, rest) = path.split_at(end + 1);
            let name = rest
                .split_inclusive('/')
                .next()
                .expect("a document's path does not end in a slash");
            listings
                .entry(folder.to_owned())
                .or_default()
                .insert(name.to_owned());
        }
    }
    documents.extend(listings.into_iter().map(|(folder, names)| (folder, lines(names))));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Label;
    use crate::services::fixture::{interface, shop};

    const MACS: &str = "latest/meta-data/network/interfaces/macs/";

    fn text(topology: &Topology, asking: usize, path: &str) -> Option<String> {
        documents(topology, Id::from_index(asking))
            .into_iter()
            .find_map(|(found, text)| (found == path).then_some(text))
    }

    fn own(topology: &Topology, path: &str) -> Option<String> {
        text(topology, 0, &format!("{ROOT}{path}"))
    }

    /// `shop` with a second interface, which has 10.0.1.6.
    fn with_second_interface() -> Topology {
        let mut topology = shop();
        let mut second = interface(
            Id::from_index(0),
            Id::from_index(0),
            Ipv4Addr::new(10, 0, 1, 6),
            None,
        );
        second.attachment = Attachment::Instance {
            instance: Id::from_index(0),
            device_index: 1,
        };
        second.prefixes.push("10.0.1.16/28".parse().unwrap());
        topology.network_interfaces.push(second);
        topology
    }

    #[test]
    fn an_instance_finds_its_addresses_names_and_place() {
        let topology = shop();
        for (path, expected) in [
            ("instance-id", "shop-1"),
            ("instance-type", "m7i.large"),
            ("local-ipv4", "10.0.1.5"),
            ("local-hostname", "ip-10-0-1-5.eu-west-1.compute.internal"),
            ("hostname", "ip-10-0-1-5.eu-west-1.compute.internal"),
            ("public-ipv4", "203.0.113.5"),
            (
                "public-hostname",
                "ec2-203-0-113-5.eu-west-1.compute.amazonaws.com",
            ),
            ("mac", "02:00:00:00:00:00"),
            ("placement/availability-zone", "eu-west-1a"),
            ("placement/region", "eu-west-1"),
        ] {
            assert_eq!(own(&topology, path).as_deref(), Some(expected), "{path}");
        }
    }

    #[test]
    fn an_interface_is_described_under_its_mac() {
        let topology = shop();
        for (path, expected) in [
            ("device-number", "0"),
            ("local-ipv4s", "10.0.1.5"),
            ("public-ipv4s", "203.0.113.5"),
            ("ipv4-associations/203.0.113.5", "10.0.1.5"),
            ("subnet-id", "shop-a"),
            ("subnet-ipv4-cidr-block", "10.0.1.0/24"),
            ("vpc-id", "shop"),
            ("vpc-ipv4-cidr-block", "10.0.0.0/16"),
            ("owner-id", "123456789012"),
        ] {
            let path = format!("{MACS}02:00:00:00:00:00/{path}");
            assert_eq!(text(&topology, 0, &path).as_deref(), Some(expected), "{path}");
        }
    }

    #[test]
    fn both_interfaces_tell_of_the_primary_one() {
        let topology = with_second_interface();
        assert_eq!(
            documents(&topology, Id::from_index(0)),
            documents(&topology, Id::from_index(1))
        );
        assert_eq!(own(&topology, "local-ipv4").as_deref(), Some("10.0.1.5"));
    }

    #[test]
    fn delegated_prefixes_are_shown() {
        let path = format!("{MACS}02:00:00:00:00:01/ipv4-prefix");
        assert_eq!(
            text(&with_second_interface(), 0, &path).as_deref(),
            Some("10.0.1.16/28")
        );
    }

    #[test]
    fn without_both_dns_attributes_there_is_no_public_hostname() {
        let mut topology = shop();
        topology.vpcs[Id::from_index(0)].dns_hostnames = false;
        assert_eq!(own(&topology, "public-hostname"), None);
        assert_eq!(own(&topology, "public-ipv4").as_deref(), Some("203.0.113.5"));
    }

    #[test]
    fn a_path_that_ends_in_a_slash_lists_what_is_below() {
        let topology = with_second_interface();
        assert_eq!(
            text(&topology, 0, "latest/").as_deref(),
            Some("dynamic/\nmeta-data/")
        );
        assert_eq!(
            text(&topology, 0, MACS).as_deref(),
            Some("02:00:00:00:00:00/\n02:00:00:00:00:01/")
        );
        assert_eq!(
            own(&topology, "placement/").as_deref(),
            Some("availability-zone\nregion")
        );
    }

    #[test]
    fn the_identity_document_is_json_with_escaped_names() {
        let mut topology = shop();
        topology.instances[Id::from_index(0)].label = Label::named("a\"b");
        let document = text(&topology, 0, "latest/dynamic/instance-identity/document").unwrap();
        assert!(document.contains(r#""instanceId" : "a\"b""#), "{document}");
        assert!(document.starts_with("{\n") && document.ends_with("\n}"));
    }

    #[test]
    fn what_the_design_does_not_say_is_zeros_and_unknown() {
        let mut topology = shop();
        topology.vpcs[Id::from_index(0)].account.clear();
        topology.instances[Id::from_index(0)].instance_type = None;
        assert_eq!(own(&topology, "instance-type").as_deref(), Some("unknown"));
        let document = text(&topology, 0, "latest/dynamic/instance-identity/document").unwrap();
        assert!(document.contains("\"000000000000\""));
    }

    #[test]
    fn an_interface_of_nothing_has_no_documents() {
        let mut topology = shop();
        topology.network_interfaces[Id::from_index(0)].attachment = Attachment::Managed;
        assert!(documents(&topology, Id::from_index(0)).is_empty());
        assert!(documents(&topology, Id::from_index(9)).is_empty());
    }
}
