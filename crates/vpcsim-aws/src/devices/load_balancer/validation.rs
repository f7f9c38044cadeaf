//! What AWS refuses of a load balancer, and what makes one useless.

use super::{LoadBalancer, ListenerProtocol, Scheme};
use crate::devices::route_table::RouteTarget;
use crate::devices::{InternetGateway, Subnet, TargetGroup};
use crate::model::{Finding, Findings, Id};
use crate::topology::Topology;

pub(super) fn validate(id: Id<LoadBalancer>, topology: &Topology, findings: &mut Findings) {
    let balancer = &topology.load_balancers[id];
    let check = Check { balancer, topology, name: balancer.label.display() };
    check.listeners(findings);
    check.zones(findings);
    check.quotas(findings);
    if balancer.scheme == Scheme::InternetFacing {
        check.way_out(findings);
        check.room(findings);
    }
}

/// Listeners of one load balancer (NLB-24).
const LISTENERS_MAX: usize = 50;
/// Targets that a target group has in a zone; with load balancing across zones in all of them together (NLB-24).
const TARGETS_MAX: usize = 500;
/// Free addresses that a subnet needs for a node with a public address (ELB-11).
const FREE_ADDRESSES_MIN: usize = 8;
/// Addresses of a subnet that AWS keeps for itself.
const RESERVED_ADDRESSES: usize = 5;

struct Check<'t> {
    balancer: &'t LoadBalancer,
    topology: &'t Topology,
    name: String,
}

/// Which protocols a listener's target group may have (NLB-20).
const fn fits(listener: ListenerProtocol, group: ListenerProtocol) -> bool {
    use ListenerProtocol::{Tcp, TcpUdp, Tls, Udp};
    matches!(
        (listener, group),
        (Tcp, Tcp | TcpUdp) | (Tls, Tcp | Tls) | (Udp, Udp | TcpUdp) | (TcpUdp, TcpUdp)
    )
}

