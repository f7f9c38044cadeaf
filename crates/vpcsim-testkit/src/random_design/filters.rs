//! Random security groups and network ACLs.

use vpcsim_aws::devices::network_acl::NetworkAclEntry;
use vpcsim_aws::devices::security_group::{Peer, SecurityGroupRule};
use vpcsim_aws::devices::{PrefixList, SecurityGroup, Vpc};
use vpcsim_aws::traffic::{PortRange, Traffic};
use vpcsim_aws::{Id, Label};

use super::{Maker, SERVICE_PORTS, topology_cidr};
use crate::designs::{entry, net, rule};

/// The ranges of the prefix lists that every design has.
const PREFIX_LISTS: [(&str, &[&str]); 2] = [
    ("outside", &["198.51.100.0/24", "203.0.113.0/24"]),
    ("mixed", &["10.11.0.0/16", "203.0.113.9/32"]),
];

impl Maker {
    pub(super) fn prefix_lists(&mut self) {
        for (name, entries) in PREFIX_LISTS {
            let entries: Vec<_> = entries.iter().map(|text| net(text)).collect();
            let entries_max = entries.len() as u32;
            let label = Label::named(name);
            self.sketch.topology.prefix_lists.push(PrefixList {
                label,
                entries,
                entries_max,
                version: None,
            });
        }
    }

    /// Groups first without rules, so that rules can name any of them.
    pub(super) fn groups_and_acls(&mut self) {
        for vpc in self.sketch.topology.vpcs.ids() {
            for number in 0..=self.random.below(3) {
                self.sketch.group(
                    vpc,
                    &format!("sg{}-{number}", vpc.index()),
                    Vec::new(),
                    Vec::new(),
                );
            }
            for number in 0..self.random.below(3) {
                let name = format!("acl{}-{number}", vpc.index());
                let (ingress, egress) = (self.acl_entries(vpc), self.acl_entries(vpc));
                self.sketch.network_acl(vpc, &name, ingress, egress);
            }
        }
        for group in self.sketch.topology.security_groups.ids() {
            if self.sketch.topology.security_groups[group].default {
                continue;
            }
            let ingress = if self.percent(40) {
                vec![rule(Traffic::All, Peer::Cidr(net("0.0.0.0/0")))]
            } else {
                self.group_rules(group)
            };
            let egress = if self.percent(70) {
                vec![rule(Traffic::All, Peer::Cidr(net("0.0.0.0/0")))]
            } else {
                self.group_rules(group)
            };
            let row = &mut self.sketch.topology.security_groups[group];
            (row.ingress, row.egress) = (ingress, egress);
        }
    }

    fn acl_entries(&mut self, vpc: Id<Vpc>) -> Vec<NetworkAclEntry> {
        let mut entries: Vec<NetworkAclEntry> = Vec::new();
        for number in 1..=1 + self.random.below(4) {
            let (allow, traffic, cidr) = (self.percent(80), self.traffic(), self.cidr(vpc));
            entries.push(entry(number as u16 * 10, allow, traffic, &cidr));
        }
        if self.percent(75) {
            entries.push(entry(100, true, Traffic::All, "0.0.0.0/0"));
        }
        entries
    }

    fn traffic(&mut self) -> Traffic {
        let service = PortRange::single(SERVICE_PORTS[self.random.below(3) as usize]);
        let ephemeral = PortRange {
            first: 1_024,
            last: u16::MAX,
        };
        match self.random.below(9) {
            0 | 1 => Traffic::All,
            2 => Traffic::Tcp(PortRange::ALL),
            3 | 4 => Traffic::Tcp(service),
            5 => Traffic::Tcp(ephemeral),
            6 => Traffic::Udp(PortRange::single(53)),
            7 => Traffic::Udp(ephemeral),
            _ => Traffic::Icmp {
                icmp_type: self.percent(50).then_some(8),
                icmp_code: None,
            },
        }
    }

    /// A range that rules are about: everything, a VPC, a subnet, one host.
    fn cidr(&mut self, vpc: Id<Vpc>) -> String {
        let topology = &self.sketch.topology;
        let vpcs: Vec<String> = topology
            .vpcs
            .iter()
            .map(|(_, row)| row.cidrs[0].net.to_string())
            .collect();
        let subnets: Vec<String> = topology
            .subnets
            .iter()
            .map(|(_, row)| row.cidr.to_string())
            .collect();
        match self.random.below(6) {
            0..=2 => "0.0.0.0/0".to_owned(),
            3 => self
                .pick(&vpcs)
                .unwrap_or_else(|| topology_cidr(&self.sketch.topology, vpc)),
            4 => self
                .pick(&subnets)
                .unwrap_or_else(|| topology_cidr(&self.sketch.topology, vpc)),
            _ => "198.51.100.7/32".to_owned(),
        }
    }

    fn group_rules(&mut self, group: Id<SecurityGroup>) -> Vec<SecurityGroupRule> {
        let vpc = self.sketch.topology.security_groups[group].vpc;
        let count = self.random.below(4);
        (0..count)
            .map(|_| {
                let peer = self.peer(vpc);
                rule(self.traffic(), peer)
            })
            .collect()
    }

    fn peer(&mut self, vpc: Id<Vpc>) -> Peer {
        if self.percent(10) {
            let lists: Vec<_> = self.sketch.topology.prefix_lists.ids().collect();
            return self
                .pick(&lists)
                .map_or_else(|| Peer::Missing("pl-gone".to_owned()), Peer::PrefixList);
        }
        if self.percent(40) {
            let groups = self.groups_in_reach(vpc);
            let group = self.pick(&groups).map(Peer::SecurityGroup);
            return group.unwrap_or_else(|| Peer::Missing("sg-gone".to_owned()));
        }
        Peer::Cidr(net(&self.cidr(vpc)))
    }

    /// The groups of the VPC and of those of its region that are peered with it, whatever the peering's state.
    fn groups_in_reach(&self, vpc: Id<Vpc>) -> Vec<Id<SecurityGroup>> {
        let topology = &self.sketch.topology;
        let peered = |other: Id<Vpc>| {
            topology.peering_connections.iter().any(|(_, row)| {
                let ends = [row.requester, row.accepter];
                ends.contains(&Some(vpc)) && ends.contains(&Some(other))
            })
        };
        let is_near = |other: Id<Vpc>| topology.vpcs[other].region == topology.vpcs[vpc].region;
        let groups = topology.security_groups.iter();
        groups
            .filter(|(_, row)| row.vpc == vpc || is_near(row.vpc) && peered(row.vpc))
            .map(|(id, _)| id)
            .collect()
    }
}
