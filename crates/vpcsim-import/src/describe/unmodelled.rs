//! Answers of AWS that are recognised and not modelled: each thing in them becomes an entry of `Topology::unread`.

use serde_json::Value;
use vpcsim_aws::{Finding, Findings, Origin, Unread};

use super::build::Build;
use super::document::{Elements, Locator};
use super::made::Made;
use super::registry::{Member, is_empty};

/// A top key whose things are not modelled.
struct Row {
    key: &'static str,
    noun: &'static str,
    /// The members that name one of them, the best first.
    names: &'static [&'static str],
    effect: &'static str,
}

const fn row(
    key: &'static str,
    noun: &'static str,
    names: &'static [&'static str],
    effect: &'static str,
) -> Row {
    Row {
        key,
        noun,
        names,
        effect,
    }
}

/// The key of what a template or a plan makes and nobody reads.
pub(crate) const MADE: &str = "@unmodelled";

const BEHIND: &str = "networks behind it cannot be judged";
const ADDRESSES: &str = "flows to and from its addresses cannot be judged";

const ROWS: &[Row] = &[
    row(
        "LoadBalancerDescriptions",
        "classic load balancer",
        &["LoadBalancerName"],
        ADDRESSES,
    ),
    row(
        "VpnGateways",
        "virtual private gateway",
        &["VpnGatewayId"],
        BEHIND,
    ),
    row("VpnConnections", "VPN connection", &["VpnConnectionId"], BEHIND),
    row(
        "CustomerGateways",
        "customer gateway",
        &["CustomerGatewayId"],
        BEHIND,
    ),
    row(
        "DirectConnectGateways",
        "Direct Connect gateway",
        &["directConnectGatewayId"],
        BEHIND,
    ),
    row(
        "VirtualInterfaces",
        "virtual interface",
        &["VirtualInterfaceId", "virtualInterfaceId"],
        BEHIND,
    ),
    row(
        "EgressOnlyInternetGateways",
        "egress-only internet gateway",
        &["EgressOnlyInternetGatewayId"],
        "it carries IPv6 only",
    ),
    row(
        "CarrierGateways",
        "carrier gateway",
        &["CarrierGatewayId"],
        BEHIND,
    ),
    row(MADE, "", &["Name"], ""),
    row("DomainStatusList", "search domain", &["DomainName"], ADDRESSES),
    row(
        "ElasticsearchDomains",
        "search domain",
        &["DomainName"],
        ADDRESSES,
    ),
    row(
        "Firewalls",
        "network firewall",
        &["FirewallName"],
        "it may drop what is judged reachable",
    ),
    row(
        "Firewall",
        "network firewall",
        &["FirewallName"],
        "it may drop what is judged reachable",
    ),
    row(
        "RouteServers",
        "route server",
        &["RouteServerId"],
        "routes that it makes are missing",
    ),
    row(
        "TransitGatewayConnects",
        "transit gateway attachment",
        &["TransitGatewayAttachmentId"],
        BEHIND,
    ),
];

/// Parts of those things: what they say is covered by the entry of the whole.
const PARTS: &[&str] = &[
    "TransitGatewayRouteTablePropagations",
    "TransitGatewayConnectPeers",
    "TargetHealthDescriptions",
    "Rules",
    "Attributes",
    "FirewallPolicy",
    "FirewallPolicyResponse",
    "FirewallStatus",
    "RuleGroup",
    "UpdateToken",
];

/// Answers that change no verdict.
const HARMLESS: &[&str] = &[
    "AvailabilityZones",
    "FlowLogs",
    "Images",
    "KeyPairs",
    "NextToken",
    "Regions",
    "ResponseMetadata",
    "ServiceDetails",
    "ServiceNames",
    "Snapshots",
    "Volumes",
    "Marker",
    "NextMarker",
    "PrefixListId",
    "AdditionalRoutesAvailable",
];

/// Whether a top key is known here.
pub(super) fn is_key(word: &str) -> bool {
    ROWS.iter().any(|row| row.key == word) || PARTS.contains(&word) || HARMLESS.contains(&word)
}

