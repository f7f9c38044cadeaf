//! Managed host: what AWS runs for a customer inside the customer's VPC, such as a database, a cache or a function.
//!
//! # AWS semantics
//!
//! - Its interfaces are AWS's, and the customer's security groups and network ACLs decide about them as about any other
//!   (SG-25, RDS-04).
//! - A database is placed in one subnet of its subnet group, which covers two zones at least (RDS-01).
//! - Its name resolves to the private address inside its VPC, and to the public one outside if it has one (RDS-02, RDS-03).
//! - A database listens on the port of its engine: 3306, 5432, 1433, 1521 (RDS-04).
//!
//! # Where AWS is silent
//!
//! - It accepts connections on every one of its interfaces; of a standby nobody says which.
//! - It answers pings, as an instance does.

use std::net::Ipv4Addr;

use vpcsim_engine::{NodeId, Port};
use vpcsim_wire::Protocol;

use crate::arrangement::{Arrangement, Rank, Renumbering};
use crate::compile::place::interface_mac;
use crate::compile::{HostInterfacePlan, HostPlan, LinkLayer, Place, Slot};
use crate::devices::instance::{HostRouting, JUMBO_MTU, Listener};
use crate::devices::network_interface::{self, FROM_OWNER};
use crate::devices::{Coverage, Kind, NetworkInterface, Resource, Subnet, Vpc};
use crate::model::{Finding, Findings, Id, Label};
use crate::topology::Topology;
use crate::traffic::PortRange;

/// The service of Amazon RDS.
pub const DATABASE: &str = "database";

/// A host that AWS runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ManagedHost {
    /// How it is called.
    pub label: Label,
    /// What it is (`database`, `Lambda function`).
    pub service: String,
    /// Its interfaces, the primary one first.
    pub interfaces: Vec<Id<NetworkInterface>>,
    /// The subnets among which AWS chose; empty if nothing says so.
    pub subnet_group: Vec<Id<Subnet>>,
    /// The services it answers on.
    pub listen: Vec<Listener>,
    /// Its name in the DNS, where the input says it.
    pub dns_name: Option<String>,
}

/// The port that a database of this engine listens on (RDS-04).
pub fn port_of_engine(engine: &str) -> Option<u16> {
    let begins = |words: &[&str]| words.iter().any(|word| engine.starts_with(word));
    match () {
        () if begins(&["mysql", "mariadb", "aurora-mysql"]) || engine == "aurora" => Some(3306),
        () if begins(&["postgres", "aurora-postgresql"]) => Some(5432),
        () if begins(&["sqlserver", "custom-sqlserver"]) => Some(1433),
        () if begins(&["oracle", "custom-oracle"]) => Some(1521),
        () if begins(&["docdb"]) => Some(27_017),
        () if begins(&["neptune"]) => Some(8182),
        () if begins(&["db2"]) => Some(50_000),
        () => None,
    }
}

/// What a managed service of this kind listens on, if that goes without saying.
pub fn ports_of_service(service: &str) -> &'static [u16] {
    match service {
        "cache" => &[6379, 11_211],
        "file system" => &[2049],
        "Kubernetes control plane" => &[443],
        _ => &[],
    }
}

/// Listeners on these TCP ports.
pub fn listeners(ports: impl IntoIterator<Item = u16>) -> Vec<Listener> {
    let listener = |port| Listener { protocol: Protocol::TCP, ports: PortRange::single(port) };
    ports.into_iter().map(listener).collect()
}

impl ManagedHost {
    /// The private and the public addresses of its interfaces.
    pub fn addresses<'t>(
        &'t self,
        topology: &'t Topology,
    ) -> impl Iterator<Item = (Ipv4Addr, Option<Ipv4Addr>)> + 't {
        let rows = self.interfaces.iter().filter_map(|id| topology.network_interfaces.find(*id));
        rows.flat_map(|row| row.addresses.iter().map(|address| (address.private, address.public)))
    }
}

impl Resource for ManagedHost {
    const KIND: Kind = Kind::ManagedHost;
    const NOUN: &'static str = "managed host";
    const COVERAGE: Coverage = Coverage::of("databases, caches, functions as hosts with listeners", "failover");

    fn label(&self) -> &Label {
        &self.label
    }

    fn vpc(id: Id<Self>, topology: &Topology) -> Option<Id<Vpc>> {
        let first = topology.managed_hosts[id].interfaces.first()?;
        NetworkInterface::vpc(*first, topology)
    }

