//! Target group of a Network Load Balancer: who gets its flows, and how.
//!
//! # AWS semantics
//!
//! - The client's address is kept for instances and, of UDP, for addresses too; for addresses of TCP and TLS it is not, unless
//!   the group's attribute says otherwise (NLB-03).
//! - An instance is reached at the primary private address of its primary interface (ELB-09).
//! - Addresses as targets are private ones or those of the VPC, never public ones (ELB-08).
//! - Instances of other VPCs cannot be targets (ELB-09).

use std::net::Ipv4Addr;

use crate::arrangement::{Arrangement, Rank, Renumbering};
use crate::devices::load_balancer::ListenerProtocol;
use crate::devices::network_interface::Attachment;
use crate::devices::{Instance, Kind, Resource, Vpc};
use crate::model::{Finding, Findings, Id, Label};
use crate::public_address::is_private;
use crate::topology::Topology;

/// A target group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TargetGroup {
    /// How it is called.
    pub label: Label,
    /// The VPC of its targets.
    pub vpc: Id<Vpc>,
    /// The protocol towards the targets.
    pub protocol: ListenerProtocol,
    /// The port of targets that name none.
    pub port: u16,
    /// What its targets are.
    pub target_type: TargetType,
    /// Its targets.
    pub targets: Vec<Target>,
    /// Whether targets see the client's address; `None` is the default of its kind (NLB-03).
    pub preserve_client_ip: Option<bool>,
    /// Whether targets of other zones get flows too; `None` follows the load balancer (NLB-09).
    pub cross_zone: Option<bool>,
    /// Whether one client address stays with one target (NLB-21).
    pub sticky: bool,
    /// The port of the health checks; `None` is that of the traffic (NLB-18).
    pub health_port: Option<u16>,
    /// Whether a header of the proxy protocol tells the targets the client's address.
    pub proxy_protocol: bool,
}

/// What the targets of a group are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TargetType {
    /// Instances.
    #[default]
    Instance,
    /// Private addresses.
    Ip,
}

/// One target.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Target {
    /// Who it is.
    pub to: TargetAddress,
    /// Its port; `None` is the group's.
    pub port: Option<u16>,
    /// Its health, where the input says it.
    pub health: Option<TargetHealth>,
}

/// Who a target is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TargetAddress {
    /// An instance.
    Instance(Id<Instance>),
    /// A private address.
    Address(Ipv4Addr),
}

/// The health of a target.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TargetHealth {
    /// It passes its health checks.
    Healthy,
    /// It fails them.
    Unhealthy,
    /// It is being deregistered: it gets no new flows (ELB-07).
    Draining,
}

impl TargetGroup {
    /// Whether its targets see the client's address (NLB-03).
    pub fn keeps_client(&self) -> bool {
        let is_udp = matches!(self.protocol, ListenerProtocol::Udp | ListenerProtocol::TcpUdp);
        is_udp || self.preserve_client_ip.unwrap_or(self.target_type == TargetType::Instance)
    }

    /// Where a target is reached: its address and port (ELB-09).
    pub fn destination(&self, target: &Target, topology: &Topology) -> Option<(Ipv4Addr, u16)> {
        let address = match target.to {
            TargetAddress::Address(address) => address,
            TargetAddress::Instance(id) => primary_address(id, topology)?,
        };
        Some((address, target.port.unwrap_or(self.port)))
    }
}

fn primary_address(id: Id<Instance>, topology: &Topology) -> Option<Ipv4Addr> {
    let own = topology.network_interfaces.iter().filter_map(|(_, row)| match row.attachment {
        Attachment::Instance { instance, device_index } if instance == id => Some((device_index, row.primary()?)),
        _ => None,
    });
    own.min().map(|(_, address)| address)
}

impl Resource for TargetGroup {
    const KIND: Kind = Kind::TargetGroup;
    const NOUN: &'static str = "target group";

    fn label(&self) -> &Label {
        &self.label
    }

    fn vpc(id: Id<Self>, topology: &Topology) -> Option<Id<Vpc>> {
        Some(topology.target_groups[id].vpc)
    }

    fn rank(&self, _: Id<Self>, _: &Arrangement<'_>) -> Rank {
        Rank::of_vpc(self.vpc)
    }

    fn renumber(&mut self, order: &Renumbering) {
        order.id(&mut self.vpc);
        for target in &mut self.targets {
            if let TargetAddress::Instance(instance) = &mut target.to {
                order.id(instance);
            }
        }
    }

    fn validate(id: Id<Self>, topology: &Topology, findings: &mut Findings) {
        let group = &topology.target_groups[id];
        for target in &group.targets {
            group.check_target(target, topology, findings);
        }
    }
}

