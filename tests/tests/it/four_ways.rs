//! One network, four ways: written by hand in the native format, as a CloudFormation template, as a Terraform plan, and as AWS
//! would describe it. All four have to mean the same network, and every flow in it the same answer.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde_json::{Value, json};
use vpcsim_analysis::{FlowQuery, Options, Simulation};
use vpcsim_aws::devices::network_interface::Attachment;
use vpcsim_aws::devices::route_table::{Route, RouteDestination, RouteTarget};
use vpcsim_aws::devices::security_group::{Peer, SecurityGroupRule};
use vpcsim_aws::devices::target_group::TargetAddress;
use vpcsim_aws::devices::transit_gateway_attachment::AttachmentEnd;
use vpcsim_aws::devices::transit_gateway_route_table::TransitTarget;
use vpcsim_aws::devices::{NetworkInterface, RouteTable, SecurityGroup, TransitGatewayAttachment, Vpc};
use vpcsim_aws::{AnyId, Id, Kind, Topology};
use vpcsim_import::{Source, read};

fn designs() -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("four-ways");
    let mut folders: Vec<PathBuf> = std::fs::read_dir(root)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.join("native.yaml").is_file())
        .collect();
    folders.sort();
    folders
}

/// The files of a design, each a way to write it.
fn ways(folder: &Path) -> Vec<(String, Topology)> {
    let names = [
        "native.yaml",
        "template.yaml",
        "template.json",
        "plan.json",
        "describe.json",
    ];
    let present = names
        .iter()
        .map(|name| folder.join(name))
        .filter(|path| path.is_file());
    let read_one = |path: PathBuf| {
        let name = format!(
            "{}/{}",
            folder.file_name().unwrap().to_string_lossy(),
            path.file_name().unwrap().to_string_lossy()
        );
        let bytes = std::fs::read(&path).unwrap();
        let design = read(vec![Source {
            name: name.clone(),
            bytes,
        }]);
        let findings: Vec<String> = design
            .findings
            .iter()
            .map(|finding| format!("{:?} {}: {}", finding.severity, finding.code, finding.message))
            .collect();
        assert!(!design.findings.has_errors(), "{name}: {findings:#?}");
        assert_eq!(design.topology.unread, [], "{name}");
        (name, design.topology)
    };
    present.map(read_one).collect()
}

/// A topology in words that name nothing by what its author calls it, but by what it is.
struct Facts<'t>(&'t Topology);

