//! `NetworkInsightsPaths`: the answer of `describe-network-insights-paths`. Whoever has AWS analyse a path wants it to be open:
//! each becomes an expectation.

use serde::Deserialize;
use vpcsim_aws::devices::InternetGateway;
use vpcsim_aws::{Expectation, Finding, Kind, Label, Protocol};

use super::build::Build;
use super::item::{Described, Item, List, Tag, Whole, Word};

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub(super) struct PathJson {
    network_insights_path_id: String,
    source: String,
    source_ip: Option<String>,
    destination: Option<String>,
    destination_ip: Option<String>,
    protocol: Word,
    destination_port: Option<Whole>,
    tags: List<Tag>,
}

impl Described for PathJson {
    const KIND: Option<Kind> = None;

    fn id(&self) -> &str {
        &self.network_insights_path_id
    }

    fn tags(&self) -> &[Tag] {
        &self.tags
    }

    fn declare(_: &Item<'_, Self>, _: Label, _: &mut Build<'_>) {}

    fn connect(item: &Item<'_, Self>, build: &mut Build<'_>) {
        let json = &item.value;
        let end = |id: &str, address: Option<&String>, build: &Build<'_>| {
            // A gateway stands for what is behind it.
            let is_gateway = build.find::<InternetGateway>(id).is_some();
            address.cloned().unwrap_or_else(|| {
                if is_gateway {
                    "internet".to_owned()
                } else {
                    id.to_owned()
                }
            })
        };
        let from = end(&json.source, json.source_ip.as_ref(), build);
        let to = json.destination.as_deref().unwrap_or_default();
        let to = end(to, json.destination_ip.as_ref(), build);
        let protocol = if json.protocol.eq_ignore_ascii_case("udp") {
            Protocol::UDP
        } else {
            Protocol::TCP
        };
        let port = json
            .destination_port
            .and_then(|port| u16::try_from(port.0).ok())
            .filter(|port| *port > 0);
        if to.is_empty() || port.is_none() {
            let name = item.address.as_deref().unwrap_or(&json.network_insights_path_id);
            let message = format!("path `{name}` says no destination or no port: it is not asked");
            let finding = Finding::note("path-not-asked", item.origin, message);
            return build
                .findings
                .push(finding.help("give it a destination and a destination port"));
        }
        let words = if protocol == Protocol::UDP { "udp" } else { "tcp" };
        let text = format!("{from} -> {to} {words} {}: reachable", port.unwrap_or_default());
        build.topology.expectations.push(Expectation {
            from,
            to,
            protocol,
            port,
            reachable: true,
            because: None,
            text,
            origin: item.origin,
        });
    }
}
