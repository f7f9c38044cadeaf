//! Answers for the tests of this crate.

use vpcsim_analysis::{
    Answer, ExpectationResult, Explanation, FlowQuery, Hop, Leg, Observed, RunReport, UnreadNote, Verdict,
};

const US: u64 = 1_000;

fn hop(station: &str, kind: &str, name: &str, time_us: u64, rule: &str, packet: &str) -> Hop {
    Hop {
        station: station.into(),
        component: name.into(),
        name: name.into(),
        kind: kind.into(),
        rule: (!rule.is_empty()).then(|| rule.into()),
        passed: true,
        packet: packet.into(),
        before: None,
        time_ns: time_us * US,
        frame: None,
    }
}

fn translated(mut hop: Hop, before: &str) -> Hop {
    hop.before = Some(before.into());
    hop
}

fn delivered(trail: Vec<Hop>) -> Leg {
    Leg {
        verdict: Verdict::Delivered,
        trail,
        reason: None,
        component: None,
        rule: None,
    }
}

fn query(source: &str, dst: &str, port: u16) -> FlowQuery {
    FlowQuery {
        id: "q1".into(),
        source: source.into(),
        dst: dst.into(),
        protocol: "tcp".into(),
        dst_port: Some(port),
        ..FlowQuery::default()
    }
}

/// A security group stops it at the destination.
pub(crate) fn blocked() -> (FlowQuery, Answer) {
    let syn = "10.0.1.5:40000 > 10.0.2.7:5432 TCP [SYN] seq=0 len=0 mss=8961 ttl=64";
    let mut last = hop("EniIn", "security group", "db", 400, "", syn);
    last.component = "sg-0db".into();
    last.passed = false;
    let mut trail = vec![
        hop("Emit", "instance", "web-1", 0, "", syn),
        hop(
            "EniOut",
            "security group",
            "web",
            0,
            "egress 1: all to 0.0.0.0/0",
            syn,
        ),
        hop(
            "SubnetOut",
            "network ACL",
            "default of shop",
            0,
            "egress 100 allow all to 0.0.0.0/0",
            syn,
        ),
        hop("Route", "route table", "public", 0, "10.0.0.0/16 -> local", syn),
        hop(
            "SubnetIn",
            "network ACL",
            "db-only",
            400,
            "ingress 100 allow tcp 5432 from 10.0.1.0/24",
            syn,
        ),
        hop("EniIn", "network interface", "db-1 eni", 400, "", syn),
        last,
    ];
    for (index, hop) in trail.iter_mut().enumerate() {
        hop.frame = Some(index as u64 + 6);
    }
    let answer = Answer {
        id: "q1".into(),
        round_trip: false,
        unknown: false,
        observed: Observed::Filtered,
        reply_ttl: None,
        rtt_ns: None,
        forward: Leg {
            verdict: Verdict::Dropped,
            trail,
            reason: Some("SG_INGRESS".into()),
            component: Some("sg-0db".into()),
            rule: None,
        },
        back: None,
        explanations: vec![Explanation {
            code: "ENI_SG_RULES_MISMATCH".into(),
            component: "sg-0db".into(),
            direction: "forward".into(),
            detail: "no ingress rule of db matches tcp 5432 from 10.0.1.5 (groups: web)".into(),
            nearest: Some("tcp 3306 from web".into()),
            help: Some("add `tcp 5432 from web` to the ingress rules of db".into()),
        }],
        unread: Vec::new(),
    };
    (query("web-1", "db-1", 5432), answer)
}

