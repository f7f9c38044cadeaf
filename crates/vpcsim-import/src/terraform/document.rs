//! A file of Terraform, from text to instances.

use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Map, Value};
use vpcsim_aws::{Finding, Findings, Origin};

use super::address::{self, Index, ModulePath};
use super::configuration::Configuration;
use super::{Half, Held, Input, Instance};
use crate::deployment::nouns;
use crate::describe::Locator;

/// Whatever a plan or a state may have at its top.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct File<'t> {
    format_version: Option<String>,
    errored: Option<bool>,
    #[serde(borrow)]
    resource_changes: Option<Vec<&'t RawValue>>,
    planned_values: Option<Values<'t>>,
    prior_state: Option<Prior<'t>>,
    configuration: Value,
    variables: Value,
    values: Option<Values<'t>>,
    version: Option<u64>,
    resources: Option<Vec<&'t RawValue>>,
    modules: Option<&'t RawValue>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Prior<'t> {
    #[serde(borrow)]
    values: Option<Values<'t>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Values<'t> {
    #[serde(borrow)]
    root_module: Option<ModuleValues<'t>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct ModuleValues<'t> {
    address: Option<String>,
    #[serde(borrow)]
    resources: Vec<&'t RawValue>,
    child_modules: Vec<ModuleValues<'t>>,
}

/// What every resource begins with, wherever it stands.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Head {
    module_address: Option<String>,
    module: Option<String>,
    mode: Option<String>,
    r#type: String,
    name: String,
    index: Option<Value>,
    deposed: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct ChangeOf<'t> {
    #[serde(borrow)]
    change: Option<Change<'t>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Change<'t> {
    actions: Vec<String>,
    #[serde(borrow)]
    before: Option<&'t RawValue>,
    after: Option<&'t RawValue>,
    after_unknown: Option<&'t RawValue>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct ValuesOf {
    values: Map<String, Value>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct RawInstances {
    instances: Vec<RawInstance>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct RawInstance {
    index_key: Option<Value>,
    attributes: Map<String, Value>,
    deposed: Option<String>,
}

/// Reads a file; `None` if it is none of Terraform's that can be read, which is reported.
pub(super) fn read(input: Input<'_>, half: Half, findings: &mut Findings) -> Option<Held> {
    let at = |line: usize, column: usize| Origin {
        file: input.file,
        line: line.max(1) as u32,
        column: column.max(1) as u32,
        length: 1,
    };
    let file: File<'_> = match serde_json::from_str(input.text) {
        Ok(file) => file,
        Err(error) => {
            let message = error.to_string();
            let message = message.split(" at line").next().unwrap_or_default();
            let message = format!("this is no plan or state of Terraform: {message}");
            let finding = Finding::error("terraform-syntax", at(error.line(), error.column()), message);
            findings.push(finding.help("make it with `terraform show -json PLAN > plan.json`"));
            return None;
        }
    };
    if let Some(refusal) = refusal(&file, at(1, 1)) {
        findings.push(refusal);
        return None;
    }
    let mut reader = Reader {
        input,
        locator: Locator::new(input.text, input.file),
        findings,
        instances: Vec::new(),
    };
    let is_state = file.resource_changes.is_none() && file.planned_values.is_none();
    if let Some(resources) = &file.resources {
        for raw in resources {
            reader.of_raw_state(raw);
        }
    } else if let Some(changes) = &file.resource_changes {
        for raw in changes {
            reader.of_change(raw, half);
        }
    } else if let Some(root) = [file.planned_values, file.values]
        .into_iter()
        .flatten()
        .find_map(|v| v.root_module)
    {
        reader.of_module(&root, false);
    }
    if let Some(root) = file.prior_state.and_then(|prior| prior.values?.root_module) {
        reader.of_module(&root, true);
    }
    Some(Held {
        instances: reader.instances,
        configuration: Configuration {
            root: file.configuration,
            variables: file.variables,
        },
        is_state,
    })
}

/// Why a file is not read, if so.
fn refusal(file: &File<'_>, origin: Origin) -> Option<Finding> {
    if file.modules.is_some()
        || file
            .version
            .is_some_and(|version| version < 4 && file.resources.is_none())
    {
        let version = file.version.unwrap_or(3);
        let message = format!("this is a state of version {version}, as Terraform 0.11 and older write it");
        let help = "let Terraform 0.12 or newer rewrite it (`terraform apply -refresh-only`), or give `terraform show -json`";
        return Some(Finding::error("terraform-state-version", origin, message).help(help));
    }
    if let Some(version) = file.version.filter(|version| *version > 4) {
        let message = format!("this is a state of version {version}; version 4 is known");
        return Some(Finding::error("terraform-state-version", origin, message));
    }
    let major = file
        .format_version
        .as_deref()
        .and_then(|version| version.split('.').next());
    if let (Some(major), Some(version)) = (major, &file.format_version)
        && !matches!(major, "0" | "1")
    {
        let message = format!("this plan has the format version {version}; versions 0 and 1 are known");
        return Some(Finding::error("terraform-version", origin, message));
    }
    if file.errored == Some(true) {
        let message = "this plan ended in an error: what would stand after it is not all there";
        let help = "mend the configuration until `terraform plan` succeeds, and give that plan";
        return Some(Finding::error("plan-errored", origin, message).help(help));
    }
    None
}

struct Reader<'t, 'f> {
    input: Input<'t>,
    locator: Locator<'t>,
    findings: &'f mut Findings,
    instances: Vec<Instance>,
}

impl<'t> Reader<'t, '_> {
    /// Reads a part of the text, or reports what is wrong with it.
    fn part<T: Deserialize<'t>>(&mut self, raw: &'t str) -> Option<T> {
        match serde_json::from_str(raw) {
            Ok(part) => Some(part),
            Err(error) => {
                let origin = self.locator.locate(raw);
                let message = error.to_string();
                let message = message.split(" at line").next().unwrap_or_default();
                let message = format!("a resource of `{}` cannot be read: {message}", self.input.name);
                self.findings
                    .push(Finding::error("terraform-resource", origin, message));
                None
            }
        }
    }

    fn of_change(&mut self, raw: &'t RawValue, half: Half) {
        let (Some(head), Some(change)) = (self.part::<Head>(raw.get()), self.part::<ChangeOf<'t>>(raw.get()))
        else {
            return;
        };
        let Some(change) = change.change.filter(|_| head.deposed.is_none()) else {
            return;
        };
        let only = |word: &str| change.actions.len() == 1 && change.actions[0] == word;
        let (values, unknown) = match half {
            Half::After if only("delete") || only("forget") => return,
            Half::After => (change.after, change.after_unknown),
            Half::Before => (change.before, None),
        };
        if half == Half::Before && values.is_none_or(|values| values.get() == "null") {
            return;
        }
        let module = address::module_path(head.module_address.as_deref().unwrap_or_default());
        self.push(raw, head, module, values, unknown);
    }

    fn of_module(&mut self, values: &ModuleValues<'t>, only_data: bool) {
        let module = address::module_path(values.address.as_deref().unwrap_or_default());
        for raw in &values.resources {
            let Some(head) = self.part::<Head>(raw.get()) else {
                continue;
            };
            if only_data && head.mode.as_deref() != Some("data") {
                continue;
            }
            if head.deposed.is_some() {
                continue;
            }
            let values = if is_read(&head) {
                self.part::<ValuesOf>(raw.get())
            } else {
                None
            };
            let values = values.unwrap_or_default().values;
            self.enter(raw, head, module.clone(), values, Map::new());
        }
        for child in &values.child_modules {
            self.of_module(child, only_data);
        }
    }

    fn of_raw_state(&mut self, raw: &'t RawValue) {
        let Some(head) = self.part::<Head>(raw.get()) else {
            return;
        };
        let Some(instances) = self.part::<RawInstances>(raw.get()) else {
            return;
        };
        let module = address::module_path(head.module.as_deref().unwrap_or_default());
        for instance in instances
            .instances
            .into_iter()
            .filter(|instance| instance.deposed.is_none())
        {
            let head = Head {
                index: instance.index_key,
                mode: head.mode.clone(),
                r#type: head.r#type.clone(),
                name: head.name.clone(),
                ..Head::default()
            };
            self.enter(raw, head, module.clone(), instance.attributes, Map::new());
        }
    }

    fn push(
        &mut self,
        raw: &'t RawValue,
        head: Head,
        module: ModulePath,
        values: Option<&'t RawValue>,
        unknown: Option<&'t RawValue>,
    ) {
        let mut object = |raw: Option<&'t RawValue>| {
            let raw = raw
                .map(RawValue::get)
                .filter(|raw| raw.starts_with('{') && is_read(&head));
            raw.and_then(|raw| self.part::<Map<String, Value>>(raw))
                .unwrap_or_default()
        };
        let (values, unknown) = (object(values), object(unknown));
        self.enter(raw, head, module, values, unknown);
    }

    fn enter(
        &mut self,
        raw: &'t RawValue,
        head: Head,
        module: ModulePath,
        values: Map<String, Value>,
        unknown: Map<String, Value>,
    ) {
        let index = match head.index {
            Some(Value::Number(number)) => number.as_u64().map(Index::Number),
            Some(Value::String(key)) => Some(Index::Key(key)),
            _ => None,
        };
        let origin = self.locator.locate(raw.get());
        self.instances.push(Instance {
            module,
            is_data: head.mode.as_deref() == Some("data"),
            kind: head.r#type,
            name: head.name,
            index,
            values,
            unknown,
            origin,
        });
    }
}

/// Whether anybody looks at the arguments: those of the rest would only take memory.
fn is_read(head: &Head) -> bool {
    head.mode.as_deref() == Some("data") || nouns::is_looked_at(&head.r#type)
}
