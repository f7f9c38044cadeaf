//! One flow for people: the verdict, the way there and the way back hop by hop, and where and why it stops.

use std::fmt::Write as _;

use vpcsim_analysis::{Answer, Blocker, Explanation, FlowQuery, Hop, Leg, Observed, Verdict};
use vpcsim_aws::drop_reason;

use crate::style::{LINE_WIDTH, Role, Style, counted, padded, push_labelled, time_words, width, wrapped};

/// The column where the facts about a stop begin.
const FACTS_AT: usize = 15;
/// Components longer than this do not widen their column.
const COMPONENT_WIDTH_MAX: usize = 44;
/// A rule stands beside its hop only if this many characters of it fit.
const RULE_WIDTH_MIN: usize = 30;

/// The whole trace of a flow.
pub fn render(query: &FlowQuery, answer: &Answer, style: Style) -> String {
    let mut page = headline(query, answer, style);
    push_leg(&mut page, "there", "forward", &answer.forward, answer, style);
    if let Some(back) = &answer.back {
        push_leg(&mut page, "back", "return", back, answer, style);
    }
    push_unread(&mut page, answer, style);
    page
}

/// What else stops the flow behind its first blocker, and the changes that would open it all.
pub fn render_blockers(blockers: &[Blocker], style: Style) -> String {
    let mut page = String::new();
    if blockers.len() < 2 {
        return page;
    }
    let _ = writeln!(
        page,
        "\n{}",
        style.paint(Role::Strong, "also stopped by, if that were mended")
    );
    for blocker in &blockers[1..] {
        let way = if blocker.direction == "forward" {
            "there"
        } else {
            "back"
        };
        push_labelled(
            &mut page,
            &format!("    {}", padded(way, 7)),
            11,
            &format!("{} {}: {}", blocker.component, blocker.reason, blocker.detail),
        );
        if let Some(nearest) = &blocker.nearest {
            push_labelled(&mut page, "", 11, &format!("nearest: {nearest}"));
        }
    }
    let _ = writeln!(page, "\n{}", style.paint(Role::Strong, "to open it"));
    for (number, blocker) in blockers.iter().enumerate() {
        let change = blocker
            .change
            .clone()
            .unwrap_or_else(|| format!("mend {} ({})", blocker.component, blocker.reason));
        push_labelled(&mut page, &format!("    {}. ", number + 1), 7, &change);
    }
    page
}

/// The flow in short: `web-1 -> db-1:5432/tcp`.
pub fn flow_words(query: &FlowQuery) -> String {
    format!("{} -> {}", source_words(query), service_words(query))
}

/// Who sends, with the address where the question names one: `web-1 (10.0.1.5)`.
pub fn source_words(query: &FlowQuery) -> String {
    let address = query.src_ip.or(query.bind);
    match address.filter(|address| address.to_string() != query.source) {
        Some(address) => format!("{} ({address})", query.source),
        None => query.source.clone(),
    }
}

/// The service, as `vpcsim trace --to` takes it: `db-1:5432/tcp`.
pub fn service_words(query: &FlowQuery) -> String {
    let protocol = query.protocol.to_ascii_lowercase();
    match query.dst_port {
        Some(port) => format!("{}:{port}/{protocol}", query.dst),
        None => format!("{}:{protocol}", query.dst),
    }
}

/// Whether the answer is good, bad or unsure.
pub fn role_of(answer: &Answer) -> Role {
    if answer.unknown {
        Role::Unsure
    } else if answer.round_trip {
        Role::Good
    } else {
        Role::Bad
    }
}

/// What the source saw, in a few words.
pub fn outcome_words(answer: &Answer) -> &'static str {
    if answer.unknown {
        return "unknown, because something on its way is not modelled";
    }
    match (answer.observed, answer.forward.verdict) {
        (Observed::Open, _) => "reachable, the connection opens",
        (Observed::Closed, _) => "reachable, but nothing listens on that port",
        (Observed::Reply, _) => "reachable, an answer comes back",
        (Observed::Filtered | Observed::NoReply, Verdict::Delivered) => {
            "not reachable: the packet arrives, but no answer comes back"
        }
        (Observed::Filtered | Observed::NoReply, _) => "not reachable: the packet never arrives",
    }
}

