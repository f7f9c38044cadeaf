//! `internet:` of a design: hosts outside.

use vpcsim_aws::devices::InternetHost;
use vpcsim_aws::{AnyId, Label};

use super::context::{Context, Scope};
use super::instance::{LISTEN, read_listeners};
use super::node::Entry;
use super::registry::Noun;
use super::shape::{Fields, Record, Shape, key};

const RECORD: Record = Record::plain(
    "internet_host",
    &[
        key("address", Shape::Address, "Its public address.").required(),
        key("listen", LISTEN, "The services it answers on."),
        key("id", Shape::Text, "An id for reports."),
        key("tags", Shape::Named(&Shape::Text), "Tags."),
    ],
);

/// The registration.
pub(crate) const NOUN: Noun = Noun {
    key: "internet",
    about: "Hosts on the internet: their names and addresses.",
    shape: Shape::Either(&[Shape::Address, Shape::Record(&RECORD)]),
    declare,
    connect: None,
};

fn declare(context: &mut Context<'_>, scope: Scope, entry: &Entry) -> Option<AnyId> {
    let host = if entry.value.is_mapping() {
        let what = format!("internet host `{}`", entry.key);
        let fields = Fields::check(&entry.value, &RECORD, &what, context.findings);
        InternetHost {
            label: context.label(entry, &fields),
            listen: read_listeners(context, fields.items("listen")),
            address: fields.find("address")?.address(context.findings)?,
        }
    } else {
        let label = Label {
            origin: entry.key_origin,
            ..Label::named(&entry.key)
        };
        InternetHost {
            label,
            address: entry.value.address(context.findings)?,
            listen: Vec::new(),
        }
    };
    let id = context.topology.internet_hosts.push(host);
    Some(context.enter(id, scope))
}
