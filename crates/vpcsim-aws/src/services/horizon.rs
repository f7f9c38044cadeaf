//! Which names resolve to what, seen from one VPC.
//!
//! # AWS semantics
//!
//! - Private names and the reverse names of private addresses resolve only with both DNS attributes of the VPC on (DNS-04).
//! - A public name resolves to the private address inside the VPC of its owner, and to the public one elsewhere (PIP-14).
//! - A private name of a peer resolves under the same conditions; across regions nothing else makes it known (PCX-13).
//! - A peer sees the private address only if the peering connection is active, the owner's side allows it, and both VPCs have
//!   both DNS attributes on (DNS-09). So does a VPC that a transit gateway joins, if gateway and both attachments have DNS
//!   support (TGW-53).
//! - The name of a load balancer stands for all its nodes, that of a zone for one (ELB-02); so do the names of an interface
//!   endpoint, which everybody can resolve (EP-18).
//! - With a private DNS name the service's own name stands for the endpoint's interfaces inside its VPC, and for the public
//!   addresses elsewhere (EP-19). A gateway endpoint changes nothing about the name (EP-07).
//!
//! # Where AWS is silent
//!
//! - In one region, too, a private name resolves for a peer only if the owner's side allows it.
//! - An address whose VPC has not both DNS attributes on has no public name for anybody.
//! - An endpoint whose names are not given has them by its own name or id (`vpce-1.sqs.eu-west-1.vpce.amazonaws.com`, and
//!   `vpce-1-eu-west-1a.sqs…` for a zone).
//! - Of AWS's services those have public names whose prefix list the design has; they stand for its first address, and so does
//!   every name under them.
//! - Of the other names of the world, those of the design's internet hosts resolve, if they contain a dot.

use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;
use std::sync::Arc;

use super::names::{AwsName, private_domain, private_hostname, public_domain, public_hostname};
use crate::devices::peering_connection::PeeringState;
use crate::devices::transit_gateway_attachment::{AttachmentEnd, AttachmentState};
use crate::devices::vpc_endpoint::{EndpointForm, Service};
use crate::devices::{LoadBalancer, ManagedHost, Vpc, VpcEndpoint};
use crate::model::Id;
use crate::topology::Topology;

/// What a name resolves to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Resolution {
    /// Address records, of which there is at least one.
    Addresses(Vec<Ipv4Addr>),
    /// A pointer to this name.
    Pointer(String),
    /// There is no such name.
    NoSuchName,
}

#[derive(Clone, Debug)]
struct PublicName {
    vpc: Id<Vpc>,
    private: Ipv4Addr,
}

/// What a VPC's own addresses are called by.
#[derive(Clone, Debug)]
struct PrivateNames {
    region: String,
    /// Whether it has both DNS attributes on.
    named: bool,
    /// The private addresses of its interfaces, in order.
    addresses: Vec<Ipv4Addr>,
}

impl PrivateNames {
    fn contains(&self, address: Ipv4Addr) -> bool {
        self.addresses.binary_search(&address).is_ok()
    }
}

/// By VPC, in one pass over the interfaces.
fn private_names_by_vpc(topology: &Topology) -> Vec<PrivateNames> {
    let of = |(_, vpc): (Id<Vpc>, &Vpc)| PrivateNames {
        region: vpc.region.clone(),
        named: has_names(vpc),
        addresses: Vec::new(),
    };
    let mut names: Vec<PrivateNames> = topology.vpcs.iter().map(of).collect();
    for (_, interface) in topology.network_interfaces.iter() {
        if let Some(subnet) = topology.subnets.find(interface.subnet) {
            let own = interface.addresses.iter().map(|address| address.private);
            names[subnet.vpc.index()].addresses.extend(own);
        }
    }
    for vpc in &mut names {
        vpc.addresses.sort_unstable();
        vpc.addresses.shrink_to_fit();
    }
    names
}

