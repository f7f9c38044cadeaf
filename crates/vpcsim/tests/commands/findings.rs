//! What `vpcsim check` finds in the whole design, with its place; and that it finds nothing where nothing is wrong.

use super::{Desk, SHOP};

/// The codes and places of all findings.
fn found(design: &str) -> Vec<String> {
    let desk = Desk::with(design);
    let json = desk.vpcsim(&["check", "shop.yaml", "--format", "json"]).json();
    let findings = json["findings"].as_array().expect("a list");
    let words = findings.iter().map(|finding| {
        let code = finding["code"].as_str().expect("a code");
        format!("{code} {}:{}", finding["line"], finding["column"])
    });
    words.collect()
}

#[test]
fn a_sound_design_has_no_findings() {
    assert_eq!(found(SHOP), [""; 0]);
}

const IDLE: &str = "\
name: idle
region: eu-west-1
vpcs:
  net:
    cidr: 10.0.0.0/16
    internet_gateway: igw
    subnets:
      a: { az: a, cidr: 10.0.1.0/24, route_table: out }
    route_tables:
      out: { 0.0.0.0/0: igw, 0.0.0.0/1: igw, 128.0.0.0/1: igw }
      old: { 0.0.0.0/0: igw }
    network_acls:
      spare: { ingress: [ 100 allow all from 10.0.0.0/16 ], egress: [ 100 allow all to 10.0.0.0/16 ] }
    security_groups:
      web: { ingress: [ tcp 80 from 0.0.0.0/0, tcp 22 from admins, tcp 81 from web ] }
      admins: {}
      forgotten: {}
    instances:
      web-1: { subnet: a, public_ip: true, security_groups: [web], listen: [tcp 80] }
";

#[test]
fn what_decides_about_nothing_is_found_with_its_place() {
    let expected = [
        "route-hidden 10:14",
        "route-table-unused 11:7",
        "network-acl-unused 13:7",
        "security-group-reference-empty 15:48",
        "security-group-unused 17:7",
    ];
    assert_eq!(found(IDLE), expected);
    let used = IDLE
        .replace(", 128.0.0.0/1: igw", "")
        .replace(
            "route_table: out }",
            "route_table: out, network_acl: spare }\n      b: { az: b, cidr: 10.0.2.0/24, route_table: old }",
        )
        .replace("      forgotten: {}\n", "")
        .replace(
            "    instances:\n",
            "    instances:\n      admin: { subnet: a, security_groups: [admins] }\n",
        )
        .replace(
            "[ 100 allow all from 10.0.0.0/16 ]",
            "[ 100 allow all from 0.0.0.0/0 ]",
        )
        .replace(
            "[ 100 allow all to 10.0.0.0/16 ]",
            "[ 100 allow all to 0.0.0.0/0 ]",
        );
    assert_eq!(found(&used), [""; 0]);
}

#[test]
fn what_is_not_modelled_may_use_what_nothing_else_does() {
    let more = "unread:\n  - { noun: application load balancer, name: front, vpc: net, effect: it is not modelled }\n";
    let codes = found(&format!("{IDLE}{more}")).join(" ");
    assert!(codes.contains("route-hidden"), "{codes}");
    for unsure in ["route-table-unused", "security-group-reference-empty"] {
        assert!(!codes.contains(unsure), "{codes}");
    }
}

const HUB: &str = "\
name: hub
region: eu-west-1
vpcs:
  one:
    cidr: 10.1.0.0/16
    subnets: { one: { az: a, cidr: 10.1.1.0/24, route_table: out } }
    route_tables: { out: { 10.0.0.0/8: hub } }
    security_groups: { inside: { ingress: [ all from 10.0.0.0/8 ] } }
    instances: { one-1: { subnet: one, security_groups: [inside], listen: [tcp 443] } }
  two:
    cidr: 10.2.0.0/16
    subnets: { two: { az: a, cidr: 10.2.1.0/24, route_table: out } }
    route_tables: { out: { 10.0.0.0/8: hub } }
    security_groups: { inside: { ingress: [ all from 10.0.0.0/8 ] } }
    instances: { two-1: { subnet: two, security_groups: [inside], listen: [tcp 443] } }
