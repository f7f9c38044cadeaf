//! Each intrinsic function.

use serde_json::json;

use super::{codes_of, one, value_of};

#[test]
fn ref_gives_parameters_ids_and_what_every_stack_knows() {
    assert_eq!(value_of("!Ref Env"), json!("prod"));
    assert_eq!(value_of("{Ref: Count}"), json!(3));
    assert_eq!(value_of("!Ref Zones"), json!(["a", "b", "c"]));
    assert_eq!(value_of("!Ref Vpc"), json!("Vpc"));
    assert_eq!(value_of("!Ref AWS::Region"), json!("us-east-1"));
    assert_eq!(value_of("!Ref AWS::AccountId"), json!("123456789012"));
    assert_eq!(value_of("!Ref AWS::StackName"), json!("shop"));
    assert_eq!(value_of("!Ref AWS::Partition"), json!("aws"));
    assert_eq!(value_of("[1, !Ref AWS::NoValue, 2]"), json!([1, 2]));
    assert_eq!(value_of("!Ref AWS::NoValue"), json!(null));
    assert_eq!(codes_of("!Ref Vcp"), ["unknown-reference"]);
    assert_eq!(codes_of("!Ref AWS::Regoin"), ["unknown-reference"]);
    assert_eq!(codes_of("!Ref Off"), ["condition-false-reference"]);
}

#[test]
fn get_att_gives_properties_ids_or_names() {
    assert_eq!(value_of("!GetAtt Vpc.CidrBlock"), json!("10.0.0.0/16"));
    assert_eq!(value_of("!GetAtt [Vpc, CidrBlock]"), json!("10.0.0.0/16"));
    assert_eq!(value_of("{Fn::GetAtt: [Vpc, VpcId]}"), json!("Vpc"));
    assert_eq!(
        value_of("!GetAtt Vpc.DefaultSecurityGroup"),
        json!("Vpc.DefaultSecurityGroup")
    );
    assert_eq!(value_of("!GetAtt Alb.LoadBalancerArn"), json!("Alb"));
    assert_eq!(value_of("!GetAtt Alb.DNSName"), json!("Alb.DNSName"));
    assert_eq!(codes_of("!GetAtt Vcp.CidrBlock"), ["unknown-reference"]);
    assert_eq!(codes_of("!GetAtt Vpc"), ["wrong-type"]);
}

#[test]
fn sub_puts_values_into_texts() {
    assert_eq!(
        value_of("!Sub '${Env}-${Vpc.CidrBlock}-${Count}'"),
        json!("prod-10.0.0.0/16-3")
    );
    assert_eq!(
        value_of("!Sub '${!Keep} $ {x} ${AWS::Region}'"),
        json!("${Keep} $ {x} us-east-1")
    );
    assert_eq!(value_of("!Sub ['${A}${Env}', {A: !Ref Count}]"), json!("3prod"));
    assert_eq!(value_of("!Sub 'open ${'"), json!("open ${"));
    assert_eq!(codes_of("!Sub '${Envv}'"), ["unknown-reference"]);
}

#[test]
fn lists_are_joined_split_selected_and_counted() {
    assert_eq!(value_of("!Join ['-', [a, !Ref Env, 1]]"), json!("a-prod-1"));
    assert_eq!(value_of("!Join [',', !Ref Zones]"), json!("a,b,c"));
    assert_eq!(value_of("!Split ['.', 10.0.1]"), json!(["10", "0", "1"]));
    assert_eq!(value_of("!Select [1, !Ref Zones]"), json!("b"));
    assert_eq!(value_of("!Select ['0', [x, y]]"), json!("x"));
    assert_eq!(value_of("{Fn::Length: !Ref Zones}"), json!(3));
    assert_eq!(codes_of("!Select [3, !Ref Zones]"), ["index-out-of-range"]);
    assert_eq!(codes_of("!Select [one, !Ref Zones]"), ["wrong-type"]);
    assert_eq!(codes_of("!Join [a]"), ["wrong-type"]);
    assert_eq!(codes_of("!Split ['', a]"), ["wrong-type"]);
}

#[test]
fn what_is_made_of_unknown_texts_is_unknown_and_no_error() {
    assert_eq!(
        value_of("!Select [1, !Split [loadbalancer/, !Ref Alb]]"),
        json!("Alb[1]")
    );
    assert_eq!(
        value_of("!Select [1, !Cidr [!GetAtt Alb.Range, 2, 8]]"),
        json!("Alb.Range[1]")
    );
    let stored = one(
        "Resources: {X: {Type: T, Properties: {V: '{{resolve:ssm:/net/vpc}}', S: !Sub '{{resolve:ssm:/${AWS::Region}}}'}}}",
    );
    assert_eq!(stored.codes(), ["ssm-parameter-assumed"]);
    assert_eq!(
        stored.values("X"),
        json!({"V": "external:/net/vpc", "S": "external:/us-east-1"})
    );
    assert_eq!(value_of("!Sub '${Alb.DNSName}:80'"), json!("Alb.DNSName:80"));
}

