//! Who asks the link-local services: one client per network interface that runs.

use std::net::Ipv4Addr;
use std::sync::Arc;

use ipnet::Ipv4Net;
use vpcsim_engine::{Context, FrameHeader, NodeId, Span};
use vpcsim_wire::Mac;

use crate::compile::Build;
use crate::compile::place::{interface_mac, router_mac};
use crate::devices::instance::JUMBO_MTU;
use crate::devices::network_interface::{Attachment, FROM_SERVICE};
use crate::devices::{NetworkInterface, Vpc};
use crate::model::Id;

/// How long a service takes to answer; AWS publishes no number.
pub const ANSWER_DELAY: Span = Span::from_us(100);

/// A network interface as the services see it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Client {
    /// The interface's node, which takes answers by [`FROM_SERVICE`].
    pub node: NodeId,
    /// Its MAC address.
    pub mac: Mac,
    /// Its primary private address.
    pub primary: Ipv4Addr,
    /// The range of its subnet.
    pub subnet: Ipv4Net,
    /// The address of its subnet's router.
    pub router: Ipv4Addr,
    /// The MAC address of its subnet's router, which answers come from.
    pub router_mac: Mac,
    /// The VPC.
    pub vpc: Id<Vpc>,
    /// The MTU of the interface, in bytes.
    pub mtu: u16,
}

impl Client {
    fn new(build: &Build<'_>, id: Id<NetworkInterface>) -> Option<Self> {
        let topology = build.topology;
        let interface = &topology.network_interfaces[id];
        let subnet = topology.subnets.find(interface.subnet)?;
        let mtu = match interface.attachment {
            Attachment::Instance { instance, .. } => topology.instances.find(instance)?.mtu,
            _ => JUMBO_MTU,
        };
        Some(Self {
            node: build.place.node_of(id)?,
            mac: interface.mac.unwrap_or_else(|| interface_mac(id.index())),
            primary: interface.addresses.first()?.private,
            subnet: subnet.cidr,
            router: router_address(subnet.cidr),
            router_mac: router_mac(interface.subnet),
            vpc: subnet.vpc,
            mtu,
        })
    }

    /// Sends an answer of these IPv4 bytes to the interface.
    pub fn answer(&self, context: &mut Context<'_>, bytes: &[u8]) {
        self.answer_in(context, FrameHeader::ipv4(self.router_mac, self.mac), bytes);
    }

    /// Sends an answer to the interface in a broadcast frame.
    pub fn answer_broadcast(&self, context: &mut Context<'_>, bytes: &[u8]) {
        self.answer_in(context, FrameHeader::ipv4(self.router_mac, Mac::BROADCAST), bytes);
    }

    fn answer_in(&self, context: &mut Context<'_>, frame: FrameHeader, bytes: &[u8]) {
        let answer = context.emit(frame, bytes);
        context.forward_after(answer, self.node, FROM_SERVICE, ANSWER_DELAY);
    }
}

/// The address of a subnet's router, base+1 (SUB-03).
pub fn router_address(subnet: Ipv4Net) -> Ipv4Addr {
    Ipv4Addr::from(u32::from(subnet.network()).wrapping_add(1))
}

/// The address of a VPC's resolver, base+2 of its primary range (DNS-01).
pub fn resolver_address(vpc: &Vpc) -> Option<Ipv4Addr> {
    let primary = vpc.cidrs.first()?;
    Some(Ipv4Addr::from(u32::from(primary.net.network()).wrapping_add(2)))
}

/// The clients by the number of their network interface.
#[derive(Clone, Debug, Default)]
pub struct Clients {
    rows: Vec<Option<Client>>,
}

impl Clients {
    /// The client of every interface that has a node, a subnet and an address.
    pub fn new(build: &Build<'_>) -> Arc<Self> {
        let interfaces = build.topology.network_interfaces.ids();
        Arc::new(Self {
            rows: interfaces.map(|id| Client::new(build, id)).collect(),
        })
    }

    #[cfg(test)]
    pub(crate) fn of(clients: impl IntoIterator<Item = Client>) -> Self {
        Self {
            rows: clients.into_iter().map(Some).collect(),
        }
    }

    /// The client whose interface has this number ([`crate::mark::client`]).
    pub fn find(&self, interface_index: u32) -> Option<&Client> {
        self.rows.get(interface_index as usize)?.as_ref()
    }
}
