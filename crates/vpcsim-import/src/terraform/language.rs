//! Terraform's own language, for what a plan has lost: the expression of one argument, evaluated with what the plan knows.
//!
//! `--config-dir` gives the files. Each module gets a scope: its resources as objects that hold their ids and what is known of
//! them, its variables, its local values, the outputs of the modules that it calls. What cannot be evaluated, because it hangs
//! on something that only AWS decides, is left out, and with it whatever needs it.

use std::collections::BTreeMap;

use hcl::eval::{Context, Evaluate};
use hcl::{Block, Body, Expression, Map, Value};
use vpcsim_aws::{Finding, Findings, Origin};

use super::address::{Index, ModulePath};
use super::functions;

/// How deep brackets may be nested, and how deep modules.
const DEPTH_MAX: usize = 128;
const MODULES_MAX: usize = 16;

/// How often local values and modules are gone through, so that each may need others.
const PASSES: usize = 3;

/// The files of a configuration, by the folders of its modules.
#[derive(Clone, Debug, Default)]
pub(super) struct Sources {
    folders: BTreeMap<String, Vec<(String, String, Body)>>,
    /// Where `terraform init` has put modules: by their path (`net.subnets`).
    installed: BTreeMap<String, String>,
}

/// What a module's expressions can speak of.
#[derive(Clone, Debug, Default)]
pub(super) struct Scope {
    names: Map<String, Value>,
}

/// What a resource looks like in expressions.
pub(super) struct Member {
    pub(super) module: ModulePath,
    pub(super) is_data: bool,
    pub(super) kind: String,
    pub(super) name: String,
    pub(super) index: Option<Index>,
    pub(super) value: Value,
}

/// The scopes of all modules.
#[derive(Clone, Debug, Default)]
pub(super) struct Scopes(BTreeMap<ModulePath, Scope>);

impl Sources {
    /// Parses the files; one that is no HCL is left out with a warning.
    pub(super) fn parse(files: &[(String, String)], findings: &mut Findings) -> Self {
        let mut sources = Self::default();
        for (path, text) in files {
            if path.ends_with("modules.json") {
                sources.read_installed(text);
                continue;
            }
            let parsed = if is_too_deep(text) {
                Err("it is nested too deep".to_owned())
            } else {
                hcl::parse(text).map_err(|error| error.to_string())
            };
            match parsed {
                Ok(body) => {
                    let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
                    let files = sources.folders.entry(folder.to_owned()).or_default();
                    files.push((path.clone(), text.clone(), body));
                }
                Err(error) => {
                    let first: Vec<&str> = error
                        .lines()
                        .map(str::trim)
                        .filter(|line| !line.is_empty())
                        .collect();
                    let message = format!("`{path}` is not read: {}", first.join(" "));
                    findings.push(Finding::warning(
                        "terraform-configuration",
                        Origin::NOWHERE,
                        message,
                    ));
                }
            }
        }
        sources
    }

    /// Whether there is nothing to evaluate.
    pub(super) fn is_empty(&self) -> bool {
        self.folders.is_empty()
    }

    fn read_installed(&mut self, text: &str) {
        let json: serde_json::Value = serde_json::from_str(text).unwrap_or_default();
        let modules = json.get("Modules").and_then(serde_json::Value::as_array);
        for module in modules.into_iter().flatten() {
            if let (Some(key), Some(folder)) = (module["Key"].as_str(), module["Dir"].as_str()) {
                self.installed.insert(key.to_owned(), normalised("", folder));
            }
        }
    }

    /// The folder of a module.
    fn folder(&self, module: &ModulePath) -> Option<String> {
        let names: Vec<&str> = module.iter().map(|(name, _)| name.as_str()).collect();
        if names.is_empty() {
            return Some(String::new());
        }
        if let Some(folder) = self.installed.get(&names.join(".")) {
            return Some(folder.clone());
        }
        let mut folder = String::new();
        for name in names {
            let call = self
                .blocks(&folder, "module")
                .find(|block| label(block, 0) == Some(name))?;
            let source = attribute(call.body(), "source")?;
            let Expression::String(source) = source else {
                return None;
            };
            let local = source.starts_with("./") || source.starts_with("../");
            folder = local.then(|| normalised(&folder, source))?;
        }
        Some(folder)
    }

