//! Large designs of a realistic form: VPCs with three tiers in three zones, joined by a transit gateway.
//!
//! Each VPC has public web subnets, application subnets behind a NAT gateway of their own zone and data subnets without a way
//! out behind a network ACL. Groups refer to each other and to ranges.

use std::net::Ipv4Addr;

use ipnet::Ipv4Net;
use vpcsim_aws::devices::network_acl::NetworkAclEntry;
use vpcsim_aws::devices::network_interface::{Attachment, InterfaceAddress, TrackingTimeouts};
use vpcsim_aws::devices::security_group::Peer;
use vpcsim_aws::devices::transit_gateway_attachment::{AttachmentEnd, AttachmentState};
use vpcsim_aws::devices::{
    Instance, NetworkInterface, RouteTable, SecurityGroup, Subnet, TransitGateway, TransitGatewayAttachment,
    TransitGatewayRouteTable, Vpc,
};
use vpcsim_aws::model::Origin;
use vpcsim_aws::traffic::{PortRange, Traffic};
use vpcsim_aws::{Id, Label, Topology};

use crate::designs::{REGION, Sketch, from_anywhere, route, rule, tcp};

/// So many interfaces fit into a VPC of an estate.
const INTERFACES_PER_VPC: usize = 500;
/// So many VPCs have ranges of their own.
const VPCS_MAX: usize = 200;
const ZONES: [&str; 3] = ["a", "b", "c"];
const TIERS: [&str; 3] = ["web", "app", "data"];

/// A design with so many instances, each with one interface.
pub fn estate(instance_count: usize) -> Topology {
    let mut estate = Estate {
        sketch: Sketch::new("estate"),
        gateway: None,
    };
    let gateway = estate
        .sketch
        .topology
        .transit_gateways
        .push(TransitGateway::new(Label::named("hub"), REGION));
    estate.gateway = Some(gateway);
    let vpc_count = instance_count.div_ceil(INTERFACES_PER_VPC).clamp(2, VPCS_MAX);
    for number in 0..vpc_count {
        let share = instance_count * (number + 1) / vpc_count - instance_count * number / vpc_count;
        estate.add_vpc(number, share);
    }
    estate.join();
    estate.sketch.topology
}

struct Estate {
    sketch: Sketch,
    gateway: Option<Id<TransitGateway>>,
}

/// What stands in a VPC before its instances.
struct Frame {
    number: usize,
    vpc: Id<Vpc>,
    /// By tier and zone.
    subnets: Vec<Id<Subnet>>,
    /// By tier, then one for operators.
    groups: Vec<Id<SecurityGroup>>,
}

impl Estate {
    fn add_vpc(&mut self, number: usize, instance_count: usize) {
        let vpc = self
            .sketch
            .vpc(&format!("vpc-{number}"), &[&format!("10.{number}.0.0/16")]);
        let groups = self.add_groups(vpc, number);
        let tables = self.add_tables(vpc, number);
        let entries = data_entries(number);
        let acl = self
            .sketch
            .network_acl(vpc, &format!("data-{number}"), entries.0, entries.1);
        let mut subnets = Vec::new();
        for (tier, name) in TIERS.into_iter().enumerate() {
            for (zone, letter) in ZONES.into_iter().enumerate() {
                let cidr = format!("10.{number}.{}.0/20", (tier * 3 + zone) * 16);
                let table = tables[tier * 3 + zone];
                let acl = (tier == 2).then_some(acl);
                let subnet =
                    self.sketch
                        .subnet(vpc, &format!("{name}-{letter}-{number}"), &cidr, Some(table), acl);
                self.sketch.topology.subnets[subnet].availability_zone = format!("{REGION}{letter}");
                subnets.push(subnet);
            }
        }
        let frame = Frame {
            number,
            vpc,
            subnets,
            groups,
        };
        self.add_gateways(&frame, &tables);
        (0..instance_count).for_each(|index| self.add_instance(&frame, index));
    }

    fn add_groups(&mut self, vpc: Id<Vpc>, number: usize) -> Vec<Id<SecurityGroup>> {
        let everything = || vec![from_anywhere(Traffic::All)];
        let inside = |traffic| {
            rule(
                traffic,
                Peer::Cidr(Ipv4Net::new_assert(Ipv4Addr::new(10, 0, 0, 0), 8)),
            )
        };
        let web = self.sketch.group(
            vpc,
            &format!("web-{number}"),
            vec![from_anywhere(tcp(80)), from_anywhere(tcp(443))],
            everything(),
        );
        let app = vec![rule(tcp(8080), Peer::SecurityGroup(web)), inside(tcp(443))];
        let app = self
            .sketch
            .group(vpc, &format!("app-{number}"), app, everything());
        let data = vec![
            rule(tcp(5432), Peer::SecurityGroup(app)),
            rule(tcp(6379), Peer::SecurityGroup(app)),
        ];
        let data = self.sketch.group(
            vpc,
            &format!("data-{number}"),
            data,
            vec![inside(Traffic::Tcp(PortRange::ALL))],
        );
        let operators = self.sketch.group(
            vpc,
            &format!("operators-{number}"),
            vec![inside(tcp(22)), inside(Traffic::ICMP)],
            everything(),
        );
        vec![web, app, data, operators]
    }

    /// By tier and zone; the routes come with the gateways.
    fn add_tables(&mut self, vpc: Id<Vpc>, number: usize) -> Vec<Id<RouteTable>> {
        let public = self.sketch.route_table(vpc, &format!("web-{number}"), Vec::new());
        let data = self
            .sketch
            .route_table(vpc, &format!("data-{number}"), Vec::new());
        let app = ZONES.map(|zone| {
            self.sketch
                .route_table(vpc, &format!("app-{zone}-{number}"), Vec::new())
        });
        vec![public, public, public, app[0], app[1], app[2], data, data, data]
    }

