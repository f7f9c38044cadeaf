//! Who reaches whom, as a table: a row for each source, a column for each service.

use std::fmt::Write as _;

use comfy_table::presets::NOTHING;
use comfy_table::{Cell as TableCell, CellAlignment, ContentArrangement, Table};

use crate::style::{LINE_WIDTH, Role, Style, width};

/// What stands where nobody asked.
const NOT_ASKED: &str = "·";

/// One answer of the matrix.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cell {
    /// Who sent.
    pub source: String,
    /// To whom (`db-1:5432/tcp`).
    pub service: String,
    /// [`Role::Good`] reached, [`Role::OneWay`] reached without an answer, [`Role::Bad`] not, [`Role::Unsure`] unknown.
    pub role: Role,
}

/// The table, with a line that explains its signs. What is too wide for a page is continued below.
///
/// Sources and services stand in the order in which they come first.
pub fn render(cells: &[Cell], style: Style) -> String {
    let sources = distinct(cells.iter().map(|cell| cell.source.as_str()));
    let services = distinct(cells.iter().map(|cell| cell.service.as_str()));
    page_of(cells, &sources, &services, style)
}

/// The same with sources and services in this order.
pub fn render_in_order(sources: &[String], services: &[String], cells: &[Cell], style: Style) -> String {
    let sources = distinct(sources.iter().map(String::as_str));
    let services = distinct(services.iter().map(String::as_str));
    page_of(cells, &sources, &services, style)
}

fn page_of(cells: &[Cell], sources: &Names<'_>, services: &Names<'_>, style: Style) -> String {
    let mut roles = vec![None; sources.len() * services.len()];
    for cell in cells {
        let (Some(row), Some(column)) = (sources.place(&cell.source), services.place(&cell.service)) else {
            continue;
        };
        roles[row * services.len() + column] = Some(cell.role);
    }
    let mut page = String::new();
    for columns in pages(sources, services) {
        let _ = writeln!(page, "{}\n", table(sources, services, &roles, columns));
    }
    if page.is_empty() {
        return page;
    }
    let _ = writeln!(page, "{}", legend(&roles));
    painted(&page, style)
}

/// Names in the order of their first use, each once.
struct Names<'a> {
    ordered: Vec<&'a str>,
    sorted: Vec<(&'a str, usize)>,
}

impl Names<'_> {
    fn len(&self) -> usize {
        self.ordered.len()
    }

    fn place(&self, name: &str) -> Option<usize> {
        let found = self.sorted.binary_search_by_key(&name, |(known, _)| known);
        found.ok().map(|index| self.sorted[index].1)
    }
}

fn distinct<'a>(names: impl Iterator<Item = &'a str>) -> Names<'a> {
    let mut sorted: Vec<_> = names.enumerate().map(|(at, name)| (name, at)).collect();
    sorted.sort_unstable();
    sorted.dedup_by_key(|(name, _)| *name);
    sorted.sort_unstable_by_key(|(_, at)| *at);
    let ordered: Vec<_> = sorted.iter().map(|(name, _)| *name).collect();
    let mut sorted: Vec<_> = ordered.iter().enumerate().map(|(at, name)| (*name, at)).collect();
    sorted.sort_unstable();
    Names { ordered, sorted }
}

/// Which columns stand on which part of the table, so that each is as wide as a page at the most.
fn pages(sources: &Names<'_>, services: &Names<'_>) -> Vec<std::ops::Range<usize>> {
    let margin = sources.ordered.iter().map(|name| width(name)).max().unwrap_or(0) + 2;
    let mut pages = Vec::new();
    let mut start = 0;
    let mut used = margin;
    for (index, name) in services.ordered.iter().enumerate() {
        let columns = width(name) + 2;
        if used + columns > LINE_WIDTH && index > start {
            pages.push(start..index);
            start = index;
            used = margin;
        }
        used += columns;
    }
    if start < services.len() {
        pages.push(start..services.len());
    }
    pages
}

fn table(
    sources: &Names<'_>,
    services: &Names<'_>,
    roles: &[Option<Role>],
    columns: std::ops::Range<usize>,
) -> String {
    let mut table = Table::new();
    table
        .load_style(NOTHING)
        .set_content_arrangement(ContentArrangement::Disabled);
    let header = std::iter::once("").chain(services.ordered[columns.clone()].iter().copied());
    table.set_header(header);
    for (row, source) in sources.ordered.iter().enumerate() {
        let shown = row * services.len() + columns.start..row * services.len() + columns.end;
        if roles[shown].iter().all(Option::is_none) {
            continue;
        }
        let marks = columns.clone().map(|column| {
            let role = roles[row * services.len() + column];
            TableCell::new(role.map_or(NOT_ASKED, Role::glyph)).set_alignment(CellAlignment::Center)
        });
        table.add_row(std::iter::once(TableCell::new(source)).chain(marks));
    }
    table.trim_fmt()
}

