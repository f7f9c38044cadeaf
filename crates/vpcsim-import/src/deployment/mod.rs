//! What deploying a template or a plan makes, in the words of `aws … describe-*`.
//!
//! The front ends evaluate their languages to [`Declared`](crate::declared::Declared) resources. A *noun* turns one kind of them,
//! under its Terraform name and under its CloudFormation name, into descriptions ([`Made`]), which `describe` then reads like
//! any other: defaults, references and what AWS makes by itself are the same for every format.
//!
//! [`nouns`] lists them, a file for each family; [`values`] reads arguments; [`unmodelled`] says of everything else whether it
//! has a part in the network.

mod balancing;
mod compute;
mod default_vpc;
mod endpoints;
mod filters;
mod gateways;
mod hosts;
mod network;
pub(crate) mod nouns;
mod paths;
mod peering;
mod routes;
mod transit;
mod unmodelled;
mod values;

use std::net::Ipv4Addr;

use rustc_hash::{FxHashMap, FxHashSet};
use serde_json::{Map, Value};
use vpcsim_aws::completion::PublicAddressPool;
use vpcsim_aws::{Finding, Findings, Topology};

use crate::declared::{Declared, ORIGIN_KEY};
use crate::describe::made::{Made, Role};
use crate::describe::place::Place;
use values::Values;

/// A deployment in the making.
pub(crate) struct Deployment<'d, 'f> {
    /// What is wrong or surprising.
    pub findings: &'f mut Findings,
    declared: &'d [Declared],
    by_id: FxHashMap<&'d str, usize>,
    by_kind: FxHashMap<&'d str, Vec<usize>>,
    /// Every text in an argument: who is spoken of.
    mentioned: FxHashSet<&'d str>,
    public: PublicAddressPool,
    public_of: FxHashMap<String, Ipv4Addr>,
    made: Vec<Made>,
    wholes: FxHashMap<(&'static str, String), usize>,
}

/// Deploys what is declared; `taken` are addresses that others of the input have.
pub(crate) fn deploy(
    declared: &[Declared],
    taken: impl IntoIterator<Item = Ipv4Addr>,
    findings: &mut Findings,
) -> Vec<Made> {
    let mut public = PublicAddressPool::new(&Topology::default());
    taken.into_iter().for_each(|address| public.reserve(address));
    let mut mentioned = FxHashSet::default();
    for resource in declared {
        for (key, value) in &resource.values {
            collect_texts(key, value, &mut mentioned, &mut public);
        }
    }
    let mut by_kind: FxHashMap<&str, Vec<usize>> = FxHashMap::default();
    for (index, resource) in declared.iter().enumerate() {
        by_kind.entry(&resource.kind).or_default().push(index);
    }
    let mut deployment = Deployment {
        findings,
        by_kind,
        declared,
        by_id: declared
            .iter()
            .enumerate()
            .rev()
            .map(|(index, resource)| (resource.id.as_str(), index))
            .collect(),
        mentioned,
        public,
        public_of: FxHashMap::default(),
        made: Vec::new(),
        wholes: FxHashMap::default(),
    };
    // What looks at things that others make, or takes them back, comes last.
    let (first, last): (Vec<&Declared>, Vec<&Declared>) = declared
        .iter()
        .partition(|resource| !resource.kind.contains("arget") && !resource.kind.starts_with("Custom::"));
    for resource in first.into_iter().chain(last) {
        match nouns::noun_of(&resource.kind) {
            Some(make) => make(resource, &mut deployment),
            None => unmodelled::make(resource, &mut deployment),
        }
    }
    unmodelled::report_rest(&mut deployment);
    deployment.made
}

/// The attributes of a VPC by which others speak of what came with it; its own do not count.
const OF_A_VPC: [&str; 4] = [
    "default_network_acl_id",
    "default_route_table_id",
    "default_security_group_id",
    "main_route_table_id",
];

fn collect_texts<'d>(
    key: &str,
    value: &'d Value,
    texts: &mut FxHashSet<&'d str>,
    public: &mut PublicAddressPool,
) {
    match value {
        Value::String(text) => {
            if let Ok(address) = text.split('/').next().unwrap_or_default().parse() {
                public.reserve(address);
            } else if !OF_A_VPC.contains(&key) || text.contains('.') {
                texts.insert(text);
            }
        }
        Value::Array(list) => list
            .iter()
            .for_each(|value| collect_texts(key, value, texts, public)),
        Value::Object(map) => map
            .iter()
            .filter(|(key, _)| *key != ORIGIN_KEY)
            .for_each(|(key, value)| collect_texts(key, value, texts, public)),
        _ => {}
    }
}

