//! Real describe dumps, which lie beside the repository; where they are absent the tests say so and pass.

#![expect(clippy::disallowed_methods, reason = "the tests read fixtures from files")]

use std::fs;
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};

use vpcsim_aws::devices::network_interface::Attachment;
use vpcsim_aws::devices::peering_connection::PeeringState;
use vpcsim_aws::devices::route_table::{RouteSource, RouteTarget};
use vpcsim_aws::devices::security_group::Peer;
use vpcsim_aws::{Resource, Severity, Table, Topology};
use vpcsim_import::{Design, Source, read, write_native};

/// Every JSON file below a folder, sorted.
fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut open = vec![folder.to_owned()];
    while let Some(folder) = open.pop() {
        for entry in fs::read_dir(&folder).into_iter().flatten().flatten() {
            let path = entry.path();
            if path.is_dir() {
                open.push(path);
            } else if path.extension().is_some_and(|extension| extension == "json") {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

fn read_folder(folder: &Path) -> Design {
    let source = |path: PathBuf| Source {
        name: path.display().to_string(),
        bytes: fs::read(&path).expect("readable"),
    };
    read(files(folder).into_iter().map(source).collect())
}

/// The folders with one design each.
fn designs() -> Vec<PathBuf> {
    let shared = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../../shared");
    let shared = if shared.is_dir() {
        shared
    } else {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared")
    };
    let mut folders = Vec::new();
    for corpus in ["corpus/describe", "measured-aws", "peer-cases"] {
        let entries = fs::read_dir(shared.join(corpus)).into_iter().flatten().flatten();
        folders.extend(entries.map(|entry| entry.path()).filter(|path| path.is_dir()));
    }
    folders.sort();
    if folders.is_empty() {
        eprintln!("skipped: no dumps beside the repository");
    }
    folders
}

/// The topology as text without the places in the input.
fn without_places(topology: &Topology) -> String {
    let text = format!("{topology:?}");
    let mut out = String::new();
    let mut rest = text.as_str();
    while let Some(at) = rest.find("Origin {") {
        out.push_str(&rest[..at]);
        let end = rest[at..].find('}').expect("it is closed");
        rest = &rest[at + end + 1..];
    }
    out + rest
}

/// Where two texts part, with some context.
fn first_difference(left: &str, right: &str) -> String {
    let at = left
        .bytes()
        .zip(right.bytes())
        .position(|(left, right)| left != right);
    let at = at.unwrap_or(left.len().min(right.len()));
    let part = |text: &str| {
        text.chars()
            .skip(at.saturating_sub(300))
            .take(500)
            .collect::<String>()
    };
    format!("{}\n---\n{}", part(left), part(right))
}

#[test]
fn converting_a_dump_and_reading_it_back_gives_the_same_topology() {
    for folder in designs() {
        let before = read_folder(&folder);
        let yaml = write_native(&before.topology);
        let after = read(vec![Source {
            name: "design.yaml".into(),
            bytes: yaml.clone().into_bytes(),
        }]);
        let unreadable = [
            "bad-",
            "unknown-",
            "missing-",
            "wrong-",
            "duplicate-",
            "yaml-",
            "cidr-",
        ];
        let unread = |code: &str| unreadable.iter().any(|begin| code.starts_with(begin));
        let errors: Vec<_> = after
            .findings
            .iter()
            .filter(|finding| unread(finding.code))
            .collect();
        assert!(errors.is_empty(), "{}\n{errors:#?}\n{yaml}", folder.display());
        let (left, right) = (without_places(&before.topology), without_places(&after.topology));
        assert!(
            left == right,
            "{}\n{}",
            folder.display(),
            first_difference(&left, &right)
        );
        assert_eq!(write_native(&after.topology), yaml, "{}", folder.display());
    }
}

/// What only reading can find; an imitator's dump may hold what AWS would refuse.
const READING_CODES: [&str; 6] = [
    "bad-address",
    "bad-cidr",
    "bad-rule",
    "describe-item",
    "input-not-recognised",
    "json-syntax",
];

#[test]
fn every_dump_is_read_without_an_error() {
    for folder in designs() {
        if folder.ends_with("cartography-testdata") {
            continue;
        }
        let design = read_folder(&folder);
        let imitated = folder.to_string_lossy().contains("moto-");
        let errors = design
            .findings
            .iter()
            .filter(|finding| finding.severity == Severity::Error);
        let errors = errors.filter(|finding| !imitated || READING_CODES.contains(&finding.code));
        let errors: Vec<&str> = errors.map(|finding| finding.message.as_str()).collect();
        assert_eq!(errors, Vec::<&str>::new(), "{}", folder.display());
        assert!(!design.topology.vpcs.is_empty(), "{}", folder.display());
    }
}

/// What AWS would refuse is an error in a design, and a fact in a dump.
#[test]
fn a_dump_that_breaks_a_rule_is_read_with_a_warning() {
    let dump = r#"{"Vpcs": [{"VpcId": "vpc-1", "CidrBlock": "10.0.0.0/16"}], "Addresses": [
        {"AllocationId": "eipalloc-1", "PublicIp": "127.0.0.9"}]}"#;
    let yaml = "vpcs: { v: { cidr: 10.0.0.0/16 } }\nelastic_ips: { e: 127.0.0.9 }";
    let severity = |name: &str, text: &str| {
        let design = read(vec![Source {
            name: name.to_owned(),
            bytes: text.as_bytes().to_vec(),
        }]);
        let mut about = design
            .findings
            .iter()
            .filter(|finding| finding.code == "elastic-ip-not-public");
        about.next().map(|finding| finding.severity)
    };
    assert_eq!(severity("dump.json", dump), Some(Severity::Warning));
    assert_eq!(severity("design.yaml", yaml), Some(Severity::Error));
}

const DESCRIBED: &[u8] = include_bytes!("fixtures/described.json");
const TRIMMED: &[u8] = include_bytes!("fixtures/trimmed.json");

fn read_one(bytes: &[u8]) -> Design {
    read(vec![Source {
        name: "dump/eu-west-1/all.json".into(),
        bytes: bytes.to_vec(),
    }])
}

/// The first row for which `wanted` holds.
fn row<T: Resource + Clone>(table: &Table<T>, name: &str) -> T {
    let found = table.iter().find(|(_, row)| row.label().name == name);
    found
        .unwrap_or_else(|| panic!("no {} is called {name}", T::NOUN))
        .1
        .clone()
}

#[test]
fn three_pages_in_one_file_are_one_design() {
    let design = read_one(DESCRIBED);
    let codes: Vec<_> = design
        .findings
        .iter()
        .filter(|finding| finding.severity == Severity::Error)
        .collect();
    assert!(codes.is_empty(), "{codes:?}");
    let topology = &design.topology;
    let shop = row(&topology.vpcs, "shop");
    assert_eq!(
        (shop.region.as_str(), shop.account.as_str()),
        ("eu-west-1", "111122223333")
    );
    assert_eq!(
        shop.cidrs.iter().map(|cidr| cidr.associated).collect::<Vec<_>>(),
        [true, false]
    );
    assert!(shop.dhcp_options.is_some());
    let names: Vec<_> = topology
        .subnets
        .iter()
        .map(|(_, row)| row.label.name.clone())
        .collect();
    assert_eq!(
        names,
        ["subnet-a", "subnet-b"],
        "a name that two have is nobody's"
    );
    assert!(
        topology
            .subnets
            .iter()
            .all(|(_, row)| row.network_acl.is_some() || row.route_table.is_some())
    );
}

#[test]
fn routes_lead_to_resources_to_unmodelled_things_or_nowhere() {
    let topology = read_one(DESCRIBED).topology;
    let targets: Vec<String> = row(&topology.route_tables, "rtb-1")
        .routes
        .iter()
        .map(|route| match &route.target {
            RouteTarget::Resource(any) => topology.name_of(*any).to_owned(),
            RouteTarget::Unmodelled(noun, id) => format!("{noun} {id}"),
            RouteTarget::Missing(id) => format!("missing {id}"),
            RouteTarget::Local => "local".to_owned(),
        })
        .collect();
    let expected = [
        "igw-1",
        "tgw-1",
        "missing nat-gone",
        "eni-1",
        "pcx-1",
        "virtual private gateway vgw-1",
        "vpce-1",
    ];
    assert_eq!(targets, expected);
    let routes = row(&topology.route_tables, "rtb-1").routes;
    assert!(routes[2].blackhole && routes[5].source == RouteSource::Propagated);
}

#[test]
fn interfaces_know_what_they_are_interfaces_of() {
    let topology = read_one(DESCRIBED).topology;
    let attachment = |name: &str| row(&topology.network_interfaces, name).attachment;
    assert!(matches!(
        attachment("eni-1"),
        Attachment::Instance { device_index: 0, .. }
    ));
    assert!(matches!(
        attachment("eni-2"),
        Attachment::Instance { device_index: 1, .. }
    ));
    assert!(matches!(
        attachment("i-2"),
        Attachment::Instance { device_index: 0, .. }
    ));
    assert_eq!(attachment("eni-n"), Attachment::Managed);
    assert_eq!(
        attachment("eni-l"),
        Attachment::Unmodelled("network load balancer".into())
    );
    assert_eq!(attachment("eni-r"), Attachment::Managed);
    assert_eq!(row(&topology.managed_hosts, "eni-r").service, "database");
    assert_eq!(attachment("eni-e"), Attachment::Managed);
    assert_eq!(attachment("eni-f"), Attachment::None);
    let second = row(&topology.network_interfaces, "eni-2");
    assert_eq!(
        second.addresses[0].private,
        Ipv4Addr::new(10, 0, 2, 10),
        "the primary address comes first"
    );
    let first = row(&topology.network_interfaces, "eni-1");
    assert_eq!(first.addresses[0].public, Some(Ipv4Addr::new(52, 1, 2, 3)));
    assert_eq!(
        (first.source_dest_check, first.tracking.tcp_established_s),
        (false, Some(600))
    );
    assert!(row(&topology.nat_gateways, "nat-1").network_interface.is_some());
}

#[test]
fn terminated_instances_are_gone_and_stopped_ones_are_not() {
    let topology = read_one(DESCRIBED).topology;
    assert_eq!(topology.instances.len(), 2);
    assert!(row(&topology.instances, "web-1").running && !row(&topology.instances, "i-2").running);
    assert!(row(&topology.instances, "web-1").metadata.tokens_required);
}

#[test]
fn rules_get_the_ids_of_their_own_answer() {
    let topology = read_one(DESCRIBED).topology;
    let web = row(&topology.security_groups, "web");
    assert_eq!(web.ingress.len(), 2);
    assert_eq!(web.ingress[0].id.as_deref(), Some("sgr-1"));
    let default = row(&topology.security_groups, "sg-1");
    assert!(default.default && default.ingress[1].peer == Peer::Missing("sg-far".into()));
}

#[test]
fn nothing_that_is_not_modelled_is_dropped_silently() {
    let design = read_one(DESCRIBED);
    let mut unread: Vec<String> = design
        .topology
        .unread
        .iter()
        .map(|unread| format!("{} {}", unread.noun, unread.name))
        .collect();
    unread.sort();
    let expected = [
        "IPv6-only subnet subnet-6",
        "endpoint service com.amazonaws.vpce.eu-west-1.vpce-svc-far",
        "network load balancer eni-l",
        "peered VPC vpc-far",
        "security group sg-far",
        "virtual private gateway vgw-1",
    ];
    assert_eq!(unread, expected);
    let (_, gateway) = design
        .topology
        .internet_gateways
        .iter()
        .next()
        .expect("one gateway");
    let table = gateway.route_table.expect("the gateway has a route table");
    assert_eq!(
        design.topology.route_tables[table].label.id.as_deref(),
        Some("rtb-2")
    );
    let has = |code: &str| {
        design
            .findings
            .iter()
            .filter(|finding| finding.code == code)
            .count()
    };
    assert_eq!(has("unknown-top-key"), 1, "an empty one is not worth a word");
    assert_eq!(has("ipv6-not-modelled"), 4, "one note for each kind");
}

#[test]
fn a_trimmed_dump_is_filled_up_with_warnings() {
    let design = read_one(TRIMMED);
    assert!(!design.findings.has_errors(), "{:?}", design.findings);
    let topology = &design.topology;
    assert_eq!(
        (
            topology.vpcs.len(),
            topology.instances.len(),
            topology.network_interfaces.len()
        ),
        (1, 1, 1)
    );
    let codes: Vec<_> = design.findings.iter().map(|finding| finding.code).collect();
    for code in ["vpc-not-in-input", "instance-not-in-input", "unknown-reference"] {
        assert!(codes.contains(&code), "{code} is not among {codes:?}");
    }
}

#[test]
fn a_broken_item_costs_only_itself_and_has_a_place() {
    let text = "{\"Vpcs\": [\n  {\"VpcId\": \"vpc-1\", \"CidrBlock\": \"10.0.0.0/16\"},\n  {\"VpcId\": \"vpc-2\",\n   \"CidrBlock\": [1]},\n  {\"VpcId\": \"vpc-3\", \"CidrBlock\": \"10.0.0/16\"}\n]}";
    let design = read_one(text.as_bytes());
    let places: Vec<_> = design
        .findings
        .iter()
        .map(|finding| {
            (
                finding.code,
                finding.origin.line,
                finding.origin.column,
                finding.origin.length,
            )
        })
        .collect();
    assert_eq!(places, [("describe-item", 4, 16, 1), ("bad-cidr", 5, 35, 11)]);
    assert_eq!(design.topology.vpcs.len(), 2);
}

/// A NAT instance, a firewall behind an internet gateway's table, and a host that only has its check off.
const FORWARDING: &str = r#"{
 "Vpcs": [{"VpcId": "vpc-1", "CidrBlock": "10.0.0.0/16"}],
 "Subnets": [{"SubnetId": "subnet-1", "VpcId": "vpc-1", "CidrBlock": "10.0.1.0/24", "AvailabilityZone": "eu-west-1a"},
             {"SubnetId": "subnet-2", "VpcId": "vpc-1", "CidrBlock": "10.0.2.0/24", "AvailabilityZone": "eu-west-1a"}],
 "InternetGateways": [{"InternetGatewayId": "igw-1", "Attachments": [{"VpcId": "vpc-1", "State": "available"}]}],
 "Reservations": [{"Instances": [
   {"InstanceId": "i-nat", "State": {"Name": "running"}}, {"InstanceId": "i-fw", "State": {"Name": "running"}},
   {"InstanceId": "i-web", "State": {"Name": "running"}}]}],
 "NetworkInterfaces": [
   {"NetworkInterfaceId": "eni-nat", "SubnetId": "subnet-1", "VpcId": "vpc-1", "SourceDestCheck": false, "PrivateIpAddress": "10.0.1.5",
    "Attachment": {"InstanceId": "i-nat", "DeviceIndex": 0}, "Association": {"PublicIp": "192.0.2.5"}},
   {"NetworkInterfaceId": "eni-fw", "SubnetId": "subnet-1", "VpcId": "vpc-1", "SourceDestCheck": false, "PrivateIpAddress": "10.0.1.6",
    "Attachment": {"InstanceId": "i-fw", "DeviceIndex": 0}, "Association": {"PublicIp": "192.0.2.6"}},
   {"NetworkInterfaceId": "eni-web", "SubnetId": "subnet-2", "VpcId": "vpc-1", "SourceDestCheck": false, "PrivateIpAddress": "10.0.2.7",
    "Attachment": {"InstanceId": "i-web", "DeviceIndex": 0}}],
 "RouteTables": [
   {"RouteTableId": "rtb-1", "VpcId": "vpc-1", "Associations": [{"SubnetId": "subnet-2"}],
    "Routes": [{"DestinationCidrBlock": "0.0.0.0/0", "NetworkInterfaceId": "eni-nat", "State": "active"}]},
   {"RouteTableId": "rtb-2", "VpcId": "vpc-1", "Associations": [{"SubnetId": "subnet-1"}],
    "Routes": [{"DestinationCidrBlock": "0.0.0.0/0", "NetworkInterfaceId": "eni-fw", "State": "active"}]},
   {"RouteTableId": "rtb-3", "VpcId": "vpc-1", "Associations": [{"GatewayId": "igw-1"}],
    "Routes": [{"DestinationCidrBlock": "10.0.2.0/24", "NetworkInterfaceId": "eni-fw", "State": "active"}]}]
}"#;

