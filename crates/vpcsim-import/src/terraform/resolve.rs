//! From instances to declared resources: what is unknown is looked for along the references of the configuration.

use std::cell::Cell;

use rustc_hash::{FxHashMap, FxHashSet};
use serde_json::{Map, Value};
use vpcsim_aws::Findings;

use super::address::{Index, ModulePath, Part, parts};
use super::configuration::{Configuration, Module};
use super::filling::Filling;
use super::language::{Member, Scopes, Sources, to_hcl};
use super::{Held, Instance, kinds};
use crate::declared::Declared;

/// How many modules a reference may lead through.
const DEPTH_MAX: usize = 64;

/// Turns what a file holds into declared resources.
pub(super) fn resolve(
    held: &Held,
    prefix: &str,
    sources: &Sources,
    strict: bool,
    findings: &mut Findings,
) -> Vec<Declared> {
    let mut resolver = Resolver::new(held, prefix, sources);
    if !sources.is_empty() {
        resolver.scopes = sources.scopes(&resolver.members(), &held.configuration.variables);
    }
    let mut declared = Vec::with_capacity(held.instances.len());
    let mut seen = FxHashSet::default();
    for place in 0..held.instances.len() {
        let address = resolver.address(place);
        // A data source stands both in the plan and in what stood before it.
        if held.instances[place].is_data && !seen.insert(address.clone()) {
            continue;
        }
        declared.push(resolver.declare(place, address, strict, findings));
    }
    declared
}

/// Where an expression is asked from: the module, and the index of whoever asks.
#[derive(Clone, Copy, Debug)]
pub(super) struct Asker<'a> {
    pub(super) module: &'a [(String, Option<Index>)],
    pub(super) index: Option<&'a Index>,
    /// What the `for_each` of whoever asks goes over.
    for_each: Option<&'a Value>,
}

/// What one reference leads to.
#[derive(Clone, Debug)]
pub(super) struct Lead {
    pub(super) reference: String,
    pub(super) to: Vec<Found>,
    /// The index by which one of several is meant (`count.index`, `each.key`).
    pub(super) pair: Option<Index>,
}

#[derive(Clone, Debug)]
pub(super) enum Found {
    /// An instance and the way to its attribute.
    Instance(usize, Vec<Part>),
    /// A value that the plan knows.
    Value(Value),
    /// A local value of a module, which no plan tells.
    Local(ModulePath),
}

/// The expressions of a block, or one expression that stands for all of them.
#[derive(Clone, Copy, Debug)]
pub(super) enum Expressions<'c> {
    Block(&'c Value),
    Flat(&'c Value),
    None,
}

impl<'c> Expressions<'c> {
    pub(super) fn of(self, argument: &str) -> Option<&'c Value> {
        match self {
            Self::Block(block) => block.get(argument),
            Self::Flat(expression) => Some(expression),
            Self::None => None,
        }
    }

    /// The block that an element of a list came from: by its constants, else by its place.
    pub(super) fn of_element(
        self,
        argument: &str,
        place: usize,
        count: usize,
        element: &Map<String, Value>,
    ) -> Self {
        let Some(expression) = self.of(argument) else {
            return Self::None;
        };
        let Some(blocks) = expression.as_array() else {
            let is_flat = expression.get("references").is_some() || matches!(self, Self::Flat(_));
            return if is_flat {
                Self::Flat(expression)
            } else {
                Self::Block(expression)
            };
        };
        let fits = |block: &&Value| {
            block.as_object().is_some_and(|block| {
                block
                    .iter()
                    .all(|(key, expression)| match expression.get("constant_value") {
                        Some(constant) => element.get(key).is_none_or(|value| value == constant),
                        None => true,
                    })
            })
        };
        let mut fitting = blocks.iter().filter(fits);
        let first = fitting.next();
        let by_constants = first.filter(|_| fitting.next().is_none());
        let by_place = || blocks.get(place).filter(|_| blocks.len() == count);
        by_constants
            .or_else(by_place)
            .or(first)
            .map_or(Self::None, Self::Block)
    }
}

pub(super) struct Resolver<'h> {
    pub(super) instances: &'h [Instance],
    configuration: &'h Configuration,
    ids: Vec<String>,
    groups: FxHashMap<(&'h ModulePath, bool, &'h str, &'h str), Group<'h>>,
    managed_of_kind: FxHashMap<&'h str, Vec<usize>>,
    modules: Vec<ModulePath>,
    /// What sets this file's addresses apart from those of others.
    prefix: &'h str,
    /// The configuration's files, if they are there, and what their expressions can speak of.
    sources: &'h Sources,
    scopes: Scopes,
    /// How many resources a value was handed on by.
    handed_on: Cell<usize>,
}

