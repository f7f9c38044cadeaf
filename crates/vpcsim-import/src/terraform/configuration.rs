//! The part of a plan that says what refers to what: expressions of resources, module calls and outputs.

use serde_json::Value;

use super::address::ModulePath;

/// A plan's `configuration` and its root variables.
#[derive(Clone, Debug, Default)]
pub(super) struct Configuration {
    /// `configuration`.
    pub root: Value,
    /// `variables`.
    pub variables: Value,
}

/// A module in the configuration.
#[derive(Clone, Copy, Debug)]
pub(super) struct Module<'c>(pub &'c Value);

impl<'c> Module<'c> {
    /// The call of a module from here.
    pub(super) fn call(self, name: &str) -> Option<&'c Value> {
        self.0.get("module_calls")?.get(name)
    }

    /// The resource of this kind and name.
    pub(super) fn resource(self, is_data: bool, kind: &str, name: &str) -> Option<&'c Value> {
        let mode = if is_data { "data" } else { "managed" };
        let resources = self.0.get("resources")?.as_array()?;
        let is_it = |resource: &&Value| {
            resource["type"] == kind
                && resource["name"] == name
                && resource.get("mode").is_none_or(|own| *own == mode)
        };
        resources.iter().find(is_it)
    }

    /// The expression of an output.
    pub(super) fn output(self, name: &str) -> Option<&'c Value> {
        self.0.get("outputs")?.get(name)?.get("expression")
    }
}

impl Configuration {
    /// The module at a path.
    pub(super) fn module(&self, path: &ModulePath) -> Option<Module<'_>> {
        let mut module = Module(self.root.get("root_module")?);
        for (name, _) in path {
            module = Module(module.call(name)?.get("module")?);
        }
        Some(module)
    }

    /// The value of a root variable.
    pub(super) fn variable(&self, name: &str) -> Option<&Value> {
        let given = self
            .variables
            .get(name)
            .and_then(|variable| variable.get("value"));
        given.or_else(|| {
            let declared = self.root.get("root_module")?.get("variables")?.get(name)?;
            declared.get("default")
        })
    }

    /// The region of a provider, as far as the plan says it.
    pub(super) fn region(&self, provider: &str) -> Option<String> {
        let region = self.provider(provider)?.get("expressions")?.get("region")?;
        self.plain(region)
    }

    /// The account of the role that a provider assumes.
    pub(super) fn account(&self, provider: &str) -> Option<String> {
        let role = self.provider(provider)?.get("expressions")?.get("assume_role")?;
        let role = role.get(0).unwrap_or(role).get("role_arn")?;
        let arn = self.plain(role)?;
        let account = arn.split(':').nth(4)?;
        (account.len() == 12).then(|| account.to_owned())
    }

    fn provider(&self, key: &str) -> Option<&Value> {
        let all = self.root.get("provider_config")?;
        // A module's own key names the provider that it was handed; without expressions the root's counts.
        let local = key.rsplit(':').next().unwrap_or(key);
        let has_expressions = |config: &&Value| config.get("expressions").is_some();
        all.get(key).filter(has_expressions).or_else(|| all.get(local))
    }

    /// A constant, or the value of a root variable.
    fn plain(&self, expression: &Value) -> Option<String> {
        if let Some(constant) = expression.get("constant_value") {
            return constant.as_str().map(str::to_owned);
        }
        let first = expression.get("references")?.get(0)?.as_str()?;
        let name = first.strip_prefix("var.")?;
        self.variable(name)?.as_str().map(str::to_owned)
    }
}
