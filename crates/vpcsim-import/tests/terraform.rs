//! Terraform plans and states: what stands after them, and how what is unknown is found.

use std::net::Ipv4Addr;

use serde_json::{Map, Value, json};
use vpcsim_aws::devices::route_table::RouteTarget;
use vpcsim_aws::devices::security_group::Peer;
use vpcsim_aws::{Kind, Topology};
use vpcsim_import::{Design, Half, Options, Source, read_with};

/// A plan in the making.
#[derive(Default)]
struct Plan {
    changes: Vec<Value>,
    resources: Vec<Value>,
    calls: Map<String, Value>,
    variables: Value,
    prior: Vec<Value>,
}

impl Plan {
    /// Adds a resource that will be created; arguments that are `{"references": …}` are unknown until then.
    #[expect(
        clippy::needless_pass_by_value,
        reason = "arguments are written where they are given"
    )]
    fn create(self, address: &str, arguments: Value) -> Self {
        self.create_with(address, &arguments, &json!({}))
    }

    /// As [`Plan::create`], with more of the configuration (`count_expression`).
    fn create_with(mut self, address: &str, arguments: &Value, configuration: &Value) -> Self {
        let (kind, rest) = address.split_once('.').expect("the test writes it so");
        let (name, index) = match rest.split_once('[') {
            Some((name, index)) => (
                name,
                Some(
                    serde_json::from_str::<Value>(index.trim_end_matches(']'))
                        .expect("the test writes it so"),
                ),
            ),
            None => (rest, None),
        };
        let (mut after, mut unknown, mut expressions) = (Map::new(), Map::new(), Map::new());
        unknown.insert("id".to_owned(), json!(true));
        for (key, value) in arguments.as_object().expect("the test writes it so") {
            if value.get("references").is_some() {
                unknown.insert(key.clone(), json!(true));
                expressions.insert(key.clone(), value.clone());
            } else if let Some(block) = value.get("block") {
                let (mut known, mut open, mut said) = (Map::new(), Map::new(), Map::new());
                for (key, value) in block.as_object().expect("the test writes it so") {
                    if value.get("references").is_some() {
                        open.insert(key.clone(), json!(true));
                        said.insert(key.clone(), value.clone());
                    } else {
                        known.insert(key.clone(), value.clone());
                        said.insert(key.clone(), json!({"constant_value": value}));
                    }
                }
                after.insert(key.clone(), json!([known]));
                unknown.insert(key.clone(), json!([open]));
                expressions.insert(key.clone(), json!([said]));
            } else {
                after.insert(key.clone(), value.clone());
                expressions.insert(key.clone(), json!({"constant_value": value}));
            }
        }
        let mut change = json!({
            "address": address, "mode": "managed", "type": kind, "name": name,
            "change": {"actions": ["create"], "before": null, "after": after, "after_unknown": unknown},
        });
        if let Some(index) = index {
            change["index"] = index;
        }
        self.changes.push(change);
        if !self
            .resources
            .iter()
            .any(|known| known["type"] == kind && known["name"] == name)
        {
            let mut resource =
                json!({"mode": "managed", "type": kind, "name": name, "expressions": expressions});
            for (key, value) in configuration.as_object().expect("the test writes it so") {
                resource[key] = value.clone();
            }
            self.resources.push(resource);
        }
        self
    }

    fn text(&self) -> String {
        json!({
            "format_version": "1.2",
            "terraform_version": "1.9.0",
            "resource_changes": self.changes,
            "prior_state": {"values": {"root_module": {"resources": self.prior}}},
            "configuration": {"root_module": {"resources": self.resources, "module_calls": self.calls}},
            "variables": self.variables,
        })
        .to_string()
    }

    fn read(&self) -> Design {
        read_text(&self.text(), &Options::default())
    }

    /// The topology of a plan without errors.
    fn topology(&self) -> Topology {
        let design = self.read();
        assert!(!design.findings.has_errors(), "{:?}", messages(&design));
        design.topology
    }
}

fn read_text(text: &str, options: &Options) -> Design {
    let source = Source {
        name: "plan.json".to_owned(),
        bytes: text.as_bytes().to_vec(),
    };
    read_with(vec![source], options)
}

