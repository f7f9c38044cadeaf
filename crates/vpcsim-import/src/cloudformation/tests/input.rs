//! Input that is odd or wrong, and parameters.

use std::fmt::Write as _;

use serde_json::{Value as Json, json};

use super::{Outcome, codes_of, one, outcome, value_of};
use crate::cloudformation::Options;

fn with_parameters(text: &str, parameters: &[(&str, &str)]) -> Outcome {
    let parameters = parameters
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    let options = Options {
        parameters: parameters.collect(),
        ..Options::default()
    };
    outcome(&[("shop.yaml", text)], &options)
}

#[test]
fn scalars_keep_their_types() {
    assert_eq!(
        value_of("[-1, '-1', true, 'true', 10.0.0.0/16, 2010-09-09, 012345678901, 1.50, 1.5, null, yes]"),
        json!([
            -1,
            "-1",
            true,
            "true",
            "10.0.0.0/16",
            "2010-09-09",
            "012345678901",
            "1.50",
            1.5,
            null,
            "yes"
        ])
    );
    assert_eq!(value_of("\"a\\u0001b\""), json!("ab"));
}

#[test]
fn every_object_and_resource_knows_its_place() {
    let outcome = one(
        "Resources:\n  Sg:\n    Type: AWS::EC2::SecurityGroup\n    Properties:\n      Rules:\n        - {FromPort: 80}\n",
    );
    let sg = &outcome.declared[0];
    assert_eq!((sg.origin.line, sg.origin.column, sg.origin.length), (2, 3, 2));
    assert_eq!(sg.values["@origin"], json!("0:5:7:1"));
    assert_eq!(sg.values["Rules"][0]["@origin"], json!("0:6:11:1"));
}

#[test]
fn json_templates_are_read_like_yaml_ones() {
    let outcome = one(
        r#"{"Parameters": {"P": {"Type": "CommaDelimitedList", "Default": "a,b"}},
            "Resources": {"X": {"Type": "T", "Properties": {"V": {"Fn::Join": ["/", {"Ref": "P"}]}, "N": 1}}}}"#,
    );
    assert_eq!(outcome.messages(), "");
    assert_eq!(outcome.values("X"), json!({"V": "a/b", "N": 1}));
}

#[test]
fn duplicate_logical_ids_are_named_with_both_places() {
    let outcome = one("Resources:\n  A: {Type: T}\n  A: {Type: U}\n");
    assert_eq!(outcome.codes(), ["duplicate-key"]);
    assert_eq!(outcome.findings[0].origin.line, 3);
    assert!(outcome.findings[0].message.contains("line 2"));
}

#[test]
fn what_is_no_template_is_told() {
    assert_eq!(
        one("Resources:\n  A: {Properties: {}}\n").codes(),
        ["not-a-template"]
    );
    assert_eq!(one("Resources:\n  A: text\n").codes(), ["not-a-template"]);
    assert_eq!(one("- a\n").codes(), ["not-a-template"]);
    assert_eq!(
        one("Resources: {A: {Type: T, Properties: [1]}}").codes(),
        ["wrong-type"]
    );
    assert_eq!(
        one("Resources: {A: {Type: T, DependsOn: B}}").codes(),
        ["unknown-reference"]
    );
    assert_eq!(
        one("Resources: {A: {Type: T, Condition: B}}").codes(),
        ["unknown-reference"]
    );
    assert_eq!(one("Resources: {A: [").codes(), ["yaml-syntax"]);
}

