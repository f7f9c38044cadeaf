//! VPCs, subnets, route tables, NAT gateways.

use vpcsim_aws::devices::nat_gateway::{Connectivity, NatGatewayAddress, NatGatewayState};
use vpcsim_aws::devices::route_table::{Route, RouteDestination, RouteSource, RouteTarget};
use vpcsim_aws::devices::{NatGateway, RegionalNatGateway, RouteTable, Subnet, Vpc};
use vpcsim_aws::{AnyId, Id, Resource, Table};

use super::Writer;
use super::design::{put, put_block, put_flag, put_label};
use super::yaml::{Map, Yaml};
use crate::native::nat_gateway::STATES;

impl Writer<'_> {
    /// A VPC with everything in it.
    pub(super) fn vpc(&self, id: Id<Vpc>) -> (String, Yaml) {
        let row = &self.topology.vpcs[id];
        let mut map = Map::new();
        put(&mut map, "cidr", cidrs(row));
        if row.region != self.topology.region {
            put(&mut map, "region", Yaml::text(&row.region));
        }
        if !row.account.is_empty() {
            put(&mut map, "account", Yaml::text(&row.account));
        }
        put_flag(&mut map, "dns_support", row.dns_support, true);
        put_flag(&mut map, "dns_hostnames", row.dns_hostnames, false);
        if let Some(options) = row.dhcp_options {
            put(
                &mut map,
                "dhcp_options",
                Yaml::text(self.references.name(None, options)),
            );
        }
        put_flag(&mut map, "default", row.is_default, false);
        self.put_internet_gateway(id, &mut map);
        self.put_defaults(id, &mut map);
        put_label(&mut map, &row.label);
        put_block(&mut map, "subnets", self.subnets(id));
        put_block(&mut map, "route_tables", self.route_tables(id));
        put_block(&mut map, "nat_gateways", self.nat_gateways(id));
        put_block(&mut map, "regional_nat_gateways", self.regional_nat_gateways(id));
        put_block(&mut map, "network_acls", self.network_acls(id));
        put_block(&mut map, "security_groups", self.security_groups(id));
        put_block(&mut map, "instances", self.instances(Some(id)));
        put_block(&mut map, "network_interfaces", self.network_interfaces(id));
        put_block(&mut map, "target_groups", self.target_groups(id));
        put_block(&mut map, "load_balancers", self.load_balancers(id));
        put_block(&mut map, "vpc_endpoints", self.vpc_endpoints(id));
        put_block(&mut map, "managed_hosts", self.managed_hosts(id));
        (row.label.name.clone(), Yaml::Block(map))
    }

    fn put_internet_gateway(&self, vpc: Id<Vpc>, map: &mut Map) {
        let gateways = self
            .topology
            .internet_gateways
            .iter()
            .filter(|(_, row)| row.vpc == Some(vpc));
        let mut written: Vec<Yaml> = gateways
            .map(|(_, row)| {
                if row.label.id.is_none() && row.label.tags.is_empty() && row.route_table.is_none() {
                    return Yaml::text(&row.label.name);
                }
                let mut map = vec![("name".to_owned(), Yaml::text(&row.label.name))];
                if let Some(table) = row.route_table {
                    let name = self.references.name(Some(vpc), table);
                    put(&mut map, "route_table", Yaml::text(name));
                }
                put_label(&mut map, &row.label);
                Yaml::Map(map)
            })
            .collect();
        match written.len() {
            0 => {}
            1 => put(map, "internet_gateway", written.remove(0)),
            _ => put(map, "internet_gateway", Yaml::List(written)),
        }
    }

    /// What is main or default, where reading would not find it out.
    fn put_defaults(&self, vpc: Id<Vpc>, map: &mut Map) {
        let topology = self.topology;
        let tables = topology
            .route_tables
            .iter()
            .filter(|(_, row)| row.vpc == vpc && row.main);
        let acls = topology
            .network_acls
            .iter()
            .filter(|(_, row)| row.vpc == vpc && row.default);
        let groups = topology
            .security_groups
            .iter()
            .filter(|(_, row)| row.vpc == vpc && row.default);
        let named = |any: AnyId| !self.implied.contains(&any);
        let mut name = |key, any: Option<AnyId>| {
            let label = any.filter(|any| named(*any)).and_then(|any| topology.label(any));
            if let Some(label) = label {
                put(map, key, Yaml::text(&label.name));
            }
        };
        name("main_route_table", tables.map(|(id, _)| id.into()).next());
        name("default_network_acl", acls.map(|(id, _)| id.into()).next());
        let group: Option<AnyId> = groups.map(|(id, _)| id.into()).next();
        let by_its_name = group
            .and_then(|any| topology.label(any))
            .is_some_and(|label| label.name == "default");
        name("default_security_group", group.filter(|_| !by_its_name));
    }

    /// The rows of a table that are in a VPC and not implied, each under its name.
    pub(super) fn rows<T: Resource>(
        &self,
        table: &Table<T>,
        inside: impl Fn(&T) -> bool,
        write: impl Fn(&T) -> Yaml,
    ) -> Map {
        let written = |id: Id<T>| !self.implied.contains(&id.into());
        let rows = table.iter().filter(|(id, row)| inside(row) && written(*id));
        rows.map(|(_, row)| (row.label().name.clone(), write(row)))
            .collect()
    }

    fn subnets(&self, vpc: Id<Vpc>) -> Map {
        self.rows(
            &self.topology.subnets,
            |row| row.vpc == vpc,
            |row| self.subnet(row),
        )
    }

    fn subnet(&self, row: &Subnet) -> Yaml {
        let mut map = Map::new();
        let region = &self.topology.vpcs[row.vpc].region;
        let letter = row.availability_zone.strip_prefix(region.as_str());
        let letter =
            letter.filter(|rest| rest.len() == 1 && rest.bytes().all(|byte| byte.is_ascii_lowercase()));
        put(
            &mut map,
            "az",
            Yaml::text(letter.unwrap_or(&row.availability_zone)),
        );
        if let Some(id) = &row.availability_zone_id {
            put(&mut map, "az_id", Yaml::text(id));
        }
        put(&mut map, "cidr", Yaml::plain(row.cidr));
        if !row.shared_with.is_empty() {
            put(&mut map, "shared_with", Yaml::texts(&row.shared_with));
        }
        let vpc = Some(row.vpc);
        if let Some(table) = row.route_table {
            put(
                &mut map,
                "route_table",
                Yaml::text(self.references.name(vpc, table)),
            );
        }
        if let Some(acl) = row.network_acl {
            put(
                &mut map,
                "network_acl",
                Yaml::text(self.references.name(vpc, acl)),
            );
        }
        put_flag(&mut map, "map_public_ip", row.map_public_ip_on_launch, false);
        put_label(&mut map, &row.label);
        Yaml::Map(map)
    }

    fn route_tables(&self, vpc: Id<Vpc>) -> Map {
        self.rows(
            &self.topology.route_tables,
            |row| row.vpc == vpc,
            |row| self.route_table(row),
        )
    }

    /// Routes stand under their destinations, unless one destination has two of them.
    fn route_table(&self, row: &RouteTable) -> Yaml {
        let mut map = Map::new();
        let mut destinations = Vec::new();
        for route in &row.routes {
            let destination = self.destination(row.vpc, route);
            map.push((destination.clone(), self.target(row.vpc, route)));
            destinations.push(destination);
        }
        destinations.sort();
        let repeated = destinations.windows(2).any(|pair| pair[0] == pair[1]);
        if repeated {
            let routes = map.drain(..).map(|(destination, target)| {
                let mut route = vec![("destination".to_owned(), Yaml::text(destination))];
                match target {
                    Yaml::Map(parts) => route.extend(parts),
                    name => route.push(("target".to_owned(), name)),
                }
                Yaml::Map(route)
            });
            let routes = routes.collect();
            put(&mut map, "routes", Yaml::List(routes));
        }
        put_label(&mut map, &row.label);
        Yaml::Map(map)
    }

    fn destination(&self, vpc: Id<Vpc>, route: &Route) -> String {
        match route.destination {
            RouteDestination::Cidr(net) => net.to_string(),
            RouteDestination::PrefixList(list) => format!("pl:{}", self.references.name(Some(vpc), list)),
        }
    }

    fn target(&self, vpc: Id<Vpc>, route: &Route) -> Yaml {
        let mut map = Map::new();
        match &route.target {
            RouteTarget::Local => put(&mut map, "target", Yaml::text("local")),
            RouteTarget::Resource(any) => {
                put(&mut map, "target", Yaml::text(self.references.target(vpc, *any)));
            }
            RouteTarget::Unmodelled(noun, id) => {
                put(&mut map, "unmodelled", Yaml::text(noun));
                if !id.is_empty() {
                    put(&mut map, "target_id", Yaml::text(id));
                }
            }
            RouteTarget::Missing(id) if id == "blackhole" => put(&mut map, "target", Yaml::text("blackhole")),
            RouteTarget::Missing(id) => put(&mut map, "missing", Yaml::text(id)),
        }
        put_flag(
            &mut map,
            "propagated",
            route.source == RouteSource::Propagated,
            false,
        );
        let by_its_name = matches!(&route.target, RouteTarget::Missing(id) if id == "blackhole");
        put_flag(&mut map, "blackhole", route.blackhole, by_its_name);
        match (map.len(), map.first()) {
            (1, Some((key, target))) if key == "target" => target.clone(),
            _ => Yaml::Map(map),
        }
    }

    fn regional_nat_gateways(&self, vpc: Id<Vpc>) -> Map {
        let inside = |row: &RegionalNatGateway| row.vpc == vpc;
        self.rows(&self.topology.regional_nat_gateways, inside, |row| {
            self.regional_nat_gateway(row)
        })
    }

    fn regional_nat_gateway(&self, row: &RegionalNatGateway) -> Yaml {
        let mut map = Map::new();
        if !row.zones.is_empty() {
            let zones = row.zones.iter().map(|zone| {
                let addresses = Yaml::texts(zone.addresses.iter().map(ToString::to_string));
                (zone.availability_zone.clone(), addresses)
            });
            put(&mut map, "zones", Yaml::Map(zones.collect()));
        }
        put_flag(&mut map, "expands", row.expands, row.zones.is_empty());
        if let Some(table) = row.route_table {
            put(
                &mut map,
                "route_table",
                Yaml::text(self.references.name(Some(row.vpc), table)),
            );
        }
        put_nat_state(&mut map, row.state);
        put_label(&mut map, &row.label);
        Yaml::Map(map)
    }

    fn nat_gateways(&self, vpc: Id<Vpc>) -> Map {
        let inside = |row: &NatGateway| self.topology.subnets[row.subnet].vpc == vpc;
        self.rows(&self.topology.nat_gateways, inside, |row| {
            self.nat_gateway(vpc, row)
        })
    }

    fn nat_gateway(&self, vpc: Id<Vpc>, row: &NatGateway) -> Yaml {
        let mut map = Map::new();
        put(
            &mut map,
            "subnet",
            Yaml::text(self.references.name(Some(vpc), row.subnet)),
        );
        if row.connectivity == Connectivity::Private {
            put(&mut map, "type", Yaml::text("private"));
        }
        put_nat_addresses(&mut map, row);
        put_nat_state(&mut map, row.state);
        if let Some(interface) = row.network_interface {
            put(
                &mut map,
                "interface",
                Yaml::text(self.references.name(Some(vpc), interface)),
            );
        }
        put_label(&mut map, &row.label);
        Yaml::Map(map)
    }
}

