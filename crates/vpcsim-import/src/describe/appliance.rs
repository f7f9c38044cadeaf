//! Which described instances forward: AWS does not say, so their routes have to.
//!
//! An instance whose interface has its source/destination check off and is a route's target is assumed to send on what comes. If
//! the default route leads to it, it has a public address, and no internet gateway sends to it, it is assumed to be a NAT
//! instance (NAT-50).

use std::collections::{BTreeMap, BTreeSet};

use ipnet::Ipv4Net;
use vpcsim_aws::appliance::Appliance;
use vpcsim_aws::devices::network_interface::Attachment;
use vpcsim_aws::devices::route_table::{Route, RouteDestination, RouteTarget};
use vpcsim_aws::devices::{Instance, NetworkInterface};
use vpcsim_aws::{Finding, Id, Topology};

use super::build::Build;

/// What routes say of an interface.
#[derive(Clone, Copy, Default)]
struct Signs {
    has_default_route: bool,
    is_entrance: bool,
}

/// Makes the instances forward that look like it.
pub(super) fn assume(build: &mut Build<'_>) {
    let mut found: BTreeMap<Id<Instance>, bool> = BTreeMap::new();
    for (interface, signs) in targets(build.topology) {
        let row = &build.topology.network_interfaces[interface];
        let Attachment::Instance { instance, .. } = row.attachment else {
            continue;
        };
        if row.source_dest_check || build.topology.instances[instance].appliance.is_some() {
            continue;
        }
        let is_public = row.addresses.iter().any(|address| address.public.is_some());
        *found.entry(instance).or_default() |= signs.has_default_route && is_public && !signs.is_entrance;
    }
    for (instance, is_nat) in found {
        let row = &mut build.topology.instances[instance];
        let known = if is_nat {
            Appliance::nat()
        } else {
            Appliance::router()
        };
        row.appliance = Some(Appliance {
            assumed: true,
            ..known
        });
        let role = if is_nat {
            "be a NAT instance"
        } else {
            "forward whatever it gets"
        };
        let message = format!(
            "instance {} is a route's target without source/destination check: it is assumed to {role}",
            row.label.display()
        );
        let finding = Finding::note("appliance-assumed", row.label.origin, message).rule("NAT-50");
        let help = "convert the design to YAML and write its `appliance` if it does something else";
        build.findings.push(finding.help(help));
    }
}

fn targets(topology: &Topology) -> BTreeMap<Id<NetworkInterface>, Signs> {
    let gateways = topology.internet_gateways.iter();
    let entrances: BTreeSet<_> = gateways.filter_map(|(_, gateway)| gateway.route_table).collect();
    let mut targets: BTreeMap<_, Signs> = BTreeMap::new();
    for (table, row) in topology.route_tables.iter() {
        for (interface, is_default) in row.routes.iter().filter_map(to_interface) {
            let signs = targets.entry(interface).or_default();
            signs.has_default_route |= is_default;
            signs.is_entrance |= entrances.contains(&table);
        }
    }
    targets
}

/// The interface that a route leads to, and whether it is the default route.
fn to_interface(route: &Route) -> Option<(Id<NetworkInterface>, bool)> {
    let RouteTarget::Resource(target) = route.target else {
        return None;
    };
    let is_default = route.destination == RouteDestination::Cidr(Ipv4Net::default());
    Some((target.downcast()?, is_default))
}