    fn rank(&self, _: Id<Self>, arrangement: &Arrangement<'_>) -> Rank {
        let interfaces = &arrangement.topology.network_interfaces;
        let first = self.interfaces.first().and_then(|id| interfaces.find(*id));
        first.map_or(Rank::LAST, |row| arrangement.in_subnet(row.subnet))
    }

    fn renumber(&mut self, order: &Renumbering) {
        order.ids(&mut self.interfaces);
        order.ids(&mut self.subnet_group);
    }

    fn validate(id: Id<Self>, topology: &Topology, findings: &mut Findings) {
        let host = &topology.managed_hosts[id];
        let (name, origin) = (host.label.display(), host.label.origin);
        let group: Vec<&Subnet> = host.subnet_group.iter().filter_map(|id| topology.subnets.find(*id)).collect();
        if group.iter().any(|subnet| subnet.vpc != group[0].vpc) {
            let message = format!("the subnet group of {} {name} has subnets of several VPCs", host.service);
            let finding = Finding::error("subnet-group", origin, message).rule("RDS-01");
            findings.push(finding.help("name subnets of one VPC"));
        }
        let has_two_zones = group.iter().any(|subnet| subnet.availability_zone != group[0].availability_zone);
        if host.service == DATABASE && !group.is_empty() && !has_two_zones {
            let message = format!("the subnet group of database {name} covers one zone only, {}", group[0].availability_zone);
            let finding = Finding::error("subnet-group", origin, message).rule("RDS-01");
            findings.push(finding.help("add a subnet of another zone: a database needs two, even if it uses one"));
        }
    }

    fn place(id: Id<Self>, place: &mut Place<'_>) {
        let topology = place.topology;
        let declared = &topology.managed_hosts[id];
        let node = place.reserve_slot(id, Slot::Host(place.hosts.len()));
        let mut interfaces = Vec::new();
        for (index, interface) in declared.interfaces.iter().enumerate() {
            let served = network_interface::serve_checked(*interface, node, Port(index as u32), place);
            interfaces.extend(served.map(|(own, _)| line(*interface, own, topology)));
        }
        place.hosts.push(HostPlan {
            node,
            owner: id.into(),
            listen: declared.listen.as_slice().into(),
            routing: HostRouting::PerInterface,
            appliance: None,
            interfaces: interfaces.into(),
        });
    }
}

fn line(interface: Id<NetworkInterface>, node: NodeId, topology: &Topology) -> HostInterfacePlan {
    let row = &topology.network_interfaces[interface];
    let subnet = &topology.subnets[row.subnet];
    HostInterfacePlan {
        interface,
        mac: row.mac.unwrap_or_else(|| interface_mac(interface.index())),
        addresses: row.addresses.iter().map(|address| address.private).collect(),
        prefix_len: subnet.cidr.prefix_len(),
        router: subnet.router(),
        mtu: JUMBO_MTU,
        node,
        port: FROM_OWNER,
        link_layer: LinkLayer::Ip,
    }
}

#[cfg(test)]
mod tests {
    use vpcsim_wire::{PacketBuilder, tcp};

    use super::*;
    use crate::devices::network_interface::Attachment;
    use crate::fixtures::{Lab, address, allow, attach, group, interface, subnet, vpc};
    use crate::traffic::Traffic;

    /// A client in one subnet, and a database in another whose group allows port 5432.
    fn design() -> (Topology, Id<NetworkInterface>, Id<ManagedHost>) {
        let mut topology = Topology::named("t", "eu-west-1");
        let vpc = topology.vpcs.push(vpc("v", "10.0.0.0/16"));
        let near = topology.subnets.push(subnet(vpc, "near", "10.0.1.0/24"));
        let far = topology.subnets.push(subnet(vpc, "far", "10.0.2.0/24"));
        let open = || vec![allow(Traffic::All, "0.0.0.0/0")];
        let open = topology.security_groups.push(group(vpc, "open", open(), open()));
        let postgres = vec![allow(Traffic::Tcp(PortRange::single(5432)), "10.0.0.0/16")];
        let postgres = topology.security_groups.push(group(vpc, "db", postgres, Vec::new()));
        let client = attach(&mut topology, "client", interface(near, "10.0.1.10", &[open]));
        let mut own = interface(far, "10.0.2.10", &[postgres]);
        own.attachment = Attachment::Managed;
        let own = topology.network_interfaces.push(own);
        let host = topology.managed_hosts.push(ManagedHost {
            label: Label::named("orders"),
            service: DATABASE.to_owned(),
            interfaces: vec![own],
            subnet_group: Vec::new(),
            listen: listeners([5432]),
            dns_name: None,
        });
        (topology, client, host)
    }

