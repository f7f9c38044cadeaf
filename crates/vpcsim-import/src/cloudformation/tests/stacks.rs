//! Several stacks: nested ones, exports, directories of the CDK.

use serde_json::json;

use super::{Outcome, outcome};
use crate::cloudformation::Options;

fn several(files: &[(&str, &str)]) -> Outcome {
    outcome(files, &Options::default())
}

const CHILD: &str = "
Parameters:
  VpcId: {Type: AWS::EC2::VPC::Id}
  Cidr: {Type: String}
Resources:
  Subnet: {Type: AWS::EC2::Subnet, Properties: {VpcId: !Ref VpcId, CidrBlock: !Ref Cidr, AvailabilityZone: !Select [1, !GetAZs '']}}
Outputs:
  SubnetId: {Value: !Ref Subnet}
  Missing: {Value: !GetAtt Subnet.AvailabilityZone}
";

#[test]
fn nested_stacks_take_parameters_and_give_outputs() {
    let parent = "
Resources:
  Vpc: {Type: AWS::EC2::VPC, Properties: {CidrBlock: 10.0.0.0/16}}
  Net:
    Type: AWS::CloudFormation::Stack
    Properties:
      TemplateURL: !Sub https://s3.${AWS::URLSuffix}/bucket/nets/subnet.yaml
      Parameters: {VpcId: !Ref Vpc, Cidr: !Select [0, !Cidr [!GetAtt Vpc.CidrBlock, 1, 8]]}
  Host: {Type: AWS::EC2::Instance, Properties: {SubnetId: !GetAtt Net.Outputs.SubnetId, Zone: !GetAtt Net.Outputs.Missing}}
";
    let outcome = several(&[("app.yaml", parent), ("nets/subnet.yaml", CHILD)]);
    assert_eq!(outcome.messages(), "");
    let ids: Vec<&str> = outcome
        .declared
        .iter()
        .map(|declared| declared.id.as_str())
        .collect();
    assert_eq!(ids, ["app.Vpc", "app.Host", "app.Net.Subnet"]);
    assert_eq!(
        outcome.values("app.Net.Subnet"),
        json!({"VpcId": "app.Vpc", "CidrBlock": "10.0.0.0/24", "AvailabilityZone": "us-east-1b"})
    );
    assert_eq!(
        outcome.values("app.Host"),
        json!({"SubnetId": "app.Net.Subnet", "Zone": "us-east-1b"})
    );
    let typo = parent.replace("Outputs.SubnetId", "Outputs.SubnetIt");
    let outcome = several(&[("app.yaml", &typo), ("nets/subnet.yaml", CHILD)]);
    assert_eq!(outcome.codes(), ["unknown-reference"]);
    let without = parent.replace(", Cidr: !Select [0, !Cidr [!GetAtt Vpc.CidrBlock, 1, 8]]", "");
    let outcome = several(&[("app.yaml", &without), ("nets/subnet.yaml", CHILD)]);
    assert_eq!(outcome.codes(), ["parameter-missing"]);
}

#[test]
fn a_nested_stack_that_is_not_there_is_named() {
    let parent = "
Resources:
  Net: {Type: AWS::CloudFormation::Stack, Properties: {TemplateURL: ./net.yaml}}
  Host: {Type: AWS::EC2::Instance, Properties: {SubnetId: !GetAtt Net.Outputs.SubnetId}}
";
    let outcome = several(&[("app.yaml", parent)]);
    assert_eq!(outcome.codes(), ["nested-stack-not-in-input"]);
    assert_eq!(outcome.findings[0].origin.line, 3);
    assert_eq!(
        outcome.values("Host"),
        json!({"SubnetId": "external:Net.SubnetId"})
    );
}

#[test]
fn stacks_that_nest_each_other_are_a_circle() {
    let text = |other: &str| {
        format!(
            "Resources:\n  N: {{Type: AWS::CloudFormation::Stack, Properties: {{TemplateURL: {other}}}}}\n"
        )
    };
    let outcome = several(&[("a.yaml", &text("b.yaml")), ("b.yaml", &text("a.yaml"))]);
    assert_eq!(outcome.codes(), ["cyclic-reference"]);
    assert_eq!(
        several(&[("a.yaml", &text("a.yaml"))]).codes(),
        ["cyclic-reference"]
    );
}

#[test]
fn exports_are_found_whatever_the_order_of_the_files() {
    let app = "
Resources:
  Host: {Type: AWS::EC2::Instance, Properties: {SubnetId: !ImportValue 'net-Subnet', Other: {Fn::ImportValue: !Sub 'net-Vcp'}}}
";
    let net = "
Resources:
  Subnet: {Type: AWS::EC2::Subnet, Properties: {CidrBlock: 10.0.0.0/24}}
Outputs:
  Subnet: {Value: !Ref Subnet, Export: {Name: !Sub '${AWS::StackName}-Subnet'}}
  Vpc: {Value: none, Export: {Name: net-Vpc}}
";
    for files in [
        [("app.yaml", app), ("net.yaml", net)],
        [("net.yaml", net), ("app.yaml", app)],
    ] {
        let outcome = several(&files);
        assert_eq!(outcome.codes(), ["import-not-in-input"]);
        assert_eq!(
            outcome.findings[0].help.as_deref(),
            Some("did you mean `net-Vpc`?")
        );
        assert_eq!(
            outcome.values("app.Host"),
            json!({"SubnetId": "net.Subnet", "Other": "external:net-Vcp"})
        );
    }
    let twice = [
        ("a.yaml", net),
        ("b.yaml", &net.replace("${AWS::StackName}", "a")),
    ];
    assert_eq!(several(&twice).codes(), ["duplicate-export", "duplicate-export"]);
}