    fn blocks<'s>(&'s self, folder: &str, kind: &'static str) -> impl Iterator<Item = &'s Block> + use<'s> {
        let files = self.folders.get(folder).into_iter().flatten();
        let blocks = files.flat_map(|(_, _, body)| body.blocks());
        blocks.filter(move |block| block.identifier() == kind)
    }

    /// The block of a resource, and where it stands: `main.tf:12`.
    pub(super) fn resource(&self, module: &ModulePath, kind: &str, name: &str) -> Option<(&Block, String)> {
        let folder = self.folder(module)?;
        let is_it = |block: &&Block| label(block, 0) == Some(kind) && label(block, 1) == Some(name);
        for (path, text, body) in self.folders.get(&folder)? {
            let mut blocks = body.blocks().filter(|block| block.identifier() == "resource");
            if let Some(block) = blocks.find(is_it) {
                let begin = |line: &str| {
                    let words: Vec<&str> = line
                        .split(['"', ' ', '{'])
                        .filter(|word| !word.is_empty())
                        .collect();
                    matches!(words[..], ["resource", own, called, ..] if own == kind && called == name)
                };
                let line = text.lines().position(begin).map_or(1, |line| line + 1);
                return Some((block, format!("{path}:{line}")));
            }
        }
        None
    }

    /// The scopes of the root module and of those below it.
    pub(super) fn scopes(&self, members: &[Member], variables: &serde_json::Value) -> Scopes {
        let mut given = Map::new();
        for (name, variable) in variables.as_object().into_iter().flatten() {
            if let Some(value) = variable.get("value").and_then(to_hcl) {
                given.insert(name.clone(), value);
            }
        }
        let mut scopes = Scopes::default();
        let mut paths: Vec<ModulePath> = members.iter().map(|member| member.module.clone()).collect();
        paths.sort_unstable();
        paths.dedup();
        self.enter(&ModulePath::new(), given, members, &paths, &mut scopes);
        scopes
    }

    fn enter(
        &self,
        module: &ModulePath,
        given: Map<String, Value>,
        members: &[Member],
        paths: &[ModulePath],
        scopes: &mut Scopes,
    ) {
        let Some(folder) = self.folder(module).filter(|_| module.len() <= MODULES_MAX) else {
            return;
        };
        let mut scope = Scope::default();
        members
            .iter()
            .filter(|member| member.module == *module)
            .for_each(|member| scope.add(member));
        let mut variables = Map::new();
        for block in self.blocks(&folder, "variable") {
            let default = attribute(block.body(), "default").and_then(|default| scope.evaluate(default, &[]));
            if let (Some(name), Some(default)) = (label(block, 0), default) {
                variables.insert(name.to_owned(), default);
            }
        }
        variables.extend(given);
        scope.names.insert("var".to_owned(), Value::Object(variables));
        for _ in 0..PASSES {
            self.evaluate_locals(&folder, &mut scope);
            self.enter_modules(module, &folder, members, paths, scopes, &mut scope);
        }
        scopes.0.insert(module.clone(), scope);
    }

    fn evaluate_locals(&self, folder: &str, scope: &mut Scope) {
        for _ in 0..PASSES {
            let mut known = Map::new();
            for block in self.blocks(folder, "locals") {
                for attribute in block.body().attributes() {
                    if let Some(value) = scope.evaluate(attribute.expr(), &[]) {
                        known.insert(attribute.key().to_owned(), value);
                    }
                }
            }
            scope.names.insert("local".to_owned(), Value::Object(known));
        }
    }

    /// Enters the modules that one calls, and takes over their outputs.
    fn enter_modules(
        &self,
        module: &ModulePath,
        folder: &str,
        members: &[Member],
        paths: &[ModulePath],
        scopes: &mut Scopes,
        scope: &mut Scope,
    ) {
        let mut called = Map::new();
        for block in self.blocks(folder, "module") {
            let Some(name) = label(block, 0) else { continue };
            let own = paths
                .iter()
                .filter(|path| path.len() > module.len() && path.starts_with(module));
            let mut indices: Vec<Option<Index>> = own
                .filter(|path| path[module.len()].0 == name)
                .map(|path| path[module.len()].1.clone())
                .collect();
            indices.dedup();
            for index in indices {
                let with = scope.position(block.body(), index.as_ref());
                let mut given = Map::new();
                for attribute in block.body().attributes() {
                    if let Some(value) = scope.evaluate(attribute.expr(), &with) {
                        given.insert(attribute.key().to_owned(), value);
                    }
                }
                let mut inner = module.clone();
                inner.push((name.to_owned(), index.clone()));
                self.enter(&inner, given, members, paths, scopes);
                place(&mut called, name, index.as_ref(), self.outputs(&inner, scopes));
            }
        }
        scope.names.insert("module".to_owned(), Value::Object(called));
    }

    fn outputs(&self, module: &ModulePath, scopes: &Scopes) -> Value {
        let mut outputs = Map::new();
        if let (Some(folder), Some(scope)) = (self.folder(module), scopes.0.get(module)) {
            for block in self.blocks(&folder, "output") {
                let value = attribute(block.body(), "value").and_then(|value| scope.evaluate(value, &[]));
                if let (Some(name), Some(value)) = (label(block, 0), value) {
                    outputs.insert(name.to_owned(), value);
                }
            }
        }
        Value::Object(outputs)
    }

    /// The value of an argument of a resource, if its expression can be evaluated.
    pub(super) fn argument(
        &self,
        scopes: &Scopes,
        module: &ModulePath,
        (kind, name): (&str, &str),
        index: Option<&Index>,
        argument: &str,
    ) -> Option<serde_json::Value> {
        let (block, _) = self.resource(module, kind, name)?;
        let scope = scopes.0.get(module)?;
        let own = attribute(block.body(), argument);
        // In a nested block, as long as only one says it.
        let nested = || {
            let mut found = block
                .body()
                .blocks()
                .filter_map(|nested| attribute(nested.body(), argument));
            found.next().filter(|_| found.next().is_none())
        };
        let expression = own.or_else(nested)?;
        let value = scope.evaluate(expression, &scope.position(block.body(), index))?;
        serde_json::to_value(value).ok()
    }
}

