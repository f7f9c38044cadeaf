//! Which names resolve to what, seen from one VPC.
//!
//! # AWS semantics
//!
//! - Private names and the reverse names of private addresses resolve only with both DNS attributes of the VPC on (DNS-04).
//! - A public name resolves to the private address inside the VPC of its owner, and to the public one elsewhere (PIP-14).
//! - A peer sees the private address only if the peering connection is active, the owner's side allows it, and both VPCs have
//!   both DNS attributes on (DNS-09).
//!
//! # Where AWS is silent
//!
//! - A private name resolves only in the VPC whose interface has the address, not for its peers.
//! - An address whose VPC has not both DNS attributes on has no public name for anybody.
//! - Of the other names of the world, those of the design's internet hosts resolve, if they contain a dot.

use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;
use std::sync::Arc;

use super::names::{AwsName, private_domain, private_hostname, public_domain, public_hostname};
use crate::devices::peering_connection::PeeringState;
use crate::devices::{LoadBalancer, Vpc};
use crate::model::Id;
use crate::topology::Topology;

/// What a name resolves to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Resolution {
    /// An address record.
    Address(Ipv4Addr),
    /// A pointer to this name.
    Pointer(String),
    /// There is no such name.
    NoSuchName,
}

#[derive(Clone, Debug)]
struct PublicName {
    vpc: Id<Vpc>,
    region: String,
    private: Ipv4Addr,
}

/// The names that everybody can resolve.
#[derive(Clone, Debug, Default)]
pub struct PublicNames {
    aws: BTreeMap<Ipv4Addr, PublicName>,
    hosts: BTreeMap<String, Ipv4Addr>,
}

impl PublicNames {
    /// The public names of a topology's interfaces, NAT gateways and internet hosts.
    pub fn new(topology: &Topology) -> Arc<Self> {
        let mut names = Self::default();
        for (_, interface) in topology.network_interfaces.iter() {
            for address in &interface.addresses {
                names.add(topology, interface.subnet, address.private, address.public);
            }
        }
        for (_, gateway) in topology.nat_gateways.iter() {
            for address in &gateway.addresses {
                names.add(topology, gateway.subnet, address.private, address.public);
            }
        }
        for (_, host) in topology.internet_hosts.iter() {
            if host.label.name.contains('.') {
                names
                    .hosts
                    .insert(host.label.name.to_ascii_lowercase(), host.address);
            }
        }
        for (_, balancer) in topology.load_balancers.iter() {
            names.add_balancer(topology, balancer);
        }
        Arc::new(names)
    }

    /// A load balancer's name and those of its zones; public addresses inside the VPC too (ELB-02, NLB-19).
    fn add_balancer(&mut self, topology: &Topology, balancer: &LoadBalancer) {
        let Some(name) = balancer.dns_name.as_deref().map(str::to_ascii_lowercase) else {
            return;
        };
        for (node, (private, public)) in balancer.nodes.iter().zip(balancer.addresses(topology)) {
            let address = public.unwrap_or(private);
            let zone = &topology.subnets[node.subnet].availability_zone;
            self.hosts.insert(format!("{zone}.{name}"), address);
            self.hosts.entry(name.clone()).or_insert(address);
        }
    }

    fn add(
        &mut self,
        topology: &Topology,
        subnet: Id<crate::devices::Subnet>,
        private: Ipv4Addr,
        public: Option<Ipv4Addr>,
    ) {
        let (Some(public), Some(subnet)) = (public, topology.subnets.find(subnet)) else {
            return;
        };
        let vpc = &topology.vpcs[subnet.vpc];
        if has_names(vpc) {
            self.aws.entry(public).or_insert_with(|| PublicName {
                vpc: subnet.vpc,
                region: vpc.region.clone(),
                private,
            });
        }
    }
}

/// What one VPC's resolver knows.
#[derive(Clone, Debug)]
pub struct Horizon {
    region: String,
    named: bool,
    private: BTreeSet<Ipv4Addr>,
    sees_private: BTreeSet<Id<Vpc>>,
    public: Arc<PublicNames>,
}

