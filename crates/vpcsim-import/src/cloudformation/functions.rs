//! The intrinsic functions that make values of values.

use serde_json::Value as Json;
use vpcsim_aws::{Finding, Origin};

use super::evaluator::{Evaluator, Scope, text_of};
use super::opaque::{bare, clean, element, has_opaque, is_opaque, opaque};
use super::template::{entries_of, member};
use super::{base64, cidr, zones};
use crate::native::node::{Entry, Node, Value};
use crate::native::suggest::{listed, nearest};

/// Every function, for "did you mean".
const NAMES: [&str; 22] = [
    "Fn::And",
    "Fn::Base64",
    "Fn::Cidr",
    "Fn::Equals",
    "Fn::FindInMap",
    "Fn::ForEach",
    "Fn::GetAZs",
    "Fn::GetAtt",
    "Fn::If",
    "Fn::ImportValue",
    "Fn::Join",
    "Fn::Length",
    "Fn::Not",
    "Fn::Or",
    "Fn::Select",
    "Fn::Split",
    "Fn::Sub",
    "Fn::ToJsonString",
    "Fn::Transform",
    "Fn::Contains",
    "Fn::EachMemberEquals",
    "Fn::EachMemberIn",
];

impl<'t> Evaluator<'t> {
    /// The value of a function.
    pub(super) fn call(&mut self, scope: &Scope, call: &'t Entry) -> Option<Json> {
        let (argument, origin) = (&call.value, call.key_origin);
        match call.key.as_str() {
            "Ref" => self.reference_call(scope, argument),
            "Fn::GetAtt" => self.attribute_call(scope, argument),
            "Fn::ImportValue" => self.import(scope, argument),
            "Fn::Sub" => self.substitute(scope, argument),
            "Fn::If" => self.choose(scope, argument),
            "Fn::And"
            | "Fn::Or"
            | "Fn::Not"
            | "Fn::Equals"
            | "Fn::Contains"
            | "Fn::EachMemberEquals"
            | "Fn::EachMemberIn" => self.logic(scope, call).map(Json::Bool),
            "Fn::Join" => self.join(scope, argument),
            "Fn::Split" => self.split(scope, argument),
            "Fn::Select" => self.select(scope, argument),
            "Fn::Cidr" => self.cidr(scope, argument),
            "Fn::GetAZs" => self.zones(scope, argument),
            "Fn::FindInMap" => self.find_in_map(scope, argument),
            "Fn::Base64" => {
                let text = self.text(scope, argument, "a text")?;
                Some(Json::String(base64::encode(clean(&text).as_bytes())))
            }
            "Fn::Length" => {
                self.check_language_extensions(scope, call);
                self.list(scope, argument).map(|items| Json::from(items.len()))
            }
            "Fn::ToJsonString" => {
                self.check_language_extensions(scope, call);
                let value = self.value(scope, argument)?;
                Some(Json::String(without_places(bare(value)).to_string()))
            }
            "Fn::Transform" => {
                let name = member(argument, "Name")
                    .or(Some(argument))
                    .and_then(Node::as_text);
                let message = format!(
                    "the macro `{}` runs at AWS only: what it puts here is not seen",
                    name.unwrap_or("?")
                );
                self.findings
                    .push(Finding::warning("transform-not-run", origin, message));
                None
            }
            directive if directive.starts_with("Fn::Rain::") => {
                let message = format!(
                    "`!{}` is for the tool rain: what it puts here is not seen",
                    directive.trim_start_matches("Fn::")
                );
                self.findings.push(
                    Finding::warning("transform-not-run", origin, message)
                        .help("give what `rain pkg` makes of the template"),
                );
                None
            }
            name => {
                let mut finding =
                    Finding::error("unknown-intrinsic", origin, format!("`{name}` is no function"));
                if let Some(near) = nearest(name, NAMES) {
                    finding = finding.help(format!("did you mean `{near}`?"));
                } else {
                    finding = finding.help(format!("the functions are {}", NAMES.join(", ")));
                }
                self.findings.push(finding);
                None
            }
        }
    }