transit_gateways:
  hub:
    attachments:
      to-one: { vpc: one, subnets: [one] }
      to-two: { vpc: two, subnets: [two] }
    route_tables:
      all: { associations: [to-one, to-two], propagations: [to-one, to-two] }
";

#[test]
fn a_transit_gateways_tables_are_looked_through() {
    assert_eq!(found(HUB), [""; 0]);
    let table = "associations: [to-one, to-two], propagations: [to-one, to-two]";
    // Without a way to `two`, nothing gets there, and what comes from there gets no answer.
    let one_way = HUB.replace(table, "associations: [to-one, to-two], propagations: [to-one]");
    assert_eq!(found(&one_way), ["one-way-path 22:7"]);
    let hidden = HUB.replace(table, &format!("{table}, routes: {{ 10.2.0.0/16: blackhole }}"));
    assert_eq!(found(&hidden), ["transit-gateway-route-hidden 22:88"]);
    let unused = format!("{HUB}      idle: {{ associations: [], propagations: [to-one] }}\n");
    assert_eq!(found(&unused), ["transit-gateway-table-unused 23:7"]);
    let overlap = HUB
        .replace("cidr: 10.2.0.0/16", "cidr: 10.1.0.0/16")
        .replace("cidr: 10.2.1.0/24", "cidr: 10.1.2.0/24");
    assert_eq!(found(&overlap), ["transit-gateway-ranges-overlap 20:7"]);
}

const PEERS: &str = "\
name: peers
region: eu-west-1
vpcs:
  middle:
    cidr: 10.1.0.0/16
    subnets: { middle: { az: a, cidr: 10.1.1.0/24, route_table: out } }
    route_tables: { out: { 10.9.1.0/24: to-left, 10.9.2.0/24: to-right } }
  left:
    cidr: 10.9.0.0/16
    subnets: { left: { az: a, cidr: 10.9.1.0/24, route_table: out } }
    route_tables: { out: { 10.1.0.0/16: to-left } }
  right:
    cidr: 10.9.0.0/16
    subnets: { right: { az: a, cidr: 10.9.2.0/24, route_table: out } }
    route_tables: { out: { 10.1.0.0/16: to-right } }
peerings:
  to-left: { between: [middle, left] }
  to-right: { between: [middle, right] }
";

#[test]
fn two_peers_with_one_range_are_noted_if_both_send() {
    assert_eq!(found(PEERS), ["peers-overlap 18:3"]);
    assert_eq!(
        found(&PEERS.replace("{ out: { 10.1.0.0/16: to-right } }", "{ out: {} }")),
        [""; 0]
    );
}

#[test]
fn an_answer_that_is_lost_is_shown_by_a_flow_of_packets_and_told_once() {
    let mute = SHOP.replace(
        "cidr: 10.0.2.0/24 }",
        "cidr: 10.0.2.0/24, network_acl: half }\n    network_acls:\n      half:\n        ingress: [ 100 allow all from 10.0.0.0/16 ]\n        egress: [ 100 allow tcp 1-1000 to 10.0.0.0/16 ]",
    );
    let desk = Desk::with(&mute);
    let ended = desk.vpcsim(&["check", "shop.yaml"]);
    ended
        .ends_with(0)
        .prints("warning[one-way-path]: tcp 5432 from web-1 arrives at db-1, and its answer is lost")
        .prints("shop.yaml:11:7");
    assert_eq!(
        ended.stdout.matches("one-way-path").count(),
        1,
        "{}",
        ended.stdout
    );
    // Some clients get their answers, and others do not.
    desk.put("shop.yaml", &mute.replace("tcp 1-1000", "tcp 1-40000"));
    let some = desk.vpcsim(&["check", "shop.yaml"]);
    some.ends_with(0)
        .prints("tcp 5432 from port 60999 of web-1 arrives at db-1, and its answer is lost");
    // The same cause has one finding, which names the entry.
    let forgets = mute.replace(
        "        egress: [ 100 allow tcp 1-1000 to 10.0.0.0/16 ]",
        "        egress: []",
    );
    let codes = found(&forgets);
    assert_eq!(
        codes,
        ["one-way-path 11:7"],
        "an entry about all traffic is no request for a service"
    );
    let service = forgets.replace("100 allow all from", "100 allow tcp 5432 from");
    assert_eq!(found(&service), ["network-acl-forgets-answers 12:20"]);
}
