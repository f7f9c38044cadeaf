//! What the answers say about a small shop.

use std::sync::Arc;

use vpcsim_aws::devices::NetworkAcl;
use vpcsim_aws::devices::security_group::Peer;
use vpcsim_aws::traffic::Traffic;
use vpcsim_aws::{Label, Unread};

use crate::answer::{Answer, Capture, FlowQuery, Leg, Observed, Verdict};
use crate::fixtures::{Shop, allow, entry, expect, flow, ping, shop, tcp};
use crate::grammar::check_leg;
use crate::recorder::CaptureChoice;
use crate::simulation::{Options, Simulation};

fn simulation(shop: Shop) -> Simulation {
    Simulation::new(Arc::new(shop.topology))
}

fn check(leg: &Leg) {
    assert_eq!(check_leg(leg), Ok(()), "{leg:#?}");
}

fn trace(shop: &Shop, query: &FlowQuery) -> Answer {
    capture(shop, query, CaptureChoice::Nothing).0
}

fn capture(shop: &Shop, query: &FlowQuery, choice: CaptureChoice) -> (Answer, Capture) {
    let options = Options {
        seed: 1,
        capture: choice,
    };
    let (answer, capture) = simulation(shop.clone()).trace(query, &options).unwrap();
    check(&answer.forward);
    answer.back.iter().for_each(check);
    (answer, capture)
}

fn stations(leg: &Leg) -> String {
    leg.trail
        .iter()
        .map(|hop| hop.station.as_str())
        .collect::<Vec<_>>()
        .join(" ")
}

#[test]
fn an_open_flow_is_delivered_there_and_back() {
    let answer = trace(&shop(), &flow("web-1", "db-1", 5432));
    assert_eq!((answer.round_trip, answer.observed), (true, Observed::Open));
    assert_eq!(
        stations(&answer.forward),
        "Emit EniOut SubnetOut Route SubnetIn EniIn Deliver"
    );
    let back = answer.back.unwrap();
    assert_eq!(back.verdict, Verdict::Delivered);
    assert_eq!(
        stations(&back),
        "Emit EniOut SubnetOut Route SubnetIn EniIn Deliver"
    );
    assert!(
        back.trail[0].packet.contains("[SYN, ACK]"),
        "{}",
        back.trail[0].packet
    );
    assert_eq!(answer.reply_ttl, Some(255));
    assert!(answer.explanations.is_empty());
}

#[test]
fn nodes_that_are_made_when_reached_answer_like_nodes_that_stand_ready() {
    let simulation = Simulation::new(Arc::new(shop().topology));
    let options = Options {
        seed: 9,
        capture: CaptureChoice::Everywhere,
    };
    for query in [
        flow("web-1", "db-1", 5432),
        flow("laptop", "web-1", 80),
        flow("db-1", "8.8.8.8", 443),
    ] {
        let recorder = crate::recorder::Recorder::new(simulation.compiled(), &options.capture);
        let mut ready = simulation.network_with(options.seed, Some(Box::new(recorder)), |_| None);
        let question = simulation.question(&query).unwrap();
        let answer = simulation.answer(&mut ready, &question, &query);
        let capture = simulation.capture_of(&mut ready, &options);
        assert_eq!(simulation.trace(&query, &options).unwrap(), (answer, capture));
    }
}

#[test]
fn no_network_uses_the_flow_cache_that_was_switched_off() {
    let repeating = Simulation::new(Arc::new(shop().topology));
    let walking = repeating.clone().without_flow_cache();
    let options = Options::default();
    for (simulation, expected) in [(repeating, true), (walking, false)] {
        let recorded = simulation.recorded_network(&options);
        let alike = simulation.recorded_network_like(&recorded, &options);
        let mut renewed = simulation.recorded_network(&options);
        simulation.renew(&mut renewed, &options);
        let fresh = simulation.fresh_network(0, None);
        let ready = simulation.network_with(0, None, |_| None);
        let used = [recorded, alike, renewed, fresh, ready].map(|network| network.uses_flow_cache());
        assert_eq!(used, [expected; 5]);
    }
}