impl Facts<'_> {
    fn all(&self) -> BTreeSet<String> {
        let mut facts = BTreeSet::new();
        for (id, vpc) in self.0.vpcs.iter() {
            let ranges: Vec<String> = vpc.cidrs.iter().map(|cidr| cidr.net.to_string()).collect();
            let dns = (vpc.dns_support, vpc.dns_hostnames);
            facts.insert(format!("vpc {} dns {dns:?}", ranges.join("+")));
            facts.insert(format!("main table of {}: {}", self.vpc(id), self.main_table(id)));
        }
        for (id, subnet) in self.0.subnets.iter() {
            let table = self.0.route_table_of(id).unwrap();
            let acl = &self.0.network_acls[self.0.network_acl_of(id).unwrap()];
            let side = |entries: &[vpcsim_aws::devices::network_acl::NetworkAclEntry]| {
                let mut rows: Vec<String> = entries
                    .iter()
                    .map(|entry| {
                        format!(
                            "{} {} {} {}",
                            entry.number, entry.allow, entry.traffic, entry.cidr
                        )
                    })
                    .collect();
                rows.sort();
                rows.join(", ")
            };
            let (ingress, egress) = (side(&acl.ingress), side(&acl.egress));
            facts.insert(format!(
                "subnet {} of {} in {} public {} routes [{}] acl [{ingress} | {egress}]",
                subnet.cidr,
                self.vpc(subnet.vpc),
                subnet.availability_zone,
                subnet.map_public_ip_on_launch,
                self.routes(table)
            ));
        }
        self.interfaces(&mut facts);
        self.gateways(&mut facts);
        facts
    }

    fn interfaces(&self, facts: &mut BTreeSet<String>) {
        // A dump knows the interfaces of NAT gateways; the simulator does without.
        let of_gateways: Vec<_> = self
            .0
            .nat_gateways
            .iter()
            .filter_map(|(_, row)| row.network_interface)
            .collect();
        let is_own = |id: &Id<NetworkInterface>| !of_gateways.contains(id);
        for (_, interface) in self.0.network_interfaces.iter().filter(|(id, _)| is_own(id)) {
            let addresses: Vec<String> = interface
                .addresses
                .iter()
                .map(|address| {
                    format!(
                        "{}{}",
                        address.private,
                        if address.public.is_some() { "+public" } else { "" }
                    )
                })
                .collect();
            let groups: BTreeSet<String> = interface
                .security_groups
                .iter()
                .map(|id| self.group(*id))
                .collect();
            facts.insert(format!(
                "interface {} check {} groups {groups:?}",
                addresses.join(","),
                interface.source_dest_check
            ));
        }
        // Who is on the internet only a native design can say.
        for kind in Kind::ALL.iter().filter(|kind| **kind != Kind::InternetHost) {
            let count = (0..)
                .map_while(|index| self.0.label(AnyId { kind: *kind, index }))
                .count();
            let hidden = if *kind == Kind::NetworkInterface {
                of_gateways.len()
            } else {
                0
            };
            facts.insert(format!("{kind:?}: {}", count - hidden));
        }
    }

    fn gateways(&self, facts: &mut BTreeSet<String>) {
        for (_, gateway) in self.0.nat_gateways.iter() {
            let subnet = self.0.subnets[gateway.subnet].cidr;
            facts.insert(format!("nat gateway in {subnet} {:?}", gateway.connectivity));
        }
        for (_, peering) in self.0.peering_connections.iter() {
            facts.insert(format!("peering {}", self.peering(peering)));
        }
        for (_, table) in self.0.transit_gateway_route_tables.iter() {
            let ends = |ids: &[Id<TransitGatewayAttachment>]| {
                let ends: BTreeSet<String> = ids.iter().map(|id| self.attachment(*id)).collect();
                format!("{ends:?}")
            };
            let routes: BTreeSet<String> = table
                .routes
                .iter()
                .map(|route| {
                    let target = match &route.target {
                        TransitTarget::Attachment(id) => self.attachment(*id),
                        other => format!("{other:?}"),
                    };
                    format!("{:?} -> {target}", self.destination(route.destination))
                })
                .collect();
            facts.insert(format!(
                "transit table of {} from {} with {routes:?}",
                ends(&table.associations),
                ends(&table.propagations)
            ));
        }
        for (_, endpoint) in self.0.vpc_endpoints.iter() {
            facts.insert(format!(
                "endpoint of {} to {:?}",
                self.vpc(endpoint.vpc),
                endpoint.aws_service()
            ));
        }
        for (_, group) in self.0.target_groups.iter() {
            let mut targets: Vec<String> = group
                .targets
                .iter()
                .map(|target| format!("{:?}:{:?}", target.to, target.port))
                .collect();
            targets.sort();
            facts.insert(format!(
                "target group {} {:?} {:?} {} check {:?}",
                group.port,
                group.protocol,
                group.target_type,
                targets.len(),
                group.health_check
            ));
        }
        for (_, balancer) in self.0.load_balancers.iter() {
            let listeners: BTreeSet<String> = balancer
                .listeners
                .iter()
                .map(|listener| format!("{:?} {}", listener.protocol, listener.port))
                .collect();
            facts.insert(format!(
                "load balancer {:?} nodes {} cross zone {} listeners {listeners:?}",
                balancer.scheme,
                balancer.nodes.len(),
                balancer.cross_zone
            ));
        }
    }

    fn vpc(&self, id: Id<Vpc>) -> String {
        self.0.vpcs[id]
            .cidrs
            .first()
            .map_or_else(String::new, |cidr| cidr.net.to_string())
    }

    fn main_table(&self, vpc: Id<Vpc>) -> String {
        let mut tables = self.0.route_tables.iter();
        let main = tables.find(|(_, table)| table.vpc == vpc && table.main);
        main.map_or_else(|| "none".to_owned(), |(id, _)| self.routes(id))
    }

    fn routes(&self, id: Id<RouteTable>) -> String {
        let table = &self.0.route_tables[id];
        let rows: BTreeSet<String> = table.routes.iter().map(|route| self.route(route)).collect();
        rows.into_iter().collect::<Vec<_>>().join(", ")
    }

    fn route(&self, route: &Route) -> String {
        let target = match &route.target {
            RouteTarget::Resource(any) => match any.kind {
                Kind::NatGateway => {
                    let gateway = &self.0.nat_gateways[any.downcast().unwrap()];
                    format!("nat in {}", self.0.subnets[gateway.subnet].cidr)
                }
                Kind::NetworkInterface => {
                    let row = &self.0.network_interfaces[any.downcast().unwrap()];
                    format!("interface {}", row.addresses[0].private)
                }
                Kind::PeeringConnection => self.peering(&self.0.peering_connections[any.downcast().unwrap()]),
                kind => format!("{kind:?}"),
            },
            other => format!("{other:?}"),
        };
        format!("{} -> {target}", self.destination(route.destination))
    }

    fn destination(&self, destination: RouteDestination) -> String {
        match destination {
            RouteDestination::Cidr(net) => net.to_string(),
            RouteDestination::PrefixList(id) => {
                let entries: Vec<String> = self.0.prefix_lists[id]
                    .entries
                    .iter()
                    .map(ToString::to_string)
                    .collect();
                format!("list {}", entries.join("+"))
            }
        }
    }

    fn peering(&self, peering: &vpcsim_aws::devices::PeeringConnection) -> String {
        let sides: BTreeSet<String> = [peering.requester, peering.accepter]
            .into_iter()
            .flatten()
            .map(|vpc| self.vpc(vpc))
            .collect();
        format!("{sides:?} {:?}", peering.state)
    }

    fn attachment(&self, id: Id<TransitGatewayAttachment>) -> String {
        match &self.0.transit_gateway_attachments[id].end {
            AttachmentEnd::Vpc {
                vpc,
                interfaces,
                appliance_mode,
                ..
            } => {
                let subnets: BTreeSet<String> = interfaces
                    .iter()
                    .map(|id| {
                        self.0.subnets[self.0.network_interfaces[*id].subnet]
                            .cidr
                            .to_string()
                    })
                    .collect();
                format!("{} in {subnets:?} appliance {appliance_mode}", self.vpc(*vpc))
            }
            other => format!("{other:?}"),
        }
    }

    /// A group by its rules; of the groups in them only who is in them counts.
    fn group(&self, id: Id<SecurityGroup>) -> String {
        let group = &self.0.security_groups[id];
        let side = |rules: &[SecurityGroupRule]| {
            let rows: BTreeSet<String> = rules
                .iter()
                .map(|rule| format!("{} {}", rule.traffic, self.peer(&rule.peer)))
                .collect();
            format!("{rows:?}")
        };
        format!(
            "default {} in {} out {}",
            group.default,
            side(&group.ingress),
            side(&group.egress)
        )
    }

    fn peer(&self, peer: &Peer) -> String {
        match peer {
            Peer::Cidr(net) => net.to_string(),
            Peer::SecurityGroup(id) => {
                let interfaces = self.0.network_interfaces.iter();
                let members: BTreeSet<String> = interfaces
                    .filter(|(_, row)| row.security_groups.contains(id))
                    .flat_map(|(_, row)| row.addresses.iter().map(|address| address.private.to_string()))
                    .collect();
                format!("group of {members:?}")
            }
            Peer::PrefixList(id) => self.destination(RouteDestination::PrefixList(*id)),
            Peer::Missing(name) => format!("missing {name}"),
        }
    }
}

