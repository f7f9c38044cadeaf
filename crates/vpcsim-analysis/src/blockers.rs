//! All that stands in a flow's way: what else would stop it if its first blocker were mended, there and back.
//!
//! A set with the flow alone walks the network while filters only note what they would drop. Where a route is missing or a gateway
//! refuses, nobody knows the way behind it, and the list ends.

use std::net::Ipv4Addr;

use serde::{Deserialize, Serialize};
use vpcsim_aws::compile::Slot;
use vpcsim_aws::devices::internet_host::FROM_HOSTS;
use vpcsim_aws::devices::network_interface::{FROM_HOST, FROM_OWNER};
use vpcsim_aws::devices::{Instance, NetworkInterface, Subnet};
use vpcsim_aws::sets::{
    PacketSet, ProtocolRange, SetDrop, SetEnd, SetWay, TrafficBox, TrafficSet, icmp_range, walk,
};
use vpcsim_aws::traffic::PortRange;
use vpcsim_aws::{AnyId, Protocol, drop_reason};
use vpcsim_engine::{Decision, DropReason, NodeId, Port};

use crate::answer::FlowQuery;
use crate::endpoint::{QuestionError, Source};
use crate::question::Question;
use crate::reach::CLIENT_PORTS;
use crate::simulation::Simulation;

/// Something that stops a flow.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Blocker {
    /// `forward` or `return`.
    pub direction: String,
    /// The reason's name (`SG_INGRESS`).
    pub reason: String,
    /// The component.
    pub component: String,
    /// Why, in words.
    pub detail: String,
    /// The smallest change that would let the flow pass here, if a rule would do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub change: Option<String>,
}

impl Simulation {
    /// Everything that stops a flow, in the order of its way, there and back.
    ///
    /// # Errors
    /// [`QuestionError`] if the query names nobody or asks for what cannot be sent.
    pub fn blockers(&self, query: &FlowQuery) -> Result<Vec<Blocker>, QuestionError> {
        let question = self.question(query)?;
        let search = Search {
            simulation: self,
            query,
        };
        Ok(search.run(&question).unwrap_or_default())
    }
}

struct Search<'s> {
    simulation: &'s Simulation,
    query: &'s FlowQuery,
}

