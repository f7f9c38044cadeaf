//! What a plan has lost, decided by the configuration itself.

use serde_json::json;
use vpcsim_import::{Design, Options, Source, read_with};

const RULES: &str = r#"
locals {
  wanted = var.open ? aws_route_table.open.id : aws_route_table.closed.id
}

variable "open" {}

resource "aws_route_table_association" "a" {
  subnet_id      = aws_subnet.a.id
  route_table_id = local.wanted
}
"#;

/// A plan whose association refers to a local value that stands for one of two route tables.
fn plan(open: bool) -> String {
    let create = |address: &str, after: serde_json::Value| {
        let (kind, name) = address.split_once('.').expect("the test writes it so");
        json!({
            "address": address, "mode": "managed", "type": kind, "name": name,
            "change": {"actions": ["create"], "after": after, "after_unknown": {"id": true, "vpc_id": true, "subnet_id": true, "route_table_id": true}},
        })
    };
    let vpc = json!({"references": ["aws_vpc.main.id", "aws_vpc.main"]});
    let configured = |kind: &str, name: &str, expressions: serde_json::Value| json!({"mode": "managed", "type": kind, "name": name, "expressions": expressions});
    json!({
        "format_version": "1.2",
        "variables": {"open": {"value": open}},
        "resource_changes": [
            create("aws_vpc.main", json!({"cidr_block": "10.0.0.0/16"})),
            create("aws_subnet.a", json!({"cidr_block": "10.0.1.0/24", "availability_zone": "eu-west-1a"})),
            create("aws_route_table.open", json!({})),
            create("aws_route_table.closed", json!({})),
            create("aws_route_table_association.a", json!({})),
        ],
        "configuration": {"root_module": {"resources": [
            configured("aws_vpc", "main", json!({})),
            configured("aws_subnet", "a", json!({"vpc_id": vpc})),
            configured("aws_route_table", "open", json!({"vpc_id": vpc})),
            configured("aws_route_table", "closed", json!({"vpc_id": vpc})),
            configured("aws_route_table_association", "a", json!({
                "subnet_id": {"references": ["aws_subnet.a.id", "aws_subnet.a"]},
                "route_table_id": {"references": ["local.wanted"]},
            })),
        ]}},
    })
    .to_string()
}

fn read(open: bool, files: &[(&str, &str)]) -> Design {
    let options = Options {
        configuration: files
            .iter()
            .map(|(name, text)| ((*name).to_owned(), (*text).to_owned()))
            .collect(),
        ..Options::default()
    };
    let source = Source {
        name: "plan.json".to_owned(),
        bytes: plan(open).into_bytes(),
    };
    read_with(vec![source], &options)
}

/// What is found, but for the table that the association does not choose.
fn codes(design: &Design) -> Vec<&'static str> {
    let codes = design.findings.iter().map(|finding| finding.code);
    codes.filter(|code| *code != "route-table-unused").collect()
}

#[test]
fn a_conditional_local_value_is_decided_by_the_configuration() {
    for (open, table) in [(true, "aws_route_table.open"), (false, "aws_route_table.closed")] {
        let design = read(open, &[("main.tf", RULES)]);
        assert_eq!(codes(&design), Vec::<&str>::new());
        let (_, subnet) = design.topology.subnets.iter().next().unwrap();
        assert_eq!(design.topology.name_of(subnet.route_table.unwrap()), table);
    }
}

#[test]
fn without_the_configuration_such_a_reference_is_unresolved() {
    let design = read(true, &[]);
    assert!(
        codes(&design).contains(&"unresolved-reference"),
        "{:?}",
        codes(&design)
    );
    assert!(
        design.findings.has_errors(),
        "an association without its table is no network"
    );
}

#[test]
fn a_file_that_is_no_hcl_is_told_and_left_out() {
    let design = read(true, &[("broken.tf", "resource \"x\" {"), ("main.tf", RULES)]);
    assert_eq!(codes(&design), ["terraform-configuration"]);
    let mut messages = design.findings.iter().map(|finding| &finding.message);
    assert!(messages.any(|message| message.starts_with("`broken.tf` is not read")));
    let deep = format!("x = {}1{}", "[".repeat(5000), "]".repeat(5000));
    assert_eq!(
        codes(&read(true, &[("deep.tf", &deep), ("main.tf", RULES)])),
        ["terraform-configuration"]
    );
}

#[test]
fn a_map_that_a_module_gives_back_is_taken_apart() {
    const FOLDER: [(&str, &str); 2] = [
        (
            "main.tf",
            include_str!("../../../tests/four-ways/vpc-with-nat/main.tf"),
        ),
        (
            "modules/net/main.tf",
            include_str!("../../../tests/four-ways/vpc-with-nat/modules/net/main.tf"),
        ),
    ];
    let plan = include_str!("../../../tests/four-ways/vpc-with-nat/plan.json");
    let options = Options {
        configuration: FOLDER
            .iter()
            .map(|(name, text)| ((*name).to_owned(), (*text).to_owned()))
            .collect(),
        strict: true,
        ..Options::default()
    };
    let source = Source {
        name: "plan.json".to_owned(),
        bytes: plan.as_bytes().to_vec(),
    };
    let design = read_with(vec![source], &options);
    assert_eq!(codes(&design), Vec::<&str>::new());
}

#[test]
fn local_values_in_a_circle_come_to_an_end() {
    let circle = "locals {\n  wanted = local.other\n  other = local.wanted\n}\n";
    let rules = RULES.replace(
        "locals {\n  wanted = var.open ? aws_route_table.open.id : aws_route_table.closed.id\n}\n",
        circle,
    );
    assert_ne!(rules, RULES);
    let design = read(true, &[("main.tf", &rules)]);
    let mut findings = design.findings.iter();
    let unresolved = findings
        .find(|finding| finding.code == "unresolved-reference" && finding.message.contains("`local.wanted`"));
    let message = &unresolved.expect("nothing says the table").message;
    assert!(message.ends_with("(main.tf:9)"), "{message}");
}
