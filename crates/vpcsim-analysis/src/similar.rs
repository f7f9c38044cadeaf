//! How alike two words are, for suggestions.

/// How many letters have to be added, removed, replaced or swapped with their neighbour to get from one word to the other.
pub(crate) fn edit_distance(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    let mut rows = vec![vec![0; b.len() + 1]; a.len() + 1];
    for i in 0..=a.len() {
        for j in 0..=b.len() {
            if i == 0 || j == 0 {
                rows[i][j] = i + j;
                continue;
            }
            let replaced = rows[i - 1][j - 1] + usize::from(a[i - 1] != b[j - 1]);
            let mut best = replaced.min(rows[i - 1][j] + 1).min(rows[i][j - 1] + 1);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                best = best.min(rows[i - 2][j - 2] + 1);
            }
            rows[i][j] = best;
        }
    }
    rows[a.len()][b.len()]
}

/// The word that is most like `text`, if one is at all.
pub(crate) fn nearest<'a>(text: &str, words: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let bound = (text.chars().count() / 3).max(1);
    let near = words.map(|word| (edit_distance(text, word), word));
    near.filter(|(distance, _)| *distance <= bound)
        .min()
        .map(|(_, word)| word)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn edit_distance_counts_letters() {
        let distances = [("", "abc"), ("web", "web"), ("wbe", "web"), ("web-1", "web-2")]
            .map(|(a, b)| edit_distance(a, b));
        assert_eq!(distances, [3, 0, 1, 1]);
    }

    #[test]
    fn the_most_similar_word_is_suggested_if_it_is_similar_at_all() {
        let words = ["igw", "nat-a", "nat-b"];
        assert_eq!(nearest("nat-aa", words.into_iter()), Some("nat-a"));
        assert_eq!(nearest("firewall", words.into_iter()), None);
    }
}
