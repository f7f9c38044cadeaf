//! The native format: what reads, and every kind of mistake with its place.

use std::fs;
use std::path::Path;

use vpcsim_aws::devices::network_interface::Attachment;
use vpcsim_aws::devices::route_table::RouteTarget;
use vpcsim_aws::devices::security_group::Peer;
use vpcsim_aws::{Id, Kind, Severity};
use vpcsim_import::{Design, Source, read, write_native};

const THREE_TIER: &str = include_str!("fixtures/three-tier.yaml");
const EVERYTHING: &str = include_str!("fixtures/everything.yaml");

fn design(text: &str) -> Design {
    read(vec![Source {
        name: "design.yaml".into(),
        bytes: text.into(),
    }])
}

/// `code line:column+length` of every finding.
fn places(text: &str) -> Vec<String> {
    let design = design(text);
    let place = |finding: &vpcsim_aws::Finding| {
        let origin = finding.origin;
        format!(
            "{} {}:{}+{}",
            finding.code, origin.line, origin.column, origin.length
        )
    };
    design.findings.iter().map(place).collect()
}

/// The messages and helps of everything found.
fn words(text: &str) -> String {
    let design = design(text);
    let words = |finding: &vpcsim_aws::Finding| {
        format!(
            "{} | {}\n",
            finding.message,
            finding.help.as_deref().unwrap_or_default()
        )
    };
    design.findings.iter().map(words).collect()
}

fn vpc(inside: &str) -> String {
    format!("vpcs:\n  shop:\n    cidr: 10.0.0.0/16\n{inside}")
}

#[test]
fn the_example_of_the_design_page_is_read() {
    let design = design(THREE_TIER);
    assert!(design.findings.is_empty(), "{:?}", design.findings);
    let topology = &design.topology;
    assert_eq!(
        (
            topology.vpcs.len(),
            topology.subnets.len(),
            topology.instances.len()
        ),
        (1, 2, 2)
    );
    assert_eq!(topology.expectations.len(), 3);
    let web = &topology.network_interfaces[Id::from_index(0)];
    assert!(web.addresses[0].public.is_some());
    assert_eq!(
        topology.subnets[Id::from_index(0)].availability_zone,
        "ap-northeast-1a"
    );
}

#[test]
fn every_key_of_the_format_is_read_and_written_back() {
    let first = design(EVERYTHING);
    assert!(!first.findings.has_errors(), "{:?}", first.findings);
    for kind in Kind::ALL {
        assert!(
            first.topology.count(*kind) > 0,
            "the fixture has no {}",
            kind.noun()
        );
    }
    let written = write_native(&first.topology);
    let second = design(&written);
    assert!(!second.findings.has_errors(), "{:?}\n{written}", second.findings);
    assert_eq!(write_native(&second.topology), written);
    let topology = &second.topology;
    let (_, table) = topology
        .route_tables
        .iter()
        .find(|(_, row)| row.label.name == "odd")
        .expect("it is there");
    assert!(
        matches!(&table.routes[0].target, RouteTarget::Unmodelled(noun, id) if noun == "transit gateway" && id == "tgw-1")
    );
    assert!(table.routes.iter().any(|route| route.blackhole));
    let attached =
        |attachment: &Attachment| matches!(attachment, Attachment::Instance { device_index: 2, .. });
    assert!(
        topology
            .network_interfaces
            .iter()
            .any(|(_, row)| attached(&row.attachment))
    );
    assert!(topology.security_groups.iter().any(|(_, row)| {
        row.ingress
            .iter()
            .any(|rule| rule.peer == Peer::Missing("sg-gone".into()))
    }));
}

#[test]
fn all_mistakes_of_a_file_are_reported_at_once_with_their_places() {
    let text = "\
name: broken
regoin: eu-west-1
vpcs:
  shop:
    cidr: 10.0.0.5/16
    subnets:
      a: { az: a, cidr: 10.0.1.0/33, route_table: pubic }
      a: { cidr: 10.0.2.0/24 }
    route_tables:
      public: { 0.0.0.0/0: nat }
    security_groups:
      web: { ingress: [tpc 80 from 0.0.0.0/0, tcp 443 from wbe] }
    instances:
      web-1: { subnet: a, public_ip: perhaps, listen: [icmp], mtu: 20 }
expect:
  - a web-1: reachable
";
    assert_eq!(
        places(text),
        [
            "unknown-key 2:1+6",
            "cidr-host-bits 5:11+11",
            "bad-cidr 7:25+11",
            "unknown-reference 7:51+5",
            "duplicate-key 8:7+1",
            "unknown-reference 10:28+3",
            "bad-rule 12:24+21",
            "unknown-reference 12:47+16",
            "bad-address 14:38+7",
            "bad-listener 14:56+4",
            "wrong-type 14:68+2",
            "bad-expectation 16:5+7",
        ]
    );
    let words = words(text);
    for part in [
        "did you mean `region`?",
        "AWS makes it 10.0.0.0/16",
        "did you mean `public`?",
        "did you mean `web`?",
        "did you mean `tcp`?",
    ] {
        assert!(words.contains(part), "{part} is not in\n{words}");
    }
}

