//! The running transit gateway.

use std::net::Ipv4Addr;
use std::sync::Arc;

use rustc_hash::FxHashMap;
use vpcsim_engine::{
    CapturePoint, Context, Decision, Direction, DropReason, FrameHeader, Handle, Later, Node, NodeId, Port, Repeat, Span,
    Step,
};
use vpcsim_wire::{Summary, icmp_error};

use super::{TransitGateway, zone_choice};
use crate::compile::place::gateway_mac;
use crate::compile::{Build, Fabric};
use crate::devices::subnet;
use crate::devices::transit_gateway_attachment::{AttachmentEnd, AttachmentState, port_of};
use crate::devices::transit_gateway_route_table::{self, TransitLookup, TransitMatch};
use crate::devices::{NetworkInterface, TransitGatewayAttachment};
use crate::model::Id;
use crate::mtu::PathMtu;
use crate::rate_limit::{self, RateLimit, RateLimiter};
use crate::sets::{PacketSet, SetDevice, SetStep, SetWay};
use crate::{drop_reason, mark, station};

/// The segment size that TCP is held to (TGW-34).
const MSS_MAX: u16 = PathMtu::TRANSIT_GATEWAY.0 - 40;

/// The least time to live that gets through.
const TTL_MIN: u8 = 2;

/// An interface of an attachment, in its zone.
#[derive(Debug)]
struct Exit {
    zone: u16,
    address: Option<Ipv4Addr>,
    subnet_node: NodeId,
}

/// What is at the end of an attachment.
#[derive(Debug)]
enum End {
    Vpc { fabric: Arc<Fabric>, exits: Vec<Exit>, zones: Vec<u16>, appliance_mode: bool, group_references: bool },
    Gateway { node: NodeId, latency: Span },
    Unmodelled,
}

/// An attachment as the gateway knows it.
#[derive(Debug)]
struct Attachment {
    decision: Decision,
    port: Port,
    is_available: bool,
    table: Option<Arc<TransitLookup>>,
    end: End,
}

/// What the gateway looks up and never changes.
#[derive(Debug)]
struct Plan {
    decision: Decision,
    point: CapturePoint,
    attachments: FxHashMap<Port, Attachment>,
    /// The VPCs that are attached, to find the zones of a flow's ends.
    fabrics: Vec<Arc<Fabric>>,
    group_references: bool,
    limit: Option<RateLimit>,
}

/// A running transit gateway.
#[derive(Clone, Debug)]
pub struct TransitGatewayDevice {
    plan: Arc<Plan>,
    /// What each attachment carries in each zone that it was used in (TGW-35).
    limiters: Vec<Limiter>,
}

/// The limit of an attachment in a zone.
#[derive(Clone, Debug)]
struct Limiter {
    port: Port,
    zone: u16,
    rate: RateLimiter,
}

/// Why a packet ends at the gateway.
type Refusal = (DropReason, Decision);

impl Node for TransitGatewayDevice {
    fn process(&mut self, context: &mut Context<'_>, port: Port, packet: Handle) -> Step {
        let plan = &*self.plan;
        let Some(summary) = context.packet(packet).summary().copied() else {
            return Step::drop(drop_reason::MALFORMED, plan.decision);
        };
        context.capture(packet, plan.point, Direction::Inbound);
        let limiter = plan.limit.map(|limit| {
            let zone = plan.came_in(port, context.packet(packet).mark());
            limiter_of(&mut self.limiters, (port, zone), limit)
        });
        let wait = match limiter {
            Some(index) => self.limiters[index].rate.admit(context.now(), usize::from(summary.total_len)),
            None => Some(Span::ZERO),
        };
        let Some(wait) = wait else {
            return Step::drop(drop_reason::TGW_RATE, plan.decision);
        };
        let carried = plan.carry(context, port, packet, &summary);
        match carried.map(|step| rate_limit::after(step, wait)) {
            Ok(step) => {
                context.capture(packet, plan.point, Direction::Outbound);
                if wait == Span::ZERO {
                    let repeat = Repeat::ALWAYS.from_ttl(TTL_MIN).up_to_len(PathMtu::TRANSIT_GATEWAY.0);
                    context.repeats(limiter.map_or(repeat, |index| repeat.while_proceeding(index as u64)));
                }
                step
            }
            Err((reason, decision)) => Step::drop(reason, decision),
        }
    }