#[test]
fn an_instance_that_routes_lead_to_is_assumed_to_forward_and_said_to_be() {
    let design = read_one(FORWARDING.as_bytes());
    let appliance = |id: &str| {
        let mut rows = design.topology.instances.iter().map(|(_, row)| row);
        rows.find(|row| row.label.id.as_deref() == Some(id))
            .expect("it is described")
            .appliance
            .clone()
    };
    let (nat, firewall) = (
        appliance("i-nat").expect("routed to"),
        appliance("i-fw").expect("routed to"),
    );
    assert!(nat.assumed && nat.masquerade && firewall.assumed && !firewall.masquerade);
    assert_eq!(appliance("i-web"), None);
    let notes = design
        .findings
        .iter()
        .filter(|finding| finding.code == "appliance-assumed");
    assert_eq!(notes.count(), 2);
}

/// What one side of a peering between two accounts and regions sees: its own VPC, and the connection with its own options.
fn side(account: &str, region: &str, own: &str, option_of: &str) -> Source {
    let info = |vpc: &str, owner: &str, at: &str| {
        let options = if vpc == option_of {
            r#","PeeringOptions":{"AllowDnsResolutionFromRemoteVpc":true}"#
        } else {
            ""
        };
        format!(r#"{{"VpcId":"{vpc}","OwnerId":"{owner}","Region":"{at}"{options}}}"#)
    };
    let range = if own == "vpc-1" {
        "10.1.0.0/16"
    } else {
        "10.2.0.0/16"
    };
    let text = format!(
        r#"{{"Vpcs":[{{"VpcId":"{own}","CidrBlock":"{range}","OwnerId":"{account}"}}],
            "VpcPeeringConnections":[{{"VpcPeeringConnectionId":"pcx-1","Status":{{"Code":"active"}},
            "RequesterVpcInfo":{},"AccepterVpcInfo":{}}}]}}"#,
        info("vpc-1", "111111111111", "eu-west-1"),
        info("vpc-2", "222222222222", "us-east-1"),
    );
    Source {
        name: format!("{account}/{region}/all.json"),
        bytes: text.into_bytes(),
    }
}

