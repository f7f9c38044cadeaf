//! Prefix list: a named set of address ranges that routes and security group rules refer to.
//!
//! # AWS semantics
//!
//! - A list has a maximum of entries, which every reference to it counts as (RT-27).

use ipnet::Ipv4Net;

use crate::devices::{Kind, Resource, Topology};
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
}

impl Resource for PrefixList {
    const KIND: Kind = Kind::PrefixList;
    const NOUN: &'static str = "prefix list";

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
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn list_with_more_entries_than_its_maximum_is_reported() {
        let mut topology = Topology::default();
        let list = topology.prefix_lists.push(PrefixList {
            label: Label::named("offices"),
            entries: vec!["192.0.2.0/24".parse().unwrap(), "203.0.113.0/24".parse().unwrap()],
            entries_max: 2,
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
}
