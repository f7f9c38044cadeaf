//! `--format network-insights`: what AWS's Reachability Analyzer would print (RAN-07 to RAN-17), held against AWS's own shapes.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde_json::{Value, json};
use vpcsim_analysis::run::query_of;
use vpcsim_analysis::{FlowQuery, Options, Simulation};
use vpcsim_import::{Source, read};
use vpcsim_report::network_insights::{Analysed, document};

use crate::botocore::Shapes;
use crate::{beside, designs, measured};

const RULES: [&str; 3] = ["AclRule", "SecurityGroupRule", "RouteTableRoute"];

fn simulation(text: &str) -> Simulation {
    let design = read(vec![Source {
        name: "design.yaml".to_owned(),
        bytes: text.as_bytes().to_vec(),
    }]);
    let findings: Vec<_> = design.findings.iter().map(|finding| &finding.message).collect();
    assert!(!design.findings.has_errors(), "{findings:#?}");
    Simulation::new(Arc::new(design.topology))
}

fn flow(source: &str, dst: &str, protocol: &str, port: u16) -> FlowQuery {
    FlowQuery {
        id: "1".to_owned(),
        source: source.to_owned(),
        dst: dst.to_owned(),
        protocol: protocol.to_owned(),
        dst_port: (port > 0).then_some(port),
        ..FlowQuery::default()
    }
}

/// The whole document about some flows.
fn analyses(simulation: &Simulation, flows: &[FlowQuery]) -> Value {
    let way = |query: &FlowQuery| {
        let asked = simulation.way(query, &Options::default());
        asked.unwrap_or_else(|error| panic!("{query:?}: {error}")).0
    };
    let ways: Vec<_> = flows.iter().map(way).collect();
    let asked: Vec<Analysed<'_>> = flows
        .iter()
        .zip(&ways)
        .map(|(query, way)| Analysed {
            query,
            way,
            is_one_of_many: flows.len() > 1,
        })
        .collect();
    serde_json::from_str(&document(simulation.topology(), &asked)).unwrap()
}

fn analysis(simulation: &Simulation, query: FlowQuery) -> Value {
    analyses(simulation, &[query])["NetworkInsightsAnalyses"][0].take()
}

fn list<'v>(value: &'v Value, key: &str) -> &'v [Value] {
    value[key].as_array().map_or(&[], Vec::as_slice)
}

fn ids(analysis: &Value, key: &str) -> Vec<String> {
    let components = list(analysis, key).iter();
    components
        .map(|part| part["Component"]["Id"].as_str().unwrap().to_owned())
        .collect()
}

fn component<'v>(analysis: &'v Value, key: &str, id: &str) -> &'v Value {
    let mut components = list(analysis, key).iter();
    let found = components.find(|part| part["Component"]["Id"] == id);
    found.unwrap_or_else(|| panic!("no {id} among {:?}", ids(analysis, key)))
}

fn codes(value: &Value) -> Vec<&str> {
    let explanations = list(value, "Explanations").iter();
    explanations
        .map(|explanation| explanation["ExplanationCode"].as_str().unwrap())
        .collect()
}

/// The flows that a design can be asked: each form of a network has names of its own for some resources.
fn answerable(simulation: &Simulation, flows: &[FlowQuery]) -> Vec<FlowQuery> {
    let mut known = flows.to_vec();
    known.retain(|query| simulation.trace(query, &Options::default()).is_ok());
    known
}

/// The design's own expectations as flows.
fn expected(simulation: &Simulation) -> Vec<FlowQuery> {
    simulation.topology().expectations.iter().map(query_of).collect()
}

fn fixtures(folder: &str, name: &str) -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
    let mut found: Vec<PathBuf> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path().join(name))
        .collect();
    found.retain(|path| path.is_file());
    found.sort();
    found
}

/// Everything that the repository can ask, with a word about where it comes from.
fn everything() -> Vec<(String, Value)> {
    let mut all = Vec::new();
    for path in designs::all() {
        let simulation = designs::simulation(&path);
        all.push((
            path.display().to_string(),
            analyses(&simulation, &expected(&simulation)),
        ));
    }
    for native in fixtures("four-ways", "native.yaml") {
        let flows = expected(&designs::simulation(&native));
        for name in [
            "native.yaml",
            "template.yaml",
            "template.json",
            "plan.json",
            "describe.json",
        ] {
            let path = native.with_file_name(name);
            if path.is_file() {
                let simulation = designs::simulation(&path);
                let known = answerable(&simulation, &flows);
                all.push((path.display().to_string(), analyses(&simulation, &known)));
            }
        }
    }
    all.extend(of_codes());
    all
}

