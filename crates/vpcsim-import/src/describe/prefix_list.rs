//! `PrefixLists` of `describe-prefix-lists` and `describe-managed-prefix-lists`, and the `Entries` of the latter.

use ipnet::Ipv4Net;
use serde::Deserialize;
use vpcsim_aws::aws_service::{ServiceName, known_list, known_list_of_id};
use vpcsim_aws::devices::PrefixList;
use vpcsim_aws::{Finding, Id, Kind, Label, Unread};

use super::build::Build;
use super::item::{Described, Item, List, Tag, Whole};

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub(super) struct PrefixListJson {
    prefix_list_id: String,
    prefix_list_name: Option<String>,
    cidrs: List<String>,
    max_entries: Option<Whole>,
    version: Option<Whole>,
    tags: List<Tag>,
}

/// An entry; its answer does not say of which list, so that a member `PrefixListId` has to be added to it.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub(super) struct EntryJson {
    prefix_list_id: Option<String>,
    cidr: Option<String>,
}

impl Described for PrefixListJson {
    const KIND: Option<Kind> = Some(Kind::PrefixList);

    fn id(&self) -> &str {
        &self.prefix_list_id
    }

    fn tags(&self) -> &[Tag] {
        &self.tags
    }

    fn name(&self) -> Option<&str> {
        self.prefix_list_name.as_deref().filter(|name| !name.is_empty())
    }

    /// The two calls describe the same list: one with its ranges, the other with its size.
    fn merge(&mut self, other: Self) {
        if self.cidrs.is_empty() {
            self.cidrs = other.cidrs;
        }
        self.max_entries = self.max_entries.or(other.max_entries);
        self.version = self.version.or(other.version);
        if self.tags.is_empty() {
            self.tags = other.tags;
        }
    }

    fn declare(item: &Item<'_, Self>, label: Label, build: &mut Build<'_>) {
        let json = &item.value;
        let mut entries: Vec<Ipv4Net> = json
            .cidrs
            .iter()
            .filter(|text| !text.contains(':'))
            .filter_map(|text| build.cidr(item, text))
            .collect();
        entries.extend(
            build
                .entries_of_list
                .get(&json.prefix_list_id)
                .into_iter()
                .flatten()
                .copied(),
        );
        entries.dedup();
        if entries.is_empty()
            && let Some(known) = ServiceName::parse(&label.name).and_then(|service| known_list(&service))
        {
            note_assumed(&label, build);
            entries = known.entries;
        }
        let most = json.max_entries.and_then(|most| u32::try_from(most.0).ok());
        let entries_max = most.unwrap_or(entries.len() as u32);
        let id = build.topology.prefix_lists.push(PrefixList {
            label,
            entries,
            entries_max,
            version: json.version.and_then(|version| u32::try_from(version.0).ok()),
        });
        build.enter(id, None);
    }
}

impl Described for EntryJson {
    const KIND: Option<Kind> = None;

    fn id(&self) -> &'static str {
        ""
    }

    fn tags(&self) -> &[Tag] {
        &[]
    }

    fn prepare(item: &Item<'_, Self>, build: &mut Build<'_>) {
        let Some(text) = item.value.cidr.as_deref().filter(|text| !text.contains(':')) else {
            return;
        };
        let Some(list) = item
            .value
            .prefix_list_id
            .clone()
            .or_else(|| item.place.prefix_list.clone())
        else {
            let message = "these entries do not say of which prefix list they are";
            let help = "name the file after the list's id (`pl-….json`)";
            build
                .findings
                .push(Finding::warning("prefix-list-entries", item.origin, message).help(help));
            return;
        };
        let Some(net) = build.cidr(item, text) else { return };
        build.entries_of_list.entry(list).or_default().push(net);
    }

    fn declare(_: &Item<'_, Self>, _: Label, _: &mut Build<'_>) {}
}

/// `describe-managed-prefix-lists` shows no ranges; those of AWS's own lists are known.
fn note_assumed(label: &Label, build: &mut Build<'_>) {
    let message = format!(
        "the ranges of prefix list {} are not in the input: those that are known of AWS stand for them",
        label.display()
    );
    let finding = Finding::note("service-addresses-assumed", label.origin, message).rule("EP-02");
    build
        .findings
        .push(finding.help("add the answer of `aws ec2 describe-prefix-lists`"));
}

/// The list that a rule or route refers to; of AWS's own the ranges are known, and
/// one without known entries matches nothing, and may do so wrongly.
pub(super) fn referenced<T>(id: &str, item: &Item<'_, T>, build: &mut Build<'_>) -> Id<PrefixList> {
    // A plan may only know whose list it is: `com.amazonaws.eu-west-1.s3`.
    let of_service = ServiceName::parse(id).and_then(|service| known_list(&service)?.label.id);
    let id = of_service.as_deref().unwrap_or(id);
    let list = build.find::<PrefixList>(id).unwrap_or_else(|| {
        let known = known_list_of_id(id);
        let name = known.as_ref().map_or(id, |list| list.label.name.as_str());
        let label = Label {
            id: Some(id.to_owned()),
            origin: item.locate(id),
            ..Label::named(build.claim_name(Kind::PrefixList, name))
        };
        let described = build.entries_of_list.get(id).cloned();
        if described.is_none() && known.is_some() {
            note_assumed(&label, build);
        }
        let entries = described.or(known.map(|list| list.entries)).unwrap_or_default();
        let entries_max = entries.len() as u32;
        let made = build.topology.prefix_lists.push(PrefixList {
            label,
            entries,
            entries_max,
            version: None,
        });
        build.enter(made, None);
        made
    });
    if build.topology.prefix_lists[list].entries.is_empty() {
        build.unread(Unread {
            noun: "prefix list".to_owned(),
            name: id.to_owned(),
            vpc: None,
            addresses: Vec::new(),
            effect: "its entries are not in the input: routes and rules that refer to it match nothing"
                .to_owned(),
            origin: item.locate(id),
        });
    }
    list
}
