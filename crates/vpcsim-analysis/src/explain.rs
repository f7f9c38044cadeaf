//! Why a packet was dropped, in AWS's codes and in words with the values, and what would let it through.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::net::Ipv4Addr;

use vpcsim_aws::devices::nat_gateway::{Connectivity, NatGatewayState};
use vpcsim_aws::devices::network_acl::NetworkAclLookup;
use vpcsim_aws::devices::route_table::{RouteDestination, RouteTarget};
use vpcsim_aws::devices::security_group::Peer;
use vpcsim_aws::devices::{
    Instance, InternetGateway, NatGateway, NetworkAcl, NetworkInterface, RouteTable, Subnet,
};
use vpcsim_aws::drop_reason::{self, ReasonInfo};
use vpcsim_aws::public_address::is_private;
use vpcsim_aws::traffic::{Direction, packet_words};
use vpcsim_aws::{AnyId, Compiled, Id, Resource, Topology, station};
use vpcsim_engine::wire::{Summary, summarize};
use vpcsim_engine::{Decision, DropReason};

use crate::analyzer_code::Dropped;
use crate::answer::{Explanation, Leg};
use crate::directory::Directory;
use crate::legs::blamed;
use crate::recorder::{StepEvent, Trail};
use crate::way::{self, Cause};

/// Ports that clients take for themselves: what answers go to.
const CLIENT_PORTS: &str = "1024-65535";

/// What explaining needs beside the trail.
pub(crate) struct Explainer<'a> {
    pub(crate) compiled: &'a Compiled,
    pub(crate) directory: &'a Directory,
    /// The numbers of entries that were advised: no two of one network ACL get the same.
    pub(crate) advised: RefCell<BTreeSet<(Id<NetworkAcl>, Direction, u16)>>,
}

/// What a drop is about.
pub(crate) struct Drop<'a> {
    pub(crate) info: &'a ReasonInfo,
    pub(crate) decision: Decision,
    pub(crate) packet: Summary,
    /// Whether it is an answer.
    pub(crate) is_back: bool,
    /// Whether an instance on the way forwarded it, after which nobody knows the sender's security group (SG-10).
    pub(crate) is_forwarded: bool,
}

impl Drop<'_> {
    /// What a rule has to allow: for answers all client ports, since the next one will have another.
    fn wanted(&self) -> String {
        if self.is_back && self.packet.has_ports() {
            format!("{} {CLIENT_PORTS}", self.packet.protocol())
        } else {
            packet_words(&self.packet)
        }
    }
}