    fn add_gateways(&mut self, frame: &Frame, tables: &[Id<RouteTable>]) {
        let number = frame.number;
        let hub = self.gateway.expect("the estate begins with its transit gateway");
        let internet = self.sketch.internet_gateway(frame.vpc, &format!("igw-{number}"));
        let topology = &mut self.sketch.topology;
        topology.route_tables[tables[0]].routes =
            vec![route("10.0.0.0/8", hub), route("0.0.0.0/0", internet)];
        topology.route_tables[tables[6]].routes = vec![route("10.0.0.0/8", hub)];
        for zone in 0..ZONES.len() {
            let public = Ipv4Addr::new(52, number as u8, zone as u8, 1).to_string();
            let private = format!("10.{number}.{}.250", zone * 16 + 15);
            let nat = self.sketch.nat_gateway(
                frame.subnets[zone],
                &format!("nat-{zone}-{number}"),
                &private,
                Some(&public),
            );
            let routes = vec![route("10.0.0.0/8", hub), route("0.0.0.0/0", nat)];
            self.sketch.topology.route_tables[tables[3 + zone]].routes = routes;
        }
        let interfaces = (0..ZONES.len()).map(|zone| {
            let address = Ipv4Addr::new(10, number as u8, ((6 + zone) * 16 + 15) as u8, 251);
            self.add_interface(
                &format!("hub-{zone}-{number}"),
                frame.subnets[6 + zone],
                address,
                Vec::new(),
                Attachment::Managed,
            )
        });
        let end = AttachmentEnd::Vpc {
            vpc: frame.vpc,
            interfaces: interfaces.collect(),
            appliance_mode: false,
            security_group_referencing: true,
            dns_support: true,
        };
        self.sketch
            .topology
            .transit_gateway_attachments
            .push(TransitGatewayAttachment {
                label: Label::named(format!("attachment-{number}")),
                gateway: hub,
                end,
                state: AttachmentState::Available,
            });
    }

    fn add_interface(
        &mut self,
        name: &str,
        subnet: Id<Subnet>,
        private: Ipv4Addr,
        groups: Vec<Id<SecurityGroup>>,
        attachment: Attachment,
    ) -> Id<NetworkInterface> {
        self.sketch.topology.network_interfaces.push(NetworkInterface {
            label: Label::named(name),
            subnet,
            addresses: vec![InterfaceAddress {
                private,
                public: None,
                origin: Origin::NOWHERE,
            }],
            prefixes: Vec::new(),
            security_groups: groups,
            source_dest_check: true,
            mac: None,
            attachment,
            tracking: TrackingTimeouts::default(),
        })
    }

    fn add_instance(&mut self, frame: &Frame, index: usize) {
        let (place, host) = (index % 9, index / 9);
        let (tier, number) = (place / 3, frame.number);
        let first = u32::from(Ipv4Addr::new(10, number as u8, (place * 16) as u8, 4));
        let address = Ipv4Addr::from(first + host as u32);
        let mut groups = vec![frame.groups[tier]];
        if host.is_multiple_of(2) {
            groups.push(frame.groups[3]);
        }
        let name = format!("{}-{index}-{number}", TIERS[tier]);
        let instance = self
            .sketch
            .topology
            .instances
            .push(Instance::new(Label::named(name.clone())));
        let attachment = Attachment::Instance {
            instance,
            device_index: 0,
        };
        let interface = self.add_interface(
            &format!("{name}-eth0"),
            frame.subnets[place],
            address,
            groups,
            attachment,
        );
        if tier == 0 {
            let public = Ipv4Addr::from(
                u32::from(Ipv4Addr::new(54, number as u8, 0, 0)) + (place * 4096 + host) as u32,
            );
            self.sketch.topology.network_interfaces[interface].addresses[0].public = Some(public);
        }
    }

    /// One table for all attachments, which knows the ranges of all.
    fn join(&mut self) {
        let gateway = self.gateway.expect("the estate begins with its transit gateway");
        let all: Vec<_> = self.sketch.topology.transit_gateway_attachments.ids().collect();
        self.sketch
            .topology
            .transit_gateway_route_tables
            .push(TransitGatewayRouteTable {
                label: Label::named("hub"),
                gateway,
                associations: all.clone(),
                propagations: all,
                routes: Vec::new(),
            });
    }
}

/// The ingress and egress entries of the data tier: databases for the tiers above, answers for all inside.
fn data_entries(number: usize) -> (Vec<NetworkAclEntry>, Vec<NetworkAclEntry>) {
    let entry = |number: u16, traffic, cidr: String| crate::designs::entry(number, true, traffic, &cidr);
    let high = Traffic::Tcp(PortRange {
        first: 1024,
        last: u16::MAX,
    });
    let inside = || "10.0.0.0/8".to_owned();
    let mut ingress: Vec<NetworkAclEntry> = (0..3)
        .map(|zone| {
            entry(
                100 + zone,
                tcp(5432),
                format!("10.{number}.{}.0/20", (3 + zone) * 16),
            )
        })
        .collect();
    ingress.extend((0..3).map(|zone| {
        entry(
            110 + zone,
            tcp(6379),
            format!("10.{number}.{}.0/20", (3 + zone) * 16),
        )
    }));
    ingress.push(entry(200, tcp(22), inside()));
    ingress.push(entry(210, Traffic::ICMP, inside()));
    ingress.push(entry(300, high, inside()));
    let egress = vec![
        entry(100, high, inside()),
        entry(110, Traffic::ICMP, inside()),
        entry(120, tcp(443), inside()),
    ];
    (ingress, egress)
}
