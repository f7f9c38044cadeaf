//! `ServiceConfigurations`: the answer of `describe-vpc-endpoint-service-configurations`.

use serde::Deserialize;
use vpcsim_aws::devices::EndpointService;
use vpcsim_aws::{Kind, Label, Unread};

use super::build::Build;
use super::item::{Described, Item, List, State, Tag, Word};

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub(super) struct ServiceJson {
    service_id: String,
    service_name: Option<String>,
    service_state: Word,
    network_load_balancer_arns: List<String>,
    gateway_load_balancer_arns: List<String>,
    private_dns_name: Option<String>,
    private_dns_name_configuration: State,
    tags: List<Tag>,
}

impl Described for ServiceJson {
    const KIND: Option<Kind> = Some(Kind::EndpointService);

    fn id(&self) -> &str {
        &self.service_id
    }

    fn tags(&self) -> &[Tag] {
        &self.tags
    }

    fn is_live(&self) -> bool {
        !matches!(&*self.service_state, "Deleting" | "Deleted" | "Failed")
            && self.gateway_load_balancer_arns.is_empty()
    }

    fn declare(item: &Item<'_, Self>, label: Label, build: &mut Build<'_>) {
        let json = &item.value;
        if !json.gateway_load_balancer_arns.is_empty() {
            return build.unread(Unread {
                noun: "endpoint service of a gateway load balancer".to_owned(),
                name: label.name,
                vpc: None,
                addresses: Vec::new(),
                effect: "what is reached through it cannot be judged".to_owned(),
                origin: item.origin,
            });
        }
        if !json.is_live() {
            return;
        }
        let balancers = json.network_load_balancer_arns.iter();
        let service = EndpointService {
            label,
            service_name: json.service_name.clone(),
            load_balancers: balancers.filter_map(|arn| build.find(arn)).collect(),
            // Who may is told elsewhere; what endpoints there are has been allowed.
            allowed_principals: vec!["*".to_owned()],
            private_dns_name: json.private_dns_name.clone(),
            private_dns_verified: json.private_dns_name_configuration.word() == "verified",
        };
        let id = build.topology.endpoint_services.push(service);
        build.enter(id, None);
    }
}
