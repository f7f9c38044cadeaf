//! VPC endpoint: a way from a VPC to a service that does not lead over the internet.
//!
//! Two forms that have little in common. A *gateway endpoint* is a route's target: it carries packets for the public addresses
//! of S3 or DynamoDB, and leaves them as they are. An *interface endpoint* is an interface in each of its subnets whose private
//! address stands for the service. What runs of them is in `gateway` and `interface`.
//!
//! # AWS semantics
//!
//! - A gateway endpoint is a route of the tables that were chosen for it, and no interface (EP-01); hosts with another table do
//!   not use it.
//! - The service sees the host's private address (EP-03); no public address is needed.
//! - Network ACLs see the service's public addresses, security groups may name its prefix list (EP-04).
//! - Only what comes from inside its VPC passes (EP-05).
//! - It is for the service of its own region (EP-06); its name still resolves to public addresses (EP-07).
//! - It takes nothing from the time to live and answers nothing itself (EP-10).
//! - It carries TCP and echo requests (RAN-18): measured on AWS, S3 answers pings through it.
//! - An interface endpoint has an interface in one subnet of each of its zones (EP-11); the VPC's default group applies if none
//!   is named.
//! - Its security groups decide who may come in; connections begin at the client's end only (EP-12).
//! - The network ACLs of both subnets apply, none inside one subnet (EP-13).
//! - It is reached from peered VPCs and by transit gateways like any private address (EP-14).
//! - It carries packets of up to 8500 bytes, drops larger ones without a word, and holds TCP to segments that fit (EP-16).
//! - It carries 100 Gbit/s in a zone (EP-15).
//! - TCP is forgotten after 350 s without a packet; what comes later is answered with a RST (EP-17).
//! - It answers no ping and no port but the service's, and is no route's target (EP-22).
//!
//! # Where AWS is silent
//!
//! - An endpoint of AWS's own services takes no UDP; one of an endpoint service takes what the load balancer listens to (EP-24).
//! - A TCP packet of a connection that did not begin with a SYN is answered with a RST, as a load balancer does.
//! - A gateway endpoint is as far away as another zone. Its service sends no packet over 1500 bytes.
//! - An endpoint that is not available drops what reaches it.

mod gateway;
mod interface;

#[cfg(test)]
mod tests;
mod validation;

pub(super) use interface::from_service;

use vpcsim_engine::{Decision, Port};

use crate::arrangement::{Arrangement, Rank, Renumbering};
use crate::aws_service::ServiceName;
use crate::compile::place::interface_mac;
use crate::compile::plan::ServicePlan;
use crate::compile::{Build, HostInterfacePlan, HostPlan, LinkLayer, NextHop, Place, Slot};
use crate::devices::instance::{HostRouting, Listener};
use crate::devices::{Coverage, EndpointService, Kind, NetworkInterface, Resource, RouteTable, Vpc, network_interface};
use crate::model::{Findings, Id, Label};
use crate::mtu::PathMtu;
use crate::topology::Topology;
use crate::traffic::PortRange;
use vpcsim_wire::Protocol;

/// A VPC endpoint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VpcEndpoint {
    /// How it is called.
    pub label: Label,
    /// Its VPC.
    pub vpc: Id<Vpc>,
    /// The service that it leads to.
    pub service: Service,
    /// Whether packets pass.
    pub state: EndpointState,
    /// How it leads there.
    pub form: EndpointForm,
}

/// What an endpoint leads to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Service {
    /// A service of AWS.
    Aws(ServiceName),
    /// A service of the design.
    Own(Id<EndpointService>),
    /// A service that the design does not have, by its name.
    Foreign(String),
}

impl Service {
    /// The service of this full name.
    pub fn named(name: &str) -> Self {
        ServiceName::parse(name).map_or_else(|| Self::Foreign(name.to_owned()), Self::Aws)
    }
}

/// The states of an endpoint.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum EndpointState {
    /// Packets pass.
    #[default]
    Available,
    /// The provider has not accepted it yet (EP-27), or it is being made.
    Pending,
    /// The provider refused it, or it failed.
    Rejected,
}

/// How an endpoint leads to its service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EndpointForm {
    /// As a route's target.
    Gateway {
        /// The tables that have its route.
        route_tables: Vec<Id<RouteTable>>,
    },
    /// As an interface in each zone.
    Interface {
        /// The interfaces, with their addresses and security groups.
        interfaces: Vec<Id<NetworkInterface>>,
        /// Whether the service's public name stands for them inside the VPC (EP-19).
        private_dns: bool,
        /// Its own names in the DNS, where the input says them: the regional one first, then those of the zones.
        dns_names: Vec<String>,
    },
}

impl VpcEndpoint {
    /// Its interfaces, if it has any.
    pub fn interfaces(&self) -> &[Id<NetworkInterface>] {
        match &self.form {
            EndpointForm::Interface { interfaces, .. } => interfaces,
            EndpointForm::Gateway { .. } => &[],
        }
    }

    /// The service of AWS that it leads to, if it is one.
    pub fn aws_service(&self) -> Option<&ServiceName> {
        match &self.service {
            Service::Aws(name) => Some(name),
            Service::Own(_) | Service::Foreign(_) => None,
        }
    }

    /// The service's full name; for one of the design the name that it has there.
    pub fn service_name(&self, topology: &Topology) -> String {
        match &self.service {
            Service::Aws(name) => ServiceName::full(&name.region, &name.service),
            Service::Own(id) => topology.name_of(*id).to_owned(),
            Service::Foreign(name) => name.clone(),
        }
    }

