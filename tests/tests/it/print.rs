//! Answers as text: what scenarios show and what assertions print when they fail.

use std::fmt::Write as _;

use vpcsim_analysis::{Answer, Hop, Leg, Observed};

/// What the source saw, and the stations of both ways, a line each.
pub(crate) fn answer(answer: &Answer) -> String {
    let observed = match answer.observed {
        Observed::Open => "open",
        Observed::Closed => "closed",
        Observed::Filtered => "filtered",
        Observed::Reply => "reply",
        Observed::NoReply => "no reply",
    };
    let mut text = format!("{observed}\n");
    leg(&mut text, "there", &answer.forward);
    if let Some(back) = &answer.back {
        leg(&mut text, "back", back);
    }
    text
}

fn leg(text: &mut String, title: &str, leg: &Leg) {
    let _ = writeln!(text, "{title}:");
    for hop in &leg.trail {
        let dropped = leg.reason.as_deref().filter(|_| !hop.passed);
        let dropped = dropped.map(|reason| format!(" {reason}")).unwrap_or_default();
        let _ = writeln!(
            text,
            "  {:<9} {} {}{}{dropped}{}",
            hop.station,
            hop.kind,
            hop.name,
            rule(hop),
            rewritten(hop)
        );
    }
}

fn rule(hop: &Hop) -> String {
    hop.rule
        .as_ref()
        .map(|rule| format!(" [{rule}]"))
        .unwrap_or_default()
}

/// The ends of a packet before and after, if the station rewrote them.
fn rewritten(hop: &Hop) -> String {
    let ends = |packet: &str| packet.split_whitespace().take(3).collect::<Vec<_>>().join(" ");
    match &hop.before {
        Some(before) if ends(before) != ends(&hop.packet) => {
            format!(" ({} => {})", ends(before), ends(&hop.packet))
        }
        _ => String::new(),
    }
}