/// What an answer says, without the names of anything. Of the targets of a load balancer each is as good as another: which one a
/// flow gets may depend on their order, and with it the way inside the balancer's VPC.
fn essence(answer: &Value, is_balanced: bool) -> Value {
    let leg = |leg: &Value| {
        let stations: Vec<&Value> = leg["trail"]
            .as_array()
            .into_iter()
            .flatten()
            .map(|hop| &hop["station"])
            .collect();
        let stations = if is_balanced { Vec::new() } else { stations };
        json!({"verdict": leg["verdict"], "reason": leg["reason"], "stations": stations})
    };
    json!({
        "round_trip": answer["round_trip"],
        "unknown": answer["unknown"],
        "forward": leg(&answer["forward"]),
        "return": answer.get("return").map(leg),
    })
}

/// Every instance asks every other, and the internet; so does the internet.
fn queries(topology: &Topology) -> Vec<FlowQuery> {
    let mut hosts: Vec<String> = topology
        .instances
        .iter()
        .map(|(_, row)| row.label.name.clone())
        .collect();
    hosts.sort();
    hosts.push("internet".to_owned());
    // What has no name that is the same in all four: load balancers, endpoints.
    let interfaces = topology.network_interfaces.iter();
    let managed = interfaces.filter(|(_, row)| row.attachment == Attachment::Managed);
    let mut others: Vec<String> = managed
        .map(|(_, row)| row.addresses[0].private.to_string())
        .collect();
    others.sort();
    let mut queries = Vec::new();
    for source in &hosts {
        for to in hosts.iter().chain(&others).filter(|to| *to != source) {
            for (protocol, port) in [
                ("tcp", Some(22)),
                ("tcp", Some(80)),
                ("tcp", Some(443)),
                ("tcp", Some(5432)),
                ("icmp", None),
            ] {
                let query = json!({"id": format!("{source} {to} {protocol} {port:?}"), "source": source, "dst": to, "protocol": protocol, "dst_port": port});
                queries.push(serde_json::from_value(query).unwrap());
            }
        }
    }
    queries
}