impl Explainer<'_> {
    fn topology(&self) -> &Topology {
        &self.compiled.topology
    }

    /// Why a dropped packet was dropped, and beside it what else AWS would list; nothing if it was not dropped.
    pub(crate) fn explain(&self, trail: &Trail, leg: &Leg, is_back: bool) -> Vec<Explanation> {
        let all = self.explained(trail, leg, is_back).into_iter();
        all.map(|(words, _)| words).collect()
    }

    /// The same in ids.
    pub(crate) fn causes(&self, trail: &Trail, leg: &Leg, is_back: bool) -> Vec<Cause> {
        let all = self.explained(trail, leg, is_back).into_iter();
        all.map(|(_, cause)| cause).collect()
    }

    fn explained(&self, trail: &Trail, leg: &Leg, is_back: bool) -> Vec<(Explanation, Cause)> {
        let Some(step) = trail.end() else {
            return Vec::new();
        };
        let StepEvent::Drop { reason, decision } = step.event else {
            return Vec::new();
        };
        let Some(info) = drop_reason::info(reason) else {
            return Vec::new();
        };
        let code = info.analyzer_code.unwrap_or(info.name).to_owned();
        let cause = Cause {
            code: code.clone(),
            is_back,
            reason,
            component: blamed(self.compiled, reason, decision, step.node),
            owner: self.compiled.owner(step.node),
            rule: way::rule(self.compiled, decision),
            header: summarize(&step.bytes).ok().as_ref().map(way::header),
        };
        let mut explanation = Explanation {
            code,
            component: leg.component.clone().unwrap_or_default(),
            direction: if is_back { "return" } else { "forward" }.to_owned(),
            detail: info.words.to_owned(),
            nearest: None,
            help: None,
        };
        if let Ok(packet) = summarize(&step.bytes) {
            let drop = Drop {
                info,
                decision,
                packet,
                is_back,
                is_forwarded: is_forwarded(leg),
            };
            (explanation.detail, explanation.nearest, explanation.help) = self.words(&drop);
            if reason == drop_reason::MIDDLEBOX_LOOP {
                explanation.detail = format!("{} ({})", explanation.detail, circle(leg));
            }
            return self.with_analyzer_codes(explanation, cause, &drop);
        }
        vec![(explanation, cause)]
    }

    /// The explanation under the code that says most, and the further ones of AWS's analysis behind it.
    fn with_analyzer_codes(
        &self,
        mut explanation: Explanation,
        mut cause: Cause,
        drop: &Drop<'_>,
    ) -> Vec<(Explanation, Cause)> {
        let dropped = Dropped {
            compiled: self.compiled,
            directory: self.directory,
            reason: drop.info.reason,
            decision: drop.decision,
            packet: &drop.packet,
        };
        if let Some(refined) = dropped.refined() {
            refined.code.clone_into(&mut explanation.code);
            refined.code.clone_into(&mut cause.code);
            cause.rule = refined.rule.or(cause.rule);
        }
        let label = |any| self.topology().label(any).map_or("?", |label| label.id_or_name());
        let further = dropped.further().into_iter().map(|further| {
            let words = Explanation {
                code: further.code.to_owned(),
                component: label(further.component).to_owned(),
                direction: explanation.direction.clone(),
                detail: further.detail,
                nearest: None,
                help: None,
            };
            let cause = Cause {
                code: further.code.to_owned(),
                component: Some(further.component),
                rule: further.rule,
                ..cause.clone()
            };
            (words, cause)
        });
        let further: Vec<(Explanation, Cause)> = further.collect();
        std::iter::once((explanation, cause)).chain(further).collect()
    }

    /// What the rules that a dropped packet was held against name and the design does not have, where it might have matched.
    pub(crate) fn missing_peers(&self, trail: &Trail) -> Vec<String> {
        let Some(step) = trail.end() else {
            return Vec::new();
        };
        let (direction, decision) = match step.event {
            StepEvent::Drop {
                reason: drop_reason::SG_EGRESS,
                decision,
            } => (Direction::Egress, decision),
            StepEvent::Drop {
                reason: drop_reason::SG_INGRESS,
                decision,
            } => (Direction::Ingress, decision),
            _ => return Vec::new(),
        };
        let topology = self.topology();
        let any = self.compiled.decider(decision.component);
        let (Some(interface), Ok(packet)) = (
            any.and_then(AnyId::downcast::<NetworkInterface>),
            summarize(&step.bytes),
        ) else {
            return Vec::new();
        };
        let groups = topology.network_interfaces[interface].security_groups.iter();
        let rules = groups.flat_map(|group| topology.security_groups[*group].rules(direction));
        let missing = rules
            .filter(|rule| rule.traffic.matches(&packet))
            .filter_map(|rule| match &rule.peer {
                Peer::Missing(id) => Some(id.clone()),
                _ => None,
            });
        missing.collect()
    }

    /// What happened with the values, the rule that came nearest to allowing it, and what would open it.
    pub(crate) fn words(&self, drop: &Drop<'_>) -> (String, Option<String>, Option<String>) {
        match drop.info.reason {
            drop_reason::SG_EGRESS => self.security_group(drop, Direction::Egress),
            drop_reason::SG_INGRESS => self.security_group(drop, Direction::Ingress),
            drop_reason::NACL_EGRESS => self.network_acl(drop, Direction::Egress),
            drop_reason::NACL_INGRESS => self.network_acl(drop, Direction::Ingress),
            drop_reason::NO_ROUTE => self.no_route(drop),
            drop_reason::BLACKHOLE => self.black_hole(drop),
            reason => (self.generic_detail(drop), None, help(reason).map(str::to_owned)),
        }
    }

    fn generic_detail(&self, drop: &Drop<'_>) -> String {
        let packet = &drop.packet;
        let rule = self.compiled.rule_text(drop.decision);
        let by_rule = rule.map_or_else(String::new, |rule| format!(" by `{rule}`"));
        format!(
            "{} from {} to {}{by_rule}: {}",
            packet_words(packet),
            packet.source(),
            packet.destination(),
            drop.info.words
        )
    }

    fn security_group(
        &self,
        drop: &Drop<'_>,
        direction: Direction,
    ) -> (String, Option<String>, Option<String>) {
        let topology = self.topology();
        let Some(interface) = self
            .compiled
            .decider(drop.decision.component)
            .and_then(AnyId::downcast::<NetworkInterface>)
        else {
            return (self.generic_detail(drop), None, None);
        };
        let groups = &topology.network_interfaces[interface].security_groups;
        let names: Vec<&str> = groups.iter().map(|group| topology.name_of(*group)).collect();
        let (packet, preposition) = (&drop.packet, direction.preposition());
        let peer = peer(packet, direction);
        let asked = format!("{} {preposition} {peer}", packet_words(packet));
        let detail = match names[..] {
            [] => format!("{} has no security group", topology.name_of(interface)),
            _ => format!("no {direction} rule of {} matches {asked}", names.join(", ")),
        };
        let lookup = self.compiled.security_groups(groups, direction);
        let nearest = lookup
            .nearest(packet, peer)
            .map(|(decision, words)| self.in_its_group(decision, &words));
        let help = names.first().map(|group| {
            let wanted = drop.wanted();
            format!(
                "add `{wanted} {preposition} {}` to the {direction} rules of {group}",
                self.peer_for_rule(peer, interface, drop.is_forwarded)
            )
        });
        (detail, nearest, help)
    }

    fn in_its_group(&self, decision: Decision, words: &str) -> String {
        match self.compiled.decider(decision.component) {
            Some(group) => format!("{}: {words}", self.topology().name_of(group)),
            None => words.to_owned(),
        }
    }

    /// The security group of the other side where it has one of this VPC, else its address.
    fn peer_for_rule(&self, peer: Ipv4Addr, here: Id<NetworkInterface>, is_forwarded: bool) -> String {
        let topology = self.topology();
        let vpc_of = |id: Id<NetworkInterface>| {
            let subnet = topology.network_interfaces[id].subnet;
            topology.subnets.find(subnet).map(|subnet| subnet.vpc)
        };
        let is_peer = |id: Id<NetworkInterface>| {
            let mut addresses = topology.network_interfaces[id].addresses.iter();
            vpc_of(id) == vpc_of(here) && addresses.any(|address| address.private == peer)
        };
        let owner = self
            .directory
            .owners_of(peer)
            .find(|id| !is_forwarded && is_peer(*id));
        let group = owner.and_then(|id| topology.network_interfaces[id].security_groups.first());
        group.map_or_else(
            || format!("{peer}/32"),
            |group| topology.name_of(*group).to_owned(),
        )
    }

    fn network_acl(&self, drop: &Drop<'_>, direction: Direction) -> (String, Option<String>, Option<String>) {
        let topology = self.topology();
        let Some(acl) = self
            .compiled
            .decider(drop.decision.component)
            .and_then(AnyId::downcast::<NetworkAcl>)
        else {
            return (self.generic_detail(drop), None, None);
        };
        let (packet, preposition, name) = (&drop.packet, direction.preposition(), topology.name_of(acl));
        let peer = peer(packet, direction);
        let rule = self.compiled.rule_text(drop.decision);
        let by_rule = rule.map_or_else(
            || "no entry allows it".to_owned(),
            |rule| format!("`{rule}` decides"),
        );
        let stateless = if drop.is_back {
            "; network ACLs are stateless, and answers need a rule of their own"
        } else {
            ""
        };
        let detail = format!(
            "{name} denies {} {preposition} {peer} ({direction}): {by_rule}{stateless}",
            packet_words(packet)
        );
        let lookup = self.compiled.network_acl(acl);
        let nearest = lookup.nearest_allow(direction, packet).map(|(_, words)| words);
        let mut advised = self.advised.borrow_mut();
        let is_advised = |number: u16| advised.contains(&(acl, direction, number));
        let free = free_number(lookup, direction, drop.decision, &is_advised);
        advised.extend(free.map(|number| (acl, direction, number)));
        let help = free.map(|number| {
            let wanted = drop.wanted();
            format!(
                "add `{number} allow {wanted} {preposition} {peer}/32` to the {direction} entries of {name}"
            )
        });
        (detail, nearest, help)
    }

    /// A black hole with its cause, as far as the design tells it (RT-22).
    fn black_hole(&self, drop: &Drop<'_>) -> (String, Option<String>, Option<String>) {
        let detail = self.generic_detail(drop);
        let help = help(drop.info.reason).map(str::to_owned);
        let cause = self.cause_of_black_hole(drop.decision);
        let detail = cause.map_or_else(|| detail.clone(), |cause| format!("{detail} Here {cause}."));
        (detail, None, help)
    }

    fn cause_of_black_hole(&self, decision: Decision) -> Option<String> {
        let topology = self.topology();
        let table = self
            .compiled
            .decider(decision.component)?
            .downcast::<RouteTable>()?;
        let route = topology.route_tables[table].routes.get(decision.rule_index()?)?;
        route.target.fault(topology)
    }

    fn no_route(&self, drop: &Drop<'_>) -> (String, Option<String>, Option<String>) {
        let topology = self.topology();
        let any = self.compiled.decider(drop.decision.component);
        let Some(table) = any.and_then(AnyId::downcast::<RouteTable>) else {
            return (self.generic_detail(drop), None, None);
        };
        let (destination, name) = (drop.packet.destination(), topology.name_of(table));
        let detail = format!("{name} has no route for {destination}");
        let vpc = topology.route_tables[table].vpc;
        let gateway = topology
            .internet_gateways
            .iter()
            .find(|(_, gateway)| gateway.vpc == Some(vpc));
        let peering = topology
            .peering_connections
            .ids()
            .find(|id| self.joins(*id, vpc, destination));
        let target = match (peering, gateway) {
            (Some(peering), _) => topology.name_of(peering).to_owned(),
            (None, Some((gateway, _))) if !is_private(destination) => {
                let nat = (!drop.is_back)
                    .then(|| self.nat_gateway_for((drop.packet.source(), destination), vpc))
                    .flatten();
                nat.map_or_else(|| topology.name_of(gateway), |nat| topology.name_of(nat))
                    .to_owned()
            }
            _ => "a gateway that leads there".to_owned(),
        };
        (
            detail,
            None,
            Some(format!(
                "add a route for {destination}/32 or a range around it to {name}, with {target} as its target"
            )),
        )
    }

    /// A NAT gateway of the VPC that lets a host without a public address out: its own subnet has a route to an internet gateway.
    pub(crate) fn nat_gateway_for(
        &self,
        (source, destination): (Ipv4Addr, Ipv4Addr),
        vpc: Id<vpcsim_aws::devices::Vpc>,
    ) -> Option<Id<NatGateway>> {
        let topology = self.topology();
        if self.directory.has_public_address(source) {
            return None;
        }
        let leads_out = |nat: &NatGateway| {
            let subnet = topology.subnets.find(nat.subnet);
            subnet.is_some_and(|subnet| subnet.vpc == vpc)
                && nat.connectivity == Connectivity::Public
                && nat.state == NatGatewayState::Available
                && is_routed_out(topology, nat.subnet, destination)
        };
        let mut gateways = topology.nat_gateways.iter();
        gateways.find(|(_, nat)| leads_out(nat)).map(|(id, _)| id)
    }

    fn joins(
        &self,
        peering: Id<vpcsim_aws::devices::PeeringConnection>,
        vpc: Id<vpcsim_aws::devices::Vpc>,
        destination: Ipv4Addr,
    ) -> bool {
        let topology = self.topology();
        let peering = &topology.peering_connections[peering];
        let other = match (peering.requester, peering.accepter) {
            (Some(here), other) | (other, Some(here)) if here == vpc => other,
            _ => None,
        };
        other.is_some_and(|other| {
            topology.vpcs[other]
                .cidrs
                .iter()
                .any(|cidr| cidr.net.contains(&destination))
        })
    }
}

