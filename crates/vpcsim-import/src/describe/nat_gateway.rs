//! `NatGateways`: the answer of `describe-nat-gateways`.

use serde::Deserialize;
use vpcsim_aws::devices::nat_gateway::{Connectivity, NatGatewayAddress, NatGatewayState};
use vpcsim_aws::devices::regional_nat_gateway::ServedZone;
use vpcsim_aws::devices::{NatGateway, RegionalNatGateway, Subnet, Vpc};
use vpcsim_aws::{Finding, Id, Kind, Label};

use super::build::Build;
use super::item::{Described, Item, List, Tag, Word};
use super::network_interface::NAT_GATEWAY;
use crate::native::nat_gateway::STATES;

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub(super) struct NatGatewayJson {
    nat_gateway_id: String,
    subnet_id: Option<String>,
    vpc_id: Option<String>,
    state: Word,
    connectivity_type: Option<String>,
    nat_gateway_addresses: List<AddressJson>,
    auto_provision_zones: Option<String>,
    route_table_id: Option<String>,
    tags: List<Tag>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
struct AddressJson {
    network_interface_id: Option<String>,
    private_ip: Option<String>,
    public_ip: Option<String>,
    is_primary: Option<bool>,
    availability_zone: Option<String>,
    availability_zone_id: Option<String>,
}

impl NatGatewayJson {
    fn state(&self) -> NatGatewayState {
        let known = STATES.iter().find(|(name, _)| *name == &*self.state);
        known.map_or(NatGatewayState::Available, |(_, state)| *state)
    }
}

impl Described for NatGatewayJson {
    const KIND: Option<Kind> = Some(Kind::NatGateway);

    fn id(&self) -> &str {
        &self.nat_gateway_id
    }

    fn tags(&self) -> &[Tag] {
        &self.tags
    }

    fn is_live(&self) -> bool {
        !matches!(&*self.state, "deleted" | "failed")
    }

    fn prepare(item: &Item<'_, Self>, build: &mut Build<'_>) {
        for address in item.value.nat_gateway_addresses.iter() {
            if let Some(interface) = &address.network_interface_id {
                build
                    .owner_of_interface
                    .insert(interface.clone(), NAT_GATEWAY.to_owned());
            }
        }
    }

    fn declare(item: &Item<'_, Self>, label: Label, build: &mut Build<'_>) {
        let json = &item.value;
        let wanted = json.subnet_id.as_deref().unwrap_or_default();
        let Some(subnet) = build.find::<Subnet>(wanted) else {
            let vpc = json.vpc_id.as_deref().and_then(|id| build.find(id));
            if !wanted.is_empty() && item.value.is_live() {
                let message = format!(
                    "subnet `{wanted}` of NAT gateway `{}` is not in the input",
                    json.nat_gateway_id
                );
                build.findings.push(Finding::warning(
                    "subnet-not-in-input",
                    item.locate(wanted),
                    message,
                ));
            }
            if let Some(vpc) = vpc.filter(|_| wanted.is_empty()) {
                return declare_regional(item, label, vpc, build);
            }
            let noun = if wanted.is_empty() {
                "regional NAT gateway"
            } else {
                "NAT gateway"
            };
            let effect = "what leaves through it cannot be judged";
            return super::subnet::unread(item, build, label, vpc, noun, effect);
        };
        let mut listed: Vec<&AddressJson> = json.nat_gateway_addresses.iter().collect();
        listed.sort_by_key(|address| address.is_primary == Some(false));
        let interface = listed
            .first()
            .and_then(|address| address.network_interface_id.as_deref());
        let interface = interface.and_then(|id| build.find(id));
        let private = json.connectivity_type.as_deref() == Some("private");
        let gateway = NatGateway {
            label,
            subnet,
            connectivity: if private {
                Connectivity::Private
            } else {
                Connectivity::Public
            },
            state: json.state(),
            addresses: listed
                .iter()
                .filter_map(|address| read_address(item, address, build))
                .collect(),
            network_interface: interface,
        };
        let vpc = build.topology.subnets[subnet].vpc;
        let id = build.topology.nat_gateways.push(gateway);
        build.enter(id, Some(vpc));
    }
}

/// A gateway without a subnet is its VPC's (NAT-02).
fn declare_regional(item: &Item<'_, NatGatewayJson>, label: Label, vpc: Id<Vpc>, build: &mut Build<'_>) {
    let json = &item.value;
    let mut zones: Vec<ServedZone> = Vec::new();
    for address in json.nat_gateway_addresses.iter() {
        let zone = address
            .availability_zone
            .as_ref()
            .or(address.availability_zone_id.as_ref());
        let public = address
            .public_ip
            .as_deref()
            .and_then(|text| build.address(item, text));
        let (Some(zone), Some(public)) = (zone, public) else {
            continue;
        };
        match zones.iter_mut().find(|served| served.availability_zone == *zone) {
            Some(served) => served.addresses.push(public),
            None => zones.push(ServedZone {
                availability_zone: zone.clone(),
                addresses: vec![public],
            }),
        }
    }
    let gateway = RegionalNatGateway {
        label,
        vpc,
        state: json.state(),
        zones,
        expands: json.auto_provision_zones.as_deref() != Some("disabled"),
        route_table: json.route_table_id.as_deref().and_then(|id| build.find(id)),
    };
    let id = build.topology.regional_nat_gateways.push(gateway);
    build.enter(id, Some(vpc));
}

fn read_address(
    item: &Item<'_, NatGatewayJson>,
    json: &AddressJson,
    build: &mut Build<'_>,
) -> Option<NatGatewayAddress> {
    let public = json
        .public_ip
        .as_deref()
        .and_then(|text| build.address(item, text));
    let private = json
        .private_ip
        .as_deref()
        .and_then(|text| build.address(item, text));
    // A gateway that is gone has no private address any more, and needs none.
    let private = private.or_else(|| item.value.is_live().then_some(crate::native::context::UNASSIGNED))?;
    Some(NatGatewayAddress { private, public })
}