impl Check<'_> {
    fn listeners(&self, findings: &mut Findings) {
        let (name, origin) = (&self.name, self.balancer.label.origin);
        for (index, listener) in self.balancer.listeners.iter().enumerate() {
            let (protocol, port) = (listener.protocol.word(), listener.port);
            let Some(group) = listener.target_group.and_then(|id| self.topology.target_groups.find(id)) else {
                let message = format!("listener {protocol} {port} of load balancer {name} has no target group");
                let finding = Finding::warning("listener-without-target-group", origin, message).rule("NLB-20");
                findings.push(finding.help("every flow to it is lost: name the target group"));
                continue;
            };
            if !fits(listener.protocol, group.protocol) {
                let message = format!(
                    "listener {protocol} {port} of load balancer {name} cannot forward to target group {}, whose protocol is {}",
                    group.label.display(),
                    group.protocol.word()
                );
                findings.push(Finding::error("listener-protocol", origin, message).rule("NLB-20"));
            }
            self.tls(listener, group, findings);
            let earlier = self.balancer.listeners[..index].iter();
            let takes_same = |other: &super::Listener| {
                other.port == port && (other.protocol == listener.protocol || overlaps(other.protocol, listener.protocol))
            };
            if earlier.into_iter().any(takes_same) {
                let message = format!("load balancer {name} has two listeners for {protocol} {port}");
                findings.push(Finding::error("listener-twice", origin, message).rule("NLB-20"));
            }
        }
    }

    /// What TLS does not allow.
    fn tls(&self, listener: &super::Listener, group: &TargetGroup, findings: &mut Findings) {
        let (name, origin, port) = (&self.name, self.balancer.label.origin, listener.port);
        if listener.protocol != ListenerProtocol::Tls {
            return;
        }
        if listener.idle_timeout_s.is_some_and(|seconds| u64::from(seconds) * 1_000_000_000 != super::TCP_IDLE_TIMEOUT.as_ns()) {
            let message = format!("listener tls {port} of load balancer {name} has an idle timeout of its own");
            let finding = Finding::error("tls-idle-timeout", origin, message).rule("NLB-12");
            findings.push(finding.help("the idle timeout of a TLS listener is 350 s"));
        }
        if group.sticky && group.protocol == ListenerProtocol::Tls {
            let message = format!("target group {} of listener tls {port} is sticky", group.label.display());
            let finding = Finding::error("sticky-tls", origin, message).rule("NLB-21");
            findings.push(finding.help("a TLS listener with a TLS target group has no stickiness"));
        }
    }

    /// What AWS allows without being asked for more (NLB-24).
    fn quotas(&self, findings: &mut Findings) {
        let (name, origin) = (&self.name, self.balancer.label.origin);
        let count = self.balancer.listeners.len();
        if count > LISTENERS_MAX {
            let message = format!("load balancer {name} has {count} listeners");
            let finding = Finding::warning("too-many-listeners", origin, message).rule("NLB-24");
            findings.push(finding.help(format!("AWS allows {LISTENERS_MAX} unless the account's quota was raised")));
        }
        let mut groups: Vec<_> = self.balancer.listeners.iter().filter_map(|listener| listener.target_group).collect();
        groups.sort_unstable();
        groups.dedup();
        for group in groups.into_iter().filter_map(|id| self.topology.target_groups.find(id)) {
            let most = self.most_targets(group);
            if most > TARGETS_MAX {
                let message = format!("load balancer {name} would have {most} targets of group {} together", group.label.display());
                let finding = Finding::warning("too-many-targets", origin, message).rule("NLB-24");
                findings.push(finding.help(format!(
                    "AWS allows {TARGETS_MAX} in a zone, or in all zones together if it balances across them"
                )));
            }
        }
    }

    /// How many targets of a group count together.
    fn most_targets(&self, group: &TargetGroup) -> usize {
        if group.cross_zone.unwrap_or(self.balancer.cross_zone) {
            return group.targets.len();
        }
        let mut by_zone = std::collections::BTreeMap::new();
        for target in &group.targets {
            let address = group.destination(target, self.topology).map(|(address, _)| address);
            let mut subnets = self.topology.subnets.iter().filter(|(_, subnet)| subnet.vpc == group.vpc);
            let own = subnets.find(|(_, subnet)| address.is_some_and(|address| subnet.cidr.contains(&address)));
            *by_zone.entry(own.map(|(_, subnet)| &subnet.availability_zone)).or_insert(0) += 1;
        }
        by_zone.into_values().max().unwrap_or(0)
    }

    /// A node with a public address needs some room in its subnet (ELB-11).
    fn room(&self, findings: &mut Findings) {
        for node in &self.balancer.nodes {
            let subnet = &self.topology.subnets[node.subnet];
            let others = self.topology.network_interfaces.iter();
            let others = others.filter(|(id, row)| row.subnet == node.subnet && *id != node.interface);
            let taken: usize = others.map(|(_, row)| row.addresses.len()).sum();
            let all = 1_usize << (32 - u32::from(subnet.cidr.prefix_len())).min(31);
            let free = all.saturating_sub(taken + RESERVED_ADDRESSES);
            if free < FREE_ADDRESSES_MIN {
                let message = format!(
                    "load balancer {} is internet-facing, and its subnet {} has {free} free addresses",
                    self.name,
                    subnet.label.display()
                );
                let finding = Finding::warning("load-balancer-subnet-full", self.balancer.label.origin, message);
                findings.push(finding.rule("ELB-11").help(format!("AWS wants {FREE_ADDRESSES_MIN} for it")));
            }
        }
    }

    fn zones(&self, findings: &mut Findings) {
        let nodes = &self.balancer.nodes;
        let zone = |subnet: Id<Subnet>| &self.topology.subnets[subnet].availability_zone;
        for (index, node) in nodes.iter().enumerate() {
            if nodes[..index].iter().any(|other| zone(other.subnet) == zone(node.subnet)) {
                let message = format!("load balancer {} has two subnets in {}", self.name, zone(node.subnet));
                let finding = Finding::error("load-balancer-zone-twice", self.balancer.label.origin, message);
                findings.push(finding.rule("ELB-01").help("one subnet of each zone"));
            }
        }
    }

    fn way_out(&self, findings: &mut Findings) {
        for node in &self.balancer.nodes {
            if !self.routes_out(node.subnet) {
                let subnet = self.topology.subnets[node.subnet].label.display();
                let message = format!(
                    "load balancer {} is internet-facing, but its subnet {subnet} has no route to an internet gateway",
                    self.name
                );
                let finding = Finding::warning("load-balancer-in-private-subnet", self.balancer.label.origin, message);
                findings.push(finding.rule("ELB-12").help("clients on the internet get no answers"));
            }
        }
    }

    fn routes_out(&self, subnet: Id<Subnet>) -> bool {
        let table = self.topology.route_table_of(subnet);
        let table = table.and_then(|id| self.topology.route_tables.find(id));
        table.is_some_and(|table| {
            let mut targets = table.routes.iter().map(|route| &route.target);
            targets.any(|target| {
                matches!(target, RouteTarget::Resource(any) if any.downcast::<InternetGateway>().is_some())
            })
        })
    }
}

/// Whether two listeners of one port would take the same packets.
fn overlaps(one: ListenerProtocol, other: ListenerProtocol) -> bool {
    use vpcsim_engine::wire::Protocol;
    [Protocol::TCP, Protocol::UDP].into_iter().any(|protocol| one.takes(protocol) && other.takes(protocol))
}
