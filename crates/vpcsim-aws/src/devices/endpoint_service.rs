//! Endpoint service: Network Load Balancers that endpoints of other VPCs lead to (PrivateLink).
//!
//! # AWS semantics
//!
//! - It stands in front of Network Load Balancers, each of which is in one service only (EP-25).
//! - An endpoint's interface uses one load balancer that has a node in its zone, and stays with it (EP-26, EP-33).
//! - Its endpoints are refused in zones where it has no node (EP-21).
//! - Who may make endpoints, principals of other accounts, has to be allowed (EP-27); until one is accepted nothing passes.
//! - The targets see the load balancer's node as the source, whatever their group says about the client's address (EP-28); the
//!   proxy protocol tells the client and the endpoint (EP-29).
//! - The ranges of the two VPCs may overlap (EP-30). The provider opens no connection to the client (EP-31).
//! - The load balancer's security groups judge the client's own private address, unless that is switched off (EP-32).
//! - A private name can be used once its domain is verified (EP-34).
//! - A node has 55,000 ports for each target (EP-35).
//!
//! # Where AWS is silent
//!
//! - Which load balancer an interface uses is decided by its number.
//! - The network ACLs of the load balancer's subnets do not see what comes by an endpoint; those of the way to the targets do.

use vpcsim_engine::Port;

use crate::arrangement::{Arrangement, Rank, Renumbering};
use crate::compile::Place;
use crate::devices::vpc_endpoint::Service;
use crate::devices::{Coverage, Kind, LoadBalancer, Resource, Vpc, VpcEndpoint};
use crate::model::{Finding, Findings, Id, Label};
use crate::topology::Topology;

/// An endpoint service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EndpointService {
    /// How it is called.
    pub label: Label,
    /// Its full name (`com.amazonaws.vpce.eu-west-1.vpce-svc-…`), where the input says it.
    pub service_name: Option<String>,
    /// Its load balancers.
    pub load_balancers: Vec<Id<LoadBalancer>>,
    /// Who of other accounts may make endpoints: ARNs, account numbers, or `*` (EP-27).
    pub allowed_principals: Vec<String>,
    /// The name that clients can use, if there is one.
    pub private_dns_name: Option<String>,
    /// Whether the domain of that name is verified (EP-34).
    pub private_dns_verified: bool,
}

impl EndpointService {
    /// The provider's VPC.
    pub fn provider(&self, topology: &Topology) -> Option<Id<Vpc>> {
        let first = self.load_balancers.first()?;
        topology.load_balancers.find(*first).map(|balancer| balancer.vpc)
    }

    /// Whether principals of the account may make endpoints (EP-27).
    pub fn allows(&self, account: &str, topology: &Topology) -> bool {
        let own = self.provider(topology).map_or("", |vpc| topology.vpcs[vpc].account.as_str());
        let named = |principal: &String| {
            principal == "*" || principal == account || principal.contains(&format!(":{account}:"))
        };
        own == account || self.allowed_principals.iter().any(named)
    }
}

/// A way from an interface of an endpoint into a load balancer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Link {
    pub endpoint: Id<VpcEndpoint>,
    /// The endpoint's interface, by its place.
    pub place: usize,
    pub balancer: Id<LoadBalancer>,
    /// The load balancer's node in the interface's zone.
    pub node: usize,
}

/// The links of an endpoint's interfaces; `None` where the service has no node in the zone.
pub(crate) fn links_of(id: Id<VpcEndpoint>, place: &Place<'_>) -> Vec<Option<Link>> {
    let topology = place.topology;
    let endpoint = &topology.vpc_endpoints[id];
    let Service::Own(service) = endpoint.service else { return Vec::new() };
    let service = &topology.endpoint_services[service];
    let link = |(number, interface): (usize, &Id<_>)| {
        let zone = place.zone_of(topology.network_interfaces[*interface].subnet);
        let nodes = service.load_balancers.iter().filter_map(|balancer| {
            let mut nodes = topology.load_balancers[*balancer].nodes.iter();
            let node = nodes.position(|node| place.zone_of(node.subnet) == zone)?;
            Some(Link { endpoint: id, place: number, balancer: *balancer, node })
        });
        let nodes: Vec<Link> = nodes.collect();
        nodes.get((id.index() + number) % nodes.len().max(1)).copied()
    };
    endpoint.interfaces().iter().enumerate().map(link).collect()
}