/// The names that everybody can resolve, and the private addresses whose names some can.
#[derive(Clone, Debug, Default)]
pub struct PublicNames {
    private: Vec<PrivateNames>,
    aws: BTreeMap<Ipv4Addr, PublicName>,
    hosts: BTreeMap<String, Vec<Ipv4Addr>>,
    /// Names that stand for private addresses inside their VPC, and for public ones elsewhere.
    split: BTreeMap<String, (Id<Vpc>, Vec<Ipv4Addr>)>,
    balancers: BTreeMap<String, (Id<LoadBalancer>, Vec<Ipv4Addr>)>,
    /// Names that stand for whatever is under them too.
    services: BTreeMap<String, Vec<Ipv4Addr>>,
}

/// What a name stands for itself, or one that it is under.
fn find_above(names: &BTreeMap<String, Vec<Ipv4Addr>>, name: &str) -> Option<Vec<Ipv4Addr>> {
    let above = std::iter::successors(Some(name), |name| name.split_once('.').map(|(_, rest)| rest));
    above.into_iter().find_map(|name| names.get(name)).cloned()
}

impl PublicNames {
    /// The public names of a topology's interfaces, NAT gateways and internet hosts.
    pub fn new(topology: &Topology) -> Arc<Self> {
        let mut names = Self {
            private: private_names_by_vpc(topology),
            ..Self::default()
        };
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
                    .insert(host.label.name.to_ascii_lowercase(), vec![host.address]);
            }
        }
        for (id, balancer) in topology.load_balancers.iter() {
            names.add_balancer(topology, id, balancer);
        }
        for (_, endpoint) in topology.vpc_endpoints.iter() {
            names.add_endpoint(topology, endpoint);
        }
        for (id, host) in topology.managed_hosts.iter() {
            names.add_managed_host(topology, id, host);
        }
        for (_, list) in topology.prefix_lists.iter() {
            let address = list.first_host();
            if let (Some(service), Some(address)) = (list.service(), address) {
                names.services.insert(service.public_name(), vec![address]);
            }
        }
        Arc::new(names)
    }

    /// A load balancer's name and those of its zones; public addresses inside the VPC too (ELB-02, NLB-19).
    fn add_balancer(&mut self, topology: &Topology, id: Id<LoadBalancer>, balancer: &LoadBalancer) {
        let Some(name) = balancer.dns_name.as_deref().map(str::to_ascii_lowercase) else {
            return;
        };
        let addresses = balancer
            .addresses(topology)
            .map(|(private, public)| public.unwrap_or(private));
        let addresses: Vec<Ipv4Addr> = addresses.collect();
        for (node, address) in balancer.nodes.iter().zip(&addresses) {
            let zone = &topology.subnets[node.subnet].availability_zone;
            self.hosts.insert(format!("{zone}.{name}"), vec![*address]);
        }
        self.balancers.entry(name).or_insert((id, addresses));
    }

    /// An endpoint's own names: the regional one and those of its zones (EP-18).
    fn add_endpoint(&mut self, topology: &Topology, endpoint: &VpcEndpoint) {
        let places = || endpoint_places(topology, endpoint);
        let (regional, zonal) = match &endpoint.form {
            EndpointForm::Interface { dns_names, .. } if !dns_names.is_empty() => {
                (dns_names[0].to_ascii_lowercase(), dns_names[1..].to_vec())
            }
            _ => made_up_names(endpoint, places().map(|(zone, _)| zone)),
        };
        for (zone, address) in places() {
            let of_zone = zonal.iter().filter(|name| name.contains(&format!("-{zone}.")));
            self.hosts
                .extend(of_zone.map(|name| (name.to_ascii_lowercase(), vec![address])));
            self.hosts.entry(regional.clone()).or_default().push(address);
        }
    }

    /// A managed host's name (RDS-02, RDS-03); without a public address everybody gets the private one.
    fn add_managed_host(&mut self, topology: &Topology, id: Id<ManagedHost>, host: &ManagedHost) {
        let vpc = <ManagedHost as crate::Resource>::vpc(id, topology);
        let (Some(name), Some(vpc), Some((private, public))) =
            (&host.dns_name, vpc, host.addresses(topology).next())
        else {
            return;
        };
        let name = name.to_ascii_lowercase();
        self.split.insert(name.clone(), (vpc, vec![private]));
        self.hosts.insert(name, vec![public.unwrap_or(private)]);
    }

    fn addresses_inside(&self, vpc: Id<Vpc>, name: &str) -> Option<Vec<Ipv4Addr>> {
        let (own, addresses) = self.split.get(name)?;
        (*own == vpc).then(|| addresses.clone())
    }

    /// What a name that is none of a VPC's addresses stands for, for everybody; in small letters.
    ///
    /// `out_of_dns` says of a load balancer which of its nodes' addresses are withdrawn, a bit for each.
    pub fn addresses(
        &self,
        name: &str,
        out_of_dns: impl Fn(Id<LoadBalancer>) -> u64,
    ) -> Option<Vec<Ipv4Addr>> {
        if let Some((id, addresses)) = self.balancers.get(name) {
            let out = out_of_dns(*id);
            let stays = |place: usize| place >= 64 || out >> place & 1 == 0;
            let addresses = addresses.iter().enumerate().filter(|(place, _)| stays(*place));
            return Some(addresses.map(|(_, address)| *address).collect());
        }
        self.hosts
            .get(name)
            .cloned()
            .or_else(|| find_above(&self.services, name))
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
                private,
            });
        }
    }
}

