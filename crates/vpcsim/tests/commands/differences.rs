//! What `vpcsim diff` takes, and what it refuses.

use super::{Desk, SHOP};

/// A web server whose port is a parameter, and whose group is open by name of the region only.
fn template(more: &str) -> String {
    format!(
        r#"{{
  "Parameters": {{ "Port": {{ "Type": "Number" }} }},
  "Resources": {{
    "Net": {{ "Type": "AWS::EC2::VPC", "Properties": {{ "CidrBlock": "10.0.0.0/16" }} }},
    "Part": {{ "Type": "AWS::EC2::Subnet", "Properties": {{ "VpcId": {{ "Ref": "Net" }}, "CidrBlock": "10.0.1.0/24",
      "AvailabilityZone": {{ "Fn::Join": ["", [{{ "Ref": "AWS::Region" }}, "a"]] }} }} }},
    "Web": {{ "Type": "AWS::EC2::SecurityGroup", "Properties": {{ "GroupDescription": "web", "VpcId": {{ "Ref": "Net" }},
      "SecurityGroupIngress": [{more} {{ "IpProtocol": "tcp", "FromPort": {{ "Ref": "Port" }}, "ToPort": {{ "Ref": "Port" }},
        "CidrIp": "10.0.0.0/16" }}] }} }},
    "One": {{ "Type": "AWS::EC2::Instance", "Properties": {{ "ImageId": "ami-1", "SubnetId": {{ "Ref": "Part" }},
      "SecurityGroupIds": [{{ "Ref": "Web" }}] }} }},
    "Two": {{ "Type": "AWS::EC2::Instance", "Properties": {{ "ImageId": "ami-1", "SubnetId": {{ "Ref": "Part" }},
      "SecurityGroupIds": [{{ "Ref": "Web" }}] }} }}
  }}
}}"#
    )
}

#[test]
fn parameters_and_the_region_count_for_both_designs() {
    let desk = Desk::with(SHOP);
    desk.put("old.json", &template(""));
    let ssh = r#"{ "IpProtocol": "tcp", "FromPort": 22, "ToPort": 22, "CidrIp": "10.0.0.0/16" },"#;
    desk.put("new.json", &template(ssh));
    let without = desk.vpcsim(&["diff", "old.json", "new.json"]);
    without.ends_with(2).complains("Port");
    let with = [
        "diff",
        "old.json",
        "new.json",
        "--param",
        "Port=8080",
        "--region",
        "eu-west-1",
    ];
    desk.vpcsim(&with).ends_with(1).prints("+ opens tcp 22\n");
    let opened = [&with[..], &["--param", "Port=22"]].concat();
    desk.vpcsim(&opened).ends_with(0).prints("nothing changes");
}

/// The shop of an account.
fn shop_of(account: &str) -> String {
    let owned = format!("    cidr: 10.0.0.0/16\n    account: \"{account}\"\n");
    SHOP.replace("    cidr: 10.0.0.0/16\n", &owned)
}

#[test]
fn designs_of_different_accounts_are_refused_at_a_place() {
    let desk = Desk::with(&shop_of("111111111111"));
    desk.put("other.yaml", &shop_of("222222222222"));
    let ended = desk.vpcsim(&["diff", "shop.yaml", "other.yaml"]);
    ended
        .ends_with(2)
        .complains("error[different-accounts]")
        .complains("different accounts, 111111111111 and 222222222222")
        .complains("other.yaml:4:3");
    assert_eq!(ended.stdout, "");
    desk.put("unknown.yaml", SHOP);
    desk.vpcsim(&["diff", "shop.yaml", "unknown.yaml"]).ends_with(0);
}
