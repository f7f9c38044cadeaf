//! The order of resources: VPC by VPC, interfaces with their instances, as the native format writes them.
//!
//! Numbers of resources show in MAC addresses and in the order of equal events. With one order for every input, a
//! design and its conversion behave the same to the last byte.

use vpcsim_aws::devices::network_interface::Attachment;
use vpcsim_aws::devices::route_table::{Route, RouteTarget};
use vpcsim_aws::devices::security_group::Peer;
use vpcsim_aws::devices::{
    Instance, InternetGateway, NatGateway, NetworkAcl, NetworkInterface, RouteTable, SecurityGroup, Subnet,
    Vpc,
};
use vpcsim_aws::{AnyId, Id, Kind, Table, Topology};

/// Puts the resources into their order; equal ones keep the order of the input.
pub(crate) fn arrange(topology: Topology) -> Topology {
    let orders = Orders::of(&topology);
    let mut arranged = topology;
    orders.subnets.apply(&mut arranged.subnets);
    orders.route_tables.apply(&mut arranged.route_tables);
    orders.network_acls.apply(&mut arranged.network_acls);
    orders.security_groups.apply(&mut arranged.security_groups);
    orders.instances.apply(&mut arranged.instances);
    orders.network_interfaces.apply(&mut arranged.network_interfaces);
    orders.internet_gateways.apply(&mut arranged.internet_gateways);
    orders.nat_gateways.apply(&mut arranged.nat_gateways);
    orders.renumber(&mut arranged);
    arranged
}

/// The new order of a table.
struct Order<T> {
    /// The old ids in the new order.
    old: Vec<Id<T>>,
    /// The new id of each old one.
    new: Vec<Id<T>>,
}

impl<T: Clone> Order<T> {
    fn by<K: Ord>(table: &Table<T>, mut key: impl FnMut(Id<T>, &T) -> K) -> Self {
        let mut old: Vec<Id<T>> = table.ids().collect();
        old.sort_by_cached_key(|id| key(*id, &table[*id]));
        let mut new = old.clone();
        for (place, id) in old.iter().enumerate() {
            new[id.index()] = Id::from_index(place);
        }
        Self { old, new }
    }

    fn apply(&self, table: &mut Table<T>) {
        if self.old.is_sorted() {
            return;
        }
        let mut arranged = Table::default();
        for id in &self.old {
            arranged.push(table[*id].clone());
        }
        *table = arranged;
    }

    fn renumber(&self, id: &mut Id<T>) {
        if let Some(new) = self.new.get(id.index()) {
            *id = *new;
        }
    }
}

struct Orders {
    subnets: Order<Subnet>,
    route_tables: Order<RouteTable>,
    network_acls: Order<NetworkAcl>,
    security_groups: Order<SecurityGroup>,
    instances: Order<Instance>,
    network_interfaces: Order<NetworkInterface>,
    internet_gateways: Order<InternetGateway>,
    nat_gateways: Order<NatGateway>,
}

/// Behind everything that is in a VPC.
const NO_VPC: usize = usize::MAX;

impl Orders {
    fn of(topology: &Topology) -> Self {
        let vpc_of = |subnet: Id<Subnet>| topology.subnets[subnet].vpc.index();
        let vpc_of_instance = vpcs_of_instances(topology);
        let instances = Order::by(&topology.instances, |id, _| vpc_of_instance[id.index()]);
        let network_interfaces = Order::by(&topology.network_interfaces, |_, row| match row.attachment {
            Attachment::Instance {
                instance,
                device_index,
            } => {
                let vpc = vpc_of_instance[instance.index()];
                (vpc, false, instances.new[instance.index()].index(), device_index)
            }
            _ => (vpc_of(row.subnet), true, 0, 0),
        });
        Self {
            subnets: Order::by(&topology.subnets, |_, row| row.vpc),
            route_tables: Order::by(&topology.route_tables, |_, row| row.vpc),
            network_acls: Order::by(&topology.network_acls, |_, row| row.vpc),
            security_groups: Order::by(&topology.security_groups, |_, row| row.vpc),
            internet_gateways: Order::by(&topology.internet_gateways, |_, row| {
                row.vpc.map_or(NO_VPC, Id::<Vpc>::index)
            }),
            nat_gateways: Order::by(&topology.nat_gateways, |_, row| vpc_of(row.subnet)),
            instances,
            network_interfaces,
        }
    }