#[test]
fn a_syntax_error_is_a_finding_with_a_place() {
    assert_eq!(places("vpcs: [1, 2\nname: x\n"), ["yaml-syntax 2:5+1"]);
    assert_eq!(places("a:\n\t- b\n").len(), 1);
}

#[test]
fn nothing_and_single_values_are_as_good_as_lists() {
    let text = vpc(
        "    subnets: { s: { cidr: 10.0.1.0/24 } }\n    route_tables:\n    network_acls: ~\n    instances:\n      i: { subnet: s, listen: tcp 80, security_groups: web, secondary_ips: 10.0.1.9 }\n    security_groups: { web: { ingress: tcp 80, egress: null }, none: }\n",
    );
    let design = design(&text);
    assert!(!design.findings.has_errors(), "{:?}", design.findings);
    let topology = design.topology;
    assert_eq!(topology.instances[Id::from_index(0)].listen.len(), 1);
    assert_eq!(topology.network_interfaces[Id::from_index(0)].addresses.len(), 2);
    assert!(topology.security_groups[Id::from_index(0)].egress.is_empty());
    assert_eq!(topology.security_groups[Id::from_index(1)].egress.len(), 1);
}

#[test]
fn names_resolve_in_their_own_vpc_first_and_elsewhere_by_path() {
    let text = "
vpcs:
  a:
    cidr: 10.0.0.0/16
    subnets: { s: { cidr: 10.0.1.0/24 } }
    security_groups: { web: { ingress: [tcp 80 from b/web, tcp 81 from web, tcp 82 from only-b] } }
  b:
    cidr: 10.1.0.0/16
    security_groups: { web: , only-b: }
peerings: { ab: { between: [a, b] } }
";
    let design = design(text);
    assert!(!design.findings.has_errors(), "{:?}", design.findings);
    let groups = &design.topology.security_groups;
    let peers: Vec<_> = groups[Id::from_index(0)]
        .ingress
        .iter()
        .map(|rule| rule.peer.clone())
        .collect();
    let named = |index: usize| Peer::SecurityGroup(Id::from_index(index));
    let names: Vec<_> = groups.iter().map(|(_, row)| row.label.name.as_str()).collect();
    assert_eq!(&names[..2], ["web", "a default"]);
    assert_eq!(peers, [named(2), named(0), named(3)]);
}

#[test]
fn what_is_not_a_design_is_refused_with_what_would_be_one() {
    let codes = |bytes: &[u8]| {
        let design = read(vec![Source {
            name: "x".into(),
            bytes: bytes.to_vec(),
        }]);
        assert!(design.findings.has_errors());
        design
            .findings
            .iter()
            .map(|finding| finding.code)
            .collect::<Vec<_>>()
    };
    assert_eq!(codes(b""), ["input-empty"]);
    assert_eq!(codes(b"\x7fELF\x02\x01\x01\x00\x00"), ["input-binary"]);
    assert_eq!(codes(b"color: red"), ["input-not-recognised"]);
    assert_eq!(codes(b"just words"), ["input-not-recognised"]);
    assert_eq!(codes(b"{\"color\": 1}"), ["input-not-recognised"]);
    assert_eq!(
        codes(b"AWSTemplateFormatVersion: '2010-09-09'\nDescription: nothing"),
        ["not-a-template"]
    );
    assert_eq!(
        codes(b"{\"format_version\": \"9.2\", \"planned_values\": {}}"),
        ["terraform-version"]
    );
    assert_eq!(codes(b"{\"Vpcs\": [}"), ["json-syntax"]);
    assert_eq!(codes(b"{\"Vpcs\": [{\"VpcId\": 5}]}"), ["describe-item"]);
    let mut large = b"name: x\n".to_vec();
    large.resize(40_000_001, b'#');
    assert_eq!(codes(&large), ["input-too-large"]);
}

