//! `VpcBlockPublicAccessOptions` and `VpcBlockPublicAccessExclusions`: the answers of `describe-vpc-block-public-access-options`
//! and `describe-vpc-block-public-access-exclusions`, and the states that VPCs and subnets tell of themselves.

use serde::Deserialize;
use vpcsim_aws::devices::BlockPublicAccess;
use vpcsim_aws::devices::block_public_access::{BlockMode, Excluded, Exclusion, ExclusionMode};
use vpcsim_aws::{Finding, Id, Kind, Label, Origin};

use super::build::Build;
use super::item::{Described, Item, Tag};
use crate::native::block_public_access::{EXCLUSION_MODES, MODES};

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub(super) struct OptionsJson {
    aws_account_id: Option<String>,
    aws_region: Option<String>,
    internet_gateway_block_mode: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub(super) struct ExclusionJson {
    exclusion_id: String,
    internet_gateway_exclusion_mode: Option<String>,
    resource_arn: String,
    state: Option<String>,
}

/// `BlockPublicAccessStates` of a VPC or a subnet: what is left when exclusions are counted.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub(super) struct StatesJson {
    internet_gateway_block_mode: Option<String>,
}

/// Such a state of something that was declared.
pub(super) struct StateOf {
    excluded: Excluded,
    mode: BlockMode,
    origin: Origin,
}

impl StatesJson {
    /// Notes the state, to be compared with what the settings say.
    pub(super) fn note<T>(
        states: Option<&Self>,
        excluded: Excluded,
        item: &Item<'_, T>,
        build: &mut Build<'_>,
    ) {
        let word = states.and_then(|states| states.internet_gateway_block_mode.as_deref());
        let Some(word) = word else {
            return;
        };
        if let Some(mode) = mode_of(&MODES, word) {
            let origin = item.locate(word);
            build.block_states.push(StateOf {
                excluded,
                mode,
                origin,
            });
        }
    }
}

fn mode_of<T: Copy>(words: &[(&str, T)], word: &str) -> Option<T> {
    words
        .iter()
        .find(|(known, _)| *known == word)
        .map(|(_, mode)| *mode)
}

impl Described for OptionsJson {
    const KIND: Option<Kind> = None;

    fn id(&self) -> &'static str {
        ""
    }

    fn tags(&self) -> &[Tag] {
        &[]
    }

    fn declare(item: &Item<'_, Self>, _: Label, build: &mut Build<'_>) {
        let json = &item.value;
        let of_file = |own: &Option<String>, file: &String| own.clone().unwrap_or_else(|| file.clone());
        let account = of_file(&json.aws_account_id, &item.place.account);
        let region = of_file(&json.aws_region, &item.place.region);
        let word = json.internet_gateway_block_mode.as_deref().unwrap_or("off");
        let Some(mode) = mode_of(&MODES, word) else {
            let message = format!("Block Public Access has the mode `{word}`, which is none");
            build.findings.push(item.error_at("describe-item", word, message));
            return;
        };
        let known = &build.topology.block_public_access;
        let is_same = |block: &BlockPublicAccess| (&block.account, &block.region) == (&account, &region);
        let is_new = !known.iter().any(|(_, block)| is_same(block));
        if is_new {
            declare(account, region, mode, item.locate(word), build);
        }
    }
}

fn declare(
    account: String,
    region: String,
    mode: BlockMode,
    origin: Origin,
    build: &mut Build<'_>,
) -> Id<BlockPublicAccess> {
    let wanted = if region.is_empty() {
        "block-public-access"
    } else {
        &region
    };
    let name = build.claim_name(Kind::BlockPublicAccess, wanted);
    let label = Label {
        origin,
        ..Label::named(name)
    };
    let id = build.topology.block_public_access.push(BlockPublicAccess {
        label,
        account,
        region,
        mode,
        exclusions: Vec::new(),
    });
    build.enter(id, None);
    id
}

impl Described for ExclusionJson {
    const KIND: Option<Kind> = None;

