//! From the words in a question to who sends and which address is meant.

use std::net::Ipv4Addr;

use thiserror::Error;
use vpcsim_aws::devices::network_interface::Attachment;
use vpcsim_aws::devices::{
    AnyId, Instance, InternetHost, LoadBalancer, ManagedHost, NetworkInterface, Vpc, VpcEndpoint,
};
use vpcsim_aws::services::horizon::{Horizon, PublicNames, Resolution};
use vpcsim_aws::{Id, Label, Topology};

use crate::directory::Directory;
use crate::similar::edit_distance;

/// The word for anybody outside.
pub const INTERNET: &str = "internet";

/// Why a question cannot be asked.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum QuestionError {
    /// Nothing has that name.
    #[error("nothing is called `{text}`{}", suggestion(.similar))]
    Unknown {
        /// What was asked for.
        text: String,
        /// Names that are similar, the most similar first.
        similar: Vec<String>,
    },
    /// Several things have that name or address.
    #[error("`{text}` is ambiguous: it may be {}", .candidates.join(" or "))]
    Ambiguous {
        /// What was asked for.
        text: String,
        /// Words that are not ambiguous.
        candidates: Vec<String>,
    },
    /// The source is something that sends nothing by itself.
    #[error("`{text}` cannot be a source: it is {what}, and no host")]
    NoHost {
        /// What was asked for.
        text: String,
        /// What it is.
        what: String,
    },
    /// The destination is something without an address.
    #[error("`{text}` has no address")]
    NoAddress {
        /// What was asked for.
        text: String,
    },
    /// The host does not have the address that it shall bind to.
    #[error("{host} cannot bind to {address}: it only has {}", .owned.iter().map(ToString::to_string).collect::<Vec<_>>().join(", "))]
    ForeignBind {
        /// The host.
        host: String,
        /// The address.
        address: Ipv4Addr,
        /// The addresses that it has.
        owned: Vec<Ipv4Addr>,
    },
    /// The protocol is no protocol, or not one that this source can send.
    #[error("`{text}` is no protocol that {source_name} can send: use tcp, udp or icmp")]
    Protocol {
        /// What was asked for.
        text: String,
        /// Who shall send it.
        source_name: String,
    },
    /// TCP and UDP need a destination port.
    #[error("{protocol} to {destination} needs a destination port")]
    NoPort {
        /// The protocol.
        protocol: String,
        /// The destination as written.
        destination: String,
    },
}

fn suggestion(similar: &[String]) -> String {
    match similar {
        [] => String::new(),
        names => format!("; did you mean {}?", names.join(" or ")),
    }
}

/// Who sends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// A host in a VPC: an instance, or a managed host.
    Host {
        /// The host.
        host: AnyId,
        /// The address that the question names, if it names one.
        bind: Option<Ipv4Addr>,
    },
    /// Somebody on the internet, with this address.
    Internet(Ipv4Addr),
}

/// What a name can stand for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Named {
    Instance(Id<Instance>),
    Interface(Id<NetworkInterface>),
    Host(Id<InternetHost>),
    Balancer(Id<LoadBalancer>),
    Endpoint(Id<VpcEndpoint>),
    Managed(Id<ManagedHost>),
}

impl Named {
    pub(crate) fn any(self) -> AnyId {
        match self {
            Self::Instance(id) => id.into(),
            Self::Interface(id) => id.into(),
            Self::Host(id) => id.into(),
            Self::Balancer(id) => id.into(),
            Self::Endpoint(id) => id.into(),
            Self::Managed(id) => id.into(),
        }
    }
}

/// Who is meant as a source.
///
/// # Errors
/// [`QuestionError`] if nobody is, or more than one, or something that cannot send.
pub fn source(directory: &Directory, text: &str, src_ip: Option<Ipv4Addr>) -> Result<Source, QuestionError> {
    let topology = directory.topology();
    if text.eq_ignore_ascii_case(INTERNET) {
        return Ok(Source::Internet(src_ip.unwrap_or(directory.outside[0])));
    }
    if let Ok(address) = text.parse() {
        return source_by_address(directory, text, address);
    }
    match by_name(directory, text)? {
        host @ (Named::Instance(_) | Named::Managed(_)) => Ok(Source::Host {
            host: host.any(),
            bind: None,
        }),
        Named::Host(host) => Ok(Source::Internet(topology.internet_hosts[host].address)),
        Named::Interface(interface) => {
            let first = topology.network_interfaces[interface].addresses.first();
            on_interface(topology, text, interface, first.map(|address| address.private))
        }
        Named::Balancer(_) => Err(QuestionError::NoHost {
            text: text.to_owned(),
            what: "a load balancer".to_owned(),
        }),
        Named::Endpoint(_) => Err(QuestionError::NoHost {
            text: text.to_owned(),
            what: "a VPC endpoint".to_owned(),
        }),
    }
}