/// Out to the internet through a NAT gateway, and back.
pub(crate) fn through_nat() -> (FlowQuery, Answer) {
    let inside = "10.0.2.7:40000 > 198.51.100.7:443 TCP [SYN] seq=0 len=0 mss=8961 ttl=64";
    let middle = "10.0.1.9:1024 > 198.51.100.7:443 TCP [SYN] seq=0 len=0 mss=8961 ttl=63";
    let outside = "203.0.113.4:1024 > 198.51.100.7:443 TCP [SYN] seq=0 len=0 mss=8961 ttl=63";
    let answer = "198.51.100.7:443 > 203.0.113.4:1024 TCP [SYN ACK] seq=0 ack=1 len=0 ttl=64";
    let forward = vec![
        hop("Emit", "instance", "db-1", 0, "", inside),
        hop(
            "EniOut",
            "security group",
            "db",
            0,
            "egress 1: all to 0.0.0.0/0",
            inside,
        ),
        hop(
            "SubnetOut",
            "network ACL",
            "db-only",
            0,
            "egress 200 allow tcp 443 to 0.0.0.0/0",
            inside,
        ),
        hop("Route", "route table", "private", 0, "0.0.0.0/0 -> nat-a", inside),
        hop(
            "SubnetIn",
            "network ACL",
            "default of shop",
            400,
            "ingress 100 allow all from 0.0.0.0/0",
            inside,
        ),
        translated(hop("Gateway", "NAT gateway", "nat-a", 400, "", middle), inside),
        hop("Route", "route table", "public", 400, "0.0.0.0/0 -> igw", middle),
        translated(
            hop("Gateway", "internet gateway", "igw", 400, "", outside),
            middle,
        ),
        hop("Deliver", "internet host", "198.51.100.7", 10_400, "", outside),
    ];
    let back = vec![
        hop("Emit", "internet host", "198.51.100.7", 10_400, "", answer),
        hop("Gateway", "internet gateway", "igw", 20_400, "", answer),
        hop("Deliver", "instance", "db-1", 20_800, "", answer),
    ];
    let answer = Answer {
        id: "q1".into(),
        round_trip: true,
        unknown: false,
        observed: Observed::Open,
        reply_ttl: Some(63),
        rtt_ns: Some(20_800 * US),
        forward: delivered(forward),
        back: Some(delivered(back)),
        explanations: Vec::new(),
        unread: Vec::new(),
    };
    (query("db-1", "198.51.100.7", 443), answer)
}

/// Into a transit gateway, which nobody has modelled.
pub(crate) fn unknown() -> (FlowQuery, Answer) {
    let (_, mut answer) = blocked();
    answer.unknown = true;
    answer.forward.verdict = Verdict::Unknown;
    answer.forward.trail.truncate(4);
    answer.forward.reason = Some("NOT_MODELLED".into());
    answer.explanations.clear();
    answer.unread.push(UnreadNote {
        what: "transit gateway tgw-1".into(),
        effect: "what lies behind it is not simulated: every flow that is routed to it is unknown, and so are the flows \
                 that could come from there"
            .into(),
    });
    (query("web-1", "172.16.4.4", 22), answer)
}

/// A run of all three: one expectation holds, one fails, one is unknown.
pub(crate) fn run() -> RunReport {
    let expectation = |text: &str, passed, unknown, answer, why: &str| ExpectationResult {
        text: text.into(),
        passed,
        unknown,
        answer: Some(answer),
        why: why.into(),
    };
    RunReport {
        expectations: vec![
            expectation(
                "web-1 -> db-1 tcp 5432: reachable",
                false,
                false,
                0,
                "SG_INGRESS at db",
            ),
            expectation("db-1 -> 198.51.100.7 tcp 443: reachable", true, false, 1, ""),
            expectation(
                "web-1 -> 172.16.4.4 tcp 22: unreachable",
                false,
                true,
                2,
                "NOT_MODELLED",
            ),
        ],
        answers: vec![blocked(), through_nat(), unknown()],
        balanced: true,
        ..RunReport::default()
    }
}

/// The text without its ANSI codes.
pub(crate) fn without_colours(text: &str) -> String {
    let mut bare = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('\u{1b}') {
        bare.push_str(before);
        rest = after.split_once('m').map_or("", |(_, after)| after);
    }
    bare + rest
}