fn headline(query: &FlowQuery, answer: &Answer, style: Style) -> String {
    let role = role_of(answer);
    let mut line = format!(
        "{} {} is {}",
        role.glyph(),
        flow_words(query),
        outcome_words(answer)
    );
    if let Some(rtt_ns) = answer.rtt_ns {
        let _ = write!(line, " after {}", time_words(rtt_ns));
    }
    let mut page = String::new();
    for line in wrapped(&line, LINE_WIDTH) {
        let _ = writeln!(page, "{}", style.paint(role, &line));
    }
    page
}

const fn role_of_verdict(verdict: Verdict) -> Role {
    match verdict {
        Verdict::Delivered => Role::Good,
        Verdict::Dropped => Role::Bad,
        Verdict::Unknown => Role::Unsure,
    }
}

fn push_leg(page: &mut String, title: &str, direction: &str, leg: &Leg, answer: &Answer, style: Style) {
    let hops = counted(leg.trail.len(), "hop");
    let how = match leg.verdict {
        Verdict::Delivered => format!("delivered after {hops}"),
        Verdict::Dropped => format!("dropped at hop {}", leg.trail.len()),
        Verdict::Unknown => format!("unknown from hop {} on", leg.trail.len()),
    };
    let _ = writeln!(page, "\n{}: {how}", style.paint(Role::Strong, title));
    if let Some(first) = leg.trail.first() {
        let packet = first.before.as_ref().unwrap_or(&first.packet);
        let _ = writeln!(page, "  {}", style.paint(Role::Faint, packet));
    }
    push_hops(page, leg, style);
    if leg.verdict != Verdict::Delivered {
        push_stop(page, leg, direction, answer, style);
    }
}

/// Where the columns of a table of hops begin.
struct Columns {
    number: usize,
    station: usize,
    component: usize,
    time: usize,
    frame: usize,
}

impl Columns {
    fn of(trail: &[Hop]) -> Self {
        let widest = |text: &dyn Fn(&Hop) -> String| trail.iter().map(|hop| width(&text(hop))).max();
        let components = trail.iter().map(|hop| width(&component_words(hop)));
        Self {
            number: trail.len().to_string().len(),
            station: widest(&|hop| hop.station.clone()).unwrap_or(0),
            component: components
                .filter(|columns| *columns <= COMPONENT_WIDTH_MAX)
                .max()
                .unwrap_or(0),
            time: widest(&|hop| time_words(hop.time_ns)).unwrap_or(0),
            frame: widest(&frame_words).unwrap_or(0),
        }
    }

    /// The column where the component stands, below which what belongs to it is written.
    const fn component_at(&self) -> usize {
        2 + 2 + self.number + 2 + self.station + 2
    }
}

fn push_hops(page: &mut String, leg: &Leg, style: Style) {
    let columns = Columns::of(&leg.trail);
    let mut shown_ns = None;
    for (index, hop) in leg.trail.iter().enumerate() {
        let is_last = index + 1 == leg.trail.len();
        let role = if is_last {
            role_of_verdict(leg.verdict)
        } else {
            Role::Faint
        };
        // A time that is the same as the hop's before would only be noise.
        let time = if shown_ns.replace(hop.time_ns) == Some(hop.time_ns) {
            String::new()
        } else {
            time_words(hop.time_ns)
        };
        push_hop(page, index + 1, hop, &time, role, &columns, style);
    }
}

fn push_hop(
    page: &mut String,
    number: usize,
    hop: &Hop,
    time: &str,
    role: Role,
    columns: &Columns,
    style: Style,
) {
    let mut line = format!(
        "{number:>number_width$}  {}  {}  {time:>time_width$}",
        padded(&hop.station, columns.station),
        padded(&component_words(hop), columns.component),
        number_width = columns.number,
        time_width = columns.time,
    );
    if columns.frame > 0 {
        let _ = write!(line, "  {:>1$}", frame_words(hop), columns.frame);
    }
    let at = columns.component_at();
    let glyph = style.paint(role, role.glyph());
    let rule_at = 4 + width(&line) + 2;
    match &hop.rule {
        // Beside the hop while there is room for some words, else below it.
        Some(rule) if rule_at + RULE_WIDTH_MIN <= LINE_WIDTH => {
            push_labelled(page, &format!("  {glyph} {line}  "), rule_at, rule);
        }
        rule => {
            let _ = writeln!(page, "{}", format!("  {glyph} {line}").trim_end());
            if let Some(rule) = rule {
                push_labelled(page, "", at + 2, rule);
            }
        }
    }
    if let Some(before) = &hop.before {
        for change in changes(before, &hop.packet) {
            let _ = writeln!(page, "{:at$}  {change}", "");
        }
    }
}