    fn renumber(&self, topology: &mut Topology) {
        for id in topology.subnets.ids() {
            let row = &mut topology.subnets[id];
            row.route_table
                .iter_mut()
                .for_each(|id| self.route_tables.renumber(id));
            row.network_acl
                .iter_mut()
                .for_each(|id| self.network_acls.renumber(id));
        }
        for id in topology.route_tables.ids() {
            topology.route_tables[id]
                .routes
                .iter_mut()
                .for_each(|route| self.renumber_route(route));
        }
        for id in topology.security_groups.ids() {
            let row = &mut topology.security_groups[id];
            for rule in row.ingress.iter_mut().chain(&mut row.egress) {
                if let Peer::SecurityGroup(group) = &mut rule.peer {
                    self.security_groups.renumber(group);
                }
            }
        }
        for id in topology.network_interfaces.ids() {
            let row = &mut topology.network_interfaces[id];
            self.subnets.renumber(&mut row.subnet);
            row.security_groups
                .iter_mut()
                .for_each(|id| self.security_groups.renumber(id));
            if let Attachment::Instance { instance, .. } = &mut row.attachment {
                self.instances.renumber(instance);
            }
        }
        for id in topology.nat_gateways.ids() {
            let row = &mut topology.nat_gateways[id];
            self.subnets.renumber(&mut row.subnet);
            row.network_interface
                .iter_mut()
                .for_each(|id| self.network_interfaces.renumber(id));
        }
    }

    fn renumber_route(&self, route: &mut Route) {
        let RouteTarget::Resource(target) = &mut route.target else {
            return;
        };
        *target = match target.kind {
            Kind::InternetGateway => renumbered(&self.internet_gateways, *target),
            Kind::NatGateway => renumbered(&self.nat_gateways, *target),
            Kind::Instance => renumbered(&self.instances, *target),
            Kind::NetworkInterface => renumbered(&self.network_interfaces, *target),
            // The others keep the order of the input, or are no targets.
            _ => *target,
        };
    }
}

fn renumbered<T: Clone + vpcsim_aws::Resource>(order: &Order<T>, any: AnyId) -> AnyId {
    let mut id = any.id();
    order.renumber(&mut id);
    id.into()
}

/// For each instance the VPC of its primary interface.
pub(crate) fn vpcs_of_instances(topology: &Topology) -> Vec<usize> {
    let mut primary = vec![(u16::MAX, NO_VPC); topology.instances.len()];
    for (_, row) in topology.network_interfaces.iter() {
        if let Attachment::Instance {
            instance,
            device_index,
        } = row.attachment
        {
            let own = (device_index, topology.subnets[row.subnet].vpc.index());
            let best = &mut primary[instance.index()];
            if best.1 == NO_VPC || own.0 < best.0 {
                *best = own;
            }
        }
    }
    primary.into_iter().map(|(_, vpc)| vpc).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Source, read};

    #[test]
    fn interfaces_stand_vpc_by_vpc_with_their_instances() {
        let yaml = "
vpcs:
  a:
    cidr: 10.0.0.0/16
    subnets: { s: { cidr: 10.0.1.0/24 } }
    route_tables: { r: { 10.9.0.0/16: x } }
    network_interfaces: { x: { subnet: s } }
    instances:
      one: { interfaces: [{ subnet: s, device_index: 1 }, { subnet: s, device_index: 0 }] }
  b:
    cidr: 10.1.0.0/16
    subnets: { s: { cidr: 10.1.1.0/24 } }
    instances: { two: { subnet: s } }
";
        let design = read(vec![Source {
            name: String::new(),
            bytes: yaml.into(),
        }]);
        assert!(!design.findings.has_errors(), "{:?}", design.findings);
        let topology = design.topology;
        let names: Vec<&str> = topology
            .network_interfaces
            .iter()
            .map(|(_, row)| row.label.name.as_str())
            .collect();
        assert_eq!(names, ["one", "one-eth1", "x", "two"]);
        let (_, table) = topology.route_tables.iter().next().expect("one table");
        let RouteTarget::Resource(target) = &table.routes[0].target else {
            panic!("a resource")
        };
        assert_eq!(target.index, 2);
    }
}