    fn id(&self) -> &str {
        &self.exclusion_id
    }

    fn tags(&self) -> &[Tag] {
        &[]
    }

    fn declare(_: &Item<'_, Self>, _: Label, _: &mut Build<'_>) {}

    fn connect(item: &Item<'_, Self>, build: &mut Build<'_>) {
        let json = &item.value;
        let state = json.state.as_deref().unwrap_or_default();
        if matches!(
            state,
            "create-in-progress" | "create-failed" | "delete-complete" | "disable-complete"
        ) {
            return;
        }
        let arn = json.resource_arn.as_str();
        let Some(excluded) = excluded_by(arn, build) else {
            let message = format!(
                "Block Public Access exclusion `{}` is for `{arn}`, which is not in the input",
                json.exclusion_id
            );
            let finding = Finding::note("block-public-access-exclusion-unknown", item.origin, message);
            build.findings.push(finding.rule("BPA-03"));
            return;
        };
        let word = json
            .internet_gateway_exclusion_mode
            .as_deref()
            .unwrap_or_default();
        let exclusion = Exclusion {
            id: Some(json.exclusion_id.clone()).filter(|id| !id.is_empty()),
            excluded,
            mode: mode_of(&EXCLUSION_MODES, word).unwrap_or_default(),
            origin: item.origin,
        };
        let vpc = excluded.vpc(build.topology);
        let block = vpc.and_then(|vpc| build.topology.block_public_access_of(vpc));
        let Some(block) = block else {
            let message = format!(
                "Block Public Access exclusion `{}` is from a setting that is not in the input",
                json.exclusion_id
            );
            let finding = Finding::note("block-public-access-exclusion-unknown", item.origin, message);
            build
                .findings
                .push(finding.help("add the answer of `aws ec2 describe-vpc-block-public-access-options`"));
            return;
        };
        build.topology.block_public_access[block]
            .exclusions
            .push(exclusion);
    }
}

/// What an ARN such as `arn:aws:ec2:eu-west-1:111122223333:subnet/subnet-1` names.
fn excluded_by(arn: &str, build: &Build<'_>) -> Option<Excluded> {
    let (kind, id) = arn.rsplit(':').next()?.split_once('/')?;
    match kind {
        "vpc" => build.find(id).map(Excluded::Vpc),
        "subnet" => build.find(id).map(Excluded::Subnet),
        _ => None,
    }
}

/// Makes settings and exclusions of what VPCs and subnets say of themselves, where the input does not have them.
pub(super) fn derive(build: &mut Build<'_>) {
    let mut states = std::mem::take(&mut build.block_states);
    // The strictest state is the setting itself; what is less strict has been excluded, VPCs before their subnets.
    states.sort_by_key(|state| {
        (
            std::cmp::Reverse(state.mode),
            matches!(state.excluded, Excluded::Subnet(_)),
        )
    });
    for state in states.iter().filter(|state| state.mode != BlockMode::Off) {
        let Some(vpc) = state.excluded.vpc(build.topology) else {
            continue;
        };
        if build.topology.block_public_access_of(vpc).is_none() {
            let vpc = &build.topology.vpcs[vpc];
            let (account, region) = (vpc.account.clone(), vpc.region.clone());
            declare(account, region, state.mode, state.origin, build);
        }
    }
    states.sort_by_key(|state| matches!(state.excluded, Excluded::Subnet(_)));
    for state in states {
        let topology = &mut *build.topology;
        let vpc = state.excluded.vpc(topology);
        let Some(block) = vpc.and_then(|vpc| topology.block_public_access_of(vpc)) else {
            continue;
        };
        if topology.block_mode_of(state.excluded) <= state.mode {
            continue;
        }
        let mode = match state.mode {
            BlockMode::Off => ExclusionMode::Bidirectional,
            _ => ExclusionMode::Egress,
        };
        topology.block_public_access[block].exclusions.push(Exclusion {
            id: None,
            excluded: state.excluded,
            mode,
            origin: state.origin,
        });
    }
}
