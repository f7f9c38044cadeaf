//! The components of a path in AWS's order (RAN-11, RAN-16).
//!
//! A trail names who decided at each station; AWS lists resources. What leaves a host is listed as host, interface, security group,
//! network ACL, route table, gateway; what comes to one as network ACL, security group, interface, host.

use vpcsim_analysis::{Rule, Stop};
use vpcsim_aws::devices::network_interface::Attachment;
use vpcsim_aws::devices::vpc_endpoint::Service;
use vpcsim_aws::devices::{
    LoadBalancer, NetworkInterface, PeeringConnection, SecurityGroup, TransitGateway,
    TransitGatewayAttachment, Vpc, VpcEndpoint,
};
use vpcsim_aws::traffic::Direction;
use vpcsim_aws::{AnyId, Id, Kind, Topology, drop_reason, station};

use super::shapes::{Component, PathComponent};
use super::{details, naming, rules};

/// A path that grows station by station.
pub(super) struct Path<'t> {
    topology: &'t Topology,
    /// Whether it is the way back.
    is_back: bool,
    /// The rules that let the flow through interfaces on the way there: its answers are let through by them (CT-01).
    opened_by: &'t [(Id<NetworkInterface>, Rule)],
    components: Vec<PathComponent>,
    vpc: Option<Id<Vpc>>,
    zone: Option<details::Zone>,
    attachment: Option<Id<TransitGatewayAttachment>>,
}

/// The rules of security groups that let a flow through, by interface.
pub(super) fn opened_by(stops: &[Stop]) -> Vec<(Id<NetworkInterface>, Rule)> {
    let opened = stops
        .iter()
        .filter(|stop| stop.dropped.is_none())
        .filter_map(|stop| {
            let rule = stop.rule.filter(|rule| rule.of.kind == Kind::SecurityGroup)?;
            Some((stop.owner?.downcast()?, rule))
        });
    opened.collect()
}

/// The components of one direction of a flow.
pub(super) fn components(
    topology: &Topology,
    stops: &[Stop],
    is_back: bool,
    opened_by: &[(Id<NetworkInterface>, Rule)],
) -> Vec<PathComponent> {
    let mut path = Path {
        topology,
        is_back,
        opened_by,
        components: Vec::new(),
        vpc: None,
        zone: None,
        attachment: None,
    };
    for (place, stop) in stops.iter().enumerate() {
        path.pass(stop, &stops[place + 1..]);
    }
    path.finish(stops)
}