#[test]
fn circles_are_named() {
    let outcome = one("
Resources:
  A: {Type: T, Properties: {CidrBlock: !GetAtt B.CidrBlock}}
  B: {Type: T, Properties: {CidrBlock: !Sub '${A.CidrBlock}'}}
  C: {Type: T, DependsOn: C}
");
    assert_eq!(outcome.codes(), ["cyclic-reference", "cyclic-reference"]);
    assert!(
        outcome.findings[0].message.contains("A → B → A"),
        "{}",
        outcome.messages()
    );
    let outcome = one("
Conditions:
  A: !Not [!Condition B]
  B: !Or [!Condition A, !Equals [a, b]]
Resources: {}
");
    assert_eq!(outcome.codes(), ["cyclic-reference"]);
    assert!(
        outcome.findings[0]
            .message
            .contains("condition `A` → condition `B`")
    );
}

#[test]
fn parameters_are_given_defaulted_or_assumed() {
    let text = "
Parameters:
  Name: {Type: String}
  Ports: {Type: List<Number>, Default: '80, 443'}
  Vpc: {Type: AWS::EC2::VPC::Id}
  Subnets: {Type: List<AWS::EC2::Subnet::Id>}
  ZoneA: {Type: AWS::EC2::AvailabilityZone::Name}
  ZoneB: {Type: AWS::EC2::AvailabilityZone::Name}
  Ami: {Type: AWS::SSM::Parameter::Value<AWS::EC2::Image::Id>, Default: /aws/ami}
  Key: {Type: AWS::SSM::Parameter::Value<String>, Default: /key}
  Secret: {Type: String, NoEcho: true}
Resources:
  X: {Type: T, Properties: {N: !Ref Name, P: !Ref Ports, V: !Ref Vpc, S: !Ref Subnets, S5: !Select [5, !Ref Subnets],
      A: !Ref ZoneA, B: !Ref ZoneB, I: !Ref Ami, K: !Ref Key, Q: !Ref Secret}}
";
    let outcome = with_parameters(text, &[("Name", "shop"), ("Vpc", "vpc-1")]);
    assert_eq!(
        outcome.values("X"),
        json!({
            "N": "shop", "P": [80, 443], "V": "vpc-1", "S": ["external:Subnets[0]", "external:Subnets[1]"],
            "S5": "external:Subnets[5]", "A": "us-east-1a", "B": "us-east-1b",
            "I": "external:Ami", "K": "external:Key", "Q": "external:Secret",
        })
    );
    assert_eq!(
        outcome.codes(),
        [
            "parameter-assumed",
            "parameter-assumed",
            "parameter-assumed",
            "ssm-parameter-assumed"
        ]
    );
    let outcome = with_parameters(text, &[("Nam", "shop")]);
    assert!(outcome.codes().contains(&"parameter-missing") && outcome.codes().contains(&"unknown-parameter"));
}

#[test]
fn given_values_are_checked() {
    let text = "
Parameters:
  Size: {Type: String, Default: a, AllowedValues: [a, b]}
  Count: {Type: Number, Default: 1, MinValue: 1, MaxValue: 3}
  Name: {Type: String, Default: abc, MinLength: 2, MaxLength: 4}
Resources: {}
";
    assert_eq!(
        with_parameters(text, &[("Size", "b"), ("Count", "3"), ("Name", "ab")]).messages(),
        ""
    );
    for (name, value) in [
        ("Size", "c"),
        ("Count", "4"),
        ("Count", "x"),
        ("Name", "abcde"),
        ("Name", "a"),
    ] {
        assert_eq!(
            with_parameters(text, &[(name, value)]).codes(),
            ["bad-parameter-value"],
            "{name}"
        );
    }
    assert_eq!(
        one("Parameters: {A: {Type: Strin}}\nResources: {}").codes(),
        ["bad-parameter-type"]
    );
}

#[test]
fn parameter_files_have_two_forms() {
    let text = "
Parameters: {A: {Type: String}, B: {Type: CommaDelimitedList}}
Resources: {X: {Type: T, Properties: {A: !Ref A, B: !Ref B}}}
";
    for file in [
        r#"[{"ParameterKey": "A", "ParameterValue": "1"}, {"ParameterKey": "B", "ParameterValue": "x,y"}]"#,
        r#"{"Parameters": {"A": "1", "B": ["x", "y"]}}"#,
        "Parameters:\n  A: '1'\n  B: x,y\n",
    ] {
        let outcome = outcome(&[("t.yaml", text), ("p.json", file)], &Options::default());
        assert_eq!(outcome.messages(), "");
        assert_eq!(outcome.values("X"), json!({"A": "1", "B": ["x", "y"]}));
    }
}

#[test]
fn rules_that_do_not_hold_are_told() {
    let text = "
Parameters: {Env: {Type: String, Default: test}, Size: {Type: String, Default: large}, Vpc: {Type: AWS::EC2::VPC::Id}}
Rules:
  Small:
    RuleCondition: !Equals [!Ref Env, test]
    Assertions:
      - {Assert: {Fn::Contains: [[small], !Ref Size]}, AssertDescription: tests are small}
  Unknown: {Assertions: [{Assert: {Fn::Contains: [[a], !Ref Vpc]}}]}
Resources: {}
";
    assert_eq!(one(text).codes(), ["rule-not-met"]);
    assert_eq!(with_parameters(text, &[("Env", "prod")]).messages(), "");
}

#[test]
fn bombs_of_every_kind_end_early() {
    let mut aliases = String::from("Resources: {}\na0: &a0 [1,1,1,1,1,1,1,1,1,1]\n");
    for level in 1..12 {
        let before = vec![format!("*a{}", level - 1); 10].join(",");
        writeln!(aliases, "a{level}: &a{level} [{before}]").unwrap();
    }
    assert_eq!(one(&aliases).codes(), ["yaml-too-large"]);
    assert_eq!(
        one(&format!("Resources: {}{}", "[".repeat(100), "]".repeat(100))).codes(),
        ["yaml-too-deep"]
    );

    // Each resource doubles what the next one says.
    let mut doubling = String::from("Resources:\n  R0: {Type: T, Properties: {P: x}}\n");
    for level in 1..60 {
        let before = level - 1;
        writeln!(
            doubling,
            "  R{level}: {{Type: T, Properties: {{P: !Sub '${{R{before}.P}}${{R{before}.P}}'}}}}"
        )
        .unwrap();
    }
    assert!(one(&doubling).codes().contains(&"template-too-large"));

    let mut loops = String::from("{'a${A}': 1}");
    for level in 0..9 {
        loops = format!("{{'Fn::ForEach::L{level}': [A, [1,2,3,4,5,6,7,8,9,10], {loops}]}}");
    }
    let text =
        format!("Transform: AWS::LanguageExtensions\nResources: {{X: {{Type: T, Properties: {loops}}}}}\n");
    assert!(one(&text).codes().contains(&"template-too-large"));
}

#[test]
fn long_chains_do_not_overflow_the_stack() {
    let mut conditions = String::from("Resources: {}\nConditions:\n  C0: !Equals [a, a]\n");
    let mut resources = String::from("Resources:\n  R0: {Type: T, Properties: {P: x}}\n");
    for level in (1..3000).rev() {
        let before = level - 1;
        writeln!(conditions, "  C{level}: {{Condition: C{before}}}").unwrap();
        writeln!(
            resources,
            "  R{level}: {{Type: T, Properties: {{P: !Join ['', [!GetAtt R{before}.P]]}}}}"
        )
        .unwrap();
    }
    assert!(
        one(&conditions)
            .codes()
            .iter()
            .all(|code| *code == "template-too-deep")
    );
    assert!(
        one(&resources)
            .codes()
            .iter()
            .all(|code| *code == "template-too-deep")
    );
    let nested = format!("{}a{}", "!Join ['', [".repeat(28), "]]".repeat(28));
    assert_eq!(value_of(&nested), json!("a"));
    assert_eq!(
        codes_of(&format!("{}a{}", "[".repeat(70), "]".repeat(70))),
        ["yaml-too-deep"]
    );
}

/// Every value of a document, replaced by something odd, one after the other.
fn oddities(document: &Json) -> Vec<Json> {
    fn paths(value: &Json, path: &str, found: &mut Vec<String>) {
        found.push(path.to_owned());
        match value {
            Json::Object(members) => {
                for (key, value) in members {
                    paths(
                        value,
                        &format!("{path}/{}", key.replace('~', "~0").replace('/', "~1")),
                        found,
                    );
                }
            }
            Json::Array(items) => {
                for (index, value) in items.iter().enumerate() {
                    paths(value, &format!("{path}/{index}"), found);
                }
            }
            _ => {}
        }
    }
    let odd = json!([null, [], {}, "", -1, true, [[1], {"a": 2}], {"Ref": "L"}, {"Ref": "AWS::NoValue"},
        {"Fn::GetAtt": ["A", "P"]}, {"Fn::If": ["C", 1, {"Ref": "S"}]}, {"Condition": "C"}]);
    let mut all = Vec::new();
    paths(document, "", &mut all);
    let replaced = |path: &String, value: &Json| {
        let mut copy = document.clone();
        *copy.pointer_mut(path).unwrap() = value.clone();
        copy
    };
    let values = odd.as_array().unwrap();
    all.iter()
        .flat_map(|path| {
            values
                .iter()
                .map(|value| replaced(path, value))
                .collect::<Vec<_>>()
        })
        .collect()
}

#[test]
fn odd_values_anywhere_are_findings_and_never_panics() {
    let document = json!({
        "Transform": ["AWS::LanguageExtensions", {"Name": "M"}],
        "Parameters": {"L": {"Type": "CommaDelimitedList", "Default": "a,b", "AllowedValues": ["a", "b"], "MinLength": 1},
            "S": {"Type": "AWS::SSM::Parameter::Value<String>", "Default": "/x"}, "N": {"Type": "Number", "Default": 1}},
        "Mappings": {"M": {"a": {"b": ["c"]}}},
        "Rules": {"R": {"RuleCondition": {"Fn::Equals": ["a", "b"]}, "Assertions": [{"Assert": {"Fn::Contains": [["a"], "a"]}}]}},
        "Conditions": {"C": {"Fn::And": [{"Fn::Not": [{"Condition": "D"}]}, {"Fn::Equals": [1, 1]}]}, "D": {"Fn::Equals": [{"Ref": "N"}, 2]}},
        "Resources": {
            "Fn::ForEach::F": ["V", {"Ref": "L"}, {"R${V}": {"Type": "T"}}],
            "A": {"Type": "T", "Condition": "C", "DependsOn": ["B"], "Metadata": {"aws:cdk:path": "s/x"}, "Properties": {"P": [
                {"Fn::Join": ["", [{"Fn::Sub": ["${x}${AWS::Region}", {"x": 1}]}]]}, {"Fn::Select": [0, {"Fn::Split": [",", "a,b"]}]},
                {"Fn::Cidr": ["10.0.0.0/16", 2, 8]}, {"Fn::GetAZs": ""}, {"Fn::FindInMap": ["M", "a", "b", {"DefaultValue": 1}]},
                {"Fn::If": ["C", 1, 2]}, {"Fn::ImportValue": "x"}, {"Fn::Base64": "x"}, {"Fn::Length": [1]}, {"Fn::ToJsonString": {"a": 1}}]}},
            "B": {"Type": "AWS::CloudFormation::Stack", "Properties": {"TemplateURL": "x/y.yaml", "Parameters": {"L": "a"}}},
            "Fw": {"Type": "AWS::NetworkFirewall::Firewall", "Properties": {"SubnetMappings": [{"SubnetId": "x"}], "E": {"Fn::GetAtt": ["Fw2", "EndpointIds"]}}},
            "Fw2": {"Type": "AWS::NetworkFirewall::Firewall", "Properties": {"SubnetMappings": [{"SubnetId": {"Ref": "N"}}]}}
        },
        "Outputs": {"O": {"Value": {"Ref": "A"}, "Condition": "C", "Export": {"Name": {"Fn::Sub": "x"}}}, "P": {"Value": {"Fn::GetAtt": ["B", "Outputs.O"]}}}
    });
    let child = document.to_string();
    let sound = outcome(
        &[
            ("a.json", &child),
            ("y.yaml", "Resources: {}\nOutputs: {O: {Value: 1}}"),
        ],
        &Options::default(),
    );
    assert_eq!(sound.codes(), ["transform-not-run"], "{}", sound.messages());
    let odd = oddities(&document);
    assert!(odd.len() > 1000);
    for document in odd {
        let text = document.to_string();
        outcome(&[("a.json", &text), ("x/y.yaml", &text)], &Options::default());
    }
}
