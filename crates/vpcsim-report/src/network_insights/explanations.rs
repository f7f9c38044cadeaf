//! Why there is no path: each code with the fields that belong to it (RAN-15).

use vpcsim_analysis::{Cause, Header, Rule};
use vpcsim_aws::devices::load_balancer::Listener;
use vpcsim_aws::devices::route_table::RouteTarget;
use vpcsim_aws::devices::security_group::Peer;
use vpcsim_aws::devices::target_group::TargetAddress;
use vpcsim_aws::devices::{
    LoadBalancer, NetworkInterface, PeeringConnection, RouteTable, SecurityGroup, Subnet, TargetGroup, Vpc,
};
use vpcsim_aws::traffic::Direction;
use vpcsim_aws::{AnyId, Id, Kind, Topology, drop_reason, station};

use super::shapes::{Component, Explanation, LoadBalancerTarget};
use super::{naming, path, rules};

/// The code of something that only vpcsim knows to be missing.
const UNSUPPORTED: &str = "UNSUPPORTED_COMPONENT";

/// An explanation in the making.
struct Writer<'t> {
    topology: &'t Topology,
    cause: &'t Cause,
    shown: Explanation,
}

/// The explanation of a cause, for someone whose resources are at `home`.
pub(super) fn explanation(topology: &Topology, cause: &Cause, home: &(String, String)) -> Explanation {
    let mut writer = Writer {
        topology,
        cause,
        shown: Explanation {
            explanation_code: cause.code.clone(),
            ..Explanation::default()
        },
    };
    writer.place();
    if let Some(component) = cause.component {
        writer.component(component);
        writer.foreign(component, home);
    }
    writer.direction();
    writer.rule();
    if let Some(header) = cause.header {
        writer.packet(header);
    }
    writer.shown
}

/// The explanation of an answer that rests on something that was not understood.
pub(super) fn unsupported(missing: Option<String>) -> Explanation {
    Explanation {
        explanation_code: UNSUPPORTED.to_owned(),
        missing_component: missing,
        ..Explanation::default()
    }
}

/// The explanation of a packet that arrives and that nobody answers.
pub(super) fn nobody_answers(destination: Option<Component>) -> Explanation {
    Explanation {
        explanation_code: "NO_POSSIBLE_DESTINATION".to_owned(),
        component: destination,
        ..Explanation::default()
    }
}