/// The instances of one resource.
#[derive(Default)]
struct Group<'h> {
    places: Vec<usize>,
    by_index: FxHashMap<&'h Index, usize>,
}

impl<'h> Resolver<'h> {
    fn new(held: &'h Held, prefix: &'h str, sources: &'h Sources) -> Self {
        let mut resolver = Self {
            instances: &held.instances,
            configuration: &held.configuration,
            ids: Vec::new(),
            groups: FxHashMap::default(),
            managed_of_kind: FxHashMap::default(),
            modules: Vec::new(),
            prefix,
            sources,
            scopes: Scopes::default(),
            handed_on: Cell::new(0),
        };
        let mut modules = FxHashSet::default();
        for (place, instance) in held.instances.iter().enumerate() {
            let key = (
                &instance.module,
                instance.is_data,
                instance.kind.as_str(),
                instance.name.as_str(),
            );
            let group = resolver.groups.entry(key).or_default();
            group.places.push(place);
            if let Some(index) = &instance.index {
                group.by_index.insert(index, place);
            }
            if !instance.is_data {
                resolver
                    .managed_of_kind
                    .entry(&instance.kind)
                    .or_default()
                    .push(place);
            }
            for length in 1..=instance.module.len() {
                modules.insert(instance.module[..length].to_vec());
            }
        }
        resolver.modules = modules.into_iter().collect();
        resolver.modules.sort_unstable();
        for place in 0..held.instances.len() {
            let known = held.instances[place].values.get("id").and_then(Value::as_str);
            let id = known.filter(|id| !id.is_empty()).map(str::to_owned);
            let address = resolver.address(place);
            resolver.ids.push(id.unwrap_or(address));
        }
        for place in 0..held.instances.len() {
            if let Some(adopted) = resolver.adopted(place) {
                resolver.ids[place] = adopted;
            }
        }
        resolver
    }

    /// The id of what a resource adopts, if it is one of those that make nothing of their own.
    fn adopted(&self, place: usize) -> Option<String> {
        let instance = &self.instances[place];
        if instance.is_data {
            return None;
        }
        if instance.kind == "aws_default_security_group" && !instance.values.contains_key("id") {
            let vpc = self.look_for(place, "vpc_id")?;
            return Some(format!("{vpc}.default_security_group_id"));
        }
        self.look_for(place, kinds::adopts(&instance.kind)?)
    }

    /// A single argument, known or referred to.
    fn look_for(&self, place: usize, argument: &str) -> Option<String> {
        let instance = &self.instances[place];
        if let Some(known) = instance.values.get(argument).and_then(Value::as_str) {
            return Some(known.to_owned());
        }
        let expression = self.expressions(place).of(argument)?;
        let asker = self.asker(place);
        let leads = self.filtered(argument, self.leads(expression, asker, 0));
        let lead = leads.first()?;
        let found = lead.to.first()?;
        self.value(found, argument)?.as_str().map(str::to_owned)
    }

    /// The resources as expressions see them.
    fn members(&self) -> Vec<Member> {
        let member = |(place, instance): (usize, &Instance)| {
            let mut value = instance.values.clone();
            value.retain(|_, value| !value.is_null());
            for name in ["id", "arn"] {
                value
                    .entry(name)
                    .or_insert_with(|| Value::String(self.ids[place].clone()));
            }
            Member {
                module: instance.module.clone(),
                is_data: instance.is_data,
                kind: instance.kind.clone(),
                name: instance.name.clone(),
                index: instance.index.clone(),
                value: to_hcl(&Value::Object(value)).unwrap_or_default(),
            }
        };
        self.instances.iter().enumerate().map(member).collect()
    }

    /// An argument as the configuration's own words say it.
    pub(super) fn evaluated(&self, place: usize, argument: &str) -> Option<Value> {
        if self.sources.is_empty() {
            return None;
        }
        let instance = &self.instances[place];
        let called = (instance.kind.as_str(), instance.name.as_str());
        let index = instance.index.as_ref();
        let value = self
            .sources
            .argument(&self.scopes, &instance.module, called, index, argument)?;
        let is_list = value
            .as_array()
            .is_some_and(|list| !list.is_empty() && list.iter().all(Value::is_string));
        let fits = if kinds::is_list(argument) {
            is_list
        } else {
            value.is_string()
        };
        fits.then_some(value)
    }

