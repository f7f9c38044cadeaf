//! What is assumed of described instances that routes lead to.

use vpcsim_import::{Source, read};

fn design(checked: bool, destination: &str) -> (Vec<&'static str>, Vec<(bool, bool, bool)>) {
    let text = format!(
        r#"{{ "Vpcs": [{{ "VpcId": "vpc-1", "CidrBlock": "10.0.0.0/16" }}],
        "Subnets": [{{ "SubnetId": "subnet-1", "VpcId": "vpc-1", "CidrBlock": "10.0.1.0/24", "AvailabilityZone": "eu-west-1a" }}],
        "RouteTables": [{{ "RouteTableId": "rtb-1", "VpcId": "vpc-1", "Associations": [{{ "Main": true }}],
          "Routes": [{{ "DestinationCidrBlock": "{destination}", "NetworkInterfaceId": "eni-1", "State": "active" }}] }}],
        "Reservations": [{{ "Instances": [{{ "InstanceId": "i-1", "State": {{ "Name": "running" }} }}] }}],
        "NetworkInterfaces": [{{ "NetworkInterfaceId": "eni-1", "SubnetId": "subnet-1", "VpcId": "vpc-1",
          "SourceDestCheck": {checked}, "PrivateIpAddresses": [{{ "PrivateIpAddress": "10.0.1.5", "Primary": true }}],
          "Attachment": {{ "InstanceId": "i-1", "DeviceIndex": 0 }} }}] }}"#
    );
    let design = read(vec![Source {
        name: "dump.json".to_owned(),
        bytes: text.into_bytes(),
    }]);
    let codes = design.findings.iter().map(|finding| finding.code).collect();
    let instances = design.topology.instances.iter();
    let appliances = instances.filter_map(|(_, instance)| instance.appliance.as_ref());
    (
        codes,
        appliances
            .map(|own| (own.assumed, own.masquerade, own.stateful))
            .collect(),
    )
}

#[test]
fn a_described_route_target_without_source_dest_check_is_assumed_to_forward_and_a_note_says_so() {
    let (codes, appliances) = design(false, "10.9.0.0/16");
    assert_eq!(
        codes.iter().filter(|code| **code == "appliance-assumed").count(),
        1
    );
    assert_eq!(appliances, [(true, false, false)], "a router without rules");
}

#[test]
fn with_the_check_on_nothing_is_assumed() {
    let (codes, appliances) = design(true, "10.9.0.0/16");
    assert!(!codes.contains(&"appliance-assumed"));
    assert!(appliances.is_empty());
}
