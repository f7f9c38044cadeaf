#![no_main]
//! No text makes the reader of describe JSON panic.

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| vpcsim_fuzz::design("describe.json", data));