/// Whether the subnet's best route for the destination leads to an internet gateway.
fn is_routed_out(topology: &Topology, subnet: Id<Subnet>, destination: Ipv4Addr) -> bool {
    let Some(table) = topology.route_table_of(subnet) else {
        return false;
    };
    let routes = topology.route_tables[table].routes.iter().filter_map(|route| {
        let nets = match route.destination {
            RouteDestination::Cidr(net) => vec![net],
            RouteDestination::PrefixList(list) => topology.prefix_lists[list].entries.clone(),
        };
        let covering = nets.into_iter().filter(|net| net.contains(&destination));
        Some((covering.map(|net| net.prefix_len()).max()?, route))
    });
    let best = routes.max_by_key(|(length, _)| *length);
    best.is_some_and(|(_, route)| match route.target {
        RouteTarget::Resource(target) => !route.blackhole && target.downcast::<InternetGateway>().is_some(),
        _ => false,
    })
}

/// Whether an instance on the way there forwarded the packet.
fn is_forwarded(leg: &Leg) -> bool {
    let gateway = station::name(station::GATEWAY);
    let mut hops = leg.trail.iter();
    hops.any(|hop| hop.station == gateway && hop.kind == Instance::NOUN)
}

/// The other side, as the rules of this direction see it.
fn peer(packet: &Summary, direction: Direction) -> Ipv4Addr {
    match direction {
        Direction::Egress => packet.destination(),
        Direction::Ingress => packet.source(),
    }
}

