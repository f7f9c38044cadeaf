//! What is read of described load balancers beside their zones: health checks, attributes, targets.

use vpcsim_aws::Topology;
use vpcsim_aws::devices::TargetGroup;
use vpcsim_aws::devices::target_group::{HealthMinimum, HealthProtocol, TargetHealth};
use vpcsim_import::{Source, read, write_native};

const NET: &str = r#"
 "Vpcs": [{ "VpcId": "vpc-1", "CidrBlock": "10.0.0.0/16", "CidrBlockAssociationSet": [] }],
 "Subnets": [{ "SubnetId": "subnet-1", "VpcId": "vpc-1", "CidrBlock": "10.0.1.0/24", "AvailabilityZone": "eu-west-1a" }],
 "LoadBalancers": [{ "LoadBalancerArn": "arn:lb", "LoadBalancerName": "front", "Type": "network", "Scheme": "internal",
   "VpcId": "vpc-1", "State": { "Code": "active" },
   "AvailabilityZones": [{ "ZoneName": "eu-west-1a", "SubnetId": "subnet-1" }] }],
 "Listeners": [
   { "ListenerArn": "arn:listener", "LoadBalancerArn": "arn:lb", "Port": 80, "Protocol": "TCP",
     "DefaultActions": [{ "Type": "forward", "TargetGroupArn": "arn:web" }] },
   { "ListenerArn": "arn:usual", "LoadBalancerArn": "arn:lb", "Port": 81, "Protocol": "TCP",
     "DefaultActions": [{ "Type": "forward", "TargetGroupArn": "arn:web" }] }],
 "ListenerAttributes": [
   { "ListenerArn": "arn:listener", "Attributes": [{ "Key": "tcp.idle_timeout.seconds", "Value": "600" }] },
   { "ListenerArn": "arn:usual", "Attributes": [{ "Key": "tcp.idle_timeout.seconds", "Value": "350" }] }]"#;

const WEB: &str = r#"{ "TargetGroupArn": "arn:web", "TargetGroupName": "web", "Protocol": "TCP", "Port": 8080,
   "VpcId": "vpc-1", "TargetType": "ip", "HealthCheckProtocol": "HTTP", "HealthCheckPort": "traffic-port",
   "HealthCheckPath": "/up", "HealthCheckIntervalSeconds": 10, "HealthCheckTimeoutSeconds": 6,
   "HealthyThresholdCount": 3, "UnhealthyThresholdCount": 4, "Matcher": { "HttpCode": "200-299" } }"#;

fn design(more: &str) -> (Topology, Vec<&'static str>) {
    let bytes = format!("{{ {NET}, {more} }}").into_bytes();
    let design = read(vec![Source {
        name: "dump.json".to_owned(),
        bytes,
    }]);
    let codes = design.findings.iter().map(|finding| finding.code).collect();
    (design.topology, codes)
}

fn group<'t>(topology: &'t Topology, name: &str) -> &'t TargetGroup {
    let mut groups = topology.target_groups.iter();
    groups
        .find(|(_, group)| group.label.name == name)
        .expect("it is described")
        .1
}

#[test]
fn health_checks_idle_timeouts_and_minimums_are_read_and_written_back() {
    let (topology, _) = design(&format!(
        r#""TargetGroups": [{WEB}], "TargetGroupAttributes": [{{ "TargetGroupArn": "arn:web", "Attributes": [
          {{ "Key": "target_group_health.dns_failover.minimum_healthy_targets.count", "Value": "off" }},
          {{ "Key": "target_group_health.unhealthy_state_routing.minimum_healthy_targets.percentage", "Value": "50" }},
          {{ "Key": "target_health_state.unhealthy.connection_termination.enabled", "Value": "false" }},
          {{ "Key": "proxy_protocol_v2.enabled", "Value": "true" }}] }}],
          "TargetHealthDescriptions": [{{ "Target": {{ "Id": "10.0.1.9", "Port": 8080 }}, "TargetHealth": {{ "State": "healthy" }} }}]"#
    ));
    let check = |topology: &Topology| {
        let group = group(topology, "web");
        let check = &group.health_check;
        assert_eq!(
            (check.protocol, check.port, check.path.as_str()),
            (HealthProtocol::Http, None, "/up")
        );
        assert_eq!(
            (check.interval_s, check.timeout_s, check.timeout_s()),
            (10, None, 6)
        );
        assert_eq!(
            (
                check.healthy_threshold,
                check.unhealthy_threshold,
                check.codes.as_slice()
            ),
            (3, 4, &[(200, 299)][..])
        );
        assert_eq!(
            group.dns_failover,
            HealthMinimum {
                count: None,
                percent: None
            }
        );
        assert_eq!(
            group.routing_failover,
            HealthMinimum {
                count: Some(1),
                percent: Some(50)
            }
        );
        assert!(group.proxy_protocol && !group.resets_unhealthy);
        assert_eq!(group.targets[0].health, Some(TargetHealth::Healthy));
        let (_, balancer) = topology.load_balancers.iter().next().expect("one");
        let idle: Vec<Option<u32>> = balancer
            .listeners
            .iter()
            .map(|listener| listener.idle_timeout_s)
            .collect();
        assert_eq!(idle, [Some(600), None]);
    };
    check(&topology);
    let written = write_native(&topology);
    check(
        &read(vec![Source {
            name: "design.yaml".to_owned(),
            bytes: written.into_bytes(),
        }])
        .topology,
    );
}

#[test]
fn targets_without_the_arn_of_their_group_belong_to_the_one_that_they_fit() {
    let other = WEB
        .replace("arn:web", "arn:other")
        .replace("\"web\"", "\"other\"")
        .replace("8080", "9090");
    let health = r#""TargetHealthDescriptions": [
      { "Target": { "Id": "10.0.1.9", "Port": 9090 }, "TargetHealth": { "State": "unhealthy" } },
      { "Target": { "Id": "10.0.1.7", "Port": 8080 }, "TargetHealth": { "State": "initial" } }]"#;
    let (topology, _) = design(&format!(r#""TargetGroups": [{WEB}, {other}], {health}"#));
    assert_eq!(group(&topology, "web").targets.len(), 1);
    assert_eq!(
        group(&topology, "other").targets[0].health,
        Some(TargetHealth::Unhealthy)
    );
    let twin = WEB
        .replace("arn:web", "arn:other")
        .replace("\"web\"", "\"other\"");
    let (_, codes) = design(&format!(r#""TargetGroups": [{WEB}, {twin}], {health}"#));
    assert_eq!(
        codes
            .iter()
            .filter(|code| **code == "targets-not-in-input")
            .count(),
        2,
        "who knows whose they are"
    );
}