#[test]
fn a_rule_is_named_where_it_decides() {
    let answer = trace(&shop(), &flow("web-1", "db-1", 5432));
    let rule = |station: &str| {
        let hop = answer
            .forward
            .trail
            .iter()
            .find(|hop| hop.station == station)
            .unwrap();
        (
            hop.kind.clone(),
            hop.name.clone(),
            hop.rule.clone().unwrap_or_default(),
        )
    };
    assert_eq!(
        rule("Route"),
        (
            "route table".into(),
            "public".into(),
            "10.0.0.0/16 -> local".into()
        )
    );
    assert_eq!(
        rule("EniIn"),
        (
            "security group".into(),
            "db".into(),
            "ingress tcp 5432 from sg web".into()
        )
    );
}

#[test]
fn a_closed_port_answers_with_a_reset() {
    let mut shop = shop();
    shop.topology.security_groups[shop.db_group]
        .ingress
        .push(allow(tcp(9), crate::fixtures::anywhere()));
    let answer = trace(&shop, &flow("web-1", "db-1", 9));
    assert_eq!((answer.round_trip, answer.observed), (true, Observed::Closed));
}

#[test]
fn a_security_group_stops_what_none_of_its_rules_allows_and_says_what_would_help() {
    let answer = trace(&shop(), &flow("web-1", "db-1", 22));
    assert_eq!((answer.round_trip, answer.observed), (false, Observed::Filtered));
    assert_eq!(answer.forward.reason.as_deref(), Some("SG_INGRESS"));
    assert_eq!(answer.forward.component.as_deref(), Some("db"));
    assert!(answer.back.is_none());
    let [explanation] = &answer.explanations[..] else {
        panic!("{answer:#?}")
    };
    assert_eq!(explanation.code, "ENI_SG_RULES_MISMATCH");
    assert_eq!(
        explanation.detail,
        "no ingress rule of db matches tcp 22 from 10.0.1.10"
    );
    assert_eq!(
        explanation.help.as_deref(),
        Some("add `tcp 22 from web` to the ingress rules of db")
    );
    assert!(
        explanation.nearest.as_ref().unwrap().contains("tcp 5432"),
        "{explanation:?}"
    );
}

#[test]
fn an_answer_that_a_network_acl_stops_shows_on_the_way_back() {
    let mut shop = shop();
    let acl = shop.topology.network_acls.push(NetworkAcl {
        label: Label::named("db-only"),
        vpc: shop.vpc,
        default: false,
        ingress: vec![entry(100, true, Traffic::All)],
        egress: vec![entry(100, false, Traffic::All)],
    });
    shop.topology.subnets[shop.private_subnet].network_acl = Some(acl);
    let answer = trace(&shop, &flow("web-1", "db-1", 5432));
    assert_eq!(
        (answer.round_trip, answer.forward.verdict),
        (false, Verdict::Delivered)
    );
    let back = answer.back.unwrap();
    assert_eq!(back.reason.as_deref(), Some("NACL_EGRESS"));
    assert_eq!(stations(&back), "Emit EniOut SubnetOut");
    let [explanation] = &answer.explanations[..] else {
        panic!("one blocker")
    };
    assert_eq!(
        (explanation.code.as_str(), explanation.direction.as_str()),
        ("SUBNET_ACL_RESTRICTION", "return")
    );
    let help = explanation.help.as_ref().unwrap();
    assert_eq!(
        help,
        "add `99 allow tcp 1024-65535 to 10.0.1.10/32` to the egress entries of db-only"
    );
}

#[test]
fn the_internet_reaches_a_public_address_through_the_gateway() {
    let answer = trace(&shop(), &flow("laptop", "web-1", 80));
    assert!(answer.round_trip, "{answer:#?}");
    assert_eq!(stations(&answer.forward), "Emit Gateway SubnetIn EniIn Deliver");
    assert_eq!(answer.forward.trail[0].name, "laptop");
    let gateway = &answer.forward.trail[1];
    assert_eq!(gateway.name, "igw");
    assert!(
        gateway.before.as_ref().unwrap().contains("> 203.0.113.10:80"),
        "{gateway:?}"
    );
    assert!(gateway.packet.contains("> 10.0.1.10:80"), "{gateway:?}");
}

