//! Smaller designs of a large one: what a failing design is reduced by, one resource or one rule at a time.

use vpcsim_aws::devices::block_public_access::Excluded;
use vpcsim_aws::devices::network_interface::Attachment;
use vpcsim_aws::devices::route_table::{Route, RouteDestination, RouteTarget};
use vpcsim_aws::devices::security_group::{Peer, SecurityGroupRule};
use vpcsim_aws::{AnyId, Id, Resource, Table, Topology};

/// Reduces the design as long as `fails` still holds of what is left.
///
/// Resources named in `keep` stay. Greedy: a pass tries every resource and every rule once; passes go on until one changes
/// nothing.
pub fn shrink(topology: &Topology, keep: &[String], mut fails: impl FnMut(&Topology) -> bool) -> Topology {
    let mut smallest = topology.clone();
    loop {
        let before = size(&smallest);
        drop_resources(&mut smallest, keep, &mut fails);
        drop_rules(&mut smallest, &mut fails);
        if size(&smallest) == before {
            return smallest;
        }
    }
}

fn drop_resources(smallest: &mut Topology, keep: &[String], fails: &mut impl FnMut(&Topology) -> bool) {
    let mut all: Vec<AnyId> = smallest.resources().collect();
    while let Some(any) = all.pop() {
        let kept = smallest.label(any).is_none_or(|label| keep.contains(&label.name));
        if kept || is_implied(smallest, any) {
            continue;
        }
        let smaller = without(smallest, any);
        let keeps_all = |name: &String| smaller.resources().any(|any| smaller.name_of(any) == name);
        if keep.iter().all(keeps_all) && fails(&smaller) {
            *smallest = smaller;
            all = smallest.resources().take_while(|left| *left < any).collect();
        }
    }
}

fn drop_rules(smallest: &mut Topology, fails: &mut impl FnMut(&Topology) -> bool) {
    let mut number = 0;
    loop {
        let mut smaller = smallest.clone();
        if !drop_rule(&mut smaller, number) {
            return;
        }
        if fails(&smaller) {
            *smallest = smaller;
        } else {
            number += 1;
        }
    }
}

/// Removes rule number `number` of the whole design; false if there is none.
fn drop_rule(topology: &mut Topology, mut number: usize) -> bool {
    fn take<T>(list: &mut Vec<T>, number: &mut usize) -> bool {
        if *number < list.len() {
            list.remove(*number);
            return true;
        }
        *number -= list.len();
        false
    }
    for id in topology.security_groups.ids() {
        let group = &mut topology.security_groups[id];
        if take(&mut group.ingress, &mut number) || take(&mut group.egress, &mut number) {
            return true;
        }
    }
    for id in topology.network_acls.ids() {
        let acl = &mut topology.network_acls[id];
        if take(&mut acl.ingress, &mut number) || take(&mut acl.egress, &mut number) {
            return true;
        }
    }
    topology
        .route_tables
        .ids()
        .any(|id| take(&mut topology.route_tables[id].routes, &mut number))
}

fn size(topology: &Topology) -> usize {
    let rules = |lists: [usize; 2]| lists[0] + lists[1];
    let groups = topology
        .security_groups
        .iter()
        .map(|(_, row)| rules([row.ingress.len(), row.egress.len()]));
    let acls = topology
        .network_acls
        .iter()
        .map(|(_, row)| rules([row.ingress.len(), row.egress.len()]));
    let routes = topology.route_tables.iter().map(|(_, row)| row.routes.len());
    topology.resources().count() + groups.chain(acls).chain(routes).sum::<usize>()
}

/// The design without one resource, and without whatever cannot be without it.
pub fn without(topology: &Topology, gone: AnyId) -> Topology {
    let mut left = Topology::named(topology.name.clone(), topology.region.clone());
    left.settings = topology.settings.clone();
    let mut ids = Renumbered {
        gone,
        pairs: Vec::new(),
    };
    keep_all(
        &topology.prefix_lists,
        &mut left.prefix_lists,
        &mut ids,
        |_, row| Some(row),
    );
    keep_all(
        &topology.dhcp_options,
        &mut left.dhcp_options,
        &mut ids,
        |_, row| Some(row),
    );
    keep_all(
        &topology.internet_hosts,
        &mut left.internet_hosts,
        &mut ids,
        |_, row| Some(row),
    );
    keep_all(
        &topology.elastic_ips,
        &mut left.elastic_ips,
        &mut ids,
        |_, row| Some(row),
    );
    keep_all(&topology.instances, &mut left.instances, &mut ids, |_, row| {
        Some(row)
    });
    keep_all(&topology.vpcs, &mut left.vpcs, &mut ids, |ids, mut row| {
        row.dhcp_options = row.dhcp_options.and_then(|id| ids.of(id));
        Some(row)
    });
    keep_in_vpcs(topology, &mut left, &mut ids);
    keep_in_subnets(topology, &mut left, &mut ids);
    keep_blocks(topology, &mut left, &mut ids);
    resolve_references(&mut left, &ids);
    match bare_instance(&left) {
        Some(bare) => without(&left, bare),
        None => left,
    }
}

