//! `VpcPeeringConnections`: the answer of `describe-vpc-peering-connections`.

use serde::Deserialize;
use vpcsim_aws::devices::PeeringConnection;
use vpcsim_aws::devices::peering_connection::PeeringState;
use vpcsim_aws::{Kind, Label, Unread};

use super::build::Build;
use super::item::{Described, Item, List, State, Tag};

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub(super) struct PeeringJson {
    vpc_peering_connection_id: String,
    requester_vpc_info: SideJson,
    accepter_vpc_info: SideJson,
    status: State,
    tags: List<Tag>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
struct SideJson {
    vpc_id: String,
    owner_id: Option<String>,
    peering_options: Option<OptionsJson>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
struct OptionsJson {
    allow_dns_resolution_from_remote_vpc: Option<bool>,
}

impl SideJson {
    fn dns_resolution(&self) -> bool {
        let options = self.peering_options.as_ref();
        options
            .and_then(|options| options.allow_dns_resolution_from_remote_vpc)
            .unwrap_or(false)
    }
}

impl Described for PeeringJson {
    const KIND: Option<Kind> = Some(Kind::PeeringConnection);

    fn id(&self) -> &str {
        &self.vpc_peering_connection_id
    }

    fn tags(&self) -> &[Tag] {
        &self.tags
    }

    fn is_live(&self) -> bool {
        matches!(
            self.status.word(),
            "" | "active" | "provisioning" | "pending-acceptance"
        )
    }

    /// Each side sees only its own options.
    fn merge(&mut self, other: Self) {
        let sides = [
            (&mut self.requester_vpc_info, other.requester_vpc_info),
            (&mut self.accepter_vpc_info, other.accepter_vpc_info),
        ];
        for (own, other) in sides {
            if own.peering_options.is_none() {
                own.peering_options = other.peering_options;
            }
        }
    }

    fn declare(item: &Item<'_, Self>, label: Label, build: &mut Build<'_>) {
        let json = &item.value;
        let (requester, accepter) = (&json.requester_vpc_info, &json.accepter_vpc_info);
        let connection = PeeringConnection {
            requester: build.find(&requester.vpc_id),
            accepter: build.find(&accepter.vpc_id),
            state: state_of(json.status.word()),
            requester_dns_resolution: requester.dns_resolution(),
            accepter_dns_resolution: accepter.dns_resolution(),
            label,
        };
        let own = connection.requester.or(connection.accepter);
        for (side, vpc) in [(requester, connection.requester), (accepter, connection.accepter)] {
            if vpc.is_none() && own.is_some() && connection.state == PeeringState::Active {
                let owner = side.owner_id.as_deref().unwrap_or("another account");
                build.unread(Unread {
                    noun: "peered VPC".to_owned(),
                    name: side.vpc_id.clone(),
                    vpc: own,
                    addresses: Vec::new(),
                    effect: format!(
                        "it belongs to {owner} and is not in the input: flows to and from it cannot be judged"
                    ),
                    origin: item.locate(&side.vpc_id),
                });
            }
        }
        let id = build.topology.peering_connections.push(connection);
        build.enter(id, None);
    }
}

/// What the input does not say is active; what nobody knows does not forward.
fn state_of(word: &str) -> PeeringState {
    let known = PeeringState::WORDS.into_iter().find(|(known, _)| *known == word);
    match known {
        Some((_, state)) => state,
        None if word.is_empty() => PeeringState::Active,
        None => PeeringState::Deleted,
    }
}