fn messages(design: &Design) -> Vec<String> {
    let findings = design.findings.iter();
    findings
        .map(|finding| format!("{}: {}", finding.code, finding.message))
        .collect()
}

fn codes(design: &Design) -> Vec<&'static str> {
    design.findings.iter().map(|finding| finding.code).collect()
}

fn refers(to: &str) -> Value {
    let base = to.rsplit_once('.').map_or(to, |(base, _)| base);
    json!({"references": [to, base]})
}

fn network() -> Plan {
    Plan::default()
        .create("aws_vpc.main", json!({"cidr_block": "10.0.0.0/16", "tags": {"Name": "shop"}}))
        .create(
            "aws_subnet.a",
            json!({"vpc_id": refers("aws_vpc.main.id"), "cidr_block": "10.0.1.0/24", "availability_zone": "eu-west-1a"}),
        )
}

#[test]
fn unknown_ids_are_found_along_the_references_of_the_configuration() {
    let topology = network()
        .create("aws_internet_gateway.gw", json!({"vpc_id": refers("aws_vpc.main.id")}))
        .create(
            "aws_route_table.public",
            json!({
                "vpc_id": refers("aws_vpc.main.id"),
                "route": {"block": {"cidr_block": "0.0.0.0/0", "gateway_id": refers("aws_internet_gateway.gw.id")}},
            }),
        )
        .create(
            "aws_route_table_association.a",
            json!({"subnet_id": refers("aws_subnet.a.id"), "route_table_id": refers("aws_route_table.public.id")}),
        )
        .topology();
    let (_, subnet) = topology.subnets.iter().next().unwrap();
    let table = subnet.route_table.unwrap();
    assert_eq!(topology.name_of(table), "aws_route_table.public");
    let RouteTarget::Resource(target) = topology.route_tables[table].routes[0].target else {
        panic!("{:?}", topology.route_tables[table].routes);
    };
    assert_eq!(target.kind, Kind::InternetGateway);
    assert_eq!(topology.vpcs.iter().next().unwrap().1.label.name, "shop");
    assert_eq!(
        topology.vpcs.iter().next().unwrap().1.label.id.as_deref(),
        Some("aws_vpc.main")
    );
}

#[test]
fn counted_resources_are_paired_by_their_index_and_by_turns() {
    let counted = json!({"count_expression": {"constant_value": 2}});
    let mut plan = Plan::default().create("aws_vpc.main", json!({"cidr_block": "10.0.0.0/16"}));
    for index in 0..2 {
        let cidr = format!("10.0.{index}.0/24");
        let subnet = json!({"vpc_id": refers("aws_vpc.main.id"), "cidr_block": cidr, "availability_zone": "eu-west-1a"});
        let own = json!({"references": ["aws_subnet.a", "count.index"]});
        let by_turns = json!({"references": ["aws_route_table.one", "count.index"]});
        let association = json!({"subnet_id": own, "route_table_id": by_turns});
        plan = plan
            .create_with(&format!("aws_subnet.a[{index}]"), &subnet, &counted)
            .create_with(
                &format!("aws_route_table_association.a[{index}]"),
                &association,
                &counted,
            );
    }
    let plan = plan
        .create(
            "aws_route_table.one[0]",
            json!({"vpc_id": refers("aws_vpc.main.id")}),
        )
        .create(
            "aws_route_table.one[1]",
            json!({"vpc_id": refers("aws_vpc.main.id")}),
        );
    let topology = plan.topology();
    for (_, subnet) in topology.subnets.iter() {
        let index = subnet.label.name.trim_start_matches("aws_subnet.a").to_owned();
        let table = topology.name_of(subnet.route_table.unwrap());
        assert_eq!(table, format!("aws_route_table.one{index}"));
    }
}

