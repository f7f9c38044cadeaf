//! What AWS makes by itself, so that a design need not say it.
//!
//! # AWS semantics
//!
//! - Ranges of VPCs and subnets, and destinations of routes, are stored without host bits (CIDR-02).
//! - Each VPC has a main route table; subnets without an association use it (RT-02).
//! - Each VPC has a default network ACL, which allows all as entry 100 both ways (NACL-02); subnets without an association use
//!   it (SUB-05).
//! - Each VPC has a default security group: everything in from itself, everything out (SG-03); an interface without a group
//!   is put into it (ENI-01).
//! - An interface endpoint and a managed host without a group are put into the default one (EP-11).
//! - A gateway endpoint has a route in each of its tables (EP-01).
//! - An interface without an address gets a free one of its subnet, never a reserved one (SUB-03, SUB-07).
//!
//! # Where AWS is silent
//!
//! - Free addresses are handed out in ascending order: first to the interfaces, then to the NAT gateways, as declared.
//! - An address of 0.0.0.0 counts as not given.
//! - A public NAT gateway without an Elastic IP, and a regional one without in a zone, get an address of the [`PublicAddressPool`].

mod defaults;
mod endpoints;
mod private_addresses;
mod public_pool;
mod regional_nat;

pub use private_addresses::RESERVED_FIRST;
pub use public_pool::PublicAddressPool;

use std::net::Ipv4Addr;

use private_addresses::PrivateAddresses;

use crate::devices::nat_gateway::{Connectivity, NatGatewayAddress, NatGatewayState};
use crate::devices::network_interface::InterfaceAddress;
use crate::devices::{NatGateway, NetworkAcl, RouteTable, Subnet};
use crate::model::Id;
use crate::topology::Topology;

impl Topology {
    /// Adds what AWS makes by itself. Doing it twice changes nothing more.
    pub fn complete(&mut self) {
        defaults::canonicalise(self);
        defaults::add_main_route_tables(self);
        defaults::add_default_network_acls(self);
        defaults::add_default_security_groups(self);
        defaults::join_default_security_groups(self);
        defaults::join_default_security_groups_of_services(self);
        endpoints::add_service_lists(self);
        endpoints::add_routes(self);
        let mut free = PrivateAddresses::new(self);
        address_interfaces(self, &mut free);
        address_nat_gateways(self, &mut free);
        regional_nat::address(self);
    }

    /// The route table that a subnet uses: the one it is associated with, else its VPC's main one (RT-02).
    pub fn route_table_of(&self, subnet: Id<Subnet>) -> Option<Id<RouteTable>> {
        let subnet = self.subnets.find(subnet)?;
        let explicit = subnet
            .route_table
            .filter(|id| self.route_tables.find(*id).is_some());
        explicit.or_else(|| {
            let mut tables = self.route_tables.iter();
            tables
                .find(|(_, table)| table.main && table.vpc == subnet.vpc)
                .map(|(id, _)| id)
        })
    }

    /// The network ACL that a subnet uses: the one it is associated with, else its VPC's default one (SUB-05).
    pub fn network_acl_of(&self, subnet: Id<Subnet>) -> Option<Id<NetworkAcl>> {
        let subnet = self.subnets.find(subnet)?;
        let explicit = subnet
            .network_acl
            .filter(|id| self.network_acls.find(*id).is_some());
        explicit.or_else(|| {
            let mut acls = self.network_acls.iter();
            acls.find(|(_, acl)| acl.default && acl.vpc == subnet.vpc)
                .map(|(id, _)| id)
        })
    }
}

