//! `VpcEndpoints`: the answer of `describe-vpc-endpoints`.

use serde::Deserialize;
use vpcsim_aws::devices::vpc_endpoint::{EndpointForm, EndpointState, Service};
use vpcsim_aws::devices::{NetworkInterface, RouteTable, Subnet, VpcEndpoint};
use vpcsim_aws::{Finding, Id, Kind, Label, Unread};

use super::build::Build;
use super::item::{Described, Item, List, Tag, Word};
use super::network_interface::{GroupJson, read_groups};

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub(super) struct VpcEndpointJson {
    vpc_endpoint_id: String,
    vpc_endpoint_type: Word,
    vpc_id: String,
    service_name: String,
    state: Word,
    route_table_ids: List<String>,
    subnet_ids: List<String>,
    groups: List<GroupJson>,
    private_dns_enabled: Option<bool>,
    network_interface_ids: List<String>,
    dns_entries: List<DnsEntryJson>,
    tags: List<Tag>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
struct DnsEntryJson {
    dns_name: String,
}

/// The end of the names that are an endpoint's own, and not its service's.
const OWN_DOMAIN: &str = ".vpce.amazonaws.com";

impl VpcEndpointJson {
    /// Gateways and interfaces are modelled.
    fn is_modelled(&self) -> bool {
        matches!(&*self.vpc_endpoint_type, "" | "Gateway" | "Interface")
    }

    /// Of what says no type, its subnets or interfaces do.
    fn has_interfaces(&self) -> bool {
        match &*self.vpc_endpoint_type {
            "" => !self.subnet_ids.is_empty() || !self.network_interface_ids.is_empty(),
            other => other == "Interface",
        }
    }

    fn noun(&self) -> String {
        match &*self.vpc_endpoint_type {
            "GatewayLoadBalancer" => "gateway load balancer endpoint".to_owned(),
            other => format!("{} endpoint", other.to_lowercase()),
        }
    }

    fn state(&self) -> Option<EndpointState> {
        match self.state.to_lowercase().as_str() {
            "" | "available" => Some(EndpointState::Available),
            "pending" | "pendingacceptance" => Some(EndpointState::Pending),
            "rejected" | "failed" | "expired" | "partial" => Some(EndpointState::Rejected),
            _ => None,
        }
    }
}

impl Described for VpcEndpointJson {
    const KIND: Option<Kind> = Some(Kind::VpcEndpoint);

    fn id(&self) -> &str {
        &self.vpc_endpoint_id
    }

    fn tags(&self) -> &[Tag] {
        &self.tags
    }

    fn is_live(&self) -> bool {
        self.is_modelled() && self.state().is_some()
    }

    fn absorb(&mut self, part: Self) -> bool {
        self.route_table_ids.0.extend(part.route_table_ids.0);
        self.subnet_ids.0.extend(part.subnet_ids.0);
        self.groups.0.extend(part.groups.0);
        true
    }

    fn prepare(item: &Item<'_, Self>, build: &mut Build<'_>) {
        let json = &item.value;
        let owner = if json.is_modelled() {
            VPC_ENDPOINT.to_owned()
        } else {
            json.noun()
        };
        for interface in json.network_interface_ids.iter() {
            build.owner_of_interface.insert(interface.clone(), owner.clone());
        }
    }

    fn declare(item: &Item<'_, Self>, label: Label, build: &mut Build<'_>) {
        let json = &item.value;
        if !json.is_modelled() {
            let vpc = build.find(&json.vpc_id);
            return build.unread(Unread {
                noun: json.noun(),
                name: label.name,
                vpc,
                addresses: Vec::new(),
                effect: "what is reached through it cannot be judged".to_owned(),
                origin: item.origin,
            });
        }
        let (Some(state), Some(vpc)) = (json.state(), build.vpc(&json.vpc_id, item)) else {
            return;
        };
        let form = if json.has_interfaces() {
            interface_form(item, &label, build)
        } else {
            EndpointForm::Gateway {
                route_tables: referenced(&json.route_table_ids, "route table", item, build),
            }
        };
        let service = service_of(&json.service_name, build);
        if let Service::Foreign(name) = &service {
            build.unread(Unread {
                noun: "endpoint service".to_owned(),
                name: name.clone(),
                vpc: Some(vpc),
                addresses: Vec::new(),
                effect: format!("what is reached through {} cannot be judged", label.name),
                origin: item.locate(name),
            });
        }
        let endpoint = VpcEndpoint {
            label,
            vpc,
            service,
            state,
            form,
        };
        let id = build.topology.vpc_endpoints.push(endpoint);
        build.enter(id, Some(vpc));
    }
}

/// The service of this full name: one of the design, or of AWS.
fn service_of(name: &str, build: &Build<'_>) -> Service {
    let mut services = build.topology.endpoint_services.iter();
    let own = services.find(|(_, row)| row.service_name.as_deref() == Some(name));
    own.map_or_else(|| Service::named(name), |(id, _)| Service::Own(id))
}

/// What an endpoint's interfaces belong to.
pub(super) const VPC_ENDPOINT: &str = <VpcEndpoint as vpcsim_aws::Resource>::NOUN;

/// The resources of these ids; what is not in the input is reported.
fn referenced(
    ids: &List<String>,
    noun: &str,
    item: &Item<'_, VpcEndpointJson>,
    build: &mut Build<'_>,
) -> Vec<Id<RouteTable>> {
    let mut found = Vec::new();
    for id in ids.iter() {
        if let Some(table) = build.find(id) {
            found.push(table);
        } else {
            let message = format!(
                "{noun} `{id}` of VPC endpoint `{}` is not in the input",
                item.value.id()
            );
            let finding = Finding::warning("route-table-not-in-input", item.locate(id), message);
            build
                .findings
                .push(finding.help("add the answer of `aws ec2 describe-route-tables`"));
        }
    }
    found
}

fn interface_form(item: &Item<'_, VpcEndpointJson>, label: &Label, build: &mut Build<'_>) -> EndpointForm {
    let json = &item.value;
    let described = json.network_interface_ids.iter();
    let mut interfaces: Vec<Id<NetworkInterface>> = described.filter_map(|id| build.find(id)).collect();
    for text in json.subnet_ids.iter() {
        let Some(subnet) = build.find::<Subnet>(text) else {
            let message = format!(
                "subnet `{text}` of VPC endpoint `{}` is not in the input",
                json.id()
            );
            build.findings.push(Finding::warning(
                "subnet-not-in-input",
                item.locate(text),
                message,
            ));
            continue;
        };
        let in_subnet = |id: &Id<NetworkInterface>| build.topology.network_interfaces[*id].subnet == subnet;
        if !interfaces.iter().any(in_subnet) {
            // Trimmed dumps may lack the interfaces of an endpoint.
            let groups = read_groups(item, &json.groups, build);
            interfaces.push(build.managed_interface(&label.name, subnet, item.origin, groups));
        }
    }
    let names = json.dns_entries.iter().map(|entry| entry.dns_name.clone());
    EndpointForm::Interface {
        interfaces,
        private_dns: json.private_dns_enabled == Some(true),
        dns_names: names.filter(|name| name.ends_with(OWN_DOMAIN)).collect(),
    }
}
