//! What runs of an interface endpoint, behind its interfaces and their security groups.

use std::sync::Arc;

use vpcsim_engine::{Context, Decision, DropReason, FlowTable, FrameHeader, Handle, Node, NodeId, Port, Span, Step, Time};
use vpcsim_wire::{FlowKey, Mac, Protocol, Summary, tcp_reset};

use super::{EndpointState, Service, VpcEndpoint, by_itself};
use crate::compile::Build;
use crate::devices::endpoint_service;
use crate::devices::network_interface::FROM_OWNER;
use crate::model::Id;
use crate::mtu::PathMtu;
use crate::rate_limit::{self, RateLimiter};
use crate::sets::{PacketSet, SetDevice, SetStep, SetWay, TrafficBox, TrafficSet};
use crate::traffic::PortRange;
use crate::{drop_reason, station};

/// After so long without a packet a TCP flow is forgotten (EP-17).
const TCP_IDLE_TIMEOUT: Span = Span::from_secs(350);
/// The segment size that TCP is held to (EP-16).
const MSS_MAX: u16 = PathMtu::INTERFACE_ENDPOINT.0 - 40;
/// Slots that each new flow looks at for old ones.
const SWEEP_BUDGET: usize = 4;
/// The ports below take what the interfaces hand in, in their order.
const FROM_SERVICE: u32 = 1 << 16;

/// The port for what the service answers by the interface of this place.
pub(in crate::devices) const fn from_service(place: usize) -> Port {
    Port(FROM_SERVICE + place as u32)
}

/// What stands behind the endpoint.
#[derive(Debug)]
enum Behind {
    /// A service of AWS, with its ports.
    Aws { node: NodeId, ports: &'static [u16] },
    /// The load balancers of an endpoint service: for each interface the node and the port of its link.
    Balancers(Vec<Option<(NodeId, Port)>>),
    Unknown,
}

impl Behind {
    fn of(id: Id<VpcEndpoint>, build: &Build<'_>) -> Self {
        let declared = &build.topology.vpc_endpoints[id];
        let host = build.place.hosts.iter().find(|plan| plan.owner == id.into());
        match (&declared.service, host) {
            (Service::Aws(service), Some(plan)) => Self::Aws { node: plan.node, ports: service.ports() },
            (Service::Own(_), _) => {
                let links = endpoint_service::links_of(id, build.place).into_iter();
                let way = |link: endpoint_service::Link| {
                    Some((build.place.node_of(link.balancer)?, endpoint_service::port_of(link, build.place)?))
                };
                Self::Balancers(links.map(|link| link.and_then(way)).collect())
            }
            _ => Self::Unknown,
        }
    }

    /// Where what came by an interface goes on, if the service takes it.
    fn way(&self, summary: &Summary, place: u32) -> Result<(NodeId, Port), DropReason> {
        match self {
            Self::Unknown => Err(drop_reason::DESTINATION_NOT_MODELLED),
            Self::Aws { .. } if !summary.is_tcp() => Err(drop_reason::VPCE_PROTOCOL),
            Self::Aws { node, ports } => {
                let is_served = summary.is_later_fragment() || ports.contains(&summary.key.destination_port());
                is_served.then_some((*node, Port(place))).ok_or(drop_reason::VPCE_PORT)
            }
            Self::Balancers(_) if !summary.has_ports() => Err(drop_reason::VPCE_PROTOCOL),
            Self::Balancers(links) => {
                let link = links.get(place as usize).copied().flatten();
                link.ok_or(drop_reason::VPCE_SERVICE_NOT_IN_ZONE)
            }
        }
    }
}

/// What the device looks up and never changes.
#[derive(Debug)]
struct Plan {
    decision: Decision,
    state: EndpointState,
    /// The nodes of the interfaces, in the order of their ports.
    interfaces: Vec<NodeId>,
    behind: Behind,
}

/// A running interface endpoint.
#[derive(Clone, Debug)]
pub(super) struct InterfaceEndpointDevice {
    plan: Arc<Plan>,
    /// By the key of the client's packets, when the flow was last seen.
    last_seen: FlowTable<Time>,
    /// For each interface what it carries, if the design holds it to that (EP-15).
    limiters: Vec<RateLimiter>,
}

impl InterfaceEndpointDevice {
    pub(super) fn new(id: Id<VpcEndpoint>, build: &Build<'_>) -> Self {
        let declared = &build.topology.vpc_endpoints[id];
        let nodes = declared.interfaces().iter().map(|interface| build.place.node_of(*interface));
        let plan = Plan {
            decision: by_itself(id, build.topology),
            state: declared.state,
            interfaces: nodes.map(|node| node.unwrap_or(NodeId(u32::MAX))).collect(),
            behind: Behind::of(id, build),
        };
        let limit = build.topology.settings.limits.map(|limits| RateLimiter::new(limits.endpoint_zone));
        let limiters = limit.map_or_else(Vec::new, |limiter| vec![limiter; plan.interfaces.len()]);
        Self {
            plan: Arc::new(plan),
            last_seen: FlowTable::new(),
            limiters,
        }
    }