#[test]
fn the_sides_of_a_peering_between_accounts_and_regions_are_one_connection() {
    let requester = side("111111111111", "eu-west-1", "vpc-1", "vpc-1");
    let accepter = side("222222222222", "us-east-1", "vpc-2", "vpc-2");
    let design = read(vec![requester, accepter]);
    let topology = &design.topology;
    assert!(
        design
            .findings
            .iter()
            .all(|finding| finding.severity < Severity::Warning),
        "{:?}",
        design.findings
    );
    assert_eq!(topology.peering_connections.len(), 1);
    let peering = row(&topology.peering_connections, "pcx-1");
    let regions =
        [peering.requester, peering.accepter].map(|vpc| topology.vpcs[vpc.unwrap()].region.as_str());
    assert_eq!(regions, ["eu-west-1", "us-east-1"]);
    assert!(peering.requester_dns_resolution && peering.accepter_dns_resolution);
    assert!(topology.unread.is_empty());
}

#[test]
fn the_other_side_of_a_peering_is_unread_where_its_account_is_not_in_the_input() {
    let design = read(vec![side("111111111111", "eu-west-1", "vpc-1", "vpc-1")]);
    let unread = &design.topology.unread[0];
    assert_eq!(
        (unread.noun.as_str(), unread.name.as_str()),
        ("peered VPC", "vpc-2")
    );
    assert!(
        design
            .findings
            .iter()
            .any(|finding| finding.code == "peering-other-side-unknown")
    );
}

