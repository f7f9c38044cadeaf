//! Network interface (ENI): addresses, source/destination check, security groups with connection tracking, ARP.
//!
//! # AWS semantics
//!
//! - With the source/destination check on, only packets from one of its own private addresses leave it (ENI-04).
//! - With the check on, only packets for one of its own private addresses reach the host (ENI-05).
//! - The check is each interface's own: what one lets through another may drop, such as an answer that leaves by the wrong one
//!   (ENI-06, ENI-09), whose tracker does not know the flow either (CT-17).
//! - The addresses of a delegated prefix count as its own, all sixteen (ENI-12).
//! - On the way out the source check comes first, then the security groups, then subnet or neighbour (PIPE-01).
//! - On the way in the security groups come first, then the destination check (PIPE-02).
//! - Its groups apply to all its addresses alike (ENI-08), at both ends of a flow (SG-16), between two interfaces of one
//!   instance too (SG-18).
//! - A packet that belongs to a tracked flow passes whatever the rules say (CT-01).
//! - TCP and UDP that a rule allows from or to anywhere, and back on all ports, is not tracked (CT-04); through a NAT gateway
//!   it is (NAT-51).
//! - ICMP errors about a tracked flow pass as related (CT-16).
//! - A packet without an entry is judged by the rules, SYN or not (CT-13).
//! - The interfaces at both ends track a flow each for itself (CT-19).
//! - When the instance tracks as many flows as it can, what needs a new entry is dropped (CT-15).
//! - A frame to a neighbour's MAC address goes straight to that neighbour: neither network ACL nor route table see it (L2-07, NACL-05).
//! - A neighbour whose check is off takes packets for others, without a look at the sender's route table (L2-08, L2-09).
//! - What an instance forwards for others does not match references to their groups any more (RT-31).
//! - No more than 1024 fragments leave it in a second (MTU-09).
//! - The platform answers ARP, for the router and for whoever has an address of the subnet, and for nobody else (L2-01, L2-02, L2-03).
//! - What a host announces by ARP changes nothing (L2-04).
//! - Broadcast and multicast are not carried (L2-05).
//! - The link-local services and the resolver are reached past all rules (LL-01, LL-03), at no more than 1024 packets a second (LL-05).
//! - What an instance may send and receive, if the design says it, holds for bits in each direction and for packets in both; what
//!   is over that is queued, then dropped before the instance sees it (NET-01, NET-06, NET-09).
//! - What the platform itself sends reaches the host past all rules (LL-03, SG-22, NACL-12).
//! - The router's address and that of the metadata service answer no ping (LL-07).
//! - Name servers other than the resolver, the reserved address of another subnet among them, are ordinary destinations
//!   (DHCP-05, SUB-04).
//! - TCP to port 25 of a public address is dropped (ENI-16).
//! - An interface that is attached to nothing that runs answers nothing (ENI-18).
//! - Answers to what a load balancer forwarded with the client's address go back to the load balancer's node, past the route
//!   table (NLB-05); rules may refer to the load balancer's group for it (NLB-11), not to the client's.
//! - The interface of a load balancer without a security group lets everything pass (NLB-10).
//!
//! # Where AWS is silent
//!
//! - A later fragment gets the verdict of its first fragment (SG-23).
//! - The limit of tracked flows and the allowances hold for each interface, not for all interfaces of an instance together.

mod arp;
mod device;
mod return_paths;
#[cfg(test)]
mod tests;

use std::net::Ipv4Addr;

use ipnet::Ipv4Net;
use vpcsim_engine::{NodeId, Port};
use vpcsim_wire::Mac;

use crate::arrangement::{Arrangement, Rank, Renumbering};
use crate::compile::fabric::ClaimIndex;
use crate::compile::place::{Served, interface_mac};
use crate::compile::{Build, LinkLayer, MetadataPlan, NextHop, Place};
use crate::devices::{Coverage, Instance, Kind, Resource, SecurityGroup, Subnet, Vpc};
use crate::model::{Findings, Id, Label, Origin};
use crate::topology::Topology;
use crate::validation;

pub use device::NetworkInterfaceDevice;
pub(crate) use device::Shared;

/// The port for frames that the host sends.
pub const FROM_HOST: Port = Port(0);
/// The port for what comes from another subnet or from outside, past the subnet's network ACL.
pub const FROM_FABRIC: Port = Port(1);
/// The port for what an interface of the same subnet sends directly.
pub const FROM_NEIGHBOUR: Port = Port(2);
/// The port for what the platform itself sends: link-local services, the router's ICMP (LL-03). No rule filters it.
pub const FROM_SERVICE: Port = Port(3);
/// The port for what the owner of a [served](serve) interface sends out by it.
pub const FROM_OWNER: Port = Port(4);