    /// A client's packet: where it goes on.
    fn request(&mut self, context: &mut Context<'_>, packet: Handle, summary: &Summary, place: u32) -> Result<Step, DropReason> {
        if self.plan.state != EndpointState::Available {
            return Err(drop_reason::VPCE_NOT_AVAILABLE);
        }
        if summary.total_len > PathMtu::INTERFACE_ENDPOINT.0 {
            return Err(drop_reason::VPCE_MTU_EXCEEDED);
        }
        let (to, port) = self.plan.behind.way(summary, place)?;
        if !summary.is_later_fragment() {
            self.admit(context, packet, summary, place)?;
        }
        let limiter = self.limiters.get_mut(place as usize);
        let len = usize::from(summary.total_len);
        let wait = limiter.map_or(Some(Span::ZERO), |limiter| limiter.admit(context.now(), len));
        let wait = wait.ok_or(drop_reason::VPCE_RATE)?;
        context.packet_mut(packet).clamp_mss(MSS_MAX);
        Ok(rate_limit::after(Step::Forward { to, port }, wait))
    }

    /// Whether the packet belongs to a flow, or begins one.
    fn admit(&mut self, context: &mut Context<'_>, packet: Handle, summary: &Summary, place: u32) -> Result<(), DropReason> {
        let now = context.now();
        if summary.is_tcp() && !summary.is_syn() && !self.is_fresh(now, summary.key) {
            self.last_seen.remove(summary.key.0);
            self.reset(context, packet, summary, place);
            return Err(drop_reason::VPCE_NO_FLOW);
        }
        self.last_seen.expire_some(SWEEP_BUDGET, |_, seen| now.since(*seen) > TCP_IDLE_TIMEOUT);
        self.last_seen.insert(summary.key.0, now);
        Ok(())
    }

    fn is_fresh(&self, now: Time, client: FlowKey) -> bool {
        self.last_seen.find(client.0).is_some_and(|seen| now.since(*seen) <= TCP_IDLE_TIMEOUT)
    }

    /// Tells the client that its connection is gone.
    fn reset(&self, context: &mut Context<'_>, packet: Handle, summary: &Summary, place: u32) {
        let reset = tcp_reset::reset_for(context.packet(packet).bytes(), summary);
        if let (Some(reset), Some(interface)) = (reset, self.plan.interfaces.get(place as usize)) {
            // The interface frames it.
            let reset = context.emit(FrameHeader::ipv4(Mac([0; 6]), Mac([0; 6])), &reset);
            context.forward(reset, *interface, FROM_OWNER);
        }
    }

    /// What the service answers: out by the interface that was asked.
    fn answer(&mut self, context: &mut Context<'_>, packet: Handle, summary: &Summary, place: u32) -> Result<Step, DropReason> {
        let now = context.now();
        if !summary.is_later_fragment() {
            let seen = self.last_seen.find_mut(summary.key.reversed().0);
            let seen = seen.filter(|seen| now.since(**seen) <= TCP_IDLE_TIMEOUT);
            *seen.ok_or(drop_reason::VPCE_NO_FLOW)? = now;
        }
        let interface = self.plan.interfaces.get(place as usize).ok_or(drop_reason::VPCE_NO_FLOW)?;
        let answer = context.packet_mut(packet);
        answer.set_mark(0);
        answer.clamp_mss(MSS_MAX);
        Ok(Step::Forward { to: *interface, port: FROM_OWNER })
    }
}

impl Node for InterfaceEndpointDevice {
    fn process(&mut self, context: &mut Context<'_>, port: Port, packet: Handle) -> Step {
        let decision = self.plan.decision;
        let Some(summary) = context.packet(packet).summary().copied() else {
            return Step::drop(drop_reason::MALFORMED, decision);
        };
        let done = match port.0.checked_sub(FROM_SERVICE) {
            Some(place) => self.answer(context, packet, &summary, place),
            None => self.request(context, packet, &summary, port.0),
        };
        match done {
            Ok(step) => {
                context.pass(packet, station::GATEWAY, decision);
                step
            }
            Err(reason) => Step::drop(reason, decision),
        }
    }
}

impl Behind {
    /// The same for a set: narrows it to what the service takes.
    fn pass(&self, packets: &mut PacketSet, place: u32, decision: Decision, way: &mut SetWay) -> SetStep {
        match self {
            Self::Unknown => SetStep::Opaque,
            Self::Aws { node, ports } => {
                packets.only(&[Protocol::TCP], drop_reason::VPCE_PROTOCOL, decision, way);
                let served = ports.iter().map(|port| TrafficBox::service(Protocol::TCP, PortRange::single(*port)));
                packets.narrow(&served.collect::<TrafficSet>(), drop_reason::VPCE_PORT, decision, way);
                SetStep::Forward(*node, Port(place))
            }
            Self::Balancers(links) => {
                packets.only(&[Protocol::TCP, Protocol::UDP], drop_reason::VPCE_PROTOCOL, decision, way);
                match links.get(place as usize).copied().flatten() {
                    Some((node, port)) => SetStep::Forward(node, port),
                    None => SetStep::Drop(drop_reason::VPCE_SERVICE_NOT_IN_ZONE, decision),
                }
            }
        }
    }
}

impl SetDevice for InterfaceEndpointDevice {
    fn pass(&self, port: Port, packets: &mut PacketSet, way: &mut SetWay) -> SetStep {
        let plan = &*self.plan;
        let drop = |reason| SetStep::Drop(reason, plan.decision);
        if let Some(place) = port.0.checked_sub(FROM_SERVICE) {
            let interface = plan.interfaces.get(place as usize).filter(|_| way.is_answer());
            packets.mark = 0;
            return interface.map_or(drop(drop_reason::VPCE_NO_FLOW), |interface| SetStep::Forward(*interface, FROM_OWNER));
        }
        if plan.state != EndpointState::Available {
            return drop(drop_reason::VPCE_NOT_AVAILABLE);
        }
        plan.behind.pass(packets, port.0, plan.decision, way)
    }
}
