//! Answers of `vpcsim` for people and tools.
//!
//! # Map, in reading order
//!
//! - [`style`]: colours and line breaking. [`pcapng`]: captures for Wireshark.
//! - [`trace_text`]: one flow, hop by hop. [`matrix`] and [`run_text`]: a whole run.
//! - [`network_insights`]: one flow as AWS's Reachability Analyzer prints it.
//! - [`exact`]: who reaches whom. [`faces`]: judged expectations, one file for each format.
//! - [`findings_text`]: what is wrong in a design, with the line of the source.
//! - [`json`]: all of it for tools. [`schema`]: its JSON Schemas. [`explain`] and [`support`]: codes and coverage.
//!
//! # Invariants
//!
//! - Nothing here opens a file, looks at a terminal or knows the time: functions return text or write to a sink that they
//!   are given.
//! - Equal answers give equal bytes.

pub mod exact;
pub mod explain;
pub mod faces;
pub mod findings_text;
pub mod json;
pub mod matrix;
pub mod network_insights;
pub mod pcapng;
pub mod run_text;
pub mod schema;
pub mod style;
pub mod support;
pub mod trace_text;

#[cfg(test)]
mod samples;

pub use findings_text::SourceFile;
pub use pcapng::APPLICATION;
pub use style::Style;
