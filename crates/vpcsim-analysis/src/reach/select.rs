//! Who is meant: endpoints by name, address, tag, subnet, group, VPC or kind.

use std::net::Ipv4Addr;

use ipnet::Ipv4Net;
use thiserror::Error;
use vpcsim_aws::devices::{LoadBalancer, ManagedHost};
use vpcsim_aws::{AnyId, Kind, Label, Topology};

use super::Endpoint;
use crate::similar::edit_distance;

/// What stands for everybody outside.
const INTERNET: &str = "internet";

/// Who is meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Selection {
    /// The internet.
    Internet,
    /// These endpoints, by their numbers, in ascending order.
    Endpoints(Vec<usize>),
}

/// Nobody is meant.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("`{text}` selects nothing: {what}")]
pub struct SelectionError {
    /// What was written.
    pub text: String,
    /// Why nobody is meant, and what would be right.
    pub what: String,
}

/// Who is meant by `internet`, a name, an id, an address, a range, `tag:KEY=VALUE`, `subnet:…`, `sg:…`, `vpc:…` or `type:…`; `*` stands for
/// any letters, and of criteria joined by ` & ` all have to hold.
///
/// # Errors
/// [`SelectionError`] if nobody is.
pub fn select(topology: &Topology, endpoints: &[Endpoint], text: &str) -> Result<Selection, SelectionError> {
    let text = text.trim();
    if text.eq_ignore_ascii_case(INTERNET) {
        return Ok(Selection::Internet);
    }
    let mut criteria = Vec::new();
    for part in text.split(" & ") {
        criteria.push(match part.split_once(':') {
            Some((key, value)) => criterion(topology, key, value).ok_or_else(|| unknown_key(part, key))?,
            None => by_address(part).unwrap_or_else(|| by_name(topology, part)),
        });
    }
    let is_meant = |endpoint: &Endpoint| criteria.iter().all(|criterion| criterion(endpoint));
    let found: Vec<usize> = (0..endpoints.len())
        .filter(|index| is_meant(&endpoints[*index]))
        .collect();
    if found.is_empty() {
        return Err(SelectionError {
            text: text.to_owned(),
            what: nobody(topology, endpoints, text),
        });
    }
    Ok(Selection::Endpoints(found))
}

type Criterion<'t> = Box<dyn Fn(&Endpoint) -> bool + 't>;

fn by_address(text: &str) -> Option<Criterion<'_>> {
    if let Ok(address) = text.parse::<Ipv4Addr>() {
        return Some(Box::new(move |endpoint| {
            endpoint.address == address || endpoint.public == Some(address)
        }));
    }
    let net: Ipv4Net = text.parse().ok()?;
    Some(Box::new(move |endpoint| net.contains(&endpoint.address)))
}

fn by_name<'t>(topology: &'t Topology, text: &'t str) -> Criterion<'t> {
    let is_all = text == "all" || text == "any";
    Box::new(move |endpoint| {
        is_all
            || is_called(topology.label(endpoint.host), text)
            || dns_name(topology, endpoint.host).is_some_and(|name| name == text)
            || is_called(Some(&topology.network_interfaces[endpoint.interface].label), text)
    })
}

fn criterion<'t>(topology: &'t Topology, key: &str, value: &'t str) -> Option<Criterion<'t>> {
    let value = value.trim();
    Some(match key.trim() {
        "subnet" => Box::new(move |endpoint| is_called(topology.label(endpoint.subnet.into()), value)),
        "vpc" => Box::new(move |endpoint| {
            is_called(
                topology.label(topology.subnets[endpoint.subnet].vpc.into()),
                value,
            )
        }),
        "sg" | "security_group" => Box::new(move |endpoint| {
            let groups = &topology.network_interfaces[endpoint.interface].security_groups;
            groups
                .iter()
                .any(|group| is_called(topology.label((*group).into()), value))
        }),
        "az" => Box::new(move |endpoint| {
            let zone = &topology.subnets[endpoint.subnet].availability_zone;
            zone == value || zone.ends_with(value) && value.len() == 1
        }),
        "cidr" => {
            let net: Ipv4Net = value.parse().ok()?;
            Box::new(move |endpoint| net.contains(&endpoint.address))
        }
        "tag" => {
            let (tag, wanted) = value.split_once('=').unwrap_or((value, "*"));
            Box::new(move |endpoint| {
                let own = topology.network_interfaces[endpoint.interface].label.tags.iter();
                let mut tags = topology
                    .label(endpoint.host)
                    .into_iter()
                    .flat_map(|label| &label.tags)
                    .chain(own);
                tags.any(|(key, value)| key == tag && matches(wanted, value))
            })
        }
        "type" => Box::new(move |endpoint| is_of_type(topology, endpoint, value)),
        "name" | "id" | "resource" => by_name(topology, value),
        _ => return None,
    })
}