fn address_interfaces(topology: &mut Topology, free: &mut PrivateAddresses) {
    for id in topology.network_interfaces.ids() {
        let interface = &topology.network_interfaces[id];
        let (subnet, origin) = (interface.subnet, interface.label.origin);
        let mut addresses = interface.addresses.clone();
        if addresses.is_empty() {
            addresses.push(InterfaceAddress {
                private: Ipv4Addr::UNSPECIFIED,
                public: None,
                origin,
            });
        }
        for address in &mut addresses {
            if address.private.is_unspecified()
                && let Some(found) = free.take(topology, subnet)
            {
                address.private = found;
            }
        }
        // A full subnet leaves an interface without the address; validation reports it.
        addresses.retain(|address| !address.private.is_unspecified());
        topology.network_interfaces[id].addresses = addresses;
    }
}

fn address_nat_gateways(topology: &mut Topology, free: &mut PrivateAddresses) {
    let mut pool = PublicAddressPool::new(topology);
    for id in topology.nat_gateways.ids() {
        let gateway = &topology.nat_gateways[id];
        if !matches!(
            gateway.state,
            NatGatewayState::Available | NatGatewayState::Pending
        ) {
            continue;
        }
        let mut addresses = gateway.addresses.clone();
        if addresses.is_empty() {
            addresses.push(NatGatewayAddress {
                private: Ipv4Addr::UNSPECIFIED,
                public: None,
            });
        }
        let public = gateway.connectivity == Connectivity::Public;
        for (index, address) in addresses.iter_mut().enumerate() {
            if address.private.is_unspecified() {
                let own = (index == 0).then(|| address_of_interface(topology, id)).flatten();
                let found = own.or_else(|| free.take(topology, topology.nat_gateways[id].subnet));
                address.private = found.unwrap_or(Ipv4Addr::UNSPECIFIED);
            }
            if index == 0 && public && address.public.is_none() {
                address.public = pool.take();
            }
        }
        addresses.retain(|address| !address.private.is_unspecified());
        topology.nat_gateways[id].addresses = addresses;
    }
}