impl Horizon {
    /// The view from a VPC.
    pub fn new(topology: &Topology, vpc: Id<Vpc>, public: Arc<PublicNames>) -> Self {
        let declared = &topology.vpcs[vpc];
        let mut private = BTreeSet::new();
        for (_, interface) in topology.network_interfaces.iter() {
            let subnet = topology.subnets.find(interface.subnet);
            if subnet.is_some_and(|subnet| subnet.vpc == vpc) {
                private.extend(interface.addresses.iter().map(|address| address.private));
            }
        }
        Self {
            region: declared.region.clone(),
            named: has_names(declared),
            private,
            sees_private: seen_from(topology, vpc),
            public,
        }
    }

    /// What a name resolves to; in small letters, without a final dot.
    pub fn resolve(&self, name: &str) -> Resolution {
        let found = match AwsName::parse(name) {
            Some(AwsName::Private(address, domain)) => self.private_address(address, &domain),
            Some(AwsName::Public(address, domain)) => self.public_address(address, &domain),
            Some(AwsName::Reverse(address)) => return self.pointer(address),
            None => self.public.hosts.get(name).copied(),
        };
        found.map_or(Resolution::NoSuchName, Resolution::Address)
    }

    fn private_address(&self, address: Ipv4Addr, domain: &str) -> Option<Ipv4Addr> {
        let known = self.named && domain == private_domain(&self.region) && self.private.contains(&address);
        known.then_some(address)
    }

    fn public_address(&self, address: Ipv4Addr, domain: &str) -> Option<Ipv4Addr> {
        let name = self.public.aws.get(&address)?;
        if domain != public_domain(&name.region) {
            return None;
        }
        let inside = self.sees_private.contains(&name.vpc);
        Some(if inside { name.private } else { address })
    }

    fn pointer(&self, address: Ipv4Addr) -> Resolution {
        if self.named && self.private.contains(&address) {
            return Resolution::Pointer(private_hostname(&self.region, address));
        }
        let public = self.public.aws.get(&address);
        public.map_or(Resolution::NoSuchName, |name| {
            Resolution::Pointer(public_hostname(&name.region, address))
        })
    }
}

fn has_names(vpc: &Vpc) -> bool {
    vpc.dns_support && vpc.dns_hostnames
}

