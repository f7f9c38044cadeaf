//! The subnets' routers as senders of reports: what a gateway tells those of its VPC whose packets are too large.

use std::net::Ipv4Addr;

use rustc_hash::FxHashMap;
use vpcsim_engine::{Context, FrameHeader, Handle};
use vpcsim_wire::icmp_error;

use crate::compile::Fabric;
use crate::compile::place::gateway_mac;
use crate::devices::{Kind, Subnet, Topology, Vpc, network_interface};
use crate::model::Id;
use crate::mtu::PathMtu;

/// The routers' addresses in the subnets of one VPC.
#[derive(Clone, Debug)]
pub(crate) struct SubnetRouters(FxHashMap<Id<Subnet>, Ipv4Addr>);

impl SubnetRouters {
    pub(crate) fn of_vpc(vpc: Id<Vpc>, topology: &Topology) -> Self {
        let subnets = topology.subnets.iter().filter(|(_, subnet)| subnet.vpc == vpc);
        Self(subnets.map(|(id, subnet)| (id, subnet.router())).collect())
    }

    /// The sender hears it from its subnet's router, past all filters (MTU-04, MTU-06).
    pub(crate) fn report_too_big(
        &self,
        context: &mut Context<'_>,
        packet: Handle,
        fabric: &Fabric,
        limit: PathMtu,
    ) {
        let sender = context
            .packet(packet)
            .key()
            .and_then(|key| fabric.find(key.source()));
        let Some((_, claim)) = sender else {
            return;
        };
        let router = self.0.get(&claim.subnet).copied();
        let offending = context.packet(packet).bytes();
        let report = router.and_then(|ip| icmp_error::fragmentation_needed(ip, offending, limit.0));
        let Some(report) = report else {
            return;
        };
        let is_interface = claim.owner.kind == Kind::NetworkInterface;
        let port = if is_interface {
            network_interface::FROM_SERVICE
        } else {
            claim.port
        };
        let frame = FrameHeader::ipv4(gateway_mac(context.node()), claim.mac);
        let report = context.emit(frame, &report);
        context.forward(report, claim.node, port);
    }
}
