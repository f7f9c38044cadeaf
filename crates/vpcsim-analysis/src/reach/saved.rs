//! Exact answers that were written down: what of them is asked about, and what is different in another document.

use std::collections::BTreeSet;
use std::net::Ipv4Addr;
use std::sync::Arc;

use vpcsim_aws::Protocol;
use vpcsim_aws::address_set::AddressRange;
use vpcsim_aws::sets::{ProtocolRange, TrafficBox, TrafficSet};
use vpcsim_aws::traffic::PortRange;

use super::difference::{Change, change, grouped};
use super::outside::range_words;
use super::rows::{InternetRow, Row, Services};
use super::{Basis, Reach};

/// The rows of a document.
#[derive(Clone, Copy, Debug)]
pub struct Rows<'a> {
    /// What gets through between groups.
    pub inside: &'a [Row],
    /// What the internet reaches.
    pub exposure: &'a [InternetRow],
    /// What is reached on the internet.
    pub egress: &'a [InternetRow],
}

impl Services {
    /// The services as a set, from any port.
    ///
    /// # Errors
    /// What cannot be read.
    pub fn traffic(&self) -> Result<TrafficSet, String> {
        let mut set = TrafficSet::nothing();
        let known = [
            (Protocol::TCP, &self.tcp),
            (Protocol::UDP, &self.udp),
            (Protocol::ICMP, &self.icmp),
        ];
        for (protocol, ranges) in known {
            for text in ranges {
                let (first, last) = range(text)?;
                set.add(TrafficBox::service(protocol, PortRange { first, last }));
            }
        }
        for text in &self.other {
            let (first, last) = range(text)?;
            let protocols = ProtocolRange { first, last };
            set.add(TrafficBox {
                protocols,
                ..TrafficBox::ALL
            });
        }
        Ok(set)
    }

    /// Those that are asked about.
    ///
    /// # Errors
    /// What cannot be read.
    pub fn within(&self, asked: &TrafficSet) -> Result<Self, String> {
        Ok(Self::of(&self.traffic()?.intersection(&asked.from_any_port())))
    }
}

/// `80` or `80-90`.
fn range<N: std::str::FromStr + PartialOrd + Copy>(text: &str) -> Result<(N, N), String> {
    let (first, last) = text.split_once('-').unwrap_or((text, text));
    match (first.parse(), last.parse()) {
        (Ok(first), Ok(last)) if first <= last => Ok((first, last)),
        _ => Err(format!("`{text}` is no range of numbers")),
    }
}

/// The addresses that words such as `10.0.0.0/8` or `1.0.0.0-1.0.0.7` stand for.
fn addresses(words: &str) -> Result<AddressRange, String> {
    let wrong = || format!("`{words}` is no range of addresses");
    if let Some((first, last)) = words.split_once('-') {
        let ends: [Ipv4Addr; 2] = [
            first.parse().map_err(|_| wrong())?,
            last.parse().map_err(|_| wrong())?,
        ];
        return Ok(AddressRange::new(ends[0], ends[1]));
    }
    let net: ipnet::Ipv4Net = words.parse().map_err(|_| wrong())?;
    Ok(net.into())
}

/// What is different in the rows of `new`; in the order of what opens first. Ways are not in rows, and so not compared.
///
/// # Errors
/// What cannot be read in one of them.
pub fn difference_of_rows(old: Rows<'_>, new: Rows<'_>) -> Result<Vec<Change>, String> {
    let mut changes = Vec::new();
    let ends: BTreeSet<(&str, &str)> = old.inside.iter().chain(new.inside).map(ends_of).collect();
    for (from, to) in ends {
        let at = |rows: &[Row]| {
            rows.iter()
                .find(|row| ends_of(row) == (from, to))
                .map_or(Ok(Reach::nothing()), reach_of)
        };
        let names = (vec![from.to_owned()], vec![to.to_owned()]);
        changes.extend(change(
            names,
            &at(old.inside)?,
            &at(new.inside)?,
            Default::default(),
            None,
        ));
    }
    compare_internet(old.exposure, new.exposure, true, &mut changes)?;
    compare_internet(old.egress, new.egress, false, &mut changes)?;
    Ok(grouped(grouped(changes, true), false)).map(|mut changes| {
        changes.sort_by_key(|change| {
            (
                change.opened.is_empty(),
                change.opened_one_way.is_empty(),
                change.closed.is_empty(),
            )
        });
        changes
    })
}