/// The primary address of the interface that belongs to a NAT gateway.
fn address_of_interface(topology: &Topology, id: Id<NatGateway>) -> Option<Ipv4Addr> {
    let interface = topology.nat_gateways[id].network_interface?;
    let interface = topology.network_interfaces.find(interface)?;
    Some(interface.addresses.first()?.private)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::devices::network_interface::Attachment;
    use crate::devices::route_table::{Route, RouteDestination, RouteSource, RouteTarget};
    use crate::devices::security_group::Peer;
    use crate::model::{Label, Origin};
    use crate::services::fixture::{add_vpc_with_instance, interface, shop};
    use crate::traffic::Traffic;

    fn completed(mut topology: Topology) -> Topology {
        topology.complete();
        topology
    }

    fn nat_gateway(connectivity: Connectivity) -> NatGateway {
        NatGateway {
            label: Label::named("nat"),
            subnet: Id::from_index(0),
            connectivity,
            state: NatGatewayState::Available,
            addresses: Vec::new(),
            network_interface: None,
        }
    }

    /// `shop`, whose instance has no address of its own choice, with these reserved ones taken by others.
    fn with_open_address(taken: &[&str]) -> Topology {
        let mut topology = shop();
        topology.network_interfaces[Id::from_index(0)].addresses.clear();
        for address in taken {
            let mut other = interface(
                Id::from_index(0),
                Id::from_index(0),
                address.parse().unwrap(),
                None,
            );
            other.attachment = Attachment::None;
            topology.network_interfaces.push(other);
        }
        topology
    }

    fn first_address(topology: &Topology) -> Option<Ipv4Addr> {
        let interface = &topology.network_interfaces[Id::from_index(0)];
        interface.addresses.first().map(|address| address.private)
    }

    #[test]
    fn host_bits_of_ranges_and_destinations_are_cleared() {
        let mut topology = completed(shop());
        let net = |text: &str| -> ipnet::Ipv4Net { text.parse().unwrap() };
        topology.vpcs[Id::from_index(0)].cidrs[0].net = net("10.0.7.9/16");
        topology.subnets[Id::from_index(0)].cidr = net("10.0.1.77/24");
        topology.route_tables[Id::from_index(0)].routes.push(Route {
            destination: RouteDestination::Cidr(net("10.9.7.7/16")),
            target: RouteTarget::Local,
            source: RouteSource::Static,
            blackhole: false,
            origin: Origin::NOWHERE,
        });
        topology.complete();
        assert_eq!(
            topology.vpcs[Id::from_index(0)].cidrs[0].net.to_string(),
            "10.0.0.0/16"
        );
        assert_eq!(
            topology.subnets[Id::from_index(0)].cidr.to_string(),
            "10.0.1.0/24"
        );
        let route = &topology.route_tables[Id::from_index(0)].routes[0];
        assert_eq!(route.destination, RouteDestination::Cidr(net("10.9.0.0/16")));
    }

    #[test]
    fn each_vpc_gets_a_main_route_table_which_its_subnets_use() {
        let mut topology = shop();
        add_vpc_with_instance(&mut topology, "office", "10.1.0.0/16", "10.1.1.5", None);
        topology.complete();
        for (index, name) in ["shop main", "office main"].into_iter().enumerate() {
            let table = topology.route_table_of(Id::from_index(index)).unwrap();
            let table = &topology.route_tables[table];
            assert!(table.main && table.routes.is_empty());
            assert_eq!(
                (table.vpc, table.label.name.as_str()),
                (Id::from_index(index), name)
            );
        }
    }

    #[test]
    fn an_associated_table_or_acl_goes_before_the_main_or_default_one() {
        let mut topology = completed(shop());
        let table = topology.route_tables.push(RouteTable {
            main: false,
            ..topology.route_tables[Id::from_index(0)].clone()
        });
        let acl = topology.network_acls.push(NetworkAcl {
            default: false,
            ..topology.network_acls[Id::from_index(0)].clone()
        });
        let subnet = Id::from_index(0);
        assert_ne!(topology.route_table_of(subnet), Some(table));
        assert_ne!(topology.network_acl_of(subnet), Some(acl));
        topology.subnets[subnet].route_table = Some(table);
        topology.subnets[subnet].network_acl = Some(acl);
        assert_eq!(topology.route_table_of(subnet), Some(table));
        assert_eq!(topology.network_acl_of(subnet), Some(acl));
    }

    #[test]
    fn a_vpc_with_one_of_its_own_gets_no_second() {
        let once = completed(shop());
        let twice = completed(once.clone());
        assert_eq!(twice.route_tables.len(), 1);
        assert_eq!(twice.network_acls.len(), 1);
        assert_eq!(twice.security_groups.len(), 1);
        assert_eq!(format!("{once:?}"), format!("{twice:?}"));
    }

    #[test]
    fn the_default_network_acl_allows_all_as_entry_100_both_ways() {
        let topology = completed(shop());
        let acl = &topology.network_acls[topology.network_acl_of(Id::from_index(0)).unwrap()];
        for entries in [&acl.ingress, &acl.egress] {
            let [entry] = entries.as_slice() else {
                panic!("one entry")
            };
            assert!(entry.allow && entry.number == 100 && entry.traffic == Traffic::All);
            assert_eq!(entry.cidr.prefix_len(), 0);
        }
    }

    #[test]
    fn the_default_security_group_lets_in_itself_and_out_all() {
        let topology = completed(shop());
        let (id, group) = topology.security_groups.iter().next().unwrap();
        assert_eq!(group.label.name, "default");
        assert_eq!(group.ingress[0].peer, Peer::SecurityGroup(id));
        assert_eq!(group.egress[0].peer, Peer::Cidr("0.0.0.0/0".parse().unwrap()));
        assert_eq!(
            topology.network_interfaces[Id::from_index(0)].security_groups,
            vec![id]
        );
    }

    #[test]
    fn a_services_interface_is_not_put_into_the_default_group() {
        let mut topology = shop();
        topology.network_interfaces[Id::from_index(0)].attachment = Attachment::Managed;
        let topology = completed(topology);
        assert!(
            topology.network_interfaces[Id::from_index(0)]
                .security_groups
                .is_empty()
        );
    }

    #[test]
    fn a_name_that_is_taken_is_numbered() {
        let mut topology = completed(shop());
        topology.route_tables[Id::from_index(0)].main = false;
        let topology = completed(topology);
        assert_eq!(topology.route_tables[Id::from_index(1)].label.name, "main 2");
    }

    #[test]
    fn an_interface_without_address_gets_the_lowest_free_one_from_base_plus_4() {
        assert_eq!(
            first_address(&completed(with_open_address(&[]))),
            Some([10, 0, 1, 4].into())
        );
        let around = completed(with_open_address(&["10.0.1.4", "10.0.1.5"]));
        assert_eq!(first_address(&around), Some([10, 0, 1, 6].into()));
    }

    #[test]
    fn an_address_of_zero_counts_as_not_given() {
        let mut topology = shop();
        topology.network_interfaces[Id::from_index(0)].addresses[0].private = Ipv4Addr::UNSPECIFIED;
        let topology = completed(topology);
        assert_eq!(first_address(&topology), Some([10, 0, 1, 4].into()));
        let address = topology.network_interfaces[Id::from_index(0)].addresses[0];
        assert_eq!(address.public, Some([203, 0, 113, 5].into()));
    }

    #[test]
    fn addresses_of_delegated_prefixes_are_not_free() {
        let mut topology = with_open_address(&["10.0.1.200"]);
        topology.network_interfaces[Id::from_index(1)].prefixes = vec!["10.0.1.0/28".parse().unwrap()];
        assert_eq!(first_address(&completed(topology)), Some([10, 0, 1, 16].into()));
    }

    #[test]
    fn a_full_subnet_gives_all_but_one_of_eleven_and_then_none() {
        let mut topology = with_open_address(&[]);
        topology.subnets[Id::from_index(0)].cidr = "10.0.1.0/28".parse().unwrap();
        let open = topology.network_interfaces[Id::from_index(0)].clone();
        for _ in 0..11 {
            topology.network_interfaces.push(open.clone());
        }
        let topology = completed(topology);
        let last = Id::from_index(10);
        assert_eq!(
            topology.network_interfaces[last].addresses[0].private,
            Ipv4Addr::new(10, 0, 1, 14)
        );
        assert!(
            topology.network_interfaces[Id::from_index(11)]
                .addresses
                .is_empty()
        );
    }

    #[test]
    fn nat_gateways_are_addressed_after_the_interfaces() {
        let mut topology = with_open_address(&[]);
        topology.nat_gateways.push(nat_gateway(Connectivity::Public));
        topology.nat_gateways.push(nat_gateway(Connectivity::Private));
        let topology = completed(topology);
        let address = |index| topology.nat_gateways[Id::from_index(index)].addresses[0];
        assert_eq!(address(0).private, Ipv4Addr::new(10, 0, 1, 5));
        assert_eq!(address(0).public, Some([203, 0, 113, 1].into()));
        assert_eq!(
            (address(1).private, address(1).public),
            ([10, 0, 1, 6].into(), None)
        );
    }

    #[test]
    fn a_nat_gateway_with_an_interface_has_its_address() {
        let mut topology = shop();
        let mut gateway = nat_gateway(Connectivity::Private);
        gateway.network_interface = Some(Id::from_index(0));
        topology.nat_gateways.push(gateway);
        let topology = completed(topology);
        let gateway = &topology.nat_gateways[Id::from_index(0)];
        assert_eq!(gateway.addresses[0].private, Ipv4Addr::new(10, 0, 1, 5));
    }

    #[test]
    fn a_deleted_nat_gateway_takes_no_address() {
        let mut topology = shop();
        let mut gateway = nat_gateway(Connectivity::Public);
        gateway.state = NatGatewayState::Deleted;
        topology.nat_gateways.push(gateway);
        let topology = completed(topology);
        assert!(topology.nat_gateways[Id::from_index(0)].addresses.is_empty());
    }
}