/// The zones of an endpoint's interfaces, with their addresses.
fn endpoint_places<'t>(
    topology: &'t Topology,
    endpoint: &'t VpcEndpoint,
) -> impl Iterator<Item = (&'t str, Ipv4Addr)> {
    let rows = endpoint
        .interfaces()
        .iter()
        .filter_map(|id| topology.network_interfaces.find(*id));
    rows.filter_map(|row| {
        let subnet = topology.subnets.find(row.subnet)?;
        Some((subnet.availability_zone.as_str(), row.primary()?))
    })
}

fn made_up_names<'z>(endpoint: &VpcEndpoint, zones: impl Iterator<Item = &'z str>) -> (String, Vec<String>) {
    let own = endpoint.label.id_or_name();
    let domain = match endpoint.aws_service() {
        Some(service) => format!("{}.{}.vpce.amazonaws.com", service.service, service.region),
        None => "vpce.amazonaws.com".to_owned(),
    };
    let zonal = zones.map(|zone| format!("{own}-{zone}.{domain}"));
    (format!("{own}.{domain}").to_ascii_lowercase(), zonal.collect())
}

/// The names of services that stand for endpoints inside the VPC (EP-19).
fn private_names(topology: &Topology, vpc: Id<Vpc>) -> BTreeMap<String, Vec<Ipv4Addr>> {
    let mut names = BTreeMap::new();
    if !has_names(&topology.vpcs[vpc]) {
        return names;
    }
    for (_, endpoint) in topology
        .vpc_endpoints
        .iter()
        .filter(|(_, endpoint)| endpoint.vpc == vpc)
    {
        let is_private = matches!(
            endpoint.form,
            EndpointForm::Interface {
                private_dns: true,
                ..
            }
        );
        let own = match &endpoint.service {
            Service::Aws(service) => Some(service.public_name()),
            Service::Own(id) => {
                let service = &topology.endpoint_services[*id];
                service
                    .private_dns_name
                    .clone()
                    .filter(|_| service.private_dns_verified)
            }
            Service::Foreign(_) => None,
        };
        if let Some(own) = own.filter(|_| is_private) {
            let addresses: Vec<Ipv4Addr> = endpoint_places(topology, endpoint)
                .map(|(_, address)| address)
                .collect();
            if !addresses.is_empty() {
                names.insert(own.to_ascii_lowercase(), addresses);
            }
        }
    }
    names
}

/// What one VPC's resolver knows.
#[derive(Clone, Debug)]
pub struct Horizon {
    vpc: Id<Vpc>,
    /// The VPCs whose names stand for private addresses.
    sees_private: BTreeSet<Id<Vpc>>,
    services: BTreeMap<String, Vec<Ipv4Addr>>,
    public: Arc<PublicNames>,
}

impl Horizon {
    /// The view from a VPC.
    pub fn new(topology: &Topology, vpc: Id<Vpc>, public: Arc<PublicNames>) -> Self {
        Self {
            vpc,
            sees_private: seen_from(topology, vpc),
            services: private_names(topology, vpc),
            public,
        }
    }

