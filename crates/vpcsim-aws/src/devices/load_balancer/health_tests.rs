//! Health checks, and what follows from their results.

use vpcsim_wire::{PacketBuilder, tcp};

use super::LoadBalancerDevice;
use super::tests::{Bench, Design, NODE_A, NODE_B, answer, design, syn};
use crate::Span;
use crate::devices::target_group::{HealthCheck, HealthMinimum, HealthProtocol, TargetHealth};
use crate::stand::{Arrival, ip};

/// Both targets of the first zone, of unknown health.
fn unchecked() -> Design {
    let mut design = design();
    design.group().targets.truncate(2);
    design.group().targets.iter_mut().for_each(|target| target.health = None);
    design
}

impl Bench {
    fn start(&mut self) {
        self.stand.network.act(self.node, LoadBalancerDevice::start_checks);
    }

    /// The checks of the next `seconds`, which the given targets answer with these flags.
    fn check(&mut self, seconds: u64, answers: &[(&str, u8)]) -> Vec<Arrival> {
        self.stand.wait(Span::from_secs(seconds));
        let mut checks = self.stand.take_arrivals(self.interfaces[0]);
        checks.retain(|check| check.summary().is_syn());
        for check in &checks {
            let mut own = answers.iter().filter(|(address, _)| ip(address) == check.key().destination());
            if let Some((_, flags)) = own.next() {
                self.by(0, &answer(check, *flags));
            }
        }
        checks
    }

    fn is_open(&self) -> bool {
        self.stand.network.node::<LoadBalancerDevice>(self.node).unwrap().checks_are_open()
    }

    fn healthy(&self) -> Vec<bool> {
        let device = self.stand.network.node::<LoadBalancerDevice>(self.node).unwrap();
        device.health[0].iter().map(|health| *health == TargetHealth::Healthy).collect()
    }

    fn out_of_dns(&self) -> u64 {
        self.stand.network.notice_of(self.node)
    }
}

const TAKES: u8 = tcp::SYN | tcp::ACK;
const REFUSES: u8 = tcp::RST | tcp::ACK;

#[test]
fn a_health_check_is_a_connection_from_the_node_and_one_success_is_enough_at_first() {
    let mut bench = unchecked().bench();
    bench.start();
    let checks = bench.check(1, &[("10.0.1.21", TAKES), ("10.0.1.22", REFUSES)]);
    assert_eq!(checks.len(), 2, "one of each target, from the node of its zone");
    assert!(checks.iter().all(|check| check.key().source() == ip(NODE_A) && check.key().destination_port() == 8080));
    assert_eq!(bench.healthy(), [true, false]);
    assert!(bench.is_open(), "a target is unhealthy after two failures");
    assert!((0..30).all(|port| bench.key(&syn(4000 + port).build()).contains("10.0.1.21")));
    bench.check(30, &[("10.0.1.21", TAKES), ("10.0.1.22", REFUSES)]);
    assert!(!bench.is_open());
    assert_eq!(bench.healthy(), [true, false]);
}

#[test]
fn a_dead_target_is_unhealthy_after_two_checks_and_healthy_again_after_five() {
    let mut bench = unchecked().bench();
    let both = [("10.0.1.21", TAKES), ("10.0.1.22", TAKES)];
    bench.start();
    bench.check(1, &both);
    assert_eq!(bench.healthy(), [true, true]);
    bench.check(30, &both[..1]);
    bench.stand.wait(Span::from_secs(11));
    assert_eq!(bench.healthy(), [true, true], "one failure is none");
    bench.check(19, &both[..1]);
    bench.stand.wait(Span::from_secs(11));
    assert_eq!(bench.healthy(), [true, false]);
    bench.check(19, &both);
    for _ in 0..3 {
        bench.check(30, &both);
        assert_eq!(bench.healthy(), [true, false]);
    }
    bench.check(30, &both);
    assert_eq!(bench.healthy(), [true, true]);
}

#[test]
fn checks_come_in_their_interval_however_long_an_answer_takes() {
    let mut design = unchecked();
    design.group().health_check.interval_s = 5;
    let mut bench = design.bench();
    bench.start();
    assert_eq!(bench.check(26, &[]).len(), 6, "each check of each target waits for 10 s, and the next is at a multiple of 5 s");
}

#[test]
fn each_node_that_may_use_a_target_checks_it() {
    let mut design = unchecked();
    design.group().cross_zone = Some(true);
    let mut bench = design.bench();
    bench.start();
    bench.stand.wait(Span::from_secs(1));
    let from_b = bench.stand.take_arrivals(bench.interfaces[1]);
    assert_eq!(from_b.len(), 2);
    assert!(from_b.iter().all(|check| check.key().source() == ip(NODE_B)));
}

