//! Load balancers with their target groups, interface endpoints, and endpoints that lead to load balancers.

use vpcsim_aws::devices::endpoint_service::EndpointService;
use vpcsim_aws::devices::load_balancer::{
    Listener, ListenerProtocol, LoadBalancer, LoadBalancerNode, Scheme,
};
use vpcsim_aws::devices::network_interface::{
    Attachment, InterfaceAddress, NetworkInterface, TrackingTimeouts,
};
use vpcsim_aws::devices::target_group::{Target, TargetAddress, TargetGroup, TargetHealth, TargetType};
use vpcsim_aws::devices::vpc_endpoint::{EndpointForm, EndpointState, Service, VpcEndpoint};
use vpcsim_aws::devices::{Instance, Subnet, Vpc};
use vpcsim_aws::{Id, Label, Origin};

use super::{Maker, SERVICE_PORTS, nth, subnets_of};

/// Where the addresses of nodes and endpoints begin in their subnets.
const FIRST_HOST: u8 = 100;

impl Maker {
    /// Some VPCs have a load balancer, some endpoints.
    pub(super) fn receivers(&mut self) {
        let vpcs: Vec<Id<Vpc>> = self.sketch.topology.vpcs.ids().collect();
        for vpc in &vpcs {
            if self.percent(75) {
                self.load_balancer(*vpc);
            }
            if self.percent(50) {
                let service = Service::named("com.amazonaws.eu-west-1.sqs");
                self.endpoint(*vpc, "sqs", service);
            }
        }
        self.private_link(&vpcs);
    }

    /// One subnet for each zone of a VPC, the first of them surely.
    fn zonal_subnets(&mut self, vpc: Id<Vpc>) -> Vec<Id<Subnet>> {
        let mut chosen: Vec<Id<Subnet>> = Vec::new();
        for subnet in subnets_of(&self.sketch.topology, vpc) {
            let zone = |id: Id<Subnet>| &self.sketch.topology.subnets[id].availability_zone;
            let is_new = chosen.iter().all(|other| zone(*other) != zone(subnet));
            if is_new && (chosen.is_empty() || self.percent(70)) {
                chosen.push(subnet);
            }
        }
        chosen
    }

    fn managed(
        &mut self,
        name: String,
        subnet: Id<Subnet>,
        host: u8,
        has_groups: bool,
    ) -> Id<NetworkInterface> {
        let vpc = self.sketch.topology.subnets[subnet].vpc;
        let security_groups = if has_groups {
            self.some_groups(vpc)
        } else {
            Vec::new()
        };
        let topology = &mut self.sketch.topology;
        let private = nth(topology, subnet, host);
        topology.network_interfaces.push(NetworkInterface {
            label: Label::named(name),
            subnet,
            addresses: vec![InterfaceAddress {
                private,
                public: None,
                origin: Origin::NOWHERE,
            }],
            prefixes: Vec::new(),
            security_groups,
            source_dest_check: true,
            mac: None,
            attachment: Attachment::Managed,
            tracking: TrackingTimeouts::default(),
        })
    }

    fn load_balancer(&mut self, vpc: Id<Vpc>) {
        let name = format!("nlb{}", vpc.index());
        let is_public = self.has_gateway(vpc) && self.percent(60);
        let has_groups = self.percent(50);
        let scheme = if is_public {
            Scheme::InternetFacing
        } else {
            Scheme::Internal
        };
        let mut balancer = LoadBalancer::new(Label::named(name.clone()), vpc, scheme);
        for (place, subnet) in self.zonal_subnets(vpc).into_iter().enumerate() {
            let interface = self.managed(
                format!("{name}-{place}"),
                subnet,
                FIRST_HOST + place as u8,
                has_groups,
            );
            if is_public {
                let public = self.public_address();
                self.sketch.public(interface, &public);
            }
            balancer.nodes.push(LoadBalancerNode { subnet, interface });
        }
        balancer.cross_zone = self.percent(50);
        for port in SERVICE_PORTS {
            if self.percent(70) {
                let group = self
                    .percent(90)
                    .then(|| self.target_group(vpc, &format!("{name}-{port}")));
                let protocols = [
                    ListenerProtocol::Tcp,
                    ListenerProtocol::Udp,
                    ListenerProtocol::TcpUdp,
                ];
                let own = group.map(|group| self.sketch.topology.target_groups[group].protocol);
                let protocol = own
                    .or_else(|| self.pick(&protocols))
                    .unwrap_or(ListenerProtocol::Tcp);
                balancer.listeners.push(Listener::new(protocol, port, group));
            }
        }
        self.sketch.topology.load_balancers.push(balancer);
    }

