//! What AWS would describe if a template or a plan were deployed: made by the nouns of its language, read like an answer of AWS.

use serde_json::Value;
use vpcsim_aws::{Finding, Origin};

use super::place::Place;

/// Whether something stands for itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    /// A thing.
    Whole,
    /// A thing that exists already, of which a dump may know more.
    Known,
    /// A route, a rule, an association: a part of the thing that has its id.
    Part,
}

/// Something that a deployment makes.
#[derive(Clone, Debug)]
pub(crate) struct Made {
    /// The top key of the answer in which AWS would describe it (`Subnets`).
    pub key: &'static str,
    /// Its description.
    pub value: Value,
    /// Whether it is a part of another.
    pub role: Role,
    /// What its author calls it.
    pub address: String,
    /// Where it is declared.
    pub origin: Origin,
    /// Where it goes.
    pub place: Place,
}

/// What helps against a reference that a plan or a template does not say.
pub(crate) const UNRESOLVED_HELP: &str =
    "write the id, or give a plan with its `configuration` part, as `terraform show -json` makes it";

/// What a part belongs to, in words, by the key of the whole.
const WHOLES: [(&str, &str, &str); 8] = [
    ("RouteTables", "route table", "describe-route-tables"),
    ("NetworkAcls", "network ACL", "describe-network-acls"),
    ("SecurityGroups", "security group", "describe-security-groups"),
    ("Vpcs", "VPC", "describe-vpcs"),
    ("VpcEndpoints", "VPC endpoint", "describe-vpc-endpoints"),
    ("Addresses", "Elastic IP address", "describe-addresses"),
    (
        "NetworkInterfaces",
        "network interface",
        "describe-network-interfaces",
    ),
    (
        "InternetGateways",
        "internet gateway",
        "describe-internet-gateways",
    ),
];

/// The error of a part whose whole is nowhere: dropping it without a word would change the answers.
pub(super) fn without_whole(key: &str, address: &str, id: &str, origin: Origin) -> Finding {
    let known = WHOLES.iter().find(|(whole, _, _)| *whole == key);
    let (noun, call) = known.map_or((key, "describe-…"), |(_, noun, call)| (*noun, *call));
    let message = format!("`{address}` belongs to {noun} `{id}`, which is not in the input");
    let help = format!("add the answer of `aws ec2 {call}` of the account, or a state file that has it");
    Finding::error("whole-not-in-input", origin, message).help(help)
}
