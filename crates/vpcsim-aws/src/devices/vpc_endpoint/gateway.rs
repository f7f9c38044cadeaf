//! What runs of a gateway endpoint: packets for the service's addresses, and their answers.

use std::net::Ipv4Addr;
use std::sync::Arc;

use ipnet::Ipv4Net;
use vpcsim_engine::{
    CapturePoint, Context, Decision, Direction, DropReason, Handle, Node, NodeId, Port, Repeat, Span, Step,
};
use vpcsim_wire::{Summary, icmp};

use super::{EndpointState, VpcEndpoint, by_itself};
use crate::compile::{Build, Fabric};
use crate::devices::subnet;
use crate::model::Id;
use crate::sets::{PacketSet, SetDevice, SetStep, SetWay, TrafficSet};
use crate::traffic::{PortRange, Traffic};
use crate::{drop_reason, mark, station};

/// The port for what the VPC's route tables send.
pub(super) const FROM_VPC: Port = Port(0);
/// The port for the service's answers.
pub(super) const FROM_SERVICE: Port = Port(1);

/// What the device looks up and never changes.
#[derive(Debug)]
struct Plan {
    decision: Decision,
    state: EndpointState,
    fabric: Arc<Fabric>,
    ranges: Vec<Ipv4Net>,
    hosts: Option<NodeId>,
    latency: Span,
    point: CapturePoint,
}

/// A running gateway endpoint.
#[derive(Clone, Debug)]
pub(super) struct GatewayEndpointDevice {
    plan: Arc<Plan>,
}

impl GatewayEndpointDevice {
    pub(super) fn new(id: Id<VpcEndpoint>, build: &Build<'_>) -> Self {
        let declared = &build.topology.vpc_endpoints[id];
        let service = build.place.services.iter().find(|plan| plan.owner == id.into());
        let plan = Plan {
            decision: by_itself(id, build.topology),
            state: declared.state,
            fabric: build.fabric(declared.vpc),
            ranges: service.map(|plan| plan.ranges.clone()).unwrap_or_default(),
            hosts: service.map(|plan| plan.node),
            latency: build.topology.settings.latency_cross_az,
            point: build.place.capture_point_of(id),
        };
        Self { plan: Arc::new(plan) }
    }
}

impl Plan {
    /// Whether a packet of the VPC passes.
    fn judge(&self, summary: &Summary) -> Result<NodeId, DropReason> {
        let hosts = self.judge_ends(summary.source(), summary.destination())?;
        if summary.is_tcp() || summary.is_echo_request() || summary.is_later_fragment() || summary.is_icmp_error() {
            Ok(hosts)
        } else {
            Err(drop_reason::VPCE_GATEWAY_PROTOCOL)
        }
    }

    /// Whether anything passes between the two.
    fn judge_ends(&self, source: Ipv4Addr, destination: Ipv4Addr) -> Result<NodeId, DropReason> {
        let hosts = self.hosts.ok_or(drop_reason::DESTINATION_NOT_MODELLED)?;
        if self.state != EndpointState::Available {
            return Err(drop_reason::VPCE_NOT_AVAILABLE);
        }
        if self.fabric.find(source).is_none() {
            return Err(drop_reason::VPCE_SOURCE_NOT_IN_VPC);
        }
        if !self.ranges.iter().any(|range| range.contains(&destination)) {
            return Err(drop_reason::VPCE_NO_SUCH_SERVICE_ADDRESS);
        }
        Ok(hosts)
    }
}

impl Node for GatewayEndpointDevice {
    fn process(&mut self, context: &mut Context<'_>, port: Port, packet: Handle) -> Step {
        let plan = &*self.plan;
        let Some(summary) = context.packet(packet).summary().copied() else {
            return Step::drop(drop_reason::MALFORMED, plan.decision);
        };
        if port == FROM_SERVICE {
            context.capture(packet, plan.point, Direction::Inbound);
            let Some((index, claim)) = plan.fabric.find(summary.destination()) else {
                return Step::drop(drop_reason::VPCE_SOURCE_NOT_IN_VPC, plan.decision);
            };
            context.pass(packet, station::GATEWAY, plan.decision);
            let answer = context.packet_mut(packet);
            answer.set_mark(mark::GROUP_UNKNOWN);
            mark::set_claim(answer, index);
            context.repeats(Repeat::ALWAYS);
            return plan.fabric.enter(claim.zone, claim);
        }
        match plan.judge(&summary) {
            Ok(to) => {
                context.capture(packet, plan.point, Direction::Outbound);
                context.pass(packet, station::GATEWAY, plan.decision);
                context.repeats(Repeat::ALWAYS);
                Step::ForwardAfter { to, port: Port(0), delay: plan.latency }
            }
            Err(reason) => Step::drop(reason, plan.decision),
        }
    }

    /// It keeps no state.
    fn repeats(&self) -> bool {
        true
    }
}

impl SetDevice for GatewayEndpointDevice {
    fn pass(&self, port: Port, packets: &mut PacketSet, way: &mut SetWay) -> SetStep {
        let plan = &*self.plan;
        if port == FROM_SERVICE {
            let Some((index, claim)) = plan.fabric.find(packets.destination) else {
                return SetStep::Drop(drop_reason::VPCE_SOURCE_NOT_IN_VPC, plan.decision);
            };
            packets.mark = mark::GROUP_UNKNOWN;
            packets.go_to(index);
            return SetStep::Forward(claim.subnet_node, subnet::ENTERING);
        }
        match plan.judge_ends(packets.source, packets.destination) {
            Ok(hosts) => {
                let carried = [Traffic::Tcp(PortRange::ALL), Traffic::Icmp { icmp_type: Some(icmp::ECHO_REQUEST), icmp_code: None }];
                let carried: TrafficSet = carried.into_iter().map(Into::into).collect();
                packets.narrow(&carried, drop_reason::VPCE_GATEWAY_PROTOCOL, plan.decision, way);
                SetStep::Forward(hosts, Port(0))
            }
            Err(reason) => SetStep::Drop(reason, plan.decision),
        }
    }
}