/// Which address is meant as a destination, by somebody inside AWS or on the internet.
///
/// `out_of_dns` says of a load balancer which of its nodes are out of the DNS, a bit for each.
///
/// # Errors
/// [`QuestionError`] if nothing has the name, or more than one thing.
pub fn destination(
    directory: &Directory,
    text: &str,
    from: &Source,
    out_of_dns: &dyn Fn(Id<LoadBalancer>) -> u64,
) -> Result<Ipv4Addr, QuestionError> {
    let topology = directory.topology();
    if text.eq_ignore_ascii_case(INTERNET) {
        return Ok(directory.outside[1]);
    }
    if let Ok(address) = text.parse() {
        return Ok(address);
    }
    let named = match by_name(directory, text) {
        Err(error @ QuestionError::Unknown { .. }) => {
            return in_the_dns(directory, text, from, out_of_dns).ok_or(error);
        }
        named => named?,
    };
    let interfaces = match named {
        Named::Host(host) => return Ok(topology.internet_hosts[host].address),
        Named::Interface(interface) => vec![interface],
        host @ (Named::Instance(_) | Named::Managed(_)) => directory.interfaces_of(host.any()),
        Named::Balancer(balancer) => return balancer_address(topology, text, balancer, out_of_dns(balancer)),
        Named::Endpoint(endpoint) => return endpoint_address(topology, text, endpoint),
    };
    let addresses = || {
        interfaces
            .iter()
            .flat_map(|id| &topology.network_interfaces[*id].addresses)
    };
    let public = addresses().find_map(|address| address.public);
    let private = addresses().map(|address| address.private).next();
    let meant = match from {
        Source::Internet(_) => public.or(private),
        Source::Host { .. } => private,
    };
    meant.ok_or_else(|| QuestionError::NoAddress {
        text: text.to_owned(),
    })
}

/// What the name of a load balancer resolves to: its first node in the DNS (ELB-02, ELB-03), at the public address where it
/// has one.
fn balancer_address(
    topology: &Topology,
    text: &str,
    id: Id<LoadBalancer>,
    out: u64,
) -> Result<Ipv4Addr, QuestionError> {
    let nodes = topology.load_balancers[id].addresses(topology).enumerate();
    let mut nodes = nodes.filter(|(place, _)| *place >= 64 || out >> place & 1 == 0);
    let first = nodes.next().map(|(_, addresses)| addresses);
    first
        .map(|(private, public)| public.unwrap_or(private))
        .ok_or_else(|| QuestionError::NoAddress {
            text: text.to_owned(),
        })
}

/// The first interface of an endpoint; for one without any the first address of its service.
fn endpoint_address(topology: &Topology, text: &str, id: Id<VpcEndpoint>) -> Result<Ipv4Addr, QuestionError> {
    let endpoint = &topology.vpc_endpoints[id];
    let mut rows = endpoint.interfaces().iter();
    let own = rows.find_map(|interface| topology.network_interfaces.find(*interface)?.primary());
    let of_service = || {
        let list = topology.service_list(endpoint.aws_service()?)?;
        topology.prefix_lists[list].first_host()
    };
    own.or_else(of_service).ok_or_else(|| QuestionError::NoAddress {
        text: text.to_owned(),
    })
}

/// What a host name resolves to for the one who asks: inside a VPC by its resolver, outside by the public names.
fn in_the_dns(
    directory: &Directory,
    text: &str,
    from: &Source,
    out_of_dns: &dyn Fn(Id<LoadBalancer>) -> u64,
) -> Option<Ipv4Addr> {
    let name = text.trim_end_matches('.').to_ascii_lowercase();
    if !name.contains('.') {
        return None;
    }
    let topology = directory.topology();
    let public = PublicNames::new(topology);
    let vpc = match from {
        Source::Host { host, .. } => vpc_of_host(directory, *host),
        Source::Internet(_) => None,
    };
    let addresses = match vpc {
        None => public.addresses(&name, out_of_dns)?,
        Some(vpc) => match Horizon::new(topology, vpc, public).resolve(&name, out_of_dns) {
            Resolution::Addresses(addresses) => addresses,
            _ => return None,
        },
    };
    addresses.first().copied()
}