/// A number that is looked at before the entry that denied, and that no entry has.
fn free_number(
    lookup: &NetworkAclLookup,
    direction: Direction,
    denied_by: Decision,
    is_advised: &dyn Fn(u16) -> bool,
) -> Option<u16> {
    let entries = lookup.entries(direction);
    let taken = |number: u16| is_advised(number) || entries.iter().any(|entry| entry.number == number);
    if let Some(entry) = entries.iter().find(|entry| entry.decision == denied_by) {
        return (1..entry.number).rev().find(|number| !taken(*number));
    }
    let last = entries.iter().map(|entry| entry.number).max().unwrap_or(0);
    let round = (last / 100 + 1).saturating_mul(100);
    (round..=32_766)
        .step_by(10)
        .chain(1..=32_766)
        .find(|number| !taken(*number))
}

/// What would change it, where that does not depend on the values.
fn help(reason: DropReason) -> Option<&'static str> {
    Some(match reason {
        drop_reason::SRC_CHECK | drop_reason::DST_CHECK => {
            "switch the interface's source/destination check off if its host is meant to forward packets"
        }
        drop_reason::BLACKHOLE => "point the route at a target that exists and works, or remove it",
        drop_reason::IGW_NO_PUBLIC_MAPPING => {
            "give the interface a public or Elastic IP address, or route its subnet by a NAT gateway in a public subnet"
        }
        drop_reason::IGW_NO_MAPPING => {
            "associate the address with an interface, or ask for an address that is in use"
        }
        drop_reason::NAT_NO_STATE => {
            "route the subnet of a host that is reached by its public address by the internet gateway, not by the NAT gateway"
        }
        drop_reason::NAT_NOT_AVAILABLE => "wait for the NAT gateway to be available, or replace it",
        drop_reason::PCX_CIDR => "join the two VPCs by a connection of their own: peering is not transitive",
        drop_reason::NO_HOST | drop_reason::NOT_SENT => {
            "start the instance, or attach the interface to one that runs"
        }
        drop_reason::SMTP_RESTRICTION => "send mail by port 587, or ask AWS to lift the restriction",
        drop_reason::SERVICE_DISABLED => {
            "enable DNS support for the VPC, or the metadata service for the instance"
        }
        _ => return None,
    })
}
/// The instances that a packet went round by, from the one that saw it twice.
fn circle(leg: &Leg) -> String {
    let gateway = station::name(station::GATEWAY);
    let passed = leg
        .trail
        .iter()
        .filter(|hop| hop.station == gateway && hop.kind == Instance::NOUN);
    let names: Vec<&str> = passed.map(|hop| hop.name.as_str()).collect();
    let last = names.last().copied().unwrap_or_default();
    let start = names.iter().position(|name| *name == last).unwrap_or(0);
    names[start..].join(" -> ")
}
