//! `vpcsim trace` lists all that stops a flow; whoever makes the changes that it advises sees the flow open.

use super::{Desk, Ended};

const TIGHT: &str = "\
name: tight
region: eu-west-1
vpcs:
  net:
    cidr: 10.0.0.0/16
    subnets:
      a: { az: a, cidr: 10.0.1.0/24, network_acl: ssh }
      b: { az: b, cidr: 10.0.2.0/24, network_acl: ssh }
    network_acls:
      ssh: { ingress: [ 100 allow tcp 22 from 10.0.0.0/16 ], egress: [ 100 allow tcp 22 to 10.0.0.0/16 ] }
    security_groups:
      mute: { egress: [ tcp 443 to 0.0.0.0/0 ] }
      deaf: { ingress: [ tcp 22 from 10.0.9.0/24 ] }
    instances:
      client: { subnet: a, security_groups: [mute] }
      server: { subnet: b, security_groups: [deaf], listen: [tcp 5432] }
";

/// Asks about the flow, and gives back the changes that would open it.
fn changes(desk: &Desk, from: &str, to: &str) -> Vec<String> {
    let ended = desk.vpcsim(&[
        "trace",
        "shop.yaml",
        "--from",
        from,
        "--to",
        to,
        "--format",
        "json",
    ]);
    let blockers = ended.ends_with(1).json()["answers"][0]["blockers"].clone();
    let list = blockers.as_array().expect("a list").iter();
    list.map(|blocker| {
        blocker["change"]
            .as_str()
            .unwrap_or_else(|| panic!("no change: {blocker}"))
            .to_owned()
    })
    .collect()
}

/// The rule in a change such as "add `tcp 22 from web` to the ingress rules of db".
fn rule(change: &str) -> &str {
    change
        .split('`')
        .nth(1)
        .unwrap_or_else(|| panic!("no rule in: {change}"))
}

fn trace(desk: &Desk, from: &str, to: &str) -> Ended {
    desk.vpcsim(&["trace", "shop.yaml", "--from", from, "--to", to])
}

#[test]
fn the_changes_of_filters_open_the_flow_there_and_back() {
    let desk = Desk::with(TIGHT);
    let told = changes(&desk, "client", "server:5432/tcp");
    assert_eq!(
        told,
        [
            "add `tcp 5432 to deaf` to the egress rules of mute",
            "add `200 allow tcp 5432 to 10.0.2.4/32` to the egress entries of ssh",
            "add `200 allow tcp 5432 from 10.0.1.4/32` to the ingress entries of ssh",
            "add `tcp 5432 from mute` to the ingress rules of deaf",
            "add `210 allow tcp 1024-65535 to 10.0.1.4/32` to the egress entries of ssh",
            "add `210 allow tcp 1024-65535 from 10.0.2.4/32` to the ingress entries of ssh",
        ]
    );
    let ended = trace(&desk, "client", "server:5432/tcp");
    ended
        .ends_with(1)
        .prints("also stopped by, if that were mended")
        .prints("nearest: 100 allows tcp 22 to 10.0.0.0/16, not tcp 5432")
        .prints("nearest: deaf: allows tcp 22 from 10.0.9.0/24, not tcp 5432 from 10.0.1.4")
        .prints("6. add `210 allow tcp 1024-65535 from 10.0.2.4/32` to the ingress entries of ssh");
    let mended = TIGHT
        .replace(
            "tcp 443 to 0.0.0.0/0",
            &format!("tcp 443 to 0.0.0.0/0, {}", rule(&told[0])),
        )
        .replace(
            "tcp 22 to 10.0.0.0/16",
            &format!("tcp 22 to 10.0.0.0/16, {}, {}", rule(&told[1]), rule(&told[4])),
        )
        .replace(
            "tcp 22 from 10.0.0.0/16",
            &format!("tcp 22 from 10.0.0.0/16, {}, {}", rule(&told[2]), rule(&told[5])),
        )
        .replace(
            "tcp 22 from 10.0.9.0/24",
            &format!("tcp 22 from 10.0.9.0/24, {}", rule(&told[3])),
        );
    desk.put("shop.yaml", &mended);
    trace(&desk, "client", "server:5432/tcp").ends_with(0);
}

