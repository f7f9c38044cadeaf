//! What is wrong or surprising in a design, with its place and what would be right.

use super::label::Origin;

/// How bad a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// AWS would refuse it, or it cannot be read: nothing can be simulated.
    Error,
    /// It stands, but hardly does what was meant, or a verdict may rest on something unread.
    Warning,
    /// Worth knowing.
    Note,
}

/// One thing found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// How bad it is.
    pub severity: Severity,
    /// A stable code in kebab-case, which `vpcsim explain` knows (`subnet-overlap`).
    pub code: &'static str,
    /// The rule of AWS's behaviour that it rests on (`SUB-02`), where there is one.
    pub rule: Option<&'static str>,
    /// What is wrong, in one sentence, with the names and values.
    pub message: String,
    /// What would be right.
    pub help: Option<String>,
    /// Where it stands.
    pub origin: Origin,
}

impl Finding {
    /// An error.
    pub fn error(code: &'static str, origin: Origin, message: impl Into<String>) -> Self {
        Self {
            severity: Severity::Error,
            code,
            rule: None,
            message: message.into(),
            help: None,
            origin,
        }
    }

    /// A warning.
    pub fn warning(code: &'static str, origin: Origin, message: impl Into<String>) -> Self {
        Self {
            severity: Severity::Warning,
            ..Self::error(code, origin, message)
        }
    }

    /// A note.
    pub fn note(code: &'static str, origin: Origin, message: impl Into<String>) -> Self {
        Self {
            severity: Severity::Note,
            ..Self::error(code, origin, message)
        }
    }

    /// Adds the rule it rests on.
    #[must_use]
    pub fn rule(mut self, rule: &'static str) -> Self {
        self.rule = Some(rule);
        self
    }

    /// Adds what would be right.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }
}

/// Findings in the order in which they were made.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Findings {
    list: Vec<Finding>,
}

impl Findings {
    /// Adds one.
    pub fn push(&mut self, finding: Finding) {
        self.list.push(finding);
    }

    /// Adds those of another list.
    pub fn extend(&mut self, other: Self) {
        self.list.extend(other.list);
    }

    /// All, in order.
    pub fn iter(&self) -> impl Iterator<Item = &Finding> {
        self.list.iter()
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.list.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// Whether one of them is an error.
    pub fn has_errors(&self) -> bool {
        self.list
            .iter()
            .any(|finding| finding.severity == Severity::Error)
    }

    /// Makes warnings of these errors: what stands in a running account was not refused.
    #[must_use]
    pub fn softened(mut self, is_fact: impl Fn(&Finding) -> bool) -> Self {
        for finding in self.list.iter_mut().filter(|finding| is_fact(finding)) {
            finding.severity = finding.severity.max(Severity::Warning);
        }
        self
    }

    /// Sorts by place in the input, errors first at equal places.
    pub fn sort(&mut self) {
        self.list
            .sort_by(|a, b| (a.origin, a.severity, &a.message).cmp(&(b.origin, b.severity, &b.message)));
        self.list.dedup();
    }
}
