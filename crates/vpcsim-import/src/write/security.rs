//! Network ACLs and security groups.

use ipnet::Ipv4Net;
use vpcsim_aws::Id;
use vpcsim_aws::devices::network_acl::NetworkAclEntry;
use vpcsim_aws::devices::security_group::{Peer, SecurityGroupRule};
use vpcsim_aws::devices::{NetworkAcl, SecurityGroup, Vpc};
use vpcsim_aws::traffic::Traffic;

use super::Writer;
use super::design::{put, put_label};
use super::yaml::{Map, Yaml};
use crate::native::node::parse_cidr_or_address;
use crate::native::words::split_peer;

/// Traffic as rules write it; what the type's own words leave out is added.
fn traffic_text(traffic: Traffic) -> String {
    match traffic {
        Traffic::Icmp {
            icmp_type: None,
            icmp_code: Some(code),
        } => format!("icmp all/{code}"),
        Traffic::Other(protocol) => format!("protocol {protocol}"),
        traffic => traffic.to_string(),
    }
}

impl Writer<'_> {
    /// The network ACLs of a VPC.
    pub(super) fn network_acls(&self, vpc: Id<Vpc>) -> Map {
        self.rows(&self.topology.network_acls, |row| row.vpc == vpc, network_acl)
    }

    /// The security groups of a VPC.
    pub(super) fn security_groups(&self, vpc: Id<Vpc>) -> Map {
        let groups = self
            .topology
            .security_groups
            .iter()
            .filter(|(id, row)| row.vpc == vpc && !self.implied.contains(&(*id).into()));
        groups
            .map(|(id, row)| (row.label.name.clone(), self.security_group(id, row)))
            .collect()
    }

    fn security_group(&self, id: Id<SecurityGroup>, row: &SecurityGroup) -> Yaml {
        let rules = |rules: &[SecurityGroupRule], word| {
            Yaml::List(
                rules
                    .iter()
                    .map(|rule| self.rule(id, row.vpc, rule, word))
                    .collect(),
            )
        };
        let mut map = Map::new();
        if !row.ingress.is_empty() {
            put(&mut map, "ingress", rules(&row.ingress, "from"));
        }
        if !is_default_egress(&row.egress) {
            put(&mut map, "egress", rules(&row.egress, "to"));
        }
        if let Some(account) = &row.label.account {
            put(&mut map, "account", Yaml::text(account));
        }
        put_label(&mut map, &row.label);
        Yaml::Map(map)
    }

    /// One line, unless the rule has an id or the name of its other side would be misread.
    fn rule(&self, group: Id<SecurityGroup>, vpc: Id<Vpc>, rule: &SecurityGroupRule, word: &str) -> Yaml {
        let traffic = traffic_text(rule.traffic);
        let (key, peer, misread) = self.peer(group, vpc, &rule.peer);
        if rule.id.is_none() && !misread {
            let line = format!("{traffic} {word} {peer}");
            if split_peer(&line) == (traffic.as_str(), Some(peer.as_str())) {
                return Yaml::text(line);
            }
        }
        let key = if key == "peer" { word } else { key };
        let mut map = vec![
            ("traffic".to_owned(), Yaml::text(traffic)),
            (key.to_owned(), Yaml::text(peer)),
        ];
        rule.id.iter().for_each(|id| put(&mut map, "id", Yaml::text(id)));
        Yaml::Map(map)
    }

    /// The key and the words for the other side of a rule, and whether a line cannot hold them.
    fn peer(&self, group: Id<SecurityGroup>, vpc: Id<Vpc>, peer: &Peer) -> (&'static str, String, bool) {
        match peer {
            Peer::Cidr(net) => ("peer", net.to_string(), false),
            Peer::PrefixList(list) => {
                let name = self.references.name(Some(vpc), *list);
                let misread = name.trim() != name;
                ("peer", format!("pl:{name}"), misread)
            }
            Peer::SecurityGroup(other) if *other == group => ("peer", "self".to_owned(), false),
            Peer::SecurityGroup(other) => {
                let name = self.references.name(Some(vpc), *other);
                let is_range = parse_cidr_or_address(&name).is_ok() || name.parse::<ipnet::Ipv6Net>().is_ok();
                let is_word = name == "self" || name.starts_with("pl:") || name.starts_with("pl-");
                let misread = is_range || is_word || name.trim() != name;
                (if misread { "security_group" } else { "peer" }, name, misread)
            }
            Peer::Missing(id) => ("missing", id.clone(), true),
        }
    }
}

/// What a group without `egress:` has.
fn is_default_egress(rules: &[SecurityGroupRule]) -> bool {
    let [rule] = rules else { return false };
    rule.id.is_none() && rule.traffic == Traffic::All && rule.peer == Peer::Cidr(Ipv4Net::default())
}

fn network_acl(row: &NetworkAcl) -> Yaml {
    let entries = |entries: &[NetworkAclEntry], word| {
        let line = |entry: &NetworkAclEntry| {
            let action = if entry.allow { "allow" } else { "deny" };
            let traffic = traffic_text(entry.traffic);
            Yaml::text(format!(
                "{} {action} {traffic} {word} {}",
                entry.number, entry.cidr
            ))
        };
        Yaml::List(entries.iter().map(line).collect())
    };
    let mut map = Map::new();
    if !row.ingress.is_empty() {
        put(&mut map, "ingress", entries(&row.ingress, "from"));
    }
    if !row.egress.is_empty() {
        put(&mut map, "egress", entries(&row.egress, "to"));
    }
    put_label(&mut map, &row.label);
    Yaml::Map(map)
}