fn legend(roles: &[Option<Role>]) -> String {
    let mut words = vec!["✓ reachable", "✗ not reachable"];
    if roles.contains(&Some(Role::OneWay)) {
        words.push("→ one way, no answer comes back");
    }
    if roles.contains(&Some(Role::Unsure)) {
        words.push("? unknown");
    }
    if roles.contains(&None) {
        words.push("· not asked");
    }
    words.join("   ")
}

/// Colours the signs: the words of a line that are nothing but a sign.
fn painted(page: &str, style: Style) -> String {
    let mut coloured = String::with_capacity(page.len());
    for word in page.split_inclusive([' ', '\n']) {
        let bare = word.trim_end();
        let role = [Role::Good, Role::OneWay, Role::Bad, Role::Unsure]
            .into_iter()
            .find(|role| role.glyph() == bare);
        match role {
            Some(role) => {
                coloured.push_str(&style.paint(role, bare));
                coloured.push_str(&word[bare.len()..]);
            }
            None => coloured.push_str(word),
        }
    }
    coloured
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_can_stand_in_the_order_of_the_rows() {
        let names = ["a".to_owned(), "b".to_owned()];
        let cell = |source: usize, service: usize| Cell {
            source: names[source].clone(),
            service: names[service].clone(),
            role: Role::Good,
        };
        let page = render_in_order(&names, &names, &[cell(0, 1), cell(1, 0)], Style::Plain);
        let header: Vec<&str> = page.lines().next().unwrap().split_whitespace().collect();
        assert_eq!(header, ["a", "b"]);
    }
    use crate::samples;

    fn cell(source: &str, service: &str, role: Role) -> Cell {
        Cell {
            source: source.into(),
            service: service.into(),
            role,
        }
    }

    fn three_tiers() -> Vec<Cell> {
        vec![
            cell("laptop", "web-1:80/tcp", Role::Good),
            cell("web-1", "db-1:5432/tcp", Role::Unsure),
            cell("laptop", "db-1:5432/tcp", Role::Bad),
        ]
    }

    #[test]
    fn rows_are_sources_and_columns_services_in_the_order_of_asking() {
        let page = render(&three_tiers(), Style::Plain);
        let lines: Vec<_> = page.lines().map(str::trim).collect();
        assert_eq!(lines[0], "web-1:80/tcp  db-1:5432/tcp");
        assert_eq!(
            lines[1].split_whitespace().collect::<Vec<_>>(),
            ["laptop", "✓", "✗"]
        );
        assert_eq!(
            lines[2].split_whitespace().collect::<Vec<_>>(),
            ["web-1", "·", "?"]
        );
        assert_eq!(
            lines[4],
            "✓ reachable   ✗ not reachable   ? unknown   · not asked"
        );
    }

    #[test]
    fn what_arrives_without_an_answer_has_a_sign_of_its_own() {
        let page = render(&[cell("web-1", "db-1", Role::OneWay)], Style::Plain);
        let lines: Vec<_> = page.lines().map(str::trim).collect();
        assert_eq!(lines[1].split_whitespace().collect::<Vec<_>>(), ["web-1", "→"]);
        assert_eq!(
            lines[3],
            "✓ reachable   ✗ not reachable   → one way, no answer comes back"
        );
    }

    #[test]
    fn a_wide_matrix_goes_on_below() {
        let cells: Vec<_> = (0..30)
            .map(|number| cell("laptop", &format!("server-{number}:443/tcp"), Role::Good))
            .collect();
        let page = render(&cells, Style::Plain);
        assert!(page.lines().all(|line| width(line) <= LINE_WIDTH), "{page}");
        assert_eq!(
            page.matches("✓").count(),
            31,
            "every answer and the legend\n{page}"
        );
        assert!(page.matches("laptop").count() > 1);
    }

    #[test]
    fn colours_change_nothing_but_the_colours() {
        let coloured = render(&three_tiers(), Style::Colour);
        assert!(coloured.contains('\u{1b}'));
        assert_eq!(
            samples::without_colours(&coloured),
            render(&three_tiers(), Style::Plain)
        );
    }

    #[test]
    fn no_answers_make_no_table() {
        assert_eq!(render(&[], Style::Plain), "");
    }
}