#[test]
fn a_directory_of_the_cdk_is_one_model() {
    let manifest = r#"{"version": "36", "artifacts": {
        "Net": {"type": "aws:cloudformation:stack", "environment": "aws://111122223333/eu-west-1",
                "properties": {"templateFile": "Net.template.json"}, "displayName": "Net"},
        "Gone": {"type": "aws:cloudformation:stack", "properties": {"templateFile": "Gone.template.json"}},
        "App": {"type": "aws:cloudformation:stack", "environment": "aws://111122223333/eu-west-1",
                "properties": {"templateFile": "App.template.json"}}}}"#;
    let net = r#"{"Resources": {"Vpc8378EB38": {"Type": "AWS::EC2::VPC", "Properties": {"CidrBlock": "10.0.0.0/16"},
        "Metadata": {"aws:cdk:path": "Net/Vpc/Resource"}},
        "Nested": {"Type": "AWS::CloudFormation::Stack", "Metadata": {"aws:asset:path": "NetNested1.nested.template.json"},
        "Properties": {"TemplateURL": {"Fn::Join": ["", ["https://s3.", {"Ref": "AWS::Region"}, "/0a1b.json"]]}}}},
        "Outputs": {"ExportsOutputRefVpc": {"Value": {"Ref": "Vpc8378EB38"}, "Export": {"Name": "Net:ExportsOutputRefVpc"}}}}"#;
    let nested = r#"{"Resources": {"Gateway": {"Type": "AWS::EC2::InternetGateway", "Metadata": {"aws:cdk:path": "Net/Nested/Gateway"}}}}"#;
    let app = r#"{"Resources": {"Sg": {"Type": "AWS::EC2::SecurityGroup", "Properties":
        {"VpcId": {"Fn::ImportValue": "Net:ExportsOutputRefVpc"}, "Zones": {"Fn::GetAZs": ""}}}}}"#;
    let outcome = several(&[
        ("cdk.out/App.template.json", app),
        ("cdk.out/Net.template.json", net),
        ("cdk.out/NetNested1.nested.template.json", nested),
        ("cdk.out/manifest.json", manifest),
        ("cdk.out/tree.json", r#"{"version": "tree-0.1", "tree": {}}"#),
        ("cdk.out/cdk.out", r#"{"version": "36.0.0"}"#),
    ]);
    assert_eq!(outcome.codes(), ["cdk-template-missing"]);
    assert_eq!(
        outcome.values("App.Sg"),
        json!({"VpcId": "Net.Vpc8378EB38", "Zones": ["eu-west-1a", "eu-west-1b", "eu-west-1c"]})
    );
    assert_eq!(
        outcome.values("Net.Vpc8378EB38"),
        json!({"@name": "Vpc", "CidrBlock": "10.0.0.0/16"})
    );
    assert_eq!(
        outcome.values("Net.Nested.Gateway"),
        json!({"@name": "Nested/Gateway"})
    );
    let vpc = &outcome.declared[1];
    assert_eq!(
        (vpc.account.as_str(), vpc.region.as_str()),
        ("111122223333", "eu-west-1")
    );
}

#[test]
fn endpoints_of_firewalls_say_their_zone() {
    let text = "
Resources:
  Vpc: {Type: AWS::EC2::VPC, Properties: {CidrBlock: 10.0.0.0/16}}
  A: {Type: AWS::EC2::Subnet, Properties: {VpcId: !Ref Vpc, AvailabilityZone: !Select [0, !GetAZs '']}}
  B: {Type: AWS::EC2::Subnet, Properties: {VpcId: !Ref Vpc, AvailabilityZone: !Select [1, !GetAZs '']}}
  Fw: {Type: AWS::NetworkFirewall::Firewall, Properties: {SubnetMappings: [{SubnetId: !Ref A}, {SubnetId: !Ref B}]}}
  Ep: {Type: AWS::EC2::VPCEndpoint, Properties: {SubnetIds: [!Ref A, !Ref B]}}
  Route:
    Type: AWS::EC2::Route
    Properties:
      VpcEndpointId: !Select [1, !Split [':', !Select [1, !GetAtt Fw.EndpointIds]]]
      All: !GetAtt Fw.EndpointIds
      Interfaces: !GetAtt Ep.NetworkInterfaceIds
      Zone: !GetAtt A.AvailabilityZone
      Dns: !Select [1, !Split [':', !Select [0, !GetAtt Ep.DnsEntries]]]
";
    let outcome = super::one(text);
    assert_eq!(outcome.messages(), "");
    assert_eq!(
        outcome.values("Route"),
        json!({
            "VpcEndpointId": "Fw.EndpointIds[1]",
            "All": ["us-east-1a:Fw.EndpointIds[0]", "us-east-1b:Fw.EndpointIds[1]"],
            "Interfaces": ["Ep.NetworkInterfaceIds[0]", "Ep.NetworkInterfaceIds[1]"],
            "Zone": "us-east-1a",
            "Dns": "Ep.DnsEntries[1]",
        })
    );
}