/// Every link into a load balancer; their order numbers them.
pub(crate) fn links_into(balancer: Id<LoadBalancer>, place: &Place<'_>) -> Vec<Link> {
    let endpoints = place.topology.vpc_endpoints.ids();
    let links = endpoints.flat_map(|endpoint| links_of(endpoint, place)).flatten();
    links.filter(|link| link.balancer == balancer).collect()
}

/// The port of the load balancer's node by which what comes by the link enters.
pub(crate) fn port_of(link: Link, place: &Place<'_>) -> Option<Port> {
    let number = links_into(link.balancer, place).iter().position(|other| *other == link)?;
    Some(crate::devices::load_balancer::device::private_link(number))
}

impl Resource for EndpointService {
    const KIND: Kind = Kind::EndpointService;
    const NOUN: &'static str = "endpoint service";
    const COVERAGE: Coverage = Coverage::of(
        "Network Load Balancers, principals, private names, proxy protocol",
        "gateway load balancers",
    );

    fn label(&self) -> &Label {
        &self.label
    }

    fn rank(&self, _: Id<Self>, _: &Arrangement<'_>) -> Rank {
        Rank::default()
    }

    fn renumber(&mut self, order: &Renumbering) {
        order.ids(&mut self.load_balancers);
    }

    fn validate(id: Id<Self>, topology: &Topology, findings: &mut Findings) {
        let service = &topology.endpoint_services[id];
        let (name, origin) = (service.label.display(), service.label.origin);
        if service.load_balancers.is_empty() {
            let message = format!("endpoint service {name} has no load balancer: nothing answers its endpoints");
            let finding = Finding::warning("endpoint-service-load-balancer", origin, message).rule("EP-25");
            findings.push(finding.help("name a Network Load Balancer"));
        }
        for balancer in &service.load_balancers {
            let mut earlier = topology.endpoint_services.iter().take(id.index());
            if let Some((_, other)) = earlier.find(|(_, other)| other.load_balancers.contains(balancer)) {
                let (balancer, other) = (topology.name_of(*balancer), other.label.display());
                let message = format!("load balancer {balancer} of endpoint service {name} is in {other} already");
                let finding = Finding::error("endpoint-service-load-balancer", origin, message).rule("EP-25");
                findings.push(finding.help("give each service load balancers of its own"));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use vpcsim_wire::{PacketBuilder, summarize, tcp};

    use super::*;
    use crate::devices::load_balancer::{Listener, ListenerProtocol, LoadBalancerNode, Scheme};
    use crate::devices::network_interface::Attachment;
    use crate::devices::target_group::{Target, TargetAddress, TargetGroup, TargetHealth};
    use crate::devices::vpc_endpoint::{EndpointForm, EndpointState};
    use crate::devices::{NetworkInterface, SecurityGroup, Subnet};
    use crate::fixtures::{Lab, address, allow, attach, group, interface, subnet, vpc};
    use crate::traffic::{PortRange, Traffic};

    const CLIENT: &str = "10.0.1.10";
    const ENDPOINT: &str = "10.0.1.20";
    const NODE: &str = "10.0.1.30";
    const TARGET: &str = "10.0.1.40";

    /// Two VPCs of the same range: a client with an endpoint, and the provider with a load balancer and a target.
    struct Design {
        topology: Topology,
        client: Id<NetworkInterface>,
        target: Id<NetworkInterface>,
        endpoint: Id<VpcEndpoint>,
        service: Id<EndpointService>,
        balancer: Id<LoadBalancer>,
        group: Id<TargetGroup>,
        target_rules: Id<SecurityGroup>,
    }

    fn managed(topology: &mut Topology, subnet: Id<Subnet>, address: &str, groups: &[Id<SecurityGroup>]) -> Id<NetworkInterface> {
        let mut row = interface(subnet, address, groups);
        row.attachment = Attachment::Managed;
        topology.network_interfaces.push(row)
    }

    fn design() -> Design {
        let mut topology = Topology::named("t", "eu-west-1");
        let [consumer, provider] = ["consumer", "provider"].map(|name| topology.vpcs.push(vpc(name, "10.0.0.0/16")));
        topology.vpcs[consumer].account = "111111111111".to_owned();
        topology.vpcs[provider].account = "222222222222".to_owned();
        let [near, far] = [consumer, provider].map(|vpc| topology.subnets.push(subnet(vpc, "net", "10.0.1.0/24")));
        let open = || vec![allow(Traffic::All, "0.0.0.0/0")];
        let open_near = topology.security_groups.push(group(consumer, "open", open(), open()));
        let from_node = vec![allow(Traffic::Tcp(PortRange::single(8080)), "10.0.1.30/32")];
        let target_rules = topology.security_groups.push(group(provider, "from node", from_node, open()));
        let client = attach(&mut topology, "client", interface(near, CLIENT, &[open_near]));
        let target = attach(&mut topology, "target", interface(far, TARGET, &[target_rules]));
        let own = managed(&mut topology, near, ENDPOINT, &[open_near]);
        let node = managed(&mut topology, far, NODE, &[]);
        let mut targets = TargetGroup::new(Label::named("web"), provider, ListenerProtocol::Tcp, 8080);
        targets.preserve_client_ip = Some(true);
        targets.targets = vec![Target { to: TargetAddress::Address(address(TARGET)), port: None, health: Some(TargetHealth::Healthy) }];
        let targets = topology.target_groups.push(targets);
        let balancer = topology.load_balancers.push(LoadBalancer {
            nodes: vec![LoadBalancerNode { subnet: far, interface: node }],
            listeners: vec![Listener::new(ListenerProtocol::Tcp, 443, Some(targets))],
            ..LoadBalancer::new(Label::named("front"), provider, Scheme::Internal)
        });
        let service = topology.endpoint_services.push(EndpointService {
            label: Label::named("billing"),
            service_name: None,
            load_balancers: vec![balancer],
            allowed_principals: vec!["arn:aws:iam::111111111111:root".to_owned()],
            private_dns_name: None,
            private_dns_verified: false,
        });
        let endpoint = topology.vpc_endpoints.push(VpcEndpoint {
            label: Label::named("vpce-1"),
            vpc: consumer,
            service: Service::Own(service),
            state: EndpointState::Available,
            form: EndpointForm::Interface { interfaces: vec![own], private_dns: false, dns_names: Vec::new() },
        });
        Design { topology, client, target, endpoint, service, balancer, group: targets, target_rules }
    }

    fn syn(port: u16) -> Vec<u8> {
        PacketBuilder::tcp(address(CLIENT), 40_000, address(ENDPOINT), port).flags(tcp::SYN).seq(7).build()
    }

    fn codes(design: &Design) -> Vec<&'static str> {
        let mut findings = Findings::default();
        for id in design.topology.endpoint_services.ids() {
            EndpointService::validate(id, &design.topology, &mut findings);
        }
        VpcEndpoint::validate(design.endpoint, &design.topology, &mut findings);
        findings.iter().map(|finding| finding.code).collect()
    }

    #[test]
    fn the_target_sees_the_node_and_the_answer_finds_back_although_the_ranges_overlap() {
        let design = design();
        let mut lab = Lab::new(design.topology);
        let way = lab.send(design.client, &syn(443));
        assert_eq!(way, "emit EniOut Route EniIn Gateway rewrite Gateway EniOut EniIn deliver");
        let received = lab.received(design.target);
        let there = summarize(&received[0]).unwrap();
        assert_eq!((there.source(), there.key.destination_port()), (address(NODE), 8080));
        let answer = PacketBuilder::tcp(address(TARGET), 8080, address(NODE), there.key.source_port());
        let way = lab.send(design.target, &answer.flags(tcp::SYN | tcp::ACK).seq(1).ack(8).build());
        assert_eq!(way, "emit EniOut Route EniIn rewrite Gateway Gateway EniOut EniIn deliver");
        let back = summarize(&lab.received(design.client)[0]).unwrap();
        assert_eq!((back.source(), back.key.source_port()), (address(ENDPOINT), 443));
    }

    #[test]
    fn clients_of_two_endpoints_that_are_alike_in_all_are_kept_apart() {
        let mut design = design();
        let third = design.topology.vpcs.push(vpc("third", "10.0.0.0/16"));
        let net = design.topology.subnets.push(subnet(third, "net", "10.0.1.0/24"));
        let open = || vec![allow(Traffic::All, "0.0.0.0/0")];
        let open = design.topology.security_groups.push(group(third, "open", open(), open()));
        let twin = attach(&mut design.topology, "twin", interface(net, CLIENT, &[open]));
        let own = managed(&mut design.topology, net, ENDPOINT, &[open]);
        let mut endpoint = design.topology.vpc_endpoints[design.endpoint].clone();
        endpoint.vpc = third;
        endpoint.form = EndpointForm::Interface { interfaces: vec![own], private_dns: false, dns_names: Vec::new() };
        design.topology.vpc_endpoints.push(endpoint);
        let mut lab = Lab::new(design.topology);
        for client in [design.client, twin] {
            assert!(lab.send(client, &syn(443)).ends_with("deliver"));
        }
        let ports: Vec<u16> =
            lab.received(design.target).iter().map(|bytes| summarize(bytes).unwrap().key.source_port()).collect();
        assert_ne!(ports[0], ports[1]);
        let answer = PacketBuilder::tcp(address(TARGET), 8080, address(NODE), ports[1]).flags(tcp::SYN | tcp::ACK);
        assert!(lab.send(design.target, &answer.build()).ends_with("deliver"));
        assert_eq!((lab.received(design.client).len(), lab.received(twin).len()), (0, 1));
    }

    #[test]
    fn the_provider_opens_no_connection_to_the_client() {
        let mut design = design();
        let everything = vec![allow(Traffic::All, "0.0.0.0/0")];
        design.topology.security_groups[design.target_rules].egress = everything;
        let mut lab = Lab::new(design.topology);
        let syn = PacketBuilder::tcp(address(TARGET), 40_000, address(CLIENT), 80).flags(tcp::SYN);
        assert!(lab.send(design.target, &syn.build()).ends_with("drop NO_SUCH_ADDRESS"));
        assert!(lab.received(design.client).is_empty());
    }

    #[test]
    fn a_port_without_a_listener_answers_nothing_and_a_connection_amid_gets_a_reset() {
        let design = design();
        let mut lab = Lab::new(design.topology);
        assert!(lab.send(design.client, &syn(80)).ends_with("drop NLB_LISTENER"));
        assert!(lab.received(design.client).is_empty());
        let amid = PacketBuilder::tcp(address(CLIENT), 40_001, address(ENDPOINT), 443).flags(tcp::ACK).seq(9);
        assert!(lab.send(design.client, &amid.build()).ends_with("drop VPCE_NO_FLOW"));
        let reset = lab.received(design.client);
        assert!(summarize(&reset[0]).unwrap().is_rst());
    }

    #[test]
    fn the_load_balancers_group_judges_the_clients_own_address_unless_that_is_off() {
        let mut design = design();
        let provider = design.topology.load_balancers[design.balancer].vpc;
        let rules = |cidr: &str| vec![allow(Traffic::Tcp(PortRange::single(443)), cidr)];
        let open = vec![allow(Traffic::All, "0.0.0.0/0")];
        let own = design.topology.security_groups.push(group(provider, "balancer", rules("10.2.0.0/16"), open));
        let node = design.topology.load_balancers[design.balancer].nodes[0].interface;
        design.topology.network_interfaces[node].security_groups = vec![own];
        let mut lab = Lab::new(design.topology.clone());
        assert!(lab.send(design.client, &syn(443)).ends_with("drop VPCE_BALANCER_RULES"));
        design.topology.load_balancers[design.balancer].judges_endpoints = false;
        let mut lab = Lab::new(design.topology.clone());
        assert!(lab.send(design.client, &syn(443)).ends_with("deliver"));
        design.topology.load_balancers[design.balancer].judges_endpoints = true;
        design.topology.security_groups[own].ingress = rules("10.0.1.10/32");
        let mut lab = Lab::new(design.topology);
        assert!(lab.send(design.client, &syn(443)).ends_with("deliver"));
    }

    #[test]
    fn the_proxy_protocol_tells_the_client_and_the_endpoint() {
        let mut design = design();
        design.topology.target_groups[design.group].proxy_protocol = true;
        let mut lab = Lab::new(design.topology);
        assert!(lab.send(design.client, &syn(443)).ends_with("deliver"));
        let port = summarize(&lab.received(design.target)[0]).unwrap().key.source_port();
        let answer = PacketBuilder::tcp(address(TARGET), 8080, address(NODE), port).flags(tcp::SYN | tcp::ACK);
        let _way = lab.send(design.target, &answer.seq(100).ack(8).build());
        let ack = PacketBuilder::tcp(address(CLIENT), 40_000, address(ENDPOINT), 443).flags(tcp::ACK).seq(8).ack(101);
        let _way = lab.send(design.client, &ack.build());
        let received = lab.received(design.target);
        let payload = &received[1][40..];
        assert_eq!(&payload[..12], b"\r\n\r\n\0\r\nQUIT\n");
        assert_eq!(payload[16..20], address(CLIENT).octets());
        assert!(payload.ends_with(b"\xea\x00\x07\x01vpce-1"), "{payload:?}");
    }

    #[test]
    fn a_zone_without_a_load_balancer_is_refused_and_what_comes_there_is_dropped() {
        let mut design = design();
        let near = design.topology.network_interfaces[design.client].subnet;
        design.topology.subnets[near].availability_zone = "eu-west-1b".to_owned();
        assert_eq!(codes(&design), ["endpoint-service-zone"]);
        let mut lab = Lab::new(design.topology);
        assert!(lab.send(design.client, &syn(443)).ends_with("drop VPCE_SERVICE_NOT_IN_ZONE"));
    }

    #[test]
    fn an_interface_uses_one_of_several_load_balancers_in_its_zone() {
        let mut design = design();
        let mut second = design.topology.load_balancers[design.balancer].clone();
        let far = second.nodes[0].subnet;
        second.nodes[0].interface = managed(&mut design.topology, far, "10.0.1.31", &[]);
        let second = design.topology.load_balancers.push(second);
        design.topology.endpoint_services[design.service].load_balancers.push(second);
        let anywhere = vec![allow(Traffic::All, "0.0.0.0/0")];
        design.topology.security_groups[design.target_rules].ingress = anywhere;
        let mut lab = Lab::new(design.topology);
        for port in 40_000..40_020 {
            let syn = PacketBuilder::tcp(address(CLIENT), port, address(ENDPOINT), 443).flags(tcp::SYN);
            assert!(lab.send(design.client, &syn.build()).ends_with("deliver"));
        }
        let nodes: std::collections::BTreeSet<_> =
            lab.received(design.target).iter().map(|bytes| summarize(bytes).unwrap().source()).collect();
        assert_eq!(nodes.len(), 1, "all connections of one interface go the same way");
    }

    #[test]
    fn other_accounts_have_to_be_allowed_and_load_balancers_serve_one_service() {
        let mut design = design();
        assert!(codes(&design).is_empty());
        let again = design.topology.endpoint_services[design.service].clone();
        design.topology.endpoint_services.push(again);
        assert_eq!(codes(&design), ["endpoint-service-load-balancer"]);
        design.topology.endpoint_services[design.service].allowed_principals.clear();
        assert_eq!(codes(&design), ["endpoint-service-load-balancer", "endpoint-service-permission"]);
        design.topology.endpoint_services[design.service].allowed_principals = vec!["*".to_owned()];
        assert_eq!(codes(&design).len(), 1);
    }

    #[test]
    fn a_private_name_resolves_once_its_domain_is_verified() {
        use crate::services::horizon::{Horizon, PublicNames, Resolution};
        let mut design = design();
        let consumer = design.topology.vpc_endpoints[design.endpoint].vpc;
        let row = &mut design.topology.vpcs[consumer];
        (row.dns_support, row.dns_hostnames) = (true, true);
        if let EndpointForm::Interface { private_dns, .. } = &mut design.topology.vpc_endpoints[design.endpoint].form {
            *private_dns = true;
        }
        design.topology.endpoint_services[design.service].private_dns_name = Some("billing.example.com".to_owned());
        let resolve = |topology: &Topology| {
            Horizon::new(topology, consumer, PublicNames::new(topology)).resolve("billing.example.com", |_| 0)
        };
        assert_eq!(codes(&design), ["endpoint-private-dns"]);
        assert_eq!(resolve(&design.topology), Resolution::NoSuchName);
        design.topology.endpoint_services[design.service].private_dns_verified = true;
        assert!(codes(&design).is_empty());
        assert_eq!(resolve(&design.topology), Resolution::Addresses(vec![address(ENDPOINT)]));
    }

    #[test]
    fn a_pending_endpoint_lets_nothing_pass() {
        let mut design = design();
        design.topology.vpc_endpoints[design.endpoint].state = EndpointState::Pending;
        let mut lab = Lab::new(design.topology);
        assert!(lab.send(design.client, &syn(443)).ends_with("drop VPCE_NOT_AVAILABLE"));
    }
}