    /// What a name resolves to; in small letters, without a final dot.
    ///
    /// `out_of_dns` says of a load balancer which of its nodes' addresses are withdrawn, a bit for each.
    pub fn resolve(&self, name: &str, out_of_dns: impl Fn(Id<LoadBalancer>) -> u64) -> Resolution {
        let found = match AwsName::parse(name) {
            Some(AwsName::Private(address, domain)) => {
                self.private_address(address, &domain).map(|own| vec![own])
            }
            Some(AwsName::Public(address, domain)) => {
                self.public_address(address, &domain).map(|own| vec![own])
            }
            Some(AwsName::Reverse(address)) => return self.pointer(address),
            None => find_above(&self.services, name)
                .or_else(|| self.public.addresses_inside(self.vpc, name))
                .or_else(|| self.public.addresses(name, out_of_dns)),
        };
        found.map_or(Resolution::NoSuchName, Resolution::Addresses)
    }

    fn own(&self) -> &PrivateNames {
        &self.public.private[self.vpc.index()]
    }

    fn region_of(&self, name: &PublicName) -> &str {
        &self.public.private[name.vpc.index()].region
    }

    /// A private name is known inside its VPC, and to peers that its owner lets know it.
    fn private_address(&self, address: Ipv4Addr, domain: &str) -> Option<Ipv4Addr> {
        let has = |vpc: &PrivateNames| vpc.contains(address) && domain == private_domain(&vpc.region);
        let peers = self.sees_private.iter().filter(|peer| **peer != self.vpc);
        let mut peers = peers.map(|peer| &self.public.private[peer.index()]);
        let known = self.own().named && (has(self.own()) || peers.any(|peer| peer.named && has(peer)));
        known.then_some(address)
    }

    fn public_address(&self, address: Ipv4Addr, domain: &str) -> Option<Ipv4Addr> {
        let name = self.public.aws.get(&address)?;
        if domain != public_domain(self.region_of(name)) {
            return None;
        }
        let inside = self.sees_private.contains(&name.vpc);
        Some(if inside { name.private } else { address })
    }

    fn pointer(&self, address: Ipv4Addr) -> Resolution {
        let own = self.own();
        if own.named && own.contains(address) {
            return Resolution::Pointer(private_hostname(&own.region, address));
        }
        let public = self.public.aws.get(&address);
        public.map_or(Resolution::NoSuchName, |name| {
            Resolution::Pointer(public_hostname(self.region_of(name), address))
        })
    }
}

fn has_names(vpc: &Vpc) -> bool {
    vpc.dns_support && vpc.dns_hostnames
}

/// The VPCs that are attached to one transit gateway with `asking`, where it and both attachments have DNS support (TGW-53).
fn across_transit_gateways(topology: &Topology, asking: Id<Vpc>) -> BTreeSet<Id<Vpc>> {
    let supporting = || {
        let rows = topology.transit_gateway_attachments.iter();
        rows.filter_map(|(_, row)| match row.end {
            AttachmentEnd::Vpc {
                vpc,
                dns_support: true,
                ..
            } if row.state == AttachmentState::Available => {
                let gateway = topology.transit_gateways.find(row.gateway)?;
                gateway.dns_support.then_some((row.gateway, vpc))
            }
            _ => None,
        })
    };
    let own: BTreeSet<_> = supporting()
        .filter(|(_, vpc)| *vpc == asking)
        .map(|(gateway, _)| gateway)
        .collect();
    supporting()
        .filter(|(gateway, _)| own.contains(gateway))
        .map(|(_, vpc)| vpc)
        .collect()
}

