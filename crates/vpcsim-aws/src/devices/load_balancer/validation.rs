//! What AWS refuses of a load balancer, and what makes one useless.

use super::{LoadBalancer, ListenerProtocol, Scheme};
use crate::devices::route_table::RouteTarget;
use crate::devices::{InternetGateway, Subnet};
use crate::model::{Finding, Findings, Id};
use crate::topology::Topology;

pub(super) fn validate(id: Id<LoadBalancer>, topology: &Topology, findings: &mut Findings) {
    let balancer = &topology.load_balancers[id];
    let check = Check { balancer, topology, name: balancer.label.display() };
    check.listeners(findings);
    check.zones(findings);
    if balancer.scheme == Scheme::InternetFacing {
        check.way_out(findings);
    }
}

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