fn ends_of(row: &Row) -> (&str, &str) {
    (&row.from, &row.to)
}

fn reach_of(row: &Row) -> Result<Reach, String> {
    reach([&row.round_trip, &row.one_way, &row.some_targets], &row.basis)
}

fn reach(services: [&Services; 3], basis: &str) -> Result<Reach, String> {
    let [round_trip, one_way, some_targets] = services;
    let known = [Basis::Sets, Basis::Packets, Basis::Unknown];
    let found = known.into_iter().find(|known| known.words() == basis);
    Ok(Reach {
        round_trip: round_trip.traffic()?,
        one_way: one_way.traffic()?,
        some_targets: some_targets.traffic()?,
        basis: found.ok_or_else(|| format!("`{basis}` is nothing that an answer rests on"))?,
        depends_on_port: false,
        via: Arc::from([]),
    })
}

fn compare_internet(
    old: &[InternetRow],
    new: &[InternetRow],
    is_inwards: bool,
    changes: &mut Vec<Change>,
) -> Result<(), String> {
    let groups: BTreeSet<&str> = old.iter().chain(new).map(|row| row.group.as_str()).collect();
    for group in groups {
        let of_group = |rows: &[InternetRow]| -> Result<Vec<(Vec<AddressRange>, InternetRow)>, String> {
            let own = rows.iter().filter(|row| row.group == group);
            own.map(|row| {
                Ok((
                    row.outside
                        .iter()
                        .map(|words| addresses(words))
                        .collect::<Result<_, _>>()?,
                    row.clone(),
                ))
            })
            .collect()
        };
        let (before, now) = (of_group(old)?, of_group(new)?);
        let mut found: Vec<(Vec<AddressRange>, Change)> = Vec::new();
        for piece in pieces(before.iter().chain(&now).flat_map(|(ranges, _)| ranges)) {
            let at = |rows: &[(Vec<AddressRange>, InternetRow)]| {
                let mut rows = rows.iter();
                let found = rows.find(|(ranges, _)| ranges.iter().any(|range| range.contains(piece.first())));
                found.map(|(_, row)| row.clone())
            };
            let (was, is) = (at(&before), at(&now));
            let address = was
                .as_ref()
                .zip(is.as_ref())
                .filter(|_| !is_inwards)
                .and_then(|(was, is)| address_change(was, is));
            let reach = |row: Option<InternetRow>| {
                row.map_or(Ok(Reach::nothing()), |row| {
                    reach([&row.round_trip, &row.one_way, &row.some_targets], &row.basis)
                })
            };
            let names = (Vec::new(), Vec::new());
            let Some(one) = change(names, &reach(was)?, &reach(is)?, Default::default(), address) else {
                continue;
            };
            match found.iter_mut().find(|(_, other)| *other == one) {
                Some((ranges, _)) => super::outside::add(ranges, piece),
                None => found.push((vec![piece], one)),
            }
        }
        for (ranges, one) in found {
            let outside: Vec<String> = range_words(&ranges)
                .into_iter()
                .map(|range| format!("internet {range}"))
                .collect();
            let own = vec![group.to_owned()];
            let (from, to) = if is_inwards {
                (outside, own)
            } else {
                (own, outside)
            };
            changes.push(Change { from, to, ..one });
        }
    }
    Ok(())
}