impl<'d> Deployment<'d, '_> {
    /// The resource that references resolve to by this id.
    fn find(&self, id: &str) -> Option<&'d Declared> {
        self.by_id.get(id).map(|index| &self.declared[*index])
    }

    /// Everything of these kinds.
    fn all_of(&self, kinds: &[&str]) -> impl Iterator<Item = &'d Declared> + use<'d> {
        let listed = kinds.iter().filter_map(|kind| self.by_kind.get(kind));
        let places: Vec<usize> = listed.flatten().copied().collect();
        let declared = self.declared;
        places.into_iter().map(move |place| &declared[place])
    }

    /// Whether anything speaks of this id.
    fn is_mentioned(&self, id: &str) -> bool {
        self.mentioned.contains(id)
    }

    /// Makes something that `key` describes; what is given as null is left out.
    fn whole(&mut self, resource: &Declared, key: &'static str, id: &str, description: Value) {
        let mut description = without_nulls(description);
        if let Value::Object(map) = &mut description {
            let mut tags = Values::of(resource).tags();
            let named = resource.values.get("@name").and_then(Value::as_str);
            if id == resource.id && id != resource.address {
                tags.push(serde_json::json!({"Key": ADDRESS_TAG, "Value": resource.address}));
            }
            if id == resource.id && named.is_some_and(|name| !name.is_empty()) && !has_name(&tags) {
                tags.push(serde_json::json!({"Key": "Name", "Value": named}));
            }
            if !map.contains_key("Tags") && !tags.is_empty() {
                map.insert("Tags".to_owned(), Value::Array(tags));
            }
        }
        let address = if id == resource.id { &resource.address } else { id };
        let mut made = made_of(
            resource,
            key,
            if resource.kind.starts_with("data.") {
                Role::Known
            } else {
                Role::Whole
            },
            description,
        );
        address.clone_into(&mut made.address);
        let known = self.wholes.get(&(key, id.to_owned())).copied();
        if let Some(first) = known {
            // What was declared as a part before comes on top.
            let parts = std::mem::replace(&mut self.made[first], made);
            add(&mut self.made[first].value, parts.value);
        } else {
            self.wholes.insert((key, id.to_owned()), self.made.len());
            self.made.push(made);
        }
    }

    /// Adds to the description that `key` has of `id`; if nothing here makes that, it has to be in another input.
    fn part(&mut self, resource: &Declared, key: &'static str, id: &str, description: Value) {
        let description = without_nulls(description);
        if let Some(&whole) = self.wholes.get(&(key, id.to_owned())) {
            return add(&mut self.made[whole].value, description);
        }
        self.wholes.insert((key, id.to_owned()), self.made.len());
        self.made.push(made_of(resource, key, Role::Part, description));
    }

    /// Makes something that has no id of its own.
    fn fact(&mut self, resource: &Declared, key: &'static str, description: Value) {
        self.made
            .push(made_of(resource, key, Role::Whole, without_nulls(description)));
    }

    /// The public address of an Elastic IP: the declared one, or one of the pool, always the same.
    fn public_of(&mut self, id: &str) -> Option<Ipv4Addr> {
        if let Some(known) = self.public_of.get(id) {
            return Some(*known);
        }
        let declared = self
            .find(id)
            .and_then(|elastic| Values::of(elastic).text("public_ip|PublicIp"));
        let address = declared
            .and_then(|text| text.parse().ok())
            .or_else(|| self.public.take())?;
        self.public_of.insert(id.to_owned(), address);
        Some(address)
    }

    /// A public address for what AWS gives one at its start.
    fn assign_public(&mut self) -> Option<Ipv4Addr> {
        self.public.take()
    }

    fn warn(&mut self, code: &'static str, resource: &Declared, message: impl Into<String>) {
        self.findings
            .push(Finding::warning(code, resource.origin, message));
    }
}

/// What a declared resource makes.
fn made_of(resource: &Declared, key: &'static str, role: Role, value: Value) -> Made {
    Made {
        key,
        value,
        role,
        address: resource.address.clone(),
        origin: resource.origin,
        place: Place {
            account: resource.account.clone(),
            region: resource.region.clone(),
            prefix_list: None,
        },
    }
}

/// The tag that says how the author of a plan or a template calls what AWS has given an id already.
pub(crate) const ADDRESS_TAG: &str = "vpcsim:address";

fn has_name(tags: &[Value]) -> bool {
    tags.iter().any(|tag| tag["Key"] == "Name")
}

/// Takes null members out: absent and null mean the same in an answer of AWS.
fn without_nulls(value: Value) -> Value {
    match value {
        Value::Object(map) => {
            let kept = map.into_iter().filter(|(_, value)| !value.is_null());
            Value::Object(kept.map(|(key, value)| (key, without_nulls(value))).collect())
        }
        Value::Array(list) => Value::Array(list.into_iter().map(without_nulls).collect()),
        other => other,
    }
}

/// Adds to a description: lists grow, the rest is filled in where it is missing.
fn add(whole: &mut Value, part: Value) {
    let (Value::Object(whole), Value::Object(part)) = (whole, part) else {
        return;
    };
    for (key, value) in part {
        match (whole.get_mut(&key), value) {
            (Some(Value::Array(list)), Value::Array(more)) => {
                for value in more {
                    if !list.contains(&value) {
                        list.push(value);
                    }
                }
            }
            (Some(_), _) => {}
            (None, value) => {
                whole.insert(key, value);
            }
        }
    }
}

/// The place of a block, for the part of a description that it becomes.
fn spot(block: &Map<String, Value>) -> Value {
    block.get(ORIGIN_KEY).cloned().unwrap_or(Value::Null)
}
