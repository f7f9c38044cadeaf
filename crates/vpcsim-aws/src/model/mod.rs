//! What every declared resource has in common: ids, labels, tables, findings.

pub mod finding;
pub mod id;
pub mod label;

pub use finding::{Finding, Findings, Severity};
pub use id::{Id, Table};
pub use label::{Label, Origin};
