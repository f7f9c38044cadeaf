//! What AWS refuses of an endpoint, and what makes one useless.

use std::collections::BTreeSet;

use super::{EndpointForm, Service, VpcEndpoint};
use crate::aws_service::{self, ServiceName};
use crate::devices::{NetworkInterface, RouteTable, Subnet};
use crate::model::{Finding, Findings, Id, Origin};
use crate::topology::Topology;

pub(super) fn validate(id: Id<VpcEndpoint>, topology: &Topology, findings: &mut Findings) {
    let endpoint = &topology.vpc_endpoints[id];
    let mut check = Check { id, endpoint, topology, name: endpoint.label.display(), findings };
    check.service();
    match &endpoint.form {
        EndpointForm::Gateway { route_tables } => {
            check.gateway_service();
            for table in route_tables {
                check.table(*table);
            }
        }
        EndpointForm::Interface { interfaces, private_dns, .. } => {
            check.zones(interfaces);
            check.own_service(interfaces);
            if *private_dns {
                check.private_dns();
            }
        }
    }
}

struct Check<'t> {
    id: Id<VpcEndpoint>,
    endpoint: &'t VpcEndpoint,
    topology: &'t Topology,
    name: String,
    findings: &'t mut Findings,
}

impl Check<'_> {
    fn origin(&self) -> Origin {
        self.endpoint.label.origin
    }

    fn error(&mut self, code: &'static str, rule: &'static str, message: String, help: &str) {
        self.findings.push(Finding::error(code, self.origin(), message).rule(rule).help(help));
    }

    fn service(&mut self) {
        // What has an id of AWS exists; AWS may have added its service since.
        let declared = self.endpoint.aws_service().filter(|_| self.endpoint.label.id.is_none());
        if let Some(service) = declared.filter(|service| !service.is_listed()) {
            let message = format!("VPC endpoint {} leads to `{}`, which is no service of AWS that is known here", self.name, service.service);
            let finding = Finding::warning("endpoint-service-unknown", self.origin(), message);
            self.findings.push(finding.rule("EP-25").help(
                "look for a slip of the pen; `aws ec2 describe-vpc-endpoint-services` lists the services, and this one is taken to listen on 443",
            ));
        }
        if let Service::Foreign(service) = &self.endpoint.service {
            let message = format!("VPC endpoint {} leads to `{service}`, which is no service of AWS and none of the design", self.name);
            let finding = Finding::warning("endpoint-service-unknown", self.origin(), message);
            self.findings.push(finding.rule("EP-25").help(
                "flows through it are unknown; name a service of AWS (`s3`, `com.amazonaws.eu-west-1.sqs`) or one of the design",
            ));
        }
    }

    /// What an endpoint service asks of its endpoints: an allowed account, and a node in each zone.
    fn own_service(&mut self, interfaces: &[Id<NetworkInterface>]) {
        let Service::Own(service) = self.endpoint.service else { return };
        let service = &self.topology.endpoint_services[service];
        let account = &self.topology.vpcs[self.endpoint.vpc].account;
        let called = service.label.display();
        if !service.allows(account, self.topology) {
            let message = format!("account {account} may not make VPC endpoint {} to endpoint service {called}", self.name);
            self.error("endpoint-service-permission", "EP-27", message, "allow the account: `allowed_principals: [\"*\"]`, or its number");
        }
        let topology = self.topology;
        let nodes = service.load_balancers.iter().flat_map(|id| &topology.load_balancers[*id].nodes);
        let served: BTreeSet<&str> = nodes.map(|node| zone(&topology.subnets[node.subnet])).collect();
        let rows = interfaces.iter().filter_map(|id| topology.network_interfaces.find(*id));
        for subnet in rows.filter_map(|row| topology.subnets.find(row.subnet)) {
            if !served.contains(zone(subnet)) {
                let message = format!(
                    "VPC endpoint {} has a subnet in {}, where endpoint service {called} has no load balancer",
                    self.name,
                    zone(subnet)
                );
                self.error("endpoint-service-zone", "EP-21", message, "name subnets in the zones of the service's load balancers");
            }
        }
    }

    fn gateway_service(&mut self) {
        let Some(service) = self.endpoint.aws_service() else { return };
        if !service.has_gateway_endpoints() {
            let message = format!("there is no gateway endpoint for {}, as VPC endpoint {} says", service.service, self.name);
            return self.error("endpoint-type", "EP-01", message, "gateway endpoints lead to s3 or dynamodb; make it an interface endpoint");
        }
        let region = &self.topology.vpcs[self.endpoint.vpc].region;
        if service.region != *region {
            let message = format!("VPC endpoint {} is in {region} and its service in {}", self.name, service.region);
            self.error("endpoint-region", "EP-06", message, "a gateway endpoint leads to the service of its own region");
        }
        self.assumed_ranges(service);
    }

    fn assumed_ranges(&mut self, service: &ServiceName) {
        let list = self.topology.service_list(service).map(|list| &self.topology.prefix_lists[list]);
        let is_assumed = list.is_some_and(|list| list.label.origin == Origin::NOWHERE);
        if is_assumed && !aws_service::is_known(service) {
            let full = ServiceName::full(&service.region, &service.service);
            let message = format!("the addresses of {} are not known: others stand for them", service.public_name());
            let finding = Finding::note("service-addresses-assumed", self.origin(), message);
            self.findings.push(finding.rule("EP-02").help(format!(
                "declare the prefix list `{full}` with the ranges that `aws ec2 describe-prefix-lists` shows"
            )));
        }
    }

    fn table(&mut self, id: Id<RouteTable>) {
        let Some(table) = self.topology.route_tables.find(id) else { return };
        if table.vpc != self.endpoint.vpc {
            let message = format!("route table {} of VPC endpoint {} is in another VPC", table.label.display(), self.name);
            return self.error("endpoint-route-table", "EP-01", message, "name route tables of the endpoint's VPC");
        }
        let earlier = self.topology.vpc_endpoints.iter().take(self.id.index());
        let takes = |other: &VpcEndpoint| {
            matches!(&other.form, EndpointForm::Gateway { route_tables } if route_tables.contains(&id))
                && other.service == self.endpoint.service
        };
        if let Some((_, other)) = earlier.into_iter().find(|(_, other)| takes(other)) {
            let message = format!(
                "route table {} leads to {} by VPC endpoint {} already",
                table.label.display(),
                self.endpoint.service_name(self.topology),
                other.label.display()
            );
            self.error("endpoint-route-table", "EP-02", message, "one gateway endpoint of each service for a route table");
        }
    }

    fn zones(&mut self, interfaces: &[Id<NetworkInterface>]) {
        let mut seen: BTreeSet<&str> = BTreeSet::new();
        let subnets = interfaces.iter().filter_map(|id| self.topology.network_interfaces.find(*id));
        for subnet in subnets.filter_map(|row| self.topology.subnets.find(row.subnet)) {
            if subnet.vpc != self.endpoint.vpc {
                let message = format!("subnet {} of VPC endpoint {} is in another VPC", subnet.label.display(), self.name);
                self.error("endpoint-subnet", "EP-11", message, "name subnets of the endpoint's VPC");
            } else if !seen.insert(zone(subnet)) {
                let message = format!("VPC endpoint {} has two subnets in {}", self.name, subnet.availability_zone);
                self.error("endpoint-subnet", "EP-11", message, "one subnet of each zone");
            }
        }
        if interfaces.is_empty() {
            let message = format!("VPC endpoint {} has no interface: nothing reaches it", self.name);
            let finding = Finding::warning("endpoint-subnet", self.origin(), message).rule("EP-11");
            self.findings.push(finding.help("name a subnet of each zone that it serves"));
        }
    }

    fn private_dns(&mut self) {
        if let Service::Own(service) = self.endpoint.service {
            let service = &self.topology.endpoint_services[service];
            if service.private_dns_name.is_none() || !service.private_dns_verified {
                let message = format!("endpoint service {} has no verified private name, which VPC endpoint {} asks for", service.label.display(), self.name);
                self.error("endpoint-private-dns", "EP-34", message, "verify the service's private name, or switch the private DNS name off");
            }
        }
        let vpc = &self.topology.vpcs[self.endpoint.vpc];
        if !(vpc.dns_support && vpc.dns_hostnames) {
            let message = format!("VPC endpoint {} has a private DNS name, and VPC {} no DNS host names", self.name, vpc.label.display());
            self.error("endpoint-private-dns", "EP-19", message, "switch on both DNS attributes of the VPC, or the private DNS name off");
        }
        let earlier = self.topology.vpc_endpoints.iter().take(self.id.index());
        let has_same = |other: &VpcEndpoint| {
            matches!(other.form, EndpointForm::Interface { private_dns: true, .. })
                && other.vpc == self.endpoint.vpc
                && other.service == self.endpoint.service
        };
        if let Some((_, other)) = earlier.into_iter().find(|(_, other)| has_same(other)) {
            let message = format!(
                "VPC endpoints {} and {} have the same private DNS name in one VPC",
                other.label.display(),
                self.name
            );
            self.error("endpoint-private-dns", "EP-19", message, "switch the private DNS name off for one of the two");
        }
    }
}

fn zone(subnet: &Subnet) -> &str {
    subnet.availability_zone_id.as_deref().unwrap_or(&subnet.availability_zone)
}