/// The smallest design of each explanation code with its flow.
fn of_codes() -> Vec<(String, Value)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("codes");
    let mut paths: Vec<PathBuf> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    paths.sort();
    let answer = |path: PathBuf| {
        let text = fs::read_to_string(&path).unwrap();
        let flow = text
            .lines()
            .find_map(|line| line.strip_prefix("# flow: "))
            .unwrap();
        let flow: FlowQuery = serde_json::from_str(flow).unwrap();
        let code = path.file_stem().unwrap().to_string_lossy().into_owned();
        (code, analyses(&simulation(&text), &[flow]))
    };
    paths.into_iter().map(answer).collect()
}

/// Of each lab every so many of its flows.
fn of_labs(every: usize) -> Vec<(String, Value)> {
    let Some(folder) = beside::folder("measured-aws") else {
        return Vec::new();
    };
    let mut labs: Vec<PathBuf> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    labs.retain(|lab| lab.join("aws_configs").is_dir());
    labs.sort();
    let answer = |lab: PathBuf| {
        let design = read(beside::sources(&lab.join("aws_configs")));
        let flows = measured::flows(&lab).into_iter().step_by(every);
        let flows: Vec<FlowQuery> = flows.map(|flow| flow.query).collect();
        let simulation = Simulation::new(Arc::new(design.topology));
        (lab.display().to_string(), analyses(&simulation, &flows))
    };
    labs.into_iter().map(answer).collect()
}

#[test]
fn every_document_fits_the_shapes_of_botocore() {
    let Some(shapes) = Shapes::installed() else { return };
    let mut complaints = Vec::new();
    let mut count = 0;
    for (origin, document) in everything().into_iter().chain(of_labs(7)) {
        count += list(&document, "NetworkInsightsAnalyses").len();
        let found = shapes.complaints(&document, "DescribeNetworkInsightsAnalysesResult");
        complaints.extend(
            found
                .into_iter()
                .map(|complaint| format!("{origin}: {complaint}")),
        );
    }
    println!("{count} analyses fit");
    assert!(complaints.is_empty(), "{complaints:#?}");
}

#[test]
fn the_shapes_find_what_does_not_fit() {
    let Some(shapes) = Shapes::installed() else { return };
    let wrong = json!({ "NetworkInsightsAnalyses": [{
        "Status": "done", "NetworkPathFound": 1, "Surprise": 2,
        "ForwardPathComponents": [{ "SequenceNumber": "1" }],
    }] });
    assert_eq!(
        shapes
            .complaints(&wrong, "DescribeNetworkInsightsAnalysesResult")
            .len(),
        4
    );
}