#[test]
fn a_nat_gateway_without_a_subnet_is_a_regional_one_with_addresses_in_its_zones() {
    let text = r#"{
 "Vpcs": [{"VpcId": "vpc-1", "CidrBlock": "10.0.0.0/16"}],
 "Subnets": [{"SubnetId": "subnet-1", "VpcId": "vpc-1", "CidrBlock": "10.0.1.0/24", "AvailabilityZone": "eu-west-1a"}],
 "InternetGateways": [{"InternetGatewayId": "igw-1", "Attachments": [{"VpcId": "vpc-1"}]}],
 "RouteTables": [{"RouteTableId": "rtb-r", "VpcId": "vpc-1", "Routes": [{"DestinationCidrBlock": "0.0.0.0/0", "GatewayId": "igw-1"}]}],
 "NatGateways": [{"NatGatewayId": "nat-r", "VpcId": "vpc-1", "State": "available", "AvailabilityMode": "regional",
   "AutoProvisionZones": "disabled", "RouteTableId": "rtb-r", "NatGatewayAddresses": [
     {"AvailabilityZone": "eu-west-1a", "PublicIp": "203.0.113.1"}, {"AvailabilityZone": "eu-west-1a", "PublicIp": "203.0.113.2"}]}]
}"#;
    let design = read_one(text.as_bytes());
    assert!(design.topology.unread.is_empty());
    let gateway = row(&design.topology.regional_nat_gateways, "nat-r");
    assert_eq!(gateway.zones.len(), 1);
    assert_eq!(gateway.zones[0].addresses.len(), 2);
    assert!(!gateway.expands && gateway.route_table.is_some());
}

