//! Text to topology: reads designs of every format that `vpcsim` knows, and writes the native one.
//!
//! # Map, in reading order
//!
//! - [`read`]: from bytes to a [`Design`]; everything that is wrong comes back as findings, all at once.
//! - `encoding`, `recognise`: which text, and which kind of input.
//! - `terraform`, `cloudformation`: front ends that evaluate a language to `declared` resources, every reference resolved.
//! - `deployment`: what deploying those makes, in the words of `aws … describe-*`; one line a noun for both languages.
//! - `native`: the native YAML format, one file each noun. `describe`: the JSON of `aws ec2 describe-*`, likewise.
//! - `formats`: where each kind of resource stands in them.
//! - `arrange`: the order of resources, so that converting a design changes nothing.
//! - `write`: the native format from a topology ([`write_native`]).
//!
//! # Invariants
//!
//! - No file is opened here: the caller reads, and hands in bytes.
//! - No input makes a panic, and none is dropped without a finding or an entry in `Topology::unread`.
//!
//! ```
//! use vpcsim_import::{Source, read};
//!
//! let yaml = "vpcs: { shop: { cidr: 10.0.0.0/16, subnets: { a: { cidr: 10.0.1.0/24 } } } }";
//! let design = read(vec![Source { name: "shop.yaml".into(), bytes: yaml.into() }]);
//! assert!(!design.findings.has_errors());
//! assert_eq!(design.topology.subnets.len(), 1);
//! ```

mod cloudformation;
mod declared;
mod deployment;
mod describe;
mod encoding;
mod expectation_file;
mod formats;
mod names;
mod native;
mod reading;
mod recognise;
mod terraform;
mod write;

pub use expectation_file::read_expectations;
pub use formats::{Formats, declared_as, formats_of};
pub use reading::{Design, Half, Options, Source, SourceText, read, read_with};

use vpcsim_aws::Topology;

/// The topology in the native format; reading it back gives the same topology.
pub fn write_native(topology: &Topology) -> String {
    write::write(topology)
}

/// JSON Schema (draft 2020-12) of the native format.
pub fn schema() -> serde_json::Value {
    native::schema::schema()
}