#[test]
fn a_private_address_cannot_be_reached_from_the_internet() {
    let answer = trace(&shop(), &flow("internet", "db-1", 5432));
    assert!(!answer.round_trip);
    assert_eq!(answer.forward.verdict, Verdict::Dropped);
    assert!(!answer.explanations.is_empty());
}

#[test]
fn a_destination_that_nobody_has_fails_and_is_no_error() {
    let shop = shop();
    let elsewhere = trace(&shop, &flow("web-1", "10.0.2.99", 22));
    assert_eq!(elsewhere.forward.reason.as_deref(), Some("NO_SUCH_ADDRESS"));
    let neighbour = trace(&shop, &flow("web-1", "10.0.1.99", 22));
    assert_eq!(neighbour.forward.reason.as_deref(), Some("NEXT_HOP_UNANSWERED"));
    let unrouted = trace(&shop, &flow("db-1", "192.168.7.7", 22));
    assert_eq!(unrouted.forward.reason.as_deref(), Some("NO_ROUTE"));
    assert_eq!(unrouted.explanations[0].code, "NO_ROUTE_TO_DESTINATION");
}

#[test]
fn a_host_that_talks_to_itself_needs_no_interface() {
    let answer = trace(&shop(), &flow("db-1", "db-1", 5432));
    assert_eq!(
        (answer.round_trip, stations(&answer.forward).as_str()),
        (true, "Emit Deliver")
    );
}

#[test]
fn a_ping_is_replied_to() {
    let answer = trace(&shop(), &ping("db-1", "web-1"));
    assert_eq!(
        (answer.round_trip, answer.observed),
        (true, Observed::Reply),
        "{answer:#?}"
    );
    assert_eq!(answer.reply_ttl, Some(255));
}

#[test]
fn a_datagram_to_a_port_that_nobody_listens_on_comes_back_as_closed() {
    let mut shop = shop();
    shop.topology.security_groups[shop.web_group]
        .ingress
        .push(allow(Traffic::All, crate::fixtures::anywhere()));
    let query = FlowQuery {
        protocol: "udp".into(),
        ..flow("db-1", "web-1", 53)
    };
    let answer = trace(&shop, &query);
    assert_eq!(
        (answer.round_trip, answer.observed),
        (true, Observed::Closed),
        "{answer:#?}"
    );
    assert!(answer.back.unwrap().trail[0].packet.contains("ICMP"));
}

#[test]
fn another_protocol_is_sent_as_it_is() {
    let query = FlowQuery {
        protocol: "gre".into(),
        ..ping("web-1", "db-1")
    };
    let answer = trace(&shop(), &query);
    assert_eq!(answer.forward.reason.as_deref(), Some("SG_INGRESS"));
    assert_eq!(answer.observed, Observed::NoReply);
}

#[test]
fn a_stopped_source_sends_nothing() {
    let mut shop = shop();
    let web = shop.topology.instances.ids().next().unwrap();
    shop.topology.instances[web].running = false;
    let answer = trace(&shop, &flow("web-1", "db-1", 5432));
    assert_eq!(answer.forward.reason.as_deref(), Some("NOT_SENT"));
    assert_eq!(answer.forward.component.as_deref(), Some("web-1"));
    let to_it = trace(&shop, &flow("db-1", "web-1", 80));
    assert_eq!(to_it.forward.reason.as_deref(), Some("NO_HOST"));
}

