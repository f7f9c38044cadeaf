//! Large designs: idle instances cost little, and one question about them little time.

use std::net::Ipv4Addr;
use std::sync::Arc;

use vpcsim_analysis::{FlowQuery, Observed, Options, Simulation};
use vpcsim_aws::Topology;

const INSTANCES: u32 = 100_000;
const PER_SUBNET: u32 = 250;

/// One VPC full of instances, written as the describe output of an account.
fn topology() -> Topology {
    use std::fmt::Write as _;
    let (mut subnets, mut interfaces, mut instances) = (String::new(), String::new(), String::new());
    for number in 0..INSTANCES {
        let (subnet, host) = (number / PER_SUBNET, 4 + number % PER_SUBNET);
        let third = Ipv4Addr::from(0x0A00_0000 + (subnet << 8));
        if host == 4 {
            let sep = if subnet == 0 { "" } else { "," };
            write!(
                subnets,
                r#"{sep}{{"SubnetId":"subnet-{subnet}","VpcId":"vpc-1","CidrBlock":"{third}/24","AvailabilityZone":"eu-west-1a"}}"#
            )
            .unwrap();
        }
        let address = Ipv4Addr::from(u32::from(third) + host);
        let sep = if number == 0 { "" } else { "," };
        write!(
            interfaces,
            r#"{sep}{{"NetworkInterfaceId":"eni-{number}","SubnetId":"subnet-{subnet}","VpcId":"vpc-1","InterfaceType":"interface","PrivateIpAddresses":[{{"Primary":true,"PrivateIpAddress":"{address}"}}],"Groups":[{{"GroupId":"sg-1"}}],"Attachment":{{"InstanceId":"i-{number}","DeviceIndex":0}}}}"#
        )
        .unwrap();
        write!(
            instances,
            r#"{sep}{{"Instances":[{{"InstanceId":"i-{number}","State":{{"Name":"running"}}}}]}}"#
        )
        .unwrap();
    }
    let all = r#"[{"IpProtocol":"-1","IpRanges":[{"CidrIp":"10.0.0.0/8"}]}]"#;
    let text = format!(
        r#"{{"Vpcs":[{{"VpcId":"vpc-1","CidrBlock":"10.0.0.0/16"}}],"Subnets":[{subnets}],"NetworkInterfaces":[{interfaces}],"Reservations":[{instances}],
        "SecurityGroups":[{{"GroupId":"sg-1","GroupName":"all","VpcId":"vpc-1","IpPermissions":{all},"IpPermissionsEgress":{all}}}]}}"#
    );
    let source = vpcsim_import::Source {
        name: "large.json".to_owned(),
        bytes: text.into_bytes(),
    };
    let design = vpcsim_import::read(vec![source]);
    assert!(!design.findings.has_errors());
    design.topology
}

#[test]
fn a_hundred_thousand_idle_instances_are_no_burden() {
    let simulation = Simulation::new(Arc::new(topology()));
    assert_eq!(simulation.topology().instances.len(), INSTANCES as usize);
    let last = format!("i-{}", INSTANCES - 1);
    let query = FlowQuery {
        source: "i-0".to_owned(),
        dst: last,
        protocol: "icmp".to_owned(),
        ..FlowQuery::default()
    };
    let (answer, _) = simulation.trace(&query, &Options::default()).unwrap();
    assert_eq!(answer.observed, Observed::Reply);
}