    fn asker(&self, place: usize) -> Asker<'h> {
        let instance = &self.instances[place];
        Asker {
            module: &instance.module,
            index: instance.index.as_ref(),
            for_each: self
                .configured(place)
                .and_then(|declared| declared.get("for_each_expression")),
        }
    }

    fn configured(&self, place: usize) -> Option<&'h Value> {
        let instance = &self.instances[place];
        self.configuration
            .module(&instance.module)
            .and_then(|module| module.resource(instance.is_data, &instance.kind, &instance.name))
    }

    fn expressions(&self, place: usize) -> Expressions<'h> {
        let block = self
            .configured(place)
            .and_then(|declared| declared.get("expressions"));
        block.map_or(Expressions::None, Expressions::Block)
    }

    pub(super) fn address(&self, place: usize) -> String {
        format!("{}{}", self.prefix, self.instances[place].address())
    }

    fn declare(&self, place: usize, address: String, strict: bool, findings: &mut Findings) -> Declared {
        let instance = &self.instances[place];
        let mut values = instance.values.clone();
        let block = self
            .sources
            .resource(&instance.module, &instance.kind, &instance.name);
        let stands = block.map(|(_, stands)| stands);
        if !instance.unknown.is_empty() {
            let mut filling = Filling {
                resolver: self,
                place,
                stands,
                asker: self.asker(place),
                address: &address,
                origin: instance.origin,
                private_address: private_address(&values),
                strict,
                findings,
            };
            filling.fill(&mut values, &instance.unknown, self.expressions(place));
        }
        let data = if instance.is_data { "data." } else { "" };
        let provider = self.provider(instance);
        let text = |name: &str| {
            values
                .get(name)
                .and_then(Value::as_str)
                .filter(|text| !text.is_empty())
        };
        let region = text("region").map(str::to_owned);
        let of_provider = || provider.and_then(|key| self.configuration.region(key));
        let by_arn = text("arn")
            .and_then(|arn| arn.split(':').nth(4))
            .filter(|account| account.len() == 12);
        let account = text("owner_id")
            .or(by_arn)
            .filter(|account| account.len() == 12)
            .map(str::to_owned);
        let of_role = || provider.and_then(|key| self.configuration.account(key));
        let region_by_arn = || {
            let region = text("arn").and_then(|arn| arn.split(':').nth(3));
            region.filter(|region| !region.is_empty()).map(str::to_owned)
        };
        Declared {
            kind: format!("{data}{}", instance.kind),
            id: self.ids[place].clone(),
            region: region
                .or_else(region_by_arn)
                .or_else(of_provider)
                .unwrap_or_default(),
            account: account.or_else(of_role).unwrap_or_default(),
            address,
            values,
            origin: instance.origin,
        }
    }

    fn provider(&self, instance: &Instance) -> Option<&'h str> {
        let module = self.configuration.module(&instance.module)?;
        let declared = module.resource(instance.is_data, &instance.kind, &instance.name)?;
        declared.get("provider_config_key")?.as_str()
    }

    /// What an expression refers to, in its order.
    pub(super) fn leads(&self, expression: &Value, asker: Asker<'_>, depth: usize) -> Vec<Lead> {
        if depth > DEPTH_MAX {
            return Vec::new();
        }
        if let Some(constant) = expression.get("constant_value") {
            let to = vec![Found::Value(constant.clone())];
            return vec![Lead {
                reference: "a constant".to_owned(),
                to,
                pair: None,
            }];
        }
        let listed = expression.get("references").and_then(Value::as_array);
        let listed: Vec<&str> = listed.into_iter().flatten().filter_map(Value::as_str).collect();
        let pairs = listed
            .iter()
            .any(|one| one.starts_with("count.") || one.starts_with("each."));
        let pair = asker.index.filter(|_| pairs).cloned();
        let mut leads = Vec::new();
        for (place, reference) in listed.iter().enumerate() {
            // Each reference is followed by what it begins with.
            let is_prefix = |longer: &&str| {
                longer.len() > reference.len()
                    && longer.starts_with(reference)
                    && longer[reference.len()..].starts_with(['.', '['])
            };
            if listed[..place].iter().any(is_prefix) {
                continue;
            }
            for mut lead in self.follow(reference, asker, pair.as_ref(), depth) {
                lead.pair = lead.pair.or_else(|| pair.clone());
                leads.push(lead);
            }
        }
        leads
    }

    /// What one reference leads to; through variables and outputs it may be several.
    fn follow(&self, reference: &str, asker: Asker<'_>, pair: Option<&Index>, depth: usize) -> Vec<Lead> {
        let way = parts(reference);
        let name = |place: usize| match way.get(place) {
            Some(Part::Name(name)) => Some(name.as_str()),
            _ => None,
        };
        let module: ModulePath = asker.module.to_vec();
        match (name(0), name(1)) {
            (Some("var"), Some(variable)) => self.follow_variable(variable, &way[2..], asker, depth),
            (Some("module"), Some(called)) => self.follow_output(called, &way[2..], asker, depth),
            (Some("each"), Some("value")) => self.follow_each(&way[2..], asker, depth),
            (Some("local"), _) => vec![Lead {
                reference: reference.to_owned(),
                to: vec![Found::Local(module)],
                pair: asker.index.cloned(),
            }],
            (Some("count" | "each" | "path" | "terraform" | "self"), _) => Vec::new(),
            (Some("data"), Some(kind)) => {
                let Some(data) = name(2) else { return Vec::new() };
                self.instances_of(reference, (&module, true, kind, data), &way[3..], pair)
            }
            (Some(kind), Some(resource)) => {
                self.instances_of(reference, (&module, false, kind, resource), &way[2..], pair)
            }
            _ => Vec::new(),
        }
    }

    fn instances_of(
        &self,
        reference: &str,
        key: (&ModulePath, bool, &str, &str),
        way: &[Part],
        pair: Option<&Index>,
    ) -> Vec<Lead> {
        let Some(group) = self.groups.get(&key) else {
            return Vec::new();
        };
        let (wanted, way) = match way.first() {
            Some(Part::Index(index)) => (Some(index), &way[1..]),
            _ => (None, way),
        };
        let one = |index: &Index| group.by_index.get(index).map(|place| vec![*place]);
        let places = match wanted {
            Some(index) => one(index).unwrap_or_default(),
            None => pair.and_then(one).unwrap_or_else(|| group.places.clone()),
        };
        let to: Vec<Found> = places
            .into_iter()
            .map(|place| Found::Instance(place, way.to_vec()))
            .collect();
        if to.is_empty() {
            return Vec::new();
        }
        vec![Lead {
            reference: reference.to_owned(),
            to,
            pair: None,
        }]
    }

    fn follow_variable(&self, variable: &str, way: &[Part], asker: Asker<'_>, depth: usize) -> Vec<Lead> {
        let Some(((called, index), outer)) = asker.module.split_last() else {
            let value = self.configuration.variable(variable);
            let value = value.and_then(|value| navigate(value, way));
            let reference = format!("var.{variable}");
            let to = value.map(|value| Found::Value(value.clone()));
            return to
                .map(|to| Lead {
                    reference,
                    to: vec![to],
                    pair: None,
                })
                .into_iter()
                .collect();
        };
        let expression = self
            .configuration
            .module(&outer.to_vec())
            .and_then(|module| module.call(called))
            .and_then(|call| call.get("expressions")?.get(variable));
        let Some(expression) = expression else {
            // What the caller does not give has the module's own default.
            let own = self.configuration.module(&asker.module.to_vec());
            let default = own.and_then(|own| own.0.get("variables")?.get(variable)?.get("default"));
            let to: Vec<Found> = default
                .into_iter()
                .map(|value| Found::Value(value.clone()))
                .collect();
            let lead = Lead {
                reference: format!("var.{variable}"),
                to,
                pair: None,
            };
            return if lead.to.is_empty() {
                Vec::new()
            } else {
                vec![lead]
            };
        };
        let outside = Asker {
            module: outer,
            index: index.as_ref(),
            for_each: None,
        };
        let mut leads = self.leads(expression, outside, depth + 1);
        // `var.subnets[0]` chooses from what the caller gave.
        if let Some(Part::Index(index)) = way.first() {
            for lead in &mut leads {
                choose(lead, index);
            }
        }
        leads
    }

    fn follow_output(&self, called: &str, way: &[Part], asker: Asker<'_>, depth: usize) -> Vec<Lead> {
        let (wanted, way) = match way.first() {
            Some(Part::Index(index)) => (Some(index), &way[1..]),
            _ => (None, way),
        };
        let Some(Part::Name(output)) = way.first() else {
            return Vec::new();
        };
        let mut leads: Vec<Lead> = Vec::new();
        let length = asker.module.len();
        for module in &self.modules {
            let is_it = module.len() == length + 1
                && module[..length] == *asker.module
                && module[length].0 == called
                && wanted.is_none_or(|index| module[length].1.as_ref() == Some(index));
            if !is_it {
                continue;
            }
            let expression = self
                .configuration
                .module(module)
                .and_then(|module: Module<'_>| module.output(output));
            let Some(expression) = expression else { continue };
            let inner = Asker {
                module,
                index: None,
                for_each: None,
            };
            let mut found = self.leads(expression, inner, depth + 1);
            if let Some(Part::Index(index)) = way.get(1) {
                for lead in &mut found {
                    choose(lead, index);
                }
            }
            leads.extend(found);
        }
        leads
    }

    /// `each.value` of a `for_each` over other resources: the one with the same key.
    fn follow_each(&self, way: &[Part], asker: Asker<'_>, depth: usize) -> Vec<Lead> {
        let Some(over) = asker.for_each else {
            return Vec::new();
        };
        let inner = Asker {
            for_each: None,
            ..asker
        };
        let mut leads = self.leads(over, inner, depth + 1);
        for lead in &mut leads {
            lead.pair = asker.index.cloned();
            for found in &mut lead.to {
                if let Found::Instance(_, own) = found {
                    own.extend_from_slice(way);
                }
            }
        }
        leads
    }

    /// What local values may stand for: whatever of the wanted kinds the module has, else the modules that it calls, if that
    /// is one resource.
    pub(super) fn by_kind(&self, argument: &str, mentioned: &[Lead]) -> Vec<Lead> {
        let wanted = kinds::of_argument(argument);
        for lead in mentioned {
            let Some(Found::Local(module)) = lead.to.first() else {
                continue;
            };
            let of_kinds = wanted.iter().filter_map(|kind| self.managed_of_kind.get(kind));
            let places: Vec<usize> = of_kinds.flatten().copied().collect();
            let is_own = |place: &usize| self.instances[*place].module == *module;
            let is_below = |place: &usize| self.instances[*place].module.starts_with(module);
            let mut found: Vec<usize> = places.iter().copied().filter(is_own).collect();
            if found.is_empty() {
                found = places.into_iter().filter(is_below).collect();
            }
            // The first of the wanted kinds is the usual one; the others come with it.
            let first = wanted
                .iter()
                .find(|kind| found.iter().any(|place| self.instances[*place].kind == **kind));
            found.retain(|place| first.is_some_and(|kind| self.instances[*place].kind == *kind));
            let names: FxHashSet<&str> = found
                .iter()
                .map(|place| self.instances[*place].name.as_str())
                .collect();
            if names.len() == 1 {
                let to = found
                    .into_iter()
                    .map(|place| Found::Instance(place, Vec::new()))
                    .collect();
                return vec![Lead {
                    reference: lead.reference.clone(),
                    to,
                    pair: lead.pair.clone(),
                }];
            }
        }
        Vec::new()
    }

    /// The leads that an argument can mean, by the kinds it takes.
    pub(super) fn filtered(&self, argument: &str, leads: Vec<Lead>) -> Vec<Lead> {
        let wanted = kinds::of_argument(argument);
        let fits = |found: &Found| match found {
            Found::Instance(place, way) => {
                let instance = &self.instances[*place];
                wanted.is_empty()
                    || wanted.contains(&instance.kind.as_str())
                    || instance.is_data
                    || attribute_of(way).is_some_and(|attribute| kinds::holds(attribute, argument))
            }
            Found::Value(value) => wanted.is_empty() || is_id_like(value),
            Found::Local(_) => false,
        };
        let kept = leads.into_iter().filter_map(|mut lead| {
            lead.to.retain(fits);
            (!lead.to.is_empty()).then_some(lead)
        });
        let mut kept: Vec<Lead> = kept.collect();
        // Conditions mention values; where a resource is mentioned too, that is meant.
        let has_instance = |lead: &Lead| lead.to.iter().any(|found| matches!(found, Found::Instance(..)));
        if !wanted.is_empty() && kept.iter().any(has_instance) {
            kept.retain(has_instance);
        }
        kept
    }

    /// What something found stands for.
    pub(super) fn value(&self, found: &Found, argument: &str) -> Option<Value> {
        let (place, way) = match found {
            Found::Value(value) => return Some(value.clone()),
            Found::Local(_) => return None,
            Found::Instance(place, way) => (*place, way),
        };
        let instance = &self.instances[place];
        let is_reference = !kinds::of_argument(argument).is_empty();
        let id = || Value::String(self.ids[place].clone());
        match attribute_of(way) {
            None => is_reference.then(id),
            Some(attribute) if kinds::is_id(&instance.kind, attribute) => Some(id()),
            Some(attribute) => {
                let known = instance.values.get(attribute).filter(|value| !value.is_null());
                let known = known.and_then(|value| navigate(value, after_name(way)));
                known
                    .cloned()
                    .or_else(|| self.handed_on(place, attribute))
                    .or_else(|| {
                        is_reference.then(|| Value::String(format!("{}.{attribute}", self.ids[place])))
                    })
            }
        }
    }

    /// What a resource refers to itself: `vpc_id` of a subnet that the plan does not know.
    fn handed_on(&self, place: usize, attribute: &str) -> Option<Value> {
        if kinds::of_argument(attribute).is_empty() || self.handed_on.get() >= DEPTH_MAX {
            return None;
        }
        self.handed_on.set(self.handed_on.get() + 1);
        let found = self.look_for(place, attribute).map(Value::String);
        self.handed_on.set(self.handed_on.get() - 1);
        found
    }

    /// The one of several that an index means.
    pub(super) fn paired<'l>(&self, lead: &'l Lead, pair: &Index) -> Option<(&'l Found, bool)> {
        let equal = lead.to.iter().find(|found| match found {
            Found::Instance(place, _) => self.instances[*place].index.as_ref() == Some(pair),
            _ => false,
        });
        if let Some(equal) = equal {
            return Some((equal, false));
        }
        let Index::Number(number) = pair else { return None };
        let place = usize::try_from(*number).ok()? % lead.to.len().max(1);
        lead.to.get(place).map(|found| (found, true))
    }
}