    fn repeats(&self) -> bool {
        true
    }

    /// A packet is counted by the limit of the zone that it came in by.
    fn proceed(&mut self, later: Later<'_, '_>) -> bool {
        let Some(summary) = later.packet.summary() else { return false };
        let limiter = self.limiters.get_mut(later.token as usize);
        limiter.is_some_and(|limiter| limiter.rate.admit_at_once(later.now, usize::from(summary.total_len)))
    }
}

/// The place of the limit of an attachment in a zone, which begins with full buckets.
fn limiter_of(limiters: &mut Vec<Limiter>, (port, zone): (Port, u16), limit: RateLimit) -> usize {
    let known = limiters.iter().position(|limiter| (limiter.port, limiter.zone) == (port, zone));
    known.unwrap_or_else(|| {
        limiters.push(Limiter { port, zone, rate: RateLimiter::new(limit) });
        limiters.len() - 1
    })
}

impl TransitGatewayDevice {
    pub(super) fn new(id: Id<TransitGateway>, build: &Build<'_>) -> Self {
        let topology = build.topology;
        let tables = topology.transit_gateway_route_tables.iter().filter(|(_, table)| table.gateway == id);
        let tables: Vec<_> = tables
            .map(|(table, declared)| {
                let lookup = Arc::new(transit_gateway_route_table::compile(table, topology));
                (lookup, &declared.associations)
            })
            .collect();
        let table_of = |attachment| {
            let mut found = tables.iter().filter(|(_, associated)| associated.contains(&attachment));
            found.next().map(|(table, _)| Arc::clone(table))
        };
        let all = topology.transit_gateway_attachments.iter();
        let own: Vec<_> = all.filter(|(_, attachment)| attachment.is_of(id)).collect();
        let fabrics = own.iter().filter_map(|(_, attachment)| attachment.vpc().map(|vpc| build.fabric(vpc)));
        let attachments = own.iter().map(|(attachment, row)| {
            let made = Attachment {
                decision: Decision::by(topology.component(*attachment)),
                port: port_of(*attachment),
                is_available: row.state == AttachmentState::Available,
                table: table_of(*attachment),
                end: end(id, *attachment, build),
            };
            (made.port, made)
        });
        let plan = Plan {
            decision: Decision::by(topology.component(id)),
            point: build.place.capture_point_of(id),
            attachments: attachments.collect(),
            fabrics: fabrics.collect(),
            group_references: topology.transit_gateways[id].security_group_referencing,
            limit: topology.settings.limits.map(|limits| limits.transit_gateway_zone),
        };
        Self { plan: Arc::new(plan), limiters: Vec::new() }
    }
}

fn end(gateway: Id<TransitGateway>, id: Id<TransitGatewayAttachment>, build: &Build<'_>) -> End {
    let topology = build.topology;
    let attachment = &topology.transit_gateway_attachments[id];
    match &attachment.end {
        AttachmentEnd::Vpc { vpc, interfaces, appliance_mode, security_group_referencing, .. } => {
            let mut exits: Vec<Exit> = interfaces.iter().filter_map(|interface| exit(*interface, build)).collect();
            exits.sort_by_key(|exit| exit.zone);
            End::Vpc {
                fabric: build.fabric(*vpc),
                zones: exits.iter().map(|exit| exit.zone).collect(),
                exits,
                appliance_mode: *appliance_mode,
                group_references: *security_group_referencing,
            }
        }
        AttachmentEnd::Peering(_) => {
            let peer = attachment.other_gateway(gateway);
            let Some((peer, node)) = peer.and_then(|peer| Some((peer, build.place.node_of(peer)?))) else {
                return End::Unmodelled;
            };
            let settings = &topology.settings;
            let (here, there) = (&topology.transit_gateways[gateway], &topology.transit_gateways[peer]);
            let latency = settings.latency_between_regions(&here.region, &there.region);
            End::Gateway { node, latency }
        }
        AttachmentEnd::Unmodelled(_) => End::Unmodelled,
    }
}

