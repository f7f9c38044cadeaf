#![no_main]
//! No bytes make a packet parser or a rewriter panic, and a rewritten packet still says what was written.

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| vpcsim_fuzz::packet(data));
