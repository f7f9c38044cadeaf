//! A topology from a few calls, for tests that want to say only what they are about.

use std::net::Ipv4Addr;

use ipnet::Ipv4Net;
use vpcsim_aws::devices::instance::Listener;
use vpcsim_aws::devices::nat_gateway::{Connectivity, NatGatewayAddress, NatGatewayState};
use vpcsim_aws::devices::network_acl::NetworkAclEntry;
use vpcsim_aws::devices::network_interface::{Attachment, InterfaceAddress, TrackingTimeouts};
use vpcsim_aws::devices::peering_connection::PeeringState;
use vpcsim_aws::devices::route_table::{Route, RouteDestination, RouteSource, RouteTarget};
use vpcsim_aws::devices::security_group::{Peer, SecurityGroupRule};
use vpcsim_aws::devices::vpc::VpcCidr;
use vpcsim_aws::devices::{
    Instance, InternetGateway, InternetHost, NatGateway, NetworkAcl, NetworkInterface, PeeringConnection,
    RouteTable, SecurityGroup, Subnet, Vpc,
};
use vpcsim_aws::traffic::{PortRange, Traffic};
use vpcsim_aws::{AnyId, Id, Label, Origin, Topology};
use vpcsim_wire::Protocol;

/// The services of every host that a sketch makes.
pub const LISTENING: [(Protocol, u16); 5] = [
    (Protocol::TCP, 22),
    (Protocol::TCP, 80),
    (Protocol::TCP, 443),
    (Protocol::TCP, 5432),
    (Protocol::UDP, 53),
];

/// Where every zone of a sketch lies.
pub(crate) const REGION: &str = "eu-west-1";

/// A topology in the making.
#[derive(Clone, Debug)]
pub struct Sketch {
    /// What is there so far.
    pub topology: Topology,
}

/// The range that `text` writes.
///
/// # Panics
///
/// If it is no range.
pub fn net(text: &str) -> Ipv4Net {
    text.parse()
        .unwrap_or_else(|_| panic!("`{text}` is no address range"))
}

/// The address that `text` writes.
///
/// # Panics
///
/// If it is no address.
pub fn address(text: &str) -> Ipv4Addr {
    text.parse()
        .unwrap_or_else(|_| panic!("`{text}` is no IPv4 address"))
}

/// TCP to one port.
pub const fn tcp(port: u16) -> Traffic {
    Traffic::Tcp(PortRange::single(port))
}

/// A security group rule.
pub const fn rule(traffic: Traffic, peer: Peer) -> SecurityGroupRule {
    SecurityGroupRule {
        id: None,
        traffic,
        peer,
        origin: Origin::NOWHERE,
    }
}

/// A security group rule about everybody.
pub fn from_anywhere(traffic: Traffic) -> SecurityGroupRule {
    rule(traffic, Peer::Cidr(Ipv4Net::default()))
}

/// A network ACL entry about `cidr`.
pub fn entry(number: u16, allow: bool, traffic: Traffic, cidr: &str) -> NetworkAclEntry {
    NetworkAclEntry {
        number,
        allow,
        traffic,
        cidr: net(cidr),
        origin: Origin::NOWHERE,
    }
}

/// A static route to a resource.
pub fn route(destination: &str, target: impl Into<AnyId>) -> Route {
    route_to(destination, RouteTarget::Resource(target.into()))
}

/// A static route to any kind of target.
pub fn route_to(destination: &str, target: RouteTarget) -> Route {
    Route {
        destination: RouteDestination::Cidr(net(destination)),
        target,
        source: RouteSource::Static,
        blackhole: false,
        origin: Origin::NOWHERE,
    }
}

impl Sketch {
    /// An empty design.
    pub fn new(name: &str) -> Self {
        Self {
            topology: Topology::named(name, REGION),
        }
    }