    fn is_gateway(&self) -> bool {
        matches!(self.form, EndpointForm::Gateway { .. })
    }
}

impl Resource for VpcEndpoint {
    const KIND: Kind = Kind::VpcEndpoint;
    const NOUN: &'static str = "VPC endpoint";
    const IS_ROUTE_TARGET: bool = true;
    const COVERAGE: Coverage = Coverage::of(
        "gateway endpoints, interface endpoints, DNS names, private names",
        "policies, gateway load balancer and resource endpoints",
    );

    fn label(&self) -> &Label {
        &self.label
    }

    fn vpc(id: Id<Self>, topology: &Topology) -> Option<Id<Vpc>> {
        Some(topology.vpc_endpoints[id].vpc)
    }

    fn rank(&self, _: Id<Self>, _: &Arrangement<'_>) -> Rank {
        Rank::of_vpc(self.vpc)
    }

    fn renumber(&mut self, order: &Renumbering) {
        order.id(&mut self.vpc);
        if let Service::Own(service) = &mut self.service {
            order.id(service);
        }
        match &mut self.form {
            EndpointForm::Gateway { route_tables } => order.ids(route_tables),
            EndpointForm::Interface { interfaces, .. } => order.ids(interfaces),
        }
    }

    fn validate(id: Id<Self>, topology: &Topology, findings: &mut Findings) {
        validation::validate(id, topology, findings);
    }

    fn place(id: Id<Self>, place: &mut Place<'_>) {
        let declared = &place.topology.vpc_endpoints[id];
        let node = place.reserve(id);
        match (&declared.form, declared.aws_service()) {
            (EndpointForm::Gateway { .. }, Some(service)) => place_gateway(id, service, place),
            (EndpointForm::Gateway { .. }, None) => {}
            (EndpointForm::Interface { interfaces, .. }, service) => {
                for (index, interface) in interfaces.iter().enumerate() {
                    network_interface::serve_checked(*interface, node, Port(index as u32), place);
                }
                if let Some(service) = service {
                    place_service_host(id, interfaces, service.ports(), place);
                }
            }
        }
    }

    fn build(id: Id<Self>, build: &mut Build<'_>) {
        let Some(node) = build.place.node_of(id) else { return };
        let declared = &build.topology.vpc_endpoints[id];
        if declared.is_gateway() {
            build.install_for_sets(node, gateway::GatewayEndpointDevice::new(id, build));
        } else {
            build.install_for_sets(node, interface::InterfaceEndpointDevice::new(id, build));
        }
    }

    fn next_hop(id: Id<Self>, from: Id<Vpc>, place: &Place<'_>) -> NextHop {
        let declared = &place.topology.vpc_endpoints[id];
        match place.node_of(id) {
            _ if !declared.is_gateway() => NextHop::NotATarget,
            Some(node) if declared.vpc == from => NextHop::Gateway { node, port: gateway::FROM_VPC },
            _ => NextHop::Blackhole,
        }
    }
}

/// The service's hosts, which this endpoint alone leads to: they see private addresses, which other VPCs may have too.
fn place_gateway(id: Id<VpcEndpoint>, service: &ServiceName, place: &mut Place<'_>) {
    let topology = place.topology;
    let label = &topology.vpc_endpoints[id].label;
    let node = place.node_of(id).expect("the caller has reserved it");
    let slot = Slot::ServiceHosts(place.services.len());
    let hosts = place.reserve_slot_behind(id, slot);
    let ranges = topology.service_list(service).map(|list| topology.prefix_lists[list].entries.clone());
    place.services.push(ServicePlan {
        node: hosts,
        owner: id.into(),
        ranges: ranges.unwrap_or_default(),
        ports: service.ports(),
        uplink: (node, gateway::FROM_SERVICE),
    });
    let description = format!("{} of {} to {}", label.id_or_name(), topology.name_of(topology.vpc_endpoints[id].vpc), service.public_name());
    place.capture_point(label.name.clone(), description, LinkLayer::Ip, id.into(), node);
}

/// What answers behind the interfaces: a host with all their addresses.
fn place_service_host(id: Id<VpcEndpoint>, interfaces: &[Id<NetworkInterface>], ports: &'static [u16], place: &mut Place<'_>) {
    let topology = place.topology;
    let endpoint = place.node_of(id).expect("the caller has reserved it");
    let node = place.reserve_slot_behind(id, Slot::Host(place.hosts.len()));
    let line = |(index, interface): (usize, &Id<NetworkInterface>)| {
        let row = &topology.network_interfaces[*interface];
        let subnet = &topology.subnets[row.subnet];
        HostInterfacePlan {
            interface: *interface,
            mac: row.mac.unwrap_or_else(|| interface_mac(interface.index())),
            addresses: row.addresses.iter().map(|address| address.private).collect(),
            prefix_len: subnet.cidr.prefix_len(),
            router: subnet.router(),
            mtu: PathMtu::INTERFACE_ENDPOINT.0,
            node: endpoint,
            port: from_service(index),
            link_layer: LinkLayer::Ip,
        }
    };
    let listener = |port: &u16| Listener { protocol: Protocol::TCP, ports: PortRange::single(*port) };
    place.hosts.push(HostPlan {
        node,
        owner: id.into(),
        listen: ports.iter().map(listener).collect(),
        routing: HostRouting::PerInterface,
        appliance: None,
        interfaces: interfaces.iter().enumerate().map(line).collect(),
    });
}

/// The decision of the endpoint itself.
fn by_itself(id: Id<VpcEndpoint>, topology: &Topology) -> Decision {
    Decision::by(topology.component(id))
}