/// A network interface.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NetworkInterface {
    /// How it is called.
    pub label: Label,
    /// The subnet it is in.
    pub subnet: Id<Subnet>,
    /// Its private addresses, the primary first, each with its public one.
    pub addresses: Vec<InterfaceAddress>,
    /// The /28 prefixes delegated to it (ENI-12).
    pub prefixes: Vec<Ipv4Net>,
    /// Its security groups.
    pub security_groups: Vec<Id<SecurityGroup>>,
    /// Whether the source/destination check is on.
    pub source_dest_check: bool,
    /// Its MAC address, where the input has one.
    pub mac: Option<Mac>,
    /// What it is an interface of.
    pub attachment: Attachment,
    /// Timers of connection tracking that differ from the defaults.
    pub tracking: TrackingTimeouts,
}

/// A private address of an interface.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InterfaceAddress {
    /// The private address.
    pub private: Ipv4Addr,
    /// The public address that the internet gateway maps to it.
    pub public: Option<Ipv4Addr>,
    /// Where it is declared.
    pub origin: Origin,
}

/// What an interface is attached to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Attachment {
    /// To nothing.
    None,
    /// To an instance, by this device index.
    Instance {
        /// The instance.
        instance: Id<Instance>,
        /// The device index; 0 is the primary interface.
        device_index: u16,
    },
    /// To something that makes its own node for the interface's addresses, such as a NAT gateway.
    Managed,
    /// To a service that is not modelled; what it is (`network load balancer`).
    Unmodelled(String),
}

/// Idle timers of connection tracking (CT-10, CT-11), in seconds; `None` is the default.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct TrackingTimeouts {
    /// An established TCP connection: 60 to 432,000.
    pub tcp_established_s: Option<u32>,
    /// UDP seen one way or in a single exchange: 30 to 60.
    pub udp_s: Option<u32>,
    /// UDP seen in several exchanges: 60 to 180.
    pub udp_stream_s: Option<u32>,
}

impl Resource for NetworkInterface {
    const KIND: Kind = Kind::NetworkInterface;
    const NOUN: &'static str = "network interface";
    const IS_ROUTE_TARGET: bool = true;
    const COVERAGE: Coverage = Coverage::of(
        "addresses, source/destination check, groups, allowances, ARP, neighbours",
        "IPv6, ENA Express",
    );

    fn label(&self) -> &Label {
        &self.label
    }

    fn vpc(id: Id<Self>, topology: &Topology) -> Option<Id<Vpc>> {
        Some(topology.subnets[topology.network_interfaces[id].subnet].vpc)
    }

    fn rank(&self, _: Id<Self>, arrangement: &Arrangement<'_>) -> Rank {
        match self.attachment {
            Attachment::Instance { instance, device_index } => {
                let place = u64::from(arrangement.place_of(instance)) << 16 | u64::from(device_index);
                arrangement.of_instance(instance).behind(place)
            }
            _ => arrangement.in_subnet(self.subnet).behind(u64::MAX),
        }
    }

    fn renumber(&mut self, order: &Renumbering) {
        order.id(&mut self.subnet);
        order.ids(&mut self.security_groups);
        if let Attachment::Instance { instance, .. } = &mut self.attachment {
            order.id(instance);
        }
    }

    fn validate(id: Id<Self>, topology: &Topology, findings: &mut Findings) {
        validation::network_interface::check(id, topology, findings);
    }

    fn place(id: Id<Self>, place: &mut Place<'_>) {
        let declared = &place.topology.network_interfaces[id];
        let node = place.reserve(id);
        let mac = declared.mac.unwrap_or_else(|| interface_mac(id.index()));
        if declared.attachment == Attachment::Managed {
            // The gateway that it belongs to claims its addresses.
            place.metadata.push(metadata_plan(id, mac, place));
            return;
        }
        let vpc = place.topology.subnets[declared.subnet].vpc;
        for address in &declared.addresses {
            place.claim(declared.subnet, Some(address.private), node, FROM_FABRIC, mac, id.into());
            if let Some(public) = address.public {
                place.claim_public(public, vpc, address.private);
            }
        }
        for address in declared.prefixes.iter().copied().flat_map(every_address) {
            place.claim(declared.subnet, Some(address), node, FROM_FABRIC, mac, id.into());
        }
        place.metadata.push(metadata_plan(id, mac, place));
        place.interface_capture_point(id, LinkLayer::Ethernet, node);
    }

    fn build(id: Id<Self>, build: &mut Build<'_>) {
        let Some(node) = build.place.node_of(id) else { return };
        let device = NetworkInterfaceDevice::new(id, build);
        build.install_for_sets(node, device);
    }

    fn next_hop(id: Id<Self>, from: Id<Vpc>, place: &Place<'_>) -> NextHop {
        let topology = place.topology;
        let declared = &topology.network_interfaces[id];
        let running = match declared.attachment {
            Attachment::Instance { instance, .. } => topology.instances[instance].running,
            Attachment::Unmodelled(_) => return NextHop::Unmodelled,
            Attachment::Managed => true,
            Attachment::None => false,
        };
        match claim_of(id, place) {
            Some(claim) if running && topology.subnets[declared.subnet].vpc == from => NextHop::Inside(claim),
            _ => NextHop::Blackhole,
        }
    }
}