#[test]
fn cidr_and_zones_follow_the_region() {
    assert_eq!(
        value_of("!Cidr [!GetAtt Vpc.CidrBlock, 2, 8]"),
        json!(["10.0.0.0/24", "10.0.1.0/24"])
    );
    assert_eq!(value_of("!Select [0, !GetAZs '']"), json!("us-east-1a"));
    assert_eq!(
        value_of("!Select [2, Fn::GetAZs: eu-west-1]"),
        json!("eu-west-1c")
    );
    assert_eq!(
        value_of("!Select [1, Fn::GetAZs: !Ref AWS::Region]"),
        json!("us-east-1b")
    );
    assert_eq!(codes_of("!Cidr [10.0.0.0/24, 3, 7]"), ["cidr-overflow"]);
    assert_eq!(codes_of("!Cidr [10.0.0.0/24, 300, 4]"), ["wrong-type"]);
    assert_eq!(codes_of("!Cidr [ten, 1, 4]"), ["bad-cidr"]);
}

#[test]
fn mappings_are_looked_up() {
    assert_eq!(
        value_of("!FindInMap [Sizes, !Ref Env, cidr]"),
        json!("10.0.0.0/16")
    );
    assert_eq!(value_of("!FindInMap [Sizes, prod, list]"), json!(["x", "y"]));
    assert_eq!(
        value_of("!FindInMap [Sizes, live, cidr, {DefaultValue: none}]"),
        json!("none")
    );
    assert_eq!(codes_of("!FindInMap [Sizes, prd, cidr]"), ["unknown-mapping-key"]);
}

#[test]
fn conditions_choose() {
    assert_eq!(value_of("!If [IsProd, a, b]"), json!("a"));
    assert_eq!(
        value_of("!If [IsTest, !Ref Nobody, !Ref AWS::NoValue]"),
        json!(null)
    );
    let text = "
Parameters: {A: {Type: String, Default: '1'}}
Conditions:
  Both: !And [!Equals [!Ref A, 1], !Not [!Condition Neither]]
  Neither: {'Fn::Or': [!Equals [a, b], {Condition: Never}]}
  Never: !Equals [!Ref A, '']
Resources:
  X: {Type: T, Condition: Both}
  Y: {Type: T, Condition: Neither}
";
    let outcome = one(text);
    assert!(outcome.findings.is_empty(), "{}", outcome.messages());
    assert_eq!(outcome.declared.len(), 1);
    assert_eq!(codes_of("!If [IsPord, a, b]"), ["unknown-reference"]);
    assert_eq!(codes_of("!If [IsProd, a]"), ["wrong-type"]);
}

#[test]
fn texts_are_encoded() {
    assert_eq!(value_of("{Fn::Base64: !Sub 'hi ${Env}'}"), json!("aGkgcHJvZA=="));
    assert_eq!(
        value_of("{Fn::ToJsonString: {a: [1, !Ref Env], b: {c: !Ref Vpc}}}"),
        json!(r#"{"a":[1,"prod"],"b":{"c":"Vpc"}}"#)
    );
}

#[test]
fn loops_make_resources_and_properties() {
    let text = "
Transform: AWS::LanguageExtensions
Parameters: {Names: {Type: CommaDelimitedList, Default: 'A,B'}}
Conditions:
  Fn::ForEach::C: [N, !Ref Names, {'Is${N}': !Equals [!Ref N, A]}]
Resources:
  Fn::ForEach::Subnets:
    - N
    - !Ref Names
    - Subnet${N}:
        Type: AWS::EC2::Subnet
        Condition: Is${N}
        Properties: {Tags: [{Key: Name, Value: !Sub 'subnet ${N}'}], Name: !Ref N, Raw: 'r${N}'}
  X:
    Type: T
    Properties:
      Fn::ForEach::P: [K, [p, q], {'${K}1': !Ref K}]
      Other: 1
";
    let outcome = one(text);
    assert!(outcome.findings.is_empty(), "{}", outcome.messages());
    assert_eq!(outcome.declared.len(), 2);
    assert_eq!(
        outcome.values("SubnetA"),
        json!({"Tags": [{"Key": "Name", "Value": "subnet A"}], "Name": "A", "Raw": "rA"})
    );
    assert_eq!(outcome.values("X"), json!({"p1": "p", "q1": "q", "Other": 1}));
    let without = text.replace("Transform: AWS::LanguageExtensions", "");
    assert!(one(&without).codes().contains(&"unknown-intrinsic"));
}

#[test]
fn functions_that_do_not_exist_or_run_elsewhere_are_named() {
    assert_eq!(codes_of("!Slect [0, [a]]"), ["unknown-intrinsic"]);
    assert_eq!(codes_of("{Fn::Joined: [a]}"), ["unknown-intrinsic"]);
    assert_eq!(codes_of("!Rain::Embed code.js"), ["transform-not-run"]);
    assert_eq!(codes_of("{Fn::Sub: a, Other: b}"), ["intrinsic-not-alone"]);
    assert_eq!(codes_of("{Fn::Transform: {Name: Mine}}"), ["transform-not-run"]);
}