fn exit(interface: Id<NetworkInterface>, build: &Build<'_>) -> Option<Exit> {
    let declared = build.topology.network_interfaces.find(interface)?;
    Some(Exit {
        zone: build.place.zone_of(declared.subnet),
        address: declared.primary(),
        subnet_node: build.place.node_of(declared.subnet)?,
    })
}

impl Plan {
    /// The zone by which a packet came in; none for a peering.
    fn came_in(&self, port: Port, note: u64) -> u16 {
        let source = self.attachments.get(&port);
        source.and_then(|source| source.entrance(note)).map_or(u16::MAX, |exit| exit.zone)
    }

    fn carry(&self, context: &mut Context<'_>, port: Port, packet: Handle, summary: &Summary) -> Result<Step, Refusal> {
        let Some(source) = self.attachments.get(&port) else {
            return Err((drop_reason::TGW_ATTACHMENT_STATE, self.decision));
        };
        let entrance = source.entrance(context.packet(packet).mark());
        let (route, target) = self.target(source, summary.destination())?;
        check_path(context, packet, summary, entrance, route.decision)?;
        let step = self.way_out(target, entrance.map(|exit| exit.zone), summary)?;
        let note = self.note(source, target);
        let carried = context.packet_mut(packet);
        carried.decrement_ttl();
        carried.clamp_mss(MSS_MAX);
        carried.set_mark(carried.mark() | note);
        context.pass(packet, station::GATEWAY, self.decision);
        context.pass(packet, station::GATEWAY, route.decision);
        Ok(step)
    }

    /// What is noted on packets from one attachment to another.
    fn note(&self, source: &Attachment, target: &Attachment) -> u64 {
        let keeps_groups = self.group_references && source.keeps_groups() && target.keeps_groups();
        if keeps_groups { mark::FROM_TRANSIT_GATEWAY } else { mark::FROM_TRANSIT_GATEWAY | mark::GROUP_UNKNOWN }
    }

    /// The route from an attachment to a destination, and the attachment that it leads to.
    fn target(&self, source: &Attachment, destination: Ipv4Addr) -> Result<(TransitMatch, &Attachment), Refusal> {
        let route = source.route(destination)?;
        let target = route.attachment.and_then(|attachment| self.attachments.get(&port_of(attachment)));
        let target = target.ok_or((drop_reason::TGW_BLACKHOLE, route.decision))?;
        if !target.is_available {
            return Err((drop_reason::TGW_ATTACHMENT_STATE, target.decision));
        }
        Ok((route, target))
    }

    /// Where the packet goes on: an interface of the VPC, or the other gateway.
    fn way_out(&self, target: &Attachment, came_in: Option<u16>, summary: &Summary) -> Result<Step, Refusal> {
        match &target.end {
            End::Unmodelled => Err((drop_reason::DESTINATION_NOT_MODELLED, target.decision)),
            End::Gateway { node, latency } => {
                Ok(Step::ForwardAfter { to: *node, port: target.port, delay: *latency })
            }
            End::Vpc { fabric, exits, .. } => {
                let choices = self.choices(target, came_in, summary.source(), summary.destination());
                let exit = zone_choice::by_flow(&choices, summary).and_then(|index| exits.get(index));
                let exit = exit.ok_or((drop_reason::TGW_ATTACHMENT_STATE, target.decision))?;
                let delay = fabric.latency(came_in.unwrap_or(exit.zone), exit.zone);
                Ok(Step::ForwardAfter { to: exit.subnet_node, port: subnet::FROM_GATEWAY, delay })
            }
        }
    }

    /// The interfaces of the target among which a flow chooses.
    fn choices(&self, target: &Attachment, came_in: Option<u16>, source: Ipv4Addr, destination: Ipv4Addr) -> zone_choice::Choices {
        match &target.end {
            End::Vpc { zones, appliance_mode: true, .. } => {
                zone_choice::by_appliance_mode(zones, [self.zone_of(source), self.zone_of(destination)])
            }
            End::Vpc { zones, .. } => zone_choice::by_affinity(zones, came_in),
            End::Gateway { .. } | End::Unmodelled => zone_choice::Choices::new(),
        }
    }