#[test]
fn frames_of_the_capture_are_named_by_the_hops() {
    let (answer, capture) = capture(&shop(), &flow("web-1", "db-1", 22), CaptureChoice::Everywhere);
    let last = answer.forward.trail.last().unwrap();
    let record = &capture.records[last.frame.unwrap() as usize - 1];
    assert_eq!(record.dropped.as_deref(), Some("SG_INGRESS db"));
    assert_eq!(capture.interfaces[record.point as usize].name, "db-1 eni");
    assert!(capture.interfaces[record.point as usize].ethernet);
    assert_eq!(
        record.bytes.len() - 14,
        usize::from(u16::from_be_bytes([record.bytes[16], record.bytes[17]]))
    );
    let first = &capture.records[answer.forward.trail[0].frame.unwrap() as usize - 1];
    assert_eq!((first.packet_id, first.outbound), (record.packet_id, true));
    assert!(
        capture
            .records
            .windows(2)
            .all(|pair| pair[0].time_ns <= pair[1].time_ns)
    );
}

#[test]
fn a_drop_without_a_place_of_its_own_is_shown_where_the_packet_was_last_seen() {
    let (answer, capture) = capture(
        &shop(),
        &flow("db-1", "192.168.7.7", 22),
        CaptureChoice::Everywhere,
    );
    let record = &capture.records[answer.forward.trail.last().unwrap().frame.unwrap() as usize - 1];
    assert_eq!(record.dropped.as_deref(), Some("NO_ROUTE private"));
    assert_eq!(capture.interfaces[record.point as usize].name, "db-1 eni");
}

#[test]
fn only_the_chosen_places_are_captured() {
    let choice = CaptureChoice::At(vec!["igw".into()]);
    let (_, capture) = capture(&shop(), &flow("laptop", "web-1", 80), choice);
    assert_eq!(capture.interfaces.len(), 1);
    assert!(!capture.records.is_empty() && capture.records.iter().all(|record| record.point == 0));
}

#[test]
fn what_was_not_understood_makes_the_answer_unknown_if_it_owns_an_end() {
    let mut shop = shop();
    shop.topology.unread.push(Unread {
        noun: "network load balancer".into(),
        name: "front".into(),
        vpc: Some(shop.vpc),
        addresses: vec!["10.0.2.50".parse().unwrap()],
        effect: "its targets are not asked".into(),
        origin: vpcsim_aws::Origin::NOWHERE,
    });
    let answer = trace(&shop, &flow("web-1", "10.0.2.50", 80));
    assert!(answer.unknown && !answer.round_trip);
    assert_eq!(answer.unread[0].what, "network load balancer front");
    let other = trace(&shop, &flow("web-1", "db-1", 5432));
    assert!(!other.unknown && other.unread.is_empty());
}

#[test]
fn expectations_hold_or_say_why_not() {
    let mut shop = shop();
    shop.topology.expectations = vec![
        expect("laptop", "web-1", 80, true, None),
        expect("web-1", "db-1", 22, false, Some("SG_INGRESS")),
        expect("web-1", "db-1", 22, false, Some("ENI_SG_RULES_MISMATCH")),
        expect("web-1", "db-1", 22, false, Some("NACL_INGRESS")),
        expect("web-1", "db-1", 5432, false, None),
        expect("web-1", "bd-1", 5432, true, None),
    ];
    let mut seen = Vec::new();
    let report = simulation(shop).run(&Options::default(), &mut |done, total| seen.push((done, total)));
    let passed: Vec<bool> = report.expectations.iter().map(|result| result.passed).collect();
    assert_eq!(passed, [true, true, true, false, false, false]);
    assert_eq!(report.expectations[5].answer, None);
    assert!(
        report.expectations[5].why.contains("did you mean db-1?"),
        "{}",
        report.expectations[5].why
    );
    assert!(report.expectations[3].why.contains("not because of NACL_INGRESS"));
    assert_eq!((report.answers.len(), seen.last()), (5, Some(&(6, 6))));
    assert!(report.balanced && !report.passed(true));
}