const GAP: &str = "\
name: gap
region: eu-west-1
vpcs:
  left:
    cidr: 10.1.0.0/16
    subnets: { left: { az: a, cidr: 10.1.1.0/24, route_table: out } }
    route_tables: { out: { 192.168.1.0/24: blackhole } }
    security_groups: { some: {} }
    instances: { client: { subnet: left, security_groups: [some] } }
  right:
    cidr: 10.2.0.0/16
    subnets: { right: { az: a, cidr: 10.2.1.0/24, route_table: home, network_acl: web } }
    route_tables: { home: { 192.168.2.0/24: blackhole } }
    network_acls:
      web: { ingress: [ 100 allow tcp 80 from 0.0.0.0/0 ], egress: [ 100 allow tcp 80 to 0.0.0.0/0 ] }
    security_groups: { deaf: { ingress: [ tcp 22 from 10.0.0.0/8 ] } }
    instances: { server: { subnet: right, security_groups: [deaf], listen: [tcp 5432] } }
peerings:
  bridge: { between: [left, right] }
";

#[test]
fn behind_a_missing_route_the_list_goes_on_at_the_receivers_subnet_and_back() {
    let desk = Desk::with(GAP);
    let told = changes(&desk, "client", "server:5432/tcp");
    assert_eq!(
        told,
        [
            "add a route for 10.2.1.4/32 or a range around it to out, with bridge as its target",
            "add `200 allow tcp 5432 from 10.1.1.4/32` to the ingress entries of web",
            "add `tcp 5432 from 10.1.1.4/32` to the ingress rules of deaf",
            "add `200 allow tcp 1024-65535 to 10.1.1.4/32` to the egress entries of web",
            "add a route for 10.1.1.4/32 or a range around it to home, with bridge as its target",
        ]
    );
    let mended = GAP
        .replace("192.168.1.0/24: blackhole", "10.2.1.4/32: bridge")
        .replace("192.168.2.0/24: blackhole", "10.1.1.4/32: bridge")
        .replace(
            "tcp 80 from 0.0.0.0/0",
            &format!("tcp 80 from 0.0.0.0/0, {}", rule(&told[1])),
        )
        .replace(
            "tcp 80 to 0.0.0.0/0",
            &format!("tcp 80 to 0.0.0.0/0, {}", rule(&told[3])),
        )
        .replace(
            "tcp 22 from 10.0.0.0/8",
            &format!("tcp 22 from 10.0.0.0/8, {}", rule(&told[2])),
        );
    desk.put("shop.yaml", &mended);
    trace(&desk, "client", "server:5432/tcp").ends_with(0);
}

const OUT: &str = "\
name: out
region: eu-west-1
vpcs:
  net:
    cidr: 10.0.0.0/16
    internet_gateway: igw
    subnets:
      public: { az: a, cidr: 10.0.1.0/24, route_table: public }
      private: { az: a, cidr: 10.0.2.0/24, route_table: private, network_acl: tight }
    route_tables:
      public: { 0.0.0.0/0: igw }
      private: { 192.168.0.0/16: blackhole }
    nat_gateways:
      nat: { subnet: public }
    network_acls:
      tight: { ingress: [ 100 allow tcp 80 from 0.0.0.0/0 ], egress: [ 100 allow tcp 443 to 0.0.0.0/0 ] }
    security_groups: { some: {} }
    instances: { worker: { subnet: private, security_groups: [some] } }
internet:
  site: { address: 198.51.100.7, listen: [tcp 443] }
";

#[test]
fn the_way_out_leads_by_a_nat_gateway_or_a_public_address() {
    let desk = Desk::with(OUT);
    let told = changes(&desk, "worker", "site:443/tcp");
    let answers = "add `200 allow tcp 1024-65535 from 198.51.100.7/32` to the ingress entries of tight";
    assert_eq!(
        told,
        [
            "add a route for 198.51.100.7/32 or a range around it to private, with nat as its target",
            answers
        ]
    );
    let mended = OUT
        .replace("192.168.0.0/16: blackhole", "198.51.100.7/32: nat")
        .replace(
            "tcp 80 from 0.0.0.0/0",
            &format!("tcp 80 from 0.0.0.0/0, {}", rule(&told[1])),
        );
    desk.put("shop.yaml", &mended);
    trace(&desk, "worker", "site:443/tcp").ends_with(0);
    let without = OUT.replace("    nat_gateways:\n      nat: { subnet: public }\n", "");
    desk.put("shop.yaml", &without);
    let told = changes(&desk, "worker", "site:443/tcp");
    assert!(told[0].ends_with("with igw as its target"), "{told:?}");
    assert!(
        told[1].starts_with("give the interface a public or Elastic IP address"),
        "{told:?}"
    );
    assert_eq!(told[2], answers);
    let mended = without
        .replace("192.168.0.0/16: blackhole", "198.51.100.7/32: igw")
        .replace(
            "subnet: private, security_groups",
            "subnet: private, public_ip: true, security_groups",
        )
        .replace(
            "tcp 80 from 0.0.0.0/0",
            &format!("tcp 80 from 0.0.0.0/0, {}", rule(&told[2])),
        );
    desk.put("shop.yaml", &mended);
    trace(&desk, "worker", "site:443/tcp").ends_with(0);
}