    /// A VPC with its main route table (`VPC-main`), its default network ACL (`VPC-acl`, all open) and its default security
    /// group (`VPC-default`).
    pub fn vpc(&mut self, name: &str, cidrs: &[&str]) -> Id<Vpc> {
        let cidr = |text: &&str| VpcCidr {
            net: net(text),
            associated: true,
            origin: Origin::NOWHERE,
        };
        let vpc = self.topology.vpcs.push(Vpc {
            label: Label::named(name),
            account: String::new(),
            region: REGION.to_owned(),
            cidrs: cidrs.iter().map(cidr).collect(),
            dns_support: true,
            dns_hostnames: false,
            dhcp_options: None,
            is_default: false,
        });
        let main = self.route_table(vpc, &format!("{name}-main"), Vec::new());
        self.topology.route_tables[main].main = true;
        let open = || vec![entry(100, true, Traffic::All, "0.0.0.0/0")];
        let acl = self.network_acl(vpc, &format!("{name}-acl"), open(), open());
        self.topology.network_acls[acl].default = true;
        let group = self.open_group(vpc, &format!("{name}-default"));
        let members = rule(Traffic::All, Peer::SecurityGroup(group));
        self.topology.security_groups[group].default = true;
        self.topology.security_groups[group].ingress = vec![members];
        vpc
    }

    /// A route table; the `local` routes are implied.
    pub fn route_table(&mut self, vpc: Id<Vpc>, name: &str, routes: Vec<Route>) -> Id<RouteTable> {
        let label = Label::named(name);
        self.topology.route_tables.push(RouteTable {
            label,
            vpc,
            main: false,
            routes,
        })
    }

    /// A network ACL; the final deny is implied.
    pub fn network_acl(
        &mut self,
        vpc: Id<Vpc>,
        name: &str,
        ingress: Vec<NetworkAclEntry>,
        egress: Vec<NetworkAclEntry>,
    ) -> Id<NetworkAcl> {
        let label = Label::named(name);
        self.topology.network_acls.push(NetworkAcl {
            label,
            vpc,
            default: false,
            ingress,
            egress,
        })
    }

    /// A subnet in the first zone; without table or ACL it follows the VPC's main and default one.
    pub fn subnet(
        &mut self,
        vpc: Id<Vpc>,
        name: &str,
        cidr: &str,
        route_table: Option<Id<RouteTable>>,
        network_acl: Option<Id<NetworkAcl>>,
    ) -> Id<Subnet> {
        self.topology.subnets.push(Subnet {
            label: Label::named(name),
            vpc,
            availability_zone: format!("{REGION}a"),
            availability_zone_id: None,
            cidr: net(cidr),
            route_table,
            network_acl,
            shared_with: Vec::new(),
            map_public_ip_on_launch: false,
        })
    }

    /// A security group.
    pub fn group(
        &mut self,
        vpc: Id<Vpc>,
        name: &str,
        ingress: Vec<SecurityGroupRule>,
        egress: Vec<SecurityGroupRule>,
    ) -> Id<SecurityGroup> {
        let label = Label::named(name);
        self.topology.security_groups.push(SecurityGroup {
            label,
            vpc,
            default: false,
            ingress,
            egress,
        })
    }

    /// A security group that allows everything both ways.
    pub fn open_group(&mut self, vpc: Id<Vpc>, name: &str) -> Id<SecurityGroup> {
        let all = || vec![from_anywhere(Traffic::All)];
        self.group(vpc, name, all(), all())
    }

    /// An instance that answers on [`LISTENING`], without an interface yet.
    pub fn instance(&mut self, name: &str) -> Id<Instance> {
        let listener = |&(protocol, port): &(Protocol, u16)| Listener {
            protocol,
            ports: PortRange::single(port),
        };
        self.topology.instances.push(Instance {
            listen: LISTENING.iter().map(listener).collect(),
            ..Instance::new(Label::named(name))
        })
    }