impl Path<'_> {
    fn pass(&mut self, stop: &Stop, ahead: &[Stop]) {
        match stop.station {
            station::EMIT | station::DELIVER => self.host(stop),
            station::ENI_OUT => self.interface_out(stop),
            station::ENI_IN => self.interface_in(stop),
            station::SUBNET_OUT => self.network_acl(stop, Direction::Egress),
            station::SUBNET_IN => self.network_acl(stop, Direction::Ingress),
            station::ROUTE => self.route(stop),
            _ => self.gateway(stop, ahead),
        }
        if let Some(owner) = stop.owner
            && matches!(owner.kind, Kind::Subnet | Kind::NetworkInterface)
        {
            self.vpc = naming::vpc_of(self.topology, owner);
        }
    }

    fn name(&self, any: impl Into<AnyId>) -> Component {
        naming::component(self.topology, any)
    }

    fn push(&mut self, any: impl Into<AnyId>) -> &mut PathComponent {
        let component = self.name(any);
        self.components.push(PathComponent {
            sequence_number: self.components.len() + 1,
            component,
            ..PathComponent::default()
        });
        self.components.last_mut().expect("one was pushed")
    }

    /// The VPC of a resource as a component.
    fn home(&self, any: impl Into<AnyId>) -> Option<Component> {
        naming::vpc_of(self.topology, any.into()).map(|vpc| self.name(vpc))
    }

    /// Instances are components; other hosts are known by their interfaces, and the internet by its gateway.
    fn host(&mut self, stop: &Stop) {
        match stop.owner {
            Some(owner) if owner.kind == Kind::Instance => {
                self.push(owner);
            }
            Some(owner) if owner.kind == Kind::VpcEndpoint => self.endpoint(owner.id(), stop),
            _ => {}
        }
    }

    fn interface_out(&mut self, stop: &Stop) {
        let Some(interface) = stop.owner.and_then(AnyId::downcast) else {
            return;
        };
        self.interface(interface);
        if stop.dropped.is_none() || stop.dropped == Some(drop_reason::SG_EGRESS) {
            self.security_group(interface, stop);
        }
    }

    fn interface_in(&mut self, stop: &Stop) {
        let Some(interface) = stop.owner.and_then(AnyId::downcast) else {
            return;
        };
        let is_shown = self.security_group(interface, stop);
        // What no rule lets in does not come to the interface.
        if stop.dropped != Some(drop_reason::SG_INGRESS) || !is_shown {
            self.interface(interface);
        }
    }

    fn interface(&mut self, id: Id<NetworkInterface>) {
        let topology = self.topology;
        let Some(declared) = topology.network_interfaces.find(id) else {
            return;
        };
        let crossed = details::zone_crossed(topology, declared.subnet, &mut self.zone);
        let attached_to = attached_to(topology, id).map(|any| self.name(any));
        let (subnet, vpc) = (self.name(declared.subnet), self.home(declared.subnet));
        let component = self.push(id);
        component.attached_to = attached_to;
        component.subnet = Some(subnet);
        component.vpc = vpc;
        details::note_crossing(component, crossed);
    }

    /// The group whose rule decided; for an answer the one that let the flow through, without its rule; else the first. Whether
    /// one was shown: of several groups none alone stops a packet.
    fn security_group(&mut self, interface: Id<NetworkInterface>, stop: &Stop) -> bool {
        let topology = self.topology;
        let Some(declared) = topology.network_interfaces.find(interface) else {
            return false;
        };
        let rule = stop.rule.filter(|rule| rule.of.kind == Kind::SecurityGroup);
        let groups = &declared.security_groups;
        let known = self.opened_by.iter().find(|(id, _)| *id == interface);
        let known = known.and_then(|(_, rule)| rule.of.downcast::<SecurityGroup>());
        let by_rule = rule.and_then(|rule| rule.of.downcast());
        let is_stopped = stop.dropped.is_some();
        let group = match groups[..] {
            [] => None,
            [only] => by_rule.or(Some(only)),
            _ if is_stopped => by_rule,
            [first, ..] => by_rule.or(known).or(Some(first)),
        };
        let Some(group) = group else { return false };
        let shown = rule.and_then(|rule| rules::security_group_rule(topology, rule));
        self.push(group).security_group_rule = shown;
        true
    }

    fn network_acl(&mut self, stop: &Stop, way: Direction) {
        if let Some(decider) = stop.decider.filter(|any| any.kind == Kind::NetworkAcl) {
            let rule = stop
                .rule
                .and_then(|rule| rules::acl_rule(self.topology, rule, way));
            self.push(decider).acl_rule = rule;
        }
    }

    fn route(&mut self, stop: &Stop) {
        if let Some(decider) = stop.decider.filter(|any| any.kind == Kind::RouteTable) {
            let route = stop.rule.and_then(|rule| rules::route(self.topology, rule));
            self.push(decider).route_table_route = route;
        }
    }

    fn gateway(&mut self, stop: &Stop, ahead: &[Stop]) {
        // Block Public Access stands for no place of its own: it decides at the gateway.
        let decider = stop.decider.filter(|any| any.kind != Kind::BlockPublicAccess);
        let Some(any) = decider.or(stop.owner) else {
            return;
        };
        match any.kind {
            Kind::RouteTable => self.route(stop),
            Kind::TransitGateway => self.transit_in(any.id()),
            Kind::TransitGatewayRouteTable => self.transit_table(any, stop, ahead),
            Kind::TransitGatewayAttachment => self.attachment(any.id(), None),
            Kind::PeeringConnection => self.peering(any.id()),
            Kind::LoadBalancer => self.load_balancer(any.id(), stop),
            Kind::VpcEndpoint => self.endpoint(any.id(), stop),
            Kind::InternetHost => {}
            _ => self.plain_gateway(any, stop),
        }
    }

    /// Internet gateways, NAT gateways and instances that forward.
    fn plain_gateway(&mut self, any: AnyId, stop: &Stop) {
        let topology = self.topology;
        let changes = rules::changes(stop.before, stop.after);
        let own = self.name(any);
        if changes.is_none() && self.components.last().is_some_and(|last| last.component == own) {
            // What turns round at a gateway is seen there twice: out and in.
            return;
        }
        let nat = (any.kind == Kind::NatGateway)
            .then(|| topology.nat_gateways.find(any.id()))
            .flatten();
        let subnet = nat.map(|nat| nat.subnet);
        let crossed = subnet.is_some_and(|subnet| details::zone_crossed(topology, subnet, &mut self.zone));
        let subnet = subnet.map(|subnet| self.name(subnet));
        let vpc = self.home(any).filter(|_| any.kind != Kind::Instance);
        let component = self.push(any);
        component.subnet = subnet;
        component.vpc = vpc;
        component.outbound_header = changes;
        details::note_crossing(component, crossed);
    }

    fn peering(&mut self, id: Id<PeeringConnection>) {
        let Some(declared) = self.topology.peering_connections.find(id) else {
            return;
        };
        let (mut source, mut destination) = (declared.requester, declared.accepter);
        if destination == self.vpc {
            std::mem::swap(&mut source, &mut destination);
        }
        let source = source.map(|vpc| self.name(vpc));
        let destination = destination.map(|vpc| self.name(vpc));
        let component = self.push(id);
        component.source_vpc = source;
        component.destination_vpc = destination;
    }

    /// The attachment by which a packet comes to a transit gateway: the VPC's, or the peering by which it left another gateway.
    fn transit_in(&mut self, gateway: Id<TransitGateway>) {
        let rows = &self.topology.transit_gateway_attachments;
        let is_by_peering = self
            .attachment
            .and_then(|id| rows.find(id))
            .is_some_and(|row| row.vpc().is_none() && row.is_of(gateway));
        if is_by_peering {
            return;
        }
        let vpc = self.vpc;
        let own = rows
            .iter()
            .find(|(_, row)| row.gateway == gateway && vpc.is_some() && row.vpc() == vpc);
        if let Some((id, _)) = own {
            self.attachment(id, Some(gateway));
        } else {
            self.push(gateway);
        }
    }

    /// An attachment as the gateway has it: a peering is one of two gateways.
    fn attachment(&mut self, id: Id<TransitGatewayAttachment>, of: Option<Id<TransitGateway>>) {
        let Some(row) = self.topology.transit_gateway_attachments.find(id) else {
            return;
        };
        self.attachment = Some(id);
        let gateway = self.name(of.unwrap_or(row.gateway));
        let vpc = row.vpc().map(|vpc| self.name(vpc));
        let component = self.push(id);
        component.transit_gateway = Some(gateway);
        component.vpc = vpc;
    }

    fn transit_table(&mut self, any: AnyId, stop: &Stop, ahead: &[Stop]) {
        let topology = self.topology;
        let table = topology.transit_gateway_route_tables.find(any.id());
        let of = table.map(|row| row.gateway);
        let gateway = of.map(|gateway| self.name(gateway));
        let route = stop.rule.and_then(|rule| rules::transit_route(topology, rule));
        let component = self.push(any);
        component.transit_gateway = gateway;
        component.transit_gateway_route_table_route = route;
        let next = stop.rule.and_then(|rule| rules::attachment_of(topology, rule));
        if let Some(next) = next.filter(|_| stop.dropped.is_none()) {
            self.attachment(next, of);
            if let Some(last) = self.components.last_mut() {
                details::note_appliance_mode(topology, next, ahead, last);
            }
        }
    }

    /// The load balancer with its listener, and on the way there the target group.
    fn load_balancer(&mut self, id: Id<LoadBalancer>, stop: &Stop) {
        let topology = self.topology;
        let port = if self.is_back {
            stop.after.source_port
        } else {
            stop.before.destination_port
        };
        let listener = rules::listener_for(topology, id, stop.before.protocol, port);
        let shown = listener.map(|row| naming::listener(topology, id, row.protocol.word(), row.port));
        let vpc = self.home(id);
        let component = self.push(id);
        component.elastic_load_balancer_listener = shown;
        component.vpc = vpc;
        component.outbound_header = rules::changes(stop.before, stop.after);
        let group = listener.and_then(|row| row.target_group);
        if let Some(group) = group.filter(|_| !self.is_back && stop.dropped.is_none()) {
            let vpc = self.home(group);
            let component = self.push(group);
            component.vpc = vpc;
            details::note_client_address(topology, group, id, component);
        }
    }

    /// The endpoint once, with the service of the design that is behind it.
    fn endpoint(&mut self, id: Id<VpcEndpoint>, stop: &Stop) {
        let Some(declared) = self.topology.vpc_endpoints.find(id) else {
            return;
        };
        let own = self.name(id);
        if self.components.last().is_some_and(|last| last.component == own) {
            return;
        }
        let service_name = declared.service_name(self.topology);
        let service = match declared.service {
            Service::Own(service) if stop.dropped.is_none() => Some(service),
            _ => None,
        };
        if let Some(service) = service.filter(|_| self.is_back) {
            self.push(service).service_name = Some(service_name.clone());
        }
        let vpc = self.home(id);
        let component = self.push(id);
        component.service_name = Some(service_name.clone());
        component.vpc = vpc;
        component.outbound_header = rules::changes(stop.before, stop.after);
        if let Some(service) = service.filter(|_| !self.is_back) {
            self.push(service).service_name = Some(service_name);
        }
    }

    /// The whole header at both ends: what comes in by a gateway is shown as it came, what a host sends as it left.
    fn finish(mut self, stops: &[Stop]) -> Vec<PathComponent> {
        let (Some(first), Some(last)) = (stops.first(), stops.last()) else {
            return self.components;
        };
        let comes_from_outside = is_outside(first);
        if let Some(component) = self.components.first_mut() {
            let whole = Some(rules::header(first.after));
            if comes_from_outside {
                component.inbound_header = whole;
            } else {
                component.outbound_header = whole;
            }
        }
        let arrives = last.station == station::DELIVER && last.dropped.is_none();
        if let Some(component) = self.components.last_mut().filter(|_| arrives) {
            let whole = Some(rules::header(last.after));
            if is_outside(last) {
                component.outbound_header = whole;
            } else {
                component.inbound_header = whole;
            }
        }
        self.components
    }
}

/// Whether it is a host on the internet.
fn is_outside(stop: &Stop) -> bool {
    stop.owner.is_none_or(|owner| owner.kind == Kind::InternetHost)
}

/// What an interface is an interface of.
pub(super) fn attached_to(topology: &Topology, id: Id<NetworkInterface>) -> Option<AnyId> {
    if let Attachment::Instance { instance, .. } = topology.network_interfaces.find(id)?.attachment {
        return Some(instance.into());
    }
    let balancers = topology.load_balancers.iter();
    let balancer = balancers
        .filter(|(_, row)| row.nodes.iter().any(|node| node.interface == id))
        .map(|(owner, _)| owner.into());
    let endpoints = topology.vpc_endpoints.iter();
    let endpoint = endpoints
        .filter(|(_, row)| row.interfaces().contains(&id))
        .map(|(owner, _)| owner.into());
    let hosts = topology.managed_hosts.iter();
    let host = hosts
        .filter(|(_, row)| row.interfaces.contains(&id))
        .map(|(owner, _)| owner.into());
    balancer.chain(endpoint).chain(host).next()
}
