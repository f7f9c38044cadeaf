//! Instances, and how interfaces are attached to them.
//!
//! # AWS semantics
//!
//! - The primary interface has device index 0, and each instance has one (ENI-02).
//! - A device index is given once (ENI-02).
//! - The interfaces of an instance are in one availability zone, and normally in one VPC (ENI-02).
//! - How many interfaces an instance has, and how many addresses each, depends on its type (ENI-11).
//! - The hop limit of the metadata service's token answers is 1 to 64 (IMDS-03).
//! - An instance that forwards has its source/destination check off (RT-30).
//! - An interface carries packets of up to 9001 bytes (MTU-01).
//!
//! # Where AWS is silent
//!
//! - A device index above 0 that is given twice is a warning: network cards, which are not modelled, count their own.
//! - An instance without interfaces, or without a primary one, is a warning: the input may be a part of an account.

use std::collections::BTreeMap;

use super::instance_limits::limits_of;
use crate::devices::instance::JUMBO_MTU;
use crate::devices::network_interface::Attachment;
use crate::devices::{Instance, NetworkInterface, Subnet};
use crate::model::{Finding, Findings, Id};
use crate::topology::Topology;

const MTU_MIN: u16 = 576;
const HOP_LIMIT_MAX: u8 = 64;

/// An instance that forwards gets and sends packets for others only without the source/destination check.
fn check_forwarding(instance: &Instance, interfaces: &[Attached<'_>], findings: &mut Findings) {
    if instance.appliance.is_none() {
        return;
    }
    for attached in interfaces
        .iter()
        .filter(|attached| attached.interface.source_dest_check)
    {
        let label = &attached.interface.label;
        let message = format!(
            "instance {} forwards, and its network interface {} checks source and destination",
            instance.label.display(),
            label.display()
        );
        let finding = Finding::warning("appliance-check-on", label.origin, message).rule("RT-30");
        findings.push(finding.help("write `source_dest_check: false`, or nothing for others passes"));
    }
}

/// Reports what is wrong with an instance itself.
pub(crate) fn check(id: Id<Instance>, topology: &Topology, findings: &mut Findings) {
    let instance = &topology.instances[id];
    let (name, origin) = (instance.label.display(), instance.label.origin);
    if !(MTU_MIN..=JUMBO_MTU).contains(&instance.mtu) {
        let message = format!("instance {name} has an MTU of {} bytes", instance.mtu);
        let finding = Finding::error("instance-mtu", origin, message);
        findings.push(
            finding
                .rule("MTU-01")
                .help(format!("an MTU is {MTU_MIN} to {JUMBO_MTU} bytes")),
        );
    }
    let hop_limit = instance.metadata.hop_limit;
    if !(1..=HOP_LIMIT_MAX).contains(&hop_limit) {
        let message = format!("instance {name} has a metadata hop limit of {hop_limit}");
        let finding = Finding::error("metadata-hop-limit", origin, message);
        findings.push(
            finding
                .rule("IMDS-03")
                .help(format!("the hop limit is 1 to {HOP_LIMIT_MAX}")),
        );
    }
}

/// Reports what is wrong with how interfaces are attached, instance by instance.
pub(crate) fn check_attachments(topology: &Topology, findings: &mut Findings) {
    let mut attached: BTreeMap<Id<Instance>, Vec<Attached<'_>>> = BTreeMap::new();
    for (_, interface) in topology.network_interfaces.iter() {
        let Attachment::Instance {
            instance,
            device_index,
        } = interface.attachment
        else {
            continue;
        };
        if let Some(subnet) = topology.subnets.find(interface.subnet) {
            attached.entry(instance).or_default().push(Attached {
                device_index,
                interface,
                subnet,
            });
        }
    }
    for (id, instance) in topology.instances.iter() {
        let interfaces = attached.get_mut(&id).map_or(&mut [][..], Vec::as_mut_slice);
        interfaces.sort_by_key(|attached| attached.device_index);
        check_primary(instance, interfaces, findings);
        check_forwarding(instance, interfaces, findings);
        check_limits(instance, interfaces, findings);
        check_together(instance, interfaces, topology, findings);
    }
}

struct Attached<'t> {
    device_index: u16,
    interface: &'t NetworkInterface,
    subnet: &'t Subnet,
}