/// RAN-10, RAN-11, and what holds for every path.
#[test]
fn paths_are_numbered_and_explained_and_have_one_rule_a_component() {
    let mut found = 0;
    for (origin, document) in everything().into_iter().chain(of_labs(31)) {
        for analysis in list(&document, "NetworkInsightsAnalyses") {
            let name = format!("{origin} {}", analysis["Tags"][0]["Value"]);
            let is_found = analysis["NetworkPathFound"] == true;
            found += usize::from(is_found);
            assert_eq!(is_found, list(analysis, "Explanations").is_empty(), "{name}");
            assert!(
                !is_found || !list(analysis, "ForwardPathComponents").is_empty(),
                "{name}"
            );
            let waits_for_answers = !analysis.to_string().contains("\"Protocol\":\"17\"");
            let has_return = !list(analysis, "ReturnPathComponents").is_empty();
            assert!(!is_found || has_return == waits_for_answers, "{name}");
            for key in ["ForwardPathComponents", "ReturnPathComponents"] {
                for (index, part) in list(analysis, key).iter().enumerate() {
                    assert_eq!(part["SequenceNumber"], index + 1, "{name}");
                    let rules = RULES.iter().filter(|rule| !part[**rule].is_null()).count();
                    assert!(rules <= 1, "{name}: {part}");
                    let id = part["Component"]["Id"].as_str().unwrap();
                    assert!(
                        !id.is_empty() && !id.contains(char::is_whitespace),
                        "{name}: {id}"
                    );
                    assert_eq!(
                        id.starts_with("acl-"),
                        !part["AclRule"].is_null(),
                        "{name}: {part}"
                    );
                    let is_passed = list(part, "Explanations").is_empty();
                    if id.starts_with("rtb-") && is_passed {
                        assert!(!part["RouteTableRoute"].is_null(), "{name}: {part}");
                    }
                    assert!(is_passed || !is_found, "{name}: {part}");
                    let route = &part["TransitGatewayRouteTableRoute"];
                    // A peering leads to the other gateway.
                    assert!(
                        route.is_null() || route["ResourceId"] != part["TransitGateway"]["Id"],
                        "{name}: {part}"
                    );
                    let next = list(analysis, key).get(index + 1);
                    let is_twice = next.is_some_and(|next| next["Component"] == part["Component"]);
                    assert!(!is_twice || !id.starts_with("igw-"), "{name}: {part}");
                }
            }
        }
    }
    assert!(found > 50, "{found} paths were found");
}

/// RAN-15: the code's own design, and AWS's fields for it.
#[test]
fn every_code_is_in_the_analysis_of_its_design() {
    for (code, document) in of_codes() {
        let analysis = &document["NetworkInsightsAnalyses"][0];
        assert!(
            codes(analysis).contains(&code.as_str()),
            "{code}: {:?}",
            codes(analysis)
        );
        for explanation in list(analysis, "Explanations") {
            // A code and a place: without another field nobody could look at anything.
            assert!(explanation.as_object().unwrap().len() >= 3, "{explanation}");
        }
    }
}

const SHOP: &str = r"
name: shop
region: eu-west-1
vpcs:
  shop:
    cidr: 10.0.0.0/16
    account: '123456789012'
    internet_gateway: igw
    subnets:
      public: { az: a, cidr: 10.0.1.0/24, route_table: public, network_acl: edge }
      private: { az: b, cidr: 10.0.2.0/24 }
    route_tables:
      public: { 0.0.0.0/0: igw }
    network_acls:
      edge:
        ingress: [100 allow all from 0.0.0.0/0]
        egress: [90 deny tcp 1024-65535 to 198.51.100.0/24, 100 allow all to 0.0.0.0/0]
    security_groups:
      web: { ingress: [tcp 80 from 203.0.113.0/24, tcp 80 from 198.51.100.0/24], egress: [tcp 5432 to 0.0.0.0/0] }
      db: { ingress: [tcp 5432 from web, udp 53 from web] }
    instances:
      web: { subnet: public, address: 10.0.1.10, public_ip: 192.0.2.10, security_groups: [web], listen: [tcp 80] }
      db: { subnet: private, address: 10.0.2.10, security_groups: [db], listen: [tcp 5432] }
internet:
  friend: 203.0.113.7
  cut-off: 198.51.100.7
";

/// RAN-16: the orders of the guide's own example.
#[test]
fn what_comes_in_and_its_answer_pass_the_components_in_awss_order() {
    let analysis = analysis(&simulation(SHOP), flow("friend", "web", "tcp", 80));
    assert_eq!(analysis["NetworkPathFound"], true);
    assert_eq!(
        ids(&analysis, "ForwardPathComponents"),
        ["igw-~igw", "acl-~edge", "sg-~web", "eni-~web", "i-~web"]
    );
    assert_eq!(
        ids(&analysis, "ReturnPathComponents"),
        [
            "i-~web",
            "eni-~web",
            "sg-~web",
            "acl-~edge",
            "rtb-~public",
            "igw-~igw"
        ]
    );
    // The answer belongs to a tracked connection: no rule lets it out.
    let group = component(&analysis, "ReturnPathComponents", "sg-~web");
    assert_eq!(group["SecurityGroupRule"], Value::Null);
    assert_eq!(analysis["Explanations"], Value::Null);
}

