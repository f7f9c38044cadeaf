#![no_main]
//! No line makes the reader of flow files panic.

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| vpcsim_fuzz::flow_line(data));
