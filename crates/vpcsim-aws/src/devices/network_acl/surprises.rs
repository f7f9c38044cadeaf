//! What network ACLs say that is hardly meant, found by what their entries let pass together.
//!
//! - Entries are looked at in the order of their numbers, and the first that matches decides (NACL-01): what those before take
//!   altogether never gets to one behind.
//! - Nothing is tracked (NACL-02): who lets a service in has to let its answers out, to the ports of clients (NACL-11).

use std::net::Ipv4Addr;

use crate::devices::{NetworkAcl, Topology};
use crate::model::{Finding, Findings, Id};
use crate::sets::{TrafficBox, TrafficSet};
use crate::traffic::{Direction, PortRange, Traffic};

use super::lookup::NetworkAclLookup;
use super::{NetworkAclEntry, compile};

/// The ports that most clients send from: those of Linux (NACL-11).
const CLIENT_PORTS: PortRange = PortRange { first: 32_768, last: 60_999 };

pub(super) fn check(id: Id<NetworkAcl>, topology: &Topology, findings: &mut Findings) {
    let acl = &topology.network_acls[id];
    for direction in Direction::BOTH {
        for entry in acl.entries(direction) {
            check_hidden(acl, direction, entry, findings);
        }
    }
    let compiled = compile(id, topology);
    let mute: Vec<&NetworkAclEntry> = acl.ingress.iter().filter(|entry| entry.allow && is_unanswered(acl, &compiled, entry)).collect();
    if let Some(first) = mute.first() {
        findings.push(forgets_answers(acl, first, mute.len() - 1));
    }
}

/// An entry never decides if those before it together take all that it is about.
fn check_hidden(acl: &NetworkAcl, direction: Direction, entry: &NetworkAclEntry, findings: &mut Findings) {
    let earlier: Vec<&NetworkAclEntry> =
        acl.entries(direction).iter().filter(|other| other.number < entry.number).collect();
    let is_alone = |other: &&&NetworkAclEntry| other.cidr.contains(&entry.cidr) && other.traffic.covers(entry.traffic);
    if earlier.iter().any(|other| is_alone(&other)) {
        return;
    }
    let is_taken = |address: Ipv4Addr| {
        let at = earlier.iter().filter(|other| other.cidr.contains(&address));
        let left = at.fold(TrafficSet::from(entry.traffic), |left, other| left.without_box(other.traffic.into()));
        left.is_empty()
    };
    if !pieces(entry, &earlier).into_iter().all(is_taken) {
        return;
    }
    let numbers: Vec<String> = earlier.iter().filter(|other| meets(other, entry)).map(|other| other.number.to_string()).collect();
    let message = format!(
        "{direction} entry \"{}\" of network ACL {} never decides: the entries {} take all of it before",
        entry.words(direction),
        acl.label.display(),
        numbers.join(", ")
    );
    let finding = Finding::warning("network-acl-entry-hidden", entry.origin, message).rule("NACL-01");
    findings.push(finding.help("give it a smaller number than those, or remove it"));
}

/// An address for each part of the entry's range that no other range divides.
fn pieces(entry: &NetworkAclEntry, others: &[&NetworkAclEntry]) -> Vec<Ipv4Addr> {
    let inside = |address: &Ipv4Addr| entry.cidr.contains(address);
    let starts = others.iter().flat_map(|other| {
        let behind = other.cidr.broadcast().to_bits().checked_add(1).map(Ipv4Addr::from_bits);
        [Some(other.cidr.network()), behind]
    });
    let mut pieces: Vec<Ipv4Addr> = starts.flatten().filter(inside).chain([entry.cidr.network()]).collect();
    pieces.sort_unstable();
    pieces.dedup();
    pieces
}

fn meets(one: &NetworkAclEntry, other: &NetworkAclEntry) -> bool {
    let nets = one.cidr.contains(&other.cidr.network()) || other.cidr.contains(&one.cidr.network());
    nets && !TrafficSet::from(one.traffic).within(other.traffic.into()).is_empty()
}

/// Whether the entry lets a service in while none of its answers is let out to anybody who may ask.
fn is_unanswered(acl: &NetworkAcl, compiled: &NetworkAclLookup, entry: &NetworkAclEntry) -> bool {
    let Traffic::Tcp(ports) = entry.traffic else { return false };
    // An entry about the clients' own ports lets answers in.
    if entry.traffic.fault().is_some() || ports.last >= CLIENT_PORTS.first {
        return false;
    }
    let answers: TrafficSet = TrafficBox::from(Traffic::Tcp(CLIENT_PORTS)).into();
    let egress: Vec<&NetworkAclEntry> = acl.egress.iter().collect();
    let gets_out = |client: Ipv4Addr| !compiled.allowed(Direction::Egress, &answers, client).is_empty();
    !pieces(entry, &egress).into_iter().any(gets_out)
}

fn forgets_answers(acl: &NetworkAcl, entry: &NetworkAclEntry, more: usize) -> Finding {
    let others = match more {
        0 => String::new(),
        1 => ", and another like it,".to_owned(),
        more => format!(", and {more} others like it,"),
    };
    let message = format!(
        "ingress entry \"{}\"{others} of network ACL {} lets requests in, and no egress entry lets their answers out",
        entry.words(Direction::Ingress),
        acl.label.display()
    );
    let help = format!("add an egress entry such as `allow tcp 1024-65535 to {}`", entry.cidr.trunc());
    Finding::warning("network-acl-forgets-answers", entry.origin, message).rule("NACL-11").help(help)
}