/// What differs between two headers, a line each: `source 10.0.2.7:40000 -> 10.0.1.9:1024`, `ttl 64 -> 63`. Headers that are
/// not built alike are shown whole.
fn changes(before: &str, after: &str) -> Vec<String> {
    let (old, new): (Vec<_>, Vec<_>) = (header_fields(before), header_fields(after));
    if old.len() != new.len() || old.iter().zip(&new).any(|(old, new)| old.0 != new.0) {
        return vec![format!("was {before}"), format!("now {after}")];
    }
    let differing = old.iter().zip(&new).filter(|(old, new)| old != new);
    let (addresses, others): (Vec<_>, Vec<_>) = differing
        .map(|((name, old), (_, new))| (*name, format!("{name} {old} -> {new}")))
        .partition(|(name, _)| matches!(*name, "source" | "destination"));
    let mut lines: Vec<String> = addresses.into_iter().map(|(_, line)| line).collect();
    if !others.is_empty() {
        let others: Vec<String> = others.into_iter().map(|(_, line)| line).collect();
        lines.push(others.join(", "));
    }
    lines
}

/// The parts of a header's line with their names: the addresses, then `key=value` pairs and bare words.
fn header_fields(line: &str) -> Vec<(&str, &str)> {
    let (source, rest) = line.split_once(" > ").unwrap_or(("", line));
    let (destination, rest) = rest.split_once(' ').unwrap_or((rest, ""));
    let others = rest
        .split_whitespace()
        .map(|word| word.split_once('=').unwrap_or(("", word)));
    [("source", source), ("destination", destination)]
        .into_iter()
        .chain(others)
        .collect()
}

/// `security group db (sg-1)`.
fn component_words(hop: &Hop) -> String {
    let named = format!("{} {}", hop.kind, hop.name);
    if hop.component.is_empty() || hop.component == hop.name {
        named.trim().to_owned()
    } else {
        format!("{} ({})", named.trim(), hop.component)
    }
}

fn frame_words(hop: &Hop) -> String {
    hop.frame.map_or_else(String::new, |frame| format!("#{frame}"))
}

fn push_stop(page: &mut String, leg: &Leg, direction: &str, answer: &Answer, style: Style) {
    let role = role_of_verdict(leg.verdict);
    let reason = leg.reason.as_deref().and_then(drop_reason::by_name);
    page.push('\n');
    let mut fact = |label: &str, text: &str| {
        let label = style.paint(role, &padded(&format!("    {label}"), FACTS_AT));
        push_labelled(page, &label, FACTS_AT, text);
    };
    if let Some(last) = leg.trail.last() {
        fact("stops at", &component_words(last));
    }
    if let Some(rule) = &leg.rule {
        fact("by rule", rule);
    }
    match (reason, &leg.reason) {
        (Some(info), _) => fact("because", info.words),
        (None, Some(name)) => fact("because", name),
        (None, None) => {}
    }
    for explanation in answer
        .explanations
        .iter()
        .filter(|found| found.direction == direction)
    {
        explain(explanation, &mut fact);
    }
    if let Some(name) = &leg.reason {
        fact(
            "code",
            &code_words(name, reason.and_then(|info| info.analyzer_code)),
        );
    }
    if let Some(frame) = leg.trail.last().and_then(|hop| hop.frame) {
        fact("captured", &format!("frame {frame} is the packet where it ended"));
    }
}

fn explain(explanation: &Explanation, fact: &mut impl FnMut(&str, &str)) {
    fact("in detail", &explanation.detail);
    if let Some(nearest) = &explanation.nearest {
        fact("nearest", nearest);
    }
    if let Some(help) = &explanation.help {
        fact("help", help);
    }
}

fn code_words(name: &str, analyzer_code: Option<&str>) -> String {
    match analyzer_code {
        Some(code) => format!("{name}; AWS's Reachability Analyzer calls it {code}"),
        None => format!("{name}; AWS's Reachability Analyzer has no code for it"),
    }
}