/// RAN-12.
#[test]
fn the_internet_gateway_shows_the_whole_header_and_what_it_changes() {
    let analysis = analysis(&simulation(SHOP), flow("friend", "web", "tcp", 80));
    let gateway = component(&analysis, "ForwardPathComponents", "igw-~igw");
    assert_eq!(
        gateway["InboundHeader"]["DestinationAddresses"],
        json!(["192.0.2.10/32"])
    );
    assert_eq!(
        gateway["InboundHeader"]["SourceAddresses"],
        json!(["203.0.113.7/32"])
    );
    assert_eq!(gateway["InboundHeader"]["Protocol"], "6");
    assert_eq!(
        gateway["InboundHeader"]["DestinationPortRanges"],
        json!([{ "From": 80, "To": 80 }])
    );
    assert_eq!(
        gateway["OutboundHeader"],
        json!({ "DestinationAddresses": ["10.0.1.10/32"] })
    );
    let host = &list(&analysis, "ReturnPathComponents")[0];
    assert_eq!(host["OutboundHeader"]["SourceAddresses"], json!(["10.0.1.10/32"]));
    let last = list(&analysis, "ReturnPathComponents").last().unwrap();
    assert_eq!(
        last["OutboundHeader"]["SourceAddresses"],
        json!(["192.0.2.10/32"])
    );
    assert_eq!(last["InboundHeader"], Value::Null);
}

/// RAN-13.
#[test]
fn rules_are_written_in_awss_words() {
    let analysis = analysis(&simulation(SHOP), flow("web", "db", "tcp", 5432));
    let acl = component(&analysis, "ReturnPathComponents", "acl-~edge");
    assert_eq!(
        acl["AclRule"],
        json!({ "Cidr": "0.0.0.0/0", "Egress": false, "Protocol": "all", "RuleAction": "allow", "RuleNumber": 100 })
    );
    let group = component(&analysis, "ForwardPathComponents", "sg-~db");
    assert_eq!(
        group["SecurityGroupRule"],
        json!({ "SecurityGroupId": "sg-~web", "Direction": "ingress", "Protocol": "tcp",
                "PortRange": { "From": 5432, "To": 5432 } })
    );
    let table = component(&analysis, "ForwardPathComponents", "rtb-~public");
    assert_eq!(
        table["RouteTableRoute"],
        json!({ "DestinationCidr": "10.0.0.0/16", "GatewayId": "local", "Origin": "createroutetable", "State": "active" })
    );
}

/// RAN-07.
#[test]
fn a_network_acl_that_blocks_the_answer_leaves_no_path() {
    let analysis = analysis(&simulation(SHOP), flow("cut-off", "web", "tcp", 80));
    assert_eq!(analysis["NetworkPathFound"], false);
    assert_eq!(codes(&analysis), ["SUBNET_ACL_RESTRICTION"]);
    let explanation = &analysis["Explanations"][0];
    assert_eq!(explanation["Direction"], "egress");
    assert_eq!(explanation["Acl"]["Id"], "acl-~edge");
    assert_eq!(explanation["AclRule"]["RuleNumber"], 90);
    assert_eq!(
        explanation["AclRule"]["PortRange"],
        json!({ "From": 1024, "To": 65535 })
    );
    // The way there is whole, the way back ends where it was stopped.
    assert_eq!(ids(&analysis, "ForwardPathComponents").len(), 5);
    let last = list(&analysis, "ReturnPathComponents").last().unwrap();
    assert_eq!(last["Component"]["Id"], "acl-~edge");
    assert_eq!(codes(last), ["SUBNET_ACL_RESTRICTION"]);
}

/// RAN-07: of UDP the analysis follows the way there alone.
#[test]
fn of_udp_the_way_there_is_enough() {
    let text = SHOP.replace("egress: [tcp 5432 to", "egress: [udp 53 to");
    let analysis = analysis(&simulation(&text), flow("web", "db", "udp", 53));
    assert_eq!(analysis["NetworkPathFound"], true);
    assert_eq!(analysis["ReturnPathComponents"], Value::Null);
}