#[test]
fn references_lead_into_modules_and_out_of_them() {
    let mut plan = network();
    // module "web" { subnet = aws_subnet.a.id }, and an instance in it.
    plan.calls.insert(
        "web".to_owned(),
        json!({
            "expressions": {"subnet": refers("aws_subnet.a.id"), "group": {"references": ["module.rules.group", "module.rules"]}},
            "module": {"resources": [{
                "mode": "managed", "type": "aws_instance", "name": "web",
                "expressions": {
                    "subnet_id": {"references": ["var.subnet"]},
                    "vpc_security_group_ids": {"references": ["var.group"]},
                },
            }]},
        }),
    );
    plan.calls.insert(
        "rules".to_owned(),
        json!({
            "expressions": {"vpc": refers("aws_vpc.main.id")},
            "module": {
                "outputs": {"group": {"expression": refers("aws_security_group.web.id")}},
                "resources": [{
                    "mode": "managed", "type": "aws_security_group", "name": "web",
                    "expressions": {"vpc_id": {"references": ["var.vpc"]}},
                }],
            },
        }),
    );
    plan.changes.push(json!({
        "address": "module.web.aws_instance.web", "module_address": "module.web", "mode": "managed",
        "type": "aws_instance", "name": "web",
        "change": {"actions": ["create"], "after": {"private_ip": "10.0.1.9"},
                   "after_unknown": {"id": true, "subnet_id": true, "vpc_security_group_ids": true}},
    }));
    plan.changes.push(json!({
        "address": "module.rules.aws_security_group.web", "module_address": "module.rules", "mode": "managed",
        "type": "aws_security_group", "name": "web",
        "change": {"actions": ["create"], "after": {"name": "web"}, "after_unknown": {"id": true, "vpc_id": true, "ingress": true, "egress": true}},
    }));
    let topology = plan.topology();
    let (_, instance) = topology.instances.iter().next().unwrap();
    assert_eq!(instance.label.name, "module.web.aws_instance.web");
    let (_, interface) = topology.network_interfaces.iter().next().unwrap();
    assert_eq!(interface.addresses[0].private, Ipv4Addr::new(10, 0, 1, 9));
    let group = &topology.security_groups[interface.security_groups[0]];
    assert_eq!(group.label.name, "web");
    assert!(group.egress.is_empty(), "Terraform takes AWS's egress rule away");
}

#[test]
fn one_of_several_is_ambiguous_and_an_error_if_that_is_asked_for() {
    let plan = network()
        .create(
            "aws_subnet.many[0]",
            json!({"vpc_id": refers("aws_vpc.main.id"), "cidr_block": "10.0.2.0/24"}),
        )
        .create(
            "aws_subnet.many[1]",
            json!({"vpc_id": refers("aws_vpc.main.id"), "cidr_block": "10.0.3.0/24"}),
        )
        .create(
            "aws_instance.web",
            json!({"subnet_id": {"references": ["aws_subnet.many"]}}),
        );
    let design = plan.read();
    assert!(!design.findings.has_errors());
    let ambiguous = design
        .findings
        .iter()
        .find(|finding| finding.code == "ambiguous-reference")
        .unwrap();
    assert!(
        ambiguous
            .message
            .contains("`aws_subnet.many[0]`, `aws_subnet.many[1]`"),
        "{}",
        ambiguous.message
    );
    let strict = Options {
        strict: true,
        ..Options::default()
    };
    assert!(read_text(&plan.text(), &strict).findings.has_errors());
}

#[test]
fn rules_and_routes_of_their_own_belong_to_their_wholes() {
    let topology = network()
        .create("aws_security_group.web", json!({"vpc_id": refers("aws_vpc.main.id"), "name": "web"}))
        .create("aws_security_group.db", json!({"vpc_id": refers("aws_vpc.main.id"), "name": "db"}))
        .create(
            "aws_vpc_security_group_ingress_rule.web",
            json!({"security_group_id": refers("aws_security_group.web.id"), "cidr_ipv4": "0.0.0.0/0", "ip_protocol": "tcp", "from_port": 443, "to_port": 443}),
        )
        .create(
            "aws_security_group_rule.db",
            json!({"type": "ingress", "security_group_id": refers("aws_security_group.db.id"), "source_security_group_id": refers("aws_security_group.web.id"), "protocol": "tcp", "from_port": 5432, "to_port": 5432}),
        )
        .create(
            "aws_security_group_rule.out",
            json!({"type": "egress", "security_group_id": refers("aws_security_group.db.id"), "cidr_blocks": ["10.0.0.0/16", "10.1.0.0/16"], "protocol": "-1", "from_port": 0, "to_port": 0}),
        )
        .topology();
    let group = |name: &str| {
        topology
            .security_groups
            .iter()
            .find(|(_, group)| group.label.name == name)
            .unwrap()
    };
    let (web, rows) = group("web");
    assert_eq!(rows.ingress.len(), 1);
    let (_, db) = group("db");
    assert_eq!(db.ingress[0].peer, Peer::SecurityGroup(web));
    assert_eq!(db.ingress[0].id.as_deref(), Some("aws_security_group_rule.db"));
    assert_eq!(db.egress.len(), 2, "one for each range");
}