fn push_unread(page: &mut String, answer: &Answer, style: Style) {
    if answer.unread.is_empty() {
        return;
    }
    let title = style.paint(Role::Unsure, "not modelled, and could change this answer");
    let _ = writeln!(page, "\n{title}:");
    for note in &answer.unread {
        push_labelled(page, "  ?", 4, &format!("{}: {}", note.what, note.effect));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_that_sends_by_itself_is_named_once() {
        let mut query = FlowQuery {
            source: "10.0.1.5".to_owned(),
            bind: Some("10.0.1.5".parse().unwrap()),
            ..FlowQuery::default()
        };
        assert_eq!(source_words(&query), "10.0.1.5");
        "web-1".clone_into(&mut query.source);
        assert_eq!(source_words(&query), "web-1 (10.0.1.5)");
    }
    use crate::samples;

    fn lines_of(sample: &(FlowQuery, Answer)) -> Vec<String> {
        let page = render(&sample.0, &sample.1, Style::Plain);
        page.lines().map(Into::into).collect()
    }

    fn has(lines: &[String], wanted: &str) -> bool {
        lines.iter().any(|line| line.contains(wanted))
    }

    #[test]
    fn a_flow_that_works_says_so_first_and_shows_both_ways() {
        let lines = lines_of(&samples::through_nat());
        assert_eq!(
            lines[0],
            "✓ db-1 -> 198.51.100.7:443/tcp is reachable, the connection opens after 20.8 ms"
        );
        assert!(has(&lines, "there: delivered after 9 hops"), "{lines:#?}");
        assert!(has(&lines, "back: delivered after 3 hops"), "{lines:#?}");
    }

    #[test]
    fn a_translation_shows_what_it_changed_in_the_header() {
        let lines = lines_of(&samples::through_nat());
        let source = lines
            .iter()
            .position(|line| line.trim() == "source 10.0.2.7:40000 -> 10.0.1.9:1024")
            .unwrap();
        assert_eq!(lines[source + 1].trim(), "ttl 64 -> 63");
    }

    #[test]
    fn headers_that_are_not_built_alike_are_shown_whole() {
        let before = "10.0.0.1 > 10.0.0.2 UDP len=9 ttl=64";
        let after = "10.0.0.1 > 10.0.0.2 UDP len=9 frag=1@0+ ttl=64";
        assert_eq!(
            changes(before, after),
            [format!("was {before}"), format!("now {after}")]
        );
        assert_eq!(changes(before, before), Vec::<String>::new());
    }

    #[test]
    fn a_drop_names_component_reason_nearest_rule_help_code_and_frame() {
        let lines = lines_of(&samples::blocked());
        assert!(
            lines[0].starts_with("✗ web-1 -> db-1:5432/tcp is not reachable"),
            "{lines:#?}"
        );
        for wanted in [
            "✗ 7  EniIn",
            "stops at   security group db (sg-0db)",
            "No ingress rule of the interface's security groups allows it.",
            "nearest    tcp 3306 from web",
            "help       add",
            "ENI_SG_RULES_MISMATCH",
            "frame 12",
        ] {
            assert!(has(&lines, wanted), "{wanted:?} is missing in {lines:#?}");
        }
    }

    #[test]
    fn what_is_not_modelled_makes_the_answer_unknown_and_is_listed() {
        let lines = lines_of(&samples::unknown());
        assert!(
            lines[0].starts_with("? ") && lines[0].contains("is unknown"),
            "{lines:#?}"
        );
        assert!(has(&lines, "? transit gateway tgw-1: "), "{lines:#?}");
    }

    #[test]
    fn no_line_is_wider_than_the_page() {
        for sample in [samples::blocked(), samples::through_nat(), samples::unknown()] {
            let lines = lines_of(&sample);
            assert!(lines.iter().all(|line| width(line) <= LINE_WIDTH), "{lines:#?}");
        }
    }

    #[test]
    fn colours_change_nothing_but_the_colours() {
        for (query, answer) in [samples::blocked(), samples::through_nat(), samples::unknown()] {
            let coloured = render(&query, &answer, Style::Colour);
            assert!(coloured.contains('\u{1b}'));
            assert_eq!(
                samples::without_colours(&coloured),
                render(&query, &answer, Style::Plain)
            );
        }
    }

    #[test]
    fn an_answer_without_any_hop_still_makes_a_page() {
        let (query, mut answer) = samples::blocked();
        answer.forward.trail.clear();
        let page = render(&query, &answer, Style::Plain);
        assert!(page.contains("there: dropped at hop 0"), "{page}");
    }
}