#[test]
fn without_expectations_everybody_tries_everybody_and_every_service() {
    let report = simulation(shop()).run(&Options::default(), &mut |_, _| {});
    let flows: Vec<String> = report
        .answers
        .iter()
        .map(|(query, answer)| {
            let port = query.dst_port.map_or(String::new(), |port| format!(" {port}"));
            format!(
                "{} {} {}{port} {}",
                query.source, query.dst, query.protocol, answer.round_trip
            )
        })
        .collect();
    let expected = [
        "web-1 db-1 icmp false",
        "web-1 db-1 tcp 5432 true",
        "web-1 laptop icmp true",
        "db-1 web-1 icmp true",
        "db-1 web-1 tcp 80 true",
        "db-1 laptop icmp false",
        "internet web-1 icmp true",
        "internet web-1 tcp 80 true",
        "internet db-1 icmp false",
        "internet db-1 tcp 5432 false",
    ];
    assert_eq!(flows, expected);
    for (_, answer) in &report.answers {
        check(&answer.forward);
        answer.back.iter().for_each(check);
    }
}

#[test]
fn equal_seeds_give_equal_reports_and_captures() {
    let options = Options {
        seed: 7,
        capture: CaptureChoice::Everywhere,
    };
    let first = simulation(shop()).run(&options, &mut |_, _| {});
    let second = simulation(shop()).run(&options, &mut |_, _| {});
    assert_eq!(first, second);
    assert!(!first.capture.records.is_empty());
}

#[test]
fn a_run_and_a_trace_agree() {
    let shop = shop();
    let report = simulation(shop.clone()).run(&Options::default(), &mut |_, _| {});
    for (query, in_run) in &report.answers {
        let alone = trace(&shop, query);
        let facts = |answer: &Answer| (answer.round_trip, answer.observed, stations(&answer.forward));
        assert_eq!(facts(in_run), facts(&alone), "{query:?}");
    }
}

fn unread(shop: &Shop, noun: &str, name: &str) -> Unread {
    Unread {
        noun: noun.into(),
        name: name.into(),
        vpc: Some(shop.vpc),
        addresses: Vec::new(),
        effect: "it may change things".into(),
        origin: vpcsim_aws::Origin::NOWHERE,
    }
}

#[test]
fn a_rule_about_a_group_that_was_not_read_makes_its_denial_unknown() {
    let mut shop = shop();
    let rule = allow(tcp(22), Peer::Missing("sg-elsewhere".into()));
    shop.topology.security_groups[shop.db_group].ingress.push(rule);
    let group = unread(&shop, "security group", "sg-elsewhere");
    shop.topology.unread.push(Unread { vpc: None, ..group });
    assert!(trace(&shop, &flow("web-1", "db-1", 22)).unknown);
    assert!(!trace(&shop, &flow("web-1", "db-1", 23)).unknown);
}

#[test]
fn what_stands_near_is_noted_where_a_flow_fails_and_changes_no_verdict() {
    let mut shop = shop();
    let gateway = unread(&shop, "transit gateway attachment", "tgw-attach-1");
    shop.topology.unread.push(gateway);
    let failed = trace(&shop, &flow("web-1", "db-1", 22));
    assert_eq!((failed.unknown, failed.unread.len()), (false, 1));
    assert!(trace(&shop, &flow("web-1", "db-1", 5432)).unread.is_empty());
}

#[test]
fn an_outside_source_gets_its_answers_even_where_nobody_else_answers_outside() {
    let mut shop = shop();
    shop.topology.settings.internet_answers = false;
    assert!(trace(&shop, &flow("internet", "web-1", 80)).round_trip);
    let elsewhere = trace(&shop, &flow("web-1", "8.8.8.8", 53));
    assert_eq!(elsewhere.forward.reason.as_deref(), Some("NO_SUCH_INTERNET_HOST"));
}

#[test]
fn the_id_of_a_flow_may_be_a_number_and_unknown_keys_are_ignored() {
    let line = r#"{"id": 7, "source": "a", "dst": "b", "protocol": "icmp", "weather": "fine"}"#;
    let query: FlowQuery = serde_json::from_str(line).expect("a flow");
    assert_eq!((query.id.as_str(), query.protocol.as_str()), ("7", "icmp"));
}