    /// The zone of whoever has the address in an attached VPC.
    fn zone_of(&self, address: Ipv4Addr) -> Option<u16> {
        self.fabrics.iter().find_map(|fabric| fabric.find(address).map(|(_, claim)| claim.zone))
    }
}

impl Attachment {
    /// The interface by which a packet came in, if it came from a VPC.
    fn entrance(&self, note: u64) -> Option<&Exit> {
        let End::Vpc { fabric, exits, .. } = &self.end else {
            return None;
        };
        let zone = mark::claim_in(note).map(|claim| fabric.claim(claim).zone);
        exits.iter().find(|exit| Some(exit.zone) == zone)
    }

    /// The route that the packet takes.
    fn route(&self, destination: Ipv4Addr) -> Result<TransitMatch, Refusal> {
        if !self.is_available {
            return Err((drop_reason::TGW_ATTACHMENT_STATE, self.decision));
        }
        if let End::Vpc { exits, .. } = &self.end
            && exits.iter().any(|exit| exit.address == Some(destination))
        {
            return Err((drop_reason::TGW_INTERFACE, self.decision));
        }
        let table = self.table.as_ref().ok_or((drop_reason::TGW_NOT_ASSOCIATED, self.decision))?;
        let route = table.lookup(destination).copied();
        route.ok_or((drop_reason::TGW_NO_ROUTE, Decision::by(table.component())))
    }

    fn keeps_groups(&self) -> bool {
        matches!(self.end, End::Vpc { group_references: true, .. })
    }
}

/// Time to live and size; the sender is told about the size if its packet came from a VPC and must not be cut.
fn check_path(
    context: &mut Context<'_>,
    packet: Handle,
    summary: &Summary,
    entrance: Option<&Exit>,
    decision: Decision,
) -> Result<(), Refusal> {
    if summary.ttl < TTL_MIN {
        return Err((drop_reason::TGW_TTL_EXPIRED, decision));
    }
    if summary.total_len <= PathMtu::TRANSIT_GATEWAY.0 {
        return Ok(());
    }
    if let Some(Exit { address: Some(address), subnet_node, .. }) = entrance
        && summary.dont_fragment
    {
        let offending = context.packet(packet).bytes();
        let report = icmp_error::fragmentation_needed(*address, offending, PathMtu::TRANSIT_GATEWAY.0);
        if let Some(report) = report {
            let mac = gateway_mac(context.node());
            let report = context.emit(FrameHeader::ipv4(mac, mac), &report);
            context.packet_mut(report).set_mark(mark::GROUP_UNKNOWN);
            context.forward(report, *subnet_node, subnet::FROM_GATEWAY);
        }
    }
    Err((drop_reason::TGW_MTU_EXCEEDED, decision))
}

impl SetDevice for TransitGatewayDevice {
    fn pass(&self, port: Port, packets: &mut PacketSet, _: &mut SetWay) -> SetStep {
        let plan = &*self.plan;
        let Some(source) = plan.attachments.get(&port) else {
            return SetStep::Drop(drop_reason::TGW_ATTACHMENT_STATE, plan.decision);
        };
        let came_in = source.entrance(packets.mark).map(|exit| exit.zone);
        let (_, target) = match plan.target(source, packets.destination) {
            Ok(found) => found,
            Err((reason, decision)) => return SetStep::Drop(reason, decision),
        };
        packets.mark |= plan.note(source, target);
        let exits = match &target.end {
            End::Unmodelled => return SetStep::Opaque,
            End::Gateway { node, .. } => return SetStep::Forward(*node, target.port),
            End::Vpc { exits, .. } => exits,
        };
        let choices = plan.choices(target, came_in, packets.source, packets.destination);
        let ways: Vec<_> = choices.iter().map(|index| (exits[*index].subnet_node, subnet::FROM_GATEWAY)).collect();
        match ways[..] {
            [] => SetStep::Drop(drop_reason::TGW_ATTACHMENT_STATE, target.decision),
            [(node, port)] => SetStep::Forward(node, port),
            _ => SetStep::OneOf(ways),
        }
    }
}
