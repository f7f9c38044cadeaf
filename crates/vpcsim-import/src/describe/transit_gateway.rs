//! `TransitGateways`: the answer of `describe-transit-gateways`.

use serde::Deserialize;
use vpcsim_aws::devices::TransitGateway;
use vpcsim_aws::{Kind, Label};

use super::build::Build;
use super::item::{Described, Item, List, Tag, Word};

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub(super) struct TransitGatewayJson {
    transit_gateway_id: String,
    transit_gateway_arn: Option<String>,
    owner_id: Option<String>,
    state: Word,
    options: OptionsJson,
    tags: List<Tag>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
struct OptionsJson {
    association_default_route_table_id: Option<String>,
    propagation_default_route_table_id: Option<String>,
    dns_support: Option<String>,
    transit_gateway_cidr_blocks: List<String>,
    security_group_referencing_support: Option<String>,
}

impl Described for TransitGatewayJson {
    const KIND: Option<Kind> = Some(Kind::TransitGateway);

    fn id(&self) -> &str {
        &self.transit_gateway_id
    }

    fn tags(&self) -> &[Tag] {
        &self.tags
    }

    fn is_live(&self) -> bool {
        !matches!(&*self.state, "deleted" | "deleting")
    }

    fn declare(item: &Item<'_, Self>, label: Label, build: &mut Build<'_>) {
        let json = &item.value;
        if !json.is_live() {
            return;
        }
        // arn:aws:ec2:REGION:ACCOUNT:transit-gateway/ID
        let by_arn = json
            .transit_gateway_arn
            .as_deref()
            .and_then(|arn| arn.split(':').nth(3));
        let region = by_arn
            .filter(|region| !region.is_empty())
            .unwrap_or(&item.place.region)
            .to_owned();
        let blocks = json.options.transit_gateway_cidr_blocks.iter();
        let cidr_blocks = blocks
            .filter(|text| !text.contains(':'))
            .filter_map(|text| build.cidr(item, text))
            .collect();
        let gateway = TransitGateway {
            cidr_blocks,
            account: json
                .owner_id
                .clone()
                .unwrap_or_else(|| item.place.account.clone()),
            dns_support: json.options.dns_support.as_deref() != Some("disable"),
            security_group_referencing: json.options.security_group_referencing_support.as_deref()
                == Some("enable"),
            ..TransitGateway::new(label, region)
        };
        let id = build.topology.transit_gateways.push(gateway);
        build.enter(id, None);
    }

    fn connect(item: &Item<'_, Self>, build: &mut Build<'_>) {
        let Some(id) = build.find::<TransitGateway>(&item.value.transit_gateway_id) else {
            return;
        };
        let options = &item.value.options;
        let table = |table: &Option<String>| table.as_deref().and_then(|table| build.find(table));
        let association = table(&options.association_default_route_table_id);
        let propagation = table(&options.propagation_default_route_table_id);
        let gateway = &mut build.topology.transit_gateways[id];
        (gateway.default_association, gateway.default_propagation) = (association, propagation);
    }
}