const FIREWALL: &str = "\
name: firewall
region: eu-west-1
vpcs:
  net:
    cidr: 10.0.0.0/16
    subnets:
      front: { az: a, cidr: 10.0.1.0/24, route_table: front }
      back: { az: a, cidr: 10.0.2.0/24, route_table: back }
      inspection: { az: a, cidr: 10.0.9.0/24 }
    route_tables:
      front: { 10.0.2.0/24: fw }
      back: { 10.0.1.0/24: fw }
    security_groups:
      some: {}
      strict: { ingress: [tcp 5432 from some] }
      firewall: { ingress: [tcp 80 from 10.0.0.0/16] }
    instances:
      web: { subnet: front, address: 10.0.1.10, security_groups: [some] }
      db: { subnet: back, address: 10.0.2.20, security_groups: [strict], listen: [tcp 5432] }
      fw:
        subnet: inspection
        source_dest_check: false
        security_groups: [firewall]
        appliance: { firewall: [allow tcp 80] }
";

#[test]
fn an_instance_that_forwards_is_gone_through() {
    let desk = Desk::with(FIREWALL);
    let told = changes(&desk, "web", "db:5432/tcp");
    assert_eq!(
        told,
        [
            "add `tcp 5432 from some` to the ingress rules of firewall",
            "add `allow tcp 5432 from 10.0.1.10/32 to 10.0.2.20/32` to the firewall of fw",
            // Behind the firewall nobody knows whose group the sender has.
            "add `tcp 5432 from 10.0.1.10/32` to the ingress rules of strict",
        ]
    );
    let mended = FIREWALL
        .replace(
            "tcp 80 from 10.0.0.0/16",
            &format!("tcp 80 from 10.0.0.0/16, {}", rule(&told[0])),
        )
        .replace("allow tcp 80]", &format!("allow tcp 80, {}]", rule(&told[1])))
        .replace(
            "tcp 5432 from some]",
            &format!("tcp 5432 from some, {}]", rule(&told[2])),
        );
    desk.put("shop.yaml", &mended);
    trace(&desk, "web", "db:5432/tcp").ends_with(0);
}

const BALANCED: &str = "\
name: balanced
region: eu-west-1
vpcs:
  net:
    cidr: 10.0.0.0/16
    internet_gateway: igw
    subnets:
      public: { az: a, cidr: 10.0.1.0/24, route_table: public }
      private: { az: a, cidr: 10.0.2.0/24, network_acl: tight }
    route_tables:
      public: { 0.0.0.0/0: igw }
    network_acls:
      tight: { ingress: [ 100 allow tcp 22 from 0.0.0.0/0 ], egress: [ 100 allow all to 0.0.0.0/0 ] }
    security_groups:
      front: { ingress: [tcp 81 from 0.0.0.0/0] }
      app: { ingress: [tcp 22 from 0.0.0.0/0] }
    instances:
      app: { subnet: private, address: 10.0.2.10, security_groups: [app], listen: [tcp 8080] }
    target_groups:
      app: { port: 8080, targets: [ app ], preserve_client_ip: true }
    load_balancers:
      entry: { subnet: public, public_ip: 192.0.2.11, security_groups: [front], listeners: { tcp 80: app } }
internet:
  laptop: 198.51.100.7
";

#[test]
fn a_load_balancer_is_gone_through_to_its_target() {
    let desk = Desk::with(BALANCED);
    let told = changes(&desk, "laptop", "192.0.2.11:80/tcp");
    assert_eq!(
        told,
        [
            "add `tcp 80 from 198.51.100.7/32` to the ingress rules of front",
            "add `200 allow tcp 8080 from 198.51.100.7/32` to the ingress entries of tight",
            "add `tcp 8080 from 198.51.100.7/32` to the ingress rules of app",
        ]
    );
    let mended = BALANCED
        .replace(
            "tcp 81 from 0.0.0.0/0",
            &format!("tcp 81 from 0.0.0.0/0, {}", rule(&told[0])),
        )
        .replace(
            "100 allow tcp 22 from 0.0.0.0/0",
            &format!("100 allow tcp 22 from 0.0.0.0/0, {}", rule(&told[1])),
        )
        .replace(
            "[tcp 22 from 0.0.0.0/0]",
            &format!("[tcp 22 from 0.0.0.0/0, {}]", rule(&told[2])),
        );
    desk.put("shop.yaml", &mended);
    trace(&desk, "laptop", "192.0.2.11:80/tcp").ends_with(0);
}