impl TargetGroup {
    fn check_target(&self, target: &Target, topology: &Topology, findings: &mut Findings) {
        let (name, origin) = (self.label.display(), self.label.origin);
        let vpc = &topology.vpcs[self.vpc];
        let covers = |address: &Ipv4Addr| vpc.cidrs.iter().any(|cidr| cidr.net.contains(address));
        match target.to {
            TargetAddress::Address(address) if !covers(&address) && !is_private(address) => {
                let message = format!("target group {name} cannot have the target {address}, which is a public address");
                let finding = Finding::error("target-address", origin, message).rule("ELB-08");
                findings.push(finding.help("addresses as targets are private, or lie in the group's VPC"));
            }
            TargetAddress::Instance(id) if !is_in_vpc(id, self.vpc, topology) => {
                let message = format!(
                    "target group {name} cannot have the instance {}, which is in another VPC",
                    topology.instances[id].label.display()
                );
                let finding = Finding::error("target-outside-vpc", origin, message).rule("ELB-09");
                findings.push(finding.help("register it by its address in a group of target type ip"));
            }
            _ => {}
        }
    }
}

fn is_in_vpc(id: Id<Instance>, vpc: Id<Vpc>, topology: &Topology) -> bool {
    let mut interfaces = topology.network_interfaces.iter();
    let own = interfaces.find(|(_, row)| matches!(row.attachment, Attachment::Instance { instance, .. } if instance == id));
    own.is_none_or(|(_, row)| topology.subnets[row.subnet].vpc == vpc)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::devices::NetworkInterface;
    use crate::stand::{ip, subnet, vpc};

    /// A group of `targets`, and an instance with two interfaces at 10.0.1.5 and, first in the table, 10.0.1.6.
    fn design(target_type: TargetType, targets: Vec<TargetAddress>) -> (Topology, Id<TargetGroup>) {
        let mut topology = Topology::named("t", "eu-west-1");
        let home = vpc(&mut topology, "v", &["10.0.0.0/16", "203.0.113.0/24"]);
        let net = subnet(&mut topology, home, "10.0.1.0/24");
        let instance = Id::from_index(0);
        for (address, device_index) in [("10.0.1.6", 1), ("10.0.1.5", 0)] {
            let mut row = NetworkInterface::new(Label::named(address), net, ip(address));
            row.attachment = Attachment::Instance { instance, device_index };
            topology.network_interfaces.push(row);
        }
        let target = |to| Target { to, port: None, health: None };
        let group = topology.target_groups.push(TargetGroup {
            label: Label::named("web"),
            vpc: home,
            protocol: ListenerProtocol::Tcp,
            port: 80,
            target_type,
            targets: targets.into_iter().map(target).collect(),
            preserve_client_ip: None,
            cross_zone: None,
            sticky: false,
            health_port: None,
            proxy_protocol: false,
        });
        (topology, group)
    }

    #[test]
    fn instances_see_the_client_and_addresses_only_that_of_udp() {
        let (mut topology, group) = design(TargetType::Ip, Vec::new());
        let group = &mut topology.target_groups[group];
        assert!(!group.keeps_client());
        group.target_type = TargetType::Instance;
        assert!(group.keeps_client());
        group.preserve_client_ip = Some(false);
        assert!(!group.keeps_client());
        group.protocol = ListenerProtocol::Udp;
        assert!(group.keeps_client(), "of UDP it is always kept");
    }

    #[test]
    fn an_instance_is_reached_at_its_primary_interface() {
        let (topology, group) = design(TargetType::Instance, vec![TargetAddress::Instance(Id::from_index(0))]);
        let group = &topology.target_groups[group];
        assert_eq!(group.destination(&group.targets[0], &topology), Some((ip("10.0.1.5"), 80)));
        let with_port = Target { port: Some(8080), ..group.targets[0] };
        assert_eq!(group.destination(&with_port, &topology), Some((ip("10.0.1.5"), 8080)));
    }

    #[test]
    fn public_addresses_outside_the_vpc_are_refused() {
        let count = |address: &str| {
            let (topology, group) = design(TargetType::Ip, vec![TargetAddress::Address(ip(address))]);
            let mut findings = Findings::default();
            TargetGroup::validate(group, &topology, &mut findings);
            findings.iter().filter(|finding| finding.code == "target-address").count()
        };
        let counts = ["198.51.100.5", "203.0.113.5", "10.9.9.9", "100.64.0.1", "172.16.4.4"].map(count);
        assert_eq!(counts, [1, 0, 0, 0, 0]);
    }

    #[test]
    fn instances_of_another_vpc_are_refused() {
        let (mut topology, group) = design(TargetType::Instance, Vec::new());
        let other = vpc(&mut topology, "other", &["10.1.0.0/16"]);
        assert!(is_in_vpc(Id::from_index(0), topology.target_groups[group].vpc, &topology));
        assert!(!is_in_vpc(Id::from_index(0), other, &topology));
    }
}