/// Makes a managed interface run: what reaches it is handed to `node` by `port`, what that node sends to [`FROM_OWNER`] of the
/// interface's node leaves by it.
///
/// Its groups filter and track as those of any interface; without groups everything passes, as for a load balancer that was
/// made without one (NLB-10). The source/destination check is off. To be called by the owner while it is placed. Returns the
/// interface's node and the claim of its primary address.
pub fn serve(id: Id<NetworkInterface>, node: NodeId, port: Port, place: &mut Place<'_>) -> Option<(NodeId, ClaimIndex)> {
    run_for(id, Served { node, port, checked: false }, place)
}

/// The same as [`serve`] with the source/destination check on: what is for another address ends at the interface.
pub fn serve_checked(id: Id<NetworkInterface>, node: NodeId, port: Port, place: &mut Place<'_>) -> Option<(NodeId, ClaimIndex)> {
    run_for(id, Served { node, port, checked: true }, place)
}

fn run_for(id: Id<NetworkInterface>, behind: Served, place: &mut Place<'_>) -> Option<(NodeId, ClaimIndex)> {
    let declared = place.topology.network_interfaces.find(id)?;
    let interface_node = place.node_of(id)?;
    let mac = declared.mac.unwrap_or_else(|| interface_mac(id.index()));
    let vpc = place.topology.subnets[declared.subnet].vpc;
    let mut primary = None;
    for address in &declared.addresses {
        let claim = place.claim(declared.subnet, Some(address.private), interface_node, FROM_FABRIC, mac, id.into());
        primary = primary.or(Some(claim));
        if let Some(public) = address.public {
            place.claim_public(public, vpc, address.private);
        }
    }
    place.served.insert(id, behind);
    place.interface_capture_point(id, LinkLayer::Ip, interface_node);
    Some((interface_node, primary?))
}

fn every_address(prefix: Ipv4Net) -> impl Iterator<Item = Ipv4Addr> + use<> {
    (u32::from(prefix.network())..=u32::from(prefix.broadcast())).map(Ipv4Addr::from)
}

fn claim_of(id: Id<NetworkInterface>, place: &Place<'_>) -> Option<ClaimIndex> {
    let declared = &place.topology.network_interfaces[id];
    let vpc = place.topology.subnets[declared.subnet].vpc;
    place.fabric(vpc).find(declared.primary()?).map(|(index, _)| index)
}

fn metadata_plan(id: Id<NetworkInterface>, mac: Mac, place: &Place<'_>) -> MetadataPlan {
    let topology = place.topology;
    let node = place.node_of(id).expect("the caller has reserved it");
    let options = match topology.network_interfaces[id].attachment {
        Attachment::Instance { instance, .. } => Some(topology.instances[instance].metadata),
        _ => None,
    };
    let enabled = options.is_some_and(|options| options.enabled);
    let options = options.unwrap_or_default();
    MetadataPlan {
        interface: id,
        mac,
        node,
        port: FROM_SERVICE,
        enabled,
        tokens_required: options.tokens_required,
        hop_limit: options.hop_limit,
    }
}

/// `web-1 eni`, or `web-1 eni1` for a further interface.
pub(crate) fn capture_name(id: Id<NetworkInterface>, topology: &Topology) -> String {
    let declared = &topology.network_interfaces[id];
    match declared.attachment {
        Attachment::Instance { instance, device_index } => {
            let host = topology.name_of(instance);
            if device_index == 0 { format!("{host} eni") } else { format!("{host} eni{device_index}") }
        }
        _ => declared.label.name.clone(),
    }
}

/// Its addresses, and where it is.
pub(crate) fn description(id: Id<NetworkInterface>, topology: &Topology) -> String {
    let declared = &topology.network_interfaces[id];
    let subnet = &topology.subnets[declared.subnet];
    let addresses: Vec<String> = declared.addresses.iter().map(|address| address.private.to_string()).collect();
    format!("{} in {} {} {}", addresses.join(" "), subnet.label.name, subnet.cidr, subnet.availability_zone)
}

impl NetworkInterface {
    /// An interface of one private address, attached to nothing, with the source/destination check on (ENI-06).
    pub fn new(label: Label, subnet: Id<Subnet>, private: Ipv4Addr) -> Self {
        Self {
            label,
            subnet,
            addresses: vec![InterfaceAddress {
                private,
                public: None,
                origin: Origin::NOWHERE,
            }],
            prefixes: Vec::new(),
            security_groups: Vec::new(),
            source_dest_check: true,
            mac: None,
            attachment: Attachment::None,
            tracking: TrackingTimeouts::default(),
        }
    }

    /// The same as the primary interface of an instance.
    #[must_use]
    pub fn of(mut self, instance: Id<Instance>) -> Self {
        self.attachment = Attachment::Instance {
            instance,
            device_index: 0,
        };
        self
    }

    /// Its primary private address, if it has one.
    pub fn primary(&self) -> Option<Ipv4Addr> {
        self.addresses.first().map(|address| address.private)
    }

    /// Whether a private address is its own.
    pub fn owns(&self, address: Ipv4Addr) -> bool {
        self.addresses.iter().any(|own| own.private == address) || self.prefixes.iter().any(|own| own.contains(&address))
    }
}