#[test]
fn a_rule_whose_group_is_nowhere_is_an_error_and_never_dropped() {
    let design = network()
        .create(
            "aws_security_group_rule.lost",
            json!({"type": "ingress", "security_group_id": "sg-0123", "cidr_blocks": ["0.0.0.0/0"], "protocol": "tcp", "from_port": 22, "to_port": 22}),
        )
        .read();
    assert_eq!(codes(&design), ["whole-not-in-input"]);
    assert!(design.findings.has_errors());
}

#[test]
fn a_plan_adds_to_the_account_that_a_dump_describes() {
    let dump = r#"{"Vpcs": [{"VpcId": "vpc-1", "CidrBlock": "10.0.0.0/16"}],
      "Subnets": [{"SubnetId": "subnet-1", "VpcId": "vpc-1", "CidrBlock": "10.0.1.0/24", "AvailabilityZone": "eu-west-1a"}],
      "SecurityGroups": [{"GroupId": "sg-1", "GroupName": "old", "VpcId": "vpc-1"}],
      "RouteTables": [{"RouteTableId": "rtb-1", "VpcId": "vpc-1", "Associations": [{"Main": true}]}]}"#;
    let plan = Plan::default()
        .create("aws_instance.new", json!({"subnet_id": "subnet-1", "vpc_security_group_ids": ["sg-1"]}))
        .create("aws_internet_gateway.gw", json!({"vpc_id": "vpc-1"}))
        .create(
            "aws_route.out",
            json!({"route_table_id": "rtb-1", "destination_cidr_block": "0.0.0.0/0", "gateway_id": refers("aws_internet_gateway.gw.id")}),
        )
        .create(
            "aws_vpc_security_group_ingress_rule.ssh",
            json!({"security_group_id": "sg-1", "cidr_ipv4": "10.0.0.0/8", "ip_protocol": "tcp", "from_port": 22, "to_port": 22}),
        );
    let source = |name: &str, text: &str| Source {
        name: name.to_owned(),
        bytes: text.as_bytes().to_vec(),
    };
    let design = read_with(
        vec![source("plan.json", &plan.text()), source("dump.json", dump)],
        &Options::default(),
    );
    assert!(!design.findings.has_errors(), "{:?}", messages(&design));
    let topology = design.topology;
    assert_eq!(topology.route_tables.iter().next().unwrap().1.routes.len(), 1);
    assert_eq!(
        topology
            .security_groups
            .iter()
            .find(|(_, group)| !group.default)
            .unwrap()
            .1
            .ingress
            .len(),
        1
    );
    assert_eq!(topology.instances.len(), 1);
}

#[test]
fn the_half_before_a_plan_is_what_stands_now() {
    let plan = json!({
        "format_version": "1.2",
        "resource_changes": [
            {"address": "aws_vpc.old", "mode": "managed", "type": "aws_vpc", "name": "old",
             "change": {"actions": ["delete"], "before": {"id": "vpc-1", "cidr_block": "10.0.0.0/16"}, "after": null}},
            {"address": "aws_vpc.new", "mode": "managed", "type": "aws_vpc", "name": "new",
             "change": {"actions": ["create"], "before": null, "after": {"cidr_block": "10.1.0.0/16"}, "after_unknown": {"id": true}}},
        ],
    })
    .to_string();
    let name = |half| {
        let options = Options {
            half,
            ..Options::default()
        };
        let topology = read_text(&plan, &options).topology;
        assert_eq!(topology.vpcs.len(), 1);
        topology.vpcs.iter().next().unwrap().1.label.name.clone()
    };
    assert_eq!(
        (name(Half::Before).as_str(), name(Half::After).as_str()),
        ("aws_vpc.old", "aws_vpc.new")
    );
}

