//! Transit gateway: a router of its region between the VPCs, and the other gateways, that are attached to it.
//!
//! # AWS semantics
//!
//! - A route to it forwards only from a zone where the VPC's attachment has an interface; from another one the packet is dropped
//!   before it gets there (TGW-02).
//! - So a zone without an attachment can be reached, and cannot answer (TGW-03).
//! - A packet leaves by the interface in the zone where it came in, else by one that the flow's addresses and ports choose
//!   (TGW-04, X-12).
//! - Forward and return way choose each for itself, so that a stateful firewall may see half of a flow (TGW-05).
//! - With appliance mode on the attachment that a packet goes to, both ways of a flow take the same interface: that of the zone of
//!   both ends, one of their two zones, that of the only end with a zone, or one of the others (TGW-06, TGW-07, TGW-08).
//! - What comes out of an attachment's interface is routed by the table of that interface's subnet (TGW-09); on the way in only the
//!   sender's table counts (TGW-10).
//! - On the way in the ingress entries of the network ACL of the interface's subnet apply, even if that is the sender's own; on
//!   the way out its egress entries, unless the receiver is in that subnet (TGW-11, TGW-12).
//! - No security group stands at an attachment's interface (TGW-13).
//! - Without an attachment of the VPC a route to the gateway is a black hole (TGW-14).
//! - An attachment without an associated table gets nothing forwarded (TGW-19); one that is not available neither (TGW-45).
//! - A destination without a route is dropped (TGW-27), and so is one with a black hole (TGW-26), without a word.
//! - Between gateways only static routes lead, and each looks the destination up in the table of the peering attachment (TGW-29,
//!   TGW-30); encryption is not seen (TGW-56).
//! - One is taken off the time to live by each gateway, as measured on AWS; what runs out ends silently (TGW-31, X-07).
//! - No packet over 8500 bytes passes (TGW-32); the sender is told if it came from a VPC and must not be cut (TGW-33, X-02).
//! - The segment size that TCP offers is held to 8460 bytes (TGW-34, X-04).
//! - References to security groups match across it if gateway and both attachments say so (TGW-44).
//! - Public host names of an attached VPC resolve to private addresses in another, if gateway and both attachments say so
//!   (TGW-53).
//! - It has at most five address blocks of its own, of /24 or larger, that are not link-local and overlap no attached VPC
//!   (TGW-39).
//! - Addresses stay as they are (TGW-52, X-06), fragments too (TGW-55).
//! - An attachment carries 100 Gbit/s and 7.5 million packets a second in each zone (TGW-35).
//!
//! # Where AWS is silent
//!
//! - The reports about large packets come from the address of the interface by which the packet came in.
//! - A large packet that may be cut is dropped without a report.
//! - Which interface a flow takes, where several may serve it, is decided by a sum over its addresses and ports that is the same
//!   both ways; of later fragments only the addresses count.

mod device;
#[cfg(test)]
mod tests;
mod zone_choice;

use ipnet::Ipv4Net;

use crate::arrangement::Renumbering;
use crate::compile::{Build, LinkLayer, NextHop, Place};
use crate::devices::{Coverage, Kind, Resource, TransitGatewayRouteTable, Vpc};
use crate::model::{Finding, Findings, Id, Label};
use crate::topology::Topology;

pub use device::TransitGatewayDevice;

/// Address blocks that a gateway has at the most (TGW-39).
const BLOCKS_MAX: usize = 5;
/// The longest prefix of a block (TGW-39).
const BLOCK_PREFIX_MAX: u8 = 24;
const LINK_LOCAL: Ipv4Net = Ipv4Net::new_assert(std::net::Ipv4Addr::new(169, 254, 0, 0), 16);

fn overlap(one: Ipv4Net, other: Ipv4Net) -> bool {
    one.contains(&other.network()) || other.contains(&one.network())
}

