//! Exact reachability as a page: a matrix, then who reaches whom by which services.

use std::fmt::Write as _;

use vpcsim_analysis::reach::{InternetRow, Row, Services};

use super::ReachDocument;
use crate::matrix::{self, Cell};
use crate::style::{Role, Style, counted, padded, push_labelled, width};

/// More groups than this make no table that anybody reads.
const MATRIX_GROUPS_MAX: usize = 24;
/// Where services begin at the least.
const NAMES_WIDTH_MIN: usize = 12;

/// The page.
pub fn render(document: &ReachDocument, style: Style) -> String {
    let mut page = String::new();
    let small = document.senders.len() <= MATRIX_GROUPS_MAX && document.receivers.len() <= MATRIX_GROUPS_MAX;
    if small && !document.senders.is_empty() && !document.receivers.is_empty() {
        let (senders, receivers) = (&document.senders, &document.receivers);
        let matrix = matrix::render_in_order(senders, receivers, &cells(document), style);
        let _ = writeln!(page, "{matrix}");
    }
    push_rows(&mut page, document, style);
    push_exposure(&mut page, &document.exposure, style);
    push_egress(&mut page, &document.egress, style);
    push_summary(&mut page, document, style);
    page
}

fn cells(document: &ReachDocument) -> Vec<Cell> {
    let mut cells = Vec::new();
    for from in &document.senders {
        for to in &document.receivers {
            let row = document
                .rows
                .iter()
                .find(|row| row.from == *from && row.to == *to);
            if row.is_none() && from == to {
                continue;
            }
            let role = match row {
                Some(row) if row.basis == "unknown" => Role::Unsure,
                Some(row) if !row.round_trip.is_empty() => Role::Good,
                Some(row) if !row.one_way.is_empty() => Role::OneWay,
                _ => Role::Bad,
            };
            cells.push(Cell {
                source: from.clone(),
                service: to.clone(),
                role,
            });
        }
    }
    cells
}

fn push_rows(page: &mut String, document: &ReachDocument, style: Style) {
    let names = document
        .rows
        .iter()
        .map(|row| width(&row.to))
        .max()
        .unwrap_or(0)
        .max(NAMES_WIDTH_MIN);
    let mut last = "";
    for row in &document.rows {
        if row.from != last {
            let _ = writeln!(page, "{}", style.paint(Role::Strong, &row.from));
            last = &row.from;
        }
        let label = format!("  → {}", padded(&row.to, names));
        push_labelled(page, &label, width(&label) + 2, &row_words(row));
    }
    if !document.rows.is_empty() {
        page.push('\n');
    }
}

fn row_words(row: &Row) -> String {
    let mut words = services_words(&row.round_trip, &row.one_way, &row.some_targets, &row.basis);
    if row.only_some {
        words.push_str(" (not between all of them)");
    }
    if row.depends_on_port {
        words.push_str("; more if the gateway or the client chooses a port that the way back lets through");
    }
    words
}

fn services_words(round_trip: &Services, one_way: &Services, some_targets: &Services, basis: &str) -> String {
    if basis == "unknown" {
        return "unknown: something on the way is not modelled".to_owned();
    }
    let mut parts = Vec::new();
    if !round_trip.is_empty() {
        parts.push(round_trip.text.clone());
    }
    if !some_targets.is_empty() {
        parts.push(format!("by some of its targets only: {}", some_targets.text));
    }
    if !one_way.is_empty() {
        parts.push(format!("one way only, no answer comes back: {}", one_way.text));
    }
    let mut words = parts.join("; ");
    if basis == "packets" {
        words.push_str(" (by packets)");
    }
    words
}

fn push_exposure(page: &mut String, rows: &[InternetRow], style: Style) {
    if rows.is_empty() {
        return;
    }
    let _ = writeln!(page, "{}", style.paint(Role::Strong, "from the internet"));
    let names = rows
        .iter()
        .map(|row| width(&row.group))
        .max()
        .unwrap_or(0)
        .max(NAMES_WIDTH_MIN);
    for row in rows {
        let label = format!("  → {}", padded(&row.group, names));
        let words = services_words(&row.round_trip, &row.one_way, &row.some_targets, &row.basis);
        let at = width(&label) + 2;
        push_labelled(
            page,
            &label,
            at,
            &format!("{words}  at {}  from {}", addresses(row), ranges(row)),
        );
        if !row.path.is_empty() {
            push_labelled(page, "", at, &format!("by {}", row.path.join(", ")));
        }
    }
    page.push('\n');
}

fn push_egress(page: &mut String, rows: &[InternetRow], style: Style) {
    if rows.is_empty() {
        return;
    }
    let _ = writeln!(page, "{}", style.paint(Role::Strong, "to the internet"));
    let names = rows
        .iter()
        .map(|row| width(&row.group))
        .max()
        .unwrap_or(0)
        .max(NAMES_WIDTH_MIN);
    for row in rows {
        let label = format!("  {} →", padded(&row.group, names));
        let words = services_words(&row.round_trip, &row.one_way, &row.some_targets, &row.basis);
        let seen = if row.public.is_empty() {
            String::new()
        } else {
            format!("  as {}", addresses(row))
        };
        push_labelled(
            page,
            &label,
            width(&label) + 2,
            &format!("{words}{seen}  to {}", ranges(row)),
        );
    }
    page.push('\n');
}

fn addresses(row: &InternetRow) -> String {
    let shown: Vec<String> = row.public.iter().take(4).map(ToString::to_string).collect();
    let more = row.public.len().saturating_sub(shown.len());
    if more == 0 {
        shown.join(", ")
    } else {
        format!("{} and {more} more", shown.join(", "))
    }
}

/// The ranges, or `anywhere` for the whole internet.
fn ranges(row: &InternetRow) -> String {
    const SHOWN: usize = 4;
    if row.outside == ["0.0.0.0/0"] {
        return "anywhere".to_owned();
    }
    let shown = row
        .outside
        .iter()
        .take(SHOWN)
        .cloned()
        .collect::<Vec<_>>()
        .join(", ");
    match row.outside.len().saturating_sub(SHOWN) {
        0 => shown,
        more => format!("{shown} and {}", counted(more, "more range")),
    }
}

fn push_summary(page: &mut String, document: &ReachDocument, style: Style) {
    let interfaces = counted(document.interface_count, "interface");
    let classes = counted(document.class_count, "class").replace("classs", "classes");
    let open = document
        .rows
        .iter()
        .filter(|row| !row.round_trip.is_empty())
        .count();
    let one_way = document.rows.iter().filter(|row| !row.one_way.is_empty()).count();
    let found = if document.receivers.is_empty() {
        String::new()
    } else {
        format!("; {} with an answer, {one_way} one way", counted(open, "pair"))
    };
    let _ = writeln!(
        page,
        "{interfaces} of {classes}{found}; asked for {}",
        document.asked
    );
    if let Some(found) = &document.verification {
        for line in &found.disagreements {
            let _ = writeln!(page, "{} {line}", style.paint(Role::Bad, Role::Bad.glyph()));
        }
        let _ = writeln!(
            page,
            "{}, {}",
            counted(found.witnesses, "witness").replace("witnesss", "witnesses"),
            counted(found.disagreements.len(), "disagreement")
        );
    }
}