#[test]
fn a_raw_state_has_real_ids_and_keeps_its_addresses() {
    let state = json!({
        "version": 4, "terraform_version": "1.9.0", "serial": 1, "lineage": "x",
        "resources": [
            {"mode": "managed", "type": "aws_vpc", "name": "main", "provider": "p",
             "instances": [{"attributes": {"id": "vpc-1", "cidr_block": "10.0.0.0/16"}}]},
            {"module": "module.net", "mode": "managed", "type": "aws_subnet", "name": "a", "provider": "p",
             "instances": [{"index_key": "x", "attributes": {"id": "subnet-1", "vpc_id": "vpc-1", "cidr_block": "10.0.1.0/24", "availability_zone": "eu-west-1a"}}]},
        ],
    });
    let design = read_text(&state.to_string(), &Options::default());
    assert!(!design.findings.has_errors(), "{:?}", messages(&design));
    let (_, subnet) = design.topology.subnets.iter().next().unwrap();
    assert_eq!(subnet.label.name, "module.net.aws_subnet.a[\"x\"]");
    assert_eq!(subnet.label.id.as_deref(), Some("subnet-1"));
    assert_eq!(
        subnet.label.tag("vpcsim:address"),
        Some("module.net.aws_subnet.a[\"x\"]")
    );
}