/// An address on the internet that nothing in the design has, near 198.51.100.`start`.
pub(crate) fn free_outside_address(topology: &Topology, start: u8) -> Ipv4Addr {
    let is_taken = |address: Ipv4Addr| {
        let interfaces = topology.network_interfaces.iter();
        let mut publics =
            interfaces.flat_map(|(_, interface)| interface.addresses.iter().filter_map(|a| a.public));
        let nat_addresses = topology.nat_gateways.iter().flat_map(|(_, nat)| &nat.addresses);
        publics.any(|public| public == address)
            || nat_addresses.into_iter().any(|nat| nat.public == Some(address))
            || topology
                .internet_hosts
                .iter()
                .any(|(_, host)| host.address == address)
            || topology
                .elastic_ips
                .iter()
                .any(|(_, elastic_ip)| elastic_ip.address == address)
    };
    let candidates = (0..=u8::MAX).map(|step| Ipv4Addr::new(198, 51, 100, start.wrapping_add(step)));
    let mut free =
        candidates.filter(|address| !matches!(address.octets()[3], 0 | 255) && !is_taken(*address));
    free.next().unwrap_or(Ipv4Addr::new(203, 0, 113, start))
}

fn source_by_address(directory: &Directory, text: &str, address: Ipv4Addr) -> Result<Source, QuestionError> {
    let topology = directory.topology();
    let interfaces = directory.owners_of(address);
    let owners: Vec<(Id<NetworkInterface>, Ipv4Addr)> = interfaces
        .flat_map(|id| {
            topology.network_interfaces[id]
                .addresses
                .iter()
                .map(move |owned| (id, owned))
        })
        .filter(|(_, owned)| owned.private == address || owned.public == Some(address))
        .map(|(id, owned)| (id, owned.private))
        .collect();
    match owners[..] {
        [(interface, private)] => on_interface(topology, text, interface, Some(private)),
        [] if address.is_private() => Err(unknown(topology, text)),
        [] => Ok(Source::Internet(address)),
        _ => Err(QuestionError::Ambiguous {
            text: text.to_owned(),
            candidates: owners
                .iter()
                .map(|(interface, _)| unambiguous(directory, (*interface).into()))
                .collect(),
        }),
    }
}

fn on_interface(
    topology: &Topology,
    text: &str,
    interface: Id<NetworkInterface>,
    bind: Option<Ipv4Addr>,
) -> Result<Source, QuestionError> {
    let what = match &topology.network_interfaces[interface].attachment {
        Attachment::Instance { instance, .. } => {
            return Ok(Source::Host {
                host: (*instance).into(),
                bind,
            });
        }
        Attachment::None => "a detached interface".to_owned(),
        Attachment::Managed => match managed_host_of(topology, interface) {
            Some(host) => return Ok(Source::Host { host, bind }),
            None => "the interface of a gateway".to_owned(),
        },
        Attachment::Unmodelled(noun) => format!("the interface of a {noun}"),
    };
    Err(QuestionError::NoHost {
        text: text.to_owned(),
        what,
    })
}

/// The managed host that an interface belongs to.
fn managed_host_of(topology: &Topology, interface: Id<NetworkInterface>) -> Option<AnyId> {
    let mut hosts = topology.managed_hosts.iter();
    let found = hosts.find(|(_, host)| host.interfaces.contains(&interface));
    found.map(|(id, _)| id.into())
}

fn vpc_of_host(directory: &Directory, host: AnyId) -> Option<Id<Vpc>> {
    let first = *directory.interfaces_of(host).first()?;
    vpc_of(directory, Named::Interface(first))
}