impl Scope {
    fn add(&mut self, member: &Member) {
        let names = if member.is_data {
            object_in(&mut self.names, "data")
        } else {
            &mut self.names
        };
        let of_kind = object_in(names, &member.kind);
        place(of_kind, &member.name, member.index.as_ref(), member.value.clone());
    }

    /// `count` and `each` for one of several.
    fn position(&self, body: &Body, index: Option<&Index>) -> Vec<(&'static str, Value)> {
        match index {
            None => Vec::new(),
            Some(Index::Number(number)) => {
                let count = Map::from_iter([("index".to_owned(), Value::from(*number))]);
                vec![("count", Value::Object(count))]
            }
            Some(Index::Key(key)) => {
                let over = attribute(body, "for_each").and_then(|over| self.evaluate(over, &[]));
                let own = match over {
                    Some(Value::Object(map)) => map.get(key).cloned(),
                    _ => Some(Value::String(key.clone())),
                };
                let mut each = Map::from_iter([("key".to_owned(), Value::String(key.clone()))]);
                each.extend(own.map(|own| ("value".to_owned(), own)));
                vec![("each", Value::Object(each))]
            }
        }
    }

    fn evaluate(&self, expression: &Expression, with: &[(&'static str, Value)]) -> Option<Value> {
        let mut context = Context::new();
        functions::declare(&mut context);
        for (name, value) in &self.names {
            context.declare_var(name.as_str(), value.clone());
        }
        for (name, value) in with {
            context.declare_var(*name, value.clone());
        }
        expression.evaluate(&context).ok()
    }
}

fn object_in<'m>(map: &'m mut Map<String, Value>, name: &str) -> &'m mut Map<String, Value> {
    let entry = map
        .entry(name.to_owned())
        .or_insert_with(|| Value::Object(Map::new()));
    if !entry.is_object() {
        *entry = Value::Object(Map::new());
    }
    entry.as_object_mut().expect("it was made one just now")
}

/// Puts a value under a name, into a list or a map if it is one of several.
fn place(map: &mut Map<String, Value>, name: &str, index: Option<&Index>, value: Value) {
    match index {
        None => {
            map.insert(name.to_owned(), value);
        }
        Some(Index::Key(key)) => {
            object_in(map, name).insert(key.clone(), value);
        }
        Some(Index::Number(number)) => {
            let entry = map
                .entry(name.to_owned())
                .or_insert_with(|| Value::Array(Vec::new()));
            if let (Some(list), Ok(number)) = (entry.as_array_mut(), usize::try_from(*number))
                && number <= list.len() + MEMBERS_MAX
            {
                if list.len() <= number {
                    list.resize(number + 1, Value::Null);
                }
                list[number] = value;
            }
        }
    }
}

/// No resource has more instances than this one after the other.
const MEMBERS_MAX: usize = 10_000;

fn label(block: &Block, place: usize) -> Option<&str> {
    block.labels().get(place).map(hcl::BlockLabel::as_str)
}

fn attribute<'b>(body: &'b Body, name: &str) -> Option<&'b Expression> {
    let mut attributes = body.attributes();
    attributes
        .find(|attribute| attribute.key() == name)
        .map(hcl::Attribute::expr)
}

/// A path from the configuration's folder, without `.` and `..`.
fn normalised(from: &str, path: &str) -> String {
    let mut parts: Vec<&str> = from.split('/').filter(|part| !part.is_empty()).collect();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop();
            }
            other => parts.push(other),
        }
    }
    parts.join("/")
}

fn is_too_deep(text: &str) -> bool {
    let mut depth = 0_usize;
    text.bytes().any(|byte| {
        match byte {
            b'{' | b'[' | b'(' => depth += 1,
            b'}' | b']' | b')' => depth = depth.saturating_sub(1),
            _ => {}
        }
        depth > DEPTH_MAX
    })
}

/// A value of a plan as one of the language.
pub(super) fn to_hcl(value: &serde_json::Value) -> Option<Value> {
    serde_json::from_value(value.clone()).ok()
}
