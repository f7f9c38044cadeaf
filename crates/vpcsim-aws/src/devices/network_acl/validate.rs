//! What AWS would refuse of network ACLs, and what is surprising about them.

use crate::devices::{NetworkAcl, Topology};
use crate::model::{Finding, Findings, Id};
use crate::traffic::Direction;

use super::{NetworkAclEntry, surprises};

/// The highest number that an entry may have; the lowest is 1 (NACL-01).
pub const NUMBER_MAX: u16 = 32_766;
/// Entries per direction unless AWS granted more (NACL-10).
pub const ENTRIES_DEFAULT_QUOTA: usize = 20;
/// Entries per direction that AWS grants at the most (NACL-10).
pub const ENTRIES_MAX: usize = 40;

pub(super) fn validate(id: Id<NetworkAcl>, topology: &Topology, findings: &mut Findings) {
    let acl = &topology.network_acls[id];
    validate_default(id, acl, topology, findings);
    for direction in Direction::BOTH {
        validate_count(acl, direction, findings);
        let entries = acl.entries(direction);
        for (index, entry) in entries.iter().enumerate() {
            validate_entry(acl, direction, entry, findings);
            if entries[..index].iter().any(|other| other.number == entry.number) {
                findings.push(number_taken(acl, direction, entry));
            }
            validate_effect(acl, direction, entry, findings);
        }
    }
    surprises::check(id, topology, findings);
}

fn validate_default(id: Id<NetworkAcl>, acl: &NetworkAcl, topology: &Topology, findings: &mut Findings) {
    let mut earlier = topology.network_acls.iter().take(id.index());
    if acl.default && earlier.any(|(_, other)| other.default && other.vpc == acl.vpc) {
        let message = format!(
            "network ACL {} is a second default one of its VPC",
            acl.label.display()
        );
        let finding = Finding::error("second-default-network-acl", acl.label.origin, message);
        findings.push(finding.help("a VPC has one default network ACL"));
    }
}

fn validate_count(acl: &NetworkAcl, direction: Direction, findings: &mut Findings) {
    let count = acl.entries(direction).len();
    let message = format!(
        "network ACL {} has {count} {direction} entries",
        acl.label.display()
    );
    let origin = acl.label.origin;
    if count > ENTRIES_MAX {
        let finding = Finding::error("network-acl-entry-quota", origin, message).rule("NACL-10");
        findings.push(finding.help(format!("AWS allows {ENTRIES_MAX} per direction at the most")));
    } else if count > ENTRIES_DEFAULT_QUOTA {
        let finding = Finding::warning("network-acl-entry-quota", origin, message).rule("NACL-10");
        findings.push(finding.help(format!(
            "the quota is {ENTRIES_DEFAULT_QUOTA} per direction unless AWS granted the account more"
        )));
    }
}

fn number_taken(acl: &NetworkAcl, direction: Direction, entry: &NetworkAclEntry) -> Finding {
    let message = format!(
        "network ACL {} has two {direction} entries with the number {}",
        acl.label.display(),
        entry.number
    );
    Finding::error("network-acl-number-taken", entry.origin, message)
        .rule("NACL-16")
        .help("give each entry of a direction a number of its own")
}

fn validate_entry(acl: &NetworkAcl, direction: Direction, entry: &NetworkAclEntry, findings: &mut Findings) {
    let about = format!(
        "{direction} entry {} of network ACL {}",
        entry.number,
        acl.label.display()
    );
    let origin = entry.origin;
    if !(1..=NUMBER_MAX).contains(&entry.number) {
        let message = format!("{about} has a number that AWS does not take");
        let finding = Finding::error("network-acl-number", origin, message).rule("NACL-01");
        findings.push(finding.help(format!("numbers go from 1 to {NUMBER_MAX}")));
    }
    if let Some((fault, help)) = entry.traffic.fault() {
        let message = format!("{about} {fault}");
        let finding = Finding::error("impossible-traffic", origin, message).rule("NACL-07");
        findings.push(finding.help(help));
    }
    if entry.cidr != entry.cidr.trunc() {
        let message = format!("{about} says {}", entry.cidr);
        let finding = Finding::note("cidr-host-bits", origin, message).rule("NACL-19");
        findings.push(finding.help(format!("AWS stores it as {}", entry.cidr.trunc())));
    }
}

/// An entry has no effect if one that is looked at before it takes all its packets and says the opposite.
fn validate_effect(acl: &NetworkAcl, direction: Direction, entry: &NetworkAclEntry, findings: &mut Findings) {
    let hides = |other: &&NetworkAclEntry| {
        other.number < entry.number
            && other.allow != entry.allow
            && other.cidr.contains(&entry.cidr)
            && other.traffic.covers(entry.traffic)
    };
    if let Some(other) = acl.entries(direction).iter().find(hides) {
        let message = format!(
            "{direction} entry \"{}\" of network ACL {} never decides: \"{}\" comes first",
            entry.words(direction),
            acl.label.display(),
            other.words(direction)
        );
        let finding = Finding::warning("network-acl-entry-hidden", entry.origin, message).rule("NACL-01");
        findings.push(finding.help(format!("give it a number below {}, or remove it", other.number)));
    }
}
