//! Questions about a design: what becomes of a flow, of every expectation, of everybody's flows to every service.
//!
//! # Map, in reading order
//!
//! - [`answer`]: a question about one flow, and its answer. [`endpoint`]: who and which address is meant by a name.
//! - [`simulation`]: a compiled design that makes fresh networks with hosts in them.
//! - [`trace`]: one flow in a network of its own. [`way`]: the same in ids. [`run`]: the whole design in one network.
//! - [`reach`]: exact answers for all pairs, from the devices' tables, with packets that have to agree.
//! - [`blockers`]: all that stands in a flow's way.
//! - [`judgement`]: expectations held against exact answers. [`one_way`]: answers that get lost, as findings.
//! - [`recorder`]: the onlooker that keeps trails and captures. [`grammar`]: the legal orders of stations.
//! - Inside: `question` (a precise query), `legs` (trails as answers), `explain` (why and what would help),
//!   `captured` (frames, kept or handed on), `unread` (what an answer rests on), `similar` (suggestions).
//!
//! # Invariants
//!
//! - An answer about a flow is read from what real packets did; exact answers come from the tables that judge packets, and
//!   witnesses prove them.
//! - Equal design, query and options give equal answers and equal captures.
//! - What rests on something that is not modelled is unknown, and unknown never passes.

mod analyzer_code;
pub mod answer;
pub mod blockers;
mod captured;
mod directory;
pub mod endpoint;
mod explain;
mod gateway_codes;
pub mod grammar;
pub mod judgement;
mod legs;
pub mod one_way;
mod question;
pub mod reach;
pub mod recorder;
pub mod run;
mod similar;
pub mod simulation;
pub mod trace;
mod unread;
pub mod way;

pub use answer::{
    Answer, Capture, CaptureInterface, CaptureRecord, Explanation, FlowQuery, Hop, Leg, Observed, UnreadNote,
    Verdict,
};
pub use blockers::Blocker;
pub use captured::{CaptureSink, CapturedFrame};
pub use directory::Directory;
pub use endpoint::QuestionError;
pub use judgement::{Judgement, Outcome};
pub use recorder::{CaptureChoice, Recorder};
pub use run::{ExpectationResult, RunReport};
pub use simulation::{Options, Simulation};
pub use trace::Tracer;
pub use way::{Cause, Header, Rule, Stop, Way};

#[cfg(test)]
mod fixtures;
#[cfg(test)]
mod tests;