/// A public gateway without a public address has to say so, or reading would give it one.
fn put_nat_addresses(map: &mut Map, row: &NatGateway) {
    if let [NatGatewayAddress { private, public }] = row.addresses[..] {
        put(map, "address", Yaml::plain(private));
        if let Some(public) = public {
            put(map, "public_ip", Yaml::plain(public));
        } else if row.connectivity == Connectivity::Public {
            put(map, "public_ip", Yaml::List(Vec::new()));
        }
        return;
    }
    put(
        map,
        "addresses",
        Yaml::List(row.addresses.iter().map(nat_address).collect()),
    );
    if row.addresses.first().is_some_and(|first| first.public.is_none()) {
        put(map, "public_ips", Yaml::List(Vec::new()));
    }
}

fn nat_address(address: &NatGatewayAddress) -> Yaml {
    let mut map = vec![("address".to_owned(), Yaml::plain(address.private))];
    address
        .public
        .into_iter()
        .for_each(|public| put(&mut map, "public_ip", Yaml::plain(public)));
    Yaml::Map(map)
}

fn cidrs(row: &Vpc) -> Yaml {
    let mut cidrs: Vec<Yaml> = Vec::new();
    for cidr in &row.cidrs {
        cidrs.push(if cidr.associated {
            Yaml::plain(cidr.net)
        } else {
            Yaml::Map(vec![
                ("cidr".to_owned(), Yaml::plain(cidr.net)),
                ("associated".to_owned(), Yaml::plain(false)),
            ])
        });
    }
    if cidrs.len() == 1 {
        cidrs.remove(0)
    } else {
        Yaml::List(cidrs)
    }
}

fn put_nat_state(map: &mut Map, state: NatGatewayState) {
    let is_told = |(word, known): &&(&str, NatGatewayState)| *known == state && *word != "available";
    if let Some((word, _)) = STATES.iter().find(is_told) {
        put(map, "state", Yaml::text(*word));
    }
}
