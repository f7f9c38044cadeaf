//! The availability zones of a region, as a new account sees them.

/// Regions whose zones are not `a`, `b` and `c`.
const LETTERS: [(&str, &str); 7] = [
    ("us-east-1", "abcdef"),
    ("us-west-1", "ac"),
    ("us-west-2", "abcd"),
    ("ap-northeast-1", "acd"),
    ("ap-northeast-2", "abcd"),
    ("ca-central-1", "abd"),
    ("cn-north-1", "abd"),
];

/// The names of the zones of a region.
pub(super) fn of(region: &str) -> Vec<String> {
    let letters = LETTERS.iter().find(|(name, _)| *name == region);
    let letters = letters.map_or("abc", |(_, letters)| letters);
    letters
        .chars()
        .map(|letter| format!("{region}{letter}"))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn most_regions_have_three_zones() {
        assert_eq!(of("eu-west-1"), ["eu-west-1a", "eu-west-1b", "eu-west-1c"]);
        assert_eq!(of("us-east-1").len(), 6);
        assert_eq!(of("us-west-1"), ["us-west-1a", "us-west-1c"]);
    }
}