#[test]
fn four_ways_to_write_a_network_give_the_same_topology() {
    for folder in designs() {
        let ways = ways(&folder);
        assert_eq!(ways.len(), 4, "{}", folder.display());
        let first = Facts(&ways[0].1).all();
        for (name, topology) in &ways[1..] {
            let other = Facts(topology).all();
            let missing: Vec<_> = first.difference(&other).collect();
            let surplus: Vec<_> = other.difference(&first).collect();
            assert!(
                missing.is_empty() && surplus.is_empty(),
                "{name}\nmissing {missing:#?}\nsurplus {surplus:#?}"
            );
        }
    }
}

#[test]
fn four_ways_to_write_a_network_give_the_same_answers() {
    for folder in designs() {
        let ways = ways(&folder);
        let simulations: Vec<(String, Simulation)> = ways
            .into_iter()
            .map(|(name, topology)| (name, Simulation::new(Arc::new(topology))))
            .collect();
        let topology = simulations[0].1.topology();
        let nodes = topology
            .load_balancers
            .iter()
            .flat_map(|(_, balancer)| &balancer.nodes);
        let balanced: BTreeSet<String> = nodes
            .map(|node| {
                topology.network_interfaces[node.interface].addresses[0]
                    .private
                    .to_string()
            })
            .collect();
        let groups = topology
            .target_groups
            .iter()
            .flat_map(|(_, group)| &group.targets);
        let targets: BTreeSet<String> = groups
            .filter_map(|target| match target.to {
                TargetAddress::Instance(id) => Some(topology.instances[id].label.name.clone()),
                TargetAddress::Address(_) => None,
            })
            .collect();
        let (mut asked, mut open) = (0, 0);
        for query in queries(simulations[0].1.topology()) {
            let answer = |simulation: &Simulation| {
                let answer = simulation
                    .trace(&query, &Options::default())
                    .map(|(answer, _)| answer);
                // Who has no public address cannot be asked from the internet: in none of the four.
                answer.map_or_else(
                    |error| json!(error.to_string()),
                    |answer| {
                        essence(
                            &serde_json::to_value(answer).unwrap(),
                            balanced.contains(&query.dst),
                        )
                    },
                )
            };
            // A target that asks its own load balancer may get itself, which fails, or another (NLB-06).
            if balanced.contains(&query.dst) && targets.contains(&query.source) {
                continue;
            }
            let first = answer(&simulations[0].1);
            asked += 1;
            open += usize::from(first["round_trip"] == true);
            for (name, simulation) in &simulations[1..] {
                assert_eq!(answer(simulation), first, "{name}: {}", query.id);
            }
        }
        println!(
            "{}: {asked} flows, {open} answered, the same in all four",
            folder.display()
        );
        assert!(asked >= 20 && open > 0 && open < asked, "{asked} {open}");
    }
}

#[test]
fn at_least_six_networks_are_written_in_four_ways() {
    assert!(designs().len() >= 6, "{:?}", designs());
}