pub(crate) fn candidates(topology: &Topology) -> impl Iterator<Item = (Named, &Label)> {
    let instances = topology
        .instances
        .iter()
        .map(|(id, instance)| (Named::Instance(id), &instance.label));
    let interfaces = topology
        .network_interfaces
        .iter()
        .map(|(id, interface)| (Named::Interface(id), &interface.label));
    let hosts = topology
        .internet_hosts
        .iter()
        .map(|(id, host)| (Named::Host(id), &host.label));
    let balancers = topology
        .load_balancers
        .iter()
        .map(|(id, balancer)| (Named::Balancer(id), &balancer.label));
    let managed = topology
        .managed_hosts
        .iter()
        .map(|(id, host)| (Named::Managed(id), &host.label));
    let endpoints = topology
        .vpc_endpoints
        .iter()
        .map(|(id, endpoint)| (Named::Endpoint(id), &endpoint.label));
    instances
        .chain(interfaces)
        .chain(hosts)
        .chain(balancers)
        .chain(endpoints)
        .chain(managed)
}

/// Ids are looked at first, then names, then `Name` tags: the first kind of match that anything has decides.
fn by_name(directory: &Directory, text: &str) -> Result<Named, QuestionError> {
    let topology = directory.topology();
    let mut balancers = topology.load_balancers.iter();
    let in_the_dns = balancers.find(|(_, balancer)| balancer.dns_name.as_deref() == Some(text));
    if let Some((id, _)) = in_the_dns {
        return Ok(Named::Balancer(id));
    }
    let (vpc, name) = match text.split_once('/') {
        Some((vpc, name)) => (Some(vpc), name),
        None => (None, text),
    };
    let in_vpc = |named: Named| {
        vpc.is_none_or(|wanted| {
            vpc_of(directory, named).is_some_and(|vpc| {
                let label = &topology.vpcs[vpc].label;
                label.name == wanted || label.id.as_deref() == Some(wanted)
            })
        })
    };
    let matchers: [fn(&Label, &str) -> bool; 3] = [
        |label, text| label.id.as_deref() == Some(text),
        |label, text| label.name == text,
        |label, text| label.tag("Name") == Some(text),
    ];
    for matches in matchers {
        let found: Vec<Named> = directory
            .called(name)
            .filter(|(named, label)| matches(label, name) && in_vpc(*named))
            .map(|(named, _)| named)
            .collect();
        // An instance and its interface may share a name: then the instance is meant.
        let best = found.iter().min();
        let rivals = found
            .iter()
            .filter(|named| best.is_some_and(|best| best.any().kind == named.any().kind));
        match (best, rivals.count()) {
            (None, _) => {}
            (Some(&named), 1) => return Ok(named),
            _ => {
                let candidates = found
                    .iter()
                    .map(|named| unambiguous(directory, named.any()))
                    .collect();
                return Err(QuestionError::Ambiguous {
                    text: text.to_owned(),
                    candidates,
                });
            }
        }
    }
    Err(unknown(topology, text))
}

fn vpc_of(directory: &Directory, named: Named) -> Option<Id<Vpc>> {
    let topology = directory.topology();
    let interface = match named {
        Named::Interface(id) => id,
        Named::Instance(_) | Named::Managed(_) => *directory.interfaces_of(named.any()).first()?,
        Named::Balancer(id) => return Some(topology.load_balancers[id].vpc),
        Named::Endpoint(id) => return Some(topology.vpc_endpoints[id].vpc),
        Named::Host(_) => return None,
    };
    topology
        .subnets
        .find(topology.network_interfaces[interface].subnet)
        .map(|subnet| subnet.vpc)
}

/// The id, or `vpc/name` where there is none.
pub(crate) fn unambiguous(directory: &Directory, any: AnyId) -> String {
    let topology = directory.topology();
    let Some(label) = topology.label(any) else {
        return "?".to_owned();
    };
    if let Some(id) = &label.id {
        return id.clone();
    }
    let named = any
        .downcast()
        .map(Named::Instance)
        .or_else(|| any.downcast().map(Named::Managed))
        .or_else(|| any.downcast().map(Named::Endpoint))
        .or_else(|| any.downcast().map(Named::Interface));
    match named.and_then(|named| vpc_of(directory, named)) {
        Some(vpc) => format!("{}/{}", topology.name_of(vpc), label.name),
        None => label.name.clone(),
    }
}