#[test]
fn a_described_database_takes_the_interface_that_fits_it() {
    let text = r#"{
 "Vpcs": [{"VpcId": "vpc-1", "CidrBlock": "10.0.0.0/16"}],
 "Subnets": [
   {"SubnetId": "subnet-a", "VpcId": "vpc-1", "CidrBlock": "10.0.1.0/24", "AvailabilityZone": "eu-west-1a"},
   {"SubnetId": "subnet-b", "VpcId": "vpc-1", "CidrBlock": "10.0.2.0/24", "AvailabilityZone": "eu-west-1b"}],
 "SecurityGroups": [{"GroupId": "sg-db", "GroupName": "db", "VpcId": "vpc-1"}],
 "NetworkInterfaces": [
   {"NetworkInterfaceId": "eni-a", "SubnetId": "subnet-a", "PrivateIpAddress": "10.0.1.9", "Groups": [{"GroupId": "sg-db"}],
    "RequesterManaged": true, "RequesterId": "amazon-rds", "Description": "RDSNetworkInterface"},
   {"NetworkInterfaceId": "eni-b", "SubnetId": "subnet-b", "PrivateIpAddress": "10.0.2.9", "Groups": [{"GroupId": "sg-db"}],
    "RequesterManaged": true, "RequesterId": "amazon-rds", "Description": "RDSNetworkInterface"}],
 "DBInstances": [{"DBInstanceIdentifier": "orders", "Engine": "postgres", "AvailabilityZone": "eu-west-1b",
   "Endpoint": {"Address": "orders.x.eu-west-1.rds.amazonaws.com", "Port": 5433},
   "VpcSecurityGroups": [{"VpcSecurityGroupId": "sg-db"}],
   "DBSubnetGroup": {"Subnets": [{"SubnetIdentifier": "subnet-a"}, {"SubnetIdentifier": "subnet-b"}]}}]
}"#;
    let topology = read_one(text.as_bytes()).topology;
    let orders = row(&topology.managed_hosts, "orders");
    let address = topology.network_interfaces[orders.interfaces[0]].primary();
    assert_eq!(address, Some(Ipv4Addr::new(10, 0, 2, 9)));
    assert_eq!(
        (orders.listen[0].ports.first, orders.subnet_group.len()),
        (5433, 2)
    );
    assert!(
        row(&topology.managed_hosts, "eni-a").listen.is_empty(),
        "nobody says what listens there"
    );
}

#[test]
fn every_state_of_a_peering_is_read_and_only_active_forwards() {
    for (word, expected) in PeeringState::WORDS {
        let mut sources = [
            side("111111111111", "eu-west-1", "vpc-1", "vpc-1"),
            side("222222222222", "us-east-1", "vpc-2", "vpc-2"),
        ];
        for source in &mut sources {
            let text = String::from_utf8(source.bytes.clone()).unwrap();
            let status = format!(r#""Status":{{"Code":"{word}"}}"#);
            source.bytes = text
                .replace(r#""Status":{"Code":"active"}"#, &status)
                .into_bytes();
        }
        let topology = read(sources.into()).topology;
        let peering = row(&topology.peering_connections, "pcx-1");
        assert_eq!(peering.state, expected);
        let written = write_native(&topology);
        assert_eq!(
            written.contains(&format!("state: {word}")),
            word != "active",
            "{written}"
        );
    }
}
