//! "Did you mean …?": the nearest of the words that would have been right.

/// The candidate that is near enough to be a slip of the pen.
pub(crate) fn nearest<'c>(word: &str, candidates: impl IntoIterator<Item = &'c str>) -> Option<&'c str> {
    let word = word.to_lowercase();
    let allowed = (word.chars().count() / 3).clamp(1, 3);
    candidates
        .into_iter()
        .map(|candidate| (distance(&word, &candidate.to_lowercase()), candidate))
        .filter(|(distance, _)| *distance <= allowed)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// The words as people list them: `a`, `b` or `c`; of many only the first.
pub(crate) fn listed<'w>(words: impl IntoIterator<Item = &'w str>) -> String {
    const SHOWN_MAX: usize = 12;
    let words: Vec<String> = words.into_iter().map(|word| format!("`{word}`")).collect();
    match words.split_last() {
        None => "nothing".to_owned(),
        Some((last, [])) => last.clone(),
        Some((last, head)) if words.len() <= SHOWN_MAX => format!("{} or {last}", head.join(", ")),
        Some(_) => format!(
            "{} and {} more",
            words[..SHOWN_MAX].join(", "),
            words.len() - SHOWN_MAX
        ),
    }
}

/// Edit distance with transpositions of neighbours, in characters.
fn distance(left: &str, right: &str) -> usize {
    const COMPARED_MAX: usize = 64;
    let left: Vec<char> = left.chars().take(COMPARED_MAX).collect();
    let right: Vec<char> = right.chars().take(COMPARED_MAX).collect();
    let mut before: Vec<usize> = Vec::new();
    let mut above: Vec<usize> = (0..=right.len()).collect();
    for row in 0..left.len() {
        let mut current = vec![row + 1];
        for column in 0..right.len() {
            let replaced = above[column] + usize::from(left[row] != right[column]);
            let mut best = replaced.min(above[column + 1] + 1).min(current[column] + 1);
            let swapped =
                row > 0 && column > 0 && left[row] == right[column - 1] && left[row - 1] == right[column];
            if swapped {
                best = best.min(before[column - 1] + 1);
            }
            current.push(best);
        }
        before = std::mem::replace(&mut above, current);
    }
    above[right.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slips_of_the_pen_are_found_and_other_words_are_not() {
        let keys = ["cidr", "route_table", "network_acl", "subnets"];
        assert_eq!(nearest("cdir", keys), Some("cidr"));
        assert_eq!(nearest("route-table", keys), Some("route_table"));
        assert_eq!(nearest("Subnet", keys), Some("subnets"));
        assert_eq!(nearest("color", keys), None);
    }

    #[test]
    fn lists_read_like_sentences() {
        assert_eq!(listed(["a", "b", "c"]), "`a`, `b` or `c`");
        assert_eq!(listed(["a"]), "`a`");
        assert_eq!(listed(std::iter::repeat_n("x", 14)).matches("`x`").count(), 12);
    }
}