/// The private address that a resource asks for.
fn private_address(values: &Map<String, Value>) -> Option<std::net::Ipv4Addr> {
    let listed = || values.get("private_ips")?.get(0);
    let single = || {
        values
            .get("private_ip")
            .or_else(|| values.get("private_ip_address"))
    };
    single()
        .filter(|value| value.is_string())
        .or_else(listed)?
        .as_str()?
        .parse()
        .ok()
}

/// The attribute that a way leads to.
fn attribute_of(way: &[Part]) -> Option<&str> {
    way.iter().find_map(|part| match part {
        Part::Name(name) => Some(name.as_str()),
        Part::Index(_) => None,
    })
}

fn after_name(way: &[Part]) -> &[Part] {
    let name = way.iter().position(|part| matches!(part, Part::Name(_)));
    name.map_or(&[], |name| &way[name + 1..])
}

/// Follows the rest of a way into a value; where it leads nowhere, to nothing.
fn navigate<'v>(value: &'v Value, way: &[Part]) -> Option<&'v Value> {
    let mut value = value;
    for part in way {
        value = match part {
            Part::Name(name) => value.get(name)?,
            Part::Index(Index::Number(number)) => value.get(usize::try_from(*number).ok()?)?,
            Part::Index(Index::Key(key)) => value.get(key)?,
        };
    }
    Some(value)
}

/// Keeps the element that an index means.
fn choose(lead: &mut Lead, index: &Index) {
    match (&lead.to[..], index) {
        ([Found::Value(value)], index) => {
            if let Some(chosen) = navigate(value, &[Part::Index(index.clone())]) {
                lead.to = vec![Found::Value(chosen.clone())];
            }
        }
        (several, Index::Number(number)) if several.len() > 1 => {
            let place = usize::try_from(*number).unwrap_or(usize::MAX);
            lead.to = several.get(place).cloned().into_iter().collect();
        }
        _ => {}
    }
}

/// Whether a value can be an id, or a list of them.
fn is_id_like(value: &Value) -> bool {
    match value {
        Value::String(text) => text.contains(['-', ':', '.']) && !text.contains(' '),
        Value::Array(list) => !list.is_empty() && list.iter().all(is_id_like),
        _ => false,
    }
}