fn check_primary(instance: &Instance, interfaces: &[Attached<'_>], findings: &mut Findings) {
    let has_primary = interfaces.first().is_some_and(|first| first.device_index == 0);
    if has_primary || !instance.running {
        return;
    }
    let missing = if interfaces.is_empty() {
        "no network interface"
    } else {
        "no primary network interface"
    };
    let message = format!("instance {} has {missing}", instance.label.display());
    let finding = Finding::warning(
        "instance-without-primary-interface",
        instance.label.origin,
        message,
    );
    findings.push(
        finding
            .rule("ENI-02")
            .help("attach an interface with device index 0"),
    );
}

fn check_limits(instance: &Instance, interfaces: &[Attached<'_>], findings: &mut Findings) {
    let Some(instance_type) = instance.instance_type.as_deref() else {
        return;
    };
    let Some(limits) = limits_of(instance_type) else {
        return;
    };
    let name = instance.label.display();
    if interfaces.len() > limits.interfaces {
        let message = format!(
            "instance {name} ({instance_type}) has {} network interfaces",
            interfaces.len()
        );
        let finding = Finding::error("instance-interface-limit", instance.label.origin, message);
        findings.push(
            finding
                .rule("ENI-11")
                .help(format!("{instance_type} takes {} at the most", limits.interfaces)),
        );
    }
    for Attached { interface, .. } in interfaces {
        let count = interface.addresses.len() + interface.prefixes.len();
        if count > limits.addresses {
            let message = format!(
                "network interface {} of instance {name} ({instance_type}) has {count} private addresses",
                interface.label.display()
            );
            let finding = Finding::error("interface-address-limit", interface.label.origin, message);
            findings.push(
                finding
                    .rule("ENI-11")
                    .help(format!("{instance_type} takes {} at the most", limits.addresses)),
            );
        }
    }
}

/// Compares each interface with the one before it, and with the first.
fn check_together(
    instance: &Instance,
    interfaces: &[Attached<'_>],
    topology: &Topology,
    findings: &mut Findings,
) {
    let name = instance.label.display();
    for pair in interfaces.windows(2) {
        let (before, attached) = (&pair[0], &pair[1]);
        let (label, first) = (&attached.interface.label, &interfaces[0]);
        if before.device_index == attached.device_index {
            let index = attached.device_index;
            let message = format!(
                "network interfaces {} and {} of instance {name} both have device index {index}",
                before.interface.label.display(),
                label.display()
            );
            let make = if index == 0 {
                Finding::error
            } else {
                Finding::warning
            };
            let finding = make("device-index-taken", label.origin, message);
            findings.push(
                finding
                    .rule("ENI-02")
                    .help("give each interface of an instance its own device index"),
            );
        }
        if first.subnet.availability_zone != attached.subnet.availability_zone {
            let message = format!(
                "network interface {} is in {}, its instance {name} in {}",
                label.display(),
                attached.subnet.availability_zone,
                first.subnet.availability_zone
            );
            let finding = Finding::error("interface-zone", label.origin, message);
            findings.push(
                finding
                    .rule("ENI-02")
                    .help("attach interfaces of subnets of the instance's own zone"),
            );
        }
        if first.subnet.vpc != attached.subnet.vpc {
            let message = format!(
                "network interface {} is in VPC {}, its instance {name} in VPC {}",
                label.display(),
                topology.name_of(attached.subnet.vpc),
                topology.name_of(first.subnet.vpc)
            );
            let finding = Finding::warning("interface-vpc", label.origin, message);
            findings.push(
                finding
                    .rule("ENI-02")
                    .help("an instance with interfaces in two VPCs can join them; check that it is meant"),
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::services::fixture::{add_vpc_with_instance, interface, shop};

    fn codes(change: impl FnOnce(&mut Topology)) -> Vec<&'static str> {
        let mut topology = shop();
        topology.complete();
        change(&mut topology);
        let mut findings = Findings::default();
        topology
            .instances
            .ids()
            .for_each(|id| check(id, &topology, &mut findings));
        check_attachments(&topology, &mut findings);
        findings.iter().map(|finding| finding.code).collect()
    }

    /// Attaches another interface, in the first instance's subnet unless another is named.
    fn attach(topology: &mut Topology, subnet: usize, address: &str, device_index: u16) {
        let instance = Id::from_index(0);
        let mut second = interface(Id::from_index(subnet), instance, address.parse().unwrap(), None);
        second.attachment = Attachment::Instance {
            instance,
            device_index,
        };
        topology.network_interfaces.push(second);
    }

    #[test]
    fn an_instance_with_one_or_two_interfaces_is_accepted() {
        assert!(codes(|_| ()).is_empty());
        assert!(codes(|topology| attach(topology, 0, "10.0.1.6", 1)).is_empty());
    }

    #[test]
    fn a_running_instance_has_a_primary_interface() {
        let primary = Id::from_index(0);
        let without =
            |topology: &mut Topology| topology.network_interfaces[primary].attachment = Attachment::None;
        assert_eq!(codes(without), ["instance-without-primary-interface"]);
        let stopped = codes(|topology| {
            without(topology);
            topology.instances[Id::from_index(0)].running = false;
        });
        assert!(stopped.is_empty());
    }

    #[test]
    fn a_device_index_is_given_once() {
        assert_eq!(
            codes(|topology| attach(topology, 0, "10.0.1.6", 0)),
            ["device-index-taken"]
        );
        let cards = codes(|topology| {
            attach(topology, 0, "10.0.1.6", 1);
            attach(topology, 0, "10.0.1.7", 1);
        });
        assert_eq!(cards, ["device-index-taken"]);
    }

    #[test]
    fn interfaces_are_in_the_zone_and_normally_in_the_vpc_of_their_instance() {
        let found = codes(|topology| {
            add_vpc_with_instance(topology, "other", "10.1.0.0/16", "10.1.1.5", None);
            topology.subnets[Id::from_index(1)].availability_zone = "eu-west-1b".to_owned();
            attach(topology, 1, "10.1.1.6", 1);
        });
        assert_eq!(found, ["interface-zone", "interface-vpc"]);
    }

    #[test]
    fn the_type_limits_interfaces_and_addresses() {
        let found = codes(|topology| {
            topology.instances[Id::from_index(0)].instance_type = Some("a1.medium".to_owned());
            attach(topology, 0, "10.0.1.6", 1);
            attach(topology, 0, "10.0.1.7", 2);
            let addresses = &mut topology.network_interfaces[Id::from_index(0)].addresses;
            *addresses = vec![addresses[0]; 5];
        });
        assert_eq!(found, ["instance-interface-limit", "interface-address-limit"]);
    }

    #[test]
    fn the_hop_limit_is_1_to_64() {
        for (hop_limit, right) in [(0, false), (1, true), (64, true), (65, false)] {
            let found =
                codes(|topology| topology.instances[Id::from_index(0)].metadata.hop_limit = hop_limit);
            assert_eq!(found.is_empty(), right, "{hop_limit}");
        }
    }

    #[test]
    fn the_mtu_is_9001_bytes_at_the_most() {
        assert!(codes(|topology| topology.instances[Id::from_index(0)].mtu = 1500).is_empty());
        assert_eq!(
            codes(|topology| topology.instances[Id::from_index(0)].mtu = 9002),
            ["instance-mtu"]
        );
    }

    #[test]
    fn an_instance_that_forwards_needs_its_check_off() {
        let mut topology = shop();
        let instance = topology.instances.ids().next().unwrap();
        topology.instances[instance].appliance = Some(crate::appliance::Appliance::router());
        let codes = |topology: &Topology| {
            let mut findings = Findings::default();
            check_attachments(topology, &mut findings);
            findings.iter().map(|finding| finding.code).collect::<Vec<_>>()
        };
        assert_eq!(codes(&topology), ["appliance-check-on"]);
        for id in topology.network_interfaces.ids() {
            topology.network_interfaces[id].source_dest_check = false;
        }
        assert!(codes(&topology).is_empty());
    }
}