impl Writer<'_> {
    fn name(&self, any: impl Into<AnyId>) -> Component {
        naming::component(self.topology, any)
    }

    /// Where it happened: the interface, the subnet, the VPC.
    fn place(&mut self) {
        let Some(owner) = self.cause.owner else { return };
        if let Some(id) = owner.downcast::<NetworkInterface>() {
            let declared = &self.topology.network_interfaces[id];
            self.shown.network_interface = Some(self.name(id));
            self.shown.subnet = Some(self.name(declared.subnet));
            let is_about_rules = matches!(
                self.cause.reason,
                drop_reason::SG_EGRESS | drop_reason::SG_INGRESS
            );
            if is_about_rules {
                let groups = declared.security_groups.iter();
                self.shown.security_groups = groups.map(|group| self.name(*group)).collect();
            } else {
                self.shown.attached_to = path::attached_to(self.topology, id).map(|any| self.name(any));
            }
        }
        if let Some(id) = owner.downcast::<Subnet>() {
            let declared = &self.topology.subnets[id];
            self.shown.subnet = Some(self.name(id));
            if is_about_zones(&self.cause.code) {
                self.shown.availability_zones = vec![declared.availability_zone.clone()];
                self.shown.availability_zone_ids = declared.availability_zone_id.iter().cloned().collect();
            }
        }
        if owner.kind == Kind::InternetGateway {
            self.shown.internet_gateway = Some(self.name(owner));
        }
        if owner.kind != Kind::TransitGateway && owner.kind != Kind::PeeringConnection {
            self.shown.vpc = naming::vpc_of(self.topology, owner).map(|vpc| self.name(vpc));
        }
    }

    /// Who is to blame, in the field that its kind has.
    fn component(&mut self, any: AnyId) {
        let own = Some(self.name(any));
        let shown = &mut self.shown;
        match any.kind {
            // Named with the interface, together with the others that count.
            Kind::SecurityGroup | Kind::NetworkInterface if shown.network_interface.is_some() => {}
            Kind::NetworkAcl => shown.acl = own,
            Kind::RouteTable => self.route_table(any, own),
            Kind::InternetGateway => shown.internet_gateway = own,
            // Decides at the gateway, and is nothing that has an id.
            Kind::BlockPublicAccess => {}
            Kind::NatGateway | Kind::RegionalNatGateway => shown.nat_gateway = own,
            Kind::PeeringConnection => {
                shown.vpc_peering_connection = own;
                self.peering(any.id());
            }
            Kind::TransitGateway => shown.transit_gateway = own,
            Kind::TransitGatewayAttachment => {
                shown.transit_gateway_attachment = own;
                let row = self.topology.transit_gateway_attachments.find(any.id());
                self.shown.transit_gateway = row.map(|row| self.name(row.gateway));
            }
            Kind::TransitGatewayRouteTable => {
                shown.transit_gateway_route_table = own;
                let row = self.topology.transit_gateway_route_tables.find(any.id());
                self.shown.transit_gateway = row.map(|row| self.name(row.gateway));
            }
            Kind::LoadBalancer => self.load_balancer(any.id()),
            Kind::VpcEndpoint => shown.vpc_endpoint = own,
            _ => shown.component = own,
        }
    }

    /// A gateway's own table is its ingress route table.
    fn route_table(&mut self, any: AnyId, own: Option<Component>) {
        let is_of_gateway = self
            .cause
            .owner
            .is_some_and(|owner| owner.kind == Kind::InternetGateway);
        if is_of_gateway {
            self.shown.ingress_route_table = own;
        } else {
            self.shown.route_table = own;
        }
        let vpc = self.topology.vpc_of(any);
        self.shown.vpc = vpc.map(|vpc| self.name(vpc));
    }

    /// The two sides of a peering connection, the one that the packet comes from first.
    fn sides(&self, id: Id<PeeringConnection>) -> [Option<Id<Vpc>>; 2] {
        let Some(row) = self.topology.peering_connections.find(id) else {
            return [None, None];
        };
        let holds_source = |vpc: Id<Vpc>| {
            let mut ranges = self.topology.vpcs[vpc].cidrs.iter();
            let source = self.cause.header.map(|header| header.source);
            source.is_some_and(|source| ranges.any(|cidr| cidr.net.contains(&source)))
        };
        if row.accepter.is_some_and(holds_source) && !row.requester.is_some_and(holds_source) {
            [row.accepter, row.requester]
        } else {
            [row.requester, row.accepter]
        }
    }

    fn peering(&mut self, id: Id<PeeringConnection>) {
        let [source, destination] = self.sides(id);
        self.shown.source_vpc = source.map(|vpc| self.name(vpc));
        self.shown.destination_vpc = destination.map(|vpc| self.name(vpc));
    }

    /// The listener that takes the packet with its target group, or the port that none is for.
    fn load_balancer(&mut self, id: Id<LoadBalancer>) {
        self.shown.load_balancer_arn = Some(naming::id(self.topology, id));
        let Some(header) = self.cause.header else { return };
        let listener = rules::listener_for(self.topology, id, header.protocol, header.destination_port);
        match listener {
            Some(listener) => self.listener(id, listener),
            None => self.shown.port = header.destination_port,
        }
        if is_about_zones(&self.cause.code) {
            let nodes = self.topology.load_balancers[id].nodes.iter();
            let zones = nodes.map(|node| self.topology.subnets[node.subnet].availability_zone.clone());
            self.shown.availability_zones = zones.collect();
        }
    }

    fn listener(&mut self, balancer: Id<LoadBalancer>, listener: Listener) {
        let name = naming::listener(self.topology, balancer, listener.protocol.word(), listener.port);
        self.shown.elastic_load_balancer_listener = Some(name);
        self.shown.load_balancer_listener_port = Some(listener.port);
        let group = listener.target_group.map(|group| self.name(group));
        self.shown.load_balancer_target_groups = group.into_iter().collect();
    }

    /// What belongs to another account or region says so.
    fn foreign(&mut self, component: AnyId, home: &(String, String)) {
        let own = naming::home(self.topology, component);
        if own != *home {
            let (region, account) = own;
            self.shown.component_region = Some(region);
            self.shown.component_account = Some(account);
        }
    }

    fn direction(&mut self) {
        let station = drop_reason::info(self.cause.reason).map(|info| info.station);
        let code = &self.cause.code;
        let way = match station {
            Some(station::ENI_OUT | station::SUBNET_OUT) => Some(Direction::Egress),
            Some(station::ENI_IN | station::SUBNET_IN) => Some(Direction::Ingress),
            _ if code.ends_with("EGRESS") => Some(Direction::Egress),
            _ if code.ends_with("INGRESS") => Some(Direction::Ingress),
            _ => None,
        };
        self.shown.direction = way.map(rules::direction);
    }

    /// The rule that the code is about, in the field that its kind has.
    fn rule(&mut self) {
        let Some(rule) = self.cause.rule else { return };
        let topology = self.topology;
        match rule.of.kind {
            Kind::NetworkAcl => {
                let way = match self.shown.direction {
                    Some("egress") => Direction::Egress,
                    _ => Direction::Ingress,
                };
                self.shown.acl_rule = rules::acl_rule(topology, rule, way);
            }
            Kind::SecurityGroup => self.security_group_rule(rule),
            Kind::RouteTable => self.route(rule),
            Kind::TransitGatewayRouteTable => {
                self.shown.transit_gateway_route_table_route = rules::transit_route(topology, rule);
            }
            Kind::LoadBalancer => {
                let balancer: Id<LoadBalancer> = rule.of.id();
                let declared = topology.load_balancers.find(balancer);
                if let Some(listener) = declared.and_then(|row| row.listeners.get(rule.number)) {
                    self.listener(balancer, *listener);
                }
            }
            Kind::TargetGroup => self.target(rule.of.id(), rule.number),
            _ => {}
        }
    }

    fn security_group_rule(&mut self, rule: Rule) {
        self.shown.security_group = Some(self.name(rule.of));
        self.shown.security_group_rule = rules::security_group_rule(self.topology, rule);
        let group: Id<SecurityGroup> = rule.of.id();
        let declared = self
            .topology
            .security_groups
            .find(group)
            .and_then(|row| row.rule(rule.number));
        if let Some((_, declared)) = declared
            && let Peer::Missing(id) = &declared.peer
        {
            self.shown.missing_component = Some(id.clone());
        }
    }

    fn route(&mut self, rule: Rule) {
        let route = rules::route(self.topology, rule);
        let lost = self.cause.code == "BAD_STATE_ROUTE";
        self.shown.route_table_route = route.map(|mut route| {
            if lost {
                route.state = "blackhole";
            }
            route
        });
        self.shown.state = lost.then_some("blackhole");
        let table: Id<RouteTable> = rule.of.id();
        let declared = self
            .topology
            .route_tables
            .find(table)
            .and_then(|row| row.routes.get(rule.number));
        if self.cause.code == UNSUPPORTED
            && let Some(RouteTarget::Unmodelled(_, id)) = declared.map(|route| &route.target)
        {
            self.shown.missing_component = Some(id.clone());
        }
    }

    fn target(&mut self, group: Id<TargetGroup>, place: usize) {
        let topology = self.topology;
        let Some((row, target)) = topology
            .target_groups
            .find(group)
            .and_then(|row| Some((row, row.targets.get(place)?)))
        else {
            return;
        };
        self.shown.load_balancer_target_group = Some(self.name(group));
        let Some((address, port)) = row.destination(target, topology) else {
            return;
        };
        let mut subnets = topology.subnets.iter();
        let subnet = subnets.find(|(_, subnet)| subnet.vpc == row.vpc && subnet.cidr.contains(&address));
        let instance = match target.to {
            TargetAddress::Instance(id) => Some(self.name(id)),
            TargetAddress::Address(_) => None,
        };
        self.shown.load_balancer_target_port = Some(port);
        self.shown.load_balancer_target = Some(LoadBalancerTarget {
            address: Some(rules::host(address)),
            availability_zone: subnet.map(|(_, subnet)| subnet.availability_zone.clone()),
            availability_zone_id: subnet.and_then(|(_, subnet)| subnet.availability_zone_id.clone()),
            instance,
            port: Some(port),
        });
    }

    /// The field of the packet that the code is about, and what would have been right.
    fn packet(&mut self, header: Header) {
        let code = self.cause.code.as_str();
        if is_about_source(code) {
            self.shown.packet_field = Some("source-address");
            self.shown.address = Some(rules::host(header.source));
        } else if is_about_destination(code) {
            self.shown.packet_field = Some("destination-address");
            self.shown.address = Some(rules::host(header.destination));
        }
        let ranges: &[&str] = match code {
            _ if code.contains("RFC1918") => &["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16"],
            _ if code.contains("RFC6598") => &["100.64.0.0/10"],
            _ => &[],
        };
        self.shown.cidrs = ranges.iter().map(|&range| range.to_owned()).collect();
        if code == "PCX_REQUIRES_ADDRESS_IN_VPC_CIDR" || code == "VPC_LOCAL_ROUTE_CIDR_RESTRICTION" {
            self.shown.cidrs = self.right_ranges();
        }
        let protocols: &[&str] = match self.cause.reason {
            drop_reason::NAT_PROTOCOL => &["tcp", "udp", "icmp"],
            drop_reason::NLB_PROTOCOL => &["tcp", "udp"],
            drop_reason::VPCE_PROTOCOL => &["tcp"],
            drop_reason::VPCE_GATEWAY_PROTOCOL => &["tcp", "icmp"],
            _ => &[],
        };
        self.shown.protocols = protocols.iter().map(|&word| word.to_owned()).collect();
    }

    /// The ranges that the address should have been in.
    fn right_ranges(&self) -> Vec<String> {
        let Some(component) = self.cause.component else {
            return Vec::new();
        };
        let vpc = match component.downcast() {
            Some(peering) => self.sides(peering)[1],
            None => self.topology.vpc_of(component),
        };
        let vpcs = vpc.and_then(|vpc| self.topology.vpcs.find(vpc)).into_iter();
        let cidrs = vpcs.flat_map(|vpc| vpc.cidrs.iter().filter(|cidr| cidr.associated));
        cidrs.map(|cidr| cidr.net.to_string()).collect()
    }
}

fn is_about_zones(code: &str) -> bool {
    code.contains("_AZ")
}

fn is_about_source(code: &str) -> bool {
    code.contains("SOURCE_ADDRESS_NOT")
        || matches!(
            code,
            "IGW_PUBLIC_IP_ASSOCIATION_FOR_EGRESS"
                | "NGW_REQUIRES_SOURCE_IN_VPC"
                | "GATEWAY_REJECTS_SPOOFED_TRAFFIC"
        )
}

fn is_about_destination(code: &str) -> bool {
    code.contains("DESTINATION_ADDRESS_NOT")
        || code.ends_with("ROUTE")
        || matches!(
            code,
            "NO_ROUTE_TO_DESTINATION"
                | "NO_POSSIBLE_DESTINATION"
                | "IGW_PRIVATE_IP_ASSOCIATION_FOR_INGRESS"
                | "PCX_REQUIRES_ADDRESS_IN_VPC_CIDR"
                | "VPC_LOCAL_ROUTE_CIDR_RESTRICTION"
                | "VPCE_GATEWAY_EGRESS_SOURCE_ADDRESS_RESTRICTION"
                | "TGW_RTB_NO_ROUTE_TO_TGW_ATTACHMENT"
        )
}
