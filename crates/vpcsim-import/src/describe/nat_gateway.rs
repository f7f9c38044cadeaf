//! `NatGateways`: the answer of `describe-nat-gateways`.

use serde::Deserialize;
use vpcsim_aws::devices::nat_gateway::{Connectivity, NatGatewayAddress, NatGatewayState};
use vpcsim_aws::devices::{NatGateway, Subnet};
use vpcsim_aws::{Finding, Kind, Label};

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
    tags: List<Tag>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
struct AddressJson {
    network_interface_id: Option<String>,
    private_ip: Option<String>,
    public_ip: Option<String>,
    is_primary: Option<bool>,
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
        let state = STATES
            .iter()
            .find(|(name, _)| *name == &*json.state)
            .map(|(_, state)| *state);
        let private = json.connectivity_type.as_deref() == Some("private");
        let gateway = NatGateway {
            label,
            subnet,
            connectivity: if private {
                Connectivity::Private
            } else {
                Connectivity::Public
            },
            state: state.unwrap_or(NatGatewayState::Available),
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
