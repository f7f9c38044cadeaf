//! Codes about what gets through, found by the whole design at work.

use super::{FindingCode, code};

pub(super) const CODES: &[FindingCode] = &[
    code(
        "one-way-path",
        &[],
        "A flow arrives, and its answer is lost: the way there is open, and the way back is not.",
        "Look at the route table or network ACL that the finding names: answers need a route, and network ACLs let them out and in by entries of their own.",
    ),
    code(
        "one-way-paths-not-searched",
        &[],
        "The design has so many interfaces that one-way paths are not looked for.",
        "Ask `vpcsim reach` for some of them with --from and --to.",
    ),
];