    fn codes(topology: &Topology, id: Id<ManagedHost>) -> Vec<&'static str> {
        let mut findings = Findings::default();
        ManagedHost::validate(id, topology, &mut findings);
        findings.iter().map(|finding| finding.code).collect()
    }

    #[test]
    fn the_customers_security_group_decides_who_reaches_it() {
        let (topology, client, host) = design();
        let mut lab = Lab::new(topology);
        let syn = |port| PacketBuilder::tcp(address("10.0.1.10"), 40_000, address("10.0.2.10"), port).flags(tcp::SYN);
        assert_eq!(lab.send(client, &syn(5432).build()), "emit EniOut SubnetOut Route SubnetIn EniIn deliver");
        assert!(lab.send(client, &syn(22).build()).ends_with("drop SG_INGRESS"));
        let plan = lab.compiled.hosts.iter().find(|plan| plan.owner == host.into()).unwrap();
        let (node, line) = (plan.node, (plan.interfaces[0].node, plan.interfaces[0].port));
        let answer = PacketBuilder::tcp(address("10.0.2.10"), 5432, address("10.0.1.10"), 40_000);
        let way = lab.send_between(node, line, &answer.flags(tcp::SYN | tcp::ACK).build());
        assert_eq!(way, "emit EniOut SubnetOut Route SubnetIn EniIn deliver");
        let unasked = PacketBuilder::tcp(address("10.0.2.10"), 40_001, address("10.0.1.10"), 80).flags(tcp::SYN);
        assert!(lab.send_between(node, line, &unasked.build()).ends_with("drop SG_EGRESS"));
    }

    #[test]
    fn a_databases_subnet_group_covers_two_zones_of_one_vpc() {
        let (mut topology, _, host) = design();
        let [near, far] = [0, 1].map(Id::from_index);
        assert!(codes(&topology, host).is_empty(), "nothing says which group it has");
        topology.managed_hosts[host].subnet_group = vec![near, far];
        assert_eq!(codes(&topology, host), ["subnet-group"], "both are in one zone");
        topology.subnets[far].availability_zone = "eu-west-1b".to_owned();
        assert!(codes(&topology, host).is_empty());
        let other = topology.vpcs.push(vpc("other", "10.1.0.0/16"));
        topology.subnets[far].vpc = other;
        assert_eq!(codes(&topology, host), ["subnet-group"]);
        topology.managed_hosts[host].service = "cache".to_owned();
        topology.managed_hosts[host].subnet_group = vec![near];
        assert!(codes(&topology, host).is_empty(), "other services need no second zone");
    }

    #[test]
    fn a_database_listens_on_the_port_of_its_engine() {
        let engines = ["mysql", "aurora", "aurora-postgresql", "postgres", "sqlserver-ex", "oracle-ee", "?"];
        let ports = engines.map(port_of_engine);
        let expected = [Some(3306), Some(3306), Some(5432), Some(5432), Some(1433), Some(1521), None];
        assert_eq!(ports, expected);
    }

    #[test]
    fn its_name_resolves_to_the_private_address_inside_and_to_the_public_one_outside() {
        use crate::services::horizon::{Horizon, PublicNames, Resolution};
        let (mut topology, _, host) = design();
        let own = topology.managed_hosts[host].interfaces[0];
        topology.network_interfaces[own].addresses[0].public = Some(address("203.0.113.9"));
        topology.managed_hosts[host].dns_name = Some("orders.abc.eu-west-1.rds.amazonaws.com".to_owned());
        let other = topology.vpcs.push(vpc("other", "10.1.0.0/16"));
        let public = PublicNames::new(&topology);
        let resolve = |vpc| {
            let horizon = Horizon::new(&topology, vpc, std::sync::Arc::clone(&public));
            horizon.resolve("orders.abc.eu-west-1.rds.amazonaws.com", |_| 0)
        };
        assert_eq!(resolve(Id::from_index(0)), Resolution::Addresses(vec![address("10.0.2.10")]));
        assert_eq!(resolve(other), Resolution::Addresses(vec![address("203.0.113.9")]));
        let outside = public.addresses("orders.abc.eu-west-1.rds.amazonaws.com", |_| 0);
        assert_eq!(outside, Some(vec![address("203.0.113.9")]));
    }
}
