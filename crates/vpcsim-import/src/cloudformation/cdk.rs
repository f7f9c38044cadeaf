//! The manifest of a `cdk.out` directory: which of its templates are stacks, and where they go.

use vpcsim_aws::{Findings, Origin};

use super::Template;
use super::template::{entries_of, load_any, member};
use crate::native::node::Node;

/// A stack that a manifest names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Artifact {
    /// The name of its artifact.
    pub(super) name: String,
    /// What its construct paths start with.
    pub(super) display_name: String,
    /// Where the manifest names it.
    pub(super) origin: Origin,
    /// The path of its template.
    pub(super) template: String,
    /// Empty if the manifest leaves it open.
    pub(super) account: String,
    /// Empty if the manifest leaves it open.
    pub(super) region: String,
}

/// The stacks of a manifest.
pub(super) fn stacks(manifest: &Template<'_>, findings: &mut Findings) -> Vec<Artifact> {
    let Some(root) = load_any(manifest, findings) else {
        return Vec::new();
    };
    let artifacts = member(&root, "artifacts").map_or(&[][..], entries_of).iter();
    let text = |node: &Node, key: &str| member(node, key).and_then(Node::as_text).map(str::to_owned);
    let stacks = artifacts.filter_map(|entry| {
        let artifact = &entry.value;
        let properties = member(artifact, "properties")?;
        let is_stack = text(artifact, "type")? == "aws:cloudformation:stack";
        let file = text(properties, "templateFile").filter(|_| is_stack)?;
        let environment = text(artifact, "environment").unwrap_or_default();
        let environment = environment.strip_prefix("aws://").unwrap_or_default();
        let (account, region) = environment.split_once('/').unwrap_or_default();
        let known = |text: &str| {
            let is_known = !text.starts_with("unknown-");
            if is_known { text.to_owned() } else { String::new() }
        };
        Some(Artifact {
            name: entry.key.clone(),
            origin: entry.key_origin,
            display_name: text(artifact, "displayName").unwrap_or_else(|| entry.key.clone()),
            template: format!("{}{file}", folder_of(manifest.name)),
            account: known(account),
            region: known(region),
        })
    });
    stacks.collect()
}

/// The folder of a path, with its slash.
pub(super) fn folder_of(path: &str) -> &str {
    path.rfind(['/', '\\']).map_or("", |slash| &path[..=slash])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stacks_have_their_environment() {
        let text = r#"{"version": "36", "artifacts": {
            "Net.assets": {"type": "cdk:asset-manifest", "properties": {"file": "Net.assets.json"}},
            "Net": {"type": "aws:cloudformation:stack", "environment": "aws://111122223333/eu-west-1",
                    "properties": {"templateFile": "Net.template.json"}, "displayName": "Prod/Net"},
            "App": {"type": "aws:cloudformation:stack", "environment": "aws://unknown-account/unknown-region",
                    "properties": {"templateFile": "App.template.json"}}}}"#;
        let manifest = Template {
            file: 0,
            name: "cdk.out/manifest.json",
            text,
        };
        let mut findings = Findings::default();
        let stacks = stacks(&manifest, &mut findings);
        assert!(findings.is_empty());
        assert_eq!(stacks.len(), 2);
        assert_eq!(stacks[0].display_name, "Prod/Net");
        assert_eq!(stacks[0].template, "cdk.out/Net.template.json");
        assert_eq!(
            (stacks[0].account.as_str(), stacks[0].region.as_str()),
            ("111122223333", "eu-west-1")
        );
        assert_eq!((stacks[1].account.as_str(), stacks[1].region.as_str()), ("", ""));
    }
}
