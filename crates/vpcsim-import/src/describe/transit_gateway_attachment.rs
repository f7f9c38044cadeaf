//! `TransitGatewayVpcAttachments`, `TransitGatewayPeeringAttachments` and `TransitGatewayAttachments`: the answers of the
//! three calls that describe attachments.

use serde::Deserialize;
use vpcsim_aws::devices::transit_gateway_attachment::{AttachmentEnd, AttachmentState};
use vpcsim_aws::devices::{
    NetworkInterface, Subnet, TransitGateway, TransitGatewayAttachment, TransitGatewayRouteTable,
};
use vpcsim_aws::{Finding, Id, Kind, Label, Unread};

use super::build::Build;
use super::item::{Described, Item, List, Tag, Word};

/// What an interface of an attachment is described as, before the attachment's id.
pub(super) const DESCRIPTION: &str = "Network Interface for Transit Gateway Attachment ";

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub(super) struct VpcAttachmentJson {
    transit_gateway_attachment_id: String,
    transit_gateway_id: String,
    vpc_id: String,
    subnet_ids: List<String>,
    state: Word,
    options: OptionsJson,
    tags: List<Tag>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
#[expect(clippy::struct_field_names, reason = "they are called so in the answer")]
struct OptionsJson {
    appliance_mode_support: Option<String>,
    security_group_referencing_support: Option<String>,
    dns_support: Option<String>,
}

fn state(word: &str) -> AttachmentState {
    match word {
        "" | "available" | "modifying" => AttachmentState::Available,
        "deleted" | "deleting" | "rejected" | "rejecting" | "failed" | "failing" => AttachmentState::Ended,
        _ => AttachmentState::Pending,
    }
}

/// The gateway of this id; one that the input lacks is made up, with the table that the attachments name.
fn gateway<T>(id: &str, item: &Item<'_, T>, build: &mut Build<'_>) -> Option<Id<TransitGateway>> {
    if id.is_empty() {
        return None;
    }
    let known = build.find(id);
    known.or_else(|| {
        let message =
            format!("transit gateway `{id}` is not in the input: it is assumed to have the tables that are");
        let finding = Finding::warning("transit-gateway-not-in-input", item.locate(id), message);
        build
            .findings
            .push(finding.help("add the answer of `aws ec2 describe-transit-gateways`"));
        let name = build.claim_name(Kind::TransitGateway, id);
        let label = Label {
            id: Some(id.to_owned()),
            origin: item.origin,
            ..Label::named(name)
        };
        let made = build
            .topology
            .transit_gateways
            .push(TransitGateway::new(label, item.place.region.clone()));
        build.enter(made, None);
        Some(made)
    })
}

impl Described for VpcAttachmentJson {
    const KIND: Option<Kind> = Some(Kind::TransitGatewayAttachment);

    fn id(&self) -> &str {
        &self.transit_gateway_attachment_id
    }

    fn tags(&self) -> &[Tag] {
        &self.tags
    }

    fn is_live(&self) -> bool {
        state(&self.state) != AttachmentState::Ended
    }

    fn prepare(item: &Item<'_, Self>, build: &mut Build<'_>) {
        let id = item.value.transit_gateway_attachment_id.clone();
        build.interfaces_of_attachment.entry(id).or_default();
    }

    fn declare(item: &Item<'_, Self>, label: Label, build: &mut Build<'_>) {
        let json = &item.value;
        if !json.is_live() {
            return;
        }
        let Some(gateway) = gateway(&json.transit_gateway_id, item, build) else {
            return;
        };
        let end = match build.find(&json.vpc_id) {
            Some(vpc) => AttachmentEnd::Vpc {
                vpc,
                interfaces: Vec::new(),
                appliance_mode: json.options.appliance_mode_support.as_deref() == Some("enable"),
                security_group_referencing: json.options.security_group_referencing_support.as_deref()
                    != Some("disable"),
                dns_support: json.options.dns_support.as_deref() != Some("disable"),
            },
            None => unread_end("attached VPC", &json.vpc_id, item, build),
        };
        let state = state(&json.state);
        let attachment = TransitGatewayAttachment {
            label,
            gateway,
            end,
            state,
        };
        let id = build.topology.transit_gateway_attachments.push(attachment);
        build.enter(id, None);
    }

    fn connect(item: &Item<'_, Self>, build: &mut Build<'_>) {
        let json = &item.value;
        let Some(id) = build.find::<TransitGatewayAttachment>(&json.transit_gateway_attachment_id) else {
            return;
        };
        let described = build
            .interfaces_of_attachment
            .get(&json.transit_gateway_attachment_id);
        let described: Vec<Id<NetworkInterface>> = described
            .into_iter()
            .flatten()
            .filter_map(|interface| build.find(interface))
            .collect();
        let mut found = Vec::new();
        for text in json.subnet_ids.iter() {
            let Some(subnet) = build.find::<Subnet>(text) else {
                let message = format!(
                    "subnet `{text}` of transit gateway attachment `{}` is not in the input",
                    json.id()
                );
                build.findings.push(Finding::warning(
                    "subnet-not-in-input",
                    item.locate(text),
                    message,
                ));
                continue;
            };
            let in_subnet =
                |id: &Id<NetworkInterface>| build.topology.network_interfaces[*id].subnet == subnet;
            let interface = described.iter().copied().find(in_subnet);
            let owner = build.topology.name_of(id).to_owned();
            let made_up = || build.managed_interface(&owner, subnet, item.origin, Vec::new());
            found.push(interface.unwrap_or_else(made_up));
        }
        if let AttachmentEnd::Vpc { interfaces, .. } = &mut build.topology.transit_gateway_attachments[id].end
        {
            *interfaces = found;
        }
    }
}

fn unread_end<T>(noun: &str, name: &str, item: &Item<'_, T>, build: &mut Build<'_>) -> AttachmentEnd {
    build.unread(Unread {
        noun: noun.to_owned(),
        name: name.to_owned(),
        vpc: None,
        addresses: Vec::new(),
        effect: "networks behind it cannot be judged".to_owned(),
        origin: item.locate(name),
    });
    AttachmentEnd::Unmodelled(noun.to_owned())
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub(super) struct PeeringAttachmentJson {
    transit_gateway_attachment_id: String,
    requester_tgw_info: SideJson,
    accepter_tgw_info: SideJson,
    state: Word,
    tags: List<Tag>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
struct SideJson {
    transit_gateway_id: String,
}

impl Described for PeeringAttachmentJson {
    const KIND: Option<Kind> = Some(Kind::TransitGatewayAttachment);

    fn id(&self) -> &str {
        &self.transit_gateway_attachment_id
    }

    fn tags(&self) -> &[Tag] {
        &self.tags
    }

    fn is_live(&self) -> bool {
        state(&self.state) != AttachmentState::Ended
    }

    fn declare(item: &Item<'_, Self>, label: Label, build: &mut Build<'_>) {
        let json = &item.value;
        let sides = (
            json.requester_tgw_info.transit_gateway_id.as_str(),
            json.accepter_tgw_info.transit_gateway_id.as_str(),
        );
        if json.is_live() {
            declare_peering(item, label, sides, state(&json.state), build);
        }
    }
}

/// Of the two gateways that the input has, or the one and what is missing.
fn declare_peering<T>(
    item: &Item<'_, T>,
    label: Label,
    sides: (&str, &str),
    state: AttachmentState,
    build: &mut Build<'_>,
) {
    let (mut own, mut other) = (build.find(sides.0), build.find(sides.1));
    let mut missing = sides.1;
    if own.is_none() {
        (own, other, missing) = (other, None, sides.0);
    }
    let Some(gateway) = own else { return };
    let end = match other {
        Some(_) => AttachmentEnd::Peering(other),
        None => unread_end("peered transit gateway", missing, item, build),
    };
    let attachment = TransitGatewayAttachment {
        label,
        gateway,
        end,
        state,
    };
    let id = build.topology.transit_gateway_attachments.push(attachment);
    build.enter(id, None);
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub(super) struct AttachmentJson {
    transit_gateway_attachment_id: String,
    transit_gateway_id: String,
    resource_type: String,
    resource_id: Option<String>,
    association: Option<AssociationJson>,
    state: Word,
    tags: List<Tag>,
    /// The same attachment as its other gateway describes it.
    #[serde(skip)]
    others: Vec<Self>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
struct AssociationJson {
    transit_gateway_route_table_id: Option<String>,
    state: Option<String>,
}

impl Described for AttachmentJson {
    const KIND: Option<Kind> = None;

    fn id(&self) -> &str {
        &self.transit_gateway_attachment_id
    }

    fn tags(&self) -> &[Tag] {
        &self.tags
    }

    fn merge(&mut self, other: Self) {
        self.others.push(other);
    }

    /// Declares what the calls for its own kind do not describe.
    fn declare(item: &Item<'_, Self>, _: Label, build: &mut Build<'_>) {
        let json = &item.value;
        let state = state(&json.state);
        if build.has(&json.transit_gateway_attachment_id) || state == AttachmentState::Ended {
            return;
        }
        let wanted = json.name().unwrap_or(&json.transit_gateway_attachment_id);
        let label = Label {
            id: Some(json.transit_gateway_attachment_id.clone()),
            tags: super::item::read_tags(json.tags()),
            origin: item.origin,
            ..Label::named(build.claim_name(Kind::TransitGatewayAttachment, wanted))
        };
        let end = json.resource_id.as_deref().unwrap_or_default();
        if matches!(json.resource_type.as_str(), "peering" | "tgw-peering") {
            return declare_peering(item, label, (&json.transit_gateway_id, end), state, build);
        }
        let Some(gateway) = gateway(&json.transit_gateway_id, item, build) else {
            return;
        };
        let noun = match json.resource_type.as_str() {
            "vpc" => "attached VPC whose subnets are not described",
            "vpn" => "VPN connection",
            "direct-connect-gateway" => "Direct Connect gateway",
            "connect" => "Connect attachment",
            _ => "transit gateway attachment of another kind",
        };
        let end = unread_end(noun, end, item, build);
        let attachment = TransitGatewayAttachment {
            label,
            gateway,
            end,
            state,
        };
        let id = build.topology.transit_gateway_attachments.push(attachment);
        build.enter(id, None);
    }

    fn connect(item: &Item<'_, Self>, build: &mut Build<'_>) {
        let Some(id) = build.find::<TransitGatewayAttachment>(&item.value.transit_gateway_attachment_id)
        else {
            return;
        };
        for json in std::iter::once(&item.value).chain(&item.value.others) {
            let Some(association) = &json.association else {
                continue;
            };
            let in_force = matches!(
                association.state.as_deref(),
                None | Some("associated" | "associating")
            );
            let table = association
                .transit_gateway_route_table_id
                .as_deref()
                .filter(|_| in_force);
            if let Some(table) = table.and_then(|table| build.find::<TransitGatewayRouteTable>(table)) {
                let associations = &mut build.topology.transit_gateway_route_tables[table].associations;
                if !associations.contains(&id) {
                    associations.push(id);
                }
            }
        }
    }
}
