//! Instance: what runs behind one or more network interfaces.

use crate::compile::place::interface_mac;
use crate::compile::{HostInterfacePlan, HostPlan, NextHop, Place, Slot};
use crate::devices::network_interface::FROM_HOST;
use crate::devices::{Kind, NetworkInterface, Resource, Vpc};
use crate::model::{Findings, Id, Label};
use crate::topology::Topology;
use crate::validation;
use crate::traffic::PortRange;
use vpcsim_wire::Protocol;

/// An instance.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Instance {
    /// How it is called.
    pub label: Label,
    /// Whether it runs; a stopped one keeps its interfaces and answers nothing (ENI-18).
    pub running: bool,
    /// Its instance type (`m7i.large`), where the input says it.
    pub instance_type: Option<String>,
    /// The services it answers on.
    pub listen: Vec<Listener>,
    /// How its operating system chooses an interface.
    pub routing: HostRouting,
    /// The MTU of its interfaces, in bytes.
    pub mtu: u16,
    /// Its instance metadata options.
    pub metadata: MetadataOptions,
}

/// A service that an instance answers on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Listener {
    /// TCP or UDP.
    pub protocol: Protocol,
    /// The ports.
    pub ports: PortRange,
}

/// How the operating system of an instance with several interfaces chooses one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum HostRouting {
    /// A new connection leaves by device index 0, an answer by the interface whose address was asked (Amazon Linux).
    #[default]
    PerInterface,
    /// Everything leaves by the main table's routes (stock Linux).
    MainTable,
}

/// The instance metadata options.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MetadataOptions {
    /// Whether the service answers (IMDS-01).
    pub enabled: bool,
    /// Whether a token is required (IMDS-02).
    pub tokens_required: bool,
    /// The time to live of the answer to a token request (IMDS-03).
    pub hop_limit: u8,
}

impl Default for MetadataOptions {
    fn default() -> Self {
        Self { enabled: true, tokens_required: false, hop_limit: 1 }
    }
}

/// The MTU of current instance types inside a VPC (MTU-01).
pub const JUMBO_MTU: u16 = 9001;

impl Resource for Instance {
    const KIND: Kind = Kind::Instance;
    const NOUN: &'static str = "instance";

    fn label(&self) -> &Label {
        &self.label
    }

    fn validate(id: Id<Self>, topology: &Topology, findings: &mut Findings) {
        validation::instance::check(id, topology, findings);
    }

    fn place(id: Id<Self>, place: &mut Place<'_>) {
        let slot = Slot::Host(place.hosts.len());
        let node = place.reserve_slot(id, slot);
        let interfaces = place.interfaces_of(id).iter().map(|&interface| interface_plan(interface, id, place)).collect();
        place.hosts.push(HostPlan { node, instance: id, interfaces });
    }

    /// An instance as a route's target stands for its only interface (RT-10).
    fn next_hop(id: Id<Self>, from: Id<Vpc>, place: &Place<'_>) -> NextHop {
        match place.interfaces_of(id) {
            [only] => NetworkInterface::next_hop(*only, from, place),
            _ => NextHop::Blackhole,
        }
    }
}

fn interface_plan(interface: Id<NetworkInterface>, instance: Id<Instance>, place: &Place<'_>) -> HostInterfacePlan {
    let topology: &Topology = place.topology;
    let declared = &topology.network_interfaces[interface];
    let subnet = &topology.subnets[declared.subnet];
    HostInterfacePlan {
        interface,
        mac: declared.mac.unwrap_or_else(|| interface_mac(interface.index())),
        addresses: declared.addresses.iter().map(|address| address.private).collect(),
        prefix_len: subnet.cidr.prefix_len(),
        router: subnet.router(),
        mtu: topology.instances[instance].mtu,
        node: place.node_of(interface).expect("interfaces are placed before instances"),
        port: FROM_HOST,
    }
}
