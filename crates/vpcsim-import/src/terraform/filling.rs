//! Filling in what a plan does not know of one resource, and saying what stays open.

use serde_json::{Map, Value};
use vpcsim_aws::{Finding, Findings};

use super::address::{Index, Part, parts};
use super::kinds;
use super::resolve::{Asker, Expressions, Found, Lead, Resolver};

/// Filling in what is unknown of one resource.
pub(super) struct Filling<'r, 'h, 'f> {
    pub(super) resolver: &'r Resolver<'h>,
    /// Whom it is about, and where the configuration declares it.
    pub(super) place: usize,
    pub(super) stands: Option<String>,
    pub(super) asker: Asker<'r>,
    pub(super) address: &'r str,
    pub(super) origin: vpcsim_aws::Origin,
    /// The private address that is asked for, which tells the subnet.
    pub(super) private_address: Option<std::net::Ipv4Addr>,
    pub(super) strict: bool,
    pub(super) findings: &'f mut Findings,
}

impl Filling<'_, '_, '_> {
    pub(super) fn fill(
        &mut self,
        values: &mut Map<String, Value>,
        unknown: &Map<String, Value>,
        expressions: Expressions<'_>,
    ) {
        for (argument, unknown) in unknown {
            match unknown {
                Value::Bool(true) => self.fill_argument(values, argument, expressions),
                Value::Array(unknown) => self.fill_list(values, argument, unknown, expressions),
                Value::Object(unknown) => {
                    let Some(Value::Object(inner)) = values.get_mut(argument) else {
                        continue;
                    };
                    let block = expressions.of_element(argument, 0, 1, inner);
                    self.fill(inner, unknown, block);
                }
                _ => {}
            }
        }
    }

    fn fill_argument(
        &mut self,
        values: &mut Map<String, Value>,
        argument: &str,
        expressions: Expressions<'_>,
    ) {
        let known = values.get(argument).is_some_and(|value| !value.is_null());
        let Some(expression) = expressions.of(argument).filter(|_| !known) else {
            return;
        };
        if let Some(blocks) = expression.as_array() {
            let blocks: Vec<Value> = blocks.iter().map(|block| self.block_of(block)).collect();
            values.insert(argument.to_owned(), Value::Array(blocks));
        } else if matches!(argument, "ingress" | "egress" | "route") {
            match expression.get("constant_value") {
                Some(constant) => {
                    values.insert(argument.to_owned(), constant.clone());
                }
                None => self.lose_rules(argument, expression),
            }
        } else if kinds::is_looked_for(argument)
            && let Some(value) =
                self.look_up(argument, expression, matches!(expressions, Expressions::Flat(_)))
        {
            values.insert(argument.to_owned(), value);
        }
    }

    /// A whole block of which only the configuration knows anything.
    fn block_of(&mut self, block: &Value) -> Value {
        let mut made = Map::new();
        for (argument, expression) in block.as_object().into_iter().flatten() {
            if let Some(constant) = expression.get("constant_value") {
                made.insert(argument.clone(), constant.clone());
            } else if expression.get("references").is_some()
                && let Some(value) = self.look_up(argument, expression, false)
            {
                made.insert(argument.clone(), value);
            }
        }
        Value::Object(made)
    }

    fn fill_list(
        &mut self,
        values: &mut Map<String, Value>,
        argument: &str,
        unknown: &[Value],
        expressions: Expressions<'_>,
    ) {
        if unknown.iter().any(|element| *element == Value::Bool(true)) {
            let mut kept: Vec<Value> = match values.get(argument) {
                Some(Value::Array(list)) => list.iter().filter(|value| !value.is_null()).cloned().collect(),
                _ => Vec::new(),
            };
            let expression = expressions
                .of(argument)
                .filter(|_| kinds::is_looked_for(argument));
            let found = expression.and_then(|expression| {
                self.look_up(argument, expression, matches!(expressions, Expressions::Flat(_)))
            });
            if let Some(Value::Array(found)) = found {
                for value in found {
                    if !kept.contains(&value) {
                        kept.push(value);
                    }
                }
            }
            values.insert(argument.to_owned(), Value::Array(kept));
            return;
        }
        let Some(Value::Array(list)) = values.get_mut(argument) else {
            return;
        };
        let count = list.len();
        for (place, (element, unknown)) in list.iter_mut().zip(unknown).enumerate() {
            if let (Value::Object(element), Value::Object(unknown)) = (element, unknown) {
                let block = expressions.of_element(argument, place, count, element);
                self.fill(element, unknown, block);
            }
        }
    }

    /// The value of an argument by its expression.
    fn look_up(&mut self, argument: &str, expression: &Value, is_flat: bool) -> Option<Value> {
        let resolver = self.resolver;
        let mentioned = resolver.leads(expression, self.asker, 0);
        let is_nothing = |found: &Found| match found {
            Found::Value(Value::Array(list)) => list.is_empty(),
            Found::Value(value) => !value.is_string() || value == "",
            Found::Instance(..) | Found::Local(_) => false,
        };
        let says_nothing =
            !mentioned.is_empty() && mentioned.iter().flat_map(|lead| &lead.to).all(is_nothing);
        let by_kind = resolver.by_kind(argument, &mentioned);
        let mut leads = resolver.filtered(argument, mentioned);
        let is_certain = matches!(&leads[..], [lead] if lead.to.len() == 1) && !is_flat;
        if !is_certain && let Some(value) = resolver.evaluated(self.place, argument) {
            return Some(value);
        }
        if leads.is_empty() && says_nothing {
            return None;
        }
        if leads.is_empty() {
            leads = by_kind;
            if let Some(lead) = leads.first() {
                self.note_inferred(argument, &lead.reference.clone());
            }
        }
        if leads.is_empty() {
            self.report_unresolved(argument, expression);
            return None;
        }
        if kinds::is_list(argument) {
            return Some(self.list_of(argument, &leads, is_flat));
        }
        let chosen = self.one_of(argument, &leads)?;
        match resolver.value(&chosen, argument)? {
            // A list from which an index chooses (`element(data…names, count.index)`).
            Value::Array(list) => {
                let place = match self.asker.index {
                    Some(Index::Number(number)) => usize::try_from(*number).unwrap_or(0),
                    _ => 0,
                };
                list.get(place % list.len().max(1)).cloned()
            }
            value => Some(value),
        }
    }

    fn list_of(&mut self, argument: &str, leads: &[Lead], is_flat: bool) -> Value {
        let mut list: Vec<Value> = Vec::new();
        for lead in leads {
            let paired = lead
                .pair
                .as_ref()
                .filter(|_| lead.to.len() > 1)
                .and_then(|pair| self.resolver.paired(lead, pair));
            let found: Vec<&Found> = match paired {
                Some((one, false)) => vec![one],
                _ => lead.to.iter().collect(),
            };
            for found in found {
                match self.resolver.value(found, argument) {
                    Some(Value::Array(more)) => list.extend(
                        more.into_iter()
                            .filter(|value| !list.contains(value))
                            .collect::<Vec<_>>(),
                    ),
                    Some(value) if !list.contains(&value) => list.push(value),
                    _ => {}
                }
            }
        }
        if is_flat && list.len() > 1 {
            let names: Vec<String> = list.iter().filter_map(Value::as_str).map(str::to_owned).collect();
            self.report_ambiguous(argument, &names, "all of them are taken");
        }
        Value::Array(list)
    }

    fn one_of(&mut self, argument: &str, leads: &[Lead]) -> Option<Found> {
        if let Some(only) = self.by_private_address(argument, leads) {
            return Some(only);
        }
        let mut lead = leads.first()?;
        if leads.len() > 1 && !kinds::of_argument(argument).is_empty() {
            // Of several counterparts the one that is called like whoever asks (`database` for `database`).
            let own = parts(self.address).into_iter().rev().find_map(|part| match part {
                Part::Name(name) => Some(name),
                Part::Index(_) => None,
            });
            let is_namesake = |lead: &&Lead| match lead.to.first() {
                Some(Found::Instance(place, _)) => {
                    Some(&self.resolver.instances[*place].name) == own.as_ref()
                }
                _ => false,
            };
            if let Some(namesake) = leads.iter().find(is_namesake) {
                lead = namesake;
                self.note_inferred(argument, &lead.reference.clone());
            } else {
                let names: Vec<String> = leads.iter().map(|lead| lead.reference.clone()).collect();
                self.report_ambiguous(argument, &names, "the first is taken");
            }
        }
        if lead.to.len() == 1 {
            return lead.to.first().cloned();
        }
        if let Some((found, by_turns)) = lead
            .pair
            .as_ref()
            .and_then(|pair| self.resolver.paired(lead, pair))
        {
            let found = found.clone();
            if by_turns {
                self.note_inferred(argument, &lead.reference.clone());
            }
            return Some(found);
        }
        let names: Vec<String> = lead
            .to
            .iter()
            .map(|found| match found {
                Found::Instance(place, _) => self.resolver.address(*place),
                Found::Value(value) => value.to_string(),
                Found::Local(_) => "a local value".to_owned(),
            })
            .collect();
        self.report_ambiguous(argument, &names, "the first is taken");
        lead.to.first().cloned()
    }

    /// Of several subnets the one that holds the address that is asked for.
    fn by_private_address(&mut self, argument: &str, leads: &[Lead]) -> Option<Found> {
        let wanted = self.private_address.filter(|_| argument == "subnet_id")?;
        let all: Vec<&Found> = leads.iter().flat_map(|lead| &lead.to).collect();
        let holds = |found: &&&Found| match found {
            Found::Instance(place, _) => {
                let cidr = self.resolver.instances[*place].values.get("cidr_block");
                let net = cidr
                    .and_then(Value::as_str)
                    .and_then(|text| text.parse::<ipnet::Ipv4Net>().ok());
                net.is_some_and(|net| net.contains(&wanted))
            }
            _ => false,
        };
        let mut fitting = all.iter().filter(holds);
        let only = (*fitting.next()?).clone();
        if all.len() == 1 || fitting.next().is_some() {
            return None;
        }
        self.note_inferred(argument, &leads.first()?.reference.clone());
        Some(only)
    }

    /// A message with the place in the configuration.
    fn placed(&self, message: String) -> String {
        match &self.stands {
            Some(stands) => format!("{message} ({stands})"),
            None => message,
        }
    }

    fn report(&mut self, code: &'static str, message: String, help: &str) {
        let message = self.placed(message);
        let finding = if self.strict {
            Finding::error
        } else {
            Finding::warning
        };
        self.findings.push(finding(code, self.origin, message).help(help));
    }

    fn report_ambiguous(&mut self, argument: &str, names: &[String], taken: &str) {
        if !kinds::matters(argument) {
            return;
        }
        let listed = names
            .iter()
            .map(|name| format!("`{name}`"))
            .collect::<Vec<_>>()
            .join(", ");
        let message = format!("`{argument}` of `{}` is one of {listed}: {taken}", self.address);
        self.report("ambiguous-reference", message, HELP);
    }

    fn report_unresolved(&mut self, argument: &str, expression: &Value) {
        let listed = expression.get("references").and_then(Value::as_array);
        let listed: Vec<&str> = listed.into_iter().flatten().filter_map(Value::as_str).collect();
        if !kinds::matters(argument) || listed.is_empty() {
            return;
        }
        let message = format!(
            "the plan does not say what `{argument}` of `{}` will be: it refers to {}",
            self.address,
            listed
                .iter()
                .map(|name| format!("`{name}`"))
                .collect::<Vec<_>>()
                .join(", ")
        );
        self.report("unresolved-reference", message, HELP);
    }

    fn note_inferred(&mut self, argument: &str, reference: &str) {
        if kinds::matters(argument) {
            let message = format!(
                "`{argument}` of `{}` is taken from `{reference}` by its kind, name, number or address",
                self.address
            );
            self.findings.push(Finding::note(
                "inferred-reference",
                self.origin,
                self.placed(message),
            ));
        }
    }

    fn lose_rules(&mut self, argument: &str, expression: &Value) {
        if expression.get("references").is_none() {
            return;
        }
        let message = format!(
            "the plan does not know `{argument}` of `{}` before it is applied: it is read as empty",
            self.address
        );
        self.report(
            "rules-unknown",
            message,
            "write the rules as resources of their own",
        );
    }
}

/// What helps against references that a plan has lost.
const HELP: &str = "apply and give the state, or write the reference without a condition";
