//! Addresses: `module.net["eu"].aws_subnet.private[0].id`, in configurations and in plans.

use std::fmt;

/// Which of several instances.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum Index {
    /// Of `count`.
    Number(u64),
    /// Of `for_each`.
    Key(String),
}

impl fmt::Display for Index {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number(number) => write!(f, "[{number}]"),
            Self::Key(key) => write!(f, "[\"{key}\"]"),
        }
    }
}

/// The modules that lead to a resource, each with its index.
pub(super) type ModulePath = Vec<(String, Option<Index>)>;

/// A part of an address: a name, or what stands in brackets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Part {
    /// Between dots.
    Name(String),
    /// In brackets.
    Index(Index),
}

/// Splits an address; dots inside quoted keys do not count.
pub(super) fn parts(text: &str) -> Vec<Part> {
    let mut parts = Vec::new();
    let mut rest = text;
    while !rest.is_empty() {
        if let Some(inside) = rest.strip_prefix('[') {
            let quoted = inside.strip_prefix('"').and_then(|inside| {
                let end = inside.find("\"]")?;
                Some((
                    Index::Key(inside[..end].replace("\\\"", "\"")),
                    &inside[end + 2..],
                ))
            });
            let bare = || {
                let end = inside.find(']')?;
                let number = inside[..end].parse().map(Index::Number);
                Some((
                    number.unwrap_or_else(|_| Index::Key(inside[..end].to_owned())),
                    &inside[end + 1..],
                ))
            };
            let Some((index, tail)) = quoted.or_else(bare) else {
                break;
            };
            parts.push(Part::Index(index));
            rest = tail;
            continue;
        }
        let rest_of_name = rest.strip_prefix('.').unwrap_or(rest);
        let end = rest_of_name.find(['.', '[']).unwrap_or(rest_of_name.len());
        // Old plans write indices behind a dot: `aws_subnet.a.0`.
        let name = &rest_of_name[..end];
        match name.parse() {
            Ok(number) if !parts.is_empty() => parts.push(Part::Index(Index::Number(number))),
            _ if name.is_empty() && end == 0 && rest_of_name.is_empty() => break,
            _ => parts.push(Part::Name(name.to_owned())),
        }
        if end == 0 && !rest_of_name.starts_with('[') {
            break;
        }
        rest = &rest_of_name[end..];
    }
    parts
}

/// The path of a module's address (`module.net[0].module.subnets`).
pub(super) fn module_path(text: &str) -> ModulePath {
    let mut path = ModulePath::new();
    for part in parts(text) {
        match part {
            Part::Name(name) if name == "module" => {}
            Part::Name(name) => path.push((name, None)),
            Part::Index(index) => {
                if let Some(last) = path.last_mut() {
                    last.1 = Some(index);
                }
            }
        }
    }
    path
}

/// The address of something in a module.
pub(super) fn inside(module: &ModulePath, rest: &str) -> String {
    let mut text = String::new();
    for (name, index) in module {
        text.push_str("module.");
        text.push_str(name);
        if let Some(index) = index {
            text.push_str(&index.to_string());
        }
        text.push('.');
    }
    text + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn indices_and_keys_are_parts_of_their_own() {
        let name = |text: &str| Part::Name(text.to_owned());
        assert_eq!(
            parts("module.net[\"a.b\"].aws_subnet.x[2].id"),
            [
                name("module"),
                name("net"),
                Part::Index(Index::Key("a.b".to_owned())),
                name("aws_subnet"),
                name("x"),
                Part::Index(Index::Number(2)),
                name("id"),
            ]
        );
        assert_eq!(
            parts("aws_subnet.x.0").last(),
            Some(&Part::Index(Index::Number(0)))
        );
    }

    #[test]
    fn broken_addresses_come_to_an_end() {
        for text in ["[", "a..b", "a[\"", ".", "a.", "]", "a[x"] {
            let _parts = parts(text);
        }
    }

    #[test]
    fn modules_lead_to_a_resource() {
        let path = module_path("module.a[0].module.b");
        assert_eq!(inside(&path, "aws_vpc.x"), "module.a[0].module.b.aws_vpc.x");
    }
}
