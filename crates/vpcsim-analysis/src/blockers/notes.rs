//! Blockers in words: what stops the flow there, the rule that came nearest, the change that would open it.

use std::net::Ipv4Addr;

use vpcsim_aws::devices::block_public_access::{BlockMode, Excluded};
use vpcsim_aws::devices::{NetworkInterface, RouteTable, Subnet};
use vpcsim_aws::public_address::is_private;
use vpcsim_aws::sets::{PacketSet, SetDrop};
use vpcsim_aws::traffic::Direction;
use vpcsim_aws::{AnyId, Protocol, drop_reason};
use vpcsim_engine::wire::build::PacketBuilder;
use vpcsim_engine::wire::{Summary, icmp, summarize};
use vpcsim_engine::{Decision, DropReason};

use super::Blocker;
use super::search::Search;
use crate::explain::Drop;
use crate::reach::CLIENT_PORTS;

impl Search<'_> {
    /// Notes what filters would drop.
    pub(super) fn note_filters(&mut self) {
        let fresh: Vec<SetDrop> = self.way.drops()[self.half.noted..].to_vec();
        self.half.noted += fresh.len();
        for drop in fresh {
            let owner = self.simulation.compiled().owner(drop.node);
            let decision = self.entry_that_denies(&drop, owner).unwrap_or(drop.decision);
            let component = self.component(drop.reason, owner, decision);
            let ends = (drop.source, drop.destination);
            self.note(drop.reason, decision, component, ends);
        }
    }

    pub(super) fn note_gap(&mut self, reason: DropReason, decision: Decision, packets: &PacketSet) {
        let decider = self.simulation.compiled().decider(decision.component);
        let component = self.name(decider);
        let ends = (packets.source, packets.destination);
        self.note(reason, decision, component, ends);
        let is_inside = !self.owners(packets.destination).is_empty();
        if reason == drop_reason::NO_SUCH_INTERNET_HOST && is_inside {
            if let Some(blocker) = self.blockers.last_mut() {
                "internet".clone_into(&mut blocker.component);
                let address = packets.destination;
                blocker.change = Some(format!(
                    "give the interface with {address} a public or Elastic IP address, and ask for that"
                ));
            }
        } else if reason == drop_reason::NO_ROUTE && self.half.is_forward && !is_inside {
            self.note_way_out(decider, ends);
        }
    }

    /// A route to an internet gateway helps neither who has no public address nor whom the account keeps from the internet.
    fn note_way_out(&mut self, decider: Option<AnyId>, ends: (Ipv4Addr, Ipv4Addr)) {
        let topology = self.simulation.topology();
        let Some(table) = decider.and_then(AnyId::downcast::<RouteTable>) else {
            return;
        };
        let vpc = topology.route_tables[table].vpc;
        let mut gateways = topology.internet_gateways.iter();
        let Some((gateway, _)) = gateways.find(|(_, gateway)| gateway.vpc == Some(vpc)) else {
            return;
        };
        let (source, destination) = ends;
        if is_private(destination) {
            return;
        }
        let nat = self.explainer.nat_gateway_for(ends, vpc);
        if nat.is_none() && !self.simulation.directory().has_public_address(source) {
            let decision = Decision::by(topology.component(gateway));
            let component = self.name(Some(gateway.into()));
            self.note(drop_reason::IGW_NO_PUBLIC_MAPPING, decision, component, ends);
        }
        // Whoever stands before the internet gateway, the NAT gateway or the host, has to be let out by the account.
        let mut interfaces = topology.network_interfaces.iter();
        let owner =
            interfaces.find(|(_, interface)| interface.addresses.iter().any(|own| own.private == source));
        let own = owner.map(|(_, interface)| interface.subnet);
        let place = nat.map_or(own, |nat| Some(topology.nat_gateways[nat].subnet));
        let mode = topology.block_mode_of(place.map_or(Excluded::Vpc(vpc), Excluded::Subnet));
        let is_blocked = mode == BlockMode::Bidirectional || mode == BlockMode::Ingress && nat.is_none();
        if let Some(block) = topology.block_public_access_of(vpc).filter(|_| is_blocked) {
            let component = self.name(Some(block.into()));
            let decision = Decision::by(topology.component(block));
            self.note(drop_reason::BLOCK_PUBLIC_ACCESS, decision, component, ends);
        }
    }

    fn note(
        &mut self,
        reason: DropReason,
        decision: Decision,
        component: String,
        ends: (Ipv4Addr, Ipv4Addr),
    ) {
        let info = drop_reason::info(reason);
        let mut blocker = Blocker {
            direction: if self.half.is_forward { "forward" } else { "return" }.to_owned(),
            reason: info.map_or_else(|| format!("{reason:?}"), |info| info.name.to_owned()),
            component,
            detail: info.map_or_else(String::new, |info| info.words.to_owned()),
            nearest: None,
            change: None,
        };
        if let (Some(info), Some(packet)) = (info, self.packet(ends, CLIENT_PORTS.first)) {
            let drop = Drop {
                info,
                decision,
                packet,
                is_back: !self.half.is_forward,
                is_forwarded: self.half.is_forwarded,
            };
            (blocker.detail, blocker.nearest, blocker.change) = self.explainer.words(&drop);
        }
        self.blockers.push(blocker);
    }

    /// Notes what the rules of a firewall would drop.
    pub(super) fn note_firewall(&mut self, component: &str, packets: &PacketSet) {
        let words = self.packet((packets.source, packets.destination), CLIENT_PORTS.first);
        let words = words.map_or_else(String::new, |packet| vpcsim_aws::traffic::packet_words(&packet));
        let (source, destination) = (packets.source, packets.destination);
        let direction = if self.half.is_forward { "forward" } else { "return" };
        self.blockers.push(Blocker {
            direction: direction.to_owned(),
            reason: "MIDDLEBOX_FIREWALL".to_owned(),
            component: component.to_owned(),
            detail: format!(
                "no rule of the firewall of {component} allows {words} from {source} to {destination}"
            ),
            nearest: None,
            change: Some(format!(
                "add `allow {words} from {source}/32 to {destination}/32` to the firewall of {component}"
            )),
        });
    }

    /// Notes what a load balancer does not take.
    pub(super) fn note_balancer(&mut self, reason: DropReason, component: &str, change: String) {
        let info = drop_reason::info(reason);
        self.blockers.push(Blocker {
            direction: "forward".to_owned(),
            reason: info.map_or_else(String::new, |info| info.name.to_owned()),
            component: component.to_owned(),
            detail: info.map_or_else(String::new, |info| info.words.to_owned()),
            nearest: None,
            change: Some(change),
        });
    }

    /// The protocol of the flow; TCP if it is none, which no question has.
    pub(super) fn protocol(&self) -> Protocol {
        self.query.protocol.parse().unwrap_or(Protocol::TCP)
    }

    /// One packet of the flow between two addresses, or of its answers, as filters see it; a client has this port.
    fn packet(&self, (source, destination): (Ipv4Addr, Ipv4Addr), client: u16) -> Option<Summary> {
        let protocol = self.protocol();
        let (from, to) = if self.half.is_forward {
            (client, self.service)
        } else {
            (self.service, client)
        };
        let bytes = match protocol {
            Protocol::TCP => PacketBuilder::tcp(source, from, destination, to).build(),
            Protocol::UDP => PacketBuilder::udp(source, from, destination, to).build(),
            Protocol::ICMP => {
                let asked = (
                    self.query.icmp_type.unwrap_or(icmp::ECHO_REQUEST),
                    self.query.icmp_code.unwrap_or(0),
                );
                let (kind, code) = if self.half.is_forward {
                    asked
                } else {
                    (icmp::ECHO_REPLY, 0)
                };
                PacketBuilder::raw(source, destination, protocol, &[kind, code, 0, 0, 0, 0, 0, 0]).build()
            }
            _ => PacketBuilder::raw(source, destination, protocol, &[0; 8]).build(),
        };
        summarize(&bytes).ok()
    }

    /// Which entry of a network ACL denies the flow: sets only tell that some does.
    fn entry_that_denies(&self, drop: &SetDrop, owner: Option<AnyId>) -> Option<Decision> {
        let direction = match drop.reason {
            drop_reason::NACL_EGRESS => Direction::Egress,
            drop_reason::NACL_INGRESS => Direction::Ingress,
            _ => return None,
        };
        let topology = self.simulation.topology();
        let acl = topology.network_acl_of(owner?.downcast::<Subnet>()?)?;
        let lookup = self.simulation.compiled().network_acl(acl);
        let mut clients = [CLIENT_PORTS.first, CLIENT_PORTS.last].into_iter();
        clients.find_map(|client| {
            let packet = self.packet((drop.source, drop.destination), client)?;
            let verdict = lookup.lookup(direction, &packet);
            (!verdict.allow).then_some(verdict.decision)
        })
    }

    /// The groups of the interface, or the network ACL of the subnet.
    fn component(&self, reason: DropReason, owner: Option<AnyId>, decision: Decision) -> String {
        let topology = self.simulation.topology();
        let is_group = reason == drop_reason::SG_EGRESS || reason == drop_reason::SG_INGRESS;
        let interface = owner.and_then(AnyId::downcast::<NetworkInterface>);
        if let Some(interface) = interface.filter(|_| is_group) {
            let groups = topology.network_interfaces[interface].security_groups.iter();
            let names: Vec<&str> = groups.map(|group| topology.name_of(*group)).collect();
            return names.join(", ");
        }
        let acl = owner
            .and_then(AnyId::downcast::<Subnet>)
            .and_then(|subnet| topology.network_acl_of(subnet));
        let decider = self.simulation.compiled().decider(decision.component).or(owner);
        self.name(acl.map(AnyId::from).or(decider))
    }

    pub(super) fn name(&self, any: Option<AnyId>) -> String {
        any.map_or_else(String::new, |any| {
            self.simulation.topology().name_of(any).to_owned()
        })
    }
}