    /// A further interface of an instance.
    pub fn interface(
        &mut self,
        instance: Id<Instance>,
        subnet: Id<Subnet>,
        private: &str,
        groups: &[Id<SecurityGroup>],
    ) -> Id<NetworkInterface> {
        let attached = |attachment: &Attachment| matches!(attachment, Attachment::Instance { instance: of, .. } if *of == instance);
        let interfaces = &self.topology.network_interfaces;
        let device_index = interfaces
            .iter()
            .filter(|(_, row)| attached(&row.attachment))
            .count() as u16;
        let name = format!(
            "{}-eth{device_index}",
            self.topology.instances[instance].label.name
        );
        let private = InterfaceAddress {
            private: address(private),
            public: None,
            origin: Origin::NOWHERE,
        };
        self.topology.network_interfaces.push(NetworkInterface {
            label: Label::named(name),
            subnet,
            addresses: vec![private],
            prefixes: Vec::new(),
            security_groups: groups.to_vec(),
            source_dest_check: true,
            mac: None,
            attachment: Attachment::Instance {
                instance,
                device_index,
            },
            tracking: TrackingTimeouts::default(),
        })
    }

    /// An instance with one interface.
    pub fn host(
        &mut self,
        name: &str,
        subnet: Id<Subnet>,
        private: &str,
        groups: &[Id<SecurityGroup>],
    ) -> Id<NetworkInterface> {
        let instance = self.instance(name);
        self.interface(instance, subnet, private, groups)
    }

    /// Gives an interface's primary address a public one.
    pub fn public(&mut self, interface: Id<NetworkInterface>, public: &str) {
        self.topology.network_interfaces[interface].addresses[0].public = Some(address(public));
    }

    /// An internet gateway, attached.
    pub fn internet_gateway(&mut self, vpc: Id<Vpc>, name: &str) -> Id<InternetGateway> {
        let label = Label::named(name);
        self.topology.internet_gateways.push(InternetGateway {
            label,
            vpc: Some(vpc),
            route_table: None,
        })
    }

    /// A NAT gateway; public if it has a public address.
    pub fn nat_gateway(
        &mut self,
        subnet: Id<Subnet>,
        name: &str,
        private: &str,
        public: Option<&str>,
    ) -> Id<NatGateway> {
        let connectivity = if public.is_some() {
            Connectivity::Public
        } else {
            Connectivity::Private
        };
        self.topology.nat_gateways.push(NatGateway {
            label: Label::named(name),
            subnet,
            connectivity,
            state: NatGatewayState::Available,
            addresses: vec![NatGatewayAddress {
                private: address(private),
                public: public.map(address),
            }],
            network_interface: None,
        })
    }

    /// An active peering connection.
    pub fn peering(&mut self, name: &str, requester: Id<Vpc>, accepter: Id<Vpc>) -> Id<PeeringConnection> {
        self.topology.peering_connections.push(PeeringConnection {
            label: Label::named(name),
            requester: Some(requester),
            accepter: Some(accepter),
            state: PeeringState::Active,
            requester_dns_resolution: false,
            accepter_dns_resolution: false,
        })
    }

    /// A host on the internet that answers on [`LISTENING`].
    pub fn internet_host(&mut self, name: &str, public: &str) -> Id<InternetHost> {
        let listener = |&(protocol, port): &(Protocol, u16)| Listener {
            protocol,
            ports: PortRange::single(port),
        };
        self.topology.internet_hosts.push(InternetHost {
            label: Label::named(name),
            address: address(public),
            listen: LISTENING.iter().map(listener).collect(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_vpc_comes_with_its_main_table_default_acl_and_default_group() {
        let mut sketch = Sketch::new("t");
        sketch.vpc("net", &["10.0.0.0/16"]);
        let topology = &sketch.topology;
        assert!(topology.route_tables.iter().any(|(_, table)| table.main));
        assert!(topology.network_acls.iter().any(|(_, acl)| acl.default));
        assert!(topology.security_groups.iter().any(|(_, group)| group.default));
    }

    #[test]
    fn further_interfaces_get_the_next_device_index() {
        let mut sketch = Sketch::new("t");
        let vpc = sketch.vpc("net", &["10.0.0.0/16"]);
        let subnet = sketch.subnet(vpc, "s", "10.0.1.0/24", None, None);
        let instance = sketch.instance("i");
        sketch.interface(instance, subnet, "10.0.1.4", &[]);
        let second = sketch.interface(instance, subnet, "10.0.1.5", &[]);
        let attachment = &sketch.topology.network_interfaces[second].attachment;
        assert_eq!(
            *attachment,
            Attachment::Instance {
                instance,
                device_index: 1
            }
        );
    }
}
