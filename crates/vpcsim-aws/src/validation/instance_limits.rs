//! How many interfaces an instance type takes, and how many addresses each of them.

/// The limits of an instance type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct InterfaceLimits {
    /// Interfaces per instance.
    pub(crate) interfaces: usize,
    /// Private IPv4 addresses per interface; a delegated prefix takes the place of one (ENI-11, ENI-12).
    pub(crate) addresses: usize,
}

const LIMITS: [(&str, InterfaceLimits); 2] = [
    (
        "a1.4xlarge",
        InterfaceLimits {
            interfaces: 8,
            addresses: 30,
        },
    ),
    (
        "a1.medium",
        InterfaceLimits {
            interfaces: 2,
            addresses: 4,
        },
    ),
];

/// The limits of an instance type, if they are known here (ENI-11).
pub(crate) fn limits_of(instance_type: &str) -> Option<InterfaceLimits> {
    let found = LIMITS.iter().find(|(name, _)| *name == instance_type)?;
    Some(found.1)
}