#[test]
fn a_design_may_be_written_in_json_and_in_several_files() {
    let vpcs = br#"{"vpcs": {"shop": {"cidr": "10.0.0.0/16", "dns_support": true}}}"#.to_vec();
    let expect = b"internet: { laptop: 198.51.100.7 }\nexpect: [laptop -> 10.0.0.5 icmp]\n".to_vec();
    let design = read(vec![
        Source {
            name: "a.json".into(),
            bytes: vpcs,
        },
        Source {
            name: "b.yaml".into(),
            bytes: expect,
        },
    ]);
    let errors: Vec<_> = design
        .findings
        .iter()
        .filter(|finding| finding.severity == Severity::Error)
        .collect();
    assert_eq!(errors.len(), 1, "{errors:?}");
    assert_eq!((errors[0].code, errors[0].origin.file), ("bad-expectation", 1));
    assert_eq!(
        (design.topology.vpcs.len(), design.topology.internet_hosts.len()),
        (1, 1)
    );
}

#[test]
#[expect(
    clippy::disallowed_methods,
    reason = "the test reads the repository's own files"
)]
fn every_shipped_topology_is_read_without_a_finding_and_survives_conversion() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../topologies");
    for entry in fs::read_dir(folder)
        .expect("the repository has topologies")
        .flatten()
    {
        let path = entry.path();
        if path.extension().is_none_or(|extension| extension != "yaml") {
            continue;
        }
        let text = fs::read_to_string(&path).expect("readable");
        let first = design(&text);
        assert!(
            !first.findings.has_errors(),
            "{}: {:?}",
            path.display(),
            first.findings
        );
        let written = write_native(&first.topology);
        let second = design(&written);
        assert!(
            !second.findings.has_errors(),
            "{}: {:?}\n{written}",
            path.display(),
            second.findings
        );
        assert_eq!(write_native(&second.topology), written, "{}", path.display());
    }
}

#[test]
fn latencies_of_pairs_are_read_with_zones_by_letter_and_written_back_in_full() {
    let text =
        "region: eu-west-1\nsettings:\n  latencies:\n    - { between: [a, euw1-az2], one_way: 130us }\n";
    let subnets = "    subnets:\n      one: { az: a, cidr: 10.0.1.0/24 }\n      two: { az: b, az_id: euw1-az2, cidr: 10.0.2.0/24 }\n";
    let read_in = design(&format!("{text}{}", vpc(subnets)));
    assert!(read_in.findings.is_empty(), "{:?}", read_in.findings);
    let pair = &read_in.topology.settings.latencies[0];
    assert_eq!(pair.between, ["eu-west-1a", "euw1-az2"]);
    assert_eq!(pair.one_way, vpcsim_aws::Span::from_us(130));
    let written = write_native(&read_in.topology);
    assert!(
        written.contains("{ between: [eu-west-1a, euw1-az2], one_way: 130us }"),
        "{written}"
    );
}

#[test]
fn a_latency_takes_two_places_of_the_design_and_a_time() {
    let with = |pair: &str| format!("settings:\n  latencies:\n    - {pair}\n{}", vpc(""));
    assert_eq!(
        places(&with("{ between: [a], one_way: 1ms }")),
        ["wrong-type 3:7+1"]
    );
    assert!(places(&with("{ between: [a, b] }"))[0].starts_with("missing-key 3:7"));
    let unknown = places(&with("{ between: [mars-1, mars-1], one_way: 1ms }"));
    assert!(unknown[0].starts_with("latency-place-unknown 3:7"), "{unknown:?}");
}

#[test]
fn an_exclusion_from_block_public_access_names_one_thing_that_exists() {
    let with = |exclusion: &str| {
        let block = format!("block_public_access: {{ home: {{ exclusions: [{exclusion}] }} }}\n");
        words(&format!("{block}{}", vpc("")))
    };
    assert!(with("{ subnet: shop/attic }").contains("there is no subnet `shop/attic`"));
    let subnets = vpc("    subnets: { cellar: { az: a, cidr: 10.0.1.0/24 } }\n");
    let near = words(&format!(
        "block_public_access: {{ home: {{ exclusions: [{{ subnet: shop/celar }}] }} }}\n{subnets}"
    ));
    assert!(near.contains("did you mean `shop/cellar`?"), "{near}");
    assert!(with("{ vpc: depot }").contains("there is no VPC `depot`"));
    let both = with("{ vpc: shop, subnet: shop/attic }");
    assert!(
        both.contains("names a `vpc` or a `subnet`, and one of the two only"),
        "{both}"
    );
    assert!(with("{ mode: allow-egress }").contains("one of the two only"));
    assert_eq!(with("{ vpc: shop }"), "");
}

#[test]
fn a_gateway_endpoint_whose_route_table_is_misspelt_has_one_mistake() {
    let inside = "    route_tables: { private: {} }\n    vpc_endpoints: { s3: { service: s3, route_tables: [privat] } }\n";
    assert_eq!(places(&vpc(inside)), ["unknown-reference 5:56+6"]);
}