/// The VPCs whose public names resolve to private addresses for `asking`.
fn seen_from(topology: &Topology, asking: Id<Vpc>) -> BTreeSet<Id<Vpc>> {
    let mut seen = BTreeSet::new();
    if !has_names(&topology.vpcs[asking]) {
        return seen;
    }
    seen.insert(asking);
    for (_, peering) in topology.peering_connections.iter() {
        if peering.state != PeeringState::Active {
            continue;
        }
        if peering.accepter == Some(asking) && peering.requester_dns_resolution {
            seen.extend(peering.requester);
        }
        if peering.requester == Some(asking) && peering.accepter_dns_resolution {
            seen.extend(peering.accepter);
        }
    }
    seen
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::devices::{InternetHost, PeeringConnection};
    use crate::model::Label;
    use crate::services::fixture::{add_vpc_with_instance, shop};

    const PUBLIC_NAME: &str = "ec2-203-0-113-5.eu-west-1.compute.amazonaws.com";
    const PRIVATE_NAME: &str = "ip-10-0-1-5.eu-west-1.compute.internal";

    fn resolve(topology: &Topology, vpc: usize, name: &str) -> Resolution {
        Horizon::new(topology, Id::from_index(vpc), PublicNames::new(topology)).resolve(name)
    }

    fn address(text: &str) -> Resolution {
        Resolution::Address(text.parse().unwrap())
    }

    /// `shop` with a peered VPC that asks for shop's names; the connection allows it.
    fn peered() -> Topology {
        let mut topology = shop();
        let office = add_vpc_with_instance(&mut topology, "office", "10.1.0.0/16", "10.1.1.5", None);
        topology.peering_connections.push(PeeringConnection {
            label: Label::named("pcx"),
            requester: Some(office),
            accepter: Some(Id::from_index(0)),
            state: PeeringState::Active,
            requester_dns_resolution: false,
            accepter_dns_resolution: true,
        });
        topology
    }

    #[test]
    fn private_and_reverse_names_resolve_only_with_both_attributes() {
        let mut topology = shop();
        assert_eq!(resolve(&topology, 0, PRIVATE_NAME), address("10.0.1.5"));
        assert_eq!(
            resolve(&topology, 0, "5.1.0.10.in-addr.arpa"),
            Resolution::Pointer(PRIVATE_NAME.to_owned())
        );
        topology.vpcs[Id::from_index(0)].dns_hostnames = false;
        assert_eq!(resolve(&topology, 0, PRIVATE_NAME), Resolution::NoSuchName);
        assert_eq!(
            resolve(&topology, 0, "5.1.0.10.in-addr.arpa"),
            Resolution::NoSuchName
        );
    }

    #[test]
    fn a_public_name_is_private_inside_its_vpc_and_public_elsewhere() {
        let mut topology = shop();
        add_vpc_with_instance(&mut topology, "other", "10.1.0.0/16", "10.1.1.5", None);
        assert_eq!(resolve(&topology, 0, PUBLIC_NAME), address("10.0.1.5"));
        assert_eq!(resolve(&topology, 1, PUBLIC_NAME), address("203.0.113.5"));
        assert_eq!(
            resolve(&topology, 1, "5.113.0.203.in-addr.arpa"),
            Resolution::Pointer(PUBLIC_NAME.to_owned())
        );
    }

    #[test]
    fn a_peer_sees_the_private_address_if_the_owners_side_allows_it() {
        let mut topology = peered();
        assert_eq!(resolve(&topology, 1, PUBLIC_NAME), address("10.0.1.5"));
        topology.peering_connections[Id::from_index(0)].accepter_dns_resolution = false;
        assert_eq!(resolve(&topology, 1, PUBLIC_NAME), address("203.0.113.5"));
    }

    #[test]
    fn a_peer_sees_the_public_address_without_an_active_connection_or_both_attributes() {
        let mut pending = peered();
        pending.peering_connections[Id::from_index(0)].state = PeeringState::PendingAcceptance;
        assert_eq!(resolve(&pending, 1, PUBLIC_NAME), address("203.0.113.5"));
        let mut nameless = peered();
        nameless.vpcs[Id::from_index(1)].dns_hostnames = false;
        assert_eq!(resolve(&nameless, 1, PUBLIC_NAME), address("203.0.113.5"));
    }

    #[test]
    fn a_private_name_does_not_resolve_for_a_peer() {
        assert_eq!(resolve(&peered(), 1, PRIVATE_NAME), Resolution::NoSuchName);
    }

    #[test]
    fn an_address_of_a_vpc_without_names_has_no_public_name() {
        let mut topology = shop();
        add_vpc_with_instance(&mut topology, "other", "10.1.0.0/16", "10.1.1.5", None);
        topology.vpcs[Id::from_index(0)].dns_hostnames = false;
        assert_eq!(resolve(&topology, 1, PUBLIC_NAME), Resolution::NoSuchName);
    }

    #[test]
    fn internet_hosts_resolve_by_names_with_a_dot() {
        let mut topology = shop();
        for (name, address) in [("Example.com", [198, 51, 100, 7]), ("laptop", [198, 51, 100, 8])] {
            topology.internet_hosts.push(InternetHost {
                label: Label::named(name),
                address: address.into(),
                listen: Vec::new(),
            });
        }
        assert_eq!(resolve(&topology, 0, "example.com"), address("198.51.100.7"));
        assert_eq!(resolve(&topology, 0, "laptop"), Resolution::NoSuchName);
    }

    #[test]
    fn names_of_free_addresses_and_foreign_regions_do_not_exist() {
        for name in [
            "ip-10-0-1-99.eu-west-1.compute.internal",
            "ip-10-0-1-5.ec2.internal",
            "ec2-203-0-113-5.compute-1.amazonaws.com",
            "ec2-203-0-113-99.eu-west-1.compute.amazonaws.com",
            "",
        ] {
            assert_eq!(resolve(&shop(), 0, name), Resolution::NoSuchName, "{name}");
        }
    }
}
