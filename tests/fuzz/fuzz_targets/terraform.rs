#![no_main]
//! No text makes the reader of plans and states of Terraform panic.

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| vpcsim_fuzz::design("plan.json", data));
