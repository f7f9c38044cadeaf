//! Every input has its resources in the same order.

use vpcsim_aws::devices::route_table::RouteTarget;
use vpcsim_import::{Source, read};

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