    /// Says what a function takes if it is given anything else.
    pub(super) fn arguments<const COUNT: usize>(
        &mut self,
        argument: &'t Node,
        wanted: &str,
    ) -> Option<&'t [Node; COUNT]> {
        let items = match &argument.value {
            Value::Sequence(items) => items.as_slice().try_into().ok(),
            _ => None,
        };
        if items.is_none() {
            argument.wrong_type(wanted, &mut self.findings);
        }
        items
    }

    /// The value of a node as a text; one that is none is a finding.
    pub(super) fn text(&mut self, scope: &Scope, node: &'t Node, wanted: &str) -> Option<String> {
        let value = self.value(scope, node)?;
        let text = match &value {
            Json::Null => Some(String::new()),
            Json::Array(items) => items
                .first()
                .and_then(Json::as_str)
                .filter(|text| is_opaque(text))
                .map(str::to_owned),
            value => text_of(value),
        };
        if text.is_none() {
            node.wrong_type(wanted, &mut self.findings);
        }
        text
    }

    /// The value of a node as a list; what AWS makes up may be one.
    pub(super) fn list(&mut self, scope: &Scope, node: &'t Node) -> Option<Vec<Json>> {
        match self.value(scope, node)? {
            Json::Array(items) => Some(items),
            value if has_opaque(&value) => Some(vec![value]),
            _ => {
                node.wrong_type("a list", &mut self.findings);
                None
            }
        }
    }

    fn join(&mut self, scope: &Scope, argument: &'t Node) -> Option<Json> {
        let [delimiter, list] = self.arguments(argument, "a delimiter and a list")?;
        let delimiter = self.text(scope, delimiter, "a delimiter")?;
        let items = self.list(scope, list)?;
        let mut texts = Vec::with_capacity(items.len());
        for item in &items {
            match text_of(item) {
                Some(text) => texts.push(text),
                None if item.is_null() => {}
                None => list.wrong_type("a list of texts", &mut self.findings),
            }
        }
        let joined = texts.join(&delimiter);
        self.spend(joined.len(), argument.origin)
            .then(|| self.made_text(joined, argument.origin))
    }

    fn split(&mut self, scope: &Scope, argument: &'t Node) -> Option<Json> {
        let [delimiter, text] = self.arguments(argument, "a delimiter and a text")?;
        let delimiter_text = self.text(scope, delimiter, "a delimiter")?;
        let text = self.text(scope, text, "a text")?;
        if delimiter_text.is_empty() {
            delimiter.wrong_type("a delimiter", &mut self.findings);
            return None;
        }
        let parts = text
            .split(delimiter_text.as_str())
            .map(|part| Json::String(part.to_owned()));
        Some(Json::Array(parts.collect()))
    }

    fn select(&mut self, scope: &Scope, argument: &'t Node) -> Option<Json> {
        let [index_node, list] = self.arguments(argument, "an index and a list")?;
        let index_text = self.text(scope, index_node, "an index")?;
        let mut items = self.list(scope, list)?;
        let Ok(index) = index_text.trim().parse::<usize>() else {
            if is_opaque(&index_text) {
                return items.into_iter().next();
            }
            index_node.wrong_type("an index, counted from 0", &mut self.findings);
            return None;
        };
        if index < items.len() {
            return Some(items.swap_remove(index));
        }
        let made_up = items.last().and_then(Json::as_str).filter(|text| is_opaque(text));
        if let Some(text) = made_up {
            return Some(element(text, index));
        }
        let message = format!(
            "there is no element {index}: the list has {}, counted from 0",
            items.len()
        );
        self.error("index-out-of-range", index_node.origin, message);
        None
    }

    fn cidr(&mut self, scope: &Scope, argument: &'t Node) -> Option<Json> {
        let wanted = "an address range, a count and a number of host bits";
        let [block_node, count_node, bits_node] = self.arguments(argument, wanted)?;
        let block = self.text(scope, block_node, "an address range")?;
        let count = self.number(scope, count_node, 1..=256)?;
        let bits = self.number(scope, bits_node, 1..=128)?;
        if is_opaque(&block) {
            let items = (0..count as usize).map(|index| element(&block, index));
            return Some(Json::Array(items.collect()));
        }
        match cidr::ranges(&block, count, bits) {
            Ok(ranges) => Some(Json::Array(ranges.into_iter().map(Json::String).collect())),
            Err(cidr::Problem::NoRange) => {
                let message = format!("`{block}` is not an address range");
                self.findings.push(
                    Finding::error("bad-cidr", block_node.origin, message)
                        .help("a range looks like 10.0.0.0/16"),
                );
                None
            }
            Err(cidr::Problem::TooLarge { fit }) => {
                let message =
                    format!("{count} ranges with {bits} host bits do not fit into {block}: {fit} do");
                self.error("cidr-overflow", argument.origin, message);
                None
            }
        }
    }

    fn number(&mut self, scope: &Scope, node: &'t Node, range: std::ops::RangeInclusive<u32>) -> Option<u32> {
        let wanted = format!("a whole number from {} to {}", range.start(), range.end());
        let text = self.text(scope, node, &wanted)?;
        let number = text.trim().parse().ok().filter(|number| range.contains(number));
        if number.is_none() && !is_opaque(&text) {
            node.wrong_type(&wanted, &mut self.findings);
        }
        number
    }

    fn zones(&mut self, scope: &Scope, argument: &'t Node) -> Option<Json> {
        let region = self.text(scope, argument, "a region")?;
        let region = if region.is_empty() || is_opaque(&region) {
            &self.stacks[scope.stack].region
        } else {
            &region
        };
        let zones = zones::of(region).into_iter().map(Json::String);
        Some(Json::Array(zones.collect()))
    }

    fn find_in_map(&mut self, scope: &Scope, argument: &'t Node) -> Option<Json> {
        let wanted = "the name of a mapping and two keys";
        let (map_node, first_node, second_node, options) = match argument.items() {
            [map, first, second] => (map, first, second, None),
            [map, first, second, options] => (map, first, second, Some(options)),
            _ => {
                argument.wrong_type(wanted, &mut self.findings);
                return None;
            }
        };
        let map = self.text(scope, map_node, wanted)?;
        let first = self.text(scope, first_node, wanted)?;
        let second = self.text(scope, second_node, wanted)?;
        let default = options.and_then(|options| member(options, "DefaultValue"));
        let mappings = self.stacks[scope.stack].document.section("Mappings");
        let steps = [(&map, map_node), (&first, first_node), (&second, second_node)];
        let mut found = mappings;
        let mut missing = None;
        for (name, node) in steps {
            let next = found.and_then(|found| member(found, name));
            if next.is_none() && missing.is_none() {
                missing = Some((name, node, found));
            }
            found = next;
        }
        match (found, default, missing) {
            (Some(found), _, _) | (None, Some(found), _) => self.value(scope, found),
            (_, _, Some((name, _, _))) if is_opaque(name) => {
                Some(opaque(clean(&format!("{map}.{first}.{second}"))))
            }
            (_, _, Some((name, node, within))) => {
                let keys = within.map_or(&[][..], entries_of).iter();
                self.unknown_key(name, node.origin, keys.map(|entry| entry.key.as_str()));
                None
            }
            _ => None,
        }
    }

    fn unknown_key<'k>(&mut self, name: &str, origin: Origin, keys: impl Iterator<Item = &'k str>) {
        let keys: Vec<String> = keys.map(str::to_owned).collect();
        let message = format!("the mappings have no `{name}` here");
        let help = self.suggestion(name, &keys);
        let help = help.unwrap_or_else(|| format!("there is {}", listed(keys.iter().map(String::as_str))));
        self.findings
            .push(Finding::error("unknown-mapping-key", origin, message).help(help));
    }

    /// Functions that CloudFormation knows with a transform only.
    pub(super) fn check_language_extensions(&mut self, scope: &Scope, call: &Entry) {
        if !self.stacks[scope.stack].document.has_language_extensions {
            let message = format!(
                "`{}` needs the transform `AWS::LanguageExtensions`, which this template does not name",
                call.key
            );
            self.findings.push(
                Finding::error("unknown-intrinsic", call.key_origin, message)
                    .help("write `Transform: AWS::LanguageExtensions` at the top"),
            );
        }
    }
}

/// The value without the places of its objects.
pub(super) fn without_places(value: Json) -> Json {
    match value {
        Json::Array(items) => Json::Array(items.into_iter().map(without_places).collect()),
        Json::Object(members) => Json::Object(
            members
                .into_iter()
                .filter(|(key, _)| key != crate::declared::ORIGIN_KEY)
                .map(|(key, value)| (key, without_places(value)))
                .collect(),
        ),
        value => value,
    }
}