/// A thing that is not modelled.
#[derive(Debug)]
pub(super) struct Found {
    row: usize,
    value: Value,
    origin: Origin,
}

/// Takes a member that no noun reads.
pub(super) fn add<'t>(
    found: &mut Vec<Found>,
    member: &Member<'_, 't>,
    locator: &mut Locator<'t>,
    findings: &mut Findings,
) {
    if PARTS.contains(&member.key) || HARMLESS.contains(&member.key) || is_empty(member) {
        return;
    }
    let origin = locator.locate(member.raw.get());
    let Some(row) = ROWS.iter().position(|row| row.key == member.key) else {
        let message = format!("`{}` is not known here: it is not read", member.key);
        findings.push(Finding::warning("unknown-top-key", origin, message));
        return;
    };
    let Ok(Elements(elements)) = Elements::of(member.raw) else {
        return;
    };
    for raw in elements {
        let origin = locator.locate(raw.get());
        match serde_json::from_str(raw.get()) {
            Ok(value) => found.push(Found { row, value, origin }),
            Err(error) => {
                let message = format!("an element of `{}` cannot be read: {error}", member.key);
                findings.push(Finding::error("describe-item", origin, message));
            }
        }
    }
}

/// Takes something made that is not modelled: its description has the members `Noun`, `Effect` and perhaps `VpcId`.
pub(super) fn make(found: &mut Vec<Found>, made: Made) {
    if let Some(row) = ROWS.iter().position(|row| row.key == made.key) {
        found.push(Found {
            row,
            value: made.value,
            origin: made.origin,
        });
    }
}

/// Endpoints and the like say which interfaces are theirs.
pub(super) fn prepare(found: &[Found], build: &mut Build<'_>) {
    for thing in found {
        let word = |key: &str| thing.value.get(key).and_then(Value::as_str).map(str::to_owned);
        if let (Some(id), Some(noun), Some(effect)) = (word("Id"), word("Noun"), word("Effect")) {
            build.unmodelled.insert(id, (noun, effect));
        }
        let interfaces = thing.value.get("NetworkInterfaceIds").and_then(Value::as_array);
        for interface in interfaces.into_iter().flatten().filter_map(Value::as_str) {
            build
                .owner_of_interface
                .insert(interface.to_owned(), ROWS[thing.row].noun.to_owned());
        }
    }
}

/// Enters everything that still exists.
pub(super) fn report(found: &[Found], build: &mut Build<'_>) {
    for thing in found.iter().filter(|thing| is_live(&thing.value)) {
        let row = &ROWS[thing.row];
        let name = row
            .names
            .iter()
            .find_map(|name| thing.value.get(name).and_then(Value::as_str));
        let vpc_id = ["VpcId", "VPCId"]
            .iter()
            .find_map(|key| thing.value.get(key).and_then(Value::as_str));
        let attachments = thing
            .value
            .get("VpcAttachments")
            .or_else(|| thing.value.get("Attachments"));
        let attached = attachments.and_then(|list| list.get(0)?.get("VpcId")?.as_str());
        let own = |key: &str, other: &str| {
            let own = thing.value.get(key).and_then(Value::as_str);
            own.filter(|_| row.key == MADE).unwrap_or(other).to_owned()
        };
        let unread = Unread {
            noun: own("Noun", row.noun),
            name: name.unwrap_or("?").to_owned(),
            vpc: vpc_id.or(attached).and_then(|id| build.find(id)),
            addresses: Vec::new(),
            effect: own("Effect", row.effect),
            origin: thing.origin,
        };
        build.unread(unread);
    }
}

fn is_live(value: &Value) -> bool {
    let state = value.get("State").and_then(Value::as_str).unwrap_or_default();
    let mode = value.get("InternetGatewayBlockMode").and_then(Value::as_str);
    !matches!(state, "deleted" | "Deleted" | "rejected" | "failed") && mode != Some("off")
}