/// A transit gateway.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TransitGateway {
    /// How it is called.
    pub label: Label,
    /// The owning account's twelve digits; empty if unknown.
    pub account: String,
    /// Its region.
    pub region: String,
    /// The table that new attachments are associated with (TGW-17).
    pub default_association: Option<Id<TransitGatewayRouteTable>>,
    /// The table that new attachments propagate to (TGW-17).
    pub default_propagation: Option<Id<TransitGatewayRouteTable>>,
    /// Address blocks of its own, for the outside of tunnels (TGW-39).
    pub cidr_blocks: Vec<Ipv4Net>,
    /// Whether public host names resolve to private addresses across it (TGW-53).
    pub dns_support: bool,
    /// Whether security groups can refer to each other across it (TGW-44).
    pub security_group_referencing: bool,
}

impl TransitGateway {
    /// A gateway without default tables, with AWS's other defaults.
    pub fn new(label: Label, region: impl Into<String>) -> Self {
        Self {
            label,
            account: String::new(),
            region: region.into(),
            default_association: None,
            default_propagation: None,
            cidr_blocks: Vec::new(),
            dns_support: true,
            security_group_referencing: false,
        }
    }
}

impl Resource for TransitGateway {
    const KIND: Kind = Kind::TransitGateway;
    const NOUN: &'static str = "transit gateway";
    const IS_ROUTE_TARGET: bool = true;
    const COVERAGE: Coverage = Coverage::of(
        "zone affinity, appliance mode, peerings, size, rates, DNS and group references",
        "VPN, Direct Connect and Connect attachments, multicast",
    );

    fn label(&self) -> &Label {
        &self.label
    }

    fn is_reached_from(id: Id<Self>, vpc: Id<Vpc>, topology: &Topology) -> bool {
        let mut attachments = topology.transit_gateway_attachments.iter();
        attachments.any(|(_, attachment)| attachment.gateway == id && attachment.vpc() == Some(vpc))
    }

    fn renumber(&mut self, order: &Renumbering) {
        order.ids(&mut self.default_association);
        order.ids(&mut self.default_propagation);
    }

    fn validate(id: Id<Self>, topology: &Topology, findings: &mut Findings) {
        let row = &topology.transit_gateways[id];
        let mut refuse = |message: String, help: &str| {
            let finding = Finding::error("transit-gateway-block", row.label.origin, message).rule("TGW-39");
            findings.push(finding.help(help));
        };
        let name = row.label.display();
        if row.cidr_blocks.len() > BLOCKS_MAX {
            let message = format!("transit gateway {name} has {} address blocks", row.cidr_blocks.len());
            refuse(message, "AWS allows five");
        }
        let attached = topology.transit_gateway_attachments.iter().filter(|(_, other)| other.gateway == id);
        let vpcs: Vec<Id<Vpc>> = attached.filter_map(|(_, other)| other.vpc()).collect();
        for block in &row.cidr_blocks {
            if block.prefix_len() > BLOCK_PREFIX_MAX {
                refuse(format!("block {block} of transit gateway {name} is too small"), "a block is a /24 or larger");
            }
            if overlap(*block, LINK_LOCAL) {
                let message = format!("block {block} of transit gateway {name} is link-local");
                refuse(message, "choose a block outside 169.254.0.0/16");
            }
            let ranges = vpcs.iter().flat_map(|vpc| topology.vpcs[*vpc].cidrs.iter().map(move |cidr| (vpc, cidr.net)));
            for (vpc, _) in ranges.filter(|(_, net)| overlap(*block, *net)) {
                let message =
                    format!("block {block} of transit gateway {name} overlaps attached VPC {}", topology.name_of(*vpc));
                refuse(message, "choose a block that no attached VPC has");
            }
        }
    }

    fn place(id: Id<Self>, place: &mut Place<'_>) {
        let gateway = &place.topology.transit_gateways[id];
        let description = format!("{} in {}", gateway.label.id_or_name(), gateway.region);
        let node = place.reserve(id);
        place.capture_point(gateway.label.name.clone(), description, LinkLayer::Ip, id.into(), node);
    }

    fn build(id: Id<Self>, build: &mut Build<'_>) {
        let Some(node) = build.place.node_of(id) else {
            return;
        };
        let device = TransitGatewayDevice::new(id, build);
        build.install_for_sets(node, device);
    }

    fn next_hop(id: Id<Self>, from: Id<Vpc>, place: &Place<'_>) -> NextHop {
        let places = place.fabric(from).zonal_of(id.into());
        places.map_or(NextHop::Blackhole, NextHop::Zonal)
    }
}