fn unknown(topology: &Topology, text: &str) -> QuestionError {
    let bound = (text.chars().count() / 3).max(1);
    let names =
        candidates(topology).flat_map(|(_, label)| label.id.iter().chain(std::iter::once(&label.name)));
    let internet = INTERNET.to_owned();
    let mut similar: Vec<(usize, &String)> = names
        .chain(std::iter::once(&internet))
        .map(|name| (edit_distance(text, name), name))
        .filter(|(distance, _)| *distance <= bound)
        .collect();
    similar.sort_unstable();
    similar.dedup();
    let similar = similar
        .into_iter()
        .take(3)
        .map(|(_, name)| name.clone())
        .collect();
    QuestionError::Unknown {
        text: text.to_owned(),
        similar,
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::fixtures::{instance, shop, vpc};

    fn instance_name(topology: &Topology, source: Result<Source, QuestionError>) -> String {
        match source.unwrap() {
            Source::Host { host, .. } => topology.label(host).unwrap().name.clone(),
            Source::Internet(address) => address.to_string(),
        }
    }

    fn directory(topology: Topology) -> Directory {
        Directory::of(Arc::new(topology), &[])
    }

    #[test]
    fn a_source_is_named_by_name_interface_address_or_word() {
        let design = directory(shop().topology);
        let named = |text| instance_name(design.topology(), source(&design, text, None));
        for text in ["web-1", "web-1 eni", "shop/web-1", "10.0.1.10", "203.0.113.10"] {
            assert_eq!(named(text), "web-1", "{text}");
        }
        assert_eq!(named("laptop"), "198.51.100.7");
        assert_eq!(named("8.8.8.8"), "8.8.8.8");
        assert_eq!(named("internet"), "198.51.100.200");
        let src_ip = Ipv4Addr::new(67, 160, 71, 197);
        assert_eq!(
            source(&design, "internet", Some(src_ip)),
            Ok(Source::Internet(src_ip))
        );
    }

    #[test]
    fn a_source_that_an_address_names_sends_from_that_address() {
        let design = directory(shop().topology);
        let Ok(Source::Host { bind, .. }) = source(&design, "203.0.113.10", None) else {
            panic!()
        };
        assert_eq!(bind, Some(Ipv4Addr::new(10, 0, 1, 10)));
    }

    #[test]
    fn a_name_means_the_public_address_from_outside_and_the_private_one_inside() {
        let design = directory(shop().topology);
        let outside = source(&design, "internet", None).unwrap();
        let inside = source(&design, "db-1", None).unwrap();
        assert_eq!(
            destination(&design, "web-1", &outside, &|_| 0),
            Ok(Ipv4Addr::new(203, 0, 113, 10))
        );
        assert_eq!(
            destination(&design, "web-1", &inside, &|_| 0),
            Ok(Ipv4Addr::new(10, 0, 1, 10))
        );
        assert_eq!(
            destination(&design, "db-1", &outside, &|_| 0),
            Ok(Ipv4Addr::new(10, 0, 2, 10))
        );
        assert_eq!(
            destination(&design, "1.2.3.4", &inside, &|_| 0),
            Ok(Ipv4Addr::new(1, 2, 3, 4))
        );
    }

    #[test]
    fn a_name_that_nobody_has_is_answered_with_similar_ones() {
        let design = directory(shop().topology);
        let error = source(&design, "wbe-1", None).unwrap_err();
        assert_eq!(
            error.to_string(),
            "nothing is called `wbe-1`; did you mean web-1?"
        );
        let error = source(&design, "balancer", None).unwrap_err();
        assert_eq!(error.to_string(), "nothing is called `balancer`");
    }

    #[test]
    fn an_address_that_two_vpcs_have_is_ambiguous_as_a_source() {
        let mut shop = shop();
        let other = vpc(&mut shop.topology, "other", "10.0.0.0/16");
        let mut subnet = shop.topology.subnets[shop.public_subnet].clone();
        subnet.vpc = other;
        let subnet = shop.topology.subnets.push(subnet);
        instance(
            &mut shop.topology,
            "web-1",
            subnet,
            "10.0.1.10",
            shop.web_group,
            80,
        );
        let design = directory(shop.topology);
        let error = source(&design, "10.0.1.10", None).unwrap_err();
        assert_eq!(
            error.to_string(),
            "`10.0.1.10` is ambiguous: it may be shop/web-1 eni or other/web-1 eni"
        );
        assert!(matches!(
            source(&design, "web-1", None),
            Err(QuestionError::Ambiguous { .. })
        ));
        assert!(source(&design, "other/web-1", None).is_ok());
    }
}