fn address_change(was: &InternetRow, is: &InternetRow) -> Option<[String; 2]> {
    let words = |row: &InternetRow| {
        row.public
            .iter()
            .map(ToString::to_string)
            .collect::<Vec<_>>()
            .join(", ")
    };
    (was.public != is.public).then(|| [words(was), words(is)])
}

/// Ranges cut where any of them begins or ends.
fn pieces<'r>(ranges: impl Iterator<Item = &'r AddressRange>) -> Vec<AddressRange> {
    let ranges: Vec<AddressRange> = ranges.copied().collect();
    super::difference::pieces_of(&ranges)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn services(tcp: &[&str]) -> Services {
        let set = tcp.iter().map(|text| {
            let (first, last) = range(text).unwrap();
            TrafficBox::service(Protocol::TCP, PortRange { first, last })
        });
        Services::of(&set.collect())
    }

    fn row(from: &str, to: &str, tcp: &[&str]) -> Row {
        Row {
            from: from.to_owned(),
            to: to.to_owned(),
            round_trip: services(tcp),
            one_way: Services::default(),
            some_targets: Services::default(),
            only_some: false,
            basis: "sets".to_owned(),
            depends_on_port: false,
        }
    }

    fn exposed(group: &str, outside: &[&str], tcp: &[&str]) -> InternetRow {
        InternetRow {
            group: group.to_owned(),
            outside: outside.iter().map(|text| (*text).to_owned()).collect(),
            public: Vec::new(),
            round_trip: services(tcp),
            one_way: Services::default(),
            some_targets: Services::default(),
            basis: "sets".to_owned(),
            witness: None,
            path: Vec::new(),
        }
    }

    fn compared(
        old: (&[Row], &[InternetRow]),
        new: (&[Row], &[InternetRow]),
    ) -> Vec<(Vec<String>, Vec<String>, String, String)> {
        let rows = |(inside, exposure)| Rows {
            inside,
            exposure,
            egress: &[],
        };
        let changes = difference_of_rows(rows(old), rows(new)).unwrap();
        changes
            .into_iter()
            .map(|one| (one.from, one.to, one.opened.text, one.closed.text))
            .collect()
    }

    #[test]
    fn services_are_read_back_as_they_were_written() {
        for set in [TrafficSet::everything(), TrafficSet::nothing()] {
            assert_eq!(Services::of(&set).traffic().unwrap(), set);
        }
        let two = services(&["22", "80-90"]);
        assert_eq!(
            two.within(&TrafficBox::service(Protocol::TCP, PortRange { first: 85, last: 100 }).into())
                .unwrap()
                .text,
            "tcp 85-90"
        );
        let wrong = Services {
            tcp: vec!["90-80".to_owned()],
            ..Services::default()
        };
        assert!(wrong.traffic().unwrap_err().contains("90-80"));
    }

    #[test]
    fn what_opens_and_closes_between_two_documents_is_a_change() {
        let (old, new) = (
            [row("web", "db", &["5432"])],
            [row("web", "db", &["5432-5433"]), row("ops", "db", &["22"])],
        );
        let words = |text: &str| text.to_owned();
        let list = |text: &str| vec![words(text)];
        assert_eq!(
            compared((&old, &[]), (&new, &[])),
            [
                (list("ops"), list("db"), words("tcp 22"), words("nothing")),
                (list("web"), list("db"), words("tcp 5433"), words("nothing")),
            ]
        );
        assert!(compared((&new, &[]), (&new, &[])).is_empty());
    }

    #[test]
    fn only_the_part_of_the_internet_that_gets_more_is_told() {
        let old = [exposed("web", &["198.51.100.0/24"], &["443"])];
        let new = [exposed("web", &["198.51.0.0-198.51.100.255"], &["443"])];
        let changes = compared((&[], &old), (&[], &new));
        let (from, to, opened, _) = &changes[0];
        assert_eq!(
            (changes.len(), to[0].as_str(), opened.as_str()),
            (1, "web", "tcp 443")
        );
        assert_eq!(from, &["internet 198.51.0.0-198.51.99.255"]);
    }
}