    fn target_group(&mut self, vpc: Id<Vpc>, name: &str) -> Id<TargetGroup> {
        let protocols = [
            ListenerProtocol::Tcp,
            ListenerProtocol::Tcp,
            ListenerProtocol::Udp,
            ListenerProtocol::TcpUdp,
        ];
        let protocol = self.pick(&protocols).unwrap_or(ListenerProtocol::Tcp);
        let port = self.pick(&SERVICE_PORTS).unwrap_or(443);
        let mut group = TargetGroup::new(Label::named(name), vpc, protocol, port);
        let by_instance = self.percent(60);
        group.target_type = if by_instance {
            TargetType::Instance
        } else {
            TargetType::Ip
        };
        let others = if by_instance { Some(vpc) } else { None };
        let candidates = self.instances_of(others);
        for _ in 0..self.random.below(4) {
            let Some((instance, address)) = self.pick(&candidates) else {
                continue;
            };
            let to = if by_instance {
                TargetAddress::Instance(instance)
            } else {
                TargetAddress::Address(address)
            };
            if group.targets.iter().any(|target| target.to == to) {
                continue;
            }
            let states = [
                TargetHealth::Healthy,
                TargetHealth::Unhealthy,
                TargetHealth::Draining,
            ];
            let health = if self.percent(20) {
                self.pick(&states)
            } else {
                None
            };
            let port = if self.percent(20) {
                self.pick(&SERVICE_PORTS)
            } else {
                None
            };
            group.targets.push(Target { to, port, health });
        }
        group.preserve_client_ip = if self.percent(40) {
            Some(self.percent(50))
        } else {
            None
        };
        group.cross_zone = if self.percent(25) {
            Some(self.percent(50))
        } else {
            None
        };
        group.sticky = self.percent(10);
        group.proxy_protocol = self.percent(10);
        self.sketch.topology.target_groups.push(group)
    }

    /// Instances with their primary addresses: those of a VPC, or all.
    fn instances_of(&self, vpc: Option<Id<Vpc>>) -> Vec<(Id<Instance>, std::net::Ipv4Addr)> {
        let topology = &self.sketch.topology;
        let primary = topology
            .network_interfaces
            .iter()
            .filter_map(|(_, row)| match row.attachment {
                Attachment::Instance {
                    instance,
                    device_index: 0,
                } => {
                    let own = topology.subnets[row.subnet].vpc;
                    Some((own, instance, row.addresses.first()?.private))
                }
                _ => None,
            });
        let wanted = primary.filter(|(own, ..)| vpc.is_none_or(|vpc| vpc == *own));
        wanted.map(|(_, instance, address)| (instance, address)).collect()
    }

    fn endpoint(&mut self, vpc: Id<Vpc>, name: &str, service: Service) {
        let first = FIRST_HOST + 10 + self.sketch.topology.vpc_endpoints.len() as u8 * 4;
        let name = format!("{name}{}", vpc.index());
        let mut interfaces = Vec::new();
        for (place, subnet) in self.zonal_subnets(vpc).into_iter().enumerate() {
            interfaces.push(self.managed(format!("{name}-{place}"), subnet, first + place as u8, true));
        }
        let state = if self.percent(90) {
            EndpointState::Available
        } else {
            EndpointState::Pending
        };
        self.sketch.topology.vpc_endpoints.push(VpcEndpoint {
            label: Label::named(name),
            vpc,
            service,
            state,
            form: EndpointForm::Interface {
                interfaces,
                private_dns: false,
                dns_names: Vec::new(),
            },
        });
    }

    /// Now and then a load balancer is a service for another VPC.
    fn private_link(&mut self, vpcs: &[Id<Vpc>]) {
        let balancers: Vec<_> = self.sketch.topology.load_balancers.ids().collect();
        let (Some(balancer), Some(consumer)) = (self.pick(&balancers), self.pick(vpcs)) else {
            return;
        };
        if !self.percent(50) {
            return;
        }
        self.sketch.topology.load_balancers[balancer].judges_endpoints = self.percent(50);
        let service = self.sketch.topology.endpoint_services.push(EndpointService {
            label: Label::named("service"),
            service_name: None,
            load_balancers: vec![balancer],
            allowed_principals: Vec::new(),
            private_dns_name: None,
            private_dns_verified: false,
        });
        self.endpoint(consumer, "link", Service::Own(service));
    }
}
