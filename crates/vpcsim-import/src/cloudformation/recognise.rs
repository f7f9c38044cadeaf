//! What a file is by its top keys.

/// What a file is to us.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    /// A template.
    Template,
    /// A file with values of parameters: `{"Parameters": {...}}` or a list of `{"ParameterKey": ..., "ParameterValue": ...}`.
    Parameters,
    /// The `manifest.json` of a `cdk.out` directory.
    Manifest,
    /// A file of a `cdk.out` directory that says nothing about the network.
    Ignored,
}

/// The role of a file with these top keys; of a list, those of its first element.
pub(crate) fn role_of(keys: &[&str]) -> Option<Role> {
    let has = |key: &str| keys.contains(&key);
    if has("Resources") || has("AWSTemplateFormatVersion") {
        Some(Role::Template)
    } else if has("ParameterKey")
        || (has("Parameters") && is_only(keys, &["Parameters", "Tags", "StackPolicy"]))
    {
        Some(Role::Parameters)
    } else if has("version") && has("artifacts") {
        Some(Role::Manifest)
    } else if is_cdk_asset(keys) {
        Some(Role::Ignored)
    } else {
        None
    }
}

/// The manifest of assets, the tree of constructs, and the file that says which version wrote the directory.
fn is_cdk_asset(keys: &[&str]) -> bool {
    let has = |key: &str| keys.contains(&key);
    keys == ["version"] || (has("version") && (has("tree") || (has("files") && has("dockerImages"))))
}

fn is_only(keys: &[&str], known: &[&str]) -> bool {
    keys.iter().all(|key| known.contains(key))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_files_of_a_cdk_directory_are_told_apart() {
        assert_eq!(
            role_of(&["version", "artifacts", "minimumCliVersion"]),
            Some(Role::Manifest)
        );
        assert_eq!(
            role_of(&["version", "files", "dockerImages"]),
            Some(Role::Ignored)
        );
        assert_eq!(role_of(&["version", "tree"]), Some(Role::Ignored));
        assert_eq!(role_of(&["version"]), Some(Role::Ignored));
        assert_eq!(role_of(&["Parameters", "Resources"]), Some(Role::Template));
        assert_eq!(role_of(&["Parameters"]), Some(Role::Parameters));
        assert_eq!(
            role_of(&["ParameterKey", "ParameterValue"]),
            Some(Role::Parameters)
        );
        assert_eq!(role_of(&["Vpcs"]), None);
    }
}
