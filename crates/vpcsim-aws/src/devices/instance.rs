//! Instance: what runs behind one or more network interfaces.
//!
//! # AWS semantics
//!
//! - On types of the sixth Nitro version an idle TCP connection is tracked for 350 s instead of 432,000 s (CT-10).
//!
//! # Where AWS is silent
//!
//! - The Nitro version is told from the type's name: the families C, M, R and X have the sixth from generation 8 on, except
//!   for the plain Graviton ones of that generation (`m8g`, `m8gd`).

use crate::arrangement::{Arrangement, Rank};
use crate::appliance::Appliance;
use crate::compile::place::interface_mac;
use crate::compile::{HostInterfacePlan, HostPlan, LinkLayer, NextHop, Place, Slot};
use crate::devices::network_interface::FROM_HOST;
use crate::devices::{Coverage, Kind, NetworkInterface, Resource, Vpc};
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
    /// What it does with packets for others; `None` drops them.
    pub appliance: Option<Appliance>,
    /// How much its interfaces carry (NET-01); `None` is no limit.
    pub allowance: Option<Allowance>,
}

/// What an instance may send and receive (NET-01, NET-04).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Allowance {
    /// Bits a second in each direction.
    pub bits_per_s: u64,
    /// Packets a second in both directions together.
    pub packets_per_s: u64,
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

/// For how long connection tracking of the sixth Nitro version remembers idle TCP, in seconds (CT-10).
const NITRO_V6_TCP_ESTABLISHED_S: u32 = 350;

impl Instance {
    /// For how long idle TCP connections are tracked if its type says so, in seconds (CT-10).
    pub(crate) fn tcp_established_s(&self) -> Option<u32> {
        let instance_type = self.instance_type.as_deref()?;
        is_nitro_v6(instance_type).then_some(NITRO_V6_TCP_ESTABLISHED_S)
    }
}

/// Whether types of this name (`m8i.large`) are built on the sixth version of Nitro.
fn is_nitro_v6(instance_type: &str) -> bool {
    let series = instance_type.split('.').next().unwrap_or_default();
    let Some(rest) = series.strip_prefix(['c', 'm', 'r', 'x']) else {
        return false;
    };
    let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
    let (generation, attributes) = rest.split_at(digits);
    match generation.parse::<u8>() {
        Ok(8) => !matches!(attributes, "g" | "gd"),
        Ok(generation) => generation > 8,
        Err(_) => false,
    }
}

impl Instance {
    /// A running instance that answers on no port.
    pub fn new(label: Label) -> Self {
        Self {
            label,
            running: true,
            instance_type: None,
            listen: Vec::new(),
            routing: HostRouting::default(),
            mtu: JUMBO_MTU,
            metadata: MetadataOptions::default(),
            appliance: None,
            allowance: None,
        }
    }
}

impl Resource for Instance {
    const KIND: Kind = Kind::Instance;
    const NOUN: &'static str = "instance";
    const IS_ROUTE_TARGET: bool = true;
    const COVERAGE: Coverage = Coverage::of(
        "hosts with a TCP stack, middleboxes with rules and NAT, metadata service",
        "figures of instance types",
    );

    fn label(&self) -> &Label {
        &self.label
    }

    fn rank(&self, id: Id<Self>, arrangement: &Arrangement<'_>) -> Rank {
        arrangement.of_instance(id)
    }

    fn validate(id: Id<Self>, topology: &Topology, findings: &mut Findings) {
        validation::instance::check(id, topology, findings);
    }

    fn place(id: Id<Self>, place: &mut Place<'_>) {
        let slot = Slot::Host(place.hosts.len());
        let node = place.reserve_slot(id, slot);
        let interfaces = place.interfaces_of(id).iter().map(|&interface| interface_plan(interface, id, place)).collect();
        let declared = &place.topology.instances[id];
        let listen = declared.listen.as_slice().into();
        let (routing, appliance) = (declared.routing, declared.appliance.clone().map(Box::new));
        place.hosts.push(HostPlan { node, owner: id.into(), listen, routing, appliance, interfaces });
    }

    fn rule_text(id: Id<Self>, rule: usize, topology: &Topology) -> Option<String> {
        let appliance = topology.instances.find(id)?.appliance.as_ref()?;
        appliance.firewall.get(rule).map(ToString::to_string)
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
        link_layer: LinkLayer::Ethernet,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn idle_tcp_is_tracked_for_350_seconds_on_nitro_v6() {
        for (instance_type, expected) in [
            ("m8i.large", Some(350)),
            ("c8gn.xlarge", Some(350)),
            ("r9g.large", Some(350)),
            ("m8g.large", None),
            ("r8gd.large", None),
            ("m7i.large", None),
            ("t3.micro", None),
            ("mac2.metal", None),
        ] {
            let instance = Instance {
                instance_type: Some(instance_type.to_owned()),
                ..Instance::new(Label::named("host"))
            };
            assert_eq!(instance.tcp_established_s(), expected, "{instance_type}");
        }
    }
}