/// RAN-15: the example of the command line's own documentation.
#[test]
fn a_denial_by_security_groups_names_the_interface_and_its_groups() {
    let analysis = analysis(&simulation(SHOP), flow("friend", "web", "tcp", 22));
    let named = |kind: &str, id: &str, name: &str| json!({ "Id": id, "Arn": format!("arn:aws:ec2:eu-west-1:123456789012:{kind}/{id}"), "Name": name });
    assert_eq!(
        analysis["Explanations"],
        json!([{
            "Direction": "ingress",
            "ExplanationCode": "ENI_SG_RULES_MISMATCH",
            "NetworkInterface": named("network-interface", "eni-~web", "web"),
            "SecurityGroups": [named("security-group", "sg-~web", "web")],
            "Subnet": named("subnet", "subnet-~public", "public"),
            "Vpc": named("vpc", "vpc-~shop", "shop"),
        }])
    );
    assert_eq!(analysis["ReturnPathComponents"], Value::Null);
}

/// RAN-17.
#[test]
fn a_path_to_another_zone_says_where_it_crosses() {
    let analysis = analysis(&simulation(SHOP), flow("web", "db", "tcp", 5432));
    let crossing = |key: &str| {
        let parts = list(&analysis, key).iter();
        let crossed = parts.filter(|part| {
            let mut details = list(part, "AdditionalDetails").iter();
            details.any(|detail| detail["AdditionalDetailType"] == "AVAILABILITY_ZONE_CROSSED")
        });
        crossed
            .map(|part| part["Component"]["Id"].as_str().unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    assert_eq!(crossing("ForwardPathComponents"), ["eni-~db"]);
    assert_eq!(crossing("ReturnPathComponents"), ["eni-~web"]);
}

const HUB: &str = r"
name: hub
region: eu-west-1
vpcs:
  one:
    cidr: 10.1.0.0/16
    subnets: { a: { az: a, cidr: 10.1.1.0/24, route_table: out } }
    route_tables: { out: { 10.0.0.0/8: hub } }
    security_groups: { any: { ingress: [all from 10.0.0.0/8] } }
    instances: { client: { subnet: a, security_groups: [any] } }
  two:
    cidr: 10.2.0.0/16
    subnets: { b: { az: a, cidr: 10.2.1.0/24, route_table: out } }
    route_tables: { out: { 10.0.0.0/8: hub } }
    security_groups: { any: { ingress: [all from 10.0.0.0/8] } }
    instances: { server: { subnet: b, security_groups: [any], listen: [tcp 80] } }
transit_gateways:
  hub:
    attachments:
      to-one: { vpc: one, subnets: [a] }
      to-two: { vpc: two, subnets: [b] }
    route_tables:
      all: { associations: [to-one, to-two], propagations: [to-one], routes: { 10.2.0.0/16: to-two } }
";

/// RAN-14.
#[test]
fn a_transit_gateway_is_attachment_route_table_attachment() {
    let analysis = analysis(&simulation(HUB), flow("client", "server", "tcp", 80));
    assert_eq!(
        ids(&analysis, "ForwardPathComponents")[4..9],
        [
            "rtb-~one.out",
            "acl-~one-default",
            "tgw-attach-~to-one",
            "tgw-rtb-~all",
            "tgw-attach-~to-two"
        ]
    );
    let table = component(&analysis, "ForwardPathComponents", "tgw-rtb-~all");
    assert_eq!(table["TransitGateway"]["Id"], "tgw-~hub");
    assert_eq!(
        table["TransitGatewayRouteTableRoute"],
        json!({ "DestinationCidr": "10.2.0.0/16", "State": "active", "RouteOrigin": "static",
                "AttachmentId": "tgw-attach-~to-two", "ResourceId": "vpc-~two", "ResourceType": "vpc" })
    );
    let back = component(&analysis, "ReturnPathComponents", "tgw-rtb-~all");
    assert_eq!(back["TransitGatewayRouteTableRoute"]["RouteOrigin"], "propagated");
}

/// RAN-14: the resource behind a peering is the other gateway, whichever side a packet comes from.
#[test]
fn a_peering_of_transit_gateways_leads_to_the_other_one() {
    let text = HUB
        .replace("      to-two: { vpc: two, subnets: [b] }\n", "      across: { peer: far }\n")
        .replace("[to-one, to-two]", "[to-one, across]")
        .replace("10.2.0.0/16: to-two", "10.2.0.0/16: across")
        .replacen("route_tables: { out: { 10.0.0.0/8: hub } }\n    security_groups: { any: { ingress: [all from 10.0.0.0/8] } }\n    instances: { server", "route_tables: { out: { 10.0.0.0/8: far } }\n    security_groups: { any: { ingress: [all from 10.0.0.0/8] } }\n    instances: { server", 1)
        + "  far:\n    attachments:\n      to-two: { vpc: two, subnets: [b] }\n    route_tables:\n      there: { associations: [to-two, across], propagations: [to-two], routes: { 10.1.0.0/16: across } }\n";
    let analysis = analysis(&simulation(&text), flow("client", "server", "tcp", 80));
    assert_eq!(analysis["NetworkPathFound"], true, "{analysis:#}");
    let behind = |key: &str, table: &str| {
        let part = component(&analysis, key, table);
        let route = &part["TransitGatewayRouteTableRoute"];
        let word = |value: &Value| value.as_str().unwrap().to_owned();
        [
            word(&part["TransitGateway"]["Id"]),
            word(&route["ResourceId"]),
            word(&route["ResourceType"]),
        ]
    };
    assert_eq!(
        behind("ForwardPathComponents", "tgw-rtb-~all"),
        ["tgw-~hub", "tgw-~far", "peering"]
    );
    assert_eq!(
        behind("ReturnPathComponents", "tgw-rtb-~there"),
        ["tgw-~far", "tgw-~hub", "peering"]
    );
}

/// RAN-17: what AWS's forward-only analysis of transit gateways can only warn of was followed here.
#[test]
fn an_answer_without_a_route_to_the_transit_gateway_is_told_at_the_attachment() {
    let text = HUB.replacen("route_tables: { out: { 10.0.0.0/8: hub } }\n    security_groups: { any: { ingress: [all from 10.0.0.0/8] } }\n    instances: { server", "route_tables: { out: {} }\n    security_groups: { any: { ingress: [all from 10.0.0.0/8] } }\n    instances: { server", 1);
    assert_ne!(text, HUB);
    let analysis = analysis(&simulation(&text), flow("client", "server", "tcp", 80));
    assert_eq!(analysis["NetworkPathFound"], false);
    assert_eq!(
        codes(&analysis),
        ["NO_ROUTE_TO_DESTINATION", "VPC_LOCAL_ROUTE_CIDR_RESTRICTION"]
    );
    assert_eq!(analysis["Explanations"][0]["RouteTable"]["Id"], "rtb-~two.out");
    let attachment = component(&analysis, "ForwardPathComponents", "tgw-attach-~to-two");
    let detail = &attachment["AdditionalDetails"][0]["AdditionalDetailType"];
    assert_eq!(detail, "RESPONSE_RTB_HAS_NO_ROUTE_TO_TRANSIT_GATEWAY");
    assert_eq!(analysis["AlternatePathHints"][0]["ComponentId"], "tgw-~hub");
}

/// RAN-10: components that a route could lead to.
#[test]
fn a_missing_route_comes_with_hints() {
    let text = SHOP.replace("public: { 0.0.0.0/0: igw }", "public: {}");
    let analysis = analysis(&simulation(&text), flow("friend", "web", "tcp", 80));
    assert_eq!(codes(&analysis)[0], "NO_ROUTE_TO_DESTINATION");
    assert_eq!(
        analysis["AlternatePathHints"],
        json!([{ "ComponentId": "igw-~igw", "ComponentArn": "arn:aws:ec2:eu-west-1:123456789012:internet-gateway/igw-~igw" }])
    );
}

#[test]
fn what_is_not_modelled_is_no_path_and_says_so() {
    let dump = r#"{ "Vpcs": [{ "VpcId": "vpc-1", "CidrBlock": "10.0.0.0/16", "OwnerId": "111111111111" }],
      "Subnets": [{ "SubnetId": "subnet-1", "VpcId": "vpc-1", "CidrBlock": "10.0.1.0/24", "AvailabilityZone": "eu-west-1a" }],
      "RouteTables": [{ "RouteTableId": "rtb-1", "VpcId": "vpc-1", "Associations": [{ "Main": true }],
        "Routes": [{ "DestinationCidrBlock": "0.0.0.0/0", "GatewayId": "vgw-1", "Origin": "CreateRoute", "State": "active" }] }],
      "VpnGateways": [{ "VpnGatewayId": "vgw-1", "State": "available", "VpcAttachments": [{ "VpcId": "vpc-1", "State": "attached" }] }],
      "Reservations": [{ "Instances": [{ "InstanceId": "i-1", "State": { "Name": "running" }, "NetworkInterfaces": [
        { "NetworkInterfaceId": "eni-1", "SubnetId": "subnet-1", "VpcId": "vpc-1", "PrivateIpAddress": "10.0.1.10",
          "Attachment": { "DeviceIndex": 0 }, "PrivateIpAddresses": [{ "PrivateIpAddress": "10.0.1.10", "Primary": true }] }] }] }] }"#;
    let simulation = simulation(dump);
    let analysis = analysis(&simulation, flow("i-1", "9.9.9.9", "tcp", 80));
    assert_eq!(analysis["NetworkPathFound"], false);
    assert_eq!(codes(&analysis), ["UNSUPPORTED_COMPONENT"]);
    assert_eq!(analysis["Explanations"][0]["MissingComponent"], "vgw-1");
    let warning = analysis["WarningMessage"].as_str().unwrap();
    assert!(
        warning.contains("unknown") && warning.contains("vgw-1"),
        "{warning}"
    );
    let route = &list(&analysis, "ForwardPathComponents").last().unwrap()["RouteTableRoute"];
    assert_eq!(route["GatewayId"], "vgw-1");
}

#[test]
fn equal_questions_have_equal_ids_and_others_have_others() {
    let simulation = simulation(SHOP);
    let id = |query: FlowQuery| {
        let analysis = analysis(&simulation, query);
        analysis["NetworkInsightsPathId"].as_str().unwrap().to_owned()
    };
    let first = id(flow("friend", "web", "tcp", 80));
    assert_eq!(first, id(flow("friend", "web", "TCP", 80)));
    assert_ne!(first, id(flow("friend", "web", "tcp", 81)));
    assert_ne!(first, id(flow("cut-off", "web", "tcp", 80)));
    assert!(first.len() == 21 && first.starts_with("nip-0"), "{first}");
}

/// What is passed on both ways, and the codes: what does not depend on what things are called.
type Outline = (Vec<String>, Vec<String>, Vec<String>);

fn outline(analysis: &Value) -> Outline {
    let kind = |id: String| {
        id.rsplit_once("-~")
            .map_or_else(|| kind_of(&id), |(kind, _)| kind.to_owned())
    };
    let of = |key| ids(analysis, key).into_iter().map(kind).collect();
    let codes = codes(analysis).into_iter().map(str::to_owned).collect();
    (of("ForwardPathComponents"), of("ReturnPathComponents"), codes)
}

/// A plan, a template, a dump and a native design of one network take the same path; only what things are called differs.
#[test]
fn one_network_written_in_four_ways_has_the_same_paths() {
    let (mut compared, mut asked) = (0, 0);
    for native in fixtures("four-ways", "native.yaml") {
        let own = designs::simulation(&native);
        let flows = expected(&own);
        for name in ["template.yaml", "template.json", "plan.json", "describe.json"] {
            let path = native.with_file_name(name);
            if !path.is_file() {
                continue;
            }
            let other = designs::simulation(&path);
            asked += flows.len();
            for query in answerable(&other, &flows) {
                compared += 1;
                let words = format!("{} {}", path.display(), query.id);
                let [theirs, ours] = [&other, &own].map(|one| outline(&analysis(one, query.clone())));
                assert_eq!(theirs, ours, "{words}");
            }
        }
    }
    assert!(compared * 4 > asked * 3, "{compared} of {asked}");
}

/// What stands before the first number or name of an id.
fn kind_of(id: &str) -> String {
    if let Some(arn) = id.strip_prefix("arn:") {
        // The dumps here have short ARNs for target groups.
        let resource = arn.split(':').nth(4).unwrap_or("targetgroup");
        return resource.split('/').next().unwrap_or_default().to_owned();
    }
    let prefixes = ["tgw-attach", "tgw-rtb", "vpce-svc"];
    let long = prefixes.iter().find(|prefix| id.starts_with(**prefix));
    long.map_or_else(
        || id.split('-').next().unwrap_or_default().to_owned(),
        |prefix| (*prefix).to_owned(),
    )
}
