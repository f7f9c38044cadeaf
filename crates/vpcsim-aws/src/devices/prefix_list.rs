//! Prefix list: a named set of address ranges that routes and security group rules refer to.
//!
//! # AWS semantics
//!
//! - A list has a maximum of entries, which every reference to it counts as (RT-27).
//! - It has at most 1,000 entries, and 1,000 versions; routes and rules always mean the latest one (RT-28).

use ipnet::Ipv4Net;

use crate::devices::{Coverage, Kind, Resource, Topology};
use crate::model::{Finding, Findings, Id, Label};

/// A prefix list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PrefixList {
    /// How it is called.
    pub label: Label,
    /// Its ranges.
    pub entries: Vec<Ipv4Net>,
    /// How many entries it may have; a reference counts this many (RT-27, SG-13).
    pub entries_max: u32,
    /// Which version of it this is, where the input says it: the latest.
    pub version: Option<u32>,
}

/// Entries of one list at the most (RT-28).
const ENTRIES_MAX: usize = 1_000;

impl Resource for PrefixList {
    const KIND: Kind = Kind::PrefixList;
    const NOUN: &'static str = "prefix list";
    const COVERAGE: Coverage = Coverage::of("entries, size, version, lists of AWS services", "earlier versions");

    fn label(&self) -> &Label {
        &self.label
    }

    fn validate(id: Id<Self>, topology: &Topology, findings: &mut Findings) {
        let list = &topology.prefix_lists[id];
        let (count, max) = (list.entries.len(), list.entries_max);
        if count > max as usize {
            let message = format!(
                "prefix list {} has {count} entries, its maximum is {max}",
                list.label.display()
            );
            let finding = Finding::warning("prefix-list-entries", list.label.origin, message).rule("RT-27");
            findings.push(finding.help(format!("set its maximum of entries to {count}")));
        }
        if count > ENTRIES_MAX && list.service().is_none() {
            let message = format!("prefix list {} has {count} entries", list.label.display());
            let finding = Finding::error("prefix-list-size", list.label.origin, message).rule("RT-28");
            findings.push(finding.help("a list has at most 1,000 entries: make several"));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;

    #[test]
    fn list_with_more_entries_than_its_maximum_is_reported() {
        let mut topology = Topology::default();
        let list = topology.prefix_lists.push(PrefixList {
            label: Label::named("offices"),
            entries: vec!["192.0.2.0/24".parse().unwrap(), "203.0.113.0/24".parse().unwrap()],
            entries_max: 2,
            version: None,
        });
        let validate = |topology: &Topology| {
            let mut findings = Findings::default();
            PrefixList::validate(list, topology, &mut findings);
            findings
                .iter()
                .map(|finding| finding.message.clone())
                .collect::<Vec<_>>()
        };
        assert!(validate(&topology).is_empty());
        topology.prefix_lists[list].entries_max = 1;
        assert_eq!(
            validate(&topology),
            ["prefix list offices has 2 entries, its maximum is 1"]
        );
    }

    #[test]
    fn a_list_has_at_most_1000_entries() {
        let mut topology = Topology::default();
        let net = |number: u32| Ipv4Net::new_assert(Ipv4Addr::from(0x0a00_0000 + (number << 8)), 24);
        let list = topology.prefix_lists.push(PrefixList {
            label: Label::named("many"),
            entries: (0..1_000).map(net).collect(),
            entries_max: 2_000,
            version: None,
        });
        let codes = |topology: &Topology| {
            let mut findings = Findings::default();
            PrefixList::validate(list, topology, &mut findings);
            findings.iter().map(|finding| finding.code).collect::<Vec<_>>()
        };
        assert!(codes(&topology).is_empty());
        topology.prefix_lists[list].entries.push(net(1_000));
        assert_eq!(codes(&topology), ["prefix-list-size"]);
    }

    #[test]
    fn an_entry_that_is_added_to_a_list_changes_the_routing_without_an_edit_of_a_route() {
        use crate::devices::RouteTable;
        use crate::devices::route_table::{Route, RouteDestination, RouteSource, RouteTarget};
        use crate::fixtures::{Lab, attach, group, interface, subnet, vpc};
        use vpcsim_wire::PacketBuilder;

        let way = |version: u32, entries: &[&str]| {
            let mut topology = Topology::named("t", "eu-west-1");
            let vpc = topology.vpcs.push(vpc("v", "10.0.0.0/16"));
            let list = topology.prefix_lists.push(PrefixList {
                label: Label::named("offices"),
                entries: entries.iter().map(|entry| entry.parse().unwrap()).collect(),
                entries_max: 10,
                version: Some(version),
            });
            let route = Route {
                destination: RouteDestination::PrefixList(list),
                target: RouteTarget::Missing("igw-gone".to_owned()),
                source: RouteSource::Static,
                blackhole: true,
                origin: crate::model::Origin::NOWHERE,
            };
            let label = Label::named("main");
            topology.route_tables.push(RouteTable { label, vpc, main: true, routes: vec![route] });
            let subnet = topology.subnets.push(subnet(vpc, "s", "10.0.1.0/24"));
            let open = crate::fixtures::allow(crate::traffic::Traffic::All, "0.0.0.0/0");
            let open = topology.security_groups.push(group(vpc, "open", vec![], vec![open]));
            let host = attach(&mut topology, "a", interface(subnet, "10.0.1.10", &[open]));
            let packet = PacketBuilder::udp([10, 0, 1, 10].into(), 1, [192, 0, 2, 7].into(), 2).build();
            Lab::new(topology).send(host, &packet)
        };
        assert!(way(1, &["198.51.100.0/24"]).ends_with("drop NO_ROUTE"));
        assert!(way(2, &["198.51.100.0/24", "192.0.2.0/24"]).ends_with("drop BLACKHOLE"));
    }
}
