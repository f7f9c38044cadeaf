//! What is wrong with expectations is told at once, with its place; what fails is told by name.

use super::{Desk, SHOP};

/// The shop, and a file of expectations for it.
fn desk(expectations: &str) -> Desk {
    let desk = Desk::with(SHOP);
    desk.put("expect.yaml", expectations);
    desk
}

const TEST: [&str; 4] = ["test", "shop.yaml", "--expect", "expect.yaml"];

const WRONG: &str = "\
version: 1
endpoints: { ghost: { subnet: nowhere } }
assertions:
  - { id: a, from: ghost, to: db-1, port: 80/tcp, expect: reachable }
  - { id: b, from: web-1, to: db-1, port: 70000/tcp, expect: reachable }
  - { id: c, from: web-1, to: db-1, port: 90-80/tcp, expect: reachable }
  - { id: d, from: laptop, to: sg:none, port: 80/tcp, expect: reachable }
  - { id: e, from: laptop, to: web-1, port: 80/tcp, expect: reachable, via: [igv] }
  - { id: f, from: laptop, to: web-1, port: 81/tcp, expect: reachable, never_via: [firewall] }
  - { id: g, from: laptop, to: db-1, port: 81/tcp, expect: unreachable, by: [SG_INGRES] }
  - web-1 -> db-1 tcp 99999: reachable
invariants: [only-from-internet: [nobody], no-bugs]
";

#[test]
fn everything_that_is_wrong_is_told_at_once_with_its_place() {
    let ended = desk(WRONG).vpcsim(&TEST);
    ended.ends_with(2);
    assert_eq!(ended.stdout, "");
    for (place, words) in [
        ("4:", "`subnet:nowhere` selects nothing"),
        ("5:", "`70000` is no port: ports go from 0 to 65535"),
        ("6:", "from 90 down to 80; write the lower port first"),
        ("7:32", "`sg:none` selects nothing"),
        ("8:", "nothing in the design is called `igv`"),
        ("9:", "nothing in the design is called `firewall`"),
        ("10:", "`SG_INGRES` is no reason"),
        ("11:5", "`99999` is no port: ports go from 1 to 65535"),
        ("12:35", "`nobody` selects nothing"),
        ("12:44", "there is no invariant `no-bugs`"),
    ] {
        ended.complains(words).complains(&format!("expect.yaml:{place}"));
    }
    ended
        .complains("did you mean `igw`?")
        .complains("did you mean `SG_INGRESS`?");
    let count = ended.stderr.matches("error[").count();
    assert_eq!(count, 10, "{}", ended.stderr);
}

#[test]
fn expectations_of_which_only_one_can_hold_are_errors() {
    let lines = "\
assertions:
  - { from: web-1, to: db-1, port: [80/tcp, 5432/tcp], expect: reachable }
  - { from: subnet:public-a, to: sg:db, port: 5000-6000/tcp, expect: unreachable }
  - { from: subnet:public-a, to: sg:db, port: 443/tcp, expect: unreachable }
  - { from: internet, to: web-1, port: any, expect: partial }
  - { from: internet, to: web-1, port: any, expect: unreachable }
  - { from: web-1, to: db-1, port: any, expect: unreachable, skip: not yet }
";
    let ended = desk(lines).vpcsim(&TEST);
    ended
        .ends_with(2)
        .complains("expect.yaml:3:5")
        .complains("that `web-1 -> db-1` in line 2 expects to be reachable")
        .complains("expect.yaml:6:5");
    assert_eq!(
        ended.stderr.matches("contradictory-expectations").count(),
        2,
        "{}",
        ended.stderr
    );
}

#[test]
fn contradictions_in_a_design_are_errors_wherever_it_is_read() {
    let lines = "expect:\n  - web-1 -> db-1 tcp 80: reachable\n  - web-1 -> db-1 tcp 80: unreachable\n";
    let desk = Desk::with(&format!("{SHOP}{lines}"));
    for (command, status) in [("check", 1), ("run", 2), ("test", 2)] {
        let ended = desk.vpcsim(&[command, "shop.yaml"]);
        ended.ends_with(status);
        let told = ended.stdout.clone() + &ended.stderr;
        assert!(
            told.contains("contradictory-expectations") && told.contains("shop.yaml:22:5"),
            "{told}"
        );
    }
}

#[test]
fn a_failing_flow_is_shown_with_the_names_of_its_ends() {
    let ended = desk("- { id: mail, from: subnet:public-a, to: sg:db, port: 25/tcp, expect: reachable }\n")
        .vpcsim(&TEST);
    ended
        .ends_with(1)
        .prints("web-1 (10.0.1.4) -> db-1:25/tcp is not reachable");
}

/// The private subnet lets requests in and nothing out.
fn mute() -> String {
    SHOP.replace(
        "cidr: 10.0.2.0/24 }",
        "cidr: 10.0.2.0/24, network_acl: mute }\n    network_acls:\n      mute: { ingress: [ 100 allow tcp 5432 from 10.0.0.0/16 ], egress: [] }",
    )
}

#[test]
fn the_matrix_of_reach_has_a_sign_for_flows_that_get_no_answer() {
    let ended = Desk::with(&mute()).vpcsim(&["reach", "shop.yaml"]);
    ended
        .ends_with(0)
        .prints("web-1    ·      →")
        .prints("✗ not reachable   → one way, no answer comes back   · not asked")
        .prints("→ db-1          one way only, no answer comes back: tcp 5432");
}
