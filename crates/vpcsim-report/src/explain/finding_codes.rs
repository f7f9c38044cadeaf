//! The codes of findings, which tell what is wrong or surprising in a design.

/// One code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FindingCode {
    /// The code.
    pub code: &'static str,
    /// What it says.
    pub words: &'static str,
    /// What to look at.
    pub check: &'static str,
}

const fn code(code: &'static str, words: &'static str, check: &'static str) -> FindingCode {
    FindingCode { code, words, check }
}

/// Every code, in the order of the alphabet.
pub const ALL: &[FindingCode] = &[code(
    "blackhole",
    "A route's target does not exist or does not work: whatever takes the route is dropped.",
    "Point the route at something that exists, or delete it.",
)];

/// The code of this name, in any case of letters.
pub fn by_name(name: &str) -> Option<&'static FindingCode> {
    ALL.iter().find(|entry| entry.code.eq_ignore_ascii_case(name))
}