/// The VPCs whose public names resolve to private addresses for `asking`.
fn seen_from(topology: &Topology, asking: Id<Vpc>) -> BTreeSet<Id<Vpc>> {
    let mut seen = BTreeSet::new();
    if !has_names(&topology.vpcs[asking]) {
        return seen;
    }
    seen.insert(asking);
    seen.extend(across_transit_gateways(topology, asking));
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
        Horizon::new(topology, Id::from_index(vpc), PublicNames::new(topology)).resolve(name, |_| 0)
    }

    fn address(text: &str) -> Resolution {
        Resolution::Addresses(vec![text.parse().unwrap()])
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
    fn a_private_name_resolves_for_a_peer_only_if_the_owners_side_allows_it() {
        for region in ["eu-west-1", "us-east-1"] {
            let mut topology = peered();
            topology.vpcs[Id::from_index(1)].region = region.to_owned();
            assert_eq!(
                resolve(&topology, 1, PRIVATE_NAME),
                address("10.0.1.5"),
                "{region}"
            );
            let other_region = PRIVATE_NAME.replace("eu-west-1", "us-west-2");
            assert_eq!(resolve(&topology, 1, &other_region), Resolution::NoSuchName);
            topology.peering_connections[Id::from_index(0)].accepter_dns_resolution = false;
            assert_eq!(
                resolve(&topology, 1, PRIVATE_NAME),
                Resolution::NoSuchName,
                "{region}"
            );
        }
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

    /// `shop` with an endpoint in two zones, and a VPC beside it.
    fn with_endpoint(private_dns: bool) -> Topology {
        let mut topology = shop();
        add_vpc_with_instance(&mut topology, "other", "10.1.0.0/16", "10.1.1.5", None);
        let vpc = Id::from_index(0);
        let far = topology.subnets.push(crate::devices::Subnet::new(
            Label::named("b"),
            vpc,
            "eu-west-1b",
            "10.0.9.0/24".parse().unwrap(),
        ));
        let interfaces =
            [(Id::from_index(0), [10, 0, 1, 50]), (far, [10, 0, 9, 50])].map(|(subnet, address)| {
                let label = Label::named("eni");
                let row = crate::devices::NetworkInterface::new(label, subnet, address.into());
                topology.network_interfaces.push(row)
            });
        topology.vpc_endpoints.push(VpcEndpoint {
            label: Label::named("queue"),
            vpc,
            service: Service::named("com.amazonaws.eu-west-1.sqs"),
            state: crate::devices::vpc_endpoint::EndpointState::Available,
            form: EndpointForm::Interface {
                interfaces: interfaces.to_vec(),
                private_dns,
                dns_names: Vec::new(),
            },
        });
        topology
    }

    #[test]
    fn an_endpoints_name_stands_for_all_its_zones_and_a_zones_name_for_one() {
        let topology = with_endpoint(false);
        let both = Resolution::Addresses(vec![[10, 0, 1, 50].into(), [10, 0, 9, 50].into()]);
        for vpc in [0, 1] {
            assert_eq!(
                resolve(&topology, vpc, "queue.sqs.eu-west-1.vpce.amazonaws.com"),
                both
            );
            let zonal = "queue-eu-west-1b.sqs.eu-west-1.vpce.amazonaws.com";
            assert_eq!(resolve(&topology, vpc, zonal), address("10.0.9.50"));
        }
    }

    #[test]
    fn a_private_dns_name_stands_for_the_endpoint_inside_its_vpc_only() {
        let name = "sqs.eu-west-1.amazonaws.com";
        let both = Resolution::Addresses(vec![[10, 0, 1, 50].into(), [10, 0, 9, 50].into()]);
        assert_eq!(resolve(&with_endpoint(true), 0, name), both);
        assert_eq!(resolve(&with_endpoint(true), 1, name), Resolution::NoSuchName);
        assert_eq!(resolve(&with_endpoint(false), 0, name), Resolution::NoSuchName);
    }

    #[test]
    fn the_name_of_s3_and_of_its_buckets_stays_public_behind_a_gateway_endpoint() {
        let mut topology = shop();
        let service = crate::aws_service::ServiceName::parse("com.amazonaws.eu-west-1.s3").unwrap();
        topology
            .prefix_lists
            .push(crate::aws_service::known_list(&service).unwrap());
        for name in ["s3.eu-west-1.amazonaws.com", "photos.s3.eu-west-1.amazonaws.com"] {
            assert_eq!(resolve(&topology, 0, name), address("52.218.0.1"), "{name}");
        }
        assert_eq!(
            resolve(&topology, 0, "s3.eu-west-2.amazonaws.com"),
            Resolution::NoSuchName
        );
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