fn is_of_type(topology: &Topology, endpoint: &Endpoint, value: &str) -> bool {
    let host = endpoint.host;
    if let Some(managed) = host.downcast::<ManagedHost>() {
        let service = &topology.managed_hosts[managed].service;
        return service.eq_ignore_ascii_case(value)
            || value == "rds" && service == "database"
            || value == "lambda" && service == "Lambda function";
    }
    match host.kind {
        Kind::LoadBalancer => ["load-balancer", "nlb", "elb"].contains(&value),
        Kind::VpcEndpoint => ["endpoint", "vpc-endpoint"].contains(&value),
        _ => value == "instance" || value == "ec2",
    }
}

/// The name of a load balancer in the DNS.
fn dns_name(topology: &Topology, host: AnyId) -> Option<&str> {
    let balancer = host.downcast::<LoadBalancer>()?;
    topology.load_balancers[balancer].dns_name.as_deref()
}

fn is_called(label: Option<&Label>, text: &str) -> bool {
    let address = |label: &Label| {
        label
            .tags
            .iter()
            .any(|(key, value)| key == "vpcsim:address" && value == text)
    };
    label.is_some_and(|label| {
        matches(text, &label.name)
            || label.id.as_deref().is_some_and(|id| matches(text, id))
            || address(label)
    })
}

/// Whether the text has the form, in which `*` stands for any letters.
pub fn matches(form: &str, text: &str) -> bool {
    let mut parts = form.split('*');
    let Some(mut left) = parts.next().and_then(|first| text.strip_prefix(first)) else {
        return false;
    };
    let parts: Vec<&str> = parts.collect();
    let Some((last, middle)) = parts.split_last() else {
        return left.is_empty();
    };
    for part in middle {
        match left.split_once(part) {
            Some((_, behind)) => left = behind,
            None => return false,
        }
    }
    left.ends_with(last)
}

fn unknown_key(text: &str, key: &str) -> SelectionError {
    SelectionError {
        text: text.to_owned(),
        what: format!(
            "`{key}:` is no way to select; write a name, an address, or tag:, subnet:, sg:, vpc:, az:, type: or cidr:"
        ),
    }
}

fn nobody(topology: &Topology, endpoints: &[Endpoint], text: &str) -> String {
    let (key, wanted) = text.split_once(':').unwrap_or(("", text));
    let name = |any: AnyId| {
        topology
            .label(any)
            .map_or_else(String::new, |label| label.name.clone())
    };
    let names = |endpoint: &Endpoint| -> Vec<String> {
        match key {
            "subnet" => vec![name(endpoint.subnet.into())],
            "vpc" => vec![name(topology.subnets[endpoint.subnet].vpc.into())],
            "sg" => {
                let groups = &topology.network_interfaces[endpoint.interface].security_groups;
                groups.iter().map(|group| name((*group).into())).collect()
            }
            _ => vec![name(endpoint.host)],
        }
    };
    let distance = |name: String| (edit_distance(&name, wanted), name);
    let mut known: Vec<(usize, String)> = endpoints
        .iter()
        .flat_map(names)
        .map(distance)
        .filter(|(distance, _)| *distance <= 2)
        .collect();
    known.sort_unstable();
    known.dedup();
    let known: Vec<String> = known.into_iter().take(3).map(|(_, name)| name).collect();
    if known.is_empty() {
        "no interface with a running host has it".to_owned()
    } else {
        format!(
            "no interface with a running host has it; did you mean {}?",
            known.join(" or ")
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn star_stands_for_any_letters() {
        for (form, text) in [
            ("web*", "web-1"),
            ("*-1", "web-1"),
            ("w*-*", "web-1"),
            ("web-1", "web-1"),
            ("*", ""),
        ] {
            assert!(matches(form, text), "{form} {text}");
        }
        for (form, text) in [("web", "web-1"), ("web*2", "web-1"), ("b*", "web-1")] {
            assert!(!matches(form, text), "{form} {text}");
        }
    }
}