#[test]
fn what_cannot_be_read_says_why_and_what_would_be_right() {
    let refused = |text: &str| {
        let design = read_text(text, &Options::default());
        assert!(design.findings.has_errors());
        codes(&design)
    };
    assert_eq!(
        refused(r#"{"format_version": "2.0", "planned_values": {}}"#),
        ["terraform-version"]
    );
    assert_eq!(
        refused(r#"{"version": 3, "terraform_version": "0.11.14", "serial": 1, "modules": []}"#),
        ["terraform-state-version"]
    );
    assert_eq!(
        refused(r#"{"format_version": "1.2", "errored": true, "planned_values": {}}"#),
        ["plan-errored"]
    );
    assert_eq!(
        refused(r#"{"format_version": "1.2", "resource_changes": [{"address": "#),
        ["terraform-syntax"]
    );
}

#[test]
fn resources_without_a_part_in_the_network_are_told_in_one_note() {
    let design = network()
        .create("aws_s3_bucket.logs", json!({}))
        .create("aws_iam_role.app", json!({}))
        .create(
            "aws_vpn_gateway.vpn",
            json!({"vpc_id": refers("aws_vpc.main.id")}),
        )
        .read();
    assert_eq!(codes(&design), ["no-part-in-network"]);
    let unread: Vec<&str> = design
        .topology
        .unread
        .iter()
        .map(|unread| unread.noun.as_str())
        .collect();
    assert_eq!(unread, ["virtual private gateway"]);
}

#[test]
fn two_plans_that_call_different_things_alike_stay_two() {
    let source = |name: &str, cidr: &str, subnet: &str| {
        Source {
        name: name.to_owned(),
        bytes: Plan::default()
            .create("aws_vpc.main", json!({"cidr_block": cidr}))
            .create(
                "aws_subnet.a",
                json!({"vpc_id": refers("aws_vpc.main.id"), "cidr_block": subnet, "availability_zone": "eu-west-1a"}),
            )
            .text()
            .into_bytes(),
    }
    };
    let sources = vec![
        source("east.json", "10.1.0.0/16", "10.1.1.0/24"),
        source("west.json", "10.2.0.0/16", "10.2.1.0/24"),
    ];
    let design = read_with(sources, &Options::default());
    assert!(!design.findings.has_errors(), "{:?}", messages(&design));
    let topology = design.topology;
    let homes: Vec<String> = topology
        .subnets
        .iter()
        .map(|(_, subnet)| format!("{} in {}", subnet.cidr, topology.name_of(subnet.vpc)))
        .collect();
    assert_eq!(
        homes,
        ["10.1.1.0/24 in aws_vpc.main", "10.2.1.0/24 in west:aws_vpc.main"]
    );
}

#[test]
fn an_attribute_of_another_resource_hands_on_what_that_one_refers_to() {
    let topology = Plan::default()
        .create("aws_vpc.main", json!({"cidr_block": "10.0.0.0/16"}))
        .create(
            "aws_vpc_ipv4_cidr_block_association.more",
            json!({"vpc_id": refers("aws_vpc.main.id"), "cidr_block": "10.1.0.0/16"}),
        )
        .create(
            "aws_subnet.a",
            json!({"vpc_id": refers("aws_vpc_ipv4_cidr_block_association.more.vpc_id"), "cidr_block": "10.1.1.0/24"}),
        )
        .create(
            "aws_instance.web",
            json!({"subnet_id": refers("aws_subnet.a.id"), "vpc_security_group_ids": refers("aws_vpc.main.default_security_group_id")}),
        )
        .topology();
    let (_, interface) = topology.network_interfaces.iter().next().unwrap();
    assert!(topology.security_groups[interface.security_groups[0]].default);
    assert_eq!(topology.security_groups.len(), 1);
}

#[test]
fn paths_that_aws_shall_analyse_become_expectations() {
    let topology = network()
        .create("aws_internet_gateway.gw", json!({"vpc_id": refers("aws_vpc.main.id")}))
        .create("aws_instance.web", json!({"subnet_id": refers("aws_subnet.a.id")}))
        .create(
            "aws_ec2_network_insights_path.web",
            json!({"source": refers("aws_internet_gateway.gw.id"), "destination": refers("aws_instance.web.id"), "protocol": "tcp", "destination_port": 443}),
        )
        .topology();
    let texts: Vec<&str> = topology
        .expectations
        .iter()
        .map(|expectation| expectation.text.as_str())
        .collect();
    assert_eq!(texts, ["internet -> aws_instance.web tcp 443: reachable"]);
}

#[test]
fn an_association_makes_another_route_table_the_main_one() {
    let topology = network()
        .create(
            "aws_route_table.new",
            json!({"vpc_id": refers("aws_vpc.main.id")}),
        )
        .create(
            "aws_main_route_table_association.new",
            json!({"vpc_id": refers("aws_vpc.main.id"), "route_table_id": refers("aws_route_table.new.id")}),
        )
        .topology();
    let mains: Vec<&str> = topology
        .route_tables
        .iter()
        .filter(|(_, table)| table.main)
        .map(|(_, table)| table.label.name.as_str())
        .collect();
    assert_eq!(mains, ["aws_route_table.new"]);
    let (subnet, _) = topology.subnets.iter().next().unwrap();
    assert_eq!(
        topology.name_of(topology.route_table_of(subnet).unwrap()),
        "aws_route_table.new"
    );
}

#[test]
fn adopted_default_objects_lose_what_the_plan_does_not_name() {
    let topology = network()
        .create(
            "aws_default_security_group.own",
            json!({"vpc_id": refers("aws_vpc.main.id")}),
        )
        .create(
            "aws_default_network_acl.own",
            json!({"default_network_acl_id": refers("aws_vpc.main.default_network_acl_id")}),
        )
        .create(
            "aws_default_route_table.own",
            json!({"default_route_table_id": refers("aws_vpc.main.default_route_table_id")}),
        )
        .topology();
    let (_, group) = topology.security_groups.iter().next().unwrap();
    assert!(group.default && group.ingress.is_empty() && group.egress.is_empty());
    let (_, acl) = topology.network_acls.iter().next().unwrap();
    assert!(acl.default && acl.ingress.is_empty() && acl.egress.is_empty());
    let (_, table) = topology.route_tables.iter().next().unwrap();
    assert!(table.main && table.routes.is_empty());
    let counts = (
        topology.security_groups.len(),
        topology.network_acls.len(),
        topology.route_tables.len(),
    );
    assert_eq!(counts, (1, 1, 1), "nothing is there twice");
}
