//! Which known codes an unknown one may have meant.

const SUGGESTIONS_MAX: usize = 5;

/// The known codes that are written like `asked` or contain it, the likest first.
pub(super) fn of<'a>(asked: &str, known: impl Iterator<Item = &'a str>) -> Vec<&'a str> {
    let asked = folded(asked);
    if asked.is_empty() {
        return Vec::new();
    }
    let mut near: Vec<(usize, &str)> = known
        .filter_map(|code| Some((distance(&asked, &folded(code))?, code)))
        .collect();
    near.sort_unstable();
    near.dedup_by_key(|(_, code)| *code);
    near.truncate(SUGGESTIONS_MAX);
    near.into_iter().map(|(_, code)| code).collect()
}

fn folded(code: &str) -> String {
    code.trim().to_ascii_uppercase().replace('-', "_")
}

/// How far the code is from what was asked; `None` if it is too far to be meant.
fn distance(asked: &str, code: &str) -> Option<usize> {
    let edits = edit_distance(asked, code);
    if edits <= asked.len().max(3) / 3 {
        return Some(edits);
    }
    // A part of a code is farther than any slip of the pen.
    let is_part = asked.len() >= 3 && code.contains(asked);
    is_part.then_some(1_000 + code.len())
}

/// How many letters have to be added, taken away or changed.
fn edit_distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (index, from) in a.chars().take(100).enumerate() {
        let mut diagonal = row[0];
        row[0] = index + 1;
        for (column, to) in b.iter().enumerate() {
            let changed = diagonal + usize::from(from != *to);
            diagonal = row[column + 1];
            row[column + 1] = changed.min(row[column] + 1).min(diagonal + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    const KNOWN: [&str; 4] = ["SG_EGRESS", "SG_INGRESS", "NAT_NO_STATE", "subnet-overlap"];

    #[test]
    fn slips_of_the_pen_come_before_parts() {
        assert_eq!(of("sg-ingres", KNOWN.into_iter())[0], "SG_INGRESS");
        assert_eq!(of("NAT", KNOWN.into_iter()), ["NAT_NO_STATE"]);
        assert_eq!(of("subnet_overlaps", KNOWN.into_iter()), ["subnet-overlap"]);
    }

    #[test]
    fn edits_are_counted() {
        assert_eq!(edit_distance("kitten", "sitting"), 3);
        assert_eq!(edit_distance("", "abc"), 3);
    }

    #[test]
    fn nothing_is_like_nothing() {
        assert_eq!(of("", KNOWN.into_iter()), Vec::<&str>::new());
    }
}