/// What stands in a VPC; references among these tables are resolved at the end.
fn keep_in_vpcs(topology: &Topology, left: &mut Topology, ids: &mut Renumbered) {
    keep_all(
        &topology.network_acls,
        &mut left.network_acls,
        ids,
        |ids, mut row| {
            row.vpc = ids.of(row.vpc)?;
            Some(row)
        },
    );
    keep_all(
        &topology.security_groups,
        &mut left.security_groups,
        ids,
        |ids, mut row| {
            row.vpc = ids.of(row.vpc)?;
            Some(row)
        },
    );
    keep_all(
        &topology.route_tables,
        &mut left.route_tables,
        ids,
        |ids, mut row| {
            row.vpc = ids.of(row.vpc)?;
            Some(row)
        },
    );
    keep_all(
        &topology.internet_gateways,
        &mut left.internet_gateways,
        ids,
        |ids, mut row| {
            row.vpc = row.vpc.and_then(|id| ids.of(id));
            row.vpc.map(|_| row)
        },
    );
    keep_all(
        &topology.peering_connections,
        &mut left.peering_connections,
        ids,
        |ids, mut row| {
            row.requester = row.requester.and_then(|id| ids.of(id));
            row.accepter = row.accepter.and_then(|id| ids.of(id));
            (row.requester.is_some() && row.accepter.is_some()).then_some(row)
        },
    );
    keep_all(&topology.subnets, &mut left.subnets, ids, |ids, mut row| {
        row.vpc = ids.of(row.vpc)?;
        row.route_table = row.route_table.and_then(|id| ids.of(id));
        row.network_acl = row.network_acl.and_then(|id| ids.of(id));
        Some(row)
    });
}

fn keep_in_subnets(topology: &Topology, left: &mut Topology, ids: &mut Renumbered) {
    keep_all(
        &topology.network_interfaces,
        &mut left.network_interfaces,
        ids,
        |ids, mut row| {
            row.subnet = ids.of(row.subnet)?;
            row.security_groups = row.security_groups.iter().filter_map(|id| ids.of(*id)).collect();
            if let Attachment::Instance {
                instance,
                device_index,
            } = row.attachment
            {
                row.attachment = Attachment::Instance {
                    instance: ids.of(instance)?,
                    device_index,
                };
            }
            Some(row)
        },
    );
    keep_all(
        &topology.nat_gateways,
        &mut left.nat_gateways,
        ids,
        |ids, mut row| {
            row.subnet = ids.of(row.subnet)?;
            row.network_interface = row.network_interface.and_then(|id| ids.of(id));
            Some(row)
        },
    );
}

fn keep_blocks(topology: &Topology, left: &mut Topology, ids: &mut Renumbered) {
    keep_all(
        &topology.block_public_access,
        &mut left.block_public_access,
        ids,
        |ids, mut row| {
            row.exclusions.retain_mut(|exclusion| {
                let kept = match exclusion.excluded {
                    Excluded::Vpc(vpc) => ids.of(vpc).map(Excluded::Vpc),
                    Excluded::Subnet(subnet) => ids.of(subnet).map(Excluded::Subnet),
                };
                exclusion.excluded = kept.unwrap_or(exclusion.excluded);
                kept.is_some()
            });
            Some(row)
        },
    );
}

/// An instance without any interface, which AWS does not have.
fn bare_instance(topology: &Topology) -> Option<AnyId> {
    let attached = |id| {
        topology
            .network_interfaces
            .iter()
            .any(|(_, row)| matches!(row.attachment, Attachment::Instance { instance, .. } if instance == id))
    };
    topology
        .instances
        .ids()
        .find(|id| !attached(*id))
        .map(AnyId::from)
}

/// Whether AWS makes it with the VPC, so that it stays as long as the VPC does.
fn is_implied(topology: &Topology, any: AnyId) -> bool {
    let main = any.downcast().is_some_and(|id| topology.route_tables[id].main);
    let default_acl = any.downcast().is_some_and(|id| topology.network_acls[id].default);
    main || default_acl
}

fn resolve_references(left: &mut Topology, ids: &Renumbered) {
    for id in left.security_groups.ids() {
        let group = &mut left.security_groups[id];
        group.ingress.retain_mut(|rule| resolve_rule(rule, ids));
        group.egress.retain_mut(|rule| resolve_rule(rule, ids));
    }
    for id in left.route_tables.ids() {
        left.route_tables[id]
            .routes
            .retain_mut(|route| resolve_route(route, ids));
    }
}