/// An HTTP check of one target that answers with this status line.
fn http(status: &str, codes: &str) -> (Bench, String) {
    let mut design = unchecked();
    design.group().targets.truncate(1);
    let check = &mut design.group().health_check;
    (check.protocol, check.path, check.port) = (HealthProtocol::Http, "/up".to_owned(), Some(8081));
    check.codes = HealthCheck::parse_codes(codes).unwrap();
    let mut bench = design.bench();
    bench.start();
    bench.stand.wait(Span::from_secs(1));
    let opened = bench.stand.take_arrivals(bench.interfaces[0]);
    assert_eq!(opened[0].key().destination_port(), 8081);
    let asked = bench.by(0, &answer(&opened[0], TAKES));
    let key = asked[0].key();
    let request = String::from_utf8(asked[0].bytes[40..].to_vec()).unwrap();
    let reply = PacketBuilder::tcp(key.destination(), key.destination_port(), key.source(), key.source_port())
        .flags(tcp::ACK | tcp::PSH)
        .seq(1)
        .payload(status.as_bytes())
        .build();
    bench.by(0, &reply);
    (bench, request)
}

#[test]
fn an_http_check_asks_for_its_path_and_wants_a_success_code() {
    let (bench, request) = http("HTTP/1.1 204 No Content\r\n", "200-299");
    assert!(request.starts_with("GET /up HTTP/1.1\r\nHost: 10.0.1.10:80\r\n"), "{request}");
    assert!(request.ends_with("\r\n\r\n"));
    assert_eq!(bench.healthy(), [true]);
    for (status, codes) in [("HTTP/1.1 503 No\r\n", "200-399"), ("HTTP/1.1 200 OK\r\n", "301"), ("220 mail ready", "200-399")] {
        let (bench, _) = http(status, codes);
        assert_eq!(bench.healthy(), [false], "{status}");
    }
}

#[test]
fn a_check_of_a_group_with_the_proxy_protocol_sends_its_local_header() {
    let mut design = unchecked().translating();
    design.group().proxy_protocol = true;
    design.group().targets.truncate(1);
    let mut bench = design.bench();
    bench.start();
    bench.stand.wait(Span::from_secs(1));
    let opened = bench.stand.take_arrivals(bench.interfaces[0]);
    let said = bench.by(0, &answer(&opened[0], TAKES));
    assert_eq!(said[0].bytes[40..], vpcsim_wire::proxy_protocol::local_header());
    assert!(said[1].summary().is_rst());
}

#[test]
fn too_few_healthy_targets_let_all_get_flows() {
    let mut design = design();
    design.group().targets[0].health = Some(TargetHealth::Unhealthy);
    design.group().routing_failover.percent = Some(60);
    let mut bench = design.bench();
    assert!((0..30).any(|port| bench.key(&syn(4000 + port).build()).contains("10.0.1.21")), "one of two is healthy");
}

#[test]
fn a_zone_without_healthy_targets_leaves_the_dns_unless_it_is_the_last() {
    let mut bench = design().bench();
    bench.turn(2, TargetHealth::Unhealthy);
    assert_eq!(bench.out_of_dns(), 0b10);
    bench.turn(0, TargetHealth::Unhealthy);
    assert_eq!(bench.out_of_dns(), 0b10);
    bench.turn(1, TargetHealth::Unhealthy);
    assert_eq!(bench.out_of_dns(), 0, "with all of them gone all stay");
    bench.turn(2, TargetHealth::Healthy);
    assert_eq!(bench.out_of_dns(), 0b01);
}

#[test]
fn across_zones_all_targets_count_for_the_dns() {
    let mut design = design();
    design.group().cross_zone = Some(true);
    design.group().dns_failover = HealthMinimum { count: Some(1), percent: Some(50) };
    let mut bench = design.bench();
    bench.turn(2, TargetHealth::Unhealthy);
    assert_eq!(bench.out_of_dns(), 0, "two of three are enough for both zones");
}

#[test]
fn a_minimum_that_is_off_keeps_the_zone_in_the_dns() {
    let mut design = design();
    design.group().dns_failover.count = None;
    let mut bench = design.bench();
    bench.turn(2, TargetHealth::Unhealthy);
    assert_eq!(bench.out_of_dns(), 0);
}

#[test]
fn a_zonal_shift_takes_the_zone_out_of_the_dns() {
    let mut design = design();
    design.topology.load_balancers[design.balancer].shifted_zones = vec!["eu-west-1a".to_owned()];
    let mut bench = design.bench();
    bench.start();
    assert_eq!(bench.out_of_dns(), 0b01);
}
