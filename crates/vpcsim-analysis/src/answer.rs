//! Questions about one flow, and their answers.
//!
//! The field names are those of the JSON that `vpcsim trace --format jsonl` prints.

use std::net::Ipv4Addr;

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize};

/// A flow to ask about: one line of a flow file. Unknown keys are ignored.
#[derive(Clone, Debug, Default, PartialEq, Eq, JsonSchema, Serialize, Deserialize)]
pub struct FlowQuery {
    /// Echoed in the answer; a number is taken as its digits.
    #[serde(default, deserialize_with = "text_or_number")]
    pub id: String,
    /// Who sends: an instance, interface, name, private or public address, or `internet`.
    pub source: String,
    /// The address that a source on the internet uses.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub src_ip: Option<Ipv4Addr>,
    /// The local address that the host binds to; else its own routing chooses.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bind: Option<Ipv4Addr>,
    /// Who shall get it: an address or a name.
    pub dst: String,
    /// `tcp`, `udp`, `icmp` or a protocol number.
    pub protocol: String,
    /// The destination port.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dst_port: Option<u16>,
    /// The source port; else the host chooses.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub src_port: Option<u16>,
    /// The ICMP type; 8 (echo request) unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub icmp_type: Option<u8>,
    /// The ICMP code.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub icmp_code: Option<u8>,
    /// The time to live; else the host's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ttl: Option<u8>,
}

fn text_or_number<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Id {
        Text(String),
        Number(i64),
    }
    Ok(match Id::deserialize(deserializer)? {
        Id::Text(text) => text,
        Id::Number(number) => number.to_string(),
    })
}

/// What the source saw.
#[derive(Clone, Copy, Debug, PartialEq, Eq, JsonSchema, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Observed {
    /// TCP: a SYN-ACK came.
    Open,
    /// TCP: a RST came. UDP: an ICMP port unreachable came.
    Closed,
    /// TCP: nothing came.
    Filtered,
    /// ICMP and UDP: an answer came.
    Reply,
    /// ICMP and UDP: nothing came.
    NoReply,
}

/// How one direction of a flow ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, JsonSchema, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// It arrived.
    Delivered,
    /// It was dropped.
    Dropped,
    /// It ran into something that is not modelled.
    Unknown,
}

/// One station that a packet passed or died at.
#[derive(Clone, Debug, PartialEq, Eq, JsonSchema, Serialize, Deserialize)]
pub struct Hop {
    /// The station's name (`EniOut`).
    pub station: String,
    /// The component's id, or its name where it has no id.
    pub component: String,
    /// The component's name for people.
    pub name: String,
    /// What kind of component it is (`network ACL`).
    pub kind: String,
    /// The rule that decided, in words, if a single rule did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rule: Option<String>,
    /// Whether the packet went on from here.
    pub passed: bool,
    /// The packet's one-line header as it left the station.
    pub packet: String,
    /// The header before, where the station rewrote it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<String>,
    /// Simulated time in nanoseconds since the flow's first packet.
    pub time_ns: u64,
    /// The frame number in the capture, if one was written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub frame: Option<u64>,
}

/// One direction of a flow: the way of its first packet.
#[derive(Clone, Debug, PartialEq, Eq, JsonSchema, Serialize, Deserialize)]
pub struct Leg {
    /// How it ended.
    pub verdict: Verdict,
    /// The stations with their components, in order.
    pub trail: Vec<Hop>,
    /// For a drop: the reason's name (`SG_INGRESS`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// For a drop: the component that dropped it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub component: Option<String>,
    /// For a drop: the rule, if a single rule did it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rule: Option<String>,
}

/// Why a flow failed, in the words of AWS's Reachability Analyzer.
#[derive(Clone, Debug, PartialEq, Eq, JsonSchema, Serialize, Deserialize)]
pub struct Explanation {
    /// AWS's code, or the drop reason's name where AWS has none.
    pub code: String,
    /// The component.
    pub component: String,
    /// `forward` or `return`.
    pub direction: String,
    /// What happened, with the values.
    pub detail: String,
    /// The rule that came nearest to allowing it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nearest: Option<String>,
    /// What would open it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub help: Option<String>,
}

/// Something unread that could change an answer.
#[derive(Clone, Debug, PartialEq, Eq, JsonSchema, Serialize, Deserialize)]
pub struct UnreadNote {
    /// What it is (`transit gateway tgw-1`).
    pub what: String,
    /// What it may change.
    pub effect: String,
}

/// The answer to a [`FlowQuery`].
#[derive(Clone, Debug, PartialEq, Eq, JsonSchema, Serialize, Deserialize)]
pub struct Answer {
    /// The query's id.
    pub id: String,
    /// Whether an answer came back to the source.
    pub round_trip: bool,
    /// Whether the answer rests on something that is not modelled.
    pub unknown: bool,
    /// What the source saw.
    pub observed: Observed,
    /// The time to live of the answer as it arrived.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reply_ttl: Option<u8>,
    /// The time from the question to the answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rtt_ns: Option<u64>,
    /// The way there.
    pub forward: Leg,
    /// The way back of the first answer, if there was one.
    #[serde(rename = "return", default, skip_serializing_if = "Option::is_none")]
    pub back: Option<Leg>,
    /// Why it failed.
    pub explanations: Vec<Explanation>,
    /// What was not understood and could change this answer.
    pub unread: Vec<UnreadNote>,
}

/// One captured packet, ready to be written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CaptureRecord {
    /// The capture point: an index into the capture's interfaces.
    pub point: u32,
    /// Simulated time in nanoseconds.
    pub time_ns: u64,
    /// The packet's identity over all its hops.
    pub packet_id: u64,
    /// Whether it leaves the captured interface; else it comes in.
    pub outbound: bool,
    /// For a packet that died here: the reason and the component (`SG_INGRESS sg-1`).
    pub dropped: Option<String>,
    /// The frame or the packet, as the interface's link layer says.
    pub bytes: bytes::Bytes,
}

/// One interface of a capture.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CaptureInterface {
    /// Its name (`web-1 eni`).
    pub name: String,
    /// Who and where.
    pub description: String,
    /// Whether its records are Ethernet frames; else IPv4 packets.
    pub ethernet: bool,
}

/// A whole capture.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Capture {
    /// The capture points, in order.
    pub interfaces: Vec<CaptureInterface>,
    /// The records in the order of time.
    pub records: Vec<CaptureRecord>,
    /// Names of addresses, in the order of the address.
    pub names: Vec<(Ipv4Addr, String)>,
    /// A comment on the whole (design, seed).
    pub comment: String,
}
