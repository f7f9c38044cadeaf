//! `InternetGateways`: the answer of `describe-internet-gateways`.

use serde::Deserialize;
use vpcsim_aws::devices::InternetGateway;
use vpcsim_aws::{Kind, Label};

use super::build::Build;
use super::item::{Described, Item, List, Tag, Word};

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub(super) struct InternetGatewayJson {
    internet_gateway_id: String,
    attachments: List<AttachmentJson>,
    tags: List<Tag>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
struct AttachmentJson {
    vpc_id: String,
    state: Word,
}

impl Described for InternetGatewayJson {
    const KIND: Option<Kind> = Some(Kind::InternetGateway);

    fn id(&self) -> &str {
        &self.internet_gateway_id
    }

    fn tags(&self) -> &[Tag] {
        &self.tags
    }

    fn absorb(&mut self, part: Self) -> bool {
        self.attachments.0.extend(part.attachments.0);
        true
    }

    fn declare(item: &Item<'_, Self>, label: Label, build: &mut Build<'_>) {
        let attached = |attachment: &&AttachmentJson| !matches!(&*attachment.state, "detached" | "detaching");
        let attachment = item.value.attachments.iter().find(attached);
        let vpc = attachment.and_then(|attachment| build.vpc(&attachment.vpc_id, item));
        let id = build.topology.internet_gateways.push(InternetGateway {
            label,
            vpc,
            route_table: None,
        });
        build.enter(id, vpc);
    }
}