fn resolve_rule(rule: &mut SecurityGroupRule, ids: &Renumbered) -> bool {
    let peer = match rule.peer.clone() {
        Peer::SecurityGroup(id) => ids.of(id).map(Peer::SecurityGroup),
        Peer::PrefixList(id) => ids.of(id).map(Peer::PrefixList),
        other => Some(other),
    };
    peer.map(|peer| rule.peer = peer).is_some()
}

fn resolve_route(route: &mut Route, ids: &Renumbered) -> bool {
    if let RouteDestination::PrefixList(id) = route.destination {
        match ids.of(id) {
            Some(id) => route.destination = RouteDestination::PrefixList(id),
            None => return false,
        }
    }
    if let RouteTarget::Resource(any) = route.target {
        match ids.of_any(any) {
            Some(any) => route.target = RouteTarget::Resource(any),
            None => return false,
        }
    }
    true
}

/// Which number each resource has in the smaller design.
struct Renumbered {
    gone: AnyId,
    pairs: Vec<(AnyId, AnyId)>,
}

impl Renumbered {
    fn of_any(&self, any: AnyId) -> Option<AnyId> {
        self.pairs
            .iter()
            .find(|(old, _)| *old == any)
            .map(|(_, new)| *new)
    }

    fn of<T: Resource>(&self, id: Id<T>) -> Option<Id<T>> {
        self.of_any(id.into()).map(AnyId::id)
    }
}

fn keep_all<T: Resource + Clone>(
    from: &Table<T>,
    to: &mut Table<T>,
    ids: &mut Renumbered,
    renumber: impl Fn(&Renumbered, T) -> Option<T>,
) {
    for (old, row) in from.iter() {
        if ids.gone == old.into() {
            continue;
        }
        if let Some(row) = renumber(ids, row.clone()) {
            let new = to.push(row);
            ids.pairs.push((old.into(), new.into()));
        }
    }
}

#[cfg(test)]
mod tests {
    use vpcsim_aws::devices::Vpc;

    use super::*;
    use crate::designs::{Sketch, route};

    fn two_vpcs() -> Sketch {
        let mut sketch = Sketch::new("two");
        for (name, cidr, subnet) in [
            ("a", "10.1.0.0/16", "10.1.1.0/24"),
            ("b", "10.2.0.0/16", "10.2.1.0/24"),
        ] {
            let vpc = sketch.vpc(name, &[cidr]);
            let igw = sketch.internet_gateway(vpc, &format!("igw-{name}"));
            let table = sketch.route_table(vpc, &format!("rt-{name}"), vec![route("0.0.0.0/0", igw)]);
            let subnet = sketch.subnet(vpc, &format!("s-{name}"), subnet, Some(table), None);
            let group = sketch.open_group(vpc, &format!("sg-{name}"));
            let address = if name == "a" { "10.1.1.5" } else { "10.2.1.5" };
            sketch.host(&format!("host-{name}"), subnet, address, &[group]);
        }
        sketch
    }

    #[test]
    fn what_stands_in_a_vpc_goes_with_it() {
        let sketch = two_vpcs();
        let left = without(&sketch.topology, Id::<Vpc>::from_index(0).into());
        assert_eq!(
            (left.vpcs.len(), left.subnets.len(), left.network_interfaces.len()),
            (1, 1, 1)
        );
        let group = left.network_interfaces[Id::from_index(0)].security_groups[0];
        assert_eq!(left.security_groups[group].label.name, "sg-b");
    }

    #[test]
    fn a_route_goes_with_its_target_and_others_follow_their_targets_new_number() {
        let sketch = two_vpcs();
        let igw = sketch
            .topology
            .internet_gateways
            .ids()
            .next()
            .expect("there are two");
        let left = without(&sketch.topology, igw.into());
        let routes = |name: &str| {
            let table = left.route_tables.iter().find(|(_, row)| row.label.name == name);
            table.expect("tables stay").1.routes.clone()
        };
        assert!(routes("rt-a").is_empty());
        assert_eq!(routes("rt-b").len(), 1);
        assert_eq!(
            routes("rt-b")[0].target,
            RouteTarget::Resource(Id::<vpcsim_aws::devices::InternetGateway>::from_index(0).into())
        );
    }

    #[test]
    fn shrinking_leaves_only_what_the_failure_needs() {
        let sketch = two_vpcs();
        let keep = ["host-b".to_owned()];
        let small = shrink(&sketch.topology, &keep, |left| {
            left.instances.iter().any(|(_, row)| row.label.name == "host-b")
        });
        let counts = (
            small.vpcs.len(),
            small.internet_gateways.len(),
            small.route_tables.len(),
        );
        assert_eq!(
            counts,
            (1, 0, 1),
            "the VPC of the host and its main table are left"
        );
    }
}
