//! vpcsim-analysis.

pub mod answer;

pub use answer::{
    Answer, Capture, CaptureInterface, CaptureRecord, Explanation, FlowQuery, Hop, Leg, Observed, UnreadNote,
    Verdict,
};