impl Search<'_> {
    fn run(&self, question: &Question) -> Option<Vec<Blocker>> {
        let compiled = self.simulation.compiled();
        let (start, source) = self.start(question)?;
        let mut way = SetWay::lenient();
        let asked = PacketSet::new(source, question.destination, self.traffic(question.protocol));
        let there = walk(compiled, start, asked, &mut way, &|_| false);
        let mut blockers: Vec<Blocker> = way.drops().iter().map(|drop| self.filter(drop, true)).collect();
        let (node, port) = match there.end {
            SetEnd::Dropped(reason, decision) => {
                blockers.push(self.gateway(reason, decision, true));
                return Some(blockers);
            }
            SetEnd::Opaque(_) => return Some(blockers),
            SetEnd::At(node, port) => (node, port),
        };
        let arrived = there.packets;
        let answers = PacketSet::new(arrived.destination, arrived.source, arrived.traffic.answers());
        let Some(back) = self.answers_from(node, port, arrived.destination) else {
            return Some(blockers);
        };
        if answers.traffic.is_empty() {
            return Some(blockers);
        }
        way.turn();
        let returned = walk(compiled, back, answers, &mut way, &|_| false);
        blockers.extend(way.drops().iter().map(|drop| self.filter(drop, false)));
        if let SetEnd::Dropped(reason, decision) = returned.end {
            blockers.push(self.gateway(reason, decision, false));
        }
        Some(blockers)
    }

    fn traffic(&self, protocol: Protocol) -> TrafficSet {
        let service = match protocol {
            Protocol::ICMP => icmp_range(
                Some(self.query.icmp_type.unwrap_or(8)),
                Some(self.query.icmp_code.unwrap_or(0)),
            ),
            _ if protocol.has_ports() => PortRange::single(self.query.dst_port.unwrap_or(0)),
            _ => PortRange::ALL,
        };
        let source = if protocol.has_ports() {
            CLIENT_PORTS
        } else {
            PortRange::ALL
        };
        TrafficBox {
            protocols: ProtocolRange::single(protocol),
            service,
            source,
        }
        .into()
    }

    /// Where the flow enters the network, and with which address.
    fn start(&self, question: &Question) -> Option<((NodeId, Port), Ipv4Addr)> {
        let compiled = self.simulation.compiled();
        match question.source {
            Source::Internet(address) => Some(((compiled.fixed.internet, FROM_HOSTS), address)),
            Source::Host { host, bind } => {
                let plan = compiled.hosts.iter().find(|plan| plan.owner == host)?;
                let wanted = self.query.bind.or(bind);
                let own = plan
                    .interfaces
                    .iter()
                    .find(|part| wanted.is_some_and(|address| part.addresses.contains(&address)));
                let part = own.or(plan.interfaces.first())?;
                let address = wanted.or(part.addresses.first().copied())?;
                Some(((part.node, sending_port(host)), address))
            }
        }
    }

    /// Where a host's answers from one of its addresses enter the network.
    fn answers_from(&self, node: NodeId, port: Port, address: Ipv4Addr) -> Option<(NodeId, Port)> {
        let compiled = self.simulation.compiled();
        if node == compiled.fixed.internet {
            return Some((node, FROM_HOSTS));
        }
        match compiled.slot(node)? {
            Slot::Host(index) => {
                let plan = &compiled.hosts[index];
                let own = plan
                    .interfaces
                    .iter()
                    .find(|part| part.addresses.contains(&address));
                let by_port = plan.interfaces.get(port.0 as usize);
                Some((own.or(by_port)?.node, sending_port(plan.owner)))
            }
            Slot::ServiceHosts(index) => Some(compiled.services[index].uplink),
            Slot::InternetHosts | Slot::Metadata => None,
        }
    }

    fn filter(&self, drop: &SetDrop, is_forward: bool) -> Blocker {
        let compiled = self.simulation.compiled();
        let owner = compiled.owner(drop.node);
        let component = self.component(drop.reason, owner, drop.decision);
        let change = self.change(drop, &component, is_forward);
        Blocker {
            change,
            ..blocker(drop.reason, component, is_forward)
        }
    }

    fn gateway(&self, reason: DropReason, decision: Decision, is_forward: bool) -> Blocker {
        let decider = self.simulation.compiled().decider(decision.component);
        let topology = self.simulation.topology();
        let component = decider
            .and_then(|any| topology.label(any))
            .map_or_else(String::new, |label| label.name.clone());
        blocker(reason, component, is_forward)
    }

    /// The groups of the interface, or the network ACL of the subnet.
    fn component(&self, reason: DropReason, owner: Option<AnyId>, decision: Decision) -> String {
        let topology = self.simulation.topology();
        let groups = |interface: vpcsim_aws::Id<NetworkInterface>| {
            let groups = topology.network_interfaces[interface].security_groups.iter();
            groups
                .map(|group| topology.name_of(*group))
                .collect::<Vec<_>>()
                .join(", ")
        };
        let is_group = reason == drop_reason::SG_EGRESS || reason == drop_reason::SG_INGRESS;
        if let Some(interface) = owner
            .and_then(AnyId::downcast::<NetworkInterface>)
            .filter(|_| is_group)
        {
            return groups(interface);
        }
        if let Some(acl) = owner
            .and_then(AnyId::downcast::<Subnet>)
            .and_then(|subnet| topology.network_acl_of(subnet))
        {
            return topology.name_of(acl).to_owned();
        }
        let any = self.simulation.compiled().decider(decision.component).or(owner);
        any.and_then(|any| topology.label(any))
            .map_or_else(String::new, |label| label.name.clone())
    }

    /// The rule that would let the flow pass.
    fn change(&self, drop: &SetDrop, component: &str, is_forward: bool) -> Option<String> {
        let traffic = self.words(is_forward)?;
        let (what, rules, preposition, peer) = match drop.reason {
            reason if reason == drop_reason::SG_EGRESS => ("", "egress rules", "to", drop.destination),
            reason if reason == drop_reason::SG_INGRESS => ("", "ingress rules", "from", drop.source),
            reason if reason == drop_reason::NACL_EGRESS => {
                ("allow ", "egress entries", "to", drop.destination)
            }
            reason if reason == drop_reason::NACL_INGRESS => {
                ("allow ", "ingress entries", "from", drop.source)
            }
            _ => return None,
        };
        Some(format!(
            "add `{what}{traffic} {preposition} {peer}/32` to the {rules} of {component}"
        ))
    }

    /// The flow as a rule would say it; its answers go to the ports of clients.
    fn words(&self, is_forward: bool) -> Option<String> {
        let protocol: Protocol = self.query.protocol.parse().ok()?;
        Some(match protocol {
            Protocol::ICMP if is_forward => format!("icmp {}", self.query.icmp_type.unwrap_or(8)),
            Protocol::ICMP => "icmp 0".to_owned(),
            _ if protocol.has_ports() && is_forward => format!("{protocol} {}", self.query.dst_port?),
            _ if protocol.has_ports() => format!("{protocol} {CLIENT_PORTS}"),
            _ => protocol.to_string(),
        })
    }
}

fn sending_port(host: AnyId) -> Port {
    if host.downcast::<Instance>().is_some() {
        FROM_HOST
    } else {
        FROM_OWNER
    }
}

fn blocker(reason: DropReason, component: String, is_forward: bool) -> Blocker {
    let info = drop_reason::info(reason);
    Blocker {
        direction: if is_forward { "forward" } else { "return" }.to_owned(),
        reason: info.map_or_else(|| format!("{reason:?}"), |info| info.name.to_owned()),
        component,
        detail: info.map_or_else(String::new, |info| info.words.to_owned()),
        change: None,
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::fixtures;

    #[test]
    fn nothing_stands_in_the_way_of_a_flow_that_works() {
        let simulation = Simulation::new(Arc::new(fixtures::shop().topology));
        let query = |dst: &str, port| FlowQuery {
            source: "web-1".to_owned(),
            dst: dst.to_owned(),
            protocol: "tcp".to_owned(),
            dst_port: Some(port),
            ..FlowQuery::default()
        };
        assert_eq!(simulation.blockers(&query("db-1", 5432)), Ok(Vec::new()));
        let stopped = simulation.blockers(&query("db-1", 22)).unwrap();
        let reasons: Vec<&str> = stopped.iter().map(|blocker| blocker.reason.as_str()).collect();
        assert_eq!(reasons, ["SG_INGRESS"]);
        assert!(
            stopped[0]
                .change
                .as_ref()
                .is_some_and(|change| change.contains("tcp 22 from"))
        );
    }
}
