//! Codes about files of flows.

use super::{FindingCode, code};

pub(super) const CODES: &[FindingCode] = &[
    code(
        "flow-question",
        &[],
        "A line of the file is a flow, but it cannot be asked about this design.",
        "The message says why; hosts are named as in the design.",
    ),
    code(
        "flow-syntax",
        &[],
        "A line of the file is no flow.",
        "Each line is one JSON object, as the help of `vpcsim trace` shows it.",
    ),
];
